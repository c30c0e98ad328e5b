"""The laws every wire format keeps, one parametrised test each. A new format adds one entry to `FORMATS`.

1. A stream folds to what the whole answer says.
2. Splitting the bytes anywhere changes nothing, for readers and relays.
3. A truncated stream raises, or has said everything.
4. A translated stream, read back, says what was observed.
5. Every canonical field that is set appears in the rendered request, in the transforms, or as a need.
"""

import itertools
import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, fields, replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from translators.canonical import (
    CacheHint,
    Choice,
    Chunk,
    Finish,
    HostedItem,
    Media,
    Message,
    Native,
    Opaque,
    OutputSpec,
    Reasoning,
    ReasoningSpec,
    Refusal,
    Request,
    Response,
    Sampling,
    StateSpec,
    Text,
    Tool,
    ToolCall,
    ToolChoice,
    ToolResult,
    UpstreamError,
    Usage,
    fold,
    unfold,
)
from translators.canonical.needs import needs
from translators.formats import (
    ClientFormat,
    ProviderFormat,
    RenderContext,
    anthropic_messages,
    google_generate,
    ollama_chat,
    openai_chat,
    openai_responses,
)
from translators.formats import json as wire_json

RECORDINGS = Path(__file__).parents[1] / "recordings"


@dataclass(frozen=True, kw_only=True)
class Format:
    """One format under the laws. `streams` are streams of its providers beside those that its own client side renders.

    `says` is whether its answers can express a sample; `unsaid` the request fields that leave no trace, each with the
    reason why that is no loss.
    """

    name: str
    client: ClientFormat | None = None
    provider: ProviderFormat | None = None
    streams: Mapping[str, bytes] = field(default_factory=dict)
    says: Callable[[Response], bool] = lambda sample: True
    unsaid: Mapping[str, str] = field(default_factory=dict)


def fixtures(prefix: str) -> dict[str, bytes]:
    """Streams written by hand that end well."""
    paths = sorted((RECORDINGS / "fixtures").glob(f"{prefix}_*.sse"))
    return {path.name: path.read_bytes() for path in paths if not path.stem.endswith(("error", "hybrid", "failed"))}


def recorded(api: str) -> dict[str, bytes]:
    """Recorded streams that are short enough to be read byte by byte."""
    found = {}
    for path in sorted(RECORDINGS.glob("*/*.json")):
        exchange = json.loads(path.read_bytes())
        text = exchange["response"].get("body_text") or ""
        if (
            exchange.get("api") == api
            and exchange["stream"]
            and exchange["response"]["status"] == 200
            and len(text) < 6000
        ):
            found[exchange["id"]] = text.encode()
    return found


def annotations(response: Response) -> list[Any]:
    return [
        annotation
        for choice in response.choices
        for block in choice.message.blocks
        if isinstance(block, Text)
        for annotation in block.annotations
    ]


FORMATS = [
    Format(
        name="openai_chat",
        client=openai_chat.CLIENT,
        provider=openai_chat.PROVIDER,
        streams=fixtures("chat"),
        says=lambda response: all(each["type"] == "url_citation" for each in annotations(response)),
    ),
    Format(
        name="openai_responses",
        client=openai_responses.CLIENT,
        provider=openai_responses.PROVIDER,
        streams=fixtures("resp"),
        says=lambda response: len(response.choices) == 1,
        unsaid={
            "Request.include_usage": "a stream always ends with usage",
            "ToolCall.opaque": "another provider's blob, a hint by definition",
            "ToolResult.name": "the call it answers has the name",
            "ToolResult.cache": "a hint",
        },
    ),
    Format(
        name="ollama_chat",
        provider=ollama_chat.PROVIDER,
        streams=recorded("ollama_chat"),
        unsaid={
            "Request.include_usage": "a stream always ends with usage",
            "OutputSpec.name": "the schema is all that is asked for",
            "ToolChoice.kind": "the tool has it",
            "Media.mime": "the bytes of a picture tell",
            "ToolCall.opaque": "another provider's blob, a hint by definition",
        },
    ),
    Format(
        name="anthropic_messages",
        provider=anthropic_messages.PROVIDER,
        streams=recorded("messages"),
        unsaid={
            "Request.include_usage": "a stream always ends with usage",
            "OutputSpec.name": "the schema is all that is asked for",
            "OutputSpec.strict": "a schema always binds",
            "ToolChoice.kind": "the tool has it",
            "ToolCall.opaque": "another provider's blob, a hint by definition",
            "ToolResult.name": "the call it answers has the name",
        },
    ),
    Format(
        name="google_generate",
        provider=google_generate.PROVIDER,
        # A stream that names a reason to end with every chunk has no end that could be missed.
        streams={
            name: data for name, data in recorded("streamGenerateContent").items() if data.count(b'"finishReason"') == 1
        },
        unsaid={
            "Request.include_usage": "a stream always ends with usage",
            "OutputSpec.name": "the schema is all that is asked for",
            "ToolChoice.kind": "the tool has it",
            "ToolResult.name": "the call it answers has the name",
        },
    ),
]

