"""The repository's file in whole runs: when it is found, which functions are meant, what an input changes of it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from ci_deploy import app
from codedeploy_emulator import Emulator
from tests.support.account import Account
from tests.support.golden import Told
from tests.support.machine.stage import Step

from .conftest import CODE, Theatre
from .test_machine import Desk

# Nothing but what a test gives: all there is to say about a function is in the file.
NOTHING = {"function": "", "application": "", "deployment-group": "", "code": ""}
VALIDATE = {**NOTHING, "command": "validate"}
GROUP = "application: checkout-app, deployment-group: checkout-live"
ONE = f"functions:\n  checkout: {{{GROUP}, code: $LATEST, deployment-config: all-at-once}}\n"
TWO = f"""\
defaults: {{{GROUP}, code: $LATEST, deployment-config: all-at-once}}
functions:
  shop: {{function: checkout}}
  hook: {{function: CodeDeployHook_checkout_before}}
"""
ALIASES = """\
functions:
  checkout: {code: dist}
  prices-blue: {function: prices, alias: blue, code: dist}
  prices-green: {function: prices, alias: green, code: dist}
"""
ARN = "arn:aws:lambda:us-east-1:123456789012:function:"
OURS, FORK = {"full_name": "your-org/checkout"}, {"full_name": "stranger/checkout"}


@pytest.fixture
def workspace(theatre: Theatre) -> Path:
    """A checked-out repository, as the step finds it."""
    folder = theatre.folder / "workspace"
    (folder / ".github").mkdir(parents=True)
    (folder / "README.md").write_text("# Shop\n")
    return folder


def put(workspace: Path, text: str, name: str = "ci-deploy.yml") -> None:
    path = workspace / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")


def run(theatre: Theatre, given: Mapping[str, str], *, event: dict[str, Any] | None = None, **how: Any) -> Step:
    """One step in the workspace; `event` names an event and brings its payload."""
    environ = {"GITHUB_WORKSPACE": str(theatre.folder / "workspace"), **how.pop("environ", {})}
    if event:
        path = theatre.folder / "event.json"
        path.write_text(json.dumps(event["payload"]), encoding="utf-8")
        environ |= {"GITHUB_EVENT_NAME": event["name"], "GITHUB_EVENT_PATH": str(path)}
    return theatre.run({**NOTHING, **given}, environ=environ, **how)


def meant(step: Step) -> str:
    """What the log's first line says that the run is about."""
    return step.log().splitlines()[0].split("  ")[-1]


def announced(step: Step) -> list[str]:
    """What the log says of the file, before anything happens."""
    return [line for line in step.log().splitlines()[:4] if line.startswith("config: ")]


# Found by itself


@pytest.mark.parametrize("name", ["ci-deploy.yml", ".github/ci-deploy.yml"])
def test_a_file_at_the_root_needs_no_input(theatre: Theatre, account: Account, workspace: Path, name: str) -> None:
    put(workspace, ONE, name)
    done = run(theatre, {}).check(0, outcome="succeeded", deployed="true", live_version="2")
    assert announced(done) == [f"config: {name}"]
    assert account.serves() == {"2": 100.0}


# The zip of a folder is open for as long as the process lives, which is the test's own here.
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
def test_the_file_says_which_code_and_a_path_in_it_begins_at_the_root(theatre: Theatre, workspace: Path) -> None:
    put(workspace, CODE.format("from the workspace"), "src/checkout/app.py")
    put(workspace, ONE.replace("$LATEST", "src/checkout"))
    run(theatre, {}).check(0, outcome="succeeded", live_version="2")
    run(theatre, {}).check(0, outcome="unchanged", live_version="2")


@pytest.mark.parametrize("name", ["deploy/ci-deploy.yml", "services/shop/.github/ci-deploy.yml"])
def test_a_nested_file_is_named_with_config(theatre: Theatre, workspace: Path, name: str) -> None:
    put(workspace, ONE, name)
    assert "`function`" in run(theatre, VALIDATE).check(2, outcome="invalid").outputs["reason"]
    done = run(theatre, {**VALIDATE, "config": name}).check(0, outcome="valid")
    assert (announced(done), meant(done)) == ([f"config: {name}"], "checkout:live")


