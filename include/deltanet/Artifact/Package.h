//===- Package.h - a function compiled for several targets ------*- C++ -*-===//
// What a package consists of, as data, and the texts made of it: the manifest,
// the C header, the code that ties a package to the runtime. docs/Embed.md says
// what each entry means.
//===----------------------------------------------------------------------===//
#ifndef DELTANET_ARTIFACT_PACKAGE_H
#define DELTANET_ARTIFACT_PACKAGE_H

#include "llvm/ADT/ArrayRef.h"
#include "llvm/Support/Error.h"
#include "llvm/Support/JSON.h"
#include <optional>
#include <string>
#include <vector>

namespace deltanet::artifact {

/// The manifest's format; the runtime reads this one.
inline constexpr int64_t kManifestFormat = 1;

/// A tensor of the function.
struct TensorInfo {
  std::string name, type;
  bool input = true;
  std::vector<std::string> shape; ///< expressions over the sizes
  std::string meaning;            ///< query, key, ..., or empty
  std::string layout;             ///< bthd, nhkv, ..., or empty
  std::string offsetsEnd;         ///< offsets of sequences rise from 0 to this
};

/// An expression over the sizes that is zero, and what that means.
struct Condition {
  std::string zero, rule;
};

/// What the function computes, whatever it is compiled for.
struct Signature {
  std::string name, prefix;
  std::vector<std::string> sizes;
  std::vector<TensorInfo> arguments; ///< then results, in their order
  std::vector<Condition> conditions;
  /// Inputs and outputs that may be the same memory.
  std::vector<std::pair<std::string, std::string>> aliases;
  llvm::json::Array operators;
  std::string sourceDigest;
  /// Of a function that has a gradient, or is part of one; else empty.
  llvm::json::Object gradient;
};

/// What ptxas says of a kernel.
struct Resources {
  int64_t registers = 0, stackBytes = 0, spillStores = 0, spillLoads = 0,
          staticShared = 0;
};

/// Kernels of a target that serve some extents only; `launches` has them.
struct VariantCode {
  std::string name, when, schedule;
  int64_t chunk = 0;
};

/// Code for one target.
struct TargetCode {
  std::string name, schedule;
  int64_t chunk = 0;
  bool tokenLoop = false;
  std::string products;
  /// Largest relative error of each result, in their order.
  std::vector<double> tolerances;

  bool gpu = false;
  // GPU
  int64_t computeCapability = 0;
  bool specific = false; ///< runs on this chip only
  std::string ptx, cubin;
  std::vector<llvm::json::Object> launches; ///< of the kernels, in order
  std::vector<VariantCode> variants; ///< in the order in which they are tried
  std::vector<std::pair<std::string, Resources>> resources; ///< by kernel
  std::string assembler; ///< version of ptxas
  // Processor
  std::string triple, architecture;
  std::vector<std::string> needs; ///< features of the processor
  std::string object, function;   ///< the function's name in the object
};

struct Package {
  Signature signature;
  std::vector<TargetCode> targets;

  const TargetCode *findHost() const;
};

/// Bytes that the manifest counts, in its order.
std::vector<llvm::StringRef> getBlobs(const Package &package);

/// The lines `// deltanet.launch {json}` of PTX.
llvm::Expected<std::vector<llvm::json::Object>>
readLaunches(llvm::StringRef ptx);

/// Whether `launch` is one of the variant `name`; empty: of none.
bool isOfVariant(const llvm::json::Object &launch, llvm::StringRef name);

/// The manifest, as text. Fails where a kernel needs a size that no tensor of
/// the function has.
llvm::Expected<std::string> writeManifest(const Package &package);

/// The C header of packages that are in one library; the first gives its name.
std::string writeHeader(llvm::ArrayRef<Package> packages);

/// P_run, P_workspace, ... and what they read, as a module of the LLVM dialect
/// in text.
std::string writeGlue(const Package &package, llvm::StringRef manifest);

/// Whether `text` is a name in C.
bool isIdentifier(llvm::StringRef text);
/// `text` as a name in C.
std::string makeIdentifier(llvm::StringRef text);

/// The features that code for a processor uses, among those that the runtime
/// can ask for.
std::vector<std::string> findNeeds(llvm::StringRef triple, llvm::StringRef chip,
                                   llvm::StringRef features);

} // namespace deltanet::artifact

#endif // DELTANET_ARTIFACT_PACKAGE_H
