"""For the CI of whoever writes a memory backend: `pytest --memtune-backend NAME`, or a fixture.

def test_contract(memtune_findings):
    assert not memtune_findings("my_module:MyMemory")
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

import pytest

from traces.errors import MemtuneError

if TYPE_CHECKING:
    from memory_backends.conformance import Result


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add the option."""
    parser.getgroup("memtune").addoption(
        "--memtune-backend",
        action="append",
        default=[],
        metavar="NAME",
        help="Run memtune's conformance suite over this memory backend (a name, module:attr, a "
        "file or a folder); may be given again.",
    )


@pytest.fixture
def memtune_findings() -> Callable[..., list[str]]:
    """Return what runs the suite over a backend and returns what is wrong, a line each."""

    def findings(target: str, config: dict[str, Any] | None = None) -> list[str]:
        results = _checked(target, config)
        return [str(f) for r in results for f in r.findings if f.severity == "error"]

    return findings


def pytest_collection_modifyitems(
    session: pytest.Session, config: pytest.Config, items: list[pytest.Item]
) -> None:
    """Add a test for each check of each backend that was asked for."""
    asked = config.getoption("--memtune-backend")
    if not asked:
        return
    from memory_backends.conformance import CHECKS  # takes a moment, which others shall not pay

    for target in asked:
        suite = _Suite(target)
        for check in CHECKS:
            name = f"memtune[{target}]::{check.name}"
            item: _CheckItem = _CheckItem.from_parent(session, name=name, nodeid=name)
            item.suite, item.check = suite, check.name
            items.append(item)


class _Suite:
    """The results of one backend, worked out as they are asked for."""

    def __init__(self, target: str) -> None:
        self._target = target
        self._coming: Iterator[Result] | None = None
        self._results: dict[str, Result] = {}
        self._refused: MemtuneError | None = None

    def result(self, check: str) -> Result:
        """Return the result of a check. Raises SettingsError, again for each check."""
        if self._refused is not None:
            raise self._refused
        if self._coming is None:
            self._coming = _checked(self._target, None)
        try:
            while check not in self._results:
                result = next(self._coming)
                self._results[result.check] = result
        except MemtuneError as error:
            self._refused = error
            raise
        return self._results[check]


class _Unsound(Exception):
    """A check failed."""


class _CheckItem(pytest.Item):
    suite: _Suite
    check: str

    def runtest(self) -> None:
        result = self.suite.result(self.check)
        if result.status == "not_run":
            pytest.skip(result.why)
        wrong = [str(f) for f in result.findings if f.severity == "error"]
        if wrong:
            raise _Unsound("\n".join(wrong))

    def repr_failure(self, excinfo: Any, style: Any = None) -> Any:
        if isinstance(excinfo.value, _Unsound | MemtuneError):
            return str(excinfo.value)
        return super().repr_failure(excinfo, style)

    def reportinfo(self) -> tuple[Any, int | None, str]:
        return self.path, None, self.name


def _checked(target: str, config: dict[str, Any] | None) -> Iterator[Result]:
    from agent.backend_apart import check_apart

    yield from check_apart(target, config)
