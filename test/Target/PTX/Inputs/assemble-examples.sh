#!/bin/sh
# assemble-examples.sh ARCH FOLDER SCRATCH - compiles every file of FOLDER for ARCH,
# assembles it, and prints a line for each kernel: registers, spills, shared memory.
# Exits with 1 after all of them if one does not compile, does not assemble, or
# spills; says which and why.
arch=$1 folder=$2 scratch=$3
mkdir -p "$scratch" || exit 2
status=0 count=0
for file in "$folder"/*.mlir; do
  name=$(basename "$file" .mlir)
  at=$scratch/$name.$arch
  count=$((count + 1))
  if ! deltanet-opt "$file" --linrec-to-ptx="target=$arch" -o /dev/null > "$at.ptx" 2> "$at.errors"; then
    echo "$arch $name: does not compile: $(grep -m 1 'error:' "$at.errors")"
    status=1
    continue
  fi
  # The examples are named by their kernels; a file that compiles to none is wrong.
  kernels=$(grep -c '\.visible \.entry' "$at.ptx")
  if ! ptxas -arch="$arch" -v "$at.ptx" -o "$at.cubin" > "$at.log" 2>&1; then
    echo "$arch $name: does not assemble: $(head -n 1 "$at.log")"
    status=1
    continue
  fi
  registers=$(sed -n 's/.*Used \([0-9]*\) registers.*/\1/p' "$at.log" | xargs)
  spills=$(sed -n 's/.* \([0-9]*\) bytes spill stores.*/\1/p' "$at.log" | xargs)
  shared=$(sed -n 's/^\/\/ deltanet\.launch.*"shared":\([0-9]*\).*/\1/p' "$at.ptx" | xargs)
  echo "$arch $name: registers $registers, spilled bytes $spills, shared bytes $shared"
  if [ "$kernels" -lt 1 ] || [ "$(echo "$spills" | wc -w)" != "$kernels" ]; then
    echo "$arch $name: has $kernels kernels, ptxas speaks of $(echo "$spills" | wc -w)"
    status=1
  fi
  for bytes in $spills; do
    if [ "$bytes" != 0 ]; then
      echo "$arch $name: spills"
      status=1
    fi
  done
  if grep -q warning "$at.log"; then
    echo "$arch $name: $(grep -m 1 warning "$at.log")"
    status=1
  fi
done
echo "$arch: $count files"
exit $status
