"""Can Lambda start what is in a package? What each runtime looks for, and what of that is certain.

Pure. It names what is missing only where nothing else can bring it: layers, wrappers and search paths of the user's own
make it silent, and so does a handler of a form that is not known. Sources: AWS's own runtime interface clients
(aws-lambda-python-runtime-interface-client, -nodejs-, -ruby-, -java-, aws-lambda-dotnet) and Lambda's guide for OS-only
runtimes and for file permissions.
"""

from __future__ import annotations

import json
import posixpath
import re
from collections.abc import Callable

from ...aws import FunctionVersion
from ...given.package.contents import Contents, Program
from ...lazy import dataclass

# Variables that bring code from elsewhere, or start something else than the handler.
ELSEWHERE = frozenset({
    "AWS_LAMBDA_EXEC_WRAPPER",
    "BUNDLE_GEMFILE",
    "CLASSPATH",
    "DOTNET_ADDITIONAL_DEPS",
    "DOTNET_SHARED_STORE",
    "DOTNET_STARTUP_HOOKS",
    "GEM_HOME",
    "GEM_PATH",
    "JAVA_TOOL_OPTIONS",
    "JDK_JAVA_OPTIONS",
    "LAMBDA_DOTNET_MAIN_ASSEMBLY",
    "NODE_OPTIONS",
    "NODE_PATH",
    "PYTHONHOME",
    "PYTHONPATH",
    "RUBYLIB",
    "RUBYOPT",
    "_JAVA_OPTIONS",
})  # fmt: skip
OS_ONLY = "provided"
_NODE_FILES = ("", ".js", ".mjs", ".cjs", ".json", ".node")
_ELF = b"\x7fELF"
_MACHINES = {62: "x86_64", 183: "arm64"}
_FOREIGN = {
    b"MZ": "Windows",
    b"\xca\xfe\xba\xbe": "macOS",
    b"\xce\xfa\xed\xfe": "macOS",
    b"\xcf\xfa\xed\xfe": "macOS",
    b"\xfe\xed\xfa\xce": "macOS",
    b"\xfe\xed\xfa\xcf": "macOS",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Missing:
    """What a handler needs and the package does not have, for people.

    `folder`: the folder of the package that has it, where there is one, and only one.
    """

    what: str
    looked_for: str
    folder: str = ""


def missing_handler(function: FunctionVersion, contents: Contents) -> Missing | None:
    """What the function's handler names and its code does not have; None where all is well, or nobody can tell."""
    handler = _setting(function, "Handler")
    find = next((find for name, find in _FINDERS.items() if function.runtime.startswith(name)), None)
    if find is None or not isinstance(handler, str) or not handler or not alone(function):
        return None
    return find(handler, contents)


def alone(function: FunctionVersion) -> bool:
    """Whether a function's code can come from its package only."""
    unread = "Environment" in function.unread
    return not (function.layers or unread or ELSEWHERE.intersection(function.environment_names))


def _python(handler: str, contents: Contents) -> Missing | None:
    """importlib.import_module: a file, an extension module, or a folder (a namespace package too)."""
    module = handler.rpartition(".")[0].replace("/", ".")
    parts = module.split(".")
    if not all(parts):
        return None
    path = "/".join(parts)
    if contents.has_folder(path) or any(contents.has(path + end) for end in (".py", ".pyc", ".so")):
        return None
    if contents.any_named(path + ".", ".so"):
        return None
    return Missing(
        what=f"module `{module}`",
        looked_for=f"`{path}.py` or a folder `{path}`",
        folder=_folder_with(f"{path}.py", contents),
    )


def _node(handler: str, contents: Contents) -> Missing | None:
    """A file by its name, with or without an extension; a folder; else what require() finds in node_modules."""
    folder, name = posixpath.split(handler.removeprefix("/var/task/"))
    module, dot, _ = name.partition(".")
    if folder.startswith("/") or ".." in handler or not module or not dot:
        return None
    path = posixpath.normpath(posixpath.join(folder, module))
    if contents.has_folder(path) or any(contents.has(path + end) for end in _NODE_FILES):
        return None
    above = posixpath.normpath(folder or ".")
    while True:
        installed = posixpath.normpath(posixpath.join(above, "node_modules", module))
        if contents.has_folder(installed) or any(contents.has(installed + end) for end in _NODE_FILES):
            return None
        if above in (".", ""):
            break
        above = posixpath.dirname(above)
    found = next((folder for end in _NODE_FILES[1:4] if (folder := _folder_with(path + end, contents))), "")
    return Missing(what=f"module `{path}`", looked_for=f"`{path}.js`, `{path}.mjs` or `{path}.cjs`", folder=found)


def _ruby(handler: str, contents: Contents) -> Missing | None:
    """`require`, with the package's folder first; a gem that was packed may have it too."""
    path, dot, _ = handler.partition(".")
    if not dot or not re.fullmatch(r"[\w-][\w/-]*", path):
        return None
    if any(contents.has(path + end) or contents.ending_in(f"/{path}{end}") for end in (".rb", ".so")):
        return None
    return Missing(what=f"file `{path}`", looked_for=f"`{path}.rb`")


def _java(handler: str, contents: Contents) -> Missing | None:
    """A class among the files; what is in jars is not looked at, so with any jar nothing is certain."""
    name = handler.partition("::")[0]
    path = name.replace(".", "/") + ".class"
    if not re.fullmatch(r"[\w$]+(\.[\w$]+)*", name) or contents.ending_in(".jar"):
        return None
    if contents.has(path) or contents.ending_in(f"/{path}"):
        return None
    return Missing(what=f"class `{name}`", looked_for=f"`{path}`, and it has no jar")


def _dotnet(handler: str, contents: Contents) -> Missing | None:
    """The assembly that comes first in `Assembly::Namespace.Class::Method`, or alone; native code has none."""
    assembly = handler.partition("::")[0].removesuffix(".dll")
    file = f"{assembly}.dll"
    native = contents.has(assembly) or contents.has("bootstrap")
    if not re.fullmatch(r"[\w.-]+", assembly) or native or contents.any_of_name(file):
        return None
    return Missing(what=f"assembly `{assembly}`", looked_for=f"`{file}`")


_FINDERS: dict[str, Callable[[str, Contents], Missing | None]] = {
    "python": _python,
    "nodejs": _node,
    "ruby": _ruby,
    "java": _java,
    "dotnet": _dotnet,
}


def _folder_with(path: str, contents: Contents) -> str:
    """The folder of the package that has this path in it, where there is exactly one: it was packaged from above."""
    found = contents.ending_in("/" + path)
    return found.first[0].removesuffix("/" + path) if found.count == 1 else ""


# --- bootstrap -----------------------------------------------------------------------------------------------------


def lacks_bootstrap(function: FunctionVersion, contents: Contents) -> bool:
    """Whether an OS-only runtime has nothing to start: neither the package nor a layer can have it."""
    return not (function.layers or contents.has("bootstrap"))


def architecture(function: FunctionVersion) -> str:
    named = _setting(function, "Architectures")
    return str(named[0]) if isinstance(named, list) and named else "x86_64"


def built_for(program: Program) -> str:
    """The processor (as Lambda calls it) or the system that a program was built for; empty where that is not known."""
    head = program.head
    if head.startswith(_ELF) and len(head) >= 20:
        return _MACHINES.get(int.from_bytes(head[18:20], "little" if head[5] == 1 else "big"), "")
    return next((system for magic, system in _FOREIGN.items() if head.startswith(magic)), "")


def windows_line_ends(program: Program) -> bool:
    """Whether a script's first line ends in CR LF: the kernel takes the CR for a part of the interpreter's name."""
    first, line_end, _ = program.head.partition(b"\n")
    return first.startswith(b"#!") and bool(line_end) and first.endswith(b"\r")


def _setting(function: FunctionVersion, name: str) -> object:
    try:
        found: object = json.loads(function.configuration.get(name, "null"))
    except ValueError:
        return None
    return found
