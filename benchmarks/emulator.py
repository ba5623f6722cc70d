"""What the emulator costs: `python benchmarks/emulator.py [--deployments 200] [--seconds 14]` prints one table.

- start to healthy: CPU and wall time of `python -m codedeploy_emulator serve`, beside `python -m moto.server`;
- 200 concurrent deployments at --speed 60, followed by polling clients: the CPU that the engine itself takes (settling,
  effects on aliases, the ticker), measured inside the server as thread CPU time, beside the CPU of the whole server;
- one GetDeployment, CPU of the server, beside moto's own (which has no lifecycle to look at).
"""

from __future__ import annotations

import argparse
import http.client
import json
import os
import platform
import socket
import statistics
import subprocess
import sys
import threading
import time
from importlib.metadata import version
from pathlib import Path

ROOT = Path(__file__).parents[1]
TICKS = os.sysconf("SC_CLK_TCK")
AUTHORIZATION = "AWS4-HMAC-SHA256 Credential=testing/20260101/us-east-1/codedeploy/aws4_request, Signature=0"

SERVER = """
import json, sys, threading, time
from codedeploy_emulator import Emulator
from codedeploy_emulator.runtime import Runtime

spent, inside = [0.0], threading.local()


def timed(name):
    original = getattr(Runtime, name)

    def measured(self, *arguments):
        # Nested calls count once.
        if getattr(inside, "yes", False):
            return original(self, *arguments)
        inside.yes, began = True, time.thread_time()
        try:
            return original(self, *arguments)
        finally:
            inside.yes = False
            spent[0] += time.thread_time() - began

    setattr(Runtime, name, measured)


for each in ("settle", "schedule", "change", "watch_alarms"):
    timed(each)
count = int(sys.argv[1])
seed = {
    "switches": {"hooks": "succeed"},
    "functions": [
        {"name": f"f{number}", "versions": ["x = 1", "x = 2"], "aliases": {"live": 1}} for number in range(count)
    ],
    "applications": [{"name": "app", "groups": [{"name": f"g{number}"} for number in range(count)]}],
}
with Emulator(speed=60, seed=seed) as emulator:
    print(emulator.url, flush=True)
    for line in sys.stdin:
        print(json.dumps({"engine": spent[0]}), flush=True)
"""


def cpu_of(pid: int) -> float:
    """CPU seconds of a process so far, user and system."""
    fields = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8").rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / TICKS


def memory_of(pid: int) -> float:
    """Resident memory of a process, MB."""
    for line in Path(f"/proc/{pid}/status").read_text(encoding="utf-8").splitlines():
        if line.startswith("VmRSS"):
            return int(line.split()[1]) / 1024
    return 0.0


class Client:
    """A CodeDeploy client with one open connection and no cost worth speaking of."""

    def __init__(self, port: int) -> None:
        self._port = port
        self._connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)

    def __call__(self, operation: str, **params: object) -> dict:
        headers = {
            "X-Amz-Target": f"CodeDeploy_20141006.{operation}",
            "Content-Type": "application/x-amz-json-1.1",
            "Authorization": AUTHORIZATION,
        }
        self._connection.request("POST", "/", json.dumps(params), headers)
        answer = self._connection.getresponse()
        body = json.loads(answer.read() or b"{}")
        if answer.status != 200:
            raise RuntimeError(body)
        return dict(body)


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def healthy(command: list[str], port: int, path: str) -> tuple[subprocess.Popen[bytes], float, float]:
    """Start a server and wait for its first 200: the process, CPU and wall seconds."""
    began = time.perf_counter()
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, cwd=ROOT)
    while True:
        try:
            connection = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
            connection.request("GET", path)
            if connection.getresponse().status == 200:
                return process, cpu_of(process.pid), time.perf_counter() - began
        except OSError:
            pass
        if process.poll() is not None:
            raise RuntimeError(f"{command} ended with {process.returncode}")
        time.sleep(0.02)


def start_up() -> list[tuple[str, str, str, str]]:
    """Rows of starting, and of one GetDeployment."""
    port, other = free_port(), free_port()
    ours = [sys.executable, "-m", "codedeploy_emulator", "serve", "--port", str(port), "--speed", "60"]
    ours += ["--seed", "codedeploy_emulator/seeds/demo.yaml"]
    mine, my_cpu, my_wall = healthy(ours, port, "/_emulator/health")
    peer, peer_cpu, peer_wall = healthy([sys.executable, "-m", "moto.server", "-p", str(other)], other, "/moto-api/")
    try:
        mine_each = one_read(Client(port), mine.pid, "checkout-app", "checkout-live")
        client = Client(other)
        client("CreateApplication", applicationName="a", computePlatform="Lambda")
        role = "arn:aws:iam::123456789012:role/r"
        client("CreateDeploymentGroup", applicationName="a", deploymentGroupName="g", serviceRoleArn=role)
        peer_each = one_read(client, peer.pid, "a", "g")
    finally:
        for process in (mine, peer):
            process.terminate()
            process.wait(timeout=10)
    return [
        ("start to healthy, CPU s", f"{my_cpu:.2f}", f"{peer_cpu:.2f}", "goal: under 2 s"),
        ("start to healthy, wall s", f"{my_wall:.2f}", f"{peer_wall:.2f}", "with the demo's seed; moto empty"),
        ("GetDeployment, server CPU ms", f"{mine_each:.2f}", f"{peer_each:.2f}", "one keep-alive client"),
    ]


