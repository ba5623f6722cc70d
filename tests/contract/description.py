"""GitHub's OpenAPI description, and what an exchange with its API breaks of it.

The description is npm's `@octokit/openapi`, as locked here: 13 MB, read once; a `$ref` is resolved when it is met.
Stricter than OpenAPI in one thing: a member that the description does not name is a mistake, in both directions.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from functools import cached_property
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import jsonschema.validators
from jsonschema import Draft4Validator, FormatChecker
from jsonschema.exceptions import ValidationError
from referencing import Registry, Resource
from referencing.jsonschema import DRAFT4

HERE = Path(__file__).parent
PACKAGE = HERE / "node_modules" / "@octokit" / "openapi"
METHODS = ("get", "post", "put", "patch", "delete", "head")
# GitHub answers these to any request; its description names them for some.
ANYWHERE = {401, 403, 404, 429, 500, 502, 503}


@dataclass(frozen=True, slots=True, kw_only=True)
class Exchange:
    """One request and its answer, as they went over the wire; bodies decoded, None when there was none."""

    method: str
    path: str
    query: Mapping[str, str]
    body: Any
    status: int
    answer: Any
    headers: Mapping[str, str] = field(default_factory=dict)

    def __str__(self) -> str:
        return f"{self.method} {self.path} -> {self.status}"


def _properties(validator: Any, properties: Any, instance: Any, schema: Any) -> Iterator[ValidationError]:
    yield from Draft4Validator.VALIDATORS["properties"](validator, properties, instance, schema)
    if isinstance(instance, dict) and "additionalProperties" not in schema and "allOf" not in schema:
        for name in instance.keys() - properties.keys():
            yield ValidationError(f"{name!r} is a member that GitHub does not describe")


def _unless_null(keyword: str) -> Any:
    """A keyword as OpenAPI 3.0 has it: null is fine where the schema says `nullable`."""

    def check(validator: Any, value: Any, instance: Any, schema: Any) -> Iterator[ValidationError]:
        if instance is not None or not schema.get("nullable"):
            yield from Draft4Validator.VALIDATORS[keyword](validator, value, instance, schema)

    return check


FORMATS = FormatChecker(())


@FORMATS.checks("uri")
def _uri(value: object) -> bool:
    if not isinstance(value, str) or not value:  # `""` is GitHub's own default
        return True
    parts = urlsplit(value)
    return bool(parts.scheme and parts.netloc)


@FORMATS.checks("date-time", raises=ValueError)
def _date_time(value: object) -> bool:
    return not isinstance(value, str) or datetime.fromisoformat(value).tzinfo is not None


_OPENAPI: Any = {"properties": _properties, **{keyword: _unless_null(keyword) for keyword in ("type", "enum")}}
STRICT: Any = jsonschema.validators.extend(Draft4Validator, _OPENAPI)


class Description:
    """GitHub's API as GitHub describes it."""

    def __init__(self, document: Mapping[str, Any]) -> None:
        self.document = document
        resource = Resource(contents=document, specification=DRAFT4)
        self._registry: Registry[Any] = Registry().with_resource("github:", resource)

    @cached_property
    def _templates(self) -> list[tuple[str, re.Pattern[str]]]:
        """Path templates, those with the fewest parameters first."""
        found = []
        for template in self.document["paths"]:
            pattern = re.sub(r"\\\{(\w+)\\\}", r"(?P<\1>[^/]+)", re.escape(template))
            found.append((template, re.compile(pattern)))
        return sorted(found, key=lambda one: one[0].count("{"))

    def operation(self, method: str, path: str) -> tuple[str, Mapping[str, str]] | None:
        """The template of the path and its parameters, if GitHub has such an operation."""
        for template, pattern in self._templates:
            match = pattern.fullmatch(path)
            if match and method.lower() in self.document["paths"][template]:
                return template, match.groupdict()
        return None

    def problems(self, exchange: Exchange) -> list[str]:
        """Everything in which the exchange is not as described, as text; empty when all is well."""
        found = self.operation(exchange.method, exchange.path)
        if found is None:
            return [f"{exchange}: GitHub has no such operation"]
        template, values = found
        at = ("paths", template, exchange.method.lower())
        problems = [
            *self._parameters(at, values, exchange.query),
            *self._request(at, exchange.body),
            *self._answer(at, exchange),
        ]
        return [f"{exchange}: {problem}" for problem in problems]

    def examples(self, method: str, template: str, status: int) -> list[Any]:
        """GitHub's own examples of an answer."""
        at = self._follow("paths", template, method.lower(), "responses", str(status), "content", "application/json")
        names = self.at(*at).get("examples", {})
        return [self.at(*self._follow(*at, "examples", name))["value"] for name in names]

    # --- the parts ---------------------------------------------------------------------------------------------------

    def _parameters(self, at: tuple[str, ...], path: Mapping[str, str], query: Mapping[str, str]) -> Iterator[str]:
        described: dict[tuple[str, str], tuple[str, ...]] = {}
        for where in ((*at[:2], "parameters"), (*at, "parameters")):
            for number in range(len(self.at(*where) if self.has(*where) else ())):
                pointer = self._follow(*where, str(number))
                parameter = self.at(*pointer)
                described[parameter["in"], parameter["name"]] = pointer
        for place, given in (("path", path), ("query", query)):
            for name, text in given.items():
                if (place, name) not in described:
                    yield f"GitHub describes no {place} parameter {name!r}"
                    continue
                pointer = (*described[place, name], "schema")
                kind = self.at(*self._follow(*pointer)).get("type")
                value: Any = int(text) if kind == "integer" and text.isdecimal() else text
                yield from self._errors(pointer, value, f"{place} parameter {name}")
        for (place, name), pointer in described.items():
            if place == "query" and self.at(*pointer).get("required") and name not in query:
                yield f"query parameter {name!r} is missing"

    def _request(self, at: tuple[str, ...], body: Any) -> Iterator[str]:
        if not self.has(*at, "requestBody"):
            if body is not None:
                yield "GitHub takes no body here"
            return
        pointer = self._follow(*at, "requestBody")
        if body is None:
            if self.at(*pointer).get("required"):
                yield "the body is missing"
            return
        yield from self._errors((*pointer, "content", "application/json", "schema"), body, "request")

    def _answer(self, at: tuple[str, ...], exchange: Exchange) -> Iterator[str]:
        status = str(exchange.status)
        if self.has(*at, "responses", status):
            pointer = self._follow(*at, "responses", status)
            if not self.has(*pointer, "content"):
                if exchange.answer is not None:
                    yield "the answer has a body, and GitHub describes none"
                return
            schema = (*pointer, "content", "application/json", "schema")
        elif exchange.status in ANYWHERE:
            schema = ("components", "schemas", "basic-error")
        else:
            yield "GitHub describes no such status"
            return
        yield from self._errors(schema, exchange.answer, "answer")

    def _errors(self, pointer: tuple[str, ...], value: Any, what: str) -> Iterator[str]:
        reference = "github:#" + "".join("/" + part.replace("~", "~0").replace("/", "~1") for part in pointer)
        validator = STRICT({"$ref": reference}, registry=self._registry, format_checker=FORMATS)
        for error in validator.iter_errors(value):
            inner = f" ({', '.join(each.message[:80] for each in error.context or ())})" if error.context else ""
            yield f"{what} at {error.json_path}: {error.message[: 80 if inner else 300]}{inner}"

    # --- the document ------------------------------------------------------------------------------------------------

    def at(self, *pointer: str) -> Any:
        found: Any = self.document
        for part in pointer:
            found = found[int(part)] if isinstance(found, list) else found[part]
        return found

    def has(self, *pointer: str) -> bool:
        try:
            self.at(*pointer)
        except (KeyError, IndexError):
            return False
        return True

    def _follow(self, *pointer: str) -> tuple[str, ...]:
        """Where a pointer leads when references on the way are followed."""
        reached: tuple[str, ...] = ()
        for part in pointer:
            reached = (*reached, part)
            while isinstance(found := self.at(*reached), dict) and set(found) == {"$ref"}:
                reached = tuple(found["$ref"].removeprefix("#/").split("/"))
        return reached


def load() -> Description:
    """The description as npm installed it; AssertionError when it is missing or another one than is locked."""
    manifest = PACKAGE / "package.json"
    assert manifest.is_file(), f"{PACKAGE} is missing: `make test-full` installs it with npm"
    locked = json.loads((HERE / "package-lock.json").read_text(encoding="utf-8"))
    wanted = locked["packages"]["node_modules/@octokit/openapi"]["version"]
    assert json.loads(manifest.read_text(encoding="utf-8"))["version"] == wanted, "`npm ci` was not run after an update"
    text = (PACKAGE / "generated" / "api.github.com.json").read_text(encoding="utf-8")
    return Description(json.loads(text))
