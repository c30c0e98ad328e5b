"""OpenAI's legacy completions, POST /v1/completions: what clients say to us, and what we say to providers that have it.

One prompt in plain text is also an ordinary user message, so any provider can serve it; whatever else only this API can say
becomes `Native` and hence a need. Source: https://platform.openai.com/docs/api-reference/completions
"""

from __future__ import annotations

from translators.formats import ClientFormat, ProviderFormat
from translators.formats.openai_envelope import parse_error, render_error

from .parse_stream import StreamParser
from .relay import Relay
from .render_request import render_request
from .render_stream import StreamRenderer
from .request import FORMAT, POINTERS, parse_request
from .response import mend, parse_response, render_response

CLIENT = ClientFormat(
    name=FORMAT,
    parse_request=parse_request,
    render_response=render_response,
    render_error=render_error,
    stream_renderer=StreamRenderer,
    pointers=POINTERS,
    relay=Relay,
    mend=mend,
    usage_option=("stream_options", {"include_usage": True}),
)

PROVIDER = ProviderFormat(
    name=FORMAT,
    render_request=render_request,
    parse_response=parse_response,
    parse_error=parse_error,
    stream_parser=StreamParser,
)

__all__ = ["CLIENT", "PROVIDER"]
