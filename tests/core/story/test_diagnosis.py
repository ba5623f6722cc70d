"""Why a deployment did not succeed: the words, the evidence, and what could not be read."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from ci_deploy.core.aws import (
    Alarm,
    Deployment,
    DeploymentStatus,
    DeploymentTarget,
    Diagnostics,
    EventStatus,
    Known,
    LifecycleEvent,
    LogLines,
    NotPermitted,
    Routing,
    RoutingType,
    Unavailable,
)
from ci_deploy.core.plan.planning import Existing, Plan, ToPublish
from ci_deploy.core.reasons.ending.codedeploy import (
    BY_ERROR,
    AlarmActive,
    CodeDeployEnded,
    HookExecutionFailure,
    InvalidFunction,
    ManualStop,
    RolePermissions,
    StillRuns,
    ended_by,
)
from ci_deploy.core.reasons.phrases import duration
from ci_deploy.core.result import Diagnosis
from ci_deploy.core.story.diagnosis import diagnose, failed_event, hook_of
from tests.support.golden import Told, shown

PLAN = Plan(
    function="checkout",
    alias="live",
    application="app",
    group="group",
    current_version="1",
    target=Existing(version="2"),
    config_name="config",
    routing=Routing(kind=RoutingType.ALL_AT_ONCE),
    before_hook="arn:aws:lambda:eu-central-1:123456789012:function:CodeDeployHook_smoke",
    after_hook="CodeDeployHook_verify",
)
NOT_READ = {"alarms": Unavailable(""), "logs": Unavailable("")}


def event(name: str, status: EventStatus = EventStatus.FAILED, message: str = "") -> LifecycleEvent:
    return LifecycleEvent(name=name, status=status, diagnostics=Diagnostics(message=message))


def deployment(*events: LifecycleEvent, status: DeploymentStatus = DeploymentStatus.FAILED, **said: Any) -> Deployment:
    target = DeploymentTarget(
        target_id="checkout:live",
        function="checkout",
        alias="live",
        current_version="1",
        target_version="2",
        events=events,
    )
    return Deployment(id="d-1", status=status, targets=(target,), **said)


def diagnosed(made: Deployment, plan: Plan = PLAN, **more: Any) -> Diagnosis:
    return diagnose(made, plan, **{**NOT_READ, **more})


# --- the table of codes ---


@pytest.mark.parametrize("code", [code for code in BY_ERROR if code])
def test_every_code_is_explained_with_the_names_of_this_deployment_and_a_remedy(code: str) -> None:
    found = diagnosed(deployment(error_code=code), service_role="arn:aws:iam::123456789012:role/path/deployer")
    facts = {
        "region": "REGION",
        "function": "checkout",
        "alias": "live",
        "group": "group",
        "role": "deployer",
        "hook": "",
        "current": "1",
        "target": "2",
        "config": "config",
        "event": "",
        "said": "",
        "firing": (),
        "when": "",
        "ending": "",
        "seconds": None,
    }
    assert found == Diagnosis(reason=ended_by(code, facts))
    assert found.summary == found.reason.text
    assert (found.reason.code, type(found.reason)) == (f"codedeploy-{code.lower().replace('_', '-')}", BY_ERROR[code])
    assert found.remedy


def test_a_code_that_aws_adds_later_is_shown_with_aws_own_words() -> None:
    said = "Gremlins were seen."
    assert diagnosed(deployment(error_code="GREMLINS", error_message=said)) == Diagnosis(
        reason=CodeDeployEnded(deployment="d-1", status="Failed", aws_code="GREMLINS", said=said)
    )


def test_without_a_code_or_a_hook_that_failed_it_is_unknown() -> None:
    failed = event("AllowTraffic")
    assert diagnosed(deployment(failed)) == Diagnosis(
        reason=CodeDeployEnded(deployment="d-1", status="Failed", aws_code="", event="AllowTraffic"),
        event=failed,
    )


def test_what_is_not_known_is_not_made_up() -> None:
    """No version yet, no role: the texts still read."""
    plan = replace(
        PLAN, current_version="", target=ToPublish(source="", code_sha256="", revision_id="", fingerprint="")
    )
    unknown = InvalidFunction(function="checkout", current="?", target="?", region="REGION")
    assert diagnosed(deployment(error_code="INVALID_LAMBDA_FUNCTION"), plan).reason == unknown
    found = diagnosed(deployment(error_code="IAM_ROLE_PERMISSIONS"))
    assert found.reason == RolePermissions(role="of the deployment group")


# --- hooks ---


@pytest.mark.parametrize(
    ("name", "hook"),
    [
        ("BeforeAllowTraffic", "CodeDeployHook_smoke"),
        ("AfterAllowTraffic", "CodeDeployHook_verify"),
        ("AllowTraffic", ""),
        ("Start", ""),
    ],
)
def test_a_lifecycle_events_hook_is_told_by_its_name(name: str, hook: str) -> None:
    assert hook_of(event(name), PLAN) == hook


def test_no_event_has_no_hook_and_neither_has_one_for_which_none_is_declared() -> None:
    assert hook_of(None, PLAN) == ""
    assert hook_of(event("BeforeAllowTraffic"), replace(PLAN, before_hook="")) == ""


def test_a_hook_that_failed_is_named_with_the_event_and_aws_words_even_if_aws_gives_no_code() -> None:
    failed = event("BeforeAllowTraffic", message="The lifecycle event hook reported Failed.")
    made = deployment(event("Start", EventStatus.SUCCEEDED), failed, event("AllowTraffic", EventStatus.SKIPPED))
    assert diagnosed(made) == Diagnosis(
        reason=HookExecutionFailure(
            hook="CodeDeployHook_smoke",
            event="BeforeAllowTraffic",
            said="The lifecycle event hook reported Failed.",
            region="REGION",
        ),
        event=failed,
    )


def test_what_codedeploy_says_of_the_deployment_goes_before_what_it_says_of_the_event() -> None:
    made = deployment(
        event("BeforeAllowTraffic", message="of the event"),
        error_code="HOOK_EXECUTION_FAILURE",
        error_message="of the deployment",
    )
    assert diagnosed(made).reason == HookExecutionFailure(
        hook="CodeDeployHook_smoke",
        event="BeforeAllowTraffic",
        said="of the deployment",
        ending="reported",
        region="REGION",
    )


def hook_event(seconds: float | None = 7.0, **said: str) -> LifecycleEvent:
    end = None if seconds is None else 100.0 + seconds
    return LifecycleEvent(
        name="BeforeAllowTraffic", status=EventStatus.FAILED, start=100.0, end=end, diagnostics=Diagnostics(**said)
    )


@pytest.mark.parametrize(
    ("failed", "code", "ending", "seconds"),
    [
        (hook_event(error_code="ScriptFailed"), "HOOK_EXECUTION_FAILURE", "reported", 7.0),
        (hook_event(None), "HOOK_EXECUTION_FAILURE", "reported", None),
        (hook_event(3600.0), "HOOK_EXECUTION_FAILURE", "silent", 3600.0),
        (hook_event(None, error_code="ScriptTimedOut"), "HOOK_EXECUTION_FAILURE", "silent", None),
        (hook_event(error_code="ScriptMissing"), "HOOK_EXECUTION_FAILURE", "not-invoked", 7.0),
        (hook_event(), "", "", 7.0),
        (event("BeforeAllowTraffic", EventStatus.IN_PROGRESS), "", "", None),
    ],
)
def test_a_hook_reported_failed_or_was_silent_or_could_not_be_invoked(
    failed: LifecycleEvent, code: str, ending: str, seconds: float | None
) -> None:
    """Told by codes and times, for CodeDeploy's message is the same; where they do not tell it, it is left open."""
    found = diagnosed(deployment(failed, error_code=code)).reason
    assert isinstance(found, HookExecutionFailure)
    assert (found.hook, found.ending, found.seconds) == ("CodeDeployHook_smoke", ending, seconds)


