"""RouterSettings: what arrives in the record, and what cannot be meant."""

from dataclasses import replace
from pathlib import Path

import pytest

from proxy.places import satisfies
from proxy.resources import EFFECTS, RESIDENCY_RULES, ResidencyRule, Settings

from .writing import loaded, model, only, settings

SPEC = """
listen: { address: 127.0.0.2, port: 9000, basePaths: [/v1], allowedHosts: [joch.test, joch.test], maxBodyBytes: 1000 }
auth: { mode: open }
timeouts: { connectMs: 1s, contentMs: 9s }
implicitModels: off
unknownModel: default-route
defaultModelRouteRef: a
response: { headers: false }
exposeReasoning: never
streaming: { keepAliveSeconds: 5 }
unknownFields: reject
limits: { maxConcurrent: 3, maxQueueMs: 0 }
events: { file: e.jsonl }
metrics: { prometheus: false }
logging: { level: debug, format: text }
"""


def test_every_setting_that_counts_arrives(tmp_path: Path) -> None:
    found = loaded(tmp_path, settings(SPEC) + model("a")).snapshot.settings
    assert (found.address, found.port, found.base_paths) == ("127.0.0.2", 9000, ("/v1",))
    assert (found.allowed_hosts, found.max_body_bytes) == (("joch.test",), 1000)
    assert (found.clocks.connect, found.clocks.content, found.clocks.idle) == (1.0, 9.0, 60.0)
    assert (found.implicit_models, found.unknown_model, found.default_route) == ("off", "default-route", "openai:a")
    assert (found.response_headers, found.expose_reasoning, found.unknown_fields) == (False, "never", "reject")
    assert (found.keep_alive_seconds, found.max_concurrent, found.max_queue_seconds) == (5.0, 3, 0.0)
    assert (found.events_file, found.prometheus, found.log_level, found.log_format) == (
        "e.jsonl",
        False,
        "debug",
        "text",
    )


def test_what_is_left_out_keeps_its_default(tmp_path: Path) -> None:
    assert loaded(tmp_path, settings("{}") + model("a")).snapshot.settings == Settings()
    assert loaded(tmp_path, model("a")).snapshot.settings == Settings()


def test_members_nobody_knows_may_be_dropped(tmp_path: Path) -> None:
    found = loaded(tmp_path, settings("{ unknownFields: drop }") + model("a"))
    assert (found.snapshot.settings.unknown_fields, found.problems) == ("drop", ())


def test_an_unknown_name_is_an_error_where_a_later_answer_was_asked_for(tmp_path: Path) -> None:
    found = loaded(tmp_path, settings("{ unknownModel: passthrough-first }") + model("a"))
    assert found.snapshot.settings.unknown_model == "error"
    assert [problem.code for problem in found.problems] == ["W-NOT-YET"]


EU = RESIDENCY_RULES["EU"]


@pytest.mark.parametrize(
    ("written", "code", "rule"),
    [
        ("EU: { match: all }", "EU", replace(EU, match="all")),
        ("eu: { allow: [EU-North] }", "EU", ResidencyRule(allow=("eu-north",), deny=EU.deny)),
        ("EU: { deny: [eu-west-1] }", "EU", replace(EU, deny=("eu-west-1",))),
        ("EU: { deny: [] }", "EU", replace(EU, deny=())),
        ("EU: { match: all }, eu: { deny: [] }", "EU", replace(EU, match="all", deny=())),
        ("DE: { allow: [germany*] }", "DE", ResidencyRule(allow=("germany*",))),
    ],
)
def test_what_is_not_written_of_a_built_in_rule_is_kept(
    tmp_path: Path, written: str, code: str, rule: ResidencyRule
) -> None:
    rules = loaded(
        tmp_path, settings(f"{{ residency: {{ {written} }} }}") + model("a")
    ).snapshot.settings.residency.rules
    assert rules == {**RESIDENCY_RULES, code: rule}


def test_london_stays_outside_the_eu_whose_regions_are_written(tmp_path: Path) -> None:
    text = settings('{ residency: { EU: { allow: [eu, "eu-*", "europe-*"] } } }') + model(
        "london", "provider: vllm\nendpoint: { baseUrl: https://gpu }\nrouting: { regions: [europe-west2] }"
    )
    found = loaded(tmp_path, text).snapshot
    assert not satisfies(found.models["vllm:london"], "EU", found.settings.residency).ok


