"""What a command makes of the facts: the one place where the commands differ.

Every run gathers facts first; here it becomes a plan, a refusal, a waiting, a deployment to follow or to stop. After
every wait the facts are gathered and decided anew.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace

from ... import hold as holds
from ... import marker as markers
from ... import trace as traces
from ...aws import Deployment, DeploymentStatus, Known
from ...given.files.appspec import AppSpec
from ...plan import history as histories
from ...plan.history import HistoryEntry
from ...plan.planning import Facts, Plan, existing, marker_key, plan, reverse, with_smoke
from ...plan.preflight.checking import note, refusal, warning
from ...plan.preflight.checks import preflight
from ...plan.proof import with_proof
from ...plan.whose import Others, Ours, Owner, Unknown, whose
from ...reasons.ending import watching
from ...reasons.ending.stopping import MainStepEnded, StopAsked
from ...reasons.preflight import deciding as why
from ...reasons.preflight.deployment import AliasSplit
from ...result import Finding, Severity
from ...run import Command, Outcome
from ...story import events as e
from ..rollout import Rollout, Turn
from ..state.attempt.ending import Cause
from ..state.place import Stage
from . import baking
from .confirming import may_write, must_ask
from .preparing import attach, give_way, is_rollback, know
from .publishing import begin, bound
from .stopping import request_stop

ROLLBACK_APPEARS_WITHIN = 60.0  # facts.md A7 [U]
TARGET_APPEARS_WITHIN = 30.0  # of a deployment that was created a moment ago
SEARCH_FOR = 60.0  # the post step's search for a deployment that was being created when the main step ended

# The plan's refusals that a running deployment explains, or will have changed by its end.
_PASSING = ("alias-split", "current-version", "alarm-ringing")
# What a rollback must not be kept from by: it leaves what these find fault with.
_NO_MATTER_FOR_A_ROLLBACK = ("alarm-ringing", "function-busy", "code-sha256")


def gathered(turn: Turn, facts: Facts) -> None:
    """Everything is known that can be: decide."""
    if turn.r.stage is not Stage.GATHERING:
        return
    if turn.r.facts is None:
        turn.say(e.Identified(at=turn.now, key=turn.r.key, identity=facts.identity))
    if facts.history_cut and turn.r.facts is None:
        turn.warn(why.HistoryCut(of=turn.r.key, count=len(facts.history)))
    turn.put(turn.r.decision.gathered(facts))
    turn.put(turn.r.reading.read(facts.alias, turn.now))
    if isinstance(facts.calls, Known):
        turn.put(turn.r.measures.read(facts.calls.value.at - turn.now))
    _COMMANDS[turn.r.command](turn, facts)


# --- deploy, plan ------------------------------------------------------------------------------------------------


def _deploy(turn: Turn, facts: Facts) -> None:
    r = turn.r
    made = _checked(turn, facts, plan(r.inputs, facts))
    lasting = tuple(finding for finding in made.refusals if finding.code not in _PASSING)
    mine = _own_running(r, facts, made)
    other = next(iter(facts.active), None)
    if lasting:
        _refuse(turn, facts, made, lasting)
    elif not r.part.cleared and (
        mine is not None
        or (other is not None and r.inputs.on_conflict != "fail")
        # Nothing is written for one function of a release while another may still be refused.
        or (len(r.part.siblings) > 1 and (_repair_wanted(r, made) or _release_wanted(r, facts)))
    ):
        turn.put(turn.r.part.postpone())
        turn.to(Stage.READY)
    elif mine is not None:
        # What it does is what its target says: by now the alias may serve what it has brought.
        made = replace(existing(r.inputs, facts, mine, previous=made.current_version), findings=made.findings)
        made = with_proof(r.inputs, made, r.job.proof)
        turn.put(turn.r.decision.decide(made))
        _show(turn, facts, made)
        attach(turn, mine)
    elif other is not None:
        if not (_may_be_our_concern(r, other) and _too_early(turn, whose(other, r.function, r.inputs.alias))):
            give_way(turn, made, other, r.inputs.on_conflict)
    elif _settling(turn, facts) or _repairs(turn, made) or _releases(turn, facts):
        return
    elif made.refusals:
        _refuse(turn, facts, made, made.refusals)
    elif made.unchanged and (baked := _own_baking(r, facts, made)):
        _resume_bake(turn, facts, made, baked)
    elif made.unchanged:
        _show(turn, facts, made)
        turn.end(Outcome.UNCHANGED, made.unchanged)
    elif older := _newer_run(r, facts):
        _refuse(turn, facts, made, (older,))
    else:
        _show(turn, facts, made)
        if r.part.cleared:
            begin(turn, made)
        else:
            turn.to(Stage.READY)


def _plan(turn: Turn, facts: Facts) -> None:
    r = turn.r
    made = _checked(turn, facts, plan(r.inputs, facts))
    if facts.active:
        made = replace(made, findings=(*made.findings, _running(facts.active[0], r.inputs.on_conflict)))
    if not made.unchanged and (older := _newer_run(r, facts)):
        made = replace(made, findings=(older, *made.findings))
    if r.inputs.repair_alias == "always":
        made = replace(made, findings=tuple(_repaired_first(finding) for finding in made.findings))
    if made.refusals:
        _refuse(turn, facts, made, made.refusals)
        return
    _show(turn, facts, made)
    turn.end(Outcome.PLANNED, made.unchanged or why.NothingWritten())


def _running(deployment: Deployment, policy: str) -> Finding:
    return warning(why.DeploymentRunning(deployment=deployment.id, policy=policy))


def _repaired_first(finding: Finding) -> Finding:
    if not isinstance(finding.reason, AliasSplit):
        return finding
    return warning(replace(finding.reason, repaired=True))


def _checked(turn: Turn, facts: Facts, made: Plan) -> Plan:
    r = turn.r
    made = with_smoke(r.inputs, replace(made, appspec_logical_name=r.job.logical_name), r.job.smoke)
    made = with_proof(r.inputs, made, r.job.proof)
    made = preflight(r.inputs, facts, made)
    turn.put(turn.r.decision.decide(made))
    return made


def _show(turn: Turn, facts: Facts, made: Plan, *, stops: str = "") -> None:
    turn.say(e.Planned(at=turn.now, key=turn.r.key, plan=made, alias=facts.alias, stops=stops))


def _refuse(turn: Turn, facts: Facts, made: Plan, findings: tuple[Finding, ...]) -> None:
    """Exit 3 with every refusal; the first leads."""
    extra = tuple(finding for finding in findings if finding not in made.findings)
    _show(turn, facts, replace(made, findings=(*extra, *made.findings)))
    turn.end(Outcome.REFUSED, *(finding.reason for finding in findings))


def _own_running(r: Rollout, facts: Facts, made: Plan) -> Deployment | None:
    """The running deployment that this run, or an earlier attempt of it, created for the same work.

    Anybody may write a marker into a description, so it counts only where the target does not say something else.
    """
    key = marker_key(r.inputs.command, made)
    for deployment in facts.active:
        owner = whose(deployment, r.function, r.inputs.alias)
        marker = markers.parse(deployment.description)
        if marker is None or isinstance(owner, Others) or (isinstance(owner, Unknown) and owner.starting):
            continue
        # Once all traffic has moved there is nothing new to deploy, and the key is that of the version itself.
        moved = isinstance(owner, Ours) and owner.target.target_version == made.target_version
        same_work = marker.key == key or moved
        if marker.id == r.marker_id or (r.context.run_id and marker.run_id == r.context.run_id and same_work):
            return deployment
    return None


def _own_baking(r: Rollout, facts: Facts, made: Plan) -> Deployment | None:
    """The deployment by which an earlier attempt of this run brought what is served, where that was to bake."""
    if not (made.bake and r.context.run_id and r.inputs.wait):
        return None
    for deployment in facts.recent:
        owner = whose(deployment, r.function, r.inputs.alias)
        marker = markers.parse(deployment.description)
        if isinstance(owner, Ours) and deployment.status is DeploymentStatus.SUCCEEDED:
            own = marker is not None and marker.run_id == r.context.run_id and marker.kind != "rollback"
            return deployment if own and owner.target.target_version == made.target_version else None
    return None


def _resume_bake(turn: Turn, facts: Facts, made: Plan, baked: Deployment) -> None:
    """Watch on until the bake's end by AWS's time; all minutes since its first shift are judged first."""
    r = turn.r
    before = replace(existing(r.inputs, facts, baked), findings=made.findings, new=facts.current, current=None)
    before = with_proof(r.inputs, before, r.job.proof)
    turn.put(turn.r.decision.decide(before))
    _show(turn, facts, before)
    know(turn, baked.id, attached=True)
    turn.put(turn.r.seen.saw(baked))
    turn.put(turn.r.watch.shifted(100.0))
    baking.begin(turn, resumed=True)


def _may_be_our_concern(r: Rollout, other: Deployment) -> bool:
    """Whether it matters whose a conflicting deployment is: where it may be this run's own, or would be stopped."""
    marker = markers.parse(other.description)
    own = marker is not None and bool(r.context.run_id) and marker.run_id == r.context.run_id
    return own or r.inputs.on_conflict == "supersede"


