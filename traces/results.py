"""Why it failed: answers judged, failures attributed, signals for the optimizer."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any, Literal

from traces.domain import Conversation, OperationKind, Question

ErrorType = Literal[
    "ExtractionError", "UpdateError", "DeletionError", "RetrievalError", "ResponseError",
    "AnnotationError", "JudgeError", "ProviderError",
]  # fmt: skip
SubType = Literal[
    "omission", "distortion", "hallucination", "wrong_time", "wrong_speaker", "overwritten",
    "stale", "wrong_merge", "missed", "ranked_out", "distractor", "ignored_evidence",
    "wrong_abstention", "format",
]  # fmt: skip
# How far the evidence of a question travelled; the order is the order of the pipeline.
STAGES = ("extracted", "stored", "alive", "retrieved", "answered")


@dataclass(frozen=True, slots=True)
class AnswerRecord:
    """One question's outcome in one episode.

    `correct` is the binary verdict (None: a provider error, never a wrong answer).
    `scores` are values in 0..1 by scorer name. `progress` is the share of STAGES that
    the question's evidence passed (None where evidence is unknown).
    """

    question: str
    category: str
    prediction: str | None
    correct: bool | None
    reason: str = ""
    scores: Mapping[str, float] = field(default_factory=dict)
    progress: float | None = None

    def to_json(self) -> dict[str, Any]:
        """Return JSON-native values."""
        return {**asdict(self), "scores": dict(self.scores)}

    @classmethod
    def from_json(cls, record: Mapping[str, Any]) -> AnswerRecord:
        """Read what `to_json` wrote."""
        return cls(**record)


@dataclass(frozen=True, slots=True)
class EpisodeResult:
    """One conversation run with one prompt set. `error` names what broke it, if anything.

    `stages` are stage scores in 0..1 by name, where gold facts are known; None of what the
    backend does not have.
    """

    conversation: str
    prompt_set: str
    pass_id: int
    answers: tuple[AnswerRecord, ...]
    stages: Mapping[str, float | None] = field(default_factory=dict)
    error: str | None = None


@dataclass(frozen=True, slots=True)
class Failure:
    """A question judged wrong, with where to find its operations (`pass_id`)."""

    conversation: Conversation
    question: Question
    prediction: str
    pass_id: int


@dataclass(frozen=True, slots=True)
class Attribution:
    """The decisive operations of a failure, or an abstention with its reason.

    verdict: `certified` (replay confirmed it), `suspected` (named, unconfirmed) or
    `abstained`. `operations` are operation ids, `names` their names and `slot` the prompt
    slot of the first. `evidence` are message ids; `lost` says what was lost or wrong, `given`
    and `produced` quote the decisive operation. `confidence` is null until fitted.
    `calls` and `tokens` are what this attribution cost.
    """

    conversation: str
    question: str
    method: str
    verdict: Literal["certified", "suspected", "abstained"]
    error_type: str | None = None
    sub_type: str | None = None
    operations: tuple[str, ...] = ()
    names: tuple[str, ...] = ()
    kind: OperationKind | None = None
    slot: str | None = None
    reason: str = ""
    evidence: tuple[str, ...] = ()
    lost: str = ""
    given: str = ""
    produced: str = ""
    certificate: Mapping[str, Any] | None = None
    confidence: float | None = None
    alternatives: tuple[tuple[str, ...], ...] = ()
    calls: int = 0
    tokens: int = 0

    def to_json(self) -> dict[str, Any]:
        """Return JSON-native values."""
        record = asdict(self)
        for name in ("operations", "names", "evidence"):
            record[name] = list(record[name])
        record["alternatives"] = [list(a) for a in self.alternatives]
        return record

    @classmethod
    def from_json(cls, record: Mapping[str, Any]) -> Attribution:
        """Read what `to_json` wrote."""
        values = dict(record)
        for name in ("operations", "names", "evidence"):
            values[name] = tuple(values[name])
        values["alternatives"] = tuple(tuple(a) for a in values["alternatives"])
        return cls(**values)


@dataclass(frozen=True, slots=True)
class Excerpt:
    """A quoted, length-limited piece of a conversation: data, never instructions."""

    date: str
    speaker: str
    text: str


@dataclass(frozen=True, slots=True)
class ErrorSignal:
    """What one slot is told about one attributed failure.

    `weight` (0..1) says how far the attribution is to be trusted. `expected` is the gold
    answer, empty where abstaining is right. `repair` says, for a certified attribution, what
    the operation would have had to put out for the answer to be right; else it is empty.
    """

    slot: str
    conversation: str
    question_id: str
    error_type: str
    sub_type: str
    question: str
    expected: str
    predicted: str
    evidence: tuple[Excerpt, ...]
    lost: str
    given: str
    produced: str
    certified: bool
    weight: float
    repair: str = ""
