"""Until the deployment exists: conflicts, the hold, the revision, and a creation that is never repeated blindly.

Where it matters in which order answers come, or that one comes twice or late, they are given by hand.
"""

from __future__ import annotations

import json
from dataclasses import replace
from itertools import pairwise

import pytest

from ci_deploy.core.aws import (
    Alarm,
    AlarmConfiguration,
    CreateRequest,
    Deployment,
    DeploymentStatus,
    FunctionVersion,
    InlineContent,
    Known,
    RollbackEvent,
    S3Location,
)
from ci_deploy.core.errors import AwsError, ErrorKind
from ci_deploy.core.given.files.appspec import sha256
from ci_deploy.core.given.inputs import Inputs
from ci_deploy.core.machine import actions as a
from ci_deploy.core.machine.release import Release, step
from ci_deploy.core.machine.rollout import Rollout, Turn
from ci_deploy.core.machine.stages.preparing import creating, not_created
from ci_deploy.core.machine.state.attempt.wait import Wait
from ci_deploy.core.machine.state.place import Stage
from ci_deploy.core.marker import Marker, key_of, parse, write
from ci_deploy.core.plan.comparing import fingerprint
from ci_deploy.core.plan.planning import Facts
from ci_deploy.core.reasons.aws import AwsConflict, AwsDenied, AwsUnreachable
from ci_deploy.core.reasons.ending.deploying import (
    AlarmsStayOn,
    CancelledBefore,
    CreationInDoubt,
    ForeignObject,
    HoldNotSet,
    NotCreated,
    NotWaitedFor,
)
from ci_deploy.core.reasons.ending.stopping import Superseded
from ci_deploy.core.reasons.preflight.deciding import GroupBusy, GroupBusyTooLong, WaitingForAccount, WaitingForGroup
from ci_deploy.core.result import Finding, Result, Severity
from ci_deploy.core.run import Command, Context, Outcome
from ci_deploy.core.story import events as e
from tests.support.machine.playing import Run, Weather, first, play, play_together, until
from tests.support.machine.states import but
from tests.support.machine.world import ALL_EVENTS, AT_ONCE, CANARY, Running, World, context, inputs
from tests.support.reasons import Said, aws, refused, where

UNREACHABLE, THROTTLED, DENIED = ErrorKind.UNREACHABLE, ErrorKind.THROTTLED, ErrorKind.DENIED
CONFLICT, REJECTED, EXPIRED = ErrorKind.CONFLICT, ErrorKind.REJECTED, ErrorKind.EXPIRED
ROLLBACK = {"command": "rollback", "reason": "orders are lost", "version": "1", "force": "true"}
ANSWERED = object()


def error(kind: ErrorKind, operation: str = "codedeploy:CreateDeployment") -> AwsError:
    return AwsError(kind, operation=operation, code=f"{kind.value.title()}Exception", message="so it is.")


class Desk:
    """A release whose answers are given by hand: in any order, twice, or never."""

    def __init__(self, given: Inputs | None = None, world: World | None = None, run: Context | None = None) -> None:
        self.world = world or World()
        given = given or inputs()
        rollout = first(given, run or context())
        self.release = Release(command=Command(given.command), rollouts=(rollout,))
        self.now = 0.0
        self.open: list[a.Action] = []  # asked for and not answered
        self.asked: list[a.Action] = []
        self.events: list[e.Event] = []
        self.wake: float | None = 0.0

    def see(self, observation: a.Observation) -> None:
        made = step(self.release, observation, self.now)
        self.release, self.wake = made.release, made.look_again_at
        self.open += made.actions
        self.asked += made.actions
        self.events += made.events

    def until(self, kind: type[a.Action], leaving: tuple[type[a.Action], ...] = ()) -> a.Action:
        """Let time pass, and answer everything else but what is to be left, until something is asked for."""
        for _ in range(1000):
            for action in self.open:
                if isinstance(action, kind):
                    return action
            if answered := [action for action in self.open if not isinstance(action, leaving)]:
                self.answer(type(answered[0]))
            else:
                assert self.wake is not None, f"it is over: {self.result}"
                self.wait(self.wake - self.now)
        raise AssertionError(f"{kind.__name__} was never asked for")

    def wait(self, seconds: float) -> None:
        self.now += max(0.0, seconds)
        self.world.advance(max(self.world.now, self.now))
        self.see(a.Tick())

    def _take(self, kind: type[a.Action]) -> a.Action:
        action = next(action for action in self.open if isinstance(action, kind))
        self.open.remove(action)
        return action

    def answer(self, kind: type[a.Action], answer: object = ANSWERED) -> a.Done:
        """With what the world says, or with something else."""
        action = self._take(kind)
        said = self.world.perform(action) if answer is ANSWERED else answer
        done = a.Done(action=action, answer=said)  # type: ignore[arg-type]
        self.see(done)
        return done

    def fail(self, kind: type[a.Action], why: ErrorKind) -> a.Failed:
        failed = a.Failed(action=self._take(kind), error=error(why))
        self.see(failed)
        return failed

    def cancel(self) -> None:
        self.see(a.Cancelled(signal="SIGINT", second=1.0))

    @property
    def r(self) -> Rollout:
        return self.release.rollouts[0]

    @property
    def result(self) -> Result:
        assert self.r.result is not None
        return self.r.result

    def count(self, kind: type[a.Action]) -> int:
        return sum(isinstance(action, kind) for action in self.asked)

    def said(self, kind: type[e.Event]) -> list[e.Event]:
        return [event for event in self.events if isinstance(event, kind)]


def other(**more: object) -> Running:
    return Running(id="d-OTHER", created=0.0, current="1", target="7", routing=CANARY, **more)  # type: ignore[arg-type]


def theirs(**more: object) -> World:
    """A world in which somebody else's deployment runs; 310 s if nothing interferes."""
    return World(deployments=[other(**more)], routing=AT_ONCE, versions={"1": "old", "7": "seven"})


# --- Facts ---


def test_facts_are_asked_for_with_what_they_are_about() -> None:
    desk = Desk(inputs(command="stop", deployment_id="d-ABC123DEF"), run=context(77))
    desk.wait(0)
    given = desk.r.inputs
    assert desk.open == [a.Gather(key="checkout:live", inputs=given, run_id=77, subject="d-ABC123DEF", marker_id="")]


def test_what_cannot_be_read_ends_the_run_before_anything_is_written() -> None:
    desk = Desk()
    desk.until(a.Gather)
    desk.fail(a.Gather, UNREACHABLE)
    assert (desk.result.outcome, desk.result.reasons) == (
        Outcome.ERROR,
        (AwsUnreachable(operation="codedeploy:CreateDeployment", error="UnreachableException", message="so it is."),),
    )
    assert desk.count(a.Gather) == 1


