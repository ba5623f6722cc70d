"""Untrusted text made safe for each place it is shown in.

Hook logs, AWS's messages, function names, branch names, reasons: all of it may be written by somebody who wants to
ping people, link issues, break out of a table or a fence, or colour a terminal. Every sink has one function here, and
everything that is not ours passes through it. Inside code, GitHub resolves no mention, reference or link; in prose it
does so *after* entities are decoded, so prose also gets a zero-width space where such a thing would begin.
What GitHub makes of Markdown: https://github.github.com/gfm/ and the filters it names (mentions, references, emoji).
"""

from __future__ import annotations

import re
import unicodedata
from typing import Literal
from urllib.parse import quote, urlsplit

from ...core.defuse import without_commands
from ...core.links import NAMED, PAGES

ZERO_WIDTH = "&#8203;"  # an entity: an invisible character in the source would be a trap for the next reader

_ANSI = re.compile(
    r"\x1b\[[0-?]*[ -/]*[@-~]"  # CSI: colours, cursor
    r"|\x1b[\]PX^_][^\x07\x1b\x9c]*(?:\x07|\x1b\\|\x9c)?"  # OSC (titles, links), DCS, APC, ended or not
    r"|\x9b[0-?]*[ -/]*[@-~]"
    r"|\x1b[ -/]*[0-~]?"
)
_BREAKS = re.compile("\r\n?|[\x0b\x0c\x1c-\x1e\x85\u2028\u2029]")
# Not only Markdown's own: `$` begins mathematics on GitHub, `^` a footnote.
_SPECIAL = re.compile(r"""[\\`*{}\[\]<>#+!|~&$^="']|(?<![A-Za-z0-9])_|_(?![A-Za-z0-9])""")
# Without any of these a text is what it is: what follows looks for nothing else.
_SUSPECT = re.compile(r"""[\\`*{}\[\]<>#+!|~&$^="'_@:]|(?i:gh-|www\.)""")
_BLOCK_START = re.compile(r"^(?:[-:]|\d+(?=[.)]))")
_SIMPLE_CODE = re.compile(r"[A-Za-z0-9._/:@#%+=,()$→… -]*[A-Za-z0-9._/:@#%+=,()$…-]")
_COMMAND = re.compile(r"(?:aws [a-z-]+ [a-z-]+|ci-deploy [a-z]+) --[^`]*['{]")
_GUARD = re.compile(r"(?:observe: )?(?:errors|p[0-9.]+) < [0-9.]+(?:%|ms|x)")  # `<` is no tag in a code span


def plain(text: str, limit: int = 20_000) -> str:
    """Text without anything invisible or active: no ANSI, control, bidi or format characters, `\\n` line ends.

    At most `limit` characters, with a note if it was longer.
    """
    # Cut before cleaning, generously: a line of 10 MB must not cost time. Escapes can hide at most what is cut here.
    cleaned = head = text[: limit * 4 + 64]
    if not (head.isascii() and head.isprintable()):
        cleaned = _BREAKS.sub("\n", _ANSI.sub("", head))
        hidden = [each for each in set(cleaned) if each not in "\n\t" and not _visible(each)]
        cleaned = cleaned.translate(dict.fromkeys(map(ord, hidden))) if hidden else cleaned
    if len(head) < len(text) or len(cleaned) > limit:
        return f"{cleaned[:limit]}… ({len(text):,} characters in all)"
    return cleaned


_FILLERS = frozenset("\u034f\u115f\u1160\u17b4\u17b5\u180b\u180c\u180d\u180f\u3164\uffa0")  # blank, though letters


def _visible(character: str) -> bool:
    # Cc control, Cf format (bidi, zero-width, tags), Cs lone surrogates, Co private use, Cn not assigned.
    return (character.isascii() and " " <= character <= "~") or (
        unicodedata.category(character)[0] != "C" and character not in _FILLERS
    )


def line(text: str, limit: int = 2_000) -> str:
    """`plain` on one line: any white space is one space. For the job log, so without commands for the runner."""
    return without_commands(" ".join(plain(text, limit).split()))


def prose(text: str, limit: int = 2_000) -> str:
    """One line of Markdown that reads as the text itself: in a paragraph, a table's cell or an HTML summary."""
    return _prose_within(" ".join(plain(text, limit).split()), first=True)


def _prose_within(text: str, *, first: bool) -> str:
    if _SUSPECT.search(text):
        text = _entities(text)
        text = text.replace("@", f"@{ZERO_WIDTH}").replace("&#35;", f"&#35;{ZERO_WIDTH}")
        text = re.sub(r"(?i)\b(gh-)(?=\d)", rf"\1{ZERO_WIDTH}", text)
        text = re.sub(r"(?i)(mailto|xmpp):|:(?=//)", rf"\1{ZERO_WIDTH}:", text)
        text = re.sub(r"(?i)(www)\.", rf"\1{ZERO_WIDTH}.", text)
        text = re.sub(r":(?=[\w&#;+-]+:)", f":{ZERO_WIDTH}", text)  # :emoji:
    return _BLOCK_START.sub(_escaped_start, text) if first else text


