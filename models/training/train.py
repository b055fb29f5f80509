#!/usr/bin/env python3
"""Trains on the rendered pairs, compares on the validation packages, ships the best: train.py PAIRS_DIR MODELS_DIR [--nets N]

Writes suggest.onnx, golden.json and metrics.json into MODELS_DIR. Features come from the analyzer; nothing is recomputed here.
The choice rests on the validation packages alone, which no model was fitted to. --nets 0 leaves the nets out (and needs no torch).
"""
import argparse, json
from dataclasses import dataclass
from pathlib import Path
import numpy as np
import nets
from data import BANDS, DONE, OTHER, SAME, Data
from graph import export
from regression import DENSITY_STRENGTH, classical, density_inputs, evidence, gated, ridge

SEED = 5
CLIP = 4.0  # standardised features are held within this
VERSION = "3"
# What src/suggest/learned.rs takes over where no content is shared, and how that fades where some is.
TONE_SHARE, WIDTH_SHARE, HEADROOM_SHARE, UNSHARED_EXPONENT = 0.85, 0.7, 0.5, 1.5
NETS_GAIN = 0.01  # nets that take less of the error away than this are not worth their weight


def interval(values, songs, rounds=1000):
    """Mean and its 95 % interval by a bootstrap over songs."""
    generator = np.random.default_rng(SEED)
    ids = np.unique(songs)
    sums = np.array([values[songs == i].sum() for i in ids]); counts = np.array([(songs == i).sum() for i in ids])
    picks = generator.integers(len(ids), size=(rounds, len(ids)))
    means = sums[picks].sum(1) / counts[picks].sum(1)
    return [round(float(v), 3) for v in (values.mean(), np.quantile(means, 0.025), np.quantile(means, 0.975))]


def judge(d, prediction, name, table, density=0.0):
    tone, width = d.tone_error(prediction[:, :BANDS]), np.abs(prediction[:, BANDS] - d.y[:, BANDS])
    dense = np.abs(density - d.density)
    row = {}
    for kind, word in ((SAME, "same_song"), (OTHER, "other_song"), (DONE, "done")):
        here = d.validation & (d.kind == kind)
        wide = here & d.has_width
        row[word] = {"tone_db": interval(tone[here], d.song[here]), "width_db": interval(width[wide], d.song[wide]),
                     "density_db": interval(dense[here], d.song[here])}
    table[name] = row
    cells = "  ".join(f"{row[w]['tone_db'][0]:.3f} {row[w]['width_db'][0]:.3f} {row[w]['density_db'][0]:.3f}" for w in ("same_song", "other_song", "done"))
    print(f"{name:42} {cells}", flush=True)
    return row["same_song"]["tone_db"][0] + row["other_song"]["tone_db"][0]


