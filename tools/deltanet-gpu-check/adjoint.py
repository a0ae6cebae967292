"""The recurrence of linrec.scan and linrec.dplr_scan in float64 and its adjoint, token by
token, on numpy arrays: (1), (21), (25) and (28) of docs/Math.md, and what reverse mode
makes of them. Nothing of it comes from the chunk program that it judges.

Heads of sequences of equal length are worked on side by side. `adjoint.py` by itself
compares the adjoint with central differences of the recurrence.
"""
import collections
import itertools
import sys

import numpy as np

FLOOR = -1e4  # a log-decay below this counts as this


class Operator:
    """What is computed: the fields that NAME.json has of an operator."""

    def __init__(self, fields):
        self.dplr = fields.get("name") == "dplr_scan"
        self.K, self.V, self.steps = fields["K"], fields["V"], fields.get("steps", 1)
        self.before = fields.get("read_out", "after") == "before"
        self.swapped = fields.get("layout", "bthd") == "bhtd"
        self.state_swapped = fields.get("state_layout", "kv") == "vk"
        self.scale = fields.get("scale", self.K**-0.5)


class Heads:
    """Heads of sequences of one length: arrays M x T x ..., states M x K x V."""

    def __init__(self, op, tensors):
        self.op, self.t = op, tensors
        self.M, self.T = tensors["q"].shape[:2]
        self.alpha = None
        if "decay" in tensors:
            log = tensors["decay"]
            log = log if log.ndim == 3 else log[:, :, None] * np.ones(op.K)
            self.alpha = np.exp(np.maximum(log, FLOOR))

    def row(self, name, n):
        return self.t[name][:, n]

    def update(self, state, t):
        """States around every step of token `t`: (before, decayed, a S, U) each, and the last."""
        op, steps = self.op, []
        for n in range(t * op.steps, (t + 1) * op.steps):
            k, v = self.row("k", n), self.row("v", n)
            through = _apply(self.row("a", n), state) if op.dplr else None
            decayed = state * self.alpha[:, t, :, None] if self.alpha is not None and n == t * op.steps else state
            new = self.row("beta", n)[:, None] * (v - _apply(k, decayed)) if "beta" in self.t else v
            steps.append((state, decayed, through, new))
            state = decayed + k[:, :, None] * new[:, None, :]
            if op.dplr:
                state += self.row("b", n)[:, :, None] * through[:, None, :]
        return steps, state

    def read(self, first, steps, last, t):
        q = self.row("q", t)
        o = _apply(q, first if self.op.before else last)
        if "bonus" in self.t:
            o = o + (q * self.t["bonus"] * self.row("k", t)).sum(1, keepdims=True) * steps[0][3]
        return self.op.scale * o

    def forward(self):
        """o, the final states, and the states before every token."""
        state = self.t["initial"] if "initial" in self.t else np.zeros((self.M, self.op.K, self.op.V))
        states, outputs = np.empty((self.T,) + state.shape), np.zeros((self.M, self.T, self.op.V))
        for t in range(self.T):
            states[t] = state
            steps, state = self.update(states[t], t)
            outputs[:, t] = self.read(states[t], steps, state, t)
        return outputs, state, states

    def backward(self, do, dstate):
        """Gradients of <o, do> + <final states, dstate>."""
        op, d = self.op, {name: np.zeros_like(x) for name, x in self.t.items()}
        dlog = np.zeros((self.M, self.T, op.K))
        states, dS = self.forward()[2], dstate.copy()
        for t in reversed(range(self.T)):
            steps, last = self.update(states[t], t)
            q, g = self.row("q", t), op.scale * do[:, t]
            if not op.before:
                d["q"][:, t] += _pull(last, g)
                dS += q[:, :, None] * g[:, None, :]
            extra = self.pull_bonus(d, t, g, steps)
            for n in reversed(range(op.steps)):
                dS, dalpha = self.pull_step(d, t * op.steps + n, dS, steps[n], t if n == 0 else None, extra)
                if dalpha is not None:
                    dlog[:, t] = self.alpha[:, t] * dalpha
            if op.before:
                d["q"][:, t] += _pull(states[t], g)
                dS = dS + q[:, :, None] * g[:, None, :]
        if "decay" in d:
            dlog = np.where(self.alpha > 0, dlog, 0)
            d["decay"] = dlog if d["decay"].ndim == 3 else dlog.sum(2)
        if "initial" in d:
            d["initial"] = dS
        return d

    def pull_bonus(self, d, t, g, steps):
        """(28): what reaches U beside the state."""
        if "bonus" not in self.t:
            return 0
        q, k, u = self.row("q", t), self.row("k", t), self.t["bonus"]
        dweight = (steps[0][3] * g).sum(1, keepdims=True)
        d["q"][:, t] += dweight * u * k
        d["k"][:, t] += dweight * q * u
        d["bonus"] += dweight * q * k
        return (q * u * k).sum(1, keepdims=True) * g

    def pull_step(self, d, n, dS, step, token, extra):
        """The gradient of the state before the step, and of its decay where there is one."""
        state, decayed, through, new = step
        k = self.row("k", n)
        dnew = _apply(k, dS) + extra
        d["k"][:, n] += _pull(dS, new)
        if self.op.dplr:
            dthrough = _apply(self.row("b", n), dS)
            d["b"][:, n] += _pull(dS, through)
        if "beta" in self.t:
            beta = self.row("beta", n)[:, None]
            d["beta"][:, n] += (dnew * (self.row("v", n) - _apply(k, decayed))).sum(1)
            dnew = beta * dnew
            d["k"][:, n] -= _pull(decayed, dnew)
            dS = dS - k[:, :, None] * dnew[:, None, :]
        d["v"][:, n] += dnew
        dalpha = None
        if self.alpha is not None and token is not None:
            dalpha = (dS * state).sum(2)
            dS = dS * self.alpha[:, token, :, None]
        if self.op.dplr:
            d["a"][:, n] += _pull(state, dthrough)
            dS = dS + self.row("a", n)[:, :, None] * dthrough[:, None, :]
        return dS, dalpha


