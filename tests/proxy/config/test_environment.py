import pytest

from proxy.config.environment import (
    ADMIN_TOKEN,
    base_url_from,
    base_url_variable,
    key_by_convention,
    ollama_url,
    overridden,
)
from proxy.config.problems import Problem
from proxy.resources import SecretRef, SecretSource, Settings

from .writing import record


@pytest.mark.parametrize(
    ("host", "url"),
    [
        ("localhost", "http://localhost:11434"),
        ("0.0.0.0", "http://127.0.0.1:11434"),
        ("0.0.0.0:8000", "http://127.0.0.1:8000"),
        (":9000", "http://127.0.0.1:9000"),
        ("gpu:80", "http://gpu:80"),
        ("gpu:", "http://gpu:11434"),
        ("http://gpu", "http://gpu:80"),
        ("https://gpu/ollama/", "https://gpu:443/ollama"),
        ("http://gpu:1234/", "http://gpu:1234"),
        ("[::1]", "http://[::1]:11434"),
        ("[::1]:7", "http://[::1]:7"),
        ("::1", "http://[::1]:11434"),
        ("[::]:7", "http://127.0.0.1:7"),
        (" gpu ", "http://gpu:11434"),
    ],
)
def test_ollama_host_means_what_it_means_to_ollama(host: str, url: str) -> None:
    assert ollama_url(host) == url


def test_a_variable_moves_a_provider_and_openai_base_url_never_does() -> None:
    problems: list[Problem] = []
    env = {"OPENAI_BASE_URL": "http://127.0.0.1:8083/v1", "JOCH_PROVIDER_LLAMA_CPP_BASE_URL": "http://gpu:8080/v1/"}
    assert base_url_variable("llama-cpp") == "JOCH_PROVIDER_LLAMA_CPP_BASE_URL"
    assert base_url_from("llama-cpp", env, problems) == "http://gpu:8080/v1"
    assert base_url_from("openai", env, problems) is None
    assert base_url_from("ollama", {"OLLAMA_HOST": "gpu"}, problems) == "http://gpu:11434"
    assert base_url_from("vllm", {"OLLAMA_HOST": "gpu"}, problems) is None
    foundry = {"JOCH_PROVIDER_MICROSOFT_FOUNDRY_ENDPOINT": "https://a", "AZURE_OPENAI_ENDPOINT": "https://b"}
    assert base_url_from("microsoft", foundry, problems) == "https://a"
    assert problems == []


def test_a_variable_that_is_no_url_is_named_and_not_repeated() -> None:
    problems: list[Problem] = []
    assert base_url_from("openai", {"JOCH_PROVIDER_OPENAI_BASE_URL": "https://user:pw@host"}, problems) is None
    assert [problem.code for problem in problems] == ["E-SECRET-INLINE"]
    assert "JOCH_PROVIDER_OPENAI_BASE_URL" in str(problems[0])
    assert "pw" not in str(problems[0])


@pytest.mark.parametrize("value", ["", "local", "joch-abc"])
def test_a_key_that_is_meant_for_us_is_no_providers_key(value: str) -> None:
    assert key_by_convention(record("p", key_env=("P_KEY",)), {"P_KEY": value}) is None


def test_the_first_variable_with_a_key_is_taken_by_name() -> None:
    found = key_by_convention(record("p", key_env=("A", "B")), {"A": "local", "B": "secret"})
    assert found is not None
    assert (found.name, found.source.type, found.source.location) == ("B", "env", "B")


def test_flags_win_over_variables_and_variables_over_settings() -> None:
    problems: list[Problem] = []
    env = {
        "JOCH_ROUTER_PORT": "9000",
        "JOCH_LISTEN_ADDRESS": "127.0.0.2",
        "JOCH_LOG_LEVEL": "DEBUG",
        "JOCH_LOG_FORMAT": "text",
        "JOCH_STORE_PATH": "/var/joch/calls.db",
    }
    found = overridden(Settings(port=1, store_path="here.db"), env, {"port": 9001}, problems)
    assert (found.port, found.address, found.log_level, found.log_format) == (9001, "127.0.0.2", "debug", "text")
    assert found.store_path == "/var/joch/calls.db"
    assert problems == []


def test_the_operators_token_may_be_a_variable_where_no_secret_is_named() -> None:
    env = {"JOCH_ADMIN_TOKEN": "t"}
    assert overridden(Settings(), env, {}, []).admin_token == ADMIN_TOKEN
    assert (ADMIN_TOKEN.source.type, ADMIN_TOKEN.source.location) == ("env", "JOCH_ADMIN_TOKEN")
    named = SecretRef(name="admin", source=SecretSource(type="file", location="/run/secrets/admin"))
    assert overridden(Settings(admin_token=named), env, {}, []).admin_token == named
    assert overridden(Settings(), {"JOCH_ADMIN_TOKEN": ""}, {}, []).admin_token is None


@pytest.mark.parametrize(
    ("variable", "value"),
    [
        ("JOCH_ROUTER_PORT", "http"),
        ("JOCH_ROUTER_PORT", "70000"),
        ("JOCH_ROUTER_PORT", "²"),
        ("JOCH_LOG_LEVEL", "loud"),
        ("JOCH_LOG_FORMAT", "xml"),
    ],
)
def test_a_variable_that_cannot_be_used_is_a_problem(variable: str, value: str) -> None:
    problems: list[Problem] = []
    overridden(Settings(), {variable: value}, {}, problems)
    assert [(problem.code, problem.position.source) for problem in problems] == [
        ("E-TYPE", f"environment variable {variable}")
    ]
    assert problems[0].hint
