"""The prompts that a run or an agent starts from: the shipped ones, a prompt set, or files.

A directory holds one Markdown file a slot, `<slot>.md`. One with a bundle.json is an export:
its files have to be what was exported.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from optimizers.export.bundle import FORMAT, MANIFEST
from traces.domain import PromptSet, PromptSlot
from traces.errors import SettingsError
from traces.hashing import text_hash

# An instruction goes with every call of its operation; a longer file is the wrong file.
LONGEST_PROMPT = 100_000
_MEND = (
    f"export the bundle again with 'memtune export', or delete {MANIFEST} to use the .md files as "
    "they are"
)


def choose_prompts(
    source: PromptSet | Path | str | None, slots: Sequence[PromptSlot], backend: str
) -> PromptSet:
    """Return the instruction of every slot; slots that `source` leaves out keep the shipped one.

    `source` is a prompt set, a directory of <slot>.md files, or a bundle that `memtune export`
    wrote, whose hashes are checked. Raises SettingsError for a directory that is missing, holds
    no prompts or a damaged bundle, and for a slot that the backend has not.
    """
    shipped = {slot.name: slot.seed for slot in slots}
    if source is None:
        return PromptSet(shipped)
    if isinstance(source, PromptSet):
        where, given, parent = "prompts", dict(source.instructions), source.parent
    else:
        where = f"--prompts {source}"
        given, parent = _read(Path(source)), None
    unknown = sorted(set(given) - set(shipped))
    if unknown:
        raise SettingsError(
            f"{where}: has a prompt for '{unknown[0]}', which backend {backend} has not (it has "
            f"{', '.join(shipped)}); choose the backend that the prompts were made for"
        )
    return PromptSet({**shipped, **given}, parent)


def _read(directory: Path) -> dict[str, str]:
    """Return the instructions in a directory by slot."""
    if not directory.is_dir():
        raise SettingsError(f"--prompts {directory}: is no directory; give one of .md files")
    if (directory / MANIFEST).exists():
        return _read_bundle(directory)
    files = sorted(directory.glob("*.md"))
    if not files:
        raise SettingsError(
            f"--prompts {directory}: holds no <slot>.md file; make a bundle with 'memtune export'"
        )
    texts: dict[str, str] = {}
    for path in files:
        text = _text(path, "save it as UTF-8 text")
        if not text:
            raise SettingsError(f"--prompts {path}: is empty; write an instruction or delete it")
        if len(text) > LONGEST_PROMPT:
            raise SettingsError(
                f"--prompts {path}: has {len(text):,} characters; shorten it to at most "
                f"{LONGEST_PROMPT:,}"
            )
        texts[path.stem] = text
    return texts


def _text(path: Path, mend: str) -> str:
    try:
        return path.read_text("utf-8-sig").strip()
    except (OSError, UnicodeDecodeError) as error:
        raise SettingsError(
            f"--prompts {path}: cannot be read ({getattr(error, 'strerror', None) or error}); "
            f"{mend}"
        ) from error


def learned_before(prompts: Path | None) -> tuple[str, ...]:
    """Return the histories that the prompts in a bundle were learned and chosen on, sorted.

    Empty for a directory without bundle.json. Raises SettingsError for a damaged one.
    """
    if prompts is None or not (prompts / MANIFEST).exists():
        return ()
    found = _manifest(prompts).get("learned_from", [])
    if not isinstance(found, list):
        raise _damaged(prompts, "learned_from is no list")
    return tuple(sorted({str(digest) for digest in found}))


def _read_bundle(directory: Path) -> dict[str, str]:
    """Return a bundle's instructions by slot, each checked against its hash."""
    manifest = _manifest(directory)
    texts: dict[str, str] = {}
    for slot, entry in manifest["prompts"].items():
        path = directory / f"{slot}.md"
        try:
            if entry["file"] != f"{slot}.md" or path.parent != directory:
                raise _damaged(directory, f"slot '{slot}' lies in {entry['file']}")
        except (KeyError, TypeError) as error:
            raise _damaged(directory, f"slot '{slot}' names no file") from error
        text = _text(path, _MEND)
        if not text or text_hash(text) != entry.get("hash"):
            raise SettingsError(
                f"--prompts {path}: is not the text that was exported (its hash differs from "
                f"{MANIFEST}); {_MEND}"
            )
        texts[slot] = text
    if PromptSet(texts).hash != manifest.get("prompt_set"):
        raise _damaged(directory, "its prompts are not those of its prompt_set")
    return texts


def _manifest(directory: Path) -> dict[str, Any]:
    path = directory / MANIFEST
    try:
        found = json.loads(path.read_text("utf-8"))
    except (OSError, ValueError, RecursionError) as error:
        raise _damaged(directory, getattr(error, "strerror", None) or str(error)) from error
    if not isinstance(found, dict) or not isinstance(found.get("prompts"), dict):
        raise SettingsError(f"--prompts {path}: is no bundle of memtune's; {_MEND}")
    if found.get("format") != FORMAT:
        raise SettingsError(
            f"--prompts {path}: has format {found.get('format')!r}, this memtune reads {FORMAT}; "
            "use the version that exported it, or export it again"
        )
    return found


def _damaged(directory: Path, what: str) -> SettingsError:
    return SettingsError(f"--prompts {directory / MANIFEST}: is damaged ({what}); {_MEND}")
