"""What stands between this machine and the services: certificates of a company, and proxies.

One variable serves everything that this process talks to (AWS, GitHub, the OIDC endpoint): each library on its own
would read another one. What cannot be used is InvalidInput, by the variable's name alone, for a proxy's value may hold
a password. Sources: botocore's and requests' documentation, OpenSSL's SSL_CERT_FILE.
"""

from __future__ import annotations

import ssl
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from ..core.errors import Problem
from ..core.reasons.hints import CertificateUntrusted

# In the order in which they count: a library's own variable before the others'.
FOR_AWS = ("AWS_CA_BUNDLE", "REQUESTS_CA_BUNDLE", "SSL_CERT_FILE")
FOR_GITHUB = ("REQUESTS_CA_BUNDLE", "SSL_CERT_FILE", "AWS_CA_BUNDLE")
PROXIES = ("HTTPS_PROXY", "https_proxy", "HTTP_PROXY", "http_proxy")


@dataclass(frozen=True, slots=True, kw_only=True)
class Trust:
    """The certificates to trust: a file or folder and the variable that names it; neither: those that come with us."""

    path: str = ""
    variable: str = ""

    @property
    def verify(self) -> str | bool:
        """As botocore and requests want it."""
        return self.path or True

    @property
    def hint(self) -> CertificateUntrusted:
        """What to do about a certificate that was not accepted."""
        return CertificateUntrusted(variable=self.variable)


def trust(environ: Mapping[str, str], variables: tuple[str, ...]) -> Trust:
    """What these variables, in this order, say."""
    for variable in variables:
        if path := environ.get(variable, "").strip():
            return Trust(path=path, variable=variable)
    return Trust()


def problems(environ: Mapping[str, str]) -> Iterator[Problem]:
    """What is wrong with bundles and proxies, by the variable's name."""
    for variable in FOR_AWS:
        path = environ.get(variable, "").strip()
        if path and (what := unusable(path)):
            yield Problem(
                where=f"environment variable {variable}",
                what=what,
                remedy="Set it to a file of PEM certificates, or unset it. A container sees the workspace and"
                " RUNNER_TEMP of its runner, and none of its other files.",
            )
    for variable in PROXIES:
        if (value := environ.get(variable, "")) and not _is_proxy(value):
            yield Problem(
                where=f"environment variable {variable}",
                what="is not the address of an HTTP proxy.",
                remedy="Set it to `http://HOST:PORT` (user name and password, if there are any, before an `@`, in the"
                " form that addresses have), or unset it.",
            )


def unusable(path: str) -> str:
    """Why no certificates can be read from this path, as a sentence's end; empty if they can be."""
    try:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        if Path(path).is_dir():
            context.load_verify_locations(capath=path)
            return ""
        context.load_verify_locations(cafile=path)
    except ssl.SSLError:
        return f"names `{path}`, in which there is no certificate (PEM)."
    except FileNotFoundError:
        return f"names `{path}`, which does not exist here."
    except (OSError, ValueError) as error:
        return f"names `{path}`, which cannot be read: {getattr(error, 'strerror', None) or error}."
    return ""


def _is_proxy(value: str) -> bool:
    if not value.isprintable() or " " in value:
        return False
    try:
        parts = urlsplit(value if "://" in value else f"http://{value}")
        _ = parts.port
    except ValueError:
        return False
    return parts.scheme in ("http", "https") and bool(parts.hostname)
