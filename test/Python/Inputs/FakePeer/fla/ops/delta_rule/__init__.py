def chunk_delta_rule():
    """Stands for the peer's."""
