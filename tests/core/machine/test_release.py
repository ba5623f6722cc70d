"""Claims on the pure state machine, in the words of the small world: what happens when, in what order, and how often.

Nothing here has a clock or a network; a whole canary takes a millisecond. What the whole program makes of the same
situations is in tests/runs.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from itertools import pairwise

import pytest

from ci_deploy.core.aws import DeploymentStatus
from ci_deploy.core.errors import AwsError, ErrorKind
from ci_deploy.core.machine import actions as a
from ci_deploy.core.machine.release import Release, step
from ci_deploy.core.machine.stages.stopping import ANSWER_GRACE, GRACE
from ci_deploy.core.machine.state.place import Stage
from ci_deploy.core.run import Outcome, Rollback
from ci_deploy.core.story import events as e
from tests.support.machine.many import FATAL, Member, Played, fails, group, quick, slow, start
from tests.support.machine.many import play as play_many
from tests.support.machine.playing import STEADY, Run, Weather, first, play, play_together, post_step, until
from tests.support.machine.states import but
from tests.support.machine.world import AT_ONCE, CANARY, LINEAR, Running, World, context, inputs

LOST = Weather(rates={"Create": 1.0}, kinds=(ErrorKind.UNREACHABLE,), lost_answers=1.0, until=1.0)
ON_FAILURE = frozenset({"DEPLOYMENT_FAILURE"})
HOOKS = {"before_allow_traffic": "CodeDeployHook_a", "after_allow_traffic": "CodeDeployHook_b"}


def served(world: World) -> tuple[str, dict[str, float]]:
    return world.alias_version, world.alias_weights


def neighbour(**more: object) -> Running:
    return Running(id="d-OTHER", created=0.0, current="1", target="7", routing=CANARY, **more)  # type: ignore[arg-type]


def stops(run: Run) -> list[tuple[float, bool]]:
    return [(at, stop.rollback) for at, stop in run.asked(a.Stop) if isinstance(stop, a.Stop)]


# --- success ---


@pytest.mark.parametrize("routing", [CANARY, LINEAR, AT_ONCE])
def test_success_is_what_the_alias_serves(routing: object) -> None:
    world = World(routing=routing)  # type: ignore[arg-type]
    result = play(world).result
    assert (result.outcome, result.deployed, result.live_version) == (Outcome.SUCCEEDED, True, "2")
    assert served(world) == ("2", {})


def test_whatever_is_told_names_its_function() -> None:
    *told, concluded = play(World(alarm_at=60.0)).events
    assert ({event.key for event in told}, concluded.key) == ({"checkout:live"}, "")


def test_the_marker_is_said_a_step_before_the_creation_is_asked_for() -> None:
    """So that a kill in between leaves something to search by."""
    run = play(World())
    ((created, _),) = run.asked(a.Create)
    (said,) = run.said(e.Creating)
    assert said.at < created


def test_succeeded_is_not_believed_if_the_alias_says_otherwise() -> None:
    world = World(routing=AT_ONCE, hook_seconds=(None, 20.0), moved_by_hand=(10.0, "1"))
    result = play(world, inputs(**HOOKS)).result
    assert (result.outcome, result.deployed, result.live_version) == (Outcome.FAILED, False, "1")


def test_looking_is_planned_not_constant() -> None:
    """Ten minutes of a linear shift cost fewer looks than every five seconds."""
    run = play(World(routing=CANARY))
    assert run.count(a.Look) < 40


# --- failure and rollback ---


def test_a_failed_hook_is_followed_through_its_rollback() -> None:
    world = World(hook_seconds=(3.0, None), hook_good=(False, True))
    run = play(world, inputs(**HOOKS))
    assert (run.result.outcome, run.result.rollback) == (Outcome.ROLLED_BACK, Rollback.SUCCEEDED)
    assert run.result.rollback_deployment_id == world.deployments[-1].id
    assert run.count(a.Diagnose) == 1
    assert served(world) == ("1", {})


def test_after_an_alarm_the_version_before_serves_again() -> None:
    world = World(alarm_at=60.0)
    result = play(world).result
    assert (result.outcome, result.live_version) == (Outcome.ROLLED_BACK, "1")


@pytest.mark.parametrize("to", ["nowhere", "7", "last"])
def test_a_rollback_that_does_not_bring_it_back_is_mended(to: str) -> None:
    """None appears, or it goes elsewhere, or the group is fresh: the alias is set back, and read again."""
    world = World(alarm_at=60.0, rollback_to=to, versions={"1": "old", "7": "seven"})
    run = play(world)
    assert (run.result.outcome, run.result.rollback) == (Outcome.ROLLED_BACK, Rollback.SUCCEEDED)
    assert run.count(a.RepairAlias) == 1
    assert served(world) == ("1", {})


@pytest.mark.parametrize("how", ["never", "denied"])
def test_where_it_may_not_be_mended_that_is_said_with_the_command(how: str) -> None:
    world = World(alarm_at=60.0, rollback_to="nowhere", may_update_alias=how != "denied")
    result = play(world, inputs(repair_alias="never" if how == "never" else "")).result
    assert (result.outcome, result.rollback) == (Outcome.ROLLBACK_FAILED, Rollback.FAILED)
    assert "update-alias" in result.remedy
    assert result.live_weights == "1=90,2=10"


def test_the_rollback_of_another_function_in_the_group_is_no_rollback_of_ours() -> None:
    past = Running(
        id="d-PAST", created=-999.0, current="3", target="4", routing=AT_ONCE, function="other", ended=-900.0
    )
    past.status, past.done = DeploymentStatus.SUCCEEDED, len(past.marks)
    world = World(alarm_at=60.0, rollback_to="last", deployments=[past])
    result = play(world).result
    assert (result.outcome, result.live_version, result.live_weights) == (Outcome.ROLLED_BACK, "1", "")


def test_a_rollback_that_fails_is_not_called_a_success() -> None:
    result = play(World(alarm_at=60.0, rollback_good=False), inputs(repair_alias="never")).result
    assert (result.outcome, result.rollback) == (Outcome.ROLLBACK_FAILED, Rollback.FAILED)


def test_a_rollback_later_than_expected_is_still_followed() -> None:
    """The repair is refused because something runs in the group: that is the rollback, late."""
    result = play(World(alarm_at=60.0, rollback_delay=75.0)).result
    assert (result.outcome, result.live_version) == (Outcome.ROLLED_BACK, "1")


def test_without_a_rollback_configured_nothing_is_set_back_behind_your_back() -> None:
    world = World(alarm_at=60.0)
    run = play(world, inputs(auto_rollback="off"))
    assert (run.result.outcome, run.result.rollback) == (Outcome.FAILED, Rollback.NONE)
    assert run.count(a.RepairAlias) == 0
    assert run.result.live_weights == "1=90,2=10"
    assert "update-alias" in run.result.remedy


# --- cancel ---


@pytest.mark.parametrize("at", [0.0, 0.1, 0.2])
def test_cancelled_before_the_creation_nothing_is_created(at: float) -> None:
    world = World()
    run = play(world, signals=[at])
    assert run.result.outcome is Outcome.CANCELLED
    assert world.deployments == [] or stops(run)


def test_the_stop_goes_out_in_the_very_step_of_the_signal() -> None:
    run = play(World(), signals=[30.0])
    assert stops(run) == [(30.0, True)]
    assert run.result.outcome is Outcome.CANCELLED


def test_a_signal_while_the_creation_is_under_way_waits_for_its_answer_and_stops_it() -> None:
    world = World()
    run = play(world, weather=Weather(delays=(2.0, 2.0)), signals=[5.0])
    assert [running.status for running in world.with_marker("0badcafe")] == [DeploymentStatus.STOPPED]
    assert len(stops(run)) == 1


def test_an_answer_that_takes_longer_than_three_seconds_is_looked_for_by_its_marker() -> None:
    run = play(World(), weather=Weather(delays=(5.0, 5.0)), signals=[11.0])
    found = run.asked(a.Find)
    assert found
    assert found[0][0] <= 11.0 + ANSWER_GRACE + 0.1


def test_it_ends_before_the_runner_loses_patience_and_leaves_the_rest_to_the_post_step() -> None:
    world = World(rollback_delay=45.0)
    run = play(world, signals=[30.0])
    assert run.now <= 30.0 + GRACE + 0.1
    assert not run.result.settled
    finishing = post_step(run)
    assert finishing is not None
    assert (finishing.result.outcome, finishing.result.live_version) == (Outcome.CANCELLED, "1")
    assert finishing.count(a.Create) == finishing.count(a.Stop) == 0


def test_a_second_signal_ends_it_at_once() -> None:
    run = play(World(rollback_delay=45.0), signals=[30.0, 31.0])
    assert run.now == 31.0
    assert not run.result.settled


@pytest.mark.parametrize(("policy", "sent"), [("rollback", [(30.0, True)]), ("stop", [(30.0, False)]), ("leave", [])])
def test_on_cancel(policy: str, sent: list[tuple[float, bool]]) -> None:
    run = play(World(), inputs(on_cancel=policy), signals=[30.0])
    assert stops(run) == sent
    assert run.result.outcome is Outcome.CANCELLED


def test_a_failed_stop_is_not_repeated_under_a_runner_and_is_at_a_terminal() -> None:
    storm = Weather(rates={"Stop": 1.0}, kinds=(ErrorKind.THROTTLED,), until=33.0)
    assert len(stops(play(World(), weather=storm, signals=[30.0]))) == 1
    assert len(stops(play(World(), run=context(actions=False), weather=storm, signals=[30.0]))) > 1


def test_nothing_is_created_after_a_signal_even_if_a_creation_is_in_doubt() -> None:
    world = World()
    lost = Weather(rates={"Create": 1.0}, kinds=(ErrorKind.UNREACHABLE, ErrorKind.THROTTLED), lost_answers=0.0)
    for at in (1.0, 3.0, 8.0, 12.0, 20.0):
        run = play(world, weather=lost, signals=[at])
        assert not [asked for asked, _ in run.asked(a.Create) if asked > at]


@pytest.mark.parametrize("at", [0.0, 0.3, 0.35, 1.0, 30.0, 301.0])
def test_killed_at_any_moment_the_post_step_leaves_nothing_split(at: float) -> None:
    world = World()
    run = Run(world, first(inputs(), context()))
    until(world, run, at)
    post_step(run, killed=True)
    world.advance(world.now + 1.0)
    assert not world.alias_weights


def test_the_post_step_keeps_to_the_stop_that_was_sent() -> None:
    """`stop` means without rollback: the post step does not set the alias back either, it says the split."""
    world = World(rollback_events=ON_FAILURE)
    run = play(world, inputs(on_cancel="stop"), signals=[30.0])
    finishing = post_step(run)
    assert finishing is not None
    assert finishing.count(a.RepairAlias) == 0
    assert finishing.result.live_weights == "1=90,2=10"


# --- time limits and hooks that hang ---


@pytest.mark.parametrize(
    ("policy", "rollback"), [("rollback", Rollback.SUCCEEDED), ("stop", Rollback.NONE), ("leave", Rollback.NONE)]
)
def test_on_timeout(policy: str, rollback: Rollback) -> None:
    run = play(World(rollback_events=ON_FAILURE), inputs(timeout="90s", on_timeout=policy))
    assert (run.result.outcome, run.result.rollback) == (Outcome.TIMED_OUT, rollback)
    assert len(stops(run)) == (policy != "leave")


def test_a_stop_that_is_pending_is_asked_for_until_it_is_done() -> None:
    run = play(World(stop_takes=12.0), inputs(timeout="90s"))
    assert (run.result.outcome, run.result.rollback) == (Outcome.TIMED_OUT, Rollback.SUCCEEDED)
    assert len(stops(run)) > 1
    assert len(run.said(e.StopAnswered)) <= 2, "said once, not with every repetition"


def test_hook_timeout_stops_with_rollback_and_without_it_a_warning_is_all() -> None:
    world = World(hook_seconds=(3600.0, None), hook_good=(False, True))
    strict = play(world, inputs(hook_timeout="2m", **HOOKS))
    assert len(stops(strict)) == 1
    assert strict.result.outcome is Outcome.ROLLED_BACK
    patient = play(World(hook_seconds=(3600.0, None), hook_good=(False, True)), inputs(**HOOKS))
    assert stops(patient) == []
    assert [event for event in patient.said(e.Noticed) if event.finding.code == "hook-silent"]


# --- weather ---


def test_a_lost_answer_is_found_and_never_created_twice() -> None:
    world = World()
    run = play(world, weather=LOST)
    assert run.result.outcome is Outcome.SUCCEEDED
    assert len(world.with_marker("0badcafe")) == 1


def test_polling_never_turns_a_success_into_a_failure() -> None:
    run = play(World(), weather=Weather(rates={"Look": 0.9}))
    assert run.result.outcome is Outcome.SUCCEEDED


def test_without_contact_at_the_time_limit_it_is_lost_and_left_alone() -> None:
    run = play(World(), weather=Weather(rates={"Look": 1.0}, since=20.0))
    assert run.result.outcome is Outcome.LOST_CONTACT
    assert stops(run) == []
    assert "--deployment-id" in run.result.remedy
    assert run.result.settled


def test_a_stop_that_cannot_be_sent_is_not_asked_for_in_a_loop() -> None:
    storm = Weather(rates={"Stop": 1.0}, kinds=(ErrorKind.UNREACHABLE,), lost_answers=0.0)
    run = play(World(hook_seconds=(3600.0, None)), inputs(timeout="90s", **HOOKS), weather=storm)
    assert len(stops(run)) < 200


@pytest.mark.parametrize("unknown", ["targets_readable", "percent_scale", "shows_ends"])
def test_what_cannot_be_read_or_is_not_known_makes_no_difference(unknown: str) -> None:
    world = World()
    setattr(world, unknown, not getattr(world, unknown))
    assert play(world).result.outcome is Outcome.SUCCEEDED


def test_a_reading_of_the_alias_that_is_old_is_not_told_as_what_it_serves_now() -> None:
    world = World(deployments=[neighbour()], versions={"1": "old", "7": "seven"})
    storm = Weather(rates={"Look": 1.0}, kinds=(ErrorKind.UNREACHABLE,))
    result = play(world, weather=storm).result
    assert result.outcome is Outcome.ERROR
    assert result.live_version == ""


# --- conflicts, order, re-runs ---


def test_wait_supersede_and_fail() -> None:
    ends = {}
    for policy in ("wait", "supersede", "fail"):
        world = World(deployments=[neighbour()], versions={"1": "old", "7": "seven"})
        run = play(world, inputs(on_conflict=policy))
        ends[policy] = (run.result.outcome, len(stops(run)), world.deployments[0].status)
    assert (
        ends
        == {
            "wait": (Outcome.SUCCEEDED, 0, DeploymentStatus.SUCCEEDED),
            "supersede": (Outcome.SUCCEEDED, 1, DeploymentStatus.STOPPED),
            "fail": (Outcome.REFUSED, 0, DeploymentStatus.IN_PROGRESS),
        }
        or ends["fail"][0] is Outcome.REFUSED
    )


def test_a_superseding_stop_that_got_lost_is_sent_again() -> None:
    world = World(deployments=[neighbour()], versions={"1": "old", "7": "seven"})
    storm = Weather(rates={"Stop": 1.0}, kinds=(ErrorKind.THROTTLED,), until=5.0)
    run = play(world, inputs(on_conflict="supersede"), weather=storm)
    assert run.result.outcome is Outcome.SUCCEEDED
    assert world.deployments[0].status is DeploymentStatus.STOPPED
    assert len(stops(run)) > 1


def test_a_rollback_under_way_is_never_superseded() -> None:
    rolling = neighbour(creator="codeDeployRollback", rollback_of="d-SOME", hook_seconds=(60.0, None))
    world = World(deployments=[rolling], versions={"1": "old", "7": "seven"})
    run = play(world, inputs(on_conflict="supersede"))
    assert stops(run) == []
    assert world.deployments[0].status is DeploymentStatus.SUCCEEDED


def test_waiting_for_what_cannot_be_seen_any_more_ends() -> None:
    world = World(deployments=[neighbour(hook_seconds=(3600.0, None))])
    storm = Weather(rates={"Look": 1.0}, kinds=(ErrorKind.UNREACHABLE,))
    run = play(world, inputs(timeout="10m"), weather=storm)
    assert run.result.outcome is Outcome.ERROR
    assert run.now < 700


def test_an_older_run_is_refused_unless_forced() -> None:
    world = World()
    play(world, run=context(run_id=200))
    world.latest_sha = "older"
    assert play(world, run=context(run_id=150), marker_id="0badcaf1").result.outcome is Outcome.REFUSED
    forced = play(world, inputs(force="true"), run=context(run_id=150), marker_id="0badcaf2")
    assert forced.result.outcome is Outcome.SUCCEEDED


@pytest.mark.parametrize("killed", [0.5, 1.5, 200.0, 303.0])
def test_a_re_run_attaches_and_knows_what_is_deployed_whatever_the_alias_serves_by_then(killed: float) -> None:
    world = World(hook_seconds=(None, 90.0))
    run = Run(world, first(inputs(**HOOKS), context()))
    until(world, run, killed)
    again = play(world, inputs(**HOOKS), run=context(attempt=2), marker_id="0badcaf2")
    assert again.result.deployment_id == world.deployments[0].id
    assert (again.result.outcome, again.result.previous_version, again.result.target_version) == (
        Outcome.SUCCEEDED,
        "1",
        "2",
    )
    assert again.count(a.Create) == 0


def test_a_re_run_of_what_succeeded_is_unchanged_and_of_what_failed_is_new() -> None:
    world = World(hook_seconds=(3.0, None), hook_good=(False, True))
    assert play(world, inputs(**HOOKS)).result.outcome is Outcome.ROLLED_BACK
    world.hook_good = (True, True)
    assert play(world, inputs(**HOOKS), run=context(attempt=2), marker_id="0badcaf2").result.deployed
    third = play(world, inputs(**HOOKS), run=context(attempt=3), marker_id="0badcaf3").result
    assert third.outcome is Outcome.UNCHANGED


def test_two_workflows_on_one_group_take_turns() -> None:
    world = World(versions={"1": "old", "7": "seven"})
    one = Run(world, first(inputs(), context(100), "0badcaf1"))
    two = Run(world, first(inputs(version="7"), context(101), "0badcaf2"))
    play_together(world, one, two)
    assert {one.result.outcome, two.result.outcome} <= {Outcome.SUCCEEDED, Outcome.REFUSED}
    assert not world.alias_weights


# --- other commands ---


def test_status_follows_and_never_writes_whatever_happens() -> None:
    for signals in ([], [30.0]):
        world = World(deployments=[neighbour()], alarm_at=60.0, rollback_to="nowhere")
        run = play(world, inputs(command="status", wait="true", timeout="2m"), signals=signals)
        assert {type(action) for _, action in run.actions} <= {a.Gather, a.Look, a.LookAlias, a.Diagnose}


def test_a_concluded_release_answers_nothing_more() -> None:
    run = play(World())
    again = step(run.release, a.Cancelled(signal="SIGTERM"), run.now + 1)
    assert (again.actions, again.events, again.look_again_at) == ((), (), None)


def test_an_answer_that_comes_twice_or_late_does_no_harm() -> None:
    """Every observation of a run, delivered a second time, changes nothing of its end."""
    world = World()
    run = Run(world, first(inputs(), context()))
    seen: list[a.Observation] = []
    answer = run._answer

    def remembered(action: a.Action) -> tuple[float, a.Observation]:
        at, observation = answer(action)
        seen.append(observation)
        run._expect(at + 7.0, observation)
        return at, observation

    run._answer = remembered  # type: ignore[method-assign]
    play_together(world, run)
    assert run.result.outcome is Outcome.SUCCEEDED
    assert len(world.with_marker("0badcafe")) == 1
    assert isinstance(run.release, Release)


# --- many functions in one stream of observations ---


def looks(played: Played) -> list[tuple[float, a.Look]]:
    return [(round(at, 3), look) for at, look in played.run.asked(a.Look) if isinstance(look, a.Look)]


def test_functions_are_looked_at_in_one_call() -> None:
    """Also where one of them would have waited a little longer."""
    played = play_many(slow("a"), slow("b"), slow("c"))
    ids = ("d-a-DEPLOY000", "d-b-DEPLOY000", "d-c-DEPLOY000")
    at, look = looks(played)[0]
    assert at == 1.301
    assert look == a.Look(key="", ids=ids, with_targets=frozenset(ids), shared_by=("a:live", "b:live", "c:live"))
    quiet = [look for at, look in looks(played)[1:9]]
    assert {(frozenset(look.ids), look.with_targets) for look in quiet} == {(frozenset(ids), frozenset())}


def test_one_that_looks_alone_looks_for_itself() -> None:
    played = play_many(slow("a"), quick("b", latest_sha="old"))
    assert {(look.key, look.ids, look.shared_by) for _, look in looks(played)} == {
        ("a:live", ("d-a-DEPLOY000",), ()),
    }


def test_a_call_is_for_25_deployments_at_most() -> None:
    played = play_many(*(slow(f"f{number:02}") for number in range(60)))
    assert max(len(look.ids) for _, look in looks(played)) == 25
    for _, look in looks(played):
        assert [key.removesuffix(":live") for key in look.shared_by] == [each.split("-")[1] for each in look.ids]
        assert look.with_targets <= set(look.ids)
    together = Counter(at for at, _ in looks(played))
    assert max(together.values()) == 3
    assert played.whole == (Outcome.SUCCEEDED, True)


def test_a_call_that_fails_is_trouble_for_all_who_share_it_and_for_nobody_else() -> None:
    weather = replace(STEADY, rates={"Look": 1.0}, kinds=(ErrorKind.THROTTLED,), since=100.0, until=110.0)
    played = play_many(slow("a"), slow("b"), quick("c"), weather=weather)
    assert {event.key for event in played.run.said(e.ContactTroubled)} == {"a:live", "b:live"}
    assert {event.key for event in played.run.said(e.ContactRestored)} == {"a:live", "b:live"}
    assert played.whole == (Outcome.SUCCEEDED, True)


def test_of_two_in_one_group_only_the_first_waits_for_somebody_elses_deployment() -> None:
    one, two = group(Member(function="a", routing=AT_ONCE), Member(function="b", routing=AT_ONCE))
    one.deployments.append(
        Running(id="d-THEIRS", created=0.0, current="1", target="7", routing=CANARY, function="other")
    )
    played = play_many(one, two)
    assert {event.key for event in played.run.said(e.Waiting)} == {"a:live"}
    assert played.whole == (Outcome.SUCCEEDED, True)


@pytest.mark.parametrize("policy", ["rollback-all", "rollback-failed", "stop-wave"])
@pytest.mark.parametrize("conflict", ["wait", "fail", "supersede"])
def test_the_functions_of_a_group_take_turns_until_the_alias_is_whole_again(policy: str, conflict: str) -> None:
    """While a failed one is rolled back, or set back, another's deployment would be in the way."""
    worlds = group(
        Member(function="a", routing=CANARY, alarm_at=60.0, rollback_delay=20.0, rollback_to="nowhere"),
        Member(function="b", routing=CANARY),
        Member(function="c", routing=AT_ONCE),
    )
    played = play_many(*worlds, policy=policy, on_conflict=conflict)
    begun = [(running.created, running.ended) for world in worlds for running in world.deployments]
    for (_, ended), (created, _) in pairwise(sorted(begun)):
        assert ended is not None and ended <= created
    assert played.served["a"] == "1"
    assert played.outcomes["a"] == "rolled-back"


