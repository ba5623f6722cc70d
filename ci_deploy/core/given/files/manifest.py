"""The repository's file, `ci-deploy.yml`: its functions, released together, read into one `Inputs` for each.

    # yaml-language-server: $schema=https://raw.githubusercontent.com/your-org/ci-deploy/v1/docs/ci-deploy.schema.json
    run: {aws-region: eu-central-1, rollback-workflow: rollback.yml}
    defaults: {application: shop, bucket: shop-deployments}
    functions:
      checkout: {code: src/checkout, deployment-group: checkout-live}
      cart: {code: src/cart, deployment-group: cart-live, deployment-config: all-at-once}
    waves:
      - [cart]
      - [checkout]
    environments:
      prod: {run: {account-id: "123456789012"}, defaults: {alarms: off}}

The more specific wins: an input, a function's own setting, the environment's, `defaults`, the table's default. One file
serves every command: each reads the settings that it uses. Every problem is reported at once and with its line. One
account and one region a run; no templates, no globs. Contract: design.md 2, "The repository's file".
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

from ...errors import InvalidInput, Problem
from ...lazy import dataclass
from ...run import Command
from ..inputs import InFile, Inputs, Spec, table
from ..kinds import BOOL, CODE, GUARDS, LINES_OR_OFF, LIST, ROLLBACK_EVENTS, VERSION
from ..meant import names, remedy, shorten
from ..parsing import of_arn, parse
from ..source import Local, source
from .nodes import Reader, is_null, shown

MAX_CHARACTERS = 4 * 1024 * 1024
MAX_FUNCTIONS = 1000
_FORM = "Functions are the keys under `functions`, their settings the values: `checkout: {code: src/checkout}`."
_ENVIRONMENT = "An environment is `prod: {run: …, defaults: …}`."
_PARTS = ("run", "defaults", "functions", "waves", "environments")
# In a pull request's own file these would let a stranger choose what is published, and where links lead.
FROM_INPUTS_IN_PULL_REQUESTS = ("hook-logs", "comment", "rollback-workflow")
# Where a file and an input that disagree mean two different places, and not one setting that is overridden.
_PLACES = ("aws-region", "account-id")


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One function of a release: its inputs, and the wave (0 the first) in which it goes."""

    inputs: Inputs
    wave: int
    given: frozenset[str]
    name: str = ""  # its name in the file


@dataclass(frozen=True, slots=True, kw_only=True)
class Manifest:
    """What a file says for one run.

    `run` are the run's inputs as text, the file's own among them. `entries` are the functions that the input `function`
    means, all of them where it names none; empty if it names one that is not in the file. `labels`: all that are there.
    """

    run: Mapping[str, str]
    entries: tuple[Entry, ...]
    labels: tuple[str, ...]


_BELONGS = {
    InFile.NO: "Set it as an input.",
    InFile.RUN: "It belongs into `run`.",
    InFile.FUNCTION: "It belongs into `defaults`, or to a function.",
}


def settings(place: InFile) -> tuple[str, ...]:
    """What can be said for each function, or for the run, by the table's names."""
    return tuple(spec.name for spec in table() if spec.file is place)


def schema() -> dict[str, Any]:
    """The file as JSON schema, for editors; `read` checks more, and says lines. docs/ci-deploy.schema.json is it."""
    rows = {spec.name: spec for spec in table()}

    def of(place: InFile) -> dict[str, Any]:
        properties = {name: _setting_schema(rows[name]) for name in settings(place)}
        return {"type": ["object", "null"], "additionalProperties": False, "properties": properties}

    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "ci-deploy.yml",
        "description": "This repository's Lambda functions and how they are deployed. The more specific setting wins.",
        "type": "object",
        "required": ["functions"],
        "additionalProperties": False,
        "properties": {
            "run": {"$ref": "#/$defs/run", "description": "Settings of every run, whatever it deploys."},
            "defaults": {"$ref": "#/$defs/settings", "description": "Settings that every function has."},
            "functions": {
                "type": "object",
                "minProperties": 1,
                "maxProperties": MAX_FUNCTIONS,
                "description": "The functions by name; a name that is only a label says `function` inside.",
                "additionalProperties": {"$ref": "#/$defs/settings"},
            },
            "waves": {
                "type": "array",
                "description": "Functions go in the order of waves, side by side inside one. Every function is in one.",
                "items": {"type": "array", "minItems": 1, "items": {"type": "string"}},
            },
            "environments": {
                "type": "object",
                "minProperties": 1,
                "description": "One account and region each, chosen by the input `target`.",
                "additionalProperties": {
                    "type": ["object", "null"],
                    "additionalProperties": False,
                    "properties": {"run": {"$ref": "#/$defs/run"}, "defaults": {"$ref": "#/$defs/settings"}},
                },
            },
        },
        "$defs": {"settings": of(InFile.FUNCTION), "run": of(InFile.RUN)},
    }