def one_read(client: Client, pid: int, application: str, group: str, count: int = 1000) -> float:
    """CPU milliseconds of the server for one GetDeployment."""
    content = {"revisionType": "AppSpecContent", "appSpecContent": {"content": "none"}}
    made = client("CreateDeployment", applicationName=application, deploymentGroupName=group, revision=content)
    before = cpu_of(pid)
    for _ in range(count):
        client("GetDeployment", deploymentId=made["deploymentId"])
    return (cpu_of(pid) - before) / count * 1000


def concurrent(count: int, seconds: float) -> list[tuple[str, str, str, str]]:
    """Rows of many deployments at once, followed by pollers: every deployment is read once a second."""
    server = subprocess.Popen(
        [sys.executable, "-c", SERVER, str(count)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd=ROOT
    )
    assert server.stdin is not None
    assert server.stdout is not None
    try:
        port = int(server.stdout.readline().rsplit(":", 1)[1])
        client = Client(port)
        ids = [client("CreateDeployment", **_deployment(number))["deploymentId"] for number in range(count)]
        before, engine_before = cpu_of(server.pid), _engine(server)
        began = time.perf_counter()
        latencies: list[float] = []
        groups = [ids[start : start + 25] for start in range(0, count, 25)]
        pollers = [threading.Thread(target=_poll, args=(port, group, began + seconds, latencies)) for group in groups]
        for poller in pollers:
            poller.start()
        for poller in pollers:
            poller.join()
        wall = time.perf_counter() - began
        engine, whole = _engine(server) - engine_before, cpu_of(server.pid) - before
        states = [
            info["status"]
            for group in groups
            for info in client("BatchGetDeployments", deploymentIds=group)["deploymentsInfo"]
        ]
        memory = memory_of(server.pid)
    finally:
        server.stdin.close()
        server.wait(timeout=20)
    done = sum(state == "Succeeded" for state in states)
    return [
        (f"{count} deployments: engine, % of a core", f"{100 * engine / wall:.2f}", "-", "goal: under 10 %"),
        (f"{count} deployments: whole server, % of a core", f"{100 * whole / wall:.1f}", "-", "HTTP, JSON, threads"),
        ("requests answered a second", f"{len(latencies) / wall:.0f}", "-", "each deployment read once a second"),
        ("GetDeployment, median / worst ms", _spread(latencies), "-", "wall time, clients on the same cores"),
        ("deployments that succeeded", f"{done} of {count}", "-", "linear 10 % every minute, at speed 60"),
        ("memory of the server, MB", f"{memory:.0f}", "-", f"{count} functions, groups and deployments"),
    ]


def _spread(latencies: list[float]) -> str:
    return f"{statistics.median(latencies) * 1000:.1f} / {max(latencies) * 1000:.0f}"


def _deployment(number: int) -> dict:
    properties = {"Name": f"f{number}", "Alias": "live", "CurrentVersion": "1", "TargetVersion": "2"}
    spec = {"version": 0.0, "Resources": [{"f": {"Type": "AWS::Lambda::Function", "Properties": properties}}]}
    return {
        "applicationName": "app",
        "deploymentGroupName": f"g{number}",
        "deploymentConfigName": "CodeDeployDefault.LambdaLinear10PercentEvery1Minute",
        "revision": {"revisionType": "AppSpecContent", "appSpecContent": {"content": json.dumps(spec)}},
    }


def _engine(server: subprocess.Popen[str]) -> float:
    assert server.stdin is not None
    assert server.stdout is not None
    server.stdin.write("\n")
    server.stdin.flush()
    return float(json.loads(server.stdout.readline())["engine"])


def _poll(port: int, ids: list[str], until: float, latencies: list[float]) -> None:
    client = Client(port)
    while (round_began := time.perf_counter()) < until:
        for identity in ids:
            began = time.perf_counter()
            client("GetDeployment", deploymentId=identity)
            latencies.append(time.perf_counter() - began)
        time.sleep(max(0.0, 1.0 - (time.perf_counter() - round_began)))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--deployments", type=int, default=200)
    parser.add_argument("--seconds", type=float, default=14.0)
    options = parser.parse_args()
    rows = [*start_up(), *concurrent(options.deployments, options.seconds)]
    cores, python = os.cpu_count(), platform.python_version()
    print(
        f"{platform.machine()}, {cores} cores, Python {python}, "
        f"moto {version('moto')}, botocore {version('botocore')}\n"
    )
    head = ("what", "emulator", "moto alone", "note")
    widths = [max(len(row[column]) for row in [head, *rows]) for column in range(4)]
    for row in [head, tuple("-" * width for width in widths), *rows]:
        print("| " + " | ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)) + " |")


if __name__ == "__main__":
    main()
