"""From snapshots to events, and from events to the story that comment, summary and page are rendered from."""

from __future__ import annotations

from dataclasses import replace
from functools import reduce
from typing import Any

import pytest

from ci_deploy.core.aws import (
    Alias,
    Deployment,
    DeploymentStatus,
    DeploymentTarget,
    Endpoint,
    EventStatus,
    LifecycleEvent,
    Routing,
    RoutingType,
)
from ci_deploy.core.given.files.appspec import HOOKS
from ci_deploy.core.guards.queries import Subject
from ci_deploy.core.guards.series import Shown
from ci_deploy.core.plan.planning import Existing, Plan, ToPublish
from ci_deploy.core.reasons.ending.stopping import RunInterrupted, Superseded
from ci_deploy.core.reasons.ending.verdict import RollbackStrayed
from ci_deploy.core.result import Diagnosis, Finding, Result, Severity
from ci_deploy.core.run import Command, Context, Outcome
from ci_deploy.core.story import events as e
from ci_deploy.core.story.timeline import FunctionStory, Leg, Story, changes, tell
from tests.support.machine.world import IDENTITY
from tests.support.reasons import Said, saying

KEY = "checkout:live"
CREATED, RUNNING, SUCCEEDED = DeploymentStatus.CREATED, DeploymentStatus.IN_PROGRESS, DeploymentStatus.SUCCEEDED
FAILED, STOPPED = DeploymentStatus.FAILED, DeploymentStatus.STOPPED


def lifecycle(
    name: str,
    status: EventStatus = EventStatus.SUCCEEDED,
    start: float | None = None,
    end: float | None = None,
) -> LifecycleEvent:
    return LifecycleEvent(name=name, status=status, start=start, end=end)


START, SHIFT = lifecycle("Start"), lifecycle("AllowTraffic")
SHIFTING = lifecycle("AllowTraffic", EventStatus.IN_PROGRESS)
PENDING = lifecycle("AllowTraffic", EventStatus.PENDING)


# --- the difference of two snapshots ---


def snapshot(*events: LifecycleEvent, status: DeploymentStatus = RUNNING, **more: Any) -> Deployment:
    target = DeploymentTarget(
        target_id=KEY, function="checkout", alias="live", current_version="1", target_version="2", events=events
    )
    return replace(Deployment(id="d-1", status=status, targets=(target,)), **more)


def news(
    before: Deployment | None, now: Deployment, declared: frozenset[str] = frozenset(HOOKS), **more: Any
) -> list[e.Event]:
    return list(changes(before, now, function="checkout", alias="live", at=7.0, key=KEY, declared=declared, **more))


def changed(event: LifecycleEvent, seconds: float | None = None, **more: Any) -> e.LifecycleChanged:
    return e.LifecycleChanged(at=7.0, key=KEY, deployment_id="d-1", event=event, seconds=seconds, **more)


def status(kind: DeploymentStatus, **more: Any) -> e.StatusChanged:
    return e.StatusChanged(at=7.0, key=KEY, deployment_id="d-1", status=kind, **more)


@pytest.mark.parametrize(
    ("before", "now", "told"),
    [
        (None, Deployment(id="d-1", status=CREATED), [status(CREATED)]),
        (None, snapshot(START, SHIFTING), [changed(START), changed(SHIFTING), status(RUNNING)]),
        (snapshot(START, PENDING), snapshot(START, SHIFTING), [changed(SHIFTING)]),
        (snapshot(START, SHIFTING), snapshot(START, SHIFT), [changed(SHIFT)]),
        (snapshot(START, PENDING), snapshot(START, PENDING), []),
        (Deployment(id="d-1", status=RUNNING), snapshot(START, PENDING), [changed(START)]),
        (snapshot(START), Deployment(id="d-1", status=RUNNING), []),
        (snapshot(START, SHIFTING), snapshot(SHIFTING, lifecycle("Later")), [changed(lifecycle("Later"))]),
        (snapshot(SHIFTING), snapshot(SHIFT, status=SUCCEEDED), [changed(SHIFT), status(SUCCEEDED)]),
    ],
)
def test_what_is_new_in_a_snapshot_is_told_lifecycle_first_and_nothing_twice(
    before: Deployment | None, now: Deployment, told: list[e.Event]
) -> None:
    assert news(before, now) == told
    assert news(now, now) == []


