//===- PackageFixture.h - a package by hand ---------------------*- C++ -*-===//
// A manifest of two kernels, tensors at addresses that nobody reads, and the
// driver that records what is called.
//===----------------------------------------------------------------------===//
#ifndef DELTANET_TEST_UNIT_RUNTIME_PACKAGEFIXTURE_H
#define DELTANET_TEST_UNIT_RUNTIME_PACKAGEFIXTURE_H

#include "deltanet/Runtime/Cuda.h"
#include "deltanet/Runtime/Package.h"
#include "gtest/gtest.h"
#include <cstdlib>
#include <cstring>
#include <string>
#include <vector>

namespace deltanet::testing {

/// Two kernels for sm_80 and sm_90a, with a workspace between them.
inline const char *const kManifest = R"json({
 "format": 1, "name": "f", "sizes": ["B", "T", "H", "G", "N"],
 "arguments": [
  {"name": "q", "role": "input", "type": "bf16", "shape": ["B", "T", "G", "16"], "optional": false},
  {"name": "k", "role": "input", "type": "bf16", "shape": ["B", "2 * T", "G", "16"], "optional": false},
  {"name": "v", "role": "input", "type": "bf16", "shape": ["B", "2 * T", "H", "32"], "optional": false},
  {"name": "s0", "role": "input", "type": "f32", "shape": ["N", "H"], "optional": true},
  {"name": "cu", "role": "input", "type": "i32", "shape": ["N + 1"], "optional": false, "offsets_end": "T"},
  {"name": "o", "role": "output", "type": "f32", "shape": ["B", "T", "H"], "optional": false},
  {"name": "s1", "role": "output", "type": "f32", "shape": ["N", "H"], "optional": false}],
 "conditions": [{"zero": "H - H / max(G, 1) * G", "rule": "G divides H"}],
 "aliases": [{"input": "s0", "output": "s1"}],
 "targets": [
  {"name": "sm_80", "kind": "gpu", "compute_capability": 80, "specific": false,
   "binaries": [{"kind": "cubin", "blob": 0}, {"kind": "ptx", "blob": 1}],
   "sizes": [{"name": "T", "is": "T"}, {"name": "H", "is": "H"}, {"name": "M", "is": "N"}],
   "workspace": [{"name": "w0", "type": "f32", "shape": ["T", "H"]},
                 {"name": "w1", "type": "i8", "shape": ["M"]},
                 {"name": "w2", "type": "f64", "shape": ["2"]}],
   "kernels": [
    {"kernel": "first", "grid": ["ceildiv(T, 4)", "H", "M"], "block": 64, "shared": 100,
     "arguments": [{"name": "q", "role": "input"}, {"name": "w1", "role": "workspace"},
                   {"name": "T", "role": "size"}, {"name": "w2", "role": "workspace"}]},
    {"kernel": "second", "grid": ["1", "H", "M"], "block": 128, "shared": 50000, "cluster": [1, 2, 1],
     "arguments": [{"name": "s0", "role": "input"}, {"name": "w0", "role": "workspace"},
                   {"name": "M", "role": "size"}, {"name": "s1", "role": "output"}]}]},
  {"name": "sm_90a", "kind": "gpu", "compute_capability": 90, "specific": true,
   "binaries": [{"kind": "ptx", "blob": 1}], "sizes": [{"name": "H", "is": "H"}],
   "workspace": [], "kernels": [
    {"kernel": "only", "grid": ["H", "1", "1"], "block": 32, "shared": 0,
     "arguments": [{"name": "o", "role": "output"}]}]}]
})json";

/// A tensor at an address that nobody reads.
struct Tensor {
  Tensor(std::vector<int64_t> extents, int code, int bits, uintptr_t address)
      : shape(std::move(extents)) {
    tensor.data = reinterpret_cast<void *>(address);
    tensor.device = {2, 0};
    tensor.ndim = static_cast<int32_t>(shape.size());
    tensor.dtype = {static_cast<uint8_t>(code), static_cast<uint8_t>(bits), 1};
    tensor.shape = shape.data();
    tensor.strides = nullptr;
    tensor.byte_offset = 0;
  }
  std::vector<int64_t> shape, strides;
  DLTensor tensor;
};

/// B = 1, T = 8, G = 2, H = 4, N = 3.
class Package : public ::testing::Test {
protected:
  void SetUp() override {
    for (const char *name :
         {"FAKE_CUDA_DEVICES", "FAKE_CUDA_CAPABILITY", "FAKE_CUDA_CAPABILITY_1",
          "FAKE_CUDA_SHARED", "FAKE_CUDA_FAIL"})
      unsetenv(name);
    setenv("FAKE_CUDA_PARAMETERS", "4", 1);
    ASSERT_NE(deltanet_open_cuda(), nullptr) << deltanet_get_error();
    setCapability("86");
    call<void>("fake_cuda_reset");
    open(kManifest);
  }
  void TearDown() override { deltanet_close_package(&package); }

  void open(const char *manifest) {
    package = {DELTANET_PACKAGE_VERSION,
               2,
               manifest,
               strlen(manifest),
               blobs,
               nullptr,
               nullptr};
  }
  void setCapability(const char *capability) {
    setenv("FAKE_CUDA_CAPABILITY", capability, 1);
  }
  template <typename Result, typename... Args>
  static Result call(const char *name, Args... args) {
    return reinterpret_cast<Result (*)(Args...)>(deltanet_cuda_symbol(name))(
        args...);
  }
  static std::string getLog() { return call<const char *>("fake_cuda_log"); }
  bool logged(const std::string &text) {
    return getLog().find(text) != std::string::npos;
  }

  int run(bool withCall = true) {
    const DLTensor *list[] = {&q.tensor,  &k.tensor, &v.tensor, s0Pointer,
                              &cu.tensor, &o.tensor, &s1.tensor};
    return deltanet_run_package(&package, withCall ? &how : nullptr, list, 7);
  }
  void expectError(int code, const std::string &message) {
    EXPECT_EQ(run(), code);
    EXPECT_EQ(deltanet_get_error(), message);
  }

  char cubin[16] = "\177ELF", ptx[16] = "// ptx";
  deltanet_blob blobs[2] = {{cubin, 5}, {ptx, 6}};
  deltanet_package package;
  Tensor q{{1, 8, 2, 16}, 4, 16, 0x1000}, k{{1, 16, 2, 16}, 4, 16, 0x2000},
      v{{1, 16, 4, 32}, 4, 16, 0x3000}, s0{{3, 4}, 2, 32, 0x5000},
      cu{{4}, 0, 32, 0x6000}, o{{1, 8, 4}, 2, 32, 0x7000},
      s1{{3, 4}, 2, 32, 0x8000};
  const DLTensor *s0Pointer = &s0.tensor;
  // w0 has 128 bytes, w1 3, w2 16, each in 256.
  deltanet_call how{sizeof(deltanet_call),
                    0,
                    reinterpret_cast<void *>(0x77),
                    reinterpret_cast<void *>(0x10000),
                    768,
                    -1};
};
} // namespace deltanet::testing

#endif // DELTANET_TEST_UNIT_RUNTIME_PACKAGEFIXTURE_H
