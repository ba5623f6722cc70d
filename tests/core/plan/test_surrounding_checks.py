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
from ci_deploy.core.plan.checks import preflight
from ci_deploy.core.plan.planning import Facts, Plan, plan
from ci_deploy.core.plan.surroundings import Bucket, LifecycleRule, Surroundings
from ci_deploy.core.result import Finding, Severity
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


def warning(code: str, text: str, remedy: str) -> Finding:
    return Finding(severity=Severity.WARNING, code=code, text=text, remedy=remedy)


def refusal(code: str, text: str, remedy: str) -> Finding:
    return Finding(severity=Severity.REFUSAL, code=code, text=text, remedy=remedy)


def note(code: str, text: str, remedy: str = "") -> Finding:
    return Finding(severity=Severity.NOTE, code=code, text=text, remedy=remedy)


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
REPORT = "codedeploy:PutLifecycleEventHookExecutionStatus"
FASTER = (
    "Use `wait: false` and follow it from another job (`status` with `wait: true`), or a faster deployment config; a "
    "smaller `timeout` ends it in time."
)
LONGER = (
    "Give `role-to-assume`: its credentials are refreshed as long as the job lives. Or ask "
    "aws-actions/configure-aws-credentials for a longer `role-duration-seconds`."
)
PROVISIONED = "Alias `live` has 3 provisioned concurrency: CodeDeploy waits for it at each shift, which takes minutes. "
FIXED = "While traffic is split nobody can change the provisioned concurrency of the alias."
WAKE_UP = "Invoke it once before the deployment, or deploy it again."
IGNORE = (
    "If it also owns the alias or the function's code, its next run may undo this deployment: let it ignore them "
    "(Terraform: `ignore_changes`)."
)
KEY = (
    "Allow kms:Decrypt on that key to the service role, in its policy and in the key's; the caller needs "
    "kms:GenerateDataKey."
)

