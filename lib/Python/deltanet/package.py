"""A package, NAME.so, and its functions, called with PyTorch's tensors.

    package = Package("gated.so", "gated")
    o, state = package.main([q, k, v, beta, g])

Outputs and workspace come from PyTorch's allocator, kernels go into the current stream of the
tensors' device. Inputs that are not row-major, or not aligned, are copied. Everything else is
checked by the package, which says what is wrong.
"""
import ctypes
import json
import os
import threading

import torch

from . import native
from .layout import LayoutError, shapes_of

TYPES = {"bf16": torch.bfloat16, "f16": torch.float16, "f32": torch.float32, "f64": torch.float64,
         "i32": torch.int32, "i64": torch.int64}
FORMAT = 1       # of manifests
_CONTIGUOUS = torch.contiguous_format
PLANS_KEPT = 4096  # shapes that a function remembers


class PackageError(RuntimeError):
    """A package that cannot do what it was asked for; `code` is one of the C interface."""

    def __init__(self, text, code=0):
        super().__init__(text)
        self.code = code


class TensorError(PackageError, ValueError):
    """A tensor that is not what the function takes."""


class Function:
    """One function of a package: `prefix`_run and its companions."""

    def __init__(self, library, prefix, path):
        self.prefix, self.path = prefix, path
        get = lambda name: getattr(library, f"{prefix}_{name}")
        try:
            self._run, self._workspace, self._load = get("run"), get("workspace"), get("load")
            self._last_error, self._manifest = get("last_error"), get("manifest")
        except AttributeError as error:
            raise PackageError(f"expects functions {prefix}_... in '{path}': {error}") from None
        self._last_error.restype = self._manifest.restype = ctypes.c_char_p
        self._address = ctypes.cast(self._run, ctypes.c_void_p).value
        self.manifest = json.loads(self._manifest())
        if self.manifest.get("format") != FORMAT:
            raise PackageError(f"expects a manifest of format {FORMAT} in '{path}', got {self.manifest.get('format')}")
        arguments = self.manifest["arguments"]
        self.inputs = [a for a in arguments if a["role"] == "input"]
        self.outputs = [a for a in arguments if a["role"] == "output"]
        self.types = [TYPES[a["type"]] for a in self.outputs]
        self.shapes = shapes_of(self.inputs, self.outputs)
        self._plans, self._lock = {}, threading.Lock()

    def _fail(self, code):
        text = (self._last_error() or b"").decode(errors="replace")
        raise (TensorError if code == 1 else PackageError)(f"{text} [{self.path}]", code)

    def _check(self, inputs):
        """What neither the shapes nor the package would say clearly."""
        if len(inputs) != len(self.inputs):
            raise TensorError(f"expects {len(self.inputs)} tensors ({', '.join(a['name'] for a in self.inputs)}), "
                              f"got {len(inputs)}", 1)
        for argument, tensor in zip(self.inputs, inputs):
            if tensor.device != inputs[0].device:
                raise TensorError(f"expects one device, got '{argument['name']}' on {tensor.device} and "
                                  f"'{self.inputs[0]['name']}' on {inputs[0].device}", 1)
            if tensor.dtype != TYPES[argument["type"]]:
                raise TensorError(f"expects '{argument['name']}' of {argument['type']}, got {tensor.dtype}", 1)
        if inputs[0].device.type not in ("cpu", "cuda"):
            raise TensorError(f"expects tensors of a processor or a CUDA device, got {inputs[0].device}", 1)

    def _plan(self, key, inputs):
        """Shapes of outputs and the bytes of workspace for inputs of these shapes."""
        self._check(inputs)
        device = inputs[0].device
        number = device.index if device.type == "cuda" else -1
        code = self._load(number)
        if code:
            self._fail(code)
        try:
            shapes = self.shapes(*[t.shape for t in inputs])
        except LayoutError as error:
            raise TensorError(f"{error} [{self.path}]", 1) from None
        outputs = [torch.empty(shape, dtype=kind, device=device) for shape, kind in zip(shapes, self.types)]
        needed = ctypes.c_uint64()
        views = native.views([self._plain(t) for t in inputs] + outputs)
        code = self._workspace(*[ctypes.byref(v) for v in views], ctypes.byref(needed))
        if code:
            self._fail(code)
        plan = (self._allocations(inputs, shapes), needed.value)
        with self._lock:
            if len(self._plans) >= PLANS_KEPT:
                self._plans.clear()
            self._plans[key] = plan
        return plan

    def _allocations(self, inputs, shapes):
        """How to allocate each output: like input i, which is quickest, or of this shape and type."""
        known = {(t.shape, t.dtype): i for i, t in reversed(list(enumerate(inputs)))}
        return [(known.get((torch.Size(shape), kind), -1), shape, kind) for shape, kind in zip(shapes, self.types)]

    @staticmethod
    def _plain(tensor):
        """Row-major and aligned."""
        tensor = tensor.contiguous()
        return tensor.clone() if tensor.data_ptr() % 16 else tensor

    def plan(self, inputs):
        """How to call it with tensors of these shapes and types: what `call` wants."""
        key = (inputs[0].device, *[t.shape for t in inputs], *[t.dtype for t in inputs])
        return self._plans.get(key) or self._plan(key, inputs)

    def call(self, plan, inputs):
        """The outputs, in a list, of `inputs`, a list of tensors in the function's order."""
        allocations, bytes_ = plan
        outputs = [torch.empty_like(inputs[i], memory_format=_CONTIGUOUS) if i >= 0 else
                   torch.empty(shape, dtype=kind, device=inputs[0].device) for i, shape, kind in allocations]
        try:
            code = native.call(self._address, inputs, outputs, 0, bytes_)
        except (BufferError, RuntimeError, KeyError) as error:  # no memory of a processor or a GPU
            self._check(inputs)
            raise TensorError("expects tensors that DLPack can describe: " + str(error).partition("\n")[0], 1) from None
        if code:
            self._again(code, inputs, outputs, bytes_)
        return outputs

    def __call__(self, inputs):
        return self.call(self.plan(inputs), inputs)

    def _again(self, code, inputs, outputs, bytes_):
        """After a call that returned `code`: with copies and a workspace where those were missing."""
        if code < 0:
            inputs, address = [self._plain(t) for t in inputs], 0
            if bytes_:  # it lives until the kernels are queued: the allocator knows the stream
                space = torch.empty(bytes_, dtype=torch.uint8, device=outputs[0].device)
                address = space.data_ptr()
            code = native.call(self._address, inputs, outputs, address, bytes_)
        if code:
            self._fail(code)


class Package:
    """The functions of a library: main, and forward and backward where it has a gradient."""

    def __init__(self, path, prefix=None):
        self.path = os.path.abspath(path)
        prefix = prefix or os.path.basename(path).split(".")[0]
        try:
            library = ctypes.CDLL(self.path)
        except OSError as error:
            raise PackageError(f"cannot load '{path}': {error}") from None
        self.main = Function(library, prefix, self.path)
        gradient = self.main.manifest.get("gradient")
        self.of = gradient["of"] if gradient else []
        self.from_ = gradient["from"] if gradient else []
        names = lambda arguments: [argument["name"] for argument in arguments]
        self.of_is_all = list(self.of) == names(self.main.inputs)
        self.from_is_all = list(self.from_) == names(self.main.outputs)
        self.kept = len(gradient["kept"]) if gradient else 0
        self.forward = Function(library, gradient["forward"], self.path) if gradient else None
        self.backward = Function(library, gradient["backward"], self.path) if gradient else None
