"""Asking a running router: what comes instead of an answer ends the command, with a word and an exit code of its own."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest

from proxy.cli.asking import ADMIN_TOKEN, ask
from tests.proxy.cli.running import NOBODY, joch, serving

PLACE = "/v1/route/r"


def asked(url: str, capsys: pytest.CaptureFixture[str], **more: Any) -> tuple[Any, str]:
    """The exit code, and what was said."""
    with pytest.raises(SystemExit) as ended:
        ask(url, PLACE, **more)
    return ended.value.code, capsys.readouterr().err


def test_an_answer_is_given_back() -> None:
    with serving({PLACE: {"name": "r"}}) as (url, _):
        assert ask(url + "/", PLACE) == {"name": "r"}


def test_what_is_asked_for_goes_into_the_query() -> None:
    with serving({PLACE + "?last=3&execution=e%2F1": {"ok": True}}) as (url, _):
        assert ask(url, PLACE, {"last": "3", "execution": "e/1"}) == {"ok": True}


def test_the_admin_token_is_sent_where_there_is_one(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(ADMIN_TOKEN, raising=False)
    with serving({PLACE: {}}) as (url, seen):
        ask(url, PLACE)
        monkeypatch.setenv(ADMIN_TOKEN, "sesame")
        ask(url, PLACE)
    assert [headers.get("Authorization") for _, headers in seen] == [None, "Bearer sesame"]


def test_nobody_who_answers_is_exit_code_3_and_what_else_could_be_done_is_said(
    capsys: pytest.CaptureFixture[str],
) -> None:
    code, said = asked(NOBODY, capsys, otherwise=", or look elsewhere")
    assert (code, said) == (3, f"joch: no router answers at {NOBODY}: start one with joch serve, or look elsewhere\n")
    assert asked("not an address", capsys)[0] == 3


def _error(message: str | None) -> Mapping[str, Any]:
    return {PLACE: {"error": {"message": message, "code": "x"}}}


@pytest.mark.parametrize(
    ("status", "message", "code", "words"),
    [
        (404, "No call matches.", 4, "joch: No call matches.\n"),
        (400, "'last' must be a whole number", 1, "joch: 'last' must be a whole number\n"),
        (401, "Incorrect key.", 1, f"joch: Incorrect key. (set {ADMIN_TOKEN})\n"),
        (403, "For operators.", 1, f"joch: For operators. (set {ADMIN_TOKEN})\n"),
        (503, "The store cannot answer now.", 1, "joch: The store cannot answer now.\n"),
    ],
)
def test_a_refusal_is_told_in_the_routers_own_words(
    capsys: pytest.CaptureFixture[str], status: int, message: str, code: int, words: str
) -> None:
    with serving(_error(message), status=status) as (url, _):
        assert asked(url, capsys) == (code, words)


def test_a_refusal_without_words_is_told_by_its_status(capsys: pytest.CaptureFixture[str]) -> None:
    with serving(_error(None), status=500) as (url, _):
        assert asked(url, capsys) == (1, f"joch: {url} answered 500\n")


@pytest.mark.parametrize(("status", "body"), [(200, ["what"]), (404, {}), (500, {"error": "a string"})])
def test_something_else_that_answers_is_told_apart(capsys: pytest.CaptureFixture[str], status: int, body: Any) -> None:
    with serving({PLACE: body}, status=status) as (url, _):
        code, said = asked(url, capsys)
    assert (code, said) == (1, f"joch: {url} is not a joch router\n")


def test_a_command_without_a_router_says_nothing_on_standard_output() -> None:
    for arguments in (("route", "e"), ("describe", "modelroute", "r"), ("describe", "execution", "e")):
        ran = joch(*arguments, "--server", NOBODY)
        assert (ran.exit_code, ran.stdout) == (3, ""), arguments
