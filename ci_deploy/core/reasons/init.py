"""What is wrong with what `init` was given."""

from __future__ import annotations

from ..links import page

MISSING = "is missing."
APPLICATIONS = "is not the same of all functions: one stack knows one, or one of each function's own name."
TWICE = "names a function twice."
REMEDY = "Change the file, or leave the flag out: `init` overwrites nothing."
BY_HAND = f"Make the roles with stacks of your own ({page('setup-and-prune.md#many-functions')})."
NOT_HERE = "is a command of the command line, and not of the action's image."
INSTALL = "Run `pip install 'ci-deploy[cli]'`."
NO_TERMINAL = "Pass it, or run `ci-deploy init` on a terminal, which asks."


def misspelt(value: str, what: str) -> str:
    return f"`{value}` {what}."


def written(hint: str) -> str:
    return f"Write {hint}."


def differs(wanted: str, there: str, file: str) -> str:
    return f"is `{wanted}`, but {file} says `{there}`."


def not_in_file(wanted: str, file: str) -> str:
    return f"has `{wanted}`, which {file} does not have."


def too_many_new(most: int) -> str:
    return f"makes {most} functions at most."


def codes(functions: int, codes: int) -> str:
    return f"is given {codes} times for {functions} functions: pass one for each, in the same order."


def unusable(why: str) -> str:
    return f"cannot be used: {why}."


def too_different(functions: int) -> str:
    return f"names {functions} functions, too many for one stack, whose names begin with nothing in common."
