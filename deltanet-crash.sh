#!/bin/sh
# deltanet 0.1.0, LLVM 22.1.8 crashed; this command repeats it.
exec 'deltanet' 'compile' 'test/Examples/rwkv7.mlir' '--target' 'sm_80' '--emit' 'ptx,llvm' '-o' '/tmp/g'
