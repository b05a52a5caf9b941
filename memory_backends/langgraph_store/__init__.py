"""Any LangGraph store as the memory: extraction and update are memtune's, searching the store's."""
