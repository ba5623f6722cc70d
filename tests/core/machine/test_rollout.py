"""One function's state and its verdict: what a result says, what a new attempt keeps, and the pauses in between."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import replace
from itertools import pairwise
from typing import Any

import pytest

from ci_deploy.core import marker
from ci_deploy.core.aws import Alias, Deployment, DeploymentStatus
from ci_deploy.core.errors import AwsError, CiDeployError, ErrorKind, InvalidInput, Problem
from ci_deploy.core.machine import actions as a
from ci_deploy.core.machine.rollout import Turn, jittered, pause
from ci_deploy.core.machine.state.attempt.attempt import Purpose
from ci_deploy.core.machine.state.place import Stage
from ci_deploy.core.plan.planning import Facts
from ci_deploy.core.reasons.ending.deploying import CancelledBefore
from ci_deploy.core.reasons.ending.release import Undone
from ci_deploy.core.reasons.ending.verdict import NotReversed, Serves
from ci_deploy.core.result import Fate, Result
from ci_deploy.core.run import Outcome, Rollback
from ci_deploy.core.story import events as e
from tests.support.machine.playing import STEADY, Run, Weather, Worlds, first, play, play_together, post_step, until
from tests.support.machine.states import but
from tests.support.machine.world import AT_ONCE, CANARY, IDENTITY, Running, World, context, inputs
from tests.support.reasons import refused

HOOKS = {"before_allow_traffic": "CodeDeployHook_a"}
FAILING = {"hook_seconds": (20.0, None), "hook_good": (False, True)}


def console(deployment_id: str) -> str:
    return (
        "https://eu-central-1.console.aws.amazon.com/codesuite/codedeploy/deployments/"
        f"{deployment_id}?region=eu-central-1"
    )


# --- the result ---


def test_the_result_of_a_success_in_full() -> None:
    world = World()
    run = play(world, inputs(bucket="artifacts"), weather=STEADY)
    ((key, content),) = world.uploads.items()
    assert run.result == Result(
        function="checkout",
        alias="live",
        outcome=Outcome.SUCCEEDED,
        deployment_id="d-DEPLOY000",
        previous_version="1",
        target_version="2",
        live_version="2",
        deployed=True,
        rollback=Rollback.NONE,
        console_url=console("d-DEPLOY000"),
        appspec_sha256=hashlib.sha256(content.encode()).hexdigest(),
        appspec_location=f"s3://artifacts/{key}?versionId=v1",
        duration_seconds=303.2,
        reasons=(Serves(serves=(("2", 100.0),)),),
        fate=Fate.ENDED,
    )


def test_the_result_of_a_split_that_is_left_in_full() -> None:
    run = play(World(alarm_at=60.0), inputs(auto_rollback="off"), weather=STEADY)
    result = run.result
    assert result == Result(
        function="checkout",
        alias="live",
        outcome=Outcome.FAILED,
        deployment_id="d-DEPLOY000",
        previous_version="1",
        target_version="2",
        live_version="1",
        live_weights="1=90,2=10",
        console_url=console("d-DEPLOY000"),
        appspec_sha256=result.appspec_sha256,
        appspec_location="inline",
        duration_seconds=round(run.now, 1),
        reasons=result.reasons,
        fate=Fate.ENDED,
    )
    assert run.said(e.Finished) == [e.Finished(at=run.now, key="checkout:live", result=result)]


def test_without_any_facts_nothing_is_said_of_alias_or_console() -> None:
    run = play(World(), weather=STEADY, signals=[0.05])
    assert run.result == Result(
        function="checkout",
        alias="live",
        outcome=Outcome.CANCELLED,
        duration_seconds=0.1,
        reasons=(CancelledBefore(signal="SIGINT"),),
    )


def test_what_the_alias_served_a_minute_ago_is_not_said_to_be_what_it_serves() -> None:
    """The facts were read at the beginning; the creation was turned away for five minutes."""
    weather = replace(STEADY, rates={"Create": 1.0}, kinds=(ErrorKind.THROTTLED,))
    late = play(World(), weather=weather)
    assert (late.result.outcome, late.result.live_version, late.result.live_weights) == (Outcome.ERROR, "", "")
    soon = play(World(), weather=weather, signals=[59.9])
    assert (soon.result.outcome, soon.result.live_version) == (Outcome.CANCELLED, "1")


def test_the_duration_is_this_steps_own() -> None:
    """The post step's clock does not begin with it."""
    world = World(stop_takes=2.0)
    main = Run(world, first(inputs(), context()), weather=STEADY)
    until(world, main, 30.0)
    finishing: list[Run] = []

    def late(run: Run) -> None:
        run.release = replace(run.release, rollouts=(but(run.rollout, job__began=-100.0),))
        finishing.append(run)

    post_step(main, killed=True, weather=STEADY, begun=late)
    assert finishing[0].result.duration_seconds == round(finishing[0].now + 100.0, 1)


