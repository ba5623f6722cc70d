"""Each file of docs/workflows, run from its event to its last post step against the emulator.

Every job assumes the role that it names, with the token of its event. The roles are those that the template makes with
parameters as on the pages: they trust the job's subject, and what the job called is what they may do.
"""

from __future__ import annotations

import json
import re
import shlex
import subprocess
import threading
import time
from collections.abc import Iterator
from functools import cache
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from codedeploy_emulator import Emulator
from tests.project.account.cloudformation import Stack
from tests.support import workflow
from tests.support.account import Account
from tests.support.action import REPOSITORY
from tests.support.workflow import Event, Job, Workflow, held_to_their_roles
from tests.workflows.conftest import NEW, SPEED

ROOT = Path(__file__).parents[2]
FOLDER = ROOT / "docs" / "workflows"
ACCOUNT = "arn:aws:iam::123456789012:role/"
ENVIRONMENT = {
    "DEPLOYMENT_BUCKET": "my-deployments",
    "AWS_ACCOUNT_ID": "123456789012",
    "AWS_REGION": "eu-central-1",
    "DEPLOY_ROLE": f"{ACCOUNT}deploy-checkout",
    "ROLLBACK_ROLE": f"{ACCOUNT}rollback-checkout",
}
PULL = {
    "pull_request": {
        "number": 7,
        "head": {"sha": "3f1c0ffee0ddba11cafe0123456789abcdef0007", "repo": {"full_name": REPOSITORY}},
        "base": {"repo": {"full_name": REPOSITORY}},
    }
}


def parameters(page: str, number: int = 0) -> dict[str, str]:
    """The parameters of a page's `aws cloudformation deploy`, for this repository."""
    text = (ROOT / "docs" / page).read_text(encoding="utf-8").replace("\\\n", " ")
    commands = [line for line in text.splitlines() if line.startswith("aws cloudformation deploy")]
    words = shlex.split(commands[number].replace("MY-ORG/MY-REPO", REPOSITORY))
    return dict(word.split("=", 1) for word in words[words.index("--parameter-overrides") + 1 :])


@cache
def stacks() -> dict[str, Stack]:
    """By the roles' common name: of one function, and of the shop's page. With every role, in environments too."""
    main = f"repo:{REPOSITORY}:ref:refs/heads/main"
    environments = ",".join(f"repo:{REPOSITORY}:environment:{name}" for name in ("staging", "production"))
    both = f"{main},{environments}"
    read = f"{main},repo:{REPOSITORY}:pull_request"
    one = {"Name": "checkout", "Functions": "checkout", "ReadSubjects": read}
    one |= {"DeploySubjects": both, "RollbackSubjects": both}
    shop = parameters("setup-and-prune.md") | {"Functions": "cart,checkout", "CreateGroups": "true"}
    for name in ("DeploySubjects", "RollbackSubjects", "SetupSubjects", "WatchSubjects"):
        shop[name] = main
    shop["WatchStack"] = "shop"
    return {"checkout": Stack({**one, "PruneSubjects": main}), "shop": Stack(shop)}


@pytest.fixture
def play(emulator: Emulator, tmp_path: Path, repository: Path) -> Any:
    """Run a workflow, and hold its jobs against the roles that they assumed."""

    def played(name: str, event: str, run_id: int = 100, **how: Any) -> list[Job]:
        folder = tmp_path / f"{name}-{run_id}"
        folder.mkdir()
        jobs = Workflow(FOLDER / name, emulator, folder).run(Event(name=event, folder=repository, **how), run_id)
        held_to_their_roles(name, jobs, stacks())
        return jobs

    return played


def outcomes(jobs: list[Job]) -> list[str]:
    return [outcome for job in jobs for outcome in job.outcomes]


def log(jobs: list[Job]) -> str:
    return "\n".join(f"== {job.name}\n{job.log}" for job in jobs)


