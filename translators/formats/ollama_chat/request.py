"""Canonical to the body of POST /api/chat.

`stream` is always said, as Ollama's default is true; `truncate` and `shift` are always false, as a prompt cut in silence
is worse than an error. What Ollama lacks is a need and raises here; what is only a hint is left out and listed.
`options.num_ctx` is the provider's to add: it must be constant per model, since a change reloads it.
"""

from __future__ import annotations

from translators.canonical import OutputSpec, ReasoningSpec, Request, Sampling, StateSpec, Tool, ToolChoice, Transform
from translators.formats import Rendered, Wire

from .messages import Messages, unsupported

THINK = {
    "none": False,
    "minimal": "low",
    "low": "low",
    "medium": "medium",
    "high": "high",
    "xhigh": "max",
    "max": "max",
}
"""Reasoning effort to `think`."""

_BUDGETS = ((1024, "low"), (8192, "medium"), (24576, "high"))

# Members that Ollama's users put into `extra_body`: settings of the runner, by their own names.
_OPTIONS = frozenset({"min_p", "typical_p", "repeat_penalty", "repeat_last_n", "num_keep"})
_HINTS = ("verbosity", "service_tier", "user", "safety_identifier", "include_obfuscation")
_STATE_HINTS = ("include", "max_tool_calls")
_STATE_NEEDS = ("previous_response_id", "conversation", "background", "prompt", "context_management")


def render_request(request: Request, model: str) -> Rendered:
    """The body for `model`. Raises `UpstreamError(UNSUPPORTED)` for a need that routing should have caught."""
    transforms: list[Transform] = []
    tools, demand = _tools(request, transforms)
    body: Wire = {
        "model": model,
        "messages": Messages(request, transforms).render(demand),
        "stream": request.stream,
        "truncate": False,
        "shift": False,
    }
    if tools:
        body["tools"] = tools
    _sampling(request.sampling, body, transforms)
    _output(request.output, body, transforms)
    if request.reasoning is not None:
        _reasoning(request.reasoning, body, transforms)
    _state(request.state, transforms)
    _hints(request, transforms)
    _extensions(request, body, transforms)
    return Rendered(body, tuple(transforms))


def _tools(request: Request, transforms: list[Transform]) -> tuple[list[Wire], str | None]:
    """The tools offered, and the instruction that stands in for a forced choice: /api/chat has no `tool_choice`."""
    offered = request.tools
    choice = request.tool_choice or ToolChoice()
    if not offered:
        return [], None
    if choice.mode == "none":
        transforms.append(Transform("tool_choice", "emulated", "no tools are offered"))
        return [], None
    if request.parallel_tool_calls is False:
        raise unsupported("a limit of one tool call at a time", "parallel_tool_calls")
    if choice.mode in ("named", "allowed"):
        offered = tuple(tool for tool in offered if tool.name in choice.names)
        if not offered:
            raise unsupported("a tool choice that names none of the tools", "tool_choice")
        transforms.append(Transform("tool_choice", "emulated", "only the chosen tools are offered"))
    demand = None
    if choice.mode in ("required", "named") or choice.allowed_mode == "required":
        which = f"the tool `{offered[0].name}`" if len(offered) == 1 else "one of the tools"
        demand = f"Answer by calling {which}. Do not answer in text."
        transforms.append(Transform("tool_choice", "emulated", "an instruction asks for the call; nothing enforces it"))
    return [_tool(tool, index, transforms) for index, tool in enumerate(offered)], demand


def _tool(tool: Tool, index: int, transforms: list[Transform]) -> Wire:
    if tool.kind != "function":
        raise unsupported(f"{tool.kind} tools", f"tools[{index}]")
    if tool.strict is not None:
        transforms.append(Transform(f"tools[{index}].strict", "dropped", "arguments are not constrained"))
    if tool.cache is not None:
        transforms.append(Transform(f"tools[{index}].cache", "dropped", "Ollama caches prompts by itself"))
    function: Wire = {"name": tool.name}
    if tool.description is not None:
        function["description"] = tool.description
    function["parameters"] = tool.parameters if tool.parameters is not None else {"type": "object", "properties": {}}
    return {"type": "function", "function": function}


