"""Operators with work around them, several sequences and heads: programs, data, and the
gradients of all operands in float64, parameters among them."""
import dataclasses
import pathlib
import sys

import numpy as np

import emulate

sys.path.append(str(pathlib.Path(__file__).resolve().parent.parent))
from adjoint import Operator, Tensors  # noqa: E402

BATCH, TOKENS, HEADS, GROUPS, WIDTH = 2, 40, 4, 2, 32
LENGTHS = [0, 17, 1, 33]  # of packed sequences
EPSILON = "1.0e-6"


@dataclasses.dataclass
class Layer:
    """`rule`: b: beta, g: a gate a head, c: gates per channel. `parts`: gate: the log-decay is
    -exp(A_log) softplus(a + dt_bias); initial: there are initial states; skip: D v is added to the output; norm: the output over its root mean square,
    times a weight. `open`: the types do not say how many heads and groups there are."""

    name: str
    rule: str
    parts: str = ""
    open: bool = True
    packed: bool = False
    element: str = "bf16"
    steps: int = 1

    def has(self, part):
        return part in self.parts.split()

    def shapes(self):
        """Shape (a letter is a size) and element type of every argument, in order."""
        batch = "1" if self.packed else "B"
        rows = f"{self.steps}T" if self.steps > 1 else "T"
        gate = [batch, "T", "H"] + ([WIDTH] if "c" in self.rule else [])
        found = {"q": ([batch, "T", "G", WIDTH], self.element), "k": ([batch, rows, "G", WIDTH], self.element),
                 "v": ([batch, rows, "H", WIDTH], self.element)}
        if "b" in self.rule:
            found["b"] = [batch, rows, "H"], "f32"
        if set(self.rule) & set("gc"):
            found["a"] = gate, "f32"
        if self.has("gate"):
            found["A_log"] = ["H"], "f32"
            found["dt_bias"] = gate[2:], "f32"
        if self.has("initial"):
            found["initial"] = ["N" if self.packed else "B", "H", WIDTH, WIDTH], "f32"
        if self.has("skip"):
            found["D"] = ["H"], "f32"
        if self.has("norm"):
            found["w"] = [WIDTH], "f32"
        return found

    def type(self, shape, element):
        known = {} if self.open else {"H": HEADS, "G": GROUPS}
        extents = [str(known.get(x, x if str(x).isdigit() else "?")) for x in shape]
        return f"tensor<{'x'.join(extents + [element])}>"


GENERIC = """  %{name} = linalg.generic {{indexing_maps = [{maps}], iterator_types = [{loops}]}}
      ins({inputs} : {types}) outs(%{out} : {type}) {{
  ^bb0({arguments}):
{body}
    linalg.yield %result : {element}
  }} -> {type}
"""


def generic(layer, name, shape, out, inputs, body):
    """One linalg.generic to f32; `inputs`: name, its shape, element type and loops."""
    loops = ["b", "t", "h", "d"][:len(shape)]
    maps = [f"affine_map<({', '.join(loops)}) -> ({', '.join(walked)})>" for _, _, _, walked in inputs]
    maps.append(f"affine_map<({', '.join(loops)}) -> ({', '.join(loops)})>")
    arguments = [f"%x{i}: {e}" for i, (_, _, e, _) in enumerate(inputs)] + ["%old: f32"]
    return GENERIC.format(name=name, maps=", ".join(maps), loops=", ".join(['"parallel"'] * len(loops)),
                          inputs=", ".join("%" + n for n, _, _, _ in inputs),
                          types=", ".join(layer.type(s, e) for _, s, e, _ in inputs), out=out,
                          type=layer.type(shape, "f32"), arguments=", ".join(arguments),
                          body="\n".join("    " + line for line in body), element="f32")


SOFTPLUS = ["%raw = arith.addf %x0, %x2 : f32", "%e = math.exp %raw : f32", "%s = math.log1p %e : f32",
            "%A = math.exp %x1 : f32", "%p = arith.mulf %A, %s : f32", "%result = arith.negf %p : f32"]


SKIP = ["%wide = arith.extf %x1 : bf16 to f32", "%p = arith.mulf %wide, %x2 : f32",
        "%result = arith.addf %x0, %p : f32"]
NORM = ["%mean = arith.divf %x1, %width : f32", "%safe = arith.addf %mean, %eps : f32",
        "%r = math.rsqrt %safe : f32", "%n = arith.mulf %x0, %r : f32", "%result = arith.mulf %n, %x2 : f32"]


def norm(layer, last, shape):
    """The output over its root mean square, times the weight."""
    wide, sums = layer.type(shape, "f32"), layer.type(shape[:-1], "f32")
    text = (f"  %squares = arith.mulf %{last}, %{last} : {wide}\n"
            f"  %zeros = linalg.fill ins(%zero : f32) outs(%b : {sums}) -> {sums}\n"
            f"  %total = linalg.reduce {{ arith.addf }} ins(%squares : {wide}) outs(%zeros : {sums}) dimensions = [3]\n")
    return text + generic(layer, "normed", shape, last, [
        (last, shape, "f32", "bthd"), ("total", shape[:-1], "f32", "bth"), ("w", [WIDTH], "f32", "d")], NORM)


