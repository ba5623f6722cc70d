"""Where code comes from: what each form of `code` is read as, and what is no code, with the reason."""

from __future__ import annotations

import pytest

from ci_deploy.core.aws import S3Location
from ci_deploy.core.given.source import Image, Latest, Local, Source, s3_location, source

ACCOUNT, DIGEST = "123456789012", "0123456789abcdef" * 4
# Registry hosts of every partition, and the region that each says.
HOSTS = [
    (f"{ACCOUNT}.dkr.ecr.eu-central-1.amazonaws.com", "eu-central-1"),
    (f"{ACCOUNT}.dkr.ecr.us-gov-west-1.amazonaws.com", "us-gov-west-1"),
    (f"{ACCOUNT}.dkr.ecr.cn-north-1.amazonaws.com.cn", "cn-north-1"),
    (f"{ACCOUNT}.dkr.ecr.eusc-de-east-1.amazonaws.eu", "eusc-de-east-1"),
    (f"{ACCOUNT}.dkr.ecr.us-iso-east-1.c2s.ic.gov", "us-iso-east-1"),
    (f"{ACCOUNT}.dkr.ecr.us-isob-east-1.sc2s.sgov.gov", "us-isob-east-1"),
    (f"{ACCOUNT}.dkr.ecr.eu-isoe-west-1.cloud.adc-e.uk", "eu-isoe-west-1"),
    (f"{ACCOUNT}.dkr.ecr.us-isof-south-1.csp.hci.ic.gov", "us-isof-south-1"),
    (f"{ACCOUNT}.dkr.ecr-fips.us-east-2.amazonaws.com", "us-east-2"),
    (f"{ACCOUNT}.dkr.ecr-fips.us-gov-east-1.amazonaws.com", "us-gov-east-1"),
    (f"{ACCOUNT}.dkr-ecr.ap-southeast-2.on.aws", "ap-southeast-2"),
    (f"{ACCOUNT}.dkr-ecr-fips.us-west-2.on.aws", "us-west-2"),
    (f"{ACCOUNT}.dkr-ecr.cn-northwest-1.on.amazonwebservices.com.cn", "cn-northwest-1"),
    (f"{ACCOUNT}.dkr-ecr.eusc-de-east-1.on.amazonwebservices.eu", "eusc-de-east-1"),
]
HOST = HOSTS[0][0]
# What follows the host, and the digest in it.
REPOSITORIES = [
    ("shop", ""),
    ("shop/checkout", ""),
    ("a1/b_2/c-3/d.4/5", ""),
    ("shop--checkout__x", ""),
    ("shop:v1", ""),
    ("shop/checkout:_A.b-C_9", ""),
    ("shop:" + "x" * 128, ""),
    ("shop:sha256", ""),
    (f"shop@sha256:{DIGEST}", DIGEST),
    (f"shop/checkout:v1@sha256:{DIGEST}", DIGEST),
]


@pytest.mark.parametrize(("host", "region"), HOSTS)
def test_every_image_that_is_accepted_says_its_region_and_perhaps_its_digest(host: str, region: str) -> None:
    for repository, digest in REPOSITORIES:
        image = source(f"{host}/{repository}")
        assert isinstance(image, Image), repository
        assert (image.region, image.digest, str(image)) == (region, digest, f"{host}/{repository}")


def test_what_is_no_address_of_ecr_has_no_region() -> None:
    """Nobody makes one by hand; a region that is not known refuses nothing."""
    assert Image(uri="checkout:1").region == ""


@pytest.mark.parametrize(
    "text",
    [
        HOST,
        f"{HOST}/",
        f"{HOST}/Shop",
        f"{HOST}/shop/",
        f"{HOST}//shop",
        f"{HOST}/shop/-x",
        f"{HOST}/shop...x",
        f"{HOST}/shop___x",
        f"{HOST}/shop:",
        f"{HOST}/shop:-1",
        f"{HOST}/shop:1:2",
        f"{HOST}/shop:" + "x" * 129,
        f"{HOST}/shop@sha256:abc",
        f"{HOST}/shop@sha256:{DIGEST.upper()}",
        f"{HOST}/shop@sha512:{DIGEST}",
        f"{HOST}/shop@sha256:{DIGEST}:v1",
        f"{HOST}/shop check",
        f"{HOST}/prüfung",
        f"{HOST}/shop\n",
        "12345678901.dkr.ecr.eu-central-1.amazonaws.com/shop",  # a leading zero was lost
        "１" * 12 + ".dkr.ecr.eu-central-1.amazonaws.com/shop",
        f"{ACCOUNT}.dkr.ecr.eu-central-1.amazonaws.org/shop",
        f"{ACCOUNT}.dkr.ecr.amazonaws.com/shop",
        f"{ACCOUNT}.dkr.ecr.eu-central-1.on.aws/shop",
        f"{ACCOUNT}.dkr-ecr.eu-central-1.amazonaws.com/shop",
        f"{ACCOUNT}.dkr.ecr.eu-central-1.amazonaws.com.evil.example/shop",
        f"{ACCOUNT}.DKR.ECR.EU-CENTRAL-1.AMAZONAWS.COM/shop",
        "account.dkr.ecr.eu-central-1.amazonaws.com/shop:1",
    ],
)
def test_what_looks_like_an_image_in_ecr_and_is_none_is_not_taken_for_a_path(text: str) -> None:
    refused(text, "is not an image in ECR")


