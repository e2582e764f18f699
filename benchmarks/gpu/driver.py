# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""What a benchmark needs of the CUDA driver, by ctypes: memory, events, graphs, the device's properties. Works in the
primary context, which PyTorch and JAX share."""

import contextlib
import ctypes
import os
import statistics
from ctypes import byref, c_char_p, c_float, c_int, c_size_t, c_uint, c_uint64, c_void_p

ATTRIBUTES = {"multiprocessors": 16, "clock_khz": 13, "memory_clock_khz": 36, "bus_bits": 37, "l2_bytes": 38}
MAJOR, MINOR = 75, 76


class DriverError(RuntimeError):
    pass


class Driver:
    def __init__(self, ordinal=0):
        self.lib = ctypes.CDLL(os.environ.get("MOE_CUDA_DRIVER") or "libcuda.so.1")
        self.call("cuInit", c_uint(0))
        self.device, context = c_int(), c_void_p()
        self.call("cuDeviceGet", byref(self.device), c_int(ordinal))
        self.call("cuDevicePrimaryCtxRetain", byref(context), self.device)
        self.call("cuCtxPushCurrent_v2", context)

    def call(self, name, *arguments):
        result = getattr(self.lib, name)(*arguments)
        if result:
            text = c_char_p()
            self.lib.cuGetErrorString(result, byref(text))
            raise DriverError(f"{name}: error {result}: {(text.value or b'?').decode()}")

    def attribute(self, number):
        value = c_int()
        self.call("cuDeviceGetAttribute", byref(value), c_int(number), self.device)
        return value.value

    def properties(self):
        """Of the device; a property that the driver does not tell is left out."""
        found = {}
        name = ctypes.create_string_buffer(128)
        with contextlib.suppress(DriverError, AttributeError):
            self.call("cuDeviceGetName", name, c_int(128), self.device)
            found["name"] = name.value.decode()
        for key, number in {**ATTRIBUTES, "major": MAJOR, "minor": MINOR}.items():
            with contextlib.suppress(DriverError):
                found[key] = self.attribute(number)
        return found

    def allocate(self, size):
        pointer = c_uint64()
        self.call("cuMemAlloc_v2", byref(pointer), c_size_t(max(size, 1)))
        return pointer.value

    def free(self, pointer):
        self.call("cuMemFree_v2", c_uint64(pointer))

    def upload(self, pointer, array):
        self.call("cuMemcpyHtoDAsync_v2", c_uint64(pointer), c_void_p(array.ctypes.data), c_size_t(array.nbytes), None)
        self.synchronize()

    def download(self, array, pointer):
        self.call("cuMemcpyDtoHAsync_v2", c_void_p(array.ctypes.data), c_uint64(pointer), c_size_t(array.nbytes), None)
        self.synchronize()
        return array

    def fill(self, pointer, size):
        self.call("cuMemsetD8Async", c_uint64(pointer), ctypes.c_ubyte(0), c_size_t(size), None)

    def synchronize(self):
        self.call("cuStreamSynchronize", None)

    def capture(self, start):
        """What `start(stream)` launches, as a function that launches it on the default stream as a graph."""
        stream, graph, executable = c_void_p(), c_void_p(), c_void_p()
        self.call("cuStreamCreate", byref(stream), c_uint(1))
        self.call("cuStreamBeginCapture_v2", stream, c_int(2))  # other threads may do as they like
        try:
            start(stream.value)
        finally:
            self.call("cuStreamEndCapture", stream, byref(graph))
        self.call("cuGraphInstantiateWithFlags", byref(executable), graph, c_uint64(0))
        return lambda: self.call("cuGraphLaunch", executable, None)

    def time(self, run, repeats, before=lambda: None):
        """Microseconds of each of `repeats` runs on the default stream, between two events; `before` is not timed."""
        events = [(c_void_p(), c_void_p()) for _ in range(repeats)]
        for first, last in events:
            self.call("cuEventCreate", byref(first), c_uint(0))
            self.call("cuEventCreate", byref(last), c_uint(0))
        for first, last in events:
            before()
            self.call("cuEventRecord", first, None)
            run()
            self.call("cuEventRecord", last, None)
        self.synchronize()
        times, elapsed = [], c_float()
        for first, last in events:
            self.call("cuEventElapsedTime", byref(elapsed), first, last)
            times.append(elapsed.value * 1e3)
            self.call("cuEventDestroy_v2", first)
            self.call("cuEventDestroy_v2", last)
        return times

    def copy_bandwidth(self, size=1 << 30):
        """Bytes a second that a fill of `size` bytes writes: what the memory gives without reading."""
        pointer = self.allocate(size)
        try:
            times = self.time(lambda: self.fill(pointer, size), 8)
        finally:
            self.free(pointer)
        return size / max(statistics.median(times[2:]), 1e-3) * 1e6
