//===- PackageTest.cpp - packages on a driver that records ----------------===//
// Manifests written by hand, so that what no compiled function needs yet is
// tested too: several kernels, workspaces, clusters, absent tensors.
//===----------------------------------------------------------------------===//
#include "PackageFixture.h"
#include "deltanet/Runtime/Features.h"
#include "deltanet/Runtime/Parallel.h"
#include <atomic>
#include <thread>

using namespace deltanet::testing;

TEST_F(Package, LaunchesInOrderWithItsArguments) {
  ASSERT_EQ(run(), DELTANET_OK) << deltanet_get_error();
  EXPECT_STREQ(deltanet_get_error(), "");
  EXPECT_EQ(getLog(),
            "retain 0\n"
            "cuLibraryLoadData cubin\n"
            "cuKernelSetAttribute second 8 = 50000 on 0\n"
            "launch function of first on 0, grid 2 4 3, block 64 1 1, shared "
            "100, stream 0x77: 1000 10100 8 10200\n"
            "launch function of second on 0, grid 1 4 3, block 128 1 1, shared "
            "50000, stream 0x77, cluster 1 2 1: 5000 10000 3 8000\n");
  // The caller's thread has no context before, and none afterwards.
  EXPECT_EQ(call<int>("fake_cuda_depth"), 0);
  EXPECT_STREQ(deltanet_get_target(&package, 0), "sm_80");
  // Loaded once.
  call<void>("fake_cuda_reset");
  ASSERT_EQ(run(), DELTANET_OK);
  EXPECT_FALSE(logged("cuLibraryLoadData"));
  EXPECT_EQ(deltanet_unload_package(&package), DELTANET_OK);
  EXPECT_TRUE(logged("cuLibraryUnload\nrelease 0"));
  EXPECT_EQ(deltanet_get_target(&package, 0), nullptr);
  ASSERT_EQ(run(), DELTANET_OK);
  EXPECT_TRUE(logged("cuLibraryLoadData"));
}

TEST_F(Package, Workspace) {
  uint64_t bytes = 0;
  const DLTensor *list[] = {&q.tensor,  &k.tensor, &v.tensor, s0Pointer,
                            &cu.tensor, &o.tensor, &s1.tensor};
  q.tensor.data = nullptr; // shapes are enough
  EXPECT_EQ(deltanet_measure_package(&package, list, 7, &bytes), DELTANET_OK);
  EXPECT_EQ(bytes, 768u);
  EXPECT_EQ(deltanet_measure_package(&package, list, 7, nullptr),
            DELTANET_ERROR_CALL);
  q.tensor.data = reinterpret_cast<void *>(0x1000);
  how.workspace_bytes = 767;
  expectError(DELTANET_ERROR_WORKSPACE,
              "expects a workspace of 768 bytes, got 767");
  how.workspace_bytes = 768;
  how.workspace = reinterpret_cast<void *>(0x10010);
  expectError(DELTANET_ERROR_WORKSPACE, "expects a workspace aligned to 256 "
                                        "bytes, got the address 0x10010");
  how.workspace = nullptr;
  expectError(DELTANET_ERROR_WORKSPACE,
              "expects a workspace of 768 bytes, got 0");
  EXPECT_EQ(run(/*withCall=*/false), DELTANET_ERROR_WORKSPACE);
  EXPECT_FALSE(logged("launch"));
}

TEST_F(Package, ChoosesTheTarget) {
  struct Case {
    const char *capability, *target, *log;
  } cases[] = {{"80", "sm_80", "cuLibraryLoadData cubin"},
               {"89", "sm_80", "cuLibraryLoadData cubin"},
               {"90", "sm_90a", "cuLibraryLoadData ptx"},
               // Neither a cubin of another generation nor code for one chip.
               {"100", "sm_80", "cuLibraryLoadData ptx"},
               {"121", "sm_80", "cuLibraryLoadData ptx"}};
  for (const Case &c : cases) {
    deltanet_unload_package(&package);
    call<void>("fake_cuda_reset");
    setCapability(c.capability);
    EXPECT_EQ(deltanet_load_package(&package, 0), DELTANET_OK)
        << deltanet_get_error();
    EXPECT_STREQ(deltanet_get_target(&package, 0), c.target) << c.capability;
    EXPECT_TRUE(logged(c.log)) << c.capability << getLog();
  }
  deltanet_unload_package(&package);
  setCapability("75");
  EXPECT_EQ(deltanet_load_package(&package, 0), DELTANET_ERROR_DEVICE);
  EXPECT_STREQ(deltanet_get_error(),
               "'f' expects a device that its code for sm_80, sm_90a runs on; "
               "device 0 is Fake GPU 0 of compute capability 7.5");
}

