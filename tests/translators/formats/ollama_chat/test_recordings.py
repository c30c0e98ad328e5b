"""Every recorded exchange of /api/chat says the same after it went through the format, however its bytes are split.

`JOCH_RECORDINGS` may name a folder with more recordings of the same shape.
"""

import json
import os
from datetime import UTC, datetime
from pathlib import Path

import pytest

from translators.canonical import (
    Finish,
    Message,
    OutputSpec,
    Reason,
    Reasoning,
    ReasoningSpec,
    Request,
    Response,
    Sampling,
    Text,
    Tool,
    ToolCall,
    ToolResult,
    UpstreamError,
    fold,
)
from translators.formats.ollama_chat import PROVIDER

FOLDERS = [Path(__file__).parents[3] / "recordings"]
if "JOCH_RECORDINGS" in os.environ:
    FOLDERS.append(Path(os.environ["JOCH_RECORDINGS"]))


def exchanges() -> list[dict]:
    found = {}
    for folder in FOLDERS:
        for path in sorted(folder.glob("**/*.json")):
            if '"ollama_chat"' in (text := path.read_text()) and (exchange := json.loads(text))["api"] == "ollama_chat":
                found.setdefault(exchange["id"], exchange)
    return list(found.values())


EXCHANGES = exchanges()
ANSWERS = [exchange for exchange in EXCHANGES if exchange["response"]["status"] == 200]


def by_id(chosen: list[dict]) -> list:
    return [pytest.param(exchange, id=exchange["id"]) for exchange in chosen]


WHOLE = by_id([exchange for exchange in ANSWERS if not exchange["stream"]])
STREAMS = by_id([exchange for exchange in ANSWERS if exchange["stream"]])
REFUSALS = by_id([exchange for exchange in EXCHANGES if exchange not in ANSWERS])
REQUESTS = by_id([exchange for exchange in EXCHANGES if exchange["request"]["body"]])


def documents(exchange) -> list[dict]:
    answer = exchange["response"]
    if answer.get("body_json") is not None:
        return [answer["body_json"]]
    return [json.loads(line) for line in answer["body_text"].splitlines() if line.strip()]


def assert_says_the_same(response: Response, lines: list[dict]) -> None:
    """Compares with what the lines say, read here without any of the code under test."""
    messages = [line["message"] for line in lines]
    blocks = response.choices[0].message.blocks
    calls = [call["function"] for message in messages for call in message.get("tool_calls") or ()]
    assert "".join(block.text for block in blocks if isinstance(block, Text)) == "".join(m["content"] for m in messages)
    assert "".join(block.text or "" for block in blocks if isinstance(block, Reasoning)) == "".join(
        message.get("thinking", "") for message in messages
    )
    seen = [block for block in blocks if isinstance(block, ToolCall)]
    assert [(call.name, json.loads(call.arguments)) for call in seen] == [(c["name"], c["arguments"]) for c in calls]
    assert len({call.id for call in seen}) == len(seen)
    assert all(call.id.startswith("call_") for call in seen)
    last = lines[-1]
    expected = Finish.TOOL_CALLS if calls and last["done_reason"] == "stop" else Finish(last["done_reason"])
    assert (response.choices[0].finish, response.choices[0].finish_raw) == (expected, last["done_reason"])
    assert (response.usage.input, response.usage.output) == (last.get("prompt_eval_count", 0), last["eval_count"])
    assert response.usage.source == ("provider" if "prompt_eval_count" in last else "partial")
    assert response.model == last["model"]
    assert str(datetime.fromtimestamp(response.created, UTC)).startswith(lines[0]["created_at"][:10])


@pytest.mark.parametrize("exchange", WHOLE)
def test_a_whole_answer_says_the_same(exchange):
    body = documents(exchange)[0]
    assert_says_the_same(PROVIDER.parse_response(body, "ollama"), [body])


@pytest.mark.parametrize("exchange", STREAMS)
def test_a_stream_says_the_same_however_it_is_split(exchange):
    raw = exchange["response"]["body_text"].encode()
    folded = []
    for step in (len(raw), 1, 7, 1000):
        parser = PROVIDER.stream_parser("ollama")
        chunks = [chunk for at in range(0, len(raw), step) for chunk in parser.feed(raw[at : at + step])]
        folded.append(fold(chunks + parser.close()))
    assert_says_the_same(folded[0], documents(exchange))
    assert folded == [folded[0]] * len(folded)


