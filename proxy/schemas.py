"""Whether an answer keeps to the JSON Schema its client asked for. The validator is a library; here is when to ask it.

Checked is what a model says of its own accord to its end: an answer that was cut, refused or filtered, and one that calls
tools instead, promises nothing. What is wrong is told by its place and the keyword, never by its content.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable
from typing import Any, Protocol

from translators.canonical import Block, Finish, OutputSpec, Reason, Refusal, Text, ToolCall, UpstreamError
from translators.formats.json import dumps, loads

_KEPT = 256
_compiled: OrderedDict[bytes, Validator | None] = OrderedDict()


class Validator(Protocol):
    def iter_errors(self, instance: Any, /) -> Any: ...


Check = Callable[[tuple[Block, ...], Finish], None]


def check_of(output: OutputSpec) -> Check | None:
    """Raises `UpstreamError(SCHEMA_INVALID)` for an answer that is not as `output` asks; None when it asks for nothing."""
    if output.kind == "json_object":
        return lambda blocks, finish: _check(blocks, finish, None)
    if output.kind != "json_schema" or output.schema is None:
        return None
    validator = _validator(output.schema)
    return lambda blocks, finish: _check(blocks, finish, validator)


def _check(blocks: tuple[Block, ...], finish: Finish, validator: Validator | None) -> None:
    if finish is not Finish.STOP or any(isinstance(block, (Refusal, ToolCall)) for block in blocks):
        return
    text = "".join(block.text for block in blocks if isinstance(block, Text))
    try:
        instance = loads(text)
    except ValueError:
        raise _invalid("The model's answer is not valid JSON.") from None
    error = None if validator is None else next(iter(validator.iter_errors(instance)), None)
    if error is not None:
        place = "".join(f"[{step}]" if isinstance(step, int) else f".{step}" for step in error.instance_path)
        keyword = next((step for step in reversed(error.schema_path) if isinstance(step, str)), "schema")
        raise _invalid(f"The model's answer does not match the schema at ${place} ({keyword}).")


def _invalid(message: str) -> UpstreamError:
    return UpstreamError(Reason.SCHEMA_INVALID, message, failure="schema_invalid", billed_risk=True, http_status=200)


def _validator(schema: dict[str, Any]) -> Validator | None:
    """The compiled schema; None for one that is none, which the provider has to refuse."""
    key = dumps(schema)
    if key in _compiled:
        _compiled.move_to_end(key)
        return _compiled[key]
    import jsonschema_rs  # a large library that most processes never need

    try:
        made: Validator | None = jsonschema_rs.validator_for(schema, validate_formats=False, retriever=_nothing_remote)
    except (ValueError, jsonschema_rs.ReferencingError):  # a ValidationError is a ValueError
        made = None
    _compiled[key] = made
    if len(_compiled) > _KEPT:
        _compiled.popitem(last=False)
    return made


def _nothing_remote(uri: str) -> Any:
    """A client's schema must not make us fetch anything, from the network or from the disk."""
    raise ValueError("references to other documents are not followed")
