"""In headless Chromium: the page of the demo, and the chart as Mermaid itself draws it."""

from __future__ import annotations

import html
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

HERE = Path(__file__).parent
ROOT = HERE.parents[1]
GOLDEN = ROOT / "tests" / "reporters" / "golden"
IMAGES = ROOT / "docs" / "images"
sys.path.insert(0, str(ROOT / "scripts"))

import pictures  # noqa: E402
import render_report  # noqa: E402

pytestmark = pytest.mark.full
CHARTS = sorted(path.stem for path in (GOLDEN / "summary").glob("*.md") if "```mermaid" in path.read_text("utf-8"))


def dom(page: str, folder: Path) -> str:
    """The page as Chromium has it after its scripts ran."""
    browser = os.environ.get("CHROMIUM") or shutil.which("chromium")
    assert browser, "make test-full needs chromium"
    source = folder / "page.html"
    source.write_text(page, encoding="utf-8")
    flags = [
        "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-sync",
        "--disable-background-networking", "--disable-component-update", "--allow-file-access-from-files",
        "--virtual-time-budget=20000", f"--user-data-dir={folder}/profile",
    ]  # fmt: skip
    command = [browser, *flags, "--dump-dom", source.as_uri()]
    return subprocess.run(command, capture_output=True, text=True, timeout=120, check=True).stdout


@pytest.fixture(scope="session")
def mermaid() -> Path:
    """Mermaid from npm, as pinned in package-lock.json."""
    script = HERE / "node_modules" / "mermaid" / "dist" / "mermaid.min.js"
    assert script.is_file(), f"{script} is missing: `make test-full` installs it with npm"
    return script


@pytest.mark.parametrize("theme", ["default", "dark"])
def test_mermaid_draws_every_chart(theme: str, mermaid: Path, tmp_path: Path) -> None:
    """As GitHub sets it up (strict, light and dark), each summary's chart is drawn, with all of its bars."""
    assert len(CHARTS) > 5
    blocks = {}
    for name in CHARTS:
        found = re.findall(r"```mermaid\n(.*?)```", (GOLDEN / "summary" / f"{name}.md").read_text("utf-8"), re.DOTALL)
        blocks |= {f"{name}-{number}": block for number, block in enumerate(found)}
    sources = [f'<pre id="{name}">{html.escape(block)}</pre>' for name, block in blocks.items()]
    page = f"""<!doctype html><meta charset=utf-8><body>{"".join(sources)}
<script src="{mermaid.as_uri()}"></script><script>
mermaid.initialize({{startOnLoad: false, securityLevel: "strict", theme: "{theme}"}});
(async () => {{
  for (const each of document.querySelectorAll("pre")) {{
    try {{ each.innerHTML = (await mermaid.render("chart-" + each.id, each.textContent)).svg; }}
    catch (error) {{ each.textContent = "FAILED: " + error; }}
  }}
}})();</script>"""
    shown = dom(page, tmp_path)
    assert ">FAILED" not in shown
    for name, block in blocks.items():
        chart = re.search(rf'<pre id="{name}">(.*?)</pre>', shown, re.DOTALL)
        assert chart and "<svg" in chart[1], name
        bars = [len(values.split(",")) for values in re.findall(r"^ *bar \[(.*)\]", block, re.MULTILINE)]
        assert bars, name
        assert chart[1].count("<rect") >= sum(bars), name


def test_the_demos_page_shows_the_run(tmp_path: Path) -> None:
    """Log, comment and summary are on one page, without script and network, with the chart as a picture."""
    page = render_report.page(
        log=(IMAGES / "log-rolled-back.ansi").read_text("utf-8"),
        comment=(IMAGES / "comment-rolled-back.md").read_text("utf-8"),
        summary=(GOLDEN / "summary" / "rolled-back.md").read_text("utf-8"),
    )
    assert "<script" not in page
    assert "default-src 'none'" in page
    shown = dom(page, tmp_path)
    assert all(f'<section id="{name}">' in shown for name in ("log", "comment", "summary"))
    assert shown.count('<svg class="chart"') == 1
    assert shown.count('<div class="alert caution">') == 2
    assert '<div class="error">' in shown
    assert shown.count("<details") == shown.count("</details>")
    assert "[!CAUTION]" not in shown
    assert "\x1b" not in shown


def test_the_pictures_show_the_reports_as_they_are() -> None:
    """`make pictures` was run after the last change of a text that is shown, and nothing else lies there."""
    texts = [path.name for path in IMAGES.iterdir() if path.suffix in (".md", ".ansi")]
    assert (IMAGES / "sources.txt").read_text("utf-8") == pictures.sources()
    assert {path.name for path in IMAGES.glob("*.png")} == {name for text in texts for name in pictures.names(text)}


def test_mermaid_draws_the_chart_of_the_picture(mermaid: Path, tmp_path: Path) -> None:
    """In the summary's picture the charts are Mermaid's own."""
    assert mermaid == pictures.MERMAID
    charts = (IMAGES / "summary-succeeded.md").read_text("utf-8").count("```mermaid")
    page = pictures.page(IMAGES / "summary-succeeded.md")
    assert page.count('<div class="mermaid">') == charts >= 1
    assert '<svg class="chart"' not in page


def test_pictures_are_as_high_as_their_page(tmp_path: Path) -> None:
    """A picture for the README is not cut off."""
    target = tmp_path / "picture.png"
    pictures.shoot("<body style='margin:0'><div style='height:1234px'>x</div>", target)
    assert pictures.size_of(target) == (pictures.SCALE * pictures.WIDTH, pictures.SCALE * 1234)
