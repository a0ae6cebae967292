//===- ManifestTest.cpp - what a package says of itself -------------------===//
// Kernels whose sizes have names of their own, workspaces that several share,
// extents that only the kernels take for equal; and the runtime reads it.
//===----------------------------------------------------------------------===//
#include "deltanet/Artifact/Package.h"
#include "deltanet/Runtime/Package.h"
#include "gtest/gtest.h"

using namespace deltanet::artifact;

namespace {
class ManifestTest : public ::testing::Test {
protected:
  void SetUp() override {
    Signature &s = package.signature;
    s.name = s.prefix = "f";
    s.sizes = {"B", "T", "x_0"};
    s.arguments = {{"q", "bf16", true, {"B", "2 * T", "16"}, "query", "", ""},
                   {"o", "f32", false, {"x_0", "T"}, "", "", ""}};
    TargetCode target;
    target.name = "sm_80";
    target.gpu = true;
    target.computeCapability = 80;
    target.tolerances = {0.5};
    target.ptx =
        R"ptx(// deltanet.launch {"kernel":"first","grid":["ceildiv(C, 64)","N","1"],"block":64,"shared":8,"arguments":[{"name":"q","role":"input","type":"bf16","shape":["N","C","16"]},{"name":"w","role":"workspace","type":"f32","shape":["N","C + 1"]}]}
// deltanet.launch {"kernel":"second","grid":["1","1","1"],"block":32,"shared":0,"arguments":[{"name":"w","role":"workspace","type":"f32","shape":["N","C + 1"]},{"name":"T","role":"size","type":"i64"},{"name":"o","role":"output","type":"f32","shape":["N","T"]}]}
.version 7.8
.target sm_80
)ptx";
    package.targets.push_back(target);
    read();
  }
  void read() {
    auto launches = readLaunches(package.targets[0].ptx);
    ASSERT_TRUE(bool(launches));
    package.targets[0].launches = std::move(*launches);
  }
  void replace(const std::string &from, const std::string &to) {
    std::string &ptx = package.targets[0].ptx;
    size_t at = ptx.find(from);
    ASSERT_NE(at, std::string::npos);
    ptx.replace(at, from.size(), to);
    read();
  }
  llvm::json::Object write() {
    auto text = writeManifest(package);
    if (!text) {
      ADD_FAILURE() << llvm::toString(text.takeError());
      return {};
    }
    manifest = *text;
    return *llvm::cantFail(llvm::json::parse(manifest)).getAsObject();
  }
  std::string getError() {
    auto text = writeManifest(package);
    return text ? "" : llvm::toString(text.takeError());
  }
  Package package;
  std::string manifest;
};
} // namespace

TEST_F(ManifestTest, SizesOfKernels) {
  llvm::json::Object root = write();
  const llvm::json::Object &target =
      *(*root.getArray("targets"))[0].getAsObject();
  auto expected = llvm::json::parse(R"json([{"name": "C", "is": "2 * T"},
      {"name": "N", "is": "B"}, {"name": "T", "is": "T"}])json");
  EXPECT_EQ(*target.get("sizes"), *expected);
}

TEST_F(ManifestTest, SizesOfDevices) {
  replace("\"N\",\"1\"]", "\"N\",\"M\"]");
  llvm::json::Object root = write();
  const llvm::json::Object &target =
      *(*root.getArray("targets"))[0].getAsObject();
  EXPECT_TRUE(
      llvm::is_contained(*target.getArray("sizes"),
                         llvm::json::Value(llvm::json::Object{
                             {"name", "M"}, {"device", "multiprocessors"}})));
}

TEST_F(ManifestTest, WorkspacesOnce) {
  llvm::json::Object root = write();
  const llvm::json::Object &target =
      *(*root.getArray("targets"))[0].getAsObject();
  EXPECT_EQ(target.getArray("workspace")->size(), 1u);
  EXPECT_EQ(target.getString("workspace_bytes"),
            llvm::StringRef("ceildiv(4 * (N) * (C + 1), 256) * 256"));
}

// Each variant has kernels and workspaces of its own; sizes are the target's,
// those of the condition as well.
TEST_F(ManifestTest, Variants) {
  const std::string all = "\"kernel\":\"second\"";
  std::string &ptx = package.targets[0].ptx;
  size_t begin = ptx.find("// deltanet.launch {\"kernel\":\"first\""),
         end = ptx.find("// deltanet.launch {" + all);
  std::string few = ptx.substr(begin, end - begin);
  few.replace(few.find("\"kernel\""), 0,
              "\"variant\":\"f_few\",\"when\":\"N * 4 <= M\",");
  few.replace(few.find("\"first\""), 7, "\"f_few\"");
  few.replace(few.find("\"C + 1\""), 7, "\"2\"");
  ptx = few + ptx;
  read();
  package.targets[0].variants = {{"f_few", "N * 4 <= M", "fast", 32}};
  llvm::json::Object root = write();
  const llvm::json::Object &target =
      *(*root.getArray("targets"))[0].getAsObject();
  EXPECT_EQ(target.getArray("kernels")->size(), 2u);
  EXPECT_EQ(target.getString("workspace_bytes"),
            llvm::StringRef("ceildiv(4 * (N) * (C + 1), 256) * 256"));
  ASSERT_EQ(target.getArray("variants")->size(), 1u);
  const llvm::json::Object &variant =
      *(*target.getArray("variants"))[0].getAsObject();
  EXPECT_EQ(variant.getString("when"), llvm::StringRef("N * 4 <= M"));
  EXPECT_EQ(variant.getInteger("chunk"), 32);
  EXPECT_EQ(variant.getString("workspace_bytes"),
            llvm::StringRef("ceildiv(4 * (N) * (2), 256) * 256"));
  ASSERT_EQ(variant.getArray("kernels")->size(), 1u);
  const llvm::json::Object &kernel =
      *(*variant.getArray("kernels"))[0].getAsObject();
  EXPECT_EQ(kernel.getString("kernel"), llvm::StringRef("f_few"));
  EXPECT_EQ(kernel.get("when"), nullptr);
  EXPECT_TRUE(
      llvm::is_contained(*target.getArray("sizes"),
                         llvm::json::Value(llvm::json::Object{
                             {"name", "M"}, {"device", "multiprocessors"}})));
  // Someone has to serve the other extents, and every variant some.
  package.targets[0].variants[0].name = "f_many";
  EXPECT_EQ(getError(), "expects kernels of the variant 'f_many' for sm_80");
  package.targets[0].variants[0].name = "f_few";
  ptx = few;
  read();
  EXPECT_EQ(getError(), "expects kernels for all extents for sm_80");
}

