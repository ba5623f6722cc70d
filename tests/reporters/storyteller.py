"""A release's story in the words of people: `Release().running(weight=10).hook_fails().rolled_back()`.

Builds the events that the state machine would emit, on a clock of its own; `story` is what they add up to.
"""

from __future__ import annotations

from dataclasses import replace
from functools import cache
from typing import Any, Self

from ci_deploy.core.aws import (
    Alarm,
    Alias,
    DeploymentStatus,
    Diagnostics,
    Endpoint,
    EventStatus,
    FunctionVersion,
    Identity,
    LifecycleEvent,
    LogLines,
    Routing,
    RoutingType,
)
from ci_deploy.core.guards.grammar import parse
from ci_deploy.core.guards.judging import judge
from ci_deploy.core.guards.queries import Shift, Subject
from ci_deploy.core.guards.series import Count, Durations, Minute, Series, Shown
from ci_deploy.core.plan.history import HistoryEntry
from ci_deploy.core.plan.planning import Existing, Plan, ToPublish
from ci_deploy.core.reasons.ending.verdict import Serves
from ci_deploy.core.reasons.ending.watching import StaysInService
from ci_deploy.core.result import Diagnosis, Fate, Finding, Result, Severity
from ci_deploy.core.run import Command, Context, Outcome, Rollback, exit_code
from ci_deploy.core.story import events as e
from ci_deploy.core.story.timeline import Story, tell
from tests.support.reasons import Said, saying

PULL_REQUEST = Context(
    actions=True,
    repository="octo-shop/checkout",
    sha="4f2a91c07de1b0a6c6b4cdd1b7fcd6a2f3e8d901",
    ref="refs/pull/128/merge",
    run_id=11223344556,
    run_attempt=1,
    actor="mona",
    workflow="deploy",
    event_name="pull_request",
    pull_request=128,
)
IDENTITY = Identity(
    account="123456789012", arn="arn:aws:sts::123456789012:assumed-role/deploy/octo-shop", region="eu-central-1"
)
EMULATOR = Endpoint(url="http://127.0.0.1:4599", setting="AWS_ENDPOINT_URL")
INPUTS = {
    "command": "deploy",
    "function": "checkout",
    "application": "shop",
    "deployment-group": "checkout-live",
    "bucket": "shop-revisions",
    "before-allow-traffic": "CodeDeployHook_checkout_smoke",
    "after-allow-traffic": "CodeDeployHook_checkout_verify",
    "rollback-workflow": "rollback.yml",
}
CANARY = Routing(kind=RoutingType.CANARY, percentage=10, interval_minutes=5)
LINEAR = Routing(kind=RoutingType.LINEAR, percentage=10, interval_minutes=1)
APPSPEC = """{
  "version": 0.0,
  "Resources": [
    {
      "checkout": {
        "Type": "AWS::Lambda::Function",
        "Properties": {"Name": "checkout", "Alias": "live", "CurrentVersion": "41", "TargetVersion": "42"}
      }
    }
  ],
  "Hooks": [
    {"BeforeAllowTraffic": "CodeDeployHook_checkout_smoke"},
    {"AfterAllowTraffic": "CodeDeployHook_checkout_verify"}
  ]
}"""
HOOK_LOG = (
    "START RequestId: 0b5c7a1e-6f0d-4b51-9d3c-5e2a7f3d9c11 Version: $LATEST",
    "[INFO] 2026-11-23T14:01:09Z smoke test of checkout:42",
    "GET /health -> 200 in 81 ms",
    "POST /cart/items -> 500 in 1204 ms",
    "[ERROR] KeyError: 'currency'\n  File \"/var/task/cart.py\", line 87, in total",
    "END RequestId: 0b5c7a1e-6f0d-4b51-9d3c-5e2a7f3d9c11",
    "REPORT RequestId: 0b5c7a1e-6f0d-4b51-9d3c-5e2a7f3d9c11 Duration: 1310.42 ms Memory Used: 71 MB",
)
# CodeDeploy's own words, as recorded (facts.md G10, G11).
HOOK_FAILED = "The deployment failed because one or more of the lifecycle event validation functions failed."
ALARMS_ARE_ACTIVE = (
    "One or more alarms have been activated according to the Amazon CloudWatch metrics you selected, and the affected "
    "deployments have been stopped. Activated alarms: <{}>"
)
ARN = "https://eu-central-1.console.aws.amazon.com/codesuite/codedeploy/deployments/{}?region=eu-central-1"


VIOLATED = "`errors < 1%` is violated: 14 of 52 calls of version 42 failed, 27%; version 41: 3 of 480, 0.6%."


# Reasons in words of their own: a report is held to what it does with them, and tests/core/reasons to what they say.


def alarm_active(function: str) -> Said:
    return saying(
        "codedeploy-alarm-active",
        f"Alarm `{function}-errors` fired 1m 35s into the 10% canary (Errors 14, threshold 5). CodeDeploy stopped the "
        "deployment.",
        f"Find the cause in the log of version 42: `aws logs tail /aws/lambda/{function} --since 1h --region "
        "eu-central-1`. Past the alarm: `alarms: off`.",
    )


