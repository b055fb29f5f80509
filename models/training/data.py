"""The rendered pairs: features as the analyzer wrote them, what the true masters have, and how errors are counted."""
import json
import numpy as np

BANDS = 27
SAME, OTHER, DONE = 0, 1, 2


class Data:
    """All rows: features x, targets y (tone by band, then width), density, weights, and what they are."""

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
        # How much farther the true master's peaks stand over its loudness than the reference's.
        self.density = (self.x[:, self.feature["mix.peak_to_loudness_db"]] + rows[:, label["peak_to_loudness_db"]]
                        - self.x[:, self.feature["reference.peak_to_loudness_db"]])
        self.likeness = self.x[:, self.feature["pair.likeness_ratio"]]
        self.kind, self.validation = rows[:, label["kind"]], rows[:, label["validation"]] > 0
        self.song = rows[:, label["song"]].astype(int)
        self.loss_weight = np.concatenate([self.weight / BANDS * 1.5, 0.25 * self.has_width[:, None]], 1)

    def centred(self, curves):
        mean = (curves * self.weight).sum(1, keepdims=True) / np.maximum(self.weight.sum(1, keepdims=True), 1)
        return curves - mean

    def block(self, name):
        return self.x[:, self.feature[f"{name}.0"]:self.feature[f"{name}.0"] + BANDS]

    def tone_error(self, curves):
        """Mean |dB| over the bands, level free, of each row."""
        return np.abs(self.centred(curves) * self.weight - self.y[:, :BANDS]).sum(1) / self.weight.sum(1)
