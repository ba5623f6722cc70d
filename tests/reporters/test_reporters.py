"""Outputs and state, the summary's one writing, GitHub deployments, the log's annotations, the fan-out."""

from __future__ import annotations

import json
import re
from dataclasses import fields, replace

import pytest
from sinks import Hub, Papers, Screen
from storyteller import PULL_REQUEST, Release, scenarios
from test_comment import AtOnce
from test_golden import logged

from ci_deploy.core.aws import DeploymentStatus
from ci_deploy.core.reasons.ending.verdict import RolledBackBy
from ci_deploy.core.reasons.run import Bug, Killed
from ci_deploy.core.result import Finding, Result, Severity
from ci_deploy.core.run import Command, Outcome, Rollback
from ci_deploy.core.story import events as e
from ci_deploy.core.story.timeline import Story
from ci_deploy.ports import GitHubError
from ci_deploy.reporters import summary
from ci_deploy.reporters.fanout import FanOut
from ci_deploy.reporters.github_deployment import GitHubDeploymentReporter, state_of
from ci_deploy.reporters.log import LogReporter
from ci_deploy.reporters.outputs import OutputsReporter
from ci_deploy.reporters.rendering import ends, verdict
from ci_deploy.reporters.summary import SummaryReporter
from tests.support.golden import Told
from tests.support.reasons import Said

SCENARIOS = scenarios()
OUTPUTS = {
    "outcome", "deployment-id", "rollback-deployment-id", "previous-version", "target-version", "live-version",
    "live-weights", "deployed", "rollback", "console-url", "appspec-sha256", "appspec-location", "duration-seconds",
    "guard-verdict",
    "reason", "reason-code", "result",
}  # fmt: skip


def papers_of(release: Release) -> Papers:
    papers = Papers()
    reporter = OutputsReporter(papers)
    for event in release.events:
        reporter.report(event)
    reporter.close()
    return papers


# --- outputs ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", [name for name, release in SCENARIOS.items() if release.story.result])
def test_every_end_has_every_output(name: str) -> None:
    """On every exit path all outputs are there, and `result` has every function."""
    papers = papers_of(SCENARIOS[name])
    assert set(papers.written) == OUTPUTS
    result = json.loads(papers.written["result"])
    keys = [f"{function['function']}:{function['alias']}" for function in result["functions"]]
    assert sorted(keys) == sorted(SCENARIOS[name].keys)
    assert papers.written["deployed"] in ("true", "false")
    assert result["deployed"] is (papers.written["deployed"] == "true")
    assert papers.written["outcome"] == str(SCENARIOS[name].story.result.outcome)  # type: ignore[union-attr]


def test_the_id_is_there_before_the_wait() -> None:
    """The deployment's id is an output, and in the state, as soon as the deployment exists."""
    papers = papers_of(Release().running())
    assert papers.written["deployment-id"] == "d-A00B2C3D4E"
    state = json.loads(papers.states["deployment-0"])
    assert state == {
        "function": "checkout",
        "alias": "live",
        "application": "shop",
        "group": "checkout-live",
        "marker-id": "1a2b3c4d",
        "previous-version": "41",
        "target-version": "42",
        "deployment-id": "d-A00B2C3D4E",
    }
    assert "finished" not in papers.states


def test_the_marker_is_in_the_state_before_the_request() -> None:
    """If the job dies while CreateDeployment is under way, the post step knows what to look for."""
    release = Release().planned().published().stored().created()
    papers = Papers()
    reporter = OutputsReporter(papers)
    for event in release.events:
        if isinstance(event, e.DeploymentStarted):
            break
        reporter.report(event)
    state = json.loads(papers.states["deployment-0"])
    assert state["marker-id"] == "1a2b3c4d"
    assert "deployment-id" not in state
    assert papers.written["deployment-id"] == ""