TEST_F(Package, FallsBackAndSaysWhy) {
  setenv("FAKE_CUDA_FAIL", "cuLibraryLoadData.cubin:209", 1);
  EXPECT_EQ(deltanet_load_package(&package, 0), DELTANET_OK);
  EXPECT_TRUE(logged("cuLibraryLoadData cubin fails\ncuLibraryLoadData ptx\n"));
  deltanet_unload_package(&package);
  setenv("FAKE_CUDA_FAIL",
         "cuLibraryLoadData.cubin:209,cuLibraryLoadData.ptx:222", 1);
  EXPECT_EQ(deltanet_load_package(&package, 0), DELTANET_ERROR_DEVICE);
  EXPECT_STREQ(deltanet_get_error(),
               "'f' expects a device that its code for sm_80, sm_90a runs on; "
               "device 0 is Fake GPU 0 of compute capability 8.6: sm_80 as "
               "cubin: no kernel image is available (209); sm_80 as PTX: "
               "unknown error (222)");
  EXPECT_TRUE(logged("release 0"));
  // A chip with less shared memory than the kernels need.
  unsetenv("FAKE_CUDA_FAIL");
  setenv("FAKE_CUDA_SHARED", "49152", 1);
  EXPECT_EQ(deltanet_load_package(&package, 0), DELTANET_ERROR_DEVICE);
  EXPECT_NE(std::string(deltanet_get_error())
                .find("sm_80 needs 50000 bytes of shared memory a block, there "
                      "are 49152"),
            std::string::npos);
}

TEST_F(Package, DriverErrors) {
  setenv("FAKE_CUDA_FAIL", "cuLaunchKernel:700", 1);
  expectError(DELTANET_ERROR_DRIVER,
              "the launch of 'first' with a grid of 2 x 4 x 3 failed: an "
              "illegal memory access was encountered (700)");
  EXPECT_FALSE(logged("launch function"));
  EXPECT_EQ(call<int>("fake_cuda_depth"), 0);
  deltanet_unload_package(&package);
  setenv("FAKE_CUDA_FAIL", "cuDevicePrimaryCtxRetain:2", 1);
  expectError(DELTANET_ERROR_DRIVER,
              "CUDA device 0 cannot be used: out of memory (2)");
  unsetenv("FAKE_CUDA_FAIL");
  EXPECT_EQ(deltanet_load_package(&package, 1), DELTANET_ERROR_DEVICE);
  EXPECT_STREQ(deltanet_get_error(),
               "expects the number of one of 1 CUDA devices, got 1");
}

TEST_F(Package, OtherContextsAndDevices) {
  setenv("FAKE_CUDA_DEVICES", "2", 1);
  setenv("FAKE_CUDA_CAPABILITY_1", "90", 1);
  ASSERT_EQ(deltanet_load_package(&package, 0), DELTANET_OK);
  // Another context of the device: the kernel itself is launched there.
  call<int>("cuCtxSetCurrent", call<void *>("fake_cuda_other_context", 0));
  ASSERT_EQ(run(), DELTANET_OK) << deltanet_get_error();
  EXPECT_TRUE(logged("launch kernel of first on 0"));
  // The device that is current does not matter, the tensors' does.
  setenv("FAKE_CUDA_PARAMETERS", "1", 1);
  for (Tensor *t : {&q, &k, &v, &s0, &cu, &o, &s1})
    t->tensor.device.device_id = 1;
  ASSERT_EQ(run(), DELTANET_OK) << deltanet_get_error();
  EXPECT_TRUE(logged("launch function of only on 1"));
  EXPECT_EQ(call<int>("fake_cuda_depth"), 1);
  call<int>("cuCtxSetCurrent", static_cast<void *>(nullptr));
  how.device = 0;
  expectError(DELTANET_ERROR_CALL,
              "expects the device of the tensors, 1, or -1 for it, got 0");
  how.device = 1;
  EXPECT_EQ(run(), DELTANET_OK);
}

