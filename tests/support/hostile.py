"""Texts that mean to be commands for the runner, and what the runner would make of a line."""

from __future__ import annotations

import re

HOSTILE = [
    "::error::x",
    "  ::set-output name=a::b",
    "\t::add-mask::a",
    "\u00a0::error::x",
    "\u2003::error::x",
    "\ufeff::error::x",
    "\u200b::error::x",
    ":\u200b:error::x",
    ":\u00ad:error::x",
    ":\ufe0f:error::x",
    ":\u034f:error::x",
    "\u202e::error::x",
    "\r::error::x",
    "\x1b[31m::error::x",
    ":\x1b[31m:error::x",
    "\x1b]0;title\x07::error::x",
    ":\x1b]8;;http://x\x1b\\:error::x",
    ":\x00:error::x",
    ":::error::x",
    "::::error::x",
    "text ##[error]x",
    "##[group]x",
    "###[error]x",
    "#\u200b#[error]x",
    "#\ufe0f#\x1b[0m[error]x",
    "#\x1b[31m#[error]x",
    "\x1b[2K::stop-commands::x",
    "\x9b31m::error::x",
    "\x90payload\x9c::error::x",
]


def obeyed(line: str) -> bool:
    """Whether actions/runner would take a line for a command: written after ActionCommand.cs, name check left out."""
    ignored = (
        r"[\u00ad\u034f\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b-\u200f\u202a-\u202e\u2060-\u206f\u3164"
        r"\ufe00-\ufe0f\ufeff\uffa0]"
    )
    seen = re.sub(ignored, "", line).lstrip()
    return bool(re.match(r"::[^:]*.*::", seen)) or bool(re.search(r"##\[.*\]", seen))
