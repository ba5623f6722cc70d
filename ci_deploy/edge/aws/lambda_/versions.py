"""Lambda's versions and what names them: what `prune` reads, and the one place where anything is ever deleted.

Apart from edge/lambda_.py because the everyday role has none of these permissions. Reads repeat; a deletion is one
attempt, of one numbered version, at a modest rate (Lambda's control plane is the whole account's: facts.md A11).
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import islice
from typing import Any

from ....core.aws import Alias, FunctionVersion
from ....core.errors import AwsError
from ..client import Aws
from .functions import parse_alias, parse_version

_NUMBER = re.compile(r"[1-9][0-9]{0,18}")


class LambdaVersions:
    """Implements ports.Versions."""

    def __init__(self, aws: Aws) -> None:
        self._aws = aws

    def versions(self, function: str) -> tuple[FunctionVersion, ...]:
        pages = self._pages("ListVersionsByFunction", "Versions", function, FunctionName=function)
        return tuple(found for sent in pages if (found := parse_version(sent)).version != "$LATEST")

    def aliases(self, function: str) -> tuple[Alias, ...]:
        return tuple(
            parse_alias(function, sent)
            for sent in self._pages("ListAliases", "Aliases", function, FunctionName=function)
        )

    def provisioned(self, function: str) -> tuple[str, ...]:
        pages = self._pages(
            "ListProvisionedConcurrencyConfigs", "ProvisionedConcurrencyConfigs", function, FunctionName=function
        )
        return tuple(_qualifier(str(sent.get("FunctionArn") or "")) for sent in pages)

    def event_sources(self, function: str, qualifier: str = "") -> tuple[str, ...]:
        name = f"{function}:{qualifier}" if qualifier else function
        pages = self._pages("ListEventSourceMappings", "EventSourceMappings", name, FunctionName=name)
        return tuple(_qualifier(str(sent.get("FunctionArn") or "")) for sent in pages)

    def executions(self, function: str, version: str, most: int) -> int:
        pages = self._pages(
            "ListDurableExecutionsByFunction",
            "DurableExecutions",
            f"{function}:{version}",
            FunctionName=function,
            Qualifier=version,
            Statuses=["RUNNING", "PAUSING", "PAUSED"],
            MaxItems=most,
        )
        return sum(1 for _ in islice(pages, most))

    def event_configs(self, function: str) -> tuple[str, ...]:
        pages = self._pages(
            "ListFunctionEventInvokeConfigs", "FunctionEventInvokeConfigs", function, FunctionName=function
        )
        return tuple(_qualifier(str(sent.get("FunctionArn") or "")) for sent in pages)

    def urls(self, function: str) -> tuple[str, ...]:
        pages = self._pages("ListFunctionUrlConfigs", "FunctionUrlConfigs", function, FunctionName=function)
        return tuple(_qualifier(str(sent.get("FunctionArn") or "")) for sent in pages)

    def has_policy(self, function: str, version: str) -> bool:
        return bool(self._of_version("GetPolicy", function, version).get("Policy"))

    def has_scaling(self, function: str, version: str) -> bool:
        found = self._of_version("GetFunctionScalingConfig", function, version)
        return bool(found.get("RequestedFunctionScalingConfig"))

    def _of_version(self, operation: str, function: str, version: str) -> dict[str, Any]:
        """What a version has of its own; nothing where it has none."""
        try:
            return self._aws.read(
                "lambda", operation, f"function {function}:{version}", FunctionName=function, Qualifier=version
            )
        except AwsError as error:
            if error.code == "ResourceNotFoundException":
                return {}
            raise

    def delete(self, function: str, version: str) -> None:
        # DeleteFunction without a qualifier, or with a wrong one, deletes the function with all that it has.
        if not _NUMBER.fullmatch(version):
            raise ValueError(f"only a numbered version may be deleted, not {version!r}")
        if not function or ":" in function:
            raise ValueError(f"a function's plain name is needed, not {function!r}")
        self._aws.call(
            "lambda",
            "DeleteFunction",
            f"function {function}:{version}",
            rate="lambda:DeleteFunction",
            FunctionName=function,
            Qualifier=version,
        )

    def _pages(self, operation: str, member: str, function: str, **parameters: Any) -> Iterator[dict[str, Any]]:
        marker: str | None = None
        while True:
            page = self._aws.read(
                "lambda", operation, f"function {function}", expects=member, Marker=marker, **parameters
            )
            yield from page[member] or ()
            marker = page.get("NextMarker") or None
            if marker is None:
                return


def _qualifier(arn: str) -> str:
    """The version or alias at the end of a function's ARN; empty where it names none (`$LATEST`)."""
    parts = arn.split(":")
    return parts[7] if len(parts) > 7 else ""
