"""How traffic shifts: words, names and shapes lead to each other."""

from __future__ import annotations

import pytest

from ci_deploy.core.aws import Routing, RoutingType
from ci_deploy.core.given.shifts import config_name, name_of, predefined, routing_of, words_of
from tests.support.golden import Told

CANARY, LINEAR = RoutingType.CANARY, RoutingType.LINEAR
SHAPES = [
    ("canary 10% 5m", "CodeDeployDefault.LambdaCanary10Percent5Minutes", CANARY, 10, 5),
    ("canary 10% 10m", "CodeDeployDefault.LambdaCanary10Percent10Minutes", CANARY, 10, 10),
    ("canary 10% 30m", "CodeDeployDefault.LambdaCanary10Percent30Minutes", CANARY, 10, 30),
    ("canary 10% 7m", "ci-deploy-canary-10-7", CANARY, 10, 7),
    ("canary 25% 5m", "ci-deploy-canary-25-5", CANARY, 25, 5),
    ("linear 10% every 1m", "CodeDeployDefault.LambdaLinear10PercentEvery1Minute", LINEAR, 10, 1),
    ("linear 10% every 10m", "CodeDeployDefault.LambdaLinear10PercentEvery10Minutes", LINEAR, 10, 10),
    ("linear 10% every 4m", "ci-deploy-linear-10-4", LINEAR, 10, 4),
    ("linear 20% every 3m", "ci-deploy-linear-20-3", LINEAR, 20, 3),
]


@pytest.mark.parametrize(("words", "name", "kind", "percentage", "minutes"), SHAPES)
def test_words_names_and_shapes_lead_to_each_other(
    words: str, name: str, kind: RoutingType, percentage: int, minutes: int
) -> None:
    """AWS's own configs are used where they have the shape: none is made that exists already."""
    shape = Routing(kind=kind, percentage=percentage, interval_minutes=minutes)
    assert (config_name(words), name_of(shape), routing_of(name), words_of(shape)) == (name, name, shape, words)


@pytest.mark.parametrize("words", ["all-at-once", "All-at-once", "all at once"])
def test_all_at_once_is_awss_own(words: str) -> None:
    name = "CodeDeployDefault.LambdaAllAtOnce"
    assert config_name(words) == name
    assert routing_of(name) == Routing(kind=RoutingType.ALL_AT_ONCE)
    assert words_of(Routing(kind=RoutingType.ALL_AT_ONCE)) == "all-at-once"


@pytest.mark.parametrize(
    ("name", "known"),
    [
        ("CodeDeployDefault.LambdaAllAtOnce", True),
        ("CodeDeployDefault.LambdaCanary10Percent15Minutes", True),
        ("CodeDeployDefault.LambdaLinear10PercentEvery1Minute", True),
        # A shape that AWS does not offer, or not by that name; ours, which anybody may have made; any other.
        ("CodeDeployDefault.LambdaCanary10Percent7Minutes", False),
        ("CodeDeployDefault.LambdaLinear20PercentEvery1Minute", False),
        ("CodeDeployDefault.LambdaLinear10PercentEvery1Minutes", False),
        ("ci-deploy-canary-10-7", False),
        ("ci-deploy-canary-10-5", False),
        ("CodeDeployDefault.OneAtATime", False),
        ("mine", False),
        ("", False),
    ],
)
def test_the_shape_of_awss_own_configs_is_known_without_reading_them(name: str, known: bool) -> None:
    assert predefined(name) == (routing_of(name) if known else None)


@pytest.mark.parametrize("words", ["Canary  10 %  5m", "CANARY 10% 5m"])
def test_case_and_blanks_do_not_matter(words: str) -> None:
    assert config_name(words) == "CodeDeployDefault.LambdaCanary10Percent5Minutes"


@pytest.mark.parametrize("name", ["mine", "canary", "canary-10", "linear_mine", "CodeDeployDefault.LambdaAllAtOnce"])
def test_a_name_stays_a_name(name: str) -> None:
    assert config_name(name) == name


@pytest.mark.parametrize(
    "name", ["mine", "CodeDeployDefault.OneAtATime", "ci-deploy-canary-0-5", "ci-deploy-linear-1-2880"]
)
def test_a_name_that_promises_no_shape(name: str) -> None:
    assert routing_of(name) is None


@pytest.mark.parametrize(
    "words",
    [
        "canary 10%",
        "canary 10 5m",
        "canary 10% 5",
        "canary 100% 5m",
        "canary 0% 5m",
        "canary 10% 0m",
        "canary 10% every 5m",
        "linear 10% 5m",
        "linear 10% every 5h",
        "canary 10% 2881m",
        "linear 1% every 30m",
    ],
)
def test_words_that_make_no_shift_say_why(words: str, told: Told) -> None:
    with pytest.raises(ValueError) as caught:  # noqa: PT011 - the text is compared whole
        config_name(words)
    assert str(caught.value) == told