def test_another_account_than_the_one_given_is_refused_with_what_to_do() -> None:
    desk = Desk()
    desk.until(a.Gather)
    gather = desk.open[0]
    desk.see(a.Failed(action=gather, error=refused("These are another account's.", "Check the role.")))
    assert (desk.result.outcome, desk.result.reasons) == (
        Outcome.REFUSED,
        (Said(code="refused", said="These are another account's.", advice="Check the role."),),
    )


def test_an_answer_to_the_reading_that_comes_late_changes_nothing() -> None:
    desk = Desk()
    gather = desk.until(a.Gather)
    desk.until(a.Create)
    before = desk.r
    desk.see(a.Failed(action=gather, error=error(DENIED)))
    assert desk.r == before


@pytest.mark.parametrize("kind", [a.Gather, a.Look, a.Tag, a.Upload, a.Create, a.Find])
def test_what_takes_long_is_not_asked_for_twice(kind: type[a.Action]) -> None:
    given = {a.Tag: {**ROLLBACK, "hold": "set"}, a.Upload: {"bucket": "mine"}}
    desk = Desk(inputs(**given.get(kind, {})), world=theirs() if kind is a.Look else Stored(routing=AT_ONCE))
    if kind is a.Find:
        desk = doubt()
    desk.until(kind)
    before = desk.count(kind)
    desk.wait(60.0)
    assert desk.count(kind) == before


# --- Another deployment is running ---


def test_another_deployment_is_waited_for_and_everything_is_read_anew() -> None:
    run = play(theirs())
    (waiting,) = run.said(e.Waiting)
    assert isinstance(waiting, e.Waiting)
    assert waiting.what == WaitingForGroup(deployment="d-OTHER", group="group")
    assert (waiting.deployment_id, waiting.until) == ("d-OTHER", waiting.at + 3600.0)
    assert (run.result.outcome, run.result.previous_version) == (Outcome.SUCCEEDED, "7")
    assert run.count(a.Stop) == 0
    looks = [action for _, action in run.asked(a.Look) if isinstance(action, a.Look) and "d-OTHER" in action.ids]
    assert looks[0] == a.Look(key="checkout:live", ids=("d-OTHER",), with_targets=frozenset())
    assert len(looks) < 40


def test_waiting_looks_soon_at_first_and_then_every_quarter_of_a_minute() -> None:
    run = play(theirs(), weather=Weather(delays=(0.0, 0.0)))
    looks = [at for at, action in run.asked(a.Look) if isinstance(action, a.Look) and "d-OTHER" in action.ids]
    pauses = [round(later - at, 3) for at, later in pairwise(looks)]
    assert looks[0] == 2.0
    assert pauses[:6] == [2.0, 2.0, 2.0, 2.0, 2.5, 3.125]
    assert set(pauses[15:]) == {15.0}


def test_the_pauses_are_measured_from_the_beginning_of_the_waiting() -> None:
    desk = Desk(world=theirs(hook_seconds=(1e6, None)))
    desk.now = 1000.0
    desk.until(a.Look)
    assert desk.now == 1002.0
    desk.answer(a.Look)
    assert desk.r.place.again_at == 1004.0


def test_of_a_look_that_several_share_only_the_one_that_is_waited_for_counts() -> None:
    desk = Desk(world=theirs())
    desk.until(a.Look)
    over = Deployment(id="d-THIRD", status=DeploymentStatus.SUCCEEDED)
    desk.answer(a.Look, (over, Deployment(id="d-OTHER", status=DeploymentStatus.IN_PROGRESS)))
    assert desk.r.stage is Stage.WAITING


def test_after_what_failed_the_alias_is_given_time_to_be_rolled_back() -> None:
    """It is split, and nothing runs, until the rollback deployment appears: no reason to refuse."""
    world = World(deployments=[other(rollback_events=ALL_EVENTS)], alarm_at=60.0, rollback_delay=20.0)
    run = play(world)
    assert (run.result.outcome, run.result.previous_version) == (Outcome.SUCCEEDED, "1")


def test_a_busy_group_is_waited_for_however_often_somebody_else_is_quicker() -> None:
    """As in a release of many functions in one group: that they come and go explains every conflict."""
    desk = Desk(world=World(routing=AT_ONCE), given=inputs(timeout="3h"))
    for number in range(40):
        desk.until(a.Create)
        going = Running(
            id=f"d-{number}", created=desk.now, current="1", target="1", routing=AT_ONCE, hook_seconds=(9, 9)
        )
        desk.world.deployments.append(going)
        desk.fail(a.Create, CONFLICT)
        desk.until(a.Look)
        assert desk.r.wait.other == f"d-{number}"
    desk.until(a.Create)
    desk.answer(a.Create)
    assert (desk.r.stage, desk.r.wait.other) == (Stage.FOLLOWING, "")


def test_a_rollback_that_runs_is_called_one() -> None:
    world = theirs(creator="codeDeployRollback")
    run = play(world, inputs(on_conflict="supersede"))
    (waiting,) = run.said(e.Waiting)
    assert isinstance(waiting, e.Waiting)
    assert waiting.what == WaitingForGroup(deployment="d-OTHER", group="group", rollback=True)
    assert run.count(a.Stop) == 0


def test_a_manual_rollback_is_not_superseded_either() -> None:
    description = f"ci-deploy/1 id=0badbeef run=1.1 key={'a' * 16} sha= kind=rollback"
    run = play(theirs(description=description), inputs(on_conflict="supersede"))
    assert run.count(a.Stop) == 0
    assert run.result.outcome is Outcome.SUCCEEDED


def test_on_conflict_fail_says_who_runs_and_what_to_do() -> None:
    run = play(theirs(), inputs(on_conflict="fail"))
    assert (run.result.outcome, run.result.reasons) == (
        Outcome.REFUSED,
        (GroupBusy(deployment="d-OTHER", group="group"),),
    )
    assert [type(action).__name__ for _, action in run.actions] == ["Gather"]


@pytest.mark.parametrize(
    ("given", "until"),
    [
        ({}, 3600.0),
        ({"before_allow_traffic": "a", "after_allow_traffic": "b"}, 7800.0),
        ({"timeout": "50s"}, 50.0),
    ],
)
def test_it_waits_an_hour_or_as_long_as_it_would_for_its_own_and_no_longer_than_it_is_told(
    given: dict[str, str], until: float
) -> None:
    world = World(deployments=[other(hook_seconds=(1e6, None))], routing=AT_ONCE)
    run = play(world, inputs(**given), weather=Weather(delays=(0.0, 0.0)))
    (waiting,) = run.said(e.Waiting)
    assert isinstance(waiting, e.Waiting)
    assert waiting.until == until
    assert until <= run.result.duration_seconds <= until + 0.1
    assert (run.result.outcome, run.result.reasons) == (
        Outcome.REFUSED,
        (GroupBusyTooLong(deployment="d-OTHER", group="group"),),
    )


