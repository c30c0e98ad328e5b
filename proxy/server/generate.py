"""POST /v1/chat/completions and /v1/responses: one handler, two formats."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Mapping
from dataclasses import replace

from aiohttp import web

from proxy.call import Call
from proxy.events import Scope
from proxy.identity import Identity, default_route, recognise, route_name, split_path, visible
from translators.canonical import REMOVED, Media, Need, Patch, Request, RequestError, ToolResult, edited
from translators.formats import ClientFormat

from .body import read_json
from .core import Core
from .media import check_media
from .stream import SseStream

_MAX_TOKENS = 10_000_000
_SHOWN_LENGTH = 64
_MAX_NAME = 512


async def generate(request: web.BaseRequest, core: Core, client: ClientFormat, call_id: str) -> web.StreamResponse:
    """Parse, resolve, hand over to the gateway, answer."""
    settings = core.live.current.snapshot.settings
    body, raw = await read_json(request, settings.max_body_bytes, core.body_seconds)
    parsed = checked(client.parse_request(body, raw), settings.unknown_fields)
    call = make_call(request, core, client, parsed, call_id)
    await core.enter(call)
    try:
        if parsed.stream:
            return await _streamed(request, core, call, settings.keep_alive_seconds)
        answer = await core.gateway.generate(call)
        _remember(core, call)
    finally:
        core.admission.leave()
    headers = {"x-request-id": call_id, "openai-processing-ms": elapsed(call), **answer.headers}
    return web.Response(body=answer.body, headers=headers, content_type="application/json")


async def _streamed(request: web.BaseRequest, core: Core, call: Call, interval: float) -> web.StreamResponse:
    stream = SseStream(request, call.id, interval)
    try:
        await core.gateway.stream(call, stream)
        _remember(core, call)
        await stream.finish()
    except asyncio.CancelledError:
        if core.stopping and stream.opened:
            await stream.write(call.client.stream_renderer(core.gateway.context(call)).fail(shutting_down()))
            await stream.finish()
        raise
    finally:
        stream.stop()
    if stream.response is None:  # the gateway opens the stream or raises
        raise AssertionError("a stream ended without having been opened")
    return stream.response


def make_call(
    request: web.BaseRequest,
    core: Core,
    client: ClientFormat,
    parsed: Request,
    call_id: str,
    needs: tuple[Need, ...] = (),
    route: str | None = None,
    *,
    by_operator: bool = False,
) -> Call:
    """The call of `request`: who makes it, its route, and the clock it runs on. `route` names the route whatever the body says.

    `by_operator`: whoever asks was let in by the admin token, and is believed whose call it is about.
    """
    configured, headers = core.live.current, request.headers
    snapshot = configured.snapshot
    _check_name(parsed.model)
    identity = identity_of(request, core, parsed, call_id, by_operator=by_operator)
    named = route_name(identity, snapshot, parsed.model, route or headers.get("X-Joch-Route"))
    if named is not None:
        found, resolved_by = snapshot.routes[named[0]], named[1]
    else:
        found, resolved_by = configured.resolver.resolve(
            parsed.model, default_route(identity, snapshot), lambda target: visible(target, identity)
        )
        if not visible(found, identity):
            raise unknown_model(parsed.model)
    started = time.monotonic()
    common = {
        "traceId": identity.trace,
        "executionId": identity.execution,
        "executionIdSource": identity.execution_source,
        "agentRef": {"name": identity.agent, "namespace": identity.namespace},
        "framework": identity.framework,
        "tenantId": f"{identity.namespace}/{identity.team or 'default'}",
        "turnId": identity.turn,
        "environment": identity.environment,
        "sessionId": identity.session,
        "userId": identity.user_hash,
        "keyId": identity.key_id,
        "parentSpanId": identity.parent_span,
        "callId": call_id,
        "route": found.name,
        "requestedModel": _shown(parsed.model),
        "dialect": client.name,
        "configGeneration": configured.snapshot.generation,
    }
    return Call(
        id=call_id,
        endpoint=request.path,
        client=client,
        request=_without_ours(parsed),
        snapshot=configured.snapshot,
        route=found,
        resolved_by=resolved_by,
        scope=Scope(core.new_id, common),
        started=started,
        deadline=started + configured.snapshot.settings.clocks.total,
        created=int(time.time()),
        identity=identity,
        needs=needs,
        user_agent=headers.get("User-Agent", "")[:128],
        sdk_retries=_retry_count(headers),
    )


def identity_of(
    request: web.BaseRequest, core: Core, parsed: Request | None, call_id: str, *, by_operator: bool = False
) -> Identity:
    """Who sends `request`. Raises `RequestError`: 401, 400 for what cannot be a name, 403 for what the key contradicts."""
    configured, headers = core.live.current, request.headers
    path_agent, _ = split_path(request.raw_path.partition("?")[0])
    return configured.callers.identify(
        headers,
        parsed,
        key=None if by_operator else recognise(headers, configured.snapshot, time.time()),
        call_id=call_id,
        executions=core.executions,
        path_agent=path_agent,
        by_operator=by_operator,
    )


def unknown_model(name: str | None) -> RequestError:
    """OpenAI's words for a model that does not exist, or not for this caller."""
    return RequestError(
        f"The model '{_shown(name)}' does not exist or you do not have access to it.",
        code="model_not_found",
        status=404,
    )


