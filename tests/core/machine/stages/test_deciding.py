"""What each command makes of what it reads: what it refuses, waits for, follows, stops, and what it says of that.

Every answer takes a tenth of a second here, so that the first decision falls at 0.1 s.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from itertools import groupby
from typing import Any

import pytest

from ci_deploy.core import trace
from ci_deploy.core.aws import CREATOR_ROLLBACK, Alarm, DeploymentStatus, Known
from ci_deploy.core.errors import ErrorKind
from ci_deploy.core.hold import tag
from ci_deploy.core.machine import actions as a
from ci_deploy.core.machine.release import step
from ci_deploy.core.machine.rollout import Job, Rollout
from ci_deploy.core.marker import Marker, write
from ci_deploy.core.plan.planning import Facts
from ci_deploy.core.reasons.ending.stopping import MainStepEnded, StopAsked
from ci_deploy.core.reasons.ending.verdict import (
    AsAsked,
    Cancelled,
    CancelledTooLate,
    LeftRunning,
    NoRoom,
    NoTrace,
    RolledBackBy,
    Serves,
)
from ci_deploy.core.reasons.preflight.deciding import (
    DeploymentRunning,
    GroupBusy,
    HistoryCut,
    NeverDeployed,
    NothingCreated,
    NothingDeployed,
    NothingRuns,
    NothingWritten,
    NotOurs,
    OlderRun,
    OthersLeftAlone,
    OverAlready,
    OwnerUnknown,
    RolledBackAlready,
    SameContent,
    ServedAlready,
    WaitingForGroup,
    WayBack,
)
from ci_deploy.core.reasons.preflight.deployment import (
    AliasMissing,
    AliasSplit,
    CurrentVersion,
    FunctionMissing,
    GroupMissing,
    Held,
    HookMissing,
    TargetMissing,
)
from ci_deploy.core.reasons.reason import Reason
from ci_deploy.core.run import Command, Context, Outcome, Rollback
from ci_deploy.core.story import events as e
from tests.support.machine.playing import STEADY, Run, Worlds, first, play, play_together, post_step, until
from tests.support.machine.states import but
from tests.support.machine.world import AT_ONCE, AWS_EPOCH, CANARY, IDENTITY, Running, World, context, inputs
from tests.support.reasons import where

ON_FAILURE, ON_ALARM = frozenset({"DEPLOYMENT_FAILURE"}), frozenset({"DEPLOYMENT_STOP_ON_ALARM"})
SPLIT = {"2": 10.0}
REPAIR = (
    "`aws lambda update-alias --function-name checkout --name live --function-version 1 "
    "--routing-config 'AdditionalVersionWeights={}' --region eu-central-1`"
)


@dataclass(kw_only=True)
class Account(World):
    """The small world with quiet alarms and the function's tags; `told`: how what is read differs from what is."""

    tags: dict[str, str] = field(default_factory=dict)
    tags_stick: bool = False  # a reading lags behind
    told: Callable[[Facts], Facts] = lambda facts: facts

    def facts(self, action: a.Gather) -> Facts:
        facts = super().facts(action)
        assert facts.latest is not None
        latest = replace(facts.latest, tags=dict(self.tags), arn="arn:fn:checkout:$LATEST")
        return self.told(replace(facts, latest=latest, alarms=Known((Alarm(name="errors", state="OK"),))))

    def perform(self, action: a.Action) -> a.Answer:
        if isinstance(action, a.Tag):
            if not self.tags_stick:
                self.tags = {} if action.value is None else {action.name: action.value}
            return None
        return super().perform(action)


def go(world: World, *, run: Context | None = None, signals: tuple[float, ...] = (), **given: str) -> Run:
    return play(world, inputs(**given), run=run, signals=signals, weather=STEADY)


def running(name: str = "d-OTHER", target: str = "7", **more: Any) -> Running:
    """Somebody's deployment that has begun when we come."""
    fields: dict[str, Any] = {"created": 0.0, "current": "1", "routing": CANARY}
    return Running(id=name, target=target, **fields | more)


def over(name: str, current: str, target: str, *, at: float = -900.0, good: bool = True, **more: Any) -> Running:
    """A deployment of the past."""
    made = Running(id=name, created=at, current=current, target=target, routing=AT_ONCE, ended=at + 5.0, **more)
    made.done, made.share = len(made.marks), 100.0
    made.status = DeploymentStatus.SUCCEEDED if good else DeploymentStatus.FAILED
    return made


def marked(run_id: int = 100, *, mark: str = "feedbeef", **more: Any) -> str:
    return write(Marker(id=mark, run_id=run_id, attempt=1, **{"key": "0" * 16, **more}))


def did(run: Run) -> str:
    """What was asked for, in order; the same several times in a row is told once."""
    return " ".join(name for name, _ in groupby(type(action).__name__ for _, action in run.actions))


def at(run: Run, kind: type[a.Action]) -> list[float]:
    return [round(when, 3) for when, _ in run.asked(kind)]


def end(run: Run) -> tuple[Outcome, tuple[Reason, ...]]:
    return run.result.outcome, run.result.reasons


def findings(run: Run) -> list[Reason]:
    """Of the plan that was shown last: code and text."""
    shown = run.said(e.Planned)[-1]
    assert isinstance(shown, e.Planned)
    return [finding.reason for finding in shown.plan.findings]


def waits(run: Run) -> list[Reason]:
    return [event.what for event in run.events if isinstance(event, e.Waiting)]


def begun(seconds: float = 5.0, **more: Any) -> Account:
    """Somebody's deployment from version 1 to 7 has run for some time."""
    world = Account(versions={"1": "old", "2": "new", "7": "seven"}, deployments=[running(**more)])
    world.advance(seconds)
    return world


# --- the deployment that is meant ---


@pytest.mark.parametrize("command", ["stop", "status"])
@pytest.mark.parametrize("named", ["d-NOSUCHONE", "d-ANOTHERS0"])
def test_a_deployment_that_is_named_and_is_not_there_is_never_replaced_by_one_that_runs(
    command: str, named: str
) -> None:
    world = begun()
    world.deployments.append(over("d-ANOTHERS0", "1", "2", function="other"))
    run = go(world, command=command, deployment_id=named, wait="true" if command == "status" else "")
    assert did(run) == "Gather"
    assert end(run) == (
        Outcome.REFUSED,
        (NotOurs(deployment=named, of="checkout:live", where=where()),),
    )


def test_status_follows_what_has_not_started_only_when_it_is_known_whose_it_is() -> None:
    """A deployment has no target before it starts, and a group may hold several functions."""
    ours = go(begun(0.0), command="status", wait="true")
    theirs = go(begun(0.0, function="other"), command="status", wait="true")
    assert (did(ours), at(ours, a.Gather)) == ("Gather Look LookAlias", [0.0, 2.1])
    assert (ours.result.previous_version, end(ours)) == ("1", (Outcome.SUCCEEDED, (Serves(serves=(("7", 100.0),)),)))
    assert (did(theirs), end(theirs)) == ("Gather", (Outcome.REPORTED, (NothingWritten(),)))
    assert len(theirs.said(e.StatusReported)) == 1


@pytest.mark.parametrize(("timeout", "until"), [("", None), ("20m", pytest.approx(1200.1))])
def test_how_long_what_exists_already_is_followed_is_told_where_that_was_given(timeout: str, until: float) -> None:
    """Without a limit it would count in hooks that there may not be."""
    world = begun(name="d-NAMED0000")
    run = go(world, command="status", wait="true", deployment_id="d-NAMED0000", timeout=timeout)
    assert [began.until for began in run.said(e.DeploymentStarted)] == [until]  # type: ignore[attr-defined]


def test_status_follows_at_once_what_is_named() -> None:
    run = go(begun(0.0, name="d-NAMED0000"), command="status", wait="true", deployment_id="d-NAMED0000")
    assert (at(run, a.Gather), run.result.outcome) == ([0.0], Outcome.SUCCEEDED)


