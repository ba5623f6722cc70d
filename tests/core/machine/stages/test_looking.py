"""When a deployment is looked at again, and when its lifecycle is worth a call of its own.

Pauses are jittered by a tenth, the same for the same run; `jittered` says by how much.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pytest

from ci_deploy.core.aws import Deployment, DeploymentStatus, Routing
from ci_deploy.core.machine import actions as a
from ci_deploy.core.machine.rollout import Rollout, jittered
from ci_deploy.core.machine.stages.looking import (
    STATUS,
    common,
    ends_at,
    first_look,
    heartbeat_every,
    next_look,
    next_shift_at,
    surely_running,
    targets_matter,
)
from ci_deploy.core.machine.state.attempt.ending import Stop
from ci_deploy.core.machine.state.place import Stage
from ci_deploy.core.marker import Marker
from ci_deploy.core.plan.planning import Existing, Plan
from ci_deploy.core.run import Outcome
from tests.support.machine.playing import STEADY, Run, first, play_together, until
from tests.support.machine.states import but
from tests.support.machine.world import AT_ONCE, CANARY, LINEAR, World, context, inputs

RUNNING = Deployment(id="d-1", status=DeploymentStatus.IN_PROGRESS)
WATCHED = {"alarm_names": ("errors",)}
HOOKED = {"after_hook": "CodeDeployHook_a"}


def state(routing: Routing = CANARY, many: int = 0, planned: Mapping[str, Any] = WATCHED, **more: Any) -> Rollout:
    """A deployment that is followed; `many`: of a release of so many functions; `planned`: more of its plan."""
    plan = Plan(
        function="checkout",
        alias="live",
        application="app",
        group="group",
        current_version="1",
        target=Existing(version="2"),
        config_name="config",
        routing=routing,
        **planned,
    )
    fields: dict[str, Any] = {"stage": Stage.FOLLOWING, "plan": plan, "deployment": RUNNING, "deployment_id": "d-1"}
    fields["siblings"] = frozenset(f"{n:08}" for n in range(many))
    return but(first(inputs(), context()), **fields | more)


# --- when traffic shifts ---


@pytest.mark.parametrize(
    ("routing", "share", "shift", "end"),
    [
        (CANARY, 0.0, 100.0, 400.0),
        (CANARY, 10.0, 400.0, 400.0),
        (CANARY, 100.0, None, 400.0),
        (LINEAR, 25.0, 160.0, 280.0),
        (LINEAR, 75.0, 280.0, 280.0),
        (AT_ONCE, 0.0, 100.0, 100.0),
    ],
)
def test_the_config_says_when_traffic_shifts_next_and_last(
    routing: Routing, share: float, shift: float | None, end: float
) -> None:
    r = state(routing, shift_began=100.0, share=share)
    assert (next_shift_at(r), ends_at(r)) == (shift, end)


@pytest.mark.parametrize("state_", [{}, {"shift_began": 100.0, "stop": Stop.SENT}])
def test_before_traffic_has_begun_to_shift_and_after_a_stop_no_shift_is_due(state_: dict[str, Any]) -> None:
    r = state(**state_)
    assert (next_shift_at(r), ends_at(r)) == (None, None)


# --- when to look ---

SHIFTING: dict[str, Any] = {"watch__event": "AllowTraffic", "event_at": 100.0, "shift_began": 100.0, "share": 10.0}


@pytest.mark.parametrize(
    ("more", "now", "pause"),
    [
        # Nothing runs yet: close to the last news, then calmer.
        ({"said_at": 100.0}, 129.9, 1.5),
        ({"said_at": 100.0}, 130.0, 5.0),
        # A lifecycle event: the longer it runs, the longer the pauses.
        ({"watch__event": "BeforeAllowTraffic", "event_at": 100.0}, 102.0, 1.0),
        ({"watch__event": "BeforeAllowTraffic", "event_at": 100.0}, 120.0, 5.0),
        ({"watch__event": "BeforeAllowTraffic", "event_at": 100.0}, 200.0, 10.0),
        # The quiet between two shifts, which is divided evenly: a rest is worth no look.
        (SHIFTING, 150.0, (401.6 - 150.0) / 17),
        (SHIFTING, 370.0, (401.6 - 370.0) / 2),
        (SHIFTING, 382.0, (401.6 - 382.0) / 2),
        ({**SHIFTING, "planned": HOOKED}, 150.0, (400.7 - 150.0) / 4),
        ({**SHIFTING, "planned": {"found": True}}, 150.0, (400.7 - 150.0) / 17),
        ({**SHIFTING, "planned": {}}, 150.0, (401.6 - 150.0) / 4),
        ({**SHIFTING, "planned": {}}, 300.0, (401.6 - 300.0) / 2),
        # A shift is due: closely, and slower only if it is late.
        (SHIFTING, 400.0, 1.0),
        (SHIFTING, 430.0, 3.0),
        (SHIFTING, 500.0, 5.0),
        # After the last shift the end is near, however long ago the first one was.
        ({**SHIFTING, "share": 100.0}, 405.0, 1.0),
        ({**SHIFTING, "share": 100.0}, 430.0, 3.0),
        # Where it is not known when traffic began to shift, the event's own age tells.
        ({**SHIFTING, "shift_began": None}, 140.0, 4.0),
        # A rollback shifts at once.
        ({**SHIFTING, "stage": Stage.FOLLOWING_ROLLBACK, "shift_began": None}, 120.0, 5.0),
        ({**SHIFTING, "stage": Stage.ROLLBACK_DUE}, 150.0, 3.0),
        ({**SHIFTING, "stop": Stop.SENT}, 150.0, 2.0),
        # After a signal there is no time: less than a second, a real one, whatever goes on.
        ({**SHIFTING, "stop": Stop.SENT, "grace__at": 140.0}, 150.0, 0.7),
        ({**SHIFTING, "stop": Stop.SENT, "grace__at": 140.0, "grace__second": 60.0}, 150.0, 42.0),
        ({"stage": Stage.ROLLBACK_DUE, "grace__at": 140.0}, 150.0, 0.7),
    ],
)
def test_one_is_looked_at_closely_where_something_is_about_to_happen_and_rarely_in_the_quiet(
    more: dict[str, Any], now: float, pause: float
) -> None:
    assert next_look(state(looks=7, **more), now) == now + jittered(pause, "0badcafe", 7)


@pytest.mark.parametrize(
    ("routing", "share", "planned", "after"),
    [
        (LINEAR, 25.0, {}, 0.7),
        # The last one is looked at when the deployment is over, unless a hook may follow it.
        (LINEAR, 75.0, {}, 1.6),
        (CANARY, 10.0, {}, 1.6),
        (CANARY, 10.0, HOOKED, 0.7),
        (CANARY, 10.0, {"found": True}, 0.7),
    ],
)
@pytest.mark.parametrize("before", [2.0, 18.0])
def test_a_shift_is_looked_at_just_after_it_is_due(
    routing: Routing, share: float, planned: dict[str, Any], after: float, before: float
) -> None:
    r = state(routing, planned={**planned, **WATCHED}, **{**SHIFTING, "share": share})
    due = next_shift_at(r)
    assert due is not None
    assert next_look(r, due + after - before) == pytest.approx(due + after)


def test_ten_functions_are_each_looked_at_as_closely_as_one() -> None:
    assert next_look(state(many=10, **SHIFTING), 390.0) == pytest.approx(400.7)
    assert next_look(state(many=11, **SHIFTING), 390.0) == 402.0


@pytest.mark.parametrize(
    ("many", "more", "now", "at"),
    [
        # Every 3 s, or as seldom as the rate of calls asks for: 25 in one, two in a second.
        (12, {"said_at": 100.0}, 100.0, 102.0),
        (12, {"stop": Stop.SENT}, 101.0, 105.0),
        (300, {"stop": Stop.SENT}, 101.0, 108.0),
        (1000, {"stop": Stop.SENT}, 101.0, 120.0),
        # In the quiet all wait for one moment, wherever the jitter would have put each.
        (12, SHIFTING, 150.0, 165.0),
        (12, SHIFTING, 164.9, 165.0),
        (300, SHIFTING, 150.0, 156.0),
        (1000, SHIFTING, 150.0, 160.0),
        (12, {**SHIFTING, "shift_began": -139.0}, 149.0, 150.0),
        (12, {**SHIFTING, "shift_began": -140.0}, 149.0, 162.0),
        # A signal is answered without waiting for others.
        (12, {"stop": Stop.SENT, "grace__at": 100.0}, 101.0, 101.0 + jittered(0.7, "0badcafe", 0)),
    ],
)
def test_the_functions_of_a_large_release_are_looked_at_in_the_same_moments(
    many: int, more: dict[str, Any], now: float, at: float
) -> None:
    assert next_look(state(many=many, **more), now) == at


@pytest.mark.parametrize(
    ("many", "last", "at"),
    [(300, 400.0, 401.0), (300, 406.7, 401.0), (300, 406.8, 402.0), (1000, 420.7, 401.0), (1000, 430.0, 420.0)],
)
def test_near_the_end_of_the_whole_release_a_look_waits_for_nothing(many: int, last: float, at: float) -> None:
    assert next_look(state(many=many, **SHIFTING), 390.0, lambda: last) == at


@pytest.mark.parametrize(("many", "at", "asked"), [(10, 100.2, 100.2), (11, 100.2, 102.0), (500, 102.0, 102.0)])
def test_a_large_release_asks_at_common_moments(many: int, at: float, asked: float) -> None:
    assert common(state(many=many), at) == asked


# --- what to look at ---


@pytest.mark.parametrize(
    ("more", "now", "matter"),
    [
        ({}, 100.0, True),
        ({"watch__event": "BeforeAllowTraffic", "shift_began": 100.0, "targets_at": 149.0}, 150.0, True),
        ({**SHIFTING, "targets_at": 149.0}, 150.0, False),
        ({**SHIFTING, "targets_at": 31.0}, 150.0, False),
        ({**SHIFTING, "targets_at": 30.0}, 150.0, True),
        ({**SHIFTING, "targets_at": 399.0}, 400.0, True),
        ({**SHIFTING, "targets_at": 399.0, "share": 100.0}, 400.0, True),
        ({**SHIFTING, "targets_at": 149.0, "stop": Stop.SENT}, 150.0, True),
        ({**SHIFTING, "targets_at": 149.0, "watch__event": ""}, 150.0, True),
    ],
)
def test_only_in_the_quiet_between_two_shifts_the_lifecycle_is_not_worth_a_call(
    more: dict[str, Any], now: float, matter: bool
) -> None:
    assert targets_matter(state(**more), now) is matter
    assert targets_matter(state(many=10, **more), now) is matter


CREATED, QUEUED = (Deployment(id="d-1", status=each) for each in (DeploymentStatus.CREATED, DeploymentStatus.QUEUED))


@pytest.mark.parametrize("deployment", [None, CREATED, QUEUED])
def test_in_a_large_release_what_has_not_started_has_no_target_to_look_at(deployment: Deployment | None) -> None:
    assert targets_matter(state(many=11, deployment=deployment), 1000.0) is False
    assert targets_matter(state(many=11), 1000.0) is True


@pytest.mark.parametrize(("many", "every"), [(12, 15.0), (100, 80.0)])
def test_in_a_large_release_the_beginning_is_looked_for_once_in_a_while_by_each_at_another_moment(
    many: int, every: float
) -> None:
    began = 100.0 + every * (jittered(5.0, "0badcafe", "targets") - 4.5)
    assert 100.0 <= began <= 100.0 + every
    r = state(many=many, watch__began=100.0)
    assert [targets_matter(r, at) for at in (began - 0.001, began, began + 1000.0)] == [False, True, True]
    again = but(r, targets_at=1000.0)
    assert [targets_matter(again, 1000.0 + later) for later in (every - 0.001, every)] == [False, True]
    early = but(r, targets_at=began - every - 1.0)
    assert targets_matter(early, began - 0.001) is False


@pytest.mark.parametrize(
    ("many", "routing", "share", "now", "every"),
    [
        (12, LINEAR, 25.0, 1160.0, 15.0),  # a shift is due
        (12, LINEAR, 25.0, 1159.9, 300.0),  # not yet
        (12, LINEAR, 75.0, 1290.0, 300.0),  # the last one: the end is looked at anyway
        (12, LINEAR, 100.0, 1290.0, 300.0),
        (12, CANARY, 10.0, 1500.0, 300.0),
        (100, LINEAR, 25.0, 1170.0, 80.0),
        (500, LINEAR, 25.0, 1170.0, 400.0),
        (500, LINEAR, 75.0, 1290.0, 400.0),
    ],
)
def test_in_a_large_release_only_shifts_before_the_last_are_looked_at(
    many: int, routing: Routing, share: float, now: float, every: float
) -> None:
    r = state(routing, many, shift_began=1100.0, share=share)
    assert targets_matter(but(r, targets_at=now - every), now) is True
    assert targets_matter(but(r, targets_at=now - every + 0.001), now) is False


def test_a_rollback_is_followed_as_closely_in_a_large_release() -> None:
    r = state(many=12, stage=Stage.FOLLOWING_ROLLBACK, watch__event="AllowTraffic", targets_at=149.0)
    assert targets_matter(r, 150.0) is True


# --- signs of life ---


@pytest.mark.parametrize(("many", "every"), [(0, 60.0), (120, 60.0), (200, 100.0)])
def test_a_release_says_something_twice_a_second_at_most_however_many_functions_it_has(many: int, every: float) -> None:
    assert heartbeat_every(state(many=many)) == every


# --- what a look has to read ---


@pytest.mark.parametrize(
    ("now", "more", "trusted"),
    [
        (129.9, {}, True),
        (130.0, {}, False),
        (101.0, {"deployment": replace(RUNNING, status=DeploymentStatus.CREATED)}, False),
        (101.0, {"deployment": replace(RUNNING, status=DeploymentStatus.BAKING)}, False),
        (101.0, {"deployment": None}, False),
        (101.0, {"stop": Stop.SENT}, False),
        (101.0, {"grace__at": 100.5}, False),
        (101.0, {"many": 1}, True),
        (101.0, {"many": 2}, False),
    ],
)
def test_a_deployment_that_ran_a_moment_ago_is_read_by_its_target_alone(
    now: float, more: dict[str, Any], trusted: bool
) -> None:
    r = state(**{"status_at": 100.0, **more})
    assert surely_running(r, "d-1", now) == ((r.seen.deployment,) if trusted else ())
    assert surely_running(r, "d-2", now) == ()


def created(**more: Any) -> Rollout:
    """A deployment that was created a moment ago, and not seen yet."""
    marker = Marker(id="0badcafe", key="0" * 16, run_id=100, attempt=1)
    return state(**{"deployment": None, "creation__marker": marker, **more})


def test_the_first_look_at_what_we_have_created_reads_its_target_alone() -> None:
    """What runs says so, and what does not run yet has its status read."""
    (made,) = surely_running(created(), "d-1", 2.4)
    assert (made.id, made.status, made.group, made.create_time) == ("d-1", DeploymentStatus.IN_PROGRESS, "group", 0.0)
    assert made.description.startswith("ci-deploy/1 id=0badcafe")


@pytest.mark.parametrize(
    "more",
    [
        {"looks": 1},
        {"attached": True},
        {"many": 2},
        {"stop": Stop.SENT},
        {"grace__at": 1.0},
        {"creation__marker": None},
    ],
)
def test_any_other_look_before_it_was_seen_reads_the_deployment(more: dict[str, Any]) -> None:
    assert surely_running(created(**more), "d-1", 2.4) == ()


@pytest.mark.parametrize(
    ("more", "after"), [({}, 2.4), ({"attached": True}, 1.0), ({"many": 2}, 1.0), ({"many": 12}, 2.0)]
)
def test_a_new_deployment_is_first_looked_at_when_something_of_it_runs(more: dict[str, Any], after: float) -> None:
    assert first_look(created(**more), 100.0) == 100.0 + after


def test_what_a_target_does_not_tell_is_heard_within_the_quiet_time() -> None:
    """Somebody stops it while its hook runs, and the target still says that it is in progress."""
    world = World(hook_seconds=(500.0, None), targets_lag=True, stop_takes=0.0)
    run = Run(world, first(inputs(), context()), weather=STEADY)
    until(world, run, 60.0)
    world.stop(world.deployments[0].id, False)
    play_together(world, run)
    assert run.result.outcome is Outcome.ROLLED_BACK
    alone = [at for at, look in run.asked(a.Look) if at < 60.0 and look.running]  # type: ignore[attr-defined]
    heard = next(at for at, look in run.asked(a.Look) if at > 60.0 and not look.running)  # type: ignore[attr-defined]
    assert (len(alone) > 2, heard < 60.0 + STATUS) == (True, True)
