"""What to do next with a run: the commands under 'Next', shared by `run`, `resume`, `status`."""

from __future__ import annotations

import shlex
from typing import TYPE_CHECKING

from agent.cli.recorded_examples import example_failure
from agent.cli.recorded_summary import summary_of
from agent.cli.screen import command, heading, note, run_argument
from agent.loop.mending import SAME_COMMAND, is_own

if TYPE_CHECKING:
    from rich.console import Console

    from agent.cli.recorded import RecordedRun


def print_next(screen: Console, recorded: RecordedRun) -> None:
    """Print the heading and what is worth doing now."""
    run = run_argument(recorded.directory)
    status = recorded.status[0]
    heading(screen, "Next")
    if status == "running":
        command(screen, f"memtune stop {run}")
    elif status != "done":
        _go_on(screen, recorded)
    failed = example_failure(recorded)
    if failed is not None:
        command(screen, f"memtune trace {run} {shlex.quote(failed)}")
    if status == "running" or not recorded.store.rounds("evaluate"):
        return
    if recorded.identity.get("slots", True):
        command(screen, f"memtune export {run}")
    else:  # its prompts are the seed prompts: nothing to take home
        command(screen, f"memtune compare {run} RUN")


def _go_on(screen: Console, recorded: RecordedRun) -> None:
    broken = recorded.store.broken({recorded.seed.hash, recorded.final.hash})
    # One that was stopped goes on without what broke; one that broke off may do so again.
    if recorded.status[0] == "broken off" and broken and is_own(broken[0]["error"]):
        note(screen, f"mend what broke, {SAME_COMMAND}", "")
    else:
        command(screen, resume_command(recorded))


def resume_command(recorded: RecordedRun) -> str:
    """Return the command that goes on, with more of the budget that stopped the run."""
    more = ""
    if recorded.status[1] == "budget":
        limits = recorded.settings
        if limits.get("max_calls"):
            more = f" --max-calls {2 * limits['max_calls']}"
        if limits.get("max_tokens"):
            more += f" --max-tokens {2 * limits['max_tokens']}"
        usd = (summary_of(recorded).get("usd") or {}).get("limit")
        if usd:
            more += f" --max-usd {2 * usd:g}"
    return f"memtune resume {run_argument(recorded.directory)}{more}"