def _newer_run(r: Rollout, facts: Facts) -> Finding | None:
    """An older run never overwrites a newer one that is served or under way, rollbacks included."""
    if r.inputs.force or not r.context.run_id:
        return None
    rolled_back_by = traces.read(facts.alias.description) if facts.alias else 0
    if rolled_back_by > r.context.run_id:
        return refusal(why.OlderRun(of=r.key, run=r.context.run_id, newer=rolled_back_by, back=True))
    for deployment in facts.recent:
        if isinstance(whose(deployment, r.function, r.inputs.alias), Others):
            continue
        marker = markers.parse(deployment.description)
        if marker is None or marker.run_id <= r.context.run_id:
            continue
        if deployment.status in (DeploymentStatus.FAILED, DeploymentStatus.STOPPED):
            continue
        return refusal(
            why.OlderRun(
                of=r.key,
                run=r.context.run_id,
                newer=marker.run_id,
                commit=marker.sha[:7],
                deployment=deployment.id,
                back=marker.kind == "rollback",
            )
        )
    return None


def _settling(turn: Turn, facts: Facts) -> bool:
    """After somebody's failed deployment the alias is split until its rollback appears: give that a minute."""
    r = turn.r
    split = facts.alias is not None and facts.alias.split
    if not (r.wait.waited and split and r.wait.split < ROLLBACK_APPEARS_WITHIN / 5.0):
        return False
    turn.put(turn.r.wait.found_split())
    turn.to(Stage.GATHERING, after=5.0)
    return True


