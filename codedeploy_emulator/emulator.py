"""The emulator as an object: what the server serves, and what tests in the same process hold in their hands."""

from __future__ import annotations

import threading
import time
from collections.abc import Mapping, Sequence
from copy import deepcopy
from pathlib import Path
from types import TracebackType
from typing import Any, ClassVar

from . import seed
from .aws.front import Aws
from .aws.moto_parts import ACCOUNT
from .clock import JUMP, Clock
from .github import oidc
from .github.front import GitHub
from .keeping import Kept
from .runtime import Runtime
from .server.calls import Call, Calls
from .server.faults import Fault, Faults
from .server.http import Server
from .server.wire import AwsCall, Request, Response
from .switches import Switches, Value

PAST = 3600.0  # seconds for which a seed's callers have been calling: comparisons need an hour before
LOOPBACK = ("127.0.0.1", "localhost", "::1")
ACCESS_KEY, SECRET_KEY, GITHUB_TOKEN = "testing", "testing", "ghs_emulator_token"


class Emulator:
    """CodeDeploy for Lambda, with Lambda, S3, CloudWatch, Logs, IAM and STS behind it and GitHub's part beside it.

    Use it as a context manager: it then listens on `url`. `speed` 0 makes time stand still until `advance`, "jump" lets
    it jump while every client waits; `seed` is a
    YAML file or a mapping; `switches` are the positions at the start; `start` is the time at the start (epoch seconds).
    moto's state is the process's, so one process holds one emulator at a time.
    """

    _one: ClassVar[threading.Lock] = threading.Lock()

    def __init__(
        self,
        *,
        speed: float | str = 0,
        seed: str | Path | Mapping[str, Any] | None = None,
        switches: Mapping[str, object] | None = None,
        host: str = "127.0.0.1",
        port: int = 0,
        start: float | None = None,
    ) -> None:
        if not Emulator._one.acquire(blocking=False):
            raise RuntimeError("this process holds an emulator already; close it, or reset it and use it again")
        try:
            self._prepare(speed, seed, switches, host, port, start)
        except BaseException:
            Emulator._one.release()
            raise
        self._open = True

    def _prepare(
        self,
        speed: float | str,
        source: str | Path | Mapping[str, Any] | None,
        switches: Mapping[str, object] | None,
        host: str,
        port: int,
        start: float | None,
    ) -> None:
        self._seed = seed.load(source)
        self._kept: Kept | None = None
        self._sown: Mapping[str, Any] = {}
        self._first_switches = dict(switches or {})
        self.clock = Clock(speed, start)
        self._switches = Switches()
        self._switches.update(self._first_switches)
        self.runtime = Runtime(self.clock, self._switches)
        self.github = GitHub(self.clock, self._switches)
        self._calls = Calls()
        self._faults = Faults()
        self.aws = Aws(self.runtime)
        self._seeder = seed.Seeder(self.aws, self.github, self.runtime.functions, self._switches, self._faults)
        self._host = host
        self._server = Server(self, host, port)
        # An address that stands for all of them is reached as the loopback one.
        reach = "127.0.0.1" if host in ("localhost", "0.0.0.0", "::", "") else f"[{host}]" if ":" in host else host
        self.url = f"http://{reach}:{self._server.port}"
        self.github.url = self.url
        self.runtime.functions.environment = {
            name: value
            for name, value in self.environment("").items()
            if name.startswith("AWS_") and name not in ("AWS_REGION", "AWS_DEFAULT_REGION")
        }
        self.reset()

    def __enter__(self) -> Emulator:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def start(self) -> None:
        """Begin to listen, and let time go."""
        self.runtime.start()
        self._server.start()

    def close(self) -> None:
        """Stop listening; another emulator may then be made."""
        if self._open:
            self._open = False
            try:
                self._server.close()
                self.runtime.close()
            finally:
                Emulator._one.release()

    # What tests do

    @property
    def now(self) -> float:
        """The emulated time, epoch seconds."""
        return self.clock.now()

    def advance(self, seconds: float) -> float:
        """Move time on, event by event, waiting for hooks that run; returns the time reached."""
        return self.runtime.advance(seconds)

    @property
    def env(self) -> dict[str, str]:
        """The environment that points a client at this emulator."""
        return self.environment("")

    @property
    def calls(self) -> list[dict[str, Any]]:
        """Every API call so far, as `GET /_emulator/calls` shows them."""
        return self._calls.json()

    def faults(self, entries: Sequence[object] | None = None, /, **one: object) -> None:
        """Replace the list of faults: by a list, or by one fault given by keywords; by nothing: no faults."""
        self._faults.seed = int(self._switches.number("random-seed"))
        self._faults.replace(entries if entries is not None else [one] if one else [])

    def switches(self, changes: Mapping[str, object] | None = None, /, **more: object) -> None:
        """Set switches, by a mapping or by keywords (underscores stand for hyphens)."""
        with self.runtime.lock:
            self._switches.update({**(changes or {}), **more})

    def scripts(self, outcomes: Mapping[str, object] | None = None, /, **more: object) -> None:
        """Script functions' outcomes by name: succeed, fail, crash, silent, or run (their code)."""
        with self.runtime.lock:
            self.runtime.functions.script({**(outcomes or {}), **more})

    def traffic(self, entries: Sequence[object] | None = None, /, **one: object) -> None:
        """Replace the list of synthetic callers: by a list, or by one given by keywords; by nothing: nobody calls."""
        with self.runtime.lock:
            self.runtime.settle()
            self.runtime.traffic.replace(list(entries) if entries is not None else [one] if one else [], self.now)

    def stacks(self, entries: Sequence[object] | None = None, /) -> None:
        """Replace the stacks that are only named; what differs from before becomes an event."""
        with self.runtime.lock:
            self.aws.named.replace(entries or [], self.now)

    def present_stacks(self) -> list[Any]:
        """The list of stacks as it is now."""
        return self.aws.named.json()

    def reset(self) -> None:
        """Back to the start: state, clock, calls, faults, switches; then the seed again."""
        with self.runtime.lock:
            self._switches.values = Switches().values
            self._switches.update(self._first_switches)
            self._switches.update(self._seed.get("switches") or {})
            self.runtime.reset()
            self.github.reset()
            self.aws.stacks.reset()
            self.faults([])
            if self._kept is not None and self._sown == self._seed:
                self._kept.bring_back()
            else:
                self._sow()
            self._calls.clear()

    def _sow(self) -> None:
        """Make what the seed names, and keep it where it will be the very same again: stamps are of the start."""
        self._seeder.apply(self._seed)
        self._switches.update(self._first_switches)
        self.runtime.traffic.place = ACCOUNT, seed.region_of(self._seed)
        self.runtime.traffic.replace(self._seed.get("traffic") or [], self.now, past=PAST)
        self.stacks([])
        self.stacks(self._seed.get("stacks") or [])
        if self._seed and self.clock.fixed:
            # A mapping is its owner's, who may change it before the next reset.
            self._sown = deepcopy(self._seed)
            self._kept = self.keep()

    def keep(self) -> Kept:
        """Everything that a seed, or a client in its place, has made by now, to be brought back after a reset.

        Neither the time nor what is under way belongs to it.
        """
        return Kept(
            (
                (self._switches, ("values",)),
                (self._faults, ("_faults",)),
                (self.runtime, ("store",)),
                (self.runtime.limits, ("_buckets",)),
                (self.runtime.functions, ("scripts", "_streams")),
                (self.runtime.traffic, ("_entries", "_playing", "_made")),
                (self.runtime.book, ("_batches",)),
                (self.github, ("repositories", "_next_id")),
                (self.aws.named, ("_stacks", "_entries")),
            )
        )

    # What the server needs

    def environment(self, host: str) -> dict[str, str]:
        """The variables for a client that reaches the emulator as `host` (`name:port`; empty: the loopback address)."""
        name = host.rsplit(":", 1)[0].strip("[]")
        url = self.url if not host or name in LOOPBACK else f"http://{host}"
        region = seed.region_of(self._seed)
        environment = {
            "AWS_ENDPOINT_URL": url,
            "AWS_ACCESS_KEY_ID": ACCESS_KEY,
            "AWS_SECRET_ACCESS_KEY": SECRET_KEY,
            "AWS_REGION": region,
            "AWS_DEFAULT_REGION": region,
            "GITHUB_API_URL": f"{url}/api/v3",
            "GITHUB_SERVER_URL": url,
            "GITHUB_TOKEN": GITHUB_TOKEN,
            "ACTIONS_ID_TOKEN_REQUEST_URL": f"{url}{oidc.PATH}?api-version=2.0",
            "ACTIONS_ID_TOKEN_REQUEST_TOKEN": oidc.REQUEST_TOKEN,
        }
        if self.speed not in (0, 1):
            environment["CI_DEPLOY_CLOCK_SPEED"] = JUMP if self.clock.jumps else f"{self.speed:g}"
        return environment

    @property
    def speed(self) -> float | str:
        """Emulated seconds a second; 0 when time stands still, "jump" when it jumps."""
        return JUMP if self.clock.jumps else self.clock.speed

    def run_at(self, speed: float | str) -> None:
        """Let time go on at another speed (not 0), until a reset; for clients that start from now on."""
        self.runtime.run_at(speed)

    def wait(self, client: str, connection: object, seconds: float) -> float:
        """A client waits for so many seconds, or until it is woken; returns the time reached."""
        return self.runtime.wait(client, connection, seconds)

    def wake(self, client: str) -> None:
        """A client works before its moment has come."""
        self.runtime.wake(client)

    def present_clients(self) -> list[dict[str, Any]]:
        """The clients that say when they wait, and until when."""
        with self.runtime.lock:
            return self.runtime.waiting.json()

    def left(self, connection: object) -> None:
        """A connection is closed."""
        self.runtime.left(connection)

    @property
    def claims(self) -> Mapping[str, str]:
        """Claims of the OIDC token that the seed names."""
        return dict(self._seed.get("claims") or {})

    def settle(self) -> None:
        """Let everything happen that is due by now."""
        self.runtime.settle()

    def operation_of(self, request: Request, call: AwsCall | None) -> tuple[str, str, str]:
        """(the service, the operation's name, its plain form) of a request; `call` when it was signed for AWS."""
        if call is not None:
            return call.service, call.operation, ""
        if request.path == oidc.PATH:
            return "oidc", oidc.OPERATION, ""
        operation, plain = self.github.route(request)
        return "github", operation, plain

    def answer(self, request: Request, call: AwsCall | None) -> Response:
        """Answer a request: AWS's side, the OIDC endpoint, or GitHub's part."""
        if call is not None:
            return self.aws.answer(request, call)
        with self.runtime.lock:
            if request.path == oidc.PATH:
                return oidc.answer(request, time.time(), self.claims)
            return self.github.answer(request)

    def account_of(self, call: AwsCall) -> str:
        """The account of whoever signed a call."""
        return self.aws.account_of(call)

    def record(self, call: Call) -> Call:
        """Record a call that came in."""
        return self._calls.add(call)

    def strike(self, service: str, operation: str, plain: str) -> Fault | None:
        """The fault that a call meets."""
        return self._faults.strike(service, operation, plain)

    def present_faults(self) -> list[dict[str, Any]]:
        """The list of faults as it is now."""
        return self._faults.json()

    def present_traffic(self) -> list[Any]:
        """The list of synthetic callers as it is now."""
        return self.runtime.traffic.json()

    def switch_values(self) -> dict[str, Value]:
        """The positions of all switches."""
        return dict(self._switches.values)
