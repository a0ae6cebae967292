"""What a user of PyTorch expects of an operation, on `--device`: each function here is one expectation."""
import argparse
import threading
import traceback
import warnings

import torch

import deltanet
from deltanet import functional, native, ops
from deltanet.operators import Operator
from deltanet.package import PackageError, TensorError
from deltanet.recurrence import fixes_heads
from reference import hold, recurrence

DEVICE, K, V, KIND = "cpu", 16, 24, torch.float32
TOLERANCE = 1e-5


def tensors(B=2, T=20, H=2, grad=False):
    q = torch.randn(B, T, H, K, device=DEVICE).to(KIND)
    k = torch.nn.functional.normalize(torch.randn(B, T, H, K, device=DEVICE), dim=-1).to(KIND)
    made = [q, k, torch.randn(B, T, H, V, device=DEVICE).to(KIND), torch.rand(B, T, H, device=DEVICE).to(KIND)]
    return [x.requires_grad_(grad) for x in made]


def delta(*inputs, **options):
    return functional.chunk_delta_rule(*inputs, **options)


def same(name, got, expected):
    assert len(got) == len(expected)
    for i, (a, b) in enumerate(zip(got, expected)):
        assert a.dtype == b.dtype and torch.equal(a, b), f"{name}: {i} differs by {(a - b).abs().max()}"


def refused(kind, words, call):
    try:
        call()
    except kind as error:
        assert words in str(error), f"expects '{words}' in: {error}"
        return
    raise AssertionError(f"expects {kind.__name__} with '{words}', got nothing")


def training(function, inputs):
    """The output and all gradients."""
    inputs = [x.detach().requires_grad_() for x in inputs]
    o = function(*inputs)
    return [o.detach(), *torch.autograd.grad(o.float().square().sum(), inputs)]


def not_contiguous():
    inputs = tensors()
    expected = training(lambda *x: delta(*x)[0], inputs)
    turned = [x.transpose(0, 1).contiguous().transpose(0, 1) for x in inputs]
    assert not turned[0].is_contiguous()
    same("transposed", training(lambda *x: delta(*x)[0], turned), expected)
    wide = [torch.cat([x, x], -1)[..., :x.shape[-1]] for x in inputs]
    same("parts of rows", training(lambda *x: delta(*x)[0], wide), expected)
    shifted = [torch.cat([x.flatten()[:1], x.flatten()])[1:].view(x.shape) for x in inputs]
    assert shifted[0].data_ptr() % 16
    same("not aligned", training(lambda *x: delta(*x)[0], shifted), expected)
    inputs = [x.requires_grad_() for x in inputs]  # the gradient of a sum is one number with strides of zero
    ones = torch.autograd.grad(delta(*inputs)[0], inputs, torch.ones_like(inputs[2]))
    same("expanded", torch.autograd.grad(delta(*inputs)[0].sum(), inputs), ones)


def some_gradients_alone():
    inputs = tensors(grad=True)
    every = torch.autograd.grad(delta(*inputs)[0].sum(), inputs)
    frozen = [inputs[0].detach(), inputs[1], inputs[2].detach(), inputs[3]]
    same("two of four", torch.autograd.grad(delta(*frozen)[0].sum(), [frozen[1], frozen[3]]), [every[1], every[3]])
    o, state = delta(*inputs, output_final_state=True)
    assert o.requires_grad and state.requires_grad
    same("of the output alone", torch.autograd.grad(o.sum(), inputs), every)
    with torch.no_grad():
        assert not delta(*inputs)[0].requires_grad
    state = torch.randn(2, 2, K, V, device=DEVICE, requires_grad=True)
    o, after = delta(*inputs, initial_state=state, output_final_state=True)
    assert torch.autograd.grad(after.sum(), state)[0].abs().sum() > 0


def twice_is_refused():
    inputs = tensors(grad=True)
    first = torch.autograd.grad(delta(*inputs)[0].sum(), inputs, create_graph=True)
    same("first", [x.detach() for x in first], torch.autograd.grad(delta(*inputs)[0].sum(), inputs))
    refused(RuntimeError, "differentiated once", lambda: first[0].sum().backward())


