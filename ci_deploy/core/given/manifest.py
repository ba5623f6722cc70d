"""The manifest: several functions released together, as YAML, read into one `Inputs` for each function.

    # yaml-language-server: $schema=https://raw.githubusercontent.com/your-org/ci-deploy/v1/docs/manifest.schema.json
    defaults: {application: shop, bucket: shop-deployments}
    functions:
      checkout: {deployment-group: checkout-live}
      cart: {deployment-group: cart-live, deployment-config: CodeDeployDefault.LambdaAllAtOnce}
    waves:
      - [cart]
      - [checkout]

The more specific wins: a function's own setting, then `defaults`, then the run's inputs, then the table's default.
One manifest serves every command: each reads the settings that it uses.
Every problem is reported at once and with its line. One account and one region a manifest; no templates, no globs.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ..errors import InvalidInput, Problem
from ..run import Command
from .inputs import Inputs, Spec, parse, shorten, table
from .kinds import BOOL, LIST, ROLLBACK_EVENTS, VERSION
from .nodes import Reader, is_null, meant, names, shown

MAX_CHARACTERS = 4 * 1024 * 1024
MAX_FUNCTIONS = 1000
_FORM = "Functions are the keys under `functions`, their settings the values: `checkout: {deployment-group: …}`."

# What belongs to a run as a whole; everything else in the table can be said for each function.
RUN_ONLY = frozenset({
    "command",
    "functions",
    "account-id",
    "aws-region",
    "role-to-assume",
    "github-token",
    "comment",
    "comment-key",
    "hook-logs",
    "github-deployment",
    "environment",
    "environment-url",
    "rollback-workflow",
    "allow-untrusted-event",
    "release-policy",
    "max-parallel",
    "only",
    "matrix",
    "shard-size",
    "wait",
    "reason",
    "hold",
    "release-hold",
    "deployment-id",
    "service-role-arn",
    "custom-config",
    "triggers",
    "update-group",
    "keep",
    "apply",
})  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One function of a release: its inputs, and the wave (0 the first) in which it goes."""

    inputs: Inputs
    wave: int
    given: frozenset[str]
    name: str = ""  # its name in the manifest


def settings() -> tuple[str, ...]:
    """What can be said for each function, by the table's names."""
    return tuple(spec.name for spec in table() if spec.name not in RUN_ONLY)


def schema() -> dict[str, Any]:
    """The manifest as JSON schema, for editors; `read` checks more, and says lines. docs/manifest.schema.json is it."""
    rows = {spec.name: spec for spec in table()}
    properties = {name: _setting_schema(rows[name]) for name in settings()}
    settings_schema = {"type": ["object", "null"], "additionalProperties": False, "properties": properties}
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "ci-deploy manifest",
        "description": "Several Lambda functions that are released together. The more specific setting wins.",
        "type": "object",
        "required": ["functions"],
        "additionalProperties": False,
        "properties": {
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
        },
        "$defs": {"settings": settings_schema},
    }


def _setting_schema(spec: Spec) -> dict[str, Any]:
    form: dict[str, Any] = {"type": ["string", "null"]}
    if spec.kind is BOOL:
        form = {"type": ["boolean", "null"]}
    elif spec.kind is VERSION:
        form = {"type": ["string", "integer", "null"]}
    elif spec.kind in (LIST, ROLLBACK_EVENTS):
        form = {"type": ["string", "array", "null"], "items": {"type": "string"}}
    elif spec.kind.choices:
        form = {"enum": [*spec.kind.choices, None]}
    default = f" Default: `{spec.default}`." if spec.default else ""
    return form | {"description": f"{spec.text}{default} Written as {spec.kind.hint}."}


def read(text: str, run: Mapping[str, str], *, where: str) -> tuple[Entry, ...]:
    """The manifest's functions, in its order. `run` are the run's inputs as given; raises InvalidInput."""
    reader = _Reader(where, run)
    entries = reader.read(text)
    if reader.problems:
        raise InvalidInput(reader.problems)
    return entries


def select(entries: tuple[Entry, ...], only: tuple[str, ...], *, where: str) -> tuple[Entry, ...]:
    """The entries that `only` names, all of them if it names none."""
    known = [entry.name for entry in entries]
    problems = tuple(
        Problem(where=where, what=f"names `{shorten(name)}`, which is not in the manifest.", remedy=meant(name, known))
        for name in only
        if name not in known
    )
    if problems:
        raise InvalidInput(problems)
    return tuple(entry for entry in entries if not only or entry.name in only)


