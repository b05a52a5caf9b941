"""Faithful entries that misled the answer: replaced, taken back or overwritten."""

from __future__ import annotations

from collections.abc import Sequence

from traces.attribution.blame import Blame, describe_update
from traces.attribution.claim import SUPPORTS
from traces.attribution.contamination import Contamination, blame_sources
from traces.attribution.dates import spans
from traces.attribution.extracted import extractions
from traces.attribution.on_matter import on_matter
from traces.attribution.path import Chain
from traces.attribution.words import as_history, entities, key_stems, quote, share, takes_back_words
from traces.graph import EntryVersion
from traces.schema import OperationRecord, Variable


def stale(c: Contamination, supporter: Variable, chains: Sequence[Chain]) -> Blame | None:
    """Blame the update that took in newer evidence and left the old value standing."""
    version = c.version(supporter)
    if version is None or not supporter.value["sources"]:
        return None
    order = c.index.order
    newest = max((order.get(s, -1) for s in supporter.value["sources"]), default=-1)
    for chain in chains:
        id = chain.target.message_id
        if order.get(id, -1) <= newest or not chain.facts or not chain.target.complete:
            continue
        update = _update_of(c, chain.facts[0], version.variable)
        if update is not None and replaces(c, update, chain.facts[0], version):
            return Blame(
                update, "UpdateError", "stale",
                f"the old value still stands: {quote(supporter.value['text'], 200)}",
                quote(f"fact: {chain.facts[0].value['text']} "
                      f"entry: {supporter.value['text']}"),
                quote(describe_update(c.index, update)), (id,),
            )  # fmt: skip
    return None


def replaces(c: Contamination, update: OperationRecord, fact: Variable, old: EntryVersion) -> bool:
    """Say whether a fact gives a new value for what an entry records: of the same person,
    on what the question asks; more is wanted where the update was not shown the entry."""
    people = c.index.name_stems
    text = old.variable.value["text"]
    held, asked = set(key_stems(text)) - people, set(key_stems(c.question.text)) - people
    before, after = c.index.named(text), c.index.named(fact.value["text"])
    if not (before & after or (not before and not after)):
        return False
    if _other_matter(c, text, fact.value["text"]):
        return False
    concerned = share(asked, held)
    same = share(held - c.claim.stems, key_stems(fact.value["text"]))
    entry_id = old.variable.value["entry_id"]
    shown = c.index.inputs(update, "entry")
    if any(v.value["entry_id"] == entry_id for v in shown):
        return same >= 0.3 or concerned >= 0.34
    return concerned >= 0.67 or (concerned >= 0.34 and same >= 0.5)


def _other_matter(c: Contamination, old: str, new: str) -> bool:
    """Say whether two texts name different times or things: each then tells of its own.

    What the wrong answer and the gold answer take from them is left aside.
    """
    left, right = spans(old), spans(new)
    if left and right and not any(a.holds(b) or b.holds(a) for a in left for b in right):
        return True
    people = c.index.name_stems
    gold = set(key_stems(c.question.answer or ""))
    things = {s for e in entities(old) - people for s in key_stems(e)} - c.claim.stems
    others = {s for e in entities(new) - people for s in key_stems(e)} - gold
    return bool(things and others) and not things & others


def overwritten(c: Contamination, supporter: Variable, chains: Sequence[Chain]) -> Blame | None:
    """Blame the update that took in a later statement against what the evidence says.

    The later statement is of the same person or thing and about no other time; the gold
    answer says that the earlier one should have stood.
    """
    version = c.version(supporter)
    text = supporter.value["text"]
    about = c.index.named(text) & c.index.named(c.question.text)
    sources = supporter.value.get("sources", ())
    if version is None or not about or not sources:
        return None
    order = c.index.order
    newest = max(order.get(source, -1) for source in sources)
    maker = c.index.operation(version.made_by)
    for chain in chains:
        message = chain.target.message
        earlier = order.get(chain.target.message_id, -1) < newest
        if (
            maker.kind == "update"
            and chain.facts
            and earlier
            and not _other_matter(c, text, chain.facts[0].value["text"])
        ):
            return blame_sources(
                maker, "UpdateError", "overwritten",
                "a later statement was stored against the one that the answer rests on",
                [message], describe_update(c.index, maker, message.value["id"]),
            )  # fmt: skip
    return None


def merged(c: Contamination, supporter: Variable) -> Blame | None:
    """Blame the update that put two statements on different matters into one entry, of which
    the wrong answer took the other one; None where the later one replaced the earlier."""
    version = c.version(supporter)
    maker = c.index.operation(version.made_by) if version else None
    if version is None or maker is None or maker.kind != "update":
        return None
    if as_history(supporter.value["text"]):
        return None
    claim = c.claim
    for fact in c.index.inputs(maker, "fact"):
        if claim.support(fact.value["text"], fact.value["date"]) >= SUPPORTS:
            return None
        for shown in c.index.inputs(maker, "entry"):
            same = shown.value["entry_id"] == supporter.value["entry_id"]
            told = claim.support(shown.value["text"], shown.value["date"]) >= SUPPORTS
            if same and told and not replaces(c, maker, fact, EntryVersion(shown, "", None)):
                return Blame(
                    maker, "UpdateError", "wrong_merge",
                    "two statements on different matters were put into one entry: "
                    f"{quote(supporter.value['text'], 200)}",
                    quote(f"fact: {fact.value['text']} entry: {shown.value['text']}"),
                    quote(describe_update(c.index, maker)), tuple(fact.value["sources"]),
                )  # fmt: skip
    return None