def shutting_down() -> RequestError:
    """What a call hears that the server's end cuts off."""
    return RequestError(
        "The server is shutting down.",
        status=503,
        type="server_error",
        code="server_shutting_down",
        should_retry=True,
        retry_after=1.0,
    )


def checked(parsed: Request, unknown_fields: str) -> Request:
    """The request within our own limits, its unknown members treated as the settings say. Raises `RequestError`."""
    limit = parsed.sampling.max_output_tokens
    if limit is not None and limit > _MAX_TOKENS:
        raise RequestError(
            f"The maximum number of output tokens may be at most {_MAX_TOKENS}.",
            param="max_tokens",
            code="invalid_value",
        )
    for message in parsed.messages:
        for block in message.blocks:
            for part in block.content if type(block) is ToolResult else (block,):
                if type(part) is Media:
                    check_media(part)
    if not parsed.extensions or unknown_fields == "forward":
        return parsed
    if unknown_fields == "reject":
        name = _shown(next(iter(parsed.extensions)))
        raise RequestError(f"Unrecognized request argument supplied: {name}", param=name, code="unknown_parameter")
    for name in parsed.extensions:
        parsed = edited(parsed, Patch("/" + name.replace("~", "~0").replace("/", "~1"), REMOVED))
    return replace(parsed, extensions={})


def _without_ours(parsed: Request) -> Request:
    """The request without the `joch.*` metadata, which is meant for us and not for a provider."""
    ours = [key for key in parsed.metadata if key.startswith("joch.")]
    if not ours:
        return parsed
    kept = {key: value for key, value in parsed.metadata.items() if key not in ours}
    return edited(parsed, Patch("/metadata", kept or REMOVED), metadata=kept)


def _remember(core: Core, call: Call) -> None:
    """A response that a later one may name as its previous one belongs to this call's execution."""
    if call.client.name == "openai_responses" and call.trail and (id := call.trail[-1].tally.response_id):
        core.executions.remember(id, call.identity)


def _check_name(name: str | None) -> None:
    """A model's name ends up in headers and events: no control characters, and no novels."""
    if name is not None and (len(name) > _MAX_NAME or not name.isprintable()):
        message = f"The model name must have at most {_MAX_NAME} characters, all of them printable."
        raise RequestError(message, param="model", code="invalid_value")


def _shown(name: str | None) -> str | None:
    """A client's own word for a model, fit for an event."""
    if name is None or (len(name) <= _SHOWN_LENGTH and name.isprintable()):
        return name
    return "".join(char if char.isprintable() else "?" for char in name[:_SHOWN_LENGTH])


def _retry_count(headers: Mapping[str, str]) -> int:
    count = headers.get("x-stainless-retry-count", "0")
    return int(count) if count.isascii() and count.isdigit() and len(count) < 4 else 0


def elapsed(call: Call) -> str:
    """Milliseconds since the call began, as the header has it."""
    return str(int((time.monotonic() - call.started) * 1000))
