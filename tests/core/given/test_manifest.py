"""Manifests: several functions, what is said where, problems with their lines."""

from __future__ import annotations

import json
from dataclasses import replace

import jsonschema
import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from ci_deploy.core.errors import InvalidInput
from ci_deploy.core.given.inputs import table
from ci_deploy.core.given.manifest import MAX_CHARACTERS as LIMIT
from ci_deploy.core.given.manifest import RUN_ONLY, Entry, matrix, read, schema, select, settings

GOOD = """\
defaults:
  application: shop
  deployment-config: CodeDeployDefault.LambdaLinear10PercentEvery1Minute
functions:
  checkout:
    deployment-group: checkout-live
  cart:
    deployment-group: cart-live
    deployment-config: CodeDeployDefault.LambdaAllAtOnce
    alarms: [cart-errors, cart-slow]
    target-version: 7
  prices-blue:
    function: prices
    alias: blue
    deployment-group: prices-live
waves:
  - [cart]
  - [checkout, prices-blue]
"""


NAMES = "Every deployment belongs to an application and a deployment group."


def problems(text: str, **run: str) -> list[str]:
    with pytest.raises(InvalidInput) as caught:
        read(text, run, where="functions.yml")
    return list(map(str, caught.value.problems))


def test_the_more_specific_wins() -> None:
    """A function's own setting, then the defaults, then the run's inputs, then the table's default."""
    run = {"command": "deploy", "deployment-config": "Custom", "bucket": "shop-deployments"}
    entries = {entry.name: entry for entry in read(GOOD, run, where="functions.yml")}
    checkout, cart, prices = (entries[name].inputs for name in ("checkout", "cart", "prices-blue"))
    assert checkout.deployment_config == "CodeDeployDefault.LambdaLinear10PercentEvery1Minute"
    assert cart.deployment_config == "CodeDeployDefault.LambdaAllAtOnce"
    assert (checkout.bucket, cart.bucket) == ("shop-deployments", "shop-deployments")
    assert (checkout.alias, prices.alias) == ("live", "blue")
    assert (checkout.function, prices.function) == ("checkout", "prices")
    assert (cart.alarms, cart.target_version) == (("cart-errors", "cart-slow"), "7")


def test_waves_are_numbered_in_their_order() -> None:
    waves = {entry.name: entry.wave for entry in read(GOOD, {}, where="functions.yml")}
    assert waves == {"cart": 0, "checkout": 1, "prices-blue": 1}


FORM = "Functions are the keys under `functions`, their settings the values: `checkout: {deployment-group: …}`."
WAVE = "A wave is a list of functions: `- [cart, checkout]`."
MINUTES = "Expected a duration such as `90s`, `10m` or `2h`."
BOTH = "defaults: {application: x, deployment-group: g}\nfunctions: {a: {}, b: {}}\n"

