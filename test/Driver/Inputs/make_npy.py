"""make_npy.py FILE DTYPE SHAPE [VALUES]: writes a .npy file without NumPy.

DTYPE is NumPy's word for a type (<f4, <i8, |b1, ...), SHAPE is 1x2x3 (or "scalar").
VALUES are comma-separated numbers, repeated as often as needed; 0.5 by default.
"""
import struct
import sys

CODES = {"<f2": "e", "<f4": "f", "<f8": "d", "<i4": "i", "<i8": "q", "|b1": "?"}


def main():
    path, dtype, shape_text = sys.argv[1:4]
    values = [float(x) for x in sys.argv[4].split(",")] if len(sys.argv) > 4 else [0.5]
    shape = () if shape_text == "scalar" else tuple(int(x) for x in shape_text.split("x"))
    count = 1
    for extent in shape:
        count *= extent
    data = (values * (count // len(values) + 1))[:count]
    if CODES[dtype] in "iq?":
        data = [int(x) for x in data]
    header = "{'descr': '%s', 'fortran_order': False, 'shape': %r, }" % (dtype, shape)
    header += " " * (-(len(header) + 11) % 64) + "\n"
    with open(path, "wb") as file:
        file.write(b"\x93NUMPY\x01\x00" + struct.pack("<H", len(header)) + header.encode())
        file.write(struct.pack("<%d%s" % (count, CODES[dtype]), *data))


main()
