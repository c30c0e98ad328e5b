"""Short ways to ask a dialect of the simulators without a server."""

from __future__ import annotations

import json
from typing import Any

from proxy.conformance.simulators.anthropic import AnthropicMessages
from proxy.conformance.simulators.google import GoogleGenerate
from proxy.conformance.simulators.ollama import Ollama
from proxy.conformance.simulators.openai import OPENAI_FLAVOUR, OpenAiCompatible
from proxy.conformance.simulators.openai.flavours import Flavour
from proxy.conformance.simulators.script import Answer, Block, Say, Tokens
from proxy.conformance.simulators.server import Dialect, Heard, RefusedError

Wire = dict[str, Any]
PNG = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="
PDF = "JVBERi0xLjQK"


def heard(path: str, body: Wire, **headers: str) -> Heard:
    """A request that arrived."""
    given = {name.replace("_", "-"): value for name, value in headers.items()}
    path, _, query = path.partition("?")
    return Heard(
        method="POST",
        path=path,
        query=dict(part.split("=") for part in query.split("&") if part),
        headers={"content-type": "application/json", **given},
        body=body,
        raw=json.dumps(body).encode(),
    )


def refusal(dialect: Dialect, asked: Heard) -> str | None:
    """Why it is refused, in the provider's words; None when it is not."""
    try:
        dialect.check(asked)
    except RefusedError as refused:
        return refused.why if refused.reply.status >= 400 else "a refusal with a status of success"
    dialect.read(asked)
    return None


def says(*blocks: Block, **rest: Any) -> Answer:
    """An answer of these blocks."""
    return Answer(blocks=blocks or (Say(("Hi", " there")),), tokens=rest.pop("tokens", Tokens()), **rest)


class Claude:
    """Anthropic's simulator with the body of a plain request to it."""

    def __init__(self, model: str = "claude-opus-4-8") -> None:
        self.dialect = AnthropicMessages()
        self.body: Wire = {"model": model, "max_tokens": 1000, "messages": [{"role": "user", "content": "Hi"}]}

    def asked(self, **members: Any) -> Heard:
        body = {name: value for name, value in {**self.body, **members}.items() if value is not None}
        return heard("/v1/messages", body, anthropic_version="2023-06-01")

    def refusal(self, **members: Any) -> str | None:
        return refusal(self.dialect, self.asked(**members))

    def answer(self, answer: Answer, **members: Any) -> Wire:
        """The whole answer to a request that is not refused."""
        asked = self.asked(**members)
        self.dialect.check(asked)
        said: Wire = json.loads(self.dialect.whole(answer, asked).body)
        return said


class Gemini:
    """Google's simulator with the body of a plain request to it."""

    def __init__(self, model: str = "gemini-3.5-flash", *, vertex: bool = False) -> None:
        self.dialect = GoogleGenerate(vertex=vertex)
        place = "/v1/projects/p/locations/global/publishers/google" if vertex else "/v1beta"
        self.path = f"{place}/models/{model}"
        self.body: Wire = {"contents": [{"role": "user", "parts": [{"text": "Hi"}]}]}

    def asked(self, **members: Any) -> Heard:
        return heard(f"{self.path}:generateContent", {**self.body, **members})

    def refusal(self, **members: Any) -> str | None:
        return refusal(self.dialect, self.asked(**members))

    def answer(self, answer: Answer, **members: Any) -> Wire:
        asked = self.asked(**members)
        self.dialect.check(asked)
        said: Wire = json.loads(self.dialect.whole(answer, asked).body)
        return said


class Gpt:
    """OpenAI's simulator, or that of another server with its dialects."""

    def __init__(
        self, model: str = "gpt-5.4", flavour: Flavour = OPENAI_FLAVOUR, path: str = "/v1", **rest: Any
    ) -> None:
        self.dialect = OpenAiCompatible(flavour, **rest)
        self.model, self.path = model, path

    def chat(self, **members: Any) -> Heard:
        body = {"model": self.model, "messages": [{"role": "user", "content": "Hi"}], **members}
        return heard(f"{self.path}/chat/completions", body)

    def responses(self, **members: Any) -> Heard:
        return heard(f"{self.path}/responses", {"model": self.model, "input": "Hi", "store": False, **members})

    def refusal_on_chat(self, **members: Any) -> str | None:
        return refusal(self.dialect, self.chat(**members))

    def refusal_on_responses(self, **members: Any) -> str | None:
        return refusal(self.dialect, self.responses(**members))


def ollama(**members: Any) -> tuple[Ollama, Heard]:
    body = {"model": "qwen3:8b", "messages": [{"role": "user", "content": "Hi"}], "truncate": False, "shift": False}
    return Ollama(), heard("/api/chat", {**body, **members})
