"""What is said of ends and moments that are rare: in the log, the summary and the comment, by whole sentences."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import Any

import pytest
from sinks import Screen
from storyteller import PULL_REQUEST, Release

from ci_deploy.core.aws import Alias, DeploymentStatus, EventStatus
from ci_deploy.core.plan.history import HistoryEntry
from ci_deploy.core.reasons.ending.verdict import AnotherFailed
from ci_deploy.core.reasons.run import Bug
from ci_deploy.core.result import Diagnosis, Result
from ci_deploy.core.run import Command, Context, Outcome, Rollback
from ci_deploy.core.story import events as e
from ci_deploy.reporters import comment
from ci_deploy.reporters.live import frame
from ci_deploy.reporters.log import LogReporter
from ci_deploy.reporters.rendering import chart, ends, sections, verdict, words
from ci_deploy.reporters.rendering.planned import plan_rows, shift_text
from tests.support.golden import Told, shown
from tests.support.reasons import Said, saying

KEYS = tuple(f"f{number:02}:live" for number in range(12))


def logged(release: Release) -> str:
    screen = Screen()
    reporter = LogReporter(screen)
    for event in release.events:
        reporter.report(event)
    return screen.text


def started(**changes: Any) -> e.DeploymentStarted:
    fields: dict[str, Any] = {
        "at": 5.0,
        "key": "checkout:live",
        "deployment_id": "d-A00B2C3D4E",
        "console_url": "",
        "current_version": "41",
        "target_version": "42",
        "application": "shop",
        "group": "checkout-live",
    }
    return e.DeploymentStarted(**fields | changes)


# --- The log ---------------------------------------------------------------------------------------------------------


def test_what_takes_long_is_told_in_sizes_that_people_read() -> None:
    release = Release()
    for done in (512, 300 * 1024, 40 * 1024 * 1024):
        release.after(5)._add(e.Progress, what="uploading dist", done=done, total=50 * 1024 * 1024)
    text = logged(release)
    assert "… Progress             uploading dist: 512 B of 50.0 MiB" in text
    assert "uploading dist: 300 KiB of 50.0 MiB" in text
    assert "uploading dist: 40.0 MiB of 50.0 MiB" in text


def test_a_deployment_without_time_limit_or_address_is_one_line(told: Told) -> None:
    release = Release().planned()
    release.events.append(started(attached=True))
    assert [line for line in logged(release).splitlines() if "d-A00B2C3D4E" in line] == told


def test_a_status_that_aws_adds_later_is_shown_as_it_is() -> None:
    """Neither good nor bad, and no crash."""
    text = logged(Release().begun().lifecycle("AllowTraffic", EventStatus.UNKNOWN, 3.0))
    assert "· AllowTraffic         unknown in 3s\n" in text


def test_when_it_shifts_next_is_told_also_where_no_plan_says_how_far() -> None:
    """`status` with `wait` follows a deployment that this run has not planned."""
    release = Release(command=Command.STATUS)
    release.events.append(started())
    shares = {"41": 90.0, "42": 10.0}
    release._add(e.TrafficShifted, deployment_id="d-A00B2C3D4E", shares=shares, next_shift_at=300.0, ends_at=None)
    assert "█░░░░░░░░░ 10% → 42 · next shift in 4m 59s\n" in logged(release)


def test_the_alias_is_read_aloud_with_every_share() -> None:
    release = Release()
    alias = Alias(function="checkout", name="live", version="41", weights={"42": 10.0})
    release._add(e.AliasRead, alias=alias)
    assert "live serves version 41: 90%, version 42: 10%\n" in logged(release)


def test_signs_of_life_are_seldom_after_ten_minutes_and_silent_before_a_shift() -> None:
    """One a minute for ten minutes, then one in five; a shift that is seconds away says more."""
    release = Release(hooks=False).running()
    for _ in range(30):
        release.after(60)._add(
            e.Heartbeat, what="AllowTraffic", shares={"41": 90.0, "42": 10.0}, next_shift_at=release.at + 3600
        )
    release.after(400)._add(e.Heartbeat, what="AllowTraffic", shares={"42": 10.0}, next_shift_at=release.at + 14)
    lines = [line for line in logged(release).splitlines() if "· Traffic" in line]
    assert [line[2:9] for line in lines] == [
        *(f"0:{minute:02}:08" for minute in range(1, 10)),
        *("0:14:08", "0:19:08", "0:24:08", "0:29:08"),
    ]


def test_a_step_that_is_over_at_once_is_one_line_and_one_that_waits_is_two() -> None:
    text = logged(Release().begun())
    assert "BeforeAllowTraffic   started" not in text
    assert "✓ BeforeAllowTraffic   succeeded in 9s" in text
    troubled = Release().planned().published().stored().created()
    troubled.lifecycle("BeforeAllowTraffic", EventStatus.IN_PROGRESS).loses_contact()
    lines = logged(troubled).splitlines()
    (begun,) = [n for n, line in enumerate(lines) if "BeforeAllowTraffic   started" in line]
    assert "No contact" in lines[begun + 1]


def test_long_texts_are_wrapped_under_their_own_column_and_commands_are_not() -> None:
    """GitHub would begin the rest at the left edge; a command is copied whole."""
    lines = logged(Release().alarm_fires().rollback_appears().rollback_ends().diagnosed_alarm()).splitlines()
    (said,) = [n for n, line in enumerate(lines) if "AWS: One or more alarms" in line]
    assert lines[said].startswith(" " * 34 + "AWS:") and len(lines[said]) <= 120
    assert lines[said + 1].startswith(" " * 34 + "you selected")
    ended = logged(Release().running().finished(Outcome.FAILED, live="41", weights="41=90,42=10", remedy=""))
    (command,) = [line for line in ended.splitlines() if line.startswith("  aws lambda update-alias")]
    assert command.endswith("--region eu-central-1")


# --- The live part ---------------------------------------------------------------------------------------------------


def test_before_the_deployment_there_is_no_clock_and_after_the_last_shift_no_countdown() -> None:
    planned = Release().planned()
    assert frame(planned.story, planned.at) == f"checkout:live  {words.bar(0, 24)}    0%  planned"
    shifted = Release().running().all_shifted()
    assert frame(shifted.story, shifted.at).endswith("100%  in progress  0:05:14")


# --- Documents -------------------------------------------------------------------------------------------------------


def test_a_shift_that_is_over_in_a_moment_has_no_picture() -> None:
    """A chart of half a second shows nothing."""
    release = Release(command=Command.ROLLBACK).planned().after(0.5).shifts(100)
    assert chart.traffic(release.story) == ""
    assert "xychart" in chart.traffic(release.heartbeat().story)


def test_of_many_failures_the_first_ten_are_explained_and_the_rest_counted(told: Told) -> None:
    release = Release(*KEYS).running()
    for key in KEYS:
        release._add(e.Diagnosed, key=key, diagnosis=Diagnosis(reason=saying("hook", f"the hook of {key} said no")))
    text = sections.diagnoses(release.story)
    assert text.count("said no") == 10
    assert text.splitlines()[-1] == told


def entry(number: int) -> HistoryEntry:
    return HistoryEntry(
        deployment_id=f"d-{number:09}",
        status=DeploymentStatus.SUCCEEDED,
        kind="deploy",
        created=1795442400.0 - number,
        current_version=str(number),
        target_version=str(number + 1),
        run_id=number + 1,
        commit="0123456789abcdef",
    )


def status(context: Context) -> Release:
    alias = Alias(function="checkout", name="live", version="41")
    release = Release(command=Command.STATUS, context=context)
    return release._add(
        e.StatusReported, alias=alias, served_by=None, running=None, history=tuple(map(entry, range(30)))
    )


def test_a_long_history_ends_with_how_much_more_there_is(told: Told) -> None:
    text = sections.history(status(PULL_REQUEST).story, 25)
    assert text.count("| deploy |") == 25
    assert text.splitlines()[-1] == told
    assert "/actions/runs/7" in text
    assert "/commit/0123456789abcdef" in text


def test_without_a_repository_runs_and_commits_are_no_links() -> None:
    """By hand, on a terminal: there is no server to link to."""
    text = sections.history(status(Context()).story, 1)
    assert "`0123456` run 1" in text
    assert "/actions/" not in text


def test_before_a_plan_there_is_nothing_to_comment_on() -> None:
    """A release that waits for its turn: the comment begins with its plan."""
    assert sections.functions_table(Release().story) == ""
    assert comment.identifiable(Release().story, "checkout:live") is True
    assert comment.identifiable(Release(inputs={}).story, "checkout:live") is False


# --- Verdicts --------------------------------------------------------------------------------------------------------


def result(outcome: Outcome, **changes: Any) -> Result:
    fields: dict[str, Any] = {"function": "checkout", "alias": "live", "outcome": outcome}
    return Result(**fields | changes)


@pytest.mark.parametrize(
    ("command", "made"),
    [
        (Command.PLAN, result(Outcome.PLANNED, previous_version="41", target_version="41")),
        (Command.PLAN, Result(function="", alias="live", outcome=Outcome.PLANNED)),
        (Command.PLAN, result(Outcome.PLANNED, previous_version="41")),
        (Command.VALIDATE, result(Outcome.VALID)),
        (Command.PRUNE, result(Outcome.ERROR)),
        (Command.PRUNE, result(Outcome.ERROR, report={"deleted": ["1"]})),
        (Command.SETUP, result(Outcome.REFUSED, report={"setup": []})),
        (Command.SETUP, result(Outcome.INVALID)),
        (Command.SETUP, result(Outcome.BUG)),
        (Command.FINISH, result(Outcome.REPORTED)),
        (Command.FINISH, result(Outcome.REFUSED)),
        (Command.FINISH, result(Outcome.ERROR, live_version="41")),
        (Command.DEPLOY, result(Outcome.ERROR)),
        (Command.STATUS, result(Outcome.REPORTED, live_version="41")),
        (Command.DEPLOY, result(Outcome.CANCELLED, live_version="41")),
        (Command.DEPLOY, result(Outcome.SUCCEEDED, target_version="1")),
    ],
    ids=lambda part: (
        shown(part)
        if isinstance(part, Command)
        else f"{part.key} {part.outcome} {part.live_version} {part.target_version} {part.report}"
    ),
)
def test_an_end_in_one_sentence(command: Command, made: Result, told: Told) -> None:
    assert ends.sentence(command, made) == told


def attached(seconds: float | None) -> Release:
    """A deployment of ten minutes whose last seconds were followed."""
    release = Release().planned()
    release._add(
        e.DeploymentStarted,
        deployment_id="d-A00B2C3D4E",
        console_url="",
        application="shop",
        group="checkout-live",
        current_version="41",
        target_version="42",
        attached=True,
    )
    release.shifts(10).after(14).shifts(100)
    release._add(e.StatusChanged, deployment_id="d-A00B2C3D4E", status=DeploymentStatus.SUCCEEDED, seconds=seconds)
    return release.finished(Outcome.SUCCEEDED, live="42")


def test_times_of_a_deployment_that_began_before_us_are_codedeploys() -> None:
    """And there is no picture of what nobody saw."""
    story = attached(607.0).story
    assert "| **Succeeded** | 10m&nbsp;07s |" in sections.lifecycle(story.functions["checkout:live"])
    assert "10m&nbsp;07s" in sections.functions_table(story)
    assert chart.traffic(story) == ""


def test_where_codedeploy_says_no_time_none_is_made_up() -> None:
    story = attached(None).story
    assert "14s" not in sections.lifecycle(story.functions["checkout:live"]) + sections.functions_table(story)
    running = replace(story.functions["checkout:live"], result=None)
    assert "0:00:" not in frame(replace(story, result=None, functions={"checkout:live": running}), 5.0)


def test_of_a_deployment_that_exists_no_time_limit_for_hooks_is_shown() -> None:
    plan = Release().planned().story.functions["checkout:live"].plan
    assert plan
    assert "time limit" in dict(plan_rows(plan, openly=True))
    assert "time limit" not in dict(plan_rows(replace(plan, found=True), openly=True))


def test_a_first_deployment_shifts_nothing_and_is_watched_by_nothing() -> None:
    """Whatever the deployment group says: CodeDeploy takes no part in it."""
    plan = Release().planned().story.functions["checkout:live"].plan
    assert plan
    plan = replace(plan, current_version="", creates_alias=True, smoke=())
    assert [name for name, _ in plan_rows(plan, openly=True)] == ["live version", "new version", "alias", "time limit"]
    assert shift_text(plan) == "100% at once"


def test_a_healthy_function_whose_hook_was_only_late_is_not_blamed() -> None:
    """Another one failed meanwhile, and the release takes both back; that one is told, though it comes second."""
    release = Release("a:live", "b:live").running()
    for key, summary in (
        ("a:live", "Hook check_a has not reported to CodeDeploy yet."),
        ("b:live", "Hook check_b failed."),
    ):
        found = Diagnosis(reason=saying("codedeploy-hook-execution-failure", summary, f"Mend {key}."))
        release._add(e.Diagnosed, key=key, diagnosis=found)
    ended = {"live": "41", "rollback": Rollback.SUCCEEDED}
    results = []
    for key, reason in (
        ("a:live", AnotherFailed(deployment="d-A00B2C3D4E", stopped=True)),
        ("b:live", Said(code="codedeploy-hook-execution-failure", said="Hook check_b failed.", advice="Mend b:live.")),
    ):
        results.append(release.result_of(key, Outcome.ROLLED_BACK, **ended, reasons=(reason,)))
        release._add(e.Finished, key=key, result=results[-1])
    release.concluded(*results)
    story = release.story
    assert [chapter.key for chapter in verdict.culprits(story)] == ["b:live"]
    assert "check_a" not in verdict.because(story) + sections.diagnoses(story)
    assert sections.functions_table(story).count("**Failed**") == 1


@pytest.mark.parametrize("target", ["", "44"])
def test_of_an_alias_that_others_share_every_share_is_said(target: str) -> None:
    """No `0% on` a version while two others serve: somebody moved the alias, or the target is not known."""
    shares = {"41": 70.0, "43": 30.0}
    assert words.traffic(shares, target) == "version 41: 70%, version 43: 30%"
    story = Release().running().story
    chapter = replace(story.functions["checkout:live"], target_version=target, shares=shares)
    shared = replace(story, functions={"checkout:live": chapter})
    assert "version&nbsp;41:&nbsp;70%,&nbsp;version&nbsp;43:&nbsp;30%" in sections.functions_table(shared)
    for text in (sections.functions_table(shared), sections.lead(shared)):
        assert not re.search(r"(?<!\d)0%", text)


def test_while_it_goes_on_there_is_no_verdict_and_no_next_step() -> None:
    story = Release().running().story
    assert (verdict.summary_sentence(story), verdict.next_steps(story)) == ("", [])


@pytest.mark.parametrize("outcome", [Outcome.TIMED_OUT, Outcome.FAILED])
def test_split_traffic_comes_with_the_command_that_ends_it(outcome: Outcome, told: Told) -> None:
    release = Release().running()
    release.finished(outcome, live="41", weights="41=90,42=10", remedy="")
    (step,) = verdict.next_steps(release.story)
    assert step == told
    assert step.endswith("--function-version 41 --routing-config 'AdditionalVersionWeights={}' --region eu-central-1")


def test_a_bug_among_many_functions_says_how_to_follow_each_that_was_begun(told: Told) -> None:
    release = Release("a:live", "b:live").running()
    release.concluded(Result(function="", alias="live", outcome=Outcome.BUG, reasons=(Bug(error="KeyError: 'x'"),)))
    steps = verdict.next_steps(release.story)
    assert ["--deployment-id d-A00B2C3D4E " in steps[0], "--deployment-id d-A01B2C3D4E " in steps[1]] == [True, True]
    assert steps[2:] == [Bug(error="").remedy]
    assert steps == told


def test_on_a_terminal_each_function_has_its_way_back_at_once(told: Told) -> None:
    """There is no job summary to look it up in."""
    names = [f"f{number}:live" for number in range(7)]
    release = Release(*names, context=replace(PULL_REQUEST, actions=False)).succeeded()
    assert verdict.next_steps(release.story) == told


def test_log_lines_that_differ_by_their_request_alone_are_one_however_long_they_are() -> None:
    long = "x" * 5_000
    lines = [f"RequestId: 0b5c7a1e-6f0d-4b51-9d3c-5e2a7f3d9c1{n} {long}" for n in range(3)]
    assert words.logged([*lines, f"{long}y"]) == [f" {long} (3 times)", f"{long}y"]