PROBLEMS: list[tuple[str, list[str]]] = [
    # What is no manifest
    ("", [": is empty. It needs `functions`, in one document."]),
    ("# nothing\n", [": is empty. It needs `functions`, in one document."]),
    ("a: 1\n---\nb: 2\n", [": has 2 documents. It needs `functions`, in one document."]),
    ("---\n", [", line 2: names no functions. Give at least one under `functions`."]),
    ("[]\n", [f", line 1: has a list where the manifest should be a mapping. {FORM}"]),
    ("checkout\n", [f", line 1: has `checkout` where the manifest should be a mapping. {FORM}"]),
    ("# the shop\ndefaults: {}\n", [", line 2: names no functions. Give at least one under `functions`."]),
    ("defaults: {}\nfunctions: {}\n", [", line 2: names no functions. Give at least one under `functions`."]),
    ("functions:\n  - function: a\n", [f", line 2: has a list where `functions` should be a mapping. {FORM}"]),
    ("functions:\n  a: {\n", [", line 3: cannot be read: expected the node content, but found '<stream end>'."]),
    ("functions:\n\ta: b\n", [", line 2: cannot be read: found character '\\t' that cannot start any token."]),
    ("\x01", [", line 1: cannot be read: it has a character in it that YAML does not allow."]),
    ("\nfunctions:\n  a: \x01\n", [", line 3: cannot be read: it has a character in it that YAML does not allow."]),
    ("defaults: " + "[" * 20 + "]" * 20 + "\n", [", line 1: is nested more than 20 levels deep."]),
    ("- " * 20 + "a", [f", line 1: has a list where the manifest should be a mapping. {FORM}"]),
    ("- " * 21 + "a", [", line 1: is nested more than 20 levels deep."]),
    ("\n" + "{a: " * 21, [", line 2: is nested more than 20 levels deep."]),
    ("functions: " + "[{a: b}, " * 18 + "]" * 18 + "\n" + BOTH.split("\n")[0],
     [f", line 1: has a list where `functions` should be a mapping. {FORM}"]),
    # Keys
    ("functions: {a: {}}\nfuntions: {}\n",
     [", line 1: `application` of function `a` is missing. " + NAMES,
      ", line 1: `deployment-group` of function `a` is missing. " + NAMES,
      ", line 2: has `funtions` in the manifest, which is not known. Did you mean `functions`?"]),
    ("steps: {}\n",
     [", line 1: has `steps` in the manifest, which is not known. There is `defaults`, `functions`, `waves`."]),
    ("functions: {a: {deployment-group: g, application: x, timeot: 5m}}",
     [", line 1: has `timeot` in function `a`, which is not known. Did you mean `timeout`?"]),
    (BOTH.replace("defaults: {", "defaults: {colour: red, "),
     [", line 1: has `colour` in `defaults`, which is not known. "
      f"There is `function`, `alias`, `target-version`, `package`, `package-s3` and {len(settings()) - 5} more."]),
    (BOTH + "functions: {}\n", [", line 3: says `functions` twice in the manifest. Keep one of them."]),
    ("defaults: {application: x, deployment-group: g}\nfunctions:\n  a: {}\n  a: {}\n",
     [", line 4: says `a` twice in `functions`. Keep one of them."]),
    (BOTH.replace("a: {}", "[a]: {}, a: {}, a: {}"),
     [", line 2: has a list as a key in `functions`. A key is text.",
      ", line 2: says `a` twice in `functions`. Keep one of them."]),
    (BOTH.replace("b: {}", "[b]: {}"), [", line 2: has a list as a key in `functions`. A key is text."]),
    (BOTH.replace("b: {}", "{b: c}: {}"), [", line 2: has a mapping as a key in `functions`. A key is text."]),
    # What is for the run, or for GitHub
    (BOTH.replace("b: {}", "b: {aws-region: eu-central-1}"),
     [", line 2: has `aws-region` in function `b`, which is for the whole run. Give it as an input."]),
    (BOTH.replace("defaults: {", "defaults: {functions: other.yml, "),
     [", line 1: has `functions` in `defaults`, which is for the whole run. Give it as an input."]),
    ("functions:\n  a: &x {application: x}\n  b: *x\n",
     [", line 2: uses YAML anchors or aliases (`&name`, `*name`). Use `defaults` instead."]),
    ("functions:\n  a: *x\n",
     [", line 2: uses YAML anchors or aliases (`&name`, `*name`). Use `defaults` instead."]),
    ("functions:\n  a: {target-version: '${{ inputs.version }}'}\n",
     [", line 2: has a `${{ … }}` expression in it, which only GitHub's workflow files know. "
      "Pass what changes from run to run as an input of the step."]),
    # Values
    (BOTH.replace("a: {}", "a: [1]"),
     [", line 2: has a list where function `a` should be a mapping. A setting is `name: value`."]),
    (BOTH.replace("a: {}", "a: yes"),
     [", line 2: has `yes` where function `a` should be a mapping. A setting is `name: value`."]),
    ("defaults: x\nfunctions: {a: {application: x, deployment-group: g}}",
     [", line 1: has `x` where `defaults` should be a mapping. A setting is `name: value`."]),
    (BOTH.replace("a: {}", "a: {alarms: {x: y}}"),
     [", line 2: has a mapping for `alarms`. Give text, or a list of it."]),
    (BOTH.replace("a: {}", "a: {alarms: [x, [y]]}"),
     [", line 2: has a list of something else than text for `alarms`. Give text, or a list of it."]),
    (BOTH.replace("a: {}", "a: {timeout: 5}"),
     [f", line 2: `timeout` of function `a`: `5` is not a duration: it has no unit. {MINUTES}"]),
    (BOTH.replace("b: {}", "b c: {}"),
     [", line 2: `function` of function `b c`: `b c` is not a function's name or ARN (without version or alias). "
      "Expected a function's name (letters, digits, `-`, `_`; 64 at most) or its ARN."]),
    (BOTH.replace("a: {}", "a: {target-version: 2, package: dist}"),
     [", line 2: `package` of function `a` cannot be given together with `target-version`. Give one source of code."]),
    # What several functions share is told once
    (BOTH.replace("{application: x", "{timeout: soon, application: x"),
     [f", line 1: `timeout` of functions `a`, `b`: `soon` is not a duration. {MINUTES}"]),
    ("defaults: {application: x}\nfunctions:\n" + "".join(f"  f{n}: {{}}\n" for n in range(8)),
     [f", line 3: `deployment-group` of functions `f0`, `f1`, `f2`, `f3`, `f4` and 3 more is missing. {NAMES}"]),
    ("defaults: {application: x}\nfunctions:\n" + "".join(f"  f{n}: {{}}\n" for n in range(6)),
     [f", line 3: `deployment-group` of functions `f0`, `f1`, `f2`, `f3`, `f4` and 1 more is missing. {NAMES}"]),
    ("defaults: {application: x}\nfunctions:\n" + "".join(f"  f{n}: {{}}\n" for n in range(5)),
     [f", line 3: `deployment-group` of functions `f0`, `f1`, `f2`, `f3`, `f4` is missing. {NAMES}"]),
    (BOTH.replace("{application: x", "{timeout: soon, application: x").replace("b: {}", "b: {timeout: 5m}"),
     [f", line 1: `timeout` of function `a`: `soon` is not a duration. {MINUTES}"]),
    # Waves
    (BOTH + "waves: a\n", [f", line 3: has `a` where `waves` should be a list of lists. {WAVE}"]),
    (BOTH + "waves: {1: [a, b]}\n", [f", line 3: has a mapping where `waves` should be a list of lists. {WAVE}"]),
    (BOTH + "waves:\n  - a\n  - [b]\n", [f", line 4: has `a` as wave 1. {WAVE}"]),
    (BOTH + "waves:\n  - [a, b]\n  -\n", [f", line 5: has nothing as wave 2. {WAVE}"]),
    (BOTH + "waves:\n  - [a, b]\n  - []\n", [", line 5: has nothing in wave 2. Name its functions, or leave it out."]),
    (BOTH + "waves:\n  - [a, b]\n  - [[a]]\n", [f", line 5: has a list in wave 2. {WAVE}"]),
    (BOTH + "waves:\n  - [a, b]\n  - [ab]\n",
     [", line 5: has `ab` in `waves`, which is not one of the functions. Did you mean `b`?"]),
    (BOTH + "waves:\n  - [a, b]\n  - [checkout]\n",
     [", line 5: has `checkout` in `waves`, which is not one of the functions. There is `a`, `b`."]),
    (BOTH + "waves:\n  - [a]\n  - [a, b]\n", [", line 5: has `a` in two waves. Every function goes once."]),
    (BOTH + "waves:\n  - [a]\n", [", line 4: has no wave for `b`. With `waves`, every function is in one."]),
    (BOTH.replace("a: {}", "a: {timeout: 5}") + "waves:\n  - [a]\n",
     [f", line 2: `timeout` of function `a`: `5` is not a duration: it has no unit. {MINUTES}",
      ", line 4: has no wave for `b`. With `waves`, every function is in one."]),
    # One alias twice
    ("defaults: {application: x, deployment-group: g}\nfunctions:\n  a: {}\n  b: {function: a}\n",
     [", line 4: deploys `a:live` twice, as `a` and as `b`. One function and alias, one entry."]),
    ("defaults: {application: x, deployment-group: g, alias: blue}\nfunctions:\n  a: {}\n"
     "  b: {function: 'arn:aws:lambda:eu-west-1:123456789012:function:a'}\n  c: {function: a}\n",
     [", line 4: deploys `a:blue` twice, as `a` and as `b`. One function and alias, one entry.",
      ", line 5: deploys `a:blue` twice, as `a` and as `c`. One function and alias, one entry."]),
    # ARNs of several places
    ("defaults: {application: x, deployment-group: g}\nfunctions:\n"
     "  a: {function: 'arn:aws:lambda:eu-west-1:123456789012:function:a'}\n  b: {}\n"
     "  c: {function: 'arn:aws:lambda:eu-west-2:210987654321:function:c'}\n",
     [", line 5: has `c` in region `eu-west-2`, and `a` in `eu-west-1`."
      " One region a manifest: run the others by one of their own.",
      ", line 5: has `c` in account `210987654321`, and `a` in `123456789012`."
      " One account a manifest: run the others by one of their own."]),
]  # fmt: skip


