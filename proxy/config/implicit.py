"""Models nobody declared: which ids a configured provider is taken to serve. A table and a template, no lookups.

They are told by the shapes of the ids a provider is known to use, so that `gpt-4o-mini` finds OpenAI when there is a key
for it, and so does a model that came out yesterday. What the catalogue knows of an id is filled in when it is used.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from fnmatch import fnmatchcase

from proxy import places
from proxy.resources import Auth, Clocks, Model, SecretRef
from translators.providers.provider import Provider

from .keys import LOCAL_PRICING, local_clocks

PATTERNS: dict[str, tuple[str, ...]] = {
    "anthropic": ("claude-*",),
    "google": ("gemini-*",),
    # platform.openai.com/docs/models; fine-tuned ids start with "ft:" and the name of their base model.
    "openai": (
        "gpt-*",
        "o[0-9]*",
        "chatgpt-*",
        "codex-*",
        "text-embedding-*",
        "computer-use*",
        "ft:gpt-*",
        "ft:o[0-9]*",
    ),
}
"""Provider to globs over bare model ids."""

Implicit = tuple[Model, tuple[str, ...]]
"""A template and the bare ids it answers to, as `proxy.resources.Snapshot.implicit` holds them."""


def template(
    record: Provider,
    base_url: str | None,
    *,
    secret: SecretRef | None,
    clocks: Clocks,
    headers: Mapping[str, str],
    local: bool,
    auth: Auth | None = None,
    place: Mapping[str, str] | None = None,
) -> Implicit:
    """What an undeclared model of this provider looks like, and the bare ids that mean one."""
    model = Model(
        name="*",
        provider=record.name,
        model="*",
        base_url=base_url,
        place=place or {},
        auth=auth or Auth(),
        secret=secret,
        clocks=local_clocks(clocks) if local else clocks,
        headers=headers,
        local=local,
        pricing=LOCAL_PRICING if local else None,
        regions=("on-prem",) if local else (),
        zone=places.zone_of(base_url),
        origin="implicit",
    )
    return model, PATTERNS.get(record.name, ())


def find(implicit: Iterable[Implicit], name: str) -> tuple[Model, str] | None:
    """The template that serves `name` and the upstream id, the way the router looks it up."""
    for model, patterns in implicit:
        bare = name.removeprefix(f"{model.provider}:")
        if bare != name or any(fnmatchcase(bare, pattern) for pattern in patterns):
            return model, bare
    return None
