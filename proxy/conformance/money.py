"""What a live call can cost at most, and when to stop. Pure reckoning, no requests.

Every call is taken at its worst before it is made: each byte of the body a token at the dearest input rate, media at a flat
figure, and the whole output limit at the dearest output rate. What it really cost takes that place once it is known.
"""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal

from proxy.resources import Pricing

ASSUMED = Pricing(input=Decimal(30), output=Decimal(180))
"""The dearest list prices of late 2026 (US dollars per million tokens), for a model whose price nobody knows."""
ASSUMPTION = "The price of {model} is not known: ${input} in and ${output} out per million tokens are assumed."
_OVERHEAD_TOKENS = 1_000  # what a provider adds for tools and instructions of its own
_MEDIA_TOKENS = 5_000  # an image or a page of a PDF costs more than its bytes say
_MILLION = Decimal(1_000_000)


@dataclass(slots=True)
class Budget:
    """`cap` in US dollars is never passed; `spent` is what is gone, at its worst where nobody said."""

    cap: Decimal
    spent: Decimal = Decimal(0)

    def allows(self, worst: Decimal) -> bool:
        return self.spent + worst <= self.cap

    def pay(self, worst: Decimal, real: Decimal | None) -> None:
        """Account for a call that was made."""
        self.spent += worst if real is None else real


def is_known(pricing: Pricing | None) -> bool:
    """Whether both sides of a call have a price."""
    return pricing is not None and pricing.input is not None and pricing.output is not None


def worst(pricing: Pricing, body_bytes: int, output_limit: int, media: int = 0) -> Decimal:
    """The most one call can cost, in US dollars."""
    rates = (pricing, *pricing.tiers, *([pricing.then] if pricing.then is not None else []))
    dearest_in = max(
        rate for each in rates for rate in (each.input, each.cache_write, each.cache_write_1h) if rate is not None
    )
    dearest_out = max(rate for each in rates for rate in (each.output, each.reasoning) if rate is not None)
    tokens_in = body_bytes + _OVERHEAD_TOKENS + media * _MEDIA_TOKENS
    total = (tokens_in * dearest_in + output_limit * dearest_out) / _MILLION * pricing.surcharge
    return (total + pricing.per_request) * pricing.usd_rate
