// If this fails, an option of chunk-differentiate that cannot be is taken in silence.
// RUN: not deltanet-opt %s --chunk-differentiate 2>&1 | FileCheck %s --check-prefix=NONE
// RUN: not deltanet-opt %s --chunk-differentiate="of=0,x" 2>&1 | FileCheck %s --check-prefix=TWICE
// RUN: not deltanet-opt %s --chunk-differentiate="of=x from=y" 2>&1 | FileCheck %s --check-prefix=FROM
// RUN: not deltanet-opt %s --chunk-differentiate="of=x function=g" 2>&1 | FileCheck %s --check-prefix=FUNCTION
// RUN: not deltanet-opt %s --chunk-differentiate="of=x keep-states=-1" 2>&1 | FileCheck %s --check-prefix=KEEP
// KEEP: error: chunk-differentiate: expects 'keep-states' of at least 1, got -1
// NONE: error: chunk-differentiate: expects 'of' to list the arguments to take the gradient of
// TWICE: error: chunk-differentiate: expects 'of' to list everything once, got 'x' twice
// FROM: error: chunk-differentiate: expects 'from' to list names or numbers below 1, got 'y'
// FUNCTION: error: chunk-differentiate: expects a public function named 'g'
func.func @f(%x: tensor<2xf32> {deltanet.name = "x"}) -> tensor<2xf32> {
  return %x : tensor<2xf32>
}
