"""The smoke file's cases with every mistake at its line, and how an answer differs from what a case expects."""

from __future__ import annotations

import json
from typing import Any

import pytest

from ci_deploy.core.errors import InvalidInput
from ci_deploy.core.given.files import smoke
from ci_deploy.core.given.files.smoke import MAX_CASES, Anything, Case, Matches, differs, plain, read
from tests.support.golden import Told, shown


def cases(text: str) -> tuple[Case, ...]:
    return read(text, where="smoke file `smoke.yml`")


def mistakes(text: str) -> list[str]:
    with pytest.raises(InvalidInput) as caught:
        cases(text)
    return [f"{each.where.rpartition('`, ')[2]}: {each.what} {each.remedy}".strip() for each in caught.value.problems]


ALL = """\
- name: health
  event: {path: /health}
  expect: {statusCode: 200, body: {status: ok, build: {matches: "^[0-9]+$"}}}
  within: 2s
  tenant: blue
  durable: true
- name: empty
  event:
"""


def test_a_list_is_a_list_of_cases() -> None:
    expect = {"statusCode": 200, "body": {"status": "ok", "build": Matches("^[0-9]+$")}}
    assert cases(ALL) == (
        Case(name="health", payload='{"path":"/health"}', expect=expect, within=2.0, tenant="blue", durable=True),
        Case(name="empty", payload="null", expect=Anything()),
    )


def test_json_is_read_as_yaml_is_tabs_and_escapes_too() -> None:
    text = '[\n\t{"name": "a",'
    text += '\n\t "event": {"path": "\\/a", "on": "\\ud83d\\ude00"}, "expect": [1, 1.5, true, null, "1"]}\n]'
    (case,) = cases(text)
    assert json.loads(case.payload) == {"path": "/a", "on": "😀"}
    assert case.expect == [1, 1.5, True, None, "1"]


@pytest.mark.parametrize(
    "text",
    ['{"path": "/health"}', "path: /health", '\ufeff{\n\t"path":\t"\\/health"\n}', "# an event\npath: /health\n"],
)
def test_a_file_that_is_one_event_is_one_case(text: str) -> None:
    assert cases(text) == (Case(name="event", payload='{"path":"/health"}'),)


def test_an_event_may_look_like_anything_and_only_a_case_outside_a_list_is_doubtful() -> None:
    assert cases("{event: x, source: y}")[0].payload == '{"event":"x","source":"y"}'
    assert cases("{name: x}")[0].payload == '{"name":"x"}'
    assert cases("matches: x")[0].payload == '{"matches":"x"}'  # it is a matcher in `expect` alone


@pytest.mark.parametrize(
    "text",
    [
        "name: a\nevent: {}",
        "hello",
        "[]",
        "- hello",
        "- {event: {}}",
        "- name:\n  event: {}",
        "- name: a",
        "- {name: a, event: 1}\n- {name: a, event: 2}",
        "- name: a\n  event: 1\n  expected: 2",
        "- name: a\n  event: {x: 1, x: 2}",
        "- name: [a]\n  event: 1",
        f"- name: {'a' * 101}\n  event: 1",
        "- name: a\n  event: 1\n  within: soon",
        "- name: a\n  event: 1\n  within: 16m",
        "- name: a\n  event: 1\n  tenant: 'a,b'",
        "- name: a\n  event: 1\n  durable: maybe",
        "- name: a\n  event: 1\n  expect: {matches: '('}",
        "- name: a\n  event: 1\n  expect: {matches: [a]}",
        "- name: a\n  event: .inf",
        "- name: a\n  event: -.Inf",
        "- name: a\n  event: .nan",
        "- name: a\n  event: 1e999",
        "- name: a\n  event: &x 1",
        "- name: a\n  event: !Ref x",
        "",
    ],
    ids=shown,
)
def test_every_mistake_is_told_with_its_line(text: str, told: Told) -> None:
    assert mistakes(text) == told


def test_all_mistakes_are_told_at_once() -> None:
    assert len(mistakes("- event: 1\n- name: b\n- name: c\n  event: 1\n  within: x")) == 3


def test_what_is_too_much_is_refused(told: Told) -> None:
    many = "\n".join(f"- {{name: c{number}, event: 1}}" for number in range(MAX_CASES + 1))
    assert mistakes(many) == told
    assert len(cases(many.rpartition("\n")[0])) == MAX_CASES


