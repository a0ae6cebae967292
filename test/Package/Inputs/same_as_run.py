"""same_as_run.py LIBRARY PREFIX FOLDER: runs a package on the .npy files that
`deltanet run` wrote of its arguments; results must have the same bits. Then again
with every pair that may be the same memory in the same memory, and from several
threads at once."""
import sys
import threading

import package

library, prefix, folder = sys.argv[1:4]
kernel = package.Package(library, prefix)
files = {a["name"]: package.read_npy(f"{folder}/{a['name']}.npy") for a in kernel.arguments}


def run(in_place):
    buffers, tensors = {}, []
    for argument in kernel.arguments:
        name = argument["name"]
        shape, contents = files[name]
        if argument["role"] == "output":
            contents = b"\xff" * len(contents)
        buffers[name] = package.Buffer(contents)
    if in_place:
        for alias in kernel.manifest["aliases"]:
            buffers[alias["output"]] = buffers[alias["input"]]
    for argument in kernel.arguments:
        tensors.append(package.make_tensor(files[argument["name"]][0], argument["type"],
                                           buffers[argument["name"]].address))
    code = kernel.run(tensors)
    if code:
        return f"{code}: {kernel.error()}"
    for argument in kernel.arguments:
        name = argument["name"]
        if argument["role"] == "output" and buffers[name].read() != files[name][1]:
            return f"{name} differs"
    if kernel.workspace(tensors) != (0, 0):
        return "a processor needs a workspace"
    return "the same"


print(run(in_place=False))
print("in place,", len(kernel.manifest["aliases"]), "pairs:", run(in_place=True))
answers = []
threads = [threading.Thread(target=lambda: answers.append(run(False))) for _ in range(6)]
for thread in threads:
    thread.start()
for thread in threads:
    thread.join()
print("threads:", *sorted(set(answers)))