@pytest.mark.parametrize("exchange", STREAMS)
def test_a_stream_without_its_last_line_has_failed(exchange):
    lines = exchange["response"]["body_text"].encode().strip().split(b"\n")
    parser = PROVIDER.stream_parser("ollama")
    parser.feed(b"\n".join(lines[:-1]) + b"\n")
    with pytest.raises(UpstreamError) as caught:
        parser.close()
    assert caught.value.reason is Reason.STREAM_CUT


@pytest.mark.parametrize("exchange", REFUSALS)
def test_a_refusal_keeps_its_words(exchange):
    answer = exchange["response"]
    error = PROVIDER.parse_error(answer["status"], {}, json.dumps(answer["body_json"]).encode())
    assert error.http_status == answer["status"]
    assert error.body.message == answer["body_json"]["error"]


@pytest.mark.parametrize("exchange", REQUESTS)
def test_a_request_is_asked_as_others_ask_it(exchange):
    """The recorded clients and ours say the same to Ollama, but for what we always say and ids they left out."""
    asked = exchange["request"]["body"]
    body = PROVIDER.render_request(canonical(asked), asked["model"]).body
    assert body.pop("truncate") is False
    assert body.pop("shift") is False
    assert body["messages"] == [spelled(message, index, asked) for index, message in enumerate(asked["messages"])]
    assert body["stream"] is asked.get("stream", True)
    assert body.get("tools", []) == (asked.get("tools") or [])
    assert body.get("format", "") == (asked.get("format") or "")
    assert body.get("think") == asked.get("think")
    options = asked.get("options") or {}
    assert body.get("options", {}) == {name: options[name] for name in options if name in OPTIONS}


OPTIONS = {"temperature": "temperature", "num_predict": "max_output_tokens", "seed": "seed", "top_p": "top_p"}


def canonical(asked: dict) -> Request:
    options = asked.get("options") or {}
    output = asked.get("format")
    tools = [tool["function"] for tool in asked.get("tools") or ()]
    think = asked.get("think")
    efforts = {False: ReasoningSpec(effort="none"), True: ReasoningSpec(summary="auto"), None: None}
    return Request(
        messages=tuple(turn(message, index) for index, message in enumerate(asked["messages"])),
        tools=tuple(Tool(name=t["name"], description=t.get("description"), parameters=t["parameters"]) for t in tools),
        output=OutputSpec(kind="json_schema", schema=output)
        if isinstance(output, dict)
        else OutputSpec(kind="json_object" if output else "text"),
        sampling=Sampling(**{ours: options[name] for name, ours in OPTIONS.items() if name in options}),
        reasoning=efforts[think],
        stream=asked.get("stream", True),
    )


def turn(message: dict, index: int) -> Message:
    if message["role"] == "tool":
        return Message("tool", (ToolResult(f"id{index}", (Text(message["content"]),), name=message.get("tool_name")),))
    blocks = [Reasoning(text=message["thinking"])] if message.get("thinking") else []
    blocks += [Text(message["content"])] if message["content"] else []
    for position, call in enumerate(message.get("tool_calls") or ()):
        function = call["function"]
        blocks.append(ToolCall(f"id{index}.{position}", function["name"], json.dumps(function["arguments"])))
    return Message(message["role"], tuple(blocks))


def spelled(message: dict, index: int, asked: dict) -> dict:
    wire = {"role": message["role"], "content": message["content"]}
    if message["role"] == "tool":
        wire["tool_call_id"] = f"id{index}"
        if "tool_name" in message:
            wire["tool_name"] = message["tool_name"]
    last_user = max(i for i, other in enumerate(asked["messages"]) if other["role"] == "user")
    if message.get("thinking") and index > last_user:
        wire["thinking"] = message["thinking"]
    if message.get("tool_calls"):
        wire["tool_calls"] = [
            {
                "id": f"id{index}.{position}",
                "function": {"index": position, "name": c["function"]["name"], "arguments": c["function"]["arguments"]},
            }
            for position, c in enumerate(message["tool_calls"])
        ]
    return wire
