"""Plays a scenario, post steps and a repairing run included, and holds it to the promise of design.md, section 1."""

from __future__ import annotations

import contextlib
import random
import re
import tempfile
from collections.abc import Iterator
from pathlib import Path
from unittest import mock

from ci_deploy.core.machine.actions import Create, Gather, LookAlias, Publish, RepairAlias, Stop, Tag, Upload
from ci_deploy.core.run import Command, Outcome, exit_code
from codedeploy_emulator import Emulator
from codedeploy_emulator.aws import moto_parts
from codedeploy_emulator.codedeploy.model.store import Deployment
from tests.support.account import Account
from tests.support.machine.stage import Stage, Step, emulated

from .scenario import ACCOUNT_ID, AFTER, APPLICATION, BEFORE, GROUP, REGION, SEED, Scenario, prepare, step_of

WRITES = (Publish, Upload, Create, Stop, RepairAlias, Tag)
READS_ALIAS = (Gather, LookAlias, RepairAlias)
GREEN = ("succeeded", "unchanged", "planned", "reported", "detached")


class Chaos:
    """One emulator, many scenarios."""

    def __init__(self, emulator: Emulator) -> None:
        self.emulator = emulator
        self.account = Account(emulator)
        self.said: list[str] = []  # what happened in the latest scenario, moment by moment

    # --- the truth, read past every fault ---

    def serves(self) -> tuple[str, str]:
        """Primary version and weights of the alias, in the form of the outputs."""
        found = moto_parts.alias(ACCOUNT_ID, REGION, "checkout", "live")
        assert found is not None
        weights = {version: round(share * 100, 6) for version, share in moto_parts.alias_weights(found).items()}
        if not weights:
            return str(found.function_version), ""
        shares = {str(found.function_version): round(100 - sum(weights.values()), 6)} | weights
        return str(found.function_version), ",".join(f"{version}={share:g}" for version, share in shares.items())

    def deployments(self) -> list[Deployment]:
        return list(self.emulator.runtime.store.deployments())

    def active(self) -> list[str]:
        return [one.id for one in self.deployments() if not one.run.status.final]

    # --- playing ---

    def play(self, seed: int, folder: Path) -> str:
        """Play the seed's scenario; what kind of end it came to. Raises AssertionError with how to replay it."""
        scenario = prepare(seed, self.emulator, self.account, folder)
        stage = Stage(self.emulator, scenario.happenings)
        self.said = stage.log
        try:
            with _same_every_time(seed):
                return self._play(scenario, stage, folder)
        except Exception as error:
            raise AssertionError(self.story(scenario, stage, error)) from error

    def story(self, scenario: Scenario, stage: Stage, error: Exception) -> str:
        told = [f"seed {scenario.seed} fails: {type(error).__name__}: {error}", *scenario.said, *stage.log]
        for step in scenario.steps:
            told += [f"--- {step.name} {step.command}: exit {step.code}", step.log(), str(step.outputs)]
        told += [f"the alias serves {self.serves()}", *map(_line, self.deployments())]
        told.append(f"replay it: python -m tests.chaos {scenario.seed}")
        return "\n".join(told)

    def _play(self, scenario: Scenario, stage: Stage, folder: Path) -> str:
        alone = len(scenario.steps) == 1
        first = tuple(scenario.steps)
        stage.play(*first, then=lambda step: self.promise(step, alone=alone))
        stage.calm()
        self.emulator.faults([])
        ends = []
        for step in first:
            end = "killed" if step.killed else f"{step.inputs['command']}:{_end(step)}"
            if step.killed or step.code:
                post = step_of(
                    self.emulator,
                    folder,
                    f"{step.name}-post",
                    dict(step.inputs),
                    dice=step.dice,
                    run_id=step.run_id,
                    command="finish",
                    state=step.state,
                )
                scenario.steps.append(post)
                stage.play(post, then=lambda step: self.promise(step, alone=alone))
                end += f" post:{_end(post)}"
                self.promise_after(step, post, alone=alone)
            ends.append(end)
        self._recover(scenario, stage, folder)
        return " + ".join(sorted(ends))

    def _recover(self, scenario: Scenario, stage: Stage, folder: Path) -> None:
        """What was red can be repaired by running again."""
        self.account.ring(state="OK")
        self.emulator.scripts({BEFORE: "succeed", AFTER: "succeed"})
        self.emulator.advance(20_000)
        inputs = {
            "function": "checkout",
            "application": APPLICATION,
            "deployment-group": GROUP,
            "deployment-config": "CodeDeployDefault.LambdaAllAtOnce",
            "code": "$LATEST",
            "repair-alias": "always",
            "command": "deploy",
        }
        again = step_of(
            self.emulator, folder, "again", inputs, dice=random.Random(f"again {scenario.seed}"), run_id=201
        )
        scenario.steps.append(again)
        stage.play(again, then=lambda step: self.promise(step, alone=True))
        assert again.code == 0, "running again did not repair it"
        assert not self.serves()[1], "split, after it was repaired"

    # --- the promise ---

    def promise(self, step: Step, *, alone: bool) -> None:
        """What must hold of a step at its end."""
        if step.killed:
            return
        outputs, log = step.outputs, step.log()
        assert "outcome" in outputs, "no outcome"
        outcome = outputs["outcome"]
        command = step.command or step.inputs["command"]
        assert outcome != "bug", log
        assert "::warning" not in log or "was dropped" not in log, "a reporter broke"
        assert step.code == exit_code(Command(command), Outcome(outcome))
        assert (step.code == 0) == (outcome in GREEN or (command == "stop" and outcome == "stopped"))
        assert outputs["reason"], "a verdict without a reason"
        assert step.summary, "no summary"
        mine = self._mine(step)
        baked = "bake" in step.inputs
        back = [one for one in mine if " kind=rollback " in one.description]
        assert len(mine) <= 1 or (baked and len(mine) == 2 and len(back) == 1), "created more than one deployment"
        if command == "finish":
            assert not [action for _, action in step.asked if isinstance(action, (Create, Publish))]
        if command in ("status", "plan"):
            assert not [action for _, action in step.asked if isinstance(action, WRITES)], f"{command} has written"
        if command == "watch":
            self._watch(step)
        self._ours_only(step)
        self._alias(step, command, outcome)
        if outcome == "rolled-back":
            assert (outputs["live-version"], outputs["live-weights"]) == (outputs["previous-version"], "")
            assert outputs["rollback"] == "succeeded"
        if command == "deploy" and outcome in ("refused", "error", "unchanged"):
            assert not mine, f"{outcome}, and yet a deployment was created"
        self._cancel(step)

    def _watch(self, step: Step) -> None:
        """It creates nothing, stops only where that was asked for, and says once that nothing appeared."""
        written = [action for _, action in step.asked if isinstance(action, WRITES)]
        assert {type(action) for action in written} <= {Stop}, "watch has written"
        violated = step.inputs["on-violation"] == "rollback"
        cancelled = step.signalled_at is not None and step.inputs["on-cancel"] in ("rollback", "stop")
        assert not written or violated or cancelled, "stopped, and nobody had asked for it"
        if step.outputs["outcome"] == "unchanged":
            assert not written
            told = [line for line in step.log().splitlines() if line.startswith("::warning") and "Not AWS" not in line]
            ours = [line for line in told if "No deployment of" in line or "Interrupted before" in line]
            assert len(ours) == 1, told

    def _ours_only(self, step: Step) -> None:
        """Whatever its description says: what was stopped is of the very function."""
        stopped = {action.deployment_id for _, action in step.asked if isinstance(action, Stop)}
        mine = [one.id for one in self._mine(step)]  # one that was stopped before it began has not read its AppSpec
        for one in self.deployments():
            named = re.search(r"\bName\W+(checkout|other)\b", f"{one.content} {one.revision}")
            assert one.id not in stopped or one.id in mine or (named and named[1] == step.inputs["function"]), (
                f"stopped {one.id}"
            )

    def _mine(self, step: Step) -> list[Deployment]:
        descriptions = {action.request.description for _, action in step.asked if isinstance(action, Create)}
        return [one for one in self.deployments() if one.description in descriptions]

    def _alias(self, step: Step, command: str, outcome: str) -> None:
        outputs = step.outputs
        said = outputs["live-version"], outputs["live-weights"]
        now = self.serves()
        deployed = outputs["deployed"] == "true"
        assert deployed == (outcome == "succeeded")
        if deployed:
            assert said == (outputs["target-version"], "")
        moving = bool(self.active()) or self._moved_lately(step)
        if said[0] and not moving:
            assert said == now, f"said {said}, the alias serves {now}"
        settled = step.state.get("finished") == "true" or step.command == "finish"
        if now[1] and settled and outcome != "detached":
            assert step.code or moving or command not in ("deploy", "rollback"), "green, and the alias is split"
            named = any(one in outputs["reason"] for one in self.active())
            unread = not said[0] and (outputs["rollback"] == "unknown" or not outputs["deployment-id"])
            assert said[1] or named or unread or moving, "a split alias was left unsaid"

    def _moved_lately(self, step: Step) -> bool:
        """Whether somebody or something moved the alias in the last moments, past our reading."""
        quiet = 150 if step.inputs["command"] == "watch" else 0  # it waits for another deployment after its reading
        stage, since = step.stage, step.stage.now - 70 - quiet
        if any("by hand" in line for line in stage.log if float(line[:9]) >= since):
            return True
        own = {step.outputs["deployment-id"], step.outputs["rollback-deployment-id"]}
        return any(
            (one.run.completed or 0) >= self.emulator.now - 70 - quiet
            for one in self.deployments()
            if one.id not in own
        )

    def _cancel(self, step: Step) -> None:
        if step.signalled_at is None:
            return
        at = step.signalled_at
        created = [asked for asked, action in step.asked if isinstance(action, Create) and asked > at + 1e-6]
        wanted = "bake" in step.inputs and step.inputs["on-cancel"] == "rollback"
        assert len(created) <= wanted and all(asked < at + 2 for asked in created), "created"
        deployment = step.outputs.get("deployment-id")
        stops = [
            (asked, action)
            for asked, action in step.asked
            if isinstance(action, Stop) and action.deployment_id == deployment and asked >= at - 1e-6
        ]
        assert len(stops) <= 1, "the stop after a signal is asked for once"

    def promise_after(self, step: Step, post: Step, *, alone: bool) -> None:
        """After main and post step: nothing is left split in silence where we are allowed to mend it."""
        inputs = step.inputs
        if not alone or not self.serves()[1] or self.active() or inputs["command"] != "deploy":
            return
        if not step.killed and step.state.get("finished") == "true":
            return  # the main step has said it
        left = inputs.get("on-cancel") in ("leave", "stop") or inputs.get("repair-alias") == "never"
        assert left or post.outputs["live-weights"], "the post step left the alias split"