// What kernels of warp groups take: a tensor map by value, and blocks that
// stay.
TEST_F(Package, TensorMapsAndMultiprocessors) {
  std::string text = kManifest;
  auto replace = [&](const std::string &from, const std::string &to) {
    size_t at = text.find(from);
    ASSERT_NE(at, std::string::npos) << from;
    text.replace(at, from.size(), to);
  };
  replace(R"json("sizes": [{"name": "H", "is": "H"}])json",
          R"json("sizes": [{"name": "H", "is": "H"}, {"name": "T", "is": "T"},
             {"name": "M", "device": "multiprocessors"}])json");
  replace(R"json("grid": ["H", "1", "1"])json",
          R"json("grid": ["min(M, 1000)", 1, "1"])json");
  replace(R"json([{"name": "o", "role": "output"}])json",
          R"json([{"name": "o", "role": "output", "map": {
             "extents": ["H", "T"], "strides": ["H"], "box": [4, 8],
             "swizzle": 128}}, {"name": "T", "role": "size"}])json");
  deltanet_close_package(&package);
  open(text.c_str());
  setCapability("90");
  setenv("FAKE_CUDA_PARAMETERS", "2", 1);
  ASSERT_EQ(run(), DELTANET_OK) << deltanet_get_error();
  EXPECT_TRUE(
      logged("map type 7 at 0x7000, swizzle 3 0 3 0: 4/0/4/1 8/16/8/1\n"
             "launch function of only on 0, grid 132 1 1, block 32 1 1, "
             "shared 0, stream 0x77: 5a5a5a5a5a5a5a5a 8\n"))
      << getLog();
  // No tokens: there is no such map, and nothing is copied.
  q.shape[1] = k.shape[1] = v.shape[1] = o.shape[1] = 0;
  call<void>("fake_cuda_reset");
  ASSERT_EQ(run(), DELTANET_OK) << deltanet_get_error();
  EXPECT_TRUE(logged("stream 0x77: 0 0\n")) << getLog();
  q.shape[1] = o.shape[1] = 8;
  k.shape[1] = v.shape[1] = 16;
  setenv("FAKE_CUDA_FAIL", "cuTensorMapEncodeTiled:1", 1);
  EXPECT_EQ(run(), DELTANET_ERROR_DRIVER);
  deltanet_close_package(&package);
  replace("\"box\": [4, 8]", "\"box\": [4]");
  open(text.c_str());
  expectError(DELTANET_ERROR_PACKAGE,
              "expects a tensor map with a box of 2 extents and a swizzle of 0 "
              "or 128 bytes");
}

TEST_F(Package, Calls) {
  how.struct_size = 8;
  EXPECT_EQ(run(), DELTANET_ERROR_CALL);
  how.struct_size = sizeof how;
  how.flags = 2;
  expectError(DELTANET_ERROR_CALL, "expects flags of 0, got 0x2");
}

TEST_F(Package, AbsentTensors) {
  s0Pointer = nullptr;
  ASSERT_EQ(run(), DELTANET_OK) << deltanet_get_error();
  EXPECT_TRUE(logged(": 0 10000 3 8000"));
  const DLTensor *list[7] = {nullptr};
  EXPECT_EQ(deltanet_run_package(&package, nullptr, list, 7),
            DELTANET_ERROR_TENSOR);
  EXPECT_STREQ(deltanet_get_error(), "expects a tensor as 'q', got NULL");
  EXPECT_EQ(deltanet_run_package(&package, nullptr, list, 6),
            DELTANET_ERROR_TENSOR);
}

