"""An AppSpec as it is stored: a text, or a zip with the text in it, as CodeDeploy takes both. Pure.

Sources: facts.md G14 (bundleType `zip` works for Lambda), CodeDeploy's guide (the name of the file in a bundle).
"""

from __future__ import annotations

import io
import struct
import zipfile
import zlib

from .nodes import SAVE_AS_UTF8

NAMES = ("appspec.yml", "appspec.yaml", "appspec.json")
# An AppSpec is a few hundred bytes; what is far larger is not one.
LARGEST = 256 * 1024
_ZIP = b"PK\x03\x04"
# What zipfile raises for a file that is no zip, or a hostile one.
_NO_ZIP = (
    zipfile.BadZipFile,
    NotImplementedError,
    EOFError,
    LookupError,
    OSError,
    OverflowError,
    RuntimeError,
    ValueError,
    struct.error,
    zlib.error,
)


def text_of(content: bytes) -> str:
    """The AppSpec's text; ValueError says what is wrong, as a sentence's end."""
    if content.startswith(_ZIP):
        content = _unpacked(content)
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise ValueError(f"is not UTF-8 text. {SAVE_AS_UTF8}") from None


def _unpacked(content: bytes) -> bytes:
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            found = [info for info in archive.infolist() if info.filename.removeprefix("./").lower() in NAMES]
            texts = []
            for info in found:
                with archive.open(info) as stream:
                    texts.append(stream.read(LARGEST + 1))
    except _NO_ZIP as error:
        raise ValueError(f"is a zip that cannot be read ({error})") from None
    if len(texts) != 1:
        raise ValueError(f"has {len(texts) or 'none'} of {', '.join(NAMES)} at its top, where one should be")
    if len(texts[0]) > LARGEST:
        raise ValueError(f"has an AppSpec in it that is larger than {LARGEST // 1024} KiB")
    return texts[0]
