"""Guards while a deployment is followed: when metrics are read, and what a violated guard leads to."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from ci_deploy.core.aws import NotPermitted
from ci_deploy.core.errors import AwsError, ErrorKind
from ci_deploy.core.guards.grammar import OFF, parse
from ci_deploy.core.guards.judging import Verdict, Why
from ci_deploy.core.guards.queries import Readings, Shift
from ci_deploy.core.machine import actions as a
from ci_deploy.core.machine import release
from ci_deploy.core.machine.rollout import Rollout
from ci_deploy.core.machine.stages import guarding
from ci_deploy.core.machine.state.attempt.ending import Cause
from ci_deploy.core.plan.planning import UNREAD, Facts
from ci_deploy.core.plan.proof import Proof
from ci_deploy.core.reasons.ending.guards import GuardsInconclusive, GuardViolated, Lack, MetricsUnread
from ci_deploy.core.reasons.ending.verdict import RolledBackBy, Serves
from ci_deploy.core.run import Outcome, Rollback
from ci_deploy.core.story import events as e
from tests.support.machine.many import play as play_many
from tests.support.machine.many import rollouts
from tests.support.machine.playing import STEADY, Run, Weather, first, play_together
from tests.support.machine.states import but
from tests.support.machine.world import AWS_EPOCH, CANARY, LINEAR, Running, World, context, inputs

DENIED = AwsError(ErrorKind.DENIED, operation="cloudwatch:GetMetricData", code="AccessDenied", message="No.")
THROTTLED = AwsError(ErrorKind.THROTTLED, operation="cloudwatch:GetMetricData", code="Throttling", message="Slowly.")


def played(
    world: World,
    lines: str = "errors < 1%",
    *,
    bake: float | None = None,
    on_inconclusive: str = "pass",
    signals: tuple[float, ...] = (),
    written: tuple[str, ...] = (),
    attempt: int = 1,
    weather: Weather = STEADY,
    **given: str,
) -> Run:
    proof = Proof(guards=parse(lines), bake=bake, on_inconclusive=on_inconclusive)
    made = first(inputs(**given), context(attempt=attempt), "0badcafe" if attempt == 1 else "feedbeef")
    run = Run(world, but(made, job__proof=proof, written=frozenset(written)), weather=weather, signals=signals)
    play_together(world, run)
    return run


def measured(run: Run) -> list[e.Measured]:
    return [event for event in run.events if isinstance(event, e.Measured)]


def test_a_bad_version_is_stopped_with_rollback_and_both_versions_numbers_are_the_reason() -> None:
    world = World(calls=600, failing={"2": 0.17})
    run = played(world)
    result = run.result
    assert (result.outcome, result.rollback, result.guard_verdict) == (
        Outcome.ROLLED_BACK,
        Rollback.SUCCEEDED,
        Verdict.VIOLATED,
    )
    (violated, traffic) = result.reasons
    assert isinstance(violated, GuardViolated)
    assert violated.version == "2"
    assert "`errors < 1%`" in violated.said
    assert isinstance(traffic, RolledBackBy)
    assert [rollback for _, _, rollback in world.stops] == [True]
    assert run.rollout.cause is Cause.GUARD
    (diagnosed,) = (event for event in run.events if isinstance(event, e.Diagnosed))
    assert (diagnosed.diagnosis.reason, violated.code) == (violated, "guard-violated")


def test_no_minute_is_judged_before_it_is_two_minutes_old_and_each_look_reads_all_of_them() -> None:
    run = played(World(calls=600, routing=LINEAR))
    asked = [action for _, action in run.asked(a.Measure) if isinstance(action, a.Measure)]
    hour, *looks = asked
    assert {question.end for question in hour.questions} == {int(AWS_EPOCH)}
    for (at, action), event in zip(run.asked(a.Measure)[1:], measured(run), strict=True):
        assert isinstance(action, a.Measure)
        ends = {question.end for question in action.questions}
        assert ends == {max(ends)}
        assert AWS_EPOCH + at - max(ends) >= 120
        assert {question.start for question in action.questions} == {int(AWS_EPOCH)}
        assert event.told_until < max(ends)
    assert [len(event.shown.minutes) + len(event.shown.after) for event in measured(run)] == sorted(
        len(event.shown.minutes) + len(event.shown.after) for event in measured(run)
    )
    assert len(looks) == 4  # the minutes of the shift and one of the bake, each told once


def test_a_good_version_with_enough_calls_is_held_after_the_bake_that_guards_imply() -> None:
    run = played(World(calls=600))
    assert (run.result.outcome, run.result.guard_verdict) == (Outcome.SUCCEEDED, Verdict.HELD)
    assert run.result.reasons == (Serves(serves=(("2", 100.0),)),)
    assert run.ended > 300 + 180


def test_what_is_only_observed_stops_nothing_and_implies_no_bake() -> None:
    run = played(World(calls=600, failing={"2": 0.5}), "observe: errors < 1%")
    assert (run.result.outcome, run.result.guard_verdict) == (Outcome.SUCCEEDED, "")
    assert measured(run)[-1].judgments[0].verdict is Verdict.VIOLATED
    assert run.ended < 310


def test_without_guards_nothing_is_read() -> None:
    run = played(World(calls=600, failing={"2": 0.5}), "off")
    assert (run.result.outcome, run.count(a.Measure)) == (Outcome.SUCCEEDED, 0)


def test_a_rollback_is_watched_and_never_stopped() -> None:
    world = World(
        calls=600, failing={"1": 0.5}, alias_version="2", versions={"1": "old", "2": "new"}, rollback_routing=CANARY
    )
    run = played(world, command="rollback", reason="bad", version="1", deployment_config="slow", force="true")
    assert (run.result.outcome, run.result.guard_verdict) == (Outcome.SUCCEEDED, "")
    assert measured(run)[-1].judgments[0].verdict is Verdict.VIOLATED
    assert not world.stops


def test_metrics_that_may_not_be_read_cost_one_note_and_make_guards_inconclusive() -> None:
    run = played(World(calls=600, failing={"2": 0.5}, unmeasured=[DENIED]))
    assert (run.result.outcome, run.result.guard_verdict) == (Outcome.SUCCEEDED, Verdict.INCONCLUSIVE)
    assert run.count(a.Measure) == 1
    notes = [event.finding.reason for event in run.events if isinstance(event, e.Noticed)]
    assert [type(reason) for reason in notes] == [MetricsUnread]
    unproved = run.result.reasons[1]
    assert isinstance(unproved, GuardsInconclusive)
    assert unproved.said == "`errors < 1%` is inconclusive: the metrics could not be read."


@pytest.mark.parametrize(
    ("whys", "lack"),
    [
        ([Why.FEW_CALLS, Why.BOTH_FAIL], Lack.DIFFERENCE),
        ([Why.BOTH_FAIL, Why.BURSTS], Lack.BURSTS),
        ([Why.BURSTS, Why.UNREADABLE], Lack.METRICS),
        ([Why.SUSPECT], Lack.CALLS),
    ],
)
def test_what_to_do_is_that_of_what_is_missing_most(whys: list[Why], lack: Lack) -> None:
    r = played(World(calls=600)).rollout
    (held,) = r.measures.judgments
    unproved = tuple(replace(held, verdict=Verdict.INCONCLUSIVE, why=why) for why in whys)
    found = guarding.inconclusive(but(r, measures__judgments=unproved))
    assert found is not None
    assert found.lack is lack


def test_what_could_not_be_proved_is_said_of_the_guards_that_count_and_of_no_other() -> None:
    r = played(World(), "errors < 1%\np95 < 2x\nobserve: errors < 2x").rollout
    errors, slow, observed = (replace(each, verdict=Verdict.INCONCLUSIVE) for each in r.measures.judgments)
    judged = (errors, replace(slow, verdict=Verdict.HELD), observed)
    found = guarding.inconclusive(but(r, measures__judgments=judged))
    assert found is not None
    assert [f"`{each.guard.limit}`" in found.said for each in judged] == [True, False, False]


def test_what_is_only_observed_says_nothing_when_it_may_not_be_read() -> None:
    run = played(World(unmeasured=[DENIED]), "observe: errors < 2x")
    assert not [event for event in run.events if isinstance(event, e.Noticed)]
    assert run.count(a.Measure) == 1


def test_a_look_that_fails_is_made_again_a_minute_later() -> None:
    run = played(World(calls=600, unmeasured=[THROTTLED, None, THROTTLED]))
    assert run.result.guard_verdict == Verdict.HELD
    times = [at for at, _ in run.asked(a.Measure)]
    assert times[1] - times[0] >= 60


def test_metrics_that_never_came_are_inconclusive() -> None:
    run = played(World(calls=600, unmeasured=[THROTTLED] * 20))
    assert run.result.guard_verdict == Verdict.INCONCLUSIVE
    (judgment,) = guarding.judgments(run.rollout)
    assert judgment.why is Why.UNREADABLE


def test_an_answer_in_part_is_no_answer() -> None:
    class Half(World):
        def measure(self, questions: Any) -> Readings:
            whole = super().measure(questions)
            if self.now > 300:
                return whole
            return Readings(answers=dict(list(whole.answers.items())[1:]), at=whole.at)

    run = played(Half(calls=600))
    assert run.result.guard_verdict == Verdict.HELD
    assert all(event.at > 300 for event in measured(run))


def test_a_violation_that_comes_when_codedeploy_is_done_is_reversed() -> None:
    """The stop is refused, for the deployment has succeeded meanwhile."""

    class Late(World):
        def stop(self, deployment_id: str, rollback: bool) -> Any:
            self.advance(self.now + 120)
            return super().stop(deployment_id, rollback)

    world = Late(calls=600, failing={"2": 0.17})
    run = played(world)
    assert (run.result.outcome, run.result.rollback) == (Outcome.ROLLED_BACK, Rollback.SUCCEEDED)
    assert isinstance(run.result.reasons[0], GuardViolated)
    assert world.alias_version == "1"
    assert [one.by_hand for one in world.deployments] == [True, True], "a deployment of its own took it back"


def test_a_stop_that_is_refused_leaves_it_running_and_says_why_it_should_not() -> None:
    class Refusing(World):
        def stop(self, deployment_id: str, rollback: bool) -> Any:
            raise AwsError(ErrorKind.DENIED, operation="codedeploy:StopDeployment", code="AccessDenied", message="No.")

    run = played(Refusing(calls=600, failing={"2": 0.17}))
    assert (run.result.outcome, run.result.rollback) == (Outcome.FAILED, Rollback.UNKNOWN)
    assert isinstance(run.result.reasons[0], GuardViolated)
    assert [reason.code for reason in run.result.reasons] == ["guard-violated", "left-running"]


def test_after_a_signal_and_after_a_stop_nothing_more_is_read() -> None:
    run = played(World(calls=600), signals=(200.0,))
    assert run.result.outcome is Outcome.CANCELLED
    assert max(at for at, _ in run.asked(a.Measure)) < 200


def test_while_a_stop_is_pending_nothing_more_is_read() -> None:
    run = played(World(calls=600, stop_takes=90.0), timeout="200s")
    assert run.result.outcome is Outcome.TIMED_OUT
    assert [at for at, _ in run.asked(a.Measure) if at > 200.4] == []


def test_an_answer_that_comes_after_the_stop_judges_nothing() -> None:
    run = played(World(calls=600, failing={"2": 0.5}), signals=(180.15,))
    assert run.count(a.Measure) == 1
    assert measured(run) == []


def test_a_second_attempt_attaches_and_judges_all_minutes_since_the_first_shift() -> None:
    world = World(calls=600, failing={"2": 0.17})
    first_run = Run(world, first(inputs(), context()), weather=STEADY)
    while world.now < 250:  # killed then
        world.advance(max(first_run.next_at(), world.now))
        first_run.go()
    run = played(world, attempt=2)
    assert run.result.outcome is Outcome.ROLLED_BACK
    (started,) = (event for event in run.events if isinstance(event, e.DeploymentStarted))
    assert started.attached
    assert run.count(a.Create) == 0
    assert next(minute.at for minute in measured(run)[0].shown.minutes) == int(AWS_EPOCH)
    assert measured(run)[0].at < 2.0


class Unmeasured(World):
    """Metrics that could not be read for the plan: nothing has told AWS's time then."""

    def facts(self, action: a.Gather) -> Facts:
        return replace(super().facts(action), calls=UNREAD)


