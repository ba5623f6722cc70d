"""What a run may not read, or cannot: what is needed fails it, what is only good to know does not."""

from __future__ import annotations

from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import pytest

from ci_deploy import drive
from ci_deploy.core.aws import Alias, Deployment, DeploymentStatus, DeploymentTarget
from ci_deploy.core.errors import Refused
from ci_deploy.core.given.package.packaging import Package
from ci_deploy.core.machine.actions import (
    Cancelled,
    CommandEnded,
    Done,
    Failed,
    LookVersion,
    Observation,
    Progressed,
    RepairAlias,
    StoreCode,
    Tick,
)
from ci_deploy.core.reasons.ending.verdict import AliasGone, AliasInUse, AliasNotSet
from ci_deploy.edge.clock import RealClock
from ci_deploy.perform.actions import perform
from tests.support.account import Account
from tests.support.golden import Told

from .conftest import CODE, Theatre

AT_ONCE = {"deployment-config": "CodeDeployDefault.LambdaAllAtOnce"}
CANARY = "CodeDeployDefault.LambdaCanary10Percent5Minutes"


def other(account: Account) -> str:
    """Somebody else's canary, of a version of its own."""
    made = account.deploy("1", account.publish(CODE.format("theirs")), CANARY)
    account.code(CODE.format("ours"))
    return made


def fault(kind: str, service: str, operation: str) -> dict[str, str]:
    return {"service": service, "operation": operation, "fault": kind}


def test_whose_targets_may_not_be_read_is_taken_for_a_conflict(theatre: Theatre, account: Account) -> None:
    """A role may lack the permission: then the deployment that runs may be of any function of the group."""
    theirs = other(account)
    theatre.weather(0, fault("access-denied", "codedeploy", "ListDeploymentTargets"))
    done = theatre.run({**AT_ONCE, "on-conflict": "fail"}).check(3, outcome="refused")
    assert theirs in done.outputs["reason"]


def test_whose_targets_cannot_be_read_is_not_guessed(theatre: Theatre, account: Account) -> None:
    other(account)
    theatre.weather(0, fault("error500", "codedeploy", "ListDeploymentTargets"))
    done = theatre.run({**AT_ONCE, "on-conflict": "fail"}).check(4, outcome="error", deployed="false")
    assert "codedeploy:ListDeploymentTargets" in done.outputs["reason"]


def test_what_is_only_good_to_know_may_be_unreadable(theatre: Theatre, account: Account, told: Told) -> None:
    """Neither a denial nor a failure that lasts keeps a deployment: it is said, and it goes on."""
    theatre.weather(
        0,
        fault("error500", "lambda", "GetProvisionedConcurrencyConfig"),
        fault("access-denied", "cloudwatch", "DescribeAlarms"),
    )
    done = theatre.run(AT_ONCE).check(0, outcome="succeeded")
    unread = ("cloudwatch:DescribeAlarms", "lambda:GetProvisionedConcurrencyConfig")
    lines = [line.partition("] ")[2] for line in done.log().splitlines() if any(each in line for each in unread)]
    assert lines == told


# --- By the ports --------------------------------------------------------------------------------------------------

ALIAS = Alias(function="checkout", name="live", version="1", revision_id="r1")
REPAIR = RepairAlias(key="checkout:live", alias=ALIAS, version="1", application="app", group="group")
PACKAGE = Package(path="dist", sha256="x", size=9, unzipped=9, files=1)
STORE = StoreCode(key="checkout:live", package=PACKAGE, bucket="b", path="p", owner="1")


def refusal(ports: Any) -> Refused:
    failed = perform(REPAIR, ports)
    assert isinstance(failed, Failed)
    assert isinstance(failed.error, Refused)
    return failed.error


def group(function: str) -> Any:
    """A group in which a deployment of a function runs."""
    running = Deployment(id="d-THEIRS123", status=DeploymentStatus.IN_PROGRESS)
    target = DeploymentTarget(target_id="t", function=function, alias="live", current_version="1", target_version="2")
    return SimpleNamespace(
        active=lambda *_: (running,),
        with_targets=lambda one: replace(one, targets=(target,) if function else ()),
    )