def test_why_a_deployment_ended_is_told_with_its_status() -> None:
    now = snapshot(status=FAILED, error_code="HOOK_EXECUTION_FAILURE", error_message="The hook said no.")
    assert news(snapshot(), now) == [
        status(FAILED, error_code="HOOK_EXECUTION_FAILURE", error_message="The hook said no.")
    ]


def test_another_functions_lifecycle_is_not_ours() -> None:
    theirs = replace(snapshot().target_of("checkout", "live"), function="other", events=(START,))  # type: ignore[type-var]
    assert news(snapshot(), snapshot(targets=(theirs,))) == []


def test_the_rollbacks_news_are_marked_as_its_own() -> None:
    assert news(None, snapshot(START), of_rollback=True) == [
        changed(START, of_rollback=True),
        status(RUNNING, of_rollback=True),
    ]


@pytest.mark.parametrize(
    ("start", "end", "seconds"),
    [(100.0, 109.5, 9.5), (100.0, 100.0, 0.0), (100.0, 99.0, 0.0), (None, 100.0, None), (100.0, None, None)],
)
def test_how_long_an_event_took_is_what_aws_stamps_say_and_never_less_than_nothing(
    start: float | None, end: float | None, seconds: float | None
) -> None:
    event = lifecycle("Start", EventStatus.SUCCEEDED, start, end)
    assert news(snapshot(), snapshot(event)) == [changed(event, seconds)]


@pytest.mark.parametrize(
    ("kind", "created", "completed", "seconds"),
    [
        (SUCCEEDED, 100.0, 705.0, 605.0),
        (STOPPED, 100.0, 99.0, 0.0),
        (SUCCEEDED, 0.0, 705.0, None),
        (SUCCEEDED, 100.0, None, None),
        (RUNNING, 100.0, 705.0, None),
    ],
)
def test_how_long_a_deployment_took_is_what_aws_stamps_say(
    kind: DeploymentStatus, created: float, completed: float | None, seconds: float | None
) -> None:
    (event,) = news(None, Deployment(id="d-1", status=kind, create_time=created, complete_time=completed))
    assert event == status(kind, seconds=seconds)


@pytest.mark.parametrize("attached", [True, False])
def test_of_a_deployment_that_began_before_us_only_aws_knows_how_long_it_took(attached: bool) -> None:
    told = chapter(began(attached=attached), replace(status(SUCCEEDED), at=17.0))
    assert told.deployment
    assert told.took(told.deployment) == (None if attached else 7.0)
    assert told.took(replace(told.deployment, seconds=605.0)) == 605.0


def hook(status: EventStatus, took: float | None = None, name: str = "BeforeAllowTraffic") -> LifecycleEvent:
    start = 100.0 if status is not EventStatus.SKIPPED else None
    return lifecycle(name, status, start, None if took is None else 100.0 + took)


QUICK, SLOW = hook(EventStatus.SUCCEEDED, 0.4), hook(EventStatus.SUCCEEDED, 2.8)
RUNS, FAILS, SKIPS = hook(EventStatus.IN_PROGRESS), hook(EventStatus.FAILED, 0.5), hook(EventStatus.SKIPPED)
UNSTAMPED = hook(EventStatus.SUCCEEDED)


@pytest.mark.parametrize("event", [QUICK, SLOW, RUNS, FAILS, SKIPS, UNSTAMPED])
def test_of_a_hook_that_is_declared_everything_is_told(event: LifecycleEvent) -> None:
    told = [one.event for one in news(snapshot(), snapshot(event)) if isinstance(one, e.LifecycleChanged)]
    assert told == [event]