WORDS: dict[str, tuple[Facts, dict[str, str], Finding]] = {
    "a time limit beyond the job's": (
        replace(FACTS, job_limit=6 * 3600.0),
        {"timeout": "390m"},
        warning(
            "job-limit",
            "The time limit is 6.5 hours, and GitHub ends a job on this runner after 6: the job may be ended before "
            "the deployment is.",
            FASTER,
        ),
    ),
    "credentials that end before the time limit": (
        replace(FACTS, credentials_left=7200.0),
        {"timeout": "200m"},
        warning(
            "credentials-end",
            "The credentials end in 120 minutes, and the time limit is 200: without new ones the deployment would be "
            "lost sight of.",
            LONGER,
        ),
    ),
    "credentials that have ended": (
        replace(FACTS, credentials_left=-30.0),
        {"timeout": "40m"},
        warning(
            "credentials-end",
            "The credentials end in 0 minutes, and the time limit is 40: without new ones the deployment would be "
            "lost sight of.",
            LONGER,
        ),
    ),
    "provisioned concurrency": (
        around(provisioned=Known(3)),
        {},
        warning("provisioned", PROVISIONED + "The time limit is longer for it.", FIXED),
    ),
    "provisioned concurrency and a time limit": (
        around(provisioned=Known(3)),
        {"timeout": "1h"},
        warning("provisioned", PROVISIONED + "`timeout` has to allow for that.", FIXED),
    ),
    "a last success that left another version": (
        around(successful=deployed("7")),
        {},
        warning(
            "rollback-target",
            "An automatic rollback may go to version 7, which the group's last successful deployment d-1 left, and "
            "not to version 1, which the alias serves now.",
            "Somebody moved the alias by hand. `repair-alias: auto` (the default) sets it back to what it serves now.",
        ),
    ),
    "a last success of another function": (
        around(successful=deployed("1", "arn:aws:lambda:eu-central-1:123456789012:function:cart")),
        {},
        warning(
            "rollback-target-function",
            "The group's last successful deployment d-1 was of cart:live: an automatic rollback may deploy that again, "
            "and leave `checkout` as it is.",
            "Use a deployment group for each function. `repair-alias: auto` (the default) sets the alias back.",
        ),
    ),
    "no bucket by that name": (
        bucket(region=Known("")),
        MINE,
        refusal(
            "bucket-missing",
            "Bucket `mine` does not exist.",
            "Create it in eu-central-1, correct `bucket`, or leave it out: the AppSpec is then sent inline.",
        ),
    ),
    "a bucket elsewhere": (
        bucket(region=Known("eu-west-1"), key=Known("arn:key")),
        MINE,
        refusal(
            "bucket-region",
            "Bucket `mine` is in eu-west-1; CodeDeploy and Lambda read from their own region, eu-central-1.",
            "Use a bucket in eu-central-1, or leave `bucket` out: the AppSpec is then sent inline.",
        ),
    ),
    "a bucket with a key": (
        bucket(key=Known("arn:key")),
        MINE,
        warning(
            "bucket-key",
            "Bucket `mine` encrypts with the KMS key arn:key: CodeDeploy reads the revision as deployer, which must be "
            "allowed to decrypt with it.",
            KEY,
        ),
    ),
    **{
        f"a rule that deletes {when}": (
            bucket(rules=Known((LifecycleRule(name="old", prefix="CodeDeploy/", days=days),))),
            MINE,
            warning(
                "bucket-lifecycle",
                f"Lifecycle rule `old` of bucket `mine` deletes revisions {when}: a rollback to an older deployment "
                "then fails with REVISION_MISSING.",
                "Leave `CodeDeploy/` out of that rule.",
            ),
        )
        for when, days in (("after 2 days", 2), ("after 1 day", 1), ("at a date", 0))
    },
    "a hook that sleeps": (
        hooked(state="Inactive", state_reason="The function is idle."),
        WITH_HOOK,
        warning("hook-inactive", "Hook `CodeDeployHook_x` is Inactive: The function is idle.", WAKE_UP),
    ),
    "a hook that failed": (
        hooked(state="Failed"),
        WITH_HOOK,
        warning("hook-inactive", "Hook `CodeDeployHook_x` is Failed: it cannot be invoked at once.", WAKE_UP),
    ),
    "a hook in a network of its own": (
        hooked(vpc=True),
        WITH_HOOK,
        note(
            "hook-network",
            "Hook `CodeDeployHook_x` runs in a VPC: it reaches CodeDeploy only through a NAT gateway or a VPC endpoint "
            "(com.amazonaws.eu-central-1.codedeploy). A hook that cannot report hangs for an hour.",
        ),
    ),
    "a hook that may not report": (
        hooked(callback=Known(False)),
        WITH_HOOK,
        warning(
            "hook-callback",
            f"The role `r` of hook `CodeDeployHook_x` may not call {REPORT}: the deployment would hang for an hour and "
            "fail.",
            f"Allow {REPORT} to that role, on the deployment group (docs/iam/hook-role.json).",
        ),
    ),
    "a hook of which that is not known": (
        hooked(callback=NotPermitted("iam:SimulatePrincipalPolicy")),
        WITH_HOOK,
        note(
            "hook-callback-unread",
            f"Whether the role of hook `CodeDeployHook_x` may call {REPORT} was not checked: not permitted, needs "
            "iam:SimulatePrincipalPolicy.",
        ),
    ),
    **{
        f"a stack{made_by}": (
            tagged({"aws:cloudformation:stack-name": "shop", "lambda:createdBy": creator}),
            {},
            note(
                "owner-cloudformation",
                f"Function `checkout` belongs to the CloudFormation stack `shop`{made_by}.",
                "If the stack also owns the alias, its next update may point it back.",
            ),
        )
        for made_by, creator in (("", "somebody"), (" (made by SAM)", "SAM"))
    },
    "a tool in a tag for owners": (
        tagged({"acme:Managed_By": "OpenTofu 1.9", "team": "platform"}),
        {},
        note(
            "owner-tool",
            "The tag `acme:Managed_By` (`OpenTofu 1.9`) of function `checkout` says that OpenTofu owns it.",
            IGNORE,
        ),
    ),
    "a tool's own tag": (
        tagged({"sst:app": "shop"}),
        {},
        note("owner-tool", "The tag `sst:app` (`shop`) of function `checkout` says that SST owns it.", IGNORE),
    ),
    "two tools, of which one is enough": (
        tagged({"pulumi:project": "shop", "provisioner": "Terraform", "a": "b"}),
        {},
        note(
            "owner-tool",
            "The tag `provisioner` (`Terraform`) of function `checkout` says that Terraform owns it.",
            IGNORE,
        ),
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


@pytest.mark.parametrize(
    ("missing", "why"),
    [
        (NotPermitted("service:Action"), "not permitted, needs service:Action"),
        (Unavailable("the network is down"), "the network is down"),
    ],
)
def test_what_cannot_be_read_is_one_note_each_and_no_refusal(missing: Fact[object], why: str) -> None:
    facts = around(
        provisioned=missing,
        successful=missing,
        bucket=Bucket(region=missing, key=missing, rules=missing),  # type: ignore[arg-type]
    )
    assert checked(facts, bucket="mine").findings == (
        note("provisioned-unread", f"Provisioned concurrency of the alias was not checked: {why}."),
        note("rollback-unread", f"Where an automatic rollback would go was not checked: {why}."),
        note(
            "bucket-unread",
            f"Bucket `mine` (its region, and that it is account 123456789012's) was not checked: {why}.",
        ),
        note("bucket-key-unread", f"The encryption of bucket `mine` was not checked: {why}."),
        note("bucket-rules-unread", f"The lifecycle rules of bucket `mine` were not checked: {why}."),
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
