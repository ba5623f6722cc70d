"""The Terraform module: the shape of the CloudFormation template, and the very same policies.

The folder `policies` needs no provider, so Terraform itself evaluates it here. The rest uses AWS's provider, whose
registry is out of reach for tests: it is parsed, and held against the template.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
from functools import cache
from pathlib import Path
from typing import Any

import hcl2
import pytest

from tests.project.account.cloudformation import PSEUDO, Stack, load

ROOT = Path(__file__).resolve().parents[3]
MODULE = ROOT / "docs" / "terraform"
ROLES = ("deploy", "read", "rollback", "setup", "prune", "watch")
KINDS = {role: role.capitalize() for role in ROLES}
MAIN, IDS = "repo:o/r:ref:refs/heads/main", "repo:o@1/r@2:environment:production"


@cache
def parsed(folder: Path) -> dict[str, list[Any]]:
    """All blocks of a folder's files, by kind; quotes that the parser leaves are taken off."""
    found: dict[str, list[Any]] = {}
    for path in sorted(folder.glob("*.tf")):
        for kind, blocks in _plain(hcl2.loads(path.read_text(encoding="utf-8"))).items():
            if isinstance(blocks, list):
                found.setdefault(kind, []).extend(blocks)
    return found


def _plain(value: Any) -> Any:
    match value:
        case dict():
            return {_plain(key): _plain(each) for key, each in value.items() if not str(key).startswith("__")}
        case list():
            return [_plain(each) for each in value]
        case str():
            return value[1:-1] if len(value) > 1 and value[0] == value[-1] == '"' else value
    return value


def named(blocks: list[Any]) -> dict[str, Any]:
    return {name: body for block in blocks for name, body in block.items()}


def resources() -> dict[str, dict[str, Any]]:
    """`type.name` -> what stands there."""
    return {
        f"{kind}.{name}": body
        for block in parsed(MODULE)["resource"]
        for kind, made in block.items()
        for name, body in made.items()
    }


@pytest.mark.parametrize("folder", [MODULE, MODULE / "policies"], ids=lambda path: path.name)
def test_variables_are_declared_and_used(folder: Path) -> None:
    text = "\n".join(path.read_text(encoding="utf-8") for path in sorted(folder.glob("*.tf")))
    declared = set(named(parsed(folder)["variable"]))
    assert set(re.findall(r"\bvar\.([a-z_]+)", text)) == declared


def test_the_module_gives_its_part_what_it_asks_for() -> None:
    (call,) = parsed(MODULE)["module"]
    given = set(call["policies"]) - {"source"}
    assert call["policies"]["source"] == "./policies"
    assert given == set(named(parsed(MODULE / "policies")["variable"]))


def test_module_and_template_have_the_same_parameters() -> None:
    """Under names of their own language: one object of subjects there, a list for each role here."""
    template = {re.sub(r"(?<!^)(?=[A-Z])", "_", name).lower() for name in load()["Parameters"]}
    module = set(named(parsed(MODULE)["variable"]))
    lists = {f"{role}_subjects" for role in KINDS}
    # Functions are made for the first steps alone: whoever uses Terraform has a resource for them.
    assert module - {"subjects", "alarms"} == template - lists - {"alarm_name", "create_functions"}
    assert lists <= template


def test_module_and_template_make_the_same() -> None:
    terraform = {
        "AWS::IAM::OIDCProvider": "aws_iam_openid_connect_provider.this",
        "AWS::S3::Bucket": "aws_s3_bucket.this",
        "AWS::S3::BucketPolicy": "aws_s3_bucket_policy.this",
        "AWS::IAM::Role": "aws_iam_role.this",
        "AWS::IAM::ManagedPolicy": "aws_iam_policy.this",
        "AWS::CodeDeploy::Application": "aws_codedeploy_app.this",
        "AWS::CodeDeploy::DeploymentGroup": "aws_codedeploy_deployment_group.this",
    }
    every = {f"{kind}Subjects": MAIN for kind in KINDS.values()}
    stack = Stack({"Name": "x", "Functions": "x", **every})
    assert {each["Type"] for each in stack.resources.values()} == set(terraform)
    # What CloudFormation has as properties, Terraform has as resources.
    parts = {
        "aws_iam_role.service", "aws_iam_role_policy.service", "aws_iam_role_policy_attachment.this",
        "aws_s3_bucket_versioning.this", "aws_s3_bucket_public_access_block.this",
        "aws_s3_bucket_ownership_controls.this",
    }  # fmt: skip
    assert set(resources()) == set(terraform.values()) | parts


def test_the_bucket_is_private_versioned_and_spoken_to_by_tls_alone() -> None:
    made = resources()
    assert made["aws_s3_bucket_versioning.this"]["versioning_configuration"] == [{"status": "Enabled"}]
    blocked = made["aws_s3_bucket_public_access_block.this"]
    assert {name: value for name, value in blocked.items() if name != "bucket"} == {
        "block_public_acls": True,
        "block_public_policy": True,
        "ignore_public_acls": True,
        "restrict_public_buckets": True,
    }
    policy = re.sub(r"\s+", " ", json.dumps(made["aws_s3_bucket_policy.this"]["policy"]))
    for words in ("Deny", "s3:*", "aws:SecureTransport", "false"):
        assert words in policy


