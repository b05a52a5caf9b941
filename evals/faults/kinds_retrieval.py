"""Faults of retrieval: the entry is not found, is cut off, or another one goes before it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

from evals.faults.fault import Corrupt, Fault
from evals.faults.matrix import cell
from evals.faults.site import Site
from evals.faults.wording import says
from traces.schema import Inputs, Outputs, Variable
from traces.text import content_words

_CANDIDATES = 12


def retrieval_faults(site: Site, sub_type: str) -> Iterator[Fault]:
    """Propose faults of this sub-type, the likeliest to do harm first."""
    operation = site.retrieval
    if operation is None:
        return
    kind = cell("RetrievalError", sub_type, "retrieval")
    if sub_type == "distractor":
        for entry in _misleading(site, fresh=True)[:5]:
            yield Fault(operation.id, kind, _put_first(entry, None))
        for entry in _misleading(site, fresh=False)[:3]:
            yield Fault(operation.id, kind, _put_first(entry, _on_evidence(site)))
        return
    if not site.evidence:
        return
    lost = _on_evidence(site)
    if sub_type == "missed":
        yield Fault(operation.id, kind, _missed(lost, _astray(site)))
    else:
        yield Fault(operation.id, kind, _ranked_out(lost, _fillers(site)))


def _on_evidence(site: Site) -> Callable[[Variable], bool]:
    """Return the test for entries that rest on the evidence, or say the same."""
    ids = set(site.evidence)
    gold = site.question.answer or ""

    def found(entry: Variable) -> bool:
        if ids & set(entry.value["sources"]):
            return True
        text = str(entry.value["text"])
        return bool(gold and says(text, gold) and site.likeness(text) >= 0.3)

    return found


def _astray(site: Site) -> list[str]:
    """Return what a search that goes astray looks for: some words of the question alone."""
    words = content_words(site.question.text)
    return [words[site.number("astray") % len(words)]] if words else []


def _missed(lost: Callable[[Variable], bool], queries: Sequence[str]) -> Corrupt:
    def corrupt(_: Inputs, outputs: Outputs) -> Outputs:
        return {
            role: [
                Variable("query", {**v.value, "queries": list(queries)})
                if v.kind == "query" and v.value["queries"] else v
                for v in variables if not (v.kind == "retrieved" and lost(v))
            ]
            for role, variables in outputs.items()
        }  # fmt: skip

    return corrupt


def _ranked_out(lost: Callable[[Variable], bool], fillers: Sequence[Variable]) -> Corrupt:
    def corrupt(_: Inputs, outputs: Outputs) -> Outputs:
        changed: dict[str, list[Variable]] = {}
        for role, variables in outputs.items():
            kept = [v for v in variables if not (v.kind == "retrieved" and lost(v))]
            held = {v.value["entry_id"] for v in kept if v.kind == "retrieved"}
            new = [f for f in fillers if f.value["entry_id"] not in held and not lost(f)]
            changed[role] = kept + new[: len(variables) - len(kept)]
        return changed

    return corrupt


def _put_first(entry: Variable, lost: Callable[[Variable], bool] | None) -> Corrupt:
    """An entry goes to the first rank; the last one, or those that are lost, give way."""

    def corrupt(_: Inputs, outputs: Outputs) -> Outputs:
        changed: dict[str, list[Variable]] = {}
        for role, variables in outputs.items():
            shown = [v for v in variables if v.kind == "retrieved"]
            if not shown and not (role == "entries" or not variables):
                changed[role] = list(variables)
                continue
            rest = [
                v for v in variables
                if v.value.get("entry_id") != entry.value["entry_id"]
                and not (lost is not None and v.kind == "retrieved" and lost(v))
            ]  # fmt: skip
            changed[role] = [entry, *rest][: max(len(variables), 1)]
        return changed

    return corrupt


def _retrieved(entry: Variable) -> Variable:
    return Variable("retrieved", dict(entry.value))


def _nearest(site: Site) -> list[Variable]:
    """Return the standing entries that are not about the evidence, nearest first."""
    lost = _on_evidence(site)
    people = site.asked_about
    others = [e for e in site.standing if not lost(e)]

    def rank(entry: Variable) -> tuple[float, int]:
        text = str(entry.value["text"])
        about = any(person in text for person in people)
        return -(site.likeness(text) + 0.3 * about), site.number("near", text)

    return [_retrieved(e) for e in sorted(others, key=rank)]


def _fillers(site: Site) -> list[Variable]:
    return _nearest(site)[:_CANDIDATES]


def _misleading(site: Site, *, fresh: bool) -> list[Variable]:
    """Return entries on the question's matter that do not answer it; only `fresh` ones that
    the answer was not made from."""
    shown = {v.value["entry_id"] for v in site.context}
    candidates = _nearest(site)
    if site.question.answer is None:
        # Nothing answers it: whatever memory holds on its evidence misleads as well.
        ids = set(site.evidence)
        own = [_retrieved(e) for e in site.standing if ids & set(e.value["sources"])]
        candidates = own + candidates
    found = [e for e in candidates if not fresh or e.value["entry_id"] not in shown]
    return [e for e in found if site.likeness(str(e.value["text"])) > 0]
