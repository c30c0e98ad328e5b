"""How one attempt's bytes cross the proxy. Chosen once by `choose`; after that nothing asks which it is.

    Verbatim     same format on both sides, nothing edited: the client's bytes, with only the model's name (and the
                 usage option of a stream) spliced in; the provider's bytes back, watched on their way
    Patched      same format, something edited: the edits applied to the client's own body, so unknown members survive
    Translated   different formats: parsed into the hub and rendered out of it

Verbatim is forbidden as soon as anything edited the request: the raw bytes still hold what an edit removed. Which lane is
taken never changes what a call means, only how much of it is rebuilt. No I/O here.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import fields, replace
from typing import Any, Protocol

from translators.canonical import (
    NO_USAGE,
    REMOVED,
    AnnotationAdded,
    Block,
    BlockDelta,
    BlockStart,
    BlockStop,
    Choice,
    ChoiceStop,
    Chunk,
    End,
    Finish,
    JochError,
    Message,
    Patch,
    Reason,
    Reasoning,
    Refusal,
    Request,
    Response,
    Source,
    Start,
    Text,
    ToolCall,
    Transform,
    UpstreamError,
    Usage,
    UsageUpdate,
    fold,
    is_content,
    unfold,
    value,
)
from translators.formats import ClientFormat, ProviderFormat, RenderContext, StreamParser, StreamRelay, Tally, Wire
from translators.formats.json import dumps, loads, loads_mending_numbers, loads_mending_surrogates

Amend = Callable[[Wire], Wire]


@value
class WireBody:
    """A request body ready to send, and every change a translation made."""

    data: bytes
    transforms: tuple[Transform, ...] = ()


class Exchange(Protocol):
    """One attempt's way across. `lane` is its name in events and explanations."""

    lane: str

    def render_request(self, request: Request, model: str, amend: Amend, *, ask_usage: bool) -> WireBody: ...

    def render_response(self, raw: bytes, context: RenderContext, tally: Tally) -> bytes: ...

    def open_stream(self, context: RenderContext) -> StreamRelay: ...


def choose(client: ClientFormat, provider: ProviderFormat, request: Request, issuer: str) -> Exchange:
    """The exchange for `request`. `issuer` marks the opaque blobs of its answer."""
    source = request.source
    if client.name != provider.name or source is None or source.format != client.name:
        return Translated(client, provider, issuer)
    if source.patches:
        return Patched(client, provider, issuer)
    return Verbatim(client, provider, issuer)


class _SameFormat:
    """What Verbatim and Patched share: the answer passes as it came."""

    def __init__(self, client: ClientFormat, provider: ProviderFormat, issuer: str) -> None:
        self._client, self._provider, self._issuer = client, provider, issuer

    def render_response(self, raw: bytes, context: RenderContext, tally: Tally) -> bytes:
        wire, faithful = _parse_body(raw, tally)
        if context.check is None and faithful and self._client.glance is not None and self._client.glance(wire, tally):
            return raw
        response = self._provider.parse_response(wire, self._issuer)
        observe_whole(tally, response)
        _check_whole(response, context)
        if self._client.reseal is not None:
            sealed = self._client.reseal(wire, self._sealing(context))
            wire, faithful = sealed, faithful and sealed is wire
        if wire.get("usage") and response.usage.source == "none":
            wire, faithful = self._with_usage(wire, response, context, tally), False
        mended = self._client.mend(wire)
        return raw if mended is None and faithful else dumps(mended or wire)

    def _with_usage(self, wire: Wire, response: Response, context: RenderContext, tally: Tally) -> Wire:
        """`wire` with an estimate for figures that cannot be true."""
        tally.note("bad_usage")
        usage = NO_USAGE if context.estimate is None else context.estimate(tally)
        rendered = self._client.render_response(replace(response, usage=usage), context)
        return {**wire, "usage": rendered.get("usage")}

    def _sealing(self, context: RenderContext) -> RenderContext:
        """`context` for this issuer's blobs, which pass as they are where the client's dialect itself says whose they are."""
        seal = None if self._client.owner in (None, self._issuer) else context.seal
        return context if seal is context.seal else replace(context, seal=seal)

    def open_stream(self, context: RenderContext) -> StreamRelay:
        relay = self._client.relay(self._sealing(context))
        if context.check is None:
            return relay
        return CheckedStream(relay, self._provider.stream_parser(self._issuer), context)

    def _with_usage_option(self, body: Wire) -> Wire:
        if self._client.usage_option is None:
            return body
        member, wanted = self._client.usage_option
        present = body.get(member) or {}
        return body if wanted.items() <= present.items() else {**body, member: {**present, **wanted}}


