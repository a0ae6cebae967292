//===- Manifest.cpp - what a package says of itself -----------------------===//
// One JSON object. The runtime reads shapes, targets and kernels from it; the
// rest is for whoever wants to know what the numbers mean.
//===----------------------------------------------------------------------===//
#include "deltanet/Artifact/Package.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/ADT/StringMap.h"
#include "llvm/ADT/StringSet.h"
#include "llvm/Config/llvm-config.h"
#include "llvm/Support/FormatVariadic.h"

using namespace deltanet;
using namespace deltanet::artifact;
using namespace llvm;

static Error refuse(const Twine &message) {
  return createStringError(inconvertibleErrorCode(), message.str().c_str());
}

bool artifact::isIdentifier(StringRef text) {
  return !text.empty() && !isDigit(text[0]) &&
         all_of(text, [](char c) { return isAlnum(c) || c == '_'; });
}

std::string artifact::makeIdentifier(StringRef text) {
  std::string name = text.str();
  for (char &c : name)
    if (!isAlnum(c))
      c = '_';
  return isIdentifier(name) ? name : "_" + name;
}

const TargetCode *Package::findHost() const {
  auto it = find_if(targets, [](const TargetCode &t) { return !t.gpu; });
  return it == targets.end() ? nullptr : &*it;
}

std::vector<StringRef> artifact::getBlobs(const Package &package) {
  std::vector<StringRef> blobs;
  for (const TargetCode &target : package.targets)
    for (const std::string *code : {&target.cubin, &target.ptx})
      if (!code->empty())
        blobs.push_back(*code);
  return blobs;
}

Expected<std::vector<json::Object>> artifact::readLaunches(StringRef ptx) {
  static constexpr StringLiteral kMark = "// deltanet.launch ";
  std::vector<json::Object> launches;
  while (!ptx.empty()) {
    auto [line, rest] = ptx.split('\n');
    ptx = rest;
    if (!line.consume_front(kMark))
      continue;
    Expected<json::Value> value = json::parse(line);
    if (!value)
      return value.takeError();
    json::Object *object = value->getAsObject();
    if (!object)
      return refuse("expects an object after '" + kMark + "'");
    launches.push_back(std::move(*object));
  }
  if (launches.empty())
    return refuse("expects PTX with a line '" + kMark + "{...}'");
  return launches;
}

bool artifact::isOfVariant(const json::Object &launch, StringRef name) {
  return launch.getString("variant").value_or("") == name;
}

//===----------------------------------------------------------------------===//
// Sizes of kernels in terms of the function's
//===----------------------------------------------------------------------===//

namespace {
/// Finds out what the sizes that kernels name are.
class SizeMatcher {
public:
  explicit SizeMatcher(const Signature &signature) : signature(signature) {}

  Error match(const json::Object &launch);
  Expected<json::Array> write() const;
  /// Extents that are equal in the kernels and that the function's types do not
  /// tie together.
  ArrayRef<Condition> getConditions() const { return conditions; }

private:
  Error use(StringRef expression);
  Error matchTensor(const json::Object &argument);
  void require(StringRef extent, StringRef other, StringRef tensor, size_t dim);

  const Signature &signature;
  StringMap<std::string> values;
  std::vector<Condition> conditions;
  std::vector<std::string> used; ///< in order of appearance
  StringSet<> seen;
};
} // namespace

/// Notes the names in an expression.
Error SizeMatcher::use(StringRef expression) {
  while (!expression.empty()) {
    if (!isAlnum(expression.front()) && expression.front() != '_') {
      expression = expression.drop_front();
      continue;
    }
    StringRef word =
        expression.take_while([](char c) { return isAlnum(c) || c == '_'; });
    expression = expression.drop_front(word.size());
    bool isFunction = expression.ltrim().starts_with("(");
    if (!isDigit(word[0]) && !isFunction && seen.insert(word).second)
      used.push_back(word.str());
  }
  return Error::success();
}

