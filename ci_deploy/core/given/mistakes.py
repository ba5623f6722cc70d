"""Mistakes that are found outside this room, by who reads the world: commands, the process boundary, the edge.

A mistake that a rule of this room finds stands at the rule.
"""

from __future__ import annotations

from collections.abc import Sequence

from ..errors import Problem
from .meant import names, remedy, shorten

APPSPEC_NEEDS_AWS = Problem(
    where="input `appspec`", what="is in S3, and `validate` uses no AWS.", remedy="Use `plan`, or give a path."
)
NOTHING_TO_DIVIDE = Problem(
    where="input `shard-size`", what="needs functions to divide.", remedy="Describe them in `ci-deploy.yml`."
)
WAVES_NOT_DIVIDED = Problem(
    where="input `shard-size`",
    what="cannot divide a file with `waves`: shards do not wait for each other.",
    remedy="Run each wave in a job of its own (`only`), one after the other.",
)
NO_TOKEN = Problem(
    where="input `role-to-assume`",
    what="needs an OIDC token, and this job may not ask for one.",
    remedy="Give the job `permissions: id-token: write` (and `contents: read`); a pull request from a fork never gets "
    "it. Outside of GitHub Actions leave `role-to-assume` out.",
)


def unreadable(where: str, path: str, error: Exception) -> Problem:
    why = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
    return Problem(where=where, what=f"`{path}` cannot be read: {why}.")


# --- The repository's file ---------------------------------------------------------------------------------------


def no_file(where: str) -> Problem:
    return Problem(
        where=where,
        what="is set, but there is no `ci-deploy.yml` to read.",
        remedy="Check the file out, or set `config`.",
    )


def not_in_file(where: str, function: str, file: str, labels: Sequence[str]) -> Problem:
    return Problem(
        where=where,
        what=f"is `{shorten(function)}`, which {file} does not have.",
        remedy=f"{remedy(function, labels)} Or set `config: none` to read no file.",
    )


def no_choice(where: str, file: str, labels: Sequence[str], verb: str) -> Problem:
    return Problem(
        where=where,
        what=f"is missing: {file} has {len(labels)} functions ({names(labels)}).",
        remedy=f"Name the one that you want to {verb}, or set `only` (`only: all` for all of them).",
    )


def file_twice(one: str, other: str) -> Problem:
    return Problem(where="file `ci-deploy.yml`", what=f"is there twice: {one} and {other}.", remedy="Keep one of them.")


def file_misspelled(name: str, right: str, *, there: bool) -> Problem:
    """`there`: beside the one that is read."""
    return Problem(
        where="the repository's file",
        what=f"is spelled `{name}`, a name that ci-deploy does not read.",
        remedy=f"Rename it to `{right}`" + (", or remove it." if there else ", or name it with `config`."),
    )


# --- The environment ---------------------------------------------------------------------------------------------


def no_speed(variable: str, text: str) -> Problem:
    return Problem(where=_variable(variable), what=f"`{text[:40]}` is not a finite number above 0.", remedy="Unset it.")


def rehearsals_only(variable: str) -> Problem:
    return Problem(
        where=_variable(variable),
        what="is for rehearsals only, and AWS_ENDPOINT_URL is neither a loopback address nor a host name without a "
        "dot.",
        remedy="Unset it to deploy to AWS, or point AWS_ENDPOINT_URL at the emulator.",
    )


def no_web_address(variable: str) -> Problem:
    return _of_github(variable, "is not an http(s) address.")


def token_unsendable(variable: str) -> Problem:
    """By the variable's name alone: its value is a secret."""
    return _of_github(
        variable, "has a character in it that no request can carry: a line break, a blank or one that is not ASCII."
    )


def _of_github(variable: str, what: str) -> Problem:
    return Problem(
        where=_variable(variable),
        what=what,
        remedy="GitHub sets it for a job that has `permissions: id-token: write`: do not set it in the workflow.",
    )


def credential_unsendable(where: str) -> Problem:
    return Problem(
        where=where,
        what="has a character in it that no request can carry: a line break, a blank or a letter that is not ASCII.",
        remedy="Store it again, without a line break at its end.",
    )


def settings_unusable(service: str, error: str) -> Problem:
    return Problem(
        where=f"AWS settings (variables AWS_*, the profile), for {service}",
        what=f"cannot be used: {error}.",
        remedy="Unset what this run does not need.",
    )


def no_region(said: str) -> Problem:
    return Problem(where="input `aws-region`", what=f"{said.rstrip('.')}.", remedy="Set one such as `eu-central-1`.")


def not_an_appspec(location: str, what: str) -> Problem:
    return Problem(where="input `appspec`", what=f"{location} {what}.", remedy="Name the object that is the AppSpec.")


def _variable(name: str) -> str:
    return f"environment variable {name}"
