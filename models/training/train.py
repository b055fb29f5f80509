#!/usr/bin/env python3
"""Trains on the rendered pairs, compares on the validation packages, ships the best: train.py PAIRS_DIR MODELS_DIR [--nets N]

Writes suggest.onnx, golden.json and metrics.json into MODELS_DIR. Features come from the analyzer; nothing is recomputed here.
The choice rests on the validation packages alone, which no model was fitted to. --nets 0 leaves the nets out (and needs no torch).
"""
import argparse, json
from pathlib import Path
import numpy as np, onnx
from onnx import TensorProto, helper, numpy_helper

BANDS = 27
SEED = 5
CLIP = 4.0  # standardised features are held within this
HIDDEN, EPOCHS = 96, 40
VERSION = "1"
SAME, OTHER, DONE = 0, 1, 2


class Data:
    """All rows: features x, targets y (tone by band, then width), weights, and what they are."""

    def __init__(self, folder):
        self.schema = json.loads((folder / "schema.json").read_text())
        names, labels = self.schema["features"], self.schema["labels"]
        files = [p for p in sorted(folder.glob("*.f32")) if p.stat().st_size]
        rows = np.concatenate([np.fromfile(p, np.float32).reshape(-1, len(names) + len(labels)) for p in files])
        rows = rows.astype(np.float64)
        self.feature = {name: index for index, name in enumerate(names)}
        label = {name: len(names) + index for index, name in enumerate(labels)}
        block = lambda name: rows[:, label[f"{name}.0"]:label[f"{name}.0"] + BANDS]
        self.x, self.weight = rows[:, :len(names)], block("weight")
        tone = np.clip(self.centred(block("tone_db")), -15, 15) * self.weight
        side, side_weight = block("side_db"), block("side_weight")
        self.has_width = (side_weight > 0).sum(1) > 5
        width = [np.median(s[w > 0]) if has else 0.0 for s, w, has in zip(side, side_weight, self.has_width)]
        self.y = np.concatenate([tone, np.clip(width, -10, 10)[:, None]], 1)
        self.kind, self.validation = rows[:, label["kind"]], rows[:, label["validation"]] > 0
        self.song, self.package = rows[:, label["song"]].astype(int), rows[:, label["package"]].astype(int)
        self.loss_weight = np.concatenate([self.weight / BANDS * 1.5, 0.25 * self.has_width[:, None]], 1)

    def centred(self, curves):
        mean = (curves * self.weight).sum(1, keepdims=True) / np.maximum(self.weight.sum(1, keepdims=True), 1)
        return curves - mean

    def block(self, name):
        return self.x[:, self.feature[f"{name}.0"]:self.feature[f"{name}.0"] + BANDS]

    def tone_error(self, curves):
        """Mean |dB| over the bands, level free, of each row."""
        return np.abs(self.centred(curves) * self.weight - self.y[:, :BANDS]).sum(1) / self.weight.sum(1)


def classical(d):
    """The rules of src/suggest/tone.rs and width.rs, on the features; the width by third octaves instead of wide bands."""
    likeness = d.x[:, d.feature["pair.likeness_ratio"]][:, None]
    curve = likeness * d.block("pair.matched_shift_db") + (1 - likeness) * 0.1 * d.block("pair.difference_db")
    apart = d.block("reference.width_db") - d.block("mix.width_db")
    l = likeness[:, 0]
    width = l * np.clip(np.median(apart, 1), -9, 9) + (1 - l) * 0.25 * np.clip(apart[:, 5:21].mean(1), -6, 6)
    return np.concatenate([10 * np.tanh(curve / 10) * d.weight, np.clip(width, -6, 4)[:, None]], 1)


def evidence(d):
    """Two matrices from features to targets: what is believed of pairs that are alike, and of those that aren't.

    These are the classical rules but for bounds and widths of wide bands; a model learns what to add to them.
    """
    alike, unlike = np.zeros((len(d.feature), BANDS + 1)), np.zeros((len(d.feature), BANDS + 1))
    for band in range(BANDS):
        alike[d.feature[f"pair.matched_shift_db.{band}"], band] = 1
        unlike[d.feature[f"pair.difference_db.{band}"], band] = 0.1
    for band in range(5, 21):
        for programme, sign in (("reference", 1), ("mix", -1)):
            alike[d.feature[f"{programme}.width_db.{band}"], BANDS] = sign / 16
            unlike[d.feature[f"{programme}.width_db.{band}"], BANDS] = 0.25 * sign / 16
    return alike, unlike


