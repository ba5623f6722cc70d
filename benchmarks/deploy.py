"""What a deployment costs with us and with what people use today: prints one table, everything measured in one run.

    python benchmarks/deploy.py [--parts start,one,delay,ten,many] [--rounds 3] [--speed 5] [--write]

All tools deploy to the same emulator, a process of its own, at the same time: ours (the action's process, as the runner
starts it), the least boto3 script that polls every 5 s, the same with botocore's waiter (15 s), and a shell script over
the AWS CLI that polls every 5 s. Sleeps of all of them run on the emulator's time. `--write` writes docs/benchmarks.md.
Start-up in the image, as root: unpack `docker export` of a container of it into a folder, and give
`--python "chroot FOLDER /opt/ci-deploy/bin/python"`.
"""

from __future__ import annotations

import argparse
import datetime
import http.client
import json
import os
import platform
import shlex
import shutil
import signal
import socket
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from importlib.metadata import version
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import boto3
from botocore.config import Config

ROOT = Path(__file__).parents[1]
sys.path[:0] = [str(ROOT), str(Path(__file__).parent)]

import _peers as peers  # noqa: E402

from tests.support.action import Runner  # noqa: E402

CANARY = "CodeDeployDefault.LambdaCanary10Percent10Minutes"
OURS, POLLING, WAITER, SHELL = "ci-deploy", "boto3, 5 s", "boto3 waiter, 15 s", "AWS CLI, 5 s"
ACTION = "elseu's action, 5 s"
SAME = "boto3, the same client"
TOOLS = (OURS, POLLING, WAITER, SHELL)
PHASES = ("reads before", "writes", "while it runs", "after its end")
LIMIT = 1200.0  # real seconds that a process may take
AWS = ROOT / ".venv-awscli" / "bin"


class Server:
    """The emulator as a process, with functions `names`, each with new code in $LATEST and a group of its own."""

    def __init__(self, names: Sequence[str], *, speed: float, config: str = CANARY, limits: bool = False) -> None:
        self.speed = speed
        self.folder = Path(tempfile.mkdtemp(prefix="bench-"))
        self.started: list[subprocess.Popen[bytes]] = []
        seed = {
            "buckets": [{"name": "demo-deployments", "versioning": True}],
            "functions": [
                {"name": name, "versions": [{"app.py": "x = 1"}], "code": {"app.py": "x = 2"}, "aliases": {"live": 1}}
                for name in names
            ],
            "configs": [{"name": "canary-1", "canary": [10, 1]}],
            "applications": [
                {
                    "name": "app",
                    "groups": [
                        {"name": name, "config": config, "auto-rollback": ["DEPLOYMENT_FAILURE"]} for name in names
                    ],
                }
            ],
        }
        (self.folder / "seed.json").write_text(json.dumps(seed), encoding="utf-8")
        arguments = ["serve", "--port", "0", "--speed", str(speed), "--seed", str(self.folder / "seed.json")]
        self.process = subprocess.Popen(
            [sys.executable, "-u", "-m", "codedeploy_emulator", *arguments],
            cwd=ROOT,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
        )
        assert self.process.stdout is not None
        self.url = ""
        for line in self.process.stdout:
            self.url = next((word for word in line.split() if word.startswith("http://127.0.0.1:")), "").rstrip("/.,")
            if self.url:
                break
        # Whatever else it prints must not fill the pipe.
        threading.Thread(target=self.process.stdout.read, daemon=True).start()
        while self.get("health", text=True) is None:
            time.sleep(0.1)
        self.env = dict(line.split("=", 1) for line in self.get("env", text=True).splitlines() if "=" in line)
        if limits:
            self.post("switches", {"limits": True})
        before = time.monotonic()
        now = self.get("clock")["now"]
        self._zero = now - (before + time.monotonic()) / 2 * speed

    def emulated(self, at: float) -> float:
        """A moment of this machine's monotonic clock in emulated time."""
        return self._zero + at * self.speed

    def get(self, name: str, *, text: bool = False) -> Any:
        return self._ask("GET", name, None, text)

    def post(self, name: str, body: Any) -> Any:
        return self._ask("POST", name, json.dumps(body), False)

    def _ask(self, method: str, name: str, body: str | None, text: bool) -> Any:
        try:
            connection = http.client.HTTPConnection(urlsplit(self.url).netloc, timeout=60)
            connection.request(method, f"/_emulator/{name}", body, {"Content-Type": "application/json"})
            answer = connection.getresponse().read().decode()
            connection.close()
        except OSError:
            return None
        return answer if text else json.loads(answer)

    def client(self, service: str) -> Any:
        return boto3.client(
            service,
            endpoint_url=self.url,
            region_name=self.env["AWS_REGION"],
            aws_access_key_id=self.env["AWS_ACCESS_KEY_ID"],
            aws_secret_access_key=self.env["AWS_SECRET_ACCESS_KEY"],
            config=Config(read_timeout=120),
        )

    def deployments(self, names: Iterable[str]) -> list[dict[str, Any]]:
        """All deployments of these functions' groups."""
        client = self.client("codedeploy")
        found = []
        for name in names:
            ids = client.list_deployments(applicationName="app", deploymentGroupName=name)["deployments"]
            found += [client.get_deployment(deploymentId=each)["deploymentInfo"] for each in ids]
        return found

    def close(self) -> None:
        """End it, and whatever was started against it and still runs."""
        for each in self.started:
            if each.returncode is None:
                each.kill()
        self.process.terminate()
        self.process.wait(20)
        shutil.rmtree(self.folder, ignore_errors=True)


