"""What the Responses API refuses: members, items and their pairing, and reasoning that is not its own.

Sources: OpenAI's API reference, recorded refusals, public issues for the wording of state-related ones; Azure's notes.
"""

from __future__ import annotations

from typing import Any

from proxy.conformance.simulators.fields import fields
from proxy.conformance.simulators.seals import Seals

from .flavours import Flavour
from .models import Rules
from .pieces import check_file, check_format, check_function, check_image

Wire = dict[str, Any]
_FIELDS = fields(
    "model input instructions previous_response_id conversation store background background_options stream stream_options "
    "include max_output_tokens max_tool_calls parallel_tool_calls tools tool_choice text reasoning temperature top_p "
    "top_logprobs truncation context_management prompt prompt_cache_key prompt_cache_options prompt_cache_retention "
    "service_tier metadata safety_identifier user moderation image access_programs"
)
_INCLUDES = frozenset(
    {
        "file_search_call.results",
        "web_search_call.results",
        "web_search_call.action.sources",
        "message.input_image.image_url",
        "computer_call_output.output.image_url",
        "code_interpreter_call.outputs",
        "reasoning.encrypted_content",
        "message.output_text.logprobs",
    }
)
_PARTS = {
    "user": frozenset({"input_text", "input_image", "input_file"}),
    "system": frozenset({"input_text"}),
    "developer": frozenset({"input_text"}),
    "assistant": frozenset({"output_text", "refusal"}),
}
_CALLS = {"function_call": "function_call_output", "custom_tool_call": "custom_tool_call_output"}


def items_of(body: Wire) -> list[Wire]:
    """The input as items; a string is one user message."""
    given = body.get("input")
    if isinstance(given, str):
        return [{"type": "message", "role": "user", "content": given}]
    return [{"type": "message", **item} if "role" in item and "type" not in item else item for item in given or ()]


def check_responses(body: Wire, flavour: Flavour, rules: Rules, seals: Seals) -> None:
    """Raises `RefusedError` for whatever this server refuses on /responses."""
    no = flavour.no
    for name in body:
        if name not in _FIELDS:
            raise no.unknown(name)
    if not rules.responses:
        raise no.refuse("This model is not supported in v1/responses.", param="model", status=404)
    for word in body.get("include") or ():
        if word not in _INCLUDES:
            raise no.refuse(f"Invalid value: '{word}'.", param="include[0]", code="invalid_value")
    if body.get("previous_response_id") is not None:
        raise no.refuse(
            f"Previous response with id '{body['previous_response_id']}' not found.",
            param="previous_response_id",
            code="previous_response_not_found",
        )
    limit = body.get("max_output_tokens")
    if limit is not None and limit < 16:
        raise no.refuse(
            f"Invalid 'max_output_tokens': integer below minimum value. Expected a value >= 16, but got {limit} instead.",
            param="max_output_tokens",
            code="integer_below_min_value",
        )
    if not items_of(body):
        raise no.refuse("Missing required parameter: 'input'.", param="input", code="missing_required_parameter")
    _check_items(body, flavour)
    _check_reasoning_items(items_of(body), body, flavour, seals)
    _check_tools(body, flavour)
    _check_text(body, flavour)
    _check_model(body, flavour, rules)


def _check_items(body: Wire, flavour: Flavour) -> None:
    no = flavour.no
    waiting: dict[str, str] = {}
    for index, item in enumerate(items_of(body)):
        at = f"input[{index}]"
        kind = item.get("type")
        if flavour.filters and "status" in item and kind in ("message", "reasoning"):
            raise no.refuse(f"Unknown parameter: '{at}.status'.", param=f"{at}.status", code="unknown_parameter")
        if kind == "message":
            _check_message(item, at, flavour)
        elif kind in _CALLS:
            if not isinstance(item.get("call_id"), str) or not 0 < len(item["call_id"]) <= 64:
                raise no.refuse(
                    f"Invalid '{at}.call_id': string too long. Expected a string with maximum length 64.",
                    param=f"{at}.call_id",
                    code="string_above_max_length",
                )
            if kind == "function_call" and not isinstance(item.get("arguments"), str):
                raise no.refuse(f"Invalid type for '{at}.arguments': expected a string.", code="invalid_type")
            if item["call_id"] in waiting:
                raise no.refuse(f"Duplicate call_id {item['call_id']}.", param="input")
            waiting[item["call_id"]] = _CALLS[kind]
        elif kind in _CALLS.values():
            if waiting.get(item.get("call_id", "")) != kind:
                raise no.refuse(
                    f"No tool call found for function call output with call_id {item.get('call_id')}.", param="input"
                )
            del waiting[item["call_id"]]
            _check_output(item, at, flavour)
        elif kind == "item_reference":
            raise no.refuse(f"Item with id '{item.get('id')}' not found.", param="input", status=404)
    if waiting:
        raise no.refuse(f"No tool output found for function call {next(iter(waiting))}.", param="input")


