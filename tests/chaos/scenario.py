"""A seed becomes a scenario: the account, its group and hooks, other people's doings, weather, and the steps.

Everything random is drawn before anything runs, from one generator, so a seed is a scenario whatever the program does.
"""

from __future__ import annotations

import contextlib
import json
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from random import Random
from typing import Any

from botocore.exceptions import ClientError

from ci_deploy.core.marker import Marker, write
from codedeploy_emulator import Emulator
from tests.support.account import Account
from tests.support.machine.stage import WEATHER, Happening, Step, environment

APPLICATION, GROUP = "checkout-app", "checkout-live"
BEFORE, AFTER = "CodeDeployHook_checkout_before", "CodeDeployHook_checkout_after"
ACCOUNT_ID, REGION = "123456789012", "us-east-1"
CODE = "# {}\ndef handler(event, context):\n    return event\n"
SEED: dict[str, Any] = {
    "region": REGION,
    "buckets": [{"name": "demo-deployments", "versioning": True}],
    "functions": [
        {
            "name": name,
            "versions": [{"app.py": CODE.format(1)}],
            "code": {"app.py": CODE.format(2)},
            "aliases": {"live": 1},
        }
        for name in ("checkout", "other")
    ]
    + [{"name": name, "code": {"app.py": CODE.format(name)}, "timeout": 30} for name in (BEFORE, AFTER)],
    "alarms": [{"name": "checkout-errors", "state": "OK"}],
    "configs": [{"name": "Half", "canary": [50, 2]}],
    "applications": [{"name": APPLICATION, "groups": [{"name": GROUP, "alarms": ["checkout-errors"]}]}],
}
CONFIGS = (
    "CodeDeployDefault.LambdaAllAtOnce",
    "CodeDeployDefault.LambdaCanary10Percent5Minutes",
    "CodeDeployDefault.LambdaLinear10PercentEvery1Minute",
    "Half",
)
EVENTS = ("DEPLOYMENT_FAILURE", "DEPLOYMENT_STOP_ON_ALARM", "DEPLOYMENT_STOP_ON_REQUEST")
# Every operation that the program makes on AWS's side in these scenarios.
OPERATIONS = (
    ("sts", "GetCallerIdentity"),
    ("lambda", "GetFunction"),
    ("lambda", "GetAlias"),
    ("lambda", "PublishVersion"),
    ("lambda", "UpdateAlias"),
    ("s3", "PutObject"),
    ("s3", "*"),
    ("cloudwatch", "DescribeAlarms"),
    ("logs", "FilterLogEvents"),
    ("codedeploy", "GetDeploymentGroup"),
    ("codedeploy", "GetDeploymentConfig"),
    ("codedeploy", "ListDeployments"),
    ("codedeploy", "BatchGetDeployments"),
    ("codedeploy", "ListDeploymentTargets"),
    ("codedeploy", "BatchGetDeploymentTargets"),
    ("codedeploy", "CreateDeployment"),
    ("codedeploy", "StopDeployment"),
    ("codedeploy", "*"),
    ("lambda", "*"),
)
FAULTS = ("throttle", "error500", "reset", "expired-token")


@dataclass(kw_only=True)
class Scenario:
    seed: int
    steps: list[Step] = field(default_factory=list)
    happenings: list[Happening] = field(default_factory=list)
    said: list[str] = field(default_factory=list)

    def happen(self, when: float, what: str, do: Any) -> None:
        self.happenings.append(Happening(at=when, what=what, do=do))
        self.said.append(f"at {when:.1f}: {what}")


def prepare(seed: int, emulator: Emulator, account: Account, folder: Path) -> Scenario:
    """Put the emulator into the seed's state and draw everything that is going to happen."""
    dice = Random(f"scenario {seed}")
    emulator.reset()
    scenario = Scenario(seed=seed)
    _group(dice, account, scenario)
    _past(dice, emulator, account, scenario)
    _switches(dice, emulator, scenario)
    _happenings(dice, emulator, account, scenario)
    _callers(Random(f"callers {seed}"), emulator, scenario)
    count = 2 if dice.random() < 0.25 else 1
    for number in range(count):
        _step(dice, emulator, folder, scenario, number)
    if any(step.inputs["command"] == "watch" for step in scenario.steps):
        _tools(Random(f"tools {seed}"), account, scenario)
    return scenario


