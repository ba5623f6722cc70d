"""The laws of the architecture, read from the imports and names of the source.

Each law is a function over parsed modules that returns what breaks it. Every law is run on the product, where it must
find nothing, and on a tiny bad sample, where it must find something: a law that cannot fail protects nothing.
docs/architecture.md has the laws in words.
"""

from __future__ import annotations

import ast
import sys
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import pytest

from tests.support import sources

ROOT = Path(__file__).resolve().parents[2]
STDLIB = sys.stdlib_module_names


@dataclass(frozen=True)
class Import:
    """One imported module, absolute; `lazy` when it happens inside a function."""

    module: str
    line: int
    lazy: bool


@dataclass(frozen=True)
class Module:
    """A file, or the text of a sample; parsed by the first law that looks into it."""

    name: str
    source: Path | str
    package: bool

    @cached_property
    def tree(self) -> ast.Module:
        return ast.parse(self.source) if isinstance(self.source, str) else sources.tree(self.source)

    @cached_property
    def nodes(self) -> tuple[ast.AST, ...]:
        return sources.walked(self.tree) if isinstance(self.source, str) else sources.nodes(self.source)

    @cached_property
    def imports(self) -> tuple[Import, ...]:
        return tuple(_imports(self))

    @cached_property
    def names(self) -> tuple[tuple[str, int], ...]:
        """Every dotted name that is used, such as `os.environ`, and every plain one, with its line."""
        used = [node for node in self.nodes if isinstance(node, ast.Attribute | ast.Name)]
        return tuple((text, node.lineno) for node in used if (text := _dotted(node)))


Laws = Mapping[str, Callable[[Mapping[str, Module]], list[str]]]


def _dotted(node: ast.expr) -> str:
    if isinstance(node, ast.Name):
        return node.id
    if isinstance(node, ast.Attribute):
        before = _dotted(node.value)
        return f"{before}.{node.attr}" if before else ""
    return ""


def _imports(module: Module) -> Iterator[Import]:
    bodies = [
        (node.lineno, node.end_lineno or node.lineno)
        for node in module.nodes
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
    ]
    for node in module.nodes:
        if not isinstance(node, ast.Import | ast.ImportFrom):
            continue
        lazy = any(first <= node.lineno <= last for first, last in bodies)
        if isinstance(node, ast.Import):
            for alias in node.names:
                yield Import(alias.name, node.lineno, lazy)
        else:
            parts = module.name.split(".")
            keep = len(parts) - node.level + (1 if module.package else 0)
            base = ".".join([*parts[:keep], *([node.module] if node.module else [])]) if node.level else node.module
            for alias in node.names:
                yield Import(f"{base}.{alias.name}", node.lineno, lazy)


def read(root: Path, *packages: str) -> dict[str, Module]:
    """The modules of packages by dotted name."""
    found = {}
    for package in packages:
        for path in sorted((root / package).rglob("*.py")):
            parts = path.relative_to(root).with_suffix("").parts
            is_package = parts[-1] == "__init__"
            name = ".".join(parts[:-1] if is_package else parts)
            found[name] = Module(name, path, is_package)
    return found


def sample(**texts: str) -> dict[str, Module]:
    """Modules from text; `__` in a name is a dot, `_package` at its end makes it a package."""
    found = {}
    for key, text in texts.items():
        name = key.removesuffix("_package").replace("__", ".")
        found[name] = Module(name, text, key.endswith("_package"))
    return found


def _within(name: str, *packages: str) -> bool:
    return any(name == package or name.startswith(package + ".") for package in packages)


def _where(module: Module, line: int, what: str) -> str:
    return f"{module.name}:{line}: {what}"


# --- The laws ----------------------------------------------------------------------------------------------------


