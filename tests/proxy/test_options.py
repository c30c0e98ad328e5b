from proxy.options import ServeOptions


def test_only_given_flags_override() -> None:
    assert ServeOptions().overrides() == {}
    assert ServeOptions(port=0, host="127.0.0.2", log_level="debug", events_file="e.jsonl").overrides() == {
        "port": 0,
        "address": "127.0.0.2",
        "log_level": "debug",
        "events_file": "e.jsonl",
    }
