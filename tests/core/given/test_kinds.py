"""How values are written: what each kind makes of text, and what it says of text that is none of it."""

from __future__ import annotations

from typing import Any

import pytest

from ci_deploy.core.aws import RollbackEvent
from ci_deploy.core.given import kinds as k
from ci_deploy.core.given.kinds import BucketPath
from ci_deploy.core.given.source import Image, Latest, Local, s3_location
from ci_deploy.core.guards.grammar import OFF

FAILURE, ALARM, STOP = RollbackEvent.FAILURE, RollbackEvent.ALARM, RollbackEvent.STOP_REQUEST
COUNT = k.Kind(name="count", parse=k.count(3, 1000), hint="a whole number from 3 to 1000")
POLICY = k.choice("policy", ("rollback", "stop", "leave"))
ECR = "123456789012.dkr.ecr.eu-central-1.amazonaws.com"
ARN = "arn:aws:lambda:eu-west-1:123456789012:function:f"
GOV = "arn:aws-us-gov:lambda:us-gov-west-1:123456789012:function:f"
ROLE = "arn:aws-cn:iam::123456789012:role/path/to/deployer"
DIGITS = "１２"  # digits to Unicode, and to nobody at AWS
HEX = "0123456789abcdefABCDEF0123456789" * 2

GOOD: list[tuple[k.Kind, str, Any]] = [
    (k.TEXT, "prices are wrong: 5 € too high", "prices are wrong: 5 € too high"),
    (k.TOKEN, "ghs_0123456789abcdefXYZ", "ghs_0123456789abcdefXYZ"),
    (k.BOOL, "true", True),
    (k.BOOL, "False", False),
    (k.DURATION, "1s", 1.0),
    (k.DURATION, "90s", 90.0),
    (k.DURATION, "10m", 600.0),
    (k.DURATION, "2h", 7200.0),
    (k.DURATION, "1h30m5s", 5405.0),
    (k.DURATION, "50h", 180_000.0),
    (k.LIST, "one", ("one",)),
    (k.LIST, "one, two,,three", ("one", "two", "three")),
    (k.LIST, "one\r\n two words \n\nthree\n", ("one", "two words", "three")),
    (k.LIST, " , \n", ()),
    (k.LINES_OR_OFF, "Slow, or failing\r\n errors \n\nerrors\n", ("Slow, or failing", "errors")),
    (k.LINES_OR_OFF, "off", ()),
    (k.LINES_OR_OFF, "\n OFF \n", ()),
    (k.LINES_OR_OFF, "checkout-off", ("checkout-off",)),
    (k.CONFIG, "deploy/my functions.yml", "deploy/my functions.yml"),
    (k.CONFIG, "none", "none"),
    (k.CODE, "build/my function.zip", Local(path="build/my function.zip")),
    (k.CODE, "s3://bucket/a key.zip", s3_location("s3://bucket/a key.zip")),
    (k.CODE, "s3://bucket/dir/key?versionId=A.b-c_1", s3_location("s3://bucket/dir/key?versionId=A.b-c_1")),
    (k.CODE, f"{ECR}/shop/checkout", Image(uri=f"{ECR}/shop/checkout")),
    (k.CODE, f"{ECR}/checkout:1.2", Image(uri=f"{ECR}/checkout:1.2")),
    (k.CODE, f"{ECR}/checkout@sha256:{HEX.lower()}", Image(uri=f"{ECR}/checkout@sha256:{HEX.lower()}")),
    (k.CODE, "$LATEST", Latest()),
    (k.VERSION, "1", "1"),
    (k.VERSION, "9" * 19, "9" * 19),
    (COUNT, "3", 3),
    (COUNT, "1000", 1000),
    (COUNT, "007", 7),
    (k.FUNCTION, "Check_out-1", "Check_out-1"),
    (k.FUNCTION, "x" * 64, "x" * 64),
    (k.FUNCTION, ARN, ARN),
    (k.FUNCTION, GOV, GOV),
    (k.ALIAS, "live", "live"),
    (k.ALIAS, "7up", "7up"),
    (k.ALIAS, "x" * 128, "x" * 128),
    (k.CODEDEPLOY_NAME, "CodeDeployDefault.LambdaAllAtOnce", "CodeDeployDefault.LambdaAllAtOnce"),
    (k.CODEDEPLOY_NAME, "a+=,.@_-9" + "x" * 91, "a+=,.@_-9" + "x" * 91),
    (k.BUCKET, "a.b", BucketPath(name="a.b", prefix="CodeDeploy")),
    (k.BUCKET, "b" * 63, BucketPath(name="b" * 63, prefix="CodeDeploy")),
    (k.BUCKET, "shop/CodeDeploy", BucketPath(name="shop", prefix="CodeDeploy")),
    (k.BUCKET, "shop/releases/prod/", BucketPath(name="shop", prefix="releases/prod")),
    (k.BUCKET, "shop/.hidden/..a/b..", BucketPath(name="shop", prefix=".hidden/..a/b..")),
    (k.ACCOUNT, "012345678901", "012345678901"),
    (k.ARN_ROLE, ROLE, ROLE),
    (k.GUARDS, "off", OFF),
    (k.REGION, "eu-central-1", "eu-central-1"),
    (k.STACK, "shop-prod", "shop-prod"),
    (
        k.STACK,
        "arn:aws:cloudformation:eu-central-1:123456789012:stack/shop/1",
        "arn:aws:cloudformation:eu-central-1:123456789012:stack/shop/1",
    ),
    (k.REGION, "us-gov-west-1", "us-gov-west-1"),
    (k.DEPLOYMENT_ID, "d-A1B2C3D4E", "d-A1B2C3D4E"),
    (k.APPSPEC, "deploy/appspec.yaml", "deploy/appspec.yaml"),
    (k.APPSPEC, "s3://bucket/appspec.yaml", "s3://bucket/appspec.yaml"),
    (k.APPSPEC, "s3://bucket/appspec.yaml?versionId=v1", "s3://bucket/appspec.yaml?versionId=v1"),
    (k.ROLLBACK_EVENTS, "default", "default"),
    (k.ROLLBACK_EVENTS, "Off", ()),
    (k.ROLLBACK_EVENTS, "failure", (FAILURE,)),
    (k.ROLLBACK_EVENTS, "stop-request, FAILURE\nalarm, failure", (STOP, FAILURE, ALARM)),
    (k.SHA256, "A/+b" * 10 + "abc=", "A/+b" * 10 + "abc="),
    (k.SHA256, HEX, HEX),
    (k.URL, "https://shop.example/live?x=1", "https://shop.example/live?x=1"),
    (k.URL, "http://localhost:8080", "http://localhost:8080"),
    (k.DEPLOYMENT_CONFIG, "Slow", "Slow"),
    (k.DEPLOYMENT_CONFIG, "CodeDeployDefault.LambdaAllAtOnce", "CodeDeployDefault.LambdaAllAtOnce"),
    (k.DEPLOYMENT_CONFIG, "All-at-once", "CodeDeployDefault.LambdaAllAtOnce"),
    (k.DEPLOYMENT_CONFIG, "canary 10% 5m", "CodeDeployDefault.LambdaCanary10Percent5Minutes"),
    (k.DEPLOYMENT_CONFIG, "canary 1% 1m", "ci-deploy-canary-1-1"),
    (k.DEPLOYMENT_CONFIG, "canary 99% 2880m", "ci-deploy-canary-99-2880"),
    (k.DEPLOYMENT_CONFIG, "linear 20% every 3m", "ci-deploy-linear-20-3"),
    (k.DEPLOYMENT_CONFIG, "linear 10% every 320m", "ci-deploy-linear-10-320"),  # nine intervals
    (k.DEPLOYMENT_CONFIG, "linear 30% every 960m", "ci-deploy-linear-30-960"),  # three: 30, 60, 90, 100
    (k.DEPLOYMENT_CONFIG, "linear 99% every 2880m", "ci-deploy-linear-99-2880"),
    (k.WORKFLOW_FILE, "rollback.yml", "rollback.yml"),
    (k.WORKFLOW_FILE, "go_back-1.2.yaml", "go_back-1.2.yaml"),
    (k.KEY, "blue/eu-1", "blue/eu-1"),
    (POLICY, "leave", "leave"),
    (POLICY, "Stop", "stop"),
]  # fmt: skip

