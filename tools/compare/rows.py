"""What is compared: operators, shapes, and how large a gain is asked for.

Python's standard library only: `prepare` reads this where kernels are compiled,
`compare` where they run. A row's tensors are called as in linrec: q, k, v, beta,
decay, bonus, a, b, initial; o, state.
"""
import dataclasses


@dataclasses.dataclass
class Row:
    name: str
    peer: str                 # function of flash-linear-attention, see peers.py
    B: int
    T: int
    H: int
    K: int = 128
    V: int = 128
    rule: str = "additive"    # additive, delta, dplr
    decay: str = "none"       # none, scalar, channel
    decay_type: str = "f32"
    type: str = "bf16"
    steps: int = 1
    before: bool = False
    bonus: bool = False
    state: bool = False       # an initial and a final one, f32
    state_layout: str = "kv"
    scale: float = None       # None: 1 / sqrt(K)
    needed: float = None      # how many times the peer's speed is asked for
    copy_share: float = None  # or which part of the copy bandwidth

    def sizes(self):
        return {"B": self.B, "T": self.T, "H": self.H, "G": self.H, "N": self.B}

    def shapes(self):
        """Extents and element type of every tensor: inputs, then outputs."""
        B, T, H, K, V, n = self.B, self.T, self.H, self.K, self.V, self.steps
        inputs = {"q": ((B, T, H, K), self.type), "k": ((B, n * T, H, K), self.type),
                  "v": ((B, n * T, H, V), self.type)}
        if self.rule == "delta":
            inputs["beta"] = ((B, n * T, H), self.type)
        if self.rule == "dplr":
            inputs["a"] = inputs["b"] = inputs["k"]
        if self.decay != "none":
            inputs["decay"] = ((B, T, H) + ((K,) if self.decay == "channel" else ()), self.decay_type)
        if self.bonus:
            inputs["bonus"] = ((H, K), self.type)
        outputs = {"o": ((B, T, H, V), self.type)}
        if self.state:
            square = (K, V) if self.state_layout == "kv" else (V, K)
            inputs["initial"] = outputs["state"] = ((B, H) + square, "f32")
        return inputs, outputs

    def bytes(self):
        """What must be read and written at least."""
        total = 0
        for part in self.shapes():
            for extents, element in part.values():
                size = 4 if element == "f32" else 2
                for extent in extents:
                    size *= extent
                total += size
        return total

    def mlir(self, static=False, heads=False):
        """The operator; B, T and H are left open unless `static` (H: or `heads`), but for the tokens of
        decoding."""
        def tensor(name, extents, element):
            kept = {"bonus": 1, "initial": 2, "state": 2}.get(name, 3)  # from here on widths
            decode = 1 if kept == 3 and self.T <= 8 else None  # the dimension of tokens
            known = lambda i: static or i >= kept or i == decode or (heads and kept == 3 and i == 2)
            texts = [str(e) if known(i) else "?" for i, e in enumerate(extents)]
            return "tensor<" + "x".join(texts + [element]) + ">"
        inputs, outputs = ({name: tensor(name, *shape) for name, shape in part.items()} for part in self.shapes())
        named = lambda name, type: f'{type} {{deltanet.name = "{name}"}}'
        arguments = ", ".join(f"%{name}: {named(name, type)}" for name, type in inputs.items())
        results = ", ".join(named(name, type) for name, type in outputs.items())
        text = "".join(f" {name}(%{name} : {inputs[name]})" for name in ("beta", "decay", "bonus", "initial")
                       if name in inputs)
        text += " read_out(before)" if self.before else ""
        text += f" state_layout({self.state_layout})" if self.state else ""
        text += f" steps({self.steps})" if self.steps > 1 else ""
        text += f" {{scale = {float(self.scale)!r} : f64}}" if self.scale is not None else ""
        order, op, pair = ("qkvab", "dplr_scan", " a(%a) b(%b)") if self.rule == "dplr" else ("qkv", "scan", "")
        operands, kinds = ", ".join(inputs[name] for name in order), ", ".join(outputs.values())
        returned = ", ".join(f"%{name}" for name in outputs)
        return (f"// B={self.B} T={self.T} H={self.H} K={self.K} V={self.V}\n"
                f"func.func @{self.name}({arguments})\n    -> ({results}) {{\n"
                f"  {returned} = linrec.{op} %q, %k, %v{pair}{text}\n      : {operands} -> {kinds}\n"
                f"  return {returned} : {kinds}\n}}\n")


# Errors that a result may have; a wrong one is no gain, however fast.
TOLERANCES = {"bf16": 4.5e-3, "f16": 1e-3, "f32": 1e-5}

DELTA, GATED = dict(rule="delta", peer="delta_rule"), dict(rule="delta", decay="scalar", peer="gated_delta_rule")
KDA, GLA = dict(rule="delta", decay="channel", peer="kda"), dict(decay="channel", decay_type="bf16", peer="gla")

