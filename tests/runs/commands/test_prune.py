"""`prune` cancelled, refused, or able to delete only some of the versions: what was deleted is always said.

The usual ways are in test_pruning.py.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import pytest

from ci_deploy.commands import prune
from ci_deploy.core.aws import NotPermitted
from ci_deploy.core.errors import AwsError, ErrorKind
from ci_deploy.core.reasons import upkeep
from ci_deploy.edge.aws.lambda_.versions import LambdaVersions
from tests.support.account import Account, zipped
from tests.support.golden import Told
from tests.support.machine.stage import Step

from ..conftest import Theatre

PLACE = "arn:aws:lambda:us-east-1:123456789012:"
PRUNE = {"command": "prune", "keep": "1"}
APPLY = {**PRUNE, "apply": "true"}


@pytest.fixture
def eight(account: Account) -> Account:
    """Versions 1 to 8, all but the first alike in size; live serves 1, so nothing needs 2 to 7."""
    for number in range(2, 9):
        account.publish(f"# {number}")
    account.emulator._calls.clear()
    return account


def versions(account: Account) -> list[str]:
    found = account.lambda_.list_versions_by_function(FunctionName="checkout")["Versions"]
    return [version["Version"] for version in found if version["Version"] != "$LATEST"]


def since(step: Step) -> list[str]:
    """The log from the list of versions on."""
    lines = step.log().splitlines()
    return [line.partition("] ")[2] or line for line in lines[lines.index("::endgroup::") + 1 :]]


def result(step: Step) -> Mapping[str, Any]:
    found: Mapping[str, Any] = json.loads(step.outputs["result"])
    return found


def kept(step: Step) -> dict[str, list[str]]:
    return {row["version"]: row["kept-for"] for row in result(step)["prune"]}


def delete_fails(monkeypatch: pytest.MonkeyPatch, errors: Mapping[str, AwsError]) -> None:
    """Deleting these versions fails, each with its own error; the others are deleted."""
    delete = LambdaVersions.delete

    def failing(self: LambdaVersions, function: str, version: str) -> None:
        if version in errors:
            raise errors[version]
        delete(self, function, version)

    monkeypatch.setattr(LambdaVersions, "delete", failing)


def error(kind: ErrorKind, version: str, code: str, message: str) -> AwsError:
    resource = f"function checkout:{version}"
    return AwsError(kind, operation="lambda:DeleteFunction", code=code, message=message, resource=resource)


def test_a_signal_stops_between_two_deletions_and_says_which_were_done(
    theatre: Theatre, eight: Account, told: Told
) -> None:
    """Deletions go out at two a second after a burst; the signal comes in the midst of them."""
    done = theatre.run(APPLY, signals=(1.2,)).check(130, outcome="cancelled", reason="Cancelled. Deleted: 2, 3, 4.")
    assert versions(eight) == ["1", "5", "6", "7", "8"]
    assert result(done)["deleted"] == ["2", "3", "4"]
    assert [line for line in since(done) if "SIGINT" in line] == told
    assert result(done)["freed-bytes"] == 3 * 113
    assert "- version 4 deleted" in done.summary


def test_a_signal_while_reading_gives_no_list(theatre: Theatre, eight: Account) -> None:
    """Versions that were not asked about any more must not look as if nothing needed them."""
    for given in (PRUNE, APPLY):
        done = theatre.run(given, signals=(0.0,)).check(130, outcome="cancelled")
        assert done.outputs["reason-code"] == "cancelled-reading"
        assert "to be deleted" not in done.summary
        assert "prune" not in result(done)
    assert eight.writes() == []


def test_a_signal_ends_the_pause_before_the_next_try(theatre: Theatre, eight: Account, told: Told) -> None:
    """The pauses grow to 16 s, and the runner kills what is not over 10 s after the signal."""
    theatre.weather(0, {"service": "lambda", "operation": "DeleteFunction", "fault": "error500"})
    theatre.run(APPLY, signals=(17.0,)).check(130, outcome="cancelled", duration_seconds="17", reason=told)


def test_a_missing_permission_is_named_and_nothing_was_deleted(theatre: Theatre, eight: Account) -> None:
    theatre.weather(0, {"service": "lambda", "operation": "DeleteFunction", "fault": "access-denied"})
    done = theatre.run(APPLY).check(4, outcome="error")
    reason, rest = result(done)["reasons"]
    assert (reason["code"], rest["code"]) == ("aws-denied", "nothing-deleted")
    assert f"→ {reason['remedy']}" in done.log()
    assert "Nothing was deployed" not in done.log() + done.summary
    assert (result(done)["deleted"], result(done)["freed-bytes"]) == ([], 0)
    assert len(versions(eight)) == 8


def test_credentials_that_end_in_the_midst_leave_word_of_what_was_deleted(
    theatre: Theatre, eight: Account, monkeypatch: pytest.MonkeyPatch
) -> None:
    delete_fails(monkeypatch, {"4": error(ErrorKind.NO_CREDENTIALS, "4", "UnrecognizedClientException", "Not valid.")})
    done = theatre.run(APPLY).check(4, outcome="error")
    what = "lambda:DeleteFunction on function checkout:4: UnrecognizedClientException: Not valid."
    assert done.outputs["reason"] == f"{what} Deleted: 2, 3."
    assert versions(eight) == ["1", "4", "5", "6", "7", "8"]


def test_one_that_cannot_be_deleted_does_not_keep_the_others(
    theatre: Theatre, eight: Account, monkeypatch: pytest.MonkeyPatch
) -> None:
    locked = "This version is locked."
    used = "Version 4 is used by alias new."
    delete_fails(
        monkeypatch,
        {
            "3": error(ErrorKind.REJECTED, "3", "InvalidParameterValueException", locked),
            "4": error(ErrorKind.CONFLICT, "4", "ResourceConflictException", used),
            "5": error(ErrorKind.NOT_FOUND, "5", "ResourceNotFoundException", "Function not found"),
        },
    )
    done = theatre.run(APPLY).check(1, outcome="failed")
    assert [each["code"] for each in result(done)["reasons"]] == ["deleted", "not-deleted"]
    assert done.outputs["reason"].endswith(f"InvalidParameterValueException: {locked}")
    kept_one = upkeep.InUse(version="4", said=used)
    assert f"{kept_one.text} · {kept_one.remedy}" in done.log()
    assert "· Note                 Version 5 was gone already." in since(done)
    assert "✗ PARTLY PRUNED" in done.log()
    assert (result(done)["deleted"], result(done)["freed-bytes"]) == (["2", "6", "7"], 3 * 113)


def test_a_version_that_is_in_use_after_all_is_no_failure(
    theatre: Theatre, eight: Account, monkeypatch: pytest.MonkeyPatch
) -> None:
    conflict = {str(n): error(ErrorKind.CONFLICT, str(n), "ResourceConflictException", "") for n in range(2, 8)}
    delete_fails(monkeypatch, conflict)
    done = theatre.run(APPLY).check(0, outcome="succeeded")
    assert done.outputs["reason"] == "Nothing was deleted."
    kept_one = upkeep.InUse(version="7", said="ResourceConflictException")
    assert f"{kept_one.text} · {kept_one.remedy}" in done.log()


def test_an_event_source_of_a_version_keeps_it(
    theatre: Theatre, eight: Account, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Mappings of a version may be missing in the function's list: each is asked about by itself."""
    sources = LambdaVersions.event_sources
    monkeypatch.setattr(
        LambdaVersions,
        "event_sources",
        lambda self, function, qualifier="": ("6",) if qualifier == "6" else sources(self, function, qualifier),
    )
    done = theatre.run(APPLY).check(0, outcome="succeeded", reason="Deleted: 2, 3, 4, 5, 7.")
    assert kept(done)["6"] == ["an event source mapping"]
    assert versions(eight) == ["1", "6", "8"]


