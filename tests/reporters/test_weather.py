"""GitHub in bad weather, in whole runs: answers that are late, lost or refused, and comments that somebody deletes.

Whatever happens on the way, nothing is written twice, and the last state is the truth once GitHub answers again.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from random import Random

import pytest
from sinks import Hub, Screen
from storyteller import scenarios

from ci_deploy.core.story import events as e
from ci_deploy.core.story.timeline import Story, tell
from ci_deploy.ports import Comment, GitHubError
from ci_deploy.reporters import comment
from ci_deploy.reporters.comment import CommentReporter
from ci_deploy.reporters.courier import Courier
from tests.support.releases import make

SCENARIOS = scenarios()
PASSING = (
    GitHubError(500, "Internal Server Error"),
    GitHubError(502, "Bad Gateway"),
    GitHubError(403, "You have exceeded a secondary rate limit", retry_after=1.0),
    GitHubError(429, "Too Many Requests", retry_after=1.0),
    GitHubError(0, "Connection reset by peer"),
)


class Weathered(Hub):
    """Its requests fail before or after they had their effect; now and then somebody deletes our comment."""

    def __init__(self, dice: Random) -> None:
        super().__init__()
        self.dice = dice
        self.fair = False

    def _before(self) -> None:
        if not self.fair and self.dice.random() < 0.3:
            raise self.dice.choice(PASSING)

    def _after(self) -> None:
        if not self.fair and self.dice.random() < 0.2:
            raise self.dice.choice((PASSING[0], PASSING[1], PASSING[4]))

    def login(self) -> str:
        self._before()
        return super().login()

    def comments(self, number: int) -> Iterator[Comment]:
        self._before()
        yield from super().comments(number)
        self._after()

    def create_comment(self, number: int, body: str) -> Comment:
        self._before()
        made = super().create_comment(number, body)
        self._after()
        return made

    def edit_comment(self, comment_id: int, body: str) -> Comment:
        self._before()
        if not self.fair and self.dice.random() < 0.1:
            self.delete(comment_id)
        made = super().edit_comment(comment_id, body)
        self._after()
        return made


class Patient(Courier):
    """The courier's rule without its thread: the newest delivery is tried until it has arrived."""

    def __init__(self, hub: Weathered, screen: Screen) -> None:
        self.hub, self.screen = hub, screen
        self.waiting: Callable[[], None] | None = None

    def send(self, name: str, delivery: Callable[[], None]) -> None:
        self.waiting = delivery
        self.deliver()

    def deliver(self) -> None:
        try:
            if self.waiting:
                self.waiting()
                self.waiting = None
        except GitHubError as error:
            assert error.transient, error

    def notice(self, text: str, *, title: str) -> None:
        self.screen.notice(text, title=title)


def played(events: list[e.Event], hub: Weathered) -> Story:
    """The story that was told; at its end GitHub answers again."""
    screen = Screen()
    courier = Patient(hub, screen)
    reporter = CommentReporter(hub, courier, screen)
    story = Story()
    for event in events:
        reporter.report(event)
        story = tell(story, event)
    hub.fair = True
    for _ in range(3):
        courier.deliver()
    assert screen.of("notice") == []
    return story


@pytest.mark.parametrize("seed", range(10))
def test_one_comment_stands_at_the_end_and_says_the_end(seed: int) -> None:
    dice = Random(f"weather {seed}")
    name = dice.choice(sorted(SCENARIOS))
    hub = Weathered(dice)
    story = played(SCENARIOS[name].events, hub)
    told = hub.ours(128)
    assert len(told) <= 1, "written twice"
    if story.exit_code is not None and story.identity is not None:
        assert told in ([], [comment.render(story)])


def released(seed: int) -> list[e.Event]:
    """A random release: functions in shared groups, faults of AWS, signals, reversals."""
    run = make(seed).end().run
    keys = tuple(rollout.key for rollout in run.release.rollouts)
    context = SCENARIOS["succeeded"].story.context
    started = next(event for event in SCENARIOS["succeeded"].events if isinstance(event, e.Started))
    # Each function has a group of its own, which no input of the whole run names.
    own = ("application", "deployment-group")
    inputs = {name: text for name, text in started.inputs.items() if name not in own}
    begun = e.Started(at=0.0, command=run.release.command, context=context, inputs=inputs, keys=keys, epoch=0.0)
    return [begun, *run.events]


@pytest.mark.parametrize("seed", range(4))
def test_a_whole_release_in_bad_weather_leaves_one_comment_with_its_end(seed: int) -> None:
    hub = Weathered(Random(f"release {seed}"))
    story = played(released(seed), hub)
    assert story.exit_code is not None
    assert len(hub.ours(128)) <= 1, "written twice"
    assert hub.ours(128) in ([], [comment.render(story)])
    assert "ci-deploy:open" not in "".join(hub.ours(128))


@pytest.mark.full
def test_hundreds_of_runs_in_bad_weather() -> None:
    for seed in range(1_000, 1_270):
        test_one_comment_stands_at_the_end_and_says_the_end(seed)
    for seed in range(1_000, 1_030):
        test_a_whole_release_in_bad_weather_leaves_one_comment_with_its_end(seed)
