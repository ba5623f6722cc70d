"""What botocore reads for itself (AWS_* variables and its two files), judged before botocore trips over it.

Whatever cannot be used is InvalidInput with the name of the variable, or of the key and its file, and what to do.
Values are quoted where they cannot be secret; of a file that is no INI file not even the line. Nothing is asked of AWS
here. Sources: botocore 1.44.5's configprovider and configloader; AWS's reference of shared settings.
"""

from __future__ import annotations

import configparser
import re
from collections.abc import Callable, Iterator, Mapping
from datetime import datetime
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from botocore.endpoint_provider import EndpointProvider
from botocore.exceptions import BotoCoreError
from botocore.session import Session
from botocore.utils import CLIENT_NAME_TO_HYPHENIZED_SERVICE_ID_OVERRIDES as SERVICE_IDS

from ....core.aws import Endpoint
from ....core.errors import InvalidInput, Problem
from ....core.given.kinds import REGION
from ....core.given.meant import shorten
from ....core.links import without_login
from ... import network

Wrong = Callable[[str], str]  # what is wrong with a value, as a sentence's end; empty if nothing is

UNSEEN = "A container sees the workspace of its runner, and none of its other files."


def _one_of(*choices: str) -> Wrong:
    told = ", ".join(f"`{choice}`" for choice in choices[:-1]) + f" or `{choices[-1]}`"
    return lambda value: "" if value in choices else f"is {_quoted(value)}, not {told}."


def _boolean(value: str) -> str:
    # Empty is what a workflow's `${{ vars.X }}` leaves, and means no. Anything else does for botocore too, unsaid.
    return "" if value.lower() in ("true", "false", "") else f"is {_quoted(value)}, neither `true` nor `false`."


def _number(least: int, most: int = 2**31 - 1) -> Wrong:
    def wrong(value: str) -> str:
        good = re.fullmatch(r"\s*[0-9]{1,10}\s*", value) and least <= int(value) <= most
        return "" if good else f"is {_quoted(value)}, not a whole number from {least} to {most}."

    return wrong


def _time(value: str) -> str:
    try:
        datetime.fromisoformat(value or "2026-11-24")
    except ValueError:
        return f"is {_quoted(value)}, not a time such as `2026-11-24T12:00:00Z`."
    return ""


def _web_address(value: str) -> str:
    """Also for addresses with a password in them: it is not shown, and nor is what is not known to be an address."""
    try:
        parts = urlsplit(value)
        _ = parts.port
    except ValueError:
        return "is not an address."
    if not value.isprintable() or " " in value or parts.scheme not in ("http", "https") or not parts.hostname:
        return "is not an http(s) address."
    return ""


def _quoted(value: str) -> str:
    return f"`{shorten(value)}`" if value else "empty"