def test_config_wins_over_the_file_at_the_root(theatre: Theatre, workspace: Path) -> None:
    put(workspace, "functions: {root: }\n")
    put(workspace, "functions: {named: }\n", "deploy/prod.yml")
    done = run(theatre, {**VALIDATE, "config": "deploy/prod.yml"}).check(0, outcome="valid")
    assert (announced(done), meant(done)) == (["config: deploy/prod.yml"], "named:live")


@pytest.mark.parametrize("none", ["none", "None"])
def test_config_none_reads_no_file(theatre: Theatre, workspace: Path, none: str) -> None:
    put(workspace, "this: is [no file\n")
    done = run(theatre, {**VALIDATE, "config": none, "function": "checkout"}).check(0, outcome="valid")
    assert announced(done) == []
    run(theatre, {**VALIDATE, "config": none}).check(2, outcome="invalid")


@pytest.mark.parametrize("config", ["gone.yml", "deploy", "../outside.yml"])
def test_a_file_that_is_named_and_cannot_be_read_is_bad_input(
    theatre: Theatre, workspace: Path, config: str, told: Told
) -> None:
    put(workspace, ONE)
    put(workspace, ONE, "deploy/ci-deploy.yml")
    put(workspace, ONE, "../outside.yml")
    done = run(theatre, {**VALIDATE, "config": config}).check(2, outcome="invalid")
    assert done.outputs["reason"].replace(str(workspace), "WORKSPACE") == told


def test_two_files_are_one_too_many_and_another_spelling_is_told(theatre: Theatre, workspace: Path, told: Told) -> None:
    put(workspace, ONE, ".github/ci-deploy.yaml")
    done = run(theatre, {**VALIDATE, "function": "checkout"}).check(2, outcome="invalid")
    assert done.outputs["reason"] == told
    (workspace / ".github/ci-deploy.yaml").rename(workspace / ".github/ci-deploy.yml")
    put(workspace, ONE)
    done = run(theatre, {**VALIDATE, "function": "checkout"}).check(2, outcome="invalid")
    assert done.outputs["reason"] == told
    run(theatre, {**VALIDATE, "config": "ci-deploy.yml"}).check(0, outcome="valid")


@pytest.mark.parametrize("name", ["ci-deploy.yml", ".github"])
def test_a_link_out_of_the_workspace_is_bad_input(
    theatre: Theatre, account: Account, workspace: Path, name: str, told: Told
) -> None:
    outside = theatre.folder / "outside"
    put(outside, ONE)
    if name == ".github":
        (workspace / name).rmdir()
    (workspace / name).symlink_to(outside if name == ".github" else outside / "ci-deploy.yml")
    done = run(theatre, {}).check(2, outcome="invalid", deployed="false")
    assert done.outputs["reason"].replace(str(workspace), "WORKSPACE") == told
    assert account.operations() == []


def test_the_log_says_that_nothing_was_checked_out(theatre: Theatre, told: Told) -> None:
    """A forgotten actions/checkout must not look like a repository without a file."""
    (theatre.folder / "workspace").mkdir()
    done = run(theatre, {**VALIDATE, "function": "checkout"}).check(0, outcome="valid")
    assert announced(done) == told
    assert announced(run(theatre, {**VALIDATE, "function": "checkout", "config": "none"})) == []


def test_a_repository_without_a_file_needs_no_word_about_it(theatre: Theatre, workspace: Path) -> None:
    assert workspace.exists()
    done = run(theatre, {**VALIDATE, "function": "checkout"}).check(0, outcome="valid")
    assert announced(done) == []


@pytest.mark.parametrize(("name", "text"), [("target", "prod"), ("only", "checkout")])
def test_what_is_about_a_file_needs_one(theatre: Theatre, workspace: Path, name: str, text: str, told: Told) -> None:
    assert workspace.exists()
    for more in ({}, {"config": "none"}):
        given = {**VALIDATE, "function": "checkout", name: text, **more}
        run(theatre, given).check(2, outcome="invalid", reason=told)


