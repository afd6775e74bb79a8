#!/usr/bin/env python3
"""Answers, with SciPy, what the test `agreement` of checks/src/statistics asks: one JSON document a line, in and out.

Everything here is SciPy's and NumPy's word, but for large samples with ties, which SciPy cannot count: these are counted with
Python's own integers, value by value, in another way than the product does it.
"""

import json
import math
import sys
import warnings

import numpy
from scipy import stats

ALTERNATIVES = {"increase": "greater", "decrease": "less", "either": "two-sided"}


def fisher(blue, green, alternative):
    table = [[green[0], blue[0]], [green[1] - green[0], blue[1] - blue[0]]]
    return stats.fisher_exact(table, alternative).pvalue


def pooled_z(blue, green, alternative):
    table = [[green[0], blue[0]], [green[1] - green[0], blue[1] - blue[0]]]
    chi_squared = stats.chi2_contingency(table, correction=False)
    if alternative == "two-sided":
        return chi_squared.pvalue
    is_up = green[0] * blue[1] > blue[0] * green[1]
    z = math.copysign(math.sqrt(chi_squared.statistic), 1 if is_up else -1)
    return stats.norm.sf(z if alternative == "greater" else -z)


def counted(blue, green, alternative):
    """Every choice of so many ranks, by twice their sum."""
    twice_ranks = [int(2 * rank) for rank in stats.rankdata([*green, *blue])]
    ways = [{} for _ in range(len(green) + 1)]
    ways[0][0] = 1
    for rank in twice_ranks:
        for chosen in range(len(green), 0, -1):
            for total, count in ways[chosen - 1].items():
                ways[chosen][total + rank] = ways[chosen].get(total + rank, 0) + count
    seen = sum(twice_ranks[: len(green)])
    every = math.comb(len(twice_ranks), len(green))
    great = sum(count for total, count in ways[-1].items() if total >= seen) / every
    small = sum(count for total, count in ways[-1].items() if total <= seen) / every
    return {"greater": great, "less": small, "two-sided": min(1.0, 2 * min(great, small))}[alternative]


def proportion(asked):
    alternative = ALTERNATIVES[asked["direction"]]
    blue, green = asked["blue"], asked["green"]
    test = {"fisher": fisher, "pooled-z": pooled_z}[asked["method"]]
    effect = stats.contingency.relative_risk(green[0], green[1], blue[0], blue[1])
    return {"p": test(blue, green, alternative), "effects": [green[0] / green[1] - blue[0] / blue[1], effect.relative_risk]}


def ranks(asked):
    alternative = ALTERNATIVES[asked["direction"]]
    blue, green = numpy.array(asked["blue"]), numpy.array(asked["green"])
    if asked["method"] == "counted":
        p = counted(asked["blue"], asked["green"], alternative)
        u = stats.mannwhitneyu(green, blue).statistic
    else:
        method = asked["method"]
        if method == "permutation":
            method = stats.PermutationMethod(n_resamples=math.inf)
        u, p = stats.mannwhitneyu(green, blue, alternative=alternative, method=method)
    shift = numpy.median(numpy.subtract.outer(green, blue))
    return {"p": p, "effects": [u / (len(blue) * len(green)), shift]}


def plain(value):
    """JSON has no infinities and no NaN."""
    return float(value) if math.isfinite(value) else str(float(value))


def main():
    warnings.simplefilter("ignore")
    for line in sys.stdin:
        asked = json.loads(line)
        answer = {"proportion": proportion, "ranks": ranks}[asked["test"]](asked)
        print(json.dumps({"p": plain(answer["p"]), "effects": [plain(effect) for effect in answer["effects"]]}))


if __name__ == "__main__":
    main()
