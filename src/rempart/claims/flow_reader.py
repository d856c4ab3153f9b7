"""The insurer's own side of its daily flow: open it with its notice key, and check that it says what its header promises.

Nothing here needs the platform: a file and a key. Memory holds one line and the loads' keys.
"""

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

import msgspec

from rempart.claims import flow_file
from rempart.claims.act_lines import ActLines, open_act_lines
from rempart.claims.flow_file import Acceptance, BadFlow, Call, Cancellation, Header, LoadKey, read_line
from rempart.claims.messages import Shares
from rempart.intake.notice import open_reference, unwrap_load_key


@dataclass(frozen=True)
class Opened:
    """An acceptance with what only its insurer reads. `member`: its own reference of the person, "" when the entry had none."""

    line: Acceptance
    member: str
    acts: ActLines


@dataclass
class FlowReader:
    """Reads one flow, from its first line to its last. After the last, `header` was found true."""

    private_key: bytes = field(repr=False)
    """The insurer's notice key, 32 raw bytes."""
    header: Header | None = None
    _keys: dict[int, bytes] = field(default_factory=dict, repr=False)
    _sums: Counter[str] = field(default_factory=Counter, repr=False)

    def read(self, lines: Iterable[bytes]) -> Iterator[Opened | Cancellation | Call]:
        """Each line, opened. Raises BadFlow, ActLinesUnreadable, UnreadableReference; BadFlow at the end when counts or sums differ."""
        for content in lines:
            line = read_line(content)
            if self.header is None:
                self.header = _checked(line)
            elif isinstance(line, LoadKey):
                self._keys[line.load] = unwrap_load_key(
                    flow_file.raw(line.wrapped), self.private_key, self.header.amc
                )
            elif isinstance(line, Acceptance):
                self._count("accepted", line.amounts)
                yield self._open(line, self.header.amc)
            elif isinstance(line, Cancellation):
                self._count("cancelled", line.amounts)
                yield line
            elif isinstance(line, Call):
                self._sums.update({"calls": 1, "called": line.cents})
                yield line
            else:
                raise BadFlow("a second header")
        self._prove()

    def _open(self, line: Acceptance, amc: str) -> Opened:
        acts = open_act_lines(flow_file.raw(line.acts), self.private_key, amc)
        if (acts.invoice, acts.engagement, acts.index) != (line.invoice, line.engagement, line.index):
            raise BadFlow(f"the acts of another invoice: {line.invoice}")
        if _sum(acts.shares) != line.amounts:
            raise BadFlow(f"the acts do not sum to the invoice: {line.invoice}")
        return Opened(line, self._member(flow_file.raw(line.member), amc), acts)

    def _member(self, notice_ref: bytes, amc: str) -> str:
        if not notice_ref:
            return ""
        load = int.from_bytes(notice_ref[:4], "big")
        if load not in self._keys:
            raise BadFlow(f"no key for load {load}")
        return open_reference(notice_ref, self._keys[load], amc)

    def _count(self, what: str, amounts: Shares) -> None:
        self._sums[what] += 1
        for name, cents in msgspec.structs.asdict(amounts).items():
            self._sums[f"{what} {name}"] += cents

    def _prove(self) -> None:
        header, sums = self.header, self._sums
        if header is None:
            raise BadFlow("empty")
        counted = (sums["accepted"], sums["cancelled"], sums["calls"], sums["called"])
        if counted != (header.acceptances, header.cancellations, header.calls, header.called):
            raise BadFlow("lines are missing")
        for what, promised in (("accepted", header.accepted), ("cancelled", header.cancelled)):
            if any(
                sums[f"{what} {name}"] != cents for name, cents in msgspec.structs.asdict(promised).items()
            ):
                raise BadFlow(f"{what}: the sums differ")


def _checked(line: flow_file.Line) -> Header:
    if not isinstance(line, Header) or line.version != flow_file.VERSION:
        raise BadFlow("header")
    return line


def _sum(shares: Iterable[Shares]) -> Shares:
    columns = zip(*map(msgspec.structs.astuple, shares), strict=True)
    return Shares(*(sum(column) for column in columns))
