"""Preflight on code, versions and what surrounds a deployment, as pure functions of facts."""

from __future__ import annotations

from dataclasses import replace

import pytest

from ci_deploy.core.aws import (
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
    Unavailable,
)
from ci_deploy.core.callers import Caller, Callers, EventSource, Permission, Url
from ci_deploy.core.plan.planning import Facts, Plan, plan
from ci_deploy.core.plan.preflight.checks import preflight
from ci_deploy.core.plan.surroundings import Bucket, LifecycleRule, Surroundings
from ci_deploy.core.reasons.preflight import surroundings, versions
from ci_deploy.core.reasons.reason import Reason
from ci_deploy.core.result import Finding, Severity
from tests.support.machine.world import inputs

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


def warning(reason: Reason) -> Finding:
    return Finding(severity=Severity.WARNING, reason=reason)


def refusal(reason: Reason) -> Finding:
    return Finding(severity=Severity.REFUSAL, reason=reason)


def note(reason: Reason) -> Finding:
    return Finding(severity=Severity.NOTE, reason=reason)


def bucket(**what: object) -> Facts:
    usual: dict[str, object] = {"region": Known("eu-central-1")}
    return around(bucket=Bucket(**{**usual, **what}))  # type: ignore[arg-type]


def hooked(name: str = "CodeDeployHook_x", callback: Fact[bool] | None = None, **changes: object) -> Facts:
    around_it = Surroundings(callbacks={} if callback is None else {name: callback})
    return replace(FACTS, hooks={name: Known(replace(HOOK, **changes))}, surroundings=around_it)  # type: ignore[arg-type]


def tagged(tags: dict[str, str]) -> Facts:
    assert FACTS.latest is not None
    return replace(FACTS, latest=replace(FACTS.latest, tags=tags))


MINE = {"bucket": "mine"}
WITH_HOOK = {"before_allow_traffic": "CodeDeployHook_x"}


def called(**what: object) -> Facts:
    return around(callers=Callers(**what))  # type: ignore[arg-type]


TOPIC = "arn:aws:sns:eu-central-1:123456789012:orders"
QUEUE = EventSource(uuid="u-1", source="arn:aws:sqs:eu-central-1:123456789012:orders")
KAFKA = EventSource(uuid="u-2")
URL = Url(address="https://abc.lambda-url.eu-central-1.on.aws/", auth="NONE")

