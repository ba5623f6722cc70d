"""The AppSpec for Lambda: built, checked by its schema, and a user's own parsed and completed.

Keys are written in PascalCase and read case-insensitively, because AWS's own documents show both (facts.md A1).
What is written is JSON, which is YAML too: the same bytes for the same deployment, so that its SHA-256 can name it.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from .errors import InvalidInput, Problem
from .inputs import Inputs
from .kinds import ALIAS, FUNCTION, VERSION, Kind

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
    problems: list[Problem] = []

    def wrong(what: str, remedy: str = "") -> None:
        problems.append(Problem(where=where, what=what, remedy=remedy))

    if len(text) > MAX_CHARACTERS:
        raise InvalidInput((Problem(where=where, what=f"is longer than {MAX_CHARACTERS} characters."),))
    loaded = _load(text, where)
    top = _keys(loaded, {"version", "resources", "hooks"}, "the AppSpec", wrong)
    if str(top.get("version", "0.0")) not in ("0.0", "0"):
        wrong(f"has version `{top['version']}`.", "CodeDeploy knows `0.0` only.")
    resource = _only_resource(top.get("resources"), wrong)
    hooks = _hooks(top.get("hooks"), wrong)
    logical_name, properties = resource
    values = {
        "function": _value(properties, "name", FUNCTION, wrong),
        "alias": _value(properties, "alias", ALIAS, wrong),
        "current_version": _value(properties, "currentversion", VERSION, wrong),
        "target_version": _value(properties, "targetversion", VERSION, wrong),
        "before_hook": _value(hooks, "beforeallowtraffic", FUNCTION, wrong),
        "after_hook": _value(hooks, "afterallowtraffic", FUNCTION, wrong),
    }
    if problems:
        raise InvalidInput(tuple(problems))
    return AppSpec(**values, logical_name=logical_name)


def _load(text: str, where: str) -> Any:
    import yaml

    try:
        # Aliases let a few lines grow to gigabytes, and no AppSpec needs them.
        if any(isinstance(token, yaml.AliasToken) for token in yaml.scan(text)):
            raise InvalidInput((Problem(where=where, what="uses YAML aliases (`*name`).", remedy="Write it out."),))
        return yaml.safe_load(text)
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        line = f" in line {mark.line + 1}" if mark is not None else ""
        said = getattr(error, "problem", None) or "not valid YAML or JSON"
        raise InvalidInput((Problem(where=where, what=f"cannot be read{line}: {said}."),)) from None
    except ValueError as error:  # such as an impossible date, which YAML reads as one
        raise InvalidInput((Problem(where=where, what=f"cannot be read: {error}."),)) from None
    except RecursionError:
        raise InvalidInput((Problem(where=where, what="is nested too deeply."),)) from None


def _keys(value: Any, allowed: set[str], what: str, wrong: Any) -> dict[str, Any]:
    """The mapping with its keys in lower case; says what is unknown, doubled or no mapping at all."""
    if not isinstance(value, dict):
        wrong(f"is not an AppSpec: {what} should be a mapping.")
        return {}
    lowered: dict[str, Any] = {}
    for key, inner in value.items():
        name = str(key).lower()
        if name in lowered:
            wrong(f"says `{key}` twice in {what}.")
        if name not in allowed:
            wrong(f"has `{key}` in {what}, which CodeDeploy does not know for Lambda.")
        lowered[name] = inner
    return lowered


def _only_resource(value: Any, wrong: Any) -> tuple[str, dict[str, Any]]:
    if value is None:
        return "", {}
    entries = [item for item in value if isinstance(item, dict)] if isinstance(value, list) else [value]
    pairs = [pair for entry in entries if isinstance(entry, dict) for pair in entry.items()]
    if len(pairs) != 1 or (isinstance(value, list) and len(entries) != len(value)):
        wrong(f"has {len(pairs)} resources.", "One AppSpec deploys one function; use `functions` for several.")
        return "", {}
    name, body = pairs[0]
    inner = _keys(body, {"type", "properties"}, f"resource `{name}`", wrong)
    if inner.get("type", "AWS::Lambda::Function") != "AWS::Lambda::Function":
        wrong(f"has a resource of type `{inner['type']}`.", "For Lambda it is `AWS::Lambda::Function`.")
    properties = inner.get("properties") or {}
    return str(name), _keys(properties, {"name", "alias", "currentversion", "targetversion"}, "Properties", wrong)


def _hooks(value: Any, wrong: Any) -> dict[str, Any]:
    if value is None:
        return {}
    entries = value if isinstance(value, list) else [value]
    merged: dict[str, Any] = {}
    for entry in entries:
        for name, function in _keys(entry, {hook.lower() for hook in HOOKS}, "Hooks", wrong).items():
            if name in merged:
                wrong(f"declares the hook `{name}` twice.", "CodeDeploy runs one function for each.")
            merged[name] = function
    return merged


def _value(mapping: Mapping[str, Any], name: str, kind: Kind, wrong: Any) -> str:
    value = mapping.get(name)
    if value is None or value == "":
        return ""
    if isinstance(value, bool) or not isinstance(value, str | int):
        wrong(f"has `{value!r}` for {name}.", f"Expected {kind.hint}, as text.")
        return ""
    try:
        return str(kind.parse(str(value)))
    except ValueError as error:
        wrong(f"has `{str(value)[:80]}` for {name}, which {error}.", f"Expected {kind.hint}.")
        return ""


_SAME = (
    ("function", "function"),
    ("alias", "alias"),
    ("current_version", "current_version"),
    ("target_version", "target_version"),
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
    if appspec.target_version and (inputs.package or inputs.package_s3 or inputs.image_uri):
        problems.append(
            Problem(
                where="input `appspec`",
                what=f"names the target version {appspec.target_version}, but new code was given, too.",
                remedy="Leave TargetVersion out of the AppSpec, or give no code.",
            )
        )
    completed = replace(inputs, **changes)
    if not completed.function:
        problems.append(Problem(where="input `function`", what="is missing, and the AppSpec names none.", remedy=""))
    if completed.target_version and completed.target_version == completed.current_version:
        problems.append(
            Problem(where="input `appspec`", what=f"has version {completed.target_version} as current and target.")
        )
    if problems:
        raise InvalidInput(tuple(problems))
    return completed
