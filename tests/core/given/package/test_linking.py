"""What becomes of a folder's links: kept as they are, written anew, left out, or refused with the reason."""

from __future__ import annotations

import pytest

from ci_deploy.core.errors import InvalidInput
from ci_deploy.core.given.package.contents import Entry
from ci_deploy.core.given.package.linking import Link, kept
from ci_deploy.core.given.package.packaging import rules
from tests.support.golden import Told

NAMES = ("app.py", "lib/a/one.py", "lib/b/two.py")


def written(*links: Link, ignore: str = "") -> dict[str, str]:
    """What each link says in the zip of a folder with these links and the files NAMES."""
    found = kept("src", {link.name: link for link in links}, NAMES, rules(ignore, "src"))
    assert all(entry == Entry(name=entry.name, size=len(entry.link.encode()), link=entry.link) for entry in found)
    return {entry.name: entry.link for entry in found}


def refused(link: Link, ignore: str = "") -> str:
    with pytest.raises(InvalidInput) as caught:
        written(link, ignore=ignore)
    (problem,) = caught.value.problems
    return str(problem)


@pytest.mark.parametrize(
    ("link", "says"),
    [
        (Link(name="main.py", says="app.py", real="app.py"), "app.py"),
        (Link(name="main.py", says="./lib/../app.py", real="app.py"), "./lib/../app.py"),
        (Link(name="lib/c", says="a", real="lib/a"), "a"),
        (Link(name="lib/b/one.py", says="../a/one.py", real="lib/a/one.py"), "../a/one.py"),
        (Link(name="lib/here", says="..", real=""), ".."),
        # Said by another way than through the folder: written anew
        (Link(name="main.py", says="/home/me/src/app.py", real="app.py"), "app.py"),
        (Link(name="lib/main.py", says="/home/me/src/app.py", real="app.py"), "../app.py"),
        (Link(name="main.py", says="../src/app.py", real="app.py"), "app.py"),
        (Link(name="lib/c", says="../../src/lib/a", real="lib/a"), "a"),
        (Link(name="all", says="/home/me/src", real=""), "."),
    ],
)
def test_a_link_within_the_folder_is_kept_and_relative(link: Link, says: str) -> None:
    assert written(link) == {link.name: says}


def test_links_lead_through_links() -> None:
    """As package managers build their trees: each is kept with what it says."""
    one = Link(name="node_modules/x", says=".pnpm/x", real="lib/a")
    two = Link(name="node_modules/.pnpm/x", says="../../lib/a", real="lib/a")
    three = Link(name="deep", says="node_modules/x/one.py", real="lib/a/one.py")
    assert written(one, two, three) == {one.name: one.says, two.name: two.says, three.name: three.says}


def test_a_link_through_what_is_not_in_the_zip_is_written_anew() -> None:
    """On this machine it leads through a folder that only has ignored files."""
    assert written(Link(name="main.py", says="build/current/app.py", real="app.py")) == {"main.py": "app.py"}


def test_a_link_to_a_folder_without_files_is_left_out_as_the_folder_is() -> None:
    assert written(Link(name="empty", says="nothing-in-it", real="nothing-in-it")) == {}


@pytest.mark.parametrize(
    ("link", "ignore"),
    [
        (Link(name="main.py", says="app.py", real="app.py"), "app.py\n!main.py\n"),
        (Link(name="c", says="lib/a", real="lib/a"), "/lib/a/\n"),
        (Link(name="c", says="lib/a/one.py", real="lib/a/one.py"), "/lib/\n"),
        (Link(name="c", says="lib/a", real="lib/a"), "/lib/\n"),
    ],
)
def test_a_link_to_what_is_left_out_is_refused(link: Link, ignore: str, told: Told) -> None:
    assert refused(link, ignore) == told


def test_a_link_out_of_the_folder_is_refused(told: Told) -> None:
    assert refused(Link(name="lib/c", says="../../shared", real=None)) == told


def test_a_link_that_leads_nowhere_is_refused(told: Told) -> None:
    assert refused(Link(name="c", says="gone", real=None, broken=True)) == told


@pytest.mark.parametrize("broken", [True, False])
def test_a_link_into_a_layer_is_kept_only_where_somebody_says_so(broken: bool, told: Told) -> None:
    """Whether there is such a thing on this machine does not matter."""
    link = Link(name="lib/c", says="/opt/python/c", real=None, broken=broken)
    assert refused(link) == told
    assert written(link, ignore="!/lib/c\n") == {"lib/c": "/opt/python/c"}
