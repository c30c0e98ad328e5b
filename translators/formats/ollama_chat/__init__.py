"""Ollama's native chat, POST /api/chat: its provider side. No client speaks it to us.

Source: https://github.com/ollama/ollama/blob/main/docs/api.md and the server's own types (api/types.go).
"""

from translators.formats import ProviderFormat

from .errors import parse_error
from .request import render_request
from .response import parse_response
from .stream import Parser

PROVIDER = ProviderFormat(
    name="ollama_chat",
    render_request=render_request,
    parse_response=parse_response,
    parse_error=parse_error,
    stream_parser=Parser,
    stream_type="application/x-ndjson",
)

__all__ = ["PROVIDER"]
