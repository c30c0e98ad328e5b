"""Who calls, by the precedence table of CONFIG §7: each field from each place it can come from."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from proxy.identity import Callers, Executions, Identity, split_path
from proxy.resources import Agent, ClientKey, Environment, Team
from translators.canonical import Message, Request, RequestError, StateSpec, Text

from .calling import CALL, PARENT, SPAN, TRACE, headers, identify, said, snapshot

KEY = ClientKey(name="k", digest="ab" * 32)
RESEARCHER = Agent(name="researcher", labels={"team": "science", "environment": "lab", "tier": "gold"})
TRIAGE = Agent(name="triage", namespace="support", team="care", allowed=("openai:*",))


def asked(**metadata: str) -> Request:
    return said("user: hi", metadata={name.replace("__", "."): value for name, value in metadata.items()})


# --- agent --------------------------------------------------------------------------------------------------------


def test_an_app_that_says_nothing_is_anonymous_in_an_execution_of_its_own() -> None:
    who = identify()
    assert (who.agent, who.namespace, who.team, who.environment) == ("anonymous", "default", None, None)
    assert (who.execution, who.execution_source) == ("exec-auto-" + CALL[-12:].lower(), "inferred")
    assert (who.trigger, who.user_hash, who.key_id, who.record, who.framework) == (
        "api_request",
        None,
        None,
        None,
        None,
    )
    assert (who.allowed, who.residency, dict(who.labels)) == ((), (), {})


def test_each_place_an_agent_comes_from_gives_way_to_the_one_before() -> None:
    given = snapshot(projects={"proj_1": "project"})
    places: list[tuple[str, dict[str, Any]]] = [
        ("key", {"key": replace(KEY, agent="key")}),
        ("path", {"path_agent": "path"}),
        ("header", {"X_Joch_Agent": "header"}),
        ("metadata", {"request": asked(joch__agent="metadata")}),
        ("baggage", {"baggage": "joch.agent=baggage"}),
        ("project", {"OpenAI_Project": "proj_1"}),
    ]
    while places:
        everything: dict[str, Any] = {}
        for _, one in places[1:]:
            everything |= one
        if places[0][0] == "key":  # what a client says beside a key that pins is refused, so only what it cannot mean
            everything = {"baggage": "joch.agent=baggage", "OpenAI_Project": "proj_1"}
        who = identify(given, **everything, **places[0][1])
        assert (who.agent, who.agent_source) == (places[0][0], places[0][0])
        places.pop(0)
    assert identify(given, OpenAI_Project="proj_2").agent == "anonymous"


@pytest.mark.parametrize("said_by", [{"path_agent": "b"}, {"X_Joch_Agent": "b"}, {"request": asked(joch__agent="b")}])
def test_an_agent_other_than_the_keys_is_refused(said_by: dict[str, Any]) -> None:
    with pytest.raises(RequestError) as refused:
        identify(key=replace(KEY, agent="a"), **said_by)
    assert (refused.value.status, refused.value.body.code) == (403, "IdentityMismatch")


@pytest.mark.parametrize(
    ("field", "header"),
    [
        ("team", "X_Joch_Team"),
        ("namespace", "X_Joch_Namespace"),
        ("environment", "X_Joch_Environment"),
        ("user", "X_Joch_User"),
    ],
)
def test_every_field_a_key_pins_is_refused_when_the_client_says_otherwise(field: str, header: str) -> None:
    key = replace(KEY, **{field: "mine"})
    with pytest.raises(RequestError) as refused:
        identify(key=key, **{header: "other"})
    assert (refused.value.status, refused.value.body.code) == (403, "IdentityMismatch")
    assert identify(key=key, **{header: "mine"}).sources[field] == "key"


def test_with_keys_a_client_is_not_asked_who_it_is_unless_the_configuration_trusts_it() -> None:
    claims: dict[str, Any] = {
        "X_Joch_Agent": "a",
        "X_Joch_Team": "t",
        "X_Joch_Environment": "e",
        "X_Joch_Namespace": "n",
        "OpenAI_Project": "p",
        "OpenAI_Organization": "o",
        "baggage": "joch.agent=b",
        "path_agent": "p",
    }
    maps = {"projects": {"p": "mapped"}, "organizations": {"o": "mapped"}}
    who = identify(snapshot(auth_mode="keys", **maps), key=KEY, **claims)
    assert (who.agent, who.team, who.environment, who.namespace) == ("anonymous", None, None, "default")
    trusting = replace(KEY, trust_headers=("agent", "team"))
    who = identify(snapshot(auth_mode="keys", **maps), key=trusting, **claims)
    assert (who.agent, who.team, who.environment) == ("p", "t", None)


def test_without_keys_a_client_may_say_everything_unless_the_configuration_says_less() -> None:
    assert identify(X_Joch_Agent="a").agent == "a"
    assert identify(snapshot(trust_headers=("session",)), X_Joch_Agent="a").agent == "anonymous"
    harmless = ("execution", "session", "turn", "user", "tags", "trigger", "residency")
    assert identify(snapshot(trust_headers=harmless), X_Joch_Agent="a").agent == "anonymous", "written is written"
    assert identify(key=replace(KEY, trust_headers=()), X_Joch_Agent="a").agent == "anonymous"


@pytest.mark.parametrize(
    "header",
    [
        *(
            "x-joch-agent",
            "x-joch-team",
            "x-joch-namespace",
            "x-joch-environment",
            "x-joch-execution",
            "x-joch-session",
        ),
        *("x-joch-turn", "x-joch-user", "x-joch-trigger", "x-joch-data-residency"),
        *("baggage", "traceparent", "openai-project", "openai-organization"),
    ],
)
def test_a_client_that_says_something_is_never_taken_for_one_that_says_nothing(header: str) -> None:
    """Clients that say nothing are looked up once: each header that counts must lead past that."""
    given = snapshot(projects={"value": "mapped"}, organizations={"value": "mapped"})
    callers, executions = Callers(given), Executions(b"salt")

    def who(**sent: str) -> Identity:
        return callers.identify(headers(**sent), said("user: hi"), key=None, call_id=CALL, executions=executions)

    silent = who(X_Other="1")
    values = {
        "baggage": "joch.agent=value",
        "traceparent": PARENT,
        "x-joch-trigger": "schedule",
        "x-joch-data-residency": "EU",
    }
    told = who(**{header.replace("-", "_").title(): values.get(header, "value"), "X_Other": "1"})
    assert (replace(told, turn=None), told.sources) != (replace(silent, turn=None), silent.sources)
    assert replace(who(X_Other="1"), turn=None) == replace(silent, turn=None)


def test_clients_that_say_nothing_are_who_their_keys_and_paths_say() -> None:
    callers, executions = Callers(snapshot(agents=(RESEARCHER,))), Executions(b"salt")
    keys = [None, replace(KEY, agent="researcher"), replace(KEY, digest="cd" * 32, agent="b", team="t")]
    for _ in range(2):
        seen = [
            callers.identify(headers(), said("user: hi"), key=key, call_id=CALL, executions=executions, path_agent=path)
            for key, path in [(keys[0], None), (keys[1], None), (keys[2], None), (None, "c"), (None, "d")]
        ]
        assert [(who.agent, who.team, who.sources.get("agent")) for who in seen] == [
            ("anonymous", None, None),
            ("researcher", "science", "key"),
            ("b", "t", "key"),
            ("c", None, "path"),
            ("d", None, "path"),
        ]


# --- records ------------------------------------------------------------------------------------------------------


def test_an_agents_record_says_its_team_and_environment_over_the_client() -> None:
    who = identify(
        snapshot(agents=(RESEARCHER,)), X_Joch_Agent="researcher", X_Joch_Team="t", X_Joch_Environment="prod"
    )
    assert (who.record, who.team, who.environment) == (RESEARCHER, "science", "lab")
    assert (who.sources["team"], who.sources["environment"]) == ("agent", "agent")
    pinned = identify(snapshot(agents=(RESEARCHER,)), key=replace(KEY, environment="prod"), X_Joch_Agent="researcher")
    assert (pinned.environment, pinned.sources["environment"]) == ("prod", "key")


def test_a_record_is_found_by_its_name_where_there_is_but_one() -> None:
    given = snapshot(agents=(TRIAGE, RESEARCHER))
    for name in ("triage", "support/triage"):
        who = identify(given, X_Joch_Agent=name)
        assert (who.record, who.agent, who.namespace) == (TRIAGE, "triage", "support")
        assert who.sources["namespace"] == "agent"
    twice = snapshot(agents=(TRIAGE, replace(TRIAGE, namespace="sales")))
    assert identify(twice, X_Joch_Agent="triage").record is None
    assert identify(twice, X_Joch_Agent="triage", X_Joch_Namespace="sales").namespace == "sales"


def test_the_namespace_default_is_looked_in_before_others() -> None:
    own = replace(TRIAGE, namespace="default")
    assert identify(snapshot(agents=(TRIAGE, own)), X_Joch_Agent="triage").record is own


def test_a_client_does_not_leave_its_record_by_naming_another_namespace() -> None:
    given = snapshot(agents=(TRIAGE,))
    who = identify(given, X_Joch_Agent="triage", X_Joch_Namespace="elsewhere")
    assert (who.record, who.namespace) == (TRIAGE, "support")


@pytest.mark.parametrize("pinned", ["default", "sales"])
def test_a_namespace_that_the_key_pins_is_final(pinned: str) -> None:
    given = snapshot(agents=(TRIAGE,))
    for agent in ("triage", "support/triage"):
        who = identify(given, key=replace(KEY, namespace=pinned), X_Joch_Agent=agent)
        assert (who.record, who.namespace, who.sources["namespace"]) == (None, pinned, "key")


def test_a_team_from_each_place_gives_way_to_the_one_before() -> None:
    by_namespace = Team(name="owners", namespaces=("support",))
    labelled = replace(TRIAGE, team=None, labels={"team": "labelled"})
    bare = replace(TRIAGE, team=None)
    sent = {"X_Joch_Agent": "triage", "X_Joch_Team": "header"}
    found = [
        identify(snapshot(agents=(TRIAGE,), teams=(by_namespace,)), key=replace(KEY, team="header"), **sent),
        identify(snapshot(agents=(TRIAGE,), teams=(by_namespace,)), **sent),
        identify(snapshot(agents=(labelled,), teams=(by_namespace,)), **sent),
        identify(snapshot(agents=(bare,), teams=(by_namespace,)), **sent),
        identify(snapshot(agents=(bare,), organizations={"o": "org"}), **sent, OpenAI_Organization="o"),
        identify(snapshot(agents=(bare,), organizations={"o": "org"}), X_Joch_Agent="triage", OpenAI_Organization="o"),
    ]
    assert [(who.team, who.sources["team"]) for who in found] == [
        ("header", "key"),
        ("care", "agent"),
        ("labelled", "agent"),
        ("owners", "namespace"),
        ("header", "header"),
        ("org", "organization"),
    ]


def test_labels_are_the_records_and_over_them_the_keys() -> None:
    given = snapshot(agents=(RESEARCHER,))
    key = replace(KEY, labels={"tier": "silver", "app": "x"})
    assert identify(given, key=key, X_Joch_Agent="researcher").labels == {
        "team": "science",
        "environment": "lab",
        "tier": "silver",
        "app": "x",
    }
    assert identify(given, key=key).labels == {"tier": "silver", "app": "x"}, "an agent without a record has labels too"


def test_what_may_be_used_is_what_everybody_allows() -> None:
    given = snapshot(
        agents=(replace(TRIAGE, labels={"environment": "prod"}),),
        teams=(Team(name="care", allowed=("gpt-*", "*")),),
        environments=(Environment(name="prod", allowed=("azure:*",)),),
    )
    who = identify(given, key=replace(KEY, models=("ollama:qwen3:8b",)), X_Joch_Agent="triage")
    assert who.allowed == (("openai:*",), ("*:gpt-*", "*"), ("azure:*",), ("ollama:qwen3:8b",))
    assert identify(given, key=replace(KEY, models=())).allowed == ((),), "an empty list allows nothing"


def test_a_key_is_told_by_its_public_name() -> None:
    who = identify(key=KEY)
    assert (who.key, who.key_id) == (KEY, "ck_abababab")


# --- execution, session, turn -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("sent", "request_", "execution", "source"),
    [
        ({"X_Joch_Execution": "run-7", "traceparent": PARENT}, asked(joch__execution="m"), "run-7", "header"),
        ({"traceparent": PARENT}, asked(joch__execution="run-8"), "run-8", "metadata"),
        ({"traceparent": PARENT, "baggage": "joch.execution.id=run-9"}, None, "run-9", "baggage"),
        ({"traceparent": PARENT}, None, f"exec-t-{TRACE[:16]}", "traceparent"),
    ],
)
def test_an_execution_is_taken_from_the_first_place_that_names_one(
    sent: dict[str, str], request_: Request | None, execution: str, source: str
) -> None:
    who = identify(None, request_, **sent)
    assert (who.execution, who.execution_source) == (execution, source)


@pytest.mark.parametrize(
    ("inference", "by_trace", "by_prefix"),
    [("off", False, False), ("traceparent", True, False), ("prefix", True, True)],
)
def test_what_is_inferred_is_for_the_settings_to_say(inference: str, by_trace: bool, by_prefix: bool) -> None:
    given = snapshot(execution_inference=inference)
    assert (identify(given, traceparent=PARENT).execution_source == "traceparent") is by_trace
    executions = Executions(b"salt")
    first = identify(given, executions=executions, call_id="mc_A0123456789AB")
    second = identify(given, said("user: hi", "assistant: a"), executions=executions, call_id="mc_B0123456789AC")
    assert (first.execution == second.execution) is by_prefix
    assert {first.execution_source, second.execution_source} == {"inferred"}
    assert identify(given, X_Joch_Execution="run-1", executions=executions).execution == "run-1"


def test_the_settings_say_when_an_execution_ends() -> None:
    executions = Executions(b"salt", clock=lambda: 0.0)
    given = snapshot(execution_idle=0.0)
    found = {identify(given, executions=executions, call_id=f"mc_{n:012}").execution for n in range(2)}
    assert len(found) == 2


@pytest.mark.parametrize("other", [{"X_Joch_Agent": "a"}, {"X_Joch_Namespace": "n"}, {"X_Joch_Environment": "e"}])
def test_the_same_prompt_of_another_caller_is_another_execution(other: dict[str, str]) -> None:
    executions = Executions(b"salt")
    first = identify(executions=executions, call_id="mc_A0123456789AB")
    assert identify(executions=executions, call_id="mc_B0123456789AC", **other).execution != first.execution
    ann = identify(None, said("user: hi", user="ann"), executions=executions, call_id="mc_C0123456789AD")
    assert ann.execution != first.execution, "two end users of one app share an execution"


def test_a_response_leads_on_to_its_execution_and_turn() -> None:
    executions = Executions(b"salt")
    first = identify(executions=executions, X_Joch_Execution="run-1", X_Joch_Agent="a")
    executions.remember("resp_1", first)
    chained = Request(messages=(Message("tool", (Text("42"),)),), state=StateSpec(previous_response_id="resp_1"))
    on = identify(None, chained, executions=executions, X_Joch_Agent="a")
    assert (on.execution, on.execution_source) == ("run-1", "responses")
    assert (on.turn, on.sources["turn"]) == (first.turn, "responses")
    named = identify(None, chained, executions=executions, X_Joch_Agent="a", X_Joch_Execution="run-1")
    assert (named.turn, named.execution_source) == (first.turn, "header"), "a turn ends because its execution is named"
    elsewhere = identify(None, chained, executions=executions, X_Joch_Agent="a", X_Joch_Execution="run-2")
    assert elsewhere.turn != first.turn
    stranger = identify(None, chained, executions=executions, X_Joch_Agent="b")
    assert stranger.execution != "run-1", "a caller entered an execution by another's response id"


def test_each_place_a_session_comes_from_gives_way_to_the_one_before() -> None:
    request = said(
        "user: hi",
        metadata={"joch.session": "m", "session_id": "own"},
        state=StateSpec(conversation={"id": "conv_1"}),
        cache={"prompt_cache_key": "cache"},
    )
    found = [identify(None, request, X_Joch_Session="h"), identify(None, request)]
    for change in (
        {"metadata": {"session_id": "own"}},
        {"metadata": {}},
        {"state": StateSpec()},
        {"cache": {}},
    ):
        request = replace(request, **change)
        found.append(identify(None, request))
    assert [(who.session, who.session_source) for who in found] == [
        ("h", "header"),
        ("m", "metadata"),
        ("own", "metadata"),
        ("conv_1", "conversation"),
        ("cache", "prompt_cache_key"),
        (found[-1].execution, "execution"),
    ]


def test_an_apps_own_session_is_never_refused_and_never_shown_if_it_may_not_be() -> None:
    who = identify(None, said("user: hi", metadata={"session_id": "Ann's chat"}))
    assert who.session is not None
    assert who.session.startswith("session-")
    assert "Ann" not in who.session
    assert identify(None, said("user: hi", cache={"prompt_cache_key": 7})).session_source == "execution"


def test_a_client_not_trusted_with_sessions_has_the_executions() -> None:
    who = identify(
        snapshot(trust_headers=("agent",)), said("user: hi", metadata={"session_id": "s"}), X_Joch_Session="h"
    )
    assert (who.session, who.session_source) == (who.execution, "execution")


def test_a_turn_is_told_or_follows_from_execution_and_the_users_last_message() -> None:
    assert identify(X_Joch_Turn="t1").turn == "t1"
    assert identify(None, asked(joch__turn="t2")).turn == "t2"
    one = identify(None, said("user: a"), X_Joch_Execution="e")
    same = identify(None, said("user: a", "assistant: b", "tool: c"), X_Joch_Execution="e")
    following = identify(None, said("user: a", "assistant: b", "user: c"), X_Joch_Execution="e")
    elsewhere = identify(None, said("user: a"), X_Joch_Execution="f")
    assert one.turn == same.turn
    assert len({one.turn, following.turn, elsewhere.turn}) == 3
    assert one.sources["turn"] == "execution"


def test_a_call_that_asks_no_model_joins_nothing() -> None:
    executions = Executions(b"salt")
    who = Callers(snapshot()).identify(
        headers(X_Joch_Agent="a"), None, key=None, call_id=CALL, executions=executions, path_agent=None
    )
    assert (who.agent, who.turn, executions.kept) == ("a", None, 0)


# --- the rest -----------------------------------------------------------------------------------------------------


def test_a_user_is_only_ever_a_hash() -> None:
    who = identify(None, said("user: hi", user="ann@example.org"))
    assert who.user_hash is not None
    assert len(who.user_hash) == 16
    assert "ann" not in repr(who)
    assert who.user_hash == identify(X_Joch_User="ann@example.org").user_hash


def test_each_place_a_user_comes_from_gives_way_to_the_one_before() -> None:
    request = said("user: hi", safety_identifier="safe", user="user")
    found = [
        identify(None, request, key=replace(KEY, user="pinned")),
        identify(None, request, X_Joch_User="header"),
        identify(None, replace(request, safety_identifier=None), X_Joch_User="header"),
        identify(X_Joch_User="header"),
    ]
    plain = [identify(X_Joch_User=name).user_hash for name in ("pinned", "safe", "user", "header")]
    assert [who.user_hash for who in found] == plain
    assert [who.sources["user"] for who in found] == ["key", "request", "request", "header"]
    assert identify(snapshot(trust_headers=("agent",)), request, X_Joch_User="h").user_hash is None


@pytest.mark.parametrize("word", ["manual", "webhook", "schedule", "upstream", "api_request"])
def test_a_trigger_is_one_of_five_words(word: str) -> None:
    assert identify(X_Joch_Trigger=word).trigger == word
    assert identify(None, asked(joch__trigger=word)).trigger == word
    with pytest.raises(RequestError) as refused:
        identify(X_Joch_Trigger="cron")
    assert refused.value.status == 400
    assert "schedule" in refused.value.body.message


def test_residency_is_everything_that_is_asked_for() -> None:
    given = snapshot(environments=(Environment(name="prod", residency="EU"),))
    who = identify(given, asked(joch__residency="uk"), X_Joch_Environment="prod", X_Joch_Data_Residency="ch")
    assert who.residency == ("EU", "CH", "UK"), "by environment, header and metadata, as the rules are called"
    assert identify(given, X_Joch_Environment="prod", X_Joch_Data_Residency="eu").residency == ("EU",)


def test_residency_is_obeyed_of_a_client_nothing_else_is_believed_of() -> None:
    given = snapshot(auth_mode="keys", trust_headers=("execution",))
    assert identify(given, key=replace(KEY, trust_headers=()), X_Joch_Data_Residency="EU").residency == ("EU",)


def test_no_header_takes_away_the_residency_of_the_environment() -> None:
    given = snapshot(auth_mode="keys", environments=(Environment(name="prod", residency="EU"),))
    key = replace(KEY, environment="prod")
    for code in ("US", "EU"):
        assert "EU" in identify(given, key=key, X_Joch_Data_Residency=code).residency


@pytest.mark.parametrize("code", ["MARS", "E"])
def test_an_unknown_residency_is_refused_with_those_that_are_known(code: str) -> None:
    for who, where in (
        ({"X_Joch_Data_Residency": code}, "X-Joch-Data-Residency"),
        ({"request": asked(joch__residency=code)}, "metadata.joch.residency"),
    ):
        with pytest.raises(RequestError) as refused:
            identify(**who)
        assert (refused.value.status, refused.value.body.param) == (400, where)
        assert "EU, US, UK" in refused.value.body.message


@pytest.mark.parametrize(
    ("agent", "framework"),
    [
        ("OpenAI/Python 3.57.0", "openai-python"),
        ("AsyncOpenAI/Python 2.0", "openai-python"),
        ("AsyncAzureOpenAI/Python 2.0", "openai-python"),
        ("Agents/Python 0.24", "openai-agents-sdk"),
        ("OpenAI/JS 7.1", "openai-node"),
        ("curl/8", None),
    ],
)
def test_the_framework_is_read_off_the_user_agent(agent: str, framework: str | None) -> None:
    assert identify(User_Agent=agent).framework == framework


def test_the_clients_trace_is_kept_whatever_names_the_execution() -> None:
    who = identify(traceparent=PARENT, X_Joch_Execution="e")
    assert (who.trace, who.parent_span, who.execution) == (TRACE, SPAN, "e")


@pytest.mark.parametrize(
    ("path", "agent", "rest"),
    [
        ("/a/researcher/v1/chat/completions", "researcher", "/v1/chat/completions"),
        ("/a/a/a/b", "a", "/a/b"),
        ("/a/x%20y/v1/models", "x%20y", "/v1/models"),
        ("/a//v1/models", None, "/a//v1/models"),
        ("/a/researcher", None, "/a/researcher"),
        ("/a", None, "/a"),
        ("/A/x/v1", None, "/A/x/v1"),
        ("/v1/a/x/y", None, "/v1/a/x/y"),
    ],
)
def test_a_base_url_may_name_the_agent(path: str, agent: str | None, rest: str) -> None:
    assert split_path(path) == (agent, rest)
