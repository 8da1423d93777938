from tests.doubles.fixtures import doubles, tgi, tgi_process

__all__ = ["doubles", "tgi", "tgi_process"]
