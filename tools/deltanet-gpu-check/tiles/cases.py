"""Kernels of tiles written by hand, one for each operation and shape, with their
inputs and what must come out of them."""

from dataclasses import dataclass, field

import numpy as np

from emulate import from_bf16, to_bf16

ROUND = {"f32": lambda x: x.astype(np.float32), "f16": lambda x: x.astype(np.float16),
         "bf16": lambda x: to_bf16(x.astype(np.float32))}


def wide(x):
    """Elements as float64; 16-bit integers are bf16."""
    return (from_bf16(x) if x.dtype == np.uint16 else x).astype(np.float64)


def random(seed):
    return np.random.default_rng(seed)


@dataclass
class Case:
    name: str
    text: str  # MLIR
    inputs: list
    outputs: list  # arrays of the shapes and types to be
    reference: list  # float64
    tolerance: float  # relative Frobenius error
    grid: int = 1
    repeat: int = 0  # a kernel to be timed, and how often it does its work
    numbers: list = field(default_factory=list)


def tensor(rows, columns, element, warps):
    return f"tensor<{rows}x{columns}x{element}, #tile.acc<warps = [{warps[0]}, {warps[1]}]>>"


def buffer(rows, columns, element, pad=8):
    tail = f", pad = {pad}" if pad else ""
    return f"!tile.buffer<{rows}x{columns}x{element}{tail}>"


def kernel(name, warps, arguments, body):
    """A kernel with pointers of these element types, %p0 and so on, and %n."""
    pointers = ", ".join(f"%p{i}: !tile.global<{e}>" for i, e in enumerate(arguments))
    constants = "\n".join(f"    %c{i} = arith.constant {i} : index"
                          for i in range(513) if f"%c{i} " in body or f"%c{i}]" in body
                          or f"%c{i}," in body or i < 2)
    return f"""gpu.module @kernels {{
  gpu.func @{name}({pointers}, %n: index) kernel
      attributes {{known_block_size = array<i32: {32 * warps}, 1, 1>, tile.launch = {{}}}} {{
{constants}
{body}
    gpu.return
  }}
}}
"""


def copy_in(pointer, name, rows, columns, element):
    kind = buffer(rows, columns, element)
    return f"""    %{name} = tile.alloc : {kind}
    tile.copy_async %p{pointer}[%c0] stride %c{columns} rows %c{rows} to %{name} : !tile.global<{element}>, {kind}
"""


ARRIVED = "    tile.commit\n    tile.wait pending 0\n"


def store(value, kind, pointer, columns, element="f32"):
    return f"    tile.store {value}, %p{pointer}[%c0] strides [%c{columns} , %c1] : {kind}, !tile.global<{element}>\n"


def repeated(body, carried, kinds):
    """`body` %n times; it ends in %new0, ... of what is carried as %old0, ..."""
    old = ", ".join(f"%old{i} = {v}" for i, v in enumerate(carried))
    types = ", ".join(kinds)
    new = ", ".join(f"%new{i}" for i in range(len(carried)))
    return (f"    %sum:{len(carried)} = scf.for %i = %c0 to %n step %c1 iter_args({old}) -> ({types}) {{\n"
            f"{body}    scf.yield {new} : {types}\n    }}\n")


# Products of f32.


def mma(m, n, k, warps, precision, transpose_lhs, transpose_rhs, registers):
    left = (k, m) if transpose_lhs else (m, k)
    right = (n, k) if transpose_rhs else (k, n)
    kind, lhs = tensor(m, n, "f32", warps), buffer(*left, "f32")
    body = copy_in(0, "a", *left, "f32") + copy_in(1, "b", *right, "f32") + ARRIVED
    body += f"    %zero = arith.constant dense<0.0> : {kind}\n"
    words = "transpose_lhs " if transpose_lhs else ""
    if registers:
        held = tensor(m, k, "f32", warps)
        body += f"    %r = tile.load_matrix %a {'transpose' if transpose_lhs else ''} : {lhs} -> {held}\n"
        words, lhs = "", held
    words += "transpose_rhs " if transpose_rhs else ""
    body += f"    %x = tile.mma {'%r' if registers else '%a'}, %b, %zero {words}precision {precision} : {lhs}, {buffer(*right, 'f32')} -> {kind}\n"
    body += store("%x", kind, 2, n)
    g = random(m + n + k)
    a, b = (g.standard_normal(s).astype(np.float32) for s in (left, right))
    product = (wide(a).T if transpose_lhs else wide(a)) @ (wide(b).T if transpose_rhs else wide(b))
    name = f"mma_{precision}_{m}x{n}x{k}_w{warps[0]}{warps[1]}" + "_tl" * transpose_lhs + "_tr" * transpose_rhs + "_reg" * registers
    return Case(name, kernel(name, warps[0] * warps[1], ["f32"] * 3, body), [a, b],
                [np.empty((m, n), np.float32)], [product], 1e-3 if precision == "tf32" else 2e-6)


