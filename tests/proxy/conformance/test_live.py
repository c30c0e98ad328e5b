"""Live verification with a real joch and a server that stands in for the provider: checks, money, and its end."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from decimal import Decimal
from typing import Any

import pytest

from proxy.conformance import scenario
from proxy.conformance.live import NotAffordableError, chosen, verify_live
from proxy.conformance.report import Report
from proxy.resources import Pricing
from tests.sdk.upstreams import chat
from tests.sdk.upstreams.answer import Answer, Call, Tokens
from tests.support.scripted import Received, ScriptedServer, Step, scripted_server, whole
from tests.support.snapshots import KEY, KEY_VARIABLE, model, route, snapshot

PRICE = Pricing(input=Decimal(2), output=Decimal(10))
SCENARIOS = [each for each in scenario.load() if each.live is not None]


@pytest.fixture
def server() -> Iterator[ScriptedServer]:
    with scripted_server() as opened:
        yield opened


def sensible(request: Received) -> Sequence[Step]:
    """A model that does what it is asked for."""
    body = request.json
    tools = [tool["function"]["name"] for tool in body.get("tools") or ()]
    called = body["messages"][-1]["role"] == "tool"
    if tools and not called:
        arguments = {"get_weather": '{"city":"Oslo","days":1}'}
        forced = body.get("tool_choice")
        names = [forced["function"]["name"]] if isinstance(forced, dict) else tools
        answer = Answer(
            calls=tuple(Call(f"call_{n}", n, arguments.get(n, "{}")) for n in names), tokens=Tokens(input=50)
        )
    elif "response_format" in body:
        schema = body["response_format"]["json_schema"]["name"]
        made = {
            "Forecast": '{"reasoning":"x","degrees":1,"sky":[]}',
            "Person": '{"name":"a","age":null,"kind":"adult","home":{"street":"a","city":"b"},"friends":[]}',
        }
        answer = Answer(pieces=(made[schema],))
    else:
        answer = Answer(pieces=("Hello", " there."))
    return chat.serve(answer, body, chat.VLLM)


def verified(
    server: ScriptedServer, script: Any, *, cap: str = "1", price: Pricing | None = PRICE, **rest: Any
) -> Report:
    served = snapshot([model("vllm", server.script("live", script), "m", pricing=price, local=False)])
    arguments: dict[str, Any] = {"cap": Decimal(cap), "cap_given": False, "env": {KEY_VARIABLE: KEY}, **rest}
    return verify_live(served, "vllm", arguments.pop("scenarios", SCENARIOS), **arguments)


def test_a_sensible_model_passes(server: ScriptedServer) -> None:
    report = verified(server, sensible)
    assert [cell.failures for cell in report.failed] == []
    words = {(cell.scenario, cell.word) for cell in report.cells}
    assert ("one-tool", "exact") in words
    assert ("pdf", "refused") in words, "what joch refuses is refused live as well"
    assert report.notes[-1].startswith("Spent at most $0.")


def test_a_cap_is_kept_before_every_call(server: ScriptedServer) -> None:
    report = verified(server, sensible, cap="0.03")
    asked = len(server.of("live"))
    assert 0 < asked < len(report.cells)
    assert any(cell.word == "skipped" for cell in report.cells)
    assert "could have passed the cap" in report.notes[0]
    assert verified(server, sensible, cap="0.000001").cells[0].word == "skipped"
    assert len(server.of("live")) == asked, "nothing at all is asked where even one call is too dear"


def test_a_price_that_nobody_knows_needs_a_cap_on_purpose(server: ScriptedServer) -> None:
    with pytest.raises(NotAffordableError, match="price of vllm:m is not known"):
        verified(server, sensible, price=None)
    assert server.of("live") == []
    report = verified(server, sensible, price=None, cap_given=True, scenarios=SCENARIOS[:1])
    assert "$30 in and $180 out per million tokens are assumed" in report.notes[0]


def test_what_is_wrong_with_a_real_model_is_told(server: ScriptedServer) -> None:
    dull = Answer(pieces=("",), tokens=Tokens(input=0, output=0))
    report = verified(server, lambda request: chat.serve(dull, request.json, chat.VLLM))
    told = {failure for cell in report.failed for failure in cell.failures}
    assert "there is no text" in told
    assert any(failure.startswith("none of ['get_weather'") for failure in told)
    assert any("not JSON" in failure for failure in told) or any("SchemaValidation" in failure for failure in told)


def test_a_provider_that_fails_is_told(server: ScriptedServer) -> None:
    report = verified(server, [whole(401, {"error": "Unauthorized"})], scenarios=SCENARIOS[:1])
    assert "the client got an error" in report.failed[0].failures[0]
    assert KEY not in str(report.document())


def test_which_model_is_asked(server: ScriptedServer) -> None:
    models = [model("vllm", server.url("x"), "a"), model("ollama", server.url("x"), "b")]
    served = snapshot(models, [route("both", "vllm:a", "ollama:b"), route("one", "vllm:a")])
    assert chosen(served, "vllm", None)[0] == "vllm:a"
    assert chosen(served, "ollama", "b")[1].provider == "ollama"
    assert chosen(served, "vllm", "one")[1].name == "a"
    for provider, name in (("google", None), ("vllm", "b"), ("vllm", "nobody"), ("vllm", "both")):
        with pytest.raises(NotAffordableError):
            chosen(served, provider, name)
