"""Assembles the image's root filesystem: run once in the build stage, by the environment that it takes apart.

    python -I rootfs.py SOURCES TARGET

Takes nothing but what is needed: the interpreter, the modules that can be imported (found in the source text, never by
watching a run, for a run shows what it used and not what the next one needs), the files that those modules load, the
shared libraries that the loader asks for, and the records and licenses of every package that any of it comes from.
Then the result is entered with chroot, and every module, client and command is tried in there.

Knows no path of a particular base: the interpreter may be Debian's (/usr) or the one of the official images
(/usr/local), the machine amd64 or arm64.
"""

from __future__ import annotations

import ast
import base64
import hashlib
import http.server
import importlib.machinery
import importlib.metadata
import json
import os
import py_compile
import re
import shutil
import ssl
import subprocess
import sys
import sysconfig
import threading
from collections import deque
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath

PRODUCT = "ci_deploy"
HOME = Path("/opt/ci-deploy")
# A declared dependency of which the product imports the lower half (botocore). Benchmarks compare with it in the image.
DECLARED = ("boto3",)

# What the interpreter imports from C: at its start, for a traceback, and in functions that are written in C.
INTERPRETER = (
    *("abc", "codecs", "contextlib", "copyreg", "encodings", "importlib.util", "io", "linecache", "os", "site"),
    *("runpy", "traceback", "types", "warnings", "weakref", "zipimport"),  # -m, unhandled errors, warnings
    *("_strptime", "_pylong", "collections", "numbers", "operator"),  # time, int, _decimal
)

# Imports that are written but never made here. What is named with them is left out; an entry that nothing would import
# any more has to go, which is checked.
UNUSED: Mapping[str, str] = {
    "_pyrepl": "an interactive prompt",
    "pydoc": "an interactive prompt's help()",
    "readline": "an interactive prompt",
    "rlcompleter": "an interactive prompt",
    "sitecustomize": "the distribution's own hook; -I does not keep it out",
    "_py_abc": "stands in for a module in C",
    "_pydatetime": "stands in for a module in C",
    "_pydecimal": "stands in for a module in C",
    "doctest": "modules that test themselves",
    "statistics": "random's own test",
    "test": "multiprocessing's own tests",
    "yaml.cyaml": "libyaml, which yaml uses when asked to: it is asked for the loader in Python alone",
    "dateutil.zoneinfo": "time zones by name: none is looked up",
}

# Modules that import by a name which is made at run time, with what that may be. One that is not here fails the build.
BY_NAME: Mapping[str, tuple[str, ...]] = {
    "attr._make": (),  # itself
    "boto3.utils": ("boto3.s3.inject",),  # what it adds to clients when they are made; the others are of other services
    "botocore.plugin": (),  # plug-ins that an environment variable names
    "botocore.vendored.six": (),  # nothing is imported through it
    "charset_normalizer.cd": (),  # encodings
    "charset_normalizer.utils": (),  # encodings
    "ci_deploy.commands": (),  # the product's, all of which are taken
    "dateutil": (),  # its own modules, which are imported by their names as well
    "encodings": (),  # all of which are taken
    "importlib": (),
    "importlib.metadata": (),  # entry points, which nothing asks for
    "importlib.resources._common": (),  # packages that were imported before
    "importlib.util": (),
    "inspect": (),  # what its command line names
    "multiprocessing.forkserver": (),  # what its callers name
    "pickle": (),  # what a pickle names
    "pkgutil": (),  # what its callers name
    "requests.compat": ("charset_normalizer",),
    "requests.packages": ("urllib3", "idna", "charset_normalizer"),
    "runpy": (),  # what -m names
    "six": ("_thread", "builtins"),
    "traceback": (),  # the module whose member was not found, which is there
    "warnings": (),  # categories that -W names
    "yaml.constructor": (),  # unsafe loaders
}

