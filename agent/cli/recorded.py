"""A run's directory, read while another process may be writing it; never written here."""

from __future__ import annotations

import json
import sqlite3
from pathlib import Path
from types import TracebackType
from typing import Any

from agent.cli.read_only import ReadOnlyDatabase
from agent.loop.directory import DATABASE, read_config, require_database, running
from traces.domain import PromptSet
from traces.errors import RunDirectoryError, StoreError
from traces.ledger import Ledger, Spending
from traces.results import AnswerRecord, Attribution, EpisodeResult
from traces.store import Store

STAGES = ("evaluate", "attribute", "optimize", "gate")
# The method whose attributions go before those of the run's own.
PROVED = "replay"

IDENTITY_KEYS = ("data_hash", "seed_prompts", "attribution")


class NothingRecorded(RunDirectoryError):
    """A run was named and its directory made, and nothing has happened since."""

    def __init__(self, directory: Path) -> None:
        super().__init__(
            f"{directory}: the run has recorded nothing yet; wait for it, or start it with "
            f"'memtune resume {directory}'"
        )


class RecordedRun:
    """What a run has recorded so far. A context manager; `close` ends the connection.

    Raises RunDirectoryError for a directory without a run, NothingRecorded for one that has
    not begun, StoreError for a damaged database.
    """

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        config = read_config(directory)
        self.identity: dict[str, Any] = config["identity"]
        self.settings: dict[str, Any] = config["settings"]
        self._simulated = config.get("simulated")
        if not isinstance(self.identity, dict) or not isinstance(self.settings, dict):
            raise RunDirectoryError(f"{directory}: config.json is damaged; restore it")
        self.running = running(directory)
        path = directory / DATABASE
        require_database(directory)
        if not path.exists():
            raise NothingRecorded(directory)
        self._database = ReadOnlyDatabase(path)
        if self._database.row("PRAGMA user_version") == (0,):
            self._database.close()
            raise NothingRecorded(directory)
        self.store = Store(self._database)
        # The last that opening a run writes: before it there are no prompts to be named.
        if self.store.state("started") is None:
            self._database.close()
            raise NothingRecorded(directory)
        if not all(isinstance(self.identity.get(part), str) for part in IDENTITY_KEYS):
            self._database.close()
            raise RunDirectoryError(
                f"{directory}/config.json: its identity is damaged; restore it from a backup or "
                "start a new run"
            )

    def __enter__(self) -> RecordedRun:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()
        if isinstance(error, sqlite3.DatabaseError):
            raise StoreError(
                f"{self._database.path}: damaged ({error}); restore it from a backup or start a "
                "new run"
            ) from error

    def close(self) -> None:
        """Close the connection."""
        self._database.close()

    # state -----------------------------------------------------------------------

    @property
    def name(self) -> str:
        """The run's name: that of its directory."""
        return self.directory.resolve().name

    @property
    def status(self) -> tuple[str, str]:
        """(running, done, stopped or broken off; stop reason or '')."""
        if self.running:
            return "running", ""
        known = self.store.state("status") or {}
        if known.get("status") in ("done", "stopped"):
            return str(known["status"]), str(known["stop_reason"])
        return "broken off", ""

    @property
    def simulated(self) -> dict[str, bool]:
        """Whether a program made the data, and whether one plays a model's role."""
        known = self._simulated
        if isinstance(known, dict):
            return {name: bool(known.get(name)) for name in ("data", "model")}
        return {  # a run of an earlier version
            "data": self.settings.get("dataset") == "synthetic",
            "model": any(str(m).startswith("sim") for m in self.models.values()),
        }

    def plays(self, role: str) -> bool:
        """Say whether the simulated model plays this role."""
        from agent.models.choose import SIMULATED
        from agent.models.providers import is_simulated_name

        roles = self._simulated.get("roles") if isinstance(self._simulated, dict) else None
        if isinstance(roles, dict):
            return bool(roles.get(role))
        return self.models[role] in SIMULATED or is_simulated_name(self.models[role])

    @property
    def models(self) -> dict[str, str]:
        """Model string by role."""
        default = str(self.settings.get("model"))
        roles = ("agent", "judge", "reflection")
        return {role: str(self.settings.get(f"{role}_model") or default) for role in roles}

    @property
    def spent(self) -> dict[str, Spending]:
        """What the ledger holds, by role."""
        return Ledger(self._database).spending()

    @property
    def finish(self) -> dict[str, Any] | None:
        """The record of the finish, or None."""
        found = self.store.rounds("finish")
        return found[-1] if found else None

    # prompts ---------------------------------------------------------------------

    @property
    def seed(self) -> PromptSet:
        """The prompts that the run started from."""
        return self.store.prompt_set(self.identity["seed_prompts"])

    @property
    def promotions(self) -> list[dict[str, Any]]:
        """The gate's records of the candidates that it accepted, in order."""
        gates = self.store.rounds("gate")
        return [record for record in gates if record["gate"]["decision"] == "accepted"]

    @property
    def final(self) -> PromptSet:
        """The prompts in force: the last promoted, else the seed prompts."""
        promoted = self.promotions
        return self.store.prompt_set(promoted[-1]["candidate"]) if promoted else self.seed

    def prompts(self, which: str) -> PromptSet:
        """Return `seed`, `final`, or the prompt set whose hash begins so.

        Raises RunDirectoryError when there is none, or more than one.
        """
        if which in ("seed", "final"):
            return self.seed if which == "seed" else self.final
        found = [hash for hash in sorted({p[2] for p in self.store.passes()})
                 if hash.startswith(which)]  # fmt: skip
        if len(found) != 1:
            what = "no prompt set" if not found else f"{len(found)} prompt sets"
            raise RunDirectoryError(
                f"--prompts {which}: {what} of {self.name} begin so; give seed, final or a hash "
                "from 'memtune report'"
            )
        return self.store.prompt_set(found[0])

    # answers ---------------------------------------------------------------------

    def pass_of(self, conversation: str, prompts: PromptSet) -> int | None:
        """Return the id of the pass of a conversation with these prompts, or None."""
        for id, of, prompt_set in self.store.passes():
            if of == conversation and prompt_set == prompts.hash:
                return id
        return None

    def results(self, prompts: PromptSet) -> list[EpisodeResult]:
        """Return every pass with these prompts, with answers and stage scores, oldest first."""
        rows = self._database.rows(
            "SELECT id, conversation, stages, error FROM passes WHERE purpose = 'evaluate' AND "
            "prompt_set = ? ORDER BY id",
            (prompts.hash,),
        )
        return [
            EpisodeResult(
                conversation,
                prompts.hash,
                id,
                tuple(self.store.answers(id)),
                self._database.value(stages),
                error,
            )
            for id, conversation, stages, error in rows
        ]

    def answer(self, pass_id: int, question: str) -> AnswerRecord | None:
        """Return one answer of a pass, or None."""
        return next((a for a in self.store.answers(pass_id) if a.question == question), None)

    def attributions(self, pass_id: int, method: str | None = None) -> dict[str, Attribution]:
        """Return the attributions of a pass by question id: those of a method; without one the
        run's own, and before them what was proved by replay since."""
        if method is not None:
            return self.store.attributions(pass_id, method)
        own = self.store.attributions(pass_id, self.identity["attribution"])
        return {**own, **self.store.attributions(pass_id, PROVED)}

    # the data set ----------------------------------------------------------------

    def lock_file(self) -> dict[str, Any]:
        """Return dataset.lock.json. Raises RunDirectoryError when it is damaged."""
        path = self.directory / "dataset.lock.json"
        try:
            found = json.loads(path.read_text("utf-8"))
            lock = {name: found[name] for name in ("name", "hash", "splits", "problems")}
            # Runs of earlier versions have not written these.
            return {"learned_from": [], "warning": None, **found, **lock}
        except (OSError, ValueError, KeyError, TypeError, RecursionError) as error:
            reason = getattr(error, "strerror", None) or f"{type(error).__name__}: {error}"
            raise RunDirectoryError(
                f"{path}: cannot be read ({reason}); resume the run, which writes it anew"
            ) from error
