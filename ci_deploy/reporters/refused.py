"""What GitHub's refusal of a report means, and what to do about it. Pure; the report is off from then on."""

from __future__ import annotations

from ..ports import GitHubError


def refused(report: str, error: GitHubError, *, permission: str, off: str) -> str:
    """Two sentences: why there is no such report, and the next step. `off` is the input that asks for none."""
    why = error.message.rstrip(".")
    match error.status:
        case 401:
            # Another token's permissions would not help: this one is none, or none any more.
            what = f"GitHub does not know the token ({why})"
            then = "Give `github-token: ${{ github.token }}`"
        case 403 if "locked" in why.lower():
            what, then = f"the conversation is locked ({why})", "Unlock it"
        case 403:
            what = f"the token may not write one ({why})"
            then = f"Give the job `permissions: {permission}: write`"
        case 404:
            # What a token may not see does not exist for it.
            what = f"the token does not see it ({why})"
            then = f"Give the token access to this repository, with `permissions: {permission}: write`"
        case _:
            return f"No {report}: GitHub said {str(error).rstrip('.')}."
    return f"No {report}: {what}. {then}, or set `{off}`."
