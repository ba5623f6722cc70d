"""Runs a workflow file as GitHub would, jobs and steps, with the action as a process against an emulator.

What it has of the runner: events, needs, matrices, conditions, expressions, outputs, artifacts, `run` steps in bash,
steps in the background, post steps, inputs as `INPUT_…`, and an OIDC token for jobs that may ask for one. Jobs get no
AWS keys: the action has to assume the role that the file names. What a job did under which role is kept.
"""

from __future__ import annotations

import itertools
import json
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from ci_deploy.edge.aws.errors import iam_action
from codedeploy_emulator import Emulator
from tests.project.account.cloudformation import Stack
from tests.support import program
from tests.support.action import REPOSITORY, pairs, unwrapped
from tests.support.expressions import condition, interpolate, text

ROOT = Path(__file__).resolve().parents[2]
ACTION = yaml.safe_load((ROOT / "action.yml").read_text(encoding="utf-8"))
TOOLS = Path(__file__).with_name("tools")  # of the runner's image, as far as `run` steps use them
SERVICES = ("codedeploy", "lambda", "s3", "cloudwatch", "logs", "iam")
_OIDC = ("ACTIONS_ID_TOKEN_REQUEST_URL", "ACTIONS_ID_TOKEN_REQUEST_TOKEN")
_KEYS = ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN", "AWS_REGION", "AWS_DEFAULT_REGION")
MACHINE_SECONDS = 60  # until a job has one: by then a deployment of the job before it tells whose it is
_OF_OTHERS = ("Invoke", "PutLifecycleEventHookExecutionStatus")  # hooks have a role of their own


@dataclass(kw_only=True)
class Event:
    """What happened, and in which state the repository is. A reusable workflow has its caller's event."""

    name: str
    called: bool = False
    folder: Path
    ref: str = "refs/heads/main"
    sha: str = "0123456789abcdef0123456789abcdef01234567"
    payload: Mapping[str, Any] = field(default_factory=dict)
    inputs: Mapping[str, Any] = field(default_factory=dict)
    variables: Mapping[str, str] = field(default_factory=dict)


@dataclass(kw_only=True)
class Job:
    """One job that ran."""

    name: str
    status: str = "success"
    outputs: dict[str, Any] = field(default_factory=dict)
    steps: list[dict[str, str]] = field(default_factory=list)  # each action step's outputs
    log: str = ""
    # What its OIDC tokens have as subject, the role it assumed, and what it called with it, as IAM names it.
    subject: str = ""
    roles: set[str] = field(default_factory=set)
    called: set[str] = field(default_factory=set)
    # Credentials for every step that follows, as aws-actions/configure-aws-credentials leaves them.
    credentials: dict[str, str] = field(default_factory=dict)

    @property
    def outcomes(self) -> list[str]:
        return [outputs["outcome"] for outputs in self.steps]


@dataclass(kw_only=True)
class Background:
    """A step in the background. Its outputs, and its failure, are the job's when it is waited for."""

    process: subprocess.Popen[bytes] | program.Program
    files: Path
    action: bool

    @property
    def outputs(self) -> dict[str, str]:
        return pairs((self.files / "GITHUB_OUTPUT").read_text(encoding="utf-8"))

    def wait(self, job: Job) -> int:
        code = self.process.wait(120)
        job.log += unwrapped((self.files / "log").read_text(encoding="utf-8"))
        if self.action:
            job.steps.append(self.outputs)
        return code

    def cancel(self, job: Job) -> None:
        """SIGINT first; the whole group, since bash waits for its child. What it ends with counts for nothing."""
        if self.process.poll() is None:
            os.killpg(self.process.pid, signal.SIGINT)
            try:
                self.process.wait(7.5)
            except subprocess.TimeoutExpired:
                os.killpg(self.process.pid, signal.SIGKILL)
        else:
            assert self.action, "it had ended before it was cancelled"
        self.wait(job)


