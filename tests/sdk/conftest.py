"""One joch with the five upstreams behind it for a whole module, and clients for it."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.support.joch import RunningJoch, running_joch
from tests.support.scripted import ScriptedServer, scripted_server
from tests.support.snapshots import snapshot

from .clients import AsyncSdk, SyncSdk, async_sdk, sync_sdk
from .upstreams import UPSTREAMS


@pytest.fixture(scope="module")
def upstream() -> Iterator[ScriptedServer]:
    """The server that plays all upstreams of a module."""
    with scripted_server() as server:
        yield server


@pytest.fixture(scope="module")
def joch(upstream: ScriptedServer) -> Iterator[RunningJoch]:
    """joch, with one model per upstream, named like it."""
    with running_joch(snapshot([each.model(upstream) for each in UPSTREAMS])) as running:
        yield running


@pytest.fixture(scope="module")
def sync(joch: RunningJoch) -> Iterator[SyncSdk]:
    with sync_sdk(joch.base_url) as sdk:
        yield sdk


@pytest.fixture(scope="module")
def asynchronous(joch: RunningJoch) -> Iterator[AsyncSdk]:
    with async_sdk(joch.base_url) as sdk:
        yield sdk
