#!/usr/bin/env python3
"""Trains the nets of `advise` on songs with faults put into them: train.py FAULTS_DIR MODELS_DIR

Writes resonance.onnx, tone.onnx, faults_golden.json and faults_metrics.json into MODELS_DIR. Features come from the program. What
is said of the nets is said of those that were trained without the song's package; those that ship were trained on all.
"""
import argparse, copy, json, sys
from pathlib import Path
import numpy as np, torch
import nets

sys.path.append(str(Path(__file__).parent.parent))
from graph import Graph, save

VERSION = "1"
SEED = 7
FOLDS, TONE_NETS = 4, 5
LEARN, PLAIN, MASTERED, RINGING, FIRST_TONE = range(5)  # main.rs
PLACE_OCTAVES, NEAR_OCTAVES = 1 / 24, 5 / 24  # so near to a resonance is at it; so near is not elsewhere
FOUND_OCTAVES = 1 / 6
# Five songs of one album ring here by themselves, 10 dB high at quiet moments and at loud ones: they are found, and right.
RINGS_BY_ITSELF = "widelands-data", (6200.0, 6600.0)
ALARMS = 0.02, 0.04, 0.05, 0.1


class Rows:
    """What training_faults wrote: of each excerpt its package and song, what was put in, and its features, rows by bands."""

    def __init__(self, folder):
        self.schema = json.loads((folder / "schema.json").read_text())
        tones, resonances, names = len(self.schema["tones"]), self.schema["resonances"], self.schema["features"]
        head = 3 + tones + 3 * resonances
        self.bands_hz = np.array(self.schema["bands_hz"])
        files = [np.fromfile(path, np.float32) for path in sorted(folder.glob("*.f32"))]
        table = np.concatenate([file.reshape(-1, head + len(names) * len(self.bands_hz)) for file in files])
        self.package, self.song = table[:, 0].astype(int), table[:, 1].astype(int)
        self.kind = table[:, 2].astype(int)
        self.tone_db = table[:, 3:3 + tones]
        self.resonances = table[:, 3 + tones:head].reshape(-1, resonances, 3)
        self.features = table[:, head:].reshape(-1, len(names), len(self.bands_hz))

    def resonance_labels(self, rows):
        """Place, nearness, height and log2 Q by band: see nets.resonance_loss."""
        labels = np.zeros((4, len(rows), len(self.bands_hz)), np.float32)
        for k, row in enumerate(rows):
            for hz, gain_db, q in self.resonances[row][self.resonances[row, :, 0] > 0]:
                octaves = np.abs(np.log2(self.bands_hz / hz))
                place = octaves <= PLACE_OCTAVES
                labels[0, k][place], labels[1, k][octaves <= NEAR_OCTAVES] = 1, 1
                labels[2, k][place] = (gain_db - nets.HEIGHT[0]) / nets.HEIGHT[1]
                labels[3, k][place] = (np.log2(q) - nets.LOG_Q[0]) / nets.LOG_Q[1]
        return [torch.tensor(label) for label in labels]

    def folds(self):
        """Rows to learn from and rows to judge by, which are of other packages; the packages are dealt out by size."""
        packages, songs = np.unique(self.package), lambda package: len(np.unique(self.song[self.package == package]))
        fold = {package: k % FOLDS for k, package in enumerate(sorted(packages, key=lambda package: -songs(package)))}
        of = np.array([fold[package] for package in self.package])
        for k in range(FOLDS):
            yield np.flatnonzero((of != k) & (self.kind == LEARN)), np.flatnonzero((of == k) & (self.kind != LEARN))


class Standard:
    """Features less their mean over rows and bands, in units of their spread."""

    def __init__(self, features):
        self.mean, self.scale = features.mean((0, 2))[:, None], features.std((0, 2))[:, None] + 1e-3

    def of(self, features):
        return torch.tensor((features - self.mean) / self.scale)


def train_tone(rows, which, inputs, epochs):
    trained = []
    for seed in range(SEED, SEED + TONE_NETS):
        torch.manual_seed(seed)
        net = nets.ToneNet(inputs.shape[1], inputs.shape[2], rows.tone_db.shape[1])
        trained.append(nets.train(net, nets.tone_loss, inputs, [torch.tensor(rows.tone_db[which])], seed, epochs, 128, 3e-3, 0.05, 0.15))
    return trained


def train_resonance(rows, which, inputs, epochs):
    torch.manual_seed(SEED)
    net = nets.ResonanceNet(inputs.shape[1])
    return nets.train(net, nets.resonance_loss, inputs, rows.resonance_labels(which), SEED, epochs, 64, 3e-3, 0.01, 0.05)


