"""What botocore works out anew for every session and client, worked out once for a process: most of what they cost."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any

import botocore.hooks
import botocore.loaders

_models: dict[str, Any] = {}
_names: dict[str, str] = {}
_load = botocore.loaders.JSONFileLoader.load_file
_begin = botocore.hooks.EventAliaser.__init__
_accepts = botocore.hooks.accepts_kwargs


def read_once() -> None:
    """From here on API models, names of events and signatures of handlers are shared.

    S3's model is not: each client takes the bucket out of its paths, by which the emulator tells operations apart.
    """

    def load_once(loader: Any, path: str) -> Any:
        if "/s3/" in path:
            return _load(loader, path)
        if path not in _models:
            _models[path] = _load(loader, path)
        return _models[path]

    def begin(aliaser: Any, *arguments: Any, **more: Any) -> None:
        _begin(aliaser, *arguments, **more)
        aliaser._alias_name_cache = _names

    def accepts(handler: Callable[..., Any]) -> Any:
        code = getattr(handler, "__code__", None)
        return code.co_flags & inspect.CO_VARKEYWORDS if code else _accepts(handler)

    botocore.loaders.JSONFileLoader.load_file = load_once
    botocore.hooks.EventAliaser.__init__ = begin
    botocore.hooks.accepts_kwargs = accepts
