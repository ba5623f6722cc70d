"""Stacks that were only named: somebody looks on, at their resources, and at events of what changed.

Nothing is created (`stacks` does that). What a tool would do is played from outside: `POST /_emulator/stacks` replaces
them, and what differs from before becomes an event, stamped with emulated time. Source: botocore's model.
"""

from __future__ import annotations

import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any
from urllib.parse import parse_qs

from ..errors import SeedError
from ..server.wire import AwsCall, Request, Response, query_response

_STACK = "AWS::CloudFormation::Stack"
_ENTRY, _RESOURCE = (
    {"name", "status", "reason", "parent", "resources"},
    {"logical", "type", "physical", "status", "reason"},
)
PAGE = 100


@dataclass(slots=True, kw_only=True)
class Stack:
    """A stack. `parent`: the name of the stack that it is nested in; `resources` by logical ID."""

    name: str
    id: str
    created: float
    status: str = "CREATE_COMPLETE"
    reason: str = ""
    parent: str = ""
    updated: float | None = None
    resources: dict[str, dict[str, str]] = field(default_factory=dict)
    events: list[dict[str, Any]] = field(default_factory=list)


class NamedStacks:
    """Stacks of the emulator that nobody made, whatever the account and region of whoever asks."""

    def __init__(self) -> None:
        self._stacks: dict[str, Stack] = {}
        self._entries: list[Any] = []

    def json(self) -> list[Any]:
        """The list as it was given last."""
        return self._entries

    def replace(self, entries: Sequence[object], now: float) -> None:
        """Replace the stacks; what differs from before is an event of now."""
        found = [_entry(entry) for entry in entries]
        self._stacks = {given["name"]: self._made(given, now) for given in found}
        self._entries = list(entries)

    def _made(self, given: Mapping[str, Any], now: float) -> Stack:
        name = given["name"]
        stack = self._stacks.get(name) or Stack(name=name, id=_id(name), created=now, status="")
        status = given.get("status") or stack.status or "CREATE_COMPLETE"
        reason = str(given.get("reason", ""))
        stack.parent = str(given.get("parent", ""))
        before, stack.resources = stack.resources, {each["logical"]: each for each in given.get("resources", [])}
        if status != stack.status and status.endswith("_IN_PROGRESS"):
            if status == "UPDATE_IN_PROGRESS":
                stack.updated = now
            self._tell(stack, now, name, _STACK, stack.id, status, reason)
        for logical, each in stack.resources.items():
            said = (each["status"], each["reason"])
            if said != ((before[logical]["status"], before[logical]["reason"]) if logical in before else None):
                self._tell(stack, now, logical, each["type"], each["physical"], *said)
        if status != stack.status and not status.endswith("_IN_PROGRESS"):
            self._tell(stack, now, name, _STACK, stack.id, status, reason)
        stack.status, stack.reason = status, reason
        return stack

    def _tell(self, stack: Stack, now: float, logical: str, kind: str, physical: str, status: str, reason: str) -> None:
        event = {
            "StackId": stack.id,
            "EventId": str(uuid.uuid4()),
            "StackName": stack.name,
            "LogicalResourceId": logical,
            "PhysicalResourceId": physical,
            "ResourceType": kind,
            "Timestamp": _iso(now),
            "ResourceStatus": status,
        }
        stack.events.insert(0, event | ({"ResourceStatusReason": reason} if reason else {}))  # newest first

    def answer(self, call: AwsCall, request: Request) -> Response | None:
        """The answer to one of the three reads of a stack that was named; None for all else."""
        reading = {
            "DescribeStacks": self._described,
            "ListStackResources": self._resources,
            "DescribeStackEvents": self._events,
        }.get(call.operation)
        if reading is None:
            return None
        fields = {name: values[-1] for name, values in parse_qs(request.body.decode()).items()}
        name = fields.get("StackName", "")
        stack = next((each for each in self._stacks.values() if name in (each.name, each.id)), None)
        if stack is None:
            return None
        member, found = reading(stack)
        start = int(fields.get("NextToken", "0"))
        result: dict[str, Any] = {member: found[start : start + PAGE]}
        if start + PAGE < len(found):
            result["NextToken"] = str(start + PAGE)
        return query_response("cloudformation", call.operation, result)

    def _described(self, stack: Stack) -> tuple[str, list[dict[str, Any]]]:
        parent = self._stacks.get(stack.parent)
        said = {
            "StackId": stack.id,
            "StackName": stack.name,
            "CreationTime": _iso(stack.created),
            "LastUpdatedTime": _iso(stack.updated) if stack.updated is not None else "",
            "StackStatus": stack.status,
            "StackStatusReason": stack.reason,
            "ParentId": parent.id if parent else "",
            "RootId": parent.id if parent else "",
        }
        return "Stacks", [{name: value for name, value in said.items() if value}]

    def _resources(self, stack: Stack) -> tuple[str, list[dict[str, Any]]]:
        return "StackResourceSummaries", [
            {
                "LogicalResourceId": logical,
                "PhysicalResourceId": self._physical(each),
                "ResourceType": each["type"],
                "LastUpdatedTimestamp": _iso(stack.updated or stack.created),
                "ResourceStatus": each["status"],
            }
            for logical, each in stack.resources.items()
        ]

    def _physical(self, each: Mapping[str, str]) -> str:
        """Of a nested stack its ID, which its name stands for."""
        nested = self._stacks.get(each["physical"]) if each["type"] == _STACK else None
        return nested.id if nested else each["physical"]

    def _events(self, stack: Stack) -> tuple[str, list[dict[str, Any]]]:
        return "StackEvents", stack.events


def _entry(entry: object) -> dict[str, Any]:
    if not isinstance(entry, dict) or not isinstance(entry.get("name"), str) or set(entry) - _ENTRY:
        raise SeedError(f"a stack has a name, and may have {', '.join(sorted(_ENTRY - {'name'}))}: {entry!r}")
    resources = []
    for each in entry.get("resources") or []:
        if not isinstance(each, dict) or not {"logical", "type"} <= set(each) <= _RESOURCE:
            raise SeedError(f"a stack's resource has logical and type, and may have physical, status, reason: {each!r}")
        usual = {"physical": "", "status": "CREATE_COMPLETE", "reason": ""}
        resources.append({**usual, **{name: str(value) for name, value in each.items()}})
    return {**entry, "resources": resources}


def _id(name: str) -> str:
    made = uuid.uuid5(uuid.NAMESPACE_URL, name)
    return f"arn:aws:cloudformation:us-east-1:123456789012:stack/{name}/{made}"


def _iso(at: float) -> str:
    return datetime.fromtimestamp(at, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