def _end(step: Step) -> str:
    return f"{step.outputs.get('outcome', 'nothing')}/{step.outputs.get('rollback', '')}"


def _line(deployment: Deployment) -> str:
    run = deployment.run
    of = f" rolls back {deployment.rollback_of}" if deployment.rollback_of else ""
    return f"{deployment.id} {run.status} created {deployment.created}{of} {deployment.description or ''}"


@contextlib.contextmanager
def _same_every_time(seed: int) -> Iterator[None]:
    """Marker ids, retry jitter and the like, drawn from the seed."""
    dice = random.Random(f"program {seed}")
    state = random.getstate()
    random.seed(seed)
    try:
        with mock.patch("secrets.token_hex", lambda size=16: f"{dice.getrandbits(size * 8):0{size * 2}x}"):
            yield
    finally:
        random.setstate(state)


@contextlib.contextmanager
def chaos() -> Iterator[Chaos]:
    """An emulator with its clock in our hand."""
    with emulated(SEED) as emulator:
        yield Chaos(emulator)


def run(seeds: Iterator[int] | range) -> dict[str, int]:
    """Play seeds; how often each kind of end came."""
    ends: dict[str, int] = {}
    with chaos() as world:
        for seed in seeds:
            with tempfile.TemporaryDirectory() as folder:
                end = world.play(seed, Path(folder))
            ends[end] = ends.get(end, 0) + 1
    return ends