@pytest.mark.parametrize(
    ("seconds", "changes", "version"),
    [
        (0.0, {}, "1"),
        (0.0, {"alias_weights": SPLIT}, ""),  # it would have to end before anybody knew
        (0.0, {"told": lambda facts: replace(facts, alias=None)}, ""),
        (5.0, {}, "1"),
        (5.0, {"alias_version": "3", "alias_weights": {}}, "1"),
        (5.0, {"targets_readable": False, "alias_weights": {}}, ""),
    ],
)
def test_what_a_named_deployment_replaces_its_target_says_or_before_it_starts_the_alias(
    seconds: float, changes: dict[str, Any], version: str
) -> None:
    """Without either nothing is claimed."""
    world = begun(seconds, name="d-NAMED0000")
    for name, value in changes.items():
        setattr(world, name, value)
    run = go(world, command="stop", deployment_id="d-NAMED0000")
    (begins,) = run.said(e.DeploymentStarted)
    assert isinstance(begins, e.DeploymentStarted)
    assert begins.current_version == version


def never_starts(facts: Facts) -> Facts:
    return replace(facts, active=tuple(replace(one, targets=()) for one in facts.active))


def test_whose_it_is_is_awaited_for_half_a_minute() -> None:
    """Before it starts it has no target; where there is none for so long, `status` follows it all the same."""
    world = begun()
    world.told = never_starts
    run = go(world, command="status", wait="true")
    assert at(run, a.Gather) == [round(2.1 * n, 3) for n in range(16)]
    assert run.said(e.DeploymentStarted)


def test_status_follows_what_may_be_ours_though_its_target_cannot_be_read() -> None:
    world = begun()
    world.targets_readable = False
    run = go(world, command="status", wait="true")
    assert at(run, a.Gather) == [0.0]
    assert run.said(e.DeploymentStarted)
    assert stops(run) == []


@pytest.mark.parametrize("given", [{"command": "stop"}, {"command": "rollback", "reason": "r"}])
@pytest.mark.parametrize("changes", [{"targets_readable": False}, {"told": never_starts}])
def test_what_may_be_ours_is_stopped_only_if_it_is_named(given: dict[str, str], changes: dict[str, Any]) -> None:
    """Not knowing is neither "ours" nor "another's": whoever asks is told how to name it."""
    world = begun(name="d-OTHER0000")
    for name, value in changes.items():
        setattr(world, name, value)
    run = go(world, **given)
    assert (stops(run), end(run)) == (
        [],
        (
            Outcome.REFUSED,
            (
                OwnerUnknown(
                    deployment="d-OTHER0000",
                    of="checkout:live",
                    why="CodeDeploy names no function for it",
                    where=where(),
                ),
            ),
        ),
    )


def test_a_named_deployment_of_the_group_is_stopped_though_its_target_cannot_be_read() -> None:
    world = begun(name="d-NAMED0000")
    world.targets_readable = False
    run = go(world, command="stop", deployment_id="d-NAMED0000")
    assert [stop[1] for stop in stops(run)] == ["d-NAMED0000"]


@pytest.mark.parametrize("where", [{"application": "billing"}, {"group": "billing"}])
@pytest.mark.parametrize("readable", [True, False])
def test_a_deployment_of_another_application_or_group_is_never_stopped(where: dict[str, str], readable: bool) -> None:
    """Named by mistake: the same function's, and unreadable ones."""
    world = begun(name="d-NAMED0000")
    world.told = lambda facts: replace(facts, subject=replace(facts.subject, **where) if facts.subject else None)
    world.targets_readable = readable
    run = go(world, command="stop", deployment_id="d-NAMED0000")
    assert (stops(run), run.result.outcome) == ([], Outcome.REFUSED)


def test_status_does_not_wait_to_report_if_it_is_not_to_follow() -> None:
    assert at(go(begun(0.0), command="status"), a.Gather) == [0.0]


def test_stop_does_not_wait_for_the_start_of_a_deployment_that_is_named() -> None:
    """No traffic has moved then: what is served now is what was served before."""
    run = go(begun(0.0, name="d-NAMED0000"), command="stop", deployment_id="d-NAMED0000")
    assert at(run, a.Stop) == [0.1]
    assert end(run) == (
        Outcome.STOPPED,
        (AsAsked(deployment="d-NAMED0000", stopped=True), RolledBackBy(serves=(("1", 100.0),), rollback="d-ROLLBACK1")),
    )
    assert (run.result.previous_version, run.result.live_version) == ("1", "1")


def test_a_stop_in_a_group_that_there_is_not_is_no_success() -> None:
    """A mistyped name must not be told as "nothing is running"."""
    run = go(Account(told=lambda facts: replace(facts, group=None)), command="stop")
    assert (did(run), run.result.outcome) == ("Gather", Outcome.REFUSED)
    assert findings(run)[0].code == "group-missing"


# --- finish ---


def killed(after: float, then: float = 0.0, *, world: Account | None = None, **given: str) -> Run:
    """The main step is killed, and the post step begins some seconds later."""
    world = world or Account()
    main = Run(world, first(inputs(**given), context()), weather=STEADY)
    until(world, main, after)
    world.advance(world.now + then)
    finishing = post_step(main, weather=STEADY, killed=True)
    assert finishing is not None
    return finishing


@pytest.mark.parametrize("policy", ["rollback", "stop", "leave"])
def test_the_post_step_tells_the_end_of_a_deployment_that_is_over(policy: str) -> None:
    good = killed(30.0, 600.0, on_cancel=policy)
    assert (did(good), end(good)) == (
        "Gather Look LookAlias",
        (Outcome.CANCELLED, (CancelledTooLate(deployment="d-DEPLOY000", serves=(("2", 100.0),)),)),
    )
    bad = killed(30.0, 600.0, world=Account(alarm_at=60.0), on_cancel=policy)
    assert (did(bad), end(bad)) == (
        "Gather Look LookAlias",
        (
            Outcome.CANCELLED,
            (
                Cancelled(deployment="d-DEPLOY000", stopped=False),
                RolledBackBy(serves=(("1", 100.0),), rollback="d-ROLLBACK1"),
            ),
        ),
    )


# --- plan ---


@pytest.mark.parametrize(
    "policy",
    ["wait", "fail", "supersede"],
)
def test_plan_says_what_deploy_would_do_with_a_deployment_that_runs(policy: str) -> None:
    run = go(begun(), command="plan", on_conflict=policy)
    assert (did(run), end(run)) == ("Gather", (Outcome.PLANNED, (NothingWritten(),)))
    assert findings(run) == [DeploymentRunning(deployment="d-OTHER", policy=policy)]


def test_plan_of_what_is_served_already_says_so() -> None:
    run = go(Account(latest_sha="old"), command="plan")
    assert (did(run), end(run), findings(run)) == (
        "Gather",
        (Outcome.PLANNED, (SameContent(version="1", holds="`$LATEST`"),)),
        [],
    )


def test_plan_refuses_what_deploy_would_refuse_and_finds_all_of_it() -> None:
    newer = over("d-NEWER", "1", "1", description=marked(200))
    run = go(Account(tags={tag("live"): "by bob - bad"}, deployments=[newer]), command="plan")
    assert (did(run), findings(run)) == (
        "Gather",
        [
            OlderRun(of="checkout:live", run=100, newer=200, deployment="d-NEWER"),
            Held(function="checkout", alias="live", hold="by bob - bad"),
        ],
    )
    assert end(run) == (Outcome.REFUSED, tuple(findings(run)))


@pytest.mark.parametrize("command", ["deploy", "plan"])
def test_an_older_run_of_what_is_served_has_nothing_to_overwrite(command: str) -> None:
    newer = over("d-NEWER", "1", "1", description=marked(200))
    run = go(Account(latest_sha="old", deployments=[newer]), command=command)
    outcome = Outcome.UNCHANGED if command == "deploy" else Outcome.PLANNED
    assert (did(run), end(run)) == ("Gather", (outcome, (SameContent(version="1", holds="`$LATEST`"),)))


def split_from(version: str, **more: Any) -> AliasSplit:
    return AliasSplit(
        function="checkout", alias="live", shares=((version, 90.0), ("2", 10.0)), region="eu-central-1", **more
    )


