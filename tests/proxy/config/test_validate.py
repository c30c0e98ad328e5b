"""What is said of a spec that is not what its schema wants, and where."""

from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from proxy.config import Problem
from proxy.config.documents import Document
from proxy.config.envelope import Resource
from proxy.config.validate import validated

from .schemas import SCHEMAS, members
from .writing import model, only, problems, resource, route, settings, told

EXPECTED = """\
5:3  E-UNKNOWN-FIELD  Model/default/a  spec.provder  there is no field 'provder' here  -> did you mean provider?
6:13  E-TYPE  Model/default/a  spec.provider  should be text  -> put it in quotes: "12"
7:8  E-ENUM  Model/default/a  spec.api  'chatt' is not a value of this field  -> did you mean chat?
8:15  E-UNKNOWN-FIELD  Model/default/a  spec.endpoint.typ  there is no field 'typ' here  -> did you mean type?
8:36  E-SECRET-INLINE  Model/default/a  spec.endpoint.headers  header Authorization carries a credential  -> use auth.secretRef
9:27  E-TYPE  Model/default/a  spec.capabilities.vision  should be true or false  -> YAML 1.2 knows only true and false
9:32  E-UNKNOWN-FIELD  Model/default/a  spec.capabilities.toolcalling  there is no field 'toolcalling' here  -> did you mean toolCalling?
10:34  E-TYPE  Model/default/a  spec.limits.contextWindowTokens  should be a whole number  -> write the number without quotes and without a unit
11:37  E-TYPE  Model/default/a  spec.pricing.inputPerMillionTokens  should be an amount of money, 0 or more  -> write a plain decimal number, such as 0.15
11:72  E-UNKNOWN-FIELD  Model/default/a  spec.pricing.tiers[0].foo  there is no field 'foo' here  -> one of: aboveInputTokens, audioInputPerMillionTokens, audioOutputPerMillionTokens, cacheWrite1hPerMillionTokens, cacheWritePerMillionTokens, cachedInputPerMillionTokens, imageInputPerMillionTokens, inputPerMillionTokens, outputPerMillionTokens, reasoningPerMillionTokens
19:38  E-UNKNOWN-FIELD  ModelRoute/default/r  spec.strategy.fallback[0].timeouts.conectMs  there is no field 'conectMs' here  -> did you mean connectMs?
20:26  E-TYPE  ModelRoute/default/r  spec.strategy.failover.onError  should be true or false  -> YAML 1.2 knows only true and false"""


def test_every_problem_is_found_in_one_run(tmp_path: Path) -> None:
    text = """\
apiVersion: joch.dev/v1alpha1
kind: Model
metadata: { name: a }
spec:
  provder: openai
  provider: 12
  api: chatt
  endpoint: { typ: local, headers: { Authorization: x } }
  capabilities: { vision: yes, toolcalling: true }
  limits: { contextWindowTokens: "8k" }
  pricing: { inputPerMillionTokens: -1, tiers: [{ aboveInputTokens: 1, foo: 2 }] }
---
apiVersion: joch.dev/v1alpha1
kind: ModelRoute
metadata: { name: r }
spec:
  strategy:
    primary: a
    fallback: [{ ref: a, timeouts: { conectMs: 1 } }]
    failover: { onError: "no" }
"""
    name = tmp_path / "c.yaml"
    found = [str(problem).removeprefix(f"{name}:") for problem in problems(tmp_path, text)]
    assert "\n".join(found) == EXPECTED


WRONG = (7, -1, "@@ bad", "", True, [], {"zz": 1}, [7], ["@@"], Decimal("1.5"))
PLAIN = ("should be a number", "should be a whole number", "should be text", "should be true or false")
PLAIN_STARTS = ("should be greater than", "should be less than", "should not be empty")


