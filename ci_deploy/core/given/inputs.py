"""The one table of inputs: the fields of `Inputs` are it.

Each field says its kind (which parses the text), default, description and the commands that use it. action.yml, the
command line flags, the README's table and the manifest's schema are made from, or tested against, this table. Values
arrive as text (`INPUT_DEPLOYMENT-GROUP`, `--deployment-group`), empty meaning "not given". All problems are collected.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, fields, replace
from difflib import get_close_matches
from typing import Any

from ..aws import RollbackEvent
from ..errors import InvalidInput, Problem
from ..links import without_login
from ..run import Command
from .kinds import (
    ACCOUNT,
    ALIAS,
    APPSPEC,
    ARN_ROLE,
    BOOL,
    BUCKET,
    CODEDEPLOY_NAME,
    DEPLOYMENT_ID,
    DURATION,
    FUNCTION,
    IMAGE,
    KEY,
    LIST,
    PATH,
    PREFIX,
    REGION,
    ROLLBACK_EVENTS,
    S3,
    SHA256,
    SHIFT,
    TEXT,
    TOKEN,
    URL,
    VERSION,
    Kind,
    choice,
    count,
    pattern,
)

DEPLOY, ROLLBACK, STOP, STATUS = Command.DEPLOY, Command.ROLLBACK, Command.STOP, Command.STATUS
PLAN, SETUP, PRUNE, VALIDATE = Command.PLAN, Command.SETUP, Command.PRUNE, Command.VALIDATE
ALL = tuple(command for command in Command if command is not Command.FINISH)
DEPLOYING = (DEPLOY, PLAN, VALIDATE)


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

    @property
    def field_name(self) -> str:
        return self.name.replace("-", "_")


def _row(
    kind: Kind,
    text: str,
    *,
    default: str = "",
    commands: tuple[Command, ...] = ALL,
    secret: bool = False,
    group: str,
) -> Any:
    value = kind.parse(default) if default else (() if kind is LIST else None)
    return field(
        default=value,
        metadata={
            "kind": kind,
            "text": text,
            "default": default,
            "commands": commands,
            "secret": secret,
            "group": group,
        },
    )


_WHAT, _WHERE, _HOW = "What to deploy", "Where", "How"
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
        FUNCTION, "The Lambda function: its name, or its ARN, which says region and account too.", group=_WHAT
    )
    alias: str = _row(ALIAS, "The alias whose traffic is shifted.", default="live", group=_WHAT)
    target_version: str | None = _row(
        VERSION,
        "The published version to deploy. Leave empty to publish what `$LATEST` holds and deploy that.",
        commands=DEPLOYING,
        group=_WHAT,
    )
    package: str | None = _row(
        PATH, "New code: a zip file, or a folder that is zipped reproducibly.", commands=DEPLOYING, group=_WHAT
    )
    package_s3: str | None = _row(
        S3,
        "New code that is in S3 already, as a zip: `s3://bucket/key`, optionally `?versionId=…`.",
        commands=DEPLOYING,
        group=_WHAT,
    )
    image_uri: str | None = _row(IMAGE, "New code as a container image in ECR.", commands=DEPLOYING, group=_WHAT)
    current_version: str | None = _row(
        VERSION,
        "The version that the alias must be serving now; the deployment is refused if it serves another. Default: whatever it serves.",
        commands=DEPLOYING,
        group=_WHAT,
    )
    functions: str | None = _row(
        PATH, "A manifest (YAML) that names several functions to release together.", group=_WHAT
    )
    appspec: str | None = _row(
        APPSPEC,
        "Your own AppSpec, as a path or an `s3://` address; it is checked, and completed with what it leaves out.",
        commands=DEPLOYING,
        group=_WHAT,
    )
    expect_code_sha256: str | None = _row(
        SHA256,
        "The CodeSha256 that the deployed version must have (build once, promote many).",
        commands=DEPLOYING,
        group=_WHAT,
    )
    application: str | None = _row(CODEDEPLOY_NAME, "The CodeDeploy application.", group=_WHERE)
    deployment_group: str | None = _row(CODEDEPLOY_NAME, "The deployment group.", group=_WHERE)
    deployment_config: str | None = _row(
        CODEDEPLOY_NAME,
        "The deployment config, such as `CodeDeployDefault.LambdaCanary10Percent5Minutes`. Default: the group's; all at once for a rollback.",
        commands=(*DEPLOYING, ROLLBACK, SETUP),
        group=_WHERE,
    )
    bucket: str | None = _row(
        BUCKET,
        "The bucket that the AppSpec is uploaded to. Without one it is sent inline.",
        commands=(*DEPLOYING, ROLLBACK),
        group=_WHERE,
    )
    bucket_owner: str | None = _row(
        ACCOUNT,
        "The account that the buckets belong to: of `bucket`, and of code and AppSpec in S3. Default: the account of the credentials. A bucket of any other account is refused.",
        commands=(*DEPLOYING, ROLLBACK),
        group=_WHERE,
    )
    prefix: str = _row(
        PREFIX,
        "The key prefix in the bucket. CodeDeploy's managed service role may read `CodeDeploy/` only; under another prefix objects get the tag `UseWithCodeDeploy=true`.",
        default="CodeDeploy",
        commands=(*DEPLOYING, ROLLBACK),
        group=_WHERE,
    )
    create_alias: bool = _row(
        BOOL,
        "Create the alias on the first version if it does not exist.",
        default="false",
        commands=(*DEPLOYING, SETUP),
        group=_WHERE,
    )
    account_id: str | None = _row(
        ACCOUNT, "The account this must run in; any other is refused before any other call.", group=_WHERE
    )
    before_allow_traffic: str | None = _row(
        FUNCTION, "The hook function to run before traffic shifts.", commands=(*DEPLOYING, ROLLBACK), group=_HOW
    )
    after_allow_traffic: str | None = _row(
        FUNCTION, "The hook function to run after traffic has shifted.", commands=(*DEPLOYING, ROLLBACK), group=_HOW
    )
    hook_timeout: float | None = _row(
        DURATION,
        "Stop with rollback when a hook has run this long. Default: only warn, when the hook's own time limit and a minute have passed.",
        commands=(DEPLOY, ROLLBACK),
        group=_HOW,
    )
    auto_rollback: str | tuple[RollbackEvent, ...] = _row(
        ROLLBACK_EVENTS,
        "When CodeDeploy rolls back by itself. `default`: the group's setting if it is enabled there, else all three.",
        default="default",
        commands=(*DEPLOYING, ROLLBACK, SETUP),
        group=_HOW,
    )
    alarms: tuple[str, ...] = _row(
        LIST,
        "CloudWatch alarms that stop this deployment, instead of the group's (needs codedeploy:UpdateDeploymentGroup).",
        commands=(*DEPLOYING, SETUP),
        group=_HOW,
    )
    ignore_alarms: bool = _row(
        BOOL,
        "Deploy although alarms are ringing, with alarms switched off for this deployment. For emergencies; said loudly.",
        default="false",
        commands=DEPLOYING,
        group=_HOW,
    )
    wait: bool = _row(
        BOOL,
        "Follow the deployment to its end. `false`: end after creating it (`detached`). For `status`: re-attach and follow.",
        default="true",
        commands=(DEPLOY, ROLLBACK, STATUS, STOP),
        group=_HOW,
    )
    timeout: float | None = _row(
        DURATION,
        "How long to wait for the deployment. Default: the traffic shift's time, 60 minutes a declared hook, and 10 minutes.",
        commands=(DEPLOY, ROLLBACK, STATUS, STOP),
        group=_HOW,
    )
    on_timeout: str = _row(
        choice("policy", ("rollback", "stop", "leave")),
        "What happens to the deployment at the time limit. A manual rollback defaults to `leave`.",
        commands=(DEPLOY, ROLLBACK),
        group=_HOW,
    )
    on_cancel: str = _row(
        choice("policy", ("rollback", "stop", "leave")),
        "What happens to the deployment when the job is cancelled. A manual rollback defaults to `leave`.",
        commands=(DEPLOY, ROLLBACK),
        group=_HOW,
    )
    on_conflict: str = _row(
        choice("policy", ("wait", "fail", "supersede")),
        "When the group has another deployment running: wait for it, fail, or stop it with rollback and deploy then.",
        default="wait",
        commands=DEPLOYING,
        group=_HOW,
    )
    repair: bool = _row(
        BOOL,
        "Repair an alias that an earlier stop left split over two versions, before deploying.",
        default="false",
        commands=DEPLOYING,
        group=_HOW,
    )
    restore_alias: str = _row(
        choice("policy", ("auto", "never")),
        "`auto`: when a rollback was due and did not bring the alias back, set it back (needs lambda:UpdateAlias).",
        default="auto",
        commands=(DEPLOY, ROLLBACK, STOP),
        group=_HOW,
    )
    force: bool = _row(
        BOOL,
        "Deploy although a newer run has deployed, or roll back to a version that this group never deployed.",
        default="false",
        commands=(*DEPLOYING, ROLLBACK),
        group=_HOW,
    )
    to_version: str | None = _row(
        VERSION,
        "The version to roll back to. Default: the one that the last deployment replaced.",
        commands=(ROLLBACK,),
        group=_BACK,
    )
    deployment_id: str | None = _row(
        DEPLOYMENT_ID,
        "`stop`, `status`: the deployment meant. `rollback`: a past deployment whose version is deployed again.",
        commands=(ROLLBACK, STOP, STATUS),
        group=_BACK,
    )
    reason: str | None = _row(
        TEXT,
        "Why: required for a rollback; written into the deployment, the summary and the comment.",
        commands=(ROLLBACK, STOP),
        group=_BACK,
    )
    run_hooks: bool = _row(BOOL, "Run the hooks in a rollback too.", default="false", commands=(ROLLBACK,), group=_BACK)
    hold: bool = _row(
        BOOL,
        "After the rollback, refuse deployments of this function until the hold is released.",
        default="false",
        commands=(ROLLBACK,),
        group=_BACK,
    )
    release_hold: bool = _row(
        BOOL,
        "Release the hold that an earlier rollback set.",
        default="false",
        commands=(DEPLOY, ROLLBACK),
        group=_BACK,
    )
    rollback: bool = _row(
        BOOL, "`stop`: roll back to the version before, too.", default="true", commands=(STOP,), group=_BACK
    )
    release_policy: str = _row(
        choice("policy", ("rollback-all", "rollback-failed", "stop-wave")),
        "When one function of a release fails: roll all of them back, only the failed one, or stop before the next wave.",
        default="rollback-all",
        commands=(DEPLOY,),
        group=_MANY,
    )
    max_parallel: int | None = _row(
        Kind(name="count", parse=count(1, 1000), hint="a whole number from 1 to 1000"),
        "How many deployments of a release may run at the same time. Default: all.",
        commands=(DEPLOY,),
        group=_MANY,
    )
    only: tuple[str, ...] = _row(
        LIST,
        "Of the manifest's functions only these, by their names there: a shard of it.",
        commands=(DEPLOY, PLAN, ROLLBACK, STOP, STATUS, VALIDATE),
        group=_MANY,
    )
    matrix: bool = _row(
        BOOL,
        "Only divide the manifest into shards: the output `matrix` is the JSON for a GitHub matrix. Asks AWS nothing.",
        default="false",
        commands=(PLAN,),
        group=_MANY,
    )
    shard_size: int = _row(
        Kind(name="count", parse=count(1, 1000), hint="a whole number from 1 to 1000"),
        "How many functions a shard has at most.",
        default="100",
        commands=(PLAN,),
        group=_MANY,
    )
    service_role_arn: str | None = _row(
        ARN_ROLE,
        "The role that CodeDeploy works with, for a deployment group that is created.",
        commands=(SETUP,),
        group=_SETUP,
    )
    custom_config: str | None = _row(
        SHIFT,
        "A deployment config to create: `canary 10% 5m` or `linear 20% every 3m`.",
        commands=(SETUP,),
        group=_SETUP,
    )
    triggers: tuple[str, ...] = _row(
        LIST, "SNS topics (ARNs) that the deployment group notifies.", commands=(SETUP,), group=_SETUP
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
        "How many of the newest versions `prune` keeps in any case.",
        default="10",
        commands=(PRUNE,),
        group=_SETUP,
    )
    apply: bool = _row(
        BOOL,
        "`setup`, `prune`: do it. Without it they only show what they would do.",
        default="false",
        commands=(SETUP, PRUNE),
        group=_SETUP,
    )
    aws_region: str | None = _row(REGION, "The region. Default: `AWS_REGION` or the profile's.", group=_CREDENTIALS)
    role_to_assume: str | None = _row(
        ARN_ROLE,
        "A role to assume by GitHub's OIDC inside the container, refreshed for as long as the job lives (needs `id-token: write`).",
        group=_CREDENTIALS,
    )
    github_token: str | None = _row(
        TOKEN,
        "The token for the pull request comment and the GitHub deployment. Pass `${{ github.token }}`.",
        secret=True,
        group=_REPORTS,
    )
    comment: str = _row(
        choice("mode", ("auto", "on-failure", "off")),
        "The pull request comment: kept up to date, only on failure, or never.",
        default="auto",
        group=_REPORTS,
    )
    comment_key: str | None = _row(
        KEY,
        "Tells comments apart when one pull request deploys the same function and alias several times.",
        group=_REPORTS,
    )
    hook_logs: str = _row(
        choice("mode", ("auto", "on", "off")),
        "Whether reports quote the log lines of hooks. `auto`: only where the repository is known to be private.",
        default="auto",
        group=_REPORTS,
    )
    github_deployment: bool = _row(
        BOOL,
        "Record a GitHub deployment. Leave off in a job with `environment:`, which has one already.",
        default="false",
        group=_REPORTS,
    )
    environment: str | None = _row(TEXT, "The environment's name for the GitHub deployment.", group=_REPORTS)
    environment_url: str | None = _row(URL, "The address shown with the GitHub deployment.", group=_REPORTS)
    rollback_workflow: str | None = _row(
        Kind(
            name="workflow file",
            parse=pattern(r"[A-Za-z0-9._-]+\.ya?ml", "a workflow's file name such as `rollback.yml`"),
            hint="a workflow's file name",
        ),
        "The file name of your rollback workflow, to link to from the comment.",
        group=_REPORTS,
    )
    allow_untrusted_event: bool = _row(
        BOOL,
        "Allow writing commands on events that run with secrets on behalf of strangers (`pull_request_target`, …). Dangerous.",
        default="false",
        group=_SAFETY,
    )


def table() -> tuple[Spec, ...]:
    """The rows in order, for action.yml, flags, README and schema."""
    return tuple(
        Spec(
            name=row.name.replace("_", "-"),
            kind=row.metadata["kind"],
            default=row.metadata["default"],
            text=row.metadata["text"],
            commands=row.metadata["commands"],
            secret=row.metadata["secret"],
            group=row.metadata["group"],
        )
        for row in fields(Inputs)
    )


def parse(given: Mapping[str, str], *, where: str = "input `{}`") -> Inputs:
    """Parse values by kebab-case name, or raise InvalidInput with every problem.

    Empty values count as not given. `where` is how a name is shown to the user.
    """
    rows = {spec.name: spec for spec in table()}
    problems: list[Problem] = []
    failed: set[str] = set()
    values: dict[str, Any] = {}
    for name, text in given.items():
        spec = rows.get(name)
        if spec is None:
            close = get_close_matches(name, rows, 1)
            problems.append(
                Problem(
                    where=where.format(name),
                    what="is not known.",
                    remedy=f"Did you mean `{close[0]}`?" if close else "README.md lists all inputs.",
                )
            )
            continue
        stripped = text.strip()
        if not stripped:
            continue
        try:
            values[spec.field_name] = spec.kind.parse(stripped)
        except ValueError as error:
            failed.add(spec.field_name)
            shown = "" if spec.secret else f"`{shorten(stripped)}` "
            problems.append(
                Problem(where=where.format(name), what=f"{shown}{error}.", remedy=f"Expected {spec.kind.hint}.")
            )
    inputs = Inputs(**values)
    problems += _contradictions(inputs, set(values), failed, where)
    if problems:
        raise InvalidInput(tuple(problems))
    return _with_command_defaults(inputs, set(values))


def shorten(text: str) -> str:
    """What somebody gave, fit for a line of an error: 80 characters at most, and none that cannot be seen."""
    printable = "".join(character if character.isprintable() else "�" for character in without_login(text))
    return printable if len(printable) <= 80 else printable[:79] + "…"


_SOURCES = ("target_version", "package", "package_s3", "image_uri")
_SAYS_WHAT = (*_SOURCES, "to_version", "deployment_id", "hold")


def _contradictions(inputs: Inputs, given: set[str], failed: set[str], where: str) -> list[Problem]:
    """What is wrong with inputs that are each well-formed: things missing, or excluding each other."""
    found: list[Problem] = []

    def problem(name: str, what: str, remedy: str) -> None:
        if name not in failed:  # what is malformed is complained about already
            found.append(Problem(where=where.format(name.replace("_", "-")), what=what, remedy=remedy))

    if "command" not in failed:  # of a command that nobody knows nothing can be said
        _for_the_command(inputs, given, failed, problem)
    if inputs.functions is not None and "function" in given:
        problem(
            "functions",
            "cannot be given together with `function`.",
            "Name the function in the manifest, or leave the manifest out.",
        )
    for name, there in of_arn(inputs.function).items():
        said = getattr(inputs, name)
        if said is not None and said != there:
            what = f"says `{there}` in its ARN, and `{name.replace('_', '-')}` says `{said}`."
            problem("function", what, "Correct one of them, or give the function's name alone.")
    if inputs.custom_config and inputs.deployment_config:
        problem("custom_config", "cannot be given together with `deployment-config`.", "Make a config, or name one.")
    sources = [name for name in _SOURCES if getattr(inputs, name) is not None]
    for name in sources[1:]:
        problem(name, f"cannot be given together with `{sources[0].replace('_', '-')}`.", "Give one source of code.")
    if inputs.ignore_alarms and inputs.alarms:
        problem("ignore_alarms", "cannot be given together with `alarms`.", "Name the alarms to heed, or ignore all.")
    if inputs.hold and inputs.release_hold:
        problem("hold", "cannot be given together with `release-hold`.", "Set the hold, or release it.")
    if inputs.github_deployment and not inputs.environment:
        problem("environment", "is missing.", "A GitHub deployment needs an environment's name.")
    if inputs.github_deployment and not inputs.github_token:
        problem("github_token", "is missing.", "`github-deployment` needs it, and `deployments: write`.")
    return found


def _for_the_command(
    inputs: Inputs, given: set[str], failed: set[str], problem: Callable[[str, str, str], None]
) -> None:
    """What this command needs, and what it has no use for although it was meant."""
    command = Command(inputs.command)
    for row in fields(Inputs):
        # Most inputs of another command are harmless (one workflow for several commands passes them all); these are
        # not: whoever gives one means something else than what would happen.
        if row.name in given and row.name in _SAYS_WHAT and command not in row.metadata["commands"]:
            used = ", ".join(f"`{other}`" for other in row.metadata["commands"])
            problem(row.name, f"is not used by the command `{command}`.", f"It belongs to {used}.")
    many = "functions" in given | failed
    if not many and "appspec" not in given | failed and inputs.function is None and command is not Command.SETUP:
        problem("function", "is missing.", "Give the function's name, or `functions` with a manifest.")
    if not many and command not in (Command.PRUNE, Command.VALIDATE):
        for name in ("application", "deployment_group"):
            if getattr(inputs, name) is None:
                problem(name, "is missing.", "Every deployment belongs to an application and a deployment group.")
    if many and command in (Command.SETUP, Command.PRUNE):
        problem("functions", f"is not for the command `{command}`.", "Run it for one function at a time.")
    if command is Command.ROLLBACK:
        if not inputs.reason and not (inputs.release_hold and not inputs.to_version):
            problem("reason", "is missing.", "A rollback is written into the history: say why in a few words.")
        if inputs.to_version and inputs.deployment_id:
            problem(
                "to_version",
                "cannot be given together with `deployment-id`.",
                "Give the version, or the deployment that deployed it.",
            )


def _with_command_defaults(inputs: Inputs, given: set[str]) -> Inputs:
    """Defaults that depend on the command: a manual rollback is not undone by losing patience or the job."""
    policy = "leave" if inputs.command == Command.ROLLBACK else "rollback"
    changes: dict[str, Any] = {name: policy for name in ("on_timeout", "on_cancel") if name not in given}
    if inputs.command == Command.STATUS:
        # It only looks, whatever a workflow that shares its inputs between commands says.
        changes |= {"on_timeout": "leave", "on_cancel": "leave", "hook_timeout": None, "restore_alias": "never"}
    if inputs.command == Command.ROLLBACK:
        if "auto_rollback" not in given:
            changes["auto_rollback"] = ()
        if "deployment_config" not in given:
            changes["deployment_config"] = "CodeDeployDefault.LambdaAllAtOnce"
    if inputs.command == Command.STATUS and "wait" not in given:
        changes["wait"] = False
    if inputs.function:  # an ARN ends in the name
        changes |= {"function": inputs.function.split(":")[-1], **of_arn(inputs.function)}
    return replace(inputs, **changes)


def of_arn(function: str | None) -> dict[str, str]:
    """Where a function is, as its ARN says: another one of the same name elsewhere is never meant."""
    parts = (function or "").split(":")
    return {"aws_region": parts[3], "account_id": parts[4]} if len(parts) > 1 else {}


def unused(given: Mapping[str, str], command: Command) -> tuple[str, ...]:
    """Names of the inputs that were given and that `command` does not use: worth a note, not an error."""
    return tuple(spec.name for spec in table() if given.get(spec.name, "").strip() and command not in spec.commands)


def given_text(given: Mapping[str, str]) -> dict[str, str]:
    """The inputs as the user gave them, for the reports: secrets and empty ones left out."""
    secret = {spec.name for spec in table() if spec.secret}
    return {name: without_login(text.strip()) for name, text in given.items() if text.strip() and name not in secret}
