"""What is in a package, as far as it decides whether Lambda can start it: names, permissions, links.

Pure. A zip knows permissions only where a Unix tool made it; what it does not say is None here, and never guessed.
The names are one text: a package of ten thousand files stays small in a state that lives as long as the run.
"""

from __future__ import annotations

import stat
from collections.abc import Iterable, Mapping
from dataclasses import field

from ...lazy import dataclass

SHOWN = 3  # names of a kind that are told; the others are counted
LINKS_IN_A_ROW = 40  # Linux gives up after as many
_BETWEEN = "\0"  # no name has it


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """A file, a symbolic link or (in zips) a folder, whose name ends in `/`. Size in bytes.

    `mode`: permission bits; None where the zip does not say. `link`: what a symbolic link points to.
    """

    name: str  # with `/` between folders
    size: int
    mode: int | None = None
    link: str = ""
    encrypted: bool = False


@dataclass(frozen=True, slots=True)
class Some:
    """Names of one kind: how many there are, and the first of them."""

    count: int = 0
    first: tuple[str, ...] = ()

    @classmethod
    def of(cls, names: Iterable[str]) -> Some:
        found = sorted(names)
        return cls(len(found), tuple(found[:SHOWN]))

    def __bool__(self) -> bool:
        return self.count > 0

    def __str__(self) -> str:
        more = f" and {self.count - len(self.first):,} more" if self.count > len(self.first) else ""
        return ", ".join(f"`{name}`" for name in self.first) + more


@dataclass(frozen=True, slots=True, kw_only=True)
class Program:
    """A file that Lambda executes itself (`bootstrap`). `mode` as in Entry; `head` are its first bytes."""

    mode: int | None = None
    head: bytes = b""


@dataclass(frozen=True, slots=True, kw_only=True)
class Contents:
    """`layer_links`: links to a layer's folder, below /opt. `bootstrap`: the file of that name at the top."""

    names: str = _BETWEEN
    links: Mapping[str, str] = field(default_factory=dict)
    unreadable: Some = Some()
    backslashes: Some = Some()
    encrypted: Some = Some()
    layer_links: Some = Some()
    bootstrap: Program | None = None

    @classmethod
    def of(cls, entries: Iterable[Entry], bootstrap: Program | None = None) -> Contents:
        known = list(entries)
        return cls(
            names=_BETWEEN + "".join(_plain(entry.name) + _BETWEEN for entry in known),
            links={_plain(entry.name): entry.link for entry in known if entry.link},
            unreadable=Some.of(entry.name for entry in known if not _readable(entry)),
            backslashes=Some.of(entry.name for entry in known if "\\" in entry.name),
            encrypted=Some.of(entry.name for entry in known if entry.encrypted),
            layer_links=Some.of(entry.name for entry in known if in_a_layer(entry.link)),
            bootstrap=bootstrap,
        )

    def has(self, name: str) -> bool:
        """Whether a file of this name is there, links followed; also where a link leads out, to who knows what."""
        found = follow(name, self.links)
        return found is None or f"{_BETWEEN}{found}{_BETWEEN}" in self.names

    def has_folder(self, name: str) -> bool:
        """Whether a folder of this name is there, links followed; also where a link leads out."""
        found = follow(name, self.links)
        return found is None or found == "" or f"{_BETWEEN}{found}/" in self.names

    def any_named(self, begin: str, end: str) -> bool:
        """Whether there is a file whose name begins and ends so, links to its folder followed."""
        folder, _, name = begin.rpartition("/")
        found = follow(folder, self.links)
        if found is None:
            return True
        begin = f"{found}/{name}" if found else name
        return any(each.startswith(begin) and each.endswith(end) for each in self._each())

    def any_of_name(self, file: str) -> bool:
        """Whether a file of this name is there in whatever folder, upper and lower case the same."""
        return any(each.rpartition("/")[2].lower() == file.lower() for each in self._each())

    def ending_in(self, end: str) -> Some:
        """The files whose name ends so."""
        return Some.of(each for each in self._each() if each.endswith(end))

    def _each(self) -> list[str]:
        return self.names.strip(_BETWEEN).split(_BETWEEN)


def follow(name: str, links: Mapping[str, str]) -> str | None:
    """Where a path leads, as the kernel follows links; None: out of the package, or round in circles."""
    done: list[str] = []
    left = name.split("/")[::-1]
    hops = 0
    while left:
        part = left.pop()
        if part == "..":
            if not done:
                return None
            done.pop()
        elif part not in ("", "."):
            done.append(part)
            target = links.get("/".join(done))
            if target is not None:
                hops += 1
                if hops > LINKS_IN_A_ROW or target.startswith("/"):
                    return None
                done.pop()
                left += target.split("/")[::-1]
    return "/".join(done)


def in_a_layer(link: str) -> bool:
    """Whether a link points to where Lambda puts layers."""
    return link.startswith("/opt/")


def _plain(name: str) -> str:
    """A name as unzipping makes it: some tools write `./app.py`, or `/app.py`."""
    while name.startswith(("./", "/")):
        name = name.removeprefix("./").removeprefix("/")
    return name


def _readable(entry: Entry) -> bool:
    """For Lambda's user, who is neither the owner nor of the group; a folder must be searchable too."""
    if entry.mode is None or entry.link:
        return True
    wanted = stat.S_IROTH | stat.S_IXOTH if entry.name.endswith("/") else stat.S_IROTH
    return entry.mode & wanted == wanted