class Verbatim(_SameFormat):
    """The client's bytes, with the model's name and the usage option spliced in."""

    lane = "verbatim"

    def render_request(self, request: Request, model: str, amend: Amend, *, ask_usage: bool) -> WireBody:
        source = _source(request)
        body = source.body
        wanted = self._with_usage_option(body) if ask_usage and request.stream else body
        amended = amend(wanted)
        if amended is wanted:
            spliced = _spliced(source, model, wanted)
            if spliced is not None:
                return WireBody(spliced)
        return WireBody(dumps({**amended, "model": model}))


class Patched(_SameFormat):
    """The client's own body with the recorded edits applied."""

    lane = "patched"

    def render_request(self, request: Request, model: str, amend: Amend, *, ask_usage: bool) -> WireBody:
        source = _source(request)
        body = apply_patches(source.body, source.patches)
        if ask_usage and request.stream:
            body = self._with_usage_option(body)
        return WireBody(dumps({**amend(body), "model": model}))


class Translated:
    """Parsed into the hub on one side, rendered out of it on the other."""

    lane = "translated"

    def __init__(self, client: ClientFormat, provider: ProviderFormat, issuer: str) -> None:
        self._client, self._provider, self._issuer = client, provider, issuer

    def render_request(self, request: Request, model: str, amend: Amend, *, ask_usage: bool) -> WireBody:
        if request.stream:  # usage is wanted whether the client will see it or not
            request = replace(request, include_usage=ask_usage)
        rendered = self._provider.render_request(request, model)
        return WireBody(dumps(amend(rendered.body)), rendered.transforms)

    def render_response(self, raw: bytes, context: RenderContext, tally: Tally) -> bytes:
        return render_answer(
            self._client, self._provider.parse_response(parse_whole(raw), self._issuer), context, tally
        )

    def open_stream(self, context: RenderContext) -> TranslatedStream:
        return TranslatedStream(self._client, self._provider, self._issuer, context)


class TranslatedStream:
    """A provider's stream in one format, the client's in another.

    Where the provider pauses in the middle of its answer, `paused` is what came so far: the answer then goes on in another
    stream of the provider, which `go_on` joins to this one.
    """

    def __init__(self, client: ClientFormat, provider: ProviderFormat, issuer: str, context: RenderContext) -> None:
        self.tally = Tally()
        self.paused: Response | None = None
        self._provider, self._issuer = provider, issuer
        self._parser = provider.stream_parser(issuer)
        self._renderer = client.stream_renderer(context)
        self._context = context
        self._turns = Turns(context) if context.keep is not None or context.check is not None else None
        self._hops = Hops() if provider.resume is not None else None

    def feed(self, data: bytes) -> bytes:
        return self._render(self._parser.feed(data))

    def close(self) -> bytes:
        return self._render(self._parser.close())

    def go_on(self) -> None:
        """What is fed from now on is the next stream of the same answer."""
        self.paused = None
        self._parser = self._provider.stream_parser(self._issuer)

    def fail(self, error: JochError) -> bytes:
        return self._renderer.fail(error)

    def _render(self, chunks: list[Chunk]) -> bytes:
        if self._hops is not None and chunks:
            chunks = self._hops.join(chunks)
            self.paused = self._hops.paused
        if not chunks:
            return b""
        if isinstance(chunks[-1], End):
            chunks = with_usage(chunks, self.tally, self._context)
        if self._turns is not None:
            self._turns.watch(chunks)
        observe(self.tally, chunks)
        return self._renderer.render(chunks)


