"""A package that cannot start is told; one that works never is: each runtime's own way to find its handler."""

from __future__ import annotations

import json

import pytest

from ci_deploy.core.aws import FunctionVersion
from ci_deploy.core.given.package.contents import Contents, Entry, Program
from ci_deploy.core.plan.preflight.starting import (
    ELSEWHERE,
    Missing,
    architecture,
    built_for,
    lacks_bootstrap,
    missing_handler,
    windows_line_ends,
)


def function(runtime: str, handler: str, **more: object) -> FunctionVersion:
    return FunctionVersion(
        function="checkout",
        version="$LATEST",
        code_sha256="x",
        runtime=runtime,
        configuration={"Handler": json.dumps(handler)},
        **more,  # type: ignore[arg-type]
    )


def package(*names: str, **links: str) -> Contents:
    entries = [Entry(name=name, size=1) for name in names]
    return Contents.of(entries + [Entry(name=name, size=1, link=to) for name, to in links.items()])


WORKS = [
    # Python: files, packages with and without __init__.py, extension modules, compiled files in their place.
    ("python3.13", "app.handler", ["app.py"]),
    ("python3.13", "src.app.handler", ["src/app.py"]),
    ("python3.13", "src/app.handler", ["src/app.py"]),
    ("python3.13", "src.app.handler", ["src/__init__.py", "src/app/__init__.py"]),
    ("python3.13", "src.app.handler", ["src/app/inner.py"]),
    ("python3.13", "app.handler", ["app.cpython-313-x86_64-linux-gnu.so"]),
    ("python3.13", "pkg.app.handler", ["pkg/app.abi3.so"]),
    ("python3.13", "app.handler", ["app.pyc"]),
    ("python3.13", "my-app.handler", ["my-app.py"]),
    ("python3.13", "app.handler", ["./app.py"]),
    # Node.js: extensions, nested paths, folders, packages that are installed.
    ("nodejs22.x", "index.handler", ["index.js"]),
    ("nodejs22.x", "index.handler", ["index.mjs"]),
    ("nodejs22.x", "index.handler", ["index.cjs"]),
    ("nodejs22.x", "index.handler", ["index"]),
    ("nodejs22.x", "index.nested.handler", ["index.mjs"]),
    ("nodejs22.x", "dist/src/index.handler", ["dist/src/index.js"]),
    ("nodejs22.x", "./dist/index.handler", ["dist/index.js"]),
    ("nodejs22.x", "/var/task/dist/index.handler", ["dist/index.js"]),
    ("nodejs22.x", "server.handler", ["server/index.js", "server/package.json"]),
    ("nodejs22.x", "wrapper.handler", ["node_modules/wrapper/index.js"]),
    ("nodejs22.x", "dist/api/wrapper.handler", ["dist/node_modules/wrapper/index.js"]),
    ("nodejs22.x", "dist/wrapper.handler", ["node_modules/wrapper.js"]),
    ("nodejs22.x", "node_modules/datadog/dist/handler.handler", ["node_modules/datadog/dist/handler.js"]),
    # Ruby, Java, .NET.
    ("ruby3.4", "lambda_function.lambda_handler", ["lambda_function.rb"]),
    ("ruby3.4", "app.Shop::Handler.process", ["app.rb"]),
    ("ruby3.4", "lib/app.handler", ["lib/app.rb"]),
    ("ruby3.4", "app.handler", ["vendor/bundle/ruby/3.4.0/gems/app-1.0/lib/app.rb"]),
    ("java21", "example.Handler::handleRequest", ["example/Handler.class"]),
    ("java21", "example.Handler", ["example/Handler.class", "META-INF/MANIFEST.MF"]),
    ("java21", "example.Outer$Inner", ["example/Outer$Inner.class"]),
    ("java21", "example.Handler", ["lib/app.jar"]),
    ("java21", "example.Handler", ["BOOT-INF/classes/example/Handler.class"]),
    ("dotnet8", "Shop::Shop.Function::Handle", ["Shop.dll", "Shop.deps.json"]),
    ("dotnet8", "Shop", ["Shop.dll"]),
    ("dotnet8", "shop.api::A::B", ["Shop.Api.dll"]),
    ("dotnet8", "Shop.dll", ["Shop.dll"]),
    ("dotnet8", "Shop", ["Shop"]),
    ("dotnet8", "Shop", ["bootstrap"]),
    # What nobody knows is not judged.
    ("python3.13", "app", ["other.py"]),
    ("python3.13", ".handler", ["other.py"]),
    ("python3.13", "..app.handler", ["other.py"]),
    ("nodejs22.x", "index", ["other.js"]),
    ("nodejs22.x", "../index.handler", ["other.js"]),
    ("nodejs22.x", "/opt/nodejs/node_modules/datadog-lambda-js/handler.handler", ["other.js"]),
    ("nodejs22.x", ".handler", ["other.js"]),
    ("ruby3.4", "handler", ["other.rb"]),
    ("java21", "what is this", ["other.class"]),
    ("dotnet8", "what is this", ["other.dll"]),
    ("provided.al2023", "app.handler", ["bootstrap"]),
    ("cobol85", "app.handler", ["other"]),
    ("", "app.handler", ["other"]),
]


