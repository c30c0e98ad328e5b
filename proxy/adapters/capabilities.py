"""What a Model record can do: what is declared, probed or in the catalogue, capped by what its provider can do at all.

A record that declares any flag declares all of them: what it leaves out is false (`text` is always true). What a record
that declares none does not say, and neither a probe nor the catalogue does, is unknown, and unknown is not no: the
provider's upper bound holds and the provider itself may refuse.
"""

from __future__ import annotations

from collections.abc import Mapping

from proxy.resources import Model
from translators import providers
from translators.canonical import FLAGS, CapabilitySet
from translators.providers.provider import Provider


def reckoned(model: Model) -> CapabilitySet:
    """The capabilities of a record without binding it; by the record alone where its provider is not installed."""
    try:
        provider = providers.load(model.provider)
    except (providers.UnknownProviderError, providers.BrokenProviderError):
        return CapabilitySet(flags=model.flags, context_window=model.context_window, max_output=model.max_output)
    return effective(model, provider.bound(model.api) if isinstance(provider, Provider) else provider.capabilities)


def effective(model: Model, bound: CapabilitySet) -> CapabilitySet:
    """The capabilities a plan reckons with."""
    flags = {flag: value and bound.flags.get(flag, False) for flag, value in known_flags(model, bound).items()}
    features = {**bound.features, **{name: value for name, value in model.features.items() if name in bound.features}}
    return CapabilitySet(
        flags=flags,
        features=features,
        context_window=model.context_window,
        max_output=model.max_output,
    )


def known_flags(model: Model, bound: CapabilitySet) -> Mapping[str, bool]:
    """All ten flags: declared, probed, from the catalogue, or by the rule above."""
    unknown = {} if model.declares else bound.flags
    return {flag: model.flags.get(flag, flag == "text" or unknown.get(flag, False)) for flag in FLAGS}


def flag_source(model: Model, flag: str) -> str:
    """Where a flag's value comes from: declared, probed, catalog or default."""
    return model.flag_sources.get(flag, "default")
