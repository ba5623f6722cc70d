"""The one table of inputs: the fields of `Inputs` are it.

Each field says its kind (which parses the text), default, description, the commands that use it, and whether the
repository's file may set it. action.yml, the command line's flags, docs/reference.md and the file's schema are made
from, or tested against, this table. Values arrive as text (`INPUT_DEPLOYMENT-GROUP`, `--deployment-group`); `parsing`
turns them into `Inputs`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import field, fields
from enum import StrEnum
from functools import cache
from typing import Any

from ..aws import RollbackEvent
from ..guards.grammar import DEFAULT as NO_GUARDS
from ..guards.grammar import Guards
from ..lazy import dataclass
from ..run import Command
from .kinds import (
    ACCOUNT,
    ALIAS,
    APPSPEC,
    ARN_ROLE,
    BOOL,
    BUCKET,
    CODE,
    CODEDEPLOY_NAME,
    CONFIG,
    DEPLOYMENT_CONFIG,
    DEPLOYMENT_ID,
    DURATION,
    FUNCTION,
    GUARDS,
    KEY,
    LINES_OR_OFF,
    LIST,
    PATH,
    REGION,
    ROLLBACK_EVENTS,
    SHA256,
    STACK,
    TEXT,
    TOKEN,
    URL,
    VERSION,
    WORKFLOW_FILE,
    BucketPath,
    Kind,
    choice,
    count,
)
from .source import Source

DEPLOY, ROLLBACK, STOP, STATUS = Command.DEPLOY, Command.ROLLBACK, Command.STOP, Command.STATUS
PLAN, SETUP, PRUNE, VALIDATE = Command.PLAN, Command.SETUP, Command.PRUNE, Command.VALIDATE
WATCH = Command.WATCH
ALL = tuple(command for command in Command if command is not Command.FINISH)
DEPLOYING = (DEPLOY, PLAN, VALIDATE)


class InFile(StrEnum):
    """Where the repository's file may set an input."""

    NO = "no"
    FUNCTION = "function"  # in `defaults` or for one function
    RUN = "run"  # for the run as a whole


@dataclass(frozen=True, slots=True, kw_only=True)
class Spec:
    """One row of the table, as tests and generators read it."""

    name: str  # kebab-case
    kind: Kind
    default: str  # as a user would write it, empty where there is none
    text: str
    commands: tuple[Command, ...]
    secret: bool
    group: str
    file: InFile

    @property
    def field_name(self) -> str:
        return self.name.replace("-", "_")


# What stands for "not given", where that is not None.
_NOTHING: Mapping[str, Any] = {LIST.name: (), GUARDS.name: NO_GUARDS}


def _row(
    kind: Kind,
    text: str,
    *,
    default: str = "",
    commands: tuple[Command, ...] = ALL,
    secret: bool = False,
    group: str,
    file: InFile = InFile.NO,
) -> Any:
    value = kind.parse(default) if default else _NOTHING.get(kind.name)
    return field(
        default=value,
        metadata={
            "kind": kind,
            "text": text,
            "default": default,
            "commands": commands,
            "secret": secret,
            "group": group,
            "file": file,
        },
    )


_WHAT, _WHERE, _HOW = "What to deploy", "Where", "How"
_WATCH = "Watching another tool"
_BACK, _MANY, _SETUP = "Rollback and stop", "Releases of many functions", "Setup and prune"
_CREDENTIALS, _REPORTS, _SAFETY = "Credentials", "Reports", "Safety"


