"""What only the gateway knows of an answer, and how the document says it. Values only; who fills them in asks no one here.

An answer is rendered before its call is over. What the call cost and how it went is told when it is, around the rendered
document, so that the figures are the ones that events have.
"""

from __future__ import annotations

from translators.canonical import JSON, named_value
from translators.formats import Wire, json, sse

from .names import OBJECT


@named_value
class Told:
    """One call: `id` is its own, `created_at` ISO 8601 in UTC, money in US dollars, None where it is not known.

    `attempts` counts requests to providers, `fallback_index` is 0 for the route's primary. `decision` is allow, modify or
    deny. `progress` are the attempts and switches so far as (event name, members), for a client that asked for them;
    `warnings` what was not done quite as asked; `explanation` the document of the events reference, section 7.
    """

    id: str
    created_at: str
    route: str
    execution_id: str
    served_by: str | None = None
    response_model: str | None = None
    region: str | None = None
    fallback_index: int | None = None
    attempts: int = 0
    execution_cost: float | None = None
    cost: float | None = None
    price_source: str = "none"
    decision: str = "allow"
    warnings: tuple[Wire, ...] = ()
    progress: tuple[tuple[str, Wire], ...] = ()
    explanation: JSON | None = None


def completed(body: bytes, told: Told) -> bytes:
    """`body`, a rendered answer, as the whole document."""
    return b"%b,%b,%b" % (json.dumps(_head(told))[:-1], body[1:-1], json.dumps(_tail(told))[1:])


def render_stop(event: Wire, told: Told) -> bytes:
    """`response.stop`, whose `event` was held back by the renderer, with the document whole."""
    return sse.render(json.dumps({**event, **_head(told), **_tail(told)}), b"response.stop")


def _head(told: Told) -> Wire:
    return {"id": told.id, "object": OBJECT, "createdAt": told.created_at}


def _tail(told: Told) -> Wire:
    wire: Wire = {
        "cost": {"usd": told.cost, "known": told.cost is not None, "priceSource": told.price_source},
        "routing": {
            "route": told.route,
            "servedBy": told.served_by,
            "responseModel": told.response_model,
            "region": told.region,
            "fallbackIndex": told.fallback_index,
            "attempts": told.attempts,
            "executionId": told.execution_id,
            "executionCostUsd": told.execution_cost,
        },
        "decision": told.decision,
        "warnings": list(told.warnings),
    }
    if told.explanation is not None:
        wire["explanation"] = told.explanation
    return wire


def render_start(told: Told, response_model: str) -> Wire:
    """The members of `response.start`."""
    return {
        "id": told.id,
        "route": told.route,
        "servedBy": told.served_by,
        "responseModel": response_model,
        "executionId": told.execution_id,
    }