@pytest.mark.parametrize(
    ("written", "code", "path", "hint"),
    [
        ("DE: { match: all }", "E-RESIDENCY-CODE", "DE", "write allow: [ … ]"),
        ("EU: { allow: [] }", "E-RESIDENCY-CODE", "EU", "write allow: [ … ]"),
        ("stict: true", "E-TYPE", "stict", "did you mean strict?"),
        ("EU: [eu]", "E-TYPE", "EU", "write EU: { allow: [ … ] }"),
        ("EU: { alow: [eu] }", "E-UNKNOWN-FIELD", "EU.alow", "did you mean allow?"),
        ("EU: { match: al }", "E-ENUM", "EU.match", "did you mean all?"),
        (
            "EU: { allow: [eu, Europe-West2] }",
            "W-RESIDENCY",
            "EU.allow[1]",
            "write deny: [ … ] without it in the rule EU, or delete it here",
        ),
    ],
)
def test_a_residency_rule_that_cannot_be_meant_is_said(
    tmp_path: Path, written: str, code: str, path: str, hint: str
) -> None:
    problem = only(tmp_path, settings(f"{{ residency: {{ {written} }} }}") + model("a"))
    assert (problem.code, problem.path, problem.hint) == (code, f"spec.residency.{path}", hint)


@pytest.mark.parametrize(
    ("written", "path"),
    [
        ("degradedErrorRate: 0.7", "degradedErrorRate"),
        ("unhealthyErrorRate: 0.1", "unhealthyErrorRate"),
        ("degradedErrorRate: 0.5, unhealthyErrorRate: 0.4", "degradedErrorRate"),
        ("openSeconds: 2m", "openSeconds"),
        ("maxOpenSeconds: 1", "maxOpenSeconds"),
    ],
)
def test_figures_of_health_that_contradict_each_other_are_an_error(tmp_path: Path, written: str, path: str) -> None:
    problem = only(tmp_path, settings(f"{{ health: {{ {written} }} }}") + model("a"))
    assert (problem.code, problem.path) == ("E-TYPE", f"spec.health.{path}")
    assert problem.hint is not None
    assert problem.hint.startswith("write ")


def test_figures_of_health_may_be_equal(tmp_path: Path) -> None:
    text = "{ health: { degradedErrorRate: 0.5, unhealthyErrorRate: 0.5, openSeconds: 90, maxOpenSeconds: 90s } }"
    found = loaded(tmp_path, settings(text) + model("a")).snapshot.settings.health
    assert (found.degraded_error_rate, found.unhealthy_error_rate) == (0.5, 0.5)
    assert (found.open_seconds, found.max_open_seconds) == (90.0, 90.0)


@pytest.mark.parametrize("mode", ["tcp", "synthetic"])
def test_a_way_to_check_health_that_is_not_there_is_an_error_that_names_the_others(tmp_path: Path, mode: str) -> None:
    problem = only(tmp_path, settings(f"{{ healthCheck: {{ mode: {mode} }} }}") + model("a"))
    assert (problem.code, problem.path) == ("E-NOT-YET", "spec.healthCheck.mode")
    assert (problem.hint or "").startswith("write list")


@pytest.mark.parametrize("word", ["auto", "o200k_base", "cl100k_base", "heuristic"])
def test_a_tokenizer_is_a_word_that_is_counted_by(tmp_path: Path, word: str) -> None:
    text = settings(f"{{ estimation: {{ tokenizer: {word} }} }}") + model("a")
    assert loaded(tmp_path, text).snapshot.settings.estimation.tokenizer == word


def test_another_tokenizer_is_an_error_that_names_the_nearest(tmp_path: Path) -> None:
    problem = only(tmp_path, settings("{ estimation: { tokenizer: o200k } }") + model("a"))
    assert (problem.code, problem.path, problem.hint) == (
        "E-ENUM",
        "spec.estimation.tokenizer",
        "did you mean o200k_base?",
    )


@pytest.mark.parametrize(
    ("word", "code", "hint"),
    [
        ("read_ony", "W-EFFECT-UNKNOWN", "did you mean read_only?"),
        ("odd", "W-EFFECT-UNKNOWN", f"one of: {', '.join(sorted((*EFFECTS, 'unknown')))}"),
        ("read-only", "E-TYPE", "did you mean read_only?"),
        ("7", "E-TYPE", f"one of: {', '.join(sorted((*EFFECTS, 'unknown')))}"),
    ],
)
def test_a_word_for_what_tools_do_that_nobody_knows_is_said(tmp_path: Path, word: str, code: str, hint: str) -> None:
    problem = only(tmp_path, settings(f"{{ tools: {{ defaultSideEffect: {word} }} }}") + model("a"))
    assert (problem.code, problem.path, problem.hint) == (code, "spec.tools.defaultSideEffect", hint)


def test_every_known_word_for_what_tools_do_is_taken(tmp_path: Path) -> None:
    for word in (*EFFECTS, "unknown"):
        text = settings(f"{{ tools: {{ defaultSideEffect: {word} }} }}") + model("a")
        found = loaded(tmp_path, text)
        assert (found.snapshot.settings.default_side_effect, found.problems) == (word, ())
