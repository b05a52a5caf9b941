"""Repairs of an extraction: the facts that it should have made of the messages it was given."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import islice

from traces.attribution.carries import coverage
from traces.attribution.replay.concern import (
    contamination,
    peers,
    rebuilt,
    sources_of,
    supporting_facts,
    unsupported,
    wanted,
    worded,
)
from traces.attribution.replay.licence import licensed
from traces.attribution.replay.repair import Kind, Repair, Scene
from traces.attribution.replay.verbatim import telling, verbatim
from traces.attribution.targets import Item, Target
from traces.attribution.words import first_person, key_stems, quote, share
from traces.schema import OperationRecord, Variable

_TOUCHES = 0.35  # the least coverage of a fact on the target's matter
_HELD = 0.9  # the least share of a message's words in a window that holds it


def repairs(operation: OperationRecord, scene: Scene) -> Iterator[Repair]:
    """Yield repairs of one extraction."""
    messages = {str(m.value["id"]): m for m in scene.index.inputs(operation, "message")}
    targets = [t for t in wanted(scene) if t.message_id in messages]
    if _passes_messages(operation, scene):
        yield from _put_back(operation, scene, targets)
    else:
        yield from _Extraction(operation, scene, messages, targets).repairs()


def _passes_messages(operation: OperationRecord, scene: Scene) -> bool:
    """Say whether operations of this name pass messages on instead of making facts."""
    if scene.index.outputs(operation, "fact"):
        return False
    same = peers(scene, operation)
    made = any(scene.index.outputs(o, "fact") for o in same)
    return not made and any(scene.index.outputs(o, "message") for o in same)


def _put_back(
    operation: OperationRecord, scene: Scene, targets: Sequence[Target]
) -> Iterator[Repair]:
    passed = scene.index.outputs(operation, "message")
    words = [set(key_stems(v.value["text"])) for v in passed]
    lost = {
        t.message_id for t in targets
        if not any(v.value["id"] == t.message_id for v in passed)
        and not any(share(key_stems(t.message.value["text"]), held) >= _HELD for held in words)
    }  # fmt: skip
    given = scene.index.inputs(operation, "message")
    back = [v for v in given if v.value["id"] in lost]
    if not back:
        return
    order = {v.value["id"]: i for i, v in enumerate(given)}
    messages = sorted([*passed, *back], key=lambda v: order.get(v.value["id"], -1))
    told = " | ".join(quote(v.value["text"], 90) for v in back)
    outputs = rebuilt(scene, operation, {"message": messages})
    yield Repair(operation, outputs, "put_back", f"passed on: {told}")


class _Extraction:
    """The repairs of an extraction that makes facts of messages."""

    def __init__(
        self, operation: OperationRecord, scene: Scene, messages: Mapping[str, Variable],
        targets: Sequence[Target],
    ) -> None:  # fmt: skip
        self.operation, self.scene, self.messages = operation, scene, messages
        self.targets = list(targets)
        self.facts = scene.index.outputs(operation, "fact")
        misleading = supporting_facts(scene, operation)
        self.invented = [f for f in misleading if unsupported(scene, f)]
        self.doubtful = [f for f in misleading if f in self.invented or self._misnamed(f)]

    def repairs(self) -> Iterator[Repair]:
        """Yield what the messages say of each target, then what is left without inventions."""
        honest = [f for f in self.facts if f not in self.invented]
        lacking = [t for t in self.targets if not self._delivered(t, honest)]
        if self.invented and not lacking:
            yield self._without()
        if lacking:
            first = self._delivering(lacking)
            yield from islice(first, 2)
        if lacking != self.targets:
            yield from self._delivering(self.targets)
        if lacking:
            yield from first
        if self.invented and lacking:
            yield self._without()
        for source in dict.fromkeys(s for f in self.doubtful for s in sources_of(f)):
            if source in self.messages and source not in {t.message_id for t in self.targets}:
                yield from self._anew(source)

    def _carries(self, fact: Variable, target: Target) -> bool:
        reading = self.scene.carries.reading(Item.of(fact), target)
        # A relative word tells the day only to who knows when it was said.
        return reading.carried and not (target.kind == "time" and reading.relative)

    def _delivered(self, target: Target, facts: Sequence[Variable]) -> bool:
        """Say whether facts carry a target. A mere link (a reply that agrees) needs no words of
        its own in a fact that rests on it and carries another target."""
        mine = [f for f in facts if target.message_id in sources_of(f)]
        if any(self._carries(f, target) for f in mine):
            return True
        return target.kind == "bridge" and any(
            other.message_id in sources_of(f) and self._carries(f, other)
            for f in mine for other in self.targets if other.kind != "bridge"
        )  # fmt: skip

    def _misnamed(self, fact: Variable) -> bool:
        """Say whether a fact may be about another person than its speaker, or claim more than
        its messages."""
        index = self.scene.index
        named = index.named(fact.value["text"])
        said = [self.messages[s] for s in sources_of(fact) if s in self.messages]
        speakers = {m.value["speaker"] for m in said}
        claimed = contamination(self.scene).claim.stems & set(key_stems(worded(fact)))
        return (
            bool(named - speakers)
            or (not named and first_person(fact.value["text"]))
            or not claimed <= {stem for m in said for stem in key_stems(worded(m))}
        )

    # targets ---------------------------------------------------------------------

    def _delivering(self, targets: Sequence[Target]) -> Iterator[Repair]:
        own = self._own([t.message_id for t in targets])
        fit = [t for t in targets if self._delivered(t, own)]
        if fit:
            yield self._replaced(targets, fit, own)
        yield self._replaced(targets)
        if own and len(fit) < len(targets):
            yield self._replaced(targets, targets, own)
        yield self._replaced(targets, whole=True)
        again = self._own([t.message_id for t in targets], 1)
        if again:
            yield self._replaced(targets, targets, again)

    def _own(self, ids: Sequence[str], further: int = 0) -> list[Variable]:
        """Return the facts that the memory's own extraction makes of one message or a few,
        `further` samples on."""
        made = self.scene.replay.extract_alone(ids[0], self.scene.sample_index + further, ids[1:])
        return [
            f for f in made
            if set(ids).issuperset(sources_of(f)) and licensed(self.scene, self.operation, f)
        ]  # fmt: skip

    def _replaced(
        self, targets: Sequence[Target], fit: Sequence[Target] = (),
        own: Sequence[Variable] = (), whole: bool = False,
    ) -> Repair:  # fmt: skip
        """Return the repair that delivers the targets: those in `fit` by the memory's own
        facts, the others by the message's words."""
        gone = set(self.invented)
        new: dict[str, list[Variable]] = {}
        told = {source for fact in own for source in sources_of(fact)}
        ids = {t.message_id for t in fit if t.message_id in told}
        for fact in own:
            if ids.intersection(sources_of(fact)):
                new.setdefault(sources_of(fact)[0], []).append(fact)
        gone |= {f for f in self.facts if sources_of(f) and ids.issuperset(sources_of(f))}
        for target in targets:
            id = target.message_id
            if id not in ids:
                text = target.message.value["text"] if whole else telling(target)
                new[id] = [*new.get(id, []), self._verbatim(id, text)]
                gone |= {f for f in self.facts if id in sources_of(f) and self._touches(f, target)}
        kind: Kind = "own_extraction" if own else "verbatim"
        return self._repair(kind, new, gone)

    def _touches(self, fact: Variable, target: Target) -> bool:
        return coverage(Item.of(fact), target) >= _TOUCHES

    # the misleading entry ----------------------------------------------------------

    def _without(self) -> Repair:
        return self._repair("without_fact", {}, set(self.invented))

    def _anew(self, source: str) -> Iterator[Repair]:
        """Yield what the message behind a misleading fact says, in the fact's place."""
        gone = {f for f in self.doubtful if source in sources_of(f)} | set(self.invented)
        own = self._own([source])
        if own:
            alone = {f for f in self.facts if sources_of(f) == (source,)}
            yield self._repair("own_extraction", {source: own}, gone | alone)
        new = {source: [self._verbatim(source, self.messages[source].value["text"])]}
        yield self._repair("verbatim", new, gone)

    def _verbatim(self, id: str, text: str) -> Variable:
        fact = verbatim(self.messages[id], text)
        if licensed(self.scene, self.operation, fact):
            return fact
        # Sentences side by side may name a time that the whole message does not.
        return verbatim(self.messages[id], text, resolve=False)

    # outputs -----------------------------------------------------------------------

    def _repair(self, kind: Kind, new: Mapping[str, list[Variable]], gone: set[Variable]) -> Repair:
        facts = self._placed(new, gone)
        outputs = rebuilt(self.scene, self.operation, {"fact": facts})
        told = " | ".join(quote(f.value["text"], 120) for made in new.values() for f in made)
        left = " | ".join(quote(f.value["text"], 120) for f in self.facts if f in gone)
        what = "; ".join(
            part for part in (f"facts: {told}" if told else "", f"without: {left}" if left else "")
            if part
        )  # fmt: skip
        return Repair(self.operation, outputs, kind, what)

    def _placed(self, new: Mapping[str, list[Variable]], gone: set[Variable]) -> list[Variable]:
        """Return the facts that stay, with the new ones where those that they replace stood,
        else in the order of the messages."""
        order = {id: i for i, id in enumerate(self.messages)}
        waiting = dict(new)
        placed: list[Variable] = []
        for fact in self.facts:
            first = order.get(next(iter(sources_of(fact)), ""), -1)
            replaced = [id for id in waiting if fact in gone and id in sources_of(fact)]
            earlier = [
                id for id in waiting
                if order[id] < first
                and not any(f in gone and id in sources_of(f) for f in self.facts)
            ]  # fmt: skip
            for id in (*sorted(earlier, key=lambda i: order[i]), *replaced):
                placed += waiting.pop(id)
            if fact not in gone:
                placed.append(fact)
        for id in sorted(waiting, key=lambda i: order[i]):
            placed += waiting[id]
        return list({one.json: one for one in placed}.values())
