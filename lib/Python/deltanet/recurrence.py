"""From a call with tensors to a program: what all drop-in functions share.

`recurrence` finds the operator that fits the tensors (types, widths, which are there), makes
types agree, repeats query heads where a gradient needs it, and runs it.
"""
import torch

from .ops import apply, is_plain, program, run

NAMES = {torch.bfloat16: "bf16", torch.float16: "f16", torch.float32: "f32"}
OFFSETS = {torch.int32: "i32", torch.int64: "i64"}


def _name(tensor, what, names=NAMES):
    found = names.get(tensor.dtype)
    if found is None:
        kinds = ", ".join(str(kind).removeprefix("torch.") for kind in names)
        raise ValueError(f"expects `{what}` of {kinds}, got {tensor.dtype}")
    return found


def _agree(q, k, v):
    """Query, key and value in one type: autocast's where that is on, else the widest of theirs."""
    kind = q.device.type
    if torch.is_autocast_enabled(kind):
        wanted = torch.get_autocast_dtype(kind)
    elif q.dtype is k.dtype is v.dtype:
        return q, k, v
    else:
        wanted = torch.promote_types(torch.promote_types(q.dtype, k.dtype), v.dtype)
    return q.to(wanted), k.to(wanted), v.to(wanted)


def _check_shapes(q, k, v, beta, decay, head_decay):
    """That the tensors belong together, in the words of whoever calls."""
    if q.dim() != 4 or k.shape != q.shape:
        raise ValueError(f"expects `q` and `k` of one shape [B, T, H, K], got {list(q.shape)} and {list(k.shape)}")
    B, T, G, K = q.shape
    if v.dim() != 4 or v.shape[:2] != q.shape[:2] or v.shape[2] % G:
        raise ValueError(f"expects `v` of [{B}, {T}, HV, V], HV a multiple of {G}, got {list(v.shape)}")
    rows = v.shape[:3]
    if beta is not None and beta.shape != rows:
        raise ValueError(f"expects `beta` of {list(rows)}, got {list(beta.shape)}")
    if decay is not None:
        wanted = rows[2:] if head_decay else rows if decay.dim() == 3 else (*rows, K)
        if decay.shape != wanted:
            raise ValueError(f"expects the gate of {list(wanted)}, got {list(decay.shape)}")


def _spec(parts):
    """The operator's name, as Operator.spec writes it."""
    return ";".join([f"{name}={value}" for name, value in parts if value is not None])


_specs = {}


def recurrence(rule, q, k, v, *, beta=None, beta_kind="plain", decay=None, head_decay=False, norm=False,
               initial=None, final=False, v_first=False, offsets=None, scale=None, few_tokens=False):
    """(o, final state or None) of a recurrence: gates are logarithms, states f32."""
    _check_shapes(q, k, v, beta, decay, head_decay)
    q, k, v = _agree(q, k, v)
    if initial is not None and initial.dtype is not torch.float32:
        initial = initial.float()
    inputs = [q, k, v]
    for tensor in (beta, decay, initial, offsets):
        if tensor is not None:
            inputs.append(tensor)
    grad = False
    if torch.is_grad_enabled():
        for tensor in inputs:
            grad = grad or tensor.requires_grad
    G, H = q.shape[2], v.shape[2]
    fixed = grad and fixes_heads(q.device)
    if fixed and G != H:
        # Sums over a group of heads have no kernel yet: each head has a gradient of its own here, and the
        # repetition's gradient adds them up, in f32.
        inputs[0], inputs[1] = _repeated(q, H // G), _repeated(k, H // G)
        G = H
    one = few_tokens and not grad and offsets is None and q.shape[1] == 1
    key = (rule, q.dtype, q.shape[3], v.shape[3], beta_kind, norm, final, v_first, scale, head_decay, one,
           None if beta is None else beta.dtype, None if decay is None else (decay.dtype, decay.dim()),
           initial is not None, None if offsets is None else offsets.dtype,
           (fixed and (G, H), initial is not None and initial.requires_grad) if grad else None)
    if is_plain(inputs):
        spec = _specs.get(key)
        if spec is None:
            spec = _specs.setdefault(key, _describe(key, inputs, beta, decay, initial, offsets))
        results = run(program(spec).package(q.device), inputs, grad)
    else:
        results = apply(_describe(key, inputs, beta, decay, initial, offsets), inputs, grad)
    return results[0], results[1] if final else None


def fixes_heads(device):
    """Whether gradients there are compiled for one number of heads, as many of query and key as of value."""
    return device.type == "cuda"


def _describe(key, inputs, beta, decay, initial, offsets):
    rule, _, K, V, beta_kind, norm, final, v_first, scale, head_decay, one = key[:11]
    grad, parts = key[-1], [("rule", rule), ("type", _name(inputs[0], "q")), ("K", int(K)), ("V", int(V))]
    if decay is not None:
        parts.append(("decay", "head" if head_decay else "scalar" if decay.dim() == 3 else "channel"))
    parts += [("beta_type", None if beta is None else _name(beta, "beta")),
              ("decay_type", None if decay is None else _name(decay, "g")),
              ("beta", None if beta_kind == "plain" else beta_kind), ("norm", norm or None),
              ("initial", True if initial is not None else None), ("final", final or None),
              ("state_layout", "vk" if v_first and (final or initial is not None) else None),
              ("offsets", None if offsets is None else _name(offsets, "cu_seqlens", OFFSETS)),
              ("scale", None if scale is None or scale == K ** -0.5 else float(scale))]
    if grad and grad[0]:
        parts += [("G", int(grad[0][0])), ("H", int(grad[0][1]))]
    parts.append(("tokens", 1 if one else None))
    if grad:
        names = ["q", "k", "v"] + ["beta"] * (beta is not None)
        names += ["decay"] * (decay is not None and not head_decay) + ["initial"] * grad[1]
        parts.append(("grad", ",".join(names)))
    return _spec(parts)


class _Repeat(torch.autograd.Function):
    """Every head `times` times; the gradient is the sum over them, in f32, in their order."""

    @staticmethod
    def forward(x, times):
        return x.repeat_interleave(times, dim=2)

    @staticmethod
    def setup_context(ctx, inputs, output):
        ctx.times = inputs[1]

    @staticmethod
    def backward(ctx, grad):
        groups = grad.unflatten(2, (-1, ctx.times))
        return groups.sum(3, dtype=torch.float32).to(grad.dtype), None


def _repeated(x, times):
    return _Repeat.apply(x, times)
