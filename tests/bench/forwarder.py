"""The yardstick: an aiohttp server and an aiohttp client with nothing between them. No routing, no checks, no events.

    python -m tests.bench.forwarder --port 9001 --upstream http://127.0.0.1:9000 [--json]

`--json` decodes and encodes each request body once with orjson, as anything that changes a model name must at least do;
the budget's floor for the large call was measured so.
"""

from __future__ import annotations

import argparse
import asyncio
from collections.abc import AsyncIterator

import aiohttp
import orjson
from aiohttp import web

CLIENT = web.AppKey("client", aiohttp.ClientSession)
UPSTREAM = web.AppKey("upstream", str)
DECODE = web.AppKey("decode", bool)

_STREAMS = ("text/event-stream", "application/x-ndjson")


async def forward(request: web.Request) -> web.StreamResponse:
    body = await request.read()
    if request.app[DECODE]:
        body = orjson.dumps(orjson.loads(body))
    headers = {"content-type": "application/json", "authorization": request.headers.get("authorization", "")}
    url = request.app[UPSTREAM] + request.path_qs
    async with request.app[CLIENT].post(url, data=body, headers=headers) as answer:
        if answer.content_type not in _STREAMS:
            return web.Response(body=await answer.read(), status=answer.status, content_type=answer.content_type)
        relayed = web.StreamResponse(status=answer.status, headers={"content-type": answer.content_type})
        await relayed.prepare(request)
        async for piece in answer.content.iter_any():
            await relayed.write(piece)
        await relayed.write_eof()
        return relayed


async def client(app: web.Application) -> AsyncIterator[None]:
    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0), auto_decompress=False) as session:
        app[CLIENT] = session
        yield


def main() -> None:
    options = argparse.ArgumentParser()
    options.add_argument("--port", type=int, required=True)
    options.add_argument("--upstream", required=True)
    options.add_argument("--json", action="store_true")
    chosen = options.parse_args()
    app = web.Application(client_max_size=64 * 1024 * 1024)
    app[UPSTREAM] = chosen.upstream
    app[DECODE] = chosen.json
    app.cleanup_ctx.append(client)
    app.router.add_post("/{path:.*}", forward)
    try:
        import uvloop
    except ImportError:  # not for Windows; joch runs without it there too
        loop = asyncio.new_event_loop()
    else:
        loop = uvloop.new_event_loop()
    web.run_app(
        app, host="127.0.0.1", port=chosen.port, loop=loop, access_log=None, print=None, handler_cancellation=True
    )


if __name__ == "__main__":
    main()