void SizeMatcher::require(StringRef extent, StringRef other, StringRef tensor,
                          size_t dim) {
  if (extent != other)
    conditions.push_back({("(" + extent + ") - (" + other + ")").str(),
                          ("dimension " + Twine(dim) + " of '" + tensor +
                           "', " + extent + ", is " + other)
                              .str()});
}

Error SizeMatcher::matchTensor(const json::Object &argument) {
  StringRef name = argument.getString("name").value_or("");
  const json::Array *shape = argument.getArray("shape");
  auto it = find_if(signature.arguments,
                    [&](const TensorInfo &a) { return a.name == name; });
  if (it == signature.arguments.end())
    return refuse("expects an argument of the function where a kernel takes '" +
                  name + "'");
  if (!shape || shape->size() != it->shape.size())
    return refuse("expects '" + name + "' with " + Twine(it->shape.size()) +
                  " dimensions in a kernel");
  if (const json::Object *map = argument.getObject("map"))
    for (StringRef list : {"extents", "strides"})
      for (const json::Value &text :
           map->getArray(list) ? *map->getArray(list) : json::Array())
        if (Error error = use(text.getAsString().value_or("")))
          return error;
  for (auto [dim, entry, extent] : enumerate(*shape, it->shape)) {
    StringRef text = entry.getAsString().value_or("");
    int64_t number;
    if (isIdentifier(text))
      require(extent, values.try_emplace(text, extent).first->second, name,
              dim);
    else if (!text.getAsInteger(10, number))
      require(extent, text, name, dim);
    if (Error error = use(text))
      return error;
  }
  return Error::success();
}

Error SizeMatcher::match(const json::Object &launch) {
  const json::Array *grid = launch.getArray("grid");
  const json::Array *arguments = launch.getArray("arguments");
  if (!grid || !arguments)
    return refuse("expects a launch with a grid and arguments");
  for (const json::Value &extent : *grid)
    if (Error error = use(extent.getAsString().value_or("")))
      return error;
  if (Error error = use(launch.getString("when").value_or("")))
    return error;
  for (const json::Value &value : *arguments) {
    const json::Object *argument = value.getAsObject();
    if (!argument)
      return refuse("expects objects as arguments of a launch");
    StringRef role = argument->getString("role").value_or("");
    if (role == "input" || role == "output") {
      if (Error error = matchTensor(*argument))
        return error;
    } else if (role == "size") {
      if (Error error = use(argument->getString("name").value_or("")))
        return error;
    } else if (role == "workspace") {
      const json::Array *shape = argument->getArray("shape");
      for (const json::Value &extent : shape ? *shape : json::Array())
        if (Error error = use(extent.getAsString().value_or("")))
          return error;
    } else {
      return refuse("expects the role of a kernel's argument to be input, "
                    "size, output or workspace, got '" +
                    role + "'");
    }
  }
  return Error::success();
}

Expected<json::Array> SizeMatcher::write() const {
  json::Array list;
  for (const std::string &name : used) {
    auto it = values.find(name);
    std::string value;
    if (it != values.end())
      value = it->second;
    else if (is_contained(signature.sizes, name))
      value = name;
    else if (name == "M") {
      // dialects/Tile/README.md, The launch
      list.push_back(
          json::Object{{"name", name}, {"device", "multiprocessors"}});
      continue;
    } else
      return refuse("expects a tensor of '" + signature.name +
                    "' that says how large '" + name + "' of a kernel is");
    list.push_back(json::Object{{"name", name}, {"is", value}});
  }
  return list;
}

//===----------------------------------------------------------------------===//
// Targets
//===----------------------------------------------------------------------===//

/// Bits of an element type's name: bf16, i64.
static int64_t getBits(StringRef type) {
  int64_t bits = 0;
  type.drop_while([](char c) { return !isDigit(c); }).getAsInteger(10, bits);
  return bits;
}

