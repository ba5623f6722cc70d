"""`init`: writes `ci-deploy.yml`, workflows and the roles' template for this repository, and says what is left to do.

On the command line alone. Needs no credentials of AWS, overwrites nothing, and run again writes what is missing.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace

from ..core.errors import InvalidInput
from ..core.init import account, choices, existing, files
from ..core.init.existing import Existing
from ..core.init.subjects import Known
from ..core.reasons import init as words
from ..ports import AsksSubjects, Checkout
from ..reporters import initialized


def run(
    given: Mapping[str, str],
    *,
    folder: str,
    defaults: Mapping[str, str],
    file: str,
    template: str,
    checkout: Checkout,
    github: AsksSubjects,
    ask: Callable[[str], str],
    write: Callable[[str], None],
) -> None:
    """Raises InvalidInput with everything that is missing or wrong; nothing is written then.

    `folder`: the current one, from the repository's root. `defaults`: what the surroundings say where neither flag nor
    file does. `file`: the repository's file, empty if there is none. `template`: the text of the CloudFormation
    template. `ask` answers a question, with nothing where nobody is there to be asked.
    """
    there = _existing(given, file, checkout)
    given = dict(given)
    url = checkout.url()
    for name in choices.missing(given, there, choices.found_remote(given, url)):
        if name == "code" and given.get("create-functions") == "true":
            continue
        given[name] = defaults.get(name, "") or ask(initialized.QUESTIONS[name])
        if name == "function" and given[name] and ask(initialized.EXISTS.format(given[name])).lower() in ("n", "no"):
            given["create-functions"] = "true"
    given = choices.from_root(given, folder)
    try:
        chosen = choices.decide(given, there, choices.found_remote(given, url), checkout.branch())
    except InvalidInput as error:
        raise InvalidInput(
            tuple(
                replace(each, remedy=words.NO_TERMINAL) if each.what == words.MISSING else each
                for each in error.problems
            )
        ) from None
    known = Known(owner_id=chosen.owner_id, repository_id=chosen.repository_id)
    if not (chosen.owner_id and chosen.repository_id):
        known = github.known(chosen.remote)
    taken = [f"{files.WORKFLOWS}/{name}" for name in checkout.names(files.WORKFLOWS)]
    taken += [
        path
        for path in (files.TEMPLATE, *(f"{each.code}/index.py" for each in chosen.functions))
        if checkout.there(path)
    ]
    paths = files.workflow_paths(there, taken)
    texts = files.missing(chosen, there, taken, template)
    for path, text in texts.items():
        checkout.write(path, text)
    kept = (
        [there.file] * bool(there.file) + list(there.workflows.values()) + [files.TEMPLATE] * (files.TEMPLATE in taken)
    )
    for line in initialized.listed(texts, list(dict.fromkeys(kept)), paths):
        write(line)
    committed = [".github", there.file or files.MANIFEST]
    committed += [each.code for each in chosen.functions if chosen.create_functions]
    trust = account.trusted(chosen, known, paths)
    up = "/".join(".." for _ in folder.split("/")) if folder != "." else ""
    for line in initialized.next_steps(chosen, trust, known, committed, choices.again(given), up):
        write(line)


def _existing(given: Mapping[str, str], file: str, checkout: Checkout) -> Existing:
    names = [name for name in checkout.names(files.WORKFLOWS) if name.endswith((".yml", ".yaml"))]
    texts = {path: checkout.read(path) for name in names for path in (f"{files.WORKFLOWS}/{name}",)}
    return existing.read(file, checkout.read(file) if file else None, texts, given.get("target", "").strip())
