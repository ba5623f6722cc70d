"""Secrets reach no report: not as they are, and not in any form that the action itself writes things in."""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Iterator
from typing import Any
from urllib.parse import quote

import pytest

from ci_deploy.reporters.rendering.escape import html_code, prose
from codedeploy_emulator import Emulator
from codedeploy_emulator.github.oidc import REQUEST_TOKEN
from tests.support.account import Account
from tests.support.action import CHECKOUT, HOOKS, REPOSITORY, Finished, Runner

SECRETS = {
    "AWS_SECRET_ACCESS_KEY": "fake/secret+key_of=the*tests&<for>nothing",
    "AWS_SESSION_TOKEN": "fake//session+token_of=the*tests",
    "INPUT_GITHUB-TOKEN": "ghs_fake-token_of*the<tests>",
}
ROLE = "arn:aws:iam::123456789012:role/deploy"
DEPLOY = {
    **CHECKOUT,
    **HOOKS,
    "bucket": "demo-deployments",
    "github-deployment": "staging",
}
MASK = "::add-mask::"


def forms(secret: str) -> Iterator[str]:
    """A secret as it is, and as JSON, Markdown, HTML, addresses, workflow commands and base64 would have it."""
    yield secret
    yield json.dumps(secret)[1:-1]
    yield prose(secret)
    yield html_code(secret).removeprefix("<code>").removesuffix("</code>")
    yield quote(secret)
    yield quote(secret, safe="")
    yield secret.replace("%", "%25")
    yield secret.encode().hex()
    for shift in range(3):  # wherever it stands in what was encoded
        text = base64.b64encode(b"\0" * shift + secret.encode()).decode()
        middle = text[4 if shift else 0 : -4]
        yield middle
        yield middle.replace("+", "-").replace("/", "_")


def told(done: Finished, emulator: Emulator, account: Account) -> dict[str, str]:
    """Everything that the run wrote anywhere, by place; of the log, all but what tells the runner what to hide."""
    github = emulator.github.repository(*REPOSITORY.split("/"))
    objects = account.s3.list_objects_v2(Bucket="demo-deployments").get("Contents", [])
    bodies = [account.s3.get_object(Bucket="demo-deployments", Key=each["Key"])["Body"].read() for each in objects]
    ids = account.codedeploy.list_deployments()["deployments"]
    return {
        "log": "\n".join(line for line in done.log.splitlines() if not line.startswith(MASK)),
        "outputs": json.dumps(done.outputs, ensure_ascii=False),
        "state": json.dumps(done.state, ensure_ascii=False),
        "summary": done.summary,
        "comments": "\n".join(account.comments()),
        "GitHub": json.dumps([list(github.deployments.values()), list(github.statuses.values())]),
        "AppSpecs": str(objects) + b"\n".join(bodies).decode(),
        "deployments": "".join(str(account.deployment(each)) for each in ids),
    }


def check(done: Finished, emulator: Emulator, account: Account) -> None:
    masked = [line.removeprefix(MASK) for line in done.log.splitlines() if line.startswith(MASK)]
    assert SECRETS["INPUT_GITHUB-TOKEN"] in masked
    for secret in {*SECRETS.values(), REQUEST_TOKEN, *masked}:
        for place, text in told(done, emulator, account).items():
            for form in forms(secret):
                assert form not in text, f"{place} has {secret} as {form}"


@pytest.mark.parametrize("role", [{}, {"role-to-assume": ROLE}], ids=["keys", "oidc"])
def test_a_run_tells_no_secret(runner: Runner, emulator: Emulator, account: Account, role: dict[str, str]) -> None:
    """With keys, and with a role whose token and credentials are masked as soon as they are known; debug output on."""
    emulator.scripts(dict.fromkeys(HOOKS.values(), "succeed"))
    done = runner.run({**DEPLOY, **role}, environ={**SECRETS, "RUNNER_DEBUG": "1"}).check(0, outcome="succeeded")
    assert len(re.findall(f"^{MASK}", done.log, re.MULTILINE)) >= (4 if role else 1)
    check(done, emulator, account)


@pytest.mark.full
@pytest.mark.parametrize(
    "fault",
    [
        {"fault": "access-denied", "service": "codedeploy", "operation": "CreateDeployment"},
        {"fault": "expired-token", "service": "lambda", "operation": "GetAlias"},
        {"fault": "access-denied", "service": "sts"},
        {"fault": "access-denied", "service": "github"},
        {"fault": "reset", "service": "github"},
        {"fault": "error500", "service": "github"},
    ],
    ids=lambda fault: "-".join(fault.values()),
)
def test_trouble_tells_no_secret(runner: Runner, emulator: Emulator, account: Account, fault: dict[str, Any]) -> None:
    """Error messages carry none."""
    emulator.faults([fault])
    done = runner.run({**DEPLOY, "timeout": "2m"}, environ=SECRETS)
    emulator.faults([])
    check(done, emulator, account)


@pytest.mark.full
@pytest.mark.parametrize(
    "environ",
    [
        {"GITHUB_API_URL": "http://127.0.0.1:9/api/v3"},
        {"GITHUB_API_URL": "http://user:password@[broken"},
        {"AWS_REGION": "", "AWS_DEFAULT_REGION": ""},
    ],
    ids=["no GitHub", "broken address", "no region"],
)
def test_a_broken_world_tells_no_secret(
    runner: Runner, emulator: Emulator, account: Account, environ: dict[str, str]
) -> None:
    """Nor do the ends that come before anything was asked."""
    check(runner.run(DEPLOY, environ={**SECRETS, **environ}), emulator, account)
