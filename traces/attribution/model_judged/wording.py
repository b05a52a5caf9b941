"""Operations in words: what a model is shown of them.

Conversations and memories are quoted, each value on one line, so that nothing in them can
look like a part of the log. An operation's status is never shown: whether an output was put in
its place by somebody is not for the model to know.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping

from traces.attribution.model_judged.log import OperationLog
from traces.attribution.words import quote
from traces.schema import OperationRecord, Variable

ITEMS = 30  # most values of one role
NAME_CHARS = 60
BRIEF_CHARS = 120


def quoted(text: str, limit: int = 300) -> str:
    """Return a text as a JSON string on one line, cut to `limit` characters."""
    return json.dumps(quote(text, limit), ensure_ascii=False)


def tokens_of(text: str) -> int:
    """Return about how many tokens a text has: four bytes each."""
    return -(-len(text.encode("utf-8", "surrogatepass")) // 4)


class Wording:
    """Puts operations of one log into words.

    A value has a name of its own (m1, f1, e1 version 1) and is quoted in full where it stands
    first in a prompt; `told` remembers what a prompt has quoted, by name.
    """

    def __init__(self, log: OperationLog) -> None:
        self._log = log
        self._numbers: dict[str, dict[str, int]] = {"m": {}, "f": {}, "e": {}}
        sessions = log.failure.conversation.sessions
        self._dates = {session.id: session.date.date().isoformat() for session in sessions}

    def operation(self, operation: OperationRecord, number: int, told: dict[str, str]) -> str:
        """Return an operation in lines: a head with its number, then what it used and made."""
        lines = [f"[{number}] {self.head(operation)}"]
        for verb, roles in (
            ("used", self._log.used(operation)),
            ("made", self._log.made(operation)),
        ):
            for role, variables in roles:
                lines += self._role(f"{verb} {role}", variables, told)
        if operation.status == "failed":
            lines.append(f"  failed: {quoted(operation.error or '')}")
        return "\n".join(lines)

    def brief(self, operation: OperationRecord, number: int) -> str:
        """Return an operation in one line: its head and the beginning of what it made."""
        made = [v for _, variables in self._log.made(operation) for v in variables]
        closest = sorted(made, key=lambda v: -self._log.closeness(v))
        texts = [str(v.value["text"]) for v in closest if v.value.get("text")]
        texts = texts or [str(v.value["action"]) for v in made if v.kind == "change"]
        told = quoted("; ".join(texts), BRIEF_CHARS)
        return f"[{number}] {self.head(operation)} made {told}"

    def head(self, operation: OperationRecord) -> str:
        """Return kind, name, and when it happened."""
        name = f"{operation.kind} {quoted(operation.name, NAME_CHARS)}"
        if operation.scope == self._log.failure.question.id:
            return f"{name} at the question"
        date = self._dates.get(operation.scope)
        return f"{name} on {date}" if date else name

    def _role(self, role: str, variables: list[Variable], told: dict[str, str]) -> list[str]:
        if not variables:
            return [f"  {role}: nothing"]
        kept = self._kept(variables)
        items = [self.item(variables[place], told, place + 1) for place in kept]
        left = len(variables) - len(kept)
        more = [f"and {left} more, less close to the case"] if left else []
        if len(items) == 1 or not any('"' in item for item in items):
            return [f"  {role}: {', '.join([*items, *more])}"]
        return [f"  {role}:", *(f"    {item}" for item in (*items, *more))]

    def _kept(self, variables: list[Variable]) -> list[int]:
        places = range(len(variables))
        if len(variables) <= ITEMS:
            return list(places)
        closeness = self._log.closeness
        return sorted(sorted(places, key=lambda p: (-closeness(variables[p]), p))[:ITEMS])

    def item(self, variable: Variable, told: dict[str, str], rank: int = 1) -> str:
        """Return one value in words; `rank` is its place among those of its role."""
        value = variable.value
        if variable.kind == "message":
            return self._named(self._name("m", value["id"]), value, told)
        if variable.kind == "fact":
            return self._named(self._name("f", variable.id), value, told)
        if variable.kind in ("entry", "retrieved"):
            name = self._named(self._entry(value["entry_id"], value["version"]), value, told)
            return f"rank {rank}: {name}" if variable.kind == "retrieved" else name
        if variable.kind == "change":
            target = "" if value["target"] is None else f" {self._entry(value['target'])}"
            reason = f", because {quoted(value['reason'])}" if value["reason"] else ""
            return f"{value['action']}{target}{reason}"
        if variable.kind == "memory":
            return f"a memory of {value['size']} entries"
        if variable.kind == "query":
            return quoted(_query(value))
        return quoted(str(value.get("text") or ""))

    def _entry(self, entry_id: str, version: int | None = None) -> str:
        name = self._name("e", entry_id)
        return name if version is None else f"{name} version {version}"

    def _name(self, letter: str, id: str) -> str:
        numbers = self._numbers[letter]
        return f"{letter}{numbers.setdefault(id, len(numbers) + 1)}"

    def _named(self, name: str, value: Mapping[str, object], told: dict[str, str]) -> str:
        date, speaker = quote(str(value["date"])[:10]), str(value["speaker"])
        about = [*([date] if date else []), *([quoted(speaker, NAME_CHARS)] if speaker else [])]
        said = quoted(str(value["text"]))
        if about:
            said = f"({', '.join(about)}): {said}"
        # What was returned need not be what is stored: the same version can be told twice.
        if told.get(name) == said:
            return name
        told[name] = said
        return f"{name} {said}"


def _query(value: Mapping[str, object]) -> str:
    queries = value["queries"]
    asked = [str(q) for q in queries] if isinstance(queries, Collection) else []
    rest = {key: held for key, held in value.items() if key != "queries" and held}
    filters = f" with {json.dumps(rest, ensure_ascii=False, sort_keys=True)}" if rest else ""
    return ("; ".join(asked) or "no query") + filters