def hook_failed(hook: str, event: str, took: str, region: str = "") -> Said:
    where = f" --region {region}" if region else ""
    return saying(
        "codedeploy-hook-execution-failure",
        f"Hook `{hook}` ({event}) reported `Failed` after {took}.",
        f"The hook's log: `aws logs tail /aws/lambda/{hook} --since 1h{where}`.",
    )


class Release:
    """One run; methods add what happened next and return the release. Time passes only where a method says so."""

    def __init__(
        self,
        *keys: str,
        command: Command = Command.DEPLOY,
        context: Context = PULL_REQUEST,
        inputs: dict[str, str] | None = None,
        routing: Routing = CANARY,
        hooks: bool = True,
        current: str = "41",
        target: str = "42",
        epoch: float = 1795442400.0,
        identity: Identity | None = IDENTITY,
        endpoints: tuple[Endpoint, ...] = (),
    ) -> None:
        self.keys = keys or ("checkout:live",)
        self.command = command
        self.context = context
        self.routing = routing
        self.hooks = hooks
        self.current, self.target = current, target
        self.at = 0.0
        self.events: list[e.Event] = []
        self.story = Story()
        self._add(
            e.Started,
            key="",
            command=command,
            keys=self.keys,
            inputs=INPUTS if inputs is None else inputs,
            context=context,
            epoch=epoch,
        )
        if endpoints:
            self._add(e.NotAws, key="", endpoints=endpoints)
        if identity is not None:
            self.after(0.6)._add(e.Identified, key="", identity=identity)

    # --- time and bookkeeping --------------------------------------------------------------------------------------

    def after(self, seconds: float) -> Self:
        self.at += seconds
        return self

    def _add(self, kind: type, *, key: str | None = None, **fields: Any) -> Self:
        self.events.append(kind(at=self.at, key=self.keys[0] if key is None else key, **fields))
        self.story = tell(self.story, self.events[-1])
        return self

    def _id(self, key: str, rollback: bool = False) -> str:
        n = self.keys.index(key)
        return f"d-{'R' if rollback else 'A'}{n:02}B2C3D4E"

    def _alias(self, key: str, version: str, **weights: float) -> Alias:
        function, _, name = key.partition(":")
        return Alias(function=function, name=name, version=version, weights=weights)

    # --- the beginning ---------------------------------------------------------------------------------------------

    def plan_of(self, key: str, **changes: Any) -> Plan:
        function, _, alias = key.partition(":")

        def version(number: str, description: str = "") -> FunctionVersion:
            return FunctionVersion(
                function=function,
                version=number,
                code_sha256="k2bKqZ9gq0bQn3mVbY3b3uZ0m0c5w1m7p8o9i0u1y2t=",
                runtime="python3.13",
                memory_mb=512,
                timeout_s=10,
                role=f"arn:aws:iam::123456789012:role/{function}-runs",
                layers=("arn:aws:lambda:eu-central-1:123456789012:layer:metrics:12",),
                code_size=1_843_200,
                description=description,
            )

        fields: dict[str, Any] = {
            "function": function,
            "alias": alias,
            "application": "shop",
            "group": f"{function}-{alias}",
            "current_version": self.current,
            "target": ToPublish(source="latest", code_sha256="", revision_id="", fingerprint="")
            if self.command is not Command.ROLLBACK
            else Existing(version=self.target),
            "config_name": "CodeDeployDefault.LambdaCanary10Percent5Minutes",
            "routing": self.routing,
            "before_hook": f"CodeDeployHook_{function}_smoke" if self.hooks else "",
            "after_hook": f"CodeDeployHook_{function}_verify" if self.hooks else "",
            "bucket": "shop-revisions",
            "prefix": "CodeDeploy",
            "rollback_events": ("DEPLOYMENT_FAILURE", "DEPLOYMENT_STOP_ON_ALARM", "DEPLOYMENT_STOP_ON_REQUEST"),
            "alarm_names": (f"{function}-errors", f"{function}-p99-latency"),
            "timeout": 8100.0,
            "current": version(self.current, "ci-deploy sha=0a1b2c3d4e5f60718293a4b5c6d7e8f901234567"),
            "new": version("$LATEST"),
        }
        return Plan(**fields | changes)

    def planned(self, *findings: Finding, **changes: Any) -> Self:
        for key in self.keys:
            plan = self.plan_of(key, findings=findings, **changes)
            self.after(0.4)._add(e.Planned, key=key, plan=plan, alias=self._alias(key, self.current))
        return self

    def waits(self, what: str = "deployment d-OTHER1234 of run 11223344001, which is active in the group") -> Self:
        return self._add(e.Waiting, what=saying("waits", what), deployment_id="d-OTHER1234", until=self.at + 1800)

    def published(self) -> Self:
        for key in self.keys:
            self.after(1.2)._add(
                e.VersionPublished,
                key=key,
                version=self.target,
                code_sha256="k2bKqZ9gq0bQn3mVbY3b3uZ0m0c5w1m7p8o9i0u1y2t=",
            )
        return self

    def stored(self) -> Self:
        for key in self.keys:
            self._add(
                e.RevisionStored,
                key=key,
                location="s3://shop-revisions/CodeDeploy/checkout/live/9d2c41aa.json?versionId=3HL4kqtJvjVBH40Nrjfkd",
                sha256="9d2c41aa07f0" * 5,
                content=APPSPEC.replace("checkout", key.partition(":")[0]),
            )
        return self

    def created(self, *, attached: bool = False) -> Self:
        for key in self.keys:
            function, _, alias = key.partition(":")
            where = {"application": "shop", "group": f"{function}-{alias}"}
            versions = {"current_version": self.current, "target_version": self.target}
            self.after(0.5)._add(e.Creating, key=key, marker_id="1a2b3c4d", **where, **versions)
            self.after(0.3)._add(
                e.DeploymentStarted,
                key=key,
                deployment_id=self._id(key),
                console_url=ARN.format(self._id(key)),
                attached=attached,
                until=self.at + 8100,
                **where,
                **versions,
            )
        return self

    # --- the lifecycle ---------------------------------------------------------------------------------------------

    def status(self, status: DeploymentStatus, code: str = "", message: str = "", *, of_rollback: bool = False) -> Self:
        for key in self.keys:
            self._add(
                e.StatusChanged,
                key=key,
                deployment_id=self._id(key, of_rollback),
                status=status,
                error_code=code,
                error_message=message,
                of_rollback=of_rollback,
            )
        return self

    def lifecycle(
        self, name: str, status: EventStatus, seconds: float | None = None, *, of_rollback: bool = False, **said: str
    ) -> Self:
        for key in self.keys:
            self._add(
                e.LifecycleChanged,
                key=key,
                deployment_id=self._id(key, of_rollback),
                event=LifecycleEvent(name=name, status=status, diagnostics=Diagnostics(**said)),
                seconds=seconds,
                of_rollback=of_rollback,
            )
        return self

    def step(self, name: str, seconds: float, *, of_rollback: bool = False) -> Self:
        self.lifecycle(name, EventStatus.IN_PROGRESS, of_rollback=of_rollback)
        return self.after(seconds).lifecycle(name, EventStatus.SUCCEEDED, seconds, of_rollback=of_rollback)

    def shifts(self, weight: float, *, next_in: float | None = None, of_rollback: bool = False) -> Self:
        shares = {self.target: 100.0} if weight >= 100 else {self.current: 100.0 - weight, self.target: weight}
        if weight <= 0:
            shares = {self.current: 100.0}
        for key in self.keys:
            self._add(
                e.TrafficShifted,
                key=key,
                deployment_id=self._id(key, of_rollback),
                shares=shares,
                next_shift_at=self.at + next_in if next_in is not None else None,
                ends_at=self.at + 300 if next_in is not None else None,
                of_rollback=of_rollback,
            )
        return self

    def begun(self) -> Self:
        """Everything up to a deployment whose BeforeAllowTraffic hook has succeeded."""
        self.planned().published().stored().created().after(2).status(DeploymentStatus.IN_PROGRESS)
        self.after(1)
        return self.step("BeforeAllowTraffic", 9) if self.hooks else self

    def running(self, weight: float = 10) -> Self:
        self.begun().lifecycle("AllowTraffic", EventStatus.IN_PROGRESS).after(2)
        return self.shifts(weight, next_in=300)

    def heartbeat(self, minutes: float = 1) -> Self:
        self.after(minutes * 60)
        shares = self.story.functions[self.keys[0]].shares
        following = self.story.functions[self.keys[0]].next_shift_at
        return self._add(
            e.Heartbeat,
            what="AllowTraffic",
            shares=shares,
            next_shift_at=following,
            ends_at=following,
        )

    def all_shifted(self) -> Self:
        self.running().after(300).shifts(100).lifecycle("AllowTraffic", EventStatus.SUCCEEDED, 302)
        return self

    def loses_contact(self, failures: int = 3) -> Self:
        error = "codedeploy:BatchGetDeployments: ThrottlingException: Rate exceeded"
        return self._add(e.ContactTroubled, error=error, failures=failures, until=self.at + 600)

    def regains_contact(self) -> Self:
        return self._add(e.ContactRestored, failures=3)

    def cancelled_by(self, signal: str = "SIGINT") -> Self:
        return self._add(e.CancelReceived, key="", signal=signal, policy="rollback")

    def stop_requested(self, why: str = "the job was cancelled") -> Self:
        for key in self.keys:
            self._add(e.StopRequested, key=key, deployment_id=self._id(key), rollback=True, why=saying("why", why))
            self.after(0.4)._add(
                e.StopAnswered, key=key, deployment_id=self._id(key), status="Pending", message="Stopping deployment"
            )
        return self

    def hook_fails(self) -> Self:
        """BeforeAllowTraffic says no, before any traffic has moved."""
        self.planned().published().stored().created().after(2).status(DeploymentStatus.IN_PROGRESS).after(1)
        self.lifecycle("BeforeAllowTraffic", EventStatus.IN_PROGRESS).after(7)
        self.lifecycle(
            "BeforeAllowTraffic",
            EventStatus.FAILED,
            7,
            error_code="ScriptFailed",
            script_name="CodeDeployHook_checkout_smoke",
            message="The lifecycle event hook reported Failed.",
        )
        message = HOOK_FAILED
        return self.after(2).status(DeploymentStatus.FAILED, "HOOK_EXECUTION_FAILURE", message)

    def alarm_fires(self) -> Self:
        self.running().after(95).lifecycle("AllowTraffic", EventStatus.FAILED, 97)
        return self.status(DeploymentStatus.STOPPED, "ALARM_ACTIVE", ALARMS_ARE_ACTIVE.format("checkout-errors"))

    def measured(self, *minutes: tuple[int, int, int, int], line: str = "errors < 1%") -> Self:
        """A look at minutes of (calls, errors) of the new version and of the old one; zeros for the old: after it."""
        begin = 1795442400 - 1795442400 % 60
        split, after = [], []
        for number, (calls, bad, others, theirs) in enumerate(minutes):
            new, at = Count(calls=calls, bad=bad), begin + 60 * number
            if others:
                split.append(Minute(at=at, new=new, old=Count(calls=others, bad=theirs), share=0.1))
            else:
                after.append((at, new))
        for key in self.keys:
            function, _, alias = key.partition(":")
            quiet = not sum(calls for calls, *_ in minutes)
            shown = Shown(
                minutes=tuple(split),
                after=tuple(after),
                new_durations=None if quiet else Durations(p50=64.0, p99=212.0),
                old_durations=Durations(p50=61.0, p99=198.0),
                throttles=0 if quiet else 3,
            )
            series = Series(split=tuple(split), after=tuple(count for _, count in after), hour=(Count(calls=480),))
            self._add(
                e.Measured,
                key=key,
                subject=Subject(function=function, alias=alias, old=self.current, new=self.target),
                shown=shown,
                judgments=tuple(judge(guard, series, 0.001) for guard in parse(line).lines),
                shifts=(Shift(at=float(begin), share=10.0),),
                told_until=begin + 60 * (len(minutes) - 1),
                epoch=float(begin),
            )
        return self

    def baking(self, *, until: float | None = 600.0) -> Self:
        for key in self.keys:
            left = None if until is None else self.at + until
            self._add(e.BakeBegan, key=key, until=left, resumed=until is None)
        return self

    def taking_back(self, why: str) -> Self:
        return self._add(e.TakingBack, reasons=(saying("why", why),))

    def rollback_appears(self) -> Self:
        for key in self.keys:
            self.after(0.5)._add(
                e.RollbackStarted,
                key=key,
                deployment_id=self._id(key, True),
                rollback_of=self._id(key),
                console_url=ARN.format(self._id(key, True)),
            )
        return self.status(DeploymentStatus.IN_PROGRESS, of_rollback=True)

    def rollback_ends(self) -> Self:
        self.after(4).shifts(0, of_rollback=True).step("AllowTraffic", 4, of_rollback=True)
        return self.status(DeploymentStatus.SUCCEEDED, of_rollback=True)

    # --- why, and the end ------------------------------------------------------------------------------------------

    def diagnosed_hook(self, **changes: Any) -> Self:
        fields: dict[str, Any] = {
            "reason": hook_failed("CodeDeployHook_checkout_smoke", "BeforeAllowTraffic", "7s", "eu-central-1"),
            "logs": (
                LogLines(
                    function="CodeDeployHook_checkout_smoke",
                    group="/aws/lambda/CodeDeployHook_checkout_smoke",
                    lines=HOOK_LOG,
                ),
            ),
            "unreadable": ("Alarms not read (needs cloudwatch:DescribeAlarms).",),
        }
        return self._add(e.Diagnosed, diagnosis=Diagnosis(**fields | changes))

    def diagnosed_alarm(self) -> Self:
        return self._add(
            e.Diagnosed,
            diagnosis=Diagnosis(
                reason=alarm_active("checkout"),
                alarms=(
                    Alarm(
                        name="checkout-errors",
                        state="ALARM",
                        reason="Threshold Crossed: 1 datapoint [14.0] was greater than the threshold (5.0).",
                    ),
                ),
            ),
        )

    def undone(self, key: str, why: str) -> Self:
        """A release takes back what had succeeded, by a deployment of its own."""
        function, _, alias = key.partition(":")
        self._add(
            e.DeploymentStarted,
            key=key,
            deployment_id=self._id(key, True),
            console_url=ARN.format(self._id(key, True)),
            application="shop",
            group=f"{function}-{alias}",
            current_version=self.target,
            target_version=self.current,
            reverses=True,
        )
        self.after(1)._add(e.TrafficShifted, key=key, deployment_id=self._id(key, True), shares={self.current: 100.0})
        self._add(e.StatusChanged, key=key, deployment_id=self._id(key, True), status=DeploymentStatus.SUCCEEDED)
        self._add(e.AliasRead, key=key, alias=self._alias(key, self.current))
        result = self.result_of(
            key,
            Outcome.ROLLED_BACK,
            live=self.current,
            deployed=False,
            rollback=Rollback.SUCCEEDED,
            reason=f"It had succeeded and was rolled back, all or nothing. {why}",
        )
        return self._add(e.Finished, key=key, result=result)

    def put_on_hold(self, text: str) -> Self:
        return self._add(e.HoldChanged, text=text)

    def finished(self, outcome: Outcome, *, live: str = "", weights: str = "", **changes: Any) -> Self:
        results = []
        for key in self.keys:
            if live:
                shares = {
                    version: float(share) for version, share in (part.split("=") for part in weights.split(",") if part)
                }
                extra = {version: share for version, share in shares.items() if version != live}
                self._add(e.AliasRead, key=key, alias=self._alias(key, live, **extra))
            results.append(self.result_of(key, outcome, live=live, live_weights=weights, **changes))
            self._add(e.Finished, key=key, result=results[-1])
        return self.concluded(*results)

    def result_of(self, key: str, outcome: Outcome, *, live: str = "", **changes: Any) -> Result:
        function, _, alias = key.partition(":")
        story = self.story.functions[key]
        diagnosis = story.diagnosis
        fields: dict[str, Any] = {
            "function": function,
            "alias": alias,
            "outcome": outcome,
            "deployment_id": story.deployment.deployment_id if story.deployment else "",
            "rollback_deployment_id": story.rollback.deployment_id if story.rollback else "",
            "previous_version": self.current,
            "target_version": story.target_version,
            "live_version": live,
            "deployed": outcome is Outcome.SUCCEEDED,
            "console_url": story.deployment.console_url if story.deployment else "",
            "duration_seconds": self.at,
            "reason": diagnosis.summary if diagnosis else "",
            "remedy": diagnosis.remedy if diagnosis else "",
        }
        fields |= changes
        told = fields.pop("reason"), fields.pop("remedy")
        if any(told):
            fields.setdefault("reasons", (Said(code=outcome.value, said=told[0], advice=told[1]),))
        if fields["deployment_id"]:
            over = outcome not in (Outcome.DETACHED, Outcome.LOST_CONTACT)
            fields.setdefault("fate", Fate.ENDED if over else Fate.RUNNING)
        return Result(**fields)

    def concluded(self, *results: Result) -> Self:
        worst = max(results, key=lambda result: exit_code(self.command, result.outcome))
        return self._add(
            e.Concluded,
            key="",
            command=self.command,
            result=worst,
            results=results,
            exit_code=exit_code(self.command, worst.outcome),
        )

    def noticed(
        self, text: str, remedy: str = "", *, severity: Severity = Severity.WARNING, code: str = "note"
    ) -> Self:
        return self._add(
            e.Noticed, key="", finding=Finding(severity=severity, reason=Said(code=code, said=text, advice=remedy))
        )

    def succeeded(self) -> Self:
        self.all_shifted()
        if self.hooks:
            self.step("AfterAllowTraffic", 12)
        self.after(1).status(DeploymentStatus.SUCCEEDED)
        return self.after(1).finished(Outcome.SUCCEEDED, live=self.target)

    def rolled_back(self) -> Self:
        """The whole story of an alarm: 10 %, alarm, rollback, the version from before."""
        self.alarm_fires().rollback_appears().rollback_ends().diagnosed_alarm().after(1)
        return self.finished(Outcome.ROLLED_BACK, live=self.current, rollback=Rollback.SUCCEEDED)


