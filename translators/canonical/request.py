"""A request, whatever dialect it came in. Frozen: an edit is `edited(...)`, which also records a patch for the source.

`None` means unset. Three things that are easy to confuse stay apart: `strict` absent is neither true nor false, an empty
`stop` is not an absent one, and a schema is never normalised or reordered.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import field, replace
from typing import Any, Literal

from .blocks import JSON, Block, CacheHint, Message, Origin
from .value import named_value, value

_EMPTY: Mapping[str, Any] = {}


@value
class Patch:
    """One edit of the client's own body: the member at `pointer` becomes `value`, or goes if `value` is `REMOVED`."""

    pointer: str
    value: JSON


class Removed:
    """The type of `REMOVED`."""

    __slots__ = ()

    def __repr__(self) -> str:
        return "REMOVED"


REMOVED = Removed()


@named_value
class Source:
    """The client's body beside the canonical form, so that what nobody edits can go upstream as it came.

    `raw` are the exact bytes, `body` the same parsed (never mutated), `patches` the edits made since.
    """

    format: str
    body: dict[str, JSON]
    raw: bytes
    patches: tuple[Patch, ...] = ()


@named_value
class Tool:
    name: str
    kind: Literal["function", "custom", "hosted"] = "function"
    description: str | None = None
    parameters: dict[str, JSON] | None = None
    strict: bool | None = None
    format: JSON | None = None  # custom tools: the grammar, in Responses' flat spelling
    hosted: dict[str, JSON] | None = None  # hosted tools: the whole declaration as it came
    cache: CacheHint | None = None
    origin: Origin | None = None


@named_value
class ToolChoice:
    """`named` has one name; `allowed` restricts to `names`, of which `allowed_mode` may or must be called."""

    mode: Literal["auto", "none", "required", "named", "allowed"] = "auto"
    names: tuple[str, ...] = ()
    kind: Literal["function", "custom", "hosted"] = "function"
    allowed_mode: Literal["auto", "required"] | None = None
    raw: JSON | None = None


@named_value
class OutputSpec:
    kind: Literal["text", "json_object", "json_schema", "grammar"] = "text"
    name: str | None = None
    schema: dict[str, JSON] | None = None
    strict: bool | None = None
    description: str | None = None
    raw: JSON | None = None


@named_value
class Sampling:
    temperature: float | None = None
    top_p: float | None = None
    top_k: int | None = None
    frequency_penalty: float | None = None
    presence_penalty: float | None = None
    max_output_tokens: int | None = None
    stop: tuple[str, ...] | None = None
    seed: int | None = None
    n: int | None = None
    logprobs: bool | None = None
    top_logprobs: int | None = None
    logit_bias: dict[str, float] | None = None
    prediction: JSON | None = None


@named_value
class ReasoningSpec:
    effort: str | None = None  # none minimal low medium high xhigh max
    summary: str | None = None  # auto concise detailed
    budget_tokens: int | None = None
    raw: JSON | None = None  # what else the client said (context, mode), as it said it


@named_value
class StateSpec:
    """The stateful features of the Responses API, and chat's `store`."""

    store: bool | None = None
    previous_response_id: str | None = None
    conversation: JSON | None = None
    background: bool | None = None
    truncation: str | None = None
    include: tuple[str, ...] = ()
    max_tool_calls: int | None = None
    context_management: JSON | None = None
    prompt: JSON | None = None


@named_value
class Request:
    """One model call as the client meant it. `model` is what it asked for; providers use their Model record's id."""

    messages: tuple[Message, ...]
    model: str | None = None
    instructions: tuple[Block, ...] = ()
    tools: tuple[Tool, ...] = ()
    tool_choice: ToolChoice | None = None
    parallel_tool_calls: bool | None = None
    output: OutputSpec = OutputSpec()
    sampling: Sampling = Sampling()
    reasoning: ReasoningSpec | None = None
    modalities: tuple[str, ...] = ("text",)
    audio: JSON | None = None
    stream: bool = False
    include_usage: bool = False
    include_obfuscation: bool | None = None
    state: StateSpec = StateSpec()
    cache: Mapping[str, JSON] = field(default_factory=lambda: _EMPTY)  # prompt_cache_key, _options, _retention
    verbosity: str | None = None
    service_tier: str | None = None
    user: str | None = None
    safety_identifier: str | None = None
    moderation: JSON | None = None
    web_search: JSON | None = None  # chat's web_search_options
    metadata: Mapping[str, str] = field(default_factory=lambda: _EMPTY)
    extensions: Mapping[str, JSON] = field(default_factory=lambda: _EMPTY)  # unknown top-level members, verbatim
    legacy_functions: bool = False  # the client spoke `functions`; the answer must say `function_call`
    source: Source | None = None


def edited(request: Request, patch: Patch, **changes: Any) -> Request:
    """The request with `changes` made, and `patch` recorded in its source so that the patch lane says the same."""
    if request.source is None:
        return replace(request, **changes)
    source = replace(request.source, patches=(*request.source.patches, patch))
    return replace(request, source=source, **changes)
