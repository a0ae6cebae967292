//===- Passes.td - writing code for a target -----------------*- tablegen -*-===//
#ifndef DELTANET_TARGET_PASSES
#define DELTANET_TARGET_PASSES

include "mlir/Pass/PassBase.td"

def WritePTX : Pass<"write-ptx", "::mlir::ModuleOp"> {
  let summary = "write the kernels of a module as PTX";
  let description = [{
    Translates every `gpu.module` to PTX with LLVM's NVPTX back end, for the chip that
    `kernel.target` states, and writes the text to `output`. What is written leaves the
    module; deltanet-opt does not print a module with nothing in it, so that

    ```
    deltanet-opt --linrec-to-ptx='target=sm_80' in.mlir > out.ptx
    ```
    is PTX. Above each kernel stands how it is launched, as one line of JSON behind
    `// deltanet.launch `: grid and shapes as numbers or names of sizes, threads of a block,
    bytes of shared memory, and the arguments in order.
  }];
  let options = [
    Option<"output", "output", "std::string", "\"-\"", "file to write; -: standard output">];
  let statistics = [Statistic<"numKernels", "kernels", "kernels written">];
}

#endif // DELTANET_TARGET_PASSES
