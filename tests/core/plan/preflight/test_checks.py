"""Preflight on what a deployment is made of: every finding in full, for its words are what people act on."""

from __future__ import annotations

from dataclasses import replace

import pytest

from ci_deploy.core.aws import (
    Alarm,
    AlarmConfiguration,
    Alias,
    Deployment,
    DeploymentConfig,
    DeploymentStatus,
    Known,
    NotPermitted,
    Routing,
    RoutingType,
    Unavailable,
)
from ci_deploy.core.given.package.packaging import Code, Package
from ci_deploy.core.given.source import Image
from ci_deploy.core.plan.planning import Facts
from ci_deploy.core.reasons.preflight import deployment as preflight
from ci_deploy.core.reasons.preflight import versions
from ci_deploy.core.reasons.preflight.deciding import SameContent, ServedAlready
from ci_deploy.core.reasons.preflight.deployment import TargetMissing
from ci_deploy.core.reasons.reason import Reason
from ci_deploy.core.result import Finding, Severity
from ci_deploy.core.run import Outcome
from tests.support.machine.playing import play
from tests.support.machine.world import AT_ONCE, CANARY, World, inputs

from .test_surrounding import FACTS, VERSION, checked

assert FACTS.latest is not None
assert FACTS.group is not None
LATEST, GROUP = FACTS.latest, FACTS.group
HOOK = "CodeDeployHook_check"
WATCHED = replace(FACTS, group=replace(GROUP, alarms=AlarmConfiguration(enabled=True, names=("errors", "latency"))))
RINGING = (Alarm(name="errors", state="ALARM", reason="Threshold crossed."), Alarm(name="latency", state="OK"))
SAME = replace(FACTS, latest=replace(LATEST, code_sha256="old"))
FIRST = replace(FACTS, alias=None, current=None)


def refusal(reason: Reason) -> Finding:
    return Finding(severity=Severity.REFUSAL, reason=reason)


def warning(reason: Reason) -> Finding:
    return Finding(severity=Severity.WARNING, reason=reason)


def note(reason: Reason) -> Finding:
    return Finding(severity=Severity.NOTE, reason=reason)


def ringing(facts: Facts) -> Facts:
    return replace(facts, group=WATCHED.group, alarms=Known(RINGING))


# --- What nobody deploys, nothing can spoil ---


def test_an_alarm_that_rings_is_no_refusal_where_there_is_nothing_to_deploy() -> None:
    """A merge that changes no code, while the alarm rings, is green: there is no deployment that could be stopped."""
    made = checked(ringing(SAME))
    assert made.unchanged == SameContent(version="1", holds="`$LATEST`")
    assert made.findings == ()


def test_the_first_deployment_is_not_refused_for_an_alarm_that_could_not_stop_it() -> None:
    """Before anything serves, an alarm that treats missing data as breaching rings; CodeDeploy is not asked."""
    (found,) = checked(ringing(FIRST), create_alias="true").findings
    assert found.code == "alias-first"


def test_rollback_that_is_off_is_not_warned_of_where_no_deployment_is_made() -> None:
    assert checked(SAME, auto_rollback="off").findings == ()
    (found,) = checked(FIRST, auto_rollback="off", create_alias="true").findings
    assert found.code == "alias-first"


# --- All problems at once ---


def test_every_problem_is_found_in_one_run_whatever_else_is_wrong() -> None:
    """One run, one correction: nothing waits behind another finding, and nothing is written."""
    facts = replace(
        FACTS,
        alias=Alias(function="checkout", name="live", version="$LATEST"),
        group=None,
        config=None,
        hooks={HOOK: Known(None), "other": Known(VERSION)},
        surroundings=None,
    )
    given = {
        "version": "9",
        "current_version": "3",
        "deployment_config": "mine",
        "before_allow_traffic": HOOK,
        "after_allow_traffic": "other",
        "auto_rollback": "off",
    }
    made = checked(facts, **given)
    assert [(finding.severity, finding.code) for finding in made.findings] == [
        (Severity.REFUSAL, "alias-latest"),
        (Severity.REFUSAL, "current-version"),
        (Severity.REFUSAL, "target-missing"),
        (Severity.REFUSAL, "group-missing"),
        (Severity.REFUSAL, "config-missing"),
        (Severity.REFUSAL, "hook-missing"),
        (Severity.WARNING, "hook-name"),
        (Severity.WARNING, "rollback-off"),
    ]


