"""What we say to clients is what OpenAI's own SDK reads, over a real socket, with its strict validation where it can hold.

The SDK's type wants a finish reason in every event, which OpenAI itself does not send before the last; so streams are read
leniently, and each event is validated with that one member filled in.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer
from threading import Thread

import openai
import pytest
from openai import OpenAI
from openai.types import Completion

from translators.canonical import Choice, Finish, Message, RequestError, Response, Text, Usage, unfold
from translators.formats.json import dumps
from translators.formats.openai_completions import CLIENT

from .samples import ask, context, event, events, recordings, relayed, said

TOKENS = (
    {"token": "Hi", "logprob": -1.0, "bytes": None, "top_logprobs": [{"token": "Ho", "logprob": -2.0, "bytes": None}]},
)
ANSWER = Response(
    id="chatcmpl-1",
    model="m",
    choices=(
        Choice(index=0, message=Message("assistant", (Text("Hi", logprobs=TOKENS),)), finish=Finish.STOP),
        Choice(index=1, message=Message("assistant", ()), finish=Finish.REFUSAL),
    ),
    usage=Usage(input=3, output=2),
)
ASKED = {"stream": True, "stream_options": {"include_usage": True}}


@contextmanager
def serving(body: bytes, media_type: str, *, strict: bool) -> Iterator[OpenAI]:
    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            self.rfile.read(int(self.headers["content-length"]))
            self.send_response(200)
            self.send_header("content-type", media_type)
            self.send_header("content-length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: object) -> None:
            """Silence."""

    with HTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        try:
            url = f"http://127.0.0.1:{server.server_port}/v1"
            with OpenAI(api_key="k", base_url=url, max_retries=0, _strict_response_validation=strict) as client:
                yield client
        finally:
            server.shutdown()
            thread.join()


def streamed(raw: bytes) -> list[Completion]:
    with serving(raw, "text/event-stream", strict=False) as client:
        return list(client.completions.create(model="m", prompt="x", stream=True))


def test_a_whole_answer_passes_strict_validation():
    body = dumps(CLIENT.render_response(ANSWER, context()))
    with serving(body, "application/json", strict=True) as client:
        completion = client.completions.create(model="m", prompt="x")
    assert [(choice.text, choice.finish_reason) for choice in completion.choices] == [
        ("Hi", "stop"),
        ("", "content_filter"),
    ]
    assert completion.choices[0].logprobs.tokens == ["Hi"]
    assert completion.choices[0].logprobs.top_logprobs == [{"Ho": -2.0}]
    assert (completion.id, completion.usage.total_tokens) == ("cmpl-new1", 5)


def test_a_stream_is_read_and_its_events_are_valid():
    raw = CLIENT.stream_renderer(context(ask(**ASKED))).render(unfold(ANSWER))
    *chunks, usage = streamed(raw)
    assert "".join(chunk.choices[0].text for chunk in chunks if chunk.choices[0].index == 0) == "Hi"
    assert (usage.choices, usage.usage.total_tokens) == ([], 5)
    for each in events(raw)[:-1]:
        for choice in each["choices"]:
            choice["finish_reason"] = choice["finish_reason"] or "stop"
        Completion.model_validate(each)


@pytest.mark.parametrize(
    "recording",
    [
        pytest.param(each, id=each["id"])
        for each in recordings()
        if '"text_completion' in each["response"].get("body_text", "")
    ],
)
def test_a_relayed_recording_is_read(recording):
    raw = recording["response"]["body_text"].encode()
    chunks = streamed(relayed(CLIENT.relay(context(ask(**ASKED))), raw))
    said = "".join(chunk.choices[0].text for chunk in chunks if chunk.choices)
    assert said == "".join(each["choices"][0]["text"] for each in events(raw)[:-1] if each["choices"])
    assert chunks[-1].usage.total_tokens > 0


@pytest.mark.parametrize("make", [CLIENT.relay, CLIENT.stream_renderer])
def test_a_failure_on_the_way_raises_in_the_client(make):
    stream = make(context(ask(stream=True)))
    raw = event(said("Hi")) + stream.fail(RequestError("The provider is gone.", code="incomplete"))
    with pytest.raises(openai.APIError, match="The provider is gone") as caught:
        streamed(raw)
    assert caught.value.code == "incomplete"
