"""The prompts that an agent speaks with: the shipped ones, a prompt set, or a bundle."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from optimizers.export.bundle import FORMAT, MANIFEST
from traces.domain import PromptSet, PromptSlot
from traces.errors import SettingsError
from traces.hashing import text_hash


def choose_prompts(
    source: PromptSet | Path | str | None, slots: Sequence[PromptSlot], backend: str
) -> PromptSet:
    """Return the instruction of every slot; slots that `source` leaves out keep the shipped one.

    `source` is a prompt set or the directory of a bundle that `memtune export` wrote, whose
    hashes are checked. Raises SettingsError for a bundle that is missing, foreign or damaged,
    and for a slot that the backend has not.
    """
    shipped = {slot.name: slot.seed for slot in slots}
    if source is None:
        return PromptSet(shipped)
    if isinstance(source, PromptSet):
        where, given, parent = "prompts", dict(source.instructions), source.parent
    else:
        where = str(source)
        given, parent = _read_bundle(Path(source)), None
    unknown = sorted(set(given) - set(shipped))
    if unknown:
        raise SettingsError(
            f"{where}: has a prompt for '{unknown[0]}', which backend {backend} has not (it has "
            f"{', '.join(shipped)}); choose the backend that the prompts were made for"
        )
    return PromptSet({**shipped, **given}, parent)


def _read_bundle(directory: Path) -> dict[str, str]:
    """Return a bundle's instructions by slot, each checked against its hash."""
    manifest = _manifest(directory)
    texts: dict[str, str] = {}
    for slot, entry in manifest["prompts"].items():
        path = directory / f"{slot}.md"
        try:
            if entry["file"] != f"{slot}.md" or path.parent != directory:
                raise _damaged(directory, f"slot '{slot}' lies in {entry['file']}")
            text = path.read_text("utf-8").strip()
        except (OSError, UnicodeDecodeError) as error:
            raise SettingsError(
                f"{path}: cannot be read ({getattr(error, 'strerror', None) or error}); export "
                "the bundle again with 'memtune export'"
            ) from error
        except (KeyError, TypeError) as error:
            raise _damaged(directory, f"slot '{slot}' names no file") from error
        if not text or text_hash(text) != entry.get("hash"):
            raise SettingsError(
                f"{path}: is not the text that was exported (its hash differs from {MANIFEST}); "
                "export the bundle again with 'memtune export'"
            )
        texts[slot] = text
    if PromptSet(texts).hash != manifest.get("prompt_set"):
        raise _damaged(directory, "its prompts are not those of its prompt_set")
    return texts


def _manifest(directory: Path) -> dict[str, Any]:
    path = directory / MANIFEST
    try:
        found = json.loads(path.read_text("utf-8"))
    except (FileNotFoundError, NotADirectoryError):
        raise SettingsError(
            f"{directory}: holds no bundle (no {MANIFEST}); make one with 'memtune export'"
        ) from None
    except (OSError, ValueError, RecursionError) as error:
        raise _damaged(directory, getattr(error, "strerror", None) or str(error)) from error
    if not isinstance(found, dict) or not isinstance(found.get("prompts"), dict):
        raise SettingsError(f"{path}: is no bundle of memtune's; make one with 'memtune export'")
    if found.get("format") != FORMAT:
        raise SettingsError(
            f"{path}: has format {found.get('format')!r}, this memtune reads {FORMAT}; use the "
            "version that exported it, or export it again"
        )
    return found


def _damaged(directory: Path, what: str) -> SettingsError:
    return SettingsError(
        f"{directory / MANIFEST}: is damaged ({what}); export the bundle again with "
        "'memtune export'"
    )
