"""Which messages an entry of a plain memory comes from, where it does not say so itself."""

from __future__ import annotations

import pytest

from memory_backends.contents import Contents

SAID = {
    "no": "No",
    "i": "I",
    "ok": "ok",
    "yes": "Yes.",
    "gate": "The Iron gate is shut.",
    "long": "The Iron gate is shut. Nobody looks.",
    "lives": "I live in Lisbon",
    "again": "I live in Lisbon",
    "none": "  ",
}


@pytest.mark.parametrize(
    ("text", "sources"),
    [
        ("Nobody looks at the Iron gate, okay?", []),
        ("Ann: Yes.", ["yes"]),
        ("ok", ["ok"]),
        ("Ann: The Iron gate is shut. Nobody looks.", ["long"]),
        ("Ann: The Iron gate is shut.", ["gate"]),
        ("Rosa said: I live in Lisbon, you know.", ["lives", "again"]),
        ("I live in Lisbonne", []),
        ("The Iron gate is shut. I live in Lisbon.", ["gate", "lives", "again"]),
    ],
)
def test_an_entry_comes_from_the_messages_that_it_repeats_as_words(
    text: str, sources: list[str]
) -> None:
    """Not from short ones whose letters stand in it, nor from one that a longer one holds."""
    assert list(Contents(texts=SAID).repeated(text)) == sources


def test_where_nothing_is_repeated_others_are_named() -> None:
    """Those that were added just now."""
    assert Contents(texts=SAID).repeated("A baker.", ["m1", "m2"]) == ["m1", "m2"]
