"""Writes dashboards/palier.json, which Grafana loads, from the panels in panels.py.

python deploy/grafana/build.py
"""  # noqa: INP001 - a script beside the file that it makes

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from panels import ROWS, Panel, Query

OUTPUT = Path(__file__).parent / "dashboards" / "palier.json"
DATASOURCE = {"type": "prometheus", "uid": "$datasource"}
MATCHERS = 'job=~"$job",instance=~"$instance"'
COLUMNS = 24  # of Grafana's grid
INSTANT = ("stat", "table")  # panels that show the present, not a course


def with_matchers(expression: str) -> str:
    """Put the dashboard's variables into every selector: `{}` and `{own="matchers",}`."""
    return expression.replace("{}", f"{{{MATCHERS}}}").replace(",}", f",{MATCHERS}}}")


def target(query: Query, index: int, kind: str) -> dict[str, Any]:
    """One query of a panel, as Grafana writes it."""
    return {
        "datasource": DATASOURCE,
        "refId": chr(ord("A") + index),
        "expr": with_matchers(query.expression),
        "legendFormat": query.legend or "__auto",
        "instant": kind in INSTANT,
        "range": kind not in INSTANT,
        "format": "table" if kind == "table" else "time_series",
    }


def panel_json(panel: Panel, number: int, position: dict[str, int]) -> dict[str, Any]:
    """One panel, as Grafana writes it."""
    custom: dict[str, Any] = {}
    options: dict[str, Any] = {}
    if panel.kind == "timeseries":
        custom = {"fillOpacity": 25 if panel.stacked else 5, "lineWidth": 1, "showPoints": "never"}
        custom["stacking"] = {"mode": "normal" if panel.stacked else "none", "group": "A"}
        options = {
            "legend": {"displayMode": "list", "placement": "bottom", "showLegend": True},
            "tooltip": {"mode": "multi", "sort": "desc"},
        }
    elif panel.kind == "stat":
        options = {"reduceOptions": {"calcs": ["lastNotNull"], "fields": "", "values": False}, "colorMode": "value"}
    elif panel.kind == "state-timeline":
        options = {"mergeValues": True, "showValue": "never", "legend": {"showLegend": False}}
    transformations = (
        [{"id": "organize", "options": {"excludeByName": {"Time": True}}}] if panel.kind == "table" else []
    )
    return {
        "id": number,
        "type": panel.kind,
        "title": panel.title,
        "description": panel.description,
        "datasource": DATASOURCE,
        "gridPos": position,
        "targets": [target(query, index, panel.kind) for index, query in enumerate(panel.queries)],
        "fieldConfig": {
            "defaults": {
                "unit": panel.unit,
                "min": 0,
                "custom": custom,
                "mappings": panel.mappings,
                "thresholds": {
                    "mode": "absolute",
                    "steps": [{"value": value, "color": color} for value, color in panel.thresholds],
                },
            },
            "overrides": [],
        },
        "options": options,
        "transformations": transformations,
    }


def panels_json() -> list[dict[str, Any]]:
    """All rows and panels with their places: a row that is full goes on in the next line."""
    made: list[dict[str, Any]] = []
    top = 0
    for row in ROWS:
        position = {"x": 0, "y": top, "w": COLUMNS, "h": 1}
        heading = {"id": len(made) + 1, "type": "row", "title": row.title, "collapsed": False, "panels": []}
        made.append({**heading, "gridPos": position})
        top += 1
        left = 0
        for panel in row.panels:
            if left + panel.width > COLUMNS:
                left = 0
                top += row.height
            position = {"x": left, "y": top, "w": panel.width, "h": row.height}
            made.append(panel_json(panel, len(made) + 1, position))
            left += panel.width
        top += row.height
    return made


def variable(name: str, label: str, query: str) -> dict[str, Any]:
    """A choice of label values, all of them at first, read again whenever the time range changes."""
    return {
        "name": name,
        "label": label,
        "type": "query",
        "datasource": DATASOURCE,
        "query": {"query": query, "refId": name},
        "definition": query,
        "refresh": 2,
        "sort": 1,
        "multi": True,
        "includeAll": True,
        "allValue": ".+",
        "current": {"text": "All", "value": "$__all"},
    }


def pack_changes() -> dict[str, Any]:
    """A mark wherever a rule pack appears that was not there five minutes before."""
    packs = "count by (name, version) (palier_pack_info{}%s)"
    return {
        "name": "Rule pack changed",
        "datasource": DATASOURCE,
        "enable": True,
        "iconColor": "purple",
        "expr": with_matchers(f"{packs % ''} unless {packs % ' offset 5m'}"),
        "titleFormat": "rule pack {{name}} {{version}}",
        "step": "1m",
    }


def dashboard() -> dict[str, Any]:
    """The whole dashboard in Grafana's classic JSON model."""
    return {
        "uid": "palier",
        "title": "Palier",
        "description": "Engagement tiers in real time: is it well, who is in which tier, what moves them, how fresh is it.",
        "tags": ["palier"],
        "schemaVersion": 41,
        "version": 1,
        "editable": False,
        "graphTooltip": 1,
        "timezone": "browser",
        "time": {"from": "now-30m", "to": "now"},
        "refresh": "10s",
        "templating": {
            "list": [
                {"name": "datasource", "label": "Data source", "type": "datasource", "query": "prometheus"},
                variable("job", "Job", "label_values(palier_build_info, job)"),
                variable("instance", "Worker", 'label_values(palier_build_info{job=~"$job"}, instance)'),
            ]
        },
        "annotations": {"list": [pack_changes()]},
        "panels": panels_json(),
    }


def text() -> str:
    """The file's content."""
    return json.dumps(dashboard(), indent=1) + "\n"


if __name__ == "__main__":
    OUTPUT.write_text(text())
