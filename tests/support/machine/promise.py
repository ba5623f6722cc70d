"""The promise of design.md, section 1, as assertions on a run that has been played.

A green `deploy` or `rollback` means that the alias serves the target at 100 %; `deployed` is true in that case alone.
A red one says what the alias serves now. Nothing leaves traffic split without saying so. One deployment at most.
"""

from __future__ import annotations

import re

from ci_deploy.core.aws import shares_text
from ci_deploy.core.machine import actions as a
from ci_deploy.core.reasons.ending.verdict import RollbackRunning
from ci_deploy.core.result import Fate, Result
from ci_deploy.core.run import Command, Outcome, Rollback, exit_code
from ci_deploy.core.story import events as e
from ci_deploy.reporters.rendering import ends

from .playing import Run
from .world import World

GREEN = (Outcome.SUCCEEDED, Outcome.UNCHANGED, Outcome.PLANNED, Outcome.REPORTED, Outcome.DETACHED)
WRITES = (a.Publish, a.Upload, a.Create, a.Stop, a.RepairAlias, a.Tag)
A_MOMENT = 8.0
LATELY = 66.0  # seconds before the end: a reading is given for a minute, and takes a moment


def promise(run: Run, *, alone: bool) -> None:
    """What must hold of every run that ended; `alone`: nobody else deploys, so that time plays no part."""
    result, world, command = run.result, run.world, run.release.command
    mine = world.with_marker(run.rollout.marker_id)
    assert sum(isinstance(event, e.Concluded) for event in run.events) == 1
    assert exit_code(command, result.outcome) == run.concluded.exit_code
    assert (run.concluded.exit_code == 0) == (
        result.outcome in GREEN or (command is Command.STOP and result.outcome is Outcome.STOPPED)
    )
    assert result.reason, "a verdict without a reason"
    assert len(mine) <= 1, "created more than one deployment"
    if command is Command.FINISH:
        assert not run.count(a.Create) and not run.count(a.Publish), "the post step created something"
    if command in (Command.STATUS, Command.PLAN):
        assert not [action for _, action in run.actions if isinstance(action, WRITES)], f"{command} has written"
    _green(run)
    _alias_as_said(run)
    _split_said(run)
    if result.outcome is Outcome.ROLLED_BACK:
        assert result.live_version == result.previous_version and not result.live_weights
        assert result.rollback is Rollback.SUCCEEDED
    if result.outcome in (Outcome.REFUSED, Outcome.ERROR, Outcome.UNCHANGED) and command is Command.DEPLOY:
        assert not mine, f"{result.outcome}, and yet a deployment was created"
    if result.outcome is Outcome.CANCELLED and mine and not mine[0].status.terminal:
        left = run.rollout.inputs.on_cancel == "leave"
        assert left or not result.settled or result.deployment_id, "cancelled, still running, and nobody will know"
    words_agree(command, result)
    _cancel_is_prompt(run)


# What a sentence says, and what the reason below it must not say then; `OWN` is the run's own deployment.
CONTRADICTIONS = (
    (r"before a deployment was created|Nothing was (deployed|stopped|rolled back)\.", r"OWN (goes on|is|was|may)\b"),
    (r"before a deployment was created|Nothing was (deployed|stopped|rolled back)\.", r"not known|not be found out"),
    (
        r"OWN (goes on|is still running)|was left alone",
        r"stopped deployment OWN|OWN (was told to stop|ended)|had succeeded|is (Stopped|Failed|Succeeded)",
    ),
    (r"It is unknown what \S+ serves", r"[Tt]he alias serves version"),
    (r"SPLIT|\bserves version \d", r"serves (was not read|could not be read)"),
    (r"not rolled back|rollback (from .*)?FAILED", r"Rolled back by|was set back|Nothing had to be rolled back"),
    (r"The deployment was rolled back|serves version \d+ again", r"No rollback|did not bring|still running"),
    (r"(?<!Nothing )was stopped", r"had succeeded|left deployment OWN running"),
    (r"has ended", r"goes on|still running"),
)


