"""The functions that models call, with flash-linear-attention's names, arguments and defaults.

Tensors are [B, T, H, ...]. Gates are natural logarithms. All return (o, final state or None).
Arguments that choose a way of computing and change no result (`chunk_size`, `cu_seqlens_cpu`
and so on) are checked and not used: here the compiler chooses. docs/PyTorch.md says what else
differs.
"""
import warnings

import torch
import torch.nn.functional as F

from .normalize import normalize_linear
from .recurrence import recurrence

# Names that callers may give and that choose how, not what.
_HOW = {"chunk_size", "cu_seqlens_cpu", "chunk_indices"}


def _check_packed(q, cu_seqlens, initial_state):
    """Packed sequences: a batch of one, and a state for each."""
    if cu_seqlens is None:
        return
    if q.shape[0] != 1:
        raise ValueError(f"expects a batch of 1 with `cu_seqlens`, got {q.shape[0]}: put the sequences one behind "
                         "the other first")
    if initial_state is not None and initial_state.shape[0] != cu_seqlens.shape[0] - 1:
        raise ValueError(f"expects one initial state a sequence, {cu_seqlens.shape[0] - 1}, "
                         f"got {initial_state.shape[0]}")


def _options(kwargs, v_first=False, chunk_sizes=None, also=()):
    """`state_v_first` after what older callers write; unknown names are refused."""
    if "head_first" in kwargs:
        raise DeprecationWarning("`head_first` is gone: inputs are [B, T, H, ...]")
    if "transpose_state_layout" in kwargs:
        if v_first:
            raise ValueError("expects `state_v_first` or the older `transpose_state_layout`, got both")
        warnings.warn("`transpose_state_layout` is now called `state_v_first`", DeprecationWarning, stacklevel=3)
        v_first = kwargs["transpose_state_layout"]
    size = kwargs.get("chunk_size")
    if size is not None and chunk_sizes is not None and size not in chunk_sizes:
        raise ValueError(f"expects a `chunk_size` of {', '.join(map(str, chunk_sizes))}, got {size}")
    unknown = set(kwargs) - _HOW - {"transpose_state_layout", *also}
    if unknown:
        raise TypeError(f"expects no argument '{sorted(unknown)[0]}'")
    return v_first


def _power_of_two(size):
    if size is not None and (size <= 0 or size & (size - 1)):
        raise ValueError(f"expects a `chunk_size` that is a power of 2, got {size}")


def _beta_kind(sigmoid, double):
    if double and not sigmoid:
        raise ValueError("expects `use_beta_sigmoid_in_kernel=True` with `allow_neg_eigval=True`, got False")
    return ("sigmoid2" if double else "sigmoid") if sigmoid else "plain"


def _no_context(context):
    if context is not None:
        raise NotImplementedError("`cp_context`: sequences spread over devices are not computed here")


def _backwards(tensors, offsets):
    """Tokens from last to first; packed sequences with them."""
    turned = [None if t is None else t.flip(1) for t in tensors]
    return turned, None if offsets is None else (offsets[-1] - offsets).flip(0)


def _recur(rule, q, k, v, reverse=False, **rest):
    """`recurrence`, from the last token to the first where `reverse` says so."""
    if not reverse:
        return recurrence(rule, q, k, v, **rest)
    packed, decay = rest.get("offsets") is not None, rest.get("decay")
    tokens = [q, k, v] + ([] if rest.get("head_decay") else [decay])
    turned, rest["offsets"] = _backwards(tokens, rest.get("offsets"))
    if not rest.get("head_decay"):
        rest["decay"] = turned[3]
    if packed and rest.get("initial") is not None:
        rest["initial"] = rest["initial"].flip(0)
    o, state = recurrence(rule, *turned[:3], **rest)
    return o.flip(1), state.flip(0) if packed and state is not None else state


# The delta rule --------------------------------------------------------------


