"""Claims about CodeDeploy on the Lambda platform. The numbers are those of facts, section G."""

from __future__ import annotations

import json
from typing import Any

from .account import AT_ONCE, CANARY, ONE_PERCENT, PREFIX, Account, spec
from .claims import Claim, Like

# Where a fact was recorded or said; the letters are used in docs/conformance.md.
R1 = "recorded: josefloressv/aws-devops-engineer, sam-canary-alarm-rollback, 2026-08"
R2 = "recorded: the same repository's ECS blue/green run"
R3 = "recorded: nourishthenerve/ndn-monolithic, rollback runbook, 2026-08"
R4 = "recorded: Firewallrbn/emergencias-co-backend, docs/evidencias, 2026-08"
R9 = "recorded: aws/aws-cli issue 6267"
GUIDE = "documented: CodeDeploy user guide"
MODEL = "documented: botocore's CodeDeploy model"
SAM = "recorded: aws/serverless-application-model issue 291"
ORB = "recorded: CircleCI-Public/aws-ecs-orb issue 181"
NOBODY = "not confirmed by anybody"

THREE = ("BeforeAllowTraffic", "AllowTraffic", "AfterAllowTraffic")
INVALID = "The deployment failed because the AppSpec file that specifies .*is missing or has an invalid configuration"


# Scenes: each is played once, and says what it saw.


def canary(account: Account) -> dict[str, Any]:
    """A canary without hooks: looked at while it has shifted 10 %, and at its end."""
    full = account.served("canary")
    deployment = account.deploy(full, deploymentConfigName=CANARY)
    seen: dict[str, Any] = {"id": deployment, "full": full}
    try:
        account.deploy(full)
    except account.codedeploy.exceptions.DeploymentLimitExceededException as error:
        seen["conflict"] = error.response["Error"]["Message"]
    target = account.shifting(deployment)
    alias = account.lambda_.get_alias(FunctionName=full, Name="live")
    seen["early"] = target["lambdaFunctionInfo"]["targetVersionWeight"]
    seen["split"] = (alias["FunctionVersion"], alias.get("RoutingConfig", {}).get("AdditionalVersionWeights"))
    seen["info"] = account.over(deployment)
    seen["target"] = account.target(deployment)
    alias = account.lambda_.get_alias(FunctionName=full, Name="live")
    seen["served"] = (alias["FunctionVersion"], alias.get("RoutingConfig"))
    revision = seen["info"]["revision"]
    seen["content"] = revision["appSpecContent"].get("content")
    found = account.codedeploy.get_application_revision(applicationName=account.application, revision=revision)
    seen["registered"] = found["revision"]["appSpecContent"]["content"] == spec(full)
    return seen


def one_percent(account: Account) -> Any:
    """The weight after a first step of one percent."""
    full = account.served("one-percent")
    deployment = account.deploy(full, deploymentConfigName=ONE_PERCENT)
    weight = account.shifting(deployment)["lambdaFunctionInfo"]["targetVersionWeight"]
    account.over(deployment)
    return weight


def failed_hook(account: Account) -> dict[str, Any]:
    """A hook before traffic that succeeds, one after it that fails, and the rollback."""
    full = account.served("failed-hook")
    before, after = account.hook("good", "Succeeded"), account.hook("bad", "Failed")
    deployment = account.deploy(full, spec(full, before=before, after=after))
    seen: dict[str, Any] = {"id": deployment, "info": account.over(deployment)}
    seen["back"] = account.rolled_back(deployment)
    seen["info"] = account.info(deployment)
    seen["events"] = account.events(deployment)
    seen["back_events"] = account.events(seen["back"]["deploymentId"])
    seen["served"] = account.lambda_.get_alias(FunctionName=full, Name="live")["FunctionVersion"]
    seen["hook_events"] = account.until(lambda: _printed(account, before), 120)
    return seen


def _printed(account: Account, hook: str) -> list[dict[str, Any]]:
    """The events that a hook was invoked with, as it printed them."""
    try:
        found = account.logs.filter_log_events(logGroupName=f"/aws/lambda/{hook}", filterPattern="EVENT")["events"]
    except account.logs.exceptions.ResourceNotFoundException:
        return []
    lines = [event["message"] for event in found if event["message"].startswith("EVENT ")]
    return [json.loads(line.removeprefix("EVENT ")) for line in lines]


