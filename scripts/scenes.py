"""Plays the runs that the pictures show: the product itself against the emulator, on a clock that stands still between.

Every text is the product's own. Two things only are set: the time of day, and that nothing is said of the emulator's
address, so that reports look as they do on AWS. `docs/images` has the texts; a test plays the runs again and compares.
"""

from __future__ import annotations

import contextlib
import json
import random
import re
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any
from unittest import mock

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from ci_deploy.core.story.events import Event, NotAws  # noqa: E402
from ci_deploy.reporters.fanout import FanOut  # noqa: E402
from codedeploy_emulator import Emulator  # noqa: E402
from tests.support.account import Account  # noqa: E402
from tests.support.machine.models import read_once  # noqa: E402
from tests.support.machine.stage import Happening, Stage, Step, emulated, environment  # noqa: E402

REPOSITORY, PULL = "octo-shop/checkout", 128
HEAD = "4f2a91c07de1b0a6c6b4cdd1b7fcd6a2f3e8d901"
START = 1_795_442_400.0  # 2026-11-23 14:00 UTC
HOOKS = {"before": "CodeDeployHook_checkout_smoke", "after": "CodeDeployHook_checkout_verify"}
DEPLOY = {
    "function": "checkout",
    "code": "$LATEST",
    "application": "shop",
    "deployment-group": "checkout-live",
    "deployment-config": "canary 10% 5m",
    "bucket": "shop-deployments",
    "before-allow-traffic": HOOKS["before"],
    "after-allow-traffic": HOOKS["after"],
    "rollback-workflow": "rollback.yml",
}
FIRED = (
    "Threshold Crossed: 1 out of the last 1 datapoints [14.0 (23/11/26 14:01:00)] was greater than the threshold (5.0)."
)
FIRED_BY = {"version": "1.0", "statistic": "Sum", "period": 60, "recentDatapoints": [14.0], "threshold": 5.0}
GOOD = {"errors": 0.001, "duration": {"p50": 60, "p99": 200}}
HOOK_LOG = [
    "smoke test of checkout:42",
    "GET /health -> 200 in 81 ms",
    "POST /cart/items -> 500 in 1204 ms",
    "KeyError: 'currency' in cart.py, line 87, in total",
]


def _seed() -> dict[str, Any]:
    """A shop whose checkout has come to version 41, and has new code in `$LATEST`."""

    def code(text: str) -> dict[str, str]:
        return {"app.py": f'"""{text}"""\n\n\ndef handler(event, context):\n    return event\n'}

    names = ("checkout", "catalog", "payments", "search")
    functions: list[dict[str, Any]] = [
        {
            "name": name,
            "runtime": "python3.13",
            "handler": "app.handler",
            "versions": [code(f"{name}, version {number}") for number in range(1, 42)],
            "code": code(f"{name}, the next version"),
            "aliases": {"live": 41},
        }
        for name in names
    ]
    functions += [
        {"name": hook, "runtime": "python3.13", "handler": "app.handler", "code": code("A hook")}
        for hook in HOOKS.values()
    ]
    return {
        "region": "eu-central-1",
        "buckets": [{"name": "shop-deployments", "versioning": True}],
        "functions": functions,
        "alarms": [{"name": f"{name}-errors"} for name in names],
        "applications": [
            {
                "name": "shop",
                "groups": [
                    {"name": f"{name}-live", "config": "CodeDeployDefault.LambdaCanary10Percent5Minutes",
                     "alarms": [f"{name}-errors"],
                     "auto-rollback": ["DEPLOYMENT_FAILURE", "DEPLOYMENT_STOP_ON_ALARM", "DEPLOYMENT_STOP_ON_REQUEST"]}
                    for name in names
                ],
            }
        ],
        "traffic": [
            {
                "function": "checkout",
                "alias": "live",
                "per_minute": 600,
                "versions": {41: GOOD, 42: GOOD, 43: {"errors": 0.23, "duration": {"p50": 70, "p99": 260}}},
            }
        ],
        "repositories": [
            {
                "name": REPOSITORY,
                "pull-requests": [{"number": PULL, "title": "Prices in CHF", "state": "open", "head-sha": HEAD}],
            }
        ],
    }  # fmt: skip


class Scene:
    """A shop to play one run in; what happens meanwhile is said beforehand, in seconds from the start."""

    def __init__(self, emulator: Emulator, folder: Path) -> None:
        emulator.switches(hooks="succeed")
        self.emulator, self.folder = emulator, folder
        self.account = Account(emulator)
        self.happenings: list[Happening] = []
        self.runs = 11_223_344_550
        self.shot = ""

    def at(self, when: float, do: Callable[[], object]) -> None:
        self.happenings.append(Happening(at=when, what="", do=do))

    def fires(self, alarm: str = "checkout-errors") -> None:
        self.account.cloudwatch.set_alarm_state(
            AlarmName=alarm, StateValue="ALARM", StateReason=FIRED, StateReasonData=json.dumps(FIRED_BY)
        )

    def takes_comment(self, once: str) -> None:
        """The comment as it stands, once it says this: it is written in the background."""
        deadline = time.monotonic() + 20
        while once not in self.shot and time.monotonic() < deadline:
            self.shot = self.comment()

    def comment(self) -> str:
        comments = self.account.comments(PULL, REPOSITORY)
        return comments[0] if comments else ""

    def run(self, inputs: Mapping[str, str], *, file: str = "") -> Step:
        """One step of a workflow on the pull request; `file`: the repository's own."""
        self.runs += 6
        folder = self.folder / str(self.runs)
        folder.mkdir()
        if file:
            (folder / "ci-deploy.yml").write_text(file, encoding="utf-8")
        event = {
            "repository": {"full_name": REPOSITORY, "private": True},
            "pull_request": {
                "number": PULL,
                "head": {"sha": HEAD, "repo": {"full_name": REPOSITORY}},
                "base": {"repo": {"full_name": REPOSITORY}},
            },
        }
        given = {**inputs, "github-token": self.emulator.env["GITHUB_TOKEN"]}
        variables = {
            **environment(self.emulator.env, folder, given, GITHUB_RUN_ID=self.runs, GITHUB_RUN_ATTEMPT=1),
            "GITHUB_REPOSITORY": REPOSITORY,
            "GITHUB_SERVER_URL": "https://github.com",
            "GITHUB_EVENT_NAME": "pull_request",
            "GITHUB_REF": f"refs/pull/{PULL}/merge",
            "GITHUB_SHA": HEAD,
            "GITHUB_ACTOR": "mona",
        }
        (folder / "event.json").write_text(json.dumps(event), encoding="utf-8")
        step = Step(name="deploy", environ=variables, folder=folder, dice=random.Random(self.runs), inputs=given)
        Stage(self.emulator, self.happenings).play(step)
        self.happenings = []
        return step


