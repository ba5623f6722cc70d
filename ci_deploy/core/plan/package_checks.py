"""Preflight on the package: what Lambda would take and then not start, said before anything is sent.

All of it warns and none of it refuses: what certainly does not start is told by starting.py, and the function's author
may know better. A package that is not read (a container image, an object that may not be read) is not judged.
"""

from __future__ import annotations

import stat
from collections.abc import Iterator

from ..aws import FunctionVersion
from ..given.contents import Contents, Some
from ..given.inputs import Inputs
from ..given.packaging import Package
from ..given.source import Image
from ..result import Finding
from .checking import Check, adder
from .checking import warning as _warning
from .comparing import differences
from .planning import Facts, Plan
from .starting import (
    OS_ONLY,
    after_failing,
    architecture,
    built_for,
    lacks_bootstrap,
    missing_handler,
    windows_line_ends,
)

CHECKS: list[Check] = []
check = adder(CHECKS)


def _judged(facts: Facts, plan: Plan) -> tuple[FunctionVersion, Contents] | None:
    """The function and the package's contents, where there is something to judge."""
    code = facts.code
    if facts.latest is None or code is None or isinstance(code, Image) or code.contents is None or plan.unchanged:
        return None
    return facts.latest, code.contents


@check("package-files", "Can Lambda read every file of the package?")
def _files(inputs: Inputs, facts: Facts, plan: Plan) -> Iterator[Finding]:
    judged = _judged(facts, plan)
    if judged is None:
        return
    function, contents = judged
    names = contents.unreadable
    if names:
        yield _warning(
            "package-unreadable",
            f"Lambda's user cannot read {_counted(names)} of `{facts.code}`: {names}.",
            "Before zipping, run `chmod -R a+rX` on the folder, or package the folder itself. Python's "
            "`zipfile.writestr` gives files the mode 600: set `external_attr` to `0o644 << 16`.",
        )
    names = contents.backslashes
    if names:
        yield _warning(
            "package-backslash",
            f"`{facts.code}` has {_counted(names)} with a backslash in the name: {names}. To Lambda that is a part of "
            "the name, and no folder.",
            "Zip with a tool that separates folders by `/`, or package the folder itself.",
        )
    names = contents.encrypted
    if names:
        yield _warning(
            "package-encrypted",
            f"`{facts.code}` has {_counted(names)} with encryption: {names}. Lambda has no password.",
            "Zip without a password.",
        )
    names = contents.layer_links
    if names and not function.layers:
        yield _warning(
            "package-layer-links",
            f"`{facts.code}` has {'a link' if names.count == 1 else 'links'} to a layer (`/opt`): {names}. Function "
            f"`{plan.function}` has no layer.",
            "Add the layer to the function first, or copy what is meant into the package.",
        )


@check("package-handler", "Does the package have the handler?")
def _handler(inputs: Inputs, facts: Facts, plan: Plan) -> Iterator[Finding]:
    judged = _judged(facts, plan)
    missing = missing_handler(*judged) if judged else None
    if judged is not None and missing is not None:
        handler = judged[0].configuration["Handler"].strip('"')
        folder = missing.folder
        inside = f"Package the folder `{folder}` itself: what the handler names is in there."
        yield _warning(
            "package-handler",
            f"`{facts.code}` has no {missing.what} for the handler `{handler}`: Lambda looks for {missing.looked_for}.",
            "Check the function's handler, and what the build put into the package." if not folder else inside,
        )


@check("package-bootstrap", "Can Lambda start the package's `bootstrap`?")
def _bootstrap(inputs: Inputs, facts: Facts, plan: Plan) -> Iterator[Finding]:
    judged = _judged(facts, plan)
    if judged is None or not judged[0].runtime.startswith(OS_ONLY):
        return
    function, contents = judged
    program = contents.bootstrap
    if lacks_bootstrap(function, contents):
        yield _warning(
            "package-bootstrap",
            f"`{facts.code}` has no file `bootstrap` at its top, and runtime {function.runtime} starts nothing else.",
            "Name the program `bootstrap`, and put it at the top of the package.",
        )
    if program is None:
        return
    if not (program.mode or 0) & stat.S_IXOTH:
        yield _warning(
            "package-bootstrap-mode",
            f"`bootstrap` in `{facts.code}` is not executable for Lambda's user.",
            "Give it the mode 755 before zipping, on Linux or macOS; zips made on Windows have no modes. For Go there "
            "is build-lambda-zip.",
        )
    built = built_for(program)
    wanted = architecture(function)
    if built not in ("", wanted):
        yield _warning(
            "package-bootstrap-architecture",
            f"`bootstrap` in `{facts.code}` was built for {built}. Function `{plan.function}` runs on Linux, {wanted}.",
            "Build it for that, or change the function's architecture first.",
        )
    if windows_line_ends(program):
        yield _warning(
            "package-bootstrap-lines",
            f"The first line of `bootstrap` in `{facts.code}` ends as lines do on Windows (CR LF): Linux does not find "
            "its interpreter.",
            "Save it with Unix line ends (`*.sh text eol=lf` in .gitattributes).",
        )


@check("known-failure", "Did the same code become active when it was published before?")
def _known_failure(inputs: Inputs, facts: Facts, plan: Plan) -> Iterator[Finding]:
    if plan.new is None or plan.target_version or plan.unchanged:
        return
    for version in facts.newer:
        if version.state == "Failed" and not differences(plan.new, version):
            why = f" ({version.state_reason.rstrip('.')})" if version.state_reason else ""
            yield _warning(
                "known-failure",
                f"Version {version.version} of `{plan.function}` has the same code and settings, and did not become "
                f"active{why}.",
                after_failing(version),
            )


@check("package-ignore", "Does every rule of `.lambdaignore` mean something?")
def _ignore(inputs: Inputs, facts: Facts, plan: Plan) -> Iterator[Finding]:
    if isinstance(facts.code, Package) and facts.code.useless_rules and not plan.unchanged:
        rules = ", ".join(facts.code.useless_rules)
        yield _warning(
            "package-ignore",
            f"The `.lambdaignore` in `{facts.code}` has rules that match nothing: {rules}. What they were to leave out "
            "is in the package.",
            "Correct them: a bracket needs its end, and a backslash a character after it.",
        )


def _counted(names: Some) -> str:
    return "one file" if names.count == 1 else f"{names.count:,} files"