@pytest.mark.parametrize(("kind", "asked"), [(World, 180.0), (Unmeasured, 30.0)])
def test_a_second_attempt_that_comes_early_waits_for_the_first_minute(kind: type[World], asked: float) -> None:
    """Where AWS's time is not known, the answer about the hour before has it."""
    world = kind(calls=600)
    first_run = Run(world, first(inputs(), context()), weather=STEADY)
    while world.now < 30:  # killed then
        world.advance(max(first_run.next_at(), world.now))
        first_run.go()
    run = played(world, attempt=2)
    assert run.result.guard_verdict == Verdict.HELD
    hour, look, *_ = [at for at, _ in run.asked(a.Measure)]
    assert [hour + 30, look + 30] == pytest.approx([asked, 180.0], abs=3.0)


def test_what_preflight_has_said_of_the_metrics_is_not_said_again() -> None:
    class Denied(World):
        def facts(self, action: a.Gather) -> Facts:
            return replace(super().facts(action), calls=NotPermitted("cloudwatch:GetMetricData"))

    run = played(Denied(calls=600, unmeasured=[DENIED]))
    assert run.result.guard_verdict == Verdict.INCONCLUSIVE
    assert not [event for event in run.events if isinstance(event, e.Noticed)]
    assert any(isinstance(finding.reason, MetricsUnread) for finding in run.rollout.planned.findings)


