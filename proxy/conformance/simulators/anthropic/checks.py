"""What Anthropic demands of a request around its conversation: known fields, thinking, sampling, tools, formats.

Sources: Anthropic's API reference, structured-outputs and extended-thinking pages; recorded refusals of strict tools.
"""

from __future__ import annotations

import re
from typing import Any

from proxy.conformance.simulators import schemas
from proxy.conformance.simulators.fields import fields
from proxy.conformance.simulators.seals import Seals
from proxy.conformance.simulators.server import Heard

from .messages import check_messages
from .models import LEVELS, Rules, rules_of
from .saying_no import refuse

Wire = dict[str, Any]

_FIELDS = fields(
    "model max_tokens messages system tools tool_choice stop_sequences stream temperature top_p top_k thinking output_config "
    "metadata cache_control container service_tier speed inference_geo diagnostics anthropic_version"
)
_WITH_BETA = {
    "context_management": "context-management-2025-06-27",
    "mcp_servers": "mcp-client",
    "output_format": "structured-outputs-2025-11-13",
    "fallbacks": "server-side-fallback",
    "thread": "message-threads",
}
_BETA = re.compile(r"[a-z][a-z0-9-]*-20\d\d-\d\d-\d\d\Z")
_TOOL_FIELDS = fields(
    "type name description input_schema strict cache_control defer_loading eager_input_streaming input_examples "
    "allowed_callers"
)
_SERVER_TOOL = re.compile(
    r"(?:web_search|web_fetch|code_execution|bash|text_editor|memory|tool_search_tool_(?:bm25|regex)|computer(?:_toolset)?"
    r"|browser_toolset)_20\d{6}\Z"
)
_VERSIONS = ("2023-06-01", "2026-10-21")


def check(heard: Heard, seals: Seals) -> None:
    """Raises `RefusedError` for whatever the Messages API refuses."""
    body = heard.body
    _check_headers(heard)
    if not isinstance(body.get("model"), str):
        raise refuse("model: Field required")
    rules = rules_for(body["model"])
    _check_fields(body, heard.headers.get("anthropic-beta", ""))
    _check_limit(body, rules)
    _check_system(body)
    _check_thinking(body, rules)
    _check_sampling(body, rules)
    _check_tools(body, rules)
    _check_format(body)
    check_messages(body, rules, seals)


def rules_for(model: str) -> Rules:
    """The rules of a model that exists. Raises `RefusedError` for another."""
    rules = rules_of(model)
    if rules is None:
        raise refuse(f"model: {model}", 404, "not_found_error")
    return rules


def _check_headers(heard: Heard) -> None:
    version = heard.headers.get("anthropic-version")
    if version is None:
        raise refuse("anthropic-version: header is required")
    if version not in _VERSIONS:
        raise refuse(f'anthropic-version: "{version}" is not a valid version')
    if not heard.headers.get("content-type", "").startswith("application/json"):
        raise refuse("Invalid content type: the request body must be JSON")
    for beta in filter(None, (part.strip() for part in heard.headers.get("anthropic-beta", "").split(","))):
        if not _BETA.match(beta):
            raise refuse(f"Unexpected value(s) `{beta}` for the `anthropic-beta` header.")


def _check_fields(body: Wire, betas: str) -> None:
    for name in body:
        if name in _WITH_BETA:
            if _WITH_BETA[name] not in betas:
                raise refuse(f"{name}: Extra inputs are not permitted")
        elif name not in _FIELDS:
            raise refuse(f"{name}: Extra inputs are not permitted")
    if "stream" in body and not isinstance(body["stream"], bool):
        raise refuse("stream: Input should be a valid boolean")
    metadata = body.get("metadata")
    if metadata is not None:
        extra = set(metadata) - {"user_id"}
        if extra:
            raise refuse(f"metadata.{min(extra)}: Extra inputs are not permitted")
        if not isinstance(metadata.get("user_id"), (str, type(None))) or len(metadata.get("user_id") or "") > 256:
            raise refuse("metadata.user_id: String should have at most 256 characters")
    if body.get("service_tier") not in (None, "auto", "standard_only"):
        raise refuse("service_tier: Input should be 'auto' or 'standard_only'")
    for stop in body.get("stop_sequences") or ():
        if not isinstance(stop, str) or not stop.strip():
            raise refuse("stop_sequences: each stop sequence must contain non-whitespace")


