"""Lambda's and CloudWatch's news in whole runs: sealed settings, managed instances, code in S3, log alarms."""

from __future__ import annotations

import json
from typing import Any

import pytest

from ci_deploy.core.reasons.ending.deploying import VersionPending
from ci_deploy.core.reasons.preflight.deployment import AlarmBlind, AlarmRinging
from ci_deploy.core.reasons.preflight.versions import DurableExecutions, SettingsUnread, TargetCode, TrafficDoubles
from tests.support.account import Account, zipped
from tests.support.golden import Told

from .conftest import Theatre

KEY = "arn:aws:kms:us-east-1:123456789012:key/one"
AT_ONCE = {"deployment-config": "CodeDeployDefault.LambdaAllAtOnce"}
PROVIDER = "arn:aws:lambda:us-east-1:123456789012:capacity-provider:main"
ORDERS = {"function": "orders"}


def function(account: Account, **settings: Any) -> None:
    """A second function with version 1 behind `live`; its deployments go through the same group."""
    api = account.lambda_
    api.create_function(
        FunctionName="orders",
        Runtime="python3.13",
        Handler="app.handler",
        Role=api.get_function(FunctionName="checkout")["Configuration"]["Role"],
        Code={"ZipFile": zipped({"app.py": "# 0"})},
        **settings,
    )
    account.publish("# 1", function="orders")
    api.create_alias(FunctionName="orders", Name="live", FunctionVersion="1")


def test_a_change_of_nothing_but_a_sealed_environment_is_deployed(theatre: Theatre, account: Account) -> None:
    """It ended `unchanged`, and green, when what could not be decrypted counted as empty."""
    function(account, KMSKeyArn=KEY, Environment={"Variables": {"RATE": "1"}})
    theatre.emulator.switches(kms_denied=True)
    same = theatre.run({**AT_ONCE, **ORDERS, "code": "$LATEST"}).check(
        0, outcome="unchanged", reason_code="nothing-new"
    )
    assert same.outputs["live-version"] == "1"
    account.lambda_.update_function_configuration(FunctionName="orders", Environment={"Variables": {"RATE": "2"}})
    done = theatre.run({**AT_ONCE, **ORDERS, "code": "$LATEST"}, run=(101, 1)).check(0, outcome="succeeded")
    assert account.serves("orders") == {"2": 100.0}
    expected = SettingsUnread(
        function="orders", setting="the environment variables", state_code="AccessDeniedException", key=KEY
    )
    assert expected.text in done.log()
    assert expected.remedy in done.log()


def test_a_version_whose_instances_take_a_quarter_of_an_hour_is_waited_for(theatre: Theatre, account: Account) -> None:
    theatre.emulator.switches(managed_activation_seconds=0)
    capacity = {"LambdaManagedInstancesCapacityProviderConfig": {"CapacityProviderArn": PROVIDER}}
    function(account, CapacityProviderConfig=capacity)
    theatre.emulator.switches(managed_activation_seconds=900)
    account.code("# 2", function="orders")
    done = theatre.run({**AT_ONCE, **ORDERS, "code": "$LATEST"}).check(0, outcome="succeeded")
    assert account.serves("orders") == {"2": 100.0}
    for minutes in (2, 14):
        assert VersionPending(version="2", minutes=minutes, instances=True).text in done.log()
    expected = TrafficDoubles(version="", share=0.0, step=100.0)
    assert expected.text.replace("%", "%25") in done.log()


def test_code_that_found_no_instances_is_sent_again_and_becomes_a_new_version(
    theatre: Theatre, account: Account, told: Told
) -> None:
    """Published again, Lambda would answer with the version that failed (facts of Lambda's versions)."""
    function(account)
    body = zipped({"app.py": "# 2\ndef handler(event, context):\n    return event\n"})
    account.s3.put_object(Bucket="demo-deployments", Key="new.zip", Body=body)
    given = {**AT_ONCE, **ORDERS, "code": "s3://demo-deployments/new.zip"}
    theatre.emulator.switches(versions_fail="InsufficientCapacity")
    failed = theatre.run(given).check(1, outcome="failed", reason_code="version-not-active")
    (reason,) = json.loads(failed.outputs["result"])["reasons"]
    assert "InsufficientCapacity" in reason["text"]
    assert (reason["text"], reason["remedy"]) == told
    assert f"→ {reason['remedy']}" in failed.log()
    theatre.emulator.switches(versions_fail="")
    theatre.run(given, run=(101, 1)).check(0, outcome="succeeded")
    assert account.serves("orders") == {"3": 100.0}


