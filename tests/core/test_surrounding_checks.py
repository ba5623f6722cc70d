"""Preflight on code, versions and what surrounds a deployment, as pure functions of facts."""

from __future__ import annotations

from dataclasses import replace

import pytest

from ci_deploy.core.checks import preflight
from ci_deploy.core.model import (
    Alias,
    Deployment,
    DeploymentConfig,
    DeploymentGroup,
    DeploymentStatus,
    DeploymentTarget,
    Fact,
    FunctionVersion,
    Identity,
    Known,
    NotPermitted,
    Routing,
    RoutingType,
    Severity,
    Unavailable,
)
from ci_deploy.core.packaging import Image, Package
from ci_deploy.core.planning import Facts, Plan, plan
from ci_deploy.core.surroundings import Bucket, LifecycleRule, Surroundings
from tests.support.world import inputs

VERSION = FunctionVersion(function="checkout", version="1", code_sha256="old", role="arn:aws:iam::1:role/r")
HOOK = replace(VERSION, function="CodeDeployHook_x", version="$LATEST")
FACTS = Facts(
    identity=Identity(account="123456789012", arn="arn", region="eu-central-1"),
    latest=replace(VERSION, version="$LATEST", code_sha256="new"),
    alias=Alias(function="checkout", name="live", version="1"),
    current=VERSION,
    group=DeploymentGroup(
        application="app",
        name="group",
        service_role_arn="arn:aws:iam::1:role/deployer",
        auto_rollback_enabled=True,
        auto_rollback_events=("DEPLOYMENT_FAILURE",),
    ),
    config=DeploymentConfig(name="c", routing=Routing(kind=RoutingType.CANARY, percentage=10, interval_minutes=5)),
    alarms=Known(()),
)


def checked(facts: Facts, **given: str) -> Plan:
    wanted = inputs(**given)
    return preflight(wanted, facts, plan(wanted, facts))


def codes(facts: Facts, **given: str) -> dict[str, Severity]:
    return {finding.code: finding.severity for finding in checked(facts, **given).findings}


def around(**what: object) -> Facts:
    return replace(FACTS, surroundings=Surroundings(**what))  # type: ignore[arg-type]


def deployed(target: str, function: str = "checkout") -> Known[Deployment | None]:
    one = DeploymentTarget(target_id="t", function=function, alias="live", current_version="0", target_version=target)
    return Known(Deployment(id="d-1", status=DeploymentStatus.SUCCEEDED, targets=(one,)))


def test_nothing_is_found_where_nothing_is_odd() -> None:
    assert codes(FACTS) == {}
    assert codes(around(successful=deployed("1"), bucket=Bucket(region=Known("eu-central-1"))), bucket="mine") == {}


@pytest.mark.parametrize(
    ("facts", "given", "code", "severity"),
    [
        (around(provisioned=Known(3)), {}, "provisioned", Severity.WARNING),
        (around(successful=deployed("7")), {}, "rollback-target", Severity.WARNING),
        (around(successful=deployed("1", "cart")), {}, "rollback-target-function", Severity.WARNING),
        (around(bucket=Bucket(region=Known(""))), {"bucket": "mine"}, "bucket-missing", Severity.REFUSAL),
        (around(bucket=Bucket(region=Known("eu-west-1"))), {"bucket": "mine"}, "bucket-region", Severity.REFUSAL),
        (
            around(bucket=Bucket(region=Known("eu-central-1"), key=Known("arn:key"))),
            {"bucket": "mine"},
            "bucket-key",
            Severity.WARNING,
        ),
        (
            around(bucket=Bucket(region=Known("eu-central-1"), rules=Known((LifecycleRule(name="r", days=3),)))),
            {"bucket": "mine"},
            "bucket-lifecycle",
            Severity.WARNING,
        ),
    ],
)
def test_what_is_odd_is_said(facts: Facts, given: dict[str, str], code: str, severity: Severity) -> None:
    assert codes(facts, **given) == {code: severity}


@pytest.mark.parametrize("prefix", ["", "Code", "CodeDeploy/", "CodeDeploy/checkout/"])
def test_a_rule_matters_where_it_reaches_our_prefix(prefix: str) -> None:
    rule = LifecycleRule(name="r", prefix=prefix, days=3)
    facts = around(bucket=Bucket(region=Known("eu-central-1"), rules=Known((rule,))))
    assert "bucket-lifecycle" in codes(facts, bucket="mine")
    other = replace(rule, prefix="CodeDeployment/")
    assert codes(around(bucket=Bucket(region=Known("eu-central-1"), rules=Known((other,)))), bucket="mine") == {}


