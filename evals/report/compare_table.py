"""The figures of runs beside each other, as sections of labelled rows with one cell a run."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from evals.report import wording
from evals.report.compare import SPLITS

Run = Mapping[str, Any]
_STANDING = ("running", "done", "stopped", "broken off", "not begun")


@dataclass(frozen=True, slots=True)
class Section:
    """Rows of the same kind: (label, one cell a run). Cells are text for people."""

    title: str
    rows: tuple[tuple[str, tuple[str, ...]], ...]


# Characters of a backend's name that a row's head shows.
_LONGEST_NAME = 20


def row_heads(runs: Sequence[Run]) -> list[str]:
    """Return what stands before each run's row: its letter, and its backend where they differ."""
    if len({run["backend"] for run in runs}) == 1:
        return [run["label"] for run in runs]
    names = (wording.printable(run["backend"]) for run in runs)
    return [
        f"{run['label']} {name if len(name) <= _LONGEST_NAME else name[: _LONGEST_NAME - 1] + '…'}"
        for run, name in zip(runs, names, strict=True)
    ]


def sections(runs: Sequence[Run]) -> list[Section]:
    """Return what is known of the runs; rows that no run has anything for are left out."""
    made = [
        Section("", _rows(runs, _state)),
        *(Section(_score_title(split), _rows(runs, _scores(split))) for split in _splits(runs)),
        *_stage_sections(runs),
        *_cause_sections(runs),
        Section("cost", _rows(runs, _cost)),
    ]
    return [section for section in made if section.rows]


def _rows(runs: Sequence[Run], cells: Any) -> tuple[tuple[str, tuple[str, ...]], ...]:
    """Return the rows of which some run has a cell; `cells(run)` maps labels to texts."""
    by_run = [cells(run) for run in runs]
    labels = list(dict.fromkeys(name for found in by_run for name in found))
    rows = ((name, tuple(found.get(name, "-") for found in by_run)) for name in labels)
    return tuple(row for row in rows if any(cell != "-" for cell in row[1]))


def _state(run: Run) -> dict[str, str]:
    return {
        "status": run["status"],
        "prompts compared": run["prompts"]["which"],
        "rounds": str(run["rounds"]),
        "promoted / tested": f"{run['gates']['promoted']} / {run['gates']['tested']}",
    }


def _splits(runs: Sequence[Run]) -> list[str]:
    """Return the splits to show: test, and what the unfinished have instead."""
    if all((run["scores"]["compared"] or {}).get("test") for run in runs):
        return ["test"]
    known = [s for s in SPLITS if any(_figures(r, kind, s) for r in runs for kind in r["scores"])]
    return list(reversed(known))


def _score_title(split: str) -> str:
    sealed = "sealed test split" if split == "test" else f"{split} split"
    return f"score, {sealed}"


def _figures(run: Run, kind: str, split: str) -> Mapping[str, Any] | None:
    return (run["scores"].get(kind) or {}).get(split)


def _scores(split: str) -> Any:
    def cells(run: Run) -> dict[str, str]:
        found: dict[str, str] = {}
        baseline, final = (_figures(run, kind, split) for kind in ("baseline", "final"))
        for name, figures in (("baseline", baseline), ("final", final)):
            found[name] = wording.score(figures["score"] if figures else None)
            found[f"  95% of {name}"] = wording.interval(figures["interval"] if figures else None)
        both = baseline is not None and final is not None
        found["gain"] = wording.difference(final["score"] - baseline["score"]) if both else "-"  # type: ignore[index]
        gain = run["gain"] or {}
        if split == "test" and gain.get("score") is not None:
            found["  95% of gain"] = wording.interval(gain.get("interval"), signed=True)
            found["headroom closed"] = wording.percent(gain.get("headroom_closed"))
        found["questions"] = str((final or baseline or {}).get("n", "-"))
        return found

    return cells


def _stage_sections(runs: Sequence[Run]) -> list[Section]:
    split = _splits(runs)[:1]
    if not split:
        return []

    def cells(run: Run) -> dict[str, str]:
        figures = _figures(run, "compared", split[0]) or {}
        return {name: wording.score(v) for name, v in sorted(figures.get("stages", {}).items())}

    title = f"stages, {split[0]}, prompts compared"
    return [Section(title, _rows(runs, cells))]


def _cause_sections(runs: Sequence[Run]) -> list[Section]:
    titles = {
        "test": "why wrong, test, final prompts (questions)",
        "training": "why wrong, training, all rounds (questions)",
    }

    def cells(split: str) -> Any:
        known = {name for run in runs for name in (run["causes"][split] or {})}

        def of(run: Run) -> dict[str, str]:
            found = run["causes"][split]
            # No failure of a kind is a finding, where failures were looked at.
            return (
                {} if found is None else {name: str(found.get(name, 0)) for name in sorted(known)}
            )

        return of

    return [Section(title, _rows(runs, cells(split))) for split, title in titles.items()]


def _cost(run: Run) -> dict[str, str]:
    usd = (run["usd"] or {}).get("total")
    return {
        "calls made": wording.count(run["calls"]["made"]),
        "calls saved": wording.count(run["calls"]["saved"]),
        "tokens in": wording.tokens(run["tokens"]["input"]),
        "tokens out": wording.tokens(run["tokens"]["output"]),
        "dollars": "unknown" if usd is None and run["calls"]["made"] else _dollars(usd),
        "time": wording.duration(run["seconds"]),
    }


def _dollars(value: float | None) -> str:
    return "-" if value is None else wording.dollars(value, "")