@pytest.mark.parametrize(
    ("command", "previous", "target"),
    [
        ({"command": "rollback", "reason": "wrong"}, "7", "1"),
        ({"command": "stop"}, "1", "7"),
    ],
)
def test_a_rollback_by_stopping_what_runs_goes_from_its_version_to_the_one_before(
    command: dict[str, str], previous: str, target: str
) -> None:
    """For `stop` the versions are those of the deployment that was stopped."""
    running = Running(id="d-RUNNING01", created=0.0, current="1", target="7", routing=CANARY)
    run = play(World(deployments=[running], versions={"1": "old", "7": "seven"}), inputs(**command), weather=STEADY)
    assert (run.result.previous_version, run.result.target_version) == (previous, target)
    assert (run.result.live_version, run.result.rollback) == ("1", Rollback.SUCCEEDED)


def test_a_rollback_by_a_deployment_goes_from_what_is_served_to_what_was() -> None:
    world = World()
    play(world, weather=STEADY)
    given = inputs(command="rollback", reason="wrong")
    run = play(world, given, run=context(run_id=101), marker_id="0badcaf1", weather=STEADY)
    assert (run.result.outcome, run.result.previous_version, run.result.target_version) == (
        Outcome.SUCCEEDED,
        "2",
        "1",
    )


class Unreadable(World):
    """Its facts cannot be gathered."""

    error: CiDeployError

    def facts(self, action: a.Gather) -> Facts:
        raise self.error


BROKEN = InvalidInput((Problem(where="input `package`", what="`build` is empty."),))
DENIED = AwsError(ErrorKind.DENIED, operation="lambda:GetAlias", code="AccessDeniedException", message="no")


@pytest.mark.parametrize(
    ("error", "outcome", "exit_code"),
    [
        (BROKEN, Outcome.INVALID, 2),
        (refused("Another account.", "Check `account-id`."), Outcome.REFUSED, 3),
        (DENIED, Outcome.ERROR, 4),
    ],
)
def test_what_cannot_begin_ends_by_whose_fault_it_is(error: CiDeployError, outcome: Outcome, exit_code: int) -> None:
    world = Unreadable()
    world.error = error
    run = play(world, weather=STEADY)
    assert run.result == Result(
        function="checkout",
        alias="live",
        outcome=outcome,
        duration_seconds=0.1,
        reasons=(error.reason,),
    )
    assert run.concluded.exit_code == exit_code


# --- what runs in the group instead ---

THEIRS = Running(id="d-THEIRS", created=0.0, current="1", target="7", routing=CANARY)


def test_a_wait_that_is_cancelled_says_what_runs_instead() -> None:
    run = play(World(deployments=[THEIRS], versions={"1": "old", "7": "seven"}), weather=STEADY, signals=[30.0])
    assert (run.result.outcome, run.result.running) == (Outcome.CANCELLED, "d-THEIRS")


@pytest.mark.parametrize(("now", "running"), [(5.0, "d-NEXT"), (6.0, "")])
def test_after_a_wait_only_facts_of_this_very_moment_say_what_runs(now: float, running: str) -> None:
    facts = play(World(routing=AT_ONCE), weather=STEADY).rollout.facts
    assert facts is not None
    facts = replace(facts, active=(Deployment(id="d-NEXT", status=DeploymentStatus.IN_PROGRESS),))
    turn = Turn(but(first(inputs(), context()), facts=facts, reading__at=5.0, other="d-THEIRS"), now)
    turn.end(Outcome.CANCELLED, CancelledBefore())
    assert turn.r.result is not None
    assert turn.r.result.running == running


# --- a release that takes back what had succeeded ---


def reversed_release(
    world: World | None = None, *, weather: Weather = STEADY, signals: Sequence[float] = ()
) -> tuple[Result, Result, World]:
    """`b` fails; `a` had succeeded, and is taken back."""
    world = world or World(function="a", name="A", routing=AT_ONCE)
    worlds = Worlds(world, World(function="b", name="B", **FAILING))  # type: ignore[arg-type]
    rollouts = [first(inputs(function=name, **HOOKS), context(), f"0badcaf{name}") for name in ("a", "b")]
    siblings = frozenset(rollout.marker_id for rollout in rollouts)
    run = Run(worlds, *(but(rollout, siblings=siblings) for rollout in rollouts), weather=weather, signals=signals)
    play_together(worlds, run)  # type: ignore[arg-type]
    one, other = run.concluded.results
    return one, other, world


