"""Preflight on what surrounds a deployment: warned of, and never in the way of a role that may not read it."""

from __future__ import annotations

import pytest

from ci_deploy.core.reasons.preflight.surroundings import RollbackTarget
from codedeploy_emulator import Emulator
from tests.support.account import Account
from tests.support.action import CHECKOUT, HOOKS

from ..conftest import Played

PLAN = {**CHECKOUT, **HOOKS, "bucket": "demo-deployments", "command": "plan"}
OPTIONAL = {
    "lambda:GetProvisionedConcurrencyConfig": "lambda:GetProvisionedConcurrencyConfig",
    "s3:HeadBucket": "s3:ListBucket",
    "s3:GetBucketEncryption": "s3:GetEncryptionConfiguration",
    "s3:GetBucketLifecycleConfiguration": "s3:GetLifecycleConfiguration",
    "iam:SimulatePrincipalPolicy": "iam:SimulatePrincipalPolicy",
    "cloudwatch:DescribeAlarms": "cloudwatch:DescribeAlarms",
    "lambda:GetPolicy": "lambda:GetPolicy",
    "lambda:ListEventSourceMappings": "lambda:ListEventSourceMappings",
    "lambda:GetFunctionUrlConfig": "lambda:GetFunctionUrlConfig",
}


def test_what_may_not_be_read_costs_one_line_and_no_deployment(
    runner: Played, account: Account, emulator: Emulator
) -> None:
    denied = [
        {"service": name.split(":")[0], "operation": name.split(":")[1], "fault": "access-denied"} for name in OPTIONAL
    ]
    emulator.faults(denied)
    given = {**PLAN, "command": "deploy", "deployment-config": "CodeDeployDefault.LambdaAllAtOnce"}
    done = runner.run(given).check(0, outcome="succeeded")
    for permission in OPTIONAL.values():
        lines = [line for line in done.log.splitlines() if f"needs {permission}" in line]
        assert len(lines) == (2 if permission.startswith("iam:") else 1), permission  # one for each hook


def test_everything_that_is_odd_is_said_at_once(runner: Played, account: Account) -> None:
    account.lambda_.put_provisioned_concurrency_config(
        FunctionName="checkout", Qualifier="live", ProvisionedConcurrentExecutions=5
    )
    account.s3.put_bucket_encryption(
        Bucket="demo-deployments",
        ServerSideEncryptionConfiguration={
            "Rules": [
                {
                    "ApplyServerSideEncryptionByDefault": {
                        "SSEAlgorithm": "aws:kms",
                        "KMSMasterKeyID": "arn:aws:kms:us-east-1:123456789012:key/example",
                    }
                }
            ]
        },
    )
    account.s3.put_bucket_lifecycle_configuration(
        Bucket="demo-deployments",
        LifecycleConfiguration={
            "Rules": [
                {"ID": "tidy", "Status": "Enabled", "Filter": {"Prefix": "CodeDeploy/"}, "Expiration": {"Days": 30}},
                {"ID": "logs", "Status": "Enabled", "Filter": {"Prefix": "logs/"}, "Expiration": {"Days": 1}},
            ]
        },
    )
    arn = account.lambda_.get_function(FunctionName="checkout")["Configuration"]["FunctionArn"]
    account.lambda_.tag_resource(Resource=arn, Tags={"ManagedBy": "terraform"})
    done = runner.run(PLAN).check(0, outcome="planned")
    for said in ("concurrency of 5", "key/example", "Lifecycle rule `tidy`", "Terraform owns it"):
        assert said in done.log, said
    assert "Lifecycle rule `logs`" not in done.log
    assert "2h 45m" in done.log  # 5 minutes, an hour for each hook, ten minutes, and half an hour more


