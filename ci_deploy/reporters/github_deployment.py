"""A GitHub deployment with its statuses, for those who opt in (`github-deployment`).

A job with `environment:` has one from GitHub already, and two of one environment switch each other to inactive
(actions/runner#1001). Where the job can be asked for its environment, none is made then; else the docs say so.
"""

from __future__ import annotations

from collections.abc import Callable

from ..core.aws import DeploymentStatus
from ..core.result import Result
from ..core.run import Outcome, Rollback
from ..core.story import events as e
from ..core.story.timeline import Story, tell
from ..ports import GitHub, GitHubError, RunnerFiles
from .courier import Courier
from .refused import refused
from .rendering import ends, verdict
from .rendering.escape import line

DESCRIPTION = 140  # characters (facts.md B5)
STATE = "github-deployment"


def state_of(story: Story) -> str:
    """GitHub's state for how far the story is; empty while nothing was deployed, which needs no deployment."""
    started = any(chapter.deployment for chapter in story.functions.values())
    result = story.result
    if result is None:
        return "in_progress" if started else ""
    if not (started or result.deployment_id):
        return ""
    match result.outcome:
        case Outcome.SUCCEEDED:
            return "success"
        case Outcome.DETACHED:
            return "in_progress"
        case Outcome.FAILED | Outcome.ROLLED_BACK | Outcome.ROLLBACK_FAILED:
            return "failure"
        case Outcome.STOPPED | Outcome.CANCELLED if _withdrawn(result):
            return "inactive"  # rolled back on purpose, and the previous version serves
        case Outcome.UNCHANGED | Outcome.REPORTED:
            # It came too late to stop a deployment, for instance, and has seen it succeed.
            legs = [chapter.deployment for chapter in story.functions.values() if chapter.deployment]
            return "success" if legs and all(leg.status is DeploymentStatus.SUCCEEDED for leg in legs) else ""
    return "error"


def _withdrawn(result: Result) -> bool:
    return result.rollback is Rollback.SUCCEEDED and not result.live_weights


class GitHubDeploymentReporter:
    """Creates the deployment when AWS's exists, and gives it a status whenever that changes.

    `deployment_id` is one that was made before (by the main step, for the post step). `job_environment` tells the
    `environment:` of the job itself, empty for none or when it cannot be told; it may take its time.
    """

    name = "GitHub deployment"

    def __init__(
        self,
        github: GitHub,
        courier: Courier,
        files: RunnerFiles,
        *,
        environment: str,
        environment_url: str = "",
        production: bool | None = None,
        deployment_id: int | None = None,
        job_environment: Callable[[], str] = str,
    ) -> None:
        self._github = github
        self._courier = courier
        self._files = files
        self._environment = environment
        self._url = environment_url
        self._production = production
        self._story = Story()
        self._sent = ""
        # Only the courier's thread touches these.
        self._id = deployment_id
        self._job_environment = job_environment
        self._off = False

    def report(self, event: e.Event) -> None:
        self._story = story = tell(self._story, event)
        state = state_of(story)
        if not state or state == self._sent or not story.context.commit:
            return
        self._sent = state
        self._courier.send(self.name, lambda: self._deliver(story, state))

    def close(self) -> None:
        """The courier is closed by whoever made it."""

    def _deliver(self, story: Story, state: str) -> None:
        if self._off:
            return
        context = story.context
        try:
            if self._id is None and (known := self._job_environment()):
                self._off = True
                text = f"This job has `environment: {known}`, for which GitHub records a deployment itself."
                self._courier.notice(f"No second GitHub deployment: {text}", title="No deployment")
                return
            if self._id is None:
                self._id = self._github.create_deployment(
                    ref=context.commit,
                    environment=self._environment,
                    description=_description(story),
                    payload={"run": str(context.run_id), "functions": ",".join(story.functions)[:1000]},
                    production=self._production,
                )
                # The post step gives this one its end, and makes no second.
                self._files.state(STATE, str(self._id))
            self._github.deployment_status(
                self._id,
                state=state,
                description=_description(story),
                environment=self._environment,
                log_url=context.run_url,
                environment_url=self._url if state == "success" else "",
            )
        except GitHubError as error:
            if error.transient:
                raise
            self._off = True
            text = refused("GitHub deployment", error, permission="deployments", off="github-deployment: false")
            self._courier.notice(text, title="No deployment")


def _description(story: Story) -> str:
    result = story.result
    if result is None:
        target = next((chapter.target_version for chapter in story.functions.values()), "")
        text = f"Deploying version {target}" if len(story.functions) == 1 and target else "Deploying"
    else:
        text = f"{ends.look(story.command, result).title}: {verdict.summary_sentence(story)}"
    text = line(text)
    return text if len(text) <= DESCRIPTION else text[: DESCRIPTION - 1] + "…"
