"""A small language model of DeltaNet layers, whose recurrence can be any of several kernels.

A layer as the DeltaNet paper has it: projections, a short causal convolution and SiLU for
query, key and value, query and key of length one, beta from a sigmoid, an RMS norm a head on
what is read, a projection. Between layers RMS norms and residual connections, and a SwiGLU where
one is asked for.
"""
import os
import sys

import torch
import torch.nn as nn
import torch.nn.functional as F

KERNELS = ("deltanet", "fla", "reference", "linear", "linear-fla", "linear-unit")
KERNEL_SIZE = 4  # tokens of the short convolution


def _peer(module, name, folder):
    """A function of flash-linear-attention, from `folder` if that is given."""
    sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "compare"))
    import peers
    found, why_not = peers.find(folder)
    if found is None:
        raise SystemExit(f"error: expects flash-linear-attention (--fla FOLDER): {why_not}")
    return peers._function(module, name)


def _token_by_token(q, k, v, beta):
    """The recurrence as it stands, in float32: slow, for checks."""
    q, k = F.normalize(q.float(), dim=-1), F.normalize(k.float(), dim=-1)
    state, outputs = q.new_zeros(q.shape[0], q.shape[2], q.shape[3], v.shape[3]), []
    for t in range(q.shape[1]):
        u = beta[:, t, :, None] * (v[:, t] - torch.einsum("bhkv,bhk->bhv", state, k[:, t]))
        state = state + k[:, t, :, :, None] * u[:, :, None]
        outputs.append(torch.einsum("bhkv,bhk->bhv", state, q[:, t]))
    return torch.stack(outputs, 1).to(v.dtype) * q.shape[-1] ** -0.5


def recurrence(kernel, fla=None):
    """A function of (q, k, v, beta) that returns what the tokens read."""
    if kernel == "reference":
        return _token_by_token
    if kernel in ("deltanet", "fla"):
        if kernel == "deltanet":
            from deltanet import chunk_delta_rule as rule
        else:
            rule = _peer("delta_rule", "chunk_delta_rule", fla)
        return lambda q, k, v, beta: rule(q, k, v, beta, use_qk_l2norm_in_kernel=True)[0]
    if kernel in ("linear", "linear-fla", "linear-unit"):
        if kernel == "linear-fla":
            rule = _peer("linear_attn", "chunk_linear_attn", fla)
        else:
            from deltanet import chunk_linear_attn as rule
        if kernel == "linear-unit":  # nothing but the rule is another
            unit = lambda x: F.normalize(x.float(), dim=-1).to(x.dtype)
            return lambda q, k, v, beta: rule(unit(q), unit(k), v, normalize=False)[0]
        positive = lambda x: F.elu(x) + 1  # linear attention as it was published
        return lambda q, k, v, beta: rule(positive(q), positive(k), v, normalize=True)[0]
    raise SystemExit(f"error: expects a kernel of {', '.join(KERNELS)}, got '{kernel}'")


class RMSNorm(nn.Module):
    def __init__(self, width):
        super().__init__()
        self.weight = nn.Parameter(torch.ones(width))

    def forward(self, x):
        return F.rms_norm(x.float(), (x.shape[-1],), self.weight, 1e-5).to(x.dtype)


class ShortConvolution(nn.Module):
    """Each channel's last few tokens, weighted, then SiLU."""

    def __init__(self, width):
        super().__init__()
        self.weight = nn.Parameter(torch.randn(KERNEL_SIZE, width) * KERNEL_SIZE ** -0.5)

    def forward(self, x):
        y = x * self.weight[0].to(x.dtype)
        for back in range(1, KERNEL_SIZE):
            y = y + F.pad(x[:, :-back], (0, 0, back, 0)) * self.weight[back].to(x.dtype)
        return F.silu(y)


class DeltaLayer(nn.Module):
    def __init__(self, width, heads, rule):
        super().__init__()
        self.heads, self.rule = heads, rule
        self.project = nn.Linear(width, 3 * width, bias=False)
        self.rate = nn.Linear(width, heads, bias=False)
        self.convolution = ShortConvolution(3 * width)
        self.norm = RMSNorm(width // heads)
        self.out = nn.Linear(width, width, bias=False)

    def forward(self, x):
        rows = self.convolution(self.project(x)).chunk(3, dim=-1)
        q, k, v = (part.unflatten(-1, (self.heads, -1)) for part in rows)
        o = self.rule(q, k, v, self.rate(x).sigmoid())
        return self.out(self.norm(o).flatten(-2))


class WindowLayer(nn.Module):
    """Softmax attention to the last `window` tokens, by PyTorch."""

    def __init__(self, width, heads, window):
        super().__init__()
        self.heads, self.window = heads, window
        self.project = nn.Linear(width, 3 * width, bias=False)
        self.out = nn.Linear(width, width, bias=False)

    def forward(self, x):
        q, k, v = (part.unflatten(-1, (self.heads, -1)).transpose(1, 2) for part in self.project(x).chunk(3, dim=-1))
        at = torch.arange(x.shape[1], device=x.device)
        ahead = at[:, None] - at[None]
        o = F.scaled_dot_product_attention(q, k, v, attn_mask=(ahead >= 0) & (ahead < self.window))
        return self.out(o.transpose(1, 2).flatten(-2))


class SwiGLU(nn.Module):
    def __init__(self, width):
        super().__init__()
        hidden = -(-width * 8 // 3 // 256) * 256
        self.up, self.down = nn.Linear(width, 2 * hidden, bias=False), nn.Linear(hidden, width, bias=False)

    def forward(self, x):
        gate, value = self.up(x).chunk(2, dim=-1)
        return self.down(F.silu(gate) * value)


class Block(nn.Module):
    """A layer and, where `feed` says so, a SwiGLU, each behind a norm, each added."""

    def __init__(self, width, layer, feed):
        super().__init__()
        self.norm, self.layer = RMSNorm(width), layer
        self.feed_norm, self.feed = (RMSNorm(width), SwiGLU(width)) if feed else (None, None)

    def forward(self, x):
        x = x + self.layer(self.norm(x))
        return x if self.feed is None else x + self.feed(self.feed_norm(x))


class Model(nn.Module):
    def __init__(self, vocabulary, width, heads, rule, layers=2, window=0, feed=False):
        """window: above 0, the last layer is softmax attention to so many tokens."""
        super().__init__()
        self.embedding = nn.Embedding(vocabulary, width)
        kinds = [DeltaLayer(width, heads, rule) for _ in range(layers)]
        if window:
            kinds[-1] = WindowLayer(width, heads, window)
        self.blocks = nn.ModuleList([Block(width, layer, feed) for layer in kinds])
        self.norm, self.head = RMSNorm(width), nn.Linear(width, vocabulary, bias=False)
        for parameter in self.parameters():
            if parameter.dim() == 2 and parameter.shape[0] != KERNEL_SIZE:
                nn.init.normal_(parameter, std=0.02)

    def forward(self, tokens, at):
        """Logits at the positions `at`, [batch, n], of every sequence."""
        x = self.embedding(tokens)
        for block in self.blocks:
            x = block(x)
        x = x.gather(1, at.unsqueeze(-1).expand(-1, -1, x.shape[-1]))
        return self.head(self.norm(x))
