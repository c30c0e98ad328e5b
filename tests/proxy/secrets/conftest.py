"""One server that plays all identity services of a module."""

from collections.abc import Iterator

import pytest

from tests.support.scripted import ScriptedServer, scripted_server


@pytest.fixture(scope="module")
def services() -> Iterator[ScriptedServer]:
    with scripted_server() as server:
        yield server
