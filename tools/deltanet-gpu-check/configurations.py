"""Random configurations of linrec.scan and linrec.dplr_scan.

One configuration is an operator (MLIR) and what to run it on (a dictionary, written
as JSON). Everything follows from a seed and a number: the same two give the same
text on every machine. docs/GpuChecks.md says what the fields mean.
"""
import random

# (rule, decay, extra): each is drawn in turn, so that every class is as frequent.
FAMILIES = [
    ("additive", "none", ""), ("additive", "scalar", ""), ("additive", "channel", ""),
    ("delta", "none", ""), ("delta", "scalar", ""), ("delta", "channel", ""),
    ("additive", "channel", "bonus"), ("additive", "scalar", "before"), ("delta", "scalar", "before"),
    ("delta", "none", "steps"), ("delta", "scalar", "steps"), ("delta", "channel", "steps"),
    ("dplr", "none", ""), ("dplr", "scalar", ""), ("dplr", "channel", ""),
    ("delta", "scalar", "packed"), ("delta", "channel", "packed"), ("additive", "scalar", "packed"),
    ("delta", "scalar", "grouped"), ("delta", "none", "grouped"),
    ("delta", "none", "decode"), ("delta", "scalar", "decode"), ("delta", "channel", "decode"),
    ("additive", "scalar", "decode"), ("additive", "channel", "decode"),
    ("delta", "scalar", "pool"), ("delta", "channel", "pool"), ("additive", "scalar", "pool"),
]
KEY_WIDTHS = [16, 32, 48, 64, 64, 80, 96, 128, 128, 128, 160, 192, 256, 20, 36, 60, 100, 200, 1, 4, 9]
VALUE_WIDTHS = [16, 32, 64, 64, 96, 128, 128, 128, 192, 256, 320, 512, 20, 36, 72, 100, 300]
TOLERANCES = {"bf16": 4.5e-3, "f16": 1e-3, "f32": 1e-5}
# Every so often a sequence of a million tokens.
LONG_EVERY, LONG_TOKENS = 200, 1_000_000


