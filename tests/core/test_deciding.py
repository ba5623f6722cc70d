"""What each command makes of what it reads: what it refuses, waits for, follows, stops, and what it says of that.

Every answer takes a tenth of a second here, so that the first decision falls at 0.1 s.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from itertools import groupby
from typing import Any

import pytest

from ci_deploy.core import actions as a
from ci_deploy.core import events as e
from ci_deploy.core.hold import tag
from ci_deploy.core.marker import Marker, write
from ci_deploy.core.model import (
    Alarm,
    Context,
    DeploymentStatus,
    Known,
    Outcome,
)
from ci_deploy.core.planning import Facts
from tests.support.playing import STEADY, Run, first, play, post_step, until
from tests.support.world import AT_ONCE, CANARY, Running, World, context, inputs

ON_FAILURE = frozenset({"DEPLOYMENT_FAILURE"})
SPLIT = {"2": 10.0}
REPAIR = (
    "`aws lambda update-alias --function-name checkout --name live --function-version 1 "
    "--routing-config AdditionalVersionWeights={}`"
)


@dataclass(kw_only=True)
class Account(World):
    """The small world with quiet alarms and the function's tags; `told`: how what is read differs from what is."""

    tags: dict[str, str] = field(default_factory=dict)
    tags_stick: bool = False  # a reading lags behind
    told: Callable[[Facts], Facts] = lambda facts: facts

    def facts(self, action: a.Gather) -> Facts:
        facts = super().facts(action)
        assert facts.latest is not None
        latest = replace(facts.latest, tags=dict(self.tags), arn="arn:fn:checkout:$LATEST")
        return self.told(replace(facts, latest=latest, alarms=Known((Alarm(name="errors", state="OK"),))))

    def perform(self, action: a.Action) -> a.Answer:
        if isinstance(action, a.Tag):
            if not self.tags_stick:
                self.tags = {} if action.value is None else {action.name: action.value}
            return None
        return super().perform(action)


def go(world: World, *, run: Context | None = None, signals: tuple[float, ...] = (), **given: str) -> Run:
    return play(world, inputs(**given), run=run, signals=signals, weather=STEADY)


def running(name: str = "d-OTHER", target: str = "7", **more: Any) -> Running:
    """Somebody's deployment that has begun when we come."""
    fields: dict[str, Any] = {"created": 0.0, "current": "1", "routing": CANARY}
    return Running(id=name, target=target, **fields | more)


def over(name: str, current: str, target: str, *, at: float = -900.0, good: bool = True, **more: Any) -> Running:
    """A deployment of the past."""
    made = Running(id=name, created=at, current=current, target=target, routing=AT_ONCE, ended=at + 5.0, **more)
    made.done, made.share = len(made.marks), 100.0
    made.status = DeploymentStatus.SUCCEEDED if good else DeploymentStatus.FAILED
    return made


def marked(run_id: int = 100, *, mark: str = "feedbeef", **more: Any) -> str:
    return write(Marker(id=mark, run_id=run_id, attempt=1, **{"key": "0" * 16, **more}))


def did(run: Run) -> str:
    """What was asked for, in order; the same several times in a row is told once."""
    return " ".join(name for name, _ in groupby(type(action).__name__ for _, action in run.actions))


def at(run: Run, kind: type[a.Action]) -> list[float]:
    return [round(when, 3) for when, _ in run.asked(kind)]


def end(run: Run) -> tuple[Outcome, str, str]:
    return run.result.outcome, run.result.reason, run.result.remedy


def findings(run: Run) -> list[tuple[str, str]]:
    """Of the plan that was shown last: code and text."""
    shown = run.said(e.Planned)[-1]
    assert isinstance(shown, e.Planned)
    return [(finding.code, finding.text) for finding in shown.plan.findings]


def waits(run: Run) -> list[str]:
    return [event.what for event in run.events if isinstance(event, e.Waiting)]


def begun(seconds: float = 5.0, **more: Any) -> Account:
    """Somebody's deployment from version 1 to 7 has run for some time."""
    world = Account(versions={"1": "old", "2": "new", "7": "seven"}, deployments=[running(**more)])
    world.advance(seconds)
    return world


# --- the deployment that is meant ---


@pytest.mark.parametrize("command", ["stop", "status"])
@pytest.mark.parametrize("named", ["d-NOSUCHONE", "d-ANOTHERS0"])
def test_a_deployment_that_is_named_and_is_not_there_is_never_replaced_by_one_that_runs(
    command: str, named: str
) -> None:
    world = begun()
    world.deployments.append(over("d-ANOTHERS0", "1", "2", function="other"))
    run = go(world, command=command, deployment_id=named, wait="true" if command == "status" else "")
    assert did(run) == "Gather"
    assert end(run) == (
        Outcome.REFUSED,
        f"Deployment {named} is not one of checkout:live in this group.",
        "`ci-deploy status` lists this group's deployments." if command == "stop" else "",
    )


