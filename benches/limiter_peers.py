"""Loudness at equal damage: what limiters do to the same music at the same loudness and true peak.

Each limiter is driven until its output, scaled to the wished true peak, has the wished loudness. Then the
multi-resolution STFT distance between its output and the unlimited mix, both at one loudness, says what the limiting
changed: 0 is nothing. Peers that are not installed are left out with a message.

usage: limiter_peers.py [--metrics FILE] [--halfspeed FILE] [--lufs L] [--dbtp P] [--seconds S] MIX.wav...

Needs numpy, scipy, soundfile and pyloudnorm; `--metrics` is a Python file with a function `mr_stft(x, y, rate)`, without it
the one below is used. Peers: matchering, pedalboard, libsonare (Python), ffmpeg (program).
"""
import argparse
import shutil
import subprocess
import tempfile
from pathlib import Path

import numpy as np
import pyloudnorm
import soundfile
from scipy.signal import correlate, resample_poly, stft


def mr_stft(x, y, rate):
    """Spectral convergence + mean |log magnitude| (nepers) at one loudness, averaged over 3 sizes and mid/side."""
    meter = pyloudnorm.Meter(rate)
    x = x * 10 ** ((-23 - meter.integrated_loudness(x)) / 20)
    y = y * 10 ** ((-23 - meter.integrated_loudness(y)) / 20)
    total = 0.0
    for size in (512, 2048, 8192):
        for sign in (1, -1):
            a, b = (np.abs(stft(z[:, 0] + sign * z[:, 1], rate, nperseg=size, boundary=None)[2]) for z in (x, y))
            if b.max() < 1e-6:
                continue
            floor = 1e-4 * b.max()
            total += np.linalg.norm(a - b) / np.linalg.norm(b)
            total += np.mean(np.abs(np.log(np.maximum(a, floor)) - np.log(np.maximum(b, floor))))
    return total / 6


def true_peak_db(x):
    return 20 * np.log10(np.max(np.abs(resample_poly(x, 16, 1, axis=0, window=("kaiser", 9.0)))))


def loudness(x, rate):
    return pyloudnorm.Meter(rate).integrated_loudness(x)


def matchering(x, rate):
    from matchering.defaults import Config
    from matchering.limiter import limit

    return limit(x, Config(internal_sample_rate=rate))


def pedalboard(x, rate):
    from pedalboard import Limiter

    return Limiter(threshold_db=-1.0)(x.T.astype(np.float32), rate).T.astype(float)


def libsonare(x, rate):
    from libsonare import mastering_process_stereo

    left, right = (np.ascontiguousarray(channel, np.float32) for channel in x.T)
    result = mastering_process_stereo("maximizer.truePeakLimiter", left, right, rate, {"ceilingDb": -1.0})
    return np.stack([np.asarray(result.left), np.asarray(result.right)], 1).astype(float)


def ffmpeg_alimiter(x, rate):
    if not shutil.which("ffmpeg"):
        raise ImportError("ffmpeg is not installed")
    with tempfile.TemporaryDirectory() as folder:
        before, after = Path(folder, "a.wav"), Path(folder, "b.wav")
        soundfile.write(before, x, rate, "FLOAT")
        chain = f"aresample={4 * rate},alimiter=limit=0.891:level=0:latency=1,aresample={rate}"
        command = ["ffmpeg", "-v", "error", "-i", before, "-af", chain, "-c:a", "pcm_f32le", after]
        subprocess.run(command, check=True)
        return soundfile.read(after)[0]


def aligned(y, x):
    """y moved by the few frames that it lags x, and cut to the same length."""
    mono = lambda z: z[: 1 << 18].sum(1)
    around = len(mono(y)) - 1
    scores = correlate(mono(y), mono(x), "full", "fft")[around - 2000 : around + 2001]
    lag = int(np.argmax(scores)) - 2000
    return (y[lag:], x[: len(x) - lag]) if lag >= 0 else (y, x[-lag:])