def _apply(row, state):
    return np.einsum("mk,mkv->mv", row, state)


def _pull(state, row):
    return np.einsum("mkv,mv->mk", state, row)


TOKENS_OF = {"q": 1, "decay": 1, "o": 1}  # rows a token; others have as many as steps
BY_GROUP = ("q", "k", "a", "b")


class Tensors:
    """Whole tensors, cut into Heads and put together again."""

    def __init__(self, op, tensors, lengths=None):
        self.op = op
        self.lengths = lengths
        self.t = {name: self._turn(name, x) for name, x in tensors.items()}
        self.B, self.T, self.G = self.t["q"].shape[:3]
        self.H = self.t["v"].shape[2]

    def _turn(self, name, x):
        """To tokens before heads and K x V; its own inverse."""
        x = np.asarray(x, np.float64)
        if name in ("initial", "state"):
            return x.swapaxes(2, 3) if self.op.state_swapped else x
        return x.swapaxes(1, 2) if self.op.swapped and name != "bonus" else x

    def _groups(self):
        """Lists of sequences of one length: (sequence, batch entry, first token)."""
        if self.lengths is None:
            return [(self.T, [(b, b, 0) for b in range(self.B)])] if self.B else []
        groups, begins = collections.defaultdict(list), np.cumsum([0] + list(self.lengths))
        for n, length in enumerate(self.lengths):
            groups[length].append((n, 0, begins[n]))
        return list(groups.items())

    def _rows(self, name, length, begin):
        steps = 1 if name in TOKENS_OF else self.op.steps
        return slice(begin * steps, (begin + length) * steps)

    def _cut(self, name, x, length, members):
        """M x T x ...: heads of every member, one after the other."""
        if name == "bonus":
            return np.concatenate([x] * len(members))
        if name in ("initial", "state"):
            return np.concatenate([x[n] for n, _, _ in members])
        parts = [x[b, self._rows(name, length, begin)].swapaxes(0, 1) for _, b, begin in members]
        return np.concatenate([np.repeat(p, self.H // self.G, axis=0) if name in BY_GROUP else p for p in parts])

    def _paste(self, name, whole, part, length, members):
        """Adds what `_cut` took, heads of a group to their group."""
        part = part.reshape((len(members), self.H) + part.shape[1:])
        if name in BY_GROUP:
            part = part.reshape((len(members), self.G, self.H // self.G) + part.shape[2:]).sum(2)
        for i, (n, b, begin) in enumerate(members):
            if name == "bonus":
                whole += part[i]
            elif name in ("initial", "state"):
                whole[n] += part[i]
            else:
                whole[b, self._rows(name, length, begin)] += part[i].swapaxes(0, 1)

    def _heads(self, length, members):
        return Heads(self.op, {name: self._cut(name, x, length, members) for name, x in self.t.items()})

    def forward(self):
        """o and the final states."""
        count = len(self.lengths) if self.lengths is not None else self.B
        o = np.zeros((self.B, self.T, self.H, self.op.V))
        state = np.zeros((count, self.H, self.op.K, self.op.V))
        for length, members in self._groups():
            part, last, _ = self._heads(length, members).forward()
            self._paste("o", o, part, length, members)
            self._paste("state", state, last, length, members)
        return {"o": self._turn("o", o), "state": self._turn("state", state)}

    def backward(self, gradients):
        """Gradients of all inputs; `gradients` has those of o, of state, or of both."""
        given = {name: self._turn(name, x) for name, x in gradients.items()}
        d = {name: np.zeros_like(x) for name, x in self.t.items()}
        for length, members in self._groups():
            heads = self._heads(length, members)
            cut = {name: self._cut(name, x, length, members) for name, x in given.items()}
            do = cut.get("o", np.zeros((heads.M, length, self.op.V)))
            dstate = cut.get("state", np.zeros((heads.M, self.op.K, self.op.V)))
            for name, part in heads.backward(do, dstate).items():
                self._paste(name, d[name], part, length, members)
        return {name: self._turn(name, x) for name, x in d.items()}


def _self_test():
    """Every kind of operator: the adjoint beside central differences, in one direction."""
    random, worst, count = np.random.default_rng(1), 0.0, 0
    for rule, decay, extra, packed in itertools.product(("additive", "delta", "dplr"), ("", "head", "channel"),
                                                        ("", "before", "bonus", "steps"), (False, True)):
        if rule == "dplr" and extra in ("bonus", "steps") or rule == "delta" and extra == "bonus":
            continue
        steps, lengths = 3 if extra == "steps" else 1, [0, 1, 5, 5] if packed else None
        B, T, G, H, K, V = 1 if packed else 2, 11 if packed else 4, 2, 4, 3, 5
        op = Operator({"name": "dplr_scan" if rule == "dplr" else "scan", "K": K, "V": V, "steps": steps,
                       "read_out": "before" if extra in ("before", "bonus") else "after",
                       "layout": "bhtd" if count % 2 else "bthd", "state_layout": "vk" if count % 3 else "kv"})
        shapes = {"q": (B, T, G, K), "k": (B, T * steps, G, K), "v": (B, T * steps, H, V),
                  "initial": (len(lengths) if packed else B, H, K, V)}
        if rule == "delta":
            shapes["beta"] = (B, T * steps, H)
        if rule == "dplr":
            shapes["a"] = shapes["b"] = shapes["k"]
        if decay:
            shapes["decay"] = (B, T, H) + ((K,) if decay == "channel" else ())
        if extra == "bonus":
            shapes["bonus"] = (H, K)
        turn = Tensors.__new__(Tensors)
        turn.op = op
        make = lambda name, shape: turn._turn(name, random.standard_normal(shape))
        inputs = {name: make(name, shape) * 0.5 for name, shape in shapes.items()}
        if decay:
            inputs["decay"] = -abs(inputs["decay"])
        whole = Tensors(op, inputs, lengths)
        gradients = {name: random.standard_normal(x.shape) for name, x in whole.forward().items()}
        found = whole.backward(gradients)
        for name in inputs:
            direction, h = random.standard_normal(inputs[name].shape), 1e-5
            ends = []
            for sign in (1, -1):
                moved = Tensors(op, {**inputs, name: inputs[name] + sign * h * direction}, lengths).forward()
                ends.append(sum((moved[r] * g).sum() for r, g in gradients.items()))
            slope = (ends[0] - ends[1]) / (2 * h)
            worst = max(worst, abs(slope - (found[name] * direction).sum()) / max(abs(slope), 1e-3))
        count += 1
    print(f"{count} operators, gradients off by {worst:.1e} of central differences")
    return worst < 1e-6


if __name__ == "__main__":
    sys.exit(not _self_test())
