"""Faults in every backend: which cells of the matrix it has, and that each can be filled."""

from __future__ import annotations

from collections import Counter
from typing import get_args

import pytest

from evals.faults.matrix import MATRIX
from tests.faults_fixture import cases, of_group, right, unplanted
from traces.domain import OperationKind
from traces.results import ErrorType, SubType

_OF_MESSAGES = {
    "update/UpdateError/omission",
    "update/UpdateError/distortion",
    "update/UpdateError/hallucination",
    "update/UpdateError/wrong_time",
    "update/UpdateError/wrong_speaker",
    "retrieval/RetrievalError/missed",
    "response/ResponseError/ignored_evidence",
    "response/ResponseError/wrong_abstention",
    "response/ResponseError/hallucination",
    "response/ResponseError/distractor",
    "response/ResponseError/format",
}
_SEARCHED = {"retrieval/RetrievalError/ranked_out", "retrieval/RetrievalError/distractor"}
_FEW = {"pairs": 6, "harmless": 2, "wrong_gold": 2, "judge_flips": 2}
_SINGLES = {"rag": 26, "long_context": 22}


def _filled(backend: str) -> set[str]:
    singles = _SINGLES.get(backend)
    made = cases(backend, singles=singles, **_FEW) if singles else cases()
    return {c.faults[0].cell for c in made if c.group == "single"}


def test_the_matrix_speaks_the_vocabulary() -> None:
    """Every cell is an operation kind, an error type and a sub-type of the vocabulary, named
    once and described."""
    assert len({cell.name for cell in MATRIX}) == len(MATRIX)
    for cell in MATRIX:
        assert cell.kind in get_args(OperationKind)
        assert cell.error_type in get_args(ErrorType)
        assert cell.sub_type in get_args(SubType)
        assert cell.what


def test_every_cell_is_filled_in_the_fact_store() -> None:
    """The native backend has all cells, and each gets a case in the synthetic world."""
    assert _filled("fact_store") == {cell.name for cell in MATRIX}


@pytest.mark.parametrize(
    ("backend", "cells"),
    [("rag", _OF_MESSAGES | _SEARCHED), ("long_context", _OF_MESSAGES)],
)
def test_a_memory_of_messages_has_the_cells_of_its_operations(
    backend: str, cells: set[str]
) -> None:
    """Nothing is extracted, nothing merged or deleted; only a search can rank. Each of the cells
    that are left gets a case."""
    assert _filled(backend) == cells


@pytest.mark.parametrize("backend", ["rag", "long_context"])
def test_faults_act_and_are_taken_away_in_other_backends(backend: str) -> None:
    """Replays of a planted pass over messages stay wrong, and un-planting the truth mends them."""
    made = cases(backend, singles=_SINGLES[backend], **_FEW)
    assert Counter(c.group for c in made).keys() >= {"single", "pair", "harmless"}
    for case in made:
        assert not right(case, [])
        for truth in case.truths:
            assert right(case, unplanted(truth))


def test_pairs_cover_the_pairs_of_kinds() -> None:
    """Pairs are spread over all pairs of operation kinds, also two operations of one kind."""
    kinds = {tuple(f.kind for f in case.faults) for case in of_group("pair")}
    assert kinds == {
        ("extraction", "extraction"), ("extraction", "update"), ("extraction", "retrieval"),
        ("extraction", "response"), ("update", "update"), ("update", "retrieval"),
        ("update", "response"), ("retrieval", "response"),
    }  # fmt: skip