class Hops:
    """Joins the streams in which a provider gives one answer piece by piece. Tokens are billed by stream, so they add up.

    A stream that ends in a pause has no end here: `paused` is then the answer so far, and the next stream's blocks are
    numbered on behind its own.
    """

    def __init__(self) -> None:
        self.paused: Response | None = None
        self._blocks: list[Block] = []
        self._shift = 0  # blocks of the streams before
        self._before = NO_USAGE
        self._usage = NO_USAGE
        self._start: Start | None = None
        self._stop: ChoiceStop | None = None

    def join(self, chunks: list[Chunk]) -> list[Chunk]:
        return [joined for chunk in chunks if (joined := self._joined(chunk)) is not None]

    def _joined(self, chunk: Chunk) -> Chunk | None:
        match chunk:
            case BlockDelta():
                return replace(chunk, index=chunk.index + self._shift) if self._shift else chunk
            case BlockStop():
                self._blocks.append(chunk.block)
                return replace(chunk, index=chunk.index + self._shift)
            case BlockStart() | AnnotationAdded():
                return replace(chunk, index=chunk.index + self._shift)
            case Start():
                first, self._start = self._start is None, self._start or chunk
                return chunk if first else None
            case UsageUpdate():
                self._usage = added(self._before, chunk.usage)
                return UsageUpdate(self._usage)
            case ChoiceStop() if chunk.finish is Finish.PAUSE:
                self._stop = chunk
                return None
            case End() if self._stop is not None:
                self.paused = self._so_far(self._stop, chunk)
                self._shift, self._before, self._stop = len(self._blocks), self._usage, None
                return None
            case _:
                return chunk

    def _so_far(self, stop: ChoiceStop, end: End) -> Response:
        choice = Choice(
            index=0,
            message=Message("assistant", tuple(self._blocks)),
            finish=stop.finish,
            finish_raw=stop.finish_raw,
        )
        start = self._start or Start("", "")
        return Response(id=start.id, model=start.model, choices=(choice,), usage=self._usage, extensions=end.extensions)


def joined(answers: list[Response]) -> Response:
    """One answer out of those a provider gave one after the other, each but the last ending in a pause."""
    if len(answers) == 1:
        return answers[0]
    blocks = tuple(block for answer in answers for block in answer.choices[0].message.blocks)
    usage = NO_USAGE
    for answer in answers:
        usage = added(usage, answer.usage)
    last = answers[-1]
    choice = replace(last.choices[0], message=replace(last.choices[0].message, blocks=blocks))
    return replace(last, id=answers[0].id, choices=(choice,), usage=usage)


def added(one: Usage, other: Usage) -> Usage:
    """The tokens of both. Figures nobody reported add nothing, and make the sum partial."""
    if one.source == "none":
        return other
    if other.source == "none":
        return replace(one, source="partial")
    sums = {name: getattr(one, name) + getattr(other, name) for name in _COUNTS}
    tools = {
        tool: one.tool_requests.get(tool, 0) + other.tool_requests.get(tool, 0)
        for tool in {**one.tool_requests, **other.tool_requests}
    }
    return replace(other, **sums, tool_requests=tools)


_COUNTS = tuple(each.name for each in fields(Usage) if each.type == "int")


class Turns:
    """Tells `context` what each choice was made of, once it is whole and before the client sees its end."""

    def __init__(self, context: RenderContext) -> None:
        self._context = context
        self._blocks: dict[int, dict[int, Block]] = {}

    def watch(self, chunks: Iterable[Chunk]) -> None:
        """Raises what `context.check` raises."""
        for chunk in chunks:
            match chunk:
                case BlockStop():
                    self._blocks.setdefault(chunk.choice, {})[chunk.index] = chunk.block
                case ChoiceStop():
                    of_choice = self._blocks.pop(chunk.choice, {})
                    blocks = tuple(of_choice[index] for index in sorted(of_choice))
                    _tell(self._context, blocks, chunk.finish)
                case _:
                    pass