def chunk_delta_rule(q, k, v, beta, scale=None, initial_state=None, output_final_state=False,
                     use_qk_l2norm_in_kernel=False, cu_seqlens=None, cu_seqlens_cpu=None, **kwargs):
    """The delta rule: S[t] = S[t-1] + k[t] u[t]^T with u[t] = beta[t] (v[t] - S[t-1]^T k[t])."""
    assert q.dtype is k.dtype is v.dtype or torch.is_autocast_enabled(q.device.type), \
        f"expects q, k and v of one type, got {q.dtype}, {k.dtype}, {v.dtype}"
    assert beta.dim() == 3, f"expects `beta` of [B, T, H], got {list(beta.shape)}"
    if kwargs:
        _options(kwargs, chunk_sizes=(16, 32, 64))
    _check_packed(q, cu_seqlens, initial_state)
    return recurrence("delta", q, k, v, beta=beta, norm=use_qk_l2norm_in_kernel, initial=initial_state,
                      final=output_final_state, offsets=cu_seqlens, scale=scale)


def fused_recurrent_delta_rule(q, k, v, beta=None, scale=None, initial_state=None, output_final_state=False,
                               use_qk_l2norm_in_kernel=False, cu_seqlens=None):
    """The delta rule for few tokens, as in decoding."""
    assert scale is None or scale > 0, f"expects a `scale` above zero, got {scale}"
    _check_packed(q, cu_seqlens, initial_state)
    return recurrence("delta", q, k, v, beta=_rates(beta, v), norm=use_qk_l2norm_in_kernel, initial=initial_state,
                      final=output_final_state, offsets=cu_seqlens, scale=scale, few_tokens=True)


def _rates(beta, v):
    if beta is None:
        return torch.ones_like(v[..., 0])
    if beta.dim() == 4:
        raise NotImplementedError("`beta` a value channel, [B, T, H, V]: the recurrence here has one a head")
    return beta


def _softplus_gate(g, A_log, dt_bias):
    """-exp(A_log) softplus(g + dt_bias), in f32."""
    g = g.float()
    if dt_bias is not None:
        g = g + dt_bias.float()
    return -A_log.float().exp() * F.softplus(g)


def chunk_gated_delta_rule(q, k, v, g, beta, scale=None, initial_state=None, output_final_state=False,
                           use_qk_l2norm_in_kernel=False, use_beta_sigmoid_in_kernel=False, allow_neg_eigval=False,
                           state_v_first=False, cu_seqlens=None, cu_seqlens_cpu=None, chunk_indices=None,
                           cp_context=None, **kwargs):
    """The delta rule with a log-decay `g` [B, T, HV] a head and token."""
    if kwargs:
        state_v_first = _options(kwargs, state_v_first, (16, 32, 64), ("use_gate_in_kernel", "A_log", "dt_bias"))
    if q.shape[2] != k.shape[2]:
        raise ValueError(f"expects as many heads of `q` as of `k`, got {q.shape[2]} and {k.shape[2]}")
    if v.shape[2] % q.shape[2]:
        raise ValueError(f"expects a multiple of {q.shape[2]} heads of `v`, got {v.shape[2]}")
    _no_context(cp_context)
    _check_packed(q, cu_seqlens, initial_state)
    if kwargs.get("use_gate_in_kernel"):
        assert kwargs.get("A_log") is not None, "expects `A_log` with `use_gate_in_kernel=True`, got none"
        g = _softplus_gate(g, kwargs["A_log"], kwargs.get("dt_bias"))
    return recurrence("delta", q, k, v, beta=beta, beta_kind=_beta_kind(use_beta_sigmoid_in_kernel, allow_neg_eigval),
                      decay=g, norm=use_qk_l2norm_in_kernel, initial=initial_state, final=output_final_state,
                      v_first=state_v_first, offsets=cu_seqlens, scale=scale)


