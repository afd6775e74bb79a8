"""What CloudWatch makes of an alarm's definition: the metric math that the templates use, and how many minutes of it ring."""

import re

import numpy


def fill(series, value):
    return numpy.where(numpy.isnan(series), value, series)


FUNCTIONS = {"FILL": fill, "IF": numpy.where, "MAX": lambda series: numpy.maximum.reduce(series)}
COMPARE = {"GreaterThanThreshold": numpy.greater, "LessThanThreshold": numpy.less}


def value_of(expression, series):
    """The series of an expression. Only the functions above, names of series, numbers and operators."""
    if not re.fullmatch(r"[A-Za-z0-9_,.()\[\]+*/<>= -]+", expression):
        raise ValueError(f"more than metric math: {expression}")
    with numpy.errstate(divide="ignore", invalid="ignore"):
        return eval(expression, {"__builtins__": {}}, FUNCTIONS | series)  # the lines above say what it can be


def rings(alarm, minutes):
    """Whether an alarm (as shape.py has it) is in ALARM after these minutes: {metric id: [a value or None for each minute]}."""
    operator, threshold, periods, datapoints, missing, _, _, metrics = alarm
    if missing != "notBreaching":
        raise ValueError("missing data is expected not to ring")
    length = max(map(len, minutes.values()))
    blank = [None] * length
    series = {
        name: numpy.array([numpy.nan if value is None else value for value in minutes.get(name, blank)], float)
        for name, metric in metrics.items()
        if len(metric) > 2
    }
    (expression,) = (metric[0] for metric in metrics.values() if len(metric) == 2)
    values = value_of(expression, series)[-periods:]
    return int(numpy.sum(COMPARE[operator](values, threshold))) >= datapoints