def _releases(turn: Turn, facts: Facts) -> bool:
    """`hold: release` takes the hold off first, where there is one."""
    if not _release_wanted(turn.r, facts):
        return False
    turn.to(Stage.HOLDING)
    return True


def _release_wanted(r: Rollout, facts: Facts) -> bool:
    held = facts.latest is not None and holds.held(facts.latest.tags, r.inputs.alias) is not None
    return r.inputs.hold == "release" and held and not r.decision.held


def _repairs(turn: Turn, made: Plan) -> bool:
    """If that is wanted, a split alias that nothing explains is first put on its primary version."""
    if not _repair_wanted(turn.r, made):
        return False
    turn.put(turn.r.repair.begin())
    turn.to(Stage.RESTORING)
    return True


def _repair_wanted(r: Rollout, made: Plan) -> bool:
    wanted = r.inputs.repair_alias == "always" or (r.command is Command.ROLLBACK and r.inputs.repair_alias == "auto")
    return wanted and not r.repair.begun and {finding.code for finding in made.refusals} == {"alias-split"}


# --- rollback ----------------------------------------------------------------------------------------------------


def _rollback(turn: Turn, facts: Facts) -> None:
    """A deployment is running: stop it with rollback. None is: deploy what was served before."""
    r = turn.r
    if r.inputs.hold == "set" and not r.decision.held and facts.latest is not None and may_write(r):
        turn.to(Stage.HOLDING)  # before anything else: the next merge may deploy while this runs
        return
    if may_write(r) and _releases(turn, facts):
        return
    if facts.active:
        _roll_back_running(turn, facts)
        return
    if _settling(turn, facts):
        return
    entries = histories.entries(facts.history, r.function, r.inputs.alias)
    if own := _own_rollback(r, facts, entries):
        turn.put(turn.r.decision.decide(existing(r.inputs, facts, own)))
        turn.end(Outcome.UNCHANGED, why.RolledBackAlready(deployment=own.id))
        return
    way = _way(r, facts, entries)
    made = _checked(turn, facts, reverse(r.inputs, facts, way.version))
    matters = tuple(finding for finding in made.refusals if finding.code not in _NO_MATTER_FOR_A_ROLLBACK)
    made = replace(made, findings=tuple(f for f in made.findings if f in matters or f.severity is not Severity.REFUSAL))
    if not way.version and facts.alias is not None:
        matters = (*matters, refusal(way.reason))
    elif made.unchanged:
        matters = (*matters, refusal(why.ServedAlready(version=way.version, where=r.where)))
    elif _repair_wanted(r, made):
        if may_write(r) or not _propose(turn, facts, made, way.version):
            _repairs(turn, made)
        return
    if matters:
        _refuse(turn, facts, made, matters)
        return
    made = replace(made, findings=(note(way.reason), *made.findings))
    if not _propose(turn, facts, made, way.version):
        bound(turn, made)


