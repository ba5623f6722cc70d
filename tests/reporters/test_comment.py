"""The comment reporter against GitHub in memory: one comment, found again, never anybody else's."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from itertools import pairwise
from typing import Any

import pytest
from sinks import Hub, Screen
from storyteller import INPUTS, LINEAR, PULL_REQUEST, Release, scenarios

from ci_deploy.core.run import Context, Outcome
from ci_deploy.core.story.events import Started, TrafficShifted
from ci_deploy.ports import GitHubError, PullRequest
from ci_deploy.reporters import comment
from ci_deploy.reporters.comment import CommentReporter
from ci_deploy.reporters.courier import GAP, Courier, _Box
from tests.support.golden import Told

SCENARIOS = scenarios()


class AtOnce(Courier):
    """A courier without thread: delivers what is sent there and then."""

    def __init__(self, screen: Screen) -> None:
        self.screen = screen
        self.late: list[GitHubError] = []

    def send(self, name: str, delivery: Callable[[], None]) -> None:
        try:
            delivery()
        except GitHubError as error:
            self.late.append(error)

    def notice(self, text: str, *, title: str) -> None:
        self.screen.notice(text, title=title)


def run(release: Release, hub: Hub | None, screen: Screen | None = None, mode: str = "auto") -> Screen:
    screen = screen or Screen()
    reporter = CommentReporter(hub, AtOnce(screen), screen, mode)
    for event in release.events:
        reporter.report(event)
    reporter.close()
    return screen


def test_one_comment_from_plan_to_verdict() -> None:
    """Created when the plan is known, edited in place, and its last state is the end of the story."""
    hub = Hub()
    run(SCENARIOS["succeeded"], hub)
    assert hub.requests.count("create_comment") == 1
    assert hub.requests.count("comments") == 1
    assert hub.ours(128) == [comment.render(SCENARIOS["succeeded"].story)]


def test_the_next_run_edits_the_same_comment() -> None:
    """A second deployment of the same function finds the first one's comment, over whatever was said between."""
    hub = Hub()
    run(SCENARIOS["succeeded"], hub)
    for n in range(250):
        hub.say(128, f"nice {n}", "mona")
    run(SCENARIOS["rolled-back"], hub)
    assert hub.ours(128) == [comment.render(SCENARIOS["rolled-back"].story)]


@pytest.mark.parametrize(
    "other",
    [
        Release("payments:live").succeeded(),
        Release(inputs=INPUTS | {"comment-key": "staging"}).succeeded(),
        Release("checkout:beta").succeeded(),
    ],
    ids=["function", "comment-key", "alias"],
)
def test_another_subject_has_another_comment(other: Release) -> None:
    """One comment per function, alias and comment-key."""
    hub = Hub()
    run(SCENARIOS["succeeded"], hub)
    run(other, hub)
    assert len(hub.ours(128)) == 2


def test_the_marker_is_the_same_from_the_plan_to_the_end() -> None:
    """Every state of every scenario of one function carries the same first line."""
    names = ("planned", "running", "succeeded", "rolled-back", "refused", "cancelled")
    assert len({comment.render(SCENARIOS[name].story).splitlines()[0] for name in names}) == 1


def test_a_deleted_comment_is_made_again() -> None:
    """404 on the edit: a new comment, once."""
    hub = Hub()
    reporter = CommentReporter(hub, AtOnce(Screen()), Screen())
    events = SCENARIOS["succeeded"].events
    half = len(events) // 2
    for event in events[:half]:
        reporter.report(event)
    hub.delete(hub.threads[128][0].id)
    for event in events[half:]:
        reporter.report(event)
    assert hub.ours(128) == [comment.render(SCENARIOS["succeeded"].story)]


@pytest.mark.parametrize(
    ("ours", "author"),
    [
        ("github-actions[bot]", "mona"),
        ("github-actions[bot]", "other[bot]"),
        ("github-actions[bot]", "github-actions"),
        ("github-actions[bot]", ""),
        ("an-app[bot]", "github-actions[bot]"),
        ("an-app[bot]", "an-app"),
        ("deploy-user", "mona"),
        ("deploy-user", "deploy-user[bot]"),
    ],
)
def test_somebody_elses_copy_is_left_alone(ours: str, author: str) -> None:
    """A comment with our marker but another author, another bot included, is never edited."""
    hub = Hub(author=ours)
    copy = comment.render(SCENARIOS["succeeded"].story)
    hub.say(128, copy, author)
    run(SCENARIOS["rolled-back"], hub)
    assert hub.threads[128][0].body == copy
    assert len(hub.ours(128)) == 1


def test_a_quotation_of_our_comment_is_not_our_comment() -> None:
    """The marker counts at the very beginning only."""
    hub = Hub()
    hub.say(128, "> " + comment.render(SCENARIOS["succeeded"].story), "github-actions[bot]")
    run(SCENARIOS["succeeded"], hub)
    assert len(hub.ours(128)) == 2


def killed(release: Release, hub: Hub, run_id: int = 7) -> None:
    """A run that ended before its end."""
    release.events = [
        replace(event, context=replace(event.context, run_id=run_id)) if isinstance(event, Started) else event
        for event in release.events
    ]
    run(release, hub)


