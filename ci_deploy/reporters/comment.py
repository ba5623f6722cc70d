"""The one pull request comment, edited in place through the deployment's life.

`render` is a pure function of the Story. The comment is found again by a hidden first line *and* by its author, so
nobody's copy of it is ever edited. While a run goes on its comment has a second hidden line; where a run that was
killed has left that behind, the next run of one of its functions closes the comment (one that lives edits it back).
Requests happen on the courier's thread; nothing here can fail a deployment.
"""

from __future__ import annotations

import hashlib
import re
from itertools import islice

from ..core.run import Command, Context
from ..core.story import events as e
from ..core.story.timeline import Story, tell
from ..ports import Comment, GitHub, GitHubError, LogSink, PullRequest, RunnerFiles
from .courier import Courier
from .refused import refused
from .rendering import sections as part
from .rendering.escape import details
from .rendering.sections import Section

LIMIT = 65_000  # GitHub: 65,536 characters. Bytes are never fewer than characters, however those are counted

STATE = "comment"
_MARK = re.compile(r"<!-- ci-deploy:1 [0-9a-f]{32} -->")
_OPEN = re.compile(r"<!-- ci-deploy:open (\d+\.\d+)((?: [0-9a-f]{8})+) -->\n")
_TITLE = re.compile(r"^### \S+ (.)", re.MULTILINE)
STRAYS = 5  # comments of runs that never ended, closed by one run at most
_QUEUE = re.compile(r"refs/heads/gh-readonly-queue/.+/pr-(\d+)-[0-9a-f]+")


def render(story: Story, mark: str = "") -> str:
    """The comment's body as the story stands, its hidden marker first; always fewer than 65,536 characters.

    `mark`: the marker of the comment that an earlier step wrote, where there is one.
    """
    return part.fit(
        (
            Section("title", (f"{mark or marker(story)}\n{_open(story)}### {part.headline(story)}",)),
            Section("endpoint", (part.not_aws(story),)),
            Section("verdict", ("" if part.is_success(story) else part.lead(story),)),
            Section("holds", (part.holds(story), "")),
            Section(
                "functions",
                part.shrinking(lambda n: part.functions_table(story, n), (100, 50, 25, 10, 3)),
                rank=3,
            ),
            Section("roll back", (part.roll_back_link(story), "")),
            Section("guards", part.shrinking(lambda n: part.guards(story, n), (10, 3)), rank=2),
            Section("diagnosis", part.shrinking(lambda n: part.diagnoses(story, lines=n), (40, 15, 0)), rank=5),
            Section("tables", part.shrinking(lambda n: part.tables(story, n), (50, 10, 0)), rank=4),
            Section("history", part.shrinking(lambda n: part.history(story, n), (15, 5, 0)), rank=4),
            Section("findings", part.shrinking(lambda n: part.findings(story, notes=False, limit=n), (20, 5))),
            Section("lifecycle", part.shrinking(lambda n: _lifecycle(story, n), (20, 5, 0)), rank=7),
            Section("plan", part.shrinking(lambda n: _plan(story, n), (20, 5, 0)), rank=8),
            Section("how to roll back", (part.roll_back(story), ""), rank=6),
            Section("provenance", (part.provenance(story),)),
        ),
        LIMIT,
    )


def _lifecycle(story: Story, limit: int) -> str:
    text = part.lifecycles(story, limit) if limit and not part.is_success(story) else ""
    return details("Lifecycle", text)


def _plan(story: Story, limit: int) -> str:
    """Where it is what this is about, or still ahead."""
    about = story.command is Command.PLAN
    text = part.plans(story, limit) if limit and (about or story.result is None) else ""
    return details("Plan", text, open_=about)


def marker(story: Story) -> str:
    """The hidden first line: the same for the same account, region, group, functions and `comment-key`.

    A hash, because names may hold `--`, which would end an HTML comment, and an account's number is not for everybody.
    """
    return f"<!-- ci-deploy:1 {_hash(story, *story.functions)} -->"


