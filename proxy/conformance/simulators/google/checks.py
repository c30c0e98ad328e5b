"""What Google demands of a request around its contents: known fields, thinking, sampling, tools, schemas.

The JSON parser in front of the service knows both spellings of a field and refuses every other one.
Sources: Google's API reference and pages on thinking, function calling and structured output; recorded refusals.
"""

from __future__ import annotations

import re
from typing import Any

from proxy.conformance.simulators import schemas
from proxy.conformance.simulators.fields import camel, fields
from proxy.conformance.simulators.seals import Seals
from proxy.conformance.simulators.server import Heard

from .contents import check_contents
from .models import Rules
from .saying_no import refuse, unknown_field
from .spelling import get

Wire = dict[str, Any]

_TOP = fields(
    "contents systemInstruction tools toolConfig generationConfig safetySettings cachedContent labels serviceTier store model"
    " modelArmorConfig continuationToken"
)
_CONFIG = fields(
    "temperature topP topK candidateCount maxOutputTokens stopSequences seed responseLogprobs logprobs presencePenalty "
    "frequencyPenalty responseMimeType responseSchema responseJsonSchema responseFormat thinkingConfig responseModalities "
    "speechConfig imageConfig mediaResolution audioTimestamp routingConfig modelSelectionConfig "
    "automaticContinuation enableEnhancedCivicAnswers"
)
_THINKING = fields("includeThoughts thinkingLevel thinkingBudget")
_TOOLS = fields(
    "functionDeclarations googleSearch googleSearchRetrieval googleMaps urlContext codeExecution computerUse fileSearch "
    "enterpriseWebSearch retrieval mcpServers"
)
_DECLARATION = fields("name description parameters parametersJsonSchema response responseJsonSchema behavior")
_TOOL_CONFIG = fields("functionCallingConfig retrievalConfig includeServerSideToolInvocations")
_CALLING = fields("mode allowedFunctionNames streamFunctionCallArguments")
_FORMAT = fields("text image audio video")
CONTINUE = "Y29udGludWUtaGVyZQ=="
"""The token of an answer that is to be gone on with."""
_NAME = re.compile(r"[a-zA-Z_][a-zA-Z0-9_.:-]{0,127}\Z")


def check(heard: Heard, rules: Rules, seals: Seals, *, vertex: bool) -> None:
    """Raises `RefusedError` for whatever generateContent refuses."""
    body = heard.body
    _check_fields(body, _TOP, "")
    if get(body, "labels") is not None and not vertex:
        raise unknown_field("labels", "")
    if get(body, "modelArmorConfig") is not None and not vertex:
        raise unknown_field("modelArmorConfig", "")
    if get(body, "serviceTier") not in (None, "flex", "standard", "priority"):
        raise refuse("Invalid value at 'service_tier'")
    if get(body, "continuationToken") not in (None, CONTINUE):
        raise refuse("The continuation token is not valid.")
    _check_system(get(body, "systemInstruction"))
    _check_config(get(body, "generationConfig") or {}, rules, vertex=vertex)
    functions = _check_tools(body, rules)
    _check_tool_config(get(body, "toolConfig") or {}, functions)
    check_contents(body, rules, seals, vertex=vertex)


def _check_fields(value: Any, fields: frozenset[str], at: str) -> None:
    if not isinstance(value, dict):
        raise refuse(f"Invalid value at '{at}'")
    for name in value:
        if camel(name) not in fields:
            raise unknown_field(name, at)


def _check_system(system: Any) -> None:
    if system is None:
        return
    _check_fields(system, fields("parts role"), "system_instruction")
    parts = system.get("parts") or []
    parts = [parts] if isinstance(parts, dict) else parts
    if not parts:
        raise refuse("system_instruction.parts must not be empty.")
    for part in parts:
        if set(part) - {"thought"} != {"text"}:
            raise refuse("System instruction only supports text.")


def _check_config(config: Wire, rules: Rules, *, vertex: bool) -> None:
    _check_fields(config, _CONFIG, "generation_config")
    limit = get(config, "maxOutputTokens")
    if limit is not None and not 0 < limit <= rules.output:
        raise refuse(
            f"Unable to submit request because it has a maxOutputTokens value of {limit} but the supported range is from 1 "
            f"(inclusive) to {rules.output + 1} (exclusive). Update the value and try again."
        )
    if (get(config, "candidateCount") or 1) > 1 and not rules.n:
        raise refuse("Multiple candidates is not enabled for this model")
    for name in ("presencePenalty", "frequencyPenalty"):
        if get(config, name) and not (vertex and rules.n):
            raise refuse("Penalty is not enabled for this model")
    temperature = get(config, "temperature")
    if temperature is not None and not 0 <= temperature <= 2:
        raise refuse("The temperature value must be in the range [0.0, 2.0].")
    stops = get(config, "stopSequences") or []
    if len(stops) > 5 or not all(stops):
        raise refuse("Up to 5 stop sequences, none of them empty, are supported.")
    if get(config, "responseLogprobs") and not vertex:
        raise refuse("Logprobs is not enabled for this model")
    _check_thinking(get(config, "thinkingConfig"), rules)
    _check_response_format(config)


