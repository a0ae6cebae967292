#!/usr/bin/env bash
# compile-all.sh KIND EMIT DIR FILES...: compiles every file for every target of
# KIND (cpu, gpu) under every size of chunk; for the first target twice, to compare
# the bytes.
set -uo pipefail
kind=$1 emit=$2 folder=$3
shift 3
done_=0 failed=0 runs="one two"
for target in $(deltanet targets | awk -v kind="$kind" '$2 == kind { print $1 }'); do
  for chunk in 1 16 32 64 128; do
    for file in "$@"; do
      name=$(basename "$file" .mlir)
      for run in $runs; do
        mkdir -p "$folder/$run"
        if ! deltanet compile "$file" --target "$target" --chunk "$chunk" --emit "$emit" \
          -o "$folder/$run" >"$folder/log" 2>&1; then
          echo "$target chunk $chunk $name: $(tail -1 "$folder/log")"
          failed=$((failed + 1))
          continue 2
        fi
      done
      if [[ $runs == *two ]] && ! cmp "$folder"/{one,two}/"$name"."${emit/obj/o}"; then
        failed=$((failed + 1))
      fi
      done_=$((done_ + 1))
    done
    echo "$target chunk $chunk: $# files"
  done
  runs=one
done
echo "$done_ compiled, $failed failed"
((done_ > 0 && failed == 0))