def _sampling(sampling: Sampling, body: Wire, transforms: list[Transform]) -> None:
    if sampling.n is not None and sampling.n > 1:
        raise unsupported("n above 1", "n")
    if sampling.logit_bias:
        if any(sampling.logit_bias.values()):
            raise unsupported("logit_bias", "logit_bias")
        transforms.append(Transform("sampling.logit_bias", "dropped", "it changes nothing"))
    if sampling.prediction is not None:
        raise unsupported("a predicted output", "prediction")
    options: Wire = {}
    for name, value in (
        ("temperature", sampling.temperature),
        ("top_p", sampling.top_p),
        ("top_k", sampling.top_k),
        ("seed", sampling.seed),
        ("num_predict", sampling.max_output_tokens),
        ("frequency_penalty", sampling.frequency_penalty),
        ("presence_penalty", sampling.presence_penalty),
    ):
        if value is not None:
            options[name] = value
    if sampling.stop is not None:
        options["stop"] = list(sampling.stop)
    if options:
        body["options"] = options
    if sampling.logprobs or sampling.top_logprobs:
        body["logprobs"] = True
        if sampling.top_logprobs:
            body["top_logprobs"] = sampling.top_logprobs


def _output(output: OutputSpec, body: Wire, transforms: list[Transform]) -> None:
    if output.kind == "json_object":  # llama.cpp's clients may give a schema here
        body["format"] = output.schema if output.schema is not None else "json"
    elif output.kind == "json_schema":
        body["format"] = output.schema if output.schema is not None else "json"
        transforms += (
            Transform(f"output.{name}", "dropped", "the schema alone constrains the answer")
            for name in ("name", "description", "strict")
            if getattr(output, name) is not None
        )
    elif output.kind == "grammar":
        raise unsupported("a grammar", "response_format")


def _reasoning(reasoning: ReasoningSpec, body: Wire, transforms: list[Transform]) -> None:
    if reasoning.effort is not None:
        think = THINK.get(reasoning.effort)
        if think is None:
            raise unsupported(f"the reasoning effort {reasoning.effort[:32]!r}", "reasoning_effort")
        body["think"] = think
        if think is not False and think != reasoning.effort:
            transforms.append(Transform("reasoning.effort", "mapped", f"{reasoning.effort} is {think} here"))
    elif reasoning.budget_tokens:
        body["think"] = next((level for limit, level in _BUDGETS if reasoning.budget_tokens <= limit), "max")
        transforms.append(Transform("reasoning.budget_tokens", "mapped", f"the budget became {body['think']}"))
    elif reasoning.summary is not None:
        body["think"] = True
    if reasoning.summary is not None:
        transforms.append(Transform("reasoning.summary", "mapped", "the thinking itself is shown"))
    if reasoning.raw is not None:
        transforms.append(Transform("reasoning.raw", "dropped"))


def _state(state: StateSpec, transforms: list[Transform]) -> None:
    for name in _STATE_NEEDS:
        if getattr(state, name):
            raise unsupported("state kept between calls", name)
    if state.store:
        transforms.append(Transform("state.store", "dropped", "nothing is kept"))
    if state.truncation not in (None, "disabled"):
        transforms.append(Transform("state.truncation", "dropped", "a prompt that is too long is an error"))
    transforms += (Transform(f"state.{name}", "dropped") for name in _STATE_HINTS if getattr(state, name))


def _hints(request: Request, transforms: list[Transform]) -> None:
    if any(modality != "text" for modality in request.modalities):
        raise unsupported("output other than text", "modalities")
    if request.web_search is not None:
        raise unsupported("web search", "web_search_options")
    if request.moderation is not None:
        raise unsupported("moderation", "moderation")
    transforms += (Transform(name, "dropped") for name in _HINTS if getattr(request, name) is not None)
    if request.audio is not None:
        transforms.append(Transform("audio", "dropped", "no sound is asked for"))
    transforms += (Transform(f"cache.{name}", "dropped", "Ollama caches prompts by itself") for name in request.cache)
    transforms += (Transform(f"metadata.{name}", "dropped") for name in request.metadata)


def _extensions(request: Request, body: Wire, transforms: list[Transform]) -> None:
    """Ollama's own settings pass, named ones over those in `options`; members unknown to both sides are left out."""
    given = request.extensions.get("options")
    if isinstance(given, dict):
        body["options"] = {**given, **body.get("options", {})}
    for name, value in request.extensions.items():
        if name in _OPTIONS:
            body.setdefault("options", {})[name] = value
        elif name == "keep_alive":
            body["keep_alive"] = value
        elif name != "options" or not isinstance(given, dict):
            transforms.append(Transform(f"extensions.{name}", "dropped", "not known to Ollama"))