def compiled():
    """torch.compile without a graph break, eager's bits, with lengths that change."""
    def step(*x):
        o, state = delta(*x, output_final_state=True, use_qk_l2norm_in_kernel=True)
        return o * 2 + state.sum()
    fast = torch.compile(step, fullgraph=True, backend="aot_eager", dynamic=True)
    for T in (20, 21, 48):
        inputs = tensors(T=T)
        same(f"compiled, {T} tokens", training(fast, inputs), training(step, inputs))
        with torch.no_grad():
            same(f"compiled without gradient, {T}", [fast(*inputs)], [step(*inputs)])
    every = torch.compile(lambda q, k, v, g: functional.chunk_simple_gla(q, k, v, g)[0], fullgraph=True,
                          backend="aot_eager")
    q, k, v, b = tensors()
    same("simple GLA", [every(q, k, v, -b)], [functional.chunk_simple_gla(q, k, v, -b)[0]])


def registered():
    """opcheck of all three operations."""
    inputs = tensors(grad=True)
    heads = 2 if fixes_heads(inputs[0].device) else 0
    spec = Operator(rule="delta", type="f32", K=K, V=V, beta_type="f32", final=True, G=heads, H=heads,
                    grad=("q", "k", "v", "beta")).spec()
    plain = [x.detach() for x in inputs]
    torch.library.opcheck(ops.scan_forward, (inputs, spec))
    torch.library.opcheck(ops.scan, (plain, spec))
    results = ops.scan_forward(plain, spec)
    given = [torch.randn_like(x) for x in results[:2]]
    torch.library.opcheck(ops.scan_backward, (plain, list(results[2:]), given, spec))


def autocast():
    inputs = [x.float() for x in tensors()]
    with torch.autocast(DEVICE, torch.bfloat16):
        q = torch.nn.functional.linear(inputs[0], torch.eye(K, device=DEVICE))
        assert q.dtype == torch.bfloat16
        o, state = delta(q, *inputs[1:], output_final_state=True)  # of several types, as layers leave them
        assert o.dtype == torch.bfloat16 and state.dtype == torch.float32
        grads = training(lambda *x: delta(*x)[0], inputs)
    assert [g.dtype for g in grads[1:]] == [torch.float32] * 4
    expected = recurrence(*inputs)[0]
    hold("autocast", o, expected, 1e-2)
    refused(AssertionError, "one type", lambda: delta(q, *inputs[1:]))


def threads():
    inputs, answers = tensors(), []
    expected = training(lambda *x: delta(*x)[0], inputs)
    work = lambda: answers.extend([training(lambda *x: delta(*x)[0], inputs) for _ in range(20)])
    running = [threading.Thread(target=work) for _ in range(4)]
    for thread in running:
        thread.start()
    for thread in running:
        thread.join()
    assert len(answers) == 80
    for answer in answers:
        same("threads", answer, expected)


def misuse():
    q, k, v, beta = tensors()
    offsets = torch.tensor([0, 5, 20], device=DEVICE)
    refused(ValueError, "a batch of 1", lambda: delta(q, k, v, beta, cu_seqlens=offsets))
    one = [x[:1] for x in (q, k, v, beta)]
    refused(ValueError, "2, got 3", lambda: delta(*one, initial_state=torch.zeros(3, 2, K, V, device=DEVICE),
                                                  cu_seqlens=offsets))
    refused(AssertionError, "[B, T, H]", lambda: delta(q, k, v, beta[..., None]))
    refused(AssertionError, "one type", lambda: delta(q.half(), k.double(), v, beta))
    refused(DeprecationWarning, "head_first", lambda: delta(q, k, v, beta, head_first=True))
    refused(ValueError, "chunk_size", lambda: delta(q, k, v, beta, chunk_size=48))
    refused(TypeError, "'heads_first'", lambda: delta(q, k, v, beta, heads_first=True))
    refused(ValueError, "`beta` of", lambda: delta(q, k, v, beta[:, :-1]))
    refused(ValueError, "one shape", lambda: delta(q, k[..., :-1], v, beta))
    refused(ValueError, "bfloat16, float16, float32",
            lambda: functional.chunk_linear_attn(q.double(), k.double(), v.double(), normalize=False))
    gated = functional.chunk_gated_delta_rule
    refused(ValueError, "use_beta_sigmoid_in_kernel", lambda: gated(q, k, v, -beta, beta, allow_neg_eigval=True))
    refused(AssertionError, "A_log", lambda: gated(q, k, v, -beta, beta, use_gate_in_kernel=True))
    refused(ValueError, "multiple of 2", lambda: gated(q, k, torch.cat([v, v[:, :, :1]], 2), -beta, beta))
    refused(ValueError, "the gate of", lambda: gated(q, k, v, -beta[..., :1], beta))
    refused(NotImplementedError, "`gv`", lambda: functional.fused_recurrent_gla(q, k, v, gv=v))
    refused(ValueError, "got both", lambda: functional.chunk_simple_gla(q, k, v, -beta, -beta[0, 0]))
    refused(ValueError, "got both", lambda: gated(q, k, v, -beta, beta, state_v_first=True,
                                                  transpose_state_layout=True))
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        old = gated(q, k, v, -beta, beta, output_final_state=True, transpose_state_layout=True)
        assert any(w.category is DeprecationWarning for w in caught)
    same("the older name", old, gated(q, k, v, -beta, beta, output_final_state=True, state_v_first=True))
    spec = Operator(rule="delta", type="f32", K=K, V=V, beta_type="f32").spec()
    package = ops.program(spec).package(q.device)
    refused(TensorError, "one device", lambda: package.main([q, k, v, beta.to("meta")]))
    refused(TensorError, "expects 4 tensors (q, k, v, beta), got 3", lambda: package.main([q, k, v]))
    refused(TensorError, "initial", lambda: delta(
        q, k, v, beta, initial_state=torch.zeros(2, 2, V, K, device=DEVICE)))
    refused(PackageError, "cannot load", lambda: deltanet.load("/no/such/package.so"))


