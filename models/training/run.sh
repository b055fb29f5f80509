#!/usr/bin/env bash
# Everything from the music to the shipped models: models/training/run.sh WORK_DIR [ROUNDS]
# Needs Debian 12, Python 3.11, Rust and
#   apt-get install --no-install-recommends ffmpeg x42-plugins lsp-plugins-lv2 openmpt123 fluidsynth fluid-soundfont-gm lmms lmms-common
# 4 rounds take about two hours on two cores, the faults one; 15 GB of disk.
set -euo pipefail
work=$(realpath -m "${1:?a folder to work in is missing: models/training/run.sh WORK_DIR [ROUNDS]}")
rounds=${2:-4}
cd "$(dirname "$0")/../.."
mkdir -p "$work"
python3 models/training/fetch.py "$work"
cargo run --release --example training_pairs -- models/training/data.lock "$work/music" "$work/pairs" "$rounds"
[[ -d $work/venv ]] || python3 -m venv "$work/venv"
"$work/venv/bin/pip" install -q -r models/training/requirements.txt
"$work/venv/bin/python" models/training/train.py "$work/pairs" models
cargo run --release --example training_faults -- models/training/data.lock "$work/music" "$work/faults" 28
"$work/venv/bin/python" models/training/faults/train.py "$work/faults" models
