"""One rollout's part of a step: which answer is whose, which stage acts, and when it acts by itself."""

from __future__ import annotations

from dataclasses import replace

import pytest

from ci_deploy.core.errors import ErrorKind
from ci_deploy.core.guards.grammar import parse
from ci_deploy.core.machine import actions as a
from ci_deploy.core.machine import dispatch
from ci_deploy.core.machine.dispatch import wake
from ci_deploy.core.machine.release import Release, step
from ci_deploy.core.machine.rollout import Rollout
from ci_deploy.core.machine.state.place import Stage
from ci_deploy.core.plan.proof import Proof
from ci_deploy.core.reasons.ending.codedeploy import CodeDeployEnded
from ci_deploy.core.reasons.ending.verdict import DiagnosisIncomplete, RolledBackBy
from ci_deploy.core.result import Finding, Severity
from ci_deploy.core.run import Command, Outcome
from ci_deploy.core.story import events as e
from tests.support.machine import many
from tests.support.machine.playing import STEADY, Run, Weather, Worlds, first, play, play_together
from tests.support.machine.states import but
from tests.support.machine.world import AT_ONCE, LINEAR, World, context, inputs

from .stages.test_preparing import Desk


def test_how_far_an_action_has_come_is_said_with_its_bytes_and_changes_nothing_else() -> None:
    release = Release(command=Command.DEPLOY, rollouts=(first(inputs(code="build"), context()),))
    asked = step(release, a.Tick(), 0.0)
    observation = a.Progressed(action=asked.actions[0], what="packaging build", done=1000, total=3000)
    made = step(asked.release, observation, 4.0)
    assert made.events == (e.Progress(at=4.0, key="checkout:live", what="packaging build", done=1000, total=3000),)
    assert made.actions == ()
    assert made.release.rollouts == (but(asked.release.rollouts[0], said_at=4.0),)


def failing(kind: ErrorKind, until: float = 1e12, **rates: float) -> Weather:
    return replace(STEADY, rates=rates, kinds=(kind,), until=until, lost_answers=0.0)


def test_a_reading_of_the_alias_that_fails_is_repeated_and_one_that_is_denied_is_told() -> None:
    run = play(World(routing=AT_ONCE), weather=failing(ErrorKind.THROTTLED, until=20.0, LookAlias=1.0))
    assert (run.result.outcome, run.result.live_version) == (Outcome.SUCCEEDED, "2")
    assert run.count(a.LookAlias) > 1
    denied = play(World(routing=AT_ONCE), weather=failing(ErrorKind.DENIED, LookAlias=1.0))
    assert (denied.result.outcome, denied.result.live_version) == (Outcome.LOST_CONTACT, "")
    assert denied.count(a.LookAlias) == 1


def test_a_diagnosis_that_fails_is_a_warning_and_the_verdict_comes_without_it() -> None:
    world = World(routing=AT_ONCE, hook_seconds=(3.0, None), hook_good=(False, True))
    run = play(world, weather=failing(ErrorKind.REJECTED, Diagnose=1.0))
    (noticed,) = run.said(e.Noticed)
    incomplete = DiagnosisIncomplete(problem="test:Diagnose: Fault: weather")
    assert noticed.finding == Finding(severity=Severity.WARNING, reason=incomplete)  # type: ignore[attr-defined]
    assert run.result.outcome is Outcome.ROLLED_BACK
    assert run.result.reasons == (
        CodeDeployEnded(deployment="d-DEPLOY000", status="Failed", aws_code="HOOK_EXECUTION_FAILURE"),
        RolledBackBy(rollback="d-ROLLBACK1", serves=(("1", 100.0),)),
    )


def test_an_answer_of_the_wrong_kind_is_a_bug_and_not_asked_for_again_without_end() -> None:
    release = Release(command=Command.DEPLOY, rollouts=(first(inputs(), context()),))
    asked = step(release, a.Tick(), 0.0)
    with pytest.raises(TypeError, match=r"^Gather was answered by None$"):
        step(asked.release, a.Done(action=asked.actions[0], answer=None), 1.0)


def test_stages_that_chase_each_other_are_a_bug_and_not_a_loop_without_end(monkeypatch: pytest.MonkeyPatch) -> None:
    stages = dict.fromkeys((Stage.GATHERING, Stage.READY))
    for stage, other in zip(stages, reversed(stages), strict=True):
        monkeypatch.setitem(dispatch._STAGES, stage, lambda turn, other=other: turn.to(other))  # type: ignore[arg-type]
    release = Release(command=Command.DEPLOY, rollouts=(first(inputs(), context()),))
    with pytest.raises(RuntimeError, match=r"^stages chase each other: "):
        step(release, a.Tick(), 0.0)


# --- when a rollout acts by itself ---


def follows(**more: object) -> Rollout:
    """Seen 100 s ago, heard of 30 s ago; nothing is due before its time limit."""
    rollout = first(inputs(), context())
    changes = {"stage": Stage.FOLLOWING, "again_at": 0.0, "said_at": 70.0, "since": 5.0, "watch__until": 900.0} | more
    return but(rollout, **changes)


