"""Why a candidate can never serve a route, by what is declared, and what to write instead. Pure; decides about no call.

The gates are those of the router, in its order; what depends on a call (its needs, its size, health, what is spent) is not
among them, and neither is the zone, which has a warning of its own. What is unknown is not no, but for where a model is and
what it costs where that is limited.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from fnmatch import fnmatchcase

from proxy import places
from proxy.pricing import tariff_of
from proxy.resources import Failover, Model, ModelRoute, Residency
from translators.canonical.capabilities import FLAGS


@dataclass(frozen=True, slots=True)
class Miss:
    """One reason. `flag` is the member of `failover` that lets a call move on from it; None: every call does."""

    reason: str
    hint: str
    flag: str | None = None

    @property
    def written_flag(self) -> str:
        """The flag as a configuration has it: "onRegionMismatch"."""
        first, *rest = (self.flag or "").split("_")
        return first + "".join(word.capitalize() for word in rest)

    def ends(self, failover: Failover) -> bool:
        """Whether a call that fails this gate goes no further."""
        return self.flag is not None and not getattr(failover, self.flag)


def miss_of(
    model: Model,
    route: ModelRoute,
    residency: Residency,
    *,
    bound: Mapping[str, bool] | None = None,
    unknown_cost: str = "catalog",
) -> Miss | None:
    """The first gate of `route` that `model` fails for every call. `bound` is what its provider can do at all, if known."""
    if model.disabled:
        return Miss("it is disabled", "write disabled: false in the Model, or delete the candidate")
    if model.secret_problem:
        return Miss(model.secret_problem, "set the key, or name a Secret in the Model's auth")
    return (
        _provider(model, route)
        or _requirement(model, route, bound)
        or _residency(model, route, residency)
        or _price(model, route, unknown_cost)
    )


def _provider(model: Model, route: ModelRoute) -> Miss | None:
    limits = route.constraints
    if limits.allow is not None and not any(fnmatchcase(model.provider, glob) for glob in limits.allow):
        reason = f"provider {model.provider} is not among those that constraints.providers allows"
        return Miss(reason, f"add {model.provider} to constraints.providers.allow, or delete the candidate")
    if any(fnmatchcase(model.provider, glob) for glob in limits.deny):
        reason = f"constraints.providers denies provider {model.provider}"
        return Miss(reason, f"take {model.provider} out of constraints.providers.deny, or delete the candidate")
    return None


def _requirement(model: Model, route: ModelRoute, bound: Mapping[str, bool] | None) -> Miss | None:
    missing = [flag for flag in FLAGS if route.requirements.get(flag) and _lacks(model, flag, bound)]
    if missing:
        hint = "choose a model that has it, or correct capabilities in the Model"
        unable = [flag for flag in missing if bound is not None and not bound.get(flag)]
        if unable:
            hint = f"choose a model of another provider: none of {model.provider} has {', '.join(unable)}"
        return Miss(f"it lacks {', '.join(missing)}", hint, "on_capability_mismatch")
    for have, wanted, words, wish, limit in (
        (model.context_window, route.context_window_min, "context window", "contextWindowMin", "contextWindowTokens"),
        (model.max_output, route.max_output_min, "output limit", "maxOutputTokensMin", "maxOutputTokens"),
    ):
        if wanted and have and have < wanted:
            hint = f"lower requirements.{wish}, or correct limits.{limit} in the Model"
            return Miss(f"its {words} is {have}, below {wanted}", hint, "on_capability_mismatch")
    if route.required_regions and not {*map(str.lower, model.regions)} & {*map(str.lower, route.required_regions)}:
        reason = f"it is in none of the regions {', '.join(route.required_regions)}"
        hint = "write routing.regions in the Model if it is there, or delete the candidate"
        return Miss(reason, hint, "on_capability_mismatch")
    return None


def _lacks(model: Model, flag: str, bound: Mapping[str, bool] | None) -> bool:
    """What is not declared or known is not lacking, within what the provider can do; `text` goes without saying."""
    if bound is not None and not bound.get(flag, False):
        return True
    return not model.flags.get(flag, flag == "text" or not model.declares)


def _residency(model: Model, route: ModelRoute, residency: Residency) -> Miss | None:
    code = route.constraints.residency
    if code is None:
        return None
    found = places.satisfies(model, code, residency)
    if found.ok:
        return None
    where = "locality.region in RouterSettings" if model.local and not model.region else "endpoint.region in the Model"
    return Miss(found.detail, f"write {where} if it is there, or delete the candidate", "on_region_mismatch")


def _price(model: Model, route: ModelRoute, unknown_cost: str) -> Miss | None:
    limits = route.constraints
    if unknown_cost == "allow" or (limits.max_cost_per_call is None and limits.max_cost_per_execution is None):
        return None
    if model.pricing is not None and tariff_of(model.pricing, "") is not None:
        return None
    reason = "its price is unknown, so that the route's limit could not be kept"
    return Miss(
        reason, "write pricing in the Model, or cost: { unknown: allow } in RouterSettings", "on_budget_exceeded"
    )
