"""What a chat-completions server refuses, in the order OpenAI looks: members, messages, tools, format, the model's own rules.

Sources: OpenAI's API reference, recorded refusals of OpenAI, Azure, vLLM and llama-server.
"""

from __future__ import annotations

from typing import Any

from proxy.conformance.simulators.fields import fields

from .flavours import Flavour
from .models import Rules
from .pieces import check_file, check_format, check_function, check_image
from .saying_no import No

Wire = dict[str, Any]
_FIELDS = fields(
    "messages model audio frequency_penalty function_call functions logit_bias logprobs top_logprobs max_completion_tokens "
    "max_tokens metadata modalities moderation n parallel_tool_calls prediction prompt_cache_key prompt_cache_options "
    "prompt_cache_retention reasoning_effort response_format safety_identifier seed service_tier stop store stream "
    "stream_options temperature top_p tools tool_choice user verbosity web_search_options"
)
_ROLES = ("system", "developer", "user", "assistant", "tool", "function")
NO_TOOLS_HERE = (
    "Function tools with reasoning_effort are not supported for {model} in /v1/chat/completions. Please use /v1/responses or "
    "set reasoning_effort to 'none'."
)


def check_chat(body: Wire, flavour: Flavour, rules: Rules) -> None:
    """Raises `RefusedError` for whatever this server refuses on chat."""
    no = flavour.no
    if flavour.strict_fields:
        for name in body:
            if name not in _FIELDS:
                raise no.refuse(f"Unrecognized request argument supplied: {name}", param=None, code="unknown_parameter")
    if not rules.chat:
        raise no.refuse(
            "This model is only supported in v1/responses and not in v1/chat/completions.", status=404, param="model"
        )
    _check_messages(body, flavour)
    _check_tools(body, flavour)
    _check_response_format(body, no)
    if body.get("stream_options") is not None and not body.get("stream"):
        raise no.refuse(
            "The 'stream_options' parameter is only allowed when 'stream' is enabled.", param="stream_options"
        )
    stop = body.get("stop")
    if isinstance(stop, list) and len(stop) > 4:
        raise no.refuse("Invalid 'stop': array too long. Expected an array with maximum length 4.", param="stop")
    if flavour.knows_models:
        _check_model(body, no, rules)


def _check_messages(body: Wire, flavour: Flavour) -> None:
    no, messages = flavour.no, body.get("messages")
    if not isinstance(messages, list) or not messages:
        raise no.refuse(
            "Invalid 'messages': empty array. Expected an array with minimum length 1, but got an empty array instead.",
            param="messages",
            code="empty_array",
        )
    waiting: list[str] = []
    for index, message in enumerate(messages):
        at = f"messages[{index}]"
        role = message.get("role")
        if role not in _ROLES or (role == "developer" and not flavour.developer):
            raise no.refuse(f"Invalid value: '{role}'.", param=f"{at}.role", code="invalid_value")
        if waiting and role != "tool":
            raise no.refuse(
                "An assistant message with 'tool_calls' must be followed by tool messages responding to each 'tool_call_id'. "
                f"The following tool_call_ids did not have response messages: {', '.join(waiting)}",
                param=f"messages.[{index}].role",
            )
        if role == "tool":
            if message.get("tool_call_id") not in waiting:
                raise no.refuse(
                    "Invalid parameter: messages with role 'tool' must be a response to a preceeding message with "
                    "'tool_calls'.",
                    param=f"messages.[{index}].role",
                )
            waiting.remove(message["tool_call_id"])
        _check_content(message, at, flavour)
        if role == "assistant":
            waiting = _check_calls(message, at, flavour)
    if waiting:
        raise no.refuse(
            "An assistant message with 'tool_calls' must be followed by tool messages responding to each 'tool_call_id'. The "
            f"following tool_call_ids did not have response messages: {', '.join(waiting)}",
            param="messages",
        )


def _check_content(message: Wire, at: str, flavour: Flavour) -> None:
    no, content, role = flavour.no, message.get("content"), message["role"]
    if content is None:
        if role != "assistant" or not (message.get("tool_calls") or message.get("refusal") or message.get("audio")):
            raise no.refuse("Invalid value for 'content': expected a string, got null.", param=f"{at}.content")
        return
    if isinstance(content, str):
        return
    for index, part in enumerate(content):
        _check_part(part, f"{at}.content[{index}]", role, flavour)


def _check_part(part: Wire, at: str, role: str, flavour: Flavour) -> None:
    no, kind = flavour.no, part.get("type")
    if kind == "text":
        if not isinstance(part.get("text"), str):
            raise no.refuse(f"Missing required parameter: '{at}.text'.", param=at, code="missing_required_parameter")
        return
    if role != "user" and not (role == "assistant" and kind == "refusal"):
        raise no.refuse(
            f"Invalid '{at.partition('.')[0]}'. Content blocks are expected to be either text or image_url type.",
            param=at.partition(".")[0],
            code="invalid_value",
        )
    if kind == "image_url":
        image = part.get("image_url")
        url = image if isinstance(image, str) else (image or {}).get("url")
        check_image(url, f"{at}.image_url.url", no, fetches=flavour.fetches)
    elif kind == "file" and flavour.files:
        file = part.get("file") or {}
        if "file_id" not in file:
            check_file(file.get("file_data"), file.get("filename"), f"{at}.file.file_data", no)
    elif kind not in ("input_audio", "refusal") and not flavour.lenient:
        raise no.refuse(f"Invalid value: '{kind}'.", param=f"{at}.type", code="invalid_value")


