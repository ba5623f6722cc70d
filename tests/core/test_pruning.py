"""Which versions may go: in doubt none."""

from __future__ import annotations

from itertools import pairwise

from hypothesis import given, settings
from hypothesis import strategies as st

from ci_deploy.core.inputs import Inputs, parse
from ci_deploy.core.model import (
    CREATOR_ROLLBACK,
    Alias,
    Deployment,
    DeploymentStatus,
    DeploymentTarget,
    FunctionVersion,
)
from ci_deploy.core.pruning import AT_MOST, Uses, plan


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


def test_the_newest_stay_by_number_and_not_by_text() -> None:
    assert doomed(Uses(), 2, 9, 10, 11, keep=2) == ["2", "9"]


def test_all_that_an_alias_serves_or_weights_stays() -> None:
    alias = Alias(function="f", name="x", version="1", weights={"2": 5.0})
    assert doomed(Uses(aliases=(alias,)), 1, 2, 3, 4) == ["3"]


def test_provisioned_concurrency_and_event_sources_are_followed_through_aliases() -> None:
    alias = Alias(function="f", name="x", version="1")
    uses = Uses(aliases=(alias,), provisioned=("x", "2"), event_sources=("3", ""))
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
    other = Uses(successful=deployment(1, "1", "3", function="another"))
    assert "3" in doomed(other, 1, 2, 3, 4)


def test_one_run_deletes_so_many_at_most_the_oldest_first() -> None:
    made = plan(inputs(), versions(*range(1, AT_MOST + 12)), Uses())
    assert [version.version for version in made.doomed] == [str(number) for number in range(1, AT_MOST + 1)]
    assert (made.left, made.freed) == (10, AT_MOST * 10)


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