// The kernels walk q and o with one N; the types do not say that they may.
TEST_F(ManifestTest, ConditionsOfKernels) {
  llvm::json::Object root = write();
  auto expected = llvm::json::parse(
      R"json([{"zero": "(x_0) - (B)", "rule": "dimension 0 of 'o', x_0, is B"}])json");
  EXPECT_EQ(*root.get("conditions"), *expected);
}

TEST_F(ManifestTest, TheRuntimeReadsIt) {
  write();
  std::vector<llvm::StringRef> codes = getBlobs(package);
  ASSERT_EQ(codes.size(), 1u);
  deltanet_blob blob{codes[0].data(), codes[0].size()};
  deltanet_package runtime{DELTANET_PACKAGE_VERSION,
                           1,
                           manifest.c_str(),
                           manifest.size(),
                           &blob,
                           nullptr,
                           nullptr};
  int64_t q[] = {3, 4, 16}, o[] = {2, 2};
  DLTensor query{
      reinterpret_cast<void *>(0x100), {2, 0}, 3, {4, 16, 1}, q, nullptr, 0};
  DLTensor output{
      reinterpret_cast<void *>(0x1000), {2, 0}, 2, {2, 32, 1}, o, nullptr, 0};
  const DLTensor *tensors[] = {&query, &output};
  EXPECT_EQ(deltanet_run_package(&runtime, nullptr, tensors, 2),
            DELTANET_ERROR_TENSOR);
  EXPECT_STREQ(deltanet_get_error(),
               "expects that dimension 0 of 'o', x_0, is B");
  deltanet_close_package(&runtime);
}

TEST_F(ManifestTest, Refused) {
  replace("ceildiv(C, 64)", "ceildiv(Z, 64)");
  EXPECT_EQ(getError(), "expects a tensor of 'f' that says how large 'Z' of a "
                        "kernel is");
  replace("ceildiv(Z, 64)", "1");
  replace("\"name\":\"q\"", "\"name\":\"p\"");
  EXPECT_EQ(getError(), "expects an argument of the function where a kernel "
                        "takes 'p'");
  replace("\"name\":\"p\"", "\"name\":\"q\"");
  replace("[\"N\",\"C\",\"16\"]", "[\"N\",\"C\"]");
  EXPECT_EQ(getError(), "expects 'q' with 3 dimensions in a kernel");
  replace("[\"N\",\"C\"]", "[\"N\",\"C\",\"16\"]");
  replace("\"role\":\"size\"", "\"role\":\"number\"");
  EXPECT_EQ(getError(), "expects the role of a kernel's argument to be input, "
                        "size, output or workspace, got 'number'");
}

TEST_F(ManifestTest, Launches) {
  EXPECT_EQ(llvm::toString(readLaunches(".version 7.8\n").takeError()),
            "expects PTX with a line '// deltanet.launch {...}'");
  auto broken = readLaunches("// deltanet.launch {");
  ASSERT_FALSE(bool(broken));
  EXPECT_NE(llvm::toString(broken.takeError()), "");
}

TEST(Identifier, NamesInC) {
  EXPECT_TRUE(isIdentifier("a_1"));
  EXPECT_FALSE(isIdentifier(""));
  EXPECT_FALSE(isIdentifier("1a"));
  EXPECT_FALSE(isIdentifier("a-b"));
  EXPECT_EQ(makeIdentifier("a.b-c"), "a_b_c");
  EXPECT_EQ(makeIdentifier("9"), "_9");
}

// What a processor needs is what its level has, no more.
TEST(Needs, Levels) {
  auto needs = [](const char *chip) {
    return findNeeds("x86_64-unknown-linux-gnu", chip, "");
  };
  auto has = [](const std::vector<std::string> &list, const char *name) {
    return llvm::is_contained(list, name);
  };
  EXPECT_FALSE(has(needs("x86-64"), "avx2"));
  EXPECT_TRUE(has(needs("x86-64-v3"), "avx2"));
  EXPECT_TRUE(has(needs("x86-64-v3"), "fma"));
  EXPECT_FALSE(has(needs("x86-64-v3"), "avx512f"));
  EXPECT_TRUE(has(needs("x86-64-v4"), "avx512vl"));
}