# Decays per channel.


def decay_kinds(rows, steps, width, element, count, own_gates):
    """Types behind `decay_scale` and `decay_dot`, up to the results."""
    x, y = buffer(rows, width, element), buffer(rows * steps, width, element)
    gx, gy = buffer(rows, width, "f32"), buffer(rows * steps, width, "f32")
    xs = f"({', '.join([x] * count)})"
    return f"{xs}, {gx if own_gates else gy}, {y}, {gy}, {xs}, {y}", x, y


def decay_names(count, own_gates):
    x, s = (", ".join(f"%{v}{i}" for i in range(count)) for v in "xs")
    return f"({x}), {'%gx' if own_gates else '%gy'}, %y, %gy", f"({s}), %ys"


def decay_body(rows, steps, width, element, warps, strict, own_gates, precision):
    """Scratch, and the two operations."""
    count = len(strict)
    kinds, x, y = decay_kinds(rows, steps, width, element, count, own_gates)
    names, scaled = decay_names(count, own_gates)
    scratch = "".join(f"    %s{i} = tile.alloc : {x}\n" for i in range(count)) + f"    %ys = tile.alloc : {y}\n"
    result = tensor(rows, rows * steps, "f32", warps)
    words = f"[{', '.join(str(s).lower() for s in strict)}]" + (f" precision {precision}" if precision else "")
    return scratch, f"""    tile.decay_scale {names} into {scaled} : {kinds}
    %r:{count} = tile.decay_dot {names} scaled {scaled} strict {words} : {kinds} -> {', '.join([result] * count)}
"""


def decay_copies(rows, steps, width, element, count, own_gates):
    body = "".join(copy_in(i, f"x{i}", rows, width, element) for i in range(count))
    body += copy_in(count, "y", rows * steps, width, element)
    body += copy_in(count + 2, "gy", rows * steps, width, "f32")
    if own_gates:
        body += copy_in(count + 1, "gx", rows, width, "f32")
    return body + ARRIVED


def decay_reference(x, y, gx, gy, steps, strict):
    token = np.arange(len(y)) // steps
    row = np.arange(len(x))[:, None]
    inside = token < row if strict else token <= row
    exponent = np.where(inside[:, :, None], wide(gx)[:, None] - wide(gy)[None], -np.inf)
    return np.einsum("rc,ic,ric->ri", wide(x), wide(y), np.exp(exponent))


def decay(rows, steps, width, element, warps, strict, gates, exclusive=False, precision=None):
    """`gates` is a name and a function of a generator and a shape: log-decays."""
    name = f"decay_{rows}x{steps}x{width}_{element}_{gates[0]}" + "_exclusive" * exclusive + (f"_{precision}" if precision else "")
    count = len(strict)
    result = tensor(rows, rows * steps, "f32", warps)
    own_gates = exclusive or steps > 1
    scratch, work = decay_body(rows, steps, width, element, warps, strict, own_gates, precision)
    body = decay_copies(rows, steps, width, element, count, own_gates) + scratch + work
    for i in range(count):
        body += store(f"%r#{i}", result, count + 3 + i, rows * steps)
    g = random(rows + width)
    log_decay = np.maximum(gates[1](g, (rows, width)), -1e4)
    sums = np.cumsum(log_decay, 0)
    gx = (sums - log_decay if exclusive else sums).astype(np.float32)
    gy = np.repeat(sums, steps, 0).astype(np.float32)
    x = [ROUND[element](g.standard_normal((rows, width)) / width**0.5) for _ in strict]
    y = ROUND[element](g.standard_normal((rows * steps, width)))
    reference = [decay_reference(v, y, gx, gy, steps, s) for v, s in zip(x, strict)]
    arguments = [element] * (count + 1) + ["f32"] * (2 + count)
    tolerance = {"bf16": 5e-3, "f16": 1e-3, "f32": 5e-6}[element]
    return Case(name, kernel(name, warps[0] * warps[1], arguments, body), x + [y, gx, gy],
                [np.empty((rows, rows * steps), np.float32) for _ in strict], reference,
                1e-3 if precision == "tf32" else tolerance)


