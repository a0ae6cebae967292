"""One block of a kernel in PTX, computed with numpy: the instructions that this
compiler writes, all lanes of all warps at once. Shared memory starts as NaN, and
warps that meet in a byte of it where no barrier (of the block, of a role, or of a
channel) orders them are an error, as are addresses outside of what was given. An
asynchronous copy arrives when it has been waited for, and no earlier. Approximate
instructions round correctly here, and sums in the tensor cores are cut off once."""

import re

import numpy as np

from arithmetic import (FLOATS, INTEGERS, SHIFTS, SIGNED, UNSIGNED, cut_off, from_bf16, from_f16, to_bf16,
                        to_f16)

WARP = 32
SHARED_BASE = 1 << 40  # where shared memory stands among addresses
TOGETHER = {"shfl", "vote", "mma", "movmatrix", "ldmatrix", "stmatrix"}  # by whole warps
SIZES = {"8": 1, "16": 2, "32": 4, "64": 8}


class Refused(Exception):
    """The kernel does what no kernel may do."""


def size_of(kind):
    """Bytes of a type such as `b32`; 0 of a predicate."""
    return SIZES.get(kind.lstrip("bsuf"), 2 if kind in ("f16", "bf16") else 0)


def offset_of(address, mask):
    """Where in shared memory the barrier of a channel is; some addresses have 32 bits."""
    return int(address[mask][0]) % (1 << 32)


