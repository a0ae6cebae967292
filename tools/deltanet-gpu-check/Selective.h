//===- Selective.h - reference of a selective scan --------------*- C++ -*-===//
#ifndef DELTANET_TOOLS_GPU_CHECK_SELECTIVE_H
#define DELTANET_TOOLS_GPU_CHECK_SELECTIVE_H

#include "Data.h"

namespace deltanet::gpu {

/// What a selective scan makes of `inputs` (x, delta, a, b, c, skip, initial,
/// sequences, indices): `y`, and `state` where `withState`; throws
/// std::runtime_error.
std::map<std::string, std::vector<double>>
computeSelectiveScan(const Operator &op, const Sizes &sizes,
                     const Tensors &inputs, bool withState);

} // namespace deltanet::gpu

#endif // DELTANET_TOOLS_GPU_CHECK_SELECTIVE_H
