"""What depends on the model, whoever serves it: Anthropic itself, Google or Microsoft. The providers of Claude wire these in.

`adapt` changes what a request means where the model would refuse it, and lists each change; `amend` only how its body is spelled.
Both are pure, and doing them twice changes nothing more. The facts stand in `families`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

from translators.canonical import (
    Block,
    Message,
    OutputSpec,
    Reasoning,
    ReasoningSpec,
    Refusal,
    Request,
    Text,
    ToolCall,
    ToolChoice,
    Transform,
)
from translators.formats import Wire

from .answer import REDACTED, THINKING
from .families import EFFORTS, Family, family_of, name_of
from .messages import NOTE, is_instruction
from .reasoning import EFFORTS as WORDS
from .reasoning import LEAST_BUDGET, withheld

BUDGETS = {"minimal": 1024, "low": 2048, "medium": 8192, "high": 16_384, "xhigh": 24_576, "max": 32_000}
"""Effort to `budget_tokens`, for models that think by hand."""

_LEVELS = ((1024, "low"), (8192, "medium"), (24_576, "high"))  # the largest budget of each effort

FILES_BETA = "files-api-2025-04-14"
BINDING_BETA = "thinking-binding-controls-2026-08-01"
SPEED_BETA = "fast-mode-2026-02-01"

_CALL = "Answer by calling {}. Do not answer in text."
_GO_ON = "Your last answer was cut. Go on with it exactly where it stops, without repeating any of it."
_FIRST_TO_DEMAND = "the model refuses to be made to call: an instruction asks for it, and nothing enforces it"


def seal(model: str) -> str:
    """Who made a blob: the family without its date. Signatures hold wherever the same model is served."""
    return f"anthropic:{name_of(model)}"


def is_bound(model: str) -> bool:
    """Whether signatures of `model` hold for one conversation only, word for word."""
    return family_of(model).bound


def adapt(request: Request, model: str, max_output: int | None = None) -> tuple[Request, tuple[Transform, ...]]:
    """The request as `model` takes it, and what was changed. `max_output` is what is known of the model's limit, in tokens."""
    family = family_of(model)
    limit = max_output or family.max_output
    transforms: list[Transform] = []
    for change in _CHANGES:
        request = change(request, family, limit, transforms)
    return request, tuple(transforms)


def amend(body: Wire, model: str, max_output: int | None = None) -> Wire:
    """The body as `model` wants it spelled: a default limit it can keep, its word for thinking that is off, its notes shown."""
    family = family_of(model)
    limit = max_output or family.max_output
    changes: Wire = {}
    if type(body.get("max_tokens")) is int and body["max_tokens"] > limit:
        changes["max_tokens"] = limit
    thinking = body.get("thinking")
    if isinstance(thinking, dict) and thinking.get("type") == "disabled" and family.off == "between_tools":
        changes["thinking"] = {"type": "between_tools"}
        changes["output_config"] = {"effort": family.efforts[0], **body.get("output_config", {})}
    elif thinking is None and family.hides_notes and body.get("tools") and "max_tokens" in body:
        # What it says between calls would otherwise be withheld, and an agent would look mute.
        changes["thinking"] = {"type": "adaptive", "display": "summarized"}
    return {**body, **changes} if changes else body


def with_loose_binding(body: Wire, model: str) -> Wire:
    """The body with the wish to drop thoughts that do not fit the conversation any more, instead of refusing them.

    Newer models bind a signature to everything before it, so that a client which edits or shortens its history would get a
    400. Needs the header `BINDING_BETA` (see `betas`), hence only for services that take it.
    """
    thinking = body.get("thinking") or {"type": "adaptive"}
    if not family_of(model).bound or not isinstance(thinking, dict) or "block_binding" in thinking:
        return body
    if thinking.get("type") not in ("adaptive", "enabled"):
        return body
    if not any(block.get("type") in (THINKING, REDACTED) for block in _blocks(body)):
        return body
    return {**body, "thinking": {**thinking, "block_binding": {"prefix_mismatch_behavior": "drop_block"}}}


