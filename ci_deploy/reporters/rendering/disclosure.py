"""What everybody may read: a public repository's logs, summaries and comments are open to all.

There, unless `hook-logs: on` says otherwise, no report has the lines that a hook logged or the name of an environment
variable, a layer or the execution role. Account numbers are in no public report at all, nor are the names in ARNs of
roles, keys, topics and the like. docs/reports.md says so to people.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

from ...core.links import MASK
from ...core.run import Context

HIDDEN = "Hook logs are shown only where the repository is known to be private; `hook-logs: on` shows them."

_ARN = re.compile(r"\b(arn:aws[a-z-]*):([a-z0-9-]+):([a-z0-9-]*):(\d{12}|aws|):([^\s\"'`<>,;)\]}]+)")
_ACCOUNT = re.compile(r"(?<![0-9A-Za-z])\d{12}(?![0-9A-Za-z])")
# What reports are about; of anything else an ARN's kind and region are enough to understand a message.
_SHOWN = re.compile(r"(lambda:function|codedeploy|cloudwatch|s3|logs):")


def discloses(context: Context, inputs: Mapping[str, str]) -> bool:
    """Whether hook logs and names of variables and layers may be shown: `hook-logs`, off in public by default."""
    choice = inputs.get("hook-logs", "auto").lower()
    return choice == "on" or (choice != "off" and not context.public)


def in_public(text: str) -> str:
    """The text without account numbers, and without the names in ARNs that no report is about."""
    if "arn:" in text:
        text = _ARN.sub(_shortened, text)
    return _ACCOUNT.sub(MASK, text)


def _shortened(arn: re.Match[str]) -> str:
    partition, service, region, account, resource = arn.groups()
    kept = resource if _SHOWN.match(f"{service}:{resource}:") else MASK
    return f"{partition}:{service}:{region}:{MASK if account.isdigit() else account}:{kept}"
