"""Providers that break off in the middle of an answer and expect to be asked to go on: an app sees one answer.

Anthropic does so in turns of its own tools (`pause_turn`), Gemini in very long ones (`CONTINUATION`).
"""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal
from typing import Any

import openai
import pytest

from proxy.conformance.simulators.anthropic import AnthropicMessages
from proxy.conformance.simulators.google import GoogleGenerate
from proxy.conformance.simulators.script import Answer, Fault, Say, Tokens
from proxy.conformance.simulators.server import Loop, Simulator
from proxy.resources import Pricing
from tests.support.joch import RunningJoch, running_joch
from tests.support.scripted import Step, event, scripted_server, stream, whole
from tests.support.snapshots import KEY, model, snapshot

PRICES = Pricing(input=Decimal(3), output=Decimal(15))
MODELS = {"anthropic": "claude-opus-4-6", "google": "gemini-4-argon"}


@pytest.fixture(scope="module")
def houses() -> Iterator[dict[str, Simulator]]:
    loop = Loop()
    made = {"anthropic": Simulator(AnthropicMessages(), KEY), "google": Simulator(GoogleGenerate(), KEY)}
    for simulator in made.values():
        simulator.open(loop)
    yield made
    for simulator in made.values():
        simulator.close()
    loop.close()


@pytest.fixture(scope="module")
def joch(houses: dict[str, Simulator]) -> Iterator[RunningJoch]:
    records = [model(house, houses[house].root, "m", model=MODELS[house], pricing=PRICES) for house in houses]
    with running_joch(snapshot(records)) as running:
        yield running


def paused(*texts: str) -> list[Answer]:
    """An answer in several parts, each with its own count of tokens."""
    last = len(texts) - 1
    return [
        Answer(
            blocks=(Say((text[:2], text[2:])),),
            finish="stop" if number == last else "pause",
            tokens=Tokens(input=20 + number, output=5),
        )
        for number, text in enumerate(texts)
    ]


def ask(joch: RunningJoch, house: str, dialect: str, *, stream: bool) -> tuple[str, int, int]:
    """The text, and the tokens in and out."""
    with openai.OpenAI(base_url=joch.base_url, api_key="sk-app", max_retries=0) as client:
        if dialect == "chat":
            asked = {"model": f"{house}:m", "messages": [{"role": "user", "content": "go"}]}
            if stream:
                with client.chat.completions.stream(**asked, stream_options={"include_usage": True}) as events:
                    for _ in events:
                        pass
                    answer = events.get_final_completion()
            else:
                answer = client.chat.completions.create(**asked)
            assert answer.choices[0].finish_reason == "stop"
            usage = answer.usage
            return answer.choices[0].message.content or "", usage.prompt_tokens, usage.completion_tokens
        if stream:
            with client.responses.stream(model=f"{house}:m", input="go") as events:
                for _ in events:
                    pass
                response = events.get_final_response()
        else:
            response = client.responses.create(model=f"{house}:m", input="go")
        assert response.status == "completed"
        return response.output_text, response.usage.input_tokens, response.usage.output_tokens


@pytest.mark.parametrize("stream", [False, True], ids=["whole", "stream"])
@pytest.mark.parametrize("dialect", ["chat", "responses"])
@pytest.mark.parametrize("house", MODELS)
def test_a_paused_answer_is_one_answer_and_every_part_of_it_is_counted(
    houses: dict[str, Simulator], joch: RunningJoch, house: str, dialect: str, stream: bool
) -> None:
    before = houses[house].say(*paused("One. ", "Two. ", "Three."))
    text, tokens_in, tokens_out = ask(joch, house, dialect, stream=stream)
    heard = houses[house].heard[before:]
    assert [each.refused for each in heard] == [None, None, None]
    assert text == "One. Two. Three."
    assert (tokens_in, tokens_out) == (63, 15)


