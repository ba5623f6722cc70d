"""AppSpecs: built, checked, read in any case, completed."""

from __future__ import annotations

import json
import sys
from dataclasses import replace

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from ci_deploy.core.errors import InvalidInput
from ci_deploy.core.given.appspec import MAX_CHARACTERS, AppSpec, check, complete, document, parse, sha256, write
from ci_deploy.core.given.inputs import Inputs
from ci_deploy.core.given.parsing import parse as parse_inputs

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


PROPERTIES = "AppSpec Resources.0.MyFunction.Properties"


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        ({"alias": "7"}, f"{PROPERTIES}.Alias: '7' does not match '^(?![0-9]+$)[A-Za-z0-9_-]{{1,128}}$'."),
        ({"target_version": "0"}, f"{PROPERTIES}.TargetVersion: '0' does not match '^[1-9][0-9]*$'."),
        ({"current_version": ""}, f"{PROPERTIES}.CurrentVersion: '' does not match '^[1-9][0-9]*$'."),
        ({"function": ""}, f"{PROPERTIES}.Name: '' should be non-empty."),
        ({"function": "x" * 171}, f"{PROPERTIES}.Name: '{'x' * 171}' is too long."),
        ({"before_hook": "x" * 171}, f"AppSpec Hooks.0.BeforeAllowTraffic: '{'x' * 171}' is too long."),
        ({"after_hook": "x" * 171}, f"AppSpec Hooks.1.AfterAllowTraffic: '{'x' * 171}' is too long."),
    ],
)  # fmt: skip
def test_what_the_schema_does_not_allow_is_not_written_and_names_its_place(
    change: dict[str, str], problem: str
) -> None:
    with pytest.raises(InvalidInput) as caught:
        write(replace(WHOLE, **change))
    assert list(map(str, caught.value.problems)) == [problem]


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


NAME = "Expected a function's name (letters, digits, `-`, `_`; 64 at most) or its ARN."
NUMBER = "Expected a published version's number."
ONE = "One AppSpec deploys one function; describe several in `ci-deploy.yml`."
NONE = "Give one under `Resources`, or leave it out."