def _check_limit(body: Wire, rules: Rules) -> None:
    limit = body.get("max_tokens")
    if limit is None:
        raise refuse("max_tokens: Field required")
    if type(limit) is not int or limit < 0:
        raise refuse("max_tokens: Input should be greater than or equal to 0")
    if limit > rules.output:
        raise refuse(
            f"max_tokens: {limit} > {rules.output}, which is the maximum allowed number of output tokens for "
            f"{body['model']}"
        )


def _check_system(body: Wire) -> None:
    system = body.get("system")
    if system is None or isinstance(system, str):
        return
    for index, block in enumerate(system):
        if block.get("type") != "text":
            raise refuse(f"system.{index}.type: Input should be 'text'")
        if not block.get("text", "").strip():
            raise refuse("system: text content blocks must be non-empty")
        extra = set(block) - {"type", "text", "citations", "cache_control"}
        if extra:
            raise refuse(f"system.{index}.{min(extra)}: Extra inputs are not permitted")


def _check_thinking(body: Wire, rules: Rules) -> None:
    effort = (body.get("output_config") or {}).get("effort")
    if effort is not None:
        if effort not in LEVELS:
            raise refuse("output_config.effort: Input should be 'low', 'medium', 'high', 'xhigh' or 'max'")
        if effort not in rules.efforts:
            raise refuse(f"output_config.effort: '{effort}' is not supported on this model.")
    thinking = body.get("thinking")
    if thinking is None:
        return
    kind = thinking.get("type")
    if kind not in rules.thinking:
        if kind == "enabled":
            raise refuse(
                '"thinking.type.enabled" is not supported for this model. Use "thinking.type.adaptive" and '
                '"output_config.effort" to control thinking behavior.'
            )
        raise refuse(f'"thinking.type.{kind}" is not supported for this model.')
    allowed = {"type", "display", "block_binding"} | ({"budget_tokens"} if kind == "enabled" else set())
    extra = set(thinking) - allowed
    if extra:
        raise refuse(f"thinking.{kind}.{min(extra)}: Extra inputs are not permitted")
    if "display" in thinking and (kind == "disabled" or thinking["display"] not in ("summarized", "omitted")):
        raise refuse(f"thinking.{kind}.display: Input should be 'summarized' or 'omitted'")
    if kind == "enabled":
        budget = thinking.get("budget_tokens")
        if type(budget) is not int or budget < 1024:
            raise refuse("thinking.enabled.budget_tokens: Input should be greater than or equal to 1024")
        if budget >= body["max_tokens"]:
            raise refuse(
                "`max_tokens` must be greater than `thinking.budget_tokens`. Please consult our documentation at "
                "https://docs.claude.com/en/docs/build-with-claude/extended-thinking#max-tokens-and-context-window-size"
            )
    if kind == "disabled" and effort in LEVELS and LEVELS.index(effort) > LEVELS.index(rules.off_up_to):
        raise refuse(f"thinking cannot be disabled at effort '{effort}' on this model")
    if kind == "between_tools" and effort in ("xhigh", "max"):
        raise refuse("thinking.type.between_tools supports the efforts low, medium and high")


def _check_sampling(body: Wire, rules: Rules) -> None:
    temperature, top_p, top_k = (body.get(name) for name in ("temperature", "top_p", "top_k"))
    if not rules.sampling:
        if temperature is not None and temperature != 1:
            raise refuse("`temperature` is deprecated for this model.")
        for name in ("top_p", "top_k"):
            if body.get(name) is not None:
                raise refuse(f"`{name}` is deprecated for this model.")
        return
    if temperature is not None and not 0 <= temperature <= 1:
        raise refuse("temperature: Input should be less than or equal to 1")
    if temperature is not None and top_p is not None:
        raise refuse("`temperature` and `top_p` cannot both be specified for this model. Please use only one.")
    if (body.get("thinking") or {}).get("type") == "enabled":
        if temperature not in (None, 1):
            raise refuse("`temperature` may only be set to 1 when thinking is enabled.")
        if top_k is not None:
            raise refuse("`top_k` must be unset when thinking is enabled.")
        if top_p is not None and top_p < 0.95:
            raise refuse("`top_p` must be greater than or equal to 0.95 or unset when thinking is enabled.")