# Variable (empty: there is none) and key of the profile in the config file -> what is wrong with a value.
SETTINGS: Mapping[tuple[str, str], Wrong] = {
    ("AWS_ACCOUNT_ID_ENDPOINT_MODE", "account_id_endpoint_mode"): _one_of("preferred", "disabled", "required"),
    ("AWS_CREDENTIAL_EXPIRATION", ""): _time,
    ("AWS_CSM_ENABLED", "csm_enabled"): _boolean,
    ("AWS_CSM_PORT", "csm_port"): _number(1, 65535),
    ("AWS_DEFAULTS_MODE", "defaults_mode"): _one_of(
        "legacy", "standard", "in-region", "cross-region", "mobile", "auto"
    ),
    ("AWS_DISABLE_HOST_PREFIX_INJECTION", "disable_host_prefix_injection"): _boolean,
    ("AWS_DISABLE_REQUEST_COMPRESSION", "disable_request_compression"): _boolean,
    ("AWS_EC2_METADATA_SERVICE_ENDPOINT", "ec2_metadata_service_endpoint"): _web_address,
    ("AWS_EC2_METADATA_SERVICE_ENDPOINT_MODE", "ec2_metadata_service_endpoint_mode"): _one_of(
        "IPv4", "IPv6", "ipv4", "ipv6"
    ),
    ("AWS_EC2_METADATA_V1_DISABLED", "ec2_metadata_v1_disabled"): _boolean,
    ("AWS_ENDPOINT_DISCOVERY_ENABLED", "endpoint_discovery_enabled"): _one_of("true", "false", "auto"),
    ("AWS_IGNORE_CONFIGURED_ENDPOINT_URLS", "ignore_configured_endpoint_urls"): _boolean,
    ("AWS_IMDS_USE_IPV6", "imds_use_ipv6"): _boolean,
    ("AWS_MAX_ATTEMPTS", "max_attempts"): _number(1),
    ("AWS_METADATA_SERVICE_NUM_ATTEMPTS", "metadata_service_num_attempts"): _number(1),
    ("AWS_METADATA_SERVICE_TIMEOUT", "metadata_service_timeout"): _number(1),
    ("AWS_REQUEST_CHECKSUM_CALCULATION", "request_checksum_calculation"): _one_of("when_supported", "when_required"),
    ("AWS_REQUEST_MIN_COMPRESSION_SIZE_BYTES", "request_min_compression_size_bytes"): _number(0, 10485760),
    ("AWS_RESPONSE_CHECKSUM_VALIDATION", "response_checksum_validation"): _one_of("when_supported", "when_required"),
    ("AWS_RETRY_MODE", "retry_mode"): _one_of("legacy", "standard", "adaptive"),
    ("AWS_S3_DISABLE_EXPRESS_SESSION_AUTH", "s3_disable_express_session_auth"): _one_of("true", "false"),
    ("AWS_S3_DISABLE_MULTIREGION_ACCESS_POINTS", ""): _boolean,
    ("AWS_S3_US_EAST_1_REGIONAL_ENDPOINT", "s3_us_east_1_regional_endpoint"): _one_of("legacy", "regional"),
    ("AWS_S3_USE_ARN_REGION", "s3_use_arn_region"): _boolean,
    ("AWS_STS_REGIONAL_ENDPOINTS", "sts_regional_endpoints"): _one_of("legacy", "regional"),
    ("AWS_USE_DUALSTACK_ENDPOINT", "use_dualstack_endpoint"): _boolean,
    ("AWS_USE_FIPS_ENDPOINT", "use_fips_endpoint"): _boolean,
    ("BOTOCORE_TCP_KEEPALIVE", "tcp_keepalive"): _boolean,
}
# Keys of a profile whose value is a block of `key = value` lines.
_BLOCKS = ("proxies_config", "s3")
_FILES = {"AWS_CONFIG_FILE": "~/.aws/config", "AWS_SHARED_CREDENTIALS_FILE": "~/.aws/credentials"}


def problems(environ: Mapping[str, str], session: Session) -> tuple[Problem, ...]:
    """Everything that botocore could not use."""
    return (*_variables(environ), *_unreadable(environ)) or tuple(_profile(environ, session))


def secrets(session: Session) -> tuple[str, ...]:
    """The secrets in the files, of all profiles: a wrong one may be named by an error as well as the right one."""
    names = ("aws_access_key_id", "aws_secret_access_key", "aws_session_token")
    profiles = session.full_config.get("profiles", {}).values()
    return tuple(str(profile[name]) for profile in profiles for name in names if name in profile)


def _variable(name: str, what: str, remedy: str) -> Problem:
    return Problem(where=f"environment variable {name}", what=what, remedy=remedy)


def _variables(environ: Mapping[str, str]) -> Iterator[Problem]:
    for (variable, _), wrong in SETTINGS.items():
        if variable and variable in environ and (what := wrong(environ[variable])):
            yield _variable(variable, what, "Set it to one that AWS knows, or unset it.")
    for variable in ("AWS_PROFILE", "AWS_DEFAULT_PROFILE"):
        if variable in environ and not environ[variable].strip():
            yield _variable(variable, "is set, and empty.", "Unset it, or set it to the name of a profile.")


def _unreadable(environ: Mapping[str, str]) -> Iterator[Problem]:
    """The config and credentials files, where they exist and cannot be read as botocore would."""
    for variable, usual in _FILES.items():
        given = environ.get(variable, "").strip()
        path = Path(given or usual)
        try:
            path = path.expanduser()
            if not path.exists():
                continue  # as for botocore: then there are no profiles
            if path.is_dir():
                raise IsADirectoryError("it is a folder")
            configparser.RawConfigParser().read_string(path.read_text(encoding="utf-8"), str(path))
        except (OSError, RuntimeError, ValueError, configparser.Error) as error:
            where = f"environment variable {variable}" if given else f"file {usual}"
            yield Problem(
                where=where,
                what=f"names `{path}`, which cannot be used: {_why(error)}."
                if given
                else f"cannot be used: {_why(error)}.",
                remedy=f"Mend the file, or set {variable} to another one.",
            )


