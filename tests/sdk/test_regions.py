"""Where a provider says it processed a call counts for more than what the configuration says: verified, told and remembered."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import httpx
import openai
import pytest

from proxy.resources import Constraints, Model, Snapshot
from tests.support.answers import chat_answer, chat_events
from tests.support.joch import RunningJoch, running_joch
from tests.support.scripted import ScriptedServer, event, scripted_server, stream, whole
from tests.support.snapshots import model, route, snapshot

MESSAGES: list[Any] = [{"role": "user", "content": "x"}]


@pytest.fixture(scope="module")
def upstream() -> Iterator[ScriptedServer]:
    with scripted_server() as server:
        yield server


def claude(geo: str | None, *, streamed: bool = False) -> Any:
    """An answer of Anthropic's, as its API tells where it was made."""
    usage = {"input_tokens": 5, "output_tokens": 2, "inference_geo": geo}
    message = {"id": "msg_1", "type": "message", "role": "assistant", "model": "claude", "stop_sequence": None}
    if not streamed:
        content = [{"type": "text", "text": "hi"}]
        return [whole(200, {**message, "content": content, "stop_reason": "end_turn", "usage": usage})]
    return stream(
        *[
            event(data, data["type"])
            for data in (
                {"type": "message_start", "message": {**message, "content": [], "stop_reason": None, "usage": usage}},
                {"type": "content_block_start", "index": 0, "content_block": {"type": "text", "text": ""}},
                {"type": "content_block_delta", "index": 0, "delta": {"type": "text_delta", "text": "hi"}},
                {"type": "content_block_stop", "index": 0},
                {
                    "type": "message_delta",
                    "delta": {"stop_reason": "end_turn", "stop_sequence": None},
                    "usage": {"output_tokens": 2},
                },
                {"type": "message_stop"},
            )
        ]
    )


def azure(region: str, *, streamed: bool = False) -> Any:
    told = {"x-ms-region": region}
    if not streamed:
        return [whole(200, chat_answer("hi"), **told)]
    head, *rest = stream(*chat_events("hi"))
    return [head.replace(b"\r\n\r\n", f"\r\nx-ms-region: {region}\r\n\r\n".encode(), 1), *rest]


def installed(first: Model, second: Model, residency: str | None) -> Snapshot:
    limits = Constraints(residency=residency)
    return snapshot([first, second], [route("r", first.ref, second.ref, constraints=limits)])


def claudes(upstream: ScriptedServer, script: Any, **record: Any) -> tuple[Model, Model]:
    first = model("anthropic", upstream.script("a", script).removesuffix("/v1"), "a", **record)
    return first, model("openai", upstream.script("b", [whole(200, chat_answer("from b"))]), "b", region="us")


def ask(joch: RunningJoch, *, streamed: bool = False) -> str:
    client = openai.OpenAI(base_url=joch.base_url, api_key="x", max_retries=0)
    if streamed:
        chunks = client.chat.completions.create(model="r", messages=MESSAGES, stream=True)
        return "".join(chunk.choices[0].delta.content or "" for chunk in chunks if chunk.choices)
    return client.chat.completions.create(model="r", messages=MESSAGES).choices[0].message.content or ""


@pytest.mark.parametrize("streamed", [False, True])
def test_a_request_is_bound_to_the_region_of_its_record_and_the_report_is_told(
    upstream: ScriptedServer, streamed: bool
) -> None:
    records = claudes(upstream, claude("us", streamed=streamed), region="us")
    upstream.requests.clear()
    with running_joch(installed(*records, "US")) as joch:
        assert ask(joch, streamed=streamed) == "hi"
        assert ask(joch, streamed=streamed) == "hi", "it stayed where it had to, so it is asked again"
        completed = joch.events.payloads("ModelCallCompleted")[0]
        explained = httpx.get(f"{joch.root}/v1/route/r/explain", timeout=20).json()
    assert [request.json["inference_geo"] for request in upstream.of("a")] == ["us", "us"]
    assert (completed["region"], completed["regionSource"]) == ("us", "provider")
    attempt = explained["candidates"][0]["attempt"]
    assert (attempt["region"], attempt["regionSource"]) == ("us", "provider")
    assert "regionMismatch" not in attempt


