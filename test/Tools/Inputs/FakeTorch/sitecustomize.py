"""Lets tools/compare run where there is torch but no GPU: its device is this processor,
its graphs are calls, its driver is the fake one. Python imports this file by itself."""
import os
import sys
import time

import torch


class Stream:
    cuda_stream = 0

    def wait_stream(self, other):
        pass

    def __enter__(self):
        return self

    def __exit__(self, *error):
        pass


class Event:
    def __init__(self, enable_timing=False):
        pass

    def record(self):
        self.time = time.perf_counter()

    def elapsed_time(self, other):
        return (other.time - self.time) * 1e3


class Graph:
    """A call and what it returned: replaying it writes there."""

    def __init__(self, call):
        self.call, self.result = call, call()

    def replay(self):
        result = self.call()
        for kept, made in zip(self.result or (), result or ()):
            if kept is not None:
                kept.copy_(made)


for name, value in dict(Stream=Stream, Event=Event, stream=lambda s: s, current_stream=Stream, init=lambda: None,
                        synchronize=lambda: None, is_available=lambda: True, current_device=lambda: 0,
                        get_device_name=lambda: "no device at all", empty_cache=lambda: None).items():
    setattr(torch.cuda, name, value)

if os.environ.get("DELTANET_COMPARE"):
    sys.path.insert(0, os.environ["DELTANET_COMPARE"])
    import programs
    programs.DEVICE = "cpu"
    import measure
    measure.FLUSH_BYTES = 1 << 10

    def capture(self, call):
        graph = Graph(call)
        return graph, graph.result

    measure.Meter.capture = capture
    measure.Meter.copy_bandwidth = lambda self: 1e12
