"""Whether raw hook logs may be shown. Everybody can read a public repository's logs, summaries and comments."""

from __future__ import annotations

from collections.abc import Mapping

from ..core.model import Context

HIDDEN = "Hook logs are not shown in a public repository; `hook-logs: on` shows them."


def shows_hook_logs(context: Context, inputs: Mapping[str, str]) -> bool:
    """The input `hook-logs`; `auto`, its default, is off in public repositories."""
    choice = inputs.get("hook-logs", "auto").lower()
    return choice == "on" or (choice != "off" and not context.public)
