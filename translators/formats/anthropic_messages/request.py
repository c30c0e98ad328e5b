"""Canonical to the body of POST /v1/messages. What Anthropic lacks is a need and raises; what is only a hint is left out and listed.

Nothing here depends on the model: see `models` for what differs between them.
Source: https://platform.claude.com/docs/en/api/messages
"""

from __future__ import annotations

import hashlib

from translators.canonical import OutputSpec, Request, Sampling, StateSpec, Transform
from translators.formats import Rendered, Wire

from .caching import Marks
from .errors import unsupported
from .messages import Messages
from .reasoning import limit_of, render_reasoning
from .schema import NotBindableError, bound, in_words, optional_count, union_count
from .tools import STRICT_OPTIONAL, STRICT_UNIONS, ToolUse, render_tools, tools_of

EXTENSIONS = ("cache_control", "container", "inference_geo", "speed", "thinking")
"""Members of Anthropic's own, as its users write them into `extra_body`. They go over what is made of other members."""

_JSON_ONLY = "Answer with one JSON object and nothing else: no words around it, no code fence."
_BY_SCHEMA = "It must be valid against this JSON schema:\n"
_TIERS = {"auto": "auto", "default": "standard_only", "standard": "standard_only", "priority": "auto"}
_PENALTIES = ("frequency_penalty", "presence_penalty")
_HINTS = ("verbosity", "include_obfuscation")
_STATE_NEEDS = ("previous_response_id", "conversation", "background", "prompt", "context_management")
# What the gateway itself gives back: sealed thoughts, and the sources of a search.
_INCLUDED = frozenset({"reasoning.encrypted_content", "web_search_call.action.sources"})


def render_request(request: Request, model: str) -> Rendered:
    """The body for `model`. Raises `UpstreamError(UNSUPPORTED)` for a need that routing should have caught."""
    transforms: list[Transform] = []
    marks = Marks(transforms)
    form, demand = _output(request.output, transforms)
    use = render_tools(request, marks, transforms, None if form is None else form["schema"])
    system, messages = Messages(request, marks, transforms).render()
    if demand is not None:
        system.append({"type": "text", "text": demand})
    body: Wire = {"model": model, "max_tokens": 0}
    if request.stream:
        body["stream"] = True
    if system:
        body["system"] = system
    body["messages"] = messages
    _use(use, body, transforms)
    if form is not None:
        body["output_config"] = {"format": form}
    render_reasoning(request, body, transforms)
    body["max_tokens"] = limit_of(request, body)
    _sampling(request.sampling, body, transforms)
    _state(request.state, transforms)
    _hints(request, body, transforms)
    _extensions(request, body, transforms)
    marks.settle(body)
    marks.write(automatic="cache_control" in body)
    return Rendered(body, tuple(transforms))


def _use(use: ToolUse, body: Wire, transforms: list[Transform]) -> None:
    tools, choice = use.tools, use.choice
    if not tools and (used := tools_of(body["messages"])):
        tools, choice = used, {"type": "none"}
        transforms.append(
            Transform("tools", "reshaped", "the tools of the conversation are declared, and none allowed")
        )
    if tools:
        body["tools"] = tools
    if choice is not None:
        body["tool_choice"] = choice
    if use.container is not None:
        body["container"] = use.container


def _output(output: OutputSpec, transforms: list[Transform]) -> tuple[Wire | None, str | None]:
    """The format that binds the answer, or the instruction that stands in for it."""
    if output.kind == "text":
        return None, None
    if output.kind == "grammar":
        raise unsupported("a grammar for the answer", "response_format")
    if output.kind == "json_schema" and output.schema is not None:
        try:
            schema = _bound(output.schema, transforms)
        except NotBindableError as error:
            transforms.append(Transform("output", "emulated", f"asked for in words: it cannot be bound to {error}"))
        else:
            if output.description is not None and "description" not in schema:
                schema["description"] = output.description
                transforms.append(Transform("output.description", "mapped", "it describes the schema"))
            elif output.description is not None:
                transforms.append(Transform("output.description", "dropped", "the schema has its own"))
            return {"type": "json_schema", "schema": schema}, None
    else:
        transforms.append(Transform("output", "emulated", "asked for in words; nothing enforces it"))
    return None, _demand(output, transforms)


def _bound(schema: Wire, transforms: list[Transform]) -> Wire:
    """The schema of the answer in the subset and its limits. Raises `NotBindableError`, and then has listed nothing."""
    changes: list[Transform] = []
    wire = bound(schema, "output.schema", changes)
    if optional_count(wire) > STRICT_OPTIONAL or union_count(wire) > STRICT_UNIONS:
        raise NotBindableError(f"more than {STRICT_OPTIONAL} optional or {STRICT_UNIONS} many-typed members")
    transforms += changes
    return wire


