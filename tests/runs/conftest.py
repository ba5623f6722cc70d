"""The real program in this process, against an emulator whose clock stands still until all wait: fast and exact."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from ci_deploy.edge.packages.local import LocalPackages
from codedeploy_emulator import Emulator
from codedeploy_emulator.keeping import Kept
from tests.support.account import Account
from tests.support.action import CHECKOUT, Finished, Steps, with_code
from tests.support.machine.stage import WEATHER, Happening, Stage, Step, emulated, environment

DEMO = Path(__file__).parents[2] / "codedeploy_emulator" / "seeds" / "demo.yaml"
CODE = "# {}\ndef handler(event, context):\n    return event\n"


@dataclass(kw_only=True)
class Past:
    """The account as every test finds it, and as a first deployment leaves it: made once, and then brought back."""

    found: tuple[Any, ...]
    left: Kept | None = None
    at: float = 0.0


def _told(emulator: Emulator) -> tuple[Any, ...]:
    """What a test may have changed before it asks for a history."""
    return (
        emulator.now,
        emulator.calls,
        emulator.present_faults(),
        emulator.switch_values(),
        emulator.present_traffic(),
        emulator.present_stacks(),
        dict(emulator.runtime.functions.scripts),
        emulator.github._next_id,
    )


@dataclass(kw_only=True)
class Theatre:
    """Plays steps; everything that happens to them is said beforehand, in seconds from now."""

    emulator: Emulator
    account: Account
    folder: Path
    past: Past
    happenings: list[Happening] = field(default_factory=list)
    count: int = 0

    def at(self, when: float, do: Callable[[], object]) -> None:
        self.happenings.append(Happening(at=when, what="", do=do))

    def weather(self, when: float, *faults: Mapping[str, Any]) -> None:
        self.at(when, lambda: self.emulator.faults(list(faults)) or WEATHER)

    def step(self, inputs: Mapping[str, str] | None = None, *, run: tuple[int, int] = (100, 1), **how: Any) -> Step:
        self.count += 1
        own = self.folder / f"step-{self.count}"
        own.mkdir()
        more = {"GITHUB_RUN_ID": run[0], "GITHUB_RUN_ATTEMPT": run[1], **how.pop("environ", {})}
        state = {f"STATE_{name}": value for name, value in how.pop("state", {}).items()}
        given = with_code({**CHECKOUT, **(inputs or {})})
        return Step(
            name=f"step-{self.count}",
            environ=environment(self.emulator.env, own, given, **more, **state),
            folder=own,
            dice=random.Random(self.count),
            inputs=given,
            run_id=run[0],
            **how,
        )

    def play(self, *steps: Step) -> None:
        Stage(self.emulator, self.happenings).play(*steps)
        self.happenings = []

    def run(self, inputs: Mapping[str, str] | None = None, **how: Any) -> Step:
        """One step, to its end."""
        step = self.step(inputs, **how)
        self.play(step)
        return step

    def post(self, main: Step, **how: Any) -> Step:
        """The post step of a step, with the state that it left."""
        return self.run(main.inputs, command="finish", state=main.state, **how)

    def group(self, **settings: Any) -> None:
        self.account.codedeploy.update_deployment_group(
            applicationName="checkout-app", currentDeploymentGroupName="checkout-live", **settings
        )

    def history(self) -> None:
        """A first deployment that succeeded: the group has a revision to go back to, and $LATEST new code."""
        past = self.past
        usual = not (self.count or self.happenings) and _told(self.emulator) == past.found
        if usual and past.left:
            past.left.bring_back()
            self.emulator.clock.move_to(past.at)
            self.count += 1
            return
        self.run({"deployment-config": "CodeDeployDefault.LambdaAllAtOnce"}).check(0, outcome="succeeded")
        self.account.code(CODE.format("after the first"))
        self.emulator._calls.clear()
        if usual:
            past.left, past.at = self.emulator.keep(), self.emulator.now

    def calls(self, operation: str) -> int:
        return sum(call["operation"] == operation for call in self.emulator.calls)


@dataclass(kw_only=True)
class Played(Steps):
    """What `Runner` is for processes: a step with all that the runner sets, in this process, to its end."""

    theatre: Theatre

    def run(self, inputs: Mapping[str, str], **how: Any) -> Finished:
        folder, variables = self.variables(inputs, **how)
        step = Step(
            name=folder.name, environ=variables, folder=folder, workspace=self.folder, dice=random.Random(self.count)
        )
        self.theatre.play(step)
        assert step.code is not None
        return Finished(code=step.code, log=step.log(), outputs=step.outputs, state=step.state, summary=step.summary)


@pytest.fixture(scope="package")
def _emulator() -> Iterator[Emulator]:
    with emulated(DEMO) as emulator:
        yield emulator


@pytest.fixture(scope="package")
def _past(_emulator: Emulator) -> Past:
    return Past(found=_told(_reset(_emulator)))


@pytest.fixture
def emulator(_emulator: Emulator) -> Emulator:
    return _reset(_emulator)


def _reset(emulator: Emulator) -> Emulator:
    emulator.reset()
    emulator.switches(hooks="succeed")
    return emulator


@pytest.fixture
def account(emulator: Emulator) -> Account:
    return Account(emulator)


@pytest.fixture
def theatre(emulator: Emulator, account: Account, tmp_path: Path, _past: Past) -> Theatre:
    return Theatre(emulator=emulator, account=account, folder=tmp_path, past=_past)


@pytest.fixture(autouse=True)
def _packages_are_closed(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A process leaves that to its end."""
    made: list[LocalPackages] = []
    begin = LocalPackages.__init__

    def kept(self: LocalPackages, *arguments: Any, **options: Any) -> None:
        begin(self, *arguments, **options)
        made.append(self)

    monkeypatch.setattr(LocalPackages, "__init__", kept)
    yield
    for packages in made:
        packages.close()


@pytest.fixture
def runner(emulator: Emulator, theatre: Theatre, tmp_path: Path) -> Played:
    return Played(env=emulator.env, folder=tmp_path, theatre=theatre)
