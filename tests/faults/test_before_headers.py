"""Group B: what happens between the request and the response's headers."""

from __future__ import annotations

import time
from collections.abc import Iterable
from dataclasses import replace
from typing import Any

import pytest

from proxy.resources import Clocks
from tests.support.answers import chat_upstream, refusal
from tests.support.joch import running_joch
from tests.support.scripted import CLOSE, HANG, RESET, Pause, Received, Script, ScriptedServer, Step, whole
from tests.support.snapshots import KEY, KEY_VARIABLE, model, route, snapshot

from .chat_stream import begun, error
from .fault import GOOD, QUICK, Fault, attempts_of, cases, survive
from .sdk import Sdk, error_object
from .told import QUOTA, TIMEOUT, UPERR, Answered, bad, rate

HELLO = Answered(text="hello-there")
HTML = b"<html><head><title>502 Bad Gateway</title></head><body><center>nginx</center></body></html>"
LEAKY = (
    f"Incorrect API key provided: {KEY}. You can find your key at https://provider.example/account/api-keys. "
    'Traceback (most recent call last): File "/srv/app/server.py", line 1'
)
DATE = "Tue, 24 Nov 2026 12:00:00 GMT"
LONG = [{"role": "user", "content": "x" * 16_000_000}]  # more than the kernel will buffer


def html(status: int) -> list[Step]:
    return [whole(status, HTML, "text/html")]


def redirect(location: str, status: int = 307) -> list[Step]:
    return [whole(status, b"", Location=location)]


def informed(request: Received) -> Iterable[Step]:
    """Two interim responses, then the answer."""
    yield b"HTTP/1.1 100 Continue\r\n\r\n"
    yield b"HTTP/1.1 103 Early Hints\r\nLink: </style.css>; rel=preload\r\n\r\n"
    yield from chat_upstream(HELLO.text)(request)


def early(*steps: Step) -> list[Step]:
    """Answer while the body is still on its way, and read none of it."""
    return [*steps, Pause(0.3), CLOSE]


def status(id: str, code: int, failure: str, script: Script | None = None, **more: Any) -> Fault:
    """A fault that is a status, refused in OpenAI's envelope unless `script` says otherwise."""
    row = Fault(id=id, title=f"{code}", scripts=(script or refusal(code, LEAKY),), alone=UPERR, failure=failure)
    return replace(row, **more)


def limited(id: str, title: str, wait: float | None, slack: float = 0.05, **headers: str) -> Fault:
    """A rate limit with these headers; the client is told to wait `wait` seconds."""
    notes = () if not headers or id not in ("B17", "B19") or wait not in (None, 1.0) else ("header_ignored",)
    return Fault(
        id=id,
        title=title,
        scripts=(refusal(429, "slow down", "rate_limit_exceeded", **headers),),
        alone=rate(wait, slack),
        failure="rate_limited",
        notes=notes,
    )


