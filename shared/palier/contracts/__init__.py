"""What Palier agrees with everybody around it: events as models, the fast decoder, encoders, and topics as data.

Events in: `touchpoint` (the contract), `decoding` (bytes to the domain's touchpoint), `cloud_events`, `validation` and
`refusal` (why a record is not taken). Events out: `tier_change`, `tier_current`, `dead_letter`. `topics` says where they
go; `export` writes all of it as JSON Schema, AsyncAPI and examples, kept under `generated/`.
"""