def _why(error: Exception) -> str:
    """Without a word of the file: a line that is no setting may be a secret."""
    match error:
        case UnicodeDecodeError():
            return "it is not UTF-8 text"
        case configparser.MissingSectionHeaderError():
            return f"line {error.lineno} stands before the first `[section]`"
        case configparser.ParsingError():
            return f"line {error.errors[0][0]} is neither `[section]` nor `key = value`"
        case configparser.DuplicateSectionError() | configparser.DuplicateOptionError():
            return f"line {error.lineno} repeats what an earlier line has"
        case IsADirectoryError():
            return "it is a folder"
        case OSError():
            return error.strerror or type(error).__name__
    return "it is not an INI file"


def _profile(environ: Mapping[str, str], session: Session) -> Iterator[Problem]:
    """The profile in use: that it exists, and what its keys say."""
    try:
        name = session.get_config_variable("profile")
        full = session.full_config
        profiles: Mapping[str, Any] = full.get("profiles", {})
    except BotoCoreError as error:  # an indented block that is none
        path = str(getattr(error, "kwargs", {}).get("path", ""))
        yield Problem(
            where=f"file {path}",
            what="cannot be used: an indented line in it is not `key = value`.",
            remedy="Mend the file, or set AWS_CONFIG_FILE to another one.",
        )
        return
    if name is not None and name not in profiles:
        variable = "AWS_DEFAULT_PROFILE" if environ.get("AWS_DEFAULT_PROFILE") == name else "AWS_PROFILE"
        yield _variable(
            variable,
            f"names the profile `{shorten(str(name))}`, which is in neither the config nor the credentials file.",
            f"Unset it, or name a profile that exists. {UNSEEN}",
        )
        return
    profile = profiles.get(name or "default", {})
    for (_, key), wrong in SETTINGS.items():
        if key and key in profile and (what := wrong(str(profile[key]))):
            yield _key(session, key, what)
    if (bundle := str(profile.get("ca_bundle", ""))) and (what := network.unusable(bundle)):
        yield _key(session, "ca_bundle", what)
    for key in _BLOCKS:
        if isinstance(profile.get(key, {}), str):
            yield _key(session, key, "is not a block of indented `key = value` lines.")
    if (services := profile.get("services")) is not None:
        section = full.get("services", {}).get(services)
        if not isinstance(section, Mapping):
            yield _key(
                session, "services", f"names `{shorten(str(services))}`, and there is no `[services …]` of that name."
            )
        elif any(isinstance(value, str) for value in section.values()):
            yield _key(session, "services", "leads to a section whose services are not blocks of indented lines.")


def _key(session: Session, key: str, what: str) -> Problem:
    return Problem(where=_place(session, key), what=what, remedy="Correct it, or take it out.")


def _place(session: Session, key: str) -> str:
    profile = session.get_config_variable("profile") or "default"
    return f"`{key}` of profile `{shorten(str(profile))}` in {session.get_config_variable('config_file')}"


# --- The region ------------------------------------------------------------------------------------------------------


def region(given: str | None, environ: Mapping[str, str], session: Session) -> str:
    """The region: the input, AWS_REGION, AWS_DEFAULT_REGION, then the profile's. InvalidInput without a usable one."""
    if given:
        return given
    profile = str(session.get_scoped_config().get("region") or "")
    for where, value in (
        ("environment variable AWS_REGION", environ.get("AWS_REGION", "").strip()),
        ("environment variable AWS_DEFAULT_REGION", environ.get("AWS_DEFAULT_REGION", "").strip()),
        ("", profile),
    ):
        if value:
            try:
                return str(REGION.parse(value))
            except ValueError as error:
                problem = Problem(
                    where=where or _place(session, "region"),
                    what=f"{_quoted(value)} {error}.",
                    remedy=f"Set it to {REGION.hint}.",
                )
                raise InvalidInput((problem,)) from None
    raise InvalidInput(
        (
            Problem(
                where="input `aws-region`",
                what="is missing, and neither AWS_REGION nor AWS_DEFAULT_REGION is set.",
                remedy="Set `aws-region`, or run aws-actions/configure-aws-credentials before this step.",
            ),
        )
    )


# --- Endpoints -------------------------------------------------------------------------------------------------------


