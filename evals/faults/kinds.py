"""Every cell of the matrix with the faults that fill it."""

from __future__ import annotations

from collections.abc import Iterator

from evals.faults.fault import Fault
from evals.faults.kinds_extraction import extraction_faults
from evals.faults.kinds_response import response_faults
from evals.faults.kinds_retrieval import retrieval_faults
from evals.faults.kinds_update import update_faults
from evals.faults.matrix import Cell
from evals.faults.site import Site


def propose(site: Site, cell: Cell) -> Iterator[Fault]:
    """Propose faults of a cell for one question, the likeliest to do harm first.

    Whether one does harm is for a replay to say; none may be possible here.
    """
    if cell.kind == "extraction":
        return extraction_faults(site, cell.sub_type)
    if cell.kind == "update":
        return update_faults(site, cell.error_type, cell.sub_type)
    if cell.kind == "retrieval":
        return retrieval_faults(site, cell.sub_type)
    return response_faults(site, cell.sub_type)
