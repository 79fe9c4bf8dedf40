"""How a run on threads counts τ."""

from asap import StalenessDistribution

LAST = 4095  # counts this τ and all beyond


def as_counted(exact: StalenessDistribution) -> StalenessDistribution:
    """Return a trace's distribution of τ, and those of its workers, as a run on threads has them."""
    counts = exact.counts
    folded = counts if len(counts) <= LAST + 1 else [*counts[:LAST], counts[LAST:].sum()]
    counted = StalenessDistribution(folded, exact.tau_sum)
    counted.per_worker = [as_counted(each) for each in exact.per_worker]
    return counted
