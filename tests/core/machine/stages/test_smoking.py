"""Smoke cases: run in order before anything is created, once, and told apart by how they end."""

from __future__ import annotations

from typing import Any

import pytest

from ci_deploy.core.aws import Invocation
from ci_deploy.core.errors import AwsError, ErrorKind
from ci_deploy.core.given.files.smoke import Case
from ci_deploy.core.machine import actions as a
from ci_deploy.core.machine.stages.smoking import CANNOT_START
from ci_deploy.core.reasons.ending.smoke import SmokeFailed, SmokeNotRun, SmokeTimedOut
from ci_deploy.core.run import Outcome
from ci_deploy.core.story import events as e
from tests.support.golden import Told
from tests.support.machine import many
from tests.support.machine.codeworld import CodeWorld
from tests.support.machine.playing import STEADY, Run, Weather, first, play_together
from tests.support.machine.states import but
from tests.support.machine.world import AT_ONCE, World, context, inputs

CASES = (
    Case(name="health", payload='{"path":"/health"}', expect={"ok": True}, within=2.0),
    Case(name="order", payload="{}"),
)
GOOD = Invocation(payload='{"ok": true, "more": 1}', seconds=0.25, init_seconds=3.0, log="INIT\nREPORT")
FAILED = Invocation(
    payload='{"errorType": "KeyError", "errorMessage": "secret"}', error="Unhandled", log="one\ntwo", seconds=0.1
)


def error(code: str, kind: ErrorKind) -> AwsError:
    return AwsError(kind, operation="lambda:InvokeFunction", code=code, message="Said so.")


def played(
    *answers: Invocation | AwsError,
    cases: tuple[Case, ...] = CASES,
    world: World | None = None,
    signals: tuple[float, ...] = (),
    weather: Weather = STEADY,
    **given: str,
) -> Run:
    world = world or World(routing=AT_ONCE)
    world.answers = list(answers)
    rollout = but(first(inputs(**given), context()), job__smoke=cases)
    run = Run(world, rollout, weather=weather, signals=signals)
    play_together(world, run)
    return run


def broken(payload: str) -> Invocation:
    return Invocation(payload=payload, error="Unhandled", seconds=0.1)


def kinds(run: Run) -> list[str]:
    return [type(action).__name__ for _, action in run.actions if isinstance(action, a.Publish | a.Invoke | a.Create)]


def diagnosis(run: Run) -> Any:
    (said,) = run.said(e.Diagnosed)
    return said.diagnosis  # type: ignore[attr-defined]


def test_cases_run_in_order_on_the_new_version_before_a_deployment_is_created() -> None:
    run = played(GOOD)
    assert run.result.outcome is Outcome.SUCCEEDED
    assert kinds(run) == ["Publish", "Invoke", "Invoke", "Create"]
    asked = [action for _, action in run.asked(a.Invoke)]
    assert asked[0] == a.Invoke(
        key="checkout:live", function="checkout", version="2", payload=CASES[0].payload, tenant="", timeout=900.0
    )
    assert [
        (said.key, said.case, said.number, said.total, said.seconds, said.init_seconds)
        for said in run.said(e.SmokePassed)
    ] == [  # type: ignore[attr-defined]
        ("checkout:live", "health", 1, 2, 0.25, 3.0),
        ("checkout:live", "order", 2, 2, 0.1, 0.0),
    ]


def test_a_case_names_its_tenant() -> None:
    world = CodeWorld(routing=AT_ONCE, settings={"TenancyConfig": "{}"})
    run = played(cases=(Case(name="one", payload="{}", tenant="blue"),), world=world, code="build")
    ((_, asked),) = run.asked(a.Invoke)
    assert isinstance(asked, a.Invoke)
    assert asked.tenant == "blue"


@pytest.mark.parametrize(
    "answer",
    [
        FAILED,
        broken("killed secret"),
        broken(""),
        broken("{}"),
        Invocation(payload='{"ok": "secret"}', seconds=0.1),
        Invocation(payload='{"ok": true}', seconds=2.5),
        Invocation(payload='{"ok": true}', seconds=2.5, reported=False),
    ],
    ids=lambda answer: f"{answer.payload} {answer.seconds} {answer.reported}",
)
def test_a_case_that_fails_ends_the_run_with_nothing_deployed(answer: Invocation, told: Told) -> None:
    for hook_logs in ("on", "off"):
        run = played(answer, hook_logs=hook_logs)
        assert run.result.outcome is Outcome.FAILED
        (reason,) = run.result.reasons
        assert reason == SmokeFailed(case="health", wrong=getattr(reason, "wrong", ""), version="2")
        assert ("secret" in reason.text) is ("secret" in answer.payload and hook_logs == "on")
        assert reason.wrong == told
        assert kinds(run) == ["Publish", "Invoke"]
        assert (run.result.target_version, run.result.live_version, run.result.deployed) == ("2", "1", False)
        assert diagnosis(run).reason == run.result.reasons[0]


def test_the_log_is_shown_only_where_logs_may_be_shown() -> None:
    (log,) = diagnosis(played(FAILED, hook_logs="on")).logs
    assert (log.function, log.group, log.lines) == ("checkout", "/aws/lambda/checkout", ("one", "two"))
    assert diagnosis(played(FAILED, hook_logs="off")).logs == ()


def test_many_differences_are_counted(told: Told) -> None:
    case = Case(name="all", payload="{}", expect={f"k{number}": 1 for number in range(8)})
    (reason,) = played(cases=(case,)).result.reasons
    assert isinstance(reason, SmokeFailed)
    assert "`k4`" in reason.wrong and "`k5`" not in reason.wrong
    assert reason.wrong == told


