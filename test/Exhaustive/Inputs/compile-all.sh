#!/usr/bin/env bash
# compile-all.sh KIND EMIT DIR FILES...: compiles every file for every target of
# KIND (cpu, gpu) under the sizes of chunk in $CHUNKS, as many targets at a time as
# there are processors; for the first target twice, to compare the bytes. PTX goes
# through ptxas, where there is one, and may not spill under the first size. A chunk
# that a chip's shared memory cannot hold is declined, not failed: the tool says so
# by name.
set -uo pipefail
: "${CHUNKS:=1 16 32 64 128}"
kind=$1 emit=$2 root=$3
shift 3
extension=${emit/obj/o}

compile() { # compile FILE CHUNK RUN
  mkdir -p "$folder/$3"
  deltanet compile "$1" --target "$target" --chunk "$2" --emit "$emit" -o "$folder/$3" >"$folder/log" 2>&1
}

# assemble FILE CHUNK: without spills, if the chunk is the first one.
assemble() {
  ptxas -v -arch="$target" "$1" -o "$folder/cubin" >"$folder/log" 2>&1 || return 1
  [[ $2 != "${CHUNKS%% *}" ]] || ! grep -q '[1-9][0-9]* bytes spill' "$folder/log"
}

# compile_target RUNS FILES...: lines about `target`, the last one its counts.
compile_target() {
  local runs=$1 compiled=0 declined=0 failed=0 chunk file name run
  shift
  complain() {
    echo "$target chunk $chunk $name: $(grep -m 1 -E 'error|fatal|[1-9][0-9]* bytes spill|differ' "$folder/log" ||
      tail -1 "$folder/log")"
    failed=$((failed + 1))
  }
  for chunk in $CHUNKS; do
    for file in "$@"; do
      name=$(basename "$file" .mlir)
      for run in $runs; do
        compile "$file" "$chunk" "$run" && continue
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
        assemble "$folder/one/$name.ptx" "$chunk" || complain
      fi
      compiled=$((compiled + 1))
    done
    echo "$target chunk $chunk: $# files"
  done
  echo "$compiled compiled, $declined declined, $failed failed"
}

mapfile -t targets < <(deltanet targets | awk -v kind="$kind" '$2 == kind { print $1 }')
runs="one two"
for target in "${targets[@]}"; do
  folder=$root/$target
  mkdir -p "$folder"
  while (($(jobs -rp | wc -l) >= $(nproc))); do wait -n; done
  compile_target "$runs" "$@" >"$folder/lines" &
  runs=one
done
wait
for target in "${targets[@]}"; do cat "$root/$target/lines"; done |
  awk '/ compiled, / { compiled += $1; declined += $3; failed += $5; next }
       { print }
       END { print compiled + 0 " compiled, " declined + 0 " declined, " failed + 0 " failed"
             exit !(compiled > 0 && failed == 0) }'
