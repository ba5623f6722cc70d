"""Preflight on packages: every finding in full, none that refuses, and none where nobody looked."""

from __future__ import annotations

from dataclasses import replace

import pytest

from ci_deploy.core.aws import FunctionVersion
from ci_deploy.core.given.package.contents import Contents, Entry, Program
from ci_deploy.core.given.package.packaging import Code, Package, StoredPackage
from ci_deploy.core.given.source import Image
from ci_deploy.core.given.source import s3_location as location
from ci_deploy.core.plan.planning import Facts
from ci_deploy.core.reasons.preflight import packages
from ci_deploy.core.result import Finding, Severity

from .test_surrounding import FACTS, checked, warning

SHA = "b3VycyBvdXJzIG91cnMgb3VycyBvdXJzIG91cnMgISE="
ELF_ARM = b"\x7fELF\x02\x01" + bytes(12) + (183).to_bytes(2, "little")
SCRIPT = Program(mode=0o755, head=b"#!/bin/sh\nexec ./main\n")


def facts(runtime: str, handler: str, code: Code, **more: object) -> Facts:
    assert FACTS.latest is not None
    latest: FunctionVersion = replace(
        FACTS.latest,
        runtime=runtime,
        configuration={"Handler": f'"{handler}"'},
        **more,  # type: ignore[arg-type]
    )
    return replace(FACTS, latest=latest, code=code)


def package(*entries: Entry, bootstrap: Program | None = None, useless: tuple[str, ...] = ()) -> Package:
    contents = Contents.of(entries, bootstrap)
    return Package(path="dist", sha256=SHA, size=9, unzipped=9, files=1, contents=contents, useless_rules=useless)


def found(given: Facts) -> list[Finding]:
    findings = checked(given, code="dist").findings
    return [each for each in findings if each.code.startswith("package") and each.code != "package-type"]


APP = Entry(name="app.py", size=1, mode=0o644)
BOOTSTRAP = Entry(name="bootstrap", size=1, mode=0o755)

WORDS = [
    (
        "python3.13",
        package(APP, replace(APP, name="lib/x.py", mode=0o600)),
        {},
        warning(packages.PackageUnreadable(package="dist", files="`lib/x.py`", count=1)),
    ),
    (
        "python3.13",
        package(APP, *(replace(APP, name=f"lib/{n}.py", mode=0o640) for n in range(1200))),
        {},
        warning(
            packages.PackageUnreadable(
                package="dist", files="`lib/0.py`, `lib/1.py`, `lib/10.py` and 1,197 more", count=1200
            )
        ),
    ),
    (
        "python3.13",
        package(APP, Entry(name="lib\\x.py", size=1)),
        {},
        warning(packages.PackageBackslash(package="dist", files="`lib\\x.py`", count=1)),
    ),
    (
        "python3.13",
        package(APP, Entry(name="x", size=1, encrypted=True)),
        {},
        warning(packages.PackageEncrypted(package="dist", files="`x`", count=1)),
    ),
    (
        "python3.13",
        package(APP, Entry(name="lib", size=1, link="/opt/lib")),
        {},
        warning(packages.PackageLayerLinks(package="dist", files="`lib`", count=1, function="checkout")),
    ),
    (
        "python3.13",
        package(APP, *(Entry(name=f"l{n}", size=1, link="/opt/l") for n in range(2))),
        {},
        warning(packages.PackageLayerLinks(package="dist", files="`l0`, `l1`", count=2, function="checkout")),
    ),
    (
        "python3.13",
        package(replace(APP, name="main.py")),
        {},
        warning(
            packages.PackageHandler(
                package="dist",
                what="module `app`",
                handler="app.handler",
                looked_for="`app.py` or a folder `app`",
                folder="",
            )
        ),
    ),
    (
        "python3.13",
        package(replace(APP, name="build/app.py")),
        {},
        warning(
            packages.PackageHandler(
                package="dist",
                what="module `app`",
                handler="app.handler",
                looked_for="`app.py` or a folder `app`",
                folder="build",
            )
        ),
    ),
    (
        "provided.al2023",
        package(APP),
        {},
        warning(packages.PackageBootstrap(package="dist", runtime="provided.al2023")),
    ),
    (
        "provided.al2",
        package(BOOTSTRAP, bootstrap=Program(mode=0o744)),
        {},
        warning(packages.PackageBootstrapMode(package="dist")),
    ),
    (
        "provided.al2",
        package(BOOTSTRAP, bootstrap=Program(mode=None)),
        {},
        warning(packages.PackageBootstrapMode(package="dist")),
    ),
    (
        "provided.al2023",
        package(BOOTSTRAP, bootstrap=Program(mode=0o755, head=ELF_ARM)),
        {},
        warning(
            packages.PackageBootstrapArchitecture(
                package="dist", built="arm64", function="checkout", architecture="x86_64"
            )
        ),
    ),
    (
        "provided.al2023",
        package(BOOTSTRAP, bootstrap=Program(mode=0o755, head=b"#!/bin/sh\r\nx")),
        {},
        warning(packages.PackageBootstrapLines(package="dist")),
    ),
    (
        "python3.13",
        package(APP, useless=("line 2 (`[x`)",)),
        {},
        warning(packages.PackageIgnore(package="dist", rules="line 2 (`[x`)")),
    ),
]


