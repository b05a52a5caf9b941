"""Runs, rounds, passes, operations and values in SQLite.

Values are content-addressed and stored once. A pass (one conversation with one
prompt set) is committed whole, so a killed run never holds half an episode.
"""

from __future__ import annotations

import json
import threading
from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any

from traces.database import Database
from traces.domain import PromptSet
from traces.errors import StoreError
from traces.hashing import canonical_json
from traces.operation import Recorder
from traces.results import AnswerRecord, Attribution, EpisodeResult
from traces.schema import OperationRecord, Variable

_OPERATION_COLUMNS = (
    "id, kind, name, slot, scope, status, reuse_key, inputs, outputs, error, calls, attempts"
)


class Store:
    """Queries beside the tables they use; implements `traces.operation.ReuseIndex`.

    `saved` counts the model calls that reused operations did not make again. Thread-safe.
    """

    def __init__(self, database: Database) -> None:
        self._database = database
        self._lock = threading.Lock()
        self.saved = 0

    def spare_the_disk(self) -> None:
        """Commit without waiting for the disk: for a database that is thrown away."""
        self._database.write("PRAGMA synchronous=OFF")

    # run state -----------------------------------------------------------------

    def set_state(self, key: str, value: Any) -> None:
        """Remember one JSON value of the run."""
        self._database.write(
            "INSERT INTO run_state VALUES (?, ?) ON CONFLICT (key) DO UPDATE SET value = excluded"
            ".value",
            (key, canonical_json(value)),
        )

    def state(self, key: str, default: Any = None) -> Any:
        """Return a remembered value, or the default."""
        row = self._database.row("SELECT value FROM run_state WHERE key = ?", (key,))
        return default if row is None else self._database.value(row[0])

    # prompt sets ---------------------------------------------------------------

    def save_prompt_set(self, prompts: PromptSet) -> None:
        """Keep a prompt set under its hash."""
        self._database.write(
            "INSERT OR IGNORE INTO prompt_sets VALUES (?, ?, ?)",
            (prompts.hash, prompts.parent, canonical_json(dict(prompts.instructions))),
        )

    def prompt_set(self, hash: str) -> PromptSet:
        """Return the prompt set of this hash. Raises StoreError when it is not there."""
        row = self._database.row(
            "SELECT instructions, parent FROM prompt_sets WHERE hash = ?", (hash,)
        )
        if row is None:
            raise StoreError(f"{self._database.path}: holds no prompt set {hash}")
        return PromptSet(self._database.value(row[0]), parent=row[1])

    # passes and operations -----------------------------------------------------

    def save_pass(
        self,
        conversation: str,
        prompt_set: str,
        parameters: str,
        recorder: Recorder,
        answers: Iterable[AnswerRecord] = (),
        *,
        purpose: str = "evaluate",
        error: str | None = None,
        stages: Mapping[str, float | None] | None = None,
    ) -> int:
        """Commit one pass with its operations, values and answers; return its id.

        A pass of the same conversation, prompt set, parameters and purpose is replaced.
        """
        with self._database.transaction() as connection:
            key = (conversation, prompt_set, parameters, purpose)
            old = connection.execute(
                "SELECT id FROM passes WHERE conversation = ? AND prompt_set = ? AND parameters = ?"
                " AND purpose = ?",
                key,
            ).fetchone()
            if old is not None:
                for table in ("operations", "answers", "attributions"):
                    connection.execute(f"DELETE FROM {table} WHERE pass = ?", old)
                connection.execute(
                    "UPDATE passes SET error = ?, stages = ? WHERE id = ?",
                    (error, canonical_json(stages or {}), old[0]),
                )
                pass_id = int(old[0])
            else:
                cursor = connection.execute(
                    "INSERT INTO passes (conversation, prompt_set, parameters, purpose, error, "
                    "stages) VALUES (?, ?, ?, ?, ?, ?)",
                    (*key, error, canonical_json(stages or {})),
                )
                pass_id = int(cursor.lastrowid or 0)
            connection.executemany(
                "INSERT OR IGNORE INTO value_texts VALUES (?, ?, ?)",
                [(digest, kind, text) for digest, (kind, text) in recorder.values.items()],
            )
            connection.executemany(
                "INSERT INTO operations VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
                [_operation_row(pass_id, i, o) for i, o in enumerate(recorder.operations)],
            )
            connection.executemany(
                "INSERT INTO answers VALUES (?, ?, ?)",
                [(pass_id, a.question, canonical_json(a.to_json())) for a in answers],
            )
        return pass_id

    def find_pass(
        self, conversation: str, prompt_set: str, parameters: str, purpose: str = "evaluate"
    ) -> EpisodeResult | None:
        """Return a committed pass with its answers, or None."""
        row = self._database.row(
            "SELECT id, error, stages FROM passes WHERE conversation = ? AND prompt_set = ? AND "
            "parameters = ? AND purpose = ?",
            (conversation, prompt_set, parameters, purpose),
        )
        if row is None:
            return None
        answers = tuple(self.answers(row[0]))
        return EpisodeResult(
            conversation, prompt_set, row[0], answers, self._database.value(row[2]), row[1]
        )

    def passes(self, prompt_set: str | None = None) -> list[tuple[int, str, str]]:
        """Return (id, conversation, prompt set) of the evaluation passes, oldest first."""
        rows = self._database.rows(
            "SELECT id, conversation, prompt_set FROM passes WHERE purpose = 'evaluate' ORDER BY id"
        )
        return [(r[0], r[1], r[2]) for r in rows if prompt_set in (None, r[2])]

    def prompts_of(self, pass_id: int) -> PromptSet:
        """Return the prompt set of a pass. Raises StoreError when the pass is not there."""
        row = self._database.row("SELECT prompt_set FROM passes WHERE id = ?", (pass_id,))
        if row is None:
            raise StoreError(f"{self._database.path}: holds no pass {pass_id}")
        return self.prompt_set(row[0])

    def call_keys(self, pass_id: int) -> frozenset[str]:
        """Return the ledger keys of the calls that a pass rests on, those of operations that
        it reused included."""
        rows = self._database.rows(
            "SELECT mine.calls, (SELECT made.calls FROM operations AS made WHERE "
            "mine.status = 'reused' AND made.reuse_key = mine.reuse_key "
            "AND made.status = 'executed' LIMIT 1) FROM operations AS mine WHERE mine.pass = ?",
            (pass_id,),
        )
        texts = [text for row in rows for text in row if text is not None]
        return frozenset(key for text in texts for key in self._database.value(text))

    def answers(self, pass_id: int) -> list[AnswerRecord]:
        """Return the answers of a pass, by question id."""
        rows = self._database.rows(
            "SELECT record FROM answers WHERE pass = ? ORDER BY question", (pass_id,)
        )
        return [AnswerRecord.from_json(self._database.value(row[0])) for row in rows]

    def broken(self, prompt_sets: Collection[str]) -> list[dict[str, Any]]:
        """Return the conversations with questions that have no verdict with these prompts:
        `conversation`, `missing` and `questions` (counts), and the first `error`; of several
        prompt sets, as it is with the one with which most is missing."""
        found: dict[str, dict[str, Any]] = {}
        for pass_id, conversation, prompt_set in self.passes():
            if prompt_set not in prompt_sets:
                continue
            answers = self.answers(pass_id)
            missing = [a for a in answers if a.correct is None]
            if len(missing) > found.get(conversation, {"missing": 0})["missing"]:
                found[conversation] = {
                    "conversation": conversation, "missing": len(missing),
                    "questions": len(answers), "error": missing[0].reason,
                }  # fmt: skip
        return [found[conversation] for conversation in sorted(found)]

    def operations(self, pass_id: int) -> list[OperationRecord]:
        """Return the operations of a pass in the order in which they ended."""
        rows = self._database.rows(
            f"SELECT {_OPERATION_COLUMNS} FROM operations WHERE pass = ? ORDER BY position",
            (pass_id,),
        )
        return [_operation(row) for row in rows]

    def variables(self, refs: Sequence[tuple[str, str]]) -> list[Variable]:
        """Return the variables behind references. Raises StoreError when a value is missing."""
        texts: dict[str, tuple[Any, str]] = {}
        digests = sorted({digest for _, digest in refs})
        for start in range(0, len(digests), 500):
            part = digests[start : start + 500]
            marks = ",".join("?" * len(part))
            for digest, kind, text in self._database.rows(
                f"SELECT hash, kind, json FROM value_texts WHERE hash IN ({marks})", tuple(part)
            ):
                texts[digest] = (kind, text)
        missing = [digest for digest in digests if digest not in texts]
        if missing:
            raise StoreError(f"{self._database.path}: value {missing[0]} is missing")
        return Variable.all_stored(refs, texts)

    def find(self, reuse_key: str) -> dict[str, list[Variable]] | None:
        """Return the outputs of an executed operation with this reuse key, or None."""
        row = self._database.row(
            "SELECT outputs, calls FROM operations WHERE reuse_key = ? AND status = 'executed'",
            (reuse_key,),
        )
        if row is None:
            return None
        refs = self._database.value(row[0])
        with self._lock:
            self.saved += len(self._database.value(row[1]))
        return {
            role: self.variables([(id, digest) for id, digest in pairs])
            for role, pairs in refs.items()
        }

    def reused_calls(self) -> int:
        """Return how many model calls the reused operations of the passes did not make."""
        row = self._database.row(
            "SELECT TOTAL(json_array_length((SELECT calls FROM operations AS made WHERE "
            "made.reuse_key = reused.reuse_key AND made.status = 'executed' LIMIT 1))) "
            "FROM operations AS reused WHERE status = 'reused'"
        )
        return int(row[0]) if row else 0

    # attributions and rounds ---------------------------------------------------

    def save_attribution(self, pass_id: int, attribution: Attribution) -> None:
        """Keep an attribution; one of the same method and question is replaced."""
        self._database.write(
            "INSERT OR REPLACE INTO attributions VALUES (?, ?, ?, ?)",
            (pass_id, attribution.question, attribution.method,
             canonical_json(attribution.to_json())),
        )  # fmt: skip

    def attributions(self, pass_id: int, method: str) -> dict[str, Attribution]:
        """Return a pass's attributions by question id."""
        rows = self._database.rows(
            "SELECT question, record FROM attributions WHERE pass = ? AND method = ?",
            (pass_id, method),
        )
        return {q: Attribution.from_json(self._database.value(record)) for q, record in rows}

    def save_round(self, round: int, stage: str, record: Mapping[str, Any]) -> None:
        """Keep what a stage of a round decided; the first record of a stage stands.

        A node that runs again after a crash finds its earlier decision.
        """
        self._database.write(
            "INSERT OR IGNORE INTO rounds VALUES (?, ?, ?)", (round, stage, canonical_json(record))
        )

    def round(self, round: int, stage: str) -> dict[str, Any] | None:
        """Return the record of one stage, or None."""
        row = self._database.row(
            "SELECT record FROM rounds WHERE round = ? AND stage = ?", (round, stage)
        )
        return None if row is None else dict(self._database.value(row[0]))

    def rounds(self, stage: str) -> list[dict[str, Any]]:
        """Return the records of one stage over all rounds, in order."""
        rows = self._database.rows(
            "SELECT record FROM rounds WHERE stage = ? ORDER BY round", (stage,)
        )
        return [self._database.value(row[0]) for row in rows]


def _operation_row(pass_id: int, position: int, o: OperationRecord) -> tuple[Any, ...]:
    return (
        pass_id, position, o.id, o.kind, o.name, o.slot, o.scope, o.status, o.reuse_key,
        canonical_json(o.inputs), canonical_json(o.outputs), o.error,
        canonical_json(list(o.calls)), o.attempts,
    )  # fmt: skip


def _operation(row: tuple[Any, ...]) -> OperationRecord:
    inputs, outputs = (
        {role: [(id, digest) for id, digest in refs] for role, refs in json.loads(text).items()}
        for text in (row[7], row[8])
    )
    return OperationRecord(
        row[0], row[1], row[2], row[3], row[4], row[5], row[6], inputs, outputs, row[9],
        tuple(json.loads(row[10])), row[11],
    )  # fmt: skip
