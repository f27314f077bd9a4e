"""deploy/kubernetes without a cluster: kubectl renders it, k8s.io/api's types accept every field,
and the parts fit each other."""

import json
import os
import pathlib
import re
import subprocess

import pytest

import tools

FOLDER = tools.ROOT / "deploy/kubernetes"
DECODE = pathlib.Path(__file__).parent / "decode"
USAGE, UNAVAILABLE = 64, 69  # warrenctl's exit codes: wrong configuration, and nobody there


@pytest.fixture(scope="module")
def rendered():
    return subprocess.run([*tools.kustomize_command(), str(FOLDER)], check=True, text=True,
                          stdout=subprocess.PIPE).stdout


@pytest.fixture(scope="module")
def decode():
    """The strict decoder: text -> (exit code, its report, objects)."""
    tools.need("go")
    binary = tools.SCRATCH / "bin" / "decode"
    subprocess.run(["go", "build", "-o", str(binary), "."], cwd=DECODE, check=True,
                   env={**os.environ, "GOFLAGS": "-buildvcs=false"})

    def run(text):
        done = subprocess.run([str(binary)], input=text, text=True, capture_output=True)
        objects = [json.loads(line) for line in done.stdout.splitlines()]
        return done.returncode, done.stderr, {f"{o['kind']}/{o['metadata']['name']}": o
                                              for o in objects}

    return run


@pytest.fixture(scope="module")
def objects(rendered, decode):
    code, report, found = decode(rendered)
    assert code == 0, report
    return found


@pytest.fixture(scope="module")
def pod(objects):
    return objects["StatefulSet/warren"]["spec"]["template"]


@pytest.fixture(scope="module")
def container(pod):
    return pod["spec"]["containers"][0]


def config_of(objects):
    config, = (o for name, o in objects.items() if name.startswith("ConfigMap/"))
    lines = (line.split("#")[0].strip() for line in config["data"]["warren.conf"].splitlines())
    return config["metadata"]["name"], dict(
        (part.strip() for part in line.split("=", 1)) for line in lines if line)


def test_every_object_is_there(objects):
    assert {name for name in objects if not name.startswith("ConfigMap/")} == {
        "StatefulSet/warren", "Service/warren", "Service/warren-nodes",
        "PodDisruptionBudget/warren"}


@pytest.mark.parametrize("right, wrong", [
    ("podManagementPolicy:", "podManagmentPolicy:"),
    ("terminationGracePeriodSeconds: 60", "terminationGracePeriodSeconds: soon"),
    ("kind: PodDisruptionBudget", "kind: PodDisruptionBudgets"),
])
def test_the_check_finds_what_is_wrong(rendered, decode, right, wrong):
    assert right in rendered
    assert decode(rendered.replace(right, wrong))[0] == 1


def test_the_members_are_the_pods_by_their_stable_names(objects, container):
    stateful = objects["StatefulSet/warren"]["spec"]
    _, settings = config_of(objects)
    nodes = [value for key, value in settings.items()
             if key.startswith("cluster_formation.classic_config.nodes.")]
    assert nodes == [f"warren@warren-{i}.{stateful['serviceName']}"
                     for i in range(stateful["replicas"])]
    name, = (e["value"] for e in container["env"] if e["name"] == "WARREN_NODE_NAME")
    assert name == f"warren@$(POD_NAME).{stateful['serviceName']}"
    order = [e["name"] for e in container["env"]]
    assert order.index("POD_NAME") < order.index("WARREN_NODE_NAME"), "or it is not expanded"


def test_the_headless_service_names_pods_before_they_are_ready(objects):
    spec = objects["Service/warren-nodes"]["spec"]
    assert spec["clusterIP"] == "None" and spec["publishNotReadyAddresses"] is True
    assert not objects["Service/warren"]["spec"].get("publishNotReadyAddresses")
    assert objects["StatefulSet/warren"]["spec"]["podManagementPolicy"] == "Parallel"


