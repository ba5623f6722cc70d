"""Switches: every behaviour of AWS that nobody could confirm, or that a test wants to play, under one name.

The table is the single source: validation, README and `GET /_emulator/switches` come from it. "[R]" marks a default
that was recorded in real accounts (facts, section G), "[D]" one that AWS documents, "[U]" what nobody could confirm;
clients must be right whichever way a switch stands.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from .errors import SeedError

Value = bool | float | str


@dataclass(frozen=True, slots=True, kw_only=True)
class Switch:
    """One named behaviour: its default, and for a text the values allowed (none: any text)."""

    name: str
    default: Value
    choices: tuple[str, ...] = ()
    says: str


TABLE: tuple[Switch, ...] = (
    Switch(name="random-seed", default=0, says="seeds ids, fault probabilities and weighted invokes"),
    # Deployment lifecycle
    Switch(name="start-delay-seconds", default=1, says="from Created to InProgress [U]"),
    Switch(
        name="event-seconds",
        default=0.5,
        says="how long the beginning, the end and the tail of AllowTraffic take; a canary of five minutes then "
        "takes 302.3 seconds [R]",
    ),
    Switch(
        name="lifecycle-events",
        default="without-start-and-end",
        choices=("without-start-and-end", "all"),
        says="whether targets list Start and End [R]",
    ),
    Switch(
        name="weight-scale",
        default="fraction",
        choices=("fraction", "percent"),
        says="targetVersionWeight as 0 to 1 or 0 to 100 [R]",
    ),
    Switch(
        name="function-info",
        default="after-the-first-hook",
        choices=("after-the-first-hook", "always", "never"),
        says="when targets have lambdaFunctionInfo: `{}` until BeforeAllowTraffic is over, or always, or never [R]",
    ),
    Switch(
        name="deployments-order",
        default="any",
        choices=("any", "newest-first", "oldest-first"),
        says="the order of ListDeployments; any: one that says nothing, the same for every page [U]",
    ),
    Switch(name="zip-bundles", default=True, says="a zip in S3 with the AppSpec in it is accepted as a revision [R]"),
    Switch(
        name="target-id",
        default="function",
        choices=("function", "function-and-alias", "arn"),
        says="what a Lambda target's id looks like [U]",
    ),
    Switch(
        name="split-alias-with-matching-primary",
        default="reject",
        choices=("reject", "accept"),
        says="a deployment onto an alias that is split but whose primary version matches [U]",
    ),
    Switch(
        name="alias-at-latest",
        default="reject",
        choices=("reject", "accept"),
        says="a deployment onto an alias that points to $LATEST",
    ),
    Switch(name="appspec-limit-bytes", default=0, says="largest AppSpec content accepted, 0 for no limit [U]"),
    Switch(name="provisioned-concurrency-seconds", default=0, says="AllowTraffic waits so long on such an alias [U]"),
    # Hooks
    Switch(
        name="hooks",
        default="run",
        choices=("run", "succeed", "fail", "crash", "silent"),
        says="what a function without a script of its own does when invoked (as a hook or by Invoke): run its Python "
        "code, or play an outcome",
    ),
    Switch(
        name="undeclared-hooks",
        default="Succeeded",
        choices=("Succeeded", "Skipped"),
        says="how the event of a hook ends that the AppSpec does not name [R]",
    ),
    Switch(name="undeclared-hook-seconds", default=0.4, says="how long that event takes before it has succeeded [R]"),
    Switch(name="hook-seconds", default=1, says="how long a scripted hook takes, emulated"),
    Switch(name="hook-timeout-seconds", default=3600, says="how long CodeDeploy waits for a hook's answer"),
    Switch(
        name="hook-timeout-code",
        default="HOOK_EXECUTION_FAILURE",
        choices=("HOOK_EXECUTION_FAILURE", "TIMEOUT"),
        says="the error code when a hook never answers [U]",
    ),
    Switch(
        name="hook-name-check",
        default="auto",
        choices=("auto", "always", "never"),
        says="refuse hooks not called CodeDeployHook_…; auto: when IAM knows the service role and it has nothing but "
        "the managed policy AWSCodeDeployRoleForLambda (or its Limited form)",
    ),
    # Stopping
    Switch(name="stop-pending-seconds", default=2, says="how long a stop answered Pending stays pending [U]"),
    Switch(
        name="stop-answer",
        default="auto",
        choices=("auto", "Pending", "Succeeded", "Forced"),
        says="auto: Pending while a hook runs, else Succeeded [U]; Forced is newer than botocore's model [D]",
    ),
    # Alarms
    Switch(name="alarm-reaction-seconds", default=11, says="from the alarm to the end of the deployment [R]"),
    Switch(
        name="alarm-status",
        default="Stopped",
        choices=("Stopped", "Failed"),
        says="the status that an alarm gives a deployment",
    ),
    Switch(name="alarm-poll-fails", default=False, says="CodeDeploy cannot read the alarms"),
    # Rollback
    Switch(name="rollback-delay-seconds", default=0.5, says="from the verdict to the rollback deployment [R]"),
    Switch(
        name="rollback-config",
        default="all-at-once",
        choices=("all-at-once", "group"),
        says="whether a rollback shifts all at once or replays the group's deployment config [R]",
    ),
    Switch(name="rollback-runs-hooks", default=False, says="whether a rollback runs the AppSpec's hooks [R]"),
    Switch(
        name="rollback-appspec",
        default="original",
        choices=("original", "swapped"),
        says="a rollback's revision: the last successful one as it was, or with its versions swapped [U]",
    ),
    Switch(
        name="rollback-without-history",
        default="current-version",
        choices=("current-version", "none"),
        says="no successful deployment in the group: go back to CurrentVersion, or no rollback at all [R]",
    ),
    Switch(name="rollback-fails", default="", says="an error code: rollback deployments fail with it before shifting"),
    Switch(
        name="rollback-message",
        default="started",
        choices=("started", "progress"),
        says="rollbackMessage says on both sides that the rollback was triggered [R], or how it goes on the one side",
    ),
    # Texts
    Switch(
        name="conflict-message",
        default="current",
        choices=("current", "older"),
        says="the wording of DeploymentLimitExceededException",
    ),
    Switch(
        name="alarm-active-message",
        default="One or more alarms have been activated according to the Amazon CloudWatch metrics you selected, "
        "and the affected deployments have been stopped. Activated alarms: {alarms}",
        says="errorInformation.message for ALARM_ACTIVE; {alarms} are the names, each in brackets of its own [R]",
    ),
    Switch(
        name="hook-failure-message",
        default="The deployment failed because one or more of the lifecycle event validation functions failed.",
        says="errorInformation.message when a hook reports Failed; may name {function} and {event} [R]",
    ),
    Switch(
        name="hook-timeout-message",
        default="The deployment timed out while waiting for a status callback. CodeDeploy expects a status callback "
        "within one hour after a deployment hook is invoked.",
        says="errorInformation.message when a hook never answers; may name {function} and {event} [D]",
    ),
    Switch(
        name="manual-stop-message",
        default="The deployment was stopped on request.",
        says="errorInformation.message for MANUAL_STOP [U]",
    ),
    # Metrics
    Switch(name="metric-delay-seconds", default=120, says="from the end of a minute to its metrics' first points [U]"),
    Switch(
        name="metric-revision-seconds",
        default=60,
        says="for so long a minute of synthetic traffic shows only a part of its calls; 0: whole at once [U]",
    ),
    Switch(name="cold-calls", default=5, says="so many first calls of a version by synthetic traffic are slow"),
    Switch(name="cold-milliseconds", default=1000, says="how much longer a slow first call takes"),
    Switch(
        name="executed-version-always",
        default=False,
        says="metrics of an alias without weights have the dimension ExecutedVersion too [U]",
    ),
    # Limits
    Switch(name="limits", default=False, says="throttle as AWS does (in emulated time)"),
    Switch(name="lambda-rate", default=15, says="Lambda control plane requests a second, account and region"),
    Switch(name="lambda-get-function-rate", default=100, says="GetFunction requests a second"),
    Switch(name="codedeploy-rate", default=5, says="CodeDeploy reads a second, sustained; writes apart, as many [U]"),
    Switch(name="codedeploy-burst", default=20, says="CodeDeploy reads in a burst; writes apart, as many [U]"),
    Switch(
        name="codedeploy-alias-tries", default=3, says="CodeDeploy's own tries of an alias update when throttled [U]"
    ),
    Switch(name="page-size", default=100, says="items on a page of CodeDeploy's lists"),
    Switch(name="alarms-per-group", default=10, says="10 in the model and the guide, 50 in newer quotas"),
    # Lambda, IAM, GitHub
    Switch(name="lambda-pending-seconds", default=0, says="State and LastUpdateStatus stay pending so long"),
    Switch(
        name="managed-activation-seconds",
        default=900,
        says="how long a version on managed instances is Pending, until these have started [D]",
    ),
    Switch(
        name="versions-fail",
        default="",
        says="a StateReasonCode (`InsufficientCapacity`): versions that are published now do not become active [D]",
    ),
    Switch(
        name="kms-denied",
        default=False,
        says="the caller may not use the KMS keys of functions: their Environment and ImageConfig come as an Error [D]",
    ),
    Switch(
        name="replicated-versions",
        default="",
        says="versions with replicas of Lambda@Edge (`checkout:2 checkout:3`), which cannot be deleted [D]",
    ),
    Switch(
        name="check-service-role", default=False, says="a deployment needs its group's service role to exist in IAM"
    ),
    Switch(name="role-chaining-seconds", default=3600, says="longest chained session, 0 for no limit [U]"),
    Switch(
        name="github-token",
        default="write",
        choices=("write", "read"),
        says="read: a fork's token, every write is refused with 403",
    ),
)

_BY_NAME = {switch.name: switch for switch in TABLE}


@dataclass(slots=True)
class Switches:
    """The present position of every switch."""

    values: dict[str, Value] = field(default_factory=lambda: {switch.name: switch.default for switch in TABLE})

    def update(self, changes: Mapping[str, object]) -> None:
        """Set several switches, all or none; underscores may stand for hyphens. SeedError says what is wrong."""
        checked = {name.replace("_", "-"): _checked(name.replace("_", "-"), value) for name, value in changes.items()}
        self.values.update(checked)

    def flag(self, name: str) -> bool:
        """A switch that is on or off."""
        return self.values[name] is True

    def number(self, name: str) -> float:
        """A switch that is a number."""
        return float(self.values[name])

    def text(self, name: str) -> str:
        """A switch that is one of its choices, or a text."""
        return str(self.values[name])


def _checked(name: str, value: object) -> Value:
    switch = _BY_NAME.get(name)
    if switch is None:
        raise SeedError(f"there is no switch '{name}'; the switches are {', '.join(sorted(_BY_NAME))}")
    if isinstance(switch.default, bool):
        if not isinstance(value, bool):
            raise SeedError(f"switch '{name}' takes true or false")
        return value
    if isinstance(switch.default, int | float):
        if isinstance(value, bool) or not isinstance(value, int | float) or value < 0:
            raise SeedError(f"switch '{name}' takes a number that is not negative")
        return value
    if not isinstance(value, str) or (switch.choices and value not in switch.choices):
        allowed = " or ".join(switch.choices) if switch.choices else "a text"
        raise SeedError(f"switch '{name}' takes {allowed}")
    return value
