"""Flags, answers and what the repository says, joined into what `init` writes."""

from __future__ import annotations

import posixpath
import re
import shlex
from collections.abc import Mapping, Sequence
from itertools import takewhile
from typing import Any

from ..errors import InvalidInput, Problem
from ..given.inputs import Spec, table
from ..given.kinds import LIST, Kind, pattern
from ..given.meant import shorten
from ..given.parsing import of_arn
from ..given.source import Local, source
from ..lazy import dataclass
from ..reasons import init as words
from .existing import Existing
from .subjects import Remote, remote

FLAG = "flag `--{}`"
CODE_FOLDER = "src"
MOST = 10  # functions by name in one stack: a role has at most ten policies
_ACTION = "your-org/ci-deploy@v1"
_DEFAULTS = {"alias": "live", "action": _ACTION, "branch": "main"}
_DIGITS = Kind(name="number", parse=pattern(r"[1-9]\d{0,18}", "an ID"), hint="a number")
_SUBJECT = Kind(
    name="subject",
    parse=pattern(r'[^*?"\\\s,]+:[^*?"\\\s,]+', "a token's subject, without wildcards"),
    hint="a subject such as `repo:my-org/my-repo:ref:refs/heads/main`",
)
# The flags that are not inputs of other commands.
OWN: Mapping[str, Kind] = {
    "name": Kind(name="name", parse=pattern(r"[A-Za-z0-9_.-]{1,40}", "a name"), hint="up to 40 letters, digits, `_.-`"),
    "branch": Kind(name="branch", parse=pattern(r"[A-Za-z0-9._/-]{1,200}", "a branch"), hint="a branch such as `main`"),
    "environment": Kind(
        name="environment", parse=pattern(r"[A-Za-z0-9._/-]{1,100}", "an environment"), hint="such as `production`"
    ),
    "repository": Kind(
        name="repository",
        parse=pattern(r"[A-Za-z0-9_.-]+/[A-Za-z0-9_.-]+", "a repository"),
        hint="a repository such as `my-org/my-repo`",
    ),
    "github-server": Kind(
        name="host", parse=pattern(r"[a-z0-9.-]+", "a host"), hint="a host such as `ghes.example.com`"
    ),
    "action": Kind(
        name="action", parse=pattern(r"[\w.-]+/ci-deploy@[\w./-]+", "an action"), hint=f"an action such as `{_ACTION}`"
    ),
    "oidc-provider-arn": Kind(
        name="ARN",
        parse=pattern(r"arn:aws[a-z-]*:iam::\d{12}:oidc-provider/[\w.:/-]+", "an OIDC provider's ARN"),
        hint="an OIDC provider's ARN",
    ),
    "owner-id": _DIGITS,
    "repository-id": _DIGITS,
    "subject": _SUBJECT,
    "read-subject": _SUBJECT,
}
# What other commands call by the same name, and mean by it.
SHARED = (
    *("function", "code", "alias", "application", "deployment-group", "account-id", "aws-region", "bucket"),
    *("deployment-config", "target"),
)
_FORGOTTEN = (
    "create-functions",
    "target",
    "repository",
    "github-server",
    "subject",
    "read-subject",
    "oidc-provider-arn",
)
# By how their regions begin (botocore's partitions.json); all other regions are in `aws`.
_PARTITIONS: Mapping[str, str] = {
    "cn-": "aws-cn",
    "us-gov-": "aws-us-gov",
    "eusc-": "aws-eusc",
    "us-iso-": "aws-iso",
    "us-isob-": "aws-iso-b",
    "eu-isoe-": "aws-iso-e",
    "us-isof-": "aws-iso-f",
}
LISTS = ("function", "code", "subject", "read-subject")


