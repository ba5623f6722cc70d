"""The repository's file: several functions, what is said where, which are meant, problems with their lines."""

from __future__ import annotations

import json
from dataclasses import replace

import jsonschema
import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from ci_deploy.core.errors import InvalidInput
from ci_deploy.core.given.files.manifest import (
    FROM_INPUTS_IN_PULL_REQUESTS,
    Entry,
    Manifest,
    matrix,
    read,
    schema,
    select,
    settings,
)
from ci_deploy.core.given.files.manifest import MAX_CHARACTERS as LIMIT
from ci_deploy.core.given.inputs import InFile, Spec, table
from ci_deploy.core.given.source import Local
from tests.support.golden import Told, shown

GOOD = """\
run:
  aws-region: eu-central-1
defaults:
  application: shop
  deployment-config: linear 10% every 1m
functions:
  checkout:
    code: src/checkout
  cart:
    deployment-group: cart-live
    deployment-config: all-at-once
    alarms: [cart-errors, "cart slow, or stuck"]
    version: 7
  prices-blue:
    function: prices
    alias: blue
    code: src/prices
waves:
  - [cart]
  - [checkout, prices-blue]
"""
LINEAR = "CodeDeployDefault.LambdaLinear10PercentEvery1Minute"
AT_ONCE = "CodeDeployDefault.LambdaAllAtOnce"


def made(text: str, run: dict[str, str] | None = None, **how: object) -> Manifest:
    return read(text, run or {}, where="ci-deploy.yml", **how)  # type: ignore[arg-type]


def entries(text: str, run: dict[str, str] | None = None, **how: object) -> dict[str, Entry]:
    """The functions that are meant, by their names in the file."""
    return {entry.name: entry for entry in made(text, run, **how).entries}


def problems(text: str, run: dict[str, str] | None = None) -> list[str]:
    with pytest.raises(InvalidInput) as caught:
        made(text, run)
    return list(map(str, caught.value.problems))


# What is said where


def test_a_functions_own_setting_wins_over_the_defaults_and_they_over_the_tables() -> None:
    found = entries(GOOD, {"bucket": "shop-deployments/releases"})
    checkout, cart, prices = (found[name].inputs for name in ("checkout", "cart", "prices-blue"))
    assert (checkout.deployment_config, cart.deployment_config, prices.deployment_config) == (LINEAR, AT_ONCE, LINEAR)
    assert {str(entry.inputs.bucket) for entry in found.values()} == {"shop-deployments/releases"}
    assert (checkout.alias, prices.alias, checkout.on_conflict) == ("live", "blue", "wait")
    assert (checkout.function, prices.function) == ("checkout", "prices")
    assert (cart.alarms, cart.version) == (("cart-errors", "cart slow, or stuck"), "7")
    assert (checkout.code, cart.code) == (Local(path="src/checkout"), None)
    assert (checkout.application, checkout.deployment_group) == ("shop", "live")
    assert (cart.deployment_group, prices.deployment_group) == ("cart-live", "blue")
    assert {entry.inputs.aws_region for entry in found.values()} == {"eu-central-1"}


@pytest.mark.parametrize("setting", ["deployment-config", "alarms"])
def test_an_input_wins_over_everything_in_the_file(setting: str) -> None:
    """What is written for one run is meant for it."""
    given = {"deployment-config": "Custom", "alarms": "off", "command": "plan"}
    field = setting.replace("-", "_")
    found = entries(GOOD, {setting: given[setting]})
    assert {getattr(entry.inputs, field) for entry in found.values()} == {"Custom" if field != "alarms" else ()}
    assert all(setting in entry.given for entry in found.values())


@pytest.mark.parametrize(
    ("given", "said"), [({"version": "9"}, ("9", None)), ({"code": "dist"}, (None, Local(path="dist")))]
)
def test_an_input_that_says_what_to_deploy_replaces_both_ways_of_saying_it(
    given: dict[str, str], said: tuple[object, object]
) -> None:
    for entry in entries(GOOD, given).values():
        assert (entry.inputs.version, entry.inputs.code) == said
        assert not entry.given & ({"version", "code"} - given.keys())


ENVIRONMENTS = """\
run: {aws-region: eu-central-1, comment: on-failure}
defaults: {application: shop, code: dist, bucket: shop-dev, hook-timeout: 5m}
functions:
  checkout: {}
  cart: {bucket: carts}
environments:
  dev:
  prod:
    run: {account-id: "012345678901", aws-region: eu-west-1, comment: }
    defaults: {bucket: shop-prod/releases, alarms: off, hook-timeout: }
"""


