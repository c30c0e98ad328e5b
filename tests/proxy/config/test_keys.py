from pathlib import Path

import pytest

from proxy.config.keys import LOCAL_FIRST_BYTE, convention, is_local, local_clocks, place_of
from proxy.resources import Clocks

from .writing import model, only, record, secret, told

HOSTED = record("p", base_url="https://api.p.com/v1", key_env=("P_KEY",))
OWN = record("own", base_url="http://localhost:8000/v1", key_env=("OWN_KEY",), local=True)
ENV = {"P_KEY": "k", "OWN_KEY": "k"}


def test_the_nearest_word_on_the_address_counts() -> None:
    moved = {"JOCH_PROVIDER_P_BASE_URL": "http://moved"}
    written, configured = "http://written", "http://configured"
    assert place_of(HOSTED, moved, [], written=written, configured=configured).base_url == written
    assert place_of(HOSTED, moved, [], configured=configured).base_url == "http://moved"
    assert place_of(HOSTED, {}, [], configured=configured).base_url == configured
    assert place_of(HOSTED, {}, []).base_url == "https://api.p.com/v1"
    assert place_of(record("none"), {}, []).base_url is None


@pytest.mark.parametrize(
    ("written", "env", "sent"),
    [
        (None, {}, True),
        ("https://api.p.com/v2", {}, True),
        ("https://elsewhere.com/v1", {}, False),
        ("http://api.p.com/v1", {}, False),
        (None, {"JOCH_PROVIDER_P_BASE_URL": "http://127.0.0.1:9"}, True),
        ("http://127.0.0.1:9/v1", {"JOCH_PROVIDER_P_BASE_URL": "http://127.0.0.1:9"}, True),
        ("http://127.0.0.1:10", {"JOCH_PROVIDER_P_BASE_URL": "http://127.0.0.1:9"}, False),
    ],
)
def test_a_conventional_key_is_only_sent_where_the_environment_points(
    written: str | None, env: dict[str, str], sent: bool
) -> None:
    place = place_of(HOSTED, env, [], written=written)
    secret, problem = convention(HOSTED, place, {**env, **ENV})
    assert (secret is not None) is sent
    assert (problem is None) is sent


def test_an_own_engine_needs_no_key_and_takes_one() -> None:
    place = place_of(OWN, {}, [])
    assert convention(OWN, place, {}) == (None, None)
    secret, problem = convention(OWN, place, ENV)
    assert secret is not None
    assert secret.name == "OWN_KEY"
    assert problem is None


def test_a_missing_key_is_told_by_name() -> None:
    assert convention(HOSTED, place_of(HOSTED, {}, []), {}) == (None, "P_KEY is not set")
    assert convention(record("open", auth="none"), place_of(HOSTED, {}, []), {}) == (None, None)


def test_local_is_an_own_engine_on_this_machine() -> None:
    assert is_local("http://127.0.0.1:1", provider_is_local=True)
    assert is_local(None, provider_is_local=True)
    assert not is_local("http://gpu:1", provider_is_local=True)
    assert not is_local("http://127.0.0.1:1", provider_is_local=False)


def test_a_local_model_may_take_its_time_unless_somebody_said_otherwise() -> None:
    assert local_clocks(Clocks()).first_byte == LOCAL_FIRST_BYTE
    assert local_clocks(Clocks(first_byte=5)).first_byte == 5


def using(name: str, provider: str, url: str, rest: str = "") -> str:
    return model(name, f"provider: {provider}\nendpoint: {{ baseUrl: '{url}' }}\nauth: {{ secretRef: s }}\n{rest}")


@pytest.mark.parametrize(
    ("other", "reused"),
    [
        (using("b", "generic-openai", "https://b.example/v1"), True),
        (using("b", "generic-openai", "https://a.example/v1"), False),
        (using("b", "openai", "https://b.example/v1"), False),
        (using("b", "generic-openai", "https://b.example/v1", "disabled: true"), False),
        (using("b", "generic-openai", "https://b.example/v1").replace("secretRef: s", "secretRef: t"), False),
    ],
)
def test_a_key_that_two_providers_hosts_get_is_said(tmp_path: Path, other: str, reused: bool) -> None:
    text = using("a", "openai", "https://a.example/v1") + other + secret("s")
    text += secret("t", "source: { type: env, name: OTHER }")
    if not reused:
        assert told(tmp_path, text) == []
        return
    problem = only(tmp_path, text)
    assert (problem.code, problem.resource, problem.path) == (
        "W-KEY-REUSED",
        "Model/default/b",
        "spec.auth.secretRef",
    )
    assert "openai:a" in problem.message
    assert problem.hint
