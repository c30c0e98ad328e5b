"""The loop over candidates, over real sockets: who is tried, when a call moves on, what is said and counted."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import httpx
import pytest

from proxy.resources import Clocks, Failover, Model, ModelRoute
from tests.support.answers import chat_answer, chat_chunk, chat_upstream, refusal
from tests.support.joch import RunningJoch, running_joch
from tests.support.scripted import CLOSE, RESET, Pause, Script, ScriptedServer, event, scripted_server, stream, whole
from tests.support.snapshots import KEY, KEY_VARIABLE, model, route, snapshot

HELLO = {"messages": [{"role": "user", "content": "hi"}]}


@pytest.fixture(scope="module")
def upstream() -> Iterator[ScriptedServer]:
    with scripted_server() as server:
        yield server


class Ladder:
    """A route "r" over candidates a, b, c ..., each with a script of its own."""

    def __init__(self, upstream: ScriptedServer, *scripts: Script, **fields: Any) -> None:
        self.upstream = upstream
        per_model: dict[str, dict[str, Any]] = fields.pop("per_model", {})
        self.models: list[Model] = []
        for name, script in zip("abc", scripts, strict=False):
            upstream.requests.clear()
            upstream.script(name, script)
            self.models.append(model("openai", upstream.url(name), name, **per_model.get(name, {})))
        self.route: ModelRoute = route("r", *(record.ref for record in self.models), **fields)

    def post(self, joch: RunningJoch, **body: Any) -> httpx.Response:
        return httpx.post(f"{joch.base_url}/chat/completions", json={"model": "r", **HELLO, **body}, timeout=20)

    def tried(self) -> list[int]:
        return [len(self.upstream.of(record.name)) for record in self.models]


def serve(ladder: Ladder, **settings: Any) -> Any:
    return running_joch(snapshot(ladder.models, [ladder.route], **settings))


@pytest.mark.parametrize("stream", [False, True])
def test_the_primary_serves_and_the_fallback_hears_nothing(upstream: ScriptedServer, stream: bool) -> None:
    ladder = Ladder(upstream, chat_upstream("from a"), chat_upstream("from b"))
    with serve(ladder) as joch:
        answer = ladder.post(joch, stream=stream)
    assert answer.status_code == 200
    assert answer.headers["x-joch-model"] == "openai:a"
    assert answer.headers["x-joch-fallback-index"] == "0"
    assert ladder.tried() == [1, 0]


@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize("status", [408, 409, 425, 429, 500, 502, 503, 504, 529, 401, 403, 404, 402])
def test_a_status_that_another_candidate_may_mend_moves_the_call_on(
    upstream: ScriptedServer, status: int, stream: bool
) -> None:
    ladder = Ladder(upstream, refusal(status), chat_upstream("from b"))
    with serve(ladder) as joch:
        answer = ladder.post(joch, stream=stream)
        (switch,) = joch.events.payloads("ProviderSwitched")
    assert answer.status_code == 200
    assert answer.headers["x-joch-fallback-index"] == "1"
    assert (switch["from"], switch["to"]) == ("openai:a", "openai:b")
    assert ladder.tried() == [1, 1]


@pytest.mark.parametrize("stream", [False, True])
def test_the_clients_own_mistake_is_not_tried_elsewhere(upstream: ScriptedServer, stream: bool) -> None:
    ladder = Ladder(upstream, refusal(400, "Invalid value for 'top_p'", "invalid_value"), chat_upstream())
    with serve(ladder) as joch:
        answer = ladder.post(joch, stream=stream)
    assert answer.status_code == 400
    assert answer.json()["error"]["code"] == "invalid_value"
    assert "top_p" in answer.json()["error"]["message"]
    assert ladder.tried() == [1, 0]


def test_a_call_after_a_reload_is_planned_anew_though_its_route_stayed(upstream: ScriptedServer) -> None:
    ladder = Ladder(upstream, chat_upstream("from a"), chat_upstream("from b"))
    with serve(ladder) as joch:
        assert ladder.post(joch).headers["x-joch-model"] == "openai:a"
        first, second = ladder.models
        joch.app.apply(snapshot([replace(first, disabled=True), second], [ladder.route]))
        assert ladder.post(joch).headers["x-joch-model"] == "openai:b"
    assert ladder.tried() == [1, 1]


def test_a_flag_of_the_route_that_is_off_ends_the_call_there(upstream: ScriptedServer) -> None:
    for status, off in ((503, {"on_error": False}), (429, {"on_rate_limited": False})):
        ladder = Ladder(upstream, refusal(status), chat_upstream(), failover=Failover(**off))
        with serve(ladder) as joch:
            answer = ladder.post(joch)
        assert answer.status_code in (502, 503, 429)
        assert ladder.tried() == [1, 0], off


def test_no_more_attempts_than_the_route_allows(upstream: ScriptedServer) -> None:
    ladder = Ladder(upstream, refusal(503), refusal(503), chat_upstream(), failover=Failover(max_attempts=2))
    with serve(ladder) as joch:
        answer = ladder.post(joch)
    assert answer.status_code in (502, 503)
    assert ladder.tried() == [1, 1, 0]
    assert [each["ref"] for each in answer.json()["error"]["details"]["attempts"]] == ["openai:a", "openai:b"]


def test_clear_refusals_may_walk_the_whole_route(upstream: ScriptedServer) -> None:
    ladder = Ladder(upstream, refusal(503), refusal(429), chat_upstream("from c"))
    with serve(ladder) as joch:
        answer = ladder.post(joch)
    assert answer.headers["x-joch-fallback-index"] == "2"
    assert answer.headers["x-joch-attempts"] == "3"


def test_work_that_may_be_billed_is_repeated_once_at_most(upstream: ScriptedServer) -> None:
    ladder = Ladder(upstream, [RESET], [RESET], chat_upstream("from c"))
    with serve(ladder) as joch:
        answer = ladder.post(joch)
        ends = joch.events.payloads("ModelCallCompleted")
    assert answer.status_code == 502
    assert ladder.tried() == [1, 1, 0]
    assert [end["billedRisk"] for end in ends] == [True, True]


def test_a_candidate_that_must_not_be_left_is_not_left(upstream: ScriptedServer) -> None:
    ladder = Ladder(upstream, refusal(503), chat_upstream(), per_model={"a": {"fallback_policy": "never"}})
    with serve(ladder) as joch:
        assert ladder.post(joch).status_code in (502, 503)
    assert ladder.tried() == [1, 0]


@pytest.mark.parametrize(("windows", "status"), [((8_000, 100_000), 200), ((8_000, 4_000), 400), ((8_000, None), 200)])
def test_a_prompt_that_is_too_long_goes_only_where_there_may_be_room(
    upstream: ScriptedServer, windows: tuple[int, int | None], status: int
) -> None:
    too_long = refusal(400, "This model's maximum context length is 8000 tokens.", "context_length_exceeded")
    sizes = {name: {"context_window": window} for name, window in zip("ab", windows, strict=True)}
    ladder = Ladder(upstream, too_long, chat_upstream(), per_model=sizes)
    with serve(ladder) as joch:
        answer = ladder.post(joch)
    assert answer.status_code == status
    if status == 400:
        assert answer.json()["error"]["code"] == "context_length_exceeded"


def test_a_rate_limited_candidate_rests_and_the_next_call_does_not_ask_it(upstream: ScriptedServer) -> None:
    ladder = Ladder(upstream, refusal(429, retry_after="20"), chat_upstream("from b"))
    with serve(ladder) as joch:
        ladder.post(joch)
        answer = ladder.post(joch)
        (skip,) = joch.events.payloads("x.CandidateSkipped")
    assert answer.headers["x-joch-fallback-index"] == "1"
    assert ladder.tried() == [1, 2]
    assert (skip["ref"], skip["gate"]) == ("openai:a", "health")


def test_when_every_candidate_named_a_wait_the_client_is_told_the_shortest(upstream: ScriptedServer) -> None:
    ladder = Ladder(upstream, refusal(429, retry_after="200"), refusal(429, retry_after="100"))
    with serve(ladder) as joch:
        ladder.post(joch)
        answer = ladder.post(joch)
    assert answer.status_code == 429
    assert answer.json()["error"]["code"] == "rate_limit_exceeded"
    assert 90 < float(answer.headers["retry-after"]) <= 100
    assert answer.headers["x-should-retry"] == "false"
    assert ladder.tried() == [1, 1]


def test_a_missing_key_disables_its_candidate_and_says_so(upstream: ScriptedServer) -> None:
    keyless = {"secret": None, "secret_problem": "OPENAI_API_KEY is not set"}
    ladder = Ladder(upstream, chat_upstream(), chat_upstream("from b"), per_model={"a": keyless})
    with serve(ladder) as joch:
        assert ladder.post(joch).headers["x-joch-fallback-index"] == "1"
    alone = Ladder(upstream, chat_upstream(), per_model={"a": keyless})
    with serve(alone) as joch:
        answer = alone.post(joch)
    assert answer.status_code == 503
    assert "OPENAI_API_KEY is not set" in answer.json()["error"]["message"]


def test_a_key_that_vanished_moves_the_call_on_without_a_request(upstream: ScriptedServer) -> None:
    from tests.support.snapshots import key

    ladder = Ladder(upstream, chat_upstream(), chat_upstream("from b"), per_model={"a": {"secret": key("GONE")}})
    with serve(ladder) as joch:
        answer = ladder.post(joch)
        skips = joch.events.payloads("x.CandidateSkipped")
        starts = joch.events.of("ModelCallStarted")
    assert answer.headers["x-joch-fallback-index"] == "1"
    assert [skip["gate"] for skip in skips] == ["secret_missing"]
    assert len(starts) == 1
    assert ladder.tried() == [0, 1]


@pytest.mark.parametrize("stream", [False, True])
def test_every_attempt_has_one_start_and_one_end_and_the_call_one_roll_up(
    upstream: ScriptedServer, stream: bool
) -> None:
    ladder = Ladder(upstream, refusal(503), chat_upstream("from b"))
    with serve(ladder) as joch:
        answer = ladder.post(joch, stream=stream)
    starts, ends = joch.events.of("ModelCallStarted"), joch.events.of("ModelCallCompleted")
    (call,) = joch.events.of("x.CallCompleted")
    assert [(each["attempt"], each["modelRef"]) for each in starts] == [(0, "openai:a"), (1, "openai:b")]
    assert [(each["payload"]["outcome"], each["payload"]["reason"]) for each in ends] == [
        ("error", "error_5xx"),
        ("ok", ""),
    ]
    assert (ends[1]["payload"]["inputTokens"], ends[1]["payload"]["outputTokens"]) == (11, 7)
    assert ends[1]["payload"]["usageSource"] == "provider"
    assert (call["payload"]["outcome"], call["payload"]["servedBy"], call["payload"]["attempts"]) == (
        "ok",
        "openai:b",
        2,
    )
    of_calls = [each for each in joch.events.events if each["type"] != "x.HealthChanged"]
    assert {each["callId"] for each in of_calls} == {answer.headers["x-request-id"]}


def test_no_event_holds_a_prompt_an_answer_or_a_key(upstream: ScriptedServer) -> None:
    ladder = Ladder(upstream, refusal(401, f"Incorrect API key provided: {KEY}"), chat_upstream("canary-answer"))
    with serve(ladder) as joch:
        ladder.post(joch, messages=[{"role": "user", "content": "canary-prompt"}])
    told = repr(joch.events.events)
    assert "canary-prompt" not in told
    assert "canary-answer" not in told
    assert KEY not in told


SHAPELESS = "correct horse battery"
"""A key of a server of one's own: nothing but that it was sent tells that it is one."""
ECHO = {"error": {"message": f"bad request with {SHAPELESS} in it", "type": "invalid_request_error", "code": "bad"}}
ECHO_EVENT = {**ECHO["error"], "type": "error", "sequence_number": 1, "param": None}


