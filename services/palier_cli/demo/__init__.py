"""`palier demo`: the whole product in one terminal, and nothing left of it afterwards."""
