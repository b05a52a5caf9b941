"""How sure an attribution is: a logistic model fitted on failures with known causes.

The rescue rate alone does not separate right from wrong: a repair upstream of the fault can
rescue as surely as the one at the fault. What is shipped beside this module was fitted on
planted faults of development seeds; without it there is no confidence.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from importlib import resources
from pathlib import Path
from typing import Any

SHIPPED = "confidence.json"
FORMAT = 1


@dataclass(frozen=True, slots=True)
class Feature:
    """One feature's weight on its standardised value (value - mean) / scale."""

    weight: float
    mean: float
    scale: float


@dataclass(frozen=True)
class Confidence:
    """Probability (0..1) that the named operations are a smallest set to blame.

    `fitted` says how and on what the model was made: method, cases, seeds, settings, penalty,
    and what cross-validation found. Without features there is no model.
    """

    features: Mapping[str, Feature] = field(default_factory=dict)
    intercept: float = 0.0
    fitted: Mapping[str, Any] = field(default_factory=dict)

    def __call__(self, evidence: Mapping[str, float]) -> float | None:
        """Return the probability for an attribution's features; None without a model.

        A feature that `evidence` lacks says nothing (it counts as its mean); one that the
        model does not know is ignored.
        """
        if not self.features:
            return None
        logit = self.intercept
        for name, one in self.features.items():
            if name in evidence:
                logit += one.weight * (evidence[name] - one.mean) / one.scale
        # The two forms are equal; each overflows where the other one does not.
        if logit >= 0:
            return 1 / (1 + math.exp(-logit))
        return math.exp(logit) / (1 + math.exp(logit))

    @classmethod
    def shipped(cls) -> Confidence:
        """Return the model beside this module; one that knows nothing where there is none."""
        return _shipped()

    @classmethod
    def from_json(cls, record: Mapping[str, Any]) -> Confidence:
        """Read what `to_json` wrote. Raises ValueError for another format."""
        if record.get("format") != FORMAT:
            raise ValueError(
                f"a confidence model of format {record.get('format')!r}; this version reads "
                f"format {FORMAT}: fit it again"
            )
        return cls(
            {name: Feature(**values) for name, values in record["features"].items()},
            record["intercept"],
            record["fitted"],
        )

    def to_json(self) -> dict[str, Any]:
        """Return JSON-native values."""
        return {
            "format": FORMAT,
            "intercept": self.intercept,
            "features": {
                name: {"weight": one.weight, "mean": one.mean, "scale": one.scale}
                for name, one in sorted(self.features.items())
            },
            "fitted": dict(self.fitted),
        }


def shipped_path() -> Path:
    """Return where the shipped model lies, or would."""
    return Path(str(resources.files(__package__).joinpath(SHIPPED)))


@cache
def _shipped() -> Confidence:
    path = shipped_path()
    if not path.is_file():
        return Confidence()
    return Confidence.from_json(json.loads(path.read_text("utf-8")))