def test_a_step_that_is_killed_leaves_outputs_that_are_true() -> None:
    """From the first moment; once a deployment exists nobody knows what becomes of the traffic, until it is read."""
    papers, release = Papers(), Release().running()
    reporter = OutputsReporter(papers)
    reporter.report(release.events[0])
    assert set(papers.written) == OUTPUTS
    said = {name: value for name, value in papers.written.items() if value and name != "result"}
    assert said == {
        "outcome": "cancelled",
        "deployed": "false",
        "rollback": "none",
        "reason": Killed().text,
        "reason-code": "killed",
    }
    assert json.loads(papers.written["result"]) == {
        "outcome": "cancelled",
        "deployed": False,
        "rollback": "none",
        "reason-code": "killed",
    }
    for event in release.events[1:]:
        reporter.report(event)
    assert (papers.written["outcome"], papers.written["deployed"]) == ("cancelled", "false")
    assert (papers.written["rollback"], papers.written["deployment-id"]) == ("unknown", "d-A00B2C3D4E")
    assert (papers.written["previous-version"], papers.written["target-version"]) == ("41", "42")


def test_the_state_has_every_function_of_the_run() -> None:
    """The post step tells of those that came to no deployment, too."""
    papers = papers_of(Release("a:live", "b:live").planned())
    assert json.loads(papers.states["functions"]) == ["a:live", "b:live"]


def test_finished_is_written_only_when_all_is_settled() -> None:
    """An unsettled end leaves the rest to the post step."""
    assert papers_of(SCENARIOS["succeeded"]).states["finished"] == "true"
    assert "finished" not in papers_of(SCENARIOS["timed-out"]).states


def test_several_functions_have_all_ids() -> None:
    """Of a release of four, the state has all four."""
    papers = papers_of(Release("a:live", "b:live", "c:live").running())
    assert papers.written["deployment-id"] == "d-A00B2C3D4E,d-A01B2C3D4E,d-A02B2C3D4E"
    assert [json.loads(papers.states[f"deployment-{number}"])["function"] for number in range(3)] == ["a", "b", "c"]


def test_what_is_written_grows_with_the_functions_and_not_with_their_square() -> None:
    """Twice the functions, not much more than twice the bytes; all ids are there in the end."""

    def written(count: int) -> int:
        papers = Papers()
        keys = tuple(f"function{number:04}:live" for number in range(count))
        reporter = OutputsReporter(papers)
        for event in Release(*keys).running().events:
            reporter.report(event)
        assert papers.written["deployment-id"].count(",") == count - 1
        return sum(len(name) + len(value) for _, name, value in papers.log)

    assert written(800) < 2.5 * written(400)


def test_json_on_the_command_line() -> None:
    """`--json` prints the result object, typed."""
    printed: list[str] = []
    reporter = OutputsReporter(Papers(), printed.append)
    for event in SCENARIOS["succeeded"].events:
        reporter.report(event)
    document = json.loads(printed[0])
    assert document["deployed"] is True
    assert document["functions"][0]["live-version"] == "42"


def test_status_is_for_machines_too() -> None:
    """What is served, by which deployment, and the history, under the function's key."""
    status = json.loads(papers_of(SCENARIOS["status"]).written["result"])["status"]["checkout:live"]
    assert status["shares"] == {"41": 100.0}
    assert status["served-by"]["deployment-id"] == "d-A00B2C3D4"
    assert status["running"] is None
    assert [entry["kind"] for entry in status["history"]] == ["deploy", "automatic rollback", "deploy", "rollback"]


def test_a_new_field_of_a_result_is_an_output_or_left_out_on_purpose() -> None:
    """The list of outputs in action.yml and README follows from Result."""
    names = {field.name.replace("_", "-") for field in fields(Result)}
    kept = {"function", "alias", "reasons", "fate", "running", "settled", "report"}
    assert names - kept == OUTPUTS - {"result", "reason", "reason-code"}