# Which functions are meant


@pytest.mark.parametrize(
    ("given", "key"),
    [
        ({"function": "checkout"}, "checkout:live"),
        ({"function": "prices-green"}, "prices:green"),
        ({"function": "prices", "alias": "blue"}, "prices:blue"),
        ({"function": f"{ARN}checkout"}, "checkout:live"),
        ({"function": f"{ARN}prices", "alias": "green"}, "prices:green"),
        ({"function": "prices-blue", "alias": "red"}, "prices:red"),
        ({"only": "prices-blue"}, "prices:blue"),
        ({"only": "prices-green, checkout"}, "checkout:live, prices:green"),
        ({"only": "all"}, "checkout:live, prices:blue, prices:green"),
        ({}, "checkout:live, prices:blue, prices:green"),
    ],
)
def test_function_or_only_picks_from_the_file_and_neither_means_all(
    theatre: Theatre, workspace: Path, given: Mapping[str, str], key: str
) -> None:
    """By label, then name, then ARN."""
    put(workspace, ALIASES)
    done = run(theatre, {**VALIDATE, **given}).check(0, outcome="valid")
    assert meant(done).replace(" and ", ", ") == key


def test_two_matches_need_an_alias(theatre: Theatre, account: Account, workspace: Path, told: Told) -> None:
    put(workspace, ALIASES)
    for given in ({"command": "deploy"}, {"command": "status"}, {"command": "validate"}):
        run(theatre, {**given, "function": "prices"}).check(2, outcome="invalid", reason=told)
    assert account.operations() == []


@pytest.mark.parametrize("command", ["deploy", "rollback", "stop", "setup", "prune", "plan"])
@pytest.mark.parametrize("function", ["chekout", f"{ARN}chekout", "checkout:live"])
def test_a_function_that_the_file_does_not_have_is_not_written_to(
    theatre: Theatre, account: Account, workspace: Path, command: str, function: str, told: Told
) -> None:
    """Nor planned, for `plan` says what `deploy` would do."""
    put(workspace, ONE)
    given = {"command": command, "function": function, "reason": "x" if command == "rollback" else ""}
    run(theatre, given).check(2, outcome="invalid", reason=told)
    assert account.operations() == []


def test_a_function_that_the_file_does_not_have_may_be_looked_at(theatre: Theatre, workspace: Path) -> None:
    put(workspace, "run: {aws-region: us-east-1}\nfunctions: {search: }\n")
    where = {"application": "checkout-app", "deployment-group": "checkout-live"}
    done = run(theatre, {**where, "command": "status", "function": "checkout"}).check(0, outcome="reported")
    assert (done.outputs["live-version"], meant(done)) == ("1", "checkout:live")
    run(theatre, {**where, "command": "deploy", "function": "checkout", "config": "none", "code": "$LATEST"}).check(
        0, outcome="succeeded"
    )


@pytest.mark.parametrize("command", ["rollback", "stop", "prune"])
def test_what_takes_something_away_needs_a_choice(
    theatre: Theatre, account: Account, workspace: Path, command: str, told: Told
) -> None:
    put(workspace, TWO)
    given = {"command": command, "reason": "x" if command == "rollback" else ""}
    run(theatre, given).check(2, outcome="invalid", reason=told)
    assert account.operations() == []


@pytest.mark.parametrize("choice", [{"function": "shop"}, {"only": "shop"}, {"function": "checkout"}])
@pytest.mark.parametrize("command", ["stop", "prune"])
def test_a_choice_is_enough(theatre: Theatre, workspace: Path, command: str, choice: Mapping[str, str]) -> None:
    put(workspace, TWO)
    done = run(theatre, {"command": command, **choice})
    assert meant(done) == "checkout:live"
    assert done.outputs["outcome"] != "invalid", done.log()


def test_all_is_a_choice_and_one_function_needs_none(theatre: Theatre, account: Account, workspace: Path) -> None:
    put(workspace, TWO)
    done = run(theatre, {"command": "prune", "only": "all"})
    assert meant(done) == "checkout:live and CodeDeployHook_checkout_before:live"
    assert done.outputs["outcome"] != "invalid", done.log()
    put(workspace, ONE)
    account.publish(CODE.format("newer"))
    assert meant(run(theatre, {"command": "prune"}).check(0, outcome="unchanged")) == "checkout:live"


