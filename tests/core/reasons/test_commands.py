"""Commands to paste: for a POSIX shell, with all that says which function is meant, and nothing that is not known."""

from __future__ import annotations

from dataclasses import replace

from ci_deploy.core.reasons.commands import Where

WHERE = Where(
    function="checkout", alias="$(x)", application="app", group="a group", region="eu-central-1", account="123456789012"
)


def test_commands_name_function_group_region_and_account_and_survive_a_shell() -> None:
    named = "--function checkout --alias '$(x)' --application app --deployment-group 'a group'"
    where = "--aws-region eu-central-1 --account-id 123456789012"
    assert WHERE.rollback("41") == f"ci-deploy rollback {named} {where} --version 41"
    assert WHERE.follow("d-1") == f"ci-deploy status {named} {where} --deployment-id d-1 --wait true"
    assert WHERE.follow("") == f"ci-deploy status {named} {where} --wait true"
    assert WHERE.stop("d-1") == f"ci-deploy stop {named} {where} --deployment-id d-1"


def test_what_is_not_known_is_left_out() -> None:
    assert Where(function="f", alias="a").status() == "ci-deploy status --function f --alias a"
    assert replace(WHERE, region="").create_alias("1").endswith("--name '$(x)' --function-version 1")
