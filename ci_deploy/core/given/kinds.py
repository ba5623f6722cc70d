"""How inputs are written: each kind parses text and says its form to people.

`parse` raises ValueError with what is wrong, as the end of a sentence that begins with the value.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from typing import Any

from ..aws import RollbackEvent
from ..guards.grammar import parse as guards
from ..lazy import dataclass
from . import meant, shifts
from .source import s3_location, source


@dataclass(frozen=True, slots=True, kw_only=True)
class Kind:
    """How a value is written: `parse` raises ValueError with what is wrong, `hint` says the form for people."""

    name: str
    parse: Callable[[str], Any]
    hint: str
    choices: tuple[str, ...] = ()


def pattern(expression: str, what: str) -> Callable[[str], str]:
    compiled = re.compile(expression, re.ASCII)  # to AWS only 0 to 9 are digits

    def parse(text: str) -> str:
        if not compiled.fullmatch(text):
            raise ValueError(f"is not {what}")
        return text

    return parse


def _bool(text: str) -> bool:
    if text.lower() not in ("true", "false"):
        raise ValueError("is not a boolean")
    return text.lower() == "true"


def duration(text: str) -> float:
    """`90s`, `10m`, `2h` (also combined: `1h30m`) as seconds."""
    match = re.fullmatch(r"(?:(\d{1,6})h)?(?:(\d{1,6})m)?(?:(\d{1,6})s)?", text, re.ASCII)
    if not match or not any(match.groups()):
        raise ValueError("is not a duration" + (": it has no unit" if re.fullmatch("[0-9.]+", text) else ""))
    hours, minutes, seconds = (int(part or 0) for part in match.groups())
    total = float(hours * 3600 + minutes * 60 + seconds)
    if not 0 < total <= 50 * 3600:
        raise ValueError("is not between 1s and 50h (CodeDeploy's own limit for a Lambda deployment)")
    return total


def _list(text: str) -> tuple[str, ...]:
    return tuple(part.strip() for part in re.split(r"[\n,]", text) if part.strip())


def _rollback_events(text: str) -> str | tuple[RollbackEvent, ...]:
    words = {"failure": RollbackEvent.FAILURE, "alarm": RollbackEvent.ALARM, "stop-request": RollbackEvent.STOP_REQUEST}
    values = _list(text.lower())
    if values == ("default",):
        return "default"
    if values == ("off",):
        return ()
    unknown = [value for value in values if value not in words]
    if unknown or not values:
        raise ValueError(f"has {', '.join(f'`{value}`' for value in unknown) or 'nothing'} in it")
    return tuple(words[value] for value in dict.fromkeys(values))


def _lines_or_off(text: str) -> tuple[str, ...]:
    """A list whose members may have commas in them, so one per line. `off` alone is the empty list."""
    values = tuple(dict.fromkeys(part.strip() for part in text.split("\n") if part.strip()))
    if [value.lower() for value in values] == ["off"]:
        return ()
    if "off" in map(str.lower, values):
        raise ValueError("has `off` beside names")
    return values


@dataclass(frozen=True, slots=True, kw_only=True)
class BucketPath:
    """Where objects go: a bucket, and the first part of their keys."""

    name: str
    prefix: str = "CodeDeploy"

    def __str__(self) -> str:
        return f"{self.name}/{self.prefix}"


def _bucket(text: str) -> BucketPath:
    if re.match(r"s3://", text, re.IGNORECASE):
        raise ValueError(f"is an address: write `{text[5:].rstrip('/') or 'my-deployments'}`")
    if text.startswith("arn:"):
        raise ValueError(f"is an ARN: write `{text.rpartition(':')[2] or 'my-deployments'}`")
    name, slash, prefix = text.partition("/")
    if not re.fullmatch(r"[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]", name):
        raise ValueError("is not a bucket's name (3 to 63 lower-case letters, digits, `.`, `-`)")
    if not slash:
        return BucketPath(name=name)
    part = r"(?!\.{1,2}(?:/|$))[A-Za-z0-9!_.*'()=@:+,-]+"  # `..` is a name in S3, and a way up elsewhere
    if not re.fullmatch(rf"{part}(/{part})*/?", prefix):
        raise ValueError("has a prefix that is not a key, such as `CodeDeploy` or `releases/prod`")
    return BucketPath(name=name, prefix=prefix.rstrip("/"))


def _deployment_config(text: str) -> str:
    name = shifts.config_name(text)
    if not re.fullmatch(r"[A-Za-z0-9+=,.@_-]{1,100}", name, re.ASCII):
        raise ValueError("is neither a traffic shift nor a config's name")
    return name


def _account(text: str) -> str:
    if re.fullmatch("[0-9]{9,11}", text):  # a number loses what it begins with
        raise ValueError(f"has {len(text)} digits, so it lost leading zeros: put the account ID in quotes")
    return _account_id(text)


_account_id = pattern(r"\d{12}", "an account ID")


def _version(text: str) -> str:
    if text.upper() == "$LATEST":
        raise ValueError("is not a published version (`code: $LATEST` publishes what it holds)")
    if not re.fullmatch(r"[1-9][0-9]{0,18}", text):
        raise ValueError("is not a version number (1, 2, 3, …)")
    return text


def count(low: int, high: int) -> Callable[[str], int]:
    def parse(text: str) -> int:
        if not re.fullmatch("[0-9]+", text):
            raise ValueError("is not a whole number")
        number = int(text) if len(text) < 10 else high + 1
        if number < low:
            raise ValueError("is too low")
        if number > high:
            raise ValueError("is too high")
        return number

    return parse


def _path(text: str) -> str:
    if "\x00" in text:
        raise ValueError("has a NUL character in it")
    return text


def _plain(text: str) -> str:
    if any(ord(character) < 32 or ord(character) == 127 for character in text):
        raise ValueError("has control characters or line breaks in it")
    return text


def _token(text: str) -> str:
    if not re.fullmatch(r"[\x21-\x7e]+", text):
        raise ValueError("has a line break, a blank or a character in it that is not ASCII")
    return text


def _sha256(text: str) -> str:
    if not re.fullmatch(r"[A-Za-z0-9+/]{43}=|[0-9a-fA-F]{64}", text):
        raise ValueError("is not a SHA-256 (44 characters of base64 or 64 hexadecimal digits)")
    return text


def _url(text: str) -> str:
    if not re.fullmatch(r"https?://[^\s<>\"]+", text):
        raise ValueError("is not an http(s) address")
    if re.match(r"https?://[^/?#]*@", text):
        raise ValueError("has a user name or a password in it, and would be shown")
    return text


def _appspec(text: str) -> str:
    return str(s3_location(text)) if text[:5].lower() == "s3://" else _path(text)


def choice(name: str, choices: Iterable[str]) -> Kind:
    allowed = tuple(choices)

    def parse(text: str) -> str:
        if text.lower() not in allowed:
            close = meant.close(text.lower(), allowed)
            raise ValueError("is unknown" + (f" (did you mean `{close}`?)" if close else ""))
        return text.lower()

    return Kind(
        name=name, parse=parse, hint="one of " + ", ".join(f"`{choice}`" for choice in allowed), choices=allowed
    )


TOKEN = Kind(name="token", parse=_token, hint="a token: letters, digits and marks, without blanks")
TEXT = Kind(name="text", parse=_plain, hint="one line of text")
BOOL = Kind(name="boolean", parse=_bool, hint="`true` or `false`", choices=("true", "false"))
DURATION = Kind(name="duration", parse=duration, hint="a duration such as `90s`, `10m` or `2h`")
LIST = Kind(name="list", parse=_list, hint="a list, one per line or comma-separated")
LINES_OR_OFF = Kind(name="names", parse=_lines_or_off, hint="names, one per line, or `off` alone")
GUARDS = Kind(name="guards", parse=guards, hint="guards such as `errors < 1%`, one per line, or `off` alone")
CONFIG = Kind(name="path", parse=_path, hint="a path in the workspace, or `none`")
PATH = Kind(name="path", parse=_path, hint="a path in the workspace")
CODE = Kind(
    name="code",
    parse=source,
    hint="a path in the workspace, `s3://bucket/key` (optionally `?versionId=…`), "
    "`ACCOUNT.dkr.ecr.REGION.amazonaws.com/REPOSITORY:TAG` (or `@sha256:…`), or `$LATEST`",
)
VERSION = Kind(name="version", parse=_version, hint="a published version's number")
FUNCTION = Kind(
    name="function",
    parse=pattern(
        r"[A-Za-z0-9_-]{1,64}|arn:aws[a-z-]*:lambda:[a-z0-9-]+:\d{12}:function:[A-Za-z0-9_-]{1,64}",
        "a function's name or ARN (without version or alias)",
    ),
    hint="a function's name (letters, digits, `-`, `_`; 64 at most) or its ARN",
)
ALIAS = Kind(
    name="alias",
    parse=pattern(
        r"(?!\d+$)[A-Za-z0-9_-]{1,128}", "an alias name (letters, digits, `-`, `_`; 128 at most; not a number alone)"
    ),
    hint="an alias name, such as `live`",
)
CODEDEPLOY_NAME = Kind(
    name="name",
    parse=pattern(r"[A-Za-z0-9+=,.@_-]{1,100}", "a CodeDeploy name"),
    hint="1 to 100 letters, digits or `+=,.@_-`",
)
STACK = Kind(
    name="stack",
    parse=pattern(r"[A-Za-z][A-Za-z0-9-]{0,127}|arn:aws[a-z-]*:cloudformation:\S{1,300}", "a stack's name"),
    hint="a CloudFormation stack's name or ARN",
)
BUCKET = Kind(
    name="bucket", parse=_bucket, hint="a bucket's name, with a prefix if you like: `my-deployments/releases`"
)
DEPLOYMENT_CONFIG = Kind(
    name="config",
    parse=_deployment_config,
    hint="`canary 10% 5m`, `linear 20% every 3m`, `all-at-once`, or a config's name",
)
ACCOUNT = Kind(name="account", parse=_account, hint="12 digits")
ARN_ROLE = Kind(
    name="role",
    parse=pattern(
        r"arn:aws[a-z-]*:iam::\d{12}:role/[\w+=,.@/-]{1,512}", "a role's ARN (`arn:aws:iam::123456789012:role/name`)"
    ),
    hint="a role's ARN",
)
REGION = Kind(
    name="region", parse=pattern(r"[a-z]{2,4}(-[a-z]+)+-\d{1,2}", "a region"), hint="a region such as `eu-central-1`"
)
DEPLOYMENT_ID = Kind(
    name="deployment id", parse=pattern(r"d-[A-Z0-9]{9,12}", "a deployment id such as `d-A1B2C3D4E`"), hint="`d-…`"
)
APPSPEC = Kind(name="AppSpec", parse=_appspec, hint="a path in the workspace or `s3://bucket/key`")
ROLLBACK_EVENTS = Kind(
    name="rollback events",
    parse=_rollback_events,
    hint="`default`, `off`, or a list of `failure`, `alarm`, `stop-request`",
)
SHA256 = Kind(
    name="SHA-256",
    parse=_sha256,
    hint="base64, as `aws lambda get-function` shows CodeSha256, or hexadecimal, as `sha256sum` prints it",
)
URL = Kind(name="address", parse=_url, hint="an http(s) address")
WORKFLOW_FILE = Kind(
    name="file",
    parse=pattern(r"[A-Za-z0-9._-]+\.ya?ml", "a workflow's file name"),
    hint="a workflow's file name, such as `rollback.yml`",
)
KEY = Kind(
    name="key",
    parse=pattern(r"[A-Za-z0-9._/-]{1,64}", "a key (letters, digits, `._/-`; 64 at most)"),
    hint="a short word",
)
