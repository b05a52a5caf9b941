"""A sign of life on a terminal, while there is nothing else to show."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rich.live import Live


class Waiting:
    """A line on stderr that says what is waited for; nothing where that is no terminal.

    Whoever prints on stdout stops it before: both may be the same terminal.
    """

    def __init__(self) -> None:
        self._live: Live | None = None

    def show(self, what: str) -> None:
        """Say what is waited for, in the place of what was said before."""
        if not sys.stderr.isatty():
            return
        self.stop()
        from rich.console import Console
        from rich.live import Live
        from rich.spinner import Spinner

        # Results on stdout are not for the console of stderr.
        self._live = Live(
            Spinner("dots", what), console=Console(stderr=True), transient=True,
            redirect_stdout=False,
        )  # fmt: skip
        self._live.start()

    def stop(self) -> None:
        """Take the line away; without one it does nothing."""
        if self._live is not None:
            self._live.stop()
            self._live = None
