"""The command that mends what is missing, by distribution. Pure."""

from collections.abc import Mapping

# By ID or ID_LIKE of os-release(5).
PACKAGE_MANAGERS = {
    "debian": "apt",
    "ubuntu": "apt",
    "fedora": "dnf",
    "rhel": "dnf",
    "centos": "dnf",
    "suse": "zypper",
    "opensuse": "zypper",
    "arch": "pacman",
    "alpine": "apk",
}

INSTALL = {
    "apt": "apt-get install",
    "dnf": "dnf install",
    "zypper": "zypper install",
    "pacman": "pacman -S",
    "apk": "apk add",
}

BCC = {
    "apt": "python3-bpfcc",
    "dnf": "python3-bcc",
    "zypper": "python3-bcc",
    "pacman": "python-bcc",
    "apk": "py3-bcc",
}

LIBBPF = {
    "apt": "libbpf1",
    "dnf": "libbpf",
    "zypper": "libbpf1",
    "pacman": "libbpf",
    "apk": "libbpf",
}

# The distributions' own kernels are built with CONFIG_DEBUG_INFO_BTF.
KERNEL = {
    "apt": "linux-image-$(dpkg --print-architecture)",
    "dnf": "kernel",
    "zypper": "kernel-default",
    "pacman": "linux",
    "apk": "linux-lts",
}


def package_manager(os_ids: tuple[str, ...]) -> str | None:
    """The first that is known of an os-release's ID and ID_LIKE; ``opensuse-leap`` is opensuse."""
    for os_id in os_ids:
        for name in (os_id, os_id.partition("-")[0]):
            if name in PACKAGE_MANAGERS:
                return PACKAGE_MANAGERS[name]
    return None


def install(os_ids: tuple[str, ...], packages: Mapping[str, str], otherwise: str) -> str:
    """``apt-get install python3-bpfcc``, or ``otherwise`` where the distribution is not known."""
    manager = package_manager(os_ids)
    return f"{INSTALL[manager]} {packages[manager]}" if manager else otherwise


def install_kernel(os_ids: tuple[str, ...]) -> str:
    packages = {**KERNEL, "apt": "linux-generic"} if "ubuntu" in os_ids else KERNEL
    command = install(os_ids, packages, "")
    return f"{command}, and reboot" if command else "boot a kernel built with CONFIG_DEBUG_INFO_BTF"