def test_a_success_that_was_taken_back_is_told_as_one_result() -> None:
    result, other, world = reversed_release()
    there, back = world.deployments
    assert (there.target, back.target) == ("2", "1")
    assert result == Result(
        function="a",
        alias="live",
        outcome=Outcome.ROLLED_BACK,
        deployment_id=there.id,
        rollback_deployment_id=back.id,
        previous_version="1",
        target_version="2",
        live_version="1",
        rollback=Rollback.SUCCEEDED,
        console_url=console(there.id),
        appspec_sha256=result.appspec_sha256,
        appspec_location="inline",
        duration_seconds=result.duration_seconds,
        reasons=(
            Undone(back=True),
            Serves(serves=(("1", 100.0),)),
        ),
        fate=Fate.ENDED,
    )
    assert result.duration_seconds > back.created
    assert other.outcome is Outcome.ROLLED_BACK


def test_a_success_that_could_not_be_taken_back_says_what_is_served_and_why() -> None:
    dies = ["", "INVALID_LAMBDA_CONFIGURATION"]
    world = World(function="a", name="A", routing=AT_ONCE, dies_of=dies, may_update_alias=False)
    result, _, _ = reversed_release(world)
    _, back = world.deployments
    assert (result.outcome, result.rollback, result.deployed) == (
        Outcome.ROLLBACK_FAILED,
        Rollback.FAILED,
        False,
    )
    assert (result.rollback_deployment_id, result.live_version, result.live_weights) == (back.id, "2", "")
    undone, failed, left = result.reasons
    assert (undone, failed.code) == (Undone(back=False), "codedeploy-invalid-lambda-configuration")
    assert isinstance(left, NotReversed)
    assert left.problem.startswith("lambda:UpdateAlias: AccessDeniedException")
    assert result.remedy.startswith("Put all traffic on version 1 with `aws lambda update-alias --function-name a")
    assert "`aws lambda get-alias --function-name a --name live --region eu-central-1`" in result.remedy
    assert result.settled


class Meddled(World):
    """Somebody splits the alias as soon as it has been taken back."""

    def alias(self) -> Alias:
        back = len(self.deployments) == 2 and self.deployments[1].status.terminal
        return replace(super().alias(), weights={"9": 5.0} if back else {})


def test_a_split_that_was_found_after_taking_it_back_is_said() -> None:
    """CodeDeploy reports a success, and somebody else moved the alias: that is theirs."""
    result, _, _ = reversed_release(Meddled(function="a", name="A", routing=AT_ONCE))
    assert (result.outcome, result.live_version, result.live_weights) == (Outcome.ROLLBACK_FAILED, "1", "1=95,9=5")


def test_a_way_back_whose_end_was_not_read_before_the_job_ended_is_left_to_the_post_step() -> None:
    weather = replace(STEADY, rates={"LookAlias": 1.0}, kinds=(ErrorKind.UNREACHABLE,), since=27.0)
    result, _, _ = reversed_release(weather=weather, signals=[35.0])
    assert (result.outcome, result.rollback, result.settled) == (Outcome.CANCELLED, Rollback.UNKNOWN, False)
    assert result.live_version == ""


def test_a_way_back_that_could_not_begin_is_not_begun_again_after_a_signal() -> None:
    done = play(World(routing=AT_ONCE), weather=STEADY).result
    turn = Turn(but(first(inputs(), context()), undone=done, grace__at=5.0), 6.0)
    turn.fail(DENIED)
    assert turn.r.result is not None
    assert (turn.r.stage, turn.r.result.outcome) == (Stage.DONE, Outcome.CANCELLED)


# --- a new attempt ---


def test_what_was_only_throttled_is_tried_once_more_by_another_marker_and_counts_as_one_run() -> None:
    world = World(dies_of=["THROTTLED"])
    run = play(world, weather=STEADY)
    one, _, two = world.deployments
    marks = [marker.parse(deployment.description) for deployment in (one, two)]
    assert [mark.run_id for mark in marks if mark] == [100, 100]
    assert len({mark.id for mark in marks if mark}) == 2
    assert (run.result.deployment_id, run.result.outcome) == (two.id, Outcome.SUCCEEDED)
    assert run.result.duration_seconds == round(run.now, 1)
    assert len(run.said(e.Identified)) == 1


