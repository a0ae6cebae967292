// If this fails, vectors are not of the width that the option or the function's schedule
// says, or a width that no machine has is not refused.
// RUN: deltanet-opt %s --convert-chunk-to-cpu | FileCheck %s --check-prefix=SCHEDULE
// RUN: deltanet-opt %s --convert-chunk-to-cpu=vector-bits=512 | FileCheck %s --check-prefix=OPTION
// RUN: not deltanet-opt %s --convert-chunk-to-cpu=vector-bits=96 2>&1 | FileCheck %s --check-prefix=WIDTH
// RUN: not deltanet-opt %s --convert-chunk-to-cpu=sub-chunk=0 2>&1 | FileCheck %s --check-prefix=SUB

// SCHEDULE: vector<4xf32>
// SCHEDULE-NOT: vector<8xf32>
// OPTION: vector<16xf32>
// WIDTH: error: convert-chunk-to-cpu: expects vectors of 128, 256 or 512 bits, got 96
// SUB: error: convert-chunk-to-cpu: expects sub-chunks of at least 1 token, got 0
func.func @f(%x: tensor<?x?x?x32xf32>) -> tensor<?x?x?x32xf32>
    attributes {kernel.schedule = #kernel.schedule<chunk = 16, vector_bits = 128>} {
  %r = chunk.scan 16 in(%x [b, t, h, 1] : tensor<?x?x?x32xf32>)
      out([b, t, h, 1] : tensor<?x?x?x32xf32>) {
  ^bb0(%n: index, %a: tensor<16x32xf32>):
    %o = arith.addf %a, %a : tensor<16x32xf32>
    chunk.yield %o : tensor<16x32xf32>
  }
  return %r : tensor<?x?x?x32xf32>
}