def say(net, inputs):
    with torch.no_grad():
        return torch.cat([net(part) for part in inputs.split(256)]).numpy().astype(np.float64)


def amounts_of(tone_nets, inputs):
    return sum(say(net, inputs) for net in tone_nets) / len(tone_nets)


def sigmoid(x):
    return 1 / (1 + np.exp(-x))


def rounded(value):
    return round(float(value), 3)


def judge_resonances(rows, which, certainty):
    """Recall at the certainties that shares of the untouched excerpts reach."""
    lowest_hz, highest_hz = rows.schema["resonance_range_hz"]
    told = (rows.bands_hz >= lowest_hz) & (rows.bands_hz <= highest_hz)
    package, (low_hz, high_hz) = RINGS_BY_ITSELF
    right = (rows.package[which] == rows.schema["packages"].index(package))[:, None] & (rows.bands_hz > low_hz) & (rows.bands_hz < high_hz)
    certainty = np.where(told & ~right, certainty, 0)
    kind = rows.kind[which]
    untouched = (kind == PLAIN) | (kind == MASTERED)
    alarm, hz = certainty[untouched].max(1), rows.resonances[which[kind == RINGING], 0, 0]
    near = np.abs(np.log2(rows.bands_hz[None] / hz[:, None])) <= FOUND_OCTAVES
    found = np.where(near, certainty[kind == RINGING], 0).max(1)
    table = {}
    for share in ALARMS:
        least = np.quantile(alarm, 1 - share)
        by_hz = {f"from_{low}_hz": rounded((found > least)[(hz >= low) & (hz < high)].mean()) for low, high in ((0, 500), (500, 1200), (1200, 1e5))}
        table[f"alarms_{share}"] = {"certainty": rounded(least), "recall": rounded((found > least).mean())} | by_hz
    return table


