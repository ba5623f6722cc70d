"""Which versions may go: in doubt none."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ci_deploy.core.aws import (
    CREATOR_ROLLBACK,
    Alias,
    Deployment,
    DeploymentStatus,
    DeploymentTarget,
    Fact,
    FunctionVersion,
    Known,
    NotPermitted,
    Unavailable,
)
from ci_deploy.core.given.inputs import Inputs
from ci_deploy.core.given.parsing import parse
from ci_deploy.core.plan.pruning import AT_MOST, SERVED_BEFORE, Own, Uses, enough, keeping, plan
from ci_deploy.core.reasons.upkeep import RollbacksUnread
from tests.support.golden import Told


def inputs(keep: int = 1) -> Inputs:
    return parse({"command": "prune", "function": "f", "keep": str(keep)})


def versions(*numbers: int) -> tuple[FunctionVersion, ...]:
    return tuple(
        FunctionVersion(function="f", version=str(number), code_sha256="s", code_size=10) for number in numbers
    )


def deployment(
    number: int, current: str, target: str, status: str = "Succeeded", function: str = "f", creator: str = "user"
) -> Deployment:
    return Deployment(
        id=f"d-{number}",
        status=DeploymentStatus(status),
        create_time=float(number),
        creator=creator,
        targets=(
            DeploymentTarget(
                target_id="t", function=function, alias="live", current_version=current, target_version=target
            ),
        ),
    )


def doomed(uses: Uses, *numbers: int, keep: int = 1) -> list[str]:
    return [version.version for version in plan(inputs(keep), versions(*numbers), uses).doomed]


def kept(uses: Uses, *numbers: int, keep: int = 1) -> dict[str, tuple[str, ...]]:
    return {row.version.version: row.kept for row in plan(inputs(keep), versions(*numbers), uses).rows}


def listed(found: dict[str, tuple[str, ...]]) -> list[str]:
    return [f"{version}: {', '.join(why) or 'nothing'}" for version, why in found.items()]


def test_every_reason_is_said_once_newest_version_first(told: Told) -> None:
    uses = Uses(
        aliases=(Alias(function="f", name="x", version="1", weights={"2": 5.0}),),
        provisioned=Known(("x", "2", "1")),
        event_sources=Known(("x", "live", "$LATEST")),
        event_configs=Known(("5", "$LATEST")),
        urls=Known(("x", "")),
        history=(deployment(9, "3", "4", status="InProgress"), deployment(1, "4", "3")),
        successful=deployment(1, "4", "3", function="arn:aws:lambda:eu-central-1:123456789012:function:f"),
    )
    found = kept(uses, 1, 2, 3, 4, 5, 6)
    assert list(found) == ["6", "5", "4", "3", "2", "1"]
    assert listed(found) == told


def test_a_rollback_of_every_alias_of_the_function_is_thought_of_but_not_of_another_functions(told: Told) -> None:
    def of(number: int, alias: str, function: str = "f") -> Deployment:
        one = deployment(number, str(number), str(number + 1), function=function)
        assert one.targets is not None
        return replace(one, targets=(replace(one.targets[0], alias=alias),))

    uses = Uses(
        aliases=(Alias(function="f", name="beta", version="9"),),
        history=(of(1, "beta"), of(3, "live"), of(5, "gone"), of(7, "live", function="other")),
    )
    assert listed(kept(uses, *range(1, 10))) == told


def test_a_rollback_may_want_the_ten_versions_that_were_served_last() -> None:
    history = tuple(deployment(number, str(number), str(number + 1)) for number in range(1, 15))
    assert doomed(Uses(history=history), *range(1, 20)) == ["1", "2", "3", "4", "5", "16", "17", "18"]


def test_while_a_deployments_versions_are_not_known_yet_every_version_stays(told: Told) -> None:
    """For a second or two after its creation it has no target, and it may be a rollback to any of them."""
    running = deployment(9, "1", "2", status="Created")
    for targets in (None, ()):
        made = plan(inputs(), versions(1, 2), Uses(history=(replace(running, targets=targets),)))
        assert made.doomed == ()
        assert made.rows[1].kept == told


def test_what_is_over_and_cannot_be_read_keeps_nothing() -> None:
    over = replace(deployment(1, "1", "2"), targets=None)
    assert doomed(Uses(history=(over,), successful=over), 1, 2, 3) == ["1", "2"]


def test_a_running_deployment_of_another_function_of_the_group_needs_none_of_ours() -> None:
    uses = Uses(history=(deployment(9, "1", "2", status="InProgress", function="other"),))
    assert doomed(uses, 1, 2, 3) == ["1", "2"]


def test_all_that_an_alias_serves_or_weights_stays() -> None:
    alias = Alias(function="f", name="x", version="1", weights={"2": 5.0})
    assert doomed(Uses(aliases=(alias,)), 1, 2, 3, 4) == ["3"]


def test_provisioned_concurrency_and_event_sources_are_followed_through_aliases() -> None:
    alias = Alias(function="f", name="x", version="1")
    uses = Uses(aliases=(alias,), provisioned=Known(("x", "2")), event_sources=Known(("3", "")))
    assert doomed(uses, 1, 2, 3, 4, 5) == ["4"]


def test_what_was_served_before_stays_for_rollbacks_and_what_was_rolled_back_goes() -> None:
    history = (
        deployment(1, "1", "2"),
        deployment(2, "2", "3"),
        deployment(3, "3", "2", creator=CREATOR_ROLLBACK),
        deployment(4, "2", "4"),
    )
    assert doomed(Uses(history=history), 1, 2, 3, 4, 5) == ["3"]


def test_a_running_deployment_and_the_groups_last_success_need_their_versions() -> None:
    uses = Uses(
        history=(deployment(9, "1", "2", status="InProgress"),),
        successful=deployment(1, "5", "3"),
    )
    assert doomed(uses, 1, 2, 3, 4, 5, 6) == ["4", "5"]
    behind = Uses(history=(deployment(9, "4", "5"), deployment(8, "1", "2", status="InProgress")))
    assert doomed(behind, 1, 2, 3, 6) == ["3"]
    other = Uses(successful=deployment(1, "1", "3", function="another"))
    assert "3" in doomed(other, 1, 2, 3, 4)


def test_one_run_deletes_so_many_at_most_the_oldest_first(told: Told) -> None:
    made = plan(inputs(), versions(*range(1, AT_MOST + 12)), Uses())
    assert [version.version for version in made.doomed] == [str(number) for number in range(1, AT_MOST + 1)]
    assert (made.left, made.freed) == (10, AT_MOST * 10)
    assert listed({row.version.version: row.kept for row in made.rows if row.kept}) == told


def test_latest_is_never_a_candidate() -> None:
    latest = FunctionVersion(function="f", version="$LATEST", code_sha256="s")
    made = plan(inputs(), (latest, *versions(1, 2)), Uses())
    assert [version.version for version in made.doomed] == ["1"]
    assert len(made.rows) == 2


@settings(max_examples=100, deadline=None)
@given(
    numbers=st.sets(st.integers(1, 40), min_size=1),
    keep=st.integers(1, 10),
    aliases=st.lists(st.tuples(st.integers(1, 40), st.integers(1, 40)), max_size=4),
    steps=st.lists(st.integers(1, 40), max_size=15),
)
def test_nothing_that_is_needed_is_ever_doomed(
    numbers: set[int], keep: int, aliases: list[tuple[int, int]], steps: list[int]
) -> None:
    served = tuple(
        Alias(function="f", name=f"a{n}", version=str(one), weights={str(two): 1.0})
        for n, (one, two) in enumerate(aliases)
    )
    history = tuple(deployment(n, str(one), str(two)) for n, (one, two) in enumerate(pairwise(steps)))
    going = set(doomed(Uses(aliases=served, history=history), *numbers, keep=keep))
    assert not going & {str(number) for number in sorted(numbers)[-keep:]}
    assert not going & {version for alias in served for version in (alias.version, *alias.weights)}
    if history:
        last = history[-1].targets
        assert last is not None
        assert not going & {last[0].target_version, last[0].current_version}


def test_what_cannot_be_read_forbids_to_delete_anything() -> None:
    unread = replace(deployment(7, "1", "2"), targets=())
    nameless = replace(deployment(8, "", ""), targets=None)
    no_versions = deployment(9, "", "")
    for one in (unread, nameless, no_versions):
        made = plan(inputs(), versions(1, 2, 3), Uses(history=(one, deployment(5, "1", "2"))))
        assert made.unread == RollbacksUnread(deployments=(one.id,), count=2)
    assert plan(inputs(), versions(1, 2, 3), Uses(history=(deployment(9, "", "", function="g"),))).unread is None


def test_a_history_of_other_functions_alone_forbids_it_where_it_was_not_read_to_its_end() -> None:
    others = tuple(deployment(number, "1", "2", function="g") for number in range(100))
    assert plan(inputs(), versions(1, 2), Uses(history=others)).unread is None
    cut = Uses(history=others, history_cut=True)
    assert plan(inputs(), versions(1, 2), cut).unread == RollbacksUnread(deployments=(), count=100)
    known = Uses(history=(*others, deployment(200, "1", "2")), history_cut=True)
    assert plan(inputs(), versions(1, 2), known).unread is None


def test_a_history_is_deep_enough_when_rollbacks_of_every_alias_are() -> None:
    live = [deployment(number, str(number), str(number + 1)) for number in range(1, SERVED_BEFORE)]
    alias = Alias(function="f", name="beta", version="1")
    assert enough(inputs(), (), live)
    assert not enough(inputs(), (), live[1:])
    assert not enough(inputs(), (alias,), live)


# --- what invokes versions, and what of it is not known ---

DENIED = NotPermitted("lambda:ListSomething")


@pytest.mark.parametrize(
    ("uses", "what"),
    [
        (Uses(provisioned=DENIED), "provisioned concurrency"),
        (Uses(event_sources=Unavailable("the network is down")), "an event source mapping"),
        (Uses(event_configs=DENIED), "an asynchronous invocation config"),
        (Uses(urls=DENIED), "a function URL"),
    ],
)
def test_what_may_not_be_read_keeps_every_version_and_is_told(uses: Uses, what: str) -> None:
    made = plan(inputs(), versions(1, 2, 3), uses)
    assert made.doomed == ()
    assert [row.kept[-1] for row in made.rows] == [f"{what}, perhaps"] * 3
    assert list(made.unknown) == [what]


YES, NO = Known(value=True), Known(value=False)


@pytest.mark.parametrize(
    ("own", "kept", "unknown"),
    [
        (Own(), (), {}),
        (Own(event_source=YES), ("an event source mapping",), {}),
        (Own(policy=YES, scaling=YES), ("a resource policy", "a scaling config"), {}),
        (Own(executions=YES), ("durable executions",), {}),
        (Own(policy=DENIED, executions=NO), ("a resource policy, perhaps",), {"a resource policy": DENIED}),
    ],
)
def test_a_version_that_has_something_of_its_own_or_may_have_is_kept(
    own: Own, kept: tuple[str, ...], unknown: dict[str, Fact[bool]]
) -> None:
    made = keeping(plan(inputs(), versions(1, 2, 3), Uses()), {"1": own})
    assert [row.kept for row in made.rows] == [("one of the newest 1",), (), kept]
    assert made.unknown == unknown


def test_what_was_not_known_before_stays_so() -> None:
    made = keeping(plan(inputs(), versions(1, 2), Uses(urls=DENIED)), {"1": Own(policy=DENIED)})
    assert made.unknown == {"a function URL": DENIED, "a resource policy": DENIED}


def test_replicas_of_lambda_at_edge_are_kept(told: Told) -> None:
    one, two = versions(1, 2)
    made = plan(inputs(), (replace(one, replica_of="arn:main"), two), Uses())
    assert made.rows[1].kept == told
