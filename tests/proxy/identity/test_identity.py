"""The record of who calls."""

from __future__ import annotations

from proxy.identity import Identity


def test_what_was_not_found_anywhere_stands_at_its_default() -> None:
    who = Identity(execution="e", execution_source="inferred")
    assert (who.agent, who.agent_source, who.session_source) == ("anonymous", "default", "default")
    assert (who.allowed, who.residency) == ((), ()), "nothing said must not restrict"


def test_sources_are_told_by_name_too() -> None:
    who = Identity(execution="e", execution_source="header", sources={"agent": "key", "session": "execution"})
    assert (who.agent_source, who.session_source) == ("key", "execution")


def test_memory_is_parted_by_namespace_and_agent_whatever_these_are_called() -> None:
    scopes = {
        Identity(execution="e", execution_source="header", namespace=namespace, agent=agent).scope
        for namespace, agent in (("a", "b/c"), ("a/b", "c"), ("a", "b"), ("b", "a"))
    }
    assert len(scopes) == 4, "two callers share one memory"
