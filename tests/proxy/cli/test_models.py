import json
from datetime import date
from pathlib import Path
from typing import Any

import pytest
import yaml

from proxy.cli.models import WIDE_HEADERS, retires, window

from .running import NOBODY, joch, serving, write

CONFIG = """\
apiVersion: joch.dev/v1alpha1
kind: Model
metadata: { name: big }
spec:
  provider: openai
  model: gpt-5.5
  auth: { secretRef: my-key }
  capabilities: { text: true, vision: true, toolCalling: true }
  limits: { contextWindowTokens: 400000 }
  pricing: { inputPerMillionTokens: 1.25, outputPerMillionTokens: 10 }
---
apiVersion: joch.dev/v1alpha1
kind: Secret
metadata: { name: my-key }
spec: { source: { type: env, name: CANARY_KEY } }
---
apiVersion: joch.dev/v1alpha1
kind: Model
metadata: { name: near }
spec: { provider: ollama, model: "qwen3:8b", capabilities: { toolCalling: true }, limits: { contextWindowTokens: 32768 } }
---
apiVersion: joch.dev/v1alpha1
kind: Model
metadata: { name: off }
spec: { provider: openai, auth: {}, capabilities: { text: true }, disabled: true }
"""


def squeezed(text: str) -> list[list[str]]:
    return [line.split() for line in text.splitlines()]


def test_the_models_of_a_configuration(folder: Path) -> None:
    write(folder / "c.yaml", CONFIG)
    ran = joch("models", "-f", "c.yaml", env={"CANARY_KEY": "canary-value"})
    assert ran.exit_code == 0
    assert squeezed(ran.stdout) == [
        ["MODEL", "UPSTREAM", "ID", "ENDPOINT", "CAPABILITIES", "WINDOW", "IN/OUT", "PER", "M", "KEY"],
        [
            "openai:big",
            "gpt-5.5",
            "https://api.openai.com/v1",
            "text",
            "vision",
            "tools",
            "(declared)",
            "400k",
            "1.25/10",
            "USD",
            "my-key",
            "ok",
        ],
        [
            "ollama:near",
            "qwen3:8b",
            "http://127.0.0.1:1",
            "text",
            "(default)",
            "tools",
            "(declared)",
            "32k",
            "0",
            "(local)",
            "none",
        ],
        ["openai:off", "off", "https://api.openai.com/v1", "text", "(declared)", "-", "unknown", "disabled"],
    ]
    lines = ran.stdout.splitlines()
    assert (
        len({line.index(cell) for line, cell in zip(lines, ["ENDPOINT", "https", "http", "https"], strict=True)}) == 1
    )
    assert all(line == line.rstrip() for line in lines)


def test_a_missing_key_is_told_by_name_and_no_value_is_ever_shown(folder: Path) -> None:
    write(folder / "c.yaml", CONFIG)
    assert "my-key: environment variable CANARY_KEY is not set" in joch("models", "-f", "c.yaml").stdout
    for style in ("table", "json", "yaml"):
        assert (
            "canary-value" not in joch("models", "-f", "c.yaml", "-o", style, env={"CANARY_KEY": "canary-value"}).output
        )


def test_json_has_everything_the_table_shortens(folder: Path) -> None:
    write(folder / "c.yaml", CONFIG)
    first = json.loads(joch("models", "-f", "c.yaml", "-o", "json", env={"CANARY_KEY": "k"}).stdout)[0]
    assert first["ref"] == "openai:big"
    assert first["limits"] == {"contextWindowTokens": 400000, "maxOutputTokens": 128000}  # the catalogue's
    assert first["pricing"]["outputPerMillionTokens"] == 10.0
    assert (first["capabilities"]["toolCalling"], first["source"]["toolCalling"]) == (True, "declared")
    assert (first["endpointType"], first["key"]) == ("hosted", "my-key ok")


KNOWN = """\
apiVersion: joch.dev/v1alpha1
kind: Model
metadata: { name: big }
spec: { provider: openai, model: gpt-5.4 }
---
apiVersion: joch.dev/v1alpha1
kind: Model
metadata: { name: contract }
spec:
  provider: openai
  model: gpt-5.5
  capabilities: { text: true, features: { reasoningEfforts: [low] } }
  pricing: { currency: EUR, usdRate: 1.1, inputPerMillionTokens: 4, outputPerMillionTokens: 20, asOf: "2026-11-01" }
---
apiVersion: joch.dev/v1alpha1
kind: Model
metadata: { name: strange }
spec: { provider: openai, model: gpt-9, capabilities: { text: true } }
---
apiVersion: joch.dev/v1alpha1
kind: Model
metadata: { name: near }
spec: { provider: ollama, model: "qwen3:8b", capabilities: { text: true } }
"""