@pytest.mark.parametrize("streamed", [False, True])
def test_who_reports_another_region_is_not_asked_again_with_that_demand(
    upstream: ScriptedServer, streamed: bool
) -> None:
    records = claudes(upstream, claude("global", streamed=streamed), region="us")
    upstream.requests.clear()
    with running_joch(installed(*records, "US")) as joch:
        assert ask(joch, streamed=streamed) == "hi", "it is processed already, and takes no second provider"
        assert ask(joch) == "from b"
        (first, _) = joch.events.of("ModelCallCompleted")
        (skipped,) = joch.events.payloads("x.CandidateSkipped")
        found = httpx.get(f"{joch.root}/v1/route/r/explain", params={"last": 2}, timeout=20).json()["data"]
        dry = httpx.post(
            f"{joch.root}/v1/route/r/explain", params={"dialect": "chat"}, json={"messages": MESSAGES}, timeout=20
        ).json()
        elsewhere = httpx.post(
            f"{joch.base_url}/chat/completions", json={"model": "anthropic:a", "messages": MESSAGES}, timeout=20
        )
    assert (first["severity"], first["payload"]["region"]) == ("error", "global")
    assert "region_mismatch" in first["payload"]["notes"]
    assert (skipped["gate"], skipped["evidence"]) == ("region", {"demanded": "US", "reported": "global"})
    later, earlier = found
    assert earlier["candidates"][0]["attempt"]["regionMismatch"] is True
    assert later["candidates"][0]["gates"][-1]["gate"] == "region"
    assert dry["outcome"]["wouldServe"] == "openai:b", "a dry run knows of it too"
    assert elsewhere.status_code == 200, "without the demand it may be asked"
    assert len(upstream.of("a")) == 2


@pytest.mark.parametrize("streamed", [False, True])
@pytest.mark.parametrize(("region", "again"), [("Sweden Central", "hi"), ("East US 2", "from b")])
def test_azure_tells_it_in_a_header(upstream: ScriptedServer, region: str, again: str, streamed: bool) -> None:
    first = model("openai", upstream.script("a", azure(region, streamed=streamed)), "a", region="eu")
    second = model("openai", upstream.script("b", [whole(200, chat_answer("from b"))]), "b", region="eu")
    with running_joch(installed(first, second, "EU")) as joch:
        assert ask(joch, streamed=streamed) == "hi"
        assert ask(joch, streamed=streamed and again == "hi") == again
        completed = joch.events.payloads("ModelCallCompleted")[0]
    assert completed["region"] == region.replace(" ", "").lower()


def test_a_new_configuration_gives_who_strayed_another_chance(upstream: ScriptedServer) -> None:
    records = claudes(upstream, claude("global"), region="us")
    made = installed(*records, "US")
    with running_joch(made) as joch:
        assert [ask(joch), ask(joch)] == ["hi", "from b"]
        joch.app.apply(replace(made, generation=made.generation + 1))
        assert ask(joch) == "hi"


def test_nothing_is_bound_where_the_record_names_no_region(upstream: ScriptedServer) -> None:
    records = claudes(upstream, claude("not_available"), regions=("us",))
    upstream.requests.clear()
    with running_joch(installed(*records, "US")) as joch:
        assert [ask(joch), ask(joch)] == ["hi", "hi"], "older models do not know where they are"
        completed = joch.events.payloads("ModelCallCompleted")[0]
    assert "inference_geo" not in upstream.of("a")[0].json
    assert (completed["region"], completed["regionSource"]) == ("us", "constraint")