# The rows of the goals.
GOALS = [
    Row("delta", B=16, T=2048, H=16, needed=2.5, **DELTA),
    Row("delta_long", B=1, T=32768, H=16, needed=2.0, **DELTA),
    Row("gated", B=16, T=2048, H=16, needed=2.2, **GATED),
    Row("kda", B=16, T=2048, H=16, needed=3.0, **KDA),
    Row("gla", B=16, T=2048, H=16, needed=3.0, **GLA),
    Row("linear", B=16, T=2048, H=16, needed=1.5, peer="linear_attn"),
    Row("delta_d64", B=8, T=4096, H=32, K=64, V=64, needed=3.0, **DELTA),
    Row("delta_d256", B=4, T=4096, H=8, K=256, V=256, needed=1.8, **DELTA),
    Row("delta_short", B=1, T=1024, H=16, needed=1.5, **DELTA),
    Row("decode_kv", B=128, T=1, H=16, state=True, copy_share=0.9, rule="delta", peer="recurrent_delta_rule"),
    Row("decode_vk", B=128, T=1, H=16, state=True, state_layout="vk", copy_share=0.9, rule="delta",
        peer="recurrent_gated_delta_rule"),
]
# Neighbours of these, to see that a gain is not of one shape.
MORE = [
    Row("gated_long", B=1, T=32768, H=16, **GATED),
    Row("gated_8k", B=4, T=8192, H=16, **GATED),
    Row("gated_prefill", B=1, T=8192, H=32, **GATED),
    Row("gated_short", B=1, T=1024, H=16, **GATED),
    Row("gated_d64", B=8, T=4096, H=32, K=64, V=64, **GATED),
    Row("kda_long", B=1, T=8192, H=32, **KDA),
    Row("gla_long", B=1, T=8192, H=32, **GLA),
    Row("simple_gla", B=16, T=2048, H=16, decay="scalar", peer="simple_gla"),
    Row("linear_long", B=1, T=32768, H=16, peer="linear_attn"),
    Row("gated_state", B=16, T=2048, H=16, state=True, **GATED),
    Row("decode_gated", B=128, T=1, H=16, state=True, state_layout="vk", rule="delta", decay="scalar",
        peer="recurrent_gated_delta_rule"),
]
# Operators that both sides have; compared for errors only.
SHAPE = dict(B=2, T=1000, H=4)
CLASSES = [
    Row("class_linear_attn", peer="linear_attn", **SHAPE),
    Row("class_retention", decay="scalar", peer="retention", **SHAPE),
    Row("class_lightning", decay="scalar", peer="lightning", **SHAPE),
    Row("class_simple_gla", decay="scalar", peer="simple_gla", **SHAPE),
    Row("class_gla", **GLA, **SHAPE),
    Row("class_rwkv6", decay="channel", decay_type="bf16", bonus=True, before=True, K=64, V=64, peer="rwkv6", **SHAPE),
    Row("class_delta_rule", **DELTA, **SHAPE),
    Row("class_gated_delta_rule", **GATED, **SHAPE),
    Row("class_kda", **KDA, **SHAPE),
    Row("class_delta_product", rule="delta", decay="scalar", steps=2, peer="delta_product", **SHAPE),
    Row("class_comba", rule="dplr", decay="scalar", peer="comba", **SHAPE),
    Row("class_rwkv7", rule="dplr", decay="channel", scale=1.0, K=64, V=64, peer="rwkv7", **SHAPE),
]
# Rows whose gradients are compared, `gradients`.
GRADIENTS = [
    Row("grad_delta", B=16, T=2048, H=16, needed=1.6, **DELTA),
    Row("grad_delta_long", B=1, T=32768, H=16, needed=1.6, **DELTA),
    Row("grad_delta_d64", B=8, T=4096, H=32, K=64, V=64, needed=2.0, **DELTA),
    Row("grad_delta_d256", B=4, T=4096, H=8, K=256, V=256, needed=1.4, **DELTA),
    Row("grad_gla", B=16, T=2048, H=16, needed=3.0, **GLA),
    Row("grad_linear", B=16, T=2048, H=16, needed=1.3, peer="linear_attn"),
    Row("grad_gated", B=8, T=4096, H=16, **GATED),
]
SETS = {"grad": GRADIENTS, "goals": GOALS, "more": MORE, "classes": CLASSES}


def choose(text):
    """Rows by name or set, separated by commas."""
    every = {row.name: [row] for rows in SETS.values() for row in rows}
    every.update(SETS, all=GOALS + MORE)
    chosen = {}
    for name in text.split(","):
        if name not in every:
            raise SystemExit(f"error: expects rows or sets of {', '.join(every)}, got '{name}'")
        chosen.update({row.name: row for row in every[name]})
    return list(chosen.values())