class CheckedStream:
    """A stream of the same format on both sides whose content has to be looked at as well."""

    def __init__(self, relay: StreamRelay, parser: StreamParser, context: RenderContext) -> None:
        self._relay, self._parser = relay, parser
        self._turns = Turns(replace(context, keep=None))
        self.tally = relay.tally

    def feed(self, data: bytes) -> bytes:
        out = self._relay.feed(data)
        self._turns.watch(self._parser.feed(data))
        return out

    def close(self) -> bytes:
        out = self._relay.close()
        self._turns.watch(self._parser.close())
        return out

    def fail(self, error: JochError) -> bytes:
        return self._relay.fail(error)


def _tell(context: RenderContext, blocks: tuple[Block, ...], finish: Finish) -> None:
    if context.check is not None:
        context.check(blocks, finish)
    if context.keep is not None:
        context.keep(blocks)


def _check_whole(response: Response, context: RenderContext) -> None:
    if context.check is not None:
        for choice in response.choices:
            context.check(choice.message.blocks, choice.finish)


def render_answer(client: ClientFormat, response: Response, context: RenderContext, tally: Tally) -> bytes:
    """A canonical answer in the client's format, seen by `tally` and told to `context`."""
    observe_whole(tally, response)
    for choice in response.choices:
        _tell(context, choice.message.blocks, choice.finish)
    return dumps(client.render_response(response, context))


def render_whole_as_stream(
    client: ClientFormat, provider: ProviderFormat, issuer: str, raw: bytes, context: RenderContext, tally: Tally
) -> bytes:
    """A stream was asked for and a whole answer came: one valid stream out of it."""
    response = provider.parse_response(parse_whole(raw), issuer)
    for choice in response.choices:
        _tell(context, choice.message.blocks, choice.finish)
    chunks = list(unfold(response))
    observe(tally, chunks)
    return client.stream_renderer(context).render(with_usage(chunks, tally, context))


def fold_stream(provider: ProviderFormat, issuer: str, raw: bytes) -> Response:
    """A whole answer was asked for and a stream came: folded. Raises when the stream is cut."""
    parser = provider.stream_parser(issuer)
    return fold([*parser.feed(raw), *parser.close()])


def with_usage(chunks: list[Chunk], tally: Tally, context: RenderContext) -> list[Chunk]:
    """`chunks`, ending in `End`, with an estimate where the client waits for usage and the provider gave none."""
    if tally.usage is not None or context.estimate is None or any(isinstance(chunk, UsageUpdate) for chunk in chunks):
        return chunks
    observed = Tally(output_chars=tally.output_chars)
    observe(observed, chunks)
    return [*chunks[:-1], UsageUpdate(context.estimate(observed)), chunks[-1]]


def observe(tally: Tally, chunks: Iterable[Chunk]) -> None:
    """Note what passes: ids, usage, finishes, calls, and whether anything of the model was seen."""
    for chunk in chunks:
        tally.chunks += 1
        match chunk:
            case BlockDelta():
                tally.output_chars += len(chunk.value)
            case BlockStart():
                tally.tool_calls += isinstance(chunk.block, ToolCall)
            case UsageUpdate():
                _note_usage(tally, chunk.usage)
            case ChoiceStop():
                tally.finishes.append(chunk.finish.value)
            case Start():
                tally.response_id, tally.response_model = chunk.id, chunk.model
            case End():
                tally.ended = True
            case _:
                pass
        if not tally.content and is_content(chunk):
            tally.content = True


def observe_whole(tally: Tally, response: Response) -> None:
    """Note a whole answer: what `observe` notes of the stream it would unfold to, without making that stream."""
    tally.response_id, tally.response_model = response.id, response.model
    tally.content = tally.ended = True
    for choice in response.choices:
        tally.finishes.append(choice.finish.value)
        for block in choice.message.blocks:
            match block:
                case Text() | Refusal():
                    tally.output_chars += len(block.text)
                case ToolCall():
                    tally.tool_calls += 1
                    tally.output_chars += len(block.arguments)
                case Reasoning():
                    tally.output_chars += len(block.text or "") + sum(map(len, block.summary))
                case _:
                    pass
    _note_usage(tally, response.usage)


