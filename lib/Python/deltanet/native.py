"""Calls into packages: by the extension module `_call` where there is one, else by ctypes.

The extension is one file of C, `call.c`. Where a C compiler is found it is built once, into the
user's cache (DELTANET_BUILD_CALL=0: not; `python -m deltanet.native` says what is used);
`_call.abi3.so` beside this file is used before that. ctypes does the same, slower.
"""
import ctypes
import hashlib
import importlib.machinery
import importlib.util
import logging
import os
import shutil
import subprocess
import sys
import sysconfig
import tempfile

import torch

from . import cache

logger = logging.getLogger("deltanet")
HERE = os.path.dirname(os.path.abspath(__file__))
CODES = {torch.bfloat16: 4, torch.float16: 2, torch.float32: 2, torch.float64: 2, torch.int32: 0, torch.int64: 0,
         torch.uint8: 1, torch.int8: 0, torch.int16: 0, torch.bool: 6}

NO_WORKSPACE = -25  # of `call`: bytes are needed, and only the caller can allocate them
PLACES = {"cpu": 1, "cuda": 2}  # device types of DLPack; a KeyError for any other


class DLDevice(ctypes.Structure):
    _fields_ = [("type", ctypes.c_int32), ("id", ctypes.c_int32)]


class DLDataType(ctypes.Structure):
    _fields_ = [("code", ctypes.c_uint8), ("bits", ctypes.c_uint8), ("lanes", ctypes.c_uint16)]


class DLTensor(ctypes.Structure):
    _fields_ = [("data", ctypes.c_void_p), ("device", DLDevice), ("ndim", ctypes.c_int32), ("dtype", DLDataType),
                ("shape", ctypes.POINTER(ctypes.c_int64)), ("strides", ctypes.POINTER(ctypes.c_int64)),
                ("byte_offset", ctypes.c_uint64)]


class Call(ctypes.Structure):
    _fields_ = [("struct_size", ctypes.c_uint32), ("flags", ctypes.c_uint32), ("stream", ctypes.c_void_p),
                ("workspace", ctypes.c_void_p), ("workspace_bytes", ctypes.c_uint64), ("device", ctypes.c_int32)]


def views(tensors):
    """DLTensors of tensors, which have to outlive them."""
    made = []
    for tensor in tensors:
        device, rank = tensor.device, tensor.dim()
        extents = ctypes.c_int64 * rank
        place = DLDevice(PLACES[device.type], device.index or 0)
        kind = DLDataType(CODES[tensor.dtype], tensor.element_size() * 8, 1)
        made.append(DLTensor(tensor.data_ptr(), place, rank, kind, extents(*tensor.shape), extents(*tensor.stride()), 0))
    return made


def _by_ctypes(address, inputs, outputs, workspace, bytes_):
    """What the function at `address` returned, -1 - i where input i has to be copied first, or NO_WORKSPACE."""
    for i, tensor in enumerate(inputs):
        if not tensor.is_contiguous() or tensor.data_ptr() % 16 and tensor.numel():
            return -1 - i
    if bytes_ and not workspace:
        return NO_WORKSPACE
    every = views(inputs + outputs)
    device = inputs[0].device
    stream = torch.cuda.current_stream(device).cuda_stream if device.type == "cuda" else None
    options = Call(ctypes.sizeof(Call), 0, stream, workspace or None, bytes_, -1)
    run = ctypes.CFUNCTYPE(ctypes.c_int32, *[ctypes.c_void_p] * (len(every) + 1))(address)
    return run(ctypes.addressof(options), *[ctypes.addressof(view) for view in every])


def _import(path):
    loader = importlib.machinery.ExtensionFileLoader("deltanet._call", path)
    module = importlib.util.module_from_spec(importlib.util.spec_from_loader("deltanet._call", loader))
    loader.exec_module(module)
    return module


def _built_path():
    with open(os.path.join(HERE, "call.c"), "rb") as file:
        digest = hashlib.sha256(file.read()).hexdigest()[:16]
    return os.path.join(cache.folder(), f"_call-{digest}.abi3.so")


def build():
    """Compiles call.c into the user's cache; returns the path."""
    compiler = os.environ.get("CC") or shutil.which("cc") or shutil.which("gcc") or shutil.which("clang")
    if not compiler:
        raise cache.CompileError("expects a C compiler in CC or on PATH (cc, gcc, clang) to build deltanet's call.c")
    path = _built_path()
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with tempfile.TemporaryDirectory(dir=os.path.dirname(path)) as out:
        made = os.path.join(out, "_call.so")
        include = sysconfig.get_paths()["include"]
        done = subprocess.run([compiler, "-O2", "-shared", "-fPIC", f"-I{include}", os.path.join(HERE, "call.c"), "-o",
                               made], capture_output=True, text=True)
        if done.returncode:
            raise cache.CompileError(f"{compiler} cannot build call.c:\n{done.stderr.strip()}")
        os.replace(made, path)
    return path


def _extension():
    """The extension module, and why there is none."""
    capsule = getattr(torch.Tensor, "__dlpack_c_exchange_api__", None)
    if capsule is None or isinstance(capsule, int):
        return None, "this PyTorch has no table of DLPack's exchange functions"
    if os.environ.get("DELTANET_NO_EXTENSION"):
        return None, "DELTANET_NO_EXTENSION is set"
    shipped = os.path.join(HERE, "_call.abi3.so")
    path = shipped if os.path.exists(shipped) else _built_path()
    try:
        if not os.path.exists(path):
            if os.environ.get("DELTANET_BUILD_CALL", "1") == "0":
                return None, "it is not built, and DELTANET_BUILD_CALL is 0"
            path = build()
        module = _import(path)
        module.use(capsule)
        return module, None
    except (ImportError, OSError, RuntimeError, ValueError) as error:
        return None, str(error)


extension, why_not = _extension()
call = extension.call if extension else _by_ctypes
if why_not:
    logger.info("calls go through ctypes: %s", why_not)


if __name__ == "__main__":
    print(build() if sys.argv[1:] == ["build"] else extension or f"ctypes: {why_not}")