def _tools(dice: Random, account: Account, scenario: Scenario) -> None:
    """What is watched: deployments that another tool makes, none, one, or several; some it stops itself."""
    for _ in range(dice.choice((0, 1, 1, 1, 2, 3))):
        when, function = (
            dice.choice((0.0, dice.uniform(1, 60), dice.uniform(60, 900))),
            dice.choice(("checkout",) * 3 + ("other",)),
        )
        current, target = dice.choice((("1", "2"), ("1", "2"), ("2", "1")))
        config = dice.choice(CONFIGS)
        scenario.happen(
            when,
            f"a tool deploys {function} {target} with {config}",
            partial(create, account, function, current, target, config),
        )
        if dice.random() < 0.25:
            rollback = dice.choice((True, False))
            scenario.happen(
                when + dice.uniform(5, 200), f"the tool stops, rollback {rollback}", partial(stop, account, rollback)
            )
    scenario.happenings.sort(key=lambda each: each.at)


def _switches(dice: Random, emulator: Emulator, scenario: Scenario) -> None:
    chosen: dict[str, object] = {
        "random-seed": scenario.seed,
        "lifecycle-events": dice.choice(("all", "without-start-and-end")),
        "weight-scale": dice.choice(("percent", "fraction")),
        "undeclared-hooks": dice.choice(("Succeeded", "Skipped")),
        "function-info": dice.choice(("after-the-first-hook", "always", "never")),
        "deployments-order": dice.choice(("any", "newest-first", "oldest-first")),
        "rollback-message": dice.choice(("started", "progress")),
        "alarm-reaction-seconds": dice.choice((1, 11, 23)),
        "target-id": dice.choice(("function", "function-and-alias", "arn")),
        "stop-answer": dice.choice(("auto", "Pending", "Succeeded", "Forced")),
        "stop-pending-seconds": dice.choice((2, 20)),
        "alarm-status": dice.choice(("Stopped", "Failed")),
        "rollback-delay-seconds": dice.choice((0, 0.5, 0.5, 20, 45, 90)),
        "rollback-config": dice.choice(("all-at-once", "all-at-once", "group")),
        "rollback-runs-hooks": dice.random() < 0.2,
        "rollback-appspec": dice.choice(("original", "swapped")),
        "rollback-without-history": dice.choice(("current-version", "none")),
        "rollback-fails": dice.choice(("",) * 7 + ("INTERNAL_ERROR",)),
        "conflict-message": dice.choice(("current", "older")),
        "lambda-pending-seconds": dice.choice((0, 0, 0, 20)),
        "hook-timeout-code": dice.choice(("HOOK_EXECUTION_FAILURE", "TIMEOUT")),
    }
    emulator.switches(chosen)
    outcomes = {name: dice.choice(("succeed",) * 6 + ("fail", "crash", "silent")) for name in (BEFORE, AFTER)}
    emulator.scripts({name: {"outcome": what, "seconds": dice.choice((1, 20))} for name, what in outcomes.items()})
    scenario.said += [f"{name}: {value}" for name, value in chosen.items()] + [f"hooks: {outcomes}"]


def _group(dice: Random, account: Account, scenario: Scenario) -> None:
    events = [event for event in EVENTS if dice.random() < 0.75]
    config = dice.choice(CONFIGS)
    account.codedeploy.update_deployment_group(
        applicationName=APPLICATION,
        currentDeploymentGroupName=GROUP,
        deploymentConfigName=config,
        autoRollbackConfiguration={"enabled": bool(events), "events": events},
    )
    scenario.said.append(f"group: {config}, rollback on {events}")


def _past(dice: Random, emulator: Emulator, account: Account, scenario: Scenario) -> None:
    """Versions, and perhaps a successful deployment of this function or of another one in the same group."""
    account.publish(CODE.format("seven"))  # version 2
    account.code(CODE.format("next"))
    past = dice.choice(("none", "checkout", "other"))
    if past != "none":
        if past == "other":
            account.lambda_.publish_version(FunctionName="other")
        create(account, past, "1", "2", CONFIGS[0])
        emulator.advance(60)
    scenario.said.append(f"past: {past}")


def create(account: Account, function: str, current: str, target: str, config: str, description: str = "") -> None:
    """Somebody else's deployment; refused where one runs."""
    properties = {"Name": function, "Alias": "live", "CurrentVersion": current, "TargetVersion": target}
    resource = {"f": {"Type": "AWS::Lambda::Function", "Properties": properties}}
    with contextlib.suppress(ClientError):
        account.codedeploy.create_deployment(
            applicationName=APPLICATION,
            deploymentGroupName=GROUP,
            deploymentConfigName=config,
            description=description,
            revision={
                "revisionType": "AppSpecContent",
                "appSpecContent": {"content": json.dumps({"version": 0.0, "Resources": [resource]})},
            },
        )


