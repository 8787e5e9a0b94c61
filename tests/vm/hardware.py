"""qemu's options for cards and disks of many drivers."""

from collections.abc import Iterator

DISK_BYTES = 64 << 20
QUEUES = 4
DISKS = 6
USB_PRODUCT = "QEMU USB Tablet"

# Each is called as its driver in Linux is.
NETWORK_CARDS = ("e1000e", "vmxnet3", "igb")


def options() -> list[str]:
    return [word for option in _options() for word in option.split(" ")]


def _options() -> Iterator[str]:
    for number, card in enumerate(NETWORK_CARDS):
        yield f"-netdev user,id=card{number},restrict=on"
        yield f"-device {card},netdev=card{number}"
    # In a network of qemu's own: only a tap has several queues.
    yield f"-netdev tap,id=tap,ifname=tap0,queues={QUEUES},script=no,downscript=no"
    yield f"-device virtio-net-pci,netdev=tap,mq=on,vectors={2 * QUEUES + 2}"
    for number in range(DISKS):
        yield f"-blockdev null-co,node-name=disk{number},size={DISK_BYTES},read-zeroes=on"
    yield "-device nvme,drive=disk0,serial=irqwatch"
    yield "-device ich9-ahci,id=ata -device ide-hd,drive=disk1,bus=ata.0"
    yield "-device qemu-xhci,id=usb -device usb-storage,drive=disk2,bus=usb.0"
    yield "-device usb-tablet,bus=usb.0"
    yield f"-device virtio-scsi-pci,id=scsi,num_queues={QUEUES}"
    yield "-device scsi-hd,drive=disk3,bus=scsi.0 -device scsi-hd,drive=disk4,bus=scsi.0"
    yield "-device megasas-gen2,id=raid -device scsi-hd,drive=disk5,bus=raid.0"