def _propose(turn: Turn, facts: Facts, made: Plan, goal: str, *, stops: str = "") -> bool:
    """Show the plan, once. Whether it then waits for the person's word."""
    turn.put(turn.r.decision.decide(made))
    if turn.r.decision.shown != made:
        _show(turn, facts, made, stops=stops)
    return must_ask(turn, goal)


def _own_rollback(r: Rollout, facts: Facts, entries: tuple[HistoryEntry, ...]) -> Deployment | None:
    """The rollback that an earlier attempt of this run made, if it is still served: a re-run goes no further back."""
    newest = next((entry for entry in entries if entry.status is DeploymentStatus.SUCCEEDED), None)
    if newest is None or newest.kind != "rollback" or not r.context.run_id or newest.run_id != r.context.run_id:
        return None
    if facts.alias is None or not facts.alias.serves_only(newest.target_version):
        return None
    return next(deployment for deployment in facts.history if deployment.id == newest.deployment_id)


def _way(r: Rollout, facts: Facts, entries: tuple[HistoryEntry, ...]) -> histories.Way:
    asked, live = r.inputs.version, facts.alias.version if facts.alias else ""
    if r.inputs.deployment_id:
        named = whose(facts.subject, r.function, r.inputs.alias) if facts.subject else None
        if not isinstance(named, Ours) or not named.target.target_version:
            return histories.Way(version="", reason=_not_ours(r))
        version = named.target.target_version
        named_way = why.WayBack(version=version, deployment=r.inputs.deployment_id)
        return histories.Way(version=version, reason=histories.known_stay(entries, named_way))
    if not asked:
        if facts.alias is not None and facts.alias.split:
            primary = why.WayBack(version=live, split=True)
            return histories.Way(version=live, reason=histories.known_stay(entries, primary))
        return histories.way_back(entries, live, r.where)
    if asked not in histories.known_versions(entries) and not r.inputs.force:
        return histories.Way(version="", reason=why.NeverDeployed(version=asked, of=r.key))
    return histories.Way(version=asked, reason=histories.known_stay(entries, why.WayBack(version=asked)))


def _roll_back_running(turn: Turn, facts: Facts) -> None:
    """Ours is stopped with rollback; others' are waited for; of what may be ours nothing is guessed."""
    r = turn.r
    owners = [whose(deployment, r.function, r.inputs.alias) for deployment in facts.active]
    mine = next((owner for owner in owners if isinstance(owner, Ours)), None)
    unknown = next((owner for owner in owners if isinstance(owner, Unknown)), None)
    if mine is None and unknown is not None:
        if not _too_early(turn, unknown):
            _refuse(turn, facts, existing(r.inputs, facts, unknown.deployment), (refusal(_unclear(r, unknown)),))
        return
    if mine is None:
        made = existing(r.inputs, facts, facts.active[0])
        turn.put(turn.r.decision.decide(made))
        give_way(turn, made, facts.active[0], "wait")
        return
    running = mine.deployment
    made = existing(r.inputs, facts, running)
    turn.put(turn.r.decision.decide(made))
    rolling = is_rollback(running)  # somebody, or CodeDeploy itself
    leads_to = made.target_version if rolling else made.current_version
    entries = histories.entries(facts.history, r.function, r.inputs.alias)
    if r.inputs.deployment_id or r.inputs.version not in (None, leads_to):
        way = _way(r, facts, entries)
        if not way.version:
            _refuse(turn, facts, made, (refusal(way.reason),))
        elif not _propose(turn, facts, made, way.version):
            give_way(turn, made, running, "supersede")
        return
    if rolling:
        _show(turn, facts, made)
        attach(turn, running)
        return
    if leads_to:
        back = histories.known_stay(entries, why.WayBack(version=leads_to, deployment=running.id, replacing=True))
        made = replace(made, findings=(note(back), *made.findings))
    if not _propose(turn, facts, made, leads_to, stops=running.id):
        attach(turn, running)
        asked = StopAsked(command=r.command, said=r.reason)
        request_stop(turn, Cause.ASKED, asked, rollback=True)


