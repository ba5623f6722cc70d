"""How inputs are written: each kind parses text and says its form to people.

`parse` raises ValueError with what is wrong, as the end of a sentence that begins with the value.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from difflib import get_close_matches
from typing import Any

from ..aws import RollbackEvent


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


def _s3(text: str) -> str:
    if not re.fullmatch(
        r"s3://[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]/[^?#\x00-\x1f]{1,1024}(\?versionId=[A-Za-z0-9._-]{1,1024})?", text
    ):
        raise ValueError("is not an S3 address")
    return text


def _version(text: str) -> str:
    if text.upper() == "$LATEST":
        # Whoever gives it wants what it holds, and gets that by giving nothing.
        raise ValueError("is not a published version (`deploy` without `target-version` publishes what it holds)")
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
    return _s3(text) if text.startswith("s3://") else _path(text)


def _custom_config(text: str) -> str:
    canary = re.fullmatch(r"canary (\d{1,2})% (\d{1,4})m", text, re.ASCII)
    linear = re.fullmatch(r"linear (\d{1,2})% every (\d{1,4})m", text, re.ASCII)
    match = canary or linear
    if not match or 0 in (int(match[1]), int(match[2])):
        raise ValueError("is not a traffic shift")
    minutes = int(match[2]) * (1 if canary else -(-100 // int(match[1])) - 1)
    if minutes > 2880:
        raise ValueError(f"takes {minutes} minutes from first to last shift; CodeDeploy allows 2880")
    return text


def choice(name: str, choices: Iterable[str]) -> Kind:
    allowed = tuple(choices)

    def parse(text: str) -> str:
        if text.lower() not in allowed:
            close = get_close_matches(text.lower(), allowed, 1)
            raise ValueError("is not known" + (f" (did you mean `{close[0]}`?)" if close else ""))
        return text.lower()

    return Kind(
        name=name, parse=parse, hint="one of " + ", ".join(f"`{choice}`" for choice in allowed), choices=allowed
    )


TOKEN = Kind(name="token", parse=_token, hint="a token: letters, digits and marks, without blanks")
TEXT = Kind(name="text", parse=_plain, hint="one line of text")
BOOL = Kind(name="boolean", parse=_bool, hint="`true` or `false`", choices=("true", "false"))
DURATION = Kind(name="duration", parse=duration, hint="a duration such as `90s`, `10m` or `2h`")
LIST = Kind(name="list", parse=_list, hint="a list, one a line or comma-separated")
PATH = Kind(name="path", parse=_path, hint="a path in the workspace")
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
BUCKET = Kind(
    name="bucket",
    parse=pattern(
        r"[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]",
        "a bucket's name (3 to 63 lower-case letters, digits, `.`, `-`)",
    ),
    hint="a bucket's name, such as `my-deployments`, without `s3://`",
)
PREFIX = Kind(
    name="prefix",
    parse=pattern(
        r"[A-Za-z0-9!_.*'()=@:+,-]+(/[A-Za-z0-9!_.*'()=@:+,-]+)*/?",
        "a key prefix such as `CodeDeploy` or `releases/prod`",
    ),
    hint="a key prefix",
)
ACCOUNT = Kind(name="account", parse=pattern(r"\d{12}", "an account id"), hint="12 digits")
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
S3 = Kind(name="S3 address", parse=_s3, hint="`s3://bucket/key`, optionally with `?versionId=…`")
IMAGE = Kind(
    name="image",
    parse=pattern(
        r"\d{12}\.dkr\.ecr\.[a-z0-9-]+\.amazonaws\.(com|com\.cn|eu)/[a-z0-9._/-]+([:@][A-Za-z0-9._:-]+)?",
        "an image in ECR",
    ),
    hint="`ACCOUNT.dkr.ecr.REGION.amazonaws.com/REPOSITORY:TAG` or `@sha256:…`",
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
SHIFT = Kind(name="traffic shift", parse=_custom_config, hint="`canary 10% 5m` or `linear 20% every 3m`")
KEY = Kind(
    name="key",
    parse=pattern(r"[A-Za-z0-9._/-]{1,64}", "a key (letters, digits, `._/-`; 64 at most)"),
    hint="a short word",
)
