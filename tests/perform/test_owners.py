"""Reading whose deployments are: which clue is read when, how deep a history goes, and what a refused reading means."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from types import SimpleNamespace
from typing import Any, cast

import pytest

from ci_deploy.core.aws import (
    Deployment,
    DeploymentStatus,
    DeploymentTarget,
    Identity,
    InlineContent,
    Revision,
    S3Location,
)
from ci_deploy.core.errors import AwsError, ErrorKind
from ci_deploy.core.marker import Marker, write
from ci_deploy.core.plan.whose import Place
from ci_deploy.perform.owners import READ_AT_MOST, Owners
from ci_deploy.ports import Ports

PLACE = Place(function="checkout", alias="live", region="eu-central-1", account="123456789012")
INLINE = InlineContent(content="", sha256="ab")


def appspec(function: str) -> str:
    properties = f'{{"Name": "{function}", "Alias": "live", "CurrentVersion": "1", "TargetVersion": "2"}}'
    return (
        f'{{"version": 0.0, "Resources": [{{"it": {{"Type": "AWS::Lambda::Function", "Properties": {properties}}}}}]}}'
    )


def error(kind: ErrorKind) -> AwsError:
    return AwsError(kind, operation="codedeploy:BatchGetDeploymentTargets", code="SomeException", message="said")


def deployment(number: int, *, run: int = 0, revision: Revision | None = None, over: bool = True) -> Deployment:
    return Deployment(
        id=f"d-{number:09}",
        status=DeploymentStatus.SUCCEEDED if over else DeploymentStatus.IN_PROGRESS,
        description=write(Marker(id="0a1b2c3d", key="0" * 16, run_id=run)) if run else "",
        revision=revision,
    )


@dataclass
class Group:
    """What AWS would answer: functions by deployment, an error in place of one; every reading is noted."""

    functions: Mapping[str, str | AwsError] = field(default_factory=dict)
    texts: Mapping[str, str | AwsError] = field(default_factory=dict)
    deeper: Sequence[Deployment] = ()
    read: list[str] = field(default_factory=list)

    def with_targets(self, asked: Deployment) -> Deployment:
        self.read.append(asked.id)
        found = self.functions.get(asked.id, "")
        if isinstance(found, AwsError):
            raise found
        target = DeploymentTarget(target_id="t", function=found, alias="live", current_version="1", target_version="2")
        return replace(asked, targets=(target,) if found else ())

    def _text(self, key: str) -> str:
        self.read.append(key)
        found = self.texts[key]
        if isinstance(found, AwsError):
            raise found
        return found

    def appspec(self, _: str, revision: InlineContent) -> str:
        return self._text(revision.sha256)

    def get(self, location: S3Location, *, owner: str) -> str:
        assert owner == PLACE.account
        return self._text(location.key)

    def recent(self, *_: Any) -> Sequence[Deployment]:
        self.read.append("list")
        return self.deeper

    def identity(self) -> Identity:
        return Identity(account=PLACE.account, arn="", region=PLACE.region)

    @property
    def owners(self) -> Owners:
        return Owners(cast("Ports", SimpleNamespace(codedeploy=self, revisions=self, identities=self)), "app", PLACE)


def functions(deployments: Sequence[Deployment]) -> list[str]:
    return [target.function for each in deployments for target in each.targets or ()]


def test_a_readable_target_costs_one_reading_however_often_it_is_asked_for() -> None:
    group = Group({"d-000000001": "checkout"})
    owners = group.owners
    for _ in range(3):
        assert functions(owners.judged([deployment(1, revision=INLINE)])) == ["checkout"]
    assert group.read == ["d-000000001"]


@pytest.mark.parametrize(("revision", "key"), [(INLINE, "ab"), (S3Location(bucket="b", key="k"), "k")])
def test_where_targets_are_denied_the_appspec_tells(revision: Revision, key: str) -> None:
    group = Group({"d-000000001": error(ErrorKind.DENIED)}, {key: appspec("billing")})
    assert functions(group.owners.judged([deployment(1, revision=revision)])) == ["billing"]
    assert group.read == ["d-000000001", key]


@pytest.mark.parametrize("text", ["no appspec: [", error(ErrorKind.DENIED), error(ErrorKind.NOT_FOUND)])
def test_an_appspec_that_tells_nothing_leaves_the_owner_unknown(text: str | AwsError) -> None:
    group = Group({"d-000000001": error(ErrorKind.DENIED)}, {"ab": text})
    assert functions(group.owners.judged([deployment(1, revision=INLINE)])) == []


def test_a_reading_that_fails_for_the_moment_is_no_clue() -> None:
    group = Group({"d-000000001": error(ErrorKind.THROTTLED)})
    with pytest.raises(AwsError):
        group.owners.judged([deployment(1)])


def test_a_group_that_only_held_our_function_makes_the_unknown_ours() -> None:
    denied = {"d-000000001": error(ErrorKind.DENIED)}
    assert functions(Group({**denied, "d-000000002": "checkout"}).owners.judged([deployment(1), deployment(2)])) == [
        "checkout",
        "checkout",
    ]
    mixed = Group({**denied, "d-000000002": "checkout", "d-000000003": "billing"})
    found = mixed.owners.judged([deployment(number) for number in (1, 2, 3)])
    assert functions(found) == ["checkout", "billing"]


def test_of_newer_runs_they_are_read_until_one_is_ours() -> None:
    others = {f"d-{number:09}": "billing" for number in range(10, 20)}
    group = Group({**others, "d-000000005": "checkout", "d-000000004": "checkout"})
    listed = [deployment(number, run=9) for number in [*range(19, 9, -1), 5, 4]]
    found = group.owners.until_ours([deployment(30, run=3), deployment(31), *listed], 7)
    assert functions(found) == ["billing"] * 10 + ["checkout"]
    assert "d-000000004" not in group.read
    assert "d-000000030" not in group.read


def test_a_terminal_has_no_run_that_could_be_older() -> None:
    group = Group()
    assert group.owners.until_ours([deployment(1, run=9)], 0) == (deployment(1, run=9),)
    assert group.read == []


def test_a_history_is_read_until_there_is_enough_of_it() -> None:
    group = Group({f"d-{number:09}": "checkout" for number in range(1, 10)})
    listed = [deployment(number) for number in range(9, 0, -1)]
    found, cut = group.owners.history("live", listed, lambda read: len(read) == 2)
    assert [each.id for each in found] == ["d-000000009", "d-000000008"]
    assert not cut
    assert group.read == ["d-000000009", "d-000000008"]


def test_a_history_among_many_others_is_read_deeper_and_to_a_bound() -> None:
    listed = [deployment(number) for number in range(400, 350, -1)]
    deeper = [deployment(number) for number in range(400, 100, -1)]
    group = Group({each.id: "billing" for each in deeper}, deeper=deeper)
    found, cut = group.owners.history("live", listed, lambda _: False)
    assert cut
    assert len(found) == READ_AT_MOST
    assert group.read.count("list") == 1


def test_a_history_that_ends_is_read_to_its_end() -> None:
    listed = [deployment(number) for number in (2, 1)]
    group = Group({each.id: "checkout" for each in listed}, deeper=listed)
    found, cut = group.owners.history("live", listed, lambda _: False)
    assert (len(found), cut) == (2, False)
