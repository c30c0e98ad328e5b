"""What every provider record keeps, built in or not: one parametrised test per promise."""

import copy

import pytest

from translators.canonical import (
    FLAGS,
    CapabilitySet,
    Message,
    OutputSpec,
    ReasoningSpec,
    Request,
    Sampling,
    Source,
    Text,
    Tool,
    ToolChoice,
    UpstreamError,
)
from translators.canonical.needs import needs
from translators.formats import ProviderFormat
from translators.providers import load, names
from translators.providers.provider import AdapterProvider, ModelFacts, Provider

RECORDS = [load(name) for name in names()]
WIRED = [record for record in RECORDS if isinstance(record, Provider)]
PATHS = {"embeddings", "completions", "models"}
FACTS = [
    ModelFacts(model="gpt-4o"),
    ModelFacts(model="gpt-5.6-sol", context_window=8192),
    ModelFacts(model="gpt-oss:20b", flags={"reasoning": True}),
    ModelFacts(model="deepseek-v3.1"),
]
BODY = {
    "model": "m",
    "messages": [{"role": "developer", "content": "be kind"}, {"role": "user", "content": "hi"}],
    "tools": [
        {"type": "function", "function": {"name": "a", "parameters": {"type": "object"}}},
        {"type": "function", "function": {"name": "b", "parameters": {"type": "object"}}},
    ],
    "tool_choice": {"type": "function", "function": {"name": "b"}},
    "max_tokens": 50,
    "temperature": 0.5,
    "top_p": 0.5,
    "reasoning_effort": "none",
    "guided_json": {"type": "object"},
}
ASKED = Request(
    model="m",
    messages=(Message("developer", (Text("be kind"),)), Message("user", (Text("hi"),))),
    tools=(Tool(name="a", parameters={"type": "object"}), Tool(name="b", parameters={"type": "object"})),
    tool_choice=ToolChoice(mode="named", names=("b",)),
    sampling=Sampling(max_output_tokens=50, temperature=0.5, top_p=0.5),
    reasoning=ReasoningSpec(effort="none"),
    extensions={"guided_json": {"type": "object"}},
    source=Source(format="openai_chat", body=BODY, raw=b"{}"),
)


def named(records):
    return pytest.mark.parametrize("record", records, ids=lambda record: record.name)


def test_the_built_in_ones_are_installed():
    built_in = {"anthropic", "demo", "generic-openai", "google", "llama-cpp", "microsoft", "ollama", "openai", "vllm"}
    assert built_in <= {record.name for record in RECORDS}


@named(RECORDS)
def test_the_capability_set_knows_every_flag_and_no_other(record: Provider | AdapterProvider):
    assert isinstance(record.capabilities, CapabilitySet)
    assert record.capabilities.flags.keys() == set(FLAGS)
    assert all(type(value) is bool for value in record.capabilities.flags.values())


@named(WIRED)
def test_paths_lead_below_the_base_url(record: Provider):
    assert all(path.startswith("/") and not path.endswith("/") for path in record.paths.values())
    assert record.paths.keys() - PATHS <= {known.name for known in record.formats}
    assert all(isinstance(known, ProviderFormat) and known.name in record.paths for known in record.formats)
    assert record.base_url is None or not record.base_url.endswith("/")
    assert record.health is None or record.health.startswith("/")
    assert record.discovery is None or record.discovery.list.path.startswith("/")


@named(WIRED)
def test_local_servers_need_no_key_and_say_so(record: Provider):
    assert record.local is (record.name in {"ollama", "vllm", "llama-cpp"})
    assert all(name.isupper() for name in record.key_env)


@named(WIRED)
@pytest.mark.parametrize("facts", FACTS, ids=lambda facts: facts.model)
def test_adapt_is_pure_and_doing_it_twice_changes_nothing_more(record: Provider, facts: ModelFacts):
    before = copy.deepcopy(ASKED)
    once = record.adapt(ASKED, facts)
    assert before == ASKED
    assert once == record.adapt(ASKED, facts)
    twice = record.adapt(once.request, facts)
    assert twice.request == once.request
    assert twice.transforms == ()
    assert (once.request == ASKED) is (once.transforms == ())


@named(WIRED)
@pytest.mark.parametrize("facts", FACTS, ids=lambda facts: facts.model)
def test_amend_is_pure_and_doing_it_twice_changes_nothing_more(record: Provider, facts: ModelFacts):
    for body in (BODY, {"model": "m", "input": "hi"}, {"model": "m", "messages": [{"role": "user", "content": "hi"}]}):
        before = copy.deepcopy(body)
        once = record.amend(body, facts)
        assert before == body
        assert record.amend(once, facts) is once


@named(WIRED)
@pytest.mark.parametrize("facts", FACTS, ids=lambda facts: facts.model)
@pytest.mark.parametrize("client", ["openai_chat", "openai_responses", "openai_completions", "joch_native"])
def test_choose_gives_a_format_of_the_provider(record: Provider, facts: ModelFacts, client: str):
    plain = Request(messages=(Message("user", (Text("hi"),)),))
    assert record.choose(record.formats, client, plain, facts) in record.formats


def says_in_its_path(record: Provider, wire_format: ProviderFormat) -> bool:
    """Whether the path tells a stream from a whole answer, so that the body need not."""
    if record.path_of is None:
        return False
    whole, stream = (record.path_of(FACTS[0], wire_format.name, each) for each in (False, True))
    return whole != stream


@named(WIRED)
def test_a_request_whose_needs_are_met_can_be_rendered(record: Provider):
    request = Request(
        messages=(Message("user", (Text("hi"),)),),
        tools=(Tool(name="a"),),
        tool_choice=ToolChoice(mode="required"),
        output=OutputSpec(kind="json_schema", name="n", schema={"type": "object"}),
        stream=True,
    )
    assert record.capabilities.missing(needs(request)) == ()
    for wire_format in record.formats:
        if wire_format.name == "openai_completions":
            continue  # chosen for clients of its own dialect alone, which has no tools
        rendered = wire_format.render_request(record.adapt(request, FACTS[0]).request, "gpt-4o")
        amended = record.amend(rendered.body, FACTS[0])
        assert amended.get("stream") is True or says_in_its_path(record, wire_format)


@named(WIRED)
def test_classify_leaves_what_it_does_not_know(record: Provider):
    error = record.formats[0].parse_error(418, {}, b'{"error": {"message": "I am a teapot"}}')
    assert isinstance(error, UpstreamError)
    assert record.classify(error, 418, {}, b'{"error": {"message": "I am a teapot"}}') is error


@named([record for record in WIRED if record.discovery is not None])
@pytest.mark.parametrize("answer", [None, [], {}, {"data": 5}, {"models": 5}, {"data": [5, {}, {"id": 5}]}, "x"])
def test_a_list_of_another_shape_lists_nothing(record: Provider, answer):
    assert record.discovery is not None
    assert record.discovery.parse_list(answer) == ()
