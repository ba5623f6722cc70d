"""The emulator conforms; and a claim that is wrong is found to be."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

import pytest

from codedeploy_emulator import Emulator
from tests.conformance.__main__ import CLAIMS, main
from tests.conformance.account import HOOK, Account
from tests.conformance.claims import Claim, Like
from tests.support.at_hand import at_hand

BY_NAME = {claim.name: claim for claim in CLAIMS}


@pytest.fixture(scope="module")
def emulator() -> Iterator[Emulator]:
    with Emulator(speed=0) as emulator:
        yield emulator


def _account(emulator: Emulator) -> Account:
    credentials = {"aws_access_key_id": "testing", "aws_secret_access_key": "testing"}
    with at_hand(emulator):
        return Account(emulator.url, "us-east-1", emulator.advance, credentials)


@pytest.fixture(scope="module")
def account(emulator: Emulator) -> Account:
    # That code runs, two other hooks show.
    emulator.scripts({f"{HOOK}-both": "succeed"})
    return _account(emulator)


@pytest.mark.parametrize("claim", CLAIMS, ids=lambda claim: claim.name)
def test_the_emulator_conforms(emulator: Emulator, account: Account, claim: Claim) -> None:
    with at_hand(emulator):
        seen = claim.observe(account)
    assert claim.holds(seen), f"{claim.says}: {seen!r}, accepted {claim.accepts!r}"


def test_each_claim_is_told_apart_and_has_a_source() -> None:
    assert max(Counter(claim.name for claim in CLAIMS).values()) == 1
    for claim in CLAIMS:
        assert claim.accepts
        assert "recorded" in claim.source or "documented" in claim.source or not claim.confirmed, claim.name


# Claim -> the switch that makes the emulator do otherwise; those of one row do not touch each other's claims.
OTHERWISE: tuple[dict[str, tuple[str, object]], ...] = (
    {
        "weight": ("weight_scale", "percent"),
        "undeclared-hooks": ("undeclared_hooks", "Skipped"),
        "conflict": ("conflict_message", "older"),
        "alarm-message": ("alarm_active_message", "{alarms} rang"),
        "failed-hook-message": ("hook_failure_message", "{function} failed"),
        "rollback-messages": ("rollback_message", "progress"),
        "rollback-runs-no-hook": ("rollback_runs_hooks", True),
    },
    {
        "lifecycle-events": ("lifecycle_events", "all"),
        "alarm-rolled-back": ("rollback_without_history", "none"),
    },
)


@pytest.mark.parametrize("otherwise", OTHERWISE, ids=["words", "deeds"])
def test_an_account_that_does_otherwise_is_found_out(
    emulator: Emulator, otherwise: dict[str, tuple[str, object]]
) -> None:
    """Otherwise the suite would pass whatever it looks at."""
    emulator.reset()
    emulator.switches(dict(otherwise.values()))
    # Their code ran above.
    emulator.scripts({f"{HOOK}-good": {"outcome": "succeed", "log": ["EVENT {}"]}, f"{HOOK}-bad": "fail"})
    account = _account(emulator)
    with at_hand(emulator):
        assert [name for name in otherwise if holds(BY_NAME[name], account)] == []


def holds(claim: Claim, account: Account) -> bool:
    try:
        return claim.holds(claim.observe(account))
    except (AssertionError, KeyError) as error:
        assert "nothing came" in str(error) or isinstance(error, KeyError)
        return False


@pytest.mark.parametrize(
    ("accepted", "seen", "holds"),
    [
        (("a",), "a", True),
        (("a",), "b", False),
        (("a", "b"), "b", True),
        ((Like("^a+$"),), "aaa", True),
        ((Like("^a+$"),), "ab", False),
        ((Like("a"),), None, False),
        (((),), (), True),
        ((1,), "1", False),
    ],
)
def test_an_answer_conforms_when_it_is_one_of_those_accepted(
    accepted: tuple[object, ...], seen: object, holds: bool
) -> None:
    claim = Claim(name="n", says="s", source="recorded", observe=lambda account: seen, accepts=accepted)
    assert claim.holds(seen) is holds
    assert claim.confirmed is (len(accepted) == 1)


def test_a_run_leaves_nothing_and_cleans_up_after_one_that_was_killed(
    emulator: Emulator, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    emulator.reset()
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "testing")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "testing")
    monkeypatch.setenv("AWS_REGION", "us-east-1")
    account = _account(emulator)
    account.served("left")
    assert main([emulator.url, "--speed", "1000", "--only", "publish-no-op", "policy", "list-latest"]) == 0
    said = capsys.readouterr().out
    assert "left by an earlier run" in said and "3 of 3 claims hold" in said
    assert account.clean() == []
    assert main([emulator.url, "--clean"]) == 0


def test_a_claim_that_does_not_hold_is_said_with_what_was_seen(
    emulator: Emulator, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    emulator.reset()
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "testing")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "testing")
    emulator.faults(service="lambda", operation="UpdateAlias", fault="access-denied")
    assert main([emulator.url, "--speed", "1000", "--only", "update-no-alias", "list-states"]) == 1
    said = capsys.readouterr().out
    assert "✗ update-no-alias" in said and "AccessDenied" not in said.split("accepted:")[1]
    assert "✓ list-states" in said and "1 of 2 claims hold" in said
