"""What a prediction claims, and how far a text says the same."""

from __future__ import annotations

from dataclasses import dataclass

from traces.attribution.dates import Span, day_of, spans, words_without_times
from traces.attribution.words import key_stems, share

SUPPORTS = 0.5  # the least share of a claim that says it


@dataclass(frozen=True, slots=True)
class Claim:
    """What a prediction says beyond question and gold answer: stems and times."""

    stems: frozenset[str]
    times: tuple[Span, ...]

    @classmethod
    def of(cls, prediction: str, known: str) -> Claim:
        """Return what a prediction claims beyond `known` words (question, gold answer)."""
        times = spans(prediction)
        words = frozenset(key_stems(words_without_times(prediction) if times else prediction))
        telling = words - set(key_stems(known))
        return cls(telling or (frozenset() if times else words), times)

    def support(self, text: str, date: str) -> float:
        """Return how far (0..1) a text written down on `date` says what is claimed."""
        told = share(self.stems, key_stems(text)) if self.stems else None
        if not self.times:
            return told or 0.0
        day = day_of(date)
        given = (*spans(text, day), *((Span(day, day),) if day else ()))
        dated = float(any(t.holds(g) for t in self.times for g in given))
        return dated if told is None else (told + dated) / 2
