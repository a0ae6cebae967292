//===- Selective.h - reference of a selective scan --------------*- C++ -*-===//
#ifndef DELTANET_TOOLS_GPU_CHECK_SELECTIVE_H
#define DELTANET_TOOLS_GPU_CHECK_SELECTIVE_H

#include "Data.h"

namespace deltanet::gpu {

/// Whether the kernel is a selective scan: its input is called 'x'.
bool isSelectiveScan(const Launch &launch);

/// What the results 'y' and 'state' of a selective scan with tensors x, delta, a,
/// b, c, skip and initial should be, by name; throws std::runtime_error.
std::map<std::string, std::vector<double>>
runSelectiveScan(const Launch &launch, const Case &c,
                 const std::map<std::string, std::vector<unsigned char>> &inputs);

/// All elements of a tensor.
std::vector<double> readAll(const Argument &argument, const Case &c,
                            const std::vector<unsigned char> &data);

} // namespace deltanet::gpu

#endif // DELTANET_TOOLS_GPU_CHECK_SELECTIVE_H
