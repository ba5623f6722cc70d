"""Events that run with the repository's secrets on behalf of somebody who may not have them.

`pull_request_target` runs the base's workflow, but usually on a stranger's code; `workflow_run` and `issue_comment`
may be about a fork's head. A writing command there would deploy a stranger's code with the deploy role (design.md
section 4). Sources: GitHub's documentation on events and on securing workflows; facts.md B5.
"""

from __future__ import annotations

from ..run import Command, Context

WRITING = (Command.DEPLOY, Command.ROLLBACK, Command.STOP, Command.SETUP, Command.PRUNE)


def distrust(command: Command, context: Context) -> str:
    """Why this event is not trusted with this command; empty if it is."""
    if command not in WRITING:
        return ""
    if context.event_name == "pull_request_target":
        return "`pull_request_target` runs with your secrets, but for a pull request that anybody may have opened"
    if context.event_name in ("workflow_run", "issue_comment") and context.from_fork:
        return f"`{context.event_name}` runs with your secrets, and the code that it is about may come from a fork"
    return ""


REMEDY = (
    "Build and test in `pull_request` (no secrets there), and deploy from a trusted event: `push` to a protected "
    "branch, `workflow_dispatch`, or a job with a protected environment. `allow-untrusted-event: true` overrides this, "
    "if you are sure that no code of the pull request is ever deployed or run."
)