@pytest.mark.parametrize(("repair", "outcome"), [("auto", Outcome.REFUSED), ("always", Outcome.PLANNED)])
def test_plan_of_a_split_alias_is_refused_or_tells_of_the_repair(repair: str, outcome: Outcome) -> None:
    run = go(Account(alias_weights=SPLIT), command="plan", repair_alias=repair)
    (shown,) = run.said(e.Planned)
    assert isinstance(shown, e.Planned)
    (finding,) = shown.plan.findings
    assert finding.reason == split_from("1", repaired=repair == "always")
    assert (did(run), run.result.outcome) == ("Gather", outcome)


def test_plan_with_repair_still_refuses_what_the_repair_does_not_mend() -> None:
    run = go(Account(alias_weights=SPLIT), command="plan", repair_alias="always", current_version="5")
    assert end(run) == (Outcome.REFUSED, (CurrentVersion(alias="live", live="1", expected="5"),))


# --- rollback, with nothing running ---

A, B, C = "d-AAAAAAAAA", "d-BBBBBBBBB", "d-CCCCCCCCC"


def back(world: World, *, run: Context | None = None, **given: str) -> Run:
    return play(world, inputs(command="rollback", reason="bad", **given), run=run, weather=STEADY)


def served_three(*more: Running, alias_version: str = "3", **changes: Any) -> Account:
    """Version 1, then 2, then 3 were deployed; 9 exists and never was."""
    return Account(
        versions={"1": "one", "2": "two", "3": "three", "9": "nine"},
        alias_version=alias_version,
        deployments=[
            over(A, "1", "2", at=-900.0, description=marked(90)),
            over(B, "2", "3", at=-800.0, description=marked(91)),
            *more,
        ],
        **changes,
    )


NEVER = NeverDeployed(version="9", of="checkout:live")
NOT_OURS = NotOurs(deployment="d-NOSUCHONE", of="checkout:live", where=where())


@pytest.mark.parametrize(("given", "said"), [({"version": "9"}, NEVER), ({"deployment_id": "d-NOSUCHONE"}, NOT_OURS)])
def test_a_rollback_that_leads_nowhere_stops_nothing_and_repairs_nothing(given: dict[str, str], said: Reason) -> None:
    """Neither a deployment that runs, nor an alias that is split."""
    whole = back(served_three(), **given)
    during = back(begun(), **given)
    assert (did(whole), end(whole)) == (did(during), end(during)) == ("Gather", (Outcome.REFUSED, (said,)))
    assert at(whole, a.Gather) == at(during, a.Gather) == [0.0]
    assert findings(whole) == findings(during) == [said]
    split = back(served_three(alias_weights=SPLIT), **given)
    assert (did(split), split.result.reasons) == ("Gather", (split_from("3"), said))


def test_without_an_alias_nothing_is_claimed_of_what_it_serves() -> None:
    run = back(served_three(told=lambda facts: replace(facts, alias=None)))
    assert (did(run), end(run)) == (
        "Gather",
        (Outcome.REFUSED, (AliasMissing(function="checkout", alias="live", others="", region="eu-central-1"),)),
    )


SUCCEEDED_AT = {number: (Outcome.SUCCEEDED, (Serves(serves=((number, 100.0),)),)) for number in "12349"}


@pytest.mark.parametrize(
    ("given", "version", "why"),
    [
        (
            {},
            "2",
            WayBack(
                version="2", live="3", deployment=B, kind="deploy", since=AWS_EPOCH - 895.0, until=AWS_EPOCH - 795.0
            ),
        ),
        ({"version": "1"}, "1", WayBack(version="1", until=AWS_EPOCH - 895.0)),
        ({"version": "9", "force": "true"}, "9", WayBack(version="9")),
        (
            {"deployment_id": A},
            "2",
            WayBack(version="2", deployment=A, since=AWS_EPOCH - 895.0, until=AWS_EPOCH - 795.0),
        ),
    ],
)
def test_a_rollback_deploys_what_was_served_before_or_what_is_asked_for_and_says_why_that(
    given: dict[str, str], version: str, why: WayBack
) -> None:
    run = back(served_three(), **given)
    assert (did(run), end(run)) == ("Gather Create Look LookAlias", SUCCEEDED_AT[version])
    assert findings(run) == [why]
    assert (run.result.deployed, run.result.previous_version, run.result.target_version) == (True, "3", version)
    (begins,) = run.said(e.DeploymentStarted)
    assert isinstance(begins, e.DeploymentStarted)
    assert begins.reverses


def test_a_rollback_to_what_is_served_is_refused() -> None:
    run = back(served_three(), version="3")
    assert (did(run), end(run)) == ("Gather", (Outcome.REFUSED, (ServedAlready(version="3", where=where()),)))
    assert findings(run) == [ServedAlready(version="3", where=where())]


def test_with_no_history_there_is_no_way_back() -> None:
    run = back(Account())
    assert (did(run), end(run)) == ("Gather", (Outcome.REFUSED, (NothingDeployed(where=where()),)))


@pytest.mark.parametrize(
    "told_",
    [
        lambda facts: replace(facts, alarms=Known((Alarm(name="errors", state="ALARM"),))),
        lambda facts: replace(facts, latest=replace(facts.latest, last_update_status="Failed")),
    ],
)
def test_what_a_rollback_leaves_does_not_keep_from_it(told_: Callable[[Facts], Facts]) -> None:
    """An alarm rings, or the function's last update failed: that may be why somebody rolls back."""
    run = back(served_three(told=told_))
    assert end(run) == (Outcome.SUCCEEDED, (Serves(serves=(("2", 100.0),)),))
    assert [found.code for found in findings(run)] == ["way-back"]


def test_what_makes_the_version_unusable_does() -> None:
    run = back(served_three(), version="8", force="true")
    missing = TargetMissing(function="checkout", version="8", region="eu-central-1")
    assert (did(run), run.result.outcome, run.result.reasons) == ("Gather", Outcome.REFUSED, (missing,))


def test_warnings_come_with_a_rollback_after_the_way_that_it_goes() -> None:
    run = back(served_three(told=lambda facts: replace(facts, alarms=Known(()))))
    assert [found.code for found in findings(run)] == ["way-back", "alarm-missing"]


def test_a_rollback_of_a_split_alias_puts_it_on_its_primary_version_and_that_is_all_if_no_other_is_asked_for() -> None:
    run = back(served_three(alias_weights=SPLIT))
    assert (did(run), end(run)) == ("Gather RepairAlias", (Outcome.SUCCEEDED, (Serves(serves=(("3", 100.0),)),)))
    assert (run.result.deployed, run.result.previous_version, run.result.target_version) == (True, "3", "3")
    assert run.result.live_weights == ""


def test_a_split_alias_is_mended_before_the_version_that_is_asked_for_is_deployed() -> None:
    run = back(served_three(alias_weights=SPLIT), version="2")
    assert (did(run), end(run)) == (
        "Gather RepairAlias Gather Create Look LookAlias",
        (Outcome.SUCCEEDED, (Serves(serves=(("2", 100.0),)),)),
    )
    same = back(served_three(alias_weights=SPLIT), version="3")
    assert (did(same), end(same)) == ("Gather RepairAlias", SUCCEEDED_AT["3"])
    named = back(served_three(alias_weights=SPLIT), deployment_id=B)
    already = ServedAlready(version="3", where=where())
    assert (did(named), end(named)) == ("Gather RepairAlias Gather", (Outcome.REFUSED, (already,)))


def test_a_split_alias_is_left_as_it_is_if_so_wanted() -> None:
    run = back(served_three(alias_weights=SPLIT), repair_alias="never")
    assert (did(run), run.result.outcome) == ("Gather", Outcome.REFUSED)
    assert (run.result.reasons, run.result.live_weights) == ((split_from("3"),), "3=90,2=10")


def test_a_hold_is_set_before_anything_else_and_once() -> None:
    world = begun()
    world.tags_stick = True
    run = back(world, hold="set")
    assert did(run).startswith("Gather Tag Gather Stop")
    ((_, asked),) = run.asked(a.Tag)
    assert asked == a.Tag(
        key="checkout:live", function_arn="arn:fn:checkout", name=tag("live"), value="by alice run 100 - bad"
    )
    assert [event.text for event in run.events if isinstance(event, e.HoldChanged)] == ["by alice run 100 - bad"]


