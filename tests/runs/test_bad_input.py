"""Everything that can be wrong with what people give: a clear error that names the input, exit 2 or 3, nothing written.

One table. A row is what is given on top of a good deployment (None takes an input away), the exit code, and what the
log must name. Files of the workspace are in FILES.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import pytest

from tests.support.account import Account
from tests.support.golden import Told

from .conftest import Theatre

Given = Mapping[str, str | None]
LONG = "x" * 300


def spec(body: str) -> str:
    return f"version: 0.0\nResources:\n  - f:\n      Type: AWS::Lambda::Function\n      Properties: {body}\n"


GOOD = spec("{Name: checkout, Alias: live, TargetVersion: '1'}")
APPSPECS = {
    "empty.yaml": "",
    "text.yaml": "just some words",
    "list.yaml": "- 1\n- 2\n",
    "broken.yaml": "version: [0.0\n",
    "tabs.yaml": "version: 0.0\n\tResources: []\n",
    "broken.json": '{"version": 0.0,',
    "version-1.yaml": GOOD.replace("0.0", "1.0"),
    "empty-resources.yaml": "version: 0.0\nResources: []\n",
    "resources-text.yaml": "version: 0.0\nResources: checkout\n",
    "two-resources.yaml": GOOD + GOOD.split("Resources:\n")[1].replace("- f:", "- g:"),
    "ecs.yaml": GOOD.replace("AWS::Lambda::Function", "AWS::ECS::Service"),
    "properties-list.yaml": spec("[1, 2]"),
    "bad-name.yaml": spec("{Name: 'no spaces', Alias: live}"),
    "bad-alias.yaml": spec("{Name: checkout, Alias: '7'}"),
    "latest.yaml": spec("{Name: checkout, Alias: live, TargetVersion: $LATEST}"),
    "version-zero.yaml": spec("{Name: checkout, Alias: live, TargetVersion: '0'}"),
    "version-text.yaml": spec("{Name: checkout, Alias: live, TargetVersion: newest}"),
    "current-latest.yaml": spec("{Name: checkout, Alias: live, CurrentVersion: $LATEST, TargetVersion: '1'}"),
    "unknown-property.yaml": spec("{Name: checkout, Alias: live, Tarjet: '1'}"),
    "other-function.yaml": spec("{Name: other, Alias: live}"),
    "other-alias.yaml": spec("{Name: checkout, Alias: beta}"),
    "other-region.yaml": spec(
        "{Name: 'arn:aws:lambda:us-east-1:123456789012:function:checkout', Alias: live, TargetVersion: '1'}"
    ),
    "other-account.yaml": spec(
        "{Name: 'arn:aws:lambda:eu-central-1:999999999999:function:checkout', Alias: live, TargetVersion: '1'}"
    ),
    "other-target.yaml": spec("{Name: checkout, Alias: live, TargetVersion: '7'}"),
    "hooks-text.yaml": GOOD + "Hooks: please\n",
    "unknown-hook.yaml": GOOD + "Hooks:\n  - BeforeInstall: CodeDeployHook_x\n",
    "bad-hook.yaml": GOOD + "Hooks:\n  - BeforeAllowTraffic: 'rm -rf /'\n",
    "two-hooks.yaml": GOOD + "Hooks:\n  - BeforeAllowTraffic: a\n  - BeforeAllowTraffic: b\n",
    "other-hook.yaml": GOOD + "Hooks:\n  - BeforeAllowTraffic: CodeDeployHook_other\n",
    "unset-hook.yaml": GOOD + "Hooks:\n  - BeforeAllowTraffic: ''\n",
    "no-hooks.yaml": GOOD + "Hooks:\n",
    "ref.yaml": spec("{Name: !Ref Function, Alias: live}"),
    "powershell.yaml": GOOD.encode("utf-16-le").decode(),
    "alias-bomb.yaml": "a: &a [x]\n" + "".join(f"b{n}: &b{n} [*a, *a]\n" for n in range(3)),
    "object.yaml": "!!python/object/apply:os.system ['true']",
}
MANIFESTS = {
    "m-empty.yaml": "",
    "m-text.yaml": "checkout",
    "m-none.yaml": "functions: []\n",
    "m-number.yaml": "functions:\n  - 7\n",
    "m-unknown.yaml": "functions:\n  - function: checkout\n    colour: red\n",
    "m-twice.yaml": "functions:\n  - function: checkout\n  - function: checkout\n",
    "m-bad-value.yaml": "functions:\n  - function: checkout\n    timeout: soon\n",
    "m-broken.yaml": "functions: [\n",
    "m-no-name.yaml": "functions:\n  - alias: live\n",
    "m-bad-alias.yaml": "functions:\n  - function: checkout\n    alias: '7'\n",
    "m-force.yaml": "run: {force: true}\nfunctions: {checkout: {code: $LATEST}}\n",
}
# Good ones, for what does not go with them.
WAVES = {
    "waves.yaml": "defaults: {code: $LATEST}\nwaves: [[checkout], [cart]]\nfunctions: {checkout: {}, cart: {}}\n",
    "m-other.yaml": "functions: {cart: {code: $LATEST}}\n",
}
FILES = {**APPSPECS, **MANIFESTS, **WAVES, "no-target.yaml": spec("{Name: checkout, Alias: live}")}

INVALID: list[tuple[Given, str]] = [
    # Missing, or excluding each other
    ({"function": None}, "function"),
    ({"code": ""}, "code"),
    ({"command": "plan", "code": ""}, "code"),
    ({"config": "m-other.yaml"}, "function"),
    ({"version": "2", "code": "dist"}, "version"),
    ({"alarms": "off\none"}, "alarms"),
    ({"target": "prod"}, "target"),
    ({"only": "checkout"}, "only"),
    ({"command": "rollback"}, "reason"),
    ({"command": "rollback", "reason": "x", "version": "1", "deployment-id": "d-ABCDEFGHI"}, "version"),
    ({"github-deployment": "production"}, "github-token"),
    ({"deployment-id": "d-ABCDEFGHI"}, "deployment-id"),
    ({"hold": "set"}, "hold"),
    ({"command": "rollback", "reason": "x", "code": "dist"}, "code"),
    ({"command": "stop", "version": "1"}, "version"),
    ({"command": "stop", "code": "dist"}, "code"),
    # Unknown names and commands
    ({"functon": "checkout"}, "functon"),
    ({"deployment_group": "x"}, "deployment_group"),
    ({"dry-run": "true"}, "dry-run"),
    ({"command": "deplyo"}, "command"),
    ({"command": "finish"}, "command"),
    ({"command": "deploy; rm -rf /"}, "command"),
    # Names
    ({"function": "check out"}, "function"),
    ({"function": "x" * 65}, "function"),
    ({"function": "checkout:live"}, "function"),
    ({"function": "checkout:1"}, "function"),
    ({"function": "arn:aws:lambda:eu-west-1:12:function:checkout"}, "function"),
    ({"function": "arn:aws:s3:::bucket"}, "function"),
    ({"function": "../etc/passwd"}, "function"),
    ({"function": "$(id)"}, "function"),
    ({"function": "prüfung"}, "function"),
    ({"alias": "7"}, "alias"),
    ({"alias": "$LATEST"}, "alias"),
    ({"alias": "live now"}, "alias"),
    ({"alias": "x" * 129}, "alias"),
    ({"application": "my app"}, "application"),
    ({"application": "x" * 101}, "application"),
    ({"application": "a/b"}, "application"),
    ({"deployment-group": "a:b"}, "deployment-group"),
    ({"deployment-group": "x" * 101}, "deployment-group"),
    ({"deployment-config": "All At Twice"}, "deployment-config"),
    ({"before-allow-traffic": "my hook"}, "before-allow-traffic"),
    ({"after-allow-traffic": "hook:1"}, "after-allow-traffic"),
    # Versions
    ({"version": "$LATEST"}, "version"),
    ({"version": "$latest"}, "version"),
    ({"version": "latest"}, "version"),
    ({"version": "0"}, "version"),
    ({"version": "-1"}, "version"),
    ({"version": "1.5"}, "version"),
    ({"version": "v2"}, "version"),
    ({"version": "01"}, "version"),
    ({"version": "9" * 30}, "version"),
    ({"current-version": "live"}, "current-version"),
    ({"current-version": "$LATEST"}, "current-version"),
    ({"command": "rollback", "reason": "x", "version": "previous"}, "version"),
    # Where
    ({"bucket": "s3://bucket"}, "bucket"),
    ({"bucket": "Bucket"}, "bucket"),
    ({"bucket": "ab"}, "bucket"),
    ({"bucket": "a_b_c"}, "bucket"),
    ({"bucket": "b" * 64}, "bucket"),
    ({"bucket": "b/../c"}, "bucket"),
    ({"bucket": "arn:aws:s3:::demo-deployments"}, "bucket"),
    ({"bucket": "demo-deployments//CodeDeploy"}, "bucket"),
    ({"bucket": "demo-deployments/a//b"}, "bucket"),
    ({"bucket": "demo-deployments/a b"}, "bucket"),
    ({"account-id": "12345"}, "account-id"),
    ({"account-id": "1234567890123"}, "account-id"),
    ({"account-id": "twelve"}, "account-id"),
    ({"aws-region": "Frankfurt"}, "aws-region"),
    ({"aws-region": "eu central 1"}, "aws-region"),
    ({"role-to-assume": "deployer"}, "role-to-assume"),
    ({"role-to-assume": "arn:aws:iam::123456789012:user/me"}, "role-to-assume"),
    ({"role-to-assume": "arn:aws:iam::12:role/x"}, "role-to-assume"),
    # Code
    ({"code": "bucket/key"}, "code"),
    ({"code": "s3://bucket"}, "code"),
    ({"code": "https://bucket.s3.amazonaws.com/key"}, "code"),
    ({"code": "s3://bucket/key?versionId="}, "code"),
    ({"code": "nginx:latest"}, "code"),
    ({"code": "public.ecr.aws/o/r:1"}, "code"),
    ({"code": "123456789012.dkr.ecr.eu-west-1.example.com/a:1"}, "code"),
    ({"code": "arn:aws:s3:::bucket/key"}, "code"),
    ({"code": "ghcr.io/o/r:1"}, "code"),
    ({"code": "no/such/folder"}, "code"),
    ({"code": "empty.yaml"}, "code"),
    ({"expect-code-sha256": "abc"}, "expect-code-sha256"),
    ({"expect-code-sha256": "z" * 64}, "expect-code-sha256"),
    # How
    ({"timeout": "10"}, "timeout"),
    ({"timeout": "ten minutes"}, "timeout"),
    ({"timeout": "0s"}, "timeout"),
    ({"timeout": "-5m"}, "timeout"),
    ({"timeout": "51h"}, "timeout"),
    ({"timeout": "1.5h"}, "timeout"),
    ({"hook-timeout": "1 h"}, "hook-timeout"),
    ({"hook-timeout": "forever"}, "hook-timeout"),
    ({"on-timeout": "abort"}, "on-timeout"),
    ({"on-timeout": "roll back"}, "on-timeout"),
    ({"on-cancel": "kill"}, "on-cancel"),
    ({"on-cancel": "true"}, "on-cancel"),
    ({"on-conflict": "retry"}, "on-conflict"),
    ({"on-conflict": "wiat"}, "on-conflict"),
    ({"auto-rollback": "true"}, "auto-rollback"),
    ({"auto-rollback": "failure, sometimes"}, "auto-rollback"),
    ({"auto-rollback": "off, failure"}, "auto-rollback"),
    ({"repair-alias": "true"}, "repair-alias"),
    ({"wait": "yes"}, "wait"),
    ({"wait": "1"}, "wait"),
    ({"force": "on"}, "force"),
    ({"create-alias": "maybe"}, "create-alias"),
    ({"deployment-config": "canary 10%"}, "deployment-config"),
    ({"deployment-config": "linear 10% 5m"}, "deployment-config"),
    ({"max-parallel": "0"}, "max-parallel"),
    ({"max-parallel": "many"}, "max-parallel"),
    ({"release-policy": "none"}, "release-policy"),
    # Reports and safety
    ({"comment": "always"}, "comment"),
    ({"comment-key": "a b"}, "comment-key"),
    ({"hook-logs": "true"}, "hook-logs"),
    ({"environment-url": "example.org"}, "environment-url"),
    ({"environment-url": "javascript:alert(1)"}, "environment-url"),
    ({"rollback-workflow": "../rollback.yml"}, "rollback-workflow"),
    ({"rollback-workflow": "rollback"}, "rollback-workflow"),
    ({"allow-untrusted-event": "please"}, "allow-untrusted-event"),
    ({"command": "rollback", "reason": "two\nlines"}, "reason"),
    ({"command": "stop", "deployment-id": "ABC"}, "deployment-id"),
    ({"command": "stop", "deployment-id": "d-short"}, "deployment-id"),
    ({"command": "stop", "rollback": "no"}, "rollback"),
    # AppSpecs
    ({"appspec": "no-such-file.yaml"}, "no-such-file.yaml"),
    ({"appspec": "../outside.yaml"}, "appspec"),
    ({"appspec": "s3://"}, "appspec"),
    ({"appspec": "s3://Bucket/key"}, "appspec"),
    ({"appspec": "no-target.yaml"}, "code"),
    *(
        ({"appspec": name, "version": "2"} if name == "other-target.yaml" else {"appspec": name}, name)
        for name in APPSPECS
        if name not in ("other-hook.yaml", "unknown-property.yaml", "other-function.yaml", "other-alias.yaml")
        and not name.startswith(("other-region", "other-account"))
    ),
    ({"appspec": "other-function.yaml"}, "function"),
    ({"appspec": "other-alias.yaml", "alias": "live"}, "alias"),
    ({"appspec": "other-region.yaml", "aws-region": "eu-central-1"}, "us-east-1"),
    ({"appspec": "other-account.yaml", "account-id": "123456789012"}, "999999999999"),
    ({"appspec": "other-hook.yaml", "before-allow-traffic": "CodeDeployHook_x"}, "before-allow-traffic"),
    ({"appspec": "unknown-property.yaml"}, "Tarjet"),
    # Manifests
    ({"function": None, "config": "no-such-manifest.yaml"}, "config"),
    *(({"function": None, "config": name}, name) for name in MANIFESTS),
    # Without AWS
    ({"command": "plan", "shard-size": "2"}, "`shard-size` needs functions to divide."),
    ({"function": None, "command": "plan", "shard-size": "2", "config": "waves.yaml"}, "file with `waves`"),
    ({"command": "validate", "appspec": "s3://demo-deployments/key"}, "`validate` uses no AWS"),
]

# What can only be seen in the account: exit 3.
REFUSED: list[tuple[Given, str]] = [
    ({"function": "chekout"}, "chekout"),
    ({"alias": "liev"}, "liev"),
    ({"application": "no-such-app"}, "no-such-app"),
    ({"deployment-group": "no-such-group"}, "no-such-group"),
    ({"deployment-config": "NoSuchConfig"}, "NoSuchConfig"),
    ({"deployment-config": "CodeDeployDefault.OneAtATime"}, "CodeDeployDefault.OneAtATime"),
    ({"version": "99"}, "99"),
    ({"current-version": "5"}, "current-version"),
    ({"before-allow-traffic": "CodeDeployHook_gone"}, "CodeDeployHook_gone"),
    ({"account-id": "999999999999"}, "account-id"),
    ({"appspec": "other-account.yaml"}, "999999999999"),
    ({"bucket": "no-such-bucket"}, "no-such-bucket"),
    ({"expect-code-sha256": "A" * 43 + "="}, "expect-code-sha256"),
    ({"command": "rollback", "reason": "x", "version": "99"}, "99"),
    ({"command": "rollback", "reason": "x"}, "version"),
    ({"command": "stop", "deployment-id": "d-ABCDEFGHI"}, "d-ABCDEFGHI"),
    ({"command": "status", "deployment-id": "d-ABCDEFGHI"}, "d-ABCDEFGHI"),
]


def name_of(row: object) -> str:
    return str(row)[:70] if isinstance(row, Mapping) else ""


@pytest.fixture(scope="module")
def workspace(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One for all rows: none of them writes into it."""
    folder = tmp_path_factory.mktemp("workspace")
    for file, text in FILES.items():
        (folder / file).write_text(text, encoding="utf-8")
    return folder