def endpoints(environ: Mapping[str, str], session: Session, services: tuple[str, ...]) -> tuple[Endpoint, ...]:
    """The addresses that are configured, each with the services whose requests go there and what set it.

    In botocore's order: a service's variable, AWS_ENDPOINT_URL, the profile's `services`, its `endpoint_url`. The
    addresses are whole; InvalidInput for what is none.
    """
    if session.get_config_variable("ignore_configured_endpoint_urls"):
        return ()
    profile = session.get_scoped_config()
    section = session.full_config.get("services", {}).get(profile.get("services"), {})
    found: dict[tuple[str, str], list[str]] = {}
    for service in services:
        name = SERVICE_IDS.get(service, service).replace("-", "_")
        own = f"AWS_ENDPOINT_URL_{name.upper()}"
        for value, setting in (
            (environ.get(own), own),
            (environ.get("AWS_ENDPOINT_URL"), "AWS_ENDPOINT_URL"),
            (
                section.get(name, {}).get("endpoint_url"),
                f"`endpoint_url` of service `{name}` in {_place(session, 'services')}",
            ),
            (profile.get("endpoint_url"), _place(session, "endpoint_url")),
        ):
            if value:
                found.setdefault((value, setting), []).append(service)
                break
    problems = [
        Problem(
            where=f"environment variable {setting}" if setting.startswith("AWS_") else setting,
            what=what,
            remedy="Set it to an http(s) address, or take it out.",
        )
        for value, setting in found
        if (what := _web_address(value))
    ]
    if problems:
        raise InvalidInput(tuple(problems))
    return tuple(
        Endpoint(url=value, services=tuple(served), setting=setting) for (value, setting), served in found.items()
    )


def not_aws(
    found: tuple[Endpoint, ...], session: Session, region: str, services: tuple[str, ...]
) -> tuple[Endpoint, ...]:
    """Those among `endpoints` that are no address of the service in this region, fit to be shown.

    `services` stays empty where all of them go there.
    """
    foreign = []
    for each in found:
        wrong = tuple(service for service in each.services if not _is_aws(each.url, service, region, session))
        if wrong:
            shown = without_login(each.url)
            foreign.append(Endpoint(url=shown, services=() if wrong == services else wrong, setting=each.setting))
    return tuple(foreign)


def _is_aws(url: str, service: str, region: str, session: Session) -> bool:
    """Whether this is the service's own address, or a VPC endpoint for it: nobody else can answer there."""
    parts = urlsplit(url)
    host = (parts.hostname or "").rstrip(".")
    if parts.scheme != "https" or parts.port not in (None, 443):
        return False
    # vpce-0a1b-2c3d.codedeploy.eu-central-1.vpce.amazonaws.com, and for S3 `bucket.` before it.
    private = re.fullmatch(r"(?:[a-z0-9-]+\.)?vpce-[a-z0-9-]+\.(?P<service>.+)\.vpce\.(?P<suffix>.+)", host)
    if private:
        host = f"{private['service']}.{private['suffix']}"
    partitions = session.get_component("data_loader").load_data("partitions")
    partition = next((each for each in partitions["partitions"] if re.fullmatch(each["regionRegex"], region)), None)
    if partition is None:
        return False
    # Another region's address is AWS's too (and refuses what was signed for this one).
    labels = (region if re.fullmatch(partition["regionRegex"], label) else label for label in host.split("."))
    everywhere = str(partition["outputs"]["implicitGlobalRegion"])
    return ".".join(labels) in _hosts(service, region, session) or host in _hosts(service, everywhere, session, True)


def _hosts(service: str, region: str, session: Session, everywhere: bool = False) -> frozenset[str]:
    """The service's hosts by botocore's own rules: plain, FIPS and dual stack; with `everywhere` the global ones."""
    loader = session.get_component("data_loader")
    rules = loader.load_service_model(service, "endpoint-rule-set-1")
    if everywhere and "UseGlobalEndpoint" not in rules["parameters"]:
        return frozenset()
    given = {"UseGlobalEndpoint": True} if everywhere else {}
    provider = EndpointProvider(rules, loader.load_data("partitions"))
    found = set()
    for fips in (False, True):
        for dual in (False, True):
            try:
                resolved = provider.resolve_endpoint(Region=region, UseFIPS=fips, UseDualStack=dual, **given)
            except BotoCoreError:  # there is none of this kind in this partition
                continue
            found.add(urlsplit(resolved.url).hostname or "")
    return frozenset(found)
