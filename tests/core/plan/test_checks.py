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
    Fact,
    FunctionVersion,
    Known,
    NotPermitted,
    Routing,
    RoutingType,
    Unavailable,
)
from ci_deploy.core.given.packaging import Code, Package
from ci_deploy.core.given.source import Image
from ci_deploy.core.plan.planning import Facts
from ci_deploy.core.result import Finding, Severity
from ci_deploy.core.run import Outcome
from tests.support.playing import play
from tests.support.world import AT_ONCE, CANARY, World, inputs

from .test_surrounding_checks import FACTS, VERSION, checked

assert FACTS.latest is not None
assert FACTS.group is not None
LATEST, GROUP = FACTS.latest, FACTS.group
HOOK = "CodeDeployHook_check"
WATCHED = replace(FACTS, group=replace(GROUP, alarms=AlarmConfiguration(enabled=True, names=("errors", "latency"))))
RINGING = (Alarm(name="errors", state="ALARM", reason="Threshold crossed."), Alarm(name="latency", state="OK"))
SAME = replace(FACTS, latest=replace(LATEST, code_sha256="old"))
FIRST = replace(FACTS, alias=None, current=None)


def refusal(code: str, text: str, remedy: str = "") -> Finding:
    return Finding(severity=Severity.REFUSAL, code=code, text=text, remedy=remedy)


def warning(code: str, text: str, remedy: str = "") -> Finding:
    return Finding(severity=Severity.WARNING, code=code, text=text, remedy=remedy)


def note(code: str, text: str, remedy: str = "") -> Finding:
    return Finding(severity=Severity.NOTE, code=code, text=text, remedy=remedy)


def ringing(facts: Facts) -> Facts:
    return replace(facts, group=WATCHED.group, alarms=Known(RINGING))


# --- What nobody deploys, nothing can spoil ---


def test_an_alarm_that_rings_is_no_refusal_where_there_is_nothing_to_deploy() -> None:
    """A merge that changes no code, while the alarm rings, is green: there is no deployment that could be stopped."""
    made = checked(ringing(SAME))
    assert made.unchanged == "Version 1, which the alias serves, has the same code and settings as `$LATEST`."
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
    assert found == refusal(
        "current-version",
        "Alias `live` does not exist, so it does not serve version 5 as `current-version` says.",
        "Leave `current-version` out to create the alias, or check the inputs `function` and `alias`.",
    )


@pytest.mark.parametrize(
    ("fact", "why"),
    [
        (NotPermitted("lambda:GetFunction"), "not permitted, needs lambda:GetFunction"),
        (Unavailable("the network is down"), "the network is down"),
    ],
)
def test_a_hook_that_could_not_be_read_is_said_with_the_reason(fact: Fact[FunctionVersion | None], why: str) -> None:
    made = checked(replace(FACTS, hooks={HOOK: fact}), before_allow_traffic=HOOK)
    assert made.findings == (note("hook-unread", f"Hook `{HOOK}` was not checked: {why}."),)


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
LISTED = "`aws lambda list-versions-by-function --function-name checkout` lists those it has: give one of them as "
WAKE_UP = "Invoke an inactive version once to wake it up; publish a new version instead of a failed one."
IMAGE_AGAIN = (
    "Push the image again under the same digest, or give Lambda access to it; then invoke the version once. Or deploy "
    "another version."
)
UPDATE_AGAIN = "Update the function's code or configuration again; a version cannot be published from a failed update."
ANOTHER_CODE = (
    "Something else was built or uploaded in between. Give the expected code, or correct `expect-code-sha256`."
)
ALL_AT_ONCE = "Deploy this one with `deployment-config: all-at-once`."
OTHER_KIND = "Give the other kind of code, or make a new function."

