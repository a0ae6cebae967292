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


# The oracle itself ------------------------------------------------------------


def by_hand(row, t):
    """o and states of one batch entry by loops over numbers, as linrec's page writes them."""
    lists = {name: tensor.double().tolist() for name, tensor in t.items()}
    K, V, o = range(row.K), range(row.V), {}
    states = {}
    scale = 1 / math.sqrt(row.K) if row.scale is None else row.scale
    for h in range(row.H):
        S = [[0.0] * row.V for _ in K]
        if row.state:
            first = lists["initial"][0][h]
            S = [[first[c][j] if row.state_layout == "kv" else first[j][c] for j in V] for c in K]
        for i in range(row.T):
            q = lists["q"][0][i][h]
            read = lambda: [scale * sum(q[c] * S[c][j] for c in K) for j in V]
            before = read()
            for n in range(row.steps):
                k, v = (lists[name][0][i * row.steps + n][h] for name in "kv")
                seen = [sum(lists["a"][0][i][h][c] * S[c][j] for c in K) for j in V] if row.rule == "dplr" else None
                if row.decay != "none" and n == 0:
                    g = lists["decay"][0][i][h]
                    S = [[math.exp(max(g[c] if row.decay == "channel" else g, FLOOR)) * S[c][j] for j in V] for c in K]
                u = v
                if row.rule == "delta":
                    beta = lists["beta"][0][i * row.steps + n][h]
                    u = [beta * (v[j] - sum(k[c] * S[c][j] for c in K)) for j in V]
                S = [[S[c][j] + k[c] * u[j] + (lists["b"][0][i][h][c] * seen[j] if seen else 0) for j in V] for c in K]
            weight = scale * sum(q[c] * lists["bonus"][h][c] * k[c] for c in K) if row.bonus else 0
            o[i, h] = [before[j] + weight * u[j] for j in V] if row.before else read()
        states[h] = S
    return o, states


def self_test():
    """Compares `run` with `by_hand` for operators of every kind; returns how many there were."""
    from rows import Row
    kinds = [dict(rule=rule, decay=decay, state=state, state_layout=layout)
             for rule in ("additive", "delta", "dplr") for decay in ("none", "scalar", "channel")
             for state, layout in ((False, "kv"), (True, "kv"), (True, "vk"))]
    kinds += [dict(decay="channel", bonus=True, before=True), dict(rule="delta", before=True, scale=0.7),
              dict(rule="delta", decay="scalar", steps=3)]
    for kind in kinds:
        row = Row("test", peer="", B=1, T=6, H=2, K=3, V=2, type="f32", **kind)
        tensors = make_inputs(row, device="cpu")
        o, S, (_, heads) = run(row, tensors, 2)
        want_o, want_S = by_hand(row, tensors)
        for i, h in enumerate(heads.tolist()):
            for got, want in [(o[t, i], want_o[t, h]) for t in range(row.T)] + [(S[i], want_S[h])]:
                error = (got - torch.tensor(want, dtype=torch.float64)).abs().max().item()
                if not error < 1e-12:
                    raise AssertionError(f"the oracle is off by {error} for {kind}")
    return len(kinds)
