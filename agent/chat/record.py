"""What a memory's database holds of its users' turns: messages, answers, passes.

A turn is in the record before its messages are remembered, and its operations before the
memory that they make is on disk; so a crash loses neither.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

from traces.database import Database
from traces.domain import Conversation, Message, Question, Session
from traces.graph import EvolutionGraph
from traces.hashing import canonical_json
from traces.operation import Recorder
from traces.results import AnswerRecord
from traces.store import Store

Status = Literal["pending", "remembered", "failed"]
_COLUMNS = "conversation, number, key, record, answer_pass, memory_pass, status, attempts, error"


def turn_id(number: int) -> str:
    """Return the id of a user's turn, which is that of its session: `t000012`."""
    return f"t{number:06d}"


@dataclass(frozen=True, slots=True)
class Turn:
    """One turn of a user: what was said, asked and answered, and whether it is remembered.

    `key` is the id of the LangChain message that asked. `session` holds the messages that
    are to be remembered, dated by the wall clock. `prediction` is the answer, `answer_id` its
    variable. `attempts` counts failed ones to remember; `error` is the last, or ''.
    """

    user: str
    number: int
    key: str
    session: Session
    question: Question
    prediction: str
    answer_id: str
    retrieved: tuple[str, ...]
    prompt_set: str
    simulated: bool
    answer_pass: int = 0
    memory_pass: int | None = None
    status: Status = "pending"
    attempts: int = 0
    error: str = ""

    @property
    def id(self) -> str:
        """The turn's id, unique among the user's."""
        return turn_id(self.number)

    @property
    def date(self) -> datetime:
        """When it was."""
        return self.session.date

    def _record(self) -> dict[str, Any]:
        return {
            "date": self.date.isoformat(),
            "messages": [[m.id, m.speaker, m.text] for m in self.session.messages],
            "question": self.question.text,
            "prediction": self.prediction,
            "answer_id": self.answer_id,
            "retrieved": list(self.retrieved),
            "prompt_set": self.prompt_set,
            "simulated": self.simulated,
        }


def question_id(number: int) -> str:
    """Return the id of what a turn asked: `t000012-q`."""
    return f"{turn_id(number)}-q"


