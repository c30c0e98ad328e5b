"""The servers that speak OpenAI's dialects: OpenAI and Azure with both, vLLM, llama.cpp and others with chat.

flavours, models    what differs between servers and between models
*_checks, pieces    what is refused            *_answers    whole and streamed answers
reading             what a request says        saying_no    errors
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from proxy.conformance.simulators.facts import Facts
from proxy.conformance.simulators.script import Answer, Fault
from proxy.conformance.simulators.seals import Seals
from proxy.conformance.simulators.server import Event, Heard, RefusedError, Reply, json_reply

from . import chat_answers, responses_answers, saying_no
from .chat_checks import check_chat
from .flavours import AZURE_FLAVOUR, GENERIC_FLAVOUR, LLAMA_FLAVOUR, OPENAI_FLAVOUR, VLLM_FLAVOUR, Flavour
from .models import OPEN, Rules, rules_of
from .reading import read_chat, read_responses
from .responses_checks import check_responses

Wire = dict[str, Any]

__all__ = [
    "AZURE_FLAVOUR",
    "GENERIC_FLAVOUR",
    "LLAMA_FLAVOUR",
    "OPENAI_FLAVOUR",
    "VLLM_FLAVOUR",
    "OpenAiCompatible",
]

_PATHS = {
    "azure": re.compile(
        r"/openai/(?:v1/(chat/completions|responses)|deployments/([^/]+)/(chat/completions)|(responses))\Z"
    ),
    "": re.compile(r"/v1/(chat/completions|responses)\Z"),
}
_VERSION = re.compile(r"\d{4}-\d\d-\d\d(?:-preview)?\Z|v1\Z|preview\Z|latest\Z")


class OpenAiCompatible:
    """One server. `owner` keeps its encrypted reasoning apart from another's; `deployments` are Azure's names for models."""

    stream_type = "text/event-stream"

    def __init__(self, flavour: Flavour, owner: str | None = None, deployments: dict[str, str] | None = None) -> None:
        self.flavour = flavour
        self.seals = Seals(owner or flavour.name, "openai")
        self._deployments = deployments or {}
        self._turns = 0
        self._spoke = ""

    def serves(self, heard: Heard) -> Reply | None:
        place = self._place(heard)
        if heard.method == "POST" and place is not None:
            if self.flavour.name in ("vllm", "llama-cpp", "generic-openai") and place[0] == "responses":
                return json_reply(404, {"error": {"message": "Not Found", "type": "NotFoundError", "code": 404}})
            return None
        message = f"Invalid URL ({heard.method} {heard.path})"
        if self.flavour.filters:
            return json_reply(404, {"error": {"code": "404", "message": "Resource not found"}})
        return self.flavour.no.refuse(message, status=404).reply

    def authorise(self, heard: Heard, key: str) -> None:
        bearer = heard.headers.get("authorization", "").removeprefix("Bearer ")
        given = (heard.headers.get("api-key") or bearer) if self.flavour.filters else bearer
        if given != key:
            fault = Fault(kind="auth")
            status, body = self.flavour.no.body_of(fault, key)
            raise self.flavour.no.refuse(body["error"]["message"], status=status, code="invalid_api_key")

    def check(self, heard: Heard) -> None:
        no = self.flavour.no
        if not heard.headers.get("content-type", "").startswith("application/json"):
            raise no.refuse("Unsupported content type", status=415)
        if self.flavour.filters and "/openai/v1/" not in heard.path:
            version = heard.query.get("api-version")
            if version is None or not _VERSION.match(version):
                raise no.refuse("Resource not found", status=404, code="404")
        rules = self._rules(heard)
        if self._place_name(heard) == "responses":
            check_responses(heard.body, self.flavour, rules, self.seals)
        else:
            check_chat(self._body(heard), self.flavour, rules)

    def read(self, heard: Heard) -> Facts:
        if self._place_name(heard) == "responses":
            return read_responses(self._body(heard), self.seals)
        return read_chat(self._body(heard))

    def whole(self, answer: Answer, heard: Heard) -> Reply:
        turn, rules, body = self._next(), self._rules(heard), self._served(heard)
        headers = {"x-request-id": f"req_{turn}"}
        if self._place_name(heard) == "responses":
            said = responses_answers.whole(answer, body, self.flavour, rules, self.seals, turn)
            return json_reply(200, said, headers)
        return json_reply(200, chat_answers.completion(answer, body, self.flavour, rules, turn), headers)

    def events(self, answer: Answer, heard: Heard) -> Iterator[Event]:
        turn, rules, body = self._next(), self._rules(heard), self._served(heard)
        if self._place_name(heard) == "responses":
            return responses_answers.events(answer, body, self.flavour, rules, self.seals, turn)
        return chat_answers.events(answer, body, self.flavour, rules, turn)

    def fault(self, fault: Fault, heard: Heard, key: str) -> Reply:
        return self.flavour.no.fault(fault, key)

    def broken(self, fault: Fault, key: str) -> bytes:
        if self._spoke == "responses":
            return saying_no.in_band_responses(self.flavour.no, fault, key)
        return saying_no.in_band_chat(self.flavour.no, fault, key)

    def _next(self) -> str:
        self._turns += 1
        return f"T{self._turns}"

    def _place(self, heard: Heard) -> tuple[str, str | None] | None:
        found = _PATHS["azure" if self.flavour.filters else ""].match(heard.path)
        if found is None:
            return None
        if not self.flavour.filters:
            return found[1], None
        return found[1] or found[3] or found[4], found[2]

    def _place_name(self, heard: Heard) -> str:
        place = self._place(heard)
        self._spoke = "" if place is None else place[0]
        return self._spoke

    def _body(self, heard: Heard) -> Wire:
        """The body with the model that the path names, where it does."""
        place = self._place(heard)
        deployment = place[1] if place is not None else None
        return {**heard.body, "model": deployment} if deployment is not None else heard.body

    def _served(self, heard: Heard) -> Wire:
        """The body as the model answers it: a deployment's own model is what the answer names."""
        body = self._body(heard)
        return {**body, "model": self._deployments.get(body["model"], body["model"])}

    def _rules(self, heard: Heard) -> Rules:
        flavour, body = self.flavour, self._body(heard)
        model = body.get("model")
        if not isinstance(model, str) or not model:
            raise flavour.no.refuse("you must provide a model parameter", param="model")
        if not flavour.knows_models:
            return OPEN
        if flavour.filters:
            known = self._deployments.get(model)
            if known is None:
                reply = flavour.no.fault(Fault(kind="not_found"), "")
                raise RefusedError(reply, f"there is no deployment {model}")
            model = known
        rules = rules_of(model)
        if rules is None:
            message = f"The model `{model}` does not exist or you do not have access to it."
            raise flavour.no.refuse(message, status=404, code="model_not_found")
        return rules