@cache
def scenarios() -> dict[str, Release]:
    """Every state that people may see, by name: the golden files."""
    dispatch = Context(
        actions=True,
        repository="octo-shop/checkout",
        sha=PULL_REQUEST.sha,
        ref="refs/heads/main",
        run_id=11223344999,
        run_attempt=2,
        actor="hubot",
        event_name="workflow_dispatch",
    )
    emulated = Context(
        actions=True,
        repository="octo-shop/checkout",
        sha=PULL_REQUEST.sha,
        run_id=1,
        actor="mona",
        event_name="push",
    )
    public = Context(
        actions=True,
        repository="octo-shop/checkout",
        sha=PULL_REQUEST.sha,
        run_id=11223344556,
        run_attempt=1,
        actor="mona",
        event_name="pull_request",
        pull_request=128,
        public=True,
    )
    warning = Finding(
        severity=Severity.WARNING,
        reason=Said(
            code="alarms-none",
            said="No alarm watches this deployment: only a failing hook would stop it.",
            advice="Add alarms to the deployment group, or name some with `alarms`.",
        ),
    )
    refusal = Finding(
        severity=Severity.REFUSAL,
        reason=saying(
            "hook-name",
            "Hook `smoke-test` has a name that the service role does not cover.",
            "Rename it to CodeDeployHook_smoke.",
        ),
    )
    four = ("checkout:live", "payments:live", "search:live", "stock:live")
    return {
        "planned": Release().planned(warning),
        "waiting": Release().planned().waits(),
        "running": Release().running(),
        "running-linear": Release(routing=LINEAR, hooks=False).running(30),
        "no-contact": Release().running().heartbeat().loses_contact(),
        "stopping": Release().running().heartbeat().cancelled_by().stop_requested(),
        "rolling-back": Release().alarm_fires().rollback_appears(),
        "succeeded": Release().succeeded(),
        "succeeded-emulated": Release(context=emulated, endpoints=(EMULATOR,)).succeeded(),
        "succeeded-four": Release(*four, inputs={"config": "release.yml"}).succeeded(),
        "unchanged": Release()
        .planned(unchanged=saying("same-content", "version 41 has the code and configuration of $LATEST"))
        .finished(Outcome.UNCHANGED, live="41", reason="Version 41 has the code and configuration of $LATEST."),
        "plan": Release(command=Command.PLAN).planned(warning).finished(Outcome.PLANNED, live="41"),
        "refused": Release()
        .planned(refusal)
        .finished(Outcome.REFUSED, live="41", reason=refusal.text, remedy=refusal.remedy),
        "failed-hook": Release()
        .hook_fails()
        .rollback_appears()
        .rollback_ends()
        .diagnosed_hook()
        .finished(Outcome.ROLLED_BACK, live="41", rollback=Rollback.SUCCEEDED),
        "failed-hook-public": Release(context=public).hook_fails().diagnosed_hook().finished(Outcome.FAILED, live="41"),
        "rolled-back": Release().rolled_back(),
        "guard": Release()
        .running()
        .measured((26, 6, 240, 1))
        .measured((26, 6, 240, 1), (26, 8, 240, 2))
        .stop_requested(VIOLATED)
        .status(DeploymentStatus.STOPPED, "MANUAL_STOP", "The deployment was stopped by request.")
        .rollback_appears()
        .rollback_ends()
        .finished(
            Outcome.ROLLED_BACK,
            live="41",
            rollback=Rollback.SUCCEEDED,
            reason=VIOLATED,
            remedy="Find out what fails in version 42, and deploy a fix.",
            guard_verdict="violated",
        ),
        "baking": Release()
        .all_shifted()
        .status(DeploymentStatus.SUCCEEDED)
        .measured((0, 0, 240, 1), (0, 0, 0, 0), line="errors < 1%\nobserve: errors < 2x")
        .baking(),
        "baking-resumed": Release().all_shifted().status(DeploymentStatus.SUCCEEDED).baking(until=None),
        "taking-back": Release().all_shifted().status(DeploymentStatus.SUCCEEDED).baking().taking_back(VIOLATED),
        "no-traffic": Release()
        .all_shifted()
        .status(DeploymentStatus.SUCCEEDED)
        .measured((0, 0, 240, 1), (0, 0, 240, 0), line="observe: errors < 2x")
        .finished(Outcome.SUCCEEDED, live="42", guard_verdict=""),
        "stays-in-service": Release(command=Command.WATCH, inputs={"command": "watch", "stack": "shop"})
        .all_shifted()
        .status(DeploymentStatus.SUCCEEDED)
        .measured((26, 6, 240, 1), (26, 8, 240, 2))
        .finished(
            Outcome.SUCCEEDED,
            live="42",
            reasons=(
                StaysInService(found=VIOLATED, version="42", previous="41", stack="shop"),
                Serves(serves=(("42", 100.0),)),
            ),
            guard_verdict="violated",
        ),
        "rollback-failed": Release()
        .alarm_fires()
        .rollback_appears()
        .after(30)
        .status(DeploymentStatus.FAILED, "INTERNAL_ERROR", "The rollback failed.", of_rollback=True)
        .diagnosed_alarm()
        .finished(
            Outcome.ROLLBACK_FAILED,
            live="41",
            weights="41=90,42=10",
            rollback=Rollback.FAILED,
            remedy="",
            settled=False,
        ),
        "cancelled": Release()
        .running()
        .heartbeat()
        .cancelled_by()
        .stop_requested()
        .status(DeploymentStatus.STOPPED, "MANUAL_STOP", "The deployment was stopped by request.")
        .rollback_appears()
        .rollback_ends()
        .finished(
            Outcome.CANCELLED,
            live="41",
            rollback=Rollback.SUCCEEDED,
            reason="The job was cancelled by SIGINT after 1m 19s.",
        ),
        "timed-out": Release()
        .running()
        .after(8100)
        .stop_requested("the time limit of 2h 15m has passed")
        .status(DeploymentStatus.STOPPED, "MANUAL_STOP", "The deployment was stopped by request.")
        .finished(
            Outcome.TIMED_OUT,
            live="41",
            weights="41=90,42=10",
            rollback=Rollback.UNKNOWN,
            reason="The time limit of 2h 15m has passed.",
            settled=False,
        ),
        "lost-contact": Release()
        .running()
        .heartbeat()
        .loses_contact(240)
        .after(600)
        .finished(
            Outcome.LOST_CONTACT,
            reason="codedeploy:BatchGetDeployments: ThrottlingException: Rate exceeded, for 10m.",
            settled=False,
        ),
        "manual-rollback": Release(
            command=Command.ROLLBACK,
            context=dispatch,
            current="42",
            target="41",
            hooks=False,
            routing=Routing(kind=RoutingType.ALL_AT_ONCE),
            inputs={
                "command": "rollback",
                "function": "checkout",
                "application": "shop",
                "deployment-group": "checkout-live",
                "reason": "Checkout total is wrong for CHF, see the incident channel",
            },
        )
        .planned()
        .stored()
        .created()
        .after(3)
        .status(DeploymentStatus.IN_PROGRESS)
        .shifts(100)
        .step("AllowTraffic", 2)
        .status(DeploymentStatus.SUCCEEDED)
        .put_on_hold("by hubot run 11223344999 - Checkout total is wrong for CHF")
        .finished(Outcome.SUCCEEDED, live="41", reason="Checkout total is wrong for CHF, see the incident channel"),
        "release-mixed": mixed(four),
        "release-twelve": twelve(),
        "release-running": Release(*four, inputs={"config": "release.yml"}).running(30),
        "plan-findings": plan_with_findings(warning, refusal),
        "setup": set_up(),
        "prune": pruned(),
        "first": Release(hooks=False, current="")
        .planned()
        .finished(Outcome.SUCCEEDED, live="1", previous_version="", target_version="1", deployed=True),
        "error": Release(identity=None).finished(
            Outcome.ERROR,
            reason="sts:GetCallerIdentity: ExpiredToken: The security token included in the request is expired.",
            remedy="Get new credentials, or give `role-to-assume`: those are refreshed for as long as the job lives.",
        ),
        "status": status_report(),
    }


