"""Scripted upstreams that answer as five real servers do: what one of them says is decided by the test, how by its wire.

`UPSTREAMS` is the table. An upstream answers any request that reaches it, whole or streamed as the request asks, and keeps
what it heard.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

from proxy.resources import Model
from tests.support.scripted import Received, ScriptedServer, Step, whole
from tests.support.snapshots import model

from . import chat, ollama, responses
from .answer import CREATED, MODEL, Answer, Call, Tokens
from .heard import Heard, heard

__all__ = ["CREATED", "MODEL", "UPSTREAMS", "Answer", "Call", "Heard", "Tokens", "Upstream", "heard"]

Wire = dict[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Upstream:
    """One kind of server, and what its API can tell at all.

    `shows_thoughts`: on chat, or on /responses when a summary was asked for. `lacks` are the capabilities its API does not
    have, as joch names them.
    """

    name: str
    provider: str
    api: str
    answer: Callable[[Answer, Wire], Sequence[Step]]
    shows_thoughts: bool = True
    counts_cached: bool = True
    counts_reasoning: bool = True
    refuses: bool = False
    lacks: frozenset[str] = frozenset()

    def model(self, server: ScriptedServer, **fields: Any) -> Model:
        """The Model record that leads to it; apps ask for it by its name."""
        return model(self.provider, server.url(self.name), self.name, **{"model": MODEL, "api": self.api, **fields})

    def says(self, server: ScriptedServer, answer: Answer) -> None:
        """From now on it answers generation with `answer`."""

        def script(request: Received) -> Sequence[Step]:
            if request.path.endswith(("/chat/completions", "/responses", "/api/chat")):
                return self.answer(answer, request.json)
            return [whole(404, {"error": {"message": f"nothing at {request.path}"}})]

        server.script(self.name, script)

    def told(self, tokens: Tokens) -> Tokens:
        """Of `tokens`, what this server reports."""
        return replace(
            tokens,
            cached=tokens.cached if self.counts_cached else 0,
            reasoning=tokens.reasoning if self.counts_reasoning else 0,
        )


UPSTREAMS = (
    Upstream(
        name="openai-chat",
        provider="openai",
        api="chat",
        answer=lambda answer, body: chat.serve(answer, body, chat.OPENAI),
        shows_thoughts=False,
        refuses=True,
    ),
    Upstream(
        name="openai-responses",
        provider="openai",
        api="responses",
        answer=responses.serve,
        refuses=True,
        lacks=frozenset({"nChoices", "stop"}),
    ),
    Upstream(
        name="vllm",
        provider="vllm",
        api="auto",
        answer=lambda answer, body: chat.serve(answer, body, chat.VLLM),
    ),
    Upstream(
        name="llama-cpp",
        provider="llama-cpp",
        api="auto",
        answer=lambda answer, body: chat.serve(answer, body, chat.LLAMA_CPP),
        counts_reasoning=False,
    ),
    Upstream(
        name="ollama",
        provider="ollama",
        api="auto",
        answer=ollama.serve,
        counts_cached=False,
        counts_reasoning=False,
        lacks=frozenset({"nChoices"}),
    ),
)
