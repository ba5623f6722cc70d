"""Seeds: a YAML file that names what the emulator holds at the start.

Everything is made through the same API that clients use, so a seed can hold nothing that they could not make.
"""

from __future__ import annotations

import base64
import io
import json
import zipfile
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlencode

import yaml

from .aws import moto_parts
from .aws.front import Aws
from .aws.moto_parts import ACCOUNT
from .errors import SeedError
from .github.front import GitHub
from .github.state import BOT, PERSON
from .lambda_.processes import Functions
from .places import partition
from .server.faults import Faults
from .switches import Switches

Json = dict[str, Any]
DEFAULT_REGION = "us-east-1"
_TOP = (
    "region",
    "switches",
    "faults",
    "scripts",
    "claims",
    "buckets",
    "roles",
    "functions",
    "applications",
    "configs",
    "alarms",
    "repositories",
    "traffic",
    "stacks",
)


def load(source: str | Path | Mapping[str, Any] | None) -> Json:
    """A seed as a mapping, from a file or given as one. SeedError says what is wrong."""
    if source is None:
        return {}
    if isinstance(source, Mapping):
        seed: object = dict(source)
    else:
        try:
            seed = yaml.safe_load(Path(source).read_text(encoding="utf-8")) or {}
        except OSError as error:
            raise SeedError(f"the seed cannot be read: {error}") from None
        except yaml.YAMLError as error:
            raise SeedError(f"the seed is not YAML: {error}") from None
    if not isinstance(seed, dict):
        raise SeedError("the seed must be a mapping")
    _only(seed, _TOP, "the seed")
    return seed


def region_of(seed: Mapping[str, Any]) -> str:
    """The region that the seed is made in, and that clients are pointed at."""
    return str(seed.get("region", DEFAULT_REGION))


