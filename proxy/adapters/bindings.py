"""Bindings by Model record, made when first needed and kept while the record is the same."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Mapping

from proxy.resources import Model
from translators import providers
from translators.providers.provider import Provider

from .binding import Binding, ResolveSecret
from .direct import DirectBinding
from .reach import Identify, Send, no_identities
from .wire import WireBinding

_KEPT = 4096


class Bindings:
    """All bindings of the process. `hop` are the headers that mark our own requests, against loops."""

    def __init__(
        self, upstream: Send, resolve: ResolveSecret, hop: Mapping[str, str], identify: Identify = no_identities
    ) -> None:
        self._upstream, self._resolve, self._hop, self._identify = upstream, resolve, hop, identify
        self._kept: OrderedDict[int, tuple[Model, Binding]] = OrderedDict()

    def of(self, model: Model) -> Binding:
        """The binding of `model`. Raises `translators.providers` errors for a provider that cannot be loaded."""
        kept = self._kept.get(id(model))
        if kept is not None and kept[0] is model:
            return kept[1]
        binding = self._made(model)
        self._kept[id(model)] = (model, binding)
        if len(self._kept) > _KEPT:
            self._kept.popitem(last=False)
        return binding

    def _made(self, model: Model) -> Binding:
        provider = providers.load(model.provider)
        if isinstance(provider, Provider):
            return WireBinding(model, provider, self._upstream, self._resolve, self._hop, self._identify)
        return DirectBinding(model, provider)