def _too_early(turn: Turn, owner: Owner) -> bool:
    """Before it starts, for a second or two, a deployment has no target: whose it is cannot be told yet."""
    r = turn.r
    if not (isinstance(owner, Unknown) and owner.starting) or r.wait.targetless >= TARGET_APPEARS_WITHIN / 2.0:
        return False
    turn.put(turn.r.wait.found_targetless())
    turn.to(Stage.GATHERING, after=2.0)
    return True


def _unclear(r: Rollout, owner: Unknown) -> why.OwnerUnknown:
    return why.OwnerUnknown(deployment=owner.deployment.id, of=r.key, why=owner.why, where=r.where)


# --- stop, status, finish ----------------------------------------------------------------------------------------


def _subject(r: Rollout, facts: Facts) -> Ours | Unknown | None:
    """The deployment that is meant: the one named and no other, else the one that runs for this function and alias.

    One that was named and is of this application and group may be stopped even if its target cannot be read.
    """
    named = (facts.subject,) if facts.subject else ()
    found = [whose(one, r.function, r.inputs.alias) for one in (named if r.job.subject else facts.active)]
    in_group = [owner for owner in found if _in_group(r, owner.deployment)]
    mine = next((owner for owner in in_group if isinstance(owner, Ours)), None)
    return mine or next((owner for owner in in_group if isinstance(owner, Unknown)), None)


def _in_group(r: Rollout, deployment: Deployment) -> bool:
    return deployment.application in ("", r.inputs.application) and deployment.group in ("", r.inputs.deployment_group)


def _follow(turn: Turn, facts: Facts, subject: Deployment) -> None:
    """Show the plan behind a deployment that exists, and follow it."""
    made = existing(turn.r.inputs, facts, subject)
    turn.put(turn.r.decision.decide(made))
    _show(turn, facts, made)
    attach(turn, subject)


def _not_ours(r: Rollout) -> why.NotOurs:
    return why.NotOurs(deployment=r.inputs.deployment_id or "", of=r.key, where=r.where)


def _stop(turn: Turn, facts: Facts) -> None:
    r = turn.r
    owner = _subject(r, facts)
    if facts.group is None and owner is None:  # a mistyped name must not be told as "nothing is running"
        made = _checked(turn, facts, plan(r.inputs, facts))
        _refuse(turn, facts, made, tuple(each for each in made.refusals if each.code in _NO_PLACE))
    elif owner is None and r.inputs.deployment_id:
        turn.end(Outcome.REFUSED, _not_ours(r))
    elif owner is None:
        turn.end(Outcome.UNCHANGED, why.NothingRuns(of=r.key))
    elif owner.deployment.status.terminal:
        turn.put(turn.r.watch.name(owner.deployment.id))
        turn.end(
            Outcome.UNCHANGED, why.OverAlready(deployment=owner.deployment.id, status=owner.deployment.status.value)
        )
    elif isinstance(owner, Unknown) and not r.job.subject:
        if not _too_early(turn, owner):
            turn.end(Outcome.REFUSED, _unclear(r, owner))
    else:
        _follow(turn, facts, owner.deployment)
        asked = StopAsked(command=r.command, said=r.inputs.reason or "")
        request_stop(turn, Cause.ASKED, asked, rollback=r.inputs.rollback)