class Configuration:
    """What one operator is, and its runs."""
    families = FAMILIES
    # Multiply-adds of the oracle in one run, so that a sweep takes minutes, and the tokens
    # of a sequence.
    work, most_tokens = 2.5e8, 3500
    long_every = LONG_EVERY
    suffix = ".json"  # of the file that says what to run it on

    def __init__(self, seed, number):
        self.rng = random.Random(f"{seed}/{number}")
        self.name = f"c{number:04d}"
        self.rule, self.decay, self.extra = self.families[number % len(self.families)]
        long = self.long_every and number % self.long_every == self.long_every - 1
        if long:
            self.rule, self.decay, self.extra = "delta", "scalar", "long"
        self._choose_operator()
        self._choose_types()
        self._choose_heads()
        if long:
            self._make_long()
        self.runs = [self._choose_run(small) for small in (True, False)]
        if long:
            self.runs[1].update(sizes={"B": 1, "T": LONG_TOKENS, "H": 1, "G": 1, "N": 1})
            self.runs[1].pop("chained", None)
        if self.static_tokens:  # one length alone
            self.runs = [self._choose_run(self.rng.random() < 0.5)]
            self.tokens = self.runs[0]["sizes"]["T"]
            self.batch = self.runs[0]["sizes"]["B"]

    def _choose_operator(self):
        rng = self.rng
        self.K, self.V = rng.choice(KEY_WIDTHS), rng.choice(VALUE_WIDTHS)
        if rng.random() < 0.35:
            self.V = self.K
        self.packed = self.extra == "packed" or rng.random() < 0.15 and self.extra != "decode"
        self.steps = rng.choice([2, 3, 4]) if self.extra == "steps" else 1
        self.before = self.extra in ("before", "bonus")
        self.bonus = self.extra == "bonus"
        self.layout = "bhtd" if rng.random() < 0.25 else "bthd"
        self.state_layout = "vk" if rng.random() < 0.35 else "kv"
        self.pool, self.decode = self.extra == "pool", self.extra in ("decode", "pool")
        self.initial, self.final = rng.random() < 0.55 or self.decode, rng.random() < 0.75 or self.decode
        self.scale = None if rng.random() < 0.7 else rng.choice([1.0, 0.25, 2.0, -0.5])

    def _choose_types(self):
        rng = self.rng
        self.type = rng.choices(["bf16", "f16", "f32"], [0.55, 0.2, 0.25])[0]
        narrow = lambda p: self.type if rng.random() < p else "f32"
        self.beta_type, self.decay_type = narrow(0.7), narrow(0.25)
        self.out_type = narrow(0.85)
        self.state_type = "bf16" if rng.random() < 0.2 and self.type == "bf16" else "f32"
        self.offset_type = rng.choice(["i32", "i64"])

    def _choose_heads(self):
        rng = self.rng
        self.G = rng.choice([1, 1, 2, 3, 4])
        ratio = rng.choice([2, 3, 4]) if self.extra == "grouped" or rng.random() < 0.1 else 1
        self.H = self.G * ratio
        self.static_heads = rng.random() < 0.5 or ratio > 1
        self.static_tokens = not self.packed and rng.random() < (0.5 if self.decode else 0.15)
        self.batch = self.tokens = None

    def _make_long(self):
        self.K = self.V = 64
        self.G = self.H = 1
        self.type = self.beta_type = self.out_type = "bf16"
        self.decay_type = self.state_type = "f32"
        self.packed = self.static_heads = self.static_tokens = False

    def _choose_lengths(self, small):
        rng = self.rng
        if small:
            return [rng.choice([0, 1, 2, 15, 16, 17, 31, 33]) for _ in range(rng.randint(1, 5))]
        if rng.random() < 0.25:  # thousands of short ones
            n = int(min(3000, self.work / 4 / (self.H * self.K * self.V)))
            return [rng.choice([0, 1, 1, 2, 3]) for _ in range(max(n, 8))]
        return [rng.choice([0, 1, 2, 63, 64, 65, 127, 129, rng.randint(1, 900)])
                for _ in range(rng.randint(2, 12))]

    def _choose_run(self, small):
        rng = self.rng
        run = {"small": small, "seed": rng.randint(1, 1 << 30)}
        cost = self.H * self.K * self.V * self.steps
        if self.packed:
            lengths = self._choose_lengths(small)
            while sum(lengths) * cost > self.work and len(lengths) > 1:
                lengths.pop()
            run["lengths"] = lengths
            B, T, N = 1, sum(lengths), len(lengths)
        else:
            B = rng.choice([1, 1, 2, 3]) if small or not self.decode else rng.randint(4, 96)
            longest = max(1, int(self.work / (B * cost)))
            T = rng.choice([1, 2, 7, 15, 16, 17, 31, 32, 33, 63, 64, 65, 70, 100, 127, 129]) if small \
                else rng.randint(66, self.most_tokens)
            if self.decode:
                T = rng.randint(1, 8)
            if small and not self.static_tokens and rng.random() < 0.06:
                T = 0
            T, N = min(T, longest), B
        run["sizes"] = {"B": B, "T": T, "H": self.H, "G": self.G, "N": N}
        if self.pool:
            run["sizes"]["P"] = N + rng.randint(0, 5)
        if self.decay != "none":
            run["decay"] = [rng.choice([-0.05, -0.3, -1.0, -5.0, -5.0]), 0.0]
            if rng.random() < 0.25:
                run["resets"] = rng.choice([0.01, 0.1, 0.5, 1.0])
                run["reset"] = -1e4
        if self.rule == "delta":
            # A token with a beta of 2 reflects the state: errors stay and add up.
            run["beta"] = [0.0, rng.choice([1.0, 1.0, 1.0, 2.0])]
        whole = self.packed or self.static_tokens  # cannot be cut in two calls
        if self.initial and self.final and not whole and T >= 2 and self.state_type == "f32":
            run["chained"] = rng.randint(1, T - 1)
        return run

    # Tensors -------------------------------------------------------------------

    def _token_shape(self, heads, width=None, steps=1):
        batch = "1" if self.packed else (str(self.batch) if self.static_tokens else "?")
        tokens = str(self.tokens * steps) if self.static_tokens else "?"
        head = str(heads) if self.static_heads else "?"
        extents = [batch, tokens, head] if self.layout == "bthd" else [batch, head, tokens]
        return extents + ([str(width)] if width else [])

    def _state_shape(self, alone):
        count = "1" if alone and self.packed else (str(self.batch) if self.static_tokens else "?")
        count = "?" if self.pool else count
        square = [self.K, self.V] if self.state_layout == "kv" else [self.V, self.K]
        return [count, str(self.H) if self.static_heads else "?"] + [str(w) for w in square]

    def tensors(self, alone=False):
        """Inputs and outputs: lists of (name, type as MLIR writes it)."""
        n = self.steps
        tensor = lambda shape, element: "tensor<" + "x".join(shape + [element]) + ">"
        inputs = [("q", tensor(self._token_shape(self.G, self.K), self.type)),
                  ("k", tensor(self._token_shape(self.G, self.K, n), self.type)),
                  ("v", tensor(self._token_shape(self.H, self.V, n), self.type))]
        if self.rule == "delta":
            inputs.append(("beta", tensor(self._token_shape(self.H, None, n), self.beta_type)))
        if self.rule == "dplr":
            inputs += [(name, inputs[1][1]) for name in "ab"]
        if self.decay != "none":
            width = self.K if self.decay == "channel" else None
            inputs.append(("decay", tensor(self._token_shape(self.H, width), self.decay_type)))
        if self.bonus:
            head = str(self.H) if self.static_heads else "?"
            inputs.append(("bonus", tensor([head, str(self.K)], self.type)))
        state = tensor(self._state_shape(alone), self.state_type)
        if self.initial:
            inputs.append(("initial", state))
        if self.packed and not alone:
            inputs.append(("sequences", f"tensor<?x{self.offset_type}>"))
        if self.pool:
            count = "1" if alone else (str(self.batch) if self.static_tokens else "?")
            inputs.append(("indices", f"tensor<{count}x{self.offset_type}>"))
        outputs = [("o", tensor(self._token_shape(self.H, self.V), self.out_type))]
        if self.final:
            outputs.append(("state", state))
        return inputs, outputs

    def mlir(self, alone=False):
        """The operator; `alone`: the same of one sequence that is not packed."""
        inputs, outputs = self.tensors(alone)
        types = dict(inputs)
        named = lambda name, type: f'{type} {{deltanet.name = "{name}"}}'
        arguments = ", ".join(f"%{name}: {named(name, type)}" for name, type in inputs)
        results = ", ".join(named(name, type) for name, type in outputs)
        given = lambda name, word: f" {word}(%{name} : {types[name]})" if name in types else ""
        text = given("beta", "beta") + given("decay", "decay") + given("bonus", "bonus")
        text += given("initial", "initial") + given("sequences", "sequences") + given("indices", "indices")
        text += " read_out(before)" if self.before else ""
        text += f" layout({self.layout}) state_layout({self.state_layout})"
        text += f" steps({self.steps})" if self.steps > 1 else ""
        text += f" {{scale = {self.scale!r} : f64}}" if self.scale is not None else ""
        order = "qkvab" if self.rule == "dplr" else "qkv"
        operands = ", ".join(types[name] for name in order)
        name = "dplr_scan" if self.rule == "dplr" else "scan"
        pair = " a(%a) b(%b)" if self.rule == "dplr" else ""
        returned = ", ".join(f"%{name}" for name, _ in outputs)
        kinds = ", ".join(type for _, type in outputs)
        return (f"// {self.describe()}\n"
                f"func.func @{self.name}({arguments})\n    -> ({results}) {{\n"
                f"  {returned} = linrec.{name} %q, %k, %v{pair}{text}\n"
                f"      : {operands} -> {kinds}\n"
                f"  return {returned} : {kinds}\n}}\n")

    # Descriptions --------------------------------------------------------------

    @property
    def family(self):
        return f"{self.rule}/{self.decay}" + (f"/{self.extra}" if self.extra else "")

    def describe(self):
        words = [self.family, f"K={self.K} V={self.V}", self.type, f"G={self.G} H={self.H}", self.layout]
        words += [word for word, there in [
            ("packed", self.packed), ("initial", self.initial), ("state", self.final),
            (f"steps={self.steps}", self.steps > 1), (f"scale={self.scale}", self.scale is not None),
            (f"state {self.state_type} {self.state_layout}", self.initial or self.final),
            ("static", self.static_tokens)] if there]
        return ", ".join(words)

    def sidecar(self):
        operator = {"name": "dplr_scan" if self.rule == "dplr" else "scan", "K": self.K, "V": self.V,
                    "steps": self.steps, "read_out": "before" if self.before else "after",
                    "layout": self.layout, "state_layout": self.state_layout}
        if self.scale is not None:
            operator["scale"] = self.scale
        if self.pool:
            operator["pool"] = True
        case = {"name": self.name, "family": self.family, "text": self.describe(), "operator": operator,
                "tolerance": TOLERANCES[self.type], "type": self.type, "runs": self.runs}
        if self.packed:
            case["alone"] = f"{self.name}.alone"
        return case
