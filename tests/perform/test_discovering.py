"""One listing of a run that watches: what is read, in which order, and where a deployment's function comes from."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from types import SimpleNamespace
from typing import Any, cast

import pytest

from ci_deploy.core.aws import Deployment, DeploymentStatus, DeploymentTarget, InlineContent, Revision, S3Location
from ci_deploy.core.errors import AwsError, ErrorKind
from ci_deploy.core.machine.actions import Discover
from ci_deploy.core.plan.sought import Spot, spot_of
from ci_deploy.core.stacks import Stack
from ci_deploy.perform.discovering import discover, inline_appspec
from ci_deploy.ports import Ports

APPSPEC = (
    '{"version": "0.0", "Resources": [{"CheckoutAliaslive": {"Type": "AWS::Lambda::Function", "Properties": '
    '{"Name": "checkout", "Alias": "live", "CurrentVersion": "1", "TargetVersion": "2"}}}]}'
)
STRING = InlineContent(content="", sha256="ab")  # as CloudFormation makes it; its text is the revision's own
SILENT = DeploymentTarget(target_id="", function="", alias="", current_version="", target_version="")
NAMED = replace(SILENT, function="checkout", alias="live", current_version="1", target_version="2")
SHOP = Stack(name="shop", status="UPDATE_IN_PROGRESS")
DENIED = AwsError(ErrorKind.DENIED, operation="codedeploy:GetApplicationRevision", code="AccessDenied", message="no")


def deployment(name: str = "d-1", *targets: DeploymentTarget, revision: Revision | None = STRING) -> Deployment:
    status = DeploymentStatus.IN_PROGRESS
    return Deployment(id=name, status=status, application="shop", group="live", targets=targets, revision=revision)


@dataclass
class Account:
    """What AWS has; every reading is noted."""

    has: tuple[Deployment, ...] = ()
    text: str | AwsError = APPSPEC
    read: list[Any] = field(default_factory=list)

    def created_since(self, since: float | None) -> tuple[float, tuple[str, ...]]:
        self.read.append(("list", since))
        return 1000.0, tuple(one.id for one in self.has)

    def look(self, ids: tuple[str, ...], with_targets: frozenset[str]) -> tuple[Deployment, ...]:
        self.read.append(("look", ids))
        assert with_targets == set(ids)
        return tuple(one for one in self.has if one.id in ids)

    def appspec(self, application: str, revision: Revision) -> str:
        self.read.append(("appspec", application))
        if isinstance(self.text, AwsError):
            raise self.text
        return self.text

    def stack(self, name: str) -> Stack:
        self.read.append(("stack", name))
        return SHOP

    def asked(self, **how: Any) -> Any:
        action = Discover(key="", **{"stack": "", "since": 500.0, "known": frozenset(), "unclear": (), **how})
        return discover(action, cast("Ports", SimpleNamespace(codedeploy=self, stacks=self)))


def test_deployments_come_before_the_stack_so_that_it_is_not_older_than_they_are() -> None:
    account = Account(has=(deployment("d-1", NAMED),))
    found = account.asked(stack="shop")
    assert (found.at, found.stack, found.deployments) == (1000.0, SHOP, account.has)
    assert account.read == [("list", 500.0), ("look", ("d-1",)), ("stack", "shop")]


def test_without_a_stack_none_is_read_and_without_news_nothing_is_looked_at() -> None:
    account = Account(has=(deployment("d-1", NAMED),))
    assert account.asked(known=frozenset({"d-1"}), since=None).deployments == ()
    assert account.read == [("list", None)]


def test_what_was_unclear_is_read_again_once_and_first() -> None:
    account = Account(has=(deployment("d-2", NAMED), deployment("d-1", NAMED)))
    account.asked(unclear=("d-1",))
    assert account.read[1] == ("look", ("d-1", "d-2"))


def test_a_target_without_data_gets_it_from_the_appspec() -> None:
    (found,) = Account(has=(deployment("d-1", SILENT),)).asked().deployments
    assert spot_of(found) == Spot(function="checkout", alias="live", application="shop", group="live")
    assert (found.targets[0].current_version, found.targets[0].target_version) == ("1", "2")


@pytest.mark.parametrize(
    "made",
    [
        deployment("d-1", NAMED),
        deployment("d-1"),
        deployment("d-1", SILENT, revision=None),
        deployment("d-1", SILENT, revision=S3Location(bucket="b", key="k")),
    ],
    ids=["it is named", "not started", "no revision", "an object in S3, which a watcher may not read"],
)
def test_no_appspec_is_read_where_it_is_not_needed_or_cannot_be(made: Deployment) -> None:
    account = Account(has=(made,))
    assert account.asked().deployments == (made,)
    assert "appspec" not in [kind for kind, _ in account.read]


@pytest.mark.parametrize("text", [DENIED, "no: [yaml", "[]", '{"version": "0.0", "Resources": []}'])
def test_an_appspec_that_cannot_be_read_makes_a_deployment_nobodys(text: str | AwsError) -> None:
    (found,) = Account(has=(deployment("d-1", SILENT),), text=text).asked().deployments
    assert spot_of(found) is None


def test_one_listing_asks_for_all_groups_at_once() -> None:
    account = Account(has=tuple(deployment(f"d-{number}", NAMED) for number in range(60)))
    assert len(account.asked().deployments) == 60
    assert [kind for kind, _ in account.read] == ["list", "look"]


def test_what_a_deployment_declares_is_read_from_what_it_carries_itself() -> None:
    hooked = APPSPEC[:-1] + ', "Hooks": [{"BeforeAllowTraffic": "CodeDeployHook_smoke"}]}'
    account = Account(text=hooked)
    ports = cast("Ports", SimpleNamespace(codedeploy=account))
    said = inline_appspec(deployment("d-1", NAMED), ports)
    assert said is not None
    assert (said.before_hook, said.current_version, said.target_version) == ("CodeDeployHook_smoke", "1", "2")
    assert inline_appspec(deployment("d-1", revision=S3Location(bucket="b", key="k")), ports) is None
    account.text = DENIED
    assert inline_appspec(deployment("d-1", NAMED), ports) is None