BOOLEAN = "is not a boolean"
NO_DURATION = "is not a duration"
LIMITS = "is not between 1s and 50h (CodeDeploy's own limit for a Lambda deployment)"
NO_VERSION = "is not a version number (1, 2, 3, …)"
LATEST = "is not a published version (`code: $LATEST` publishes what it holds)"
NO_FUNCTION = "is not a function's name or ARN (without version or alias)"
NO_ALIAS = "is not an alias name (letters, digits, `-`, `_`; 128 at most; not a number alone)"
NO_BUCKET = "is not a bucket's name (3 to 63 lower-case letters, digits, `.`, `-`)"
NO_PREFIX = "has a prefix that is not a key, such as `CodeDeploy` or `releases/prod`"
NO_ROLE = "is not a role's ARN (`arn:aws:iam::123456789012:role/name`)"
NO_S3 = "is not an S3 address"
NO_SHA = "is not a SHA-256 (44 characters of base64 or 64 hexadecimal digits)"
LOGIN = "has a user name or a password in it, and would be shown"
NO_SHIFT = "is not a traffic shift"
NO_CONFIG = "is neither a traffic shift nor a config's name"
NO_ACCOUNT = "is not an account ID"
TOO_LONG = "takes {} minutes from first to last shift; CodeDeploy allows 2880"
CONTROL = "has control characters or line breaks in it"

