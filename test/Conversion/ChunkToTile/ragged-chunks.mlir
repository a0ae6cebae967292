// If this fails, chunks that are no multiple of 16 read the first tokens of the chunk after them, or several
// steps a token are refused with them.
// RUN: deltanet-opt %s --linrec-to-ptx='target=sm_80 schedule={chunk = 24} stop-after=tile' --mlir-print-local-scope | FileCheck %s

// Tiles have 32 rows, of which at most 24 are read; 48 rows of keys are 64, two for each of the 32.
// CHECK-LABEL: gpu.func @steps
// CHECK: tile.channel {{.*}} <{{[0-9]}}, <32x64xbf16, pad = 8>, <64x64xbf16, pad = 8>>
// CHECK: ahead
// CHECK: %[[FIRST:.*]] = arith.minsi %{{.*}}, %c24 : index
// CHECK: tile.copy_async %arg0[{{.*}} rows %[[FIRST]] to
// CHECK: %[[ROWS:.*]] = arith.muli %[[FIRST]], %c2
// CHECK: tile.copy_async %arg1[{{.*}} rows %[[ROWS]] to
// CHECK: scf.for
// CHECK: %[[LEFT:.*]] = arith.minsi %{{.*}}, %c24 : index
// CHECK: tile.load %arg4[{{.*}} below %[[LEFT]] along [0]
// CHECK: tile.repeat {{.*}} tensor<32xf32, #tile.lanes> -> tensor<64xf32, #tile.lanes>
func.func @steps(%q: tensor<?x?x4x64xbf16>, %k: tensor<?x?x4x64xbf16>, %v: tensor<?x?x4x64xbf16>, %b: tensor<?x?x4xf32>, %g: tensor<?x?x4xf32>) -> tensor<?x?x4x64xbf16> {
  %o = linrec.scan %q, %k, %v beta(%b : tensor<?x?x4xf32>) decay(%g : tensor<?x?x4xf32>) steps(2)
    : tensor<?x?x4x64xbf16>, tensor<?x?x4x64xbf16>, tensor<?x?x4x64xbf16> -> tensor<?x?x4x64xbf16>
  return %o : tensor<?x?x4x64xbf16>
}