@dataclass(kw_only=True)
class Run:
    """One process's deployment of some functions, and what it cost."""

    tool: str
    names: tuple[str, ...]
    tag: str
    process: subprocess.Popen[bytes]
    started: float
    ended: float = 0.0
    code: int = -1
    cpu: float = 0.0
    memory: float = 0.0
    calls: Counter[str] = field(default_factory=Counter)
    phases: Counter[str] = field(default_factory=Counter)
    throttled: int = 0
    before: float = 0.0  # real seconds until the first deployment was created
    after: float = 0.0  # emulated seconds from the last verdict to the end of the process
    total: float = 0.0  # emulated seconds from start to end

    def wait(self) -> None:
        limit = threading.Timer(LIMIT, self.process.kill)
        limit.daemon = True
        limit.start()
        _, status, usage = os.wait4(self.process.pid, 0)
        limit.cancel()
        self.ended = time.monotonic()
        self.process.returncode = self.code = os.waitstatus_to_exitcode(status)
        self.cpu = usage.ru_utime + usage.ru_stime
        self.memory = usage.ru_maxrss / 1024

    def settle(self, server: Server, calls: Sequence[Mapping[str, Any]]) -> None:
        """What the emulator knows of it. Only calls to AWS count."""
        infos = server.deployments(self.names)
        assert self.code == 0, f"{self.tool} ended with {self.code}"
        assert len(infos) == len(self.names), f"{self.tool}: {len(infos)} deployments of {len(self.names)} functions"
        assert all(info["status"] == "Succeeded" for info in infos), self.tool
        first = min(info["createTime"].timestamp() for info in infos)
        last = max(info["completeTime"].timestamp() for info in infos)
        self.before = (first - server.emulated(self.started)) / server.speed
        self.after = server.emulated(self.ended) - last
        self.total = (self.ended - self.started) * server.speed
        ours = [call for call in calls if self.tag in call["agent"] and call["service"] != "github"]
        self.calls = Counter(f"{call['service']}:{call['operation']}" for call in ours)
        self.phases = Counter(phase(call, first, last) for call in ours)
        self.throttled = sum(call["status"] in (400, 429, 503) for call in ours)


def phase(call: Mapping[str, Any], created: float, ended: float) -> str:
    """When a call was made, by the times of the deployment."""
    if call["operation"] in ("PublishVersion", "PutObject", "CreateDeployment"):
        return PHASES[1]
    if call["at"] <= created:
        return PHASES[0]
    return PHASES[2] if call["at"] < ended else PHASES[3]


