"""Draws a traced question as a tree, at 80 columns."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from agent.cli import certificate
from agent.cli.screen import banner, console, foreign

if TYPE_CHECKING:
    from rich.console import Console
    from rich.text import Text
    from rich.tree import Tree

    from agent.cli.trace import Traced
    from traces.attribution.journey import Step
    from traces.results import Attribution

_LABELS = {
    "message": "said",
    "fact": "extracted",
    "not_retrieved": "not retrieved",
    "dropped": "not stored",
}
_STYLES = {
    "message": "bold", "deleted": "red", "dropped": "red", "not_retrieved": "red",
    "changed": "yellow", "retrieved": "green",
}  # fmt: skip
_MARK = "bold red"
_CONTEXT = 10
# How a repair says what it left out.
_UNWANTED = re.compile(r"(?:^|; )(?:not returned|without|deleted): ")


def print_trace(traced: Traced) -> None:
    """Print question, verdict and cause, then the journey of its evidence."""
    screen = console()
    banner(screen, traced.banner)
    print_head(screen, traced)
    screen.print()
    screen.print(_tree(traced))


def print_head(screen: Console, traced: Traced) -> None:
    """Print question, answer, verdict, and the cause with its certificate."""
    from rich.table import Table
    from rich.text import Text

    question, answer = traced.question, traced.answer
    gold = question.answer if question.answer is not None else "(no gold answer)"
    rows = Table.grid(padding=(0, 2))
    rows.add_column(style="dim", no_wrap=True)
    rows.add_column()
    title = foreign(f"{traced.conversation.id}/{question.id}", "bold")
    title.append(f"  {question.category}" if question.category else "", "not bold dim")
    rows.add_row("question", title)
    rows.add_row("", foreign(question.text))
    rows.add_row("gold", foreign("(abstain)" if question.unanswerable else gold))
    said = answer.prediction if answer.prediction is not None else "(no answer)"
    rows.add_row("answered", foreign(said))
    rows.add_row("verdict", _verdict(traced))
    if answer.correct is False:
        for label, line in cause(traced.attribution):
            rows.add_row(label, line)
    rows.add_row("prompts", Text(f"{traced.which or 'other'} {traced.prompts.hash[:12]}", "dim"))
    screen.print(rows)


def _verdict(traced: Traced) -> Text:
    from rich.text import Text

    correct = traced.answer.correct
    if correct is None:
        line = Text("none: ", "bold yellow")
    else:
        line = Text("right", "bold green") if correct else Text("wrong", _MARK)
        line.append(": " if traced.answer.reason else "", "not bold")
    line.append_text(foreign(traced.answer.reason, "default not bold"))
    return line


def cause(found: Attribution | None) -> list[tuple[str, Text]]:
    """Return label and line of what went wrong and where, then of what proves it."""
    from rich.text import Text

    if found is None:
        return [("cause", Text("not looked for with these prompts", "yellow"))]
    if found.verdict == "abstained":
        named = foreign(f"not named: {found.reason}", "yellow")
        return [("cause", named), *certificate.rows(found)]
    title = Text(_error(found), _MARK)
    where = f", {found.verdict}"
    if found.names:
        also = "".join(f" with '{name}'" for name in found.names[1:])
        where = f" at {found.kind} operation '{found.names[0]}'{also}{where}"
    title.append(where, "not bold default")
    lines = [("cause", title)]
    for label, text in (*_what(found), ("given", found.given), ("made", found.produced)):
        if text:
            lines.append((label, foreign(text)))
    return [*lines, *certificate.rows(found)]


def _what(found: Attribution) -> list[tuple[str, str]]:
    """Return what went missing as `lost`, and what was there and should not have been as
    `misled`."""
    if found.sub_type == "distractor" and not _UNWANTED.search(found.lost):
        return [("misled", found.lost)]
    lost, *misled = _UNWANTED.split(found.lost, maxsplit=1)
    return [("lost", lost), *(("misled", text) for text in misled)]


def _error(found: Attribution) -> str:
    return f"{found.error_type}" + (f"/{found.sub_type}" if found.sub_type else "")


def _tree(traced: Traced) -> Tree:
    from rich.text import Text
    from rich.tree import Tree

    journey = traced.journey
    marks = _Marks(traced.attribution if traced.answer.correct is False else None)
    tree = Tree(Text("journey", "dim"), guide_style="dim")
    if not journey.messages:
        unknown = "holds the answer" if traced.question.unanswerable else "of its evidence was used"
        tree.add(Text(f"no message {unknown}", "dim"))
    for step in journey.messages:
        branch = tree.add(_message(traced, step))
        if journey.located:
            branch.add(Text("found by search: the data set names no evidence", "dim"))
        marks.at_message(branch, step)
        for child in step.children:
            _grow(branch, child, marks)
    _context(tree, traced, marks)
    answered = None
    if journey.answer is not None:
        answered = _line("answered", journey.answer.text)
        marks.at_answer(answered, journey.answer)
    if not marks.done:
        marks.alone(tree)
    if answered is not None:
        tree.add(answered)
    line = Text("judged  ", "bold")
    tree.add(line.append_text(_verdict(traced)))
    return tree


class _Marks:
    """Marks the decisive operation, at each evidence message once."""

    def __init__(self, found: Attribution | None) -> None:
        named = found is not None and bool(found.operations)
        self._found = found if named else None
        self.done = not named
        self._here = False

    def at_message(self, branch: Any, step: Step) -> None:
        """An extraction loses what it does not put out: there is no step to mark."""
        self._here = False
        found = self._found
        if found is not None and found.kind == "extraction" and self._concerns(step, found):
            branch.add(foreign(f"✗ lost here, in extraction: {_error(found)}", _MARK))
            self._here = self.done = True

    def _concerns(self, step: Step, found: Attribution) -> bool:
        made = {s.operation for s in step.walk()}
        carried = any(s.kind == "retrieved" for s in step.walk())
        return found.operations[0] in made or not carried

    def on(self, line: Text, step: Step) -> None:
        """Mark a step that the decisive operation made, once below a message."""
        found = self._found
        if found is None or self._here or step.operation not in found.operations:
            return
        if step.kind == "retrieved" and found.sub_type in ("missed", "ranked_out"):
            return  # this one it found; what it missed stands under another message
        line.append(f"  ✗ here: {_error(found)}", _MARK)
        self._here = self.done = True

    def at_answer(self, line: Text, step: Step) -> None:
        """Mark the answer, or its context, where it is their operation that went wrong."""
        self._here = False
        self.on(line, step)

    def alone(self, tree: Any) -> None:
        """Mark an operation that made none of the steps shown."""
        found = self._found
        assert found is not None
        node = tree.add(
            foreign(f"✗ here: {_error(found)} in {found.kind} '{found.names[0]}'", _MARK)
        )
        if found.produced:
            node.add(_line("made", found.produced))


def _grow(branch: Any, step: Step, marks: _Marks) -> None:
    label = _LABELS.get(step.kind, step.kind)
    if step.rank is not None:
        label += f" at rank {step.rank}"
    # An entry that was retrieved, or was not, is the one above: its text is not repeated.
    text = "" if step.kind in ("retrieved", "not_retrieved") else step.text
    line = _line(label, text, _STYLES.get(step.kind, ""))
    if step.note:
        line.append("  ").append_text(foreign(f"({step.note})", "dim not bold", limit=120))
    marks.on(line, step)
    grown = branch.add(line)
    for child in step.children:
        _grow(grown, child, marks)


def _line(label: str, text: str, style: str = "") -> Text:
    from rich.text import Text

    line = Text(label, style or "bold")
    if text:
        line.append("  ")
        line.append_text(foreign(text, "default not bold"))
    return line


def _message(traced: Traced, step: Step) -> Text:
    line = _line("said", f"{step.speaker}: {step.text}")
    where = ""
    for session in traced.conversation.sessions:
        for message in session.messages:
            if (message.speaker, message.text) == (step.speaker, step.text) and (
                session.date.isoformat() == step.date
            ):
                where = f"{message.id}, session {session.id}, "
                break
    return line.append("  ").append_text(foreign(f"({where}{step.date[:10]})", "dim not bold"))


def _context(tree: Any, traced: Traced, marks: _Marks) -> None:
    from rich.text import Text

    shown = traced.journey.context
    title = Text(f"retrieved for the answer: {len(shown) or 'nothing'}", "bold")
    if shown and not marks.done:
        marks.at_answer(title, shown[0])
    node = tree.add(title)
    for step in shown[:_CONTEXT]:
        line = Text(f"{step.rank:>2} ", "dim")
        line.append_text(foreign(step.text, limit=160))
        node.add(line)
    if len(shown) > _CONTEXT:
        node.add(Text(f"and {len(shown) - _CONTEXT} more", "dim"))