WRONG: list[tuple[str, list[str]]] = [
    ("", [": is empty. It begins with `version: 0.0`."]),
    ("version: 0.0\n---\nversion: 0.0\n", [": has 2 documents. It begins with `version: 0.0`."]),
    ("just some words", [", line 1: has `just some words` where the AppSpec should be a mapping."]),
    ("- 1\n- 2\n", [", line 1: has a list where the AppSpec should be a mapping."]),
    ("!!python/object/apply:os.system ['true']", [", line 1: has a list where the AppSpec should be a mapping."]),
    ("version: [0.0\n", [", line 2: cannot be read: expected ',' or ']', but got '<stream end>'."]),
    ("version: 0.0\nname: \x02\n",
     [", line 2: cannot be read: it has a character in it that YAML does not allow."]),
    ("[" * 60_000, [", line 1: is nested more than 20 levels deep."]),
    ("a: &a [x]\nb: [*a, *a]\n",
     [", line 1: uses YAML anchors or aliases (`&name`, `*name`). Write it out."]),
    ("x" * (MAX_CHARACTERS + 1), [f": has {MAX_CHARACTERS + 1} characters; {MAX_CHARACTERS} are possible."]),
    ("version: 1.0\n", [", line 1: has `1.0` as its version. CodeDeploy knows `0.0` only."]),
    ("version:\n", [", line 1: has nothing as its version. CodeDeploy knows `0.0` only."]),
    ("version: [0.0]\n", [", line 1: has a list as its version. CodeDeploy knows `0.0` only."]),
    ("version: 0.0\nresource: []\n",
     [", line 2: has `resource` in the AppSpec, which is not known. Did you mean `Resources`?"]),
    ("version: 0.0\nos: linux\n",
     [", line 2: has `os` in the AppSpec, which is not known. Choose one of `version`, `Resources`, `Hooks`."]),
    ("version: 0.0\nVersion: 0.0\n", [", line 2: says `version` twice in the AppSpec. Keep one of them."]),
    ("version: 0.0\nResources: []\n", [f", line 2: has no resource. {NONE}"]),
    ("version: 0.0\nResources: {}\n", [f", line 2: has no resource. {NONE}"]),
    ("Resources: checkout\n", [", line 1: has `checkout` where a resource should be a mapping."]),
    ("Resources:\n  - [x]\n  - f: {}\n", [", line 2: has a list where a resource should be a mapping."]),
    ("Resources:\n  - f: {}\n  - g: {}\n", [f", line 2: has 2 resources. {ONE}"]),
    ("Resources: {f: {}, g: {}, h: {}}\n", [f", line 1: has 3 resources. {ONE}"]),
    ("Resources: [f: {}, f: {}]\n", [f", line 1: has 2 resources. {ONE}"]),
    ("Resources: [{f: {}, f: {}}]\n", [", line 1: says `f` twice in a resource. Keep one of them."]),
    ("Resources:\n  - f: yes\n", [", line 2: has `yes` where resource `f` should be a mapping."]),
    ("Resources: [f: {Kind: x}]",
     [", line 1: has `Kind` in resource `f`, which is not known. Choose one of `Type`, `Properties`."]),
    ("Resources: [f: {Type: AWS::ECS::Service}]",
     [", line 1: has a resource of type `AWS::ECS::Service`. For Lambda it is `AWS::Lambda::Function`."]),
    ("Resources: [f: {Type: }]",
     [", line 1: has a resource of type nothing. For Lambda it is `AWS::Lambda::Function`."]),
    ("Resources: [f: {Type: [AWS::Lambda::Function]}]",
     [", line 1: has a resource of type a list. For Lambda it is `AWS::Lambda::Function`."]),
    (spec("[1, 2]"), [", line 4: has a list where Properties should be a mapping."]),
    (spec("[]"), [", line 4: has a list where Properties should be a mapping."]),
    (spec("{Tarjet: 1, TragetVersion: 2}"),
     [", line 4: has `Tarjet` in Properties, which is not known. "
      "Choose one of `Name`, `Alias`, `CurrentVersion`, `TargetVersion`.",
      ", line 4: has `TragetVersion` in Properties, which is not known. Did you mean `TargetVersion`?"]),
    (spec("{Name: f, Name: g}"), [", line 4: says `Name` twice in Properties. Keep one of them."]),
    (spec("{Name: f, NAME: f}"), [", line 4: says `Name` twice in Properties. Keep one of them."]),
    (spec("{[Name]: f}"), [", line 4: has a list as a key in Properties. A key is text."]),
    (spec("{Name: 'no spaces'}"),
     [f", line 4: has `no spaces` for Name, which is not a function's name or ARN (without version or alias). {NAME}"]),
    (spec("{Name: [f]}"), [f", line 4: has a list for Name. {NAME}"]),
    (spec("{Alias: 7}"),
     [", line 4: has `7` for Alias, which is not an alias name (letters, digits, `-`, `_`; 128 at most; "
      "not a number alone). Expected an alias name, such as `live`."]),
    (spec("{CurrentVersion: $latest, TargetVersion: 1.5}"),
     [", line 4: has `$latest` for CurrentVersion, which is not a published version "
      f"(`code: $LATEST` publishes what it holds). {NUMBER}",
      f", line 4: has `1.5` for TargetVersion, which is not a version number (1, 2, 3, …). {NUMBER}"]),
    (spec("{TargetVersion: {a: b}}"), [f", line 4: has a mapping for TargetVersion. {NUMBER}"]),
    (spec("{TargetVersion: " + "x" * 100 + "}"),
     [f", line 4: has `{'x' * 79}…` for TargetVersion, which is not a version number (1, 2, 3, …). {NUMBER}"]),
    (spec(more="Hooks: please\n"), [", line 5: has `please` where Hooks should be a mapping."]),
    (spec(more="Hooks:\n  - BeforeInstall: x\n"),
     [", line 6: has `BeforeInstall` in Hooks, which is not known. "
      "Choose one of `BeforeAllowTraffic`, `AfterAllowTraffic`."]),
    (spec(more="Hooks:\n  - BeforeAllowTraffic: 'rm -rf /'\n  - AfterAllowTraffic: [x]\n"),
     [", line 6: has `rm -rf /` for BeforeAllowTraffic, "
      f"which is not a function's name or ARN (without version or alias). {NAME}",
      f", line 7: has a list for AfterAllowTraffic. {NAME}"]),
    (spec(more="Hooks:\n  - BeforeAllowTraffic: a\n  - beforeallowtraffic: b\n"),
     [", line 7: declares the hook `BeforeAllowTraffic` twice. CodeDeploy runs one function for each."]),
    (spec("{Name: a b, Colour: red}", more="version: 2\n"),
     [", line 4: has `Colour` in Properties, which is not known. "
      "Choose one of `Name`, `Alias`, `CurrentVersion`, `TargetVersion`.",
      f", line 4: has `a b` for Name, which is not a function's name or ARN (without version or alias). {NAME}",
      ", line 5: says `version` twice in the AppSpec. Keep one of them."]),
]  # fmt: skip


@pytest.mark.parametrize(("text", "told"), WRONG, ids=lambda part: str(part)[:60])
def test_what_is_wrong_in_a_users_appspec_is_told_with_its_line_and_all_at_once(text: str, told: list[str]) -> None:
    with pytest.raises(InvalidInput) as caught:
        parse(text, where="AppSpec `a.yaml`")
    assert list(map(str, caught.value.problems)) == [f"AppSpec `a.yaml`{each}" for each in told]


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