@pytest.mark.parametrize("name", ["succeeded", "refused", "rolled-back", "cancelled", "error"])
def test_reasons_are_told_by_code_text_and_remedy_without_their_facts(name: str) -> None:
    papers = papers_of(SCENARIOS[name])
    document = json.loads(papers.written["result"])
    assert papers.written["reason-code"] == document["reason-code"] == document["functions"][0]["reason-code"]
    assert document["reasons"] == document["functions"][0]["reasons"]
    assert all(set(reason) == {"code", "text", "remedy"} for reason in document["reasons"])
    assert [reason["code"] for reason in document["reasons"]][:1] in ([], [document["reason-code"]])


# --- summary ---------------------------------------------------------------------------------------------------------


def test_the_summary_is_written_once_at_the_end() -> None:
    """Nothing before the verdict, then the whole."""
    papers = Papers()
    reporter = SummaryReporter(papers)
    events = SCENARIOS["succeeded"].events
    for event in events[:-1]:
        reporter.report(event)
    assert papers.summaries == []
    reporter.report(events[-1])
    reporter.close()
    assert papers.summaries == [summary.render(SCENARIOS["succeeded"].story)]


def test_a_run_that_ends_without_a_verdict_still_has_its_summary() -> None:
    """Even then the record says how far it came."""
    papers = Papers()
    reporter = SummaryReporter(papers)
    for event in SCENARIOS["running"].events:
        reporter.report(event)
    reporter.close()
    assert papers.summaries == [summary.render(SCENARIOS["running"].story)]


# --- log -------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", [name for name, release in SCENARIOS.items() if release.story.exit_code])
def test_a_failure_has_one_error_annotation(name: str) -> None:
    """With a title and what to do, within what GitHub keeps."""
    screen = Screen()
    logged(SCENARIOS[name], screen)
    [(title, message)] = screen.of("error")
    assert title
    assert len(message) <= 4096


@pytest.mark.parametrize("name", [name for name, release in SCENARIOS.items() if release.story.exit_code == 0])
def test_a_success_has_no_error_annotation(name: str) -> None:
    """Nothing red on a green run."""
    screen = Screen()
    logged(SCENARIOS[name], screen)
    assert screen.of("error") == []


def test_warnings_stop_at_ten_annotations() -> None:
    """GitHub shows ten; the others are lines of the log."""
    findings = [Finding(severity=Severity.WARNING, reason=Said(code=f"w{n}", said=f"warning {n}")) for n in range(14)]
    screen = Screen()
    logged(Release().planned(*findings), screen)
    assert len(screen.of("warning")) == 10
    assert all(f"warning {n}" in screen.text for n in range(14))


def test_on_a_terminal_there_are_lines_instead_of_annotations() -> None:
    """Without a runner the verdict is said once, and warnings are lines."""
    finding = Finding(severity=Severity.WARNING, reason=Said(code="w", said="mind the gap"))
    screen = Screen(annotations=False)
    logged(Release().planned(finding).finished(Outcome.ERROR, reason="no way", remedy="go back"), screen)
    assert screen.calls == []
    assert "mind the gap" in screen.text
    assert screen.text.count("no way") == 1


@pytest.mark.parametrize("name", SCENARIOS)
def test_what_happened_is_never_folded(name: str) -> None:
    """Inside groups there is no event: GitHub shows them closed."""
    screen = Screen()
    logged(SCENARIOS[name], screen)
    inside = False
    for text in screen.lines:
        if text.startswith("▶"):
            inside = True
        elif text == "◀":
            inside = False
        assert not (inside and re.match(r"\[ \d+:", text))
    assert not inside


@pytest.mark.parametrize("name", [name for name, release in SCENARIOS.items() if release.story.result])
def test_the_last_lines_are_the_verdict(name: str) -> None:
    """After the rule: the title, the sentence, the reason, the next step, and nothing else."""
    screen = Screen()
    logged(SCENARIOS[name], screen)
    rule = max(n for n, text in enumerate(screen.lines) if text.startswith("───"))
    result = SCENARIOS[name].story.result
    assert result is not None
    assert ends.look(SCENARIOS[name].command, result).title.upper() in screen.lines[rule + 1]
    paragraphs = [text for text in screen.lines[rule + 1 :] if not text.startswith("  ") or text.endswith(".")]
    assert len(paragraphs) <= 6