def refuse(theatre: Theatre, account: Account, workspace: Path, given: Given, code: int, names: str) -> None:
    step = theatre.step({name: value or "" for name, value in given.items()})
    step.environ = {**step.environ, "GITHUB_WORKSPACE": str(workspace)}
    theatre.play(step)
    outcome = "invalid" if code == 2 else "refused"
    step.check(code, outcome=outcome, deployed="false")
    assert names in step.log(), step.log()
    assert names in step.outputs["reason"] or names in step.log()
    assert step.summary
    assert "Traceback" not in step.log()
    assert account.writes() == []
    assert sorted(path.name for path in workspace.iterdir()) == sorted(FILES)


def test_the_table_is_long_enough() -> None:
    assert len(INVALID) + len(REFUSED) >= 120


@pytest.mark.parametrize(("given", "names"), INVALID, ids=name_of)
def test_what_is_wrong_in_itself_is_exit_2(
    theatre: Theatre, account: Account, workspace: Path, given: Given, names: str
) -> None:
    refuse(theatre, account, workspace, given, 2, names)


@pytest.mark.parametrize(
    ("command", "function"), [("deploy", "checkout"), ("rollback", "checkout"), ("stop", ""), ("watch", "")]
)
def test_the_summary_names_what_was_meant(theatre: Theatre, command: str, function: str, told: Told) -> None:
    step = theatre.run({"command": command, "function": function, "code": "", "colour": "red"})
    assert step.outputs["outcome"] == "invalid"
    assert step.summary == told


@pytest.mark.parametrize(("given", "names"), REFUSED, ids=name_of)
def test_what_is_not_in_the_account_is_exit_3(
    theatre: Theatre, account: Account, workspace: Path, given: Given, names: str
) -> None:
    refuse(theatre, account, workspace, given, 3, names)
