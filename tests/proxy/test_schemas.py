import pytest

from proxy.schemas import check_of
from translators.canonical import Finish, OutputSpec, Reasoning, Refusal, Text, ToolCall, UpstreamError

SCHEMA = {
    "type": "object",
    "properties": {
        "items": {"type": "array", "items": {"type": "object", "properties": {"price": {"type": "number"}}}}
    },
    "required": ["items"],
    "additionalProperties": False,
}
SPEC = OutputSpec(kind="json_schema", name="cart", schema=SCHEMA)


def checked(text: str, spec: OutputSpec = SPEC, finish: Finish = Finish.STOP, *more) -> None:
    check = check_of(spec)
    assert check is not None
    check((Reasoning(("not json",)), Text(text[:3]), Text(text[3:]), *more), finish)


def test_an_answer_that_fits_passes():
    checked('{"items":[{"price":1.5}]}')
    checked("[1]", OutputSpec(kind="json_object"))


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ('{"items":[{"price":1},{"price":"SECRET"}]}', "at $.items[1].price (type)"),
        ('{"SECRET":1}', "at $ ("),
        ('{"items":[', "not valid JSON"),
        ("", "not valid JSON"),
        ('Here you are: {"items":[]}', "not valid JSON"),
    ],
)
def test_what_does_not_fit_is_told_by_its_place_and_never_by_its_content(text, told):
    with pytest.raises(UpstreamError) as caught:
        checked(text)
    assert told in str(caught.value)
    assert "SECRET" not in str(caught.value)
    assert (caught.value.status, caught.value.body.code) == (502, "SchemaValidationFailed")


@pytest.mark.parametrize("finish", [Finish.LENGTH, Finish.CONTENT_FILTER, Finish.REFUSAL, Finish.TOOL_CALLS])
def test_an_answer_that_did_not_run_to_its_end_promises_nothing(finish):
    checked('{"items":[', SPEC, finish)


def test_a_refusal_and_a_call_promise_nothing():
    checked("", SPEC, Finish.STOP, Refusal("no"))
    checked("", SPEC, Finish.STOP, ToolCall("c", "f", "{}"))


def test_text_is_free():
    assert check_of(OutputSpec()) is None
    assert check_of(OutputSpec(kind="json_schema")) is None


@pytest.mark.parametrize(
    "schema",
    [
        {"type": "nonsense"},
        {"$ref": "#/nowhere"},
        {"$ref": "http://127.0.0.1:9/x.json"},
        {"$ref": "file:///etc/passwd"},
    ],
)
def test_a_schema_that_is_none_is_left_to_the_provider_and_nothing_is_fetched(schema, monkeypatch):
    checked('{"any":1}', OutputSpec(kind="json_schema", schema=schema))