def test_a_rollback_that_stops_what_runs_speaks_of_going_back_and_shows_no_plan_to_deploy() -> None:
    screen = Screen()
    reporter = LogReporter(screen)
    for event in Release().running().events:
        reporter.report(replace(event, stops="d-RUNNING00") if isinstance(event, e.Planned) else event)
    assert "back to 41, by stopping d-RUNNING00 with rollback" in screen.text
    assert "Plan of checkout:live" not in screen.text


@pytest.mark.parametrize("name", SCENARIOS)
def test_a_command_is_never_broken_at_the_end_of_a_line(name: str) -> None:
    """Half a command may be pasted, and run."""
    text = logged(SCENARIOS[name], Screen(annotations=False))
    assert [row for row in text.splitlines() if row.count("`") % 2] == []


def test_functions_are_told_apart() -> None:
    """With several functions every line says whose it is, in a column."""
    screen = Screen()
    logged(SCENARIOS["succeeded-four"], screen)
    shifts = [text for text in screen.lines if "» Traffic" in text]
    assert len(shifts) == 8
    assert len({text.index("»") for text in shifts}) == 1
    assert all("payments:live" in text for text in shifts[1:8:4])


# --- verdict ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("outcome", Outcome)
@pytest.mark.parametrize("weights", ["", "41=90,42=10"])
@pytest.mark.parametrize("rollback", Rollback)
def test_a_split_is_never_left_unsaid(outcome: Outcome, weights: str, rollback: Rollback) -> None:
    """Whatever the outcome: if the alias is split, the sentence says SPLIT and both shares."""
    if weights and outcome in (Outcome.SUCCEEDED, Outcome.ROLLED_BACK, Outcome.PLANNED, Outcome.VALID):
        return  # by contract these are never split
    result = Result(
        function="f",
        alias="live",
        outcome=outcome,
        deployment_id="d-1",
        previous_version="41",
        target_version="42",
        live_version="41",
        live_weights=weights,
        rollback=rollback,
    )
    said = ends.sentence(Release().command, result)
    if outcome not in (Outcome.DETACHED, Outcome.LOST_CONTACT):
        assert ("SPLIT" in said) == bool(weights)
    assert "  " not in said


def test_what_a_release_takes_back_keeps_its_versions() -> None:
    """A reversal is a rollback of the first deployment: before and after stay, and both deployments are told."""
    chapter = SCENARIOS["release-twelve"].story.functions["catalog:live"]
    assert (chapter.current_version, chapter.target_version, dict(chapter.shares)) == ("41", "42", {"41": 100.0})
    assert chapter.deployment and chapter.deployment.deployment_id == "d-A00B2C3D4E"
    assert chapter.rollback and chapter.rollback.deployment_id == "d-R00B2C3D4E"


def test_of_many_the_one_that_failed_is_named() -> None:
    """Reason, next step and annotation begin with it, though it is the eighth in the manifest."""
    story = SCENARIOS["release-twelve"].story
    assert verdict.because(story).startswith("payments:live: Hook `CodeDeployHook_payments_verify`")
    assert [step.partition(":live")[0] for step in verdict.next_steps(story)] == ["payments"]
    screen = Screen()
    logged(SCENARIOS["release-twelve"], screen)
    assert screen.of("error")[0][0].startswith("Rolled back: payments:live, ")
    assert summary.render(story).count("❌&nbsp;**Failed**") == 1


def test_what_is_served_is_said_once() -> None:
    """The reason of a result ends by what became of the traffic, which the sentence above it says."""
    release = Release().alarm_fires().rollback_appears().rollback_ends().diagnosed_alarm()
    chapter = release.story.functions["checkout:live"]
    assert chapter.diagnosis
    cause = chapter.diagnosis.summary
    why = (Said(code="codedeploy-alarm-active", said=cause), RolledBackBy(rollback="d-R00B2C3D4E", serves="version 41"))
    release.finished(Outcome.ROLLED_BACK, live="41", rollback=Rollback.SUCCEEDED, reasons=why)
    assert verdict.because(release.story) == cause