def test_where_there_is_no_function_there_is_nothing_to_hold() -> None:
    run = back(Account(told=lambda facts: replace(facts, latest=None, alias=None)), hold="set")
    missing = FunctionMissing(function="checkout", account="123456789012", region="eu-central-1")
    assert (did(run), run.result.outcome, run.result.reasons) == ("Gather", Outcome.REFUSED, (missing,))


@pytest.mark.parametrize("command", ["deploy", "rollback"])
@pytest.mark.parametrize("stick", [False, True])
def test_release_hold_takes_the_hold_off_first_and_once(command: str, stick: bool) -> None:
    """Even if a reading lags behind."""
    world = served_three(tags={tag("live"): "by bob - bad"}, tags_stick=stick)
    reason = "good again" if command == "rollback" else ""
    run = go(world, command=command, hold="release", reason=reason)
    assert did(run).startswith("Gather Tag Gather ")
    assert run.result.outcome is Outcome.SUCCEEDED
    assert [asked.value for _, asked in run.asked(a.Tag) if isinstance(asked, a.Tag)] == [None]
    assert [event.text for event in run.events if isinstance(event, e.HoldChanged)] == [""]


def test_a_hold_does_not_keep_from_a_rollback_and_stays() -> None:
    run = back(served_three(tags={tag("live"): "by bob - bad"}))
    assert (did(run), end(run)) == (
        "Gather Create Look LookAlias",
        (Outcome.SUCCEEDED, (Serves(serves=(("2", 100.0),)),)),
    )


@pytest.mark.parametrize("tags", [{}, {tag("beta"): "by bob - bad"}])
def test_release_hold_without_a_hold_writes_nothing(tags: dict[str, str]) -> None:
    run = go(Account(tags=tags), hold="release")
    assert (run.count(a.Tag), run.result.outcome) == (0, Outcome.SUCCEEDED)


def test_release_hold_of_a_function_that_is_not_there_is_no_other_problem() -> None:
    run = go(Account(told=lambda facts: replace(facts, latest=None, alias=None)), hold="release")
    assert (did(run), run.result.outcome) == ("Gather", Outcome.REFUSED)


# --- a rollback's re-run ---


def rolled_back(run_id: int = 100, target: str = "2", **more: Any) -> Running:
    return over(C, "3", target, at=-700.0, description=marked(run_id, kind="rollback"), **more)


def test_a_re_run_of_a_rollback_goes_no_further_back() -> None:
    run = back(served_three(rolled_back(), alias_version="2"))
    assert (did(run), end(run)) == ("Gather", (Outcome.UNCHANGED, (RolledBackAlready(deployment="d-CCCCCCCCC"),)))
    assert (run.result.previous_version, run.result.target_version, run.result.live_version) == ("3", "2", "2")
    failed = over("d-DDDDDDDDD", "2", "9", at=-600.0, good=False, description=marked(101))
    later = back(served_three(rolled_back(), failed, alias_version="2"))
    assert (did(later), end(later)) == (did(run), end(run))


@pytest.mark.parametrize(
    ("newest", "alias_version", "run_id", "goes_to"),
    [
        (rolled_back(99), "2", 100, "1"),  # another run's
        (rolled_back(0), "2", 0, "1"),  # at a terminal every run is a new one
        (over(C, "3", "4", at=-700.0, description=marked(100)), "4", 100, "3"),  # what it did was no rollback
        (over(C, "2", "1", at=-700.0, good=False, description=marked(100, kind="rollback")), "3", 100, "2"),
    ],
)
def test_only_this_runs_own_rollback_that_succeeded_keeps_it_from_going_back(
    newest: Running, alias_version: str, run_id: int, goes_to: str
) -> None:
    world = served_three(newest, alias_version=alias_version)
    run = go(world, run=context(run_id), command="rollback", reason="bad")
    assert end(run) == SUCCEEDED_AT[goes_to]
    assert run.result.target_version == goes_to


@pytest.mark.parametrize(("version", "weights"), [("3", {}), ("2", {"3": 5.0})])
def test_a_rollback_that_is_not_served_any_more_was_not_enough(version: str, weights: dict[str, float]) -> None:
    run = back(served_three(rolled_back(), alias_version=version, alias_weights=weights))
    assert run.result.outcome is not Outcome.UNCHANGED
    gone = back(served_three(rolled_back(), alias_version="2", told=lambda facts: replace(facts, alias=None)))
    assert gone.result.outcome is Outcome.REFUSED


# --- rollback and stop of what runs ---


def stops(run: Run) -> list[tuple[float, str, bool]]:
    return [
        (round(when, 3), asked.deployment_id, asked.rollback)
        for when, asked in run.asked(a.Stop)
        if isinstance(asked, a.Stop)
    ]


@pytest.mark.parametrize("to_version", ["", "1"])
def test_a_rollback_stops_what_runs_with_rollback_and_follows_that(to_version: str) -> None:
    run = back(begun(), version=to_version)
    asked = "Gather Stop Look LookAlias Describe LookAlias"
    assert (did(run), stops(run)) == (asked, [(0.1, "d-OTHER", True)])
    assert [event.why for event in run.events if isinstance(event, e.StopRequested)] == [
        StopAsked(command="rollback", said="bad")
    ]
    assert WayBack(version="1", deployment="d-OTHER", replacing=True) in findings(run)
    assert end(run) == (
        Outcome.SUCCEEDED,
        (AsAsked(deployment="d-OTHER", stopped=True), RolledBackBy(serves=(("1", 100.0),), rollback="d-ROLLBACK1")),
    )
    assert (run.result.deployed, run.result.previous_version, run.result.target_version) == (True, "7", "1")
    shown, begins = (each for each in run.events if isinstance(each, e.Planned | e.DeploymentStarted))
    assert isinstance(shown, e.Planned)
    assert (shown.stops, shown.plan.current_version) == ("d-OTHER", "1")
    assert isinstance(begins, e.DeploymentStarted)
    assert (begins.attached, begins.current_version, begins.target_version) == (True, "1", "7")


@pytest.mark.parametrize(
    ("run_id", "again", "goes"), [(100, 1, False), (199, 1, False), (200, 2, False), (202, 1, True)]
)
def test_a_rollback_that_stopped_what_ran_keeps_older_runs_away(run_id: int, again: int, goes: bool) -> None:
    """Run 201 created nothing that says so; the run that it took back is older, too, and so is its re-run."""
    world = begun(description=marked(200))
    assert back(world, run=context(201)).result.outcome is Outcome.SUCCEEDED
    assert world.alias_description == trace.write("", 201)
    run = go(world, run=context(run_id, again))
    older = OlderRun(of="checkout:live", run=run_id, newer=201, back=True)
    assert (run.result.outcome, run.result.reasons == (older,)) == (
        (Outcome.SUCCEEDED, False) if goes else (Outcome.REFUSED, True)
    )
    assert go(world, run=context(run_id, again), force="true").result.outcome is not Outcome.REFUSED


def test_a_rollback_whose_trace_cannot_be_left_says_so_and_is_a_success() -> None:
    denied = replace(STEADY, rates={"Describe": 1.0}, kinds=(ErrorKind.DENIED,), lost_answers=0.0)
    full = begun()
    full.alias_description = "x" * 256
    for world, weather, why in (
        (begun(), denied, NoTrace(problem="test:Describe: Fault: weather", advice="")),
        (full, STEADY, NoTrace(problem=NoRoom().text, advice=NoRoom().remedy)),
    ):
        run = play(world, inputs(command="rollback", reason="bad"), weather=weather)
        assert run.result.outcome is Outcome.SUCCEEDED
        (found,) = [event.finding for event in run.events if isinstance(event, e.Noticed)]
        assert found.code == "no-trace"
        assert found.reason == why
        assert found.remedy.endswith(why.remedy)