@pytest.mark.parametrize("command", ["plan", "status", "validate"])
def test_what_only_looks_means_the_whole_file(theatre: Theatre, workspace: Path, command: str) -> None:
    put(workspace, TWO)
    done = run(theatre, {"command": command})
    assert meant(done) == "checkout:live and CodeDeployHook_checkout_before:live"
    assert done.outputs["outcome"] != "invalid", done.log()


@pytest.mark.parametrize("what", ["code: $LATEST", "version: 2"])
def test_a_rollback_takes_the_file_for_where_and_not_for_what(
    theatre: Theatre, account: Account, workspace: Path, what: str
) -> None:
    """The version in the file is the one that was deployed, and its code what is to be taken back."""
    put(workspace, ONE)
    run(theatre, {}, run=(100, 1)).check(0, live_version="2")
    put(workspace, ONE.replace("code: $LATEST", what))
    run(theatre, {"command": "rollback", "reason": "prices are wrong"}, run=(101, 1)).check(
        0, outcome="succeeded", target_version="1", live_version="1"
    )
    given = {"command": "rollback", "reason": "they were right", "version": "2"}
    run(theatre, given, run=(102, 1)).check(0, outcome="succeeded", live_version="2")
    assert account.serves() == {"2": 100.0}


# An input wins


def test_an_input_wins_over_the_file(theatre: Theatre, account: Account, workspace: Path) -> None:
    put(workspace, ONE.replace("all-at-once", "linear 10% every 10m"))
    account.publish(CODE.format("published already"))
    done = run(theatre, {"version": "2", "deployment-config": "all-at-once"}).check(0, live_version="2")
    assert account.deployment(done.outputs["deployment-id"])["deploymentConfigName"].endswith("AllAtOnce")


@pytest.mark.parametrize(
    ("text", "given"),
    [
        ("run: {aws-region: us-east-1}\n" + ONE, {"aws-region": "eu-central-1"}),
        ('run: {account-id: "123456789012"}\n' + ONE, {"account-id": "210987654321"}),
        ("run: {aws-region: us-east-1}\n" + ONE, {"function": ARN.replace("us-east-1", "eu-west-1") + "checkout"}),
        ('run: {account-id: "210987654321"}\n' + ONE, {"function": ARN + "checkout"}),
        (ONE.replace("checkout:", f"'{ARN}checkout':", 1), {"aws-region": "eu-west-1"}),
        (ONE.replace("checkout:", f"'{ARN}checkout':", 1), {"account-id": "210987654321"}),
        ("run: {aws-region: eu-west-1}\n" + ONE.replace("checkout:", f"'{ARN}checkout':", 1), {}),
    ],
    ids=lambda part: part.split("}")[0] if isinstance(part, str) else "".join(part.values()),
)
def test_a_place_that_file_and_input_disagree_on_is_bad_input(
    theatre: Theatre, account: Account, workspace: Path, text: str, given: Mapping[str, str], told: Told
) -> None:
    """An input that wins over a place would deploy to an account that the file does not mean."""
    put(workspace, text)
    run(theatre, given).check(2, outcome="invalid", reason=told)
    assert account.operations() == []


def test_an_arn_keeps_its_place_where_the_file_says_none(theatre: Theatre, account: Account, workspace: Path) -> None:
    """A function of the same name elsewhere is never deployed instead."""
    put(workspace, ONE)
    done = run(theatre, {"function": ARN.replace("123456789012", "210987654321") + "checkout"}).check(3)
    assert "not of 210987654321" in done.outputs["reason"]
    done = run(theatre, {"function": ARN.replace("us-east-1", "eu-west-1") + "checkout"}).check(3)
    assert "region eu-west-1" in done.outputs["reason"]
    assert account.writes() == []
    run(theatre, {"function": ARN + "checkout"}).check(0, outcome="succeeded")


