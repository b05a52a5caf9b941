"""`memtune chat`: through a pipe, once, on a terminal."""

from __future__ import annotations

import io
import json
import os
import pty
import re
import select
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import time_machine

from agent.chat.turns import Turns
from agent.cli.main import main

BANNER = "SIMULATED: a program plays the model: machinery, not language quality."


@pytest.fixture
def chat(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Any) -> Iterator[Any]:
    """Run `memtune chat` in a directory of its own with lines on stdin, on one day in May: how
    the simulated model words things changes with it; returns (exit code, output lines, errors)."""
    monkeypatch.chdir(tmp_path)

    def run(*arguments: str, lines: tuple[str, ...] = ()) -> tuple[int, list[str], str]:
        monkeypatch.setattr(sys, "stdin", io.StringIO("".join(f"{line}\n" for line in lines)))
        code = main(["chat", "--user", "Ana", *arguments])
        done = capsys.readouterr()
        return code, done.out.splitlines(), done.err

    with time_machine.travel(datetime(2024, 5, 12, 9, tzinfo=UTC)):
        yield run


def lisbon(memories: list[str]) -> bool:
    """Say whether it is remembered where Ana lives, and no more: how the simulated model words it
    changes with the day."""
    return len(memories) == 1 and memories[0].startswith("Ana ") and "Lisbon" in memories[0]


def test_a_pipe_is_a_turn_a_line(chat: Any) -> None:
    """Each line is answered by a line, blank ones are passed over; what was said is there at
    the next start; the simulated model is labelled once."""
    lines = ("I live in Lisbon.", "", "  Where do I live? ", "/quit", "not read any more")
    assert chat(lines=lines) == (0, [BANNER, "Not mentioned", "Lisbon"], "")
    assert chat("--once", "Where do I live?") == (0, [BANNER, "Lisbon"], "")
    assert chat(lines=()) == (0, [], "")