def test_an_alias_that_does_not_exist_does_not_serve_the_version_that_is_expected() -> None:
    """`create-alias` must not make an alias that the caller took for one that serves already."""
    (found, first) = checked(FIRST, create_alias="true", current_version="5").findings
    assert first.code == "alias-first"
    assert found == refusal(preflight.CurrentVersion(alias="live", live="", expected="5"))


@pytest.mark.parametrize("fact", [NotPermitted("lambda:GetFunction"), Unavailable("the network is down")])
def test_a_hook_that_could_not_be_read_is_said_with_the_reason(fact: NotPermitted | Unavailable) -> None:
    made = checked(replace(FACTS, hooks={HOOK: fact}), before_allow_traffic=HOOK)
    assert made.findings == (note(preflight.HookUnread(hook=HOOK, fact=fact)),)


# --- The words ---


def latest(**changes: object) -> Facts:
    return replace(FACTS, latest=replace(LATEST, **changes))  # type: ignore[arg-type]


def at(alias: Alias) -> Facts:
    return replace(FACTS, alias=alias)


def target(**changes: object) -> Facts:
    return replace(FACTS, target=replace(VERSION, version="2", **changes))  # type: ignore[arg-type]


def config(routing: Routing = CANARY, platform: str = "Lambda") -> Facts:
    return replace(FACTS, config=DeploymentConfig(name="mine", routing=routing, compute_platform=platform))


def with_code(code: Code) -> Facts:
    return replace(FACTS, code=code)