def start(server: Server, tool: str, names: Sequence[str], tag: str, **inputs: str) -> Run:
    """Start a tool; calls are told apart by AWS_EXECUTION_ENV, which botocore puts into the User-Agent."""
    folder = server.folder / tag
    folder.mkdir()
    extra = {"AWS_EXECUTION_ENV": tag, "SPEED": str(server.speed)}
    began = time.monotonic()
    if tool == OURS:
        if len(names) == 1:
            given = {
                "function": names[0],
                "code": "$LATEST",
                "application": "app",
                "deployment-group": names[0],
                **inputs,
            }
        else:
            listed = "".join(f"  {name}: {{deployment-group: {name}}}\n" for name in names)
            (folder / "functions.yml").write_text(
                f"defaults: {{application: app, code: $LATEST}}\nfunctions:\n{listed}", encoding="utf-8"
            )
            given = {"config": "functions.yml", **inputs}
        process = Runner(env=server.env, folder=folder).start_anew(given, environ=extra).process
    else:
        env = {name: value for name, value in server.env.items() if name.startswith("AWS_")} | extra
        env |= {"PATH": f"{AWS}:{os.environ['PATH']}", "HOME": str(folder)}
        programs = {
            POLLING: [sys.executable, "-I", "-c", peers.POLLING],
            WAITER: [sys.executable, "-I", "-c", peers.WAITER],
            SHELL: ["sh", "-c", peers.SHELL, "sh"],
            ACTION: [sys.executable, "-I", "-c", peers.ACTION],
        }
        process = subprocess.Popen([*programs[tool], *names], env=env, cwd=folder, stdout=subprocess.DEVNULL)
    server.started.append(process)
    return Run(tool=tool, names=tuple(names), tag=tag, process=process, started=began)


def finish(server: Server, runs: Sequence[Run]) -> None:
    threads = [threading.Thread(target=run.wait) for run in runs]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    calls = server.get("calls")
    for run in runs:
        run.settle(server, calls)


# --- The parts ---------------------------------------------------------------------------------------------------


def median(values: Iterable[float]) -> float:
    return statistics.median(list(values))


def tools() -> tuple[str, ...]:
    return TOOLS if (AWS / "aws").exists() else TOOLS[:3]


def part_start(rounds: int, python: Sequence[str]) -> list[list[str]]:
    """From the start of the process to its first request, which nobody answers: it is ended then."""
    server = socket.create_server(("127.0.0.1", 0))
    server.settimeout(LIMIT)
    env = {"PATH": os.environ["PATH"], "AWS_ACCESS_KEY_ID": "testing", "AWS_SECRET_ACCESS_KEY": "testing"}
    env |= {"AWS_REGION": "us-east-1", "AWS_DEFAULT_REGION": "us-east-1", "HOME": tempfile.gettempdir()}
    env["AWS_ENDPOINT_URL"] = f"http://127.0.0.1:{server.getsockname()[1]}"
    env |= {"GITHUB_ACTIONS": "true", "INPUT_FUNCTION": "checkout", "INPUT_CODE": "$LATEST"}
    programs = {SAME: peers.FIRST, "boto3, a deployment's clients": peers.FIRST_OF_ALL, OURS: peers.OUR_FIRST}
    spent: dict[str, list[tuple[float, float, float]]] = {name: [] for name in programs}
    for _ in range(rounds):
        for name, code in programs.items():
            began = time.monotonic()
            process = subprocess.Popen(
                [*python, "-I", "-u", "-c", code], env=env, cwd=env["HOME"], stdout=subprocess.DEVNULL
            )
            connection, _ = server.accept()
            wall, running = time.monotonic() - began, Path("/proc", str(process.pid))
            # Nanoseconds on a CPU, thread by thread.
            cpu = sum(int(each.read_text().split()[0]) for each in running.glob("task/*/schedstat")) / 1e9
            memory = next(line for line in (running / "status").read_text().splitlines() if line.startswith("VmHWM"))
            process.kill()
            process.wait()
            connection.close()
            spent[name].append((cpu, wall, int(memory.split()[1]) / 1024))
    server.close()
    rows = [["start to the first call", "CPU, s", "CPU, ×", "wall, s", "memory, MB"]]
    base = median(each[0] for each in spent[SAME])
    for name, each in spent.items():
        cpu, wall, memory = (median(values) for values in zip(*each, strict=True))
        rows.append([name, f"{cpu:.3f}", f"{cpu / base:.2f}", f"{wall:.3f}", f"{memory:.0f}"])
    return rows


