"""Programs on the device, called on torch's stream: PTX through the driver, packages
through their C ABI."""
import copy
import ctypes
import json
import os

import torch

import launches

DEVICE = "cuda"
DTYPES = {"bf16": torch.bfloat16, "f16": torch.float16, "f32": torch.float32, "i32": torch.int32, "i64": torch.int64}


class Driver:
    """NVIDIA's driver, in the context that torch made."""

    def __init__(self):
        torch.cuda.init()
        torch.zeros(1, device=DEVICE)
        self.library = ctypes.CDLL("libcuda.so.1")

    def __call__(self, name, *arguments):
        result = getattr(self.library, name)(*arguments)
        if result:
            text = ctypes.c_char_p()
            self.library.cuGetErrorString(result, ctypes.byref(text))
            raise RuntimeError(f"{name} failed: {(text.value or b'unknown').decode()} ({result})")


class LaunchAttribute(ctypes.Structure):
    _fields_ = [("id", ctypes.c_uint), ("padding", ctypes.c_uint), ("value", ctypes.c_uint * 16)]


class LaunchConfig(ctypes.Structure):
    """Of cuLaunchKernelEx."""
    _fields_ = [("grid", ctypes.c_uint * 3), ("block", ctypes.c_uint * 3), ("shared", ctypes.c_uint),
                ("stream", ctypes.c_void_p), ("attributes", ctypes.POINTER(LaunchAttribute)),
                ("count", ctypes.c_uint)]


CLUSTER_DIMENSION = 4
MULTIPROCESSORS = 16  # of cuDeviceGetAttribute
# Of cuTensorMapEncodeTiled: types of elements, a swizzle of 128 bytes, promotion to 256 bytes of L2.
MAP_TYPES, MAP_SWIZZLES, MAP_PROMOTION = {"f16": 6, "bf16": 9}, {0: 0, 128: 3}, 3


