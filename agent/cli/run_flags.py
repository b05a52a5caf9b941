"""The flags that say what a run is: shared by the verbs that run, price or check one."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any, get_type_hints

import typer

from agent.cli import options


def _option(help: str, panel: str, default: str, metavar: str | None = None, *names: str) -> Any:
    return typer.Option(
        *names, help=help, rich_help_panel=panel, show_default=default, metavar=metavar
    )


def _flags(
    dataset: Annotated[
        str | None,
        _option(
            "Data set: synthetic, jsonl, csv, chat, locomo, longmemeval, realmem, or a loader of "
            "your own, module:attr.",
            options.DATA,
            "seen from --data, else synthetic",
            "NAME",
        ),
    ] = None,
    data: Annotated[
        Path | None,
        _option("The data set's file, where it is read from one.", options.DATA, "none", "FILE"),
    ] = None,
    fields: options.Fields = None,
    conversations: Annotated[
        int | None, _option("Synthetic conversations to make.", options.DATA, "30", "N")
    ] = None,
    limit_episodes: Annotated[
        int | None,
        _option(
            "Use only so many conversations, from each split its share.", options.DATA, "all", "N"
        ),
    ] = None,
    limit_questions: Annotated[
        int | None,
        _option(
            "Ask only so many questions a conversation, of all categories.",
            options.DATA,
            "all",
            "N",
        ),
    ] = None,
    rules: Annotated[
        int | None,
        _option("House rules of the synthetic world.", options.DATA, "drawn, 3 to 6", "N"),
    ] = None,
    seed: Annotated[
        int | None, _option("Seed of world, simulated model and methods.", options.DATA, "0", "N")
    ] = None,
    backend: Annotated[
        str | None,
        _option(
            "Memory backend under test ('memtune backends list'), or one of your own.",
            options.DATA,
            "fact_store",
            "NAME|MODULE:ATTR",
        ),
    ] = None,
    prompts: Annotated[
        Path | None,
        _option(
            "Start from these prompts: <slot>.md files, or an export.",
            options.DATA,
            "the shipped ones",
            "DIR",
        ),
    ] = None,
    model: Annotated[
        str | None,
        _option(
            "Model of all roles: any LiteLLM string, or a LangChain chat model, module:attr.",
            options.MODELS,
            "sim/rules-1",
            "MODEL",
        ),
    ] = None,
    agent_model: Annotated[
        str | None, _option("Model of the agent under test.", options.MODELS, "--model", "MODEL")
    ] = None,
    judge_model: Annotated[
        str | None, _option("Model that judges answers.", options.MODELS, "--model", "MODEL")
    ] = None,
    reflection_model: Annotated[
        str | None, _option("Model that writes edits.", options.MODELS, "--model", "MODEL")
    ] = None,
    api_base: Annotated[
        str | None,
        _option("The models' endpoint.", options.MODELS, "the provider's own", "URL"),
    ] = None,
    embedding_model: Annotated[
        str | None,
        _option(
            "LiteLLM embedding model of the memory's search.",
            options.MODELS,
            "none: character n-grams",
            "MODEL",
        ),
    ] = None,
    slip: Annotated[
        float | None,
        _option("Share of slips of the simulated model.", options.MODELS, "0.02", "SHARE"),
    ] = None,
    optimizer: Annotated[
        str | None,
        _option("Who rewrites prompts.", options.METHOD, "attribution_guided", "NAME"),
    ] = None,
    attribution: Annotated[
        str | None,
        _option("How causes of failures are found.", options.METHOD, "replay", "NAME"),
    ] = None,
    slots: Annotated[
        str | None,
        _option("Prompt slots to tune.", options.METHOD, "the backend's", "NAME,NAME"),
    ] = None,
    scorer: Annotated[
        str | None,
        _option(
            "Who says what is right: judge, f1, exact, longmemeval, or module:attr.",
            options.METHOD,
            "judge",
            "NAME",
        ),
    ] = None,
    judge_prompt: Annotated[
        Path | None,
        _option("A judge prompt of your own.", options.METHOD, "the shipped one", "FILE"),
    ] = None,
    gate_mode: Annotated[
        str | None,
        _option(
            "What a promotion claims: auto, population, these_conversations.",
            options.METHOD,
            "auto",
            "MODE",
        ),
    ] = None,
    min_gain: Annotated[
        float | None,
        _option("Smallest gain that the gate accepts (0 to 1).", options.METHOD, "0.0", "GAIN"),
    ] = None,
    rounds: options.Rounds = None,
    concurrency: options.Concurrency = None,
    max_calls: options.MaxCalls = None,
    max_tokens: options.MaxTokens = None,
    max_usd: options.MaxUsd = None,
    deadline: options.Deadline = None,
    patience: options.Patience = None,
    target: options.Target = None,
    requests_per_minute: options.RequestsPerMinute = None,
    tokens_per_minute: options.TokensPerMinute = None,
    ledger: Annotated[
        Path | None,
        _option(
            "A record of model calls shared between runs: none is paid twice.",
            options.OUTPUT,
            "none",
            "FILE",
        ),
    ] = None,
    out: Annotated[
        Path | None,
        _option("The run's directory.", options.OUTPUT, "runs/<name from its identity>", "DIR"),
    ] = None,
) -> None:
    """Only the signature counts."""


def with_run_flags(command: Callable[..., None]) -> Callable[..., None]:
    """Give a command the flags of a run, handed to it as its first argument.

    The argument is a dictionary by setting name; None means not given.
    """
    template = inspect.signature(_flags).parameters
    hints = {**get_type_hints(_flags, include_extras=True),
             **get_type_hints(command, include_extras=True)}  # fmt: skip
    _, *own = inspect.signature(command).parameters.values()
    arguments = [p for p in own if p.default is p.empty]
    options_ = [p for p in own if p.default is not p.empty]

    def called(**given: Any) -> None:
        # An option that may be given again is an empty list where it was not given.
        flags = {name: None if given[name] == [] else given[name] for name in template}
        command(flags, **{name: given[name] for name in given if name not in template})

    shown = [*arguments, *template.values(), *options_]
    called.__signature__ = inspect.Signature(  # type: ignore[attr-defined]
        [p.replace(kind=p.KEYWORD_ONLY, annotation=hints[p.name]) for p in shown]
    )
    called.__annotations__ = {p.name: hints[p.name] for p in shown}
    called.__doc__, called.__name__ = command.__doc__, command.__name__
    return called