def test_a_re_run_of_a_rollback_finds_its_trace_and_leaves_no_other() -> None:
    world = begun()
    world.alias_description = trace.write("Live.", 100)
    run = back(world)
    assert (run.result.outcome, run.count(a.Describe)) == (Outcome.SUCCEEDED, 0)
    assert world.alias_description == trace.write("Live.", 100)


def test_a_rollback_from_a_terminal_is_no_run_and_leaves_no_trace() -> None:
    world = begun()
    run = back(world, run=replace(context(), run_id=0))
    assert (run.result.outcome, run.count(a.Describe), world.alias_description) == (Outcome.SUCCEEDED, 0, "")


@pytest.mark.parametrize("command", ["rollback", "status"])
def test_a_history_that_was_not_read_to_its_end_is_said_once(command: str) -> None:
    world = served_three(told=lambda facts: replace(facts, history_cut=True))
    more = {"reason": "bad"} if command == "rollback" else {}
    run = go(world, command=command, **more)
    (found,) = [event.finding for event in run.events if isinstance(event, e.Noticed)]
    assert found.reason == HistoryCut(of="checkout:live", count=2)


def test_a_rollback_waits_until_what_has_just_been_created_tells_whose_it_is() -> None:
    run = back(begun(0.0))
    assert (at(run, a.Gather), stops(run)) == ([0.0, 2.1], [(2.2, "d-OTHER", True)])
    assert run.result.outcome is Outcome.SUCCEEDED


def test_a_rollback_waits_for_another_functions_deployment_and_lets_it_be() -> None:
    world = served_three()
    world.deployments.append(running(function="other"))
    world.advance(5.0)
    run = back(world)
    assert (stops(run), end(run)) == ([], (Outcome.SUCCEEDED, (Serves(serves=(("2", 100.0),)),)))
    assert waits(run) == [WaitingForGroup(deployment="d-OTHER", group="group", other="other:live")]


@pytest.mark.parametrize(
    ("given", "version"), [({"version": "2"}, "2"), ({"deployment_id": A}, "2"), ({"version": "3"}, "3")]
)
def test_a_rollback_to_elsewhere_than_where_it_came_from_supersedes_what_runs(
    given: dict[str, str], version: str
) -> None:
    world = served_three(alias_version="1")
    world.deployments.append(running(target="9"))
    world.advance(5.0)
    run = back(world, **given)
    assert stops(run) == [(0.1, "d-OTHER", True)]
    assert did(run).startswith("Gather Stop Look Gather")
    assert end(run) == SUCCEEDED_AT[version]


@pytest.mark.parametrize(
    "kind",
    [{"creator": CREATOR_ROLLBACK, "rollback_of": "d-X"}, {"description": marked(50, kind="rollback")}],
)
@pytest.mark.parametrize("to_version", ["", "7"])
def test_a_rollback_that_is_under_way_already_is_what_was_wanted(kind: dict[str, Any], to_version: str) -> None:
    run = back(begun(hook_seconds=(30.0, None), **kind), version=to_version)
    assert (did(run), stops(run)) == ("Gather Look LookAlias", [])
    assert end(run) == (Outcome.SUCCEEDED, (Serves(serves=(("7", 100.0),)),))


def test_what_runs_is_stopped_with_rollback_though_its_versions_are_not_told() -> None:
    def bare(facts: Facts) -> Facts:
        (running,) = facts.active
        (target,) = running.targets or ()
        target = replace(target, current_version="", target_version="")
        return replace(facts, active=(replace(running, targets=(target,)),))

    world = begun(hook_seconds=(30.0, None))
    world.told = bare
    run = back(world)
    (planned, *_) = run.said(e.Planned)
    assert (stops(run), planned.plan.findings) == ([(0.1, "d-OTHER", True)], ())  # type: ignore[attr-defined]


def test_a_rollback_under_way_to_elsewhere_is_awaited_not_stopped() -> None:
    world = begun(hook_seconds=(30.0, None), creator=CREATOR_ROLLBACK, rollback_of="d-X")
    run = back(world, version="1")
    assert (stops(run), end(run)) == ([], (Outcome.SUCCEEDED, (Serves(serves=(("1", 100.0),)),)))
    assert waits(run) == [WaitingForGroup(deployment="d-OTHER", group="group", rollback=True)]


def test_after_superseding_a_rollback_waits_for_the_rollback_of_what_it_stopped() -> None:
    """Until that appears the alias is split; it is not repaired meanwhile."""
    world = served_three(rollback_delay=20.0)
    world.deployments.append(running(current="3", target="9"))
    world.advance(5.0)
    run = back(world, version="2")
    assert (stops(run), run.count(a.RepairAlias), end(run)) == (
        [(0.1, "d-OTHER", True)],
        0,
        (Outcome.SUCCEEDED, (Serves(serves=(("2", 100.0),)),)),
    )


# --- stop ---


@pytest.mark.parametrize("world", [Account(), begun(function="other")])
def test_stop_without_a_deployment_has_nothing_to_do(world: Account) -> None:
    run = go(world, command="stop")
    assert (did(run), end(run)) == ("Gather", (Outcome.UNCHANGED, (NothingRuns(of="checkout:live"),)))


@pytest.mark.parametrize(("good", "status"), [(True, "Succeeded"), (False, "Failed")])
def test_stop_of_what_is_over_says_how_it_ended(good: bool, status: str) -> None:
    run = go(Account(deployments=[over(A, "1", "2", good=good)]), command="stop", deployment_id=A)
    assert (did(run), end(run)) == ("Gather", (Outcome.UNCHANGED, (OverAlready(deployment=A, status=status),)))
    assert run.result.deployment_id == A


@pytest.mark.parametrize(
    ("given", "said", "rollback"),
    [
        ({}, "", True),
        ({"reason": "bad"}, "bad", True),
        ({"rollback": "false"}, "", False),
    ],
)
def test_stop_stops_what_runs_and_follows_it(given: dict[str, str], said: str, rollback: bool) -> None:
    run = go(begun(), command="stop", **given)  # type: ignore[arg-type]
    assert (did(run), stops(run)) == ("Gather Stop Look LookAlias", [(0.1, "d-OTHER", rollback)])
    assert [event.why for event in run.events if isinstance(event, e.StopRequested)] == [
        StopAsked(command="stop", said=said)
    ]
    assert (len(run.said(e.Planned)), run.result.outcome) == (1, Outcome.STOPPED)
    assert (run.result.rollback, run.result.live_weights) == (
        (Rollback.SUCCEEDED, "") if rollback else (Rollback.NONE, "1=90,7=10")
    )


def test_stop_waits_until_what_has_just_been_created_tells_whose_it_is() -> None:
    ours, theirs = (go(begun(0.0, function=name), command="stop") for name in ("checkout", "other"))
    assert (at(ours, a.Gather), at(ours, a.Stop), ours.result.outcome) == ([0.0, 2.1], [2.2], Outcome.STOPPED)
    assert (at(theirs, a.Gather), at(theirs, a.Stop), theirs.result.outcome) == ([0.0, 2.1], [], Outcome.UNCHANGED)


# --- status ---


def test_status_tells_what_serves_what_brought_it_what_runs_and_what_was_before() -> None:
    world = served_three()
    world.deployments.append(running(current="3", target="9", description=marked(92)))
    world.advance(5.0)
    run = go(world, command="status")
    (told_,) = run.said(e.StatusReported)
    assert isinstance(told_, e.StatusReported)
    assert [entry.deployment_id for entry in told_.history] == ["d-OTHER", B, A]
    assert told_.running == told_.history[0]
    assert told_.served_by == told_.history[1]
    assert told_.alias.shares == {"3": 90.0, "9": 10.0}
    assert (did(run), end(run)) == ("Gather", (Outcome.REPORTED, (NothingWritten(),)))


def served_by(*past: Running, alias_version: str) -> str:
    run = go(Account(alias_version=alias_version, deployments=list(past)), command="status")
    (told_,) = run.said(e.StatusReported)
    assert isinstance(told_, e.StatusReported)
    assert told_.running is None
    return told_.served_by.deployment_id if told_.served_by else ""


