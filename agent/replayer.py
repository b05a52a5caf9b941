"""Opens the replay of a failure (`traces.replay.OpenReplay`), on passes rebuilt where needed."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable

from agent.recorded_pass import SECONDS, QuestionReplay, RecordedPass
from memory_backends.protocol import MemoryBackend
from traces.errors import OperationError
from traces.graph import EvolutionGraph
from traces.operation import OperationContext
from traces.results import Failure


class Replayer:
    """traces.replay.OpenReplay: rebuilds the memory of a failure's pass where it is needed.

    `context_of` returns a fresh pass over a conversation with the prompts of a recorded pass.
    A few rebuilt passes are kept, so that failures of one conversation share them; `close`
    releases their memories.
    """

    KEPT = 4

    def __init__(
        self,
        make_backend: Callable[[], MemoryBackend],
        context_of: Callable[[Failure], OperationContext],
        seconds: float = SECONDS,
    ) -> None:
        self._make_backend = make_backend
        self._context_of = context_of
        self._seconds = seconds
        self._passes: OrderedDict[tuple[str, int], RecordedPass] = OrderedDict()
        self._lock = threading.Lock()

    def __call__(self, failure: Failure, graph: EvolutionGraph) -> QuestionReplay:
        """Return the replay of one failure."""
        if not graph.operations:
            raise OperationError(
                f"{failure.conversation.id}: its operations are not in the store (pass "
                f"{failure.pass_id}); run the evaluation again, then attribute"
            )
        key = failure.conversation.id, failure.pass_id
        with self._lock:
            found = self._passes.get(key)
            if found is not None and found.recorded is not graph:
                found.close()
                found = None
            if found is None:
                found = self._passes[key] = RecordedPass(
                    self._make_backend, self._context_of(failure), failure.conversation, graph,
                    self._seconds,
                )  # fmt: skip
            self._passes.move_to_end(key)
            while len(self._passes) > self.KEPT:
                self._passes.popitem(last=False)[1].close()
        return found.of(failure.question)

    def close(self) -> None:
        """Release the memories of all rebuilt passes; those at work when they are done."""
        with self._lock:
            while self._passes:
                self._passes.popitem()[1].close()
