"""The stream processor: touchpoints in, tier changes out.

`app` puts it together, `processor` is the walk of a touchpoint (decode, fold, outputs), `observing` feeds the metrics,
`worker` is the process: start, signals, exit code.
"""
