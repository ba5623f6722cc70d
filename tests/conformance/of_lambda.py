"""Claims about Lambda's versions and aliases, as deployments need them."""

from __future__ import annotations

from typing import Any

from botocore.exceptions import ClientError

from .account import APP, Account, zipped
from .claims import Claim, Like

SNAPSHOTS = "recorded: LocalStack's snapshots of AWS, tests/aws/services/lambda_, 2025"
FLOCI = "recorded: measurements in floci-io/floci's pull requests 2824 and 2825"
MOTO = "recorded: moto's tests that run against AWS"
GUIDE = "documented: Lambda developer guide, configuration-aliases"
STATES = ("State", "StateReason", "StateReasonCode", "LastUpdateStatus", "LastUpdateStatusReason")


def _refusal(call: Any) -> tuple[str, str]:
    """The code and message of the error that a call ends in; `accepted` when it does not."""
    try:
        call()
    except ClientError as error:
        return error.response["Error"]["Code"], error.response["Error"]["Message"]
    return "accepted", ""


def shop(account: Account) -> str:
    """A function with versions 1 and 2, its alias `live` on 1; for claims that leave it as it is."""
    full = account.function("lambda")
    for number in (1, 2):
        account.publish(full, number)
    account.lambda_.create_alias(FunctionName=full, Name="live", FunctionVersion="1")
    return full


def _revision(account: Account, full: str) -> str:
    return str(account.lambda_.get_function_configuration(FunctionName=full)["RevisionId"])


def publishing(account: Account) -> dict[str, Any]:
    """Publishing what changed, what did not, and the same code sent again."""
    full = account.function("publishing")
    answer = account.update(full, 1)
    seen: dict[str, Any] = {"update moves": answer["RevisionId"] != _revision(account, full)}
    before = _revision(account, full)
    first = account.lambda_.publish_version(FunctionName=full, RevisionId=before)
    seen["publish moves"] = _revision(account, full) != before
    account.lambda_.get_waiter("function_active_v2").wait(FunctionName=full, Qualifier=first["Version"])
    again = account.lambda_.publish_version(FunctionName=full)
    seen["no-op"] = again["Version"] == first["Version"]
    account.update(full, 1)
    same = account.lambda_.publish_version(FunctionName=full)
    seen["same code"] = (int(same["Version"]) - int(first["Version"]), same["CodeSha256"] == first["CodeSha256"])
    seen["stale"] = _refusal(lambda: account.lambda_.publish_version(FunctionName=full, RevisionId=before))[0]
    wrong = zipped(APP.format("other"))
    seen["sha"] = _refusal(lambda: account.lambda_.publish_version(FunctionName=full, CodeSha256="x" * 44))[0]
    seen["version"] = [
        _refusal(lambda: account.lambda_.update_function_code(FunctionName=f"{full}:1", ZipFile=wrong))[0],
        _refusal(lambda: account.lambda_.update_function_configuration(FunctionName=f"{full}:1", Timeout=9))[0],
    ]
    return seen


def born(account: Account) -> str:
    """The ARN that CreateFunction answers when it publishes."""
    name = f"{shop_prefix(account)}-born"
    made = account.lambda_.create_function(
        FunctionName=name,
        Runtime="python3.13",
        Handler="app.handler",
        Role=account.roles[1],
        Code={"ZipFile": zipped(APP.format(0))},
        Publish=True,
    )
    return str(made["FunctionArn"]).removeprefix(account.arn(name)) or "bare"


def shop_prefix(account: Account) -> str:
    return str(account.once(shop)).removesuffix("-lambda")


def weights(routing: dict[str, float], **more: str) -> Any:
    """What UpdateAlias says to weights."""

    def observe(account: Account) -> tuple[str, str]:
        given = {"FunctionName": account.once(shop), "Name": "live", **more}
        routed = {"AdditionalVersionWeights": routing}
        found = _refusal(lambda: account.lambda_.update_alias(**given, RoutingConfig=routed))
        if found[0] == "accepted":
            account.lambda_.update_alias(**given | {"FunctionVersion": "1"}, RoutingConfig={})
        return found

    return observe


def _cleared(account: Account) -> Any:
    full = account.once(shop)
    update = account.lambda_.update_alias
    update(FunctionName=full, Name="live", RoutingConfig={"AdditionalVersionWeights": {"2": 0.25}})
    kept = update(FunctionName=full, Name="live", Description="kept").get("RoutingConfig")
    gone = update(FunctionName=full, Name="live", RoutingConfig={"AdditionalVersionWeights": {}}).get("RoutingConfig")
    return (kept, gone or None)


def _stale_alias(account: Account) -> str:
    full = account.once(shop)
    before = account.lambda_.get_alias(FunctionName=full, Name="live")["RevisionId"]
    account.lambda_.update_alias(FunctionName=full, Name="live", Description="moved")
    return _refusal(
        lambda: account.lambda_.update_alias(FunctionName=full, Name="live", Description="x", RevisionId=before)
    )[0]


def _missing_alias(operation: str) -> Any:
    def observe(account: Account) -> str:
        full = account.once(shop)
        call = getattr(account.lambda_, operation)
        message = _refusal(lambda: call(FunctionName=full, Name="nobody"))[1]
        return message.replace(account.arn(full, "nobody"), "ARN")

    return observe


def _listed_states(account: Account) -> tuple[str, ...]:
    full = account.once(shop)
    listed = account.lambda_.list_versions_by_function(FunctionName=full)["Versions"]
    return tuple(state for state in STATES if any(state in one for one in listed))


