"""Step outputs for the workflow, state for the post step, and `--json` for the command line.

The id of a deployment is written the moment it is known, and everything again at the end: the runner takes the last
line of a name, and reads the files also after a cancel or a kill (facts.md B2). The state is what `finish` works from:
one name for each function, because a release of hundreds would otherwise write megabytes, and the post step's
environment takes no more than 128 KiB for a name (Linux's MAX_ARG_STRLEN).
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import fields, replace
from functools import lru_cache
from typing import TYPE_CHECKING

from ..core.defuse import harmless
from ..core.reasons.run import Killed
from ..core.result import Result
from ..core.run import Outcome, Rollback
from ..core.story import events as e

if TYPE_CHECKING:
    from ..core.plan.history import HistoryEntry
    from ..ports import RunnerFiles, Write

STATE = "deployment-"  # and the number of the function
FINISHED = "finished"
FUNCTIONS = "functions"  # the keys of all of the run's functions, those without a deployment too
LONGEST = 8_000  # characters of one text in an output
# Fields of a Result that are no output of their own: whose it is, and what is for people only.
_NOT_OUTPUTS = ("function", "alias", "reasons", "fate", "running", "settled", "report")

# Every output that a result has.
NAMES = (
    *(field.name.replace("_", "-") for field in fields(Result) if field.name not in _NOT_OUTPUTS),
    *("reason", "reason-code", "result"),
)
_KILLED = Killed()
PROVISIONAL = {
    "outcome": str(Outcome.CANCELLED),
    "deployed": "false",
    "rollback": str(Rollback.NONE),
    "reason": _KILLED.text,
    "reason-code": _KILLED.code,
    "result": json.dumps(
        {
            "outcome": str(Outcome.CANCELLED),
            "deployed": False,
            "rollback": str(Rollback.NONE),
            "reason-code": _KILLED.code,
        }
    ),
}


class OutputsReporter:
    """Writes outputs and state; with `print_json`, also the result as JSON at the end."""

    name = "step outputs"

    def __init__(self, files: RunnerFiles, print_json: Write | None = None) -> None:
        self._files = files
        self._print = print_json
        self._state: dict[str, dict[str, str]] = {}
        self._numbers: dict[str, int] = {}
        self._ids: dict[str, str] = {}
        self._console_url = ""
        self._expected = 0
        self._ids_due = 1  # how many ids make it worth writing all of them again
        self._status: dict[str, e.StatusReported] = {}

    def report(self, event: e.Event) -> None:
        match event:
            case e.Started():
                self._expected = len(event.keys)
                if event.keys:
                    self._files.state(FUNCTIONS, json.dumps(event.keys, separators=(",", ":")))
                # What a step that is killed leaves: the runner takes the last line of a name.
                self._files.outputs({**dict.fromkeys(NAMES, ""), **PROVISIONAL})
            case e.Creating():
                self._remember(
                    event.key,
                    application=event.application,
                    group=event.group,
                    marker_id=event.marker_id,
                    previous_version=event.current_version,
                    target_version=event.target_version,
                )
            case e.DeploymentStarted():
                self._remember(
                    event.key,
                    application=event.application,
                    group=event.group,
                    deployment_id=event.deployment_id,
                    previous_version=event.current_version,
                    target_version=event.target_version,
                )
                self._write_ids(event)
            case e.StopRequested() if event.deployment_id == self._state.get(event.key, {}).get("deployment-id"):
                self._remember(event.key, stopping="rollback" if event.rollback else "stop")
            case e.RollbackStarted():
                self._remember(event.key, rollback_deployment_id=event.deployment_id)
                self._files.outputs({"rollback-deployment-id": event.deployment_id})
            case e.Divided():
                self._files.outputs({"matrix": event.matrix})
            case e.StatusReported():
                self._status[event.key] = event
            case e.Concluded():
                result = self._with_ids(event.result)
                results = tuple(map(self._with_ids, event.results))
                self._files.outputs(outputs(result, results, self._status))
                # `finish` returns at once then: all that is said was read after the last change.
                if all(one.settled for one in results or (result,)):
                    self._files.state(FINISHED, "true")
                if self._print is not None:
                    document = result_object(result, results, self._status)
                    self._print(json.dumps(document, indent=2, ensure_ascii=False))

    def close(self) -> None:
        """Nothing is held back."""

    def _with_ids(self, result: Result) -> Result:
        """A run that ended by a bug knows of no deployment any more, but ids that were written stay."""
        if result.outcome is not Outcome.BUG or not self._ids:
            return result
        ids = [self._ids[result.key]] if result.key in self._ids else self._ids.values()
        return replace(result, deployment_id=",".join(ids), console_url=self._console_url)

    def _remember(self, key: str, **what: str) -> None:
        function, _, alias = key.partition(":")
        state = self._state.setdefault(key, {"function": function, "alias": alias})
        state.update({name.replace("_", "-"): value for name, value in what.items()})
        number = self._numbers.setdefault(key, len(self._numbers))
        self._files.state(f"{STATE}{number}", json.dumps(state, separators=(",", ":")))

    def _write_ids(self, event: e.DeploymentStarted) -> None:
        """All ids with each new one, while they are few; with hundreds, whenever they have become a quarter more."""
        self._ids[event.key] = event.deployment_id
        self._console_url = event.console_url
        if len(self._ids) < self._ids_due and len(self._ids) < self._expected:
            return
        self._ids_due = max(len(self._ids) + 1, len(self._ids) * 5 // 4)
        alone = self._expected == 1
        self._files.outputs(
            {
                "deployment-id": ",".join(self._ids.values()),
                "console-url": event.console_url,
                "previous-version": event.current_version if alone else "",
                "target-version": event.target_version if alone else "",
                # Until somebody reads the alias again, nobody knows what became of the traffic.
                "rollback": str(Rollback.UNKNOWN),
            }
        )


def outputs(
    result: Result, results: Iterable[Result], status: Mapping[str, e.StatusReported] | None = None
) -> dict[str, str]:
    """Every output as text, in kebab-case; `result` is one JSON object that has all functions."""
    values = {name: harmless(_text(value), longest=LONGEST) for name, value in _kebab(result).items()}
    values["result"] = json.dumps(result_object(result, results, status), separators=(",", ":"))
    return values


def result_object(
    result: Result, results: Iterable[Result], status: Mapping[str, e.StatusReported] | None = None
) -> dict[str, object]:
    """The run as one object: the outputs with their types, every function's own under `functions`.

    `status`, by `function:alias`, is there for the command of that name: what is served and the group's history.
    """
    functions = [{"function": each.function, "alias": each.alias, **_told(each)} for each in results]
    document: dict[str, object] = {**_told(result), "functions": functions}
    document |= result.report
    if status:
        document["status"] = {key: _status(reported) for key, reported in status.items()}
    return {name: _harmless(value) for name, value in document.items()}


@lru_cache(maxsize=512)
def _line(text: str) -> str:
    """Names and most values are those of every function."""
    return harmless(text, longest=LONGEST)


def _harmless(value: object) -> object:
    """The value with every text in it one harmless line: a step may print what it took out of the JSON."""
    match value:
        case str():
            return _line(value)
        case Mapping():
            return {_harmless(name): _harmless(item) for name, item in value.items()}
        case list() | tuple():
            return [_harmless(item) for item in value]
    return value


def _status(reported: e.StatusReported) -> dict[str, object]:
    return {
        "version": reported.alias.version,
        "shares": reported.alias.shares,
        "served-by": _entry(reported.served_by),
        "running": _entry(reported.running),
        "history": [_entry(entry) for entry in reported.history],
    }


def _entry(entry: HistoryEntry | None) -> dict[str, object] | None:
    if entry is None:
        return None
    return {field.name.replace("_", "-"): getattr(entry, field.name) for field in fields(entry)}


def _told(result: Result) -> dict[str, object]:
    """The outputs and each reason by its code; a reason's facts are for nobody outside."""
    reasons = [{"code": each.code, "text": each.text, "remedy": each.remedy} for each in result.reasons]
    return {**_kebab(result), "reasons": reasons}


def _kebab(result: Result) -> dict[str, str | bool | float]:
    values: dict[str, str | bool | float] = {}
    for field in fields(result):
        if field.name not in _NOT_OUTPUTS:
            value = getattr(result, field.name)
            values[field.name.replace("_", "-")] = round(value, 1) if isinstance(value, float) else value
    return values | {"reason": result.reason, "reason-code": result.reason_code}


def _text(value: str | bool | float) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    return f"{value:g}" if isinstance(value, float) and value < 1e6 else str(value)
