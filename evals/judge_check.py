"""Can a judge be trusted? Its agreement with a person's labels, and with itself.

The verdict that is compared with a label is that of the first draw, the one that a run
uses. Agreement does not tell how a judge errs, so its two kinds of error and its agreement
beyond chance are given too; and a judge that changes its mind between draws adds noise to
every score, whatever its agreement.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import FIRST_EXCEPTION, ThreadPoolExecutor, wait
from dataclasses import dataclass
from itertools import combinations
from typing import Any

from evals.evaluate import BAD_SAMPLE
from evals.judge_labels import Label
from evals.statistics import mcnemar_p
from traces.domain import Question

# Unparsable content is drawn anew at the next sample indexes: far from the next draw.
BETWEEN_DRAWS = 100


@dataclass(frozen=True, slots=True)
class Drawn:
    """One draw of a verdict; `correct` is None where there was none, and `reason` says why.
    `asked` says whether a model was asked for it."""

    correct: bool | None
    reason: str
    asked: bool = False


@dataclass(frozen=True, slots=True)
class Item:
    """A label, and the judge's draws for it."""

    label: Label
    draws: tuple[Drawn, ...]

    @property
    def verdict(self) -> bool | None:
        """The verdict that a run would use."""
        return self.draws[0].correct


# (question, prediction, sample index) -> (correct, reason, whether a model was asked)
Ask = Callable[[Question, str, int], tuple[bool, str, bool]]


def draw_verdicts(
    labels: Sequence[Label],
    ask: Ask,
    draws: int = 3,
    concurrency: int = 1,
    on_drawn: Callable[[], None] = lambda: None,
) -> list[Item]:
    """Return the labels with `draws` verdicts each, in their order.

    What spoils one verdict is recorded with it; a spent budget, a deadline or a provider
    that fails for good raises, and draws that have not begun do not begin.
    """

    def one(label: Label, draw: int) -> Drawn:
        try:
            return Drawn(*ask(label.question, label.prediction, draw * BETWEEN_DRAWS))
        except BAD_SAMPLE as error:
            return Drawn(None, f"{error.code}: {error}")
        finally:
            on_drawn()

    with ThreadPoolExecutor(max(1, concurrency)) as pool:
        futures = {
            (row, draw): pool.submit(one, label, draw)
            for draw in range(draws)  # the draw that counts comes first
            for row, label in enumerate(labels)
        }
        wait(futures.values(), return_when=FIRST_EXCEPTION)
        for future in futures.values():
            if future.done() and not future.cancelled() and future.exception() is not None:
                pool.shutdown(wait=True, cancel_futures=True)
                future.result()
    return [
        Item(label, tuple(futures[row, draw].result() for draw in range(draws)))
        for row, label in enumerate(labels)
    ]


def share(hits: int, of: int) -> dict[str, Any]:
    """Return a share in 0..1 with its 95% Wilson interval; null where there is nothing."""
    if not of:
        return {"share": None, "hits": 0, "n": 0, "interval": None}
    from scipy.stats import binomtest

    found = binomtest(hits, of).proportion_ci(0.95, method="wilson")
    bounds = [round(max(0.0, float(found.low)), 6), round(min(1.0, float(found.high)), 6)]
    return {"share": round(hits / of, 6), "hits": hits, "n": of, "interval": bounds}


def kappa(pairs: Sequence[tuple[bool, bool]]) -> float | None:
    """Return Cohen's (1960) kappa of (label, verdict) pairs, at most 1.

    None where it is not defined: both say the same of everything.
    """
    if len({value for pair in pairs for value in pair}) < 2:
        return None
    from nltk.metrics.agreement import AnnotationTask

    table = [(who, row, pair[who]) for row, pair in enumerate(pairs) for who in (0, 1)]
    return round(float(AnnotationTask(table).kappa()), 6)


def measured(items: Sequence[Item]) -> dict[str, Any]:
    """Return agreement, kappa, table, errors by side and flips, as JSON-native values."""
    judged = [(i.label.correct, i.verdict) for i in items if i.verdict is not None]
    count = {
        (label, verdict): sum(pair == (label, verdict) for pair in judged)
        for label in (True, False)
        for verdict in (True, False)
    }
    none = {
        c: sum(i.verdict is None and i.label.correct is c for i in items) for c in (True, False)
    }
    lenient, strict = count[False, True], count[True, False]
    asked = [i for i in items if i.verdict is not None and i.draws[0].asked]
    return {
        "labels": len(items),
        "agreement": share(count[True, True] + count[False, False], len(judged)),
        "kappa": kappa(judged),
        "table": {
            f"label_{_word(label)}": {
                "judged_right": count[label, True],
                "judged_wrong": count[label, False],
                "no_verdict": none[label],
            }
            for label in (True, False)
        },
        "judged_right_is_right": share(count[True, True], count[True, True] + lenient),
        "judged_wrong_is_wrong": share(count[False, False], count[False, False] + strict),
        "errors": {
            "lenient": lenient,
            "strict": strict,
            "p_value": min(1.0, 2 * min(mcnemar_p(lenient, strict), mcnemar_p(strict, lenient))),
        },
        "asked_of_model": share(sum(i.verdict is i.label.correct for i in asked), len(asked)),
        "flips": _flips(items),
        "no_verdict": [
            {"line": i.label.line, "question": i.label.question.text, "reason": i.draws[0].reason}
            for i in items
            if i.verdict is None
        ],
        "disagreements": [
            {
                "line": i.label.line,
                "question": i.label.question.text,
                "gold": i.label.question.answer,
                "prediction": i.label.prediction,
                "label": i.label.correct,
                "judged": i.verdict,
                "reason": i.draws[0].reason,
            }
            for i in items
            if i.verdict is not None and i.verdict is not i.label.correct
        ],
    }


def _word(correct: bool) -> str:
    return "right" if correct else "wrong"


def _flips(items: Sequence[Item]) -> dict[str, Any]:
    """The same request at other sample indexes: how many items ever change, and what share
    of pairs of draws differ (mean over items). Items with a draw missing are left out."""
    draws = min((len(i.draws) for i in items), default=0)
    complete = [[d.correct for d in i.draws] for i in items if all(
        d.correct is not None for d in i.draws
    )]  # fmt: skip
    found = share(sum(len(set(verdicts)) > 1 for verdicts in complete), len(complete))
    pairs = [
        sum(a is not b for a, b in combinations(verdicts, 2)) * 2 / (draws * (draws - 1))
        for verdicts in complete
        if draws > 1
    ]
    differing = round(sum(pairs) / len(pairs), 6) if pairs else None
    return {"draws": draws, "changed": found, "pairs_differing": differing}