def _check_thinking(thinking: Any, rules: Rules) -> None:
    if thinking is None:
        return
    _check_fields(thinking, _THINKING, "generation_config.thinking_config")
    level, budget = get(thinking, "thinkingLevel"), get(thinking, "thinkingBudget")
    if level is not None and budget is not None:
        raise refuse("You can only set only one of thinking budget and thinking level.")
    if level is not None and str(level).lower() not in rules.levels:
        if not rules.levels:
            raise refuse("Thinking level is not supported for this model.")
        raise refuse(f"Thinking level {str(level).upper()} is not supported for this model.")
    if budget is not None:
        if rules.budgets is None:
            raise refuse("Thinking budget is not supported for this model.")
        low, high = rules.budgets
        if budget != -1 and not (budget == 0 and rules.off) and not max(low, 1) <= budget <= high:
            raise refuse(f"The thinking budget {budget} is invalid. Please choose a value between {low} and {high}.")
    if get(thinking, "includeThoughts") and not rules.thinks and not budget and level is None:
        raise refuse("Thinking_config.include_thoughts is only enabled when thinking is enabled.")


def _check_response_format(config: Wire) -> None:
    openapi, schema = get(config, "responseSchema"), get(config, "responseJsonSchema")
    form = get(config, "responseFormat")
    if openapi is not None and schema is not None:
        raise refuse("Only one of response_schema and response_json_schema may be set.")
    if (openapi is not None or schema is not None) and get(config, "responseMimeType") != "application/json":
        raise refuse("Response schema is only supported for mime type application/json.")
    found = None
    if openapi is not None:
        found = schemas.google_openapi(openapi, "generation_config.response_schema")
    elif schema is not None:
        found = schemas.google_json(schema, "generation_config.response_json_schema")
    for index, each in enumerate(form if isinstance(form, list) else [form] if form is not None else ()):
        at = f"generation_config.response_format[{index}]"
        _check_fields(each, _FORMAT, at)
        text = each.get("text")
        if text is None:
            continue
        _check_fields(text, fields("mimeType schema"), f"{at}.text")
        if "schema" in text:
            found = schemas.google_json(text["schema"], f"{at}.text.schema")
    if found is not None:
        raise refuse(f"Invalid JSON payload received. {found}")


def _check_tools(body: Wire, rules: Rules) -> list[str]:
    """The names of the functions that are offered."""
    names: list[str] = []
    built_in = False
    for index, tool in enumerate(get(body, "tools") or ()):
        _check_fields(tool, _TOOLS, f"tools[{index}]")
        for position, declared in enumerate(get(tool, "functionDeclarations") or ()):
            _check_declaration(declared, f"tools[{index}].function_declarations[{position}]")
            names.append(declared["name"])
        built_in = built_in or any(tool[name] is not None and camel(name) != "functionDeclarations" for name in tool)
    duplicates = {name for name in names if names.count(name) > 1}
    if duplicates:
        raise refuse(f"Duplicate function declaration found: {min(duplicates)}")
    if built_in and names:
        server_side = get(get(body, "toolConfig") or {}, "includeServerSideToolInvocations")
        if not rules.mixes_tools or not server_side:
            raise refuse("Tool use with function calling is unsupported")
    return names


def _check_declaration(declared: Wire, at: str) -> None:
    _check_fields(declared, _DECLARATION, at)
    if not _NAME.match(str(declared.get("name", ""))):
        raise refuse(
            f"Invalid function name at '{at}.name'. Must start with a letter or an underscore. Must be alphameric (a-z, A-Z, "
            "0-9), underscores (_), dots (.), colons (:), or dashes (-), with a maximum length of 128."
        )
    openapi, schema = get(declared, "parameters"), get(declared, "parametersJsonSchema")
    if openapi is not None and schema is not None:
        raise refuse(f"{at}: only one of parameters and parameters_json_schema may be set.")
    found = None
    if openapi is not None:
        found = schemas.google_openapi(openapi, f"{at}.parameters")
        if found is None and str(openapi.get("type")).upper() not in ("OBJECT", "6"):
            found = f"{at}.parameters: functionDeclaration parameters schema should be of type OBJECT."
    elif schema is not None:
        found = schemas.google_json(schema, f"{at}.parameters_json_schema")
    if found is not None:
        raise refuse(f"Invalid JSON payload received. {found}")


def _check_tool_config(config: Wire, functions: list[str]) -> None:
    _check_fields(config, _TOOL_CONFIG, "tool_config")
    calling = get(config, "functionCallingConfig")
    if calling is None:
        return
    _check_fields(calling, _CALLING, "tool_config.function_calling_config")
    mode, allowed = get(calling, "mode"), get(calling, "allowedFunctionNames") or []
    if mode not in (None, "AUTO", "ANY", "NONE", "VALIDATED"):
        raise refuse(f"Invalid value at 'tool_config.function_calling_config.mode', \"{mode}\"")
    if allowed and mode not in ("ANY", "VALIDATED"):
        raise refuse("Allowed function names should only be set when function calling mode is ANY or VALIDATED.")
    missing = [name for name in allowed if name not in functions]
    if missing:
        raise refuse(f"allowed_function_names contains {missing[0]}, which is not in function_declarations.")
