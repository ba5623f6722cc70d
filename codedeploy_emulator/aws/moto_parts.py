"""The one place that touches moto's private parts; moto is pinned exactly because of it.

Aliases, functions, alarms and log streams are moto's own objects: what CodeDeploy shifts here is what GetAlias shows.
moto keeps its state in module globals, so one process holds one emulator at a time.
"""

from __future__ import annotations

import base64
import copyreg
import hashlib
import json
from collections.abc import Callable
from datetime import datetime
from functools import cache
from types import FunctionType
from typing import Any
from weakref import WeakValueDictionary

import moto.awslambda.models
import moto.backends
import moto.cloudwatch.models
import moto.cloudwatch.responses
import moto.core.responses
import moto.logs.models
from moto.awslambda.models import lambda_backends
from moto.awslambda.policy import Policy
from moto.cloudwatch.models import cloudwatch_backends
from moto.cloudwatch.responses import CloudWatchResponse
from moto.core.base_backend import AccountSpecificBackend, BackendDict
from moto.core.exceptions import JsonRESTError
from moto.core.model_instances import reset_model_data
from moto.core.models import DEFAULT_ACCOUNT_ID
from moto.core.responses import ActionResult
from moto.core.utils import method_names_from_class
from moto.iam.aws_managed_policies import aws_managed_policies_data
from moto.iam.exceptions import NotFoundException
from moto.iam.models import AWSManagedPolicy, get_account_id_from, iam_backends
from moto.logs.models import logs_backends
from moto.moto_server.werkzeug_app import DomainDispatcherApplication, MotoRequestHandler, create_backend_app
from moto.s3.models import s3_backends
from moto.utilities.docker_utilities import DockerModel

from ..lambda_ import names as lambda_names
from ..places import partition

ACCOUNT = str(DEFAULT_ACCOUNT_ID)
RequestHandler = MotoRequestHandler
WARM: tuple[Any, ...] = ("lambda", "s3", "cloudwatch", "logs", "iam", "sts")


@cache
def application() -> Any:
    """moto's WSGI application, with the services that every client uses made ready. It holds nothing by itself."""
    # moto would look through its own folders and classes anew for every request.
    modules = tuple(moto.backends.list_of_moto_modules())
    vars(moto.backends)["list_of_moto_modules"] = lambda: modules
    vars(moto.core.responses)["method_names_from_class"] = cache(method_names_from_class)
    app = DomainDispatcherApplication(create_backend_app)
    for service in WARM:
        app.app_instances[service] = create_backend_app(service)
    return app


def use_time(now: Callable[[], datetime]) -> None:
    """Make alarms, log events and functions carry the emulated time."""

    def naive() -> datetime:
        return now().replace(tzinfo=None)

    def iso() -> str:
        return naive().strftime("%Y-%m-%dT%H:%M:%S.%f")[:-3] + "+0000"

    for module in (moto.cloudwatch.models, moto.logs.models, moto.awslambda.models):
        vars(module)["utcnow"] = naive
    vars(moto.awslambda.models)["iso_8601_datetime_with_nanoseconds"] = iso


def reset() -> None:
    """Forget everything that moto holds."""
    BackendDict.reset()
    reset_model_data()


def held() -> list[Any]:
    """Everything that moto holds, service by service, account by account."""
    return [
        (service, [(account, regions, dict(regions)) for account, regions in service.items()], dict(_owners(service)))
        for service in _services()
    ]


def hold(services: list[Any]) -> None:
    """Let moto, which has been reset, hold what `held` gave, or a copy of it."""
    for service, accounts, owners in services:
        _services().append(service)
        _owners(service).update(owners)
        for account, regions, backends in accounts:
            regions.clear()
            dict.update(regions, backends)
            service[account] = regions


def _services() -> list[Any]:
    found: list[Any] = vars(BackendDict)["_instances"]
    return found


def _owners(service: Any) -> dict[str, Any]:
    """The one thing that moto keeps beside the accounts: which of them a bucket belongs to."""
    found: dict[str, Any] = getattr(service, "bucket_accounts", {})
    return found


def is_fixture(value: object) -> bool:
    """What is of moto itself and no copy may be made of: its tables of accounts and regions, and its code."""
    if isinstance(value, FunctionType):
        return value.__closure__ is None  # or it would know what it was made for
    return isinstance(value, BackendDict | AccountSpecificBackend)


def reduced(value: object) -> Any:
    """How pickle is to keep what it cannot keep, or not whole; NotImplemented: as it does."""
    if isinstance(value, WeakValueDictionary):
        return WeakValueDictionary, (dict(value),)
    if isinstance(value, DockerModel):
        return copyreg.__newobj__, (type(value),), dict(vars(value))  # type: ignore[attr-defined]
    return NotImplemented


