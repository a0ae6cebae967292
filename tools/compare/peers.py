"""flash-linear-attention's functions on the tensors of a row."""
import importlib
import os
import re
import sys
import types


def find(folder):
    """The peer's name and version if its operators can be imported, from `folder` if that is given; and why not."""
    if folder:
        sys.path.insert(0, folder)
        root = os.path.join(folder, "fla")
        if os.path.isdir(root) and "fla" not in sys.modules:
            # Packages without what their __init__ imports: layers, models and operators that need other packages.
            for name in ("fla.ops", "fla.modules", "fla"):
                sys.modules[name] = module = types.ModuleType(name)
                module.__path__ = [os.path.join(folder, *name.split("."))]
            module.ops, module.modules = sys.modules["fla.ops"], sys.modules["fla.modules"]
            with open(os.path.join(root, "__init__.py")) as file:
                module.__version__ = (re.findall(r"__version__ = ['\"](.*?)['\"]", file.read()) or ["?"])[0]
    try:
        module = importlib.import_module("fla")
        importlib.import_module("fla.ops.utils")
        return f"flash-linear-attention {getattr(module, '__version__', '?')}", None
    except Exception as error:  # noqa: BLE001: whatever keeps it away is what the table says
        return None, f"{type(error).__name__}: {error}"


def _function(module, name):
    return getattr(importlib.import_module(f"fla.ops.{module}"), name)


def call(row, t):
    """A function that calls the peer once and returns (o, state or None)."""
    q, k, v, beta, g = t["q"], t["k"], t["v"], t.get("beta"), t.get("decay")
    state = dict(initial_state=t.get("initial"), output_final_state=row.state)
    first = dict(state_v_first=True) if row.state and row.state_layout == "vk" else {}
    if row.peer == "linear_attn":
        function = _function("linear_attn", "chunk_linear_attn")
        return lambda: function(q, k, v, normalize=False, **state)
    if row.peer in ("retention", "lightning"):
        function = _function(*{"retention": ("retention", "chunk_retention"),
                               "lightning": ("lightning_attn", "chunk_lightning_attn")}[row.peer])
        layer = dict(layer_idx=1, num_layers=2) if row.peer == "lightning" else {}
        return lambda: function(q, k, v, **layer, **state)
    if row.peer in ("simple_gla", "gla"):
        function = _function(row.peer, f"chunk_{row.peer}")
        return lambda: function(q, k, v, g=g, **state, **first)
    if row.peer == "delta_rule":
        function = _function("delta_rule", "chunk_delta_rule")
        return lambda: function(q, k, v, beta, **state)
    if row.peer in ("gated_delta_rule", "kda"):
        function = _function(row.peer, f"chunk_{row.peer}")
        return lambda: function(q, k, v, g=g, beta=beta, **state, **first)
    if row.peer == "recurrent_delta_rule":
        function = _function("delta_rule", "fused_recurrent_delta_rule")
        return lambda: function(q, k, v, beta, **state)
    if row.peer == "recurrent_gated_delta_rule":
        function = _function("gated_delta_rule", "fused_recurrent_gated_delta_rule")
        return lambda: function(q, k, v, g=g, beta=beta, **state, **first)
    if row.peer == "rwkv6":
        function = _function("rwkv6", "chunk_rwkv6")
        return lambda: function(q, k, v, g, t["bonus"], **state)
    if row.peer == "rwkv7":
        function = _function("rwkv7", "chunk_rwkv7")
        return lambda: function(r=q, w=g, k=k, v=v, a=t["a"], b=t["b"], scale=row.scale, **state)
    if row.peer == "delta_product":
        function = _function("gated_delta_product", "chunk_gated_delta_product")
        return lambda: function(q, k, v, g=g, beta=beta, num_householder=row.steps, **state)
    if row.peer == "comba":
        function = _function("comba", "chunk_comba")
        return lambda: function(q, k, t["peer_v"], t["a"], g, t["peer_beta"], **state)
    raise ValueError(f"expects a peer that is known, got '{row.peer}'")
