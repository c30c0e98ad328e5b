"""The openai SDK as an app uses it, with the wire it reads from on tape.

The SDK is not touched: the tape is a transport of its HTTP library, a public parameter. What the SDK does not read (it stops at
`[DONE]`) is read when the SDK closes the response, so that the tape holds the whole body and says how it ended.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, Literal

import httpx2
import openai

PROMPT = "canary prompt 7f3a9: what is the answer"
"""What every request asks; it must never turn up in an event or an error."""

Api = Literal["chat", "responses"]


@dataclass
class Tape:
    """One response as it was on the wire. `clean` turns true when its body ended as HTTP says it should."""

    status: int
    headers: httpx2.Headers
    raw: bytes = b""
    clean: bool = False


class _Taped(httpx2.SyncByteStream):
    def __init__(self, inner: Any, tape: Tape) -> None:
        self._inner, self._tape = inner, tape
        self._pieces = iter(inner)

    def __iter__(self) -> Iterator[bytes]:
        for piece in self._pieces:
            self._tape.raw += piece
            yield piece
        self._tape.clean = True

    def close(self) -> None:
        try:
            for _ in self:
                pass
        except httpx2.HTTPError:
            pass  # `clean` stays false
        finally:
            self._inner.close()


class _Recorder(httpx2.BaseTransport):
    def __init__(self) -> None:
        self._transport = httpx2.HTTPTransport()
        self.tape = Tape(0, httpx2.Headers())

    def handle_request(self, request: httpx2.Request) -> httpx2.Response:
        response = self._transport.handle_request(request)
        self.tape = Tape(response.status_code, response.headers)
        stream = _Taped(response.stream, self.tape)
        return httpx2.Response(response.status_code, headers=response.headers, stream=stream)

    def close(self) -> None:
        self._transport.close()


@dataclass
class Seen:
    """What the app got: an answer, an error, or an answer that broke off with one. `pieces` are chunks or events."""

    tape: Tape
    text: str = ""
    error: openai.OpenAIError | Exception | None = None
    whole: Any = None
    pieces: list[Any] = field(default_factory=list)

    @property
    def call_id(self) -> str:
        return self.tape.headers.get("x-request-id", "")

    @property
    def usage(self) -> Any:
        """The usage the app was given, whichever way."""
        if self.whole is not None:
            return self.whole.usage
        found = [piece.usage for piece in self.pieces if getattr(piece, "usage", None) is not None]
        found += [piece.response.usage for piece in self.pieces if getattr(piece, "type", "") == "response.completed"]
        return found[-1] if found else None


class Sdk:
    """A synchronous client without retries. One at a time: the tape is that of the last response."""

    def __init__(self) -> None:
        self._recorder = _Recorder()
        http = httpx2.Client(transport=self._recorder)
        self._client = openai.OpenAI(
            api_key="sk-app",
            base_url="http://unused",
            max_retries=0,
            timeout=20,
            http_client=http,
            _strict_response_validation=True,
        )

    def close(self) -> None:
        self._client.close()

    def ask(self, base_url: str, model: str, *, stream: bool, api: Api = "chat", **asked: Any) -> Seen:
        """One call, read to its end; whatever the SDK raises is part of what was seen."""
        client = self._client.with_options(base_url=base_url)
        seen = Seen(self._recorder.tape)
        try:
            if api == "chat":
                messages = [{"role": "user", "content": PROMPT}]
                answer = client.chat.completions.create(
                    **{"model": model, "messages": messages, "stream": stream, **asked}
                )
            else:
                answer = client.responses.create(**{"model": model, "input": PROMPT, "stream": stream, **asked})
            if stream:
                self._read(answer, seen)
            else:
                seen.whole = answer
                seen.text = answer.output_text if api == "responses" else answer.choices[0].message.content
        except Exception as error:  # noqa: BLE001 - also what the SDK should not have raised is an observation
            seen.error = error
        seen.tape = self._recorder.tape
        return seen

    @staticmethod
    def _read(stream: Any, seen: Seen) -> None:
        with stream:
            for piece in stream:
                seen.pieces.append(piece)
                if hasattr(piece, "choices"):
                    seen.text += "".join(choice.delta.content or "" for choice in piece.choices if choice.index == 0)
                elif piece.type == "response.output_text.delta":
                    seen.text += piece.delta


def error_object(seen: Seen) -> dict[str, Any]:
    """The error of OpenAI's envelope, wherever it stands: an HTTP error's body, or the last event of a stream."""
    raw = seen.tape.raw
    if seen.tape.status == 200:
        raw = next(line for line in reversed(raw.splitlines()) if line.startswith(b"data: ")).removeprefix(b"data: ")
    error: dict[str, Any] = json.loads(raw)["error"]
    return error
