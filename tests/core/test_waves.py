"""Releases of many functions: planned together, begun in waves, and what becomes of the others when one fails.

Every function has a small world of its own, and, where a test says so, a deployment group that it shares.
"""

from __future__ import annotations

from dataclasses import replace

from ci_deploy.core import actions as a
from ci_deploy.core.model import (
    Command,
)
from ci_deploy.core.planning import Facts
from tests.support.many import play, quick, rollouts, slow, start
from tests.support.playing import first
from tests.support.world import World, context

ALL, ONLY_FAILED, STOP_WAVE = "rollback-all", "rollback-failed", "stop-wave"
WRITES = (a.StoreCode, a.UpdateCode, a.Publish, a.Upload, a.Create, a.CreateAlias, a.RepairAlias, a.Tag, a.Stop)
BACK = "It had succeeded and was rolled back, all or nothing. The alias serves version 1 at 100 %."


class Missing(World):
    """The function is there, and its alias is not."""

    def facts(self, action: a.Gather) -> Facts:
        return replace(super().facts(action), alias=None)


# --- other commands ---


def test_of_other_commands_one_function_that_fails_ends_nothing_of_the_others() -> None:
    """A function without an alias ended the others as `stopped`: not deployed, all or nothing."""
    for command, outcome in (("status", "reported"), ("plan", "planned"), ("stop", "unchanged")):
        played = play(Missing(function="a"), quick("b"), quick("c"), command=command)
        assert (played.outcomes["b"], played.outcomes["c"]) == (outcome, outcome), command


def test_a_rollback_of_many_takes_back_what_it_can() -> None:
    """One that has no way back stopped the rollbacks of the others, and undid those that had succeeded."""
    bad = [quick(name, versions={"1": "old", "2": "new"}, alias_version="2") for name in "bc"]
    release = rollouts([Missing(function="a"), *bad], command="rollback", reason="bad", to_version="1", force="true")
    played = play(Missing(function="a"), *bad, release=release)
    assert played.outcomes == {"a": "refused", "b": "succeeded", "c": "succeeded"}
    assert played.served == {"a": "1", "b": "1", "c": "1"}


def test_the_post_step_goes_on_looking_for_a_deployment_while_others_are_at_their_end() -> None:
    """The end of the first one ended the search for another, which went on with its traffic split."""
    main = start(quick("a"), slow("b")).until(2.0)
    _, world = main.worlds
    (lost,) = world.deployments
    finishing = []
    for rollout in main.run.release.rollouts:
        given = replace(rollout.inputs, command=Command.FINISH.value)
        known = rollout.deployment_id if rollout.function == "a" else ""
        finishing.append(
            replace(
                first(given, context()),
                marker_id=rollout.marker_id,
                subject=known,
                search=not known,
                known_previous="1",
                known_target="2",
                cancel_until=240.0,
            )
        )
    world.deployments = []  # for twenty seconds CodeDeploy does not list it
    played = start(*main.worlds, release=finishing).until(22.0)
    world.deployments = [lost]
    played.end()
    assert played.outcomes == {"a": "cancelled", "b": "cancelled"}
    assert lost.status.terminal
    assert played.served["b"] == "1"
