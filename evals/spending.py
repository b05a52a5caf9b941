"""What a run may test: the share of the error rate a round gets, and the gate's mode."""

from __future__ import annotations

from dataclasses import dataclass

from evals.statistics import Mode
from traces.errors import SettingsError

ALPHA = 0.05
FEWEST_CONVERSATIONS = 8


@dataclass(frozen=True, slots=True)
class Spending:
    """How the error rate of 0.05 is spent: `declared` rounds R, `reached` gates so far.

    Each round that reaches the gate spends 0.05 / R, whatever was decided.
    """

    declared: int
    reached: int = 0

    def __post_init__(self) -> None:
        if self.declared < 1 or not 0 <= self.reached <= self.declared:
            raise SettingsError(
                f"rounds is {self.declared} with {self.reached} spent: declare at least 1 round "
                "and no fewer than were spent"
            )

    @property
    def alpha(self) -> float:
        """The level of each single test, alpha_t."""
        return ALPHA / self.declared

    @property
    def left(self) -> int:
        """How many more rounds may reach the gate."""
        return self.declared - self.reached

    def spend(self) -> Spending:
        """Return what is left after one more round. Raises SettingsError when nothing is."""
        self.check(1)
        return Spending(self.declared, self.reached + 1)

    def check(self, more_rounds: int) -> None:
        """Raise SettingsError when `more_rounds` further rounds exceed what is unspent."""
        if more_rounds > self.left:
            raise SettingsError(
                f"{more_rounds} more rounds are refused: the run declared {self.declared}, "
                f"{self.reached} have spent their share of the error rate of {ALPHA}; ask for at "
                f"most {self.left} more, or start a new run"
            )


def conversations_needed(alpha: float) -> int:
    """Return how many selection conversations mode `population` needs at level `alpha`.

    At least 8, and enough that the smallest possible p-value, 2^-K, reaches alpha.
    """
    needed = FEWEST_CONVERSATIONS
    while 2.0**-needed > alpha:
        needed += 1
    return needed


def choose_mode(asked: Mode | None, conversations: int, spending: Spending) -> Mode:
    """Return the mode for a selection split of `conversations`.

    Unasked, `population` where there are enough, else `these_conversations`. Raises
    SettingsError, saying how many it needs, when `population` is asked for with fewer.
    """
    needed = conversations_needed(spending.alpha)
    if asked == "population" and conversations < needed:
        raise SettingsError(
            f"gate mode 'population' needs at least {needed} selection conversations for "
            f"{spending.declared} rounds, there are {conversations}: add conversations, declare "
            "fewer rounds or use mode 'these_conversations'"
        )
    if asked is not None:
        return asked
    return "population" if conversations >= needed else "these_conversations"