def test_an_automatic_rollback_of_the_release_itself_is_no_conflict() -> None:
    """With `on-conflict: fail` the third was refused because of the first one's rollback, and all were undone."""
    worlds = group(
        Member(function="a", routing=AT_ONCE, dies_of=["THROTTLED"], rollback_delay=20.0, rollback_takes=30.0),
        Member(function="b", routing=CANARY),
        Member(function="c", routing=AT_ONCE),
    )
    played = play_many(*worlds, on_conflict="fail")
    assert played.outcomes == {"a": "succeeded", "b": "succeeded", "c": "succeeded"}


def test_an_automatic_rollback_that_comes_when_its_function_is_over_is_waited_for() -> None:
    """`a` had failed a minute before; `c` met its rollback, and was refused for what the release itself had begun."""
    worlds = group(
        Member(function="a", routing=AT_ONCE, dies_of=[FATAL], rollback_delay=80.0, rollback_takes=30.0),
        Member(function="b", routing=AT_ONCE, hook_seconds=(22.0, None)),
        Member(function="c", routing=AT_ONCE),
    )
    played = play_many(*worlds, policy="rollback-failed", on_conflict="fail")
    assert played.outcomes == {"a": "failed", "b": "succeeded", "c": "succeeded"}
    (waiting,) = [event for event in played.run.said(e.Waiting) if isinstance(event, e.Waiting)]
    assert (waiting.key, waiting.deployment_id) == ("c:live", "d-a-ROLLBACK1")