def part_one(rounds: int, speed: float) -> tuple[list[list[str]], float]:
    """One function with a 10-minute canary by each tool, side by side, several times. Also our median total."""
    names = {(tool, n): f"f{number}-{n}" for number, tool in enumerate(tools()) for n in range(rounds)}
    server = Server(list(names.values()), speed=speed)
    runs: list[Run] = []
    try:
        for n in range(rounds):
            batch = [start(server, tool, [names[tool, n]], f"one-{number}-{n}") for number, tool in enumerate(tools())]
            finish(server, batch)
            runs += batch
    finally:
        server.close()
    ours = [run for run in runs if run.tool == OURS]
    return table("1 function", runs), median(run.total for run in ours)


def part_delay(rounds: int) -> tuple[list[list[str]], list[list[str]]]:
    """Delays and calls alone, in real time (the AWS CLI's own start-up is not multiplied): a canary of one minute."""
    each_tool = (*tools(), ACTION)
    names = {(tool, n): f"f{number}-{n}" for number, tool in enumerate(each_tool) for n in range(2 * rounds)}
    server = Server(list(names.values()), speed=1.0, config="canary-1")
    runs = []
    try:
        for n in range(2 * rounds):
            for number, tool in enumerate(each_tool):
                runs.append(start(server, tool, [names[tool, n]], f"delay-{number}-{n}"))
                time.sleep(0.83)
        finish(server, runs)
    finally:
        server.close()
    rows = [["delay in real time, 1-minute canary", "runs", "median, s", "worst, s"]]
    phases = [["calls, 1-minute canary", *PHASES, "all"]]
    for tool in each_tool:
        mine = [run for run in runs if run.tool == tool]
        delays = [run.after for run in mine]
        rows.append([tool, str(len(mine)), f"{median(delays):.1f}", f"{max(delays):.1f}"])
        counts = [median(run.phases[phase] for run in mine) for phase in PHASES]
        phases.append([tool, *(f"{count:.0f}" for count in counts), f"{median(run.calls.total() for run in mine):.0f}"])
    return rows, phases


def part_ten(speed: float) -> list[list[str]]:
    names = {tool: [f"f{number}-{n}" for n in range(10)] for number, tool in enumerate(tools())}
    server = Server([name for each in names.values() for name in each], speed=speed)
    try:
        runs = [start(server, tool, names[tool], f"ten-{number}") for number, tool in enumerate(tools())]
        finish(server, runs)
    finally:
        server.close()
    return table("10 functions", runs)


def table(title: str, runs: Sequence[Run]) -> list[list[str]]:
    head = ["CPU, s", "CPU, ×", "own time, s", "delay, median s", "worst s", "calls", "calls/min", "memory, MB"]
    rows = [[title, *head]]
    base = median(run.cpu for run in runs if run.tool == POLLING)
    for tool in tools():
        mine = [run for run in runs if run.tool == tool]
        cpu = median(run.cpu for run in mine)
        calls = median(run.calls.total() for run in mine)
        rows.append(
            [
                tool,
                f"{cpu:.2f}",
                f"{cpu / base:.2f}",
                f"{median(run.before + run.after for run in mine):.1f}",
                f"{median(run.after for run in mine):.1f}",
                f"{max(run.after for run in mine):.1f}",
                f"{calls:.0f}",
                f"{calls / median(run.total for run in mine) * 60:.1f}",
                f"{max(run.memory for run in mine):.0f}",
            ]
        )
    return rows


