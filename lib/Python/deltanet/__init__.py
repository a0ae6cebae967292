"""Linear recurrences as compiled kernels: drop-in functions for PyTorch, and packages of your own."""
from .version import __version__

_FUNCTIONS = (
    "chunk_delta_rule", "chunk_gated_delta_rule", "chunk_gdn", "chunk_gla", "chunk_kda", "chunk_linear_attn",
    "chunk_retention", "chunk_simple_gla", "fused_recurrent_delta_rule", "fused_recurrent_gated_delta_rule",
    "fused_recurrent_gdn", "fused_recurrent_gla", "fused_recurrent_kda", "fused_recurrent_linear_attn",
    "fused_recurrent_retention", "fused_recurrent_simple_gla")
__all__ = ["__version__", "load", "install_as_fla", *_FUNCTIONS]


def load(path, prefix=None):
    """A package, NAME.so, as a function of tensors, differentiable where it was made with --grad."""
    from .ops import Loaded
    return Loaded(path, prefix)


def install_as_fla():
    """Puts these functions in the place of flash-linear-attention's, wherever they are imported."""
    from .fla import install
    return install(_FUNCTIONS)


def __getattr__(name):
    if name in _FUNCTIONS:  # PyTorch is imported when one is asked for
        from . import functional
        return getattr(functional, name)
    raise AttributeError(f"module 'deltanet' has no attribute '{name}'")
