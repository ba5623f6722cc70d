"""AppSpecs: built, checked, read in any case, completed."""

from __future__ import annotations

import json
import sys
from dataclasses import replace
from random import Random

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from ci_deploy.core.errors import InvalidInput
from ci_deploy.core.given.files.appspec import MAX_CHARACTERS, AppSpec, check, complete, document, parse, sha256, write
from ci_deploy.core.given.inputs import Inputs
from ci_deploy.core.given.parsing import parse as parse_inputs
from tests.support.golden import Told, shown

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


def test_without_hooks_there_is_no_hooks_section_and_the_function_names_its_resource() -> None:
    bare = AppSpec(function="f", alias="live", current_version="1", target_version="2")
    properties = {"Name": "f", "Alias": "live", "CurrentVersion": "1", "TargetVersion": "2"}
    assert document(bare) == {
        "version": 0.0,
        "Resources": [{"f": {"Type": "AWS::Lambda::Function", "Properties": properties}}],
    }


@pytest.mark.parametrize("field", ["current_version", "target_version"])
@pytest.mark.parametrize("value", ["", "$LATEST", "0", "1.5"])
def test_versions_are_published_numbers_or_nothing_is_written(field: str, value: str) -> None:
    values = {"function": "f", "alias": "live", "current_version": "1", "target_version": "2", field: value}
    with pytest.raises(InvalidInput):
        write(AppSpec(**values))


@given(st.integers(0, 2**32))
def test_keys_are_read_in_any_case(seed: int) -> None:
    dice = Random(seed)

    def mixed(text: str) -> str:
        return "".join(character.upper() if dice.random() < 0.5 else character.lower() for character in text)

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


@pytest.mark.parametrize(
    "change",
    [
        {"alias": "7"},
        {"target_version": "0"},
        {"current_version": ""},
        {"function": ""},
        {"function": "x" * 171},
        {"before_hook": "x" * 171},
        {"after_hook": "x" * 171},
    ],
    ids=shown,
)
def test_what_the_schema_does_not_allow_is_not_written_and_names_its_place(change: dict[str, str], told: Told) -> None:
    with pytest.raises(InvalidInput) as caught:
        write(replace(WHOLE, **change))
    assert list(map(str, caught.value.problems)) == told


def test_violations_are_told_all_at_once_in_the_order_of_their_places() -> None:
    built = document(replace(WHOLE, alias="7", target_version="x")) | {"Colour": "red"}
    assert [problem.where for problem in check(built)] == [
        "AppSpec (whole)",
        "AppSpec Resources.0.MyFunction.Properties.Alias",
        "AppSpec Resources.0.MyFunction.Properties.TargetVersion",
    ]
    assert check(document(WHOLE)) == ()


def test_the_longest_names_are_written_without_the_validator(monkeypatch: pytest.MonkeyPatch) -> None:
    """Importing it costs as much as half a deployment."""
    longest = replace(WHOLE, function="f" * 170, before_hook="b" * 170, after_hook="a" * 170, alias="x" * 128)
    monkeypatch.setitem(sys.modules, "jsonschema", None)
    assert json.loads(write(longest)) == document(longest)
    bare = replace(longest, before_hook="", after_hook="", function="f", alias="7up", target_version="9" * 30)
    assert json.loads(write(bare)) == document(bare)


def test_what_is_written_is_indented_text_that_ends_in_a_line_and_keeps_its_letters() -> None:
    text = write(replace(WHOLE, logical_name="Prüfung"))
    assert text.splitlines()[:4] == ["{", '  "version": 0.0,', '  "Resources": [', "    {"]
    assert text.endswith("}\n")
    assert '"Prüfung"' in text


# A user's own


def spec(properties: str = "{}", more: str = "", logical_name: str = "f") -> str:
    return f"version: 0.0\nResources:\n  - {logical_name}:\n      Properties: {properties}\n{more}"


