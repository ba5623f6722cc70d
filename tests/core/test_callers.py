"""Who may invoke the function itself, out of its resource policy's statements."""

from __future__ import annotations

import pytest

from ci_deploy.core.callers import Caller, Permission, named

API = "arn:aws:execute-api:eu-central-1:123456789012:a1b2c3"


@pytest.mark.parametrize(
    ("action", "invokes"),
    [
        ("lambda:InvokeFunction", True),
        ("lambda:invokefunction", True),
        ("lambda:Invoke*", True),
        ("lambda:*", True),
        ("*", True),
        ("lambda:InvokeFunctionUrl", False),
        ("lambda:GetFunction", False),
        ("lambda:Get*", False),
        ("lambda:Invoke", False),
    ],
)
def test_a_statement_invokes_by_its_action_or_by_a_pattern_of_it(action: str, invokes: bool) -> None:
    assert Permission(statement="s", principal="p", action=action).invokes is invokes


def test_the_routes_of_an_api_are_one_caller_and_each_source_is_another() -> None:
    found = named((
        Permission(statement="a", principal="apigateway.amazonaws.com", source=f"{API}/*/GET/orders"),
        Permission(statement="b", principal="apigateway.amazonaws.com", source=f"{API}/*/POST/orders"),
        Permission(statement="b", principal="apigateway.amazonaws.com", source=f"{API}/prod/POST/orders"),
        Permission(statement="c", principal="sns.amazonaws.com", source="arn:aws:sns:eu-central-1:1:orders"),
        Permission(statement="d", principal="sns.amazonaws.com", source="arn:aws:sns:eu-central-1:1:returns"),
        Permission(statement="e", principal="210987654321"),
    ))  # fmt: skip
    assert found == (
        Caller(principal="apigateway.amazonaws.com", source=f"{API}/*/*", statements=("a", "b")),
        Caller(principal="sns.amazonaws.com", source="arn:aws:sns:eu-central-1:1:orders", statements=("c",)),
        Caller(principal="sns.amazonaws.com", source="arn:aws:sns:eu-central-1:1:returns", statements=("d",)),
        Caller(principal="210987654321", source="", statements=("e",)),
    )


def test_what_only_lets_the_url_be_used_or_something_be_read_is_no_caller() -> None:
    assert (
        named((
            Permission(statement="a", principal="*", action="lambda:InvokeFunctionUrl"),
            Permission(statement="b", principal="*", by_url=True),
            Permission(statement="c", principal="210987654321", action="lambda:GetFunction"),
        ))
        == ()
    )  # fmt: skip
