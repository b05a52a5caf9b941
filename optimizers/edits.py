"""Edits to an instruction: parsed from a model's reply, applied sentence by sentence.

An instruction is lines of sentences (the shipped ones have one sentence a line); an edit
adds, replaces or removes one clause and leaves all other lines as they are.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from traces.text import normalise, stems

ACTIONS = ("add", "replace", "remove")
LONGEST_CLAUSE = 500
MOST_EDITS = 24
# A misquoted sentence is still recognised when this share of stems agrees (both ways).
_NEARLY = 0.75

_BREAK = re.compile(r"(?<=[.!?])[\"')\]]*\s+(?=[\"'(\[]?[A-Z])")
_BULLET = re.compile(r"^\s*(?:[-*•]|\d+[.)])\s+")


class EditError(ValueError):
    """An edit cannot be applied; the message is the reason, in one line."""


@dataclass(frozen=True)
class Edit:
    """One change to a slot's instruction. `cluster` is the id of the cluster it answers."""

    slot: str
    action: str
    clause: str
    replaces: str
    cluster: str

    @property
    def key(self) -> str:
        """Equal for edits that differ in case, spaces and punctuation only."""
        parts = (self.slot, self.action, _key(self.clause), _key(self.replaces))
        return " | ".join(parts)

    def to_json(self) -> dict[str, str]:
        """Return JSON-native values."""
        return {
            "slot": self.slot,
            "action": self.action,
            "clause": self.clause,
            "replaces": self.replaces,
            "cluster": self.cluster,
        }


@dataclass(frozen=True)
class Dropped:
    """A part of the reply that is no edit: how it begins, and what is wrong with it."""

    raw: str
    reason: str


def _key(text: str) -> str:
    return normalise(text) or " ".join(text.split())


def _clean(value: object) -> str:
    """Return one line of printable text; "" for what is no string."""
    if not isinstance(value, str):
        return ""
    kept = (c if unicodedata.category(c)[0] != "C" else " " for c in value[: 4 * LONGEST_CLAUSE])
    return _BULLET.sub("", " ".join("".join(kept).split()))


def parse_edits(reply: object, slot: str) -> tuple[list[Edit], list[Dropped]]:
    """Read a model's list of edits for one slot; never raises.

    What is no edit is dropped with a reason: wrong form, unknown action, a clause or a
    sentence that is missing or too long, a repetition, and all beyond `MOST_EDITS`.
    """
    if not isinstance(reply, (list, tuple)):
        return [], [Dropped(_raw(reply), "the reply is not a list of edits")]
    edits: dict[str, Edit] = {}
    dropped: list[Dropped] = []
    for number, item in enumerate(reply):
        if number >= MOST_EDITS:
            dropped.append(Dropped("", f"{len(reply) - number} edits beyond {MOST_EDITS}"))
            break
        found = _parse(item, slot)
        if isinstance(found, str):
            dropped.append(Dropped(_raw(item), found))
        elif found.key in edits:
            dropped.append(Dropped(_raw(item), "says the same as another edit of this reply"))
        else:
            edits[found.key] = found
    return list(edits.values()), dropped


def _parse(item: object, slot: str) -> Edit | str:
    if not isinstance(item, Mapping):
        return "is not an object"
    action = _clean(item.get("action")).casefold()
    clause, replaces = _clean(item.get("clause")), _clean(item.get("replaces"))
    if action not in ACTIONS:
        return f"action is not one of {', '.join(ACTIONS)}"
    if action != "remove" and not clause:
        return "has no clause"
    if action != "add" and not replaces:
        return "does not say which sentence it replaces"
    if max(len(clause), len(replaces)) > LONGEST_CLAUSE:
        return f"is longer than {LONGEST_CLAUSE} characters"
    if action == "remove":
        clause = ""
    elif clause[-1].isalnum():
        clause += "."
    return Edit(
        slot, action, clause, replaces if action != "add" else "", _clean(item.get("cluster"))
    )


def _raw(item: object) -> str:
    return _clean(repr(item)[:200])


def sentences(instruction: str) -> list[str]:
    """Return the instruction's sentences, quoted exactly, without list marks."""
    return [line[a:b] for line in instruction.split("\n") for a, b in _spans(line)]


def _spans(line: str) -> list[tuple[int, int]]:
    bullet = _BULLET.match(line)
    start = bullet.end() if bullet else len(line) - len(line.lstrip())
    end = len(line.rstrip())
    found = []
    for gap in _BREAK.finditer(line, start, end):
        # Closing quotes belong to the sentence, the space after them does not.
        stop = gap.end() - len(gap[0]) + len(gap[0].rstrip())
        found.append((start, stop))
        start = gap.end()
    return [*found, (start, end)] if start < end else found


def find_sentence(instruction: str, quoted: str) -> str | None:
    """Return the instruction's sentence that `quoted` means, or None.

    The same words decide; else the sentence with which it shares most stems, when that
    is nearly all of both.
    """
    wanted, wanted_stems = _key(quoted), set(stems(quoted))
    best, most = None, 0.0
    for sentence in sentences(instruction):
        if _key(sentence) == wanted:
            return sentence
        own = set(stems(sentence))
        if own and wanted_stems:
            alike = len(own & wanted_stems) / max(len(own), len(wanted_stems))
            if alike >= _NEARLY and alike > most:
                best, most = sentence, alike
    return best


def apply_edit(instruction: str, edit: Edit) -> str:
    """Return the edited instruction.

    An addition becomes a last line, in the list style of the line before. Raises EditError
    when the sentence to be replaced or removed is not there.
    """
    lines = instruction.rstrip().split("\n") if instruction.strip() else []
    if edit.action == "add":
        bullet = _BULLET.match(lines[-1]) if lines else None
        mark = bullet[0] if bullet and not bullet[0].strip()[0].isdigit() else ""
        return "\n".join([*lines, *(mark + s for s in sentences(edit.clause))])
    sentence = find_sentence(instruction, edit.replaces)
    if sentence is None:
        raise EditError("the sentence it refers to is not in the instruction")
    for number, line in enumerate(lines):
        for a, b in _spans(line):
            if line[a:b] == sentence:
                rest = line[b:] if edit.clause else line[b:].lstrip()
                changed = f"{line[:a]}{edit.clause}{rest}"
                # A line of which only the list mark is left goes with its sentence.
                kept = [changed.rstrip()] if _spans(changed) else []
                return "\n".join([*lines[:number], *kept, *lines[number + 1 :]])
    raise EditError("the sentence it refers to is not in the instruction")


def apply_edits(instructions: Mapping[str, str], edits: Iterable[Edit]) -> dict[str, str]:
    """Return the changed instructions by slot; replacements and removals come first.

    Raises EditError when two edits touch the same sentence.
    """
    ordered: Sequence[Edit] = list(edits)
    changed: dict[str, str] = {}
    for edit in sorted(ordered, key=lambda e: e.action == "add"):
        text = changed.get(edit.slot, instructions[edit.slot])
        changed[edit.slot] = apply_edit(text, edit)
    return changed


def edits_json(edits: Iterable[Edit]) -> list[dict[str, Any]]:
    """Return the edits as JSON-native values."""
    return [edit.to_json() for edit in edits]
