"""CloudFormation, as `aws cloudformation deploy` uses it: the project's own template, made, changed and taken away."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError

from codedeploy_emulator.cloudformation.template import Template, read
from codedeploy_emulator.errors import ApiError
from tests.emulator.world import World

TEMPLATE = (Path(__file__).parents[3] / "docs" / "cloudformation" / "foundation.yaml").read_text(encoding="utf-8")
MAIN = "repo:my-org/my-repo:ref:refs/heads/main"
GIVEN = {"Name": "checkout", "Functions": "checkout", "DeploySubjects": MAIN, "CreateFunctions": "true"}
CAPABILITIES = ["CAPABILITY_NAMED_IAM", "CAPABILITY_AUTO_EXPAND"]


def deploy(world: World, kind: str = "CREATE", text: str = TEMPLATE, **given: str) -> dict[str, Any]:
    """What the AWS CLI does; the stack as it is then."""
    client = world.client("cloudformation")
    parameters = [{"ParameterKey": name, "ParameterValue": value} for name, value in given.items()]
    change = client.create_change_set(
        StackName="shop", ChangeSetName=f"c{kind}", TemplateBody=text, ChangeSetType=kind, Parameters=parameters,
        Capabilities=CAPABILITIES,
    )  # fmt: skip
    client.get_waiter("change_set_create_complete").wait(ChangeSetName=change["Id"])
    client.execute_change_set(ChangeSetName=change["Id"])
    (stack,) = client.describe_stacks(StackName="shop")["Stacks"]
    found: dict[str, Any] = stack
    return found


def test_a_stack_makes_what_the_template_says(world: World) -> None:
    stack = deploy(world, **GIVEN, BucketName="my-deployments", AlarmName="errors")
    assert stack["StackStatus"] == "CREATE_COMPLETE"
    outputs = {each["OutputKey"]: each["OutputValue"] for each in stack["Outputs"]}
    assert outputs["Bucket"] == "my-deployments"
    assert outputs["DeployRole"] == "arn:aws:iam::123456789012:role/deploy-checkout"
    assert world.client("s3").get_bucket_versioning(Bucket="my-deployments")["Status"] == "Enabled"
    group = world.codedeploy.get_deployment_group(applicationName="checkout", deploymentGroupName="live")
    info = group["deploymentGroupInfo"]
    assert info["serviceRoleArn"] == outputs["ServiceRoleArncheckout"]
    assert info["alarmConfiguration"]["alarms"] == [{"name": "errors"}]
    iam = world.client("iam")
    trust = iam.get_role(RoleName="deploy-checkout")["Role"]["AssumeRolePolicyDocument"]["Statement"][0]
    (provider,) = iam.list_open_id_connect_providers()["OpenIDConnectProviderList"]
    assert trust["Principal"]["Federated"] == provider["Arn"]
    assert trust["Condition"]["StringEquals"]["token.actions.githubusercontent.com:sub"] == [MAIN]
    assert len(iam.list_attached_role_policies(RoleName="deploy-checkout")["AttachedPolicies"]) == 1
    assert world.functions.get_function(FunctionName="checkout")["Configuration"]["Handler"] == "index.handler"
    resources = world.client("cloudformation").list_stack_resources(StackName="shop")["StackResourceSummaries"]
    assert {each["LogicalResourceId"] for each in resources} >= {"Bucket", "DeployRole", "Groupcheckout"}


def test_the_same_command_again_leaves_the_provider_to_the_account(world: World) -> None:
    """It then finds the provider and passes it, so that the stack has it no more; and it stays."""
    deploy(world, **GIVEN)
    iam = world.client("iam")
    (provider,) = iam.list_open_id_connect_providers()["OpenIDConnectProviderList"]
    more = f"{MAIN},repo:my-org/my-repo:environment:production"
    stack = deploy(world, "UPDATE", **{**GIVEN, "OidcProviderArn": provider["Arn"], "DeploySubjects": more})
    assert stack["StackStatus"] == "UPDATE_COMPLETE"
    assert iam.list_open_id_connect_providers()["OpenIDConnectProviderList"] == [provider]
    trust = iam.get_role(RoleName="deploy-checkout")["Role"]["AssumeRolePolicyDocument"]["Statement"][0]
    assert trust["Condition"]["StringEquals"]["token.actions.githubusercontent.com:sub"] == more.split(",")


def test_a_change_set_without_changes_fails_as_clis_expect(world: World) -> None:
    deploy(world, **GIVEN)
    client = world.client("cloudformation")
    previous = [{"ParameterKey": name, "UsePreviousValue": True} for name in (*GIVEN, "Alias")]
    change = client.create_change_set(
        StackName="shop", ChangeSetName="again", TemplateBody=TEMPLATE, ChangeSetType="UPDATE", Parameters=previous,
        Capabilities=CAPABILITIES,
    )  # fmt: skip
    found = client.describe_change_set(ChangeSetName=change["Id"])
    assert found["Status"] == "FAILED"
    assert "didn't contain changes" in found["StatusReason"]
    with pytest.raises(ClientError, match="InvalidChangeSetStatus"):
        client.execute_change_set(ChangeSetName=change["Id"])
    summary = client.get_template_summary(StackName="shop")
    assert {"ParameterKey": "Alias", "ParameterType": "String", "DefaultValue": "live"} in summary["Parameters"]


def test_what_fails_takes_back_what_was_made(world: World) -> None:
    world.function("checkout")
    stack = deploy(world, **GIVEN)
    assert stack["StackStatus"] == "ROLLBACK_COMPLETE"
    assert "already exist" in stack["StackStatusReason"]
    assert world.client("s3").list_buckets()["Buckets"] == []
    assert world.codedeploy.list_applications()["applications"] == []
    assert {each["RoleName"] for each in world.client("iam").list_roles()["Roles"]} == {"lambda-role"}
    events = world.client("cloudformation").describe_stack_events(StackName="shop")["StackEvents"]
    assert "already exist" in events[0]["ResourceStatusReason"]


def test_a_stack_that_is_deleted_leaves_what_is_retained(world: World) -> None:
    deploy(world, **GIVEN, BucketName="my-deployments")
    client = world.client("cloudformation")
    client.delete_stack(StackName="shop")
    with pytest.raises(ClientError, match="Stack with id shop does not exist"):
        client.describe_stacks(StackName="shop")
    assert [each["Name"] for each in world.client("s3").list_buckets()["Buckets"]] == ["my-deployments"]
    assert world.functions.get_function(FunctionName="checkout")
    assert world.codedeploy.list_applications()["applications"] == []
    client.delete_stack(StackName="shop")  # as often as one likes


@pytest.mark.parametrize(
    ("given", "capabilities", "text", "says"),
    [
        ({}, CAPABILITIES, TEMPLATE, "Parameters: .* must have values"),
        ({**GIVEN, "Nmae": "x"}, CAPABILITIES, TEMPLATE, r"Parameters: \[Nmae\] do not exist"),
        ({**GIVEN, "Alias": "a b"}, CAPABILITIES, TEMPLATE, "'Alias' must match pattern"),
        ({**GIVEN, "CreateGroups": "yes"}, CAPABILITIES, TEMPLATE, "'CreateGroups' must be one of AllowedValues"),
        (
            GIVEN,
            ["CAPABILITY_IAM"],
            TEMPLATE,
            r"Requires capabilities : \[CAPABILITY_NAMED_IAM, CAPABILITY_AUTO_EXPAND",
        ),
        ({}, [], "Resources: {X: {Type: 'AWS::EC2::Instance'}}", "Unrecognized resource types"),
        ({}, [], "[", "not well-formed"),
        ({}, [], "{}", "At least one Resources member"),
        ({}, [], "x" * 51_201, "less than or equal to 51200"),
    ],
)
def test_what_cannot_be_made_is_refused(
    world: World, given: dict[str, str], capabilities: list[str], text: str, says: str
) -> None:
    client = world.client("cloudformation", parameter_validation=False)
    parameters = [{"ParameterKey": name, "ParameterValue": value} for name, value in given.items()]
    with pytest.raises(ClientError, match=says):
        client.create_change_set(
            StackName="shop", ChangeSetName="c", TemplateBody=text, ChangeSetType="CREATE", Parameters=parameters,
            Capabilities=capabilities,
        )  # fmt: skip


def test_a_stack_is_created_once_and_reset_forgets_it(world: World) -> None:
    deploy(world, **GIVEN)
    with pytest.raises(ClientError, match="already exists"):
        deploy(world, **GIVEN)
    with pytest.raises(ClientError, match="ChangeSetNotFound"):
        world.client("cloudformation").describe_change_set(ChangeSetName="nobodys", StackName="shop")
    with pytest.raises(ClientError, match="does not model cloudformation:ListExports"):
        world.client("cloudformation").list_exports()
    world.emulator.reset()
    assert world.client("cloudformation").describe_stacks()["Stacks"] == []


def evaluated(body: str) -> Any:
    """A property of a resource, in a template with a parameter and a mapping."""
    text = f"""
