"""The commands that prepare the AWS account: the stack of roles, bucket and groups, and `setup` for many functions."""

from __future__ import annotations

import re
import shlex

from ..lazy import dataclass
from .choices import Choices, wildcard
from .files import TEMPLATE, WORKFLOWS
from .subjects import Job, Known, Unpredictable, subjects


@dataclass(frozen=True, slots=True, kw_only=True)
class Trusted:
    """The subjects that may assume each role; `unknown`: the claims of the repository's template that need a flag."""

    deploy: tuple[str, ...]
    read: tuple[str, ...]
    rollback: tuple[str, ...]
    unknown: tuple[str, ...] = ()


def trusted(choices: Choices, known: Known, paths: dict[str, str]) -> Trusted:
    """Whom the roles trust: the flags' subjects, else those of the workflows' jobs."""
    branch = f"refs/heads/{choices.branch}"
    context = f"environment:{choices.environment}" if choices.environment else f"ref:{branch}"
    files = {kind: path.removeprefix(f"{WORKFLOWS}/") for kind, path in paths.items()}
    jobs = {
        "deploy": [Job(context=context, event="push", workflow=files["deploy"], title="Deploy", ref=branch)],
        "rollback": [
            Job(context=context, event="workflow_dispatch", workflow=files["rollback"], title="Roll back", ref=branch)
        ],
        "read": [
            Job(context="pull_request", event="pull_request", workflow=files["plan"], title="Plan"),
            Job(context=f"ref:{branch}", event="workflow_dispatch", workflow="status.yml", title="Status", ref=branch),
        ],
    }
    given = {"deploy": choices.subjects, "rollback": choices.subjects, "read": choices.read_subjects}
    found: dict[str, tuple[str, ...]] = {}
    unknown: list[str] = []
    for role, wanted in jobs.items():
        try:
            found[role] = given[role] or subjects(choices.remote, known, wanted)
        except Unpredictable as error:
            found[role] = ()
            unknown.append(str(error))
    return Trusted(
        deploy=found["deploy"],
        read=found["read"],
        rollback=found["rollback"],
        unknown=tuple(dict.fromkeys(unknown)),
    )


def stack(choices: Choices) -> str:
    """The stack's name: a letter first, then letters, digits and hyphens."""
    return f"ci-deploy-{re.sub(r'[^A-Za-z0-9-]', '-', choices.name)}"


def command(choices: Choices, trust: Trusted) -> str:
    """`aws cloudformation deploy` with everything that it needs, ready to paste into a POSIX shell."""
    issuer = choices.remote.issuer
    every = wildcard(choices.functions)
    functions = every or ",".join(dict.fromkeys(each.name for each in choices.functions))
    # The account has at most one provider for an issuer, and whoever made it, it is the one to use.
    provider = choices.provider_arn or (
        f'"$(aws iam list-open-id-connect-providers --output text --query'
        f' "OpenIDConnectProviderList[?ends_with(Arn, \':oidc-provider/{issuer}\')].Arn")"'
    )
    parameters = [
        f"Name={choices.name}",
        f"'Functions={functions}'" if every else f"Functions={functions}",
        *([f"Alias={choices.alias}"] if choices.alias != "live" else []),
        *([f"Application={choices.application}"] if choices.application else []),
        *([f"DeploymentGroup={shlex.quote(choices.group)}"] if choices.group else []),
        *([] if choices.creates_groups else ["CreateGroups=false"]),
        *(["CreateFunctions=true"] if choices.create_functions else []),
        f"BucketName={choices.bucket.partition('/')[0]}",
        *([f"Issuer={issuer}"] if issuer != "token.actions.githubusercontent.com" else []),
        f"OidcProviderArn={provider}",
        *(
            f"{role}Subjects={','.join(each)}"
            for role, each in (("Deploy", trust.deploy), ("Rollback", trust.rollback), ("Read", trust.read))
            if each
        ),
    ]
    return " \\\n  ".join(
        [
            f"aws cloudformation deploy --region {choices.region} --stack-name {stack(choices)}",
            f"--template-file {TEMPLATE} --capabilities CAPABILITY_NAMED_IAM CAPABILITY_AUTO_EXPAND",
            f"--parameter-overrides {parameters[0]}",
            *(f"  {parameter}" for parameter in parameters[1:]),
        ]
    )


def setup(choices: Choices) -> str:
    """What makes the groups of functions that are too many for the stack; empty where it makes them itself."""
    every = wildcard(choices.functions)
    if not every:
        return ""
    output = f"ServiceRoleArn{re.sub(r'[^A-Za-z0-9]', '', every)}"
    role = (
        f'"$(aws cloudformation describe-stacks --region {choices.region} --stack-name {stack(choices)} --output text'
        f' --query "Stacks[0].Outputs[?OutputKey==\'{output}\'].OutputValue")"'
    )
    return f"ci-deploy setup --apply --service-role-arn {role}"
