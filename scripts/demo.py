"""The main job, without an AWS account: runs the action against the emulator as the runner would.

    make demo [SCENARIO=alarm]       or: .venv/bin/python scripts/demo.py [alarm] [--speed 20] [--report demo-report]

Time jumps while all wait; with --speed 20 it goes twenty times as fast as in life, for those who want to look on.

Starts the emulator with its demo seed on a free port, deploys the function `checkout` from pull request 7, shows the
job log on the screen, and leaves what GitHub would show in `demo-report/`: log.txt, comment.md, summary.md, outputs.txt
and index.html. What goes wrong on the way is the scenario's (scenarios.py). Fails when the run did not end as the
scenario should. Ctrl-C is what canceling the job is: the action stops the deployment, rolls it back and says so.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import re
import signal
import subprocess
import sys
import tempfile
import threading
import time
import urllib.request
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path

if __package__:
    from .pace import JUMP, Pace
    from .scenarios import SCENARIOS, Scenario, Stage, changed_seed
else:
    from pace import JUMP, Pace
    from scenarios import SCENARIOS, Scenario, Stage, changed_seed

ROOT = Path(__file__).resolve().parent.parent
SEED = ROOT / "codedeploy_emulator" / "seeds" / "demo.yaml"
REPOSITORY, PULL_REQUEST = "your-org/checkout", 7
HEAD_SHA = "3f1c0ffee0ddba11cafe0123456789abcdef0007"
INPUTS = {
    "function": "checkout",
    "code": "$LATEST",
    "application": "checkout-app",
    "deployment-group": "checkout-live",
    "bucket": "demo-deployments",
    "before-allow-traffic": "CodeDeployHook_checkout_before",
    "after-allow-traffic": "CodeDeployHook_checkout_after",
}
FILES = {"GITHUB_OUTPUT": "output", "GITHUB_STATE": "state", "GITHUB_STEP_SUMMARY": "summary", "GITHUB_ENV": "env"}
_SGR = re.compile(r"\x1b\[[0-9;]*m")
_COMMAND = re.compile(r"::([a-z-]+)(?: ([^:]*))?::(.*)")


class DemoError(Exception):
    """The demo could not run; the text says why."""


@contextlib.contextmanager
def emulator(speed: str, seed: Path = SEED) -> Iterator[str]:
    """A running emulator's address. It lives in a session of its own: Ctrl-C is for the action."""
    command = [sys.executable, "-m", "codedeploy_emulator", "serve", "--port", "0"]
    command += ["--speed", speed, "--seed", str(seed)]
    with tempfile.TemporaryFile("w+") as errors:
        process = subprocess.Popen(
            command, cwd=ROOT, stdout=subprocess.PIPE, stderr=errors, text=True, start_new_session=True
        )
        assert process.stdout is not None
        try:
            found = re.search(r"http://\S+", process.stdout.readline())
            if found is None:
                process.wait(10)
                errors.seek(0)
                raise DemoError(f"the emulator did not start:\n{errors.read().strip()}")
            _ready(found[0])
            yield found[0]
        finally:
            process.terminate()
            try:
                process.wait(5)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
            process.stdout.close()


def _ready(url: str) -> None:
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline:
        with contextlib.suppress(OSError), urllib.request.urlopen(f"{url}/_emulator/health", timeout=5) as answer:
            if answer.status == 200:
                return
        time.sleep(0.1)
    raise DemoError("the emulator did not become ready within 30 seconds")


def variables(url: str) -> dict[str, str]:
    """The variables that point a client at the emulator."""
    with urllib.request.urlopen(f"{url}/_emulator/env", timeout=10) as answer:
        lines = answer.read().decode().splitlines()
    return dict(line.split("=", 1) for line in lines if "=" in line)


