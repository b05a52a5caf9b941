"""A sample of the data through the real agent, backend, judge rule and attribution, with a
stand-in in the models' place. Nothing is paid, kept, or counted as an opening of the test
split; the test split's conversations are not run at all."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack, suppress
from dataclasses import dataclass, replace
from pathlib import Path

from agent.estimate.amounts import Amount, spent_since, total
from agent.estimate.sample import FEWEST, MOST_CALLS, Part, Parts, Scale, order
from agent.estimate.stand_in import dry_settings, providers, stand_in
from agent.loop.nodes.attribute import Case, attribute_failures
from agent.loop.opening import open_run
from agent.loop.services import Services
from agent.settings import Settings
from evals.statistics import Mode
from optimizers.protocol import Assignment
from optimizers.signals import error_signals
from traces.domain import Conversation, Dataset, PromptSet, PromptSlot
from traces.errors import MemtuneError
from traces.results import EpisodeResult

SPLITS = ("train", "selection", "test")
# So many failures are attributed; the others are taken to be like them.
MOST_FAILURES = 120
# For how long an optimizer may propose in a dry pass, in evaluations: it learns nothing there.
MOST_EVALUATIONS = 200


@dataclass(frozen=True)
class DryPass:
    """What the dry pass found.

    `splits` are the conversations by split; `scale` holds what each sampled conversation took.
    `failures` of `questions` were judged wrong; one attribution took `attribution` by role.
    `reflection` is what the first round's proposal asked of the reflection model, `aimed` the
    slots that it was about; `effort` and `count` are the optimizer's (0: it has none). `local`
    and `inside` are seconds a call outside and inside the stand-in. `broken` are the errors of
    conversations that broke.
    """

    dataset: Dataset
    splits: Mapping[str, tuple[Conversation, ...]]
    slots: tuple[PromptSlot, ...]
    mode: Mode
    optimizer: str
    effort: float
    count: int
    scale: Scale
    failures: int
    questions: int
    attribution: Mapping[str, Amount]
    reflection: Amount
    aimed: tuple[str, ...]
    local: float
    inside: float
    broken: tuple[str, ...]


Report = Callable[[str, int, int], None]


def dry_pass(settings: Settings, report: Report = lambda _stage, _done, _of: None) -> DryPass:
    """Run the dry pass; `report(stage, done, of)` is told how far it is.

    Raises what a run raises before its first call: DataError, SettingsError, StoreError.
    """
    with ExitStack() as stack:
        where = stack.enter_context(tempfile.TemporaryDirectory(prefix="memtune-estimate-"))
        model = stand_in(settings)
        services, _ = open_run(
            dry_settings(settings, Path(where)), stack, stand_ins=providers(settings, model)
        )
        services.store.spare_the_disk()
        train, selection = (services.conversations(name) for name in SPLITS[:2])
        candidates = order([*train, *selection], {c.id for c in train})
        sample: list[Conversation] = []
        started = time.perf_counter()
        seen: set[str] = set()
        results: list[EpisodeResult] = []
        measured: dict[str, Parts] = {}
        for one in candidates:
            made = sum(s.calls for s in services.gateway.ledger.spending().values())
            if made >= MOST_CALLS and len(sample) >= FEWEST:
                break
            report("conversations", len(sample), len(candidates))
            measured[one.id], result = _run(services, one, seen)
            sample.append(one)
            results.append(result)
        judged = [a for r in results for a in r.answers if a.correct is not None]
        wrong = [a for a in judged if not a.correct]
        cases, attribution = _attribute(services, results, report)
        elapsed = time.perf_counter() - started
        calls = sum(s.calls for s in services.gateway.ledger.spending().values())
        reflection, aimed = _propose(services, sample, results, cases)
        return DryPass(
            dataset=services.dataset,
            splits={name: services.conversations(name) for name in SPLITS},
            slots=services.slots,
            mode=services.gate_mode,
            optimizer=services.optimizer.name,
            effort=float(getattr(services.optimizer, "effort", 0.0)),
            count=int(getattr(services.optimizer, "count", 0)),
            scale=Scale(sample, measured),
            failures=len(wrong),
            questions=len(judged),
            attribution=attribution,
            reflection=reflection,
            aimed=aimed,
            local=max(0.0, elapsed - model.seconds) / max(1, calls),
            inside=model.seconds / max(1, calls),
            broken=tuple(r.error for r in results if r.error),
        )


def _run(
    services: Services, conversation: Conversation, seen: set[str]
) -> tuple[dict[Part, Amount], EpisodeResult]:
    """Run one conversation; return what it took, by part. `seen` are the ledger keys that
    earlier ones have paid for."""
    ledger = services.gateway.ledger
    before = ledger.spending()
    (result,) = services.evaluate(services.seed_prompts, [conversation], 0, "dry")
    spent = spent_since(before, ledger.spending())
    keys: dict[Part, list[str]] = {}
    for operation in services.store.operations(result.pass_id):
        for key in operation.calls:
            if key not in seen:
                seen.add(key)
                part = (str(operation.kind), operation.slot or operation.name)
                keys.setdefault(part, []).append(key)
    parts = {part: Amount.of(ledger.spending_of(own)) for part, own in keys.items()}
    # Whatever the agent asked outside of recorded operations, say in one that broke.
    rest = spent.pop("agent", Amount()) - total({str(p): a for p, a in parts.items()})
    if rest.calls > 0:
        parts["response", ""] = parts.get(("response", ""), Amount()) + rest
    for role, amount in spent.items():
        parts[role, ""] = amount
    return parts, result


def _attribute(
    services: Services, results: Sequence[EpisodeResult], report: Report
) -> tuple[list[Case], dict[str, Amount]]:
    """Return some failures' cases, and what one of them took by role."""
    left = MOST_FAILURES
    some: list[EpisodeResult] = []
    for result in results:
        failed = [a for a in result.answers if a.correct is False][:left]
        left -= len(failed)
        if failed:
            some.append(replace(result, answers=tuple(failed)))
    ledger = services.gateway.ledger
    before = ledger.spending()
    cases: list[Case] = []
    for number, result in enumerate(some):
        report("failures", number, len(some))
        cases += attribute_failures([result], services, 0, "dry")
    report("failures", len(some), len(some))
    spent = spent_since(before, ledger.spending())
    return cases, {role: amount * (1 / len(cases)) for role, amount in spent.items() if cases}


