"""The answer as a LangChain chat model's, so that LangGraph streams and traces it as one."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextvars import copy_context
from queue import SimpleQueue
from threading import Thread
from typing import Any

from langchain_core.language_models import BaseChatModel
from langchain_core.messages import AIMessage, AIMessageChunk, BaseMessage
from langchain_core.outputs import ChatGeneration, ChatGenerationChunk, ChatResult

Say = Callable[[str], None]


class AnswerModel(BaseChatModel):
    """Makes one answer. Whether it streams is for the caller's handlers to say.

    `make(say)` returns the answer's text; with a `say` it hands on the pieces as they come.
    `hear` gets the pieces too, where there is one.
    """

    make: Callable[[Say | None], str]
    hear: Say | None = None
    message_id: str
    cache: bool | None = False

    @property
    def _llm_type(self) -> str:
        return "memtune"

    def _generate(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None = None,
        run_manager: Any = None,
        **kwargs: Any,
    ) -> ChatResult:
        text = self.make(self.hear)
        return ChatResult(generations=[ChatGeneration(message=AIMessage(text, id=self.message_id))])

    def _stream(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None = None,
        run_manager: Any = None,
        **kwargs: Any,
    ) -> Iterator[ChatGenerationChunk]:
        pieces: SimpleQueue[str | None] = SimpleQueue()
        failed: list[BaseException] = []

        def work() -> None:
            try:
                self.make(pieces.put)
            except BaseException as error:
                failed.append(error)
            finally:
                pieces.put(None)

        thread = Thread(target=copy_context().run, args=(work,), name="answer")
        thread.start()
        try:
            while (piece := pieces.get()) is not None:
                if self.hear is not None:
                    self.hear(piece)
                yield self._chunk(piece)
        finally:
            # Nobody may go on while the answer is still being made.
            thread.join()
        if failed:
            raise failed[0]
        yield self._chunk("", last=True)

    def _chunk(self, text: str, *, last: bool = False) -> ChatGenerationChunk:
        message = AIMessageChunk(
            content=text, id=self.message_id, chunk_position="last" if last else None
        )
        return ChatGenerationChunk(message=message)
