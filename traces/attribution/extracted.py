"""First stage: was a fact made from the message that still says what it said?"""

from __future__ import annotations

from traces.attribution.carries import Reading, coverage
from traces.attribution.index import Asked, GraphIndex
from traces.attribution.path import Chain, Path
from traces.attribution.targets import Item, Target
from traces.attribution.words import key_stems, share
from traces.schema import OperationRecord, Variable

_TOUCHES = 0.35


def extracted(path: Path, chain: Chain) -> None:
    """Set the chain's facts, or its loss. Pipelines without extraction pass."""
    target, index = chain.target, path.index
    users = index.users[target.message.id]
    if users and not any(path.visible(u.id) or u.scope == _scope(path) for u in users):
        chain.blocked = "evidence_after_question"
        return
    makers, broken = extractions(index, target.message, path.asked)
    if not makers:
        if broken is not None:
            chain.failed_at(broken)
        elif not users:
            never_used(path, chain)
        return
    made = [f for m in makers for f in index.outputs(m, "fact")]
    own = [f for f in made if target.message_id in f.value["sources"]]
    own += [f for f in index.facts[target.message_id] if f not in own and _seen(path, f)]
    readings = [(f, path.judge(Item.of(f), target)) for f in own]
    if not any(r.carried for _, r in readings):
        # A fact that credits another message still carries what it says.
        strays = [f for f in made if f not in own and _near(f, target)]
        judged = [(f, path.judge(Item.of(f), target)) for f in strays]
        readings += [(f, r) for f, r in judged if r.carried and r.clear]
    chain.facts = [f for f, r in readings if r.carried]
    if chain.facts:
        chain.relative = all(r.relative for _, r in readings if r.carried)
        return
    maker = index.maker(own[0].id) if own else None
    _lose(chain, maker or makers[-1], readings)


def _scope(path: Path) -> str:
    asked = (*path.asked.retrievals, *path.asked.responses)
    return asked[0].scope if asked else ""


def _seen(path: Path, fact: Variable) -> bool:
    maker = path.index.maker(fact.id)
    return maker is not None and path.visible(maker.id)


def _near(fact: Variable, target: Target) -> bool:
    """Say whether a fact has what the target wants: cheap, and strict for want of a source."""
    telling = {stem for part in target.parts for stem in part}
    held = set(key_stems(fact.value["text"]))
    return bool(telling) and telling <= held and bool(target.event & held)


def extractions(
    index: GraphIndex, message: Variable, asked: Asked
) -> tuple[list[OperationRecord], OperationRecord | None]:
    """Return the operations that turned the message into facts, and a failed one.

    Operations that pass messages on (windows, boundaries) are followed through; one that
    did not pass this message on is where it ended.
    """
    found: dict[str, OperationRecord] = {}
    broken: OperationRecord | None = None
    waiting, seen = [message], {message.id}
    while waiting:
        for user in index.users[waiting.pop().id]:
            if user.kind != "extraction" or not index.visible(user.id, asked):
                continue
            if user.status == "failed":
                broken = user
                continue
            windows = index.outputs(user, "message")
            holding = [w for w in windows if _holds(w, message)]
            if index.outputs(user, "fact") or not holding:
                found[user.id] = user
            waiting += [w for w in holding if w.id not in seen]
            seen.update(w.id for w in holding)
    return sorted(found.values(), key=lambda o: index.position[o.id]), broken


def _holds(window: Variable, message: Variable) -> bool:
    if window.value["id"] == message.value["id"]:
        return True
    return share(key_stems(message.value["text"]), key_stems(window.value["text"])) >= 0.9


def _lose(chain: Chain, maker: OperationRecord, readings: list[tuple[Variable, Reading]]) -> None:
    target = chain.target
    lost = {reading.lost for fact, reading in readings if _touches(fact, target)}
    if not readings:
        sub, what = "omission", "no fact was made from it"
    elif not lost:
        sub, what = "omission", "the facts made from it leave this out"
    elif "subject" in lost:
        sub, what = "wrong_speaker", "the facts made from it do not say whom it is about"
    elif "time" in lost:
        sub, what = "wrong_time", "the facts made from it give another time or none"
    else:
        sub, what = "distortion", "the facts made from it do not say it"
    produced = " | ".join(f.value["text"] for f, _ in readings) or "(no fact from this message)"
    chain.lost_at(maker, "ExtractionError", sub, what, produced=produced)


def _touches(fact: Variable, target: Target) -> bool:
    """Say whether a fact is made from what the message says on the question's matter; other
    facts from the same message show that this was left out."""
    return coverage(Item.of(fact), target) >= _TOUCHES


def never_used(path: Path, chain: Chain) -> None:
    """Blame whatever should have taken in a message that no operation used."""
    scope = path.scopes.get(chain.target.message_id)
    errors = {"extraction": ("ExtractionError", "it was never read"),
              "update": ("UpdateError", "it was never indexed")}  # fmt: skip
    for operation in path.index.of_scope(scope) if scope is not None else ():
        if operation.kind in errors and path.visible(operation.id):
            error_type, what = errors[operation.kind]
            chain.lost_at(operation, error_type, "omission", what)
            return
    if path.asked.retrievals:
        what = "it was cut off before the memory was searched"
        chain.lost_at(path.asked.retrievals[0], "RetrievalError", "missed", what)
    else:
        chain.blocked = "not_in_graph"
