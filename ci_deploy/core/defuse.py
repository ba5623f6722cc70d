"""Makes foreign text harmless where the runner may read it: in the job log, and in outputs that a later step prints.

The runner reads commands from the log: `::name …::data` at a line's start, and `##[name …]data` anywhere in a line
(actions/runner, ActionCommand.cs). It compares by culture, where some invisible characters count as nothing, so those
go first. What is left of a hostile text is text.
"""

from __future__ import annotations

import re
import unicodedata

LONGEST = 4000
_SGR = r"\x1b\[[0-9;]{0,32}m"
# In order: OSC, then DCS, SOS, PM and APC, each up to its terminator or the end; CSI; any other escape sequence.
_ESCAPES = re.compile(
    r"(?:\x1b\]|\x9d)[^\x07\x1b\x9c]*(?:\x07|\x1b\\|\x9c)?"
    r"|(?:\x1b[P^_X]|[\x90\x98\x9e\x9f])[^\x1b\x9c]*(?:\x1b\\|\x9c)?"
    r"|(?:\x1b\[|\x9b)[0-?]*[ -/]*[@-~]?"
    r"|\x1b[ -/]*[0-~]?"
)
_COLOUR = re.compile(_SGR)
# Ignored in comparisons though Unicode does not call them format characters: joiners and fillers.
_FILLERS = frozenset("\u034f\u115f\u1160\u17b4\u17b5\u180b\u180c\u180d\u180f\u3164\uffa0")
# Variation selectors are ignored too, but emoji need them: they stay, and the patterns look through them.
_GAP = rf"(?:[\ufe00-\ufe0f]|{_SGR})"
_COMMAND = re.compile(rf"^((?:\s|{_GAP})*):{_GAP}*:")
_OLD_COMMAND = re.compile(rf"#{_GAP}*#{_GAP}*\[")


def harmless(text: str, *, colour: bool = False, longest: int = LONGEST) -> str:
    """One line that is no workflow command, moves no cursor and hides nothing; `colour` keeps ANSI colours (SGR)."""
    line = without_commands(_without_escapes(text, colour))
    if len(line) > longest:
        line = line[: longest - 1] + "…"
        if "\x1b" in line:
            # A colour may have been cut in two, and must not run on into the next line.
            line = re.sub(r"\x1b\[?[0-9;]*…$", "…", line) + "\x1b[0m"
    return line


def without_commands(line: str) -> str:
    """The line without a command for the runner: neither `::name::` at its start nor `##[name]` anywhere."""
    return _OLD_COMMAND.sub("# #[", _COMMAND.sub(r"\1: :", line))


def harmless_lines(text: str, *, longest: int = LONGEST) -> list[str]:
    """A foreign text of several lines, each harmless; without trailing empty lines."""
    return [harmless(line, longest=longest) for line in text.rstrip().splitlines()]


def _without_escapes(text: str, colour: bool) -> str:
    if not colour:
        return _printable(_ESCAPES.sub("", text))
    parts: list[str] = []
    at = 0
    for match in _ESCAPES.finditer(text):
        parts.append(_printable(text[at : match.start()]))
        if _COLOUR.fullmatch(match[0]):
            parts.append(match[0])
        at = match.end()
    return "".join([*parts, _printable(text[at:])])


def _printable(text: str) -> str:
    if text.isascii() and text.isprintable():
        return text
    return "".join(map(_character, text))


def _character(character: str) -> str:
    if character.isprintable() and character not in _FILLERS:
        return character
    match unicodedata.category(character):
        case "Cc" | "Zl" | "Zp":  # a tab, a line break, a bell: a space keeps words apart
            return "" if character in "\x00\x08\x7f" else " "
        case "Zs":
            return " "
        case "Cs":  # half of a surrogate pair cannot be written at all
            return "�"
        case "Co" | "Cn":
            return character
    return ""  # format characters: bidirectional controls, zero-width ones, tags; and the fillers
