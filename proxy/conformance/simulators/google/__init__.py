"""Google's generateContent as it behaves, on the Gemini API and on Vertex AI.

models      what each model takes          checks, contents   what is refused
answers     whole and streamed answers     saying_no          errors          spelling   two names for each field
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from proxy.conformance.simulators.facts import Facts, media
from proxy.conformance.simulators.script import Answer, Fault, compact
from proxy.conformance.simulators.seals import Seals
from proxy.conformance.simulators.server import Event, Heard, Reply, json_reply

from . import answers, saying_no
from .checks import check
from .contents import DUMMY, kind_of
from .models import Rules, rules_of
from .spelling import get

Wire = dict[str, Any]
_GEMINI = re.compile(r"/v1(?:beta|alpha)?/models/([^/:]+):(generateContent|streamGenerateContent)\Z")
_VERTEX = re.compile(
    r"/v1(?:beta1)?/(?:projects/[^/]+/locations/[^/]+/)?publishers/google/models/([^/:]+)"
    r":(generateContent|streamGenerateContent)\Z"
)

__all__ = ["DUMMY", "GoogleGenerate"]


class GoogleGenerate:
    """The dialect of one Google project; `owner` keeps its signatures apart from another's."""

    stream_type = "text/event-stream"

    def __init__(self, owner: str = "google", *, vertex: bool = False) -> None:
        self.seals = Seals(owner, "google")
        self._vertex = vertex
        self._turns = 0

    def serves(self, heard: Heard) -> Reply | None:
        if heard.method == "POST" and self._place(heard) is not None:
            return None
        return json_reply(404, saying_no.envelope(404, "NOT_FOUND", "Requested entity was not found."))

    def authorise(self, heard: Heard, key: str) -> None:
        if self._vertex:
            if heard.headers.get("authorization") != f"Bearer {key}":
                raise saying_no.refuse(
                    "Request had invalid authentication credentials. Expected OAuth 2 access token, login cookie or other "
                    "valid authentication credential.",
                    401,
                    "UNAUTHENTICATED",
                )
            return
        given = heard.headers.get("x-goog-api-key")
        if given is None:
            raise saying_no.refuse(
                "Method doesn't allow unregistered callers (callers without established identity). Please use API Key or "
                "other form of API consumer identity to call this API.",
                403,
                "PERMISSION_DENIED",
            )
        if given != key:
            raise saying_no.bad_key()

    def check(self, heard: Heard) -> None:
        if self._streams(heard) and heard.query.get("alt") != "sse":
            raise saying_no.refuse("this simulator streams server-sent events only: alt=sse is missing")
        check(heard, self._rules(heard), self.seals, vertex=self._vertex)

    def read(self, heard: Heard) -> Facts:
        return read(heard, self._model(heard), self.seals, stream=self._streams(heard))

    def whole(self, answer: Answer, heard: Heard) -> Reply:
        said = answers.response(answer, heard.body, self._model(heard), self._rules(heard), self.seals, self._next())
        return json_reply(200, said)

    def events(self, answer: Answer, heard: Heard) -> Iterator[Event]:
        return answers.events(answer, heard.body, self._model(heard), self._rules(heard), self.seals, self._next())

    def fault(self, fault: Fault, heard: Heard, key: str) -> Reply:
        return saying_no.fault(fault, key, stream=self._streams(heard))

    def broken(self, fault: Fault, key: str) -> bytes:
        return saying_no.in_band(fault, key)

    def _next(self) -> str:
        self._turns += 1
        return f"T{self._turns}"

    def _place(self, heard: Heard) -> tuple[str, str] | None:
        found = (_VERTEX if self._vertex else _GEMINI).match(heard.path)
        return None if found is None else (found[1], found[2])

    def _model(self, heard: Heard) -> str:
        place = self._place(heard)
        return "" if place is None else place[0]

    def _streams(self, heard: Heard) -> bool:
        place = self._place(heard)
        return place is not None and place[1] == "streamGenerateContent"

    def _rules(self, heard: Heard) -> Rules:
        model = self._model(heard)
        rules = rules_of(model)
        if rules is None:
            raise saying_no.refuse(
                f"models/{model} is not found for API version v1beta, or is not supported for generateContent. Call "
                "ModelService.ListModels to see the list of available models and their supported methods.",
                404,
                "NOT_FOUND",
            )
        return rules


