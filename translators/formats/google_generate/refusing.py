"""How this format says that it cannot carry something."""

from __future__ import annotations

from translators.canonical import Reason, UpstreamError


def unsupported(what: str, param: str) -> UpstreamError:
    """For what is a need that Google does not meet: routing excludes it where it can, so this is the net below."""
    return UpstreamError(Reason.UNSUPPORTED, f"Google cannot take {what}.", failure="unsupported", param=param)
