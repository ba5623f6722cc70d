"""Two versions side by side, and no value of an environment variable."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from ci_deploy.core.aws import FunctionVersion
from ci_deploy.core.plan.comparing import Compared, changes, compare, differences

OLD = FunctionVersion(
    function="f",
    version="1",
    code_sha256="old",
    code_size=100,
    runtime="python3.12",
    memory_mb=128,
    timeout_s=3,
    layers=("arn:aws:lambda:eu-central-1:123456789012:layer:base:3",),
    environment_names=("A", "B", "SECRET"),
    configuration={
        "Environment": json.dumps({"A": "1", "B": "2", "SECRET": "hush"}),
        "Handler": '"app.old"',
        "Runtime": '"python3.12"',
    },
)


SAME = {
    "code": ("old", "old"),
    "code size": ("100 bytes", "100 bytes"),
    "runtime": ("python3.12", "python3.12"),
    "memory": ("128 MB", "128 MB"),
    "timeout": ("3 s", "3 s"),
    "layers": ("base:3", "base:3"),
    "description": ("", ""),
    "role": ("", ""),
}


def rows(old: FunctionVersion, new: FunctionVersion, *, openly: bool = True) -> dict[str, tuple[str, str]]:
    return {row.name: row.told(openly=openly) for row in compare(old, new)}


def test_what_is_the_same_is_shown_and_not_marked() -> None:
    assert rows(OLD, OLD) == SAME
    assert not any(row.changed for row in compare(OLD, OLD))


def test_changes_are_named_and_values_stay_out() -> None:
    new = replace(
        OLD,
        code_sha256="new",
        code_size=1_234_567,
        runtime="python3.13",
        memory_mb=256,
        timeout_s=30,
        layers=(),
        description="faster",
        role="arn:aws:iam::123456789012:role/path/lambda-shop",
        environment_names=("B", "C", "D", "SECRET"),
        configuration={
            "Environment": json.dumps({"B": "2", "C": "9", "D": "9", "SECRET": "louder"}),
            "Handler": '"app.new"',
            "KMSKeyArn": '"k"',
            "Runtime": '"python3.13"',
            "Role": '"r"',
        },
    )
    changed = {
        "code": ("old", "new"),
        "code size": ("100 bytes", "1,234,567 bytes"),
        "runtime": ("python3.12", "python3.13"),
        "memory": ("128 MB", "256 MB"),
        "timeout": ("3 s", "30 s"),
        "layers": ("base:3", "none"),
        "description": ("", "faster"),
        "role": ("", "lambda-shop"),
        "environment variables": ("", "A removed, C added, D added, SECRET changed"),
        "other settings": ("", "Handler, KMSKeyArn changed"),
    }
    assert rows(OLD, new) == changed
    assert all(row.changed for row in compare(OLD, new))
    assert "hush" not in str(compare(OLD, new))
    assert "louder" not in str(compare(OLD, new))
    assert rows(OLD, new, openly=False) == changed | {
        "layers": ("1", "none, changed"),
        "role": ("", "changed"),
        "environment variables": ("", "1 removed, 2 added, 1 changed"),
    }


def test_for_everybodys_eyes_layers_are_only_counted() -> None:
    two = replace(OLD, layers=("arn:aws:lambda:eu-central-1:123456789012:layer:base:3", "a:layer:metrics:12"))
    none = replace(OLD, layers=())
    assert rows(OLD, two)["layers"] == ("base:3", "base:3, metrics:12")
    assert rows(OLD, two, openly=False)["layers"] == ("1", "2, changed")
    assert rows(two, two, openly=False)["layers"] == ("2", "2")
    assert rows(none, none, openly=False)["layers"] == ("none", "none")


def test_code_that_is_not_published_yet_is_known_by_its_image_and_has_no_size() -> None:
    old = replace(OLD, package_type="Image", runtime="")
    new = replace(old, code_sha256="", image_uri="repository:2", code_size=0)
    found = rows(old, new)
    assert found["code"] == ("old", "repository:2")
    assert found["code size"] == ("100 bytes", "not known yet")
    assert found["runtime"] == ("Image", "Image")


@pytest.mark.parametrize("environment", ["", "not JSON", "[]", "null"])
def test_variables_that_cannot_be_read_are_still_compared_by_name(environment: str) -> None:
    odd = replace(
        OLD, environment_names=("A", "C"), configuration=dict(OLD.configuration) | {"Environment": environment}
    )
    assert rows(odd, odd) == SAME
    assert rows(odd, replace(odd, environment_names=("A",)))["environment variables"] == ("", "C removed")


def test_without_variables_there_is_nothing_to_say() -> None:
    bare = replace(OLD, environment_names=(), configuration={})
    assert rows(bare, bare) == SAME


def test_a_row_without_a_discreet_form_is_told_as_it_is() -> None:
    row = Compared(name="memory", before="1 MB", after="2 MB")
    assert row.told(openly=True) == row.told(openly=False) == ("1 MB", "2 MB")


UNREAD = replace(
    OLD,
    unread={"Environment": "AccessDeniedException"},
    environment_names=(),
    configuration={name: value for name, value in OLD.configuration.items() if name != "Environment"},
)


@pytest.mark.parametrize(("old", "new"), [(OLD, UNREAD), (UNREAD, OLD), (UNREAD, UNREAD)])
def test_what_lambda_could_not_decrypt_is_never_the_same_and_no_sign_of_a_change(
    old: FunctionVersion, new: FunctionVersion
) -> None:
    assert differences(old, new) == ("Environment",)
    assert changes(old, new) == ()
    assert changes(old, replace(new, code_sha256="new", configuration={**new.configuration, "Handler": '"b"'})) == (
        "Code",
        "Handler",
    )
    assert rows(old, new) == {**SAME, "environment variables": ("", "not known: Lambda could not decrypt them")}


def test_unread_settings_of_an_image_are_not_among_the_other_settings_that_changed() -> None:
    new = replace(
        OLD,
        unread={"ImageConfigResponse": "AccessDeniedException"},
        configuration={**OLD.configuration, "Handler": '"app.new"'},
    )
    old = replace(OLD, configuration={**OLD.configuration, "ImageConfigResponse": '{"Command":["a"]}'})
    assert rows(old, new)["other settings"] == ("", "Handler changed")