def mixed(keys: tuple[str, ...]) -> Release:
    """A release of four of which one failed and all were taken back."""
    release = Release(*keys, inputs={"config": "release.yml", "release-policy": "rollback-all"})
    release.running().after(95)
    release._add(
        e.StatusChanged,
        key="payments:live",
        deployment_id=release._id("payments:live"),
        status=DeploymentStatus.STOPPED,
        error_code="ALARM_ACTIVE",
        error_message=ALARMS_ARE_ACTIVE.format("payments-errors"),
    )
    release._add(
        e.Diagnosed,
        key="payments:live",
        diagnosis=Diagnosis(
            reason=alarm_active("payments"),
            alarms=(
                Alarm(
                    name="payments-errors",
                    state="ALARM",
                    reason="Threshold Crossed: 1 datapoint [14.0] was greater than the threshold (5.0).",
                ),
            ),
        ),
    )
    results = []
    for key in keys:
        release._add(e.AliasRead, key=key, alias=release._alias(key, "41"))
        reason = alarm_active("payments").text
        if key != "payments:live":
            reason = "Another function of the release failed: payments:live."
        result = release.result_of(
            key, Outcome.ROLLED_BACK, live="41", rollback=Rollback.SUCCEEDED, reason=reason, remedy=""
        )
        results.append(result)
        release._add(e.Finished, key=key, result=result)
    return release.concluded(results[1], results[0], *results[2:])


