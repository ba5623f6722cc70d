"""`deploy`, from inputs to verdict: versions, hooks, AppSpecs, refusals, and what is told of each."""

from __future__ import annotations

import pytest

from codedeploy_emulator import Emulator
from tests.support.account import Account
from tests.support.action import CHECKOUT, HOOKS

from ..conftest import Played

CODE = """# {}
def handler(event, context):
    return {{"total": sum(item["price"] * item.get("quantity", 1) for item in event["items"]), "discount": 0}}
"""
DEPLOY = {**CHECKOUT, **HOOKS, "bucket": "demo-deployments"}
# Where the traffic shift is not what a test is about.
SHIFT = {"deployment-config": "CodeDeployDefault.LambdaAllAtOnce"}
AT_ONCE = {**DEPLOY, **SHIFT}


def test_the_next_run_with_nothing_new_is_unchanged(runner: Played, account: Account) -> None:
    runner.run(AT_ONCE).check(0, outcome="succeeded")
    before = len(account.writes())
    runner.run(AT_ONCE, run=(101, 1)).check(0, outcome="unchanged", deployed="false", live_version="2")
    assert len(account.writes()) == before


def test_a_given_version_goes_inline_without_a_bucket(runner: Played, account: Account) -> None:
    version = account.publish(CODE.format("two"))
    done = runner.run({**CHECKOUT, "version": version, "deployment-config": AT_ONCE["deployment-config"]}).check(
        0, outcome="succeeded", live_version=version
    )
    assert done.outputs["appspec-location"] == "inline"
    assert "s3:PutObject" not in account.operations()


@pytest.mark.parametrize("which", ["before", "after"])
def test_a_failing_hook_ends_on_the_old_version(
    runner: Played, account: Account, emulator: Emulator, which: str
) -> None:
    """The rollback deployment is followed to its own end, and the alias is read after it."""
    runner.run({**CHECKOUT, "deployment-config": "CodeDeployDefault.LambdaAllAtOnce"}).check(
        0, live_version="2"
    )  # so that there is a successful revision to go back to
    emulator.scripts({f"CodeDeployHook_checkout_{which}": "fail"})
    account.code(CODE.format("three"))
    done = runner.run(AT_ONCE, run=(101, 1)).check(
        1, outcome="rolled-back", deployed="false", rollback="succeeded", live_version="2", live_weights=""
    )
    assert account.serves() == {"2": 100.0}
    assert done.outputs["rollback-deployment-id"].startswith("d-")
    assert f"CodeDeployHook_checkout_{which}" in done.outputs["reason"]


def test_plan_reads_and_writes_nothing(runner: Played, account: Account) -> None:
    done = runner.run({**DEPLOY, "command": "plan"}).check(0, outcome="planned", deployed="false")
    assert account.writes() == []
    assert "CodeDeployDefault.LambdaCanary10Percent5Minutes" in done.log


def test_validate_asks_aws_nothing(runner: Played, account: Account) -> None:
    done = runner.run({**DEPLOY, "command": "validate"}).check(0, outcome="valid", reason_code="valid")
    assert "Not checked: whether the function," in done.log
    assert [call for call in account.operations() if not call.startswith("github")] == []


def test_another_account_is_refused_before_any_other_call(runner: Played, account: Account) -> None:
    runner.run({**DEPLOY, "account-id": "999999999999"}).check(3, outcome="refused")
    assert [call for call in account.operations() if not call.startswith("github")] == ["sts:GetCallerIdentity"]


def test_the_users_own_appspec_is_completed(runner: Played, account: Account) -> None:
    """Keys in any case; what it leaves out comes from inputs and facts; what is written is PascalCase."""
    account.publish(CODE.format("two"))
    (runner.folder / "appspec.yaml").write_text(
        "version: 0.0\nresources:\n  - MyFunction:\n      type: AWS::Lambda::Function\n"
        "      properties: {name: checkout, alias: live, targetversion: 2}\n"
        "hooks:\n  - beforeAllowTraffic: CodeDeployHook_checkout_before\n",
        encoding="utf-8",
    )
    given = {
        **CHECKOUT,
        "deployment-config": AT_ONCE["deployment-config"],
        "bucket": "demo-deployments",
        "appspec": "appspec.yaml",
    }
    given.pop("function")
    done = runner.run(given).check(0, outcome="succeeded", target_version="2")
    appspec = account.appspec(done.outputs["appspec-location"])
    assert appspec["Resources"][0]["MyFunction"]["Properties"]["TargetVersion"] == "2"
    assert appspec["Hooks"] == [{"BeforeAllowTraffic": "CodeDeployHook_checkout_before"}]


def test_an_appspec_in_s3_that_disagrees_with_an_input_is_refused(runner: Played, account: Account) -> None:
    text = "version: 0.0\nResources:\n  - f:\n      Type: AWS::Lambda::Function\n      Properties: {Alias: other}\n"
    account.s3.put_object(Bucket="demo-deployments", Key="mine.yaml", Body=text.encode())
    given = {**DEPLOY, "alias": "live", "appspec": "s3://demo-deployments/mine.yaml"}
    done = runner.run(given).check(2, outcome="invalid")
    assert "`live`" in done.outputs["reason"] and "`other`" in done.outputs["reason"]
    assert "codedeploy:CreateDeployment" not in account.operations()


def test_an_upload_is_never_made_twice(runner: Played, account: Account) -> None:
    """The key is the content's hash: deploying the same again adds no version to the bucket."""
    first = runner.run(AT_ONCE).check(0)
    account.lambda_.update_alias(FunctionName="checkout", Name="live", FunctionVersion="1")
    second = runner.run({**AT_ONCE, "version": "2"}, run=(101, 1)).check(0, outcome="succeeded")
    assert first.outputs["appspec-location"] == second.outputs["appspec-location"]
    versions = account.s3.list_object_versions(Bucket="demo-deployments")["Versions"]
    assert len(versions) == 1


def test_an_endpoint_that_is_not_awss_is_said_everywhere(runner: Played, account: Account) -> None:
    done = runner.run(AT_ONCE)
    for text in (done.log, done.summary, account.comments()[0]):
        assert account.emulator.url in text