def test_an_environment_is_between_the_defaults_and_a_functions_own_settings() -> None:
    prod = made(ENVIRONMENTS, {"target": "prod"})
    checkout, cart = (entry.inputs for entry in prod.entries)
    assert (str(checkout.bucket), str(cart.bucket)) == ("shop-prod/releases", "carts/CodeDeploy")
    assert (checkout.alarms, checkout.application, checkout.hook_timeout) == ((), "shop", None)
    assert (checkout.account_id, checkout.aws_region, checkout.comment) == ("012345678901", "eu-west-1", "auto")
    assert prod.run == {"account-id": "012345678901", "aws-region": "eu-west-1", "target": "prod"}
    dev = made(ENVIRONMENTS, {"target": " dev "})
    checkout, cart = (entry.inputs for entry in dev.entries)
    assert (str(checkout.bucket), str(cart.bucket)) == ("shop-dev/CodeDeploy", "carts/CodeDeploy")
    assert (checkout.alarms, checkout.account_id, checkout.aws_region) == (None, None, "eu-central-1")
    assert (checkout.comment, checkout.hook_timeout) == ("on-failure", 300.0)


@pytest.mark.parametrize(
    ("text", "given"),
    [
        (ENVIRONMENTS, {}),
        (ENVIRONMENTS, {"target": "prd"}),
        (ENVIRONMENTS, {"target": "search"}),
        (GOOD, {"target": "prod"}),
        (GOOD + "environments:\n", {"target": "prod"}),
        (GOOD + "environments: {}\n", {}),
        (GOOD + "environments: [prod]\n", {"target": "prod"}),
        (ENVIRONMENTS, {"target": "prod", "aws-region": "eu-central-1"}),
        (ENVIRONMENTS, {"target": "prod", "account-id": "123456789012"}),
        (GOOD, {"aws-region": "us-east-1"}),
        # The environments that are not chosen are checked too: they will be, one day.
        (ENVIRONMENTS.replace("dev:", "dev: {runs: {}}"), {"target": "prod"}),
        (ENVIRONMENTS.replace("dev:", "dev: x"), {"target": "prod"}),
        (ENVIRONMENTS.replace("dev:", "dev: {defaults: {wait: true}, run: {alias: x}}"), {"target": "prod"}),
        (ENVIRONMENTS.replace("alarms: off", "alarm: off"), {"target": "prod"}),
    ],
    ids=shown,
)
def test_an_environment_is_chosen_and_a_run_is_in_one_place(text: str, given: dict[str, str], told: Told) -> None:
    assert problems(text, given) == told


def test_a_place_that_input_and_file_agree_on_is_no_disagreement() -> None:
    found = made(ENVIRONMENTS, {"target": "prod", "aws-region": " eu-west-1 ", "account-id": "012345678901"})
    assert {entry.inputs.account_id for entry in found.entries} == {"012345678901"}
    assert {entry.inputs.aws_region for entry in made(GOOD, {"aws-region": "eu-central-1"}).entries} == {"eu-central-1"}


def test_an_account_id_in_quotes_or_not_keeps_its_zeros_and_one_that_lost_them_is_told(told: Told) -> None:
    """Scalars are the text that was written; what a tool has made of it before is past help."""
    text = "run: {{account-id: {}}}\ndefaults: {{code: dist}}\nfunctions: {{a: {{}}, b: {{}}}}\n"
    for written in ("012345678901", "'012345678901'", '"012345678901"'):
        assert {entry.inputs.account_id for entry in made(text.format(written)).entries} == {"012345678901"}
    assert problems(text.format("12345678901")) == told


@pytest.mark.parametrize(
    ("setting", "written", "read_as"),
    [
        ("alarms", "off", ()),
        ("alarms", "[off]", ()),
        ("alarms", "on", ("on",)),
        ("alarms", "no", ("no",)),
        ("alarms", "[010, 1e3, ~, 2026-01-01]", ("010", "1e3", "~", "2026-01-01")),
        ("alias", "y", "y"),
        ("alias", "1_0", "1_0"),
        ("application", "010", "010"),
        ("version", "7", "7"),
        ("deployment-group", "no", "no"),
        ("auto-rollback", "off", ()),
        ("create-alias", "true", True),
        ("keep", "010", 10),
    ],
)
def test_scalars_are_text_that_the_table_types(setting: str, written: str, read_as: object) -> None:
    """YAML's own types would make a boolean of `off`, and an eight of `010`."""
    text = f"functions: {{a: {{{setting}: {written}}}}}"
    command = "prune" if setting == "keep" else "setup" if setting in ("alarms", "create-alias") else "validate"
    (entry,) = made(text, {"command": command}).entries
    assert getattr(entry.inputs, setting.replace("-", "_")) == read_as