def test_the_account_that_the_file_names_is_the_only_one(theatre: Theatre, account: Account, workspace: Path) -> None:
    put(workspace, 'run: {account-id: "210987654321"}\n' + ONE)
    assert "account-id" in run(theatre, {}).check(3, outcome="refused").log()
    assert account.writes() == []
    put(workspace, "run: {account-id: 123456789012, aws-region: us-east-1}\n" + ONE)
    run(theatre, {}).check(0, outcome="succeeded")


def test_an_account_id_that_lost_its_zero_is_told_what_to_do(theatre: Theatre, workspace: Path, told: Told) -> None:
    put(workspace, "run: {account-id: 12345678901}\n" + ONE)
    run(theatre, VALIDATE).check(2, outcome="invalid", reason=told)


ENVIRONMENTS = (
    ONE
    + """\
environments:
  here: {run: {account-id: "123456789012"}}
  there: {run: {account-id: "210987654321"}, defaults: {alias: beta}}
"""
)


def test_target_chooses_one_of_the_environments(theatre: Theatre, account: Account, workspace: Path) -> None:
    put(workspace, ENVIRONMENTS)
    assert "210987654321" in run(theatre, {"target": "there"}).check(3, outcome="refused").outputs["reason"]
    assert account.writes() == []
    run(theatre, {"target": "here"}).check(0, outcome="succeeded", live_version="2")


@pytest.mark.parametrize(
    ("text", "target"), [(ENVIRONMENTS, ""), (ENVIRONMENTS, "heer"), (ONE, "here")], ids=["none", "misspelled", "one"]
)
def test_an_environment_is_never_guessed(
    theatre: Theatre, account: Account, workspace: Path, text: str, target: str, told: Told
) -> None:
    put(workspace, text)
    for command in ("deploy", "status", "validate"):
        run(theatre, {"command": command, "target": target}).check(2, outcome="invalid", reason=told)
    assert account.operations() == []


def test_settings_of_the_run_that_a_command_has_no_use_for_are_not_told(
    theatre: Theatre, workspace: Path, told: Told
) -> None:
    """One file serves every command."""
    put(workspace, "run: {max-parallel: 3, release-policy: stop-wave}\n" + ONE)
    noted = [run(theatre, {"command": "status", "max-parallel": given}).check(0).log() for given in ("", "3")]
    without, given = ([line for line in log.splitlines() if "`max-parallel`" in line] for log in noted)
    assert without == []
    assert given == told


# Whom it is believed


STRANGERS = {
    "pull_request_target": {"pull_request": {"number": 7, "head": {"repo": FORK}, "base": {"repo": OURS}}},
    "workflow_run": {"workflow_run": {"event": "push", "head_repository": OURS}, "repository": OURS},
    "issue_comment": {"issue": {"number": 7}, "comment": {"author_association": "OWNER"}, "repository": OURS},
}


@pytest.mark.parametrize("name", STRANGERS)
def test_no_file_is_found_by_itself_where_a_stranger_may_have_written_it(
    theatre: Theatre, workspace: Path, name: str
) -> None:
    """It could say what is deployed, and where to; a file that an input names was chosen by the workflow's author."""
    put(workspace, ONE)
    event = {"name": name, "payload": STRANGERS[name]}
    done = run(theatre, {**VALIDATE, "function": "other"}, event=event).check(0, outcome="valid")
    assert (announced(done), meant(done)) == ([], "other:live")
    assert "`function`" in run(theatre, VALIDATE, event=event).check(2, outcome="invalid").outputs["reason"]
    done = run(theatre, {**VALIDATE, "config": "ci-deploy.yml"}, event=event).check(0, outcome="valid")
    assert (announced(done), meant(done)) == (["config: ci-deploy.yml"], "checkout:live")


PULL_REQUEST = {
    "name": "pull_request",
    "payload": {
        "repository": {**OURS, "private": True},
        "pull_request": {"number": 7, "head": {"sha": "a" * 40, "repo": OURS}, "base": {"repo": OURS}},
    },
}


