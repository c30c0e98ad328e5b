"""From a call that is over to its kept explanation: told in brief at once where it can be, else made where it is written."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from proxy.call import Call
from proxy.resources import Model
from proxy.routing import Candidate
from translators.canonical import CapabilitySet, JochError

from .brief import Briefs, own
from .document import document
from .store import TEMPLATE_SECONDS, Explanations, Row


class Keeper:
    """Keeps the explanation of every call. `capabilities_of` is what plans reckon with."""

    def __init__(self, explanations: Explanations, capabilities_of: Callable[[Model], CapabilitySet]) -> None:
        self._explanations, self._capabilities_of = explanations, capabilities_of
        self._briefs = Briefs(capabilities_of)

    def keep(self, call: Call, outcome: str, error: JochError | None, served: Candidate | None, seconds: float) -> None:
        """Have the explanation of `call` written; it took `seconds`."""
        identity, cost = call.identity, call.cost
        row = Row(
            call.id,
            call.created,
            identity.namespace,
            identity.execution,
            identity.execution_source,
            call.route.name,
            identity.agent,
            outcome,
            None if cost is None else f"{cost:f}",
            call.input_tokens,
            call.output_tokens,
        )
        template = self._briefs.of(call, outcome, served)
        if template is not None:
            if call.created - template.told > TEMPLATE_SECONDS:
                template.told = call.created
                self._explanations.share(template.name, template.text, call.created)
            self._explanations.keep(row, own(template, call, seconds))
            return

        def made() -> Mapping[str, Any]:
            return document(
                call,
                self._capabilities_of,
                outcome=outcome,
                error=error,
                served=served,
                seconds=seconds,
            )

        self._explanations.keep(row, made)
