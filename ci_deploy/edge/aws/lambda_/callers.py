"""Who may invoke the function itself: its resource policy, event source mappings, function URL. Reads repeat.

`$LATEST.PUBLISHED` is what the unqualified ARN of a function on managed instances invokes; it has a policy and mappings
of its own (facts.md H), and is asked for only there. Lambda refuses a policy on `$LATEST`.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from ....core.callers import EventSource, Permission, Url
from ....core.errors import AwsError, ErrorKind
from ..client import Aws
from ..errors import unreadable
from .versions import pages, qualifier_of

PUBLISHED = "$LATEST.PUBLISHED"
_ITSELF = ("", "$LATEST", PUBLISHED)


class LambdaCallers:
    """Implements ports.Callers."""

    def __init__(self, aws: Aws) -> None:
        self._aws = aws

    def permissions(self, function: str, *, published: bool) -> tuple[Permission, ...]:
        found = list(self._policy(function, None))
        if published:
            found += self._policy(function, PUBLISHED)
        return tuple(dict.fromkeys(found))

    def _policy(self, function: str, qualifier: str | None) -> Iterator[Permission]:
        what = f"function {function}"
        try:
            answer = self._aws.read(
                "lambda", "GetPolicy", what, expects="Policy", FunctionName=function, Qualifier=qualifier
            )
        except AwsError as error:
            if error.kind is ErrorKind.NOT_FOUND:  # it has no policy
                return
            raise
        try:
            statements = json.loads(answer["Policy"]).get("Statement") or ()
        except (ValueError, AttributeError, RecursionError) as error:
            raise unreadable("lambda", "GetPolicy", what, "Policy") from error
        for sent in [statements] if isinstance(statements, dict) else statements:
            if isinstance(sent, dict) and sent.get("Effect") == "Allow":
                yield from _permissions(sent)

    def event_sources(self, function: str, *, published: bool) -> tuple[EventSource, ...]:
        names = (function, f"{function}:{PUBLISHED}") if published else (function,)
        found = [
            sent for name in names for sent in pages(self._aws, "ListEventSourceMappings", "EventSourceMappings", name)
        ]
        return tuple(
            dict.fromkeys(
                EventSource(uuid=str(sent.get("UUID") or ""), source=str(sent.get("EventSourceArn") or ""))
                for sent in found
                if str(sent.get("State") or "") != "Disabled" and qualifier_of(sent) in _ITSELF
            )
        )

    def url(self, function: str) -> Url | None:
        try:
            answer = self._aws.read(
                "lambda", "GetFunctionUrlConfig", f"function {function}", expects="FunctionUrl", FunctionName=function
            )
        except AwsError as error:
            if error.kind is ErrorKind.NOT_FOUND:
                return None
            raise
        return Url(address=str(answer["FunctionUrl"]), auth=str(answer.get("AuthType") or "AWS_IAM"))


def _permissions(sent: dict[str, Any]) -> Iterator[Permission]:
    """One for each principal and action; where it may come from is a condition on aws:SourceArn."""
    conditions = sent.get("Condition")
    tests = conditions.values() if isinstance(conditions, dict) else ()
    keys = {key.lower(): values for test in tests if isinstance(test, dict) for key, values in test.items()}
    sources = _listed(keys.get("aws:sourcearn"))
    by_url = "lambda:invokedviafunctionurl" in keys
    for principal in _principals(sent.get("Principal")):
        for action in _listed(sent.get("Action")):
            for source in sources or [""]:
                yield Permission(
                    statement=str(sent.get("Sid") or ""),
                    principal=principal,
                    action=action,
                    source=source,
                    by_url=by_url,
                )


def _principals(said: object) -> list[str]:
    """`*`, a service's name, or an account's number, which comes as its root's ARN."""
    members = (
        [each for values in said.values() for each in _listed(values)] if isinstance(said, dict) else _listed(said)
    )
    return [each.split(":")[4] if each.startswith("arn:") and each.endswith(":root") else each for each in members]


def _listed(said: object) -> list[str]:
    return [str(each) for each in said] if isinstance(said, list) else [str(said)] if said else []
