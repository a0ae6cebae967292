//===- Glue.cpp - ties a package to the runtime ---------------------------===//
// The functions with a user's prefix, whose number of arguments only the
// package knows, and the data they hand to lib/Runtime; as text of the LLVM
// dialect, which the back end of the processor compiles.
//===----------------------------------------------------------------------===//
#include "deltanet/Artifact/Package.h"
#include "deltanet/Runtime/Features.h"
#include "deltanet/Runtime/Package.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/ADT/StringSet.h"
#include "llvm/MC/MCSubtargetInfo.h"
#include "llvm/MC/TargetRegistry.h"
#include "llvm/Support/TargetSelect.h"
#include "llvm/Support/raw_ostream.h"

using namespace deltanet;
using namespace deltanet::artifact;
using namespace llvm;

namespace {
/// Writes the module.
class GlueWriter {
public:
  GlueWriter(const Package &package, raw_ostream &os)
      : package(package), signature(package.signature), os(os),
        count(signature.arguments.size()) {}

  void write(StringRef manifest);

private:
  void writeBytes(const Twine &name, StringRef bytes);
  void writeBlobs();
  void writeHost();
  void writePackage(StringRef manifest);
  void writeForwarding(StringRef name, StringRef function, bool workspace);
  void writeSimple();

  const Package &package;
  const Signature &signature;
  raw_ostream &os;
  size_t count;
};
} // namespace

/// Bytes and a zero after them, so that texts end.
void GlueWriter::writeBytes(const Twine &name, StringRef bytes) {
  os << "llvm.mlir.global internal constant @" << name << "(\"";
  printEscapedString(bytes, os);
  os << "\\00\") {addr_space = 0 : i32, alignment = 64 : i64}\n";
}

void GlueWriter::writeBlobs() {
  std::vector<StringRef> blobs = getBlobs(package);
  for (auto [i, blob] : enumerate(blobs))
    writeBytes("deltanet_blob" + Twine(i), blob);
  std::string type = "!llvm.array<" + std::to_string(blobs.size()) +
                     " x !llvm.struct<(ptr, i64)>>";
  os << "llvm.mlir.global internal constant @deltanet_blobs() {addr_space = 0 "
        ": i32} : "
     << type << " {\n  %v0 = llvm.mlir.undef : " << type << "\n";
  for (auto [i, blob] : enumerate(blobs)) {
    os << "  %p" << i << " = llvm.mlir.addressof @deltanet_blob" << i
       << " : !llvm.ptr\n  %n" << i << " = llvm.mlir.constant(" << blob.size()
       << " : i64) : i64\n  %w" << i << " = llvm.insertvalue %p" << i << ", %v"
       << i << "[" << i << ", 0] : " << type << "\n  %v" << i + 1
       << " = llvm.insertvalue %n" << i << ", %w" << i << "[" << i
       << ", 1] : " << type << "\n";
  }
  os << "  llvm.return %v" << blobs.size() << " : " << type << "\n}\n";
}

/// From an array of descriptors to one argument each.
void GlueWriter::writeHost() {
  const TargetCode *host = package.findHost();
  if (!host)
    return;
  std::string types, values;
  for (size_t i = 0; i < count; ++i) {
    types += i ? ", !llvm.ptr" : "!llvm.ptr";
    values += (i ? ", %d" : "%d") + std::to_string(i);
  }
  os << "llvm.func @\"" << host->function << "\"(" << types << ")\n"
     << "llvm.func internal @deltanet_host(%all: !llvm.ptr) {\n";
  for (size_t i = 0; i < count; ++i)
    os << "  %a" << i << " = llvm.getelementptr %all[" << i
       << "] : (!llvm.ptr) -> !llvm.ptr, !llvm.ptr\n  %d" << i
       << " = llvm.load %a" << i << " : !llvm.ptr -> !llvm.ptr\n";
  os << "  llvm.call @\"" << host->function << "\"(" << values << ") : ("
     << types << ") -> ()\n  llvm.return\n}\n";
}

/// A deltanet_package of include/deltanet/Runtime/Package.h.
void GlueWriter::writePackage(StringRef manifest) {
  static constexpr StringLiteral kType =
      "!llvm.struct<(i32, i32, ptr, i64, ptr, ptr, ptr)>";
  writeBytes("deltanet_text", manifest);
  writeBlobs();
  writeHost();
  os << "llvm.mlir.global internal @deltanet_package() {addr_space = 0 : i32} "
        ": "
     << kType << " {\n  %v0 = llvm.mlir.undef : " << kType << "\n"
     << "  %version = llvm.mlir.constant(" << DELTANET_PACKAGE_VERSION
     << " : i32) : i32\n  %count = llvm.mlir.constant("
     << getBlobs(package).size() << " : i32) : i32\n"
     << "  %manifest = llvm.mlir.addressof @deltanet_text : !llvm.ptr\n"
     << "  %bytes = llvm.mlir.constant(" << manifest.size() << " : i64) : i64\n"
     << "  %blobs = llvm.mlir.addressof @deltanet_blobs : !llvm.ptr\n"
     << "  %null = llvm.mlir.zero : !llvm.ptr\n";
  if (package.findHost())
    os << "  %host = llvm.mlir.addressof @deltanet_host : !llvm.ptr\n";
  StringRef fields[] = {"%version",  "%count",
                        "%manifest", "%bytes",
                        "%blobs",    package.findHost() ? "%host" : "%null",
                        "%null"};
  for (auto [i, field] : enumerate(fields))
    os << "  %v" << i + 1 << " = llvm.insertvalue " << field << ", %v" << i
       << "[" << i << "] : " << kType << "\n";
  os << "  llvm.return %v7 : " << kType << "\n}\n";
}

