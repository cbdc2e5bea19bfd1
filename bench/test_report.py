"""The arithmetic of report.py and picture.py. Run by CI: python3 -m unittest discover -s bench"""
import unittest

import picture
import report

LINES = """\
# load runtime 0.10
curio yield cpu 30 ns
tokio yield cpu 40 ns
curio yield cpu 20 ns
tokio yield cpu 44 ns
curio yield cpu 100 ns
tokio yield cpu 36 ns
limit yield cpu 1 ns
a line that is no result
curio tcp_bulk rate 3 GB/s
tokio tcp_bulk rate 2 GB/s
curio tasks_1000 bytes 400 B
curio tasks_1000000 bytes 300 B
""".splitlines()


class Report(unittest.TestCase):
    def setUp(self):
        self.results = report.Results(LINES)

    def test_a_value_is_the_median_of_its_repetitions(self):
        self.assertEqual(self.results.median("yield", "cpu", "curio"), 30)
        self.assertIsNone(self.results.median("yield", "cpu", "smol"))

    def test_a_ratio_is_that_of_the_medians(self):
        self.assertEqual(self.results.ratio("yield", "cpu", "curio", "tokio"), 0.75)
        self.assertIsNone(self.results.ratio("yield", "cpu", "curio", "smol"))

    def test_the_best_peer_is_no_yardstick(self):
        self.assertEqual(self.results.best("yield", "cpu", ["curio", "limit"]), 30)

    def test_of_a_rate_more_is_better(self):
        self.assertEqual(self.results.best("tcp_bulk", "rate", ["curio", "tokio"]), 3)

    def test_the_spread_is_half_of_the_range(self):
        self.assertEqual(report.spread([36, 40, 44]), 0.1)
        self.assertEqual(report.spread([0, 0]), 0)

    def test_a_table_has_medians_with_spread_and_the_best_in_bold(self):
        self.assertIn("| yield | cpu, ns | **30.0** ±133 % | 40.0 ±10 % | 1 | 0.75 |", self.markdown())

    def test_the_sizes_of_a_curve_are_in_order(self):
        lines = self.markdown()
        small = lines.index("| bytes, B | 1 000 | **400** |  |")
        self.assertEqual(lines[small + 1], "| bytes, B | 1 000 000 | **300** |  |")

    def markdown(self):
        return "\n".join(report.markdown(self.results)).splitlines()


class Picture(unittest.TestCase):
    def test_half_and_twice_are_equally_far_from_one(self):
        self.assertAlmostEqual(picture.across(1) - picture.across(0.5), picture.across(2) - picture.across(1))

    def test_what_lies_beyond_the_scale_is_at_its_edge(self):
        self.assertEqual(picture.across(9), picture.RIGHT)
        self.assertEqual(picture.across(1 / 9), picture.LEFT)

    def test_a_workload_that_was_not_measured_has_no_row(self):
        drawn = picture.draw(report.Results(LINES))
        self.assertIn("yield to the next task", drawn)
        self.assertNotIn("semaphore", drawn)


if __name__ == "__main__":
    unittest.main()
