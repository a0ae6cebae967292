//===- VariantsTest.cpp - kernels by extents ------------------------------===//
// A target that has several lists of kernels: which of them a call launches,
// how much workspace it asks for, and manifests that are refused.
//===----------------------------------------------------------------------===//
#include "PackageFixture.h"

using namespace deltanet::testing;

namespace {
// A few heads get kernels and workspaces of their own, up to the edge of the
// condition; whatever is asked for asks for the same variant.
class Variants : public Package {
protected:
  void SetUp() override {
    Package::SetUp();
    replace(R"json("grid": ["H", "1", "1"], "block": 32, "shared": 0,
     "arguments": [{"name": "o", "role": "output"}]}]}]
})json",
            R"json("grid": ["H", "1", "1"], "block": 32, "shared": 0,
     "arguments": [{"name": "o", "role": "output"}]}],
   "variants": [
    {"name": "few", "when": "N * H * 11 <= M",
     "workspace": [{"name": "w", "type": "f32", "shape": ["H", "128"]}],
     "kernels": [
      {"kernel": "prepare", "grid": ["1", "H", "1"], "block": 64, "shared": 0,
       "arguments": [{"name": "q", "role": "input"}, {"name": "w", "role": "workspace"}]},
      {"kernel": "scan", "grid": ["2", "H", "1"], "block": 96, "shared": 60000,
       "arguments": [{"name": "w", "role": "workspace"}, {"name": "o", "role": "output"}]}]},
    {"name": "some", "when": "H <= 5",
     "workspace": [{"name": "w", "type": "f32", "shape": ["H", "512"]}],
     "kernels": [
      {"kernel": "middle", "grid": ["3", "H", "1"], "block": 64, "shared": 0,
       "arguments": [{"name": "w", "role": "workspace"}, {"name": "o", "role": "output"}]}]}]}]
})json");
    replace(R"json("sizes": [{"name": "H", "is": "H"}])json",
            R"json("sizes": [{"name": "H", "is": "H"}, {"name": "N", "is": "N"},
             {"name": "M", "device": "multiprocessors"}])json");
    reopen();
    setCapability("90");
    setenv("FAKE_CUDA_PARAMETERS", "1", 1);
  }
  void replace(const std::string &from, const std::string &to) {
    size_t at = text.find(from);
    ASSERT_NE(at, std::string::npos) << from;
    text.replace(at, from.size(), to);
  }
  void reopen() {
    deltanet_close_package(&package);
    open(text.c_str());
  }
  void setHeads(int64_t heads) {
    v.shape[2] = o.shape[2] = s0.shape[1] = s1.shape[1] = heads;
  }
  std::string text = kManifest;
};
} // namespace

TEST_F(Variants, OneOfThemIsLaunched) {
  // 3 * 4 * 11 = 132, which is what the device has: the edge still counts.
  how.workspace_bytes = 4 * 128 * 4;
  ASSERT_EQ(run(), DELTANET_OK) << deltanet_get_error();
  EXPECT_EQ(getLog(),
            "retain 0\n"
            "cuLibraryLoadData ptx\n"
            "cuKernelSetAttribute scan 8 = 60000 on 0\n"
            "launch function of prepare on 0, grid 1 4 1, block 64 1 1, shared "
            "0, stream 0x77: 1000\n"
            "launch function of scan on 0, grid 2 4 1, block 96 1 1, shared "
            "60000, stream 0x77: 10000\n");
  // One sequence more is beyond it, and the next condition holds.
  s0.shape[0] = s1.shape[0] = 4;
  cu.shape[0] = 5;
  call<void>("fake_cuda_reset");
  how.workspace_bytes = 4 * 512 * 4;
  ASSERT_EQ(run(), DELTANET_OK) << deltanet_get_error();
  EXPECT_EQ(getLog(), "launch function of middle on 0, grid 3 4 1, block 64 1 "
                      "1, shared 0, stream 0x77: 10000\n");
  // Where none holds, what the target itself has; it needs no workspace.
  setHeads(6);
  call<void>("fake_cuda_reset");
  ASSERT_EQ(run(/*withCall=*/false), DELTANET_OK) << deltanet_get_error();
  EXPECT_EQ(getLog(), "launch function of only on 0, grid 6 1 1, block 32 1 1, "
                      "shared 0, stream (nil): 7000\n");
}

