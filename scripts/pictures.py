"""Makes docs/images/: the reports of runs on the emulator (scripts/scenes.py) as GitHub shows them, by Chromium.

    python scripts/pictures.py [folder]        needs `chromium` (or CHROMIUM=/path/to/it)

Beside each text are two pictures of it, for light and dark pages, at twice the size in points. The same renderer makes
the demo's page. The chart is drawn by Mermaid itself, as on GitHub, where `make pictures` has installed it.
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
import scenes

ROOT = Path(__file__).parents[1]
IMAGES = ROOT / "docs" / "images"
MERMAID = ROOT / "tests" / "browser" / "node_modules" / "mermaid" / "dist" / "mermaid.min.js"
WIDTH, SCALE = 900, 2
OF_A_LOG = 1090  # whose lines are not broken then
MODES = ("light", "dark")


def page(source: Path) -> str:
    """One report on a page of its own, without a frame."""
    text = source.read_text(encoding="utf-8")
    if source.suffix == ".ansi":
        body = f'<div class="log">{render_report.log_html(text)}</div>'
    else:
        head = "<b>github-actions</b> commented" if source.name.startswith("comment") else "<b>deploy</b> summary"
        body = render_report.box(head, text)
        if MERMAID.is_file():
            body = _by_mermaid(body, text)
    style = f"{render_report.CSS}body{{background:transparent}}.box{{background:var(--bg)}}"
    return f"<!doctype html><meta charset=utf-8><style>{style}</style>{body}"


def _by_mermaid(body: str, text: str) -> str:
    """The page with the chart's source in the place of our own drawing."""
    sources = re.findall(r"^```mermaid\n(.*?)^```$", text, re.DOTALL | re.MULTILINE)
    for source in sources:
        drawing = f'<div class="mermaid">{html.escape(source)}</div>'
        body = re.sub(
            r'<svg class="chart".*?</svg>', lambda _, drawing=drawing: drawing, body, count=1, flags=re.DOTALL
        )
    return body


def shoot(content: str, target: Path, *, dark: bool = False, width: int = WIDTH) -> None:
    """A picture of a page, as high as the page is."""
    browser = os.environ.get("CHROMIUM") or shutil.which("chromium") or shutil.which("google-chrome")
    if browser is None:
        raise SystemExit("chromium is not installed (or name it by CHROMIUM)")
    with tempfile.TemporaryDirectory() as folder:
        source = Path(folder, "page.html")
        # The page says how high it is, in a title that --dump-dom shows.
        measure = "document.title='height='+document.documentElement.scrollHeight"
        script = f"<script>onload=()=>{{{measure}}}</script>"
        theme = "dark" if dark else "default"
        if '<div class="mermaid">' in content:
            setup = f'mermaid.initialize({{startOnLoad:false,securityLevel:"strict",theme:"{theme}"}})'
            script = f'<script src="{MERMAID.as_uri()}"></script>'
            script += f"<script>{setup};mermaid.run().then(()=>{{{measure}}})</script>"
        source.write_text(content + script, encoding="utf-8")
        flags = [
            "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--hide-scrollbars",
            "--disable-background-networking", "--disable-component-update", "--disable-sync",
            f"--user-data-dir={folder}/profile", f"--force-device-scale-factor={SCALE}",
            "--default-background-color=00000000",
            "--allow-file-access-from-files", "--virtual-time-budget=20000",
            *(["--blink-settings=preferredColorScheme=0"] if dark else []),
        ]  # fmt: skip
        run = [browser, *flags, f"--window-size={width},200"]
        dom = subprocess.run(
            [*run, "--dump-dom", source.as_uri()], capture_output=True, text=True, timeout=120, check=True
        ).stdout
        height = re.search(r"<title>height=(\d+)</title>", dom)
        size = f"--window-size={width},{int(height[1]) if height else 1200}"
        command = [browser, *flags, size, f"--screenshot={target}", source.as_uri()]
        subprocess.run(command, capture_output=True, timeout=120, check=True)


def size_of(picture: Path) -> tuple[int, int]:
    """Width and height of a PNG, from its header."""
    width, height = struct.unpack(">II", picture.read_bytes()[16:24])
    return width, height


def names(text: str) -> dict[str, bool]:
    """The pictures of a text, each with whether it is the dark one."""
    return {f"{Path(text).stem}-{mode}.png": mode == "dark" for mode in MODES}


def sources(folder: Path = IMAGES) -> str:
    """What the pictures were made of, by hash: `docs/images/sources.txt` says so for those that are there."""
    texts = sorted(path for path in folder.iterdir() if path.suffix in (".md", ".ansi"))
    return "".join(f"{hashlib.sha256(path.read_bytes()).hexdigest()[:32]}  {path.name}\n" for path in texts)


def main(folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    for name, text in scenes.play().items():
        (folder / name).write_text(text, encoding="utf-8")
        for picture, dark in names(name).items():
            width = OF_A_LOG if name.startswith("log") else WIDTH
            shoot(page(folder / name), folder / picture, dark=dark, width=width)
    (folder / "sources.txt").write_text(sources(folder), encoding="utf-8")


if __name__ == "__main__":
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else IMAGES)