def test_a_comment_that_a_killed_run_left_is_closed_by_the_next_run() -> None:
    """Of a release, by the next run of one of its functions: its marker stays, and it no longer says that it runs."""
    hub = Hub()
    killed(Release("checkout:live", "payments:live").running(), hub)
    killed(Release("payments:live").running(), hub)
    hub.say(128, hub.ours(128)[0], "mona")
    left, others = hub.ours(128)
    assert "🚦 Deploying" in left
    run(SCENARIOS["succeeded"], hub)
    done, untouched, ours = hub.ours(128)
    assert untouched == others
    assert ours == comment.render(SCENARIOS["succeeded"].story)
    assert done.splitlines()[0] == left.splitlines()[0]
    assert done.splitlines()[1] == "### 🛑 Interrupted while deploying 2 functions"
    assert "ci-deploy:open" not in done
    assert "(https://github.com/octo-shop/checkout/actions/runs/" in done
    assert hub.threads[128][2].body == left, "somebody's copy"
    run(Release(context=replace(PULL_REQUEST, run_id=8)).succeeded(), hub)
    assert hub.ours(128)[0] == done, "closed once"


def test_a_run_that_goes_on_is_not_closed_before_ours_is_over() -> None:
    hub = Hub()
    killed(Release("checkout:live", "payments:live").running(), hub)
    (left,) = hub.ours(128)
    run(SCENARIOS["running"], hub)
    assert hub.ours(128)[0] == left


def test_its_own_run_takes_nobody_for_a_stray() -> None:
    """Another step of the same run deploys a part of the same functions: both may go on."""
    hub = Hub()
    own = SCENARIOS["succeeded"].story.context
    killed(Release("checkout:live", "payments:live").running(), hub, own.run_id)
    (left,) = hub.ours(128)
    run(SCENARIOS["succeeded"], hub)
    assert hub.ours(128)[0] == left


def test_off_means_off() -> None:
    """`comment: off`, or no token: no request at all."""
    hub = Hub()
    run(SCENARIOS["succeeded"], hub, mode="off")
    run(SCENARIOS["succeeded"], None)
    assert hub.requests == []


def test_on_failure_says_nothing_of_a_success() -> None:
    """`comment: on-failure`: no comment for a success."""
    hub = Hub()
    run(SCENARIOS["succeeded"], hub, mode="on-failure")
    assert hub.ours(128) == []


def test_on_failure_tells_the_failure_and_its_repair() -> None:
    """The failure is told, and the success after it takes its place."""
    hub = Hub()
    run(SCENARIOS["rolled-back"], hub, mode="on-failure")
    assert "Rolled back" in hub.ours(128)[0]
    run(SCENARIOS["succeeded"], hub, mode="on-failure")
    assert hub.ours(128) == [comment.render(SCENARIOS["succeeded"].story)]


def on(**changes: Any) -> Context:
    return replace(PULL_REQUEST, pull_request=None, **changes)


def test_a_push_comments_on_the_pull_request_that_it_merged() -> None:
    """The merged pull request of the commit, before an open one that only contains it."""
    hub = Hub()
    context = on(event_name="push", ref="refs/heads/main")
    hub.commits[context.sha] = (
        PullRequest(number=7, merged=False, open=True, head_sha="other"),
        PullRequest(number=5, merged=True, open=False, merge_sha="other"),
        PullRequest(number=6, merged=True, open=False, merge_sha=context.sha),
    )
    run(Release(context=context).succeeded(), hub)
    assert len(hub.ours(6)) == 1
    assert hub.requests.count("pull_requests_of") == 1


def test_a_merge_queue_names_its_pull_request() -> None:
    """The queue's branch has the number in it."""
    hub = Hub()
    context = on(event_name="merge_group", ref="refs/heads/gh-readonly-queue/main/pr-42-0a1b2c3d")
    run(Release(context=context).succeeded(), hub)
    assert len(hub.ours(42)) == 1


@pytest.mark.parametrize("event_name", ["workflow_dispatch", "schedule", "push"])
def test_no_pull_request_means_no_comment_and_no_word(event_name: str) -> None:
    """Nothing to comment on is no problem."""
    hub = Hub()
    screen = run(Release(context=on(event_name=event_name, ref="refs/heads/main")).succeeded(), hub)
    assert hub.threads == {}
    assert screen.lines == []


def test_a_fork_gets_one_notice_and_no_request() -> None:
    """A pull request from a fork has a read-only token."""
    hub = Hub()
    screen = run(Release(context=replace(PULL_REQUEST, from_fork=True)).succeeded(), hub)
    assert hub.requests == []
    assert len(screen.of("notice")) == 1


@pytest.mark.parametrize("status", [401, 403, 404, 422])
def test_a_refusal_is_told_once(status: int) -> None:
    """Dependabot's read-only token, a missing permission, a locked thread: one notice, and never again."""
    hub = Hub()
    hub.fails = [None, None, GitHubError(status, "Resource not accessible by integration")]
    screen = run(SCENARIOS["succeeded"], hub)
    assert len(screen.of("notice")) == 1
    assert hub.requests == ["login", "comments", "create_comment"]
    assert ("pull-requests: write" in screen.text) == (status in (403, 404))


