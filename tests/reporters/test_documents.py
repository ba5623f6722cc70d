"""Whole documents of hostile stories: only our own elements, no pings, never too large; and a log without commands."""

from __future__ import annotations

import io
import itertools
import json
import re
import tempfile
import unicodedata
from collections.abc import Callable, Iterator
from dataclasses import fields, is_dataclass, replace
from enum import Enum
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sinks import Hub, Papers, Screen
from storyteller import IDENTITY, INPUTS, PULL_REQUEST, Release, scenarios
from test_comment import AtOnce
from test_escape import github, hostile, pings

from ci_deploy.core.aws import Endpoint, LogLines
from ci_deploy.core.result import Diagnosis
from ci_deploy.core.run import Command, Context, Outcome
from ci_deploy.core.story import events as e
from ci_deploy.core.story.events import Event
from ci_deploy.core.story.timeline import Story, tell
from ci_deploy.edge.runner.files import RunnerFilesOnDisk, RunnerLog, Stdout
from ci_deploy.reporters import comment, summary
from ci_deploy.reporters.comment import CommentReporter
from ci_deploy.reporters.fanout import FanOut
from ci_deploy.reporters.github_deployment import GitHubDeploymentReporter
from ci_deploy.reporters.live import LiveReporter
from ci_deploy.reporters.log import LogReporter
from ci_deploy.reporters.outputs import OutputsReporter
from ci_deploy.reporters.rendering import sections
from ci_deploy.reporters.rendering.disclosure import in_public
from ci_deploy.reporters.rendering.sections import Section, fit
from ci_deploy.reporters.rewording import ForEverybody, reworded
from ci_deploy.reporters.summary import SummaryReporter
from tests.support.action import pairs
from tests.support.reasons import saying

OURS = set(
    "h2 h3 p table thead tbody tr th td a code pre details summary sub strong em ul li blockquote div".split()  # noqa: SIM905
)
KEPT = {"code", "key", "keys", "endpoint", "server_url", "api_url", "pull_request", "event_name", "inputs", "command"}
SCENARIOS = scenarios()
NAMES = ("rolled-back", "failed-hook", "running", "release-mixed", "refused", "status", "rollback-failed", "waiting")


def poisoned(value: Any, poison: str, name: str = "") -> Any:
    """The same event with every text in it replaced; enumerations and the function's key stay."""
    if name in KEPT and name != "inputs":
        return value
    if isinstance(value, Enum) or value is None:
        return value
    if isinstance(value, str):
        return f"{value[:3]}{poison}" if value else value
    if is_dataclass(value) and not isinstance(value, type):
        changed = {field.name: poisoned(getattr(value, field.name), poison, field.name) for field in fields(value)}
        return replace(value, **changed)
    if isinstance(value, tuple):
        return tuple(poisoned(item, poison) for item in value)
    if isinstance(value, dict) and name == "inputs":
        return {key: poisoned(item, poison) for key, item in value.items()}
    return value


def told(events: list[Event]) -> Story:
    story = Story()
    for event in events:
        story = tell(story, event)
    return story


@pytest.mark.parametrize("name", NAMES)
@given(poison=hostile)
@settings(max_examples=15, suppress_health_check=[HealthCheck.too_slow])
def test_hostile_stories_make_our_documents(name: str, poison: str) -> None:
    """Comment and summary have only elements of ours, links to the web, and nothing that pings or links."""
    story = told([poisoned(event, poison) for event in SCENARIOS[name].events])
    for text in (comment.render(story), summary.render(story)):
        page = github(text)
        assert set(page.tags) <= OURS, set(page.tags) - OURS
        ours = list(itertools.takewhile(lambda line: line.startswith("<!-- ci-deploy:"), text.splitlines()))
        assert len(page.comments) == len(ours) <= (2 if story.exit_code is None else 1)
        assert pings(page.live) == []
        for tag, attributes in page.elements:
            for key, value in attributes:
                known = {("a", "href"), ("code", "class"), ("div", "class"), ("p", "class"), ("details", "open")}
                assert (tag, key) in known
                assert key != "href" or str(value).startswith(("https://", "http://"))
        for _, attributes in page.elements:
            assert dict(attributes).get("class", "") in {
                "", "language-text", "language-sh", "language-mermaid", "markdown-alert markdown-alert-caution",
                "markdown-alert markdown-alert-warning", "markdown-alert-title",
            }  # fmt: skip


