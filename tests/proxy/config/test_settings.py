from pathlib import Path

from proxy.resources import Settings

from .writing import loaded, model, settings

SPEC = """
listen: { address: 127.0.0.2, port: 9000, basePaths: [/v1], allowedHosts: [joch.test, joch.test], maxBodyBytes: 1000 }
auth: { mode: open }
timeouts: { connectMs: 1s, contentMs: 9s }
implicitModels: off
unknownModel: default-route
defaultModelRouteRef: a
response: { headers: false }
exposeReasoning: never
streaming: { keepAliveSeconds: 5 }
unknownFields: reject
limits: { maxConcurrent: 3, maxQueueMs: 0 }
events: { file: e.jsonl }
metrics: { prometheus: false }
logging: { level: debug, format: text }
"""


def test_every_setting_that_counts_arrives(tmp_path: Path) -> None:
    found = loaded(tmp_path, settings(SPEC) + model("a")).snapshot.settings
    assert (found.address, found.port, found.base_paths) == ("127.0.0.2", 9000, ("/v1",))
    assert (found.allowed_hosts, found.max_body_bytes) == (("joch.test",), 1000)
    assert (found.clocks.connect, found.clocks.content, found.clocks.idle) == (1.0, 9.0, 60.0)
    assert (found.implicit_models, found.unknown_model, found.default_route) == ("off", "default-route", "openai:a")
    assert (found.response_headers, found.expose_reasoning, found.unknown_fields) == (False, "never", "reject")
    assert (found.keep_alive_seconds, found.max_concurrent, found.max_queue_seconds) == (5.0, 3, 0.0)
    assert (found.events_file, found.prometheus, found.log_level, found.log_format) == (
        "e.jsonl",
        False,
        "debug",
        "text",
    )


def test_what_is_left_out_keeps_its_default(tmp_path: Path) -> None:
    assert loaded(tmp_path, settings("{}") + model("a")).snapshot.settings == Settings()
    assert loaded(tmp_path, model("a")).snapshot.settings == Settings()


def test_an_unknown_name_is_an_error_where_a_later_answer_was_asked_for(tmp_path: Path) -> None:
    found = loaded(tmp_path, settings("{ unknownModel: passthrough-first }") + model("a"))
    assert found.snapshot.settings.unknown_model == "error"
    assert [problem.code for problem in found.problems] == ["W-NOT-YET"]
