"""Deployments that another tool starts: found, followed to their ends, and when nothing more is waited for."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import TypeVar

import pytest

from ci_deploy.core.aws import Deployment, DeploymentStatus, DeploymentTarget
from ci_deploy.core.errors import AwsError, CiDeployError, ErrorKind
from ci_deploy.core.given.files.appspec import AppSpec
from ci_deploy.core.machine import actions as a
from ci_deploy.core.machine import watching
from ci_deploy.core.machine.release import Release, step
from ci_deploy.core.machine.state.search import Search
from ci_deploy.core.plan.sought import Spot
from ci_deploy.core.reasons.ending.guards import GuardViolated
from ci_deploy.core.reasons.ending.verdict import Serves
from ci_deploy.core.reasons.ending.watching import (
    HookOverdue,
    NothingAppeared,
    StackFailed,
    StackTookBack,
    StaysInService,
    UpdateFails,
)
from ci_deploy.core.reasons.reason import Reason
from ci_deploy.core.result import Result
from ci_deploy.core.run import Command, Outcome, Rollback
from ci_deploy.core.stacks import Stack, StackEvent
from ci_deploy.core.story import events as e
from tests.support.machine.world import ALL_EVENTS, AT_ONCE, AWS_EPOCH, CANARY, Running, World, context, inputs

HERE = Spot(function="checkout", alias="live")
OURS = Stack(name="shop", status="UPDATE_COMPLETE", groups=frozenset({"group"}), updated=1.0)
BUSY = replace(OURS, status="UPDATE_IN_PROGRESS", updated=AWS_EPOCH + 1)
THROTTLED = AwsError(ErrorKind.THROTTLED, operation="codedeploy:ListDeployments", code="Throttling", message="slow")
DENIED = AwsError(ErrorKind.DENIED, operation="codedeploy:ListDeployments", code="AccessDenied", message="no")


@dataclass
class Play:
    """A run that watches a small world. `happens`: what the other tool does, by time."""

    world: World = field(default_factory=World)
    spots: tuple[Spot, ...] = (HERE,)
    given: dict[str, str] = field(default_factory=dict)
    around: bool = False
    age: float = 0.0
    happens: list[tuple[float, Callable[[], a.Observation | None]]] = field(default_factory=list)
    extra: list[Deployment] = field(default_factory=list)  # others' deployments
    errors: list[CiDeployError] = field(default_factory=list)  # of the first listings
    slow: dict[type[a.Action], float] = field(default_factory=dict)  # seconds that these answers take
    asked: list[a.Discover] = field(default_factory=list)
    events: list[e.Event] = field(default_factory=list)

    def deploys(self, at: float, **what: object) -> None:
        usual: dict[str, object] = {"current": "1", "target": "2", "routing": CANARY, "rollback_events": ALL_EVENTS}
        made = Running(id=f"d-{at:03.0f}", created=at, **{**usual, **what})  # type: ignore[arg-type]
        self.happens.append((at, lambda: self.world.deployments.append(made)))

    def observes(self, at: float, observation: a.Observation) -> None:
        self.happens.append((at, lambda: observation))

    def run(self) -> e.Concluded:
        given = inputs(command="watch", **self.given)
        search = Search.first(given, context(), self.spots, around=self.around, age=self.age)
        release = Release(command=Command.WATCH, rollouts=(), search=search)
        inbox: list[tuple[float, a.Observation]] = []
        self.world.advance(0.0)
        waiting = sorted(self.happens, key=lambda each: each[0])
        now = 0.0
        observation: a.Observation = a.Tick()
        for _ in range(20_000):
            made = step(release, observation, now)
            release = made.release
            self.events += made.events
            inbox += [(now + self.slow.get(type(action), 0.1), self._perform(action, now)) for action in made.actions]
            if made.look_again_at is None:
                (concluded,) = [event for event in made.events if isinstance(event, e.Concluded)]
                return concluded
            inbox.sort(key=lambda each: each[0])
            now = max(now, min([made.look_again_at, *(at for at, _ in inbox[:1]), *(at for at, _ in waiting[:1])]))
            self.world.advance(now)
            observation = a.Tick()
            if inbox and inbox[0][0] <= now:
                observation = inbox.pop(0)[1]
            elif waiting and waiting[0][0] <= now:
                observation = waiting.pop(0)[1]() or a.Tick()
        raise AssertionError(f"no end at {now}")

    def _perform(self, action: a.Action, now: float) -> a.Observation:
        if not isinstance(action, a.Discover):
            return a.Done(action=action, answer=self.world.perform(action))
        self.asked.append(action)
        if self.errors:
            return a.Failed(action=action, error=self.errors.pop(0))
        found = self.world.discover(action)
        more = tuple(one for one in self.extra if one.id not in action.known)
        return a.Done(action=action, answer=replace(found, deployments=(*found.deployments, *more)))

    def codes(self) -> list[str]:
        return [event.finding.code for event in self.events if isinstance(event, e.Noticed)]

    def followed(self) -> list[str]:
        return [event.deployment_id for event in self.events if isinstance(event, e.DeploymentStarted)]


Kind = TypeVar("Kind", bound=Reason)


def noticed(play: Play, kind: type[Kind]) -> list[Kind]:
    told = (event.finding.reason for event in play.events if isinstance(event, e.Noticed))
    return [reason for reason in told if isinstance(reason, kind)]


def ends(concluded: e.Concluded) -> list[tuple[Outcome, str, bool]]:
    return [(each.outcome, each.deployment_id, each.deployed) for each in concluded.results]


# --- A function ---


def test_a_deployment_that_appears_is_followed_to_its_end_and_nothing_is_created() -> None:
    play = Play()
    play.deploys(40.0)
    done = play.run()
    assert ends(done) == [(Outcome.SUCCEEDED, "d-040", True)]
    assert done.exit_code == 0
    assert play.world.stops == []
    assert len(play.world.deployments) == 1
    assert next(event.shares for event in play.events if isinstance(event, e.TrafficShifted)) == {"1": 90.0, "2": 10.0}
    assert done.at >= 340.0 + 120.0  # two quiet minutes for another one


def test_a_deployment_that_was_over_before_the_first_listing_is_reported() -> None:
    play = Play(age=100.0)
    play.world.now = 50.0
    play.world.deployments.append(Running(id="d-early", created=-20.0, current="1", target="2", routing=AT_ONCE))
    assert ends(play.run()) == [(Outcome.SUCCEEDED, "d-early", True)]


def test_what_is_older_than_the_run_and_over_is_not_meant() -> None:
    play = Play()
    play.world.deployments.append(Running(id="d-old", created=-900.0, current="1", target="2", routing=AT_ONCE))
    done = play.run()
    assert [(one.key, one.outcome) for one in done.results] == [("checkout:live", Outcome.UNCHANGED)]
    assert done.exit_code == 0
    assert play.codes() == ["nothing-appeared"]
    assert done.at >= 1800.0


def test_what_is_active_at_the_start_is_followed() -> None:
    play = Play()
    play.world.deployments.append(Running(id="d-before", created=-60.0, current="1", target="2", routing=CANARY))
    assert ends(play.run()) == [(Outcome.SUCCEEDED, "d-before", True)]


def test_one_deployment_after_the_other_is_followed_and_both_are_told_at_the_end() -> None:
    play = Play()
    play.deploys(20.0)
    play.deploys(360.0, current="2", target="3", routing=AT_ONCE)
    play.world.versions["3"] = "three"
    assert ends(play.run()) == [(Outcome.SUCCEEDED, "d-020", True), (Outcome.SUCCEEDED, "d-360", True)]


def test_the_last_deployment_of_an_alias_counts_and_a_bad_one_before_it_is_a_warning() -> None:
    play = Play(world=World(alarm_at=100.0))
    play.deploys(20.0)
    play.deploys(200.0, target="3", routing=AT_ONCE)
    play.world.versions["3"] = "three"
    done = play.run()
    assert [one.outcome for one in done.results] == [Outcome.ROLLED_BACK, Outcome.SUCCEEDED]
    assert (done.result.deployment_id, done.result.live_version, done.exit_code) == ("d-200", "3", 0)
    assert play.codes() == ["deployment-replaced"]


def test_of_two_that_are_over_the_later_one_is_followed_and_the_other_told() -> None:
    play = Play(age=200.0)
    play.world.now = 0.0
    for created, current, target in ((-100.0, "1", "2"), (-50.0, "2", "3")):
        play.world.deployments.append(
            Running(id=f"d{created:.0f}", created=created, current=current, target=target, routing=AT_ONCE)
        )
    done = play.run()
    assert ends(done) == [(Outcome.SUCCEEDED, "d-50", True)]
    assert play.codes() == ["deployment-replaced"]


def test_others_deployments_and_those_that_never_tell_are_left_alone() -> None:
    play = Play()
    target = play.world.snapshot(Running(id="x", created=5.0, current="1", target="2", routing=CANARY), True)
    other = replace(target, id="d-other", create_time=AWS_EPOCH + 5.0, targets=())
    play.extra = [
        replace(other, id="d-ecs", compute_platform="ECS"),
        replace(other, id="d-silent", status=DeploymentStatus.FAILED),
        replace(other, id="d-starting"),
        replace(other, id="d-rollback", creator="codeDeployRollback"),
    ]
    play.deploys(20.0, routing=AT_ONCE)
    assert ends(play.run()) == [(Outcome.SUCCEEDED, "d-020", True)]
    assert {"d-ecs", "d-silent", "d-rollback"} <= play.asked[-1].known
    assert "d-starting" not in play.asked[-1].known  # it is asked about again and again


def test_a_bad_version_is_red_and_says_where_the_traffic_went() -> None:
    play = Play(world=World(alarm_at=100.0))
    play.deploys(20.0)
    done = play.run()
    assert [(each.outcome, each.rollback) for each in done.results] == [(Outcome.ROLLED_BACK, Rollback.SUCCEEDED)]
    assert done.exit_code == 1
    assert play.world.stops == []


def test_hooks_and_versions_are_those_of_the_deployments_own_appspec() -> None:
    """CodeDeploy names neither while the first hook runs."""
    said = AppSpec(
        current_version="1", target_version="2", before_hook="CodeDeployHook_a", after_hook="CodeDeployHook_b"
    )
    play = Play(world=World(declares=said))
    play.deploys(20.0, hook_seconds=(20.0, None), hook_good=(False, True))
    done = play.run()
    (planned,) = [event.plan for event in play.events if isinstance(event, e.Planned)]
    assert (planned.before_hook, planned.after_hook) == ("CodeDeployHook_a", "CodeDeployHook_b")
    assert (planned.current_version, planned.target_version) == ("1", "2")
    assert (done.result.outcome, done.result.reason_code) == (Outcome.ROLLED_BACK, "codedeploy-hook-execution-failure")
    assert "CodeDeployHook_a" in done.result.reason


class Nameless(World):
    """CodeDeploy names the versions when traffic shifts, and not before."""

    def _target(self, running: Running) -> DeploymentTarget:
        made = super()._target(running)
        return made if running.share else replace(made, current_version="", target_version="")


def test_the_versions_that_codedeploy_does_not_name_yet_are_told_by_the_appspec() -> None:
    play = Play(world=Nameless(declares=AppSpec(current_version="1", target_version="2")))
    play.deploys(20.0, hook_seconds=(60.0, None))
    play.run()
    (planned,) = [event.plan for event in play.events if isinstance(event, e.Planned)]
    assert (planned.current_version, planned.target_version) == ("1", "2")


# --- What it may stop ---


@pytest.mark.parametrize(
    ("given", "stops", "outcome"),
    [
        ({"timeout": "2m"}, 0, Outcome.TIMED_OUT),
        ({"timeout": "2m", "on_violation": "rollback"}, 1, Outcome.TIMED_OUT),
        ({"hook_timeout": "1m"}, 0, Outcome.SUCCEEDED),
        ({"hook_timeout": "1m", "on_violation": "rollback"}, 1, Outcome.ROLLED_BACK),
    ],
)
def test_a_deployment_is_stopped_only_where_that_was_asked_for(
    given: dict[str, str], stops: int, outcome: Outcome
) -> None:
    play = Play(given=given)
    play.deploys(20.0, hook_seconds=(200.0, None))
    done = play.run()
    assert [rollback for _, _, rollback in play.world.stops] == [True] * stops
    assert done.result.outcome is outcome
    overdue = "hook_timeout" in given and not stops
    assert [each.unasked for each in noticed(play, HookOverdue)] == [True] * overdue
    assert noticed(play, UpdateFails) == [UpdateFails(stack="")] * stops


def test_an_overdue_hook_is_named_where_the_appspec_does() -> None:
    declares = AppSpec(current_version="1", target_version="2", before_hook="CodeDeployHook_a")
    play = Play(world=World(declares=declares), given={"hook_timeout": "1m"})
    play.deploys(20.0, hook_seconds=(200.0, None))
    play.run()
    assert noticed(play, HookOverdue) == [HookOverdue(what="Hook CodeDeployHook_a", seconds=60.0, unasked=True)]


def test_what_codedeploy_stops_after_a_reported_violation_ends_for_codedeploys_reason() -> None:
    world = World(calls=600, failing={"2": 0.17}, alarm_at=280.0)
    play = Play(world=world, given={"guards": "errors < 1%", "on_violation": "report"})
    play.deploys(20.0)
    done = play.run()
    assert (done.result.outcome, done.result.reason_code) == (Outcome.ROLLED_BACK, "codedeploy-alarm-active")
    assert [each.runs_on for each in noticed(play, GuardViolated)] == [True]


@pytest.mark.parametrize(
    ("policy", "stops", "outcome", "exit_code"),
    [("report", 0, Outcome.SUCCEEDED, 0), ("rollback", 1, Outcome.ROLLED_BACK, 1)],
)
def test_a_violated_guard_is_reported_or_stops_the_deployment(
    policy: str, stops: int, outcome: Outcome, exit_code: int
) -> None:
    play = Play(world=World(calls=600, failing={"2": 0.17}), given={"guards": "errors < 1%", "on_violation": policy})
    play.deploys(20.0)
    done = play.run()
    assert len(play.world.stops) == stops
    assert (done.result.outcome, done.exit_code) == (outcome, exit_code)
    assert done.result.guard_verdict == "violated"
    assert [(each.runs_on, each.unasked) for each in noticed(play, GuardViolated)] == [(True, True)] * (not stops)
    assert [reason.unasked for reason in done.result.reasons if isinstance(reason, StaysInService)] == [True] * (
        not stops
    )


def test_what_ran_before_the_command_would_not_have_been_stopped_either() -> None:
    """So neither a violated guard nor an overdue hook names `on-violation: rollback`."""
    given = {"guards": "errors < 1%", "on_violation": "rollback", "hook_timeout": "1m"}
    play = Play(around=True, world=World(calls=600, failing={"2": 0.17}), given=given)
    play.world.deployments.append(
        Running(id="d-before", created=-60.0, current="1", target="2", routing=CANARY, hook_seconds=(200.0, None))
    )
    play.observes(2000.0, a.CommandEnded(exit_code=0))
    play.run()
    assert play.world.stops == []
    assert [each.unasked for each in noticed(play, HookOverdue)] == [False]
    assert [(each.runs_on, each.unasked) for each in noticed(play, GuardViolated)] == [(True, False)]


def test_without_guards_errors_are_shown_and_stop_nothing() -> None:
    play = Play(world=World(calls=600, failing={"2": 0.17}), given={"on_violation": "rollback"})
    play.deploys(20.0)
    done = play.run()
    assert (done.result.outcome, play.world.stops) == (Outcome.SUCCEEDED, [])
    assert [event for event in play.events if isinstance(event, e.Measured)]


@pytest.mark.parametrize(("policy", "stops"), [("", 0), ("rollback", 1)])
def test_a_cancel_leaves_the_deployment_unless_told_otherwise(policy: str, stops: int) -> None:
    play = Play(given={"on_cancel": policy} if policy else {})
    play.deploys(20.0)
    play.observes(100.0, a.Cancelled(signal="SIGINT"))
    done = play.run()
    assert done.result.outcome is Outcome.CANCELLED
    assert len(play.world.stops) == stops


def test_around_a_command_what_ran_before_it_is_never_stopped() -> None:
    play = Play(around=True, given={"on_violation": "rollback", "on_cancel": "rollback", "timeout": "2m"})
    play.world.deployments.append(Running(id="d-before", created=-60.0, current="1", target="2", routing=CANARY))
    play.observes(300.0, a.CommandEnded(exit_code=0))
    done = play.run()
    assert done.result.outcome is Outcome.TIMED_OUT
    assert play.world.stops == []


def test_around_a_command_what_it_starts_is_stopped_where_that_was_asked_for() -> None:
    play = Play(around=True, given={"on_violation": "rollback", "timeout": "2m"})
    play.deploys(20.0, hook_seconds=(200.0, None))
    play.observes(300.0, a.CommandEnded(exit_code=0))
    assert play.run().result.outcome is Outcome.TIMED_OUT
    assert [rollback for _, _, rollback in play.world.stops] == [True]


def test_a_signal_while_nothing_is_followed_is_no_failure() -> None:
    play = Play()
    play.observes(50.0, a.Cancelled(signal="SIGTERM"))
    done = play.run()
    assert (done.result.outcome, done.exit_code) == (Outcome.UNCHANGED, 0)
    assert play.codes() == ["watch-interrupted"]
    assert [event.signal for event in play.events if isinstance(event, e.CancelReceived)] == ["SIGTERM"]


# --- The bake ---


def baked(policy: str = "report", **more: object) -> Play:
    """All traffic moves at once, and version 2 is bad from the start."""
    usual = {"routing": AT_ONCE, "calls": 600, "versions": {"1": "old", "2": "new"}}
    play = Play(world=World(**{**usual, **more}), given={"bake": "10m", "on_violation": policy})  # type: ignore[arg-type]
    play.deploys(20.0, routing=AT_ONCE)
    return play


def created(play: Play) -> int:
    return len(play.world.deployments) - 1


@pytest.mark.parametrize("policy", ["report", "rollback"])
def test_a_guard_violated_in_the_bake_is_reported_with_the_tools_way_back(policy: str) -> None:
    play = baked(policy, failing={"2": 0.2})
    play.given["guards"] = "errors < 1%"
    done = play.run()
    assert (done.result.outcome, done.result.deployed, done.exit_code) == (Outcome.SUCCEEDED, True, 0)
    assert done.result.guard_verdict == "violated"
    assert [type(reason) for reason in done.result.reasons] == [StaysInService, Serves]
    assert play.codes() == ["guard-violated"]
    assert (play.world.stops, created(play)) == ([], 0)
    assert done.at < 600.0


def test_an_alarm_that_fires_in_the_bake_is_reported() -> None:
    play = baked("rollback", ringing=(100.0, 1e9))
    done = play.run()
    assert (done.result.outcome, done.exit_code, done.result.guard_verdict) == (Outcome.SUCCEEDED, 0, "")
    assert [reason.code for reason in done.result.reasons] == ["stays-in-service", "succeeded"]
    assert play.codes() == ["bake-alarm"]
    assert (play.world.stops, created(play)) == ([], 0)


def test_a_quiet_bake_is_watched_to_its_end() -> None:
    play = baked()
    done = play.run()
    assert [type(reason) for reason in done.result.reasons] == [Serves]
    (result,) = [event for event in play.events if isinstance(event, e.Finished)]
    assert 620.0 < result.at < 640.0
    assert done.at >= result.at + 119.0


def test_what_is_over_when_it_is_found_bakes_from_its_end_on() -> None:
    play = Play(age=500.0, world=World(calls=600, now=-900.0), given={"bake": "10m"})
    play.world.deployments.append(Running(id="d-early", created=-400.0, current="1", target="2", routing=AT_ONCE))
    play.run()
    (result,) = [event for event in play.events if isinstance(event, e.Finished)]
    assert 200.0 <= result.at < 240.0


@pytest.mark.parametrize("policy", ["leave", "rollback"])
def test_a_cancel_in_the_bake_creates_nothing(policy: str) -> None:
    play = baked("rollback")
    play.given["on_cancel"] = policy
    play.observes(200.0, a.Cancelled(signal="SIGINT"))
    done = play.run()
    assert (done.result.outcome, done.result.live_version) == (Outcome.CANCELLED, "2")
    assert (play.world.stops, created(play)) == ([], 0)


def test_the_time_limit_in_the_bake_creates_nothing() -> None:
    play = baked("rollback")
    play.given["timeout"] = "5m"
    done = play.run()
    assert (done.result.outcome, done.exit_code) == (Outcome.TIMED_OUT, 5)
    assert (play.world.stops, created(play)) == ([], 0)


def test_a_guard_that_was_reported_before_is_not_reported_in_a_bake_again() -> None:
    play = Play(world=World(calls=600, failing={"2": 0.17}), given={"guards": "errors < 1%", "bake": "10m"})
    play.deploys(20.0)
    done = play.run()
    assert play.codes() == ["guard-violated"]
    assert [type(reason) for reason in done.result.reasons] == [StaysInService, Serves]
    assert not [event for event in play.events if isinstance(event, e.BakeBegan)]


# --- A stack ---


def stack(*states: tuple[float, Stack | None], **more: object) -> Play:
    play = Play(spots=(), given={"stack": "shop"}, **more)  # type: ignore[arg-type]
    play.world.stacks = list(states)
    return play


def test_a_stack_is_watched_until_it_is_at_rest_and_a_last_listing_brings_nothing() -> None:
    play = stack((0.0, OURS), (10.0, BUSY), (340.0, replace(BUSY, status="UPDATE_COMPLETE")))
    play.deploys(20.0)
    done = play.run()
    assert ends(done) == [(Outcome.SUCCEEDED, "d-020", True)]
    assert done.at < 340.0 + 60.0


def test_a_group_that_the_update_itself_creates_is_found() -> None:
    new = replace(BUSY, groups=frozenset())
    play = stack((0.0, None), (10.0, new), (60.0, BUSY), (340.0, replace(BUSY, status="UPDATE_COMPLETE")))
    play.deploys(20.0)
    assert ends(play.run()) == [(Outcome.SUCCEEDED, "d-020", True)]


def test_a_stack_that_deploys_nothing_ends_when_its_update_does() -> None:
    play = stack((0.0, OURS), (20.0, BUSY), (100.0, replace(BUSY, status="UPDATE_COMPLETE")))
    done = play.run()
    assert done.result.outcome is Outcome.UNCHANGED
    assert 100.0 < done.at < 200.0


def test_when_the_update_began_in_time_two_listings_that_bring_nothing_end_it_however_late() -> None:
    states = ((0.0, OURS), (20.0, BUSY), (100.0, replace(BUSY, status="UPDATE_COMPLETE")))
    hurried = stack(*states)
    hurried.given["appear_within"] = "1m"
    assert hurried.run().at == stack(*states).run().at


def test_an_update_that_was_over_before_is_not_waited_for() -> None:
    play = stack((0.0, replace(BUSY, status="UPDATE_COMPLETE")))
    assert play.run().at < 60.0


def test_a_stack_that_never_begins_is_waited_for_no_longer_than_appear_within() -> None:
    play = stack((0.0, OURS))
    play.given["appear_within"] = "5m"
    done = play.run()
    assert (done.result.outcome, play.codes()) == (Outcome.UNCHANGED, ["nothing-appeared"])
    assert 300.0 <= done.at < 330.0


def test_what_cloudformation_rolls_back_to_is_told_and_never_judged() -> None:
    failed = StackEvent(stack="shop", resource="Alias", status="UPDATE_FAILED", said="no", at=AWS_EPOCH + 130.0)
    back = replace(BUSY, status="UPDATE_ROLLBACK_IN_PROGRESS", rolls_back_since=AWS_EPOCH + 130.0, failed=(failed,))
    play = stack(
        (0.0, OURS),
        (10.0, BUSY),
        (130.0, back),
        (180.0, replace(back, status="UPDATE_ROLLBACK_COMPLETE")),
        world=World(alarm_at=100.0),
    )
    play.deploys(20.0)
    play.deploys(140.0, target="1", current="1", routing=AT_ONCE)
    done = play.run()
    assert [(each.outcome, each.deployment_id) for each in done.results] == [(Outcome.ROLLED_BACK, "d-020")]
    assert play.followed() == ["d-020"]
    assert len([event for event in play.events if isinstance(event, e.Finished)]) == 1
    assert sorted(play.codes()) == ["stack-failed", "stack-rolls-back"]
    assert [reason.code for reason in done.results[0].reasons][-1] == "stack-failed"
    assert "Alias UPDATE_FAILED: no." in done.result.reason


def test_what_succeeded_and_was_taken_back_with_the_stack_is_told_as_it_is_now() -> None:
    """A canary that went well, and a queue of the same stack that could not be made."""
    failed = StackEvent(stack="shop", resource="Queue", status="CREATE_FAILED", said="no", at=AWS_EPOCH + 350.0)
    back = replace(BUSY, status="UPDATE_ROLLBACK_IN_PROGRESS", rolls_back_since=AWS_EPOCH + 350.0, failed=(failed,))
    over = replace(back, status="UPDATE_ROLLBACK_COMPLETE")
    play = stack((0.0, OURS), (10.0, BUSY), (350.0, back), (400.0, over))
    play.deploys(20.0)
    play.deploys(360.0, current="2", target="1", routing=AT_ONCE)
    done = play.run()
    assert [(each.outcome, each.deployment_id) for each in done.results] == [(Outcome.ROLLED_BACK, "d-020")]
    assert (done.result.live_version, done.result.deployed, done.exit_code) == ("1", False, 1)
    assert [type(reason) for reason in done.result.reasons] == [StackTookBack, StackFailed]
    assert play.followed() == ["d-020"]


def test_what_cloudformation_could_not_take_back_is_still_deployed() -> None:
    back = replace(BUSY, status="UPDATE_ROLLBACK_IN_PROGRESS", rolls_back_since=AWS_EPOCH + 350.0)
    play = stack((0.0, OURS), (10.0, BUSY), (350.0, back), (400.0, replace(back, status="UPDATE_ROLLBACK_FAILED")))
    play.deploys(20.0)
    play.deploys(360.0, current="2", target="1", routing=AT_ONCE, dies_of="HOOK_EXECUTION_FAILURE")
    assert ends(play.run()) == [(Outcome.SUCCEEDED, "d-020", True)]


@pytest.mark.parametrize(("takes", "signal"), [(0.1, 171.0), (2.0, 172.5)])
def test_a_signal_after_a_failed_update_still_hears_why_it_failed(takes: float, signal: float) -> None:
    """Asked once more, or already asked when the signal comes."""
    failed = StackEvent(stack="shop", resource="Alias", status="UPDATE_FAILED", said="no", at=AWS_EPOCH + 130.0)
    over = replace(BUSY, status="UPDATE_ROLLBACK_COMPLETE", failed=(failed,))
    states = ((0.0, OURS), (10.0, BUSY), (170.0, over))
    play = stack(*states, world=World(alarm_at=100.0), slow={a.Discover: takes})
    play.deploys(20.0)
    play.observes(signal, a.Cancelled(signal="SIGINT"))
    done = play.run()
    assert (done.result.outcome, done.exit_code) == (Outcome.ROLLED_BACK, 1)
    assert type(done.result.reasons[-1]) is StackFailed
    assert done.at < signal + 3.0


@pytest.mark.parametrize("errors", [0, 1])
def test_a_second_signal_or_no_answer_waits_for_nothing_more(errors: int) -> None:
    play = stack((0.0, OURS), (10.0, BUSY), world=World(alarm_at=100.0))
    play.deploys(20.0)
    play.happens.append((170.5, lambda: play.errors.extend([THROTTLED] * errors)))
    play.observes(171.0, a.Cancelled(signal="SIGINT"))
    if not errors:
        play.observes(171.05, a.Cancelled(signal="SIGTERM"))
    done = play.run()
    assert done.result.outcome is Outcome.ROLLED_BACK
    assert done.at < 171.5


def test_failures_of_an_earlier_update_explain_nothing() -> None:
    old = StackEvent(stack="shop", resource="Alias", status="UPDATE_FAILED", said="no", at=AWS_EPOCH - 900.0)
    play = stack((0.0, replace(BUSY, failed=(old,))), (100.0, replace(OURS, failed=(old,))), world=World(alarm_at=50.0))
    play.deploys(20.0)
    done = play.run()
    assert play.codes() == []
    assert "stack-failed" not in [reason.code for reason in done.result.reasons]


def test_a_good_deployment_is_good_though_something_else_of_the_stack_failed() -> None:
    failed = StackEvent(stack="shop", resource="Queue", status="CREATE_FAILED", said="no", at=AWS_EPOCH + 330.0)
    play = stack((0.0, OURS), (10.0, BUSY), (330.0, replace(OURS, failed=(failed,))))
    play.deploys(20.0)
    done = play.run()
    assert ends(done) == [(Outcome.SUCCEEDED, "d-020", True)]
    assert play.codes() == ["stack-failed"]


def test_what_failed_before_this_run_or_was_told_is_not_told_again() -> None:
    old, first, later = (
        StackEvent(stack="shop", resource=name, status="UPDATE_FAILED", said="no", at=AWS_EPOCH + at)
        for name, at in (("Old", -900.0), ("First", 40.0), ("Later", 70.0))
    )
    states = [
        (0.0, BUSY),
        (45.0, replace(BUSY, failed=(old, first))),
        (75.0, replace(BUSY, failed=(old, first, later))),
    ]
    play = stack(*states, (90.0, replace(OURS, failed=(old, first, later))), world=World(alarm_at=60.0))
    play.deploys(20.0)
    done = play.run()
    warned = [event.finding.reason for event in play.events if isinstance(event, e.Noticed)]
    assert warned == [StackFailed(stack="shop", events=(first,)), StackFailed(stack="shop", events=(later,))]
    assert done.results[0].reasons[-1] == StackFailed(stack="shop", events=(first, later))


# --- Around a command ---


def test_around_a_command_it_is_waited_for_and_then_nothing_more() -> None:
    play = stack((0.0, OURS), around=True)
    play.observes(400.0, a.CommandEnded(exit_code=0))
    done = play.run()
    assert done.result.outcome is Outcome.UNCHANGED
    assert 400.0 < done.at < 440.0


def test_around_a_command_two_listings_after_its_end_bring_nothing_however_late_it_is() -> None:
    play = Play(around=True, given={"appear_within": "2m"})
    play.observes(400.0, a.CommandEnded(exit_code=0))
    assert 415.0 <= play.run().at < 440.0


def test_around_a_command_without_a_stack_two_quiet_minutes_may_be_over_by_its_end() -> None:
    play = Play(around=True)
    play.deploys(20.0)
    play.observes(600.0, a.CommandEnded(exit_code=1))
    done = play.run()
    assert ends(done) == [(Outcome.SUCCEEDED, "d-020", True)]
    assert 600.0 < done.at < 640.0


# --- When there is nothing left ---


def heard(**more: object) -> Search:
    """A search that has asked AWS at least once."""
    search = Search.first(inputs(command="watch"), context(), (HERE,))
    return replace(search, **{"since": AWS_EPOCH, "again_at": 1e9, **more})  # type: ignore[arg-type]


@pytest.mark.parametrize(("now", "over"), [(119.9, False), (120.0, True)])
def test_two_minutes_without_a_deployment_are_quiet(now: float, over: bool) -> None:
    search = heard(around=True, exit_code=0, clean=watching.CLEAN)
    assert watching.proceed(search, (), now).search.over is over


@pytest.mark.parametrize(
    ("looked", "now", "over"),
    [
        ({"clean": 1}, 1800.0, True),
        ({"failures": 1, "heard_at": 1790.0}, 1800.0, True),
        ({}, 1800.0, False),
        ({"clean": 1}, 1799.9, False),
    ],
    ids=["nothing was there", "it failed", "no listing yet", "not yet"],
)
def test_a_deployment_is_waited_for_until_appear_within_and_a_listing(
    looked: dict[str, object], now: float, over: bool
) -> None:
    assert watching.proceed(heard(**looked), (), now).search.over is over


def test_the_result_of_a_run_that_found_nothing_in_full() -> None:
    assert watching.proceed(heard(clean=1), (), 1800.06).result == Result(
        function="checkout",
        alias="live",
        outcome=Outcome.UNCHANGED,
        reasons=(NothingAppeared(what="`checkout:live`", minutes=1800.06 / 60),),
        duration_seconds=1800.1,
    )


def test_a_failure_in_the_moment_in_which_the_run_began_is_its_own() -> None:
    at_once, before = (
        StackEvent(stack="shop", resource="Alias", status="UPDATE_FAILED", said="no", at=at)
        for at in (AWS_EPOCH, AWS_EPOCH - 0.1)
    )
    bad = Result(function="checkout", alias="live", outcome=Outcome.FAILED)
    (told,) = watching.explained(heard(stack=replace(OURS, failed=(before, at_once))), (bad,))
    assert told == replace(bad, reasons=(StackFailed(stack="shop", events=(at_once,)),))


def test_what_is_found_is_followed_where_it_is() -> None:
    found = Deployment(
        id="d-1",
        status=DeploymentStatus.IN_PROGRESS,
        compute_platform="Lambda",
        application="its-application",
        group="its-group",
        create_time=AWS_EPOCH + 5.0,
        targets=(
            DeploymentTarget(target_id="", function="checkout", alias="live", current_version="1", target_version="2"),
        ),
    )
    asked = a.Discover(key="", stack="", since=AWS_EPOCH, known=frozenset(), unclear=())
    answer = a.Discovered(at=AWS_EPOCH + 10.0, stack=None, deployments=(found,))
    (begun,) = watching.observe(heard(), (), a.Done(action=asked, answer=answer), 10.0).begun
    given = begun.inputs
    assert (given.function, given.alias, given.application, given.deployment_group) == (
        "checkout",
        "live",
        "its-application",
        "its-group",
    )


# --- Trouble ---


def test_a_listing_that_fails_is_made_again_and_told_more_and_more_seldom() -> None:
    play = Play(errors=[THROTTLED] * 4)
    play.deploys(20.0)
    assert ends(play.run()) == [(Outcome.SUCCEEDED, "d-020", True)]
    assert play.codes() == ["search-failed"] * 3  # the 1st, 2nd and 4th


def test_a_weekend_without_an_answer_ends_as_any_other() -> None:
    play = Play(errors=[THROTTLED] * 1100, around=True)
    play.observes(80_000.0, a.CommandEnded(exit_code=0))
    assert play.run().result.outcome is Outcome.UNCHANGED


def test_a_permission_that_is_missing_from_the_start_ends_the_run() -> None:
    play = Play(errors=[DENIED])
    done = play.run()
    assert (done.result.outcome, done.exit_code) == (Outcome.ERROR, 4)
    assert "AccessDenied" in done.result.reason


def test_a_permission_that_is_lost_on_the_way_keeps_nothing_from_being_followed() -> None:
    play = Play()
    play.deploys(20.0)
    play.happens.append((60.0, lambda: play.errors.append(DENIED)))
    assert ends(play.run()) == [(Outcome.SUCCEEDED, "d-020", True)]


def test_where_nothing_is_ever_heard_the_run_ends_in_time() -> None:
    play = Play(errors=[THROTTLED] * 1000, given={"appear_within": "2m"})
    done = play.run()
    assert done.result.outcome is Outcome.UNCHANGED
    assert play.codes()[-1] == "nothing-appeared"


def test_where_aws_falls_silent_for_good_the_run_ends_and_says_what_it_may_have_missed() -> None:
    """Credentials that have expired, say: nobody is followed, and nobody can be found."""
    play = stack((0.0, OURS), (10.0, BUSY))
    play.happens.append((60.0, lambda: play.errors.extend([THROTTLED] * 1000)))
    done = play.run()
    assert (done.result.outcome, done.exit_code) == (Outcome.LOST_CONTACT, 6)
    assert play.codes()[-1] == "out-of-sight"
    assert 900.0 < done.at < 1000.0


def test_what_was_followed_before_aws_fell_silent_has_its_verdict() -> None:
    play = stack((0.0, OURS), (10.0, BUSY))
    play.deploys(20.0)
    play.happens.append((400.0, lambda: play.errors.extend([THROTTLED] * 1000)))
    done = play.run()
    assert ends(done) == [(Outcome.SUCCEEDED, "d-020", True)]
    assert play.codes()[-1] == "out-of-sight"


def test_a_deployment_that_cannot_be_read_any_more_is_said_to_be_lost() -> None:
    play = Play()
    gone = Running(id="d-gone", created=20.0, current="1", target="2", routing=CANARY)
    play.extra = [replace(play.world.snapshot(gone, True), targets=(play.world._target(gone),))]
    done = play.run()
    assert [each.outcome for each in done.results] == [Outcome.LOST_CONTACT]
    assert done.exit_code == 6
    assert done.result.reason_code == "deployment-vanished"


def test_the_results_are_those_of_the_functions() -> None:
    play = Play(spots=(HERE, Spot(function="search", alias="live")))
    done = play.run()
    assert isinstance(done.result, Result)
    assert (done.result.function, done.result.reason_code) == ("", "nothing-appeared")
    assert "`checkout:live`, `search:live`" in done.result.reason


def test_of_two_that_run_at_the_same_time_one_is_followed_after_the_other() -> None:
    """In two groups, say: what a function serves is told once at a time."""
    play = Play()
    play.deploys(20.0)
    play.deploys(100.0, current="2", target="3")
    play.world.versions["3"] = "three"
    assert [each.deployment_id for each in play.run().results] == ["d-020", "d-100"]
    assert play.followed() == ["d-020", "d-100"]


def test_a_diagnosis_that_comes_after_the_next_deployment_has_begun_is_not_told_of_that() -> None:
    play = Play(slow={a.Diagnose: 60.0})
    play.deploys(20.0, hook_seconds=(5.0, None), hook_good=(False, True))
    play.deploys(60.0, hook_seconds=(100.0, None))
    done = play.run()
    assert play.followed() == ["d-020", "d-060"]
    assert done.results[-1].outcome is Outcome.SUCCEEDED
    assert not [event for event in play.events if isinstance(event, e.Diagnosed)]


def test_what_one_deployment_had_asked_for_says_nothing_of_the_next_one() -> None:
    """Metrics come late, of a deployment that is over, while the next one has not begun to shift traffic."""
    play = Play(world=World(calls=600), slow={a.Measure: 50.0})
    play.deploys(20.0, routing=AT_ONCE, hook_seconds=(None, 12.0))
    play.deploys(40.0, current="2", target="3", hook_seconds=(200.0, None))
    play.world.versions["3"] = "three"
    assert ends(play.run()) == [(Outcome.SUCCEEDED, "d-020", True), (Outcome.SUCCEEDED, "d-040", True)]


def test_listings_without_news_are_counted_one_by_one_and_anew_after_something_was_active() -> None:
    search = replace(Search.first(inputs(command="watch"), context(), (HERE,)), since=0.0, clean=2, quiet_since=1.0)
    assert search.disturbed(5.0) == replace(search, clean=0, quiet_since=5.0)
    assert [search.heard(AWS_EPOCH, stack, 5.0).clean for stack in (OURS, BUSY)] == [3, 0]
    assert search.missed(9.0) == replace(search, clean=0, failures=1, again_at=9.0)
