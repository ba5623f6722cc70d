"""The pictures of README and docs show what the product says: their runs are played again, and give the same texts."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path

from scripts import scenes

ROOT = Path(__file__).resolve().parents[3]
IMAGES = ROOT / "docs" / "images"
PAGES = (ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md")))


def committed() -> dict[str, str]:
    return {path.name: path.read_text("utf-8") for path in IMAGES.iterdir() if path.suffix in (".md", ".ansi")}


def differing(played: Mapping[str, str], shown: Mapping[str, str]) -> list[str]:
    return sorted(name for name in {*played, *shown} if played.get(name) != shown.get(name))


def test_the_texts_of_the_pictures_are_those_of_their_runs() -> None:
    assert differing(scenes.play(), committed()) == [], "run `make pictures`, and look at them"


def test_a_text_that_was_changed_by_hand_is_noticed() -> None:
    shown = committed()
    assert differing({**shown, "comment-plan.md": "never said"}, shown) == ["comment-plan.md"]
    assert differing(shown, {**shown, "comment-new.md": ""}) == ["comment-new.md"]


def test_every_picture_of_a_page_is_one_of_a_run_for_light_and_dark() -> None:
    made = {f"{Path(name).stem}-{mode}.png" for name in committed() for mode in ("light", "dark")}
    used = {name for page in PAGES for name in re.findall(r"images/([\w-]+\.png)", page.read_text("utf-8"))}
    assert {path.name for path in IMAGES.glob("*.png")} == made
    assert used <= made
    for page in PAGES:
        text = page.read_text("utf-8")
        assert text.count("<picture>") == text.count('media="(prefers-color-scheme: dark)"')
        assert re.findall(r"!\[[^\]]*\]\([^)]*images/", text) == [], f"{page.name}: a picture for one theme only"
