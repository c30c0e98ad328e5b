"""Counters for Prometheus, under the names of the events reference, section 6.

Label values come from configuration or from closed lists, never from a client. Children are looked up once per label set:
`.labels()` on every call would cost more than the counting.
"""

from __future__ import annotations

import platform
from functools import lru_cache
from typing import Final

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram
from prometheus_client.exposition import generate_latest

CONTENT_TYPE: Final = "text/plain; version=0.0.4; charset=utf-8"
_SECONDS = (0.01, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 20, 40, 80, 160, 320)
_OVERHEAD = (0.0005, 0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.25, 1)


class Metrics:
    """One registry for one process."""

    def __init__(self, version: str) -> None:
        registry = CollectorRegistry(auto_describe=False)
        self._registry = registry
        self._requests = Counter("joch_http_requests", "HTTP answers.", ["endpoint", "status"], registry=registry)
        self.inflight = Gauge("joch_http_inflight", "Calls being served.", registry=registry)
        self._calls = Counter(
            "joch_calls", "Client calls by outcome.", ["route", "outcome", "stream"], registry=registry
        )
        self._overhead = Histogram(
            "joch_call_overhead_seconds",
            "Time of a call not spent waiting for a provider.",
            ["route"],
            buckets=_OVERHEAD,
            registry=registry,
        )
        self._attempts = Counter(
            "joch_modelcalls", "Attempts at a provider.", ["provider", "model", "outcome", "reason"], registry=registry
        )
        self._duration = Histogram(
            "joch_modelcall_duration_seconds",
            "How long attempts took.",
            ["provider", "model"],
            buckets=_SECONDS,
            registry=registry,
        )
        self._first_chunk = Histogram(
            "joch_modelcall_first_chunk_seconds",
            "Time to the first content of a stream.",
            ["provider", "model"],
            buckets=_SECONDS,
            registry=registry,
        )
        self._tokens = Counter("joch_tokens", "Tokens.", ["provider", "model", "kind"], registry=registry)
        self._switches = Counter(
            "joch_route_switches", "Moves to the next candidate.", ["route", "from", "to", "reason"], registry=registry
        )
        self._skips = Counter(
            "joch_route_skips", "Candidates passed over.", ["route", "model", "gate"], registry=registry
        )
        self._cancels = Counter("joch_client_cancels", "Clients that left early.", ["route"], registry=registry)
        self.events_dropped = Gauge("joch_events_dropped_total", "Events a full queue lost.", registry=registry)
        self.config_generation = Gauge("joch_config_generation", "Generation of the configuration.", registry=registry)
        self.config_last_reload_ok = Gauge(
            "joch_config_last_reload_ok", "1 when the last reload was accepted.", registry=registry
        )
        build = Gauge("joch_build_info", "Always 1.", ["version", "python"], registry=registry)
        build.labels(version, platform.python_version()).set(1)
        self._request = lru_cache(1024)(self._requests.labels)
        self._call = lru_cache(1024)(self._calls.labels)
        self._call_overhead = lru_cache(1024)(self._overhead.labels)
        self._attempt = lru_cache(4096)(self._attempts.labels)
        self._attempt_duration = lru_cache(1024)(self._duration.labels)
        self._attempt_first_chunk = lru_cache(1024)(self._first_chunk.labels)
        self._token = lru_cache(4096)(self._tokens.labels)
        self._skip = lru_cache(1024)(self._skips.labels)

    def count_request(self, endpoint: str, status: int) -> None:
        self._request(endpoint, str(status)).inc()

    def count_call(self, route: str, outcome: str, *, stream: bool, overhead: float) -> None:
        """A call is over. `overhead` is in seconds."""
        self._call(route, outcome, "true" if stream else "false").inc()
        self._call_overhead(route).observe(overhead)
        if outcome == "client_gone":
            self._cancels.labels(route).inc()

    def count_attempt(
        self, provider: str, model: str, outcome: str, reason: str, seconds: float, first_chunk: float | None
    ) -> None:
        """An attempt is over. `first_chunk` in seconds, None when no content came or the call was not streamed."""
        self._attempt(provider, model, outcome, reason).inc()
        self._attempt_duration(provider, model).observe(seconds)
        if first_chunk is not None:
            self._attempt_first_chunk(provider, model).observe(first_chunk)

    def count_tokens(self, provider: str, model: str, kind: str, amount: int) -> None:
        if amount:
            self._token(provider, model, kind).inc(amount)

    def count_switch(self, route: str, source: str, target: str, reason: str) -> None:
        self._switches.labels(route, source, target, reason).inc()

    def count_skip(self, route: str, model: str, gate: str) -> None:
        self._skip(route, model, gate).inc()

    def render(self) -> bytes:
        """The text exposition."""
        return generate_latest(self._registry)