// A sequence in place; nothing else may overlap.
TEST_F(Package, Overlap) {
  s1.tensor.data = s0.tensor.data;
  EXPECT_EQ(run(), DELTANET_OK) << deltanet_get_error();
  s1.tensor.data = static_cast<char *>(s0.tensor.data) + 16;
  expectError(DELTANET_ERROR_TENSOR,
              "expects 's1', which is written, in memory of its own; it "
              "overlaps 's0'");
  s1.tensor.data = static_cast<char *>(o.tensor.data) + 112;
  expectError(DELTANET_ERROR_TENSOR,
              "expects 'o', which is written, in memory of its own; it "
              "overlaps 's1'");
  s1.tensor.data = static_cast<char *>(o.tensor.data) + 128;
  EXPECT_EQ(run(), DELTANET_OK) << deltanet_get_error();
}

TEST_F(Package, Shapes) {
  k.shape[1] = 17;
  expectError(
      DELTANET_ERROR_TENSOR,
      "expects dimension 1 of 'k' to be 2 * T = 16, because dimension 1 "
      "of 'q' is 8; got 17");
  k.shape[1] = 16;
  o.shape[1] = 9;
  expectError(DELTANET_ERROR_TENSOR,
              "expects dimension 1 of 'o' to be T = 8, because dimension 1 of "
              "'q' is 8; got 9");
  o.shape[1] = 8;
  q.shape[3] = k.shape[3] = 15;
  expectError(DELTANET_ERROR_TENSOR,
              "expects dimension 3 of 'q' to be 16, got 15");
  q.shape[3] = k.shape[3] = 16;
  q.shape[2] = k.shape[2] = 3;
  expectError(DELTANET_ERROR_TENSOR, "expects that G divides H");
  q.shape[2] = k.shape[2] = 2;
  q.tensor.ndim = 3;
  expectError(DELTANET_ERROR_TENSOR, "expects 'q' with 4 dimensions, got 3");
  q.tensor.ndim = 4;
  q.shape[0] = -1;
  expectError(DELTANET_ERROR_TENSOR,
              "expects extents of at least 0, got -1 in dimension 0 of 'q'");
  q.shape[0] = 1;
  q.tensor.shape = nullptr;
  expectError(DELTANET_ERROR_TENSOR, "expects a shape of 'q', got NULL");
  q.tensor.shape = q.shape.data();
  s0Pointer = nullptr;
  cu.shape[0] = 3;
  expectError(
      DELTANET_ERROR_TENSOR,
      "expects dimension 0 of 'cu' to be N + 1 = 4, because dimension 0 "
      "of 's1' is 3; got 3");
  cu.shape[0] = 0;
  EXPECT_EQ(run(), DELTANET_ERROR_TENSOR);
  EXPECT_FALSE(logged("launch"));
}

TEST_F(Package, TypesStridesAndPlaces) {
  q.tensor.dtype.code = 2;
  expectError(DELTANET_ERROR_TENSOR,
              "expects 'q' of type bf16, got float of 16 bits");
  q.tensor.dtype = {4, 16, 2};
  expectError(
      DELTANET_ERROR_TENSOR,
      "expects 'q' of type bf16, got bfloat of 16 bits in several lanes");
  q.tensor.dtype = {4, 16, 1};
  q.strides = {0, 32, 16, 1}; // the batch is one, so its stride says nothing
  q.tensor.strides = q.strides.data();
  EXPECT_EQ(run(), DELTANET_OK) << deltanet_get_error();
  q.strides[1] = 64;
  expectError(DELTANET_ERROR_TENSOR,
              "expects 'q' in row-major order without gaps; the stride of "
              "dimension 1 is 64, not 32");
  q.tensor.strides = nullptr;
  q.tensor.byte_offset = 8;
  expectError(DELTANET_ERROR_TENSOR,
              "expects 'q' aligned to 16 bytes, got the address 0x1008");
  q.tensor.byte_offset = 32;
  call<void>("fake_cuda_reset");
  EXPECT_EQ(run(), DELTANET_OK);
  EXPECT_TRUE(logged(": 1020 10100 8 10200"));
  q.tensor.byte_offset = 0;
  q.tensor.data = nullptr;
  expectError(DELTANET_ERROR_TENSOR,
              "expects data of 'q', which has 512 bytes, got NULL");
  q.tensor.data = reinterpret_cast<void *>(0x1000);
  k.tensor.device = {1, 0};
  expectError(DELTANET_ERROR_TENSOR,
              "expects all tensors on one device; 'k' is on the processor, 'q' "
              "on CUDA device 0");
  k.tensor.device = {7, 0};
  expectError(DELTANET_ERROR_TENSOR,
              "expects 'k' in memory of the processor or of a CUDA device, got "
              "DLPack's device type 7");
  k.tensor.device = {2, 0};
  v.shape[1] = int64_t(1) << 62;
  expectError(DELTANET_ERROR_TENSOR,
              "'v' has more elements than memory can have");
  // No tensors of a processor without code for one.
  v.shape[1] = 16;
  for (Tensor *t : {&q, &k, &v, &s0, &o, &s1, &cu})
    t->tensor.device = {1, 0};
  int32_t offsets[] = {0, 3, 8, 8};
  cu.tensor.data = offsets;
  expectError(DELTANET_ERROR_DEVICE, "'f' expects tensors on a CUDA device: it "
                                     "has no code for a processor");
  offsets[1] = 9;
  expectError(DELTANET_ERROR_TENSOR,
              "expects 'cu' to rise from 0 to the 8 tokens; entry 2 is 8");
}