def core_is_pure(modules: Mapping[str, Module]) -> list[str]:
    """core imports core and the standard library; three pure libraries only when they are needed (they are slow)."""
    found = []
    for module in modules.values():
        if not _within(module.name, "ci_deploy.core"):
            continue
        for each in module.imports:
            top = each.module.split(".")[0]
            allowed = _within(each.module, "ci_deploy.core") or (top in STDLIB and top not in _IMPURE)
            if (module.name, top) == ("ci_deploy.core.lazy", "threading"):
                continue  # classes are made by whichever thread uses them first
            if not allowed and not (top in ("jsonschema", "yaml") and each.lazy):
                found.append(_where(module, each.line, f"imports {each.module}"))
        # Reading a schema that is shipped beside the code is allowed (importlib.resources); opening files is not.
        found += [
            _where(module, line, f"uses {name}")
            for name, line in module.names
            if name in ("open", "print", "input", "breakpoint") or name.startswith(("os.", "sys.", "time.", "random."))
        ]
    return found


_IMPURE = ("os", "sys", "time", "socket", "subprocess", "threading", "logging", "random", "tempfile", "shutil", "http")


FLOORS = (
    "",
    "reasons",
    "errors",
    "result",
    "guards",
    "given",
    "init",
    "plan",
    "story",
    "machine",
)  # of core, from the lowest up


def no_floor_looks_up(modules: Mapping[str, Module]) -> list[str]:
    """Inside core a floor imports its own modules and those of lower floors; `""` is the nouns beside the folders.

    Errors and results carry reasons, so these two files are floors of their own above them.
    """

    def floor(name: str) -> int:
        first = name.removeprefix("ci_deploy.core").lstrip(".").split(".")[0]
        return FLOORS.index(first) if first in FLOORS else 0

    return [
        _where(module, each.line, f"imports {each.module}")
        for module in modules.values()
        if _within(module.name, "ci_deploy.core")
        for each in module.imports
        if _within(each.module, "ci_deploy.core") and floor(each.module) > floor(module.name)
    ]


def only_app_knows_the_edge(modules: Mapping[str, Module]) -> list[str]:
    """Commands, the loop and the reporters reach the outside through ports; app (and edge itself) wires them."""
    return [
        _where(module, each.line, f"imports {each.module}")
        for module in modules.values()
        if _within(module.name, "ci_deploy") and not _within(module.name, "ci_deploy.edge", "ci_deploy.app")
        for each in module.imports
        if _within(each.module, "ci_deploy.edge")
    ]


def the_edge_knows_no_commands(modules: Mapping[str, Module]) -> list[str]:
    """edge adapts; it imports core and ports, never what decides or reports."""
    return [
        _where(module, each.line, f"imports {each.module}")
        for module in modules.values()
        if _within(module.name, "ci_deploy.edge")
        for each in module.imports
        if _within(each.module, "ci_deploy")
        and not _within(each.module, "ci_deploy.edge", "ci_deploy.core", "ci_deploy.ports", "ci_deploy.__version__")
    ]


def reporters_only_consume(modules: Mapping[str, Module]) -> list[str]:
    """Reporters know events and sinks; nothing of how a deployment is carried out."""
    allowed = ("ci_deploy.core", "ci_deploy.ports", "ci_deploy.reporters", "ci_deploy.__version__")
    return [
        _where(module, each.line, f"imports {each.module}")
        for module in modules.values()
        if _within(module.name, "ci_deploy.reporters")
        for each in module.imports
        if _within(each.module, "ci_deploy") and not _within(each.module, *allowed)
    ]


def libraries_have_one_home(modules: Mapping[str, Module]) -> list[str]:
    """boto3 only under edge, requests only in the file that talks to GitHub."""
    homes = {
        "boto3": ("ci_deploy.edge",),
        "botocore": ("ci_deploy.edge",),
        "requests": ("ci_deploy.edge.github.api",),
        "urllib3": ("ci_deploy.edge",),
    }
    return [
        _where(module, each.line, f"imports {each.module}")
        for module in modules.values()
        if _within(module.name, "ci_deploy")
        for each in module.imports
        if (top := each.module.split(".")[0]) in homes and not _within(module.name, *homes[top])
    ]


def the_environment_is_read_once(modules: Mapping[str, Module]) -> list[str]:
    """os.environ (and os.getenv) only in __main__: everything else is given what it needs."""
    return _names_only_in(modules, ("os.environ", "os.getenv", "os.putenv", "environ.copy"), "ci_deploy.__main__") + [
        _where(module, each.line, f"imports {each.module}")
        for module in modules.values()
        if _within(module.name, "ci_deploy") and module.name != "ci_deploy.__main__"
        for each in module.imports
        if each.module in ("os.environ", "os.getenv")
    ]


