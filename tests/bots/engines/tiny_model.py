"""`python -m tests.bots.engines.tiny_model FOLDER PORT`: serves a model of a few kilobytes.

The model has random weights and is made on the spot; the server is `transformers serve`.
"""

from __future__ import annotations

import sys
from pathlib import Path

ROOT = Path(__file__).parents[3]

MAX_TOKENS = 256
CHAT_TEMPLATE = (
    "{% for m in messages %}<{{ m['role'] }}>{{ m['content'] }}</s>{% endfor %}"
    "{% if add_generation_prompt %}<assistant>{% endif %}"
)


def save_tiny_model(folder: Path) -> None:
    """Writes a GPT-2 with learned positions, so that more than MAX_TOKENS tokens are an error."""
    import torch
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers
    from transformers import GPT2Config, GPT2LMHeadModel, PreTrainedTokenizerFast

    bytes_of_text = Tokenizer(models.BPE())
    bytes_of_text.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    bytes_of_text.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=1_000,
        special_tokens=["<s>", "</s>"],
        initial_alphabet=sorted(pre_tokenizers.ByteLevel.alphabet()),
        show_progress=False,
    )
    bytes_of_text.train_from_iterator([(ROOT / "LICENSE").read_text(encoding="utf-8")], trainer)
    tokenizer = PreTrainedTokenizerFast(  # type: ignore[no-untyped-call]
        tokenizer_object=bytes_of_text, bos_token="<s>", eos_token="</s>", pad_token="</s>"
    )
    tokenizer.chat_template = CHAT_TEMPLATE
    torch.manual_seed(0)
    config = GPT2Config(
        vocab_size=len(tokenizer),
        n_positions=MAX_TOKENS,
        n_embd=32,
        n_layer=1,
        n_head=2,
        bos_token_id=tokenizer.bos_token_id,
        eos_token_id=tokenizer.eos_token_id,
        pad_token_id=tokenizer.pad_token_id,
    )
    model = GPT2LMHeadModel(config)
    # Random weights would end an answer at any moment, or write halves of characters. With this one
    # says words, and ends where it is told to.
    model.generation_config.suppress_tokens = [
        number for piece, number in tokenizer.get_vocab().items() if not _is_word(piece)
    ]
    model.save_pretrained(folder)
    tokenizer.save_pretrained(folder)


def _is_word(piece: str) -> bool:
    letters = piece.removeprefix("\u0120")  # how byte-level vocabularies write a space
    return letters.isascii() and letters.isalpha()


def serve(folder: str, port: str) -> None:
    from transformers.cli.transformers import main

    sys.argv = ["transformers", "serve", folder, "--host", "127.0.0.1", "--port", port]
    sys.argv += ["--device", "cpu"]
    main()  # type: ignore[no-untyped-call]


if __name__ == "__main__":
    save_tiny_model(Path(sys.argv[1]))
    serve(sys.argv[1], sys.argv[2])
