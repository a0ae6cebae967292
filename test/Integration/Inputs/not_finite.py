"""not_finite.py CHUNK GATE: one token of one head is NaN, for each operand in turn.

The sequences are packed and end inside chunks. Prints every row of the output and every
state that changed, but for those that may: of the token's head and sequence, from the
start of the token's chunk on. GATE is "head" or "channel".
"""
import random
import struct
import subprocess
import sys

TOKENS, HEADS, K, V = 50, 3, 16, 24
OFFSETS = [0, 7, 20, 20, 50]
SEQUENCE, TOKEN, HEAD = 3, 38, 1  # 18 tokens into a sequence of 30, of heads 0, 1, 2

PROGRAM = """
func.func @f(%q: tensor<?x?x?x16xf32>, %k: tensor<?x?x?x16xf32>, %v: tensor<?x?x?x24xf32>,
             %beta: tensor<?x?x?xf32>, %g: tensor<GATE>, %cu: tensor<?xi32>)
    -> (tensor<?x?x?x24xf32>, tensor<?x?x16x24xf32>) {
  %o, %s = linrec.scan %q, %k, %v beta(%beta : tensor<?x?x?xf32>) decay(%g : tensor<GATE>)
      sequences(%cu : tensor<?xi32>)
      : tensor<?x?x?x16xf32>, tensor<?x?x?x16xf32>, tensor<?x?x?x24xf32>
     -> tensor<?x?x?x24xf32>, tensor<?x?x16x24xf32>
  return %o, %s : tensor<?x?x?x24xf32>, tensor<?x?x16x24xf32>
}
"""


def save(name, shape, values, code):
    header = "{'descr': '<%s4', 'fortran_order': False, 'shape': %r, }" % (code, tuple(shape))
    header += " " * (-(len(header) + 11) % 64) + "\n"
    with open(name + ".npy", "wb") as file:
        file.write(b"\x93NUMPY\x01\x00" + struct.pack("<H", len(header)) + header.encode())
        file.write(struct.pack("<%d%s" % (len(values), "f" if code == "f" else "i"), *values))


def load(name):
    with open(name + ".npy", "rb") as file:
        data = file.read()
    return data[10 + struct.unpack("<H", data[8:10])[0]:]


def run(chunk, inputs):
    command = ["deltanet", "run", "not_finite.mlir", "--repeat", "1", "--chunk", str(chunk),
               "--input", "cu=cu.npy", "--output", "o=o_out.npy", "--output", "s=s_out.npy"]
    for name, (shape, values) in inputs.items():
        save(name, shape, values, "f")
        command += ["--input", "%s=%s.npy" % (name, name)]
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
    return load("o_out"), load("s_out")


def rows(data, width):
    return [data[i:i + 4 * width] for i in range(0, len(data), 4 * width)]


def main():
    chunk, gate = int(sys.argv[1]), sys.argv[2]
    with open("not_finite.mlir", "w") as file:
        file.write(PROGRAM.replace("GATE", "?x?x?xf32" if gate == "head" else "?x?x?x16xf32"))
    save("cu", [len(OFFSETS)], OFFSETS, "i")
    widths = {"q": K, "k": K, "v": V, "beta": 1, "g": 1 if gate == "head" else K}
    generator, inputs = random.Random(7), {}
    for name, width in widths.items():
        shape = [TOKENS, HEADS] + ([width] if width > 1 else [])
        values = [generator.uniform(-0.4, 0.4) for _ in range(TOKENS * HEADS * width)]
        if name == "g":
            values = [-abs(x) for x in values]
        inputs[name] = ([1] + shape, values)
    output, states = run(chunk, inputs)
    start = OFFSETS[SEQUENCE]
    first = start + (TOKEN - start) // chunk * chunk
    for name, width in widths.items():
        values = list(inputs[name][1])
        at = (TOKEN * HEADS + HEAD) * width
        values[at:at + width] = [float("nan")] * width
        got_output, got_states = run(chunk, {**inputs, name: (inputs[name][0], values)})
        own = TOKEN * HEADS + HEAD
        if rows(got_output, V)[own] == rows(output, V)[own]:
            print("a NaN in %s does not reach its own token" % name)
        for i, (got, want) in enumerate(zip(rows(got_output, V), rows(output, V))):
            token, head = divmod(i, HEADS)
            if got != want and (head != HEAD or token < first):
                print("a NaN in %s reaches token %d of head %d" % (name, token, head))
        for i, (got, want) in enumerate(zip(rows(got_states, K * V), rows(states, K * V))):
            if got != want and i != SEQUENCE * HEADS + HEAD:
                print("a NaN in %s reaches state %d" % (name, i))
    print("done")


main()