def begun(account: Account, function: str = "checkout", config: str = "LambdaAllAtOnce") -> str:
    """A deployment of version 2 that somebody made before."""
    account.publish(NEW, function)
    spec = {"Name": function, "Alias": "live", "CurrentVersion": "1", "TargetVersion": "2"}
    resource = {function: {"Type": "AWS::Lambda::Function", "Properties": spec}}
    content = json.dumps({"version": 0.0, "Resources": [resource]})
    made: str = account.codedeploy.create_deployment(
        applicationName=function,
        deploymentGroupName="live",
        deploymentConfigName=f"CodeDeployDefault.{config}",
        revision={"revisionType": "AppSpecContent", "appSpecContent": {"content": content}},
    )["deploymentId"]
    return made


def deployed(account: Account, *functions: str) -> None:
    """Version 2 is served."""
    for function in functions or ("checkout",):
        made = begun(account, function)
        account.emulator.advance(60)
        assert account.deployment(made)["status"] == "Succeeded"


def test_plan_and_deploy(play: Any, account: Account) -> None:
    """The plan is about the pull request's code, which the push deploys; then nothing is new, and nothing to follow."""
    jobs = play("plan.yml", "pull_request", ref="refs/pull/7/merge", payload=PULL)
    assert outcomes(jobs) == ["planned"], log(jobs)
    assert "new version" in log(jobs)
    assert account.serves() == {"1": 100}
    assert account.writes() == []
    (comment,) = account.comments(7)
    assert "new version" in comment
    jobs = play("deploy.yml", "push")
    assert outcomes(jobs) == ["succeeded"], log(jobs)
    assert account.serves() == {"2": 100}
    (job,) = jobs
    assert job.roles == {"deploy-checkout"}
    assert job.steps[0]["appspec-location"].startswith("s3://my-deployments/CodeDeploy/checkout/live/")
    jobs = play("plan.yml", "pull_request", run_id=101, ref="refs/pull/7/merge", payload=PULL)
    assert outcomes(jobs) == ["planned"], log(jobs)
    assert "nothing to deploy" in log(jobs)
    jobs = play("long-canary.yml", "push", run_id=102)
    assert [job.name for job in jobs] == ["deploy"]
    assert outcomes(jobs) == ["unchanged"], log(jobs)


def test_plan_leaves_out_a_fork(play: Any) -> None:
    fork = {"pull_request": {"head": {"repo": {"full_name": "stranger/checkout"}}}}
    assert play("plan.yml", "pull_request", ref="refs/pull/8/merge", payload=fork) == []


def test_validate_needs_nothing_of_aws(play: Any) -> None:
    fork = {"pull_request": {"number": 8, "head": {"repo": {"full_name": "stranger/checkout"}}}}
    jobs = play("validate.yml", "pull_request", ref="refs/pull/8/merge", payload=fork)
    assert outcomes(jobs) == ["valid"], log(jobs)


def test_environments(play: Any, account: Account) -> None:
    """Staging, then production with the very same file; here both are one account, so it finds nothing to do."""
    jobs = play("environments.yml", "push", variables=ENVIRONMENT)
    assert [job.name for job in jobs] == ["build", "staging", "production"], log(jobs)
    assert outcomes(jobs) == ["succeeded", "unchanged"], log(jobs)
    assert account.serves() == {"2": 100}


@pytest.mark.parametrize("environment", ["staging", "production"])
def test_environments_rollback(play: Any, account: Account, environment: str) -> None:
    deployed(account)
    given = {"environment": environment, "version": "", "reason": "prices are wrong", "hold": False}
    jobs = play("environments-rollback.yml", "workflow_dispatch", inputs=given, variables=ENVIRONMENT)
    assert outcomes(jobs) == ["succeeded"], log(jobs)
    assert account.serves() == {"1": 100}


def test_a_failing_staging_keeps_production_out(play: Any, emulator: Emulator, account: Account) -> None:
    emulator.faults([{"service": "codedeploy", "operation": "CreateDeployment", "fault": "access-denied"}])
    jobs = play("environments.yml", "push", variables=ENVIRONMENT)
    assert [job.status for job in jobs] == ["success", "failure"], log(jobs)
    assert account.serves() == {"1": 100}


