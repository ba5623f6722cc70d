"""The laws read the sources; what they have read is let go of when the last of them is done."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.support import sources


@pytest.fixture(scope="package", autouse=True)
def _let_go() -> Iterator[None]:
    """Half a million nodes, which the garbage collector would look at for the rest of the tests."""
    yield
    sources.forget()