BAD: list[tuple[k.Kind, str, str]] = [
    (k.TEXT, "two\nlines", CONTROL),
    (k.TEXT, "a\x1fb", CONTROL),
    (k.TEXT, "a\x7fb", CONTROL),
    *(
        (k.TOKEN, bad, "has a line break, a blank or a character in it that is not ASCII")
        for bad in ("a b", "a\nb", "a\tb", "a\x1bb", "tök", "")
    ),
    (k.BOOL, "yes", BOOLEAN),
    (k.BOOL, "1", BOOLEAN),
    (k.DURATION, "10", "is not a duration: it has no unit"),
    (k.DURATION, "1.5", "is not a duration: it has no unit"),
    (k.DURATION, "1.5h", NO_DURATION),
    (k.DURATION, "-5m", NO_DURATION),
    (k.DURATION, "10 m", NO_DURATION),
    (k.DURATION, "5m1h", NO_DURATION),
    (k.DURATION, "", NO_DURATION),
    (k.DURATION, DIGITS + "m", NO_DURATION),
    (k.DURATION, "1234567s", NO_DURATION),
    (k.DURATION, "0s", LIMITS),
    (k.DURATION, "0h0m0s", LIMITS),
    (k.DURATION, "50h1s", LIMITS),
    (k.LINES_OR_OFF, "off\nerrors", "has `off` beside names"),
    (k.LINES_OR_OFF, "errors\nOff", "has `off` beside names"),
    (k.CONFIG, "a\x00b", "has a NUL character in it"),
    (k.CODE, "a\x00b", "has a NUL character in it"),
    (k.CODE, "s3://bucket", NO_S3),
    (k.CODE, "ghcr.io/o/r:1", "is an image outside ECR, where Lambda cannot read it"),
    (k.VERSION, "$LATEST", LATEST),
    (k.VERSION, "$latest", LATEST),
    (k.VERSION, "0", NO_VERSION),
    (k.VERSION, "01", NO_VERSION),
    (k.VERSION, "v2", NO_VERSION),
    (k.VERSION, "9" * 20, NO_VERSION),
    (k.VERSION, "1" + DIGITS, NO_VERSION),
    (COUNT, "many", "is not a whole number"),
    (COUNT, "-1", "is not a whole number"),
    (COUNT, "4.0", "is not a whole number"),
    (COUNT, DIGITS, "is not a whole number"),
    (COUNT, "2", "is too low"),
    (COUNT, "0", "is too low"),
    (COUNT, "1001", "is too high"),
    (COUNT, "1" * 5000, "is too high"),
    (k.FUNCTION, "x" * 65, NO_FUNCTION),
    (k.FUNCTION, "checkout:live", NO_FUNCTION),
    (k.FUNCTION, "arn:aws:lambda:eu-west-1:12:function:f", NO_FUNCTION),
    (k.FUNCTION, f"arn:aws:lambda:eu-west-1:{DIGITS * 6}:function:f", NO_FUNCTION),
    (k.FUNCTION, ARN + ":live", NO_FUNCTION),
    (k.FUNCTION, "prüfung", NO_FUNCTION),
    (k.FUNCTION, "f\n", NO_FUNCTION),
    (k.ALIAS, "7", NO_ALIAS),
    (k.ALIAS, "$LATEST", NO_ALIAS),
    (k.ALIAS, "x" * 129, NO_ALIAS),
    (k.CODEDEPLOY_NAME, "a/b", "is not a CodeDeploy name"),
    (k.CODEDEPLOY_NAME, "x" * 101, "is not a CodeDeploy name"),
    (k.BUCKET, "s3://shop", "is an address: write `shop`"),
    (k.BUCKET, "S3://shop/releases/", "is an address: write `shop/releases`"),
    (k.BUCKET, "s3://", "is an address: write `my-deployments`"),
    (k.BUCKET, "arn:aws:s3:::shop", "is an ARN: write `shop`"),
    (k.BUCKET, "arn:aws:s3:::shop/releases", "is an ARN: write `shop/releases`"),
    (k.BUCKET, "arn:aws:s3:::", "is an ARN: write `my-deployments`"),
    (k.BUCKET, "/shop", NO_BUCKET),
    (k.BUCKET, "a_b_c", NO_BUCKET),
    (k.BUCKET, "prüfung", NO_BUCKET),
    (k.BUCKET, "ab", NO_BUCKET),
    (k.BUCKET, "b" * 64, NO_BUCKET),
    (k.BUCKET, "Bucket", NO_BUCKET),
    (k.BUCKET, "shop/", NO_PREFIX),
    (k.BUCKET, "shop//CodeDeploy", NO_PREFIX),
    (k.BUCKET, "shop/a//b", NO_PREFIX),
    (k.BUCKET, "shop/a b", NO_PREFIX),
    (k.BUCKET, "shop/a?b", NO_PREFIX),
    (k.BUCKET, "shop/.", NO_PREFIX),
    (k.BUCKET, "shop/a/../b", NO_PREFIX),
    (k.ACCOUNT, "12345", NO_ACCOUNT),
    (k.ACCOUNT, "1234567890123", NO_ACCOUNT),
    (k.ACCOUNT, "1234-5678-9012", NO_ACCOUNT),
    (k.ACCOUNT, DIGITS * 6, NO_ACCOUNT),
    (k.ACCOUNT, "12345678901", "has 11 digits, so it lost leading zeros: put the account ID in quotes"),
    (k.ACCOUNT, "123456789", "has 9 digits, so it lost leading zeros: put the account ID in quotes"),
    (k.ACCOUNT, "12345678", NO_ACCOUNT),
    (k.ARN_ROLE, "deployer", NO_ROLE),
    (k.ARN_ROLE, "arn:aws:iam::123456789012:user/me", NO_ROLE),
    (k.ARN_ROLE, "arn:aws:iam::123456789012:role/prüfer", NO_ROLE),
    (k.REGION, "Frankfurt", "is not a region"),
    (k.STACK, "9shop", "is not a stack's name"),
    (k.STACK, "shop prod", "is not a stack's name"),
    (k.REGION, "eu-central", "is not a region"),
    (k.DEPLOYMENT_ID, "d-short", "is not a deployment id such as `d-A1B2C3D4E`"),
    (k.APPSPEC, "s3://bucket", NO_S3),
    (k.APPSPEC, "S3://bucket/appspec.yaml", NO_S3),
    (k.APPSPEC, "a\x00b", "has a NUL character in it"),
    (k.ROLLBACK_EVENTS, "true", "has `true` in it"),
    (k.ROLLBACK_EVENTS, "failure, never, Sometimes", "has `never`, `sometimes` in it"),
    (k.ROLLBACK_EVENTS, "off, failure", "has `off` in it"),
    (k.ROLLBACK_EVENTS, "default, alarm", "has `default` in it"),
    (k.ROLLBACK_EVENTS, ",", "has nothing in it"),
    (k.SHA256, "abc", NO_SHA),
    (k.SHA256, "A" * 44, NO_SHA),
    (k.SHA256, "g" * 64, NO_SHA),
    (k.URL, "example.org", "is not an http(s) address"),
    (k.URL, "javascript:alert(1)", "is not an http(s) address"),
    (k.URL, 'https://a"b', "is not an http(s) address"),
    (k.URL, "https://me@shop.example", LOGIN),
    (k.URL, "http://me:secret@shop.example/live", LOGIN),
    (k.DEPLOYMENT_CONFIG, "my config", NO_CONFIG),
    (k.DEPLOYMENT_CONFIG, "a/b", NO_CONFIG),
    (k.DEPLOYMENT_CONFIG, "prüfung", NO_CONFIG),
    (k.DEPLOYMENT_CONFIG, "x" * 101, NO_CONFIG),
    (k.DEPLOYMENT_CONFIG, "canary 10%", NO_SHIFT),
    (k.DEPLOYMENT_CONFIG, "linear 10% 5m", NO_SHIFT),
    (k.DEPLOYMENT_CONFIG, "canary 0% 5m", NO_SHIFT),
    (k.DEPLOYMENT_CONFIG, "canary 100% 5m", NO_SHIFT),
    (k.DEPLOYMENT_CONFIG, "linear 00% every 5m", NO_SHIFT),
    (k.DEPLOYMENT_CONFIG, "canary 10% 0m", NO_SHIFT),
    (k.DEPLOYMENT_CONFIG, f"canary {DIGITS}% 5m", NO_SHIFT),
    (k.DEPLOYMENT_CONFIG, f"linear {DIGITS}% every 5m", NO_SHIFT),
    (k.DEPLOYMENT_CONFIG, "canary 10% 2881m", TOO_LONG.format(2881)),
    (k.DEPLOYMENT_CONFIG, "linear 10% every 321m", TOO_LONG.format(2889)),
    (k.DEPLOYMENT_CONFIG, "linear 30% every 961m", TOO_LONG.format(2883)),
    *(
        (k.WORKFLOW_FILE, bad, "is not a workflow's file name")
        for bad in ("rollback", "rollback.json", "../rollback.yml", ".github/workflows/rollback.yml", "röll.yml")
    ),
    (k.KEY, "a b", "is not a key (letters, digits, `._/-`; 64 at most)"),
    (k.KEY, "x" * 65, "is not a key (letters, digits, `._/-`; 64 at most)"),
    (POLICY, "roll back", "is not known (did you mean `rollback`?)"),
    (POLICY, "LEAF", "is not known (did you mean `leave`?)"),
    (POLICY, "true", "is not known"),
]  # fmt: skip