def driven(limiter, x, rate, lufs, dbtp):
    """The limiter's output at the wished loudness and true peak."""
    start_db = lufs - dbtp - (loudness(x, rate) - true_peak_db(x))
    low, high, drive = -10.0, 40.0, start_db + dbtp - true_peak_db(x) + 1.0
    for _ in range(10):
        y = limiter(x * 10 ** (drive / 20), rate)
        scale_db = dbtp - true_peak_db(y)
        miss = lufs - (loudness(y, rate) + scale_db)
        if abs(miss) < 0.03:
            break
        low, high = (drive, high) if miss > 0 else (low, drive)
        step = drive + 1.4 * miss
        drive = step if low < step < high else (low + high) / 2
    return y * 10 ** (scale_db / 20), miss


def halfspeed(program, x, rate, lufs, dbtp):
    with tempfile.TemporaryDirectory() as folder:
        before, after = Path(folder, "a.wav"), Path(folder, "b.wav")
        soundfile.write(before, x, rate, "FLOAT")
        goal = [f"--loudness={lufs}", f"--ceiling={dbtp}", "--force-loudness", "--amount=0", "--quiet"]
        subprocess.run([program, "master", before, "-o", after, *goal], check=True, capture_output=True)
        y = soundfile.read(after)[0]
    return y, lufs - loudness(y, rate)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("mixes", nargs="+")
    parser.add_argument("--metrics")
    parser.add_argument("--halfspeed", default="target/release/halfspeed")
    parser.add_argument("--lufs", type=float, default=-9.0)
    parser.add_argument("--dbtp", type=float, default=-1.0)
    parser.add_argument("--seconds", type=float, default=30.0)
    parser.add_argument("--only", nargs="*", help="names of limiters")
    args = parser.parse_args()
    distance = mr_stft
    if args.metrics:
        code = {}
        exec(compile(Path(args.metrics).read_text(), args.metrics, "exec"), code)
        distance = code["mr_stft"]

    names = ["halfspeed", "matchering", "ffmpeg_alimiter", "pedalboard", "libsonare"]
    names = [name for name in names if not args.only or name in args.only]
    table = {}
    print(f"{'mix':32}" + "".join(f"{name:>17}" for name in names), flush=True)
    for path in args.mixes:
        x, rate = soundfile.read(path, always_2d=True, frames=int(args.seconds * soundfile.info(path).samplerate))
        x = x if x.shape[1] == 2 else np.repeat(x[:, :1], 2, 1)
        row = f"{'/'.join(Path(path).parts[-2:]):32}"
        for name in list(names):
            try:
                if name == "halfspeed":
                    y, miss = halfspeed(args.halfspeed, x, rate, args.lufs, args.dbtp)
                else:
                    y, miss = driven(globals()[name], x, rate, args.lufs, args.dbtp)
            except ImportError as error:
                print(f"{name} is left out: {error}")
                names.remove(name)
                continue
            if abs(miss) > 0.15:
                row += f"{'(' + format(-miss, '+.2f') + ' LU)':>17}"
                continue
            y, before = aligned(y, x)
            table.setdefault(name, {})[path] = distance(y, before[: len(y)], rate)
            row += f"{table[name][path]:17.4f}"
        print(row, flush=True)
    shared = set.intersection(*(set(values) for values in table.values()))
    means = [f"{np.mean([table[name][path] for path in shared]):17.4f}" if name in table else f"{'-':>17}" for name in names]
    print(f"{f'mean of {len(shared)} mixes':32}" + "".join(means))
    if "halfspeed" in table:
        for name in names[1:]:
            both = [path for path in table.get(name, {}) if path in table["halfspeed"]]
            better = sum(table["halfspeed"][path] < table[name][path] for path in both)
            print(f"halfspeed is nearer than {name} on {better} of {len(both)}")


if __name__ == "__main__":
    main()
