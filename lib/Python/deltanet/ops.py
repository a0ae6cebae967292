"""The operations that PyTorch knows: deltanet::scan, scan_forward and scan_backward.

A program is what a package is made from: an operator's spec (operators.py), or
`package:PATH:PREFIX` of a library that exists. In eager mode plain tensors go straight to the
package (`apply`); tracing, fake and other tensors go through the registered operations, which
compute the same.
"""
import os
import threading

import torch

from . import cache
from .operators import Operator
from .package import Package, PackageError


def target_of(device):
    """What to compile for, so that it runs on this device."""
    if device.type == "cpu":
        return "host"
    if device.type == "cuda":
        major, minor = torch.cuda.get_device_capability(device)
        return f"sm_{major}{minor}"
    raise PackageError(f"expects tensors of a processor or a CUDA device, got {device}")


class Program:
    """A function of tensors, with the packages that compute it on the devices used so far."""

    def __init__(self, spec):
        self.spec = spec
        self._by_device, self._by_target, self._lock = {}, {}, threading.Lock()
        self.path = self.prefix = self.operator = None
        if spec.startswith("package:"):
            self.path, _, self.prefix = spec[len("package:"):].rpartition(":")
        else:
            self.operator = Operator.parse(spec)

    def package(self, device):
        return self._by_device.get(device) or self._find(device)

    def _find(self, device):
        target = "" if self.path else target_of(device)
        with self._lock:
            if target not in self._by_target:
                if self.path:
                    self._by_target[target] = Package(self.path, self.prefix)
                else:
                    _log(self.spec)
                    path = cache.find(self.operator.mlir(), self.operator.command(target))
                    self._by_target[target] = Package(path, "deltanet")
            self._by_device[device] = self._by_target[target]
        return self._by_target[target]


def _log(spec):
    """For `python -m deltanet.prebuild`: which operators a program uses."""
    path = os.environ.get("DELTANET_LOG_SPECS")
    if path:
        with open(path, "a") as file:
            file.write(spec + "\n")


_programs = {}


def program(spec):
    """The program of this name, made at its first use."""
    found = _programs.get(spec)
    if found is None:
        found = _programs.setdefault(spec, Program(spec))
    return found


# Eager mode ------------------------------------------------------------------


class Bound:
    """A package, and how its functions are called with tensors of the shapes and types of `inputs`."""
    __slots__ = ("package", "plan", "backward")

    def __init__(self, package, inputs, grad):
        self.package, self.backward = package, None
        self.plan = (package.forward if grad else package.main).plan(inputs)


def gradients(bound, inputs, kept, given, needed):
    """The gradient of every input, None where there is none or `needed` says no.

    given: the gradients of the results, None where that is zero."""
    package, missing = bound.package, 0
    for g in given:
        missing += g is None
    if missing == len(given):
        return [None] * len(inputs)
    if missing:
        shapes = package.main.shapes(*[t.shape for t in inputs])
        given = [torch.zeros(shape, dtype=kind, device=inputs[0].device) if g is None else g
                 for g, shape, kind in zip(given, shapes, package.main.types)]
    tensors = [*inputs, *kept, *given]
    if bound.backward is None:
        bound.backward = package.backward.plan(tensors)
    found = package.backward.call(bound.backward, tensors)
    if package.of_is_all and all(needed):
        return found
    named = dict(zip(package.of, found))
    return [named.get(argument["name"]) if need else None for argument, need in zip(package.main.inputs, needed)]


def _given(package, grads):
    """Of the results' gradients those that the backward function takes."""
    if package.from_is_all:
        return grads
    names = [argument["name"] for argument in package.main.outputs]
    for name, grad in zip(names, grads):
        if grad is not None and name not in package.from_:
            raise PackageError(f"expects no gradient of '{name}': the package was made for gradients from "
                               f"{', '.join(package.from_)}")
    return [grad for name, grad in zip(names, grads) if name in package.from_]


class _Scan(torch.autograd.Function):
    @staticmethod
    def forward(ctx, bound, *inputs):
        package = bound.package
        outputs = package.forward.call(bound.plan, list(inputs))
        results = len(outputs) - package.kept
        ctx.bound, ctx.count = bound, len(inputs)
        ctx.set_materialize_grads(False)
        ctx.save_for_backward(*inputs, *outputs[results:])
        return tuple(outputs[:results])

    @staticmethod
    def backward(ctx, *grads):
        saved, bound = ctx.saved_tensors, ctx.bound
        inputs, kept = saved[:ctx.count], saved[ctx.count:]
        if not torch.is_grad_enabled():
            return (None, *gradients(bound, inputs, kept, _given(bound.package, grads), ctx.needs_input_grad[1:]))
        # With create_graph: the first gradient is right, and whoever differentiates it hears that it has none.
        with torch.no_grad():
            found = gradients(bound, inputs, kept, _given(bound.package, grads), ctx.needs_input_grad[1:])
        return (None, *[None if g is None else _Once.apply(g, *inputs, *grads) for g in found])