def test_commands_survive_a_shell() -> None:
    """What is printed to be pasted is quoted."""
    result = Result(function="f", alias="$(x)", outcome=Outcome.SUCCEEDED, previous_version="41")
    assert "--alias '$(x)'" in verdict.rollback_command(Story(), None, result)


@pytest.mark.parametrize("public", [False, True])
def test_commands_say_where_and_name_no_account_in_public(public: bool) -> None:
    """A colleague's shell may point at another account: a function of that name is never meant there."""
    story = Release(context=replace(PULL_REQUEST, public=public)).running().story
    result = Result(function="checkout", alias="live", outcome=Outcome.SUCCEEDED, previous_version="41")
    for command in (verdict.rollback_command(story, None, result), verdict.attach_command(story, None, result)):
        assert "--aws-region eu-central-1" in command
        assert ("--account-id 123456789012" in command) is not public
    assert verdict.back_command(story, result).endswith(" --region eu-central-1")


# --- GitHub deployment -----------------------------------------------------------------------------------------------


def deployed(release: Release, hub: Hub, papers: Papers | None = None, screen: Screen | None = None) -> None:
    reporter = GitHubDeploymentReporter(
        hub, AtOnce(screen or Screen()), papers or Papers(), environment="prod", environment_url="https://shop.example"
    )
    for event in release.events:
        reporter.report(event)
    reporter.close()


@pytest.mark.parametrize(
    ("name", "states"),
    [
        ("succeeded", ["in_progress", "success"]),
        ("rolled-back", ["in_progress", "failure"]),
        ("rollback-failed", ["in_progress", "failure"]),
        ("cancelled", ["in_progress", "inactive"]),
        ("timed-out", ["in_progress", "error"]),
        ("lost-contact", ["in_progress", "error"]),
        ("unchanged", []),
        ("plan", []),
        ("refused", []),
    ],
)
def test_statuses(name: str, states: list[str]) -> None:
    """A GitHub deployment only where AWS has one, with the state that fits its end."""
    hub = Hub()
    deployed(SCENARIOS[name], hub)
    assert [status["state"] for status in hub.statuses] == states
    assert len(hub.deployments) == (1 if states else 0)
    for status in hub.statuses:
        assert len(str(status["description"])) <= 140
        assert status["log"] == PULL_REQUEST.run_url
        assert (status["url"] == "https://shop.example") == (status["state"] == "success")


def test_the_pull_requests_head_is_what_is_deployed() -> None:
    """Not the merge commit that GITHUB_SHA is there."""
    hub = Hub()
    deployed(Release(context=replace(PULL_REQUEST, head_sha="a" * 40)).succeeded(), hub)
    assert hub.deployments[0]["ref"] == "a" * 40


def test_its_id_is_in_the_state() -> None:
    """The post step gives this deployment its end instead of making another."""
    hub, papers = Hub(), Papers()
    deployed(Release().running(), hub, papers)
    assert papers.states["github-deployment"] == "1"
    reporter = GitHubDeploymentReporter(hub, AtOnce(Screen()), papers, environment="prod", deployment_id=1)
    for event in SCENARIOS["cancelled"].events:
        reporter.report(event)
    assert len(hub.deployments) == 1
    assert hub.statuses[-1] == hub.statuses[-1] | {"id": 1, "state": "inactive"}


def test_no_permission_is_told_once(told: Told) -> None:
    """403: one notice with the permission that is missing."""
    hub, screen = Hub(), Screen()
    hub.fails = [GitHubError(403, "Resource not accessible by integration")]
    deployed(SCENARIOS["succeeded"], hub, screen=screen)
    assert hub.requests == ["create_deployment"], "and what was on its way already is dropped"
    ((title, text),) = screen.of("notice")
    assert (title, "`permissions: deployments: write`" in text) == ("No deployment", True)
    assert text == told


