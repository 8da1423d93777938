from __future__ import annotations

import pytest

from bots.engines.base import Sampling
from bots.engines.sampling_fields import openai_fields, tgi_parameters

RARE = Sampling(temperature=0.7, top_k=40, repetition_penalty=1.2, seed=7)


def test_greedy_tgi_gets_nothing_that_would_make_it_sample() -> None:
    sampling = Sampling(max_new_tokens=5, temperature=0, top_k=40, repetition_penalty=1.2)
    assert tgi_parameters(sampling, ()) == {
        "max_new_tokens": 5,
        "do_sample": False,
        "stop": [],
        "details": True,
        "return_full_text": False,
        "repetition_penalty": 1.2,
    }


@pytest.mark.parametrize(("top_p", "sent"), [(0.9, True), (1.0, False), (2.0, False), (0, False)])
def test_top_p_is_sent_only_where_tgi_accepts_it(top_p: float, sent: bool) -> None:
    parameters = tgi_parameters(Sampling(temperature=0.7, top_p=top_p), ())
    assert ("top_p" in parameters) is sent
    assert parameters["temperature"] == 0.7
    assert parameters["do_sample"] is True


def test_what_is_set_is_sent_to_both() -> None:
    common = {"top_k": 40, "repetition_penalty": 1.2, "seed": 7}
    assert common.items() <= tgi_parameters(RARE, ()).items()
    assert common.items() <= openai_fields(RARE, ()).items()


def test_llama_cpp_gets_the_repetition_penalty_under_its_own_name() -> None:
    assert openai_fields(RARE, ())["repeat_penalty"] == 1.2


def test_openai_gets_no_extra_field_unless_it_is_set() -> None:
    assert openai_fields(Sampling(stop=("a",)), ("a",)) == {
        "max_tokens": 512,
        "temperature": 0.2,
        "top_p": 0.95,
        "stop": ["a"],
    }