WORDS: list[tuple[str, Facts, dict[str, str], Finding]] = [
    (
        "no function",
        replace(FACTS, latest=None, alias=None, current=None, code=PACKAGE),
        {"code": "build", "create_alias": "true"},
        refusal(
            "function-missing",
            "Function `checkout` does not exist in account 123456789012, region eu-central-1.",
            "Check the input `function`, and that `aws-region` and the role are those of this function.",
        ),
    ),
    (
        "no function, and a version of it",
        replace(FACTS, latest=None, alias=None, current=None),
        {"version": "9"},
        refusal(
            "function-missing",
            "Function `checkout` does not exist in account 123456789012, region eu-central-1.",
            "Check the input `function`, and that `aws-region` and the role are those of this function.",
        ),
    ),
    (
        "a failed update, with Lambda's reason",
        latest(last_update_status="Failed", last_update_reason="The image was deleted."),
        {},
        refusal("function-busy", "The last update of `checkout` failed: The image was deleted.", UPDATE_AGAIN),
    ),
    (
        "a failed update, without one",
        latest(last_update_status="Failed"),
        {},
        refusal("function-busy", "The last update of `checkout` failed: Lambda gives no reason.", UPDATE_AGAIN),
    ),
    (
        "a first alias, on the new version",
        FIRST,
        {"create_alias": "true"},
        note(
            "alias-first",
            "Alias `live` does not exist: it is created on the new version, with all traffic at once (`create-alias`). "
            "There is nothing to shift from, so CodeDeploy is not asked.",
        ),
    ),
    (
        "a first alias, on a version that exists",
        replace(target(), alias=None, current=None),
        {"create_alias": "true", "version": "2"},
        note(
            "alias-first",
            "Alias `live` does not exist: it is created on version 2, with all traffic at once (`create-alias`). "
            "There is nothing to shift from, so CodeDeploy is not asked.",
        ),
    ),
    (
        "no alias",
        FIRST,
        {"current_version": "5"},
        refusal(
            "alias-missing",
            "Function `checkout` has no alias `live`.",
            "Create it on the version that serves now: `aws lambda create-alias --function-name checkout --name live "
            "--function-version VERSION`; or give `create-alias: true`, which creates it on the version that is "
            "deployed.",
        ),
    ),
    (
        "an alias on $LATEST",
        at(replace(LIVE, version="$LATEST")),
        {},
        refusal(
            "alias-latest",
            "Alias `live` points to `$LATEST`, and CodeDeploy shifts traffic between published versions only.",
            "Publish a version and point the alias to it: `aws lambda update-alias --function-name checkout --name "
            "live --function-version VERSION`.",
        ),
    ),
    *(
        (
            f"an alias that is split, the other with {weight:g} %",
            at(replace(LIVE, weights={"7": weight})),
            {},
            refusal(
                "alias-split",
                f"Alias `live` is split ({100 - weight:g} % on version 1, {weight:g} % on version 7) and no deployment "
                "is running: an earlier one was stopped without rollback. CodeDeploy fails every deployment until the "
                "alias serves one version.",
                "`aws lambda update-alias --function-name checkout --name live --function-version 1 --routing-config "
                "AdditionalVersionWeights={}`, or set `repair-alias: always`.",
            ),
        )
        for weight in (12.5, 0.0)
    ),
    (
        "another version than expected",
        FACTS,
        {"current_version": "3"},
        refusal(
            "current-version",
            "Alias `live` serves version 1, not 3 as `current-version` says.",
            "Leave `current-version` out to deploy over whatever is served, or find out who moved the alias.",
        ),
    ),
    (
        "no such version",
        FACTS,
        {"version": "9"},
        refusal("target-missing", "Function `checkout` has no version 9.", LISTED + "`version`."),
    ),
    (
        "an image that is gone",
        target(state="Inactive", state_reason_code="ImageDeleted", state_reason="The image was deleted."),
        {"version": "2"},
        refusal(
            "target-image",
            "The image of version 2 of `checkout` cannot be used any more: The image was deleted.",
            IMAGE_AGAIN,
        ),
    ),
    (
        "an image that may not be read, without words",
        target(state="Active", state_reason_code="ImageAccessDenied"),
        {"version": "2"},
        refusal(
            "target-image",
            "The image of version 2 of `checkout` cannot be used any more: ImageAccessDenied.",
            IMAGE_AGAIN,
        ),
    ),
    (
        "a version that sleeps",
        target(state="Inactive", state_reason_code="Idle", state_reason="The function is idle."),
        {"version": "2"},
        refusal(
            "target-inactive",
            "Version 2 of `checkout` is Inactive (The function is idle): it cannot be invoked.",
            WAKE_UP,
        ),
    ),
    *(
        (
            f"a version that is {state}",
            target(state=state),
            {"version": "2"},
            refusal("target-inactive", f"Version 2 of `checkout` is {state}: it cannot be invoked.", WAKE_UP),
        )
        for state in ("Failed", "Deactivated", "Deactivating", "Deleting")
    ),
    (
        "$LATEST with other code than expected",
        FACTS,
        {"expect_code_sha256": EXPECTED},
        refusal("code-sha256", f"`$LATEST` of `checkout` has CodeSha256 new, not {EXPECTED}.", ANOTHER_CODE),
    ),
    (
        "a version with other code than expected",
        target(),
        {"version": "2", "expect_code_sha256": EXPECTED},
        refusal("code-sha256", f"Version 2 of `checkout` has CodeSha256 old, not {EXPECTED}.", ANOTHER_CODE),
    ),
    (
        "a package with other code than expected",
        with_code(PACKAGE),
        {"code": "build", "expect_code_sha256": EXPECTED},
        refusal("code-sha256", f"`build` has CodeSha256 {PACKAGE.sha256}, not {EXPECTED}.", ANOTHER_CODE),
    ),
    (
        "an image for a zip function",
        with_code(IMAGE),
        {"code": IMAGE.uri},
        refusal(
            "package-type",
            f"Function `checkout` has the package type Zip, and `{IMAGE.uri}` is a container image. A function's "
            "package type cannot be changed.",
            OTHER_KIND,
        ),
    ),
    (
        "a zip for an image function",
        replace(latest(package_type="Image"), code=PACKAGE),
        {"code": "build"},
        refusal(
            "package-type",
            "Function `checkout` has the package type Image, and `build` is a zip. A function's package type cannot be "
            "changed.",
            OTHER_KIND,
        ),
    ),
    (
        "an image of another region",
        replace(latest(package_type="Image"), code=replace(IMAGE, uri=IMAGE.uri.replace("eu-central-1", "us-east-1"))),
        {"code": IMAGE.uri},
        refusal(
            "image-region",
            f"`{IMAGE.uri.replace('eu-central-1', 'us-east-1')}` is in us-east-1; Lambda takes images from its own "
            "region, eu-central-1.",
            "Push it to a repository in eu-central-1, or have ECR replicate it there.",
        ),
    ),
    (
        "no group",
        replace(FACTS, group=None, config=None),
        {},
        refusal(
            "group-missing",
            "Application `app` with deployment group `group` does not exist in account 123456789012, region "
            "eu-central-1.",
            "Check `application` and `deployment-group`. Check `aws-region`, or run `setup` to create it.",
        ),
    ),
    (
        "a group for servers",
        replace(FACTS, group=replace(GROUP, compute_platform="Server")),
        {},
        refusal(
            "group-platform",
            "Application `app` is for the Server platform, not for Lambda.",
            "Use an application that was created with `--compute-platform Lambda`.",
        ),
    ),
    (
        "no config",
        replace(FACTS, config=None),
        {"deployment_config": "mine"},
        refusal(
            "config-missing",
            "Deployment config `mine` does not exist.",
            "Check `deployment-config`; AWS's own begin with `CodeDeployDefault.Lambda`.",
        ),
    ),
    (
        "a config for servers",
        config(platform="Server"),
        {"deployment_config": "mine"},
        refusal(
            "config-platform",
            "Deployment config `mine` is for the Server platform.",
            "Use one for Lambda: AWS's own begin with `CodeDeployDefault.Lambda`.",
        ),
    ),
    (
        "a config of a kind that is not known",
        config(Routing(kind=RoutingType.UNKNOWN)),
        {"deployment_config": "mine"},
        warning("config-unknown", "Deployment config `mine` shifts traffic in an unknown way: no times are shown."),
    ),
    *(
        (
            f"no {name}",
            replace(FACTS, hooks={HOOK: Known(None)}),
            {name.replace("-", "_"): HOOK},
            refusal(
                "hook-missing",
                f"Hook function `{HOOK}` does not exist.",
                f"Deploy it, or correct `{name}` (or the hook in your own AppSpec).",
            ),
        )
        for name in ("before-allow-traffic", "after-allow-traffic")
    ),
    (
        "a hook in another region",
        FACTS,
        {"after_allow_traffic": f"arn:aws:lambda:us-east-1:123456789012:function:{HOOK}"},
        refusal(
            "hook-elsewhere",
            f"Hook function `{HOOK}` is in us-east-1, and this deployment is in eu-central-1. CodeDeploy invokes hooks "
            "of its own region.",
            "Deploy the hook in eu-central-1, and set `after-allow-traffic` to it (or correct your own AppSpec).",
        ),
    ),
    (
        "a hook by another name",
        replace(FACTS, hooks={"arn:aws:lambda:eu-central-1:123456789012:function:smoke": Known(VERSION)}),
        {"after_allow_traffic": "arn:aws:lambda:eu-central-1:123456789012:function:smoke"},
        warning(
            "hook-name",
            "Hook `smoke` is not named `CodeDeployHook_…`: CodeDeploy's managed service role may not invoke it, and "
            "the deployment would fail with IAM_ROLE_PERMISSIONS.",
            "Rename it, or allow lambda:InvokeFunction on it to deployer.",
        ),
    ),
    (
        "a hook by another name, the role not known",
        replace(FACTS, group=replace(GROUP, service_role_arn=""), hooks={"smoke": Known(VERSION)}),
        {"after_allow_traffic": "smoke"},
        warning(
            "hook-name",
            "Hook `smoke` is not named `CodeDeployHook_…`: CodeDeploy's managed service role may not invoke it, and "
            "the deployment would fail with IAM_ROLE_PERMISSIONS.",
            "Rename it, or allow lambda:InvokeFunction on it to the service role.",
        ),
    ),
    (
        "alarms off",
        WATCHED,
        {"alarms": "off"},
        warning("alarms-ignored", "Alarms are switched off for this deployment (`alarms: off`)."),
    ),
    (
        "alarms that may not be read",
        replace(WATCHED, alarms=NotPermitted("cloudwatch:DescribeAlarms")),
        {},
        note("alarms-unread", "Alarms were not checked: not permitted, needs cloudwatch:DescribeAlarms."),
    ),
    (
        "alarms that could not be read",
        replace(WATCHED, alarms=Unavailable("the network is down")),
        {},
        note("alarms-unread", "Alarms were not checked: the network is down."),
    ),
    (
        "an alarm of the group that does not exist",
        replace(WATCHED, alarms=Known((Alarm(name="latency", state="INSUFFICIENT_DATA"),))),
        {},
        warning(
            "alarm-missing",
            "Alarm `errors` of the deployment group does not exist: it protects nothing.",
            "Create it, or take it off the deployment group.",
        ),
    ),
    (
        "an alarm of the inputs that does not exist",
        FACTS,
        {"alarms": "mine"},
        warning(
            "alarm-missing",
            "Alarm `mine` of the input `alarms` does not exist: it protects nothing.",
            "Create it, or take it off the input `alarms`.",
        ),
    ),
    (
        "alarms that were written in one line",
        FACTS,
        {"alarms": "mine, yours"},
        warning(
            "alarm-missing",
            "Alarm `mine, yours` of the input `alarms` does not exist: it protects nothing.",
            "Create it, or take it off the input `alarms`. Several alarms are written one per line: a comma is part of "
            "a name.",
        ),
    ),
    (
        "an alarm that rings",
        ringing(FACTS),
        {},
        refusal(
            "alarm-ringing",
            "Alarm `errors` is in ALARM: CodeDeploy would stop the deployment at once. Threshold crossed.",
            "Wait until it is quiet, or deploy the fix with `alarms: off`.",
        ),
    ),
    (
        "an alarm that rings without saying why",
        replace(FACTS, alarms=Known((Alarm(name="mine", state="ALARM"),))),
        {"alarms": "mine"},
        refusal(
            "alarm-ringing",
            "Alarm `mine` is in ALARM: CodeDeploy would stop the deployment at once.",
            "Wait until it is quiet, or deploy the fix with `alarms: off`.",
        ),
    ),
    (
        "rollback off",
        FACTS,
        {"auto_rollback": "off"},
        warning(
            "rollback-off",
            "Automatic rollback is off: a failed deployment leaves traffic where it was at that moment.",
            "Leave `auto-rollback` out to have all three events on.",
        ),
    ),
    (
        "another role",
        latest(role="arn:aws:iam::1:role/other"),
        {},
        refusal(
            "role-differs",
            "The execution role differs between version 1 (`arn:aws:iam::1:role/r`) and the new one "
            "(`arn:aws:iam::1:role/other`): Lambda does not split an alias over them.",
            ALL_AT_ONCE,
        ),
    ),
    *(
        (
            f"a dead-letter target instead of {was or 'none'}",
            replace(latest(dead_letter_arn=now), current=replace(VERSION, dead_letter_arn=was)),
            {},
            refusal(
                "dead-letter-differs",
                f"The dead-letter target differs between version 1 (`{was or 'none'}`) and the new one "
                f"(`{now or 'none'}`): Lambda does not split an alias over them.",
                ALL_AT_ONCE,
            ),
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
    assert (made.unchanged, made.findings) == ("The alias serves version 2 already.", ())


def test_versions_that_could_not_be_split_do_not_matter_where_nothing_is_deployed() -> None:
    facts = replace(SAME, latest=replace(LATEST, code_sha256="old", dead_letter_arn="arn:queue"))
    made = checked(facts)
    assert (made.unchanged != "", made.findings) == (True, ())


# --- The hold ---

HELD = replace(LATEST, tags={"ci-deploy:hold:live": "by bob run 7 - orders were lost"})


def test_a_hold_refuses_a_deployment_until_it_is_released() -> None:
    facts = replace(FACTS, latest=HELD)
    assert checked(facts).findings == (
        refusal(
            "held",
            "Deployments of checkout:live are on hold: by bob run 7 - orders were lost.",
            "When the cause is mended, deploy with `hold: release`.",
        ),
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
    assert (run.result.outcome, run.result.reason) == (Outcome.REFUSED, "Function `checkout` has no version 1.")
    assert run.result.remedy == LISTED + "`version`."