@pytest.mark.parametrize(("runtime", "code", "more", "finding"), WORDS, ids=lambda value: getattr(value, "code", ""))
def test_what_does_not_start_is_warned_of(
    runtime: str, code: Package, more: dict[str, object], finding: Finding
) -> None:
    assert found(facts(runtime, "app.handler", code, **more)) == [finding]


@pytest.mark.parametrize(
    ("runtime", "code", "more"),
    [
        ("python3.13", package(APP), {}),
        ("provided.al2023", package(BOOTSTRAP, bootstrap=SCRIPT), {}),
        ("provided.al2023", package(APP), {"layers": ("arn:layer",)}),
        (
            "provided.al2",
            package(BOOTSTRAP, bootstrap=Program(mode=0o755, head=ELF_ARM)),
            {"configuration": {"Architectures": '["arm64"]'}},
        ),
        ("python3.13", package(replace(APP, name="main.py")), {"layers": ("arn:layer",)}),
        ("python3.13", package(Entry(name="lib", size=1, link="/opt/lib"), APP), {"layers": ("arn:layer",)}),
        # A bootstrap is nothing to other runtimes.
        ("python3.13", package(APP, BOOTSTRAP, bootstrap=Program(mode=0o600)), {}),
        # Nobody looked: an image, an object that may not be read, a function whose runtime is not known.
        ("", package(replace(APP, name="main.py")), {}),
        ("python3.13", replace(package(), contents=None), {}),
        ("python3.13", StoredPackage(location=location("s3://bucket/k.zip"), sha256=SHA, size=1), {}),
        ("python3.13", Image(uri="123456789012.dkr.ecr.eu-central-1.amazonaws.com/checkout:v1"), {}),
    ],
)
def test_what_works_or_is_not_known_is_not_warned_of(runtime: str, code: Code, more: dict[str, object]) -> None:
    given = facts(runtime, "app.handler", code)
    assert given.latest is not None
    assert found(replace(given, latest=replace(given.latest, **more))) == []  # type: ignore[arg-type]


def test_a_zip_in_s3_is_judged_as_any_other_where_it_was_read() -> None:
    stored = StoredPackage(location=location("s3://bucket/k.zip"), sha256=SHA, size=1, contents=package().contents)
    (finding,) = found(facts("python3.13", "app.handler", stored))
    assert finding.text.startswith("`s3://bucket/k.zip` has no module `app`")


def test_what_is_served_already_is_not_judged_again() -> None:
    given = facts("python3.13", "app.handler", package(useless=("line 1 (`[`)",)))
    assert given.latest is not None
    served = replace(given, current=replace(given.latest, version="1", code_sha256=SHA))
    assert checked(served, code="dist").unchanged
    assert found(served) == []


def test_all_that_is_wrong_is_said_at_once_and_nothing_is_refused() -> None:
    code = package(
        Entry(name="lib\\x.py", size=1, mode=0, encrypted=True),
        Entry(name="bootstrap", size=1, mode=0o600),
        bootstrap=Program(mode=0o600, head=b"MZ"),
    )
    made = checked(facts("provided.al2023", "x", code), code="dist")
    assert [finding.code for finding in made.findings if finding.severity is Severity.WARNING] == [
        "package-unreadable",
        "package-backslash",
        "package-encrypted",
        "package-bootstrap-mode",
        "package-bootstrap-architecture",
    ]
    assert made.refusals == ()


# --- Versions that did not become active before --------------------------------------------------------------------


def after(*newer: FunctionVersion) -> list[Finding]:
    """What is found about the versions that follow the one in service."""
    assert FACTS.latest is not None
    given = replace(FACTS, newer=newer)
    return [each for each in checked(given).findings if each.code == "known-failure"]


def failed(number: str = "8", **changes: object) -> FunctionVersion:
    assert FACTS.latest is not None
    return replace(FACTS.latest, version=number, state="Failed", **changes)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("changes", "why", "state_code"),
    [
        ({}, "", ""),
        ({"state_reason": "Function init failed."}, "Function init failed.", ""),
        (
            {"state_reason": "No addresses.", "state_reason_code": "SubnetOutOfIPAddresses"},
            "No addresses.",
            "SubnetOutOfIPAddresses",
        ),
    ],
)
def test_the_same_code_that_failed_before_is_told_before_it_is_published_again(
    changes: dict[str, object], why: str, state_code: str
) -> None:
    told = packages.KnownFailure(function="checkout", version="8", why=why, state_code=state_code)
    assert after(failed(**changes)) == [warning(told)]


@pytest.mark.parametrize(
    "version",
    [
        failed(code_sha256="other"),
        failed(configuration={"MemorySize": "1024"}),
        replace(failed(), state="Active"),
        replace(failed(), state="Pending"),
    ],
)
def test_another_code_or_one_that_became_active_is_no_omen(version: FunctionVersion) -> None:
    assert after(version) == []


def test_each_of_them_is_told() -> None:
    assert [each.text.split()[1] for each in after(failed("8"), failed("9"))] == ["8", "9"]


def test_a_version_that_exists_is_not_published() -> None:
    """There is nothing that could fail again."""
    assert FACTS.latest is not None
    given = replace(FACTS, newer=(failed(),), target=replace(FACTS.latest, version="7"))
    assert not [each for each in checked(given, version="7").findings if each.code == "known-failure"]
