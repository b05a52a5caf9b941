"""Checks a judge against a person's labels, over a ledger of its own."""

from __future__ import annotations

import json
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from agent.loop.directory import CONFIG, RunDirectory, write_whole
from agent.loop.file_errors import file_errors
from agent.models.budget import Budget, Limits
from agent.models.choose import make_providers
from agent.models.gateway import Gateway, Rates, metered
from agent.models.pricing import cap, prices_of
from agent.models.shared_ledger import SharedLedger
from agent.scoring import Scoring, scoring_identity, scoring_of
from agent.settings import Settings
from evals.judge_check import draw_verdicts, measured
from evals.judge_labels import Labels
from evals.judge_trust import criteria, recommendation
from traces.database import Database
from traces.domain import Question
from traces.errors import RunDirectoryError
from traces.hashing import content_hash
from traces.ledger import Ledger
from traces.protocols import Judge

RESULT = "judge-check.json"
_NO_MODEL = "sim/rules-1"  # never asked


def check_judge(
    settings: Settings,
    labels: Labels,
    draws: int,
    on_drawn: Callable[[], None] = lambda: None,
) -> dict[str, Any]:
    """Judge every labelled answer `draws` times; return and write what was found.

    Calls are recorded in the directory `out` (default judge-check/<hash>) before they are
    used: repeated, or resumed after a budget, no call is made twice. Raises what a run
    raises before it begins, and BudgetExceeded, DeadlineExceeded, ProviderError.
    """
    scoring = scoring_of(settings)
    alone = _judge_alone(settings, scoring)
    with ExitStack() as stack:
        prices = prices_of(alone, {"judge": alone.model})
        shared = None
        if settings.ledger is not None:
            shared = SharedLedger(settings.ledger)
            stack.callback(shared.close)
        providers = make_providers(alone)
        stack.callback(providers["judge"].close)
        model = dict(providers["judge"].identity("judge")) if scoring.asks_model else None
        identity = {"labels": labels.hash, "model": model, **scoring_identity(settings)}
        directory = RunDirectory(settings.out or Path("judge-check") / content_hash(identity)[:8])
        stack.callback(directory.close)
        if (directory.path / CONFIG).exists():
            raise RunDirectoryError(
                f"{directory.path}: holds a run, whose calls stay its own; choose another --out"
            )
        stack.enter_context(file_errors(directory.path))
        database = Database(directory.database)
        stack.callback(database.close)
        ledger = Ledger(database, shared)
        spent = ledger.spending()
        before = sum(s.calls for s in spent.values())
        budget = Budget(
            Limits(settings.max_calls, settings.max_tokens, settings.deadline, cap(alone, prices)),
            calls=before,
            tokens=sum(s.tokens for s in spent.values()),
            usd=prices.known(spent),
        )
        rates = Rates(settings.requests_per_minute, settings.tokens_per_minute)
        gateway = Gateway(
            providers, ledger, budget, settings.concurrency, rates=rates, prices=prices
        )
        judge = scoring.judge(gateway.ask("judge"))
        items = draw_verdicts(labels.rows, _metered(judge), draws, settings.concurrency, on_drawn)
        found = measured(items)
        checks = criteria(found)
        spent = ledger.spending()
        made = sum(s.calls for s in spent.values())
        result = {
            "event": "judge_check",
            "scorer": scoring.name,
            "judge_prompt": scoring.prompt.hash if scoring.prompt else None,
            "model": alone.model if scoring.asks_model else None,
            "simulated": scoring.asks_model and providers["judge"].simulated,
            "waiting": labels.waiting,
            "repeated": labels.repeated,
            **found,
            "criteria": checks,
            **recommendation(found, checks),
            "calls": {"made": made, "now": made - before},
            "tokens": sum(s.tokens for s in spent.values()),
            "usd": prices.summary(spent)["total"],
            "out": str(directory.path),
        }
        text = json.dumps(result, indent=2, sort_keys=True, ensure_ascii=False) + "\n"
        write_whole(directory.path / RESULT, text)
        return result


def _judge_alone(settings: Settings, scoring: Scoring) -> Settings:
    """Return settings in which every role is the judge's: nobody else is asked, or needs a key."""
    model = settings.model_of("judge") if scoring.asks_model else _NO_MODEL
    return settings.model_copy(
        update={
            "model": model,
            "agent_model": None,
            "judge_model": model if settings.judge_model else None,
            "reflection_model": None,
            "api_base": settings.api_base_of("judge"),
            "agent_api_base": None,
            "judge_api_base": None,
            "reflection_api_base": None,
            "embedding_model": None,
        }
    )


def _metered(judge: Judge) -> Callable[[Question, str, int], tuple[bool, str, bool]]:
    def ask(question: Question, prediction: str, sample_index: int) -> tuple[bool, str, bool]:
        with metered() as meter:
            correct, reason = judge(question, prediction, sample_index)
        return correct, reason, meter.calls > 0

    return ask