def in_turn(world: World, weather: Weather, **given: str) -> Run:
    """A run whose release has another function, which deploys in the same group already (`d-OTHER`)."""
    mark = "51b11009"
    world.deployments[0] = replace(
        world.deployments[0], description=write(Marker(id=mark, run_id=100, attempt=1, key="0" * 16))
    )
    return Run(world, but(first(inputs(**given), context()), siblings=frozenset({mark, "0badcafe"})), weather=weather)


def limits(run: Run) -> list[float | None]:
    return [waiting.until for waiting in run.said(e.Waiting) if isinstance(waiting, e.Waiting)]


def test_functions_of_a_release_take_turns_in_their_group_however_long_the_others_take() -> None:
    """Each of them ends by its own time limit, which begins when its deployment does; a stranger in between is one."""
    run = in_turn(World(deployments=[other(hook_seconds=(20_000.0, None))]), Weather(delays=(0.0, 0.0)), timeout="10m")
    play_together(run.world, run)
    assert (limits(run), run.result.outcome) == ([None], Outcome.SUCCEEDED)

    run = in_turn(World(deployments=[other()]), Weather(delays=(0.0, 0.0)), timeout="10m")
    until(run.world, run, 100.0)
    run.world.deployments.append(
        replace(other(hook_seconds=(20_000.0, None), function="third"), id="d-STRANGER", created=100.0)
    )
    play_together(run.world, run)
    (no, until_then) = limits(run)
    assert no is None and until_then is not None
    assert abs(run.result.duration_seconds - until_then) < 0.1
    assert (run.result.outcome, "d-STRANGER" in run.result.reason) == (Outcome.REFUSED, True)


def test_without_any_answer_for_an_hour_the_turn_of_another_function_is_not_waited_for() -> None:
    silence = Weather(rates={"Look": 1.0}, kinds=(UNREACHABLE,), delays=(0.0, 0.0))
    run = in_turn(World(deployments=[other(hook_seconds=(20_000.0, None))]), silence)
    play_together(run.world, run)
    assert (len(run.asked(a.Look)), run.result.outcome) == (121, Outcome.ERROR)


def test_after_what_ended_well_it_goes_on_at_once_and_after_what_failed_it_gives_a_rollback_time() -> None:
    def pause(status: DeploymentStatus | None) -> float:
        desk = Desk(world=theirs())
        desk.until(a.Look)
        desk.answer(a.Look, () if status is None else (Deployment(id="d-OTHER", status=status),))
        over = desk.now
        desk.until(a.Gather)
        return round(desk.now - over, 3)

    assert pause(DeploymentStatus.SUCCEEDED) == 0.5
    assert pause(DeploymentStatus.FAILED) == pause(DeploymentStatus.STOPPED) == 5.0
    assert pause(None) == 5.0


def test_what_was_told_to_stop_is_not_told_again_because_it_could_not_be_found_for_a_moment() -> None:
    desk = Desk(inputs(on_conflict="supersede"), world=theirs())
    desk.world.stop_takes = 60.0
    desk.until(a.Look)
    desk.answer(a.Look, ())
    desk.until(a.Look)
    assert (desk.r.wait.other, desk.count(a.Stop)) == ("d-OTHER", 1)


def test_a_deployment_of_ours_that_is_no_rollback_is_superseded_like_any() -> None:
    description = f"ci-deploy/1 id=0badbeef run=1.1 key={'a' * 16} sha="
    run = play(theirs(description=description), inputs(on_conflict="supersede"))
    assert (run.count(a.Stop), run.result.previous_version) == (1, "1")


def test_superseding_stops_it_with_rollback_once_and_says_for_whom() -> None:
    world = theirs()
    world.stop_takes = 30.0
    run = play(world, inputs(on_conflict="supersede"))
    assert run.asked(a.Stop)[0][1] == a.Stop(key="checkout:live", deployment_id="d-OTHER", rollback=True)
    assert run.count(a.Stop) == 1
    (said,) = run.said(e.StopRequested)
    assert isinstance(said, e.StopRequested)
    assert (said.deployment_id, said.rollback, said.why) == ("d-OTHER", True, Superseded(of="checkout:live"))
    assert (run.result.outcome, run.result.previous_version) == (Outcome.SUCCEEDED, "1")


def test_a_stop_that_did_not_arrive_is_decided_anew() -> None:
    weather = Weather(rates={"Stop": 1.0}, kinds=(THROTTLED,), until=3.0)
    run = play(theirs(), inputs(on_conflict="supersede"), weather=weather)
    assert run.count(a.Stop) == 2
    assert run.result.outcome is Outcome.SUCCEEDED


def test_a_stop_that_is_refused_is_said_and_its_end_is_waited_for() -> None:
    weather = Weather(rates={"Stop": 1.0}, kinds=(DENIED,))
    run = play(theirs(), inputs(on_conflict="supersede"), weather=weather)
    (said,) = run.said(e.StopAnswered)
    assert isinstance(said, e.StopAnswered)
    assert (said.deployment_id, said.status, said.message) == ("d-OTHER", "refused", "test:Stop: Fault: weather")
    assert (run.result.outcome, run.result.previous_version, run.count(a.Stop)) == (Outcome.SUCCEEDED, "7", 1)


def test_the_answer_to_the_stop_does_not_make_it_look_twice_at_a_time() -> None:
    desk = Desk(inputs(on_conflict="supersede"), world=theirs())
    desk.until(a.Look, leaving=(a.Stop,))
    desk.answer(a.Stop)
    assert desk.count(a.Look) == 1


def test_a_stop_that_failed_after_the_waiting_is_over_is_only_said() -> None:
    desk = Desk(inputs(on_conflict="supersede"), world=theirs())
    desk.until(a.Look, leaving=(a.Stop,))
    desk.answer(a.Look, (Deployment(id="d-OTHER", status=DeploymentStatus.SUCCEEDED),))
    before = desk.r
    desk.fail(a.Stop, THROTTLED)
    assert (desk.r.stage, desk.r.place.again_at, desk.r.wait.superseded) == (
        Stage.GATHERING,
        before.place.again_at,
        before.wait.superseded,
    )
    assert isinstance(desk.events[-1], e.StopAnswered)


def test_an_answer_about_somebody_who_is_not_waited_for_any_more_changes_nothing() -> None:
    """The stop of the first failed while it was being looked at; by now the second one runs."""
    desk = Desk(inputs(on_conflict="supersede"), world=theirs())
    late = desk.until(a.Look, leaving=(a.Stop,))
    desk.fail(a.Stop, THROTTLED)
    assert (desk.r.stage, desk.r.place.again_at) == (Stage.GATHERING, desk.now + 2.0)
    desk.world.deployments[0] = replace(desk.world.deployments[0], id="d-SECOND")
    desk.until(a.Stop, leaving=(a.Look,))
    assert (desk.r.stage, desk.r.wait.other) == (Stage.WAITING, "d-SECOND")
    desk.answer(a.Stop)
    before = desk.r
    desk.see(a.Done(action=late, answer=(Deployment(id="d-OTHER", status=DeploymentStatus.SUCCEEDED),)))
    assert (desk.r.stage, desk.r.wait.other) == (Stage.WAITING, "d-SECOND")
    assert but(desk.r, kinds=frozenset()) == but(before, kinds=frozenset())