@pytest.mark.parametrize("streamed", [False, True], ids=["whole", "stream"])
@pytest.mark.parametrize(
    ("path", "script"),
    [
        pytest.param("chat/completions", [whole(400, ECHO)], id="chat-refused"),
        pytest.param("chat/completions", [whole(200, ECHO)], id="chat-error with a good status"),
        pytest.param("chat/completions", stream(event(ECHO)), id="chat-error event"),
        pytest.param(
            "chat/completions", stream(chat_chunk({"content": "he"}), event(ECHO)), id="chat-error mid-stream"
        ),
        pytest.param("responses", [whole(400, ECHO)], id="responses-refused"),
        pytest.param("responses", [whole(200, ECHO)], id="responses-error with a good status"),
        pytest.param("responses", stream(event(ECHO_EVENT, "error")), id="responses-error event"),
    ],
)
def test_a_key_echoed_by_the_provider_never_reaches_the_client(
    upstream: ScriptedServer, path: str, script: Script, streamed: bool
) -> None:
    ladder = Ladder(upstream, script)
    body = {"model": "r", "stream": streamed, **(HELLO if path.startswith("chat") else {"input": "hi"})}
    with running_joch(snapshot(ladder.models, [ladder.route]), env={KEY_VARIABLE: SHAPELESS}) as joch:
        answer = httpx.post(f"{joch.base_url}/{path}", json=body, timeout=20)
    assert "bad request with *** in it" in answer.text
    assert SHAPELESS not in answer.text + repr(joch.events.events)