def test_every_disagreement_is_named_at_once() -> None:
    agree = "Leave one of them out, or make them agree."
    appspec = replace(WHOLE, function="other", alias="prod")
    given = {
        "alias": "live",
        "current_version": "3",
        "version": "4",
        "before_allow_traffic": "x",
        "after_allow_traffic": "y",
    }
    assert disagreements(appspec, **given) == [
        f"input `function`: is `checkout`, but the AppSpec says `other`. {agree}",
        f"input `alias`: is `live`, but the AppSpec says `prod`. {agree}",
        f"input `current-version`: is `3`, but the AppSpec says `1`. {agree}",
        f"input `version`: is `4`, but the AppSpec says `2`. {agree}",
        f"input `before-allow-traffic`: is `x`, but the AppSpec says `CodeDeployHook_a`. {agree}",
        f"input `after-allow-traffic`: is `y`, but the AppSpec says `CodeDeployHook_b`. {agree}",
    ]


@pytest.mark.parametrize(
    "code", ["build", "s3://bucket/key", "123456789012.dkr.ecr.eu-west-1.amazonaws.com/a:1", "$LATEST"]
)
def test_a_target_version_and_new_code_contradict(code: str) -> None:
    assert disagreements(AppSpec(target_version="4"), code=code) == [
        "input `appspec`: names the target version 4, but new code was given, too. "
        "Leave TargetVersion out of the AppSpec, or give no code."
    ]
    assert completed(AppSpec(current_version="4"), code=code).current_version == "4"


@pytest.mark.parametrize("command", ["deploy", "plan"])
def test_an_appspec_without_a_target_does_not_say_what_to_deploy(command: str) -> None:
    """An expression that turned out empty must not deploy whatever the function holds."""
    assert disagreements(replace(WHOLE, target_version=""), command=command) == [
        "input `code`: is missing: nothing says what to deploy. "
        "Set `code` (a folder, a zip, `s3://…`, an image, or `$LATEST`), or `version`."
    ]
    assert completed(replace(WHOLE, target_version=""), command=command, version="2").version == "2"
    assert completed(WHOLE, command=command).version == "2"


def test_validate_takes_an_appspec_that_a_deployment_completes() -> None:
    assert completed(replace(WHOLE, target_version=""), command="validate").version is None


def test_one_version_as_current_and_target_is_no_mistake() -> None:
    """The alias decides: where it serves that version there is nothing to deploy, elsewhere preflight refuses."""
    assert completed(AppSpec(current_version="7", target_version="7")).version == "7"


ARN = "arn:aws:lambda:eu-west-1:123456789012:function:checkout"


def test_an_arn_says_where_the_function_is_as_the_input_function_does() -> None:
    spec = AppSpec(function=ARN, target_version="1")
    made = complete(Inputs(command="deploy"), spec, given=frozenset())
    assert (made.function, made.aws_region, made.account_id) == ("checkout", "eu-west-1", "123456789012")
    assert (made.application, made.deployment_group) == ("checkout", "live")
    elsewhere = Inputs(command="deploy", aws_region="us-east-1", account_id="999999999999")
    with pytest.raises(InvalidInput) as caught:
        complete(elsewhere, spec, given=frozenset())
    assert list(map(str, caught.value.problems)) == [
        "input `appspec`: names a function in `eu-west-1`, and `aws-region` is `us-east-1`. Make them agree.",
        "input `appspec`: names a function in `123456789012`, and `account-id` is `999999999999`. Make them agree.",
    ]


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


@pytest.mark.parametrize(("text", "line", "name"), EMPTY)
def test_an_empty_member_is_a_variable_that_was_not_set(text: str, line: int, name: str) -> None:
    """A hook that is lost in silence deploys without protection."""
    told = f"input `appspec`, line {line}: has nothing for {name}. Write its value, or leave {name} out."
    with pytest.raises(InvalidInput) as caught:
        parse(text)
    assert list(map(str, caught.value.problems)) == [told]


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
def test_a_tag_that_nothing_resolves_is_refused(tag: str) -> None:
    with pytest.raises(InvalidInput, match="uses the YAML tag"):
        parse(spec(f"{{Name: {tag} checkout}}"))
    assert parse(spec("{Name: !!str checkout}")).function == "checkout"


def test_utf_16_is_told_as_what_it_is() -> None:
    with pytest.raises(InvalidInput, match="is not UTF-8 text"):
        parse("version: 0.0".encode("utf-16-le").decode())


def test_a_function_that_nobody_names_is_missing() -> None:
    assert disagreements(AppSpec(alias="live", target_version="2"), function="") == [
        "input `function`: is missing, and the AppSpec names none. Name it in one of them."
    ]
