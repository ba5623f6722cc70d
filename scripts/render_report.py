"""Makes one HTML page of a run's log, pull request comment and job summary, looking as GitHub shows them.

    python scripts/render_report.py demo-report      reads log.txt, comment.md, summary.md; writes index.html

The page needs no network and runs no script. Markdown is rendered by markdown-it-py with GitHub's extensions; the
Mermaid charts of the summary are drawn here by our own few lines (GitHub uses Mermaid itself).
"""

from __future__ import annotations

import html
import re
import sys
from pathlib import Path

from markdown_it import MarkdownIt

CSS = """
:root { color-scheme: light dark; --bg:#fff; --fg:#1f2328; --muted:#59636e; --line:#d1d9e0; --soft:#f6f8fa;
  --code:rgba(129,139,152,.12); --link:#0969da; --good:#1a7f37; --bad:#cf222e; --warn:#9a6700; --note:#0969da; }
@media (prefers-color-scheme: dark) { :root { --bg:#0d1117; --fg:#f0f6fc; --muted:#9198a1; --line:#3d444d;
  --soft:#151b23; --code:rgba(101,108,118,.2); --link:#4493f8; --good:#3fb950; --bad:#f85149; --warn:#d29922;
  --note:#4493f8; } }
* { box-sizing: border-box; }
body { margin:0; background:var(--bg); color:var(--fg); line-height:1.5;
  font:14px/1.5 -apple-system,BlinkMacSystemFont,"Segoe UI","Noto Sans",Helvetica,Arial,sans-serif,"Noto Color Emoji"; }
main { max-width:1012px; margin:0 auto; padding:24px 16px 64px; }
h1.page { font-size:24px; font-weight:400; margin:0 0 4px; }
p.page { color:var(--muted); margin:0 0 24px; }
nav a { margin-right:16px; }
section > h2 { font-size:16px; font-weight:600; margin:32px 0 12px; }
a { color:var(--link); text-decoration:none; } a:hover { text-decoration:underline; }
.box { border:1px solid var(--line); border-radius:6px; }
.box > header { background:var(--soft); border-bottom:1px solid var(--line); border-radius:6px 6px 0 0;
  padding:8px 16px; color:var(--muted); } .box > header b { color:var(--fg); }
.box > .markdown { padding:16px; }
.markdown > :first-child { margin-top:0; } .markdown > :last-child { margin-bottom:0; }
.markdown h1,.markdown h2 { border-bottom:1px solid var(--line); padding-bottom:.3em; }
.markdown h2 { font-size:1.5em; } .markdown h3 { font-size:1.25em; }
.markdown h1,.markdown h2,.markdown h3 { margin:24px 0 16px; font-weight:600; line-height:1.25; }
.markdown p,.markdown table,.markdown ul,.markdown pre,.markdown details,.markdown blockquote { margin:0 0 16px; }
.markdown table { border-collapse:collapse; display:block; width:max-content; max-width:100%; overflow:auto; }
.markdown th,.markdown td { border:1px solid var(--line); padding:6px 13px; }
.markdown th { font-weight:600; } .markdown tr:nth-child(2n) td { background:var(--soft); }
code,pre { font:12px/1.45 ui-monospace,SFMono-Regular,"SF Mono",Menlo,Consolas,"Liberation Mono",monospace; }
.markdown :not(pre) > code { background:var(--code); border-radius:6px; padding:.2em .4em; }
.markdown pre { background:var(--soft); border-radius:6px; padding:16px; overflow:auto; }
.markdown ul { padding-left:2em; } .markdown summary { cursor:pointer; }
.markdown details > :nth-child(2) { margin-top:12px; }
.markdown blockquote { border-left:.25em solid var(--line); color:var(--muted); padding:0 1em; }
.markdown sub { font-size:75%; line-height:1.8; vertical-align:baseline; color:var(--muted); }
.alert { border-left:.25em solid; padding:8px 16px; margin:0 0 16px; } .alert > :last-child { margin-bottom:0; }
.alert > .markdown-alert-title { font-weight:500; }
.alert.caution { border-color:var(--bad); } .alert.caution > .markdown-alert-title { color:var(--bad); }
.alert.warning { border-color:var(--warn); } .alert.warning > .markdown-alert-title { color:var(--warn); }
.alert.important { border-color:#8250df; } .alert.important > .markdown-alert-title { color:#8250df; }
.alert.note { border-color:var(--note); } .alert.note > .markdown-alert-title { color:var(--note); }
.log { background:#010409; color:#e6edf3; border-radius:6px; padding:16px 0; overflow:auto; }
.log div,.log summary { white-space:pre-wrap; overflow-wrap:anywhere; padding:0 16px; min-height:1.45em;
  font:12px/1.6 ui-monospace,SFMono-Regular,Menlo,Consolas,"Liberation Mono","DejaVu Sans Mono",monospace; }
.log summary { cursor:pointer; } .log .error { background:#490202; } .log .warning { background:#341a00; }
.log .b { font-weight:700; } .log .d { color:#8b949e; } .log .c31 { color:#ff7b72; } .log .c32 { color:#3fb950; }
.log .c33 { color:#d29922; } .log .c34 { color:#58a6ff; } .log .c36 { color:#39c5cf; }
svg.chart { width:100%; max-width:860px; height:auto; display:block; margin:0 0 16px;
  font-size:12px; fill:currentColor; }
"""