GUESS, JITTER = 1.0, 0.21
FAULTS = [
    Fault(id="B1", title="hang", scripts=([HANG],), streams=(True,), clocks=QUICK, alone=TIMEOUT,
          failure="header_timeout", billed=True),
    Fault(id="B2", title="hang with time left", scripts=([HANG],), streams=(False,), clocks=QUICK, alone=TIMEOUT,
          failure="header_timeout", billed=True),
    Fault(id="B2", title="hang until the call's deadline", scripts=([HANG],), streams=(False,), total=0.4, alone=TIMEOUT,
          failure="header_timeout", billed=True, falls_over=False),
    Fault(id="B3", title="reset", scripts=([RESET],), alone=UPERR, failure="reset_before_headers", billed=True),
    Fault(id="B4", title="not HTTP", scripts=([b"220 smtp.example ESMTP ready\r\n", CLOSE],),
          alone=replace(UPERR, code="upstream_invalid_response"), failure="protocol_error", billed=True),
    Fault(id="B4", title="binary", scripts=([bytes(range(256)), CLOSE],),
          alone=replace(UPERR, code="upstream_invalid_response"), failure="protocol_error", billed=True),
    Fault(id="B5", title="100 and 103 first", scripts=(informed,), alone=HELLO, falls_over=False, usage="provider"),
    Fault(id="B6", title="5,000 headers",
          scripts=([b"HTTP/1.1 200 OK\r\n" + b"".join(b"X-%d: y\r\n" % n for n in range(5000)) + b"\r\n", CLOSE],),
          alone=replace(UPERR, code="upstream_invalid_response"), failure="header_overflow", billed=True),
    Fault(id="B6", title="a header of 100 KB",
          scripts=([b"HTTP/1.1 200 OK\r\nX-Big: " + b"a" * 100_000 + b"\r\nContent-Length: 0\r\n\r\n", CLOSE],),
          alone=replace(UPERR, code="upstream_invalid_response"), failure="header_overflow", billed=True),
    status("B10", 401, "credential_rejected", alarm=True),
    status("B10", 403, "credential_rejected", alarm=True),
    status("B10", 401, "credential_rejected", html(401), title="401 with HTML", alarm=True),
    status("B11", 404, "model_gone", alarm=True),
    status("B12", 400, "rejected_400", refusal(400, LEAKY, "invalid_thing"), alone=bad("invalid_thing"), falls_over=False),
    status("B12", 422, "rejected_400", alone=bad(), falls_over=False),
    status("B12", 400, "rejected_400", html(400), title="400 with HTML", alone=bad(), falls_over=False),
    status("B14", 402, "provider_quota", alone=QUOTA, alarm=True),
    status("B14", 429, "provider_quota", refusal(429, LEAKY, "insufficient_quota"), title="429 insufficient_quota",
           alone=QUOTA, alarm=True),
    status("B15", 408, "http_4xx_retryable"),
    status("B15", 409, "http_4xx_retryable"),
    status("B15", 425, "http_4xx_retryable"),
    limited("B16", "seconds", 2.0, Retry_After="2"),
    limited("B16", "more than the SDK should wait", 42.0, Retry_After="42"),
    limited("B17", "a future date", 4.0, Date=DATE, Retry_After="Tue, 24 Nov 2026 12:00:04 GMT"),
    limited("B17", "a past date", GUESS, JITTER, Date=DATE, Retry_After="Wed, 21 Oct 2015 07:28:00 GMT"),
    limited("B18", "milliseconds", 1.234, 0.0001, Retry_After_Ms="1234", Retry_After="9"),
    limited("B19", "nan", GUESS, JITTER, Retry_After="nan"),
    limited("B19", "negative", GUESS, JITTER, Retry_After="-5"),
    limited("B19", "a billion", GUESS, JITTER, Retry_After="1000000000"),
    limited("B19", "text", GUESS, JITTER, Retry_After="soon"),
    limited("B19", "infinite milliseconds", GUESS, JITTER, Retry_After_Ms="inf"),
    limited("B20", "no header", GUESS, JITTER),
    status("B21", 500, "http_500", billed=True),
    status("B22", 502, "http_5xx", html(502), billed=True),
    status("B22", 504, "http_5xx", html(504), billed=True),
    status("B22", 503, "overloaded", html(503)),
    status("B23", 529, "overloaded"),
    status("B23", 503, "overloaded"),
    status("B24", 503, "overloaded", refusal(503, "later", Retry_After="3600"), notes=("header_capped",),
           alone=replace(UPERR, wait=300.0)),
    status("B25", 299, "http_other", billed=True, falls_over=False, alone=replace(UPERR, code="upstream_invalid_response")),
    status("B25", 418, "http_other", falls_over=False, alone=bad()),
    status("B25", 599, "http_other", billed=True),
]  # fmt: skip

EARLY = [
    Fault(id="B9", title="400", scripts=(early(*refusal(400, "too long", "string_above_max_length")),),
          alone=bad("string_above_max_length"), falls_over=False, failure="rejected_400"),
    Fault(id="B9", title="503", scripts=(early(*refusal(503)),), alone=UPERR, failure="overloaded"),
]  # fmt: skip


@pytest.mark.parametrize(("fault", "stream"), cases(FAULTS))
def test_a_refusal_is_told_plainly_or_mended_by_the_next_candidate(
    fault: Fault, stream: bool, upstream: ScriptedServer, sdk: Sdk
) -> None:
    survive(fault, upstream, sdk, stream=stream)


@pytest.mark.parametrize(("fault", "stream"), cases(EARLY))
def test_an_answer_that_comes_before_the_body_was_sent_is_used(
    fault: Fault, stream: bool, upstream: ScriptedServer, sdk: Sdk
) -> None:
    row = replace(fault, early=True, asked={"messages": LONG}, notes=("early_response",))
    survive(row, upstream, sdk, stream=stream)