@pytest.mark.parametrize(
    "host",
    [
        "public.ecr.aws", "docker.io", "index.docker.io", "registry-1.docker.io", "ghcr.io", "GHCR.io", "quay.io",
        "registry.gitlab.com", "registry.example.org", "gcr.io", "eu.gcr.io", "europe-west3-docker.pkg.dev",
        "acme.azurecr.io", "mcr.microsoft.com", "localhost:5000",
    ],
)  # fmt: skip
def test_an_image_of_another_registry_is_told_as_one(host: str) -> None:
    refused(f"{host}/shop/checkout:1", "is an image outside ECR, where Lambda cannot read it")


@pytest.mark.parametrize(
    "text",
    [
        "https://bucket.s3.amazonaws.com/key",
        f"https://{HOST}/shop:1",
        "docker://nginx",
        "file:///tmp/a.zip",
        "S3A://b/k",
    ],
)
def test_an_address_of_another_kind_is_told_as_one(text: str) -> None:
    refused(text, "is an address that Lambda cannot read code from")


@pytest.mark.parametrize(
    "text", ["arn:aws:s3:::bucket/key", "arn:aws:lambda:eu-west-1:123456789012:function:f", "arn:aws:ecr:x"]
)
def test_an_arn_is_no_code(text: str) -> None:
    refused(text, "is an ARN, which names no code")


@pytest.mark.parametrize(
    ("text", "bucket", "key", "version"),
    [
        ("s3://shop/checkout.zip", "shop", "checkout.zip", ""),
        ("s3://shop.builds/7/check out+1.zip", "shop.builds", "7/check out+1.zip", ""),
        ("s3://shop/builds/checkout.zip?versionId=3sL4.k-q_", "shop", "builds/checkout.zip", "3sL4.k-q_"),
        ("s3://shop/" + "k" * 1024, "shop", "k" * 1024, ""),
        ("s3://shop/prüfung/", "shop", "prüfung/", ""),
        ("s3://" + "b" * 63 + "/k", "b" * 63, "k", ""),
        ("s3://abc/k", "abc", "k", ""),
    ],
)
def test_an_object_in_s3_is_a_bucket_a_key_and_perhaps_a_version(
    text: str, bucket: str, key: str, version: str
) -> None:
    expected = S3Location(bucket=bucket, key=key, version=version, bundle_type="zip")
    assert source(text) == s3_location(text) == expected
    assert str(expected) == text


@pytest.mark.parametrize(
    "text",
    [
        "s3://", "s3://shop", "s3://shop/", "s3:///key", "s3://Shop/key", "s3://ab/key", "S3://shop/key",
        "s3://a_b_c/key", "s3://-ab/key", "s3://" + "b" * 64 + "/key", "s3://shop/key?versionId=",
        "s3://shop/key?version=1", "s3://shop/key?versionID=1", "s3://shop/key?versionId=a b", "s3://shop/a?b",
        "s3://shop/key#1", "s3://shop/a\nb", "s3://shop/a\x00b", "s3://shop/" + "k" * 1025,
        "s3://arn:aws:s3:::shop/key",
    ],
)  # fmt: skip
def test_what_is_no_object_in_s3_is_not_taken_for_a_path(text: str) -> None:
    """A `?` or `#` begins what S3's own tools do not take for a part of the key."""
    refused(text, "is not an S3 address")
    with pytest.raises(ValueError, match=r"^is not an S3 address$"):
        s3_location(text)


@pytest.mark.parametrize(
    "text",
    [
        "dist", "./dist", "../dist", "/github/workspace/dist.zip", "build/my function.zip", "nginx:latest", "latest",
        "LATEST", "C:\\build\\dist.zip", "s3/shop", "arn", "registry/dist", "docker/io", "a#b?c", "prüfung.zip",
        "functions/dkr-ecr.zip",
    ],
)  # fmt: skip
def test_everything_else_is_a_path(text: str) -> None:
    found = source(text)
    assert found == Local(path=text)
    assert str(found) == text


def test_a_nul_character_is_in_no_path() -> None:
    refused("a\x00b", "has a NUL character in it")


@pytest.mark.parametrize("text", ["$LATEST", "$latest", "$Latest"])
def test_latest_is_what_the_function_holds(text: str) -> None:
    found = source(text)
    assert found == Latest()
    assert str(found) == "$LATEST"


@pytest.mark.parametrize(
    "code", [Local(path="dist"), Image(uri=f"{HOST}/shop:1"), Latest(), s3_location("s3://shop/k")]
)
def test_a_source_is_told_as_it_can_be_written(code: Source) -> None:
    assert source(str(code)) == code


def refused(text: str, why: str) -> None:
    with pytest.raises(ValueError) as caught:  # noqa: PT011 - the text is compared whole
        source(text)
    assert str(caught.value) == why
