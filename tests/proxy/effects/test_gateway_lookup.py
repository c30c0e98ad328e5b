"""Asking a tool gateway what is running: what it may answer, and what its silence means."""

from __future__ import annotations

import asyncio
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxy.effects import Act, Effect, Levels, running, under_way
from proxy.resources import Tool, ToolGateway
from translators.canonical import Reason, UpstreamError
from translators.formats.json import dumps

GATEWAY = ToolGateway(url="http://gateway:9000", timeout=1.5)


class Answering:
    """A gateway that always says the same."""

    def __init__(self, status: int, body: Any) -> None:
        self.status, self.body = status, body if isinstance(body, bytes) else dumps(body)
        self.asked: list[tuple[str, float]] = []

    async def __call__(self, url: str, seconds: float) -> tuple[int, bytes]:
        self.asked.append((url, seconds))
        return self.status, self.body


async def told(body: Any, status: int = 200) -> tuple[str, ...] | None:
    return await running(Answering(status, body), GATEWAY, "e", "t")


async def test_it_is_asked_by_execution_and_turn_within_its_time() -> None:
    ask = Answering(200, [])
    await running(ask, ToolGateway(url="http://gateway:9000/base/", timeout=0.7), "exec/1&x=2", "t 1")
    ((url, seconds),) = ask.asked
    parts = urlsplit(url)
    assert (parts.netloc, parts.path) == ("gateway:9000", "/base/v1/tool-calls")
    assert parse_qs(parts.query) == {"execution": ["exec/1&x=2"], "turn": ["t 1"]}
    assert seconds == 0.7


@pytest.mark.parametrize(
    "shape",
    [
        lambda calls: calls,
        *(lambda calls, name=name: {name: calls} for name in ("items", "data", "toolCalls", "tool_calls", "calls")),
    ],
)
async def test_the_list_may_stand_in_any_usual_place(shape: Any) -> None:
    assert await told(shape([{"tool": "send_email", "state": "Running"}])) == ("send_email",)


@pytest.mark.parametrize(
    "state", ["Running", "Pending", "AwaitingApproval", "queued", "in_progress", "TimedOut", "", "?"]
)
async def test_what_is_not_certainly_over_is_under_way(state: str) -> None:
    assert await told([{"tool": "send_email", "state": state}]) == ("send_email",)


@pytest.mark.parametrize("state", ["Succeeded", "completed", "Failed", "CANCELLED", "canceled", "Denied", "expired"])
async def test_what_is_over_is_not(state: str) -> None:
    assert await told([{"tool": "send_email", "state": state}]) == ()


@pytest.mark.parametrize(
    ("entry", "expected"),
    [
        ({"tool": "a"}, ("a",)),
        ({"toolName": "a", "id": "x", "status": "Running"}, ("a",)),
        ({"tool": {"name": "a"}, "name": "call", "phase": "Running"}, ("a",)),
        ({"name": "a", "status": {"phase": "Running"}}, ("a",)),
        ({"spec": {"tool": "a"}, "status": {"state": "Pending"}}, ("a",)),
        ({"spec": {"tool": "a"}, "status": {"state": "Succeeded"}}, ()),
        ({"spec": {"tool": {"name": "a"}}}, ("a",)),
        ({"id": "tc_1"}, ("tc_1",)),
        ({"tool": 7, "state": 8}, ("a tool without a name",)),
        ({}, ("a tool without a name",)),
        ("call", ("a tool without a name",)),
        (None, ("a tool without a name",)),
    ],
)
async def test_an_entry_is_read_as_it_comes(entry: Any, expected: tuple[str, ...]) -> None:
    assert await told({"items": [entry]}) == expected


@pytest.mark.parametrize("name", ["execution", "executionId", "execution_id"])
async def test_a_call_of_another_execution_is_none_of_ours(name: str) -> None:
    calls = [
        {"tool": "a", name: "other"},
        {"tool": "b", name: "e"},
        {"tool": "c", "spec": {name: "other"}},
        {"tool": "d"},
    ]
    assert await told(calls) == ("b", "d")


@pytest.mark.parametrize("status", [404, 405])
async def test_a_gateway_that_does_not_know_the_address_has_nothing_to_say(status: int) -> None:
    assert await told({"error": "no"}, status) == ()


@pytest.mark.parametrize("status", [204, 301, 400, 401, 403, 408, 410, 429, 500, 501, 503])
async def test_any_other_status_leaves_it_open_what_is_running(status: int) -> None:
    assert await told([], status) is None


@pytest.mark.parametrize("body", [b"", b"<html>", b"{", b'"x"', b"7", b"null", b"{}", b'{"items": {}}', b"[" * 5000])
async def test_an_answer_that_is_no_list_leaves_it_open(body: bytes) -> None:
    assert await told(body) is None


async def test_an_answer_of_absurd_size_leaves_it_open() -> None:
    assert await told(b" " * 1024 * 1024 + b"[]") is None
    assert await told(b" " * 1000 + b"[]") == ()


@pytest.mark.parametrize(
    "error",
    [OSError("x"), TimeoutError(), LookupError("no key"), UpstreamError(Reason.CONNECT, "x"), RuntimeError("x")],
)
async def test_a_gateway_that_cannot_be_asked_leaves_it_open(error: Exception) -> None:
    async def ask(url: str, seconds: float) -> tuple[int, bytes]:
        raise error

    assert await running(ask, GATEWAY, "e", "t") is None


async def test_a_gateway_that_hangs_is_left_when_its_time_is_over() -> None:
    left = asyncio.Event()

    async def ask(url: str, seconds: float) -> tuple[int, bytes]:
        try:
            await asyncio.Event().wait()
        finally:
            left.set()
        raise AssertionError("nobody waits for this")

    asking = asyncio.create_task(running(ask, ToolGateway(url="http://g", timeout=0.0), "e", "t"))
    for _ in range(20):
        await asyncio.sleep(0)
    assert left.is_set(), "its time was over at once, and it is still waited for"
    assert await asking is None


async def test_a_client_that_leaves_is_not_taken_for_a_gateway_that_fails() -> None:
    async def ask(url: str, seconds: float) -> tuple[int, bytes]:
        raise asyncio.CancelledError

    with pytest.raises(asyncio.CancelledError):
        await running(ask, GATEWAY, "e", "t")


JSON = st.recursive(
    st.none() | st.booleans() | st.integers(0, 9) | st.text("ab", max_size=3),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["items", "tool", "name", "id", "state", "status", "spec", "phase", "execution"]), inner
        )
    ),
    max_leaves=12,
)


@given(JSON)
def test_no_answer_is_too_odd_to_be_read(answer: Any) -> None:
    found = asyncio.run(told(answer))
    assert found is None or all(isinstance(name, str) and name for name in found)


def test_what_is_running_is_graded_by_what_is_declared() -> None:
    levels = Levels((Tool(pattern="look_up", level="read_only"),))
    assert under_way(("look_up", "x"), levels) == (
        Act("look_up", Effect("read_only"), "", "gateway"),
        Act("x", Effect("unknown"), "", "gateway"),
    )
    assert under_way((), levels) == ()


def test_a_gateway_that_cannot_be_asked_counts_as_a_call_under_way() -> None:
    (act,) = under_way(None, Levels((), "read_only"))
    assert (act.source, act.effect.known) == ("unreachable", False)
