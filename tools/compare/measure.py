"""Times on the device: medians of graph replays, the L2 cache overwritten before each."""
import torch

from programs import DEVICE

FLUSH_BYTES = 256 << 20  # several times any L2


class Meter:
    def __init__(self, repeats):
        self.repeats = repeats
        self.flush = torch.empty(FLUSH_BYTES, dtype=torch.int8, device=DEVICE)

    def capture(self, call):
        """A graph of one call, and what the call returned in it."""
        side = torch.cuda.Stream()
        side.wait_stream(torch.cuda.current_stream())
        with torch.cuda.stream(side):
            for _ in range(3):
                call()
        torch.cuda.current_stream().wait_stream(side)
        torch.cuda.synchronize()
        graph = torch.cuda.CUDAGraph()
        with torch.cuda.graph(graph):
            result = call()
        return graph, result

    def median(self, replay):
        """Milliseconds: the median, the shortest and the longest."""
        for _ in range(3):
            replay()
        times = []
        for _ in range(self.repeats):
            self.flush.zero_()
            start, end = torch.cuda.Event(enable_timing=True), torch.cuda.Event(enable_timing=True)
            start.record()
            replay()
            end.record()
            times.append((start, end))
        torch.cuda.synchronize()
        times = sorted(start.elapsed_time(end) for start, end in times)
        return times[len(times) // 2], times[0], times[-1]

    def copy_bandwidth(self, bytes_=1 << 30):
        """Bytes a second, read and written, of a copy on the device."""
        source = torch.zeros(bytes_ // 4, dtype=torch.float32, device=DEVICE)
        target = torch.empty_like(source)
        # By a kernel: what a graph makes of copy_() is slower than the memory.
        graph, _ = self.capture(lambda: torch.neg(source, out=target))
        return 2 * bytes_ / self.median(graph.replay)[0] * 1e3
