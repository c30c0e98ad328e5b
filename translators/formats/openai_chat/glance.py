"""A whole chat answer seen at a glance: the plain ones, which most are, are noted without being parsed.

Only what is certainly fine is taken here: text alone, every key an SDK looks for, a finish reason of OpenAI's own, counts that
can be true. Anything else is left to the parser and to `mend`, which must agree with this module on what they share.
"""

from __future__ import annotations

from translators.formats import Tally, Wire

from .parse_response import word
from .usage import parse_usage

_MESSAGE = frozenset({"role", "content", "refusal", "annotations"})
_FINISHES = frozenset({"stop", "length"})
_NONE: Wire = {}


def glance(body: Wire, tally: Tally) -> bool:
    """Note the answer in `tally` if it is a plain one; False, with nothing noted, if it needs a closer look."""
    choices, counts = body.get("choices"), body.get("usage")
    if type(choices) is not list or len(choices) != 1 or body.get("object") != "chat.completion" or "error" in body:
        return False
    choice = choices[0]
    if type(choice) is not dict or type(choice.get("index")) is not int or "finish_details" in choice:
        return False
    message, finish = choice.get("message"), choice.get("finish_reason")
    if (
        type(message) is not dict
        or not message.keys() <= _MESSAGE
        or type(finish) is not str
        or finish not in _FINISHES
    ):
        return False
    text = message.get("content")
    if type(text) is not str or message.get("role") != "assistant" or message.get("refusal", "") is not None:
        return False
    if type(counts) is not dict or type(counts.get("total_tokens")) is not int or not _detailed(counts):
        return False
    usage, identity, model = parse_usage(counts), body.get("id"), body.get("model")
    if usage is None or type(identity) is not str or type(model) is not str:
        return False
    tally.service_tier = word(body.get("service_tier"))
    tally.usage, tally.response_id, tally.response_model = usage, identity, model
    tally.finishes.append(finish)
    tally.output_chars += len(text)
    tally.content = tally.ended = True
    return True


def _detailed(usage: Wire) -> bool:
    """Whether a usage has its two counts, and its details, if any, are whole."""
    if type(usage.get("prompt_tokens")) is not int or type(usage.get("completion_tokens")) is not int:
        return False
    for key in ("prompt_tokens_details", "completion_tokens_details"):
        details = usage.get(key, _NONE)
        if type(details) is not dict or None in details.values():
            return False
    return True