class _Enough(Exception):
    """The optimizer has asked for more than a dry pass is for."""


def _propose(
    services: Services,
    sample: Sequence[Conversation],
    results: Sequence[EpisodeResult],
    cases: Sequence[Case],
) -> tuple[Amount, tuple[str, ...]]:
    """Return what one proposal asks of the reflection model, and for which slots.

    Its candidates all answer as the seed prompts did, so that nothing is run.
    """
    train = set(services.splits.train)
    episodes = tuple(c for c in sample if c.id in train)
    mine = [case for case in cases if case[0].id in train]
    if not services.slots or not episodes:
        return Amount(), ()
    known = {result.conversation: result for result in results}
    asked = 0

    def unchanged(prompts: PromptSet, conversations: Sequence[Conversation]) -> list[EpisodeResult]:
        nonlocal asked
        asked += 1
        if asked > MOST_EVALUATIONS:
            raise _Enough
        return [replace(known[c.id], prompt_set=prompts.hash) for c in conversations]

    ledger = services.gateway.ledger
    before = ledger.spending()
    signals = error_signals(mine).signals
    tunable = {slot.name for slot in services.slots}
    proposed: Sequence[Mapping[str, object]] = ()
    # A proposal that cannot be made with the stand-in leaves what it costs to the signals.
    with suppress(_Enough, MemtuneError):
        proposed = services.optimizer.propose(
            Assignment(
                round=1,
                working=services.seed_prompts,
                incumbent=services.seed_prompts,
                slots=services.slots,
                signals=tuple(services.transform_signals(signals)),
                episodes=episodes,
                ask=services.gateway.ask("reflection"),
                evaluate=unchanged,
                seed=services.seed,
            )
        ).race
    spent = spent_since(before, ledger.spending()).get("reflection", Amount())
    edited = {
        str(edit.get("slot"))
        for record in proposed
        for edit in record.get("edits", ())  # type: ignore[attr-defined]
    }
    aimed = tuple(sorted(tunable & (edited or {s.slot for s in signals})))
    return spent, aimed
