"""From a call with tensors to a program: what all drop-in functions share.

`recurrence` finds the operator that fits the tensors (types, widths, which are there), makes
types agree, repeats query heads where a gradient needs it, and runs it.
"""
import torch

from .ops import Bound, apply, is_plain, program, run

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
    if torch.is_autocast_enabled("cuda" if q.is_cuda else q.device.type):
        wanted = torch.get_autocast_dtype(q.device.type)
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


# What was found for calls with tensors of these shapes and types: nothing of it is looked at again.
_bound = {}
BOUND_KEPT = 4096


def recurrence(rule, q, k, v, *, beta=None, beta_kind="plain", decay=None, head_decay=False, norm=False,
               initial=None, final=False, v_first=False, offsets=None, scale=None, few_tokens=False):
    """(o, final state or None) of a recurrence: gates are logarithms, states f32."""
    q, k, v = _agree(q, k, v)
    inputs = [q, k, v]
    for tensor in (beta, decay, initial, offsets):
        if tensor is not None:
            inputs.append(tensor)
    grad = False
    if torch.is_grad_enabled():
        for tensor in inputs:
            grad = grad or tensor.requires_grad
    if is_plain(inputs):
        device = q.device
        key = (rule, beta_kind, head_decay, norm, final, v_first, scale, few_tokens, grad, device, beta is None,
               decay is None, offsets is None, grad and initial is not None and initial.requires_grad,
               q.dtype, *[t.shape for t in inputs], *[t.dtype for t in inputs[3:]])  # k and v agree with q
        bound = _bound.get(key)
        if bound is not None:
            results = run(bound, inputs, grad)
            return results[0], results[1] if final else None
    else:
        key = None
    _check_shapes(q, k, v, beta, decay, head_decay)
    if initial is not None and initial.dtype is not torch.float32:
        return recurrence(rule, q, k, v, beta=beta, beta_kind=beta_kind, decay=decay, head_decay=head_decay, norm=norm,
                          initial=initial.float(), final=final, v_first=v_first, offsets=offsets, scale=scale,
                          few_tokens=few_tokens)
    G, H = q.shape[2], v.shape[2]
    fixed = grad and fixes_heads(q.device)
    one = few_tokens and not grad and offsets is None and q.shape[1] == 1
    spec = _describe(inputs, rule=rule, beta=beta, beta_kind=beta_kind, decay=decay, head_decay=head_decay, norm=norm,
                     initial=initial, final=final, v_first=v_first, offsets=offsets, scale=scale, one=one,
                     grad=grad, heads=(G, H) if fixed else None)
    results = apply(spec, inputs, grad)
    if key is not None:  # it went well: the next time it goes straight there
        if len(_bound) >= BOUND_KEPT:
            _bound.clear()
        _bound[key] = Bound(program(spec).package(q.device), inputs, grad)
    return results[0], results[1] if final else None


def fixes_heads(device):
    """Whether gradients there are compiled for these numbers of heads: where each value head has its own query and key,
    nothing has to be added up."""
    return device.type == "cuda"


def _describe(inputs, *, rule, beta, beta_kind, decay, head_decay, norm, initial, final, v_first, offsets, scale, one,
              grad, heads):
    """The spec of the operator."""
    K, V = inputs[0].shape[3], inputs[2].shape[3]
    parts = [("rule", rule), ("type", _name(inputs[0], "q")), ("K", int(K)), ("V", int(V))]
    if decay is not None:
        parts.append(("decay", "head" if head_decay else "scalar" if decay.dim() == 3 else "channel"))
    parts += [("beta_type", None if beta is None else _name(beta, "beta")),
              ("decay_type", None if decay is None else _name(decay, "g")),
              ("beta", None if beta_kind == "plain" else beta_kind), ("norm", norm or None),
              ("initial", True if initial is not None else None), ("final", final or None),
              ("state_layout", "vk" if v_first and (final or initial is not None) else None),
              ("offsets", None if offsets is None else _name(offsets, "cu_seqlens", OFFSETS)),
              ("scale", None if scale is None or scale == K ** -0.5 else float(scale))]
    if heads:
        parts += [("G", int(heads[0])), ("H", int(heads[1]))]
    parts.append(("tokens", 1 if one else None))
    if grad:
        names = ["q", "k", "v"] + ["beta"] * (beta is not None)
        names += ["decay"] * (decay is not None and not head_decay)
        names += ["initial"] * (initial is not None and initial.requires_grad)
        parts.append(("grad", ",".join(names)))
    return ";".join([f"{name}={value}" for name, value in parts if value is not None])
