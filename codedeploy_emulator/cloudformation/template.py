"""A template with its parameters: loops run, conditions applied, functions evaluated.

The functions of AWS::LanguageExtensions too (Fn::ForEach). What is not known is refused, never left out. Sources: the
CloudFormation template reference, and its pages on Fn::ForEach and on the transform.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from functools import lru_cache
from typing import Any

import yaml

from ..errors import ApiError

_NO_VALUE = object()


class _Loader(yaml.SafeLoader):
    """Short forms (`!Ref X`) become long ones."""


def _short(loader: _Loader, suffix: str, node: yaml.Node) -> Any:
    name = suffix if suffix in ("Ref", "Condition") else f"Fn::{suffix}"
    match node:
        case yaml.ScalarNode():
            value: Any = loader.construct_scalar(node)
            return {name: value.split(".", 1) if suffix == "GetAtt" else value}
        case yaml.SequenceNode():
            return {name: loader.construct_sequence(node, deep=True)}
        case _:
            return {name: loader.construct_mapping(node, deep=True)}  # type: ignore[arg-type]


_Loader.add_multi_constructor("!", _short)


@lru_cache(maxsize=4)
def read(text: str) -> Mapping[str, Any]:
    """The template's sections, with functions in their long forms. A change set is read when made and when executed."""
    try:
        found = yaml.load(text, _Loader)
    except yaml.YAMLError as error:
        raise _invalid(f"Template format error: YAML not well-formed. ({error})") from error
    if not isinstance(found, dict) or not isinstance(found.get("Resources"), dict):
        raise _invalid("Template format error: At least one Resources member must be defined.")
    return found


class Template:
    """`pseudo`: AWS::Region and the like. `ref` and `arn` tell what a resource of this logical ID is called."""

    def __init__(
        self,
        sections: Mapping[str, Any],
        parameters: Mapping[str, str],
        pseudo: Mapping[str, str],
        *,
        ref: Callable[[str], str],
        arn: Callable[[str], str],
    ) -> None:
        self.sections = sections
        self.values: dict[str, Any] = {**pseudo, **_values(sections.get("Parameters") or {}, parameters)}
        self._ref = ref
        self._arn = arn

    def names(self, section: str) -> dict[str, tuple[Any, Mapping[str, str]]]:
        """What a section has: loops run and conditions applied, but nothing evaluated yet (its body, and its loops)."""
        return dict(self._members(self.sections.get(section) or {}, {}))

    def evaluated(self, body: Any, loop: Mapping[str, str]) -> Any:
        """A node with its functions evaluated."""
        match body:
            case list():
                return [value for each in body if (value := self.evaluated(each, loop)) is not _NO_VALUE]
            case dict() if len(body) == 1 and re.fullmatch(r"Ref|Fn::\w+", name := next(iter(body))):
                return self._function(name, body[name], loop)
            case dict():
                made = {_looped(key, loop): self.evaluated(value, loop) for key, value in body.items()}
                return {key: value for key, value in made.items() if value is not _NO_VALUE}
        return body

    def _members(
        self, section: Mapping[str, Any], loop: Mapping[str, str]
    ) -> list[tuple[str, tuple[Any, Mapping[str, str]]]]:
        found: list[tuple[str, tuple[Any, Mapping[str, str]]]] = []
        for key, value in section.items():
            if key.startswith("Fn::ForEach::"):
                identifier, collection, body = value
                for each in self.evaluated(collection, loop):
                    found += self._members(body, {**loop, identifier: each})
                continue
            name = _looped(key, loop)
            if not re.fullmatch(r"[A-Za-z0-9]{1,255}", name):
                raise _invalid(f"Template format error: Resource name {name} is non alphanumeric.")
            condition = self.evaluated(value.get("Condition", ""), loop)
            if not condition or self._condition(condition):
                found.append((name, (value, loop)))
        twice = {name for name, _ in found if [each for each, _ in found].count(name) > 1}
        if twice:
            raise _invalid(f"Template format error: {', '.join(sorted(twice))} is there twice.")
        return found

    def _condition(self, name: str) -> bool:
        conditions = self.sections.get("Conditions") or {}
        if name not in conditions:
            raise _invalid(f"Template error: Condition {name} is not defined.")
        return bool(self.evaluated(conditions[name], {}))

    def _function(self, name: str, argument: Any, loop: Mapping[str, str]) -> Any:
        match name, argument:
            case "Ref", "AWS::NoValue":
                return _NO_VALUE
            case "Ref", _:
                return self._named(self.evaluated(argument, loop), loop)
            case "Fn::Sub", str(text):
                return self._substituted(text, loop, {})
            case "Fn::Sub", [str(text), more]:
                return self._substituted(text, loop, self.evaluated(more, loop))
            case "Fn::GetAtt", [target, "Arn"]:
                return self._arn(self.evaluated(target, loop))
            case "Fn::Join", [str(delimiter), parts]:
                return delimiter.join(self.evaluated(parts, loop))
            case "Fn::FindInMap", [table, row, column]:
                return self.sections["Mappings"][table][self.evaluated(row, loop)][column]
            case "Fn::If", [condition, yes, no]:
                return self.evaluated(yes if self._condition(condition) else no, loop)
            case "Fn::Equals", [left, right]:
                return self.evaluated(left, loop) == self.evaluated(right, loop)
            case "Fn::Not", [condition]:
                return not self.evaluated(condition, loop)
        raise _invalid(f"The emulator does not know {name} with {argument!r}.")

    def _substituted(self, text: str, loop: Mapping[str, str], more: Mapping[str, str]) -> str:
        def put(found: re.Match[str]) -> str:
            name = found[1]
            if name in more:
                return str(more[name])
            target, _, attribute = name.partition(".")
            return self._arn(target) if attribute == "Arn" else str(self._named(target, loop))

        return re.sub(r"\$\{([^}]+)\}", put, _looped(text, loop))

    def _named(self, target: str, loop: Mapping[str, str]) -> Any:
        if target in loop:
            return loop[target]
        return self.values[target] if target in self.values else self._ref(target)


def _values(specs: Mapping[str, Any], given: Mapping[str, str]) -> dict[str, Any]:
    """The parameters' values; lists where they are lists."""
    unknown = ", ".join(sorted(set(given) - set(specs)))
    if unknown:
        raise _invalid(f"Parameters: [{unknown}] do not exist in the template")
    found: dict[str, Any] = {}
    for name, spec in specs.items():
        value = given.get(name, spec.get("Default"))
        if value is None:
            raise _invalid(f"Parameters: [{name}] must have values")
        listed = value.split(",") if spec["Type"] == "CommaDelimitedList" else [value]
        for each in listed:
            if not re.fullmatch(spec.get("AllowedPattern", ".*"), each, re.DOTALL):
                raise _invalid(
                    f"Parameter '{name}' must match pattern {spec['AllowedPattern']}, which {each!r} does not"
                )
            if each not in spec.get("AllowedValues", listed):
                raise _invalid(f"Template error: Parameter '{name}' must be one of AllowedValues")
        found[name] = listed if spec["Type"] == "CommaDelimitedList" else value
    return found


def _looped(text: str, loop: Mapping[str, str]) -> str:
    """`${X}` becomes the loop's value, `&{X}` that value without what a logical ID cannot have."""
    for name, value in loop.items():
        text = text.replace(f"${{{name}}}", value).replace(f"&{{{name}}}", re.sub(r"[^A-Za-z0-9]", "", value))
    return text


def _invalid(message: str) -> ApiError:
    return ApiError("ValidationError", message)
