"""Trying repairs on one failure: replays, verdicts on their answers, and what they cost."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from traces.abstention import abstains
from traces.attribution.carries import Carries
from traces.attribution.contamination import Contamination
from traces.attribution.index import GraphIndex, index_of
from traces.attribution.on_matter import on_matter
from traces.attribution.provenance import matches_gold
from traces.attribution.registry import Replaying
from traces.attribution.replay.caps import MOST_CALLS, MOST_REPLAYS, MOST_TOKENS
from traces.attribution.replay.repair import Repair, Scene
from traces.attribution.suspects import Suspects, suspects
from traces.attribution.targets import Target
from traces.errors import ContentError, NotIntervenable
from traces.graph import EvolutionGraph
from traces.operation import Draw
from traces.protocols import Ask
from traces.replay import Replay, Replayed
from traces.results import Failure
from traces.schema import Variable

_STORES = ("extraction", "update")


@dataclass(frozen=True)
class Outcome:
    """One replay with some repairs: its graph, its answer, and whether that is right."""

    repairs: tuple[Repair, ...]
    replayed: Replayed
    right: bool

    @property
    def index(self) -> GraphIndex:
        """The index of the replay's graph."""
        return index_of(self.replayed.graph)


@dataclass
class Trial:
    """What the attribution of one failure shares: the recorded graph, its replay, the reader,
    the judge, and the count of what was spent.

    Every answer is judged once a sample index; a plain match with the gold answer costs no
    call. `allows` turns false when the failure's cap on calls, tokens or replays is reached.
    `barred` are operations whose outputs the memory cannot be brought to.
    `targets` is what each evidence message must deliver, `evidence` the ids of the messages
    whose operations replays do not pin.
    """

    failure: Failure
    recorded: GraphIndex
    graph: EvolutionGraph
    replay: Replay
    carries: Carries
    ask: Ask
    replaying: Replaying
    most_calls: int = MOST_CALLS
    most_tokens: int = MOST_TOKENS
    replays: int = 0
    failed: list[str] = field(default_factory=list)
    barred: set[str] = field(default_factory=set)
    capped: bool = False
    targets: tuple[Target, ...] = ()
    evidence: frozenset[str] = frozenset()
    _verdicts: dict[tuple[str, int], bool] = field(default_factory=dict)
    _outcomes: dict[tuple[frozenset[tuple[str, str]], int], Outcome] = field(default_factory=dict)
    _suspects: dict[tuple[int, str | None], Suspects] = field(default_factory=dict)
    _start: tuple[int, int] = (0, 0)

    def __post_init__(self) -> None:
        self._start = self.replaying.spent()
        self._verdicts[self.failure.prediction, 0] = False

    @property
    def spent(self) -> tuple[int, int]:
        """Calls and tokens of this failure so far."""
        calls, tokens = self.replaying.spent()
        return calls - self._start[0], tokens - self._start[1]

    def allows(self, calls: int = 1) -> bool:
        """Say whether so many more calls stay under the cap; note when they do not."""
        made, tokens = self.spent
        fits = (
            made + calls <= self.most_calls
            and tokens < self.most_tokens
            and self.replays < MOST_REPLAYS
        )
        self.capped = self.capped or not fits
        return fits

    # verdicts --------------------------------------------------------------------

    def right(self, prediction: str | None, sample_index: int = 0) -> bool:
        """Say whether an answer is right: by its words where they are plain, else judged."""
        if prediction is None:
            return False
        key = prediction, sample_index
        if key not in self._verdicts:
            self._verdicts[key] = self._judge(prediction, sample_index)
        return self._verdicts[key]

    def _judge(self, prediction: str, sample_index: int) -> bool:
        question = self.failure.question
        if matches_gold(question, prediction):
            return True
        if abstains(prediction) and not question.unanswerable:
            return False
        try:
            return self.replaying.judge(question, prediction, sample_index)[0]
        except ContentError:
            return False

    def misjudged(self) -> bool:
        """Say whether two more samples of the judge call the failed answer right."""
        return all(self.right(self.failure.prediction, sample) for sample in (1, 2))

    @property
    def unmoved(self) -> bool:
        """Whether several repairs were replayed and each gave the very same wrong answer."""
        answers = [o.replayed.prediction for o in self._outcomes.values() if o.repairs]
        return len(answers) > 1 and set(answers) == {self.failure.prediction}

    # replays ---------------------------------------------------------------------

    def attempt(
        self, repairs: Sequence[Repair], sample_index: int = 0, ran: Sequence[str] = ()
    ) -> Outcome:
        """Replay with these repairs; at a sample index above 0 the operations `ran` anew."""
        key = frozenset((r.operation.id, _content(r)) for r in repairs), sample_index
        if key in self._outcomes:
            return self._outcomes[key]
        draw = Draw(sample_index, frozenset(ran)) if sample_index else None
        self.replays += 1
        replayed = self.replay(
            [repair.intervention() for repair in repairs], evidence=self.evidence, draw=draw
        )
        if replayed.error is not None:
            self.failed.append(replayed.error)
            if replayed.error.startswith(f"{NotIntervenable.code}:"):
                # What is retrieved can always be replaced.
                self.barred.update(r.operation.id for r in repairs if r.operation.kind in _STORES)
        outcome = Outcome(tuple(repairs), replayed, self.right(replayed.prediction, sample_index))
        self._outcomes[key] = outcome
        return outcome

    def control(self, operations: frozenset[str], sample_index: int) -> Replayed:
        """Replay without repairs, these operations run anew at this sample index."""
        self.replays += 1
        replayed = self.replay([], evidence=self.evidence, draw=Draw(sample_index, operations))
        if replayed.error is not None:
            self.failed.append(replayed.error)
        return replayed

    def unrepaired(self) -> Replayed:
        """Replay as recorded, nothing pinned and nothing drawn: of a memory that is
        deterministic, no operation has to be run."""
        self.replays += 1
        return self.replay([])

    # reading graphs ----------------------------------------------------------------

    def index(self, outcome: Outcome | None) -> GraphIndex:
        """Return the index of a replay's graph; of the recorded one without a replay."""
        return self.recorded if outcome is None else outcome.index

    def context(self, outcome: Outcome | None) -> list[Variable]:
        """Return the entries that the answer was made from."""
        return self.index(outcome).asked(self.failure.question.id).context

    def carrying(self, outcome: Outcome | None) -> list[Variable]:
        """Return the entries of the answer's context that carry evidence."""
        context, suspects = self.context(outcome), self.suspects(outcome)
        ranks = sorted({rank for chain in suspects.chains for rank in chain.ranks})
        return [context[rank - 1] for rank in ranks if rank <= len(context)]

    def suspects(self, outcome: Outcome | None = None, prediction: str | None = None) -> Suspects:
        """Return who is suspected on the recorded graph, or on that of a replay; of a wrong
        answer `prediction`, where it is not the one that was given there."""
        key = id(outcome), prediction
        if key not in self._suspects:
            self._suspects[key] = self._suspect(outcome, prediction)
        return self._suspects[key]

    def _suspect(self, outcome: Outcome | None, prediction: str | None) -> Suspects:
        said = prediction
        if said is None and outcome is not None:
            said = outcome.replayed.prediction
        found = suspects(self.failure, self.index(outcome), self.carries, said, self.targets)
        if outcome is None and prediction is None:
            self.targets = found.targets
        self._follow(found)
        return found

    def _follow(self, found: Suspects) -> None:
        """Note which messages' operations must not be pinned in replays."""
        ids = {*self.evidence, *self.failure.question.evidence, *found.evidence}
        if self.failure.question.unanswerable:
            ids |= set(on_matter(self.recorded, self.failure.question))
        supporter = found.contamination.supporter() if found.contamination else None
        if supporter is not None:
            ids |= set(supporter.value.get("sources", ()))
        if found.blame is not None:
            ids |= set(found.blame.evidence)
        self.evidence = frozenset(ids)

    def scene(self, outcome: Outcome | None = None, prediction: str | None = None) -> Scene:
        """Return what repairs are made from, on the recorded graph or on that of a replay."""
        index = self.index(outcome)
        said = self.failure.prediction if outcome is None else outcome.replayed.prediction
        if prediction is not None:
            said = prediction
        return Scene(
            index, self.failure.question, self.targets, self.supporter(index, said or ""),
            self.carries, self.replay, prediction=said or "", recorded=self.recorded,
        )  # fmt: skip

    def supporter(self, index: GraphIndex, prediction: str) -> Variable | None:
        """Return the entry of the answer's context that supports a wrong answer, if any."""
        return Contamination(index, self.failure.question, prediction).supporter()


def _content(repair: Repair) -> str:
    return "/".join(sorted(v.hash for vs in repair.outputs.values() for v in vs))
