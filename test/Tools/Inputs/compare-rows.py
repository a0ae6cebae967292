"""What can be checked of tools/compare without a GPU: compare-rows.py TOOL OUT."""
import sys

sys.path.insert(0, sys.argv[1])
import launches  # noqa: E402
import rows  # noqa: E402

print("every goal has a row:", " ".join(row.name for row in rows.GOALS if row.needed or row.copy_share))
print(f"{len({row.peer for row in rows.CLASSES})} classes")
for row in rows.GOALS + rows.MORE + rows.CLASSES:
    for static in (False, True):
        with open(f"{sys.argv[2]}/{row.name}.{static}.mlir", "w") as file:
            file.write(row.mlir(static))

sizes = {"T": 130, "H": 3, "N": 2}
for text, value in {"7": 7, "T": 130, "ceildiv(T, 64)": 3, "ceildiv(T, 64) * H": 9, "T / 64": 2, "-T / 64": -3,
                    "min(T, 64) + max(H, N)": 67, "(T + 1) * 2 - H": 259, "N + 1": 3}.items():
    assert launches.evaluate(text, sizes) == value, text
print("expressions agree")
for text in ("T / 0", "T.real", "T +"):
    try:
        print("accepted", launches.evaluate(text, {"T": 1}))
    except ValueError as error:
        print(f"refused: {error}")
try:
    launches.read("nothing")
except ValueError as error:
    print(f"refused: {error}")
few = [{"variant": "few", "when": "B * H * 4 <= M", "kernel": "a"}, {"kernel": "b"}]
for heads in (33, 34):
    print(f"{heads} heads:", [e["kernel"] for e in launches.choose(few, {"B": 1, "H": heads, "M": 132})])
try:
    launches.choose([{"variant": "few", "when": "B < M"}], {"B": 1, "M": 2})
except ValueError as error:
    print(f"refused: {error}")
print("modules:", len(launches.split("// deltanet.launch {}\n//\n.version 7.8\n.entry a\n\n.version 7.8\n.entry b\n")))
