"""What `memtune attribute` shows: progress on stderr, the causes at 80 columns, JSON lines."""

from __future__ import annotations

import sys
import threading
import time
from statistics import median
from typing import TYPE_CHECKING, Any

from agent.cli.causes import DEFAULT, key
from agent.cli.screen import banner, command, console, foreign, heading, run_argument
from agent.cli.trace_list import how_many, quoted
from evals.report import wording

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from rich.console import Console
    from rich.progress import Progress

    from agent.cli.causes import Causes
    from agent.cli.failures import Answered
    from agent.loop.reopening import Reopened
    from traces.results import Attribution

_PAUSE = 15.0  # seconds between plain lines of progress


class Shown:
    """Progress while causes are looked for; called from any thread, never raises.

    JSON lines with `as_json`; a bar on a terminal, else a plain line now and then.
    """

    def __init__(self, causes: Causes, *, as_json: bool) -> None:
        self._causes = causes
        self._as_json = as_json
        self._lock = threading.Lock()
        self._total = len(causes.missing)
        self._at = time.monotonic()
        self._bar: Progress | None = None

    def __enter__(self) -> Shown:
        if self._as_json:
            for one in self._causes.chosen:
                found = self._causes.found.get(key(one))
                if found is not None:
                    _print_one(one, found, new=False)
        return self

    def begin(self) -> None:
        """Show that the run is open and the work begins."""
        if self._as_json:
            return
        if sys.stderr.isatty():
            self._start()
        else:
            many = wording.plural(self._total, "wrong answer")
            _say(f"looking for the cause of {many} by {self._causes.method}")

    def __exit__(self, *_: object) -> None:
        if self._bar is not None:
            self._bar.stop()

    def __call__(self, one: Answered, found: Attribution, opened: Reopened) -> None:
        """Show that a cause was found."""
        with self._lock:
            self._causes.made += 1
            made, calls = self._causes.made, opened.gateway.budget.calls
            if self._as_json:
                _print_one(one, found, new=True)
            elif self._bar is not None:
                self._bar.update(self._bar.task_ids[0], completed=made, calls=calls)
            elif time.monotonic() - self._at >= _PAUSE:
                self._at = time.monotonic()
                _say(f"{made:,} of {self._total:,} done ({wording.plural(calls, 'call')} made)")

    def _start(self) -> None:
        from rich.console import Console
        from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn

        columns = (
            TextColumn("looking for causes"),
            BarColumn(),
            MofNCompleteColumn(),
            TextColumn("{task.fields[calls]} calls"),
        )
        self._bar = Progress(*columns, console=Console(stderr=True), transient=True)
        self._bar.add_task("", total=self._total, calls=0)
        self._bar.start()


def _print_one(one: Answered, found: Attribution, *, new: bool) -> None:
    import contextlib

    from agent.cli.progress import print_json

    record = {
        "event": "attribution",
        "conversation": one.conversation.id,
        "question": one.question.id,
        "prompts": one.which or one.prompts,
        "new": new,
        "attribution": found.to_json(),
    }
    # Where nobody reads any more, the work goes on.
    with contextlib.suppress(OSError, ValueError):
        print_json(record)


def _say(line: str) -> None:
    print(f"memtune: {line}", file=sys.stderr, flush=True)


# the end ---------------------------------------------------------------------------


def done_event(causes: Causes) -> dict[str, Any]:
    """Return the `done` event: counts over all causes known now, and what was spent now."""
    from agent.attributing import counts

    known = causes.attributions
    return {
        "event": "done",
        "run": causes.run,
        "method": causes.method,
        "prompts": causes.which,
        "question": causes.question.name if causes.question else None,
        "status": "stopped" if causes.stopped else "done",
        "stop_reason": causes.stop_reason,
        "answers": len(causes.asked),
        "failures": len(causes.chosen),
        "attributed": len(known),
        "made": causes.made,
        **counts(known),
        "calls": {"made": causes.spent.get("calls", 0), **_spread([a.calls for a in known])},
        "tokens": {"used": causes.spent.get("tokens", 0), **_spread([a.tokens for a in known])},
        "usd": causes.spent.get("usd"),
        "not_in_store": list(causes.gone),
        "simulated": causes.simulated,
        "out": str(causes.directory),
    }


