"""A PostgreSQL server of the tests' own: in a temporary directory, on a unix socket."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path
from urllib.parse import quote

import pytest

_USER = "memtune"


@contextmanager
def postgres_server() -> Iterator[str]:
    """Yield the address of a fresh database; skip, saying why, where there can be none.

    The server refuses to run as root, so root starts it as `nobody`.
    """
    for module in ("psycopg", "langgraph.store.postgres"):
        if find_spec(module) is None:
            pytest.skip(f"{module} is not installed: pip install 'memtune[postgres]'")
    tools = {name: shutil.which(name) for name in ("initdb", "pg_ctl", "postgres", "setpriv")}
    root = os.getuid() == 0
    missing = [n for n, path in tools.items() if path is None and (root or n != "setpriv")]
    if missing:
        pytest.skip(f"no PostgreSQL server to start: {', '.join(missing)} not found")
    directory = Path(tempfile.mkdtemp(prefix="memtune-pg-"))
    data, log = directory / "data", directory / "log"
    try:
        if root:
            shutil.chown(directory, "nobody", "nogroup")
        _run(root, directory, ["initdb", "-D", str(data), "-U", _USER, "-A", "trust", "-N"])
        settings = f"-k {directory} -c listen_addresses= -c fsync=off -c max_connections=60"
        start = ["pg_ctl", "start", "-w", "-D", str(data), "-l", str(log), "-o", settings]
        _run(root, directory, start)
        try:
            yield f"postgresql:///postgres?host={quote(str(directory))}&user={_USER}"
        finally:
            _run(root, directory, ["pg_ctl", "stop", "-w", "-m", "immediate", "-D", str(data)])
    finally:
        shutil.rmtree(directory, ignore_errors=True)


def _run(root: bool, directory: Path, command: Sequence[str]) -> None:
    as_nobody = ["setpriv", "--reuid=nobody", "--regid=nogroup", "--clear-groups"]
    # Output to files: the server that pg_ctl leaves behind would keep a pipe open.
    with open(directory / "out", "ab") as out:
        done = subprocess.run(
            [*(as_nobody if root else ()), *command],
            cwd=directory, stdout=out, stderr=out, timeout=60, check=False,
        )  # fmt: skip
    assert done.returncode == 0, (directory / "out").read_text("utf-8", "replace")[-2000:]