def betas(body: Wire) -> tuple[str, ...]:
    """The values of `anthropic-beta` that what `body` asks for needs, in a constant order."""
    found: list[str] = []
    thinking = body.get("thinking")
    if isinstance(thinking, dict) and "block_binding" in thinking:
        found.append(BINDING_BETA)
    if body.get("speed") is not None:
        found.append(SPEED_BETA)
    if any(_is_file(block) for block in _blocks(body)):
        found.append(FILES_BETA)
    return tuple(found)


def _blocks(body: Wire) -> list[Wire]:
    """All content blocks of the conversation, those inside results included."""
    found: list[Wire] = []
    waiting: list[Any] = [body.get("messages")]
    while waiting:
        each = waiting.pop()
        if isinstance(each, list):
            waiting += each
        elif isinstance(each, dict):
            found.append(each)
            waiting.append(each.get("content"))
    return found


def _is_file(block: Wire) -> bool:
    source = block.get("source")
    return isinstance(source, dict) and source.get("type") == "file"


def _thinking_member(request: Request, family: Family, limit: int, transforms: list[Transform]) -> Request:
    """`thinking` as Anthropic's users write it into `extra_body` becomes what every other client says in its own words."""
    told = request.extensions.get("thinking")
    if not isinstance(told, dict):
        return request
    rest = {name: value for name, value in request.extensions.items() if name != "thinking"}
    reasoning = request.reasoning or ReasoningSpec()
    budget, kind = told.get("budget_tokens"), told.get("type")
    if kind in ("disabled", "between_tools"):  # the latter is how one model spells the former
        reasoning = replace(reasoning, effort="none", budget_tokens=None)
    else:
        effort = None if reasoning.effort == "none" else reasoning.effort
        reasoning = replace(reasoning, effort=effort, summary=reasoning.summary or "auto")
        if type(budget) is int:
            reasoning = replace(reasoning, budget_tokens=budget)
        if told.get("display") == "omitted":
            reasoning = replace(reasoning, summary=None, raw=withheld(reasoning.raw))
    transforms.append(Transform("extensions.thinking", "mapped", "said as effort and budget"))
    return replace(request, extensions=rest, reasoning=reasoning)


def _reasoning(request: Request, family: Family, limit: int, transforms: list[Transform]) -> Request:
    reasoning = request.reasoning
    if reasoning is None:
        return request
    if reasoning.effort == "none" and reasoning.budget_tokens is None:
        adapted = _off(reasoning, family, transforms)
    elif family.adaptive and not (family.manual and reasoning.budget_tokens is not None):
        adapted = _adaptive(reasoning, family, transforms)
    elif family.manual:
        adapted = _by_hand(reasoning, limit, transforms)
    else:
        transforms.append(Transform("reasoning", "dropped", "the model does not think"))
        adapted = None
    return request if adapted == reasoning else replace(request, reasoning=adapted)


def _off(reasoning: ReasoningSpec, family: Family, transforms: list[Transform]) -> ReasoningSpec | None:
    if not family.adaptive and not family.manual:
        transforms.append(Transform("reasoning.effort", "mapped", "the model does not think"))
        return None
    if family.off is not None:
        return reasoning
    transforms.append(Transform("reasoning.effort", "mapped", "thinking cannot be turned off: low"))
    return replace(reasoning, effort="low")


def _adaptive(reasoning: ReasoningSpec, family: Family, transforms: list[Transform]) -> ReasoningSpec:
    """A budget becomes an effort, and an effort one that the model knows."""
    effort = reasoning.effort
    if reasoning.budget_tokens is not None:
        budget = reasoning.budget_tokens
        if effort is None or effort == "none":  # a budget to think with says that it shall think
            effort = next((word for most, word in _LEVELS if budget <= most), "xhigh")
        transforms.append(Transform("reasoning.budget_tokens", "mapped", f"the model takes no budget: {effort}"))
    if effort is not None:
        known = _nearest(WORDS.get(effort, effort), family)
        if known != WORDS.get(effort, effort):
            transforms.append(Transform("reasoning.effort", "mapped", f"{effort} is not known to the model: {known}"))
            effort = known
    return replace(reasoning, effort=effort, budget_tokens=None)


