"""Tests of what the experiments count and draw: python3 -m unittest discover -s Scripts -p 'test_*.py'"""
import json
import os
import random
import tempfile
import unittest
from xml.dom import minidom

import chart
from experiment_results import holm, mean, outcomes, sample_deviation, t_quantile
from frontier_table import cheapest, training
from parity_table import crossing, difference as welch
from promise_table import difference, rival, verdict


class Results(unittest.TestCase):
    def test_an_image_stands_only_if_it_is_right_and_no_attack_moved_it(self):
        lines = [{"ledger": 1}]
        for index, attack, epsilon, success in [
                (7, "clean", 0, False), (3, "clean", 0, True), (5, "clean", 0, False), (7, "apgd-ce", 8 / 255, False), (7, "square", 8 / 255, True),
                (5, "apgd-ce", 8 / 255, False), (5, "square", 8 / 255, False), (7, "apgd-ce", 2 / 255, False), (5, "apgd-ce", 2 / 255, False)]:
            lines.append({"index": index, "attack": attack, "epsilon": epsilon, "success": success, "region": "all"})
        lines.append({"index": 5, "attack": "apgd-ce", "epsilon": 8 / 255, "success": True, "region": "background"})
        with tempfile.TemporaryDirectory() as folder:
            with open(os.path.join(folder, "evaluation.json"), "w") as file:
                json.dump({"epsilons": [0.007843138, 0.03137255]}, file)
            with open(os.path.join(folder, "ledger.jsonl"), "w") as file:
                file.writelines(json.dumps(line) + "\n" for line in lines)
            self.assertEqual(outcomes(folder), {0: [0, 1, 1], 2.0: [0, 1, 1], 8.0: [0, 1, 0]})

    def test_holm(self):
        self.assertEqual([round(p, 6) for p in holm([0.01, 0.04, 0.03, 0.005])], [0.03, 0.06, 0.06, 0.02])
        self.assertEqual(holm([0.9, 0.8]), [1.0, 1.0])

    def test_students_t(self):
        self.assertEqual((t_quantile(2.9), t_quantile(4), t_quantile(18)), (4.303, 2.776, 2.101))
        self.assertEqual(t_quantile(1000), 2.0)


class Parity(unittest.TestCase):
    def test_spreads_that_cross(self):
        self.assertTrue(crossing([0.4, 0.5, 0.6], [0.45, 0.55]))
        self.assertFalse(crossing([0.4, 0.6], [0.59, 0.61]))

    def test_difference(self):
        self.assertEqual(welch([0.5], [0.4]), ("+10.0", None))
        self.assertEqual(welch([0.50, 0.52, 0.54], [0.51, 0.53, 0.55])[1], True)
        self.assertEqual(welch([0.50, 0.51, 0.52], [0.70, 0.71, 0.72])[1], False)


class Frontier(unittest.TestCase):
    def test_the_cheapest_of_ours(self):
        points = [{"method": m, "attack": [a], "coreMinutes": [c]} for m, a, c in [("pytorch-at", 0.3, 9), ("at", 0.31, 5), ("free", 0.3, 2), ("n-fgsm", 0.2, 1)]]
        self.assertEqual(cheapest(points, 0.3)["method"], "free")
        self.assertIsNone(cheapest(points, 0.4))

    def test_an_epoch_that_was_taken_back_costs(self):
        lines = [{"type": "step", "epoch": 0, "imagesPerSecond": 64}, {"type": "epoch", "epoch": 0, "seconds": 3},
                 {"type": "step", "epoch": 1, "imagesPerSecond": 32}]
        with tempfile.TemporaryDirectory() as folder:
            with open(os.path.join(folder, "metrics.jsonl"), "w") as file:
                file.writelines(json.dumps(line) + "\n" for line in lines)
            with open(os.path.join(folder, "recipe.yaml"), "w") as file:
                file.write("epochs: 2\ndata:\n  limit: 128\nvalidation:\n  limit: 7\n")
            minutes, trained = training(folder, ranks=2)
        self.assertAlmostEqual(minutes, 2 * (3 + 4) / 60)
        self.assertEqual(trained, "2 × 128, stopped after 1")


def model(hardness, clean, robust, noise):
    right = [int(h < clean + noise.gauss(0, 0.1)) for h in hardness]
    return {0: right, 8.0: [int(a and h < robust + noise.gauss(0, 0.1)) for a, h in zip(right, hardness)]}


