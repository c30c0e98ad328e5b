"""What differs between the servers that speak chat completions: what stands beside the news, where thoughts are shown, what
usage tells, and what is refused.

Sources: recordings of OpenAI (gpt-4o to gpt-5.6), Azure, vLLM 0.11 to 0.33 and llama-server b10499; LOCAL and MICROSOFT notes.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from .saying_no import AZURE, LLAMA_CPP, OPENAI, VLLM, No

Wire = dict[str, Any]
_SAFE = {
    "hate": {"filtered": False, "severity": "safe"},
    "self_harm": {"filtered": False, "severity": "safe"},
    "sexual": {"filtered": False, "severity": "safe"},
    "violence": {"filtered": False, "severity": "safe"},
}
PROMPT_FILTER: Wire = {
    "choices": [],
    "created": 0,
    "id": "",
    "model": "",
    "object": "",
    "prompt_filter_results": [
        {"prompt_index": 0, "content_filter_results": {**_SAFE, "jailbreak": {"filtered": False, "detected": False}}}
    ],
}
"""The first chunk of an Azure stream."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Flavour:
    """One kind of server.

    `envelope` are members of every answer and chunk, `message` of every message, `opening` the first delta in text, `delta`
    what later deltas repeat, `choice` what ends a choice, `last` what stands on the usage chunk and on whole answers.
    `reasoning` is the member that shows thoughts, None where chat shows none. `knows_models`: unknown names and a model's own
    rules are enforced. `strict_fields`: unknown members are refused. `fetches` images by URL. `choices`: `tool_choice` may be
    an object. `lenient`: words that are nobody's standard are taken.
    """

    name: str
    no: No
    envelope: Wire = field(default_factory=dict)
    message: Wire = field(default_factory=dict)
    opening: Wire = field(default_factory=dict)
    delta: Wire = field(default_factory=dict)
    choice: Wire = field(default_factory=dict)
    last: Wire = field(default_factory=dict)
    reasoning: str | None = None
    textless: str | None = None
    counts_cached: bool = True
    counts_reasoning: bool = True
    nulls_usage: bool = False
    knows_models: bool = False
    strict_fields: bool = False
    fetches: bool = True
    choices: bool = True
    files: bool = False
    calls: str = "call_"
    filters: bool = False
    whole_calls: bool = False
    developer: bool = True
    lenient: bool = False


OPENAI_FLAVOUR = Flavour(
    name="openai",
    no=OPENAI,
    envelope={"service_tier": "default", "system_fingerprint": "fp_1"},
    message={"refusal": None, "annotations": []},
    opening={"role": "assistant", "content": "", "refusal": None},
    nulls_usage=True,
    knows_models=True,
    strict_fields=True,
    files=True,
)
AZURE_FLAVOUR = Flavour(
    name="azure",
    no=AZURE,
    envelope={"system_fingerprint": "fp_efad92c60b"},
    message={"refusal": None, "annotations": []},
    opening={"role": "assistant", "content": "", "refusal": None},
    choice={"content_filter_results": {}},
    nulls_usage=True,
    knows_models=True,
    strict_fields=True,
    files=True,
    filters=True,
)
VLLM_FLAVOUR = Flavour(
    name="vllm",
    no=VLLM,
    envelope={"service_tier": None, "system_fingerprint": None},
    message={"refusal": None, "annotations": None, "audio": None, "function_call": None, "tool_calls": []},
    opening={"role": "assistant", "content": "", "function_call": None, "refusal": None, "tool_calls": None},
    delta={"content": None, "function_call": None, "refusal": None, "role": None, "tool_calls": None},
    choice={"stop_reason": None},
    last={"prompt_logprobs": None, "kv_transfer_params": None},
    reasoning="reasoning",
    nulls_usage=True,
    calls="chatcmpl-tool-",
)
LLAMA_FLAVOUR = Flavour(
    name="llama-cpp",
    no=LLAMA_CPP,
    envelope={"system_fingerprint": "b10499-6d05498"},
    opening={"role": "assistant", "content": None},
    last={"timings": {"cache_n": 4, "prompt_n": 16, "predicted_n": 7, "predicted_per_second": 129.3}},
    reasoning="reasoning_content",
    textless="",
    counts_reasoning=False,
    choices=False,
    calls="",
    developer=False,
)
GENERIC_FLAVOUR = Flavour(
    name="generic-openai",
    no=OPENAI,
    message={"reasoning": None},
    opening={"role": "assistant", "content": ""},
    delta={"role": "assistant"},
    last={"provider": "Someone"},
    reasoning="reasoning_content",
    files=True,
    calls="chatcmpl-tool-",
    whole_calls=True,
    lenient=True,
)
"""An endpoint nobody has met yet: repeats the role in every delta and gives a call's arguments in one piece."""


def filtered(flavour: Flavour) -> Wire:
    """What Azure's filter says of harmless text."""
    return {"content_filter_results": _SAFE} if flavour.filters else {}
