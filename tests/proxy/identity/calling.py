"""Short ways to a call's headers, its request and its identity, for the tests of this folder."""

from __future__ import annotations

from typing import Any

from multidict import CIMultiDict, CIMultiDictProxy

from proxy.identity import Callers, Executions, Identity
from proxy.resources import Agent, ClientKey, Environment, Settings, Snapshot, Team
from translators.canonical import Message, Request, Text

CALL = "mc_01M87SHQH59ZW8GDZTRQ3VCD30"
TRACE = "4bf92f3577b34da6a3ce929d0e0e4736"
SPAN = "00f067aa0ba902b7"
PARENT = f"00-{TRACE}-{SPAN}-01"


class Clock:
    """A clock that stands until it is moved. Seconds."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


def headers(**values: str) -> CIMultiDictProxy[str]:
    """`X_Joch_Agent="a"` is the header X-Joch-Agent."""
    return CIMultiDictProxy(CIMultiDict({name.replace("_", "-"): value for name, value in values.items()}))


def said(*texts: str, **fields: Any) -> Request:
    """A request whose messages are `texts`, each "role: text"."""
    messages = []
    for text in texts:
        role, _, content = text.partition(": ")
        messages.append(Message(role, (Text(content),)))
    return Request(messages=tuple(messages), **fields)


def snapshot(
    *,
    agents: tuple[Agent, ...] = (),
    teams: tuple[Team, ...] = (),
    environments: tuple[Environment, ...] = (),
    keys: tuple[ClientKey, ...] = (),
    **settings: Any,
) -> Snapshot:
    """A configuration without models, with these records where the loader puts them."""
    return Snapshot(
        settings=Settings(**settings),
        models={},
        routes={},
        agents={a.name if a.namespace == "default" else f"{a.namespace}/{a.name}": a for a in agents},
        teams={team.name: team for team in teams},
        environments={place.name: place for place in environments},
        keys={key.digest: key for key in keys},
    )


def identify(
    given: Snapshot | None = None,
    request: Request | None = None,
    *,
    key: ClientKey | None = None,
    path_agent: str | None = None,
    executions: Executions | None = None,
    call_id: str = CALL,
    **sent: str,
) -> Identity:
    """The identity of a call with the headers `sent`."""
    return Callers(given or snapshot()).identify(
        headers(**sent),
        request or said("user: hi"),
        key=key,
        call_id=call_id,
        executions=executions or Executions(b"salt"),
        path_agent=path_agent,
    )
