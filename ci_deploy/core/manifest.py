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
Every problem is reported at once and with its line. One account and one region a manifest; no templates, no globs.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from typing import Any

from .errors import InvalidInput, Problem
from .inputs import Inputs, Spec, parse, table
from .kinds import BOOL, LIST, ROLLBACK_EVENTS, VERSION

MAX_CHARACTERS = 4 * 1024 * 1024
MAX_FUNCTIONS = 1000

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
        raise InvalidInput(tuple(reader.problems))
    return entries


def select(entries: tuple[Entry, ...], only: tuple[str, ...], *, where: str) -> tuple[Entry, ...]:
    """The entries that `only` names, all of them if it names none."""
    names = {entry.name for entry in entries}
    unknown = [name for name in only if name not in names]
    if unknown:
        problems = tuple(
            Problem(where=where, what=f"names `{name}`, which is not in the manifest.", remedy=_close(name, names))
            for name in unknown
        )
        raise InvalidInput(problems)
    return tuple(entry for entry in entries if not only or entry.name in only)


def _close(name: str, names: Iterable[str]) -> str:
    close = get_close_matches(name, names, 1)
    return f"Did you mean `{close[0]}`?" if close else ""


def matrix(entries: Sequence[Entry], size: int) -> dict[str, list[dict[str, str]]]:
    """The manifest in shards of at most `size`, as a GitHub matrix: each has a `shard` and what `only` is given.

    The functions of one deployment group stay together: they take turns anyway, and shards do not know each other.
    """
    groups: dict[tuple[str | None, str | None], list[str]] = {}
    for entry in entries:
        groups.setdefault((entry.inputs.application, entry.inputs.deployment_group), []).append(entry.name)
    shards: list[list[str]] = [[]]
    for names in groups.values():
        if shards[-1] and len(shards[-1]) + len(names) > size:
            shards.append([])
        shards[-1] += names
    return {
        "include": [
            {"shard": f"{number}/{len(shards)}", "only": ",".join(names)} for number, names in enumerate(shards, 1)
        ]
    }