def judge_tone(rows, which, amounts):
    """What the nets say of untouched excerpts in the middle, how far that spreads, and recall where shares of them are told."""
    kind, signs = rows.kind[which], np.sign([tone["gain_db"] for tone in rows.schema["tones"]])
    untouched = (kind == PLAIN) | (kind == MASTERED)
    offsets = np.median(amounts[untouched], 0)
    amounts = (amounts - offsets) * signs
    deviations = 0.5 * (np.quantile(amounts[untouched], 0.84, 0) - np.quantile(amounts[untouched], 0.16, 0))
    table = {}
    for k, tone in enumerate(rows.schema["tones"]):
        faulty, plain = amounts[kind == FIRST_TONE + k][:, k], amounts[untouched][:, k]
        row = {"deviation_db": rounded(deviations[k]), "faulty_db": rounded(faulty.mean())}
        for share in ALARMS:
            least = np.quantile(plain, 1 - share)
            row[f"alarms_{share}"] = {"sigmas": rounded(least / deviations[k]), "recall": rounded((faulty > least).mean())}
        table[tone["id"]] = row
    return offsets, deviations, table


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("faults", type=Path)
    parser.add_argument("models", type=Path)
    parser.add_argument("--epochs", type=int, nargs=2, default=(6, 28), help="of each tone net and of the resonance net")
    arguments = parser.parse_args()
    rows, models = Rows(arguments.faults), arguments.models
    tone_epochs, resonance_epochs = arguments.epochs

    judged, amounts, resonance_table = [], [], None
    for learn, judge in rows.folds():
        standard = Standard(rows.features[learn])
        inputs, left_out = standard.of(rows.features[learn]), standard.of(rows.features[judge])
        judged.append(judge)
        amounts.append(amounts_of(train_tone(rows, learn, inputs, tone_epochs), left_out))
        if resonance_table is None:  # it takes ten times as long to train, and a quarter of the songs has bands enough to judge by
            net = train_resonance(rows, learn, inputs, resonance_epochs)
            resonance_table = judge_resonances(rows, judge, sigmoid(say(net, left_out)[:, 0]))
    judged = np.concatenate(judged)
    offsets, deviations, tone_table = judge_tone(rows, judged, np.concatenate(amounts))
    learn = np.flatnonzero(rows.kind == LEARN)
    metrics = {"version": VERSION, "schema_hash": rows.schema["schema_hash"], "songs": len(np.unique(rows.song)), "training_excerpts": len(learn),
               "untouched_excerpts": int(np.isin(rows.kind, (PLAIN, MASTERED)).sum()), "tone": tone_table,
               "resonance": resonance_table}
    print(json.dumps(metrics, indent=1))

    standard = Standard(rows.features[learn])
    inputs = standard.of(rows.features[learn])
    tone_nets, resonance_net = train_tone(rows, learn, inputs, tone_epochs), train_resonance(rows, learn, inputs, resonance_epochs)
    schema_hash = rows.schema["schema_hash"]
    save(models / "resonance.onnx", resonance_graph(resonance_net, standard), schema_hash, VERSION)
    save(models / "tone.onnx", tone_graph(tone_nets, standard, inputs.shape[2], offsets, deviations), schema_hash, VERSION)
    (models / "faults_metrics.json").write_text(json.dumps(metrics, indent=1) + "\n")
    golden = []
    for row in judged[::len(judged) // 4][:4]:
        features = rows.features[row].astype(np.float64).round(3)
        double = lambda net: copy.deepcopy(net).double()
        z = standard.of(features[None])
        ring = say(double(resonance_net), z)[0]
        ring = [sigmoid(ring[0]), nets.HEIGHT[0] + nets.HEIGHT[1] * ring[1], nets.LOG_Q[0] + nets.LOG_Q[1] * ring[2]]
        amount = amounts_of([double(net) for net in tone_nets], z)[0] - offsets
        golden.append({"features": features.ravel().tolist(), "resonance": np.concatenate(ring).round(6).tolist(),
                       "tone": np.concatenate([amount, deviations]).round(6).tolist()})
    (models / "faults_golden.json").write_text(json.dumps(golden) + "\n")


def standardised(g, standard):
    z = g.node("Sub", ["features", g.constant("mean", standard.mean[None])], "centred")
    return g.product(z, g.constant("scale", 1 / standard.scale[None]), "z")


def conv(g, x, layer, name):
    weight = [g.constant(f"{name}_w", layer.weight.detach()), g.constant(f"{name}_b", layer.bias.detach())]
    pad = layer.padding[0]
    return g.node("Conv", [x, *weight], name, kernel_shape=list(layer.kernel_size), pads=[pad, pad],
                  dilations=list(layer.dilation), strides=list(layer.stride))


def resonance_graph(net, standard):
    """Out: certainty, height in dB and log2 Q, by band."""
    g = Graph()
    h = conv(g, standardised(g, standard), net.first, "first")
    for k, block in enumerate(net.blocks):
        h = g.sum(h, conv(g, g.node("Relu", [h], f"r{k}"), block, f"block{k}"), f"h{k}")
    said = conv(g, g.node("Relu", [h], "r"), net.last, "last")
    sizes = g.cut(said, 1, 3, "sizes")
    units = [np.reshape(values, (1, 2, 1)) for values in zip(nets.HEIGHT, nets.LOG_Q)]
    sizes = g.sum(g.product(sizes, g.constant("unit", units[1]), "scaled"), g.constant("middle", units[0]), "in_units")
    g.joined([g.node("Sigmoid", [g.cut(said, 0, 1, "logit")], "certainty"), sizes], "prediction")
    return g, ["features", [1, len(standard.mean), "bands"]], ["prediction", [1, 3, "bands"]]


def tone_graph(tone_nets, standard, bands, offsets, deviations):
    """Out: the amount of each fault in dB, then its deviation."""
    g = Graph()
    z = g.node("AveragePool", [standardised(g, standard)], "pooled", kernel_shape=[nets.POOL], strides=[nets.POOL])
    amounts = None
    for k, net in enumerate(tone_nets):
        h = g.node("Relu", [conv(g, z, net.first, f"first{k}")], f"f{k}")
        h = g.node("Relu", [conv(g, h, net.second, f"second{k}")], f"s{k}")
        h = g.node("Flatten", [h], f"flat{k}", axis=1)
        h = g.node("Relu", [g.dense(h, net.hidden.weight.detach().T, net.hidden.bias.detach(), f"hidden{k}")], f"d{k}")
        said = g.dense(h, net.last.weight.detach().T, net.last.bias.detach(), f"last{k}")
        amounts = said if amounts is None else g.sum(amounts, said, f"sum{k}")
    amounts = g.product(amounts, g.constant("share", np.full((1, 1), 1 / len(tone_nets))), "mean_amounts")
    amounts = g.node("Sub", [amounts, g.constant("offset", np.reshape(offsets, (1, -1)))], "amounts")
    g.joined([amounts, g.constant("deviations", np.reshape(deviations, (1, -1)))], "prediction")
    return g, ["features", [1, len(standard.mean), bands]], ["prediction", [1, 2 * len(offsets)]]


if __name__ == "__main__":
    main()