@dataclass
class Model:
    """All that the graph needs."""
    mu: np.ndarray
    scale: np.ndarray
    linear: np.ndarray
    density: np.ndarray
    nets: list
    nets_share: float
    deviation: np.ndarray
    density_deviation: float
    axes: np.ndarray
    novelty_scale: float
    clip: float = CLIP
    version: str = VERSION


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("pairs", type=Path)
    parser.add_argument("models", type=Path)
    parser.add_argument("--nets", type=int, default=3)
    arguments = parser.parse_args()
    d, models = Data(arguments.pairs), arguments.models
    train = ~d.validation
    print(f"{train.sum()} training and {d.validation.sum()} validation pairs; errors of tone, width and density, dB: same song, other song, done")
    mu, scale = d.x[train].mean(0), np.maximum(d.x[train].std(0), 0.05)
    z = np.clip((d.x - mu) / scale, -CLIP, CLIP)
    likeness = d.x[:, d.feature["pair.likeness_ratio"]][:, None]
    seen = gated(z, likeness)
    table, rule = {}, classical(d)
    judge(d, 0 * d.y, "nothing", table)
    judge(d, np.concatenate([0.5 * d.block("pair.difference_db"), rule[:, BANDS:]], 1), "half of the difference", table)
    judge(d, rule, "classical", table)

    dense = seen[:, density_inputs(d)]
    density_linear = ridge(dense[train], d.density[train, None], np.ones((train.sum(), 1)), DENSITY_STRENGTH)
    density = (dense @ density_linear)[:, 0]

    alike_rule, unlike_rule = evidence(d)
    offset = likeness * (d.x @ alike_rule) + (1 - likeness) * (d.x @ unlike_rule)
    missing = d.y - offset
    best = None
    for strength in (500, 1000, 2000, 4000, 8000):
        linear = ridge(seen[train], missing[train], d.loss_weight[train], strength)
        score = judge(d, offset + seen @ linear, f"ridge {strength}", table, density)
        if best is None or score < best[0]:
            best = (score, strength, linear)
    score, strength, linear = best
    regressed, share, learned, fitted = seen @ linear, 0.0, 0.0, []
    if arguments.nets:
        fitted = [nets.train(SEED + k, z[train], offset[train], d.y[train], d.loss_weight[train]) for k in range(arguments.nets)]
        learned = np.mean([nets.run(net, z) for net in fitted], 0)
        choices = {0.0: score}
        for each in (0.5, 0.75, 1.0):
            blend = offset + (1 - each) * regressed + each * learned
            choices[each] = judge(d, blend, f"ridge {strength} and nets, {each} of them", table, density)
        share = min(choices, key=choices.get)
        share = share if choices[share] < (1 - NETS_GAIN) * score else 0.0
    prediction = offset + (1 - share) * regressed + share * learned
    # As src/suggest/learned.rs uses it, but for its confidence.
    followed = (1 - likeness) ** UNSHARED_EXPONENT
    part = lambda share: followed * (1 - (1 - share) * (1 - likeness) ** 4)
    trust = np.concatenate([np.repeat(part(TONE_SHARE), BANDS, 1), part(WIDTH_SHARE)], 1)
    judge(d, trust * prediction + (1 - followed) * rule, "as it ships, with the rules", table, part(HEADROOM_SHARE)[:, 0] * density)
    here = d.validation
    deviation = np.sqrt((((prediction - d.y) ** 2) * d.loss_weight)[here].sum(0) / d.loss_weight[here].sum(0))
    density_deviation = float(np.sqrt(np.mean((density - d.density)[here] ** 2)))
    values, vectors = np.linalg.eigh(np.cov(z[train].T))
    axes = vectors[:, -40:] / np.sqrt(values[-40:])
    distance = np.sqrt(((z @ axes) ** 2).mean(1))
    novelty_scale = np.quantile(distance[here], 0.95)
    model = Model(mu, scale, linear, density_linear, fitted if share else [], share, deviation, density_deviation, axes,
                  novelty_scale)
    export(d, models / "suggest.onnx", model)

    tiled = lambda values: np.tile(values, (len(z), 1))
    full = np.concatenate([prediction[:, :BANDS], tiled(deviation[:BANDS]), prediction[:, BANDS:], tiled(deviation[BANDS:]),
                           density[:, None], tiled(density_deviation), distance[:, None] / novelty_scale], 1)
    rows = np.flatnonzero(here)[:: max(1, here.sum() // 8)][:8]
    golden = [{"features": [float(v) for v in d.x[r].astype(np.float32)], "outputs": [round(float(v), 6) for v in full[r]]} for r in rows]
    (models / "golden.json").write_text(json.dumps(golden))
    metrics = {"version": VERSION, "schema_hash": d.schema["schema_hash"], "training_pairs": int(train.sum()),
               "validation_pairs": int(here.sum()), "training_songs": len(set(d.song[train])),
               "validation_songs": len(set(d.song[here])), "ridge_strength": strength, "nets_share": share, "validation": table}
    (models / "metrics.json").write_text(json.dumps(metrics, indent=1) + "\n")
    print(f"shipped: ridge {strength}, {share} of nets; {(models / 'suggest.onnx').stat().st_size} bytes")


main()
