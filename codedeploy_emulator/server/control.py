"""The control endpoints under `/_emulator/`: health, env, calls, faults, clock, switches, scripts, traffic,
stacks, reset.

They are for tests and never meet a fault.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Protocol

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
    def speed(self) -> float:
        """Emulated seconds a second; 0 when time stands still."""

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


def _advance(emulator: Controlled, request: Request, body: Any) -> Response:
    seconds = body.get("advance") if isinstance(body, dict) else None
    if isinstance(seconds, bool) or not isinstance(seconds, int | float) or not 0 <= seconds < 1e9:
        raise SeedError('the clock takes {"advance": seconds}, a number that is not negative')
    emulator.advance(float(seconds))
    return _show_clock(emulator, request, None)


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
    ("POST", "clock"): _advance,
    ("GET", "switches"): _show_switches,
    ("POST", "switches"): _set_switches,
    ("POST", "scripts"): _set_scripts,
    ("GET", "traffic"): _show_traffic,
    ("POST", "traffic"): _set_traffic,
    ("GET", "stacks"): _show_stacks,
    ("POST", "stacks"): _set_stacks,
    ("POST", "reset"): _reset,
}