@pytest.mark.parametrize("name", HOOKS)
@pytest.mark.parametrize("kind", [EventStatus.SUCCEEDED, EventStatus.IN_PROGRESS, EventStatus.SKIPPED])
def test_of_a_hook_that_our_appspec_does_not_declare_nothing_is_told(name: str, kind: EventStatus) -> None:
    """AWS lists its event as Succeeded (facts.md G3)."""
    assert news(snapshot(), snapshot(hook(kind, 5.0, name)), frozenset()) == []
    assert news(snapshot(), snapshot(hook(kind, 5.0, name)), frozenset({name})) != []


def test_a_hook_event_that_fails_is_told_whoever_declared_it() -> None:
    assert news(snapshot(), snapshot(FAILS), frozenset()) == [changed(FAILS, 0.5)]


@pytest.mark.parametrize(
    ("before", "now", "told"),
    [
        (None, QUICK, False),
        (None, SLOW, True),
        (None, UNSTAMPED, True),
        (None, RUNS, False),
        (RUNS, QUICK, False),
        (RUNS, SLOW, True),
        (None, SKIPS, True),
    ],
)
def test_where_the_appspec_is_anothers_a_hook_is_one_that_takes_time(
    before: LifecycleEvent | None, now: LifecycleEvent, told: bool
) -> None:
    first = snapshot() if before is None else snapshot(before)
    assert bool(news(first, snapshot(now), frozenset(), declared_by_us=False)) is told


@pytest.mark.parametrize("name", ["AllowTraffic", "Start", "Later"])
def test_events_that_never_have_a_hook_are_told(name: str) -> None:
    event = hook(EventStatus.SUCCEEDED, 0.0, name)
    assert news(snapshot(), snapshot(event), frozenset()) == [changed(event, 0.0)]


# --- the story of a run ---


def story(*events: e.Event) -> Story:
    return reduce(tell, events, Story())


def finding(code: str) -> Finding:
    return Finding(severity=Severity.WARNING, reason=Said(code=code, said=f"What {code} is."))


def result(outcome: Outcome = Outcome.SUCCEEDED) -> Result:
    return Result(function="checkout", alias="live", outcome=outcome)


def test_a_run_begins_with_its_functions_and_what_was_asked_for() -> None:
    context = Context(repository="octo/shop")
    begun = e.Started(
        at=0.5,
        command=Command.ROLLBACK,
        keys=(KEY, "cart:beta"),
        inputs={"reason": "why"},
        context=context,
        epoch=1_795_442_400.0,
    )
    made = story(begun)
    assert made == Story(
        command=Command.ROLLBACK,
        context=context,
        epoch=1_795_442_400.0,
        inputs={"reason": "why"},
        functions={KEY: FunctionStory(key=KEY), "cart:beta": FunctionStory(key="cart:beta")},
        now=0.5,
    )
    assert [(each.function, each.alias) for each in made.functions.values()] == [("checkout", "live"), ("cart", "beta")]


def test_what_is_about_the_whole_run_is_told_of_no_function() -> None:
    table = e.Listed(at=2.0, title="Versions", columns=("version",), rows=(("1",),))
    more = e.Listed(at=2.0, title="Aliases", columns=(), rows=())
    assert story(
        e.Identified(at=1.0, identity=IDENTITY),
        table,
        more,
        e.Written(at=3.0, what="Deleted version 1."),
        e.Written(at=3.0, what="Deleted version 2."),
        e.Noticed(at=4.0, finding=finding("one")),
        e.Noticed(at=4.0, finding=finding("two")),
        e.CancelReceived(at=5.0, signal="SIGINT", policy="rollback"),
        e.Concluded(at=6.0, command=Command.PRUNE, result=result(), results=(result(),), exit_code=130),
    ) == Story(
        command=Command.PRUNE,
        identity=IDENTITY,
        tables=(table, more),
        written=("Deleted version 1.", "Deleted version 2."),
        findings=(finding("one"), finding("two")),
        cancelled="SIGINT",
        now=6.0,
        result=result(),
        exit_code=130,
    )


