"""The table of stages is what the code says, and what rollouts do."""

from __future__ import annotations

import ast
from pathlib import Path
from typing import Any

import pytest

from ci_deploy.core import machine
from ci_deploy.core.aws import DeploymentStatus
from ci_deploy.core.errors import AwsError, CiDeployError, ErrorKind
from ci_deploy.core.given.files.smoke import Case
from ci_deploy.core.guards.grammar import parse
from ci_deploy.core.machine import actions as a
from ci_deploy.core.machine.state.place import Stage
from ci_deploy.core.machine.table import NEXT
from ci_deploy.core.plan.proof import Proof
from tests.support import releases
from tests.support.machine import histories, many, playing
from tests.support.machine.codeworld import CodeWorld
from tests.support.machine.playing import Run, first, play_together, until
from tests.support.machine.states import but
from tests.support.machine.world import AT_ONCE, CANARY, Running, World, context, inputs
from tests.support.reasons import refused
from tests.support.releases import edges

SOURCES = sorted(Path(machine.__file__).parent.rglob("*.py"))
# Seeds of `tests.support.releases` and of `tests.support.machine.histories` that together take every edge of the table.
RELEASES = (45, 128, 136, 199, 270, 321, 519, 1212, 1559, 1665, 2048, 2435)
HISTORIES = (22,)


DENIED, TAKEN = (
    AwsError(kind, operation="test", code="Fault", message="trouble") for kind in (ErrorKind.DENIED, ErrorKind.CONFLICT)
)
# What a release's reversal meets, in this order; random releases meet it too rarely.
REVERSALS: tuple[tuple[tuple[type[a.Action], AwsError], ...], ...] = (
    ((a.Create, TAKEN), (a.Gather, DENIED)),
    ((a.Create, TAKEN), (a.Look, DENIED)),
)


class Troubled(World):
    """A function that is deployed in a second; 30 s later its troubles begin, and others' deployment in its group."""

    troubles: list[tuple[type[a.Action], CiDeployError]]

    def perform(self, action: a.Action) -> a.Answer:
        if self.now > 30.0 and self.troubles and isinstance(action, self.troubles[0][0]):
            _, error = self.troubles.pop(0)
            if error is TAKEN:
                fields: dict[str, Any] = {"created": self.now, "current": "1", "target": "2", "routing": CANARY}
                self.deployments.append(Running(id="d-OTHER0000", function="other", **fields))
            raise error
        return super().perform(action)


def reversal(troubles: tuple[tuple[type[a.Action], AwsError], ...]) -> many.Played:
    """`b` fails after 45 s, so that what `a` has deployed is taken back."""
    world = Troubled(function="a", routing=AT_ONCE)
    world.troubles = list(troubles)
    bad = World(function="b", routing=AT_ONCE, hook_seconds=(45.0, None), hook_good=(False, True))
    return many.play(world, bad, bucket="artifacts")


def restored_late() -> many.Played:
    """No rollback appears, and just when the alias is to be set back something runs: it may be the rollback."""
    world = Troubled(function="a", alarm_at=60.0, rollback_to="nowhere")
    world.troubles = [(a.RepairAlias, refused("a deployment is running", "Wait."))]
    return many.play(world)


def smoked() -> None:
    """Versions that answer smoke cases first: of one function and of several, new and old, a first one too."""
    cases = (Case(name="health", payload="{}"),)
    for given in ({"version": "7"}, {"code": "build"}):
        for count in (1, 2):
            worlds = [
                CodeWorld(
                    function=f"f{number}",
                    routing=AT_ONCE,
                    versions={"1": "old", "7": "seven"},
                    version_settings={"1": {"MemorySize": "128"}, "7": {"MemorySize": "128"}},
                    activation_takes=10.0 * number,
                    alias_exists=number == 0,
                )
                for number in range(count)
            ]
            made = [but(one, job__smoke=cases) for one in many.rollouts(worlds, create_alias="true", **given)]
            if count == 1:
                made = [but(one, cleared=True) for one in made]
            played = many.start(*worlds, release=made).end()
            assert set(played.outcomes.values()) == {"succeeded"}
            assert played.run.count(a.Invoke) == count


def confirmed() -> None:
    """A person at the terminal says yes to a rollback."""
    past = Running(id="d-PAST", created=-9.0, current="1", target="7", routing=AT_ONCE, ended=-5.0)
    past.done, past.status = len(past.marks), DeploymentStatus.SUCCEEDED
    world = World(routing=AT_ONCE, versions={"1": "old", "7": "seven"}, alias_version="7", deployments=[past])
    asking = but(playing.first(inputs(command="rollback", reason="bad"), context()), job__confirm=True)
    run = playing.Run(world, asking)
    playing.play_together(world, run)
    assert run.result.live_version == "1"


def baked() -> None:
    """Bakes that end well, are taken back, and are gone on with by a second attempt."""
    proof = Proof(guards=parse("errors < 1%"), bake=600.0)
    for failing, outcome in (({}, "succeeded"), ({"2": 0.3}, "rolled-back")):
        world = World(routing=AT_ONCE, calls=600.0, failing=dict(failing))
        main = Run(world, but(first(inputs(), context()), job__proof=proof))
        until(world, main, 100.0)
        again = Run(world, but(first(inputs(), context(attempt=2), "feedbeef"), job__proof=proof))
        play_together(world, again)
        assert again.result.outcome == outcome


def entered(text: str) -> set[str]:
    """The stages that are entered by name in a module: `turn.to(Stage.X)`."""
    return {
        node.args[0].attr
        for node in ast.walk(ast.parse(text))
        if isinstance(node, ast.Call)
        and isinstance(node.func, ast.Attribute)
        and node.func.attr == "to"
        and isinstance(node.args[0], ast.Attribute)
    }


def test_what_the_code_enters_is_what_the_table_leads_to() -> None:
    in_code = set[str]().union(*(entered(path.read_text(encoding="utf-8")) for path in SOURCES))
    heads = {stage.name for row in NEXT.values() for stage in row}
    assert in_code == heads
    assert entered("turn.to(Stage.WAITING, after=2.0)") == {"WAITING"}


def test_every_stage_has_a_row_and_can_be_reached() -> None:
    assert list(NEXT) == list(Stage)
    reached, new = {Stage.GATHERING}, {Stage.GATHERING}
    while new:
        new = {stage for one in new for stage in NEXT[one]} - reached
        reached |= new
    assert reached | {Stage.DONE} == set(Stage)


def test_random_histories_and_releases_take_the_edges_of_the_table_and_no_others() -> None:
    with edges() as taken:
        releases.explore(RELEASES)
        for seed in HISTORIES:
            histories.hold(histories.make(seed))
        for troubles in REVERSALS:
            assert reversal(troubles).outcomes["a"] in ("rolled-back", "rollback-failed")
        assert restored_late().outcomes == {"a": "rolled-back"}
        smoked()
        confirmed()
        baked()
    table = {(stage, following) for stage, row in NEXT.items() for following in row}
    assert taken - table == set(), "not in the table"
    assert table - taken == set(), "never taken"


@pytest.mark.parametrize("first", [0, 50, *(pytest.param(more, marks=pytest.mark.full) for more in (100, 150))])
def test_every_release_is_true_of_each_of_its_functions(first: int) -> None:
    """Shared groups, owners in conflict, forged markers, targets that may not be read, faults and signals."""
    with edges() as taken:
        releases.explore(range(first, first + 50))
    assert {following for _, following in taken} >= {Stage.READY, Stage.UPDATING, Stage.SETTLING, Stage.FOLLOWING}
    assert all(following in NEXT[stage] for stage, following in taken)