def test_defaults_fill_what_the_client_left_open_and_forced_parameters_win(upstream: ScriptedServer) -> None:
    fields = {"default_parameters": {"temperature": 0.1, "maxOutputTokens": 50}, "forced_parameters": {"topP": 0.9}}
    ladder = Ladder(upstream, chat_upstream(), per_model={"a": fields})
    with serve(ladder) as joch:
        ladder.post(joch, temperature=1.5, top_p=0.2)
        (started,) = joch.events.payloads("ModelCallStarted")
        explained = httpx.get(f"{joch.root}/v1/route/-/explain", timeout=20).json()
    assert started["defaultsApplied"] == {"maxOutputTokens": 50, "topP": 0.9}, "what the client said is no default"
    assert explained["candidates"][0]["defaultsApplied"] == started["defaultsApplied"]
    sent = upstream.of("a")[0].json
    assert (sent["temperature"], sent["top_p"], sent["max_completion_tokens"]) == (1.5, 0.9, 50)


def test_joch_metadata_is_ours_and_the_rest_goes_on(upstream: ScriptedServer) -> None:
    ladder = Ladder(upstream, chat_upstream())
    with serve(ladder) as joch:
        ladder.post(joch, metadata={"joch.execution": "exec-7", "theirs": "x"}, store=True)
        (call,) = joch.events.of("x.CallCompleted")
    assert upstream.of("a")[0].json["metadata"] == {"theirs": "x"}
    assert (call["executionId"], call["executionIdSource"]) == ("exec-7", "metadata")