@pytest.mark.parametrize("setting", FROM_INPUTS_IN_PULL_REQUESTS)
def test_settings_that_are_ignored_come_from_the_inputs_alone(setting: str) -> None:
    """A pull request's own file must not choose what is published."""
    mine, theirs = {"hook-logs": ("off", "on"), "comment": ("on-failure", "off")}.get(setting, ("mine.yml", "x.yml"))
    text = f"run: {{{setting}: {theirs}}}\nfunctions: {{a: {{code: dist}}}}\n"
    field = setting.replace("-", "_")
    assert getattr(entries(text)["a"].inputs, field) == theirs
    ignoring = {"ignoring": FROM_INPUTS_IN_PULL_REQUESTS}
    assert getattr(entries(text, **ignoring)["a"].inputs, field) in ("auto", None)
    assert setting not in made(text, **ignoring).run
    assert getattr(entries(text, {setting: mine}, **ignoring)["a"].inputs, field) == mine


@pytest.mark.parametrize(
    ("setting", "written", "found"),
    [
        ("code", "src/checkout", "../../src/checkout"),
        ("code", "./dist.zip", "../.././dist.zip"),
        ("code", "s3://shop/checkout.zip", "s3://shop/checkout.zip"),
        ("code", "$LATEST", "$LATEST"),
        (
            "code",
            "123456789012.dkr.ecr.eu-west-1.amazonaws.com/a:1",
            "123456789012.dkr.ecr.eu-west-1.amazonaws.com/a:1",
        ),
        ("appspec", "deploy/appspec.yml", "../../deploy/appspec.yml"),
        ("appspec", "s3://shop/appspec.yml", "s3://shop/appspec.yml"),
        ("bucket", "shop/releases", "shop/releases"),
    ],
)
def test_paths_begin_at_the_repositorys_root_wherever_the_run_was_started(
    setting: str, written: str, found: str
) -> None:
    for text in (
        f"functions: {{a: {{{setting}: {written}}}}}",
        f"defaults: {{{setting}: {written}}}\nfunctions: {{a: }}",
        f"functions: {{a: }}\nenvironments: {{e: {{defaults: {{{setting}: {written}}}}}}}",
    ):
        run = {"command": "validate", "target": "e" if "environments" in text else ""}
        (deep,) = made(text, run, folder="../..").entries
        (here,) = made(text, run).entries
        assert str(getattr(deep.inputs, setting)) == found
        assert getattr(here.inputs, setting) == getattr(made(text.replace("..", "."), run).entries[0].inputs, setting)
        assert str(getattr(here.inputs, setting)) == written


def test_a_path_in_an_input_begins_where_the_run_was_started() -> None:
    assert entries("functions: {a: {code: src}}", {"code": "dist"}, folder="..")["a"].inputs.code == Local(path="dist")


def test_what_is_wrong_with_code_is_told_as_it_was_written() -> None:
    with pytest.raises(InvalidInput) as caught:
        made("functions: {a: {code: 's3://shop'}, b: {code: ' ', version: 1}}", folder="..")
    assert [problem.what for problem in caught.value.problems] == [
        "`code` of function `a`: `s3://shop` is not an S3 address."
    ]


# Which functions are meant


SEVERAL = """\
defaults: {code: dist}
functions:
  checkout: {}
  checkout-blue: {function: checkout, alias: blue}
  prices-blue: {function: prices, alias: blue}
  prices-green: {function: prices, alias: green}
  far: {function: "arn:aws:lambda:eu-west-1:123456789012:function:cart"}
"""
ARN = "arn:aws:lambda:eu-west-1:123456789012:function:"


