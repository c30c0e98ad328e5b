"""What a request cannot do without. Pure and cheap: it runs once per call, before any candidate is looked at.

Everything a client can say falls in one of two classes. A *need* excludes a candidate that cannot meet it; it is never
dropped, emulated by guessing or left to the provider's mercy. A *hint* may be dropped by a renderer or an `adapt`, which
then lists a `Transform`.

Needs: a tool or a tool's traces in the history, images, sound, files and video wherever they stand, http(s) image and
file URLs, a provider's file ids, streaming, json_object and json_schema and grammars, reasoning (an effort other than
"none", a budget, a summary), n > 1, logprobs, logit_bias, stop, non-zero penalties, prediction, custom and hosted tools,
a tool that must be called, calls one at a time, spoken answers, moderation, the state of the Responses API, blocks
that only their own format can say, and members of the body that nobody here knows (`ext:<name>`).

Hints: temperature, top_p, top_k and seed (best effort by contract), reasoning effort "none", `strict` of tools and
schemas (validated at the gateway instead), `allowed_tools` that may be skipped (filtering the tools says the same),
verbosity, service_tier, user, safety_identifier, metadata, store, include, truncation, max_tool_calls, prompt-cache
settings and breakpoints, participant names, image detail, obfuscation, and opaque reasoning of another provider.
Output limits are neither: every format carries them.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from .blocks import Block, HostedItem, Media, Native, Origin, Reasoning, Refusal, Text, ToolCall, ToolResult
from .capabilities import Need
from .request import Request, Sampling, StateSpec, Tool

_TEXT = Need("text", "messages")
_STREAMING = Need("streaming", "stream")
_PLAIN = (_TEXT,)
_PLAIN_STREAM = (_TEXT, _STREAMING)
_MEDIA_NEEDS = {"image": "vision", "audio": "audio", "file": "feature:fileInput", "video": "feature:videoInput"}
_URL_NEEDS = {"image": "feature:imageUrl", "file": "feature:fileUrl"}
_STATE_MEMBERS = ("previous_response_id", "conversation", "background", "prompt", "context_management")
_OUTPUT_NEEDS = {"json_object": "structuredOutput", "json_schema": "jsonSchema", "grammar": "feature:grammar"}
_RESPONSES_WORDS = {"messages": "input", "response_format": "text.format", "reasoning_effort": "reasoning.effort"}


class _Found:
    """Needs in the order they were met, each once, with the first place that asks for it.

    `where` is the place being looked at. It is put into words only when it counts, as most calls repeat a need.
    """

    __slots__ = ("needs", "where")

    def __init__(self) -> None:
        self.needs: dict[str | tuple[str, str], Need] = {}
        self.where: tuple[str, int, int | None] = ("", 0, None)

    def add(self, name: str, because: str | None = None, origin: Origin | None = None) -> None:
        if name not in self.needs:
            self.needs[name] = Need(name, because or self._place(origin))

    def add_value(self, name: str, value: str, because: str | None = None, origin: Origin | None = None) -> None:
        if (name, value) not in self.needs:
            self.needs[name, value] = Need(name, because or self._place(origin), value)

    def _place(self, origin: Origin | None) -> str:
        if origin is not None and origin.pointer:
            return _spelled(origin.pointer)
        part, index, position = self.where
        return f"{part}[{index}]" if position is None else f"{part}[{index}].content[{position}]"


def needs(request: Request) -> tuple[Need, ...]:
    """Every capability that `request` requires of a candidate, "text" first. `because` uses the client's own words."""
    found = _Found()
    if request.tools:
        for index, tool in enumerate(request.tools):
            if index == 0 or tool.kind != "function":  # a second function says nothing new
                found.where = ("tools", index, None)
                _of_tool(found, tool)
        _of_tool_use(found, request)
    messages = _word(request, "messages")
    for index, message in enumerate(request.messages):
        for position, block in enumerate(message.blocks):
            if (look := _BLOCKS[type(block)]) is not None:
                found.where = (messages, index, position)
                look(found, block)
    for index, block in enumerate(request.instructions):
        if (look := _BLOCKS[type(block)]) is not None:
            found.where = ("instructions", index, None)
            look(found, block)
    _of_sampling(found, request.sampling)
    if request.output.kind != "text":
        found.add(_OUTPUT_NEEDS[request.output.kind], _word(request, "response_format"))
    _of_reasoning(found, request)
    _of_state(found, request.state)
    _of_the_rest(found, request)
    always = _PLAIN_STREAM if request.stream else _PLAIN
    return (*always, *found.needs.values()) if found.needs else always


