import pytest

from proxy.schemas import check_of, pairs
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


def test_a_schema_that_would_take_for_ever_is_not_checked():
    steps = {f"a{n}": {"anyOf": [{"$ref": f"#/$defs/a{n + 1}"}] * 2} for n in range(40)}
    schema = {"$ref": "#/$defs/a0", "$defs": {**steps, "a40": {"type": "object"}}}
    checked("[]", OutputSpec(kind="json_schema", name="n", schema=schema))


def test_where_the_place_costs_too_much_it_is_not_told():
    schema = {"type": "array", "items": {"anyOf": [{"type": "string"}, {"type": "null"}]}}
    with pytest.raises(UpstreamError, match=r"does not match the schema\.$"):
        checked("[" + "1," * 2000 + "1]", OutputSpec(kind="json_schema", name="n", schema=schema))


def test_a_pattern_goes_back_only_so_far():
    schema = {"type": "string", "pattern": "^(a|aa)*\\1?b$"}
    with pytest.raises(UpstreamError, match="pattern"):
        checked('"' + "a" * 200 + '!"', OutputSpec(kind="json_schema", name="n", schema=schema))


def test_a_schema_nested_too_deeply_is_left_to_the_provider():
    deep: dict = {"type": "string"}
    for _ in range(400):
        deep = {"items": deep}
    checked("[]", OutputSpec(kind="json_schema", name="n", schema=deep))


def doubling(steps: int, keyword: str) -> dict:
    """A schema that doubles the work with each of its steps."""
    defs: dict = {f"a{n}": {keyword: [{"$ref": f"#/$defs/a{n + 1}"}] * 2} for n in range(steps)}
    return {"$ref": "#/$defs/a0", "$defs": {**defs, f"a{steps}": {"type": "object"}}}


def nested(depth: int) -> dict:
    value: dict = {}
    for _ in range(depth):
        value = {"x": value}
    return value


def test_each_part_of_an_answer_counts_with_each_schema_it_meets():
    schema = {
        "properties": {"a": {"type": "string"}, "b": {"items": {"anyOf": [{"type": "null"}, {"$ref": "#/$defs/n"}]}}},
        "additionalProperties": False,
        "$defs": {"n": {"type": "number"}},
    }
    assert pairs(schema, {"a": "x"}, 100) == 3
    assert pairs(schema, {"b": [1, 2]}, 100) == 1 + 2 + 2 * 4
    assert pairs(schema, 5, 100) == 1


@pytest.mark.parametrize("keyword", ["allOf", "anyOf", "oneOf"])
def test_what_doubles_with_every_step_is_given_up_at_the_limit(keyword):
    assert pairs(doubling(3, keyword), {}, 1000) is not None
    assert pairs(doubling(64, keyword), {}, 1000) is None


def test_what_doubles_with_every_level_of_the_answer_is_given_up_too():
    schema = {"oneOf": [{"properties": {"x": {"$ref": "#"}}}, {"properties": {"x": {"$ref": "#"}}}]}
    assert pairs(schema, nested(3), 1000) is not None
    assert pairs(schema, nested(40), 1000) is None


def test_a_tree_is_counted_by_the_answer_and_not_by_what_it_could_be():
    node = {"type": "object", "properties": {"x": {"$ref": "#/$defs/node"}, "y": {"$ref": "#/$defs/node"}}}
    assert pairs({"$ref": "#/$defs/node", "$defs": {"node": node}}, nested(100), 1000) == 202


@pytest.mark.parametrize(
    "schema",
    [
        {"$ref": "#"},
        {"$ref": "#nowhere"},
        {"$ref": "#/$defs/none"},
        {"$ref": "https://example.com/x"},
        {"$ref": 5},
        {"$dynamicRef": "#x"},
        {"properties": {"x": {"$id": "other", "$ref": "#/$defs/a"}}, "$defs": {"a": {}}},
    ],
)
def test_what_cannot_be_counted_has_no_count(schema):
    assert pairs(schema, {"x": 1}, 1000) is None


@pytest.mark.parametrize("schema", [{"allOf": 5, "properties": [], "items": 3, "not": None}, {"anyOf": [True, 7]}])
def test_odd_schemas_are_counted_as_they_are(schema):
    assert pairs(schema, {"a": []}, 1000) is not None


def test_counting_itself_ends_at_the_limit(monkeypatch):
    made = []

    def very_many(node, part):
        for number in range(100_000):
            made.append(number)
            yield {}, number

    monkeypatch.setattr("proxy.schemas._of_members", very_many)
    assert pairs({}, {"a": 1}, 1000) is None
    assert len(made) <= 1000
