"""The service: settings, the agent, the loop, the command line.

`agent.create_memory_agent` makes an agent for use in one's own program.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from agent.chat.create import create_memory_agent

__all__ = ["create_memory_agent"]


def __getattr__(name: str) -> Any:
    # Imported when it is asked for: the command line needs none of it.
    if name == "create_memory_agent":
        from agent.chat.create import create_memory_agent

        return create_memory_agent
    raise AttributeError(f"module 'agent' has no attribute '{name}'")
