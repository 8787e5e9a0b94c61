"""The least that the busiest CPU can have: an answer of its own, to measure placements by."""

from collections.abc import Iterable

MOST_STEPS = 200_000  # of the search: a few seconds
EQUAL = 1e-9  # of floating point


def lower_bound(loads: Iterable[float], cpus: int) -> float:
    """No placement has a busiest CPU below it: the largest has to be somewhere, one CPU has the
    mean or more, and of the ``cpus + 1`` largest two share a CPU."""
    largest = sorted(loads, reverse=True)
    if not largest:
        return 0.0
    pair = largest[cpus - 1] + largest[cpus] if len(largest) > cpus else 0.0
    return max(largest[0], sum(largest) / cpus, pair)


def optimum(loads: Iterable[float], cpus: int) -> float:
    """The busiest CPU's load in the best placement, by trying all of them, largest first, that can
    still beat the best so far; the lower bound where those are too many."""
    largest = sorted(loads, reverse=True)
    bound = lower_bound(largest, cpus)
    best = sum(largest)
    placed = [0.0] * cpus
    steps = 0

    def place(number: int) -> None:
        nonlocal best, steps
        steps += 1
        if number == len(largest):
            best = max(placed)
            return
        # CPUs with the same load are the same.
        for load, cpu in sorted({load: cpu for cpu, load in enumerate(placed)}.items()):
            if steps > MOST_STEPS or best <= bound + EQUAL:
                return
            if load + largest[number] >= best - EQUAL:
                return
            placed[cpu] = load + largest[number]
            place(number + 1)
            placed[cpu] = load

    place(0)
    return best if steps <= MOST_STEPS else bound
