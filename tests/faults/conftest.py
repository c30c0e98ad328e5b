"""One scripted upstream and one SDK client for the whole suite, and the marker that names a fault."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import pytest

from tests.support.answers import chat_upstream
from tests.support.joch import RunningJoch, running_joch
from tests.support.scripted import ScriptedServer, scripted_server
from tests.support.snapshots import model, snapshot

from .sdk import Sdk

pytest.register_assert_rewrite("tests.faults.told", "tests.faults.fault", "tests.faults.raw")


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", "fault(id): the test is part of surviving this fault of the catalogue")
    config.addinivalue_line("markers", "served: the request reaches a provider, although its module is about refusals")


@pytest.fixture(scope="session")
def upstream() -> Iterator[ScriptedServer]:
    with scripted_server() as server:
        yield server


@pytest.fixture(scope="session")
def sdk() -> Iterator[Sdk]:
    client = Sdk()
    yield client
    client.close()


@pytest.fixture(scope="module")
def joch(upstream: ScriptedServer) -> Iterator[RunningJoch]:
    """One model, "m", that answers; and any other model of its provider that a client may name."""
    record = model("generic-openai", upstream.script("F", chat_upstream("hello-there")))
    template = model("generic-openai", record.base_url, "")
    config = replace(snapshot([record], implicit_models="any"), implicit=((template, ()),))
    with running_joch(config) as running:
        yield running


@pytest.fixture
def nothing_goes_upstream(request: pytest.FixtureRequest, upstream: ScriptedServer) -> Iterator[None]:
    """A request that is refused must cost nothing."""
    upstream.requests.clear()
    yield
    if request.node.get_closest_marker("served") is None:
        assert upstream.of("F") == [], "a request that is refused must not reach a provider"