def _status(turn: Turn, facts: Facts) -> None:
    r = turn.r
    if facts.alias is None or facts.group is None:  # without the function there is no alias either
        made = _checked(turn, facts, plan(r.inputs, facts))
        _refuse(turn, facts, made, made.refusals)
        return
    subject = _subject(r, facts)
    if r.inputs.wait and subject is not None and not r.job.subject and _too_early(turn, subject):
        return
    entries = histories.entries(facts.history, r.function, r.inputs.alias)
    running = next((entry for entry in entries if not entry.status.terminal), None)
    brought = [
        entry
        for entry in entries
        if entry.status is DeploymentStatus.SUCCEEDED and entry.target_version == facts.alias.version
    ]
    # An automatic rollback only brings back; whose version it is says the deployment that had brought it first.
    served_by = next((entry for entry in brought if entry.kind != "automatic rollback"), next(iter(brought), None))
    turn.say(
        e.StatusReported(
            at=turn.now, key=turn.r.key, alias=facts.alias, history=entries, served_by=served_by, running=running
        )
    )
    if r.inputs.deployment_id and subject is None:
        turn.end(Outcome.REFUSED, _not_ours(r))
    elif r.inputs.wait and subject is not None:
        _follow(turn, facts, subject.deployment)
    else:
        turn.end(Outcome.REPORTED, why.NothingWritten())


def _watch(turn: Turn, facts: Facts) -> None:
    """Whose it is was told by its target when it was found; here it is followed, whatever became of it meanwhile."""
    subject = facts.subject
    if subject is None:  # a deployment is kept for years: the answer was another's
        turn.end(Outcome.LOST_CONTACT, watching.Vanished(deployment=turn.r.job.subject, key=turn.r.key))
        return
    inputs, said = turn.r.inputs, facts.declared or AppSpec()
    # While a hook runs, CodeDeploy names neither it nor the versions yet; the AppSpec does.
    declared = replace(
        inputs,
        before_allow_traffic=said.before_hook or inputs.before_allow_traffic,
        after_allow_traffic=said.after_hook or inputs.after_allow_traffic,
    )
    followed = existing(declared, facts, subject, previous=said.current_version, target=said.target_version)
    made = with_proof(inputs, followed, turn.r.job.proof)
    turn.put(turn.r.decision.decide(made))
    _show(turn, facts, made)
    attach(turn, subject)


def _finish(turn: Turn, facts: Facts) -> None:
    """The post step: the main step ended before its deployment did. It can stop and repair, never create."""
    r = turn.r
    subject = facts.subject
    if subject is None:
        if turn.now - r.job.began < SEARCH_FOR * r.grace.second and r.job.search:
            turn.to(Stage.GATHERING, after=5.0 * r.grace.second)
            return
        turn.end(Outcome.CANCELLED, why.NothingCreated())
        return
    if isinstance(whose(subject, r.function, r.inputs.alias), Others):
        turn.end(Outcome.CANCELLED, why.OthersLeftAlone(deployment=subject.id, of=r.key))
        return
    made = existing(r.inputs, facts, subject, previous=r.job.known_previous, target=r.job.known_target)
    turn.put(turn.r.decision.decide(made))
    _show(turn, facts, made)
    attach(turn, subject)
    # A rollback, whoever asked for it or whatever failed, is not rolled back.
    policy = "leave" if is_rollback(subject) and r.inputs.on_cancel == "rollback" else r.inputs.on_cancel
    if policy != "leave" and not subject.status.terminal:
        request_stop(turn, Cause.CANCELLED, MainStepEnded(), rollback=policy == "rollback")
        return
    turn.put(turn.r.ending.inherit(Cause.CANCELLED, rollback=policy == "rollback"))
    if not subject.status.terminal:
        turn.to(Stage.VERIFYING)  # it continues


# What keeps `stop` from knowing where to look.
_NO_PLACE = ("function-missing", "group-missing")

_COMMANDS: Mapping[Command, Callable[[Turn, Facts], None]] = {
    Command.DEPLOY: _deploy,
    Command.PLAN: _plan,
    Command.ROLLBACK: _rollback,
    Command.STOP: _stop,
    Command.STATUS: _status,
    Command.FINISH: _finish,
    Command.WATCH: _watch,
}
