"""The control endpoints under `/_emulator/`: health, env, calls, faults, clock, wait, switches, scripts, traffic,
stacks, reset.

They are for tests and never meet a fault.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Protocol

from ..clock import JUMP
from ..errors import SeedError
from ..switches import TABLE, Value
from .wire import Request, Response, json_response

PREFIX = "/_emulator/"


class Controlled(Protocol):
    """What the endpoints show and change."""

    @property
    def now(self) -> float:
        """The emulated time, epoch seconds."""

    @property
    def speed(self) -> float | str:
        """Emulated seconds a second; 0 when time stands still, "jump" when it jumps."""

    @property
    def calls(self) -> list[dict[str, Any]]:
        """Every API call so far."""

    def environment(self, host: str) -> dict[str, str]:
        """The variables for a client that reaches the emulator as `host`."""

    def present_faults(self) -> list[dict[str, Any]]:
        """The list of faults as it is now."""

    def faults(self, entries: Sequence[object], /) -> None:
        """Replace the list of faults."""

    def switch_values(self) -> dict[str, Value]:
        """The positions of all switches."""

    def switches(self, changes: Mapping[str, object], /) -> None:
        """Set switches."""

    def scripts(self, outcomes: Mapping[str, object], /) -> None:
        """Script functions' outcomes by name."""

    def present_traffic(self) -> list[Any]:
        """The list of synthetic callers as it is now."""

    def traffic(self, entries: Sequence[object], /) -> None:
        """Replace the list of synthetic callers."""

    def present_stacks(self) -> list[Any]:
        """The list of CloudFormation's stacks as it is now."""

    def stacks(self, entries: Sequence[object], /) -> None:
        """Replace the list of stacks."""

    def advance(self, seconds: float) -> float:
        """Move time on; returns the time reached."""

    def run_at(self, speed: float | str) -> None:
        """Let time go on at another speed."""

    def wait(self, client: str, connection: object, seconds: float) -> float:
        """A client waits for so many seconds, or until it is woken; returns the time reached."""

    def wake(self, client: str) -> None:
        """A client works before its moment has come."""

    def present_clients(self) -> list[dict[str, Any]]:
        """The clients that say when they wait, and until when."""

    def left(self, connection: object) -> None:
        """A connection is closed."""

    def reset(self) -> None:
        """Back to the start."""


def answer(emulator: Controlled, request: Request) -> Response:
    """Answer a control request; what is not understood is a 400 that says why."""
    name = request.path.removeprefix(PREFIX).strip("/")
    # Health checks like to ask by HEAD.
    method = "GET" if request.method == "HEAD" else request.method
    handler = _ROUTES.get((method, name))
    if handler is None:
        known = sorted(f"{method} {PREFIX}{route}" for method, route in _ROUTES)
        return json_response({"message": f"there is no {request.method} {request.path}", "endpoints": known}, 404)
    try:
        body = request.json()
    except ValueError:
        return json_response({"message": "the body is not JSON"}, 400)
    try:
        return handler(emulator, request, body)
    except SeedError as error:
        return json_response({"message": str(error)}, 400)


def _health(emulator: Controlled, request: Request, body: Any) -> Response:
    return json_response({"status": "ready"})


def _env(emulator: Controlled, request: Request, body: Any) -> Response:
    host = request.headers.get("host") or ""
    lines = "".join(f"{name}={value}\n" for name, value in emulator.environment(host).items())
    return Response(headers=[("Content-Type", "text/plain; charset=utf-8")], body=lines.encode())


def _calls(emulator: Controlled, request: Request, body: Any) -> Response:
    return json_response(emulator.calls)


def _show_faults(emulator: Controlled, request: Request, body: Any) -> Response:
    return json_response(emulator.present_faults())


def _set_faults(emulator: Controlled, request: Request, body: Any) -> Response:
    if not isinstance(body, list):
        raise SeedError("faults are a JSON array; [] clears them")
    emulator.faults(body)
    return json_response(emulator.present_faults())


def _show_clock(emulator: Controlled, request: Request, body: Any) -> Response:
    return json_response({"now": round(emulator.now, 3), "speed": emulator.speed})