WORDS: dict[str, tuple[Facts, dict[str, str], Finding]] = {
    "a time limit beyond the job's": (
        replace(FACTS, job_limit=6 * 3600.0),
        {"timeout": "390m"},
        warning(surroundings.JobLimit(timeout=23400.0, limit=21600.0)),
    ),
    "credentials that end before the time limit": (
        replace(FACTS, credentials_left=7200.0),
        {"timeout": "200m"},
        warning(surroundings.CredentialsEnd(left=7200.0, timeout=12000.0)),
    ),
    "credentials that have ended": (
        replace(FACTS, credentials_left=-30.0),
        {"timeout": "40m"},
        warning(surroundings.CredentialsEnd(left=-30.0, timeout=2400.0)),
    ),
    "a service that may invoke the function itself": (
        called(permissions=Known((Permission(statement="sns", principal="sns.amazonaws.com", source=TOPIC),))),
        {},
        warning(
            surroundings.CallerPolicy(
                function="checkout",
                alias="live",
                region="eu-central-1",
                caller=Caller(principal="sns.amazonaws.com", source=TOPIC, statements=("sns",)),
            )
        ),
    ),
    "event sources of the function itself": (
        called(event_sources=Known((QUEUE, KAFKA))),
        {},
        warning(
            surroundings.CallerEventSource(
                function="checkout", alias="live", region="eu-central-1", event_sources=(QUEUE, KAFKA)
            )
        ),
    ),
    "a URL of the function itself": (
        called(url=Known(URL)),
        {},
        warning(surroundings.CallerUrl(function="checkout", alias="live", region="eu-central-1", url=URL)),
    ),
    "callers that may not all be read": (
        called(permissions=NotPermitted("lambda:GetPolicy"), url=Unavailable("the network is down")),
        {},
        note(
            surroundings.CallersUnread(
                function="checkout", unread=(NotPermitted("lambda:GetPolicy"), Unavailable("the network is down"))
            )
        ),
    ),
    "provisioned concurrency": (
        around(provisioned=Known(3)),
        {},
        warning(surroundings.Provisioned(alias="live", provisioned=3, limited=False)),
    ),
    "provisioned concurrency and a time limit": (
        around(provisioned=Known(3)),
        {"timeout": "1h"},
        warning(surroundings.Provisioned(alias="live", provisioned=3, limited=True)),
    ),
    "a last success that left another version": (
        around(successful=deployed("7")),
        {},
        warning(surroundings.RollbackTarget(version="7", deployment="d-1", live="1")),
    ),
    "a last success of another function": (
        around(successful=deployed("1", "arn:aws:lambda:eu-central-1:123456789012:function:cart")),
        {},
        warning(
            surroundings.RollbackTargetFunction(function="checkout", deployment="d-1", other="cart", other_alias="live")
        ),
    ),
    "no bucket by that name": (
        bucket(region=Known("")),
        MINE,
        refusal(surroundings.BucketMissing(bucket="mine", region="eu-central-1")),
    ),
    "a bucket elsewhere": (
        bucket(region=Known("eu-west-1"), key=Known("arn:key")),
        MINE,
        refusal(surroundings.BucketRegion(bucket="mine", there="eu-west-1", region="eu-central-1")),
    ),
    "a bucket with a key": (
        bucket(key=Known("arn:key")),
        MINE,
        warning(surroundings.BucketKey(bucket="mine", key="arn:key", role="arn:aws:iam::1:role/deployer")),
    ),
    **{
        f"a rule that deletes after {days} days": (
            bucket(rules=Known((LifecycleRule(name="old", prefix="CodeDeploy/", days=days),))),
            MINE,
            warning(surroundings.BucketLifecycle(rule="old", bucket="mine", days=days, key="CodeDeploy/")),
        )
        for days in (2, 1, 0)
    },
    "a hook that sleeps": (
        hooked(state="Inactive", state_reason="The function is idle."),
        WITH_HOOK,
        warning(surroundings.HookInactive(hook="CodeDeployHook_x", state="Inactive", why="The function is idle.")),
    ),
    "a hook that failed": (
        hooked(state="Failed"),
        WITH_HOOK,
        warning(surroundings.HookInactive(hook="CodeDeployHook_x", state="Failed", why="")),
    ),
    "a hook in a network of its own": (
        hooked(vpc=True),
        WITH_HOOK,
        note(surroundings.HookNetwork(hook="CodeDeployHook_x", region="eu-central-1")),
    ),
    "a hook that may not report": (
        hooked(callback=Known(False)),
        WITH_HOOK,
        warning(surroundings.HookCallback(hook="CodeDeployHook_x", hook_role="r")),
    ),
    "a hook of which that is not known": (
        hooked(callback=NotPermitted("iam:SimulatePrincipalPolicy")),
        WITH_HOOK,
        note(
            surroundings.HookCallbackUnread(
                hook="CodeDeployHook_x", fact=NotPermitted(action="iam:SimulatePrincipalPolicy")
            )
        ),
    ),
    **{
        f"a stack, made by {creator}": (
            tagged({"aws:cloudformation:stack-name": "shop", "lambda:createdBy": creator}),
            {},
            note(surroundings.OwnerCloudFormation(function="checkout", stack="shop", sam=creator == "SAM")),
        )
        for creator in ("somebody", "SAM")
    },
    "a tool in a tag for owners": (
        tagged({"acme:Managed_By": "OpenTofu 1.9", "team": "platform"}),
        {},
        note(surroundings.OwnerTool(function="checkout", tag="acme:Managed_By", value="OpenTofu 1.9", tool="OpenTofu")),
    ),
    "a tool's own tag": (
        tagged({"sst:app": "shop"}),
        {},
        note(surroundings.OwnerTool(function="checkout", tag="sst:app", value="shop", tool="SST")),
    ),
    "two tools, of which one is enough": (
        tagged({"pulumi:project": "shop", "provisioner": "Terraform", "a": "b"}),
        {},
        note(surroundings.OwnerTool(function="checkout", tag="provisioner", value="Terraform", tool="Terraform")),
    ),
}


