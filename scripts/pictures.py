"""Makes docs/images/ from the golden files: the reports as GitHub shows them, by headless Chromium.

    python scripts/pictures.py [folder]        needs `chromium` (or CHROMIUM=/path/to/it)

The same renderer makes the demo's page, so the pictures show what the tests compare. The chart is drawn by Mermaid
itself, as on GitHub, where `make pictures` has installed it.
"""

from __future__ import annotations

import hashlib
import html
import os
import re
import shutil
import struct
import subprocess
import sys
import tempfile
from pathlib import Path

import render_report

ROOT = Path(__file__).parents[1]
GOLDEN = ROOT / "tests" / "reporters" / "golden"
MERMAID = ROOT / "tests" / "browser" / "node_modules" / "mermaid" / "dist" / "mermaid.min.js"
WIDTH = 900
# Picture: the golden file, and whether its folded parts are shown.
PICTURES = {
    "comment-running.png": ("comment/running.md", False),
    "comment-succeeded.png": ("comment/succeeded.md", False),
    "comment-rolled-back.png": ("comment/rolled-back.md", False),
    "comment-release.png": ("comment/release-twelve.md", False),
    "comment-plan.png": ("comment/plan-findings.md", False),
    "comment-status.png": ("comment/status.md", False),
    "summary-succeeded.png": ("summary/succeeded.md", False),
    "summary-failed-hook.png": ("summary/failed-hook.md", True),
    "log-rolled-back.png": ("log/rolled-back.ansi", False),
}


def page(source: Path, unfolded: bool) -> str:
    """One report on a page of its own."""
    text = source.read_text(encoding="utf-8")
    if source.suffix == ".ansi":
        body = f'<div class="log">{render_report.log_html(as_stdout(text))}</div>'
    else:
        text = text.replace("<details>", "<details open>") if unfolded else text
        head = "<b>github-actions</b> commented" if source.parent.name == "comment" else "<b>deploy</b> summary"
        body = render_report.box(head, text)
        if MERMAID.is_file():
            body = _by_mermaid(body, text)
    return f"<!doctype html><meta charset=utf-8><style>{render_report.CSS}body{{padding:16px}}</style>{body}"


def _by_mermaid(body: str, text: str) -> str:
    """The page with the chart's source in the place of our own drawing."""
    sources = re.findall(r"^```mermaid\n(.*?)^```$", text, re.DOTALL | re.MULTILINE)
    for source in sources:
        drawing = f'<div class="mermaid">{html.escape(source)}</div>'
        body = re.sub(
            r'<svg class="chart".*?</svg>', lambda _, drawing=drawing: drawing, body, count=1, flags=re.DOTALL
        )
    return body


def as_stdout(text: str) -> str:
    """The golden log writes groups and annotations for people; back to the runner's commands."""
    text = re.sub(r"^▶ ", "::group::", text, flags=re.MULTILINE)
    text = re.sub(r"^◀$", "::endgroup::", text, flags=re.MULTILINE)
    annotation = re.compile(r"^(ERROR|WARNING|NOTICE) \[.*?\] (.*)$", re.MULTILINE)
    return annotation.sub(lambda match: f"::{match[1].lower()}::{match[2].replace('⏎', '%0A')}", text)


def shoot(content: str, target: Path, *, dark: bool = False) -> None:
    """A picture of a page, as high as the page is."""
    browser = os.environ.get("CHROMIUM") or shutil.which("chromium") or shutil.which("google-chrome")
    if browser is None:
        raise SystemExit("chromium is not installed (or name it by CHROMIUM)")
    with tempfile.TemporaryDirectory() as folder:
        source = Path(folder, "page.html")
        # The page says how high it is, in a title that --dump-dom shows.
        measure = "document.title='height='+document.documentElement.scrollHeight"
        script = f"<script>onload=()=>{{{measure}}}</script>"
        if '<div class="mermaid">' in content:
            setup = 'mermaid.initialize({startOnLoad:false,securityLevel:"strict"})'
            script = f'<script src="{MERMAID.as_uri()}"></script>'
            script += f"<script>{setup};mermaid.run().then(()=>{{{measure}}})</script>"
        source.write_text(content + script, encoding="utf-8")
        flags = [
            "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--hide-scrollbars",
            "--disable-background-networking", "--disable-component-update", "--disable-sync",
            f"--user-data-dir={folder}/profile", "--force-device-scale-factor=1",
            "--allow-file-access-from-files", "--virtual-time-budget=20000",
            *(["--blink-settings=preferredColorScheme=0"] if dark else []),
        ]  # fmt: skip
        run = [browser, *flags, f"--window-size={WIDTH},200"]
        dom = subprocess.run(
            [*run, "--dump-dom", source.as_uri()], capture_output=True, text=True, timeout=120, check=True
        ).stdout
        height = re.search(r"<title>height=(\d+)</title>", dom)
        size = f"--window-size={WIDTH},{int(height[1]) if height else 1200}"
        command = [browser, *flags, size, f"--screenshot={target}", source.as_uri()]
        subprocess.run(command, capture_output=True, timeout=120, check=True)


def size_of(picture: Path) -> tuple[int, int]:
    """Width and height of a PNG, from its header."""
    width, height = struct.unpack(">II", picture.read_bytes()[16:24])
    return width, height


def sources() -> str:
    """What the pictures are made of, by hash: `docs/images/sources.txt` says so for those that are there."""
    rows = []
    for name, (source, _) in sorted(PICTURES.items()):
        rows.append(f"{hashlib.sha256((GOLDEN / source).read_bytes()).hexdigest()[:32]}  {name}  {source}")
    return "\n".join(rows) + "\n"


def main(folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "sources.txt").write_text(sources(), encoding="utf-8")
    for name, (source, unfolded) in PICTURES.items():
        shoot(page(GOLDEN / source, unfolded), folder / name)


if __name__ == "__main__":
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else ROOT / "docs" / "images")