def test_what_an_automatic_rollback_brought_back_is_served_by_the_deployment_that_had_brought_it_first() -> None:
    first_, failed = over(A, "1", "2", at=-900.0), over(B, "2", "3", at=-800.0, good=False)
    back_ = over(C, "3", "2", at=-700.0, creator=CREATOR_ROLLBACK, rollback_of=B)
    assert served_by(first_, failed, back_, alias_version="2") == A
    assert served_by(failed, back_, alias_version="2") == C, "where that is not in the history any more"
    assert served_by(first_, failed, back_, alias_version="3") == ""
    assert served_by(first_, over(B, "1", "2", at=-800.0), alias_version="2") == B


WHERE = {"account": "123456789012", "region": "eu-central-1"}


def test_status_without_a_deployment_to_follow_reports_at_once() -> None:
    run = go(served_three(), command="status", wait="true")
    assert (did(run), end(run)) == ("Gather", (Outcome.REPORTED, (NothingWritten(),)))


def test_status_follows_the_end_of_one_that_is_named_and_over() -> None:
    run = go(served_three(), command="status", wait="true", deployment_id=B)
    assert (did(run), end(run)) == ("Gather Look LookAlias", (Outcome.SUCCEEDED, (Serves(serves=(("3", 100.0),)),)))


@pytest.mark.parametrize(
    ("gone", "said"),
    [
        ({"latest": None, "alias": None}, FunctionMissing(function="checkout", **WHERE)),
        ({"alias": None}, AliasMissing(function="checkout", alias="live", others="", region="eu-central-1")),
        ({"group": None}, GroupMissing(application="app", group="group", groups="", applications="", **WHERE)),
    ],
)
def test_status_of_what_does_not_exist_says_what_that_is(gone: dict[str, Any], said: Reason) -> None:
    run = go(Account(told=lambda facts: replace(facts, **gone)), command="status")
    assert (did(run), run.result.outcome, run.result.reasons) == ("Gather", Outcome.REFUSED, (said,))
    assert findings(run) == [said]
    assert run.said(e.StatusReported) == []


@pytest.mark.parametrize(
    ("policy", "asked", "split"),
    [("rollback", [(0.1, "d-DEPLOY000", True)], ""), ("stop", [(0.1, "d-DEPLOY000", False)], "1=90,2=10")],
)
def test_the_post_step_stops_what_the_main_step_has_left(
    policy: str, asked: list[tuple[float, str, bool]], split: str
) -> None:
    """Whatever the group says of stop requests: the stop says it."""
    run = killed(30.0, world=Account(rollback_events=ON_FAILURE), on_cancel=policy)
    assert (did(run), stops(run)) == ("Gather Stop Look LookAlias", asked)
    why = [event.why for event in run.events if isinstance(event, e.StopRequested)]
    assert why == [MainStepEnded()]
    assert len(run.said(e.Planned)) == 1
    assert (run.result.outcome, run.result.live_weights, run.result.settled) == (Outcome.CANCELLED, split, True)


def test_the_post_step_leaves_what_is_to_be_left_and_says_what_serves() -> None:
    run = killed(30.0, on_cancel="leave")
    assert (did(run), end(run)) == (
        "Gather LookAlias",
        (Outcome.CANCELLED, (LeftRunning(deployment="d-DEPLOY000", where=where(), serves=(("1", 90.0), ("2", 10.0))),)),
    )


def test_the_post_step_does_not_take_back_what_takes_a_version_back() -> None:
    """A release's reversal, say: its deployment is a rollback, and stopping it would bring the bad version back."""
    world = Account(versions={"1": "old", "2": "new"}, alias_version="2", routing=CANARY)
    given: dict[str, Any] = {
        "command": "rollback",
        "reason": "x",
        "version": "1",
        "force": "true",
        "on_cancel": "rollback",
    }
    run = killed(30.0, world=world, deployment_config="CodeDeployDefault.LambdaCanary10Percent5Minutes", **given)
    assert (did(run), stops(run)) == ("Gather LookAlias", [])
    assert run.result.reason_code == "left-running"


@pytest.mark.parametrize(("policy", "asked"), [("rollback", []), ("stop", [(0.1, "d-DEPLOY002", False)])])
def test_the_post_step_stops_a_rollback_only_where_a_plain_stop_is_wanted(
    policy: str, asked: list[tuple[float, str, bool]]
) -> None:
    given = {"reason": "bad", "deployment_config": "config", "on_cancel": policy}
    run = killed(30.0, world=served_three(), command="rollback", **given)  # type: ignore[arg-type]
    assert stops(run) == asked
    assert (run.result.outcome, run.result.live_weights) == (Outcome.CANCELLED, "3=90,2=10")


def test_the_post_step_knows_the_versions_of_a_deployment_that_has_no_target_yet() -> None:
    """Killed while the creation was under way: what the main step had planned is in the state."""
    run = killed(0.205)
    (begins,) = run.said(e.DeploymentStarted)
    assert isinstance(begins, e.DeploymentStarted)
    assert (begins.current_version, begins.target_version) == ("1", "2")
    assert (run.result.outcome, run.result.previous_version) == (Outcome.CANCELLED, "1")


def test_the_post_step_looks_for_a_minute_for_a_deployment_that_was_being_created() -> None:
    run = killed(0.2005)
    assert (at(run, a.Gather), end(run)) == (
        [round(5.1 * n, 3) for n in range(13)],
        (Outcome.CANCELLED, (NothingCreated(),)),
    )


def test_the_post_step_does_not_look_again_for_a_deployment_that_it_knows_by_its_id() -> None:
    main = Run(Account(), first(inputs(), context()), weather=STEADY)
    until(main.world, main, 30.0)  # type: ignore[arg-type]
    main.world.told = lambda facts: replace(facts, subject=None)  # type: ignore[union-attr]
    run = post_step(main, weather=STEADY, killed=True)
    assert run is not None
    assert (at(run, a.Gather), run.result.outcome) == ([0.0], Outcome.CANCELLED)


def test_the_post_step_counts_in_real_seconds_from_its_own_beginning() -> None:
    """On a clock that runs twice as fast, and began half a minute ago."""
    given = replace(inputs(), command=Command.FINISH.value)
    job = Job(inputs=given, context=context(), search=True, began=-30.0)
    rollout = Rollout.first(job, "0badcafe", second=2.0)
    world = Account()
    run = Run(world, rollout, weather=STEADY)
    play_together(world, run)
    assert at(run, a.Gather) == [round(10.1 * n, 3) for n in range(10)]


@pytest.mark.parametrize("policy", ["rollback", "stop", "leave"])
def test_the_post_step_leaves_a_deployment_of_another_function_alone_whatever_the_state_says(policy: str) -> None:
    """A state that names it, or a description that carries our marker, makes it no deployment of ours."""
    main = Run(Account(), first(inputs(on_cancel=policy), context()), weather=STEADY)
    until(main.world, main, 30.0)  # type: ignore[arg-type]
    (deployment,) = main.world.deployments  # type: ignore[union-attr]
    deployment.function = "other"
    run = post_step(main, weather=STEADY, killed=True)
    assert run is not None
    assert (did(run), end(run)) == (
        "Gather",
        (Outcome.CANCELLED, (OthersLeftAlone(deployment="d-DEPLOY000", of="checkout:live"),)),
    )


@pytest.mark.parametrize(("policy", "repairs"), [("rollback", 1), ("stop", 0)])
def test_the_post_step_sees_to_the_rollback_of_what_the_main_step_had_stopped(policy: str, repairs: int) -> None:
    world = Account(rollback_to="nowhere", rollback_events=ON_FAILURE)
    main = go(world, signals=(30.0,), on_cancel=policy)
    run = post_step(main, weather=STEADY, killed=True)
    assert run is not None
    assert (run.count(a.Stop), run.count(a.RepairAlias)) == (0, repairs)
    assert (run.result.live_version, run.result.live_weights) == ("1", "" if repairs else "1=90,2=10")


# --- deploy ---