def uniform(low):
    return f"to{low}".replace(".", "_"), lambda g, shape: -low * g.random(shape)


RESETS = "resets", lambda g, shape: np.where(g.random(shape) < 0.1, -2e4, -0.1 * g.random(shape))
NONE = "none", lambda g, shape: np.zeros(shape)


# The inverse.


def lower(rows, seed):
    g = random(seed)
    k = g.standard_normal((rows, 64))
    k /= np.linalg.norm(k, axis=1, keepdims=True)
    # What is above the diagonal must not be read.
    return (np.tril(k @ k.T * 1.5 * g.random((rows, 1)), -1) + np.triu(np.full((rows, rows), 7.0))).astype(np.float32)


def inverse(rows, element, warps):
    name = f"inverse_{rows}_{element}_w{warps}"
    split = (min(warps, rows // 16), max(1, warps // (rows // 16)))
    kind, to = tensor(rows, rows, element, split), buffer(rows, rows, element)
    body = copy_in(0, "l", rows, rows, "f32") + ARRIVED + f"""    %t = tile.alloc : {to}
    tile.unit_lower_inverse %l, %t : {buffer(rows, rows, 'f32')}, {to}
    %x = tile.load_matrix %t : {to} -> {kind}
""" + store("%x", kind, 1, rows, element)
    l = lower(rows, rows)
    reference = np.linalg.inv(np.eye(rows) + np.tril(wide(l), -1))
    dtype = {"bf16": np.uint16, "f16": np.float16, "f32": np.float32}[element]
    return Case(name, kernel(name, warps, ["f32", element], body), [l],
                [np.empty((rows, rows), dtype)], [reference],
                {"bf16": 3e-3, "f16": 6e-4, "f32": 1e-6}[element])


# Sums.


def reduce(rows, columns, warps, dimension, kind, idle=0):
    """With `idle` warps that repeat what others do."""
    name = f"reduce_{kind}_{rows}x{columns}_w{warps[0]}{warps[1]}_d{dimension}" + (f"_idle{idle}" if idle else "")
    matrix, length = tensor(rows, columns, "f32", warps), (rows, columns)[1 - dimension]
    vector = f"tensor<{length}xf32, #tile.slice<{dimension} of <warps = [{warps[0]}, {warps[1]}]>>>"
    shared = warps[dimension] > 1
    scratch = buffer(warps[dimension], length, "f32", 0)
    body = f"    %s = tile.alloc : {scratch}\n" if shared else ""
    body += f"""    %x = tile.load %p0[%c0] strides [%c{columns} , %c1] : !tile.global<f32> -> {matrix}
    %y = tile.reduce {kind} %x along {dimension}{' through %s' if shared else ''} : {matrix}{', ' + scratch if shared else ''} -> {vector}
    %b = tile.alloc : {buffer(1, length, 'f32', 0)}
    tile.store_vector %y, %b : {vector}, {buffer(1, length, 'f32', 0)}
    %v = tile.load_vector %b : {buffer(1, length, 'f32', 0)} -> {vector}
    %w = tile.broadcast %v : {vector} -> {matrix}
""" + store("%w", matrix, 1, columns)
    x = (1 + 0.1 * random(rows).standard_normal((rows, columns))).astype(np.float32)
    function = {"add": np.sum, "mul": np.prod, "max": np.max, "min": np.min}[kind]
    reference = np.broadcast_to(function(wide(x), axis=dimension, keepdims=True), x.shape)
    return Case(name, kernel(name, warps[0] * warps[1] + idle, ["f32"] * 2, body), [x],
                [np.empty_like(x)], [reference], 1e-6)


def cumsum(rows, columns, warps, exclusive, reverse):
    name = f"cumsum_{rows}x{columns}_w{warps}" + "_exclusive" * exclusive + "_reverse" * reverse
    matrix = tensor(rows, columns, "f32", (1, warps))
    words = "exclusive " * exclusive + "reverse " * reverse
    body = f"""    %x = tile.load %p0[%c0] strides [%c{columns} , %c1] : !tile.global<f32> -> {matrix}
    %y = tile.cumsum %x {words}: {matrix}
""" + store("%y", matrix, 1, columns)
    x = random(rows).standard_normal((rows, columns)).astype(np.float32)
    step = -1 if reverse else 1
    reference = np.cumsum(wide(x)[::step], 0)[::step] - (wide(x) if exclusive else 0)
    return Case(name, kernel(name, warps, ["f32"] * 2, body), [x], [np.empty_like(x)],
                [reference], 1e-6)


def vector(length, exclusive, reverse, warps=(4, 2)):
    """A running sum in lanes, then through every layout of a vector."""
    name = f"vector_{length}" + "_exclusive" * exclusive + "_reverse" * reverse
    lanes, row = f"tensor<{length}xf32, #tile.lanes>", buffer(1, length, "f32", 0)
    words = "exclusive " * exclusive + "reverse " * reverse
    body = f"""    %x = tile.load %p0[%c0] strides [%c1] : !tile.global<f32> -> {lanes}
    %y = tile.cumsum %x {words}: {lanes}
"""
    value, kind = "%y", lanes
    layouts = ["#tile.lanes"]
    if length % 64 == 0:
        layouts += [f"#tile.slice<{d} of <warps = [{warps[0]}, {warps[1]}]>>" for d in (0, 1)]
    for i, layout in enumerate(layouts):
        held = f"tensor<{length}xf32, {layout}>"
        body += f"""    %b{i} = tile.alloc : {row}
    tile.store_vector {value}, %b{i} : {kind}, {row}
    %v{i} = tile.load_vector %b{i} : {row} -> {held}
"""
        value, kind = f"%v{i}", held
    body += f"    tile.store {value}, %p1[%c0] strides [%c1] : {kind}, !tile.global<f32>\n"
    x = random(length).standard_normal(length).astype(np.float32)
    step = -1 if reverse else 1
    reference = np.cumsum(wide(x)[::step])[::step] - (wide(x) if exclusive else 0)
    return Case(name, kernel(name, warps[0] * warps[1], ["f32"] * 2, body), [x],
                [np.empty_like(x)], [reference], 1e-6)


# Functions.

FUNCTIONS = {
    "exp": (-20, 20, np.exp), "exp2": (-30, 30, np.exp2), "expm1": (-5, 5, np.expm1),
    "log": (1e-3, 20, np.log), "log2": (1e-3, 20, np.log2), "log10": (1e-3, 20, np.log10),
    "log1p": (-0.5, 20, np.log1p), "tanh": (-5, 5, np.tanh), "sqrt": (0, 50, np.sqrt),
    "rsqrt": (1e-3, 50, lambda x: 1 / np.sqrt(x)), "sin": (-1000, 1000, np.sin),
    "cos": (-1000, 1000, np.cos), "floor": (-9, 9, np.floor), "round": (-9, 9, np.round),
}


def function(name):
    low, high, reference = FUNCTIONS[name]
    lanes = "tensor<256xf32, #tile.lanes>"
    body = f"""    %x = tile.load %p0[%c0] strides [%c1] : !tile.global<f32> -> {lanes}
    %y = math.{name} %x : {lanes}
    tile.store %y, %p1[%c0] strides [%c1] : {lanes}, !tile.global<f32>
"""
    x = random(len(name)).uniform(low, high, 256).astype(np.float32)
    return Case("math_" + name, kernel("math_" + name, 1, ["f32"] * 2, body), [x],
                [np.empty_like(x)], [reference(wide(x))], 2e-6)


def all_cases():
    both = (True, False)
    yield mma(64, 32, 32, (4, 1), "tf32", False, False, False)
    yield mma(64, 32, 40, (2, 2), "tf32x3", True, False, False)
    yield mma(32, 48, 64, (1, 2), "tf32x3", False, True, False)
    yield mma(64, 16, 32, (2, 1), "tf32x3", True, True, True)
    yield mma(128, 128, 64, (8, 1), "tf32x3", False, True, True)
    for gates in (uniform(0.1), uniform(4.5), uniform(20), RESETS, NONE):
        yield decay(32, 1, 128, "bf16", (2, 4), both, gates)
        yield decay(64, 1, 128, "bf16", (4, 2), both, gates)
    yield decay(16, 1, 256, "bf16", (1, 2), (True,), uniform(1))
    yield decay(32, 2, 64, "bf16", (2, 4), both, uniform(1))
    yield decay(32, 3, 80, "bf16", (1, 4), (False,), uniform(9))
    yield decay(64, 1, 64, "f16", (4, 2), (True, True), uniform(0.5), True)
    yield decay(64, 1, 64, "f16", (4, 2), (True, True), uniform(9), True)
    yield decay(64, 1, 64, "f32", (4, 2), both, uniform(1), False, "tf32x3")
    yield decay(32, 1, 64, "f32", (2, 4), (True,), uniform(9), True, "tf32x3")
    yield decay(32, 1, 64, "f32", (1, 1), (False,), uniform(1), False, "tf32")
    for rows, element, warps in ((16, "bf16", 1), (32, "bf16", 8), (64, "bf16", 8), (64, "bf16", 1),
                                 (64, "f16", 4), (128, "bf16", 8), (48, "f32", 1), (64, "f32", 8),
                                 (128, "f32", 4)):
        yield inverse(rows, element, warps)
    for kind in ("add", "mul", "max", "min"):
        yield reduce(32, 64, (2, 4), 1, kind)
        yield reduce(64, 64, (4, 2), 0, kind)
    yield reduce(48, 24, (3, 1), 1, "add")
    yield reduce(32, 32, (1, 4), 0, "add", 4)
    yield reduce(32, 32, (1, 4), 1, "add", 4)
    yield cumsum(64, 128, 8, False, False)
    yield cumsum(32, 64, 4, True, False)
    yield cumsum(48, 16, 1, True, True)
    for length in (8, 16, 48, 64, 72, 128):
        yield vector(length, length % 16 == 0, length % 32 == 0)
    for name in FUNCTIONS:
        yield function(name)


# What is timed: one block an SM, the work of a chunk %n times over.


def timed(name, warps, arguments, body, inputs, outputs, repeat=1000):
    return Case(name, kernel(name, warps, arguments, body), inputs, outputs, [], 0, 132, repeat,
                [repeat])


def timed_decay(rows, strict):
    width, count, kind = 128, len(strict), tensor(rows, rows, "f32", (rows // 16, 128 // rows))
    scratch, work = decay_body(rows, 1, width, "bf16", (rows // 16, 128 // rows), strict, False, None)
    for i in range(count):
        work += f"    %new{i} = arith.addf %old{i}, %r#{i} : {kind}\n"
    body = decay_copies(rows, 1, width, "bf16", count, False) + scratch
    body += f"    %zero = arith.constant dense<0.0> : {kind}\n"
    body += repeated(work, ["%zero"] * count, [kind] * count)
    for i in range(count):
        body += store(f"%sum#{i}", kind, count + 3 + i, rows)
    x = [np.zeros((rows, width), np.uint16)] * (count + 1)
    g = np.cumsum(np.full((rows, width), -0.1, np.float32), 0)
    name = f"time_decay_{rows}_{count}"
    return timed(name, 8, ["bf16"] * (count + 1) + ["f32"] * (2 + count), body, x + [g, g],
                 [np.empty((rows, rows), np.float32)] * count)


def timed_inverse(rows, element):
    name, kind = f"time_inverse_{rows}_{element}", tensor(rows, rows, "f32", (rows // 16, 128 // rows))
    work = f"""    tile.store_matrix %l, %b : {kind}, {buffer(rows, rows, 'f32')}
    tile.unit_lower_inverse %b, %t : {buffer(rows, rows, 'f32')}, {buffer(rows, rows, element)}
    %new0 = arith.addf %old0, %l : {kind}
"""
    body = f"""    %l = tile.load %p0[%c0] strides [%c{rows} , %c1] : !tile.global<f32> -> {kind}
    %b = tile.alloc : {buffer(rows, rows, 'f32')}
    %t = tile.alloc : {buffer(rows, rows, element)}
""" + repeated(work, ["%l"], [kind]) + store("%sum", kind, 1, rows)
    return timed(name, 8, ["f32"] * 2, body, [lower(rows, 1)], [np.empty((rows, rows), np.float32)])


def timed_mma(precision):
    name, kind, k = f"time_mma_{precision}", tensor(128, 64, "f32", (8, 1)), buffer(64, 128, "f32")
    held = tensor(128, 128, "f32", (8, 1))
    work = f"""    %new0 = tile.mma %s, %k, %old0 transpose_rhs precision {precision} : {held}, {k} -> {kind}
"""
    body = copy_in(0, "k", 64, 128, "f32") + ARRIVED + f"""    %zero = arith.constant dense<0.0> : {kind}
    %s = tile.load %p1[%c0] strides [%c128 , %c1] : !tile.global<f32> -> {held}
""" + repeated(work, ["%zero"], [kind]) + store("%sum", kind, 2, 64)
    return timed(name, 8, ["f32"] * 3, body, [np.zeros((64, 128), np.float32), np.zeros((128, 128), np.float32)],
                 [np.empty((128, 64), np.float32)])


def all_timings():
    for rows in (32, 64):
        yield timed_decay(rows, (True, False))
        for element in ("bf16", "f32"):
            yield timed_inverse(rows, element)
    yield timed_mma("tf32")
    yield timed_mma("tf32x3")