def _spread(values: Sequence[int]) -> dict[str, float | None]:
    """Return median and 95th percentile a failure; nulls where there is none."""
    if not values:
        return {"median": None, "p95": None}
    ordered = sorted(values)
    return {"median": median(ordered), "p95": ordered[-(-95 * len(ordered) // 100) - 1]}


def print_all(causes: Causes) -> None:
    """Print how often which kind of operation was to blame, and what that cost."""
    screen = console()
    banner(screen, causes.banner)
    done = done_event(causes)
    line = foreign(causes.run, "bold")
    wrong = sum(one.wrong for one in causes.asked)
    of = how_many(wrong, len(causes.asked))
    by = f"causes by {causes.method}; " if wrong else ""
    screen.print(line.append(f"  {by}{of}", "not bold"))
    if not causes.chosen:
        return
    _table(screen, done)
    _remarks(screen, causes, done)
    heading(screen, "Next")
    run, more = run_argument(causes.directory), _options(causes)
    if causes.missing:
        command(screen, f"memtune attribute {run}{more}")
    shown = _example(causes)
    if shown is not None:
        command(screen, f"memtune attribute {run} {shown}{more}")
    command(screen, f"memtune trace {run}{more}")


def _table(screen: Console, done: Mapping[str, Any]) -> None:
    from rich.table import Table

    screen.print()
    table = Table(box=None, padding=(0, 2, 0, 0), header_style="dim", pad_edge=False)
    table.add_column("  cause", no_wrap=True)
    for title in ("certified", "suspected"):
        table.add_column(title, justify="right", no_wrap=True)
    proved = done["certified_by_error_type"]
    for name, number in wording.counts(done["by_error_type"]):
        label = foreign(name)
        label.pad_left(2)
        certified = proved.get(name, 0)
        table.add_row(label, str(certified), str(number - certified))
    verdicts = done["by_verdict"]
    table.add_row(
        "  all", str(verdicts.get("certified", 0)), str(verdicts.get("suspected", 0)),
        style="bold",
    )  # fmt: skip
    screen.print(table)


def _remarks(screen: Console, causes: Causes, done: Mapping[str, Any]) -> None:
    abstained = wording.counts(done["abstained"])
    if abstained:
        why = ", ".join(f"{reason} {number}" for reason, number in abstained)
        lost = sum(number for _, number in abstained)
        screen.print(foreign(f"  no cause named for {lost}: {why}", "yellow"))
    missing = len(causes.missing)
    if missing:
        why = f": {causes.stopped}" if causes.stopped else ""
        many = wording.plural(missing, "wrong answer")
        screen.print(foreign(f"  {many} not looked at yet{why}", "yellow"))
    if causes.gone:
        from agent.cli.failures import not_in_store

        screen.print(foreign(f"  {not_in_store(causes.run, causes.gone)}", "yellow"))
    calls, tokens = done["calls"], done["tokens"]
    if calls["median"] is not None:
        screen.print()
        screen.print(
            f"A failure  {calls['median']:g} calls and {wording.tokens(int(tokens['median']))} "
            f"tokens (median); 95% at most {calls['p95']:g} and "
            f"{wording.tokens(int(tokens['p95']))}"
        )
        made = _made(done) if causes.made else "nothing: all of it was recorded"
        screen.print(f"Made now   {made}")


def _made(done: Mapping[str, Any]) -> str:
    calls, tokens = done["calls"]["made"], done["tokens"]["used"]
    line = f"{wording.plural(calls, 'call')}, {wording.tokens(tokens)} tokens"
    usd = done["usd"]
    return f"{line}, {wording.dollars(usd)}" if usd else line


def _options(causes: Causes) -> str:
    """Return the options that ask for the same causes again."""
    method = "" if causes.method == DEFAULT else f" --method {causes.method}"
    return method + (f" --prompts {causes.which}" if causes.which else "")


def _example(causes: Causes) -> str | None:
    """Return a failure to look at: a certified one where there is one."""
    known = [one for one in causes.chosen if key(one) in causes.found]
    certified = [one for one in known if causes.found[key(one)].verdict == "certified"]
    chosen = (certified or known)[:1]
    return quoted(chosen[0]) if chosen else None


def print_one(causes: Causes) -> None:
    """Print one question's cause with its certificate in full; of one that was not answered
    wrongly, that there is nothing to look for."""
    from agent.cli.recorded import RecordedRun
    from agent.cli.trace import load
    from agent.cli.trace_tree import print_head

    one = causes.question
    assert one is not None
    screen = console()
    banner(screen, causes.banner)
    if not one.wrong:
        screen.print(foreign(_no_failure(one)), soft_wrap=True)
        return
    if causes.missing:
        screen.print(foreign(f"{one.name}: its cause is not found yet", "yellow"))
        return
    with RecordedRun(causes.directory) as recorded:
        traced = load(recorded, one.name, causes.which or one.prompts, causes.method)
    print_head(screen, traced)
    screen.print()
    if causes.made:
        done = done_event(causes)
        screen.print(f"Made now  {_made(done)}")
    run = run_argument(causes.directory)
    command(screen, f"memtune trace {run} {quoted(one)}{_options(causes)}")


def _no_failure(one: Answered) -> str:
    prompts = f"{one.which or 'these'} prompts"
    if one.answer.correct:
        return f"{one.name} was answered rightly with {prompts}: there is nothing to attribute"
    return (
        f"{one.name} has no verdict with {prompts} ({one.answer.reason}): there is nothing to "
        "attribute until it is answered ('memtune resume')"
    )