@pytest.mark.parametrize(
    ("given", "meant"),
    [
        ({}, ["checkout", "checkout-blue", "prices-blue", "prices-green", "far"]),
        ({"function": " "}, ["checkout", "checkout-blue", "prices-blue", "prices-green", "far"]),
        # By the label, which is mostly the function's name
        ({"function": "checkout"}, ["checkout"]),
        ({"function": " checkout "}, ["checkout"]),
        ({"function": "checkout-blue"}, ["checkout-blue"]),
        ({"function": "prices-green"}, ["prices-green"]),
        ({"function": "far"}, ["far"]),
        # By the function's name
        ({"function": "cart"}, ["far"]),
        ({"function": "prices", "alias": "green"}, ["prices-green"]),
        ({"function": "prices", "alias": " blue "}, ["prices-blue"]),
        # By its ARN
        ({"function": ARN + "cart"}, ["far"]),
        ({"function": ARN + "prices", "alias": "blue"}, ["prices-blue"]),
        ({"function": ARN + "checkout", "alias": "live"}, ["checkout"]),
        # A label's function may have the alias that is meant in another entry
        ({"function": "checkout", "alias": "live"}, ["checkout"]),
        ({"function": "checkout", "alias": "blue"}, ["checkout-blue"]),
        ({"function": "checkout-blue", "alias": "live"}, ["checkout"]),
        ({"function": "prices-blue", "alias": "green"}, ["prices-green"]),
        # Not in the file
        ({"function": "search"}, []),
        ({"function": "Checkout"}, []),
        ({"function": ARN + "search"}, []),
        ({"function": ARN.replace("eu-west-1", "us-east-1") + "cart"}, []),
        ({"function": ARN.replace("123456789012", "210987654321") + "cart"}, []),
        ({"function": "checkout:live"}, []),
        ({"function": "a:b:c:d:e"}, []),
        ({"function": "arn:aws:lambda"}, []),
    ],
)  # fmt: skip
def test_a_function_is_found_by_its_label_then_its_name_then_its_arn(given: dict[str, str], meant: list[str]) -> None:
    found = made(SEVERAL, given)
    assert [entry.name for entry in found.entries] == meant
    assert found.labels == ("checkout", "checkout-blue", "prices-blue", "prices-green", "far")


@pytest.mark.parametrize("given", [{"function": "prices"}, {"function": "prices", "alias": "red"}])
def test_two_matches_need_an_alias(given: dict[str, str], told: Told) -> None:
    assert problems(SEVERAL, given) == told


def test_an_arn_of_one_function_twice_needs_an_alias_too(told: Told) -> None:
    assert problems(SEVERAL, {"function": ARN + "checkout"}) == told


def test_an_alias_that_the_file_does_not_have_wins_over_it_and_names_the_group() -> None:
    (entry,) = made(SEVERAL, {"function": "prices-blue", "alias": "red"}).entries
    assert (entry.name, entry.inputs.function, entry.inputs.alias) == ("prices-blue", "prices", "red")
    assert (entry.inputs.deployment_group, "alias" in entry.given) == ("red", True)
    (entry,) = made(SEVERAL, {"function": "cart", "alias": "red"}).entries
    assert (entry.inputs.function, entry.inputs.alias, entry.inputs.aws_region) == ("cart", "red", "eu-west-1")


def test_an_alias_that_is_none_is_told(told: Told) -> None:
    assert problems(SEVERAL, {"function": "far", "alias": "7"}) == told


@pytest.mark.parametrize("alias", ["", "live", "red"])
def test_the_place_in_an_arn_is_kept_where_the_file_says_none(alias: str) -> None:
    """Another function of the same name elsewhere is never meant."""
    text = "functions: {a: {function: checkout, code: dist}}"
    (entry,) = made(text, {"function": ARN + "checkout", "alias": alias}).entries
    assert (entry.inputs.function, entry.inputs.alias) == ("checkout", alias or "live")
    assert (entry.inputs.aws_region, entry.inputs.account_id) == ("eu-west-1", "123456789012")


def test_settings_of_a_function_that_is_not_meant_are_checked_too(told: Told) -> None:
    assert problems(SEVERAL.replace("alias: green", "timeout: soon, alias: green"), {"function": "checkout"}) == told


def test_the_run_is_told_with_what_the_file_says_of_it() -> None:
    text = "run: {aws-region: eu-west-1, comment: off, max-parallel: 3, account-id: }\nfunctions: {a: {code: dist}}\n"
    given = {"comment": "on-failure", "reason": " ", "function": "a", "command": "deploy"}
    assert made(text, given).run == {
        "aws-region": "eu-west-1", "max-parallel": "3", "comment": "on-failure", "function": "a", "command": "deploy",
    }  # fmt: skip


def test_what_no_file_may_hold_is_missed_as_an_input(told: Told) -> None:
    """The file cannot hold a reason, so nobody is sent there for one."""
    assert problems("functions: {a: {}, b: {}}\n", {"command": "rollback", "only": "a"}) == told


def test_a_run_setting_that_the_command_does_not_use_is_not_one_of_its_inputs() -> None:
    """One file serves every command; nobody is told that a rollback does not use `max-parallel`."""
    text = "run: {max-parallel: many, comment: off}\nfunctions: {a: {}}\n"
    assert made(text, {"command": "prune"}).run == {"comment": "off", "command": "prune"}


