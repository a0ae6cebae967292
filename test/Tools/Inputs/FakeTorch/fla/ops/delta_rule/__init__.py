import torch


def chunk_delta_rule(q, k, v, beta, initial_state=None, output_final_state=False):
    """The recurrence in f32, rounded to the type of v."""
    B, T, H, K = q.shape
    S = torch.zeros(B, H, K, v.shape[-1])
    o = torch.empty_like(v)
    for t in range(T):
        row = k[:, t].float()
        u = beta[:, t].float().unsqueeze(-1) * (v[:, t].float() - torch.einsum("bhk,bhkv->bhv", row, S))
        S = S + row.unsqueeze(-1) * u.unsqueeze(-2)
        o[:, t] = torch.einsum("bhk,bhkv->bhv", q[:, t].float(), S) / K**0.5
    return o, None
