"""From a call that is over to its kept explanation. Runs behind the call: its document is made where it is written."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from proxy.call import Call
from proxy.resources import Model
from proxy.routing import Candidate
from translators.canonical import CapabilitySet, JochError

from .document import document
from .store import Explanations, Row


class Keeper:
    """Keeps the explanation of every call. `capabilities_of` is what plans reckon with."""

    def __init__(self, explanations: Explanations, capabilities_of: Callable[[Model], CapabilitySet]) -> None:
        self._explanations, self._capabilities_of = explanations, capabilities_of

    def keep(self, call: Call, outcome: str, error: JochError | None, served: Candidate | None, seconds: float) -> None:
        """Have the explanation of `call` written; it took `seconds`."""

        def made() -> Mapping[str, Any]:
            return document(
                call,
                self._capabilities_of,
                outcome=outcome,
                error=error,
                served=served,
                seconds=seconds,
            )

        identity = call.identity
        row = Row(
            id=call.id,
            at=call.created,
            namespace=identity.namespace,
            execution=identity.execution,
            source=identity.execution_source,
            route=call.route.name,
            agent=identity.agent,
            outcome=outcome,
            cost=call.cost,
            input_tokens=call.input_tokens,
            output_tokens=call.output_tokens,
        )
        self._explanations.keep(row, made)
