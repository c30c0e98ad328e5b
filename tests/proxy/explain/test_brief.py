"""What is told in brief reads as the whole document would: word for word, whatever the call was like."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal
from typing import Any

import httpx
import pytest

from proxy.explain import Keeper, keeper, store
from proxy.explain.document import document
from proxy.resources import Pricing, Snapshot
from tests.support.answers import chat_answer, chat_upstream, refusal
from tests.support.joch import RunningJoch, running_joch
from tests.support.scripted import ScriptedServer, scripted_server, whole
from tests.support.snapshots import model, route, snapshot
from translators.formats.json import dumps, loads

PRICE = Pricing(input=Decimal(1), output=Decimal(2))
TOOL = {"type": "function", "function": {"name": "f", "parameters": {"type": "object"}}}
PICTURE = [
    {"type": "text", "text": "what is it"},
    {"type": "image_url", "image_url": {"url": "data:image/png;base64,iVBORw0KGgo="}},
]
CALLS: dict[str, tuple[dict[str, Any], dict[str, str]]] = {
    "plain": ({}, {}),
    "plain again": ({"max_tokens": 9}, {}),
    "another agent": ({}, {"X-Joch-Agent": "triage", "X-Joch-Team": "support", "X-Joch-Environment": "prod"}),
    "an execution of its own": ({}, {"X-Joch-Execution": "exec-7", "X-Joch-Session": "s-1", "X-Joch-Turn": "t-1"}),
    "tried again by the SDK": ({}, {"x-stainless-retry-count": "2"}),
    "streamed": ({"stream": True}, {}),
    "a picture": ({"messages": [{"role": "user", "content": PICTURE}]}, {}),
    "a picture elsewhere": ({"messages": [{"role": "user", "content": "x"}, {"role": "user", "content": PICTURE}]}, {}),
    "tools": ({"tools": [TOOL]}, {}),
    "a model by its ref": ({"model": "openai:b"}, {}),
    "a model by its ref, which sets less": ({"model": "openai:b", "temperature": 1}, {}),
    "an answer in JSON": ({"response_format": {"type": "json_object"}}, {}),
    "a loss": ({"model": "claude", "seed": 3}, {}),
}


@pytest.fixture(scope="module")
def upstream() -> Iterator[ScriptedServer]:
    with scripted_server() as server:
        yield server


def installed(upstream: ScriptedServer) -> Snapshot:
    claude = {
        "id": "msg_1",
        "type": "message",
        "role": "assistant",
        "model": "claude",
        "content": [{"type": "text", "text": "hi"}],
        "stop_reason": "end_turn",
        "stop_sequence": None,
        "usage": {"input_tokens": 5, "output_tokens": 2},
    }
    answer = chat_answer('{"a": 1}')
    models = [
        model("openai", upstream.script("a", chat_upstream('{"a": 1}')), "a", pricing=PRICE, api="chat"),
        model(
            "openai",
            upstream.script("b", [whole(200, answer)]),
            "b",
            api="chat",
            default_parameters={"temperature": 0.5, "stop": ["x"]},
        ),
        model(
            "anthropic", upstream.script("claude", [whole(200, claude)]).removesuffix("/v1"), "claude", pricing=PRICE
        ),
    ]
    routes = [
        route("r", *(each.ref for each in models[:2]), requirements={"text": True}),
        route("claude", models[2].ref),
    ]
    return snapshot(models, routes)


def ask(joch: RunningJoch, body: dict[str, Any], headers: dict[str, str]) -> httpx.Response:
    asked = {"model": "r", "messages": [{"role": "user", "content": "x"}], **body}
    return httpx.post(f"{joch.base_url}/chat/completions", json=asked, headers=headers, timeout=20)


def told(joch: RunningJoch, **query: Any) -> dict[str, Any]:
    found: dict[str, Any] = httpx.get(f"{joch.root}/v1/route/-/explain", params=query, timeout=20).json()
    return found


def test_what_is_read_back_is_the_whole_document(upstream: ScriptedServer, monkeypatch: pytest.MonkeyPatch) -> None:
    whole_documents: dict[str, Any] = {}
    keep = Keeper.keep

    def also_whole(self: Keeper, call: Any, outcome: str, error: Any, served: Any, seconds: float) -> None:
        keep(self, call, outcome, error, served, seconds)
        made = document(call, self._capabilities_of, outcome=outcome, error=error, served=served, seconds=seconds)
        whole_documents[call.id] = loads(dumps(made))

    monkeypatch.setattr(Keeper, "keep", also_whole)
    with running_joch(installed(upstream)) as joch:
        for _ in range(2):  # the second of each finds its template
            for name, (body, headers) in CALLS.items():
                assert ask(joch, body, headers).status_code == 200, name
        templates = joch.app.reporter._explained.__self__._briefs._templates
        found = {id: told(joch, call=id) for id in whole_documents}
    assert len(found) == 2 * len(CALLS)
    for id, made in found.items():
        made["execution"] |= {"callsBefore": None, "costUsdBefore": None}  # told by whoever reads it back
        assert made == whole_documents[id]
    assert 5 < len(templates) <= len(CALLS), "each kind of call has one"


def test_a_call_of_which_more_is_to_be_told_is_kept_whole(
    upstream: ScriptedServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    made: list[str] = []
    monkeypatch.setattr(keeper, "own", lambda *_: made.append("brief") or b"[]")
    with running_joch(installed(upstream)) as joch:
        upstream.script("a", refusal(503))
        assert ask(joch, {}, {}).headers["x-joch-model"] == "openai:b"
        explained = told(joch)
    assert made == []
    assert [row["result"] for row in explained["candidates"]] == ["failed", "served"]


def test_a_template_is_handed_over_again_before_it_can_be_swept(upstream: ScriptedServer) -> None:
    """Without that, calls of a process that runs for longer than explanations are kept could not be read any more."""
    with running_joch(installed(upstream)) as joch:
        ask(joch, {}, {})
        (template,) = joch.app.reporter._explained.__self__._briefs._templates.values()
        assert joch.loop.run(_templates(joch)) == [template.name]
        joch.app.database.submit(lambda connection: connection.execute(store._SWEEP_TEMPLATES, (1e12,)))
        assert joch.loop.run(_templates(joch)) == []
        template.told -= store.TEMPLATE_SECONDS + 1
        ask(joch, {}, {})
        assert joch.loop.run(_templates(joch)) == [template.name]
        assert told(joch)["outcome"]["servedBy"] == "openai:a"


async def _templates(joch: RunningJoch) -> list[str]:
    joch.app._explanations.flush()
    return await joch.app.database.ask(
        lambda connection: [name for (name,) in connection.execute("SELECT name FROM call_templates")]
    )
