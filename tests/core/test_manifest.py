"""Manifests: several functions, what is said where, problems with their lines."""

from __future__ import annotations

import jsonschema
import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from ci_deploy.core.errors import InvalidInput
from ci_deploy.core.manifest import RUN_ONLY, matrix, read, schema, select, settings

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


def problems(text: str, **run: str) -> str:
    with pytest.raises(InvalidInput) as caught:
        read(text, run, where="functions.yml")
    return "\n".join(map(str, caught.value.problems))


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


@pytest.mark.parametrize(
    ("text", "line", "says"),
    [
        ("functions: {a: {deployment-group: g, application: x, timeot: 5m}}", 1, "Did you mean `timeout`?"),
        ("functions:\n  a:\n    application: x\n    deployment-group: a b\n", 4, "`deployment-group` of function `a`"),
        ("functions:\n  a: {application: x}\n", 2, "`deployment-group` of function `a` is missing"),
        ("functions:\n  a: {aws-region: eu-central-1}\n", 2, "for the whole run"),
        ("defaults:\n  functions: other.yml\nfunctions: {a: {}}\n", 2, "for the whole run"),
        ("functions:\n  a: [1]\n", 2, "something else than a mapping"),
        ("functions:\n  a: {alarms: {x: y}}\n", 2, "text or a list"),
        ("functions: {a: {}}\nfuntions: {}\n", 2, "Did you mean `functions`?"),
        ("functions:\n  a: &x {application: x}\n  b: *x\n", 2, "anchors or aliases"),
        ("functions:\n  a: {target-version: '${{ inputs.version }}'}\n", 2, "${{ … }}"),
        ("functions:\n  a: {\n", 3, "cannot be read"),
        ("functions: {a: {application: x, deployment-group: g}}\nwaves:\n  - [b]\n", 3, "not one of the functions"),
        ("functions: {a: {application: x, deployment-group: g}}\nwaves:\n  - [a]\n  - [a]\n", 4, "in two waves"),
        ("functions: {a: {application: x, deployment-group: g}, b: {application: x, deployment-group: g}}\n"
         "waves:\n  - [a]\n", 3, "no wave for `b`"),
        ("functions: {a: {application: x, deployment-group: g}}\nwaves: a\n", 2, "list of lists"),
        ("defaults: {application: x, deployment-group: g}\nfunctions:\n  a: {}\n  b: {function: a}\n", 3,
         "`a:live` twice"),
    ],
)  # fmt: skip
def test_a_problem_has_its_line(text: str, line: int, says: str) -> None:
    told = problems(text)
    assert says in told
    assert f"line {line}" in told


@pytest.mark.parametrize("text", ["", "functions: {}\n", "[]\n", "a: 1\n---\nb: 2\n", "functions: []\n", "7\n"])
def test_what_is_no_manifest_is_refused(text: str) -> None:
    assert "manifest `functions.yml`" in problems(text)


def test_all_problems_at_once() -> None:
    told = problems("defaults: {aplication: x}\nfunctions:\n  a: {deployment-group: ' ', timeout: 5}\n  a: {}\n")
    for words in ("`aplication`", "`timeout`", "says `a` twice"):
        assert words in told


@given(st.text(max_size=200))
def test_any_text_is_a_manifest_or_a_clear_refusal(text: str) -> None:
    try:
        assert read(text, {}, where="m.yml")
    except InvalidInput as error:
        assert all("manifest `m.yml`" in problem.where for problem in error.problems)


def test_an_input_of_the_run_that_contradicts_a_functions_setting_is_told_and_leaves_no_function_out() -> None:
    text = "defaults: {application: x, deployment-group: g}\nfunctions:\n  a: {target-version: 2}\n  b: {}\n"
    assert problems(text, package="dist") == (
        "manifest `functions.yml`, line 3: `package` of function `a` (an input of the run) "
        "cannot be given together with `target-version`. Give one source of code."
    )


def test_windows_line_endings_are_fine() -> None:
    assert len(read(GOOD.replace("\n", "\r\n"), {}, where="functions.yml")) == 3


def test_only_selects_by_the_names_of_the_manifest() -> None:
    entries = read(GOOD, {}, where="functions.yml")
    assert [entry.name for entry in select(entries, ("cart",), where="input `only`")] == ["cart"]
    assert select(entries, (), where="input `only`") == entries
    with pytest.raises(InvalidInput, match="Did you mean `cart`"):
        select(entries, ("crat",), where="input `only`")


def test_a_shard_keeps_the_functions_of_a_group_together() -> None:
    rows = "".join(f"  f{n}: {{deployment-group: g{n % 3}}}\n" for n in range(6))
    entries = read(f"defaults: {{application: x}}\nfunctions:\n{rows}", {}, where="m.yml")
    shards = matrix(entries, 3)["include"]
    assert [shard["only"] for shard in shards] == ["f0,f3", "f1,f4", "f2,f5"]
    assert [shard["shard"] for shard in shards] == ["1/3", "2/3", "3/3"]
    assert len(matrix(entries, 100)["include"]) == 1


def test_the_schema_accepts_what_is_read_and_refuses_what_is_unknown() -> None:
    validator = jsonschema.Draft202012Validator(schema())
    validator.check_schema(schema())
    assert validator.is_valid(yaml.safe_load(GOOD))
    assert not validator.is_valid({"functions": {"a": {"timeot": "5m"}}})
    assert not validator.is_valid({"functions": {}})


def test_a_setting_is_for_a_function_or_for_the_run_and_never_for_both() -> None:
    assert not set(settings()) & RUN_ONLY