/// The workspaces of the kernels of a variant, each once, and their bytes as an
/// expression.
static Expected<json::Array> listWorkspaces(const TargetCode &target,
                                            StringRef variant,
                                            std::string &bytes) {
  json::Array list;
  StringSet<> seen;
  for (const json::Object &launch : target.launches)
    for (const json::Value &value : *launch.getArray("arguments")) {
      const json::Object &argument = *value.getAsObject();
      if (argument.getString("role") != StringRef("workspace") ||
          !isOfVariant(launch, variant))
        continue;
      StringRef name = argument.getString("name").value_or(""),
                type = argument.getString("type").value_or("");
      if (!seen.insert(name).second)
        continue;
      const json::Array *shape = argument.getArray("shape");
      if (name.empty() || !shape || !getBits(type))
        return refuse("expects a workspace with a name, a type and a shape");
      std::string product = std::to_string(getBits(type) / 8);
      for (const json::Value &extent : *shape)
        product += " * (" + extent.getAsString().value_or("0").str() + ")";
      bytes += (bytes.empty() ? "" : " + ") + std::string("ceildiv(") +
               product + ", 256) * 256";
      list.push_back(json::Object{
          {"name", name}, {"type", type}, {"shape", json::Array(*shape)}});
    }
  if (bytes.empty())
    bytes = "0";
  return list;
}

static json::Array listKernels(const TargetCode &target, StringRef variant) {
  json::Array kernels;
  for (const json::Object &launch : target.launches) {
    if (!isOfVariant(launch, variant))
      continue;
    json::Object kernel = launch;
    kernel.erase("variant"); // said around it
    kernel.erase("when");
    for (const auto &[name, resources] : target.resources)
      if (kernel.getString("kernel") == StringRef(name)) {
        kernel["registers"] = resources.registers;
        kernel["stack_bytes"] = resources.stackBytes;
        kernel["spill_store_bytes"] = resources.spillStores;
        kernel["spill_load_bytes"] = resources.spillLoads;
        kernel["static_shared_bytes"] = resources.staticShared;
      }
    kernels.push_back(std::move(kernel));
  }
  return kernels;
}

/// Without atomic operations every sum has one order.
static bool isDeterministic(const TargetCode &target) {
  StringRef ptx = target.ptx;
  return none_of(ArrayRef<StringRef>{"\tatom.", " atom.", "\tred.", " red."},
                 [&](StringRef word) { return ptx.contains(word); });
}

/// Kernels and workspaces of a variant, or, without a name, of the target.
static Error describeKernels(const TargetCode &target, StringRef variant,
                             json::Object &entry) {
  std::string bytes;
  Expected<json::Array> workspaces = listWorkspaces(target, variant, bytes);
  if (!workspaces)
    return workspaces.takeError();
  entry["workspace"] = std::move(*workspaces);
  entry["workspace_bytes"] = bytes;
  json::Array kernels = listKernels(target, variant);
  if (kernels.empty())
    return refuse("expects kernels " +
                  (variant.empty() ? "for all extents"
                                   : "of the variant '" + variant.str() + "'") +
                  " for " + target.name);
  entry["kernels"] = std::move(kernels);
  return Error::success();
}

static Error describeVariants(const TargetCode &target, json::Object &entry) {
  json::Array variants;
  for (const VariantCode &variant : target.variants) {
    json::Object object{{"name", variant.name},
                        {"when", variant.when},
                        {"schedule", variant.schedule},
                        {"chunk", variant.chunk}};
    if (Error error = describeKernels(target, variant.name, object))
      return error;
    variants.push_back(std::move(object));
  }
  if (!variants.empty())
    entry["variants"] = std::move(variants);
  return describeKernels(target, "", entry);
}