def _move(emulator: Controlled, request: Request, body: Any) -> Response:
    if isinstance(body, dict) and set(body) == {"speed"}:
        return _run_at(emulator, request, body["speed"])
    seconds = body.get("advance") if isinstance(body, dict) else None
    if not _is_duration(seconds):
        raise SeedError('the clock takes {"advance": seconds}, a number that is not negative')
    emulator.advance(float(seconds))  # type: ignore[arg-type]
    return _show_clock(emulator, request, None)


def _run_at(emulator: Controlled, request: Request, speed: Any) -> Response:
    if emulator.speed == 0 or (speed != JUMP and not (_is_duration(speed) and speed > 0)):
        raise SeedError(f'a clock that goes takes {{"speed": number}}, more than 0, or "{JUMP}"')
    emulator.run_at(speed)
    return _show_clock(emulator, request, None)


def _wait(emulator: Controlled, request: Request, body: Any) -> Response:
    client, seconds = (body.get("client"), body.get("seconds")) if isinstance(body, dict) else (None, None)
    if not (isinstance(client, str) and client) or (seconds is not None and not _is_duration(seconds)):
        raise SeedError('a client waits by {"client": name, "seconds": number}, and wakes without "seconds"')
    if emulator.speed != JUMP:
        raise SeedError("the clock does not jump: start the emulator with --speed jump")
    if seconds is None:
        emulator.wake(client)
    else:
        emulator.wait(client, request.environ["werkzeug.socket"], float(seconds))
    return _show_clock(emulator, request, None)


def _show_clients(emulator: Controlled, request: Request, body: Any) -> Response:
    return json_response(emulator.present_clients())


def _is_duration(seconds: object) -> bool:
    return isinstance(seconds, int | float) and not isinstance(seconds, bool) and 0 <= seconds < 1e9


def _show_switches(emulator: Controlled, request: Request, body: Any) -> Response:
    values = emulator.switch_values()
    table = [
        {
            "name": switch.name,
            "value": values[switch.name],
            "default": switch.default,
            "choices": list(switch.choices),
            "says": switch.says,
        }
        for switch in TABLE
    ]
    return json_response(table)


def _set_switches(emulator: Controlled, request: Request, body: Any) -> Response:
    if not isinstance(body, dict):
        raise SeedError("switches are a JSON object of names and values")
    emulator.switches(body)
    return json_response(emulator.switch_values())


def _set_scripts(emulator: Controlled, request: Request, body: Any) -> Response:
    if not isinstance(body, dict):
        raise SeedError("scripts are a JSON object of function names and outcomes")
    emulator.scripts(body)
    return json_response({"message": "set"})


def _show_traffic(emulator: Controlled, request: Request, body: Any) -> Response:
    return json_response(emulator.present_traffic())


def _set_traffic(emulator: Controlled, request: Request, body: Any) -> Response:
    if not isinstance(body, list):
        raise SeedError("traffic is a JSON array of callers; [] ends it")
    emulator.traffic(body)
    return json_response(emulator.present_traffic())


def _show_stacks(emulator: Controlled, request: Request, body: Any) -> Response:
    return json_response(emulator.present_stacks())


def _set_stacks(emulator: Controlled, request: Request, body: Any) -> Response:
    if not isinstance(body, list):
        raise SeedError("stacks are a JSON array; [] forgets them")
    emulator.stacks(body)
    return json_response(emulator.present_stacks())


def _reset(emulator: Controlled, request: Request, body: Any) -> Response:
    emulator.reset()
    return json_response({"message": "back to the start"})


_ROUTES: dict[tuple[str, str], Callable[[Controlled, Request, Any], Response]] = {
    ("GET", "health"): _health,
    ("GET", "env"): _env,
    ("GET", "calls"): _calls,
    ("GET", "faults"): _show_faults,
    ("POST", "faults"): _set_faults,
    ("GET", "clock"): _show_clock,
    ("POST", "clock"): _move,
    ("GET", "wait"): _show_clients,
    ("POST", "wait"): _wait,
    ("GET", "switches"): _show_switches,
    ("POST", "switches"): _set_switches,
    ("POST", "scripts"): _set_scripts,
    ("GET", "traffic"): _show_traffic,
    ("POST", "traffic"): _set_traffic,
    ("GET", "stacks"): _show_stacks,
    ("POST", "stacks"): _set_stacks,
    ("POST", "reset"): _reset,
}
