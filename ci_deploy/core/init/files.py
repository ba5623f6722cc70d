"""The files that `init` writes: `ci-deploy.yml`, and workflows that deploy, plan and roll back what it describes."""

from __future__ import annotations

import json
import re
from collections.abc import Collection

from .choices import Choices, wildcard
from .existing import KINDS, Existing

MANIFEST = "ci-deploy.yml"
TEMPLATE = ".github/ci-deploy-roles.yml"
WORKFLOWS = ".github/workflows"
SCHEMA = "https://raw.githubusercontent.com/your-org/ci-deploy/v1/docs/ci-deploy.schema.json"
_CANARY = "canary 10% 5m"  # the template's own default
_CHECKOUT = "actions/checkout@3d3c42e5aac5ba805825da76410c181273ba90b1 # v7.0.1"
_EXAMPLE = """def handler(event, context):
    return {"statusCode": 200, "body": "one"}
"""

_DEPLOY = """\
# Every push to @branch@ deploys what ci-deploy.yml describes: the code becomes a version, and traffic shifts to it.
name: Deploy
on:
  push:
    branches: [@branch@]

permissions: {}

# Deployments queue, and a newer push never cancels a running one.
concurrency:
  group: deploy-@name@
  cancel-in-progress: false

jobs:
  deploy:
    runs-on: ubuntu-latest
    # More than a deployment takes: ci-deploy has a time limit of its own, and rolls back when it is reached.
    timeout-minutes: 180@environment@
    permissions:
      id-token: write # assume the AWS role by OIDC
      contents: read # check out, and find this commit's pull request
      pull-requests: write # the comment
    steps:
      - uses: @checkout@
        with:
          persist-credentials: false
      # Build the code here, if it needs building.
      - uses: @action@
        with:@target@
@linked@          role-to-assume: @deploy@
"""

_PLAN = """\
# Every pull request gets a comment: what deploying its code would do, and what would keep it from running. Reads only.
# Pull requests from forks get no OIDC token, so the job skips them.
name: Plan
on: pull_request

permissions: {}

jobs:
  plan:
    if: github.event.pull_request.head.repo.full_name == github.repository
    runs-on: ubuntu-latest
    timeout-minutes: 10
    permissions:
      id-token: write # assume a role that may only read
      contents: read # check out the pull request's code
      pull-requests: write # the comment
    steps:
      # The pull request merged into its base: the code that a deployment would get.
      - uses: @checkout@
        with:
          persist-credentials: false
      # Build the code here, as deploy does.
      - uses: @action@
        with:
          command: plan@target@
          role-to-assume: @read@
"""

_ROLLBACK = """\
# The button for a bad moment: Actions, Roll back, Run workflow. It goes back to the previous version, or one you name.
# Anyone with write access can run an edited copy of this file from a branch. The copy gets no role: the role trusts
# @trusted@ alone.
name: Roll back
on:
  workflow_dispatch:
    inputs:
@choice@      reason:
        description: Why (goes into the history)
        required: true
        type: string
      hold:
        description: Refuse deployments until one sets hold to release
        type: boolean
        default: false

permissions: {}

jobs:
  rollback:
    runs-on: ubuntu-latest
    timeout-minutes: 60@environment@
    # No concurrency group: a rollback must not queue behind the deployment it is to end.
    permissions:
      id-token: write # assume the AWS role by OIDC
      contents: read # check out ci-deploy.yml, and find this commit's pull request
      pull-requests: write # the comment
    steps:
      - uses: @checkout@
        with:
          persist-credentials: false
      - uses: @action@
        with:
          command: rollback@target@
@chosen@          reason: ${{ inputs.reason }}
          hold: ${{ inputs.hold && 'set' || '' }}
          role-to-assume: @rollback@
"""

_VERSION = """\
      version:
        description: Version to go back to (empty, the previous one)
        type: string
"""
_ONLY = """\
      only:
        description: Functions, by their names in ci-deploy.yml, with commas between them (all, every function)
        required: true
        type: string
"""