class TurnLog:
    """Turns in the database that their passes lie in. Thread-safe."""

    def __init__(self, database: Database) -> None:
        self.database = database
        self.store = Store(database)

    # reading ---------------------------------------------------------------------

    def users(self) -> list[str]:
        """Return the users that have turns, sorted."""
        rows = self.database.rows("SELECT DISTINCT conversation FROM turns ORDER BY conversation")
        return [row[0] for row in rows]

    def turns(self, user: str) -> list[Turn]:
        """Return a user's turns, oldest first."""
        return self._turns("conversation = ? ORDER BY number", (user,))

    def pending(self, user: str) -> list[Turn]:
        """Return the turns that are still to be remembered, oldest first."""
        return self._turns("conversation = ? AND status = 'pending' ORDER BY number", (user,))

    def turn(self, user: str, number: int) -> Turn | None:
        """Return one turn, or None."""
        found = self._turns("conversation = ? AND number = ?", (user, number))
        return found[0] if found else None

    def last(self, user: str) -> Turn | None:
        """Return the latest turn, or None."""
        found = self._turns("conversation = ? ORDER BY number DESC LIMIT 1", (user,))
        return found[0] if found else None

    def by_key(self, user: str, key: str) -> Turn | None:
        """Return the latest turn that a LangChain message asked, or None."""
        where = "conversation = ? AND key = ? ORDER BY number DESC LIMIT 1"
        found = self._turns(where, (user, key))
        return found[0] if found else None

    def _turns(self, where: str, parameters: tuple[Any, ...]) -> list[Turn]:
        rows = self.database.rows(f"SELECT {_COLUMNS} FROM turns WHERE {where}", parameters)
        return [self._turn(row) for row in rows]

    def _turn(self, row: tuple[Any, ...]) -> Turn:
        user, number, key, text, answer_pass, memory_pass, status, attempts, error = row
        record = self.database.value(text)
        messages = tuple(Message(*message) for message in record["messages"])
        session = Session(turn_id(number), datetime.fromisoformat(record["date"]), messages)
        return Turn(
            user, number, key, session, Question(question_id(number), record["question"], None),
            record["prediction"], record["answer_id"], tuple(record["retrieved"]),
            record["prompt_set"], record["simulated"], answer_pass, memory_pass, status, attempts,
            error or "",
        )  # fmt: skip

    def passes(self, user: str, until: int | None = None) -> list[int]:
        """Return the passes of a user in the order in which they happened.

        `until` is the last to be counted. What was begun and is not in memory is left out.
        """
        rows = self.database.rows(
            "SELECT id FROM passes WHERE conversation = ?1 AND (?2 IS NULL OR id <= ?2) AND "
            "(purpose LIKE 'forget-%' OR id IN (SELECT answer_pass FROM turns WHERE "
            "conversation = ?1) OR id IN (SELECT memory_pass FROM turns WHERE conversation = ?1 "
            "AND status = 'remembered')) ORDER BY id",
            (user, until),
        )
        return [row[0] for row in rows]

    def made_with(self, pass_id: int) -> tuple[str, str]:
        """Return the hash of a pass's prompt set, and its parameters."""
        row = self.database.row(
            "SELECT prompt_set, parameters FROM passes WHERE id = ?", (pass_id,)
        )
        assert row is not None
        return row[0], row[1]

    def graph(self, user: str, until: int | None = None) -> EvolutionGraph:
        """Return the evolution graph of all of a user's turns, or of those to a pass."""
        return EvolutionGraph.load(self.store, *self.passes(user, until))

    def conversation(self, user: str, before: int | None = None) -> Conversation:
        """Return what a user's memory was told, a session a turn, to the turn `before`."""
        turns = [t for t in self.turns(user) if before is None or t.number < before]
        return Conversation(user, tuple(t.session for t in turns), ())

    # writing ---------------------------------------------------------------------

    def add(self, turn: Turn, parameters: str, recorder: Recorder) -> Turn:
        """Commit an answered turn with its operations; it is pending from now on."""
        answer = AnswerRecord(turn.question.id, "", turn.prediction, None)
        with self.database.transaction() as connection:
            answer_pass = self.store.save_pass(
                turn.user, turn.prompt_set, parameters, recorder, [answer],
                purpose=f"turn-{turn.number:06d}",
            )  # fmt: skip
            connection.execute(
                "INSERT INTO turns (conversation, number, key, record, answer_pass, status) "
                "VALUES (?, ?, ?, ?, ?, 'pending')",
                (turn.user, turn.number, turn.key, canonical_json(turn._record()), answer_pass),
            )
        found = self.turn(turn.user, turn.number)
        assert found is not None
        return found

    def journal(self, turn: Turn, prompt_set: str, parameters: str, recorder: Recorder) -> None:
        """Commit the operations that remember a turn, as far as they have come."""
        with self.database.transaction() as connection:
            memory_pass = self.store.save_pass(
                turn.user, prompt_set, parameters, recorder,
                purpose=f"turn-{turn.number:06d}-memory",
            )  # fmt: skip
            connection.execute(
                "UPDATE turns SET memory_pass = ? WHERE conversation = ? AND number = ?",
                (memory_pass, turn.user, turn.number),
            )

    def remembered(self, turn: Turn) -> None:
        """Note that a turn's messages are in memory."""
        self.database.write(
            "UPDATE turns SET status = 'remembered', error = NULL WHERE conversation = ? AND "
            "number = ?",
            (turn.user, turn.number),
        )

    def missed(self, turn: Turn, error: str, *, counts: bool, given_up: bool) -> None:
        """Note that remembering failed; drop the operations that it left."""
        with self.database.transaction() as connection:
            self._drop_memory_pass(turn)
            connection.execute(
                "UPDATE turns SET status = ?, attempts = attempts + ?, error = ?, "
                "memory_pass = NULL WHERE conversation = ? AND number = ?",
                ("failed" if given_up else "pending", int(counts), error, turn.user, turn.number),
            )

    def doubtful(self, turn: Turn, error: str) -> None:
        """Note an attempt of which only the memory can tell whether it came to its end."""
        self.database.write(
            "UPDATE turns SET error = ? WHERE conversation = ? AND number = ?",
            (error, turn.user, turn.number),
        )

    def begin_again(self, turn: Turn) -> None:
        """Drop the operations of an attempt that a crash cut short."""
        with self.database.transaction() as connection:
            self._drop_memory_pass(turn)
            connection.execute(
                "UPDATE turns SET memory_pass = NULL WHERE conversation = ? AND number = ?",
                (turn.user, turn.number),
            )

    def _drop_memory_pass(self, turn: Turn) -> None:
        purpose = f"turn-{turn.number:06d}-memory"
        with self.database.transaction() as connection:
            rows = connection.execute(
                "SELECT id FROM passes WHERE conversation = ? AND purpose = ?", (turn.user, purpose)
            ).fetchall()
            drop_passes(self.database, [row[0] for row in rows])

    def forgotten(self, user: str, prompt_set: str, parameters: str, recorder: Recorder) -> None:
        """Commit the operation by which a user's entries were deleted."""
        with self.database.transaction() as connection:
            (count,) = connection.execute(
                "SELECT COUNT(*) FROM passes WHERE conversation = ? AND purpose LIKE 'forget-%'",
                (user,),
            ).fetchone()
            self.store.save_pass(
                user, prompt_set, parameters, recorder, purpose=f"forget-{count + 1:06d}"
            )


def drop_passes(database: Database, ids: Sequence[int]) -> None:
    """Delete passes with all that belongs to them alone; their values may be shared."""
    with database.transaction() as connection:
        for id in ids:
            for table in ("operations", "answers", "attributions"):
                connection.execute(f"DELETE FROM {table} WHERE pass = ?", (id,))
            connection.execute("DELETE FROM passes WHERE id = ?", (id,))
