#!/usr/bin/env python3
"""Groups songs by what they measure.

ANALYSES holds PACKAGE/TRACK.json (`halfspeed analyze --json`) for the recorded tracks of data.lock. Songs are stereo, 60 s long or more
and at 44.1 kHz or more. Features: third-octave levels in nine groups of three, how the four wide bands move (what no equaliser
changes) and their widths, in standard deviations, weighted 2 : 1 : 0.5. k-means (12 groups, best of 8 starts, fixed seed).
The groups were named by hand, by what they measure and by what their packages say they are; a group of two odd songs was left
out. songs.csv is the result: build.sh reads that, so that a profile can be mended by moving songs.
"""
import argparse, csv, json
from pathlib import Path

import numpy as np

GROUPS = 12
NAMES = {0: "dark-cinematic", 1: "ambient-dark", 2: "warm-folk", 3: "light-acoustic", 4: "deep-synth", 5: "electronic",
         6: "retro-narrow", 7: "beats", 8: "orchestral", 10: "dense-bright", 11: "open-percussive"}
CONTENT = ("long_range_db", "short_to_long_p10_db", "short_to_long_p95_db")


def read(path):
    """Centred third octaves with the bands that hold something, content and widths; None for what is no song."""
    document = json.loads(path.read_text())
    file = document["file"]
    if file["channels"] != 2 or file["sample_rate_hz"] < 44100 or file["duration_s"] < 60:
        return None
    centers, level = np.array(document["spectrum"]["center_hz"]), document["spectrum"]["mid_db"]
    level = np.array([-150.0 if x is None else x for x in level])[(centers >= 35) & (centers < 17000)]
    centers = centers[(centers >= 35) & (centers < 17000)]
    content = [[band[name] for band in document["dynamics"]["bands"]] for name in CONTENT]
    if level.max() < -90 or any(x is None for row in content for x in row):
        return None
    holds = level > level.max() - 60
    for band in range(1, len(level)):
        if centers[band] > 8000 and level[band] < level[band - 1] - 12:
            holds[band:] = False
            break
    level = np.maximum(level, level.max() - 60)
    width = [-40 if band["width_db"] is None else band["width_db"] for band in document["stereo"]["bands"]]
    return level - level[holds].mean(), holds, np.clip(content, -40, 40).ravel(), np.clip(width, -40, 10)


def features(tone, content, width):
    """Standardised and weighted, one row a song."""
    z = lambda x: (x - x.mean(0)) / x.std(0)
    grouped = tone.reshape(len(tone), 9, 3).mean(2)
    return np.hstack([2 * z(grouped) / 3, z(content) / np.sqrt(content.shape[1]), 0.5 * z(width) / 2])


def k_means(rows, groups, seed=0):
    """Labels: k-means++ starts (D. Arthur, S. Vassilvitskii, SODA 2007), Lloyd's steps, the best of 8."""
    random, best = np.random.default_rng(seed), None
    for _ in range(8):
        centers = [rows[random.integers(len(rows))]]
        while len(centers) < groups:
            distance = np.min([((rows - center) ** 2).sum(1) for center in centers], 0)
            centers.append(rows[random.choice(len(rows), p=distance / distance.sum())])
        centers = np.array(centers)
        for _ in range(60):
            label = ((rows[:, None] - centers[None]) ** 2).sum(2).argmin(1)
            centers = np.array([rows[label == j].mean(0) if (label == j).any() else centers[j] for j in range(groups)])
        cost = ((rows - centers[label]) ** 2).sum()
        if best is None or cost < best[0]:
            best = (cost, label)
    return best[1]


def songs(analyses):
    """(package, track, measured) of every song, in order."""
    lock = json.loads((Path(__file__).parent.parent / "data.lock").read_text())
    for package in sorted(name for name, of in lock.items() if of["split"] != "rendered"):
        for track in lock[package]["tracks"]:
            path = Path(analyses) / package / (track + ".json")
            measured = read(path) if path.exists() else None
            if measured:
                yield package, track, measured


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("analyses", metavar="ANALYSES")
    parser.add_argument("out", metavar="SONGS_CSV")
    arguments = parser.parse_args()
    found = list(songs(arguments.analyses))
    tone, holds, content, width = (np.array([measured[index] for _, _, measured in found]) for index in range(4))
    label = k_means(features(tone, content, width), GROUPS)
    with open(arguments.out, "w", newline="") as out:
        writer = csv.writer(out, lineterminator="\n")
        writer.writerow(["profile", "package", "track"])
        rows = [(NAMES[j], package, track) for j, (package, track, _) in zip(label, found) if j in NAMES]
        writer.writerows(sorted(rows))


if __name__ == "__main__":
    main()