CLIENTS = [pytest.param(one, id=one.name) for one in FORMATS if one.client and one.provider]
PROVIDERS = [pytest.param(one, id=one.name) for one in FORMATS if one.provider]


def context(request: Request | None = None) -> RenderContext:
    numbers = itertools.count(1)
    asked = request or Request(messages=(Message("user", (Text("hi"),)),), stream=True, include_usage=True)
    return RenderContext(request=asked, new_id=lambda prefix: f"{prefix}{next(numbers)}", created=1790000000)


# --- what is said -----------------------------------------------------------------------------------------------------


def answer(*blocks: Any, finish: Finish = Finish.STOP, **members: Any) -> Response:
    choice = Choice(index=0, message=Message("assistant", blocks), finish=finish)
    usage = Usage(input=11, output=7, cached=3, reasoning=2)
    return Response(**{"id": "chatcmpl-1", "model": "m", "created": 7, "choices": (choice,), "usage": usage, **members})


CITATION = {"type": "url_citation", "url": "https://example.com", "title": "t", "start_index": 0, "end_index": 2}

SAMPLES = {
    "text": answer(Text("hello, wörld 😀")),
    "empty": answer(Text("")),
    "truncated": answer(Text("half"), finish=Finish.LENGTH),
    "filtered": answer(Text("half"), finish=Finish.CONTENT_FILTER),
    "refusal": answer(Refusal("no")),
    "reasoning": answer(Reasoning(text="let me see"), Text("yes")),
    "citations": answer(Text("hi", (CITATION, {**CITATION, "url": "https://example.org"}))),
    "one call": answer(ToolCall("call_a", "f", '{"x":1}'), finish=Finish.TOOL_CALLS),
    "text and two calls": answer(
        Text("both"),
        ToolCall("call_a", "f", '{"x": [1, 2]}'),
        ToolCall("call_b", "g", '{"y":"ü"}'),
        finish=Finish.TOOL_CALLS,
    ),
    "reasoning and a call": answer(Reasoning(text="hm"), ToolCall("call_a", "f", "{}"), finish=Finish.TOOL_CALLS),
}


def told(response: Response, *, thoughts: bool = True) -> list[Any]:
    """What an answer says to a reader, however it was cut into blocks and whoever made the ids."""
    said: list[Any] = []
    for choice in response.choices:
        blocks = choice.message.blocks
        said.append(
            {
                "text": "".join(block.text for block in blocks if isinstance(block, Text)),
                "refusal": "".join(block.text for block in blocks if isinstance(block, Refusal)),
                "thought": "".join(thought(block) for block in blocks if isinstance(block, Reasoning)) * thoughts,
                "calls": [(call.name, call.arguments, call.kind) for call in blocks if isinstance(call, ToolCall)],
                "citations": [a.get("url") for block in blocks if isinstance(block, Text) for a in block.annotations],
                "finish": choice.finish,
            }
        )
    return said


def thought(block: Reasoning) -> str:
    return block.text or "\n\n".join(block.summary)


def streamed(form: Format, response: Response) -> bytes:
    assert form.client is not None
    return form.client.stream_renderer(context()).render(unfold(response))


def parsed(form: Format, data: bytes) -> list[Chunk]:
    assert form.provider is not None
    parser = form.provider.stream_parser("issuer")
    return [*parser.feed(data), *parser.close()]


