"""What CloudFormation makes of the template with given parameters, as the emulator reads it.

The physical names of resources are `made-` and their logical ID.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

from codedeploy_emulator.cloudformation.template import Template, read

TEMPLATE = Path(__file__).resolve().parents[3] / "docs" / "cloudformation" / "foundation.yaml"
PSEUDO = {"AWS::Partition": "aws", "AWS::Region": "eu-central-1", "AWS::AccountId": "123456789012"}


@cache
def load() -> dict[str, Any]:
    return read(TEMPLATE.read_text(encoding="utf-8"))


class Stack:
    """The template with these parameters: resources and outputs as they are made. ApiError for what it refuses."""

    def __init__(self, parameters: Mapping[str, str], pseudo: Mapping[str, str] = PSEUDO) -> None:
        arn = f"arn:{pseudo['AWS::Partition']}:made:::"
        self._template = Template(
            load(), parameters, pseudo, ref=lambda name: f"made-{name}", arn=lambda name: arn + name
        )
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
        return {each: self._template.evaluated(body, loop) for each, (body, loop) in self._template.names(name).items()}