def program(layer):
    shapes = layer.shapes()
    types = {n: layer.type(*s) for n, s in shapes.items()}
    names = list(shapes) + (["cu"] if layer.packed else [])
    types["cu"] = "tensor<?xi32>"
    arguments = ", ".join(f'%{n}: {types[n]} {{deltanet.name = "{n}"}}' for n in names)
    out = [shapes["v"][0][0], "T", "H", WIDTH]
    type_ = layer.type(out, "f32")
    work, decay = "", "a"
    if layer.has("gate"):
        shape, decay = shapes["a"][0], "log"
        work += generic(layer, "log", shape, "a", [
            ("a", shape, "f32", "bthd"[:len(shape)]), ("A_log", ["H"], "f32", "h"),
            ("dt_bias", shape[2:], "f32", "hd"[:len(shape) - 2])], SOFTPLUS)
    extra = f" beta(%b : {types['b']})" if "b" in layer.rule else ""
    extra += f" decay(%{decay} : {types['a']})" if "a" in shapes else ""
    extra += f" initial(%initial : {types['initial']})" if layer.has("initial") else ""
    extra += f" sequences(%cu : {types['cu']})" if layer.packed else ""
    extra += f" steps({layer.steps})" if layer.steps > 1 else ""
    work += f"  %o = linrec.scan %q, %k, %v{extra} : {types['q']}, {types['k']}, {types['v']} -> {type_}\n"
    last = "o"
    if layer.has("skip"):
        work += generic(layer, "skipped", out, last, [
            ("o", out, "f32", "bthd"), ("v", shapes["v"][0], layer.element, "bthd"), ("D", ["H"], "f32", "h")],
            SKIP if layer.element == "bf16" else [SKIP[1].replace("wide", "x1"), SKIP[2]])
        last = "skipped"
    if layer.has("norm"):
        work += norm(layer, last, out)
        last = "normed"
    return (f'func.func @{layer.name}({arguments}) -> ({type_} {{deltanet.name = "o"}}) {{\n'
            f"  %zero = arith.constant 0.0 : f32\n  %eps = arith.constant {EPSILON} : f32\n"
            f"  %width = arith.constant {WIDTH}.0 : f32\n"
            f"{work}  return %{last} : {type_}\n}}\n")


def make_data(layer, random):
    sizes = {"B": BATCH, "H": HEADS, "G": GROUPS, "N": len(LENGTHS), WIDTH: WIDTH, "1": 1}
    tokens = sum(LENGTHS) if layer.packed else TOKENS
    sizes |= {"T": tokens, f"{layer.steps}T": layer.steps * tokens}
    data = {}
    for name, (shape, element) in layer.shapes().items():
        extents = [sizes[x] for x in shape]
        x = random.random(extents) if name == "b" else random.standard_normal(extents)
        if name in "qkv":
            x /= np.linalg.norm(x, axis=-1, keepdims=True)
        if name == "a" and not layer.has("gate"):
            x = -np.abs(x)
        if name == "initial":
            x *= WIDTH**-0.5
        x = x.astype(np.float32)
        data[name] = emulate.to_bf16(x).reshape(x.shape) if element == "bf16" else x
    if layer.packed:
        data["cu"] = np.cumsum([0] + LENGTHS).astype(np.int32)
    return data, {"B": 1 if layer.packed else BATCH, "T": tokens, "H": HEADS, "G": GROUPS, "N": len(LENGTHS)}


def pull_back(layer, data, dy):
    """Gradients of <output, dy>."""
    found, names = {}, {"q": "q", "k": "k", "v": "v", "b": "beta", "a": "decay", "initial": "initial"}
    tensors = {names[n]: x for n, x in data.items() if n in names}
    if layer.has("gate"):
        raw, factor = data["a"] + data["dt_bias"], -np.exp(data["A_log"])
        if "c" in layer.rule:
            factor = factor[:, None]
        tensors["decay"] = factor * np.logaddexp(0, raw)
    operator = Operator({"K": WIDTH, "V": WIDTH, "steps": layer.steps})
    whole = Tensors(operator, tensors, LENGTHS if layer.packed else None)
    y, beside = whole.forward()["o"], 0
    if layer.has("skip"):
        y = y + data["D"][:, None] * data["v"]
    if layer.has("norm"):
        r = 1 / np.sqrt((y**2).mean(-1, keepdims=True) + float(EPSILON))
        found["w"] = (dy * y * r).sum((0, 1, 2))
        dy = dy * data["w"]
        dy = r * dy - y * r**3 * (dy * y).mean(-1, keepdims=True)
    if layer.has("skip"):
        found["D"] = (dy * data["v"]).sum((0, 1, 3))
        beside = data["D"][:, None] * dy
    d = whole.backward({"o": dy})
    d["v"] = d["v"] + beside
    if layer.has("gate"):
        a_log = d["decay"] * tensors["decay"]
        found["A_log"] = a_log.sum((0, 1) if a_log.ndim == 3 else (0, 1, 3))
        d["decay"] = d["decay"] * factor / (1 + np.exp(-raw))
        found["dt_bias"] = d["decay"].sum((0, 1))
    return {n: d[m] for n, m in names.items() if m in d} | found
