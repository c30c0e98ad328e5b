"""The suite as a pytest plugin: for whoever makes a provider, one test for every scenario, dialect and mode.

    [tool.pytest.ini_options]
    joch_provider = "acme"          # or: pytest --joch-provider acme

It is loaded by every pytest that runs where joch is installed, so it imports nothing of joch until it is asked for.
"""

from __future__ import annotations

from contextlib import ExitStack
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from .scenario import Scenario
    from .stage import Stage
    from .targets import Target

_STAGES = pytest.StashKey[ExitStack]()
_OPEN = pytest.StashKey[dict[str, Any]]()


def pytest_addoption(parser: pytest.Parser) -> None:
    """`--joch-provider` and the ini line of the same name; `--joch-section` narrows it down."""
    group = parser.getgroup("joch", "conformance of a joch provider")
    group.addoption("--joch-provider", metavar="NAME", help="verify this provider, an entry point of joch.providers")
    group.addoption("--joch-section", action="append", default=[], metavar="SECTION", help="only this section")
    parser.addini("joch_provider", "the provider that joch's conformance suite verifies", default="")


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(session: pytest.Session, config: pytest.Config, items: list[pytest.Item]) -> None:
    """Add one item for every cell; options like -k then work on them as on any other."""
    name = config.getoption("--joch-provider") or config.getini("joch_provider")
    if not name:
        return
    from . import runner, targets
    from .scenario import load

    sections = config.getoption("--joch-section")
    for target in targets.of(name):
        for scenario in load():
            if sections and scenario.section not in sections:
                continue
            for dialect, mode, model in runner.variants(target, scenario):
                title = f"joch[{target.name}-{scenario.section}-{scenario.name}-{dialect}-{mode}-{model}]"
                items.append(
                    CellItem.from_parent(
                        session, name=title, target=target, scenario=scenario, place=(dialect, mode, model)
                    )
                )


def pytest_unconfigure(config: pytest.Config) -> None:
    """Stop what was started for the tests."""
    stack = config.stash.get(_STAGES, None)
    if stack is not None:
        stack.close()


class CellItem(pytest.Item):
    """One scenario in one dialect and mode against one model."""

    def __init__(self, *, target: Target, scenario: Scenario, place: tuple[str, str, str], **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self._target, self._scenario, self._place = target, scenario, place

    def runtest(self) -> None:
        from .runner import run_cell

        cell = run_cell(self._stage(), self._scenario, *self._place)
        if cell.word == "failed":
            raise NotConformingError(self._scenario.says, cell.failures)

    def _stage(self) -> Stage:
        """The target in operation, started with the first test that needs it."""
        from .stage import stage

        stash = self.config.stash
        opened = stash.setdefault(_OPEN, {})
        if self._target.name not in opened:
            stack = stash.setdefault(_STAGES, ExitStack())
            opened[self._target.name] = stack.enter_context(stage(self._target))
        found: Stage = opened[self._target.name]
        return found

    def repr_failure(self, excinfo: pytest.ExceptionInfo[BaseException], *args: Any, **kwargs: Any) -> Any:
        """What is wrong, in plain words, without a traceback into the suite."""
        if isinstance(excinfo.value, NotConformingError):
            return str(excinfo.value)
        return super().repr_failure(excinfo, *args, **kwargs)

    def reportinfo(self) -> tuple[str, None, str]:
        return "joch conformance", None, self.name


class NotConformingError(AssertionError):
    """A provider does not do what the scenario says."""

    def __init__(self, says: str, failures: tuple[str, ...]) -> None:
        super().__init__("\n".join([says, *(f"  {failure}" for failure in failures)]))
