"""The HTTP server: one port for AWS, GitHub and control; threads, keep-alive, and connections that faults cut.

A request signed for AWS goes to AWS's side; all others to the control endpoints, the OIDC endpoint or GitHub's part.
"""

from __future__ import annotations

import contextlib
import select
import socket
import socketserver
import threading
import time
from collections.abc import Callable
from http.server import HTTPServer
from typing import Any, Protocol

from ..aws import moto_parts
from . import control, faults
from .calls import Call
from .faults import Fault
from .visitors import turned_away
from .wire import AwsCall, Request, Response, aws_call, error_response, json_response, protocol_of

# A client that waits longer than this for a faulty answer has no time-out of its own.
LONGEST_SILENCE = 120.0


class _HttpServer(socketserver.ThreadingMixIn, HTTPServer):
    """A thread for each connection; what werkzeug's request handler asks of its server is here too."""

    daemon_threads = True
    request_queue_size = 256
    ssl_context = None
    multithread = True
    multiprocess = False

    def __init__(
        self,
        host: str,
        port: int,
        answer: Callable[[Request], Response],
        now: Callable[[], float],
        left: Callable[[object], None] = lambda _: None,
    ) -> None:
        self.answer = answer
        self.now = now
        self.left = left
        self.connections: set[socket.socket] = set()
        if ":" in host:
            self.address_family = socket.AF_INET6
        super().__init__((host, port), _Handler)

    def server_bind(self) -> None:
        """Bind, without the look-up of the host's own name that HTTPServer makes."""
        socketserver.TCPServer.server_bind(self)
        self.server_name, self.server_port = str(self.server_address[0]), int(self.server_address[1])


class _Handler(moto_parts.RequestHandler):
    # werkzeug's annotation names its own server class.
    server: _HttpServer  # type: ignore[assignment]
    protocol_version = "HTTP/1.1"
    # Small answers must not wait for the client's acknowledgement of the headers.
    disable_nagle_algorithm = True

    def setup(self) -> None:
        """Know every open connection, to close it with the server."""
        super().setup()
        self.server.connections.add(self.connection)

    def finish(self) -> None:
        """The connection is over."""
        self.server.connections.discard(self.connection)
        self.server.left(self.connection)
        super().finish()

    def run_wsgi(self) -> None:
        """Answer one request; unlike werkzeug's own, it leaves the connection open, for the body was read."""
        environ = self.make_environ()
        length = environ.get("CONTENT_LENGTH") or "0"
        if not length.isdecimal():
            # Where the next request begins cannot be known.
            self.close_connection = True
            self.send_error(400)
            return
        response = self.server.answer(read(environ, int(length)))
        if response.dropped:
            self.close_connection = True
            _shut(self.connection)
            return
        body = b"" if self.command == "HEAD" else response.body
        length = str(len(response.body))
        self.send_response(response.status)
        for name, value in response.headers:
            if name.lower() not in ("content-length", "date"):  # the date is always ours
                self.send_header(name, value)
            elif name.lower() == "content-length" and self.command == "HEAD":
                # A HEAD answer says how long the body would be.
                length = value
        if response.status not in (204, 304):
            self.send_header("Content-Length", length)
        self.end_headers()
        self.wfile.write(body)

    def date_time_string(self, timestamp: float | None = None) -> str:
        """The header `Date`, in the emulator's time, which clients compare AWS's stamps with."""
        return super().date_time_string(self.server.now() if timestamp is None else timestamp)

    def log(self, type: str, message: str, *args: Any) -> None:  # noqa: A002 - werkzeug's name
        """Nothing: `GET /_emulator/calls` is the log."""


class Served(control.Controlled, Protocol):
    """What stands behind the port."""

    def settle(self) -> None:
        """Let everything happen that is due by now."""

    def operation_of(self, request: Request, call: AwsCall | None) -> tuple[str, str, str]:
        """(the service, the operation's name, its plain form) of a request; `call` when it was signed for AWS."""

    def record(self, call: Call) -> Call:
        """Record a call that came in."""

    def strike(self, service: str, operation: str, plain: str) -> Fault | None:
        """The fault that a call meets."""

    def answer(self, request: Request, call: AwsCall | None) -> Response:
        """Answer a request."""

    def account_of(self, call: AwsCall) -> str:
        """The account of whoever signed a call."""


