"""The bake: what is watched after all traffic has moved, and what takes the version back."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise
from typing import Any

import pytest

from ci_deploy.core.aws import Alias, DeploymentStatus
from ci_deploy.core.errors import AwsError, ErrorKind
from ci_deploy.core.guards.judging import Verdict
from ci_deploy.core.machine import actions as a
from ci_deploy.core.machine.stages import baking
from ci_deploy.core.machine.state.place import Stage
from ci_deploy.core.plan.planning import UNREAD, Facts
from ci_deploy.core.reasons.ending.guards import (
    AlarmInBake,
    AlarmsUnread,
    BakeCancelled,
    BakeOvertaken,
    BakeTimedOut,
    GuardsInconclusive,
    GuardViolated,
    TakenBack,
)
from ci_deploy.core.reasons.ending.verdict import CancelledTooLate, Serves
from ci_deploy.core.run import Command, Outcome, Rollback
from ci_deploy.core.story import events as e
from tests.support.machine import many
from tests.support.machine.playing import STEADY, Run, Worlds, first, play_together, post_step
from tests.support.machine.states import but
from tests.support.machine.world import AT_ONCE, CANARY, Running, World, context, inputs

from .test_guarding import played

DENIED = AwsError(ErrorKind.DENIED, operation="cloudwatch:DescribeAlarms", code="AccessDenied", message="No.")
THROTTLED = AwsError(ErrorKind.THROTTLED, operation="test:Any", code="Throttling", message="Slowly.")


def quick(kind: type[World] = World, **more: Any) -> World:
    """All traffic moves in a second."""
    return kind(routing=AT_ONCE, calls=600, **more)


def kinds(run: Run) -> list[type]:
    return [type(reason) for reason in run.result.reasons]


def test_a_quiet_bake_ends_when_it_is_over_and_the_alias_is_read_once_more() -> None:
    world = quick()
    run = played(world, "off", bake=600)
    assert (run.result.outcome, run.result.deployed, run.result.guard_verdict) == (Outcome.SUCCEEDED, True, "")
    assert run.result.reasons == (Serves(serves=(("2", 100.0),)),)
    assert run.ended == pytest.approx(602.4, abs=1.0)
    (began,) = (event for event in run.events if isinstance(event, e.BakeBegan))
    assert began.until == pytest.approx(602.3, abs=1.0)
    alarms = [at for at, _ in run.asked(a.LookAlarms)]
    assert len(alarms) == 20
    assert any(isinstance(event, e.Heartbeat) and event.what == "the bake" for event in run.events)


def test_a_guard_that_is_violated_in_the_bake_takes_the_version_back() -> None:
    world = quick(failing={"2": 0.2}, ringing=(1e9, 1e9))
    run = played(world, bake=600)
    assert (run.result.outcome, run.result.rollback, run.result.guard_verdict) == (
        Outcome.ROLLED_BACK,
        Rollback.SUCCEEDED,
        Verdict.VIOLATED,
    )
    assert kinds(run)[:2] == [GuardViolated, TakenBack]
    assert run.result.reason_code == "guard-violated"
    deployment, reversal = world.deployments
    assert (reversal.current, reversal.target) == ("2", "1")
    assert (run.result.deployment_id, run.result.rollback_deployment_id) == (deployment.id, reversal.id)
    created = run.asked(a.Create)[1][1]
    assert isinstance(created, a.Create)
    assert created.request.override_alarms is not None
    assert not created.request.override_alarms.enabled, "a ringing alarm must not stop the way back"
    assert any(isinstance(event, e.Diagnosed) for event in run.events)


def test_an_alarm_that_fires_in_the_bake_takes_the_version_back() -> None:
    run = played(quick(ringing=(100.0, 1e9)), "off", bake=600)
    assert run.result.outcome is Outcome.ROLLED_BACK
    assert run.result.reasons[0] == AlarmInBake(alarm="errors", version="2", why="5 errors")
    assert 100 < run.ended < 140
    assert [asked.why for _, asked in run.asked(a.Diagnose)] == [run.result.reasons[0]]  # type: ignore[attr-defined]


def test_alarms_are_not_asked_about_again_before_they_are_answered() -> None:
    run = played(quick(), "off", bake=200, weather=replace(STEADY, slow={"LookAlarms": 50.0}))
    times = [at for at, _ in run.asked(a.LookAlarms)]
    assert len(times) == 4
    assert all(later - earlier > 50.0 for earlier, later in pairwise(times))


def test_a_bad_version_does_not_serve_on_while_the_package_is_read_again() -> None:
    """Nor where another deployment of the group comes in between: the plan of the way back is made."""

    class Occupied(World):
        def create(self, request: Any) -> str:
            if self.now > 100 and len(self.deployments) == 1:
                fields: dict[str, Any] = {"current": "1", "target": "2", "routing": AT_ONCE, "function": "other"}
                self.deployments.append(Running(id="d-OTHER0001", created=self.now, **fields))
            return super().create(request)

    run = played(Occupied(routing=AT_ONCE, ringing=(100.0, 1e9)), "off", bake=600)
    assert run.result.outcome is Outcome.ROLLED_BACK
    gathered = [action.brief for _, action in run.asked(a.Gather) if isinstance(action, a.Gather)]
    assert gathered == [False, True, True]  # to plan, before the version is rolled back, after the other deployment


def test_without_alarms_none_are_read() -> None:
    run = played(quick(), "off", bake=120, alarms="off")
    assert (run.result.outcome, run.count(a.LookAlarms)) == (Outcome.SUCCEEDED, 0)


@pytest.mark.parametrize(("error", "warnings", "looks"), [(DENIED, 1, 1), (THROTTLED, 0, 4)])
def test_alarms_that_cannot_be_read_end_nothing(error: AwsError, warnings: int, looks: int) -> None:
    class Silent(World):
        def perform(self, action: a.Action) -> a.Answer:
            if isinstance(action, a.LookAlarms):
                raise error
            return super().perform(action)

    run = played(Silent(routing=AT_ONCE), "off", bake=120)
    assert run.result.outcome is Outcome.SUCCEEDED
    found = [event.finding.reason for event in run.events if isinstance(event, e.Noticed)]
    assert [type(reason) for reason in found] == [AlarmsUnread] * warnings
    assert run.count(a.LookAlarms) == looks


def test_nothing_proved_passes_or_takes_the_version_back_as_on_inconclusive_says() -> None:
    passed = played(World(), on_inconclusive="pass")
    assert (passed.result.outcome, passed.result.guard_verdict) == (Outcome.SUCCEEDED, Verdict.INCONCLUSIVE)
    assert kinds(passed) == [Serves, GuardsInconclusive]
    back = played(World(), on_inconclusive="rollback")
    assert (back.result.outcome, back.result.guard_verdict) == (Outcome.ROLLED_BACK, Verdict.INCONCLUSIVE)
    assert kinds(back)[:2] == [GuardsInconclusive, TakenBack]
    assert "on-inconclusive" in back.result.reason


def test_what_is_proved_stays_whatever_on_inconclusive_says() -> None:
    run = played(World(calls=600), on_inconclusive="rollback")
    assert (run.result.outcome, run.result.guard_verdict, kinds(run)) == (Outcome.SUCCEEDED, Verdict.HELD, [Serves])


# --- A signal, and the time limit --------------------------------------------------------------------------------


def test_a_cancel_leaves_the_new_version() -> None:
    world = quick()
    run = played(world, bake=600, signals=(200.0,))
    assert (run.result.outcome, run.result.rollback) == (Outcome.CANCELLED, Rollback.NONE)
    assert (run.result.live_version, world.alias_version, run.result.settled) == ("2", "2", True)
    assert run.ended < 201


@pytest.mark.parametrize("bucket", ["", "artifacts"])
def test_a_cancel_takes_it_back_within_two_seconds_where_that_was_written(bucket: str) -> None:
    world = quick()
    run = played(world, bake=600, signals=(200.0,), written=("on-cancel",), on_cancel="rollback", bucket=bucket)
    assert (run.result.outcome, run.result.rollback, run.result.settled) == (
        Outcome.CANCELLED,
        Rollback.SUCCEEDED,
        True,
    )
    assert kinds(run)[:2] == [BakeCancelled, TakenBack]
    assert run.asked(a.Create)[1][0] < 202.0
    assert run.count(a.Upload) == bool(bucket), "the AppSpec of the way back goes with the request"
    assert world.alias_version == "1"


def test_the_post_step_only_follows_the_reversal() -> None:
    world = quick(rollback_routing=AT_ONCE)
    world.visible_after = 20.0  # nothing of it is seen before our time is up
    run = played(world, bake=600, signals=(200.0,), written=("on-cancel",), on_cancel="rollback")
    assert (run.result.outcome, run.result.rollback, run.result.settled) == (
        Outcome.CANCELLED,
        Rollback.UNKNOWN,
        False,
    )
    post = post_step(run)
    assert post is not None
    assert post.count(a.Create) + post.count(a.Stop) == 0
    assert post.result.live_version == "1"


def test_a_creation_that_fails_after_the_signal_is_not_repeated() -> None:
    class Busy(World):
        def create(self, request: Any) -> str:
            if self.now > 200:
                raise THROTTLED
            return super().create(request)

    run = played(Busy(routing=AT_ONCE), bake=600, signals=(200.0,), written=("on-cancel",), on_cancel="rollback")
    assert (run.result.outcome, run.result.rollback) == (Outcome.CANCELLED, Rollback.UNKNOWN)
    assert run.count(a.Create) == 2


def test_the_time_limit_ends_the_bake_and_leaves_the_version() -> None:
    world = quick()
    run = played(world, bake=600, timeout="5m")
    assert (run.result.outcome, run.result.rollback, run.result.deployed) == (
        Outcome.TIMED_OUT,
        Rollback.NONE,
        False,
    )
    assert kinds(run) == [BakeTimedOut, Serves]
    assert world.alias_version == "2"


def test_the_time_limit_takes_it_back_where_that_was_written() -> None:
    world = quick()
    run = played(world, bake=600, timeout="5m", written=("on-timeout",), on_timeout="rollback")
    assert (run.result.outcome, run.result.rollback) == (Outcome.TIMED_OUT, Rollback.SUCCEEDED)
    assert kinds(run)[:2] == [BakeTimedOut, TakenBack]
    assert world.alias_version == "1"


def test_a_cancel_while_what_is_there_is_read_does_what_a_cancel_does() -> None:
    class Slow(World):
        def perform(self, action: a.Action) -> a.Answer:
            if isinstance(action, a.Gather) and self.now > 100:
                raise THROTTLED
            return super().perform(action)

    run = played(Slow(routing=AT_ONCE, ringing=(100.0, 1e9)), "off", bake=600, signals=(125.0,))
    assert run.result.outcome is Outcome.CANCELLED
    assert kinds(run) == [AlarmInBake, CancelledTooLate], "what is wrong with the version that stays is said"
    assert run.count(a.Create) == 1


# --- Somebody else -----------------------------------------------------------------------------------------------


def test_who_moves_the_alias_ends_the_bake() -> None:
    world = quick(versions={"1": "old", "3": "new"}, moved_by_hand=(100.0, "1"))
    run = played(world, bake=600)
    assert (run.result.outcome, run.result.deployed, run.result.live_version) == (Outcome.FAILED, False, "1")
    assert run.result.reasons == (BakeOvertaken(version="3", other="", serves=(("1", 100.0),)),)
    assert run.ended < 150


class Overtaken(World):
    """Another deployment of the function begins just when the alarm has fired."""

    moves = False

    def perform(self, action: a.Action) -> a.Answer:
        if isinstance(action, a.Gather) and self.now > 100:
            fields: dict[str, Any] = {"current": "2", "target": "7", "routing": CANARY, "hook_seconds": (60.0, None)}
            self.deployments.append(Running(id="d-OTHER0001", created=self.now - 2, **fields))
            self.advance(self.now + 0.01)
        return super().perform(action)


def test_a_bad_version_is_left_to_the_deployment_that_follows_it() -> None:
    world = Overtaken(routing=AT_ONCE, ringing=(100.0, 1e9))
    run = played(world, "off", bake=600)
    assert (run.result.outcome, run.result.rollback) == (Outcome.FAILED, Rollback.NONE)
    assert kinds(run) == [AlarmInBake, BakeOvertaken]
    assert run.result.reasons[-1] == BakeOvertaken(version="2", other="d-OTHER0001", serves=(("2", 100.0),))
    assert run.count(a.Create) == 1


def test_an_alias_that_is_gone_or_moved_when_the_version_is_to_be_taken_back_is_left() -> None:
    class Gone(World):
        def perform(self, action: a.Action) -> a.Answer:
            made = super().perform(action)
            late = isinstance(action, a.Gather) and self.now > 100
            return replace(made, alias=None) if late else made  # type: ignore[type-var]

    run = played(Gone(routing=AT_ONCE, ringing=(100.0, 1e9)), "off", bake=600)
    assert run.result.outcome is Outcome.FAILED
    assert run.result.reasons[-1] == BakeOvertaken(version="2", other="", serves=())


def test_facts_that_cannot_be_read_leave_the_bad_version_and_say_so() -> None:
    class Blind(World):
        def perform(self, action: a.Action) -> a.Answer:
            if isinstance(action, a.Gather) and self.now > 100:
                raise THROTTLED
            return super().perform(action)

    run = played(Blind(routing=AT_ONCE, ringing=(100.0, 1e9)), "off", bake=900)
    assert (run.result.outcome, run.result.rollback) == (Outcome.ROLLBACK_FAILED, Rollback.FAILED)
    assert kinds(run)[0] is AlarmInBake
    assert run.count(a.Gather) == 1 + baking.GATHER_TRIES + 1


def test_what_was_moved_on_by_others_is_not_set_back() -> None:
    """The reversal fails, because a third version serves by then."""

    class Moved(World):
        def create(self, request: Any) -> str:
            if self.now > 100:
                self.set_alias("7", {})
            return super().create(request)

    world = Moved(routing=AT_ONCE, ringing=(100.0, 1e9), versions={"1": "old", "7": "new"})
    run = played(world, "off", bake=600, version="7")
    assert run.result.outcome in (Outcome.ROLLED_BACK, Outcome.ROLLBACK_FAILED)

    class Third(Moved):
        def create(self, request: Any) -> str:
            if self.now > 100:
                self.set_alias("9", {})
            return World.create(self, request)

    third = Third(routing=AT_ONCE, ringing=(100.0, 1e9), versions={"1": "old", "7": "new"})
    run = played(third, "off", bake=600, version="7")
    assert run.result.outcome is Outcome.ROLLBACK_FAILED
    assert (third.alias_version, run.count(a.RepairAlias)) == ("9", 0)


# --- A second attempt --------------------------------------------------------------------------------------------


def killed(world: World, at: float, *, bake: float, guards: str = "errors < 1%") -> None:
    """A first attempt that is killed in its bake."""
    from tests.support.machine.playing import until

    from .test_guarding import Proof, parse

    made = but(first(inputs(), context()), job__proof=Proof(guards=parse(guards), bake=bake))
    until(world, Run(world, made, weather=STEADY), at)


def test_a_second_attempt_bakes_on_until_the_same_end_and_judges_all_minutes() -> None:
    world = quick()
    killed(world, 300, bake=600)
    run = played(world, bake=600, attempt=2)
    assert (run.result.outcome, run.result.guard_verdict) == (Outcome.SUCCEEDED, Verdict.HELD)
    assert run.count(a.Create) == 0
    assert run.ended == pytest.approx(602.4, abs=1.5)
    (began,) = (event for event in run.events if isinstance(event, e.BakeBegan))
    assert began.resumed
    (planned,) = (event.plan for event in run.events if isinstance(event, e.Planned))
    assert (planned.current, planned.new) == (None, world.version("2")), "no further change"
    looks = [event for event in run.events if isinstance(event, e.Measured)]
    assert len(looks[0].shown.after) >= 1
    assert looks[0].at < 2.0


def test_a_second_attempt_after_the_end_judges_once_more_and_ends() -> None:
    world = quick(failing={"2": 0.2})
    killed(world, 100, bake=600)
    world.advance(2000.0)
    run = played(world, bake=600, attempt=2)
    assert run.result.outcome is Outcome.ROLLED_BACK
    assert world.alias_version == "1"
    assert run.now < 20.0


def test_a_second_attempt_without_guards_bakes_anew() -> None:
    """Nothing has told it AWS's time."""

    class Unmeasured(World):
        def facts(self, action: a.Gather) -> Facts:
            return replace(super().facts(action), calls=UNREAD)

    world = quick(kind=Unmeasured)
    killed(world, 300, bake=600, guards="off")
    run = played(world, "off", bake=600, attempt=2)
    assert run.result.outcome is Outcome.SUCCEEDED
    assert run.ended == pytest.approx(900, abs=5)


