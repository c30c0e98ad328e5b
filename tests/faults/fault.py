"""One row of the catalogue, and what it means to survive it.

Each fault meets joch twice: with no other candidate, and with a good one behind it. Both times the SDK's view and the event log
are held against the row.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

import pytest
from aiohttp.abc import AbstractResolver

from proxy.resources import Clocks
from tests.support.answers import chat_upstream
from tests.support.joch import RunningJoch, running_joch
from tests.support.scripted import Script, ScriptedServer
from tests.support.snapshots import KEY, model, route, snapshot

from .sdk import PROMPT, Api, Sdk, Seen
from .told import Answered, Expected, check_always

GOOD = Answered(text="from-the-fallback")
QUICK = Clocks(connect=0.3, first_byte=0.3, whole=None, idle=0.3, content=0.4, attempt=5, total=10)
"""Time limits for faults that are about one."""


@dataclass(frozen=True, kw_only=True)
class Fault:
    """A fault and what must come of it.

    `scripts` are played in turn by the faulty upstream, the last for ever; `url` gives its base URL instead when it cannot be
    reached at all. `alone` is what the SDK sees without a fallback; `falls_over` whether a fallback is asked.

    `early` upstreams answer before they read the body. `failure` is the attempt's class in the event log, "" for an attempt that is fine; `usage` where its token counts come from;
    `notes` must all be there; `alarm` asks for severity "error". `also` is given the first call for what the row cannot say.
    """

    id: str
    title: str
    scripts: Sequence[Script] = ()
    url: Callable[[ScriptedServer], str] | None = None
    alone: Expected
    falls_over: bool = True
    failure: str = ""
    billed: bool = False
    usage: Literal["provider", "estimated", "none"] = "none"
    notes: Sequence[str] = ()
    alarm: bool = False
    streams: Sequence[bool] = (False, True)
    api: Api = "chat"
    provider: str = "generic-openai"
    clocks: Clocks | None = None
    total: float = 30.0
    settings: Mapping[str, Any] = field(default_factory=dict)
    record: Mapping[str, Any] = field(default_factory=dict)
    asked: Mapping[str, Any] = field(default_factory=dict)
    resolver: Callable[[], AbstractResolver] | None = None
    announced: bool = True
    early: bool = False
    also: Callable[[Seen], None] | None = None


def cases(faults: Sequence[Fault]) -> list[Any]:
    """The rows as pytest parameters, once per mode, each marked with its fault's id."""
    return [
        pytest.param(
            row,
            stream,
            marks=pytest.mark.fault(row.id),
            id=f"{row.id} {row.title} ({'stream' if stream else 'whole'})",
        )
        for row in faults
        for stream in row.streams
    ]


def survive(fault: Fault, upstream: ScriptedServer, sdk: Sdk, *, stream: bool) -> None:
    """Play the fault to joch with and without a fallback, and check both sides of each call."""
    with staged(fault, upstream) as joch:
        seen = sdk.ask(joch.base_url, "alone", stream=stream, api=fault.api, **fault.asked)
        check_always(seen)
        fault.alone.check(seen, stream)
        if fault.also is not None:
            fault.also(seen)
        check_log(joch, seen, fault, stream)
        _behind(fault, upstream, joch, sdk, stream)


def staged(fault: Fault, upstream: ScriptedServer) -> Any:
    """joch with the faulty candidate by itself as "alone", and in front of a good one as "pair"."""
    clocks = {} if fault.clocks is None else {"clocks": fault.clocks}
    records = []
    for name in ("alone", "first"):
        serve = upstream.script_early if fault.early else upstream.script
        script = serve(f"{fault.id}-{name}", *fault.scripts)
        where = script if fault.url is None else fault.url(upstream)
        records.append(model(fault.provider, where, name, **clocks, **fault.record))
    good = upstream.script(f"{fault.id}-second", chat_upstream(GOOD.text))
    records.append(model("generic-openai", good, "second"))
    config = snapshot(
        records,
        [route("pair", f"{fault.provider}:first", "generic-openai:second")],
        clocks=Clocks(total=fault.total),
        **fault.settings,
    )
    upstream.requests.clear()
    return running_joch(config, resolver=None if fault.resolver is None else fault.resolver())