def test_the_name_of_the_resource_in_the_users_own_appspec_is_kept() -> None:
    world = Account()
    run = Run(world, but(first(inputs(), context()), logical_name="MyFunction"), weather=STEADY)
    play_together(world, run)
    assert len(run.said(e.Planned)) == 1
    (stored,) = run.said(e.RevisionStored)
    assert isinstance(stored, e.RevisionStored)
    assert '"MyFunction": {' in stored.content


@pytest.mark.parametrize("deployments", [[], [running()]])
def test_what_no_waiting_will_change_is_refused_at_once(deployments: list[Running]) -> None:
    run = go(Account(tags={tag("live"): "by bob - bad"}, deployments=deployments))
    assert (did(run), end(run)) == (
        "Gather",
        (Outcome.REFUSED, (Held(function="checkout", alias="live", hold="by bob - bad"),)),
    )
    assert findings(run) == [Held(function="checkout", alias="live", hold="by bob - bad")]


def test_every_refusal_is_said_and_every_remedy_once() -> None:
    given = {"before_allow_traffic": "CodeDeployHook_a", "after_allow_traffic": "CodeDeployHook_b"}
    run = go(Account(hooks={name: Known(None) for name in given.values()}), **given)  # type: ignore[arg-type]
    shown = run.said(e.Planned)[-1]
    assert isinstance(shown, e.Planned)
    refusals = shown.plan.refusals
    assert len(refusals) == 2
    assert run.result.reasons == (
        HookMissing(hook="CodeDeployHook_a", input_name="before-allow-traffic"),
        HookMissing(hook="CodeDeployHook_b", input_name="after-allow-traffic"),
    )
    assert run.result.remedy == " ".join(dict.fromkeys(refusal.remedy for refusal in refusals))


def test_what_is_served_already_is_unchanged() -> None:
    run = go(Account(latest_sha="old"))
    assert (did(run), end(run)) == ("Gather", (Outcome.UNCHANGED, (SameContent(version="1", holds="`$LATEST`"),)))
    assert len(run.said(e.Planned)) == 1


def test_who_we_are_is_told_once_however_often_is_read() -> None:
    run = go(begun())
    assert run.count(a.Gather) == 2, "once what was waited for ended well there is nothing more to wait for"
    assert isinstance(run.events[0], e.Identified)
    assert [event.identity for event in run.events if isinstance(event, e.Identified)] == [IDENTITY]


def test_facts_that_come_late_decide_nothing() -> None:
    world = Account()
    run = Run(world, first(inputs(), context()), weather=STEADY)
    until(world, run, 30.0)
    ((_, gather),) = run.asked(a.Gather)
    facts = world.perform(gather)
    made = step(run.release, a.Done(action=gather, answer=facts), run.now)
    assert (made.release.rollouts, made.actions, made.events) == (run.release.rollouts, (), ())


# --- deploy: what runs in the group ---


def re_run(world: World) -> Run:
    return play(world, inputs(), run=context(attempt=2), marker_id="0badcaf2", weather=STEADY)


def test_what_this_run_created_is_followed_however_it_is_read() -> None:
    world = Account()
    main = Run(world, first(inputs(), context()), weather=STEADY)
    until(world, main, 0.4)
    again = re_run(world)
    assert (did(again), end(again)) == ("Gather Look LookAlias", (Outcome.SUCCEEDED, (Serves(serves=(("2", 100.0),)),)))
    (begins,) = again.said(e.DeploymentStarted)
    assert isinstance(begins, e.DeploymentStarted)
    assert (begins.attached, begins.deployment_id, begins.current_version) == (True, "d-DEPLOY000", "1")
    assert len(again.said(e.Planned)) == 1


@pytest.mark.parametrize("seconds", [30.0, 330.0])
def test_a_re_run_finds_its_own_while_it_shifts_and_when_all_has_shifted(seconds: float) -> None:
    """By then there is nothing new to deploy; its target says that it is the same work."""
    world = Account(hook_seconds=(None, 90.0), told=lambda facts: replace(facts, alarms=Known(())))
    main = Run(world, first(inputs(), context()), weather=STEADY)
    until(world, main, seconds)
    again = re_run(world)
    assert (did(again), end(again)) == ("Gather Look LookAlias", (Outcome.SUCCEEDED, (Serves(serves=(("2", 100.0),)),)))
    assert (again.result.previous_version, again.result.target_version) == ("1", "2")
    # What was found is shown all the same; of what is served already nothing is.
    assert [found.code for found in findings(again)] == (["alarm-missing"] if seconds == 30.0 else [])


@pytest.mark.parametrize(
    ("description", "run_id", "mine"),
    [
        (marked(100, mark="0badcafe"), 100, True),
        (marked(0, mark="0badcafe"), 0, True),  # at a terminal this run's own is known by its marker
        (marked(100), 100, False),  # of this run, and other work
        (marked(99), 100, False),
        (marked(0), 0, False),
        ("by hand", 100, False),
    ],
)
def test_only_this_runs_own_deployment_is_followed_and_another_is_waited_for(
    description: str, run_id: int, mine: bool
) -> None:
    run = go(begun(description=description), run=context(run_id))
    assert waits(run) == ([] if mine else [WaitingForGroup(deployment="d-OTHER", group="group")])
    assert (run.count(a.Create), run.result.target_version) == ((0, "7") if mine else (1, "8"))


@pytest.mark.parametrize(
    ("target", "theirs", "ours", "mine"),
    [("2", 100, 100, True), ("7", 100, 100, False), ("2", 99, 100, False), ("2", 0, 0, False)],
)
def test_the_same_version_by_the_same_run_is_the_same_work(target: str, theirs: int, ours: int, mine: bool) -> None:
    """At a terminal every run is a new one."""
    run = go(begun(target=target, description=marked(theirs)), run=context(ours), version="2")
    assert bool(waits(run)) is not mine


def test_what_carries_our_marker_is_followed_when_its_target_says_that_it_is_ours() -> None:
    """Anybody may write a marker; before it starts a deployment has no target."""
    description = marked(100, mark="0badcafe")
    ours = go(begun(0.0, description=description))
    assert (at(ours, a.Gather), ours.result.deployment_id) == ([0.0, 2.1], "d-OTHER")
    theirs = go(begun(function="other", description=description))
    assert [waited.deployment for waited in waits(theirs)] == ["d-OTHER"]  # type: ignore[attr-defined]
    assert (theirs.result.deployment_id, theirs.count(a.Create)) == ("d-DEPLOY001", 1)


def test_own_and_others_deployment_in_one_group_the_own_is_followed() -> None:
    """CodeDeploy lets only one of a group run; what is read may lag behind."""
    world = begun(0.0, name="d-OURS00000", description=marked(100, mark="0badcafe"))
    world.deployments.append(running(description="by hand", function="other"))
    world.advance(10.0)
    assert go(world).result.deployment_id == "d-OURS00000"


def test_a_release_waits_for_its_own_functions_even_if_it_supersedes_others() -> None:
    world = begun(function="other", description=marked(100, mark="51b11009"))
    rollout = but(first(inputs(on_conflict="supersede"), context()), siblings=frozenset({"51b11009", "0badcafe"}))
    run = Run(world, rollout, weather=STEADY)
    play_together(world, run)
    assert (stops(run), run.result.outcome) == ([], Outcome.SUCCEEDED)


@pytest.mark.parametrize("description", [marked(100, mark="00000000"), "by hand"])
@pytest.mark.parametrize(("function", "expected"), [("checkout", [(0.1, "d-OTHER", True)]), ("other", [])])
def test_only_what_is_known_to_be_of_the_same_function_is_superseded(
    description: str, function: str, expected: list[tuple[float, str, bool]]
) -> None:
    """CodeDeploy would roll the group back to its last revision: another function would stay split."""
    run = go(begun(function=function, description=description), on_conflict="supersede")
    assert (stops(run), run.result.outcome) == (expected, Outcome.SUCCEEDED)
    unreadable = begun(function=function, description=description)
    unreadable.targets_readable = False
    run = go(unreadable, on_conflict="supersede")
    assert (stops(run), run.result.outcome) == ([], Outcome.SUCCEEDED)


# --- deploy: an alias that is split ---