CANARY = Routing(kind=RoutingType.CANARY, percentage=10, interval_minutes=5)
LINEAR = Routing(kind=RoutingType.LINEAR, percentage=20, interval_minutes=1)


@pytest.mark.parametrize(
    ("routing", "since"),
    [
        (CANARY, 195.0),
        (CANARY, 90.0),
        (CANARY, 401.0),
        (LINEAR, 161.0),
        (CANARY, None),
    ],
    ids=lambda part: part.kind if isinstance(part, Routing) else shown(part),
)
def test_an_alarm_is_told_with_its_moment_value_and_threshold(
    routing: Routing, since: float | None, told: Told
) -> None:
    shift = LifecycleEvent(name="AllowTraffic", status=EventStatus.FAILED, start=100.0, end=200.0)
    made = deployment(shift, status=DeploymentStatus.STOPPED, error_code="ALARM_ACTIVE")
    alarm = Alarm(
        name="errors", state="ALARM", since=since, reason="14 > 5", metric="Errors", value=14.0, threshold=5.0
    )
    found = diagnosed(made, replace(PLAN, routing=routing), alarms=Known((alarm,))).reason
    assert isinstance(found, AlarmActive)
    ((name, measured),) = found.firing
    assert (name, measured, found.when) == told


def test_a_value_of_no_single_metric_is_told_as_a_value() -> None:
    made = deployment(status=DeploymentStatus.STOPPED, error_code="ALARM_ACTIVE")
    found = diagnosed(made, alarms=Known((Alarm(name="math", state="ALARM", value=0.25, threshold=0.1),))).reason
    assert isinstance(found, AlarmActive)
    assert (found.firing, found.when) == ((("math", "value 0.25, threshold 0.1"),), "")


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(0.4, "under 1s"), (45, "45s"), (300, "5m"), (95, "1m 35s"), (3900, "1h 05m"), (7200, "2h")],
)
def test_durations_as_people_write_them(seconds: float, text: str) -> None:
    assert duration(seconds) == text


