from translators.canonical import Message, Request, Sampling, Text
from translators.formats.anthropic_messages import models
from translators.providers import load
from translators.providers.anthropic import PROVIDER
from translators.providers.anthropic.quirks import VERSION, adapt, amend, headers_of, known_as, prefix_bound, seal
from translators.providers.provider import ModelFacts

OPUS = ModelFacts(model="claude-opus-5-20260724", max_output=1000)
HI = Request(messages=(Message("user", (Text("hi"),)),), sampling=Sampling(max_output_tokens=5000, top_k=3))
THOUGHT = {"role": "assistant", "content": [{"type": "thinking", "thinking": "", "signature": "SIG"}]}


def test_it_is_installed_under_its_name():
    assert load("anthropic") is PROVIDER


def test_models_are_asked_by_their_rules_and_their_records_limit():
    adapted = adapt(HI, OPUS)
    assert adapted.request.sampling == Sampling(max_output_tokens=1000)
    assert [change.field for change in adapted.transforms] == ["sampling.max_output_tokens", "sampling.top_k"]
    assert amend({"max_tokens": 16_000}, OPUS) == {"max_tokens": 1000}


def test_thoughts_that_no_longer_fit_are_dropped_by_the_service():
    body = amend({"max_tokens": 10, "messages": [THOUGHT]}, OPUS)
    assert "block_binding" in body["thinking"]
    assert headers_of(body, OPUS) == {"anthropic-beta": models.BINDING_BETA}


def test_the_version_is_the_records_if_it_names_one():
    assert PROVIDER.headers == {"anthropic-version": VERSION}
    assert headers_of({}, OPUS) == {}
    newer = ModelFacts(model="claude-opus-5", place={"apiVersion": "2026-10-21"})
    assert headers_of({}, newer) == {"anthropic-version": "2026-10-21"}


def test_several_features_are_one_header():
    image = {"type": "image", "source": {"type": "file", "file_id": "file_1"}}
    body = {"speed": "fast", "messages": [{"role": "user", "content": [image]}]}
    assert headers_of(body, OPUS) == {"anthropic-beta": f"{models.SPEED_BETA},{models.FILES_BETA}"}


def test_blobs_are_sealed_by_family():
    assert seal("anthropic", OPUS) == "anthropic:claude-opus-5"
    assert prefix_bound(OPUS)
    assert not prefix_bound(ModelFacts(model="claude-haiku-4-5"))


def test_a_record_may_say_what_a_model_really_is():
    facts = ModelFacts(model="house-claude", options={"baseModel": "claude-haiku-4-5"})
    assert known_as(facts) == "claude-haiku-4-5"
    assert adapt(HI, facts).transforms == ()
    assert seal("anthropic", facts) == "anthropic:claude-haiku-4-5"
    assert not prefix_bound(facts)
    assert known_as(ModelFacts(model="house-claude")) == "house-claude"
