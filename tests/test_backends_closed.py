"""Memories that are made, to be used or only to be looked at, are closed again: who keeps files
or connections must not have them pile up."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from agent.benchmark_tracing import measure
from agent.cli.main import main
from agent.fault_cases import make_cases
from evals.faults.plan import FaultPlan
from tests.broken_backends import Counted
from traces.errors import OperationError

SPEC = f"{__name__}:Counted"


class Breaks(Counted):
    """Cannot be asked."""

    def search(self, question: str) -> list[dict[str, Any]]:
        raise KeyError(question)


@pytest.fixture(autouse=True)
def _all_closed() -> Iterator[None]:
    Counted.open.clear()
    before = Counted.made
    yield
    assert Counted.made > before
    assert not Counted.open


def test_a_run_leaves_no_memory_open(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Neither those of its episodes and replays nor those whose slots were looked up."""
    monkeypatch.setenv("MEMTUNE__STATE_DIR", str(tmp_path / "state"))
    small = ["--conversations", "3", "--limit-questions", "6", "--rounds", "1", "--seed", "401"]
    assert main(["run", "--backend", SPEC, *small, "--out", str(tmp_path / "run")]) == 0


def test_planting_leaves_no_memory_open() -> None:
    """Copies that a case was replayed on are closed with its conversation's."""
    for case in make_cases(FaultPlan(singles=2, seed=401, backend=SPEC)):
        case.open(case.failure, case.graph)([])


def test_a_bench_leaves_no_memory_open(tmp_path: Path) -> None:
    """Also where a pass breaks."""
    measure(tmp_path, SPEC, 1, 0.0)
    with pytest.raises(OperationError, match="search"):
        measure(tmp_path, f"{__name__}:Breaks", 1, 0.0)