def alarmed(account: Account) -> dict[str, Any]:
    """Two alarms that ring while traffic is split."""
    full = account.served("alarmed")
    names = [f"{PREFIX}-a", f"{PREFIX}-b"]
    for name in names:
        account.cloudwatch.put_metric_alarm(
            AlarmName=name,
            Namespace=PREFIX,
            MetricName="none",
            Period=60,
            EvaluationPeriods=1,
            Statistic="Sum",
            Threshold=1.0,
            ComparisonOperator="GreaterThanThreshold",
            TreatMissingData="ignore",
        )
        account.cloudwatch.set_alarm_state(AlarmName=name, StateValue="OK", StateReason="to begin with")
    watched = {"enabled": True, "alarms": [{"name": name} for name in names]}
    deployment = account.deploy(full, deploymentConfigName=CANARY, overrideAlarmConfiguration=watched)
    account.shifting(deployment)
    for name in names:
        account.cloudwatch.set_alarm_state(AlarmName=name, StateValue="ALARM", StateReason="to try it")
    seen: dict[str, Any] = {"info": account.over(deployment), "events": account.events(deployment)}
    seen["back"] = account.rolled_back(deployment)["status"]
    seen["served"] = account.lambda_.get_alias(FunctionName=full, Name="live")["FunctionVersion"]
    return seen


def stopped(account: Account) -> dict[str, Any]:
    """A stop with rollback while traffic is split."""
    full = account.served("stopped")
    deployment = account.deploy(full, deploymentConfigName=CANARY)
    account.shifting(deployment)
    answer = account.codedeploy.stop_deployment(deploymentId=deployment, autoRollbackEnabled=True)["status"]
    seen: dict[str, Any] = {"answer": answer, "info": account.over(deployment)}
    seen["back"] = account.rolled_back(deployment)
    seen["served"] = account.lambda_.get_alias(FunctionName=full, Name="live")["FunctionVersion"]
    try:
        account.codedeploy.stop_deployment(deploymentId=deployment)
        seen["again"] = "accepted"
    except account.codedeploy.exceptions.DeploymentAlreadyCompletedException:
        seen["again"] = "DeploymentAlreadyCompletedException"
    return seen


def _fails(account: Account, name: str, appspec: str | None, **more: Any) -> dict[str, Any]:
    full = account.served(name)
    text = appspec if appspec is not None else spec(full, **more)
    return account.over(account.deploy(full, text, autoRollbackConfiguration={"enabled": False}))


def malformed(account: Account) -> dict[str, Any]:
    return _fails(account, "malformed", "version: 0.0 Resources: - f: Type: AWS::Lambda::Function")


def not_current(account: Account) -> dict[str, Any]:
    return _fails(account, "not-current", None, current="2", target="1")


def split_already(account: Account) -> str:
    full = account.served("split-already")
    account.lambda_.update_alias(FunctionName=full, Name="live", RoutingConfig={"AdditionalVersionWeights": {"2": 0.5}})
    info = account.over(account.deploy(full, autoRollbackConfiguration={"enabled": False}))
    return str(info["status"])


def tabs(account: Account) -> str:
    full = account.served("tabs")
    text = json.dumps(json.loads(spec(full)), indent="\t")
    return str(account.over(account.deploy(full, text))["status"])


def one_hook_for_both(account: Account) -> dict[str, str]:
    full, hook = account.served("both"), account.hook("both", "Succeeded")
    deployment = account.deploy(full, spec(full, before=hook, after=hook))
    account.over(deployment)
    return account.events(deployment)


def _rollback_seconds(account: Account) -> bool:
    info = account.once(failed_hook)["back"]
    return bool((info["completeTime"] - info["createTime"]).total_seconds() < 10)


def _between(account: Account) -> bool:
    seen = account.once(failed_hook)
    return bool((seen["back"]["createTime"] - seen["info"]["completeTime"]).total_seconds() < 5)


def _duration(account: Account) -> bool:
    info = account.once(canary)["info"]
    return bool(60 <= (info["completeTime"] - info["startTime"]).total_seconds() <= 75)


def _rollback_messages(account: Account) -> bool:
    seen = account.once(failed_hook)
    one, two = seen["id"], seen["back"]["deploymentId"]
    return bool(
        seen["info"]["rollbackInfo"].get("rollbackMessage")
        == f"Deployment {one} terminated. Automatic rollback is triggered with a DeploymentId {two}."
        and seen["back"]["rollbackInfo"].get("rollbackMessage")
        == f"Deployment {two} is triggered to roll back deployment {one}."
    )