@pytest.mark.parametrize(("text", "told"), PROBLEMS)
def test_a_problem_has_its_line_what_was_given_and_what_would_be_right(text: str, told: list[str]) -> None:
    assert problems(text) == [f"manifest `functions.yml`{each}" for each in told]


def test_all_problems_at_once_in_the_order_of_their_lines() -> None:
    text = (
        "functions:\n  a: {deployment-group: ' ', timeout: 5}\n  a: {}\n  b: {deployment-group: g, wait: true}\n"
        "waves: [[c]]\ndefaults: {aplication: x}\n"
    )
    assert problems(text) == [
        f"manifest `functions.yml`, line {told}"
        for told in (
            f"2: `timeout` of function `a`: `5` is not a duration: it has no unit. {MINUTES}",
            f"2: `application` of functions `a`, `b` is missing. {NAMES}",
            f"2: `deployment-group` of function `a` is missing. {NAMES}",
            "3: says `a` twice in `functions`. Keep one of them.",
            "4: has `wait` in function `b`, which is for the whole run. Give it as an input.",
            "5: has `c` in `waves`, which is not one of the functions. There is `a`, `b`.",
            "6: has `aplication` in `defaults`, which is not known. Did you mean `application`?",
        )
    ]


def test_a_name_that_is_long_or_cannot_be_seen_is_shown_shortened() -> None:
    assert problems("functions: {}\n" + '"a\\tb": 1\n' + "x" * 100 + ": 1\n") == [
        "manifest `functions.yml`, line 2: has `a�b` in the manifest, which is not known. "
        "There is `defaults`, `functions`, `waves`.",
        f"manifest `functions.yml`, line 3: has `{'x' * 79}…` in the manifest, which is not known. "
        "There is `defaults`, `functions`, `waves`.",
    ]