@pytest.mark.parametrize(("runtime", "handler", "files"), WORKS)
def test_a_layout_that_works_is_not_complained_about(runtime: str, handler: str, files: list[str]) -> None:
    assert missing_handler(function(runtime, handler), package(*files)) is None


def test_a_handler_behind_links_is_found() -> None:
    contents = package("build/handlers/app.py", "build/index.mjs", src="build/handlers", dist="build")
    assert missing_handler(function("python3.13", "src.app.handler"), contents) is None
    assert missing_handler(function("nodejs22.x", "dist/index.handler"), contents) is None
    layer = package("a.js", node_modules="/opt/nodejs/node_modules")
    assert missing_handler(function("nodejs22.x", "wrapper.handler"), layer) is None


BROKEN = [
    ("python3.13", "app.handler", ["main.py"], Missing(what="module `app`", looked_for="`app.py` or a folder `app`")),
    (
        "python3.13",
        "src.app.handler",
        ["app.py"],
        Missing(what="module `src.app`", looked_for="`src/app.py` or a folder `src/app`"),
    ),
    (
        "python3.13",
        "app.handler",
        ["build/app.py", "build/lib/x.py"],
        Missing(what="module `app`", looked_for="`app.py` or a folder `app`", folder="build"),
    ),
    (
        "python3.13",
        "app.handler",
        ["a/app.py", "b/app.py"],
        Missing(what="module `app`", looked_for="`app.py` or a folder `app`"),
    ),
    (
        "python3.13",
        "app.handler",
        ["__pycache__/app.cpython-313.pyc"],
        Missing(what="module `app`", looked_for="`app.py` or a folder `app`"),
    ),
    (
        "python3.13",
        "App.handler",
        ["app.py"],
        Missing(what="module `App`", looked_for="`App.py` or a folder `App`"),
    ),
    (
        "nodejs22.x",
        "index.handler",
        ["index.ts", "package.json"],
        Missing(what="module `index`", looked_for="`index.js`, `index.mjs` or `index.cjs`"),
    ),
    (
        "nodejs22.x",
        "src/index.handler",
        ["index.mjs"],
        Missing(what="module `src/index`", looked_for="`src/index.js`, `src/index.mjs` or `src/index.cjs`"),
    ),
    (
        "nodejs22.x",
        "index.handler",
        ["dist/index.mjs", "dist/index.mjs.map"],
        Missing(what="module `index`", looked_for="`index.js`, `index.mjs` or `index.cjs`", folder="dist"),
    ),
    ("ruby3.4", "app.handler", ["main.rb"], Missing(what="file `app`", looked_for="`app.rb`")),
    (
        "java21",
        "example.Handler::handleRequest",
        ["example/Other.class"],
        Missing(what="class `example.Handler`", looked_for="`example/Handler.class`, and it has no jar"),
    ),
    ("dotnet8", "Shop::A::B", ["Store.dll"], Missing(what="assembly `Shop`", looked_for="`Shop.dll`")),
]


