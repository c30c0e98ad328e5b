"""What a translation changed is counted for the app, listed in the event, and refused where the route is strict."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import openai
import pytest

from tests.support.answers import chat_upstream
from tests.support.joch import RunningJoch, running_joch
from tests.support.scripted import ScriptedServer, whole
from tests.support.snapshots import model, route, snapshot

LATE = [
    {"role": "user", "content": "a"},
    {"role": "assistant", "content": "b"},
    {"role": "system", "content": "be brief"},
    {"role": "user", "content": "c"},
]
ANSWER = {
    "model": "o",
    "created_at": "2026-11-25T00:00:00Z",
    "message": {"role": "assistant", "content": "hello"},
    "done": True,
    "done_reason": "stop",
    "prompt_eval_count": 3,
    "eval_count": 1,
}


@contextmanager
def serving(upstream: ScriptedServer, *, strict: str = "none", fallback: bool = False) -> Iterator[RunningJoch]:
    upstream.script("o", [whole(200, ANSWER)])
    upstream.script("a", chat_upstream("from a"))
    records = [model("ollama", upstream.url("o"), "o"), model("openai", upstream.url("a"), "a")]
    refs = [record.ref for record in records[: 2 if fallback else 1]]
    with running_joch(snapshot(records, [route("r", *refs, strict=strict)])) as running:
        yield running


def ask(joch: RunningJoch, **asked: Any) -> Any:
    with openai.OpenAI(base_url=joch.base_url, api_key="sk-app", max_retries=0) as sdk:
        return sdk.chat.completions.with_raw_response.create(
            **{"model": "r", "messages": [{"role": "user", "content": "x"}], **asked}
        )


def test_nothing_lost_is_nothing_said(upstream: ScriptedServer) -> None:
    with serving(upstream) as joch:
        assert "x-joch-loss" not in ask(joch).headers


def test_every_change_is_counted_by_its_kind_and_listed_in_the_event(upstream: ScriptedServer) -> None:
    with serving(upstream) as joch:
        headers = ask(joch, messages=LATE, user="u-1", verbosity="low").headers
        (started,) = joch.events.payloads("ModelCallStarted")
    assert headers["x-joch-loss"] == "dropped=2, reshaped=1"
    assert {(change["field"], change["action"]) for change in started["transforms"]} == {
        ("user", "dropped"),
        ("verbosity", "dropped"),
        ("messages[2]", "reshaped"),
    }


@pytest.mark.parametrize(
    ("strict", "asked", "named"),
    [
        ("semantic", {"messages": LATE}, "messages[2]"),
        ("all", {"user": "u-1"}, "user"),
        ("all", {"messages": LATE}, "messages[2]"),
    ],
)
def test_a_strict_route_refuses_and_names_what_would_change(
    upstream: ScriptedServer, strict: str, asked: dict[str, Any], named: str
) -> None:
    with serving(upstream, strict=strict) as joch, pytest.raises(openai.BadRequestError) as caught:
        ask(joch, **asked)
    assert caught.value.param == named
    assert "strict" in caught.value.message
    assert joch.events.payloads("ModelCallStarted") == []


def test_a_hint_may_go_where_only_meaning_counts(upstream: ScriptedServer) -> None:
    with serving(upstream, strict="semantic") as joch:
        assert ask(joch, user="u-1").headers["x-joch-loss"] == "dropped=1"


def test_a_strict_route_asks_the_candidate_that_can_take_the_request_as_it_is(upstream: ScriptedServer) -> None:
    with serving(upstream, strict="semantic", fallback=True) as joch:
        answer = ask(joch, messages=LATE)
    assert answer.parse().choices[0].message.content == "from a"
    assert answer.headers["x-joch-model"] == "openai:a"