def _hook_event(account: Account) -> bool:
    (event,) = account.once(failed_hook)["hook_events"][:1]
    return set(event) == {"DeploymentId", "LifecycleEventHookExecutionId"} and (
        len(event["LifecycleEventHookExecutionId"]) > 60
    )


def _error(scene: Any, part: str) -> Any:
    return lambda account: account.once(scene)["info"]["errorInformation"][part]


def _code(scene: Any) -> Any:
    return lambda account: account.once(scene)["errorInformation"]["code"]


def _message(scene: Any) -> Any:
    return lambda account: account.once(scene)["errorInformation"]["message"]


def _part(scene: Any, *path: str) -> Any:
    def observe(account: Account) -> object:
        found = account.once(scene)
        for name in path:
            found = found[name]
        return found

    return observe


def _statuses(scene: Any, part: str) -> Any:
    return lambda account: tuple(account.once(scene)[part].values())


def _claim(name: str, says: str, source: str, observe: Any, *accepts: object) -> Claim:
    return Claim(name=name, says=says, source=source, observe=observe, accepts=accepts)


CLAIMS: tuple[Claim, ...] = (
    _claim(
        "lifecycle-events",
        "A target lists BeforeAllowTraffic, AllowTraffic and AfterAllowTraffic, and no others (G1)",
        R1,
        lambda account: tuple(
            event["lifecycleEventName"] for event in account.once(canary)["target"]["lifecycleEvents"]
        ),
        THREE,
    ),
    _claim(
        "undeclared-hooks",
        "The events of hooks that the AppSpec does not name end Succeeded (G3)",
        R2,
        lambda account: tuple(event["status"] for event in account.once(canary)["target"]["lifecycleEvents"]),
        ("Succeeded",) * 3,
    ),
    _claim("weight", "targetVersionWeight is a fraction: 10 % is 0.1 (G2)", R1, _part(canary, "early"), 0.1),
    _claim("one-percent", "A first step of 1 % is 0.01 (G2)", R1, lambda account: account.once(one_percent), 0.01),
    _claim(
        "weight-at-the-end",
        "At the end targetVersionWeight is 1 (G2)",
        R1,
        _part(canary, "target", "lambdaFunctionInfo", "targetVersionWeight"),
        1.0,
    ),
    _claim(
        "alias-while-shifting",
        "While traffic shifts the alias keeps CurrentVersion and gives TargetVersion the weight",
        GUIDE,
        _part(canary, "split"),
        ("1", {"2": 0.1}),
    ),
    _claim(
        "alias-at-the-end",
        "At the end the alias is on TargetVersion, without weights",
        GUIDE,
        _part(canary, "served"),
        ("2", None),
        ("2", {}),
    ),
    _claim("duration", "A canary takes its interval and a few seconds (G18)", R4, _duration, True),
    _claim(
        "creator",
        "A deployment by CreateDeployment has the creator `user`",
        MODEL,
        _part(canary, "info", "creator"),
        "user",
    ),
    _claim("no-content", "GetDeployment never returns the AppSpec", MODEL, _part(canary, "content"), None),
    _claim(
        "registered",
        "GetApplicationRevision returns the AppSpec for GetDeployment's revision",
        MODEL,
        _part(canary, "registered"),
        True,
    ),
    _claim(
        "conflict",
        "A group has one active deployment; the refusal names it",
        ORB,
        _part(canary, "conflict"),
        Like(r"already has an active Deployment 'd-[A-Z0-9]+'"),
    ),
    _claim(
        "failed-hook-code",
        "A hook that fails: HOOK_EXECUTION_FAILURE (G11)",
        R3,
        _error(failed_hook, "code"),
        "HOOK_EXECUTION_FAILURE",
    ),
    _claim(
        "failed-hook-message",
        "The message names no hook (G11)",
        R3,
        _error(failed_hook, "message"),
        "The deployment failed because one or more of the lifecycle event validation functions failed.",
    ),
    _claim(
        "failed-hook-events",
        "The event of the hook that failed is Failed (G11)",
        R3,
        _statuses(failed_hook, "events"),
        ("Succeeded", "Succeeded", "Failed"),
    ),
    _claim("hook-event", "A hook's event has two members; the execution id is long (G15)", R1, _hook_event, True),
    _claim(
        "rollback-events",
        "A rollback lists the three events, all Succeeded (G4)",
        R1,
        _statuses(failed_hook, "back_events"),
        ("Succeeded",) * 3,
    ),
    _claim(
        "rollback-runs-no-hook",
        "A rollback invokes no hook (G4)",
        R1,
        lambda account: len(account.once(failed_hook)["hook_events"]),
        1,
    ),
    _claim("rollback-soon", "A rollback is created within seconds of the end (G6)", R3, _between, True),
    _claim("rollback-quick", "A rollback is over in seconds: it shifts all at once (G5)", R4, _rollback_seconds, True),
    _claim("rollback-messages", "Both sides of a rollback name each other (G7)", R1, _rollback_messages, True),
    _claim(
        "rollback-creator",
        "A rollback has the creator `codeDeployRollback`",
        MODEL,
        _part(failed_hook, "back", "creator"),
        "codeDeployRollback",
    ),
    _claim(
        "first-deployment-rolled-back",
        "A group's first deployment is rolled back too, to CurrentVersion (G8)",
        R3,
        _part(failed_hook, "served"),
        "1",
    ),
    _claim(
        "alarm-status", "An alarm stops the deployment: Stopped (G10)", R1, _part(alarmed, "info", "status"), "Stopped"
    ),
    _claim("alarm-code", "Its code is ALARM_ACTIVE (G10)", R1, _error(alarmed, "code"), "ALARM_ACTIVE"),
    _claim(
        "alarm-message",
        "The message names each alarm in brackets of its own (G10)",
        R4,
        _error(alarmed, "message"),
        Like(rf"Activated alarms: <{PREFIX}-[ab]>( <{PREFIX}-[ab]>)?$"),
    ),
    _claim(
        "alarm-events",
        "AllowTraffic is Failed and AfterAllowTraffic Skipped (G10)",
        R1,
        _statuses(alarmed, "events"),
        ("Succeeded", "Failed", "Skipped"),
    ),
    _claim("alarm-rolled-back", "It is rolled back", R4, _part(alarmed, "served"), "1"),
    _claim(
        "stop-answer",
        "StopDeployment answers Pending, Succeeded or Forced (G16)",
        "documented: API reference of StopDeployment, 2026; which one when: " + NOBODY,
        _part(stopped, "answer"),
        "Pending",
        "Succeeded",
        "Forced",
    ),
    _claim("stop-code", "A stop ends as Stopped with MANUAL_STOP", MODEL, _error(stopped, "code"), "MANUAL_STOP"),
    _claim("stop-rolled-back", "A stop with rollback brings CurrentVersion back", GUIDE, _part(stopped, "served"), "1"),
    _claim(
        "stop-too-late",
        "Stopping what is over is refused",
        MODEL + "; whether a second stop is: " + NOBODY,
        _part(stopped, "again"),
        "DeploymentAlreadyCompletedException",
        "accepted",
    ),
    _claim(
        "malformed-appspec",
        "An AppSpec that cannot be parsed is accepted and fails (G13)",
        R9,
        _message(malformed),
        Like("a not well-formed yaml. The template cannot be parsed"),
    ),
    _claim(
        "malformed-code",
        "Its code",
        NOBODY,
        _code(malformed),
        "INVALID_LAMBDA_CONFIGURATION",
        "INVALID_REVISION",
    ),
    _claim(
        "not-current",
        "CurrentVersion must be what the alias serves",
        SAM,
        _message(not_current),
        Like(f"{INVALID}.*does not match the current version in AppSpec file"),
    ),
    _claim(
        "not-current-code",
        "Its code is INVALID_LAMBDA_CONFIGURATION",
        SAM,
        _code(not_current),
        "INVALID_LAMBDA_CONFIGURATION",
    ),
    _claim(
        "split-already",
        "A deployment onto an alias that is split already, with the right primary version",
        NOBODY,
        lambda account: account.once(split_already),
        "Failed",
        "Succeeded",
    ),
    _claim(
        "tabs",
        "An AppSpec in JSON may be indented with tabs (G21)",
        GUIDE,
        lambda account: account.once(tabs),
        "Succeeded",
    ),
    _claim(
        "one-hook-for-both",
        "One function may serve both hooks (G20)",
        GUIDE,
        lambda account: tuple(account.once(one_hook_for_both).values()),
        ("Succeeded",) * 3,
    ),
    _claim(
        "target-id",
        "The id of a target",
        NOBODY,
        lambda account: account.once(canary)["target"]["targetId"].replace(account.once(canary)["full"], "NAME"),
        "NAME",
        "NAME:live",
        Like(":function:NAME"),
    ),
    _claim(
        "rollback-config",
        "A rollback's deployment config is LambdaAllAtOnce or the group's",
        NOBODY,
        _part(failed_hook, "back", "deploymentConfigName"),
        AT_ONCE,
        CANARY,
    ),
)
