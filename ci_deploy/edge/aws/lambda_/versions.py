"""Lambda's versions and what names them: what `prune` reads, and the one place where anything is ever deleted.

Apart from functions.py because the everyday role has none of these permissions. Reads repeat; a deletion is one
attempt, of one numbered version, at a modest rate (Lambda's control plane is the whole account's: facts.md A11).
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
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
        found = map(parse_version, pages(self._aws, "ListVersionsByFunction", "Versions", function))
        return tuple(each for each in found if each.version != "$LATEST")

    def aliases(self, function: str) -> tuple[Alias, ...]:
        return tuple(parse_alias(function, sent) for sent in pages(self._aws, "ListAliases", "Aliases", function))

    def provisioned(self, function: str) -> tuple[str, ...]:
        return self._named("ListProvisionedConcurrencyConfigs", "ProvisionedConcurrencyConfigs", function)

    def event_sources(self, function: str, qualifier: str = "") -> tuple[str, ...]:
        name = f"{function}:{qualifier}" if qualifier else function
        return self._named("ListEventSourceMappings", "EventSourceMappings", name)

    def event_configs(self, function: str) -> tuple[str, ...]:
        return self._named("ListFunctionEventInvokeConfigs", "FunctionEventInvokeConfigs", function)

    def urls(self, function: str) -> tuple[str, ...]:
        return self._named("ListFunctionUrlConfigs", "FunctionUrlConfigs", function)

    def _named(self, operation: str, member: str, function: str) -> tuple[str, ...]:
        return tuple(map(qualifier_of, pages(self._aws, operation, member, function)))

    def executions(self, function: str, version: str, most: int) -> int:
        found = pages(
            self._aws,
            "ListDurableExecutionsByFunction",
            "DurableExecutions",
            function,
            Qualifier=version,
            Statuses=["RUNNING", "PAUSING", "PAUSED"],
            MaxItems=most,
        )
        return sum(1 for _ in islice(found, most))

    def has_policy(self, function: str, version: str) -> bool:
        return bool(self._of_version("GetPolicy", function, version, expects="Policy"))

    def has_scaling(self, function: str, version: str) -> bool:
        found = self._of_version("GetFunctionScalingConfig", function, version)
        return bool(found.get("RequestedFunctionScalingConfig"))

    def _of_version(self, operation: str, function: str, version: str, *, expects: str = "") -> dict[str, Any]:
        """What a version has of its own; nothing where it has none."""
        try:
            return self._aws.read(
                "lambda",
                operation,
                f"function {function}:{version}",
                expects=expects,
                FunctionName=function,
                Qualifier=version,
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


def pages(aws: Aws, operation: str, member: str, function: str, **params: Any) -> Iterator[dict[str, Any]]:
    """What a list of Lambda's has under `member` for a function, page by page; each read repeats."""
    on = f"function {function}"
    marker: str | None = None
    while True:
        page = aws.read("lambda", operation, on, expects=member, FunctionName=function, Marker=marker, **params)
        yield from page[member] or ()
        marker = page.get("NextMarker") or None
        if marker is None:
            return


def qualifier_of(sent: Mapping[str, Any]) -> str:
    """The version or alias at the end of the function's ARN; empty where it names none (`$LATEST`)."""
    parts = str(sent.get("FunctionArn") or "").split(":")
    return parts[7] if len(parts) > 7 else ""