def page(*, log: str, comment: str, summary: str, title: str = "ci-deploy") -> str:
    """The page as HTML. `log` is what the process wrote to stdout, with its colours and workflow commands."""
    parts = [_section("log", "Job log", f'<div class="log">{log_html(log)}</div>')]
    if comment:
        head = "<b>github-actions</b> commented, and edited"
        parts.append(_section("comment", "Pull request comment", box(head, comment)))
    if summary:
        parts.append(_section("summary", "Job summary", box("<b>deploy</b> summary", summary)))
    links = " ".join(f'<a href="#{name}">{text}</a>' for name, text in _CONTENTS)
    return f"""<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{html.escape(title)}</title>
<style>{CSS}</style>
</head>
<body>
<main>
<h1 class="page">{html.escape(title)}</h1>
<p class="page">What people see of one run, rendered as on GitHub. <nav>{links}</nav></p>
{"".join(parts)}
</main>
</body>
</html>
"""


_CONTENTS = (("log", "Job log"), ("comment", "Pull request comment"), ("summary", "Job summary"))


def _section(name: str, title: str, body: str) -> str:
    return f'<section id="{name}"><h2>{title}</h2>{body}</section>\n'


def box(head: str, markdown: str) -> str:
    return f'<div class="box"><header>{head}</header><div class="markdown">{markdown_html(markdown)}</div></div>'


def markdown_html(text: str) -> str:
    """GitHub's Markdown as HTML: tables, alerts, details, and Mermaid charts as pictures."""
    md = MarkdownIt("commonmark", {"html": True}).enable(["table", "strikethrough"])
    rendered = md.render(re.sub(r"\A<!-- ci-deploy:.*? -->\n", "", text))
    rendered = re.sub(
        r'<pre><code class="language-mermaid">(.*?)</code></pre>',
        lambda match: chart_svg(html.unescape(match[1])) or match[0],
        rendered,
        flags=re.DOTALL,
    )
    return re.sub(r"<blockquote>\n<p>\[!(\w+)\]\n?(.*?)</blockquote>", _alert, rendered, flags=re.DOTALL)


def _alert(match: re.Match[str]) -> str:
    kind = match[1].lower()
    title = f'<p class="markdown-alert-title">{_ALERTS.get(kind, "")} {kind.capitalize()}</p>'
    return f'<div class="alert {kind}">{title}<p>{match[2]}</div>'


_ALERTS = {"caution": "⛔", "warning": "⚠", "important": "❗", "note": "ⓘ"}


