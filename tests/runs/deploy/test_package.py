"""From code to a version that serves: packages, S3, images, the first deployment."""

from __future__ import annotations

import base64
import hashlib
import os
from pathlib import Path

import pytest

from codedeploy_emulator import Emulator
from tests.support.account import Account, zipped
from tests.support.action import CHECKOUT
from tests.support.golden import Told

from ..conftest import Played

CODE = """# {}
def handler(event, context):
    return {{"total": 0, "discount": 0}}
"""


def folder(runner: Played, text: str, name: str = "build") -> str:
    place = runner.folder / name
    place.mkdir(exist_ok=True)
    (place / "app.py").write_text(CODE.format(text), encoding="utf-8")
    return name


def sha256(content: bytes) -> str:
    return base64.b64encode(hashlib.sha256(content).digest()).decode()


def latest(account: Account) -> dict[str, str]:
    found: dict[str, str] = account.lambda_.get_function(FunctionName="checkout")["Configuration"]
    return found


def test_a_folder_becomes_a_version_that_serves_and_is_not_published_twice(runner: Played, account: Account) -> None:
    """The next run packages the same bytes, sees that they are served, and writes nothing."""
    given = {**CHECKOUT, "code": folder(runner, "one")}
    done = runner.run(given).check(0, outcome="succeeded", deployed="true", live_version="2", previous_version="1")
    assert account.serves() == {"2": 100.0}
    version = account.lambda_.get_function(FunctionName="checkout", Qualifier="2")["Configuration"]
    assert "3f1c0ffee0ddba11cafe0123456789abcdef0007" in version["Description"]
    assert "lambda:UpdateFunctionConfiguration" not in account.operations()
    assert latest(account)["CodeSha256"][:12] in done.log
    before = account.writes()
    (runner.folder / "build" / "app.py").touch()
    runner.run(given, run=(101, 1)).check(0, outcome="unchanged", deployed="false", live_version="2")
    assert account.writes() == before


def test_code_that_latest_has_already_is_not_sent_again(runner: Played, account: Account) -> None:
    """Unpublished, or published with other settings: a version is made of it all the same."""
    content = zipped({"app.py": CODE.format("two")})
    (runner.folder / "code.zip").write_bytes(content)
    account.lambda_.update_function_code(FunctionName="checkout", ZipFile=content)
    sent = account.operations().count("lambda:UpdateFunctionCode")
    runner.run({**CHECKOUT, "code": "code.zip"}).check(0, outcome="succeeded", live_version="2")
    assert account.operations().count("lambda:UpdateFunctionCode") == sent


def test_plan_packages_and_writes_nothing(runner: Played, account: Account) -> None:
    done = runner.run({**CHECKOUT, "command": "plan", "code": folder(runner, "one")}).check(0, outcome="planned")
    assert "to be published from build" in done.log
    assert account.writes() == []


def test_an_object_in_s3_is_pinned_to_its_version(runner: Played, account: Account) -> None:
    content = zipped({"app.py": CODE.format("s3")})
    account.s3.put_object(Bucket="demo-deployments", Key="builds/checkout.zip", Body=content)
    given = {
        **CHECKOUT,
        "code": "s3://demo-deployments/builds/checkout.zip",
        "expect-code-sha256": hashlib.sha256(content).hexdigest(),
    }
    runner.run(given).check(0, outcome="succeeded", live_version="2")
    assert latest(account)["CodeSha256"] == sha256(content)


def test_other_code_than_expected_is_refused_before_anything_is_sent(runner: Played, account: Account) -> None:
    given = {**CHECKOUT, "code": folder(runner, "one"), "expect-code-sha256": sha256(b"something else")}
    runner.run(given).check(3, outcome="refused")
    assert account.writes() == []


def test_a_package_that_cannot_be_used_is_an_input_problem(runner: Played, account: Account, told: Told) -> None:
    (runner.folder / "linked").mkdir()
    (runner.folder / "linked" / "secrets").symlink_to(Path("/etc/hostname"))
    done = runner.run({**CHECKOUT, "code": "linked"}).check(2, outcome="invalid")
    assert done.outputs["reason"] == told
    assert account.writes() == []


def test_an_ignore_file_from_the_workspace_can_neither_hold_up_nor_break_the_run(
    runner: Played, account: Account, told: Told
) -> None:
    place = runner.folder / folder(runner, "one")
    (place / ("a" * 200)).touch()
    (place / ".lambdaignore").write_text("*a" * 60 + "b\n[z-\n!\n[[:what:]]\n\\\n", encoding="utf-8")
    runner.run({**CHECKOUT, "command": "plan", "code": "build"}).check(0, outcome="planned")
    (place / ".lambdaignore").unlink()
    os.mkfifo(place / ".lambdaignore")
    done = runner.run({**CHECKOUT, "command": "plan", "code": "build"}).check(2, outcome="invalid")
    assert done.outputs["reason"] == told
    assert account.writes() == []


