"""How one attempt's bytes cross the proxy. Chosen once by `choose`; after that nothing asks which it is.

    Verbatim     same format on both sides, nothing edited: the client's bytes, with only the model's name (and the
                 usage option of a stream) spliced in; the provider's bytes back, watched on their way
    Patched      same format, something edited: the edits applied to the client's own body, so unknown members survive
    Translated   different formats: parsed into the hub and rendered out of it

Verbatim is forbidden as soon as anything edited the request: the raw bytes still hold what an edit removed. Which lane is
taken never changes what a call means, only how much of it is rebuilt. No I/O here.
"""

from .answers import fold_stream, render_answer, render_whole_as_stream, with_usage
from .bodies import apply_patches, parse_whole
from .fences import Unfencing
from .hops import joined
from .lanes import Exchange, WireBody, choose
from .observing import observe, observe_pause, observe_whole
from .streams import TranslatedStream, Turns

__all__ = [
    "Exchange",
    "TranslatedStream",
    "Turns",
    "Unfencing",
    "WireBody",
    "apply_patches",
    "choose",
    "fold_stream",
    "joined",
    "observe",
    "observe_pause",
    "observe_whole",
    "parse_whole",
    "render_answer",
    "render_whole_as_stream",
    "with_usage",
]