def _setting_schema(spec: Spec) -> dict[str, Any]:
    form: dict[str, Any] = {"type": ["string", "null"]}
    if spec.kind is BOOL:
        form = {"type": ["boolean", "null"]}
    elif spec.kind is VERSION or spec.kind.name == "count":
        form = {"type": ["string", "integer", "null"]}
    elif spec.kind in (LIST, LINES_OR_OFF, ROLLBACK_EVENTS, GUARDS):
        form = {"type": ["string", "array", "null"], "items": {"type": "string"}}
    elif spec.kind.choices:
        form = {"enum": [*spec.kind.choices, None]}
    default = f" Default: `{spec.default}`." if spec.default else ""
    return form | {"description": f"{spec.text}{default} Written as {spec.kind.hint}."}


def read(
    text: str,
    given: Mapping[str, str],
    *,
    where: str,
    folder: str = "",
    ignoring: Sequence[str] = (),
    attended: bool = False,
) -> Manifest:
    """The file's run settings and its functions, in its order; raises InvalidInput with every problem.

    `given` are the run's inputs as text, which win over the file. `folder`: the way from the working folder to the one
    that paths in the file begin at, empty where they are the same. `ignoring`: run settings that the file may not make.
    """
    reader = _Reader(where, given, folder, ignoring, attended=attended)
    made = reader.read(text)
    if reader.problems:
        raise InvalidInput(reader.problems)
    return made


def select(entries: tuple[Entry, ...], only: tuple[str, ...], *, where: str) -> tuple[Entry, ...]:
    """The entries that `only` names; all of them if it names none, or is `all`."""
    if only == ("all",) or not only:
        return entries
    known = [entry.name for entry in entries]
    problems = tuple(
        Problem(where=where, what=f"names `{shorten(name)}`, which is not in the file.", remedy=remedy(name, known))
        for name in only
        if name not in known
    )
    if problems:
        raise InvalidInput(problems)
    return tuple(entry for entry in entries if entry.name in only)


def matrix(entries: Sequence[Entry], size: int) -> dict[str, list[dict[str, str]]]:
    """The functions in shards of at most `size`, as a GitHub matrix: each has a `shard` and what `only` is given.

    The functions of one deployment group stay together: they take turns anyway, and shards do not know each other.
    """
    groups: dict[tuple[str | None, str | None], list[str]] = {}
    for entry in entries:
        groups.setdefault((entry.inputs.application, entry.inputs.deployment_group), []).append(entry.name)
    shards: list[list[str]] = [[]]
    for members in groups.values():
        if shards[-1] and len(shards[-1]) + len(members) > size:
            shards.append([])
        shards[-1] += members
    return {
        "include": [
            {"shard": f"{number}/{len(shards)}", "only": ",".join(shard)} for number, shard in enumerate(shards, 1)
        ]
    }


def _meant(entries: Sequence[Entry], function: str, alias: str) -> list[Entry]:
    """The entries that `function` means: by the label, else by the function's name or ARN; `alias` decides between."""
    there = of_arn(function)
    name = function.split(":")[-1] if there else function
    labelled = [entry for entry in entries if entry.name == function]
    if labelled:
        name = labelled[0].inputs.function or name  # it may have another alias that is an entry of its own
    found = [
        entry
        for entry in entries
        if entry.inputs.function == name
        and all(getattr(entry.inputs, place) in (None, said) for place, said in there.items())
    ]
    exact = [entry for entry in found if entry.inputs.alias == alias]
    return exact or labelled or found