@pytest.mark.parametrize(
    "later",
    [
        {"function": "other", "status": DeploymentStatus.SUCCEEDED},
        {"status": DeploymentStatus.FAILED},
    ],
    ids=["another function's", "one that failed"],
)
def test_what_came_later_and_brought_nothing_of_this_alias_does_not_hide_the_own_deployment(later: Any) -> None:
    world = quick()
    killed(world, 100, bake=600)
    made = Running(id="d-LATER00000", created=90.0, current="1", target="2", routing=AT_ONCE, ended=91.0, **later)
    made.done = len(made.marks)
    world.deployments.append(made)
    run = played(world, bake=600, attempt=2)
    assert [began.resumed for began in run.said(e.BakeBegan)] == [True]  # type: ignore[attr-defined]


def test_another_version_that_somebody_put_in_its_place_is_not_baked_on() -> None:
    """It has the same code, so that nothing is deployed."""
    world = quick(versions={"1": "old", "2": "new", "3": "new"})
    killed(world, 100, bake=600)
    world.set_alias("2" if world.alias_version == "3" else "3", {})
    run = played(world, bake=600, attempt=2)
    assert (run.result.outcome, run.said(e.BakeBegan)) == (Outcome.UNCHANGED, [])


@pytest.mark.parametrize("whose", ["another run", "a rollback", "nobody"])
def test_only_the_own_deployment_is_baked_on(whose: str) -> None:
    world = quick()
    killed(world, 100, bake=600)
    made = world.deployments[0]
    if whose == "another run":
        made.description = made.description.replace("run=100.1", "run=99.1")
    elif whose == "a rollback":
        made.description = made.description.replace(" sha=abc123", " sha=abc123 kind=rollback")
    else:
        world.deployments.clear()
    run = played(world, bake=600, attempt=2)
    assert run.result.outcome is Outcome.UNCHANGED


