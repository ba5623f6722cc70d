"""What botocore reads for itself: everything that it could not use is told by name, and what it can use passes."""

from __future__ import annotations

import itertools
import os
from pathlib import Path

import pytest
from botocore import configprovider
from botocore.session import Session

from ci_deploy.core.aws import Endpoint
from ci_deploy.core.errors import InvalidInput
from ci_deploy.edge.aws.client import SERVICES, knowing, sibling
from ci_deploy.edge.aws.credentials import settings
from tests.edge.fakes import REGION
from tests.support.golden import Told

SECRET = "wJalrXUtnFEMIK7MDENGbPxRfiCYEXAMPLEKEY"
_FIRST = knowing(Session())
METHODS = {"sts": "get_caller_identity", "s3": "list_buckets"}
# What S3 reads in a way of its own. STS reads the others, and its client is made in a third of the time.
OF_S3 = ("S3", "CHECKSUM", "DUALSTACK", "FIPS", "DEFAULTS_MODE", "ENDPOINT")
# botocore's variables that name a place or take any text.
FREE = {
    "AWS_AUTH_SCHEME_PREFERENCE",
    "AWS_CA_BUNDLE",  # network.py judges it
    "AWS_CONFIG_FILE",
    "AWS_CSM_CLIENT_ID",
    "AWS_CSM_HOST",
    "AWS_DATA_PATH",
    "AWS_DEFAULT_PROFILE",
    "AWS_DEFAULT_REGION",
    "AWS_PROFILE",
    "AWS_SDK_UA_APP_ID",
    "AWS_SHARED_CREDENTIALS_FILE",
    "AWS_SIGV4A_SIGNING_REGION_SET",
}


def session(monkeypatch: pytest.MonkeyPatch, **variables: str) -> Session:
    """A session of this environment, as wiring makes it."""
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    return sibling(_FIRST)


def problems(monkeypatch: pytest.MonkeyPatch, **variables: str) -> list[str]:
    found = settings.problems(variables, session(monkeypatch, **variables))
    assert not any(SECRET in str(problem) for problem in found)
    assert all(problem.remedy for problem in found)
    return [f"{problem.where}: {problem.what}" for problem in found]


def of_profile(key: str, file: str | Path, profile: str = "default") -> str:
    return f"`{key}` of profile `{profile}` in {file}"


def config(folder: Path, text: str | bytes, name: str = "config") -> str:
    file = folder / name
    file.write_bytes(text if isinstance(text, bytes) else text.encode())
    return str(file)


def usable(monkeypatch: pytest.MonkeyPatch, **variables: str) -> None:
    """botocore makes a client of each service and signs a request by these."""
    signs(session(monkeypatch, **variables), *METHODS)


def signs(made: Session, *services: str) -> None:
    for service in services:
        made.create_client(service, region_name=REGION).generate_presigned_url(METHODS[service])


# --- variables and keys --------------------------------------------------------------------------------------------


def test_every_variable_of_botocore_is_judged_or_takes_any_text() -> None:
    """A new botocore with a new variable fails here, and not in somebody's job."""
    tables = (configprovider.BOTOCORE_DEFAUT_SESSION_VARIABLES, configprovider.DEFAULT_S3_CONFIG_VARS)
    rows = itertools.chain.from_iterable(table.values() for table in tables)
    known = {name for _, name, *_ in rows for name in ([name] if isinstance(name, str) else name or [])}
    judged = {variable for variable, _ in settings.SETTINGS if variable}
    assert known <= judged | FREE
    assert judged - known == {"AWS_CREDENTIAL_EXPIRATION"}


