//===- SizeTexts.cpp - shapes as expressions ------------------------------===//
// What a package says of its shapes: every dimension in terms of the sizes that
// the types of a function leave open.
//===----------------------------------------------------------------------===//
#include "Shapes.h"
#include "deltanet/Artifact/Package.h"

using namespace mlir;
using namespace deltanet::driver;

/// Relations chain only a few times: steps of tokens of a reassociation.
static constexpr int kMaxDepth = 8;

const ShapeBinder::Relation *ShapeBinder::findRelation(unsigned id) const {
  for (const Relation &relation : relations)
    if (find(relation.to) == find(id) && find(relation.from) != find(id))
      return &relation;
  return nullptr;
}

std::string ShapeBinder::getText(unsigned id, int depth) const {
  const Unknown &unknown = unknowns[find(id)];
  if (!ShapedType::isDynamic(unknown.extent))
    return std::to_string(unknown.extent);
  const Relation *relation = depth < kMaxDepth ? findRelation(id) : nullptr;
  if (!relation)
    return unknown.name;
  std::string text = getText(relation->from, depth + 1);
  if (relation->factor != 1)
    text = std::to_string(relation->factor) + " * " +
           (StringRef(text).contains(' ') ? "(" + text + ")" : text);
  if (relation->offset)
    text += " + " + std::to_string(relation->offset);
  return text;
}

std::string ShapeBinder::getText(Value value, unsigned dim) {
  return getText(get(value, dim), 0);
}

void ShapeBinder::collectSizes(unsigned id, int depth,
                               std::vector<std::string> &names) const {
  const Unknown &unknown = unknowns[find(id)];
  if (!ShapedType::isDynamic(unknown.extent))
    return;
  const Relation *relation = depth < kMaxDepth ? findRelation(id) : nullptr;
  if (relation)
    return collectSizes(relation->from, depth + 1, names);
  if (!llvm::is_contained(names, unknown.name))
    names.push_back(unknown.name);
}

std::vector<std::string> ShapeBinder::nameSizes() {
  SmallVector<std::pair<Value, std::string>> tensors;
  for (BlockArgument argument : function.getArguments())
    tensors.push_back(
        {argument, getArgumentName(function, argument.getArgNumber()).str()});
  Operation *terminator = function.getBody().back().getTerminator();
  for (auto [i, value] : llvm::enumerate(terminator->getOperands()))
    tensors.push_back({value, getResultName(function, i).str()});
  std::vector<std::string> names;
  for (const auto &[value, tensorName] : tensors) {
    auto type = dyn_cast<RankedTensorType>(value.getType());
    for (int64_t dim = 0; type && dim < type.getRank(); ++dim) {
      unsigned id = get(value, dim);
      // The size that this one follows from has to have a name.
      for (int depth = 0; depth < kMaxDepth; ++depth)
        if (const Relation *relation = findRelation(id))
          id = relation->from;
      name(id,
           artifact::makeIdentifier(tensorName) + "_" + std::to_string(dim));
      collectSizes(id, 0, names);
    }
  }
  return names;
}
