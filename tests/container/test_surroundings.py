"""The image where people run it: strict hosts, signals, name servers, proxies, a company's certificates, time zones."""

from __future__ import annotations

import contextlib
import http.client
import re
import ssl
import subprocess
import threading
import uuid
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from ci_deploy.edge.network import FOR_AWS
from tests.support.company import certify

from .conftest import Emulator, Runner
from .contents import PYTHON

pytestmark = [pytest.mark.full, pytest.mark.xdist_group("container")]

INPUTS = {
    "code": "$LATEST",
    "function": "checkout",
    "application": "checkout-app",
    "deployment-group": "checkout-live",
    "deployment-config": "CodeDeployDefault.LambdaAllAtOnce",
}
LOCKED_DOWN = ("--read-only", "--cap-drop", "ALL", "--security-opt", "no-new-privileges")


# --- Strict hosts


def test_a_locked_down_container_deploys(runner: Runner, emulator: Emulator) -> None:
    """No writable file of its own, no capability: a folder is packaged all the same, with names in any language."""
    package = runner.workspace / "schlüssel"
    package.mkdir()
    (package / "app.py").write_text("def handler(event, context): return {}\n")
    (package / "größe.txt").write_text("…")
    given = {**INPUTS, "code": "schlüssel", "bucket": "demo-deployments"}
    before = set(runner.workspace.rglob("*"))

    step = runner.start(given, options=LOCKED_DOWN)

    assert step.wait() == 0, step.log
    assert "schlüssel" in step.log
    assert step.outputs["deployed"] == "true"
    assert emulator.alias()["FunctionVersion"] == step.outputs["target-version"]
    assert set(runner.workspace.rglob("*")) == before


def test_another_user_deploys(runner: Runner, emulator: Emulator) -> None:
    """A number that no list of users has, as on a rootless host."""
    for path in [*runner.folder.rglob("*"), runner.folder]:
        path.chmod(0o777)
    runner.environment(INPUTS)
    for path in (runner.folder / "file_commands").iterdir():
        path.chmod(0o666)
    step = runner.start(INPUTS, options=("--user", "1001:127", *LOCKED_DOWN))
    step.wait()
    assert emulator.alias()["FunctionVersion"] == "2", step.log


def test_files_that_cannot_be_written_are_named(runner: Runner, emulator: Emulator) -> None:
    """The runner's files belong to somebody else: the deployment ends, and the log says what the job cannot see."""
    (runner.folder / "file_commands").mkdir()
    for path in (runner.folder, runner.folder / "file_commands"):
        path.chmod(0o755)
    step = runner.start(INPUTS, options=("--user", "1001:127", "--cap-drop", "ALL"))
    assert step.wait() == 0, step.log
    assert emulator.alias()["FunctionVersion"] == "2"
    for name in ("GITHUB_OUTPUT", "GITHUB_STATE", "GITHUB_STEP_SUMMARY"):
        assert re.search(rf"::warning[^\n]*{name}", step.log), step.log


# --- Signals


@pytest.mark.parametrize("signal", ["TERM", "HUP"])
def test_process_1_hears_every_signal_that_ends_a_job(runner: Runner, emulator: Emulator, signal: str) -> None:
    """`docker stop` and a closed terminal: process 1 has no default for a signal, so each needs its handler."""
    step = runner.start({**INPUTS, "deployment-config": "CodeDeployDefault.LambdaCanary10Percent5Minutes"})
    step.until_output("deployment-id")
    subprocess.run(["docker", "kill", "--signal", signal, step.name], check=True, capture_output=True)
    assert step.wait() == 130, step.log
    assert "StopDeployment" in emulator.operations()


# --- Names

# Answers every question for `emulator.ci.test` with 127.0.0.1, and everything else with "no such name" (RFC 1035).
NAME_SERVER = """
import socket, struct
server = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
server.bind(("127.0.0.77", 53))
print("ready", flush=True)
while True:
    question, client = server.recvfrom(512)
    name, place = [], 12
    while question[place]:
        name.append(question[place + 1:place + 1 + question[place]].decode())
        place += question[place] + 1
    kind = struct.unpack_from(">H", question, place + 1)[0]
    known = name == ["emulator", "ci", "test"]
    record = struct.pack(">HHHIH4B", 0xC00C, 1, 1, 60, 4, 127, 0, 0, 1) if known and kind == 1 else b""
    head = question[:2] + struct.pack(">HHHHH", 0x8180 if known else 0x8183, 1, 1 if record else 0, 0, 0)
    server.sendto(head + question[12:place + 5] + record, client)
"""


@pytest.fixture
def name_server(image: str, network: tuple[str, ...]) -> Iterator[None]:
    """A name server on 127.0.0.77, in a container, where port 53 may be had."""
    name = f"ci-deploy-test-{uuid.uuid4().hex[:12]}"
    command = [
        "docker",
        "run",
        "--rm",
        "--name",
        name,
        *network,
        "--entrypoint",
        PYTHON,
        image,
        "-I",
        "-c",
        NAME_SERVER,
    ]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
        yield
        subprocess.run(["docker", "kill", name], capture_output=True, check=False)


@pytest.mark.usefixtures("name_server")
def test_names_come_from_the_name_server(runner: Runner, emulator: Emulator, tmp_path: Path) -> None:
    """By the search list, as a service container's name does in a job; nothing else of the network is needed."""
    resolver = tmp_path / "resolv.conf"
    resolver.write_text("search ci.test\nnameserver 127.0.0.77\noptions timeout:1 attempts:3\n")
    with gateway(emulator) as (port, asked):
        step = runner.start(
            INPUTS,
            options=("-v", f"{resolver}:/etc/resolv.conf:ro"),
            AWS_ENDPOINT_URL=f"http://emulator:{port}",
        )
        assert step.wait() == 0, step.log
    assert asked
    assert emulator.alias()["FunctionVersion"] == "2"


