"""CloudFormation, read only: a stack's state, its resources with those of nested stacks, and what failed in it.

Reads repeat. Of events only those since the latest update began are read: a stack keeps them for 90 days.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from ...core.aws import LambdaName
from ...core.errors import AwsError
from ...core.stacks import Stack, StackEvent
from .client import Aws
from .codedeploy.parse import epoch

NESTED = "AWS::CloudFormation::Stack"
PAGES = 10  # of a stack's events, newest first, a hundred each
# What CloudFormation says of resources that it gave up because another one failed.
_FOLLOWS = ("Resource creation cancelled", "Resource update cancelled", "Resource deletion cancelled")


class CloudFormationStacks:
    """Implements ports.Stacks."""

    def __init__(self, aws: Aws) -> None:
        self._aws = aws

    def stack(self, name: str) -> Stack | None:
        try:
            answer = self._aws.read(
                "cloudformation", "DescribeStacks", f"stack {name}", expects="Stacks", StackName=name
            )
        except AwsError as error:
            if _missing(error):
                return None
            raise
        found: list[dict[str, Any]] = answer["Stacks"] or [{}]
        sent = found[0]
        status = str(sent.get("StackStatus") or "")
        updated = epoch(sent.get("LastUpdatedTime")) or epoch(sent.get("CreationTime")) or 0.0
        groups: set[str] = set()
        applications: set[str] = set()
        aliases: set[tuple[str, str]] = set()
        failed: list[StackEvent] = []
        rolling_back: list[float] = []
        troubled = "ROLLBACK" in status or "FAILED" in status
        waiting, known = [name], {name}
        while waiting:
            one = waiting.pop(0)
            for resource in self._pages("ListStackResources", "StackResourceSummaries", one):
                physical = str(resource.get("PhysicalResourceId") or "")
                kind = resource.get("ResourceType")
                if not physical:
                    continue  # about to be made
                if kind == "AWS::CodeDeploy::DeploymentGroup":
                    groups.add(physical)
                elif kind == "AWS::CodeDeploy::Application":
                    applications.add(physical)
                elif kind == "AWS::Lambda::Alias" and (named := LambdaName.parse(physical)) is not None:
                    aliases.add((named.name, named.qualifier))
                elif kind == NESTED and physical not in known:
                    known.add(physical)
                    waiting.append(physical)
            if troubled:
                events = self._events(one, updated)
                failed += [event for event in events if event.status.endswith("_FAILED") and _explains(event)]
                rolling_back += [e.at for e in events if e.kind == NESTED and e.status.endswith("ROLLBACK_IN_PROGRESS")]
        return Stack(
            name=str(sent.get("StackName") or name),
            status=status,
            updated=updated,
            rolls_back_since=min(rolling_back, default=None),
            applications=frozenset(applications),
            groups=frozenset(groups),
            aliases=frozenset(aliases),
            failed=tuple(sorted(failed, key=lambda event: event.at)),
        )

    def _events(self, name: str, since: float) -> list[StackEvent]:
        found = []
        for sent in self._pages("DescribeStackEvents", "StackEvents", name, most=PAGES):
            at = epoch(sent.get("Timestamp")) or 0.0
            if at < since:
                break
            found.append(
                StackEvent(
                    stack=str(sent.get("StackName") or ""),
                    resource=str(sent.get("LogicalResourceId") or ""),
                    kind=str(sent.get("ResourceType") or ""),
                    status=str(sent.get("ResourceStatus") or ""),
                    said=str(sent.get("ResourceStatusReason") or ""),
                    at=at,
                )
            )
        return found

    def _pages(self, operation: str, member: str, name: str, most: int | None = None) -> Iterator[dict[str, Any]]:
        """What is under `member` on so many pages; nothing (more) of a stack that this very update has deleted."""
        token: str | None = None
        number = 0
        while most is None or number < most:
            number += 1
            try:
                page = self._aws.read(
                    "cloudformation", operation, f"stack {name}", expects=member, StackName=name, NextToken=token
                )
            except AwsError as error:
                if _missing(error):
                    return
                raise
            yield from page[member] or ()
            token = page.get("NextToken") or None
            if token is None:
                return


def _missing(error: AwsError) -> bool:
    return error.code == "ValidationError" and "does not exist" in error.message


def _explains(event: StackEvent) -> bool:
    return bool(event.said) and not event.said.startswith(_FOLLOWS)
