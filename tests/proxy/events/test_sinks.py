"""Events reach the file whole and in order, and a broken file costs events, never a call."""

from __future__ import annotations

import json
from pathlib import Path

from proxy.events import EventLog, JsonLines, Scope
from proxy.identifiers import new_id


def test_events_are_one_json_object_per_line_in_order(tmp_path: Path) -> None:
    sink = JsonLines(tmp_path / "deep" / "events.jsonl", lambda _: None)
    log = EventLog([sink])
    for number in range(1000):
        log.emit({"type": "x.Test", "number": number})
    log.close()
    lines = (tmp_path / "deep" / "events.jsonl").read_text().splitlines()
    assert [json.loads(line)["number"] for line in lines] == list(range(1000))


def test_a_file_that_cannot_be_written_is_said_once_and_counted(tmp_path: Path) -> None:
    problems: list[str] = []
    full = Path("/dev/full")
    sink = JsonLines(full, problems.append)
    for _ in range(5):
        sink.put({"type": "ModelCallCompleted"})
    sink.close()
    assert sink.dropped == 5
    assert problems == [f"events cannot be written to {full}: No space left on device"]


def test_the_envelope_has_its_members_and_a_sortable_id() -> None:
    scope = Scope(new_id, {"callId": "mc_1", "executionId": "exec-1"})
    first = scope.event("ModelCallStarted", {"a": 1}, model_ref="openai:m", attempt=0)
    second = scope.event("ModelCallCompleted", {}, model_ref="openai:m", attempt=0, severity="warning")
    assert first["id"].startswith("ev_")
    assert len(first["id"]) == 29
    assert first["timestamp"].endswith("Z")
    assert (first["specVersion"], first["callId"], first["modelRef"], first["payload"]) == (
        "1",
        "mc_1",
        "openai:m",
        {"a": 1},
    )
    assert second["severity"] == "warning"