class Workflow:
    """A workflow file, ready to run."""

    def __init__(self, path: Path, emulator: Emulator, folder: Path) -> None:
        self.document = yaml.load(path.read_text(encoding="utf-8"), yaml.BaseLoader)
        self.emulator, self.folder = emulator, folder
        self.artifacts = folder / "artifacts"
        self.numbers = itertools.count(1)

    def run(self, event: Event, run_id: int = 100) -> list[Job]:
        """All jobs in their order, a matrix's as several; those whose condition is false are left out."""
        started = "workflow_call" if event.called else event.name
        assert started in _listed(self.document["on"]), f"{started} does not start it"
        done: list[Job] = []
        results: dict[str, list[Job]] = {}
        for name, spec in self.document["jobs"].items():
            needs = {need: results[need] for need in _listed(spec.get("needs", []))}
            contexts = self._contexts(event, needs)
            good = all(each and all(job.status == "success" for job in each) for each in needs.values())
            contexts["job"] = {"status": "success" if good else "failure"}
            results[name] = []
            if not (condition(spec["if"], contexts) and good if "if" in spec else good):
                continue
            for row in _matrix(interpolate(spec.get("strategy", {}).get("matrix"), contexts)):
                self.emulator.advance(MACHINE_SECONDS)
                job = self._job(name, spec, event, {**contexts, "matrix": row}, run_id)
                results[name].append(job)
                done.append(job)
        return done

    def _contexts(self, event: Event, needs: Mapping[str, list[Job]]) -> dict[str, Any]:
        return {
            "github": {
                "event_name": event.name, "event": dict(event.payload), "repository": REPOSITORY, "ref": event.ref,
                "token": self.emulator.env["GITHUB_TOKEN"],
            },
            "inputs": dict(event.inputs),
            "vars": dict(event.variables),
            "needs": {
                name: {"result": jobs[-1].status if jobs else "skipped", "outputs": jobs[-1].outputs if jobs else {}}
                for name, jobs in needs.items()
            },
        }  # fmt: skip

    def _job(self, name: str, spec: dict[str, Any], event: Event, contexts: dict[str, Any], run_id: int) -> Job:
        spec = {**spec, "permissions": spec.get("permissions", self.document["permissions"])}
        environment = text(interpolate(spec.get("environment", ""), contexts))
        job = Job(name=name, subject=_subject(event, environment))
        workspace = self.folder / f"job-{next(self.numbers)}"
        workspace.mkdir()
        contexts = {**contexts, "steps": {}, "job": {"status": "success"}}
        running: dict[str, Background] = {}
        posts: list[tuple[dict[str, str], Path]] = []
        since = len(self.emulator.calls)
        for step in spec["steps"]:
            contexts["job"] = {"status": job.status}
            if not condition(step.get("if", "success()"), contexts):
                continue
            if "cancel" in step:
                if step["cancel"] in running:  # not over, and waited for
                    running.pop(step["cancel"]).cancel(job)
                continue
            if "wait" in step:
                waited = running.pop(step["wait"])
                if waited.wait(job):
                    job.status = "failure"
                contexts["steps"][step["wait"]] = {"outputs": waited.outputs, "outcome": job.status}
                continue
            used = step.get("uses", "").split("@")[0]
            given = {key: text(interpolate(value, contexts)) for key, value in step.get("with", {}).items()}
            environ, files = self._environ(job, spec, event, workspace, run_id)
            environ |= job.credentials
            environ |= {key: text(interpolate(value, contexts)) for key, value in step.get("env", {}).items()}
            code = 0
            match used:
                case "":
                    command = ["bash", "-e", "-c", interpolate(step["run"], contexts)]
                    if step.get("background") == "true":
                        running[step["id"]] = _background(command, environ, workspace, files)
                        continue
                    done = subprocess.run(command, cwd=workspace, env=environ, capture_output=True, text=True)
                    code, job.log = done.returncode, job.log + done.stdout + done.stderr
                case "actions/checkout":
                    assert given["persist-credentials"] == "false"
                    assert spec["permissions"]["contents"] == "read"
                    shutil.copytree(event.folder, workspace, dirs_exist_ok=True)
                case "actions/upload-artifact":
                    (self.artifacts / given["name"]).mkdir(parents=True, exist_ok=True)
                    shutil.copy(workspace / given["path"], self.artifacts / given["name"])
                case "actions/download-artifact":
                    shutil.copytree(self.artifacts / given["name"], workspace, dirs_exist_ok=True)
                case "actions/setup-python" | "hashicorp/setup-terraform":
                    pass  # of the machine that the tests run on
                case "aws-actions/configure-aws-credentials":
                    assert spec["permissions"]["id-token"] == "write"
                    job.credentials = {key: self.emulator.env[key] for key in _KEYS if key in self.emulator.env}
                    job.credentials |= {"AWS_REGION": given["aws-region"], "AWS_DEFAULT_REGION": given["aws-region"]}
                case "your-org/ci-deploy":
                    environ |= _inputs(given, self.emulator.env["GITHUB_TOKEN"])
                    if "role-to-assume" in given:
                        job.roles.add(given["role-to-assume"].rpartition("/")[2])
                    posts.append((environ, files))
                    if step.get("background") == "true":
                        running[step["id"]] = _background(None, environ, workspace, files)
                        continue
                    done = program.run(env=environ, cwd=workspace)
                    code, job.log = done.returncode, job.log + unwrapped(done.stdout + done.stderr)
                    job.steps.append(pairs((files / "GITHUB_OUTPUT").read_text(encoding="utf-8")))
                case _:
                    raise AssertionError(f"{used} is not played here")
            contexts["steps"][step.get("id", "")] = {
                "outputs": pairs((files / "GITHUB_OUTPUT").read_text(encoding="utf-8")),
                "outcome": "failure" if code else "success",
            }
            if code and step.get("continue-on-error") != "true":
                job.status = "failure"
        assert not running, f"runs on after the last step: {sorted(running)}"
        for environ, files in reversed(posts):
            assert ACTION["runs"]["post-if"] == "always()"
            state = pairs((files / "GITHUB_STATE").read_text(encoding="utf-8"))
            post = [sys.executable, "-I", "-u", str(ROOT / "post-entrypoint")]
            environ |= {f"STATE_{key}": value for key, value in state.items()}
            done = subprocess.run(post, cwd=workspace, env=environ, capture_output=True, text=True, timeout=120)
            job.log += unwrapped(done.stdout + done.stderr)
        job.called = {
            iam_action(call["service"], call["operation"])
            for call in self.emulator.calls[since:]
            if call["service"] in SERVICES
            and call["operation"] not in _OF_OTHERS
            and ("ci-deploy/" in call["agent"] or not (job.credentials and job.roles))  # the tool has its own role
        }
        job.outputs = interpolate(spec.get("outputs", {}), contexts)
        return job

    def _environ(
        self, job: Job, spec: dict[str, Any], event: Event, workspace: Path, run_id: int
    ) -> tuple[dict[str, str], Path]:
        files = self.folder / f"files-{next(self.numbers)}"
        files.mkdir()
        names = ("GITHUB_OUTPUT", "GITHUB_STATE", "GITHUB_STEP_SUMMARY", "GITHUB_ENV")
        for name in names:
            (files / name).touch()
        payload = {"repository": {"full_name": REPOSITORY, "private": True}, **event.payload}
        event_file = (
            workspace / "_github_workflow" / "event.json"
        )  # made for the first step, overwritten for the others
        event_file.parent.mkdir(exist_ok=True)
        event_file.write_text(json.dumps(payload), encoding="utf-8")
        may = spec["permissions"].get("id-token") == "write"
        pointers = {
            name: value
            for name, value in self.emulator.env.items()
            if name not in _KEYS and name != "GITHUB_TOKEN" and (may or name not in _OIDC)
        }
        return {
            "PATH": f"{TOOLS}:{Path(sys.executable).parent}:{os.environ['PATH']}",
            "HOME": str(files),
            "AWS_EC2_METADATA_DISABLED": "true",
            **pointers,
            **{name: str(files / name) for name in names},
            "GITHUB_ACTIONS": "true",
            "GITHUB_WORKSPACE": str(workspace),
            "GITHUB_REPOSITORY": REPOSITORY,
            "GITHUB_WORKFLOW": self.document["name"],
            "GITHUB_JOB": job.name,
            "GITHUB_ACTION": f"__step_{next(self.numbers)}",
            "GITHUB_SHA": event.sha,
            "GITHUB_REF": event.ref,
            "GITHUB_RUN_ID": str(run_id),
            "GITHUB_RUN_ATTEMPT": "1",
            "GITHUB_ACTOR": "alice",
            "GITHUB_EVENT_NAME": event.name,
            "GITHUB_EVENT_PATH": str(event_file),
        }, files


