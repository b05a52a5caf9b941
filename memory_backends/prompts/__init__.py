"""Seed instructions: one Markdown file a slot, `<backend>.<slot>.md`."""

from __future__ import annotations

from importlib.resources import files

from traces.domain import OperationKind, PromptSlot


def read_slot(backend: str, name: str, kind: OperationKind) -> PromptSlot:
    """Return the slot with the seed instruction of its file."""
    text = files(__name__).joinpath(f"{backend}.{name}.md").read_text(encoding="utf-8")
    return PromptSlot(name, kind, text.strip())
