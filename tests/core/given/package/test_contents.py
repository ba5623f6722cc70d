"""What a package has: names as unzipping makes them, links as the kernel follows them, permissions as they are."""

from __future__ import annotations

import pytest

from ci_deploy.core.given.package.contents import LINKS_IN_A_ROW, Contents, Entry, Some, follow


def of(*names: str, **links: str) -> Contents:
    return Contents.of(
        [Entry(name=name, size=1) for name in names] + [Entry(name=name, size=1, link=to) for name, to in links.items()]
    )


def test_files_and_folders_are_found_by_their_whole_names() -> None:
    contents = of("app.py", "./src/main.py", "/abs.py", "empty/")
    assert [contents.has(name) for name in ("app.py", "src/main.py", "abs.py", "./app.py", "src/../app.py")] == [
        True
    ] * 5
    assert [contents.has(name) for name in ("app", "pp.py", "main.py", "src", "App.py", "")] == [False] * 6
    assert [contents.has_folder(name) for name in ("src", "empty", ".", "src/..")] == [True] * 4
    assert [contents.has_folder(name) for name in ("app.py", "sr", "main.py")] == [False] * 3


def test_links_on_the_way_are_followed() -> None:
    contents = of("dist/index.js", "deep/a/x.js", src="dist", other="./src/../dist", entry="src/index.js")
    assert [contents.has(name) for name in ("src/index.js", "other/index.js", "entry")] == [True] * 3
    assert contents.has_folder("src")
    assert not contents.has("src/nothing.js")
    assert contents.any_named("src/ind", ".js")
    assert not contents.any_named("src/ind", ".mjs")


@pytest.mark.parametrize("target", ["/opt/nodejs", "../outside", "loop", "src/../.."])
def test_what_a_link_leads_out_to_counts_as_there(target: str) -> None:
    """Nobody can tell, and what cannot be told is not complained about."""
    contents = of("a", loop=target, src=".")
    assert contents.has("loop/index.js")
    assert contents.has_folder("loop")
    assert contents.any_named("loop/a", ".so")


def test_as_many_links_are_followed_as_linux_follows() -> None:
    links = {f"l{number}": f"l{number + 1}" for number in range(LINKS_IN_A_ROW)}
    assert follow("l0", links) == f"l{LINKS_IN_A_ROW}"
    assert follow("l0", {**links, f"l{LINKS_IN_A_ROW}": "end"}) is None


@pytest.mark.parametrize(
    ("name", "mode", "readable"),
    [
        ("a", 0o644, True),
        ("a", 0o604, True),
        ("a", 0o640, False),
        ("a", 0o600, False),
        ("a", 0, False),
        ("a", None, True),
        ("d/", 0o755, True),
        ("d/", 0o744, False),
        ("d/", 0o711, False),
        ("d/", None, True),
    ],
)
def test_lambdas_user_is_neither_owner_nor_of_the_group(name: str, mode: int | None, readable: bool) -> None:
    assert bool(Contents.of([Entry(name=name, size=1, mode=mode)]).unreadable) is not readable


def test_a_link_has_no_permissions_of_its_own() -> None:
    assert not Contents.of([Entry(name="a", size=1, mode=0, link="b")]).unreadable


def test_some_names_stand_for_all_of_them() -> None:
    assert str(Some.of(["b", "a"])) == "`a`, `b`"
    assert str(Some.of(f"f{number:04}" for number in range(1500))) == "`f0000`, `f0001`, `f0002` and 1,497 more"
    assert not Some.of([])


def test_names_are_found_in_any_folder_and_case() -> None:
    contents = of("publish/App.dll", "x/app.rb")
    assert contents.any_of_name("app.DLL")
    assert not contents.any_of_name("pp.dll")
    assert contents.ending_in("/app.rb").first == ("x/app.rb",)
