def chunk_gla():
    """Stands for the peer's."""
