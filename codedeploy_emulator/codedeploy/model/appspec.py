"""AppSpec files of the Lambda platform, read as CodeDeploy reads them: YAML or JSON, keys in any case (facts A1)."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import yaml

VERSION = re.compile(r"[1-9][0-9]*")
HOOKS = ("BeforeAllowTraffic", "AfterAllowTraffic")


class AppSpecError(Exception):
    """The AppSpec cannot be used; the text says why."""


class NotWellFormedError(AppSpecError):
    """It is neither YAML nor JSON."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AppSpec:
    """What one AppSpec deploys. Versions are decimal numbers as text; hooks are names or ARNs, or absent."""

    function: str
    alias: str
    current: str
    target: str
    before: str | None = None
    after: str | None = None


def parse(content: str) -> AppSpec:
    """Read an AppSpec; AppSpecError says what is missing or wrong."""
    try:
        # What begins like JSON is JSON: AWS's own examples are indented with tabs, which YAML refuses (facts G21).
        document = json.loads(content) if content.lstrip("\ufeff \t\r\n").startswith("{") else yaml.safe_load(content)
    except (yaml.YAMLError, ValueError) as error:
        raise NotWellFormedError(f"it is neither YAML nor JSON: {error}") from None
    if not isinstance(document, Mapping):
        raise AppSpecError("it is not a mapping")
    version = _get(document, "version")
    if str(version) != "0.0" and version != 0:
        raise AppSpecError(f"its version is {version!r} and must be 0.0")
    properties = _properties(_get(document, "resources"))
    hooks = _hooks(_get(document, "hooks"))
    return AppSpec(
        function=_text(properties, "Name"),
        alias=_text(properties, "Alias"),
        current=_version(properties, "CurrentVersion"),
        target=_version(properties, "TargetVersion"),
        before=hooks.get(HOOKS[0].lower()),
        after=hooks.get(HOOKS[1].lower()),
    )


def _get(mapping: Mapping[Any, Any], name: str) -> Any:
    for key, value in mapping.items():
        if str(key).lower() == name.lower():
            return value
    return None


def _properties(resources: object) -> Mapping[Any, Any]:
    if not isinstance(resources, list) or len(resources) != 1:
        raise AppSpecError("Resources must be a list of exactly one function")
    resource = resources[0]
    if not isinstance(resource, Mapping) or len(resource) != 1:
        raise AppSpecError("a resource must be a mapping with one logical name")
    body = next(iter(resource.values()))
    if not isinstance(body, Mapping):
        raise AppSpecError("the resource has no content")
    if _get(body, "type") != "AWS::Lambda::Function":
        raise AppSpecError(f"the resource's Type is {_get(body, 'type')!r} and must be AWS::Lambda::Function")
    properties = _get(body, "properties")
    if not isinstance(properties, Mapping):
        raise AppSpecError("the resource has no Properties")
    return properties


def _text(properties: Mapping[Any, Any], name: str) -> str:
    value = _get(properties, name)
    if value is None or str(value) == "":
        raise AppSpecError(f"{name} is missing")
    return str(value)


def _version(properties: Mapping[Any, Any], name: str) -> str:
    value = _text(properties, name)
    if not VERSION.fullmatch(value):
        raise AppSpecError(f"{name} is {value!r} and must be a positive whole number")
    return value


def _hooks(hooks: object) -> dict[str, str]:
    if hooks is None:
        return {}
    if not isinstance(hooks, list):
        raise AppSpecError("Hooks must be a list")
    found: dict[str, str] = {}
    for entry in hooks:
        if not isinstance(entry, Mapping) or len(entry) != 1:
            raise AppSpecError("each hook must be a mapping with one key")
        name, function = next(iter(entry.items()))
        if str(name).lower() not in {hook.lower() for hook in HOOKS}:
            raise AppSpecError(f"the hook {name!r} does not exist for Lambda; there are {' and '.join(HOOKS)}")
        if str(name).lower() in found:
            raise AppSpecError(f"the hook {name!r} is named twice")
        if not isinstance(function, str) or not function:
            raise AppSpecError(f"the hook {name!r} names no function")
        found[str(name).lower()] = function
    return found
