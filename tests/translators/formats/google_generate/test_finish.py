import pytest

from translators.canonical import Finish, Reason, UpstreamError
from translators.formats.google_generate.finish import finish_of, finish_word, refuse_broken


def ended(word: str, *, called: bool = False, said: bool = True, resumable: bool = False) -> Finish:
    return finish_of(word, called=called, said=said, resumable=resumable)


@pytest.mark.parametrize(
    ("word", "finish"),
    [
        ("STOP", Finish.STOP),
        ("MAX_TOKENS", Finish.LENGTH),
        *((word, Finish.CONTENT_FILTER) for word in ("SAFETY", "RECITATION", "LANGUAGE", "BLOCKLIST", "SPII")),
        *((word, Finish.CONTENT_FILTER) for word in ("PROHIBITED_CONTENT", "MODEL_ARMOR", "IMAGE_SAFETY")),
        *((word, Finish.CONTENT_FILTER) for word in ("IMAGE_PROHIBITED_CONTENT", "IMAGE_RECITATION")),
        *((word, Finish.STOP) for word in ("OTHER", "IMAGE_OTHER", "NO_IMAGE", "ESCALATION", "A_NEW_WORD")),
        ("CONTINUATION", Finish.LENGTH),
    ],
)
def test_every_word_has_its_meaning(word, finish):
    assert ended(word) is finish


def test_calls_are_the_reason_of_a_plain_end_only():
    assert ended("STOP", called=True) is Finish.TOOL_CALLS
    assert ended("OTHER", called=True, said=False) is Finish.TOOL_CALLS
    assert ended("MAX_TOKENS", called=True) is Finish.LENGTH
    assert ended("SAFETY", called=True) is Finish.CONTENT_FILTER


def test_words_that_tell_nothing_are_a_filter_where_nothing_was_said():
    assert ended("OTHER", said=False) is Finish.CONTENT_FILTER
    assert ended("PUP_LIMITED_DISABLED", said=False) is Finish.CONTENT_FILTER
    assert ended("STOP", said=False) is Finish.STOP


def test_a_continuation_with_a_token_is_a_pause():
    assert ended("CONTINUATION", resumable=True) is Finish.PAUSE


@pytest.mark.parametrize(
    ("reason", "word"), [(1, "STOP"), (2, "MAX_TOKENS"), (9, "9"), (None, None), ("", None), ([], None)]
)
def test_words_may_be_numbers(reason, word):
    assert finish_word({"finishReason": reason}) == word


@pytest.mark.parametrize(
    "word", ["MALFORMED_FUNCTION_CALL", "UNEXPECTED_TOOL_CALL", "TOO_MANY_TOOL_CALLS", "MALFORMED_RESPONSE"]
)
def test_what_google_calls_broken_fails_over(word):
    with pytest.raises(UpstreamError) as caught:
        refuse_broken({"finishReason": word})
    error = caught.value
    assert (error.reason, error.failure, error.upstream_code) == (Reason.BAD_RESPONSE, "tool_use_failed", word)
    assert error.falls_forward
    assert error.billed_risk


def test_a_missing_signature_is_a_failure_of_its_own():
    with pytest.raises(UpstreamError) as caught:
        refuse_broken(
            {"finishReason": "MISSING_THOUGHT_SIGNATURE", "finishMessage": "see https://x.org key=abcdefghijk"}
        )
    assert caught.value.failure == "signature_rejected"
    assert "x.org" not in caught.value.body.message


def test_other_words_are_fine():
    refuse_broken({"finishReason": "STOP"})
    refuse_broken({})