def fused_recurrent_gated_delta_rule(q, k, v, g=None, gk=None, gv=None, beta=None, scale=None, initial_state=None,
                                     output_final_state=False, use_qk_l2norm_in_kernel=False,
                                     use_gate_in_kernel=False, A_log=None, dt_bias=None,
                                     use_beta_sigmoid_in_kernel=False, allow_neg_eigval=False, state_v_first=False,
                                     cu_seqlens=None, **kwargs):
    """The same for few tokens; `gk` is a log-decay a key channel, on top of `g`."""
    if kwargs:
        state_v_first = _options(kwargs, state_v_first)
    _no_value_gate(gv)
    _check_packed(q, cu_seqlens, initial_state)
    if use_gate_in_kernel:
        if A_log is None or g is None:
            raise ValueError(f"expects `{'A_log' if A_log is None else 'g'}` with `use_gate_in_kernel=True`, got none")
        g = _softplus_gate(g, A_log, dt_bias)
    return recurrence("delta", q, k, v, beta=_rates(beta, v), decay=_gates(g, gk),
                      beta_kind=_beta_kind(use_beta_sigmoid_in_kernel, allow_neg_eigval),
                      norm=use_qk_l2norm_in_kernel, initial=initial_state, final=output_final_state,
                      v_first=state_v_first, offsets=cu_seqlens, scale=scale, few_tokens=True)


def _no_value_gate(gv):
    if gv is not None:
        raise NotImplementedError("`gv`, a gate a value channel: the recurrence here has gates a head or key channel")


def _gates(g, gk):
    """One log-decay of those given."""
    return gk if g is None else g if gk is None else gk + g.unsqueeze(-1)


# Kimi Delta Attention --------------------------------------------------------


def _kda_gate(g, A_log, dt_bias, lower_bound):
    """-exp(A_log) softplus(g + dt_bias), or lower_bound sigmoid(exp(A_log) (g + dt_bias)), in f32."""
    heads, g = g.shape[-2], g.float()
    if dt_bias is not None:
        g = g + dt_bias.float().reshape(heads, -1)
    rate = None if A_log is None else A_log.float().reshape(heads, 1).exp()
    if lower_bound is None:
        return -rate * F.softplus(g)
    return lower_bound * torch.sigmoid(g if rate is None else rate * g)


def _check_kda_gate(used, A_log, lower_bound, safe=False):
    if used and A_log is None and lower_bound is None:
        raise ValueError("expects `A_log` or `lower_bound` with `use_gate_in_kernel=True`, got neither")
    if used and safe and (lower_bound is None or not -5 <= lower_bound < 0):
        raise ValueError(f"expects a `lower_bound` in [-5, 0) with `safe_gate=True`, got {lower_bound}")


def chunk_kda(q, k, v, g, beta, scale=None, initial_state=None, output_final_state=False,
              use_qk_l2norm_in_kernel=False, use_gate_in_kernel=False, use_beta_sigmoid_in_kernel=False,
              allow_neg_eigval=False, safe_gate=False, lower_bound=None, disable_recompute=False,
              return_intermediate_states=False, state_v_first=False, cu_seqlens=None, cu_seqlens_cpu=None,
              cp_context=None, **kwargs):
    """The delta rule with a log-decay `g` [B, T, HV, K] a key channel."""
    if kwargs:
        state_v_first = _options(kwargs, state_v_first, (32, 64), ("A_log", "dt_bias"))
    _no_context(cp_context)
    if return_intermediate_states:
        raise NotImplementedError("`return_intermediate_states`: states inside a sequence are not returned here")
    _check_packed(q, cu_seqlens, initial_state)
    assert initial_state is None or initial_state.dtype == torch.float32, \
        f"expects `initial_state` of float32, got {initial_state.dtype}"
    A_log, dt_bias = kwargs.get("A_log"), kwargs.get("dt_bias")
    _check_kda_gate(use_gate_in_kernel, A_log, lower_bound, safe_gate)
    B, T, H, K = q.shape
    HV = v.shape[2]
    assert q.shape == k.shape, f"expects `q` and `k` of one shape, got {list(q.shape)} and {list(k.shape)}"
    assert HV % H == 0, f"expects a multiple of {H} heads of `v`, got {HV}"
    assert g.shape == (B, T, HV, K), f"expects `g` of {[B, T, HV, K]}, got {list(g.shape)}"
    assert beta.shape == (B, T, HV), f"expects `beta` of {[B, T, HV]}, got {list(beta.shape)}"
    if use_gate_in_kernel:
        g = _kda_gate(g, A_log, dt_bias, lower_bound)
    return recurrence("delta", q, k, v, beta=beta, beta_kind=_beta_kind(use_beta_sigmoid_in_kernel, allow_neg_eigval),
                      decay=g, norm=use_qk_l2norm_in_kernel, initial=initial_state, final=output_final_state,
                      v_first=state_v_first, offsets=cu_seqlens, scale=scale)