@pytest.mark.parametrize(
    "event",
    [
        e.Divided(at=3.0, matrix="{}", shards=1),
        e.Progress(at=3.0, what=saying("waits", "upload"), done=1, total=2),
        e.Waiting(at=3.0, what=saying("waits", "nobody")),
    ],
)
def test_what_documents_have_no_use_for_changes_nothing_but_the_time(event: e.Event) -> None:
    assert story(event) == Story(now=3.0)


def test_the_story_is_as_late_as_its_latest_event() -> None:
    """A late event of one function does not turn the time back."""
    late = e.Waiting(at=3.0, key=KEY, what=saying("waits", "Lambda"))
    assert story(e.Progress(at=9.0, what=saying("waits", "upload"), done=1, total=2), late).now == 9.0


def test_a_function_that_was_not_announced_has_its_chapter_all_the_same_and_others_are_left_as_they_are() -> None:
    other = e.Waiting(at=1.0, key="cart:live", what=saying("waits", "Lambda"))
    assert story(other, e.ContactTroubled(at=2.0, key=KEY, error="reset", failures=1, until=None)).functions == {
        "cart:live": FunctionStory(key="cart:live", waiting="Lambda"),
        KEY: FunctionStory(key=KEY, trouble="reset"),
    }


# --- the story of a function ---

PLAN = Plan(
    function="checkout",
    alias="live",
    application="app",
    group="group",
    current_version="1",
    target=Existing(version="2"),
    config_name="config",
    routing=Routing(kind=RoutingType.ALL_AT_ONCE),
    findings=(finding("planned"),),
)
ALIAS = Alias(function="checkout", name="live", version="1")
PLANNED = e.Planned(at=1.0, key=KEY, plan=PLAN, alias=ALIAS)


def began(deployment_id: str = "d-1", **more: Any) -> e.DeploymentStarted:
    fields: dict[str, Any] = {
        "at": 10.0,
        "key": KEY,
        "deployment_id": deployment_id,
        "console_url": f"https://console/{deployment_id}",
        "application": "app",
        "group": "group",
        "current_version": "1",
        "target_version": "2",
    }
    return e.DeploymentStarted(**fields | more)


def leg(deployment_id: str = "d-1", started_at: float = 10.0, **more: Any) -> Leg:
    return Leg(
        deployment_id=deployment_id, console_url=f"https://console/{deployment_id}", started_at=started_at, **more
    )


ROLLED = e.RollbackStarted(at=20.0, key=KEY, deployment_id="d-2", rollback_of="d-1", console_url="https://console/d-2")


def chapter(*events: e.Event) -> FunctionStory:
    return story(*events).functions[KEY]


def test_a_plan_says_where_the_function_stands_and_where_it_is_to_go() -> None:
    assert chapter(e.Waiting(at=0.5, key=KEY, what=saying("waits", "another deployment")), PLANNED) == FunctionStory(
        key=KEY,
        plan=PLAN,
        application="app",
        group="group",
        alias_before=ALIAS,
        target_version="2",
        shares={"1": 100.0},
        shifts=((1.0, {"1": 100.0}),),
        findings=(finding("planned"),),
    )


def test_a_first_deployment_has_no_alias_to_begin_with() -> None:
    made = chapter(e.Planned(at=1.0, key=KEY, plan=PLAN, alias=None))
    assert (made.alias_before, made.shares, made.shifts) == (None, {}, ())


@pytest.mark.parametrize(
    ("events", "version"),
    [
        ([], ""),
        ([e.AliasRead(at=1.0, key=KEY, alias=ALIAS)], ""),
        ([PLANNED], "1"),
        ([replace(PLANNED, plan=replace(PLAN, current_version="0"))], "0"),
    ],
)
def test_the_version_before_is_the_plans(events: list[e.Event], version: str) -> None:
    assert (
        story(e.Waiting(at=0.0, key=KEY, what=saying("waits", "")), *events).functions[KEY].current_version == version
    )


def test_without_a_plan_the_version_before_is_what_the_alias_served() -> None:
    assert FunctionStory(key=KEY, alias_before=ALIAS).current_version == "1"


