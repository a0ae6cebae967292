"""dropin.py PACKAGE PEER: the peer's names lead to ours; a package of the user's own is differentiable."""
import sys

import torch

import deltanet
from reference import hold, recurrence

sys.path.insert(0, sys.argv[2])
import fla.layers  # noqa: E402

print("replaced", *sorted(deltanet.install_as_fla()))
from fla.ops.gla import chunk_gla  # noqa: E402
assert fla.layers.chunk_delta_rule is deltanet.chunk_delta_rule and fla.layers.rule is chunk_gla is deltanet.chunk_gla
assert deltanet.install_as_fla() == {}
print("layer uses", fla.layers.rule.__module__)

torch.manual_seed(0)
function = deltanet.load(sys.argv[1], "delta")
q, k, v = torch.randn(2, 20, 2, 32), torch.nn.functional.normalize(torch.randn(2, 20, 2, 32), dim=-1), \
    torch.randn(2, 20, 2, 16)
inputs = [x.requires_grad_() for x in (q, k, v, torch.rand(2, 20, 2), torch.randn(2, 2, 32, 16))]


def check(call):
    results, expected = call(*inputs), recurrence(*inputs[:4], None, inputs[4])
    given = [torch.randn_like(x) for x in results]
    for name, got, want in zip(("o", "state"), results, expected):
        hold(name, got, want, 1e-5)
    for name, got, want in zip(("q", "k", "v", "beta", "before"), torch.autograd.grad(results, inputs, given),
                               torch.autograd.grad(expected, inputs, [x.double() for x in given])):
        hold("d" + name, got, want, 2e-5)


check(function)
print("loaded ok")
check(torch.compile(lambda *x: tuple(function(*x)), fullgraph=True, backend="aot_eager"))
print("compiled ok")
try:
    function(*inputs[:4])
except ValueError as error:
    print(error)
