#!/usr/bin/env bash
# Everything from the music to the shipped models: models/training/run.sh WORK_DIR [ROUNDS]
# Needs apt-get (Debian 12), ffmpeg, Python 3.11 and Rust. 3 rounds take about an hour on two cores, the faults as long; 13 GB of disk.
set -euo pipefail
work=$(realpath -m "$1")
rounds=${2:-3}
cd "$(dirname "$0")/../.."
mkdir -p "$work"
python3 models/training/fetch.py "$work"
cargo run --release --example training_pairs -- models/training/data.lock "$work/music" "$work/pairs" "$rounds"
[[ -d $work/venv ]] || python3 -m venv "$work/venv"
"$work/venv/bin/pip" install -q -r models/training/requirements.txt
"$work/venv/bin/python" models/training/train.py "$work/pairs" models
cargo run --release --example training_faults -- models/training/data.lock "$work/music" "$work/faults" 28
"$work/venv/bin/python" models/training/faults/train.py "$work/faults" models