LIVE = Alias(function="checkout", name="live", version="1")
PACKAGE = Package(path="build", sha256="b3VycyBvdXJzIG91cnMgb3VycyBvdXJzIG91cnMgISE=", size=1, unzipped=1, files=1)
IMAGE = Image(uri="123456789012.dkr.ecr.eu-central-1.amazonaws.com/checkout:v1")
EXPECTED = "ZXhwZWN0ZWQgZXhwZWN0ZWQgZXhwZWN0ZWQgISEhISE="
WORDS: list[tuple[str, Facts, dict[str, str], Finding]] = [
    (
        "no function",
        replace(FACTS, latest=None, alias=None, current=None, code=PACKAGE),
        {"code": "build", "create_alias": "true"},
        refusal(preflight.FunctionMissing(function="checkout", account="123456789012", region="eu-central-1")),
    ),
    (
        "no function, and a version of it",
        replace(FACTS, latest=None, alias=None, current=None),
        {"version": "9"},
        refusal(preflight.FunctionMissing(function="checkout", account="123456789012", region="eu-central-1")),
    ),
    (
        "a failed update, with Lambda's reason",
        latest(last_update_status="Failed", last_update_reason="The image was deleted."),
        {},
        refusal(preflight.FunctionBusy(function="checkout", why="The image was deleted.")),
    ),
    (
        "a failed update, without one",
        latest(last_update_status="Failed"),
        {},
        refusal(preflight.FunctionBusy(function="checkout", why="")),
    ),
    (
        "a first alias, on the new version",
        FIRST,
        {"create_alias": "true"},
        note(preflight.AliasFirst(alias="live", version="", others="")),
    ),
    (
        "a first alias, on a version that exists",
        replace(target(), alias=None, current=None),
        {"create_alias": "true", "version": "2"},
        note(preflight.AliasFirst(alias="live", version="2", others="")),
    ),
    (
        "no alias",
        FIRST,
        {"current_version": "5"},
        refusal(preflight.AliasMissing(function="checkout", alias="live", others="", region="eu-central-1")),
    ),
    (
        "an alias on $LATEST",
        at(replace(LIVE, version="$LATEST")),
        {},
        refusal(preflight.AliasLatest(function="checkout", alias="live", region="eu-central-1")),
    ),
    *(
        (
            f"an alias that is split, the other with {weight:g} %",
            at(replace(LIVE, weights={"7": weight})),
            {},
            refusal(
                preflight.AliasSplit(
                    function="checkout",
                    alias="live",
                    shares=(("1", 100 - weight), ("7", weight)),
                    region="eu-central-1",
                )
            ),
        )
        for weight in (12.5, 0.0)
    ),
    (
        "another version than expected",
        FACTS,
        {"current_version": "3"},
        refusal(preflight.CurrentVersion(alias="live", live="1", expected="3")),
    ),
    (
        "no such version",
        FACTS,
        {"version": "9"},
        refusal(preflight.TargetMissing(function="checkout", version="9", region="eu-central-1")),
    ),
    (
        "an image that is gone",
        target(state="Inactive", state_reason_code="ImageDeleted", state_reason="The image was deleted."),
        {"version": "2"},
        refusal(preflight.TargetImage(function="checkout", version="2", why="The image was deleted.")),
    ),
    (
        "an image that may not be read, without words",
        target(state="Active", state_reason_code="ImageAccessDenied"),
        {"version": "2"},
        refusal(preflight.TargetImage(function="checkout", version="2", why="ImageAccessDenied")),
    ),
    (
        "a version that sleeps",
        target(state="Inactive", state_reason_code="Idle", state_reason="The function is idle."),
        {"version": "2"},
        warning(versions.TargetSleeps(function="checkout", version="2", why="The function is idle.")),
    ),
    *(
        (
            f"a version that is {state}",
            target(state=state),
            {"version": "2"},
            refusal(
                versions.TargetInactive(
                    function="checkout", version="2", state=state, state_code="", why="", region="eu-central-1"
                )
            ),
        )
        for state in ("Failed", "Deactivated", "Deactivating", "Deleting", "ActiveNonInvocable")
    ),
    (
        "$LATEST with other code than expected",
        FACTS,
        {"expect_code_sha256": EXPECTED},
        refusal(
            preflight.CodeSha256(
                function="checkout",
                version="",
                package="",
                found="new",
                expected="ZXhwZWN0ZWQgZXhwZWN0ZWQgZXhwZWN0ZWQgISEhISE=",
            )
        ),
    ),
    (
        "a version with other code than expected",
        target(),
        {"version": "2", "expect_code_sha256": EXPECTED},
        refusal(
            preflight.CodeSha256(
                function="checkout",
                version="2",
                package="",
                found="old",
                expected="ZXhwZWN0ZWQgZXhwZWN0ZWQgZXhwZWN0ZWQgISEhISE=",
            )
        ),
    ),
    (
        "a package with other code than expected",
        with_code(PACKAGE),
        {"code": "build", "expect_code_sha256": EXPECTED},
        refusal(
            preflight.CodeSha256(
                function="checkout",
                version="",
                package="build",
                found="b3VycyBvdXJzIG91cnMgb3VycyBvdXJzIG91cnMgISE=",
                expected="ZXhwZWN0ZWQgZXhwZWN0ZWQgZXhwZWN0ZWQgISEhISE=",
            )
        ),
    ),
    (
        "an image for a zip function",
        with_code(IMAGE),
        {"code": IMAGE.uri},
        refusal(
            preflight.PackageType(
                function="checkout",
                has="Zip",
                package="123456789012.dkr.ecr.eu-central-1.amazonaws.com/checkout:v1",
                image=True,
            )
        ),
    ),
    (
        "a zip for an image function",
        replace(latest(package_type="Image"), code=PACKAGE),
        {"code": "build"},
        refusal(preflight.PackageType(function="checkout", has="Image", package="build", image=False)),
    ),
    (
        "an image of another region",
        replace(latest(package_type="Image"), code=replace(IMAGE, uri=IMAGE.uri.replace("eu-central-1", "us-east-1"))),
        {"code": IMAGE.uri},
        refusal(
            preflight.ImageRegion(
                package="123456789012.dkr.ecr.us-east-1.amazonaws.com/checkout:v1",
                there="us-east-1",
                region="eu-central-1",
            )
        ),
    ),
    (
        "no group",
        replace(FACTS, group=None, config=None),
        {},
        refusal(
            preflight.GroupMissing(
                application="app",
                group="group",
                account="123456789012",
                region="eu-central-1",
                groups="",
                applications="",
            )
        ),
    ),
    (
        "a group for servers",
        replace(FACTS, group=replace(GROUP, compute_platform="Server")),
        {},
        refusal(preflight.GroupPlatform(application="app", platform="Server")),
    ),
    (
        "no config",
        replace(FACTS, config=None),
        {"deployment_config": "mine"},
        refusal(preflight.ConfigMissing(config="mine", ours=False)),
    ),
    (
        "a config for servers",
        config(platform="Server"),
        {"deployment_config": "mine"},
        refusal(preflight.ConfigPlatform(config="mine", platform="Server")),
    ),
    (
        "no config of the shape that is asked for",
        replace(FACTS, config=None),
        {"deployment_config": "canary 20% 5m"},
        refusal(preflight.ConfigMissing(config="ci-deploy-canary-20-5", ours=True)),
    ),
    (
        "a config of ours with another shape than its name",
        config(Routing(kind=RoutingType.CANARY, percentage=50, interval_minutes=5)),
        {"deployment_config": "canary 20% 5m"},
        refusal(preflight.ConfigOther(config="ci-deploy-canary-20-5", shape="canary 50% 5m")),
    ),
    (
        "a config of a kind that is not known",
        config(Routing(kind=RoutingType.UNKNOWN)),
        {"deployment_config": "mine"},
        warning(preflight.ConfigUnknown(config="mine")),
    ),
    *(
        (
            f"no {name}",
            replace(FACTS, hooks={HOOK: Known(None)}),
            {name.replace("-", "_"): HOOK},
            refusal(preflight.HookMissing(hook=HOOK, input_name=name)),
        )
        for name in ("before-allow-traffic", "after-allow-traffic")
    ),
    (
        "a hook in another region",
        FACTS,
        {"after_allow_traffic": f"arn:aws:lambda:us-east-1:123456789012:function:{HOOK}"},
        refusal(
            preflight.HookElsewhere(
                hook="CodeDeployHook_check", there="us-east-1", region="eu-central-1", input_name="after-allow-traffic"
            )
        ),
    ),
    (
        "a hook by another name",
        replace(FACTS, hooks={"arn:aws:lambda:eu-central-1:123456789012:function:smoke": Known(VERSION)}),
        {"after_allow_traffic": "arn:aws:lambda:eu-central-1:123456789012:function:smoke"},
        warning(preflight.HookName(hook="smoke", role="arn:aws:iam::1:role/deployer")),
    ),
    (
        "a hook by another name, the role not known",
        replace(FACTS, group=replace(GROUP, service_role_arn=""), hooks={"smoke": Known(VERSION)}),
        {"after_allow_traffic": "smoke"},
        warning(preflight.HookName(hook="smoke", role="")),
    ),
    (
        "alarms off",
        WATCHED,
        {"alarms": "off"},
        warning(preflight.AlarmsIgnored()),
    ),
    (
        "alarms that may not be read",
        replace(WATCHED, alarms=NotPermitted("cloudwatch:DescribeAlarms")),
        {},
        note(preflight.AlarmsUnread(fact=NotPermitted(action="cloudwatch:DescribeAlarms"))),
    ),
    (
        "alarms that could not be read",
        replace(WATCHED, alarms=Unavailable("the network is down")),
        {},
        note(preflight.AlarmsUnread(fact=Unavailable(why="the network is down"))),
    ),
    (
        "an alarm of the group that does not exist",
        replace(WATCHED, alarms=Known((Alarm(name="latency", state="OK"),))),
        {},
        warning(preflight.AlarmMissing(alarm="errors", given=False)),
    ),
    *(
        (
            f"an alarm that is not evaluated: {state} {evaluation}",
            replace(
                WATCHED,
                alarms=Known(
                    (
                        Alarm(name="errors", state="OK"),
                        Alarm(name="latency", state=state, reason="No log group.", kind="log", evaluation=evaluation),
                    )
                ),
            ),
            {},
            warning(preflight.AlarmBlind(alarm="latency", kind="log", state=evaluation or state, why="No log group.")),
        )
        for state, evaluation in (
            ("INSUFFICIENT_DATA", ""),
            ("OK", "EVALUATION_ERROR"),
            ("INSUFFICIENT_DATA", "EVALUATION_FAILURE"),
            ("OK", "PARTIAL_DATA"),
        )
    ),
    (
        "code that Lambda cannot read any more",
        target(code_error="NoSuchKey: The object does not exist."),
        {"version": "2"},
        refusal(versions.TargetCode(function="checkout", version="2", why="NoSuchKey: The object does not exist.")),
    ),
    (
        "code of $LATEST that Lambda cannot read any more",
        replace(FACTS, latest=replace(LATEST, code_error="NoSuchKey")),
        {},
        refusal(versions.TargetCode(function="checkout", version="", why="NoSuchKey")),
    ),
    (
        "code in S3 that a direct upload would replace by a copy",
        replace(FACTS, latest=replace(LATEST, code_by_reference=True), code=PACKAGE),
        {"code": "build"},
        refusal(versions.CodeByReference(function="checkout")),
    ),
    (
        "an environment that Lambda could not decrypt",
        replace(FACTS, latest=replace(LATEST, unread={"Environment": "AccessDeniedException"}, kms_key="arn:k")),
        {},
        note(
            versions.SettingsUnread(
                function="checkout",
                setting="the environment variables",
                state_code="AccessDeniedException",
                key="arn:k",
            )
        ),
    ),
    (
        "settings of the live version's image that Lambda could not decrypt",
        replace(FACTS, current=replace(VERSION, unread={"ImageConfigResponse": "KMSDisabledException"})),
        {},
        note(
            versions.SettingsUnread(
                function="checkout", setting="the image's settings", state_code="KMSDisabledException", key=""
            )
        ),
    ),
    *(
        (
            f"managed instances and {name}",
            replace(
                FACTS,
                latest=replace(LATEST, capacity_provider="arn:p"),
                config=DeploymentConfig(name="c", routing=routing),
            ),
            {},
            warning(versions.TrafficDoubles(version="", share=share, step=100.0)),
        )
        for name, routing, share in (("a canary", CANARY, 10.0), ("all at once", AT_ONCE, 0.0))
    ),
    (
        "an alarm of the inputs that does not exist",
        FACTS,
        {"alarms": "mine"},
        warning(preflight.AlarmMissing(alarm="mine", given=True)),
    ),
    (
        "alarms that were written in one line",
        FACTS,
        {"alarms": "mine, yours"},
        warning(preflight.AlarmMissing(alarm="mine, yours", given=True)),
    ),
    (
        "an alarm that rings",
        ringing(FACTS),
        {},
        refusal(preflight.AlarmRinging(alarm="errors", why="Threshold crossed.")),
    ),
    (
        "an alarm that rings without saying why",
        replace(FACTS, alarms=Known((Alarm(name="mine", state="ALARM"),))),
        {"alarms": "mine"},
        refusal(preflight.AlarmRinging(alarm="mine", why="")),
    ),
    (
        "rollback off",
        FACTS,
        {"auto_rollback": "off"},
        warning(preflight.RollbackOff()),
    ),
    (
        "another role",
        latest(role="arn:aws:iam::1:role/other"),
        {},
        refusal(preflight.RoleDiffers(live="1", old="arn:aws:iam::1:role/r", new="arn:aws:iam::1:role/other")),
    ),
    *(
        (
            f"a dead-letter target instead of {was or 'none'}",
            replace(latest(dead_letter_arn=now), current=replace(VERSION, dead_letter_arn=was)),
            {},
            refusal(preflight.DeadLetterDiffers(live="1", old=was, new=now)),
        )
        for was, now in (("", "arn:queue"), ("arn:queue", ""))
    ),
]