@pytest.mark.parametrize(
    ("status", "message"),
    [
        (401, "Bad credentials"),
        (403, "Resource not accessible by integration"),
        (403, "Unable to create comment because issue is locked."),
        (404, "Not Found"),
        (422, "Validation Failed: Body is too long"),
    ],
)
def test_each_refusal_has_its_own_next_step(status: int, message: str, told: Told) -> None:
    hub = Hub()
    hub.fails = [None, None, GitHubError(status, message)]
    screen = run(SCENARIOS["succeeded"], hub)
    ((title, text),) = screen.of("notice")
    assert (title, message.rstrip(".") in text) == ("No comment", True)
    assert text == told


@pytest.mark.parametrize(("status", "goes_on"), [(500, True), (403, False)])
def test_an_edit_that_fails_is_not_answered_with_a_second_comment(status: int, goes_on: bool) -> None:
    """Only one that is gone is made again."""
    hub = Hub()
    hub.fails = [None, None, None, GitHubError(status, "no")]
    run(SCENARIOS["succeeded"], hub)
    assert hub.requests.count("create_comment") == 1
    assert hub.requests[:4] == ["login", "comments", "create_comment", "edit_comment"]
    assert (len(hub.requests) > 4) == goes_on


def test_a_failure_that_may_pass_is_the_couriers() -> None:
    """A 502 is passed on, and the next state is written all the same."""
    hub = Hub()
    hub.fails = [GitHubError(502, "Bad Gateway")]
    screen = Screen()
    run(SCENARIOS["succeeded"], hub, screen)
    assert screen.lines == []
    assert hub.ours(128) == [comment.render(SCENARIOS["succeeded"].story)]


def test_without_an_identity_there_is_no_comment() -> None:
    """Where AWS never said who we are, the right comment cannot be found: nothing is written."""
    hub = Hub()
    run(Release(identity=None).finished(Outcome.ERROR, reason="no credentials"), hub)
    assert hub.requests == []


class Paced(Courier):
    """The courier on a clock that the test moves: what is due goes out when the time has come, without a thread."""

    def __init__(self, screen: Screen) -> None:
        self.time = 0.0
        super().__init__(self, screen)  # type: ignore[arg-type]

    def now(self) -> float:
        return self.time

    def real(self, seconds: float) -> float:
        return seconds

    def send(self, name: str, delivery: Callable[[], None]) -> None:
        self._boxes.setdefault(name, _Box()).waiting = delivery

    def pass_to(self, time: float) -> None:
        """Let time pass, half a second at a time."""
        while self.time < time:
            self.time = min(time, self.time + 0.5)
            self.pump()

    def pump(self) -> None:
        if (due := self._due(self.time)) is not None:
            self._deliver(*due)

    def close(self) -> None:
        self._closing = True
        self.pump()


class Timed(Hub):
    """GitHub that writes down when something was written."""

    def __init__(self, courier: Paced) -> None:
        super().__init__()
        self.courier = courier
        self.writes: list[float] = []

    def _request(self, what: str) -> None:
        super()._request(what)
        if what in ("create_comment", "edit_comment"):
            self.writes.append(self.courier.time)


def test_a_release_of_a_hundred_stays_far_inside_githubs_limits() -> None:
    """Thousands of events over an hour are few edits: under 80 in any minute and 500 an hour; the last is the end."""
    keys = tuple(f"function-{n}:live" for n in range(100))
    release = Release(*keys, routing=LINEAR, inputs=INPUTS | {"config": "release.yml"}).begun()
    for step in range(1, 11):
        release.after(360)
        for key in keys:  # each has its shift at a time of its own
            release.after(0.3)._add(
                TrafficShifted,
                key=key,
                deployment_id=release._id(key),
                shares={"41": 100.0 - step * 10, "42": step * 10.0} if step < 10 else {"42": 100.0},
                next_shift_at=release.at + 360,
                ends_at=None,
                of_rollback=False,
            )
    release.finished(Outcome.SUCCEEDED, live="42")
    courier = Paced(Screen())
    hub = Timed(courier)
    reporter = CommentReporter(hub, courier, Screen())
    for event in release.events:
        courier.pass_to(event.at)
        reporter.report(event)
    courier.close()
    assert len(release.events) > 2000
    assert hub.requests.count("create_comment") == 1
    for length, most in ((60.0, 80), (3600.0, 500)):
        assert max(sum(at <= other < at + length for other in hub.writes) for at in hub.writes) < most / 2
    assert min(after - at for at, after in pairwise(hub.writes[:-1])) >= GAP - 0.01
    assert hub.ours(128) == [comment.render(release.story)]


def test_a_heartbeat_is_no_edit() -> None:
    """Nothing that the comment says has changed."""
    hub = Hub()
    release = Release().running()
    run(release, hub)
    before = len(hub.requests)
    hub_with = Hub()
    run(Release().running().heartbeat().heartbeat(), hub_with)
    assert len(hub_with.requests) == before