def environment(pointers: Mapping[str, str], folder: Path, given: Mapping[str, str] = INPUTS) -> dict[str, str]:
    """What the runner gives a container action, and nothing else of this machine's environment."""
    event = {
        "action": "synchronize",
        "number": PULL_REQUEST,
        "pull_request": {
            "number": PULL_REQUEST,
            "head": {"sha": HEAD_SHA, "ref": "big-basket-discount", "repo": {"full_name": REPOSITORY}},
            "base": {"ref": "main", "repo": {"full_name": REPOSITORY}},
        },
        "repository": {"full_name": REPOSITORY, "private": True, "visibility": "private"},
    }
    (folder / "event.json").write_text(json.dumps(event), encoding="utf-8")
    (folder / "workspace").mkdir()
    for name in FILES.values():
        (folder / name).touch()
    inputs = {**given, "github-token": pointers["GITHUB_TOKEN"]}
    return {
        "PATH": os.environ.get("PATH", os.defpath),
        "HOME": str(folder),
        "CI": "true",
        "GITHUB_ACTIONS": "true",
        "GITHUB_REPOSITORY": REPOSITORY,
        "GITHUB_WORKFLOW": "Deploy",
        "GITHUB_EVENT_NAME": "pull_request",
        "GITHUB_EVENT_PATH": str(folder / "event.json"),
        "GITHUB_REF": f"refs/pull/{PULL_REQUEST}/merge",
        "GITHUB_SHA": "9e1a7ed0b0ddba11cafe0123456789abcdef0007",
        "GITHUB_RUN_ID": "4711",
        "GITHUB_RUN_NUMBER": "42",
        "GITHUB_RUN_ATTEMPT": "1",
        "GITHUB_ACTOR": "octocat",
        "GITHUB_WORKSPACE": str(folder / "workspace"),
        **{name: str(folder / file) for name, file in FILES.items()},
        **pointers,
        **{f"INPUT_{name.upper()}": value for name, value in inputs.items()},
    }


def run(
    environ: Mapping[str, str],
    log: Path,
    show: Show,
    *,
    step: Sequence[str] = ("-m", "ci_deploy"),
    meanwhile: Callable[[subprocess.Popen[str]], None] | None = None,
) -> int:
    """The action as a process; its log goes to the screen and, as it came, to a file. The exit code."""
    command = [sys.executable, "-I", "-u", *step]
    with log.open("a", encoding="utf-8") as copy:
        process = subprocess.Popen(
            command,
            cwd=environ["GITHUB_WORKSPACE"],
            env=dict(environ),
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            encoding="utf-8",
            errors="replace",
        )
        # The terminal sends Ctrl-C to the action as well; here it must only not end the demo before it.
        signal.signal(signal.SIGINT, lambda *_: None)
        if meanwhile:
            threading.Thread(target=meanwhile, args=(process,), daemon=True).start()
        with process:
            assert process.stdout is not None
            for line in process.stdout:
                copy.write(line)
                show(line.rstrip("\n"))
        return process.returncode


class Show:
    """Shows log lines as the job log would: groups and annotations as headings, masks not at all."""

    def __init__(self, colour: bool) -> None:
        self._colour = colour
        self._indent = ""

    def __call__(self, line: str) -> None:
        match = _COMMAND.match(line)
        if match is None:
            self.say(self._indent + line)
            return
        name, data = match[1], match[3].replace("%0D", "").replace("%0A", "\n").replace("%25", "%")
        properties = dict(pair.split("=", 1) for pair in (match[2] or "").split(",") if "=" in pair)
        if name == "group":
            self.say(f"\x1b[1m▾ {data}\x1b[0m")
            self._indent = "  "
        elif name == "endgroup":
            self._indent = ""
        elif name in ("error", "warning", "notice"):
            colour = {"error": 31, "warning": 33}.get(name, 34)
            title = properties.get("title", "").replace("%3A", ":").replace("%2C", ",")
            heading = f"{name.capitalize()}{': ' + title if title else ''}"
            self.say(f"{self._indent}\x1b[1;{colour}m{heading}\x1b[0m {data}")

    def say(self, text: str) -> None:
        print(text if self._colour else _SGR.sub("", text), flush=True)


def outputs(text: str) -> dict[str, str]:
    """The runner's file of outputs, read as the runner reads it: the last value of a name counts."""
    values: dict[str, str] = {}
    lines = iter(text.splitlines())
    for line in lines:
        name, heredoc, delimiter = line.partition("<<")
        if not heredoc:
            name, _, value = line.partition("=")
        else:
            value = "\n".join(iter(lambda end=delimiter: next(lines), delimiter))  # type: ignore[misc]
        values[name] = value
    return values


def comment(pointers: Mapping[str, str]) -> str:
    """The pull request comment, as the emulator's GitHub part has it."""
    url = f"{pointers['GITHUB_API_URL']}/repos/{REPOSITORY}/issues/{PULL_REQUEST}/comments"
    request = urllib.request.Request(url, headers={"Authorization": f"Bearer {pointers['GITHUB_TOKEN']}"})
    with urllib.request.urlopen(request, timeout=10) as answer:
        comments = json.loads(answer.read())
    return "\n\n---\n\n".join(each["body"] for each in comments)


