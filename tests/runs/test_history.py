"""The first deployment that many tests begin after: brought back, it is the one that was made."""

from __future__ import annotations

import dataclasses
from pathlib import Path

from codedeploy_emulator import Emulator
from tests.support.account import Account
from tests.support.holding import state_of

from .conftest import Past, Theatre


def _begun(theatre: Theatre, folder: Path, past: Past) -> Theatre:
    theatre.emulator.reset()
    theatre.emulator.switches(hooks="succeed")
    folder.mkdir()
    return dataclasses.replace(theatre, folder=folder, past=past, count=0)


def test_a_history_that_is_brought_back_is_the_one_that_was_made(
    theatre: Theatre, account: Account, tmp_path: Path
) -> None:
    past = Past(found=theatre.past.found)
    first = _begun(theatre, tmp_path / "first", past)
    first.history()
    assert past.left and (tmp_path / "first" / "step-1").exists(), "it was made"
    made, deployed = state_of(first.emulator), account.deployments()
    second = _begun(theatre, tmp_path / "second", past)
    second.history()
    assert not list((tmp_path / "second").iterdir()), "it was brought back"
    brought = state_of(second.emulator)
    assert [part for part in made if brought[part] != made[part]] == []
    assert (second.count, account.deployments()) == (first.count, deployed)
    # And what comes next is what would have come.
    done = second.run().check(0, outcome="succeeded", live_version="3")
    assert account.deployments() == [done.outputs["deployment-id"], *deployed]


def test_after_anything_unusual_it_is_made_anew(theatre: Theatre, emulator: Emulator, tmp_path: Path) -> None:
    theatre.history()
    for number, change in enumerate(
        (
            lambda: emulator.switches(function_info="always"),
            lambda: emulator.advance(1),
            lambda: emulator.scripts(checkout="succeed"),
            lambda: emulator.traffic(),
            lambda: emulator.stacks([{"name": "shop"}]),
            lambda: Account(emulator).code("# other"),
        )
    ):
        again = _begun(theatre, tmp_path / str(number), theatre.past)
        change()
        again.history()
        assert (again.folder / "step-1").exists()
