"""What a chat shows besides the answers: what they rested on, what is remembered."""

from __future__ import annotations

import sys
import unicodedata
from collections.abc import Sequence
from typing import TYPE_CHECKING

from agent.cli.screen import console, foreign

if TYPE_CHECKING:
    from rich.table import Table
    from rich.text import Text

    from agent.chat.why import Entry, Said, Why
    from traces.schema import MemoryEntry

# As much of an id as is shown, and enough to name it.
SHOWN_ID = 12
_MOST = 10

HELP = """\
/why              what the last answer rested on
/memories [words] what is remembered of you; with words, what holds them
/forget ID|all    forget a memory, or everything that is known of you
/flag it is X     the last answer was wrong: keep it as a question of a data set
/help             this
/quit             end (as does the end of the input)"""


class Answer:
    """Prints an answer as it comes: on a terminal wrapped at words, else as one line."""

    def __init__(self) -> None:
        self._terminal = sys.stdout.isatty()
        self._width = console().width
        self._column = 0
        self._word = ""
        self._any = False

    def __call__(self, piece: str) -> None:
        """Print a piece; the last word waits for its end."""
        for char in piece:
            if char.isspace():
                self._put_word()
                if char == "\n" and self._terminal and self._column:
                    sys.stdout.write("\n")
                    self._column = 0
            else:
                self._word += " " if unicodedata.category(char)[0] == "C" else char
        sys.stdout.flush()

    def end(self) -> None:
        """Print what is left and a line's end."""
        self._put_word()
        sys.stdout.write("\n" if self._any else "(no answer)\n")
        sys.stdout.flush()

    def _put_word(self) -> None:
        word, self._word = self._word.strip(), ""
        if not word:
            return
        if self._terminal and self._column and self._column + 1 + len(word) > self._width:
            sys.stdout.write("\n")
            self._column = 0
        sys.stdout.write(f" {word}" if self._column else word)
        self._column += len(word) + (1 if self._column else 0)
        self._any = True


def print_why(found: Why) -> None:
    """Print what one answer rested on."""
    from rich.text import Text

    screen = console()
    rows = _grid()
    rows.add_row("turn", Text(f"{found.turn}, {found.date[:16].replace('T', ' ')}"))
    rows.add_row("asked", foreign(found.question))
    rows.add_row("answered", foreign(found.answer or "(nothing)", "bold"))
    if found.queries:
        rows.add_row("searched", foreign("; ".join(found.queries)))
    rows.add_row("prompts", Text(found.prompts[:SHOWN_ID], "dim"))
    screen.print(rows)
    for said in found.recent:
        screen.print(_quoted("just before", said))
    count = len(found.entries)
    screen.print()
    screen.print(
        f"made from {count} {'memory' if count == 1 else 'memories'}" if count
        else "made from no memory: nothing was retrieved",
        style="bold",
    )  # fmt: skip
    for entry in found.entries[:_MOST]:
        _print_entry(entry)
    if count > _MOST:
        screen.print(f"and {count - _MOST} more", style="dim")


def _print_entry(entry: Entry) -> None:
    screen = console()
    rows = _grid()
    title = foreign(entry.text)
    title.append(f"  {entry.id[:SHOWN_ID]}", "dim")
    rows.add_row(f"{entry.rank:>2}", title)
    for version in reversed(entry.versions):
        line = foreign(f"version {version.number} by '{version.operation}' in {version.turn}")
        if version.reason:
            line.append(": ").append_text(foreign(version.reason, "dim", limit=120))
        if version.text != entry.text:
            line.append("  ").append_text(foreign(f'"{version.text}"', limit=200))
        rows.add_row("", line)
    for said in entry.sources:
        rows.add_row("", _quoted("said", said))
    screen.print(rows)


def _quoted(label: str, said: Said) -> Text:
    from rich.text import Text

    line = Text(f"{label} {said.date[:10]}".strip() + "  ", "dim")
    line.append_text(foreign(f"{said.speaker}: {said.text}", "default not dim"))
    return line.append("  ").append_text(foreign(f"({said.id})", "dim")) if said.id else line


def print_memories(entries: Sequence[MemoryEntry], words: str) -> None:
    """Print entries, one or more lines each, with ids that name them."""
    from rich.text import Text

    if not entries:
        sys.stdout.write(f"Nothing is remembered{' that holds these words' if words else ''}.\n")
        return
    rows = _grid()
    for entry in entries:
        rows.add_row(Text(entry.id[:SHOWN_ID]), _dated(entry))
    console().print(rows)


def _dated(entry: MemoryEntry) -> Text:
    line = foreign(entry.text)
    return line.append(f"  ({entry.date[:10]})", "dim") if entry.date else line


def _grid() -> Table:
    from rich.table import Table

    rows = Table.grid(padding=(0, 2))
    rows.add_column(style="dim", no_wrap=True)
    rows.add_column()
    return rows
