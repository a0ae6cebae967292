"""Blocks of a kernel in PTX, computed with numpy: the instructions that this
compiler writes, all lanes of all warps at once. Shared memory starts as NaN;
addresses outside of what was given are an error, and so are warps that meet in a
byte of shared memory without a barrier between them, where warps wait for all
others at every barrier and for nothing else. Warps that wait for ever are an error, too.
Approximate instructions round correctly here,
and sums in the tensor cores are cut off once."""

import re

import numpy as np

WARP = 32
SHARED_BASE = 1 << 40  # where shared memory stands among addresses
SIZES = {"8": 1, "16": 2, "32": 4, "64": 8}
UNSIGNED = {1: np.uint8, 2: np.uint16, 4: np.uint32, 8: np.uint64}
SIGNED = {1: np.int8, 2: np.int16, 4: np.int32, 8: np.int64}


def cut_off(x):
    """As f32, rounded towards zero."""
    near = x.astype(np.float32)
    return np.where(np.abs(near) > np.abs(x), np.nextafter(near, np.float32(0)), near)


class Refused(Exception):
    """The kernel does what no kernel may do."""


def size_of(kind):
    """Bytes of a type such as `b32`; 0 of a predicate."""
    return SIZES.get(kind.lstrip("bsuf"), 2 if kind in ("f16", "bf16") else 0)


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


# A loop that waits for the turn of an mbarrier, as this compiler writes it.
WAIT = re.compile(r"\.reg \.pred done;\s*WAIT:\s*mbarrier\.\w+_wait\S* done, (\[[^]]*\]), "
                  r"([%\w]+)[^;]*;\s*@!done bra WAIT;")


TOGETHER = ("shfl", "vote", "mma", "ldmatrix", "stmatrix", "movmatrix")


class Program:
    """The instructions of one kernel and where its labels are."""

    def __init__(self, text, name):
        entries = [(m.start(), m[1]) for m in re.finditer(r"\.entry (\w+)\(", text)]
        start = next(at for at, entry in entries if entry == name)
        end = min([at for at, _ in entries if at > start], default=len(text))
        head, body = text[start:end].split("{", 1)
        body = WAIT.sub(r"turn \1, \2;", body)
        self.parameters = re.findall(r"(\w+_param_\d+)", head)
        self.threads = int(re.search(r"(?:max|req)ntid (\d+)", head)[1])
        self.code, self.labels, self.tables = [], {}, {}
        table, pending = None, ""
        for line in body.split("\n"):
            line = line.split("//")[0].strip()
            if match := re.match(r"(\$L_brx_\d+): \.branchtargets", line):
                table = self.tables.setdefault(match[1], [])
                continue
            if table is not None:
                table.append(line.strip(",;"))
                table = None if line.endswith(";") else table
                continue
            if match := re.match(r"(\$\w+):", line):
                self.labels[match[1]] = len(self.code)
                line = line[match.end():].strip()
            pending += " " + line
            while ";" in pending:
                statement, pending = pending.split(";", 1)
                self.add(statement.strip("{} \t") if ".reg" in statement
                         else re.sub(r"^[{}\s]+", "", statement).strip())

    def add(self, statement):
        if not statement or statement.startswith("."):
            return
        predicate = None
        if match := re.match(r"@(!?)(%\w+)\s+", statement):
            predicate = (match[2], match[1] == "!")
            statement = statement[match.end():]
        words, rest = (statement.split(None, 1) + [""])[:2]
        operands, depth, current = [], 0, ""
        for c in rest + ",":
            depth += (c in "{[") - (c in "}]")
            if c == "," and depth == 0:
                operands.append(current.strip())
                current = ""
            else:
                current += c
        operands = [[x.strip() for x in o[1:-1].split(",")] if o.startswith("{") else o
                    for o in operands if o]
        self.code.append((predicate, words.split("."), operands))