def held_to_their_roles(name: str, jobs: Sequence[Job], stacks: Mapping[str, Stack]) -> None:
    """Every role that a job assumed trusts it and lets it do what it did; `stacks` by their roles' common name."""
    for job in jobs:
        if not (job.roles or job.credentials):
            assert job.called == set(), f"{job.name} has no role, and called AWS"
        for role in job.roles:
            stack = stacks[role.partition("-")[2]]
            assert role in stack.roles(), f"{name}: the template makes no role {role}"
            trust = json.loads(stack.roles()[role]["AssumeRolePolicyDocument"])["Statement"][0]
            subjects = trust["Condition"]["StringEquals"]["token.actions.githubusercontent.com:sub"]
            assert job.subject in subjects, f"{name}: {role} does not trust {job.subject}"
            allowed = {
                action for policy in stack.policies(role).values() for each in policy for action in each["Action"]
            }
            # Asked for by preflight, which says so in a line when the role may not.
            assert job.called - allowed <= {"iam:SimulatePrincipalPolicy"}, f"{name}: {role}"


def _inputs(given: Mapping[str, str], token: str) -> dict[str, str]:
    """As the runner has them: every input of the action, empty where it is not given."""
    assert set(given) <= set(ACTION["inputs"]), f"no such input: {set(given) - set(ACTION['inputs'])}"
    values = {name: token if name == "github-token" else "" for name in ACTION["inputs"]}
    return {f"INPUT_{name.upper()}": value for name, value in {**values, **given}.items()}


