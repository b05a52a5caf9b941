"""The native backend: extraction -> update -> retrieval, every model step a prompt slot."""
