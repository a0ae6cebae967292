// Breaks if a name finds the wrong facts, if an unknown one is refused without
// help, or if a chip newer than all that are known is refused at all.
// RUN: deltanet-opt %s --kernel-set-target=target=sm_90a | FileCheck %s --check-prefix=HOPPER
// RUN: deltanet-opt %s --kernel-set-target | FileCheck %s --check-prefix=HOST
// RUN: deltanet-opt %s --kernel-set-target=target=sm_135 2>&1 | FileCheck %s --check-prefix=NEWER
// RUN: deltanet-opt %s --kernel-set-target=target=sm_95a 2>&1 | FileCheck %s --check-prefix=SPECIFIC
// RUN: not deltanet-opt %s --kernel-set-target=target=sm_75 2>&1 | FileCheck %s --check-prefix=OLDER
// RUN: not deltanet-opt %s --kernel-set-target=target=x86-64-v5 2>&1 | FileCheck %s --check-prefix=UNKNOWN

// HOPPER: "sm_90a", gpu, {{.*}}chip = "sm_90a"{{.*}}wgmma = true
// HOST: "host", cpu, triple = "{{.+}}", chip = "{{.+}}", features = "{{.*}}", vector_bits = {{128|256|512}}
// NEWER: remark: target "sm_135" is not known; its facts are taken from "sm_121", the nearest older chip, whose PTX runs on it
// NEWER: "sm_135", gpu, {{.*}}chip = "sm_121"
// Instructions that only one chip has are not on a newer one.
// SPECIFIC: remark: target "sm_95a" is not known; its facts are taken from "sm_90",
// SPECIFIC-NOT: wgmma
// OLDER: error: expects a known target, got "sm_75"; the nearest names are sm_{{.*}}, sm_
// UNKNOWN: error: expects a known target, got "x86-64-v5"; the nearest names are x86-64-v2, x86-64-v3, x86-64-v4

module {}