@pytest.mark.parametrize(("variable", "key"), settings.SETTINGS)
def test_a_value_that_botocore_does_not_know_is_told_with_its_variable(
    variable: str, key: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """Whether it would refuse the value, trip over it, or silently take it for `no`."""
    for value in ("sometimes", "-1", "\udcff", "x\ny", "9" * 40):
        (problem,) = problems(monkeypatch, **{variable: value})
        assert problem.startswith(f"environment variable {variable}: is "), value
    monkeypatch.delenv(variable)
    for value in ("sometimes", "-1") if key else ():
        (problem,) = problems(monkeypatch, AWS_CONFIG_FILE=config(tmp_path, f"[default]\n{key} = {value}\n"))
        assert problem.startswith(f"{of_profile(key, tmp_path / 'config')}: is "), value


GOOD = ("true", "false", "legacy", "regional", "standard", "adaptive", "in-region", "auto", "preferred", "required")
GOOD += (
    "disabled",
    "when_supported",
    "when_required",
    "IPv4",
    "ipv6",
    "1",
    "10",
    "2099-01-01T00:00:00Z",
    "",
    "http://127.0.0.1:1",
)


# A client that is monitored opens a socket of its own.
@pytest.mark.parametrize("variable", [name for name, _ in settings.SETTINGS if name != "AWS_CSM_ENABLED"])
def test_what_passes_is_usable(variable: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """No value that is let through makes botocore trip."""
    service = "s3" if any(word in variable for word in OF_S3) else "sts"
    judge = session(monkeypatch)
    values = dict.fromkeys(change(value) for value in GOOD for change in (str, str.upper))
    passed = [value for value in values if not settings.problems({variable: value}, judge)]
    for value in passed:
        signs(session(monkeypatch, **{variable: value}), service)
    assert passed


def test_all_that_is_wrong_is_told_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    found = problems(monkeypatch, AWS_RETRY_MODE="x", AWS_MAX_ATTEMPTS="y", AWS_PROFILE="")
    assert [each.split(":")[0] for each in found] == [
        "environment variable AWS_MAX_ATTEMPTS",
        "environment variable AWS_RETRY_MODE",
        "environment variable AWS_PROFILE",
    ]


# --- profiles and files --------------------------------------------------------------------------------------------


@pytest.mark.parametrize("variable", ["AWS_PROFILE", "AWS_DEFAULT_PROFILE"])
@pytest.mark.parametrize(("name", "what"), [("", " empty"), (" ", " empty"), ("gone", "`gone`")])
def test_a_profile_that_is_none_is_told(variable: str, name: str, what: str, monkeypatch: pytest.MonkeyPatch) -> None:
    (problem,) = problems(monkeypatch, **{variable: name})
    assert problem.startswith(f"environment variable {variable}: ") and what in problem


def test_a_profile_of_either_file_will_do(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    files = {
        "AWS_CONFIG_FILE": config(tmp_path, "[profile one]\nregion = eu-west-1\n"),
        "AWS_SHARED_CREDENTIALS_FILE": config(tmp_path, "[two]\naws_access_key_id = x\n", "credentials"),
    }
    for profile in ("one", "two"):
        assert problems(monkeypatch, AWS_PROFILE=profile, **files) == []


BROKEN = {
    "no section": f"aws_secret_access_key = {SECRET}\n",
    "no setting": f"[default]\n\n{SECRET}\n",
    "a section twice": "[default]\n[default]\n",
    "a key twice": f"[default]\na = 1\na = {SECRET}\n",
    "JSON": f'{{"key": "{SECRET}"}}',
    "a mark before it": "\ufeff[default]\n",
    "UTF-16": f"[default]\na = {SECRET}\n".encode("utf-16"),
    "Latin-1": f"[default]\n# \u00fc {SECRET}\n".encode("latin-1"),
    "NUL": b"\0\0\0\0",
    "a block that is none": f"[default]\ns3 =\n  {SECRET}\n",
}


@pytest.mark.parametrize("variable", ["AWS_CONFIG_FILE", "AWS_SHARED_CREDENTIALS_FILE"])
@pytest.mark.parametrize("what", BROKEN)
def test_a_file_that_is_no_ini_file_is_told_without_a_word_of_it(
    what: str, variable: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, told: Told
) -> None:
    """A line that botocore cannot read may be a secret."""
    file = config(tmp_path, BROKEN[what])
    (problem,) = problems(monkeypatch, **{variable: file})
    assert problem.replace(file, "FILE") == told


def test_a_file_that_nobody_named_is_told_by_its_usual_place(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, told: Told
) -> None:
    for variable in ("AWS_CONFIG_FILE", "AWS_SHARED_CREDENTIALS_FILE"):
        monkeypatch.delenv(variable)
    (tmp_path / ".aws").mkdir()
    config(tmp_path / ".aws", "nonsense")
    assert problems(monkeypatch, HOME=str(tmp_path)) == told


@pytest.mark.parametrize("path", ["", "/nowhere/config", os.devnull])
def test_a_file_that_is_not_there_is_no_file(path: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """As for botocore, and as people switch it off."""
    assert problems(monkeypatch, AWS_CONFIG_FILE=path) == []


def test_a_folder_or_a_file_without_permission_is_told(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, told: Told
) -> None:
    """botocore would go on without a word."""
    (problem,) = problems(monkeypatch, AWS_CONFIG_FILE=str(tmp_path))
    folder = problem.replace(str(tmp_path), "HERE")
    with monkeypatch.context() as denied:
        denied.setattr(
            Path, "read_text", lambda *_, **__: (_ for _ in ()).throw(PermissionError(13, "Permission denied"))
        )
        (problem,) = problems(monkeypatch, AWS_CONFIG_FILE=config(tmp_path, "[default]\n"))
    assert (folder, problem.replace(str(tmp_path), "HERE")) == told


@pytest.mark.parametrize(
    "text",
    [
        "s3 = fast",
        "proxies_config = x",
        "services = gone",
        "services = local\n[services local]\ncodedeploy = x",
        "ca_bundle = /nowhere.pem",
    ],
)
def test_a_profile_that_makes_no_sense_is_told(
    text: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, told: Told
) -> None:
    (problem,) = problems(monkeypatch, AWS_CONFIG_FILE=config(tmp_path, f"[default]\n{text}\n"))
    assert problem.replace(str(tmp_path), "HERE") == told


def test_the_secrets_of_all_profiles_are_known(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    files = {
        "AWS_CONFIG_FILE": config(tmp_path, "[profile one]\naws_session_token = token-1\n"),
        "AWS_SHARED_CREDENTIALS_FILE": config(tmp_path, "[two]\naws_secret_access_key = secret-2\n", "credentials"),
    }
    assert sorted(settings.secrets(session(monkeypatch, **files))) == ["secret-2", "token-1"]


# --- the region ----------------------------------------------------------------------------------------------------


def test_the_region_is_the_inputs_then_the_variables_then_the_profiles(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    made = session(monkeypatch, AWS_CONFIG_FILE=config(tmp_path, "[default]\nregion = eu-south-1\n"))
    environ = {"AWS_REGION": "us-east-1", "AWS_DEFAULT_REGION": "us-west-2"}
    assert settings.region("eu-west-1", environ, made) == "eu-west-1"
    assert settings.region(None, environ, made) == "us-east-1"
    assert settings.region(None, environ | {"AWS_REGION": " "}, made) == "us-west-2"
    assert settings.region(None, {}, made) == "eu-south-1"


def test_no_region_is_bad_input_that_says_what_to_set(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(InvalidInput, match="Input `aws-region` is missing"):
        settings.region(None, {"AWS_REGION": ""}, session(monkeypatch))


@pytest.mark.parametrize("value", ["eu central 1", "eu-central-1\nx", "EU-CENTRAL-1", "x", "eu-central-1.evil.example"])
def test_what_is_no_region_is_told_by_who_set_it(value: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    made = session(monkeypatch, AWS_CONFIG_FILE=config(tmp_path, "[default]\nregion = Frankfurt\n"))
    for variable in ("AWS_REGION", "AWS_DEFAULT_REGION"):
        with pytest.raises(InvalidInput, match=f"Environment variable {variable}: "):
            settings.region(None, {variable: value}, made)
    with pytest.raises(InvalidInput, match=of_profile("region", "")):
        settings.region(None, {}, made)


# --- endpoints -----------------------------------------------------------------------------------------------------

LOCAL = "http://127.0.0.1:4599"


def judged(monkeypatch: pytest.MonkeyPatch, region: str = REGION, **variables: str) -> tuple[Endpoint, ...]:
    made = session(monkeypatch, **variables)
    found = settings.endpoints(variables, made, SERVICES)
    # What was found is what botocore itself would use.
    ours = {service: each.url for each in found for service in each.services}
    for service in ("codedeploy", "logs", "sts"):
        theirs = made.create_client(service, region_name=region)
        assert (theirs.meta.endpoint_url == ours.get(service)) is (service in ours)
    return settings.not_aws(found, made, region, SERVICES)


def test_nothing_configured_is_aws(monkeypatch: pytest.MonkeyPatch) -> None:
    assert judged(monkeypatch) == ()
    assert judged(monkeypatch, AWS_USE_FIPS_ENDPOINT="true", AWS_USE_DUALSTACK_ENDPOINT="true") == ()


def test_a_variable_for_all_services_is_told_once(monkeypatch: pytest.MonkeyPatch) -> None:
    assert judged(monkeypatch, AWS_ENDPOINT_URL=LOCAL) == (Endpoint(url=LOCAL, setting="AWS_ENDPOINT_URL"),)


@pytest.mark.parametrize("service", SERVICES)
def test_a_variable_of_one_service_is_told_with_it(service: str, monkeypatch: pytest.MonkeyPatch) -> None:
    names = {"logs": "CLOUDWATCH_LOGS", "sso-oidc": "SSO_OIDC"}
    variable = f"AWS_ENDPOINT_URL_{names.get(service, service.upper())}"
    assert judged(monkeypatch, **{variable: LOCAL}) == (Endpoint(url=LOCAL, setting=variable, services=(service,)),)


def test_a_services_variable_wins_over_the_common_one(monkeypatch: pytest.MonkeyPatch) -> None:
    found = judged(monkeypatch, AWS_ENDPOINT_URL=LOCAL, AWS_ENDPOINT_URL_LAMBDA="http://other:1")
    assert {each.url: each.setting for each in found} == {
        LOCAL: "AWS_ENDPOINT_URL",
        "http://other:1": "AWS_ENDPOINT_URL_LAMBDA",
    }
    own = judged(monkeypatch, AWS_ENDPOINT_URL=LOCAL, AWS_ENDPOINT_URL_LAMBDA=f"https://lambda.{REGION}.amazonaws.com")
    assert "lambda" not in own[0].services and "codedeploy" in own[0].services


@pytest.mark.parametrize("profile", ["default", "ours"])
def test_what_a_profile_sets_is_told_with_the_file(
    profile: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, told: Told
) -> None:
    section = "default" if profile == "default" else "profile ours"
    text = (
        f"[{section}]\nservices = local\nendpoint_url = {LOCAL}\n"
        "[services local]\ncodedeploy =\n  endpoint_url = http://one:1\ncloudwatch_logs =\n  endpoint_url = http://two:2\n"
    )
    file = config(tmp_path, text)
    named = {} if profile == "default" else {"AWS_PROFILE": profile}
    found = {each.url: each for each in judged(monkeypatch, AWS_CONFIG_FILE=file, **named)}
    own = of_profile("endpoint_url", file, profile)
    assert found["http://one:1"].setting.replace(file, "FILE") == told
    assert found["http://two:2"].services == ("logs",)
    assert found[LOCAL].setting == own
    assert judged(monkeypatch, AWS_CONFIG_FILE=file, AWS_ENDPOINT_URL="http://three:3", **named)[0].services == ()
    ignored = {"AWS_IGNORE_CONFIGURED_ENDPOINT_URLS": "true"}
    assert judged(monkeypatch, AWS_CONFIG_FILE=file, **ignored, **named) == ()


AWS_OWN = [
    ("codedeploy", REGION, f"https://codedeploy.{REGION}.amazonaws.com"),
    ("codedeploy", REGION, f"https://codedeploy.{REGION}.amazonaws.com:443/"),
    ("codedeploy", REGION, f"https://CodeDeploy.{REGION}.amazonaws.com."),
    ("codedeploy", REGION, f"https://codedeploy-fips.{REGION}.amazonaws.com"),
    ("codedeploy", REGION, f"https://codedeploy.{REGION}.api.aws"),
    ("codedeploy", REGION, f"https://vpce-0a1b2c3d-4e5f6a7b.codedeploy.{REGION}.vpce.amazonaws.com"),
    ("codedeploy", REGION, f"https://vpce-0a1b2c3d-4e5f6a7b-eu-central-1a.codedeploy.{REGION}.vpce.amazonaws.com"),
    ("codedeploy", "cn-north-1", "https://codedeploy.cn-north-1.amazonaws.com.cn"),
    ("codedeploy", "us-gov-west-1", "https://codedeploy-fips.us-gov-west-1.amazonaws.com"),
    ("codedeploy", "eusc-de-east-1", "https://codedeploy.eusc-de-east-1.amazonaws.eu"),
    ("codedeploy", REGION, "https://codedeploy.us-west-2.amazonaws.com"),  # refuses our signature, but is AWS's
    ("lambda", REGION, f"https://lambda.{REGION}.api.aws"),
    ("cloudwatch", REGION, f"https://monitoring.{REGION}.amazonaws.com"),
    ("logs", REGION, f"https://vpce-1-2.logs.{REGION}.vpce.amazonaws.com"),
    ("s3", REGION, f"https://s3.dualstack.{REGION}.amazonaws.com"),
    ("s3", REGION, "https://s3.amazonaws.com"),
    ("s3", REGION, f"https://bucket.vpce-1a2b3c4d-5e6f.s3.{REGION}.vpce.amazonaws.com"),
    ("sts", REGION, "https://sts.amazonaws.com"),
    ("iam", REGION, "https://iam.amazonaws.com"),
]
NOT_AWS = [
    ("codedeploy", "http://codedeploy.eu-central-1.amazonaws.com"),  # anybody on the way can answer
    ("codedeploy", "https://codedeploy.eu-central-1.amazonaws.com:8443"),
    ("codedeploy", "https://lambda.eu-central-1.amazonaws.com"),
    ("codedeploy", "https://codedeploy.eu-central-1.amazonaws.com.evil.example"),
    ("codedeploy", "https://evil-codedeploy.eu-central-1.amazonaws.com"),
    ("codedeploy", "https://codedeploy.eu-central-1.amazonaws.com.cn"),
    ("codedeploy", "https://ec2-203-0-113-25.eu-central-1.compute.amazonaws.com"),
    ("codedeploy", "https://ec2-203-0-113-25.compute-1.amazonaws.com"),
    ("codedeploy", "https://codedeploy-1234567890.eu-central-1.elb.amazonaws.com"),
    ("codedeploy", "https://codedeploy.s3-website.eu-central-1.amazonaws.com"),
    ("s3", "https://somebody.s3.eu-central-1.amazonaws.com"),
    ("codedeploy", "https://a1b2c3.execute-api.eu-central-1.amazonaws.com"),
    ("codedeploy", "https://vpce-0a1b-2c3d.vpce-svc-0a1b2c3d.eu-central-1.vpce.amazonaws.com"),
    ("codedeploy", "https://vpce-0a1b-2c3d.lambda.eu-central-1.vpce.amazonaws.com"),
    ("codedeploy", "https://codedeploy.nowhere.amazonaws.com"),
    ("lambda", "https://abcdefg.lambda-url.eu-central-1.on.aws"),
    ("lambda", "https://d111111abcdef8.cloudfront.net"),
    ("codedeploy", "https://codedeploy.eu-central-1.amazonaws.com@evil.example"),
    ("codedeploy", "http://localhost:4599"),
    ("codedeploy", "http://emulator"),
]


@pytest.mark.parametrize(("service", "region", "url"), AWS_OWN)
def test_aws_own_addresses_are_no_news(service: str, region: str, url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    found = (Endpoint(url=url, services=(service,), setting="x"),)
    assert settings.not_aws(found, session(monkeypatch), region, SERVICES) == ()


@pytest.mark.parametrize(("service", "url"), NOT_AWS)
def test_what_anybody_may_run_is_not_aws(service: str, url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """A host on amazonaws.com may be anybody's instance, load balancer, bucket or API."""
    found = (Endpoint(url=url, services=(service,), setting="x"),)
    (told,) = settings.not_aws(found, session(monkeypatch), REGION, SERVICES)
    assert told.services == (service,)


def test_addresses_by_botocores_own_rules_are_aws_for_every_service_and_partition(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """What botocore resolves without any setting is never called foreign."""
    # Of `signin` the client shows an address that its requests do not go to.
    services = [service for service in SERVICES if service != "signin"]
    for region, service in itertools.product((REGION, "us-east-1", "cn-north-1", "us-gov-west-1"), services):
        url = session(monkeypatch).create_client(service, region_name=region).meta.endpoint_url
        found = (Endpoint(url=url, services=(service,), setting="x"),)
        assert settings.not_aws(found, session(monkeypatch), region, SERVICES) == (), url


def test_a_password_in_an_address_is_not_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    (told,) = judged(monkeypatch, AWS_ENDPOINT_URL=f"http://user:{SECRET}@127.0.0.1:4599")
    assert told.url == "http://***@127.0.0.1:4599"


@pytest.mark.parametrize(
    "url",
    [
        "nonsense",
        "127.0.0.1:4599",
        "ftp://x",
        "http://",
        "http://[::1",
        "http://h:x",
        f"http://u:{SECRET}@[x",
        "http://a b",
    ],
)
@pytest.mark.parametrize("variable", ["AWS_ENDPOINT_URL", "AWS_ENDPOINT_URL_S3"])
def test_what_is_no_address_is_told_with_what_set_it(
    url: str, variable: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    with pytest.raises(InvalidInput) as caught:
        settings.endpoints({variable: url}, session(monkeypatch), SERVICES)
    assert f"Environment variable {variable} " in str(caught.value) and SECRET not in str(caught.value)
    file = config(tmp_path, f"[default]\nendpoint_url = {url}\n")
    with pytest.raises(InvalidInput, match=of_profile("endpoint_url", "")):
        settings.endpoints({}, session(monkeypatch, AWS_CONFIG_FILE=file), SERVICES)


def test_models_and_addresses_are_botocores_own(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """What lies in ~/.aws/models or AWS_DATA_PATH changes neither requests nor where they go."""
    for folder in (tmp_path / "home/.aws/models", tmp_path / "data"):
        folder.mkdir(parents=True)
        (folder / "endpoints.json").write_text("{}")
        (folder / "partitions.json").write_text("{}")
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    monkeypatch.setenv("AWS_DATA_PATH", str(tmp_path / "data"))
    made = knowing(Session())
    assert (
        made.create_client("codedeploy", region_name=REGION).meta.endpoint_url
        == f"https://codedeploy.{REGION}.amazonaws.com"
    )
