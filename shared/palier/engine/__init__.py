"""Faust made fast and exactly-once: batches in, one Kafka transaction per partition out.

Read in this order: `ports` (what a service brings), `partition` (state and effects of one partition), `protocol` (what
happens when, without any I/O), `engine` (carries the protocol's commands out), `transport`, `recovery` and `table` (the
three places where Faust's own classes are replaced), `app` (puts it together).
"""
