"""From the key, the path, the headers and the body of a call to its `Identity`: the precedence of CONFIG §7, field by field.

What the client may say of itself is in `claims`. What it asks for as residency is not a matter of trust: it is added to
what holds, so that it can only get narrower. No key, no end user's name and no prompt leaves this module. Of calls it keeps
nothing, `Executions` does; but a client that says nothing of itself is looked up once by its key's digest and its path.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from functools import lru_cache

from proxy.places import known_code
from proxy.resources import Agent, ClientKey, ContextField, Environment, Snapshot, Team
from translators.canonical import Request, RequestError, named_value

from .claims import FIELDS, TELLING, Claim, Claims, is_value
from .executions import Executions, conversation_id, turn_of
from .identity import ANONYMOUS, ExecutionSource, Identity, Source
from .keys import key_id

_SCOPED = re.compile(r"/a/([^/]+)(/.*)")
_TRIGGERS = ("manual", "webhook", "schedule", "upstream", "api_request")
_FRAMEWORKS = (
    ("Agents/Python", "openai-agents-sdk"),
    ("OpenAI/Python", "openai-python"),
    ("OpenAI/JS", "openai-node"),
    ("langchain", "langchain"),
    ("crewai", "crewai"),
    ("codex", "codex"),
)
_MAPPED = frozenset({"openai-organization", "openai-project"})
_SILENT: Mapping[str, str] = {}
_REMEMBERED = 1024
_HARMLESS: tuple[ContextField, ...] = ("execution", "session", "turn", "user", "tags", "trigger", "residency")
"""What a client with a key may say of itself unless the settings say otherwise: nothing that decides what it may do."""
_NO_KEY = ClientKey(name="", digest="")


@named_value
class _Who:
    """What of an identity does not depend on what a call asks."""

    agent: str
    namespace: str
    team: str | None
    environment: str | None
    trigger: str
    labels: Mapping[str, str]
    residency: tuple[str, ...]
    allowed: tuple[tuple[str, ...], ...]
    record: Agent | None


def split_path(path: str) -> tuple[str | None, str]:
    """The agent that a base URL of the form `http://host/a/AGENT/v1` names, and the path without that; None for no agent.

    The agent is taken as it was sent. `Callers.identify` refuses what is no name.
    """
    found = _SCOPED.fullmatch(path) if path.startswith("/a/") else None
    return (None, path) if found is None else (found[1], found[2])


class Callers:
    """Whoever may call, for one snapshot: what can be looked up is put into dictionaries once."""

    def __init__(self, snapshot: Snapshot) -> None:
        self._snapshot = snapshot
        self._named: dict[str, Agent | None] = {}  # agents by name alone; None where several namespaces have one
        for agent in snapshot.agents.values():
            self._named[agent.name] = None if agent.name in self._named else agent
        self._team_of = {namespace: team.name for team in snapshot.teams.values() for namespace in team.namespaces}
        settings = snapshot.settings
        # Who may come without a key may call himself what he likes, unless the configuration says otherwise.
        unwritten = FIELDS if settings.auth_mode == "open" else _HARMLESS
        self._trusted = unwritten if settings.trust_headers is None else settings.trust_headers
        self._speaking: dict[tuple[str, ...], bool] = {}
        self._silent: dict[tuple[str, str | None], tuple[_Who, dict[str, Source]]] = {}

    def identify(
        self,
        headers: Mapping[str, str],
        request: Request | None,
        *,
        key: ClientKey | None,
        call_id: str,
        executions: Executions,
        path_agent: str | None = None,
        by_operator: bool = False,
    ) -> Identity:
        """The identity of a call. `key` is what `recognise` found, `path_agent` what `split_path` did.

        `by_operator`: whoever sends it is believed in everything. `headers` are looked up without regard to case. `request` None, for a call that asks no model, belongs to no
        execution but its own. Raises `RequestError`: 400 for a value that may not be one, 403 for one the key contradicts.
        """
        pins = key or _NO_KEY
        trusted = self._trusted if pins.trust_headers is None else pins.trust_headers
        if by_operator:
            trusted = FIELDS
        metadata = request.metadata if request is not None else {}
        if metadata or self._speaks(tuple(headers)):
            claims = Claims(headers, metadata, trusted)
            who = self._who(claims, pins, path_agent)
        else:
            claims = Claims(_SILENT, _SILENT, trusted)
            who = self._known(claims, pins, path_agent)
        user = _user(claims, pins, request)
        execution, execution_source, turn = self._execution(
            claims, (who.namespace, who.agent, who.environment or "", user or ""), request, call_id, executions
        )
        session = _session(claims, request, execution)
        turn = claims.noted("turn", claims.field("turn") or _turn(turn, execution, request))
        return Identity(
            execution=execution,
            execution_source=execution_source,
            agent=who.agent,
            namespace=who.namespace,
            team=who.team,
            environment=who.environment,
            session=session,
            turn=turn,
            user_hash=user,
            trigger=who.trigger,
            framework=_framework(headers.get("User-Agent", "")),
            labels=who.labels,
            residency=who.residency,
            allowed=who.allowed,
            sources=claims.sources,
            key=key,
            key_id=None if key is None else key_id(key),
            record=who.record,
            trace=claims.trace,
            parent_span=claims.parent_span,
        )

    def _speaks(self, names: tuple[str, ...]) -> bool:
        """Whether one of these headers says something of who calls. Apps send the same ones all the time."""
        speaks = self._speaking.get(names)
        if speaks is None:
            speaks = any(name.lower() in TELLING or name.lower() in _MAPPED for name in names)
            if len(self._speaking) < _REMEMBERED:
                self._speaking[names] = speaks
        return speaks

    def _known(self, claims: Claims, pins: ClientKey, path_agent: str | None) -> _Who:
        """As `_who`, of a client that says nothing of itself: then all depends on its key and its path."""
        found = self._silent.get((pins.digest, path_agent))
        if found is None:
            who = self._who(claims, pins, path_agent)
            found = who, dict(claims.sources)
            if len(self._silent) < _REMEMBERED:
                self._silent[pins.digest, path_agent] = found
        else:
            claims.sources.update(found[1])
        return found[0]

    def _who(self, claims: Claims, pins: ClientKey, path_agent: str | None) -> _Who:
        agent = self._agent(claims, pins, path_agent)
        record, found = self._record(agent, claims.field("namespace", pins.namespace))
        namespace = claims.noted("namespace", found) or "default"
        if record is not None:
            agent = record.name  # it may have been called by its namespace too
        team = self._team(claims, pins, record, namespace)
        environment = self._environment(claims, pins, record)
        return _Who(
            agent=agent,
            namespace=namespace,
            team=team,
            environment=environment,
            trigger=_trigger(claims),
            labels=_labels(record, pins),
            residency=self._residency(claims, environment),
            allowed=self._allowed(record, team, environment, pins),
            record=record,
        )

    def _agent(self, claims: Claims, pins: ClientKey, path_agent: str | None) -> str:
        found = claims.field("agent", pins.agent, path_agent) or claims.carried("agent", "joch.agent")
        if found is None and "agent" in claims.trusted:
            found = _mapped(self._snapshot.settings.projects, claims.headers.get("OpenAI-Project"), "project")
        return claims.noted("agent", found) or ANONYMOUS

    def _record(self, agent: str, said: Claim | None) -> tuple[Agent | None, Claim | None]:
        """The Agent record that `agent` names, by its name or "namespace/name", and its namespace, else the one that was said.

        A record is looked for where the key or the client says, then in "default", then wherever there is but one of that
        name. What the key pins is final.
        """
        agents = self._snapshot.agents
        if said is not None:
            found = agents.get(_record_key(said[0], agent))
            if found is not None and found.namespace == said[0]:
                return found, said
            if said[1] == "key":
                return None, said
        found = agents.get(agent) or self._named.get(agent)
        return found, said if found is None else (found.namespace, "agent")

    def _team(self, claims: Claims, pins: ClientKey, record: Agent | None, namespace: str) -> str | None:
        said = claims.field("team", pins.team)
        if pins.team is not None:
            return claims.noted("team", said)
        of_record = None if record is None else record.team or record.labels.get("team")
        if of_record is not None:
            return claims.noted("team", (of_record, "agent"))
        if namespace in self._team_of:
            return claims.noted("team", (self._team_of[namespace], "namespace"))
        if said is None and "team" in claims.trusted:
            organization = claims.headers.get("OpenAI-Organization")
            said = _mapped(self._snapshot.settings.organizations, organization, "organization")
        return claims.noted("team", said)

    def _environment(self, claims: Claims, pins: ClientKey, record: Agent | None) -> str | None:
        """As with the team, what the Agent record says wins over the client, who is not refused for it."""
        said = claims.field("environment", pins.environment)
        if pins.environment is None and record is not None and "environment" in record.labels:
            said = record.labels["environment"], "agent"
        return claims.noted("environment", said)

    def _execution(
        self,
        claims: Claims,
        who: tuple[str, str, str, str],
        request: Request | None,
        call_id: str,
        executions: Executions,
    ) -> tuple[str, ExecutionSource, str | None]:
        """The execution, where it was found, and the turn if that is known with it."""
        settings = self._snapshot.settings
        said = claims.execution(by_trace=settings.execution_inference != "off")
        if said is not None:
            follows = None if request is None else executions.chained(f"{who[0]} {who[1]}", request)
            return *said, follows.turn if follows is not None and follows.execution == said[0] else None
        new = f"exec-auto-{call_id[-12:].lower()}"
        if request is None:
            return new, "inferred", None
        found = executions.chained(f"{who[0]} {who[1]}", request)
        if found is None and settings.execution_inference == "prefix":
            found = executions.inferred(" ".join(who), request, new, settings.execution_idle)
        return (new, "inferred", None) if found is None else (found.execution, found.source, found.turn)

    def _residency(self, claims: Claims, environment: str | None) -> tuple[str, ...]:
        rules = self._snapshot.settings.residency
        place = self._place(environment)
        codes = (
            [] if place is None or place.residency is None else [known_code(place.residency, rules) or place.residency]
        )
        for code, where, _ in claims.said("residency"):
            known = known_code(code, rules)
            if known is None:
                message = f"{where} names no residency rule of this server. Known are {', '.join(rules.rules)}."
                raise RequestError(message, param=where)
            codes.append(known)
        return tuple(dict.fromkeys(codes)) if codes else ()

    def _allowed(
        self, record: Agent | None, team: str | None, environment: str | None, pins: ClientKey
    ) -> tuple[tuple[str, ...], ...]:
        crew: Team | None = self._snapshot.teams.get(team) if team is not None else None
        place = self._place(environment)
        limits = (
            record.allowed if record is not None else None,
            crew.allowed if crew is not None else None,
            place.allowed if place is not None else None,
            pins.models,
        )
        return tuple([_globs(limit) for limit in limits if limit is not None])

    def _place(self, environment: str | None) -> Environment | None:
        return None if environment is None else self._snapshot.environments.get(environment)


def _user(claims: Claims, pins: ClientKey, request: Request | None) -> str | None:
    """The hash of who uses the app."""
    said = claims.field("user", pins.user)
    if pins.user is None and request is not None and "user" in claims.trusted:
        user = request.safety_identifier or request.user
        if user:
            said = user, "request"
    user = claims.noted("user", said)
    return None if user is None else _short_hash(user)


def _session(claims: Claims, request: Request | None, execution: str) -> str:
    """The session, else the execution. What is not an id of ours is the app's to write, so it is never refused."""
    found = claims.field("session")
    if found is None and request is not None and "session" in claims.trusted:
        found = _session_of_app(claims, request)
    return claims.noted("session", found or (execution, "execution")) or execution