def _check_message(item: Wire, at: str, flavour: Flavour) -> None:
    no, role, content = flavour.no, item.get("role"), item.get("content")
    if role not in _PARTS:
        raise no.refuse(f"Invalid value: '{role}'.", param=f"{at}.role", code="invalid_value")
    if isinstance(content, str):
        return
    if not isinstance(content, list):
        raise no.refuse(f"Invalid type for '{at}.content'.", param=f"{at}.content", code="invalid_type")
    for index, part in enumerate(content):
        kind = part.get("type")
        if kind not in _PARTS[role]:
            supported = ", ".join(f"'{word}'" for word in sorted(_PARTS[role]))
            raise no.refuse(
                f"Invalid value: '{kind}'. Supported values are: {supported}.",
                param=f"{at}.content[{index}]",
                code="invalid_value",
            )
        _check_media(part, f"{at}.content[{index}]", flavour)


def _check_output(item: Wire, at: str, flavour: Flavour) -> None:
    output = item.get("output")
    if isinstance(output, str):
        return
    if not isinstance(output, list):
        raise flavour.no.refuse(f"Invalid type for '{at}.output'.", param=f"{at}.output", code="invalid_type")
    for index, part in enumerate(output):
        if part.get("type") not in _PARTS["user"]:
            raise flavour.no.refuse(f"Invalid value: '{part.get('type')}'.", param=f"{at}.output", code="invalid_value")
        _check_media(part, f"{at}.output[{index}]", flavour)


def _check_media(part: Wire, at: str, flavour: Flavour) -> None:
    if part["type"] == "input_image" and "file_id" not in part:
        check_image(part.get("image_url"), f"{at}.image_url", flavour.no)
    if part["type"] == "input_file" and "file_id" not in part and "file_url" not in part:
        check_file(part.get("file_data"), part.get("filename"), f"{at}.file_data", flavour.no)


def _check_reasoning_items(items: list[Wire], body: Wire, flavour: Flavour, seals: Seals) -> None:
    no = flavour.no
    for index, item in enumerate(items):
        if item.get("type") != "reasoning":
            continue
        at = f"input[{index}]"
        if not isinstance(item.get("summary"), list):
            raise no.refuse(
                f"Missing required parameter: '{at}.summary'.", param=f"{at}.summary", code="missing_required_parameter"
            )
        blob = item.get("encrypted_content")
        if blob is None:
            raise no.refuse(
                f"Item with id '{item.get('id')}' not found. Items are not persisted when `store` is set to false. Try again "
                "with `store` set to true, or remove this item from your input.",
                param="input",
                status=404,
            )
        seal = seals.of(blob)
        if seal is None:
            raise no.refuse(
                f"The encrypted content {str(blob)[:8]}... could not be verified. Reason: Encrypted content could not be "
                "decrypted or parsed.",
                param="input",
                code="invalid_encrypted_content",
            )
        following = next((each for each in items[index + 1 :] if each.get("type") != "reasoning"), {})
        if _named(following) not in seal.about.split("|"):
            raise no.refuse(
                f"Item '{item.get('id')}' of type 'reasoning' was provided without its required following item.",
                param="input",
            )


def _named(item: Wire) -> str:
    """What a reasoning item remembers of the item that followed it."""
    return str(item.get("call_id", item.get("role", item.get("type"))))


def _check_tools(body: Wire, flavour: Flavour) -> None:
    no, names = flavour.no, []
    for index, tool in enumerate(body.get("tools") or ()):
        if tool.get("type") == "function":
            # An absent `strict` is an attempt at strict mode that gives way; only an explicit one insists.
            check_function(tool, f"tools[{index}]", no, strict=tool.get("strict") is True)
            names.append(tool["name"])
        elif "function" in tool:
            raise no.refuse(f"Missing required parameter: 'tools[{index}].name'.", code="missing_required_parameter")
    choice = body.get("tool_choice")
    if isinstance(choice, dict) and choice.get("type") == "function" and choice.get("name") not in names:
        raise no.refuse(f"Tool choice '{choice.get('name')}' not found in 'tools' parameter.", param="tool_choice")
    if choice is not None and not body.get("tools") and choice not in ("auto", "none"):
        raise no.refuse("Tool choices other than 'auto' require 'tools'.", param="tool_choice")


def _check_text(body: Wire, flavour: Flavour) -> None:
    form = (body.get("text") or {}).get("format") or {}
    if form.get("type") == "json_schema":
        check_format(form, "text.format", flavour.no)
    if form.get("type") == "json_object" and "json" not in str(body.get("input")).lower():
        raise flavour.no.refuse(
            "Response input messages must contain the word 'json' in some form to use 'text.format' of type 'json_object'.",
            param="input",
        )


def _check_model(body: Wire, flavour: Flavour, rules: Rules) -> None:
    no, reasoning = flavour.no, body.get("reasoning") or {}
    effort = reasoning.get("effort")
    if (effort is not None and not rules.efforts) or (reasoning.get("summary") is not None and not rules.efforts):
        raise no.unsupported("reasoning.effort")
    if effort is not None and effort not in rules.efforts:
        supported = ", ".join(f"'{word}'" for word in rules.efforts)
        raise no.refuse(
            f"Unsupported value: '{effort}' is not supported with the '{body['model']}' model. Supported values are: "
            f"{supported}.",
            param="reasoning.effort",
            code="unsupported_value",
        )
    if not rules.efforts or rules.effort(effort) == "none":
        return
    for name in ("temperature", "top_p"):
        if body.get(name) not in (None, 1):
            raise no.unsupported(name)
    if body.get("top_logprobs"):
        raise no.unsupported("top_logprobs")