# What modules load beside modules, below site-packages.
LOADED = (
    "botocore/data/*.json",
    "certifi/cacert.pem",
    "jsonschema_specifications/schemas/**/*",
    "ci_deploy/**/*.json",
)
ENDPOINTS = "botocore/data/endpoints.json"
SERVICE_FILES = "botocore/data/{}/*/*.json*"
COMPILED = f"{PRODUCT}/compiled.{sys.implementation.cache_tag}.marshal"
# The start that is compiled for: the action's, until its first request.
STARTED = {
    "AWS_ACCESS_KEY_ID": "AKIAIOSFODNN7EXAMPLE",
    "AWS_SECRET_ACCESS_KEY": "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY",
    "AWS_REGION": "us-east-1",
    "GITHUB_ACTIONS": "true",
    "INPUT_FUNCTION": "checkout",
    "INPUT_CODE": "$LATEST",
}
# Examples for documentation.
NOT_LOADED = ("examples-1.json", "examples-1.json.gz")

# Kubernetes runners call these inside the image (actions/runner-container-hooks from 0.8.1 on); we call none.
BUSYBOX = Path("/usr/bin/busybox")
APPLETS = ("chmod", "env", "find", "mv", "rm", "sh", "stat", "tail", "tar")

CERTIFICATES = Path("/etc/ssl/certs/ca-certificates.crt")
REGIONS = (
    "us-east-1",
    "eu-central-1",
    "us-gov-west-1",
    "cn-north-1",
    "eusc-de-east-1",
    "us-iso-east-1",
    "us-isob-east-1",
)
EPOCH = int(os.environ.get("SOURCE_DATE_EPOCH", "0"))

# Written here. The runner runs actions as root; --user with a number needs no line.
WRITTEN: Mapping[str, str] = {
    "etc/passwd": "root:x:0:0:root:/root:/sbin/nologin\nnobody:x:65534:65534:nobody:/nonexistent:/sbin/nologin\n",
    "etc/group": "root:x:0:\nnogroup:x:65534:\n",
    "etc/nsswitch.conf": "passwd: files\ngroup: files\nhosts: files dns\n",
}


class BuildError(Exception):
    """The image cannot be made like this; the text says what to decide."""


# --- Modules: what can be imported


@dataclass(frozen=True, slots=True, kw_only=True)
class Module:
    """A module that was found. `file` is None where it is part of the interpreter, or a folder without a file."""

    name: str
    file: Path | None
    folders: tuple[str, ...] = ()

    @property
    def package(self) -> bool:
        return bool(self.folders)


class Finder:
    """Finds modules along a path as the import system does, and imports none."""

    def __init__(self, path: Sequence[str], builtin: Iterable[str] = sys.builtin_module_names) -> None:
        self._path = list(path)
        self._found: dict[str, Module | None] = {name: Module(name=name, file=None) for name in builtin}

    def find(self, name: str) -> Module | None:
        if name not in self._found:
            self._found[name] = self._look_for(name)
        return self._found[name]

    def _look_for(self, name: str) -> Module | None:
        path = self._path
        parent = name.rpartition(".")[0]
        if parent:
            package = self.find(parent)
            if package is None or not package.package:
                return None
            path = list(package.folders)
        spec = importlib.machinery.PathFinder.find_spec(name, path)
        if spec is None:
            return None
        file = Path(spec.origin) if spec.origin and spec.has_location else None
        return Module(name=name, file=file, folders=tuple(spec.submodule_search_locations or ()))


def imports(source: str | bytes, *, name: str, package: bool) -> tuple[frozenset[str], bool]:
    """All names that a module's text imports, and whether it also imports by names that are made at run time.

    Includes `a.b` for `from a import b`, which may be a module or not. Leaves out what this system never runs: other
    platforms and versions, type checking, `__main__`.
    """
    visitor = _Imports(name if package else name.rpartition(".")[0])
    visitor.visit(ast.parse(source))
    return frozenset(visitor.found), visitor.by_name


