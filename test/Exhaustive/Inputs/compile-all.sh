#!/usr/bin/env bash
# compile-all.sh KIND EMIT DIR FILES...: compiles every file for every target of
# KIND (cpu, gpu) under the sizes of chunk in $CHUNKS; for the first target twice,
# to compare the bytes. PTX goes through ptxas, where there is one, and may not
# spill under the first size. A chunk that a chip's shared memory cannot hold is
# declined, not failed: the tool says so by name.
set -uo pipefail
: "${CHUNKS:=1 16 32 64 128}"
kind=$1 emit=$2 folder=$3
shift 3
extension=${emit/obj/o}
compiled=0 declined=0 failed=0 runs="one two"

compile() { # compile FILE TARGET CHUNK RUN
  mkdir -p "$folder/$4"
  deltanet compile "$1" --target "$2" --chunk "$3" --emit "$emit" -o "$folder/$4" >"$folder/log" 2>&1
}

# assemble FILE TARGET: without spills, if the chunk is the first one.
assemble() {
  ptxas -v -arch="$2" "$1" -o "$folder/cubin" >"$folder/log" 2>&1 || return 1
  [[ $chunk != "${CHUNKS%% *}" ]] || ! grep -q '[1-9][0-9]* bytes spill' "$folder/log"
}

complain() {
  echo "$target chunk $chunk $name: $(tail -1 "$folder/log")"
  failed=$((failed + 1))
}

for target in $(deltanet targets | awk -v kind="$kind" '$2 == kind { print $1 }'); do
  for chunk in $CHUNKS; do
    for file in "$@"; do
      name=$(basename "$file" .mlir)
      for run in $runs; do
        compile "$file" "$target" "$chunk" "$run" && continue
        if grep -q 'bytes of shared memory a block, the kernel needs' "$folder/log"; then
          declined=$((declined + 1))
        else
          complain
        fi
        continue 2
      done
      if [[ $runs == *two ]]; then
        cmp "$folder"/{one,two}/"$name.$extension" >"$folder/log" 2>&1 || complain
      fi
      if [[ $emit == ptx ]] && command -v ptxas >/dev/null; then
        assemble "$folder/one/$name.ptx" "$target" || complain
      fi
      compiled=$((compiled + 1))
    done
    echo "$target chunk $chunk: $# files"
  done
  runs=one
done
echo "$compiled compiled, $declined declined, $failed failed"
((compiled > 0 && failed == 0))
