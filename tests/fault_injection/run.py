"""Fault campaigns by hand.

python -m fault_injection.run --plan create/500@3 watch/gone/service-deleted
python -m fault_injection.run --seed 7 --share 0.4 --out docs/fault-campaign.md
"""

from __future__ import annotations

import argparse
import math
import tempfile
import time
from collections import Counter
from pathlib import Path

from fault_injection.campaign import Campaign, Result
from fault_injection.plans import everything, sample
from fault_injection.proxy import Proxy
from measured_sections import conclude
from operator_testbed import OWN_CRDS, prometheus_crds, running_bed
from testbed import clock

SEEDS = 40


def tell(result: Result) -> None:
    """Show progress."""
    verdict = "ok" if not result.alarms else "ALARM"
    print(f"{clock.now():%H:%M:%S} {verdict:5} {result.plan.id} ({result.seconds:.0f} s)", flush=True)
    for alarm in result.alarms:
        print(f"      {alarm}", flush=True)


def report(results: list[Result], seed: int, seconds: float) -> str:
    """The result as Markdown."""
    plans, alarms = Counter(r.plan.family for r in results), Counter(r.plan.family for r in results if r.alarms)
    head = (
        f"Run on {clock.now():%Y-%m-%d} with seed {seed}: {len(results)} plans in {seconds / 60:.0f} minutes, "
        f"{sum(r.writes for r in results)} writes, {sum(alarms.values())} alarms.\n"
    )
    lines = [
        head,
        "| family | plans | alarms |",
        "| :--- | ---: | ---: |",
        *(f"| {family} | {plans[family]} | {alarms[family]} |" for family in plans),
        "",
        *(f"- `{r.plan.id}`: {'; '.join(r.alarms)}" for r in results if r.alarms),
    ]
    return "\n".join(lines) + "\n"


def main() -> None:
    """Run plans; exit with 1 when there was an alarm."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--plan", nargs="*", help="ids of plans; all plans when left out")
    parser.add_argument("--seed", type=int, default=1, help="which plans by chance, and which of the share")
    parser.add_argument("--share", type=float, default=1.0, help="of each family, chosen by seed; all when left out")
    parser.add_argument("--out", type=Path, help="page whose measured part is replaced")
    given = parser.parse_args()
    every = Counter(plan.family for plan in everything(range(SEEDS)))
    plans = sample(given.seed, {family: math.ceil(size * given.share) for family, size in every.items()})
    if given.plan:
        plans = [plan for plan in everything(range(100_000)) if plan.id in given.plan]
    began = time.monotonic()
    with (
        tempfile.TemporaryDirectory(prefix="faults-") as folder,
        running_bed(Path(folder), [*OWN_CRDS, *prometheus_crds()]) as bed,
        Proxy(bed.plane) as proxy,
    ):
        results = Campaign(bed, proxy).run(plans, tell)
    text = report(results, given.seed, time.monotonic() - began)
    conclude(text, given.out, alarm=any(result.alarms for result in results))


if __name__ == "__main__":
    main()