def _behind(fault: Fault, upstream: ScriptedServer, joch: RunningJoch, sdk: Sdk, stream: bool) -> None:
    seen = sdk.ask(joch.base_url, "pair", stream=stream, api=fault.api, **fault.asked)
    check_always(seen)
    asked = len(upstream.of(f"{fault.id}-second"))
    if not fault.falls_over:
        fault.alone.check(seen, stream)
        assert asked == 0, "the fallback must not be asked after this fault"
        check_log(joch, seen, fault, stream)
        return
    GOOD.check(seen, stream)
    assert asked == 1
    if fault.announced:
        assert seen.tape.headers["x-joch-fallback-index"] == "1"
        assert seen.tape.headers["x-joch-attempts"] == "2"
    first, second = attempts_of(joch, seen, 2)
    _check_attempt(first, fault, content=False)
    assert second["payload"]["outcome"] == "ok"
    (switch,) = events_of(joch, seen, "ProviderSwitched")
    assert (switch["payload"]["fromIndex"], switch["payload"]["toIndex"]) == (0, 1)
    assert switch["payload"]["detail"] == fault.failure
    (call,) = events_of(joch, seen, "x.CallCompleted")
    assert (call["payload"]["outcome"], call["payload"]["switches"]) == ("ok", 1)


def check_log(joch: RunningJoch, seen: Seen, fault: Fault, stream: bool) -> None:
    """The events of a call that one candidate decided."""
    content = bool(seen.text)
    (attempt,) = attempts_of(joch, seen, 1)
    _check_attempt(attempt, fault, content=content and stream)
    (call,) = events_of(joch, seen, "x.CallCompleted")
    ended_well = isinstance(fault.alone, Answered)
    assert call["payload"]["outcome"] == ("ok" if ended_well else "partial" if content else "error")
    assert call["payload"]["status"] == seen.tape.status or not content
    assert events_of(joch, seen, "ProviderSwitched") == []


def _check_attempt(event: Mapping[str, Any], fault: Fault, *, content: bool) -> None:
    payload = event["payload"]
    said = {name: payload[name] for name in ("failure", "billedRisk", "usageSource")}
    assert said == {"failure": fault.failure, "billedRisk": fault.billed, "usageSource": fault.usage}
    assert payload["outcome"] == ("ok" if not fault.failure else "aborted" if content else "error")
    assert set(fault.notes) <= set(payload["notes"]), payload["notes"]
    if fault.alarm:
        assert event["severity"] == "error", "this fault is an alarm"


def attempts_of(joch: RunningJoch, seen: Seen, count: int) -> list[dict[str, Any]]:
    """The attempts of the call, oldest first, once there are `count` of them and the call is accounted for."""
    _until(lambda: bool(events_of(joch, seen, "x.CallCompleted")), "the call was never accounted for")
    found = events_of(joch, seen, "ModelCallCompleted")
    assert len(found) == count, [event["payload"] for event in found]
    assert len(events_of(joch, seen, "ModelCallStarted")) == count
    return found


def events_of(joch: RunningJoch, seen: Seen, type: str) -> list[dict[str, Any]]:
    """The events of one type that belong to the call, checked for what no event may hold."""
    found = [event for event in joch.events.of(type) if event.get("callId") == seen.call_id]
    text = json.dumps(found)
    assert KEY not in text
    assert PROMPT not in text
    return found


def _until(condition: Callable[[], bool], otherwise: str, seconds: float = 2.0) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, otherwise
        time.sleep(0.002)  # what is awaited happens on another thread, which has nothing to signal us with


def until(condition: Callable[[], bool], otherwise: str, seconds: float = 2.0) -> float:
    """Wait for what another thread is about to do. Returns how long it took, in seconds."""
    begun = time.monotonic()
    _until(condition, otherwise, seconds)
    return time.monotonic() - begun
