"""botocore's API models, read once for a process: most of what a client costs."""

from __future__ import annotations

from typing import Any

import botocore.loaders

_read: dict[str, Any] = {}
_load = botocore.loaders.JSONFileLoader.load_file


def read_once() -> None:
    """From here on botocore's loaders, however many there are, share what one of them has read."""

    def load_once(loader: Any, path: str) -> Any:
        if path not in _read:
            _read[path] = _load(loader, path)
        return _read[path]

    botocore.loaders.JSONFileLoader.load_file = load_once