@pytest.mark.fault("B9")
def test_an_early_answer_of_status_200_is_an_answer(upstream: ScriptedServer, sdk: Sdk) -> None:
    def answer(request: Received) -> list[Step]:
        from tests.support.answers import chat_answer

        return early(whole(200, chat_answer(HELLO.text)))

    fault = Fault(id="B9", title="200", scripts=(answer,), alone=HELLO, falls_over=False, usage="provider",
                  early=True, asked={"messages": LONG}, notes=("early_response",))  # fmt: skip
    survive(fault, upstream, sdk, stream=False)


@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize("code", [301, 302, 303, 307, 308])
@pytest.mark.parametrize(
    "origin",
    [pytest.param("same", marks=pytest.mark.fault("B7")), pytest.param("another", marks=pytest.mark.fault("B8"))],
)
def test_a_redirect_is_never_followed_and_no_key_leaves(
    origin: str, code: int, stream: bool, upstream: ScriptedServer, sdk: Sdk
) -> None:
    upstream.script("elsewhere", chat_upstream("stolen"))
    host = "127.0.0.1" if origin == "same" else "localhost"
    script = redirect(upstream.url("elsewhere", host) + "/chat/completions", code)
    fault = Fault(
        id="B7" if origin == "same" else "B8",
        title=f"{code}",
        scripts=(script,),
        alone=replace(UPERR, code="upstream_invalid_response"),
        falls_over=False,
        failure="redirect",
        alarm=True,
    )
    survive(fault, upstream, sdk, stream=stream)
    assert upstream.of("elsewhere") == []


@pytest.mark.fault("B12")
def test_the_words_of_a_refusal_reach_the_client_without_key_address_or_markup(
    upstream: ScriptedServer, sdk: Sdk
) -> None:
    with running_joch(snapshot([model("generic-openai", upstream.script("B12", refusal(400, LEAKY)))])) as joch:
        seen = sdk.ask(joch.base_url, "m", stream=False)
    bad(says="Incorrect API key provided").check(seen, stream=False)


@pytest.mark.parametrize(
    "when",
    [pytest.param("status", marks=pytest.mark.fault("B12")), pytest.param("event", marks=pytest.mark.fault("D12"))],
)
def test_a_key_of_no_known_form_is_scrubbed_too(when: str, upstream: ScriptedServer, sdk: Sdk) -> None:
    odd = "opensesame4thieves"
    failing = refusal(400, f"no such key {odd}") if when == "status" else begun(error(f"no such key {odd}"))
    record = model("generic-openai", upstream.script("odd-key", failing))
    with running_joch(snapshot([record]), env={KEY_VARIABLE: odd}) as joch:
        seen = sdk.ask(joch.base_url, "m", stream=when == "event")
        events = attempts_of(joch, seen, 1)
    assert "no such key" in error_object(seen)["message"]
    assert odd.encode() not in seen.tape.raw
    assert odd not in str(events)


@pytest.mark.fault("B13")
@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize(("window", "moves"), [(8_000, False), (4_000, False), (32_000, True)])
def test_a_prompt_that_is_too_long_moves_only_to_a_larger_window(
    window: int, moves: bool, stream: bool, upstream: ScriptedServer, sdk: Sdk
) -> None:
    words = "This model's maximum context length is 8000 tokens. However, your messages resulted in 9000 tokens."
    url = upstream.script("B13-first", refusal(400, words, "context_length_exceeded"))
    first = model("generic-openai", url, "first", context_window=8_000)
    second = model(
        "generic-openai", upstream.script("B13-second", chat_upstream(GOOD.text)), "second", context_window=window
    )
    upstream.requests.clear()
    with running_joch(snapshot([first, second], [route("pair", first.ref, second.ref)])) as joch:
        seen = sdk.ask(joch.base_url, "pair", stream=stream)
        attempts = attempts_of(joch, seen, 2 if moves else 1)
    if moves:
        GOOD.check(seen, stream)
    else:
        bad("context_length_exceeded", "messages", says="maximum context length").check(seen, stream)
    assert attempts[0]["payload"]["failure"] == "context_too_long"
    assert len(upstream.of("B13-second")) == moves