READ: list[tuple[str, AppSpec]] = [
    ("version: 0.0", AppSpec()),
    ("{}", AppSpec()),
    ("Resources: [MyFunction: ]", AppSpec(logical_name="MyFunction")),
    ("resources: [~, f: {TYPE: AWS::Lambda::Function, properties: {NAME: checkout}}]",
     AppSpec(function="checkout", logical_name="f")),
    (spec("{Name: checkout}"), AppSpec(function="checkout", logical_name="f")),
    (spec("{Alias: on, TargetVersion: 7}"), AppSpec(alias="on", target_version="7", logical_name="f")),
    (spec("{Alias: 2001-01-01}"), AppSpec(alias="2001-01-01", logical_name="f")),
    (spec("{Name: 010}", logical_name="'7'"), AppSpec(function="010", logical_name="7")),
    (spec(more="Hooks: {afterAllowTraffic: a}"), AppSpec(after_hook="a", logical_name="f")),
    (spec(more="Hooks: [BeforeAllowTraffic: b, AfterAllowTraffic: a, ]"),
     AppSpec(before_hook="b", after_hook="a", logical_name="f")),
    (spec(more="Hooks: [{BeforeAllowTraffic: b, AfterAllowTraffic: a}]"),
     AppSpec(before_hook="b", after_hook="a", logical_name="f")),
    (spec("{Name: 'arn:aws:lambda:eu-west-1:123456789012:function:f'}"),
     AppSpec(function="arn:aws:lambda:eu-west-1:123456789012:function:f", logical_name="f")),
]  # fmt: skip


@pytest.mark.parametrize(("text", "said"), READ)
def test_parts_may_be_left_out_and_scalars_are_the_text_that_was_written(text: str, said: AppSpec) -> None:
    assert parse(text) == said


WRONG = [
    "",
    "version: 0.0\n---\nversion: 0.0\n",
    "just some words",
    "- 1\n- 2\n",
    "!!python/object/apply:os.system ['true']",
    "version: [0.0\n",
    "version: 0.0\nname: \x02\n",
    "[" * 60_000,
    "a: &a [x]\nb: [*a, *a]\n",
    "x" * (MAX_CHARACTERS + 1),
    "version: 1.0\n",
    "version:\n",
    "version: [0.0]\n",
    "version: 0.0\nresource: []\n",
    "version: 0.0\nos: linux\n",
    "version: 0.0\nVersion: 0.0\n",
    "version: 0.0\nResources: []\n",
    "version: 0.0\nResources: {}\n",
    "Resources: checkout\n",
    "Resources:\n  - [x]\n  - f: {}\n",
    "Resources:\n  - f: {}\n  - g: {}\n",
    "Resources: {f: {}, g: {}, h: {}}\n",
    "Resources: [f: {}, f: {}]\n",
    "Resources: [{f: {}, f: {}}]\n",
    "Resources:\n  - f: yes\n",
    "Resources: [f: {Kind: x}]",
    "Resources: [f: {Type: AWS::ECS::Service}]",
    "Resources: [f: {Type: }]",
    "Resources: [f: {Type: [AWS::Lambda::Function]}]",
    spec("[1, 2]"),
    spec("[]"),
    spec("{Tarjet: 1, TragetVersion: 2}"),
    spec("{Name: f, Name: g}"),
    spec("{Name: f, NAME: f}"),
    spec("{[Name]: f}"),
    spec("{Name: 'no spaces'}"),
    spec("{Name: [f]}"),
    spec("{Alias: 7}"),
    spec("{CurrentVersion: $latest, TargetVersion: 1.5}"),
    spec("{TargetVersion: {a: b}}"),
    spec("{TargetVersion: " + "x" * 100 + "}"),
    spec(more="Hooks: please\n"),
    spec(more="Hooks:\n  - BeforeInstall: x\n"),
    spec(more="Hooks:\n  - BeforeAllowTraffic: 'rm -rf /'\n  - AfterAllowTraffic: [x]\n"),
    spec(more="Hooks:\n  - BeforeAllowTraffic: a\n  - beforeallowtraffic: b\n"),
    spec("{Name: a b, Colour: red}", more="version: 2\n"),
]  # fmt: skip


@pytest.mark.parametrize("text", WRONG, ids=shown)
def test_what_is_wrong_in_a_users_appspec_is_told_with_its_line_and_all_at_once(text: str, told: Told) -> None:
    with pytest.raises(InvalidInput) as caught:
        parse(text, where="AppSpec `a.yaml`")
    assert list(map(str, caught.value.problems)) == told