def _updates_of(c: Contamination, fact: Variable) -> list[OperationRecord]:
    """Return the updates that handled a fact before the question was asked, in their order."""
    return [
        user for user in c.index.users[fact.id]
        if user.kind == "update" and c.index.visible(user.id, c.asked)
    ]  # fmt: skip


def _update_of(c: Contamination, fact: Variable, old: Variable) -> OperationRecord | None:
    """Return the update of a fact that should have ended an entry, or None: of several the
    last one that was shown the entry, else the first."""
    updates = _updates_of(c, fact)
    entry_id = old.value.get("entry_id")
    shown = [
        user for user in updates
        if any(v.value["entry_id"] == entry_id for v in c.index.inputs(user, "entry"))
    ]  # fmt: skip
    return next(iter((*reversed(shown), *updates)), None)


def retracted(c: Contamination, supporter: Variable) -> Blame | None:
    """Blame whoever missed that a later evidence message takes the entry back, or None.

    Data sets name retractions as evidence; others are looked for by their words.
    """
    order = c.index.order
    sources = supporter.value.get("sources", [])
    newest = max((order.get(s, -1) for s in sources), default=-1)
    if newest < 0:
        return None
    told = set(key_stems(supporter.value["text"])) - c.index.name_stems
    known = on_matter(c.index, c.question)
    later = [
        c.index.messages[id] for id in sorted(known, key=lambda m: order.get(m, -1))
        if id in c.index.messages and order[id] > newest and id not in sources
        and told & set(key_stems(c.index.messages[id].value["text"]))
    ]  # fmt: skip
    plain = [m for m in later if takes_back_words(m.value["text"])]
    if not set(sources) & set(known):
        later = [m for m in later if not _taken_back(c, m, set(known))]
        plain = [m for m in plain if m in later]
    # What the data set names may also be a mere near miss.
    meant = plain or (later if set(c.question.evidence) & set(sources) else [])
    return _retraction_missed(c, meant[0], supporter) if meant else None


def ended_early(c: Contamination, supporter: Variable) -> Blame | None:
    """Blame the update on something else that ended what a message then took back, or None.

    The retraction found nothing to delete and became an entry of its own.
    """
    sources = set(supporter.value.get("sources", ()))
    known = set(on_matter(c.index, c.question))
    if not sources & known:
        return None
    for id in sorted(known - sources, key=lambda m: c.index.order.get(m, -1)):
        for version in c.index.versions[id]:
            ender = c.index.operation(version.ended_by) if version.ended_by else None
            if ender is None or ender.kind != "update":
                continue
            facts = c.index.inputs(ender, "fact")
            if not facts or any(known.intersection(f.value["sources"]) for f in facts):
                continue
            text = version.variable.value["text"]
            entry_id = version.variable.value["entry_id"]
            entries = c.index.outputs(ender, "entry")
            gone = all(e.value["entry_id"] != entry_id for e in entries)
            return Blame(
                ender, "DeletionError" if gone else "UpdateError", "overwritten",
                f"a statement on something else ended the entry: {quote(text, 200)}",
                quote(f"fact: {facts[0].value['text']} entry: {text}"),
                quote(describe_update(c.index, ender)), (id,),
            )  # fmt: skip
    return None


def _taken_back(c: Contamination, message: Variable, known: set[str]) -> bool:
    """Say whether a retraction did delete what it takes back: an entry of `known` messages."""
    updates = (u for f in c.index.facts[message.value["id"]] for u in _updates_of(c, f))
    for update in updates:
        for change in c.index.outputs(update, "change"):
            versions = c.index.chain_of.get(change.value["target"] or "", ())
            if change.value["action"] == "delete" and any(
                known.intersection(v.variable.value["sources"]) for v in versions
            ):
                return True
    return False


def _retraction_missed(c: Contamination, message: Variable, supporter: Variable) -> Blame | None:
    stands = f"the entry should be gone: {quote(supporter.value['text'], 200)}"
    facts = c.index.facts[message.value["id"]]
    for fact in facts:
        update = _update_of(c, fact, supporter)
        if update is not None:
            return Blame(
                update, "DeletionError", "stale", stands,
                quote(f"fact: {fact.value['text']} entry: {supporter.value['text']}"),
                quote(describe_update(c.index, update)), (message.value["id"],),
            )  # fmt: skip
    makers, _ = extractions(c.index, message, c.asked)
    if not makers or facts:
        return None
    return blame_sources(
        makers[0], "ExtractionError", "omission", "no fact says that this no longer holds",
        [message], "(no fact from this message)",
    )  # fmt: skip