def test_nothing_is_found_where_nothing_is_odd() -> None:
    assert codes(FACTS) == {}
    assert codes(around(successful=deployed("1"), bucket=Bucket(region=Known("eu-central-1"))), bucket="mine") == {}


@pytest.mark.parametrize("text", WORDS)
def test_what_is_odd_is_said_with_what_to_do(text: str) -> None:
    """Each in full, and nothing besides it."""
    facts, given, finding = WORDS[text]
    assert checked(facts, **given).findings == (finding,)


@pytest.mark.parametrize("prefix", ["", "Code", "CodeDeploy/", "CodeDeploy/checkout/"])
def test_a_rule_matters_where_it_reaches_our_prefix(prefix: str) -> None:
    rule = LifecycleRule(name="r", prefix=prefix, days=3)
    facts = around(bucket=Bucket(region=Known("eu-central-1"), rules=Known((rule,))))
    assert "bucket-lifecycle" in codes(facts, bucket="mine")
    other = replace(rule, prefix="CodeDeployment/")
    assert codes(around(bucket=Bucket(region=Known("eu-central-1"), rules=Known((other,)))), bucket="mine") == {}


@pytest.mark.parametrize("missing", [NotPermitted("service:Action"), Unavailable("the network is down")])
def test_what_cannot_be_read_is_one_note_each_and_no_refusal(missing: NotPermitted | Unavailable) -> None:
    facts = around(
        provisioned=missing,
        successful=missing,
        bucket=Bucket(region=missing, key=missing, rules=missing),  # type: ignore[arg-type]
    )
    assert checked(facts, bucket="mine").findings == (
        note(surroundings.ProvisionedUnread(fact=missing)),
        note(surroundings.RollbackUnread(fact=missing)),
        note(surroundings.BucketUnread(bucket="mine", account="123456789012", fact=missing)),
        note(surroundings.BucketKeyUnread(bucket="mine", fact=missing)),
        note(surroundings.BucketRulesUnread(bucket="mine", fact=missing)),
    )


def test_provisioned_concurrency_gives_more_time_unless_a_limit_is_given() -> None:
    usual = checked(FACTS).timeout
    assert checked(around(provisioned=Known(1))).timeout == usual + 30 * 60
    assert checked(around(provisioned=Known(1)), timeout="5m").timeout == 300


# --- What is no finding ---

SERVED = replace(FACTS, latest=replace(VERSION, version="$LATEST"))
ALIAS_FIRST = replace(FACTS, alias=None, current=None)
UNSPLIT = Deployment(id="d-1", status=DeploymentStatus.SUCCEEDED)