def marked(text: str, limit: int = 2_000) -> str:
    """`prose` for sentences of our own, which may quote foreign text: what stands in backticks becomes code.

    And an address that our sentences name becomes a link.
    """
    text = " ".join(plain(text, limit).split())
    parts = re.split(rf"(`[^`]+`|{NAMED.pattern})", text)
    return "".join(
        _marked_within(part) or _prose_within(part, first=False) if n % 2 else _prose_within(part, first=n == 0)
        for n, part in enumerate(parts)
    )


def _marked_within(part: str) -> str:
    if part.startswith("`"):
        return _code_within(part[1:-1])
    label = f"docs/{part.removeprefix(PAGES)}" if part.startswith(PAGES) else part.removeprefix("https://").rstrip("/")
    return link(_prose_within(label, first=False), part)


def _code_within(text: str) -> str:
    """Text that may stand in backticks as it is; empty where it may not."""
    if _GUARD.fullmatch(text):
        return f"`{text}`"
    if _COMMAND.match(text):
        return html_code(text, 1_000)  # copied whole, its quotes and braces too
    return code(text) if _SIMPLE_CODE.fullmatch(text) else ""


def _entities(text: str) -> str:
    return _SPECIAL.sub(lambda match: f"&#{ord(match.group())};", text)


def _escaped_start(match: re.Match[str]) -> str:
    start = match.group()
    # A digit as an entity is no list's number.
    return f"&#{ord(start[0])};{start[1:]}"


def code(text: str, limit: int = 300) -> str:
    """A code span, valid in a paragraph and in a table's cell; not inside HTML (`html_code`)."""
    text = " ".join(plain(text, limit).split())
    if _SIMPLE_CODE.fullmatch(text):
        return f"`{text}`"
    return html_code(text, limit)


def html_code(text: str, limit: int = 300) -> str:
    """`code` written as HTML: works everywhere, reads worse in the source."""
    text = " ".join(plain(text, limit).split())
    # Markdown still reads what is inside: an entity starts no link, but the address of a mail is looked for afterwards.
    shown = re.sub(r"(?i)(www)\.", r"\1&#46;", _entities(text).replace("@", f"&#64;{ZERO_WIDTH}").replace(":", "&#58;"))
    return f"<code>{shown}</code>" if text else ""


def fence(text: str, *, lines: int = 80, width: int = 500, keep: Literal["head", "tail"] = "head") -> str:
    """A fenced block of its own, with a fence longer than any in the text. What was cut is said in its place."""
    rows = [_cut(row.rstrip(), width) for row in plain(text, lines * width * 2).expandtabs(4).split("\n")]
    dropped = len(rows) - lines
    if dropped > 0:
        note = f"… ({dropped:,} more lines)"
        rows = [*rows[:lines], note] if keep == "head" else [note, *rows[-lines:]]
    body = "\n".join(rows)
    longest = max((len(run) for run in re.findall(r"`+", body)), default=0)
    marks = "`" * max(3, longest + 1)
    return f"{marks}text\n{body}\n{marks}"


def link(label: str, url: str) -> str:
    """A link as HTML, so that it works in Markdown, tables and summaries; `label` is already safe Markdown.

    Anything but an http(s) address gives the label alone.
    """
    address = href(url)
    return f'<a href="{address}">{label}</a>' if address else label


def href(url: str) -> str:
    """An http(s) address fit for an attribute, empty if it is none."""
    try:
        parts = urlsplit(plain(url, 2_000))
    except ValueError:
        return ""
    if parts.scheme not in ("http", "https") or not parts.hostname:
        return ""
    return quote(parts.geturl(), safe="%:/?#[]@!$()*+,;=~-._").replace("[", "%5B").replace("]", "%5D")


def details(summary: str, body: str, *, open_: bool = False) -> str:
    """A folded part, if there is one; `summary` is safe HTML, `body` safe Markdown.

    The blank lines let the body be Markdown.
    """
    if not body:
        return ""
    return f"<details{' open' if open_ else ''}><summary>{summary}</summary>\n\n{body}\n\n</details>"


def mermaid(text: str, limit: int = 40) -> str:
    """A label in a Mermaid diagram: letters, digits and a few harmless marks; anything else becomes `_`."""
    return _cut(re.sub(r"[^A-Za-z0-9 ._/%-]", "_", " ".join(plain(text, 400).split())).replace("%%", "%_"), limit)


def _cut(text: str, limit: int) -> str:
    return text if len(text) <= limit else text[: limit - 1] + "…"