@pytest.mark.parametrize(("name", "says"), [("nowhere-at-all", "does not exist"), ("far-away", "is in eu-west-1")])
def test_a_bucket_that_is_not_here_is_refused(runner: Played, account: Account, name: str, says: str) -> None:
    account.s3.create_bucket(Bucket="far-away", CreateBucketConfiguration={"LocationConstraint": "eu-west-1"})
    done = runner.run({**PLAN, "bucket": name}).check(3, outcome="refused")
    assert says in done.outputs["reason"]


def test_where_an_automatic_rollback_would_go_is_said_if_it_is_not_what_is_served(
    runner: Played, account: Account
) -> None:
    """Somebody moved the alias by hand after the group's last successful deployment."""
    account.set_config("CodeDeployDefault.LambdaAllAtOnce")
    runner.run(CHECKOUT).check(0, outcome="succeeded", live_version="2")
    account.lambda_.update_alias(FunctionName="checkout", Name="live", FunctionVersion="1")
    account.code("# three")
    done = runner.run({**CHECKOUT, "command": "plan"}, run=(101, 1)).check(0, outcome="planned")
    (brought, *_) = account.deployments()
    assert RollbackTarget(version="2", deployment=brought, live="1").text in done.log


def test_both_versions_are_shown_side_by_side_without_any_value(runner: Played, account: Account) -> None:
    account.lambda_.update_function_configuration(
        FunctionName="checkout", MemorySize=512, Environment={"Variables": {"TOKEN": "hush-hush"}}
    )
    done = runner.run({**CHECKOUT, "command": "plan"}).check(0, outcome="planned")
    for text in (done.log, done.summary, account.comments()[0]):
        assert "TOKEN added" in text
        assert "512 MB" in text
        assert "hush-hush" not in text


def test_a_hook_that_may_not_report_is_found_before_it_hangs(runner: Played, account: Account) -> None:
    import boto3

    env = account.emulator.env
    iam = boto3.client(
        "iam",
        endpoint_url=env["AWS_ENDPOINT_URL"],
        region_name=env["AWS_REGION"],
        aws_access_key_id="testing",
        aws_secret_access_key="testing",
    )
    hook = account.lambda_.get_function(FunctionName="CodeDeployHook_checkout_before")["Configuration"]
    policy = '{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"logs:*","Resource":"*"}]}'
    iam.put_role_policy(RoleName=hook["Role"].split("/")[-1], PolicyName="logs", PolicyDocument=policy)
    done = runner.run(PLAN).check(0, outcome="planned")
    assert "may not call codedeploy:PutLifecycleEventHookExecutionStatus" in done.log


def test_whoever_calls_the_function_itself_is_named_and_told_how_to_call_the_alias(
    runner: Played, account: Account
) -> None:
    topic = "arn:aws:sns:us-east-1:123456789012:orders"
    for extra in ({}, {"Qualifier": "live"}):
        account.lambda_.add_permission(
            FunctionName="checkout",
            StatementId="orders",
            Action="lambda:InvokeFunction",
            Principal="sns.amazonaws.com",
            SourceArn=topic,
            **extra,
        )
    account.lambda_.create_function_url_config(FunctionName="checkout", AuthType="AWS_IAM")
    queue = account.queue("orders")
    mapping = account.lambda_.create_event_source_mapping(FunctionName="checkout", EventSourceArn=queue)["UUID"]
    done = runner.run(PLAN).check(0, outcome="planned")
    found = [line for line in done.log.splitlines() if "`checkout` itself" in line]
    assert [name for name in (topic, queue, "sns.amazonaws.com", "https://") if name not in "".join(found)] == []
    command = f"aws lambda update-event-source-mapping --uuid {mapping} --function-name checkout:live"
    assert command in done.log
    # The first command, as it is written, leaves nothing of the finding.
    account.lambda_.update_event_source_mapping(UUID=mapping, FunctionName="checkout:live")
    account.lambda_.remove_permission(FunctionName="checkout", StatementId="orders")
    account.lambda_.delete_function_url_config(FunctionName="checkout")
    assert "`checkout` itself" not in runner.run(PLAN).check(0, outcome="planned").log