def test_a_rollback_names_a_version_and_holds_it(play: Any, account: Account) -> None:
    deployed(account)
    given = {"version": "1", "reason": "prices are wrong", "hold": True}
    jobs = play("rollback.yml", "workflow_dispatch", inputs=given)
    assert outcomes(jobs) == ["succeeded"], log(jobs)
    assert account.serves() == {"1": 100}
    assert tags(account)


def test_an_alarm_that_rings_does_not_keep_a_rollback_back(play: Any, account: Account) -> None:
    deployed(account)
    account.cloudwatch.put_metric_alarm(
        AlarmName="errors", MetricName="Errors", Namespace="AWS/Lambda", Statistic="Sum", Period=60,
        EvaluationPeriods=1, Threshold=1, ComparisonOperator="GreaterThanThreshold",
    )  # fmt: skip
    account.codedeploy.update_deployment_group(
        applicationName="checkout",
        currentDeploymentGroupName="live",
        alarmConfiguration={"enabled": True, "alarms": [{"name": "errors"}]},
    )
    account.ring("errors")
    given = {"version": "", "reason": "errors", "hold": False}
    jobs = play("rollback.yml", "workflow_dispatch", inputs=given)
    assert outcomes(jobs) == ["succeeded"], log(jobs)
    assert account.serves() == {"1": 100}
    assert not tags(account)


def tags(account: Account) -> dict[str, str]:
    function = "arn:aws:lambda:eu-central-1:123456789012:function:checkout"
    found: dict[str, str] = account.lambda_.list_tags(Resource=function)["Tags"]
    return found


def test_stop(play: Any, account: Account) -> None:
    begun(account, config="LambdaLinear10PercentEvery10Minutes")
    jobs = play("stop.yml", "workflow_dispatch", inputs={"reason": "a test"})
    assert outcomes(jobs) == ["stopped"], log(jobs)
    assert account.serves() == {"1": 100}


def test_status(play: Any, account: Account) -> None:
    jobs = play("status.yml", "schedule")
    assert outcomes(jobs) == ["reported"], log(jobs)
    assert account.writes() == []


def test_prune(play: Any, account: Account) -> None:
    for number in range(25):
        account.publish(f"# {number}\n{NEW}")
    jobs = play("prune.yml", "schedule")
    assert outcomes(jobs) == ["succeeded"], log(jobs)
    kept = [each["Version"] for each in account.lambda_.list_versions_by_function(FunctionName="checkout")["Versions"]]
    assert len(kept) == 1 + 1 + 20  # $LATEST, what is served, and `keep`
    assert account.serves() == {"1": 100}


def test_reusable(play: Any, account: Account) -> None:
    account.code(NEW)
    given = {"function": "checkout", "environment": "production", "code": "$LATEST"}
    jobs = play("reusable.yml", "push", called=True, inputs=given, variables=ENVIRONMENT)
    assert outcomes(jobs) == ["succeeded"], log(jobs)
    assert jobs[0].outputs == {"live-version": "2"}


def test_monorepo_deploys_what_changed(play: Any, account: Account, repository: Path) -> None:
    def git(*arguments: str) -> str:
        who = ["-c", "user.name=x", "-c", "user.email=x@y"]
        command = ["git", *who, *arguments]
        return subprocess.run(command, cwd=repository, check=True, capture_output=True, text=True).stdout.strip()

    git("init", "--quiet", "--initial-branch=main")
    git("add", ".")
    git("commit", "--quiet", "--message", "one")
    before = git("rev-parse", "HEAD")
    (repository / "functions" / "cart" / "app.py").write_text(f"# two\n{NEW}")
    git("commit", "--quiet", "--all", "--message", "two")
    variables = {**ENVIRONMENT, "DEPLOY_ROLE": f"{ACCOUNT}deploy-shop"}
    sha = git("rev-parse", "HEAD")
    jobs = play("monorepo.yml", "push", payload={"before": before}, variables=variables, sha=sha)
    assert outcomes(jobs) == ["succeeded"], log(jobs)
    assert account.serves("cart") == {"2": 100}
    assert account.serves("checkout") == {"1": 100}


