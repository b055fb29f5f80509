#!/usr/bin/env bash
# CPU seconds and peak memory of whole processes, against the peers where they are installed.
# usage: benches/peers.sh MIX REFERENCE     (needs GNU time; ffmpeg and a python3 with matchering for the peers)
set -euo pipefail
mix=$(realpath "$1") reference=$(realpath "$2")
cd "$(dirname "$0")/.."
cargo build --release --quiet
out=$(mktemp -d)
trap 'rm -rf "$out"' EXIT

run() { # name, command...
    local name=$1
    shift
    for _ in 1 2 3 4 5; do
        command time -f "%U %S %M" -o "$out/time" "$@" >"$out/log" 2>&1 || { echo "$name: not available"; return; }
        tail -n 1 "$out/time"
    done | awk -v name="$name" 'NF == 3 { print $1 + $2, $3 }' | sort -n |
        awk -v name="$name" '{ cpu[NR] = $1; kb[NR] = $2 } END { if (NR) printf "%-22s %6.2f s CPU %6.0f MB\n", name, cpu[int((NR + 1) / 2)], kb[int((NR + 1) / 2)] / 1024 }'
}

run "halfspeed analyze" target/release/halfspeed analyze "$mix" --quiet
run "ffmpeg ebur128" ffmpeg -hide_banner -nostats -i "$mix" -af ebur128=peak=true -f null -
run "halfspeed master" target/release/halfspeed master "$mix" --reference "$reference" -o "$out/a.wav" --force --quiet
run "matchering" "${PYTHON:-python3}" -c 'import sys, matchering as m
m.process(target=sys.argv[1], reference=sys.argv[2], results=[m.Result(sys.argv[3], subtype="PCM_24")])' \
    "$mix" "$reference" "$out/b.wav"
