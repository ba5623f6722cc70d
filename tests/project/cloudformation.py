"""What CloudFormation makes of the template with given parameters: loops run, functions evaluated, conditions applied.

Only what the template uses; anything else is an error. Sources: the template reference on Fn::ForEach and the
AWS::LanguageExtensions transform. The physical names of resources are `made-` and their logical ID.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml

TEMPLATE = Path(__file__).resolve().parents[2] / "docs" / "cloudformation" / "foundation.yaml"
PSEUDO = {"AWS::Partition": "aws", "AWS::Region": "eu-central-1", "AWS::AccountId": "123456789012"}
_NO_VALUE = object()


class _Loader(yaml.SafeLoader):
    """Short forms become long ones."""


def _short(loader: _Loader, suffix: str, node: yaml.Node) -> Any:
    name = suffix if suffix == "Ref" else f"Fn::{suffix}"
    match node:
        case yaml.ScalarNode():
            value: Any = loader.construct_scalar(node)
            return {name: value.split(".", 1) if suffix == "GetAtt" else value}
        case yaml.SequenceNode():
            return {name: loader.construct_sequence(node, deep=True)}
        case _:
            return {name: loader.construct_mapping(node, deep=True)}  # type: ignore[arg-type]


_Loader.add_multi_constructor("!", _short)


def load() -> dict[str, Any]:
    found: dict[str, Any] = yaml.load(TEMPLATE.read_text(encoding="utf-8"), _Loader)
    return found


class Stack:
    """The template with these parameters; resources and outputs as they are made."""

    def __init__(self, parameters: Mapping[str, str], pseudo: Mapping[str, str] = PSEUDO) -> None:
        self.template = load()
        self.values: dict[str, Any] = dict(pseudo)
        unknown = set(parameters) - set(self.template["Parameters"])
        assert not unknown, f"no such parameter: {unknown}"
        for name, spec in self.template["Parameters"].items():
            value = parameters.get(name, spec.get("Default"))
            assert value is not None, f"{name} has no default"
            listed = value.split(",") if spec["Type"] == "CommaDelimitedList" else [value]
            for each in listed:
                assert re.fullmatch(spec.get("AllowedPattern", ".*"), each), f"{name} refuses {each!r}"
            assert set(listed) <= set(spec.get("AllowedValues", listed)), name
            self.values[name] = listed if spec["Type"] == "CommaDelimitedList" else value
        self.resources = self._section("Resources")
        self.outputs = {name: output["Value"] for name, output in self._section("Outputs").items()}

    def of_type(self, kind: str) -> dict[str, dict[str, Any]]:
        return {name: each["Properties"] for name, each in self.resources.items() if each["Type"] == kind}

    def roles(self) -> dict[str, dict[str, Any]]:
        """The roles with a name, by it; CodeDeploy's have none."""
        every = self.of_type("AWS::IAM::Role").values()
        return {properties["RoleName"]: properties for properties in every if "RoleName" in properties}

    def policies(self, role: str) -> dict[str, list[dict[str, Any]]]:
        """The statements of the policies that are attached to a role, by the policy's logical ID."""
        named = {f"made-{logical}": each.get("RoleName") for logical, each in self.of_type("AWS::IAM::Role").items()}
        return {
            logical: properties["PolicyDocument"]["Statement"]
            for logical, properties in self.of_type("AWS::IAM::ManagedPolicy").items()
            if role in [named[each] for each in properties["Roles"]]
        }

    def _section(self, name: str) -> dict[str, Any]:
        found = {}
        for logical, body in self._evaluated(self.template[name], {}, skip=True).items():
            assert re.fullmatch(r"[A-Za-z0-9]{1,255}", logical), f"{logical!r} is no logical ID"
            if "Condition" not in body or self._condition(body["Condition"]):
                found[logical] = body
        return found

    def _condition(self, name: str) -> bool:
        return bool(self._evaluated(self.template["Conditions"][name], {}))

    def _evaluated(self, node: Any, loop: Mapping[str, str], skip: bool = False) -> Any:
        """A node with its functions evaluated; `skip` leaves out what a false condition does not make."""
        if isinstance(node, list):
            return [value for each in node if (value := self._evaluated(each, loop)) is not _NO_VALUE]
        if not isinstance(node, dict):
            return node
        if (
            len(node) == 1
            and ((name := next(iter(node))) == "Ref" or name.startswith("Fn::"))
            and "ForEach" not in name
        ):
            return self._function(name, node[name], loop)
        made: dict[str, Any] = {}
        for key, value in node.items():
            if key.startswith("Fn::ForEach::"):
                identifier, collection, body = value
                for each in self._evaluated(collection, loop):
                    again = self._evaluated(body, {**loop, identifier: each}, skip)
                    assert not set(made) & set(again), f"made twice: {set(made) & set(again)}"
                    made |= again
                continue
            if skip and isinstance(value, dict) and "Condition" in value:
                if not self._condition(self._evaluated(value["Condition"], loop)):
                    continue
            put = self._evaluated(value, loop)
            if put is not _NO_VALUE:
                made[_looped(key, loop)] = put
        return made

    def _function(self, name: str, argument: Any, loop: Mapping[str, str]) -> Any:
        match name, argument:
            case "Ref", "AWS::NoValue":
                return _NO_VALUE
            case "Ref", _:
                target = self._evaluated(argument, loop)
                return self._named(target, loop)
            case "Fn::Sub", str(text):
                return self._substituted(text, loop, {})
            case "Fn::Sub", [text, more]:
                return self._substituted(text, loop, self._evaluated(more, loop))
            case "Fn::GetAtt", [target, "Arn"]:
                return self._arn(self._evaluated(target, loop))
            case "Fn::Join", [str(delimiter), parts]:
                return delimiter.join(self._evaluated(parts, loop))
            case "Fn::FindInMap", [table, row, column]:
                return self.template["Mappings"][table][self._evaluated(row, loop)][column]
            case "Fn::If", [condition, yes, no]:
                return self._evaluated(yes if self._condition(condition) else no, loop)
            case "Fn::Equals", [left, right]:
                return self._evaluated(left, loop) == self._evaluated(right, loop)
            case "Fn::Not", [condition]:
                return not self._evaluated(condition, loop)
        raise AssertionError(f"not understood: {name} {argument}")

    def _substituted(self, text: str, loop: Mapping[str, str], more: Mapping[str, str]) -> str:
        def put(found: re.Match[str]) -> str:
            name = found[1]
            if name in more:
                return more[name]
            target, _, attribute = name.partition(".")
            return self._arn(target) if attribute == "Arn" else str(self._named(target, loop))

        return re.sub(r"\$\{([^}]+)\}", put, _looped(text, loop))

    def _named(self, target: str, loop: Mapping[str, str]) -> Any:
        if target in loop:
            return loop[target]
        return self.values.get(target, f"made-{target}")

    def _arn(self, target: str) -> str:
        return f"arn:{self.values['AWS::Partition']}:made:::{target}"


def _looped(text: str, loop: Mapping[str, str]) -> str:
    """`${X}` becomes the loop's value, `&{X}` that value without what a logical ID cannot have."""
    for name, value in loop.items():
        text = text.replace(f"${{{name}}}", value).replace(f"&{{{name}}}", re.sub(r"[^A-Za-z0-9]", "", value))
    return text
