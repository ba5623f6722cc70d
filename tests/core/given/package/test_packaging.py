"""What goes into a zip, and what it may weigh: one folder gives the same bytes everywhere, and Lambda has limits."""

from __future__ import annotations

import base64
import hashlib
import stat

import pytest

from ci_deploy.core.aws import S3Location
from ci_deploy.core.errors import InvalidInput
from ci_deploy.core.given.package.contents import Entry
from ci_deploy.core.given.package.packaging import (
    DIRECT_LIMIT,
    UNZIPPED_LIMIT,
    Package,
    StoredPackage,
    bad,
    check_unzipped,
    check_zipped,
    in_order,
    megabytes,
    mode,
    object_key,
    rules,
    same_sha256,
    sha256_of,
)
from ci_deploy.core.given.source import Image
from tests.support.golden import Told

MB = 1024 * 1024
DIGEST = hashlib.sha256(b"code").digest()
BASE64, HEX = base64.b64encode(DIGEST).decode(), DIGEST.hex()
ECR = "123456789012.dkr.ecr.eu-central-1.amazonaws.com/app"


def package(size: int = 1000, sha256: str = BASE64) -> Package:
    return Package(path="build/checkout.zip", sha256=sha256, size=size, unzipped=3 * size, files=2)


def problems(error: pytest.ExceptionInfo[InvalidInput]) -> list[str]:
    return [str(problem) for problem in error.value.problems]


# --- where code comes from ---


def test_code_is_told_by_the_name_that_the_user_gave_it() -> None:
    stored = StoredPackage(location=S3Location(bucket="b", key="k.zip", version="v1"), sha256=BASE64, size=1)
    assert [str(code) for code in (package(), stored, Image(uri=f"{ECR}:v1"))] == [
        "build/checkout.zip",
        str(stored.location),
        f"{ECR}:v1",
    ]


@pytest.mark.parametrize(
    ("uri", "digest"),
    [(f"{ECR}@sha256:{HEX}", HEX), (f"{ECR}:v1@sha256:{HEX}", HEX), (f"{ECR}:v1", ""), (f"{ECR}:sha256", "")],
)
def test_only_an_image_that_is_named_by_its_digest_has_a_hash_beforehand(uri: str, digest: str) -> None:
    image = Image(uri=uri)
    assert (image.digest, sha256_of(image)) == (digest, digest)


def test_a_zips_hash_is_known_wherever_it_is() -> None:
    stored = StoredPackage(location=S3Location(bucket="b", key="k"), sha256=BASE64, size=1)
    assert (sha256_of(package()), sha256_of(stored)) == (BASE64, BASE64)


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        (BASE64, BASE64, True),
        (BASE64, HEX, True),
        (HEX, BASE64, True),
        (HEX, HEX.upper(), True),
        (BASE64, base64.b64encode(hashlib.sha256(b"other").digest()).decode(), False),
        (BASE64, BASE64.lower(), False),
        (BASE64, f"{BASE64[:9]}!{BASE64[9:]}", False),
        (HEX, HEX[:-1], False),
        ("", "", False),
        ("", BASE64, False),
        (BASE64, "", False),
        ("not a hash", "not a hash", True),
        ("not a hash", "another one", False),
        ("not base64!", "not base64?", False),
    ],
)
def test_a_hash_is_the_same_in_lambdas_form_and_in_that_of_sha256sum(one: str, other: str, same: bool) -> None:
    assert same_sha256(one, other) is same


def test_a_zip_is_stored_under_the_hash_of_its_content_in_hexadecimal() -> None:
    """Base64 has `/` in it, which would be a folder."""
    assert object_key("CodeDeploy", "checkout", package()) == f"CodeDeploy/checkout/code/{HEX}.zip"
    assert object_key("CodeDeploy", "checkout", package(sha256=HEX)) == f"CodeDeploy/checkout/code/{HEX}.zip"


# --- what of a folder goes into the zip ---


