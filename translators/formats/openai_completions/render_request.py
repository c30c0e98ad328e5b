"""A canonical request to the body of POST /completions, with every change listed.

It takes what this API has words for: requests that came from it, and a single user message of plain text. For any other need
it raises; routing should have kept such a request away. Nothing is flattened into a prompt: that would put words into a
template only the model's own server knows.
"""

from __future__ import annotations

from translators.canonical import JSON, Native, Reason, Request, StateSpec, Text, Transform, UpstreamError
from translators.canonical.needs import needs
from translators.formats import Rendered, Wire

from .request import FORMAT, SEPARATE

_MET = frozenset(
    {
        "text",
        "streaming",
        "feature:stop",
        "feature:nChoices",
        "feature:penalties",
        "feature:logitBias",
        f"feature:native:{FORMAT}",
    }
)
_HINTS = (
    "tool_choice",
    "parallel_tool_calls",
    "reasoning",
    "audio",
    "verbosity",
    "service_tier",
    "safety_identifier",
)


def render_request(request: Request, model: str) -> Rendered:
    """The body for the upstream model id `model`. Raises `UpstreamError(UNSUPPORTED)` for what it cannot say."""
    for need in needs(request):
        if need.name not in _MET and not need.name.startswith("ext:"):
            raise _unsupported(need.name.removeprefix("feature:"), need.because)
    sampling = request.sampling
    body: Wire = {"model": model, **_prompt(request)}
    members: dict[str, JSON] = {
        "max_tokens": sampling.max_output_tokens,
        "temperature": sampling.temperature,
        "top_p": sampling.top_p,
        "n": sampling.n,
        "stop": None if sampling.stop is None else list(sampling.stop),
        "seed": sampling.seed,
        "frequency_penalty": sampling.frequency_penalty,
        "presence_penalty": sampling.presence_penalty,
        "logit_bias": sampling.logit_bias,
        "user": request.user,
    }
    body.update((key, value) for key, value in members.items() if value is not None)
    if request.stream:
        body["stream"] = True
        options = {"include_usage": request.include_usage or None, "include_obfuscation": request.include_obfuscation}
        if said := {key: value for key, value in options.items() if value is not None}:
            body["stream_options"] = said
    transforms = _dropped(request)
    if request.source is None or request.source.format == FORMAT:
        body = {**request.extensions, **body}
    else:
        transforms += (Transform(f"extensions.{key}", "dropped", "of another dialect") for key in request.extensions)
    return Rendered(body, tuple(transforms))


def _prompt(request: Request) -> Wire:
    """`prompt`, and the members that stand as `Native` blocks beside it."""
    blocks = request.messages[0].blocks if request.messages else ()
    if len(request.messages) != 1 or request.messages[0].role != "user" or request.instructions:
        raise _unsupported("anything but one user message", "messages")
    members: Wire = {}
    texts: list[str] = []
    for block in blocks:
        if isinstance(block, Text):
            texts.append(block.text)
        elif isinstance(block, Native):
            members.update(block.raw)
        else:
            raise _unsupported("anything but text", "messages")
    separate = members.pop(SEPARATE, None)
    members.setdefault("prompt", "".join(texts) if separate is None else texts)
    return members


def _dropped(request: Request) -> list[Transform]:
    """Hints without a place here. What is a need has been refused before."""
    fields = [name for name in _HINTS if getattr(request, name) is not None]
    if request.sampling.top_k is not None:
        fields.append("sampling.top_k")
    if request.state != StateSpec():
        fields.append("state")
    if request.messages[0].name is not None:
        fields.append("messages[0].name")
    fields += [f"cache.{name}" for name in request.cache]
    fields += [f"metadata.{name}" for name in request.metadata]
    return [Transform(name, "dropped", "no such setting here") for name in fields]


def _unsupported(what: str, param: str) -> UpstreamError:
    return UpstreamError(
        Reason.UNSUPPORTED, f"The completions API cannot express {what}.", failure="unsupported", param=param
    )