class Program:
    """The instructions of one kernel and where its labels are."""

    def __init__(self, text, name):
        entries = [(m.start(), m[1]) for m in re.finditer(r"\.entry (\w+)\(", text)]
        start = next(at for at, entry in entries if entry == name)
        end = min([at for at, _ in entries if at > start], default=len(text))
        head, body = text[start:end].split("{", 1)
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
        statement = statement.removeprefix("WAIT:").strip()
        if not statement or statement.startswith(".") or statement.endswith("bra WAIT"):
            return  # waits for a channel are one instruction here
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
        self.program, self.memory, self.at_grid = program, memory, place
        self.arguments = dict(zip(program.parameters, arguments))
        self.n = program.threads
        self.registers = {}
        self.shared = np.full(shared, 0xFF, np.uint8)
        self.warp_of = np.arange(self.n) // WARP
        # What a warp knows of the others' time; its own goes on when it arrives at a
        # barrier. When a byte of shared memory was written, by whom, and read by each.
        warps = self.n // WARP
        self.clock = np.eye(warps, dtype=np.int64)
        self.writer, self.written = np.zeros((2, shared), np.int64)
        self.read = np.zeros((shared, warps), np.int64)
        self.channels = {}  # the barriers of channels, by address
        self.copies = []  # groups of copies under way; the last one is open
        self.counts = {}

    def run(self):
        code, labels = self.program.code, self.program.labels
        targets = set(labels.values())
        at = np.zeros(self.n, np.int64)
        # The number of a barrier, the address of a channel's, or -1.
        self.waiting, done = np.full(self.n, -1), np.zeros(self.n, bool)
        held = np.zeros(self.n, bool)  # before what a warp does together
        while not done.all():
            ready = (self.waiting < 0) & ~done & ~held
            if not ready.any():
                raise Refused("has all threads waiting, and no one who would wake them")
            # Those that are furthest behind go on until they meet others.
            pc = at[ready].min()
            active = ready & (at == pc)
            while True:
                if pc == len(code):
                    done |= active
                    break
                predicate, op, operands = code[pc]
                if op[0] in TOGETHER or op[:2] == ["bar", "warp"]:
                    active = self.gather(active, held, at, pc)
                    if not active.any():
                        break
                mask = active
                if predicate:
                    mask = active & (self.value(predicate[0], "pred") ^ predicate[1])
                pc += 1
                stops = op[0] in ("bra", "brx", "ret", "bar") and op[1:2] != ["warp"]
                if stops or op[:2] in (["mbarrier", "test_wait"], ["mbarrier", "try_wait"]):
                    at[active] = pc
                    if op[0] == "bra":
                        at[mask] = labels[operands[-1]]
                    elif op[0] == "brx":
                        which = self.value(operands[0], "b32")
                        for i, label in enumerate(self.program.tables[operands[1]]):
                            at[mask & (which == i)] = labels[label]
                    elif op[0] == "ret":
                        done |= mask
                    elif op[0] == "bar":
                        self.meet(operands, mask)
                    else:
                        self.wait_channel(operands, mask)
                    break
                if mask.any():
                    warps = int(mask.reshape(-1, WARP).any(1).sum())
                    self.counts[op[0]] = self.counts.get(op[0], 0) + warps
                    self.execute(op, operands, mask)
                if pc in targets:
                    at[active] = pc
                    break

    def gather(self, active, held, at, pc):
        """Those of `active` whose warp is here as a whole; the others are held."""
        warps = active.reshape(-1, WARP)
        late = np.repeat(warps.any(1) & ~warps.all(1), WARP) & active
        at[late], held[late] = pc, True
        for warp in np.unique(self.warp_of[late]):
            lanes = self.warp_of == warp
            if held[lanes].all() and (at[lanes] == pc).all():
                held[lanes] = False
        return active & ~late

    # Barriers.

    def meet(self, operands, mask):
        number = int(operands[0])
        count = int(operands[1]) if len(operands) > 1 else self.n
        self.waiting[mask] = number
        here = self.waiting == number
        if here.sum() < count:
            return
        warps = np.unique(self.warp_of[here])
        self.clock[warps] = self.clock[warps].max(0)
        self.clock[warps, warps] += 1
        self.waiting[here] = -1

    def wait_channel(self, operands, mask):
        address, parity = self.address(operands[1]), self.value(operands[2], "b32")
        for warp in np.unique(self.warp_of[mask]):
            threads = mask & (self.warp_of == warp)
            channel = self.channels[offset_of(address, threads)]
            want = int(parity[threads][0])
            if channel["turn"] % 2 != want:
                self.clock[warp] = np.maximum(self.clock[warp], channel["seen"])
            else:
                self.waiting[threads] = offset_of(address, threads)
                channel["sleepers"].append(threads)

    def arrive(self, address, mask):
        for warp in np.unique(self.warp_of[mask]):
            threads = mask & (self.warp_of == warp)
            channel = self.channels[offset_of(address, threads)]
            channel["clock"] = np.maximum(channel["clock"], self.clock[warp])
            self.clock[warp, warp] += 1
            channel["pending"] -= int(threads.sum())
            if channel["pending"] < 0:
                raise Refused("arrives at a channel more often than it counts")
            if channel["pending"] == 0:
                channel.update(pending=channel["count"], turn=channel["turn"] + 1,
                               seen=channel["clock"])
                for sleepers in channel["sleepers"]:
                    who = self.warp_of[sleepers][0]
                    self.clock[who] = np.maximum(self.clock[who], channel["seen"])
                    self.waiting[sleepers] = -1
                channel["sleepers"] = []

    def do_mbarrier(self, op, operands, mask):
        if op[1] == "init":
            address, count = self.address(operands[0]), self.value(operands[1], "b32")
            nothing = np.zeros(self.n // WARP, np.int64)
            self.channels[offset_of(address, mask)] = {
                "count": int(count[mask][0]), "pending": int(count[mask][0]), "turn": 0,
                "clock": nothing, "seen": nothing, "sleepers": []}
        elif op[1] == "arrive":
            self.arrive(self.address(operands[1]), mask)
        else:
            raise Refused("has no instruction " + ".".join(op))

    def do_fence(self, op, operands, mask):
        pass

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
            return np.full(self.n, self.at_grid["xyz".index(name[-1])], wanted)
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
        if base:
            self.note(index[mask], np.repeat(self.warp_of[mask][:, None], size, 1), write)
        return memory, index

    def note(self, index, warps, write):
        index, warps = index.ravel(), warps.ravel()
        what = "writes" if write else "reads"
        writer = self.writer[index]
        if ((writer != warps) & (self.written[index] > self.clock[warps, writer])).any():
            raise Refused(f"{what} shared memory that another warp wrote since a barrier")
        if not write:
            self.read[index, warps] = self.clock[warps, warps]
            return
        late = self.read[index] > self.clock[warps]
        late[np.arange(len(index)), warps] = False
        if late.any():
            raise Refused("writes shared memory that another warp read since a barrier")
        self.written[index], self.writer[index] = self.clock[warps, warps], warps

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
        if op[2] == "commit_group":
            self.copies.append([])
        elif op[2] in ("wait_group", "wait_all"):
            keep = int(operands[0]) if operands else 0
            ended = self.copies[:len(self.copies) - 1 - keep]
            self.land([copy for group in ended for copy in group], mask)
        elif op[2] == "mbarrier":
            self.land([copy for group in self.copies for copy in group], mask)
            self.arrive(self.address(operands[0]), mask)
        else:
            self.start_copy(operands, mask)

    def start_copy(self, operands, mask):
        size = int(operands[2])
        used = self.value(operands[3], "b32") if len(operands) > 3 else size
        inside = mask & (used == size)
        memory, index = self.place(self.address(operands[1]), inside, size, False)
        data = np.where(inside[:, None], memory[index], 0)
        memory, index = self.place(self.address(operands[0]), mask, size, True)
        memory[index[mask]] = 0xFF
        if not self.copies:
            self.copies.append([])
        self.copies[-1].append([mask.copy(), index, data])

    def land(self, copies, mask):
        """What the threads of `mask` copied is there, for them."""
        for copy in copies:
            here = copy[0] & mask
            if here.any():
                self.note(copy[1][here], np.repeat(self.warp_of[here][:, None], copy[1].shape[1], 1), True)
                self.shared[copy[1][here]] = copy[2][here]
                copy[0] &= ~mask

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
            if "hi" in op and size_of(kind) == 8:
                high = [int(a) * int(b) >> 64 & (1 << 64) - 1 for a, b in zip(x, y)]
                return self.assign(operands[0], np.array(high, np.uint64), mask)
            result = (x * y).view(np.uint64)
            if "hi" in op:
                return self.assign(operands[0], (result >> 32).astype(np.uint32), mask)
            if op[0] == "mad":
                result = result + self.value(operands[3], "b64")
            return self.assign(operands[0], result, mask)
        arguments = [self.signed(name, kind) for name in operands[1:]]
        self.assign(operands[0], INTEGERS[op[0]](*arguments), mask)


def launch(text, name, arrays, numbers=(), shared=0, blocks=((0, 0, 0),), order=None):
    """Runs blocks one after the other, the first unless said; returns what became of
    the arrays, and instructions. `order` says which parameter each array and number
    is, in turn, where that is not arrays first."""
    places, end = [], 256
    for array in arrays:
        places.append(end)
        end += (array.nbytes + 511) // 256 * 256
    memory = np.full(end, 0xFF, np.uint8)
    for array, at in zip(arrays, places):
        memory[at:at + array.nbytes] = np.ascontiguousarray(array).view(np.uint8).ravel()
    arguments = places + list(numbers)
    if order is not None:
        arguments = [arguments[i] for i in order]
    program = Program(text, name)
    for place in blocks:
        block = Block(program, arguments, memory, shared, place)
        with np.errstate(all="ignore"):
            block.run()
    results = [memory[at:at + array.nbytes].view(array.dtype).reshape(array.shape)
               for array, at in zip(arrays, places)]
    return results, block.counts