def matrix(entries: Sequence[Entry], size: int) -> dict[str, list[dict[str, str]]]:
    """The manifest in shards of at most `size`, as a GitHub matrix: each has a `shard` and what `only` is given.

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


class _Reader(Reader):
    """One reading; collects problems with their lines."""

    def __init__(self, where: str, run: Mapping[str, str]) -> None:
        super().__init__(f"manifest `{where}`")
        self._base = {name: value for name, value in run.items() if name != "functions" and value.strip()}
        # What is wrong with several functions (a default is, or all lack something) is told once, with their names.
        self._shared: dict[tuple[Any, Problem], tuple[Any, list[str]]] = {}
        self._known = settings()
        command = self._base.get("command", "").strip() or Command.DEPLOY
        self._of_others = frozenset(spec.name for spec in table() if command not in spec.commands)

    def read(self, text: str) -> tuple[Entry, ...]:
        root = self.compose(
            text,
            limit=MAX_CHARACTERS,
            instead_of_anchors="Use `defaults` instead.",
            needs="It needs `functions`, in one document.",
        )
        top = self.mapping(root, "the manifest", ("defaults", "functions", "waves"), remedy=_FORM)
        defaults = self._settings(top.get("defaults"), "`defaults`")
        functions = self.mapping(top.get("functions"), "`functions`", None, remedy=_FORM)
        if not functions and not self.problems:
            self.wrong(top.get("functions", root), "names no functions.", "Give at least one under `functions`.")
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
        return tuple(entries)

    def _settings(self, node: Any, what: str) -> dict[str, tuple[str, Any]]:
        """Settings as the text that the table parses, each with its node for the line."""
        found: dict[str, tuple[str, Any]] = {}
        for name, value in self.mapping(node, what, None, remedy="A setting is `name: value`.").items():
            if name in RUN_ONLY:
                self.wrong(value, f"has `{name}` in {what}, which is for the whole run.", "Give it as an input.")
            elif name not in self._known:
                self.wrong(value, f"has `{shorten(name)}` in {what}, which is not known.", meant(name, self._known))
            else:
                text = self._text(value, name)
                if text is not None:
                    found[name] = (text, value)
        return found

    def _text(self, node: Any, name: str) -> str | None:
        if node.id == "scalar":
            return "" if is_null(node) else str(node.value)
        if node.id == "sequence" and all(item.id == "scalar" for item in node.value):
            return "\n".join(item.value for item in node.value)
        shape = "a list of something else than text" if node.id == "sequence" else shown(node)
        self.wrong(node, f"has {shape} for `{name}`.", "Give text, or a list of it.")
        return None

    def _entry(
        self, name: str, node: Any, defaults: Mapping[str, tuple[str, Any]], waves: Mapping[str, int]
    ) -> Entry | None:
        own = self._settings(node, f"function `{shorten(name)}`")
        merged: dict[str, str] = {**self._base, "function": name}
        nodes: dict[str, Any] = {}
        for layer in (defaults, own):
            for setting, (text, place) in layer.items():
                # The manifest says what there is to say about a function, for every command: a rollback has no use for
                # its package, and no reason to refuse it.
                if setting not in self._of_others:
                    merged[setting] = text
                    nodes[setting] = place
        try:
            inputs = parse(merged, where="{}")
        except InvalidInput as error:
            for problem in error.problems:
                place = nodes.get(problem.where)
                self._shared.setdefault((place, problem), (place or node, []))[1].append(name)
            return None
        given = frozenset(setting for setting, text in merged.items() if text.strip())
        return Entry(inputs=inputs, wave=waves.get(name, 0), given=given, name=name)

    def _tell_shared(self) -> None:
        for (place, problem), (node, concerned) in self._shared.items():
            whose = f"`{problem.where}` of function{'s' if len(concerned) > 1 else ''} {names(concerned)}"
            if place is None and problem.where in self._base:
                whose += " (an input of the run)"
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
                    meant(name, functions),
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
                        f"One {name} a manifest: run the others by one of their own.",
                    )
