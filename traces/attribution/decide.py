"""Step 4: of several suspicions, which operation is decisive."""

from __future__ import annotations

from collections.abc import Sequence

from traces.abstention import abstains
from traces.attribution import outdated
from traces.attribution.blame import Blame
from traces.attribution.contamination import Contamination
from traces.attribution.distractors import distracted, missed_first
from traces.attribution.path import Chain, Path
from traces.attribution.targets import Item
from traces.attribution.words import key_stems, quote
from traces.domain import PIPELINE
from traces.schema import Variable


def decide(
    chains: Sequence[Chain], contamination: Contamination, path: Path
) -> tuple[Blame | None, list[Blame]]:
    """Return the decisive suspicion (None: the answer itself) and the other ones.

    The earliest first loss in the pipeline decides, among the losses of messages whose part
    of the answer no other chain brought into the context. An old value that still stands and
    that the wrong answer took precedes a failed retrieval of the new one: the change would
    have put the new value in its place. Other contaminated entries count only when nothing
    was lost, or where the loss is an update's that was given a fact which no message says.
    """
    lost = [chain for chain in chains if chain.loss is not None]
    needed = [c for c in lost if not _redundant(c, chains) and not _superseded(c, chains, path)]
    telling = [chain for chain in needed if not _marginal(chain, path)]
    # Data sets name messages that only stand near the answer; they decide nothing alone.
    decisive = telling if telling or any(c.ranks for c in chains) else needed
    losses = [chain.loss for chain in decisive if chain.loss is not None]
    others = [c.loss for c in lost if c not in decisive and c.loss is not None]
    supporter = contamination.supporter()
    misleading = supporter is not None and not _carries_gold(supporter, chains, path)
    whole = [chain for chain in chains if chain.target.kind != "bridge"]
    suspicious = supporter is not None and not _carries_gold(supporter, whole, path)
    unfaithful = contamination.unfaithful(supporter) if supporter and suspicious else None
    if unfaithful is not None and losses and _fed(unfaithful, losses, path):
        return unfaithful, [*losses, *others]
    stale = outdated.stale(contamination, supporter, chains) if supporter and misleading else None
    if stale is not None and all(_stage(loss) >= PIPELINE.index("retrieval") for loss in losses):
        return stale, [*losses, *others]
    if losses:
        ranked = sorted(losses, key=lambda b: (_stage(b), path.index.position[b.operation.id]))
        first = ranked[0]
        found = [*ranked[1:], *others, *([unfaithful] if unfaithful else [])]
        return first, found if stale is None else [*found, stale]
    if any(chain.blocked == "provider_error" for chain in chains):
        return None, others
    if supporter is not None and misleading:
        wrong = unfaithful or outdated.overwritten(contamination, supporter, chains)
        distractor = None if wrong else distracted(contamination, supporter)
        missed = missed_first(path, chains, distractor) if distractor else None
        if distractor is not None and missed is not None:
            return missed, [distractor, *others]
        return wrong or distractor, others
    if supporter is None:
        return None, others
    return unfaithful or outdated.merged(contamination, supporter), others


def _fed(unfaithful: Blame, losses: Sequence[Blame], path: Path) -> bool:
    """Say whether the first loss is an update's that took an unfaithful fact at its word."""
    first = min(losses, key=_stage)
    makers = [path.index.maker(f.id) for f in path.index.inputs(first.operation, "fact")]
    return first.operation.kind == "update" and unfaithful.operation in makers


def _redundant(chain: Chain, chains: Sequence[Chain]) -> bool:
    """Say whether another message brought into the context what this one had to say."""
    if chain.target.kind == "bridge":
        return False
    mine = set(chain.target.parts)
    for other in chains:
        if other is chain or not other.ranks:
            continue
        if (mine and mine <= set(other.target.parts)) or (
            not mine and other.target.complete and other.target.kind == chain.target.kind
        ):
            return True
    return False


def _superseded(chain: Chain, chains: Sequence[Chain], path: Path) -> bool:
    """Say whether a message lost its entry to the one that holds the answer, as it should."""
    if chain.loss is None or chain.target.kind != "bridge":
        return False
    facts = path.index.inputs(chain.loss.operation, "fact")
    sources = {source for fact in facts for source in fact.value["sources"]}
    return any(
        other.target.complete and other.target.message_id in sources
        for other in chains
        if other is not chain
    )


def _marginal(chain: Chain, path: Path) -> bool:
    """Say whether a message shares neither words nor a person with question or answer."""
    target = chain.target
    if target.kind != "bridge" or target.event:
        return False
    return not target.subjects & path.index.named(target.question)


def _stage(blame: Blame) -> int:
    return PIPELINE.index(blame.operation.kind)


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
