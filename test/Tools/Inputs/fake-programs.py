"""Writes launch lines in place of PTX for every configuration of a folder.

    fake-programs.py TOOL_FOLDER FOLDER COUNT

What a kernel of each would say of its arguments; the fake driver does the rest.
"""
import json
import re
import sys

sys.path.insert(0, sys.argv[1])
from configurations import Configuration  # noqa: E402


def argument(c, name, role, type):
    extents, element = re.fullmatch(r"tensor<(.*)x(\w+)>", type).groups()
    heads = "H" if name not in ("q", "k", "a", "b") else "G"
    tokens = "T" if c.steps == 1 or name in ("q", "o", "decay") else f"{c.steps} * T"
    if name in ("initial", "state"):
        names = ["P" if c.pool else "N", "H"]
    elif name == "sequences":
        names = ["N + 1"]
    elif name == "indices":
        names = ["N"]
    elif name == "bonus":
        names = ["H"]
    else:
        names = ["B", tokens, heads] if c.layout == "bthd" else ["B", heads, tokens]
    shape = [names[i] if extent == "?" else extent for i, extent in enumerate(extents.split("x"))]
    return {"name": name, "role": role, "type": element, "shape": shape}


def launch(c, alone):
    inputs, outputs = c.tensors(alone)
    arguments = [argument(c, name, "input", type) for name, type in inputs]
    arguments += [{"name": name, "role": "size", "type": "i64"} for name in "BTHGNP"]
    arguments += [argument(c, name, "output", type) for name, type in outputs]
    line = {"kernel": c.name, "target": "sm_80", "block": 32, "shared": 0, "arguments": arguments,
            "grid": ["max(1, ceildiv(T, 64))", "H", "max(N, 1)"]}
    return "// deltanet.launch " + json.dumps(line) + "\n"


for number in range(int(sys.argv[3])):
    c = Configuration(1, number)
    for alone in (False, True) if c.packed else (False,):
        with open(f"{sys.argv[2]}/{c.name}{'.alone' if alone else ''}.ptx", "w") as file:
            file.write(launch(c, alone))
