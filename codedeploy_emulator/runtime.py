"""The shell round the engine: it looks, lets what is due happen, and carries out the effects on moto and on functions.

One lock guards everything. Functions run outside it, on threads of their own, and call back through the front door.
"""

from __future__ import annotations

import heapq
import sys
import threading
import traceback
from dataclasses import replace
from typing import Any

from .aws import moto_parts
from .aws.limits import Limits
from .clock import Clock
from .codedeploy.model import preparation, rollback
from .codedeploy.model.engine import (
    alarm_changed,
    due,
    failed,
    hook_answered,
    hook_refused,
    hook_said,
    step,
    traffic_failed,
)
from .codedeploy.model.run import NEVER, Effect, InvokeHook, Rules, Run, SetTraffic, Sight, Status
from .codedeploy.model.store import Deployment, Place, Store
from .errors import ApiError
from .lambda_.processes import Functions, Outcome
from .metrics import account as metrics_account
from .metrics.book import Book
from .metrics.traffic import Traffic
from .switches import Switches
from .waiting import Waiting

THROTTLED = (
    "The deployment failed because the number of requests by the IAM role {role} exceeded the request limit for "
    "AWSLambda. Avoid retrying the deployment immediately."
)
NOT_PERMITTED = (
    "The IAM role {role} does not give you permission to perform operations in the following AWS service: AWSLambda. "
    "Contact your AWS administrator if you need help."
)


