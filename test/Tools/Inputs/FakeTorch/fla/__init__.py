"""A stand-in for flash-linear-attention."""
__version__ = "of the test"
