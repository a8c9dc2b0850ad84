"""docker-compose.yml agrees with the code: nothing here runs Docker, so everything that can be compared is."""

from __future__ import annotations

import json
import re
import tomllib
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml

from palier.kafka.jars import KAFKA_VERSION
from palier.settings import Settings, load_settings
from palier_simulator.arguments import parse

ROOT = Path(__file__).parents[2]
COMPOSE: dict[str, Any] = yaml.safe_load((ROOT / "docker-compose.yml").read_text())
SERVICES: dict[str, dict[str, Any]] = COMPOSE["services"]
OURS = [name for name, service in SERVICES.items() if service["image"].startswith("palier:")]
JOBS = ["topics"]  # done at some time, unlike the others
DAEMONS = [name for name in SERVICES if name not in (*JOBS, "simulator")]
PROMETHEUS: dict[str, Any] = yaml.safe_load((ROOT / "deploy/prometheus/prometheus.yml").read_text())


def mounts(service: str) -> dict[str, str]:
    """Path inside the container -> path in the repository, of the service's files from the repository."""
    pairs = (mount.split(":") for mount in SERVICES[service].get("volumes", ()))
    return {target: source for source, target, *_ in pairs if source.startswith("./")}


def listeners(variable: str) -> dict[str, str]:
    """Listener name -> host:port, of one of Kafka's listener lists."""
    pairs = (listener.split("://") for listener in SERVICES["kafka"]["environment"][variable].split(","))
    return dict(pairs)


def test_it_is_valid_compose() -> None:
    """The file obeys the Compose specification's own schema: a misspelt or misplaced key is found without an engine."""
    package = find_spec("check_jsonschema")
    assert package is not None
    assert package.submodule_search_locations is not None
    schemas = Path(package.submodule_search_locations[0], "builtin_schemas", "vendor")
    schema = json.loads((schemas / "compose-spec.json").read_text())
    jsonschema.validate(COMPOSE, schema)
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate({"services": {"worker": {"image": "x", "restrat": "always"}}}, schema)


def test_images_are_pinned() -> None:
    """Every image names a whole version; ours that of the distribution; the broker that of the local one."""
    for name, service in SERVICES.items():
        assert re.search(r":v?\d+\.\d+\.\d+$", service["image"]), f"{name}: {service['image']}"
    version = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["version"]
    assert {SERVICES[name]["image"] for name in OURS} == {f"palier:{version}"}
    assert SERVICES["kafka"]["image"] == f"apache/kafka:{KAFKA_VERSION}"


def test_our_services_share_one_image() -> None:
    """Worker, simulator and topics job are built once, from the Dockerfile that exists."""
    assert set(OURS) == {"topics", "worker", "simulator"}
    for name in OURS:
        build = SERVICES[name]["build"]
        assert (ROOT / build["context"] / build["dockerfile"]).is_file()
        assert build == SERVICES["worker"]["build"]