@pytest.mark.parametrize(
    ("length", "told"), [(LIMIT, None), (LIMIT + 1, [f"has {LIMIT + 1} characters; {LIMIT} are possible."])]
)
def test_a_manifest_has_a_limit(length: int, told: list[str] | None) -> None:
    """The largest that is possible is read as far as the first thing that is wrong in it."""
    text = "a: &a b\n#"
    found = problems(text + "x" * (length - len(text)))
    expected = ["uses YAML anchors or aliases (`&name`, `*name`). Use `defaults` instead."] if told is None else told
    assert [each.split(": ", 1)[1] for each in found] == expected


@pytest.mark.parametrize(("count", "fits"), [(1000, True), (1001, False)])
def test_a_thousand_functions_are_possible(count: int, fits: bool) -> None:
    """Of more the settings are not even looked at."""
    rows = "".join(f"  f{n}: {{}}\n" for n in range(count))
    text = f"defaults: {{application: x{', deployment-group: g' if fits else ''}}}\nfunctions:\n{rows}"
    if fits:
        assert len(read(text, {}, where="functions.yml")) == 1000
    else:
        assert problems(text) == [
            "manifest `functions.yml`, line 3: names 1001 functions; 1000 are possible in one run. "
            "Split it, and run the parts by a matrix."
        ]


@given(st.text(max_size=200))
def test_any_text_is_a_manifest_or_a_clear_refusal(text: str) -> None:
    try:
        assert read(text, {}, where="m.yml")
    except InvalidInput as error:
        assert all("manifest `m.yml`" in problem.where for problem in error.problems)