def test_a_github_deployment_needs_a_token_in_the_input_and_not_in_the_file(told: Told) -> None:
    """On a terminal there is none, and the file is made for workflows as well."""
    text = "run: {github-deployment: production}\nfunctions: {a: {code: dist}}\n"
    assert entries(text)["a"].inputs.github_deployment is None
    assert entries(text, {"github-token": "x"})["a"].inputs.github_deployment == "production"
    assert "github-deployment" not in made(text).run
    assert problems("functions: {a: {code: dist}}", {"github-deployment": "production"}) == told


def test_waves_are_numbered_in_their_order() -> None:
    waves = {name: entry.wave for name, entry in entries(GOOD).items()}
    assert waves == {"cart": 0, "checkout": 1, "prices-blue": 1}


BOTH = "defaults: {application: x, code: dist}\nfunctions: {a: {}, b: {}}\n"

PROBLEMS = [
    # What is no manifest
    "",
    "# nothing\n",
    "a: 1\n---\nb: 2\n",
    "---\n",
    "[]\n",
    "checkout\n",
    "# the shop\ndefaults: {}\n",
    "defaults: {}\nfunctions: {}\n",
    "functions:\n  - function: a\n",
    "functions:\n  a: {\n",
    "functions:\n\ta: b\n",
    "\x01",
    "\nfunctions:\n  a: \x01\n",
    'functions: {a: {application: "\\UFFFFFFFF"}}',
    "defaults: " + "[" * 20 + "]" * 20 + "\n",
    "- " * 20 + "a",
    "- " * 21 + "a",
    "\n" + "{a: " * 21,
    "functions: " + "[{a: b}, " * 18 + "]" * 18 + "\n" + BOTH.split("\n")[0],
    # Keys
    "functions: {a: {}}\nfuntions: {}\n",
    "steps: {}\n",
    "functions: {a: {code: x, timeot: 5m}}",
    BOTH.replace("defaults: {", "defaults: {colour: red, "),
    BOTH + "functions: {}\n",
    "defaults: {code: x}\nfunctions:\n  a: {}\n  a: {}\n",
    BOTH.replace("a: {}", "[a]: {}, a: {}, a: {}"),
    BOTH.replace("b: {}", "[b]: {}"),
    BOTH.replace("b: {}", "{b: c}: {}"),
    # What is for the run, for a function, or for an input alone
    BOTH.replace("b: {}", "b: {aws-region: eu-central-1}"),
    BOTH.replace("defaults: {", "defaults: {config: other.yml, "),
    "run: {alias: blue, apply: true, colour: red}\n" + BOTH,
    "run: [x]\n" + BOTH,
    "run: {wait: [true, {a: b}]}\n" + BOTH,
    "run:\n  wait: sometimes\n" + BOTH,
    "functions:\n  a: &x {application: x}\n  b: *x\n",
    "functions:\n  a: *x\n",
    "functions:\n  a: {version: '${{ inputs.version }}'}\n",
    # Values
    BOTH.replace("a: {}", "a: [1]"),
    BOTH.replace("a: {}", "a: yes"),
    "defaults: x\nfunctions: {a: {code: x}}",
    BOTH.replace("a: {}", "a: {alarms: {x: y}}"),
    BOTH.replace("a: {}", "a: {alarms: [x, [y]]}"),
    BOTH.replace("a: {}", "a: {timeout: 5}"),
    BOTH.replace("b: {}", "b c: {}"),
    "functions: {a: {version: 2, code: dist}}",
    BOTH.replace("a: {}", "a: {version: 2}"),
    BOTH.replace("a: {}", "a: {code: ghcr.io/o/r}"),
    BOTH.replace("a: {}", "a: {code: }"),
    # What several functions share is told once
    BOTH.replace("{application: x", "{timeout: soon, application: x"),
    "defaults: {application: x}\nfunctions:\n" + "".join(f"  f{n}: {{}}\n" for n in range(8)),
    "defaults: {application: x}\nfunctions:\n" + "".join(f"  f{n}: {{}}\n" for n in range(6)),
    "defaults: {application: x}\nfunctions:\n" + "".join(f"  f{n}: {{}}\n" for n in range(5)),
    BOTH.replace("{application: x", "{timeout: soon, application: x").replace("b: {}", "b: {timeout: 5m}"),
    # Waves
    BOTH + "waves: a\n",
    BOTH + "waves: {1: [a, b]}\n",
    BOTH + "waves:\n  - a\n  - [b]\n",
    BOTH + "waves:\n  - [a, b]\n  -\n",
    BOTH + "waves:\n  - [a, b]\n  - []\n",
    BOTH + "waves:\n  - [a, b]\n  - [[a]]\n",
    BOTH + "waves:\n  - [a, b]\n  - [ab]\n",
    BOTH + "waves:\n  - [a, b]\n  - [checkout]\n",
    BOTH + "waves:\n  - [a]\n  - [a, b]\n",
    BOTH + "waves:\n  - [a]\n",
    BOTH.replace("a: {}", "a: {timeout: 5}") + "waves:\n  - [a]\n",
    # One alias twice
    "defaults: {application: x, code: dist}\nfunctions:\n  a: {}\n  b: {function: a}\n",
    "defaults: {code: dist, alias: blue}\nfunctions:\n  a: {}\n"
     "  b: {function: 'arn:aws:lambda:eu-west-1:123456789012:function:a'}\n  c: {function: a}\n",
    # ARNs of several places
    "defaults: {application: x, code: dist}\nfunctions:\n"
     "  a: {function: 'arn:aws:lambda:eu-west-1:123456789012:function:a'}\n  b: {}\n"
     "  c: {function: 'arn:aws:lambda:eu-west-2:210987654321:function:c'}\n",
]  # fmt: skip


