// If this fails, ptxas refuses the kernel for some generation, or has to spill
// registers: then the state does not stay where it should. Needs ptxas; lit lists
// this test as unsupported where there is none. Registers and bytes of shared
// memory stand in the output of the test (lit -a).
// REQUIRES: ptxas
// RUN: deltanet-opt %S/gated-delta.mlir --linrec-to-ptx='target=sm_80' > %t.ptx
// RUN: ptxas -arch=sm_80 -v %t.ptx -o %t.sm_80.cubin 2>&1 | FileCheck %s
// RUN: ptxas -arch=sm_90 -v %t.ptx -o %t.sm_90.cubin 2>&1 | FileCheck %s
// RUN: ptxas -arch=sm_120 -v %t.ptx -o %t.sm_120.cubin 2>&1 | FileCheck %s
// CHECK-NOT: warning
// CHECK: 0 bytes stack frame, 0 bytes spill stores, 0 bytes spill loads
// CHECK: Used {{[0-9]+}} registers

// The delta rule without a gate, and with K = V = 64.
// RUN: deltanet-opt %s --linrec-to-ptx='target=sm_80' > %t.delta.ptx
// RUN: ptxas -arch=sm_80 -v %t.delta.ptx -o %t.delta.cubin 2>&1 | FileCheck %s
func.func @delta(%q: tensor<?x?x16x64xbf16>, %k: tensor<?x?x16x64xbf16>, %v: tensor<?x?x16x64xbf16>,
    %beta: tensor<?x?x16xbf16>) -> tensor<?x?x16x64xbf16> {
  %o = linrec.scan %q, %k, %v beta(%beta : tensor<?x?x16xbf16>) : tensor<?x?x16x64xbf16>,
      tensor<?x?x16x64xbf16>, tensor<?x?x16x64xbf16> -> tensor<?x?x16x64xbf16>
  return %o : tensor<?x?x16x64xbf16>
}