class _Once(torch.autograd.Function):
    """A gradient that depends on `others` in a way that cannot be differentiated."""

    @staticmethod
    def forward(ctx, gradient, *others):
        return gradient.view_as(gradient)

    @staticmethod
    def backward(ctx, *grads):
        raise RuntimeError("a recurrence is differentiated once: gradients of its gradients are not computed")


_modes = getattr(torch._C, "_len_torch_dispatch_stack", lambda: 0)
_PLAIN = (torch.Tensor, torch.nn.Parameter)


def is_plain(tensors):
    """Whether eager mode may go past the dispatcher: no tracing, no modes, no subclasses."""
    if torch.compiler.is_compiling() or _modes():
        return False
    for tensor in tensors:
        if type(tensor) not in _PLAIN:
            return False
    return True


def apply(spec, inputs, grad):
    """The results of a program; with `grad` as something that gradients are taken of."""
    if is_plain(inputs):
        package = program(spec).package(inputs[0].device)
        if grad and package.forward is None:
            raise PackageError(f"expects a package with a gradient, made with --grad, got '{package.path}'")
        return run(Bound(package, inputs, grad), inputs, grad)
    if grad:
        return scan_forward(inputs, spec)[:results_of(spec)]
    return scan(inputs, spec)


def run(bound, inputs, grad):
    """The same on plain tensors of the shapes and types that `bound` was made for."""
    if not grad:
        return bound.package.main.call(bound.plan, inputs)
    return _Scan.apply(bound, *inputs)


def results_of(spec):
    """How many results a program of an operator has; the rest of scan_forward's is kept."""
    return 2 if ";final=True" in spec else 1


# The dispatcher --------------------------------------------------------------

_library = torch.library.Library("deltanet", "DEF")
_library.define("scan(Tensor[] inputs, str program) -> Tensor[]")
_library.define("scan_forward(Tensor[] inputs, str program) -> Tensor[]")
_library.define("scan_backward(Tensor[] inputs, Tensor[] kept, Tensor[] gradients, str program) -> Tensor[]")


def _package(inputs, spec):
    return program(spec).package(inputs[0].device)


def _scan(inputs, spec):
    return _package(inputs, spec).main(list(inputs))


def _scan_forward(inputs, spec):
    return _package(inputs, spec).forward(list(inputs))


def _scan_backward(inputs, kept, given, spec):
    return _package(inputs, spec).backward([*inputs, *kept, *given])


def _fake(function, inputs):
    shapes = function.shapes(*[t.shape for t in inputs])
    return [inputs[0].new_empty(shape, dtype=kind) for shape, kind in zip(shapes, function.types)]


for _key in ("CPU", "CUDA"):
    _library.impl("scan", _scan, _key)
    _library.impl("scan_forward", _scan_forward, _key)
    _library.impl("scan_backward", _scan_backward, _key)

scan = torch.ops.deltanet.scan.default
scan_forward = torch.ops.deltanet.scan_forward.default
scan_backward = torch.ops.deltanet.scan_backward.default

torch.library.register_fake("deltanet::scan", lambda inputs, spec: _fake(_package(inputs, spec).main, inputs),
                            lib=_library)
torch.library.register_fake("deltanet::scan_forward",
                            lambda inputs, spec: _fake(_package(inputs, spec).forward, inputs), lib=_library)
torch.library.register_fake(
    "deltanet::scan_backward", lambda inputs, kept, given, spec:
    _fake(_package(inputs, spec).backward, [*inputs, *kept, *given]), lib=_library)


def _setup(ctx, inputs, output):
    tensors, ctx.spec = inputs
    package = _package(tensors, ctx.spec)
    ctx.count, ctx.results = len(tensors), len(output) - package.kept
    ctx.needed = [t.requires_grad for t in tensors]
    ctx.save_for_backward(*tensors, *output[ctx.results:])


def _backward(ctx, grads):
    saved, spec = ctx.saved_tensors, ctx.spec
    inputs, kept = saved[:ctx.count], saved[ctx.count:]
    package = _package(inputs, spec)
    given = _given(package, list(grads[:ctx.results]))
    shapes = package.main.shapes(*[t.shape for t in inputs])
    given = [inputs[0].new_zeros(shape, dtype=kind) if g is None else g
             for g, shape, kind in zip(given, shapes, package.main.types)]
    found = dict(zip(package.of, scan_backward(list(inputs), list(kept), given, spec)))
    return [found.get(argument["name"]) if need else None
            for argument, need in zip(package.main.inputs, ctx.needed)], None


torch.library.register_autograd("deltanet::scan_forward", _backward, setup_context=_setup, lib=_library)


class Loaded:
    """A package that a user compiled, called with tensors in its function's order."""

    def __init__(self, path, prefix=None):
        self.package = Package(path, prefix)
        self.spec = f"package:{self.package.path}:{self.package.main.prefix}"
        self.manifest = self.package.main.manifest

    def __call__(self, *inputs):
        inputs = list(inputs)
        grad = torch.is_grad_enabled() and any(t.requires_grad for t in inputs)
        if is_plain(inputs):
            results = apply(self.spec, inputs, grad)
        elif grad:
            results = scan_forward(inputs, self.spec)[:len(self.package.main.outputs)]
        else:
            results = scan(inputs, self.spec)
        return results[0] if len(results) == 1 else tuple(results)
