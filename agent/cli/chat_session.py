"""One chat: lines in, answers out, and the commands in between."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterator
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer

from agent.cli.chat_screen import HELP, SHOWN_ID, Answer, print_memories, print_why
from agent.cli.waiting import Waiting
from traces.errors import MemtuneError, SettingsError

if TYPE_CHECKING:
    from agent.chat.graph import MemoryAgent

_PROMPT = "> "


class ChatSession:
    """Talks for one user. `run` reads stdin to its end; `take` handles one line."""

    def __init__(
        self,
        agent: MemoryAgent,
        user: str,
        flagged: Path,
        *,
        as_json: bool = False,
        waiting: Waiting | None = None,
    ) -> None:
        self._agent = agent
        self._waiting = waiting or Waiting()
        self._user = user
        self._flagged = flagged
        self._json = as_json
        # One thread a chat: the last messages go with the question.
        self._config: Any = {"configurable": {"user_id": user, "thread_id": "chat"}}
        self._labelled = False
        self._confirm = False

    def greet(self, memory: Path, *, interactive: bool) -> None:
        """Say whose memory it is, on a terminal."""
        self._confirm = interactive
        if interactive and not self._json:
            self._label()
            typer.echo(f"You are '{self._user}'; memory in {memory}. /help lists the commands.")

    def run(self, *, interactive: bool) -> None:
        """Take line after line. On a terminal an error costs its line, in a pipe all."""
        for line in _lines(interactive):
            if line.split(maxsplit=1)[0] in ("/quit", "/exit"):
                return
            try:
                self.take(line)
            except MemtuneError as error:
                if not interactive:
                    raise
                typer.echo(f"memtune: {error}", err=True)

    def take(self, line: str) -> None:
        """Answer a line, or do what a command says. Raises MemtuneError."""
        word, _, rest = line.strip().partition(" ")
        if not word.startswith("/"):
            self._answer(line)
            return
        commands: dict[str, Callable[[str], None]] = {
            "/why": self._why, "/memories": self._memories, "/forget": self._forget,
            "/flag": self._flag, "/help": lambda _: typer.echo(HELP), "/quit": lambda _: None,
        }  # fmt: skip
        if word not in commands:
            raise SettingsError(f"{word}: there is no such command; /help lists them")
        commands[word](rest.strip())

    def _label(self) -> None:
        """Print once that a program plays the model."""
        if self._labelled or not self._agent.turns.simulated:
            return
        from agent.cli.screen import banner, console
        from evals.report import wording

        self._labelled = True
        banner(console(), wording.banner(data=False, model=True))

    # a turn ------------------------------------------------------------------------

    def _answer(self, text: str) -> None:
        if not self._json:
            self._label()
        self._waiting.show("answering")
        try:
            state = self._stream(text)
        finally:
            self._waiting.stop()
        if self._json:
            self._print_json(text, state)
        if not state["remembered"]:
            typer.echo(f"memtune: not remembered yet: {state['problem']}", err=True)

    def _stream(self, text: str) -> dict[str, Any]:
        """Take one turn, printing the answer as it comes; return the graph's state after it."""
        from langchain_core.messages import AIMessageChunk, HumanMessage

        shown = Answer()
        state: dict[str, Any] = {}
        stream = self._agent.stream(
            {"messages": [HumanMessage(text)]}, self._config, stream_mode=["messages", "updates"]
        )
        for mode, piece in stream:
            if mode == "updates":
                for node, update in piece.items():
                    state.update(update)
                    if node == "answer":
                        # Remembering may take many calls: nobody waits for a line's end.
                        self._waiting.stop()
                        if not self._json:
                            shown.end()
                        self._waiting.show("remembering")
            elif not self._json and isinstance(piece[0], AIMessageChunk):
                self._waiting.stop()
                shown(str(piece[0].content))
        return state

    def _print_json(self, text: str, state: dict[str, Any]) -> None:
        turns = self._agent.turns
        answer = state["messages"][-1].content
        found = {name: state[name] for name in ("turn", "retrieved", "remembered", "problem")}
        label = {"model": turns.model, "simulated": turns.simulated}
        self._dump({"said": text, "answer": answer, **found, **label})

    @staticmethod
    def _dump(value: Any) -> None:
        sys.stdout.write(json.dumps(value, ensure_ascii=False) + "\n")
        sys.stdout.flush()

    # commands ----------------------------------------------------------------------

    def _why(self, turn: str) -> None:
        from agent.chat.why import turn_of, why

        log = self._agent.turns.log
        found = why(log, turn_of(log, self._user, turn or None))
        if self._json:
            self._dump(asdict(found))
            return
        self._label()
        print_why(found)

    def _memories(self, words: str) -> None:
        entries = self._agent.memories(self._user, words)
        if self._json:
            self._dump([{"id": e.id, "text": e.text, "date": e.date} for e in entries])
        else:
            print_memories(entries, words)

    def _forget(self, what: str) -> None:
        if not what:
            raise SettingsError("/forget: say what: an id that /memories shows, or all")
        if what == "all":
            if self._sure(f"Forget everything that is known of '{self._user}'?"):
                gone = self._agent.forget(self._user)
                self._config["configurable"]["thread_id"] += "+"
                count = "1 memory" if gone == 1 else f"{gone} memories"
                _say(
                    f"Forgotten: {count} and the record of all turns. Data sets made with /flag "
                    "are files of yours."
                )
            return
        held = self._agent.memories(self._user)
        found = [entry for entry in held if entry.id.startswith(what)]
        if len(found) != 1:
            count = "no memory begins" if not found else f"{len(found)} memories begin"
            raise SettingsError(f"/forget {what}: {count} so; /memories shows ids")
        (entry,) = found
        if self._sure(f'Forget "{entry.text}"?'):
            self._agent.forget(self._user, [entry.id])
            _say(
                f"Forgotten: {entry.id[:SHOWN_ID]}. The record of past turns still holds its "
                "words; /forget all erases that too."
            )

    def _sure(self, question: str) -> bool:
        from evals.report.wording import printable

        return not self._confirm or typer.confirm(printable(question))

    def _flag(self, correction: str) -> None:
        from agent.chat.why import turn_of
        from agent.cli.flag import flag_turn

        turns = self._agent.turns
        turn = turn_of(turns.log, self._user)
        flag_turn(
            turns.log, turn, correction, (), self._flagged, as_json=self._json, turns=turns
        )  # fmt: skip


def _say(text: str) -> None:
    """Print text of ours, wrapped."""
    from agent.cli.screen import console

    console().print(text, markup=False)


def _lines(interactive: bool) -> Iterator[str]:
    """Yield the lines of stdin that are not blank."""
    if interactive:
        import contextlib

        with contextlib.suppress(ImportError):
            import readline  # noqa: F401  (lines can be edited and called up again)
    while True:
        try:
            line = input(_PROMPT) if interactive else sys.stdin.readline()
        except EOFError:
            typer.echo()
            return
        if not interactive and not line:
            return
        if line.strip():
            yield line.strip()
