"""Canonical to the body of generateContent and streamGenerateContent.

Google answers a member it does not know with a 400, so nothing is said that is not in its reference; the model and whether to
stream stand in the path. What Google lacks is a need and raises here; what is only a hint is left out and listed.
Source: https://ai.google.dev/api/generate-content and the types of google-genai 3.6.
"""

from __future__ import annotations

import hashlib
import re
from typing import Any

from translators.canonical import Request, StateSpec, Transform
from translators.formats import Rendered, Wire

from .contents import Contents
from .output import render_output
from .refusing import unsupported
from .sampling import render_modalities, render_sampling, render_thinking
from .tools import render_tools

EXTENSIONS = {
    "safety_settings": "safetySettings",
    "safetySettings": "safetySettings",
    "cached_content": "cachedContent",
    "cachedContent": "cachedContent",
}
"""Members of a client's body that are Google's own, as its users write them into `extra_body`."""

_TIERS = {"default": "standard", "flex": "flex", "priority": "priority"}
_STATE_NEEDS = ("previous_response_id", "conversation", "background", "prompt", "context_management")
_INCLUDED = frozenset(
    {
        "reasoning.encrypted_content",
        "message.output_text.logprobs",
        "web_search_call.action.sources",
        "code_interpreter_call.outputs",
    }
)
"""What an answer has anyway, or is asked for elsewhere."""

# https://cloud.google.com/resource-manager/docs/labels-overview#requirements
_LABEL_KEY = re.compile(r"[a-z][a-z0-9_-]{0,62}")
_LABEL_VALUE = re.compile(r"[a-z0-9_-]{0,63}")


def render_request(request: Request, model: str) -> Rendered:
    """The body for `model`. Raises `UpstreamError(UNSUPPORTED)` for a need that routing should have caught."""
    transforms: list[Transform] = []
    conversation = Contents(request, model, transforms)
    contents, system = conversation.render()
    body: Wire = {"contents": contents}
    if system is not None:
        body["systemInstruction"] = system
    tools, config = render_tools(request, model, transforms)
    if tools:
        body["tools"] = tools
    if config is not None:
        body["toolConfig"] = config
    generation = {
        **render_sampling(request.sampling, transforms),
        **render_output(request.output, transforms),
        **render_thinking(request, transforms),
        **render_modalities(request, transforms),
    }
    if conversation.resolution is not None:
        generation["mediaResolution"] = conversation.resolution
    if generation:
        body["generationConfig"] = generation
    if labels := _labels(request, transforms):
        body["labels"] = labels
    _tier(request, body, transforms)
    _state(request.state, transforms)
    _hints(request, transforms)
    _extensions(request, body, transforms)
    return Rendered(body, tuple(transforms))


def _labels(request: Request, transforms: list[Transform]) -> dict[str, str]:
    """Who asks and what for, as labels of the bill. Ids of people are hashed: labels are no place for them."""
    labels: dict[str, str] = {}
    for name, value in request.metadata.items():
        if _LABEL_KEY.fullmatch(name) and _LABEL_VALUE.fullmatch(value):
            labels[name] = value
            transforms.append(Transform(f"metadata.{name}", "mapped", "it became a label"))
        else:
            transforms.append(Transform(f"metadata.{name}", "dropped", "Google's labels are short and in lower case"))
    for field, user in (("safety_identifier", request.safety_identifier), ("user", request.user)):
        if user is not None and field not in labels:
            labels[field] = hashlib.sha256(user.encode("utf-8", "surrogatepass")).hexdigest()[:32]
            transforms.append(Transform(field, "reshaped", "its hash became a label"))
    return labels


def _tier(request: Request, body: Wire, transforms: list[Transform]) -> None:
    if request.service_tier is None:
        return
    tier = _TIERS.get(request.service_tier)
    if tier is None:
        transforms.append(Transform("service_tier", "dropped", "Google decides"))
        return
    body["serviceTier"] = tier
    if tier != request.service_tier:
        transforms.append(Transform("service_tier", "mapped", f"{request.service_tier} is {tier} here"))


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
    if state.max_tool_calls is not None:
        transforms.append(Transform("state.max_tool_calls", "dropped"))


def _hints(request: Request, transforms: list[Transform]) -> None:
    if request.moderation is not None:
        raise unsupported("moderation", "moderation")
    hints = ("verbosity", "include_obfuscation")
    transforms += (Transform(name, "dropped") for name in hints if getattr(request, name) is not None)
    transforms += (Transform(f"cache.{name}", "dropped", "Google caches prompts by itself") for name in request.cache)


def _extensions(request: Request, body: Wire, transforms: list[Transform]) -> None:
    """Google's own members pass; those that nobody here knows are left out."""
    for name, given in request.extensions.items():
        known = EXTENSIONS.get(name)
        if known is None:
            transforms.append(Transform(f"extensions.{name}", "dropped", "not known to Google"))
        elif _fits(known, given):
            body[known] = given
        else:
            raise unsupported(f"this value of '{name}'", name)


def _fits(member: str, given: Any) -> bool:
    if member == "cachedContent":
        return isinstance(given, str)
    return isinstance(given, list) and all(
        isinstance(each, dict)
        and each.keys() <= {"category", "threshold", "method"}
        and all(isinstance(word, str) for word in each.values())
        for each in given
    )
