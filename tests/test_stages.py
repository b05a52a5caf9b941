"""Stage scores: figures of the stages that a backend has, null for those that it has not."""

from __future__ import annotations

import json
from collections.abc import Mapping
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from agent.cli.main import main
from agent.loop.runner import run
from evals.stages import mean_stages, stage_scores
from tests.loop_fixture import opened, small
from traces.domain import Conversation, GoldFact
from traces.graph import EvolutionGraph
from traces.operation import OperationContext

_OWN = """
class Memory:
    def __init__(self):
        self.held = []

    def add(self, messages):
        self.held += messages

    def search(self, question):
        return [RETURNED for m in self.held]
"""


def stages(tmp_path: Path, backend: str) -> Mapping[str, float | None]:
    """Return the stage scores of one conversation, run with the seed prompts."""
    with ExitStack() as stack:
        services = opened(small(tmp_path, backend=backend, seed=401), stack)
        conversation = services.dataset.conversations[0]
        (result,) = services.evaluate(services.seed_prompts, [conversation], 1, "evaluate")
    return result.stages


def own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, returned: str) -> str:
    """Return the name of a memory of somebody's own whose search returns this of a message."""
    name = f"memory_{abs(hash(returned))}"
    (tmp_path / f"{name}.py").write_text(_OWN.replace("RETURNED", returned))
    monkeypatch.syspath_prepend(str(tmp_path))
    return f"{name}:Memory"


def test_a_backend_with_all_stages_has_a_figure_for_each(tmp_path: Path) -> None:
    """Between 0 and 1, and none of them nothing."""
    found = stages(tmp_path, "fact_store")
    assert list(found) == ["extraction", "update", "retrieval"]
    assert all(value is not None and 0 < value <= 1 for value in found.values())


def test_a_backend_that_extracts_nothing_has_no_extraction_score(tmp_path: Path) -> None:
    """rag stores messages as they are: that is no extraction that finds nothing."""
    found = stages(tmp_path, "rag")
    assert found["extraction"] is None
    assert found["update"] is not None
    assert found["retrieval"] is not None


def test_a_memory_that_cannot_be_seen_has_no_score_of_its_contents(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Only add and search: what is in memory is unknown, what is found is not."""
    found = stages(tmp_path, own(tmp_path, monkeypatch, "{**m, 'sources': [m['id']]}"))
    assert (found["extraction"], found["update"]) == (None, None)
    assert found["retrieval"] == 1.0


def test_entries_without_sources_have_no_retrieval_score(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Found they may be; from which message is not told."""
    assert stages(tmp_path, own(tmp_path, monkeypatch, "'a note'"))["retrieval"] is None


def test_an_extraction_that_finds_nothing_scores_zero(context: OperationContext) -> None:
    """The stage is there and fails: 0, and 0 for the memory that stays empty as well."""
    context.perform("extraction", name="e", identity=[], inputs={}, call=lambda _: {"facts": []})
    gold = (GoldFact("g", "Ana", "Bergen", ("m1",)),)
    conversation = Conversation("conv", (), (), gold)
    found = stage_scores(conversation, EvolutionGraph.of(context.recorder))
    assert found == {"extraction": 0.0, "update": 0.0}


def test_a_mean_is_taken_over_the_episodes_that_have_the_stage() -> None:
    """None where none has it."""
    episodes = [{"update": 0.5, "extraction": None}, {"update": None, "extraction": None}]
    assert mean_stages([*episodes, {"update": 1.0}]) == {"extraction": None, "update": 0.75}


def test_what_is_not_there_is_a_dash_and_null(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """In the summary, the report, its JSON, and beside a run that has the stage."""
    monkeypatch.setenv("COLUMNS", "80")
    for backend in ("rag", "fact_store"):
        plain = {"optimizer": "noop", "attribution": "provenance", "out": tmp_path / backend}
        run(small(tmp_path, backend=backend, **plain))
    assert main(["report", str(tmp_path / "rag")]) == 0
    for name, score in (("summary.json", ["baseline"]), ("report.json", ["scores", "baseline"])):
        found: Any = json.loads((tmp_path / "rag" / name).read_text())
        for key in (*score, "test", "stages"):
            found = found[key]
        assert found["extraction"] is None
    assert "| baseline | test | extraction | - |" in (tmp_path / "rag" / "report.md").read_text()
    capsys.readouterr()
    assert main(["compare", str(tmp_path / "rag"), str(tmp_path / "fact_store")]) == 0
    (row,) = (r for r in capsys.readouterr().out.splitlines() if r.split()[:1] == ["extraction"])
    assert row.split()[1] == "-"
    assert 0 < float(row.split()[2]) < 1