class Block:
    """A block of threads that runs a program on `memory`, bytes from address 0."""

    def __init__(self, program, arguments, memory, shared, place=(0, 0, 0)):
        self.program, self.memory = program, memory
        self.place_in_grid = dict(zip("xyz", place))
        self.arguments = dict(zip(program.parameters, arguments))
        self.n = program.threads
        self.registers = {}
        self.shared = np.full(shared, 0xFF, np.uint8)
        self.warp_of = np.arange(self.n) // WARP
        # Who used a byte of shared memory since which barrier.
        self.barriers = 0
        self.writer, self.written = np.full((2, shared), -1)
        self.readers, self.read = np.zeros(shared, np.int64), np.full(shared, -1)
        self.counts = {}
        # Of an mbarrier: how many arrive in a turn, are missing in this one, the
        # turn's number. Who waits for the end of a turn; for which barrier.
        self.turns = {}
        self.stalled = np.zeros(self.n, bool)
        self.waits_at = np.full(self.n, -1)
        self.wait_for = np.zeros(self.n, np.int64)
        # Channels and barriers of some warps order what these see, not all.
        self.tracked = not any(op[0] == "turn" for _, op, _ in program.code)

    def meet(self, done):
        """Lets those go on who wait at a barrier that all have come to."""
        met = False
        for number in np.unique(self.waits_at[self.waits_at >= 0]):
            here = self.waits_at == number
            wanted = self.wait_for[here][0] or self.n - done.sum()
            if here.sum() == wanted:
                self.waits_at[here], met = -1, True
        if not met:
            raise Refused(f"waits for ever: {self.stalled.sum()} threads for channels, "
                          f"{(self.waits_at >= 0).sum()} at barriers")
        self.barriers += 1

    def run(self):
        code, labels = self.program.code, self.program.labels
        targets = set(labels.values())
        at = np.zeros(self.n, np.int64)
        # Those that have come to what a warp does together before the rest of it.
        done, early = np.zeros((2, self.n), bool)
        while not done.all():
            ready = (self.waits_at < 0) & ~self.stalled & ~done
            if not (ready & ~early).any():
                self.meet(done)
                continue
            # Those that are furthest behind go on until they meet others.
            pc = at[ready & ~early].min()
            active = ready & (at == pc)
            early &= ~active
            while True:
                if pc == len(code):
                    done |= active
                    break
                predicate, op, operands = code[pc]
                mask = active
                if predicate:
                    mask = active & (self.value(predicate[0], "pred") ^ predicate[1])
                if op[0] in TOGETHER and (parts := self.parts_of_warps(mask)).any():
                    parts &= active
                    at[parts], early[parts] = pc, True
                    come = (early & (at == pc)).reshape(-1, WARP).all(1)
                    early &= ~np.repeat(come, WARP)
                    active, mask = active & ~parts, mask & ~parts
                    if not active.any():
                        break
                pc += 1
                if op[0] == "turn":
                    over = self.is_over(operands, mask)
                    at[active] = np.where((over | ~mask)[active], pc, pc - 1)
                    self.stalled |= mask & ~over
                    break
                if op[0] in ("bra", "brx", "ret", "bar") and op[1:2] != ["warp"]:
                    at[active] = pc
                    if op[0] == "bra":
                        at[mask] = labels[operands[-1]]
                    elif op[0] == "brx":
                        which = self.value(operands[0], "b32")
                        for i, label in enumerate(self.program.tables[operands[1]]):
                            at[mask & (which == i)] = labels[label]
                    elif op[0] == "ret":
                        done |= mask
                    else:
                        self.waits_at[mask] = int(operands[0])
                        self.wait_for[mask] = int(operands[1]) if len(operands) > 1 else 0
                    break
                if mask.any():
                    warps = int(mask.reshape(-1, WARP).any(1).sum())
                    self.counts[op[0]] = self.counts.get(op[0], 0) + warps
                    self.execute(op, operands, mask)
                if pc in targets:
                    at[active] = pc
                    break

    def execute(self, op, operands, mask):
        handler = getattr(self, "do_" + op[0], None)
        if not handler and "f32" in op and op[0] in FLOATS:
            result = FLOATS[op[0]](op, *[self.number(x) for x in operands[1:]])
            return self.assign(operands[0], result.astype(np.float32), mask)
        if not handler and op[0] in INTEGERS:
            return self.do_integer(op, operands, mask)
        if not handler:
            raise Refused("has no instruction " + ".".join(op))
        return handler(op, operands, mask)

    # Registers.

    def value(self, name, kind):
        size = size_of(kind)
        wanted = UNSIGNED.get(size, bool)
        if name.startswith("%tid.x"):
            return np.arange(self.n).astype(wanted)
        if name.startswith("%ctaid"):
            return np.full(self.n, self.place_in_grid[name[-1]]).astype(wanted)
        if name.startswith("%tid"):
            return np.zeros(self.n, wanted)
        if name.startswith("%"):
            return self.registers[name].astype(wanted)
        if name == "tile_shared":
            return np.full(self.n, SHARED_BASE, np.uint64).astype(wanted)
        if name.startswith("0f"):
            return np.full(self.n, int(name[2:], 16), np.uint32)
        number = int(name.rstrip("U"), 0)
        return np.full(self.n, number & ((1 << 8 * max(size, 1)) - 1)).astype(wanted)

    def signed(self, name, kind):
        value = self.value(name, kind)
        return value.view(SIGNED[value.itemsize]) if kind[0] == "s" else value

    def number(self, name):
        return np.ascontiguousarray(self.value(name, "b32")).view(np.float32)

    def assign(self, name, value, mask):
        if name == "_":
            return
        if value.dtype == np.float32:
            value = np.ascontiguousarray(value).view(np.uint32)
        elif value.dtype.kind == "i":
            value = value.view(UNSIGNED[value.itemsize])
        old = self.registers.get(name, np.zeros(self.n, value.dtype))
        self.registers[name] = np.where(mask, value, old.astype(value.dtype))

    def parts_of_warps(self, mask):
        """The threads of warps of which some are in `mask`, and others are not."""
        warps = mask.reshape(-1, WARP)
        return np.repeat(warps.any(1) & ~warps.all(1), WARP)

    def whole_warps(self, mask):
        warps = mask.reshape(-1, WARP)
        if (warps.any(1) != warps.all(1)).any():
            raise Refused("does not run a whole warp together")
        return warps.all(1)

    # Memory.

    def address(self, text):
        base, _, offset = text.strip("[]").partition("+")
        return self.value(base, "b64").astype(np.int64) + int(offset or 0)

    def place(self, address, mask, size, write):
        """The memory behind addresses, and indices of its bytes."""
        here = address[mask]
        if (here % size != 0).any():
            raise Refused(f"expects addresses at multiples of {size}")
        memory, base = self.memory, 0
        if (here >= SHARED_BASE // 2).all():
            memory, base = self.shared, SHARED_BASE
        here = here - base
        if (here < 0).any() or (here + size > len(memory)).any():
            raise Refused(f"expects addresses within {len(memory)} bytes, got {here.max()}")
        index = np.where(mask, address - base, 0)[:, None] + np.arange(size)
        if base and self.tracked:
            self.note(index[mask], np.repeat(self.warp_of[mask][:, None], size, 1), write)
        return memory, index

    def note(self, index, warps, write):
        what = "writes" if write else "reads"
        if ((self.written[index] == self.barriers) & (self.writer[index] != warps)).any():
            raise Refused(f"{what} shared memory that another warp wrote since a barrier")
        if write:
            recent = self.read[index] == self.barriers
            if (recent & (self.readers[index] & ~(1 << warps) != 0)).any():
                raise Refused("writes shared memory that another warp read since a barrier")
            self.written[index], self.writer[index] = self.barriers, warps
            return
        index, warps = index.ravel(), warps.ravel()
        self.readers[index[self.read[index] != self.barriers]] = 0
        self.read[index] = self.barriers
        np.bitwise_or.at(self.readers, index, 1 << warps)

    def do_ld(self, op, operands, mask):
        size = size_of(op[-1])
        if op[1] == "param":
            value = self.arguments[operands[1].strip("[]")]
            return self.assign(operands[0], np.full(self.n, value, UNSIGNED[size]), mask)
        names = operands[0] if isinstance(operands[0], list) else [operands[0]]
        memory, index = self.place(self.address(operands[1]), mask, size * len(names), False)
        values = np.ascontiguousarray(memory[index]).view(UNSIGNED[size])
        for i, name in enumerate(names):
            self.assign(name, values[:, i], mask)

    def do_st(self, op, operands, mask):
        size = size_of(op[-1])
        names = operands[1] if isinstance(operands[1], list) else [operands[1]]
        memory, index = self.place(self.address(operands[0]), mask, size * len(names), True)
        values = np.stack([self.value(x, op[-1]) for x in names], 1)
        memory[index[mask]] = np.ascontiguousarray(values).view(np.uint8)[mask]

    def do_cp(self, op, operands, mask):
        if not operands or op[2] == "wait_group":
            return
        if op[2] == "mbarrier":  # copies are done at once
            return self.arrive(operands[0], mask)
        size = int(operands[2])
        used = self.value(operands[3], "b32") if len(operands) > 3 else size
        inside = mask & (used == size)
        memory, index = self.place(self.address(operands[1]), inside, size, False)
        data = np.where(inside[:, None], memory[index], 0)
        memory, index = self.place(self.address(operands[0]), mask, size, True)
        memory[index[mask]] = data[mask]

    # Barriers in shared memory.

    def do_fence(self, op, operands, mask):
        pass

    def do_mbarrier(self, op, operands, mask):
        if op[1] == "init":
            counts = self.value(operands[1], "b32")[mask]
            for address, count in zip(self.barrier_at(operands[0])[mask], counts):
                self.turns[int(address)] = [int(count), int(count), 0]
            return
        if op[1] != "arrive" or len(operands) > 2:
            raise Refused("has no instruction " + ".".join(op))
        self.arrive(operands[-1], mask)

    def barrier_at(self, where):
        """Its place in shared memory, by an address of 32 bits or of 64."""
        return self.address(where) % SHARED_BASE

    def arrive(self, where, mask):
        for address in self.barrier_at(where)[mask]:
            turn = self.turns[int(address)]
            turn[1] -= 1
            if turn[1] == 0:
                turn[1], turn[2] = turn[0], turn[2] + 1
                self.stalled[:] = False  # to look again

    def is_over(self, operands, mask):
        """Whether the turn of this parity is over, for every thread of `mask`."""
        over = np.zeros(self.n, bool)
        addresses, parity = self.barrier_at(operands[0]), self.value(operands[1], "b32")
        for address in np.unique(addresses[mask]):
            here = mask & (addresses == address)
            over[here] = self.turns[int(address)][2] % 2 != parity[here]
        return over

    def do_ldmatrix(self, op, operands, mask):
        warps = self.whole_warps(mask)
        names = operands[0] if isinstance(operands[0], list) else [operands[0]]
        address = self.address(operands[1])
        for i, name in enumerate(names):
            lanes = np.zeros((self.n // WARP, WARP), bool)
            lanes[warps, 8 * i:8 * i + 8] = True
            memory, index = self.place(address, lanes.ravel(), 16, False)
            rows = memory[index].reshape(-1, WARP, 16)[:, 8 * i:8 * i + 8]
            block = np.ascontiguousarray(rows).view(np.uint16)
            if "trans" in op:
                block = block.transpose(0, 2, 1)
            self.assign(name, np.ascontiguousarray(block).view(np.uint32).ravel(), mask)

    def do_stmatrix(self, op, operands, mask):
        warps = self.whole_warps(mask)
        names = operands[1] if isinstance(operands[1], list) else [operands[1]]
        address = self.address(operands[0])
        for i, name in enumerate(names):
            lanes = np.zeros((self.n // WARP, WARP), bool)
            lanes[warps, 8 * i:8 * i + 8] = True
            memory, index = self.place(address, lanes.ravel(), 16, True)
            block = self.value(name, "b32").reshape(-1, 8, 4).view(np.uint16)
            if "trans" in op:
                block = block.transpose(0, 2, 1)
            rows = np.ascontiguousarray(block[warps]).view(np.uint8).reshape(-1, 16)
            memory[index[lanes.ravel()]] = rows

    # Moves between registers and lanes.

    def do_mov(self, op, operands, mask):
        to, source, kind = operands[0], operands[1], op[-1]
        half = 16 if kind == "b32" else 32
        if isinstance(source, list):
            low, high = (self.value(x, f"b{half}").astype(np.uint64) for x in source)
            return self.assign(to, (low | high << half).astype(UNSIGNED[half // 4]), mask)
        value = self.value(source, kind)
        if not isinstance(to, list):
            return self.assign(to, value, mask)
        for i, name in enumerate(to):
            self.assign(name, (value >> half * i).astype(UNSIGNED[half // 8]), mask)

    def do_selp(self, op, operands, mask):
        x, y = (self.value(name, op[-1]) for name in operands[1:3])
        self.assign(operands[0], np.where(self.value(operands[3], "pred"), x, y), mask)

    def do_shfl(self, op, operands, mask):
        self.whole_warps(mask)
        values = self.value(operands[1], "b32").reshape(-1, WARP)
        by = self.value(operands[2], "b32").astype(np.int64).reshape(-1, WARP)
        lane = np.arange(WARP) + 0 * by
        source = {"idx": by, "bfly": lane ^ by,
                  "up": np.where(lane >= by, lane - by, lane),
                  "down": np.where(lane + by < WARP, lane + by, lane)}[op[2]]
        result = np.take_along_axis(values, source % WARP, 1)
        self.assign(operands[0].split("|")[0], result.ravel(), mask)

    def do_vote(self, op, operands, mask):
        self.whole_warps(mask)
        votes = self.value(operands[1], "pred").reshape(-1, WARP)
        result = votes.any(1) if "any" in op else votes.all(1)
        self.assign(operands[0], np.repeat(result, WARP), mask)

    def do_movmatrix(self, op, operands, mask):
        self.whole_warps(mask)
        block = self.value(operands[1], "b32").reshape(-1, 8, 4).view(np.uint16)
        turned = np.ascontiguousarray(block.transpose(0, 2, 1)).view(np.uint32)
        self.assign(operands[0], turned.ravel(), mask)

    def do_bar(self, op, operands, mask):  # bar.warp.sync
        self.whole_warps(mask)

    # Tensor cores.

    def do_mma(self, op, operands, mask):
        self.whole_warps(mask)
        kind, warps = op[-2], self.n // WARP
        group, pair = np.divmod(np.arange(WARP), 4)
        a, b = ([self.value(x, "b32").reshape(warps, WARP) for x in o] for o in operands[1:3])
        c = [self.number(x).reshape(warps, WARP) for x in operands[3]]
        depth = 8 if kind == "tf32" else 16
        left, right = np.zeros((warps, 16, depth)), np.zeros((warps, depth, 8))
        sums = np.zeros((warps, 16, 8))
        for i in range(4):
            sums[:, group + i // 2 * 8, 2 * pair + i % 2] = c[i]
        unpack = from_f16 if kind == "f16" else from_bf16
        for registers, store in ((a, self.left_at), (b, self.right_at)):
            matrix = left if registers is a else right
            for i, bits in enumerate(registers):
                if kind == "tf32":
                    place = store(group, pair + i // (2 if registers is a else 1) * 4, i)
                    matrix[(slice(None), *place)] = (bits & 0xFFFFE000).view(np.float32)
                    continue
                for half in range(2):
                    k = 2 * pair + half + i // (2 if registers is a else 1) * 8
                    place = store(group, k, i)
                    matrix[(slice(None), *place)] = unpack(bits >> 16 * half & 0xFFFF)
        result = cut_off(sums + left @ right)
        for i, name in enumerate(operands[0]):
            part = result[:, group + i // 2 * 8, 2 * pair + i % 2]
            self.assign(name, np.ascontiguousarray(part).ravel(), mask)

    @staticmethod
    def left_at(group, k, register):
        return group + register % 2 * 8, k

    @staticmethod
    def right_at(group, k, register):
        return k, group

    # Arithmetic.

    def do_setp(self, op, operands, mask):
        name, kind = op[1], op[-1]
        if kind == "f32":
            x, y = self.number(operands[1]), self.number(operands[2])
            unordered = np.isnan(x) | np.isnan(y)
        else:
            x, y = self.signed(operands[1], kind), self.signed(operands[2], kind)
            unordered = np.zeros(self.n, bool)
        if name in ("nan", "num"):
            return self.assign(operands[0], unordered ^ (name == "num"), mask)
        base = {"eq": x == y, "ne": x != y, "lt": x < y, "le": x <= y, "gt": x > y,
                "ge": x >= y}[name[:2]]
        result = base | unordered if name.endswith("u") else base & ~unordered
        self.assign(operands[0], result, mask)

    def do_cvt(self, op, operands, mask):
        to, source = op[-2:]
        if to in ("bf16x2", "f16x2"):
            pack = to_bf16 if to == "bf16x2" else to_f16
            high, low = (pack(self.number(x)).astype(np.uint32) for x in operands[1:])
            result = high << 16 | low
        elif to == "tf32":
            bits = self.value(operands[1], "b32").astype(np.uint64)
            finite = bits >> 23 & 0xFF != 0xFF
            result = np.where(finite, bits + 0x1000 & 0xFFFFE000, bits).astype(np.uint32)
        elif source in ("f16", "bf16"):
            unpack = from_f16 if source == "f16" else from_bf16
            result = unpack(self.value(operands[1], "b16"))
        elif to in ("f16", "bf16"):
            result = (to_f16 if to == "f16" else to_bf16)(self.number(operands[1]))
        elif source == "f32":
            rounding = {"rni": np.rint, "rmi": np.floor, "rpi": np.ceil}.get(op[1], np.trunc)
            result = rounding(self.number(operands[1]))
            if to != "f32":
                result = np.nan_to_num(result).astype(SIGNED[size_of(to)])
        elif to == "f32":
            result = self.signed(operands[1], source).astype(np.float32)
        else:
            wide = np.int64 if source[0] == "s" else np.uint64
            result = self.signed(operands[1], source).astype(wide)
            result = result.astype(UNSIGNED[size_of(to)])
        self.assign(operands[0], result, mask)

    def do_integer(self, op, operands, mask):
        kind = op[-1]
        if op[0] in ("shl", "shr", "bfe"):
            x = self.signed(operands[1], kind)
            by = [self.value(name, "b32").astype(x.dtype) for name in operands[2:]]
            return self.assign(operands[0], SHIFTS[op[0]](x, *by), mask)
        if "wide" in op or "hi" in op:
            wide = np.int64 if kind[0] == "s" else np.uint64
            x, y = (self.signed(name, kind).astype(wide) for name in operands[1:3])
            result = (x * y).view(np.uint64)
            if "hi" in op:
                return self.assign(operands[0], (result >> 32).astype(np.uint32), mask)
            if op[0] == "mad":
                result = result + self.value(operands[3], "b64")
            return self.assign(operands[0], result, mask)
        arguments = [self.signed(name, kind) for name in operands[1:]]
        self.assign(operands[0], INTEGERS[op[0]](*arguments), mask)


SHIFTS = {
    "shl": lambda x, by: x << np.minimum(by, 63),
    "shr": lambda x, by: x >> np.minimum(by, 8 * x.itemsize - 1),
    "bfe": lambda x, at, count: x >> at & ((1 << count) - 1),
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


def launch(text, name, arrays, numbers=(), shared=0, grid=(1, 1, 1)):
    """Runs the blocks of a grid; returns what became of the arrays, and instructions."""
    places, end = [], 256
    for array in arrays:
        places.append(end)
        end += (array.nbytes + 511) // 256 * 256
    memory = np.full(end, 0xFF, np.uint8)
    for array, at in zip(arrays, places):
        memory[at:at + array.nbytes] = np.ascontiguousarray(array).view(np.uint8).ravel()
    program, counts = Program(text, name), {}
    for place in np.ndindex(*grid):
        block = Block(program, places + list(numbers), memory, shared, place)
        with np.errstate(all="ignore"):
            block.run()
        for op, count in block.counts.items():
            counts[op] = counts.get(op, 0) + count
    results = [memory[at:at + array.nbytes].view(array.dtype).reshape(array.shape)
               for array, at in zip(arrays, places)]
    return results, counts