def part_many(counts: Sequence[int], speed: float, one: float) -> tuple[list[list[str]], list[list[str]]]:
    """Releases of ours under the emulator's limits, by S3; `one` is what one function takes, emulated seconds."""
    head = ["CPU, s", "wall, emulated s", "× one", "delay, s", "calls", "calls/min", "throttled", "memory, MB"]
    rows = [["functions, one release", *head]]
    reads: dict[str, Counter[str]] = {}
    for count in counts:
        names = [f"fn{number:03}" for number in range(count)]
        server = Server(names, speed=speed, limits=True)
        try:
            run = start(server, OURS, names, f"many-{count}", bucket="demo-deployments")
            run.wait()
            server.post("switches", {"limits": False})
            run.settle(server, server.get("calls"))
        finally:
            server.close()
        reads[str(count)] = run.calls
        rows.append(
            [
                str(count),
                f"{run.cpu:.1f}",
                f"{run.total:.0f}",
                f"{run.total / one:.2f}",
                f"{run.after:.1f}",
                str(run.calls.total()),
                f"{run.calls.total() / run.total * 60:.0f}",
                str(run.throttled),
                f"{run.memory:.0f}",
            ]
        )
    operations = sorted({name for each in reads.values() for name in each})
    shown = [["calls for a function", *reads]]
    shown += [[name, *(f"{each[name] / int(count):.2f}" for count, each in reads.items())] for name in operations]
    return rows, shown


# --- The page ----------------------------------------------------------------------------------------------------


def markdown(rows: Sequence[Sequence[str]]) -> str:
    widths = [max(len(row[n]) for row in rows) for n in range(len(rows[0]))]
    lines = [
        "| " + " | ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)) + " |" for row in rows
    ]
    return "\n".join([lines[0], "|" + "|".join("-" * (width + 2) for width in widths) + "|", *lines[1:]])


def machine() -> str:
    try:
        cli = subprocess.run([AWS / "aws", "--version"], capture_output=True, text=True, check=False).stdout.split()[0]
    except (OSError, IndexError):
        cli = "no AWS CLI (make .venv-awscli/.installed)"
    own = ", ".join(f"{name} {version(name)}" for name in ("ci-deploy", "boto3", "botocore", "moto"))
    load = f"load {os.getloadavg()[0]:.1f} at the end"
    return (
        f"{datetime.datetime.now(tz=datetime.UTC):%Y-%m-%d}, {os.cpu_count()} cores of {platform.machine()}, "
        f"Python {platform.python_version()}, {own}, {cli}, {load}"
    )


def in_short(tables: Sequence[Sequence[Sequence[str]]]) -> str:
    """What the tables say, in figures of this very run; of parts that were not run nothing."""
    found = {
        (rows[0][0], row[0], title): cell
        for rows in tables
        for row in rows[1:]
        for title, cell in zip(rows[0], row, strict=True)
    }

    def cell(table: str, row: str, title: str) -> str:
        return found.get((table, row, title), "")

    canary, delays, calls = "1 function", "delay in real time, 1-minute canary", "calls, 1-minute canary"
    releases = "functions, one release"
    sizes = [rows[-1][0] for rows in tables if rows[0][0] == releases]
    lines = []
    if ratio := cell("start to the first call", OURS, "CPU, ×"):
        lines.append(f"Until its first call to AWS it takes {ratio} times the CPU of boto3 with the same client.")
    if took := cell(delays, OURS, "median, s"):
        lines.append(
            f"It knows and has reported the end of a deployment {took} s after CodeDeploy does; "
            f"a boto3 waiter knows it after {cell(delays, WAITER, 'median, s')} s."
        )
    if made := cell(calls, OURS, "all"):
        lines.append(
            f"A canary of one minute takes {made} calls, {cell(calls, OURS, PHASES[0])} of them checks before a write. "
            f"A script over the AWS CLI that checks nothing makes {cell(calls, SHELL, 'all')}."
        )
    if made := cell(canary, OURS, "calls"):
        lines.append(
            f"A canary of ten minutes takes {made} calls (polling every 5 s: {cell(canary, POLLING, 'calls')}) "
            f"and {cell(canary, OURS, 'CPU, ×')} times the CPU."
        )
    lines += [
        f"A release of {size} functions takes {cell(releases, size, '× one')} times as long as one function; "
        f"its report is there {cell(releases, size, 'delay, s')} s after the last deployment ended."
        for size in sizes
    ]
    return "".join(f"- {line}\n" for line in lines)


