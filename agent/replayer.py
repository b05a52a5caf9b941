"""Opens the replay of a failure (`traces.replay.OpenReplay`), on passes rebuilt where needed."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable

from agent.attended import BACKEND_SECONDS
from agent.patience import Patience
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
    releases their memories. A replay may take `seconds` and be silent for `silence`; a
    conversation's Patience outlives its passes.
    """

    KEPT = 4

    def __init__(
        self,
        make_backend: Callable[[], MemoryBackend],
        context_of: Callable[[Failure], OperationContext],
        seconds: float = SECONDS,
        silence: float = BACKEND_SECONDS,
    ) -> None:
        self._make_backend = make_backend
        self._context_of = context_of
        self._seconds = seconds
        self._silence = silence
        self._patience: dict[str, Patience] = {}
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
        released: list[RecordedPass] = []
        with self._lock:
            found = self._passes.get(key)
            if found is not None and found.recorded is not graph:
                released.append(found)
                found = None
            if found is None:
                patience = self._patience.setdefault(key[0], Patience(self._silence))
                found = self._passes[key] = RecordedPass(
                    self._make_backend, self._context_of(failure), failure.conversation, graph,
                    self._seconds, patience=patience,
                )  # fmt: skip
            self._passes.move_to_end(key)
            while len(self._passes) > self.KEPT:
                released.append(self._passes.popitem(last=False)[1])
        for one in released:
            one.close()
        return found.of(failure.question)

    def close(self) -> None:
        """Release the memories of all rebuilt passes; those at work when they are done."""
        with self._lock:
            released = list(self._passes.values())
            self._passes.clear()
        for one in released:
            one.close()
