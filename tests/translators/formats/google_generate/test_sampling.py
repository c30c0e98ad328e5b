import pytest

from translators.canonical import ReasoningSpec, Sampling, Source, UpstreamError

from .asking import changes, rendered, user

HI = user("hi")


def generation(**members) -> dict:
    return rendered(HI, sampling=Sampling(**members)).get("generationConfig", {})


def thinking(source: str | None = None, **members) -> dict | None:
    given = {} if source is None else {"source": Source(format=source, body={}, raw=b"")}
    return rendered(HI, reasoning=ReasoningSpec(**members), **given).get("generationConfig", {}).get("thinkingConfig")


def test_every_setting_has_googles_name():
    assert generation(
        temperature=0.5,
        top_p=0.9,
        top_k=3,
        frequency_penalty=0.1,
        presence_penalty=0.2,
        max_output_tokens=9,
        stop=("a", "b"),
        seed=7,
        n=2,
        logprobs=True,
        top_logprobs=3,
    ) == {
        "temperature": 0.5,
        "topP": 0.9,
        "topK": 3,
        "candidateCount": 2,
        "maxOutputTokens": 9,
        "presencePenalty": 0.2,
        "frequencyPenalty": 0.1,
        "stopSequences": ["a", "b"],
        "seed": 7,
        "responseLogprobs": True,
        "logprobs": 3,
    }


def test_what_says_nothing_is_not_said():
    assert generation(n=1, stop=(), logprobs=False, top_logprobs=0, logit_bias={}) == {}
    assert generation(stop=("", "a")) == {"stopSequences": ["a"]}
    assert changes(HI, sampling=Sampling(stop=("", "a"))) == ["sampling.stop: dropped"]


def test_more_alternatives_than_google_gives_are_listed():
    sampling = Sampling(logprobs=True, top_logprobs=30)
    assert generation(logprobs=True, top_logprobs=30) == {"responseLogprobs": True, "logprobs": 20}
    assert changes(HI, sampling=sampling) == ["sampling.top_logprobs: reshaped"]
    assert generation(top_logprobs=2) == {"responseLogprobs": True, "logprobs": 2}


@pytest.mark.parametrize(("seed", "sent"), [(2**31 - 1, 2**31 - 1), (-5, -5), (2**31, 0), (2**40 + 7, 7)])
def test_a_seed_fits_into_31_bits(seed, sent):
    assert generation(seed=seed) == {"seed": sent}
    assert bool(changes(HI, sampling=Sampling(seed=seed))) is (seed != sent)


@pytest.mark.parametrize(
    ("param", "members"),
    [
        ("stop", {"stop": ("a", "b", "c", "d", "e", "f")}),
        ("logit_bias", {"logit_bias": {"1": 5}}),
        ("prediction", {"prediction": {"type": "content"}}),
    ],
)
def test_what_google_has_no_word_for_is_refused(param, members):
    with pytest.raises(UpstreamError) as caught:
        generation(**members)
    assert caught.value.body.param == param


def test_a_bias_of_nothing_is_left_out():
    assert changes(HI, sampling=Sampling(logit_bias={"1": 0})) == ["sampling.logit_bias: dropped"]


def test_an_effort_is_a_level_and_a_budget_a_budget():
    assert thinking(effort="low") == {"thinkingLevel": "low", "includeThoughts": True}
    assert thinking(effort="none") == {"thinkingLevel": "minimal"}
    assert thinking(effort="high", budget_tokens=5) == {"thinkingLevel": "high", "includeThoughts": True}
    assert thinking(budget_tokens=512) == {"thinkingBudget": 512, "includeThoughts": True}
    assert thinking(budget_tokens=0, summary="auto") == {"thinkingBudget": 0}


def test_responses_clients_see_thoughts_when_they_ask_for_a_summary():
    assert thinking("openai_responses", effort="low") == {"thinkingLevel": "low"}
    assert thinking("openai_responses", effort="low", summary="auto") == {
        "thinkingLevel": "low",
        "includeThoughts": True,
    }
    assert thinking("openai_responses", summary="auto") == {"includeThoughts": True}
    assert thinking("openai_chat", effort="low") == {"thinkingLevel": "low", "includeThoughts": True}
    assert thinking() is None


def test_what_is_lost_of_it_is_listed():
    spec = ReasoningSpec(effort="max", summary="detailed", raw={"mode": "pro"})
    assert changes(HI, reasoning=spec) == [
        "reasoning.effort: mapped",
        "reasoning.summary: mapped",
        "reasoning.raw: dropped",
    ]


def test_an_effort_nobody_knows_is_refused():
    with pytest.raises(UpstreamError, match="huge"):
        thinking(effort="huge")


def test_pictures_are_asked_for_by_modality():
    assert rendered(HI, modalities=("text", "image"))["generationConfig"] == {"responseModalities": ["TEXT", "IMAGE"]}
    with pytest.raises(UpstreamError) as caught:
        rendered(HI, modalities=("text", "audio"))
    assert caught.value.body.param == "modalities"
    assert changes(HI, audio={"voice": "alloy"}) == ["audio: dropped"]
