"""Who may see what a hook logged, as a process against an emulator that is slow enough for hooks.

A hook takes real time: at hundreds of times the speed its lines would come minutes after its answer.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from codedeploy_emulator import Emulator
from tests.support.account import Account, zipped
from tests.support.action import CHECKOUT, HOOKS, Runner, event

pytestmark = pytest.mark.full

SEED = Path(__file__).parents[2] / "codedeploy_emulator" / "seeds" / "demo.yaml"
LOG = "the price of nothing is 42"
HOOK = f"""import boto3
def handler(event, context):
    print("{LOG}")
    boto3.client("codedeploy").put_lifecycle_event_hook_execution_status(
        deploymentId=event["DeploymentId"],
        lifecycleEventHookExecutionId=event["LifecycleEventHookExecutionId"],
        status="Failed",
    )
"""


@pytest.fixture(scope="module")
def emulator() -> Iterator[Emulator]:
    with Emulator(speed=10, seed=SEED) as emulator:
        yield emulator


@pytest.mark.parametrize(
    ("private", "choice", "shown"),
    [(True, "auto", True), (False, "auto", False), (False, "on", True), (True, "off", False)],
)
def test_hook_logs_are_for_those_who_may_see_them(
    private: bool, choice: str, shown: bool, emulator: Emulator, tmp_path: Path
) -> None:
    """In a public repository neither log nor comment nor summary has a line of the hook's, unless asked for."""
    emulator.reset()
    account = Account(emulator)
    hook = HOOKS["before-allow-traffic"]
    account.lambda_.update_function_code(FunctionName=hook, ZipFile=zipped({"hook.py": HOOK}))
    given = {**CHECKOUT, **HOOKS, "hook-logs": choice}
    done = Runner(env=emulator.env, folder=tmp_path).run(given, payload=event(private=private)).check(1)
    for text in (done.log, done.summary, "".join(account.comments())):
        assert (LOG in text) == shown
