// If this fails, elementary functions of vectors need a library, or NaN and overflow do
// not come out of them (their numbers are tested by GoogleTests).
// RUN: deltanet-opt %s --convert-math-to-polynomial | FileCheck %s

// CHECK-LABEL: func.func @exp(
// CHECK-SAME:    %[[X:.*]]: vector<8xf32>)
// CHECK-NOT:     math
// CHECK:         arith.cmpf ogt, %[[X]], %{{.*}}
// 2^n in two factors.
// CHECK-COUNT-2: arith.shli
// CHECK:         %[[RESULT:.*]] = arith.mulf
// CHECK:         %[[NAN:.*]] = arith.cmpf uno, %[[X]], %[[X]]
// CHECK:         arith.select %[[NAN]], %[[X]], %[[RESULT]]
func.func @exp(%x: vector<8xf32>) -> vector<8xf32> {
  %y = math.exp %x : vector<8xf32>
  return %y : vector<8xf32>
}

// CHECK-LABEL: func.func @others(
// CHECK-NOT:     math.{{exp|log|tanh|erf|rsqrt}}
// CHECK:         return
func.func @others(%x: f32) -> f32 {
  %a = math.exp2 %x : f32
  %b = math.expm1 %a : f32
  %c = math.log %b : f32
  %d = math.log2 %c : f32
  %e = math.log1p %d : f32
  %f = math.tanh %e : f32
  %g = math.erf %f : f32
  %h = math.rsqrt %g : f32
  return %h : f32
}

// What f64 needs beyond LLVM's intrinsics is called, an element at a time.
// CHECK-LABEL: func.func @wide(
// CHECK-COUNT-2: call @log1p(%{{.*}}) : (f64) -> f64
// CHECK: func.func private @log1p(f64) -> f64
func.func @wide(%x: vector<2xf64>) -> vector<2xf64> {
  %y = math.log1p %x : vector<2xf64>
  return %y : vector<2xf64>
}
