"""The recurrence in float64, token by token, for many heads at once; inputs of rows."""
import math

import torch
import torch.nn.functional as F

from programs import DTYPES

FLOOR = -1e4  # of a log-decay


def make_inputs(row, seed=1, device="cuda"):
    """Tensors by name: unit keys, betas in (0, 1), log-decays of logsigmoid(normal) / 16."""
    generator = torch.Generator(device).manual_seed(seed)
    inputs, _ = row.shapes()
    tensors = {}
    for name, (extents, element) in inputs.items():
        normal = torch.randn(extents, generator=generator, device=device, dtype=torch.float32)
        if name in ("k", "a"):
            normal = F.normalize(normal, dim=-1)
        elif name == "b":  # -eta a
            eta = torch.rand(extents[:-1], generator=generator, device=device)
            normal = eta.unsqueeze(-1) * tensors["a"].float()
            tensors["a"] = -tensors["a"]
        elif name == "beta":
            normal = torch.rand(extents, generator=generator, device=device)
        elif name == "decay":
            normal = F.logsigmoid(normal) / 16
        elif name in ("initial", "bonus"):
            normal = normal / 2
        tensors[name] = normal.to(DTYPES[element])
    if row.peer in ("retention", "lightning"):  # a constant of each head
        heads = torch.arange(row.H, device=device, dtype=torch.float32)
        constant = torch.log(1 - torch.pow(2.0, -5 - heads)) if row.peer == "retention" else -(8 / row.H / 2) * heads
        tensors["decay"] = constant.expand(tensors["decay"].shape).contiguous()
    if row.peer == "comba":
        make_comba(tensors, generator)
    return tensors


def make_comba(tensors, generator):
    """b = -beta k and v = beta v' with beta of 1/4, 1/2 and 1: nothing is rounded twice."""
    k, v = tensors["k"], tensors["v"]
    exponent = torch.randint(-2, 1, k.shape[:-1], generator=generator, device=k.device)
    beta = torch.pow(2.0, exponent.float()).to(k.dtype)
    tensors.update(a=tensors["k"] * 0.5, b=-beta.unsqueeze(-1) * k, v=beta.unsqueeze(-1) * v)
    tensors["peer_beta"], tensors["peer_v"] = beta, v


def units(row, count):
    """Heads of batch entries, spread over all: indices b and h."""
    all_ = row.B * row.H
    count = min(count, all_)
    index = torch.tensor([i * all_ // count for i in range(count)])
    return index // row.H, index % row.H


def run(row, tensors, count=64):
    """o[T, M, V] and the state [M, K, V] of M heads, and which heads these are."""
    b, h = (index.to(tensors["q"].device) for index in units(row, count))
    pick = lambda name: tensors[name][b, :, h].transpose(0, 1).double() if name in tensors else None  # T x M ...
    q, k, v, beta, decay, a, c = (pick(name) for name in ("q", "k", "v", "beta", "decay", "a", "b"))
    M, K, V = q.shape[1], q.shape[2], v.shape[2]
    S = torch.zeros(M, K, V, dtype=torch.float64, device=q.device)
    if "initial" in tensors:
        S += state_of(row, tensors["initial"], b, h)
    bonus = tensors["bonus"][h].double() if row.bonus else None
    if decay is not None:
        alpha = decay.clamp(min=FLOOR).exp()
        alpha = alpha.unsqueeze(-1) if row.decay == "channel" else alpha.view(*alpha.shape, 1, 1)
    o = torch.empty(row.T, M, V, dtype=torch.float64, device=q.device)
    times = lambda x, S: torch.bmm(x.unsqueeze(1), S).squeeze(1)
    for t in range(row.T):
        if row.before:
            o[t] = times(q[t], S)
        for n in range(row.steps):
            i = t * row.steps + n
            x = times(a[i], S) if a is not None else None
            if decay is not None and n == 0:
                S *= alpha[t]
            u = beta[i].unsqueeze(-1) * (v[i] - times(k[i], S)) if beta is not None else v[i]
            S.baddbmm_(k[i].unsqueeze(2), u.unsqueeze(1))
            if a is not None:
                S.baddbmm_(c[i].unsqueeze(2), x.unsqueeze(1))
        if not row.before:
            o[t] = times(q[t], S)
        elif bonus is not None:
            o[t] += (q[t] * bonus * k[t]).sum(-1, keepdim=True) * u
    scale = 1 / math.sqrt(K) if row.scale is None else row.scale
    return o * scale, S, (b, h)


def state_of(row, state, b, h):
    """States of some heads, K x V, in float64."""
    part = state[b, h].double()
    return part.transpose(1, 2) if row.state_layout == "vk" else part


def relative(got, want):
    """Frobenius; not finite anywhere is infinite."""
    if not bool(torch.isfinite(got).all()):
        return math.inf
    size = want.norm().item()
    return (got.double() - want).norm().item() / size if size else (got.double().norm().item() and math.inf)


def errors(row, expected, o, state=None):
    """The error of o, and of the state where there is one."""
    want_o, want_state, (b, h) = expected
    found = {"o": relative(o[b, :, h].transpose(0, 1), want_o)}
    if not bool(torch.isfinite(o).all()):
        found["o"] = math.inf
    if state is not None:
        found["state"] = relative(state_of(row, state, b, h), want_state)
    return found