def test_a_failure_that_may_pass_is_not_the_end_of_it() -> None:
    """The courier brings the next state."""
    hub, screen = Hub(), Screen()
    hub.fails = [GitHubError(502, "Bad Gateway")]
    deployed(SCENARIOS["succeeded"], hub, screen=screen)
    assert [status["state"] for status in hub.statuses] == ["success"]
    assert screen.lines == []


@pytest.mark.parametrize("outcome", [Outcome.DETACHED, Outcome.UNCHANGED])
def test_what_goes_on_stays_in_progress(outcome: Outcome) -> None:
    hub = Hub()
    deployed(Release().running().finished(outcome, live="41", weights="41=90,42=10"), hub)
    assert [status["state"] for status in hub.statuses] == ["in_progress"]


def test_a_stop_that_came_too_late_leaves_a_success() -> None:
    """Its outcome is `unchanged`; without a last state GitHub would show it as in progress for ever."""
    hub = Hub()
    release = Release(command=Command.STOP).running().status(DeploymentStatus.SUCCEEDED)
    deployed(release.finished(Outcome.UNCHANGED, live="42"), hub)
    assert [status["state"] for status in hub.statuses] == ["in_progress", "success"]


def test_a_job_with_an_environment_has_one_already() -> None:
    """GitHub records that deployment itself: one notice, no request, and the job is asked once."""
    hub, screen, asked = Hub(), Screen(), []

    def environment() -> str:
        asked.append(1)
        return "production"

    reporter = GitHubDeploymentReporter(hub, AtOnce(screen), Papers(), environment="prod", job_environment=environment)
    for event in SCENARIOS["succeeded"].events:
        reporter.report(event)
    assert hub.requests == []
    assert len(asked) == 1
    assert [message for _, message in screen.of("notice") if "`environment: production`" in message]


def test_nothing_deployed_is_no_deployment() -> None:
    """A story without a deployment has no state."""
    assert state_of(Release().planned().story) == ""


# --- fan-out ---------------------------------------------------------------------------------------------------------


class Broken:
    name = "broken report"

    def __init__(self) -> None:
        self.asked = 0

    def report(self, event: e.Event) -> None:
        self.asked += 1
        raise RuntimeError("disk full\n::error::x")

    def close(self) -> None:
        raise AssertionError("it was dropped")


def test_a_broken_reporter_is_dropped_with_one_warning() -> None:
    """The others go on; the deployment never notices."""
    screen, papers, broken = Screen(), Papers(), Broken()
    fan = FanOut([LogReporter(Screen()), broken, OutputsReporter(papers)], screen)
    for event in SCENARIOS["succeeded"].events:
        fan.report(event)
    fan.close()
    assert broken.asked == 1
    assert len(screen.of("warning")) == 1
    assert "disk full ::error::x" in screen.text
    assert papers.written["outcome"] == "succeeded"


def test_a_reporter_that_breaks_at_the_end_is_told_too() -> None:
    """`close` may fail as well."""

    class Closing(Broken):
        def report(self, event: e.Event) -> None:
            pass

    screen = Screen()
    fan = FanOut([Closing()], screen)
    fan.close()
    assert "it was dropped" in screen.text


def test_a_bug_does_not_hide_what_was_created() -> None:
    """The run ends as if nothing had begun, but a deployment exists: it is named."""
    release = Release().running()
    release.concluded(
        Result(function="checkout", alias="live", outcome=Outcome.BUG, reasons=(Bug(error="KeyError: 'x'"),))
    )
    said = verdict.summary_sentence(release.story)
    assert "d-A00B2C3D4E" in said
    assert "Nothing was deployed" not in said


@pytest.mark.parametrize("command", [Command.SETUP, Command.PRUNE])
def test_a_chore_says_what_it_did(command: Command) -> None:
    """What setup or prune did is their reason, also when it went well."""
    release = Release(command=command)
    release.concluded(
        Result(
            function="f",
            alias="live",
            outcome=Outcome.SUCCEEDED,
            reasons=(Said(code="succeeded", said="Application shop created."),),
        )
    )
    assert verdict.because(release.story) == "Application shop created."
