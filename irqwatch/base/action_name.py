"""What the name that a driver gave its interrupt says: whose it is, which queue it serves, which
way. Pure.

Forms are those of the drivers of Linux 6.12; tests/unit/base/test_action_name.py lists them one by
one with their sources. A number that is not a queue's (an event queue that several rings share, a
portal of a CPU, a vector that counts on from another kind's) is none: see ``base/line_queues.py``
for those that the lines beside it tell.
"""

import re
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from functools import lru_cache

RX, TX, BOTH = "rx", "tx", "both"


@dataclass(frozen=True, slots=True)
class ActionName:
    """``device`` is one of those that were asked about; ``serves`` is of a network queue RX, TX or
    BOTH, else empty."""

    device: str | None = None
    queue: int | None = None
    serves: str = ""


# A word for the way, and the number of the queue after it, at the end or before "@pci:…".
_WAYS = r"tx-?rx|rx-?tx|tx-\d+-rx|rxq?|txq?|txc|sq|input|output|fp|q|queue|slice|cq"
_QUEUE = r"(?P<queue>\d{1,5})"
_WORD_THEN_NUMBER = re.compile(rf"[-:._ ](?:L\d+-)?(?P<way>{_WAYS})[-._ ]?{_QUEUE}$", re.IGNORECASE)
# Xen's frontend and backend, and gianfar's groups: "eth0-q0-tx", "eth0_g1_rx".
_NUMBER_THEN_WAY = re.compile(rf"[-_][qg]{_QUEUE}[-_](?P<way>rx|tx)$")
# "%s-%d" and "%s[%d]" of a network device's name.
_NUMBER_ONLY = re.compile(rf"-{_QUEUE}|\[(?P<index>\d{{1,5}})\]")
_NETWORK = re.compile(rf"^(?:mlx5_comp|mana_q){_QUEUE}(?=@)")
_OTHERS = re.compile(
    rf"""
    (?: ^nvme\d+q | ^nvme\ \d+\ io | ^virtio\d+-(?:req|requests|dataq)\. | -(?:msix|scsi|nvmf)
      | ^lpfc: | ^qla2xxx\d+_qpair | ^fnic\d+-scsi-wq- | ^(?:pm80xx|ocrdma|host)\d+- | -ceq-?
      | ^bnxt_re-nq- | ^efa-comp | ^qedr
    )
    {_QUEUE} (?= $ | @pci: )
    """,
    re.VERBOSE | re.IGNORECASE,
)
# With what each serves; None: the word for the way says it.
_FORMS = ((_WORD_THEN_NUMBER, None), (_NUMBER_THEN_WAY, None), (_NETWORK, BOTH), (_OTHERS, ""))
_HEXADECIMAL = re.compile(r"^beiscsi_[0-9a-f]{2,}_(?P<queue>[0-9a-f]{2,4})$")
# Of Intel's flow director and its control interface: their queues are none of the network device's.
_NOT_ITS_QUEUES = re.compile(r":(?:fdir|ctrl)-")


def parse(action: str, devices: Collection[str] = ()) -> ActionName:
    """``devices`` are the network devices, by name, that the line may be of."""
    device = action if action in devices else named_in(action, devices)
    found = None if action == device else _queue(action, device)
    return ActionName(device, *found) if found else ActionName(device)


def without_queue(action: str, devices: Collection[str] = ()) -> str:
    """``action`` with "*" in place of its queue's number: what all queues of a device share."""
    device = action if action in devices else named_in(action, devices)
    found = None if action == device else _find(action, device)
    if found is None:
        return action
    match, number, _ = found
    return f"{action[: match.start(number)]}*{action[match.end(number) :]}"


def _queue(action: str, device: str | None) -> tuple[int, str] | None:
    """The number, and which way it serves."""
    found = _find(action, device)
    if found is None:
        return None
    match, number, serves = found
    base = 16 if match.re is _HEXADECIMAL else 10
    return int(match[number], base), _way(match["way"]) if serves is None else serves


def _find(action: str, device: str | None) -> tuple[re.Match[str], str, str | None] | None:
    """Where the number is, the name of its group in the match, and what the queue serves, as in
    ``_FORMS``."""
    if _NOT_ITS_QUEUES.search(action):
        return None
    if device is not None and (match := _NUMBER_ONLY.fullmatch(action, _end_of(action, device))):
        return match, "queue" if match["queue"] else "index", BOTH
    for pattern, serves in _FORMS:
        if match := pattern.search(action):
            return match, "queue", serves
    if match := _HEXADECIMAL.match(action):
        return match, "queue", ""
    return None


def _way(word: str) -> str:
    way = word.lower()
    receives = "rx" in way or way in {"input", "cq"}  # bna's completion queues are of receiving
    sends = "tx" in way or way in {"output", "sq"}
    if receives == sends:
        return BOTH
    return RX if receives else TX


def named_in(action: str, devices: Collection[str]) -> str | None:
    """The longest of ``devices`` that stands in ``action`` as a word: "lan-2" in "lan-2-rx-0" where
    there is a "lan" too."""
    found = [device for device in devices if _places(action, device)]
    return max(found, key=len, default=None)


def _places(action: str, device: str) -> list[int]:
    """Where it ends. Names of devices hold "-", "." and "_"; letters and digits go on."""
    if device not in action:  # most are not, and that is quick to see
        return []
    return [match.end() for match in _word(device).finditer(action)]


@lru_cache(maxsize=1024)
def _word(device: str) -> re.Pattern[str]:
    return re.compile(rf"(?<![A-Za-z0-9._]){re.escape(device)}(?![A-Za-z0-9])")


def _end_of(action: str, device: str) -> int:
    return _places(action, device)[-1]


def words(action: str) -> Iterator[str]:
    """What it may have been called after, longest first: the name, and what stands before each of
    its separators."""
    yield action
    for match in reversed(list(re.finditer(r"[-@: \[_]", action))):
        yield action[: match.start()]