class Promise(unittest.TestCase):
    def test_a_point_on_the_curve_does_not_differ(self):
        noise = random.Random(1)
        hardness = [noise.random() for _ in range(300)]
        curve = [[model(hardness, *end, noise)] for end in ((0.8, 0.0), (0.6, 0.25), (0.5, 0.3))]
        test = difference(curve[1], curve, 8.0)
        self.assertAlmostEqual(test["difference"], 0)
        self.assertEqual(verdict(test, 1.0), "")

    def test_a_poor_model_does_not_weaken_the_curve(self):
        clean, robust, poor = {0: [1, 1, 1, 1], 8.0: [0, 0, 0, 0]}, {0: [1, 1, 0, 0], 8.0: [1, 1, 0, 0]}, {0: [1, 1, 0, 0], 8.0: [0, 0, 0, 0]}
        between, below = {0: [1, 1, 1, 0], 8.0: [0, 0, 0, 0]}, {0: [1, 0, 0, 0], 8.0: [0, 0, 0, 0]}
        for curve in ([clean, poor, robust], [robust, poor, clean]):
            self.assertAlmostEqual(rival(between, curve, 8.0).robust(8.0), 0.25)
            self.assertAlmostEqual(rival(below, curve, 8.0).robust(8.0), 0.5)

    def test_cleaner_than_the_curve_there_is_no_rival(self):
        self.assertIsNone(rival({0: [1, 1], 8.0: [0, 0]}, [{0: [1, 0], 8.0: [0, 0]}, {0: [0, 0], 8.0: [0, 0]}], 8.0))

    def test_the_mixture_between_two_models(self):
        a, b = {0: [1, 1, 1, 0], 8.0: [0, 0, 0, 0]}, {0: [1, 0, 0, 0], 8.0: [1, 0, 0, 0]}
        point = {0: [1, 1, 0, 0], 8.0: [1, 1, 0, 0]}
        self.assertAlmostEqual(rival(point, [a, b], 8.0).weight, 0.5)
        self.assertAlmostEqual(difference([point], [[a], [b]], 8.0)["difference"], 0.5 - 0.125)

    def test_the_error_is_that_of_repeated_draws(self):
        noise = random.Random(2)
        changes, errors = [], []
        for _ in range(150):
            hardness = [noise.random() for _ in range(300)]
            curve = [[model(hardness, *end, noise)] for end in ((0.8, 0.0), (0.5, 0.3))]
            test = difference([model(hardness, 0.65, 0.15, noise)], curve, 8.0)
            changes.append(test["difference"])
            errors.append(test["error"])
        self.assertLess(abs(mean(errors) / sample_deviation(changes) - 1), 0.2)
        self.assertLess(abs(mean(changes)), 0.02)

    def test_seeds_that_disagree_give_no_verdict(self):
        self.assertEqual(verdict({"difference": 0.1, "seeds": [0.2, -0.01]}, 0.001), "")
        self.assertEqual(verdict({"difference": -0.1, "seeds": [-0.2, -0.01]}, 0.001), " **below**")
        self.assertEqual(verdict({"difference": 0.1, "seeds": [0.2, 0.1]}, 0.2), "")


class Chart(unittest.TestCase):
    def test_series_differ_in_colour_and_shape_together(self):
        looks = {(chart.COLOURS[i % len(chart.COLOURS)], i % 8) for i in range(40)}
        self.assertEqual(len(looks), 40)
        self.assertEqual(len({chart.mark(kind, 0, 0, "#000000") for kind in range(8)}), 8)

    def test_the_file_is_well_formed_and_holds_all_points(self):
        panel = chart.Panel("a < b", [chart.Series("x & y", [chart.Point(1, 20, "5", y_range=(10, 30)), chart.Point(50, 30)]), chart.Series("z", [chart.Point(7, 1)], line=False)])
        document = minidom.parseString(chart.svg("t", [panel, panel, panel], "x", "y", log_x=True, note="n"))
        self.assertEqual(len(document.getElementsByTagName("circle")), 3 * 2 + 1)
        for element in document.getElementsByTagName("circle"):
            self.assertTrue(0 <= float(element.getAttribute("cx")) <= float(document.documentElement.getAttribute("width")))

    def test_ticks(self):
        self.assertEqual(chart.logarithmic_ticks(2, 45), [2, 5, 10, 20])
        self.assertEqual(chart.linear_ticks(0, 30), [0, 5, 10, 15, 20, 25, 30])

    def test_nothing_measured_yet(self):
        minidom.parseString(chart.svg("t", [chart.Panel("p")], "x", "y"))


if __name__ == "__main__":
    unittest.main()