def fused_recurrent_kda(q, k, v, g, beta, A_log=None, dt_bias=None, scale=None, initial_state=None,
                        output_final_state=False, use_qk_l2norm_in_kernel=False, use_gate_in_kernel=False,
                        use_beta_sigmoid_in_kernel=False, allow_neg_eigval=False, lower_bound=None,
                        state_v_first=False, cu_seqlens=None, **kwargs):
    """The same for few tokens."""
    if kwargs:
        state_v_first = _options(kwargs, state_v_first)
    _check_packed(q, cu_seqlens, initial_state)
    _check_kda_gate(use_gate_in_kernel, A_log, lower_bound)
    if use_gate_in_kernel:
        g = _kda_gate(g, A_log, dt_bias, lower_bound)
    return recurrence("delta", q, k, v, beta=_rates(beta, v), decay=g,
                      beta_kind=_beta_kind(use_beta_sigmoid_in_kernel, allow_neg_eigval),
                      norm=use_qk_l2norm_in_kernel, initial=initial_state, final=output_final_state,
                      v_first=state_v_first, offsets=cu_seqlens, scale=scale, few_tokens=True)


# Additive rules --------------------------------------------------------------


def chunk_gla(q, k, v, g, scale=None, initial_state=None, output_final_state=False, state_v_first=False,
              cu_seqlens=None, cu_seqlens_cpu=None):
    """Gated linear attention: S[t] = Diag(exp(g[t])) S[t-1] + k[t] v[t]^T, `g` [B, T, H, K]."""
    _check_packed(q, cu_seqlens, initial_state)
    assert initial_state is None or initial_state.dtype == torch.float32, \
        f"expects `initial_state` of float32, got {initial_state.dtype}"
    assert q.shape == k.shape == g.shape, \
        f"expects q, k and g of one shape, got {list(q.shape)}, {list(k.shape)}, {list(g.shape)}"
    assert v.shape[:3] == q.shape[:3], f"expects `v` of {[*q.shape[:3], 'V']}, got {list(v.shape)}"
    return recurrence("additive", q, k, v, decay=g, initial=initial_state, final=output_final_state,
                      v_first=state_v_first, offsets=cu_seqlens, scale=scale)


def fused_recurrent_gla(q, k, v, gk=None, gv=None, scale=None, initial_state=None, output_final_state=False,
                        reverse=False, state_v_first=False, cu_seqlens=None, **kwargs):
    """The same for few tokens; `reverse` walks from the last token to the first."""
    if kwargs:
        state_v_first = _options(kwargs, state_v_first)
    _no_value_gate(gv)
    _check_packed(q, cu_seqlens, initial_state)
    return _recur("additive", q, k, v, reverse, decay=gk, initial=initial_state, final=output_final_state,
                  v_first=state_v_first, offsets=cu_seqlens, scale=scale, few_tokens=True)


def _head_gates(g, g_gamma):
    """(decay, whether it is a constant a head) of the gates of simple GLA."""
    if g is not None and g_gamma is not None:
        raise ValueError("expects `g` or `g_gamma`, got both")
    if g_gamma is not None:
        return g_gamma.detach(), True
    return g, False