def test_a_new_attempt_keeps_what_is_of_the_function_and_forgets_what_was_of_the_deployment() -> None:
    ended = play(World(dies_of=["INVALID_REVISION"]), weather=STEADY).rollout
    kept: dict[str, Any] = {
        "logical_name": "Mine",
        "siblings": frozenset({"0badcafe", "0badcaf1"}),
        "job__began": 5.0,
        "grace__second": 0.5,
        "wave": 2,
        "grace__at": 7.0,
        "kinds": frozenset({"Look"}),
    }
    before = but(ended, **kept)
    fresh = before.begin_again(before.attempt.once_more())
    marker_id = hashlib.sha256(b"0badcafe once more").hexdigest()[:8]
    kept |= {"siblings": kept["siblings"] | {marker_id}, "facts": before.facts}
    kept |= {"late": frozenset({"Look"})}  # its answer is still to come, and says nothing of the new attempt
    assert fresh == but(first(inputs(), context(), marker_id), purpose=Purpose.ONCE_MORE, **kept)
    assert before.facts is not None
    alone = but(ended, siblings=frozenset())
    assert alone.begin_again(alone.attempt.once_more()).part.siblings == frozenset()


# --- pauses ---


def test_a_stage_begins_with_the_shortest_pause_however_often_the_one_before_had_to_repeat() -> None:
    class Throttled(World):
        def perform(self, action: a.Action) -> a.Answer:
            if self.now < {a.Publish: 20.0, a.Create: 40.0}.get(type(action), 0.0):
                raise AwsError(ErrorKind.THROTTLED, operation="test", code="X", message="slow down")
            return super().perform(action)

    run = play(Throttled(), weather=STEADY)
    pauses = [later - earlier - 0.1 for earlier, later in pairwise([at for at, _ in run.asked(a.Create)])]
    assert len(run.asked(a.Publish)) > 4
    assert [round(pause / base, 1) for pause, base in zip(pauses, (1.0, 2.0, 4.0), strict=False)] == [1.0] * 3
    assert run.result.outcome is Outcome.SUCCEEDED


@pytest.mark.parametrize(
    ("again_at", "seen_at", "slack", "now", "due"),
    [
        (115.0, 100.0, 0.0, 115.0, True),
        (115.0, 100.0, 0.0, 114.9, False),
        (115.0, 100.0, 3.0, 112.0, True),
        (115.0, 100.0, 3.0, 111.9, False),
        (102.5, 100.0, 3.0, 102.0, True),
        (102.5, 100.0, 3.0, 101.9, False),
        (115.0, 100.0, 1.0, 113.9, False),
    ],
)
def test_what_is_nearly_due_is_done_together_with_others_and_nearly_is_a_fifth_of_the_pause(
    again_at: float, seen_at: float, slack: float, now: float, due: bool
) -> None:
    rollout = but(first(inputs(), context()), again_at=again_at, seen_at=seen_at)
    turn = Turn(rollout, now, slack=slack)
    assert turn.due(together=True) == due
    assert turn.due() == (now >= again_at)


def test_pauses_are_spread_by_a_tenth_and_the_same_for_the_same_run() -> None:
    """Many runs at once do not ask in step; a run that is replayed does what it did."""
    pauses = [jittered(10.0, f"{number:08}", 0) for number in range(2000)]
    assert pauses == [jittered(10.0, f"{number:08}", 0) for number in range(2000)]
    assert (round(min(pauses), 1), round(max(pauses), 1)) == (9.0, 11.0)
    assert 9.9 < sum(pauses) / len(pauses) < 10.1
    assert jittered(10.0, "0badcafe", 1) != jittered(10.0, "0badcafe", 2)


@pytest.mark.parametrize(
    ("hook_logs", "public", "quoted"),
    [("auto", False, True), ("auto", True, False), ("on", True, True), ("off", False, False), ("off", True, False)],
)
def test_hook_logs_are_quoted_in_public_repositories_only_if_asked_for(
    hook_logs: str, public: bool, quoted: bool
) -> None:
    assert first(inputs(hook_logs=hook_logs), replace(context(), public=public)).quotes_logs == quoted


def test_before_there_is_a_plan_there_are_no_versions_and_before_there_are_facts_no_address() -> None:
    rollout = first(inputs(), context())
    assert (rollout.previous_version, rollout.target_version, rollout.key) == ("", "", "checkout:live")
    assert Turn(rollout, 0.0).url("d-X") == ""
    facts = play(World(routing=AT_ONCE), weather=STEADY).rollout.facts
    assert facts is not None
    assert facts.identity == IDENTITY
    assert facts.alias == Alias(function="checkout", name="live", version="1", revision_id="0")
    assert Turn(but(rollout, facts=facts), 0.0).url("d-X") == console("d-X")


def test_pauses_double_up_to_their_most_however_long_it_lasts() -> None:
    assert [pause(failures) for failures in range(7)] == [1, 2, 4, 8, 16, 30, 30]
    assert [pause(failures, base=2.0, most=20.0) for failures in range(5)] == [2, 4, 8, 16, 20]
    assert pause(5000) == 30.0
