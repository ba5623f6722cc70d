"""What the demo can show: a scenario changes seed and inputs, acts while the deployment runs, and ends in one way.

A scenario changes what AWS and the customers do, never the product: what people read is what the action says of it.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.request import urlopen

import boto3
import yaml

if __package__:
    from .pace import Pace
else:
    from pace import Pace

Seed = dict[str, Any]


@dataclass(frozen=True, kw_only=True)
class Stage:
    """A run in progress: where the emulator is, how its time is waited for, and the action's process."""

    pointers: Mapping[str, str]
    pace: Pace
    process: subprocess.Popen[str]

    def client(self, service: str) -> Any:
        return boto3.client(
            service,
            endpoint_url=self.pointers["AWS_ENDPOINT_URL"],
            region_name=self.pointers["AWS_REGION"],
            aws_access_key_id=self.pointers["AWS_ACCESS_KEY_ID"],
            aws_secret_access_key=self.pointers["AWS_SECRET_ACCESS_KEY"],
        )

    def until_traffic_is_split(self) -> bool:
        """Whether the alias came to two versions before the run was over."""
        functions = self.client("lambda")
        while self.process.poll() is None:
            alias = functions.get_alias(FunctionName="checkout", Name="live")
            if alias.get("RoutingConfig", {}).get("AdditionalVersionWeights"):
                return True
            self.pace.wait(1.0)
        return False

    def until_it_has_begun(self) -> None:
        """Until time waits for the run too, where it jumps: until then it would jump without it."""
        while self.process.poll() is None:
            with urlopen(f"{self.pointers['AWS_ENDPOINT_URL']}/_emulator/wait") as answer:
                if len(json.load(answer)) != 1:  # we alone
                    return
            time.sleep(0.05)


@dataclass(frozen=True, kw_only=True)
class Scenario:
    """`tells` is its line in the help. It is played well if the run ends with this outcome and exit code."""

    tells: str
    outcome: str
    exit_code: int
    seed: Callable[[Seed], None] = lambda seed: None
    inputs: Mapping[str, str] = field(default_factory=dict)
    meanwhile: Callable[[Stage], None] | None = None


def _function(seed: Seed, name: str) -> Seed:
    return next(each for each in seed["functions"] if each["name"] == name)


def _forgets_the_discount(seed: Seed) -> None:
    """The new version leaves `discount` out of its answer, on which the hook relies."""
    code = _function(seed, "checkout")["code"]
    whole, without = '{"total": total - discount, "discount": discount}', '{"total": total - discount}'
    assert whole in code["app.py"]
    code["app.py"] = code["app.py"].replace(whole, without)


def _fails_for_customers(seed: Seed) -> None:
    """One call in seven of the new version fails; the hook's own basket is not among them."""
    for callers in seed["traffic"]:
        callers["versions"][2]["errors"] = 0.14


def _fails_one_call_in_five(seed: Seed) -> None:
    """Nothing in the account watches it; the hook's own basket is not among them."""
    for callers in seed["traffic"]:
        callers["versions"][2]["errors"] = 0.2


def _alarm_fires(stage: Stage) -> None:
    if not stage.until_traffic_is_split():
        return
    stage.pace.wait(150)
    reason = (
        "Threshold Crossed: 1 datapoint [9.0 (29/11/26 10:02:00)] was greater than or equal to the threshold (5.0)."
    )
    data = {"version": "1.0", "statistic": "Sum", "period": 60, "recentDatapoints": [9.0], "threshold": 5.0}
    stage.client("cloudwatch").set_alarm_state(
        AlarmName="checkout-errors", StateValue="ALARM", StateReason=reason, StateReasonData=json.dumps(data)
    )


def _job_is_cancelled(stage: Stage) -> None:
    """What the runner sends first; ten seconds later it would kill the step."""
    if stage.until_traffic_is_split():
        stage.pace.wait(60)
        stage.process.terminate()
        time.sleep(0.1)  # before time may jump on, it has heard it


def _sam_deploys(stage: Stage) -> None:
    """Another tool's deployment: a stack's update, which fails when its canary does."""
    stage.until_it_has_begun()
    stage.pace.wait(40)
    with tempfile.NamedTemporaryFile("w", suffix=".py") as code:
        code.write("def handler(event, context):\n    return {'total': 99}\n")
        code.flush()
        sam = subprocess.Popen(
            [sys.executable, "-u", str(Path(__file__).with_name("sam.py")), "deploy", "--code", code.name],
            env={"PATH": os.defpath, **stage.pointers},
            stdout=subprocess.PIPE,
            text=True,
        )
        with sam:
            assert sam.stdout is not None
            print(sam.stdout.readline(), end="", flush=True)
            stage.pace.leave()  # from its first line on SAM waits for itself
            print(sam.stdout.read(), end="", flush=True)


_ANOTHER_TOOL = dict.fromkeys(
    (
        *("function", "code", "application", "deployment-group", "bucket"),
        *("before-allow-traffic", "after-allow-traffic"),
    ),
    "",
)

SCENARIOS: Mapping[str, Scenario] = {
    "success": Scenario(
        tells="a canary of five minutes between two hooks, to 100% of traffic",
        outcome="succeeded",
        exit_code=0,
    ),
    "hook": Scenario(
        tells="the hook before any traffic finds that the new version answers wrongly",
        outcome="rolled-back",
        exit_code=1,
        seed=_forgets_the_discount,
    ),
    "alarm": Scenario(
        tells="an alarm fires while the new version has 10% of traffic",
        outcome="rolled-back",
        exit_code=1,
        seed=_fails_for_customers,
        meanwhile=_alarm_fires,
    ),
    "guard": Scenario(
        tells="one call in five of the new version fails, and a guard sees it at 10% of traffic",
        outcome="rolled-back",
        exit_code=1,
        seed=_fails_one_call_in_five,
        inputs={"guards": "errors < 1%\nerrors < 2x"},
    ),
    "watch": Scenario(
        tells="SAM deploys, one call in five of its new version fails, and a guard stops it at 10% of traffic",
        outcome="rolled-back",
        exit_code=1,
        seed=_fails_one_call_in_five,
        inputs={
            **_ANOTHER_TOOL,
            "command": "watch",
            "stack": "shop",
            "guards": "errors < 1%",
            "on-violation": "rollback",
        },
        meanwhile=_sam_deploys,
    ),
    "cancel": Scenario(
        tells="the job is canceled while traffic is split",
        outcome="cancelled",
        exit_code=130,
        meanwhile=_job_is_cancelled,
    ),
}


def changed_seed(text: str, scenario: Scenario) -> str:
    """The demo's seed as this scenario has it, as YAML."""
    seed = yaml.safe_load(text)
    scenario.seed(seed)
    return yaml.safe_dump(seed, sort_keys=False)