def time_comes_from_the_clock(modules: Mapping[str, Module]) -> list[str]:
    """The clock is a port; only its adapter knows the time or sleeps."""
    names = ("time.time", "time.monotonic", "time.sleep", "time.perf_counter", "time.time_ns", "time.monotonic_ns")
    dates = ("datetime.now", "datetime.utcnow", "datetime.datetime.now", "datetime.today", "date.today")
    return _names_only_in(modules, (*names, *dates), "ci_deploy.edge.clock") + [
        _where(module, each.line, f"imports {each.module}")
        for module in modules.values()
        if _within(module.name, "ci_deploy") and not _within(module.name, "ci_deploy.edge.clock")
        for each in module.imports
        if _within(each.module, "time")
    ]


def one_file_writes_to_stdout(modules: Mapping[str, Module]) -> list[str]:
    """stdout is edge.runner's; __main__ flushes it and app asks whether it is a terminal."""
    homes = ("ci_deploy.edge.runner.files", "ci_deploy.__main__")
    found = _names_only_in(modules, ("print", "sys.stdout.write", "sys.stdout.buffer", "sys.stderr.write"), *homes)
    return found + _names_only_in(modules, ("sys.stdout",), *homes, "ci_deploy.app")


def _names_only_in(modules: Mapping[str, Module], names: tuple[str, ...], *homes: str) -> list[str]:
    return [
        _where(module, line, f"uses {name}")
        for module in modules.values()
        if _within(module.name, "ci_deploy") and module.name not in homes
        for name, line in module.names
        if name in names
    ]


def product_and_emulator_are_strangers(modules: Mapping[str, Module]) -> list[str]:
    """Neither imports the other: the emulator must not share the product's mistakes."""
    strangers = {"ci_deploy": "codedeploy_emulator", "codedeploy_emulator": "ci_deploy"}
    return [
        _where(module, each.line, f"imports {each.module}")
        for module in modules.values()
        for each in module.imports
        if _within(each.module, strangers.get(module.name.split(".")[0], "-"))
    ]


def moto_has_one_home(modules: Mapping[str, Module]) -> list[str]:
    """moto's private parts are used, so what uses them stands in one file, pinned to one version."""
    return [
        _where(module, each.line, f"imports {each.module}")
        for module in modules.values()
        if module.name != "codedeploy_emulator.aws.moto_parts"
        for each in module.imports
        if _within(each.module, "moto")
    ]


def nothing_is_called_utils(modules: Mapping[str, Module]) -> list[str]:
    """A module is named for what it knows."""
    bad = ("utils", "util", "helpers", "helper", "common", "misc", "base", "manager")
    return [f"{name}: a name that says nothing" for name in modules if name.split(".")[-1] in bad]


ABOUT_A_DOZEN = 14


def no_room_is_crowded(modules: Mapping[str, Module]) -> list[str]:
    """A folder that lists more than about a dozen modules no longer shows what is where."""
    rooms = Counter(name.rpartition(".")[0] for name, module in modules.items() if not module.package)
    return [f"{room}: {count} modules" for room, count in rooms.items() if count > ABOUT_A_DOZEN]


def no_circles(modules: Mapping[str, Module]) -> list[str]:
    """Imports form no circle; not even one that a lazy import hides, or one of types alone."""
    edges: dict[str, set[str]] = {}
    for module in modules.values():
        for each in module.imports:
            target = each.module if each.module in modules else each.module.rpartition(".")[0]
            if target in modules and target != module.name:
                edges.setdefault(module.name, set()).add(target)
    found: list[str] = []
    done: set[str] = set()

    def visit(name: str, path: tuple[str, ...]) -> None:
        if name in path:
            found.append(" -> ".join((*path[path.index(name) :], name)))
        elif name not in done:
            for target in sorted(edges.get(name, ())):
                visit(target, (*path, name))
            done.add(name)

    for name in sorted(edges):
        visit(name, ())
    return found


