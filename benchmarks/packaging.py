"""What packaging a folder costs: `python benchmarks/packaging.py [--files 10000] [--megabytes 100] [--runs 3]`.

The same folder is packed by ci-deploy (zip, hash and limits), by `zip -r` and by Python's own shutil.make_archive, each
in a process of its own, in turns. Printed are ratios to ci-deploy of wall time and of CPU time (medians), and the peak
memory of each process; then ci-deploy's peak memory for a tenth of the bytes and for all of them in one file: it must
not grow with the package. Half of the files compress like source code, half not at all.
"""

from __future__ import annotations

import argparse
import os
import random
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[1]
LIMIT = 600  # seconds for any one process
PIECE = 64 * 1024

OURS = """
import sys
from pathlib import Path
from ci_deploy.edge.clock import RealClock
from ci_deploy.edge.files import WorkspaceFiles
from ci_deploy.edge.packages.local import LocalPackages
made = LocalPackages(WorkspaceFiles(Path(sys.argv[1]).parent, confined=False), RealClock(1.0))
package = made.package(Path(sys.argv[1]).name, lambda what, done, total: None)
print(package.size, package.files)
"""
SHUTIL = "import shutil, sys; shutil.make_archive(sys.argv[2], 'zip', sys.argv[1])"
NOTHING = "import ci_deploy.edge.packages.local"


@dataclass(frozen=True, slots=True)
class Cost:
    """Seconds of wall and of CPU (user and system), and peak resident memory in MiB."""

    wall: float
    cpu: float
    memory: float


def make_folder(folder: Path, files: int, size: int) -> None:
    """`files` files of `size` bytes each, in folders of a hundred."""
    dice = random.Random(1)
    words = [dice.randbytes(3).hex() for _ in range(2000)]
    for number in range(files):
        place = folder / f"package_{number // 100:03}" / f"module_{number % 100:02}.py"
        place.parent.mkdir(parents=True, exist_ok=True)
        with place.open("wb") as file:
            # In pieces: a child's peak memory counts from what its parent had when it was started.
            for at in range(0, size, PIECE):
                piece = min(PIECE, size - at)
                text = "" if number % 2 else " ".join(dice.choices(words, k=piece // 7 + 1))
                file.write(dice.randbytes(piece) if number % 2 else text.encode()[:piece])


def cost(command: list[str], folder: Path | None = None) -> Cost:
    """Run a process to its end."""
    began = time.perf_counter()
    process = subprocess.Popen(command, cwd=folder, stdout=subprocess.DEVNULL)
    deadline = time.monotonic() + LIMIT
    while True:
        pid, status, usage = os.wait4(process.pid, os.WNOHANG)
        if pid:
            break
        if time.monotonic() > deadline:
            process.kill()
            raise SystemExit(f"{command[0]} took more than {LIMIT} s")
        time.sleep(0.005)
    wall = time.perf_counter() - began
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise SystemExit(f"{' '.join(command[:3])} failed")
    return Cost(wall, usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1024)


def ours(folder: Path) -> Cost:
    return cost([sys.executable, "-c", OURS, str(folder)], ROOT)


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--files", type=int, default=10_000)
    parser.add_argument("--megabytes", type=int, default=100)
    parser.add_argument("--runs", type=int, default=3)
    options = parser.parse_args()
    total = options.megabytes * 1024 * 1024
    with tempfile.TemporaryDirectory() as text:
        place = Path(text)
        folder, target = place / "code", place / "out"
        make_folder(folder, options.files, total // options.files)
        ways = {
            "ci-deploy": lambda: ours(folder),
            "zip -r": lambda: cost(["zip", "-q", "-r", "-X", str(target) + ".zip", "."], folder),
            "shutil.make_archive": lambda: cost([sys.executable, "-c", SHUTIL, str(folder), str(target)]),
        }
        if shutil.which("zip") is None:
            del ways["zip -r"]
        measured: dict[str, list[Cost]] = {name: [] for name in ways}
        for _ in range(options.runs):
            for name, way in ways.items():
                Path(f"{target}.zip").unlink(missing_ok=True)
                measured[name].append(way())
        base = measured["ci-deploy"]
        print(f"{options.files} files, {options.megabytes} MB, {options.runs} runs each, ratios to ci-deploy\n")
        print(f"| {'':20} | wall | ratio | CPU | ratio | peak memory |")
        print(f"| {'-' * 20} | ---: | ---: | ---: | ---: | ---: |")
        for name, costs in measured.items():
            wall, cpu = (statistics.median(getattr(each, kind) for each in costs) for kind in ("wall", "cpu"))
            wall0, cpu0 = (statistics.median(getattr(each, kind) for each in base) for kind in ("wall", "cpu"))
            memory = max(each.memory for each in costs)
            print(
                f"| {name:20} | {wall:.2f} s | {wall / wall0:.2f} | {cpu:.2f} s | {cpu / cpu0:.2f} | {memory:.0f} MiB |"
            )
        small, one = place / "small", place / "one"
        make_folder(small, options.files // 10, total // options.files)
        make_folder(one, 2, total // 2)
        print("\nPeak memory of ci-deploy:")
        print(f"- importing alone: {cost([sys.executable, '-c', NOTHING], ROOT).memory:.0f} MiB")
        print(f"- a tenth ({options.files // 10} files): {ours(small).memory:.0f} MiB")
        print(f"- all ({options.files} files): {max(each.memory for each in base):.0f} MiB")
        print(f"- as many bytes in two files: {ours(one).memory:.0f} MiB")


if __name__ == "__main__":
    main()