def test_an_answer_to_a_shared_look_reaches_who_has_gone_on_to_something_else() -> None:
    """A stop that failed sent them back to reading facts; they waited for the lost answer from then on, for ever."""
    worlds = [
        quick(
            name,
            deployments=[
                Running(id=f"d-{name}-OLD", created=0.0, current="1", target="1", routing=CANARY, function=name)
            ],
        )
        for name in "ab"
    ]
    storm = replace(STEADY, rates={"Stop": 1.0}, kinds=(ErrorKind.THROTTLED,), until=1.0)
    release = start(*worlds, weather=storm, on_conflict="supersede")
    played = release.answer_late(a.Stop, 1.0).answer_late(a.Look, 1.0).end()
    assert played.outcomes == {"a": "succeeded", "b": "succeeded"}
    assert played.run.now < 30.0


def test_an_answer_comes_twice_to_many_and_does_no_harm() -> None:
    release = start(slow("a"), slow("b"), fails("c"), policy="rollback-failed")
    answer = release.run._answer

    def twice(action: a.Action) -> tuple[float, a.Observation]:
        at, observation = answer(action)
        release.run._expect(at + 7.0, observation)
        return at, observation

    release.run._answer = twice  # type: ignore[method-assign]
    played = release.end()
    assert played.outcomes == {"a": "succeeded", "b": "succeeded", "c": "rolled-back"}
    assert [len(world.with_marker(f"0000000{number}")) for number, world in enumerate(played.worlds)] == [1, 1, 1]