def words_agree(command: Command, result: Result) -> None:
    """The sentence above the reason, the reason and what to do about it do not contradict each other."""
    said, reason = ends.sentence(command, result), result.reason
    own = re.escape(result.deployment_id) if result.deployment_id else "d-none"
    for above, below in CONTRADICTIONS:
        claims = re.search(above.replace("OWN", own), said)
        denied = re.search(below.replace("OWN", own), reason)
        assert not (claims and denied), f"{said!r} above {reason!r}"
    if result.fate in (Fate.RUNNING, Fate.IN_DOUBT):
        # Of a rollback that runs it says what to do once that has failed: no advice for now.
        later = any(isinstance(each, RollbackRunning) for each in result.reasons)
        assert later or "update-alias" not in result.remedy, f"{said!r}, and yet {result.remedy!r}"
    if result.fate is Fate.NEVER_CREATED:
        assert not re.search(r"\b(follow|status) .*--deployment-id " + own, result.remedy), result.remedy


def _green(run: Run) -> None:
    result, command = run.result, run.release.command
    writes = command in (Command.DEPLOY, Command.ROLLBACK)
    if command is not Command.STATUS:
        assert result.deployed == (result.outcome is Outcome.SUCCEEDED)
    if result.deployed:
        assert result.live_version == result.target_version and not result.live_weights
    if writes and run.concluded.exit_code == 0 and result.outcome is not Outcome.DETACHED:
        assert result.live_version and not result.live_weights, "green, and the alias is split or was not read"


def _alias_as_said(run: Run) -> None:
    """What is said of the alias was so a moment ago."""
    result, world = run.result, run.world
    if not result.live_version:
        return
    said = (result.live_version, result.live_weights)
    assert said in lately(world, run.ended - LATELY - _reading_takes(run)), f"{said} was not served at the end"


def _reading_takes(run: Run) -> float:
    """Seconds that an answer about the alias is late by, in this run's weather."""
    return max(run.weather.slow.get(name, 0.0) for name in ("Gather", "LookAlias"))


def lately(world: World, since: float) -> set[tuple[str, str]]:
    """All that the alias has served since a moment."""
    states = [(world.alias_version, world.alias_weights)]
    states += [(version, weights) for at, version, weights in world.served if at >= since]
    found = set()
    for version, weights in states:
        shares = {version: round(100.0 - sum(weights.values()), 6)} | weights
        found.add((version, shares_text(shares) if weights else ""))
    return found


def _split_said(run: Run) -> None:
    """A split alias is said, or the one that splits it is named as running, or the post step has yet to finish."""
    result, world = run.result, run.world
    if not world.alias_weights or result.live_weights or not result.settled or result.outcome is Outcome.DETACHED:
        return
    if run.release.command is Command.DEPLOY and not run.concluded.exit_code:
        # Somebody else may have begun while the reading was on its way.
        since = run.ended - A_MOMENT - _reading_takes(run)
        assert (result.live_version, "") in lately(world, since), "green, and the alias is split"
    if result.deployment_id:
        running = [one for one in world.active if one.id in result.reason]
        unread = not result.live_version and result.rollback is Rollback.UNKNOWN
        whole = (result.live_version, "") in lately(world, run.ended - LATELY - _reading_takes(run))
        assert running or unread or whole, "a split alias was left unsaid"


def _cancel_is_prompt(run: Run) -> None:
    """With a deployment that is known and followed, the stop goes out in the very step that the signal is seen."""
    cancels = [event for event in run.events if isinstance(event, e.CancelReceived)]
    stops = [(at, action) for at, action in run.asked(a.Stop) if isinstance(action, a.Stop)]
    if not cancels:
        return
    at = cancels[0].at
    creations = [asked for asked, action in run.actions if isinstance(action, a.Create) and asked > at]
    baked = any(isinstance(event, e.TakingBack) and event.at == at for event in run.events)
    assert len(creations) <= baked, "created after the signal"
    assert all(asked < at + 2.0 for asked in creations), "a bake that is cancelled is reversed at once"
    if baked:
        return
    if not run.rollout.context.actions:
        return
    own = [(asked, stop) for asked, stop in stops if stop.deployment_id == run.result.deployment_id and asked > at]
    assert len(own) <= 1, "the stop after a signal is asked for once"


def settled_truth(run: Run, finishing: Run | None, *, alone: bool) -> None:
    """After main and post step, with nobody else about and nothing forbidden, no traffic is left split in silence."""
    world = run.world
    last = finishing or run
    if not last.over or not alone or not world.alias_weights:
        return
    result = last.result
    policies = run.rollout.inputs
    if finishing is not None and policies.on_cancel == "rollback" and result.settled and world.may_update_alias:
        gone = policies.repair_alias == "never"
        assert gone or result.live_weights or world.active, "the post step left the alias split"
