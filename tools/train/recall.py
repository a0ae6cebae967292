"""Multi-query associative recall: pairs of key and value, then each key again; what was its value?

Half of the vocabulary are keys, half values, 0 is a blank. Queries stand at even places behind
the pairs, near ones more often, by a power law, as in the task's paper (Arora et al. 2023,
arXiv 2312.04927).
"""
import torch

POWER = 0.01


def batch(size, tokens, pairs, vocabulary, generator, device):
    """Tokens [size, tokens], positions of the queries [size, pairs], their values."""
    half, spaces = vocabulary // 2, (tokens - 2 * pairs) // 2
    if spaces < pairs:
        raise SystemExit(f"error: expects at least {4 * pairs} tokens for {pairs} pairs, got {tokens}")
    uniform = lambda *shape: torch.rand(*shape, generator=generator, device=device)
    keys = 1 + uniform(size, half - 1).topk(pairs).indices
    values = half + uniform(size, vocabulary - half).topk(pairs).indices
    # The largest of log-probability plus Gumbel noise: places drawn without putting back.
    weights = (POWER - 1) * torch.arange(1, spaces + 1, device=device).log()
    noise = -(-uniform(size, spaces).clamp_min(1e-20).log()).clamp_min(1e-20).log()
    places = 2 * pairs + 2 * (weights + noise).topk(pairs).indices
    x = torch.zeros(size, tokens, dtype=torch.long, device=device)
    x[:, 0:2 * pairs:2], x[:, 1:2 * pairs:2] = keys, values
    x.scatter_(1, places, keys)
    return x, places, values