def account_of(access_key: str) -> str:
    """The account whose access key this is; the default account for keys that nobody made."""
    return str(get_account_id_from(access_key))


def region_exists(region: str) -> bool:
    """Whether AWS has a region of this name, in any partition, as far as botocore knows."""
    return region in lambda_backends[ACCOUNT].regions


def is_session_key(account: str, region: str, access_key: str) -> bool:
    """Whether the key belongs to an assumed role."""
    keys = iam_backends[account][partition(region)].access_keys
    return access_key in keys and getattr(keys[access_key], "role_arn", None) is not None


def role_exists(arn: str) -> bool:
    """Whether an IAM role exists."""
    parts = arn.split(":")
    if len(parts) < 6:
        return False
    try:
        iam_backends[parts[4]][parts[1]].get_role_by_arn(arn)
    except NotFoundException:
        return False
    return True


def know_managed_policy(account: str, region: str, arn: str) -> None:
    """Make a policy of AWS's own known to IAM; moto knows all of them, but only loads them at a price."""
    backend = iam_backends[account][partition(region)]
    name = arn.rsplit("/", 1)[-1]
    if arn in backend.managed_policies or name not in _aws_policies():
        return
    policy = AWSManagedPolicy.from_data(name, account, partition(region), _aws_policies()[name])
    backend.managed_policies[policy.arn] = policy


@cache
def _aws_policies() -> dict[str, Any]:
    return dict(json.loads(aws_managed_policies_data))


def policy_documents(arn: str) -> list[str]:
    """The policies of a role, attached and inline, as JSON; none where there is no such role."""
    if not role_exists(arn):
        return []
    parts = arn.split(":")
    role = iam_backends[parts[4]][parts[1]].get_role_by_arn(arn)
    versions = [version for policy in role.managed_policies.values() for version in policy.versions]
    attached = [version.document for version in versions if version.is_default]
    return [str(document) for document in (*attached, *role.policies.values())]


def policies_of_role(arn: str) -> list[str]:
    """The names of a role's policies, attached and inline; none where there is no such role."""
    if not role_exists(arn):
        return []
    parts = arn.split(":")
    role = iam_backends[parts[4]][parts[1]].get_role_by_arn(arn)
    return [str(attached).rsplit("/", 1)[-1] for attached in role.managed_policies] + list(role.policies)


def function(account: str, region: str, name: str, qualifier: str | None = None) -> Any | None:
    """moto's function object of a version, an alias or $LATEST; None when there is none here.

    `name` may be an ARN, as in an AppSpec; one of another account or region names nothing here.
    """
    named = lambda_names.parse(name)
    if named is None or named.account not in (None, account) or named.region not in (None, region):
        return None
    try:
        return lambda_backends[account][region].get_function(named.name, qualifier or named.qualifier)
    except (JsonRESTError, ValueError):
        return None


def versions(account: str, region: str, name: str) -> list[Any]:
    """The published versions of a function, oldest first."""
    held = lambda_backends[account][region]._lambdas._functions.get(name)
    return list(held["versions"]) if held else []


def add_version(account: str, region: str, name: str, version: Any) -> None:
    """Keep a published version; its resource policy is its own."""
    version.policy = Policy(version)
    storage = lambda_backends[account][region]._lambdas
    storage._functions[name]["versions"].append(version)
    storage._arns[version.function_arn] = version


def function_names(account: str, region: str) -> list[str]:
    """All functions of an account and region."""
    return list(lambda_backends[account][region]._lambdas._functions)


def alias(account: str, region: str, function_name: str, name: str) -> Any | None:
    """moto's alias object; None when the alias or its function does not exist."""
    try:
        return lambda_backends[account][region].get_alias(name, function_name)
    except JsonRESTError:
        return None


def aliases(account: str, region: str, function_name: str) -> list[Any]:
    """All aliases of a function that exists."""
    return list(lambda_backends[account][region].list_aliases(function_name))


def set_alias(found: Any, version: str, weights: dict[str, float], revision_id: str) -> None:
    """Move an alias: primary version, additional weights (0 to 1), new RevisionId."""
    found.function_version = version
    found.routing_config = {"AdditionalVersionWeights": dict(weights)} if weights else None
    found.revision_id = revision_id


def alias_weights(found: Any) -> dict[str, float]:
    """The additional weights of an alias, empty when all traffic goes to its version."""
    return dict((found.routing_config or {}).get("AdditionalVersionWeights") or {})