def test_looks_that_fail_are_repeated_while_there_is_time_and_other_errors_end_it() -> None:
    weather = Weather(rates={"Look": 1.0}, kinds=(UNREACHABLE,), lost_answers=0.0, until=60.0)
    assert play(theirs(), weather=weather).result.outcome is Outcome.SUCCEEDED
    for kind, given, least, most in ((DENIED, {}, 0.0, 5.0), (THROTTLED, {"timeout": "50s"}, 50.0, 90.0)):
        run = play(theirs(), inputs(**given), weather=Weather(rates={"Look": 1.0}, kinds=(kind,)))
        assert (run.result.outcome, run.result.reasons) == (
            Outcome.ERROR,
            (aws(kind, "test:Look"),),
        )
        assert least <= run.result.duration_seconds < most


def test_a_look_that_failed_is_repeated_after_a_pause_that_doubles() -> None:
    desk = Desk(world=theirs())
    pauses = []
    for _ in range(3):
        desk.until(a.Look)
        desk.fail(a.Look, UNREACHABLE)
        assert desk.wake is not None
        pauses.append(round(desk.r.place.again_at - desk.now))
    assert pauses == [2, 4, 8]
    desk.until(a.Look)
    desk.answer(a.Look)
    assert desk.r.place.tries == 0


# --- The hold ---


class Tagged(World):
    """Lambda's tags; `tagging` is what setting them fails with, as often as there is one."""

    def __init__(self, tags: dict[str, str] | None = None, tagging: tuple[ErrorKind, ...] = (), **more: object) -> None:
        super().__init__(routing=AT_ONCE, alias_version="2", versions={"1": "old", "2": "new"}, **more)  # type: ignore[arg-type]
        self.tags = dict(tags or {})
        self.tagging = list(tagging)

    def facts(self, action: a.Gather) -> Facts:
        made = super().facts(action)
        assert made.latest is not None
        arn = "arn:aws:lambda:eu-central-1:123456789012:function:checkout:$LATEST"
        return replace(made, latest=replace(made.latest, arn=arn, tags=dict(self.tags)))

    def perform(self, action: a.Action) -> a.Answer:
        if not isinstance(action, a.Tag):
            return super().perform(action)
        if self.tagging:
            raise error(self.tagging.pop(0), "lambda:TagResource")
        if action.value is None:
            del self.tags[action.name]
        else:
            self.tags[action.name] = action.value
        return None


HOLD = "ci-deploy:hold:live"


def test_a_hold_is_set_before_anything_else_and_names_who_why_and_which_run() -> None:
    world = Tagged()
    run = play(world, inputs(**ROLLBACK, hold="set"), run=context(77))
    text = "by alice run 77 - orders are lost"
    assert world.tags == {HOLD: text}
    ((_, tag),) = run.asked(a.Tag)
    arn = "arn:aws:lambda:eu-central-1:123456789012:function:checkout"
    assert tag == a.Tag(key="checkout:live", function_arn=arn, name=HOLD, value=text)
    assert [event.text for event in run.said(e.HoldChanged) if isinstance(event, e.HoldChanged)] == [text]
    assert [type(action).__name__ for _, action in run.actions][:4] == ["Gather", "Tag", "Gather", "Create"]
    assert (run.result.outcome, run.result.live_version) == (Outcome.SUCCEEDED, "1")


def test_a_hold_is_released_before_the_deployment() -> None:
    world = Tagged({HOLD: "by bob"}, latest_sha="fixed")
    run = play(world, inputs(hold="release"))
    assert (world.tags, run.result.outcome, run.count(a.Tag)) == ({}, Outcome.SUCCEEDED, 1)
    assert [event.text for event in run.said(e.HoldChanged) if isinstance(event, e.HoldChanged)] == [""]


def test_a_rollback_does_not_fail_for_want_of_the_hold() -> None:
    world = Tagged(tagging=(DENIED,))
    run = play(world, inputs(**ROLLBACK, hold="set"))
    assert (run.result.outcome, run.result.live_version, world.tags) == (Outcome.SUCCEEDED, "1", {})
    warned = [event.finding for event in run.said(e.Noticed) if isinstance(event, e.Noticed)]
    assert warned == [
        Finding(severity=Severity.WARNING, reason=HoldNotSet(problem="lambda:TagResource: DeniedException: so it is."))
    ]
    assert run.said(e.HoldChanged) == []


def test_a_hold_that_cannot_be_released_ends_the_run() -> None:
    run = play(Tagged({HOLD: "by bob"}, (DENIED,), latest_sha="fixed"), inputs(hold="release"))
    assert (run.result.outcome, run.result.reasons) == (
        Outcome.ERROR,
        (AwsDenied(operation="lambda:TagResource", error="DeniedException", message="so it is."),),
    )


@pytest.mark.parametrize("kind", [THROTTLED, UNREACHABLE, EXPIRED])
def test_setting_it_is_repeated_five_times_and_no_more(kind: ErrorKind) -> None:
    world = Tagged(tagging=(kind,) * 5)
    run = play(world, inputs(**ROLLBACK, hold="set"))
    assert (run.count(a.Tag), list(world.tags), run.said(e.Noticed)) == (6, [HOLD], [])
    world = Tagged(tagging=(kind,) * 6)
    run = play(world, inputs(**ROLLBACK, hold="set"))
    assert (run.count(a.Tag), world.tags, len(run.said(e.Noticed))) == (6, {}, 1)
    assert run.result.outcome is Outcome.SUCCEEDED


def test_between_the_attempts_at_the_hold_there_are_pauses() -> None:
    desk = Desk(inputs(**ROLLBACK, hold="set"), world=Tagged())
    pauses = []
    for _ in range(3):
        desk.until(a.Tag)
        desk.fail(a.Tag, THROTTLED)
        pauses.append(round(desk.r.place.again_at - desk.now))
        assert not desk.open
    assert pauses == [1, 2, 4]


def test_an_answer_about_the_hold_that_comes_twice_says_nothing_new() -> None:
    desk = Desk(inputs(**ROLLBACK, hold="set"), world=Tagged())
    desk.until(a.Tag)
    done = desk.answer(a.Tag)
    before, said = desk.r, len(desk.events)
    desk.see(done)
    desk.see(a.Failed(action=done.action, error=error(DENIED)))
    assert (desk.r, len(desk.events)) == (before, said)


# --- The revision ---