def test_an_answer_is_whole_before_it_is_remembered(
    chat: Any, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Its last word does not wait for what only the next turn needs."""
    shown = []
    remember = Turns.remember

    def listening(turns: Turns, user: str, number: int) -> str:
        shown.append(capsys.readouterr().out)
        return remember(turns, user, number)

    monkeypatch.setattr(Turns, "remember", listening)
    assert chat("--once", "Where do I live?") == (0, [], "")
    assert shown == [f"{BANNER}\nNot mentioned\n"]


def test_a_terminal_is_told_what_is_waited_for(tmp_path: Path) -> None:
    """On stderr, where that is a terminal: opening, answering, remembering; at the end nothing
    of it is left, and stdout holds the answer alone."""
    read, own = pty.openpty()
    environment = {**os.environ, "COLUMNS": "80", "TERM": "xterm", "NO_COLOR": "1"}
    process = subprocess.Popen(
        [sys.executable, "-m", "agent", "chat", "--backend", "episodic", "--once", "Hello."],
        cwd=tmp_path, env=environment, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=own,
    )  # fmt: skip
    os.close(own)
    told = b""
    with suppress(OSError):  # the end of a terminal
        while piece := os.read(read, 4096):
            told += piece
    os.close(read)
    out, _ = process.communicate(timeout=60)
    assert process.returncode == 0
    assert out.decode().splitlines() == [BANNER, "Not mentioned"]
    places = [told.index(what) for what in (b"opening the memory", b"answering", b"remembering")]
    assert places == sorted(places)
    assert told.endswith((b"\x1b[2K", b"\x1b[?25h"))


def test_json_lines_say_all_of_a_turn(chat: Any) -> None:
    """With --json each turn and each command is one JSON object, with the label in it."""
    code, out, _ = chat("--json", lines=("I live in Lisbon.", "/memories", "/why"))
    turn, memories, why = map(json.loads, out)
    assert code == 0
    assert {**turn, "retrieved": []} == {
        "said": "I live in Lisbon.", "answer": "Not mentioned", "turn": "t000001",
        "retrieved": [], "remembered": True, "problem": "", "model": "sim/rules-1",
        "simulated": True,
    }  # fmt: skip
    assert lisbon([m["text"] for m in memories])
    assert (why["turn"], why["entries"], why["simulated"]) == ("t000001", [], True)


def test_why_shows_entries_messages_and_operations(chat: Any) -> None:
    """/why names the memories that the answer was made from, their versions and the operations
    that made them, the messages with dates, and what else went with the question."""
    told = ("I live in Lisbon.", "I live in Porto now.", "Where do I live?", "/why")
    code, out, _ = chat(lines=told)
    assert code == 0
    shown = "\n".join(out)
    answer = out[3]
    assert re.search(r"turn +t000003, \d{4}-\d\d-\d\d \d\d:\d\d", shown)
    assert "asked     Ana: Where do I live?" in shown
    assert f"answered  {answer}" in shown
    assert re.search(r"made from \d memor", shown)
    assert re.search(r"version \d by 'update' in t00000\d: ", shown)
    assert re.search(r"said \d{4}-\d\d-\d\d  Ana: I live in Porto now\.  \(t000002-1\)", shown)
    assert re.search(r"just before \d{4}-\d\d-\d\d  Ana: I live in Lisbon\.  \(t000001-1\)", shown)
    assert all(len(line) <= 80 for line in out)
    _, again, _ = chat(lines=("/why 1",))
    assert "made from no memory: nothing was retrieved" in again


def test_memories_are_listed_and_forgotten(chat: Any) -> None:
    """/memories finds words; /forget takes a shown id, and says what stays; all erases all."""
    _, out, _ = chat(lines=("I live in Lisbon.", "I collect stamps.", "/memories lisbon"))
    (line,) = out[3:]
    id = line.split()[0]
    code, out, _ = chat(lines=(f"/forget {id}", "/memories", "/memories lisbon"))
    assert code == 0
    assert out[0].startswith(f"Forgotten: {id}.")
    assert "stamps" in " ".join(out)
    assert out[-1] == "Nothing is remembered that holds these words."
    code, out, _ = chat(lines=("/forget all", "/memories", "Where do I live?"))
    assert out[0].startswith("Forgotten: 1 memory and the record of all turns.")
    assert out[-3:] == ["Nothing is remembered.", BANNER, "Not mentioned"]


@pytest.mark.parametrize(
    ("line", "error"),
    [
        ("/nonsense", "/nonsense: there is no such command; /help lists them"),
        ("/forget", "/forget: say what"),
        ("/forget zz", "/forget zz: no memory begins so"),
        ("/why", "user 'Ana' has no turn"),
        ("/flag it is X", "user 'Ana' has no turn"),
    ],
)
def test_a_wrong_line_in_a_pipe_ends_it(chat: Any, line: str, error: str) -> None:
    """Through a pipe an error is one line on stderr and the exit code; nothing more is read."""
    code, out, said = chat(lines=(line, "Hello."))
    assert (code, out) == (2, [])
    assert said.startswith(f"memtune: {error}")
    assert len(said.splitlines()) == 1


def test_wrong_options_are_one_line(chat: Any, tmp_path: Path) -> None:
    """An unknown backend, a directory without a bundle, a memory of another backend
    and one that is in use say so before anything is asked."""
    from tests.chat_fixture import agent_at

    assert chat("--once", "Hello.", "--memory", "m")[0] == 0
    for arguments, line in (
        (("--backend", "nonsense"), "nonsense"),
        (("--prompts", str(tmp_path)), "holds no <slot>.md file"),
        (("--memory", "m", "--backend", "rag"), "m"),
    ):
        code, out, said = chat("--once", "Hello.", *arguments)
        assert code in (1, 2)
        assert out == []
        assert line in said
        assert len(said.splitlines()) == 1
    with agent_at(tmp_path / "m"):
        code, out, said = chat("--once", "Hello.", "--memory", "m")
        assert (code, out, len(said.splitlines())) == (1, [], 1)


class Terminal:
    """`memtune chat` on a pseudo-terminal of 80 columns."""

    def __init__(self, cwd: Path) -> None:
        self._end, own = pty.openpty()
        environment = {**os.environ, "COLUMNS": "80", "TERM": "dumb", "NO_COLOR": "1"}
        self.process = subprocess.Popen(
            [sys.executable, "-m", "agent", "chat", "--user", "Ana"], cwd=cwd, env=environment,
            stdin=own, stdout=own, stderr=own, start_new_session=True,
            # A suite that runs in the background is started with SIGINT ignored.
            preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
        )  # fmt: skip
        os.close(own)
        self.seen = ""

    def until(self, text: str, *, interrupt: bool = False) -> str:
        """Read until this appears; return what was read since the last call."""
        begin = len(self.seen)
        if interrupt:
            self.process.send_signal(signal.SIGINT)
        while text not in self.seen[begin:]:
            ready = select.select([self._end], [], [], 5 if interrupt else 120)[0]
            if interrupt and not ready:
                # Like somebody at the keys: a signal may come just before the line is read.
                self.process.send_signal(signal.SIGINT)
                continue
            assert ready, self.seen
            try:
                self.seen += os.read(self._end, 4096).decode("utf-8", "replace")
            except OSError:  # the process has ended
                break
        assert text in self.seen[begin:], self.seen
        return self.seen[begin:]

    def type(self, line: str) -> None:
        os.write(self._end, f"{line}\n".encode())


def test_a_terminal_asks_before_it_forgets_and_ends_politely(tmp_path: Path) -> None:
    """On a terminal the chat greets, keeps on after an error, asks before it forgets, and ends
    on Ctrl-C with one friendly line; what was said is remembered."""
    terminal = Terminal(tmp_path)
    greeting = terminal.until("> ")
    assert BANNER in greeting
    assert "You are 'Ana'; memory in memory. /help lists the commands." in greeting
    for line, answer in (
        ("I live in Lisbon.", "Not mentioned"),
        ("/nonsense", "memtune: /nonsense: there is no such command"),
        ("Where do I live?", "Lisbon"),
    ):
        terminal.type(line)
        assert answer in terminal.until("\n> ").partition("\n")[2]
    terminal.type("/forget all")
    terminal.until("Forget everything that is known of 'Ana'? [y/N]: ")
    terminal.type("n")
    terminal.until("\n> ")
    terminal.until("Ended; every message that was answered is remembered.", interrupt=True)
    assert terminal.process.wait(timeout=60) == 130
    assert "Traceback" not in terminal.seen
    from tests.chat_fixture import agent_at

    with agent_at(tmp_path / "memory") as agent:
        assert lisbon([entry.text for entry in agent.memories("Ana")])


def test_a_long_answer_is_wrapped_on_a_terminal_only(
    monkeypatch: pytest.MonkeyPatch, capsys: Any
) -> None:
    """However the pieces are cut, words stay whole and lines within the width; control
    characters never reach the terminal. Elsewhere an answer is one line."""
    from agent.cli.chat_screen import Answer

    text = "A word. " * 30 + "\nNew \x1b[31mline and\tso on"
    for terminal in (True, False):
        monkeypatch.setattr(sys.stdout, "isatty", lambda t=terminal: t)
        shown = Answer()
        for piece in re.findall(r"(?s).{1,7}", text):
            shown(piece)
        shown.end()
        out = capsys.readouterr().out
        assert "\x1b" not in out
        assert out.split() == text.replace("\x1b", " ").split()
        lines = out.splitlines()
        assert (len(lines) > 2) == terminal
        assert not terminal or max(map(len, lines)) <= 80
        assert not terminal or lines[-1].startswith("New")
