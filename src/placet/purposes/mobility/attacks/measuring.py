"""
How well scores tell two worlds apart, with intervals that hold for any distribution. Pure.

1. The area under the curve is a mean of comparisons (Mann and Whitney 1947): ties count half. Of n scores on each side
   n comparisons are independent, so Hoeffding's inequality bounds its error, whatever the scores are.
2. A share is a mean of values in [0, 1]: the same inequality.
3. For noise that is Gaussian with rho of zCDP, no attack has a curve above G(a) = Phi(Phi^-1(a) + mu) with
   mu = sqrt(2 rho) (Dong, Roth and Su 2022). That line also bounds what any figure in [0, 1] gains by a person's being
   in the data: a share f without them is at most G(f) with them.
"""

from __future__ import annotations

from math import log, sqrt

import attrs
import numpy as np
import numpy.typing as npt

from placet.purposes.mobility.attacks.model import Against, Curve, Finding
from placet.purposes.mobility.privacy.accounting import tpr_ceiling

Floats = npt.NDArray[np.float64]
_WRONG = 1e-9
"""How often at most a verdict may be wrong by chance."""
_POINTS = 101


@attrs.frozen
class Measured:
    """A figure between 0 and 1, the ends of its 95 % interval, and what it is above all but for certain."""

    value: float
    low: float
    high: float
    sure: float
    trials: int


def mean(values: Floats | float, trials: int) -> Measured:
    """Step 2: of *values* in [0, 1], of which *trials* are independent."""
    value = float(np.mean(values))
    wide = sqrt(log(2 / 0.05) / (2 * trials))
    return Measured(
        value, max(value - wide, 0.0), min(value + wide, 1.0), value - sqrt(log(1 / _WRONG) / (2 * trials)), trials
    )


def repeats(values: Floats) -> Measured:
    """
    Of at least ten independent repeats of something whose parts are not independent, by their scatter.

    2.3 and 25 are what Student's t with nine degrees of freedom asks for, at 95 % and at one in a thousand million.
    """
    value, error = float(values.mean()), float(values.std(ddof=1) / sqrt(len(values)))
    return Measured(value, value - 2.3 * error, value + 2.3 * error, value - 25 * error, len(values))


def auc(without: Floats, within: Floats) -> float:
    """Step 1: how often a score of *within* is above one of *without*."""
    ordered = np.sort(without)
    below = np.searchsorted(ordered, within, "left")
    upto = np.searchsorted(ordered, within, "right")
    return float((below + upto).mean() / 2 / len(without))


def area(without: Floats, within: Floats) -> Measured:
    """Step 1, with its interval."""
    return mean(auc(without, within), min(len(without), len(within)))


def rates(without: Floats, within: Floats) -> tuple[Floats, Floats]:
    """False and true positives at each threshold that tells anything apart, from (0, 0) to (1, 1)."""
    thresholds = np.unique(np.concatenate([without, within]))[::-1]
    alarms = 1 - np.searchsorted(np.sort(without), thresholds, "left") / len(without)
    hits = 1 - np.searchsorted(np.sort(within), thresholds, "left") / len(within)
    return np.concatenate([[0.0], alarms]), np.concatenate([[0.0], hits])


def curve(name: str, against: Against, without: Floats, within: Floats, *, rho: float | None = None) -> Curve:
    """The share of *within* above each threshold by that of *without*, told at a hundred points."""
    alarms = np.linspace(0, 1, _POINTS)
    hits = np.interp(alarms, *rates(without, within))
    above = None if rho is None else excess(without, within, rho)
    return Curve(name, against, tuple(alarms.tolist()), tuple(hits.tolist()), rho, above)


def excess(without: Floats, within: Floats, rho: float) -> float:
    """
    How far the curve is above the line of step 3 anywhere, beyond what chance explains; not above 0 when it holds.

    Both empirical distributions lie within d of the true ones everywhere (Dvoretzky, Kiefer and Wolfowitz 1956, with
    the constant of Massart 1990).
    """
    alarms, hits = rates(without, within)
    off = sqrt(log(4 / _WRONG) / (2 * min(len(without), len(within))))
    limit = np.array([tpr_ceiling(rho, float(one)) for one in np.clip(alarms + off, 0, 1)])
    return float((hits - off - limit).max())


def hits(without: Floats, within: Floats, *, alarms: float = 0.01) -> Measured:
    """
    The share of *within* found where *alarms* of *without* are taken for found.

    The interval is the normal one, of the threshold and of the share together; the verdict asks for seven standard
    errors where six would do.
    """
    trials = min(len(without), len(within))
    found_at = rates(without, within)

    def shifted(errors: float) -> float:
        false = np.clip(alarms + errors * sqrt(alarms * (1 - alarms) / trials), 0, 1)
        true = float(np.interp(false, *found_at))
        return min(max(true + errors * sqrt(max(true * (1 - true), 1 / trials) / trials), 0.0), 1.0)

    return Measured(shifted(0.0), shifted(-1.96), shifted(1.96), shifted(-7.0), trials)


def found(
    name: str, against: Against, figure: str, what: Measured, *, chance: float, bound: float, note: str = ""
) -> Finding:
    """The finding that says *what*."""
    return Finding(
        name=name,
        against=against,
        figure=figure,
        measured=what.value,
        low=what.low,
        high=what.high,
        chance=chance,
        bound=bound,
        sure=what.sure,
        trials=what.trials,
        note=note,
    )
