"""What of one scene concerns an operation: messages to deliver, and what misled the answer."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from traces.attribution.claim import SUPPORTS
from traces.attribution.contamination import Contamination
from traces.attribution.invented import invented
from traces.attribution.on_matter import on_matter
from traces.attribution.outdated import replaces
from traces.attribution.replay.repair import Scene
from traces.attribution.targets import Target
from traces.attribution.words import key_stems, share, takes_back_words
from traces.graph import EntryVersion
from traces.schema import OperationRecord, Outputs, Variable, VariableKind

SAME = 0.5  # the least share of a text's telling stems in another that says the same
_ROLES: dict[str, str] = {
    "fact": "facts", "message": "messages", "change": "changes", "entry": "entries",
    "query": "query", "retrieved": "entries",
}  # fmt: skip


def contamination(scene: Scene) -> Contamination:
    """Return what tells of the scene's wrong answer."""
    if scene.prediction:
        return Contamination(scene.index, scene.question, scene.prediction)
    answers = [
        answer.value["text"]
        for response in scene.index.asked(scene.question.id).responses
        for answer in scene.index.outputs(response, "answer")
    ]
    return Contamination(scene.index, scene.question, answers[-1] if answers else "")


def wanted(scene: Scene) -> tuple[Target, ...]:
    """Return what messages must deliver: the scene's targets; where the question cannot be
    answered, the other messages on what misled the answer that the data set names: one that
    takes it back, and what that one takes back. The latest first."""
    supporter = scene.supporter
    if scene.targets or supporter is None or not scene.question.unanswerable:
        return scene.targets
    index, order = scene.index, scene.index.order
    sources = set(sources_of(supporter))
    told = set(key_stems(supporter.value["text"])) - index.name_stems
    known = on_matter(index, scene.question)
    named = [index.messages[id] for id in known if id in index.messages]
    texts = {m.value["id"]: m for m in named if told & set(key_stems(m.value["text"]))}
    if not any(takes_back_words(m.value["text"]) for m in texts.values()) and not (
        scene.question.evidence and sources & texts.keys()
    ):
        return ()  # a near miss: nothing to deliver
    # What a misleading entry was made of may still have been garbled by its extraction.
    latest = sorted(
        (id for id in texts if id not in sources or takes_back_words(texts[id].value["text"])),
        key=lambda id: -order[id],
    )
    return tuple(scene.carries.wording_target(texts[id]) for id in latest)


def sources_of(variable: Variable) -> tuple[str, ...]:
    """Return the ids of the messages that a variable rests on; a message's own."""
    if variable.kind == "message":
        return (str(variable.value["id"]),)
    return tuple(variable.value["sources"])


def worded(variable: Variable) -> str:
    """Return a variable's speaker and text."""
    return f"{variable.value['speaker']} {variable.value['text']}"


# the supporter ---------------------------------------------------------------------------


def supporting(scene: Scene) -> list[EntryVersion]:
    """Return the versions of the misleading entry up to the one that the answer was shown."""
    if scene.supporter is None:
        return []
    value = scene.supporter.value
    chain = scene.index.chain_of.get(value.get("entry_id", ""), [])
    return [v for v in chain if v.variable.value["version"] <= value["version"]]


def supporting_facts(scene: Scene, operation: OperationRecord) -> list[Variable]:
    """Return the facts of an operation that the misleading entry rests on, and inventions
    that ended an entry of the evidence."""
    made = {fact.id: fact for fact in scene.index.outputs(operation, "fact")}
    used = [
        fact.id
        for version in supporting(scene)
        for fact in scene.index.inputs(scene.index.operation(version.made_by), "fact")
    ]
    evidence = {t.message_id for t in scene.targets}
    if scene.question.unanswerable:
        evidence |= set(on_matter(scene.index, scene.question))
    enders = {v.ended_by for id in evidence for v in scene.index.versions[id] if v.ended_by}
    used += [
        fact.id
        for fact in made.values()
        if enders.intersection(user.id for user in scene.index.users[fact.id])
        and invented(scene.index, fact)
    ]
    return [made[id] for id in dict.fromkeys(used) if id in made]


def unsupported(scene: Scene, fact: Variable) -> bool:
    """Say whether a fact says what its messages do not: what the wrong answer claims, or of
    a person whom they do not name."""
    index = scene.index
    if invented(index, fact):
        return True
    messages = [index.messages[s] for s in sources_of(fact) if s in index.messages]
    found = contamination(scene)
    claims = found.claim.support(worded(fact), fact.value["date"]) >= SUPPORTS
    if claims and not found.said_in(messages) and found.adds(fact, messages):
        return True
    named = index.named(fact.value["text"])
    known = {m.value["speaker"] for m in messages}
    known |= index.named(" ".join(m.value["text"] for m in messages))
    return bool(named) and not named & known


