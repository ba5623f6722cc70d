"""AppSpecs: built, checked, read in any case, completed."""

from __future__ import annotations

import json

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from ci_deploy.core.appspec import AppSpec, check, complete, document, parse, sha256, write
from ci_deploy.core.errors import InvalidInput
from ci_deploy.core.inputs import parse as parse_inputs

WHOLE = AppSpec(
    function="checkout",
    alias="live",
    current_version="1",
    target_version="2",
    before_hook="CodeDeployHook_a",
    after_hook="CodeDeployHook_b",
    logical_name="MyFunction",
)


def test_what_is_written_is_what_codedeploy_documents() -> None:
    assert json.loads(write(WHOLE)) == {
        "version": 0.0,
        "Resources": [
            {
                "MyFunction": {
                    "Type": "AWS::Lambda::Function",
                    "Properties": {
                        "Name": "checkout",
                        "Alias": "live",
                        "CurrentVersion": "1",
                        "TargetVersion": "2",
                    },
                }
            }
        ],
        "Hooks": [{"BeforeAllowTraffic": "CodeDeployHook_a"}, {"AfterAllowTraffic": "CodeDeployHook_b"}],
    }


def test_json_is_yaml_too_and_is_read_back() -> None:
    assert yaml.safe_load(write(WHOLE)) == json.loads(write(WHOLE))
    assert parse(write(WHOLE)) == WHOLE


def test_without_hooks_there_is_no_hooks_section() -> None:
    bare = AppSpec(function="f", alias="live", current_version="1", target_version="2")
    assert "Hooks" not in document(bare)


@pytest.mark.parametrize("field", ["current_version", "target_version"])
@pytest.mark.parametrize("value", ["", "$LATEST", "0", "1.5"])
def test_versions_are_published_numbers_or_nothing_is_written(field: str, value: str) -> None:
    values = {"function": "f", "alias": "live", "current_version": "1", "target_version": "2", field: value}
    with pytest.raises(InvalidInput):
        write(AppSpec(**values))


@given(st.randoms())
def test_keys_are_read_in_any_case(dice: object) -> None:
    def mixed(text: str) -> str:
        return "".join(character.upper() if dice.random() < 0.5 else character.lower() for character in text)  # type: ignore[attr-defined]

    text = json.dumps(
        {
            mixed("version"): 0.0,
            mixed("Resources"): [
                {
                    "MyFunction": {
                        mixed("Type"): "AWS::Lambda::Function",
                        mixed("Properties"): {
                            mixed("Name"): "checkout",
                            mixed("Alias"): "live",
                            mixed("CurrentVersion"): 1,
                            mixed("TargetVersion"): "2",
                        },
                    }
                }
            ],
            mixed("Hooks"): [
                {mixed("BeforeAllowTraffic"): "CodeDeployHook_a"},
                {mixed("AfterAllowTraffic"): "CodeDeployHook_b"},
            ],
        }
    )
    assert parse(text) == WHOLE


@given(st.text(max_size=300))
def test_any_text_is_an_appspec_or_a_clear_refusal(text: str) -> None:
    try:
        parse(text)
    except InvalidInput as error:
        assert error.problems
        assert all("input `appspec`" in problem.where for problem in error.problems)


TEXTS = ("", "1", "01", "0", "12\n", "live", "a b", "$LATEST", "x" * 128, "x" * 170, "x" * 171, "é", "１")


@given(st.builds(AppSpec, **dict.fromkeys(("function", "alias", "before_hook", "after_hook"), st.sampled_from(TEXTS)),
                 current_version=st.sampled_from(TEXTS), target_version=st.sampled_from(TEXTS)))  # fmt: skip
def test_what_is_written_without_the_validator_is_what_the_validator_accepts(appspec: AppSpec) -> None:
    try:
        text = write(appspec)
    except InvalidInput:
        return
    assert check(json.loads(text)) == ()


def test_the_hash_is_of_the_exact_bytes() -> None:
    assert sha256("a\n") == "87428fc522803d31065e7bce3cf03fe475096631e5e07bbd7a0fde60c4cf25c7"


def test_a_violation_names_its_place() -> None:
    built = document(WHOLE)
    built["Resources"][0]["MyFunction"]["Properties"]["Alias"] = "7"
    (problem,) = check(built)
    assert "Resources.0.MyFunction.Properties.Alias" in problem.where


GIVEN = {"function": "checkout", "application": "app", "deployment-group": "group"}


def test_inputs_and_appspec_complete_each_other() -> None:
    inputs = parse_inputs(GIVEN)
    made = complete(inputs, AppSpec(target_version="7", before_hook="CodeDeployHook_a"), given=frozenset(GIVEN))
    assert (made.function, made.target_version, made.before_allow_traffic) == ("checkout", "7", "CodeDeployHook_a")


def test_an_alias_that_was_not_given_gives_way_to_the_appspecs() -> None:
    """`live` is only the default of the input: it is not the user's word."""
    made = complete(parse_inputs(GIVEN), AppSpec(alias="prod"), given=frozenset(GIVEN))
    assert made.alias == "prod"


def test_every_disagreement_is_named_at_once() -> None:
    given = {**GIVEN, "alias": "live", "target-version": "3"}
    with pytest.raises(InvalidInput) as caught:
        complete(
            parse_inputs(given), AppSpec(function="other", alias="prod", target_version="4"), given=frozenset(given)
        )
    text = str(caught.value)
    for word in ("`checkout`", "`other`", "`live`", "`prod`", "`3`", "`4`"):
        assert word in text


def test_a_target_version_and_new_code_contradict() -> None:
    inputs = parse_inputs({**GIVEN, "package": "build"})
    with pytest.raises(InvalidInput, match="new code"):
        complete(inputs, AppSpec(target_version="4"), given=frozenset(GIVEN))
