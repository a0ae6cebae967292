"""The denominator of linear attention, <q[t], sum of the keys so far>, in PyTorch."""
import torch

TINY = 1e-10  # added to it


def _sums(k, offsets):
    """Sums of the keys from each sequence's first token to each token, and over whole sequences."""
    if offsets is None:
        sums = k.cumsum(1)
        return sums, sums[:, -1:] if k.shape[1] else torch.zeros_like(k[:, :1].sum(1, keepdim=True))
    padded = torch.cat([torch.zeros_like(k[0, :1]), k[0].cumsum(0)])  # before each token, and at the end
    sequence = _sequence_of_tokens(k, offsets)
    return (padded[1:] - padded[offsets[:-1]][sequence]).unsqueeze(0), \
        (padded[offsets[1:]] - padded[offsets[:-1]]).unsqueeze(1)


def _sequence_of_tokens(k, offsets):
    tokens = torch.arange(k.shape[1], device=k.device, dtype=offsets.dtype)
    return torch.searchsorted(offsets[1:].contiguous(), tokens, right=True)


def normalize_linear(o, q, k, scale, before, offsets, reverse):
    """(o over the denominator, the sums of keys after each sequence); `before` are earlier sums."""
    offsets = None if offsets is None else offsets.long()
    # Sums of many keys are differences of larger ones where sequences are packed: f64 keeps these exact enough.
    keys = k.double() if offsets is not None else k.float()
    sums, after = _sums(keys, offsets)
    if reverse:  # from each token to the last
        whole = after if offsets is None else after.squeeze(1)[_sequence_of_tokens(k, offsets)].unsqueeze(0)
        sums = whole - sums + keys
    if before is not None:
        earlier = before.to(keys.dtype)
        after = after + earlier
        sums = sums + (earlier if offsets is None else
                       earlier.squeeze(1)[_sequence_of_tokens(k, offsets)].unsqueeze(0))
    denominator = (q.to(keys.dtype) * scale * sums).sum(-1, keepdim=True) + TINY
    return (o.to(keys.dtype) / denominator).to(o.dtype), after.to(k.dtype)
