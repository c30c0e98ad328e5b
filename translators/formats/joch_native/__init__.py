"""joch's own API, the client side only: `POST /v1/model/respond` and `/v1/model/stream`, canonical form in and out.

`CLIENT` parses requests and renders what an answer itself says. What only the gateway knows, `Told`, comes in at two places:
a `Speaker`, made for one streamed call, asks for it when the stream starts; and `completed` and `Speaker.stop` put it around
the document when the call is over. The rules are in docs/native-api.md.
"""

from __future__ import annotations

from .client import CLIENT, Speaker
from .told import Told, completed

__all__ = ["CLIENT", "Speaker", "Told", "completed"]
