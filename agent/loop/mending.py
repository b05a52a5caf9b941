"""How a run goes on after something broke: another service's fault leaves the run what it is,
but a backend's own code is part of what fixes it, so mended it is another run."""

from __future__ import annotations

# What the codes of providers' errors begin with (`traces.errors`).
_PROVIDER = "provider_"
RESUME = "then resume"
# It begins a new run where the backend's source fixes the run, and continues this one else.
SAME_COMMAND = "then run the same command again"


def is_own(error: str) -> bool:
    """Say whether a recorded error (`code: message`) is the backend's own, not a provider's."""
    return not error.startswith(_PROVIDER)


def how_to_go_on(error: str) -> str:
    """Return what to do once the cause of a recorded error is mended."""
    return SAME_COMMAND if is_own(error) else RESUME