@pytest.mark.parametrize(
    ("script", "wait"),
    [
        pytest.param(refusal(429, Retry_After="42"), 42.0, marks=pytest.mark.fault("B16")),
        pytest.param(refusal(429, Retry_After_Ms="30500"), 30.5, marks=pytest.mark.fault("B18")),
        pytest.param(refusal(503, Retry_After="3600"), 300.0, marks=pytest.mark.fault("B24")),
    ],
)
def test_a_candidate_rests_as_long_as_it_asked_and_the_client_hears_how_long(
    script: Script, wait: float, upstream: ScriptedServer, sdk: Sdk
) -> None:
    url = upstream.script("resting", script)
    upstream.requests.clear()
    first = model("generic-openai", url, "first")
    second = model("generic-openai", upstream.script("awake", chat_upstream(GOOD.text)), "second")
    with running_joch(snapshot([first, second], [route("pair", first.ref, second.ref)])) as joch:
        sdk.ask(joch.base_url, "first", stream=False)
        again = sdk.ask(joch.base_url, "first", stream=False)
        beside = sdk.ask(joch.base_url, "pair", stream=False)
    assert len(upstream.of("resting")) == 1, "a resting candidate is left alone"
    rate(wait, slack=1.0).check(again, stream=False)
    GOOD.check(beside, stream=False)
    assert beside.tape.headers["x-joch-attempts"] == "1"


@pytest.mark.fault("B24")
def test_the_end_of_a_capped_rest_is_probed_by_the_next_call(
    upstream: ScriptedServer, sdk: Sdk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("proxy.routing.health.REST_CAP", 0.2)
    url = upstream.script("B24", refusal(503, Retry_After="3600"), chat_upstream(HELLO.text))
    with running_joch(snapshot([model("generic-openai", url)])) as joch:
        sdk.ask(joch.base_url, "m", stream=False)
        deadline = time.monotonic() + 5
        while (seen := sdk.ask(joch.base_url, "m", stream=False)).error is not None:
            assert time.monotonic() < deadline
    HELLO.check(seen, stream=False)


@pytest.mark.fault("B20")
def test_a_guessed_rest_grows_and_never_leaves_a_lone_candidate_unasked(upstream: ScriptedServer, sdk: Sdk) -> None:
    url = upstream.script("B20", refusal(429))
    upstream.requests.clear()
    waits = []
    with running_joch(snapshot([model("generic-openai", url)])) as joch:
        for _ in range(4):
            seen = sdk.ask(joch.base_url, "m", stream=False)
            waits.append(float(seen.tape.headers["retry-after-ms"]) / 1000)
    assert len(upstream.of("B20")) == 4
    for wait, expected in zip(waits, (1, 2, 4, 8), strict=True):
        assert 0.8 * expected <= wait <= 1.2 * expected


@pytest.mark.fault("B23")
def test_an_overloaded_candidate_is_passed_over_by_the_next_calls(upstream: ScriptedServer, sdk: Sdk) -> None:
    first = model("generic-openai", upstream.script("B23-first", refusal(529)), "first")
    second = model("generic-openai", upstream.script("B23-second", chat_upstream(GOOD.text)), "second")
    upstream.requests.clear()
    with running_joch(snapshot([first, second], [route("pair", first.ref, second.ref)])) as joch:
        for _ in range(3):
            GOOD.check(sdk.ask(joch.base_url, "pair", stream=False), stream=False)
    assert len(upstream.of("B23-first")) == 1


@pytest.mark.fault("B21")
@pytest.mark.parametrize("stream", [False, True])
def test_work_that_may_be_billed_is_tried_elsewhere_only_once(stream: bool, upstream: ScriptedServer, sdk: Sdk) -> None:
    refs = []
    records = []
    for name in ("first", "second", "third"):
        records.append(model("generic-openai", upstream.script(f"B21-{name}", refusal(500)), name))
        refs.append(records[-1].ref)
    upstream.requests.clear()
    with running_joch(snapshot(records, [route("three", *refs)])) as joch:
        UPERR.check(sdk.ask(joch.base_url, "three", stream=stream), stream)
    assert [len(upstream.of(f"B21-{name}")) for name in ("first", "second", "third")] == [1, 1, 0]


@pytest.mark.fault("B1")
def test_a_fallback_is_asked_as_soon_as_the_header_limit_has_passed(upstream: ScriptedServer, sdk: Sdk) -> None:
    first = model(
        "generic-openai", upstream.script("B1-first", [HANG]), "first", clocks=Clocks(first_byte=0.3, whole=None)
    )
    second = model("generic-openai", upstream.script("B1-second", chat_upstream(GOOD.text)), "second")
    upstream.requests.clear()
    with running_joch(snapshot([first, second], [route("pair", first.ref, second.ref)])) as joch:
        GOOD.check(sdk.ask(joch.base_url, "pair", stream=True), stream=True)
    (waited,), (served,) = upstream.of("B1-first"), upstream.of("B1-second")
    assert 0.25 < served.at - waited.at < 1.0
    assert waited.ended is not None, "the candidate that was given up is let go"