/// P_run and P_workspace: an array of the tensors, and the runtime's function.
/// Names of the runtime do not end as those of a package do, so that no prefix
/// makes them equal.
void GlueWriter::writeForwarding(StringRef name, StringRef function,
                                 bool workspace) {
  os << "llvm.func @" << signature.prefix << "_" << name << "(";
  if (!workspace)
    os << "%call: !llvm.ptr" << (count ? ", " : "");
  for (size_t i = 0; i < count; ++i)
    os << (i ? ", " : "") << "%t" << i << ": !llvm.ptr";
  if (workspace)
    os << (count ? ", " : "") << "%bytes: !llvm.ptr";
  os << ") -> i32 {\n  %one = llvm.mlir.constant(1 : i64) : i64\n"
     << "  %count = llvm.mlir.constant(" << count << " : i32) : i32\n"
     << "  %all = llvm.alloca %one x !llvm.array<" << std::max<size_t>(count, 1)
     << " x ptr> : (i64) -> !llvm.ptr\n"
     << "  %package = llvm.mlir.addressof @deltanet_package : !llvm.ptr\n";
  for (size_t i = 0; i < count; ++i)
    os << "  %a" << i << " = llvm.getelementptr %all[" << i
       << "] : (!llvm.ptr) -> !llvm.ptr, !llvm.ptr\n  llvm.store %t" << i
       << ", %a" << i << " : !llvm.ptr, !llvm.ptr\n";
  os << "  %code = llvm.call @" << function << "(%package, "
     << (workspace ? "%all, %count, %bytes" : "%call, %all, %count")
     << ") : (!llvm.ptr, "
     << (workspace ? "!llvm.ptr, i32, !llvm.ptr" : "!llvm.ptr, !llvm.ptr, i32")
     << ") -> i32\n  llvm.return %code : i32\n}\n";
}

void GlueWriter::writeSimple() {
  const std::string &p = signature.prefix;
  os << "llvm.func @" << p << "_load(%device: i32) -> i32 {\n"
     << "  %package = llvm.mlir.addressof @deltanet_package : !llvm.ptr\n"
     << "  %code = llvm.call @deltanet_load_package(%package, %device) : "
        "(!llvm.ptr, i32) -> i32\n  llvm.return %code : i32\n}\n"
     << "llvm.func @" << p << "_unload() -> i32 {\n"
     << "  %package = llvm.mlir.addressof @deltanet_package : !llvm.ptr\n"
     << "  %code = llvm.call @deltanet_unload_package(%package) : (!llvm.ptr) "
        "-> i32\n  llvm.return %code : i32\n}\n"
     << "llvm.func @" << p << "_last_error() -> !llvm.ptr {\n"
     << "  %text = llvm.call @deltanet_get_error() : () -> !llvm.ptr\n"
     << "  llvm.return %text : !llvm.ptr\n}\n"
     << "llvm.func @" << p << "_manifest() -> !llvm.ptr {\n"
     << "  %text = llvm.mlir.addressof @deltanet_text : !llvm.ptr\n"
     << "  llvm.return %text : !llvm.ptr\n}\n";
}

void GlueWriter::write(StringRef manifest) {
  os << "module {\n"
        "llvm.func @deltanet_run_package(!llvm.ptr, !llvm.ptr, !llvm.ptr, i32) "
        "-> i32\n"
        "llvm.func @deltanet_measure_package(!llvm.ptr, !llvm.ptr, i32, "
        "!llvm.ptr) -> i32\n"
        "llvm.func @deltanet_load_package(!llvm.ptr, i32) -> i32\n"
        "llvm.func @deltanet_unload_package(!llvm.ptr) -> i32\n"
        "llvm.func @deltanet_get_error() -> !llvm.ptr\n";
  writePackage(manifest);
  writeForwarding("run", "deltanet_run_package", /*workspace=*/false);
  writeForwarding("workspace", "deltanet_measure_package", /*workspace=*/true);
  writeSimple();
  os << "}\n";
}

std::string artifact::writeGlue(const Package &package, StringRef manifest) {
  std::string text;
  raw_string_ostream os(text);
  GlueWriter(package, os).write(manifest);
  return text;
}

std::vector<std::string> artifact::findNeeds(StringRef triple, StringRef chip,
                                             StringRef features) {
  InitializeAllTargetInfos();
  InitializeAllTargetMCs();
  std::string message;
  Triple parsed(triple);
  const llvm::Target *target = TargetRegistry::lookupTarget(parsed, message);
  std::vector<std::string> needs;
  if (!target)
    return needs;
  std::unique_ptr<MCSubtargetInfo> info(
      target->createMCSubtargetInfo(parsed, chip, features));
  if (!info)
    return needs;
  for (const SubtargetFeatureKV &feature : info->getEnabledProcessorFeatures())
    if (deltanet_has_feature(feature.Key) != -1)
      needs.push_back(feature.Key);
  sort(needs);
  return needs;
}
