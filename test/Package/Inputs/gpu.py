"""gpu.py LIBRARY PREFIX SIZES...: calls a package with tensors at made-up addresses
of a CUDA device that only records; SIZES are B=1 T=65 ..."""
import os
import sys

import package

library, prefix = sys.argv[1:3]
sizes = dict((name, int(value)) for name, value in (a.split("=") for a in sys.argv[3:]))
kernel = package.Package(library, prefix)


def tensors(device=0):
    result, address = [], 0x10000000
    for argument in kernel.arguments:
        shape = [eval(text.replace("/", "//"), {"ceildiv": lambda a, b: -(-a // b)}, dict(sizes))
                 for text in argument["shape"]]
        result.append(package.make_tensor(shape, argument["type"], address,
                                          (package.CUDA, device)))
        address += 0x10000000
    return result


print("load", kernel.get("load")(0), kernel.error())
code, workspace = kernel.workspace(tensors())
print("workspace", code, workspace)
call = package.make_call(stream=0x55, workspace=0x100, workspace_bytes=workspace)
print("run", kernel.run(tensors(), call), kernel.error())
os.environ["FAKE_CUDA_FAIL"] = "x"
wrong = tensors()
wrong[1] = package.make_tensor([1, 2, 3], kernel.arguments[1]["type"], 0x20000000,
                               (package.CUDA, 0))
print("rank", kernel.run(wrong, call), kernel.error())
print("device", kernel.run(tensors(7), call), kernel.error())
print("unload", kernel.get("unload")())