def _latest_listed(account: Account) -> str:
    full = account.once(shop)
    pages = account.lambda_.get_paginator("list_functions").paginate(FunctionVersion="ALL")
    every = [one["FunctionArn"] for page in pages for one in page["Functions"] if one["FunctionName"] == full]
    return ",".join(sorted(arn.removeprefix(account.arn(full)) for arn in every))


def _absent_version(account: Account) -> int:
    answer = account.lambda_.delete_function(FunctionName=account.once(shop), Qualifier="99")
    return int(answer["ResponseMetadata"]["HTTPStatusCode"])


def _served_version(account: Account) -> str:
    return _refusal(lambda: account.lambda_.delete_function(FunctionName=account.once(shop), Qualifier="1"))[0]


def _policy(account: Account) -> tuple[str, str]:
    """What GetPolicy says where there is none, and AddPermission to a statement that is there."""
    full = account.once(shop)
    none = _refusal(lambda: account.lambda_.get_policy(FunctionName=full))[0]
    given = {"StatementId": "one", "Action": "lambda:InvokeFunction", "Principal": "apigateway.amazonaws.com"}
    account.lambda_.add_permission(FunctionName=full, **given)
    return none, _refusal(lambda: account.lambda_.add_permission(FunctionName=full, **given))[0]


def _claim(name: str, says: str, source: str, observe: Any, *accepts: object) -> Claim:
    return Claim(name=name, says=says, source=source, observe=observe, accepts=accepts)


def _seen(part: str) -> Any:
    return lambda account: account.once(publishing)[part]


def _message(observe: Any) -> Any:
    return lambda account: observe(account)[1]


CLAIMS: tuple[Claim, ...] = (
    _claim(
        "publish-no-op",
        "Publishing what has not changed answers the version that is there",
        GUIDE,
        _seen("no-op"),
        True,
    ),
    _claim(
        "same-code-again",
        "The same code sent again makes a new version of the same CodeSha256",
        FLOCI,
        _seen("same code"),
        (1, True),
    ),
    _claim("revision-publish", "Publishing moves the RevisionId of $LATEST", SNAPSHOTS, _seen("publish moves"), True),
    _claim(
        "revision-update",
        "The end of an update moves the RevisionId; where it is over at once there is nothing to move",
        FLOCI,
        _seen("update moves"),
        True,
        False,
    ),
    _claim("publish-stale", "A stale RevisionId is refused", SNAPSHOTS, _seen("stale"), "PreconditionFailedException"),
    _claim("publish-sha", "Another CodeSha256 is refused", SNAPSHOTS, _seen("sha"), "InvalidParameterValueException"),
    _claim(
        "versions-never-change",
        "A published version cannot be changed through NAME:VERSION",
        FLOCI,
        _seen("version"),
        ["InvalidParameterValueException"] * 2,
    ),
    _claim(
        "create-published",
        "CreateFunction that publishes answers the bare ARN",
        SNAPSHOTS,
        lambda account: account.once(born),
        "bare",
    ),
    _claim(
        "list-latest",
        "ListFunctions of all versions qualifies $LATEST",
        SNAPSHOTS,
        _latest_listed,
        ":$LATEST,:1,:2",
    ),
    _claim("list-states", "Lists of versions have no states", SNAPSHOTS, _listed_states, ()),
    _claim("delete-absent", "Deleting a version that is not there is no error", FLOCI, _absent_version, 204),
    _claim(
        "delete-served",
        "A version that an alias serves cannot be deleted",
        GUIDE,
        _served_version,
        "ResourceConflictException",
    ),
    _claim(
        "update-no-alias",
        "UpdateAlias of what is not there",
        FLOCI,
        _missing_alias("update_alias"),
        "Alias not found: ARN",
    ),
    _claim(
        "get-no-alias",
        "GetAlias of what is not there",
        SNAPSHOTS,
        _missing_alias("get_alias"),
        "Cannot find alias arn: ARN",
    ),
    _claim(
        "alias-stale",
        "A stale RevisionId of an alias is refused",
        SNAPSHOTS,
        _stale_alias,
        "PreconditionFailedException",
    ),
    _claim(
        "weights-cleared",
        "Weights stay until they are set to an empty map",
        GUIDE,
        _cleared,
        ({"AdditionalVersionWeights": {"2": 0.25}}, None),
    ),
    _claim(
        "weights-two",
        "One additional version is all that there may be",
        SNAPSHOTS,
        _message(weights({"1": 0.1, "2": 0.1})),
        "Number of items in AdditionalVersionWeights cannot be greater than 1",
    ),
    _claim(
        "weights-primary",
        "The primary version cannot be the additional one",
        SNAPSHOTS,
        _message(weights({"1": 0.1})),
        "Invalid function version 1. Function version 1 is already included in routing configuration.",
    ),
    _claim(
        "weights-range",
        "A weight is from 0 to 1",
        SNAPSHOTS,
        _message(weights({"2": 1.5})),
        Like("Map value must satisfy constraint: .Member must have value less than or equal to 1.0"),
    ),
    _claim(
        "weights-key",
        "The additional version is a number",
        SNAPSHOTS,
        _message(weights({"two": 0.5})),
        Like("Map keys must satisfy constraint"),
    ),
    _claim(
        "weights-latest",
        "$LATEST cannot share an alias",
        SNAPSHOTS,
        _message(weights({"2": 0.1}, FunctionVersion="$LATEST")),
        "$LATEST is not supported for an alias pointing to more than 1 version",
    ),
    _claim(
        "policy",
        "GetPolicy without a policy is 404, and a statement is added once",
        MOTO,
        _policy,
        ("ResourceNotFoundException", "ResourceConflictException"),
    ),
)