STATE = "ci_deploy.core.machine.state"


def records_change_by_their_own_transitions(modules: Mapping[str, Module]) -> list[str]:
    """A record of a rollout's state is made in its own file alone, and changed by its own methods alone.

    So `replace` (and what amounts to it) is called on `self`, or on what `self` has, inside a record's class; a
    record's class is called in its file; and what is put is a transition of the state as it is now, never of an older
    one: `turn.put(turn.r.place.pause(…))`.
    """
    owners = {
        node.name: module.name
        for module in modules.values()
        if _within(module.name, STATE)
        for node in module.tree.body
        if isinstance(node, ast.ClassDef) and any("dataclass" in ast.unparse(each) for each in node.decorator_list)
    }
    found = []
    for module in modules.values():
        if not _within(module.name, "ci_deploy"):
            continue
        inside = _within(module.name, "ci_deploy.core.machine")
        for node in module.nodes:
            if not isinstance(node, ast.Call):
                continue
            name, first = _dotted(node.func), _dotted(node.args[0]) if node.args else ""
            last = name.split(".")[-1]
            if last in owners and module.name != owners[last]:
                if inside or any(_within(each.module, owners[last]) for each in module.imports):
                    found.append(_where(module, node.lineno, f"makes a {last}"))
            if _within(module.name, STATE) and last == "replace" and first.split(".")[0] != "self":
                made = isinstance(node.args[0], ast.Call) and _dotted(node.args[0].func).startswith("self.")
                found += [] if made else [_where(module, node.lineno, f"replaces fields of {first or 'a value'}")]
            if inside and not _within(module.name, STATE):
                if last in ("__setattr__", "setattr") or (last == "replace" and _of_state(first)):
                    found.append(_where(module, node.lineno, f"changes {first}"))
                if name == "turn.put" and not ast.unparse(node.args[0]).startswith("turn.r."):
                    found.append(_where(module, node.lineno, "puts what is not a transition of the present state"))
    return found


def _of_state(name: str) -> bool:
    """Whether a dotted name leads to a rollout or to a record of one."""
    rollout = name in ("r", "rollout") or name.endswith(".r")
    return rollout or any(f"{end}." in f"{name}." for end in (f"r.{record}" for record in _RECORDS))


_RECORDS = (
    *("job", "place", "flight", "grace", "part", "attempt"),  # a rollout's
    *(
        "reading",
        "decision",
        "wait",
        "code",
        "creation",
        "watch",
        "seen",
        "contact",
        "ending",
        "repair",
    ),  # an attempt's
)


# Law -> a sample that breaks it.
BROKEN: dict[Callable[[Mapping[str, Module]], list[str]], dict[str, Module]] = {
    core_is_pure: sample(ci_deploy__core__plan="from ..edge import clock\nimport time\nopen('x')\nimport yaml\n"),
    no_floor_looks_up: sample(ci_deploy__core__plan__history="from ..story.events import HistoryEntry\n"),
    only_app_knows_the_edge: sample(ci_deploy__drive="def f():\n    from .edge.clock import RealClock\n"),
    the_edge_knows_no_commands: sample(ci_deploy__edge__s3="from ..commands import COMMANDS\n"),
    reporters_only_consume: sample(ci_deploy__reporters__log="from ..drive import drive\n"),
    libraries_have_one_home: sample(ci_deploy__app="import boto3\n", ci_deploy__edge__s3="import requests\n"),
    the_environment_is_read_once: sample(ci_deploy__app="import os\nx = os.environ['A']\n"),
    time_comes_from_the_clock: sample(ci_deploy__drive="import time\ntime.sleep(1)\n"),
    one_file_writes_to_stdout: sample(ci_deploy__perform="print('x')\n", ci_deploy__app="sys.stdout.write('x')\n"),
    product_and_emulator_are_strangers: sample(codedeploy_emulator__engine="from ci_deploy.core import aws\n"),
    moto_has_one_home: sample(codedeploy_emulator__aws__front="def f():\n    import moto.server\n"),
    nothing_is_called_utils: sample(ci_deploy__core__utils=""),
    no_room_is_crowded: sample(**{f"ci_deploy__core__plan__{letter}": "" for letter in "abcdefghijklmno"}),
    records_change_by_their_own_transitions: sample(
        ci_deploy__core__machine__state__wait="@dataclass(frozen=True)\nclass Wait:\n    other: str\n",
        ci_deploy__core__machine__stages__waiting="turn.put(Wait(other='d-1'))\n",
    ),
    no_circles: sample(ci_deploy__a="from . import b\n", ci_deploy__b="def f():\n    from .a import x\n"),
}