def zip_of(files: Mapping[str, str]) -> bytes:
    """A zip of these files; the same files give the same bytes, and so the same CodeSha256."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for name in sorted(files):
            info = zipfile.ZipInfo(name, (2020, 1, 1, 0, 0, 0))
            info.external_attr = 0o644 << 16
            archive.writestr(info, files[name])
    return buffer.getvalue()


class Seeder:
    """Makes what a seed names."""

    def __init__(self, aws: Aws, github: GitHub, functions: Functions, switches: Switches, faults: Faults) -> None:
        self._aws = aws
        self._github = github
        self._functions = functions
        self._switches = switches
        self._faults = faults
        self._region = DEFAULT_REGION
        self._roles: set[str] = set()

    def apply(self, seed: Mapping[str, Any]) -> None:
        """Make everything, in the order in which things need each other."""
        self._region = region_of(seed)
        self._roles = set()
        self._switches.update(seed.get("switches") or {})
        for key, make in (
            ("buckets", self._bucket),
            ("roles", self._role_entry),
            ("functions", self._function),
            ("configs", self._config),
            ("alarms", self._alarm),
            ("applications", self._application),
            ("repositories", self._repository),
        ):
            self._each(seed, key, make)
        self._functions.script(seed.get("scripts") or {})
        self._faults.replace(seed.get("faults") or [])

    def _each(self, seed: Mapping[str, Any], key: str, make: Callable[[Json], None]) -> None:
        for entry in seed.get(key) or []:
            named = {"name": entry} if isinstance(entry, str) else entry
            if not isinstance(named, dict) or not named.get("name"):
                raise SeedError(f"every entry of '{key}' needs a name")
            make(named)

    def _bucket(self, entry: Json) -> None:
        _only(entry, ("name", "versioning", "objects"), f"bucket {entry['name']}")
        body = b""
        if self._region != "us-east-1":
            body = (
                '<CreateBucketConfiguration xmlns="http://s3.amazonaws.com/doc/2006-03-01/">'
                f"<LocationConstraint>{self._region}</LocationConstraint></CreateBucketConfiguration>"
            ).encode()
        self._send("s3", "PUT", f"/{entry['name']}", body)
        if entry.get("versioning", True):
            text = b"<VersioningConfiguration><Status>Enabled</Status></VersioningConfiguration>"
            self._send("s3", "PUT", f"/{entry['name']}?versioning", text)
        for key, value in (entry.get("objects") or {}).items():
            self._send("s3", "PUT", f"/{entry['name']}/{quote(key)}", str(value).encode())

    def _role_entry(self, entry: Json) -> None:
        _only(entry, ("name",), f"role {entry['name']}")
        self._role(entry["name"])

    def _role(self, name: str) -> str:
        if name not in self._roles:
            self._roles.add(name)
            trust = '{"Version":"2012-10-17","Statement":[]}'
            fields = {"Action": "CreateRole", "Version": "2010-05-08", "RoleName": name}
            fields["AssumeRolePolicyDocument"] = trust
            headers = {"Content-Type": "application/x-www-form-urlencoded"}
            self._send("iam", "POST", "/", urlencode(fields).encode(), headers)
        return f"arn:{partition(self._region)}:iam::{ACCOUNT}:role/{name}"

    def _function(self, entry: Json) -> None:
        name = entry["name"]
        keys = ("name", "runtime", "handler", "timeout", "memory", "role", "environment", "versions", "code", "aliases")
        _only(entry, keys, f"function {name}")
        body: Json = {
            "FunctionName": name,
            "Runtime": entry.get("runtime", "python3.13"),
            "Handler": entry.get("handler", "app.handler"),
            "Timeout": entry.get("timeout", 10),
            "MemorySize": entry.get("memory", 128),
            "Role": self._role(entry.get("role", "lambda-role")),
        }
        if entry.get("environment"):
            # YAML reads 1 and true as what they look like; a variable is a text.
            given = entry["environment"].items()
            texts = {key: value if isinstance(value, str) else json.dumps(value) for key, value in given}
            body["Environment"] = {"Variables": texts}
        versions = [_files(code, name) for code in entry.get("versions") or []]
        latest = _files(entry["code"], name) if entry.get("code") else None
        first = versions[0] if versions else latest or {"app.py": "def handler(event, context):\n    return event\n"}
        self._lambda("POST", "/2015-03-31/functions", {**body, "Code": {"ZipFile": _b64(zip_of(first))}})
        path = f"/2015-03-31/functions/{name}"
        for code in versions:
            self._lambda("PUT", f"{path}/code", {"ZipFile": _b64(zip_of(code))})
            self._lambda("POST", f"{path}/versions", {})
        if latest and versions:
            self._lambda("PUT", f"{path}/code", {"ZipFile": _b64(zip_of(latest))})
        for alias, target in (entry.get("aliases") or {}).items():
            made = {"version": target} if not isinstance(target, dict) else target
            request: Json = {"Name": alias, "FunctionVersion": str(made["version"])}
            if made.get("weights"):
                weights = {str(version): weight for version, weight in made["weights"].items()}
                request["RoutingConfig"] = {"AdditionalVersionWeights": weights}
            self._lambda("POST", f"{path}/aliases", request)

    def _config(self, entry: Json) -> None:
        _only(entry, ("name", "canary", "linear"), f"config {entry['name']}")
        routing: Json = {"type": "AllAtOnce"}
        if "canary" in entry:
            percent, minutes = entry["canary"]
            canary = {"canaryPercentage": percent, "canaryInterval": minutes}
            routing = {"type": "TimeBasedCanary", "timeBasedCanary": canary}
        elif "linear" in entry:
            percent, minutes = entry["linear"]
            linear = {"linearPercentage": percent, "linearInterval": minutes}
            routing = {"type": "TimeBasedLinear", "timeBasedLinear": linear}
        params = {"deploymentConfigName": entry["name"], "computePlatform": "Lambda", "trafficRoutingConfig": routing}
        self._codedeploy("CreateDeploymentConfig", params)

    def _alarm(self, entry: Json) -> None:
        _only(entry, ("name", "state", "reason", "kind", "evaluation"), f"alarm {entry['name']}")
        alarm = {
            "AlarmName": entry["name"],
            "Namespace": "AWS/Lambda",
            "MetricName": "Errors",
            "Statistic": "Sum",
            "Period": 60,
            "EvaluationPeriods": 1,
            "Threshold": 1.0,
            "ComparisonOperator": "GreaterThanOrEqualToThreshold",
        }
        self._json("monitoring", "GraniteServiceVersion20100801.PutMetricAlarm", alarm, "1.0")
        state = {
            "AlarmName": entry["name"],
            "StateValue": entry.get("state", "OK"),
            "StateReason": entry.get("reason", "set by the seed"),
        }
        self._json("monitoring", "GraniteServiceVersion20100801.SetAlarmState", state, "1.0")
        kind, evaluation = str(entry.get("kind", "metric")), str(entry.get("evaluation", ""))
        moto_parts.mark_alarm(ACCOUNT, self._region, entry["name"], kind, evaluation)

    def _application(self, entry: Json) -> None:
        _only(entry, ("name", "groups"), f"application {entry['name']}")
        self._codedeploy("CreateApplication", {"applicationName": entry["name"], "computePlatform": "Lambda"})
        for group in entry.get("groups") or []:
            _only(
                group, ("name", "config", "alarms", "auto-rollback", "role"), f"a group of application {entry['name']}"
            )
            params: Json = {
                "applicationName": entry["name"],
                "deploymentGroupName": group.get("name"),
                "deploymentConfigName": group.get("config", "CodeDeployDefault.LambdaAllAtOnce"),
                "serviceRoleArn": self._role(group.get("role", "codedeploy-role")),
                "deploymentStyle": {"deploymentType": "BLUE_GREEN", "deploymentOption": "WITH_TRAFFIC_CONTROL"},
            }
            events = group.get("auto-rollback") or []
            params["autoRollbackConfiguration"] = {"enabled": bool(events), "events": events}
            alarms = [{"name": name} for name in group.get("alarms") or []]
            params["alarmConfiguration"] = {"enabled": bool(alarms), "alarms": alarms}
            self._codedeploy("CreateDeploymentGroup", params)

    def _repository(self, entry: Json) -> None:
        name = str(entry["name"])
        _only(entry, ("name", "private", "default-branch", "pull-requests", "comments"), f"repository {name}")
        owner, slash, repo = name.partition("/")
        if not slash:
            raise SeedError(f"repository '{name}' must be written owner/name")
        info = self._github.repository(owner, repo).info
        if "private" in entry:
            info["private"] = bool(entry["private"])
            info["visibility"] = "private" if entry["private"] else "public"
        info["default_branch"] = entry.get("default-branch", "main")
        for pull in entry.get("pull-requests") or []:
            given = {str(key).replace("-", "_"): value for key, value in pull.items()}
            self._github.add_pull(name, int(given.pop("number")), given)
        for comment in entry.get("comments") or []:
            login = comment.get("author", BOT["login"])
            user = BOT if login == BOT["login"] else {**PERSON, "login": login}
            self._github.add_comment(name, int(comment["issue"]), str(comment["body"]), user)

    def _lambda(self, method: str, path: str, body: Json) -> None:
        self._send("lambda", method, path, json.dumps(body).encode(), {"Content-Type": "application/json"})

    def _codedeploy(self, operation: str, params: Json) -> None:
        self._json("codedeploy", f"CodeDeploy_20141006.{operation}", params, "1.1")

    def _json(self, service: str, target: str, params: Json, version: str) -> None:
        headers = {"X-Amz-Target": target, "Content-Type": f"application/x-amz-json-{version}"}
        self._send(service, "POST", "/", json.dumps(params).encode(), headers)

    def _send(self, service: str, method: str, path: str, body: bytes, headers: dict[str, str] | None = None) -> None:
        response = self._aws.send(service, method, path, body, headers=headers, region=self._region)
        if response.status >= 300:
            detail = response.body.decode("utf-8", "replace")[:500]
            raise SeedError(f"the seed was refused by {service}: {method} {path}: {detail}")


def _only(entry: object, keys: tuple[str, ...], what: str) -> None:
    if not isinstance(entry, Mapping):
        raise SeedError(f"{what} must be a mapping")
    unknown = sorted(set(map(str, entry)) - set(keys))
    if unknown:
        raise SeedError(f"{what} has unknown keys: {', '.join(unknown)}; it may have {', '.join(keys)}")


def _files(code: object, function: str) -> dict[str, str]:
    if isinstance(code, str):
        return {"app.py": code}
    if isinstance(code, Mapping) and code:
        return {str(name): str(text) for name, text in code.items()}
    raise SeedError(f"the code of function '{function}' is a text (app.py), or a mapping of file names to texts")


def _b64(raw: bytes) -> str:
    return base64.b64encode(raw).decode()
