"""Random configurations of gradients: an operator, the arguments whose gradient is asked
for, the results whose gradient is given, a chunk, and runs. docs/GpuChecks.md says what
the fields mean.
"""
from configurations import Configuration, FAMILIES

CHUNKS = [None, 16, 32, 64]  # None: by rule
# Relative Frobenius errors; of log-decays, where differences cancel, twice as much.
TOLERANCES = {"bf16": 1e-2, "f16": 2e-3, "f32": 1e-4}
OF_DECAYS = 2


class GradientConfiguration(Configuration):
    # Pools of states, which change in place, and the token loop have no gradient.
    families = [family for family in FAMILIES if family[2] not in ("decode", "pool")]
    # The oracle keeps the state of every token.
    work, most_tokens = 2e7, 600
    long_every = 0
    suffix = ".gradient.json"  # no case: gradient-data makes cases of it

    def __init__(self, seed, number):
        super().__init__(seed, number)
        rng = self.rng
        self.name = f"g{number:04d}"
        self.chunk = rng.choice(CHUNKS)
        inputs, outputs = self.tensors()
        able = [name for name, _ in inputs if name != "sequences"]
        self.of = [name for name in able if rng.random() < 0.5] if rng.random() < 0.3 else able
        self.of = self.of or [rng.choice(able)]
        results = [name for name, _ in outputs]
        self.given = rng.choice([["o"], results, results[-1:]])
        for run in self.runs:
            run.pop("chained", None)
            run["seed"] = rng.randint(1, 1 << 30)

    def options(self):
        """Of linrec-to-ptx."""
        text = f"grad={','.join(self.of)} grad-from={','.join(self.given)}"
        return text + (f" chunk={self.chunk}" if self.chunk else "")

    def describe(self):
        chunk = f", chunk={self.chunk}" if self.chunk else ""
        return f"{super().describe()}{chunk}, {' '.join('d' + n for n in self.of)} from {' '.join(self.given)}"

    def sidecar(self):
        case = super().sidecar()
        case.pop("alone", None)
        case["family"] = f"gradient/{self.family}"
        case["tolerance"] = TOLERANCES[self.type]
        case["gradient"] = {"of": self.of, "from": self.given}
        if "decay" in self.of:
            case["tolerances"] = {"ddecay": OF_DECAYS * case["tolerance"]}
        return case
