#!/usr/bin/env python3
"""Trains on the rendered pairs, compares on the validation packages, ships the best: train.py PAIRS_DIR MODELS_DIR [--nets N]

Writes suggest.onnx, golden.json and metrics.json into MODELS_DIR. Features come from the analyzer; nothing is recomputed here.
The choice rests on the validation packages alone, which no model was fitted to until it was made; what ships is fitted to all packages.
--nets 0 leaves the nets out (and needs no torch).
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
VERSION = "4"
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


class Fit:
    """What is learned from some of the rows, and what that says of all of them."""
    clip = CLIP

    def __init__(self, d, rows):
        self.d, self.rows = d, rows
        self.mu, self.scale = d.x[rows].mean(0), np.maximum(d.x[rows].std(0), 0.05)
        self.z = np.clip((d.x - self.mu) / self.scale, -CLIP, CLIP)
        likeness = d.likeness[:, None]
        self.seen = gated(self.z, likeness)
        alike_rule, unlike_rule = evidence(d)
        self.offset = likeness * (d.x @ alike_rule) + (1 - likeness) * (d.x @ unlike_rule)
        dense = self.seen[:, density_inputs(d)]
        self.density_linear = ridge(dense[rows], d.density[rows, None], np.ones((rows.sum(), 1)), DENSITY_STRENGTH)
        self.density = (dense @ self.density_linear)[:, 0]
        values, vectors = np.linalg.eigh(np.cov(self.z[rows].T))
        self.axes = vectors[:, -40:] / np.sqrt(values[-40:])
        self.distance = np.sqrt(((self.z @ self.axes) ** 2).mean(1))
        self.nets, self.learned = [], 0.0

    def regression(self, strength):
        """A ridge's weights and what it says."""
        rows = self.rows
        linear = ridge(self.seen[rows], (self.d.y - self.offset)[rows], self.d.loss_weight[rows], strength)
        return linear, self.seen @ linear

    def learn(self, count):
        rows, d = self.rows, self.d
        self.nets = [nets.train(SEED + k, self.z[rows], self.offset[rows], d.y[rows], d.loss_weight[rows]) for k in range(count)]
        self.learned = np.mean([nets.run(net, self.z) for net in self.nets], 0)

    def prediction(self, nets_share):
        return self.offset + (1 - nets_share) * self.regressed + nets_share * self.learned


@dataclass
class Model:
    """All that the graph needs."""
    fit: Fit
    nets_share: float
    deviation: np.ndarray
    density_deviation: float
    novelty_scale: float
    version: str = VERSION


def choose(fit, count, table):
    """The penalty of the ridge and the share of the nets that come nearest on the validation packages."""
    regressions, scores = {}, {}
    for strength in (500, 1000, 2000, 4000, 8000):
        regressions[strength] = fit.linear, fit.regressed = fit.regression(strength)
        scores[strength] = judge(fit.d, fit.prediction(0.0), f"ridge {strength}", table, fit.density)
    strength = min(scores, key=scores.get)
    fit.linear, fit.regressed = regressions[strength]
    if not count:
        return strength, 0.0
    fit.learn(count)
    choices = {share: judge(fit.d, fit.prediction(share), f"ridge {strength} and nets, {share} of them", table, fit.density)
               for share in (0.5, 0.75, 1.0)}
    share = min(choices, key=choices.get)
    return strength, share if choices[share] < (1 - NETS_GAIN) * scores[strength] else 0.0


def as_it_ships(d, prediction, density):
    """What src/suggest/learned.rs makes of the model and the rules, but for its confidence: tone and width, and density."""
    likeness = d.likeness[:, None]
    followed = (1 - likeness) ** UNSHARED_EXPONENT
    part = lambda share: followed * (1 - (1 - share) * (1 - likeness) ** 4)
    trust = np.concatenate([np.repeat(part(TONE_SHARE), BANDS, 1), part(WIDTH_SHARE)], 1)
    return trust * prediction + (1 - followed) * classical(d), part(HEADROOM_SHARE)[:, 0] * density


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("pairs", type=Path)
    parser.add_argument("models", type=Path)
    parser.add_argument("--nets", type=int, default=3)
    arguments = parser.parse_args()
    d, models = Data(arguments.pairs), arguments.models
    train, here = ~d.validation, d.validation
    print(f"{train.sum()} training and {here.sum()} validation pairs; errors of tone, width and density, dB: same song, other song, done")
    table, rule = {}, classical(d)
    judge(d, 0 * d.y, "nothing", table)
    judge(d, np.concatenate([0.5 * d.block("pair.difference_db"), rule[:, BANDS:]], 1), "half of the difference", table)
    judge(d, rule, "classical", table)
    held_out = Fit(d, train)
    strength, share = choose(held_out, arguments.nets, table)
    prediction = held_out.prediction(share)
    used, used_density = as_it_ships(d, prediction, held_out.density)
    judge(d, used, "as it ships, with the rules", table, used_density)

    # What is not known of it is what it got wrong where it had not been.
    deviation = np.sqrt((((prediction - d.y) ** 2) * d.loss_weight)[here].sum(0) / d.loss_weight[here].sum(0))
    density_deviation = float(np.sqrt(np.mean((held_out.density - d.density)[here] ** 2)))
    novelty_scale = np.quantile(held_out.distance[here], 0.95)
    fit = Fit(d, train | here)
    fit.linear, fit.regressed = fit.regression(strength)
    if share:
        fit.learn(arguments.nets)
    export(d, models / "suggest.onnx", Model(fit, share, deviation, density_deviation, novelty_scale))

    prediction = fit.prediction(share)
    tiled = lambda values: np.tile(values, (len(d.x), 1))
    full = np.concatenate([prediction[:, :BANDS], tiled(deviation[:BANDS]), prediction[:, BANDS:], tiled(deviation[BANDS:]),
                           fit.density[:, None], tiled(density_deviation), fit.distance[:, None] / novelty_scale], 1)
    rows = np.flatnonzero(here)[:: max(1, here.sum() // 8)][:8]
    golden = [{"features": [float(v) for v in d.x[r].astype(np.float32)], "outputs": [round(float(v), 6) for v in full[r]]} for r in rows]
    (models / "golden.json").write_text(json.dumps(golden))
    metrics = {"version": VERSION, "schema_hash": d.schema["schema_hash"], "training_pairs": int(train.sum()),
               "validation_pairs": int(here.sum()), "training_songs": len(set(d.song[train])),
               "validation_songs": len(set(d.song[here])), "ridge_strength": strength, "nets_share": share, "validation": table}
    (models / "metrics.json").write_text(json.dumps(metrics, indent=1) + "\n")
    print(f"shipped: ridge {strength}, {share} of nets, fitted to all {len(d.x)} pairs; {(models / 'suggest.onnx').stat().st_size} bytes")


main()
