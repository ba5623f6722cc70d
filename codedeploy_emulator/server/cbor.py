"""CBOR (RFC 8949), as much of it as AWS's RPC v2 protocol uses.

Decoding takes what SDKs send, indefinite lengths included. Encoding follows a botocore shape, because only the shape
knows which number is a timestamp (tag 1) and which a double.
"""

from __future__ import annotations

import math
import struct
from typing import Any

_BREAK = object()


class CborError(ValueError):
    """The bytes are not CBOR, or not of the kind that the protocol has."""


def decode(raw: bytes) -> Any:
    """The one value that the bytes hold; timestamps become epoch seconds."""
    try:
        value, end = _item(raw, 0)
    except TypeError:
        raise CborError("a key, or a part of a text, is of a wrong kind") from None
    if end != len(raw):
        raise CborError("there is something after the value")
    return value


def _item(raw: bytes, at: int) -> tuple[Any, int]:
    if at >= len(raw):
        raise CborError("the value ends early")
    major, low = raw[at] >> 5, raw[at] & 31
    at += 1
    if major == 7:
        return _simple(raw, at, low)
    if low == 31 and major in (2, 3, 4, 5):
        return _indefinite(raw, at, major)
    length, at = _length(raw, at, low)
    if major in (0, 1):
        return (length if major == 0 else -1 - length), at
    if major in (2, 3):
        if at + length > len(raw):
            raise CborError("a text ends early")
        part = raw[at : at + length]
        return (part if major == 2 else part.decode()), at + length
    if major == 6:
        return _item(raw, at)
    items = []
    for _ in range(length * (1 if major == 4 else 2)):
        value, at = _item(raw, at)
        items.append(value)
    return (items if major == 4 else dict(zip(items[::2], items[1::2], strict=True))), at


def _length(raw: bytes, at: int, low: int) -> tuple[int, int]:
    if low < 24:
        return low, at
    if low > 27:
        raise CborError("a length of an unknown kind")
    size = 1 << (low - 24)
    if at + size > len(raw):
        raise CborError("a length ends early")
    return int.from_bytes(raw[at : at + size], "big"), at + size


def _simple(raw: bytes, at: int, low: int) -> tuple[Any, int]:
    if low in (20, 21, 22, 23, 31):
        return {20: False, 21: True, 22: None, 23: None, 31: _BREAK}[low], at
    formats = {25: ">e", 26: ">f", 27: ">d"}
    if low not in formats or at + struct.calcsize(formats[low]) > len(raw):
        raise CborError("a number of an unknown kind")
    (value,) = struct.unpack_from(formats[low], raw, at)
    return value, at + struct.calcsize(formats[low])


def _indefinite(raw: bytes, at: int, major: int) -> tuple[Any, int]:
    items: list[Any] = []
    while True:
        value, at = _item(raw, at)
        if value is _BREAK:
            break
        items.append(value)
    if major in (2, 3):
        return (b"" if major == 2 else "").join(items), at
    if major == 4:
        return items, at
    if len(items) % 2:
        raise CborError("a map ends early")
    return dict(zip(items[::2], items[1::2], strict=True)), at


def encode(value: Any, shape: Any = None) -> bytes:
    """The bytes of a value; with a botocore shape, in the forms that the shape asks for."""
    kind = shape.type_name if shape is not None else ""
    if kind == "timestamp":
        return b"\xc1\xfb" + struct.pack(">d", float(value))
    if value is None:
        return b"\xf6"
    if isinstance(value, bool):
        return b"\xf5" if value else b"\xf4"
    if isinstance(value, float) or kind in ("double", "float"):
        return b"\xfb" + struct.pack(">d", float(value))
    if isinstance(value, int):
        return _head(0, value) if value >= 0 else _head(1, -1 - value)
    if isinstance(value, str):
        encoded = value.encode()
        return _head(3, len(encoded)) + encoded
    if isinstance(value, list):
        return _head(4, len(value)) + b"".join(
            encode(item, shape.member if shape is not None else None) for item in value
        )
    parts = [_head(5, len(value))]
    for key, inner in value.items():
        parts += [encode(key), encode(inner, shape.members.get(key) if kind == "structure" else None)]
    return b"".join(parts)


def _head(major: int, length: int) -> bytes:
    if length < 24:
        return bytes([major << 5 | length])
    size = max(0, math.ceil(math.log2((length.bit_length() + 7) // 8)))
    return bytes([major << 5 | 24 + size]) + length.to_bytes(1 << size, "big")
