"""Reads what `memtune bench attribution --json` printed, for fitting confidence."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from evals.benchmarks.attribution_metrics import Outcome
from evals.benchmarks.attribution_targets import SUBJECT
from evals.benchmarks.confidence_fit import Sample
from traces.errors import DataError

_CONDITIONS = ("backend", "seed", "slip", "evidence", "test_error")


@dataclass(frozen=True)
class Records:
    """Samples of replay attribution, and on what they were made."""

    samples: Sequence[Sample]
    made_on: Mapping[str, Any]


def read_records(paths: Iterable[Path]) -> Records:
    """Return the attributions of `replay` that named something, from files of JSON lines.

    Samples of one conversation of one seed belong together, whatever the slip. Raises
    DataError naming file and line.
    """
    samples, conditions, failures = [], set(), 0
    for path in paths:
        for number, record in _lines(path):
            if record.get("event") != "attribution" or record.get("method") != SUBJECT:
                continue
            given = {name: record.pop(name, None) for name in _CONDITIONS}
            record.pop("event")
            try:
                one = Outcome.from_json(record)
            except (TypeError, KeyError) as error:
                raise DataError(
                    f"{path}, line {number}: is no record of this version ({error}); measure again"
                ) from error
            failures += 1
            conditions.add(tuple(given.values()))
            if not one.abstained and one.features:
                case = f"{given['backend']}/{given['seed']}/{one.conversation}"
                samples.append(Sample(case, one.features, one.right))
    runs = [dict(zip(_CONDITIONS, values, strict=True)) for values in sorted(conditions)]
    made_on = {
        "method": SUBJECT,
        "simulated": True,
        "failures": failures,
        "seeds": sorted({run["seed"] for run in runs}),
        "settings": _settings(runs),
    }
    return Records(samples, made_on)


def _settings(runs: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Return the settings without their seeds, each once."""
    found = []
    for run in runs:
        rest = {name: value for name, value in run.items() if name != "seed"}
        if rest not in found:
            found.append(rest)
    return found


def _lines(path: Path) -> Iterable[tuple[int, dict[str, Any]]]:
    try:
        text = path.read_text("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise DataError(
            f"{path}: cannot be read ({error}); name a file of `bench attribution --json`"
        ) from error
    for number, line in enumerate(text.splitlines(), 1):
        if not line.strip():
            continue
        try:
            record = json.loads(line)
        except ValueError as error:
            raise DataError(f"{path}, line {number}: is no JSON ({error})") from error
        if not isinstance(record, dict):
            raise DataError(f"{path}, line {number}: is no JSON object")
        yield number, record
