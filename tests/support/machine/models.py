"""What botocore works out anew for every session and client, worked out once for a process: most of what they cost."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from copy import copy
from functools import cache
from typing import Any

import botocore.client
import botocore.hooks
import botocore.loaders
import botocore.regions
import botocore.session
import botocore.useragent
from botocore.handlers import BUILTIN_HANDLERS

_made: dict[Any, Any] = {}
_names: dict[str, str] = {}
_load_file = botocore.loaders.JSONFileLoader.load_file
_load_model = botocore.loaders.Loader.load_service_model
_begin = botocore.hooks.EventAliaser.__init__
_accepts = botocore.hooks.accepts_kwargs
_methods = botocore.client.ClientCreator._create_methods
_service = botocore.client.ServiceModel
_provider = botocore.regions.EndpointProvider
_register = botocore.session.Session._register_builtin_handlers
_exceptions = botocore.session.ClientExceptionsFactory
_sanitized = botocore.useragent.sanitize_user_agent_string_component


def read_once() -> None:
    """From here on API models, what clients make of them, exceptions, names of events and signatures are shared.

    The table of handlers is copied for each session and client, but not made anew, nor by asking for each list in it
    how lists are copied; nor is a part of the user agent looked through again, letter by letter, for each request.

    The paths in S3's model are not: each client takes the bucket out of its own, and by those that have it the emulator
    tells operations apart.
    """

    def load_file(loader: Any, path: str) -> Any:
        return _once(("file", path), lambda: _load_file(loader, path))

    def load_model(loader: Any, service_name: str, type_name: str, api_version: str | None = None) -> Any:
        key = "model", tuple(loader.search_paths), service_name, type_name, api_version
        found = _once(key, lambda: _load_model(loader, service_name, type_name, api_version=api_version))
        return _with_own_paths(found) if (service_name, type_name) == ("s3", "service-2") else found

    def service(description: Any, service_name: str | None = None) -> Any:
        if service_name == "s3":
            return _service(description, service_name)
        return _once_of((description,), service_name, lambda: _service(description, service_name))

    def methods(creator: Any, model: Any) -> Any:
        return dict(_once(("methods", model.service_name, model.api_version), lambda: _methods(creator, model)))

    def provider(ruleset_data: Any, partition_data: Any, excluded_params: Any = None) -> Any:
        without = frozenset(excluded_params or ())
        return _once_of(
            (ruleset_data, partition_data), without, lambda: _provider(ruleset_data, partition_data, without)
        )

    def begin(aliaser: Any, *arguments: Any, **more: Any) -> None:
        _begin(aliaser, *arguments, **more)
        aliaser._alias_name_cache = _names

    def accepts(handler: Callable[..., Any]) -> Any:
        code = getattr(handler, "__code__", None)
        return code.co_flags & inspect.CO_VARKEYWORDS if code else _accepts(handler)

    def register(session: Any, events: Any) -> None:
        key = "handlers", len(BUILTIN_HANDLERS)  # to which moto adds one
        if key not in _made:
            _register(session, events)
            _made[key] = copy(session._original_handler)
        else:
            vars(session._original_handler).update(vars(copy(_made[key])))

    botocore.loaders.JSONFileLoader.load_file = load_file
    botocore.loaders.Loader.load_service_model = load_model
    botocore.client.ServiceModel = service
    botocore.client.ClientCreator._create_methods = methods
    botocore.regions.EndpointProvider = provider
    botocore.hooks.EventAliaser.__init__ = begin
    botocore.hooks.accepts_kwargs = accepts
    botocore.session.Session._register_builtin_handlers = register
    botocore.session.ClientExceptionsFactory = cache(_exceptions)
    botocore.hooks._PrefixTrie._recursive_copy = lambda trie, node: _structure(node)
    botocore.useragent.sanitize_user_agent_string_component = cache(_sanitized)


def _with_own_paths(model: dict[str, Any]) -> dict[str, Any]:
    operations = {name: {**each, "http": dict(each["http"])} for name, each in model["operations"].items()}
    return {**model, "operations": operations}


def _structure(trie: dict[str, Any]) -> dict[str, Any]:
    """botocore's table of handlers, its nodes and lists copied; the handlers are the same."""
    return {**trie, "_root": _node(trie["_root"])}


def _node(node: dict[str, Any]) -> dict[str, Any]:
    values, children = node["values"], node["children"]
    return {
        "chunk": node["chunk"],
        "children": {chunk: _node(child) for chunk, child in children.items()} if children else {},
        "values": values and botocore.hooks.NodeList(values.first[:], values.middle[:], values.last[:]),
    }


def _once(key: Any, make: Callable[[], Any]) -> Any:
    if key not in _made:
        _made[key] = make()
    return _made[key]


def _once_of(parts: tuple[Any, ...], more: Any, make: Callable[[], Any]) -> Any:
    """What is made of these very objects, which are kept with it: an id alone could come again."""
    return _once((*map(id, parts), more), lambda: (make(), parts))[0]