@pytest.mark.parametrize(("runtime", "handler", "files", "missing"), BROKEN)
def test_a_handler_that_is_nowhere_is_told_with_what_was_looked_for(
    runtime: str, handler: str, files: list[str], missing: Missing
) -> None:
    assert missing_handler(function(runtime, handler), package(*files)) == missing


@pytest.mark.parametrize(
    "more",
    [
        {"layers": ("arn:aws:lambda:eu-central-1:1:layer:base:1",)},
        {"unread": {"Environment": "AccessDeniedException"}},
        *({"environment_names": (name,)} for name in sorted(ELSEWHERE)),
    ],
    ids=lambda more: str(next(iter(more.values()))),
)
def test_where_code_may_come_from_elsewhere_nothing_is_said(more: dict[str, object]) -> None:
    """Layers, wrappers (AWS_LAMBDA_EXEC_WRAPPER), search paths, and variables that could not be read."""
    for runtime, handler, files, _ in BROKEN:
        assert missing_handler(function(runtime, handler, **more), package(*files)) is None, (runtime, handler)


def test_a_variable_of_the_functions_own_changes_nothing() -> None:
    assert missing_handler(function("python3.13", "app.handler", environment_names=("TABLE",)), package("x.py"))


def test_a_setting_of_no_known_form_is_not_judged() -> None:
    for text in ("not json", "7", "null", '""'):
        odd = FunctionVersion(
            function="f", version="1", code_sha256="", runtime="python3.13", configuration={"Handler": text}
        )
        assert missing_handler(odd, package("x.py")) is None


# --- bootstrap ---


@pytest.mark.parametrize(
    ("contents", "layers", "lacks"),
    [
        (package("bootstrap"), (), False),
        (package("main", bootstrap="main"), (), False),
        (package("main", bootstrap="/opt/bootstrap"), (), False),
        (package("main"), (), True),
        (package("bin/bootstrap"), (), True),
        (package("bootstrap/main"), (), True),
        (package("bootstrap.exe"), (), True),
        (package("main"), ("arn",), False),
    ],
)
def test_a_bootstrap_stands_at_the_top_or_in_a_layer(contents: Contents, layers: tuple[str, ...], lacks: bool) -> None:
    assert lacks_bootstrap(function("provided.al2023", "x", layers=layers), contents) is lacks


def elf(machine: int, order: int = 1) -> bytes:
    return b"\x7fELF\x02" + bytes([order]) + bytes(12) + machine.to_bytes(2, "little" if order == 1 else "big")


@pytest.mark.parametrize(
    ("head", "built"),
    [
        (elf(62), "x86_64"),
        (elf(183), "arm64"),
        (elf(183, 2), "arm64"),
        (elf(8), ""),
        (elf(62)[:19], ""),
        (b"MZ\x90\x00", "Windows"),
        (b"\xcf\xfa\xed\xfe\x0c\x00\x00\x01", "macOS"),
        (b"\xca\xfe\xba\xbe", "macOS"),
        (b"#!/bin/sh\n", ""),
        (b"", ""),
    ],
)
def test_what_a_program_was_built_for_is_told_by_its_first_bytes(head: bytes, built: str) -> None:
    assert built_for(Program(head=head)) == built


@pytest.mark.parametrize(("setting", "said"), [("null", "x86_64"), ('["arm64"]', "arm64"), ("[]", "x86_64")])
def test_a_function_runs_on_x86_unless_it_says_otherwise(setting: str, said: str) -> None:
    configured = FunctionVersion(function="f", version="1", code_sha256="", configuration={"Architectures": setting})
    assert architecture(configured) == said


@pytest.mark.parametrize(
    ("head", "windows"),
    [
        (b"#!/bin/sh\r\nset -e\r\n", True),
        (b"#!/bin/sh\nset -e\r\n", False),
        (b"#!/bin/sh\r", False),
        (b"echo\r\n", False),
        (elf(62) + b"\r\n", False),
    ],
)
def test_line_ends_of_windows_matter_in_a_scripts_first_line(head: bytes, windows: bool) -> None:
    assert windows_line_ends(Program(head=head)) is windows