def test_status_follows_what_has_not_started_only_when_it_is_known_whose_it_is() -> None:
    """A deployment has no target before it starts, and a group may hold several functions."""
    ours = go(begun(0.0), command="status", wait="true")
    theirs = go(begun(0.0, function="other"), command="status", wait="true")
    assert (did(ours), at(ours, a.Gather)) == ("Gather Look LookAlias", [0.0, 2.1])
    assert (ours.result.previous_version, end(ours)) == (
        "1",
        (Outcome.SUCCEEDED, "The alias serves version 7 at 100 %.", ""),
    )
    assert (did(theirs), end(theirs)) == ("Gather", (Outcome.REPORTED, "Nothing was written.", ""))
    assert len(theirs.said(e.StatusReported)) == 1


def test_whose_it_is_is_awaited_for_half_a_minute() -> None:
    """Where targets cannot be read at all, what runs is taken for ours."""
    world = begun()
    world.targets_readable = False
    run = go(world, command="status", wait="true")
    assert at(run, a.Gather) == [round(2.1 * n, 3) for n in range(16)]
    assert run.said(e.DeploymentStarted)


def test_status_does_not_wait_to_report_if_it_is_not_to_follow() -> None:
    assert at(go(begun(0.0), command="status"), a.Gather) == [0.0]


def test_stop_does_not_wait_for_the_start_of_a_deployment_that_is_named() -> None:
    """No traffic has moved then: what is served now is what was served before."""
    run = go(begun(0.0, name="d-NAMED0000"), command="stop", deployment_id="d-NAMED0000")
    assert at(run, a.Stop) == [0.1]
    assert end(run) == (
        Outcome.STOPPED,
        "As asked, deployment d-NAMED0000 was stopped. Rolled back by d-ROLLBACK1: the alias serves version 1 at "
        "100 %.",
        "",
    )
    assert (run.result.previous_version, run.result.live_version) == ("1", "1")


# --- finish ---


def killed(after: float, then: float = 0.0, *, world: Account | None = None, **given: str) -> Run:
    """The main step is killed, and the post step begins some seconds later."""
    world = world or Account()
    main = Run(world, first(inputs(**given), context()), weather=STEADY)
    until(world, main, after)
    world.advance(world.now + then)
    finishing = post_step(main, weather=STEADY, killed=True)
    assert finishing is not None
    return finishing


@pytest.mark.parametrize("policy", ["rollback", "stop", "leave"])
def test_the_post_step_tells_the_end_of_a_deployment_that_is_over(policy: str) -> None:
    good = killed(30.0, 600.0, on_cancel=policy)
    assert (did(good), end(good)) == (
        "Gather Look LookAlias",
        (
            Outcome.CANCELLED,
            "Cancelled, but deployment d-DEPLOY000 had succeeded: the alias serves version 2 at 100 %.",
            "Roll back with the command `rollback` if this version should not serve.",
        ),
    )
    bad = killed(30.0, 600.0, world=Account(alarm_at=60.0), on_cancel=policy)
    assert (did(bad), end(bad)) == (
        "Gather Look LookAlias",
        (
            Outcome.CANCELLED,
            "The job was cancelled and deployment d-DEPLOY000 ended. Rolled back by d-ROLLBACK1: the alias serves "
            "version 1 at 100 %.",
            "",
        ),
    )


# --- plan ---


@pytest.mark.parametrize(
    ("policy", "would"),
    [("wait", "wait for it"), ("fail", "refuse"), ("supersede", "stop it with rollback first")],
)
def test_plan_says_what_deploy_would_do_with_a_deployment_that_runs(policy: str, would: str) -> None:
    run = go(begun(), command="plan", on_conflict=policy)
    assert (did(run), end(run)) == ("Gather", (Outcome.PLANNED, "Nothing was written.", ""))
    assert findings(run) == [
        ("running", f"Deployment d-OTHER is running in the group: `deploy` would {would} (`on-conflict: {policy}`).")
    ]


def test_plan_of_what_is_served_already_says_so() -> None:
    run = go(Account(latest_sha="old"), command="plan")
    said = "Version 1, which the alias serves, has the same code and settings as `$LATEST`."
    assert (did(run), end(run), findings(run)) == ("Gather", (Outcome.PLANNED, said, ""), [])


def test_plan_refuses_what_deploy_would_refuse_and_finds_all_of_it() -> None:
    newer = over("d-NEWER", "1", "1", description=marked(200))
    run = go(Account(tags={tag("live"): "by bob - bad"}, deployments=[newer]), command="plan")
    found = [
        ("older-run", "A newer run (200, commit unknown) has deployed checkout:live by d-NEWER; this is run 100."),
        ("held", "Deployments of checkout:live are on hold: by bob - bad."),
    ]
    assert (did(run), findings(run)) == ("Gather", found)
    assert end(run) == (
        Outcome.REFUSED,
        " ".join(text for _, text in found),
        "Run the newest workflow run again, or give `force: true` if the older commit is really wanted. "
        "When the cause is mended, deploy with `release-hold: true`.",
    )


