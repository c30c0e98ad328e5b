"""OpenAI Responses on both sides: what clients of `/v1/responses` say to us, and what we say to such providers."""

from __future__ import annotations

from translators.formats import ClientFormat, ProviderFormat
from translators.formats.openai_envelope import parse_error, render_error

from .items import FORMAT
from .mend import mend, reseal
from .parse_parts import OWNER
from .parse_request import POINTERS, parse_request
from .parse_response import parse_response
from .relay import ResponsesRelay
from .render_request import render_request
from .render_response import render_response
from .stream_parser import ResponsesParser
from .stream_renderer import ResponsesRenderer

CLIENT = ClientFormat(
    name=FORMAT,
    parse_request=parse_request,
    render_response=render_response,
    render_error=render_error,
    stream_renderer=ResponsesRenderer,
    pointers=POINTERS,
    relay=ResponsesRelay,
    mend=mend,
    owner=OWNER,
    reseal=reseal,
)

PROVIDER = ProviderFormat(
    name=FORMAT,
    render_request=render_request,
    parse_response=parse_response,
    parse_error=parse_error,
    stream_parser=ResponsesParser,
)

__all__ = ["CLIENT", "PROVIDER"]