@dataclass(frozen=True, slots=True, kw_only=True)
class Inputs:
    """Everything a run can be told, parsed. None (or an empty tuple) means "not given"."""

    command: str = _row(
        choice("command", [command.value for command in ALL]),
        "What to do.",
        default="deploy",
        group=_WHAT,
    )
    function: str | None = _row(
        FUNCTION,
        "The Lambda function: its name, or its ARN, which also fixes region and account.",
        group=_WHAT,
        file=InFile.FUNCTION,
    )
    alias: str = _row(ALIAS, "The alias whose traffic is shifted.", default="live", group=_WHAT, file=InFile.FUNCTION)
    code: Source | None = _row(
        CODE,
        "The new code: a zip file, a folder, an S3 object (`s3://bucket/key`) or a container image in ECR. `$LATEST` "
        "publishes what the function holds. `deploy` needs exactly one of `code`, `version`, and an AppSpec with a "
        "target version.",
        commands=DEPLOYING,
        group=_WHAT,
        file=InFile.FUNCTION,
    )
    version: str | None = _row(
        VERSION,
        "`deploy`: the published version to deploy. `rollback`: the version to go back to. Default for a rollback: the "
        "version that the last deployment replaced.",
        commands=(*DEPLOYING, ROLLBACK),
        group=_WHAT,
        file=InFile.FUNCTION,
    )
    current_version: str | None = _row(
        VERSION,
        "Only deploy if the alias currently serves this version. Default: don't check.",
        commands=DEPLOYING,
        group=_WHAT,
        file=InFile.FUNCTION,
    )
    config: str | None = _row(
        CONFIG,
        "Path to the file that describes this repository's functions, or `none` to read none. Default: `ci-deploy.yml` "
        "or `.github/ci-deploy.yml`, if there is one.",
        group=_WHAT,
    )
    target: str | None = _row(
        KEY,
        "The environment to use, from `environments` in the file.",
        group=_WHAT,
    )
    appspec: str | None = _row(
        APPSPEC,
        "Path or `s3://` address of your own AppSpec: YAML, JSON, or a zip with `appspec.yml` in it. Validated; missing fields are filled in.",
        commands=DEPLOYING,
        group=_WHAT,
        file=InFile.FUNCTION,
    )
    expect_code_sha256: str | None = _row(
        SHA256,
        "Only deploy a version with this CodeSha256 (build once, promote everywhere).",
        commands=DEPLOYING,
        group=_WHAT,
        file=InFile.FUNCTION,
    )
    application: str | None = _row(
        CODEDEPLOY_NAME,
        "The CodeDeploy application. Default: the function's name.",
        group=_WHERE,
        file=InFile.FUNCTION,
    )
    deployment_group: str | None = _row(
        CODEDEPLOY_NAME,
        "The deployment group. Default: the alias's name.",
        group=_WHERE,
        file=InFile.FUNCTION,
    )
    stack: str | None = _row(
        STACK,
        "The CloudFormation stack whose deployments to watch, nested stacks included. Default: those of the function, "
        "or of the file's functions.",
        commands=(WATCH,),
        group=_WATCH,
    )
    appear_within: float = _row(
        DURATION,
        "How long to wait for the first deployment.",
        default="30m",
        commands=(WATCH,),
        group=_WATCH,
    )
    on_violation: str = _row(
        choice("policy", ("report", "rollback")),
        "What a violated guard, a hanging hook or a passed time limit leads to: `report`, or a stop with `rollback`. The "
        "stop fails the tool's update.",
        default="report",
        commands=(WATCH,),
        group=_WATCH,
    )
    deployment_config: str | None = _row(
        DEPLOYMENT_CONFIG,
        "How traffic shifts: `canary 10% 5m`, `linear 20% every 3m`, `all-at-once`, or the name of a deployment config. "
        "`setup` creates a config that AWS does not offer. Default: the group's; all at once for a rollback.",
        commands=(*DEPLOYING, ROLLBACK, SETUP),
        group=_WHERE,
        file=InFile.FUNCTION,
    )
    bucket: BucketPath | None = _row(
        BUCKET,
        "The S3 bucket for AppSpecs and large packages: `NAME` or `NAME/prefix` (default prefix: `CodeDeploy`). Without "
        "one the AppSpec is sent inline.",
        commands=(*DEPLOYING, ROLLBACK),
        group=_WHERE,
        file=InFile.FUNCTION,
    )
    bucket_owner: str | None = _row(
        ACCOUNT,
        "The account that owns the buckets: `bucket`, and those of code and AppSpec in S3. Default: the credentials' "
        "account. Buckets of any other account are refused.",
        commands=(*DEPLOYING, ROLLBACK),
        group=_WHERE,
        file=InFile.FUNCTION,
    )
    create_alias: bool = _row(
        BOOL,
        "Create the alias on the first version if it does not exist.",
        default="false",
        commands=(*DEPLOYING, SETUP),
        group=_WHERE,
        file=InFile.FUNCTION,
    )
    account_id: str | None = _row(
        ACCOUNT,
        "Expected AWS account ID. With credentials of another account the run stops before it does anything.",
        group=_WHERE,
        file=InFile.RUN,
    )
    before_allow_traffic: str | None = _row(
        FUNCTION,
        "The hook function to run before traffic shifts.",
        commands=(*DEPLOYING, ROLLBACK),
        group=_HOW,
        file=InFile.FUNCTION,
    )
    after_allow_traffic: str | None = _row(
        FUNCTION,
        "The hook function to run after traffic has shifted. One function may serve both hooks.",
        commands=(*DEPLOYING, ROLLBACK),
        group=_HOW,
        file=InFile.FUNCTION,
    )
    hook_timeout: float | None = _row(
        DURATION,
        "Roll back if a hook runs longer than this. Default: only warn, one minute after the hook function's own timeout.",
        commands=(DEPLOY, ROLLBACK, WATCH),
        group=_HOW,
        file=InFile.FUNCTION,
    )
    auto_rollback: str | tuple[RollbackEvent, ...] = _row(
        ROLLBACK_EVENTS,
        "When CodeDeploy rolls back automatically: a list of `failure`, `alarm`, `stop-request`, or `off`. `default`: the "
        "group's setting if it is enabled there, otherwise all three.",
        default="default",
        commands=(*DEPLOYING, ROLLBACK, SETUP),
        group=_HOW,
        file=InFile.FUNCTION,
    )
    alarms: tuple[str, ...] | None = _row(
        LINES_OR_OFF,
        "CloudWatch alarms that stop this deployment, one per line, instead of the group's (needs "
        "codedeploy:UpdateDeploymentGroup). `off` deploys with alarms turned off, even while one is firing: for "
        "emergencies, and flagged in every report.",
        commands=(*DEPLOYING, SETUP),
        group=_HOW,
        file=InFile.FUNCTION,
    )
    smoke: str | None = _row(
        PATH,
        "Path to a file of smoke cases (YAML or JSON), events that the new version must answer before traffic shifts. "
        "They are invoked for real (needs lambda:InvokeFunction).",
        commands=DEPLOYING,
        group=_HOW,
        file=InFile.FUNCTION,
    )
    guards: Guards = _row(
        GUARDS,
        "What the new version must hold while it gets traffic, one per line: `errors < 1%`, `errors < 2x` (of the old "
        "version's), `p99 < 800ms`, `p95 < 1.5x`. A violated guard rolls the deployment back. `observe:` before a line "
        "only shows it; `off` reads no metrics (needs cloudwatch:GetMetricData). Default: `observe: errors < 2x`.",
        commands=(*DEPLOYING, ROLLBACK, WATCH),
        group=_HOW,
        file=InFile.FUNCTION,
    )
    on_inconclusive: str = _row(
        choice("policy", ("pass", "rollback")),
        "What to do when guards could prove nothing, for or against the new version.",
        default="pass",
        commands=DEPLOYING,
        group=_HOW,
        file=InFile.FUNCTION,
    )
    bake: float | None = _row(
        DURATION,
        "Keep watching this long after all traffic has moved. A guard violated or an alarm firing then rolls back by "
        "another deployment; `watch` reports it. Default: none; `3m` with guards, unless all traffic moves at once.",
        commands=(*DEPLOYING, WATCH),
        group=_HOW,
        file=InFile.FUNCTION,
    )
    wait: bool = _row(
        BOOL,
        "Follow the deployment to its end. `false`: end after creating it (`detached`). For `status`: re-attach and follow.",
        default="true",
        commands=(DEPLOY, ROLLBACK, STATUS, STOP),
        group=_HOW,
        file=InFile.RUN,
    )
    timeout: float | None = _row(
        DURATION,
        "Maximum time to wait. Default: traffic-shift time + 60 min per hook + 10 min.",
        commands=(DEPLOY, ROLLBACK, STATUS, STOP, WATCH),
        group=_HOW,
        file=InFile.FUNCTION,
    )
    on_timeout: str = _row(
        choice("policy", ("rollback", "stop", "leave")),
        "What to do with the deployment when the time is up. Default: `rollback`, or `leave` for the command `rollback`.",
        commands=(DEPLOY, ROLLBACK),
        group=_HOW,
        file=InFile.FUNCTION,
    )
    on_cancel: str = _row(
        choice("policy", ("rollback", "stop", "leave")),
        "What to do with the deployment when the job is cancelled. Default: `rollback`, or `leave` for the commands "
        "`rollback` and `watch`.",
        commands=(DEPLOY, ROLLBACK, WATCH),
        group=_HOW,
        file=InFile.FUNCTION,
    )
    on_conflict: str = _row(
        choice("policy", ("wait", "fail", "supersede")),
        "If another deployment is already running in the group: `wait` for it, `fail`, or `supersede` it (stop it, roll "
        "it back, then deploy).",
        default="wait",
        commands=DEPLOYING,
        group=_HOW,
        file=InFile.FUNCTION,
    )
    repair_alias: str = _row(
        choice("policy", ("auto", "always", "never")),
        "When ci-deploy sets the alias itself (needs lambda:UpdateAlias). `auto`: after a rollback that did not bring the "
        "alias back. `always`: also before deploying, where an earlier stop left traffic split.",
        default="auto",
        commands=(*DEPLOYING, ROLLBACK, STOP),
        group=_HOW,
        file=InFile.FUNCTION,
    )
    force: bool = _row(
        BOOL,
        "Deploy even if a newer run has deployed, or roll back to a version that this group never deployed.",
        default="false",
        commands=(*DEPLOYING, ROLLBACK),
        group=_HOW,
    )
    deployment_id: str | None = _row(
        DEPLOYMENT_ID,
        "Deployment to stop or inspect. For `rollback`: redeploy the version that this deployment released.",
        commands=(ROLLBACK, STOP, STATUS),
        group=_BACK,
    )
    reason: str | None = _row(
        TEXT,
        "Why; written into the deployment, the summary and the comment. A rollback needs it; on a terminal it asks.",
        commands=(ROLLBACK, STOP),
        group=_BACK,
    )
    run_hooks: bool = _row(
        BOOL,
        "Run the hooks in a rollback too.",
        default="false",
        commands=(ROLLBACK,),
        group=_BACK,
        file=InFile.FUNCTION,
    )
    hold: str | None = _row(
        choice("hold", ("set", "release")),
        "`set`: refuse deployments of this function from now on. `release`: allow them again.",
        commands=(DEPLOY, ROLLBACK, STOP),
        group=_BACK,
    )
    rollback: bool = _row(
        BOOL,
        "`stop`: also roll back to the previous version.",
        default="true",
        commands=(STOP,),
        group=_BACK,
    )
    release_policy: str = _row(
        choice("policy", ("rollback-all", "rollback-failed", "stop-wave")),
        "When one function of a release fails, roll back all, roll back only that one, or start no further wave.",
        default="rollback-all",
        commands=(DEPLOY,),
        group=_MANY,
        file=InFile.RUN,
    )
    max_parallel: int | None = _row(
        Kind(name="count", parse=count(1, 1000), hint="a whole number from 1 to 1000"),
        "How many deployments of a release may run at the same time. Default: all.",
        commands=(DEPLOY,),
        group=_MANY,
        file=InFile.RUN,
    )
    only: tuple[str, ...] = _row(
        LIST,
        "Limit the run to these functions of the file, by their names there. `all`: every function.",
        commands=(DEPLOY, PLAN, ROLLBACK, STOP, STATUS, SETUP, PRUNE, VALIDATE, WATCH),
        group=_MANY,
    )
    shard_size: int | None = _row(
        Kind(name="count", parse=count(1, 1000), hint="a whole number from 1 to 1000"),
        "Don't plan; split the file's functions into shards of this size and write them to the output `matrix`. Makes no "
        "AWS calls.",
        commands=(PLAN,),
        group=_MANY,
    )
    service_role_arn: str | None = _row(
        ARN_ROLE,
        "The role that CodeDeploy works with, for a deployment group that `setup` creates.",
        commands=(SETUP,),
        group=_SETUP,
        file=InFile.FUNCTION,
    )
    triggers: tuple[str, ...] = _row(
        LIST,
        "SNS topics (ARNs) that the deployment group notifies.",
        commands=(SETUP,),
        group=_SETUP,
        file=InFile.FUNCTION,
    )
    update_group: bool = _row(
        BOOL,
        "Change an existing deployment group where it differs from the inputs.",
        default="false",
        commands=(SETUP,),
        group=_SETUP,
    )
    keep: int = _row(
        Kind(name="count", parse=count(1, 10000), hint="a whole number from 1 to 10000"),
        "How many of the newest versions `prune` always keeps.",
        default="10",
        commands=(PRUNE,),
        group=_SETUP,
        file=InFile.FUNCTION,
    )
    apply: bool = _row(
        BOOL,
        "Apply the changes. Without it, `setup` and `prune` are dry runs.",
        default="false",
        commands=(SETUP, PRUNE),
        group=_SETUP,
    )
    aws_region: str | None = _row(
        REGION, "The AWS region. Default: `AWS_REGION`, or the profile's.", group=_CREDENTIALS, file=InFile.RUN
    )
    role_to_assume: str | None = _row(
        ARN_ROLE,
        "The role to assume through GitHub's OIDC, refreshed for as long as the job runs (needs `id-token: write`).",
        group=_CREDENTIALS,
    )
    github_token: str | None = _row(
        TOKEN,
        "Token for the pull request comment and the GitHub deployment. In a workflow the default is the job's token.",
        secret=True,
        group=_REPORTS,
    )
    comment: str = _row(
        choice("mode", ("auto", "on-failure", "off")),
        "The pull request comment: kept up to date, only on failure, or never.",
        default="auto",
        group=_REPORTS,
        file=InFile.RUN,
    )
    comment_key: str | None = _row(
        KEY,
        "Keeps comments apart when one pull request deploys the same function and alias several times.",
        group=_REPORTS,
        file=InFile.RUN,
    )
    hook_logs: str = _row(
        choice("mode", ("auto", "on", "off")),
        "Whether reports quote log lines of functions. `auto`: only where the repository is known to be private.",
        default="auto",
        group=_REPORTS,
        file=InFile.RUN,
    )
    github_deployment: str | None = _row(
        TEXT,
        "The environment to record a GitHub deployment in. Leave empty in a job with `environment:`, which has one already.",
        group=_REPORTS,
        file=InFile.RUN,
    )
    environment_url: str | None = _row(
        URL, "The address shown with the GitHub deployment.", group=_REPORTS, file=InFile.RUN
    )
    rollback_workflow: str | None = _row(
        WORKFLOW_FILE,
        "The file name of your rollback workflow, linked from the comment.",
        group=_REPORTS,
        file=InFile.RUN,
    )
    allow_untrusted_event: bool = _row(
        BOOL,
        "Allow writing commands on events that run with secrets on behalf of strangers (`pull_request_target`, …). "
        "Dangerous.",
        default="false",
        group=_SAFETY,
    )


# What is wrong with combinations of them, and what to do.
NEEDS_WAIT = ("needs a job that waits, and `wait` is `false`.", "Leave one of them out.")
NEEDS_GUARDS = ("is `rollback`, and no guard counts.", "Set `guards`, for example `errors < 1%`.")


@cache
def table() -> tuple[Spec, ...]:
    """The rows in order, for action.yml, flags, docs and schema."""
    return tuple(
        Spec(
            name=row.name.replace("_", "-"),
            kind=row.metadata["kind"],
            default=row.metadata["default"],
            text=row.metadata["text"],
            commands=row.metadata["commands"],
            secret=row.metadata["secret"],
            group=row.metadata["group"],
            file=row.metadata["file"],
        )
        for row in fields(Inputs)
    )
