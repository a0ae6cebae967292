"""Calls a package by ctypes, without NumPy."""
import ast
import ctypes
import json
import struct

TYPES = {"bf16": (4, 16), "f16": (2, 16), "f32": (2, 32), "f64": (2, 64), "i32": (0, 32),
         "i64": (0, 64)}
CPU, CUDA = 1, 2


class Device(ctypes.Structure):
    _fields_ = [("type", ctypes.c_int32), ("id", ctypes.c_int32)]


class Type(ctypes.Structure):
    _fields_ = [("code", ctypes.c_uint8), ("bits", ctypes.c_uint8), ("lanes", ctypes.c_uint16)]


class Tensor(ctypes.Structure):
    _fields_ = [("data", ctypes.c_void_p), ("device", Device), ("ndim", ctypes.c_int32),
                ("dtype", Type), ("shape", ctypes.POINTER(ctypes.c_int64)),
                ("strides", ctypes.POINTER(ctypes.c_int64)), ("byte_offset", ctypes.c_uint64)]


class Call(ctypes.Structure):
    _fields_ = [("struct_size", ctypes.c_uint32), ("flags", ctypes.c_uint32),
                ("stream", ctypes.c_void_p), ("workspace", ctypes.c_void_p),
                ("workspace_bytes", ctypes.c_uint64), ("device", ctypes.c_int32)]


def make_tensor(shape, kind, address, device=(CPU, 0), strides=None):
    code, bits = TYPES[kind]
    tensor = Tensor()
    tensor.data = address
    tensor.device = Device(*device)
    tensor.ndim = len(shape)
    tensor.dtype = Type(code, bits, 1)
    tensor.shape = (ctypes.c_int64 * len(shape))(*shape)
    if strides:
        tensor.strides = (ctypes.c_int64 * len(shape))(*strides)
    return tensor


class Buffer:
    """Bytes aligned to 64."""

    def __init__(self, contents):
        self.size = len(contents)
        self.raw = ctypes.create_string_buffer(len(contents) + 64)
        base = ctypes.addressof(self.raw)
        self.address = base + -base % 64
        ctypes.memmove(self.address, contents, len(contents))

    def read(self):
        return ctypes.string_at(self.address, self.size)


class Package:
    def __init__(self, path, prefix):
        self.library = ctypes.CDLL(path)
        self.prefix = prefix
        for name in ("last_error", "manifest"):
            self.get(name).restype = ctypes.c_char_p
        self.manifest = json.loads(self.get("manifest")().decode())
        self.arguments = self.manifest["arguments"]

    def get(self, name):
        return getattr(self.library, self.prefix + "_" + name)

    def error(self):
        return self.get("last_error")().decode()

    def pointers(self, tensors):
        return [None if t is None else ctypes.byref(t) for t in tensors]

    def run(self, tensors, call=None):
        return self.get("run")(None if call is None else ctypes.byref(call),
                               *self.pointers(tensors))

    def workspace(self, tensors):
        bytes_ = ctypes.c_uint64(12345)
        code = self.get("workspace")(*self.pointers(tensors), ctypes.byref(bytes_))
        return code, bytes_.value


def make_call(**entries):
    call = Call(struct_size=ctypes.sizeof(Call), device=-1)
    for name, value in entries.items():
        setattr(call, name, value)
    return call


def read_npy(path):
    """The shape and the bytes."""
    with open(path, "rb") as file:
        contents = file.read()
    length, = struct.unpack_from("<H", contents, 8)
    header = ast.literal_eval(contents[10:10 + length].decode())
    return header["shape"], contents[10 + length:]
