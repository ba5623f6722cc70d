"""How values are written: what each kind makes of text, and what it says of text that is none of it."""

from __future__ import annotations

from typing import Any

import pytest

from ci_deploy.core.aws import RollbackEvent
from ci_deploy.core.given import kinds as k
from ci_deploy.core.given.kinds import BucketPath
from ci_deploy.core.given.source import Image, Latest, Local, s3_location
from ci_deploy.core.guards.grammar import OFF
from tests.support.golden import Told, shown

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

BAD: list[tuple[k.Kind, str]] = [
    (k.TEXT, "two\nlines"),
    (k.TEXT, "a\x1fb"),
    (k.TEXT, "a\x7fb"),
    *(
        (k.TOKEN, bad)
        for bad in ("a b", "a\nb", "a\tb", "a\x1bb", "tök", "")
    ),
    (k.BOOL, "yes"),
    (k.BOOL, "1"),
    (k.DURATION, "10"),
    (k.DURATION, "1.5"),
    (k.DURATION, "1.5h"),
    (k.DURATION, "-5m"),
    (k.DURATION, "10 m"),
    (k.DURATION, "5m1h"),
    (k.DURATION, ""),
    (k.DURATION, DIGITS + "m"),
    (k.DURATION, "1234567s"),
    (k.DURATION, "0s"),
    (k.DURATION, "0h0m0s"),
    (k.DURATION, "50h1s"),
    (k.LINES_OR_OFF, "off\nerrors"),
    (k.LINES_OR_OFF, "errors\nOff"),
    (k.CONFIG, "a\x00b"),
    (k.CODE, "a\x00b"),
    (k.CODE, "s3://bucket"),
    (k.CODE, "ghcr.io/o/r:1"),
    (k.VERSION, "$LATEST"),
    (k.VERSION, "$latest"),
    (k.VERSION, "0"),
    (k.VERSION, "01"),
    (k.VERSION, "v2"),
    (k.VERSION, "9" * 20),
    (k.VERSION, "1" + DIGITS),
    (COUNT, "many"),
    (COUNT, "-1"),
    (COUNT, "4.0"),
    (COUNT, DIGITS),
    (COUNT, "2"),
    (COUNT, "0"),
    (COUNT, "1001"),
    (COUNT, "1" * 5000),
    (k.FUNCTION, "x" * 65),
    (k.FUNCTION, "checkout:live"),
    (k.FUNCTION, "arn:aws:lambda:eu-west-1:12:function:f"),
    (k.FUNCTION, f"arn:aws:lambda:eu-west-1:{DIGITS * 6}:function:f"),
    (k.FUNCTION, ARN + ":live"),
    (k.FUNCTION, "prüfung"),
    (k.FUNCTION, "f\n"),
    (k.ALIAS, "7"),
    (k.ALIAS, "$LATEST"),
    (k.ALIAS, "x" * 129),
    (k.CODEDEPLOY_NAME, "a/b"),
    (k.CODEDEPLOY_NAME, "x" * 101),
    (k.BUCKET, "s3://shop"),
    (k.BUCKET, "S3://shop/releases/"),
    (k.BUCKET, "s3://"),
    (k.BUCKET, "arn:aws:s3:::shop"),
    (k.BUCKET, "arn:aws:s3:::shop/releases"),
    (k.BUCKET, "arn:aws:s3:::"),
    (k.BUCKET, "/shop"),
    (k.BUCKET, "a_b_c"),
    (k.BUCKET, "prüfung"),
    (k.BUCKET, "ab"),
    (k.BUCKET, "b" * 64),
    (k.BUCKET, "Bucket"),
    (k.BUCKET, "shop/"),
    (k.BUCKET, "shop//CodeDeploy"),
    (k.BUCKET, "shop/a//b"),
    (k.BUCKET, "shop/a b"),
    (k.BUCKET, "shop/a?b"),
    (k.BUCKET, "shop/."),
    (k.BUCKET, "shop/a/../b"),
    (k.ACCOUNT, "12345"),
    (k.ACCOUNT, "1234567890123"),
    (k.ACCOUNT, "1234-5678-9012"),
    (k.ACCOUNT, DIGITS * 6),
    (k.ACCOUNT, "12345678901"),
    (k.ACCOUNT, "123456789"),
    (k.ACCOUNT, "12345678"),
    (k.ARN_ROLE, "deployer"),
    (k.ARN_ROLE, "arn:aws:iam::123456789012:user/me"),
    (k.ARN_ROLE, "arn:aws:iam::123456789012:role/prüfer"),
    (k.REGION, "Frankfurt"),
    (k.STACK, "9shop"),
    (k.STACK, "shop prod"),
    (k.REGION, "eu-central"),
    (k.DEPLOYMENT_ID, "d-short"),
    (k.APPSPEC, "s3://bucket"),
    (k.APPSPEC, "S3://bucket/appspec.yaml"),
    (k.APPSPEC, "a\x00b"),
    (k.ROLLBACK_EVENTS, "true"),
    (k.ROLLBACK_EVENTS, "failure, never, Sometimes"),
    (k.ROLLBACK_EVENTS, "off, failure"),
    (k.ROLLBACK_EVENTS, "default, alarm"),
    (k.ROLLBACK_EVENTS, ","),
    (k.SHA256, "abc"),
    (k.SHA256, "A" * 44),
    (k.SHA256, "g" * 64),
    (k.URL, "example.org"),
    (k.URL, "javascript:alert(1)"),
    (k.URL, 'https://a"b'),
    (k.URL, "https://me@shop.example"),
    (k.URL, "http://me:secret@shop.example/live"),
    (k.DEPLOYMENT_CONFIG, "my config"),
    (k.DEPLOYMENT_CONFIG, "a/b"),
    (k.DEPLOYMENT_CONFIG, "prüfung"),
    (k.DEPLOYMENT_CONFIG, "x" * 101),
    (k.DEPLOYMENT_CONFIG, "canary 10%"),
    (k.DEPLOYMENT_CONFIG, "linear 10% 5m"),
    (k.DEPLOYMENT_CONFIG, "canary 0% 5m"),
    (k.DEPLOYMENT_CONFIG, "canary 100% 5m"),
    (k.DEPLOYMENT_CONFIG, "linear 00% every 5m"),
    (k.DEPLOYMENT_CONFIG, "canary 10% 0m"),
    (k.DEPLOYMENT_CONFIG, f"canary {DIGITS}% 5m"),
    (k.DEPLOYMENT_CONFIG, f"linear {DIGITS}% every 5m"),
    (k.DEPLOYMENT_CONFIG, "canary 10% 2881m"),
    (k.DEPLOYMENT_CONFIG, "linear 10% every 321m"),
    (k.DEPLOYMENT_CONFIG, "linear 30% every 961m"),
    *(
        (k.WORKFLOW_FILE, bad)
        for bad in ("rollback", "rollback.json", "../rollback.yml", ".github/workflows/rollback.yml", "röll.yml")
    ),
    (k.KEY, "a b"),
    (k.KEY, "x" * 65),
    (POLICY, "roll back"),
    (POLICY, "LEAF"),
    (POLICY, "true"),
]  # fmt: skip


def named(part: object) -> str:
    return part.name if isinstance(part, k.Kind) else shown(part)


def test_a_value_in_its_form_is_read() -> None:
    for kind, text, value in GOOD:
        read = kind.parse(text)
        assert (kind.name, text, type(read), read) == (kind.name, text, type(value), value)


@pytest.mark.parametrize(("kind", "text"), BAD, ids=named)
def test_what_is_wrong_ends_a_sentence_that_begins_with_the_value(kind: k.Kind, text: str, told: Told) -> None:
    with pytest.raises(ValueError) as caught:  # noqa: PT011 - the text is compared whole
        kind.parse(text)
    assert str(caught.value) == told


def test_every_kind_of_the_module_is_tried_with_good_and_bad_values() -> None:
    """But lists, which take any text, and guards, whose mistakes are tried where their grammar is."""
    every = {value.name for value in vars(k).values() if isinstance(value, k.Kind)}
    assert {kind.name for kind, _, _ in GOOD} >= every
    assert {kind.name for kind, _ in BAD} >= every - {"list", "guards"}


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