def _subject(event: Event, environment: str) -> str:
    """What GitHub writes into a job's token, in the classic form (GitHub's documentation on OIDC)."""
    if environment:
        return f"repo:{REPOSITORY}:environment:{environment}"
    if event.name == "pull_request":
        return f"repo:{REPOSITORY}:pull_request"
    return f"repo:{REPOSITORY}:ref:{event.ref}"


def _matrix(matrix: Any) -> Iterator[dict[str, Any]]:
    if not matrix:
        yield {}
    elif "include" in matrix and len(matrix) == 1:
        yield from matrix["include"]
    else:
        names = list(matrix)
        for values in itertools.product(*(matrix[name] for name in names)):
            yield dict(zip(names, values, strict=True))


def _listed(value: Any) -> list[str]:
    return [value] if isinstance(value, str) else list(value)


def _background(command: Sequence[str] | None, environ: Mapping[str, str], workspace: Path, files: Path) -> Background:
    """No command: the action."""
    with (files / "log").open("wb") as log:
        if command is None:
            process = program.Program(env=environ, cwd=workspace, stdout=log, leading=True)
            return Background(process=process, files=files, action=True)
        bash = subprocess.Popen(
            command,
            cwd=workspace,
            env=environ,
            start_new_session=True,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.STDOUT,
        )
    return Background(process=bash, files=files, action=False)