def test_release(play: Any, account: Account) -> None:
    account.code(NEW, "cart")
    jobs = play("release.yml", "push")
    assert outcomes(jobs) == ["succeeded"], log(jobs)
    assert account.serves("cart") == account.serves("checkout") == {"2": 100}


@pytest.mark.parametrize(("only", "cart"), [("", "1"), ("checkout", "2")])
def test_release_rollback(play: Any, account: Account, only: str, cart: str) -> None:
    deployed(account, "cart", "checkout")
    jobs = play("release-rollback.yml", "workflow_dispatch", inputs={"only": only, "reason": "prices are wrong"})
    assert outcomes(jobs) == ["succeeded"], log(jobs)
    assert (account.serves("cart"), account.serves("checkout")) == ({cart: 100}, {"1": 100})


def test_shards(play: Any, account: Account, repository: Path) -> None:
    account.code(NEW, "cart")
    file = repository / "ci-deploy.yml"
    file.write_text(file.read_text().partition("waves:")[0])
    jobs = play("shards.yml", "push")
    assert [job.name for job in jobs] == ["divide", "deploy"], log(jobs)
    assert outcomes(jobs) == ["planned", "succeeded"], log(jobs)
    assert account.serves("cart") == account.serves("checkout") == {"2": 100}


@pytest.mark.parametrize(("apply", "outcome"), [(False, "reported"), (True, "succeeded")])
def test_setup(play: Any, account: Account, apply: bool, outcome: str) -> None:
    for name in ("cart", "checkout"):
        account.codedeploy.delete_deployment_group(applicationName=name, deploymentGroupName="live")
        account.codedeploy.delete_application(applicationName=name)
    variables = {"CODEDEPLOY_ROLE": f"{ACCOUNT}codedeploy"}
    jobs = play("setup.yml", "workflow_dispatch", inputs={"apply": apply}, variables=variables)
    assert outcomes(jobs) == [outcome], log(jobs)
    assert set(account.codedeploy.list_applications()["applications"]) == ({"cart", "checkout"} if apply else set())


