import json
from importlib.metadata import version

from .running import joch


def test_the_version_comes_first() -> None:
    assert joch("version").stdout.startswith(f"joch {version('joch-proxy')}\n  python ")


def test_a_program_gets_all_of_them() -> None:
    told = json.loads(joch("version", "-o", "json").stdout)
    assert told["joch"] == version("joch-proxy")
    assert {"python", "platform", "aiohttp"} <= told.keys()
    assert told["catalogue"] == "2026-11-22"