def streams(form: Format) -> Iterator[tuple[str, bytes]]:
    yield from form.streams.items()
    if form.client is not None:
        for name, sample in SAMPLES.items():
            if form.says(sample):
                yield name, streamed(form, sample)


def each_stream(only: list[Any]) -> list[Any]:
    return [
        pytest.param(param.values[0], data, id=f"{param.id} {name}")
        for param in only
        for name, data in streams(param.values[0])
    ]


# --- 1 ----------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", SAMPLES)
@pytest.mark.parametrize("form", CLIENTS)
def test_a_stream_folds_to_what_the_whole_answer_says(form: Format, name: str) -> None:
    sample = SAMPLES[name]
    if not form.says(sample):
        pytest.skip(f"{form.name} has no way to say this")
    assert form.client is not None
    assert form.provider is not None
    whole = form.provider.parse_response(
        wire_json.loads(wire_json.dumps(form.client.render_response(sample, context()))), "issuer"
    )
    from_stream = fold(parsed(form, streamed(form, sample)))
    assert told(from_stream) == told(whole) == told(sample)
    assert from_stream.usage == whole.usage
    assert (from_stream.model, from_stream.created) == (whole.model, whole.created)


# --- 2 ----------------------------------------------------------------------------------------------------------------


def in_pieces(data: bytes, cuts: list[int]) -> list[bytes]:
    edges = [0, *sorted(cuts), len(data)]
    return [data[start:end] for start, end in itertools.pairwise(edges)]


@pytest.mark.parametrize(("form", "data"), each_stream(PROVIDERS))
def test_reading_a_stream_byte_by_byte_changes_nothing(form: Format, data: bytes) -> None:
    assert form.provider is not None
    parser = form.provider.stream_parser("issuer")
    chunks = [chunk for byte in range(len(data)) for chunk in parser.feed(data[byte : byte + 1])]
    assert [*chunks, *parser.close()] == parsed(form, data)


@pytest.mark.parametrize(("form", "data"), each_stream(PROVIDERS))
@given(fractions=st.lists(st.floats(0, 1), max_size=12))
@settings(max_examples=25, deadline=None)
def test_reading_a_stream_in_any_pieces_changes_nothing(form: Format, data: bytes, fractions: list[float]) -> None:
    assert form.provider is not None
    parser = form.provider.stream_parser("issuer")
    pieces = in_pieces(data, [round(fraction * len(data)) for fraction in fractions])
    chunks = [chunk for piece in pieces for chunk in parser.feed(piece)]
    assert [*chunks, *parser.close()] == parsed(form, data)


@pytest.mark.parametrize(("form", "data"), each_stream(CLIENTS))
def test_relaying_a_stream_byte_by_byte_changes_nothing(form: Format, data: bytes) -> None:
    assert form.client is not None
    at_once, piecewise = form.client.relay(context()), form.client.relay(context())
    expected = at_once.feed(data) + at_once.close()
    out = b"".join(piecewise.feed(data[byte : byte + 1]) for byte in range(len(data)))
    assert out + piecewise.close() == expected
    assert piecewise.tally == at_once.tally


@pytest.mark.parametrize(("form", "data"), each_stream(CLIENTS))
@given(fractions=st.lists(st.floats(0, 1), max_size=12))
@settings(max_examples=25, deadline=None)
def test_relaying_a_stream_in_any_pieces_changes_nothing(form: Format, data: bytes, fractions: list[float]) -> None:
    assert form.client is not None
    at_once, piecewise = form.client.relay(context()), form.client.relay(context())
    expected = at_once.feed(data) + at_once.close()
    out = b"".join(map(piecewise.feed, in_pieces(data, [round(part * len(data)) for part in fractions])))
    assert out + piecewise.close() == expected


@pytest.mark.parametrize(("form", "data"), each_stream(CLIENTS))
def test_a_good_stream_is_relayed_with_its_own_bytes(form: Format, data: bytes) -> None:
    assert form.client is not None
    relay = form.client.relay(context())
    assert relay.feed(data) + relay.close() == data


# --- 3 ----------------------------------------------------------------------------------------------------------------