@pytest.mark.parametrize("kind", SCHEMAS)
def test_whatever_is_wrong_anywhere_is_said_with_what_belongs_there(kind: str) -> None:
    """The message itself says it where a plain value belongs ("should be true or false"), else the hint does."""
    found = 0
    for path in members(SCHEMAS[kind]):
        for wrong in WRONG:
            spec: Any = wrong
            for part in reversed(path):
                spec = {part: spec}
            document = Document("c.yaml", {"spec": spec})
            resource_record = Resource(
                kind=kind, namespace="default", name="x", labels={}, spec=spec, document=document
            )
            told_here: list[Problem] = []
            validated(resource_record, SCHEMAS[kind], told_here)
            for problem in told_here:
                found += 1
                plain = problem.message in PLAIN or problem.message.startswith(PLAIN_STARTS)
                plain = plain or problem.message.endswith(("or more", "or less")) or problem.level != "error"
                assert problem.hint or plain, f"say what to write: {problem}, where {wrong!r} is written"
                assert "cannot be used here" not in problem.message, f"say what is wrong: {problem}"
    assert found > 10


def test_suggestions_reach_into_named_mappings(tmp_path: Path) -> None:
    problem = only(tmp_path, settings("{ providers: { openai: { baseURL: 'http://x' } } }"))
    assert (problem.path, problem.hint) == ("spec.providers.openai.baseURL", "did you mean baseUrl?")


def test_a_lone_candidate_is_followed_as_if_it_were_a_list(tmp_path: Path) -> None:
    text = model("a") + route("r", "strategy: { primary: a, fallback: { ref: a, timeout: {} } }")
    problem = only(tmp_path, text)
    assert (problem.path, problem.hint) == ("spec.strategy.fallback.timeout", "did you mean timeouts?")


def test_a_missing_field_is_named(tmp_path: Path) -> None:
    problem = only(tmp_path, resource("Model", "a", "{ model: x }"))
    assert (problem.code, problem.path, problem.message) == ("E-TYPE", "spec.provider", "provider is required")


def test_a_value_that_could_be_a_key_is_not_repeated(tmp_path: Path) -> None:
    key = "sk-" + "a1B2c3D4e5F6g7H8i9J0"
    for text in (
        model("a", f"provider: openai\napi: {key}"),
        resource("Model", "a", f"{{ provider: openai, {key}: 1 }}"),
    ):
        assert key not in "".join(str(problem) for problem in problems(tmp_path, text))


@pytest.mark.parametrize(
    ("spec", "code", "path"),
    [
        ("auth: { clientKey: forward }", "W-NOT-YET", "spec.auth.clientKey"),
    ],
)
def test_a_field_that_does_nothing_yet_is_named(tmp_path: Path, spec: str, code: str, path: str) -> None:
    assert (code, path) in told(tmp_path, resource("Model", "a", f"provider: openai\n{spec}"))


@pytest.mark.parametrize(
    "spec", ["routing: { weight: 1 }", "auth: { clientKey: forbid, type: bearer }", "disabled: false"]
)
def test_asking_for_what_happens_anyway_is_no_warning(tmp_path: Path, spec: str) -> None:
    assert told(tmp_path, model("a", f"provider: openai\n{spec}")) == []


def test_the_same_field_of_many_resources_is_one_warning(tmp_path: Path) -> None:
    text = "".join(model(name, "provider: openai\nauth: { clientKey: forward }") for name in "abc")
    problem = only(tmp_path, text)
    assert problem.message == "accepted, but this version does not act on it (and 2 more like it)"
    assert problem.resource == "Model/default/a"


def test_nothing_below_a_marked_field_is_listed_again(tmp_path: Path) -> None:
    assert told(tmp_path, settings("{ otel: { enabled: true, retry: { maxAttempts: 1 } } }")) == [
        ("W-NOT-YET", "spec.otel")
    ]


def test_what_would_be_unsafe_to_ignore_is_an_error(tmp_path: Path) -> None:
    for spec, path in [
        ("{ auth: { mode: passthrough } }", "spec.auth.mode"),
        ("{ healthCheck: { mode: synthetic } }", "spec.healthCheck.mode"),
        ("{ listen: { tls: { certFile: a, keyFile: b } } }", "spec.listen.tls"),
    ]:
        assert told(tmp_path, settings(spec)) == [("E-NOT-YET", path)]
