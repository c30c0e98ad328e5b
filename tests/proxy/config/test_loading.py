import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from proxy.config import ConfigError, load
from proxy.resources import SecretRef
from proxy.secrets import SecretError, SecretResolver

from .writing import KEY, Records, loaded, model, only, problems, record, resource, route, secret, settings, told

ROOT = Path(__file__).parents[3]
EXAMPLE = (ROOT / "config.example.yaml").read_text()


def test_a_route_as_printed_in_the_documentation_loads(tmp_path: Path) -> None:
    text = """\
apiVersion: joch.dev/v1alpha1
kind: ModelRoute
metadata:
  name: research-default
spec:
  requirements:
    toolCalling: true
    contextWindowMin: 200000
    structuredOutput: true
  strategy:
    primary: openai:gpt-5-thinking
    fallback:
      - anthropic:claude-sonnet
      - google:gemini-pro
  constraints:
    maxCostUsdPerExecution: 5.00
---
"""
    for name, provider in [("gpt-5-thinking", "openai"), ("claude-sonnet", "anthropic"), ("gemini-pro", "google")]:
        text += resource("Model", name, f"provider: {provider}")
    assert list(loaded(tmp_path, text, {}).snapshot.routes) == ["research-default"]


def test_problems_are_in_the_order_of_the_files(tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_text(resource("Model", "a", "{ provider: openai, x: 1, y: 2 }"))
    (tmp_path / "b.yaml").write_text(resource("Model", "b", "{ provider: openai, z: 1 }"))
    for names, order in [(["a", "b"], "xyz"), (["b", "a"], "zxy")]:
        with pytest.raises(ConfigError) as caught:
            load([str(tmp_path / f"{name}.yaml") for name in names], env=KEY)
        assert "".join(problem.path[-1] for problem in caught.value.problems) == order


def test_the_files_read_are_remembered(tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_text(model("a"))
    (tmp_path / "b.yaml").write_text(route("r", "strategy: { primary: a }"))
    snapshot = load([str(tmp_path)], env=KEY).snapshot
    assert snapshot.sources == (str(tmp_path / "a.yaml"), str(tmp_path / "b.yaml"))
    assert snapshot.routes["r"].entries[0].ref == "openai:a"


@pytest.mark.parametrize("text", ["", "---\n", "# nothing\n"])
def test_a_file_without_a_resource_is_an_error(tmp_path: Path, text: str) -> None:
    assert only(tmp_path, text).code == "E-FILE"


def test_a_missing_file_is_an_error() -> None:
    with pytest.raises(ConfigError, match="no such file"):
        load(["there-is-none.yaml"], env={})


@pytest.mark.parametrize(
    ("address", "mode", "allowed"),
    [
        ("127.0.0.1", "", True),
        ("localhost", "", True),
        ('"::1"', "", True),
        ("0.0.0.0", "", False),
        ("192.168.1.5", "", False),
        ("127.evil.example", "", False),
        ("0.0.0.0", "auth: { mode: open }", True),
    ],
)
def test_an_address_others_can_reach_needs_the_word_open(
    tmp_path: Path, address: str, mode: str, allowed: bool
) -> None:
    text = settings(f"listen: {{ address: {address} }}\n{mode}") + model("a")
    assert told(tmp_path, text) == ([] if allowed else [("E-OPEN-BIND", "spec.listen.address")])


def test_a_flag_or_variable_does_not_open_the_door_either(tmp_path: Path) -> None:
    problem = only(tmp_path, model("a"), overrides={"address": "0.0.0.0"})
    assert (problem.code, str(problem.position)) == ("E-OPEN-BIND", "flag --host")
    problem = only(tmp_path, model("a"), {**KEY, "JOCH_LISTEN_ADDRESS": "0.0.0.0"})
    assert (problem.code, str(problem.position)) == ("E-OPEN-BIND", "environment variable JOCH_LISTEN_ADDRESS")


def test_a_key_pasted_into_the_file_is_an_error_wherever_it_stands(tmp_path: Path) -> None:
    key = "sk-" + "a1B2c3D4e5F6g7H8i9J0"
    for text in (model("a").replace("spec:", f"spec: # {key}", 1), model("a", f"provider: openai\nmodel: {key}")):
        found = problems(tmp_path, text)
        assert "E-SECRET-INLINE" in [problem.code for problem in found]
        assert key not in "".join(map(str, found))


def test_the_default_model_may_come_from_the_environment(tmp_path: Path) -> None:
    text = settings("aliases: { nick: r }") + model("a") + route("r", "strategy: { primary: a }")
    for wanted, key in [("r", "r"), ("a", "openai:a"), ("nick", "r"), ("gpt-4o", "gpt-4o")]:
        found = loaded(tmp_path, text, {**KEY, "JOCH_DEFAULT_MODEL": wanted}).snapshot
        assert found.settings.default_route == key
    assert only(tmp_path, text, {**KEY, "JOCH_DEFAULT_MODEL": "none"}).code == "E-REF"


def test_secrets_are_tried_when_asked_to(tmp_path: Path) -> None:
    text = (
        model("a", "provider: openai\nauth: { secretRef: s }")
        + model("b", "provider: openai\nauth: { secretRef: s }")
        + secret("s")
    )
    assert told(tmp_path, text) == []
    missing = only(tmp_path, text, fault_of=SecretResolver({}).problem)
    assert (missing.code, missing.resource) == ("W-SECRET-UNRESOLVED", "Model/default/a")
    assert told(tmp_path, text, fault_of=SecretResolver({"MY_KEY": "k"}).problem) == []
    invalid = only(tmp_path, text, fault_of=SecretResolver({"MY_KEY": "canary\nx"}).problem)
    assert invalid.code == "E-SECRET-INVALID"
    assert "canary" not in str(invalid)


def test_secrets_nothing_uses_are_not_tried(tmp_path: Path) -> None:
    asked: list[str] = []

    def fault(ref: SecretRef) -> SecretError | None:
        asked.append(ref.name)
        return None

    text = model("a", "provider: openai\nauth: { secretRef: s }\ndisabled: true") + secret("s") + secret("t")
    loaded(tmp_path, text, fault_of=fault)
    assert asked == []


def test_unknown_names_can_be_led_to_a_local_model(tmp_path: Path) -> None:
    text = settings("aliases: { x: a }") + model("a") + model("q", "provider: ollama\nmodel: 'qwen3:8b'")
    for wanted in ("", "q", "qwen3:8b", "ollama:q"):
        found = loaded(tmp_path, text, local=wanted).snapshot.settings.aliases
        assert found == {"x": "openai:a", "*": "ollama:q"}
    assert only(tmp_path, text, local="a2").code == "E-REF"


def test_a_provider_in_the_settings_must_exist(tmp_path: Path) -> None:
    text = settings("{ providers: { opnai: {} } }") + model("a")
    problem = only(tmp_path, text)
    assert (problem.code, problem.path, problem.hint) == ("E-PROVIDER", "spec.providers.opnai", "did you mean openai?")


def test_a_provider_in_the_settings_may_be_broken(tmp_path: Path) -> None:
    records = Records(record("ollama", local=True, base_url="http://localhost:11434"), broken=("mine",))
    text = settings("{ providers: { mine: {} } }") + model("a", "provider: ollama")
    problem = only(tmp_path, text, providers=records)
    assert (problem.code, problem.path) == ("E-PROVIDER", "spec.providers.mine")
    assert "could not be loaded" in problem.message


def test_standard_input_is_a_file_like_others() -> None:
    script = "from proxy.config import load; print(*load(['-'], env={'OPENAI_API_KEY': 'k'}).snapshot.models, sep=',')"
    ran = subprocess.run([sys.executable, "-c", script], input=model("a"), capture_output=True, text=True, check=True)
    assert ran.stdout == "openai:a\n"


LINES = EXAMPLE.splitlines(keepends=True)


@hypothesis_settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_however_a_file_is_broken_the_answer_is_a_list_of_problems(tmp_path: Path, data: st.DataObject) -> None:
    lines = list(LINES)
    for _ in range(data.draw(st.integers(1, 4))):
        index = data.draw(st.integers(0, len(lines) - 1))
        line = lines[index]
        cut = data.draw(st.integers(0, len(line)))
        lines[index] = data.draw(
            st.sampled_from(
                ["", line[:cut] + "\n", line[cut:], line[:cut] + "[1]" + line[cut:], line.replace(":", ": null #", 1)]
            )
        )
    assert all(problem.position.source for problem in problems(tmp_path, "".join(lines)))


def test_a_clients_key_pasted_anywhere_is_an_error_and_never_repeated(tmp_path: Path) -> None:
    key = "joch-" + "aB3_" * 10 + "xyz"
    for text in (
        model("a") + f"# {key}\n",
        model("a") + resource("ClientKey", "k", f"hash: {key}"),
        model("a") + resource("ClientKey", "k", "hash: joch-short"),
    ):
        found = problems(tmp_path, text)
        assert "E-SECRET-INLINE" in [problem.code for problem in found], text
        assert key not in "".join(map(str, found))
    assert told(tmp_path, model("a") + "# joch-router-internal-production-cluster-one-eu\n") == []


def test_a_door_that_cannot_be_locked_as_written_is_an_error_or_said(tmp_path: Path) -> None:
    text = settings("{ auth: { adminTokenSecretRef: s } }") + model("a")
    vault = secret("s", "source: { type: vault, path: p, key: k }")
    assert ("E-NOT-YET", "spec.auth.adminTokenSecretRef") in told(tmp_path, text + vault)
    problem = only(tmp_path, text + secret("s"), fault_of=SecretResolver(KEY).problem)
    assert (problem.code, problem.path) == ("W-SECRET-UNRESOLVED", "spec.auth.adminTokenSecretRef")


@pytest.mark.parametrize("written", [model("a"), settings("{ logging: { level: info } }") + model("a")])
def test_the_operators_token_of_the_environment_locks_their_endpoints(tmp_path: Path, written: str) -> None:
    env = {**KEY, "JOCH_ADMIN_TOKEN": "canary"}
    found = loaded(tmp_path, written, env, fault_of=SecretResolver(env).problem)
    token = found.snapshot.settings.admin_token
    assert token is not None
    assert SecretResolver(env).resolve(token).reveal() == "canary"
    broken = {**KEY, "JOCH_ADMIN_TOKEN": "canary\nx"}
    problem = only(tmp_path, written, broken, fault_of=SecretResolver(broken).problem)
    assert (problem.code, problem.position.source) == ("E-SECRET-INVALID", "environment variable JOCH_ADMIN_TOKEN")
    assert "canary" not in str(problem)


def test_what_could_not_be_read_is_not_missed(tmp_path: Path) -> None:
    text = settings("{ listen: { address: 0.0.0.0 }, auth: { mode: keys } }") + model("a", "provider: ollama")
    text += route("r", "strategy: { primary: b }") + resource("Agent", "x", 'modelPolicy: { allowed: ["vllm:*"] }')
    text += route("s", "strategy: { primary: a }\naccess: { agents: { matchLabels: { tier: gold } } }")
    missed = {"E-OPEN-BIND", "E-REF", "W-SELECTOR-EMPTY", "W-KEY-MISSING"}
    assert {code for code, _ in told(tmp_path, text)} == missed
    assert {code for code, _ in told(tmp_path, text + "kind: [")} == {"E-YAML"}
