"""The post step where the state that the main step left says little: nothing is stopped, and nothing is made up."""

from __future__ import annotations

import pytest

from tests.support.account import Account

from .conftest import Theatre

LINEAR = {"deployment-config": "CodeDeployDefault.LambdaLinear10PercentEvery1Minute"}


@pytest.mark.parametrize(
    ("state", "reason"),
    [
        ({"finished": "true"}, "The main step had finished: nothing is left to do."),
        ({}, "No deployment had been begun: nothing is left to do."),
        ({"deployment-x": "{}"}, "No deployment had been begun: nothing is left to do."),
    ],
)
def test_without_anything_to_do_it_asks_nobody(
    theatre: Theatre, account: Account, state: dict[str, str], reason: str
) -> None:
    post = theatre.run(command="finish", state=state).check(0, outcome="reported", reason=reason)
    assert "✓ NOTHING WAS LEFT TO DO" in post.log()
    assert "could not be read" not in post.log() + post.summary
    assert account.operations() == []


@pytest.mark.parametrize("text", ["", "{", "[]", "null"])
def test_a_state_that_cannot_be_read_is_not_taken_for_none(theatre: Theatre, account: Account, text: str) -> None:
    post = theatre.run(command="finish", state={"deployment-0": text}).check(3, outcome="refused")
    assert post.outputs["reason"] == "What the main step left of 1 of 1 functions cannot be read."
    assert (
        "→ See what their aliases serve, and whether their deployments still run: the command `status`." in post.log()
    )
    assert "Nothing was deployed" not in post.log() + post.summary
    assert account.operations() == []


def test_what_can_be_read_is_finished_all_the_same(theatre: Theatre, account: Account) -> None:
    theatre.history()
    main = theatre.run(LINEAR, killed_at=100, run=(101, 1))
    assert main.killed
    post = theatre.run(LINEAR, command="finish", state={**main.state, "deployment-1": "{"})
    post.check(130, outcome="cancelled", rollback="succeeded", live_version="2")
    assert "What the main step left of 1 of 2 functions cannot be read." in post.log()


def test_in_another_account_it_does_not_say_that_nothing_was_deployed(theatre: Theatre, account: Account) -> None:
    main = theatre.run(LINEAR, killed_at=100)
    given = {**LINEAR, "account-id": "999999999999"}
    post = theatre.run(given, command="finish", state=main.state).check(3, outcome="refused")
    assert "Nothing was deployed" not in post.log() + post.summary
    assert "These credentials are of account 123456789012" in post.outputs["reason"]