@pytest.mark.parametrize("readable", [True, False])
def test_where_no_target_can_be_read_the_shifts_are_reckoned_from_the_creation(readable: bool) -> None:
    world = World(calls=600, failing={"2": 0.17}, targets_readable=readable)
    run = played(world)
    assert run.result.outcome is (Outcome.ROLLED_BACK if readable else Outcome.SUCCEEDED)
    assert bool(measured(run)) is readable


def test_when_traffic_began_to_shift_is_awss_time_or_not_known() -> None:
    run = played(World(calls=600))
    deployment = run.rollout.deployment
    assert deployment is not None
    no_targets = but(run.rollout, seen__deployment=_without_targets(deployment))
    began = guarding.began_at(run.rollout)
    assert began is not None
    reckoned = guarding.began_at(no_targets)
    assert reckoned == pytest.approx(began, abs=2.0)
    assert guarding.shifts(run.rollout) == (Shift(at=began, share=10.0), Shift(at=began + 300.0, share=100.0))
    assert guarding.began_at(but(no_targets, attached=True)) is None
    assert guarding.began_at(but(no_targets, shift_began=None)) is None
    assert guarding.began_at(but(run.rollout, seen__deployment=None)) is None
    assert guarding.shifts(but(run.rollout, seen__deployment=None)) == ()


