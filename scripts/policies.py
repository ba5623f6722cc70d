"""The roles of docs/iam/roles.json: each one policy, put together from the files of docs/iam.

These files are the one source of what a role may do. The CloudFormation template has them written out (metadata.py),
the Terraform module reads them, and tests/project/account/test_iam.py holds them against the code.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

IAM = Path(__file__).resolve().parent.parent / "docs" / "iam"
# What the template puts in place of the words in capitals; a loop over the functions replaces ${Function}.
_NAMES = {
    "arn:aws:": "arn:${AWS::Partition}:",
    "REGION": "${AWS::Region}",
    "ACCOUNT": "${AWS::AccountId}",
    "APPLICATION": "${Application}",
    "GROUP": "${Group}",
    "FUNCTION": "${Function}",
    "BUCKET": "${Bucket}",
    "STACK": "${WatchStack}",
}
# What these two stand for: CodeDeploy's names, where they are not the function's and the alias's.
_CHOSEN = {
    "Application": "!If [HasApplication, !Ref Application, !Ref Function]",
    "Group": "!If [HasDeploymentGroup, !Ref DeploymentGroup, !Ref Alias]",
}
_SERVICE_ROLE = "arn:aws:iam::ACCOUNT:role/SERVICE-ROLE"


def roles() -> dict[str, list[str]]:
    """The files that each role's policy is made of."""
    found: dict[str, list[str]] = _read("roles")["roles"]
    return found


def statements(role: str) -> list[dict[str, Any]]:
    """A role's statements, as the files have them. What several files have under one Sid is there once."""
    found: dict[str, dict[str, Any]] = {}
    for name in roles()[role]:
        for statement in _read(name)["Statement"]:
            if statement["Sid"] not in _read("roles")["without"]:
                found.setdefault(statement["Sid"], statement)
    return list(found.values())


def service_role() -> list[dict[str, Any]]:
    """What CodeDeploy itself may do."""
    found: list[dict[str, Any]] = _read("service-role")["Statement"]
    return found


def template(found: list[dict[str, Any]], indent: int) -> str:
    """Statements as the template has them."""
    return "\n".join(" " * indent + line for statement in found for line in _item(statement))


def _read(name: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((IAM / f"{name}.json").read_text(encoding="utf-8"))
    return found


def _item(value: Any) -> list[str]:
    first, *rest = _lines(value)
    return [f"- {first}", *(f"  {line}" for line in rest)]


def _lines(value: Any) -> list[str]:
    if isinstance(value, dict):
        lines: list[str] = []
        for key, member in value.items():
            first, *rest = _lines(member)
            if isinstance(member, dict | list):
                lines += [f"{key}:", *(f"  {line}" for line in (first, *rest))]
            else:
                lines += [f"{key}: {first}", *(f"  {line}" for line in rest)]
        return lines
    if isinstance(value, list):
        return [line for member in value for line in _item(member)] if len(value) > 1 else _item(value[0])
    return _scalar(value)


def _scalar(text: str) -> list[str]:
    if text == _SERVICE_ROLE:
        return ['!GetAtt [!Sub "ServiceRole&{Function}", Arn]']
    put = text
    for word, name in _NAMES.items():
        put = put.replace(word, name)
    if chosen := [f"{name}: {value}" for name, value in _CHOSEN.items() if f"${{{name}}}" in put]:
        return ["!Sub", f"- {put}", *(f"{'-' if n == 0 else ' '} {line}" for n, line in enumerate(chosen))]
    if put == "*":
        return ['"*"']
    return [put if put == text else f"!Sub {put}"]