@dataclass(frozen=True, slots=True, kw_only=True)
class Function:
    """One of the file's: its key there, its name in AWS, where its code comes from, and CodeDeploy's names for it.

    `application` and `group` are empty where they are the function's and the alias's.
    """

    label: str
    name: str
    code: str = ""
    application: str = ""
    group: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Choices:
    functions: tuple[Function, ...]
    alias: str
    account: str
    region: str
    name: str  # what the roles are called after
    bucket: str
    bucket_told: bool = True  # by the file, so that deployments use it
    branch: str
    environment: str = ""
    action: str = _ACTION
    deployment_config: str = ""
    target: str = ""
    create_functions: bool = False
    remote: Remote
    owner_id: str = ""
    repository_id: str = ""
    subjects: tuple[str, ...] = ()
    read_subjects: tuple[str, ...] = ()
    provider_arn: str = ""

    @property
    def application(self) -> str:
        """The application of all functions; empty where each has one of its own name."""
        return self.functions[0].application

    @property
    def group(self) -> str:
        """The deployment group of all functions: empty, the alias's name; `*`, not the same of each."""
        groups = {each.group for each in self.functions}
        return groups.pop() if len(groups) == 1 else "*"

    @property
    def creates_groups(self) -> bool:
        """Whether the stack can: it knows each group's name, and gives each application to one function."""
        several = len(self.functions) > 1
        return not (wildcard(self.functions) or self.group == "*" or (self.application and several))

    @property
    def partition(self) -> str:
        return next((name for begins, name in _PARTITIONS.items() if self.region.startswith(begins)), "aws")

    def role(self, kind: str) -> str:
        return f"arn:{self.partition}:iam::{self.account}:role/{kind}-{self.name}"


def shared_spec(name: str) -> Spec:
    """The row of an input that is a flag of `init` as well."""
    return next(spec for spec in table() if spec.name == name)


def found_remote(given: Mapping[str, str], url: str) -> Remote | None:
    """The repository that is meant: the flags' own, else what Git's remote says."""
    there = remote(url)
    host = given.get("github-server", "") or (there.host if there else "github.com")
    owner, _, name = given.get("repository", "").partition("/")
    if owner and name:
        return Remote(owner=owner, name=name, host=host)
    return Remote(owner=there.owner, name=there.name, host=host) if there else None


def missing(given: Mapping[str, str], existing: Existing, there: Remote | None) -> tuple[str, ...]:
    """The flags without which nothing can be written, in the order in which one would ask for them."""
    place = _place(_lines(given, "function"))
    wanted = ["function", "code"] if not existing.entries else []
    if "code" in wanted and given.get("create-functions") == "true":
        wanted.remove("code")
    wanted += [name for name in ("aws-region", "account-id") if name not in existing.said and name not in place]
    absent = [name for name in wanted if not given.get(name, "").strip()]
    return (*absent, *(() if there else ("repository",)))


def decide(given: Mapping[str, str], existing: Existing, there: Remote | None, branch: str) -> Choices:
    """What is chosen. Raises InvalidInput with every flag that is missing or misspelt, or that a file denies."""
    problems = [_problem(name, words.MISSING) for name in missing(given, existing, there)]
    values = {name: text for name in (*OWN, *SHARED) if (text := given.get(name, "").strip())}
    for name, text in values.items():
        problems += _misspelt(name, text)
    if problems or there is None:
        raise InvalidInput(tuple(problems))
    place = _place(_lines(values, "function"))
    said = {name: each.value for name, each in existing.said.items()}
    for name, each in existing.said.items():
        wanted = values.get(name) or place.get(name)
        if wanted and wanted != each.value:
            problems.append(_problem(name, words.differs(wanted, each.value, each.file), words.REMEDY))
    functions, wrong = _functions(values, existing)
    if problems or wrong:
        raise InvalidInput((*problems, *wrong))
    if len({each.application for each in functions}) > 1:
        raise InvalidInput((_problem("application", words.APPLICATIONS, words.BY_HAND),))
    if wildcard(functions) == "*":
        raise InvalidInput((_problem("function", words.too_different(len(functions)), words.BY_HAND),))
    if wildcard(functions) and given.get("create-functions") == "true":
        raise InvalidInput((_problem("create-functions", words.too_many_new(MOST)),))
    merged = {**_DEFAULTS, **({"branch": branch} if branch else {}), **place, **said, **values}
    account, region = merged["account-id"], merged["aws-region"]
    name = merged.get("name") or _called(functions, there)
    return Choices(
        functions=functions,
        alias=merged["alias"],
        account=account,
        region=region,
        name=name,
        bucket=merged.get("bucket") or _bucket(name, account, region),
        bucket_told=not existing.file or "bucket" in said,
        branch=merged["branch"],
        environment=merged.get("environment", ""),
        action=merged["action"],
        deployment_config=values.get("deployment-config", ""),
        target=values.get("target", ""),
        create_functions=given.get("create-functions") == "true",
        remote=there,
        owner_id=values.get("owner-id", ""),
        repository_id=values.get("repository-id", ""),
        subjects=_lines(values, "subject"),
        read_subjects=_lines(values, "read-subject"),
        provider_arn=values.get("oidc-provider-arn", ""),
    )


