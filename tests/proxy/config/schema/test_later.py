from pathlib import Path

from tests.proxy.config.writing import problems, settings

SPEC = """
healthCheck: { syntheticPrompt: hi, maxUsdPerDay: 0.05 }
hooks: { agentTrigger: execution-start, guardians: [policy-engine], compose: chain, evaluateAll: false, totalTimeoutMs: 3000 }
reasoning: { clamp: nearest, carrySummaries: true }
names: prefix
store: { responses: { enabled: true, ttlHours: 720 } }
otel: { enabled: auto, endpoint: "http://otel:4318", retry: { maxAttempts: 5, initialIntervalMs: 500 } }
ocsf: { enabled: true, sinks: [], profile: ocsf-1.8, classes: [6003] }
passthrough: { files: openai }
egress: { images: public }
"""


def test_every_field_of_the_reference_is_read_and_none_is_silent(tmp_path: Path) -> None:
    found = problems(tmp_path, settings(SPEC))
    assert [problem for problem in found if problem.level == "error"] == []
    named = {problem.path.split(".")[1] for problem in found}
    assert named == {line.partition(":")[0] for line in SPEC.strip().splitlines()}


def test_what_promises_protection_is_said_to_protect_nothing(tmp_path: Path) -> None:
    unenforced = {problem.path for problem in problems(tmp_path, settings(SPEC)) if problem.code == "W-UNENFORCED"}
    assert unenforced == {"spec.hooks.guardians"}
