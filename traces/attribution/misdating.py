"""Who gave the evidence a day that its message does not give, and what came of it."""

from __future__ import annotations

from collections.abc import Callable

from traces.attribution.blame import Blame, blame_for
from traces.attribution.misdated import days_kept, let_through, misdated
from traces.attribution.path import Chain, Path
from traces.schema import OperationRecord, Variable


def passed_by(path: Path, chain: Chain, search: OperationRecord) -> Blame | None:
    """Blame who put the evidence under a day that a search which keeps to certain days passes by;
    None where nobody did, or where the search lets that day through."""
    kept = days_kept(path.index.outputs(search, "query"))
    if kept is None:
        return None
    what = "it was kept under another day, and a search by date passed it by"
    return _blame(path, chain, what, lambda item: not let_through(item, kept))


def arrived_misdated(path: Path, chain: Chain) -> Blame | None:
    """Blame who put evidence that reached the answer under another day, or None: what was asked
    of a certain time then seems to be something else."""
    if not chain.ranks or chain.loss is not None:
        return None
    return _blame(path, chain, "it reached the answer under another day", lambda item: True)


def _blame(
    path: Path, chain: Chain, what: str, concerned: Callable[[Variable], bool]
) -> Blame | None:
    message = chain.target.message
    for items in (chain.facts, [version.variable for version in chain.entries]):
        maker = path.index.maker(items[0].id) if items else None
        if maker is not None and all(misdated(i, message) and concerned(i) for i in items):
            error_type = "UpdateError" if maker.kind == "update" else "ExtractionError"
            return blame_for(
                chain.target, maker, error_type, "wrong_time", what,
                produced=items[0].value["text"],
            )  # fmt: skip
    return None
