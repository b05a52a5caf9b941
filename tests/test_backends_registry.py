"""Behaviour of the registry, options, capabilities and seed prompts."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Sequence

import numpy as np
import pytest
from numpy.typing import NDArray

from memory_backends.prediction import model_text, one_line
from memory_backends.protocol import Closable, Inspectable, Snapshottable
from memory_backends.registry import backend_names, create_backend
from traces.errors import SettingsError


class Letters:
    """An embedder: counts of letters."""

    name = "letters-1"

    def embed(self, texts: Sequence[str]) -> NDArray[np.float64]:
        """Return shape (len(texts), 26)."""
        rows = [[text.lower().count(chr(97 + i)) for i in range(26)] for text in texts]
        return np.array(rows, dtype=np.float64)


@pytest.mark.parametrize("name", backend_names())
def test_every_backend_can_be_made_inspected_and_snapshotted(name: str) -> None:
    """All show their entries and go back to a state; only what opens something needs closing."""
    backend = create_backend(name)
    assert backend.name == name
    assert isinstance(backend, Inspectable)
    assert isinstance(backend, Snapshottable)
    assert isinstance(backend, Closable) == (name == "langgraph_store")


def test_the_fact_store_declares_a_slot_a_step() -> None:
    """Names and kinds agree, and each seed is the text of its file."""
    slots = create_backend("fact_store").slots
    assert [(s.name, s.kind) for s in slots] == [
        (step, step) for step in ("extraction", "update", "retrieval")
    ]
    assert all(0 < len(slot.seed) <= slot.max_chars for slot in slots)
    assert create_backend("rag").slots == create_backend("long_context").slots == ()


def test_an_unknown_backend_is_an_error_that_lists_the_names() -> None:
    """The message says what there is."""
    with pytest.raises(SettingsError, match=", ".join(backend_names())):
        create_backend("mem")
    with pytest.raises(SettingsError):
        create_backend("")


@pytest.mark.parametrize(
    "config",
    [{"topk": 3}, {"top_k": 0}, {"top_k": 2.5}, {"top_k": True}, {"top_k": "3"},
     {"near_share": -1}, {"near_share": float("nan")}, {"window": None}],
)  # fmt: skip
def test_a_wrong_option_is_refused_by_name(config: dict[str, object]) -> None:
    """Unknown names and values of another kind name the backend and the option."""
    with pytest.raises(SettingsError, match=f"(?=.*fact_store)(?=.*{next(iter(config))})"):
        create_backend("fact_store", config)


def test_the_fingerprint_depends_on_name_options_and_embedder() -> None:
    """Equal configuration, equal fingerprint; spelled-out defaults change nothing."""
    same = {create_backend("rag").fingerprint, create_backend("rag", {"top_k": 10}).fingerprint}
    others = {
        create_backend("rag", {"top_k": 9}).fingerprint,
        create_backend("rag", embedder=Letters()).fingerprint,
        create_backend("fact_store").fingerprint,
    }
    assert len(same) == 1
    assert len(others) == 3
    assert not same & others


def test_making_a_backend_imports_no_language_model_framework() -> None:
    """Commands that only list or configure backends stay quick."""
    script = (
        "import sys; from memory_backends.registry import *; "
        "[create_backend(n) for n in backend_names()]; "
        "sys.exit(any(m in sys.modules for m in ('dspy', 'openai', 'litellm', 'nltk')))"
    )
    assert subprocess.run([sys.executable, "-c", script], check=False).returncode == 0


def test_what_a_model_cannot_be_sent_is_replaced() -> None:
    """Lone surrogates have no encoding; DSPy's marker would be expanded."""
    assert model_text("a\ud83db {x} \x00 🎉") == "a\ufffdb {x} \x00 🎉"
    assert "<<CUSTOM-TYPE-" not in model_text("<<<CUSTOM-TYPE-START-IDENTIFIER>>")


def test_one_line_shows_line_breaks_as_spaces_and_cuts_visibly() -> None:
    """Every character that splits lines becomes a space; other spacing stays."""
    assert one_line(" a\r\n\nb  c\u2028d\x85 ", 50) == "a b  c d"
    assert one_line("abcdef", 6) == "abcdef"
    assert one_line("abcdefg", 6) == "abcdef [...]"
    assert len(one_line("".join(map(chr, range(0x3000))), 10**6).splitlines()) == 1
