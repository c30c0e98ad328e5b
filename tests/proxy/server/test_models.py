"""What may be asked for, as the SDK lists it, and what each model can do."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from openai import NotFoundError, OpenAI

from proxy.resources import Pricing
from tests.support.joch import RunningJoch, running_joch
from tests.support.snapshots import model, route, snapshot
from translators.canonical import FLAGS


@pytest.fixture(scope="module")
def joch() -> Iterator[RunningJoch]:
    records = [
        model("openai", "http://127.0.0.1:9", "gpt-4o", flags={"vision": True}, flag_sources={"vision": "declared"}),
        model("ollama", "http://127.0.0.1:9", "qwen", model="qwen3:8b", context_window=4096, pricing=Pricing()),
        model("nobody-has-this", "http://127.0.0.1:9", "later", disabled=True),
    ]
    configured = snapshot(records, [route("r", "openai:gpt-4o", "ollama:qwen", aliases=("best",))], {"mini*": "r"})
    with running_joch(configured) as running:
        yield running


@pytest.fixture
def client(joch: RunningJoch) -> OpenAI:
    return OpenAI(base_url=joch.base_url, api_key="any", max_retries=0)


def test_the_list_has_routes_aliases_and_models_once_each(client: OpenAI) -> None:
    names = [entry.id for entry in client.models.list()]
    assert names == ["r", "best", "openai:gpt-4o", "gpt-4o", "ollama:qwen", "qwen", "nobody-has-this:later", "later"]


def test_an_entry_says_what_it_is(client: OpenAI) -> None:
    entry = client.models.retrieve("best")
    assert entry.object == "model"
    assert entry.model_extra is not None
    assert entry.model_extra["joch"]["candidates"] == ["openai:gpt-4o", "ollama:qwen"]


@pytest.mark.parametrize("name", ["mini-2024", "qwen3:8b", "ollama:qwen"])
def test_any_name_that_resolves_can_be_retrieved(client: OpenAI, name: str) -> None:
    assert client.models.retrieve(name).id == name


def test_an_unknown_model_is_openais_404(client: OpenAI) -> None:
    with pytest.raises(NotFoundError) as refused:
        client.models.retrieve("gpt-9")
    assert refused.value.code == "model_not_found"


def test_capabilities_show_all_ten_flags_with_their_source(joch: RunningJoch) -> None:
    import httpx

    rows = {row["ref"]: row for row in httpx.get(f"{joch.base_url}/models/capabilities").json()["data"]}
    declared = rows["openai:gpt-4o"]
    assert set(declared["capabilities"]) == set(FLAGS)
    assert declared["capabilities"]["vision"] is True
    assert declared["capabilities"]["toolCalling"] is False, "a record that declares any flag declares all"
    assert (declared["source"]["vision"], declared["source"]["audio"]) == ("declared", "default")
    assert declared["routes"] == ["r"]
    assert rows["ollama:qwen"]["capabilities"]["toolCalling"] is True, "a record that declares none is unknown"
    assert rows["ollama:qwen"]["limits"]["contextWindowTokens"] == 4096
    assert rows["nobody-has-this:later"]["endpointType"] == "hosted"