def status_report() -> Release:
    release = Release(command=Command.STATUS)
    entries = (
        HistoryEntry(
            deployment_id="d-A00B2C3D4",
            status=DeploymentStatus.SUCCEEDED,
            created=1795440000.0,
            current_version="40",
            target_version="41",
            kind="deploy",
            run_id=11223344001,
            commit="0a1b2c3d4e5f",
        ),
        HistoryEntry(
            deployment_id="d-R77B2C3D4",
            status=DeploymentStatus.SUCCEEDED,
            created=1795340000.0,
            current_version="41",
            target_version="40",
            kind="automatic rollback",
            rollback_of="d-A77B2C3D4",
        ),
        HistoryEntry(
            deployment_id="d-A77B2C3D4",
            status=DeploymentStatus.FAILED,
            created=1795339000.0,
            current_version="40",
            target_version="41",
            kind="deploy",
            run_id=11223300001,
            commit="77aabbccdd00",
            reason="",
        ),
        HistoryEntry(
            deployment_id="d-B55B2C3D4",
            status=DeploymentStatus.SUCCEEDED,
            created=1795240000.0,
            current_version="39",
            target_version="38",
            kind="rollback",
            run_id=11223200001,
            commit="55aabbccdd00",
            reason="wrong prices, see #incident | by hand",
        ),
    )
    release._add(e.StatusReported, alias=release._alias(release.keys[0], "41"), history=entries, served_by=entries[0])
    return release.finished(Outcome.REPORTED, live="41")


