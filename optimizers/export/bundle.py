"""A bundle: one `<slot>.md` a slot, and `bundle.json` that says where they come from.

The bytes depend on the bundle alone: no times, no paths, no call counts. The directory
can be given to `memtune run --prompts`.
"""

from __future__ import annotations

import json
import shutil
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from traces.domain import PromptSet
from traces.errors import RunDirectoryError
from traces.hashing import text_hash

FORMAT = 1
MANIFEST = "bundle.json"
NOTHING_PROMOTED = "nothing was promoted: these are the seed prompts, and nothing is claimed"


@dataclass(frozen=True)
class Bundle:
    """What is exported.

    `chain` are prompt set hashes from the seed prompts to `prompts`, both included;
    `gates` the gate records (JSON-native) of the promotions along it, in order, empty for
    the seed prompts. `simulated` labels what a simulated model or world has shown.
    `learned_from` are hashes of the histories on which the prompts were learned and chosen.
    """

    prompts: PromptSet
    chain: Sequence[str]
    gates: Sequence[Mapping[str, Any]]
    data_hash: str
    backend: str
    simulated: bool
    learned_from: Sequence[str] = ()

    @property
    def claim(self) -> str:
        """What the last promotion's test allows to say."""
        return str(self.gates[-1]["gate"]["claim"]) if self.gates else NOTHING_PROMOTED

    def manifest(self) -> dict[str, Any]:
        """Return the content of `bundle.json`."""
        return {
            "format": FORMAT,
            "prompts": {
                slot: {"file": f"{slot}.md", "hash": text_hash(text)}
                for slot, text in self.prompts.instructions.items()
            },
            "prompt_set": self.prompts.hash,
            "chain": list(self.chain),
            "gates": [dict(gate) for gate in self.gates],
            "data_hash": self.data_hash,
            "backend": self.backend,
            "simulated": self.simulated,
            "claim": self.claim,
            "learned_from": sorted(self.learned_from),
        }

    def files(self) -> dict[str, bytes]:
        """Return the bytes of every file by name; instructions end with one newline."""
        files = {
            f"{slot}.md": (text.strip() + "\n").encode()
            for slot, text in self.prompts.instructions.items()
        }
        manifest = json.dumps(self.manifest(), indent=2, sort_keys=True, ensure_ascii=False)
        return {**files, MANIFEST: (manifest + "\n").encode()}


def write_bundle(bundle: Bundle, out: Path) -> None:
    """Write a bundle directory whole or not at all; an older bundle there is replaced.

    Raises RunDirectoryError when `out` holds anything but a bundle, or cannot be written.
    """
    try:
        _require_replaceable(out)
        out.parent.mkdir(parents=True, exist_ok=True)
        made = Path(tempfile.mkdtemp(dir=out.parent, prefix=f".{out.name}-"))
    except OSError as error:
        raise _unwritable(out, error) from error
    try:
        for name, content in bundle.files().items():
            (made / name).write_bytes(content)
        made.chmod(0o755)
        _put(made, out)
    except OSError as error:
        raise _unwritable(out, error) from error
    finally:
        shutil.rmtree(made, ignore_errors=True)


def _require_replaceable(out: Path) -> None:
    """Refuse a place that holds what no export has written."""
    if out.is_dir():
        held = {path.name for path in out.iterdir()}
        foreign = sorted(held - _own_files(out / MANIFEST))
        if foreign:
            raise RunDirectoryError(
                f"{out}: holds {foreign[0]}, which no export has written; choose another --out"
            )
    elif out.exists():
        raise RunDirectoryError(f"{out}: is a file; choose another --out")


def _own_files(manifest: Path) -> set[str]:
    try:
        known = json.loads(manifest.read_text("utf-8"))["prompts"]
        return {MANIFEST, *(str(entry["file"]) for entry in known.values())}
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return set()


def _put(made: Path, out: Path) -> None:
    # A directory cannot be renamed over one that is not empty, so the old one steps aside
    # first, and comes back when the new one cannot take its place.
    if not out.exists():
        made.rename(out)
        return
    aside = Path(tempfile.mkdtemp(dir=out.parent, prefix=f".{out.name}-"))
    out.rename(aside / "old")
    try:
        made.rename(out)
    except OSError:
        (aside / "old").rename(out)
        aside.rmdir()
        raise
    shutil.rmtree(aside, ignore_errors=True)


def _unwritable(out: Path, error: OSError) -> RunDirectoryError:
    return RunDirectoryError(
        f"{out}: cannot be written ({error.strerror or error}); choose another --out"
    )
