"""Numbers as instructions of PTX have them, for emulate.py."""

import numpy as np

UNSIGNED = {1: np.uint8, 2: np.uint16, 4: np.uint32, 8: np.uint64}
SIGNED = {1: np.int8, 2: np.int16, 4: np.int32, 8: np.int64}


def from_bf16(bits):
    return (bits.astype(np.uint32) << 16).view(np.float32)


def to_bf16(x):
    bits = np.ascontiguousarray(x, dtype=np.float32).view(np.uint32)
    rounded = (bits.astype(np.uint64) + 0x7FFF + ((bits >> 16) & 1)) >> 16
    return np.where(np.isnan(x), 0x7FFF, rounded).astype(np.uint16)


def from_f16(bits):
    return bits.astype(np.uint16).view(np.float16).astype(np.float32)


def to_f16(x):
    return np.asarray(x, dtype=np.float32).astype(np.float16).view(np.uint16)


def flush(x):
    """Subnormals as zero."""
    return np.where(np.abs(x) < np.float32(2.0**-126), x * np.float32(0), x)


def cut_off(x):
    """As f32, rounded towards zero."""
    near = x.astype(np.float32)
    return np.where(np.abs(near) > np.abs(x), np.nextafter(near, np.float32(0)), near)


def bit_field(x, at, count):
    """`count` bits from bit `at` on; of signed numbers the first of them is the sign."""
    above = 8 * x.itemsize - at - count
    return x << above >> (above + at)


SHIFTS = {
    "shl": lambda x, by: x << np.minimum(by, 63),
    "shr": lambda x, by: x >> np.minimum(by, 8 * x.itemsize - 1),
    "bfe": bit_field,
}

INTEGERS = {
    "add": lambda x, y: x + y,
    "sub": lambda x, y: x - y,
    "mul": lambda x, y: x * y,
    "mad": lambda x, y, z: x * y + z,
    "div": lambda x, y: x // np.where(y == 0, 1, y),
    "rem": lambda x, y: x % np.where(y == 0, 1, y),
    "and": lambda x, y: x & y,
    "or": lambda x, y: x | y,
    "xor": lambda x, y: x ^ y,
    "not": lambda x: ~x,
    "neg": lambda x: (-x.astype(np.int64)).astype(SIGNED[x.itemsize]),
    "min": np.minimum,
    "max": np.maximum,
    **SHIFTS,
}


def exact(function):
    """`function` in float64, rounded once; operands flushed where the name says so."""

    def compute(op, *x):
        if "ftz" in op:
            x = [flush(v) for v in x]
        result = function(*[v.astype(np.float64) for v in x]).astype(np.float32)
        return flush(result) if "ftz" in op else result

    return compute


FLOATS = {
    "add": lambda op, x, y: x + y,
    "sub": lambda op, x, y: x - y,
    "mul": lambda op, x, y: x * y,
    "fma": exact(lambda x, y, z: x * y + z),
    "neg": lambda op, x: -x,
    "abs": lambda op, x: np.abs(x),
    "copysign": lambda op, sign, x: np.copysign(x, sign),
    "min": lambda op, x, y: (np.minimum if "NaN" in op else np.fmin)(x, y),
    "max": lambda op, x, y: (np.maximum if "NaN" in op else np.fmax)(x, y),
    "ex2": exact(np.exp2),
    "lg2": exact(np.log2),
    "rcp": exact(lambda x: 1 / x),
    "sqrt": exact(np.sqrt),
    "rsqrt": exact(lambda x: 1 / np.sqrt(x)),
    "sin": exact(np.sin),
    "cos": exact(np.cos),
    "div": exact(lambda x, y: x / y),
}
