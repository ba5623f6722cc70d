"""The AppSpec for Lambda: built, checked by its schema, and a user's own parsed and completed.

Keys are written in PascalCase and read case-insensitively, because AWS's own documents show both (facts.md A1).
What is written is JSON, which is YAML too: the same bytes for the same deployment, so that its SHA-256 can name it.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from ...errors import InvalidInput, Problem
from ...lazy import dataclass
from ...run import Command
from ..inputs import Inputs
from ..kinds import ALIAS, FUNCTION, VERSION, Kind
from ..parsing import WHAT_TO_DEPLOY, of_arn, placed
from .nodes import Reader, is_null, shown

MAX_CHARACTERS = 64 * 1024
HOOKS = ("BeforeAllowTraffic", "AfterAllowTraffic")


@dataclass(frozen=True, slots=True, kw_only=True)
class AppSpec:
    """What an AppSpec says; empty is "left out"."""

    function: str = ""
    alias: str = ""
    current_version: str = ""
    target_version: str = ""
    before_hook: str = ""
    after_hook: str = ""
    logical_name: str = ""


def document(appspec: AppSpec) -> dict[str, Any]:
    """The AppSpec as CodeDeploy reads it. Hooks that are not declared are left out."""
    hooks = [
        {name: function}
        for name, function in zip(HOOKS, (appspec.before_hook, appspec.after_hook), strict=True)
        if function
    ]
    built: dict[str, Any] = {
        "version": 0.0,
        "Resources": [
            {
                appspec.logical_name or appspec.function: {
                    "Type": "AWS::Lambda::Function",
                    "Properties": {
                        "Name": appspec.function,
                        "Alias": appspec.alias,
                        "CurrentVersion": appspec.current_version,
                        "TargetVersion": appspec.target_version,
                    },
                }
            }
        ],
    }
    return built | ({"Hooks": hooks} if hooks else {})


def write(appspec: AppSpec) -> str:
    """The text that is uploaded. Raises InvalidInput if it is not what the schema allows."""
    built = document(appspec)
    problems = () if _surely_valid(appspec) else check(built)
    if problems:
        raise InvalidInput(problems)
    return json.dumps(built, indent=2, ensure_ascii=False) + "\n"


def _surely_valid(appspec: AppSpec) -> bool:
    """What the schema says, for what varies in an AppSpec of ours. The validator explains; importing it alone costs as
    much CPU as half a deployment."""
    named = (appspec.function, appspec.before_hook or "-", appspec.after_hook or "-")
    return (
        all(0 < len(name) <= 170 for name in named)
        and re.fullmatch(r"(?![0-9]+$)[A-Za-z0-9_-]{1,128}", appspec.alias) is not None
        and all(
            re.fullmatch("[1-9][0-9]*", version, re.ASCII)
            for version in (appspec.current_version, appspec.target_version)
        )
    )


def sha256(text: str) -> str:
    """Hex SHA-256 of the exact bytes, as RevisionLocation's `sha256` has it (facts.md A2)."""
    return hashlib.sha256(text.encode()).hexdigest()


def schema() -> dict[str, Any]:
    from importlib import resources

    loaded: dict[str, Any] = json.loads(
        resources.files(__package__).joinpath("appspec.schema.json").read_text(encoding="utf-8")
    )
    return loaded


def check(built: Mapping[str, Any]) -> tuple[Problem, ...]:
    """All violations of the schema, each naming its place."""
    from jsonschema import Draft202012Validator  # 80 ms to import: only when an AppSpec is really made

    found = sorted(Draft202012Validator(schema()).iter_errors(built), key=lambda error: list(map(str, error.path)))
    return tuple(
        Problem(where="AppSpec " + (".".join(map(str, error.absolute_path)) or "(whole)"), what=error.message + ".")
        for error in found
    )


def parse(text: str, *, where: str = "input `appspec`") -> AppSpec:
    """A user's AppSpec, YAML or JSON, keys in any case, parts of it left out.

    Raises InvalidInput with everything that is wrong in it: a silently ignored key would deploy something else.
    """
    reader = _Reader(where)
    appspec = reader.read(text)
    if reader.problems:
        raise InvalidInput(reader.problems)
    return appspec


