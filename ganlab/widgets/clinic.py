"""A clinic: choose a patient, look at its symptoms, order tests that cost something, and commit to a diagnosis."""

import html
from collections.abc import Callable, Mapping, Sequence

import ipywidgets as ipw
from matplotlib.figure import Figure

from ganlab.widgets.kit import Panel, Picture, by_program, chooser, readout

Test = tuple[int, Callable[[str], str]]  # what it costs, in steps of training, and its result for a bed, in words


class Clinic(Panel):
    """Beds with their symptoms, tests to order, and a list of faults to choose a diagnosis from.

    beds: the figure of each bed's symptoms. tests: for each its cost and the function that does it when it is ordered;
    a test that was done is not paid twice. faults: the right one for each bed. names: all that can be chosen.
    Beds whose fault was named before their first test are counted: a diagnosis is worth more before than after it.
    Raises ValueError for no bed or no test, and where beds and faults do not fit together.
    """

    doing = "choose a bed, order tests, and commit to a diagnosis"

    def __init__(
        self,
        beds: Mapping[str, Figure],
        tests: Mapping[str, Test],
        faults: Mapping[str, str],
        names: Sequence[str],
    ) -> None:
        for what, given in {"beds": beds, "tests": tests}.items():
            if not given:
                raise ValueError(f"{what}: got none, expected one or more")
        if set(faults) != set(beds):
            raise ValueError(f"faults: got beds {', '.join(faults)}, expected {', '.join(beds)}")
        if unknown := [fault for fault in faults.values() if fault not in names]:
            raise ValueError(f"names: got {', '.join(names)}, expected {unknown[0]!r} among them")
        self.beds = dict(beds)
        self.tests = dict(tests)
        self.faults = dict(faults)
        self.results: dict[str, dict[str, str]] = {bed: {} for bed in beds}  # of the tests that were ordered
        self.verdicts: dict[str, str] = {}
        self.named_early: set[str] = set()  # beds whose first diagnosis was right, and came before any test
        self.setting = False
        first = next(iter(beds))
        self.bed = chooser("bed", list(beds), first, width="4em")
        self.picture = Picture(self.beds[first])
        self.orders = {}
        for name, (cost, _) in tests.items():
            self.orders[name] = ipw.Button(description=f"{name} ({cost})", layout={"width": "auto"})
            self.orders[name].on_click(lambda _, name=name: self.order(name))
        self.name = ipw.Dropdown(options=list(names), description="diagnosis", layout={"width": "28em"})
        self.button = ipw.Button(description="Commit", tooltip="Commit to this diagnosis for this bed")
        self.button.on_click(lambda _: self.commit())
        self.readout = readout()
        self.bed.observe(lambda _: self.setting or self._show(), names="value")
        wrap = {"flex_flow": "row wrap"}
        orders = ipw.HBox(list(self.orders.values()), layout=wrap).add_class("ganlab-group")
        super().__init__(
            [self.bed, self.picture, orders, ipw.HBox([self.name, self.button], layout=wrap), self.readout]
        )
        self._show()

    @property
    def bill(self) -> int:
        """What all tests so far have cost, in steps."""
        return sum(self.tests[name][0] for done in self.results.values() for name in done)

    def visit(self, bed: str) -> None:
        """Go to a bed, as its button does; ValueError for one that is not there."""
        if bed not in self.beds:
            raise ValueError(f"bed: got {bed!r}, expected one of {', '.join(self.beds)}")
        with by_program(self):
            self.bed.value = bed
        self._show()

    def order(self, name: str) -> str:
        """Do a test on the bed that is shown, and return its result; ValueError for an unknown test."""
        if name not in self.tests:
            raise ValueError(f"name: got {name!r}, expected one of {', '.join(self.tests)}")
        bed = self.bed.value
        if name not in self.results[bed]:
            self.results[bed][name] = self.tests[name][1](bed)
        self._read()
        return self.results[bed][name]

    def commit(self) -> None:
        """Judge the chosen diagnosis of the bed that is shown."""
        bed = self.bed.value
        said = self.name.value
        right = said == self.faults[bed]
        if right and bed not in self.verdicts and not self.results[bed]:
            self.named_early.add(bed)
        self.verdicts[bed] = f"{said}: {'yes, that is it' if right else 'no, look at its tests again'}"
        self._read()

    def _show(self) -> None:
        self.picture.figure = self.beds[self.bed.value]
        self.picture.alt = f"Symptoms of bed {self.bed.value}."
        self.picture.paint()
        self._read()

    def _read(self) -> None:
        bed = self.bed.value
        lines = [f"{name}: {result}" for name, result in self.results[bed].items()] or ["no test ordered yet"]
        lines += [self.verdicts[bed]] if bed in self.verdicts else []
        solved = sum(verdict.endswith("that is it") for verdict in self.verdicts.values())
        early = f", {len(self.named_early)} of them before a test" if self.named_early else ""
        lines.append(f"diagnosed {solved} of {len(self.beds)}{early}; all tests so far cost {self.bill} steps")
        self.readout.value = "<br>".join(html.escape(line) for line in lines)
