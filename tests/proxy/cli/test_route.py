"""`joch route`: what is asked of the router, and what is shown of its answer."""

from __future__ import annotations

import json
from typing import Any

import yaml

from proxy.call import Result
from tests.proxy.cli.running import joch, serving
from tests.support.explanations import explained, planned_call, tried
from tests.support.snapshots import model, route

FIRST = "/v1/route/-/explain?last=10&execution=e"


def document(id: str) -> dict[str, Any]:
    """A call over a, which is disabled, and b, which served it."""
    models = [model("openai", "https://a.example/v1", name, disabled=name == "a") for name in "ab"]
    call = planned_call(models, route("r", *(record.ref for record in models)))
    call.id = id
    (candidate,) = call.plan.candidates
    tried(call, candidate, Result("ok", http_status=200))
    return explained(call, served=candidate)


def listed(*ids: str) -> dict[str, Any]:
    return {"object": "list", "data": [document(id) for id in ids]}


def test_calls_are_a_table_newest_first_as_the_router_tells_them() -> None:
    with serving({FIRST: listed("mc_2", "mc_1")}) as (url, _):
        ran = joch("route", "e", "--server", url)
    lines = ran.stdout.splitlines()
    assert lines[0].split()[:3] == ["CALL", "TIME", "ROUTE"]
    assert [line.split()[0] for line in lines[1:]] == ["mc_2", "mc_1"]
    assert "openai:b" in lines[1]


def test_what_is_asked_for_reaches_the_router() -> None:
    with serving({}) as (url, seen):
        joch("route", "e", "--server", url)
        joch("route", "-", "--server", url, "--last", "3", "--failed", "--route", "r")
        joch("route", "e", "--server", url, "--call", "mc_1")
        joch("route", "e/1 &x=1", "--server", url, "--route", "a/b?")
    assert [path for path, _ in seen] == [
        FIRST,
        "/v1/route/r/explain?last=3&failed=true",
        "/v1/route/-/explain?last=10&execution=e&call=mc_1",
        "/v1/route/a%2Fb%3F/explain?last=10&execution=e%2F1+%26x%3D1",
    ]


def test_explain_tells_the_story_of_each_call() -> None:
    with serving({FIRST: listed("mc_2", "mc_1")}) as (url, _):
        ran = joch("route", "e", "--explain", "--server", url)
    assert ran.stdout.index("call mc_2") < ran.stdout.index("call mc_1")
    assert ran.stdout.count("SERVED") == 2
    assert ran.stdout.endswith("\n")
    assert not ran.stdout.endswith("\n\n")


def test_one_call_asked_for_is_told_whole() -> None:
    with serving({FIRST + "&call=mc_1": document("mc_1")}) as (url, _):
        ran = joch("route", "e", "--call", "mc_1", "--server", url)
    assert "gates  all passed" in ran.stdout


def test_one_candidate_can_be_asked_for_and_nobody_is_said_to_be_none() -> None:
    with serving({FIRST: listed("mc_2", "mc_1")}) as (url, _):
        ran = joch("route", "e", "--why-not", "openai:a", "--server", url)
        nobody = joch("route", "e", "--why-not", "openai:z", "--server", url)
    assert "would take  Model openai:a disabled = False" in ran.stdout
    assert "SERVED" not in ran.stdout
    assert (nobody.exit_code, nobody.stdout) == (4, "")
    assert nobody.stderr == "joch: openai:z is a candidate of none of these calls\n"


def test_documents_are_what_the_router_said() -> None:
    with serving({FIRST: listed("mc_2", "mc_1")}) as (url, _):
        several = joch("route", "e", "-o", "json", "--server", url)
        as_yaml = joch("route", "e", "-o", "yaml", "--server", url)
    assert json.loads(several.stdout) == listed("mc_2", "mc_1")["data"]
    assert yaml.safe_load(as_yaml.stdout) == json.loads(several.stdout)
    with serving({FIRST: listed("mc_1")}) as (url, _):
        one = joch("route", "e", "--explain", "-o", "json", "--server", url)
    assert json.loads(one.stdout) == document("mc_1"), "one call is one document"


def test_too_many_calls_are_a_mistake_of_usage() -> None:
    assert joch("route", "e", "--last", "1001").exit_code == 2
    assert joch("route", "e", "--last", "0").exit_code == 2