# --- Proxies and certificates


@contextlib.contextmanager
def gateway(emulator: Emulator, context: ssl.SSLContext | None = None) -> Iterator[tuple[int, list[str]]]:
    """Passes requests on to the emulator, as a proxy or as the service itself; yields its port and the requests."""
    asked: list[str] = []
    target = urlsplit(emulator.url)

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def _pass_on(self) -> None:
            asked.append(self.path)
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            connection = http.client.HTTPConnection(str(target.hostname), target.port, timeout=30)
            parts = urlsplit(self.path)
            path = parts.path + (f"?{parts.query}" if parts.query else "")
            # The emulator answers to loopback names alone; its clients here know it by another one.
            headers = {name: value for name, value in self.headers.items() if name.lower() != "host"}
            connection.request(self.command, path, body, headers)
            answer = connection.getresponse()
            data = answer.read()
            self.send_response(answer.status)
            for name, value in answer.getheaders():
                if name.lower() not in ("content-length", "transfer-encoding", "connection", "date", "server"):
                    self.send_header(name, value)
            self.send_header("Content-Length", str(len(data)))
            self.end_headers()
            if self.command != "HEAD":
                self.wfile.write(data)
            connection.close()

        do_GET = do_POST = do_PUT = do_HEAD = do_DELETE = do_PATCH = _pass_on  # noqa: N815 - http.server's names

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    if context is not None:
        server.socket = context.wrap_socket(server.socket, server_side=True)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield server.server_address[1], asked
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def test_a_proxy_is_the_only_way_out(runner: Runner, emulator: Emulator) -> None:
    """The services' names mean nothing in the container: what gets through went through the proxy, GitHub included."""
    names = {"AWS_ENDPOINT_URL": "http://aws-by-proxy:1", "GITHUB_API_URL": "http://github-by-proxy:1/api/v3"}
    with gateway(emulator) as (port, asked):
        proxy = f"http://127.0.0.1:{port}"
        given = {**INPUTS, "github-token": emulator.variables["GITHUB_TOKEN"]}
        step = runner.start(given, HTTP_PROXY=proxy, http_proxy=proxy, **names)
        assert step.wait() == 0, step.log
    assert emulator.alias()["FunctionVersion"] == "2"
    assert {urlsplit(url).hostname for url in asked} == {"aws-by-proxy", "github-by-proxy"}


@pytest.fixture(scope="module")
def company(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, ssl.SSLContext]:
    return certify(tmp_path_factory.mktemp("company"))


TRUSTED = {
    "the system's own list": ("/etc/ssl/certs/ca-certificates.crt", {}),
    **{variable: ("/github/workflow/company.pem", {variable: "/github/workflow/company.pem"}) for variable in FOR_AWS},
}


@pytest.mark.parametrize("how", TRUSTED)
def test_a_company_can_have_its_own_certificates(
    runner: Runner, emulator: Emulator, company: tuple[Path, ssl.SSLContext], how: str
) -> None:
    """One mounted file serves AWS and GitHub alike."""
    certificate, context = company
    place, variables = TRUSTED[how]
    with gateway(emulator, context) as (port, asked):
        services = {
            "AWS_ENDPOINT_URL": f"https://localhost:{port}",
            "GITHUB_API_URL": f"https://localhost:{port}/api/v3",
        }
        given = {**INPUTS, "github-token": emulator.variables["GITHUB_TOKEN"]}
        options = ("-v", f"{certificate}:{place}:ro")
        step = runner.start(given, options=options, **services, **variables)
        assert step.wait() == 0, step.log
    assert emulator.alias()["FunctionVersion"] == "2"
    assert [url for url in asked if "/api/v3/" in url]
    assert step.outputs["deployment-id"] in emulator.comment()


def test_a_certificate_of_nobody_known_is_refused(
    runner: Runner, emulator: Emulator, company: tuple[Path, ssl.SSLContext]
) -> None:
    with gateway(emulator, company[1]) as (port, asked):
        step = runner.start(INPUTS, AWS_ENDPOINT_URL=f"https://localhost:{port}")
        assert step.wait() == 4, step.log
        assert asked == []
        assert "AWS_CA_BUNDLE, REQUESTS_CA_BUNDLE or SSL_CERT_FILE" in step.log
    assert emulator.alias()["FunctionVersion"] == "1"


# --- Time zones and text


@pytest.mark.parametrize("zone", ["Asia/Kolkata", "America/New_York", ":/nowhere", "XXX-5:30"])
def test_a_time_zone_moves_no_instant(runner: Runner, emulator: Emulator, zone: str) -> None:
    """There is no data on zones in the image: what AWS says is told in UTC, whatever the job's zone."""
    reports = []
    for more in ({}, {"TZ": zone}):
        step = runner.start({**INPUTS, "command": "status", "code": ""}, **more)
        assert step.wait() == 0, step.log
        reports.append(re.sub(r'"duration-seconds": ?"?[\d.]+"?', "", step.outputs["result"]))
    assert reports[0] == reports[1]


def test_text_is_utf_8_without_any_locale(image: str) -> None:
    program = "import sys, os; print(sys.stdout.encoding, sys.getfilesystemencoding(), os.fsencode('ü'))"
    command = ["docker", "run", "--rm", "--entrypoint", PYTHON, image, "-I", "-c", program]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert done.stdout == "utf-8 utf-8 b'\\xc3\\xbc'\n"