def _demand(output: OutputSpec, transforms: list[Transform]) -> str:
    demand = [_JSON_ONLY]
    if output.description is not None:
        demand.append(f"It is: {output.description}")
        transforms.append(Transform("output.description", "mapped", "it is part of the instruction"))
    if output.schema is not None:
        demand.append(_BY_SCHEMA + in_words(output.schema, "response_format"))
    return "\n".join(demand)


def _sampling(sampling: Sampling, body: Wire, transforms: list[Transform]) -> None:
    _refuse(sampling, transforms)
    thinks = body.get("thinking", {}).get("type") in ("enabled", "adaptive")
    if sampling.temperature is not None:
        if thinks and sampling.temperature != 1:
            transforms.append(Transform("sampling.temperature", "dropped", "it is 1 where the model thinks"))
        else:
            body["temperature"] = min(sampling.temperature, 1.0)
            if sampling.temperature > 1:
                transforms.append(Transform("sampling.temperature", "reshaped", "1 is the most"))
    if sampling.top_p is not None:
        if thinks and sampling.top_p < 0.95:
            transforms.append(Transform("sampling.top_p", "dropped", "it is 0.95 at least where the model thinks"))
        else:
            body["top_p"] = sampling.top_p
    if sampling.top_k is not None:
        if thinks:
            transforms.append(Transform("sampling.top_k", "dropped", "it is not taken where the model thinks"))
        else:
            body["top_k"] = sampling.top_k
    if sampling.stop:
        if not all(stop.strip() for stop in sampling.stop):
            raise unsupported("a stop sequence of nothing but blanks", "stop")
        body["stop_sequences"] = list(sampling.stop)


def _refuse(sampling: Sampling, transforms: list[Transform]) -> None:
    """Raises for what Anthropic has no parameter for, unless it changes nothing."""
    if sampling.n is not None and sampling.n > 1:
        raise unsupported("n above 1", "n")
    if sampling.logprobs or sampling.top_logprobs:
        raise unsupported("logprobs", "logprobs")
    if sampling.prediction is not None:
        raise unsupported("a predicted output", "prediction")
    if any((sampling.logit_bias or {}).values()):
        raise unsupported("logit_bias", "logit_bias")
    for name in _PENALTIES:
        if getattr(sampling, name):
            raise unsupported(name, name)
    given = (name for name in ("logit_bias", *_PENALTIES) if getattr(sampling, name) is not None)
    transforms += (Transform(f"sampling.{name}", "mapped", "it changes nothing") for name in given)
    if sampling.seed is not None:
        transforms.append(Transform("sampling.seed", "dropped", "there is no seed"))


def _state(state: StateSpec, transforms: list[Transform]) -> None:
    for name in _STATE_NEEDS:
        if getattr(state, name):
            raise unsupported("state kept between calls", name)
    if state.store:
        transforms.append(Transform("state.store", "dropped", "nothing is kept"))
    if state.truncation not in (None, "disabled"):
        transforms.append(Transform("state.truncation", "dropped", "a prompt that is too long is an error"))
    if not _INCLUDED.issuperset(state.include):
        transforms.append(Transform("state.include", "dropped"))


def _hints(request: Request, body: Wire, transforms: list[Transform]) -> None:
    if any(modality != "text" for modality in request.modalities):
        raise unsupported("output other than text", "modalities")
    if request.moderation is not None:
        raise unsupported("moderation", "moderation")
    if request.audio is not None:
        transforms.append(Transform("audio", "dropped", "no sound is asked for"))
    _user(request, body, transforms)
    tier = request.service_tier
    if tier is not None:
        if tier in _TIERS:
            body["service_tier"] = _TIERS[tier]
        if _TIERS.get(tier) != tier:
            action = "mapped" if tier in _TIERS else "dropped"
            transforms.append(
                Transform("service_tier", action, "priority is the account's to have, and used by itself")
            )
    transforms += (Transform(name, "dropped") for name in _HINTS if getattr(request, name) is not None)
    transforms += (Transform(f"cache.{name}", "dropped", "prompts are cached by marks") for name in request.cache)
    transforms += (Transform(f"metadata.{name}", "dropped") for name in request.metadata)


def _user(request: Request, body: Wire, transforms: list[Transform]) -> None:
    """The end user, never by name: Anthropic wants an identifier that says nothing about a person."""
    identity = request.safety_identifier if request.safety_identifier is not None else request.user
    if identity is None:
        return
    digest = hashlib.sha256(identity.encode("utf-8", "surrogatepass")).hexdigest()
    body["metadata"] = {"user_id": digest}
    if request.safety_identifier is not None:
        transforms.append(Transform("safety_identifier", "mapped", "a digest of it"))
        if request.user is not None:
            transforms.append(Transform("user", "dropped", "safety_identifier says it"))
    else:
        transforms.append(Transform("user", "mapped", "a digest of it"))


def _extensions(request: Request, body: Wire, transforms: list[Transform]) -> None:
    for name, value in request.extensions.items():
        if name in EXTENSIONS:
            body[name] = value
        else:
            transforms.append(Transform(f"extensions.{name}", "dropped", "not known to Anthropic"))