def ends(data: bytes) -> list[int]:
    """Where events end, in any framing of the formats here."""
    marks = (b"\n\n", b"\r\n\r\n") if b"\n\n" in data or b"\r\n\r\n" in data else (b"\n",)
    found = {0}
    for mark in marks:
        at = data.find(mark)
        while at >= 0:
            found.add(at + len(mark))
            at = data.find(mark, at + len(mark))
    return sorted(found)


@pytest.mark.parametrize(("form", "data"), each_stream(PROVIDERS))
def test_a_truncated_stream_raises_or_has_said_everything(form: Format, data: bytes) -> None:
    complete = told(fold(parsed(form, data)))
    raised = 0
    for end in ends(data)[:-1]:
        for cut in {end, max(end - 3, 0), end + 9}:
            try:
                response = fold(parsed(form, data[:cut]))
            except UpstreamError:
                raised += 1
            else:
                assert told(response) == complete, f"cut at byte {cut} of {len(data)}"
    assert raised, "no cut was noticed"


@pytest.mark.parametrize(("form", "data"), each_stream(CLIENTS))
def test_a_truncated_relay_raises_or_has_said_everything(form: Format, data: bytes) -> None:
    assert form.client is not None
    complete = told(fold(parsed(form, data)))
    risks: list[bool] = []
    for end in ends(data)[:-1]:
        relay = form.client.relay(context())
        try:
            out = relay.feed(data[:end]) + relay.close()
        except UpstreamError as error:
            risks.append(error.billed_risk)
        else:
            assert told(fold(parsed(form, out))) == complete, f"cut at byte {end} of {len(data)}"
    assert risks, "no cut was noticed"
    assert all(risks), "the provider may have been paid for this"


# --- 4 ----------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("target", CLIENTS)
@pytest.mark.parametrize(("source", "data"), each_stream(PROVIDERS))
def test_a_translated_stream_read_back_says_what_was_observed(source: Format, data: bytes, target: Format) -> None:
    assert source.provider is not None
    assert target.client is not None
    parser, renderer = source.provider.stream_parser("issuer"), target.client.stream_renderer(context())
    observed: list[Chunk] = []
    out = b""
    for piece in in_pieces(data, list(range(0, len(data), 100))):
        chunks = parser.feed(piece)
        observed += chunks
        out += renderer.render(chunks)
    chunks = parser.close()
    out += renderer.render(chunks)
    response = fold([*observed, *chunks])
    if not target.says(response):
        pytest.skip(f"{target.name} has no way to say this")
    assert told(fold(parsed(target, out))) == told(response)


# --- 5 ----------------------------------------------------------------------------------------------------------------

HI = Message("user", (Text("hi"),))
FUNCTION = Tool(name="f")
OPAQUE = (Opaque("elsewhere", "kind", "blob"),)
CACHE = CacheHint("1h")


def request(**members: Any) -> Request:
    return Request(**{"messages": (HI,), **members})


def with_block(block: Any, role: Any = "user") -> Request:
    return request(messages=(HI, Message(role, (Text("x"), block))))


def with_result(**members: Any) -> Request:
    call = Message("assistant", (ToolCall("call_a", "f", "{}"),))
    result = ToolResult(**{"call_id": "call_a", "content": (Text("1"),), **members})
    return request(messages=(HI, call, Message("tool", (result,))))


def of(build: Callable[..., Request], base: dict[str, Any], /, **variants: Any) -> dict[str, tuple[Request, Request]]:
    """For each named member: the request without it, and with it."""
    return {name: (build(**base), build(**{**base, name: value})) for name, value in variants.items()}


def in_block(
    kind: type, base: dict[str, Any], role: str = "user", /, **variants: Any
) -> dict[str, tuple[Request, Request]]:
    return of(lambda **members: with_block(kind(**members), role), base, **variants)


def nested(
    member: str,
    kind: type,
    base: dict[str, Any] | None = None,
    /,
    beside: dict[str, Any] | None = None,
    **variants: Any,
) -> dict[str, tuple[Request, Request]]:
    """For each member of a record that stands at `member` of the request."""

    def build(**members: Any) -> Request:
        record = kind(**members)
        return request(**{**(beside or {}), member: (record,) if member == "tools" else record})

    return of(build, base or {}, **variants)


SCHEMA = {"type": "object", "properties": {"marker": {"type": "string"}}}