static Error describeGpu(const Signature &signature, const TargetCode &target,
                         int64_t &nextBlob, json::Array &conditions,
                         json::Object &entry) {
  entry["kind"] = "gpu";
  entry["compute_capability"] = target.computeCapability;
  entry["specific"] = target.specific;
  json::Array binaries;
  for (auto [kind, code] :
       {std::pair("cubin", &target.cubin), std::pair("ptx", &target.ptx)})
    if (!code->empty())
      binaries.push_back(json::Object{{"kind", kind},
                                      {"blob", nextBlob++},
                                      {"bytes", int64_t(code->size())}});
  entry["binaries"] = std::move(binaries);
  if (!target.assembler.empty())
    entry["ptxas"] = target.assembler;
  SizeMatcher matcher(signature);
  for (const json::Object &launch : target.launches)
    if (Error error = matcher.match(launch))
      return error;
  Expected<json::Array> sizes = matcher.write();
  if (!sizes)
    return sizes.takeError();
  entry["sizes"] = std::move(*sizes);
  for (const Condition &condition : matcher.getConditions()) {
    json::Value value =
        json::Object{{"zero", condition.zero}, {"rule", condition.rule}};
    if (!is_contained(conditions, value))
      conditions.push_back(std::move(value));
  }
  return describeVariants(target, entry);
}

static json::Object describeCommon(const Signature &signature,
                                   const TargetCode &target) {
  json::Object entry{{"name", target.name},
                     {"schedule", target.schedule},
                     {"chunk", target.chunk},
                     {"token_loop", target.tokenLoop},
                     {"products", target.products},
                     {"deterministic", isDeterministic(target)}};
  json::Object tolerances;
  size_t next = 0;
  for (const TensorInfo &argument : signature.arguments)
    if (!argument.input && next < target.tolerances.size())
      tolerances[argument.name] = target.tolerances[next++];
  entry["tolerance"] = std::move(tolerances);
  return entry;
}

//===----------------------------------------------------------------------===//
// The whole
//===----------------------------------------------------------------------===//

static json::Object describeArgument(const TensorInfo &argument) {
  json::Object entry{{"name", argument.name},
                     {"role", argument.input ? "input" : "output"},
                     {"type", argument.type},
                     {"shape", json::Array(argument.shape)},
                     {"optional", false}};
  if (!argument.meaning.empty())
    entry["meaning"] = argument.meaning;
  if (!argument.layout.empty())
    entry["layout"] = argument.layout;
  if (!argument.offsetsEnd.empty())
    entry["offsets_end"] = argument.offsetsEnd;
  return entry;
}

Expected<std::string> artifact::writeManifest(const Package &package) {
  const Signature &signature = package.signature;
  json::Array arguments, conditions, aliases, targets;
  for (const TensorInfo &argument : signature.arguments)
    arguments.push_back(describeArgument(argument));
  for (const Condition &condition : signature.conditions)
    conditions.push_back(
        json::Object{{"zero", condition.zero}, {"rule", condition.rule}});
  for (const auto &[input, output] : signature.aliases)
    aliases.push_back(json::Object{{"input", input}, {"output", output}});
  int64_t nextBlob = 0;
  for (const TargetCode &target : package.targets) {
    json::Object entry = describeCommon(signature, target);
    if (target.gpu) {
      if (Error error =
              describeGpu(signature, target, nextBlob, conditions, entry))
        return std::move(error);
    } else {
      entry["kind"] = "cpu";
      entry["architecture"] = target.architecture;
      entry["needs"] = json::Array(target.needs);
      entry["workspace_bytes"] = "0";
    }
    targets.push_back(std::move(entry));
  }
  json::Object root{
      {"format", kManifestFormat},
      {"name", signature.name},
      {"prefix", signature.prefix},
      {"compiler", json::Object{{"deltanet", DELTANET_VERSION},
                                {"llvm", LLVM_VERSION_STRING}}},
      {"source", "sha256:" + signature.sourceDigest},
      {"sizes", json::Array(signature.sizes)},
      {"arguments", std::move(arguments)},
      {"conditions", std::move(conditions)},
      {"aliases", std::move(aliases)},
      {"operators", json::Array(signature.operators)},
      {"tolerance_is",
       "relative Frobenius error against the recurrence in float64"},
      {"targets", std::move(targets)}};
  if (!signature.gradient.empty())
    root["gradient"] = json::Object(signature.gradient);
  return formatv("{0:2}\n", json::Value(std::move(root))).str();
}