def demo(report: Path, speed: str, scenario: Scenario) -> int:
    """Run it, write the report, say how it ended. 0 where it ended as the scenario should."""
    show = Show(colour=sys.stdout.isatty() and not os.environ.get("NO_COLOR"))
    report.mkdir(parents=True, exist_ok=True)
    for name in ("log.txt", "comment.md", "summary.md", "outputs.txt", "index.html"):
        (report / name).unlink(missing_ok=True)
    began = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="ci-deploy-demo-") as temporary:
        folder = Path(temporary)
        seed = folder / "seed.yaml"
        seed.write_text(changed_seed(SEED.read_text(encoding="utf-8"), scenario), encoding="utf-8")
        with emulator(speed, seed) as url:
            pointers = variables(url)
            environ = environment(pointers, folder, {**INPUTS, **scenario.inputs})
            pace = "jumps while all wait" if speed == JUMP else f"goes {speed} times as fast as in life"
            show.say(f"The emulator plays AWS and GitHub on {url}. Its time {pace}.\n")
            code = _main_step(environ, pointers, report / "log.txt", show, scenario)
            _post_step(environ, folder, report / "log.txt", show)
            values = outputs((folder / FILES["GITHUB_OUTPUT"]).read_text(encoding="utf-8"))
            lines = [f"{name}={value}" for name, value in values.items()]
            (report / "outputs.txt").write_text("\n".join(lines) + "\n", encoding="utf-8")
            summary = (folder / FILES["GITHUB_STEP_SUMMARY"]).read_text(encoding="utf-8")
            (report / "summary.md").write_text(summary, encoding="utf-8")
            (report / "comment.md").write_text(comment(pointers), encoding="utf-8")
    subprocess.run([sys.executable, str(ROOT / "scripts" / "render_report.py"), str(report)], check=True)
    good = code == scenario.exit_code and values.get("outcome") == scenario.outcome
    ended = f"{values.get('outcome') or 'no outcome'}, exit code {code}"
    verdict = f"ended as it should ({ended})" if good else f"ended as it should not ({ended})"
    show.say(
        f"\nThe demo {verdict} after {time.monotonic() - began:.0f} s. What GitHub would show: {report / 'index.html'}"
    )
    return 0 if good else code or 1


def _main_step(
    environ: Mapping[str, str], pointers: Mapping[str, str], log: Path, show: Show, scenario: Scenario
) -> int:
    act = scenario.meanwhile
    if act is None:
        return run(environ, log, show)
    # Before the action starts: no moment in which something should happen may be jumped over.
    with Pace(pointers) as pace:

        def meanwhile(process: subprocess.Popen[str]) -> None:
            with pace:
                act(Stage(pointers=pointers, pace=pace, process=process))

        return run(environ, log, show, meanwhile=meanwhile)


def _post_step(environ: Mapping[str, str], folder: Path, log: Path, show: Show) -> None:
    """The runner runs the action's post step after every main step, with what that left in its state file."""
    state = outputs((folder / FILES["GITHUB_STATE"]).read_text(encoding="utf-8"))
    if state.get("finished") == "true":
        return  # it would say that nothing is left to do
    show.say("\nPost step")
    run(
        {**environ, **{f"STATE_{name}": value for name, value in state.items()}},
        log,
        show,
        step=[str(ROOT / "post-entrypoint")],
    )


def _speed(text: str) -> str:
    if text != JUMP and not float(text) > 0:
        raise ValueError(text)
    return text


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(
        description="Run the action against the emulator, and report what it shows.",
        epilog="\n".join(["scenarios:", *(f"  {name:10}{each.tells}" for name, each in SCENARIOS.items())]),
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("scenario", nargs="?", default="success", choices=SCENARIOS, help="what happens (%(default)s)")
    parser.add_argument("--report", type=Path, default=Path("demo-report"), help="folder to write (%(default)s)")
    parser.add_argument(
        "--speed", type=_speed, default=JUMP, help="emulated seconds a second, or jump: no waiting (%(default)s)"
    )
    options = parser.parse_args(arguments)
    try:
        return demo(options.report, options.speed, SCENARIOS[options.scenario])
    except DemoError as error:
        print(f"The demo could not run: {error}", file=sys.stderr)
        return 1


if __name__ == "__main__":
    if sys.version_info < (3, 11):  # noqa: UP036 - whoever starts this with an older one should read why it fails
        sys.exit(f"The demo needs Python 3.11 or later; this is {sys.version.split()[0]}.")
    sys.exit(main())