def test_a_version_that_is_published_is_the_target_from_then_on() -> None:
    unbound = replace(PLAN, target=ToPublish(source="latest", code_sha256="", revision_id="", fingerprint=""))
    published = e.VersionPublished(at=3.0, key=KEY, version="3", code_sha256="sha")
    made = chapter(
        replace(PLANNED, plan=unbound), e.Waiting(at=2.0, key=KEY, what=saying("waits", "Lambda")), published
    )
    assert (made.target_version, made.waiting) == ("3", "")


def test_a_deployment_begins() -> None:
    stored = e.RevisionStored(at=3.0, key=KEY, location="s3://b/k", sha256="sha", content="{}")
    waiting = e.Waiting(at=4.0, key=KEY, what=saying("waits", "its turn"))
    assert chapter(PLANNED, stored, waiting, began(attached=True)) == replace(
        chapter(PLANNED), appspec="{}", appspec_location="s3://b/k", deployment=leg(), attached=True
    )


def test_one_that_is_attached_to_may_tell_its_versions_later_and_without_a_plan() -> None:
    made = chapter(began(target_version="", application="other app", group="other group"))
    assert (made.target_version, made.application, made.group) == ("", "other app", "other group")
    assert chapter(PLANNED, began(target_version="")).target_version == "2"
    assert chapter(PLANNED, began(target_version="5")).target_version == "5"


def test_status_and_lifecycle_are_told_of_the_deployment_each_event_once_at_its_place() -> None:
    events: list[e.Event] = [
        replace(changed(START, 1.0), at=11.0),
        replace(changed(SHIFTING), at=12.0),
        replace(status(RUNNING), at=12.0),
        replace(changed(lifecycle("End", EventStatus.PENDING)), at=13.0),
        replace(changed(SHIFT, 300.0), at=14.0),
    ]
    running = leg(
        status=RUNNING, lifecycle=((START, 1.0), (SHIFT, 300.0), (lifecycle("End", EventStatus.PENDING), None))
    )
    assert chapter(began(), *events).deployment == running
    ended = replace(status(FAILED, error_code="ALARM_ACTIVE", error_message="It rang."), at=15.0)
    assert chapter(began(), *events, ended).deployment == replace(
        running, status=FAILED, error_code="ALARM_ACTIVE", error_message="It rang.", ended_at=15.0
    )


def test_of_a_deployment_that_has_succeeded_nothing_is_in_progress() -> None:
    """In a large release not every end is looked at with its lifecycle."""
    begun: list[e.Event] = [began(), changed(START), changed(SHIFTING)]
    done = chapter(*begun, status(SUCCEEDED)).deployment
    failed = chapter(*begun, status(FAILED)).deployment
    assert done == leg(status=SUCCEEDED, ended_at=7.0, lifecycle=((START, None),))
    assert failed == leg(status=FAILED, ended_at=7.0, lifecycle=((START, None), (SHIFTING, None)))


def test_news_of_a_deployment_whose_beginning_was_not_told_are_kept() -> None:
    assert chapter(status(RUNNING)).deployment == Leg(deployment_id="d-1", started_at=7.0, status=RUNNING)
    assert chapter(status(RUNNING, of_rollback=True)) == FunctionStory(
        key=KEY, rollback=Leg(deployment_id="d-1", started_at=7.0, status=RUNNING)
    )


def test_traffic_shifts_and_is_said_to_shift_next() -> None:
    shift = e.TrafficShifted(
        at=12.0,
        key=KEY,
        deployment_id="d-1",
        shares={"1": 90.0, "2": 10.0},
        next_shift_at=312.0,
        ends_at=912.0,
    )
    made = chapter(PLANNED, began(), shift)
    assert (made.shares, made.next_shift_at, made.ends_at) == ({"1": 90.0, "2": 10.0}, 312.0, 912.0)
    assert made.shifts == ((1.0, {"1": 100.0}), (12.0, {"1": 90.0, "2": 10.0}))
    later = e.Heartbeat(at=72.0, key=KEY, what="AllowTraffic", shares={}, next_shift_at=313.0, ends_at=913.0)
    assert chapter(PLANNED, began(), shift, later) == replace(made, next_shift_at=313.0, ends_at=913.0)


