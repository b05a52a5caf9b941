"""The matrix of faults: every legal sub-type of error for each kind of operation."""

from __future__ import annotations

from dataclasses import dataclass

from traces.domain import OperationKind
from traces.graph import EvolutionGraph


@dataclass(frozen=True, slots=True)
class Cell:
    """One way in which a kind of operation can go wrong, and what the fault does there.

    `edits`: only operations that see and change entries already in memory can do it.
    `searches`: only retrievals that choose among entries can.
    """

    kind: OperationKind
    error_type: str
    sub_type: str
    what: str
    edits: bool = False
    searches: bool = False

    @property
    def name(self) -> str:
        """`kind/error type/sub-type`."""
        return f"{self.kind}/{self.error_type}/{self.sub_type}"


def _extraction(sub_type: str, what: str) -> Cell:
    return Cell("extraction", "ExtractionError", sub_type, what)


def _update(sub_type: str, what: str, *, edits: bool = False) -> Cell:
    return Cell("update", "UpdateError", sub_type, what, edits)


def _deletion(sub_type: str, what: str) -> Cell:
    return Cell("update", "DeletionError", sub_type, what, True)


def _retrieval(sub_type: str, what: str, *, searches: bool = False) -> Cell:
    return Cell("retrieval", "RetrievalError", sub_type, what, searches=searches)


def _response(sub_type: str, what: str) -> Cell:
    return Cell("response", "ResponseError", sub_type, what)


MATRIX: tuple[Cell, ...] = (
    _extraction("omission", "no fact is made from a message that the answer rests on"),
    _extraction("distortion", "the fact gives another value than its message"),
    _extraction("hallucination", "a fact is made up and credited to a message of the session"),
    _extraction("wrong_time", "the fact gives another date than its message"),
    _extraction("wrong_speaker", "the fact credits another person"),
    _update("omission", "a new fact is taken for known and not stored"),
    _update("distortion", "the stored entry gives another value than its fact"),
    _update("hallucination", "an entry gets a statement that its fact does not make"),
    _update("wrong_time", "the stored entry gives another date than its fact"),
    _update("wrong_speaker", "the stored entry credits another person than its fact"),
    _update("overwritten", "an entry loses what it says to a fact about something else, "
            "or its former value to the new one", edits=True),
    _update("stale", "a new value is not taken in and the old one stays", edits=True),
    _update("wrong_merge", "a fact is merged into the entry of another person", edits=True),
    _deletion("overwritten", "an entry that still holds is deleted"),
    _deletion("stale", "what was taken back is not deleted"),
    _retrieval("missed", "the search goes astray and does not find the entry"),
    _retrieval("ranked_out", "other entries outrank the entry and it is cut off", searches=True),
    _retrieval("distractor", "an entry on something else takes the first place",
               searches=True),
    _response("ignored_evidence", "the answer is taken from another entry than the one that fits"),
    _response("wrong_abstention", "the answer says that nothing is known"),
    _response("hallucination", "the answer says what no entry says"),
    _response("distractor", "what nothing answers is answered from an entry on something else"),
    _response("format", "the answer cannot be used: cut off, broken, or raw lines of memory"),
)  # fmt: skip
BY_NAME = {cell.name: cell for cell in MATRIX}


def cell(error_type: str, sub_type: str, kind: OperationKind) -> Cell:
    """Return a cell of the matrix. Raises KeyError where there is none."""
    return BY_NAME[f"{kind}/{error_type}/{sub_type}"]


def legal_cells(graph: EvolutionGraph) -> tuple[Cell, ...]:
    """Return the cells that a memory can fill, as one of its clean passes tells: by the kinds
    of operation, whether updates are shown earlier entries, and whether retrieval chooses
    (returns other entries for other questions)."""
    operations = graph.operations.values()
    kinds = {o.kind for o in operations}
    edits = any(o.kind == "update" and graph.inputs(o.id, "entry") for o in operations)
    results = {
        frozenset(v.value["entry_id"] for v in graph.outputs(o.id, "retrieved"))
        for o in operations if o.kind == "retrieval"
    }  # fmt: skip
    return tuple(
        c for c in MATRIX
        if c.kind in kinds and (edits or not c.edits) and (len(results) > 1 or not c.searches)
    )  # fmt: skip
