"""How much to think, and what of it to show: `thinking` and `output_config.effort`. What a model takes of it, `models` has seen to.

A budget means thinking by hand, an effort means adaptive thinking. Thinking by hand is given up for a request that cannot have it:
one that demands a call, one whose limit leaves no room, one in whose running tool loop the signed thought is missing.
Source: https://platform.claude.com/docs/en/build-with-claude/thinking, /extended-thinking and /effort
"""

from __future__ import annotations

from translators.canonical import JSON, ReasoningSpec, Request, Transform
from translators.formats import Wire

EFFORTS = {
    "minimal": "low",
    "low": "low",
    "medium": "medium",
    "high": "high",
    "xhigh": "xhigh",
    "max": "max",
}

LEAST_BUDGET = 1024
"""The smallest `budget_tokens` that the API takes."""

DEFAULT_LIMIT, DEFAULT_STREAM_LIMIT = 16_000, 32_000
"""`max_tokens` where the client sets no limit: the API wants one. A whole answer must not take longer than clients wait."""

_THOUGHTS = ("thinking", "redacted_thinking")


def render_reasoning(request: Request, body: Wire, transforms: list[Transform]) -> None:
    """Adds `thinking` and `output_config.effort` to a body that has everything else but `max_tokens`."""
    reasoning = request.reasoning
    if reasoning is None:
        return
    hidden = _is_withheld(reasoning)
    if reasoning.raw is not None and reasoning.raw != withheld(None):
        transforms.append(Transform("reasoning.raw", "dropped"))
    effort = reasoning.effort
    if reasoning.budget_tokens is not None:
        _by_hand(request, reasoning, reasoning.budget_tokens, body, transforms)
    elif effort == "none":
        body["thinking"] = {"type": "disabled"}
        if reasoning.summary is not None:
            transforms.append(Transform("reasoning.summary", "dropped", "nothing is thought"))
        return
    elif effort is not None or reasoning.summary is not None or hidden:
        body["thinking"] = {"type": "adaptive", "display": _display(request, reasoning)}
    if effort is not None and reasoning.budget_tokens is None:
        known = EFFORTS.get(effort, effort)
        body.setdefault("output_config", {})["effort"] = known
        if known != effort:
            transforms.append(Transform("reasoning.effort", "mapped", f"{effort} is {known} here"))
    if reasoning.summary not in (None, "auto"):
        transforms.append(Transform("reasoning.summary", "mapped", "there is one kind of summary"))


def _by_hand(request: Request, reasoning: ReasoningSpec, budget: int, body: Wire, transforms: list[Transform]) -> None:
    limit = request.sampling.max_output_tokens
    lost: str | None = None
    if body.get("tool_choice", {}).get("type") in ("any", "tool"):
        lost = "a call that is demanded leaves no room for thinking"
    elif limit is not None and limit <= LEAST_BUDGET:
        lost = "the output limit leaves no room for thinking"
    elif not _is_replayed(body["messages"]):
        lost = "the signed thought of the running tool loop is missing"
    if lost is not None:
        transforms.append(Transform("reasoning", "dropped", lost))
        return
    fitting = max(LEAST_BUDGET, budget if limit is None or budget < limit else limit // 2)
    if fitting != budget:
        transforms.append(Transform("reasoning.budget_tokens", "mapped", f"{fitting} tokens fit the limits"))
    if reasoning.effort is not None:
        transforms.append(Transform("reasoning.effort", "mapped", "the budget says it"))
    body["thinking"] = {"type": "enabled", "budget_tokens": fitting, "display": _display(request, reasoning)}


def _is_replayed(messages: list[Wire]) -> bool:
    """Whether the answer that calls tools right now begins with its thought, as the API demands where thinking is on.

    It began behind the last turn of the user that brought no results; later steps of it may go without thinking.
    """
    running: list[Wire] = []
    for turn in reversed(messages):
        if turn["role"] == "user" and all(block["type"] != "tool_result" for block in turn["content"]):
            break
        if turn["role"] == "assistant":
            running = turn["content"]
    return not running or running[0]["type"] in _THOUGHTS


def withheld(raw: JSON | None) -> JSON:
    """`ReasoningSpec.raw` of a client that says itself that nothing of the thinking shall be shown."""
    return {**(raw if isinstance(raw, dict) else {}), "display": "omitted"}


def _is_withheld(reasoning: ReasoningSpec) -> bool:
    return isinstance(reasoning.raw, dict) and reasoning.raw.get("display") == "omitted"


def _display(request: Request, reasoning: ReasoningSpec) -> str:
    """Chat has no word for a summary: whoever sets an effort there sees the thinking. The Responses API asks for it."""
    if reasoning.summary is None and _is_withheld(reasoning):
        return "omitted"
    source = request.source
    asks = source is not None and source.format == "openai_responses"
    return "summarized" if reasoning.summary is not None or not asks else "omitted"


def limit_of(request: Request, body: Wire) -> int:
    """`max_tokens`: the client's limit, else one that leaves as much for the answer, however much is thought."""
    if request.sampling.max_output_tokens is not None:
        return request.sampling.max_output_tokens
    default = DEFAULT_STREAM_LIMIT if request.stream else DEFAULT_LIMIT
    budget: int = body.get("thinking", {}).get("budget_tokens", 0)
    return default + budget
