"""Log lines: one JSON object each, with what an operator needs."""

from __future__ import annotations

import json
import logging
from collections.abc import Iterator

import pytest

from proxy import logs


@pytest.fixture
def root() -> Iterator[logging.Logger]:
    logger = logging.getLogger()
    handlers, level = logger.handlers[:], logger.level
    yield logger
    logger.handlers[:] = handlers
    logger.setLevel(level)
    logging.getLogger("joch").setLevel(logging.NOTSET)


def test_a_line_is_one_json_object(root: logging.Logger, capsys: pytest.CaptureFixture[str]) -> None:
    logs.configure("info", "json")
    logging.getLogger("joch.server").warning("call %s failed:\n%s", "mc_1", "x")
    line = json.loads(capsys.readouterr().err)
    assert (line["level"], line["logger"], line["message"]) == ("warning", "joch.server", "call mc_1 failed:\nx")
    assert line["time"].endswith("Z")


def test_a_traceback_stays_in_the_log_and_on_the_line(root: logging.Logger, capsys: pytest.CaptureFixture[str]) -> None:
    logs.configure("info", "json")
    try:
        int("boom")
    except ValueError:
        logging.getLogger("joch").exception("internal error")
    assert "ValueError: invalid literal" in json.loads(capsys.readouterr().err)["traceback"]


def test_the_level_is_ours_and_other_loggers_speak_from_warnings_on(
    root: logging.Logger, capsys: pytest.CaptureFixture[str]
) -> None:
    logs.configure("error", "text")
    logging.getLogger("joch").warning("quiet")
    logging.getLogger("aiohttp").info("chatter")
    logging.getLogger("aiohttp").warning("theirs")
    said = capsys.readouterr().err
    assert "quiet" not in said
    assert "chatter" not in said
    assert "theirs" in said
