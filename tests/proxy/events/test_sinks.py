"""Events reach the file whole and in order, and a broken file costs events, never a call."""

from __future__ import annotations

import json
from pathlib import Path

from proxy.events import Event, EventLog, JsonLines, Scope, process_event
from proxy.identifiers import new_id


def test_events_are_one_json_object_per_line_in_order(tmp_path: Path) -> None:
    sink = JsonLines(tmp_path / "deep" / "events.jsonl", lambda _: None)
    log = EventLog([sink])
    for number in range(1000):
        log.emit(Event("x.Test", b'{"number":%d}' % number))
    log.close()
    lines = (tmp_path / "deep" / "events.jsonl").read_text().splitlines()
    assert [json.loads(line)["number"] for line in lines] == list(range(1000))


def test_a_file_that_cannot_be_written_is_said_once_and_counted(tmp_path: Path) -> None:
    problems: list[str] = []
    full = Path("/dev/full")
    sink = JsonLines(full, problems.append)
    for _ in range(5):
        sink.put(Event("ModelCallCompleted", b"{}"))
    sink.close()
    assert sink.dropped == 5
    assert problems == [f"events cannot be written to {full}: No space left on device"]


def test_the_envelope_has_its_members_and_a_sortable_id() -> None:
    scope = Scope(new_id, {"callId": "mc_1", "requestedModel": 'a "quoted" näme', "turnId": None})
    first = json.loads(scope.event("ModelCallStarted", {"a": 1}, model_ref="openai:m", attempt=0).line)
    second = json.loads(scope.event("x.CallCompleted", {}, severity="warning").line)
    assert first["id"].startswith("ev_")
    assert len(first["id"]) == 29
    assert first["id"] < second["id"]
    assert first["timestamp"].endswith("Z")
    assert (first["specVersion"], first["callId"], first["modelRef"], first["model"]) == (
        "1",
        "mc_1",
        "openai:m",
        "openai:m",
    )
    assert (first["attempt"], first["payload"], first["requestedModel"]) == (0, {"a": 1}, 'a "quoted" näme')
    assert (second["attempt"], second["modelRef"], second["severity"]) == (None, None, "warning")
    assert "turnId" in first


def test_an_event_of_the_process_has_no_call() -> None:
    event = process_event(new_id, "ResourceApplied", {"kind": "Model"})
    assert json.loads(event.line)["payload"] == {"kind": "Model"}
    assert "callId" not in json.loads(event.line)