def test_a_throttled_case_is_repeated_and_given_up_after_five_minutes() -> None:
    throttled = error("TooManyRequestsException", ErrorKind.THROTTLED)
    run = played(throttled, throttled, GOOD)
    assert run.result.outcome is Outcome.SUCCEEDED
    assert kinds(run) == ["Publish", *["Invoke"] * 4, "Create"]
    never = played(*[throttled] * 1000)
    assert never.result.outcome is Outcome.ERROR
    assert never.result.reasons[0] == SmokeNotRun(case="health")
    assert [reason.code for reason in never.result.reasons] == ["smoke-not-run", "aws-throttled"]


@pytest.mark.parametrize("code", sorted(CANNOT_START))
def test_a_version_that_cannot_start_has_failed(code: str, told: Told) -> None:
    run = played(error(code, ErrorKind.REJECTED))
    assert run.result.outcome is Outcome.FAILED
    (reason,) = run.result.reasons
    assert reason == SmokeFailed(case="health", wrong=getattr(reason, "wrong", ""), version="2")
    assert reason.wrong == told
    assert kinds(run) == ["Publish", "Invoke"]


@pytest.mark.parametrize(
    ("code", "kind"),
    [
        ("AccessDeniedException", ErrorKind.DENIED),
        ("ReadTimeoutError", ErrorKind.UNREACHABLE),
        ("ServiceException", ErrorKind.UNREACHABLE),
        ("EC2ThrottledException", ErrorKind.THROTTLED),
        ("ExpiredTokenException", ErrorKind.EXPIRED),
        ("RequestTooLargeException", ErrorKind.REJECTED),
    ],
)
def test_an_invocation_that_may_have_begun_or_may_not_be_made_is_not_repeated(code: str, kind: ErrorKind) -> None:
    run = played(error(code, kind))
    assert run.result.outcome is Outcome.ERROR
    assert kinds(run) == ["Publish", "Invoke"]


def test_the_time_of_the_cases_counts_into_the_time_limit() -> None:
    slow = Weather(delays=(70.0, 70.0))
    run = played(GOOD, weather=slow, timeout="100s")
    assert run.result.outcome is Outcome.TIMED_OUT
    assert run.result.reasons == (SmokeTimedOut(minutes=100 / 60, version="2"),)
    assert kinds(run) == ["Publish", "Invoke", "Invoke"]
    (started,) = played(GOOD, weather=Weather(delays=(10.0, 10.0)), timeout="100s").said(e.DeploymentStarted)
    assert started.until - started.at == pytest.approx(80.0)  # type: ignore[attr-defined]


def test_without_a_timeout_the_cases_have_their_own_time() -> None:
    (planned,) = played(GOOD).said(e.Planned)
    (without,) = played(cases=()).said(e.Planned)
    assert planned.plan.timeout - without.plan.timeout == 2.0 + 900.0  # type: ignore[attr-defined]


def test_a_signal_between_two_cases_ends_the_run() -> None:
    run = played(GOOD, signals=(0.35,))
    assert run.result.outcome is Outcome.CANCELLED
    assert "Create" not in kinds(run)


def test_an_answer_after_the_end_changes_nothing() -> None:
    run = played(FAILED, weather=Weather(delays=(5.0, 5.0)), signals=(12.0,))
    assert run.result.outcome is Outcome.CANCELLED
    assert run.said(e.Diagnosed) == []


def test_a_conflict_after_the_cases_does_not_invoke_them_again() -> None:
    class Taken(World):
        taken = False

        def perform(self, action: a.Action) -> a.Answer:
            if isinstance(action, a.Create) and not self.taken:
                self.taken = True
                raise error("DeploymentLimitExceededException", ErrorKind.CONFLICT)
            return super().perform(action)

    run = played(GOOD, world=Taken(routing=AT_ONCE))
    assert run.result.outcome is Outcome.SUCCEEDED
    assert kinds(run) == ["Publish", "Invoke", "Invoke", "Create", "Publish", "Create"]


def test_codedeploy_that_was_throttled_is_asked_once_more_without_the_cases() -> None:
    run = played(GOOD, world=World(routing=AT_ONCE, dies_of=["THROTTLED"]))
    assert run.result.outcome is Outcome.SUCCEEDED
    assert kinds(run).count("Invoke") == 2


@pytest.mark.parametrize("given", [{"command": "rollback", "reason": "because"}, {"command": "plan"}])
def test_what_goes_back_and_what_only_plans_invokes_nothing(given: dict[str, str]) -> None:
    world = World(routing=AT_ONCE, alias_version="2", versions={"1": "old", "2": "mid"})
    run = played(FAILED, world=world, version="1" if given["command"] == "rollback" else "", force="true", **given)
    assert run.result.outcome in (Outcome.SUCCEEDED, Outcome.PLANNED)
    assert run.count(a.Invoke) == 0


def test_a_release_is_all_or_nothing_by_its_cases_and_a_reversal_invokes_none() -> None:
    good, bad = World(function="a", routing=AT_ONCE), World(function="b", routing=AT_ONCE)
    bad.answers = [FAILED]
    made = [but(one, job__smoke=CASES[1:], wave=number) for number, one in enumerate(many.rollouts((good, bad)))]
    played = many.start(good, bad, release=made).end()
    assert played.outcomes == {"a": "rolled-back", "b": "failed"}
    assert (good.alias_version, bad.alias_version) == ("1", "1")
    assert played.run.count(a.Invoke) == 2