def stop(account: Account, rollback: bool) -> None:
    """Whatever runs in the group, by somebody else."""
    running = account.codedeploy.list_deployments(
        applicationName=APPLICATION, deploymentGroupName=GROUP, includeOnlyStatuses=["InProgress"]
    )["deployments"]
    for deployment in running:
        with contextlib.suppress(ClientError):
            account.codedeploy.stop_deployment(deploymentId=deployment, autoRollbackEnabled=rollback)


def _happenings(dice: Random, emulator: Emulator, account: Account, scenario: Scenario) -> None:
    at = scenario.happen
    if dice.random() < 0.2:
        when = dice.choice((0.0, dice.uniform(1, 400)))
        at(when, "the alarm rings", account.ring)
        if dice.random() < 0.5:
            at(when + 100, "the alarm is quiet", lambda: account.ring(state="OK"))
    if dice.random() < 0.12:
        version = dice.choice(("1", "2"))
        weights = dice.choice(({}, {}, {"2" if version == "1" else "1": 0.3}))
        at(
            dice.choice((0.0, dice.uniform(1, 500))),
            f"the alias is moved by hand to {version} {weights}",
            lambda: account.lambda_.update_alias(
                FunctionName="checkout",
                Name="live",
                FunctionVersion=version,
                RoutingConfig={"AdditionalVersionWeights": weights},
            ),
        )
    if dice.random() < 0.2:
        function, config = dice.choice(("checkout", "other")), dice.choice(CONFIGS)
        forged = Marker(id="deadbeef", key="0" * 16, run_id=dice.choice((1, 100, 100)), attempt=1, sha="abc123")
        description = dice.choice(("by hand", write(forged)))
        at(
            dice.choice((0.0, dice.uniform(0, 30))),
            f"another tool deploys {function} with {config}: {description}",
            lambda: create(account, function, "1", "2", config, description),
        )
    if dice.random() < 0.1:
        unread = [
            {"service": "codedeploy", "operation": operation, "fault": "access-denied"}
            for operation in ("BatchGetDeploymentTargets", "GetDeploymentTarget", "ListDeploymentTargets")
        ]
        at(0.0, "the role may not read targets", lambda: emulator.faults(unread) or WEATHER)
    elif dice.random() < 0.6:
        faults = [_fault(dice) for _ in range(dice.choice((1, 2, 5)))]
        since = dice.choice((0.0, dice.uniform(0, 10), dice.uniform(0, 400)))
        at(since, f"weather: {faults}", lambda: emulator.faults(faults) or WEATHER)
        lasts = dice.choice((5.0, 60.0, 900.0, 1e9))
        if lasts < 1e9:
            at(since + lasts, "fair weather", lambda: emulator.faults([]) or WEATHER)


def _fault(dice: Random) -> dict[str, Any]:
    service, operation = dice.choice(OPERATIONS)
    fault: dict[str, Any] = {"service": service, "operation": operation, "fault": dice.choice(FAULTS)}
    if fault["fault"] in ("reset", "error500"):
        fault["when"] = dice.choice(("before", "after"))
    if dice.random() < 0.5:
        fault["times"] = dice.choice((1, 2, 3, 10))
    else:
        fault["probability"] = dice.choice((0.2, 0.5, 1.0))
    return fault


def _inputs(dice: Random) -> dict[str, str]:
    shared = {
        "function": "checkout",
        "application": APPLICATION,
        "deployment-group": GROUP,
        "timeout": dice.choice(("", "", "10m", "90s")),
        "repair-alias": dice.choice(("", "", "never")),
        "hook-timeout": dice.choice(("", "", "2m")),
    }
    command = dice.choice(("deploy",) * 14 + ("rollback", "rollback", "stop", "status", "plan"))
    if command == "rollback":
        return {**shared, "command": command, "reason": "because", "version": dice.choice(("", "1", "2"))}
    if command in ("stop", "status"):
        return {**shared, "command": command, "wait": "true"}
    version = dice.choice(("", "", "", "2"))
    return {
        **shared,
        "command": command,
        "bucket": dice.choice(("", "demo-deployments")),
        "on-cancel": dice.choice(("", "rollback", "stop", "leave")),
        "on-timeout": dice.choice(("", "rollback", "stop", "leave")),
        "on-conflict": dice.choice(("", "wait", "fail", "supersede")),
        "auto-rollback": dice.choice(("", "", "off", "failure")),
        "version": version,
        "code": "" if version else "$LATEST",
        "repair-alias": dice.choice(("", "always")),
        "wait": dice.choice(("", "", "", "false")),
        "before-allow-traffic": dice.choice(("", BEFORE)),
        "after-allow-traffic": dice.choice(("", AFTER)),
    }