def _of_tool(found: _Found, tool: Tool) -> None:
    if tool.kind == "hosted":
        kind = str((tool.hosted or {}).get("type", tool.name))
        found.add_value("feature:hostedTools", kind, origin=tool.origin)
        if kind.startswith("computer"):
            found.add("computerUse", origin=tool.origin)
        return
    found.add("toolCalling", origin=tool.origin)
    if tool.kind == "custom":
        found.add("feature:customTools", origin=tool.origin)


def _of_tool_use(found: _Found, request: Request) -> None:
    # Asked only when there are tools: without any, both settings say nothing.
    choice = request.tool_choice
    if choice is not None and (choice.mode in ("required", "named") or choice.allowed_mode == "required"):
        found.add("feature:forcedTool", "tool_choice")
    if request.parallel_tool_calls is False:
        found.add("feature:serialTools", "parallel_tool_calls")


def _of_call(found: _Found, call: ToolCall) -> None:
    found.add("toolCalling", origin=call.origin)
    if call.kind == "custom":
        found.add("feature:customTools", origin=call.origin)


def _of_result(found: _Found, result: ToolResult) -> None:
    found.add("toolCalling", origin=result.origin)
    if result.kind == "custom":
        found.add("feature:customTools", origin=result.origin)
    for block in result.content:
        if (look := _BLOCKS[type(block)]) is not None:
            look(found, block)


def _of_media(found: _Found, media: Media) -> None:
    found.add(_MEDIA_NEEDS[media.kind], origin=media.origin)
    if media.file_id is not None:
        found.add(f"affinity:{media.provider or 'openai'}", origin=media.origin)
    elif media.url is not None and media.kind in _URL_NEEDS and not media.url.startswith("data:"):
        found.add(_URL_NEEDS[media.kind], origin=media.origin)


def _of_hosted(found: _Found, item: HostedItem) -> None:
    found.add_value("feature:hostedTools", item.tool, origin=item.origin)


def _of_native(found: _Found, block: Native) -> None:
    found.add(f"feature:native:{block.format}", origin=block.origin)


_BLOCKS: dict[type[Block], Callable[[_Found, Any], None] | None] = {
    Text: None,
    Refusal: None,
    Reasoning: None,
    ToolCall: _of_call,
    ToolResult: _of_result,
    Media: _of_media,
    HostedItem: _of_hosted,
    Native: _of_native,
}


def _of_sampling(found: _Found, sampling: Sampling) -> None:
    if sampling.stop:
        found.add("feature:stop", "stop")
    if sampling.n is not None and sampling.n > 1:
        found.add("feature:nChoices", "n")
    if sampling.logprobs:
        found.add("feature:logprobs", "logprobs")
    elif sampling.top_logprobs:
        found.add("feature:logprobs", "top_logprobs")
    if sampling.frequency_penalty:
        found.add("feature:penalties", "frequency_penalty")
    elif sampling.presence_penalty:
        found.add("feature:penalties", "presence_penalty")
    if sampling.logit_bias and any(sampling.logit_bias.values()):
        found.add("feature:logitBias", "logit_bias")
    if sampling.prediction is not None:
        found.add("feature:prediction", "prediction")


def _of_reasoning(found: _Found, request: Request) -> None:
    reasoning = request.reasoning
    if reasoning is None:
        return
    if reasoning.effort not in (None, "none") or reasoning.budget_tokens:
        found.add("reasoning", _word(request, "reasoning_effort"))
    elif reasoning.summary is not None:
        found.add("reasoning", "reasoning.summary")


def _of_state(found: _Found, state: StateSpec) -> None:
    # One test for the common case: none of them is set.
    if state.previous_response_id or state.conversation or state.background or state.prompt or state.context_management:
        for member in _STATE_MEMBERS:
            if getattr(state, member):
                found.add("feature:state", member)


def _of_the_rest(found: _Found, request: Request) -> None:
    for modality in request.modalities:
        if modality == "audio":
            found.add("audio", "modalities")
        if modality != "text":
            found.add(f"feature:{modality}Output", "modalities")
    if request.web_search is not None:
        found.add_value("feature:hostedTools", "web_search", "web_search_options")
    if request.moderation is not None:
        found.add("feature:moderation", "moderation")
    for name in request.extensions:
        found.add(f"ext:{name}", name)


def _word(request: Request, chat: str) -> str:
    """The name the client's dialect has for what chat calls `chat`."""
    if request.source is not None and request.source.format == "openai_responses":
        return _RESPONSES_WORDS[chat]
    return chat


def _spelled(pointer: str) -> str:
    """A JSON pointer in the words of an error message: "/messages/3/content/1" is "messages[3].content[1]"."""
    words: list[str] = []
    for part in pointer.split("/")[1:]:
        if part.isdigit():
            words.append(f"[{part}]")
        else:
            words.append(("." if words else "") + part.replace("~1", "/").replace("~0", "~"))
    return "".join(words)
