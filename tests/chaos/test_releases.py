"""Whole runs that release two functions of one group, side by side with an earlier attempt or alone, in AWS's weather.

Reversals meet faults, signals and kills come in between, the hook of one function fails: each function's result says
what its alias serves, nothing is left split in silence, and running again repairs it.
"""

from __future__ import annotations

import json
import tempfile
from collections.abc import Iterator
from pathlib import Path
from random import Random

import pytest

from codedeploy_emulator.aws import moto_parts
from tests.support.machine.stage import WEATHER, Happening, Stage, Step

from .play import Chaos, _same_every_time, chaos
from .scenario import ACCOUNT_ID, AFTER, APPLICATION, BEFORE, CODE, GROUP, REGION, _fault, step_of

NAMES = ("checkout", "other")


@pytest.fixture(scope="module")
def world() -> Iterator[Chaos]:
    with chaos() as world:
        yield world


def serves(name: str) -> dict[str, float]:
    """Past every fault: percent by version."""
    found = moto_parts.alias(ACCOUNT_ID, REGION, name, "live")
    assert found is not None
    weights = {version: share * 100 for version, share in moto_parts.alias_weights(found).items()}
    return {str(found.function_version): 100 - sum(weights.values())} | weights


def manifest(dice: Random) -> str:
    lines = [f"defaults: {{application: {APPLICATION}, deployment-group: {GROUP}, code: $LATEST}}", "functions:"]
    for name in NAMES:
        hook = dice.choice(("", f"before-allow-traffic: {BEFORE}", f"after-allow-traffic: {AFTER}"))
        lines.append(f"  {name}: {{{hook}}}")
    return "\n".join(lines) + "\n"


def step(chaos: Chaos, folder: Path, name: str, inputs: dict[str, str], text: str, seed: int, **more: object) -> Step:
    made = step_of(chaos.emulator, folder, name, inputs, dice=Random(f"{name} {seed}"), **more)  # type: ignore[arg-type]
    (made.folder / "ci-deploy.yml").write_text(text, encoding="utf-8")
    return made


def play(chaos: Chaos, seed: int, folder: Path) -> str:
    dice = Random(f"release {seed}")
    emulator, account = chaos.emulator, chaos.account
    emulator.reset()
    emulator.switches({"random-seed": seed, "rollback-delay-seconds": dice.choice((0.5, 20, 45))})
    outcomes = {hook: dice.choice(("succeed", "succeed", "fail")) for hook in (BEFORE, AFTER)}
    emulator.scripts({hook: {"outcome": what, "seconds": dice.choice((1, 20))} for hook, what in outcomes.items()})
    for name in NAMES:
        account.code(CODE.format("next"), function=name)
    happenings = []
    if dice.random() < 0.7:
        faults = [_fault(dice) for _ in range(dice.choice((1, 2, 4)))]
        since = dice.choice((0.0, dice.uniform(0, 30), dice.uniform(0, 400)))
        happenings.append(Happening(at=since, what=f"weather: {faults}", do=lambda: emulator.faults(faults) or WEATHER))
        end = since + dice.choice((5.0, 60.0, 600.0))
        happenings.append(Happening(at=end, what="fair weather", do=lambda: emulator.faults([]) or WEATHER))
    inputs = {
        "command": "deploy",
        "deployment-config": dice.choice(("Half", "CodeDeployDefault.LambdaAllAtOnce")),
        "bucket": dice.choice(("", "demo-deployments")),
        "release-policy": dice.choice(("rollback-all", "rollback-all", "rollback-failed")),
        "on-conflict": dice.choice(("", "fail")),
    }
    text = manifest(dice)
    first = step(chaos, folder, "release", inputs, text, seed, run_id=100)
    steps = [first]
    if dice.random() < 0.3:
        first.signals = (dice.uniform(0, 400),)
    elif dice.random() < 0.2:
        first.killed_at = dice.uniform(0, 400)
    elif dice.random() < 0.3:  # a second attempt of the same run, before the first is over
        again = step(chaos, folder, "attempt", inputs, text, seed, run_id=100)
        again.starts = dice.uniform(1, 200)
        steps.append(again)
    stage = Stage(emulator, happenings)
    alone = len(steps) == 1
    with _same_every_time(seed):
        stage.play(*steps, then=lambda one: _told(one, alone=alone))
        stage.calm()
        emulator.faults([])
        ends = []
        for one in steps:
            ends.append("killed" if one.killed else one.outputs["outcome"])
            if one.killed or one.code:
                given = {"run_id": one.run_id, "command": "finish", "state": one.state}
                stage.play(step(chaos, folder, f"{one.name}-post", inputs, text, seed, **given))
        emulator.advance(20_000)
        emulator.scripts({BEFORE: "succeed", AFTER: "succeed"})
        mended = step(
            chaos, folder, "again", {**inputs, "repair-alias": "always", "on-conflict": ""}, text, seed, run_id=201
        )
        stage.play(mended)
        assert mended.code == 0, f"running again did not repair it: {mended.log()}"
        assert [len(serves(name)) for name in NAMES] == [1, 1]
    return " + ".join(ends)


def _told(one: Step, *, alone: bool) -> None:
    """At the end of a step: no bug, and what is said of each alias is so."""
    if one.killed:
        return
    assert one.outputs["outcome"] != "bug", one.log()
    results = json.loads(one.outputs["result"])["functions"]
    if not alone or one.state.get("finished") != "true":
        return
    for result in results:
        said = result["live-version"]
        if not said or result["outcome"] in ("refused", "stopped", "error", "cancelled"):
            continue
        assert bool(result["live-weights"]) == (len(serves(result["function"])) > 1), (
            result,
            serves(result["function"]),
        )
        assert said in serves(result["function"])


def played(chaos: Chaos, seed: int, folder: Path) -> str:
    try:
        return play(chaos, seed, folder)
    except Exception as error:
        raise AssertionError(f"seed {seed} fails: {type(error).__name__}: {error}") from error


@pytest.mark.parametrize("seed", range(2))
def test_a_release_of_two_functions_in_one_group(world: Chaos, seed: int, tmp_path: Path) -> None:
    assert played(world, seed, tmp_path)


@pytest.mark.full
@pytest.mark.parametrize("first", range(1000, 1100, 25))
def test_a_hundred_releases_of_two_functions_in_one_group(world: Chaos, first: int) -> None:
    for seed in range(first, first + 25):
        with tempfile.TemporaryDirectory() as folder:
            assert played(world, seed, Path(folder))
