"""The rules, and the linear models that learn what to add to them."""
import numpy as np
from data import BANDS

# Whole-programme numbers that tell how dense a master will be.
DENSITY_OF = ("peak_to_loudness_db", "short_crest_db", "loudness_range_lu", "micro_dynamics_db", "psr_p5_db",
              "near_peak_density_log10", "flat_top_ratio", "width_db", "correlation", "tilt_db_per_octave")
# Penalty of its regression; that of tone and width is chosen on the validation packages.
DENSITY_STRENGTH = 30
# What the rules take over of another song's difference in tone and in width, and the third octaves that width is taken from.
OTHER_TONE, OTHER_WIDTH = 0.1, 0.25
WIDTH_BANDS = range(5, 21)


def classical(d):
    """The rules of src/suggest/tone.rs and width.rs, as near as the features allow, to compare models with.

    Other than those they take width by third octaves instead of wide bands, leave the side out of the tone (SIDE_SHARE), and
    hold the width of the same song, too, within -6 to 4 dB.
    """
    likeness = d.likeness[:, None]
    curve = likeness * d.block("pair.matched_shift_db") + (1 - likeness) * OTHER_TONE * d.block("pair.difference_db")
    apart = d.block("reference.width_db") - d.block("mix.width_db")
    l = d.likeness
    width = l * np.clip(np.median(apart, 1), -9, 9) + (1 - l) * OTHER_WIDTH * np.clip(apart[:, WIDTH_BANDS].mean(1), -6, 6)
    return np.concatenate([10 * np.tanh(curve / 10) * d.weight, np.clip(width, -6, 4)[:, None]], 1)


def evidence(d):
    """Two matrices from features to targets: what is believed of pairs that are alike, and of those that aren't.

    These are the classical rules but for bounds and widths of wide bands; a model learns what to add to them.
    """
    alike, unlike = np.zeros((len(d.feature), BANDS + 1)), np.zeros((len(d.feature), BANDS + 1))
    for band in range(BANDS):
        alike[d.feature[f"pair.matched_shift_db.{band}"], band] = 1
        unlike[d.feature[f"pair.difference_db.{band}"], band] = OTHER_TONE
    for band in WIDTH_BANDS:
        for programme, sign in (("reference", 1), ("mix", -1)):
            alike[d.feature[f"{programme}.width_db.{band}"], BANDS] = sign / len(WIDTH_BANDS)
            unlike[d.feature[f"{programme}.width_db.{band}"], BANDS] = OTHER_WIDTH * sign / len(WIDTH_BANDS)
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


def density_inputs(d):
    """Of what the linear model sees, the columns that tell how dense a programme is."""
    columns = [d.feature[f"{programme}.{name}"] for programme in ("mix", "reference") for name in DENSITY_OF]
    count = len(d.feature)
    return [*columns, *(count + column for column in columns), 2 * count, 2 * count + 1]
