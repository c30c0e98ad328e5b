"""Deliberately broken adapters: the section a mistake belongs to must find it, in at least 95 of 100 cases.

Each defect is planted alone, and the section is run until it finds something. Without any defect every section passes, which
is the README's test to show.
"""

from __future__ import annotations

import sys
from dataclasses import replace

import pytest

from proxy.conformance import runner
from proxy.conformance.scenario import SECTIONS, load
from proxy.conformance.simulators.server import KEY
from proxy.conformance.targets import of
from tests.proxy.conformance import mistakes as m
from tests.proxy.conformance.planting import (
    Defect,
    fails,
    goes_on,
    hears,
    parses,
    patched,
    record_with,
    sends,
    streams,
)
from translators.canonical import Finish, Reason, UsageUpdate

pytestmark = pytest.mark.slow

CLAUDE, GEMINI, OPENAI, AZURE, OLLAMA = "anthropic", "google", "openai", "microsoft", "ollama"

DEFECTS = (
    # request fidelity
    Defect("late instructions hoisted", CLAUDE, "request-fidelity", sends(CLAUDE, m.hoist_late_instructions)),
    Defect("history left out", CLAUDE, "request-fidelity", sends(CLAUDE, m.keep_the_last_message)),
    Defect("instructions left out", CLAUDE, "request-fidelity", sends(CLAUDE, m.without("system"))),
    Defect("stop dropped silently", CLAUDE, "request-fidelity", sends(CLAUDE, m.without("stop_sequences"))),
    Defect(
        "output limit of our own", CLAUDE, "request-fidelity", sends(CLAUDE, lambda body: body.update(max_tokens=4096))
    ),
    Defect("temperature dropped silently", CLAUDE, "request-fidelity", sends(CLAUDE, m.without("temperature"))),
    Defect("system role as a turn", GEMINI, "request-fidelity", sends(GEMINI, m.without("systemInstruction"))),
    Defect("role of the assistant misspelled", GEMINI, "request-fidelity", sends(GEMINI, m.roles("assistant"))),
    Defect("seed dropped silently", GEMINI, "request-fidelity", sends(GEMINI, m.without("generationConfig", "seed"))),
    Defect(
        "max_tokens for a reasoning model",
        OPENAI,
        "request-fidelity",
        sends(
            OPENAI,
            lambda body: (
                body.update(max_tokens=body.pop("max_completion_tokens")) if "max_completion_tokens" in body else None
            ),
        ),
    ),
    Defect("log probabilities not asked for", OPENAI, "request-fidelity", sends(OPENAI, m.without("logprobs"))),
    Defect("prompt may be cut", OLLAMA, "request-fidelity", sends(OLLAMA, m.without("truncate"))),
    Defect("output limit lost", OLLAMA, "request-fidelity", sends(OLLAMA, m.without("options", "num_predict"))),
    Defect("key in another vendor's header", AZURE, "request-fidelity", record_with(AZURE, auth="x-api-key")),
    # tool calling
    Defect("tool results after text", CLAUDE, "tool-calling", sends(CLAUDE, m.text_before_results)),
    Defect("results swapped", CLAUDE, "tool-calling", sends(CLAUDE, m.swap_results)),
    Defect("one result of a batch", CLAUDE, "tool-calling", sends(CLAUDE, m.keep_the_first_result)),
    Defect("arguments sent as text", CLAUDE, "tool-calling", sends(CLAUDE, m.arguments_as_text)),
    Defect("forced choice dropped", CLAUDE, "tool-calling", sends(CLAUDE, m.without("tool_choice"))),
    Defect("descriptions dropped", CLAUDE, "tool-calling", sends(CLAUDE, m.each_tool(m.without("description")))),
    Defect(
        "names cut",
        CLAUDE,
        "tool-calling",
        sends(CLAUDE, m.each_tool(lambda tool: tool.update(name=tool["name"][:40]))),
    ),
    Defect("strictness dropped", CLAUDE, "tool-calling", sends(CLAUDE, m.each_tool(m.without("strict")))),
    Defect("parallel calls fused", CLAUDE, "tool-calling", hears(CLAUDE, m.message(m.fuse_calls))),
    Defect(
        "arguments double-encoded",
        CLAUDE,
        "tool-calling",
        hears(CLAUDE, m.each_call(lambda call: replace(call, arguments=f'"{call.arguments}"'))),
    ),
    Defect("finish stop for calls", CLAUDE, "tool-calling", streams(CLAUDE, m.finishing(Finish.LENGTH))),
    Defect(
        "one id for all calls",
        GEMINI,
        "tool-calling",
        hears(GEMINI, m.each_call(lambda call: replace(call, id="call_1"))),
    ),
    Defect(
        "names of tools lost",
        GEMINI,
        "tool-calling",
        hears(GEMINI, m.each_call(lambda call: replace(call, name="tool"))),
    ),
    Defect("responses reversed", GEMINI, "tool-calling", sends(GEMINI, m.reverse_responses)),
    Defect("mode ANY lost", GEMINI, "tool-calling", sends(GEMINI, m.without("toolConfig"))),
    Defect("schemas in the older field", GEMINI, "tool-calling", sends(GEMINI, m.openapi_parameters)),
    Defect("results swapped on chat", OPENAI, "tool-calling", sends(OPENAI, m.swap_chat_results)),
    Defect("parallel_tool_calls dropped", OPENAI, "tool-calling", sends(OPENAI, m.without("parallel_tool_calls"))),
    Defect("arguments as text", OLLAMA, "tool-calling", sends(OLLAMA, m.messages_with(m.text_arguments))),
    Defect("tools dropped", OLLAMA, "tool-calling", sends(OLLAMA, m.without("tools"))),
    # structured outputs
    Defect("schema dropped", CLAUDE, "structured-outputs", sends(CLAUDE, m.without("output_config", "format"))),
    Defect(
        "schema sorted",
        CLAUDE,
        "structured-outputs",
        sends(
            CLAUDE,
            lambda body: (
                {**body, "output_config": m.sorted_properties(body["output_config"])}
                if "output_config" in body
                else body
            ),
        ),
    ),
    Defect(
        "additionalProperties dropped",
        CLAUDE,
        "structured-outputs",
        sends(CLAUDE, m.without("output_config", "format", "schema", "additionalProperties")),
    ),
    Defect(
        "answers not held to their schema", GEMINI, "structured-outputs", patched("proxy.schemas._check", m.nothing)
    ),
    Defect(
        "mime type of JSON lost",
        GEMINI,
        "structured-outputs",
        sends(
            GEMINI,
            lambda body: (
                body.get("generationConfig", {}).pop("responseMimeType", None),
                body.get("generationConfig", {}).pop("responseFormat", None),
            ),
        ),
    ),
    Defect("format dropped", OLLAMA, "structured-outputs", sends(OLLAMA, m.without("format"))),
    Defect(
        "strict for a loose schema",
        OPENAI,
        "structured-outputs",
        sends(
            OPENAI,
            lambda body: (
                body["response_format"]["json_schema"].update(strict=True)
                if "json_schema" in body.get("response_format", {})
                else None
            ),
        ),
    ),
    # streaming
    Defect("stream without usage", CLAUDE, "streaming", streams(CLAUDE, m.drop(UsageUpdate))),
    Defect("every piece twice", CLAUDE, "streaming", streams(CLAUDE, m.twice)),
    Defect("a piece lost", GEMINI, "streaming", streams(GEMINI, m.without_the_third)),
    Defect("a silent end taken for a good one", CLAUDE, "streaming", parses(CLAUDE, m.Careless)),
    Defect("errors in a stream swallowed", GEMINI, "streaming", parses(GEMINI, m.Careless)),
    Defect("stream buffered to its end", OLLAMA, "streaming", parses(OLLAMA, m.Patient)),
    Defect("a cut answer said to be whole", GEMINI, "streaming", streams(GEMINI, m.finishing(Finish.STOP))),
    Defect("a refusal said to be an answer", CLAUDE, "streaming", hears(CLAUDE, m.always(Finish.TOOL_CALLS))),
    Defect("a pause taken for the end", CLAUDE, "streaming", hears(CLAUDE, m.mistaking(Finish.PAUSE, Finish.STOP))),
    Defect("a paused answer begun anew", GEMINI, "streaming", goes_on(GEMINI, m.asked_from_the_start)),
    Defect("gone on without the paused tool", CLAUDE, "streaming", goes_on(CLAUDE, m.without_its_own_tools)),
    Defect("usage not asked for", OPENAI, "streaming", sends(OPENAI, m.without("stream_options"))),
    # error mapping
    Defect(
        "overload taken for the client's fault",
        CLAUDE,
        "error-mapping",
        fails(CLAUDE, m.as_reason(Reason.INVALID_REQUEST, Reason.ERROR_5XX)),
    ),
    Defect("retry-after lost", CLAUDE, "error-mapping", fails(CLAUDE, m.without_wait)),
    Defect("our key's trouble passed on as 401", CLAUDE, "error-mapping", fails(CLAUDE, m.passed_on)),
    Defect(
        "a long prompt not recognised",
        CLAUDE,
        "error-mapping",
        fails(CLAUDE, m.as_reason(Reason.INVALID_REQUEST, Reason.CONTEXT_LENGTH)),
    ),
    Defect("retry info lost", GEMINI, "error-mapping", fails(GEMINI, m.without_wait)),
    Defect(
        "a bad key taken for a bad request",
        GEMINI,
        "error-mapping",
        fails(GEMINI, m.as_reason(Reason.INVALID_REQUEST, Reason.AUTH)),
    ),
    Defect(
        "a used-up quota taken for a rate limit",
        OPENAI,
        "error-mapping",
        fails(OPENAI, m.as_reason(Reason.RATE_LIMITED, Reason.QUOTA)),
    ),
    Defect(
        "a filter taken for a bad request",
        AZURE,
        "error-mapping",
        fails(AZURE, m.as_reason(Reason.INVALID_REQUEST, Reason.CONTENT_FILTER)),
    ),
    Defect("a missing model passed on as 404", OLLAMA, "error-mapping", fails(OLLAMA, m.passed_on)),
    Defect("markup passed on", AZURE, "error-mapping", fails(AZURE, m.raw_text)),
    # cost attribution
    Defect(
        "cached tokens counted twice",
        CLAUDE,
        "cost-attribution",
        hears(CLAUDE, m.usage(lambda u: replace(u, input=u.input + u.cached))),
    ),
    Defect(
        "cached tokens not told",
        CLAUDE,
        "cost-attribution",
        streams(CLAUDE, m.counting(lambda u: replace(u, cached=0))),
    ),
    Defect(
        "cache writes not told", CLAUDE, "cost-attribution", hears(CLAUDE, m.usage(lambda u: replace(u, cache_write=0)))
    ),
    Defect(
        "reasoning not in the output",
        GEMINI,
        "cost-attribution",
        hears(GEMINI, m.usage(lambda u: replace(u, output=u.output - u.reasoning))),
    ),
    Defect(
        "usage of the first event",
        CLAUDE,
        "cost-attribution",
        streams(CLAUDE, m.counting(lambda u: replace(u, output=1))),
    ),
    Defect(
        "input and output mixed up",
        OLLAMA,
        "cost-attribution",
        hears(OLLAMA, m.usage(lambda u: replace(u, input=u.output, output=u.input))),
    ),
    # reasoning continuity
    Defect(
        "thinking dropped",
        CLAUDE,
        "reasoning-continuity",
        sends(CLAUDE, m.without_blocks("thinking", "redacted_thinking")),
    ),
    Defect("thinking moved to the end", CLAUDE, "reasoning-continuity", sends(CLAUDE, m.thoughts_to_the_end)),
    Defect(
        "redacted thinking dropped",
        CLAUDE,
        "reasoning-continuity",
        sends(CLAUDE, m.without_blocks("redacted_thinking")),
    ),
    Defect("thinking text altered", CLAUDE, "reasoning-continuity", sends(CLAUDE, m.shorten_thoughts)),
    Defect("thinking not asked for", CLAUDE, "reasoning-continuity", sends(CLAUDE, m.without("thinking"))),
    Defect("signature dropped", GEMINI, "reasoning-continuity", sends(GEMINI, m.unsigned)),
    Defect("signature moved to the last call", GEMINI, "reasoning-continuity", sends(GEMINI, m.sign_the_last_call)),
    Defect("one signature for all steps", GEMINI, "reasoning-continuity", sends(GEMINI, m.first_signature_everywhere)),
    Defect("placeholder instead of signatures", GEMINI, "reasoning-continuity", sends(GEMINI, m.dummy_everywhere)),
    Defect(
        "effort lost", GEMINI, "reasoning-continuity", sends(GEMINI, m.without("generationConfig", "thinkingConfig"))
    ),
    Defect("encrypted reasoning dropped", OPENAI, "reasoning-continuity", sends(OPENAI, m.without_reasoning_items)),
    Defect("reasoning behind its call", OPENAI, "reasoning-continuity", sends(OPENAI, m.reasoning_behind_its_call)),
    Defect("status in items", AZURE, "reasoning-continuity", sends(AZURE, m.status_in_items)),
    # vision
    Defect(
        "wrong type of image",
        CLAUDE,
        "vision",
        sends(
            CLAUDE,
            m.sources(
                lambda source: (
                    source.update(media_type="image/jpeg") if source.get("media_type") == "image/png" else None
                )
            ),
        ),
    ),
    Defect("data URL instead of base64", CLAUDE, "vision", sends(CLAUDE, m.sources(m.data_url))),
    Defect("encoded twice", CLAUDE, "vision", sends(CLAUDE, m.sources(m.twice_encoded))),
    Defect("images dropped", CLAUDE, "vision", sends(CLAUDE, m.without_blocks("image"))),
    Defect(
        "everything is an image",
        GEMINI,
        "vision",
        sends(GEMINI, m.inline(lambda data: data.update(mimeType="image/png"))),
    ),
    Defect(
        "files dropped",
        OPENAI,
        "vision",
        sends(
            OPENAI,
            lambda body: [
                message.update(
                    content=[part for part in message["content"] if part["type"] not in ("file", "input_file")]
                )
                for message in (body.get("messages") or body.get("input") or ())
                if isinstance(message.get("content"), list)
            ],
        ),
    ),
    Defect(
        "images with their prefix",
        OLLAMA,
        "vision",
        sends(
            OLLAMA,
            m.messages_with(
                lambda message: message.update(
                    images=[f"data:image/png;base64,{each}" for each in message.get("images") or ()]
                )
            ),
        ),
    ),
    # cancellation
    Defect(
        "the provider is not told when a client leaves",
        CLAUDE,
        "cancellation",
        patched("proxy.server.listener._Server.handler_cancellation", m.NEVER),
    ),
    # secrets
    Defect("errors not scrubbed", CLAUDE, "secrets", patched("proxy.adapters.wire.scrubbed", m.unscrubbed)),
    Defect(
        "raw errors",
        GEMINI,
        "secrets",
        lambda monkeypatch: (
            fails(GEMINI, m.raw_text)(monkeypatch),
            patched("proxy.adapters.wire.scrubbed", m.unscrubbed)(monkeypatch),
        )[0],
    ),
    Defect(
        "key in the address",
        GEMINI,
        "secrets",
        record_with(
            GEMINI,
            path_of=lambda facts, operation, stream: f"/v1beta/models/{facts.model}:generateContent?key={KEY}",
        ),
    ),
    Defect("addresses and accounts shown", OPENAI, "secrets", fails(OPENAI, m.raw_text)),
)


