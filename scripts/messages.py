"""The table of reasons, read from their classes, and docs/messages.md, which is made of it."""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Mapping

from ci_deploy.core import reasons as room
from ci_deploy.core.reasons.reason import Reason

_TITLES = {
    "aws": "Calls to AWS",
    "hints": "Hints: what to do about a call that failed",
    "run": "The run itself",
    "deployment": "Preflight: function, alias, versions, group, hooks and alarms",
    "surroundings": "Preflight: time, credentials, bucket and owners",
    "packages": "Preflight: packages",
    "smoke": "Smoke cases",
    "guards": "Guards and bake",
    "deciding": "Decisions: earlier runs, other deployments and the history",
    "deploying": "From code to a deployment: waits, versions, the first alias, creation",
    "stopping": "Time limits, hooks without an answer, and cancelled jobs",
    "codedeploy": "Deployments that CodeDeploy ended, by its error code",
    "verdict": "The end of a deployment, and what became of the traffic",
    "release": "Releases of several functions",
    "versions": "Versions, their code and settings",
    "upkeep": "Deleting old versions",
    "setup": "Setting up",
    "watching": "Watching another tool",
    "finish": "The post step",
}
_HEAD = """# Messages

Every message has a code. The output `reason-code` has the code of a run's first reason; `result` and `--json` have all
of them under `reasons`, each with `code`, `text` and `remedy`. Codes are stable, texts are not: use codes in conditions
and alerts.

```yaml
- if: failure() && steps.deploy.outputs.reason-code == 'alarm-ringing'
  run: echo "An alarm was firing before the deployment began."
```

A run that has no reason with a code of its own has its outcome as the code, such as `rolled-back` or `timed-out`: see
[reference.md](reference.md). The texts below are examples.
"""


def reasons() -> list[type[Reason]]:
    """Every reason with a code of its own, by code. A class without one is there for others to build on."""
    for module in pkgutil.walk_packages(room.__path__, f"{room.__name__}."):
        importlib.import_module(module.name)
    found: dict[str, type[Reason]] = {}
    left: list[type[Reason]] = [Reason]
    while left:
        for each in left.pop().__subclasses__():
            left.append(each)
            if isinstance(vars(each).get("code"), str):
                found[f"{each.code} {each.__qualname__}"] = each
    return [found[name] for name in sorted(found)]


def page(severities: Mapping[str, str]) -> str:
    """docs/messages.md: by family, every message by its code. `severities` are those of preflight's findings."""
    untitled = {reason.__module__.rpartition(".")[2] for reason in reasons()} - set(_TITLES)
    assert not untitled, f"families without a title: {sorted(untitled)}"
    parts = [_HEAD.rstrip()]
    for family, title in _TITLES.items():
        parts.append(f"## {title}")
        mine = [reason for reason in reasons() if reason.__module__.endswith(f".{family}")]
        parts += [_message(reason, severities.get(reason.code, "")) for reason in mine]
    return "\n\n".join(parts)


def _message(reason: type[Reason], severity: str) -> str:
    made = reason.sample()
    lines = [
        f"### {reason.code}",
        (f"*{severity.capitalize()}.* " if severity else "") + reason.means,
        *(["> " + made.text.replace("\n", "\n> ")] if made.text else []),
    ]
    return "\n\n".join([*lines, *([f"**What to do:** {made.remedy}"] if made.remedy else [])])