def code_of(found: Any) -> bytes:
    """The zip of a function object; empty for images."""
    return bytes(getattr(found, "code_bytes", b"") or b"")


def sha256_of(code: bytes) -> str:
    """CodeSha256 as Lambda prints it."""
    return base64.b64encode(hashlib.sha256(code).digest()).decode()


def s3_object(bucket: str, key: str, version: str | None = None) -> Any | None:
    """moto's object, or None; the bucket may belong to any account."""
    if bucket not in s3_backends.bucket_accounts:
        return None
    part, account = s3_backends.bucket_accounts[bucket]
    return s3_backends[account][part].get_object(bucket, key, version_id=version)


def bucket_owner(bucket: str) -> str | None:
    """The account that a bucket belongs to."""
    held = s3_backends.bucket_accounts.get(bucket)
    return str(held[1]) if held else None


def alarms_in_alarm(account: str, region: str, names: list[str]) -> tuple[str, ...]:
    """Which of these alarms are in ALARM (composite ones included); unknown names are not."""
    alarms = cloudwatch_backends[account][region].alarms
    return tuple(name for name in names if name in alarms and alarms[name].state_value == "ALARM")


def tell_alarms_apart() -> None:
    """DescribeAlarms: only the kinds that are asked for, metric alarms where none is; log alarms in their own list."""
    original = CloudWatchResponse.describe_alarms
    if getattr(original, "emulator_tells", False):
        return

    def describe_alarms(self: Any) -> Any:
        found: Any = original(self).result
        wanted = self._get_param("AlarmTypes") or ["MetricAlarm"]
        metric = [one for one in found["MetricAlarms"] if marked(one, "kind", "metric") == "metric"]
        log = [one for one in found["MetricAlarms"] if one not in metric]
        kinds = {"MetricAlarm": metric, "CompositeAlarm": found["CompositeAlarms"], "LogAlarm": log}
        return ActionResult({f"{kind}s": held if kind in wanted else [] for kind, held in kinds.items()})

    describe_alarms.emulator_tells = True  # type: ignore[attr-defined]
    vars(moto.cloudwatch.responses)["CloudWatchResponse"].describe_alarms = describe_alarms


def mark_alarm(account: str, region: str, name: str, kind: str, evaluation: str) -> None:
    """What moto's alarms lack: that one is a log alarm, and what keeps it from being evaluated."""
    found = cloudwatch_backends[account][region].alarms[name]
    mark(found, kind=kind)
    if evaluation:
        vars(found)["evaluation_state"] = evaluation


def write_log(account: str, region: str, group: str, stream: str, lines: list[tuple[int, str]]) -> None:
    """Put (milliseconds, text) lines into a log stream, made when it does not exist."""
    backend = logs_backends[account][region]
    if group not in backend.groups:
        backend.create_log_group(group, {})
    if stream not in backend.groups[group].streams:
        backend.create_log_stream(group, stream)
    backend.put_log_events(group, stream, [{"timestamp": at, "message": text} for at, text in lines])


def log_streams(account: str, region: str, group: str) -> list[str]:
    """The names of a log group's streams; none where there is no such group."""
    found = logs_backends[account][region].groups.get(group)
    return list(found.streams) if found else []


def image_config(given: dict[str, Any]) -> Any:
    """A function's ImageConfig as moto keeps it."""
    return moto.awslambda.models.ImageConfig(given)


def statements(found: Any) -> list[dict[str, Any]]:
    """The statements of a function's or version's resource policy."""
    return list(found.policy.statements)


def mark(found: Any, **marks: Any) -> None:
    """Keep the emulator's own values on a moto object; they live and die with it."""
    for name, value in marks.items():
        setattr(found, f"emulator_{name}", value)


def marked(found: Any, name: str, default: Any = None) -> Any:
    """A value kept by `mark`."""
    return getattr(found, f"emulator_{name}", default)


def drop_version(account: str, region: str, name: str, version: Any) -> None:
    """Forget a published version."""
    storage = lambda_backends[account][region]._lambdas
    storage._functions[name]["versions"].remove(version)
    storage._arns.pop(version.function_arn, None)


def drop_alias(account: str, region: str, function_name: str, name: str) -> None:
    """Forget an alias."""
    lambda_backends[account][region].delete_alias(name, function_name)


def make_alias(account: str, region: str, function_name: str, name: str, version: str, description: str) -> Any:
    """A new alias, all traffic on one version."""
    return lambda_backends[account][region].create_alias(name, function_name, version, description, "")
