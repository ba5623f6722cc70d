"""The rules of packaging: what code may come from, what of a folder goes into its zip and how, and Lambda's limits.

Pure: files are read, and bytes written, by edge/packages. The same content must give the same bytes on every
machine, for Lambda's CodeSha256 is the hash of the zip and decides whether there is anything to deploy. Sources: Lambda
quotas (50 MB zipped for a direct upload, 250 MB unzipped, layers included), gitignore(5).
"""

from __future__ import annotations

import base64
import binascii
import stat
from collections.abc import Iterable, Sequence
from dataclasses import field
from typing import TypeAlias

from ...aws import S3Location
from ...errors import InvalidInput, Problem
from ...lazy import dataclass
from ..source import Image
from . import ignoring
from .contents import Contents, Entry

DIRECT_LIMIT = 50 * 1024 * 1024  # bytes of a zip that UpdateFunctionCode takes in the request itself
UNZIPPED_LIMIT = 250 * 1024 * 1024  # bytes of all files together
IGNORE_FILE = ".lambdaignore"
# Before the user's own rules, so that `!__pycache__/` brings it back. Compiled files carry the time stamps of their
# sources, so with them no two builds are alike; Lambda's own guide says to leave them out.
ALWAYS_IGNORED = (".git/", IGNORE_FILE, "__pycache__/")
# The earliest time that a zip can say: every entry has it.
TIME_STAMP = (1980, 1, 1, 0, 0, 0)
LARGEST_SHOWN = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class Package:
    """A zip on this machine: the user's own, or the one made of a folder. Sizes in bytes, `sha256` as CodeSha256."""

    path: str  # as the user named it
    sha256: str
    size: int
    unzipped: int
    files: int
    contents: Contents | None = field(default=None, repr=False, compare=False)
    useless_rules: tuple[str, ...] = ()  # lines of the ignore file that can match nothing

    def __str__(self) -> str:
        return self.path


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredPackage:
    """A zip that is in S3 already, pinned to the object version that was read."""

    location: S3Location
    sha256: str
    size: int
    contents: Contents | None = field(default=None, repr=False, compare=False)  # where it may be read

    def __str__(self) -> str:
        return str(self.location)


Code: TypeAlias = Package | StoredPackage | Image


def sha256_of(code: Code) -> str:
    """The CodeSha256 that the function will have with this code; empty for an image that is named by a tag."""
    return code.digest if isinstance(code, Image) else code.sha256


def same_sha256(one: str, other: str) -> bool:
    """Whether two hashes are the same, base64 (zips) or hexadecimal (images, sha256sum) each."""
    return bool(one) and _hexadecimal(one) == _hexadecimal(other)


def _hexadecimal(text: str) -> str:
    if len(text) == 64:
        return text.lower()
    try:
        return base64.b64decode(text, validate=True).hex()
    except (binascii.Error, ValueError):
        return text


# --- Folders -----------------------------------------------------------------------------------------------------


def rules(text: str, path: str) -> ignoring.Rules:
    """What the `.lambdaignore` of the folder at `path`, with this text, leaves out."""
    try:
        return ignoring.parse(text, first=ALWAYS_IGNORED)
    except ignoring.TooMuch as error:
        raise bad(path, f"has an {IGNORE_FILE} that {error}.", "Use fewer and wider rules.") from None


def mode(entry: Entry) -> int:
    """A file's mode without what umask and owner did to it: executable for all, or for nobody."""
    if entry.link:
        return stat.S_IFLNK | 0o777
    return stat.S_IFREG | (0o755 if (entry.mode or 0) & stat.S_IXUSR else 0o644)


def in_order(entries: Iterable[Entry]) -> list[Entry]:
    """By name, character by character, whatever order the file system had."""
    return sorted(entries, key=lambda entry: entry.name)


# --- Limits ------------------------------------------------------------------------------------------------------


def check_unzipped(path: str, entries: Sequence[Entry]) -> None:
    """Raise InvalidInput where a package is empty, or larger than Lambda unpacks."""
    if not entries:
        raise bad(path, "has no files to deploy in it.", f"Is the path right, and {IGNORE_FILE} not too greedy?")
    total = sum(entry.size for entry in entries)
    if total > UNZIPPED_LIMIT:
        largest = sorted(entries, key=lambda entry: -entry.size)[:LARGEST_SHOWN]
        named = ", ".join(f"{entry.name} ({megabytes(entry.size)})" for entry in largest)
        raise bad(
            path,
            f"is {megabytes(total)} unzipped; Lambda takes {megabytes(UNZIPPED_LIMIT)} at most, layers included.",
            f"The largest files: {named}. Leave out what is not needed ({IGNORE_FILE}), or use a container image.",
        )


def check_zipped(package: Package, bucket: str) -> None:
    """Raise InvalidInput where a zip is too large to be sent directly and there is no bucket to send it by."""
    if package.size > DIRECT_LIMIT and not bucket:
        raise bad(
            package.path,
            f"is {megabytes(package.size)} zipped; Lambda takes {megabytes(DIRECT_LIMIT)} at most in a request.",
            "Set `bucket`: larger zips go through S3.",
        )


def bad(path: str, what: str, remedy: str = "") -> InvalidInput:
    """The error for a package that cannot be used."""
    return InvalidInput((Problem(where="input `code`", what=f"`{path}` {what}", remedy=remedy),))


def megabytes(size: int) -> str:
    return f"{size / 1024 / 1024:.1f} MB"


def object_key(prefix: str, function: str, package: Package) -> str:
    """Where a zip is stored: under the hash of its content, so that it is uploaded once and never overwritten."""
    return f"{prefix}/{function}/code/{_hexadecimal(package.sha256)}.zip"
