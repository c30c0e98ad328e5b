"""Asking an endpoint what it serves: free requests only, in parallel, each under a short clock.

A provider says how it is asked (`Discovery`); this module does the asking through the upstream client. A silent or broken
endpoint is an empty answer with a reason, never an exception.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from yarl import URL

from proxy.adapters.reach import Send
from proxy.resources import Clocks
from proxy.upstream import WireRequest
from translators.canonical import UpstreamError
from translators.exchange import parse_whole
from translators.formats.json import dumps
from translators.providers.provider import Discovered, Probe, Provider

_PARALLEL = 4


@dataclass(frozen=True, slots=True)
class Found:
    """What an endpoint serves. `problem` says in a few words why there is nothing, if it could not be asked."""

    provider: str
    base_url: str
    models: tuple[Discovered, ...] = ()
    problem: str | None = None


async def discover(
    upstream: Send, provider: Provider, base_url: str, *, list_seconds: float, detail_seconds: float
) -> Found:
    """Ask `base_url` for its models and, where the provider can, for the details of each."""
    if provider.discovery is None:
        return Found(provider.name, base_url, problem="this provider cannot be asked")
    ask = provider.discovery
    try:
        listed = ask.parse_list(await _ask(upstream, base_url, ask.list, list_seconds))
    except UpstreamError as error:
        return Found(provider.name, base_url, problem=error.failure)
    except (KeyError, TypeError, ValueError):
        return Found(provider.name, base_url, problem="unknown answer")
    gate = asyncio.Semaphore(_PARALLEL)

    async def detailed(model: Discovered) -> Discovered:
        if ask.detail is None or ask.parse_detail is None:
            return model
        async with gate:
            try:
                answer = await _ask(upstream, base_url, ask.detail(model.model), detail_seconds)
                return ask.parse_detail(model, answer)
            except (UpstreamError, KeyError, TypeError, ValueError):
                return model  # what the list said must do

    models = tuple(await asyncio.gather(*map(detailed, listed)))
    if models and ask.running is not None and ask.parse_running is not None:
        with contextlib.suppress(UpstreamError, KeyError, TypeError, ValueError):  # what runs stays unknown
            models = ask.parse_running(models, await _ask(upstream, base_url, ask.running, detail_seconds))
    return Found(provider.name, base_url, models)


async def _ask(upstream: Send, base_url: str, probe: Probe, seconds: float) -> Mapping[str, Any]:
    body = None if probe.body is None else dumps(probe.body)
    clocks = Clocks(connect=seconds, first_byte=seconds, idle=seconds)
    headers = {"Accept": "application/json"} | ({"Content-Type": "application/json"} if body is not None else {})
    request = WireRequest(
        method="GET" if body is None else "POST",
        url=URL(base_url).origin().with_path(probe.path) if probe.from_root else URL(base_url.rstrip("/") + probe.path),
        headers=headers,
        body=body,
        clocks=clocks,
        private_ok=True,
    )
    reply = await upstream.send(request)
    try:
        if reply.status != 200:
            raise ValueError(f"status {reply.status}")
        return parse_whole(await reply.read())
    finally:
        reply.close()
