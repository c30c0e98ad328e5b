import subprocess
import sys

import pytest

from proxy.config import ConfigError
from proxy.config.environment import ADMIN_TOKEN
from proxy.config.zero import endpoints, from_environment
from proxy.resources import Settings
from translators.providers.provider import Discovered, Discovery, Probe

from .writing import Records, record

QWEN = Discovered(model="qwen3:8b", flags={"text": True, "toolCalling": True})


def asked(env: dict[str, str]) -> list[tuple[str, str]]:
    return [tuple(endpoint) for endpoint in endpoints(env)]


def test_only_ollama_is_asked_unbidden() -> None:
    assert asked({"OPENAI_API_KEY": "k"}) == [("ollama", "http://localhost:11434")]
    assert asked({"OLLAMA_HOST": "0.0.0.0:9"}) == [("ollama", "http://127.0.0.1:9")]


def test_own_engines_are_asked_where_a_variable_says_they_are() -> None:
    env = {
        "JOCH_PROVIDER_VLLM_BASE_URL": "http://gpu:8000/v1",
        "JOCH_PROVIDER_OLLAMA_BASE_URL": "http://gpu:11434",
        "JOCH_PROVIDER_OPENAI_BASE_URL": "http://proxy/v1",
    }
    assert asked(env) == [("ollama", "http://gpu:11434"), ("vllm", "http://gpu:8000/v1")]


def test_a_variable_that_is_no_url_stops_the_start() -> None:
    with pytest.raises(ConfigError, match="JOCH_PROVIDER_VLLM_BASE_URL"):
        endpoints({"JOCH_PROVIDER_VLLM_BASE_URL": "gpu"})


def test_with_nothing_at_all_the_demo_answers() -> None:
    found = from_environment({}, {})
    assert list(found.models) == ["demo:echo"]
    assert (found.settings, found.implicit, found.routes) == (Settings(), (), {})
    assert found.hint.startswith("No key is set for anthropic (ANTHROPIC_API_KEY), google (")
    assert "openai (OPENAI_API_KEY)." in found.hint
    assert "microsoft" not in found.hint, "a key alone would not say where it is"
    assert "demo:echo" in found.hint


def test_a_key_brings_its_providers_models() -> None:
    found = from_environment({"OPENAI_API_KEY": "k"}, {})
    template, patterns = found.implicit[0]
    assert (template.provider, template.base_url, template.origin) == (
        "openai",
        "https://api.openai.com/v1",
        "implicit",
    )
    assert "gpt-*" in patterns
    assert template.secret is not None
    assert template.secret.source.location == "OPENAI_API_KEY"
    assert "openai" not in found.hint


@pytest.mark.parametrize("key", ["local", "joch-1234", ""])
def test_a_key_for_the_router_itself_is_no_providers_key(key: str) -> None:
    assert from_environment({"OPENAI_API_KEY": key}, {}).implicit == ()


def test_discovered_models_are_served_and_named_in_the_hint() -> None:
    found = from_environment({}, {"ollama": (QWEN,)})
    assert list(found.models) == ["demo:echo", "ollama:qwen3:8b"]
    assert "Models found here: qwen3:8b." in found.hint
    assert "joch serve --local" in found.hint
    assert found.settings.aliases == {}


def test_unknown_names_go_nowhere_unless_asked_for() -> None:
    found = from_environment({}, {"ollama": (QWEN,)}, local="")
    assert found.settings.aliases == {"*": "ollama:qwen3:8b"}
    assert from_environment({}, {}, local="demo:echo").settings.aliases == {"*": "demo:echo"}
    with pytest.raises(ConfigError, match="no local model was found"):
        from_environment({}, {}, local="")


def test_a_provider_that_leads_back_here_stops_the_start() -> None:
    env = {"OPENAI_API_KEY": "k", "JOCH_PROVIDER_OPENAI_BASE_URL": "http://localhost:8083/v1"}
    with pytest.raises(ConfigError, match="E-SELF-LOOP"):
        from_environment(env, {})
    assert from_environment(env, {}, overrides={"port": 9000}).implicit
    assert from_environment({**env, "JOCH_ROUTER_PORT": "9000"}, {}).implicit


def test_openai_base_url_is_ours_and_never_an_upstream() -> None:
    found = from_environment({"OPENAI_API_KEY": "k", "OPENAI_BASE_URL": "http://127.0.0.1:8083/v1"}, {})
    assert found.implicit[0][0].base_url == "https://api.openai.com/v1"


def test_an_address_others_can_reach_is_refused() -> None:
    with pytest.raises(ConfigError, match="E-OPEN-BIND"):
        from_environment({}, {}, overrides={"address": "0.0.0.0"})


def test_the_default_model_must_exist() -> None:
    assert from_environment({"JOCH_DEFAULT_MODEL": "echo"}, {}).settings.default_route == "demo:echo"
    found = from_environment({"JOCH_DEFAULT_MODEL": "gpt-4o", "OPENAI_API_KEY": "k"}, {})
    assert found.settings.default_route == "gpt-4o"
    with pytest.raises(ConfigError, match="JOCH_DEFAULT_MODEL"):
        from_environment({"JOCH_DEFAULT_MODEL": "gpt-4o"}, {})


def test_a_broken_package_does_not_keep_the_others_from_starting() -> None:
    mine = record("mine", base_url="https://mine.example", key_env=("MINE_KEY",))
    found = from_environment({"MINE_KEY": "k"}, {}, providers=Records(mine, broken=("bad",)))
    assert [template.provider for template, _ in found.implicit] == ["mine"]


def test_an_own_engine_of_somebody_elses_package_is_asked_where_it_is() -> None:
    ask = Discovery(list=Probe(path="/models"), parse_list=lambda body: ())
    mine = record("mine", base_url="http://localhost:1", local=True, discovery=ask)
    assert endpoints({}, providers=Records(mine)) == ()
    moved = {"JOCH_PROVIDER_MINE_BASE_URL": "http://gpu:1"}
    assert endpoints(moved, providers=Records(mine)) == (("mine", "http://gpu:1"),)


def test_the_first_start_waits_for_neither_yaml_nor_pydantic() -> None:
    script = (
        "import sys; from proxy.config import zero; zero.from_environment({'OPENAI_API_KEY': 'k'}, {}); "
        "print([name for name in ('yaml', 'pydantic', 'click', 'rich', 'httpx') if name in sys.modules])"
    )
    ran = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert ran.stdout.strip() == "[]"


def test_the_operators_token_may_be_in_the_environment_without_any_file() -> None:
    assert from_environment({"JOCH_ADMIN_TOKEN": "t"}, {}).settings.admin_token == ADMIN_TOKEN
    assert from_environment({}, {}).settings.admin_token is None
