"""What processors cost beside those of pedalboard (JUCE) that do the same work, in one run.

Both work through the first ten seconds of a song at 44.1 kHz that lie in memory, in blocks, on one core; rounds alternate,
and medians are told as multiples of real time. pedalboard computes in 32 bits, halfspeed in 64. What the same name does
on either side differs where JUCE has no more to offer: its limiter is a compressor ahead of a clipper, without look-ahead
or true peak, its filters are cramped near half the sample rate, its reverb has one decay time, and its mastering chain
no width.

usage: processor_peers.py [--rounds N] SONG.wav     (in the project's folder; needs cargo, numpy, pedalboard, soundfile)
"""
import argparse
import os
import re
import subprocess
import time
from statistics import median

import numpy as np
import pedalboard as pb
import soundfile

RATE_HZ = 44_100
SECONDS = 10
BLOCK_FRAMES = 512


def bands():
    """The eight bands of the Rust bench."""
    bells = [pb.PeakFilter(60 * 2**k, 2 if k % 2 == 0 else -2) for k in range(1, 7)]
    return [pb.LowShelfFilter(60, 2), *bells, pb.HighShelfFilter(7680, -2)]


def peers(room):
    split = [
        pb.Chain([pb.HighpassFilter(low), pb.LowpassFilter(high), pb.Compressor(-18, 2, 20, 150)])
        for low, high in ((20, 120), (120, 700), (700, 5000), (5000, 20_000))
    ]
    return {
        "equaliser, 8 bands": pb.Chain(bands()),
        "high-pass": pb.HighpassFilter(30),
        "compressor": pb.Compressor(threshold_db=-20, ratio=4, attack_ms=5, release_ms=100),
        "gate": pb.NoiseGate(threshold_db=-30, ratio=10, attack_ms=1, release_ms=100),
        "delay": pb.Delay(delay_seconds=0.25, feedback=0.3, mix=0.3),
        "reverb": pb.Reverb(room_size=0.6),
        "convolution, 3 s": pb.Convolution(room, 0.5, RATE_HZ),
        "limiter": pb.Chain([pb.Gain(6), pb.Limiter(threshold_db=-1)]),
        "to 48 kHz": None,
        "mastering chain": pb.Chain([*bands(), pb.Mix(split), pb.Gain(6), pb.Limiter(threshold_db=-1)]),
    }


def time_peer(processor, song):
    started = time.process_time()
    if processor is None:
        stream = pb.io.StreamResampler(RATE_HZ, 48_000, 2, pb.Resample.Quality.WindowedSinc256)
        for start in range(0, song.shape[1], BLOCK_FRAMES):
            stream.process(song[:, start : start + BLOCK_FRAMES])
        stream.process(None)
    else:
        processor.process(song, RATE_HZ, buffer_size=BLOCK_FRAMES, reset=False)
    return SECONDS / (time.process_time() - started)


def time_ours(path):
    """Multiples of real time by name, from the bench's own output."""
    command = ["cargo", "bench", "--quiet", "--bench", "processors", "--", "peers", "--warm-up-time", "0.3",
               "--measurement-time", "1", "--noplot"]
    environment = {**os.environ, "HALFSPEED_SONG": os.path.abspath(path)}
    text = subprocess.run(command, check=True, capture_output=True, text=True, env=environment).stdout
    unit = {"s": 1.0, "ms": 1e-3, "µs": 1e-6}
    found = re.findall(r"peers, (.+?)\s+time:\s+\[\S+ \S+ (\S+) (\S+) ", text)
    return {name: SECONDS / (float(value) * unit[suffix]) for name, value, suffix in found}


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("song")
    arguments = parser.parse_args()
    samples, rate_hz = soundfile.read(arguments.song, frames=RATE_HZ * SECONDS, dtype="float32", always_2d=True)
    assert rate_hz == RATE_HZ and samples.shape[1] == 2, "the song has to be stereo at 44.1 kHz"
    song = np.ascontiguousarray(samples.T)
    random = np.random.default_rng(1)
    processors = peers(random.uniform(-0.25, 0.25, 3 * RATE_HZ).astype(np.float32))
    for processor in processors.values():
        time_peer(processor, song)
    ours, theirs = ({name: [] for name in processors} for _ in range(2))
    for _ in range(arguments.rounds):
        for name, speed in time_ours(arguments.song).items():
            ours[name].append(speed)
        for name, processor in processors.items():
            theirs[name].append(time_peer(processor, song))
    print(f"{'times real time, one core':28s} halfspeed pedalboard  ratio")
    for name in processors:
        a, b = median(ours[name]), median(theirs[name])
        print(f"{name:28s} {a:9.0f} {b:10.0f} {a / b:6.2f}")


if __name__ == "__main__":
    main()