def finding(defect: Defect, monkeypatch: pytest.MonkeyPatch) -> str | None:
    """What the section finds of a planted defect, None when it finds nothing."""
    defect.plant(monkeypatch)
    scenarios = [scenario for scenario in load() if scenario.section == defect.section]
    for cell in runner.run(of(defect.provider)[0], scenarios):
        if cell.word == "failed":
            return f"{cell.scenario}: {cell.failures[0]}"
    return None


def test_there_are_enough_of_them_everywhere() -> None:
    assert len(DEFECTS) >= 60
    assert {defect.section for defect in DEFECTS} == set(SECTIONS)
    assert {defect.provider for defect in DEFECTS} == {CLAUDE, GEMINI, OPENAI, AZURE, OLLAMA}
    assert len({defect.name for defect in DEFECTS}) == len(DEFECTS)


def test_defects_are_found_by_the_section_they_belong_to(capsys: pytest.CaptureFixture[str]) -> None:
    found: dict[str, str | None] = {}
    for defect in DEFECTS:
        with pytest.MonkeyPatch.context() as monkeypatch:
            found[defect.name] = finding(defect, monkeypatch)
    with capsys.disabled():
        for defect in DEFECTS:
            sys.stdout.write(
                f"{defect.section:20} {defect.provider:10} {defect.name:45} {found[defect.name] or 'NOT FOUND'}"[:160]
                + "\n"
            )
    missed = [name for name, what in found.items() if what is None]
    assert len(missed) <= len(DEFECTS) * 0.05, f"not found: {missed}"