def test_the_event_that_failed_is_the_one_that_matters_else_the_one_that_runs() -> None:
    running, failed = event("AllowTraffic", EventStatus.IN_PROGRESS), event("AfterAllowTraffic")
    start = event("Start", EventStatus.SUCCEEDED)
    assert failed_event(deployment(start, running, failed), PLAN) is failed
    assert failed_event(deployment(start, running), PLAN) is running
    assert failed_event(deployment(start), PLAN) is None
    assert failed_event(Deployment(id="d-1", status=DeploymentStatus.FAILED), PLAN) is None


def test_an_event_that_was_only_interrupted_is_not_said_to_have_failed() -> None:
    made = deployment(
        event("AllowTraffic", EventStatus.IN_PROGRESS), status=DeploymentStatus.STOPPED, error_code="MANUAL_STOP"
    )
    assert diagnosed(made).reason == ManualStop()


@pytest.mark.parametrize(
    ("name", "hook"),
    [("BeforeAllowTraffic", "CodeDeployHook_smoke"), ("AllowTraffic", "")],
)
def test_of_a_deployment_that_still_runs_no_cause_is_claimed(name: str, hook: str) -> None:
    """A hook that is silent is looked into before the deployment is over."""
    running = event(name, EventStatus.IN_PROGRESS)
    assert diagnosed(deployment(running, status=DeploymentStatus.IN_PROGRESS)).reason == StillRuns(hook=hook)


# --- evidence ---


def test_the_alarms_that_ring_are_named_with_their_reasons_and_the_others_left_out() -> None:
    errors = Alarm(name="errors", state="ALARM", reason="14 > 5")
    latency = Alarm(name="latency", state="ALARM")
    quiet = Alarm(name="quiet", state="OK", reason="1 < 5")
    made = deployment(
        status=DeploymentStatus.STOPPED, error_code="ALARM_ACTIVE", error_message="Alarms: errors, latency"
    )
    assert diagnosed(made, alarms=Known((errors, quiet, latency))) == Diagnosis(
        reason=AlarmActive(
            group="group",
            function="checkout",
            target="2",
            region="REGION",
            firing=(("errors", "14 > 5"), ("latency", "")),
        ),
        alarms=(errors, latency),
    )


def test_what_the_hook_wrote_is_part_of_it() -> None:
    lines = (LogLines(function="CodeDeployHook_smoke", group="/aws/lambda/CodeDeployHook_smoke", lines=("no",)),)
    found = diagnosed(deployment(), logs=Known(lines), alarms=Known(()))
    assert (found.logs, found.alarms, found.unreadable) == (lines, (), ())


@pytest.mark.parametrize(
    ("alarms", "logs", "unreadable"),
    [
        (
            NotPermitted("cloudwatch:DescribeAlarms"),
            NotPermitted("logs:FilterLogEvents"),
            (
                "Alarms not read (needs cloudwatch:DescribeAlarms).",
                "Hook logs not read (needs logs:FilterLogEvents).",
            ),
        ),
        (Unavailable("Rate exceeded"), Known(()), ("Alarms not read (Rate exceeded).",)),
        (Known(()), Unavailable("Rate exceeded"), ("Hook logs not read (Rate exceeded).",)),
        (Unavailable(""), Unavailable(""), ()),
    ],
)
def test_what_could_not_be_read_is_said_and_what_was_not_asked_for_is_not(
    alarms: Any, logs: Any, unreadable: tuple[str, ...]
) -> None:
    found = diagnosed(deployment(), alarms=alarms, logs=logs)
    assert (found.alarms, found.logs, found.unreadable) == ((), (), unreadable)
