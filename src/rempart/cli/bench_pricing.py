"""`rempart bench pricing`: lines priced a second, on one core, in one process. Nothing is measured but `price_case`."""

import gc
import json
import time
from datetime import date
from fractions import Fraction
from pathlib import Path
from typing import Annotated, Any

import typer

from rempart.claims.case import (
    Basis,
    Beneficiary,
    CareClass,
    Case,
    Contract,
    Ear,
    Exoneration,
    Guarantee,
    Lens,
    Line,
    Nature,
    Per,
)  # fmt: skip
from rempart.claims.money import Money
from rempart.claims.pricing import price_case

_DATE = date(2025, 2, 3)


def bench_pricing(
    lines: Annotated[int, typer.Option("--lines", help="How many lines at least.")] = 400_000,
    rounds: Annotated[int, typer.Option("--rounds", help="Rounds; the median is the figure.")] = 5,
    output: Annotated[Path | None, typer.Option("--json", help="Where to write the figures.")] = None,
) -> None:
    """Price a mix of invoices (pharmacy, doctor, laboratory, kit, ears, stay); report lines_per_second and cases_per_second on one core."""
    text = json.dumps(measure(lines, rounds), indent=2)
    print(text)
    if output is not None:
        output.write_text(text + "\n")


def measure(lines: int, rounds: int) -> dict[str, Any]:
    """The figures. The cases are made, and the parameters read, before the clock starts."""
    mix = cases()
    in_mix = sum(len(case.lines) for case in mix)
    repeats = max(1, -(-lines // (in_mix * rounds)))
    for case in mix:
        price_case(case)
    gc.collect()
    seconds, cpu = [], []
    for _ in range(rounds):
        started, busy = time.perf_counter(), time.process_time()
        for _ in range(repeats):
            for case in mix:
                price_case(case)
        seconds.append(time.perf_counter() - started)
        cpu.append(time.process_time() - busy)
    median, median_cpu = sorted(seconds)[rounds // 2], sorted(cpu)[rounds // 2]
    return {
        "lines": in_mix * repeats * rounds,
        "cases": len(mix) * repeats * rounds,
        "lines_per_second": round(in_mix * repeats / median),
        "cases_per_second": round(len(mix) * repeats / median),
        "lines_per_cpu_second": round(in_mix * repeats / median_cpu),
        "rounds_seconds": [round(each, 4) for each in seconds],
    }


def cases() -> list[Case]:
    """One of each kind of invoice, as a day at the counters has them."""
    adult = Beneficiary(40)
    whole = Contract(True, Guarantee(Basis.BASE_INCLUDING_AMO, Fraction(1)))
    rich = Contract(
        True, Guarantee(Basis.BASE_INCLUDING_AMO, Fraction(22, 10)), Guarantee(Basis.BASE_INCLUDING_AMO, Fraction(2)),
        Guarantee(Basis.AMOUNT_ON_TOP_OF_AMO, amount=Money(30_000)),
    )  # fmt: skip
    yearly = Contract(False, Guarantee(Basis.AMOUNT_ON_TOP_OF_AMO, amount=Money(20_000), per=Per.YEAR))
    drugs = tuple(
        Line(nature, Money(price), Money(price), boxes=boxes)
        for nature, price, boxes in (
            (Nature.DRUG_65, 218, 1), (Nature.DRUG_65, 1_245, 2), (Nature.DRUG_30, 431, 1), (Nature.DRUG_15, 312, 1),
            (Nature.DRUG_100, 9_820, 1),
        )
    )  # fmt: skip
    kit = (
        Line(Nature.OPTICS_LENS, Money(21_000), Money(5), care_class=CareClass.B, lens=Lens.C),
        Line(Nature.OPTICS_LENS, Money(21_000), Money(5), care_class=CareClass.B, lens=Lens.A),
        Line(Nature.OPTICS_FRAME, Money(15_000), Money(5), care_class=CareClass.B),
    )
    ears = tuple(
        Line(Nature.AUDIO, Money(150_000), Money(40_000), care_class=CareClass.II, ear=ear) for ear in Ear
    )
    return [
        Case(_DATE, adult, whole, drugs),
        Case(_DATE, adult, yearly, drugs),
        Case(_DATE, adult, rich, (Line(Nature.DOCTOR, Money(6_000), Money(2_300), optam=False),)),
        Case(_DATE, adult, whole, (Line(Nature.DOCTOR, Money(3_000), Money(3_000), exoneration=Exoneration.ALD),)),
        Case(_DATE, adult, whole, tuple(Line(Nature.BIOLOGY, Money(price), Money(price)) for price in (405, 1_080, 675))),
        Case(_DATE, adult, whole, (Line(Nature.AUXILIARY, Money(1_613), Money(1_613), acts=2),)),
        Case(_DATE, adult, rich, kit),
        Case(_DATE, adult, rich, ears),
        Case(_DATE, adult, whole, (Line(Nature.HOSPITAL_STAY, Money(300_000), Money(300_000), days=3),)),
    ]  # fmt: skip
