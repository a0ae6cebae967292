"""These functions in the place of flash-linear-attention's.

    import deltanet; deltanet.install_as_fla()
"""
import importlib
import sys

# Where they are defined.
_MODULES = {"delta_rule": "delta_rule", "gated_delta_rule": "gated_delta_rule", "gdn": "gated_delta_rule",
            "kda": "kda", "gla": "gla", "simple_gla": "simple_gla", "linear_attn": "linear_attn",
            "retention": "retention"}


def _originals(names):
    """Name: the function of theirs, for each that the installed version has."""
    found = {}
    for name in names:
        kind = name.removeprefix("chunk_").removeprefix("fused_recurrent_")
        module = importlib.import_module(f"fla.ops.{_MODULES[kind]}")
        original = getattr(module, name, None)
        if original is not None and not getattr(original, "__module__", "").startswith("deltanet"):
            found[name] = original
    return found


def install(names):
    """Replaces every reference that an imported module holds; returns {name: their function}."""
    from . import functional
    originals = _originals(names)
    # A module that is imported later reads them from these packages, which hold the replacements by then.
    for module in [m for key, m in list(sys.modules.items()) if m is not None and key != "deltanet.functional"]:
        scope = getattr(module, "__dict__", None)
        if not isinstance(scope, dict):
            continue
        for name, original in originals.items():
            for attribute in [key for key, value in list(scope.items()) if value is original]:
                scope[attribute] = getattr(functional, name)
    return originals
