from pathlib import Path

from proxy.config import diff, needs_restart

from .writing import loaded, model, resource, route, settings


def test_what_was_added_changed_and_removed(tmp_path: Path) -> None:
    old = loaded(tmp_path, model("a") + model("b") + route("r", "strategy: { primary: a }")).snapshot
    new = loaded(
        tmp_path,
        model("c")
        + model("b", "provider: openai\nmodel: other")
        + resource("ModelRoute", "r", "strategy: { primary: b }", "team"),
    ).snapshot
    assert [str(change) for change in diff(old, new)] == [
        "Model c added",
        "Model b changed",
        "ModelRoute team/r added",
        "Model a removed",
        "ModelRoute r removed",
    ]
    assert diff(old, old) == ()


def test_a_listener_and_an_open_file_need_a_restart(tmp_path: Path) -> None:
    old = loaded(tmp_path, model("a")).snapshot
    spec = (
        "{ listen: { port: 9000, maxBodyBytes: 1048576, allowedHosts: [gw] }, logging: { level: debug }, "
        'store: { path: ":memory:", vault: { maxEntries: 10 } }, events: { file: /tmp/calls.jsonl } }'
    )
    new = loaded(tmp_path, settings(spec) + model("a")).snapshot
    assert [(change.action, change.kind, change.name) for change in diff(old, new)] == [
        ("changed", "RouterSettings", "default")
    ]
    assert needs_restart(old, new) == ("port", "store_path", "vault_entries", "events_file")
    assert needs_restart(old, old) == ()
