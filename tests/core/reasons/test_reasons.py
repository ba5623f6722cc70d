"""The table of reasons: every class has a code of its own, says what it means, and is rendered in a golden file."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from ci_deploy.core.errors import AwsError, ErrorKind, InvalidInput, Problem
from ci_deploy.core.reasons.reason import explained, remedy_of, text_of
from ci_deploy.core.reasons.run import InvalidInputs
from ci_deploy.core.result import Result
from ci_deploy.core.run import Outcome
from scripts.messages import reasons
from tests.support.reasons import Said, saying

GOLDEN = Path(__file__).parent / "messages.txt"
PRODUCT = Path(__file__).parents[3] / "ci_deploy"


def test_every_reason_has_a_code_of_its_own() -> None:
    codes = [reason.code for reason in reasons()]
    assert len(codes) > 5
    assert sorted(codes) == sorted(set(codes))
    assert [code for code in codes if not re.fullmatch(r"[a-z][a-z0-9]*(-[a-z0-9]+)*", code)] == []


def test_every_reason_says_what_it_means_in_one_sentence() -> None:
    assert [reason.code for reason in reasons() if not re.fullmatch(r"[A-Z`](.|\n)*\.", reason.means)] == []


def test_every_reason_in_words(request: pytest.FixtureRequest) -> None:
    """The one place where each sentence is asserted: a changed sentence is one changed line."""
    lines = [
        f"{made.code}: {made.text}" + (f"  → {made.remedy}" if made.remedy else "")
        for reason in reasons()
        for made in reason.samples()
    ]
    text = "\n".join(lines) + "\n"
    if request.config.getoption("--update-golden"):
        GOLDEN.write_text(text, encoding="utf-8")
    assert text == GOLDEN.read_text(encoding="utf-8")


def test_every_reason_is_given_somewhere() -> None:
    """A class that nothing makes is a message that nobody gets."""
    rest = "\n".join(path.read_text(encoding="utf-8") for path in PRODUCT.rglob("*.py"))
    made = set(re.findall(r"(?<!class )\b[A-Z]\w*\b(?=[(,)\]])", rest))
    assert [reason.__name__ for reason in reasons() if reason.__name__ not in made] == []


# --- several of them ---

TWO = (Said(code="a", said="One.", advice="Do it."), Said(code="b", said="Two.", advice="Do it."))


def test_several_reasons_are_one_text_with_each_remedy_once() -> None:
    result = Result(function="f", alias="live", outcome=Outcome.REFUSED, reasons=TWO)
    assert (result.reason_code, result.reason, result.remedy) == ("a", "One. Two.", "Do it.")
    assert (text_of(()), remedy_of(())) == ("", "")


def test_a_run_without_a_reason_is_known_by_its_outcome() -> None:
    assert Result(function="f", alias="live", outcome=Outcome.TIMED_OUT).reason_code == "timed-out"


# --- errors as reasons ---


@pytest.mark.parametrize("kind", ErrorKind)
@pytest.mark.parametrize("resource", ["", "checkout"])
@pytest.mark.parametrize("message", ["", "Rate exceeded"])
def test_an_error_of_aws_is_a_reason_with_its_kind_in_the_code(kind: ErrorKind, resource: str, message: str) -> None:
    error = AwsError(kind, operation="lambda:GetAlias", code="Code", message=message, resource=resource)
    error.hint = saying("later", "", "Wait.")
    made = error.reason
    assert (made.code, made.text, made.remedy) == (f"aws-{kind}".replace("aws-aws", "aws"), error.what, "Wait.")
    assert (made.operation, made.resource, made.error, made.message) == ("lambda:GetAlias", resource, "Code", message)


def test_mistakes_in_the_inputs_are_one_reason() -> None:
    problems = tuple(Problem(where=f"input `{name}`", what="is empty.") for name in ("alias", "function"))
    assert InvalidInput(problems[:1]).reason == InvalidInputs(problems=("input `alias` is empty.",))
    assert InvalidInput(problems[:1]).reason.text == "Input `alias` is empty."
    made = InvalidInput(problems).reason
    assert made.text == "- Input `alias` is empty.\n- Input `function` is empty."


COMMAND = re.compile(r"(?:ci-deploy (?:status|stop|rollback|deploy|plan)|aws [a-z-]+ [a-z-]+) [^`\n]*--[^`\n]*")


def test_a_command_to_paste_names_its_region() -> None:
    """A colleague's shell may point elsewhere: a function of that name is never meant there."""
    commands = [
        (sample.code, command)
        for reason in reasons()
        for sample in reason.samples()
        for command in COMMAND.findall(f"{sample.text}\n{sample.remedy}")
    ]
    assert commands
    assert [each for each in commands if " --aws-region " not in each[1] and " --region " not in each[1]] == []


def test_what_a_message_means_is_linked_to_its_heading() -> None:
    page, _, heading = explained("alias-split").rpartition("#")
    assert page.endswith("/docs/messages.md")
    assert f"### {heading}\n" in (PRODUCT.parent / "docs" / "messages.md").read_text(encoding="utf-8")
