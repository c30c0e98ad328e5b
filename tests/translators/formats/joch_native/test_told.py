"""What only the gateway knows, around a rendered answer."""

from __future__ import annotations

import json
from dataclasses import replace

from translators.canonical import Text
from translators.formats import json as wire_json
from translators.formats.joch_native import completed
from translators.formats.joch_native.response import render_response
from translators.formats.joch_native.told import render_start, render_stop

from .documents import TOLD, answer, check_answer, context

BODY = wire_json.dumps(render_response(answer(Text('quotes " and } braces')), context()))


def test_the_document_is_whole_and_no_member_is_said_twice() -> None:
    pairs: list[str] = []

    def once(found: list[tuple[str, object]]) -> dict[str, object]:
        names = [name for name, _ in found]
        pairs.extend(name for name in names if names.count(name) > 1)
        return dict(found)

    document = json.loads(completed(BODY, TOLD), object_pairs_hook=once)
    assert pairs == []
    check_answer(document)
    assert document["text"] == 'quotes " and } braces'


def test_what_is_not_known_is_null_and_never_nothing() -> None:
    document = json.loads(completed(BODY, replace(TOLD, cost=None, execution_cost=None, region=None)))
    check_answer(document)
    assert document["cost"] == {"usd": None, "known": False, "priceSource": "model"}
    assert (document["routing"]["executionCostUsd"], document["routing"]["region"]) == (None, None)


def test_an_explanation_is_there_only_where_one_was_made() -> None:
    assert "explanation" not in json.loads(completed(BODY, TOLD))
    explained = json.loads(completed(BODY, replace(TOLD, explanation={"kind": "RouteExplanation"})))
    assert explained["explanation"] == {"kind": "RouteExplanation"}
    check_answer(explained)


def test_warnings_are_told() -> None:
    warning = {"type": "notice", "detail": "failover"}
    assert json.loads(completed(BODY, replace(TOLD, warnings=(warning,))))["warnings"] == [warning]


def test_the_last_event_of_a_stream_is_the_same_document_with_its_number() -> None:
    event = {"type": "response.stop", "seq": 9, **json.loads(BODY)}
    name, data, *rest = render_stop(event, TOLD).decode().split("\n")
    assert (name, rest) == ("event: response.stop", ["", ""])
    told = json.loads(data.removeprefix("data: "))
    assert (told.pop("type"), told.pop("seq")) == ("response.stop", 9)
    assert told == json.loads(completed(BODY, TOLD))


def test_a_stream_starts_with_who_serves_it() -> None:
    assert render_start(TOLD, "reported") == {
        "id": "mc_01",
        "route": "research-default",
        "servedBy": "google:gemini-pro",
        "responseModel": "reported",
        "executionId": "exec-123",
    }
