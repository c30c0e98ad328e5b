"""A streamed answer over a real socket: keep-alives while the provider thinks, and the order in which things are sent."""

from __future__ import annotations

import httpx

from tests.support.answers import chat_chunk, chat_events, refusal
from tests.support.joch import running_joch
from tests.support.scripted import CLOSE, Pause, Script, scripted_server, stream
from tests.support.snapshots import model, route, snapshot

BODY = {"model": "r", "stream": True, "messages": [{"role": "user", "content": "x"}]}


def answered(script: Script, interval: float, fallback: Script | None = None) -> httpx.Response:
    with scripted_server() as upstream:
        records = [model("openai", upstream.script("a", script), "a")]
        if fallback is not None:
            records.append(model("openai", upstream.script("b", fallback), "b"))
        configured = snapshot(records, [route("r", *(record.ref for record in records))], keep_alive_seconds=interval)
        with running_joch(configured) as joch:
            return httpx.post(f"{joch.base_url}/chat/completions", json=BODY, timeout=20)


def slow(*events: bytes, after: float = 0.35) -> Script:
    head, *rest = stream(*events)
    return [head, Pause(after), *rest]


def test_a_provider_that_thinks_is_covered_by_comments() -> None:
    answer = answered(slow(*chat_events("hi")), interval=0.1)
    assert answer.text.startswith(": keepalive\n")
    assert answer.text.count(": keepalive\n") >= 2
    assert answer.text.endswith("data: [DONE]\n\n")
    assert answer.headers["content-type"].startswith("text/event-stream")
    assert answer.headers["x-accel-buffering"] == "no"


def test_a_comment_never_ends_with_a_blank_line_of_its_own() -> None:
    answer = answered(slow(*chat_events("hi")), interval=0.1)
    assert ": keepalive\n\n" not in answer.text


def test_a_quick_answer_has_no_comments_and_says_who_served() -> None:
    answer = answered(stream(*chat_events("hi")), interval=5.0)
    assert "keepalive" not in answer.text
    assert answer.headers["x-joch-model"] == "openai:a"


def test_after_a_keep_alive_a_failure_without_content_still_moves_on() -> None:
    late = [Pause(0.3), *refusal(503)]
    answer = answered(late, interval=0.1, fallback=stream(*chat_events("from b")))
    assert answer.status_code == 200
    assert "from b" in answer.text
    assert answer.text.endswith("data: [DONE]\n\n")


def test_after_a_keep_alive_the_last_failure_is_told_in_band() -> None:
    answer = answered([Pause(0.3), *refusal(503)], interval=0.1)
    assert answer.status_code == 200
    assert '"error"' in answer.text
    assert "[DONE]" not in answer.text


def test_nothing_reaches_the_client_before_the_first_content() -> None:
    """The role chunk alone does not commit: a failure behind it is invisible."""
    opened = stream(chat_chunk({"role": "assistant", "content": ""}), end=False)
    answer = answered([*opened, CLOSE], interval=5.0, fallback=stream(*chat_events("from b")))
    assert answer.text.count('"role":') == 1
    assert "from b" in answer.text