def _without_targets(deployment: Any) -> Any:
    return replace(deployment, targets=None)


def guarded(worlds: list[World]) -> list[Rollout]:
    return [but(one, job__proof=Proof(guards=parse("errors < 1%"))) for one in rollouts(worlds)]


def test_a_release_asks_for_the_metrics_of_all_its_functions_together(monkeypatch: pytest.MonkeyPatch) -> None:
    """At the same moments, 500 metrics a call (here 100), and each function is judged by its own."""
    assert release.MEASURE_AT_MOST == 500
    monkeypatch.setattr(release, "MEASURE_AT_MOST", 100)
    worlds = [World(function=f"f{n:02}", calls=600, routing=CANARY) for n in range(16)]
    worlds[7].failing = {"2": 0.17}
    run = play_many(*worlds, release=guarded(worlds), policy="rollback-failed").run
    results = {result.function: result.outcome for result in run.concluded.results}
    assert [name for name, outcome in results.items() if outcome is not Outcome.SUCCEEDED] == ["f07"]
    asked = [(at, action) for at, action in run.asked(a.Measure) if isinstance(action, a.Measure)]
    together = [len(action.questions) for _, action in asked if action.shared_by]
    assert max(together) == 99  # of eleven functions nine each
    judged = {round(event.at) for event in measured(run)}
    assert len(asked) <= 3 * (1 + len(judged))
    of_one = [event.at for event in measured(run) if event.key == "f00:live"]
    assert of_one == [event.at for event in measured(run) if event.key == "f01:live"]


@pytest.mark.parametrize("error", [DENIED, THROTTLED])
def test_metrics_that_cannot_be_read_together_are_missed_by_each(error: AwsError) -> None:
    worlds = [World(function=f"f{n:02}", unmeasured=[error] if n == 0 else []) for n in range(12)]
    run = play_many(*worlds, release=guarded(worlds)).run
    given_up = sum(one.measures.given_up for one in run.release.rollouts)
    assert given_up > 1 if error is DENIED else given_up == 0
    assert {result.outcome for result in run.concluded.results} == {Outcome.SUCCEEDED}


def test_off_judges_nothing() -> None:
    run = played(World(), "off")
    assert run.rollout.planned.guards == OFF
    assert guarding.judgments(run.rollout) == ()
    assert guarding.inconclusive(run.rollout) is None


def test_others_deployments_are_followed_without_guards() -> None:
    """`status` with `wait` only looks."""
    running = {"created": 0.0, "current": "1", "target": "2", "routing": CANARY}
    world = World(versions={"1": "old", "2": "new"}, deployments=[Running(id="d-OTHERS0001", **running)])
    run = played(world, "off", command="status", wait="true", deployment_id="d-OTHERS0001")
    assert (run.result.outcome, run.count(a.Measure)) == (Outcome.SUCCEEDED, 0)
