#!/usr/bin/env python3
"""Checks every numbered equation of Math.md in float64 against the token-by-token recurrence (1).

    python3 check_math.py        # needs numpy; prints the largest relative error of each equation
"""
import numpy as np

rng = np.random.default_rng(0)


errors = []


def rel(a, b):
    errors.append(np.abs(a - b).max() / max(np.abs(b).max(), 1e-300))
    return errors[-1]


def recurrence(q, k, v, beta, alpha, S0, scale):
    """(1), one head: q,k [T,K]; v [T,V]; beta [T]; alpha [T,K] (all-equal rows for a scalar gate)."""
    S, o = S0.copy(), np.zeros_like(v)
    for t in range(len(q)):
        S = alpha[t][:, None] * S
        u = beta[t] * (v[t] - S.T @ k[t])
        S = S + np.outer(k[t], u)
        o[t] = scale * (S.T @ q[t])
    return o, S


def additive(q, k, v, alpha, S0, scale):
    """(1) without the delta rule."""
    S, o = S0.copy(), np.zeros_like(v)
    for t in range(len(q)):
        S = alpha[t][:, None] * S + np.outer(k[t], v[t])
        o[t] = scale * (S.T @ q[t])
    return o, S


def pieces(q, k, beta, alpha):
    g = np.cumsum(np.log(alpha), 0)                       # (2) [C,K]
    G = np.exp(g)
    C = len(q)
    D = np.exp(g[:, None, :] - g[None, :, :])             # Gamma_r / Gamma_i
    kk = np.einsum("rc,ric,ic->ri", k, D, k)
    qk = np.einsum("rc,ric,ic->ri", q, D, k)
    L = np.tril(beta[:, None] * kk, -1)                   # (4)
    M = np.tril(qk)                                       # (7)
    Tm = np.linalg.inv(np.eye(C) + L) * beta[None, :]     # (5)
    return G, L, M, Tm, kk


def chunk_fwd(q, k, v, beta, alpha, S0, scale):
    G, L, M, Tm, _ = pieces(q, k, beta, alpha)
    X = v - (G * k) @ S0                                  # (3)
    U = Tm @ X                                            # (6)
    O = scale * ((G * q) @ S0 + M @ U)                    # (8)
    S1 = G[-1][:, None] * S0 + (k * (G[-1] / G)).T @ U    # (9)
    return O, S1


def chunk_bwd(q, k, v, beta, alpha, S0, scale, dO, dS1):
    """(12)..(20): gradients of one chunk given dO and the gradient dS1 of the chunk's final state."""
    C = len(q)
    G, L, M, Tm, kk = pieces(q, k, beta, alpha)
    A = np.linalg.inv(np.eye(C) + L)
    X = v - (G * k) @ S0
    U = Tm @ X
    Kt = k * (G[-1] / G)                                  # keys carried to the end of the chunk
    dU = scale * M.T @ dO + Kt @ dS1                      # (12)
    dY = A.T @ dU                                         # (13)   Y = beta X, U = A Y
    dX = beta[:, None] * dY
    dv = dX                                               # (14)
    dS0 = scale * (G * q).T @ dO + G[-1][:, None] * dS1 - (G * k).T @ dX   # (15)
    dL = -np.tril(dY @ U.T, -1)                           # (16)
    dM = scale * np.tril(dO @ U.T)
    dbeta = (dY * X).sum(1) + (dL * np.tril(kk, -1)).sum(1)                # (17)
    D = np.exp(np.log(G)[:, None, :] - np.log(G)[None, :, :])
    P = dL * beta[:, None]                                # gradient of the masked <k_r, k_i>
    dq = scale * G * (dO @ S0.T) + np.einsum("ri,ric,ic->rc", dM, D, k)    # (18)
    dk = (-(G * (dX @ S0.T))                              # (19)
          + (G[-1] / G) * (U @ dS1.T)
          + np.einsum("ri,ric,ic->rc", P, D, k)
          + np.einsum("ri,ric,rc->ic", P, D, k)
          + np.einsum("ri,ric,rc->ic", dM, D, q))
    # gradient of g = cumulative log decay, then of log alpha                (20)
    dg = (scale * G * q * (dO @ S0.T) - G * k * (dX @ S0.T)
          + np.einsum("ri,rc,ric,ic->rc", P, k, D, k) - np.einsum("ri,rc,ric,ic->ic", P, k, D, k)
          + np.einsum("ri,rc,ric,ic->rc", dM, q, D, k) - np.einsum("ri,rc,ric,ic->ic", dM, q, D, k)
          - Kt * (U @ dS1.T))
    dg[-1] += (G[-1][:, None] * S0 * dS1).sum(1) + (Kt * (U @ dS1.T)).sum(0)
    dlog = np.cumsum(dg[::-1], 0)[::-1]
    return dq, dk, dv, dbeta, dlog, dS0