def gates_from_parameters():
    """Gates that the function computes from parameters: gradients of the parameters, too."""
    q, k, v, beta = tensors(grad=True)
    raw = torch.randn(2, 20, 2, device=DEVICE, requires_grad=True)
    rate, bias = (torch.randn(2, device=DEVICE, requires_grad=True) for _ in range(2))
    o = functional.chunk_gated_delta_rule(q, k, v, raw, beta, use_gate_in_kernel=True, A_log=rate, dt_bias=bias)[0]
    decay = -rate.double().exp() * torch.nn.functional.softplus(raw.double() + bias.double())
    expected = recurrence(q, k, v, beta, decay)[0]
    every = [q, k, v, beta, raw, rate, bias]
    hold("gated", o, expected, TOLERANCE)
    given = torch.randn_like(o)
    for name, mine, theirs in zip("q k v beta g A_log dt_bias".split(), torch.autograd.grad(o, every, given),
                                  torch.autograd.grad(expected, every, given.double())):
        hold(f"d{name}", mine, theirs, 100 * TOLERANCE)
    raw = torch.randn(2, 20, 2, K, device=DEVICE)
    bias = torch.randn(2 * K, device=DEVICE)
    o = functional.chunk_kda(q, k, v, raw, beta, use_gate_in_kernel=True, lower_bound=-2.0, safe_gate=True,
                             A_log=rate, dt_bias=bias)[0]
    decay = -2.0 * torch.sigmoid(rate.double().exp()[:, None] * (raw.double() + bias.double().view(2, K)))
    hold("bounded", o, recurrence(q, k, v, beta, decay)[0], TOLERANCE)


def normalized():
    """Linear attention over the sum of its weights, in pieces, packed, and from the end."""
    q, k, v, _ = (x.abs() for x in tensors(B=1))
    def weights(q, k, v):
        scores = torch.einsum("bthk,bshk->bhts", q.double(), k.double()).tril()
        return torch.einsum("bhts,bshv->bthv", scores / scores.sum(-1, keepdim=True), v.double())
    o, (state, keys) = functional.chunk_linear_attn(q, k, v, output_final_state=True)
    hold("whole", o, weights(q, k, v), TOLERANCE)
    first, states = functional.chunk_linear_attn(q[:, :9], k[:, :9], v[:, :9], output_final_state=True)
    rest, after = functional.chunk_linear_attn(q[:, 9:], k[:, 9:], v[:, 9:], initial_state=states,
                                               output_final_state=True)
    hold("in pieces", torch.cat([first, rest], 1), o, TOLERANCE)
    hold("sums of keys", after[1], keys, TOLERANCE)
    offsets = torch.tensor([0, 7, 7, 20], device=DEVICE)
    packed, pair = functional.chunk_linear_attn(q, k, v, cu_seqlens=offsets, output_final_state=True)
    parts = [weights(q[:, a:b], k[:, a:b], v[:, a:b]) for a, b in ((0, 7), (7, 20))]
    hold("packed", packed, torch.cat(parts, 1), TOLERANCE)
    assert pair[1].shape == (3, 1, 2, K) and not pair[1][1].any()
    turned = [x.flip(1) for x in (q, k, v)]
    back = functional.fused_recurrent_linear_attn(*turned, reverse=True, normalize=True)[0]
    hold("from the end", back.flip(1), o, TOLERANCE)