class Stored(World):
    """With a bucket: the AppSpec that is uploaded is what is deployed."""

    content: str = ""

    def perform(self, action: a.Action) -> a.Answer:
        if isinstance(action, a.Upload):
            self.content = action.content
        if isinstance(action, a.Create):
            assert isinstance(action.request.revision, S3Location)
            inline = InlineContent(content=self.content, sha256="")
            return self.create(replace(action.request, revision=inline))
        return super().perform(action)


@pytest.mark.parametrize(
    ("prefix", "path", "tag"),
    [
        ("", "CodeDeploy/checkout/live", False),
        ("CodeDeploy/shop", "CodeDeploy/shop/checkout/live", False),
        ("CodeDeployments", "CodeDeployments/checkout/live", True),
        ("releases", "releases/checkout/live", True),
    ],
)
def test_the_appspec_is_uploaded_under_its_hash_and_tagged_where_the_role_needs_it(
    prefix: str, path: str, tag: bool
) -> None:
    world = Stored(routing=AT_ONCE)
    run = play(world, inputs(bucket=f"mine/{prefix}".rstrip("/")))
    digest = sha256(world.content)
    ((_, upload),) = run.asked(a.Upload)
    assert upload == a.Upload(
        key="checkout:live",
        bucket="mine",
        path=f"{path}/{digest}.json",
        content=world.content,
        owner="123456789012",
        tag=tag,
    )
    (said,) = run.said(e.RevisionStored)
    assert isinstance(said, e.RevisionStored)
    assert (said.location, said.sha256, said.content) == (
        f"s3://mine/{path}/{digest}.json?versionId=v1",
        digest,
        world.content,
    )
    assert (run.result.outcome, run.result.appspec_location) == (Outcome.SUCCEEDED, said.location)


def test_without_a_bucket_it_is_sent_inline() -> None:
    run = play(World(routing=AT_ONCE))
    (said,) = run.said(e.RevisionStored)
    assert isinstance(said, e.RevisionStored)
    assert (said.location, run.count(a.Upload)) == ("inline", 0)
    properties = next(iter(json.loads(said.content)["Resources"][0].values()))["Properties"]
    assert (properties["CurrentVersion"], properties["TargetVersion"]) == ("1", "2")


def test_buckets_must_belong_to_the_account_that_is_named_on_purpose() -> None:
    run = play(Stored(routing=AT_ONCE), inputs(bucket="mine", bucket_owner="999999999999"))
    ((_, upload),) = run.asked(a.Upload)
    assert isinstance(upload, a.Upload)
    assert upload.owner == "999999999999"


class Elsewhere(Stored):
    """Something else is under our key: ours is stored beside it."""

    def perform(self, action: a.Action) -> a.Answer:
        answer = super().perform(action)
        if isinstance(action, a.Upload):
            return S3Location(bucket="mine", key=f"{action.path}-else", version="v1", bundle_type="JSON")
        return answer


def test_an_object_of_others_under_our_key_is_told_and_does_not_stop_us() -> None:
    run = play(Elsewhere(routing=AT_ONCE), inputs(bucket="mine"))
    ((_, upload),) = run.asked(a.Upload)
    assert isinstance(upload, a.Upload)
    assert [event.finding for event in run.said(e.Noticed)] == [
        Finding(
            severity=Severity.WARNING,
            reason=ForeignObject(
                wanted="s3://mine/CodeDeploy/checkout/live/d13a85ea895c6cf6866b0df3fba2cdbe950e05cebdf8c89889ab4563c9faafd8.json",
                location="s3://mine/CodeDeploy/checkout/live/d13a85ea895c6cf6866b0df3fba2cdbe950e05cebdf8c89889ab4563c9faafd8.json-else?versionId=v1",
            ),
        )
    ]
    assert run.result.outcome is Outcome.SUCCEEDED
    assert run.result.appspec_location == f"s3://mine/{upload.path}-else?versionId=v1"


def test_a_rollback_whose_appspec_cannot_be_stored_sends_it_with_the_request() -> None:
    given = inputs(**ROLLBACK, bucket="mine")
    world = World(routing=AT_ONCE, alias_version="2")
    run = play(world, given, weather=Weather(rates={"Upload": 1.0}, kinds=(DENIED,)))
    ((_, create),) = run.asked(a.Create)
    assert isinstance(create, a.Create)
    assert isinstance(create.request.revision, InlineContent)
    assert [event.finding.code for event in run.said(e.Noticed)] == ["appspec-not-stored"]
    assert run.result.outcome is Outcome.SUCCEEDED
    assert run.result.appspec_location == "inline"


def test_an_upload_that_fails_ends_the_run_before_a_deployment() -> None:
    run = play(Stored(routing=AT_ONCE), inputs(bucket="mine"), weather=Weather(rates={"Upload": 1.0}, kinds=(DENIED,)))
    assert (run.result.outcome, run.result.reasons) == (
        Outcome.ERROR,
        (AwsDenied(operation="test:Upload", error="Fault", message="weather"),),
    )
    assert run.world.deployments == []  # type: ignore[union-attr]


def test_an_answer_to_the_upload_that_comes_twice_creates_nothing_twice() -> None:
    desk = Desk(inputs(bucket="mine"), world=Stored(routing=AT_ONCE))
    desk.until(a.Upload)
    desk.wait(60.0)  # an upload that takes long is not begun again
    assert desk.count(a.Upload) == 1
    done = desk.answer(a.Upload)
    desk.until(a.Create)
    before, said = desk.r, len(desk.events)
    desk.see(done)
    desk.see(a.Failed(action=done.action, error=error(DENIED)))
    assert (desk.r, len(desk.events)) == (before, said)


# --- The creation ---


def requested(run: Run) -> CreateRequest:
    ((_, create),) = run.asked(a.Create)
    assert isinstance(create, a.Create)
    return create.request


def test_a_deployment_is_created_with_what_was_planned_and_a_marker() -> None:
    run = play(
        World(routing=AT_ONCE),
        inputs(deployment_config="mine", auto_rollback="alarm", alarms="a\nb"),
        run=replace(context(77, 2), head_sha="feed"),
    )
    made = requested(run)
    assert (made.application, made.group, made.config_name) == ("app", "group", "mine")
    assert made.auto_rollback == (RollbackEvent.ALARM,)
    assert made.override_alarms == AlarmConfiguration(enabled=True, names=("a", "b"))
    mark = parse(made.description)
    assert mark is not None
    latest = FunctionVersion(function="checkout", version="$LATEST", code_sha256="new")
    assert (mark.id, mark.run_id, mark.attempt, mark.sha, mark.kind) == ("0badcafe", 77, 2, "feed", "deploy")
    assert mark.key == key_of("deploy", "checkout", "live", fingerprint(latest))
    assert (mark.by, mark.reason) == ("", "")
    (said,) = run.said(e.Creating)
    assert isinstance(said, e.Creating)
    assert (said.application, said.group, said.marker_id) == ("app", "group", "0badcafe")
    assert (said.current_version, said.target_version) == ("1", "2")


