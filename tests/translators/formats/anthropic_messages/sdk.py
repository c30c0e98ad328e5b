"""Anthropic's own types as a judge of what we send. They are dictionaries, so unknown members have to be forbidden by hand."""

from collections.abc import Mapping
from typing import Any

from anthropic.types import ContentBlockParam, MessageCreateParams
from anthropic.types.beta import BetaContentBlockParam
from pydantic import ConfigDict, TypeAdapter

STRICT = ConfigDict(extra="forbid", arbitrary_types_allowed=True)
BODY: TypeAdapter[Any] = TypeAdapter(MessageCreateParams, config=STRICT)
# As a member of a message a block may be one of the answer's models too, and those take anything.
BLOCK: TypeAdapter[Any] = TypeAdapter(ContentBlockParam, config=STRICT)
BETA_BLOCK: TypeAdapter[Any] = TypeAdapter(BetaContentBlockParam, config=STRICT)

OLDER = ("temperature", "top_p", "top_k")
"""What the API takes for models up to 4.6, and the SDK has no types for any more."""

BETA = ("mcp_tool_use", "mcp_tool_result")
"""Blocks of tools whose types are in the beta part of the SDK."""


def check(body: Mapping[str, Any]) -> None:
    """Raises `pydantic.ValidationError` for what the SDK would not let through."""
    known = {name: value for name, value in body.items() if name not in OLDER}
    known["messages"] = [
        {**message, "content": [block for block in message["content"] if block["type"] not in BETA]}
        for message in body["messages"]
    ]
    assert spelled(BODY.validate_python(known)).keys() == known.keys()
    for message in body["messages"]:
        for block in message["content"]:
            if block["type"] in BETA:
                BETA_BLOCK.validate_python(block)
            else:
                assert spelled(BLOCK.validate_python(block)) == block


def spelled(value: Any) -> Any:
    """The value with all that pydantic validates only when it is looked at."""
    if isinstance(value, dict):
        return {name: spelled(below) for name, below in value.items()}
    if value is None or isinstance(value, (str, bytes, int, float, bool)):
        return value
    return [spelled(below) for below in value]
