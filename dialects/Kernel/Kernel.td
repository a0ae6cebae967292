//===- Kernel.td - facts of a chip, decisions of a schedule -*- tablegen -*-===//
// The kernel dialect: no operations, two attributes. One states what a chip can
// do, the other every decision taken for it. README.md is the normative page.
//===----------------------------------------------------------------------===//
#ifndef DELTANET_KERNEL
#define DELTANET_KERNEL

include "mlir/IR/AttrTypeBase.td"
include "mlir/IR/EnumAttr.td"
include "mlir/IR/OpBase.td"

def Kernel_Dialect : Dialect {
  let name = "kernel";
  let cppNamespace = "::deltanet::kernel";
  let summary = "Facts of a chip and the decisions taken for it";
  let description = [{
    A pass that decides something writes it into `#kernel.schedule`; later passes
    read it there. No pass asks which chip it compiles for: it asks
    `#kernel.target` for a fact. Four discardable attributes hold them:

    | attribute | on | holds |
    |---|---|---|
    | `kernel.target` | a function or a module | `#kernel.target` |
    | `kernel.schedule` | a function | `#kernel.schedule` |
    | `kernel.targets` | a module | an array of `#kernel.target`, names distinct |
    | `kernel.variant` | a function | `#kernel.variant` |
  }];
  let useDefaultAttributePrinterParser = 1;
  let hasOperationAttrVerify = 1;
}

def Kernel_TargetKind : I32EnumAttr<"TargetKind", "what kind of machine a target is", [
    I32EnumAttrCase<"CPU", 0, "cpu">,
    I32EnumAttrCase<"GPU", 1, "gpu">]> {
  let cppNamespace = "::deltanet::kernel";
  let genSpecializedAttr = 0;
}

class Kernel_Attr<string name, string attrMnemonic> : AttrDef<Kernel_Dialect, name> {
  let mnemonic = attrMnemonic;
}
class Kernel_Fact<string type, string none, string desc> : DefaultValuedParameter<type, none, desc>;
class Kernel_Number<string desc> : Kernel_Fact<"int64_t", "0", desc>;
class Kernel_Flag<string desc> : Kernel_Fact<"bool", "false", desc>;
class Kernel_Text<string desc> : StringRefParameter<desc, [{""}]>;

def Kernel_TargetAttr : Kernel_Attr<"Target", "target"> {
  let summary = "the facts of a chip";
  let description = [{
    A fact that is not written is zero, false or empty: the chip does not have it,
    or nobody said so. `chip` is what the code generator is asked for; it differs
    from the name where a chip is newer than the code generator knows.

    Constraints:
    - C1: the name is not empty.
    - C2: a cpu states `vector_bits`, a power of two of at least 64.
    - C3: a gpu states `compute_capability`, `ptx_version`,
      `shared_memory_bytes_per_block`, `registers_per_sm` and `registers_per_thread`.
    - C4: no number is negative.
    - C5: a cpu states no fact of a gpu.

    Example:

    ```mlir
    #kernel.target<"x86-64-v3", cpu, triple = "x86_64-unknown-linux-gnu",
                   chip = "x86-64-v3", vector_bits = 256, vector_registers = 16, fma = true>
    ```
  }];
  let parameters = (ins
    StringRefParameter<"name the user asks for">:$name,
    EnumParameter<Kernel_TargetKind>:$kind,
    Kernel_Text<"target triple of the code generator">:$triple,
    Kernel_Text<"processor name of the code generator">:$chip,
    Kernel_Text<"processor features of the code generator">:$features,
    // CPU
    Kernel_Number<"bits of a vector register">:$vector_bits,
    Kernel_Number<"vector registers a thread can name">:$vector_registers,
    Kernel_Flag<"fused multiply-add on vectors">:$fma,
    // GPU
    Kernel_Number<"compute capability, major * 10 + minor">:$compute_capability,
    Kernel_Number<"first PTX version that knows the chip, major * 10 + minor">:$ptx_version,
    Kernel_Number<"multiprocessors, where every product of the chip has as many">:$multiprocessors,
    Kernel_Number<"shared memory one block can have, in bytes">:$shared_memory_bytes_per_block,
    Kernel_Number<"shared memory of a multiprocessor, in bytes">:$shared_memory_bytes_per_sm,
    Kernel_Number<"32-bit registers of a multiprocessor">:$registers_per_sm,
    Kernel_Number<"32-bit registers one thread can have">:$registers_per_thread,
    Kernel_Number<"threads resident on a multiprocessor">:$threads_per_sm,
    Kernel_Number<"threads one block can have">:$threads_per_block,
    Kernel_Flag<"ldmatrix">:$ldmatrix,
    Kernel_Flag<"stmatrix">:$stmatrix,
    Kernel_Flag<"asynchronous copies to shared memory, cp.async">:$cp_async,
    Kernel_Flag<"mma.sync on f16 operands">:$mma_f16,
    Kernel_Flag<"mma.sync on bf16 operands">:$mma_bf16,
    Kernel_Flag<"mma.sync on tf32 operands">:$mma_tf32,
    Kernel_Flag<"barriers that count transferred bytes and suspend who waits, mbarrier with tx-count and try_wait">:$mbarrier_tx,
    Kernel_Flag<"clusters of blocks">:$clusters,
    Kernel_Flag<"bulk tensor copies, cp.async.bulk.tensor">:$tma,
    Kernel_Flag<"products of a warp group, wgmma">:$wgmma,
    Kernel_Flag<"registers passed between warps, setmaxnreg">:$setmaxnreg);
  let assemblyFormat = [{
    `<` $name `,` $kind (`,` struct($triple, $chip, $features, $vector_bits, $vector_registers,
      $fma, $compute_capability, $ptx_version, $multiprocessors,
      $shared_memory_bytes_per_block, $shared_memory_bytes_per_sm, $registers_per_sm,
      $registers_per_thread, $threads_per_sm, $threads_per_block, $ldmatrix, $stmatrix,
      $cp_async, $mma_f16, $mma_bf16, $mma_tf32, $mbarrier_tx, $clusters, $tma, $wgmma,
      $setmaxnreg)^)? `>`
  }];
  let genVerifyDecl = 1;
  let extraClassDeclaration = [{
    bool isCPU() const { return getKind() == TargetKind::CPU; }
    bool isGPU() const { return getKind() == TargetKind::GPU; }
    /// These facts under another name.
    TargetAttr withName(::llvm::StringRef name) const;
  }];
}

