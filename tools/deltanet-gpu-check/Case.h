//===- Case.h - what a program is run on ------------------------*- C++ -*-===//
// Read from the description that stands beside a program, or from the command
// line.
//===----------------------------------------------------------------------===//
#ifndef DELTANET_TOOLS_GPU_CHECK_CASE_H
#define DELTANET_TOOLS_GPU_CHECK_CASE_H

#include "Program.h"
#include "deltanet/Reference/Reference.h"
#include <optional>

namespace deltanet::gpu {

/// The recurrence that a program computes.
struct Operator {
  bool dplr = false;
  bool selective = false; ///< linrec.selective_scan, V channels of K numbers
  bool pool = false;      ///< initial and final states are entries of a pool
  int64_t K = 0, V = 0, steps = 1;
  reference::ReadOut readOut = reference::ReadOut::After;
  reference::Layout layout = reference::Layout::BTHD;
  reference::StateLayout stateLayout = reference::StateLayout::KV;
  std::optional<double> scale;

  /// The shape that the tensor called `name` must have, of `rank` dimensions;
  /// throws std::runtime_error where the operator has no such tensor.
  std::vector<int64_t> getShape(const std::string &name, size_t rank,
                                const Sizes &sizes) const;
  /// The dimension of tokens in tensor `name`, or nothing.
  std::optional<size_t> getTokenDimension(const std::string &name) const;
};

/// Sizes and inputs of one run.
struct Run {
  Sizes sizes; // B, T, H, G, N, P
  uint64_t seed = 1;
  double decayLow = -0.1, decayHigh = 0; // log-decays lie between
  double resets = 0, reset = -2e4;       // share of those that are `reset`
  double betaLow = 0, betaHigh = 1;
  bool sameKeys = false;        // every token has the same key
  bool small = false;           // few enough tokens for a sanitizer
  std::vector<int64_t> lengths; // of packed sequences
  int64_t chained =
      0;             // tokens of a first call whose state a second goes on from
  int64_t units = 0; // heads of batch entries that are compared; 0: all
  double tolerance = 0; // in place of the case's; 0: that one

  std::string describe() const;
};

struct Case {
  std::string name, family, text;
  std::string program; // file without its suffix; the name, where not said
  std::optional<Operator> op;               // none: results are in files
  double tolerance = 4.5e-3;                // relative Frobenius error
  std::map<std::string, double> tolerances; // of results where it is another
  std::string alone; // the same for one sequence that is not packed
  std::vector<Run> runs;
  std::map<std::string, std::string> inputs, expected; // .npy files
};

/// Sizes that the tensors of these shapes give: those that stand alone in a
/// shape of `program`, or with something added. Throws std::runtime_error.
Sizes findSizes(const Program &program,
                const std::map<std::string, std::vector<int64_t>> &shapes);

/// A case as NAME.json has it; throws std::runtime_error.
Case readCase(const std::string &path);

/// `B=1,T=65,H=2,G=1,decay=5,beta=2,keys=same` as the one run of a case; what
/// it says of the operator completes what `program` shows.
Case parseCase(const std::string &text, const Program &program);
/// Whether `text` is well-formed, without a program; throws std::runtime_error.
void checkCaseText(const std::string &text);

} // namespace deltanet::gpu

#endif // DELTANET_TOOLS_GPU_CHECK_CASE_H
