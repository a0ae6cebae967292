// If this fails, an operand that changes nothing is carried through every level
// and costs time, or one that does change something is dropped.
// RUN: deltanet-opt %s --canonicalize | FileCheck %s

// A log-decay of zero is no decay, a state of zero no state, and a final state
// that nobody reads is not computed. The bound goes with the decay.
// CHECK-LABEL: func.func @zeros
// CHECK: %[[O:.*]] = linrec.scan %{{[a-z0-9]+}}, %{{[a-z0-9]+}}, %{{[a-z0-9]+}} :
// CHECK-SAME: -> tensor<1x8x2x4xf32>{{$}}
// CHECK: return %[[O]]
func.func @zeros(%q: tensor<1x8x2x4xf32>) -> tensor<1x8x2x4xf32> {
  %g = arith.constant dense<0.0> : tensor<1x8x2xf32>
  %s0 = arith.constant dense<0.0> : tensor<1x2x4x4xf32>
  %o, %s = linrec.scan %q, %q, %q decay(%g : tensor<1x8x2xf32>)
      initial(%s0 : tensor<1x2x4x4xf32>) {decay_min = -1.0 : f64}
    : tensor<1x8x2x4xf32>, tensor<1x8x2x4xf32>, tensor<1x8x2x4xf32>
   -> tensor<1x8x2x4xf32>, tensor<1x2x4x4xf32>
  return %o : tensor<1x8x2x4xf32>
}

// Minus zero is zero too; a bonus of zero adds nothing to a read-out before.
// CHECK-LABEL: func.func @bonus
// CHECK: linrec.scan %{{[a-z0-9]+}}, %{{[a-z0-9]+}}, %{{[a-z0-9]+}} read_out(before) :
func.func @bonus(%q: tensor<1x8x2x4xf32>) -> tensor<1x8x2x4xf32> {
  %u = arith.constant dense<-0.0> : tensor<2x4xf32>
  %o = linrec.scan %q, %q, %q bonus(%u : tensor<2x4xf32>) read_out(before)
    : tensor<1x8x2x4xf32>, tensor<1x8x2x4xf32>, tensor<1x8x2x4xf32> -> tensor<1x8x2x4xf32>
  return %o : tensor<1x8x2x4xf32>
}

// beta = 0 is not "no beta": without it the recurrence is additive.
// CHECK-LABEL: func.func @zero_beta
// CHECK: linrec.scan {{.*}} beta(
func.func @zero_beta(%q: tensor<1x8x2x4xf32>) -> tensor<1x8x2x4xf32> {
  %b = arith.constant dense<0.0> : tensor<1x8x2xf32>
  %o = linrec.scan %q, %q, %q beta(%b : tensor<1x8x2xf32>)
    : tensor<1x8x2x4xf32>, tensor<1x8x2x4xf32>, tensor<1x8x2x4xf32> -> tensor<1x8x2x4xf32>
  return %o : tensor<1x8x2x4xf32>
}

// What is not zero everywhere, or is used, stays.
// CHECK-LABEL: func.func @kept
// CHECK: linrec.scan {{.*}} decay({{.*}} initial(
// CHECK-SAME: -> tensor<1x8x2x4xf32>, tensor<1x2x4x4xf32>
func.func @kept(%q: tensor<1x8x2x4xf32>) -> tensor<1x2x4x4xf32> {
  %g = arith.constant dense<-0.1> : tensor<1x8x2xf32>
  %s0 = arith.constant dense<1.0> : tensor<1x2x4x4xf32>
  %o, %s = linrec.scan %q, %q, %q decay(%g : tensor<1x8x2xf32>) initial(%s0 : tensor<1x2x4x4xf32>)
    : tensor<1x8x2x4xf32>, tensor<1x8x2x4xf32>, tensor<1x8x2x4xf32>
   -> tensor<1x8x2x4xf32>, tensor<1x2x4x4xf32>
  return %s : tensor<1x2x4x4xf32>
}

// CHECK-LABEL: func.func @dplr
// CHECK: linrec.dplr_scan {{.*}} b(%{{[a-z0-9]+}}) {scale = 2.000000e+00 : f64} :
// CHECK-SAME: -> tensor<1x8x2x4xf32>{{$}}
func.func @dplr(%q: tensor<1x8x2x4xf32>) -> tensor<1x8x2x4xf32> {
  %g = arith.constant dense<0.0> : tensor<1x8x2x4xf32>
  %o, %s = linrec.dplr_scan %q, %q, %q a(%q) b(%q) decay(%g : tensor<1x8x2x4xf32>) {scale = 2.0 : f64}
    : tensor<1x8x2x4xf32>, tensor<1x8x2x4xf32>, tensor<1x8x2x4xf32>,
      tensor<1x8x2x4xf32>, tensor<1x8x2x4xf32> -> tensor<1x8x2x4xf32>, tensor<1x2x4x4xf32>
  return %o : tensor<1x8x2x4xf32>
}

// A recurrence without uses is gone: it has no effect.
// CHECK-LABEL: func.func @unused
// CHECK-NOT: linrec
func.func @unused(%q: tensor<1x8x2x4xf32>) {
  %o = linrec.scan %q, %q, %q
    : tensor<1x8x2x4xf32>, tensor<1x8x2x4xf32>, tensor<1x8x2x4xf32> -> tensor<1x8x2x4xf32>
  return
}

// A pool of zeros is still a pool: it says how many states there are.
// CHECK-LABEL: func.func @pool
// CHECK: linrec.scan {{.*}} initial(%{{.*}}) indices(
func.func @pool(%q: tensor<1x8x2x4xf32>, %i: tensor<1xi32>) -> tensor<6x2x4x4xf32> {
  %s0 = arith.constant dense<0.0> : tensor<6x2x4x4xf32>
  %o, %s = linrec.scan %q, %q, %q initial(%s0 : tensor<6x2x4x4xf32>) indices(%i : tensor<1xi32>)
    : tensor<1x8x2x4xf32>, tensor<1x8x2x4xf32>, tensor<1x8x2x4xf32> -> tensor<1x8x2x4xf32>, tensor<6x2x4x4xf32>
  return %s : tensor<6x2x4x4xf32>
}

// A selective scan without a skip and from nothing.
// CHECK-LABEL: func.func @selective
// CHECK: linrec.selective_scan %{{[a-z0-9]+}}, %{{[a-z0-9]+}}, %{{[a-z0-9]+}}, %{{[a-z0-9]+}}, %{{[a-z0-9]+}} : tensor
func.func @selective(%x: tensor<1x8x4xf32>, %a: tensor<4x2xf32>, %b: tensor<1x8x2xf32>)
    -> (tensor<1x8x4xf32>, tensor<1x4x2xf32>) {
  %d = arith.constant dense<-0.0> : tensor<4xf32>
  %s0 = arith.constant dense<0.0> : tensor<1x4x2xf32>
  %y, %s = linrec.selective_scan %x, %x, %a, %b, %b skip(%d : tensor<4xf32>) initial(%s0 : tensor<1x4x2xf32>)
    : tensor<1x8x4xf32>, tensor<1x8x4xf32>, tensor<4x2xf32>, tensor<1x8x2xf32>, tensor<1x8x2xf32>
   -> tensor<1x8x4xf32>, tensor<1x4x2xf32>
  return %y, %s : tensor<1x8x4xf32>, tensor<1x4x2xf32>
}