def test_a_version_that_was_scaled_to_nothing_is_refused_with_the_way_back(
    theatre: Theatre, account: Account, told: Told
) -> None:
    theatre.emulator.switches(managed_activation_seconds=0)
    capacity = {"LambdaManagedInstancesCapacityProviderConfig": {"CapacityProviderArn": PROVIDER}}
    function(account, CapacityProviderConfig=capacity)
    account.publish("# 2", function="orders")
    none = {"MinExecutionEnvironments": 0, "MaxExecutionEnvironments": 0}
    account.lambda_.put_function_scaling_config(FunctionName="orders", Qualifier="2", FunctionScalingConfig=none)
    done = theatre.run({**AT_ONCE, **ORDERS, "version": "2"}).check(3, outcome="refused")
    (reason,) = json.loads(done.outputs["result"])["reasons"]
    assert (reason["text"], reason["remedy"]) == told
    assert "`aws lambda put-function-scaling-config --function-name orders --qualifier 2" in done.log()


@pytest.fixture
def referring(account: Account) -> Account:
    """`orders`, whose code Lambda reads from S3."""
    function(account)
    account.s3.put_object(Bucket="demo-deployments", Key="orders.zip", Body=zipped({"app.py": "# in S3"}))
    account.lambda_.update_function_code(
        FunctionName="orders", S3Bucket="demo-deployments", S3Key="orders.zip", S3ObjectStorageMode="REFERENCE"
    )
    return account


def code(account: Account, qualifier: str) -> dict[str, Any]:
    return dict(account.lambda_.get_function(FunctionName="orders", Qualifier=qualifier)["Code"])


def test_code_that_lambda_reads_from_s3_is_not_made_a_copy(theatre: Theatre, referring: Account) -> None:
    body = zipped({"app.py": "# 2\ndef handler(event, context):\n    return event\n"})
    referring.s3.put_object(Bucket="demo-deployments", Key="new.zip", Body=body)
    theatre.run({**AT_ONCE, **ORDERS, "code": "s3://demo-deployments/new.zip"}).check(0, outcome="succeeded")
    assert code(referring, "2")["ResolvedS3Object"]["S3Key"] == "new.zip"


def test_code_that_is_gone_is_refused(theatre: Theatre, referring: Account) -> None:
    place = code(referring, "$LATEST")["ResolvedS3Object"]
    version = {"VersionId": place["S3ObjectVersion"]} if "S3ObjectVersion" in place else {}
    referring.s3.delete_object(Bucket=place["S3Bucket"], Key=place["S3Key"], **version)
    done = theatre.run({**AT_ONCE, **ORDERS, "code": "$LATEST"}).check(3, outcome="refused", reason_code="target-code")
    gone = "NoSuchKey: The object orders.zip in bucket demo-deployments does not exist."
    assert TargetCode(function="orders", version="", why=gone).text in done.log()


def test_executions_that_stay_on_the_old_version_are_told(theatre: Theatre, account: Account) -> None:
    function(account, DurableConfig={"ExecutionTimeout": 3600})
    account.lambda_.invoke(FunctionName="orders", Qualifier="1", InvocationType="Event")
    account.code("# 2", function="orders")
    done = theatre.run({**AT_ONCE, **ORDERS, "code": "$LATEST"}).check(0, outcome="succeeded")
    assert DurableExecutions(version="1", count=1).text in done.log()
    theatre.weather(0, {"service": "lambda", "operation": "ListDurableExecutionsByFunction", "fault": "access-denied"})
    account.code("# 3", function="orders")
    plan = theatre.run({**AT_ONCE, **ORDERS, "command": "plan", "code": "$LATEST"}, run=(101, 1)).check(0)
    assert "not permitted, needs lambda:ListDurableExecutionsByFunction" in plan.log()


def test_a_log_alarm_stops_a_deployment_and_one_that_is_not_evaluated_is_warned_of(
    theatre: Theatre, account: Account
) -> None:
    panics = {"name": "panics", "kind": "log", "evaluation": "EVALUATION_ERROR", "reason": "Log group not found."}
    theatre.emulator._seeder.apply({"alarms": [panics]})
    done = theatre.run({**AT_ONCE, "alarms": "panics"}).check(0, outcome="succeeded")
    expected = AlarmBlind(alarm="panics", kind="log", state="EVALUATION_ERROR", why="Log group not found.")
    assert f"alarm-blind::{expected.text}" in done.log()
    account.code("# 9")
    account.ring("panics")
    refused = theatre.run({**AT_ONCE, "alarms": "panics", "code": "$LATEST"}, run=(101, 1)).check(3, outcome="refused")
    assert AlarmRinging(alarm="panics", why="5 errors in 1 minute").text in refused.log()
