#!/usr/bin/env python3
"""Judges `master --profile` on songs that no profile has seen.

WORK_DIR is that of build.sh, with analyses/PACKAGE/TRACK.json beside (`halfspeed analyze --json`). For COUNT songs of songs.csv,
evenly drawn over the packages: 40 s of the song are the truth; the mix is the truth behind an equaliser drawn as pairs/chain.rs
draws those of mixes; the profiles are made anew without the song's whole package. The mix is mastered with `--profile FOLDER`,
with `--amount` 50, and with loudness and peaks alone, all to the truth's own loudness. Told: mean error of third octaves (mid,
level free) to the truth, dB, and MR-STFT (1024/2048/512, loudness-matched).
"""
import argparse, csv, json, subprocess, tempfile
from pathlib import Path

import numpy as np

import group

LABELS = ("loudness_lufs", "range_lu", "plr_db", "crest_db")


def spread(values):
    values = np.array([x for x in values if x is not None], float)
    return {"mean": round(values.mean(), 3), "spread": round(values.std(ddof=1), 3)} if len(values) >= 3 else None


def profile(name, documents):
    """What `halfspeed profile build` makes of the same songs."""
    measured = [group.read(path) for path in documents]
    read = [json.loads(path.read_text()) for path in documents]
    centers = [hz for hz in read[0]["spectrum"]["center_hz"] if 35 <= hz < 17000]
    tone = []
    for band, hz in enumerate(centers):
        of_band = spread([tone[band] for tone, holds, _, _ in measured if holds[band]])
        if of_band:
            tone.append({"center_hz": round(hz, 3), "mean_db": of_band["mean"], "spread_db": of_band["spread"]})
    single = {"loudness_lufs": lambda d: d["loudness"]["integrated_lufs"], "range_lu": lambda d: d["loudness"]["range_lu"],
              "plr_db": lambda d: d["loudness"]["plr_db"], "crest_db": lambda d: d["dynamics"]["short_crest_db"]}
    clip = lambda x, low, high: None if x is None else min(max(x, low), high)
    return {"schema": "halfspeed.profile/1", "name": name, "description": "", "songs": len(read),
            "sources": [{"name": "training", "songs": len(read), "licence": "see data.lock"}],
            **{label: spread([of(d) for d in read]) for label, of in single.items()}, "tone": tone,
            "width_db": [spread([clip(d["stereo"]["bands"][b]["width_db"], -40, 10) for d in read]) for b in range(4)],
            "content": [{"name": n, "bands": [spread([clip(d["dynamics"]["bands"][b][n], -40, 40) for d in read]) for b in range(4)]}
                        for n in group.CONTENT]}


def decode(path, *options):
    raw = subprocess.run(["ffmpeg", "-v", "error", "-nostdin", *options, "-i", str(path), "-f", "f32le", "-ac", "2", "-ar", "44100", "-"],
                         capture_output=True, check=True).stdout
    return np.frombuffer(raw, "<f4").reshape(-1, 2).astype(float)


def spectra(x, size, hop):
    window = np.hanning(size)
    frames = np.lib.stride_tricks.sliding_window_view(x, size)[::hop] * window
    return np.abs(np.fft.rfft(frames))


def mr_stft(x, y):
    total = 0
    for size, hop in ((1024, 512), (2048, 1024), (512, 256)):
        a, b = np.maximum(spectra(x, size, hop), 1e-4), np.maximum(spectra(y, size, hop), 1e-4)
        total += np.linalg.norm(a - b) / np.linalg.norm(b) + np.abs(np.log(a) - np.log(b)).mean()
    return total / 3


def third_octaves(x):
    power, hz = (spectra(x, 8192, 4096) ** 2).mean(0), np.fft.rfftfreq(8192, 1 / 44100)
    edges = 1000 * 10 ** ((np.arange(-14, 14) - 0.5) / 10)
    return np.array([10 * np.log10(power[(hz >= a) & (hz < b)].sum() + 1e-9) for a, b in zip(edges, edges[1:])])


def distance(out, truth):
    n = min(len(out), len(truth))
    x, y = out[:n].mean(1), truth[:n].mean(1)
    a, b = third_octaves(x), third_octaves(y)
    holds = b > b.max() - 60
    error = (a - b)[holds]
    x = x * np.sqrt((y ** 2).mean() / (x ** 2).mean())
    return np.abs(error - error.mean()).mean(), mr_stft(x, y)


