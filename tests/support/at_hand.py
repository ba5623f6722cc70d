"""The way from botocore or requests to an emulator in this process: a call, instead of a socket and a thread.

Sockets are most of what a call costs here. They stay where they matter: while a fault is set by which an answer comes
late or never, for bodies in chunks, and in every test that runs processes.
"""

from __future__ import annotations

import contextlib
import io
from collections.abc import Iterator
from email.utils import formatdate
from functools import cache
from http.client import RemoteDisconnected, responses
from typing import Any
from unittest import mock
from urllib.parse import unquote_to_bytes, urlsplit

import botocore.httpsession
import requests
from botocore.awsrequest import AWSResponse
from botocore.exceptions import ConnectionClosedError
from requests.adapters import HTTPAdapter
from urllib3 import HTTPHeaderDict, HTTPResponse
from urllib3.exceptions import ProtocolError

from codedeploy_emulator import Emulator
from codedeploy_emulator.server.http import read

_send = botocore.httpsession.URLLib3Session.send
_context = botocore.httpsession.create_urllib3_context
_send_plain = HTTPAdapter.send
_OF_TIME = ("slow", "timeout")


@contextlib.contextmanager
def at_hand(emulator: Emulator) -> Iterator[None]:
    """Within, botocore's requests to this emulator are answered in the thread that makes them."""

    def send(session: Any, request: Any) -> Any:
        if not _near(emulator, request):
            return _send(session, request)
        try:
            raw = _answered(emulator, request)
        except ProtocolError as cut:
            raise ConnectionClosedError(error=cut, request=request, endpoint_url=request.url) from cut
        response = AWSResponse(request.url, raw.status, raw.headers, raw)
        if not request.stream_output:
            _ = response.content
        return response

    # No client here speaks TLS, and a context for each of them is dear.
    contexts = mock.patch("botocore.httpsession.create_urllib3_context", cache(_context))
    with mock.patch.object(botocore.httpsession.URLLib3Session, "send", send), contexts:
        yield


@contextlib.contextmanager
def github_at_hand(emulator: Emulator) -> Iterator[None]:
    """Within, so are requests to GitHub's part; not those of the emulator's own tests, which are about its server."""

    def send(adapter: HTTPAdapter, request: Any, *arguments: Any, **more: Any) -> Any:
        if not _near(emulator, request):
            return _send_plain(adapter, request, *arguments, **more)
        try:
            return adapter.build_response(request, _answered(emulator, request))
        except ProtocolError as cut:
            raise requests.ConnectionError(cut, request=request) from cut

    with mock.patch.object(HTTPAdapter, "send", send):
        yield


def _near(emulator: Emulator, request: Any) -> bool:
    return (
        request.url.startswith(emulator.url)
        and "Transfer-Encoding" not in request.headers
        and not any(fault["fault"] in _OF_TIME for fault in emulator.present_faults())
    )


def _answered(emulator: Emulator, request: Any) -> HTTPResponse:
    environ = _environ(request)
    answer = emulator._server.respond(read(environ, int(environ["CONTENT_LENGTH"])))
    if answer.dropped:
        raise ProtocolError("Connection aborted.", RemoteDisconnected("Remote end closed connection without response"))
    body = b"" if request.method == "HEAD" else answer.body
    headers = HTTPHeaderDict(answer.headers)
    headers["Date"] = formatdate(emulator.now, usegmt=True)
    if answer.status not in (204, 304):
        headers.setdefault("Content-Length", str(len(body)))
    how = {"preload_content": False, "decode_content": False, "enforce_content_length": False}
    return HTTPResponse(io.BytesIO(body), headers, answer.status, reason=responses.get(answer.status), **how)


def _environ(request: Any) -> dict[str, Any]:
    """As the server would make it of what it reads from its socket."""
    url = urlsplit(request.url)
    body = request.body or b""
    body = body.encode() if isinstance(body, str) else body if isinstance(body, bytes | bytearray) else body.read()
    target = url.path + (f"?{url.query}" if url.query else "")
    headers = {"Host": url.netloc, **request.headers}
    named = {
        name.upper().replace("-", "_"): value.decode("latin-1") if isinstance(value, bytes) else str(value)
        for name, value in headers.items()
    }
    return {
        **{name if name == "CONTENT_TYPE" else f"HTTP_{name}": value for name, value in named.items()},
        "CONTENT_LENGTH": str(len(body)),
        "PATH_INFO": unquote_to_bytes(url.path or "/").decode("latin-1"),
        "QUERY_STRING": url.query,
        "RAW_URI": target,
        "REMOTE_ADDR": url.hostname,
        "REQUEST_METHOD": request.method,
        "REQUEST_URI": target,
        "SCRIPT_NAME": "",
        "SERVER_NAME": url.hostname,
        "SERVER_PORT": str(url.port),
        "SERVER_PROTOCOL": "HTTP/1.1",
        "wsgi.input": io.BytesIO(body),
        "wsgi.url_scheme": url.scheme,
    }