def test_a_rollback_says_in_its_marker_by_whom_and_why() -> None:
    run = play(Tagged(), inputs(**ROLLBACK), run=context(77))
    (began,) = run.said(e.DeploymentStarted)
    assert isinstance(began, e.DeploymentStarted)
    assert (began.reverses, began.attached) == (True, False)
    mark = parse(requested(run).description)
    assert mark is not None
    assert (mark.kind, mark.by, mark.reason) == ("rollback", "alice", "orders are lost")
    assert mark.key == key_of("rollback", "checkout", "live", "1")


def test_a_deployment_is_followed_once_it_exists() -> None:
    desk = Desk(world=World(routing=AT_ONCE))
    desk.until(a.Create)
    done = desk.answer(a.Create)
    assert desk.events[-1] == e.DeploymentStarted(
        at=desk.now,
        key="checkout:live",
        deployment_id="d-DEPLOY000",
        console_url="https://eu-central-1.console.aws.amazon.com/codesuite/codedeploy/deployments/d-DEPLOY000?region=eu-central-1",
        application="app",
        group="group",
        current_version="1",
        target_version="2",
        attached=False,
        reverses=False,
        until=desk.now + 600.0,
    )
    assert (desk.r.stage, desk.r.place.again_at, desk.r.watch.until) == (
        Stage.FOLLOWING,
        desk.now + 2.4,
        desk.now + 600.0,
    )
    assert (desk.r.watch.began, desk.r.contact.seen_at) == (desk.now, desk.now)
    assert desk.r.alias is None
    before = desk.r
    desk.see(replace(done, answer="d-ANOTHER"))
    desk.see(a.Failed(action=done.action, error=error(DENIED)))
    assert desk.r == before


def test_a_deployment_that_runs_already_is_attached_to() -> None:
    run = play(theirs(function="checkout"), inputs(command="stop"))
    (began,) = run.said(e.DeploymentStarted)
    assert isinstance(began, e.DeploymentStarted)
    assert (began.deployment_id, began.attached, began.reverses) == ("d-OTHER", True, False)


def test_a_conflict_that_was_over_by_itself_is_forgotten_once_it_is_created() -> None:
    desk = Desk(world=World(routing=AT_ONCE))
    desk.until(a.Create)
    desk.fail(a.Create, CONFLICT)
    desk.until(a.Create)
    assert desk.r.wait.refused == 1
    desk.answer(a.Create)
    assert desk.r.wait.refused == 0


def test_without_waiting_it_goes_on_by_itself_and_how_to_follow_it_is_said() -> None:
    result = play(World(), inputs(wait="false")).result
    assert (result.outcome, result.deployed, result.deployment_id) == (Outcome.DETACHED, False, "d-DEPLOY000")
    assert result.reasons == (NotWaitedFor(deployment="d-DEPLOY000", where=where()),)
    assert where().follow("d-DEPLOY000") in result.remedy


def test_a_signal_while_it_is_created_stops_it_even_if_nobody_would_have_waited() -> None:
    desk = Desk(inputs(wait="false"))
    desk.until(a.Create)
    desk.cancel()
    desk.answer(a.Create)
    desk.until(a.Stop)
    assert desk.r.stage is Stage.FOLLOWING


@pytest.mark.parametrize("kind", [THROTTLED, EXPIRED])
def test_a_creation_that_had_no_effect_is_repeated_for_five_minutes(kind: ErrorKind) -> None:
    world = theirs()  # until 310 s
    run = play(world, weather=Weather(rates={"Create": 1.0}, kinds=(kind,), until=580.0))
    assert (run.result.outcome, len(world.deployments), run.count(a.Find)) == (Outcome.SUCCEEDED, 2, 0)
    given_up = play(World(), weather=Weather(rates={"Create": 1.0}, kinds=(kind,)))
    assert (given_up.result.outcome, given_up.result.reasons) == (Outcome.ERROR, (aws(kind, "test:Create"),))
    assert 300.0 <= given_up.result.duration_seconds < 345.0


def test_between_creations_that_are_throttled_there_are_pauses() -> None:
    desk = Desk()
    pauses = []
    for _ in range(3):
        desk.until(a.Create)
        desk.fail(a.Create, THROTTLED)
        pauses.append(round(desk.r.place.again_at - desk.now))
    assert pauses == [1, 2, 4]


@pytest.mark.parametrize("kind", [DENIED, REJECTED])
def test_a_creation_that_is_refused_is_not_repeated(kind: ErrorKind) -> None:
    run = play(World(), weather=Weather(rates={"Create": 1.0}, kinds=(kind,)))
    assert (run.result.outcome, run.result.reasons) == (Outcome.ERROR, (aws(kind, "test:Create"),))
    assert (run.count(a.Create), run.count(a.Find)) == (1, 0)


def test_somebody_who_began_in_between_is_waited_for() -> None:
    """CreateDeployment says that the group has an active deployment: that is read, and decided anew."""
    desk = Desk(world=World(routing=AT_ONCE, versions={"1": "old", "7": "seven"}))
    desk.until(a.Create)
    desk.world.deployments.append(other())
    desk.fail(a.Create, CONFLICT)
    refused = desk.now
    desk.until(a.Gather)
    assert desk.now - refused == pytest.approx(2.0)
    desk.until(a.Look)
    assert (desk.r.stage, desk.r.wait.other) == (Stage.WAITING, "d-OTHER")
    desk.until(a.Create)
    assert desk.r.previous_version == "7"


def test_a_limit_that_no_deployment_of_the_group_explains_is_waited_for() -> None:
    """The account's own limit: the answer is the same, and nobody is there to look at. Facts are not read again."""
    run = play(World(), weather=Weather(rates={"Create": 1.0}, kinds=(CONFLICT,), until=1000.0))
    assert run.result.outcome is Outcome.SUCCEEDED
    assert run.count(a.Gather) == 4
    waiting = [event for event in run.events if isinstance(event, e.Waiting)]
    assert [event.what for event in waiting] == [WaitingForAccount(group="group")]
    pauses = [later - at for (at, _), (later, _) in pairwise(run.asked(a.Create)[3:])]
    assert pauses[0] < 8.0
    assert 50.0 < max(pauses) < 70.0


def test_a_signal_ends_the_wait_for_the_accounts_limit() -> None:
    run = play(World(), weather=Weather(rates={"Create": 1.0}, kinds=(CONFLICT,)), signals=(300.0,))
    assert run.result.outcome is Outcome.CANCELLED
    assert run.now < 340.0


def test_the_accounts_limit_is_waited_for_as_long_as_a_deployment_in_the_way() -> None:
    run = play(World(), weather=Weather(rates={"Create": 1.0}, kinds=(CONFLICT,)))
    assert (run.result.outcome, run.result.reasons) == (
        Outcome.ERROR,
        (AwsConflict(operation="test:Create", error="Fault", message="weather"),),
    )
    assert 3600.0 <= run.now < 3700.0