def chunk_simple_gla(q, k, v, g=None, g_gamma=None, scale=None, initial_state=None, output_final_state=False,
                     state_v_first=False, cu_seqlens=None, cu_seqlens_cpu=None, **kwargs):
    """S[t] = exp(g[t]) S[t-1] + k[t] v[t]^T, `g` [B, T, H], or a constant `g_gamma` [H]."""
    if kwargs:
        _power_of_two(kwargs.get("chunk_size"))
        state_v_first = _options(kwargs, state_v_first)
    _check_packed(q, cu_seqlens, initial_state)
    decay, constant = _head_gates(g, g_gamma)
    return recurrence("additive", q, k, v, decay=decay, head_decay=constant, initial=initial_state,
                      final=output_final_state, v_first=state_v_first, offsets=cu_seqlens, scale=scale)


def fused_recurrent_simple_gla(q, k, v, g=None, g_gamma=None, scale=None, initial_state=None,
                               output_final_state=False, reverse=False, state_v_first=False, cu_seqlens=None,
                               **kwargs):
    """The same for few tokens; `reverse` walks from the last token to the first."""
    if kwargs:
        state_v_first = _options(kwargs, state_v_first)
    _check_packed(q, cu_seqlens, initial_state)
    decay, constant = _head_gates(g, g_gamma)
    return _recur("additive", q, k, v, reverse, decay=decay, head_decay=constant, initial=initial_state,
                  final=output_final_state, v_first=state_v_first, offsets=cu_seqlens, scale=scale, few_tokens=True)


def _retention_gates(q):
    """log(1 - 2^(-5 - h)) of head h."""
    heads = torch.arange(q.shape[2], dtype=torch.float32, device=q.device)
    return torch.log1p(-torch.exp2(-5.0 - heads))


def chunk_retention(q, k, v, scale=None, initial_state=None, output_final_state=False, cu_seqlens=None, **kwargs):
    """Retention: simple GLA with a constant decay 1 - 2^(-5 - h) of head h."""
    return chunk_simple_gla(q, k, v, g_gamma=_retention_gates(q), scale=scale, initial_state=initial_state,
                            output_final_state=output_final_state, cu_seqlens=cu_seqlens, **kwargs)


def fused_recurrent_retention(q, k, v, scale=None, initial_state=None, output_final_state=False, reverse=False,
                              state_v_first=False, cu_seqlens=None, **kwargs):
    """The same for few tokens; `reverse` walks from the last token to the first."""
    return fused_recurrent_simple_gla(q, k, v, g_gamma=_retention_gates(q), scale=scale, initial_state=initial_state,
                                      output_final_state=output_final_state, reverse=reverse,
                                      state_v_first=state_v_first, cu_seqlens=cu_seqlens, **kwargs)


def _linear(q, k, v, scale, initial_state, final, normalize, cu_seqlens, reverse, few_tokens):
    """Linear attention; normalised, a state is a pair: sums of k v^T and sums of k."""
    keys = None
    if normalize and isinstance(initial_state, tuple):
        initial_state, keys = initial_state
    _check_packed(q, cu_seqlens, initial_state)
    o, state = _recur("additive", q, k, v, reverse, initial=initial_state, final=final, offsets=cu_seqlens,
                      scale=scale, few_tokens=few_tokens)
    if not normalize:
        return o, state
    o, keys = normalize_linear(o, q, k, k.shape[-1] ** -0.5 if scale is None else scale, keys, cu_seqlens, reverse)
    return o, (state, keys)


def chunk_linear_attn(q, k, v, scale=None, initial_state=None, output_final_state=False, normalize=True,
                      cu_seqlens=None):
    """Linear attention: S[t] = S[t-1] + k[t] v[t]^T; `normalize` divides by <q[t], sum of keys>."""
    return _linear(q, k, v, scale, initial_state, output_final_state, normalize, cu_seqlens, False, False)


def fused_recurrent_linear_attn(q, k, v, scale=None, initial_state=None, output_final_state=False, reverse=False,
                                normalize=False, cu_seqlens=None):
    """The same for few tokens; `reverse` walks from the last token to the first."""
    return _linear(q, k, v, scale, initial_state, output_final_state, normalize, cu_seqlens, reverse, True)


chunk_gdn, fused_recurrent_gdn = chunk_gated_delta_rule, fused_recurrent_gated_delta_rule
