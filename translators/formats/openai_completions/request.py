"""What a client asks on /v1/completions, checked by hand, to a canonical request.

Null means absent; nothing is defaulted, so OpenAI's own 16 tokens apply only where the provider applies them. Prompts in text
become `Text` blocks of one user message, which every provider can serve. What only this API can say stands beside them as
`Native` blocks, each holding the members it came from: several prompts, token arrays, `echo`, `suffix`, `best_of`, `logprobs`
and a limit of no tokens. Source of names, ranges and error codes: OpenAI API reference (completions) and recorded refusals.
"""

from __future__ import annotations

from typing import Any

from translators.canonical import JSON, Block, Message, Native, Origin, Request, RequestError, Sampling, Source, Text
from translators.formats import Wire

FORMAT = "openai_completions"

SEPARATE = "prompts"
"""The member of a `Native` that says, with their number, that the texts beside it are prompts of their own."""

POINTERS = {
    "temperature": "/temperature",
    "topP": "/top_p",
    "maxOutputTokens": "/max_tokens",
    "stop": "/stop",
    "seed": "/seed",
}

KNOWN = frozenset(
    {
        "prompt",
        "model",
        "best_of",
        "echo",
        "frequency_penalty",
        "logit_bias",
        "logprobs",
        "max_tokens",
        "n",
        "presence_penalty",
        "seed",
        "stop",
        "stream",
        "stream_options",
        "suffix",
        "temperature",
        "top_p",
        "user",
    }
)
"""Every member of the request body that has a canonical place."""

_PROMPT = "a string, an array of strings, an array of tokens, or an array of token arrays"
_INT64 = 2**63
_NAMES = {
    dict: "an object",
    list: "an array",
    str: "a string",
    bool: "a boolean",
    int: "an integer",
    float: "a decimal",
    type(None): "null",
}


def parse_request(body: Wire, raw: bytes) -> Request:
    """The request that `body` (parsed from `raw`) makes. Raises `RequestError` naming the member at fault."""
    stream = _typed(body, "stream", bool, "a boolean") is True
    options = _stream_options(body, stream=stream)
    return Request(
        messages=(Message("user", (*_prompt(body.get("prompt")), *_natives(body)), None, Origin("/prompt")),),
        model=_typed(body, "model", str, "a string"),
        sampling=_sampling(body),
        stream=stream,
        include_usage=options.get("include_usage") is True,
        include_obfuscation=options.get("include_obfuscation"),
        user=_typed(body, "user", str, "a string"),
        extensions={key: value for key, value in body.items() if key not in KNOWN and value is not None},
        source=Source(format=FORMAT, body=body, raw=raw),
    )


def _prompt(prompt: Any) -> list[Block]:
    match prompt:
        case str():
            return [Text(prompt, origin=Origin("/prompt"))]
        case None:
            raise _error("prompt", "Missing required parameter: 'prompt'.", "missing_required_parameter")
        case []:
            raise _error(
                "prompt",
                "Invalid 'prompt': empty array. Expected an array with minimum length 1, but got an empty array instead.",
                "empty_array",
            )
        case list() if all(type(item) is str for item in prompt):
            texts: list[Block] = [Text(text, origin=Origin(f"/prompt/{at}")) for at, text in enumerate(prompt)]
            return texts if len(texts) == 1 else [*texts, _native(SEPARATE, len(texts), "/prompt")]
        case list() if _is_tokens(prompt) or all(type(item) is list and _is_tokens(item) for item in prompt):
            return [_native("prompt", prompt, "/prompt")]
    raise _wrong_type("prompt", _PROMPT, prompt)


def _is_tokens(items: list[Any]) -> bool:
    return all(type(item) is int for item in items)


def _natives(body: Wire) -> list[Block]:
    """The members that no other API has a word for, where they say something."""
    best_of = _integer(body, "best_of", 0, 20)
    n = _integer(body, "n", 1, 128)
    if best_of and n is not None and n > best_of:
        raise _error(
            "best_of",
            "You requested that the server return more choices than it will generate (HINT: you must set 'n' "
            f"(currently {n}) to be at most 'best_of' (currently {best_of}), or omit either parameter).",
        )
    logprobs = _integer(body, "logprobs", 0, 5)
    limit = _integer(body, "max_tokens", 0)
    said = {
        "echo": _typed(body, "echo", bool, "a boolean") or None,
        "suffix": _typed(body, "suffix", str, "a string") or None,
        "best_of": best_of if best_of and best_of > 1 else None,
        "logprobs": logprobs,  # 0 is a wish too: the log probability of each token, without alternatives
        "max_tokens": limit if limit == 0 else None,  # scores a prompt
    }
    return [_native(key, value, f"/{key}") for key, value in said.items() if value is not None]


