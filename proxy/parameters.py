"""Defaults and overrides of Model and ModelRoute records, written into a request.

A default applies only where the client said nothing; a forced parameter always. Each one is an edit of the canonical
request and, where the client's format can spell it, a patch of the client's own body, so that every lane says the same.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

from proxy.resources import Model
from translators.canonical import Patch, ReasoningSpec, Request, edited
from translators.formats import ClientFormat

_NONE: Mapping[str, Any] = {}
_Read = Callable[[Request], Any]
_Change = Callable[[Request, Any], dict[str, Any]]


def _sampling(field: str) -> tuple[_Read, _Change]:
    return (
        lambda request: getattr(request.sampling, field),
        lambda request, value: {"sampling": replace(request.sampling, **{field: value})},
    )


PARAMETERS: dict[str, tuple[_Read, _Change]] = {
    "temperature": _sampling("temperature"),
    "topP": _sampling("top_p"),
    "topK": _sampling("top_k"),
    "maxOutputTokens": _sampling("max_output_tokens"),
    "seed": _sampling("seed"),
    "stop": (
        lambda request: request.sampling.stop,
        lambda request, value: {
            "sampling": replace(request.sampling, stop=(value,) if isinstance(value, str) else tuple(value))
        },
    ),
    "reasoningEffort": (
        lambda request: request.reasoning.effort if request.reasoning else None,
        lambda request, value: {"reasoning": replace(request.reasoning or ReasoningSpec(), effort=value)},
    ),
    "verbosity": (lambda request: request.verbosity, lambda request, value: {"verbosity": value}),
}
"""Every parameter a record may set: how to read it off a request, and how to change it."""


def applied(
    client: ClientFormat, request: Request, defaults: Mapping[str, Any], model: Model
) -> tuple[Request, Mapping[str, Any]]:
    """`request` with the candidate's defaults and the model's forced parameters; and which of them it now has."""
    if not defaults and not model.forced_parameters:
        return request, _NONE
    wanted = {name: value for name, value in defaults.items() if PARAMETERS[name][0](request) is None}
    wanted |= model.forced_parameters
    for name, value in wanted.items():
        request = _set(client, request, name, value)
    return request, wanted


def _set(client: ClientFormat, request: Request, name: str, value: Any) -> Request:
    _, change = PARAMETERS[name]
    changes = change(request, value)
    pointer = client.pointers.get(name)
    if pointer is None:
        return replace(request, **changes)
    return edited(request, Patch(pointer, value), **changes)
