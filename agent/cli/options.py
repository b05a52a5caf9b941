"""Options that several verbs share, and the help's panels."""

from __future__ import annotations

from typing import Annotated

import typer

DATA = "What is run (fixes the run)"
MODELS = "Models (fix the run)"
METHOD = "Method (fixes the run)"
LIMITS = "Limits (may change when a run is resumed)"
OUTPUT = "Output"

Run = Annotated[
    str, typer.Argument(metavar="RUN", help="A run's name under runs/, or its directory.")
]

Fields = Annotated[
    list[str] | None,
    typer.Option(
        metavar="NAME=THEIRS",
        help="What the file calls a field (jsonl, csv, chat); may be given again.",
        show_default="memtune's names",
        rich_help_panel=DATA,
    ),
]
Rounds = Annotated[
    int | None,
    typer.Option(
        metavar="N",
        help="Greatest number of rounds; the gate tests each at 0.05 / N.",
        show_default="5",
        rich_help_panel=LIMITS,
    ),
]
Concurrency = Annotated[
    int | None,
    typer.Option(
        metavar="N", help="Model calls at a time.", show_default="4", rich_help_panel=LIMITS
    ),
]
MaxCalls = Annotated[
    int | None,
    typer.Option(
        metavar="N",
        help="Stop before more model calls than this, those of earlier starts included.",
        show_default="no limit",
        rich_help_panel=LIMITS,
    ),
]
MaxTokens = Annotated[
    int | None,
    typer.Option(
        metavar="N",
        help="Stop once this many tokens are used, input and output together.",
        show_default="no limit",
        rich_help_panel=LIMITS,
    ),
]
MaxUsd = Annotated[
    float | None,
    typer.Option(
        metavar="USD",
        help="Stop before the calls of all roles cost more than this.",
        show_default="10 where a model has a price",
        rich_help_panel=LIMITS,
    ),
]
RequestsPerMinute = Annotated[
    int | None,
    typer.Option(
        metavar="N",
        help="Most requests a minute.",
        show_default="no limit",
        rich_help_panel=LIMITS,
    ),
]
TokensPerMinute = Annotated[
    int | None,
    typer.Option(
        metavar="N",
        help="Most tokens a minute, input and output together.",
        show_default="no limit",
        rich_help_panel=LIMITS,
    ),
]
Deadline = Annotated[
    str | None,
    typer.Option(
        metavar="TIME",
        help="Stop after this time: seconds, or 90s, 30m, 8h.",
        show_default="none",
        rich_help_panel=LIMITS,
    ),
]
Patience = Annotated[
    int | None,
    typer.Option(
        metavar="N",
        help="End after this many rounds in a row without anything new.",
        show_default="3",
        rich_help_panel=LIMITS,
    ),
]
Target = Annotated[
    float | None,
    typer.Option(
        metavar="SCORE",
        help="End once the selection score reaches this (0 to 1).",
        show_default="none",
        rich_help_panel=LIMITS,
    ),
]
Json = Annotated[
    bool,
    typer.Option(
        "--json", help="Print JSON lines on stdout, nothing else.", rich_help_panel=OUTPUT
    ),
]
Verbose = Annotated[
    bool, typer.Option("--verbose", "-v", help="Show the log on stderr.", rich_help_panel=OUTPUT)
]
PlainJson = Annotated[bool, typer.Option("--json", help="Print JSON instead.")]
