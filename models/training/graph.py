"""The ONNX file: one graph from raw features to what is said of a pair."""
import numpy as np, onnx
from onnx import TensorProto, helper, numpy_helper
from data import BANDS
from regression import density_inputs, evidence


class Graph:
    """Nodes and constants as they are added; a node is known by the name of what it puts out."""

    def __init__(self):
        self.nodes, self.constants = [], []

    def constant(self, name, value, kind=np.float32):
        self.constants.append(numpy_helper.from_array(np.asarray(value, kind), name))
        return name

    def node(self, kind, inputs, output, **attributes):
        self.nodes.append(helper.make_node(kind, inputs, [output], **attributes))
        return output

    def dense(self, x, weight, bias, name):
        return self.node("Gemm", [x, self.constant(name + "_w", weight), self.constant(name + "_b", np.reshape(bias, (1, -1)))], name)

    def product(self, a, b, name):
        return self.node("Mul", [a, b], name)

    def sum(self, a, b, name):
        return self.node("Add", [a, b], name)

    def joined(self, parts, name):
        return self.node("Concat", parts, name, axis=1)

    def cut(self, source, first, end, name):
        inputs = [self.constant(f"{name}_{part}", [value], np.int64) for part, value in (("first", first), ("end", end), ("axis", 1))]
        return self.node("Slice", [source, *inputs], name)


def export(d, path, model):
    """Writes what was learned as one graph: raw features in; tone, width and density with their deviations, and novelty out."""
    fit = model.fit
    g, n, m = Graph(), len(fit.mu), BANDS + 1
    x = "features"
    z = g.product(g.node("Sub", [x, g.constant("mu", fit.mu[None])], "d"), g.constant("scale", 1 / fit.scale[None]), "s")
    z = g.node("Clip", [z, g.constant("low", np.float32(-fit.clip)), g.constant("high", np.float32(fit.clip))], "z")
    pick = np.zeros((n, 1)); pick[d.feature["pair.likeness_ratio"]] = 1
    likeness = g.dense(x, pick, [0.0], "likeness")
    unlike = g.node("Sub", [g.constant("one", np.ones((1, 1))), likeness], "unlike")
    alike_rule, unlike_rule = evidence(d)
    rule = g.sum(g.product(g.dense(x, alike_rule, np.zeros(m), "alike_rule"), likeness, "alike_share"),
                 g.product(g.dense(x, unlike_rule, np.zeros(m), "unlike_rule"), unlike, "unlike_share"), "rule")
    seen = g.joined([g.product(z, likeness, "z_alike"), g.product(z, unlike, "z_unlike"), likeness, unlike], "seen")
    mean = g.sum(rule, g.dense(seen, fit.linear * (1 - model.nets_share), np.zeros(m), "linear"), "mean")
    dense = np.zeros((2 * n + 2, 1)); dense[density_inputs(d)] = fit.density_linear
    density = g.dense(seen, dense, [0.0], "density_mean")
    for k, net in enumerate(fit.nets):
        scaled = model.nets_share / len(fit.nets)
        wide = g.dense(z, net["wide.weight"].T * scaled, net["wide.bias"] * scaled, f"wide{k}")
        h = g.node("Relu", [g.dense(z, net["first.weight"].T, net["first.bias"], f"first{k}")], f"h{k}")
        h = g.node("Relu", [g.dense(h, net["second.weight"].T, net["second.bias"], f"second{k}")], f"g{k}")
        deep = g.dense(h, net["deep.weight"].T * scaled, np.zeros(m), f"deep{k}")
        mean = g.sum(mean, g.sum(wide, deep, f"net{k}"), f"sum{k}")

    projected = g.dense(z, fit.axes, np.zeros(fit.axes.shape[1]), "projected")
    square = g.product(projected, projected, "square")
    power = g.dense(square, np.full((fit.axes.shape[1], 1), 1 / fit.axes.shape[1] / model.novelty_scale**2), [0.0], "power")
    novelty = g.node("Sqrt", [power], "novelty")
    deviation = model.deviation
    constant = lambda name, values: g.constant(name, np.reshape(values, (1, -1)))
    outputs = [g.cut(mean, 0, BANDS, "tone"), constant("tone_deviation", deviation[:BANDS]),
               g.cut(mean, BANDS, m, "width"), constant("width_deviation", deviation[BANDS]),
               density, constant("density_deviation", model.density_deviation), novelty]
    g.joined(outputs, "prediction")
    save(path, (g, [x, [1, n]], ["prediction", [1, 2 * BANDS + 5]]), d.schema["schema_hash"], model.version)


def save(path, described, schema_hash, version):
    """Writes a graph, given with names and shapes of what goes in and what comes out."""
    g, inputs, outputs = described
    fact = lambda of: helper.make_tensor_value_info(of[0], TensorProto.FLOAT, of[1])
    graph = helper.make_graph(g.nodes, path.stem, [fact(inputs)], [fact(outputs)], g.constants)
    file = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=9, producer_name="halfspeed")
    helper.set_model_props(file, {"schema_hash": schema_hash, "version": version})
    onnx.checker.check_model(file)
    path.write_bytes(file.SerializeToString(deterministic=True))
