"""Anthropic's Messages API, POST /v1/messages: its provider side. No client speaks it to us.

Anthropic serves it itself; Google's Vertex AI and Microsoft's Foundry serve it too, with small changes of spelling which are
theirs to make. What differs between models, wherever they run, is in `models`.
Source: https://platform.claude.com/docs/en/api/messages
"""

from translators.formats import ProviderFormat

from .errors import parse_error
from .request import render_request
from .response import parse_response
from .resume import resume
from .stream import Parser

PROVIDER = ProviderFormat(
    name="anthropic_messages",
    render_request=render_request,
    parse_response=parse_response,
    parse_error=parse_error,
    stream_parser=Parser,
    resume=resume,
)

__all__ = ["PROVIDER"]