class Ringing(World):
    def facts(self, action: a.Gather) -> Facts:
        return replace(super().facts(action), alarms=Known((Alarm(name="errors", state="ALARM"),)))

    def create(self, request: CreateRequest) -> str:
        if request.override_alarms is not None:
            raise error(DENIED)
        return super().create(request)


def test_a_rescue_is_not_kept_from_by_the_permission_to_silence_alarms() -> None:
    world = Ringing(routing=AT_ONCE, alias_version="2", versions={"1": "old", "2": "new"})
    run = play(world, inputs(**ROLLBACK))
    assert (run.result.outcome, run.result.live_version) == (Outcome.SUCCEEDED, "1")
    sent = [action.request.override_alarms for _, action in run.asked(a.Create) if isinstance(action, a.Create)]
    assert sent == [AlarmConfiguration(enabled=False), None]
    assert [event.finding for event in run.said(e.Noticed) if isinstance(event, e.Noticed)] == [
        Finding(
            severity=Severity.WARNING,
            reason=AlarmsStayOn(problem="codedeploy:CreateDeployment: DeniedException: so it is."),
        )
    ]


def test_only_that_permission_is_done_without_and_only_once() -> None:
    class Rejecting(Ringing):
        def create(self, request: CreateRequest) -> str:
            raise error(REJECTED)

    given = {"routing": AT_ONCE, "alias_version": "2", "versions": {"1": "old", "2": "new"}}
    run = play(Rejecting(**given), inputs(**ROLLBACK))
    assert (run.result.outcome, run.count(a.Create)) == (Outcome.ERROR, 1)
    quiet = play(World(**given), inputs(**ROLLBACK), weather=Weather(rates={"Create": 1.0}, kinds=(DENIED,)))
    assert (quiet.result.outcome, quiet.count(a.Create)) == (Outcome.ERROR, 1)


def test_a_deployment_is_not_created_with_the_alarms_that_were_to_be_ignored() -> None:
    run = play(Ringing(), inputs(alarms="off"))
    assert (run.result.outcome, run.count(a.Create)) == (Outcome.ERROR, 1)


# --- A creation whose answer was lost ---


def doubt(run: Context | None = None) -> Desk:
    """The first creation was not answered."""
    desk = Desk(world=World(routing=AT_ONCE), run=run)
    desk.until(a.Create)
    desk.fail(a.Create, UNREACHABLE)
    return desk


def not_there(desk: Desk, times: int = 4) -> None:
    for _ in range(times):
        desk.until(a.Find)
        desk.answer(a.Find, None)


def test_what_was_created_unheard_is_found_by_its_marker_and_followed() -> None:
    weather = Weather(rates={"Create": 1.0}, kinds=(UNREACHABLE,), lost_answers=1.0)
    world = World(routing=AT_ONCE)
    run = play(world, weather=weather)
    assert (run.result.outcome, len(world.deployments), run.count(a.Create)) == (Outcome.SUCCEEDED, 1, 1)
    assert run.asked(a.Find)[0][1] == a.Find(
        key="checkout:live", application="app", group="group", marker_id="0badcafe"
    )
    (began,) = run.said(e.DeploymentStarted)
    assert isinstance(began, e.DeploymentStarted)
    assert not began.attached


def test_it_is_looked_for_four_times_before_it_is_created_again() -> None:
    desk = doubt()
    failed = desk.now
    desk.until(a.Find)
    assert desk.now - failed == pytest.approx(1.0)
    not_there(desk)
    assert desk.count(a.Create) == 1
    desk.until(a.Create)
    assert (desk.count(a.Find), desk.count(a.Create), len(desk.said(e.Creating))) == (4, 2, 2)


def test_between_the_searches_there_are_pauses() -> None:
    for answer in (None, UNREACHABLE):
        desk = doubt()
        pauses = []
        for _ in range(3):
            desk.until(a.Find)
            if answer is None:
                desk.answer(a.Find, None)
            else:
                desk.fail(a.Find, answer)
            pauses.append(round(desk.r.place.again_at - desk.now))
        assert pauses == [1, 2, 4]


def test_four_creations_without_an_answer_or_an_effect_are_enough() -> None:
    run = play(World(), weather=Weather(rates={"Create": 1.0}, kinds=(UNREACHABLE,), lost_answers=0.0))
    assert (run.result.outcome, run.result.reasons) == (
        Outcome.ERROR,
        (NotCreated(), AwsUnreachable(operation="test:Create", error="Fault", message="weather")),
    )
    assert (run.count(a.Create), run.count(a.Find)) == (4, 16)


def test_a_search_that_fails_is_repeated_for_ten_minutes_and_then_whether_it_exists_is_not_known() -> None:
    weather = Weather(rates={"Create": 1.0, "Find": 1.0}, kinds=(UNREACHABLE,), lost_answers=0.5, until=880.0)
    assert play(theirs(), weather=weather).result.outcome is Outcome.SUCCEEDED  # it begins after 310 s
    lost = play(World(), weather=Weather(rates={"Create": 1.0, "Find": 1.0}, kinds=(UNREACHABLE,), lost_answers=0.0))
    assert (lost.result.outcome, lost.result.rollback, lost.result.deployed) == (
        Outcome.LOST_CONTACT,
        "unknown",
        False,
    )
    assert lost.result.reasons == (
        (
            CreationInDoubt(application="app", group="group", marker="0badcafe"),
            AwsUnreachable(operation="test:Find", error="Fault", message="weather"),
        )
    )
    assert lost.result.remedy == lost.result.reasons[0].remedy
    assert 600.0 <= lost.result.duration_seconds < 640.0


def test_a_search_that_is_refused_is_not_repeated() -> None:
    desk = doubt()
    desk.until(a.Find)
    desk.fail(a.Find, DENIED)
    assert (desk.result.outcome, desk.count(a.Find)) == (Outcome.LOST_CONTACT, 1)


@pytest.mark.parametrize("kind", [CONFLICT, REJECTED, DENIED])
def test_what_a_second_creation_is_told_does_not_settle_what_became_of_the_first(kind: ErrorKind) -> None:
    """A group that has a deployment already may have ours: it is looked for again."""
    desk = doubt()
    not_there(desk)
    desk.until(a.Create)
    desk.world.create(desk.open[0].request)  # type: ignore[attr-defined]
    desk.fail(a.Create, kind)
    refused = desk.now
    desk.until(a.Find)
    assert desk.now - refused == pytest.approx(0.5 if kind is CONFLICT else 1.0)
    desk.answer(a.Find)
    assert (desk.r.stage, desk.r.deployment_id, desk.r.creation.doubtful) == (Stage.FOLLOWING, "d-DEPLOY000", False)
    assert desk.count(a.Create) == 2


