"""One scripted upstream and one SDK client for the whole suite, and the marker that names a fault."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.support.scripted import ScriptedServer, scripted_server

from .sdk import Sdk

pytest.register_assert_rewrite("tests.faults.told", "tests.faults.fault")


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", "fault(id): the test is part of surviving this fault of the catalogue")


@pytest.fixture(scope="session")
def upstream() -> Iterator[ScriptedServer]:
    with scripted_server() as server:
        yield server


@pytest.fixture(scope="session")
def sdk() -> Iterator[Sdk]:
    client = Sdk()
    yield client
    client.close()
