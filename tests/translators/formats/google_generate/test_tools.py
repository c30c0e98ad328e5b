import pytest

from translators.canonical import CacheHint, Reason, Tool, ToolChoice, UpstreamError
from translators.formats.google_generate import PROVIDER
from translators.formats.google_generate.tools import BUILT_IN

from .asking import NEW, OLD, changes, rendered, user

HI = user("hi")
F, G = Tool(name="f"), Tool(name="g")
STRICT = Tool(name="s", strict=True, parameters={"type": "object", "properties": {}})
SEARCH = Tool(name="web_search", kind="hosted", hosted={"type": "web_search"})


def calling(*tools: Tool, **members) -> dict | None:
    config = rendered(HI, tools=tools, **members).get("toolConfig")
    return config and config.get("functionCallingConfig")


def refused(param: str | None = None, **members) -> str:
    with pytest.raises(UpstreamError) as caught:
        rendered(HI, **members)
    assert caught.value.reason is Reason.UNSUPPORTED
    assert param is None or caught.value.body.param == param
    return caught.value.body.message


def test_functions_are_declared_with_their_schema():
    tool = Tool(name="f", description="d", parameters={"properties": {"a": {"type": "string"}}, "$schema": "x"})
    body = rendered(HI, tools=(tool, Tool(name="g")))
    assert body["tools"] == [
        {
            "functionDeclarations": [
                {
                    "name": "f",
                    "description": "d",
                    "parametersJsonSchema": {"type": "object", "properties": {"a": {"type": "string"}}},
                },
                {"name": "g"},
            ]
        }
    ]
    assert "toolConfig" not in body
    assert changes(HI, tools=(tool,)) == ["tools[0].parameters/$schema: dropped"]


@pytest.mark.parametrize(
    ("choice", "config"),
    [
        (None, None),
        (ToolChoice(), {"mode": "AUTO"}),
        (ToolChoice(mode="none"), {"mode": "NONE"}),
        (ToolChoice(mode="required"), {"mode": "ANY"}),
        (ToolChoice(mode="named", names=("g",)), {"mode": "ANY", "allowedFunctionNames": ["g"]}),
        (
            ToolChoice(mode="allowed", names=("f",), allowed_mode="auto"),
            {"mode": "VALIDATED", "allowedFunctionNames": ["f"]},
        ),
        (
            ToolChoice(mode="allowed", names=("f", "g"), allowed_mode="required"),
            {"mode": "ANY", "allowedFunctionNames": ["f", "g"]},
        ),
    ],
)
def test_the_choice_is_a_mode(choice, config):
    assert calling(F, G, tool_choice=choice) == config


def test_strict_tools_have_their_calls_checked():
    assert calling(F, STRICT) == calling(STRICT, tool_choice=ToolChoice()) == {"mode": "VALIDATED"}
    assert calling(STRICT, tool_choice=ToolChoice(mode="required")) == {"mode": "ANY"}
    assert changes(HI, tools=(STRICT, Tool(name="f", strict=False))) == [
        "tools[0].strict: mapped",
        "tools[1].strict: dropped",
    ]


@pytest.mark.parametrize(("kind", "name"), BUILT_IN.items())
def test_hosted_tools_have_their_counterparts(kind, name):
    assert rendered(HI, tools=(Tool(name=kind, kind="hosted", hosted={"type": kind}),))["tools"] == [{name: {}}]


def test_web_search_options_are_the_search_tool_too_and_only_once():
    body = rendered(HI, tools=(SEARCH,), web_search={"search_context_size": "low"})
    assert body["tools"] == [{"googleSearch": {}}]
    assert "web_search_options: mapped" in changes(HI, web_search={})


def test_settings_that_only_tune_a_hosted_tool_are_left_out():
    tuned = Tool(
        name="c",
        kind="hosted",
        hosted={"type": "code_interpreter", "container": {"type": "auto"}},
        cache=CacheHint(),
    )
    assert changes(HI, tools=(tuned,)) == ["tools[0].cache: dropped", "tools[0].container: dropped"]


@pytest.mark.parametrize(
    ("hosted", "param"),
    [
        ({"type": "web_search", "filters": {"allowed_domains": ["a.org"]}}, "tools[0].filters"),
        ({"type": "code_interpreter", "container": {"type": "auto", "file_ids": ["f"]}}, "tools[0].container"),
        ({"type": "code_interpreter", "container": "cntr_1"}, "tools[0].container"),
        ({"type": "mcp", "server_url": "x"}, "tools[0]"),
    ],
)
def test_settings_that_limit_it_are_refused(hosted, param):
    refused(param, tools=(Tool(name=hosted["type"], kind="hosted", hosted=hosted),))


def test_googles_tools_stand_beside_functions():
    body = rendered(HI, tools=(F, SEARCH))
    assert body["tools"] == [{"functionDeclarations": [{"name": "f"}]}, {"googleSearch": {}}]
    assert body["toolConfig"] == {"includeServerSideToolInvocations": True}


def test_no_tool_at_all_means_googles_own_neither():
    body = rendered(HI, tools=(F, SEARCH), tool_choice=ToolChoice(mode="none"))
    assert body["tools"] == [{"functionDeclarations": [{"name": "f"}]}]
    assert body["toolConfig"] == {"functionCallingConfig": {"mode": "NONE"}}
    assert rendered(HI, tools=(SEARCH,), tool_choice=ToolChoice(mode="none")).keys() == {"contents"}


@pytest.mark.parametrize(
    ("param", "members"),
    [
        ("parallel_tool_calls", {"tools": (F,), "parallel_tool_calls": False}),
        ("tools[0]", {"tools": (Tool(name="f", kind="custom"),)}),
        ("tool_choice", {"tools": (SEARCH,), "tool_choice": ToolChoice(mode="required")}),
        (
            "tool_choice",
            {"tools": (SEARCH,), "tool_choice": ToolChoice(mode="named", names=("web_search",), kind="hosted")},
        ),
        ("tool_choice", {"tools": (F, SEARCH), "tool_choice": ToolChoice(mode="allowed", names=("f", "web_search"))}),
    ],
)
def test_wishes_that_google_has_no_word_for_are_refused(param, members):
    refused(param, **members)


@pytest.mark.parametrize(
    ("name", "model", "accepted"),
    [
        ("f" * 64, OLD, True),
        ("f" * 65, OLD, False),
        ("f" * 128, NEW, True),
        ("f" * 129, NEW, False),
        ("_a.b:c-d", NEW, True),
        ("1a", NEW, False),
        ("a b", NEW, False),
    ],
)
def test_names_that_google_refuses_are_named(name, model, accepted):
    if accepted:
        assert rendered(HI, tools=(Tool(name=name),), model=model)["tools"]
        return
    with pytest.raises(UpstreamError) as caught:
        rendered(HI, tools=(Tool(name=name),), model=model)
    assert caught.value.body.message == f"Google cannot take the tool name '{name}'."
    assert caught.value.body.param == "tools[0].name"


def test_without_tools_wishes_about_them_say_nothing():
    assert rendered(HI, parallel_tool_calls=False, tool_choice=ToolChoice()).keys() == {"contents"}
    assert PROVIDER.name == "google_generate"
