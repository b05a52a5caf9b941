"""`memtune chat`: talk to the memory agent in a terminal, or through a pipe."""

from __future__ import annotations

import sys
from contextlib import ExitStack
from pathlib import Path
from typing import Annotated

import typer

from agent.cli.waiting import Waiting

MEMORY = Path("memory")
USER = "user"
FLAGGED = Path("flagged.jsonl")

_EXAMPLES = """[bold]Examples[/bold]

\b
memtune chat --user Ana
memtune chat --user Ana --once "Where do I live?"
memtune chat --prompts bundle --model openai/gpt-4o-mini
printf 'I live in Lisbon.\\nWhere do I live?\\n' | memtune chat --user Ana

What is said is remembered for the next time. Commands: /why, /memories,
/forget, /flag, /help, /quit. Through a pipe, each line is a turn and each
answer a line. Where the model has a known price, all turns ever made in DIR
may cost 10 USD together; max_usd in memtune.toml sets another limit."""


def register(app: typer.Typer) -> None:
    """Add the group's verb."""
    app.command("chat", epilog=_EXAMPLES)(chat)


def chat(
    memory: Annotated[
        Path, typer.Option(metavar="DIR", help="Where memories are kept; many users share it.")
    ] = MEMORY,
    user: Annotated[
        str, typer.Option(metavar="ID", help="Whose memory it is, and how you are called.")
    ] = USER,
    prompts: Annotated[
        Path | None,
        typer.Option(
            metavar="BUNDLE", help="Prompts that 'memtune export' wrote.",
            show_default="the shipped ones",
        ),
    ] = None,
    model: Annotated[
        str | None,
        typer.Option(
            metavar="MODEL",
            help="Any LiteLLM string, or a LangChain chat model, module:attr.",
            show_default="sim/rules-1",
        ),
    ] = None,
    api_base: Annotated[
        str | None,
        typer.Option(metavar="URL", help="The model's endpoint.",
                     show_default="the provider's own"),
    ] = None,
    backend: Annotated[
        str | None,
        typer.Option(metavar="NAME",
                     help="Memory backend, one that 'memtune backends show' says chat can use.",
                     show_default="the one that DIR holds; at first fact_store"),
    ] = None,
    once: Annotated[
        str | None, typer.Option(metavar="TEXT", help="Say one thing, print the answer, end.")
    ] = None,
    flagged: Annotated[
        Path, typer.Option(metavar="FILE", help="The data set that /flag adds to.")
    ] = FLAGGED,
    json: Annotated[bool, typer.Option("--json", help="Print JSON lines instead.")] = False,
) -> None:  # fmt: skip
    """Chat with an agent that remembers what you say."""
    if not user.strip():
        raise typer.BadParameter("is empty; say whose memory it is", param_hint="--user")
    from agent.settings import load_settings

    settings = load_settings(model=model, api_base=api_base, backend=backend)
    with ExitStack() as stack:
        waiting = Waiting()
        stack.callback(waiting.stop)
        # What model, memory and graph rest on takes seconds to import.
        waiting.show("opening the memory")
        from langgraph.checkpoint.memory import InMemorySaver

        from agent.chat.create import create_memory_agent
        from agent.cli.chat_session import ChatSession

        agent = stack.enter_context(
            create_memory_agent(
                model, prompts=prompts, memory=memory, settings=settings,
                checkpointer=InMemorySaver(),
            )
        )  # fmt: skip
        waiting.stop()
        session = ChatSession(agent, user, flagged, as_json=json, waiting=waiting)
        if once is not None:
            session.take(once)
            return
        interactive = sys.stdin.isatty()
        session.greet(memory, interactive=interactive)
        try:
            session.run(interactive=interactive)
        except KeyboardInterrupt:
            typer.echo("\nEnded; every message that was answered is remembered.")
            raise typer.Exit(130) from None
