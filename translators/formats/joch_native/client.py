"""The client side as a whole, and the renderers of one streamed call. Bytes and values only; when to ask is others' to say."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import NoReturn

from translators.canonical import JochError
from translators.formats import ClientFormat, RenderContext, Wire
from translators.formats.openai_envelope import render_error

from .names import FORMAT, OWNER
from .request import POINTERS, parse_request
from .response import render_response
from .stream import NativeRenderer
from .told import Told, render_stop


def _no_relay(context: RenderContext) -> NoReturn:
    raise AssertionError("no provider speaks the native format, so nothing is relayed in it")


def _no_mend(wire: Wire) -> NoReturn:
    raise AssertionError("no provider speaks the native format, so nothing in it needs mending")


CLIENT = ClientFormat(
    name=FORMAT,
    parse_request=parse_request,
    render_response=render_response,
    render_error=render_error,
    stream_renderer=NativeRenderer,
    pointers=POINTERS,
    relay=_no_relay,
    mend=_no_mend,
    owner=OWNER,
)


class Speaker:
    """What one streamed call says to its client. Every attempt has a renderer of its own; only the newest can be shown.

    `client` is the format to serve the call with. It asks `told()` when a stream starts, and keeps the last event back until
    the call is over. `full`: that event repeats the content.
    """

    def __init__(self, told: Callable[[], Told], *, full: bool = False) -> None:
        self._told, self._full = told, full
        self._newest: NativeRenderer | None = None
        self._last: Wire | None = None
        self.client = replace(CLIENT, stream_renderer=self._renderer)

    def _renderer(self, context: RenderContext) -> NativeRenderer:
        self._newest = NativeRenderer(context, self._told, self._take, full=self._full)
        return self._newest

    def _take(self, event: Wire | None) -> None:
        self._last = event

    def stop(self, told: Told) -> bytes:
        """The event that ends the stream of a call that is over; nothing where it ended in an error."""
        return b"" if self._last is None else render_stop(self._last, told)

    def fail(self, error: JochError, context: RenderContext, *, shown: bool) -> bytes:
        """The error that ends the stream from outside. `shown`: the client has seen something of the newest attempt."""
        renderer = self._newest if shown and self._newest is not None else self._renderer(context)
        return renderer.fail(error)
