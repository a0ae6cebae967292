# lit.cfg.py - how the tests of this folder run: tools on PATH, what a test may
# require. Run them with tools/check, or `ninja check-deltanet` in a build.
import os
import shutil
import sys

import lit.formats

config.name = "deltanet"
config.test_format = lit.formats.ShTest(execute_external=False)
config.suffixes = [".mlir", ".test"]
config.excludes = ["Inputs", "Unit", "Examples"]  # Examples: programs that tests run
config.test_source_root = os.path.dirname(__file__)
config.test_exec_root = os.path.join(config.deltanet_obj_root, "test")

# `tools/check --all` runs the long sweeps too.
if not lit_config.params.get("exhaustive"):
    config.excludes.append("Exhaustive")

# Ours first, then FileCheck, not and split-file of the LLVM that we build with.
path = [config.deltanet_tools_dir, config.llvm_tools_dir]
cuda = "/usr/local/cuda/bin"
if not shutil.which("ptxas") and os.path.exists(os.path.join(cuda, "ptxas")):
    path.append(cuda)
config.environment["PATH"] = os.pathsep.join(path + [os.environ.get("PATH", "")])
for name in ("ASAN_OPTIONS", "UBSAN_OPTIONS", "HOME"):
    if name in os.environ:
        config.environment[name] = os.environ[name]

# A test that shows nothing when it fails is no help.
config.environment["FILECHECK_OPTS"] = "--dump-input-filter=error"

# Programs that tests build link our libraries, so their sanitizers too.
config.cxx_flags = "-std=c++17"
if config.deltanet_sanitize:
    config.cxx_flags += " -fsanitize=" + config.deltanet_sanitize

# What a test may ask for with `REQUIRES:`.
if shutil.which("ptxas", path=config.environment["PATH"]):
    config.available_features.add("ptxas")
if shutil.which("pkg-config"):
    config.available_features.add("pkg-config")
if os.path.exists("/dev/nvidiactl"):
    config.available_features.add("gpu")
if config.deltanet_sanitize:
    config.available_features.add("sanitize")

config.substitutions.append(("%src", config.deltanet_src_root))
config.substitutions.append(("%obj", config.deltanet_obj_root))
config.substitutions.append(("%fakedriver", os.path.join(config.deltanet_obj_root, "test", "fake-driver")))
config.substitutions.append(("%cmake", config.cmake))
config.substitutions.append(("%python", sys.executable))
config.substitutions.append(("%cxxflags", config.cxx_flags))
config.substitutions.append(("%cxx", config.cxx))
config.substitutions.append(("%cc", config.cc))
config.substitutions.append(("%libdir", config.libdir))