TEST_F(Variants, Workspace) {
  const DLTensor *list[] = {&q.tensor,  &k.tensor, &v.tensor, s0Pointer,
                            &cu.tensor, &o.tensor, &s1.tensor};
  auto measure = [&] {
    uint64_t bytes = ~uint64_t(0);
    EXPECT_EQ(deltanet_measure_package(&package, list, 7, &bytes), DELTANET_OK)
        << deltanet_get_error();
    return bytes;
  };
  EXPECT_EQ(measure(), 4u * 128 * 4);
  how.workspace_bytes = 4 * 128 * 4 - 1;
  expectError(DELTANET_ERROR_WORKSPACE,
              "expects a workspace of 2048 bytes, got 2047");
  EXPECT_FALSE(logged("launch"));
  s0.shape[0] = s1.shape[0] = 4;
  cu.shape[0] = 5;
  EXPECT_EQ(measure(), 4u * 512 * 4);
  setHeads(6);
  EXPECT_EQ(measure(), 0u);
}

TEST_F(Variants, Refused) {
  struct Case {
    const char *from, *to, *message;
  } cases[] = {
      {"\"N * H * 11 <= M\"", "\"N * H * 11\"",
       "expects a condition with one '<=' as 'when' of the variant 'few', got "
       "'N * H * 11'"},
      {"\"N * H * 11\"", "\"1 <= N <= M\"",
       "expects a condition with one '<=' as 'when' of the variant 'few', got "
       "'1 <= N <= M'"},
      {"\"1 <= N <= M\"", "4", "expects a text as 'when' in the manifest"},
      {"\"when\": 4", "\"when\": \"Z <= M\"", "in the manifest: "},
      {"\"Z <= M\"", "\" <= M\"", "in the manifest: "},
      {"\" <= M\"", "\"N <= M\"", ""},
      // A workspace of another variant is not this one's.
      {"\"few\", \"when\": \"N <= M\",\n     \"workspace\": [{\"name\": \"w\"",
       "\"few\", \"when\": \"N <= M\",\n     \"workspace\": [{\"name\": \"x\"",
       "expects something that the manifest lists as workspace 'w'"},
      {"[{\"name\": \"x\"", "[{\"name\": \"w\"", ""},
      {"{\"name\": \"some\",", "{", "expects a text as 'name' in the manifest"},
      {"\"variants\": [", "\"variants\": 1, \"other\": [",
       "expects a list as 'variants' in the manifest"}};
  how.workspace_bytes = 1 << 20;
  for (const Case &c : cases) {
    replace(c.from, c.to);
    reopen();
    call<void>("fake_cuda_reset");
    int code = run();
    if (!*c.message) {
      EXPECT_EQ(code, DELTANET_OK) << c.to << ": " << deltanet_get_error();
      continue;
    }
    EXPECT_EQ(code, DELTANET_ERROR_PACKAGE) << c.to;
    EXPECT_NE(std::string(deltanet_get_error()).find(c.message),
              std::string::npos)
        << deltanet_get_error();
    EXPECT_FALSE(logged("launch")) << c.to;
  }
}

// More kernels than the runtime has room for, over all variants.
TEST_F(Variants, TooMany) {
  std::string kernel = R"json({"kernel": "middle",)json",
              many = R"json({"kernel": "extra", "grid": ["1", "1", "1"],
                "block": 32, "shared": 0, "arguments": []},)json";
  std::string list;
  for (int i = 0; i < 29; ++i)
    list += many;
  replace(kernel, list + kernel);
  reopen();
  expectError(DELTANET_ERROR_PACKAGE,
              "expects at most 32 'kernels' of a target and its variants in "
              "the manifest, got 33");
}

TEST_F(Variants, OverflowOfACondition) {
  replace("N * H * 11 <= M", "N * 9223372036854775807 <= M");
  reopen();
  expectError(DELTANET_ERROR_TENSOR,
              "the condition of the variant 'few' is an overflow");
  EXPECT_FALSE(logged("launch"));
}
