"""docs/iam holds what the code can really call: read from its source, and recorded from runs against the emulator."""

from __future__ import annotations

import ast
import importlib.util
import json
import random
import re
from pathlib import Path
from typing import Any

import botocore.session
import pytest

from ci_deploy.edge.aws.errors import iam_action
from scripts import demo
from tests.support import sources
from tests.support.machine.stage import Stage, Step, emulated

ROOT = Path(__file__).resolve().parents[3]
IAM = ROOT / "docs" / "iam"
POLICIES = sorted(
    path.name for path in IAM.glob("*.json") if not path.name.startswith("trust-") and path.name != "roles.json"
)
TRUSTS = sorted(path.name for path in IAM.glob("trust-*.json"))
# Who calls it needs no permission for it, or has it by being allowed to assume the role.
FREE = {"sts:GetCallerIdentity", "sts:AssumeRoleWithWebIdentity"}
OF_CALLERS = ("read.json", "deploy.json", "rollback.json", "stop.json")
# Asked for by the services themselves, not called by us: by CreateDeployment (CodeDeploy's permissions reference), by
# GetFunction for an environment that is encrypted with a key of one's own.
IMPLIED = {
    "codedeploy:GetApplicationRevision",
    "codedeploy:RegisterApplicationRevision",
    "codedeploy:UpdateDeploymentGroup",
    "iam:PassRole",
    "kms:Decrypt",
    "s3:PutObjectTagging",
}
# Alarms cannot be listed otherwise; the type `dataset` of GetMetricData is none that Lambda's metrics belong to.
WHOLE = ("cloudwatch:DescribeAlarms", "cloudwatch:GetMetricData")
SETUP = {
    "function": "checkout",
    "application": "another-app",
    "deployment-group": "another-live",
    "service-role-arn": "arn:aws:iam::123456789012:role/service",
    "deployment-config": "linear 20% every 3m",
}


