"""The charts on the demo's page: everything that a summary's charts have, within their frames."""

from __future__ import annotations

import re
import xml.etree.ElementTree as ET
from pathlib import Path

import pytest
from storyteller import Release

from ci_deploy.reporters.rendering import chart
from scripts import render_report

SUMMARIES = Path(__file__).parents[1] / "golden" / "summary"
CHARTS = {
    f"{path.stem}-{number}": source
    for path in sorted(SUMMARIES.glob("*.md"))
    for number, source in enumerate(re.findall(r"```mermaid\n(.*?)```", path.read_text("utf-8"), re.DOTALL))
}


def rows(kind: str, source: str) -> list[list[float]]:
    """The values of a chart's bars or lines."""
    found = re.findall(rf"^ *{kind} \[(.*)\]", source, re.MULTILINE)
    return [[float(value) for value in row.split(",")] for row in found]


@pytest.mark.parametrize("name", CHARTS)
def test_every_series_is_drawn_in_its_color_and_within_the_frame(name: str) -> None:
    source = CHARTS[name]
    picture = ET.fromstring(render_report.chart_svg(source))
    palette = re.findall(r"#[0-9a-f]{6}", source)
    bars, lines = rows("bar", source), rows("line", source)
    groups, curves = picture.findall("g"), picture.findall("polyline")
    assert [group.get("fill") for group in groups] + [curve.get("stroke") for curve in curves] == palette
    frame = [float(line.get("y1", "")) for line in picture.findall("line")]
    bottom, highest = max(frame), 32.0
    for values, group in zip(bars, groups, strict=True):
        shapes = [{key: float(value) for key, value in each.items()} for each in group]
        assert len(shapes) == len(values)
        assert all(highest <= each["y"] and each["y"] + each["height"] <= bottom + 0.01 for each in shapes)
        # The higher the value, the higher the bar.
        assert sorted(range(len(values)), key=lambda n: (values[n], n)) == sorted(
            range(len(values)), key=lambda n: (shapes[n]["height"], n)
        )
    for values, curve in zip(lines, curves, strict=True):
        points = [tuple(map(float, point.split(","))) for point in curve.get("points", "").split()]
        assert len(points) == len(values)
        assert all(highest <= y <= bottom for _, y in points)


@pytest.mark.parametrize("name", CHARTS)
def test_title_and_scales_are_those_of_the_chart(name: str) -> None:
    source = CHARTS[name]
    texts = [each.text or "" for each in ET.fromstring(render_report.chart_svg(source)).findall("text")]
    assert texts[0] == (re.findall(r'title "(.*)"', source) or [""])[0]
    names = re.findall(r'x-axis "minutes" \[(.*)\]', source)
    if names:
        assert texts[-1 - len(names[0].split(", ")) : -1] == names[0].split(", ")
    most = float(re.findall(r"y-axis .* --> (.*)", source)[0])
    up = [float(each) for each in texts[1:] if each.replace(".", "").isdigit()]
    assert 0.6 * most < max(value for value in up if value <= most) <= most


def test_another_diagram_stays_as_it_is() -> None:
    text = "```mermaid\ngraph TD\n    a --> b\n```\n"
    assert render_report.chart_svg("graph TD\n    a --> b\n") == ""
    assert "graph TD" in render_report.markdown_html(text)


@pytest.mark.parametrize("most", [0, 1, 7, 10, 11, 266, 351, 999, 1_000, 123_456])
def test_a_scale_ends_at_or_soon_above_its_highest_value(most: int) -> None:
    assert most <= chart._top(most) <= max(10, 1.75 * most)


@pytest.mark.parametrize(
    ("minutes", "ends"), [(20, range(1, 21)), (21, [*range(2, 21, 2), 21]), (90, range(5, 91, 5))], ids=str
)
def test_each_bar_of_calls_has_its_last_minute_under_it_and_none_is_left_out(minutes: int, ends: range) -> None:
    story = Release().measured(*[(2, 1, 8, 0)] * minutes).story
    source = chart.calls(story)
    names = re.findall(r'x-axis "minutes" \[(.*)\]', source)[0].split(", ")
    assert names == [str(end) for end in ends]
    assert len(names) <= chart.NAMED_BARS
    assert [sum(row) for row in (*rows("bar", source), *rows("line", source))] == [
        10 * minutes, 2 * minutes, minutes, 0,
    ]  # fmt: skip
