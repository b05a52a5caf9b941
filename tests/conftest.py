"""Fixtures of the seam: a real SQLite file, and passes recorded through it."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from pathlib import Path

import pytest
from hypothesis import settings

from traces.database import Database
from traces.domain import PromptSet
from traces.operation import OperationContext
from traces.store import Store

# How long an example takes says more of the machine than of the code.
settings.register_profile("memtune", deadline=None)
settings.load_profile("memtune")


@pytest.fixture
def database(tmp_path: Path) -> Iterator[Database]:
    made = Database(tmp_path / "memtune.db")
    yield made
    made.close()


@pytest.fixture
def store(database: Database) -> Store:
    return Store(database)


@pytest.fixture
def context() -> OperationContext:
    """A pass over episode `conv` without a model."""
    return OperationContext(
        episode="conv",
        scope="s1",
        now=datetime(2024, 5, 12),
        prompts=PromptSet({"extraction": "Keep facts.", "update": "Merge."}),
        bind=lambda operation: None,
    )


@pytest.fixture
def json_adapter() -> Iterator[None]:
    """Predictions ask for JSON, as the gateway's do; for tests that stand in for a model."""
    import dspy
    from dspy.adapters.json_adapter import JSONAdapter

    with dspy.context(adapter=JSONAdapter(use_native_function_calling=False)):
        yield


@pytest.fixture
def own_place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Run in an empty folder, whose modules can be imported, at 80 columns."""
    monkeypatch.setenv("COLUMNS", "80")
    monkeypatch.setenv("MEMTUNE__STATE_DIR", str(tmp_path / "state"))
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.chdir(tmp_path)
