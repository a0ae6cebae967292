// If this fails, a processor is taken for a GPU, or a mistake in an option goes by.
// RUN: not deltanet-opt %s --linrec-to-ptx='target=x86-64-v3 chunk=32 products=bf16' 2>&1 | FileCheck %s --check-prefix=CPU
// CPU: error: expects a gpu to write PTX for, got x86-64-v3
// RUN: not deltanet-opt %s --write-ptx 2>&1 | FileCheck %s --check-prefix=NONE
// NONE: error: expects a module that states its target (kernel-set-target)
// RUN: not deltanet-opt %s --linrec-to-ptx='target=sm_80 stop-after=tiles' 2>&1 | FileCheck %s --check-prefix=PHASE
// PHASE: expects stop-after to name a phase of linrec-to-ptx (schedule, chunk, fuse, gradient, split, tile, nvvm, ptx), got 'tiles'
func.func @f(%q: tensor<?x?x4x64xbf16>, %v: tensor<?x?x4x64xbf16>) -> tensor<?x?x4x64xbf16> {
  %o = linrec.scan %q, %q, %v : tensor<?x?x4x64xbf16>, tensor<?x?x4x64xbf16>, tensor<?x?x4x64xbf16>
      -> tensor<?x?x4x64xbf16>
  return %o : tensor<?x?x4x64xbf16>
}
