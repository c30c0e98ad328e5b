"""Counters for Prometheus, under the names of the events reference, section 6.

Counting is on the path of every call, so it is a dictionary's work: sums by label values, turned into Prometheus families
only when someone scrapes. Label values come from configuration or from closed lists, never from a client.
"""

from __future__ import annotations

import platform
from bisect import bisect_left
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from decimal import Decimal

from prometheus_client import CollectorRegistry
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily, Metric
from prometheus_client.exposition import generate_latest

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"
_SECONDS = (0.01, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 20.0, 40.0, 80.0, 160.0, 320.0)
_OVERHEAD = (0.0005, 0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.25, 1.0)

Labels = tuple[str, ...]


class Counter:
    """Sums by label values."""

    def __init__(self, name: str, about: str, labels: Labels) -> None:
        self._name, self._about, self._labels = name, about, labels
        self._sums: defaultdict[Labels, float] = defaultdict(float)

    def add(self, labels: Labels, amount: float = 1) -> None:
        self._sums[labels] += amount

    def family(self) -> Metric:
        family = CounterMetricFamily(self._name, self._about, labels=self._labels)
        for labels, total in list(self._sums.items()):
            family.add_metric(labels, total)
        return family


class Gauge:
    """One value that goes up and down."""

    def __init__(self, name: str, about: str) -> None:
        self._name, self._about = name, about
        self.value = 0.0

    def family(self) -> Metric:
        return GaugeMetricFamily(self._name, self._about, value=self.value)


class Gauges:
    """One value per label values, all of them replaced at once."""

    def __init__(self, name: str, about: str, labels: Labels) -> None:
        self._name, self._about, self._labels = name, about, labels
        self._values: Mapping[Labels, float] = {}

    def replace(self, values: Mapping[Labels, float]) -> None:
        self._values = values

    def family(self) -> Metric:
        family = GaugeMetricFamily(self._name, self._about, labels=self._labels)
        for labels, value in self._values.items():
            family.add_metric(labels, value)
        return family


class Histogram:
    """Observations in buckets, by label values."""

    def __init__(self, name: str, about: str, labels: Labels, bounds: tuple[float, ...]) -> None:
        self._name, self._about, self._labels, self._bounds = name, about, labels, bounds
        self._counts: dict[Labels, list[float]] = {}  # a count per bound, one above all bounds, then the sum

    def observe(self, labels: Labels, value: float) -> None:
        counts = self._counts.get(labels)
        if counts is None:
            counts = self._counts[labels] = [0.0] * (len(self._bounds) + 2)
        counts[bisect_left(self._bounds, value)] += 1
        counts[-1] += value

    def family(self) -> Metric:
        family = HistogramMetricFamily(self._name, self._about, labels=self._labels)
        for labels, (*counts, total) in list(self._counts.items()):
            buckets, running = [], 0.0
            for bound, count in zip((*map(str, self._bounds), "+Inf"), counts, strict=True):
                running += count
                buckets.append((bound, running))
            family.add_metric(labels, buckets, total)
        return family


class Metrics:
    """One registry for one process."""

    def __init__(self, version: str) -> None:
        self._version = version
        self.requests = Counter("joch_http_requests", "HTTP answers.", ("endpoint", "status"))
        self.inflight = Gauge("joch_http_inflight", "Calls being served.")
        self.calls = Counter("joch_calls", "Client calls by outcome.", ("route", "outcome", "stream"))
        self.overhead = Histogram(
            "joch_call_overhead_seconds", "Time of a call not spent on providers.", ("route",), _OVERHEAD
        )
        self.attempts = Counter(
            "joch_modelcalls", "Attempts at a provider.", ("provider", "model", "outcome", "reason")
        )
        self.durations = Histogram(
            "joch_modelcall_duration_seconds", "How long attempts took.", ("provider", "model"), _SECONDS
        )
        self.first_chunks = Histogram(
            "joch_modelcall_first_chunk_seconds", "Time to the first content.", ("provider", "model"), _SECONDS
        )
        self.tokens = Counter("joch_tokens", "Tokens.", ("provider", "model", "kind"))
        self.cost = Counter("joch_cost_usd", "Money spent at providers, in US dollars.", ("provider", "model"))
        self.cost_unknown = Counter(
            "joch_cost_unknown_calls", "Attempts of which nobody knows the price.", ("provider", "model")
        )
        self.switches = Counter(
            "joch_route_switches", "Moves to the next candidate.", ("route", "from", "to", "reason")
        )
        self.skips = Counter("joch_route_skips", "Candidates passed over.", ("route", "model", "gate"))
        self.health = Gauges("joch_model_health", "3 healthy, 2 degraded, 1 unhealthy, 0 unknown.", ("model",))
        self.cancels = Counter("joch_client_cancels", "Clients that left early.", ("route",))
        self.events_dropped = Gauge("joch_events_dropped_total", "Events that sinks lost.")
        self.config_generation = Gauge("joch_config_generation", "Generation of the configuration.")
        self.config_last_reload_ok = Gauge("joch_config_last_reload_ok", "1 when the last reload was accepted.")
        self._registry = CollectorRegistry(auto_describe=False)
        self._registry.register(self)

    def collect(self) -> Iterator[Metric]:
        """What `prometheus_client` asks a collector for."""
        build = GaugeMetricFamily("joch_build_info", "Always 1.", labels=("version", "python"))
        build.add_metric((self._version, platform.python_version()), 1)
        yield build
        for metric in self._all():
            yield metric.family()

    def _all(self) -> Iterable[Counter | Gauge | Gauges | Histogram]:
        return [metric for metric in vars(self).values() if isinstance(metric, (Counter, Gauge, Gauges, Histogram))]

    def count_call(self, route: str, outcome: str, *, stream: bool, overhead: float) -> None:
        """A call is over. `overhead` is in seconds."""
        self.calls.add((route, outcome, "true" if stream else "false"))
        self.overhead.observe((route,), overhead)
        if outcome == "client_gone":
            self.cancels.add((route,))

    def count_attempt(
        self, model: tuple[str, str], outcome: str, reason: str, seconds: float, first_content: float | None
    ) -> None:
        """An attempt at `model` (provider, ref) is over. Times in seconds; None when no streamed content came."""
        self.attempts.add((*model, outcome, reason))
        self.durations.observe(model, seconds)
        if first_content is not None:
            self.first_chunks.observe(model, first_content)

    def count_cost(self, model: tuple[str, str], usd: Decimal | None) -> None:
        """What an attempt cost in US dollars; None when that is not known."""
        if usd is None:
            self.cost_unknown.add(model)
        elif usd:
            self.cost.add(model, float(usd))

    def render(self) -> bytes:
        """The text exposition."""
        return generate_latest(self._registry)