def test_the_longest_appspec_is_read() -> None:
    text = "version: 0.0\n#"
    assert parse(text + "x" * (MAX_CHARACTERS - len(text))) == AppSpec()


# With the inputs


GIVEN = {"function": "checkout", "application": "app", "deployment-group": "group", "appspec": "a.yaml"}


def completed(said: AppSpec, **more: str) -> Inputs:
    given = {**GIVEN, **{name.replace("_", "-"): text for name, text in more.items()}}
    return complete(parse_inputs(given), said, given=frozenset(name for name, text in given.items() if text))


def disagreements(said: AppSpec, **more: str) -> list[str]:
    with pytest.raises(InvalidInput) as caught:
        completed(said, **more)
    return list(map(str, caught.value.problems))


def test_inputs_and_appspec_complete_each_other() -> None:
    assert completed(WHOLE, bucket="shop") == replace(
        parse_inputs({**GIVEN, "bucket": "shop"}),
        current_version="1",
        version="2",
        before_allow_traffic="CodeDeployHook_a",
        after_allow_traffic="CodeDeployHook_b",
    )
    assert completed(AppSpec(), bucket="shop", version="2") == parse_inputs({**GIVEN, "bucket": "shop", "version": "2"})


def test_where_both_say_the_same_there_is_nothing_to_tell() -> None:
    assert completed(WHOLE, alias="live", version="2", current_version="1") == completed(WHOLE)


def test_an_alias_that_was_not_given_gives_way_to_the_appspecs() -> None:
    """`live` is only the default of the input: it is not the user's word."""
    assert completed(AppSpec(alias="prod"), code="dist") == replace(
        parse_inputs({**GIVEN, "code": "dist"}), alias="prod"
    )


@pytest.mark.parametrize(
    ("more", "application", "group"),
    [
        ({}, "app", "group"),
        ({"deployment_group": ""}, "app", "prod"),
        ({"application": ""}, "checkout", "group"),
        ({"application": "", "deployment_group": "", "function": ""}, "checkout", "prod"),
        ({"application": "", "deployment_group": "", "alias": "prod"}, "checkout", "prod"),
        ({"deployment_group": "live"}, "app", "live"),
    ],
)
def test_application_and_group_have_the_names_that_the_appspec_says(
    more: dict[str, str], application: str, group: str
) -> None:
    found = completed(replace(WHOLE, alias="prod"), **more)
    assert (found.function, found.alias) == ("checkout", "prod")
    assert (found.application, found.deployment_group) == (application, group)


def test_a_function_may_be_named_in_the_appspec_alone_and_by_its_arn() -> None:
    assert completed(replace(WHOLE, function=ARN), function="").function == "checkout"
    assert completed(replace(WHOLE, function=ARN)).function == "checkout"


def test_every_disagreement_is_named_at_once(told: Told) -> None:
    appspec = replace(WHOLE, function="other", alias="prod")
    given = {
        "alias": "live",
        "current_version": "3",
        "version": "4",
        "before_allow_traffic": "x",
        "after_allow_traffic": "y",
    }
    assert disagreements(appspec, **given) == told


@pytest.mark.parametrize(
    "code", ["build", "s3://bucket/key", "123456789012.dkr.ecr.eu-west-1.amazonaws.com/a:1", "$LATEST"]
)
def test_a_target_version_and_new_code_contradict(code: str, told: Told) -> None:
    assert disagreements(AppSpec(target_version="4"), code=code) == told
    assert completed(AppSpec(current_version="4"), code=code).current_version == "4"


@pytest.mark.parametrize("command", ["deploy", "plan"])
def test_an_appspec_without_a_target_does_not_say_what_to_deploy(command: str, told: Told) -> None:
    """An expression that turned out empty must not deploy whatever the function holds."""
    assert disagreements(replace(WHOLE, target_version=""), command=command) == told
    assert completed(replace(WHOLE, target_version=""), command=command, version="2").version == "2"
    assert completed(WHOLE, command=command).version == "2"


def test_validate_takes_an_appspec_that_a_deployment_completes() -> None:
    assert completed(replace(WHOLE, target_version=""), command="validate").version is None


