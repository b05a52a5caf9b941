"""Fourth stage: was what stood in memory in the answer's context, and if not, why?"""

from __future__ import annotations

from collections.abc import Sequence

from traces.attribution.misdating import passed_by
from traces.attribution.path import Chain, Path
from traces.attribution.words import key_stems, quote
from traces.errors import NotIntervenable
from traces.graph import EntryVersion
from traces.schema import OperationRecord, Variable
from traces.text import BM25


def retrieved(path: Path, chain: Chain) -> None:
    """Set the ranks at which the evidence stands in the context, or the chain's loss."""
    asked = path.asked
    chain.ranks = ranks(path, chain, asked.context)
    if chain.ranks:
        return
    failed = [o for o in (*asked.retrievals, *asked.responses) if o.status == "failed"]
    if failed:
        chain.failed_at(failed[0])
    elif path.index.opaque and not chain.entries:
        names = {path.index.operation(id).name for id in path.index.opaque}
        chain.blocked = (
            f"{NotIntervenable.code}: what '{', '.join(sorted(names))}' stored cannot be seen: it "
            "or the search lost it"
        )
    elif asked.retrievals:
        _lose(path, chain)
    elif asked.responses:
        what = "the answer was made without the memory"
        chain.lost_at(asked.responses[-1], "ResponseError", "ignored_evidence", what)
    else:
        chain.blocked = "not_in_graph"


def ranks(path: Path, chain: Chain, shown: Sequence[Variable]) -> list[int]:
    """Return the 1-based ranks at which the evidence of a chain stands among what is shown."""
    wanted = {v.variable.value["entry_id"] for v in chain.entries}
    found = []
    for rank, variable in enumerate(shown, start=1):
        if variable.kind == "message":
            hit = variable.value["id"] == chain.target.message_id
        else:
            hit = variable.value["entry_id"] in wanted or (
                chain.target.message_id in variable.value["sources"]
                and path.carries(variable, chain)
            )
        if hit:
            found.append(rank)
    return found


def _lose(path: Path, chain: Chain) -> None:
    index = path.index
    operation, sub, what = _loser(path, chain)
    chain.loss = passed_by(path, chain, operation)
    if chain.loss is not None:
        return
    queries = _queries(path, operation)
    stands = chain.entries[0].variable.value["text"] if chain.entries else ""
    given = f"question: {chain.target.question} searched for: {'; '.join(queries)}"
    returned = [quote(r.value["text"], 90) for r in index.outputs(operation, "retrieved")]
    chain.lost_at(
        operation, "RetrievalError", sub, what,
        given=given + (f" entry that holds it: {stands}" if stands else ""),
        produced=" | ".join(returned) or "(nothing)",
    )  # fmt: skip


def _loser(path: Path, chain: Chain) -> tuple[OperationRecord, str, str]:
    """Return the retrieval operation that lost the entries, sub-type and wording.

    An operation that was given the entry (a rerank, a selection) and left it out lost it;
    otherwise the search did, or whatever cut the results after the last one.
    """
    index, retrievals = path.index, path.asked.retrievals
    had = [o for o in retrievals if ranks(path, chain, index.outputs(o, "retrieved"))]
    given = {v.id for o in had for v in index.outputs(o, "retrieved")}
    for operation in retrievals:
        used = {v.id for v in index.inputs(operation, "retrieved")}
        if operation not in had and used & given:
            return operation, "ranked_out", "it was found and then left out"
    if had:
        return had[-1], "ranked_out", "it was found and cut off before the answer"
    search = (index.searching(path.asked) or retrievals)[0]
    rank, k = _rank(path, search, chain.entries)
    if rank is not None and k < rank <= 2 * k:
        return search, "ranked_out", f"it stood in memory but was outranked (about rank {rank})"
    return search, "missed", "it stood in memory but was not found"


def _queries(path: Path, operation: OperationRecord) -> list[str]:
    queries = path.index.outputs(operation, "query")
    return [str(text) for variable in queries for text in variable.value["queries"]]


def _rank(
    path: Path, search: OperationRecord, wanted: Sequence[EntryVersion]
) -> tuple[int | None, int]:
    """Estimate by BM25 the rank that the best wanted entry had, and the results' number k.

    None where it shares no word with the queries, or where fewer results than other
    searches returned show that a filter, not the limit, decided.
    """
    index = path.index
    returned = len(index.outputs(search, "retrieved"))
    if not returned or not wanted or returned < index.largest_result(search.name):
        return None, returned
    questions = [v.value["text"] for v in index.inputs(search, "question")]
    ids = {v.variable.value["entry_id"] for v in wanted}
    held = _entries(path)
    found = [
        rank
        for text in _queries(path, search) or questions
        for rank, (id, _) in enumerate(held.top(key_stems(text), 2 * returned), start=1)
        if id in ids
    ]
    return min(found, default=None), returned


def _entries(path: Path) -> BM25:
    index = path.index
    standing = index.standing(path.asked)
    key = tuple(version.variable.id for version in standing)
    found = index.searches.get(key)
    if found is None:
        found = BM25()
        for version in standing:
            value = version.variable.value
            found.add(value["entry_id"], key_stems(value["text"]))
        index.searches.clear()  # one at a time: most questions are asked at the end
        index.searches[key] = found
    return found