@pytest.mark.parametrize(("facts", "given", "finding"), [row[1:] for row in WORDS], ids=[row[0] for row in WORDS])
def test_what_is_wrong_is_said_with_what_to_do(facts: Facts, given: dict[str, str], finding: Finding) -> None:
    """Each in full, and nothing besides it."""
    assert checked(facts, **given).findings == (finding,)


def test_every_alarm_that_rings_or_is_missing_is_named() -> None:
    silent = replace(WATCHED, alarms=Known((Alarm(name="latency", state="ALARM"),)))
    assert [finding.text.split()[1] for finding in checked(silent).findings] == ["`latency`", "`errors`"]


# --- What is no finding ---


@pytest.mark.parametrize(
    ("facts", "given"),
    [
        (latest(last_update_status="InProgress"), {}),
        (replace(target(), latest=replace(LATEST, last_update_status="Failed")), {"version": "2"}),
        (replace(latest(last_update_status="Failed"), code=PACKAGE), {"code": "build"}),
        (
            replace(
                at(replace(LIVE, weights={"7": 10.0})), active=(Deployment(id="d", status=DeploymentStatus.CREATED),)
            ),
            {},
        ),
        (FACTS, {"current_version": "1"}),
        (target(state="Pending"), {"version": "2"}),
        (latest(code_sha256=EXPECTED), {"expect_code_sha256": EXPECTED}),
        (replace(latest(package_type="Image"), code=IMAGE), {"code": IMAGE.uri, "expect_code_sha256": "a" * 64}),
        (replace(FACTS, hooks={HOOK: Known(VERSION)}), {"before_allow_traffic": HOOK}),
        (replace(ringing(FACTS), alarms=Known(RINGING[1:])), {"alarms": "latency"}),
        (replace(config(AT_ONCE), latest=replace(LATEST, role="other", dead_letter_arn="arn:queue")), {}),
        (latest(package_type="Image"), {}),
        (latest(state="Inactive"), {}),
        (replace(FACTS, target=None), {"expect_code_sha256": ""}),
        (latest(tags={"ci-deploy:hold:other": "by bob - of another alias"}), {}),
    ],
    ids=[
        "an update in progress is waited for",
        "a failed update does not spoil a version that exists",
        "a failed update is mended by new code",
        "a running deployment explains why the alias is split",
        "the version that was expected is served",
        "a version that is being prepared is waited for",
        "the code is the expected one",
        "an image by tag is compared once its hash is known",
        "a hook that is there, by the right name",
        "alarms that are quiet",
        "no split is needed with all traffic at once",
        "what an image function holds is published",
        "a function that sleeps can be published",
        "no hash is expected",
        "another alias is on hold",
    ],
)
def test_what_is_in_order_is_not_mentioned(facts: Facts, given: dict[str, str]) -> None:
    assert checked(facts, **given).findings == ()


