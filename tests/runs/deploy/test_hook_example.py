"""The hook of docs/hooks.md really runs in a deployment, as it stands there: it lets a good version pass, no other."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from codedeploy_emulator import Emulator
from tests.support.account import Account, zipped
from tests.support.action import CHECKOUT

from ..conftest import Played

DOCUMENTED = Path(__file__).parents[3] / "docs" / "hooks" / "smoke_test.py"
HOOK = "CodeDeployHook_checkout_before"
GOOD, BAD = '"discount": 10', '"discount": 99'


@pytest.mark.parametrize("bucket", ["demo-deployments", ""])
@pytest.mark.parametrize(
    ("expect", "outcome", "info"),
    [
        (GOOD, "succeeded", "after-the-first-hook"),
        (BAD, "rolled-back", "after-the-first-hook"),
        (GOOD, "succeeded", "always"),
        (GOOD, "succeeded", "never"),
    ],
)
def test_the_documented_hook_decides(
    expect: str, outcome: str, info: str, bucket: str, runner: Played, account: Account, emulator: Emulator
) -> None:
    """Whether or not CodeDeploy names the function to it, and wherever the AppSpec is."""
    emulator.switches(hooks="run", function_info=info)
    variables = {"FUNCTION": "checkout", "EXPECT": expect, "PAYLOAD": json.dumps({"items": [{"price": 100}]})}
    code = zipped({"smoke_test.py": DOCUMENTED.read_text(encoding="utf-8")})
    account.lambda_.update_function_code(FunctionName=HOOK, ZipFile=code)
    account.lambda_.update_function_configuration(
        FunctionName=HOOK, Handler="smoke_test.handler", Environment={"Variables": variables}
    )
    at_once = {"deployment-config": "CodeDeployDefault.LambdaAllAtOnce", "before-allow-traffic": HOOK}
    done = runner.run({**CHECKOUT, **at_once, "bucket": bucket})
    assert done.outcome == outcome, done.log
    assert account.operations().count("codedeploy:PutLifecycleEventHookExecutionStatus") == 1