def twelve() -> Release:
    """Of twelve functions, one fails late; what had succeeded is taken back with it."""
    names = "catalog checkout customers fraud invoices mail orders payments pricing search shipping stock"
    keys = tuple(f"{name}:live" for name in names.split())
    release = Release(*keys, inputs={"config": "release.yml", "release-policy": "rollback-all"})
    release.all_shifted().after(9)
    culprit = "payments:live"
    for key in keys:
        if key != culprit:
            result = release.result_of(key, Outcome.SUCCEEDED, live="42")
            release._add(e.StatusChanged, key=key, deployment_id=release._id(key), status=DeploymentStatus.SUCCEEDED)
            release._add(e.Finished, key=key, result=result)
    hook = "CodeDeployHook_payments_verify"
    failed = LifecycleEvent(name="AfterAllowTraffic", status=EventStatus.FAILED, diagnostics=Diagnostics())
    release._add(e.LifecycleChanged, key=culprit, deployment_id=release._id(culprit), event=failed, seconds=9.0)
    release._add(
        e.StatusChanged,
        key=culprit,
        deployment_id=release._id(culprit),
        status=DeploymentStatus.FAILED,
        error_code="HOOK_EXECUTION_FAILURE",
        error_message=HOOK_FAILED,
    )
    logs = (LogLines(function=hook, group=f"/aws/lambda/{hook}", lines=HOOK_LOG),)
    release._add(
        e.Diagnosed,
        key=culprit,
        diagnosis=Diagnosis(
            reason=hook_failed(hook, "AfterAllowTraffic", "9s"),
            logs=logs,
        ),
    )
    release.after(2)._add(
        e.RollbackStarted,
        key=culprit,
        deployment_id=release._id(culprit, True),
        rollback_of=release._id(culprit),
        console_url=ARN.format(release._id(culprit, True)),
    )
    release.after(4)._add(
        e.StatusChanged,
        key=culprit,
        deployment_id=release._id(culprit, True),
        status=DeploymentStatus.SUCCEEDED,
        of_rollback=True,
    )
    release._add(e.AliasRead, key=culprit, alias=release._alias(culprit, "41"))
    result = release.result_of(culprit, Outcome.ROLLED_BACK, live="41", rollback=Rollback.SUCCEEDED)
    release._add(e.Finished, key=culprit, result=result)
    for key in keys:
        if key != culprit:
            release.undone(key, "The alias serves version 41 at 100 %.")
    others = [chapter.result for key, chapter in release.story.functions.items() if key != culprit and chapter.result]
    return release.concluded(result, *others)