def quiet(count: int, *agains: float) -> Release:
    """Functions between two shifts, last seen at 100 s; the first ones look again at these moments."""
    release = start(*(slow(f"f{number:02}") for number in range(count))).until(100.0).run.release
    rollouts = [but(rollout, seen_at=80.0, again_at=500.0, kinds=frozenset()) for rollout in release.rollouts]
    for number, at in enumerate(agains):
        rollouts[number] = but(rollouts[number], again_at=at)
    return replace(release, rollouts=tuple(rollouts), wakes=tuple(rollout.place.again_at for rollout in rollouts))


@pytest.mark.parametrize(
    ("count", "gap", "together"),
    [(2, 3.0, True), (2, 3.1, False), (10, 3.0, True), (10, 3.1, False), (11, 4.0, True), (11, 4.1, False)],
)
def test_looks_that_are_due_within_moments_are_made_together_and_more_so_in_a_large_release(
    count: int, gap: float, together: bool
) -> None:
    made = step(quiet(count, 100.0, 100.0 + gap), a.Tick(), 100.0)
    (look,) = made.actions
    assert isinstance(look, a.Look)
    assert look.ids == (("d-f00-DEPLOY000", "d-f01-DEPLOY000") if together else ("d-f00-DEPLOY000",))


def test_the_first_looks_of_a_large_release_are_made_together() -> None:
    """Their deployments are created one after the other, a tenth of a second apart at least."""
    played = start(*(quick(f"f{n:02}") for n in range(24))).until(6.0)
    looks = [action for _, action in played.run.asked(a.Look) if isinstance(action, a.Look)]
    assert sum(len(look.ids) for look in looks[:2]) >= 12