# --- Releases ----------------------------------------------------------------------------------------------------


def together(*worlds: World, bake: float, waves: dict[str, int] | None = None, **more: Any) -> Run:
    from .test_guarding import Proof, parse

    made = [
        but(one, job__proof=Proof(guards=parse("errors < 1%"), bake=bake, functions=len(worlds)))
        for one in many.rollouts(worlds, waves or {})
    ]
    run = Run(Worlds(*worlds), *made, **more)  # type: ignore[arg-type]
    play_together(Worlds(*worlds), run)  # type: ignore[arg-type]
    return run


def outcomes(run: Run) -> dict[str, str]:
    return {result.function: str(result.outcome) for result in run.concluded.results}


def test_a_wave_waits_for_the_bake_of_the_one_before() -> None:
    a_, b = quick(function="a", name="a"), quick(function="b", name="b")
    run = together(a_, b, bake=300, waves={"b": 1})
    assert outcomes(run) == {"a": "succeeded", "b": "succeeded"}
    assert b.deployments[0].created > 300


def test_one_that_does_not_hold_in_its_bake_takes_the_others_back_which_bake_or_are_done() -> None:
    bad = quick(function="a", name="a", failing={"2": 0.2})
    good = quick(function="b", name="b")
    run = together(bad, good, bake=600)
    assert outcomes(run) == {"a": "rolled-back", "b": "rolled-back"}
    by_name = {result.function: result for result in run.concluded.results}
    assert by_name["a"].reason_code == "guard-violated"
    assert by_name["b"].reason_code == "undone"
    assert run.result.function == "a", "the cause leads"
    assert (bad.alias_version, good.alias_version) == ("1", "1")


