"""Metrics, Prometheus and the dashboard say the same names."""

from __future__ import annotations

import json
import re
import sys
from pathlib import Path
from typing import Any

import yaml

from external_tools import external_tool, output_of
from palier.metrics import Metrics

DEPLOY = Path(__file__).parents[2] / "deploy"
BOARD: dict[str, Any] = json.loads((DEPLOY / "grafana/dashboards/palier.json").read_text())
PANELS = [panel for panel in BOARD["panels"] if panel["type"] != "row"]
EXPRESSIONS = [target["expr"] for panel in PANELS for target in panel["targets"]]
NOT_OURS = {"up"}  # Prometheus makes it itself


def exposed() -> dict[str, set[str]]:
    """Name of every series on /metrics -> its labels, of a worker to which everything has happened once."""
    metrics = Metrics(types=["page.viewed"], tiers=["engaged"], reasons=["future"])
    metrics.pack("default", 1, "digest")
    metrics.partition_assigned(0)
    metrics.standby_partitions({1})
    metrics.standby_lag(1, 2)
    metrics.recovery_time_left(1.5)
    metrics.lag(0, records=1, seconds=1)
    metrics.stuck(0, seconds=1)
    metrics.event_time(0, 1)
    metrics.contacts(0, {})
    return {
        sample.name: set(sample.labels) | {"job", "instance"}
        for family in metrics.registry.collect()
        for sample in family.samples
    }


def selectors(expression: str) -> dict[str, set[str]]:
    """Metric -> labels it is filtered by, of every selector in a PromQL expression (all of ours have braces)."""
    return {
        name: set(re.findall(r"(\w+)\s*(?:=~|!~|!=|=)", matchers))
        for name, matchers in re.findall(r"([a-zA-Z_:][\w:]*)\{([^}]*)\}", expression)
    }


def grouping(expression: str) -> set[str]:
    """The labels that an expression groups by, without `le`."""
    return {
        label.strip()
        for labels in re.findall(r"\bby \(([^)]*)\)", expression)
        for label in labels.split(",")
        if label.strip() != "le"
    }


def variables() -> dict[str, dict[str, Any]]:
    return {variable["name"]: variable for variable in BOARD["templating"]["list"]}


def test_the_dashboard_is_fresh() -> None:
    """The committed JSON is what deploy/grafana/build.py makes of the panels."""
    code = "import build, sys; sys.stdout.write(build.text())"
    made = output_of(
        sys.executable, "-c", code, env={"PYTHONPATH": str(DEPLOY / "grafana"), "PYTHONDONTWRITEBYTECODE": "1"}
    )
    assert made == (DEPLOY / "grafana/dashboards/palier.json").read_text(), "run: python deploy/grafana/build.py"


def test_every_query_names_a_metric_that_exists() -> None:
    """A renamed metric answers an empty panel, not an error: so names, filters and groupings are compared with /metrics."""
    known = exposed()
    for expression in EXPRESSIONS:
        found = selectors(expression)
        assert found, expression
        offered = set().union(*(known.get(name, set()) for name in found))
        assert grouping(expression) <= offered, expression
        for name, labels in found.items():
            if name not in NOT_OURS:
                assert name in known, f"{name} in {expression}"
                assert labels <= known[name], f"{labels - known[name]} in {expression}"
    for variable in variables().values():
        for name in re.findall(r"label_values\((\w+)", variable.get("definition", "")):
            assert name in known


def test_every_metric_of_ours_is_shown() -> None:
    """A metric that nobody looks at is a cost: each is on the dashboard."""
    families = {re.sub(r"_(bucket|sum|count)$", "", name) for name in exposed() if name.startswith("palier_")}
    shown = {re.sub(r"_(bucket|sum|count)$", "", name) for expression in EXPRESSIONS for name in selectors(expression)}
    assert families - shown == set()


def test_every_query_follows_the_variables() -> None:
    """Choosing a job or a worker narrows every panel; rates go by the interval that fits scrape and zoom."""
    for expression in EXPRESSIONS:
        for name, matchers in re.findall(r"([a-zA-Z_:][\w:]*)\{([^}]*)\}", expression):
            assert matchers.endswith('job=~"$job",instance=~"$instance"'), f"{name} in {expression}"
        assert not re.search(r"\brate\([^[]*\[(?!\$__rate_interval\])", expression), expression
    found = variables()
    assert list(found) == ["datasource", "job", "instance"]
    for name in ("job", "instance"):
        assert (found[name]["multi"], found[name]["allValue"], found[name]["refresh"]) == (True, ".+", 2)


def test_every_panel_explains_itself() -> None:
    """Title, a sentence on what it means, unit, one data source to choose, places that do not overlap; nothing editable."""
    assert BOARD["editable"] is False
    titles = [panel["title"] for panel in PANELS]
    assert len(set(titles)) == len(titles)
    taken: set[tuple[int, int]] = set()
    for panel in BOARD["panels"]:
        place = panel["gridPos"]
        cells = {
            (x, y)
            for x in range(place["x"], place["x"] + place["w"])
            for y in range(place["y"], place["y"] + place["h"])
        }
        assert not cells & taken, panel["title"]
        assert place["x"] + place["w"] <= 24
        taken |= cells
    for panel in PANELS:
        assert panel["description"].endswith("."), panel["title"]
        assert panel["fieldConfig"]["defaults"]["unit"], panel["title"]
        for target in panel["targets"]:
            assert target["datasource"] == {"type": "prometheus", "uid": "$datasource"}
        references = [target["refId"] for target in panel["targets"]]
        assert len(set(references)) == len(references)


def test_prometheus_accepts_its_configuration() -> None:
    """Promtool finds nothing wrong with the scrape configuration."""
    output_of(external_tool("promtool"), "check", "config", DEPLOY / "prometheus/prometheus.yml")


def test_promtool_likes_the_metrics() -> None:
    """Promtool's linter of metrics has nothing to say about ours; names of the client library's are its own affair."""
    metrics = Metrics(types=["page.viewed"], tiers=["engaged"], reasons=["future"])
    text, _ = metrics.render()
    ours = "".join(f"{line}\n" for line in text.decode().splitlines() if re.match(r"(# (HELP|TYPE) )?palier_", line))
    assert output_of(external_tool("promtool"), "check", "metrics", input=ours) == ""


def test_every_query_is_promql(tmp_path: Path) -> None:
    """Promtool parses every expression of the dashboard, its annotation's too."""
    annotations = [annotation["expr"] for annotation in BOARD["annotations"]["list"]]
    rules = [
        {"record": f"query:{number}", "expr": filled(expression)}
        for number, expression in enumerate([*EXPRESSIONS, *annotations])
    ]
    file = tmp_path / "rules.yml"
    file.write_text(yaml.safe_dump({"groups": [{"name": "dashboard", "rules": rules}]}))
    output_of(external_tool("promtool"), "check", "rules", file)


def filled(expression: str) -> str:
    """The expression with Grafana's variables at their first values."""
    for name, value in (("$__rate_interval", "4s"), ("$job", ".+"), ("$instance", ".+")):
        expression = expression.replace(name, value)
    assert "$" not in expression
    return expression