def test_selectors_find_the_pods(objects, pod):
    labels = pod["metadata"]["labels"].items()
    selectors = [objects["StatefulSet/warren"]["spec"]["selector"]["matchLabels"],
                 objects["PodDisruptionBudget/warren"]["spec"]["selector"]["matchLabels"],
                 objects["Service/warren"]["spec"]["selector"],
                 objects["Service/warren-nodes"]["spec"]["selector"]]
    terms = pod["spec"]["affinity"]["podAntiAffinity"][
        "preferredDuringSchedulingIgnoredDuringExecution"]
    selectors += [t["podAffinityTerm"]["labelSelector"]["matchLabels"] for t in terms]
    assert all(selector and selector.items() <= labels for selector in selectors)


def test_services_and_probes_name_ports_that_the_container_has(objects, container):
    ports = {p["name"]: p["containerPort"] for p in container["ports"]}
    assert ports == {"amqp": 5672, "http": 15672, "cluster": 25672}
    used = [p["targetPort"] for s in ("warren", "warren-nodes")
            for p in objects[f"Service/{s}"]["spec"]["ports"]]
    used.append(container["readinessProbe"]["httpGet"]["port"])
    assert set(used) <= set(ports)
    assert {"startupProbe", "livenessProbe", "readinessProbe"} <= container.keys()


def test_volumes_and_the_configuration_are_mounted(objects, pod, container):
    name, settings = config_of(objects)
    mounts = {m["name"]: m["mountPath"] for m in container["volumeMounts"]}
    claims = {c["metadata"]["name"]
              for c in objects["StatefulSet/warren"]["spec"]["volumeClaimTemplates"]}
    assert mounts.keys() == claims | {v["name"] for v in pod["spec"]["volumes"]}
    assert mounts["data"] == settings["data_dir"]
    assert {"name": name} in [
        {"name": v["configMap"]["name"]} for v in pod["spec"]["volumes"] if "configMap" in v]
    assert container["args"] == ["--config", f"{mounts['config']}/warren.conf"]


def test_nothing_needs_root_and_the_user_is_that_of_the_image(pod, container):
    user = re.search(r"^USER (\d+):(\d+)$", (tools.ROOT / "deploy/Dockerfile").read_text(), re.M)
    security = pod["spec"]["securityContext"]
    assert security["runAsNonRoot"] is True
    assert [security["runAsUser"], security["fsGroup"]] == [int(g) for g in user.groups()]
    assert container["securityContext"]["allowPrivilegeEscalation"] is False
    assert container["securityContext"]["readOnlyRootFilesystem"] is True
    assert container["securityContext"]["capabilities"] == {"drop": ["ALL"]}


def test_the_grace_is_long_enough_for_the_hand_over(objects, pod, container):
    _, settings = config_of(objects)
    command = container["lifecycle"]["preStop"]["exec"]["command"]
    assert command[0] == "sleep"
    hand_over = int(settings["warren.shutdown_timeout_ms"]) / 1000
    assert pod["spec"]["terminationGracePeriodSeconds"] > int(command[1]) + hand_over
    # Variables that Kubernetes makes of Services would be read as settings.
    assert pod["spec"]["enableServiceLinks"] is False


@pytest.mark.parametrize("text", [
    (tools.ROOT / "deploy/warren-container.conf").read_text(),
    (FOLDER / "warren.conf").read_text() + "node.name = warren@warren-0.warren-nodes\n",
], ids=["image", "kubernetes"])
def test_the_broker_knows_every_setting(text, tmp_path):
    warrenctl = tools.BUILD / "broker/warrenctl"  # reads the file by the broker's own parser
    config = tmp_path / "warren.conf"
    for content, code in ((text, UNAVAILABLE), (text + "heartbeats = 1\n", USAGE)):
        config.write_text(content)
        done = subprocess.run([warrenctl, "--config", config, "--port", "1", "ping"], text=True,
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        assert done.returncode == code, done.stdout
