"""A stand-in for Text Generation Inference 3.3.7 that speaks its wire format, byte for byte.

Run it with `python -m tests.doubles.tgi_server --port 0 --control-port 0`. The API is on one port;
the control port scripts the replies and tells what happened (see `control.py`). Left out:
`/vertex`, the OpenAPI pages.
"""
