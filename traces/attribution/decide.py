"""Step 4: of several suspicions, which operation is decisive."""

from __future__ import annotations

from collections.abc import Sequence

from traces.attribution.blame import Blame
from traces.attribution.contamination import Contamination
from traces.attribution.path import Chain, Path
from traces.attribution.targets import Item
from traces.attribution.words import abstains, key_stems, quote
from traces.schema import Variable

_ORDER = {"extraction": 0, "update": 1, "retrieval": 2, "response": 3}


def decide(
    chains: Sequence[Chain], contamination: Contamination, path: Path
) -> tuple[Blame | None, list[Blame]]:
    """Return the decisive suspicion (None: the answer itself) and the other ones.

    The earliest first loss in the pipeline decides, unless another chain brought the whole
    answer into the context. An old value that still stands and that the wrong answer took
    precedes a failed retrieval of the new one: the change would have put the new value in
    its place. Other contaminated entries count only when nothing was lost.
    """
    losses = [chain.loss for chain in chains if chain.loss is not None]
    if any(chain.ranks and chain.target.complete for chain in chains):
        others = losses
        losses = []
    else:
        others = []
    supporter = contamination.supporter()
    misleading = supporter is not None and not _carries_gold(supporter, chains, path)
    stale = contamination.stale(supporter, chains) if supporter and misleading else None
    if stale is not None and all(_stage(loss) >= _ORDER["retrieval"] for loss in losses):
        return stale, [*losses, *others]
    if losses:
        ranked = sorted(losses, key=lambda b: (_stage(b), path.index.position[b.operation.id]))
        first = ranked[0]
        found = [*ranked[1:], *others]
        return first, found if stale is None else [*found, stale]
    if any(chain.blocked == "provider_error" for chain in chains):
        return None, others
    if supporter is not None and misleading:
        return contamination.unfaithful(supporter), others
    return None, others


def _stage(blame: Blame) -> int:
    return _ORDER[blame.operation.kind]


def _carries_gold(entry: Variable, chains: Sequence[Chain], path: Path) -> bool:
    for chain in chains:
        if entry.kind == "message":
            if entry.value["id"] == chain.target.message_id:
                return True
        elif chain.target.message_id in entry.value["sources"]:
            item = Item.of(entry, raw=chain.raw)
            if path.judge(item, chain.target).carried:
                return True
    return False


def answer_blame(path: Path, chains: Sequence[Chain], prediction: str) -> Blame | None:
    """Return who is to blame when all evidence was in the context; None without a response.

    A date that came through only as a relative word, and a fact that says 'I', reached the
    answer in a form that it cannot read: that is the extraction's.
    """
    arrived = [chain for chain in chains if chain.ranks]
    if not arrived:
        return None
    for chain in arrived:
        unresolved = _unresolved(path, chain)
        if unresolved is not None:
            return unresolved
    response = next((o for o in reversed(path.asked.responses) if o.status != "failed"), None)
    if response is None:
        return None
    shown = path.asked.context
    ranks = sorted({rank for chain in arrived for rank in chain.ranks})
    held = " | ".join(f"[{r}] {quote(shown[r - 1].value['text'], 140)}" for r in ranks)
    if not prediction.strip() or not key_stems(prediction):
        sub, what = "format", "the answer says nothing"
    elif abstains(prediction):
        sub, what = "wrong_abstention", "the answer abstains although its context holds it"
    else:
        sub, what = "ignored_evidence", "the answer does not follow from what its context holds"
    return Blame(
        response, "ResponseError", sub, f"{what}: {held}", quote(held), quote(prediction),
        tuple(chain.target.message_id for chain in arrived),
    )  # fmt: skip


def _unresolved(path: Path, chain: Chain) -> Blame | None:
    """Blame an extraction that left a relative word where the question asks for the date."""
    if chain.target.kind != "time" or not chain.relative or not chain.facts:
        return None
    fact = chain.facts[0]
    relative = any(s.relative for s in Item.of(fact).times())
    maker = path.index.maker(fact.id)
    if not relative or maker is None:
        return None
    chain.lost_at(
        maker, "ExtractionError", "wrong_time", "the fact leaves the time as a relative word",
        produced=fact.value["text"],
    )  # fmt: skip
    return chain.loss
