"""Commands that mend, by distribution."""

import pytest

from irqwatch.derive import mend


@pytest.mark.parametrize(
    ("os_ids", "command"),
    [
        (("debian",), "apt-get install python3-bpfcc"),
        (("ubuntu", "debian"), "apt-get install python3-bpfcc"),
        (("linuxmint", "ubuntu", "debian"), "apt-get install python3-bpfcc"),
        (("fedora",), "dnf install python3-bcc"),
        (("rocky", "rhel", "centos", "fedora"), "dnf install python3-bcc"),
        (("opensuse-leap", "suse", "opensuse"), "zypper install python3-bcc"),
        (("opensuse-tumbleweed",), "zypper install python3-bcc"),
        (("arch",), "pacman -S python-bcc"),
        (("alpine",), "apk add py3-bcc"),
        (("plan9",), "build it"),
        ((), "build it"),
    ],
)
def test_install(os_ids, command):
    assert mend.install(os_ids, mend.BCC, "build it") == command


@pytest.mark.parametrize("packages", [mend.BCC, mend.LIBBPF, mend.KERNEL])
def test_every_package_manager_has_its_name_for_it(packages):
    assert packages.keys() == mend.INSTALL.keys() == set(mend.PACKAGE_MANAGERS.values())


@pytest.mark.parametrize(
    ("os_ids", "command"),
    [
        (("debian",), "apt-get install linux-image-$(dpkg --print-architecture), and reboot"),
        (("ubuntu", "debian"), "apt-get install linux-generic, and reboot"),
        (("fedora",), "dnf install kernel, and reboot"),
        ((), "boot a kernel built with CONFIG_DEBUG_INFO_BTF"),
    ],
)
def test_install_kernel(os_ids, command):
    assert mend.install_kernel(os_ids) == command
