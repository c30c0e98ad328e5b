"""Tool choices that llama-server would silently take for "auto": it knows strings only, never an object.

A named or restricted choice is said by offering only those tools, with "required" where a call must be made.
"""

from __future__ import annotations

from translators.canonical import Patch, Reason, Request, ToolChoice, Transform, UpstreamError, edited
from translators.formats import Wire
from translators.providers.provider import Adapted, ModelFacts, system_for_developer, tools_for_functions


def adapt(request: Request, facts: ModelFacts) -> Adapted:
    adapted = tools_for_functions(request)
    choice = request.tool_choice
    if not request.tools or choice is None or choice.mode not in ("named", "allowed"):
        return adapted
    emulated = Transform("tool_choice", "emulated", "only the chosen tools are offered")
    return Adapted(_with_chosen_tools(adapted.request, choice), (*adapted.transforms, emulated))


def _with_chosen_tools(request: Request, choice: ToolChoice) -> Request:
    kept = [index for index, tool in enumerate(request.tools) if tool.name in choice.names]
    if not kept:
        raise UpstreamError(
            Reason.UNSUPPORTED, "The tool choice names none of the tools.", failure="unsupported", param="tool_choice"
        )
    must_call = choice.mode == "named" or choice.allowed_mode == "required"
    plain = ToolChoice(mode="required" if must_call else "auto")
    tools = tuple(request.tools[index] for index in kept)
    if request.source is not None:
        said = request.source.body.get("tools") or []
        request = edited(request, Patch("/tools", [said[index] for index in kept]))
    return edited(request, Patch("/tool_choice", plain.mode), tools=tools, tool_choice=plain)


def amend(body: Wire, facts: ModelFacts) -> Wire:
    return system_for_developer(body)