def test_a_re_run_of_what_succeeded_is_not_refused_because_the_alias_has_moved() -> None:
    """The first attempt moved it from 1 to 2; the second says `current-version: 1` still."""
    facts = replace(target(), alias=replace(LIVE, version="2"), current=replace(VERSION, version="2"))
    made = checked(facts, version="2", current_version="1")
    assert (made.unchanged, made.findings) == (ServedAlready(version="2"), ())


def test_versions_that_could_not_be_split_do_not_matter_where_nothing_is_deployed() -> None:
    facts = replace(SAME, latest=replace(LATEST, code_sha256="old", dead_letter_arn="arn:queue"))
    made = checked(facts)
    assert (made.unchanged is not None, made.findings) == (True, ())


# --- The hold ---

HELD = replace(LATEST, tags={"ci-deploy:hold:live": "by bob run 7 - orders were lost"})


def test_a_hold_refuses_a_deployment_until_it_is_released() -> None:
    facts = replace(FACTS, latest=HELD)
    assert checked(facts).findings == (
        refusal(preflight.Held(function="checkout", alias="live", hold="by bob run 7 - orders were lost")),
    )
    assert checked(facts, hold="release").findings == ()


def test_a_rollback_is_not_kept_from_by_a_hold_by_rollback_that_is_off_or_by_a_function_that_is_broken() -> None:
    class Trouble(World):
        def facts(self, action: object) -> Facts:
            made = super().facts(action)  # type: ignore[arg-type]
            quiet = Known((Alarm(name="errors", state="OK"),))
            return replace(made, latest=replace(HELD, last_update_status="Failed"), alarms=quiet)

    world = Trouble(alias_version="2", versions={"1": "old", "2": "new"})
    run = play(world, inputs(command="rollback", version="1", force="true", reason="orders are lost"))
    assert (run.result.outcome, run.result.live_version) == (Outcome.SUCCEEDED, "1")
    planned = run.rollout.plan
    assert planned is not None
    assert [finding.code for finding in planned.findings] == ["way-back"]


def test_a_rollback_to_a_version_that_is_gone_names_its_own_input() -> None:
    world = World(alias_version="2", versions={"2": "new"})
    run = play(world, inputs(command="rollback", version="1", force="true", reason="orders are lost"))
    assert (run.result.outcome, run.result.reasons) == (
        Outcome.REFUSED,
        (TargetMissing(function="checkout", version="1", region="eu-central-1"),),
    )
