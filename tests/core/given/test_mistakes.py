"""Mistakes found by who reads the world: each says where, what is wrong, and, where it can, what to do."""

from __future__ import annotations

import inspect
from collections.abc import Callable

import pytest

from ci_deploy.core.errors import Problem
from ci_deploy.core.given import mistakes

SAMPLES: dict[str, tuple[object, ...]] = {
    "unreadable": ("input `smoke`", "cases.yml", FileNotFoundError(2, "No such file or directory")),
    "no_file": ("input `target`",),
    "not_in_file": ("input `function`", "chekout", "ci-deploy.yml", ("checkout", "search")),
    "no_choice": ("input `function`", "ci-deploy.yml", ("checkout", "search"), "stop"),
    "file_twice": ("ci-deploy.yml", ".github/ci-deploy.yml"),
    "file_misspelled": ("ci-deploy.yaml", "ci-deploy.yml"),
    "no_speed": ("CI_DEPLOY_CLOCK_SPEED", "fast"),
    "rehearsals_only": ("CI_DEPLOY_CLOCK_SPEED",),
    "no_web_address": ("ACTIONS_ID_TOKEN_REQUEST_URL",),
    "token_unsendable": ("ACTIONS_ID_TOKEN_REQUEST_TOKEN",),
    "credential_unsendable": ("environment variable AWS_SESSION_TOKEN",),
    "settings_unusable": ("lambda", "ValueError: no"),
    "no_region": ("You must specify a region.",),
    "not_an_appspec": ("s3://bucket/key", "is no AppSpec"),
}
MADE: dict[str, Callable[..., Problem]] = {
    name: made
    for name, made in inspect.getmembers(mistakes, inspect.isfunction)
    if made.__module__ == mistakes.__name__ and not name.startswith("_")
}
CONSTANT = [each for _, each in inspect.getmembers(mistakes) if isinstance(each, Problem)]


def every() -> list[Problem]:
    more = {"file_misspelled": {"there": True}}
    return [*CONSTANT, *(made(*SAMPLES[name], **more.get(name, {})) for name, made in MADE.items())]


def test_every_mistake_has_a_sample() -> None:
    assert set(MADE) == set(SAMPLES)
    assert len(CONSTANT) == 4


@pytest.mark.parametrize("problem", every(), ids=str)
def test_a_mistake_names_its_place_and_is_a_sentence_with_what_to_do(problem: Problem) -> None:
    assert problem.where
    assert problem.what.endswith(".") and problem.what[:1].isupper() is problem.what.startswith("You")
    assert problem.remedy.endswith(".") or "cannot be read" in problem.what


def test_facts_are_in_the_words() -> None:
    assert "`chekout`" in mistakes.not_in_file("x", "chekout", "f.yml", ("checkout",)).what
    assert "`checkout`" in mistakes.not_in_file("x", "chekout", "f.yml", ("checkout",)).remedy
    assert mistakes.unreadable("x", "p", ValueError("not a zip")).what == "`p` cannot be read: not a zip."
    assert "AWS_ENDPOINT_URL" in mistakes.rehearsals_only("CI_DEPLOY_SPEED").what
    assert mistakes.no_region("no region.").what == mistakes.no_region("no region").what


@pytest.mark.parametrize("there", [True, False])
def test_a_misspelled_file_is_renamed_or_removed_or_named(*, there: bool) -> None:
    remedy = mistakes.file_misspelled("ci-deploy.yaml", "ci-deploy.yml", there=there).remedy
    assert ("remove" in remedy) is there
    assert ("`config`" in remedy) is not there