def test_groups_roll_back_by_themselves() -> None:
    group = resources()["aws_codedeploy_deployment_group.this"]
    (rollback,) = group["auto_rollback_configuration"]
    stack = Stack({"Name": "x", "Functions": "x", "DeploySubjects": MAIN}).resources["Groupx"]["Properties"]
    assert rollback["enabled"] is True
    assert rollback["events"] == stack["AutoRollbackConfiguration"]["Events"]
    (style,) = group["deployment_style"]
    assert {style["deployment_type"], style["deployment_option"]} == set(stack["DeploymentStyle"].values())


def test_the_managed_service_role_is_nowhere() -> None:
    assert not [path for path in MODULE.rglob("*.tf") if "AWSCodeDeployRoleForLambda" in path.read_text()]


def terraform(folder: Path, *arguments: str, data: Path) -> str:
    program = shutil.which("terraform")
    assert program, "no terraform on PATH: `make test-full` needs it"
    environ = {**os.environ, "TF_DATA_DIR": str(data), "CHECKPOINT_DISABLE": "1", "TF_IN_AUTOMATION": "1"}
    done = subprocess.run(
        [program, f"-chdir={folder}", *arguments], env=environ, capture_output=True, text=True, stdin=subprocess.DEVNULL
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def evaluated(variables: dict[str, Any], folder: Path) -> dict[str, Any]:
    """What the folder `policies` puts out."""
    (folder / "given.json").write_text(json.dumps(variables))
    policies = MODULE / "policies"
    terraform(policies, "init", "-input=false", "-backend=false", data=folder / "data")
    terraform(policies, "validate", data=folder / "data")
    given = [f"-var-file={folder / 'given.json'}", f"-out={folder / 'plan'}", "-input=false", "-lock=false"]
    terraform(policies, "plan", *given, data=folder / "data")
    shown = json.loads(terraform(policies, "show", "-json", str(folder / "plan"), data=folder / "data"))
    return {name: output["value"] for name, output in shown["planned_values"]["outputs"].items()}


@pytest.mark.full
def test_the_module_is_formatted(tmp_path: Path) -> None:
    terraform(MODULE, "fmt", "-check", "-recursive", data=tmp_path)


@pytest.mark.full
@pytest.mark.parametrize(("partition", "application", "group"), [("aws", "", ""), ("aws-cn", "shop", "*")])
def test_every_document_is_the_templates(partition: str, application: str, group: str, tmp_path: Path) -> None:
    """What Terraform makes of docs/iam is, statement by statement, what CloudFormation has."""
    functions = ["checkout", "my_fn-2", "shop-*"]
    pseudo = {**PSEUDO, "AWS::Partition": partition}
    every = {f"{kind}Subjects": f"{MAIN},{IDS}" for kind in KINDS.values()}
    issuer = "ghes.example.com/_services/token"
    given = {"Name": "x", "Functions": ",".join(functions), "CreateGroups": "false", "Issuer": issuer, **every}
    given |= {"Application": application, "DeploymentGroup": group}
    stack = Stack(given, pseudo)
    logical = {function: re.sub(r"[^A-Za-z0-9]", "", function) for function in functions}
    found = evaluated(
        {
            "functions": functions,
            "applications": {function: application or function for function in functions},
            "group": group or "live",
            "bucket": "made-Bucket",
            "stack": "*",
            "subjects": {role: [MAIN, IDS] for role in KINDS},
            "issuer": issuer,
            "audience": "sts.amazonaws.com.cn" if partition == "aws-cn" else "sts.amazonaws.com",
            "provider_arn": "made-OidcProvider",
            "partition": partition,
            "region": pseudo["AWS::Region"],
            "account": pseudo["AWS::AccountId"],
            "service_role_arns": {each: f"arn:{partition}:made:::ServiceRole{name}" for each, name in logical.items()},
        },
        tmp_path,
    )
    for role, kind in KINDS.items():
        for function in functions:
            ours = json.loads(found["documents"][role][function])
            theirs = stack.resources[f"{kind}Policy{logical[function]}"]["Properties"]["PolicyDocument"]
            assert ours == theirs, f"{role} of {function}"
        assert json.loads(found["trusts"][role]) == json.loads(stack.roles()[f"{role}-x"]["AssumeRolePolicyDocument"])
    for function in functions:
        service = stack.resources[f"ServiceRole{logical[function]}"]["Properties"]
        assert json.loads(found["service_documents"][function]) == service["Policies"][0]["PolicyDocument"]
        assert json.loads(found["service_trusts"][function]) == service["AssumeRolePolicyDocument"]
    assert not (MODULE / "policies" / ".terraform").exists()