def plan_with_findings(*findings: Finding) -> Release:
    """A plan that would be refused, and shows what changes."""
    release = Release(command=Command.PLAN)
    plan = release.plan_of("checkout:live")
    assert plan.current and plan.new
    layer = "arn:aws:lambda:eu-central-1:123456789012:layer:metrics:13"
    new = replace(
        plan.new, code_sha256="Zm9vYmFyIGZvbyBiYXIgZm9vIGJhciBmb28gYmFyIQ==", memory_mb=1024, layers=(layer,),
        environment_names=("CURRENCIES", "PRICES_TABLE"),
    )  # fmt: skip
    note = Finding(
        severity=Severity.NOTE, reason=Said(code="timeout", said="The time limit follows from the config and 2 hooks.")
    )
    release.planned(*findings, note, new=new)
    refusal = findings[-1]
    return release.finished(Outcome.REFUSED, live="41", reason=refusal.text, remedy=refusal.remedy)


def set_up() -> Release:
    """What `setup` would do, with a difference that it leaves alone."""
    release = Release(command=Command.SETUP)
    release._add(
        e.Listed,
        key="",
        title="Setup",
        columns=("What", "Name", "", "Detail"),
        rows=(
            ("application", "shop", "is there", ""),
            ("deployment config", "Shop.Canary20Percent3Minutes", "would be created", "canary 20% 3m"),
            ("deployment group", "checkout-live", "differs, and stays so", "alarms: checkout-errors → none"),
            ("alias", "checkout:live", "would be created", "on version 41"),
        ),
    )
    release.noticed(
        "The deployment group differs in its alarms, and stays as it is.", "`update-group: true` changes it."
    )
    return release.finished(
        Outcome.REPORTED, reason="2 things would be created.", remedy="`apply: true` creates them.",
        previous_version="", target_version="", duration_seconds=2.4,
    )  # fmt: skip


def pruned() -> Release:
    """What `prune` has deleted."""
    release = Release(command=Command.PRUNE)
    release._add(
        e.Listed,
        key="",
        title="Versions",
        columns=("Version", "Published", "Code", "Description", "Kept for"),
        rows=(
            ("42", "2026-11-23", "1.8 MB", "sha=4f2a91c", "the alias live, one of the newest 2"),
            ("41", "2026-11-20", "1.8 MB", "sha=0a1b2c3", "what a rollback needs, one of the newest 2"),
            ("40", "2026-11-12", "1.8 MB", "", "nothing needs it: to be deleted"),
            ("39", "2026-11-02", "1.7 MB", "", "nothing needs it: to be deleted"),
        ),
    )
    for version in ("39", "40"):
        release._add(e.Written, key="", what=f"Version {version} of checkout was deleted")
    return release.finished(
        Outcome.SUCCEEDED, reason="Deleted: 39, 40.", previous_version="", target_version="", duration_seconds=3.1
    )
