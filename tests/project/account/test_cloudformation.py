"""The template: what a stack of it has, for given parameters, held against docs/iam and the example workflows."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest

from codedeploy_emulator.errors import ApiError
from scripts import policies
from tests.project.account.cloudformation import PSEUDO, Stack, load

ROOT = Path(__file__).resolve().parents[3]
ROLES = ("deploy", "read", "rollback", "setup", "prune", "watch")
KINDS = {role: role.capitalize() for role in ROLES}
MAIN, PULL = "repo:my-org/my-repo:ref:refs/heads/main", "repo:my-org/my-repo:pull_request"
EVERY = {f"{kind}Subjects": MAIN for kind in KINDS.values()}
ONE = {"Name": "checkout", "Functions": "checkout", **EVERY}


def concrete(statements: list[dict[str, Any]], function: str, service_role: str = "") -> list[dict[str, Any]]:
    """Statements of docs/iam with their words in capitals replaced, as a reader would."""
    text = json.dumps(statements)
    for word, value in {
        "arn:aws:iam::ACCOUNT:role/SERVICE-ROLE": service_role,
        "REGION": "eu-central-1",
        "ACCOUNT": "123456789012",
        "APPLICATION/GROUP": f"{function}/live",
        "APPLICATION": function,
        "FUNCTION": function,
        "BUCKET": "made-Bucket",
        "STACK": "*",
    }.items():
        text = text.replace(word, value)
    assert not re.search(r"[A-Z]{4,}", re.sub(r"CodeDeployHook|AWS", "", re.sub(r'"Sid": "\w+"', "", text)))
    found: list[dict[str, Any]] = json.loads(text)
    return found


def trust(role: dict[str, Any]) -> dict[str, Any]:
    (statement,) = json.loads(role["AssumeRolePolicyDocument"])["Statement"]
    found: dict[str, Any] = statement
    return found


@pytest.mark.parametrize("functions", ["checkout", "checkout,my_fn-2", "shop-*"])
@pytest.mark.parametrize("role", KINDS)
def test_a_role_may_do_what_the_policies_say_and_nothing_else(role: str, functions: str) -> None:
    """For each function one policy, word for word that of docs/iam."""
    stack = Stack({**ONE, "Functions": functions, "CreateGroups": "false"})
    found = stack.policies(f"{role}-checkout")
    wanted = {}
    for function in functions.split(","):
        logical = re.sub(r"[^A-Za-z0-9]", "", function)
        service = f"arn:aws:made:::ServiceRole{logical}"
        wanted[f"{KINDS[role]}Policy{logical}"] = concrete(policies.statements(role), function, service)
    assert found == wanted


@pytest.mark.parametrize("role", KINDS)
def test_one_sid_is_one_permission(role: str) -> None:
    """The files that a role is made of agree on what they share, so that leaving repetitions out loses nothing."""
    seen: dict[str, Any] = {}
    for name in policies.roles()[role]:
        for statement in json.loads((policies.IAM / f"{name}.json").read_text())["Statement"]:
            first = seen.setdefault(statement["Sid"], statement)
            assert first["Resource"] == statement["Resource"]
            assert set(statement["Action"]) <= set(first["Action"]), f"{name}: {statement['Sid']}"


@pytest.mark.parametrize("role", KINDS)
def test_policies_fit_for_the_longest_names(role: str) -> None:
    """IAM counts 6,144 characters for a managed policy, white space apart."""
    longest = "x" * 64
    pseudo = {**PSEUDO, "AWS::Partition": "aws-us-gov", "AWS::Region": "ap-southeast-5"}
    for statements in (
        Stack({**ONE, "Functions": longest, "Alias": "y" * 64}, pseudo).policies(f"{role}-checkout").values()
    ):
        document = json.dumps({"Version": "2012-10-17", "Statement": statements}, separators=(",", ":"))
        assert len(document.replace("made-Bucket", "z" * 63)) <= 6144


def test_codedeploy_moves_one_function_by_one_role() -> None:
    """Its role names the function, its hooks and its AppSpecs; only its own deployment group may use it."""
    stack = Stack({**ONE, "Functions": "checkout,cart"})
    for function in ("checkout", "cart"):
        role = stack.resources[f"ServiceRole{function}"]["Properties"]
        assert "ManagedPolicyArns" not in role
        (policy,) = role["Policies"]
        assert policy["PolicyDocument"]["Statement"] == concrete(policies.service_role(), function)
        source = json.loads((policies.IAM / "trust-service-role.json").read_text())
        assert role["AssumeRolePolicyDocument"]["Statement"] == concrete(source["Statement"], function)
        group = stack.resources[f"Group{function}"]["Properties"]
        assert group["ServiceRoleArn"] == f"arn:aws:made:::ServiceRole{function}"
        assert group["ApplicationName"] == f"made-Application{function}"
        assert stack.resources[f"Application{function}"]["Properties"]["ApplicationName"] == function


def test_setup_makes_the_groups_where_the_stack_does_not() -> None:
    """For 200 functions one pattern: the stack has roles and bucket, `setup` with the manifest the rest."""
    stack = Stack({**ONE, "Functions": "shop-*", "CreateGroups": "false"})
    assert not stack.of_type("AWS::CodeDeploy::Application")
    assert not stack.of_type("AWS::CodeDeploy::DeploymentGroup")
    assert stack.outputs["ServiceRoleArnshop"] == "arn:aws:made:::ServiceRoleshop"
    (statements,) = stack.policies("setup-checkout").values()
    (passing,) = [each for each in statements if each["Sid"] == "GiveServiceRole"]
    assert passing["Resource"] == stack.outputs["ServiceRoleArnshop"]


@pytest.mark.parametrize(
    "subjects",
    [
        MAIN,
        PULL,
        "repo:my-org@123/my-repo@456:ref:refs/heads/main",
        "repo:my-org@123/my-repo@456:environment:production",
        f"{MAIN},repo:my-org@123/my-repo@456:ref:refs/heads/main,repo:my-org/my-repo:environment:production",
        "repo:my-org/my-repo:ref:refs/tags/v1.2.3",
        "repo:o/r:job_workflow_ref:o/shared/.github/workflows/deploy.yml@refs/heads/main",
        "repository_id:456:environment:production",
        "enterprise:acme:repo:o/r:ref:refs/heads/main",
    ],
)
def test_subjects_of_any_form_are_trusted_literally(subjects: str) -> None:
    for name, role in Stack({**ONE, **{f"{kind}Subjects": subjects for kind in KINDS.values()}}).roles().items():
        condition = trust(role)["Condition"]
        assert list(condition) == ["StringEquals"], name
        assert condition["StringEquals"] == {
            "token.actions.githubusercontent.com:aud": "sts.amazonaws.com",
            "token.actions.githubusercontent.com:sub": subjects.split(","),
        }


@pytest.mark.parametrize(
    "subjects", ["repo:my-org/*:ref:refs/heads/main", "*", "repo:o/r:*", 'x", "y', "no-colon", "a: b", f"{MAIN},", ""]
)
def test_subjects_that_would_trust_too_much_or_nothing_are_refused(subjects: str) -> None:
    with pytest.raises(ApiError, match="'DeploySubjects' must match"):
        Stack({**ONE, "DeploySubjects": subjects})


def test_each_role_trusts_its_own_subjects() -> None:
    subjects = {f"{kind}Subjects": f"repo:o/r:environment:{name}" for name, kind in KINDS.items()}
    stack = Stack({**ONE, **subjects})
    trusted = {name: trust(role)["Condition"]["StringEquals"] for name, role in stack.roles().items()}
    assert {name: each["token.actions.githubusercontent.com:sub"] for name, each in trusted.items()} == {
        f"{name}-checkout": [f"repo:o/r:environment:{name}"] for name in KINDS
    }


def test_a_role_without_subjects_is_not_made() -> None:
    stack = Stack({"Name": "checkout", "Functions": "checkout", "DeploySubjects": MAIN})
    assert set(stack.roles()) == {"deploy-checkout"}
    assert {each for each in stack.outputs if each.endswith("Role")} == {"DeployRole"}
    assert set(stack.of_type("AWS::IAM::ManagedPolicy")) == {"DeployPolicycheckout"}


@pytest.mark.parametrize(
    "issuer",
    [
        "token.actions.githubusercontent.com",
        "token.actions.githubusercontent.com/my-enterprise",
        "ghes.example.com/_services/token",
        "ghes.example.com:8443/_services/token",
    ],
)
def test_another_issuer_has_its_provider_and_its_claims(issuer: str) -> None:
    stack = Stack({**ONE, "Issuer": issuer})
    (provider,) = stack.of_type("AWS::IAM::OIDCProvider").values()
    assert provider == {"Url": f"https://{issuer}", "ClientIdList": ["sts.amazonaws.com"]}
    for role in stack.roles().values():
        assert trust(role)["Principal"] == {"Federated": "made-OidcProvider"}
        assert set(trust(role)["Condition"]["StringEquals"]) == {f"{issuer}:aud", f"{issuer}:sub"}


@pytest.mark.parametrize("issuer", ["https://ghes.example.com/_services/token", 'x":"', "GHES.example.com", ""])
def test_an_issuer_is_a_host_with_a_path(issuer: str) -> None:
    with pytest.raises(ApiError, match="'Issuer' must match"):
        Stack({**ONE, "Issuer": issuer})


def test_a_provider_that_exists_is_used() -> None:
    arn = "arn:aws:iam::123456789012:oidc-provider/token.actions.githubusercontent.com"
    stack = Stack({**ONE, "OidcProviderArn": arn})
    assert not stack.of_type("AWS::IAM::OIDCProvider")
    assert {trust(role)["Principal"]["Federated"] for role in stack.roles().values()} == {arn}


def test_in_china_the_audience_is_chinas() -> None:
    stack = Stack(ONE, {**PSEUDO, "AWS::Partition": "aws-cn", "AWS::Region": "cn-north-1"})
    (provider,) = stack.of_type("AWS::IAM::OIDCProvider").values()
    assert provider["ClientIdList"] == ["sts.amazonaws.com.cn"]
    for role in stack.roles().values():
        assert (
            trust(role)["Condition"]["StringEquals"]["token.actions.githubusercontent.com:aud"]
            == "sts.amazonaws.com.cn"
        )
    assert "arn:aws:" not in json.dumps(stack.resources)


def test_functions_are_made_on_request_and_stay_when_the_stack_goes() -> None:
    stack = Stack({**ONE, "Functions": "checkout,my_fn-2", "CreateFunctions": "true"})
    made = stack.of_type("AWS::Lambda::Function")
    assert {each["FunctionName"] for each in made.values()} == {"checkout", "my_fn-2"}
    for logical, properties in made.items():
        assert properties["Role"].endswith(logical.replace("Created", "ExecutionRole"))
        for name in (logical, logical.replace("Created", "ExecutionRole")):
            assert stack.resources[name]["DeletionPolicy"] == stack.resources[name]["UpdateReplacePolicy"] == "Retain"
    assert not Stack(ONE).of_type("AWS::Lambda::Function")


def test_the_bucket_has_the_name_that_is_given() -> None:
    assert Stack({**ONE, "BucketName": "my-deployments"}).resources["Bucket"]["Properties"]["BucketName"] == (
        "my-deployments"
    )
    assert "BucketName" not in Stack(ONE).resources["Bucket"]["Properties"]
    with pytest.raises(ApiError, match="'BucketName' must match"):
        Stack({**ONE, "BucketName": "My_Deployments"})


def test_the_provider_stays_when_the_stack_goes() -> None:
    """A second run of the same command finds the provider and passes its ARN: the account keeps it."""
    provider = Stack(ONE).resources["OidcProvider"]
    assert provider["DeletionPolicy"] == provider["UpdateReplacePolicy"] == "Retain"


def test_the_bucket_is_private_versioned_and_spoken_to_by_tls_alone() -> None:
    stack = Stack(ONE)
    bucket = stack.resources["Bucket"]
    assert bucket["DeletionPolicy"] == bucket["UpdateReplacePolicy"] == "Retain"
    assert bucket["Properties"]["VersioningConfiguration"] == {"Status": "Enabled"}
    assert set(bucket["Properties"]["PublicAccessBlockConfiguration"].values()) == {True}
    assert len(bucket["Properties"]["PublicAccessBlockConfiguration"]) == 4
    (statement,) = stack.resources["BucketPolicy"]["Properties"]["PolicyDocument"]["Statement"]
    assert (statement["Effect"], statement["Principal"], statement["Action"]) == ("Deny", "*", "s3:*")
    assert statement["Condition"] == {"Bool": {"aws:SecureTransport": "false"}}
    assert statement["Resource"] == ["arn:aws:made:::Bucket", "arn:aws:made:::Bucket/*"]


@pytest.mark.parametrize(
    ("alarm", "expected"), [("", {"Enabled": False}), ("errors", {"Enabled": True, "Alarms": [{"Name": "errors"}]})]
)
def test_the_group_rolls_back_by_itself(alarm: str, expected: dict[str, Any]) -> None:
    group = Stack({**ONE, "AlarmName": alarm}).resources["Groupcheckout"]["Properties"]
    assert group["AlarmConfiguration"] == expected
    assert group["AutoRollbackConfiguration"]["Enabled"] is True
    assert len(group["AutoRollbackConfiguration"]["Events"]) == 3
    assert group["DeploymentGroupName"] == "live"


def test_the_managed_service_role_is_nowhere() -> None:
    assert "AWSCodeDeployRoleForLambda" not in json.dumps(load())