def missing(choices: Choices, existing: Existing, taken: Collection[str], template: str) -> dict[str, str]:
    """The texts of the files that are not there, by path. `taken`: the paths that are; none of them is written."""
    paths = workflow_paths(existing, taken)
    texts = {
        MANIFEST: "" if existing.file else manifest(choices),
        **{paths[kind]: workflow(kind, choices, paths, existing) for kind in KINDS if kind not in existing.workflows},
        TEMPLATE: template,
    }
    if choices.create_functions:
        texts |= {f"{each.code}/index.py": _EXAMPLE for each in choices.functions}
    return {path: text for path, text in texts.items() if text and path not in taken}


def workflow_paths(existing: Existing, taken: Collection[str]) -> dict[str, str]:
    """Where each workflow is, or is to go: beside one of the same name that does something else."""
    paths = {}
    for kind in KINDS:
        names = (kind, f"{kind}-lambda", *(f"{kind}-lambda-{number}" for number in range(2, 10)))
        free = (path for name in names if (path := f"{WORKFLOWS}/{name}.yml") not in taken)
        paths[kind] = existing.workflows.get(kind) or next(free)
    return paths


def manifest(choices: Choices) -> str:
    """The text of `ci-deploy.yml`."""
    lines = [
        f"# yaml-language-server: $schema={SCHEMA}",
        "# This repository's functions and how they are deployed: for every command, workflow and terminal",
        "run:",
        f"  account-id: {json.dumps(choices.account)}",
        f"  aws-region: {choices.region}",
        "defaults:",
        f"  bucket: {choices.bucket}",
        "  create-alias: true # on the first version, if there is no alias yet",
    ]
    if choices.alias != "live":
        lines.append(f"  alias: {scalar(choices.alias)}")
    if choices.application:
        lines.append(f"  application: {scalar(choices.application)}")
    if choices.group:
        lines.append(f"  deployment-group: {scalar(choices.group)}")
    # The stack's groups shift in a canary; those that `setup` makes of a file that says nothing, all at once.
    config = choices.deployment_config or (_CANARY if wildcard(choices.functions) else "")
    if config:
        lines.append(f"  deployment-config: {scalar(config)}")
    lines.append("functions:")
    for each in choices.functions:
        lines += [f"  {scalar(each.label)}:", f"    code: {scalar(each.code)}"]
    return "\n".join(lines) + "\n"


def workflow(kind: str, choices: Choices, paths: dict[str, str], existing: Existing) -> str:
    """The text of the workflow that deploys, plans or rolls back."""
    several = len(choices.functions) > 1
    environment = choices.environment
    button = paths["rollback"].rpartition("/")[2]
    said = {
        "branch": scalar(choices.branch),
        "name": choices.name,
        "checkout": _CHECKOUT,
        "action": choices.action,
        "environment": f"\n    environment: {scalar(environment)}" if environment else "",
        "target": f"\n          target: {scalar(choices.target)}" if choices.target else "",
        "trusted": f"the environment {environment}" if environment else f"the branch {choices.branch}",
        "linked": "" if existing.rollback_linked else f"          rollback-workflow: {button}\n",
        "choice": _ONLY if several else _VERSION,
        "chosen": "          only: ${{ inputs.only }}\n" if several else "          version: ${{ inputs.version }}\n",
        **{role: choices.role(role) for role in ("deploy", "read", "rollback")},
    }
    text = {"deploy": _DEPLOY, "plan": _PLAN, "rollback": _ROLLBACK}[kind]
    return re.sub(r"@([a-z]+)@", lambda found: said[found[1]], text)


def scalar(text: str) -> str:
    """A value in YAML, in quotes where it would be something else without."""
    plain = re.fullmatch(r"[A-Za-z$][\w$./% -]*[\w$.]|[A-Za-z]", text, re.ASCII)
    word = text.lower() in ("true", "false", "yes", "no", "on", "off", "null", "y", "n")
    return text if plain and not word else json.dumps(text)