def test_whatever_invokes_a_version_keeps_it(theatre: Theatre, eight: Account) -> None:
    """Without an alias: a resource policy, asynchronous invocations, a URL of another alias, replicas at the edge."""
    api = eight.lambda_
    api.add_permission(
        FunctionName="checkout", Qualifier="2", StatementId="s3", Action="lambda:Invoke", Principal="s3.amazonaws.com"
    )
    api.put_function_event_invoke_config(FunctionName="checkout", Qualifier="3", MaximumRetryAttempts=0)
    api.create_alias(FunctionName="checkout", Name="beta", FunctionVersion="4")
    api.create_function_url_config(FunctionName="checkout", Qualifier="beta", AuthType="NONE")
    api.put_provisioned_concurrency_config(FunctionName="checkout", Qualifier="5", ProvisionedConcurrentExecutions=1)
    theatre.emulator.switches(replicated_versions="checkout:6")
    done = theatre.run(APPLY).check(0, outcome="succeeded", reason="Deleted: 7.")
    assert {number: why for number, why in kept(done).items() if number in "2345"} == {
        "2": ["a resource policy"],
        "3": ["an asynchronous invocation config"],
        "4": ["alias beta", "a function URL"],
        "5": ["provisioned concurrency"],
    }
    assert upkeep.Replicated(version="6").text in done.log()
    assert versions(eight) == ["1", "2", "3", "4", "5", "6", "8"]


