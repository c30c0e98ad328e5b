"""Goes on with an answer that outgrew one request: the same request again, with the token its last part ended in.

The token stands beside `generationConfig`, as google-genai 3.6 sends it (`_GenerateContentConfig_to_mldev`), not inside it.
`maxOutputTokens` counts over all requests of one answer, so it stays.
"""

from __future__ import annotations

from translators.canonical import Response
from translators.formats import Wire

PAUSED_AT = "continuation_token"
"""Where a paused answer keeps its token among its extensions."""


def resume(body: Wire, response: Response) -> Wire:
    """The next body; `response` is the paused answer."""
    return {**body, "continuationToken": response.extensions[PAUSED_AT]}
