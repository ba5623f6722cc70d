"""Preflight on the package: what Lambda would take and then not start, said before anything is sent.

All of it warns and none of it refuses: what certainly does not start is told by starting.py, and the function's author
may know better. A package that is not read (a container image, an object that may not be read) is not judged.
"""

from __future__ import annotations

import stat
from collections.abc import Iterator

from ...aws import FunctionVersion
from ...given.inputs import Inputs
from ...given.package.contents import Contents
from ...given.package.packaging import Package
from ...given.source import Image
from ...reasons.preflight import packages as why
from ...result import Finding
from ..comparing import differences
from ..planning import Facts, Plan
from .checking import Check, adder
from .checking import warning as _warning
from .starting import OS_ONLY, architecture, built_for, lacks_bootstrap, missing_handler, windows_line_ends

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
        yield _warning(why.PackageUnreadable(package=str(facts.code), files=str(names), count=names.count))
    names = contents.backslashes
    if names:
        yield _warning(why.PackageBackslash(package=str(facts.code), files=str(names), count=names.count))
    names = contents.encrypted
    if names:
        yield _warning(why.PackageEncrypted(package=str(facts.code), files=str(names), count=names.count))
    names = contents.layer_links
    if names and not function.layers:
        yield _warning(
            why.PackageLayerLinks(package=str(facts.code), files=str(names), count=names.count, function=plan.function)
        )


@check("package-handler", "Does the package have the handler?")
def _handler(inputs: Inputs, facts: Facts, plan: Plan) -> Iterator[Finding]:
    judged = _judged(facts, plan)
    missing = missing_handler(*judged) if judged else None
    if judged is not None and missing is not None:
        handler = judged[0].configuration["Handler"].strip('"')
        yield _warning(
            why.PackageHandler(
                package=str(facts.code),
                what=missing.what,
                handler=handler,
                looked_for=missing.looked_for,
                folder=missing.folder,
            )
        )


@check("package-bootstrap", "Can Lambda start the package's `bootstrap`?")
def _bootstrap(inputs: Inputs, facts: Facts, plan: Plan) -> Iterator[Finding]:
    judged = _judged(facts, plan)
    if judged is None or not judged[0].runtime.startswith(OS_ONLY):
        return
    function, contents = judged
    program = contents.bootstrap
    if lacks_bootstrap(function, contents):
        yield _warning(why.PackageBootstrap(package=str(facts.code), runtime=function.runtime))
    if program is None:
        return
    if not (program.mode or 0) & stat.S_IXOTH:
        yield _warning(why.PackageBootstrapMode(package=str(facts.code)))
    built = built_for(program)
    wanted = architecture(function)
    if built not in ("", wanted):
        yield _warning(
            why.PackageBootstrapArchitecture(
                package=str(facts.code), built=built, function=plan.function, architecture=wanted
            )
        )
    if windows_line_ends(program):
        yield _warning(why.PackageBootstrapLines(package=str(facts.code)))


@check("known-failure", "Did the same code become active when it was published before?")
def _known_failure(inputs: Inputs, facts: Facts, plan: Plan) -> Iterator[Finding]:
    if plan.new is None or plan.target_version or plan.unchanged:
        return
    for version in facts.newer:
        if version.state == "Failed" and not differences(plan.new, version):
            yield _warning(
                why.KnownFailure(
                    function=plan.function,
                    version=version.version,
                    why=version.state_reason,
                    state_code=version.state_reason_code,
                )
            )


@check("package-ignore", "Does every rule of `.lambdaignore` mean something?")
def _ignore(inputs: Inputs, facts: Facts, plan: Plan) -> Iterator[Finding]:
    if isinstance(facts.code, Package) and facts.code.useless_rules and not plan.unchanged:
        rules = ", ".join(facts.code.useless_rules)
        yield _warning(why.PackageIgnore(package=str(facts.code), rules=rules))
