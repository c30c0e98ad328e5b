"""What each row may cost. The figures are those of the performance budget; the ratio is what this machine is judged by.

The budget was set on a machine where the bare forwarder's own figures were `floor`; `allowed` is the budget divided by
them. Where a figure does not depend on the machine (memory, installed size) there is no ratio and the limit itself decides.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True, slots=True, kw_only=True)
class Limit:
    """`budget` in the row's unit. `floor` is the bare forwarder's figure where the budget was set, None for a fixed limit.

    `better` says which way is good: streams per core want to be many, everything else little.
    """

    budget: float
    floor: float | None = None
    better: Literal["less", "more"] = "less"

    @property
    def allowed(self) -> float | None:
        return None if self.floor is None else self.budget / self.floor

    def holds(self, subject: float, ratio: float | None) -> bool:
        measured, bound = (subject, self.budget) if self.allowed is None or ratio is None else (ratio, self.allowed)
        return measured <= bound if self.better == "less" else measured >= bound


SMALL_CPU = Limit(budget=0.30, floor=0.15)  # ms per call
SMALL_P50 = Limit(budget=0.6, floor=0.27)  # ms added, one connection; the floor's own figures are 0.27 and 0.41
SMALL_P99 = Limit(budget=1.5, floor=0.41)
LARGE_CPU = Limit(budget=0.50, floor=0.25)  # ms per call; the floor includes one orjson round trip of the body
ROUTE = Limit(budget=60)  # us, one plan of five candidates; in process, so that there is nothing to compare with
VERBATIM_CPU = Limit(budget=40, floor=28)  # us per paced piece
VERBATIM_STREAMS = Limit(budget=400, floor=600, better="more")  # 50 pieces a second each, on one core
TRANSLATED_CPU = Limit(budget=80, floor=28)
TRANSLATED_STREAMS = Limit(budget=250, floor=600, better="more")
FIRST_PIECE = Limit(budget=2.0, floor=1.2)  # ms added, p50, four streams in step
TWO_WORKERS = Limit(budget=1.8, better="more")  # times the capacity of one
COLD_START = Limit(budget=0.6, floor=0.20)  # seconds
MEMORY_IDLE = Limit(budget=60)  # MB
MEMORY_STREAMS = Limit(budget=130)
PACKAGES = Limit(budget=40)
INSTALLED = Limit(budget=60)  # MB