def _check_calls(message: Wire, at: str, flavour: Flavour) -> list[str]:
    """The ids that must be answered now."""
    no, ids = flavour.no, []
    for index, call in enumerate(message.get("tool_calls") or ()):
        place = f"{at}.tool_calls[{index}]"
        if call.get("type") == "custom":
            ids.append(call["id"])
            continue
        function = call.get("function") or {}
        if not isinstance(function.get("arguments"), str):
            raise no.refuse(
                f"Invalid type for '{place}.function.arguments': expected a string.",
                param=f"{place}.function.arguments",
                code="invalid_type",
            )
        if not isinstance(call.get("id"), str) or not function.get("name"):
            raise no.refuse(f"Missing required parameter: '{place}.id'.", code="missing_required_parameter")
        if flavour.strict_fields and len(call["id"]) > 64:
            raise no.refuse(
                f"Invalid '{place}.id': string too long. Expected a string with maximum length 64.",
                param=f"{place}.id",
                code="string_above_max_length",
            )
        ids.append(call["id"])
    if len(set(ids)) != len(ids):
        raise no.refuse(f"Invalid '{at}.tool_calls': duplicate id.", param=f"{at}.tool_calls")
    return ids


def _check_tools(body: Wire, flavour: Flavour) -> None:
    no, tools = flavour.no, body.get("tools")
    if tools is not None and not tools and not flavour.lenient:
        raise no.refuse("Invalid 'tools': empty array. Expected an array with minimum length 1.", param="tools")
    for index, tool in enumerate(tools or ()):
        if (tool.get("type") == "custom" and flavour.knows_models) or (
            tool.get("type") != "function" and flavour.lenient
        ):
            continue
        if tool.get("type") != "function" or not isinstance(tool.get("function"), dict):
            raise no.refuse(f"Invalid value: '{tool.get('type')}'.", param=f"tools[{index}].type", code="invalid_value")
        function = tool["function"]
        strict = bool(function.get("strict")) and flavour.knows_models
        check_function(function, f"tools[{index}].function", no, strict=strict)
    choice = body.get("tool_choice")
    if choice is not None and not tools and choice != "none":
        raise no.refuse(
            "Invalid value for 'tool_choice': 'tool_choice' is only allowed when 'tools' are specified.",
            param="tool_choice",
        )
    if isinstance(choice, dict):
        if not flavour.choices:
            raise no.refuse("tool_choice must be a string", param="tool_choice")  # the real one silently takes "auto"
        name = (choice.get("function") or choice.get("custom") or {}).get("name")
        names = [(tool.get("function") or tool.get("custom") or {}).get("name") for tool in tools or ()]
        if choice.get("type") != "allowed_tools" and name not in names:
            raise no.refuse(f"Tool choice '{name}' not found in 'tools' parameter.", param="tool_choice")
    elif choice not in (None, "auto", "none", "required") and not flavour.lenient:
        raise no.refuse(f"Invalid value: '{choice}'.", param="tool_choice", code="invalid_value")
    if body.get("parallel_tool_calls") is not None and not tools and flavour.knows_models:
        raise no.refuse(
            "Invalid value for 'parallel_tool_calls': 'parallel_tool_calls' is only allowed when 'tools' are specified.",
            param="parallel_tool_calls",
        )


def _check_response_format(body: Wire, no: No) -> None:
    form = body.get("response_format")
    if form is None:
        return
    kind = form.get("type")
    if kind == "json_schema":
        check_format(form.get("json_schema") or {}, "response_format.json_schema", no)
    elif kind == "json_object":
        if "json" not in str(body["messages"]).lower():
            raise no.refuse(
                "'messages' must contain the word 'json' in some form, to use 'response_format' of type 'json_object'.",
                param="messages",
            )
    elif kind not in ("text", "grammar", "structural_tag"):
        raise no.refuse(f"Invalid value: '{kind}'.", param="response_format.type", code="invalid_value")


def _check_model(body: Wire, no: No, rules: Rules) -> None:
    effort = body.get("reasoning_effort")
    if effort is not None and effort not in rules.efforts:
        if not rules.efforts:
            raise no.refuse("Unrecognized request argument supplied: reasoning_effort", param="reasoning_effort")
        supported = ", ".join(f"'{word}'" for word in rules.efforts)
        raise no.refuse(
            f"Unsupported value: 'reasoning_effort' does not support '{effort}' with this model. Supported values are: "
            f"{supported}.",
            param="reasoning_effort",
            code="unsupported_value",
        )
    if effort == "max":
        raise no.refuse("Unsupported value: 'max' is only supported in /v1/responses.", code="unsupported_value")
    if not rules.efforts:
        return
    if body.get("max_tokens") is not None:
        raise no.refuse(
            "Unsupported parameter: 'max_tokens' is not supported with this model. Use 'max_completion_tokens' instead.",
            param="max_tokens",
            code="unsupported_parameter",
        )
    if rules.effort(effort) == "none":
        return
    for name in ("temperature", "top_p"):
        value = body.get(name)
        if value not in (None, 1):
            raise no.refuse(
                f"Unsupported value: '{name}' does not support {value} with this model. Only the default (1) value is "
                "supported.",
                param=name,
                code="unsupported_value",
            )
    for name in ("stop", "logprobs", "top_logprobs", "logit_bias", "presence_penalty", "frequency_penalty"):
        if body.get(name):
            raise no.unsupported(name)
    functions = [tool for tool in body.get("tools") or () if tool.get("type") == "function"]
    if functions and not rules.chat_tools:
        raise no.refuse(NO_TOOLS_HERE.format(model=body["model"]), param="reasoning_effort")
