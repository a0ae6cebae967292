//===- Header.cpp - the C header of a package -----------------------------===//
// The ABI as it is in include/deltanet/Runtime/Abi.h, and the functions of one
// package with a comment for each tensor.
//===----------------------------------------------------------------------===//
#include "deltanet/Artifact/Package.h"
#include "llvm/ADT/StringExtras.h"

using namespace deltanet;
using namespace deltanet::artifact;
using namespace llvm;

static constexpr unsigned char kAbi[] = {
#include "Abi.inc"
};

/// Words of C and of this header that an argument may be called.
static bool isTaken(StringRef name) {
  static constexpr StringLiteral words[] = {
      "auto",     "break",  "case",     "char",   "const",    "continue",
      "default",  "do",     "double",   "else",   "enum",     "extern",
      "float",    "for",    "goto",     "if",     "int",      "long",
      "register", "return", "short",    "signed", "sizeof",   "static",
      "struct",   "switch", "typedef",  "union",  "unsigned", "void",
      "volatile", "while",  "class",    "new",    "delete",   "template",
      "this",     "bool",   "true",     "false",  "operator", "private",
      "call",     "bytes",  "inline",   "and",    "or",       "not",
      "xor",      "public", "restrict", "try",    "catch",    "throw"};
  return is_contained(words, name);
}

static std::string parameterName(const TensorInfo &argument) {
  std::string name = makeIdentifier(argument.name);
  return isTaken(name) ? name + "_" : name;
}

/// Text that may stand in a comment.
static std::string quote(StringRef text) {
  std::string result = text.str();
  for (size_t at; (at = result.find("*/")) != std::string::npos;)
    result.replace(at, 2, "* /");
  return result;
}

static std::string describe(const TensorInfo &argument) {
  std::string text = " *   " + argument.name + ": " +
                     (argument.input ? "read" : "written") + ", " +
                     argument.type + " [" + join(argument.shape, ", ") + "]";
  if (!argument.meaning.empty())
    text += ", " + argument.meaning;
  return quote(text) + "\n";
}

/// The functions of one package.
static std::string declare(const Package &package) {
  const Signature &signature = package.signature;
  const std::string &p = signature.prefix;
  std::string tensors;
  for (const TensorInfo &argument : signature.arguments)
    tensors += ",\n    " +
               std::string(argument.input ? "const DLTensor *" : "DLTensor *") +
               parameterName(argument);
  std::string text =
      "/* Returns DELTANET_OK, or what is wrong, with a sentence in " + p +
      "_last_error().\n * Neither allocates device memory nor waits; "
      "tensors are row-major without gaps,\n * aligned to 16 bytes, all on "
      "one device.\n";
  for (const TensorInfo &argument : signature.arguments)
    text += describe(argument);
  for (const auto &[input, output] : signature.aliases)
    text +=
        quote(" * " + input + " and " + output + " may be the same memory.") +
        "\n";
  text += " */\nint32_t " + p + "_run(const deltanet_call *call" + tensors +
          ");\n\n";
  text += "/* The bytes of workspace that a call with these tensors needs; "
          "their data is not\n * looked at. */\nint32_t " +
          p + "_workspace(" + StringRef(tensors).drop_front(1).ltrim().str() +
          (tensors.empty() ? "" : ",\n    ") + "uint64_t *bytes);\n\n";
  text +=
      "/* Loads the code for a CUDA device (-1: checks the processor) ahead "
      "of the first\n * call; a call that is captured in a graph wants "
      "that. */\nint32_t " +
      p + "_load(int32_t device);\n";
  text += "/* Unloads the code from all devices, when no call runs. */\n"
          "int32_t " +
          p + "_unload(void);\n";
  text += "/* Of this thread; \"\" where its last call went well. */\n"
          "const char *" +
          p + "_last_error(void);\n";
  text += "/* JSON: docs/Embed.md of deltanet. */\nconst char *" + p +
          "_manifest(void);\n";
  return text;
}

std::string artifact::writeHeader(ArrayRef<Package> packages) {
  const Signature &signature = packages.front().signature;
  const std::string &p = signature.prefix;
  std::string guard = "DELTANET_PACKAGE_" + p + "_H";
  std::string targets;
  for (const TargetCode &target : packages.front().targets)
    targets += (targets.empty() ? "" : ", ") + target.name;
  std::string text = "/* " + p + ".h - the function '" + quote(signature.name) +
                     "'" + (packages.size() > 1 ? " and its gradient" : "") +
                     ", compiled for " + targets +
                     ".\n * Written by deltanet " DELTANET_VERSION ". */\n";
  text += "#ifndef " + guard + "\n#define " + guard + "\n\n";
  text += StringRef(reinterpret_cast<const char *>(kAbi), sizeof kAbi).str();
  text += "\n#ifdef __cplusplus\nextern \"C\" {\n#endif\n";
  for (const Package &package : packages)
    text += "\n" + declare(package);
  text += "\n#ifdef __cplusplus\n}\n#endif\n\n#endif /* " + guard + " */\n";
  return text;
}
