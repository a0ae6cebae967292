"""The version of this package, and of the compiler that its packages come from."""
__version__ = "0.1.0"
