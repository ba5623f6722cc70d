"""The command line: `python -m codedeploy_emulator serve [--host] [--port] [--speed] [--seed]`."""

from __future__ import annotations

import argparse
import contextlib
import math
import signal
import sys
import threading
from collections.abc import Sequence

from .clock import JUMP
from .errors import SeedError


def _speed(text: str) -> float | str:
    if text == JUMP:
        return JUMP
    with contextlib.suppress(ValueError):
        if 0 <= (speed := float(text)) < math.inf:
            return speed
    raise argparse.ArgumentTypeError(f"must be a number that is not negative, or {JUMP}")


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the emulator in the foreground until SIGINT or SIGTERM. Exit code 2: what was asked for cannot be done."""
    parser = argparse.ArgumentParser(
        prog="python -m codedeploy_emulator", description="CodeDeploy for AWS Lambda, emulated on one local port."
    )
    commands = parser.add_subparsers(dest="command", required=True)
    serve = commands.add_parser("serve", help="serve until interrupted")
    serve.add_argument("--host", default="127.0.0.1", help="address to listen on (default: %(default)s)")
    serve.add_argument("--port", type=int, default=4599, help="port, 0 for any free one (default: %(default)s)")
    serve.add_argument(
        "--speed",
        type=_speed,
        default=1.0,
        help="emulated seconds a second: 60 makes a minute a second, 0 moves time only by POST /_emulator/clock, jump "
        "jumps to the next due moment while every client that says so waits (default: %(default)g)",
    )
    serve.add_argument("--seed", help="YAML file that names what is there at the start")
    options = parser.parse_args(arguments)
    if not 0 <= options.port <= 65535:
        parser.error("--port must be from 0 to 65535")
    from .emulator import LOOPBACK, Emulator  # and moto, which takes a second: help and mistakes need none of it

    if options.host not in LOOPBACK:
        sys.stderr.write(
            f"warning: listening on {options.host}: whoever reaches this port can run code here, for hooks are code\n"
        )
    try:
        emulator = Emulator(speed=options.speed, seed=options.seed, host=options.host, port=options.port)
    except (SeedError, OSError) as error:
        sys.stderr.write(f"error: {error}\n")
        return 2
    stop = threading.Event()
    for name in (signal.SIGINT, signal.SIGTERM):
        signal.signal(name, lambda *_: stop.set())
    with emulator:
        sys.stdout.write(f"codedeploy_emulator listens on {emulator.url}\n")
        sys.stdout.flush()
        stop.wait()
    return 0


if __name__ == "__main__":
    sys.exit(main())