@pytest.mark.parametrize(
    ("operation", "what"),
    [
        ("GetPolicy", "a resource policy"),
        ("ListEventSourceMappings", "an event source mapping"),
        ("ListFunctionEventInvokeConfigs", "an asynchronous invocation config"),
        ("ListFunctionUrlConfigs", "a function URL"),
        ("ListProvisionedConcurrencyConfigs", "provisioned concurrency"),
    ],
)
def test_what_may_not_be_read_is_never_deleted(theatre: Theatre, eight: Account, operation: str, what: str) -> None:
    theatre.weather(0, {"service": "lambda", "operation": operation, "fault": "access-denied"})
    done = theatre.run(APPLY).check(0, outcome="unchanged", reason=upkeep.AllNeeded(count=8, known=False).text)
    assert all(f"{what}, perhaps" in kept(done)[str(number)] for number in range(2, 8))
    unread = upkeep.UsesUnread(uses=what, fact=NotPermitted(f"lambda:{operation}"))
    (warning,) = (line for line in done.log().splitlines() if line.startswith("::warning title=uses-unread::"))
    assert unread.text in warning
    assert theatre.calls(operation) <= 2, "asked once more for every version"
    assert versions(eight) == [str(number) for number in range(1, 9)]


def test_executions_and_instances_keep_their_versions(theatre: Theatre, account: Account) -> None:
    """A durable execution replays the code of its version to its end; a scaling config is somebody's wish."""
    capacity = {
        "LambdaManagedInstancesCapacityProviderConfig": {"CapacityProviderArn": f"{PLACE}capacity-provider:main"}
    }
    api = account.lambda_
    theatre.emulator.switches(managed_activation_seconds=0)
    api.create_function(
        FunctionName="orders",
        Runtime="python3.13",
        Handler="app.handler",
        Role=api.get_function(FunctionName="checkout")["Configuration"]["Role"],
        Code={"ZipFile": zipped({"app.py": "# 0"})},
        DurableConfig={"ExecutionTimeout": 3600},
        CapacityProviderConfig=capacity,
    )
    for number in range(1, 6):
        account.publish(f"# {number}", function="orders")
    for version in ("1", "2"):
        api.invoke(FunctionName="orders", Qualifier=version, InvocationType="Event")
    (over,) = api.list_durable_executions_by_function(FunctionName="orders", Qualifier="2")["DurableExecutions"]
    api.stop_durable_execution(DurableExecutionArn=over["DurableExecutionArn"])
    scaling = {"MinExecutionEnvironments": 3}
    api.put_function_scaling_config(FunctionName="orders", Qualifier="3", FunctionScalingConfig=scaling)
    alone = {"function": "orders", "application": "", "deployment-group": ""}
    done = theatre.run({**APPLY, **alone}).check(0, outcome="succeeded", reason="Deleted: 2, 4.")
    assert (kept(done)["1"], kept(done)["3"]) == (["durable executions"], ["a scaling config"])


def test_the_revision_that_a_rollback_goes_back_to_stays_however_long_ago(
    theatre: Theatre, eight: Account, monkeypatch: pytest.MonkeyPatch, told: Told
) -> None:
    """The group's last successful deployment is looked up where it is not among the newest ones."""
    at_once = {"deployment-config": "CodeDeployDefault.LambdaAllAtOnce"}
    theatre.run({**at_once, "version": "2"}, run=(100, 1)).check(0, outcome="succeeded")
    theatre.emulator.scripts(CodeDeployHook_checkout_before="fail")
    failing = {"before-allow-traffic": "CodeDeployHook_checkout_before", "auto-rollback": "off"}
    theatre.run({**at_once, **failing, "version": "3"}, run=(101, 1)).check(1, outcome="failed")
    eight.lambda_.update_alias(FunctionName="checkout", Name="live", FunctionVersion="1")
    monkeypatch.setattr(prune, "HISTORY", 1)
    done = theatre.run(PRUNE).check(0, outcome="reported")
    assert kept(done)["2"] == told


def test_without_a_group_it_says_what_it_cannot_know(theatre: Theatre, eight: Account) -> None:
    alone = {"application": "", "deployment-group": ""}
    done = theatre.run({**PRUNE, **alone}).check(0, outcome="reported")
    missing = upkeep.HistoryMissing(application="checkout", group="live", given=False)
    assert f"{missing.text} · {missing.remedy}" in done.log()
    assert theatre.calls("ListDeployments") == 0


@pytest.mark.parametrize(
    ("given", "code", "reason"),
    [
        ({"function": "chekout"}, 3, "function-missing"),
        ({"account-id": "999999999999"}, 3, "other-account"),
        ({"deployment-group": "nope"}, 3, "history-missing"),
    ],
)
def test_what_keeps_it_from_beginning_is_said_in_its_own_terms(
    theatre: Theatre, eight: Account, given: Mapping[str, str], code: int, reason: str
) -> None:
    done = theatre.run({**APPLY, **given})
    assert done.code == code, done.log()
    assert done.outputs["reason-code"] == reason
    assert "Nothing was changed." in done.log()
    assert "deployed" not in done.log() + done.summary
    assert eight.writes() == []
