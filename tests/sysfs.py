"""Builds the parts of a /sys that say which devices there are: folders below devices/, and the
links to them that the kernel makes."""

from collections.abc import Iterable, Mapping
from pathlib import Path

PCI = "pci0000:00"


class Sysfs:
    def __init__(self, root: Path) -> None:
        self.root = root

    def pci(
        self,
        address: str,
        irqs: Iterable[int] = (),
        *,
        intx: int = 0,
        driver: str = "some",
        bridge: str = PCI,
    ) -> str:
        """The path of a new function, below devices/; ``bridge`` is that of what it hangs on."""
        path = f"{bridge}/{address}"
        folder = self._folder(path)
        (folder / "irq").write_text(f"{intx}\n")
        for irq in irqs:
            self.file(f"{path}/msi_irqs/{irq}", "msix")
        self._link(f"devices/{path}/driver", f"bus/pci/drivers/{driver}")
        self._link(f"bus/pci/devices/{address}", f"devices/{path}")
        return path

    def net(
        self, path: str, name: str, *, port: str | None = None, rx: int = 1, tx: int = 1
    ) -> None:
        """``port`` is its phys_port_name."""
        folder = self._folder(f"{path}/net/{name}")
        for way, count in (("rx", rx), ("tx", tx)):
            for number in range(count):
                (folder / "queues" / f"{way}-{number}").mkdir(parents=True)
        if port is not None:
            (folder / "phys_port_name").write_text(f"{port}\n")
        self._link(f"devices/{path}/net/{name}/device", f"devices/{path}")
        self._link(f"class/net/{name}", f"devices/{path}/net/{name}")

    def disk(self, path: str, name: str) -> None:
        """``path`` is what it hangs on."""
        self._folder(f"{path}/{name}")
        self._link(f"block/{name}", f"devices/{path}/{name}")

    def usb(self, path: str, name: str, files: Mapping[str, str]) -> str:
        """A USB device or hub below ``path``."""
        self._folder(f"{path}/{name}")
        for file, text in files.items():
            self.file(f"{path}/{name}/{file}", text)
        self._link(f"bus/usb/devices/{name}", f"devices/{path}/{name}")
        return f"{path}/{name}"

    def member(self, path: str, kind: str, name: str) -> None:
        """A device of a class, below ``path``."""
        self._folder(f"{path}/{kind}/{name}")
        self._link(f"class/{kind}/{name}", f"devices/{path}/{kind}/{name}")

    def file(self, path: str, text: str) -> None:
        file = self.root / "devices" / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(f"{text}\n")

    def _folder(self, path: str) -> Path:
        folder = self.root / "devices" / path
        folder.mkdir(parents=True, exist_ok=True)
        return folder

    def _link(self, at: str, to: str) -> None:
        """Relative, as sysfs has them."""
        link = self.root / at
        link.parent.mkdir(parents=True, exist_ok=True)
        link.symlink_to("../" * at.count("/") + to)
