//===- Tools.h - programs that a package is made with -----------*- C++ -*-===//
// ptxas, fatbinary and a linker, none of which has to be there: who asks for
// what needs one is told so.
//===----------------------------------------------------------------------===//
#ifndef DELTANET_ARTIFACT_TOOLS_H
#define DELTANET_ARTIFACT_TOOLS_H

#include "deltanet/Artifact/Package.h"

namespace deltanet::artifact {

/// A program of the CUDA toolkit on PATH or where the toolkit puts it.
std::optional<std::string> findCudaTool(llvm::StringRef name);

/// Something that links shared libraries.
struct Linker {
  std::string path;
  bool driver = true; ///< takes the options of a compiler
};
std::optional<Linker> findLinker();
/// The names that findLinker() looks for.
llvm::StringRef getLinkerNames();

/// `release 13.0, V13.0.48`
llvm::Expected<std::string> getVersion(llvm::StringRef ptxas);

/// Assembles the PTX of `target` and fills in its cubin and resources.
llvm::Error assemble(TargetCode &target, llvm::StringRef ptxas);

/// PTX and cubins of all GPUs in the file format of the CUDA runtime.
llvm::Expected<std::string> makeFatbin(const Package &package,
                                       llvm::StringRef fatbinary);

/// The shared library of `packages`, with the object that ties each to the
/// runtime in `glues`, and one runtime for all; `name` is its file name.
llvm::Expected<std::string> link(llvm::ArrayRef<Package> packages,
                                 llvm::ArrayRef<std::string> glues,
                                 llvm::StringRef name, const Linker &linker);

} // namespace deltanet::artifact

#endif // DELTANET_ARTIFACT_TOOLS_H