@pytest.fixture(scope="module")
def product() -> dict[str, Module]:
    return read(ROOT, "ci_deploy", "codedeploy_emulator")


@pytest.mark.parametrize("law", BROKEN, ids=lambda law: law.__name__)
def test_the_law_holds(law: Callable[[Mapping[str, Module]], list[str]], product: dict[str, Module]) -> None:
    assert law(product) == []


@pytest.mark.parametrize("law", BROKEN, ids=lambda law: law.__name__)
def test_breaking_the_law_is_found(law: Callable[[Mapping[str, Module]], list[str]]) -> None:
    assert law(BROKEN[law]) != []


@pytest.mark.parametrize(
    "back",
    [
        "from ..server import control\n",
        "def f():\n    from ..server.control import answer\n",
        "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    from ..server.control import Controlled\n",
    ],
    ids=["plain", "lazy", "types only"],
)
def test_a_circle_is_found_however_it_is_closed(back: str) -> None:
    modules = sample(
        codedeploy_emulator__aws__front=back, codedeploy_emulator__server__control="from ..aws import front\n"
    )
    assert no_circles(modules) != []
    assert no_circles(sample(codedeploy_emulator__server__control="from ..aws import front\n")) == []


def test_no_room_of_the_tests_or_scripts_is_crowded() -> None:
    assert no_room_is_crowded(read(ROOT, "tests", "scripts", "benchmarks")) == []


RECORD = "@dataclass(frozen=True)\nclass Wait:\n    def over(self):\n        return replace(self, other='')\n"


@pytest.mark.parametrize(
    ("where", "text", "what"),
    [
        ("stages__waiting", "turn.put(turn.r.wait.over())\n", ""),
        ("stages__waiting", "made = Wait(other='d-1')\n", "makes a Wait"),
        ("stages__waiting", "w = wait.Wait(other='d-1')\n", "makes a Wait"),
        ("stages__waiting", "turn.put(r.wait.over())\n", "puts what is not a transition of the present state"),
        ("stages__waiting", "r = turn.r\nturn.put(replace(r.wait, other=''))\n", "changes r.wait"),
        ("stages__waiting", "turn.r = replace(turn.r, attempt=None)\n", "changes turn.r"),
        ("stages__waiting", "object.__setattr__(turn.r.wait, 'other', '')\n", "changes turn.r.wait"),
        ("stages__waiting", "made = replace(r.planned, target=None)\n", ""),
        ("state__part", "class Part:\n    def f(self, wait):\n        return replace(wait, other='')\n", "of wait"),
        ("rollout", "made = Wait()\n", "makes a Wait"),
        ("state__part", "def f(wait):\n    return Wait()\n", "makes a Wait"),
    ],
)
def test_a_record_that_is_changed_from_outside_is_found(where: str, text: str, what: str) -> None:
    modules = sample(**{"ci_deploy__core__machine__state__wait": RECORD, f"ci_deploy__core__machine__{where}": text})
    found = records_change_by_their_own_transitions(modules)
    assert (len(found) > 0) == bool(what)
    assert all(what in each or "puts what" in each for each in found), found


def test_all_of_the_product_is_read(product: dict[str, Module]) -> None:
    """The laws look at the real modules, relative imports resolved."""
    assert {
        "ci_deploy.core.machine.release",
        "ci_deploy.drive",
        "ci_deploy.edge.clock",
        "codedeploy_emulator.codedeploy.model.engine",
    } <= set(product)
    assert "ci_deploy.core.run.Command" in {each.module for each in product["ci_deploy.core.given.inputs"].imports}
