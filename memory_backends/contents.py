"""What a plain memory holds, by what its adds put out."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field

from memory_backends.plain import Item
from memory_backends.state import of_kind
from traces.domain import Session
from traces.hashing import text_hash
from traces.schema import MemoryEntry, Outputs, Variable, change

_SHORT = 12  # characters of a message that may stand in a text by chance


@dataclass
class Contents:
    """What a memory holds, by what its adds put out. `history` is a hash of all of that,
    `texts` are the added messages' by id, `versions` the last version of each entry ever held."""

    history: str = ""
    texts: dict[str, str] = field(default_factory=dict)
    held: dict[str, MemoryEntry] = field(default_factory=dict)
    versions: dict[str, int] = field(default_factory=dict)

    def copy(self) -> Contents:
        """Return a copy that does not change with this one."""
        return Contents(self.history, dict(self.texts), dict(self.held), dict(self.versions))

    def note(self, session: Session, outputs: Outputs) -> None:
        """Enter what the add of a session put out."""
        self.history = text_hash(self.history + told(outputs))
        self.texts.update((m.id, m.text) for m in session.messages)
        for variable in of_kind(outputs, "change"):
            if variable.value["action"] in ("change", "delete"):
                self.held.pop(variable.value["target"], None)
        for variable in of_kind(outputs, "entry"):
            entry = MemoryEntry.from_variable(variable)
            self.held[entry.id] = entry
            self.versions[entry.id] = entry.version

    def difference(self, now: Sequence[Item], sources: Sequence[str]) -> Outputs:
        """Return as outputs what changed, now that memory holds these items; `sources` are
        the messages that were added."""
        changes: list[Variable] = []
        entries: list[Variable] = []
        gone = dict(self.held)
        for item in {item.key: item for item in now}.values():
            old = gone.pop(item.key, None)
            if old is not None and (old.text, old.speaker, old.date) == (
                item.text, item.speaker, item.date,
            ):  # fmt: skip
                continue
            mine = [*(old.sources if old else ()), *self.repeated(item.text, sources)]
            version = self.versions.get(item.key, 0) + 1
            entries.append(item.entry(list(dict.fromkeys(mine)), version).as_variable())
            changes.append(change("change", item.key) if old else change("add", None))
        changes += [change("delete", id) for id in gone]
        return {"changes": changes, "entries": entries}

    def repeated(self, text: str, otherwise: Sequence[str] = ()) -> Sequence[str]:
        """Return the messages that a text repeats word for word, else `otherwise`.

        Of messages of which one holds the other, the longer one is meant; a message of a word or
        two stands in many texts that have nothing to do with it: only a text that is nothing else
        (but for its speaker) repeats it.
        """
        within = {i: said.strip() for i, said in self.texts.items() if _repeats(text, said.strip())}
        longest = [
            i for i, said in within.items()
            if not any(said != other and _repeats(other, said) for other in within.values())
        ]  # fmt: skip
        return longest or otherwise


def _repeats(text: str, said: str) -> bool:
    """Say whether a text holds what was said, as words of its own."""
    if not said or said not in text:
        return False
    if len(said) < _SHORT:
        return text.strip() == said or text.strip().endswith(f": {said}")
    return re.search(rf"(?<!\w){re.escape(said)}(?!\w)", text) is not None


def told(outputs: Outputs) -> str:
    """Return a text that is equal for outputs that say and do the same, in the same order."""
    return "".join(v.hash for variables in outputs.values() for v in variables)