def test_a_large_release_looks_at_common_moments_until_the_last_of_its_shifts() -> None:
    """Those that are over but for a hook wait for nobody only when the whole release is about to end."""
    worlds = [World(function=f"f{n:02}", routing=LINEAR, hook_seconds=(None, 20.0)) for n in range(11)]
    played = start(*worlds, slow("late"), after_allow_traffic="CodeDeployHook_a").until(203.0)
    times = [at for at, look in looks(played) if "d-f00-DEPLOY000" in look.ids and at > 180.0]
    assert times == [183.0, 186.0, 189.0, 192.0, 195.0, 198.0, 201.0]


def test_one_that_is_alone_is_not_looked_at_before_its_time() -> None:
    """A step for something else, as a sign of life is, comes a second before."""
    assert step(quiet(1, 101.0), a.Tick(), 100.0).actions == ()
    assert step(replace(quiet(1, 101.0), wakes=(100.0,)), a.Tick(), 100.0).actions == ()
    assert len(step(quiet(1, 101.0), a.Tick(), 101.0).actions) == 1


def test_an_answer_is_no_reason_to_look_a_moment_before_the_time() -> None:
    release = quiet(2, 100.5)
    asked = a.LookAlias(key="f00:live", function="f00", alias="live")
    error = AwsError(ErrorKind.THROTTLED, operation="lambda:GetAlias", code="Throttling", message="slow")
    assert step(release, a.Failed(action=asked, error=error), 100.0).actions == ()
    assert len(step(release, a.Failed(action=asked, error=error), 100.5).actions) == 1