def _note_usage(tally: Tally, usage: Usage) -> None:
    if usage.source == "none":
        return
    if usage.is_sane():
        tally.usage = usage
    else:
        tally.note("bad_usage")


def parse_whole(raw: bytes) -> Wire:
    """The JSON object of a whole answer. Raises `UpstreamError(BAD_RESPONSE)` with the precise failure."""
    return _parse_body(raw, Tally())[0]


def _parse_body(raw: bytes, tally: Tally) -> tuple[Wire, bool]:
    """As `parse_whole`, and whether the bytes themselves are fit to be passed on."""
    faithful = True
    try:
        wire = loads(raw)
    except ValueError:
        wire, faithful = _second_look(raw, tally)
    if not isinstance(wire, dict):
        raise UpstreamError(
            Reason.BAD_RESPONSE, "The provider's answer is not a JSON object.", failure="bad_shape", billed_risk=True
        )
    return wire, faithful


def _second_look(raw: bytes, tally: Tally) -> tuple[Any, bool]:
    """What other parsers let pass: halves of surrogate pairs, and numbers that JSON does not have."""
    try:
        wire = loads_mending_surrogates(raw)
    except ValueError:
        pass
    else:
        tally.note("surrogate")
        return wire, True
    try:
        return loads_mending_numbers(raw), False
    except (ValueError, RecursionError):
        failure = "bad_json" if _is_utf8(raw) else "bad_utf8"
        raise UpstreamError(
            Reason.BAD_RESPONSE, "The provider's answer is not valid JSON.", failure=failure, billed_risk=True
        ) from None


def apply_patches(body: Wire, patches: Iterable[Patch]) -> Wire:
    """A copy of `body` with the edits made; what no edit touches is shared, not copied."""
    result: Any = body
    for patch in patches:
        result = _patched(result, [_unescaped(part) for part in patch.pointer.split("/")[1:]], patch.value)
    return dict(result)


def _patched(node: Any, path: list[str], value: Any) -> Any:
    head, *rest = path
    if isinstance(node, list):
        index = int(head)
        changed = list(node)
        if rest:
            changed[index] = _patched(node[index], rest, value)
        elif value is REMOVED:
            del changed[index]
        else:
            changed[index] = value
        return changed
    members = dict(node) if isinstance(node, dict) else {}
    if rest:
        members[head] = _patched(members.get(head), rest, value)
    elif value is REMOVED:
        members.pop(head, None)
    else:
        members[head] = value
    return members


def _unescaped(part: str) -> str:
    return part.replace("~1", "/").replace("~0", "~")


def _source(request: Request) -> Source:
    if request.source is None:  # `choose` gives these lanes only to requests that have one
        raise AssertionError("a request without its source cannot be sent as it came")
    return request.source


def _spliced(source: Source, model: str, wanted: Wire) -> bytes | None:
    """The raw bytes with the two permitted changes, or None where splicing would not be safe."""
    raw = source.raw
    name = source.body.get("model")
    if name != model:
        at = raw.find(b'"model"')
        if at < 0 or raw.find(b'"model"', at + 7) >= 0 or not isinstance(name, str):
            return None
        old = dumps(name)
        start = raw.find(old, at + 7)
        if start < 0 or raw[at + 7 : start].strip() != b":":
            return None
        raw = b"%b%b%b" % (raw[:start], dumps(model), raw[start + len(old) :])
    if wanted is not source.body:
        added = [member for member in wanted if member not in source.body]
        if not added:
            return None  # the member is there with other content
        raw = raw.rstrip()
        for member in added:
            raw = b"%b,%b:%b}" % (raw[:-1].rstrip(), dumps(member), dumps(wanted[member]))
    return raw


def _is_utf8(raw: bytes) -> bool:
    try:
        raw.decode()
    except UnicodeDecodeError:
        return False
    return True
