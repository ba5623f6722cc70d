"""A clock that only moves when it is told to, and an AWS whose answers are written down before."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from queue import SimpleQueue
from typing import Any

from botocore.session import Session
from botocore.stub import Stubber

from ci_deploy.edge.aws.client import Aws, sibling

REGION = "eu-central-1"
_FIRST = Session()


def session() -> Session:
    """A botocore session of its own, but for the API models, which take longest to read."""
    return sibling(_FIRST)


class FakeClock:
    """Sleeping is what makes time pass; `slept` says how often and how long."""

    def __init__(self, speed: float = 1.0) -> None:
        self.at = 0.0
        self.speed = speed
        self.slept: list[float] = []

    def now(self) -> float:
        return self.at

    def behind(self) -> float:
        return 0.0

    def epoch(self) -> float:
        return 1_700_000_000.0 + self.at

    def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.at += seconds

    def take(self, items: SimpleQueue[Any], seconds: float | None, *, quiet: bool) -> Any:
        """Its time is moved by sleeping alone."""
        return items.get_nowait()

    def real(self, seconds: float) -> float:
        return seconds * self.speed


class StubbedAws(Aws):
    """An Aws whose clients answer from botocore's Stubber: `expect` in the order of the calls."""

    def __init__(self, clock: FakeClock | None = None) -> None:
        super().__init__(session(), clock or FakeClock(), region=REGION)
        self.stubs: dict[str, Stubber] = {}

    def stub(self, service: str, *, urgent: bool = False) -> Stubber:
        key = f"{service}!" if urgent else service
        if key not in self.stubs:
            self.stubs[key] = Stubber(self.client(service, urgent=urgent))
            self.stubs[key].activate()
        return self.stubs[key]

    def expect(self, service: str, method: str, answer: dict[str, Any], **parameters: Any) -> None:
        self.stub(service).add_response(method, answer, parameters or None)

    def refuse(self, service: str, method: str, code: str, message: str = "", status: int = 400, **more: Any) -> None:
        self.stub(service).add_client_error(
            method, service_error_code=code, service_message=message, http_status_code=status, **more
        )

    def done(self) -> None:
        """Every expected call was made."""
        for stub in self.stubs.values():
            stub.assert_no_pending_responses()


Answer = Callable[[BaseHTTPRequestHandler], None]


class Server:
    """An HTTP server on a free port: each request gets the next answer (the last one again and again)."""

    def __init__(self, *answers: Answer) -> None:
        self.requests: list[dict[str, Any]] = []
        pending = list(answers)
        outer = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def _serve(self) -> None:
                body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
                outer.requests.append({"path": self.path, "headers": dict(self.headers), "body": body})
                (pending.pop(0) if len(pending) > 1 else pending[0])(self)

            do_GET = do_POST = do_PUT = do_HEAD = _serve  # noqa: N815

            def log_message(self, format: str, *args: Any) -> None:  # noqa: A002
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}"
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
        self._thread.start()

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()


def sends(body: object, status: int = 200, content_type: str = "application/x-amz-json-1.1", **headers: str) -> Answer:
    """An answer with a body: JSON for a dict, else the bytes as they are."""
    data = body if isinstance(body, bytes) else json.dumps(body).encode()

    def answer(handler: BaseHTTPRequestHandler) -> None:
        handler.send_response(status)
        handler.send_header("Content-Type", content_type)
        handler.send_header("Content-Length", str(len(data)))
        for name, value in headers.items():
            handler.send_header(name.replace("_", "-"), value)
        handler.end_headers()
        if handler.command != "HEAD":
            handler.wfile.write(data)

    return answer


def hangs_up(handler: BaseHTTPRequestHandler) -> None:
    """No answer: the connection is closed."""
    handler.close_connection = True
    handler.connection.close()


def cut_short(handler: BaseHTTPRequestHandler) -> None:
    """The headers promise more than is sent."""
    handler.send_response(200)
    handler.send_header("Content-Length", "1000")
    handler.end_headers()
    handler.wfile.write(b'{"deploymentInfo":')
    handler.close_connection = True
