"""The openai SDK as an app uses it, synchronous and asynchronous behind the same five calls.

Every client validates strictly: an answer or an event that is not what the SDK's types say raises here.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Protocol

from openai import AsyncOpenAI, OpenAI
from openai.types.chat import ChatCompletion, ChatCompletionChunk
from openai.types.responses import Response

from tests.support.loops import LoopThread

KEY = "sk-app"


class Sdk(Protocol):
    """What tests ask of a client. Streams are read to their end; helpers give their events and their final object."""

    def chat(self, **asked: Any) -> ChatCompletion: ...

    def chat_chunks(self, **asked: Any) -> list[ChatCompletionChunk]: ...

    def chat_parse(self, **asked: Any) -> Any: ...

    def chat_helper(self, **asked: Any) -> tuple[list[Any], Any]: ...

    def response(self, **asked: Any) -> Response: ...

    def response_events(self, **asked: Any) -> list[Any]: ...

    def response_parse(self, **asked: Any) -> Any: ...

    def response_helper(self, **asked: Any) -> tuple[list[Any], Any]: ...


class SyncSdk:
    """`openai.OpenAI`."""

    def __init__(self, client: OpenAI) -> None:
        self.client = client

    def chat(self, **asked: Any) -> ChatCompletion:
        return self.client.chat.completions.create(**asked)

    def chat_chunks(self, **asked: Any) -> list[ChatCompletionChunk]:
        return list(self.client.chat.completions.create(stream=True, **asked))

    def chat_parse(self, **asked: Any) -> Any:
        return self.client.chat.completions.parse(**asked)

    def chat_helper(self, **asked: Any) -> tuple[list[Any], Any]:
        with self.client.chat.completions.stream(**asked) as stream:
            return list(stream), stream.get_final_completion()

    def response(self, **asked: Any) -> Response:
        return self.client.responses.create(**asked)

    def response_events(self, **asked: Any) -> list[Any]:
        return list(self.client.responses.create(stream=True, **asked))

    def response_parse(self, **asked: Any) -> Any:
        return self.client.responses.parse(**asked)

    def response_helper(self, **asked: Any) -> tuple[list[Any], Any]:
        with self.client.responses.stream(**asked) as stream:
            return list(stream), stream.get_final_response()


class AsyncSdk:
    """`openai.AsyncOpenAI`, on a loop of its own."""

    def __init__(self, client: AsyncOpenAI, loop: LoopThread) -> None:
        self.client, self._loop = client, loop

    def chat(self, **asked: Any) -> ChatCompletion:
        return self._loop.run(self.client.chat.completions.create(**asked))

    def chat_chunks(self, **asked: Any) -> list[ChatCompletionChunk]:
        async def read() -> list[ChatCompletionChunk]:
            return [chunk async for chunk in await self.client.chat.completions.create(stream=True, **asked)]

        return self._loop.run(read())

    def chat_parse(self, **asked: Any) -> Any:
        return self._loop.run(self.client.chat.completions.parse(**asked))

    def chat_helper(self, **asked: Any) -> tuple[list[Any], Any]:
        async def read() -> tuple[list[Any], Any]:
            async with self.client.chat.completions.stream(**asked) as stream:
                return [event async for event in stream], await stream.get_final_completion()

        return self._loop.run(read())

    def response(self, **asked: Any) -> Response:
        return self._loop.run(self.client.responses.create(**asked))

    def response_events(self, **asked: Any) -> list[Any]:
        async def read() -> list[Any]:
            return [event async for event in await self.client.responses.create(stream=True, **asked)]

        return self._loop.run(read())

    def response_parse(self, **asked: Any) -> Any:
        return self._loop.run(self.client.responses.parse(**asked))

    def response_helper(self, **asked: Any) -> tuple[list[Any], Any]:
        async def read() -> tuple[list[Any], Any]:
            async with self.client.responses.stream(**asked) as stream:
                return [event async for event in stream], await stream.get_final_response()

        return self._loop.run(read())


@contextmanager
def sync_sdk(base_url: str, **options: Any) -> Iterator[SyncSdk]:
    """A strict client that does not retry, unless told otherwise."""
    with OpenAI(base_url=base_url, api_key=KEY, **_strict(options)) as client:
        yield SyncSdk(client)


@contextmanager
def async_sdk(base_url: str, **options: Any) -> Iterator[AsyncSdk]:
    """The same, asynchronous."""
    loop = LoopThread()

    async def make() -> AsyncOpenAI:
        return AsyncOpenAI(base_url=base_url, api_key=KEY, **_strict(options))

    client = loop.run(make())
    try:
        yield AsyncSdk(client, loop)
    finally:
        loop.run(client.close())
        loop.close()


def _strict(options: dict[str, Any]) -> dict[str, Any]:
    return {"max_retries": 0, "timeout": 20.0, "_strict_response_validation": True, **options}