def test_an_input_of_the_run_that_contradicts_a_functions_setting_is_told_and_leaves_no_function_out() -> None:
    text = "defaults: {application: x, deployment-group: g}\nfunctions:\n  a: {target-version: 2}\n  b: {}\n"
    assert problems(text, package="dist") == [
        "manifest `functions.yml`, line 3: `package` of function `a` (an input of the run) "
        "cannot be given together with `target-version`. Give one source of code."
    ]


def test_what_a_function_says_itself_is_not_called_an_input_of_the_run() -> None:
    assert problems(BOTH.replace("a: {}", "a: {timeout: soon}"), timeout="5m") == [
        f"manifest `functions.yml`, line 2: `timeout` of function `a`: `soon` is not a duration. {MINUTES}"
    ]
    assert problems("functions: {a: {application: x}}", **{"deployment-group": " "}) == [
        f"manifest `functions.yml`, line 1: `deployment-group` of function `a` is missing. {NAMES}"
    ]


def test_windows_line_endings_are_fine() -> None:
    assert read(GOOD.replace("\n", "\r\n"), {}, where="m.yml") == read(GOOD, {}, where="m.yml")


def test_json_is_a_manifest_too() -> None:
    text = json.dumps(
        {"functions": {"a": {"application": "x", "deployment-group": "g", "target-version": 7, "alarms": None}}}
    )
    ((entry,)) = read(text, {}, where="m.json")
    assert (entry.inputs.target_version, entry.inputs.alarms) == ("7", ())


def test_an_entry_knows_what_was_given_for_it_and_what_is_only_a_default() -> None:
    """What is empty in a function takes the manifest's default back; what is empty in the run was not given."""
    text = "defaults: {application: x, deployment-group: g, bucket: shop}\nfunctions:\n  a: {bucket: }\n  b:\n"
    run = {"prefix": "p", "alias": " ", "function": "", "functions": "m.yml", "max-parallel": "2"}
    a, b = read(text, run, where="m.yml")
    assert a == Entry(
        inputs=replace(b.inputs, function="a", bucket=None),
        wave=0,
        given=frozenset({"application", "deployment-group", "prefix", "max-parallel", "function"}),
        name="a",
    )
    assert b.given == a.given | {"bucket"}
    assert (b.inputs.function, b.inputs.bucket, b.inputs.prefix, b.inputs.alias) == ("b", "shop", "p", "live")
    assert b.inputs.max_parallel == 2


def test_empty_waves_are_none() -> None:
    assert [entry.wave for entry in read(BOTH + "waves:\n", {}, where="m.yml")] == [0, 0]


def test_only_selects_by_the_names_of_the_manifest_and_in_its_order() -> None:
    entries = read(GOOD, {}, where="functions.yml")
    assert [entry.name for entry in select(entries, ("prices-blue", "checkout"), where="x")] == [
        "checkout",
        "prices-blue",
    ]
    assert select(entries, (), where="input `only`") == entries
    with pytest.raises(InvalidInput) as caught:
        select(entries, ("crat", "cart", "search"), where="input `only`")
    assert list(map(str, caught.value.problems)) == [
        "input `only`: names `crat`, which is not in the manifest. Did you mean `cart`?",
        "input `only`: names `search`, which is not in the manifest. There is `checkout`, `cart`, `prices-blue`.",
    ]


def sharded(groups: list[str], size: int) -> list[tuple[str, str]]:
    """Functions f0, f1, … of these groups (of application x), divided: the number and the functions of each shard."""
    rows = "".join(f"  f{n}: {{deployment-group: {group}}}\n" for n, group in enumerate(groups))
    made = matrix(read(f"defaults: {{application: x}}\nfunctions:\n{rows}", {}, where="m.yml"), size)
    assert list(made) == ["include"]
    assert all(list(shard) == ["shard", "only"] for shard in made["include"])
    return [(shard["shard"], shard["only"]) for shard in made["include"]]


