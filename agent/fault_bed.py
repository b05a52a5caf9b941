"""Clean passes over synthetic conversations, in which faults are tried: the planter's side.

Nothing from here is shown to an attribution method but through `agent.fault_side`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from agent.episodes import EpisodeRunner
from agent.models.budget import Budget, Limits
from agent.models.gateway import ROLES, Gateway
from agent.models.providers import SimulatedProvider
from agent.recorded_pass import RecordedPass
from agent.response import response_slot
from evals.evaluate import EpisodeRun
from evals.faults.fault import Captured, Fault
from evals.faults.planting import Bed, Outcome
from evals.faults.site import Site
from evals.faults.values import Values
from evals.loaders import load_dataset
from evals.scorers import ModelJudge
from memory_backends.protocol import Closable, MemoryBackend
from memory_backends.registry import create_backend, open_backend
from traces.database import Database
from traces.domain import Conversation, PromptSet, Question
from traces.graph import EvolutionGraph
from traces.hashing import content_hash, text_hash
from traces.ledger import CallRequest, Completion, Ledger, SharedCalls
from traces.operation import Draw, OperationContext
from traces.protocols import Judge

# A verdict counts in planting where these samples agree: a fault must not stand or fall with
# one slip of the judge.
VERDICTS = (0, 1, 2)
# So must it with a slip of the memory: what the faults made run anew is drawn again.
DRAWS = (1, 2)
# Conversations whose questions say what other values there are, run or not.
TALKED = 60


@dataclass(frozen=True)
class Lab:
    """What passes are made with: a backend, the simulated model, and prompts."""

    backend: str
    config: Mapping[str, Any]
    provider: SimulatedProvider
    prompts: PromptSet
    parameters: str

    def make_backend(self) -> MemoryBackend:
        """Return a fresh, empty memory."""
        return create_backend(self.backend, dict(self.config), None)

    def gateway(self, shared: SharedCalls | None = None) -> Gateway:
        """Return a way to the model over a ledger of its own, in memory; calls that `shared`
        holds are not made."""
        ledger = Ledger(Database(":memory:"), shared)
        return Gateway(dict.fromkeys(ROLES, self.provider), ledger, Budget(Limits()))

    def judge(self, gateway: Gateway) -> Judge:
        """Return the judge that asks over a gateway."""
        return ModelJudge(gateway.ask("judge"))


@dataclass(frozen=True)
class World:
    """The conversations of one seed, and the lab whose prompts are the best for them. `slips`:
    the model errs now and then."""

    number: int
    lab: Lab
    conversations: tuple[Conversation, ...]
    values: Values
    slips: bool


def make_world(
    seed: int, number: int, conversations: int, backend: str, config: Mapping[str, Any],
    slip: float,
) -> World:  # fmt: skip
    """Make the `number`-th world of a seed, with the prompts that ask for what it needs."""
    own = int(text_hash(f"faults/{seed}/{number}", 6), 16)
    with open_backend(backend, dict(config)) as instance:
        slots, fingerprint = (*instance.slots, response_slot()), instance.fingerprint
    prompts = PromptSet({slot.name: slot.seed for slot in slots})
    # The first ones do not depend on how many there are.
    dataset = load_dataset(
        "synthetic", None, conversations=max(conversations, TALKED), seed=own,
        seed_prompts=dict(prompts.instructions), slots=slots,
    )  # fmt: skip
    best = {k: v for k, v in (dataset.ceiling or {}).items() if k in prompts.instructions}
    provider = SimulatedProvider(own, slip)
    parameters = content_hash([fingerprint, dict(provider.identity("agent"))])
    lab = Lab(backend, config, provider, prompts.with_changes(best), parameters)
    made = dataset.conversations
    return World(number, lab, made[:conversations], Values.of(made), slip > 0)


@dataclass(frozen=True)
class _Noted:
    """traces.ledger.SharedCalls that only notes what is made."""

    calls: dict[str, Completion]

    def find(self, key: str) -> Completion | None:
        return None

    def add(self, key: str, request: CallRequest, completion: Completion) -> None:
        self.calls[key] = completion


class CleanPass:
    """One conversation run without faults, and replays of its questions with them.

    `calls` are the completions of all that was asked, by ledger key; `opened` is what holds
    memories besides and ends with the pass.
    """

    def __init__(self, world: World, conversation: Conversation) -> None:
        self.world = world
        self.conversation = conversation
        self.calls: dict[str, Completion] = {}
        self.opened: list[Closable] = []
        self.gateway = world.lab.gateway(_Noted(self.calls))
        self._judge = world.lab.judge(self.gateway)

    @cached_property
    def _run(self) -> EpisodeRun:
        return self._runner(self.conversation, self.world.lab.prompts)

    @cached_property
    def _runner(self) -> EpisodeRunner:
        lab = self.world.lab
        return EpisodeRunner(lab.make_backend, self.gateway, None, lab.parameters)

    @cached_property
    def graph(self) -> EvolutionGraph:
        """The graph of the clean pass."""
        return EvolutionGraph.of(self._run.recorder)

    @property
    def context(self) -> OperationContext:
        """A fresh context of this pass."""
        return self._runner.context(self.conversation, self.world.lab.prompts)

    @cached_property
    def _recorded(self) -> RecordedPass:
        lab = self.world.lab
        return RecordedPass(lab.make_backend, self.context, self.conversation, self.graph)

    def beds(self, seed: str) -> Iterator[Bed]:
        """Yield the questions that this pass answered rightly."""
        for question in self.conversation.questions:
            prediction = self._run.predictions[question.id][0]
            if prediction is not None and self.verdict(question, prediction):
                values = self.world.values
                site = Site(self.graph, self.conversation, question, prediction, values, seed)
                yield Bed(site, self.replay)

    def verdict(self, question: Question, prediction: str) -> bool | None:
        """Return the verdict on which all samples agree; None where they do not."""
        found = {self._judge(question, prediction, k)[0] for k in VERDICTS}
        return found.pop() if len(found) == 1 else None

    def replay(self, question: Question, faults: Sequence[Fault]) -> Outcome | None:
        """Replay a question with faults; see `evals.faults.planting.Run`."""
        real: Captured = {}
        planted = [fault.intervention(real) for fault in faults]
        found = self._recorded.replay(question, planted, (), None)
        if found.prediction is None:
            return None
        verdict = self.verdict(question, found.prediction)
        if self.world.slips and found.ran and verdict != self._drawn(question, faults, found.ran):
            verdict = None
        return Outcome(found.prediction, verdict, found.recorder, real)

    def _drawn(
        self, question: Question, faults: Sequence[Fault], ran: Sequence[str]
    ) -> bool | None:
        """Return the verdict on which further draws of these operations agree; None where they
        do not."""
        found = set()
        for sample in DRAWS:
            planted = [fault.intervention() for fault in faults]
            draw = Draw(sample, frozenset(ran))
            again = self._recorded.replay(question, planted, (), draw).prediction
            found.add(None if again is None else self.verdict(question, again))
            if len(found) > 1 or None in found:
                return None
        return found.pop()

    def close(self) -> None:
        """Release the copies of the memory, and what was opened for its cases."""
        for one in self.opened:
            one.close()
        if "_recorded" in vars(self):
            self._recorded.close()
