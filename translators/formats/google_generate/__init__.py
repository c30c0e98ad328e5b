"""Google's generateContent and streamGenerateContent, as the Gemini API and Vertex AI serve them: the provider side.

The body names neither the model nor whether to stream: both stand in the path, which is the provider's to make.
Source: https://ai.google.dev/api/generate-content and the types of google-genai 3.6.
"""

from translators.formats import ProviderFormat

from .errors import parse_error
from .request import render_request
from .response import parse_response
from .resume import resume
from .stream import Parser

PROVIDER = ProviderFormat(
    name="google_generate",
    render_request=render_request,
    parse_response=parse_response,
    parse_error=parse_error,
    stream_parser=Parser,
    resume=resume,
)

__all__ = ["PROVIDER"]