def test_wide_shows_what_is_known_and_from_where(folder: Path) -> None:
    write(folder / "c.yaml", KNOWN)
    ran = joch("models", "-f", "c.yaml", "-o", "wide", env={"OPENAI_API_KEY": "k"})
    assert ran.exit_code == 0
    header, big, contract, strange, near = (
        [cell.strip() for cell in line.split("  ") if cell.strip()] for line in ran.stdout.splitlines()
    )
    assert header == [*WIDE_HEADERS]
    assert big == [
        *("openai:big", "gpt-5.4", "text vision tools json schema streaming reasoning (catalog)"),
        *("[none] low medium high xhigh", "1050k", "128k", "2.5", "0.25", "-", "15", "USD"),
        *("2026-11-22 (catalog) +tiers", "-", "OPENAI_API_KEY ok"),
    ]
    assert contract[3:] == [
        *("low", "1050k", "128k", "4", "0.4", "-", "20", "EUR"),
        *("2026-11-01 (model)", "-", "OPENAI_API_KEY ok"),
    ]
    assert strange[3:] == ["-", "-", "-", "?", "-", "-", "?", "-", "unknown", "-", "OPENAI_API_KEY ok"]
    assert near[3:] == ["-", "-", "-", "0", "0", "0/0", "0", "USD", "no date (local)", "-", "none"]


def test_documents_say_what_a_table_has_no_room_for(folder: Path) -> None:
    write(folder / "c.yaml", KNOWN)
    rows = json.loads(joch("models", "-f", "c.yaml", "-o", "json").stdout)
    assert yaml.safe_load(joch("models", "-f", "c.yaml", "-o", "yaml").stdout) == rows
    big, contract, strange, _ = rows
    assert big["pricing"]["tiers"][0]["aboveInputTokens"] == 272_000
    assert big["features"]["reasoningEfforts"][0] == "none"
    assert (big["catalog"]["defaultEffort"], big["catalog"]["confidence"]) == ("none", "high")
    assert (big["catalog"]["asOf"], big["catalog"]["maxInputTokens"]) == ("2026-11-22", 922_000)
    assert contract["features"]["reasoningEfforts"] == ["low"]
    assert strange["catalog"] is None


@pytest.mark.parametrize(
    ("day", "shown"),
    [
        (None, "-"),
        ("2027-01-14", "2027-01-14"),
        ("2026-12-25", "2026-12-25 (in 30 days)"),
        ("2026-11-26", "2026-11-26 (in 1 day)"),
        ("2026-11-25", "2026-11-25 (over)"),
        ("2026-10-23", "2026-10-23 (over)"),
    ],
)
def test_an_end_that_is_near_is_counted_in_days(day: str | None, shown: str) -> None:
    assert retires(day, date(2026, 11, 25)) == shown


def test_a_command_without_a_wide_table_shows_its_table() -> None:
    assert joch("version", "-o", "wide").stdout == joch("version").stdout


def test_the_models_of_a_running_router() -> None:
    row = {
        "ref": "ollama:near",
        "provider": "ollama",
        "model": "qwen3:8b",
        "capabilities": {"text": True, "vision": False},
        "source": {"text": "probed", "vision": "default"},
        "limits": {"contextWindowTokens": 4096, "maxOutputTokens": None},
        "endpointType": "local",
        "pricing": None,
    }
    with serving({"/v1/models/capabilities": {"object": "list", "data": [row]}}) as (url, _):
        ran = joch("models", "--server", url)
        assert (ran.exit_code, squeezed(ran.stdout)[1]) == (
            0,
            ["ollama:near", "qwen3:8b", "local", "text", "(probed)", "4k", "unknown", "-"],
        )
        assert joch("models", env={"JOCH_SERVER": url + "/"}).exit_code == 0


def test_a_router_that_does_not_answer_is_exit_code_3() -> None:
    ran = joch("models", "--server", NOBODY)
    assert (ran.exit_code, ran.stdout) == (3, "")
    assert (
        ran.stderr
        == f"joch: no router answers at {NOBODY}: start one with joch serve, or name a configuration with -f\n"
    )


def test_something_else_that_answers_is_told_apart() -> None:
    with serving({}) as (url, _):
        assert joch("models", "--server", url).exit_code == 1
    with serving({"/v1/models/capabilities": ["what"]}) as (url, _):
        ran = joch("models", "--server", url)
        assert (ran.exit_code, ran.stderr) == (1, f"joch: {url} is not a joch router\n")