Parameters: {{P: {{Type: String, Default: x}}, L: {{Type: CommaDelimitedList, Default: "a,b-1"}}}}
Mappings: {{M: {{row: {{Column: cell}}}}}}
Conditions: {{Yes: !Equals [!Ref P, x], No: !Not [!Equals [!Ref P, x]]}}
Resources:
  R: {{Type: T, Properties: {{V: {body}}}}}
  Fn::ForEach::L: [I, !Ref L, {{"E&{{I}}": {{Type: T, Properties: {{Name: !Sub "n-${{I}}"}}}}}}]
"""
    template = Template(read(text), {}, {"AWS::Region": "eu-central-1"}, ref=lambda name: f"<{name}>", arn=lambda n: n)
    made = {name: template.evaluated(value, loop) for name, (value, loop) in template.names("Resources").items()}
    assert {each["Properties"]["Name"] for name, each in made.items() if name in ("Ea", "Eb1")} == {"n-a", "n-b-1"}
    return made["R"]["Properties"].get("V")


@pytest.mark.parametrize(
    ("body", "value"),
    [
        ("!Ref P", "x"), ("!Ref R2", "<R2>"), ("!Ref AWS::NoValue", None),
        ("!Sub '${P}-${AWS::Region}'", "x-eu-central-1"),
        ("!Sub ['${Q}-${R2.Arn}', {Q: !Ref P}]", "x-R2"), ("!GetAtt R2.Arn", "R2"), ("!Join ['/', !Ref L]", "a/b-1"),
        ("!FindInMap [M, row, Column]", "cell"), ("!If [Yes, 1, 2]", 1), ("!If [No, 1, 2]", 2),
        ("[1, !Ref AWS::NoValue]", [1]),
    ],
)  # fmt: skip
def test_functions(body: str, value: Any) -> None:
    assert evaluated(body) == value


@pytest.mark.parametrize("body", ["!Select [0, [a]]", "!If [Nobody, 1, 2]"])
def test_what_is_not_known_is_refused(body: str) -> None:
    with pytest.raises(ApiError):
        evaluated(body)