def name_of(part: object) -> str | None:
    return part.name if isinstance(part, k.Kind) else None


@pytest.mark.parametrize(("kind", "text", "value"), GOOD, ids=name_of)
def test_a_value_in_its_form_is_read(kind: k.Kind, text: str, value: Any) -> None:
    read = kind.parse(text)
    assert read == value
    assert type(read) is type(value)


@pytest.mark.parametrize(("kind", "text", "wrong"), BAD, ids=name_of)
def test_what_is_wrong_ends_a_sentence_that_begins_with_the_value(kind: k.Kind, text: str, wrong: str) -> None:
    with pytest.raises(ValueError) as caught:  # noqa: PT011 - the text is compared whole
        kind.parse(text)
    assert str(caught.value) == wrong


def test_every_kind_of_the_module_is_tried_with_good_and_bad_values() -> None:
    """But lists, which take any text, and guards, whose mistakes are tried where their grammar is."""
    every = {value.name for value in vars(k).values() if isinstance(value, k.Kind)}
    assert {kind.name for kind, _, _ in GOOD} >= every
    assert {kind.name for kind, _, _ in BAD} >= every - {"list", "guards"}


@pytest.mark.parametrize("text", ["shop", "shop/releases/prod", "shop/CodeDeploy/"])
def test_a_bucket_is_told_as_it_can_be_written(text: str) -> None:
    told = str(k.BUCKET.parse(text))
    assert k.BUCKET.parse(told) == k.BUCKET.parse(text)
    assert told.startswith("shop/")


def test_a_choice_says_its_choices() -> None:
    made = k.choice("policy", ("rollback", "stop"))
    assert (made.name, made.choices, made.parse("STOP")) == ("policy", ("rollback", "stop"), "stop")
    assert made.hint == "one of `rollback`, `stop`"
    assert k.BOOL.choices == ("true", "false")


def test_a_kind_is_made_of_a_pattern_or_of_limits() -> None:
    assert k.pattern("[a-z]+", "a word")("word") == "word"
    assert k.count(1, 2)("2") == 2
