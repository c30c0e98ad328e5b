"""Claude in Foundry: Anthropic's Messages API at an Azure address, with fewer of its features than at Anthropic.

No tools that run at the provider, no files by id, no tiers of service, no beta headers that its pages name. What one model of
Claude lacks is the format's to say. Source: https://platform.claude.com/docs/en/build-with-claude/claude-in-microsoft-foundry
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from translators.canonical import CapabilitySet, Need, Reason, Request, Transform, UpstreamError
from translators.canonical.needs import needs
from translators.formats import Wire
from translators.formats.anthropic_messages import models
from translators.formats.anthropic_messages.families import name_of
from translators.providers.provider import Adapted, ModelFacts

from .surfaces import known_as, surface_of

VERSION = "2023-06-01"
"""The `anthropic-version` that Foundry's pages name."""

CAPABILITIES = CapabilitySet(
    flags={
        "text": True,
        "vision": True,
        "audio": False,
        "toolCalling": True,
        "structuredOutput": True,
        "jsonSchema": True,
        "streaming": True,
        "reasoning": True,
        "computerUse": False,
        "embeddings": False,
    },
    features={
        "ext:cache_control": True,
        "ext:thinking": True,
        "fileInput": True,
        "fileUrl": True,
        "forcedTool": True,
        "imageUrl": True,
        "parallelTools": True,
        "serialTools": True,
        "stop": True,
    },
)
"""The upper bound of this surface alone; that of the provider holds what OpenAI's models can do as well."""


_WITHOUT_MAX = frozenset({"claude-fable-5", "claude-mythos-5"})
"""Models whose highest effort, by Foundry's table, is xhigh."""


def is_claude(facts: ModelFacts) -> bool:
    return surface_of(facts) == "anthropic"


def insist(request: Request, facts: ModelFacts) -> None:
    """Raises `UpstreamError(UNSUPPORTED)` for what Claude in Foundry cannot be asked for.

    Hosted tools that the record declares are its operator's word.
    """
    declared = facts.options.get("hostedTools")
    features = CAPABILITIES.features if declared is None else {**CAPABILITIES.features, "hostedTools": declared}
    missing = replace(CAPABILITIES, features=features).missing(needs(request))
    if missing:
        raise _unsupported(missing[0])


def _unsupported(need: Need) -> UpstreamError:
    what = need.name.removeprefix("feature:")
    return UpstreamError(
        Reason.UNSUPPORTED,
        f"Claude in Foundry does not do what '{need.because}' asks for ({what}).",
        failure="unsupported",
        param=need.because,
    )


def adapt(request: Request, facts: ModelFacts) -> Adapted:
    request, changes = models.adapt(request, known_as(facts), facts.max_output)
    reasoning = request.reasoning
    if reasoning is not None and reasoning.effort == "max" and name_of(known_as(facts)) in _WITHOUT_MAX:
        request = replace(request, reasoning=replace(reasoning, effort="xhigh"))
        changes = (*changes, Transform("reasoning.effort", "mapped", "max is not known to the model here: xhigh"))
    if request.service_tier is not None:
        request = replace(request, service_tier=None)
        changes = (*changes, Transform("service_tier", "dropped", "Claude in Foundry has no tiers"))
    return Adapted(request, changes)


def amend(body: Wire, facts: ModelFacts) -> Wire:
    return models.amend(body, known_as(facts), facts.max_output)


def headers_of(body: Wire, facts: ModelFacts) -> Mapping[str, str]:
    return {"anthropic-version": VERSION} if is_claude(facts) else {}


def prefix_bound(facts: ModelFacts) -> bool:
    return is_claude(facts) and models.is_bound(known_as(facts))