class Server:
    """Serves an emulator on one address, in a thread."""

    def __init__(self, emulator: Served, host: str, port: int) -> None:
        self._emulator = emulator
        self._host = host
        self._closing = threading.Event()
        self._server = _HttpServer(host, port, self.respond, lambda: emulator.now, emulator.left)
        self.port = self._server.server_port
        self._thread = threading.Thread(
            target=self._server.serve_forever, kwargs={"poll_interval": 0.1}, name="emulator-server", daemon=True
        )

    def start(self) -> None:
        """Begin to answer."""
        self._thread.start()

    def close(self) -> None:
        """Stop answering; requests that a fault holds are let go."""
        self._closing.set()
        if self._thread.is_alive():
            self._server.shutdown()
            self._thread.join(timeout=5)
        self._server.server_close()
        for connection in list(self._server.connections):
            _shut(connection)

    def respond(self, request: Request) -> Response:
        """What is answered to a request, whichever way it came; only a fault's silence needs the connection."""
        emulator = self._emulator
        if why := turned_away(request.headers, self._host):
            return json_response({"message": f"Not answered: {why}."}, 403)
        call = aws_call(request)
        if call is None and request.path.startswith(control.PREFIX):
            return control.answer(emulator, request)
        emulator.settle()
        service, operation, plain = emulator.operation_of(request, call)
        record = emulator.record(
            Call(
                service=service,
                operation=operation,
                at=emulator.now,
                method=request.method,
                path=request.path,
                agent=request.headers.get("user-agent", ""),
            )
        )
        fault = emulator.strike(service, operation, plain)
        if fault is None:
            response = emulator.answer(request, call)
        else:
            record.fault = fault.fault
            response = self._faulty(fault, service, request, call)
        record.status = None if response.dropped else response.status
        return response

    def _faulty(self, fault: Fault, service: str, request: Request, call: AwsCall | None) -> Response:
        if fault.when == "after":
            # The effect happens; the answer is what the client does not get.
            response = self._emulator.answer(request, call)
        if fault.fault == "slow":
            self._hold(request, 5.0 if fault.seconds is None else fault.seconds)
            return response if fault.when == "after" else self._emulator.answer(request, call)
        if fault.fault == "timeout":
            self._hold(request, LONGEST_SILENCE if fault.seconds is None else fault.seconds)
            return Response(dropped=True)
        if fault.fault == "reset":
            return Response(dropped=True)
        now = self._emulator.now
        if call is None:
            if service == "oidc" and fault.fault == "throttle":
                return json_response({"message": "Too many requests"}, 429)
            return faults.github_response(fault, now)
        account = self._emulator.account_of(call)
        error, headers = faults.aws_error(fault, call.service, call.operation, account)
        return error_response(error, protocol_of(call, request), headers)

    def _hold(self, request: Request, seconds: float) -> None:
        """Say nothing for so many real seconds, or until the client has gone."""
        until = time.monotonic() + seconds
        connection: socket.socket = request.environ["werkzeug.socket"]
        while time.monotonic() < until and not self._closing.is_set():
            pause = min(0.2, max(0.0, until - time.monotonic()))
            try:
                readable, _, _ = select.select([connection], [], [], pause)
                if readable and not connection.recv(1, socket.MSG_PEEK):
                    return
            except OSError:
                return
            if readable:
                self._closing.wait(pause)


def _shut(connection: socket.socket) -> None:
    # An error here means that the client was faster.
    with contextlib.suppress(OSError):
        connection.shutdown(socket.SHUT_RDWR)


def read(environ: dict[str, Any], length: int) -> Request:
    """The request of a WSGI environment, its body read."""
    # A body in chunks has no length, but an end.
    body = environ["wsgi.input"].read(-1 if environ.get("wsgi.input_terminated") else length)
    headers = {key[5:].replace("_", "-").lower(): value for key, value in environ.items() if key.startswith("HTTP_")}
    if environ.get("CONTENT_TYPE"):
        headers["content-type"] = environ["CONTENT_TYPE"]
    # WSGI hands the path over as Latin-1; what the client sent is UTF-8.
    path = environ.get("PATH_INFO", "/").encode("latin-1", "replace").decode("utf-8", "replace")
    return Request(
        method=environ["REQUEST_METHOD"],
        path=path,
        query_string=environ.get("QUERY_STRING", ""),
        headers=headers,
        body=body,
        environ=environ,
    )
