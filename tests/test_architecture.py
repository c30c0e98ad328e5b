"""Habits of the source that import rules cannot say. Reads the tree as text and syntax; imports nothing of it.

Who may import whom is in `.importlinter` (`make contracts`). A limit here is a habit: an exception is one line below,
with its reason, and one that is no longer needed fails.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
SOURCES = sorted(path for package in ("proxy", "translators") for path in (ROOT / package).rglob("*.py"))
TESTS = sorted(path for path in (ROOT / "tests").rglob("*.py") if "recordings" not in path.parts)

FILE_LINES = 500
FUNCTION_LINES = 80

LONGER_FILES: dict[str, str] = {}
"""Path to the reason why a sitting is not enough."""

LONGER_FUNCTIONS: dict[str, str] = {}
"""`path:function` to the reason why a screen is not enough."""

ASYNC_IN_TRANSLATORS = (
    "translators/canonical/adapter.py",  # the protocol of adapters: declared here, never run here
    "translators/providers/demo",  # an adapter that answers by itself
)

TESTED_ELSEWHERE = {
    "proxy/__main__.py": "tests/proxy/test_main.py",
    "proxy/adapters/bindings.py": "tests/proxy/test_gateway.py",
    "proxy/adapters/capabilities.py": "tests/proxy/test_gateway.py",
    "proxy/adapters/direct.py": "tests/proxy/test_serve.py",
    "proxy/adapters/wire.py": "tests/sdk/test_matrix.py",
    "proxy/addresses.py": "tests/faults/test_requests.py",
    "proxy/app.py": "tests/proxy/test_gateway.py",
    "proxy/call.py": "tests/proxy/test_accounting.py",
    "proxy/banner.py": "tests/proxy/test_serve.py",
    "proxy/discovery.py": "tests/proxy/test_serve.py",
    "proxy/events/envelope.py": "tests/proxy/events/test_sinks.py",
    "proxy/live.py": "tests/proxy/test_gateway.py",
    "proxy/logs.py": "tests/proxy/test_serve.py",
    "proxy/parameters.py": "tests/proxy/test_gateway.py",
    "proxy/cli/asking.py": "tests/proxy/test_explaining.py",
    "proxy/cli/describe.py": "tests/proxy/test_explaining.py",
    "proxy/cli/route.py": "tests/proxy/test_explaining.py",
    "proxy/config/schema/deciding.py": "tests/proxy/config/test_settings.py",
    "proxy/config/schema/identities.py": "tests/proxy/config/test_callers.py",
    "proxy/explain/check.py": "tests/proxy/test_explaining.py",
    "proxy/explain/document.py": "tests/proxy/test_explaining.py",
    "proxy/explain/keeper.py": "tests/proxy/test_explaining.py",
    "proxy/explain/store.py": "tests/proxy/test_explaining.py",
    "proxy/explain/text.py": "tests/proxy/test_explaining.py",
    "proxy/failover.py": "tests/proxy/test_gateway.py",
    "proxy/guarding.py": "tests/proxy/test_side_effects.py",
    "proxy/planner.py": "tests/proxy/test_gateway.py",
    "proxy/refusals.py": "tests/proxy/test_gateway.py",
    "proxy/reporting.py": "tests/proxy/test_gateway.py",
    "proxy/server/operators.py": "tests/proxy/test_explaining.py",
    "proxy/status.py": "tests/proxy/test_explaining.py",
    "proxy/tool_gateway.py": "tests/proxy/test_side_effects.py",
    "proxy/routing/survey.py": "tests/proxy/routing/test_plan.py",
    "proxy/resources/identities.py": "tests/proxy/routing/test_plan.py",
    "proxy/resources/models.py": "tests/proxy/routing/test_plan.py",
    "proxy/resources/routes.py": "tests/proxy/routing/test_plan.py",
    "proxy/resources/settings.py": "tests/proxy/routing/test_plan.py",
    "proxy/resources/snapshot.py": "tests/proxy/routing/test_plan.py",
    "proxy/server/generate.py": "tests/proxy/test_gateway.py",
    "proxy/server/listener.py": "tests/faults/test_requests.py",
    "proxy/upstream.py": "tests/faults/test_connecting.py",
    "proxy/workers.py": "tests/proxy/test_serve.py",
    "translators/canonical/capabilities.py": "tests/translators/canonical/test_needs.py",
    "translators/canonical/chunk.py": "tests/translators/formats/openai_chat/test_relay.py",
    "translators/canonical/errors.py": "tests/proxy/test_gateway.py",
    "translators/canonical/fold.py": "tests/translators/formats/openai_responses/test_recordings.py",
    "translators/canonical/request.py": "tests/translators/exchange/test_lanes.py",
    "translators/canonical/response.py": "tests/translators/exchange/test_lanes.py",
    "translators/exchange/answers.py": "tests/translators/exchange/test_lanes.py",
    "translators/exchange/bodies.py": "tests/translators/exchange/test_lanes.py",
    "translators/exchange/observing.py": "tests/translators/exchange/test_lanes.py",
    "translators/formats/google_generate/logprobs.py": "tests/translators/formats/google_generate/test_candidate.py",
    "translators/formats/google_generate/models.py": "tests/translators/formats/google_generate/test_contents.py",
    "translators/formats/google_generate/names.py": "tests/translators/formats/google_generate/test_tools.py",
    "translators/formats/google_generate/refusing.py": "tests/translators/formats/google_generate/test_tools.py",
    "translators/formats/google_generate/response.py": "tests/translators/formats/google_generate/test_answer.py",
    "translators/formats/google_generate/resume.py": "tests/translators/formats/google_generate/test_answer.py",
    "translators/formats/google_generate/schema_keywords.py": "tests/translators/formats/google_generate/test_schema.py",
    "translators/formats/google_generate/schema_merge.py": "tests/translators/formats/google_generate/test_schema.py",
    "translators/formats/google_generate/schema_refs.py": "tests/translators/formats/google_generate/test_schema.py",
    "translators/formats/json.py": "tests/translators/exchange/test_lanes.py",
    "translators/formats/openai_responses/relay.py": "tests/translators/formats/openai_responses/test_recordings.py",
    "translators/formats/openai_responses/stream_items.py": "tests/translators/formats/openai_responses/test_recordings.py",
    "translators/formats/openai_responses/stream_parser.py": "tests/translators/formats/openai_responses/test_recordings.py",
    "translators/formats/openai_responses/stream_renderer.py": "tests/translators/formats/openai_responses/test_recordings.py",
    "translators/formats/sse.py": "tests/translators/formats/openai_chat/test_relay.py",
}
"""Source module to the test that runs most of it, where a test of its own would only repeat that one."""

VERBS = re.compile(r"(convert|transform|to|from|map)_")
VAGUE_NAMES = {"utils", "util", "helpers", "helper", "common", "base", "misc", "manager", "service"}
# One machine's folders, which have no place in a repository. Spelled so that this line is not one of them.
MACHINE_PATHS = re.compile(r"(?<![\w.~-])/(?:" + "|".join(["work", "root", "home/[a-z]", "Users/[A-Za-z]"]) + r")/")
SUPPRESSION = re.compile(
    r"#\s*(?:type:\s*ignore|noqa)\b(?P<codes>\[[\w,\s-]+\]|:\s*[A-Z]+\d+(?:,\s*[A-Z]+\d+)*)?(?P<rest>.*)"
)
UNFINISHED = re.compile(r"\b(?:TO" + "DO|FIX" + r"ME|XX" + r"X)\b")


def name_of(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


def functions(path: Path) -> Iterator[ast.FunctionDef | ast.AsyncFunctionDef]:
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
            yield node


def code_lines(function: ast.FunctionDef | ast.AsyncFunctionDef) -> int:
    """How long a function is, its docstring and decorators left out."""
    length = (function.end_lineno or function.lineno) - function.lineno + 1
    first = function.body[0]
    if isinstance(first, ast.Expr) and isinstance(first.value, ast.Constant) and isinstance(first.value.value, str):
        length -= (first.end_lineno or first.lineno) - first.lineno + 1
    return length


@pytest.mark.parametrize("path", SOURCES, ids=name_of)
def test_every_source_file_starts_with_its_law(path: Path) -> None:
    assert ast.get_docstring(ast.parse(path.read_text())), f"{name_of(path)} does not say what it does and must not do"


def test_files_fit_a_sitting() -> None:
    lengths = {name_of(path): len(path.read_text().splitlines()) for path in SOURCES}
    too_long = {name for name, length in lengths.items() if length > FILE_LINES}
    unexplained = sorted(too_long - LONGER_FILES.keys())
    assert unexplained == [], f"longer than {FILE_LINES} lines: split by meaning, or say why here"
    assert LONGER_FILES.keys() - too_long == set(), "no longer needed in LONGER_FILES"


def test_functions_fit_a_screen() -> None:
    too_long = {
        f"{name_of(path)}:{function.name}"
        for path in SOURCES
        for function in functions(path)
        if code_lines(function) > FUNCTION_LINES
    }
    unexplained = sorted(too_long - LONGER_FUNCTIONS.keys())
    assert unexplained == [], f"longer than {FUNCTION_LINES} lines: split, or say why here"
    assert LONGER_FUNCTIONS.keys() - too_long == set(), "no longer needed in LONGER_FUNCTIONS"


def test_formats_have_two_verbs_parse_and_render() -> None:
    wrong = [
        f"{name_of(path)}:{function.lineno} {function.name}"
        for path in SOURCES
        if path.is_relative_to(ROOT / "translators" / "formats")
        for function in functions(path)
        if VERBS.match(function.name.lstrip("_"))
    ]
    assert wrong == [], "wire to canonical is parse_, canonical to wire is render_"


def test_translators_never_wait() -> None:
    waiting = [
        f"{name_of(path)}:{node.lineno}"
        for path in SOURCES
        if path.is_relative_to(ROOT / "translators") and not name_of(path).startswith(ASYNC_IN_TRANSLATORS)
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, (ast.AsyncFunctionDef, ast.Await, ast.AsyncFor, ast.AsyncWith))
    ]
    assert waiting == [], "translators turn bytes and values into bytes and values; whoever waits is in proxy/"


def test_only_the_reporter_tells_what_became_of_a_call() -> None:
    emitting = {
        name_of(path)
        for path in SOURCES
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr == "emit"
    }
    assert emitting <= {"proxy/reporting.py", "proxy/app.py"}, (
        "app tells of the process, the reporter of calls, others of nothing"
    )


def test_modules_are_named_for_what_they_hold() -> None:
    vague = [name_of(path) for path in SOURCES if {path.stem, path.parent.name} & VAGUE_NAMES]
    assert vague == []


def test_a_silenced_checker_says_why() -> None:
    silent = []
    for path in (*SOURCES, *TESTS):
        for number, line in enumerate(path.read_text().splitlines(), 1):
            found = SUPPRESSION.search(line)
            if found and path != Path(__file__) and not (found["codes"] and found["rest"].strip(" #-:")):
                silent.append(f"{name_of(path)}:{number}")
    assert silent == [], "name the rule and give the reason on the same line"


def test_nothing_is_left_for_later() -> None:
    left = [
        f"{name_of(path)}:{number}"
        for path in (*SOURCES, *TESTS)
        for number, line in enumerate(path.read_text().splitlines(), 1)
        if UNFINISHED.search(line)
    ]
    assert left == []


def test_the_repository_names_no_machine() -> None:
    documents = [
        path for pattern in ("*.md", "*.toml", "*.yaml", "Makefile", ".importlinter") for path in ROOT.glob(pattern)
    ]
    documents += [
        path for folder in ("docs", ".ci", "requirements") for path in (ROOT / folder).rglob("*") if path.is_file()
    ]
    found = [
        f"{name_of(path)}:{number}"
        for path in (*SOURCES, *TESTS, *documents)
        for number, line in enumerate(path.read_text().splitlines(), 1)
        if MACHINE_PATHS.search(line)
    ]
    assert found == []


def does_something(source: Path) -> bool:
    """Whether there is anything to test: records, protocols and lists of names only declare."""
    return any(
        not isinstance(statement, (ast.Pass, ast.Expr)) for function in functions(source) for statement in function.body
    )


def has_mirrored_test(source: Path) -> bool:
    """`proxy/x/y.py` is tested by `tests/proxy/x/test_y*.py`, a package by a test in the mirrored folder or beside it."""
    folder = ROOT / "tests" / source.parent.relative_to(ROOT)
    if source.name == "__init__.py":
        return any(folder.glob("test_*.py")) or any(folder.parent.glob(f"test_{source.parent.name}*.py"))
    return any(folder.glob(f"test_{source.stem.strip('_')}*.py"))


def test_tests_mirror_the_tree() -> None:
    missing = {name_of(path) for path in SOURCES if does_something(path) and not has_mirrored_test(path)}
    untested = sorted(missing - TESTED_ELSEWHERE.keys())
    assert untested == [], f"no test mirrors these, nor does TESTED_ELSEWHERE name one: {', '.join(untested)}"
    gone = [pair for pair in TESTED_ELSEWHERE.items() if not all((ROOT / name).exists() for name in pair)]
    assert gone == [], "named in TESTED_ELSEWHERE, but not there"
