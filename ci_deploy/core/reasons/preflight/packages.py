"""What preflight finds in a package: what Lambda would take and then not start."""

from __future__ import annotations

from typing import ClassVar

from ...lazy import dataclass
from ..phrases import counted
from ..reason import Reason
from ..states import after_failing


@dataclass(frozen=True, slots=True, kw_only=True)
class PackageUnreadable(Reason):
    code: ClassVar = "package-unreadable"
    means: ClassVar = "Lambda's user cannot read files of the package."
    also: ClassVar = ({"count": 1},)
    package: str
    files: str
    count: int

    @property
    def text(self) -> str:
        return f"Lambda's user cannot read {counted(self.count)} of `{self.package}`: {self.files}."

    @property
    def remedy(self) -> str:
        return (
            "Before zipping, run `chmod -R a+rX` on the folder, or package the folder itself. Python's "
            "`zipfile.writestr` gives files the mode 600: set `external_attr` to `0o644 << 16`."
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class PackageBackslash(Reason):
    code: ClassVar = "package-backslash"
    means: ClassVar = "Names in the package have backslashes, which Lambda does not take for folders."
    package: str
    files: str
    count: int

    @property
    def text(self) -> str:
        return (
            f"`{self.package}` has {counted(self.count)} with a backslash in the name: {self.files}. Lambda "
            "takes it as a part of the name, not as a folder."
        )

    @property
    def remedy(self) -> str:
        return "Zip with a tool that separates folders by `/`, or package the folder itself."


@dataclass(frozen=True, slots=True, kw_only=True)
class PackageEncrypted(Reason):
    code: ClassVar = "package-encrypted"
    means: ClassVar = "Files of the package are encrypted."
    package: str
    files: str
    count: int

    @property
    def text(self) -> str:
        return f"`{self.package}` has {counted(self.count)} with encryption: {self.files}. Lambda has no password."

    @property
    def remedy(self) -> str:
        return "Zip without a password."


@dataclass(frozen=True, slots=True, kw_only=True)
class PackageLayerLinks(Reason):
    code: ClassVar = "package-layer-links"
    means: ClassVar = "The package links to a layer that the function does not have."
    also: ClassVar = ({"count": 1},)
    package: str
    files: str
    count: int
    function: str

    @property
    def text(self) -> str:
        links = "a link" if self.count == 1 else "links"
        return (
            f"`{self.package}` has {links} to a layer (`/opt`): {self.files}. Function `{self.function}` has no layer."
        )

    @property
    def remedy(self) -> str:
        return "Add the layer to the function first, or copy the files into the package."


@dataclass(frozen=True, slots=True, kw_only=True)
class PackageHandler(Reason):
    code: ClassVar = "package-handler"
    means: ClassVar = "The package lacks the file of the function's handler."
    also: ClassVar = ({"folder": ""},)
    package: str
    what: str
    handler: str
    looked_for: str
    folder: str  # of the package that has it, if one does

    @property
    def text(self) -> str:
        return (
            f"`{self.package}` has no {self.what} for the handler `{self.handler}`: Lambda looks for {self.looked_for}."
        )

    @property
    def remedy(self) -> str:
        if self.folder:
            return f"Package the folder `{self.folder}` itself: it has the handler's file."
        return "Check the function's handler, and what the build put into the package."


@dataclass(frozen=True, slots=True, kw_only=True)
class PackageBootstrap(Reason):
    code: ClassVar = "package-bootstrap"
    means: ClassVar = "The package has no `bootstrap`, and the runtime starts nothing else."
    package: str
    runtime: str

    @property
    def text(self) -> str:
        return f"`{self.package}` has no file `bootstrap` at its top, and runtime {self.runtime} starts nothing else."

    @property
    def remedy(self) -> str:
        return "Name the program `bootstrap`, and put it at the top of the package."


@dataclass(frozen=True, slots=True, kw_only=True)
class PackageBootstrapMode(Reason):
    code: ClassVar = "package-bootstrap-mode"
    means: ClassVar = "Lambda's user may not execute `bootstrap`."
    package: str

    @property
    def text(self) -> str:
        return f"`bootstrap` in `{self.package}` is not executable for Lambda's user."

    @property
    def remedy(self) -> str:
        return (
            "Set its mode to 755 before zipping, on Linux or macOS. Zips made on Windows have no modes; for Go, use "
            "build-lambda-zip."
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class PackageBootstrapArchitecture(Reason):
    code: ClassVar = "package-bootstrap-architecture"
    means: ClassVar = "`bootstrap` was built for another system or architecture."
    package: str
    built: str
    function: str
    architecture: str

    @property
    def text(self) -> str:
        return (
            f"`bootstrap` in `{self.package}` was built for {self.built}. Function `{self.function}` runs on "
            f"Linux, {self.architecture}."
        )

    @property
    def remedy(self) -> str:
        return "Build it for that, or change the function's architecture first."


@dataclass(frozen=True, slots=True, kw_only=True)
class PackageBootstrapLines(Reason):
    code: ClassVar = "package-bootstrap-lines"
    means: ClassVar = "`bootstrap` has Windows line ends, so Linux does not find its interpreter."
    package: str

    @property
    def text(self) -> str:
        return (
            f"The first line of `bootstrap` in `{self.package}` has a Windows line end (CR LF), so Linux does "
            "not find its interpreter."
        )

    @property
    def remedy(self) -> str:
        return "Save it with Unix line ends (`*.sh text eol=lf` in .gitattributes)."


@dataclass(frozen=True, slots=True, kw_only=True)
class KnownFailure(Reason):
    code: ClassVar = "known-failure"
    means: ClassVar = "The same code and settings were published before, and that version did not become active."
    also: ClassVar = ({"why": "", "state_code": "InsufficientCapacity"},)
    function: str
    version: str
    why: str
    state_code: str

    @property
    def text(self) -> str:
        why = f" ({self.why.rstrip('.')})" if self.why else ""
        return (
            f"Version {self.version} of `{self.function}` has the same code and settings, and did not become "
            f"active{why}."
        )

    @property
    def remedy(self) -> str:
        return after_failing(self.state_code)


@dataclass(frozen=True, slots=True, kw_only=True)
class PackageIgnore(Reason):
    code: ClassVar = "package-ignore"
    means: ClassVar = "Rules of `.lambdaignore` match nothing."
    package: str
    rules: str

    @property
    def text(self) -> str:
        return (
            f"The `.lambdaignore` in `{self.package}` has rules that match nothing: {self.rules}. The package "
            "contains what they should leave out."
        )

    @property
    def remedy(self) -> str:
        return "Correct them: close every bracket, and put a character after every backslash."
