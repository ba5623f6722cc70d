"""Which commands are refused for events that run with secrets on behalf of strangers."""

from __future__ import annotations

import pytest

from ci_deploy.core.given.trust import REMEDY, distrust
from ci_deploy.core.run import Command, Context

WRITING = (Command.DEPLOY, Command.ROLLBACK, Command.STOP, Command.SETUP, Command.PRUNE)
TARGET = "`pull_request_target` runs with your secrets, but for a pull request that anybody may have opened"
FORK = "`{}` runs with your secrets, and the code that it is about may come from a fork"


@pytest.mark.parametrize("command", Command)
@pytest.mark.parametrize(
    ("event", "from_fork", "why"),
    [
        ("push", False, ""),
        ("workflow_dispatch", False, ""),
        ("", False, ""),
        ("pull_request", True, ""),  # has no secrets
        ("pull_request_target", False, TARGET),
        ("pull_request_target", True, TARGET),
        ("workflow_run", False, ""),
        ("workflow_run", True, FORK.format("workflow_run")),
        ("issue_comment", False, ""),
        ("issue_comment", True, FORK.format("issue_comment")),
    ],
)
def test_only_commands_that_write_distrust_events_of_strangers(
    command: Command, event: str, from_fork: bool, why: str
) -> None:
    context = Context(event_name=event, from_fork=from_fork)
    assert distrust(command, context) == (why if command in WRITING else "")


def test_the_remedy_names_trusted_events_and_the_way_around() -> None:
    for words in ("`pull_request`", "`push`", "`workflow_dispatch`", "`allow-untrusted-event: true`"):
        assert words in REMEDY