@pytest.mark.parametrize(
    ("facts", "given"),
    [
        (replace(FACTS, job_limit=1800.0, credentials_left=1800.0), {"timeout": "30m"}),
        (replace(FACTS, job_limit=1.0, credentials_left=1.0), {"wait": "false"}),
        (replace(SERVED, job_limit=1.0, credentials_left=1.0), {}),
        (replace(SERVED, surroundings=Surroundings(provisioned=Known(3), successful=deployed("7"))), {}),
        (around(successful=deployed("7")), {"auto_rollback": "off"}),
        (around(successful=Known(replace(UNSPLIT, targets=None))), {}),
        (around(successful=Known(replace(UNSPLIT, targets=()))), {}),
        (around(successful=Known(None)), {}),
        (hooked(state="Pending"), WITH_HOOK),
        (hooked(callback=Known(True)), WITH_HOOK),
        (replace(hooked(), surroundings=None), WITH_HOOK),
        (hooked(), WITH_HOOK),
        (called(permissions=Known((Permission(statement="u", principal="*", action="lambda:InvokeFunctionUrl"),))), {}),
        (tagged({"team": "terraforming", "aws:cloudformation:stack-name": ""}), {}),
    ],
    ids=[
        "a time limit that just fits",
        "nobody waits",
        "nothing is deployed, however long that would take",
        "nothing is deployed, whatever a rollback would do",
        "no automatic rollback",
        "a last success whose target cannot be read",
        "a last success without a target",
        "no last success",
        "a hook that is about to be ready",
        "a hook that may report",
        "a hook, and nothing optional was read",
        "a hook whose role was not looked at",
        "nobody but those who call the alias",
        "a team's name",
    ],
)
def test_what_is_in_order_is_not_mentioned(facts: Facts, given: dict[str, str]) -> None:
    assert codes(facts, **given).keys() - {"rollback-off"} == set()


def test_what_an_alias_would_have_is_not_asked_of_one_that_is_yet_to_be_created() -> None:
    facts = replace(ALIAS_FIRST, surroundings=Surroundings(provisioned=Known(3), successful=deployed("7")))
    others = replace(ALIAS_FIRST, surroundings=Surroundings(successful=deployed("7", "cart")))
    assert codes(facts, create_alias="true") == {"alias-first": Severity.NOTE}
    assert codes(others, create_alias="true") == {"alias-first": Severity.NOTE}
    assert codes(facts) == {"alias-missing": Severity.REFUSAL}


def test_every_rule_that_deletes_revisions_and_every_fault_of_a_hook_is_said() -> None:
    rules = (LifecycleRule(name="a", days=3), LifecycleRule(name="b", prefix="logs/", days=3), LifecycleRule(name="c"))
    facts = replace(
        hooked("CodeDeployHook_y", callback=Known(False), state="Inactive", vpc=True),
        surroundings=Surroundings(
            bucket=Bucket(region=Known("eu-central-1"), key=Known("arn:key"), rules=Known(rules)),
            callbacks={"CodeDeployHook_y": Known(False)},
        ),
    )
    found = checked(facts, **MINE, before_allow_traffic="CodeDeployHook_x", after_allow_traffic="CodeDeployHook_y")
    assert [finding.code for finding in found.findings] == [
        "bucket-key",
        "bucket-lifecycle",
        "bucket-lifecycle",
        "hook-inactive",
        "hook-callback",
        "hook-network",
    ]


# --- executions that outlive a deployment ---

DURABLE = replace(VERSION, durable=True)


@pytest.mark.parametrize(
    ("executions", "told"),
    [
        (Known(3), versions.DurableExecutions(version="1", count=3)),
        (Known(0), versions.DurableExecutions(version="1", count=0)),
        (
            NotPermitted("lambda:ListDurableExecutionsByFunction"),
            versions.DurableUnread(version="1", fact=NotPermitted("lambda:ListDurableExecutionsByFunction")),
        ),
    ],
)
def test_executions_stay_on_the_old_version(executions: Fact[int], told: Reason) -> None:
    facts = replace(around(executions=executions), current=DURABLE)
    assert [finding for finding in checked(facts).findings if finding.code.startswith("durable")] == [
        Finding(severity=Severity.NOTE, reason=told)
    ]


def test_nothing_is_told_of_executions_where_there_are_none_or_nothing_is_deployed() -> None:
    facts = around(executions=Known(3))
    same = replace(facts, current=DURABLE, latest=replace(DURABLE, version="$LATEST"))
    for each in (facts, replace(facts, current=DURABLE, surroundings=None), same):
        assert not any(code.startswith("durable") for code in codes(each))