def roughening(random):
    """The bands of pairs/chain.rs (Roughening) as a recipe."""
    log = lambda low, high: float(np.exp(random.uniform(np.log(low), np.log(high))))
    s = random.uniform(0.4, 1.5)
    bands = [("low_shelf", log(60, 350), s * random.normal(0, 2.8), random.uniform(0.5, 0.9)),
             ("high_shelf", log(3500, 12000), s * random.normal(-1.1, 2.8), random.uniform(0.5, 0.9)),
             ("bell", log(130, 750), s * random.normal(1.1, 2.2), log(0.4, 1.8)),
             ("bell", log(900, 6500), s * random.normal(0, 2.4), log(0.4, 1.8))]
    if random.uniform() < 0.3:
        bands.append(("bell", log(50, 12000), random.normal(0, 2.5), log(0.5, 3)))
    text = 'schema = "halfspeed.recipe/1"\n[output]\nformat = "32f"\n[limiter]\ndrive_db = -20.0\nceiling_dbtp = -1.0\n'
    return text + "".join(f'[[eq]]\nname = "x"\nkind = "{kind}"\nfrequency_hz = {hz:.1f}\ngain_db = {np.clip(gain, -12, 12):.2f}\nq = {q:.2f}\n'
                          for kind, hz, gain, q in bands)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("work", metavar="WORK_DIR", type=Path)
    parser.add_argument("halfspeed", metavar="HALFSPEED", help="the program")
    parser.add_argument("count", metavar="COUNT", type=int)
    parser.add_argument("out", metavar="OUT_CSV", type=Path)
    arguments = parser.parse_args()
    work, halfspeed, count, out = arguments.work, arguments.halfspeed, arguments.count, arguments.out.open("w")
    songs = list(csv.DictReader(open(Path(__file__).parent / "songs.csv")))
    document = lambda song: work / "analyses" / song["package"] / (song["track"] + ".json")
    random = np.random.default_rng(7)
    packages = sorted({song["package"] for song in songs})
    chosen, queues = [], {p: list(random.permutation([s for s in songs if s["package"] == p])) for p in packages}
    while len(chosen) < count:
        chosen += [queue.pop() for queue in queues.values() if queue][: count - len(chosen)]
    print("package,track,profile,distance,system,tone_db,mr_stft", file=out)
    for song in chosen:
        with tempfile.TemporaryDirectory() as folder:
            folder = Path(folder)
            (folder / "profiles").mkdir()
            for name in sorted({s["profile"] for s in songs}):
                rest = [document(s) for s in songs if s["profile"] == name and s["package"] != song["package"]]
                if len(rest) >= 5:
                    (folder / "profiles" / f"{name}.json").write_text(json.dumps(profile(name, rest)))
            truth = folder / "truth.wav"
            subprocess.run(["ffmpeg", "-v", "error", "-nostdin", "-ss", "15", "-t", "40", "-i", str(work / "music" / song["package"] / song["track"]),
                            "-ac", "2", "-ar", "44100", "-c:a", "pcm_f32le", str(truth)], check=True)
            (folder / "rough.toml").write_text(roughening(random))
            run = lambda *arguments: subprocess.run([halfspeed, *map(str, arguments)], check=True, capture_output=True, text=True).stdout
            run("render", truth, "--recipe", folder / "rough.toml", "-o", folder / "mix.wav", "--quiet")
            true = decode(truth)
            lufs = json.loads(run("analyze", truth, "--json", "--quiet"))["loudness"]["integrated_lufs"]
            for system, options in (("nothing", ()), ("profile", ("--profile", folder / "profiles")),
                                    ("profile at 50 %", ("--profile", folder / "profiles", "--amount", 50))):
                report = json.loads(run("master", folder / "mix.wav", *options, "--loudness", round(max(lufs, -40), 2), "-o", folder / "out.wav",
                                        "--json", "--quiet", "--force"))
                tone, stft = distance(decode(folder / "out.wav"), true)
                near = report["profile"] or {"name": "", "distance": None, "candidates": [{"distance": 0}]}
                print(song["package"], song["track"].replace(",", " "), near["name"] or "none", round(near["candidates"][0]["distance"], 3),
                      system, round(tone, 4), round(stft, 4), sep=",", file=out, flush=True)


if __name__ == "__main__":
    main()