def test_an_event_of_the_largest_size_is_sent(monkeypatch: pytest.MonkeyPatch, told: Told) -> None:
    assert smoke.MAX_EVENT == 6 * 1024 * 1024  # too much for a test to scan
    monkeypatch.setattr(smoke, "MAX_EVENT", 1000)
    assert len(cases(json.dumps([{"name": "a", "event": "x" * 998}]))[0].payload) == 1000
    large = json.dumps([{"name": "a", "event": "x" * 999}])
    assert mistakes(large) == told


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("", None), ("~", None), ("null", None), ("Null", None), ("nULL", "nULL"),
        ("true", True), ("True", True), ("FALSE", False), ("yes", "yes"), ("no", "no"), ("off", "off"), ("y", "y"),
        ("0", 0), ("010", 10), ("-3", -3), ("+3", 3), ("0o14", 12), ("0x1F", 31), ("1_000", "1_000"),
        ("12:30", "12:30"),
        ("1.5", 1.5), (".5", 0.5), ("1.", 1.0), ("1e3", 1000.0), ("-1.5E-1", -0.15), ("2026-01-01", "2026-01-01"),
        (".inf", float("inf")), ("-.INF", float("-inf")), ("9" * 5000, float("inf")), ("text", "text"),
    ],
)  # fmt: skip
def test_plain_scalars_are_what_yaml_1_2_says(text: str, value: Any) -> None:
    found = plain(text)
    assert (found, type(found)) == (value, type(value))


def test_what_is_in_quotes_or_a_block_is_text() -> None:
    assert (
        cases("- name: a\n  event: ['1', \"true\", |-\n    null\n   ]".replace(", |-\n    null\n   ]", "]"))[0].payload
        == '["1","true"]'
    )
    assert cases("- name: a\n  event: |-\n    5\n")[0].payload == '"5"'


def differences(expect: Any, answer: Any, *, openly: bool = True) -> list[str]:
    text = answer if isinstance(answer, str) else json.dumps(answer)
    return [each.told(openly=openly) for each in differs(Case(name="a", payload="{}", expect=expect), text)]


@pytest.mark.parametrize(
    ("expect", "answer"),
    [
        (Anything(), "no JSON"),
        (None, ""),
        (None, "null"),
        (1, 1.0),
        ({}, {"more": 1}),
        ({"a": {"b": 1}}, {"a": {"b": 1, "c": 2}, "d": 3}),
        ([1, {"a": 2}], [1, {"a": 2, "b": 3}]),
        ({"a": Matches("^v[0-9]+")}, {"a": "v12-rc"}),
        (Matches("k"), '"ok"'),
        ({"body": {"ok": True}}, {"body": '{"ok": true, "more": 1}'}),
        ({"body": [1]}, {"body": "[1]"}),
        ({"body": '{"ok":true}'}, {"body": '{ "ok" : true }'}),
        ({"body": {"ok": True}}, {"body": {"ok": True}}),
        ({"body": "plain"}, {"body": "plain"}),
        ({"body": Matches('^{"ok"')}, {"body": '{"ok": true}'}),
        ({"response": {"body": {"a": 1}}}, {"response": {"body": '{"a": 1}'}}),
    ],
)
def test_what_is_expected_is_a_subset_of_the_answer(expect: Any, answer: Any) -> None:
    assert differences(expect, answer) == []


@pytest.mark.parametrize(
    ("expect", "answer"),
    [
        (1, "no JSON"),
        (1, "[" * 100_000),
        (1, ""),
        (True, 1),
        (1, True),
        ("1", 1),
        (None, 0),
        ({"a": 1}, [1]),
        ([1], {"a": 1}),
        ({"a": {"b": 1}}, {"a": {"c": 1}}),
        ({"a": Matches("x")}, {}),
        ({"a": None}, {}),
        ([1, 2], [1]),
        ([{"a": 1}], [{"a": 2}]),
        ({"a": [1, 2]}, {"a": [1, 3, 4]}),
        ({"a": Matches("^v")}, {"a": "w"}),
        ({"a": Matches("1")}, {"a": 1}),
        ({"a": {"b": Matches("1")}}, {"a": 1}),
        ({"a": 1, "b": 2}, {"a": 2, "b": 3}),
        ({"body": {"ok": True}}, {"body": '{"ok": false}'}),
        ({"body": {"ok": True}}, {"body": "down"}),
        ({"body": "up"}, {"body": '{"ok": false}'}),
        ({"text": {"ok": True}}, {"text": '{"ok": true}'}),
    ],
    ids=shown,
)
def test_what_differs_is_said_with_its_place(expect: Any, answer: Any, told: Told) -> None:
    assert differences(expect, answer) == told


def test_what_the_function_answered_is_said_only_openly(told: Told) -> None:
    expect = {"a": 1, "b": Matches("x"), "c": [1], "d": 2}
    found = differences(expect, {"a": "secret", "b": "secret", "c": ["secret", 2]}, openly=False)
    assert "secret" not in "".join(found)
    assert found == told
