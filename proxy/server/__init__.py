"""The only inward I/O: HTTP/1.1 by aiohttp's low-level server, our own table of paths, OpenAI's envelope for every error.

Nothing here decides which model serves a call. No client header, host or path reaches a provider; bodies are read within
limits and checked before anyone parses them; what is not in the table is a 404 in JSON, never HTML.
"""

from .core import Core
from .listener import Listener

__all__ = ["Core", "Listener"]
