"""A new version that answers smoke cases too late: the function's seconds are real ones."""

from __future__ import annotations

import pytest

from tests.support.account import Account
from tests.support.action import CHECKOUT, Runner

pytestmark = pytest.mark.usefixtures("paced")

CASE = "- {name: health, event: {path: /health}, within: 1s}\n"
SLOW = "import time\ndef handler(event, context):\n    print('asked for', event['path'])\n    time.sleep(1.5)\n"


def test_a_version_that_is_too_slow_gets_no_traffic(runner: Runner, account: Account) -> None:
    (runner.folder / "build").mkdir()
    (runner.folder / "build" / "app.py").write_text(SLOW, encoding="utf-8")
    (runner.folder / "smoke.yml").write_text(CASE, encoding="utf-8")
    given = {**CHECKOUT, "code": "build", "smoke": "smoke.yml", "timeout": "10h", "hook-logs": "on"}
    done = runner.run(given).check(1, outcome="failed", deployed="false", deployment_id="", target_version="2")
    assert "and has 1 s (`within`)" in done.log
    assert "asked for /health" in done.log
    assert account.serves() == {"1": 100.0}
    assert "codedeploy:CreateDeployment" not in account.operations()