@pytest.mark.parametrize("stream", [False, True], ids=["whole", "stream"])
@pytest.mark.parametrize("house", MODELS)
def test_an_answer_without_end_is_given_up(
    houses: dict[str, Simulator], joch: RunningJoch, house: str, stream: bool
) -> None:
    before = houses[house].say(*paused(*(f"part {number}" for number in range(12))))
    with pytest.raises(openai.APIError, match="paused its answer"):
        ask(joch, house, "chat", stream=stream)
    assert len(houses[house].heard) - before == 6


@pytest.mark.parametrize("stream", [False, True], ids=["whole", "stream"])
@pytest.mark.parametrize("house", MODELS)
@pytest.mark.parametrize(
    "end",
    [
        pytest.param(Answer(fault=Fault(kind="rate_limited")), id="refused"),
        pytest.param(Answer(blocks=(Say(("Two ", "more")),), ending="cut"), id="cut"),
    ],
)
def test_what_came_before_a_failed_part_stays_counted_and_is_never_free(
    houses: dict[str, Simulator], joch: RunningJoch, house: str, end: Answer, stream: bool
) -> None:
    houses[house].say(paused("One. ", "Two.")[0], end)
    joch.events.events.clear()
    with pytest.raises(openai.APIError):
        ask(joch, house, "chat", stream=stream)
    (told,) = joch.events.payloads("ModelCallCompleted")
    assert (told["inputTokens"], told["outputTokens"]) == (20, 5)
    assert (told["usageSource"], told["costGrade"]) == ("partial", "partial")
    assert told["billedRisk"] is True
    assert told["costUsd"] == 0.000135  # 20 tokens at 3 and 5 at 15 dollars a million


def in_anthropics_json(text: str, stop_reason: str) -> bytes:
    said = {"type": "message", "id": "msg_1", "role": "assistant", "model": MODELS["anthropic"], "stop_sequence": None}
    usage = {"input_tokens": 20, "output_tokens": 5}
    return whole(200, {**said, "content": [{"type": "text", "text": text}], "stop_reason": stop_reason, "usage": usage})


def in_anthropics_events(text: str, stop_reason: str) -> list[Step]:
    usage = {"input_tokens": 20, "output_tokens": 5}
    said = {"type": "message", "id": "msg_1", "role": "assistant", "model": MODELS["anthropic"], "content": []}
    events: list[dict[str, Any]] = [
        {"type": "message_start", "message": {**said, "stop_reason": None, "stop_sequence": None, "usage": usage}},
        {"type": "content_block_start", "index": 0, "content_block": {"type": "text", "text": ""}},
        {"type": "content_block_delta", "index": 0, "delta": {"type": "text_delta", "text": text}},
        {"type": "content_block_stop", "index": 0},
        {"type": "message_delta", "delta": {"stop_reason": stop_reason, "stop_sequence": None}, "usage": usage},
        {"type": "message_stop"},
    ]
    return stream(*(event(each, each["type"]) for each in events))


@pytest.mark.parametrize("dialect", ["chat", "responses"])
@pytest.mark.parametrize(
    ("streamed", "first"),
    [
        pytest.param(True, [in_anthropics_json("One. ", "pause_turn")], id="whole for a stream"),
        pytest.param(False, in_anthropics_events("One. ", "pause_turn"), id="stream for a whole"),
    ],
)
def test_a_server_that_answers_in_the_other_form_is_gone_on_with_too(
    dialect: str, streamed: bool, first: list[Step]
) -> None:
    """What stands between joch and a provider may turn the one into the other."""
    with scripted_server() as server:
        url = server.script("a", first, [in_anthropics_json("Two.", "end_turn")])
        record = model("anthropic", url, "m", model=MODELS["anthropic"], pricing=PRICES)
        with running_joch(snapshot([record])) as joch:
            assert ask(joch, "anthropic", dialect, stream=streamed) == ("One. Two.", 40, 10)