@pytest.mark.parametrize("name", OURS)
def test_environment_names_are_settings(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Every PALIER_ variable is a setting and its value is accepted; a misspelt one would be ignored in silence."""
    environment = SERVICES[name]["environment"]
    assert {variable for variable in environment if variable.startswith("PALIER_")} <= {
        f"PALIER_{field.upper()}" for field in Settings.model_fields
    }
    for variable, value in environment.items():
        monkeypatch.setenv(variable, value)
    load_settings()


def test_topics_are_named_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Job, worker and simulator mean the same topics, group and broker, and only the job creates topics."""
    naming = ("brokers", "partitions", "partitioner", "application", "topic_prefix", "touchpoints_topic")
    naming += ("tier_changes_topic", "tier_current_topic", "dead_letter_topic")
    meant = set()
    for name in OURS:
        with monkeypatch.context() as environment:
            for variable, value in SERVICES[name]["environment"].items():
                environment.setenv(variable, value)
            settings = load_settings()
        meant.add(tuple(getattr(settings, field) for field in naming))
    assert len(meant) == 1
    assert SERVICES["kafka"]["environment"]["KAFKA_AUTO_CREATE_TOPICS_ENABLE"] == "false"
    assert SERVICES["topics"]["command"] == ["palier", "topics", "--apply"]


def test_the_broker_is_reached_from_both_sides() -> None:
    """Containers get the address the broker advertises to them; programs on the machine the default of PALIER_BROKERS."""
    advertised = listeners("KAFKA_ADVERTISED_LISTENERS")
    assert SERVICES["worker"]["environment"]["PALIER_BROKERS"] == advertised["CONTAINERS"]
    assert Settings.model_fields["brokers"].default == advertised["MACHINE"]
    for name, address in advertised.items():
        assert address.split(":")[1] == listeners("KAFKA_LISTENERS")[name].split(":")[1]
    machine = advertised["MACHINE"]
    assert SERVICES["kafka"]["ports"] == [f"{machine}:{machine.split(':')[1]}"]
    assert advertised["CONTAINERS"] in SERVICES["kafka"]["healthcheck"]["test"]


def test_the_metrics_port_is_one() -> None:
    """Setting, worker, health check, Prometheus and image agree where /metrics and /readyz are."""
    port = Settings.model_fields["metrics_port"].default
    worker = SERVICES["worker"]
    assert worker["environment"]["PALIER_METRICS_PORT"] == str(port)
    assert worker["expose"] == [str(port)]
    assert f"http://127.0.0.1:{port}/readyz" in worker["healthcheck"]["test"][-1]
    (scrape,) = PROMETHEUS["scrape_configs"]
    (found_by,) = scrape["dns_sd_configs"]
    assert (found_by["port"], found_by["type"]) == (port, "A")
    assert re.search(rf"^EXPOSE {port}$", (ROOT / "deploy/Dockerfile").read_text(), flags=re.MULTILINE)


def test_prometheus_finds_every_worker() -> None:
    """It asks for the name of a service that exists, so that a scaled worker is scraped as well."""
    (scrape,) = PROMETHEUS["scrape_configs"]
    assert scrape["job_name"] == "palier-worker"
    assert scrape["dns_sd_configs"][0]["names"] == ["worker"]
    assert SERVICES["worker"]["deploy"]["replicas"] == 2
    assert "container_name" not in SERVICES["worker"], "a container name forbids a second one"
    assert "ports" not in SERVICES["worker"], "a published port can be taken by one worker only"


def test_mounted_files_exist() -> None:
    """Whatever is mounted from the repository is there, read-only; Docker would make an empty folder in its place."""
    for name, service in SERVICES.items():
        for target, source in mounts(name).items():
            assert (ROOT / source).exists(), f"{name}: {source}"
            assert f"{source}:{target}:ro" in service["volumes"]
        for mount in service.get("volumes", ()):
            source = mount.split(":")[0]
            assert source.startswith("./") or source in COMPOSE["volumes"], f"{name}: {source}"


def test_prometheus_and_grafana_read_what_is_mounted() -> None:
    """The paths in their commands and settings lie inside mounted files or folders; Grafana asks our Prometheus."""
    (config,) = [flag.split("=")[1] for flag in SERVICES["prometheus"]["command"] if "config.file" in flag]
    assert mounts("prometheus")[config] == "./deploy/prometheus/prometheus.yml"
    dashboards = mounts("grafana")["/etc/palier/dashboards"]
    home = Path(SERVICES["grafana"]["environment"]["GF_DASHBOARDS_DEFAULT_HOME_DASHBOARD_PATH"])
    assert (ROOT / dashboards / home.relative_to("/etc/palier/dashboards")).is_file()
    provisioning = ROOT / mounts("grafana")["/etc/grafana/provisioning"]
    (provider,) = yaml.safe_load((provisioning / "dashboards/palier.yml").read_text())["providers"]
    assert provider["options"]["path"] == "/etc/palier/dashboards"
    assert provider["allowUiUpdates"] is False
    (source,) = yaml.safe_load((provisioning / "datasources/prometheus.yml").read_text())["datasources"]
    assert source["url"] == "http://prometheus:9090"
    assert source["jsonData"]["timeInterval"] == PROMETHEUS["global"]["scrape_interval"]


def test_nothing_listens_beyond_this_machine() -> None:
    """Every published port is bound to loopback, once."""
    published = [port for service in SERVICES.values() for port in service.get("ports", ())]
    assert published
    for port in published:
        assert re.fullmatch(r"127\.0\.0\.1:(\d+):\1", port), port
    assert len(published) == len(set(published))


def test_life_cycle_is_stated() -> None:
    """Everything says whether it restarts; what runs on has a health check; workers return after a fault and may drain."""
    for name, service in SERVICES.items():
        assert service["restart"] in {"no", "on-failure", "unless-stopped"}, name
    for name in DAEMONS:
        assert SERVICES[name]["healthcheck"]["test"][0] == "CMD", name
        assert SERVICES[name]["restart"] != "no", name
    assert SERVICES["worker"]["restart"] == "on-failure"
    for name in ("kafka", "worker", "simulator"):
        assert re.fullmatch(r"\d+s", SERVICES[name]["stop_grace_period"]), name


def test_they_start_in_order() -> None:
    """Broker, then topics, then workers, then traffic: each waits until the one before is fit."""
    assert SERVICES["topics"]["depends_on"] == {"kafka": {"condition": "service_healthy"}}
    assert SERVICES["worker"]["depends_on"] == {"topics": {"condition": "service_completed_successfully"}}
    assert SERVICES["simulator"]["depends_on"] == {"worker": {"condition": "service_healthy"}}
    for service in SERVICES.values():
        assert set(service.get("depends_on", ())) <= set(SERVICES)


def test_commands_exist() -> None:
    """Modules that are started can be found, and the simulator accepts its arguments."""
    for name in ("worker", "simulator"):
        python, flag, module, *arguments = SERVICES[name]["command"]
        assert (python, flag) == ("python", "-m")
        assert find_spec(f"{module}.__main__") is not None
        if arguments:
            options = parse(arguments, now_ms=1_800_000_000_000)
            assert options.then_live
            assert options.jsonl is None


@pytest.mark.parametrize("name", OURS)
def test_our_containers_have_few_rights(name: str) -> None:
    """No capability, no way to gain one, nothing writable but what is gone with the container."""
    service = SERVICES[name]
    assert service["cap_drop"] == ["ALL"]
    assert service["security_opt"] == ["no-new-privileges:true"]
    assert service["read_only"] is True
    assert [mount.split(":")[0] for mount in service["tmpfs"]] == ["/tmp", "/var/lib/palier"]
