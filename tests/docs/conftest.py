"""One installation for all pages that type commands."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from docs_house import House, running


@pytest.fixture(scope="session")
def house() -> Iterator[House]:
    with running() as found:
        yield found