def Kernel_ScheduleAttr : Kernel_Attr<"Schedule", "schedule"> {
  let summary = "every decision taken so far";
  let description = [{
    A decision that is not written is not taken yet. Copies with one decision more
    come from the `with...` methods.

    | entry | decision |
    |---|---|
    | `token_loop` | the recurrence itself, one token after another, (1) |
    | `chunk` | tokens a chunk |
    | `products` | element type of the operands of products |
    | `gates` | element type of the running sums of log-decays (2) |
    | `vector_bits` | width of the vectors used, a cpu |
    | `warps` | warps a block, a gpu |
    | `stages` | chunks in flight, a gpu |
    | `split_value` | blocks that share a head's value channels, a gpu |
    | `ahead_warps` | warps of their own for what does not wait for the state, a gpu |
    | `prepare` | that in a kernel of its own, all chunks side by side, a gpu |
    | `segments` | runs of chunks that each sequence is cut into, side by side, (10) |
    | `keep_states` | states of a sequence that a gradient keeps and makes the others from; those of all chunks where it is not written |

    `warps` are those that carry the state. Without `ahead_warps` they do the rest as
    well, one after the other.

    Constraints:
    - C1: numbers are not negative.
    - C2: with `token_loop`, `chunk` is 1.
    - C3: `products` is f32, bf16 or f16.
    - C4: `gates` is f32 or f64.
    - C5: with `token_loop` there are no `segments`.

    Example: `#kernel.schedule<chunk = 64, products = bf16, gates = f32>`
  }];
  let parameters = (ins
    Kernel_Flag<"the recurrence itself">:$token_loop,
    Kernel_Number<"tokens a chunk">:$chunk,
    OptionalParameter<"::mlir::Type", "element type of the operands of products">:$products,
    OptionalParameter<"::mlir::Type", "element type of running sums of log-decays">:$gates,
    Kernel_Number<"width of the vectors used">:$vector_bits,
    Kernel_Number<"warps a block">:$warps,
    Kernel_Number<"chunks in flight">:$stages,
    Kernel_Number<"blocks that share a head's value channels">:$split_value,
    Kernel_Number<"warps for what does not wait for the state">:$ahead_warps,
    Kernel_Flag<"what does not wait for the state in a kernel of its own">:$prepare,
    Kernel_Number<"segments a sequence">:$segments,
    Kernel_Number<"states of a sequence that a gradient keeps">:$keep_states);
  let assemblyFormat = [{
    (`<` struct($token_loop, $chunk, $products, $gates, $vector_bits, $warps, $stages,
                $split_value, $ahead_warps, $prepare, $segments,
                $keep_states)^ `>`)?
  }];
  let genVerifyDecl = 1;
  let extraClassDeclaration = [{
    ScheduleAttr withTokenLoop() const;
    ScheduleAttr withChunk(int64_t tokens) const;
    ScheduleAttr withProducts(::mlir::Type type) const;
    ScheduleAttr withGates(::mlir::Type type) const;
    ScheduleAttr withVectorBits(int64_t bits) const;
    ScheduleAttr withWarps(int64_t warps) const;
    ScheduleAttr withStages(int64_t stages) const;
    ScheduleAttr withSplitValue(int64_t blocks) const;
    ScheduleAttr withAheadWarps(int64_t warps) const;
    ScheduleAttr withPrepare(bool prepare) const;
    ScheduleAttr withSegments(int64_t segments) const;
    ScheduleAttr withKeepStates(int64_t states) const;
  }];
}

def Kernel_VariantAttr : Kernel_Attr<"Variant", "variant"> {
  let summary = "a function that stands in for another at some extents";
  let description = [{
    What a function computes can be compiled for several schedules. The function
    itself serves all extents; others, which compute the same, serve those where
    `when` holds, the first of them in the module's order. Their kernels become one
    module, and whoever launches chooses by the extents of a call.

    `when` is `low <= high`, two expressions of the sizes of the launch (B, T, H, G, N,
    P, and M, the multiprocessors of the device), as grids are.

    Constraints:
    - C1: `of` is not empty.
    - C2: `when` has one `<=`, and text on both sides.

    Example:

    ```mlir
    func.func @f_few(...) attributes {kernel.variant = #kernel.variant<"f", when = "B * H * 4 <= M">, ...}
    func.func @f(...) ...
    ```
  }];
  let parameters = (ins
    StringRefParameter<"the function that serves all extents">:$of,
    StringRefParameter<"the extents that this one serves">:$when);
  let assemblyFormat = "`<` $of `,` `when` `=` $when `>`";
  let genVerifyDecl = 1;
}

#endif // DELTANET_KERNEL
