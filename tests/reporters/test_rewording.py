"""What texts become for whoever reads them: on a terminal, inputs are flags."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from sinks import Screen
from storyteller import Release

from ci_deploy.core.reasons.preflight.deployment import AlarmMissing, HookName, RoleDiffers, RollbackOff
from ci_deploy.core.reasons.reason import Reason, remedy_of
from ci_deploy.core.result import Finding, Severity
from ci_deploy.core.story import events as e
from ci_deploy.reporters.log import LogReporter
from ci_deploy.reporters.rendering.disclosure import in_public
from ci_deploy.reporters.rewording import ForTerminal, as_flags, reworded
from tests.support.reasons import Said

ROLE = "arn:aws:iam::123456789012:role/deployer"


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("When it is mended, deploy with `hold: release`.", "When it is mended, deploy with `--hold release`."),
        ("Re-run with `apply: true`.", "Re-run with `--apply`."),
        ("Set `deployment-config: canary 10% 5m`.", "Set `--deployment-config canary 10% 5m`."),
        ("Check `application` and `deployment-group`.", "Check `--application` and `--deployment-group`."),
        ("Set `code`, or `version`.", "Set `--code`, or `--version`."),
        ("the input `alarms`", "the input `--alarms`"),
        ("`on-cancel` is a policy", "`--on-cancel` is a policy"),
        # Names of the user's own, commands, and what is no input.
        ("Function `code` does not exist.", "Function `code` does not exist."),
        ("Alias `live` serves it.", "Alias `live` serves it."),
        ("Run `setup` or `rollback`.", "Run `setup` or `rollback`."),
        ("`id-token: write` in the job", "`id-token: write` in the job"),
        ("`my-function` has no alias", "`my-function` has no alias"),
    ],
)
def test_inputs_are_flags_and_everything_else_stays(text: str, shown: str) -> None:
    assert as_flags(text) == shown


def test_a_terminal_is_told_of_flags_and_its_own_inputs_are_shown_as_given() -> None:
    screen = Screen()
    reporter = ForTerminal(LogReporter(screen))
    release = Release(inputs={"deployment-config": "canary 10% 5m"})
    for event in release.events:
        reporter.report(event)
    reporter.report(
        e.Noticed(at=1.0, finding=_finding("Application `shop` does not exist.", "Set `application: checkout`."))
    )
    assert "Set `--application checkout`." in screen.text
    assert "deployment-config  canary 10% 5m" in screen.text


def _finding(text: str, remedy: str) -> Finding:
    return Finding(severity=Severity.REFUSAL, reason=Said(code="x", said=text, advice=remedy))


@pytest.mark.parametrize(
    ("reason", "change", "text", "remedy"),
    [
        (
            AlarmMissing(alarm="errors", given=True),
            as_flags,
            "Alarm `errors` of the input `--alarms` does not exist, so it cannot stop a bad deployment.",
            "Create it, or take it off the input `--alarms`.",
        ),
        (HookName(hook="smoke", role=ROLE), in_public, None, None),
        (RoleDiffers(live="1", old=ROLE, new=f"{ROLE}2"), in_public, None, None),
    ],
)
def test_a_reason_is_reworded_in_its_words_whatever_its_facts_are(
    reason: Reason, change: Callable[[str], str], text: str | None, remedy: str | None
) -> None:
    made = reworded(Finding(severity=Severity.REFUSAL, reason=reason), change)
    assert made.code == reason.code
    assert made.text == (change(reason.text) if text is None else text)
    assert made.remedy == (change(reason.remedy) if remedy is None else remedy)
    assert "123456789012" not in made.text + made.remedy


def test_a_reason_that_nothing_changes_in_stays_what_it_is() -> None:
    finding = Finding(severity=Severity.NOTE, reason=RollbackOff())
    assert reworded(finding, in_public) is finding


def test_the_remedy_that_comes_first_still_does_in_other_words() -> None:
    pressing = Said(code="urgent", said="The alias is split.", advice="Set `version: 7`.", urgent=True)
    reasons = (Said(code="calm", said="It failed.", advice="Set `alarms: off`."), pressing)
    assert remedy_of(reasons) == "Set `version: 7`. Set `alarms: off`."
    assert remedy_of(reworded(reasons, as_flags)) == "Set `--version 7`. Set `--alarms off`."