// Code for a processor: descriptors in order, and no memory is no end.
TEST_F(Package, Processor) {
  std::string text =
      R"json({"format": 1, "name": "f", "sizes": ["T"], "arguments": [
    {"name": "x", "role": "input", "type": "f32", "shape": ["T", "2"], "optional": false},
    {"name": "y", "role": "output", "type": "f32", "shape": ["T"], "optional": false}],
    "conditions": [], "aliases": [], "targets": [
    {"name": "here", "kind": "cpu", "architecture": ")json" +
      std::string(deltanet_architecture()) + R"json(", "needs": []}]})json";
  float x[8] = {1, 2, 3, 4}, y[4] = {};
  Tensor input({4, 2}, 2, 32, reinterpret_cast<uintptr_t>(x)),
      output({4}, 2, 32, reinterpret_cast<uintptr_t>(y));
  input.tensor.device = output.tensor.device = {1, 0};
  const DLTensor *list[] = {&input.tensor, &output.tensor};
  open(text.c_str());
  package.host = [](void **descriptors) {
    auto **words = reinterpret_cast<int64_t **>(descriptors);
    auto *from = reinterpret_cast<float *>(words[0][1]),
         *to = reinterpret_cast<float *>(words[1][1]);
    // Extents 4 x 2 and strides 2, 1; extent 4 and stride 1.
    to[0] = from[1] + float(words[0][3] * 1000 + words[0][4] * 100 +
                            words[0][5] * 10 + words[0][6]);
    to[1] = float(words[1][3] * 10 + words[1][4]);
  };
  EXPECT_EQ(deltanet_run_package(&package, nullptr, list, 2), DELTANET_OK)
      << deltanet_get_error();
  EXPECT_EQ(y[0], 4223);
  EXPECT_EQ(y[1], 41);
  package.host = [](void **) {
    deltanet_parallel_for(
        2, int64_t(1) << 60, [](void *, int64_t, void *) {}, nullptr);
  };
  EXPECT_EQ(deltanet_run_package(&package, nullptr, list, 2),
            DELTANET_ERROR_MEMORY);
  EXPECT_STREQ(deltanet_get_error(), "no memory for what 'f' computes with");
  EXPECT_EQ(deltanet_load_package(&package, 0), DELTANET_ERROR_DEVICE);
  EXPECT_STREQ(deltanet_get_error(),
               "'f' expects a device that its code for no GPU runs on; device "
               "0 is Fake GPU 0 of compute capability 8.6");
  // A processor that lacks something.
  deltanet_close_package(&package);
  text.replace(text.find("[]}]}"), 2, "[\"avx9000\"]");
  open(text.c_str());
  package.host = [](void **) {};
  EXPECT_EQ(deltanet_load_package(&package, -1), DELTANET_ERROR_DEVICE);
  EXPECT_STREQ(deltanet_get_error(),
               "'f' was compiled for 'here' and expects a processor with "
               "avx9000, which this one lacks");
}

