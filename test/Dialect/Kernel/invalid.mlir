// Breaks if a target or a schedule that contradicts itself is accepted; the
// labels are those of dialects/Kernel/Kernel.td.
// RUN: deltanet-opt %s --split-input-file --verify-diagnostics

// target, C1
// expected-error @+1 {{expects a target with a name}}
module attributes {kernel.target = #kernel.target<"", cpu, vector_bits = 128>} {}

// -----

// target, C2
// expected-error @+1 {{expects a cpu to state vector_bits, a power of two of at least 64, target "c" has 0}}
module attributes {kernel.target = #kernel.target<"c", cpu>} {}

// -----

// target, C2
// expected-error @+1 {{target "c" has 192}}
module attributes {kernel.target = #kernel.target<"c", cpu, vector_bits = 192>} {}

// -----

// target, C3
// expected-error @+1 {{expects a gpu to state ptx_version, target "g" does not}}
module attributes {kernel.target = #kernel.target<"g", gpu, compute_capability = 80>} {}

// -----

// target, C4
// expected-error @+1 {{expects facts of at least 0, got threads_per_sm = -1 of target "c"}}
module attributes {kernel.target = #kernel.target<"c", cpu, vector_bits = 128, threads_per_sm = -1>} {}

// -----

// target, C5
// expected-error @+1 {{expects a cpu to state no fact of a gpu, target "c" has registers_per_sm = 65536}}
module attributes {kernel.target = #kernel.target<"c", cpu, vector_bits = 128, registers_per_sm = 65536>} {}

// -----

// schedule, C1
// expected-error @+1 {{expects decisions of at least 0, got warps = -4}}
func.func private @f() attributes {kernel.schedule = #kernel.schedule<warps = -4>}

// -----

// schedule, C2
// expected-error @+1 {{expects chunk = 1 with token_loop, got 64}}
func.func private @f() attributes {kernel.schedule = #kernel.schedule<token_loop = true, chunk = 64>}

// -----

// schedule, C3
// expected-error @+1 {{expects products of f32, bf16 or f16, got 'i8'}}
func.func private @f() attributes {kernel.schedule = #kernel.schedule<products = i8>}

// -----

// schedule, C4
// expected-error @+1 {{expects gates of f32 or f64, got 'bf16'}}
func.func private @f() attributes {kernel.schedule = #kernel.schedule<gates = bf16>}

// -----

// expected-error @+1 {{expects targets of distinct names, got two named "c"}}
module attributes {kernel.targets = [#kernel.target<"c", cpu, vector_bits = 128>,
                                     #kernel.target<"c", cpu, vector_bits = 256>]} {}

// -----

// expected-error @+1 {{to be an array of #kernel.target, got the entry 1}}
module attributes {kernel.targets = [1]} {}

// -----

// expected-error @+1 {{expects 'kernel.schedule' to be a #kernel.schedule, got "fast"}}
func.func private @f() attributes {kernel.schedule = "fast"}

// -----

// expected-error @+1 {{got 'kernel.sched'}}
func.func private @f() attributes {kernel.sched = #kernel.schedule}

// -----

// schedule, C5
// expected-error @+1 {{expects no segments with token_loop, got 4}}
func.func private @f() attributes {kernel.schedule = #kernel.schedule<token_loop = true, chunk = 1, segments = 4>}

// -----

// variant, C1
// expected-error @+1 {{expects a variant of a function with a name}}
func.func private @f() attributes {kernel.variant = #kernel.variant<"", when = "B <= M">}

// -----

// variant, C2
// expected-error @+1 {{expects a variant's condition as 'low <= high', got 'B < M'}}
func.func private @f() attributes {kernel.variant = #kernel.variant<"g", when = "B < M">}

// -----

// variant, C2
// expected-error @+1 {{got '1 <= B <= M'}}
func.func private @f() attributes {kernel.variant = #kernel.variant<"g", when = "1 <= B <= M">}

// -----

// variant, C2
// expected-error @+1 {{got '<= M'}}
func.func private @f() attributes {kernel.variant = #kernel.variant<"g", when = "<= M">}

// -----

// expected-error @+1 {{expects 'kernel.variant' to be a #kernel.variant, got 1}}
func.func private @f() attributes {kernel.variant = 1 : i64}