# --- the scenes: each gives the texts of its pictures ---------------------------------------------------------------


def succeeds(scene: Scene) -> Iterator[tuple[str, str]]:
    scene.at(140, lambda: scene.takes_comment("next 100%"))
    step = scene.run(DEPLOY).check(0, outcome="succeeded")
    yield "comment-running.md", scene.shot
    yield "comment-succeeded.md", scene.comment()
    yield "summary-succeeded.md", step.summary


def alarm_fires(scene: Scene) -> Iterator[tuple[str, str]]:
    scene.run({**DEPLOY, "deployment-config": "all-at-once"}).check(0)
    scene.account.code("# Prices in CHF\ndef handler(event, context):\n    return event\n")
    scene.at(120, scene.fires)
    step = scene.run(DEPLOY).check(1, outcome="rolled-back")
    yield "log-rolled-back.ansi", step.out.getvalue().decode()
    yield "comment-rolled-back.md", scene.comment()


def guard_stops(scene: Scene) -> Iterator[tuple[str, str]]:
    """Nothing is configured in the account: no alarm, no hook."""
    scene.run({**DEPLOY, "deployment-config": "all-at-once"}).check(0)
    scene.account.code("# Prices in CHF\ndef handler(event, context):\n    return event\n")
    bare = {name: value for name, value in DEPLOY.items() if not name.endswith("allow-traffic")}
    scene.run({**bare, "guards": "errors < 1%", "alarms": "off"}).check(1, outcome="rolled-back")
    yield "comment-guard.md", scene.comment()


def hook_fails(scene: Scene) -> Iterator[tuple[str, str]]:
    scene.emulator.scripts({HOOKS["before"]: {"outcome": "fail", "log": HOOK_LOG}})
    step = scene.run(DEPLOY).check(1)
    yield "summary-failed-hook.md", step.summary


def plans(scene: Scene) -> Iterator[tuple[str, str]]:
    scene.account.lambda_.update_function_configuration(FunctionName="checkout", MemorySize=512, Timeout=20)
    scene.run({**DEPLOY, "command": "plan"}).check(0)
    yield "comment-plan.md", scene.comment()


def release_fails(scene: Scene) -> Iterator[tuple[str, str]]:
    """Of four functions one fails, and all are rolled back."""
    names = ("catalog", "checkout", "payments", "search")
    rows = "".join(f"  {name}: {{function: {name}, deployment-group: {name}-live}}\n" for name in names)
    common = "application: shop, code: $LATEST, deployment-config: canary 10% 5m"
    text = f"defaults: {{{common}}}\nfunctions:\n{rows}"
    scene.at(150, lambda: scene.fires("payments-errors"))
    scene.run({"bucket": "shop-deployments"}, file=text).check(1)
    yield "comment-release.md", scene.comment()


SCENES = (succeeds, alarm_fires, guard_stops, hook_fails, plans, release_fails)


def play() -> dict[str, str]:
    """The texts by file name."""
    report = FanOut.report

    def silent(self: FanOut, event: Event) -> None:
        if not isinstance(event, NotAws):
            report(self, event)

    read_once()
    texts: dict[str, str] = {}
    with contextlib.ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        emulator = stack.enter_context(emulated(_seed(), start=START))
        stack.enter_context(mock.patch.object(FanOut, "report", silent))
        # Looks are spread by the deployment's marker, which is drawn anew in every run.
        stack.enter_context(mock.patch("secrets.token_hex", lambda count: "5eed" * (count // 2)))
        for scene in SCENES:
            if scene is not SCENES[0]:
                emulator.reset()
            own = folder / scene.__name__
            own.mkdir()
            texts |= {name: _settled(text) for name, text in scene(Scene(emulator, own))}
    return texts


def _settled(text: str) -> str:
    """What S3 and Lambda draw anew in every run."""
    text = re.sub(r"[0-9a-f]{8}-[0-9a-f-]{27}", "0b5c7a1e-6f0d-4b51-9d3c-5e2a7f3d9c11", text)
    return re.sub(r"(versionId(?:=|&#61;))[\w-]+", r"\g<1>3HL4kqtJvjVBH40Nrjfkd", text)


if __name__ == "__main__":
    target = Path(sys.argv[1]) if len(sys.argv) > 1 else ROOT / "docs" / "images"
    for name, text in play().items():
        (target / name).write_text(text, encoding="utf-8")