class TensorMap:
    """A tensor map in memory aligned to 64 bytes, over `tensor` as `argument` describes it."""

    def __init__(self, driver, argument, tensor, sizes):
        kind, shape = argument["type"], argument["map"]
        if kind not in MAP_TYPES or shape["swizzle"] not in MAP_SWIZZLES:
            raise RuntimeError(f"expects 16-bit elements and a swizzle of 0 or 128 bytes in the map of "
                               f"'{argument['name']}', got {kind} and {shape['swizzle']}")
        numbers = lambda name, factor=1: [factor * launches.evaluate(text, sizes) for text in shape[name]]
        extents, strides, box = numbers("extents"), numbers("strides", tensor.element_size()), numbers("box")
        self.memory = ctypes.create_string_buffer(128 + 64)
        self.address = -(-ctypes.addressof(self.memory) // 64) * 64
        array = lambda kind, values: (kind * len(values))(*values)
        driver("cuTensorMapEncodeTiled", ctypes.c_void_p(self.address), MAP_TYPES[kind], len(extents),
               ctypes.c_void_p(tensor.data_ptr()), array(ctypes.c_uint64, extents), array(ctypes.c_uint64, strides),
               array(ctypes.c_uint32, box), array(ctypes.c_uint32, [1] * len(extents)), 0,
               MAP_SWIZZLES[shape["swizzle"]], MAP_PROMOTION, 0)


class PtxProgram:
    """The kernels of a PTX file, one after the other."""

    def __init__(self, driver, path):
        self.driver = driver
        with open(path) as file:
            text = file.read()
        self.launches = launches.read(text)
        cubin = os.path.splitext(path)[0] + ".cubin"
        if os.path.exists(cubin):
            with open(cubin, "rb") as file:
                images = [file.read()]
        else:
            images = [part.encode() + b"\0" for part in launches.split(text)]
        self.modules = [self._load(image) for image in images]
        self.functions = [self._find(launch) for launch in self.launches]

    def _load(self, image):
        module, log = ctypes.c_void_p(), ctypes.create_string_buffer(1 << 16)
        options = (ctypes.c_int * 2)(5, 6)  # error log and its size
        values = (ctypes.c_void_p * 2)(ctypes.cast(log, ctypes.c_void_p).value, len(log))
        try:
            self.driver("cuModuleLoadDataEx", ctypes.byref(module), image, 2, options, values)
        except RuntimeError as error:
            raise RuntimeError(f"{error}\n{log.value.decode(errors='replace')}") from None
        return module

    def _find(self, launch):
        function = ctypes.c_void_p()
        for module in self.modules:
            if self.driver.library.cuModuleGetFunction(ctypes.byref(function), module, launch["kernel"].encode()) == 0:
                self.driver("cuFuncSetAttribute", function, 8, launch["shared"])  # dynamic shared memory
                return function
        raise RuntimeError(f"expects a kernel {launch['kernel']} in the PTX")

    def part(self, chosen):
        """The kernels whose name `chosen` takes, as a program."""
        part = copy.copy(self)
        pairs = [(launch, f) for launch, f in zip(self.launches, self.functions) if chosen(launch["kernel"])]
        part.launches, part.functions = [launch for launch, _ in pairs], [f for _, f in pairs]
        return part

    def describe(self):
        texts = []
        for launch, function in zip(self.launches, self.functions):
            values = []
            for attribute in (4, 3):  # registers, local bytes
                value = ctypes.c_int()
                self.driver("cuFuncGetAttribute", ctypes.byref(value), attribute, function)
                values.append(value.value)
            texts.append(f"{launch['kernel']}: {values[0]} registers, {values[1]} B local, {launch['shared']} B shared")
        return "; ".join(texts)

    def prepare(self, tensors, sizes):
        """A function that queues one call on torch's stream; workspaces are its own."""
        tensors, count = dict(tensors), ctypes.c_int()
        self.driver("cuDeviceGetAttribute", ctypes.byref(count), MULTIPROCESSORS, 0)
        sizes = {**sizes, "M": count.value}
        chosen = launches.choose(self.launches, sizes)
        for launch in chosen:
            for argument in launch["arguments"]:
                if argument["role"] == "workspace" and argument["name"] not in tensors:
                    shape = [launches.evaluate(text, sizes) for text in argument["shape"]]
                    tensors[argument["name"]] = torch.empty(shape, dtype=DTYPES[argument["type"]], device=DEVICE)
                elif argument["role"] != "size":
                    self._check(argument, tensors[argument["name"]], sizes)
        calls = [self._bind(launch, function, tensors, sizes)
                 for launch, function in zip(self.launches, self.functions) if launch in chosen]

        def call():
            stream = ctypes.c_void_p(torch.cuda.current_stream().cuda_stream)
            for function, launch, grid, values, pointers in calls:
                if 0 in grid:
                    continue  # no block: nothing to launch
                block, shared, cluster = launch["block"], launch["shared"], launch.get("cluster")
                if not cluster:
                    self.driver("cuLaunchKernel", function, *grid, block, 1, 1, shared, stream, pointers, None)
                    continue
                attribute = LaunchAttribute(CLUSTER_DIMENSION, 0, (ctypes.c_uint * 16)(*cluster))
                config = LaunchConfig((ctypes.c_uint * 3)(*grid), (ctypes.c_uint * 3)(block, 1, 1), shared, stream,
                                      ctypes.pointer(attribute), 1)
                self.driver("cuLaunchKernelEx", ctypes.byref(config), function, pointers, None)
        call.keep = tensors
        return call

    @staticmethod
    def _check(argument, tensor, sizes):
        shape = [launches.evaluate(text, sizes) for text in argument["shape"]]
        if shape != list(tensor.shape) or tensor.dtype != DTYPES[argument["type"]]:
            raise RuntimeError(f"expects '{argument['name']}' of {shape} {argument['type']}, "
                               f"got {list(tensor.shape)} {tensor.dtype}")

    def _bind(self, launch, function, tensors, sizes):
        grid = [launches.evaluate(text, sizes) for text in launch["grid"]]
        values = []
        for argument in launch["arguments"] if 0 not in grid else []:
            if argument["role"] == "size":
                values.append(ctypes.c_int64(sizes[argument["name"]]))
            elif "map" in argument:
                values.append(TensorMap(self.driver, argument, tensors[argument["name"]], sizes))
            else:
                values.append(ctypes.c_int64(tensors[argument["name"]].data_ptr()))
        addresses = [v.address if isinstance(v, TensorMap) else ctypes.addressof(v) for v in values]
        return function, launch, grid, values, (ctypes.c_void_p * len(values))(*addresses)


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


CODES = {torch.bfloat16: 4, torch.float16: 2, torch.float32: 2, torch.int32: 0, torch.int64: 0}


class PackageProgram:
    """A package: NAME.so, its functions begin with NAME."""

    def __init__(self, path):
        self.prefix = os.path.basename(path).split(".")[0]
        self.library = ctypes.CDLL(os.path.abspath(path))
        self._get("manifest").restype = self._get("last_error").restype = ctypes.c_char_p
        self.manifest = json.loads(self._get("manifest")())
        self.names = [a["name"] for a in self.manifest["arguments"] if a["role"] in ("input", "output")]
        self._check(self._get("load")(torch.cuda.current_device()))

    def _get(self, name):
        return getattr(self.library, f"{self.prefix}_{name}")

    def _check(self, code):
        if code:
            raise RuntimeError(f"{self.prefix} says: {self._get('last_error')().decode()} ({code})")

    def describe(self):
        return f"package {self.prefix}"

    @staticmethod
    def _tensor(tensor):
        shape = (ctypes.c_int64 * tensor.dim())(*tensor.shape)
        strides = (ctypes.c_int64 * tensor.dim())(*tensor.stride())
        kind = DLDataType(CODES[tensor.dtype], tensor.element_size() * 8, 1)
        return DLTensor(tensor.data_ptr(), DLDevice(2, tensor.device.index), tensor.dim(), kind, shape, strides, 0)

    def prepare(self, tensors, sizes):
        views = [self._tensor(tensors[name]) for name in self.names]
        pointers = [ctypes.byref(view) for view in views]
        needed = ctypes.c_uint64()
        self._check(self._get("workspace")(*pointers, ctypes.byref(needed)))
        workspace = torch.empty(max(needed.value, 1), dtype=torch.uint8, device=DEVICE)
        options = Call(ctypes.sizeof(Call), 0, None, workspace.data_ptr(), needed.value, torch.cuda.current_device())

        def call():
            options.stream = torch.cuda.current_stream().cuda_stream
            self._check(self._get("run")(ctypes.byref(options), *pointers))
        call.keep = (tensors, workspace, views)
        return call


def load(driver, path):
    return PackageProgram(path) if path.endswith(".so") else PtxProgram(driver, path)
