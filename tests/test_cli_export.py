"""Bundles: the same bytes for the same prompts, written whole or not at all."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from agent.loop.assemble import seed_prompts
from agent.settings import Settings
from optimizers.export import Bundle, write_bundle
from traces.domain import PromptSet
from traces.errors import RunDirectoryError

SEED = PromptSet({"extraction": "Write facts.", "update": "Merge them."})
FINAL = SEED.with_changes({"extraction": "Write facts.\nKeep dates."})
GATE = {"round": 1, "candidate": FINAL.hash, "gate": {"claim": "no claim beyond these"}}


def bundle(prompts: PromptSet = FINAL) -> Bundle:
    promoted = prompts is not SEED
    chain = (SEED.hash, prompts.hash) if promoted else (SEED.hash,)
    return Bundle(prompts, chain, [GATE] if promoted else [], "d" * 32, "fact_store", True)


def contents(directory: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in sorted(directory.iterdir())}


def test_the_same_bundle_has_the_same_bytes_anywhere(tmp_path: Path) -> None:
    """Neither place nor time nor what was there before is in the files."""
    write_bundle(bundle(), tmp_path / "one")
    write_bundle(bundle(SEED), tmp_path / "deep" / "two")
    write_bundle(bundle(), tmp_path / "deep" / "two")
    assert contents(tmp_path / "one") == contents(tmp_path / "deep" / "two")


def test_a_bundle_says_where_the_prompts_come_from(tmp_path: Path) -> None:
    """bundle.json names hashes, parents, gate records, data, backend, label and claim."""
    write_bundle(bundle(), tmp_path / "out")
    found = json.loads((tmp_path / "out" / "bundle.json").read_text("utf-8"))
    assert found["prompt_set"] == FINAL.hash
    assert found["chain"] == [SEED.hash, FINAL.hash]
    assert found["gates"] == [GATE]
    assert found["simulated"] is True
    assert found["claim"] == "no claim beyond these"
    assert set(found["prompts"]) == {"extraction", "update"}


def test_seed_prompts_are_exported_as_such(tmp_path: Path) -> None:
    """Where nothing was promoted, the bundle claims nothing."""
    write_bundle(bundle(SEED), tmp_path / "out")
    found = json.loads((tmp_path / "out" / "bundle.json").read_text("utf-8"))
    assert found["gates"] == []
    assert "nothing was promoted" in found["claim"]


def test_a_bundle_can_be_run_again(tmp_path: Path) -> None:
    """The prompts that a run reads from a bundle are those that were exported."""
    shipped = seed_prompts(Settings())
    changed = shipped.with_changes({"update": "Merge with care.\n\nKeep dates."})
    write_bundle(bundle(changed), tmp_path / "out")
    assert seed_prompts(Settings(prompts=tmp_path / "out")).hash == changed.hash


def test_a_directory_that_is_no_bundle_is_left_alone(tmp_path: Path) -> None:
    """A file that no export has written is never lost, nor is anything else there."""
    out = tmp_path / "out"
    write_bundle(bundle(), out)
    (out / "notes.md").write_text("mine", "utf-8")
    before = contents(out)
    with pytest.raises(RunDirectoryError, match=r"notes\.md"):
        write_bundle(bundle(SEED), out)
    assert contents(out) == before
    assert [path.name for path in tmp_path.iterdir()] == ["out"]


def test_a_bundle_that_cannot_be_written_leaves_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An error while writing keeps the old bundle and leaves no half of the new one."""
    out = tmp_path / "out"
    write_bundle(bundle(SEED), out)
    before = contents(out)

    def full(self: Path, data: bytes) -> int:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "write_bytes", full)
    with pytest.raises(RunDirectoryError, match="No space left"):
        write_bundle(bundle(), out)
    assert contents(out) == before
    assert [path.name for path in tmp_path.iterdir()] == ["out"]


def test_a_file_in_the_way_is_refused(tmp_path: Path) -> None:
    """--out must not name a file."""
    (tmp_path / "out").write_text("", "utf-8")
    with pytest.raises(RunDirectoryError, match="is a file"):
        write_bundle(bundle(), tmp_path / "out")
