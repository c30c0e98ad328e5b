"""A call that is over is kept with what it is found by; its document is made later, by whoever writes it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from proxy.call import Result
from proxy.explain import Keeper
from proxy.explain.store import Row
from tests.support.explanations import AT, able, planned_call, tried
from tests.support.snapshots import model, route
from translators.canonical import CapabilitySet


class Kept:
    """In the place of the table."""

    def __init__(self) -> None:
        self.rows: list[tuple[Row, Callable[[], Any]]] = []

    def keep(self, row: Row, made: Callable[[], Any]) -> None:
        self.rows.append((row, made))


def test_a_call_is_kept_with_what_it_is_found_by_and_no_document_is_made_yet() -> None:
    asked: list[str] = []

    def capabilities_of(record: Any) -> CapabilitySet:
        asked.append(record.ref)
        return able(record)

    off, on = (model("openai", "https://a.example/v1", name, disabled=name == "off") for name in ("off", "on"))
    call = planned_call([off, on], route("r", off.ref, on.ref))
    (candidate,) = call.plan.candidates
    tried(call, candidate, Result("ok", http_status=200))
    table: Any = Kept()
    Keeper(table, capabilities_of).keep(call, "ok", None, candidate, 0.5)
    ((row, made),) = table.rows
    assert row == Row(
        id="mc_1",
        at=AT,
        namespace="default",
        execution="exec-1",
        source="header",
        route="r",
        agent="researcher",
        outcome="ok",
        cost="0.0125",
        input_tokens=11,
        output_tokens=7,
    )
    assert asked == [], "nothing is worked out while a call waits"
    document = made()
    assert (document["outcome"]["servedBy"], document["outcome"]["totalMs"]) == ("openai:on", 500.0)
    assert "openai:off" in asked, "what would have picked the other one is worked out where it is written"