def test_a_split_alias_is_refused_or_repaired_first() -> None:
    refused = go(Account(alias_weights=SPLIT))
    assert (at(refused, a.Gather), end(refused)) == (
        [0.0],
        (Outcome.REFUSED, (split_from("1"),)),
    )
    repaired = go(Account(alias_weights=SPLIT), repair_alias="always")
    assert did(repaired) == "Gather RepairAlias Gather Publish Create Look LookAlias"
    assert end(repaired) == SUCCEEDED_AT["2"]


def test_a_repair_is_tried_once() -> None:
    def still_split(facts: Facts) -> Facts:
        assert facts.alias is not None
        return replace(facts, alias=replace(facts.alias, weights=SPLIT))

    run = go(Account(alias_weights=SPLIT, told=still_split), repair_alias="always")
    assert (did(run), end(run)) == (
        "Gather RepairAlias Gather",
        (Outcome.REFUSED, (split_from("1"),)),
    )


def test_nothing_is_repaired_where_something_else_refuses_too() -> None:
    run = go(Account(alias_weights=SPLIT), repair_alias="always", current_version="5")
    assert (did(run), run.result.outcome) == ("Gather", Outcome.REFUSED)


def test_restore_alias_is_no_repair_before_a_deployment() -> None:
    assert did(go(Account(alias_weights=SPLIT), repair_alias="auto")) == "Gather"


def test_after_somebodys_deployment_that_failed_its_rollback_is_awaited() -> None:
    world = begun(rollback_events=ON_ALARM)
    world.alarm_at, world.rollback_delay = 30.0, 20.0
    run = go(world)
    assert (run.result.outcome, run.result.target_version, run.count(a.RepairAlias)) == (Outcome.SUCCEEDED, "8", 0)


def test_a_rollback_that_never_appears_is_awaited_for_a_minute() -> None:
    world = begun()
    world.alarm_at, world.rollback_to = 30.0, "nowhere"
    run = go(world)
    first_, *again = at(run, a.Gather)[1:]
    assert again == [round(first_ + 5.1 * n, 3) for n in range(1, 13)]
    assert (run.result.outcome, run.result.live_version, run.result.live_weights) == (
        Outcome.REFUSED,
        "1",
        "1=90,7=10",
    )
    assert run.result.reasons == (replace(split_from("1"), shares=(("1", 90.0), ("7", 10.0))),)


# --- deploy: older and newer runs ---

OLDER = OlderRun(of="checkout:live", run=100, newer=200, deployment="d-NEWER")


@pytest.mark.parametrize(
    ("marker", "commit", "goes_back"),
    [
        ({"sha": "0123456789abcdef"}, "0123456", False),
        ({}, "", False),
        ({"kind": "rollback", "sha": "0123456789abcdef"}, "0123456", True),
    ],
)
def test_an_older_run_does_not_overwrite_a_newer_one(marker: dict[str, str], commit: str, goes_back: bool) -> None:
    newer = over("d-NEWER", "1", "1", description=marked(200, **marker))
    run = go(Account(deployments=[newer]))
    older = replace(OLDER, commit=commit, back=goes_back)
    assert (did(run), end(run)) == ("Gather", (Outcome.REFUSED, (older,)))
    assert findings(run) == [older]


@pytest.mark.parametrize(
    ("newer", "run_id", "given"),
    [
        (over("d-NEWER", "1", "1", description=marked(200)), 100, {"force": "true"}),
        (over("d-NEWER", "1", "1", description=marked(200)), 0, {}),  # at a terminal there is no order
        (over("d-NEWER", "1", "1", description=marked(100)), 100, {}),
        (over("d-NEWER", "1", "1", description=marked(200), good=False), 100, {}),
        (over("d-NEWER", "1", "1", description=marked(200), function="other"), 100, {}),
        (over("d-NEWER", "1", "1", description="by hand"), 100, {}),
    ],
)
def test_what_is_no_newer_run_of_this_function_that_serves_is_deployed_over(
    newer: Running, run_id: int, given: dict[str, str]
) -> None:
    run = go(Account(deployments=[newer]), run=context(run_id), **given)  # type: ignore[arg-type]
    assert end(run) == (Outcome.SUCCEEDED, (Serves(serves=(("2", 100.0),)),))


@pytest.mark.parametrize("state", [DeploymentStatus.STOPPED, DeploymentStatus.FAILED])
def test_a_newer_run_that_came_to_nothing_does_not_hide_one_that_did_not(state: DeploymentStatus) -> None:
    served, ended = (over("d-NEWER", "1", "1", description=marked(200)) for _ in range(2))
    ended.id, ended.status = "d-NEWEST0", state
    by_hand = over("d-HAND0000", "1", "1")
    other = over("d-OTHERFUN", "1", "1", description=marked(300), function="other")
    run = go(Account(deployments=[served, ended, by_hand, other]))
    assert end(run) == (Outcome.REFUSED, (OlderRun(of="checkout:live", run=100, newer=200, deployment="d-NEWER"),))


def test_a_newer_run_whose_target_cannot_be_read_counts() -> None:
    newer = over("d-NEWER", "1", "1", description=marked(200))
    assert go(Account(deployments=[newer], targets_readable=False)).result.outcome is Outcome.REFUSED


# --- deploy: releases of several functions ---


def release(*worlds: Account, **given: str) -> Run:
    """A deployment of one function for each world, planned together."""
    for world in worlds:
        world.name = world.function
    siblings = frozenset(f"{n:08}" for n, _ in enumerate(worlds))
    rollouts = [
        but(
            first(inputs(function=world.function, deployment_group=world.function, **given), context(), f"{n:08}"),
            cleared=False,
            siblings=siblings,
        )
        for n, world in enumerate(worlds)
    ]
    together = Worlds(*worlds)
    run = Run(together, *rollouts, weather=STEADY)
    play_together(together, run)  # type: ignore[arg-type]
    return run


def actions(run: Run, key: str) -> str:
    return " ".join(name for name, _ in groupby(type(one).__name__ for _, one in run.actions if one.key == key))


def test_nothing_of_a_release_is_written_before_all_of_it_is_planned() -> None:
    run = release(Account(function="a"), Account(function="b"))
    assert [type(action).__name__ for _, action in run.actions][:4] == ["Gather", "Gather", "Publish", "Publish"]
    assert [result.outcome for result in run.concluded.results] == [Outcome.SUCCEEDED] * 2
    assert len(run.said(e.Planned)) == 2


def test_one_function_of_a_release_that_is_refused_ends_all_of_it() -> None:
    held = Account(function="b", tags={tag("live"): "by bob - bad"})
    run = release(Account(function="a"), held)
    assert did(run) == "Gather"
    assert [result.outcome for result in run.concluded.results] == [Outcome.REFUSED] * 2


def busy(function: str, **more: Any) -> Account:
    world = Account(function=function, versions={"1": "old", "7": "seven"})
    world.deployments.append(running(function=function, **more))
    world.advance(5.0)
    return world


@pytest.mark.parametrize(
    ("description", "policy", "waits_"),
    [("by hand", "wait", True), *((marked(100, mark="00000001"), policy, False) for policy in ("wait", "fail"))],
)
def test_a_function_of_a_release_that_has_a_deployment_running_is_read_again_when_it_is_its_turn(
    description: str, policy: str, waits_: bool
) -> None:
    """Its own is followed then, and another's waited for: not while the others are being planned."""
    run = release(Account(function="a"), busy("b", description=description), on_conflict=policy)
    assert at(run, a.Publish)[0] == 0.1
    assert actions(run, "b:live").startswith("Gather Look Gather Publish" if waits_ else "Gather LookAlias")
    assert run.count(a.Gather) == (4 if waits_ else 3)
    assert [result.outcome for result in run.concluded.results] == [Outcome.SUCCEEDED] * 2
    assert [type(action).__name__ for _, action in run.actions][:2] == ["Gather", "Gather"]


def test_where_a_conflict_fails_a_release_is_refused_before_anything_is_written() -> None:
    run = release(Account(function="a"), busy("b"), on_conflict="fail")
    assert did(run) == "Gather"
    assert run.concluded.results[1].reasons == (GroupBusy(deployment="d-OTHER", group="b"),)