def test_a_stream_cut_after_content_is_told_in_band_and_moves_nowhere(upstream: ScriptedServer) -> None:
    from tests.support.answers import chat_chunk
    from tests.support.scripted import stream

    cut = [*stream(chat_chunk({"role": "assistant", "content": "half an"}), end=False), CLOSE]
    ladder = Ladder(upstream, cut, chat_upstream("from b"))
    with serve(ladder) as joch:
        answer = ladder.post(joch, stream=True)
        (call,) = joch.events.payloads("x.CallCompleted")
        (end,) = joch.events.payloads("ModelCallCompleted")
    assert answer.text.count("half an") == 1
    assert "from" not in answer.text
    assert '"error"' in answer.text
    assert "[DONE]" not in answer.text
    assert (call["outcome"], end["outcome"], end["usageSource"]) == ("partial", "aborted", "estimated")
    assert ladder.tried() == [1, 0]


@pytest.mark.parametrize(("stream", "status"), [(True, 504), (False, 200)])
def test_a_whole_answer_may_take_longer_to_begin_than_a_stream(
    upstream: ScriptedServer, stream: bool, status: int
) -> None:
    """The first byte of a whole answer comes when all of it is made: its clock is another one."""
    slow = [Pause(0.6), whole(200, chat_answer("at last"))]
    clocks = {"clocks": Clocks(connect=2, first_byte=0.2, whole=5.0)}
    ladder = Ladder(upstream, slow, per_model={"a": clocks})
    with serve(ladder) as joch:
        assert ladder.post(joch, stream=stream).status_code == status


def test_a_first_byte_in_writing_binds_whole_answers_too(upstream: ScriptedServer) -> None:
    clocks = {"clocks": Clocks(connect=2, first_byte=0.2, whole=None)}
    ladder = Ladder(upstream, [Pause(0.6), whole(200, chat_answer())], per_model={"a": clocks})
    with serve(ladder) as joch:
        assert ladder.post(joch).status_code == 504