FIELDS: dict[type, dict[str, tuple[Request, Request]]] = {
    Request: {
        **of(
            request,
            {},
            messages=(HI, HI),
            instructions=(Text("be brief"),),
            tools=(FUNCTION,),
            output=OutputSpec(kind="json_object"),
            sampling=Sampling(temperature=0.25),
            reasoning=ReasoningSpec(effort="low"),
            modalities=("text", "audio"),
            audio={"voice": "alloy", "format": "wav"},
            stream=True,
            state=StateSpec(store=True),
            cache={"prompt_cache_key": "marker"},
            verbosity="low",
            service_tier="flex",
            user="marker",
            safety_identifier="marker",
            moderation={"model": "m"},
            web_search={"search_context_size": "low"},
            metadata={"marker": "x"},
            extensions={"marker": 1},
        ),
        **of(request, {"stream": True}, include_usage=True, include_obfuscation=False),
        **of(request, {"tools": (FUNCTION,)}, tool_choice=ToolChoice(mode="required"), parallel_tool_calls=False),
    },
    Sampling: nested(
        "sampling",
        Sampling,
        temperature=0.25,
        top_p=0.25,
        top_k=3,
        frequency_penalty=0.25,
        presence_penalty=0.25,
        max_output_tokens=99,
        stop=("marker",),
        seed=99,
        n=2,
        logprobs=True,
        top_logprobs=3,
        logit_bias={"1": 2},
        prediction={"type": "content", "content": "marker"},
    ),
    ReasoningSpec: nested(
        "reasoning", ReasoningSpec, effort="low", summary="auto", budget_tokens=999, raw={"mode": "x"}
    ),
    StateSpec: nested(
        "state",
        StateSpec,
        store=True,
        previous_response_id="resp_1",
        conversation={"id": "conv_1"},
        background=True,
        truncation="auto",
        include=("marker",),
        max_tool_calls=3,
        context_management=[{"type": "compaction"}],
        prompt={"id": "pmpt_1"},
    ),
    OutputSpec: {
        **nested("output", OutputSpec, kind="json_object"),
        **nested(
            "output",
            OutputSpec,
            {"kind": "json_schema", "schema": {"type": "object"}, "name": "n"},
            name="marker",
            schema=SCHEMA,
            strict=True,
            description="marker",
        ),
        **nested("output", OutputSpec, {"kind": "grammar", "raw": {"type": "grammar"}}, raw={"type": "regex"}),
    },
    Tool: {
        **nested(
            "tools",
            Tool,
            {"name": "f"},
            name="g",
            description="marker",
            parameters=SCHEMA,
            strict=True,
            cache=CACHE,
            kind="custom",
        ),
        **nested(
            "tools",
            Tool,
            {"name": "f", "kind": "custom"},
            format={"type": "grammar", "syntax": "lark", "definition": "x"},
        ),
        **nested("tools", Tool, {"name": "f", "kind": "hosted", "hosted": {"type": "f"}}, hosted={"type": "marker"}),
    },
    ToolChoice: {
        **nested("tool_choice", ToolChoice, {}, beside={"tools": (FUNCTION,)}, mode="none"),
        **nested(
            "tool_choice",
            ToolChoice,
            {"mode": "named", "names": ("f",)},
            beside={"tools": (FUNCTION, Tool(name="g"))},
            names=("g",),
            kind="custom",
        ),
        **nested(
            "tool_choice",
            ToolChoice,
            {"mode": "allowed", "names": ("f",), "allowed_mode": "auto"},
            beside={"tools": (FUNCTION, Tool(name="g"))},
            allowed_mode="required",
        ),
        **nested(
            "tool_choice",
            ToolChoice,
            {"mode": "named", "names": ("w",), "kind": "hosted", "raw": {"type": "w"}},
            beside={"tools": (Tool(name="w", kind="hosted", hosted={"type": "w"}),)},
            raw={"type": "marker"},
        ),
    },
    Message: of(
        lambda **members: request(messages=(HI, Message(**members))),
        {"role": "user", "blocks": (Text("x"),)},
        role="developer",
        blocks=(Text("marker"),),
        name="marker",
        extra={"marker": 1},
    ),
    Text: {
        **in_block(Text, {"text": "x"}, text="marker", cache=CACHE),
        **in_block(Text, {"text": "x"}, "assistant", annotations=(CITATION,)),
    },
    Refusal: in_block(Refusal, {"text": "x"}, "assistant", text="marker"),
    Media: {
        **in_block(
            Media,
            {"kind": "image", "data": "QUJD", "mime": "image/png"},
            kind="file",
            data="QUFB",
            mime="image/gif",
            detail="low",
            cache=CACHE,
        ),
        **in_block(Media, {"kind": "image"}, url="https://example.com/marker.png"),
        **in_block(Media, {"kind": "file", "data": "QUJD", "mime": "application/pdf"}, filename="marker.pdf"),
        **in_block(Media, {"kind": "file"}, file_id="file-marker"),
        **in_block(Media, {"kind": "file", "file_id": "file-1"}, provider="elsewhere"),
    },
    Reasoning: of(
        lambda **members: with_block(Reasoning(**members), "assistant") if members else request(),
        {},
        text="marker",
        summary=("marker",),
        opaque=OPAQUE,
        cache=CACHE,
    ),
    ToolCall: in_block(
        ToolCall,
        {"id": "call_a", "name": "f", "arguments": "{}"},
        "assistant",
        id="call_b",
        name="g",
        arguments='{"marker":1}',
        kind="custom",
        namespace="marker",
        opaque=OPAQUE,
    ),
    ToolResult: of(
        with_result,
        {},
        call_id="call_b",
        content=(Text("marker"),),
        is_error=True,
        kind="custom",
        name="marker",
        cache=CACHE,
    ),
    HostedItem: of(
        lambda **members: with_block(HostedItem(**members), "assistant") if members["tool"] else request(),
        {"tool": "", "raw": {"type": "x"}},
        tool="web_search",
    ),
    Native: of(
        lambda **members: with_block(Native(**members)) if members["format"] else request(),
        {"format": "", "raw": {"type": "x"}},
        format="marker",
    ),
}