def _check_tools(body: Wire, rules: Rules) -> None:
    tools = body.get("tools") or []
    for index, tool in enumerate(tools):
        _check_tool(tool, f"tools.{index}")
    names = [tool.get("name") for tool in tools]
    if len(set(names)) != len(names):
        raise refuse("tools: Tool names must be unique.")
    strict = [tool["input_schema"] for tool in tools if tool.get("strict") is True]
    if len(strict) > 20:
        raise refuse(
            f"Too many strict tools ({len(strict)}). The maximum number of strict tools supported is 20. Try reducing the "
            "number of tools marked as strict."
        )
    optional = sum(schemas.optional_parameters(each) for each in strict)
    if optional > 24:
        raise refuse(
            f"Schemas contains too many optional parameters ({optional}), which would make grammar compilation "
            "inefficient. Reduce the number of optional parameters in your tool schemas (limit: 24)."
        )
    unions = sum(schemas.union_parameters(each) for each in strict)
    if unions > 16:
        raise refuse(
            f"Schemas contains too many parameters with union types ({unions} parameters with type arrays or anyOf). This "
            "causes exponential compilation cost. Reduce the number of nullable or union-typed parameters (limit: 16 "
            "parameters with unions)."
        )
    _check_choice(body, tools, rules)


def _check_tool(tool: Wire, at: str) -> None:
    kind = tool.get("type", "custom")
    if kind != "custom":
        if not _SERVER_TOOL.match(str(kind)) and kind != "mcp_toolset":
            raise refuse(f"{at}: Input tag '{kind}' found using 'type' does not match any of the expected tags")
        return
    extra = set(tool) - _TOOL_FIELDS
    if extra:
        raise refuse(f"{at}.custom.{min(extra)}: Extra inputs are not permitted")
    if not re.match(r"[a-zA-Z0-9_-]{1,128}\Z", str(tool.get("name", ""))):
        raise refuse(f"{at}.custom.name: String should match pattern '^[a-zA-Z0-9_-]{{1,128}}$'")
    schema = tool.get("input_schema")
    if not isinstance(schema, dict):
        raise refuse(f"{at}.custom.input_schema: Field required")
    if "type" not in schema:
        raise refuse(f"{at}.custom.input_schema.type: Field required")
    if schema["type"] != "object":
        raise refuse(f"{at}.custom.input_schema.type: Input should be 'object'")
    for word in ("oneOf", "allOf", "anyOf"):
        if word in schema:
            raise refuse(
                f"{at}.custom.input_schema: input_schema does not support oneOf, allOf, or anyOf at the top level"
            )
    if tool.get("strict") is True:
        found = schemas.anthropic_strict(schema)
        if found is not None:
            raise refuse(f"{at}.custom: {found}")


def _check_choice(body: Wire, tools: list[Wire], rules: Rules) -> None:
    choice = body.get("tool_choice")
    if choice is None:
        return
    kind = choice.get("type")
    if kind not in ("auto", "any", "none", "tool"):
        raise refuse("tool_choice: Input tag found using 'type' does not match any of the expected tags")
    allowed = {"auto": {"disable_parallel_tool_use"}, "any": {"disable_parallel_tool_use"}, "none": set[str]()}
    extra = set(choice) - {"type"} - allowed.get(kind, {"name", "disable_parallel_tool_use"})
    if extra:
        raise refuse(f"tool_choice.{kind}.{min(extra)}: Extra inputs are not permitted")
    if not tools:
        raise refuse("tool_choice may only be specified while providing tools")
    if kind == "tool" and choice.get("name") not in [tool.get("name") for tool in tools]:
        raise refuse(f"Tool '{choice.get('name')}' not found in provided tools")
    if kind not in ("any", "tool"):
        return
    if not rules.forced:
        raise refuse(f"tool_choice: '{kind}' is not supported on this model.")
    if (body.get("thinking") or {}).get("type") == "enabled":
        raise refuse("Thinking may not be enabled when tool_choice forces tool use.")


def _check_format(body: Wire) -> None:
    config = body.get("output_config") or {}
    extra = set(config) - {"effort", "format", "task_budget"}
    if extra:
        raise refuse(f"output_config.{min(extra)}: Extra inputs are not permitted")
    form = config.get("format", body.get("output_format"))
    if form is None:
        return
    if form.get("type") != "json_schema":
        raise refuse("output_config.format: Input tag found using 'type' does not match any of the expected tags")
    extra = set(form) - {"type", "schema"}
    if extra:
        raise refuse(f"output_config.format.{min(extra)}: Extra inputs are not permitted")
    found = schemas.anthropic_strict(form.get("schema"))
    if found is not None:
        raise refuse(f"output_config.format.schema: {found}")