def decoding():
    """Token by token from state to state is the whole at once."""
    q, k, v, beta = tensors(T=6)
    whole, last = functional.chunk_gated_delta_rule(q, k, v, -beta, beta, output_final_state=True)
    state, outputs = None, []
    for t in range(6):
        row = [x[:, t:t + 1] for x in (q, k, v)]
        o, state = functional.fused_recurrent_gated_delta_rule(
            *row, g=-beta[:, t:t + 1], beta=beta[:, t:t + 1], initial_state=state, output_final_state=True)
        outputs.append(o)
    hold("outputs", torch.cat(outputs, 1), whole, TOLERANCE)
    hold("state", state, last, TOLERANCE)


def graphs():
    """A step captured once and replayed with other contents is the step."""
    inputs = [x.requires_grad_() for x in tensors(B=1, T=70)]
    step = lambda: torch.autograd.grad(delta(*inputs)[0].float().square().sum(), inputs)
    side = torch.cuda.Stream()
    side.wait_stream(torch.cuda.current_stream())
    with torch.cuda.stream(side):
        step()
    torch.cuda.current_stream().wait_stream(side)
    graph = torch.cuda.CUDAGraph()
    with torch.cuda.graph(graph):
        captured = step()
    fresh = tensors(B=1, T=70)
    with torch.no_grad():
        for x, y in zip(inputs, fresh):
            x.copy_(y)
    graph.replay()
    same("replayed", captured, step())


def streams():
    """Kernels go into the stream that is current, and wait for what was queued there."""
    inputs, side = tensors(T=300), torch.cuda.Stream()
    expected = delta(*inputs)[0]
    torch.cuda.synchronize()
    with torch.cuda.stream(side):
        torch.cuda._sleep(50_000_000)
        late = [x * 1 for x in inputs]
        got = delta(*late)[0]
    side.synchronize()
    same("another stream", [got], [expected])


def devices():
    """A device that is not the current one."""
    if torch.cuda.device_count() < 2:
        print("devices: not looked at, there is one device")
        return
    inputs = tensors()
    there = [x.to("cuda:1") for x in inputs]
    assert torch.cuda.current_device() == 0
    expected = training(lambda *x: delta(*x)[0], inputs)
    same("the second device", [x.to("cuda:0") for x in training(lambda *x: delta(*x)[0], there)], expected)


def workspace():
    """Memory that a function needs beside its tensors: the framework's, asked for in C or in Python."""
    inputs = tensors()
    spec = Operator(rule="delta", type="f32", K=K, V=V, beta_type="f32").spec()
    function = ops.program(spec).package(inputs[0].device).main
    expected = function(inputs)
    allocations, needed = function.plan(inputs)
    for name, call in (("workspace", native.call), ("workspace by ctypes", native._by_ctypes)):
        kept, native.call = native.call, call
        try:
            same(name, function.call((allocations, needed + 4096), inputs), expected)
            uneven = [torch.cat([t, t], -1)[..., :t.shape[-1]] for t in inputs]
            same(name + ", strided tensors", function.call((allocations, needed + 4096), uneven), expected)
        finally:
            native.call = kept
    refused(RuntimeError, "memory", lambda: function.call((allocations, 1 << 62), inputs))


EXPECTATIONS = [not_contiguous, some_gradients_alone, twice_is_refused, compiled, registered, autocast, threads,
                misuse, gates_from_parameters, normalized, decoding, workspace]
ON_GPUS = [graphs, streams, devices]


def main():
    global DEVICE
    parser = argparse.ArgumentParser()
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--only", default="")
    parser.add_argument("--keep-going", action="store_true")
    options = parser.parse_args()
    DEVICE, failed = options.device, 0
    for expectation in EXPECTATIONS + (ON_GPUS if DEVICE == "cuda" else []):
        if options.only not in expectation.__name__:
            continue
        torch.manual_seed(3)
        try:
            expectation()
            print(expectation.__name__, "ok", flush=True)
        except Exception:  # noqa: BLE001: with --keep-going all that fails is shown
            if not options.keep_going:
                raise
            failed += 1
            print(expectation.__name__, "FAILED", traceback.format_exc(limit=-4), flush=True)
    print(f"{failed} failed" if failed else "all as expected")


if __name__ == "__main__":
    main()