@pytest.mark.parametrize(
    ("text", "out", "kept"),
    [
        # What nobody means to deploy is left out without being asked.
        ("", [".git/", ".lambdaignore", "__pycache__/", "lib/__pycache__/"], ["app.py", "git/", ".git"]),
        # The user's rules come last.
        ("!__pycache__/\n*.md\n", [".git/", "README.md"], ["__pycache__/"]),
        ("!.lambdaignore\n", ["__pycache__/"], [".lambdaignore"]),
    ],
)
def test_the_users_rules_come_after_those_of_the_house(text: str, out: list[str], kept: list[str]) -> None:
    ignoring = rules(text, "src")
    assert [name for name in [*out, *kept] if ignoring.says(name.removesuffix("/"), folder=name.endswith("/"))] == out


def test_an_ignore_file_that_nobody_wrote_by_hand_is_refused(told: Told) -> None:
    with pytest.raises(InvalidInput) as error:
        rules("a\n" * 1001, "src")
    assert problems(error) == told


@pytest.mark.parametrize(
    ("entry", "written"),
    [
        (Entry(name="run", size=1, mode=0o755), "-rwxr-xr-x"),
        (Entry(name="run", size=1, mode=0o700), "-rwxr-xr-x"),
        (Entry(name="app.py", size=1, mode=0o600), "-rw-r--r--"),
        (Entry(name="app.py", size=1), "-rw-r--r--"),
        (Entry(name="lib.so", size=1, link="lib.so.1"), "lrwxrwxrwx"),
    ],
)
def test_an_entry_may_be_read_by_all_and_executed_by_all_or_nobody(entry: Entry, written: str) -> None:
    """Whatever umask and owner did to it; a link has no permissions of its own."""
    assert stat.filemode(mode(entry)) == written


def test_entries_are_in_the_order_of_their_names_and_of_nothing_else() -> None:
    names = ["b", "a/z", "a.py", "B", "a/b/c", "ä"]
    entries = [Entry(name=name, size=size) for size, name in enumerate(names)]
    ordered = ["B", "a.py", "a/b/c", "a/z", "b", "ä"]
    assert [entry.name for entry in in_order(entries)] == ordered
    assert [entry.name for entry in in_order(reversed(entries))] == ordered


# --- limits ---


def entries(*sizes: int) -> list[Entry]:
    return [Entry(name=f"f{number}", size=size) for number, size in enumerate(sizes)]


def test_a_folder_of_exactly_250_mb_is_taken() -> None:
    check_unzipped("src", entries(UNZIPPED_LIMIT - 1, 1))


def test_a_folder_that_is_too_large_is_refused_with_its_five_largest_files(told: Told) -> None:
    with pytest.raises(InvalidInput) as error:
        check_unzipped("src", entries(1 * MB, 20 * MB, 130 * MB, 40 * MB, 30 * MB, 50 * MB, 2 * MB))
    assert problems(error) == told


def test_a_byte_too_much_is_too_much() -> None:
    with pytest.raises(InvalidInput, match=r"is 250\.0 MB unzipped"):
        check_unzipped("src", entries(UNZIPPED_LIMIT, 1))


def test_a_folder_with_nothing_in_it_is_refused(told: Told) -> None:
    with pytest.raises(InvalidInput) as error:
        check_unzipped("src", [])
    assert problems(error) == told


@pytest.mark.parametrize(("size", "bucket"), [(DIRECT_LIMIT, ""), (DIRECT_LIMIT + 1, "b"), (10 * DIRECT_LIMIT, "b")])
def test_a_zip_is_taken_directly_up_to_50_mb_and_by_a_bucket_above_that(size: int, bucket: str) -> None:
    check_zipped(package(size), bucket)


def test_a_zip_that_is_too_large_for_a_request_needs_a_bucket(told: Told) -> None:
    with pytest.raises(InvalidInput) as error:
        check_zipped(package(DIRECT_LIMIT + MB), "")
    assert problems(error) == told


def test_a_problem_with_a_package_names_the_input_and_the_path() -> None:
    (problem,) = bad("src", "is a device.").problems
    assert (problem.where, problem.what, problem.remedy) == ("input `code`", "`src` is a device.", "")


@pytest.mark.parametrize(("size", "text"), [(0, "0.0 MB"), (MB, "1.0 MB"), (MB * 5 // 2, "2.5 MB"), (999, "0.0 MB")])
def test_sizes_are_told_in_megabytes(size: int, text: str) -> None:
    assert megabytes(size) == text