TEST_F(Package, EmptyGridsAndHugeOnes) {
  q.shape[1] = k.shape[1] = v.shape[1] = o.shape[1] = 0;
  q.tensor.data = k.tensor.data = v.tensor.data = o.tensor.data = nullptr;
  ASSERT_EQ(run(), DELTANET_OK) << deltanet_get_error();
  EXPECT_FALSE(logged("first on"));
  EXPECT_TRUE(logged("second on"));
  s0.shape[0] = s1.shape[0] = 70000;
  s1.tensor.data = reinterpret_cast<void *>(0x10000000);
  cu.shape[0] = 70001;
  how.workspace_bytes = 1 << 20;
  expectError(DELTANET_ERROR_TENSOR, "expects extent 2 of the grid of 'first' "
                                     "from 0 to 65535, got 70000");
}

TEST_F(Package, SeveralThreads) {
  std::vector<std::thread> threads;
  std::atomic<int> wrong{0};
  for (int i = 0; i < 8; ++i)
    threads.emplace_back([&, i] {
      for (int round = 0; round < 50; ++round) {
        // Errors are each thread's own.
        const DLTensor *none[7] = {nullptr};
        if (i % 2) {
          wrong += run() != DELTANET_OK;
          wrong += deltanet_get_error()[0] != 0;
        } else {
          wrong += deltanet_run_package(&package, nullptr, none, 7) !=
                   DELTANET_ERROR_TENSOR;
          wrong += !strstr(deltanet_get_error(), "'q', got NULL");
        }
      }
    });
  for (std::thread &thread : threads)
    thread.join();
  EXPECT_EQ(wrong, 0);
  std::string log = getLog();
  size_t loads = 0;
  for (size_t at = 0; (at = log.find("retain", at)) != std::string::npos; ++at)
    ++loads;
  EXPECT_EQ(loads, 1u);
}

// Every entry that is not what it should be refuses the package as a whole.
TEST_F(Package, ManifestsThatAreNotRight) {
  struct Case {
    const char *from, *to, *message;
  } cases[] = {
      {"\"format\": 1", "\"format\": 2",
       "expects a manifest of format 1, got 2"},
      {"\"format\": 1", "\"format\" 1",
       "the manifest is not JSON: expects ':' at character 13"},
      {"\"name\": \"f\"", "\"name\": 3",
       "expects a text as 'name' in the manifest"},
      {"2 * T", "2 * X",
       "in the manifest: expects the name of a size at character 5 of '2 * X'"},
      {"\"blob\": 1}]", "\"blob\": 2}]",
       "expects 'blob' of the manifest from 0 to 1, got 2"},
      {"\"w1\", \"role\"", "\"w9\", \"role\"",
       "expects something that the manifest lists as workspace 'w9'"},
      {"\"block\": 64", "\"block\": 2000",
       "expects 'block' of the manifest from 1 to 1024, got 2000"},
      {"[1, 2, 1]", "[1, 0, 1]",
       "expects three positive extents of the cluster of 'second'"},
      {"\"type\": \"i32\"", "\"type\": \"u32\"",
       "expects a type that the runtime knows for 'cu', got 'u32'"},
      {"\"kind\": \"cubin\"", "\"kind\": \"hsaco\"",
       "expects binaries of kind cubin or ptx, got 'hsaco'"},
      {"\"input\": \"s0\"", "\"input\": \"z\"",
       "expects an argument of the function as 'input', got 'z'"}};
  for (const Case &c : cases) {
    std::string text = kManifest;
    size_t at = text.find(c.from);
    ASSERT_NE(at, std::string::npos) << c.from;
    text.replace(at, strlen(c.from), c.to);
    deltanet_close_package(&package);
    open(text.c_str());
    expectError(DELTANET_ERROR_PACKAGE, c.message);
    // It is tried again, not remembered as good.
    expectError(DELTANET_ERROR_PACKAGE, c.message);
    deltanet_close_package(&package);
  }
  // Cut off anywhere, it is refused.
  for (size_t n = 0; n < strlen(kManifest) - 1; n += 7) {
    std::string text(kManifest, n);
    open(text.c_str());
    EXPECT_EQ(run(), DELTANET_ERROR_PACKAGE) << n;
    deltanet_close_package(&package);
  }
  open(kManifest);
  package.version = 9;
  expectError(DELTANET_ERROR_PACKAGE, "expects a package of version 1, got 9");
}