def test_the_rollback_has_a_leg_of_its_own_and_nothing_of_the_deployment_is_due_any_more() -> None:
    beat = e.Heartbeat(at=15.0, key=KEY, what="AllowTraffic", shares={}, next_shift_at=313.0)
    made = chapter(
        began(),
        beat,
        status(FAILED),
        ROLLED,
        replace(changed(SHIFT, of_rollback=True), deployment_id="d-2"),
        replace(status(RUNNING, of_rollback=True), deployment_id="d-2"),
    )
    assert made.deployment == leg(status=FAILED, ended_at=7.0)
    assert made.rollback == leg("d-2", 20.0, status=RUNNING, lifecycle=((SHIFT, None),))
    assert made.next_shift_at is None
    assert (made.is_rollback("d-2"), made.is_rollback("d-1"), chapter(began()).is_rollback("")) == (True, False, False)


def test_what_a_release_takes_back_is_the_rollback_of_what_had_succeeded() -> None:
    """The reversal is a deployment of its own, whose news do not say that they are a rollback's."""
    beat = e.Heartbeat(at=15.0, key=KEY, what="AllowTraffic", shares={}, next_shift_at=313.0)
    before = chapter(began(), status(SUCCEEDED), e.Finished(at=15.0, key=KEY, result=result()), beat)
    assert before.result is not None
    reversal = began("d-2", at=20.0, reverses=True, current_version="2", target_version="1")
    stored = e.RevisionStored(at=19.0, key=KEY, location="elsewhere", sha256="sha", content="reversed")
    events: list[e.Event] = [
        began(),
        status(SUCCEEDED),
        e.Finished(at=15.0, key=KEY, result=result()),
        beat,
        stored,
        reversal,
    ]
    assert chapter(*events) == replace(before, rollback=leg("d-2", 20.0), result=None, next_shift_at=None)
    made = chapter(*events, replace(status(RUNNING), deployment_id="d-2"))
    assert made.rollback == leg("d-2", 20.0, status=RUNNING)
    assert made.deployment == leg(status=SUCCEEDED, ended_at=7.0)


def test_a_manual_rollback_is_a_deployment_that_reverses() -> None:
    made = chapter(began(reverses=True))
    assert (made.deployment, made.rollback, made.reverses) == (leg(), None, True)


def test_a_manual_rollback_that_is_tried_once_more_is_not_the_rollback_of_its_first_try() -> None:
    made = chapter(began(reverses=True), status(FAILED), began("d-3", at=50.0, reverses=True))
    assert made == replace(chapter(began(reverses=True)), deployment=leg("d-3", 50.0))


def test_a_new_deployment_begins_without_the_rollback_of_the_one_before() -> None:
    made = chapter(began(), status(FAILED), ROLLED, began("d-3", at=50.0))
    assert (made.deployment, made.rollback) == (leg("d-3", 50.0), None)


def test_trouble_is_over_when_contact_is_back() -> None:
    trouble = e.ContactTroubled(at=2.0, key=KEY, error="reset", failures=1, until=None)
    assert chapter(trouble).trouble == "reset"
    assert chapter(trouble, e.ContactRestored(at=3.0, key=KEY, failures=1)) == FunctionStory(key=KEY)


def test_a_stop_of_the_deployment_is_told_and_nothing_shifts_next() -> None:
    beat = e.Heartbeat(at=15.0, key=KEY, what="AllowTraffic", shares={}, next_shift_at=313.0)
    stop = e.StopRequested(at=16.0, key=KEY, deployment_id="d-1", rollback=True, why=RunInterrupted())
    made = chapter(began(), beat, stop, e.StopAnswered(at=17.0, key=KEY, deployment_id="d-1", status="Pending"))
    assert made == replace(chapter(began()), stopping=RunInterrupted())


