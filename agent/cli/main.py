"""The command `memtune`: its verbs, and the translation of errors into lines and exit codes.

Exit codes: 0 done, 1 error, 2 used wrongly, 101 stopped and resumable, 130 interrupted.
"""

from __future__ import annotations

import errno
import io
import os
import sys
import tempfile
import traceback
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import typer

from agent.cli import (
    attribute,
    backends,
    bench,
    chat,
    compare,
    doctor,
    estimate,
    export,
    flag,
    graph,
    init,
    judge_check,
    report,
    run,
    status,
    trace,
    validate,
)
from agent.cli.crash import run_directory
from agent.cli.leaving import leave_with
from traces.errors import MemtuneError

INTERRUPTED = 130
# A full disk or a terminal that has gone, behind stdout.
_NO_OUTPUT = (errno.ENOSPC, errno.EDQUOT, errno.EIO, errno.EBADF)

app = typer.Typer(
    name="memtune",
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode="rich",
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
for group in (
    init, validate, doctor, judge_check, estimate, run, status, trace, attribute, report, compare,
    export, graph, chat, flag, backends, bench,
):  # fmt: skip
    group.register(app)

# The help's panels, in the order in which the verbs are met.
_PANELS = {
    "Prepare": ("init", "validate", "doctor", "judge-check", "estimate"),
    "Run": ("run", "resume", "stop", "status"),
    "Look": ("trace", "attribute", "report", "compare", "graph"),
    "Use": ("export", "chat", "flag"),
}
for verb in app.registered_commands:
    verb.rich_help_panel = next((p for p, verbs in _PANELS.items() if verb.name in verbs), None)

# typer brings click along, under a name that changed between its versions.
_UsageError: type[Exception] = next(
    c for c in typer.BadParameter.__mro__ if c.__name__ == "ClickException"
)


def _print_version(asked: bool) -> None:
    if asked:
        from importlib.metadata import version

        typer.echo(f"memtune {version('memtune')}")
        raise typer.Exit


@app.callback(
    epilog="Without a key and without a network memtune runs on a simulated model and "
    "synthetic conversations, and labels everything made with them.",
)
def _memtune(
    version: Annotated[
        bool,
        typer.Option(
            "--version", help="Print the version.", callback=_print_version, is_eager=True
        ),
    ] = False,
) -> None:
    """Find the memory operation behind an agent's wrong answer, rewrite the prompt that is
    responsible, and keep the rewrite only when a held-out test says that it is better.

    \b
    memtune run                   run the loop on synthetic conversations
    memtune init                  begin with conversations and a model of your own
    memtune status                what there is, and how far it is
    memtune trace RUN QUESTION    one wrong answer, from message to verdict
    memtune export RUN            the prompts, for production
    """


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line and return its exit code; never raises but SystemExit."""
    code = _run(arguments)
    if arguments is None:  # else the process is the caller's, and so is its exit code
        leave_with(code)
    return code


def _run(arguments: Sequence[str] | None) -> int:
    run_directory.set(None)
    for stream in (sys.stdout, sys.stderr):
        # Conversations may hold what a terminal's encoding does not.
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="replace")
    try:
        code = app(args=arguments, prog_name="memtune", standalone_mode=False)
        # typer turns an interrupt into this code; a run has said how to go on already.
        if code == INTERRUPTED and run_directory.get() is None:
            _say("interrupted")
        return code if isinstance(code, int) else 0
    except MemtuneError as error:
        _say(str(error))
        return error.exit_code
    except (KeyboardInterrupt, typer.Abort):
        _say("interrupted")
        return INTERRUPTED
    except BrokenPipeError:
        # Whoever read our output has left; nothing more can be said there.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1
    except OSError as error:
        if error.filename is not None or error.errno not in _NO_OUTPUT:
            return _unexpected(error)
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        _say(f"the output cannot be written ({error.strerror}); send it elsewhere")
        return 1
    except _UsageError as error:
        if str(error):  # without arguments the help has been shown
            _say(_usage(error))
        return 2
    except Exception as error:
        return _unexpected(error)


def _unexpected(error: Exception) -> int:
    _say(f"unexpected {type(error).__name__}: {error} (traceback in {_write(error)})")
    return 1


def _usage(error: Exception) -> str:
    context = getattr(error, "ctx", None)
    path = context.command_path if context is not None else "memtune"
    message = str(getattr(error, "format_message", lambda: error)()).rstrip(".")
    return f"{message}; see '{path} --help'"


def _say(message: str) -> None:
    from evals.report.wording import printable

    # What a plug-in or a server said may hold what a terminal would obey.
    print(f"memtune: {printable(message)}", file=sys.stderr)


def _write(error: Exception) -> Path:
    """Write the traceback beside the run, or to a temporary file, and return where."""
    text = "".join(traceback.format_exception(error))
    directory = run_directory.get()
    if directory is not None:
        try:
            path = directory / "traceback.txt"
            path.write_text(text, "utf-8")
            return path
        except OSError:
            pass
    handle, name = tempfile.mkstemp(prefix="memtune-traceback-", suffix=".txt")
    with os.fdopen(handle, "w", encoding="utf-8") as file:
        file.write(text)
    return Path(name)


if __name__ == "__main__":
    sys.exit(main())
