"""The loss pass: one evidence message followed forward until it is lost or answered from.

extraction -> facts -> entry versions -> alive when asked -> retrieved -> context. The
operation at which it is lost had it among its inputs and not among its outputs. Items are
followed by source message ids and by what was made from what; wording decides only whether
an item still carries what the message said.
"""

from __future__ import annotations

from traces.attribution.extracted import extracted
from traces.attribution.path import Chain, Path
from traces.attribution.retrieved import retrieved
from traces.attribution.stored import alive, stored
from traces.attribution.targets import Target

# One for each of results.STAGES but the last, which is for the verdict to say.
_STEPS = (extracted, stored, alive, retrieved)


def follow(path: Path, target: Target) -> Chain:
    """Return the chain of one message: through all steps, or to where it was lost."""
    chain = Chain(target)
    for step in _STEPS:
        step(path, chain)
        if chain.loss is not None or chain.blocked:
            break
        chain.passed += 1
    return chain