@pytest.mark.parametrize("missing", [NotPermitted("service:Action"), Unavailable("the network is down")])
def test_what_cannot_be_read_is_one_note_each_and_no_refusal(missing: Fact[object]) -> None:
    facts = around(
        provisioned=missing,
        successful=missing,
        bucket=Bucket(region=missing, key=missing, rules=missing),  # type: ignore[arg-type]
    )
    found = checked(facts, bucket="mine").findings
    assert len(found) == 5
    assert {finding.severity for finding in found} == {Severity.NOTE}
    said = "needs service:Action" if isinstance(missing, NotPermitted) else "the network is down"
    assert all(said in finding.text for finding in found)


def test_provisioned_concurrency_gives_more_time_unless_a_limit_is_given() -> None:
    usual = checked(FACTS).timeout
    assert checked(around(provisioned=Known(1))).timeout == usual + 30 * 60
    assert checked(around(provisioned=Known(1)), timeout="5m").timeout == 300


def test_hooks_that_cannot_report_are_found() -> None:
    facts = replace(FACTS, hooks={"CodeDeployHook_x": Known(replace(HOOK, vpc=True, state="Inactive"))})
    given = {"before_allow_traffic": "CodeDeployHook_x"}
    assert codes(facts, **given) == {"hook-inactive": Severity.WARNING, "hook-network": Severity.NOTE}
    denied = replace(
        FACTS,
        hooks={"CodeDeployHook_x": Known(HOOK)},
        surroundings=Surroundings(callbacks={"CodeDeployHook_x": Known(False)}),
    )
    assert codes(denied, **given) == {"hook-callback": Severity.WARNING}


@pytest.mark.parametrize(
    ("tags", "code", "tool"),
    [
        ({"aws:cloudformation:stack-name": "shop", "lambda:createdBy": "SAM"}, "owner-cloudformation", "SAM"),
        ({"managed-by": "Terraform"}, "owner-tool", "Terraform"),
        ({"pulumi:project": "shop"}, "owner-tool", "Pulumi"),
        ({"team": "terraforming"}, "", ""),
    ],
)
def test_tags_say_which_tool_owns_the_function(tags: dict[str, str], code: str, tool: str) -> None:
    assert FACTS.latest is not None
    found = checked(replace(FACTS, latest=replace(FACTS.latest, tags=tags))).findings
    assert [finding.code for finding in found] == ([code] if code else [])
    assert all(tool in finding.text for finding in found)


@pytest.mark.parametrize(
    ("state", "reason", "code"),
    [
        ("Failed", "ImageDeleted", "target-image"),
        ("Inactive", "ImageAccessDenied", "target-image"),
        ("Inactive", "Idle", "target-inactive"),
        ("Failed", "InternalError", "target-inactive"),
    ],
)
def test_a_version_that_cannot_be_invoked_is_refused(state: str, reason: str, code: str) -> None:
    version = replace(VERSION, version="2", code_sha256="x", state=state, state_reason_code=reason)
    assert codes(replace(FACTS, target=version), target_version="2") == {code: Severity.REFUSAL}


def test_code_of_the_other_kind_is_refused() -> None:
    image = replace(FACTS, code=Image(uri="123456789012.dkr.ecr.eu-central-1.amazonaws.com/a:b"))
    assert codes(image, image_uri="123456789012.dkr.ecr.eu-central-1.amazonaws.com/a:b") == {
        "package-type": Severity.REFUSAL
    }


def test_a_failed_update_is_mended_by_new_code_and_by_nothing_else() -> None:
    assert FACTS.latest is not None
    failed = replace(FACTS, latest=replace(FACTS.latest, last_update_status="Failed"))
    assert codes(failed) == {"function-busy": Severity.REFUSAL}
    package = Package(path="p", sha256="other", size=1, unzipped=1, files=1)
    assert codes(replace(failed, code=package), package="p") == {}


def test_a_missing_alias_is_a_note_where_it_is_to_be_created() -> None:
    first = replace(FACTS, alias=None, current=None)
    assert codes(first) == {"alias-missing": Severity.REFUSAL}
    assert codes(first, create_alias="true") == {"alias-first": Severity.NOTE}
