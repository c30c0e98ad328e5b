"""How Anthropic's own service is asked: the rules of its models, its API version, and the features that need a beta header.

Source: https://platform.claude.com/docs/en/api/versioning and /beta-headers
"""

from __future__ import annotations

from collections.abc import Mapping

from translators.canonical import Request
from translators.formats import Wire
from translators.formats.anthropic_messages import models
from translators.providers.provider import Adapted, ModelFacts

VERSION = "2023-06-01"
"""The API version asked for by default; 2026-10-21 only adds to it. A record's `endpoint.apiVersion` replaces it."""

_GEOS = frozenset({"us"})
"""The places that a request can be bound to."""


def known_as(facts: ModelFacts) -> str:
    """The model whose rules hold: what the record says it really is, where a gateway calls it something else."""
    base = facts.options.get("baseModel")
    return base if isinstance(base, str) and base else facts.model


def adapt(request: Request, facts: ModelFacts) -> Adapted:
    return Adapted(*models.adapt(request, known_as(facts), facts.max_output))


def amend(body: Wire, facts: ModelFacts) -> Wire:
    """The request as the model takes it, and bound to the region that the record says its calls are processed in.

    Without `inference_geo` it is processed anywhere (https://platform.claude.com/docs/en/build-with-claude/data-residency).
    """
    model = known_as(facts)
    amended = models.with_loose_binding(models.amend(body, model, facts.max_output), model)
    if facts.region is not None and facts.region.lower() in _GEOS:
        amended = {**amended, "inference_geo": facts.region.lower()}
    return amended


def headers_of(body: Wire, facts: ModelFacts) -> Mapping[str, str]:
    """The version, where the record names one, and the beta features that `body` makes use of."""
    headers: dict[str, str] = {}
    if version := facts.place.get("apiVersion"):
        headers["anthropic-version"] = version
    if betas := models.betas(body):
        headers["anthropic-beta"] = ",".join(betas)
    return headers


def seal(name: str, facts: ModelFacts) -> str:
    """Signatures hold for one model, whatever its date, and wherever it is served."""
    return models.seal(known_as(facts))


def prefix_bound(facts: ModelFacts) -> bool:
    return models.is_bound(known_as(facts))
