"""Where vLLM would silently do something else than asked, or refuse what means nothing.

`guided_json`, `guided_regex`, `guided_choice` and `guided_grammar` are ignored since 0.12, and the answer is then not
constrained at all: they are rewritten to `structured_outputs`, their successor, which says the same.
Source: https://docs.vllm.ai/en/latest/features/structured_outputs/
"""

from __future__ import annotations

import re
from dataclasses import replace

from translators.canonical import REMOVED, Patch, Request, Transform, edited
from translators.formats import Wire
from translators.providers.provider import Adapted, ModelFacts, system_for_developer, tools_for_functions

_GUIDED = {
    "guided_json": "json",
    "guided_regex": "regex",
    "guided_choice": "choice",
    "guided_grammar": "grammar",
}
_TOOL_MEMBERS = frozenset({"tools", "tool_choice", "parallel_tool_calls"})
_BACKENDS = ("guided_decoding_backend", "guided_whitespace_pattern")

# Chat templates that call their thinking switch `thinking`. vLLM turns reasoning_effort into `enable_thinking` by itself.
_THINKING_SWITCH = re.compile(r"deepseek-?v[34]|granite-?3|kimi-?k[23]", re.IGNORECASE)


def adapt(request: Request, facts: ModelFacts) -> Adapted:
    adapted = tools_for_functions(request)
    guided = [name for name in (*_GUIDED, *_BACKENDS) if name in request.extensions]
    return _with_structured_outputs(adapted, guided) if guided else adapted


def _with_structured_outputs(adapted: Adapted, guided: list[str]) -> Adapted:
    request, transforms = adapted.request, list(adapted.transforms)
    extensions = dict(request.extensions)
    said: Wire = {}
    for name in guided:
        value = extensions.pop(name)
        request = edited(request, Patch(f"/{name}", REMOVED))
        if name in _GUIDED and value is not None and "structured_outputs" not in extensions:
            said[_GUIDED[name]] = value
            transforms.append(Transform(f"extensions.{name}", "mapped", "vLLM calls it structured_outputs"))
        else:
            transforms.append(Transform(f"extensions.{name}", "dropped", "vLLM ignores it"))
    if said:
        extensions["structured_outputs"] = said
        request = edited(request, Patch("/structured_outputs", said))
    return Adapted(replace(request, extensions=extensions), tuple(transforms))


def amend(body: Wire, facts: ModelFacts) -> Wire:
    """Empty `tools` are refused, as is a tool choice without any; `developer` is a role few templates know."""
    if not body.get("tools") and not body.keys().isdisjoint(_TOOL_MEMBERS):
        body = {key: value for key, value in body.items() if key not in _TOOL_MEMBERS}
    body = system_for_developer(body)
    effort = body.get("reasoning_effort")
    if isinstance(effort, str) and _THINKING_SWITCH.search(facts.model):
        switches = body.get("chat_template_kwargs") or {}
        if "thinking" not in switches:
            body = {**body, "chat_template_kwargs": {**switches, "thinking": effort != "none"}}
    return body