def _session_of_app(claims: Claims, request: Request) -> Claim | None:
    owns: tuple[tuple[object, Source], ...] = (
        (request.metadata.get("session_id"), "metadata"),
        (conversation_id(request), "conversation"),
        (request.cache.get("prompt_cache_key"), "prompt_cache_key"),
    )
    for own, source in owns:
        if own and isinstance(own, str):
            return own if is_value(own) else f"session-{_short_hash(own)}", source
    return None


def _turn(continued: str | None, execution: str, request: Request | None) -> Claim | None:
    """The turn that an earlier response began, else one named after the execution; None where no model is asked."""
    if continued is not None:
        return continued, "responses"
    return None if request is None else (turn_of(execution, request), "execution")


def _trigger(claims: Claims) -> str:
    for value, where, _ in claims.said("trigger"):
        if value not in _TRIGGERS:
            raise RequestError(f"{where} must be one of {', '.join(_TRIGGERS)}.", param=where)
    return claims.noted("trigger", claims.field("trigger")) or "api_request"


def _labels(record: Agent | None, pins: ClientKey) -> Mapping[str, str]:
    """The record's, and over them the key's, so that a call without a record is an agent with labels too (G19)."""
    if record is None or not record.labels:
        return pins.labels
    return {**record.labels, **pins.labels} if pins.labels else record.labels


def _mapped(table: Mapping[str, str], value: str | None, source: Source) -> Claim | None:
    found = table.get(value) if value is not None else None
    return None if found is None else (found, source)


def _record_key(namespace: str, name: str) -> str:
    """How records are kept by name in a snapshot."""
    return name if namespace == "default" else f"{namespace}/{name}"


def _short_hash(text: str) -> str:
    """The first 16 digits of SHA-256."""
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:16]


@lru_cache(1024)
def _globs(globs: tuple[str, ...]) -> tuple[str, ...]:
    """Globs of model refs. One without a provider means the model of that name at any."""
    return tuple([each if ":" in each or each == "*" else f"*:{each}" for each in globs])


@lru_cache(256)
def _framework(user_agent: str) -> str | None:
    for mark, name in _FRAMEWORKS:
        if mark in user_agent:
            return name
    return None
