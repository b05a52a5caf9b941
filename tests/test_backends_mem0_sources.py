"""Which messages a memory of mem0 is taken to rest on."""

from __future__ import annotations

from memory_backends.mem0.sources import sources_of
from traces.domain import Message

TALK = [
    Message("1", "Rosa", "Morning! I moved to Faro last week."),
    Message("2", "Ben", "Nice. My desk is near the loading dock."),
    Message("3", "Rosa", "The rent in the new place is 900 euros."),
    Message("4", "Ben", "Ok."),
]


def _ids(text: str) -> list[str]:
    return [message.id for message in sources_of(text, TALK)]


def test_the_message_that_shares_the_rarest_words_is_the_source() -> None:
    """Names and words that many messages have weigh little."""
    assert _ids("Rosa moved to Faro in May 2024.") == ["1"]
    assert _ids("Ben's desk stands near the loading dock.") == ["2"]
    assert _ids("Rosa pays 900 euros of rent.") == ["3"]


def test_a_summary_rests_on_every_message_that_it_sums_up() -> None:
    """A further message counts where it accounts for a good part of what is told."""
    assert _ids("Rosa moved to Faro, where the rent of the new place is 900 euros.") == ["1", "3"]


def test_what_fits_no_message_rests_on_all() -> None:
    """Nothing is known of its source, so none is left out."""
    assert _ids("Somebody enjoys chess.") == ["1", "2", "3", "4"]
