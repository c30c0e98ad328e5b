"""Candidates that are down are asked for a sign of life; those that no call found down are not."""

from __future__ import annotations

import httpx
import pytest

from proxy.resources import HealthSettings
from tests.support.answers import chat_upstream, refusal
from tests.support.joch import running_joch
from tests.support.scripted import scripted_server, whole
from tests.support.snapshots import model, route, snapshot

SOON = HealthSettings(consecutive_failures=2, probe_interval=3600.0, open_seconds=3600.0, max_open_seconds=3600.0)


@pytest.mark.parametrize(("sign", "state"), [(200, "half_open"), (500, "open")])
def test_only_who_is_down_is_asked_and_a_sign_ends_the_wait_for_a_call(sign: int, state: str) -> None:
    with scripted_server() as upstream:
        down = model("openai", upstream.script("a", refusal(500)), "a")
        well = model("openai", upstream.script("b", chat_upstream("b")), "b")
        untouched = model("openai", upstream.script("c", chat_upstream("c")), "c")
        made = snapshot([down, well, untouched], [route("r", down.ref, well.ref, untouched.ref)], health=SOON)
        with running_joch(made) as joch:
            for _ in range(2):
                body = {"model": "r", "messages": [{"role": "user", "content": "x"}]}
                httpx.post(f"{joch.base_url}/chat/completions", json=body, timeout=20)
            upstream.requests.clear()
            upstream.script("a", [whole(sign, {"data": []})])
            joch.loop.run(joch.app._prober.round())
            rows = {row["ref"]: row for row in httpx.get(f"{joch.root}/v1/health", timeout=20).json()["data"]}
    assert [request.path.rpartition("/")[2] for request in upstream.requests] == ["models"]
    assert rows[down.ref]["state"] == state
    assert rows[well.ref]["state"] == "healthy"
