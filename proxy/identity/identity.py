"""Who calls and within which execution: one record per call. Values only: nothing here reads a header or decides.

No prompt, no key and no end user's name is in it: of a key its digest's first digits, of a user a hash.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import field
from typing import Any, Literal

from proxy.resources import Agent, ClientKey
from translators.canonical import named_value

ANONYMOUS = "anonymous"
"""The agent of a call that names none."""

ExecutionSource = Literal["header", "metadata", "baggage", "traceparent", "responses", "inferred"]
Source = Literal[
    "key",
    "path",
    "header",
    "metadata",
    "baggage",
    "project",
    "organization",
    "agent",
    "namespace",
    "request",
    "conversation",
    "prompt_cache_key",
    "responses",
    "execution",
]
"""Where a field was found: the ClientKey, a channel of the client, a map of the settings, a record of the configuration, a
member of the body, or an execution.
"""

_NONE: Mapping[str, Any] = {}


@named_value
class Identity:
    """Who calls, as far as the key, the request and the configuration say (CONFIG §7).

    `sources` says of agent, namespace, team, environment, session, turn, user and trigger where they were found; what stands
    at its default is not in it. A session whose source is "execution" is merely the execution's id, a turn from "execution"
    a hash of it: neither may be told elsewhere as an id of the client's. `residency` are the codes that must all hold, as
    the rules call them. `allowed` are globs of model refs, each tuple of which must have one that matches; () allows all.
    `key` and `record` are what the call was recognised by and the Agent record it belongs to, None where there is none.
    `key_id` may be shown. `user_hash` are 16 hexadecimal digits. `trace` and `parent_span` are those of `traceparent`.
    """

    execution: str
    execution_source: ExecutionSource
    agent: str = ANONYMOUS
    namespace: str = "default"
    team: str | None = None
    environment: str | None = None
    session: str | None = None
    turn: str | None = None
    user_hash: str | None = None
    trigger: str = "api_request"
    framework: str | None = None
    labels: Mapping[str, str] = field(default_factory=lambda: _NONE)
    residency: tuple[str, ...] = ()
    allowed: tuple[tuple[str, ...], ...] = ()
    sources: Mapping[str, Source] = field(default_factory=lambda: _NONE)
    key: ClientKey | None = None
    key_id: str | None = None
    record: Agent | None = None
    trace: str | None = None
    parent_span: str | None = None

    @property
    def scope(self) -> str:
        """Whose memory this is, for what is kept between calls: namespace and agent, parted by what neither may hold."""
        return f"{self.namespace} {self.agent}"

    @property
    def agent_source(self) -> str:
        """Where the agent was found."""
        return self.sources.get("agent", "default")

    @property
    def session_source(self) -> str:
        """Where the session was found."""
        return self.sources.get("session", "default")