def test_a_stop_is_under_way_until_the_rollback_that_it_asked_for_begins() -> None:
    stop = e.StopRequested(at=16.0, key=KEY, deployment_id="d-1", rollback=True, why=RunInterrupted())
    made = chapter(began(), stop, status(STOPPED))
    assert made.stopping == RunInterrupted()
    assert chapter(began(), stop, status(STOPPED), ROLLED) == replace(made, rollback=leg("d-2", 20.0), stopping=None)


def test_a_stop_of_another_deployment_that_is_superseded_is_none_of_ours() -> None:
    stop = e.StopRequested(at=5.0, key=KEY, deployment_id="d-0", rollback=True, why=Superseded(of=KEY))
    assert chapter(PLANNED, stop) == chapter(PLANNED)
    assert chapter(PLANNED, stop, began()).stopping is None
    assert chapter(began(), stop) == chapter(began())


def test_findings_on_the_way_come_after_the_plans() -> None:
    made = chapter(PLANNED, e.Noticed(at=2.0, key=KEY, finding=finding("one")))
    assert made.findings == (finding("planned"), finding("one"))
    assert story(e.Noticed(at=2.0, key=KEY, finding=finding("one"))).findings == ()


def test_what_came_up_before_a_plan_or_between_two_is_not_lost_and_what_a_plan_found_is_told_once() -> None:
    hold = e.Noticed(at=0.5, key=KEY, finding=finding("hold-failed"))
    throttled = e.Noticed(at=30.0, key=KEY, finding=finding("throttled"))
    anew = replace(PLANNED, at=50.0, plan=replace(PLAN, findings=(finding("planned anew"), finding("planned"))))
    assert chapter(hold, PLANNED).findings == (finding("planned"), finding("hold-failed"))
    assert chapter(hold, PLANNED, throttled, anew).findings == (
        finding("planned anew"),
        finding("planned"),
        finding("hold-failed"),
        finding("throttled"),
    )
    without = replace(PLANNED, at=50.0, plan=replace(PLAN, findings=()))
    assert chapter(PLANNED, without).findings == ()
    assert chapter(e.Noticed(at=0.5, key=KEY, finding=finding("planned")), PLANNED).findings == (finding("planned"),)


def test_a_reading_of_the_alias_is_a_shift_where_it_says_something_new() -> None:
    split = Alias(function="checkout", name="live", version="1", weights={"2": 10.0})
    same, other = e.AliasRead(at=5.0, key=KEY, alias=ALIAS), e.AliasRead(at=5.0, key=KEY, alias=split)
    assert chapter(PLANNED, same) == chapter(PLANNED)
    assert chapter(PLANNED, other) == replace(
        chapter(PLANNED),
        shares={"1": 90.0, "2": 10.0},
        shifts=((1.0, {"1": 100.0}), (5.0, {"1": 90.0, "2": 10.0})),
    )
    strayed = RollbackStrayed(rolled_back=False, reversal=False)
    set_back = e.AliasRestored(at=9.0, key=KEY, alias=ALIAS, why=strayed)
    assert chapter(PLANNED, other, set_back) == replace(
        chapter(PLANNED),
        shares={"1": 100.0},
        shifts=((1.0, {"1": 100.0}), (5.0, {"1": 90.0, "2": 10.0}), (9.0, {"1": 100.0})),
        restored=strayed,
    )


def test_a_status_report_is_kept_with_what_it_read_of_the_alias() -> None:
    report = e.StatusReported(at=2.0, key=KEY, alias=ALIAS, history=())
    assert chapter(report) == FunctionStory(key=KEY, status=report, shares={"1": 100.0}, shifts=((2.0, {"1": 100.0}),))


def test_a_hold_is_told_apart_from_its_release_and_from_neither() -> None:
    assert FunctionStory(key=KEY).hold is None
    assert chapter(e.HoldChanged(at=2.0, key=KEY, text="by alice - bad")).hold == "by alice - bad"
    assert chapter(e.HoldChanged(at=2.0, key=KEY, text="")).hold == ""