@pytest.mark.parametrize(
    ("rollout", "at"),
    [
        # A sign of life is due a minute after the last word.
        (follows(), 130.0),
        (follows(stage=Stage.FOLLOWING_ROLLBACK), 130.0),
        (follows(again_at=107.5), 107.5),
        (follows(watch__until=101.0), 101.0),
        (follows(wait__until=101.0), 101.0),
        (follows(grace__until=101.0), 101.0),
        # What should have happened already does not wake it again and again.
        (follows(again_at=100.0, watch__until=99.0), 130.0),
        # Other stages give no sign of life; they are looked at once a minute.
        (follows(stage=Stage.CREATING, said_at=70.0, watch__until=None), 160.0),
        (follows(stage=Stage.CREATING, watch__until=110.0), 110.0),
        # A hook's own limit.
        (follows(inputs=inputs(hook_timeout="40s"), watch__event="BeforeAllowTraffic", event_at=62.0), 102.0),
        (follows(inputs=inputs(hook_timeout="40s"), watch__event="", event_at=62.0), 130.0),
        (follows(inputs=inputs(), watch__event="BeforeAllowTraffic", event_at=99.0), 130.0),
        # The time that CreateDeployment's answer has after a signal, by the real clock.
        (follows(stage=Stage.CREATING, grace__at=99.0, watch__until=None), 102.0),
        (follows(stage=Stage.CREATING, grace__at=99.0, watch__until=None, grace__second=10.0), 129.0),
        # The time in which a rollback appears, and a diagnosis is made.
        (follows(stage=Stage.ROLLBACK_DUE, since=80.0), 140.0),
        (follows(stage=Stage.VERIFYING, since=80.0), 110.0),
        (follows(stage=Stage.WAITING, since=80.0, watch__until=None), 160.0),
    ],
)
def test_it_is_woken_at_the_first_moment_at_which_it_has_something_to_do(rollout: Rollout, at: float) -> None:
    assert wake(rollout, 100.0) == at


# --- answers that come when what asked for them is over ---


def baking(leaving: type[a.Action]) -> Desk:
    """A deployment that bakes, with one question open; a signal takes it back at once."""
    desk = Desk(inputs(on_cancel="rollback"), World(routing=AT_ONCE, calls=600), context(actions=False))
    (rollout,) = desk.release.rollouts
    proof = Proof(guards=parse("errors < 1%"), bake=900.0)
    rollout = but(rollout, job__proof=proof, written=frozenset({"on-cancel"}))
    desk.release = replace(desk.release, rollouts=(rollout,))
    desk.until(a.LookAlarms)
    if leaving in (a.Gather, a.Diagnose):  # asked for once the version is to go
        desk.world.ringing = (0.0, 1e9)
    desk.until(leaving, (leaving,))
    assert desk.r.stage is Stage.BAKING
    return desk


@pytest.mark.parametrize("kind", [a.Measure, a.LookAlarms, a.LookAlias, a.Gather, a.Diagnose])
@pytest.mark.parametrize("fails", [False, True])
@pytest.mark.parametrize("meets", [a.Create, a.Look])
def test_what_the_first_attempt_asked_for_says_nothing_of_its_reversal(
    kind: type[a.Action], fails: bool, meets: type[a.Action]
) -> None:
    desk = baking(kind)
    desk.cancel()
    desk.until(meets, (kind,))
    before, said = desk.r, len(desk.events)
    if fails:
        desk.fail(kind, ErrorKind.DENIED)
    else:
        desk.answer(kind)
    after = but(desk.r, said_at=before.place.said_at)
    assert after == but(before, kinds=before.flight.kinds - {kind.__name__}, late=frozenset())
    told = {e.Diagnosed, e.Noticed} if kind is a.Diagnose else set()  # which names its deployment
    assert {type(event) for event in desk.events[said:]} <= told
    desk.until(a.LookAlias)
    desk.answer(a.LookAlias)
    assert (desk.result.outcome, desk.result.live_version) == (Outcome.CANCELLED, "1")


def test_a_reading_of_the_alias_from_before_the_end_is_no_verdict() -> None:
    """Nothing of the deployment's target can be read, so the alias is looked at while it shifts."""
    desk = Desk(world=World(targets_readable=False))
    desk.until(a.LookAlias)
    before = desk.world.alias()
    while desk.r.stage is not Stage.VERIFYING:
        desk.until(a.Look, (a.LookAlias,))
        desk.answer(a.Look)
    desk.answer(a.LookAlias, before)
    assert desk.r.alias is None
    desk.until(a.LookAlias)
    desk.answer(a.LookAlias)
    assert (desk.result.outcome, desk.result.live_version) == (Outcome.SUCCEEDED, "2")


def test_an_alias_that_is_gone_while_traffic_shifts_is_no_news_of_it() -> None:
    """Somebody has deleted it. What that means the verdict says, which reads it again."""
    desk = Desk(world=World(targets_readable=False))
    desk.until(a.LookAlias)
    before = desk.r.watch
    desk.answer(a.LookAlias, None)
    assert (desk.r.stage, desk.r.watch) == (Stage.FOLLOWING, before)


def test_an_answer_that_no_verdict_has_waited_for_is_on_its_way_no_longer() -> None:
    """The first function is over while its metrics are read, and rolled back when the second one fails."""
    worlds = (World(function="a", name="a", calls=600), World(function="b", name="b", alarm_at=360.0, routing=LINEAR))
    worlds[1].routing = replace(LINEAR, interval_minutes=3)
    observed = Proof(guards=parse("observe: errors < 1%"), functions=2)
    rollouts = [but(one, job__proof=observed) for one in many.rollouts(worlds, {})]
    run = Run(Worlds(*worlds), *rollouts, weather=replace(STEADY, slow={"Measure": 50.0}))
    play_together(Worlds(*worlds), run)  # type: ignore[arg-type]
    assert [result.outcome for result in run.concluded.results] == [Outcome.ROLLED_BACK] * 2
    over = next(event.at for event in run.events if isinstance(event, e.Finished))
    asked = [at for at, action in run.asked(a.Measure) if "a:live" in (action.key, *action.shared_by)]
    assert asked[-1] < over < asked[-1] + 50.0
    assert run.release.rollouts[0].flight.kinds == frozenset()