def _native(key: str, value: JSON, pointer: str) -> Native:
    return Native(FORMAT, {key: value}, Origin(pointer))


def _stream_options(body: Wire, *, stream: bool) -> Wire:
    options: Wire | None = _typed(body, "stream_options", dict, "an object")
    if options is None:
        return {}
    if not stream:
        raise _error("stream_options", "The 'stream_options' parameter is only allowed when 'stream' is enabled.")
    for key in ("include_usage", "include_obfuscation"):
        _typed(options, key, bool, "a boolean", "stream_options.")
    return options


def _sampling(body: Wire) -> Sampling:
    return Sampling(
        temperature=_number(body, "temperature", 0, 2),
        top_p=_number(body, "top_p", 0, 1),
        frequency_penalty=_number(body, "frequency_penalty", -2, 2),
        presence_penalty=_number(body, "presence_penalty", -2, 2),
        max_output_tokens=_integer(body, "max_tokens", 0),
        stop=_stop(body.get("stop")),
        seed=_integer(body, "seed", -_INT64),
        n=_integer(body, "n", 1, 128),
        logit_bias=_logit_bias(body),
    )


def _stop(stop: Any) -> tuple[str, ...] | None:
    if stop is None:
        return None
    if type(stop) is str:
        return (stop,)
    if type(stop) is not list or not all(type(item) is str for item in stop):
        raise _wrong_type("stop", "a string or an array of strings", stop)
    if len(stop) > 4:
        raise _error(
            "stop",
            "Invalid 'stop': array too long. Expected an array with maximum length 4, "
            f"but got an array with length {len(stop)} instead.",
            "array_above_max_length",
        )
    return tuple(stop)


def _logit_bias(body: Wire) -> dict[str, float] | None:
    bias: dict[str, float] | None = _typed(body, "logit_bias", dict, "an object")
    for token, value in (bias or {}).items():
        if type(value) is not int and type(value) is not float:
            raise _wrong_type(f"logit_bias.{token[:64]}", "a decimal", value)
        if not -100 <= value <= 100:
            raise _error("logit_bias", "Invalid 'logit_bias': values must be between -100 and 100.")
    return bias


def _typed(body: Wire, key: str, kind: type, expected: str, where: str = "") -> Any:
    """The member `key`, which is of exactly the type `kind`, or None."""
    value = body.get(key)
    if value is not None and type(value) is not kind:
        raise _wrong_type(where + key, expected, value)
    return value


def _integer(body: Wire, key: str, low: int, high: int = _INT64 - 1) -> int | None:
    value: int | None = _typed(body, key, int, "an integer")
    if value is not None:
        _check_range(key, "integer", value, low, high)
    return value


def _number(body: Wire, key: str, low: int, high: int) -> float | None:
    value = body.get(key)
    if value is None:
        return None
    if type(value) is not float and type(value) is not int:
        raise _wrong_type(key, "a decimal", value)
    _check_range(key, "decimal", value, low, high)
    return value


def _check_range(key: str, kind: str, value: float, low: int, high: int) -> None:
    if value > high:
        raise _error(
            key,
            f"Invalid '{key}': {kind} above maximum value. Expected a value <= {high}, but got {value} instead.",
            f"{kind}_above_max_value",
        )
    if value < low:
        raise _error(
            key,
            f"Invalid '{key}': {kind} below minimum value. Expected a value >= {low}, but got {value} instead.",
            f"{kind}_below_min_value",
        )


def _wrong_type(param: str, expected: str, value: Any) -> RequestError:
    got = _NAMES.get(type(value), "something else")
    return _error(param, f"Invalid type for '{param}': expected {expected}, but got {got} instead.", "invalid_type")


def _error(param: str, message: str, code: str = "invalid_value") -> RequestError:
    return RequestError(message, param=param, code=code)