def test_an_answer_that_comes_after_all_ends_the_search() -> None:
    desk = Desk(world=World(routing=AT_ONCE))
    create = desk.until(a.Create)
    desk.fail(a.Create, UNREACHABLE)
    desk.until(a.Find)
    find = desk.open[0]
    desk.see(a.Done(action=create, answer="d-ABC123DEF"))
    assert (desk.r.stage, desk.r.deployment_id) == (Stage.FOLLOWING, "d-ABC123DEF")
    before = desk.r
    desk.see(a.Done(action=find, answer=Deployment(id="d-OTHER", status=DeploymentStatus.CREATED)))
    desk.see(a.Failed(action=find, error=error(DENIED)))
    assert desk.r == but(before, kinds=desk.r.flight.kinds)


# --- A signal meanwhile ---


@pytest.mark.parametrize("kind", [THROTTLED, EXPIRED, DENIED, CONFLICT])
def test_after_a_signal_a_creation_that_failed_for_certain_is_the_end(kind: ErrorKind) -> None:
    desk = Desk()
    desk.until(a.Create)
    desk.cancel()
    desk.fail(a.Create, kind)
    assert (desk.result.outcome, desk.result.settled, desk.count(a.Create)) == (Outcome.CANCELLED, True, 1)
    assert desk.result.reasons == (CancelledBefore(), error(kind).reason)


def test_after_a_signal_one_that_is_in_doubt_is_looked_for_and_none_is_created_any_more() -> None:
    desk = Desk(world=World(routing=AT_ONCE), run=context(actions=False))
    desk.until(a.Create)
    desk.cancel()
    desk.fail(a.Create, UNREACHABLE)
    not_there(desk)
    assert (desk.result.outcome, desk.result.reasons, desk.result.settled, desk.result.rollback) == (
        Outcome.CANCELLED,
        (NotCreated(), error(UNREACHABLE).reason),
        True,
        "none",
    )
    assert desk.count(a.Create) == 1


def test_after_a_signal_a_creation_on_its_way_is_looked_for_until_it_is_answered() -> None:
    """At a terminal, where nobody kills us: AWS may take longer to create than we to look for it."""
    desk = Desk(run=context(actions=False))
    desk.until(a.Create)
    desk.cancel()
    for _ in range(6):
        desk.until(a.Find, (a.Create,))
        desk.answer(a.Find, None)
    desk.answer(a.Create)
    assert (desk.r.stage, desk.r.deployment_id) == (Stage.FOLLOWING, "d-DEPLOY000")
    desk.until(a.Stop)
    desk.answer(a.Stop)
    desk.until(a.LookAlias)
    desk.answer(a.LookAlias)
    assert (desk.result.outcome, desk.result.settled, desk.world.active) == (Outcome.CANCELLED, True, [])


@pytest.mark.parametrize("kind", [THROTTLED, CONFLICT])
def test_a_signal_before_a_further_creation_leads_to_the_search_instead(kind: ErrorKind) -> None:
    """The first one is in doubt, the second one failed or is about to go out: there is no third."""
    for in_flight in (True, False):
        desk = doubt(context(actions=False))
        not_there(desk)
        assert desk.r.stage is Stage.CREATING
        if in_flight:
            desk.until(a.Create)
        desk.cancel()
        if in_flight:
            desk.fail(a.Create, kind)
        assert desk.r.stage is Stage.FINDING
        desk.until(a.Find)
        assert desk.count(a.Create) == 1 + in_flight
        not_there(desk)
        assert (desk.result.outcome, desk.count(a.Create)) == (Outcome.CANCELLED, 1 + in_flight)


# --- The post step ---


def post_step(kind: ErrorKind) -> Run:
    world = World()
    world.deployments.append(other())
    rollout = first(replace(inputs(), command=Command.FINISH.value), context())
    weather = Weather(rates={"Gather": 1.0}, kinds=(kind,), lost_answers=0.0, until=60.0)
    run = Run(world, but(rollout, subject="d-OTHER", grace__until=240.0), weather=weather)
    play_together(world, run)
    return run


def test_the_post_step_reads_again_and_again_for_nobody_comes_after_it() -> None:
    run = post_step(UNREACHABLE)
    assert (run.result.outcome, run.count(a.Stop)) == (Outcome.CANCELLED, 1)
    pauses = [round(later - at - 1.2) for (at, _), (later, _) in pairwise(run.asked(a.Gather))]
    assert pauses == [2, 4, 8, 16, 28]


def test_the_post_step_gives_up_at_once_what_it_may_not_read() -> None:
    run = post_step(DENIED)
    assert (run.result.outcome, run.count(a.Gather)) == (Outcome.ERROR, 1)


def test_the_post_step_that_knows_only_the_marker_has_it_searched_for() -> None:
    desk = Desk(replace(inputs(), command=Command.FINISH.value))
    desk.release = replace(desk.release, rollouts=(but(desk.r, search=True),))
    desk.wait(0)
    gather = a.Gather(key="checkout:live", inputs=desk.r.inputs, run_id=100, subject="", marker_id="0badcafe")
    assert desk.open == [gather]


def test_the_post_step_reads_no_more_once_it_follows() -> None:
    """An answer to the reading that comes twice, and bad, does not make it read again."""
    desk = Desk(replace(inputs(), command=Command.FINISH.value), world=theirs())
    desk.release = replace(desk.release, rollouts=(but(desk.r, subject="d-OTHER", grace__until=240.0),))
    gather = desk.until(a.Gather)
    desk.until(a.Stop)
    before = desk.r
    desk.see(a.Failed(action=gather, error=error(UNREACHABLE)))
    assert desk.r == before


def test_after_a_signal_no_first_creation_goes_out_but_that_of_a_way_back_which_the_signal_asked_for() -> None:
    before = but(play(World()).rollout, stage=Stage.CREATING, calls=0, grace__at=1.0, again_at=0.0)
    sent = []
    for ends in (None, Outcome.CANCELLED):
        turn = Turn(but(before, ends=ends), 2.0)
        creating(turn)
        sent.append((turn.r.stage, [type(action) for action in turn.actions]))
    assert sent == [(Stage.FINDING, []), (Stage.CREATING, [a.Create])]


def test_before_another_deployment_that_is_waited_for_every_count_begins_anew() -> None:
    before = Wait(superseded=frozenset({"d-1"}), split=3, targetless=2, refused=1)
    assert before.give_way("d-2", 90.0) == Wait(
        other="d-2", until=90.0, waited=True, superseded=frozenset({"d-1"}), split=0, targetless=0, refused=0
    )


def test_a_creation_that_is_throttled_is_repeated_for_five_minutes() -> None:
    creating_ = but(play(World()).rollout, stage=Stage.CREATING, place__since=0.0, tries=0)
    stages = []
    for now in (299.9, 300.0):
        turn = Turn(creating_, now)
        not_created(turn, AwsError(ErrorKind.THROTTLED, operation="test:Create", code="Throttling", message="slow"))
        stages.append(turn.r.stage)
    assert stages == [Stage.CREATING, Stage.DONE]
