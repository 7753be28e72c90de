"""Metric math: what an alarm's expression makes of its metrics, period by period. Pure.

Numbers, metrics, `+ - * /`, comparisons, `FILL(metric, number)` and `IF(condition, value, value)`
are known; every other function is refused.
https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/using-metric-math.html
"""

import ast
import operator
from collections.abc import Callable, Mapping, Sequence

Series = Sequence[float | None]
"""A value for each period; None where there is none."""

OPERATORS: dict[type[ast.operator], Callable[[float, float], float]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Div: operator.truediv,
}
COMPARISONS: dict[type[ast.cmpop], Callable[[float, float], bool]] = {
    ast.Eq: operator.eq,
    ast.NotEq: operator.ne,
    ast.Lt: operator.lt,
    ast.LtE: operator.le,
    ast.Gt: operator.gt,
    ast.GtE: operator.ge,
}


def evaluated(expression: str, metrics: Mapping[str, Series], periods: int) -> list[float | None]:
    """The expression in each of so many periods.

    Raises `NotImplementedError` for what is not known.
    """
    return list(_value(ast.parse(expression, mode="eval").body, metrics, periods))


def names(expression: str) -> set[str]:
    """What an expression is made of."""
    return {node.id for node in ast.walk(ast.parse(expression)) if isinstance(node, ast.Name)}


def _value(node: ast.expr, metrics: Mapping[str, Series], periods: int) -> Series:
    match node:
        case ast.Constant(value=int() | float() as number):
            return [float(number)] * periods
        case ast.Name(id=name) if name in metrics:
            return metrics[name]
        case ast.UnaryOp(op=ast.USub(), operand=of):
            return [None if v is None else -v for v in _value(of, metrics, periods)]
        case ast.BinOp(left=left, op=op, right=right) if type(op) in OPERATORS:
            sides = (_value(side, metrics, periods) for side in (left, right))
            return [_applied(OPERATORS[type(op)], *pair) for pair in zip(*sides, strict=True)]
        case ast.Compare(left=left, ops=[op], comparators=[right]) if type(op) in COMPARISONS:
            sides = (_value(side, metrics, periods) for side in (left, right))
            return [_applied(COMPARISONS[type(op)], *pair) for pair in zip(*sides, strict=True)]
        case ast.Call(func=ast.Name(id="IF"), args=[condition, then, otherwise]):
            each = (_value(arg, metrics, periods) for arg in (condition, then, otherwise))
            return [
                None if is_met is None else one if is_met else other
                for is_met, one, other in zip(*each, strict=True)
            ]
        case ast.Call(
            func=ast.Name(id="FILL"), args=[of, ast.Constant(value=int() | float() as v)]
        ):
            return [float(v) if each is None else each for each in _value(of, metrics, periods)]
    raise NotImplementedError(f"nothing is known of {ast.unparse(node)} in metric math")


def _applied(
    operation: Callable[[float, float], float], left: float | None, right: float | None
) -> float | None:
    """A period in which one side is missing has no value, nor has one that divides by 0. What is
    compared is 1 or 0."""
    if left is None or right is None:
        return None
    try:
        return float(operation(left, right))
    except ZeroDivisionError:
        return None