@pytest.mark.parametrize("text", PROBLEMS, ids=shown)
def test_a_problem_has_its_line_what_was_given_and_what_would_be_right(text: str, told: Told) -> None:
    assert problems(text) == told


def test_all_problems_at_once_in_the_order_of_their_lines(told: Told) -> None:
    text = (
        "functions:\n  a: {version: ' ', timeout: 5}\n  a: {}\n  b: {deployment-group: g, wait: true}\n"
        "waves: [[c]]\ndefaults: {aplication: x}\n"
    )
    assert problems(text) == told


def test_a_name_that_is_long_or_cannot_be_seen_is_shown_shortened(told: Told) -> None:
    assert problems("functions: {}\n" + '"a\\tb": 1\n' + "x" * 100 + ": 1\n") == told


@pytest.mark.parametrize("more", [0, 1])
def test_a_file_has_a_limit(more: int, told: Told) -> None:
    """The largest that is possible is read as far as the first thing that is wrong in it."""
    text = "a: &a b\n#"
    assert problems(text + "x" * (LIMIT + more - len(text))) == told


@pytest.mark.parametrize(("count", "fits"), [(1000, True), (1001, False)])
def test_a_thousand_functions_are_possible(count: int, fits: bool, told: Told) -> None:
    """Of more the settings are not even looked at."""
    rows = "".join(f"  f{n}: {{}}\n" for n in range(count))
    text = f"defaults: {{application: x{', code: dist' if fits else ''}}}\nfunctions:\n{rows}"
    if fits:
        assert len(entries(text)) == 1000
    else:
        assert problems(text) == told


@given(st.text(max_size=200))
def test_any_text_is_a_file_or_a_clear_refusal(text: str) -> None:
    try:
        assert made(text).entries
    except InvalidInput as error:
        assert all("file `ci-deploy.yml`" in problem.where for problem in error.problems)


def test_an_input_of_the_run_that_is_wrong_is_told_once_and_leaves_no_function_out(told: Told) -> None:
    text = "defaults: {application: x}\nfunctions:\n  a: {version: 2}\n  b: {code: dist}\n"
    assert problems(text, {"timeout": "soon"}) == told


def test_what_a_function_says_itself_is_not_called_an_input_of_the_run(told: Told) -> None:
    assert problems(BOTH.replace("a: {}", "a: {timeout: soon}"), {"bucket": "shop"}) == told
    assert problems("functions: {a: {application: x}}", {"code": " "}) == told


def test_an_input_that_is_wrong_is_the_inputs_fault_though_the_file_says_the_same_setting() -> None:
    text = "run: {aws-region: eu-central-1}\ndefaults: {application: shop, code: dist}\nfunctions: {checkout: {}}\n"
    both = text.replace("eu-central-1", "eu-central-1, comment: off")
    assert problems(both, {"comment": "sometimes"}) == problems(text, {"comment": "sometimes"})


def test_what_an_input_overrides_is_not_read() -> None:
    """As with every layer below another one."""
    assert entries(BOTH.replace("a: {}", "a: {timeout: soon}"), {"timeout": "5m"})["a"].inputs.timeout == 300.0


def test_windows_line_endings_are_fine() -> None:
    assert made(GOOD.replace("\n", "\r\n")) == made(GOOD)


def test_json_is_a_file_too() -> None:
    text = json.dumps({"functions": {"a": {"application": "x", "version": 7, "alarms": None}}})
    (entry,) = made(text).entries
    assert (entry.inputs.version, entry.inputs.alarms) == ("7", None)