class _Imports(ast.NodeVisitor):
    def __init__(self, package: str) -> None:
        self.found: set[str] = set()
        self.by_name = False
        self._package = package

    def visit_If(self, node: ast.If) -> None:
        taken = _decided(node.test)
        for child in [*(node.body if taken is not False else ()), *(node.orelse if taken is not True else ())]:
            self.visit(child)

    def visit_Import(self, node: ast.Import) -> None:
        self.found.update(alias.name for alias in node.names)

    def visit_ImportFrom(self, node: ast.ImportFrom) -> None:
        module = node.module or ""
        if node.level:
            parents = self._package.split(".")
            module = ".".join([*parents[: len(parents) - node.level + 1], *([module] if module else [])])
        self.found.add(module)
        self.found.update(f"{module}.{alias.name}" for alias in node.names if alias.name != "*")

    def visit_Call(self, node: ast.Call) -> None:
        called = ast.unparse(node.func).rpartition(".")[2]
        if called in ("import_module", "__import__") and node.args:
            first = node.args[0]
            if isinstance(first, ast.Constant) and isinstance(first.value, str) and not first.value.startswith("."):
                self.found.add(first.value)
            else:
                self.by_name = True
        self.generic_visit(node)


def _decided(test: ast.expr) -> bool | None:
    """What a condition is on this system, if that is known before anything runs."""
    match test:
        case ast.Name(id="TYPE_CHECKING") | ast.Attribute(attr="TYPE_CHECKING"):
            return False
        case ast.UnaryOp(op=ast.Not(), operand=operand):
            inner = _decided(operand)
            return None if inner is None else not inner
        case ast.BoolOp(op=operator, values=values):
            known = [_decided(value) for value in values]
            decisive = isinstance(operator, ast.Or)
            if decisive in known:
                return decisive
            return None if None in known else not decisive
        case ast.Compare(left=ast.Name(id="__name__"), ops=[ast.Eq()], comparators=[ast.Constant(value="__main__")]):
            return False
        case ast.Compare(left=left) if ast.unparse(left) in ("sys.platform", "os.name", "sys.version_info"):
            try:
                return bool(eval(ast.unparse(test), {"__builtins__": {}, "sys": sys, "os": os}))
            except NameError:
                return None
    return None


def reachable(roots: Iterable[str], finder: Finder, *, unused: Iterable[str] = ()) -> dict[str, Module]:
    """Every module that the roots import, directly or not, with the packages that they are in. Raises BuildError."""
    left_out, met = frozenset(unused), set()
    found: dict[str, Module] = {}
    undeclared: list[str] = []
    queue = deque(roots)
    for name in queue:
        if finder.find(name) is None:
            raise BuildError(f"{name} is needed, and is nowhere")
    while queue:
        name = queue.popleft()
        if name in found:
            continue
        prefixes = {name[: match.start()] for match in re.finditer(r"\.|$", name)}
        if prefixes & left_out:
            met |= prefixes & left_out
            continue
        module = finder.find(name)
        if module is None:
            continue  # another system's, an optional package's, or no module but a name in one
        found[name] = module
        queue.extend(prefix for prefix in prefixes if prefix)
        if module.file is not None and module.file.suffix == ".py":
            names, by_name = imports(module.file.read_bytes(), name=name, package=module.package)
            queue.extend(names)
            if by_name:
                queue.extend(BY_NAME.get(name, ()))
                if name not in BY_NAME:
                    undeclared.append(name)
    if undeclared:
        raise BuildError(f"import by names made at run time; say in BY_NAME which: {sorted(undeclared)}")
    if left_out - met:
        raise BuildError(f"UNUSED names what nothing imports: {sorted(left_out - met)}")
    return found


def modules_in(folder: Path, package: str) -> Iterator[str]:
    """The names of all modules of a package, by its files."""
    for path in sorted(folder.rglob("*.py")):
        parts = path.relative_to(folder).with_suffix("").parts
        yield ".".join([package, *(parts[:-1] if parts[-1] == "__init__" else parts)])


# --- Packages: where files come from