def from_root(given: Mapping[str, str], folder: str) -> dict[str, str]:
    """The flags with paths of code as the file has them: from the repository's root, which has the current `folder`."""

    def there(code: str) -> str:
        try:
            here = isinstance(source(code), Local)
        except ValueError:
            here = False  # told with the other flags that are misspelt
        return posixpath.normpath(posixpath.join(folder, code)) if here else code

    found = dict(given)
    if "code" in found and folder != ".":
        found["code"] = "\n".join(map(there, _lines(given, "code")))
    return found


def wildcard(functions: Sequence[Function]) -> str:
    """One entry for functions that are too many to name: what all of their names begin with. Empty if they are few."""
    if len(functions) <= MOST:
        return ""
    columns = zip(*(each.name for each in functions), strict=False)
    common = "".join(column[0] for column in takewhile(lambda column: len(set(column)) == 1, columns))
    return re.sub(r"[^_-]*$", "", common) + "*"


def again(given: Mapping[str, str]) -> str:
    """The command for another run: the flags that no file remembers."""
    words = [word for name in _FORGOTTEN for value in _lines(given, name) for word in (f"--{name}", value)]
    return shlex.join(["ci-deploy", "init", *words])


def _functions(values: Mapping[str, str], existing: Existing) -> tuple[tuple[Function, ...], list[Problem]]:
    """The functions: the file's, where there is one; the flags may only repeat what it says."""
    given, codes = _lines(values, "function"), _lines(values, "code")
    if existing.entries:
        known = tuple(
            Function(
                label=each.name,
                name=each.inputs.function or each.name,
                code=str(each.inputs.code or ""),
                application=_other(each.inputs.application, each.inputs.function),
                group=_other(each.inputs.deployment_group, existing.entries[0].inputs.alias),
            )
            for each in existing.entries
        )
        names = {_name(each) for each in given}
        unknown = names - {each.name for each in known} - {each.label for each in known}
        problems = [
            _problem("function", words.not_in_file(name, existing.file), words.REMEDY) for name in sorted(unknown)
        ]
        there = {each.code for each in known}
        problems += [
            _problem("code", words.not_in_file(code, existing.file), words.REMEDY)
            for code in codes
            if str(source(code)) not in there
        ]
        return known, problems
    if not codes:  # of functions that are to be made
        codes = (CODE_FOLDER,) if len(given) == 1 else tuple(f"{CODE_FOLDER}/{_name(each)}" for each in given)
    if len(codes) != len(given):
        return (), [_problem("code", words.codes(len(given), len(codes)))]
    if len({_name(each) for each in given}) != len(given):
        return (), [_problem("function", words.TWICE)]
    alias = values.get("alias") or _place(given).get("alias") or _DEFAULTS["alias"]
    return tuple(
        Function(
            label=_name(each),
            name=_name(each),
            code=code,
            application=_other(values.get("application"), _name(each)),
            group=_other(values.get("deployment-group"), alias),
        )
        for each, code in zip(given, codes, strict=True)
    ), []


def _other(name: str | None, usual: str | None) -> str:
    return name if name and name != usual else ""


def _misspelt(name: str, text: str) -> list[Problem]:
    kind = OWN[name] if name in OWN else shared_spec(name).kind
    found = []
    for each in LIST.parse(text) if name in LISTS else (text,):
        try:
            kind.parse(each)
        except ValueError as error:
            found.append(_problem(name, words.misspelt(shorten(each), str(error)), words.written(kind.hint)))
    return found


def _place(functions: tuple[str, ...]) -> dict[str, str]:
    """Where the functions are, as the first ARN among them says."""
    found: dict[str, Any] = next((there for each in functions if (there := of_arn(each))), {})
    return {name.replace("_", "-"): value for name, value in found.items()}


def _name(function: str) -> str:
    return function.rpartition(":")[2]


def _called(functions: tuple[Function, ...], there: Remote) -> str:
    alone = functions[0].name if len(functions) == 1 else there.name
    return re.sub(r"[^A-Za-z0-9_.-]", "-", alone)[:40]


def _bucket(name: str, account: str, region: str) -> str:
    """A name that nobody else has, in the 63 characters that S3 allows."""
    rest = f"-{account}-{region}"
    short = re.sub(r"[^a-z0-9-]+", "-", name.lower()).strip("-")
    return f"ci-deploy-{short}"[: 63 - len(rest)].rstrip("-") + rest


def _lines(given: Mapping[str, str], name: str) -> tuple[str, ...]:
    return tuple(LIST.parse(given.get(name, "")))


def _problem(name: str, what: str, remedy: str = "") -> Problem:
    return Problem(where=FLAG.format(name), what=what, remedy=remedy)