def test_an_entry_knows_what_was_given_for_it_and_what_is_only_a_default() -> None:
    """What is empty in a function takes the file's default back; what is empty in the run was not given."""
    text = (
        "run: {wait: false}\ndefaults: {application: x, code: dist, bucket: shop}\nfunctions:\n  a: {bucket: }\n  b:\n"
    )
    run = {"timeout": "5m", "alias": " ", "function": "", "config": "m.yml", "only": "all", "max-parallel": "2"}
    a, b = made(text, run).entries
    assert a == Entry(
        inputs=replace(b.inputs, function="a", application="x", bucket=None),
        wave=0,
        given=frozenset({"application", "code", "timeout", "config", "wait", "max-parallel", "function"}),
        name="a",
    )
    assert b.given == a.given | {"bucket"}
    assert (b.inputs.function, str(b.inputs.bucket), b.inputs.timeout) == ("b", "shop/CodeDeploy", 300.0)
    assert (b.inputs.alias, b.inputs.max_parallel, b.inputs.wait) == ("live", 2, False)


def test_empty_waves_are_none() -> None:
    assert [entry.wave for entry in made(BOTH + "waves:\n").entries] == [0, 0]


def test_only_selects_by_the_names_of_the_file_and_in_its_order(told: Told) -> None:
    every = made(GOOD).entries
    assert [entry.name for entry in select(every, ("prices-blue", "checkout"), where="x")] == [
        "checkout",
        "prices-blue",
    ]
    assert select(every, (), where="input `only`") == every
    assert select(every, ("all",), where="input `only`") == every
    with pytest.raises(InvalidInput) as caught:
        select(every, ("crat", "cart", "search", "all"), where="input `only`")
    assert list(map(str, caught.value.problems)) == told


def sharded(groups: list[str], size: int) -> list[tuple[str, str]]:
    """Functions f0, f1, … of these groups (of application x), divided: the number and the functions of each shard."""
    rows = "".join(f"  f{n}: {{deployment-group: {group}}}\n" for n, group in enumerate(groups))
    shards = matrix(made(f"defaults: {{application: x, code: dist}}\nfunctions:\n{rows}").entries, size)
    assert list(shards) == ["include"]
    assert all(list(shard) == ["shard", "only"] for shard in shards["include"])
    return [(shard["shard"], shard["only"]) for shard in shards["include"]]


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
    text = "defaults: {code: dist, deployment-group: g}\nfunctions:\n  f: {application: x}\n  h: {application: y}\n"
    assert [shard["only"] for shard in matrix(made(text).entries, 1)["include"]] == ["f", "h"]


def test_the_schema_accepts_what_is_read_and_refuses_what_is_unknown() -> None:
    validator = jsonschema.Draft202012Validator(schema())
    validator.check_schema(schema())

    def accepts(**settings: object) -> bool:
        return bool(validator.is_valid({"functions": {"a": settings}}))

    def takes(**parts: object) -> bool:
        return bool(validator.is_valid({"functions": {"a": None}, **parts}))

    assert validator.is_valid(yaml.safe_load(GOOD))
    assert validator.is_valid(yaml.safe_load(ENVIRONMENTS.replace("off", "'off'")))
    assert accepts(**{"create-alias": True, "alias": None, "timeout": "5m"})
    assert accepts(**{"version": 7, "auto-rollback": ["alarm"], "on-conflict": "fail", "keep": 3})
    assert accepts(**{"version": "7", "auto-rollback": "off", "on-conflict": None, "alarms": "off", "keep": "3"})
    assert accepts(**{"code": "$LATEST", "alarms": ["a, b"], "repair-alias": "always", "triggers": ["arn:a", "arn:b"]})
    assert not accepts(**{"repair-alias": True})
    assert not accepts(**{"create-alias": "sometimes"})
    assert not accepts(alarms=[1])
    assert not accepts(**{"on-conflict": "retry"})
    assert not accepts(version=["7"])
    assert not accepts(code=["dist"])
    assert not accepts(timeout=5)
    assert not accepts(timeot="5m")
    assert not accepts(wait=True)
    assert not validator.is_valid({"functions": {}})
    assert not validator.is_valid({})
    assert not takes(wave=[])
    assert not takes(waves=[[]])
    assert takes(waves=[["a"]], defaults=None, run=None)
    assert takes(run={"wait": True, "max-parallel": 3, "account-id": "012345678901", "comment": "off"})
    assert not takes(run={"account-id": 12345678901})
    assert not takes(run={"alias": "blue"})
    assert not takes(run={"apply": True})
    assert takes(environments={"prod": {"run": {"wait": False}, "defaults": {"alias": "blue"}}, "dev": None})
    assert not takes(environments={})
    assert not takes(environments={"prod": {"functions": {}}})