@pytest.mark.parametrize("name", NAMES)
@given(poison=hostile)
@settings(max_examples=15, suppress_health_check=[HealthCheck.too_slow])
def test_hostile_stories_make_no_commands(name: str, poison: str) -> None:
    """In the log the runner finds our groups and annotations and nothing else."""
    stream = io.BytesIO()
    reporter = LogReporter(RunnerLog(Stdout(stream), actions=True, colour=True))
    for event in SCENARIOS[name].events:
        reporter.report(poisoned(event, poison))
    opened = 0
    for raw in stream.getvalue().decode().split("\n"):
        assert "##[" not in raw
        assert re.sub(r"\x1b\[[0-9;]*m", "", raw).isprintable()
        if raw.strip().startswith("::"):
            command = re.fullmatch(r"::(group|endgroup|error|warning)( title=[^:]*)?::.*", raw)
            assert command, raw
            opened += {"group": 1, "endgroup": -1}.get(command[1], 0)
            assert 0 <= opened <= 1
    assert opened == 0


def texts(value: object) -> Iterator[str]:
    """Every text in a JSON document."""
    match value:
        case str():
            yield value
        case dict():
            for item in value.values():
                yield from texts(item)
        case list():
            for item in value:
                yield from texts(item)


def calm(text: str) -> bool:
    """No control or format character, no line break of any kind, no lone surrogate."""
    return not {unicodedata.category(character) for character in text} & {"Cc", "Cf", "Cs", "Zl", "Zp"}


@pytest.mark.parametrize("name", NAMES)
@given(poison=hostile)
@settings(max_examples=15, suppress_health_check=[HealthCheck.too_slow])
def test_hostile_stories_make_harmless_outputs(name: str, poison: str) -> None:
    """Each output is one line without a command; so is every text in `result` and in what `--json` prints."""
    printed: list[str] = []
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder, "output")
        file.touch()
        reporter = OutputsReporter(RunnerFilesOnDisk({"GITHUB_OUTPUT": str(file)}), printed.append)
        for event in SCENARIOS[name].events:
            reporter.report(poisoned(event, poison))
        outputs = pairs(file.read_text(encoding="utf-8"))
    values = list(outputs.values())
    for document in (outputs.get("result", "{}"), *printed):
        values += texts(json.loads(document))
        assert calm(document.replace("\n", ""))
    for value in values:
        assert calm(value)
        assert not value.lstrip().startswith("::")
        assert "##[" not in value


def release(count: int, **changes: Any) -> Release:
    keys = tuple(f"{'f' * 60}{n:04}:live" for n in range(count))
    return Release(*keys, inputs=INPUTS | {f"input-{n}": "x" * 5000 for n in range(60)}, **changes).all_shifted()