@pytest.mark.parametrize("function", ["checkout", ""])
def test_an_alias_is_not_moved_under_a_running_deployment(function: str) -> None:
    """Between our last look and the repair somebody may have begun one; nothing is set then."""
    ports = SimpleNamespace(codedeploy=group(function))
    assert refusal(ports).reason == AliasInUse(deployment="d-THEIRS123")


def test_another_functions_deployment_does_not_keep_an_alias_from_being_set_back() -> None:
    changed = replace(ALIAS, revision_id="r2")
    lambda_ = SimpleNamespace(set_alias=lambda *_: changed, look_alias=lambda *_: changed)
    ports: Any = SimpleNamespace(codedeploy=group("billing"), lambda_=lambda_)
    assert perform(REPAIR, ports) == Done(action=REPAIR, answer=changed)


def test_an_alias_that_was_not_set_as_asked_was_not_repaired() -> None:
    left = replace(ALIAS, weights={"2": 10.0})
    lambda_ = SimpleNamespace(set_alias=lambda *_: left, look_alias=lambda *_: ALIAS)
    ports = SimpleNamespace(codedeploy=SimpleNamespace(active=lambda *_: ()), lambda_=lambda_)
    assert refusal(ports).reason == AliasNotSet(serves=(("1", 90.0), ("2", 10.0)))


def test_an_alias_that_is_gone_after_the_repair_was_not_repaired() -> None:
    lambda_ = SimpleNamespace(set_alias=lambda *_: ALIAS, look_alias=lambda *_: None)
    ports = SimpleNamespace(codedeploy=SimpleNamespace(active=lambda *_: ()), lambda_=lambda_)
    assert refusal(ports).reason == AliasGone(function="checkout", alias="live")


def test_how_far_an_upload_is_comes_before_its_answer() -> None:
    told: list[Observation] = []

    def store(*_: Any, tell: Any, **__: Any) -> str:
        tell("uploading dist", 3, 9)
        return "stored"

    ports: Any = SimpleNamespace(objects=SimpleNamespace(store=store))
    assert perform(STORE, ports, told.append) == Done(action=STORE, answer="stored")
    assert told == [Progressed(action=STORE, what="uploading dist", done=3, total=9)]


# --- By the loop ---------------------------------------------------------------------------------------------------


def test_a_workers_bug_arrives_like_any_answer() -> None:
    """The loop would wait for ever for one that died with its thread; tests/runs/test_bug.py has what it does then."""

    def breaks(_: object) -> Observation:
        raise KeyError("x")

    inbox = drive.QueueInbox(RealClock())
    drive.Workers(breaks, inbox).submit(LookVersion(key="checkout:live", function="checkout", version="1"))
    failed = inbox.take(20)
    assert isinstance(failed, Failed)
    assert isinstance(failed.error.__cause__, KeyError)


class _Asked(RealClock):
    """Remembers at each wait whether nothing of the run's was said to be under way."""

    def __init__(self) -> None:
        super().__init__()
        self.quiet: list[bool] = []

    def take(self, items: Any, seconds: float | None, *, quiet: bool) -> Any:
        self.quiet.append(quiet)
        return super().take(items, seconds, quiet=quiet)


def test_a_wait_is_quiet_once_every_action_and_the_command_have_answered() -> None:
    """Only then may a rehearsal's time jump: signals and progress are no answers."""
    clock = _Asked()
    inbox = drive.QueueInbox(clock)
    assert inbox.take(0) == Tick()
    drive.Workers(lambda action: Done(action=action, answer="stored"), inbox).submit(STORE)
    inbox.expect()  # as for a command that has been started
    progress = Progressed(action=STORE, what="uploading dist", done=3, total=9)
    inbox.put(progress)
    inbox.put(Cancelled(signal="SIGINT", second=1.0))
    inbox.put(CommandEnded(exit_code=0))
    taken = [type(inbox.take(20)) for _ in range(4)]
    assert sorted(each.__name__ for each in taken) == ["Cancelled", "CommandEnded", "Done", "Progressed"]
    assert inbox.take(0) == Tick()
    assert clock.quiet == [True, False, False, False, False, True]


def test_an_inbox_without_anything_ticks_when_the_time_is_over() -> None:
    """Also where that time is past already; a fast clock's second is shorter."""
    assert drive.QueueInbox(RealClock(1000.0)).take(1.0) == Tick()
    assert drive.QueueInbox(RealClock()).take(-5.0) == Tick()
