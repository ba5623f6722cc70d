"""What a repository already has: its `ci-deploy.yml` and the workflows that use ci-deploy."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from ..given.files import manifest
from ..lazy import dataclass

_ROLE = re.compile(r"arn:(?:aws[a-z-]*):iam::(?P<account>\d{12}):role/(?P<role>deploy|read|rollback)-(?P<name>[\w.-]+)")
KINDS = ("deploy", "plan", "rollback")


@dataclass(frozen=True, slots=True, kw_only=True)
class Said:
    """A value, and the file that says it."""

    value: str
    file: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Existing:
    """The functions of the file (empty if there is none), what the files say, and the workflow of each kind."""

    file: str = ""
    entries: tuple[manifest.Entry, ...] = ()
    said: Mapping[str, Said]
    workflows: Mapping[str, str]  # kind -> its path
    rollback_linked: bool = False  # by the file, for every run


def read(file: str, text: str | None, workflows: Mapping[str, str], target: str) -> Existing:
    """What is there: `file` with its text (None if there is none), and the workflows' texts by their paths.

    Raises InvalidInput where the file cannot be read. A workflow that is no YAML is somebody else's affair.
    """
    said: dict[str, Said] = {}
    entries: tuple[manifest.Entry, ...] = ()
    linked = False
    if text is not None:
        given = {"command": "validate"} | ({"target": target} if target else {})
        made = manifest.read(text, given, where=file)
        entries = made.entries
        linked = bool(made.run.get("rollback-workflow", "").strip())
        first = entries[0].inputs
        values: dict[str, str | None] = {
            "aws-region": made.run.get("aws-region") or first.aws_region,
            "account-id": made.run.get("account-id") or first.account_id,
            "alias": first.alias,
            "application": first.application,
            "deployment-group": first.deployment_group,
            "bucket": first.bucket.name if first.bucket else None,
        }
        said = {name: Said(value=value, file=file) for name, value in values.items() if value}
    found: dict[str, str] = {}
    for path, content in sorted(workflows.items()):
        for kind, claims in _uses(content):
            if kind in KINDS and kind not in found:
                found[kind] = path
                for name, value in claims.items():
                    said.setdefault(name, Said(value=value, file=path))
    return Existing(file=file, entries=entries, said=said, workflows=found, rollback_linked=linked)


def _uses(text: str) -> list[tuple[str, dict[str, str]]]:
    """The commands that a workflow gives to ci-deploy, each with what it says of role, branch and environment."""
    import yaml

    try:
        document = yaml.load(text, yaml.BaseLoader)
    except yaml.YAMLError:
        return []
    found = []
    branches = _at(document, "on", "push", "branches")
    for job in _values(_at(document, "jobs")):
        for step in _list(_at(job, "steps")):
            action = str(_at(step, "uses") or "")
            if not re.fullmatch(r"[^/@]+/ci-deploy@\S+", action):
                continue
            given = _at(step, "with")
            command = str(_at(given, "command") or "deploy")
            values = {"action": action}
            if role := _ROLE.fullmatch(str(_at(given, "role-to-assume") or "")):
                values |= {"name": role["name"], "account-id": role["account"]}
            if isinstance(branches, list) and len(branches) == 1:
                values["branch"] = str(branches[0])
            environment = _at(job, "environment")
            environment = _at(environment, "name") or environment
            if command != "plan" and isinstance(environment, str) and environment and "${{" not in environment:
                values["environment"] = environment
            found.append((command, values))
    return found


def _at(node: Any, *path: str) -> Any:
    for name in path:
        node = node.get(name) if isinstance(node, dict) else None
    return node


def _values(node: Any) -> list[Any]:
    return list(node.values()) if isinstance(node, dict) else []


def _list(node: Any) -> list[Any]:
    return node if isinstance(node, list) else []
