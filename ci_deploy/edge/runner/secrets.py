"""What is secret in this run, and texts without it: the last guard before anything is written.

No text of ours quotes a secret. Libraries, AWS and tracebacks quote whatever they were given, in whatever form: a
header that could not be sent, the canonical request of a signature that does not match, the address of a proxy. So
every text on its way out comes by here. Only reads; it learns values, and never says one.
"""

from __future__ import annotations

import base64
import html
import json
from collections.abc import Iterator, Mapping
from urllib.parse import quote, quote_plus, unquote

from ...core.links import MASK, without_login

# Shorter values are parts of ordinary words, and a text without them could not be read.
SHORTEST = 8
# A secret may have been cut where it stands: this much of its beginning is enough to know it by.
ENOUGH = 12
_NAMES = (
    "ACTIONS_ID_TOKEN_REQUEST_TOKEN",
    "ACTIONS_RUNTIME_TOKEN",
    "AWS_ACCESS_KEY_ID",
    "AWS_CONTAINER_AUTHORIZATION_TOKEN",
    "AWS_SECRET_ACCESS_KEY",
    "AWS_SECURITY_TOKEN",
    "AWS_SESSION_TOKEN",
    "GH_TOKEN",
    "GITHUB_TOKEN",
    "INPUT_GITHUB-TOKEN",
)


class Secrets:
    """Learns secrets, at first those of the environment, and hides them in whatever form a text has them."""

    def __init__(self, environ: Mapping[str, str] | None = None) -> None:
        # How a form begins -> the forms that begin so: which of them it is, the text itself says.
        self._forms: dict[str, frozenset[str]] = {}
        for name, value in (environ or {}).items():
            if name in _NAMES or name.startswith("AWS_BEARER_TOKEN"):
                self.learn(value)
            elif "://" in value and "@" in value:
                self._learn_login(value)

    def learn(self, *values: str) -> None:
        """Hide these from now on."""
        forms = dict(self._forms)
        for value in values:
            for form in _forms(value):
                if len(form) >= SHORTEST:
                    start = form[:ENOUGH]
                    forms[start] = forms.get(start, frozenset()) | {form}
        # Longest first, for a secret may be a part of another one. Exchanged whole: other threads are reading.
        self._forms = dict(sorted(forms.items(), key=lambda item: (-max(map(len, item[1])), item[0])))

    def hide(self, text: str) -> str:
        """The text without secrets, and without what stands before the `@` in an address."""
        for start, forms in self._forms.items():
            at = text.find(start)
            while at >= 0:
                length = max(_common(text, at, form) for form in forms)
                text = text[:at] + MASK + text[at + length :]
                at = text.find(start, at + len(MASK))
        return without_login(text)

    def _learn_login(self, address: str) -> None:
        login = address.partition("://")[2].rpartition("@")[0]
        self.learn(login, login.partition(":")[2])


def _common(text: str, at: int, form: str) -> int:
    """How many characters of `form` the text has from there on."""
    length = min(len(form), len(text) - at)
    return next((n for n in range(length) if text[at + n] != form[n]), length)


def _forms(secret: str) -> Iterator[str]:
    """A secret as it is and as texts may have it: on one line, escaped, quoted, encoded; of several lines, each."""
    for value in {secret, secret.strip(), " ".join(secret.split()), unquote(secret), *secret.splitlines()}:
        yield value
        yield repr(value)[1:-1]
        yield json.dumps(value)[1:-1]
        yield json.dumps(value, ensure_ascii=False)[1:-1]
        yield html.escape(value)
        raw = value.encode("utf-8", "surrogateescape")
        yield quote(raw)
        yield quote(raw, safe="")
        yield quote_plus(raw)
        yield raw.hex()
        for shift in range(3):  # wherever it stands in what was encoded
            text = base64.b64encode(b"\0" * shift + raw).decode()
            middle = text[4 if shift else 0 : len(text) - 4]
            yield middle
            yield middle.replace("+", "-").replace("/", "_")
