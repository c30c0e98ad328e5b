"""OpenAI's chat completions, both sides: what most apps speak, and what most servers speak.

`CLIENT` parses requests and renders answers; `PROVIDER` renders requests and parses answers. Source: OpenAI API reference and
Python types (2026); dialects of other servers from recordings. The mapping is in docs/mapping/openai_chat.md.
"""

from __future__ import annotations

from translators.formats import ClientFormat, ProviderFormat
from translators.formats.openai_envelope import parse_error, render_error

from .glance import glance
from .mend import mend
from .messages import FORMAT
from .parse_response import parse_response
from .parse_stream import StreamParser
from .relay import Relay
from .render_request import render_request
from .render_response import render_response
from .render_stream import StreamRenderer
from .request import POINTERS, parse_request

__all__ = ["CLIENT", "PROVIDER"]

CLIENT = ClientFormat(
    name=FORMAT,
    parse_request=parse_request,
    render_response=render_response,
    render_error=render_error,
    stream_renderer=StreamRenderer,
    pointers=POINTERS,
    relay=Relay,
    mend=mend,
    glance=glance,
    usage_option=("stream_options", {"include_usage": True}),
)

PROVIDER = ProviderFormat(
    name=FORMAT,
    render_request=render_request,
    parse_response=parse_response,
    parse_error=parse_error,
    stream_parser=StreamParser,
)
