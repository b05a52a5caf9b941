"""`memtune bench confidence`: from measured failures to the model that is shipped."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from agent.cli.main import main
from evals.benchmarks.attribution_metrics import outcome
from tests.fault_case_fixture import Names, case
from traces.attribution.replay import confidence
from traces.attribution.replay.confidence import Confidence


def record(number: int, *, right: bool, seed: int = 420, **changes: Any) -> dict[str, Any]:
    """A line of `bench attribution --json`: certified attributions are right."""

    made = case(("update", "stale"), id=f"single/{number}")
    found = outcome(made, Names(("update",))(made.failure, made.graph), 1, 10, 0.1).to_json()
    found |= {
        "event": "attribution", "method": "replay", "conversation": f"sim-{number // 2}",
        "backend": "fact_store", "seed": seed, "slip": 0.05 * (number % 2), "evidence": True,
        "test_error": 0.0, "right": right, "features": {"certified": float(right), "swept": 0.0},
    }  # fmt: skip
    return {**found, **changes}


def written(path: Path, records: Sequence[Any]) -> Path:
    path.write_text("".join(json.dumps(r) + "\n" for r in records), "utf-8")
    return path


@pytest.fixture
def records(tmp_path: Path) -> Path:
    """80 attributions, most of them right; other methods, abstentions and the last line."""
    listed = [record(n, right=n % 4 != 0, seed=420 + n % 2) for n in range(80)]
    listed.append(record(90, right=False, method="random"))
    listed.append(record(91, right=False, verdict="abstained"))
    listed.append({"event": "done"})
    return written(tmp_path / "measured.jsonl", listed)


@pytest.fixture
def shipped(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A place of the test's own for the shipped model."""
    place = tmp_path / "confidence.json"
    monkeypatch.setattr(confidence, "shipped_path", lambda: place)
    monkeypatch.setenv("COLUMNS", "80")
    return place


def test_a_fit_is_shown_and_written_only_where_told(
    records: Path, shipped: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Without a place nothing is written; reliability and weights are on the screen."""
    assert main(["bench", "confidence", str(records)]) == 0
    shown = capsys.readouterr().out
    assert shown.startswith("SIMULATED:")
    assert "80 attributions with features, 0.750 of them right" in shown
    assert "Brier score" in shown
    assert "certified" in shown  # a feature that never varied has no weight
    assert "swept" not in shown
    assert "Not written" in shown
    assert max(map(len, shown.splitlines())) <= 80
    assert not shipped.exists()


def test_the_shipped_model_is_overwritten_only_when_told(
    records: Path, shipped: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """--ship writes it, says on what it was made, and a second time needs --overwrite."""
    command = ["bench", "confidence", str(records), "--ship"]
    assert main(command) == 0
    model = Confidence.from_json(json.loads(shipped.read_text("utf-8")))
    sure, doubtful = model({"certified": 1.0}), model({"certified": 0.0})
    assert sure is not None
    assert doubtful is not None
    assert sure > 0.9 > 0.1 > doubtful
    assert (model.fitted["attributions"], model.fitted["failures"]) == (80, 81)
    assert (model.fitted["seeds"], model.fitted["simulated"]) == ([420, 421], True)
    assert [s["slip"] for s in model.fitted["settings"]] == [0.0, 0.05]
    before = shipped.read_bytes()
    assert main(command) == 2
    said = capsys.readouterr().err
    assert "a model is there already; add --overwrite" in said
    assert len(said.splitlines()) == 1
    assert main([*command, "--overwrite", "--json"]) == 0
    assert shipped.read_bytes() == before
    done = json.loads(capsys.readouterr().out)
    assert (done["event"], done["simulated"]) == ("done", True)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("{broken\n", "line 1: is no JSON"),
        ("\n[1]\n", "line 2: is no JSON object"),
        ('{"event": "attribution", "method": "replay"}\n', "line 1: is no record of this version"),
        ("", "0 attributions with features"),
    ],
)
def test_a_file_that_holds_no_measurement_is_one_line(
    text: str, said: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """File and line, and what to do."""
    place = tmp_path / "strange.jsonl"
    place.write_text(text, "utf-8")
    assert main(["bench", "confidence", str(place)]) == 1
    printed = capsys.readouterr().err
    assert said in printed
    assert len(printed.splitlines()) == 1


def test_places_that_cannot_be_are_refused(
    records: Path, shipped: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """A missing file, two places for one model, a directory that is not there."""
    assert main(["bench", "confidence", str(tmp_path / "none.jsonl")]) == 1
    assert "cannot be read" in capsys.readouterr().err
    assert main(["bench", "confidence", str(records), "--ship", "--out", "x.json"]) == 2
    assert "choose one" in capsys.readouterr().err
    nowhere = str(tmp_path / "nowhere" / "x.json")
    assert main(["bench", "confidence", str(records), "--out", nowhere]) == 2
    assert "cannot be written" in capsys.readouterr().err