NOTES = """
- All in one run, on one emulator, a process of its own; the tools of a table run at the same time. Medians.
- The first table is of the Python that `--python` names. On this page it is that of the image, where all three run.
- CPU and memory are of the whole process, children included. `CPU, ×` is against the boto3 script that polls each 5 s.
- Sleeps of all tools run on the emulator's time (divided by its speed). What a process itself takes does not. At speed
  5 the AWS CLI's half second of start-up counts as more than two emulated seconds per poll. It therefore polls less
  often and learns later than in real time, in which the table of delays is measured again.
- A fixed interval meets the end of a deployment at the same place each time here, for all deployments are alike. In
  life it is anywhere: a poll each 5 s learns 2.5 s later on average, the waiter 7.5 s.
- `delay`: from `completeTime` in CodeDeploy to the end of the process, in emulated seconds; ours has read the alias and
  written all reports by then. `own time`: real seconds until the deployment exists, and that delay.
- Calls are those to AWS. Ours reads before it writes: the caller, the function's code, the live version, the alias and
  the group. Then come a deployment config of your own, provisioned concurrency, and who else invokes the function. Last
  deployments are read where there are some, and for the guards a day of metrics.
- While a deployment runs, ours looks when a shift is due, and each minute. Where an alarm can end the deployment it
  looks every 15 s. The alias is read at the end.
- The deploy script of the Terraform module (terraform-aws-modules/lambda) polls as the row `AWS CLI, 5 s` does.
- The action of elseu gives up after 20 looks. It can follow a canary of one minute only.
- Releases run under the emulator's limits. Lambda's control plane takes 15 requests a second, CodeDeploy's own alias
  updates included, and 100 of GetFunction. CodeDeploy takes 5 reads a second with a burst of 20, writes apart.
  `throttled` counts answers with status 400, 429 or 503.
"""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--parts", default="start,one,delay,ten,many", help="which parts, comma-separated")
    parser.add_argument("--rounds", type=int, default=3, help="how often one function is deployed by each tool")
    parser.add_argument("--speed", type=float, default=5.0, help="emulated seconds a second")
    parser.add_argument("--counts", default="100,500", help="functions of the large releases")
    parser.add_argument("--python", default=sys.executable, help="the Python of the part `start`, as a command")
    parser.add_argument("--write", action="store_true", help="write docs/benchmarks.md")
    options = parser.parse_args()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    parts = options.parts.split(",")
    tables: list[list[list[str]]] = []

    def show(rows: list[list[str]]) -> None:
        tables.append(rows)
        print(markdown(rows), flush=True)
        print(flush=True)

    one = 0.0
    if "start" in parts:
        show(part_start(max(15, options.rounds), shlex.split(options.python)))
    if "one" in parts:
        rows, one = part_one(options.rounds, options.speed)
        show(rows)
    if "delay" in parts:
        for rows in part_delay(options.rounds):
            show(rows)
    if "ten" in parts:
        show(part_ten(options.speed))
    if "many" in parts:
        # Without the part `one`: the canary's ten minutes, and the events around it.
        for rows in part_many([int(each) for each in options.counts.split(",")], options.speed, one or 606.0):
            show(rows)
    print(machine())
    if options.write:
        page = ROOT / "docs" / "benchmarks.md"
        kept = page.read_text(encoding="utf-8").partition("<!-- end of the figures -->")[2] if page.exists() else "\n"
        text = "\n\n".join(markdown(rows) for rows in tables)
        page.write_text(
            f"# Benchmarks\n\n{in_short(tables)}\n`python benchmarks/deploy.py --write` wrote this ({machine()}).\n\n"
            f"{text}\n{NOTES}"
            f"\n<!-- end of the figures -->{kept}",
            encoding="utf-8",
        )


if __name__ == "__main__":
    main()