def _hash(story: Story, *keys: str) -> str:
    identity = story.identity
    parts = [story.inputs.get("comment-key", "")]
    parts += [identity.account, identity.region] if identity else []
    for key in sorted(keys):
        chapter = story.functions[key]
        application = chapter.application or story.inputs.get("application", "")
        group = chapter.group or story.inputs.get("deployment-group", "")
        parts += [key, application, group]
    return hashlib.sha256(chr(0).join(parts).encode(errors="backslashreplace")).hexdigest()[:32]


def _open(story: Story) -> str:
    """A hidden line for as long as the run goes on: which run it is, and of which functions."""
    if story.exit_code is not None:
        return ""
    run = f"{story.context.run_id}.{story.context.run_attempt}"
    marks = " ".join(sorted(_marks(story))[:100])
    return f"<!-- ci-deploy:open {run} {marks} -->\n" if marks else ""


def _marks(story: Story) -> frozenset[str]:
    """What each function is known by; names may be long, and hold what would end an HTML comment."""
    return frozenset(_hash(story, key)[:8] for key in story.functions)


def is_stray(body: str, story: Story) -> bool:
    """Whether a comment of ours is of another run, which began a function of this one and never came to its end."""
    found = _OPEN.search(body[:5_000])
    if found is None or found[1] == f"{story.context.run_id}.{story.context.run_attempt}":
        return False
    return bool(_marks(story) & frozenset(found[2].split()))


def closed(body: str, story: Story) -> str:
    """A stray as it is to stand: under its own marker, its last state below the word that nobody came back to it."""
    text = _TITLE.sub(lambda was: f"### 🛑 Interrupted while {was[1].lower()}", _OPEN.sub("", body), count=1)
    head, gap, rest = text.partition("\n\n")
    by = f"[A later run]({story.context.run_url})" if story.context.run_url else "A later run"
    note = f"> [!NOTE]\n> The run that wrote this ended without a verdict. {by} says what is served now."
    return f"{head}\n\n{note}{gap}{rest}"[:LIMIT]


def identifiable(story: Story, key: str) -> bool:
    """Whether enough is known of the run and of this function for the marker to stay the same until the end."""
    chapter, inputs = story.functions[key], story.inputs
    named = chapter.application and chapter.group
    return story.identity is not None and bool(named or (inputs.get("application") and inputs.get("deployment-group")))


def pull_request_of(context: Context, found: tuple[PullRequest, ...]) -> int | None:
    """The pull request that a commit belongs to: the one merged by it, else one that it is the head of."""
    merged = [pull for pull in found if pull.merged and context.sha in (pull.merge_sha, pull.head_sha)]
    heads = [pull for pull in found if pull.open and pull.head_sha == context.sha]
    others = [pull for pull in found if pull.merged] + [pull for pull in found if pull.open]
    return next((pull.number for pull in (*merged, *heads, *others)), None)