def test_only_what_bakes_and_is_not_to_blame_has_come_to_something_so_far() -> None:
    run = played(quick(), "off", bake=120)
    from ci_deploy.core.machine.rollout import Turn

    assert baking.so_far(Turn(run.rollout, run.now)) is None
    going = Turn(but(run.rollout, stage=Stage.BAKING), run.now)
    result = baking.so_far(going)
    assert result is not None
    assert result.outcome is Outcome.SUCCEEDED
    blamed = but(run.rollout, stage=Stage.BAKING, blamed=(BakeCancelled(),))
    assert baking.so_far(Turn(blamed, run.now)) is None


def test_late_answers_change_nothing() -> None:
    from ci_deploy.core.machine.rollout import Turn

    run = played(quick(), "off", bake=120)
    turn = Turn(run.rollout, run.now)
    baking.saw_alarms(turn, ())
    assert turn.r is run.rollout
    facts = run.rollout.facts
    assert facts is not None
    baking.gathered(turn, facts)
    baking.not_gathered(turn, THROTTLED)
    blamed = but(run.rollout, stage=Stage.BAKING, blamed=(BakeCancelled(),))
    turn = Turn(blamed, run.now)
    baking.saw_alias(turn, Alias(function="checkout", name="live", version="9"))
    assert turn.r is blamed
    assert run.rollout.command is Command.DEPLOY