@pytest.mark.parametrize("command", ["deploy", "plan"])
def test_an_older_run_of_what_is_served_has_nothing_to_overwrite(command: str) -> None:
    newer = over("d-NEWER", "1", "1", description=marked(200))
    run = go(Account(latest_sha="old", deployments=[newer]), command=command)
    outcome = Outcome.UNCHANGED if command == "deploy" else Outcome.PLANNED
    said = "Version 1, which the alias serves, has the same code and settings as `$LATEST`."
    assert (did(run), end(run)) == ("Gather", (outcome, said, ""))


SPLIT_TEXT = (
    "Alias `live` is split (90 % on version 1, 10 % on version 2) and no deployment is running: an earlier one was "
    "stopped without rollback. CodeDeploy fails every deployment until the alias serves one version."
)


@pytest.mark.parametrize(
    ("repair", "outcome", "remedy"),
    [
        ("false", Outcome.REFUSED, f"{REPAIR}, or the input `repair: true`."),
        ("true", Outcome.PLANNED, "`deploy` would put all traffic on the first of them before (`repair: true`)."),
    ],
)
def test_plan_of_a_split_alias_is_refused_or_tells_of_the_repair(repair: str, outcome: Outcome, remedy: str) -> None:
    run = go(Account(alias_weights=SPLIT), command="plan", repair=repair)
    (shown,) = run.said(e.Planned)
    assert isinstance(shown, e.Planned)
    (finding,) = shown.plan.findings
    assert (finding.code, finding.text, finding.remedy) == ("alias-split", SPLIT_TEXT, remedy)
    assert (did(run), run.result.outcome) == ("Gather", outcome)


def test_plan_with_repair_still_refuses_what_the_repair_does_not_mend() -> None:
    run = go(Account(alias_weights=SPLIT), command="plan", repair="true", current_version="5")
    assert end(run) == (
        Outcome.REFUSED,
        "Alias `live` serves version 1, not 5 as `current-version` says.",
        "Leave `current-version` out to deploy over whatever is served, or find out who moved the alias.",
    )


# --- rollback, with nothing running ---

A, B, C = "d-AAAAAAAAA", "d-BBBBBBBBB", "d-CCCCCCCCC"


def back(world: World, **given: str) -> Run:
    return play(world, inputs(command="rollback", reason="bad", **given), weather=STEADY)


def served_three(*more: Running, alias_version: str = "3", **changes: Any) -> Account:
    """Version 1, then 2, then 3 were deployed; 9 exists and never was."""
    return Account(
        versions={"1": "one", "2": "two", "3": "three", "9": "nine"},
        alias_version=alias_version,
        deployments=[
            over(A, "1", "2", at=-900.0, description=marked(90)),
            over(B, "2", "3", at=-800.0, description=marked(91)),
            *more,
        ],
        **changes,
    )


NEVER = (
    Outcome.REFUSED,
    "Version 9 was never deployed to checkout:live by this group.",
    "Check the number; `force: true` deploys it all the same.",
)
NOT_OURS = (
    Outcome.REFUSED,
    "Deployment d-NOSUCHONE is not one of checkout:live in this group.",
    "`ci-deploy status` lists this group's deployments.",
)


@pytest.mark.parametrize(
    ("given", "said"), [({"to_version": "9"}, NEVER), ({"deployment_id": "d-NOSUCHONE"}, NOT_OURS)]
)
def test_a_rollback_that_leads_nowhere_stops_nothing_and_repairs_nothing(
    given: dict[str, str], said: tuple[Outcome, str, str]
) -> None:
    """Neither a deployment that runs, nor an alias that is split."""
    whole = back(served_three(), **given)
    during = back(begun(), **given)
    assert (did(whole), end(whole)) == (did(during), end(during)) == ("Gather", said)
    assert findings(whole) == findings(during) == [("no-way-back", said[1])]
    split = back(served_three(alias_weights=SPLIT), **given)
    text = SPLIT_TEXT.replace("version 1", "version 3")
    assert (did(split), split.result.reason) == ("Gather", f"{text} {said[1]}")


def test_without_an_alias_nothing_is_claimed_of_what_it_serves() -> None:
    run = back(served_three(told=lambda facts: replace(facts, alias=None)))
    assert (did(run), end(run)) == (
        "Gather",
        (
            Outcome.REFUSED,
            "Function `checkout` has no alias `live`.",
            "Create it on the version that serves now: `aws lambda create-alias --function-name checkout --name live "
            "--function-version VERSION`; or give `create-alias: true`, which creates it on the version that is "
            "deployed.",
        ),
    )