def chart_svg(source: str) -> str:
    """The charts of reporters/rendering/chart.py as SVG; empty for any other diagram."""
    plots = [
        (kind, [float(value) for value in values.split(",")])
        for kind, values in re.findall(r"^\s*(bar|line) \[([\d., e-]+)\]", source, re.MULTILINE)
    ]
    across = re.search(r'^\s*x-axis "([a-z]+)" (?:\[([^]]*)\]|0 --> ([\d.]+))', source, re.MULTILINE)
    up = re.search(r'^\s*y-axis "[a-z]+" 0 --> ([\d.]+)', source, re.MULTILINE)
    title = re.search(r'^\s*title "([^"]*)"', source, re.MULTILINE)
    palette = re.search(r'plotColorPalette: "([#0-9a-f, ]+)"', source)
    if not (plots and across and up and title and palette):
        return ""
    left, top, width, height = 48, 32, 790, 150
    most = float(up[1])
    slot = width / len(plots[0][1])
    names = across[2].split(", ") if across[2] else []
    wide = slot * 0.7 if names else slot + 0.3  # bars with names stand apart

    bottom = top + height

    def y(value: float) -> float:
        return bottom - height * value / most

    shapes = []
    for (kind, values), color in zip(plots, palette[1].split(", "), strict=False):
        centers = [left + (n + 0.5) * slot for n in range(len(values))]
        if kind == "bar":
            bars = (
                f'<rect x="{x - wide / 2:.2f}" y="{y(value):.2f}" width="{wide:.2f}" height="{bottom - y(value):.2f}"/>'
                for x, value in zip(centers, values, strict=True)
            )
            shapes.append(f'<g fill="{color}">{"".join(bars)}</g>')
        else:
            points = " ".join(f"{x:.2f},{y(value):.2f}" for x, value in zip(centers, values, strict=True))
            shapes.append(f'<polyline points="{points}" fill="none" stroke="{color}" stroke-width="2"/>')
    scale = [
        f'<line x1="{left}" x2="{left + width}" y1="{y(value):.1f}" y2="{y(value):.1f}" stroke="currentColor" '
        f'stroke-opacity=".15"/><text x="{left - 8}" y="{y(value) + 4:.0f}" text-anchor="end">{value:g}</text>'
        for value in _ticks(most, 5)
    ]
    length = float(across[3] or len(names))
    marks = [(left + width * at / length, f"{at:.3g}") for at in _ticks(length, 12)]
    if names:
        marks = [(left + (n + 0.5) * slot, name) for n, name in enumerate(names)]
    under = [f'<text x="{x:.0f}" y="{bottom + 18}" text-anchor="middle">{text}</text>' for x, text in marks]
    middle = left + width / 2
    return (
        f'<svg class="chart" viewBox="0 0 860 226" role="img" aria-label="{html.escape(title[1])}">'
        f'<text x="{middle}" y="16" text-anchor="middle" font-size="14">{html.escape(title[1])}</text>'
        f"{''.join([*scale, *shapes, *under])}"
        f'<text x="{middle}" y="{bottom + 38}" text-anchor="middle">{html.escape(across[1])}</text></svg>'
    )


def _ticks(length: float, most: int) -> list[float]:
    """From 0 in round steps of which so many at most fit into the length."""
    steps = (digit * 10**exponent for exponent in range(-2, 12) for digit in (1, 2, 5))
    step = next(step for step in steps if length / step <= most)
    return [round(n * step, 6) for n in range(int(length / step + 1e-9) + 1)]


def log_html(text: str) -> str:
    """The job log as the web shows it: groups folded, annotations marked, colours."""
    parts = []
    depth = 0
    for line in text.splitlines():
        command = re.match(r"::(group|endgroup|error|warning|notice|debug|add-mask)(?: ([^:]*))?::(.*)", line)
        if command is None:
            parts.append(f"<div>{_ansi(line)}</div>")
        elif command[1] == "group":
            parts.append(f"<details><summary>{html.escape(_unescape(command[3]))}</summary>")
            depth += 1
        elif command[1] == "endgroup":
            parts.append("</details>" if depth else "")
            depth = max(0, depth - 1)
        elif command[1] in ("error", "warning", "notice"):
            rows = _unescape(command[3]).split("\n")
            rows[0] = f"{command[1].capitalize()}: {rows[0]}"
            parts += [f'<div class="{command[1]}">{html.escape(row)}</div>' for row in rows]
    return "".join(parts) + "</details>" * depth


def _unescape(data: str) -> str:
    return data.replace("%0A", "\n").replace("%0D", "\r").replace("%25", "%")


def _ansi(line: str) -> str:
    """Text with SGR sequences as HTML."""
    classes = {"1": "b", "2": "d"} | {str(n): f"c{n}" for n in range(31, 37)}
    parts, is_open = [], False
    for piece in re.split(r"(\x1b\[[0-9;]*m)", line):
        if not piece.startswith("\x1b["):
            parts.append(html.escape(re.sub(r"[\x00-\x08\x0b-\x1f\x7f]", "", piece)))
            continue
        if is_open:
            parts.append("</span>")
        names = [classes[code] for code in piece[2:-1].split(";") if code in classes]
        is_open = bool(names)
        if names:
            parts.append(f'<span class="{" ".join(names)}">')
    return "".join(parts) + ("</span>" if is_open else "")


def main(folder: Path) -> None:
    """Write index.html next to the run's log, comment and summary; those that are not there are left out."""

    def read(name: str) -> str:
        path = folder / name
        return path.read_text(encoding="utf-8", errors="replace") if path.exists() else ""

    text = page(log=read("log.txt"), comment=read("comment.md"), summary=read("summary.md"), title="ci-deploy: a run")
    (folder / "index.html").write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