def test_the_end_ends_trouble_waiting_and_what_was_due() -> None:
    open_ends: list[e.Event] = [
        e.Heartbeat(at=15.0, key=KEY, what="AllowTraffic", shares={}, next_shift_at=313.0),
        e.ContactTroubled(at=16.0, key=KEY, error="reset", failures=1, until=None),
        e.Waiting(at=17.0, key=KEY, what=saying("waits", "Lambda")),
    ]
    assert chapter(*open_ends, e.Finished(at=18.0, key=KEY, result=result())) == FunctionStory(key=KEY, result=result())


def test_what_only_the_log_tells_leaves_the_story_as_it_is() -> None:
    assert chapter(PLANNED, e.CodeUploaded(at=2.0, key=KEY, code_sha256="sha", size=1)) == chapter(PLANNED)


# --- why it did not succeed ---

WHY = Diagnosis(reason=saying("codedeploy-alarm-active", "It rang.", "Look."))


SUSPECTED = replace(WHY, event=lifecycle("BeforeAllowTraffic", EventStatus.IN_PROGRESS))


def diagnosed(why: Diagnosis = WHY) -> e.Diagnosed:
    return e.Diagnosed(at=12.0, key=KEY, diagnosis=why)


def test_why_it_did_not_succeed_is_kept_through_its_rollback() -> None:
    ended = status(SUCCEEDED, of_rollback=True)
    assert chapter(began(), status(FAILED), diagnosed(), ROLLED, ended).diagnosis == WHY


@pytest.mark.parametrize(
    ("events", "kept"),
    [
        ([], True),
        ([changed(lifecycle("BeforeAllowTraffic"))], False),
        ([changed(lifecycle("BeforeAllowTraffic", EventStatus.FAILED))], True),
        ([changed(lifecycle("Start"))], True),
        ([status(RUNNING)], True),
        ([status(FAILED)], True),
        ([status(SUCCEEDED)], False),
    ],
)
def test_what_was_suspected_of_a_slow_hook_is_not_told_any_more_when_it_went_well(
    events: list[e.Event], kept: bool
) -> None:
    assert chapter(began(), diagnosed(SUSPECTED), *events).diagnosis == (SUSPECTED if kept else None)


def test_without_an_event_that_is_suspected_only_success_refutes_a_diagnosis() -> None:
    assert chapter(began(), diagnosed(), changed(START)).diagnosis == WHY
    assert chapter(began(), changed(START)).diagnosis is None


def test_a_new_deployment_begins_without_what_was_wrong_with_the_one_before() -> None:
    assert chapter(began(), status(FAILED), diagnosed(), began("d-3")).diagnosis is None


def test_addresses_that_are_not_awss_are_part_of_the_story() -> None:
    emulator = Endpoint(url="http://127.0.0.1:4599", setting="AWS_ENDPOINT_URL")
    assert tell(Story(), e.NotAws(at=0.0, endpoints=(emulator,))) == Story(endpoints=(emulator,))


def test_what_was_measured_and_the_bake_are_part_of_the_story() -> None:
    subject = Subject(function="checkout", alias="live", old="1", new="2")
    measured = e.Measured(
        at=1.0,
        key=KEY,
        subject=subject,
        shown=Shown(),
        judgments=(),
        shifts=(),
        told_until=0,
        epoch=0.0,
    )
    fired = (saying("alarm", "The alarm fired."),)
    baking, taken = e.BakeBegan(at=2.0, key=KEY, until=60.0), e.TakingBack(at=3.0, key=KEY, reasons=fired)
    moved = e.TrafficShifted(at=1.0, key=KEY, deployment_id="d-1", shares={"2": 100.0}, next_shift_at=90.0)
    chapter = reduce(tell, (moved, measured, baking, taken), Story()).functions[KEY]
    assert (chapter.measured, chapter.baking, chapter.taking_back) == (measured, baking, fired)
    assert chapter.next_shift_at is None
