import json

from .running import joch


def test_providers_and_the_names_of_their_keys() -> None:
    ran = joch("providers", env={"OPENAI_API_KEY": "canary-value", "JOCH_PROVIDER_VLLM_BASE_URL": "http://gpu:8000/v1"})
    lines = {line.split()[0]: line for line in ran.stdout.splitlines()}
    assert lines["openai"].endswith("OPENAI_API_KEY set")
    assert "http://gpu:8000/v1" in lines["vllm"]
    assert lines["vllm"].endswith("VLLM_API_KEY not set (optional)")
    assert lines["demo"].split() == ["demo", "built", "in", "-", "none", "needed"]
    assert "canary-value" not in ran.output


def test_a_key_for_the_router_itself_is_told_apart() -> None:
    rows = json.loads(joch("providers", "-o", "json", env={"OPENAI_API_KEY": "local"}).stdout)
    openai = next(row for row in rows if row["provider"] == "openai")
    assert openai["keys"] == {"OPENAI_API_KEY": "not a provider's key"}
    assert openai["baseUrlFrom"] == "default"


def test_the_eight_providers_and_the_built_in_one() -> None:
    rows = json.loads(joch("providers", "-o", "json").stdout)
    assert [row["provider"] for row in rows if not row.get("builtIn")] == [
        "anthropic",
        "generic-openai",
        "google",
        "llama-cpp",
        "microsoft",
        "ollama",
        "openai",
        "vllm",
    ]
    assert [row["problem"] for row in rows if "problem" in row] == []


def test_azure_is_where_its_own_variable_says() -> None:
    env = {"AZURE_OPENAI_ENDPOINT": "https://r.openai.azure.com", "AZURE_OPENAI_API_KEY": "canary-value"}
    ran = joch("providers", "-o", "json", env=env)
    row = next(row for row in json.loads(ran.stdout) if row["provider"] == "microsoft")
    assert (row["baseUrl"], row["baseUrlFrom"]) == (env["AZURE_OPENAI_ENDPOINT"], "AZURE_OPENAI_ENDPOINT")
    assert row["keys"] == {"AZURE_OPENAI_API_KEY": "set"}
    assert "canary-value" not in ran.output