NOT_IN_REQUESTS = {
    Request: {"model", "source", "legacy_functions"},  # the upstream id; the body itself; how the answer is spelled
    Text: {"logprobs"},  # of an answer
    Refusal: {"logprobs"},
    Media: {"transcript", "expires_at"},  # of a spoken answer
    HostedItem: {"raw", "provider"},  # the need is for the whole item
    Native: {"raw"},
}


def test_the_fifth_law_covers_every_field() -> None:
    for kind, variants in FIELDS.items():
        known = {member.name for member in fields(kind)} - {"origin"} - NOT_IN_REQUESTS.get(kind, set())
        assert known == set(variants), kind.__name__


REFUSED = "refused:"


def outcome(form: Format, asked: Request) -> tuple[Any, ...]:
    assert form.provider is not None
    required = {(need.name, json.dumps(need.value)) for need in needs(asked)}
    try:
        rendered = form.provider.render_request(asked, "m")
    except (
        UpstreamError
    ) as error:  # a format may refuse what it cannot say, beside the need that should have kept it away
        return f"{REFUSED} {error}", set(), required
    return json.dumps(rendered.body), set(rendered.transforms), required


VARIANTS = [
    pytest.param(f"{kind.__name__}.{name}", *pair, id=f"{kind.__name__}.{name}")
    for kind, variants in FIELDS.items()
    for name, pair in variants.items()
]


@pytest.mark.parametrize(("name", "without", "having"), VARIANTS)
@pytest.mark.parametrize("form", PROVIDERS)
def test_a_field_that_is_set_appears_somewhere(form: Format, name: str, without: Request, having: Request) -> None:
    body, transforms, required = outcome(form, having)
    plain_body, plain_transforms, plain_required = outcome(form, without)
    if name in form.unsaid:
        assert body == plain_body, f"{name} is said after all: take it off the list"
        return
    if body.startswith(REFUSED):
        return
    assert body != plain_body or transforms - plain_transforms or required - plain_required, f"{name} disappeared"


@pytest.mark.parametrize("form", PROVIDERS)
def test_rendering_is_deterministic(form: Format) -> None:
    for variants in FIELDS.values():
        for _, having in variants.values():
            assert outcome(form, having) == outcome(form, replace(having))