class _Reader(Reader):
    """One reading; collects problems with their lines."""

    def __init__(
        self, where: str, given: Mapping[str, str], folder: str, ignoring: Sequence[str], *, attended: bool
    ) -> None:
        super().__init__(f"file `{where}`")
        self._given = {name: value for name, value in given.items() if value.strip()}
        self._folder = folder
        self._ignoring = ignoring
        self._attended = attended
        # What is wrong with several functions (a default is, or all lack something) is told once, with their names.
        self._shared: dict[tuple[Any, Problem], tuple[Any, list[str]]] = {}
        command = self._given.get("command", "").strip().lower() or Command.DEPLOY
        self._of_others = frozenset(spec.name for spec in table() if command not in spec.commands)
        if command == Command.ROLLBACK:
            # The file says what to deploy and how: not what to go back to, and not that going back is slow or undone.
            self._of_others |= {"version", "deployment-config", "auto-rollback", "on-timeout", "on-cancel"}

    def read(self, text: str) -> Manifest:
        root = self.compose(
            text,
            limit=MAX_CHARACTERS,
            instead_of_anchors="Use `defaults` instead.",
            needs="It needs `functions`, in one document.",
        )
        top = self.mapping(root, "the file", _PARTS, remedy=_FORM)
        environment = self._environment(top.get("environments"))
        self._run = self._of_run(top.get("run"), environment.get("run"))
        # A function's settings are read with the run's inputs as their base; what only the file says of the run too.
        self._base = {**{name: text for name, (text, _) in self._run.items()}, **self._given}
        defaults = self._settings(top.get("defaults"), "`defaults`")
        defaults |= self._settings(environment.get("defaults"), "`defaults` of the environment")
        functions = self.mapping(top.get("functions"), "`functions`", None, remedy=_FORM)
        if not functions and not self.problems:
            self.wrong(top.get("functions", root), "names no functions.", "Name at least one under `functions`.")
        if len(functions) > MAX_FUNCTIONS:
            self.wrong(
                top["functions"],
                f"names {len(functions)} functions; {MAX_FUNCTIONS} are possible in one run.",
                "Split it, and run the parts by a matrix.",
            )
            raise InvalidInput(self.problems)
        waves = self._waves(top.get("waves"), functions)
        entries = [entry for name, node in functions.items() if (entry := self._entry(name, node, defaults, waves))]
        self._tell_shared()
        self._twice(entries, functions)
        self._one_place(entries, functions)
        function, alias = (self._given.get(name, "").strip() for name in ("function", "alias"))
        if function and not self.problems:
            entries = _meant(entries, function, alias)
            if len(entries) > 1:
                what = f"is in the file {len(entries)} times: {names(entry.name for entry in entries)}."
                self.problem("input `function`", what, "Set `alias`, or use the name in the file.")
            for entry in entries[:1]:
                if alias and alias != entry.inputs.alias:  # the input wins over the file
                    own = self._entry(entry.name, functions[entry.name], defaults, waves, alias=alias)
                    entries = [own] if own else []
                    self._tell_shared()
            there: dict[str, Any] = dict(of_arn(function))
            entries = [replace(entry, inputs=replace(entry.inputs, **there)) for entry in entries]
        return Manifest(run=self._base, entries=tuple(entries), labels=tuple(functions))

    def _environment(self, node: Any) -> dict[str, Any]:
        """The parts of the environment that `target` chooses; every environment is checked."""
        target = self._given.get("target", "").strip()
        if node is None or is_null(node):
            if target:
                self.problem(
                    "input `target`",
                    f"is `{shorten(target)}`, but the file has no `environments`.",
                    "Leave `target` out, or add the environment to the file.",
                )
            return {}
        known = self.mapping(node, "`environments`", None, remedy=_ENVIRONMENT)
        if node.id == "mapping" and not node.value:
            self.wrong(node, "names no environments.", "Name at least one, or leave `environments` out.")
        if not known:
            return {}
        parts = {
            name: self.mapping(
                each, f"environment `{shorten(name)}`", ("run", "defaults"), remedy="It has `run` and `defaults`."
            )
            for name, each in known.items()
        }
        for name, each in parts.items():
            if name != target:  # the chosen one is read like the rest of the file
                self._settings(each.get("defaults"), f"`defaults` of environment `{shorten(name)}`")
                self._layer(each.get("run"), f"`run` of environment `{shorten(name)}`", InFile.RUN)
        if not target:
            self.problem(
                "input `target`", "is missing: the file has several environments.", f"Choose one of {names(known)}."
            )
        elif target not in known:
            self.problem(
                "input `target`", f"is `{shorten(target)}`, which the file does not have.", remedy(target, known)
            )
        return parts.get(target, {})

    def _of_run(self, *nodes: Any) -> dict[str, tuple[str, Any]]:
        """The file's settings for the run, where no input says otherwise."""
        found: dict[str, tuple[str, Any]] = {}
        for node in nodes:
            found |= self._layer(node, "`run`", InFile.RUN)
        for name, (text, node) in list(found.items()):
            said = self._given.get(name, "").strip()
            if name in _PLACES and said and text and said != text:
                what = f"has `{shorten(text)}` for `{name}`, but the input is `{shorten(said)}`."
                self.wrong(node, what, "Make them agree, or leave one of them out.")
            useless = name in self._of_others or (name == "github-deployment" and "github-token" not in self._given)
            if said or not text or useless or name in self._ignoring:
                del found[name]
        return found

    def _settings(self, node: Any, what: str) -> dict[str, tuple[str, Any]]:
        return self._layer(node, what, InFile.FUNCTION)

    def _layer(self, node: Any, what: str, place: InFile) -> dict[str, tuple[str, Any]]:
        """Settings as the text that the table parses, each with its node for the line."""
        found: dict[str, tuple[str, Any]] = {}
        rows = {spec.name: spec for spec in table()}
        for name, value in self.mapping(node, what, None, remedy="A setting is `name: value`.").items():
            spec = rows.get(name)
            if spec is None:
                self.wrong(value, f"has the unknown key `{shorten(name)}` in {what}.", remedy(name, settings(place)))
            elif spec.file is not place:
                self.wrong(value, f"has `{name}` in {what}, where it does not belong.", _BELONGS[spec.file])
            else:
                text = self._text(value, name)
                if text is not None:
                    found[name] = (self._from_here(spec, text), value)
        return found

    def _from_here(self, spec: Spec, text: str) -> str:
        """A path in the file begins at the repository's root, wherever the run was started."""
        if not self._folder or not text.strip():
            return text
        if spec.name == "smoke" or (spec.name == "appspec" and not text.startswith("s3://")):
            return f"{self._folder}/{text}"
        if spec.kind is CODE:
            try:
                return f"{self._folder}/{text}" if isinstance(source(text.strip()), Local) else text
            except ValueError:
                return text  # told when it is parsed
        return text

    def _text(self, node: Any, name: str) -> str | None:
        if node.id == "scalar":
            return "" if is_null(node) else str(node.value)
        if node.id == "sequence" and all(item.id == "scalar" for item in node.value):
            return "\n".join(item.value for item in node.value)
        shape = "a list of something else than text" if node.id == "sequence" else shown(node)
        self.wrong(node, f"has {shape} for `{name}`.", "Give text, or a list of it.")
        return None

    def _entry(
        self,
        name: str,
        node: Any,
        defaults: Mapping[str, tuple[str, Any]],
        waves: Mapping[str, int],
        *,
        alias: str = "",
    ) -> Entry | None:
        own = self._settings(node, f"function `{shorten(name)}`")
        # Beside `function`, `alias` tells entries apart.
        chooses = ("function", "only", *(["alias"] if "function" in self._given and not alias else []))
        base = {setting: text for setting, text in self._base.items() if setting not in chooses}
        merged: dict[str, str] = {"function": name}
        nodes: dict[str, Any] = {}
        for layer in (defaults, own):
            for setting, (text, place) in layer.items():
                # The manifest says what there is to say about a function, for every command: a rollback has no use for
                # its package, and no reason to refuse it.
                if setting not in self._of_others:
                    merged[setting] = text
                    nodes[setting] = place
        overridden = {"code", "version"} if base.keys() & {"code", "version"} else set()
        merged = {setting: text for setting, text in merged.items() if setting not in overridden} | base
        nodes = {setting: place for setting, place in nodes.items() if setting not in base}
        try:
            inputs = parse(merged, where="{}", attended=self._attended)
        except InvalidInput as error:
            for problem in error.problems:
                place = nodes.get(problem.where) or self._run.get(problem.where, (None, None))[1]
                self._shared.setdefault((place, problem), (place or node, []))[1].append(name)
            return None
        given = frozenset(setting for setting, text in merged.items() if text.strip())
        return Entry(inputs=inputs, wave=waves.get(name, 0), given=given, name=name)

    def _tell_shared(self) -> None:
        inputs_only = settings(InFile.NO)
        for (place, problem), (node, concerned) in self._shared.items():
            if problem.where in inputs_only:  # the file has no place for it
                self.problem(f"input `{problem.where}`", problem.what, problem.remedy)
                continue
            whose = f"`{problem.where}` of function{'s' if len(concerned) > 1 else ''} {names(concerned)}"
            if place is None and problem.where in self._given:
                whose += " (an input of the run)"
            elif problem.where in self._run:
                whose = f"`{problem.where}` in `run`"
            self.wrong(node, f"{whose}{':' if problem.what.startswith('`') else ''} {problem.what}", problem.remedy)

    def _waves(self, node: Any, functions: Mapping[str, Any]) -> dict[str, int]:
        if node is None or is_null(node):
            return {}
        found: dict[str, int] = {}
        before = len(self.problems)
        for number, name, place in self._wave_items(node):
            if name not in functions:
                self.wrong(
                    place,
                    f"has `{shorten(name)}` in `waves`, which is not one of the functions.",
                    remedy(name, functions),
                )
            elif name in found:
                self.wrong(place, f"has `{name}` in two waves.", "Every function goes once.")
            else:
                found[name] = number
        missing = [name for name in functions if name not in found]
        if missing and len(self.problems) == before:
            self.wrong(node, f"has no wave for {names(missing)}.", "With `waves`, every function is in one.")
        return found

    def _wave_items(self, node: Any) -> Iterator[tuple[int, str, Any]]:
        form = "A wave is a list of functions: `- [cart, checkout]`."
        if node.id != "sequence":
            self.wrong(node, f"has {shown(node)} where `waves` should be a list of lists.", form)
            return
        for number, wave in enumerate(node.value):
            if wave.id != "sequence":
                self.wrong(wave, f"has {shown(wave)} as wave {number + 1}.", form)
            elif not wave.value:
                self.wrong(wave, f"has nothing in wave {number + 1}.", "Name its functions, or leave it out.")
            else:
                for item in wave.value:
                    if item.id == "scalar":
                        yield number, item.value, item
                    else:
                        self.wrong(item, f"has {shown(item)} in wave {number + 1}.", form)

    def _twice(self, entries: list[Entry], functions: Mapping[str, Any]) -> None:
        seen: dict[tuple[str | None, str], str] = {}
        for entry in entries:
            key = (entry.inputs.function, entry.inputs.alias)
            if key in seen:
                self.wrong(
                    functions[entry.name],
                    f"deploys `{key[0]}:{key[1]}` twice, as `{seen[key]}` and as `{entry.name}`.",
                    "One function and alias, one entry.",
                )
            seen.setdefault(key, entry.name)

    def _one_place(self, entries: list[Entry], functions: Mapping[str, Any]) -> None:
        """ARNs say where functions are; a run is in one region with one account's credentials."""
        for setting, name in (("aws_region", "region"), ("account_id", "account")):
            first: Entry | None = None
            for entry in entries:
                there = getattr(entry.inputs, setting)
                if first is None and there is not None:
                    first = entry
                elif first is not None and there not in (None, getattr(first.inputs, setting)):
                    self.wrong(
                        functions[entry.name],
                        f"has `{entry.name}` in {name} `{there}`, and `{first.name}` in"
                        f" `{getattr(first.inputs, setting)}`.",
                        f"One {name} a run: make environments of them, or describe the others in a file of their own.",
                    )
