"""What a Prometheus server reads: checked with prometheus_client's own parser."""

from __future__ import annotations

from prometheus_client.parser import text_string_to_metric_families

from proxy.metrics import Metrics


def read(metrics: Metrics) -> dict[str, dict[frozenset[str], float]]:
    text = metrics.render().decode()
    samples: dict[str, dict[frozenset[str], float]] = {}
    for family in text_string_to_metric_families(text):
        for sample in family.samples:
            samples.setdefault(sample.name, {})[frozenset(sample.labels.values())] = sample.value
    return samples


def test_counts_add_up_by_label() -> None:
    metrics = Metrics("1.2.3")
    for _ in range(3):
        metrics.count_attempt(("openai", "openai:m"), "ok", "", 0.2, None)
    metrics.count_attempt(("openai", "openai:m"), "error", "error_5xx", 0.1, None)
    metrics.tokens.add(("openai", "openai:m", "input"), 40)
    metrics.tokens.add(("openai", "openai:m", "input"), 2)
    samples = read(metrics)
    assert samples["joch_modelcalls_total"] == {
        frozenset({"openai", "openai:m", "ok", ""}): 3,
        frozenset({"openai", "openai:m", "error", "error_5xx"}): 1,
    }
    assert samples["joch_tokens_total"] == {frozenset({"openai", "openai:m", "input"}): 42}


def test_a_histogram_is_cumulative_and_knows_its_sum() -> None:
    metrics = Metrics("1")
    for seconds in (0.01, 0.3, 1000.0):
        metrics.count_attempt(("p", "p:m"), "ok", "", seconds, seconds)
    samples = read(metrics)
    buckets = samples["joch_modelcall_duration_seconds_bucket"]
    assert buckets[frozenset({"p", "p:m", "0.01"})] == 1
    assert buckets[frozenset({"p", "p:m", "0.25"})] == 1
    assert buckets[frozenset({"p", "p:m", "0.5"})] == 2
    assert buckets[frozenset({"p", "p:m", "+Inf"})] == 3
    assert samples["joch_modelcall_duration_seconds_count"][frozenset({"p", "p:m"})] == 3
    assert samples["joch_modelcall_duration_seconds_sum"][frozenset({"p", "p:m"})] == 1000.31


def test_a_client_that_left_is_counted_as_a_cancel() -> None:
    metrics = Metrics("1")
    metrics.count_call("r", "client_gone", stream=True, overhead=0.001)
    samples = read(metrics)
    assert samples["joch_client_cancels_total"] == {frozenset({"r"}): 1}
    assert samples["joch_calls_total"] == {frozenset({"r", "client_gone", "true"}): 1}


def test_build_and_configuration_are_shown() -> None:
    metrics = Metrics("1.2.3")
    metrics.config_generation.value = 4
    samples = read(metrics)
    assert "1.2.3" in next(iter(samples["joch_build_info"]))
    assert samples["joch_config_generation"] == {frozenset(): 4}