class CommentReporter:
    """Keeps the comment up to date. `mode` is the input `comment`: `auto`, `on-failure` or `off`.

    `mark` is the marker that the main step left in the state for the post step, which may know fewer functions.
    """

    name = "pull request comment"

    def __init__(
        self,
        github: GitHub | None,
        courier: Courier,
        log: LogSink,
        mode: str = "auto",
        *,
        files: RunnerFiles | None = None,
        mark: str = "",
    ) -> None:
        self._github = github
        self._courier = courier
        self._log = log
        self._mode = mode
        self._files = files
        self._mark = mark if _MARK.fullmatch(mark) else ""
        self._story = Story()
        self._off = github is None or mode == "off"
        self._identified = 0  # functions of which enough is known, in the story's order
        # Only the courier's thread touches these.
        self._number: int | None = None
        self._looked_for_number = False
        self._comment_id: int | None = None
        self._looked_for_comment = False
        self._written = ""
        self._strays: list[Comment] = []

    def report(self, event: e.Event) -> None:
        self._story = story = tell(self._story, event)
        if self._off:
            return
        context = story.context
        if isinstance(event, e.Started) and context.from_fork and context.event_name == "pull_request":
            self._off = True
            self._log.notice(
                "No pull request comment: a pull request from a fork has a token that can only read. "
                "The job summary has it all.",
                title="No comment",
            )
            return
        # A heartbeat changes nothing that the comment says; before a plan there is nothing to say.
        if isinstance(event, (e.Heartbeat, e.Started, e.Identified)) or not self._identifiable(story):
            return
        concluded = story.exit_code is not None
        if self._mode == "on-failure" and not concluded:
            return
        if not concluded and not any(chapter.plan or chapter.deployment for chapter in story.functions.values()):
            return
        self._courier.send(self.name, lambda: self._deliver(story))

    def _identifiable(self, story: Story) -> bool:
        """As `identifiable` for all functions, each asked until it is known and not again: there may be hundreds."""
        if self._mark:
            return True
        for key in islice(story.functions, self._identified, None):
            if not identifiable(story, key):
                return False
            self._identified += 1
        return self._identified > 0

    def close(self) -> None:
        """The courier is closed by whoever made it."""

    # --- on the courier's thread ----------------------------------------------------------------------------------

    def _deliver(self, story: Story) -> None:
        if self._off:
            return
        try:
            self._write(story)
        except GitHubError as error:
            if error.transient:
                raise
            self._off = True
            text = refused("pull request comment", error, permission="pull-requests", off="comment: off")
            self._courier.notice(text, title="No comment")

    def _write(self, story: Story) -> None:
        assert self._github is not None
        number = self._pull_request(story.context)
        if number is None:
            self._off = True
            return
        body = render(story, self._mark)
        if body != self._written:
            self._put(story, number, body)
        while story.exit_code is not None and self._strays:
            stray = self._strays.pop()
            self._github.edit_comment(stray.id, closed(stray.body, story))

    def _put(self, story: Story, number: int, body: str) -> None:
        assert self._github is not None
        if self._comment_id is None and not self._looked_for_comment:
            mark = self._mark or marker(story)
            if self._files is not None:
                self._files.state(STATE, mark)
            self._comment_id = self._find(number, mark, story)
            self._looked_for_comment = True
        # A success is news in mode `on-failure` only where a failure was told before.
        if self._comment_id is None and self._mode == "on-failure" and story.exit_code == 0:
            return
        if self._comment_id is not None:
            try:
                self._github.edit_comment(self._comment_id, body)
            except GitHubError as error:
                if error.status != 404:
                    raise
                self._comment_id = None  # somebody deleted it
        if self._comment_id is None:
            self._looked_for_comment = False  # a creation whose answer is lost is looked for before another one
            self._comment_id = self._github.create_comment(number, body).id
            self._looked_for_comment = True
        self._written = body

    def _pull_request(self, context: Context) -> int | None:
        assert self._github is not None
        if self._looked_for_number:
            return self._number
        number = context.pull_request
        if number is None and (match := _QUEUE.fullmatch(context.ref)):
            number = int(match.group(1))
        if number is None and context.event_name == "push" and context.sha:
            number = pull_request_of(context, self._github.pull_requests_of(context.sha))
        self._number, self._looked_for_number = number, True
        return number

    def _find(self, number: int, mark: str, story: Story) -> int | None:
        """Our comment; on the way, what runs that were killed have left of theirs."""
        assert self._github is not None
        login = self._github.login()
        # Anybody can write our marker; only we write as this token's user.
        ours = [each for each in self._github.comments(number) if each.author == login and _MARK.match(each.body)]
        found = next((each.id for each in ours if each.body.startswith(mark)), None)
        self._strays = [each for each in ours if each.id != found and is_stray(each.body, story)][:STRAYS]
        return found
