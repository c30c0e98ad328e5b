import json
from pathlib import Path

import pytest
import yaml

from .running import joch, write

VALID = """\
apiVersion: joch.dev/v1alpha1
kind: Model
metadata: { name: qwen }
spec: { provider: ollama, model: "qwen3:8b" }
---
apiVersion: joch.dev/v1alpha1
kind: ModelRoute
metadata: { name: main }
spec:
  strategy: { primary: qwen }
"""
WARNED = VALID + "  observability: { events: {} }\n"
BROKEN = VALID + "  aliasses: [x]\n"
WARNED_LINE = (
    "c.yaml:11:20  W-NOT-YET  ModelRoute/default/main  spec.observability.events"
    "  accepted, but this version does not act on it\n"
)
BROKEN_LINE = (
    "c.yaml:11:3  E-UNKNOWN-FIELD  ModelRoute/default/main  spec.aliasses  there is no field 'aliasses' here"
    "  -> did you mean aliases?\n"
)


@pytest.mark.parametrize(
    ("text", "strict", "code", "output"),
    [
        (VALID, False, 0, "c.yaml: valid: 1 model, 1 route, 0 errors, 0 warnings\n"),
        (VALID, True, 0, "c.yaml: valid: 1 model, 1 route, 0 errors, 0 warnings\n"),
        (WARNED, False, 0, WARNED_LINE + "c.yaml: valid: 1 model, 1 route, 0 errors, 1 warning\n"),
        (WARNED, True, 1, WARNED_LINE + "c.yaml: valid: 1 model, 1 route, 0 errors, 1 warning\n"),
        (BROKEN, False, 2, BROKEN_LINE + "c.yaml: not valid: 1 error, 0 warnings\n"),
    ],
    ids=["valid", "valid strict", "warned", "warned strict", "broken"],
)
def test_what_is_printed_and_the_exit_code(folder: Path, text: str, strict: bool, code: int, output: str) -> None:
    write(folder / "c.yaml", text)
    ran = joch("validate", "-f", "c.yaml", *(["--strict"] if strict else []))
    assert (ran.exit_code, ran.stdout) == (code, output)


def test_what_is_counted_is_written_as_one_says_it(folder: Path) -> None:
    more = VALID + "---\n" + VALID.replace("name: qwen", "name: other").replace("name: main", "name: second")
    write(folder / "c.yaml", more.replace("primary: qwen", "primary: other"))
    assert joch("validate", "-f", "c.yaml").stdout == "c.yaml: valid: 2 models, 2 routes, 0 errors, 0 warnings\n"
    write(folder / "c.yaml", VALID.split("---")[0])
    assert "1 model, 0 routes, " in joch("validate", "-f", "c.yaml").stdout


def test_json_and_yaml_say_the_same(folder: Path) -> None:
    write(folder / "c.yaml", BROKEN)
    as_json = json.loads(joch("validate", "-f", "c.yaml", "-o", "json").stdout)
    assert as_json == yaml.safe_load(joch("validate", "-f", "c.yaml", "-o", "yaml").stdout)
    assert as_json == {
        "valid": False,
        "problems": [
            {
                "code": "E-UNKNOWN-FIELD",
                "level": "error",
                "file": "c.yaml",
                "line": 11,
                "column": 3,
                "resource": "ModelRoute/default/main",
                "path": "spec.aliasses",
                "message": "there is no field 'aliasses' here",
                "hint": "did you mean aliases?",
            }
        ],
    }


def test_the_output_style_may_come_from_the_environment(folder: Path) -> None:
    write(folder / "c.yaml", VALID)
    assert json.loads(joch("validate", "-f", "c.yaml", env={"JOCH_OUTPUT": "json"}).stdout) == {
        "valid": True,
        "problems": [],
    }


def test_the_usual_places_are_tried(folder: Path) -> None:
    nothing = joch("validate")
    assert (nothing.exit_code, nothing.stdout) == (2, "")
    assert nothing.stderr.startswith("joch: no configuration")
    write(folder / "joch.yaml", VALID)
    assert joch("validate").exit_code == 0


def test_standard_input_and_overlays(folder: Path) -> None:
    assert joch("validate", "-f", "-", input=VALID).stdout.startswith("-: valid: 1 model, 1 route, ")
    write(folder / "c.yaml", VALID)
    write(folder / "over.yaml", VALID.replace("qwen3:8b", "qwen3:4b"))
    assert joch("validate", "-f", "c.yaml", "-f", "over.yaml").exit_code == 2
    assert joch("validate", "-f", "c.yaml", "--overlay", "over.yaml").exit_code == 0


def test_a_secret_that_is_not_there_is_a_warning_by_name(folder: Path) -> None:
    secret = "---\napiVersion: joch.dev/v1alpha1\nkind: Secret\nmetadata: { name: s }\nspec: { source: { type: env, name: CANARY_KEY } }\n"
    write(folder / "c.yaml", VALID.replace('"qwen3:8b"', "q, auth: { secretRef: s }") + secret)
    assert "W-SECRET-UNRESOLVED" in joch("validate", "-f", "c.yaml").stdout
    there = joch("validate", "-f", "c.yaml", env={"CANARY_KEY": "canary-value"})
    assert "W-SECRET" not in there.stdout
    broken = joch("validate", "-f", "c.yaml", env={"CANARY_KEY": "canary-\nvalue"})
    assert broken.exit_code == 2
    assert "canary-" not in broken.output


def test_wrong_usage_is_exit_code_2() -> None:
    assert joch("validate", "--nonsense").exit_code == 2
    assert joch("nonsense").exit_code == 2