@pytest.mark.parametrize(("count", "size"), [(1, 1), (1, 300_000), (7, 30_000), (100, 3_000), (1000, 3_000)])
def test_documents_fit(count: int, size: int) -> None:
    """However many functions and however long their logs, GitHub takes the documents, and what was cut is said."""
    made = release(count)
    text = ("`|@x漢字 " * (size // 8 + 1))[:size]
    logs = tuple(LogLines(function=text[:140], group=text, lines=(text,) * 30) for _ in range(3))
    made.diagnosed_hook(reason=saying("hook", text, text), logs=logs, unreadable=(text,) * 3)
    story = made.finished(Outcome.ROLLED_BACK, live="41", reason=text, remedy=text).story
    note, record = comment.render(story), summary.render(story)
    assert len(note.encode()) < 65_536
    assert len(record.encode()) < 1024 * 1024
    assert note.startswith("<!-- ci-deploy:1 ")
    for page in (note, record):
        assert page.count("<details") == page.count("</details>")
        assert page.count("\n```") % 2 == 0 or "````" in page
        assert "Shortened to fit" in page or f"… and {count - summary.SHOWN} more" in page or count < 1000


def test_a_summary_shows_a_hundred_plans_and_those_of_what_went_wrong_first() -> None:
    made = release(summary.SHOWN + 2)
    *others, last = made.keys
    results = [made.result_of(key, Outcome.FAILED if key == last else Outcome.SUCCEEDED) for key in made.keys]
    for result in results:
        made._add(e.Finished, key=result.key, result=result)
    record = summary.render(made.concluded(*results).story)
    plans = record.partition("<summary>Plan</summary>")[2].partition("<summary>AppSpec</summary>")[0]
    assert plans.count("| Plan |") == summary.SHOWN
    assert plans.index(last) < plans.index(others[0])
    assert others[-1] not in plans
    assert plans.count("… and 2 more") == 1
    assert all(key in record for key in made.keys)


@given(sizes=st.lists(st.integers(0, 300), min_size=1, max_size=6), limit=st.integers(1, 900))
def test_fit_always_fits(sizes: list[int], limit: int) -> None:
    """Whatever the parts, the document is shorter than the limit."""
    parts = [Section(str(n), ("é" * size, "é" * (size // 2), ""), rank=n) for n, size in enumerate(sizes)]
    assert len(fit(parts, limit).encode()) < limit or limit <= 1


def test_what_was_cut_is_said() -> None:
    """The note names the parts that are shorter than they would be."""
    text = fit([Section("a", ("x" * 50,)), Section("b", ("y" * 100, "")), Section("c", ("z",))], 100)
    assert text == "x" * 50 + "\n\nz\n\n<sub>Shortened to fit: b.</sub>\n"


def test_hook_logs_stay_private_in_public() -> None:
    """In a public repository no sink has the hook's log, unless `hook-logs: on` asks for it."""

    def everywhere(context: Context, choice: str) -> str:
        made = Release(context=context, inputs=INPUTS | ({"hook-logs": choice} if choice else {}))
        made.hook_fails().diagnosed_hook().finished(Outcome.FAILED, live="41")
        stream = io.BytesIO()
        reporter = LogReporter(RunnerLog(Stdout(stream), actions=True, colour=False))
        for event in made.events:
            reporter.report(event)
        return stream.getvalue().decode() + comment.render(made.story) + summary.render(made.story)

    public = replace(PULL_REQUEST, public=True)
    assert "KeyError" not in everywhere(public, "")
    assert "KeyError" not in everywhere(public, "off")
    assert everywhere(public, "on").count("KeyError") == 3
    assert everywhere(PULL_REQUEST, "").count("KeyError") == 3
    assert "KeyError" not in everywhere(PULL_REQUEST, "off")


def test_names_of_variables_and_layers_stay_private_in_public() -> None:
    """In a public repository no sink names them, unless `hook-logs: on` asks; how many there are is said."""

    def everywhere(context: Context, choice: str) -> str:
        made = Release(context=context, inputs=INPUTS | {"hook-logs": choice}, command=Command.PLAN)
        layer = "arn:aws:lambda:eu-central-1:123456789012:layer:the-layer:3"
        plan = made.plan_of("checkout:live")
        assert plan.current and plan.new
        current = replace(plan.current, layers=(layer,))
        new = replace(plan.new, layers=(layer.replace(":3", ":4"),), environment_names=("THE_NAME", "OTHER"))
        made.planned(current=current, new=new).finished(Outcome.PLANNED, live="41")
        stream = io.BytesIO()
        reporter = LogReporter(RunnerLog(Stdout(stream), actions=True, colour=False))
        for event in made.events:
            reporter.report(event)
        return stream.getvalue().decode() + comment.render(made.story) + summary.render(made.story)

    public = replace(PULL_REQUEST, public=True)
    for choice in ("auto", "off"):
        text = everywhere(public, choice)
        assert "the-layer" not in text
        assert "THE_NAME" not in text
        assert "OTHER" not in text
        assert text.count("2 added") >= 3
        assert text.count("1, changed") >= 3
    for text in (everywhere(public, "on"), everywhere(PULL_REQUEST, "auto")):
        assert text.count("the-layer:4") >= 3
        assert text.count("THE_NAME added") >= 2


ACCOUNT = "123456789012"
PRIVATE = {
    "account": ACCOUNT,
    "another account": "210987654321",
    "role": "deploy-role-name",
    "session": "octo-session",
    "topic": "pager-topic",
    "key": "0b5c7a1e-6f0d-4b51-9d3c-5e2a7f3d9c11",
    "layer": "secret-layer",
    "image": "210987654321.dkr.ecr",
}
SAID = (
    f"User: arn:aws:sts::{ACCOUNT}:assumed-role/deploy-role-name/octo-session is not authorized to perform: x:Y on"
    f" resource: arn:aws:codedeploy:eu-central-1:{ACCOUNT}:deploymentgroup:shop/checkout-live, nor for"
    " arn:aws-cn:sns:cn-north-1:210987654321:pager-topic, (arn:aws:iam::210987654321:role/path/deploy-role-name),"
    f' "arn:aws:kms:eu-central-1:{ACCOUNT}:key/0b5c7a1e-6f0d-4b51-9d3c-5e2a7f3d9c11" or'
    f" arn:aws:lambda:eu-central-1:{ACCOUNT}:layer:secret-layer:3; account {ACCOUNT}, bucket deploy-{ACCOUNT}-eu,"
    f" 210987654321.dkr.ecr.eu-central-1.amazonaws.com/shop:1, arn:aws:s3:::shop-revisions/key,"
    f" arn:aws:lambda:eu-central-1:{ACCOUNT}:function:checkout:live, arn:aws:iam::aws:policy/AWSCodeDeployRole"
)


class Latest(AtOnce):
    """Of what is sent only the latest state arrives, and that at the end: what is between is edited away."""

    def send(self, name: str, delivery: Callable[[], None]) -> None:
        self.waiting = delivery

    def arrive(self) -> None:
        self.waiting()


def everywhere(made: Release, papers: Papers | None = None) -> dict[str, str]:
    """What a release writes in each place that people read."""
    screen, sent = Screen(), Papers()
    hub = Hub()
    shown: list[Callable[[], str]] = []
    reporters = [
        LogReporter(screen),
        SummaryReporter(sent),
        LiveReporter(shown.append, lambda: 1.0),
        CommentReporter(hub, latest := Latest(screen), screen),
        GitHubDeploymentReporter(hub, AtOnce(screen), sent, environment="staging"),
    ]
    fanout = FanOut([*map(ForEverybody, reporters), OutputsReporter(papers or Papers())], screen)
    live = []
    for event in made.events:
        fanout.report(event)
        live += [frame() for frame in shown]
    fanout.close()
    latest.arrive()
    return {
        "log": screen.text,
        "summary": "".join(sent.summaries),
        "terminal": "\n".join(live),
        "comment": "".join(hub.ours(PULL_REQUEST.pull_request or 0)),
        "deployment": str((hub.deployments, hub.statuses)),
    }


@pytest.mark.parametrize("choice", ["auto", "on"])
@pytest.mark.parametrize("name", NAMES)
def test_accounts_and_names_stay_private_in_public(name: str, choice: str) -> None:
    """Whatever text has them, in no place that people read: not with `hook-logs: on` either."""
    events = [poisoned(event, SAID) for event in SCENARIOS[name].events]
    started = events[0]
    assert isinstance(started, e.Started)
    public = replace(started.context, public=True, repository="octo-shop/checkout")
    given = started.inputs | {"hook-logs": choice}
    made = Release()
    made.events = [replace(started, context=public, inputs=given), *events[1:]]
    for place, text in everywhere(made).items():
        bare = text.replace("&#8203;", "")
        found = [what for what, private in PRIVATE.items() if private in bare]
        assert not found, place


def test_in_public_a_message_still_says_what_is_missing_on_what() -> None:
    """What reports are about keeps its name."""
    shown = in_public(SAID)
    assert shown.startswith(
        "User: arn:aws:sts::***:*** is not authorized to perform: x:Y on resource:"
        " arn:aws:codedeploy:eu-central-1:***:deploymentgroup:shop/checkout-live,"
        " nor for arn:aws-cn:sns:cn-north-1:***:***,"
    )
    assert "arn:aws:s3:::shop-revisions/key, arn:aws:lambda:eu-central-1:***:function:checkout:live" in shown
    assert "bucket deploy-***-eu" in shown


@pytest.mark.parametrize(
    "text", ["d-A1B2C3D4E", "1795442400123", "4f2a91123456789012ab", "run 11223344556", "12345678901"]
)
def test_what_is_no_account_number_stays(text: str) -> None:
    assert in_public(text) == text


def test_in_a_private_repository_all_is_shown_and_outputs_are_whole_everywhere() -> None:
    papers = Papers()
    made = Release(context=replace(PULL_REQUEST, public=True)).succeeded()
    made.events = [poisoned(event, SAID) for event in made.events]
    everywhere(made, papers)
    assert ACCOUNT in papers.written["result"]
    private = Release().succeeded()
    told = everywhere(private)
    assert f"account {ACCOUNT}" in told["log"]
    assert f"account `{ACCOUNT}`" in told["summary"]


def test_accounts_in_public_still_tell_comments_apart() -> None:
    """The hidden mark is made of the account that nobody sees."""
    public = replace(PULL_REQUEST, public=True)
    one, two = (
        Release(context=public, identity=replace(IDENTITY, account=each)).succeeded() for each in (ACCOUNT, "2" * 12)
    )
    assert everywhere(one)["comment"].splitlines()[0] != everywhere(two)["comment"].splitlines()[0]


@pytest.mark.parametrize("name", [name for name in SCENARIOS if SCENARIOS[name].story.functions])
def test_what_has_nothing_private_in_it_is_told_as_it_is(name: str) -> None:
    """Events in which nothing changes are the very same objects."""
    for event in SCENARIOS[name].events:
        assert reworded(event, lambda text: text) is event


def test_no_reader_is_sent_to_aws_from_a_rehearsal() -> None:
    """Against an endpoint that is not AWS's, it is said loudly, and there is no link to the console's alias."""
    story = SCENARIOS["succeeded-emulated"].story
    for text in (comment.render(story), summary.render(story)):
        assert "**Not AWS.**" in text
        assert "/aliases/" not in text


def test_whatever_sent_requests_elsewhere_is_named_in_every_place() -> None:
    """Each address with what set it, and whose requests go there."""
    endpoints = (
        Endpoint(url="http://one:1", setting="AWS_ENDPOINT_URL_LAMBDA", services=("lambda",)),
        Endpoint(url="http://two:2", setting="`endpoint_url` of profile `x` in /config", services=("logs", "s3")),
    )
    for place, text in everywhere(Release(endpoints=endpoints).succeeded()).items():
        if place in ("log", "summary", "comment"):
            bare = text.replace("`", "").replace("&#8203;", "")
            assert "equests to lambda go to http://one:1 (AWS_ENDPOINT_URL_LAMBDA)" in bare, place
            assert "requests to logs and s3 go to http://two:2 (endpoint_url of profile x in /config)" in bare, place


def test_a_diagnosis_without_evidence() -> None:
    """Nothing but a summary is fine too."""
    made = Release().hook_fails()
    made._add(_diagnosed(), diagnosis=Diagnosis(reason=saying("x", "It failed.")))
    made.finished(Outcome.FAILED, live="41", reason="")
    assert "**Why:** It failed." in sections.diagnoses(made.story)


def _diagnosed() -> type:
    from ci_deploy.core.story.events import Diagnosed

    return Diagnosed
