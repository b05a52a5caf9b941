"""From edits that were tried alone to candidates that hold several."""

from __future__ import annotations

from collections.abc import Sequence

from optimizers.edits import Edit, EditError, apply_edits, sentences
from optimizers.race import Entrant, Heat
from optimizers.rejected import Rejections
from optimizers.scoring import Key
from traces.domain import PromptSet, PromptSlot
from traces.hashing import text_hash
from traces.text import normalise


def ranked(heats: Sequence[Heat]) -> list[Heat]:
    """Return the kept heats, best first: gain in score and progress per question tried."""

    def worth(heat: Heat) -> tuple[float, float, str]:
        found = heat.comparison
        assert found is not None
        n = max(1, found.questions)
        key = heat.entrant.edits[0].key
        return -round(found.net / n, 9), -round(found.gain / n, 9), text_hash(key)

    return sorted((h for h in heats if h.kept and h.comparison), key=worth)


def compatible(heats: Sequence[Heat]) -> tuple[list[Heat], list[tuple[Heat, str]]]:
    """Return the heats whose edits go together, best first, and why others are left out.

    Of two edits to one sentence the better stays. Of two edits of one slot that move mostly
    the same questions the better stays: they say the same, and every sentence more makes
    each less reliable.
    """
    chosen: list[Heat] = []
    left: list[tuple[Heat, str]] = []
    moved: dict[str, set[Key]] = {}
    touched: set[tuple[str, str]] = set()
    for heat in ranked(heats):
        (edit,) = heat.entrant.edits
        assert heat.comparison is not None
        improved = set(heat.comparison.improved)
        before = moved.setdefault(edit.slot, set())
        target = (edit.slot, normalise(edit.replaces))
        if edit.action != "add" and target in touched:
            left.append((heat, "another edit changes the same sentence"))
        elif before and 2 * len(improved - before) < len(improved):
            left.append((heat, "a better edit of its slot moves the same questions"))
        else:
            chosen.append(heat)
            before |= improved
            touched.add(target)
    return chosen, left


def merge(
    working: PromptSet, edits: Sequence[Edit], slots: dict[str, PromptSlot]
) -> tuple[PromptSet, tuple[Edit, ...]]:
    """Return the working set with all edits that can be applied and fit, and these edits.

    Edits come in order of worth; one that conflicts with those before it, or for which a
    slot has no room left, is passed over.
    """
    kept: list[Edit] = []
    changes: dict[str, str] = {}
    for edit in edits:
        try:
            tried = apply_edits(working.instructions, [*kept, edit])
        except EditError:
            continue
        if all(len(text) <= slots[slot].max_chars for slot, text in tried.items()):
            kept.append(edit)
            changes = tried
    return (working.with_changes(changes) if changes else working), tuple(kept)


def to_prune(
    working: PromptSet, slots: Sequence[PromptSlot], memory: Rejections, salt: str
) -> Edit | None:
    """Return the removal of one sentence that earlier rounds added, or None.

    Prompts must not bloat: with two or more added sentences, the one whose removal was
    tried longest ago (or never) is tried, one a round.
    """
    added = [
        (slot.name, sentence)
        for slot in slots
        for sentence in sentences(working.instructions.get(slot.name, ""))
        if normalise(sentence) not in {normalise(s) for s in sentences(slot.seed)}
    ]
    if len(added) < 2:
        return None

    def turn(item: tuple[str, str]) -> tuple[int, str]:
        return memory.trials.get(trial_key(*item), -1), text_hash(f"{salt}:{item[0]}:{item[1]}")

    slot, sentence = min(added, key=turn)
    return Edit(slot, "remove", "", sentence, "")


def trial_key(slot: str, sentence: str) -> str:
    """Return the name under which the memory keeps the trial of a sentence."""
    return f"{slot} | {normalise(sentence)}"


def entrants(
    working: PromptSet,
    chosen: Sequence[Heat],
    pruned: Edit | None,
    slots: dict[str, PromptSlot],
) -> list[Entrant]:
    """Return the merged candidates to race on all episodes, in order of promise.

    All kept edits (with the pruning first, where it did no harm), the best one alone (it
    costs least, being known on half of the episodes), and the better half.
    """
    edits = [heat.entrant.edits[0] for heat in chosen]
    wanted: list[tuple[str, list[Edit]]] = []
    if pruned is not None:
        wanted.append(("all kept edits, pruned" if edits else "pruned", [*edits, pruned]))
    wanted += [
        ("all kept edits", edits),
        ("the best edit", edits[:1]),
        ("the better half", edits[: (len(edits) + 1) // 2]),
    ]
    targets = frozenset(key for heat in chosen for key in heat.entrant.targets)
    found: dict[str, Entrant] = {}
    for label, some in wanted:
        prompts, applied = merge(working, some, slots)
        if applied and prompts.hash != working.hash:
            found.setdefault(prompts.hash, Entrant(prompts, applied, targets, label))
    return list(found.values())
