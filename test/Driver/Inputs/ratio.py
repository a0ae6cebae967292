"""ratio.py A.npy B.npy R: fails unless every f32 element of A is R times that of B."""
import struct
import sys


def read(path):
    data = open(path, "rb").read()
    start = 10 + struct.unpack("<H", data[8:10])[0]
    return struct.unpack("<%df" % ((len(data) - start) // 4), data[start:])


a, b, ratio = read(sys.argv[1]), read(sys.argv[2]), float(sys.argv[3])
if not a or any(x != ratio * y or y == 0 for x, y in zip(a, b)):
    sys.exit("expects %s = %g * %s, got %r and %r" % (sys.argv[1], ratio, sys.argv[2], a, b))