def test_the_schema_has_a_setting_where_it_is_read() -> None:
    parts = schema()["$defs"]
    for part, where in (("settings", InFile.FUNCTION), ("run", InFile.RUN)):
        found = {spec.name for spec in table() if spec.name in parts[part]["properties"]}
        assert found == {spec.name for spec in table() if spec.file is where}


@pytest.mark.parametrize("spec", [spec for spec in table() if spec.default], ids=lambda spec: spec.name)
def test_the_schema_accepts_a_default_that_is_written_out(spec: Spec) -> None:
    part = {InFile.FUNCTION: "settings", InFile.RUN: "run"}.get(spec.file)
    written = yaml.load(spec.default, yaml.SafeLoader)
    if part:
        form = schema()["$defs"][part]["properties"][spec.name]
        assert jsonschema.Draft202012Validator(form).is_valid(written)


def test_the_schema_tells_editors_what_a_setting_means(told: Told) -> None:
    properties = schema()["$defs"]["settings"]["properties"]
    assert list(properties) == list(settings(InFile.FUNCTION))
    assert list(schema()["$defs"]["run"]["properties"]) == list(settings(InFile.RUN))
    assert properties["alias"]["type"] == ["string", "null"]
    assert [properties[name]["description"] for name in ("alias", "before-allow-traffic")] == told
    assert properties["on-timeout"]["enum"] == ["rollback", "stop", "leave", None]


def test_a_setting_is_for_a_function_for_the_run_or_for_inputs_alone() -> None:
    parts = [settings(place) for place in InFile]
    assert sorted(name for part in parts for name in part) == sorted(spec.name for spec in table())


@pytest.mark.parametrize("command", ["rollback", "stop", "status", "Rollback", " prune "])
@pytest.mark.parametrize("where", ["defaults: {%s}\nfunctions: {a: }\n", "functions: {a: {%s}}\n",
                                   "functions: {a: }\nenvironments: {e: {defaults: {%s}}}"])  # fmt: skip
def test_a_command_reads_the_settings_that_it_uses(command: str, where: str) -> None:
    """What a deployment needs is in the file for good: it neither keeps a rollback from running nor leads it astray."""
    run = {"command": command, "reason": "x", "target": "e" if "environments" in where else ""}
    for setting in ("code: build.zip", "code: https://x", "version: 7", "expect-code-sha256: not a hash"):
        (entry,) = made(where % setting, run).entries
        assert (entry.inputs.function, entry.inputs.code, entry.inputs.version) == ("a", None, None), setting
        assert not entry.given & {"code", "version", "expect-code-sha256"}, setting


def test_the_version_that_a_rollback_goes_back_to_is_an_input() -> None:
    """The file's is the one to deploy: mostly the very version that is served, and is to be taken back."""
    run = {"command": "rollback", "reason": "x", "version": "3"}
    assert entries("functions: {a: {version: 7}}", run)["a"].inputs.version == "3"


@pytest.mark.parametrize("command", ["deploy", "Plan", "VALIDATE"])
def test_a_command_is_known_in_any_case(command: str) -> None:
    (entry,) = made("functions: {a: {code: dist}}", {"command": command}).entries
    assert (entry.inputs.command, entry.inputs.code) == (command.lower(), Local(path="dist"))


def test_a_command_that_nobody_knows_is_told_once(told: Told) -> None:
    assert problems(BOTH, {"command": "deplyo"}) == told


@pytest.mark.parametrize("command", ["deploy", "rollback"])
def test_a_misspelled_setting_is_told_whatever_the_command(command: str, told: Told) -> None:
    run = {"command": command, "reason": "x"}
    assert problems("defaults: {code: x}\nfunctions: {a: {cod: build.zip}}\n", run) == told


@pytest.mark.parametrize("setting", ["deployment-config: canary 10% 30m", "auto-rollback: failure",
                                     "on-timeout: rollback", "on-cancel: stop", "version: 7"])  # fmt: skip
def test_how_to_deploy_is_not_how_to_go_back(setting: str) -> None:
    """A canary in the file would make a rescue take half an hour, and `on-timeout: rollback` would undo it."""
    run = {"command": "rollback", "reason": "prices are wrong"}
    text = "defaults: {%s}\nfunctions: {checkout: {code: src}}\n"
    (with_it,) = read(text % setting, run, where="ci-deploy.yml").entries
    (without,) = read(text % "", run, where="ci-deploy.yml").entries
    assert with_it.inputs == without.inputs
    name, _, value = setting.partition(": ")
    (asked,) = read(text % "", {**run, name: value}, where="ci-deploy.yml").entries
    assert asked.inputs != without.inputs