def case(T, K, V, gate):
    q = rng.standard_normal((T, K))
    k = rng.standard_normal((T, K)); k /= np.linalg.norm(k, axis=1, keepdims=True)
    v = rng.standard_normal((T, V)); beta = rng.random(T)
    a = {"none": np.ones((T, K)), "scalar": np.repeat(np.exp(-rng.random((T, 1)) * .2), K, 1),
         "vector": np.exp(-rng.random((T, K)) * .2)}[gate]
    return q, k, v, beta, a, rng.standard_normal((K, V)), K ** -.5


def main():
    for gate in ("none", "scalar", "vector"):
        q, k, v, beta, a, S0, sc = case(96, 24, 40, gate)
        o, S = recurrence(q, k, v, beta, a, S0, sc)
        St, os = S0, []
        for c in range(0, 96, 32):
            s = slice(c, c + 32)
            oc, St = chunk_fwd(q[s], k[s], v[s], beta[s], a[s], St, sc); os.append(oc)
        print(f"(2)-(9) chunk forward, {gate:6} gate: o {rel(np.vstack(os), o):.1e} S {rel(St, S):.1e}")
        # (10),(11): a segment is affine in its initial state
        C = 32; s = slice(0, C)
        G, L, M, Tm, _ = pieces(q[s], k[s], beta[s], a[s])
        Mseg = np.diag(G[-1]) - (k[s] * (G[-1] / G)).T @ Tm @ (G * k[s])
        N = chunk_fwd(q[s], k[s], v[s], beta[s], a[s], 0 * S0, sc)[1]
        print(f"(10)-(11) affine segment, {gate:6}: {rel(Mseg @ S0 + N, chunk_fwd(q[s], k[s], v[s], beta[s], a[s], S0, sc)[1]):.1e}")
        if gate == "scalar":
            A1 = np.linalg.inv(np.eye(C) + np.tril(beta[s][:, None] * (k[s] @ k[s].T), -1))
            gs = G[:, :1]
            L1 = np.tril(beta[s][:, None] * (k[s] @ k[s].T) * (gs / gs.T), -1)
            print(f"(5') scalar gate commutes with the inverse: {rel(A1 * (gs / gs.T), np.linalg.inv(np.eye(C) + L1)):.1e}")
        # backward against central differences of a random loss
        x = [t[s].copy() for t in (q, k, v, beta)] + [np.log(a[s])] + [S0.copy()]
        dO, dS = rng.standard_normal((C, 40)), rng.standard_normal(S0.shape)
        f = lambda q, k, v, b, la, S0: sum((y * w).sum() for y, w in zip(recurrence(q, k, v, b, np.exp(la), S0, sc), (dO, dS)))
        got = chunk_bwd(*x[:4], np.exp(x[4]), x[5], sc, dO, dS)
        errs = []
        for i, gr in enumerate(got):
            num, idx = [], []
            for j in rng.choice(x[i].size, min(40, x[i].size), replace=False):
                e = 1e-5; y = [t.copy() for t in x]; y[i].flat[j] += e; hi = f(*y); y[i].flat[j] -= 2 * e; lo = f(*y)
                num.append((hi - lo) / (2 * e)); idx.append(j)
            errs.append(rel(gr.flat[idx], np.array(num)))
        print(f"(12)-(20) chunk backward, {gate:6}: " + " ".join(f"{n} {e:.0e}" for n, e in zip("dq dk dv dbeta dlog_a dS0".split(), errs)))
    # (21) general transition: S_t = (Diag(alpha) + b a^T) S_{t-1} + k v^T
    T, K, V = 64, 24, 40
    q, k, v, beta, al, S0, sc = case(T, K, V, "vector")
    av, bv = -.5 * k + .1 * rng.standard_normal((T, K)), .5 * k + .1 * rng.standard_normal((T, K))
    S, o = S0.copy(), np.zeros((T, V))
    for t in range(T):
        S = al[t][:, None] * S + np.outer(bv[t], S.T @ av[t]) + np.outer(k[t], v[t]); o[t] = sc * S.T @ q[t]
    g = np.cumsum(np.log(al), 0); gm = np.vstack([np.zeros(K), g[:-1]])        # Gamma_{r-1}
    Dm, D = np.exp(gm[:, None] - g[None]), np.exp(g[:, None] - g[None])
    Aab = np.tril(np.einsum("rc,ric,ic->ri", av, Dm, bv), -1); Aak = np.tril(np.einsum("rc,ric,ic->ri", av, Dm, k), -1)
    Aqb = np.tril(np.einsum("rc,ric,ic->ri", q, D, bv)); Aqk = np.tril(np.einsum("rc,ric,ic->ri", q, D, k))
    U = np.linalg.solve(np.eye(T) - Aab, (np.exp(gm) * av) @ S0 + Aak @ v)
    O = sc * ((np.exp(g) * q) @ S0 + Aqb @ U + Aqk @ v)
    S1 = np.exp(g[-1])[:, None] * S0 + (bv * np.exp(g[-1] - g)).T @ U + (k * np.exp(g[-1] - g)).T @ v
    print(f"(21)-(24) diagonal plus low rank: o {rel(O, o):.1e} S {rel(S1, S):.1e}")
    # (24') segment transfer of the general transition
    Pm = np.diag(np.exp(g[-1])) + (bv * np.exp(g[-1] - g)).T @ np.linalg.solve(np.eye(T) - Aab, np.exp(gm) * av)
    S = np.eye(K)
    for t in range(T):
        S = al[t][:, None] * S + np.outer(bv[t], S.T @ av[t])
    print(f"(24') its segment transfer: {rel(Pm, S):.1e}")
    # (25) several Householder steps a token (DeltaProduct): interleave, decay on the first step, read out on the last
    n, T = 3, 32
    q, k, v, beta, al, S0, sc = case(T * n, K, V, "vector")
    al[np.arange(T * n) % n != 0] = 1
    o, S = recurrence(q, k, v, beta, al, S0, sc)
    St, os = S0, []
    for t in range(T):
        A_, B_ = np.diag(al[t * n]), np.zeros((K, V))
        for j in range(n):
            i = t * n + j
            H = np.eye(K) - beta[i] * np.outer(k[i], k[i])
            A_, B_ = H @ A_, H @ B_ + beta[i] * np.outer(k[i], v[i])
        St = A_ @ St + B_
        os.append(sc * St.T @ q[t * n + n - 1])
    print(f"(25) DeltaProduct, {n} steps a token: o {rel(np.array(os), o[n-1::n]):.1e} S {rel(St, S):.1e}")
    # (10) by running the body itself: P from v = 0, S = I; N from S = 0
    q, k, v, beta, al, S0, sc = case(96, K, V, "vector")
    run = lambda v, S: [S := chunk_fwd(q[c:c+32], k[c:c+32], v[c:c+32], beta[c:c+32], al[c:c+32], S, sc)[1] for c in range(0, 96, 32)][-1]
    print(f"(10) P and N from the body itself: {rel(run(np.zeros((96, K)), np.eye(K)) @ S0 + run(v, 0 * S0), run(v, S0)):.1e}")
    # RWKV-6: read-out before the update, bonus u
    u = rng.standard_normal(K); S, o = S0.copy(), np.zeros_like(v)
    for t in range(96):
        o[t] = sc * (S.T @ q[t] + (q[t] * u * k[t]).sum() * v[t]); S = al[t][:, None] * S + np.outer(k[t], v[t])
    g = np.cumsum(np.log(al), 0); gm = np.vstack([np.zeros(K), g[:-1]])
    M = np.tril(np.einsum("rc,ric,ic->ri", q, np.exp(gm[:, None] - g[None]), k), -1) + np.diag((q * u * k).sum(1))
    print(f"RWKV-6 read-out, one chunk: {rel(sc * ((np.exp(gm) * q) @ S0 + M @ v), o):.1e}")
    # (26) additive family, chunked: no inverse
    q, k, v, beta, al, S0, sc = case(64, K, V, "vector")
    o, S = additive(q, k, v, al, S0, sc)
    g = np.cumsum(np.log(al), 0); D = np.exp(g[:, None] - g[None])
    O = sc * ((np.exp(g) * q) @ S0 + np.tril(np.einsum("rc,ric,ic->ri", q, D, k)) @ v)
    print(f"(26) additive chunk (GLA, Mamba-2, RetNet, linear attention): {rel(O, o):.1e}")
    # (27) vector gate made safe: reference point at the start of each 16-token sub-chunk
    q, k, v, beta, al, S0, sc = case(64, K, V, "vector"); al = np.exp(-5 * rng.random((64, K)))
    g = np.cumsum(np.log(al), 0); D = np.exp(np.minimum(g[:, None] - g[None], 0))
    want = np.tril(np.einsum("rc,ric,ic->ri", q, D, k)); got = np.zeros((64, 64)); worst = 0
    for r in range(0, 64, 16):
        for i in range(0, r, 16):
            ref = g[r - 1]                                    # end of the sub-chunk before the rows
            a_, b_ = q[r:r+16] * np.exp(g[r:r+16] - ref), k[i:i+16] * np.exp(ref - g[i:i+16])
            worst = max(worst, np.exp(g[r:r+16] - ref).max(), np.exp(ref - g[i:i+16]).max())
            got[r:r+16, i:i+16] = a_ @ b_.T
        d = slice(r, r + 16)
        got[d, d] = np.tril(np.einsum("rc,ric,ic->ri", q[d], D[d, d], k[d]))
    print(f"(27) vector gate by sub-chunks: {rel(got, want):.1e}, largest factor {worst:.2f} (never above 1)")
    # (29) the selective scan: all channels at once, and every channel as (1)
    T, K, V = 48, 5, 7
    x, dl, a = rng.standard_normal((T, V)), rng.random((T, V)), -4 * rng.random((V, K))
    b, c, d, h0 = rng.standard_normal((T, K)), rng.standard_normal((T, K)), rng.standard_normal(V), rng.standard_normal((V, K))
    h, y = h0.copy(), np.zeros((T, V))
    for t in range(T):
        h = np.exp(dl[t][:, None] * a) * h + np.outer(dl[t] * x[t], b[t])
        y[t] = h @ c[t] + d * x[t]
    parts = [additive(c, b, (dl * x)[:, v:v+1], np.exp(np.outer(dl[:, v], a[v])), h0[v][:, None], 1.0) for v in range(V)]
    o = np.concatenate([o for o, _ in parts], 1) + d * x
    S = np.concatenate([S for _, S in parts], 1).T
    print(f"(29) selective scan (Mamba): y {rel(y, o):.1e} h {rel(h, S):.1e}")


if __name__ == "__main__":
    main()
    raise SystemExit(0 if max(errors) < 1e-8 else "an equation does not hold")
