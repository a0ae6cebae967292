"""The recurrences token by token in float64, differentiated by PyTorch; and how far results are off."""
import torch


def scan(q, k, v, beta, decay, state, scale):
    """One sequence: [T, H, ...]; decay [T, H, K] or None. Returns o and the state, [H, K, V]."""
    outputs = []
    for t in range(q.shape[0]):
        if decay is not None:
            state = state * decay[t].exp()[..., None]
        u = v[t]
        if beta is not None:
            u = beta[t, :, None] * (u - torch.einsum("hkv,hk->hv", state, k[t]))
        state = state + k[t][..., None] * u[:, None]
        outputs.append(torch.einsum("hkv,hk->hv", state, q[t]) * scale)
    return torch.stack(outputs) if outputs else v, state


def recurrence(q, k, v, beta=None, decay=None, initial=None, offsets=None, scale=None, norm=False, sigmoid=0,
               v_first=False, reverse=False):
    """(o, final state), float64, of tensors as the drop-in functions take them; decay may be [H]."""
    q, k, v, beta, decay, initial = (None if x is None else x.double() for x in (q, k, v, beta, decay, initial))
    H, K, V = v.shape[2], q.shape[3], v.shape[3]
    if norm:
        q, k = (x / (x.square().sum(-1, keepdim=True) + 1e-6).sqrt() for x in (q, k))
    q, k = (x.repeat_interleave(H // q.shape[2], 2) for x in (q, k))
    beta = sigmoid * beta.sigmoid() if sigmoid else beta
    if decay is not None:
        decay = decay.expand(*v.shape[:3]) if decay.dim() == 1 else decay
        decay = decay.unsqueeze(-1).expand(*decay.shape, K) if decay.dim() == 3 else decay
    scale = K ** -0.5 if scale is None else scale
    if offsets is None:
        parts = [(b, 0, q.shape[1]) for b in range(q.shape[0])]
    else:
        parts = [(0, a, b) for a, b in zip(offsets.tolist(), offsets.tolist()[1:])]
    outputs, states = [], []
    for n, (b, first, last) in enumerate(parts):
        rows = [None if x is None else x[b, first:last] for x in (q, k, v, beta, decay)]
        rows = [None if x is None else x.flip(0) if reverse else x for x in rows]
        state = v.new_zeros(H, K, V)
        if initial is not None:
            state = initial[n].transpose(-1, -2) if v_first else initial[n]
        o, state = scan(*rows, state, scale)
        outputs.append(o.flip(0) if reverse else o)
        states.append(state.transpose(-1, -2) if v_first else state)
    o = torch.stack(outputs) if offsets is None else torch.cat(outputs).unsqueeze(0)
    return o, torch.stack(states)


def off(got, expected):
    """The relative Frobenius error; of nothing, zero."""
    expected = expected.double()
    if not expected.numel():
        assert got.shape == expected.shape
        return 0.0
    error, size = (got.double() - expected).norm().item(), expected.norm().item()
    return error if size == 0 else error / size


def hold(name, got, expected, allowed):
    assert tuple(got.shape) == tuple(expected.shape), f"{name}: {tuple(got.shape)} in place of {tuple(expected.shape)}"
    error = off(got, expected)
    assert error <= allowed, f"{name} is off by {error:.2e}, {allowed:.1e} allowed"
    return error