def test_a_broken_configuration_is_exit_code_2(folder: Path) -> None:
    write(folder / "c.yaml", CONFIG.replace("provider: ollama", "provider: olama"))
    ran = joch("models", "-f", "c.yaml")
    assert (ran.exit_code, ran.stdout) == (2, "")
    assert "E-PROVIDER" in ran.stderr


@pytest.mark.parametrize(
    ("tokens", "shown"),
    [
        (None, "-"),
        (512, "512"),
        (4096, "4k"),
        (8000, "8k"),
        (128_000, "128k"),
        (1_048_576, "1M"),
        (2_000_000, "2M"),
        (4097, "4097"),
    ],
)
def test_windows_are_said_the_way_people_say_them(tokens: int | None, shown: str) -> None:
    assert window(tokens) == shown


# --- check -----------------------------------------------------------------------------------------------------------

CHECKED: dict[str, Any] = {
    "agent": "researcher",
    "target": "openai:b",
    "route": "r",
    "calls": 3,
    "checks": [
        {"id": "toolCalling", "level": "ok", "detail": "used in 3 of 3 calls (tools[0])", "evidence": {"calls": 3}},
        {"id": "price", "level": "warn", "detail": "its price is unknown", "evidence": {}},
    ],
    "result": "compatible, 1 warning",
    "compatible": True,
}
CHECK = "/v1/route/-/check?agent=researcher&target=openai%3Ab"
WHO = ("--agent", "researcher", "--target", "openai:b")


def test_a_check_is_told_with_a_mark_for_each_line() -> None:
    with serving({CHECK: CHECKED}) as (url, _):
        ran = joch("models", "check", *WHO, "--server", url)
    assert ran.stdout.splitlines() == [
        "Agent researcher   route r   calls looked at: 3",
        "Compatibility check against openai:b",
        f"  ✓ {'tool calling':<28} used in 3 of 3 calls (tools[0])",
        f"  ⚠ {'price':<28} its price is unknown",
        "Result     compatible, 1 warning",
    ]
    assert ran.exit_code == 0


def test_a_failure_is_exit_code_1_and_so_is_a_warning_where_it_is_asked_for() -> None:
    with serving({CHECK: CHECKED}) as (url, _):
        strict = joch("models", "check", *WHO, "--strict", "-o", "json", "--server", url)
    assert (strict.exit_code, json.loads(strict.stdout)) == (1, CHECKED)
    with serving({CHECK: {**CHECKED, "compatible": False}}) as (url, _):
        assert joch("models", "check", *WHO, "--server", url).exit_code == 1


ROUTED = """\
apiVersion: model.joch.dev/v1alpha1
kind: Model
metadata: { name: small }
spec: { provider: ollama, model: small, limits: { contextWindowTokens: 8000 }, capabilities: { toolCalling: false } }
---
apiVersion: model.joch.dev/v1alpha1
kind: ModelRoute
metadata: { name: r }
spec:
  requirements: { toolCalling: true, contextWindowMin: 4000 }
  strategy: { primary: small }
---
apiVersion: joch.dev/v1alpha1
kind: Agent
metadata: { name: researcher }
spec: { modelRoute: { routeRef: r } }
"""


def test_without_a_router_an_agent_is_judged_by_its_route(folder: Path) -> None:
    write(folder / "c.yaml", ROUTED)
    ran = joch("models", "check", "--agent", "researcher", "--target", "ollama:small", "-f", "c.yaml", "-o", "json")
    assert ran.exit_code == 1, ran.stderr
    found = json.loads(ran.stdout)
    assert (found["route"], found["calls"]) == ("r", 0)
    levels = {row["id"]: row["level"] for row in found["checks"]}
    assert (levels["toolCalling"], levels["context"]) == ("fail", "ok")


def test_a_target_that_is_not_there_is_exit_code_4_and_a_broken_configuration_2(folder: Path) -> None:
    write(folder / "c.yaml", ROUTED)
    at = ("models", "check", "--agent", "researcher", "-f", "c.yaml", "--target")
    gone = joch(*at, "nobody-knows-this")
    assert (gone.exit_code, gone.stdout) == (4, "")
    write(folder / "c.yaml", ROUTED.replace("kind: Agent", "kind: Agnet"))
    assert joch(*at, "ollama:small").exit_code == 2


def test_a_check_needs_an_agent_and_a_target() -> None:
    assert joch("models", "check", "--agent", "a").exit_code == 2
    assert joch("models", "check", "--target", "openai:b").exit_code == 2
