"""What everybody may read: a public repository's logs, summaries and comments are open to all.

There, unless `hook-logs: on` says otherwise, no report has the lines that a hook logged, the name of an environment
variable or a layer, or the account's number (which is never in a comment or summary in public).
"""

from __future__ import annotations

from collections.abc import Mapping

from ...core.run import Context

HIDDEN = "Hook logs are not shown in a public repository; `hook-logs: on` shows them."


def discloses(context: Context, inputs: Mapping[str, str]) -> bool:
    """Whether hook logs and names of variables and layers may be shown: `hook-logs`, off in public by default."""
    choice = inputs.get("hook-logs", "auto").lower()
    return choice == "on" or (choice != "off" and not context.public)