@dataclass(slots=True)
class Debian:
    """The base's package records: which package a file is from, and what it says about itself."""

    root: Path = Path("/")
    _owners: dict[str, str] = field(default_factory=dict)
    _stanzas: dict[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        records = self.root / "var/lib/dpkg"
        for listing in sorted((records / "info").glob("*.list")):
            package = listing.stem.partition(":")[0]
            for line in listing.read_text(encoding="utf-8").splitlines():
                self._owners.setdefault(self._real(line), package)
        for stanza in (records / "status").read_text(encoding="utf-8").split("\n\n"):
            named = re.match(r"Package: (\S+)\n", stanza)
            if named:
                self._stanzas[named[1]] = stanza.strip("\n")

    def owner(self, path: Path) -> str | None:
        return self._owners.get(self._real(str(path)))

    def stanza(self, package: str) -> str:
        """The record as distroless images keep it: without the list of configuration files, which are not there."""
        return re.sub(r"\nConffiles:\n( .*(\n|$))+", "\n", self._stanzas[package] + "\n")

    def _real(self, path: str) -> str:
        """Records say /lib/… of what is in /usr/lib/…: links among the folders are followed, the last part is kept."""
        folder, _, name = path.rpartition("/")
        return f"{os.path.realpath(folder or '/').rstrip('/')}/{name}"


def libraries(files: Iterable[Path]) -> set[Path]:
    """The shared libraries that executables and extension modules need, the loader included."""
    answer = subprocess.run(["ldd", *map(str, files)], capture_output=True, text=True, check=True).stdout
    if "not found" in answer:
        raise BuildError(f"a library is missing:\n{answer}")
    return {Path(path) for path in re.findall(r"(?m)^\t(?:\S+ => )?(/\S+) \(0x", answer)}


# --- The root


class Root:
    """The new root filesystem, and who each file in it is from."""

    def __init__(self, folder: Path, debian: Debian) -> None:
        self.folder = folder
        self._debian = debian
        self.packages: dict[str, set[str]] = {}  # Debian package -> files

    def at(self, path: Path | PurePosixPath | str) -> Path:
        """Where a path of the image is now; its folder exists."""
        place = self.folder / str(path).lstrip("/")
        place.parent.mkdir(parents=True, exist_ok=True)
        return place

    def has(self, path: Path) -> bool:
        return os.path.lexists(self.folder / str(path).lstrip("/"))

    def write(self, path: Path | str, content: str | bytes, *, mode: int = 0o644) -> None:
        place = self.at(path)
        place.write_bytes(content.encode() if isinstance(content, str) else content)
        place.chmod(mode)

    def link(self, path: Path | str, target: str) -> None:
        place = self.at(path)
        if not place.is_symlink():
            place.symlink_to(target)

    def copy(self, path: Path, to: Path | None = None, *, mode: int | None = None) -> None:
        """One file of the base, to the same path if none is given; with each link on the way to it."""
        if to is None:
            path = to = self._links(path)
        place = self.at(to)
        shutil.copyfile(path, place)
        place.chmod(mode or (0o755 if os.access(path, os.X_OK) else 0o644))
        self.came_from(path, to)

    def _links(self, path: Path) -> Path:
        """The same file's path without links; makes those that lead to it."""
        so_far = Path("/")
        for part in path.parts[1:]:
            here = so_far / part
            if here.is_symlink():
                self.link(here, str(here.readlink()))
                self.came_from(here, here)
                return self._links(Path(os.path.normpath(so_far / here.readlink() / path.relative_to(here))))
            so_far = here
        return so_far

    def came_from(self, source: Path, path: Path) -> None:
        """Files count for the package that their source is from."""
        package = self._debian.owner(source)
        if package is not None:
            self.packages.setdefault(package, set()).add(str(path).lstrip("/"))

    def settle(self) -> None:
        """One time stamp for everything, and folders that anybody may read."""
        for path in [*self.folder.rglob("*"), self.folder]:
            if path.is_dir() and not path.is_symlink() and path != self.folder / "tmp":
                path.chmod(0o755)
            os.utime(path, (EPOCH, EPOCH), follow_symlinks=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Places:
    """Where the build stage has what."""

    sources: Path  # entrypoint, post-entrypoint, LICENSE and the product's package
    packages: Path = field(default_factory=lambda: Path(sysconfig.get_path("purelib")))
    standard: Path = field(default_factory=lambda: Path(sysconfig.get_path("stdlib")))
    interpreter: Path = field(default_factory=lambda: Path(os.path.realpath(sys.executable)))

    @property
    def path(self) -> list[str]:
        dynamic = self.standard / "lib-dynload"
        return [str(self.sources), str(self.standard), str(dynamic), str(self.packages)]


def find_modules(places: Places) -> dict[str, Module]:
    finder = Finder(places.path)
    entries = [
        name
        for script in ("entrypoint", "post-entrypoint")
        for name in imports((places.sources / script).read_bytes(), name="__main__", package=False)[0]
        if finder.find(name)
    ]
    product = modules_in(places.sources / PRODUCT, PRODUCT)
    encodings = modules_in(places.standard / "encodings", "encodings")
    return reachable([*entries, *product, *DECLARED, *INTERPRETER, *encodings], finder, unused=UNUSED)


def add_modules(root: Root, modules: Iterable[Module], places: Places) -> list[Path]:
    """Add byte code by hash; for the product the source as well, so that a traceback shows its lines.

    Returns the extension modules.
    """
    extensions = []
    for module in modules:
        if module.file is None:
            continue
        product = module.file.is_relative_to(places.sources)
        place = places.packages / module.file.relative_to(places.sources) if product else module.file
        if module.file.suffix != ".py":
            root.copy(module.file, place, mode=0o644)
            extensions.append(module.file)
            continue
        compiled = place.with_suffix(".pyc")
        if product:
            root.copy(module.file, place, mode=0o644)
            compiled = place.parent / "__pycache__" / f"{place.stem}.{sys.implementation.cache_tag}.pyc"
        py_compile.compile(
            str(module.file),
            cfile=str(root.at(compiled)),
            dfile=str(place),
            doraise=True,
            invalidation_mode=py_compile.PycInvalidationMode.UNCHECKED_HASH,
        )
        root.at(compiled).chmod(0o644)
        root.came_from(module.file, compiled)
    return extensions


def add_data(root: Root, places: Places, services: Iterable[str]) -> None:
    """What modules load. One list of certificates, where companies expect to put their own; certifi's leads there."""
    for pattern in [*LOADED, *(SERVICE_FILES.format(service) for service in services)]:
        base = places.sources if pattern.startswith(PRODUCT) else places.packages
        files = [path for path in base.glob(pattern) if path.is_file() and path.name not in NOT_LOADED]
        if not files:
            raise BuildError(f"nothing is like {pattern}")
        for path in files:
            root.copy(path, places.packages / path.relative_to(base), mode=0o644)
    endpoints = root.at(places.packages / ENDPOINTS)
    endpoints.write_text(endpoints_of(services, endpoints.read_text(encoding="utf-8")), encoding="utf-8")
    bundle = places.packages / "certifi/cacert.pem"
    root.at(bundle).rename(root.at(CERTIFICATES))
    for asked in (bundle, Path(ssl.get_default_verify_paths().openssl_cafile)):
        root.link(asked, os.path.relpath(CERTIFICATES, asked.parent))


def endpoints_of(services: Iterable[str], text: str) -> str:
    """botocore's list of addresses with those of these services alone: reading all four hundred takes a tenth of the
    time until the first call. Partitions, regions and variants stay; `try_out` compares what follows from it."""
    from botocore.loaders import Loader

    loader = Loader()
    prefixes = {loader.load_service_model(name, "service-2")["metadata"]["endpointPrefix"] for name in services}
    found = json.loads(text)
    for partition in found["partitions"]:
        partition["services"] = {name: each for name, each in partition["services"].items() if name in prefixes}
    return json.dumps(found, separators=(",", ":"))


class _Refusal(http.server.BaseHTTPRequestHandler):
    """Refuses every request."""

    def do_POST(self) -> None:
        self.send_error(403)

    def log_message(self, *_: object) -> None:
        pass


def add_compiled(root: Root, places: Places, modules: Iterable[str]) -> None:
    """What each start would compile anew."""
    place = places.packages / COMPILED
    program = places.sources / "compiled.py"
    with http.server.HTTPServer(("127.0.0.1", 0), _Refusal) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        subprocess.run(
            [sys.executable, "-P", "-s", str(program), str(places.sources), str(root.at(place))],
            input="\n".join(sorted(modules)),
            # Some of email's patterns are made of sets.
            env={**STARTED, "AWS_ENDPOINT_URL": f"http://127.0.0.1:{server.server_port}", "PYTHONHASHSEED": "0"},
            stdout=subprocess.DEVNULL,
            text=True,
            check=True,
        )
        server.shutdown()
    root.at(place).chmod(0o644)


def add_binaries(root: Root, places: Places, extensions: Sequence[Path]) -> None:
    """The interpreter, the libraries that it and its extension modules need, and the one foreign program."""
    root.copy(places.interpreter)
    needed = libraries([places.interpreter, *extensions])
    for library in sorted(needed):
        root.copy(library)
    if libraries_of_static := subprocess.run(["ldd", str(BUSYBOX)], capture_output=True, text=True).stdout:
        raise BuildError(f"busybox is not static: {libraries_of_static}")
    root.copy(BUSYBOX)
    for applet in APPLETS:
        root.link(BUSYBOX.parent / applet, BUSYBOX.name)
    root.link("/bin", "usr/bin")
    # For libraries outside of the loader's own folders (/usr/local/lib).
    folders = {str(library.resolve().parent) for library in needed}
    subprocess.run(["ldconfig", "-X", "-r", str(root.folder), *sorted(folders)], check=True)
    shutil.rmtree(root.folder / "var/cache", ignore_errors=True)


def add_records(root: Root, places: Places, debian: Debian) -> None:
    """Who made what, under which license: for scanners, for the list of materials, and because licenses ask for it."""
    release = Path("/etc/os-release")
    root.copy(release)
    licensed = set()
    for package, files in sorted(root.packages.items()):
        root.write(f"/var/lib/dpkg/status.d/{package}", debian.stanza(package))
        sums = [
            f"{hashlib.md5((root.folder / name).read_bytes(), usedforsecurity=False).hexdigest()}  {name}\n"
            for name in sorted(files)
            if not (root.folder / name).is_symlink()
        ]
        root.write(f"/var/lib/dpkg/status.d/{package}.md5sums", "".join(sums))
        statement = Path(f"/usr/share/doc/{package}/copyright")
        root.write(statement, statement.read_bytes())
        licensed |= set(re.findall(r"/usr/share/common-licenses/([\w.+-]*\w)", statement.read_text(errors="replace")))
    for name in sorted(licensed):
        text = Path("/usr/share/common-licenses", name)
        if text.is_file():
            root.write(text, text.read_bytes())
    license_text = places.standard / "LICENSE.txt"
    if license_text.is_file() and debian.owner(license_text) is None:  # the official images' own interpreter
        root.copy(license_text)
    for distribution in importlib.metadata.distributions(path=[str(places.packages)]):
        _add_distribution(root, places, distribution)
    _add_own_distribution(root, places)


def _add_distribution(root: Root, places: Places, distribution: importlib.metadata.Distribution) -> None:
    """METADATA, licenses, and RECORD with what is left."""
    files = [Path(str(file.locate())) for file in distribution.files or ()]
    folder = next(file.parent for file in files if file.name == "METADATA")
    for file in files:
        license_text = re.match(r"(?i)licen[cs]e|copying|notice", file.name) and file.suffix != ".py"
        if file == folder / "METADATA" or license_text:
            root.copy(file, mode=0o644)
    left = [file for file in files for file in (file, file.with_suffix(".pyc")) if root.has(file)]
    _record(root, places, folder, left)


def _add_own_distribution(root: Root, places: Places) -> None:
    version = re.search(r'__version__ = "([^"]+)"', (places.sources / PRODUCT / "__init__.py").read_text())
    assert version
    folder = places.packages / f"{PRODUCT}-{version[1]}.dist-info"
    root.write(
        folder / "METADATA",
        f"Metadata-Version: 2.4\nName: ci-deploy\nVersion: {version[1]}\nLicense-Expression: MIT\n"
        "License-File: LICENSE\n",
    )
    root.copy(places.sources / "LICENSE", folder / "licenses/LICENSE", mode=0o644)
    own = root.folder / str(places.packages / PRODUCT).lstrip("/")
    _record(
        root,
        places,
        folder,
        [Path("/") / path.relative_to(root.folder) for path in own.rglob("*") if path.is_file()]
        + [folder / "METADATA", folder / "licenses/LICENSE"],
    )


def _record(root: Root, places: Places, folder: Path, files: Iterable[Path]) -> None:
    lines = []
    for file in sorted({*files}):
        content = root.at(file).read_bytes()
        digest = base64.urlsafe_b64encode(hashlib.sha256(content).digest()).decode().rstrip("=")
        lines.append(f"{os.path.relpath(file, places.packages)},sha256={digest},{len(content)}\n")
    root.write(folder / "RECORD", "".join([*lines, f"{os.path.relpath(folder / 'RECORD', places.packages)},,\n"]))


def assemble(places: Places, target: Path) -> tuple[Root, dict[str, Module]]:
    debian = Debian()
    root = Root(target, debian)
    modules = find_modules(places)
    sys.path.insert(0, str(places.sources))
    from ci_deploy.edge.aws.client import SERVICES

    extensions = add_modules(root, (modules[name] for name in sorted(modules)), places)
    add_data(root, places, SERVICES)
    add_compiled(root, places, modules)
    add_binaries(root, places, extensions)
    for path, content in WRITTEN.items():
        root.write(path, content)
    for name in ("entrypoint", "post-entrypoint"):
        root.copy(places.sources / name, HOME / name, mode=0o755)
    root.link(HOME / "bin/python", str(places.interpreter))
    root.write(HOME / "pyvenv.cfg", f"home = {places.interpreter.parent}\ninclude-system-site-packages = false\n")
    add_records(root, places, debian)
    (root.folder / "root").mkdir()
    (root.folder / "tmp").mkdir()
    (root.folder / "tmp").chmod(0o1777)
    root.settle()
    return root, modules


# --- Trials, inside the new root


IMPORT_ALL = """
import importlib, json, sys, warnings
warnings.simplefilter("ignore")
given = json.load(sys.stdin)
sys.path.append(given["sources"])
result = {}
for name in given["names"]:
    try:
        importlib.import_module(name)
        result[name] = "imported"
    except Exception as error:
        result[name] = type(error).__name__
json.dump(result, sys.stdout)
"""

MAKE_CLIENTS = """
import json, ssl, sys
import botocore.httpsession, botocore.session, certifi
session = botocore.session.Session()
session.set_credentials("AKIAIOSFODNN7EXAMPLE", "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY")
given = json.load(sys.stdin)
result = {f"{service} in {region}": session.create_client(service, region_name=region).meta.endpoint_url
          for service in given["services"] for region in given["regions"]}
result["certificates"] = botocore.httpsession.where() == certifi.where() and bool(
    ssl.create_default_context().get_ca_certs())
json.dump(result, sys.stdout)
"""

# Whether what was compiled is used, and is what this Python compiles.
COMPARE_COMPILED = """
import json, marshal, re
from ci_deploy import compiled
afresh = re._compiler.compile
compiled.use()
_, patterns, functions = marshal.loads(compiled.FILE.read_bytes())
wrong = [repr(text) for text, flags in patterns if re._compiler.compile(text, flags) != afresh(text, flags)]
wrong += [text for text, code in functions.items() if marshal.loads(code) != compile(text, "<string>", "exec", 0, True)]
print(json.dumps([re._compiler.compile is not afresh, len(patterns), len(functions), wrong]))
"""

# The addresses of all services in all regions that botocore knows, in each variant.
FIND_ENDPOINTS = """
import itertools, json, sys
import botocore.exceptions, botocore.session
session = botocore.session.Session()
resolver, loader = session.get_component("endpoint_resolver"), session.get_component("data_loader")
result = {}
for service in json.load(sys.stdin)["services"]:
    prefix = loader.load_service_model(service, "service-2")["metadata"]["endpointPrefix"]
    for partition in resolver.get_available_partitions():
        regions = {region for each in resolver._endpoint_data["partitions"] if each["partition"] == partition
                   for region in each["regions"]}
        for region, dual, fips in itertools.product(sorted(regions), (False, True), (False, True)):
            try:
                found = resolver.construct_endpoint(prefix, region, partition, use_dualstack_endpoint=dual,
                                                    use_fips_endpoint=fips)
            except botocore.exceptions.EndpointVariantError as error:
                found = error
            result[f"{service} in {region}, dual-stack {dual}, FIPS {fips}"] = json.dumps(found, default=str)
        result[f"regions of {service} in {partition}"] = resolver.get_available_endpoints(prefix, partition, True)
json.dump(result, sys.stdout)
"""


def try_out(root: Root, places: Places, modules: Iterable[str]) -> None:
    """Import every module, make every client in every partition, start every command. Raises BuildError.

    Imports and clients must end as they do in the build stage, where nothing is left out.
    """
    from ci_deploy.commands import COMMANDS
    from ci_deploy.core.run import Command
    from ci_deploy.edge.aws.client import SERVICES

    _same(root, IMPORT_ALL, {"sources": str(places.sources), "names": sorted(modules)})
    _same(root, MAKE_CLIENTS, {"services": SERVICES, "regions": REGIONS})
    _same(root, FIND_ENDPOINTS, {"services": SERVICES})
    used, patterns, functions, wrong = json.loads(_inside(root, [str(HOME / "bin/python"), "-Ic", COMPARE_COMPILED]))
    if wrong or not (used and patterns and functions):
        raise BuildError(f"{COMPILED} has {patterns} patterns, {functions} functions; used: {used}, wrong: {wrong}")
    entrypoint = str(HOME / "entrypoint")
    for command in COMMANDS:
        if command is not Command.FINISH:
            _inside(root, [entrypoint, command.value, "--help"])
    _inside(root, [entrypoint], code=2, INPUT_FUNCTION="a", INPUT_TIMEOUT="soon")
    _inside(root, [str(HOME / "post-entrypoint")])


def _same(root: Root, program: str, given: Mapping[str, object]) -> None:
    python, text = [str(HOME / "bin/python"), "-I", "-c", program], json.dumps(given)
    outside = subprocess.run(python, input=text, capture_output=True, text=True, check=True)
    expected, found = json.loads(outside.stdout), json.loads(_inside(root, python, given=text))
    different = [
        f"{name}: {expected[name]}, inside {found[name]}" for name in expected if expected[name] != found[name]
    ]
    if different:
        raise BuildError("not as in the build stage:\n" + "\n".join(different))


def _inside(root: Root, command: Sequence[str], *, given: str = "", code: int = 0, **environ: str) -> str:
    """Run a command with the new root as its root; returns its standard output."""

    def enter() -> None:
        os.chroot(root.folder)
        os.chdir("/")

    done = subprocess.run(command, input=given, capture_output=True, text=True, env=environ, preexec_fn=enter)
    if done.returncode != code:
        raise BuildError(f"{command} ended with {done.returncode}:\n{done.stdout}{done.stderr}")
    return done.stdout


def main(sources: Path, target: Path) -> None:
    places = Places(sources=sources)
    root, modules = assemble(places, target)
    try_out(root, places, modules)
    files = [path for path in target.rglob("*") if path.is_file() and not path.is_symlink()]
    print(f"{len(files)} files, {sum(path.stat().st_size for path in files) / 1_000_000:.1f} MB")


if __name__ == "__main__":
    try:
        main(Path(sys.argv[1]), Path(sys.argv[2]))
    except BuildError as error:
        sys.exit(f"error: {error}")
