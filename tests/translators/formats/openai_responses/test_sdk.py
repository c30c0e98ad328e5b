"""What an unmodified openai client sees of the bytes rendered here."""

import httpx2
import openai
import pydantic
import pytest

from translators.canonical import (
    BlockDelta,
    BlockStart,
    Choice,
    Finish,
    Message,
    Reason,
    Reasoning,
    Response,
    Start,
    Text,
    ToolCall,
    UpstreamError,
    Usage,
    unfold,
)
from translators.formats import json
from translators.formats.openai_responses import CLIENT

from .streams import context

ASKED = {"model": "m", "input": "hi"}


def client(body: bytes, content_type: str = "text/event-stream", status: int = 200) -> openai.OpenAI:
    def answer(request: httpx2.Request) -> httpx2.Response:
        return httpx2.Response(status, content=body, headers={"content-type": content_type})

    return openai.OpenAI(
        api_key="test",
        base_url="http://proxy.test/v1",
        max_retries=0,
        http_client=httpx2.Client(transport=httpx2.MockTransport(answer)),
        _strict_response_validation=True,
    )


def answer(*blocks, finish=Finish.STOP) -> Response:
    choice = Choice(index=0, message=Message("assistant", blocks), finish=finish)
    return Response(id="resp_1", model="m", choices=(choice,), usage=Usage(input=3, output=2), created=7)


def streamed(response: Response) -> bytes:
    return CLIENT.stream_renderer(context()).render(unfold(response))


class Weather(pydantic.BaseModel):
    city: str


def test_a_whole_answer_passes_strict_validation():
    blocks = (Reasoning(("s",)), Text("Hello"), ToolCall("call_1", "f", "{}"))
    wire = CLIENT.render_response(answer(*blocks, finish=Finish.TOOL_CALLS), context())
    with client(json.dumps(wire), "application/json") as sdk:
        response = sdk.responses.create(**ASKED)
    assert response.output_text == "Hello"
    assert [item.type for item in response.output] == ["reasoning", "message", "function_call"]
    assert response.usage.total_tokens == 5


def test_raw_events_pass_strict_validation():
    with client(streamed(answer(Reasoning(("s",), "raw"), Text("Hello"), ToolCall("call_1", "f", "{}")))) as sdk:
        events = list(sdk.responses.create(**ASKED, stream=True))
    assert events[0].type == "response.created"
    assert "".join(event.delta for event in events if event.type == "response.output_text.delta") == "Hello"
    assert events[-1].response.output_text == "Hello"


def test_the_stream_helper_gives_the_final_response():
    data = streamed(answer(Text('{"city":"Oslo"}')))
    with client(data) as sdk, sdk.responses.stream(**ASKED, text_format=Weather) as stream:
        snapshots = [event.snapshot for event in stream if event.type == "response.output_text.delta"]
        final = stream.get_final_response()
    assert snapshots == ['{"city":"Oslo"}']
    assert final.output_parsed == Weather(city="Oslo")


def test_a_broken_stream_raises_in_the_app():
    renderer = CLIENT.stream_renderer(context())
    data = renderer.render([Start("resp_1", "m"), BlockStart(0, 0, Text("")), BlockDelta(0, 0, "text", "par")])
    data += renderer.fail(UpstreamError(Reason.RATE_LIMITED, "slow down"))
    with client(data) as sdk, pytest.raises(openai.APIError, match="slow down") as raised:
        list(sdk.responses.create(**ASKED, stream=True))
    assert (raised.value.code, raised.value.type) == ("rate_limit_exceeded", "rate_limit_error")


def test_an_error_is_of_the_class_that_apps_catch():
    body = json.dumps(CLIENT.render_error(UpstreamError(Reason.CONTEXT_LENGTH, "too long", param="input")))
    with client(body, "application/json", 400) as sdk, pytest.raises(openai.BadRequestError) as raised:
        sdk.responses.create(**ASKED)
    assert (raised.value.code, raised.value.param) == ("context_length_exceeded", "input")
