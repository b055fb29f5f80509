#!/usr/bin/env bash
# The profiles of references/ from the music: models/training/profiles/build.sh WORK_DIR [OUT_DIR]
# Needs apt-get (Debian 12), Python 3.11 and Rust; about half an hour on two cores, and 8 GB of disk.
# songs.csv says which songs make which profile (group.py made it), profiles.csv what each is, packages.csv the licences.
set -euo pipefail
work=$(realpath -m "${1:?a folder to work in is missing: models/training/profiles/build.sh WORK_DIR [OUT_DIR]}")
out=$(realpath -m "${2:-references}")
cd "$(dirname "$0")/../../.."
mkdir -p "$work" "$out"
python3 models/training/fetch.py "$work" --recorded
cargo build --release
halfspeed=${CARGO_TARGET_DIR:-target}/release/halfspeed
python3 - "$work/music" "$out" "$halfspeed" <<'PY'
import csv, subprocess, sys
from pathlib import Path

music, out, halfspeed = Path(sys.argv[1]), Path(sys.argv[2]), sys.argv[3]
training = Path("models/training")
licences = {row["package"]: row["licence"] for row in csv.DictReader(open(training / "packages.csv"))}
songs = list(csv.DictReader(open(training / "profiles/songs.csv")))
for row in csv.DictReader(open(training / "profiles/profiles.csv")):
    own = [song for song in songs if song["profile"] == row["profile"]]
    sources = [f"--source={package}={licences[package]}" for package in sorted({song["package"] for song in own})]
    files = [str(music / song["package"] / song["track"]) for song in own]
    subprocess.run([halfspeed, "profile", "build", *files, "-o", str(out / f"{row['profile']}.json"), "--name", row["profile"],
                    "--description", row["description"], *sources, "--force", "--quiet"], check=True)
    print(f"{row['profile']}: {len(own)} songs")
PY
