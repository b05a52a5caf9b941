"""What an optimizer remembers between rounds: edits that did not help, with reasons.

Everything in it comes from training data. As JSON:
`{"rejected": [{"slot", "action", "clause", "replaces", "reason", "round"}, ...],
"trials": {"slot | sentence": round}}`; `trials` says when the removal of a sentence was
last tried. What has another form is ignored.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from optimizers.edits import Edit

MOST_REMEMBERED = 40  # a slot; the oldest are forgotten first


class Rejections:
    """The memory of one optimizer, read from and written to JSON."""

    def __init__(self, memory: Mapping[str, Any]) -> None:
        rejected, trials = memory.get("rejected"), memory.get("trials")
        self._entries: dict[str, dict[str, Any]] = {}
        for entry in rejected if isinstance(rejected, list) else []:
            if isinstance(entry, Mapping) and isinstance(entry.get("slot"), str):
                self._entries[_edit(entry).key] = dict(entry)
        self.trials: dict[str, int] = {}
        for name, number in (trials if isinstance(trials, Mapping) else {}).items():
            if isinstance(number, int):
                self.trials[str(name)] = number

    def add(self, edit: Edit, reason: str, round: int) -> None:
        """Remember an edit; one that was remembered before is now the newest."""
        self._entries.pop(edit.key, None)
        self._entries[edit.key] = {
            "slot": edit.slot,
            "action": edit.action,
            "clause": edit.clause,
            "replaces": edit.replaces,
            "reason": reason,
            "round": round,
        }

    def __contains__(self, edit: Edit) -> bool:
        return edit.key in self._entries

    def clauses(self, slot: str) -> list[str]:
        """Return the clauses that were tried for a slot, oldest first."""
        found = (e["clause"] for e in self._entries.values() if e["slot"] == slot)
        return [clause for clause in found if isinstance(clause, str) and clause]

    def to_json(self) -> dict[str, Any]:
        """Return the memory, cut to the newest `MOST_REMEMBERED` of each slot."""
        return {
            "rejected": list(_newest(self._entries.values())),
            "trials": dict(sorted(self.trials.items())),
        }


def _edit(entry: Mapping[str, Any]) -> Edit:
    slot, action, clause, replaces = (
        str(entry.get(name, "")) for name in ("slot", "action", "clause", "replaces")
    )
    return Edit(slot, action, clause, replaces, "")


def _newest(entries: Iterable[dict[str, Any]]) -> list[dict[str, Any]]:
    kept: list[dict[str, Any]] = []
    counts: dict[str, int] = {}
    for entry in reversed(list(entries)):
        counts[entry["slot"]] = counts.get(entry["slot"], 0) + 1
        if counts[entry["slot"]] <= MOST_REMEMBERED:
            kept.append(entry)
    return kept[::-1]
