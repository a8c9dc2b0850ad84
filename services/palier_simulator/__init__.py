"""A stand-in for the upstream applications: invented contacts, lifelike touchpoints, the same ones for the same seed.

Who acts is data (`personas`, `journeys`, `campaigns`, `sources`); `world` turns it into touchpoints in order of arrival
without a clock or any I/O; `malformed` adds what should be refused; `kafka_sink` and `json_lines` deliver, at the pace of
`pace`. `python -m palier_simulator --help` shows how to run it.
"""
