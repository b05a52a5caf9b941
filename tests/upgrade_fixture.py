"""An installed package that seems to be of another version."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from memory_backends.options import installed


@contextmanager
def upgraded(package: str, directory: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Let what is installed be of version 99 in this block, as far as its metadata says."""
    described = directory / f"{package.replace('-', '_')}-99.dist-info"
    described.mkdir()
    (described / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {package}\nVersion: 99\n")
    with monkeypatch.context() as patch:
        patch.syspath_prepend(directory)
        # It is looked up once a process.
        installed.cache_clear()
        yield
    installed.cache_clear()
