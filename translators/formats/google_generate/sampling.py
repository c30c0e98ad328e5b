"""Sampling, lengths, reasoning and modalities as members of `generationConfig`.

What only some models take is rendered here and decided by the provider's `adapt`. `maxOutputTokens` counts thoughts too, as
`max_completion_tokens` does. Source: https://ai.google.dev/api/generate-content#GenerationConfig, .../docs/thinking
"""

from __future__ import annotations

from translators.canonical import ReasoningSpec, Request, Sampling, Transform
from translators.formats import Wire

from .refusing import unsupported

STOP_LIMIT = 5
TOP_LOGPROBS_LIMIT = 20
_SEED_MASK = 2**31 - 1

_LEVELS = {
    "none": "minimal",
    "minimal": "minimal",
    "low": "low",
    "medium": "medium",
    "high": "high",
    "xhigh": "xhigh",
    "max": "xhigh",
}
"""Reasoning effort to `thinkingLevel`, where nobody said which levels the model has."""


def render_sampling(sampling: Sampling, transforms: list[Transform]) -> Wire:
    """Raises `UpstreamError(UNSUPPORTED)` for what Google has no word for, and for too many stop sequences."""
    if sampling.logit_bias:
        if any(sampling.logit_bias.values()):
            raise unsupported("logit_bias", "logit_bias")
        transforms.append(Transform("sampling.logit_bias", "dropped", "it changes nothing"))
    if sampling.prediction is not None:
        raise unsupported("a predicted output", "prediction")
    wire: Wire = {}
    for name, value in (
        ("temperature", sampling.temperature),
        ("topP", sampling.top_p),
        ("topK", sampling.top_k),
        ("candidateCount", sampling.n if sampling.n != 1 else None),
        ("maxOutputTokens", sampling.max_output_tokens),
        ("presencePenalty", sampling.presence_penalty),
        ("frequencyPenalty", sampling.frequency_penalty),
    ):
        if value is not None:
            wire[name] = value
    stops = [stop for stop in sampling.stop or () if stop]
    if len(stops) < len(sampling.stop or ()):
        transforms.append(Transform("sampling.stop", "dropped", "an empty text stops nothing"))
    if stops:
        if len(stops) > STOP_LIMIT:
            raise unsupported(f"more than {STOP_LIMIT} stop sequences", "stop")
        wire["stopSequences"] = stops
    if sampling.seed is not None:
        wire["seed"] = sampling.seed if abs(sampling.seed) <= _SEED_MASK else sampling.seed & _SEED_MASK
        if wire["seed"] != sampling.seed:
            transforms.append(Transform("sampling.seed", "reshaped", "cut to 31 bits"))
    if sampling.logprobs or sampling.top_logprobs:
        wire["responseLogprobs"] = True
        if sampling.top_logprobs:
            wire["logprobs"] = min(sampling.top_logprobs, TOP_LOGPROBS_LIMIT)
            if wire["logprobs"] < sampling.top_logprobs:
                transforms.append(Transform("sampling.top_logprobs", "reshaped", f"{TOP_LOGPROBS_LIMIT} at most"))
    return wire


def render_thinking(request: Request, transforms: list[Transform]) -> Wire:
    """`thinkingConfig`: how much, and whether to show it. Both of Google's ways to say how much may not be mixed."""
    reasoning = request.reasoning
    if reasoning is None:
        return {}
    thinking: Wire = {}
    if reasoning.effort is not None:
        level = _LEVELS.get(reasoning.effort)
        if level is None:
            raise unsupported(f"the reasoning effort {reasoning.effort[:32]!r}", "reasoning_effort")
        thinking["thinkingLevel"] = level
        if level != reasoning.effort:
            transforms.append(Transform("reasoning.effort", "mapped", f"{reasoning.effort} is {level} here"))
    elif reasoning.budget_tokens is not None:
        thinking["thinkingBudget"] = reasoning.budget_tokens
    if thinking.get("thinkingBudget") != 0 and _shows_thoughts(request, reasoning):
        thinking["includeThoughts"] = True
    if reasoning.summary not in (None, "auto"):
        transforms.append(Transform("reasoning.summary", "mapped", "Google decides how long a summary is"))
    if reasoning.raw is not None:
        transforms.append(Transform("reasoning.raw", "dropped", "Google has no such setting"))
    return {"thinkingConfig": thinking} if thinking else {}


def _shows_thoughts(request: Request, reasoning: ReasoningSpec) -> bool:
    """Responses clients ask for a summary; other dialects have no word for it, so asking for thoughts is asking to see."""
    if reasoning.summary is not None:
        return True
    if request.source is not None and request.source.format == "openai_responses":
        return False
    return reasoning.effort not in (None, "none") or bool(reasoning.budget_tokens)


def render_modalities(request: Request, transforms: list[Transform]) -> Wire:
    """What the answer is made of, where that is more than text."""
    if unknown := [each for each in request.modalities if each not in ("text", "image")]:
        raise unsupported(f"{unknown[0][:32]} as output", "modalities")
    if request.audio is not None:
        transforms.append(Transform("audio", "dropped", "no sound is asked for"))
    if "image" not in request.modalities:
        return {}
    return {"responseModalities": [each.upper() for each in request.modalities]}
