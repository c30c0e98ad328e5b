"""Who calls, as far as headers, metadata and traceparent say."""

from __future__ import annotations

import pytest
from multidict import CIMultiDict, CIMultiDictProxy

from proxy.server.identity import identify
from translators.canonical import Request, RequestError

CALL = "mc_01M87SHQH59ZW8GDZTRQ3VCD30"
PARENT = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"


def headers(**values: str) -> CIMultiDictProxy[str]:
    return CIMultiDictProxy(CIMultiDict({name.replace("_", "-"): value for name, value in values.items()}))


def asked(**metadata: str) -> Request:
    return Request(messages=(), metadata={name.replace("_", "."): value for name, value in metadata.items()})


def test_an_app_that_says_nothing_is_anonymous_in_an_execution_of_its_own() -> None:
    who = identify(headers(), asked(), CALL)
    assert (who.agent, who.namespace, who.execution_source) == ("anonymous", "default", "inferred")
    assert who.execution == "exec-auto-" + CALL[-12:].lower()


@pytest.mark.parametrize(
    ("given", "metadata", "execution", "source"),
    [
        ({"X_Joch_Execution": "run-7", "traceparent": PARENT}, {"joch_execution": "other"}, "run-7", "header"),
        ({"traceparent": PARENT}, {"joch_execution": "run-8"}, "run-8", "metadata"),
        ({"traceparent": PARENT}, {}, "exec-t-4bf92f3577b34da6", "traceparent"),
    ],
)
def test_the_execution_is_taken_from_the_first_place_that_names_one(
    given: dict[str, str], metadata: dict[str, str], execution: str, source: str
) -> None:
    who = identify(headers(**given), asked(**metadata), CALL)
    assert (who.execution, who.execution_source) == (execution, source)


def test_headers_win_over_metadata() -> None:
    who = identify(headers(X_Joch_Agent="a", X_Joch_Team="t"), asked(joch_agent="b", joch_environment="dev"), CALL)
    assert (who.agent, who.team, who.environment) == ("a", "t", "dev")


@pytest.mark.parametrize("value", ["", "a b", "x" * 129, "näme", "a\tb", "a'--"])
def test_a_value_that_may_not_stand_in_an_event_is_refused_by_name(value: str) -> None:
    with pytest.raises(RequestError) as refused:
        identify(headers(X_Joch_Agent=value), asked(), CALL)
    assert refused.value.body.param == "X-Joch-Agent"
    assert refused.value.status == 400


def test_a_broken_traceparent_is_ignored() -> None:
    assert identify(headers(traceparent="00-zz"), asked(), CALL).execution_source == "inferred"


def test_a_user_is_only_ever_a_hash() -> None:
    who = identify(headers(), Request(messages=(), user="ann@example.org"), CALL)
    assert who.user_hash is not None
    assert "ann" not in who.user_hash
    assert who == identify(headers(), Request(messages=(), user="ann@example.org"), CALL)


@pytest.mark.parametrize(
    ("agent", "framework"),
    [
        ("OpenAI/Python 3.57.0", "openai-python"),
        ("AsyncOpenAI/Python 2.0", "openai-python"),
        ("Agents/Python 0.24", "openai-agents-sdk"),
        ("OpenAI/JS 7.1", "openai-node"),
        ("curl/8", None),
    ],
)
def test_the_framework_is_read_off_the_user_agent(agent: str, framework: str | None) -> None:
    assert identify(headers(User_Agent=agent), asked(), CALL).framework == framework