def read(heard: Heard, model: str, seals: Seals, *, stream: bool) -> Facts:
    """What a request says."""
    body = heard.body
    facts = Facts(model=model, stream=stream)
    system = (get(body, "systemInstruction") or {}).get("parts") or []
    for part in [system] if isinstance(system, dict) else system:
        facts.turns.append(("system", part["text"]))
    blobs: list[str] = []
    for content in get(body, "contents"):
        role = "assistant" if content.get("role") == "model" else "user"
        for part in content["parts"]:
            _read_part(facts, role, part)
            blob = get(part, "thoughtSignature")
            if blob is not None:
                blobs.append(blob)
    facts.seals = tuple(
        "dummy" if name == "?" and DUMMY in _plain(blob) else name
        for name, blob in zip(seals.names(blobs), blobs, strict=True)
    )
    _read_tools(facts, body)
    config = get(body, "generationConfig") or {}
    form = get(config, "responseFormat")
    text = ((form if isinstance(form, list) else [form or {}]) or [{}])[0].get("text") or {}
    openapi, schema = get(config, "responseSchema"), get(config, "responseJsonSchema")
    facts.schema = text.get("schema") or schema or openapi
    facts.json = "application/json" in (get(config, "responseMimeType"), get(text, "mimeType"))
    thinking = get(config, "thinkingConfig") or {}
    level, budget = get(thinking, "thinkingLevel"), get(thinking, "thinkingBudget")
    facts.effort = str(level).lower() if level is not None else f"{budget} tokens" if budget is not None else None
    facts.shows = get(thinking, "includeThoughts")
    facts.limit, facts.stop = get(config, "maxOutputTokens"), get(config, "stopSequences")
    facts.temperature, facts.top_p, facts.seed = (get(config, name) for name in ("temperature", "topP", "seed"))
    facts.n, facts.logprobs = get(config, "candidateCount"), bool(get(config, "responseLogprobs"))
    return facts


def _plain(blob: str) -> str:
    return DUMMY if blob == "c2tpcF90aG91Z2h0X3NpZ25hdHVyZV92YWxpZGF0b3I=" else blob


def _read_part(facts: Facts, role: str, part: Wire) -> None:
    match kind_of(part):
        case "text" if part.get("thought") or not part["text"]:
            return
        case "text":
            facts.turns.append((role, part["text"]))
        case "inlineData":
            data = get(part, "inlineData")
            facts.turns.append((f"media {role}", media(get(data, "mimeType"), get(data, "data"))))
        case "fileData":
            facts.turns.append((f"media {role}", get(get(part, "fileData"), "fileUri")))
        case "functionCall":
            call = get(part, "functionCall")
            facts.turns.append((f"call {call['name']}", compact(call.get("args") or {})))
        case "functionResponse":
            response = get(part, "functionResponse")
            facts.turns.append((f"result {response['name']}", _result(response["response"])))
            for below in response.get("parts") or ():
                data = get(below, "inlineData") or {}
                facts.turns.append(
                    (f"media result {response['name']}", media(get(data, "mimeType") or "", get(data, "data") or ""))
                )


def _result(response: Wire) -> str:
    """A result's text: the member `output`, `result` or `error` if that is all there is, else the object."""
    if len(response) == 1 and set(response) <= {"output", "result", "error"}:
        value = next(iter(response.values()))
        return value if isinstance(value, str) else compact(value)
    return compact(response)


def _read_tools(facts: Facts, body: Wire) -> None:
    for tool in get(body, "tools") or ():
        for declared in get(tool, "functionDeclarations") or ():
            name = declared["name"]
            facts.tools.append(name)
            facts.parameters[name] = get(declared, "parametersJsonSchema") or get(declared, "parameters")
            facts.descriptions[name] = declared.get("description", "")
    calling = get(get(body, "toolConfig") or {}, "functionCallingConfig") or {}
    mode, allowed = get(calling, "mode"), get(calling, "allowedFunctionNames") or []
    if mode == "ANY" and len(allowed) == 1:
        facts.choice = allowed[0]
    elif mode is not None:
        facts.choice = {"ANY": "required", "VALIDATED": "auto"}.get(mode, mode.lower())
    facts.strict = dict.fromkeys(facts.tools, mode in ("VALIDATED", "ANY"))
