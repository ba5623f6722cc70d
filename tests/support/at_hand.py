"""The way from botocore or requests to an emulator in this process: a call, instead of a socket and a thread.

Sockets are most of what a call costs here. They stay where they matter: while a fault is set that is the connection's
(it is cut, or an answer comes late or never), for bodies in chunks, and in every test that runs processes.
"""

from __future__ import annotations

import contextlib
import io
from collections.abc import Iterator
from email.utils import formatdate
from functools import cache
from http.client import responses
from typing import Any
from unittest import mock
from urllib.parse import unquote_to_bytes, urlsplit

import botocore.httpsession
from botocore.awsrequest import AWSResponse
from requests.adapters import HTTPAdapter
from urllib3 import HTTPHeaderDict, HTTPResponse

from codedeploy_emulator import Emulator
from codedeploy_emulator.server.http import read

_send = botocore.httpsession.URLLib3Session.send
_context = botocore.httpsession.create_urllib3_context
_send_plain = HTTPAdapter.send
_OF_THE_CONNECTION = ("reset", "slow", "timeout")


@contextlib.contextmanager
def at_hand(emulator: Emulator) -> Iterator[None]:
    """Within, botocore's requests to this emulator are answered in the thread that makes them."""

    def send(session: Any, request: Any) -> Any:
        if not _near(emulator, request):
            return _send(session, request)
        raw = _answered(emulator, request)
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
        return adapter.build_response(request, _answered(emulator, request))

    with mock.patch.object(HTTPAdapter, "send", send):
        yield


def _near(emulator: Emulator, request: Any) -> bool:
    return (
        request.url.startswith(emulator.url)
        and "Transfer-Encoding" not in request.headers
        and not any(fault["fault"] in _OF_THE_CONNECTION for fault in emulator.present_faults())
    )


def _answered(emulator: Emulator, request: Any) -> HTTPResponse:
    environ = _environ(request)
    answer = emulator._server.respond(read(environ, int(environ["CONTENT_LENGTH"])))
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