def _proof(dice: Random) -> dict[str, str]:
    """Guards and a bake, in every third deployment."""
    if dice.random() > 0.35:
        return {}
    return {
        "guards": dice.choice(("off", "errors < 1%", "errors < 2x", "errors < 1%\np99 < 800ms")),
        "bake": dice.choice(("", "1m", "5m", "15m")),
    }


def _watched(dice: Random) -> dict[str, str]:
    """By the function, or by its deployment group alone."""
    place = dice.choice(({}, {"application": APPLICATION, "deployment-group": GROUP}))
    return {
        "command": "watch",
        "function": "checkout",
        "appear-within": dice.choice(("2m", "20m")),
        "on-violation": dice.choice(("", "report", "rollback")),
        "on-cancel": dice.choice(("", "", "rollback", "stop", "leave")),
        "timeout": dice.choice(("", "", "2m")),
        "hook-timeout": dice.choice(("", "2m")),
        **place,
        **_proof(dice),
    }


def _callers(dice: Random, emulator: Emulator, scenario: Scenario) -> None:
    """Customers of the alias; the next version may fail them."""
    if dice.random() < 0.5:
        return
    bad = dice.choice((0.0, 0.0, 0.05, 0.3, 1.0))
    calls = dice.choice((6, 60, 600))
    scenario.said.append(f"{calls} calls a minute; of the next versions' {bad:.0%} fail")
    versions = {"1": {"errors": 0.001}, **{version: {"errors": bad} for version in ("2", "3")}}
    emulator.traffic([{"function": "checkout", "alias": "live", "per_minute": calls, "versions": versions}])


def _step(dice: Random, emulator: Emulator, folder: Path, scenario: Scenario, number: int) -> None:
    inputs = _inputs(dice)
    watch = Random(f"watch {scenario.seed} {number}")
    if watch.random() < 0.15:
        inputs = _watched(watch)
    if inputs["command"] == "deploy" and inputs["wait"] != "false":
        inputs |= _proof(Random(f"proof {scenario.seed} {number}"))
    signals: tuple[float, ...] = ()
    if dice.random() < 0.35:
        first = dice.choice((dice.uniform(0, 3), dice.uniform(0, 30), dice.uniform(0, 500)))
        signals = (first, first + dice.choice((0.1, 1.5, 7.5))) if dice.random() < 0.5 else (first,)
    killed_at = dice.choice((dice.uniform(0, 4), dice.uniform(0, 400))) if dice.random() < 0.15 else None
    step = step_of(
        emulator,
        folder,
        f"step-{number + 1}",
        inputs,
        dice=Random(f"step {scenario.seed} {number}"),
        run_id=100 if number == 0 else dice.choice((100, 99, 101)),
    )
    step.signals, step.killed_at = signals, killed_at
    step.kill_while_creating = dice.random() < 0.04
    step.starts = 0.0 if number == 0 else dice.uniform(0, 200)
    step.slowest = dice.choice((0.2, 0.5, 5.0))
    scenario.steps.append(step)
    given = {name: value for name, value in inputs.items() if value}
    scenario.said.append(
        f"{step.name} at {step.starts:.1f}: {given} signals {signals} killed {killed_at} run {step.run_id}"
    )


def step_of(
    emulator: Emulator,
    folder: Path,
    name: str,
    inputs: dict[str, str],
    *,
    dice: Random,
    run_id: int,
    command: str = "",
    state: dict[str, str] | None = None,
) -> Step:
    own = folder / name
    own.mkdir()
    more = {f"STATE_{key}": value for key, value in (state or {}).items()}
    environ = environment(emulator.env, own, inputs, GITHUB_RUN_ID=run_id, GITHUB_RUN_ATTEMPT=1, **more)
    return Step(name=name, environ=environ, folder=own, dice=dice, command=command, run_id=run_id, inputs=dict(inputs))