class _Reader:
    """One reading; collects problems with their lines."""

    def __init__(self, where: str, run: Mapping[str, str]) -> None:
        self.where = where
        self.problems: list[Problem] = []
        self._base = {
            name: value for name, value in run.items() if name not in ("functions", "function") and value.strip()
        }

    def wrong(self, node: Any, what: str, remedy: str = "") -> None:
        line = f", line {node.start_mark.line + 1}" if node is not None else ""
        self.problems.append(Problem(where=f"manifest `{self.where}`{line}", what=what, remedy=remedy))

    def read(self, text: str) -> tuple[Entry, ...]:
        root = self._compose(text)
        if root is None:
            return ()
        top = self._mapping(root, "the manifest", {"defaults", "functions", "waves"})
        defaults = self._settings(top.get("defaults"), "defaults")
        functions = self._mapping(top.get("functions"), "`functions`", None)
        if not functions and not self.problems:
            self.wrong(top.get("functions", root), "names no functions.", "Give at least one under `functions`.")
        if len(functions) > MAX_FUNCTIONS:
            self.wrong(
                top["functions"],
                f"names {len(functions)} functions; {MAX_FUNCTIONS} are possible in one run.",
                "Split it, and run the parts by a matrix.",
            )
            return ()
        waves = self._waves(top.get("waves"), functions)
        entries = [entry for name, node in functions.items() if (entry := self._entry(name, node, defaults, waves))]
        self._twice(entries, top.get("functions"))
        return tuple(entries)

    def _compose(self, text: str) -> Any:
        import yaml

        if len(text) > MAX_CHARACTERS:
            self.wrong(None, f"is longer than {MAX_CHARACTERS} characters.")
            return None
        try:
            for token in yaml.scan(text):
                if isinstance(token, yaml.AliasToken | yaml.AnchorToken):
                    self.wrong(token, "uses YAML anchors or aliases (`&name`, `*name`).", "Use `defaults` instead.")
                    return None
                if isinstance(token, yaml.ScalarToken) and "${{" in token.value:
                    self.wrong(
                        token,
                        "has a `${{ … }}` expression in it, which only GitHub's workflow files know.",
                        "Pass what changes from run to run as an input of the step.",
                    )
                    return None
            documents = list(yaml.compose_all(text, Loader=yaml.SafeLoader))
        except yaml.YAMLError as error:
            mark = getattr(error, "problem_mark", None)
            line = f", line {mark.line + 1}" if mark is not None else ""
            said = getattr(error, "problem", None) or "not valid YAML"
            self.problems.append(Problem(where=f"manifest `{self.where}`{line}", what=f"cannot be read: {said}."))
            return None
        except RecursionError:
            self.wrong(None, "is nested too deeply.")
            return None
        if len(documents) != 1 or documents[0] is None:
            self.wrong(None, "is empty." if not documents else "has several documents.", "It needs `functions`.")
            return None
        return documents[0]

    def _mapping(self, node: Any, what: str, allowed: set[str] | None) -> dict[str, Any]:
        import yaml

        if node is None or self._null(node):
            return {}
        if not isinstance(node, yaml.MappingNode):
            self.wrong(node, f"has something else than a mapping for {what}.")
            return {}
        found: dict[str, Any] = {}
        for key, value in node.value:
            if not isinstance(key, yaml.ScalarNode):
                self.wrong(key, f"has a key in {what} that is not text.")
                continue
            name = key.value
            if name in found:
                self.wrong(key, f"says `{name}` twice in {what}.")
                continue
            if allowed is not None and name not in allowed:
                close = get_close_matches(name, allowed, 1)
                self.wrong(
                    key, f"has `{name}` in {what}, which is not known.", f"Did you mean `{close[0]}`?" if close else ""
                )
                continue
            found[name] = value
        return found

    @staticmethod
    def _null(node: Any) -> bool:
        return bool(node.tag == "tag:yaml.org,2002:null")

    def _settings(self, node: Any, what: str) -> dict[str, tuple[str, Any]]:
        """Settings as the text that the table parses, each with its node for the line."""
        known = set(settings())
        found: dict[str, tuple[str, Any]] = {}
        for name, value in self._mapping(node, what if what.startswith("`") else f"`{what}`", None).items():
            if name in RUN_ONLY:
                self.wrong(value, f"has `{name}` in `{what}`, which is for the whole run.", "Give it as an input.")
            elif name not in known:
                close = get_close_matches(name, known, 1)
                self.wrong(
                    value,
                    f"has `{name}` in `{what}`, which is not known.",
                    f"Did you mean `{close[0]}`?" if close else "",
                )
            else:
                text = self._text(value, name)
                if text is not None:
                    found[name] = (text, value)
        return found

    def _text(self, node: Any, name: str) -> str | None:
        import yaml

        if isinstance(node, yaml.ScalarNode):
            return "" if self._null(node) else str(node.value)
        if isinstance(node, yaml.SequenceNode) and all(isinstance(item, yaml.ScalarNode) for item in node.value):
            return "\n".join(item.value for item in node.value)
        self.wrong(node, f"has something else than text or a list for `{name}`.")
        return None

    def _entry(
        self, name: str, node: Any, defaults: Mapping[str, tuple[str, Any]], waves: Mapping[str, int]
    ) -> Entry | None:
        own = self._settings(node, name)
        merged: dict[str, str] = {**self._base, "function": name}
        nodes: dict[str, Any] = {}
        for layer in (defaults, own):
            for setting, (text, place) in layer.items():
                merged[setting] = text
                nodes[setting] = place
        try:
            inputs = parse(merged, where="`{}`")
        except InvalidInput as error:
            for problem in error.problems:
                setting = problem.where.strip("`")
                origin = " (an input of the run)" if setting in self._base and setting not in nodes else ""
                what = f"`{setting}` of function `{name}`{origin} {problem.what}"
                self.wrong(nodes.get(setting, node), what, problem.remedy)
            return None
        given = frozenset(setting for setting, text in merged.items() if text.strip())
        return Entry(inputs=inputs, wave=waves.get(name, 0), given=given, name=name)

    def _waves(self, node: Any, functions: Mapping[str, Any]) -> dict[str, int]:
        import yaml

        if node is None or self._null(node):
            return {}
        found: dict[str, int] = {}
        for number, name, place in self._wave_items(node, yaml):
            if name not in functions:
                close = get_close_matches(name, functions, 1)
                self.wrong(
                    place,
                    f"has `{name}` in `waves`, which is not one of the functions.",
                    f"Did you mean `{close[0]}`?" if close else "",
                )
            elif name in found:
                self.wrong(place, f"has `{name}` in two waves.")
            else:
                found[name] = number
        missing = [name for name in functions if name not in found]
        if missing and not self.problems:
            self.wrong(
                node,
                f"has no wave for {', '.join(f'`{name}`' for name in missing[:5])}.",
                "With `waves`, every function is in one.",
            )
        return found

    def _wave_items(self, node: Any, yaml: Any) -> Iterator[tuple[int, str, Any]]:
        if not isinstance(node, yaml.SequenceNode):
            self.wrong(node, "has something else than a list of lists for `waves`.")
            return
        for number, wave in enumerate(node.value):
            if not isinstance(wave, yaml.SequenceNode) or not wave.value:
                self.wrong(wave, f"has something else than a list of functions as wave {number + 1}.")
                continue
            for item in wave.value:
                if isinstance(item, yaml.ScalarNode):
                    yield number, item.value, item
                else:
                    self.wrong(item, f"has something else than a function's name in wave {number + 1}.")

    def _twice(self, entries: list[Entry], node: Any) -> None:
        seen: set[tuple[str | None, str]] = set()
        for entry in entries:
            key = (entry.inputs.function, entry.inputs.alias)
            if key in seen:
                self.wrong(node, f"deploys `{key[0]}:{key[1]}` twice.", "One function and alias, one entry.")
            seen.add(key)