@pytest.mark.parametrize(
    ("groups", "size", "shards"),
    [
        (["a", "b", "c", "a", "b", "c"], 3, [("1/3", "f0,f3"), ("2/3", "f1,f4"), ("3/3", "f2,f5")]),
        (["a", "b", "c", "a", "b", "c"], 4, [("1/2", "f0,f3,f1,f4"), ("2/2", "f2,f5")]),
        (["a", "b", "c", "a", "b", "c"], 100, [("1/1", "f0,f3,f1,f4,f2,f5")]),
        (["a", "a", "a", "b"], 2, [("1/2", "f0,f1,f2"), ("2/2", "f3")]),  # a group is larger than a shard may be
        (["a", "b", "c"], 1, [("1/3", "f0"), ("2/3", "f1"), ("3/3", "f2")]),
    ],
)
def test_a_shard_keeps_the_functions_of_a_group_together(
    groups: list[str], size: int, shards: list[tuple[str, str]]
) -> None:
    assert sharded(groups, size) == shards


def test_groups_of_one_name_in_two_applications_are_two() -> None:
    text = "functions:\n  f: {application: x, deployment-group: g}\n  h: {application: y, deployment-group: g}\n"
    assert [shard["only"] for shard in matrix(read(text, {}, where="m.yml"), 1)["include"]] == ["f", "h"]


def test_the_schema_accepts_what_is_read_and_refuses_what_is_unknown() -> None:
    validator = jsonschema.Draft202012Validator(schema())
    validator.check_schema(schema())

    def accepts(**settings: object) -> bool:
        return bool(validator.is_valid({"functions": {"a": settings}}))

    assert validator.is_valid(yaml.safe_load(GOOD))
    assert accepts(repair=True, alias=None, timeout="5m")
    assert accepts(**{"target-version": 7, "auto-rollback": ["alarm"], "on-conflict": "fail"})
    assert accepts(**{"target-version": "7", "auto-rollback": "off", "on-conflict": None})
    assert not accepts(repair="sometimes")
    assert not accepts(alarms=[1])
    assert not accepts(**{"on-conflict": "retry"})
    assert not accepts(**{"target-version": ["7"]})
    assert not accepts(timeout=5)
    assert not accepts(timeot="5m")
    assert not validator.is_valid({"functions": {}})
    assert not validator.is_valid({})
    assert not validator.is_valid({"functions": {"a": None}, "wave": []})
    assert not validator.is_valid({"functions": {"a": None}, "waves": [[]]})
    assert validator.is_valid({"functions": {"a": None}, "waves": [["a"]], "defaults": None})


def test_the_schema_tells_editors_what_a_setting_means() -> None:
    properties = schema()["$defs"]["settings"]["properties"]
    assert list(properties) == list(settings())
    assert properties["alias"] == {
        "type": ["string", "null"],
        "description": "The alias whose traffic is shifted. Default: `live`. Written as an alias name, such as `live`.",
    }
    assert properties["before-allow-traffic"]["description"] == (
        "The hook function to run before traffic shifts. "
        "Written as a function's name (letters, digits, `-`, `_`; 64 at most) or its ARN."
    )
    assert properties["on-timeout"]["enum"] == ["rollback", "stop", "leave", None]


def test_a_setting_is_for_a_function_or_for_the_run_and_never_for_both() -> None:
    every = {spec.name for spec in table()}
    assert every >= RUN_ONLY
    assert set(settings()) == every - RUN_ONLY


@pytest.mark.parametrize("command", ["rollback", "stop", "status"])
@pytest.mark.parametrize("where", ["defaults: {%s}\nfunctions: {a: }\n", "functions: {a: {%s}}\n"])
@pytest.mark.parametrize("setting", ["package: build.zip", "target-version: 7", "expect-code-sha256: not a hash"])
def test_a_command_reads_the_settings_that_it_uses(command: str, where: str, setting: str) -> None:
    """What a deployment needs is in the manifest for good, and does not keep a rollback from running."""
    run = {"command": command, "application": "shop", "deployment-group": "live", "reason": "x"}
    (entry,) = read(where % setting, run, where="functions.yml")
    assert (entry.inputs.function, entry.inputs.package, entry.inputs.target_version) == ("a", None, None)
    assert not entry.given & {"package", "target-version", "expect-code-sha256"}


def test_a_misspelled_setting_is_told_whatever_the_command() -> None:
    run = {"command": "rollback", "application": "shop", "deployment-group": "live", "reason": "x"}
    with pytest.raises(InvalidInput, match="pakage"):
        read("functions: {a: {pakage: build.zip}}\n", run, where="functions.yml")