def test_links_are_links_in_the_version_that_serves(runner: Played, account: Account, emulator: Emulator) -> None:
    emulator.switches(hooks="run")
    place = runner.folder / "build"
    (place / "store" / "parts").mkdir(parents=True)
    (place / "store" / "app.py").write_text("import parts\ndef handler(event, context):\n    return parts.__file__\n")
    (place / "store" / "parts" / "__init__.py").touch()
    (place / "app.py").symlink_to("store/app.py")
    (place / "parts").symlink_to("store/parts")
    runner.run({**CHECKOUT, "code": "build"}).check(0, outcome="succeeded", live_version="2")
    answer = account.lambda_.invoke(FunctionName="checkout", Qualifier="2")
    assert "/parts/__init__.py" in answer["Payload"].read().decode()


def test_a_package_that_cannot_start_is_warned_of_before_it_is_sent(
    runner: Played, account: Account, told: Told
) -> None:
    """Packaged one folder too high: the warning names the folder that was meant. Nothing is refused."""
    (runner.folder / "project").mkdir()
    folder(runner, "one", "project/src")
    done = runner.run({**CHECKOUT, "command": "plan", "code": "project"}).check(0, outcome="planned")
    (warning,) = (line for line in done.log.splitlines() if "`app.handler`" in line)
    assert "`project`" in warning and "`src`" in warning
    assert warning == told
    done = runner.run({**CHECKOUT, "command": "plan", "code": "project/src"}).check(0, outcome="planned")
    assert "`app.handler`" not in done.log


def test_the_first_deployment_creates_the_alias_and_says_so(runner: Played, account: Account) -> None:
    account.lambda_.delete_alias(FunctionName="checkout", Name="live")
    given = {**CHECKOUT, "code": folder(runner, "first")}
    runner.run(given).check(3, outcome="refused")
    assert "lambda:PublishVersion" not in account.operations()
    done = runner.run({**given, "create-alias": "true"}, run=(101, 1)).check(
        0, outcome="succeeded", deployed="true", live_version="2", previous_version="", deployment_id=""
    )
    assert "First deployment" in done.summary
    assert account.serves() == {"2": 100.0}
    assert account.deployments() == []


def test_a_pending_function_is_waited_for_before_and_after(
    runner: Played, account: Account, emulator: Emulator
) -> None:
    """State and LastUpdateStatus pend for half a minute after every change."""
    emulator.switches(lambda_pending_seconds=30)
    account.code(CODE.format("somebody's"))  # in progress when the run begins
    runner.run({**CHECKOUT, "code": folder(runner, "mine")}).check(0, outcome="succeeded", live_version="2")


@pytest.mark.parametrize("operation", ["UpdateFunctionCode", "PublishVersion"])
@pytest.mark.parametrize("when", ["before", "after"])
def test_publishing_survives_a_lost_answer(
    runner: Played, account: Account, emulator: Emulator, operation: str, when: str
) -> None:
    """One version comes of it, whether the call had its effect or not."""
    emulator.faults(service="lambda", operation=operation, fault="reset", when=when, times=1)
    runner.run({**CHECKOUT, "code": folder(runner, "one")}).check(0, outcome="succeeded", live_version="2")
    versions = account.lambda_.list_versions_by_function(FunctionName="checkout")["Versions"]
    assert [version["Version"] for version in versions] == ["$LATEST", "1", "2"]


def test_a_denial_names_the_action_the_function_and_the_page(
    runner: Played, account: Account, emulator: Emulator
) -> None:
    emulator.faults(service="lambda", operation="UpdateFunctionCode", fault="access-denied")
    done = runner.run({**CHECKOUT, "code": folder(runner, "one")}).check(4, outcome="error")
    for text in ("lambda:UpdateFunctionCode", "checkout", "docs/iam/README.md"):
        assert text in done.log
    assert "lambda:PublishVersion" not in account.operations()


REPOSITORY = "123456789012.dkr.ecr.us-east-1.amazonaws.com/picture"


def test_an_image_becomes_a_version_by_digest_and_by_tag(runner: Played, account: Account) -> None:
    role = latest(account)["Role"]
    account.lambda_.create_function(
        FunctionName="picture", PackageType="Image", Role=role, Code={"ImageUri": f"{REPOSITORY}:one"}, Publish=True
    )
    account.lambda_.create_alias(FunctionName="picture", Name="live", FunctionVersion="1")
    account.set_config("CodeDeployDefault.LambdaAllAtOnce")
    given = {**CHECKOUT, "function": "picture"}
    runner.run({**given, "code": f"{REPOSITORY}@sha256:{'a' * 64}"}).check(0, outcome="succeeded", live_version="2")
    runner.run({**given, "code": f"{REPOSITORY}:two"}, run=(101, 1)).check(0, outcome="succeeded", live_version="3")
    done = runner.run({**given, "code": folder(runner, "zip")}, run=(102, 1)).check(3, outcome="refused")
    assert "package type Image" in done.outputs["reason"]