def test_a_long_canary_is_followed_by_another_job(play: Any, account: Account, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(workflow, "MACHINE_SECONDS", 75 * 60)  # of the canary's ninety minutes
    jobs = play("long-canary.yml", "push")
    assert [job.name for job in jobs] == ["deploy", "follow"], log(jobs)
    assert jobs[0].outcomes == ["detached"], log(jobs)
    assert jobs[1].outcomes == ["succeeded"], log(jobs)
    assert account.serves() == {"2": 100}


@pytest.fixture
def paced(emulator: Emulator) -> None:
    """For who acts in a deployment's middle, and for commands that are watched around: those have real time."""
    emulator.run_at(SPEED)


@pytest.fixture
def calls() -> Iterator[tuple[str, list[str]]]:
    """An address to call, and the calls so far."""
    seen: list[str] = []

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            seen.append(self.path)
            self.send_response(200)
            self.end_headers()

        def log_message(self, *args: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}/price", seen
    server.shutdown()
    server.server_close()


@pytest.mark.usefixtures("paced")
@pytest.mark.parametrize("denied", [False, True])
def test_synthetic_traffic_ends_with_the_deployment(
    play: Any, account: Account, emulator: Emulator, calls: tuple[str, list[str]], denied: bool
) -> None:
    """However it ends: the job would wait for its steps in the background."""
    url, seen = calls
    if denied:
        emulator.faults([{"service": "codedeploy", "operation": "CreateDeployment", "fault": "access-denied"}])
    jobs = play("synthetic-traffic.yml", "push", variables={"CHECKOUT_URL": url})
    assert outcomes(jobs) == ["error" if denied else "succeeded"], log(jobs)
    assert set(seen) <= {"/price"}
    assert denied or seen, "nobody called while the canary ran"
    assert account.serves() == {"1" if denied else "2": 100}


def seen(jobs: list[Job], account: Account, *, around: bool = True) -> None:
    """What the tool deployed is in ci-deploy's lines, and its verdict."""
    assert [job.status for job in jobs] == ["success"], log(jobs)
    assert "Successfully created/updated stack" in log(jobs)
    ours = [line for line in log(jobs).splitlines() if line.startswith("ci-deploy | ") or not around]
    assert any("found, 1 → 2" in line for line in ours), log(jobs)
    assert any("DEPLOYED" in line for line in ours), log(jobs)
    assert account.serves() == {"2": 100}


@pytest.mark.usefixtures("paced")
def test_watch_around_sam(play: Any, account: Account) -> None:
    seen(play("watch-sam.yml", "push"), account)


@pytest.mark.usefixtures("paced")
def test_watch_around_cdk(play: Any, account: Account) -> None:
    seen(play("watch-cdk.yml", "push"), account)


@pytest.mark.usefixtures("paced")
def test_watch_around_terraform(play: Any, account: Account) -> None:
    seen(play("watch-terraform.yml", "push"), account)


@pytest.mark.usefixtures("paced")
def test_watch_around_serverless(play: Any, account: Account) -> None:
    seen(play("watch-serverless.yml", "push"), account)


def test_watch_beside_sam(play: Any, account: Account) -> None:
    jobs = play("watch-beside.yml", "push")
    seen(jobs, account, around=False)
    assert outcomes(jobs) == ["succeeded"]


@pytest.mark.usefixtures("paced")
def test_beside_an_update_that_fails_the_reason_is_cloudformations_too(
    play: Any, account: Account, repository: Path, tmp_path: Path
) -> None:
    """The tool's step fails, and `watch` is cancelled: it reports what it has followed to its end."""
    preference = "DeploymentPreference:\n  Type: Linear10PercentEvery10Minutes\n"
    (repository / "template.yaml").write_text(preference, encoding="utf-8")

    def stop() -> None:
        while not any("found, 1 → 2" in file.read_text(encoding="utf-8") for file in tmp_path.rglob("log")):
            time.sleep(0.05)
        running = account.codedeploy.list_deployments(includeOnlyStatuses=["InProgress"])["deployments"]
        account.codedeploy.stop_deployment(deploymentId=running[0], autoRollbackEnabled=True)

    colleague = threading.Thread(target=stop, daemon=True)
    colleague.start()
    jobs = play("watch-beside.yml", "push")
    colleague.join()
    assert [job.status for job in jobs] == ["failure"]
    assert jobs[0].steps[0]["outcome"] in ("rolled-back", "cancelled"), log(jobs)  # where the cancel came sooner
    codes = [reason["code"] for reason in json.loads(jobs[0].steps[0]["result"])["functions"][0]["reasons"]]
    assert codes[-1] == "stack-failed", log(jobs)
    assert account.serves() == {"1": 100}


def test_beside_a_build_that_fails_nothing_is_waited_for(play: Any, account: Account, repository: Path) -> None:
    (repository / "src" / "app.py").unlink()
    jobs = play("watch-beside.yml", "push")
    assert [job.status for job in jobs] == ["failure"]
    assert outcomes(jobs)[0] in ("unchanged", "cancelled"), log(jobs)  # where the cancel came before anything was read
    assert account.serves() == {"1": 100}


def test_buttons_that_are_linked_to_exist_and_go_back_with_what_was_deployed() -> None:
    """`rollback-workflow` names a file beside it, with `rollback` for the same function or manifest."""
    linked = 0
    for path in FOLDER.glob("*.yml"):
        text = path.read_text(encoding="utf-8")
        for button in re.findall(r"rollback-workflow: (\S+)", text):
            linked += 1
            other = (FOLDER / button).read_text(encoding="utf-8")
            assert "command: rollback" in other and "workflow_dispatch:" in other
            for name in ("function", "functions", "application", "deployment-group"):
                ours, theirs = (set(re.findall(rf"^ +{name}: (\S+)$", each, re.MULTILINE)) for each in (text, other))
                assert ours == theirs, f"{path.name} and {button} differ in {name}"
    assert linked >= 4


def test_every_workflow_has_run() -> None:
    """Not only been parsed: each file has a test here that plays it."""
    source = Path(__file__).read_text(encoding="utf-8")
    assert {path.name for path in FOLDER.glob("*.yml")} == set(re.findall(r'play\("([a-z-]+\.yml)"', source))