class _Reader(Reader):
    def read(self, text: str) -> AppSpec:
        root = self.compose(
            text, limit=MAX_CHARACTERS, instead_of_anchors="Write it out.", needs="It begins with `version: 0.0`."
        )
        top = self.mapping(root, "the AppSpec", ("version", "Resources", "Hooks"), any_case=True)
        self._version(top.get("version"))
        logical_name, properties = self._resource(top.get("Resources"))
        hooks = self._hooks(top.get("Hooks"))
        return AppSpec(
            function=self._value(properties, "Name", FUNCTION),
            alias=self._value(properties, "Alias", ALIAS),
            current_version=self._value(properties, "CurrentVersion", VERSION),
            target_version=self._value(properties, "TargetVersion", VERSION),
            before_hook=self._value(hooks, "BeforeAllowTraffic", FUNCTION),
            after_hook=self._value(hooks, "AfterAllowTraffic", FUNCTION),
            logical_name=logical_name,
        )

    def _version(self, node: Any) -> None:
        if node is not None and node.value not in ("0.0", "0"):
            self.wrong(node, f"has {shown(node)} as its version.", "CodeDeploy knows `0.0` only.")

    def _resource(self, node: Any) -> tuple[str, dict[str, Any]]:
        if node is None:
            return "", {}
        if self._empty(node, "Resources"):
            return "", {}
        entries = self._entries(node)
        resources = [pair for entry in entries for pair in self.mapping(entry, "a resource", None).items()]
        if any(entry.id != "mapping" and not is_null(entry) for entry in entries):
            return "", {}
        if len(resources) != 1:
            self.wrong(
                node,
                f"has {len(resources) or 'no'} resource{'s' if resources else ''}.",
                "One AppSpec deploys one function; describe several in `ci-deploy.yml`."
                if resources
                else "Give one under `Resources`, or leave it out.",
            )
            return "", {}
        ((name, body),) = resources
        inner = self.mapping(body, f"resource `{name}`", ("Type", "Properties"), any_case=True)
        kind = inner.get("Type")
        if kind is not None and kind.value != "AWS::Lambda::Function":
            self.wrong(kind, f"has a resource of type {shown(kind)}.", "For Lambda it is `AWS::Lambda::Function`.")
        allowed = ("Name", "Alias", "CurrentVersion", "TargetVersion")
        properties = inner.get("Properties")
        if properties is not None and self._empty(properties, "Properties"):
            return name, {}
        return name, self.mapping(properties, "Properties", allowed, any_case=True)

    def _hooks(self, node: Any) -> dict[str, Any]:
        found: dict[str, Any] = {}
        if node is None or self._empty(node, "Hooks"):
            return found
        for entry in self._entries(node):
            for name, function in self.mapping(entry, "Hooks", HOOKS, any_case=True).items():
                if name in found:
                    self.wrong(function, f"declares the hook `{name}` twice.", "CodeDeploy runs one function for each.")
                found[name] = function
        return found

    def _empty(self, node: Any, name: str) -> bool:
        """A member without a value is mostly a variable that was not set: a hook would be lost in silence."""
        if not is_null(node) and node.value != "":
            return False
        self.wrong(node, f"has nothing for {name}.", f"Write its value, or leave {name} out.")
        return True

    @staticmethod
    def _entries(node: Any) -> list[Any]:
        """A list's items; a mapping that stands alone is taken for a list of one."""
        return list(node.value) if node is not None and node.id == "sequence" else [node]

    def _value(self, mapping: Mapping[str, Any], name: str, kind: Kind) -> str:
        node = mapping.get(name)
        if node is None or self._empty(node, name):
            return ""
        why = ""
        if node.id == "scalar":
            try:
                return str(kind.parse(node.value))
            except ValueError as error:
                why = f", which {error}"
        self.wrong(node, f"has {shown(node)} for {name}{why}.", f"Expected {kind.hint}.")
        return ""


_SAME = (
    ("function", "function"),
    ("alias", "alias"),
    ("current_version", "current_version"),
    ("target_version", "version"),
    ("before_hook", "before_allow_traffic"),
    ("after_hook", "after_allow_traffic"),
)


def complete(inputs: Inputs, appspec: AppSpec, *, given: frozenset[str]) -> Inputs:
    """The inputs with what the AppSpec adds. Where both speak they must agree; `given` are the inputs' own words.

    Raises InvalidInput naming each disagreement.
    """
    changes: dict[str, Any] = {}
    problems: list[Problem] = []
    for said, name in _SAME:
        theirs = getattr(appspec, said)
        ours = getattr(inputs, name)
        if not theirs:
            continue
        if said == "function":
            for place, there in of_arn(theirs).items():
                here = getattr(inputs, place)
                if here is not None and here != there:
                    what = f"names a function in `{there}`, and `{place.replace('_', '-')}` is `{here}`."
                    problems.append(Problem(where="input `appspec`", what=what, remedy="Make them agree."))
                changes[place] = there
            theirs = theirs.split(":")[-1]
        if name.replace("_", "-") in given and ours != theirs:
            problems.append(
                Problem(
                    where=f"input `{name.replace('_', '-')}`",
                    what=f"is `{ours}`, but the AppSpec says `{theirs}`.",
                    remedy="Leave one of them out, or make them agree.",
                )
            )
        changes[name] = theirs
    if appspec.target_version and inputs.code is not None:
        problems.append(
            Problem(
                where="input `appspec`",
                what=f"names the target version {appspec.target_version}, but new code was given, too.",
                remedy="Leave TargetVersion out of the AppSpec, or give no code.",
            )
        )
    if not (inputs.code or inputs.version or appspec.target_version) and inputs.command in (
        Command.DEPLOY,
        Command.PLAN,
    ):
        problems.append(Problem(where="input `code`", what=WHAT_TO_DEPLOY[0], remedy=WHAT_TO_DEPLOY[1]))
    if "deployment-group" not in given:
        changes["deployment_group"] = None  # the alias's name, which the AppSpec may have said
    completed = placed(replace(inputs, **changes))
    if not completed.function:
        problems.append(
            Problem(
                where="input `function`",
                what="is missing, and the AppSpec names none.",
                remedy="Name it in one of them.",
            )
        )
    if problems:
        raise InvalidInput(tuple(problems))
    return completed
