"""The official Python SDK over a transport that answers with given bytes: what an unmodified app sees."""

import httpx2
import openai


def client(body: bytes, content_type: str) -> openai.OpenAI:
    """A client that takes every answer at its strictest and gets `body` for everything it asks."""

    def reply(_request: httpx2.Request) -> httpx2.Response:
        return httpx2.Response(200, headers={"content-type": content_type}, content=body)

    return openai.OpenAI(
        api_key="k",
        base_url="http://sdk.test/v1",
        http_client=httpx2.Client(transport=httpx2.MockTransport(reply)),
        max_retries=0,
        _strict_response_validation=True,
    )


def whole(body: bytes) -> openai.types.chat.ChatCompletion:
    return client(body, "application/json").chat.completions.create(model="m", messages=[])


def raw_chunks(body: bytes) -> list[openai.types.chat.ChatCompletionChunk]:
    return list(client(body, "text/event-stream").chat.completions.create(model="m", messages=[], stream=True))


def helped(body: bytes, tools: tuple[str, ...] = ()) -> openai.types.chat.ChatCompletion:
    """The completion that `chat.completions.stream` adds up."""
    functions = [{"type": "function", "function": {"name": name, "strict": True, "parameters": {}}} for name in tools]
    asked = {"tools": functions} if functions else {}
    with client(body, "text/event-stream").chat.completions.stream(model="m", messages=[], **asked) as stream:
        for _ in stream:
            pass
        return stream.get_final_completion()
