"""Every drop-in function against the recurrence in float64: results and gradients.

    functions.py [--device cuda] [--type bf16] [--widths 16,24] [--only NAME] [--errors FILE]
"""
import argparse
import inspect
import json

import torch

import deltanet
from deltanet import functional
from reference import hold, recurrence

TYPES = {"bf16": torch.bfloat16, "f16": torch.float16, "f32": torch.float32}
# Of results and gradients; of the gradient of a gate, where differences cancel.
ALLOWED = {"f32": (1e-5, 2e-5, 1e-4), "f16": (1.5e-3, 3e-3, 5e-3), "bf16": (6e-3, 1e-2, 2e-2)}
# Extents: batch, tokens or lengths of packed sequences.
SHAPES = {"odd": (2, 37), "one": (3, 1), "empty": (2, 0), "packed": (1, [5, 0, 1, 31])}

# name: arguments of the drop-in function that are no tensors, what the reference is told, tensors.
CASES = {
    "chunk_delta_rule": ({}, {}, "beta"),
    "chunk_delta_rule norm": (dict(use_qk_l2norm_in_kernel=True, scale=0.5), dict(norm=True, scale=0.5), "beta"),
    "fused_recurrent_delta_rule": ({}, {}, "beta"),
    "chunk_gated_delta_rule": ({}, {}, "beta g"),
    "chunk_gated_delta_rule all": (
        dict(use_qk_l2norm_in_kernel=True, use_beta_sigmoid_in_kernel=True, allow_neg_eigval=True,
             state_v_first=True), dict(norm=True, sigmoid=2, v_first=True), "beta g grouped"),
    "fused_recurrent_gated_delta_rule": (dict(state_v_first=True), dict(v_first=True), "beta g"),
    "chunk_kda": (dict(use_qk_l2norm_in_kernel=True), dict(norm=True), "beta gk"),
    "fused_recurrent_kda": (dict(use_beta_sigmoid_in_kernel=True), dict(sigmoid=1), "beta gk"),
    "chunk_gla": ({}, {}, "gk"),
    "fused_recurrent_gla": (dict(reverse=True), dict(reverse=True), "gk"),
    "chunk_simple_gla": ({}, {}, "g"),
    "fused_recurrent_simple_gla": (dict(reverse=True), dict(reverse=True), "g"),
    "chunk_linear_attn": (dict(normalize=False), {}, ""),
    "fused_recurrent_linear_attn": (dict(reverse=True), dict(reverse=True), ""),
    "chunk_retention": ({}, {}, "constant"),
    "fused_recurrent_retention": ({}, {}, "constant"),
}


def make(tensors, shape, options):
    """Arguments of the function by name, and offsets."""
    B, length = shape
    K, V = map(int, options.widths.split(","))
    kind, device = TYPES[options.type], options.device
    packed = isinstance(length, list)
    T, H = sum(length) if packed else length, 2 if "grouped" not in tensors else 4
    made = dict(q=torch.randn(B, T, 2, K), k=torch.nn.functional.normalize(torch.randn(B, T, 2, K), dim=-1),
                v=torch.randn(B, T, H, V))
    made = {name: x.to(kind) for name, x in made.items()}
    if "beta" in tensors:
        made["beta"] = torch.rand(B, T, H).to(kind)
    if "g" in tensors.split():
        made["g"] = -torch.rand(B, T, H) / 2
    if "gk" in tensors.split():
        made["g"] = -torch.rand(B, T, H, K) / 2
    N = len(length) if packed else B
    made["initial_state"] = torch.randn(N, H, K, V)
    offsets = torch.tensor([0, *length]).cumsum(0) if packed else None
    move = lambda x: None if x is None else x.to(device)
    return {name: move(x) for name, x in made.items()}, move(offsets)


def run(name, case, where, options):
    extra, told, tensors = case
    function = getattr(functional, name.split()[0])
    made, offsets = make(tensors, SHAPES[where], options)
    if told.get("v_first"):
        made["initial_state"] = made["initial_state"].transpose(-1, -2).contiguous()
    inputs = {key: x.requires_grad_() for key, x in made.items()}
    accepted = inspect.signature(function).parameters
    renamed = {"gk" if key == "g" and "g" not in accepted else key: x for key, x in inputs.items()}
    o, state = function(**renamed, **extra, output_final_state=True, cu_seqlens=offsets)
    decay = inputs.get("g")
    if "constant" in tensors:
        decay = torch.log(1 - 2.0 ** (-5.0 - torch.arange(o.shape[2], dtype=torch.float64, device=o.device)))
    expected = recurrence(inputs["q"], inputs["k"], inputs["v"], inputs.get("beta"), decay, inputs["initial_state"],
                          offsets, **told)
    allowed, of_gradients, of_gates = ALLOWED[options.type]
    label = f"{name}, {where}"
    errors = {key: hold(f"{label}: {key}", got, want, allowed)
              for key, got, want in zip(("o", "state"), (o, state), expected)}
    given = [torch.randn_like(o), torch.randn_like(state)]
    got = torch.autograd.grad([o, state], list(inputs.values()), given)
    want = torch.autograd.grad(expected, list(inputs.values()), [x.double() for x in given], allow_unused=True)
    want = [torch.zeros_like(x) if w is None else w for w, x in zip(want, inputs.values())]  # nothing was read
    for key, mine, theirs in zip(inputs, got, want):
        assert mine.dtype == inputs[key].dtype, f"{label}: the gradient of {key} is {mine.dtype}"
        errors["d" + key] = hold(f"{label}: d{key}", mine, theirs, of_gates if key == "g" else of_gradients)
    with torch.no_grad():  # the function for inference, without states
        again, none = function(**{key: x for key, x in renamed.items() if key != "initial_state"}, **extra,
                               cu_seqlens=offsets)
        assert none is None
        alone = recurrence(inputs["q"], inputs["k"], inputs["v"], inputs.get("beta"), decay, None, offsets, **told)[0]
        hold(f"{label}: o without states", again, alone, allowed)
    return errors


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--type", default="f32", choices=TYPES)
    parser.add_argument("--widths", default="16,24")
    parser.add_argument("--only", default="")
    parser.add_argument("--shapes", default=",".join(SHAPES))
    parser.add_argument("--errors", metavar="FILE", help="every error, as JSON")
    parser.add_argument("--keep-going", action="store_true")
    options = parser.parse_args()
    covered = {name.split()[0] for name in CASES} | {"chunk_gdn", "fused_recurrent_gdn"}
    assert covered == set(deltanet._FUNCTIONS), covered ^ set(deltanet._FUNCTIONS)
    torch.manual_seed(1)
    found, failed = {}, 0
    for name, case in CASES.items():
        if options.only not in name:
            continue
        for where in options.shapes.split(","):
            try:
                found[f"{name}, {where}"] = run(name, case, where, options)
            except AssertionError as error:
                if not options.keep_going:
                    raise
                failed += 1
                print("FAILED", error, flush=True)
        print(name, "ok", flush=True)
    if options.errors:
        with open(options.errors, "w") as file:
            json.dump(found, file, indent=1)
    print(f"{len(found)} runs, {failed} failed; worst {max(max(e.values()) for e in found.values()):.1e}")


if __name__ == "__main__":
    main()
