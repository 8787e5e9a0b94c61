"""The manifests, by Kubernetes' own schemas, and by what they must not ask for."""

import re
from pathlib import Path
from typing import Any

import kubernetes_validate
import pytest
import yaml

FOLDER = Path(__file__).resolve().parents[2] / "deploy" / "kubernetes"
# An old release that is still run, and a newer one.
RELEASES = ("1.25", "1.31")
# Their kinds are the operator's and Kustomize's, of which the schemas know nothing.
NOT_KUBERNETES = ("podmonitor.yaml", "kustomization.yaml")


def read(name: str) -> Any:
    return yaml.safe_load((FOLDER / name).read_text(encoding="utf-8"))


MANIFESTS = sorted(path.name for path in FOLDER.glob("*.yaml") if path.name not in NOT_KUBERNETES)


@pytest.mark.parametrize("release", RELEASES)
@pytest.mark.parametrize("name", MANIFESTS)
def test_schema(name: str, release: str) -> None:
    kubernetes_validate.validate(read(name), release, strict=True)


def test_kustomize_takes_all_of_them() -> None:
    assert sorted(read("kustomization.yaml")["resources"]) == MANIFESTS


def test_it_asks_for_no_more_than_it_needs() -> None:
    pod = read("daemonset.yaml")["spec"]["template"]["spec"]
    (container,) = pod["containers"]
    security = container["securityContext"]

    assert security["capabilities"] == {
        "drop": ["ALL"],
        "add": ["BPF", "PERFMON", "SETUID", "SETGID"],
    }
    assert not security["privileged"] and not security["allowPrivilegeEscalation"]
    assert security["readOnlyRootFilesystem"]
    assert not any(pod.get(name) for name in ("hostPID", "hostNetwork", "hostIPC"))
    assert {one["name"] for one in pod["volumes"]} == {"proc", "sys", "tmp"}
    hosts = {one["name"] for one in pod["volumes"] if "hostPath" in one}
    assert all(one.get("readOnly") for one in container["volumeMounts"] if one["name"] in hosts)


def test_the_monitor_finds_the_pods_and_the_port() -> None:
    monitor, template = read("podmonitor.yaml")["spec"], read("daemonset.yaml")["spec"]["template"]

    assert monitor["selector"]["matchLabels"] == template["metadata"]["labels"]
    (container,) = template["spec"]["containers"]
    ports = {port["name"]: port["containerPort"] for port in container["ports"]}
    assert [one["port"] for one in monitor["podMetricsEndpoints"]] == list(ports)
    image = (FOLDER.parent / "Containerfile").read_text(encoding="utf-8")
    assert re.findall(r"^EXPOSE (\d+)$", image, re.MULTILINE) == [str(*ports.values())]


def test_the_image_is_told_where_the_mounts_are() -> None:
    image = (FOLDER.parent / "Containerfile").read_text(encoding="utf-8")
    (container,) = read("daemonset.yaml")["spec"]["template"]["spec"]["containers"]
    mounts = {one["name"]: one["mountPath"] for one in container["volumeMounts"]}

    assert f"--path.procfs={mounts['proc']}" in image
    assert f"--path.sysfs={mounts['sys']}" in image