@pytest.mark.parametrize(
    ("name", "theirs", "mine"),
    [("hook-logs", "on", "off"), ("comment", "off", "on-failure"), ("rollback-workflow", "evil.yml", "rollback.yml")],
)
def test_what_a_pull_request_publishes_is_decided_by_inputs_alone(
    theatre: Theatre, workspace: Path, name: str, theirs: str, mine: str
) -> None:
    put(workspace, f"run: {{{name}: {theirs}}}\n" + ONE)
    assert inputs_of(run(theatre, VALIDATE).check(0))[name] == theirs
    assert name not in inputs_of(run(theatre, VALIDATE, event=PULL_REQUEST).check(0))
    assert inputs_of(run(theatre, {**VALIDATE, name: mine}, event=PULL_REQUEST).check(0))[name] == mine


def inputs_of(step: Step) -> dict[str, str]:
    """The run's inputs as the log lists them, the file's own among them."""
    lines = step.log().split("::group::Inputs\n")[1].split("::endgroup::")[0].splitlines()
    return {line.split()[0]: line.split(maxsplit=1)[1] for line in lines}


@pytest.mark.parametrize(("event", "shown"), [(None, True), (PULL_REQUEST, False)])
def test_a_pull_requests_file_cannot_have_the_logs_of_hooks_published(
    theatre: Theatre, emulator: Emulator, workspace: Path, event: dict[str, Any] | None, shown: bool
) -> None:
    hook = "CodeDeployHook_checkout_before"
    put(workspace, "run: {hook-logs: on}\n" + ONE.replace("}", f", before-allow-traffic: {hook}}}"))
    emulator.scripts({hook: {"outcome": "fail", "log": ["customer 4711 is unhappy"]}})
    public = {"name": "push", "payload": {"repository": {**OURS, "private": False}}}
    if event:
        public = {"name": event["name"], "payload": {**event["payload"], **public["payload"]}}
    done = run(theatre, {}, event=public).check(1)
    assert ("customer 4711" in done.log() + done.summary) is shown


def test_the_post_step_reads_the_file_too_and_minds_no_mistake_in_it(theatre: Theatre, workspace: Path) -> None:
    put(workspace, ONE)
    main = run(theatre, {"wait": "false"}).check(0, outcome="detached")
    for text in (ONE, "functions: [\n"):
        put(workspace, text)
        environ = {"GITHUB_WORKSPACE": str(workspace)}
        assert theatre.run(main.inputs, command="finish", state=main.state, environ=environ).code == 0


# On a terminal


@pytest.mark.parametrize("place", ["", "src", "src/deep"])
def test_on_a_terminal_the_file_is_that_of_the_current_repository(tmp_path: Path, place: str) -> None:
    """Paths in it begin at the repository's root, wherever somebody stands."""
    (tmp_path / "src/deep").mkdir(parents=True)
    (tmp_path / ".git").mkdir()
    appspec = "Resources: [f: {Properties: {Name: checkout}}]\n"
    put(tmp_path, "functions: {checkout: {appspec: src/appspec.yml}}\n")
    put(tmp_path, appspec, "src/appspec.yml")
    desk = Desk()
    assert app.run(["validate"], {}, tmp_path / place, machine=desk) == 0, desk.screen.getvalue()
    assert "config: ci-deploy.yml" in desk.screen.getvalue()
    assert "Valid: inputs, file, AppSpec" in desk.screen.getvalue()


def test_on_a_terminal_nothing_has_to_be_checked_out(tmp_path: Path) -> None:
    desk = Desk()
    assert app.run(["validate", "--function", "checkout"], {}, tmp_path, machine=desk) == 0
    assert "file:" not in desk.screen.getvalue()


def test_on_a_terminal_a_flag_is_named_as_one(tmp_path: Path) -> None:
    put(tmp_path, TWO)
    for arguments, flag in (
        (["stop"], "--function"),
        (["prune", "--function", "search"], "--function"),
        (["status", "--only", "search"], "--only"),
        (["status", "--target", "prod"], "--target"),
    ):
        desk = Desk()
        assert app.run(arguments, {}, tmp_path, machine=desk) == 2
        assert f"Flag `{flag}` " in desk.screen.getvalue()
