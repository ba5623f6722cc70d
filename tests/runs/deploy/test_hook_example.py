"""The hook of docs/hooks.md really runs in a deployment, as it stands there: it lets a good version pass, no other.

In a process of its own, as in Lambda, where it lets one pass and where it does not; otherwise in this one, for a
process that imports boto3 takes longer than the deployment.
"""

from __future__ import annotations

import io
import json
import os
import zipfile
from pathlib import Path
from typing import Any
from unittest import mock

import pytest

from codedeploy_emulator import Emulator
from codedeploy_emulator.lambda_.processes import Functions, Outcome
from tests.support.account import Account, zipped
from tests.support.action import CHECKOUT

from ..conftest import Played

DOCUMENTED = Path(__file__).parents[3] / "docs" / "hooks" / "smoke_test.py"
HOOK = "CodeDeployHook_checkout_before"
GOOD, BAD = '"discount": 10', '"discount": 99'


@pytest.mark.parametrize(("expect", "outcome"), [(GOOD, "succeeded"), (BAD, "rolled-back")])
def test_the_documented_hook_decides(
    expect: str, outcome: str, runner: Played, account: Account, emulator: Emulator
) -> None:
    _deployed(expect, outcome, "demo-deployments", runner, account, emulator)


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
def test_it_decides_whether_or_not_codedeploy_names_the_function_and_wherever_the_appspec_is(
    expect: str, outcome: str, info: str, bucket: str, runner: Played, account: Account, emulator: Emulator
) -> None:
    emulator.switches(function_info=info)
    with mock.patch.object(Functions, "run", _here):
        _deployed(expect, outcome, bucket, runner, account, emulator)


def _deployed(expect: str, outcome: str, bucket: str, runner: Played, account: Account, emulator: Emulator) -> None:
    emulator.switches(hooks="run")
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


def _here(functions: Functions, found: Any, event: bytes) -> Outcome:
    """Run a function's one file in this process."""
    with zipfile.ZipFile(io.BytesIO(found.code_bytes)) as archive:
        [name] = archive.namelist()
        code = archive.read(name)
    module: dict[str, Any] = {}
    with mock.patch.dict(os.environ, found.environment_vars):
        exec(code, module)
        payload = module["handler"](json.loads(event), None)
    return functions._outcome(found, json.dumps(payload).encode(), False, [])
