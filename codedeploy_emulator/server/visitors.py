"""Who may ask: the emulator runs hook code, so no web page may reach it through the browser of whoever runs it.

A page can send requests to a loopback address from anywhere, and by DNS rebinding under a name of its own. Such
requests name a Host that is no loopback name, or the browser says that they come from another site.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Mapping
from functools import lru_cache
from urllib.parse import urlsplit


def turned_away(headers: Mapping[str, str], listens_on: str) -> str:
    """Why a request is not answered, or empty. Header names are lower-case; `listens_on` is the host asked for."""
    host = _name(headers.get("host", ""))
    if is_loopback(listens_on) and not (is_loopback(host) or host == listens_on.lower()):
        return f"Host {host or '(none)'} is no loopback name: start with --host to answer other names"
    if headers.get("sec-fetch-site", "none").lower() not in ("none", "same-origin"):
        return "a browser sent this request from another site"
    origin = headers.get("origin")
    if origin is not None and urlsplit(origin).netloc.lower() != headers.get("host", "").lower():
        return f"a browser sent this request from {origin or 'another site'}"
    return ""


@lru_cache(maxsize=256)
def is_loopback(name: str) -> bool:
    """`localhost`, names below it (a bucket may stand there) and the addresses 127.0.0.0/8 and ::1."""
    name = name.lower().strip("[]").removesuffix(".")
    if name == "localhost" or name.endswith(".localhost"):
        return True
    try:
        return ipaddress.ip_address(name).is_loopback
    except ValueError:
        return False


def _name(host: str) -> str:
    """The Host header without its port."""
    if host.startswith("["):
        return host[1:].partition("]")[0].lower()
    return host.rpartition(":")[0].lower() if ":" in host else host.lower()