def document(name: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((IAM / name).read_text(encoding="utf-8"))
    return found


def listed(value: str | list[str]) -> list[str]:
    return [value] if isinstance(value, str) else value


def actions(name: str) -> set[str]:
    return {action for statement in document(name)["Statement"] for action in listed(statement["Action"])}


@pytest.fixture(scope="module")
def reference() -> dict[str, Any]:
    """AWS's service authorization reference, as cfn-lint ships it; cfn-lint itself is slow to import."""
    linter = importlib.util.find_spec("cfnlint")
    assert linter and linter.origin
    text = Path(linter.origin).with_name("data").joinpath("AdditionalSpecs", "Policies.json").read_text("utf-8")
    found: dict[str, Any] = json.loads(text)
    return found


@pytest.mark.parametrize("name", POLICIES)
def test_every_action_exists_and_is_limited_where_iam_can_limit_it(name: str, reference: dict[str, Any]) -> None:
    """Resource `*` stands only where the reference knows no resource type, or listing alarms would fail otherwise."""
    for statement in document(name)["Statement"]:
        for action in listed(statement["Action"]):
            service, operation = action.split(":")
            known = reference[service]["Actions"]
            assert operation.lower() in known, action
            if listed(statement["Resource"]) == ["*"]:
                assert not known[operation.lower()].get("Resources") or action in WHOLE, action
        assert "*" not in " ".join(listed(statement["Action"]))


@pytest.mark.parametrize("name", POLICIES)
def test_policies_fit_into_an_inline_policy(name: str) -> None:
    """IAM counts 6,144 characters for a managed policy, white space apart."""
    assert len(re.sub(r"\s", "", (IAM / name).read_text(encoding="utf-8"))) <= 6144


@pytest.mark.parametrize("name", TRUSTS)
def test_trust_is_given_to_one_audience_and_named_subjects(name: str) -> None:
    """Both forms of the subject, and never a wildcard for the repository (facts on OIDC)."""
    (statement,) = document(name)["Statement"]
    if "Service" in statement["Principal"]:
        assert name in ("trust-service-role.json", "trust-hook-role.json")
        return
    conditions = statement["Condition"]
    prefix = statement["Principal"]["Federated"].partition("/")[2]
    assert prefix in ("token.actions.githubusercontent.com", "GHES-HOST/_services/token")
    assert conditions["StringEquals"][f"{prefix}:aud"] == "sts.amazonaws.com"
    subjects = [each[f"{prefix}:sub"] for each in conditions.values() if f"{prefix}:sub" in each]
    assert len(subjects) == 1
    for subject in subjects[0]:
        assert re.match(r"repo:OWNER(@OWNER-ID)?/REPOSITORY(@REPOSITORY-ID)?:", subject)


def test_codedeploy_assumes_its_role_for_one_deployment_group_of_the_account() -> None:
    """Against the confused deputy, as CodeDeploy's user guide has it: the group's ARN, and the account."""
    (statement,) = document("trust-service-role.json")["Statement"]
    assert statement["Condition"] == {
        "StringEquals": {"aws:SourceAccount": "ACCOUNT"},
        "ArnLike": {"aws:SourceArn": "arn:aws:codedeploy:REGION:ACCOUNT:deploymentgroup:APPLICATION/GROUP"},
    }


@pytest.mark.parametrize(
    "name", ["deploy.json", "rollback.json", "stop.json", "read.json", "prune.json", "service-role.json"]
)
def test_a_role_reaches_one_function_with_its_hooks_and_objects(name: str) -> None:
    """What may be narrowed is: `*` and the names of configs are all that a function does not have to itself."""
    for statement in document(name)["Statement"]:
        for resource in listed(statement["Resource"]):
            if resource != "*" and ":deploymentconfig:" not in resource:
                assert "FUNCTION" in resource or "APPLICATION" in resource, resource
                assert "CodeDeployHook_*" not in resource


HOMES: dict[str, tuple[str, ...]] = {
    "cloudformation": ("cloudformation",),
    "codedeploy/calls": ("codedeploy",),
    "codedeploy/setup": ("codedeploy",),
    "lambda_/callers": ("lambda",),
    "lambda_/functions": ("lambda",),
    "lambda_/invoking": ("lambda",),
    "lambda_/versions": ("lambda",),
    "s3/objects": ("s3",),
    "s3/buckets": ("s3",),
    "iam": ("iam",),
    "metrics": ("cloudwatch",),
    "errors": (),  # `GetRole…` is a beginning that it looks for, not a call
    "evidence": ("cloudwatch", "logs", "lambda"),
}


def called_in_source() -> set[str]:
    """The operations that edge can call, as IAM names them: the strings in it that are names of operations."""
    session = botocore.session.Session()
    operations = {
        service: set(session.get_service_model(service).operation_names)
        for service in ("cloudformation", "codedeploy", "lambda", "s3", "cloudwatch", "logs", "iam")
    }
    found = set()
    aws = ROOT / "ci_deploy" / "edge" / "aws"
    read = {path.relative_to(aws).with_suffix("").as_posix(): path for path in aws.rglob("*.py")}
    assert set(HOMES) <= set(read)
    for name, path in read.items():
        words = {node.value for node in sources.nodes(path) if isinstance(node, ast.Constant)}
        named = {service for service, names in operations.items() if names & words}
        assert name in HOMES or not named, f"{name} calls AWS: add it to HOMES"
        for service in HOMES.get(name, ()):
            found |= {iam_action(service, operation) for operation in operations[service] & words}
    return found


def test_all_that_the_code_can_call_is_in_some_policy_and_nothing_else() -> None:
    callers = {action for name in POLICIES if name not in _NOT_OURS for action in actions(name)}
    called = called_in_source()
    assert len(called) >= 15
    assert called - callers == set()
    # The version of an object is read with a permission of its own.
    assert callers - called - IMPLIED - {"s3:GetObjectVersion"} == set()


_NOT_OURS = ("hook-role.json", "service-role.json", "upload-code.json")


# What says where, for the commands that take no code.
PLACE = {name: value for name, value in demo.INPUTS.items() if name != "code"}


@pytest.fixture(scope="module")
def recorded(tmp_path_factory: pytest.TempPathFactory) -> dict[str, set[str]]:
    """What each command called, against the emulator."""
    calls: dict[str, set[str]] = {}
    with emulated(demo.SEED) as emulator:
        # Hooks take long enough for their logs to be read meanwhile.
        hooks = [demo.INPUTS[f"{when}-allow-traffic"] for when in ("before", "after")]
        emulator.scripts({hook: {"outcome": "succeed", "seconds": 90, "log": ["checked"]} for hook in hooks})
        for command, inputs in (
            ("plan", demo.INPUTS),
            ("setup", {**SETUP, "apply": "true"}),
            (
                "prune",
                {"function": "checkout", **{name: demo.INPUTS[name] for name in ("application", "deployment-group")}},
            ),
            ("deploy", {**demo.INPUTS, "deployment-config": "CodeDeployDefault.LambdaAllAtOnce"}),
            ("status", PLACE),
            ("rollback", {**PLACE, "reason": "a test"}),
            ("deploy", {**PLACE, "version": "2", "wait": "false", "force": "true"}),
            ("stop", {**PLACE, "reason": "a test"}),
        ):
            # Nobody is so quick: whose a deployment is shows when its first hook is over.
            emulator.advance(60)
            seen = len(emulator.calls)
            folder = tmp_path_factory.mktemp(command)
            environ = demo.environment(emulator.env, folder, {**inputs, "command": command})
            step = Step(name=command, environ=environ, folder=folder, dice=random.Random(1))
            Stage(emulator, []).play(step)
            step.check(0)
            for call in emulator.calls[seen:]:
                # Hooks and CodeDeploy itself have roles of their own.
                if call["service"] in ("codedeploy", "lambda", "s3", "cloudwatch", "logs", "iam") and not _by_a_hook(
                    call
                ):
                    calls.setdefault(command, set()).add(iam_action(call["service"], call["operation"]))
    return calls


def _by_a_hook(call: dict[str, Any]) -> bool:
    return call["operation"] in ("PutLifecycleEventHookExecutionStatus", "Invoke")


@pytest.mark.parametrize(
    ("command", "policy"),
    [
        ("plan", "read.json"),
        ("status", "read.json"),
        ("deploy", "deploy.json"),
        ("rollback", "rollback.json"),
        ("stop", "stop.json"),
        ("setup", "setup.json"),
        ("prune", "prune.json"),
    ],
)
def test_a_command_calls_nothing_that_its_policy_lacks(
    command: str, policy: str, recorded: dict[str, set[str]]
) -> None:
    assert recorded[command]
    # What preflight can do without has a policy of its own, and only deploy's commands ask for it.
    optional = (
        actions("feature-preflight.json") | actions("feature-callers.json") | actions("feature-guards.json")
        if command in ("plan", "deploy")
        else set()
    )
    # What goes back to another version is watched too, if it takes long enough for a minute to be judged.
    optional |= actions("feature-guards.json") if command == "rollback" else set()
    # A hook that takes long has its log lines read already while it runs.
    optional |= actions("feature-hook-logs.json") if command == "deploy" else set()
    assert recorded[command] - actions(policy) - optional - FREE == set()


def test_reading_commands_may_not_write() -> None:
    assert not [action for action in actions("read.json") if not re.match(r"\w+:(Get|List|BatchGet|Describe)", action)]


def test_roles_are_made_of_files_that_exist() -> None:
    roles = document("roles.json")
    named = {name for files in roles["roles"].values() for name in files}
    assert {f"{name}.json" for name in named} <= set(POLICIES)
    sids = {statement["Sid"] for name in named for statement in document(f"{name}.json")["Statement"]}
    assert set(roles["without"]) <= sids


def test_the_page_lists_every_file() -> None:
    text = (IAM / "README.md").read_text(encoding="utf-8")
    assert not [name for name in (*POLICIES, *TRUSTS) if f"]({name})" not in text]


def test_whoever_watches_may_read_metrics_and_every_page_says_so() -> None:
    """`watch` shows calls and errors without being asked to: a tool's role needs more than its first policy."""
    assert "feature-guards" in json.loads((IAM / "roles.json").read_text(encoding="utf-8"))["roles"]["watch"]
    docs = (*IAM.parent.glob("*.md"), *IAM.parent.glob("workflows/*"))
    naming = [line for page in docs for line in page.read_text("utf-8").splitlines() if "iam/watch.json" in line]
    assert len(naming) >= 6
    assert [line for line in naming if "feature-guards.json" not in line] == []