def test_only_those_whose_time_has_come_are_looked_at_and_the_next_time_is_the_earliest_of_all() -> None:
    release = quiet(3, 100.0, 100.0, 100.0)
    made = step(replace(release, wakes=(100.0, 113.5, 140.0)), a.Tick(), 100.0)
    assert made.release.rollouts[1:] == release.rollouts[1:]
    assert made.release.wakes[1:] == (113.5, 140.0)
    assert made.look_again_at == min(made.release.wakes)


def test_before_anybodys_time_has_come_nothing_is_done() -> None:
    release = quiet(2, 101.0, 101.5)
    made = step(release, a.Tick(), 100.0)
    assert (made.release, made.actions, made.events, made.look_again_at) == (release, (), (), 101.0)


def test_one_that_ends_in_the_same_moment_in_which_others_only_look_ends_the_release_all_the_same() -> None:
    release = quiet(2, 100.0, 500.0)
    old = but(release.rollouts[1], stage=Stage.ACTIVATING, since=-2000.0, deployment_id="", again_at=100.0)
    release = replace(release, rollouts=(release.rollouts[0], old), wakes=(100.0, 100.0))
    made = step(release, a.Tick(), 100.0)
    assert made.release.rollouts[1].stage is Stage.DONE
    assert [action for action in made.actions if isinstance(action, a.Stop)] == [
        a.Stop(key="f00:live", deployment_id="d-f00-DEPLOY000", rollback=True)
    ]