def gated(z, likeness):
    """What the linear model sees: each feature twice, once for pairs that are alike and once for those that aren't."""
    return np.concatenate([likeness * z, (1 - likeness) * z, likeness, 1 - likeness], 1)


def ridge(a, y, weight, strength):
    """Least squares with a penalty; each target with its own weights."""
    solution = np.zeros((a.shape[1], y.shape[1]))
    for column in range(y.shape[1]):
        w = weight[:, column] / max(weight[:, column].mean(), 1e-9)
        gram = (a * w[:, None]).T @ a
        solution[:, column] = np.linalg.solve(gram + strength * np.eye(a.shape[1]), (a * w[:, None]).T @ y[:, column])
    return solution


def train_net(seed, z, base, y, weight):
    """What a ridge leaves over, by two layers with dropout: a mean and a log variance for each target."""
    import torch
    from torch import nn
    torch.set_num_threads(1); torch.use_deterministic_algorithms(True)

    class Net(nn.Module):
        def __init__(self, inputs, outputs):
            super().__init__()
            self.first, self.second = nn.Linear(inputs, HIDDEN), nn.Linear(HIDDEN, HIDDEN)
            self.mean, self.log_variance = nn.Linear(HIDDEN, outputs), nn.Linear(HIDDEN, outputs)
            self.drop = nn.Dropout(0.25)
            nn.init.zeros_(self.mean.weight); nn.init.zeros_(self.mean.bias)

        def forward(self, z):
            h = self.drop(torch.relu(self.first(self.drop(z))))
            h = self.drop(torch.relu(self.second(h)))
            return self.mean(h), self.log_variance(h)

    torch.manual_seed(seed)
    z, base, y, weight = (torch.tensor(v, dtype=torch.float32) for v in (z, base, y, weight))
    net = Net(z.shape[1], y.shape[1])
    optimiser = torch.optim.AdamW(net.parameters(), lr=1.5e-3, weight_decay=0.05)
    steps = EPOCHS * max(1, len(z) // 128)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimiser, steps)
    generator = torch.Generator().manual_seed(seed)
    net.train()
    for _ in range(steps):
        pick = torch.randint(len(z), (128,), generator=generator)
        noisy = z[pick] + 0.1 * torch.randn(len(pick), z.shape[1], generator=generator)
        mean, log_variance = net(noisy)
        error = base[pick] + mean - y[pick]
        likely = 0.5 * (torch.exp(-log_variance.clamp(-4, 4)) * error.detach() ** 2 + log_variance.clamp(-4, 4))
        huber = torch.nn.functional.smooth_l1_loss(error, torch.zeros_like(error), beta=0.7, reduction="none")
        loss = ((huber + 0.1 * likely) * weight[pick]).sum(1).mean()
        optimiser.zero_grad(); loss.backward(); optimiser.step(); schedule.step()
    net.eval()
    return {k: v.detach().numpy().astype(np.float64) for k, v in net.state_dict().items()}


def run_net(p, z):
    h = np.maximum(z @ p["first.weight"].T + p["first.bias"], 0)
    h = np.maximum(h @ p["second.weight"].T + p["second.bias"], 0)
    return h @ p["mean.weight"].T + p["mean.bias"], h @ p["log_variance.weight"].T + p["log_variance.bias"]


def interval(values, songs, rounds=1000):
    """Mean and its 95 % interval by a bootstrap over songs."""
    generator = np.random.default_rng(SEED)
    ids = np.unique(songs)
    sums = np.array([values[songs == i].sum() for i in ids]); counts = np.array([(songs == i).sum() for i in ids])
    picks = generator.integers(len(ids), size=(rounds, len(ids)))
    means = sums[picks].sum(1) / counts[picks].sum(1)
    return [round(float(v), 3) for v in (values.mean(), np.quantile(means, 0.025), np.quantile(means, 0.975))]


def judge(d, prediction, name, table):
    tone, width = d.tone_error(prediction[:, :BANDS]), np.abs(prediction[:, BANDS] - d.y[:, BANDS])
    row = {}
    for kind, word in ((SAME, "same_song"), (OTHER, "other_song"), (DONE, "done")):
        here = d.validation & (d.kind == kind)
        wide = here & d.has_width
        row[word] = {"tone_db": interval(tone[here], d.song[here]), "width_db": interval(width[wide], d.song[wide])}
    table[name] = row
    cells = "  ".join(f"{row[w]['tone_db'][0]:.3f} {row[w]['width_db'][0]:.3f}" for w in ("same_song", "other_song", "done"))
    print(f"{name:42} {cells}", flush=True)
    return row["same_song"]["tone_db"][0] + row["other_song"]["tone_db"][0]


def export(d, path, mu, scale, linear, nets, share, deviation, pca, novelty_scale):
    """One graph from raw features to means, deviations and novelty: plain operators, static shapes."""
    n, m = len(mu), BANDS + 1
    nodes, constants = [], []

    def constant(name, value):
        constants.append(numpy_helper.from_array(np.asarray(value, np.float32), name))
        return name

    def node(kind, inputs, output, **attributes):
        nodes.append(helper.make_node(kind, inputs, [output], **attributes))
        return output

    def dense(x, weight, bias, name):
        return node("Gemm", [x, constant(name + "_w", weight), constant(name + "_b", np.reshape(bias, (1, -1)))], name)

    x = "features"
    z = node("Clip", [node("Mul", [node("Sub", [x, constant("mu", mu[None])], "d"), constant("scale", 1 / scale[None])], "s"),
                      constant("low", np.float32(-CLIP)), constant("high", np.float32(CLIP))], "z")
    pick = np.zeros((n, 1)); pick[d.feature["pair.likeness_ratio"]] = 1
    likeness = dense(x, pick, [0.0], "likeness")
    unlike = node("Sub", [constant("one", np.ones((1, 1))), likeness], "unlike")
    alike_rule, unlike_rule = evidence(d)
    rule = node("Add", [node("Mul", [dense(x, alike_rule, np.zeros(m), "alike_rule"), likeness], "alike_share"),
                        node("Mul", [dense(x, unlike_rule, np.zeros(m), "unlike_rule"), unlike], "unlike_share")], "rule")
    seen = node("Concat", [node("Mul", [z, likeness], "z_alike"), node("Mul", [z, unlike], "z_unlike"), likeness, unlike],
                "seen", axis=1)
    mean = node("Add", [rule, dense(seen, linear, np.zeros(m), "linear")], "mean")
    log_variances = []
    for k, p in enumerate(nets):
        h = node("Relu", [dense(z, p["first.weight"].T, p["first.bias"], f"first{k}")], f"h{k}")
        h = node("Relu", [dense(h, p["second.weight"].T, p["second.bias"], f"second{k}")], f"g{k}")
        scaled = share / len(nets)
        part = dense(h, p["mean.weight"].T * scaled, p["mean.bias"] * scaled, f"mean{k}")
        mean = node("Add", [mean, part], f"sum{k}")
        log_variances.append(dense(h, p["log_variance.weight"].T / len(nets), p["log_variance.bias"] / len(nets), f"lv{k}"))
    if nets:
        log_variance = log_variances[0]
        for k, part in enumerate(log_variances[1:]):
            log_variance = node("Add", [log_variance, part], f"lv_sum{k}")
        held = node("Clip", [log_variance, constant("lv_low", np.float32(-4)), constant("lv_high", np.float32(4))], "lv_held")
        spread = node("Exp", [node("Mul", [held, constant("half", np.full((1, 1), 0.5))], "lv_half")], "spread")
    else:
        spread = dense(x, np.zeros((n, m)), deviation, "spread")
    projected = dense(z, pca, np.zeros(pca.shape[1]), "projected")
    square = node("Mul", [projected, projected], "square")
    power = dense(square, np.full((pca.shape[1], 1), 1 / pca.shape[1] / novelty_scale**2), [0.0], "power")
    novelty = node("Sqrt", [power], "novelty")

    def cut(source, first, end, name):
        for part, value in (("_first", first), ("_end", end), ("_axis", 1)):
            constants.append(numpy_helper.from_array(np.array([value], np.int64), name + part))
        return node("Slice", [source, name + "_first", name + "_end", name + "_axis"], name)

    parts = [cut(mean, 0, BANDS, "tone"), cut(spread, 0, BANDS, "tone_deviation"), cut(mean, BANDS, m, "width"),
             cut(spread, BANDS, m, "width_deviation"), novelty]
    node("Concat", parts, "prediction", axis=1)
    graph = helper.make_graph(nodes, "suggest", [helper.make_tensor_value_info(x, TensorProto.FLOAT, [1, n])],
                              [helper.make_tensor_value_info("prediction", TensorProto.FLOAT, [1, 2 * BANDS + 3])], constants)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=9, producer_name="halfspeed")
    helper.set_model_props(model, {"schema_hash": d.schema["schema_hash"], "version": VERSION})
    onnx.checker.check_model(model)
    path.write_bytes(model.SerializeToString(deterministic=True))


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("pairs", type=Path)
    parser.add_argument("models", type=Path)
    parser.add_argument("--nets", type=int, default=3)
    arguments = parser.parse_args()
    d, models = Data(arguments.pairs), arguments.models
    train = ~d.validation
    print(f"{train.sum()} training and {d.validation.sum()} validation pairs; tone and width error, dB: same song, other song, done")
    mu, scale = d.x[train].mean(0), np.maximum(d.x[train].std(0), 0.05)
    z = np.clip((d.x - mu) / scale, -CLIP, CLIP)
    likeness = d.x[:, d.feature["pair.likeness_ratio"]][:, None]
    seen = gated(z, likeness)
    alike_rule, unlike_rule = evidence(d)
    offset = likeness * (d.x @ alike_rule) + (1 - likeness) * (d.x @ unlike_rule)
    missing = d.y - offset
    table, rule = {}, classical(d)
    judge(d, 0 * d.y, "nothing", table)
    judge(d, np.concatenate([0.5 * d.block("pair.difference_db"), rule[:, BANDS:]], 1), "half of the difference", table)
    judge(d, rule, "classical", table)
    best = None
    for strength in (200, 500, 1000, 2000, 4000):
        linear = ridge(seen[train], missing[train], d.loss_weight[train], strength)
        score = judge(d, offset + seen @ linear, f"ridge {strength}", table)
        if best is None or score < best[0]:
            best = (score, strength, linear)
    _, strength, linear = best
    base = offset + seen @ linear
    # As src/suggest/learned.rs uses it: the rules where content is shared.
    trust = np.sqrt(1 - likeness)
    judge(d, trust * base + (1 - trust) * rule, f"ridge {strength}, rules where content is shared", table)
    share, part, nets, log_variance = 0.0, np.zeros_like(base), [], np.zeros_like(base)
    if arguments.nets:
        # The nets learn what a ridge leaves that has not seen the pair: folds by package.
        held_out = np.zeros_like(base)
        packages = np.unique(d.package[train])
        for fold in range(4):
            out = train & np.isin(d.package, packages[fold::4])
            rest = train & ~out
            held_out[out] = (offset + seen @ ridge(seen[rest], missing[rest], d.loss_weight[rest], strength))[out]
        fitted = [train_net(SEED + k, z[train], held_out[train], d.y[train], d.loss_weight[train]) for k in range(arguments.nets)]
        outputs = [run_net(p, z) for p in fitted]
        part, log_variance = np.mean([o[0] for o in outputs], 0), np.clip(np.mean([o[1] for o in outputs], 0), -4, 4)
        choices = {0.0: best[0]}
        for each in (0.5, 0.75, 1.0):
            choices[each] = judge(d, base + each * part, f"ridge {strength} + {each} nets", table)
        share = min(choices, key=choices.get)
        nets = fitted if share else []
    deviation = np.sqrt((((base - d.y) ** 2) * d.loss_weight)[d.validation].sum(0) / d.loss_weight[d.validation].sum(0))
    values, vectors = np.linalg.eigh(np.cov(z[train].T))
    pca = vectors[:, -40:] / np.sqrt(values[-40:])
    distance = np.sqrt(((z @ pca) ** 2).mean(1))
    novelty_scale = np.quantile(distance[d.validation], 0.95)
    export(d, models / "suggest.onnx", mu, scale, linear, nets, share, deviation, pca, novelty_scale)

    prediction = base + share * part
    spread = np.exp(0.5 * log_variance) if share else np.tile(deviation, (len(z), 1))
    full = np.concatenate([prediction[:, :BANDS], spread[:, :BANDS], prediction[:, BANDS:], spread[:, BANDS:],
                           distance[:, None] / novelty_scale], 1)
    rows = np.flatnonzero(d.validation)[:: max(1, d.validation.sum() // 8)][:8]
    golden = [{"features": [float(v) for v in d.x[r].astype(np.float32)], "outputs": [round(float(v), 6) for v in full[r]]} for r in rows]
    (models / "golden.json").write_text(json.dumps(golden))
    metrics = {"version": VERSION, "schema_hash": d.schema["schema_hash"], "training_pairs": int(train.sum()),
               "validation_pairs": int(d.validation.sum()), "training_songs": len(set(d.song[train])),
               "validation_songs": len(set(d.song[d.validation])), "ridge_strength": strength, "nets_share": share, "validation": table}
    (models / "metrics.json").write_text(json.dumps(metrics, indent=1) + "\n")
    print(f"shipped: ridge {strength} + {share} nets; {(models / 'suggest.onnx').stat().st_size} bytes")


main()
