//===- Passes.td - facts and decisions in the IR -------------*- tablegen -*-===//
#ifndef DELTANET_KERNEL_PASSES
#define DELTANET_KERNEL_PASSES

include "mlir/Pass/PassBase.td"

def KernelSetTarget : Pass<"kernel-set-target", "::mlir::ModuleOp"> {
  let summary = "state the facts of a chip on the module";
  let description = [{
    Looks a chip up by name and states its facts as `kernel.target`, so that no
    later pass asks for a name. A target that the module has already stays where no
    name is given.

    ```mlir
    module {}            // before
    module attributes {  // after, with target=x86-64-v3
      kernel.target = #kernel.target<"x86-64-v3", cpu, ..., vector_bits = 256>} {}
    ```
  }];
  let dependentDialects = ["::deltanet::kernel::KernelDialect"];
  let options = [
    Option<"targetName", "target", "std::string", "\"\"",
           "name of the chip: host, x86-64-v3, sm_80, ...; host where the module states none">,
    Option<"targetsFile", "targets", "std::string", "\"\"",
           "file to read in place of the chips built in">];
}

def KernelChooseSchedule : Pass<"kernel-choose-schedule", "::mlir::func::FuncOp"> {
  let summary = "decide how the recurrences of a function are computed";
  let description = [{
    Writes `kernel.schedule`. What an option says counts; then what the function
    states already; then the rule: the token loop where every recurrence of the
    function is known to have 2 tokens or fewer (8 on a gpu), or is a selective scan,
    which has no other form; else chunks of 16 on a
    cpu, of 32 on a gpu and of 64 where no target is stated; products in f32, and in
    bf16 for chunks on a gpu; running sums of log-decays in f64 where products are
    f32, else in f32; vectors as wide as the target's.

    ```mlir
    func.func @f(...) {...}                                    // before
    func.func @f(...) attributes {kernel.schedule =            // after
      #kernel.schedule<chunk = 16, products = f32, gates = f64, vector_bits = 256>} {...}
    ```
  }];
  let dependentDialects = ["::deltanet::kernel::KernelDialect"];
  let options = [
    Option<"decided", "schedule", "std::string", "\"\"",
           "entries of #kernel.schedule that are decided, as 'chunk = 64, warps = 8'">,
    Option<"leaveChunk", "leave-chunk", "bool", "false",
           "on a gpu, leave the tokens a chunk to a pass that builds kernels">,
    Option<"chunkSize", "chunk", "int64_t", "0", "tokens a chunk; 1: the token loop">,
    Option<"tokenLoop", "token-loop", "bool", "false", "the token loop, as chunk=1">,
    Option<"productType", "products", "std::string", "\"\"",
           "element type of the products' operands: f32, bf16 or f16">,
    Option<"gateType", "gates", "std::string", "\"\"",
           "element type of running sums of log-decays: f32 or f64">,
    Option<"keepStates", "keep-states", "int64_t", "0",
           "states of a sequence that a gradient keeps; 0: as the function states">];
}

#endif // DELTANET_KERNEL_PASSES
