"""RevisionIds that move by themselves, and the same code that would make another version, change nothing.

AWS moves `$LATEST`'s RevisionId when a version is published and when an update ends, and makes a new version of the
same code once it was sent again (recorded: LocalStack's snapshots of 2025).
"""

from __future__ import annotations

from typing import Any

import pytest

from codedeploy_emulator import Emulator
from tests.support.account import Account, zipped
from tests.support.machine.stage import Step

from ..conftest import CODE, Theatre

AT_ONCE = {"deployment-config": "CodeDeployDefault.LambdaAllAtOnce"}
LOST: list[dict[str, Any]] = [
    {},
    {"operation": "UpdateFunctionCode", "fault": "reset", "when": "after", "times": 1},
    {"operation": "UpdateFunctionCode", "fault": "error500", "when": "after", "times": 1},
    {"operation": "PublishVersion", "fault": "reset", "when": "after", "times": 1},
    {"operation": "PublishVersion", "fault": "error500", "when": "after", "times": 1},
    {"operation": "PublishVersion", "fault": "throttle", "times": 1},
]


def _versions(account: Account) -> list[str]:
    found = account.lambda_.list_versions_by_function(FunctionName="checkout")["Versions"]
    return [one["Version"] for one in found if one["Version"] != "$LATEST"]


def _with_code(theatre: Theatre, run: int) -> Step:
    theatre.account.s3.put_object(
        Bucket="demo-deployments", Key="code.zip", Body=zipped({"app.py": CODE.format("from the run")})
    )
    return theatre.run({**AT_ONCE, "code": "s3://demo-deployments/code.zip"}, run=(run, 1))


@pytest.mark.parametrize("pending", [0, 20])
@pytest.mark.parametrize("lost", LOST, ids=lambda lost: f"{lost.get('operation')}-{lost.get('fault')}")
def test_one_run_makes_one_version_whatever_is_lost_on_the_way(
    theatre: Theatre, account: Account, emulator: Emulator, lost: dict[str, Any], pending: int
) -> None:
    theatre.history()
    before = _versions(account)
    emulator.switches(lambda_pending_seconds=pending)
    emulator.faults([{"service": "lambda", **lost}] if lost else [])
    done = _with_code(theatre, 101).check(0, outcome="succeeded", deployed="true")
    assert _versions(account) == [*before, done.outputs["live-version"]]
    assert account.serves() == {done.outputs["live-version"]: 100.0}


@pytest.mark.parametrize("pending", [0, 20])
def test_another_run_with_the_same_code_makes_no_version(
    theatre: Theatre, account: Account, emulator: Emulator, pending: int
) -> None:
    emulator.switches(lambda_pending_seconds=pending)
    first = _with_code(theatre, 101).check(0, outcome="succeeded")
    before = _versions(account)
    _with_code(theatre, 102).check(0, outcome="unchanged", live_version=first.outputs["live-version"])
    assert _versions(account) == before


def test_code_that_somebody_sent_again_is_not_deployed_again(theatre: Theatre, account: Account) -> None:
    """AWS would publish it as another version; what is served is the same already."""
    theatre.history()
    served = theatre.run(AT_ONCE, run=(101, 1)).check(0, outcome="succeeded").outputs["live-version"]
    account.code(CODE.format("after the first"))
    theatre.run(AT_ONCE, run=(102, 1)).check(0, outcome="unchanged", live_version=served)
