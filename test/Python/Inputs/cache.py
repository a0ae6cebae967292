"""cache.py FOLDER: where packages come from, without PyTorch: the compiler once for many processes, shipped
packages first, a newer compiler, none, and one that refuses."""
import os
import subprocess
import sys
import time

from deltanet import cache
from deltanet.operators import Operator

folder = sys.argv[1]
operator = Operator(rule="additive", type="f32", K=16, V=16)
text, words = operator.mlir(), operator.command("host")

if len(sys.argv) > 2:  # one of several processes
    while not os.path.exists(os.path.join(folder, "go")):
        time.sleep(0.01)
    print(cache.find(text, words))
    sys.exit()

real, path_of_tools = cache.compiler(), os.environ["PATH"]
os.environ["DELTANET_CACHE"] = os.path.join(folder, "cache")
log = os.path.join(folder, "log")
counting = os.path.join(folder, "counting")
with open(counting, "w") as file:
    file.write(f'#!/bin/sh\necho "$@" >> {log}\nsleep 0.5\nexec {real} "$@"\n')
os.chmod(counting, 0o755)
os.environ["DELTANET"] = counting

several = [subprocess.Popen([sys.executable, __file__, folder, "one"], stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                            text=True) for _ in range(4)]
open(os.path.join(folder, "go"), "w").close()
said = [process.communicate() for process in several]
paths = {out.strip() for out, _ in said}
assert len(paths) == 1 and os.path.exists(paths.copy().pop()), said
with open(log) as file:
    assert len(file.readlines()) == 1, "expects one compilation for four processes"
errors = "".join(error for _, error in said)
assert errors.count("compiling an operator for its first use") == 1, errors
assert errors.count("waiting for it") == 3, errors
print("four processes, one compilation")

path = cache.find(text, words)
first = os.stat(path).st_mtime_ns
os.utime(counting, (time.time() + 5, time.time() + 5))
os.utime(path, (time.time() - 5, time.time() - 5))
assert cache.find(text, words) == path and os.stat(path).st_mtime_ns != first
print("a newer compiler compiles again")

del os.environ["DELTANET"]
os.environ["PATH"] = "/nowhere"
assert cache.find(text, words) == path
print("without a compiler the cache is enough")
shipped = os.path.join(folder, "shipped")
os.makedirs(shipped)
os.rename(path, os.path.join(shipped, os.path.basename(path)))
os.environ["DELTANET_PACKAGES"] = shipped
assert cache.find(text, words).startswith(shipped)
print("shipped packages come first")

other = Operator(rule="additive", type="f32", K=16, V=16, final=True)
try:
    cache.find(other.mlir(), other.command("host"))
    raise AssertionError("expects an error")
except cache.CompileError as error:
    print(error)
    commands = [line.strip() for line in str(error).splitlines() if line.startswith("  ")]
# Under sanitizers their options go along.
options = {name: value for name, value in os.environ.items() if name.endswith("SAN_OPTIONS")}
for command in commands:  # the commands do what they say
    done = subprocess.run(["/bin/sh", "-c", command.replace("deltanet compile", f"{real} compile")], text=True,
                          capture_output=True, env={"PATH": "/usr/bin:/bin", **options})
    assert done.returncode == 0, done
print("made by hand:", os.path.exists(cache.find(other.mlir(), other.command("host"))))

os.environ["DELTANET"], os.environ["PATH"] = real, path_of_tools
try:
    cache.find("func.func @f(", words)
except cache.CompileError as error:
    print(error)
left = [name for name in os.listdir(os.path.join(folder, "cache")) if os.path.isdir(os.path.join(folder, "cache", name))]
print("folders left behind:", [name for name in left if name.startswith("tmp")])
os.environ["DELTANET"] = "/no/such/deltanet"
try:
    cache.find(other.mlir(), [*other.command("host"), "--chunk", "8"])
except cache.CompileError as error:
    print(error)
