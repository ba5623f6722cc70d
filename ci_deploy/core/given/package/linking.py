"""What becomes of a folder's symbolic links: kept where they lead to something in the zip, refused everywhere else.

Pure. Lambda keeps links as they are in the zip, and package managers count on it: a copy of what a link leads to no
longer finds its siblings (pnpm), and weighs as much again. A link that says its target by another way than through the
folder (absolutely, or by way of a folder above) is written anew, relative.
"""

from __future__ import annotations

import posixpath
from collections.abc import Collection, Mapping

from ...lazy import dataclass
from .contents import Entry, follow, in_a_layer
from .ignoring import Rules
from .packaging import IGNORE_FILE, bad


@dataclass(frozen=True, slots=True, kw_only=True)
class Link:
    """A link as it was found: what it says, and where that leads on this machine, relative to the folder.

    `real` is empty for the folder itself; None where it leads out of the folder or, with `broken`, nowhere at all.
    """

    name: str
    says: str
    real: str | None
    broken: bool = False


def kept(path: str, links: Mapping[str, Link], names: Collection[str], rules: Rules) -> list[Entry]:
    """The links that go into the zip of the folder at `path`, with its files called `names`, or InvalidInput.

    A link to a folder without any file is left out, as the folder is.
    """
    there = {*names, *links, ""}
    for name in (*names, *links):
        while (name := posixpath.dirname(name)) and name not in there:
            there.add(name)
    says = {link.name: link.says for link in links.values()}
    written = [(link, _written(path, link, there, says, rules)) for link in links.values()]
    return [Entry(name=link.name, size=len(text.encode()), link=text) for link, text in written if text]


def _written(path: str, link: Link, there: Collection[str], says: Mapping[str, str], rules: Rules) -> str:
    """What the link says in the zip; empty where it is left out."""
    if link.real is None:
        return _leading_out(path, link, rules)
    if _ignored(link.real, rules):
        raise bad(
            path,
            f"has a link to something that {IGNORE_FILE} leaves out: {link.name} -> {link.says}.",
            f"Name the link in {IGNORE_FILE} too, or leave in what it leads to.",
        )
    if link.real not in there:
        return ""
    if not link.says.startswith("/"):
        through = follow(posixpath.join(posixpath.dirname(link.name), link.says), says)
        if through is not None and through in there:
            return link.says
    return posixpath.relpath(link.real or ".", posixpath.dirname(link.name) or ".")


def _leading_out(path: str, link: Link, rules: Rules) -> str:
    arrow = f"{link.name} -> {link.says}"
    if in_a_layer(link.says):
        if rules.says(link.name, folder=False) is False:
            return link.says
        raise bad(
            path,
            f"has a link to where Lambda puts layers: {arrow}.",
            f"If a layer of the function brings that, keep the link with the line `!/{link.name}` in {IGNORE_FILE}; "
            "else copy what it points to into the folder.",
        )
    if link.broken:
        raise bad(path, f"has a link that leads nowhere: {arrow}.", f"Remove it, or name it in {IGNORE_FILE}.")
    raise bad(
        path,
        f"has a link that leaves it: {arrow}.",
        f"Copy what it points to into the folder, or name it in {IGNORE_FILE}.",
    )


def _ignored(name: str, rules: Rules) -> bool:
    """Whether a file or folder, or one of the folders above it, is left out."""
    parts = name.split("/") if name else []
    above = ["/".join(parts[:number]) for number in range(1, len(parts))]
    return any(rules.says(folder, folder=True) for folder in above) or any(
        rules.says(name, folder=folder) for folder in (False, True) if name
    )