def test_one_version_as_current_and_target_is_no_mistake() -> None:
    """The alias decides: where it serves that version there is nothing to deploy, elsewhere preflight refuses."""
    assert completed(AppSpec(current_version="7", target_version="7")).version == "7"


ARN = "arn:aws:lambda:eu-west-1:123456789012:function:checkout"


def test_an_arn_says_where_the_function_is_as_the_input_function_does(told: Told) -> None:
    spec = AppSpec(function=ARN, target_version="1")
    made = complete(Inputs(command="deploy"), spec, given=frozenset())
    assert (made.function, made.aws_region, made.account_id) == ("checkout", "eu-west-1", "123456789012")
    assert (made.application, made.deployment_group) == ("checkout", "live")
    elsewhere = Inputs(command="deploy", aws_region="us-east-1", account_id="999999999999")
    with pytest.raises(InvalidInput) as caught:
        complete(elsewhere, spec, given=frozenset())
    assert list(map(str, caught.value.problems)) == told


EMPTY = [
    (spec("{Name: }"), 4, "Name"),
    (spec("{Alias: ''}"), 4, "Alias"),
    (spec("{CurrentVersion: ~}"), 4, "CurrentVersion"),
    (spec("{TargetVersion: null}"), 4, "TargetVersion"),
    (spec(""), 4, "Properties"),
    ("Resources:\nHooks: [BeforeAllowTraffic: a]", 1, "Resources"),
    (spec(more="Hooks:\n"), 5, "Hooks"),
    (spec(more="Hooks: ''\n"), 5, "Hooks"),
    *(
        (spec(more=f"Hooks:\n  - {hook}: {empty}\n"), 6, hook)
        for hook in ("BeforeAllowTraffic", "AfterAllowTraffic")
        for empty in ("", "''", '""', "~", "null")
    ),
]


@pytest.mark.parametrize(("text", "line", "name"), EMPTY, ids=shown)
def test_an_empty_member_is_a_variable_that_was_not_set(text: str, line: int, name: str, told: Told) -> None:
    """A hook that is lost in silence deploys without protection."""
    with pytest.raises(InvalidInput) as caught:
        parse(text)
    (problem,) = caught.value.problems
    assert problem.where == f"input `appspec`, line {line}"
    assert f"for {name}. " in str(problem)
    assert str(problem) == told


def test_the_same_function_may_serve_both_hooks() -> None:
    both = parse(spec(more="Hooks:\n  - BeforeAllowTraffic: a\n  - AfterAllowTraffic: a\n"))
    assert (both.before_hook, both.after_hook) == ("a", "a")


@pytest.mark.parametrize("space", ["\t", "  ", "\t \t"])
def test_json_is_read_as_json_however_it_is_indented(space: str) -> None:
    """AWS's own examples are indented with tabs (facts.md G21)."""
    built = document(replace(WHOLE, logical_name="M\N{GRINNING FACE}/y\t\\"))
    text = json.dumps(built, indent=space).replace("/", "\\/")
    assert parse(text).logical_name == "M\N{GRINNING FACE}/y\t\\"
    assert parse("\ufeff\n" + text.replace("\n", "\r\n")) == parse(text)


def test_what_is_wrong_in_json_is_told_with_its_line() -> None:
    text = json.dumps(document(replace(WHOLE, alias="7")), indent="\t")
    with pytest.raises(InvalidInput) as caught:
        parse(text)
    (problem,) = caught.value.problems
    assert problem.where == "input `appspec`, line 9"


@pytest.mark.parametrize("tag", ["!Ref", "!Sub", "!GetAtt", "!<tag:example.com,2026:x>"])
def test_a_tag_that_nothing_resolves_is_refused(tag: str, told: Told) -> None:
    with pytest.raises(InvalidInput) as caught:
        parse(spec(f"{{Name: {tag} checkout}}"))
    assert str(caught.value) == told
    assert parse(spec("{Name: !!str checkout}")).function == "checkout"


def test_utf_16_is_told_as_what_it_is(told: Told) -> None:
    with pytest.raises(InvalidInput) as caught:
        parse("version: 0.0".encode("utf-16-le").decode())
    assert str(caught.value) == told


def test_a_function_that_nobody_names_is_missing(told: Told) -> None:
    assert disagreements(AppSpec(alias="live", target_version="2"), function="") == told