def same_matter(scene: Scene, operation: OperationRecord, item: Variable, entry: Variable) -> bool:
    """Say whether a fact (or message) gives a new value for what an entry records: by their
    words, because the operation itself decided so, or because the fact is the evidence's and
    the entry, of the same person, is the one that the question was answered from."""
    targets = {c.value["target"] for c in scene.index.outputs(operation, "change")}
    if entry.value["entry_id"] in targets or replaced(scene, operation, item, entry):
        return True
    misled = {v.variable.value["entry_id"] for v in supporting(scene)}
    complete = {t.message_id for t in scene.targets if t.complete}
    named = scene.index.named
    return (
        entry.value["entry_id"] in misled
        and bool(complete.intersection(sources_of(item)))
        and bool(named(entry.value["text"]) & named(worded(item)))
    )


def replaced(scene: Scene, operation: OperationRecord, item: Variable, entry: Variable) -> bool:
    """Say whether a fact (or message) gives a new value for what an entry records, by their
    words."""
    return replaces(contamination(scene), operation, item, EntryVersion(entry, "", None))


def takes_back(scene: Scene, item: Variable, entry: Variable) -> bool:
    """Say whether a fact (or message) says that what an entry records no longer holds."""
    people = scene.index.name_stems
    shared = (set(key_stems(item.value["text"])) & set(key_stems(entry.value["text"]))) - people
    if not shared or _of_others(scene, item, entry):
        return False  # what one person takes back, another one may still have
    if takes_back_words(item.value["text"]):
        return True
    if not scene.question.unanswerable:
        return False
    # Worded as it may be, the last of the messages that the data set names takes back the others.
    *earlier, last = sorted(
        on_matter(scene.index, scene.question), key=lambda id: scene.index.order.get(id, -1)
    ) or [""]
    return last in sources_of(item) and not {*earlier}.isdisjoint(sources_of(entry))


def repeats(scene: Scene, item: Variable, entry: Variable) -> bool:
    """Say whether an entry says already what a fact (or message) says; what the wrong answer
    claims is said by both."""
    if _of_others(scene, item, entry):
        return False
    said = set(key_stems(item.value["text"])) - scene.index.name_stems
    if share(said, key_stems(entry.value["text"])) < SAME:
        return False
    claim = contamination(scene).claim
    return all(claim.support(worded(v), v.value["date"]) >= SUPPORTS for v in (item, entry))


def _of_others(scene: Scene, item: Variable, entry: Variable) -> bool:
    """Say whether a fact (or message) and an entry are of different people."""
    about, of = scene.index.named(worded(item)), scene.index.named(entry.value["text"])
    if item.kind == "fact":
        about = scene.index.named(item.value["text"])
    return bool(about and of and not about & of)


def may_keep(scene: Scene, operation: OperationRecord, item: Variable, entry: Variable) -> bool:
    """Say whether a fact may be left unstored for a shown entry's sake: that one says the
    same already, or is the evidence's on the same matter. A fact that its messages do not
    support should not have been made; what an update does with it is not to blame."""
    if item.kind == "fact" and unsupported(scene, item):
        return False
    if repeats(scene, item, entry):
        return True
    evidence = {t.message_id for t in wanted(scene)}
    if not evidence.intersection(sources_of(entry)) or evidence.intersection(sources_of(item)):
        return False
    return not _of_others(scene, item, entry) and same_matter(scene, operation, item, entry)


def stored_before(scene: Scene, operation: OperationRecord, item: Variable) -> set[str]:
    """Return the ids of the entries that earlier updates made of the same fact (or message)."""
    index = scene.index
    earlier = [
        user for user in index.users[item.id]
        if user.kind == "update" and index.position[user.id] < index.position[operation.id]
    ]  # fmt: skip
    return {
        str(entry.value["entry_id"]) for user in earlier
        for entry in index.outputs(user, "entry")
        if entry.value["version"] == 1 and set(sources_of(item)) & set(sources_of(entry))
    }  # fmt: skip


# outputs ---------------------------------------------------------------------------------


def rebuilt(
    scene: Scene, operation: OperationRecord, made: Mapping[VariableKind, Sequence[Variable]]
) -> Outputs:
    """Return an operation's recorded outputs with those of some kinds replaced, by role."""
    roles: dict[str, list[Variable]] = {}
    placed: set[VariableKind] = set()
    for role, refs in operation.outputs.items():
        roles[role] = []
        ids = {id for id, _ in refs}
        for kind in _ROLES:
            mine = [v for v in scene.index.outputs(operation, kind) if v.id in ids]
            replaced = next((k for k in made if k == kind), None)
            if replaced is None:
                roles[role] += mine
            elif mine and replaced not in placed:
                placed.add(replaced)
                roles[role] += made[replaced]
    for kind, variables in made.items():
        if kind not in placed:
            role = _role(scene, operation, kind)
            roles[role] = [*roles.get(role, []), *variables]
    return roles


def _role(scene: Scene, operation: OperationRecord, kind: VariableKind) -> str:
    """Return the role that operations of this name put a kind of variable out in."""
    for other in peers(scene, operation):
        ids = {v.id for v in scene.index.outputs(other, kind)}
        for role, refs in other.outputs.items():
            if any(id in ids for id, _ in refs):
                return role
    return _ROLES[kind]


def peers(scene: Scene, operation: OperationRecord) -> list[OperationRecord]:
    """Return the operations of this kind and name, the operation itself among them."""
    found = (scene.index.operation(id) for id in scene.index.position)
    return [o for o in found if (o.kind, o.name) == (operation.kind, operation.name)]
