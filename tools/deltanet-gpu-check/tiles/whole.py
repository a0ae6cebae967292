"""Whole kernels in the emulator: operators, their data, their recurrence in float64,
and all kernels of a program run in turn."""
import json
import re

import numpy as np

import emulate

TYPES = {"bf16": np.uint16, "f16": np.float16, "f32": np.float32, "i32": np.int32, "i64": np.int64}
TOKENS, TOLERANCE = 57, {"bf16": 4.5e-3, "f32": 1e-5}
WIDTH, FEW = 64, 16  # channels, and where a name says so
STEEP, RESETS = 5, 0.2  # log-decays down to -5, a fifth of them -10000, where a name says so

# name, operands (query, key, value; one letter is one tensor), rule (b: beta, g: a gate a
# head, c: gates per channel), steps, element type
OPERATORS = [
    ("linear", "qkv", "", 1, "bf16"), ("delta", "qkv", "b", 1, "bf16"),
    ("gated_delta", "qkv", "bg", 1, "bf16"), ("gla", "qkv", "c", 1, "bf16"),
    ("kda", "qkv", "bc", 1, "bf16"), ("delta_f32", "qkv", "b", 1, "f32"),
    ("delta_product", "qkv", "bg", 2, "bf16"), ("kda_product", "qkv", "bc", 2, "bf16"),
    ("key_is_value", "qxx", "b", 1, "bf16"), ("key_is_value_kda", "qxx", "bc", 1, "bf16"),
    ("query_is_value", "xkx", "c", 1, "bf16"), ("all_are_one", "xxx", "bg", 1, "bf16"),
    ("gated_resets", "qkv", "bg", 1, "f32"), ("kda_resets", "qkv", "bc", 1, "f32"),
    ("gla_resets", "qkv", "c", 1, "f32"), ("product_resets", "qkv", "bg", 2, "f32"),
    ("gla_resets_16", "qkv", "c", 1, "bf16"), ("kda_resets_16", "qkv", "bc", 1, "bf16"),
    ("delta_few", "qkv", "b", 1, "bf16"), ("kda_few", "qkv", "bc", 1, "bf16"),
]


def width_of(operator):
    return FEW if operator[0].endswith("_few") else WIDTH


def tensor(operator, name):
    """Rows a token and type of an operand."""
    _, _, _, steps, element = operator
    rows = steps if name in "kvbx" else 1
    width = "" if name in "bg" else f"x{width_of(operator)}"
    kind = "f32" if name in "bgc" else element
    return rows, f"tensor<?x?x1{width}x{kind}>"


def program(operator, named=False):
    """Names of operands, and a function of the operator; with `named` its arguments and
    results have these names in its kernels, too."""
    name, operands, rule, steps, _ = operator
    names = list(dict.fromkeys(operands + rule))
    types = {n: tensor(operator, n)[1] for n in names}
    extra = "".join(f" {'beta' if n == 'b' else 'decay'}(%{n} : {types[n]})" for n in rule)
    extra += f" steps({steps})" if steps > 1 else ""
    width = width_of(operator)
    state = f"tensor<?x1x{width}x{width}xf32>"
    output = types[operands[0]]
    three = ", ".join(types[n] for n in operands)
    attribute = (lambda n: f' {{deltanet.name = "{n}"}}') if named else (lambda n: "")
    arguments = ", ".join(f"%{n}: {types[n]}{attribute(n)}" for n in names)
    return names, (
        f"func.func @{name}({arguments}) -> ({output}{attribute('o')}, {state}{attribute('state')}) {{\n"
        f"  %o, %s = linrec.scan {', '.join('%' + n for n in operands)}{extra} : {three} -> {output}, {state}\n"
        f"  return %o, %s : {output}, {state}\n}}\n")


def make_data(names, operator, random):
    data = {}
    for n in names:
        rows = TOKENS * tensor(operator, n)[0]
        shape = (1, rows, 1) if n in "bg" else (1, rows, 1, width_of(operator))
        if n in "bgc":
            x = random.random(shape)
        else:
            x = random.standard_normal(shape)
            x /= np.linalg.norm(x, axis=-1, keepdims=True)
        if n in "gc":
            x = -x
            if "resets" in operator[0]:
                x = np.where(random.random(shape) < RESETS, -1e4, STEEP * x)
        x = x.astype(np.float32)
        narrow = operator[4] == "bf16" and n not in "bgc"
        data[n] = emulate.to_bf16(x).reshape(x.shape) if narrow else x
    return data


def wide(x):
    return (emulate.from_bf16(x) if x.dtype == np.uint16 else x).astype(np.float64)


def recurrence(data, operator):
    """(1), token by token."""
    _, operands, rule, steps, _ = operator
    q, k, v = (wide(data[n])[0, :, 0] for n in operands)
    width = width_of(operator)
    state, output = np.zeros((width, width)), np.zeros((TOKENS, width))
    for t in range(TOKENS):
        if gate := set(rule) & set("gc"):
            decay = np.exp(wide(data[gate.pop()])[0, t, 0])
            state = state * (decay[:, None] if decay.ndim else decay)
        for row in range(t * steps, (t + 1) * steps):
            new = v[row]
            if "b" in rule:
                new = data["b"][0, row, 0] * (new - k[row] @ state)
            state = state + np.outer(k[row], new)
        output[t] = q[t] @ state * width**-0.5
    return output, state


def evaluate(text, sizes):
    text = re.sub(r"(?<!/)/(?!/)", "//", text)
    names = dict(sizes, ceildiv=lambda a, b: -(-a // b), min=min, max=max)
    return int(eval(text, {"__builtins__": {}}, names))  # of our own compiler


def run(text, memory, sizes):
    """All kernels in turn; gives the arrays of roles `output`, in order."""
    outputs = []
    for line in re.findall(r"^// deltanet.launch (.*)$", text, re.M):
        launch = json.loads(line)
        arguments = launch["arguments"]
        arrays = [a for a in arguments if a["role"] != "size"]
        numbers = [a for a in arguments if a["role"] == "size"]
        for a in arrays:
            if a["name"] not in memory:
                shape = [evaluate(x, sizes) for x in a["shape"]]
                bytes_ = np.full(int(np.prod(shape)) * np.dtype(TYPES[a["type"]]).itemsize, 0xFF, np.uint8)
                memory[a["name"]] = bytes_.view(TYPES[a["type"]]).reshape(shape)
            if a["role"] == "output" and a["name"] not in outputs:
                outputs.append(a["name"])
        grid = [evaluate(x, sizes) for x in launch["grid"]]
        blocks = [(x, y, z) for z in range(grid[2]) for y in range(grid[1]) for x in range(grid[0])]
        order = [(arrays + numbers).index(a) for a in arguments]
        results, _ = emulate.launch(text, launch["kernel"], [memory[a["name"]] for a in arrays],
                                    [sizes[a["name"]] for a in numbers], launch["shared"], blocks, order)
        memory.update(zip((a["name"] for a in arrays), results))
    return [memory[name] for name in outputs]
