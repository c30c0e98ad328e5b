"""Which format a model speaks: Google's own, or Anthropic's where Google resells Claude."""

from __future__ import annotations

from translators.canonical import Request
from translators.formats import ProviderFormat
from translators.providers.provider import ModelFacts

from .families import is_claude
from .places import model_of


def choose(formats: tuple[ProviderFormat, ...], client: str, request: Request, facts: ModelFacts) -> ProviderFormat:
    google, anthropic = formats
    return anthropic if is_claude(model_of(facts)) else google