class Runtime:
    """Settles deployments as time goes by. All methods may be called from any thread."""

    def __init__(self, clock: Clock, switches: Switches) -> None:
        self.lock = threading.RLock()
        self.clock = clock
        self.switches = switches
        self.store = Store(int(switches.number("random-seed")))
        self.limits = Limits(switches)
        self.functions = Functions(clock=clock, switches=switches)
        self.book = Book(switches)
        self.traffic = Traffic(self.book, switches, metrics_account.weights, metrics_account.log_errors)
        self.waiting = Waiting()
        self._changed = threading.Condition(self.lock)
        self._heap: list[tuple[float, int, str]] = []
        self._pushed = 0
        self._busy = 0
        self.generation = 0
        self._advancing = threading.Lock()
        self._closing = False
        self._ticker: threading.Thread | None = None

    # Time

    def settle(self) -> None:
        """Let everything happen that is due by now, in the order in which it is due."""
        with self.lock:
            now = self.clock.now()
            while self._heap and self._heap[0][0] <= now:
                self._next()
            self.traffic.play(now)

    def advance(self, seconds: float) -> float:
        """Move time on, event by event; waits for hooks that run. Returns the emulated time reached."""
        with self._advancing, self.lock:
            until = self.clock.now() + seconds
            while not self._closing:
                if self._busy:
                    self._changed.wait()
                elif self._heap and self._heap[0][0] <= max(until, self.clock.now()):
                    self.clock.move_to(self._heap[0][0])
                    self._next()
                elif self.clock.now() < until:
                    self.clock.move_to(until)
                else:
                    break
            self.traffic.play(self.clock.now())
            return self.clock.now()

    def run_at(self, speed: float | str) -> None:
        """Let time go on at another speed."""
        with self.lock:
            self.settle()
            self.clock.run_at(speed)
            if not self.clock.jumps:
                self.waiting.wake(NEVER)
            self._changed.notify_all()

    def wait(self, client: str, connection: object, seconds: float) -> float:
        """A client waits for so many seconds, or until it is woken; returns the time reached. Then it works."""
        with self.lock:
            until = self.clock.now() + seconds
            self.waiting.begin(client, connection, until)
            self._changed.notify_all()
            while self.waiting.waits(client) and not self._closing and self.clock.now() < until:
                self._changed.wait(until - self.clock.now())
            self.waiting.work(client)
            return self.clock.now()

    def wake(self, client: str) -> None:
        """A client works before its moment has come."""
        with self.lock:
            self.waiting.work(client)
            self._changed.notify_all()

    def left(self, connection: object) -> None:
        """A connection is closed."""
        with self.lock:
            if self.waiting.leave(connection):
                self._changed.notify_all()

    def start(self) -> None:
        """Keep time going by itself, so that hooks are invoked in time even when nobody looks."""
        if not self.clock.manual:
            self._ticker = threading.Thread(target=self._tick, name="emulator-ticker", daemon=True)
            self._ticker.start()

    def close(self) -> None:
        """Stop the ticker and forget unpacked code."""
        with self.lock:
            self._closing = True
            self.generation += 1
            self._changed.notify_all()
        if self._ticker:
            self._ticker.join(timeout=5)
        self.functions.close()

    def reset(self) -> None:
        """Back to the start: no deployment, no moto resource, time as at first. Running hooks are forgotten."""
        with self.lock:
            self.generation += 1
            self._busy = 0
            self._heap.clear()
            self.clock.reset()
            self.waiting.wake(NEVER)
            self.store = Store(int(self.switches.number("random-seed")))
            self.limits.reset()
            self.functions.reset()
            self.traffic.clear()
            self.book.clear()
            moto_parts.reset()
            self._changed.notify_all()

    def _tick(self) -> None:
        while not self._closing:
            with self.lock:
                self.settle()
                if self._jump():
                    continue
                pause = self.clock.real_seconds_until(self._heap[0][0]) if self._heap else 60.0
                if pause > 0:
                    self._changed.wait(min(pause, 60.0))

    def _jump(self) -> bool:
        """Move time to whatever comes first, where every client waits for it and no hook runs; whether it moved."""
        first = self.waiting.first()
        if first is None or self._busy:
            return False
        self.clock.move_to(min(first, self._heap[0][0] if self._heap else first))
        # From here on they work, however long their threads take to find out.
        self.waiting.wake(self.clock.now())
        self._changed.notify_all()
        return True

    # Deployments

    def schedule(self, deployment: Deployment) -> None:
        """Remember when this deployment goes on by itself."""
        at = due(deployment.run)
        if at < NEVER:
            self._pushed += 1
            heapq.heappush(self._heap, (at, self._pushed, deployment.id))
        self._changed.notify_all()

    def change(self, deployment: Deployment, run: Run) -> None:
        """A deployment's run was changed from outside (stop, hook answer, alarm)."""
        with self.lock:
            before, deployment.run = deployment.run, run
            self._over(deployment, before)
            self.schedule(deployment)

    def rules(self) -> Rules:
        """The engine's rules as the switches stand."""
        number, text = self.switches.number, self.switches.text
        return Rules(
            start_delay=number("start-delay-seconds"),
            event_seconds=number("event-seconds"),
            undeclared_status=text("undeclared-hooks"),
            undeclared_seconds=number("undeclared-hook-seconds"),
            hook_timeout=number("hook-timeout-seconds"),
            hook_timeout_code=text("hook-timeout-code"),
            stop_pending=number("stop-pending-seconds"),
            stop_answer=text("stop-answer"),
            alarm_reaction=number("alarm-reaction-seconds"),
            alarm_status=Status(text("alarm-status")),
            rollback_delay=number("rollback-delay-seconds"),
            manual_stop_message=text("manual-stop-message"),
            alarm_message=text("alarm-active-message"),
            hook_message=text("hook-failure-message"),
            hook_timeout_message=text("hook-timeout-message"),
        )

    def watch_alarms(self) -> None:
        """Look at the alarms of every active deployment; to be called after anything may have moved one."""
        with self.lock:
            now = self.clock.now()
            for deployment in self.store.deployments():
                if not deployment.run.status.final:
                    run = alarm_changed(deployment.run, now, self._alarms(deployment))
                    if run is not deployment.run:
                        self.change(deployment, run)

    def _next(self) -> None:
        at, _, identity = heapq.heappop(self._heap)
        deployment = self.deployment(identity)
        # An entry whose moment is not the run's any more was overtaken by a later change, which pushed its own.
        if due(deployment.run) != at:
            return
        if self.clock.manual:
            self.clock.move_to(at)
        try:
            self._step(deployment, at)
        except Exception:  # noqa: BLE001 - a bug must end this one deployment visibly, not stop time for all
            traceback.print_exc(file=sys.stderr)
            before = deployment.run
            deployment.run = failed(before, at, "INTERNAL_ERROR", "The emulator failed; its own output says why.")
            self._over(deployment, before)
        self.traffic.note(at)
        self.schedule(deployment)

    def _step(self, deployment: Deployment, at: float) -> None:
        before = deployment.run
        sight = Sight()
        if before.status is Status.CREATED and before.next_at <= at:
            alarms = self._alarms(deployment)
            if self._alarm_poll_fails(deployment):
                alarms = ("the alarms could not be read",)
            sight = Sight(order=preparation.order_of(deployment, self.switches), alarms=alarms)
        run, effects = step(before, at, sight)
        deployment.run = run
        for effect in effects:
            self._apply(deployment, before, effect, at)
        self._over(deployment, before)

    def _over(self, deployment: Deployment, before: Run) -> None:
        if before.status.final or not deployment.run.status.final:
            return
        group = deployment.place.group_of(deployment)
        if group is not None:
            group.active = None
            if deployment.run.status is Status.SUCCEEDED:
                group.successful = deployment.id
                group.info["targetRevision"] = deployment.revision
        rollback.report(deployment, self.switches)

    def _alarms(self, deployment: Deployment) -> tuple[str, ...]:
        configuration = self._alarm_configuration(deployment)
        if not configuration.get("enabled"):
            return ()
        names = [str(alarm.get("name")) for alarm in configuration.get("alarms") or ()]
        return moto_parts.alarms_in_alarm(deployment.place.account, deployment.place.region, names)

    def _alarm_poll_fails(self, deployment: Deployment) -> bool:
        configuration = self._alarm_configuration(deployment)
        return bool(
            self.switches.flag("alarm-poll-fails")
            and configuration.get("enabled")
            and configuration.get("alarms")
            and not configuration.get("ignorePollAlarmFailure")
        )

    def _alarm_configuration(self, deployment: Deployment) -> dict[str, Any]:
        if deployment.rollback_of:
            # The alarm that stopped a deployment is still active; it must not stop the way back.
            return {}
        if deployment.override_alarms is not None:
            return deployment.override_alarms
        group = deployment.place.group_of(deployment)
        return (group.info.get("alarmConfiguration") or {}) if group else {}

    # Effects

    def _apply(self, deployment: Deployment, before: Run, effect: Effect, at: float) -> None:
        if isinstance(effect, SetTraffic):
            self._set_traffic(deployment, before, effect, at)
        elif isinstance(effect, InvokeHook):
            self._invoke_hook(deployment, effect, at)
        else:
            made = rollback.create(deployment, at, store=self.store, rules=self.rules(), switches=self.switches)
            if made is not None:
                self.schedule(made)

    def _set_traffic(self, deployment: Deployment, before: Run, effect: SetTraffic, at: float) -> None:
        place = deployment.place
        if not self.limits.take_lambda(place.account, place.region, at):
            if before.tries + 1 < self.switches.number("codedeploy-alias-tries"):
                deployment.run = traffic_failed(before, at, retry_after=1.0)
            else:
                text = THROTTLED.format(role=self._role(deployment))
                deployment.run = failed(before, at, "THROTTLED", text)
            return
        alias = moto_parts.alias(place.account, place.region, effect.function, effect.alias)
        target = moto_parts.function(place.account, place.region, effect.function, effect.target)
        if alias is None or target is None:
            missing = f"alias {effect.alias}" if alias is None else f"version {effect.target}"
            text = f"The Lambda function {effect.function} has no {missing} any more."
            deployment.run = failed(before, at, "INVALID_LAMBDA_FUNCTION", text)
            return
        if effect.percent >= 100:
            moto_parts.set_alias(alias, effect.target, {}, self.store.new_uuid())
        else:
            weights = {effect.target: round(effect.percent / 100, 6)}
            moto_parts.set_alias(alias, effect.current, weights, self.store.new_uuid())

    def _invoke_hook(self, deployment: Deployment, effect: InvokeHook, at: float) -> None:
        place = deployment.place
        name = effect.function.rsplit(":function:", 1)[-1].split(":")[0]
        if not name.startswith("CodeDeployHook_") and self._managed_role(deployment):
            text = NOT_PERMITTED.format(role=self._role(deployment))
            deployment.run = hook_refused(deployment.run, at, "IAM_ROLE_PERMISSIONS", text, "UnknownError")
            return
        found = moto_parts.function(place.account, place.region, effect.function)
        if found is None:
            text = f"The lifecycle event hook function {effect.function} for {effect.event} does not exist."
            deployment.run = hook_refused(deployment.run, at, "HOOK_EXECUTION_FAILURE", text, "ScriptMissing")
            return
        script = self.functions.script_for(found)
        if script is None:
            self._busy += 1
            arguments = (self.generation, deployment.id, effect, found)
            threading.Thread(target=self._run_hook, args=arguments, name="emulator-hook", daemon=True).start()
            return
        outcome = self.functions.play(found, script)
        seconds = self.switches.number("hook-seconds") if script.seconds is None else script.seconds
        self.functions.write_log(found, outcome, at, at + seconds)
        if script.outcome in ("succeed", "fail"):
            answer = "Succeeded" if script.outcome == "succeed" else "Failed"
            deployment.run = hook_answered(deployment.run, at + seconds, effect.execution_id, answer, outcome.tail)
        else:
            deployment.run = hook_said(deployment.run, effect.execution_id, outcome.tail)

    def _run_hook(self, generation: int, identity: str, effect: InvokeHook, found: Any) -> None:
        started = self.clock.now()
        event = f'{{"DeploymentId":"{identity}","LifecycleEventHookExecutionId":"{effect.execution_id}"}}'.encode()
        outcome: Outcome | None = None
        try:
            outcome = self.functions.run(found, event)
        finally:
            with self.lock:
                # After a reset this hook belongs to a world that is gone.
                if generation == self.generation:
                    self._busy -= 1
                    if outcome is not None:
                        deployment = self.deployment(identity)
                        self.functions.write_log(found, outcome, started, self.clock.now())
                        deployment.run = _with_tail(deployment.run, effect, outcome.tail)
                    self._changed.notify_all()

    def _managed_role(self, deployment: Deployment) -> bool:
        """Whether the service role may invoke only functions called CodeDeployHook_… (facts A13)."""
        check = self.switches.text("hook-name-check")
        if check != "auto":
            return check == "always"
        policies = moto_parts.policies_of_role(self._role(deployment))
        return bool(policies) and all(name.startswith("AWSCodeDeployRoleForLambda") for name in policies)

    def _role(self, deployment: Deployment) -> str:
        group = deployment.place.group_of(deployment)
        return str(group.info.get("serviceRoleArn", "")) if group else ""

    # Requests that touch deployments

    def place(self, account: str, region: str) -> Place:
        """The CodeDeploy store of an account and region."""
        return self.store.place(account, region)

    def deployment(self, identity: str) -> Deployment:
        """A deployment by its id, or AWS's error."""
        found = self.store.find(identity)
        if found is None:
            raise ApiError("DeploymentDoesNotExistException", f"The deployment {identity} could not be found")
        return found


def _with_tail(run: Run, effect: InvokeHook, tail: str) -> Run:
    """Keep a hook's last lines, whether its answer came before its process ended (the rule) or never."""
    run = hook_said(run, effect.execution_id, tail)
    events = tuple(
        replace(event, log_tail=tail) if event.name == effect.event and event.status == "Failed" else event
        for event in run.events
    )
    return replace(run, events=events)