def _nearest(effort: str, family: Family) -> str:
    """`effort`, or the highest below it that the model knows. `max` is the highest it has."""
    order: tuple[str, ...] = EFFORTS
    if effort not in order:
        return effort
    below = [word for word in family.efforts if order.index(word) <= order.index(effort)]
    return family.efforts[-1] if effort == "max" else below[-1]


def _by_hand(reasoning: ReasoningSpec, limit: int, transforms: list[Transform]) -> ReasoningSpec:
    """An effort becomes a budget that leaves a quarter of the model's limit for the answer."""
    most = max(LEAST_BUDGET, limit * 3 // 4)
    budget = reasoning.budget_tokens
    if budget is None:
        word = reasoning.effort or "medium"
        budget = min(BUDGETS.get(word, BUDGETS["medium"]), most)
        transforms.append(Transform("reasoning.effort", "mapped", f"{word} is a budget of {budget} tokens"))
    elif reasoning.effort is not None:
        transforms.append(Transform("reasoning.effort", "mapped", "the budget says it"))
    if reasoning.budget_tokens is not None and not LEAST_BUDGET <= budget <= most:
        budget = max(LEAST_BUDGET, min(budget, most))
        transforms.append(Transform("reasoning.budget_tokens", "mapped", f"{budget} tokens are within the limits"))
    return replace(reasoning, effort=None, budget_tokens=budget)


def _limit(request: Request, family: Family, limit: int, transforms: list[Transform]) -> Request:
    asked = request.sampling.max_output_tokens
    if asked is None or asked <= limit:
        return request
    transforms.append(Transform("sampling.max_output_tokens", "mapped", f"the model gives {limit} tokens at most"))
    return replace(request, sampling=replace(request.sampling, max_output_tokens=limit))


def _sampling(request: Request, family: Family, limit: int, transforms: list[Transform]) -> Request:
    sampling = request.sampling
    dropped: dict[str, str] = {}
    if not family.sampling:
        refused = {"temperature": sampling.temperature not in (None, 1), "top_p": sampling.top_p is not None}
        refused["top_k"] = sampling.top_k is not None
        dropped = {name: "the model does not take it" for name, given in refused.items() if given}
    elif sampling.temperature is not None and sampling.top_p is not None:
        dropped = {"top_p": "the model takes either this or temperature"}
    if not dropped:
        return request
    transforms += (Transform(f"sampling.{name}", "dropped", why) for name, why in dropped.items())
    unset: dict[str, Any] = dict.fromkeys(dropped)
    return replace(request, sampling=replace(sampling, **unset))


def _late_instructions(request: Request, family: Family, limit: int, transforms: list[Transform]) -> Request:
    if family.late_system:
        return request
    messages: list[Message] = []
    late = changed = False
    for index, message in enumerate(request.messages):
        late = late or not is_instruction(message)
        if not late or not is_instruction(message) or _is_blank(message):
            messages.append(message)
            continue
        changed = True
        blocks = tuple(
            replace(block, text=NOTE.format(block.text)) if isinstance(block, Text) and block.text.strip() else block
            for block in message.blocks
        )
        messages.append(replace(message, role="user", blocks=blocks))
        transforms.append(
            Transform(f"messages[{index}]", "reshaped", "a late instruction became a note in a user's turn")
        )
    return replace(request, messages=tuple(messages)) if changed else request


def _is_blank(message: Message) -> bool:
    return all(isinstance(block, Text) and not block.text.strip() for block in message.blocks)


def _demanded_call(request: Request, family: Family, limit: int, transforms: list[Transform]) -> Request:
    """A call that must be made, where the model refuses to be made to: the choice is free, and an instruction asks for it.

    The instruction ends the conversation, so that what was cached of it stays so.
    """
    choice = request.tool_choice
    if family.forced or choice is None or not (request.tools or request.web_search is not None):
        return request
    if choice.mode not in ("required", "named") and choice.allowed_mode != "required":
        return request
    named = choice.names[0] if choice.names and len(choice.names) == 1 else ""
    asked = _CALL.format(f"the tool `{named}`" if named else "one of the tools")
    free = ToolChoice(mode="auto")
    if choice.mode == "allowed":
        free = replace(choice, allowed_mode="auto")
    transforms.append(Transform("tool_choice", "emulated", _FIRST_TO_DEMAND))
    messages = (*request.messages, Message("system", (Text(asked),)))
    return replace(request, tool_choice=free, messages=messages)


def _begun_answer(request: Request, family: Family, limit: int, transforms: list[Transform]) -> Request:
    """A conversation that ends with the assistant asks for the rest of that answer, which few models can be asked for so."""
    thinks = request.reasoning is not None and request.reasoning.effort != "none"
    if family.prefill and not thinks and request.output.kind == "text":
        return request
    if not _ends_with_an_answer(request.messages):
        return request
    transforms.append(Transform("messages", "emulated", "the model takes no begun answer: it is asked to go on"))
    return replace(request, messages=(*request.messages, Message("user", (Text(NOTE.format(_GO_ON)),))))


def _ends_with_an_answer(messages: tuple[Message, ...]) -> bool:
    """Whether the last that is said is an answer. Calls are none: their results will follow, or be supplied."""
    answers = False
    for message in reversed(messages):
        if message.role in ("user", "tool") or (message.role != "assistant" and _says_something(message)):
            break
        if any(isinstance(block, ToolCall) for block in message.blocks):
            return False
        answers = answers or _says_something(message)
    return answers


def _says_something(message: Message) -> bool:
    """Whether anything of an answer or an instruction will be sent."""
    return any(
        bool(block.opaque)
        if isinstance(block, Reasoning)
        else isinstance(block, (Text, Refusal)) and block.text.strip()
        for block in message.blocks
    )


def _unread_thoughts(request: Request, family: Family, limit: int, transforms: list[Transform]) -> Request:
    """Earlier thoughts are checked even where nothing is thought, so they do not go along then."""
    if not family.bound or request.reasoning is None or request.reasoning.effort != "none":
        return request
    messages = tuple(_thoughtless(message) for message in request.messages)
    if messages == request.messages:
        return request
    transforms.append(Transform("messages.reasoning", "dropped", "thinking is off for this request"))
    return replace(request, messages=messages)


def _thoughtless(message: Message) -> Message:
    blocks: list[Block] = []
    for block in message.blocks:
        if isinstance(block, Reasoning) and any(blob.kind in (THINKING, REDACTED) for blob in block.opaque):
            kept = tuple(blob for blob in block.opaque if blob.kind not in (THINKING, REDACTED))
            blocks += [Reasoning(opaque=kept)] if kept else []
        else:
            blocks.append(block)
    return replace(message, blocks=tuple(blocks))


def _schema(request: Request, family: Family, limit: int, transforms: list[Transform]) -> Request:
    """Older models have no format to bind an answer with, nor the arguments of a call."""
    if family.schema:
        return request
    strict = [index for index, tool in enumerate(request.tools) if tool.strict and tool.kind == "function"]
    if strict:
        why = "the model cannot be bound to a schema"
        transforms += (Transform(f"tools[{index}].strict", "dropped", why) for index in strict)
        tools = tuple(replace(tool, strict=None) if tool.kind == "function" else tool for tool in request.tools)
        request = replace(request, tools=tools)
    output = request.output
    if output.kind != "json_schema":
        return request
    transforms.append(Transform("output", "emulated", "the model cannot be bound to a schema: it is asked in words"))
    in_words = OutputSpec(kind="json_object", schema=output.schema, description=output.description)
    return replace(request, output=in_words)


_CHANGES: tuple[Callable[[Request, Family, int, list[Transform]], Request], ...] = (
    _thinking_member,
    _reasoning,
    _limit,
    _sampling,
    _demanded_call,
    _late_instructions,
    _begun_answer,
    _unread_thoughts,
    _schema,
)
