// Breaks if a user's own file of chips is not read, or a wrong one is accepted.
// RUN: split-file %s %t
// RUN: deltanet-opt %t/empty.mlir --kernel-set-target='target=mine targets=%t/mine.mlir' | FileCheck %s
// RUN: not deltanet-opt %t/empty.mlir --kernel-set-target='target=sm_80 targets=%t/mine.mlir' 2>&1 | FileCheck %s --check-prefix=ONLY
// RUN: not deltanet-opt %t/empty.mlir --kernel-set-target='target=mine targets=%t/empty.mlir' 2>&1 | FileCheck %s --check-prefix=NONE
// RUN: not deltanet-opt %t/empty.mlir --kernel-set-target='target=mine targets=%t/absent.mlir' 2>&1 | FileCheck %s --check-prefix=ABSENT
// RUN: not deltanet-opt %t/empty.mlir --kernel-set-target='target=mine targets=%t/wrong.mlir' 2>&1 | FileCheck %s --check-prefix=WRONG

// CHECK: kernel.target = #{{.*}}mine
// ONLY: error: expects a known target, got "sm_80"; the nearest names are {{.*}}mine
// NONE: empty.mlir:1:1: error: {{.*}}expects a module with the attribute 'kernel.targets' in a file of targets
// ABSENT: error: cannot open input file '{{.*}}absent.mlir': No such file or directory
// WRONG: wrong.mlir:2:17: error: expects a cpu to state vector_bits

//--- empty.mlir
module {}
//--- mine.mlir
module attributes {kernel.targets = [#kernel.target<"mine", cpu, vector_bits = 1024>]} {}
//--- wrong.mlir
module attributes {kernel.targets = [
  #kernel.target<"mine", cpu, vector_bits = 1000>]} {}
