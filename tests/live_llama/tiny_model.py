"""Writes a GGUF model of random weights: half a megabyte, loaded in milliseconds. Run as a script with the path to write.

    python tiny_model.py tiny.gguf

A llama of two layers over a vocabulary of all bytes and the printable letters, so that any text can be tokenised and any
grammar can be followed. Needs gguf and numpy. Format: the ggml repository, docs/gguf.md.
"""

from __future__ import annotations

import string
import sys

import gguf
import numpy as np

WIDTH, LAYERS, HEADS, INNER, CONTEXT = 64, 2, 4, 128, 4096

# Calls are plain JSON, so that the brace alone opens one: a model of random weights never writes a longer mark, and the
# server lets text stand before a call even where the call is required.
TEMPLATE = """\
{%- if tools %}system: Call a function with {"name": ..., "arguments": {...}}. Functions:
{%- for tool in tools %}
{{ tool | tojson }}
{%- endfor %}
{% endif %}
{%- for message in messages %}{{ message.role }}: {{ message.content or "" }}
{%- for call in message.tool_calls or [] %}
{"name": "{{ call.function.name }}", "arguments": {{ call.function.arguments | tojson }}}
{%- endfor %}
{% endfor %}
{%- if add_generation_prompt %}assistant: {% endif %}"""

LETTERS = "▁" + string.ascii_letters + string.digits + string.punctuation
FIRST_LETTER = 3 + 256  # the token id of LETTERS[0]: special tokens and bytes come before


def vocabulary() -> tuple[list[str], list[float], list[int]]:
    """Tokens, scores and kinds: three special tokens, 256 bytes, and one token for each letter that prints."""
    kinds = gguf.TokenType
    tokens = [("<unk>", 0.0, kinds.UNKNOWN), ("<s>", 0.0, kinds.CONTROL), ("</s>", 0.0, kinds.CONTROL)]
    tokens += [(f"<0x{byte:02X}>", 0.0, kinds.BYTE) for byte in range(256)]
    tokens += [(letter, -float(rank), kinds.NORMAL) for rank, letter in enumerate(LETTERS)]
    names, scores, types = zip(*tokens, strict=True)
    return list(names), list(scores), list(types)


def describe(writer: gguf.GGUFWriter) -> int:
    """Write the header and the vocabulary; its size is returned."""
    names, scores, types = vocabulary()
    writer.add_name("tiny-random")
    writer.add_context_length(CONTEXT)
    writer.add_embedding_length(WIDTH)
    writer.add_block_count(LAYERS)
    writer.add_feed_forward_length(INNER)
    writer.add_head_count(HEADS)
    writer.add_head_count_kv(HEADS)
    writer.add_layer_norm_rms_eps(1e-5)
    writer.add_rope_dimension_count(WIDTH // HEADS)
    writer.add_vocab_size(len(names))
    writer.add_file_type(gguf.LlamaFileType.ALL_F32)
    writer.add_tokenizer_model("llama")
    writer.add_token_list(names)
    writer.add_token_scores(scores)
    writer.add_token_types(types)
    writer.add_bos_token_id(1)
    writer.add_eos_token_id(2)
    writer.add_unk_token_id(0)
    writer.add_chat_template(TEMPLATE)
    return len(names)


def fill(writer: gguf.GGUFWriter, size: int) -> None:
    """Write the weights: the same ones every time."""
    source = np.random.default_rng(7)

    def matrix(name: str, *shape: int) -> None:
        writer.add_tensor(f"{name}.weight", (source.standard_normal(shape) * 0.08).astype(np.float32))

    def ones(name: str) -> None:
        writer.add_tensor(f"{name}.weight", np.ones(WIDTH, np.float32))

    matrix("token_embd", size, WIDTH)
    ones("output_norm")
    matrix("output", size, WIDTH)
    for layer in range(LAYERS):
        block = f"blk.{layer}."
        for part in ("attn_q", "attn_k", "attn_v", "attn_output"):
            matrix(block + part, WIDTH, WIDTH)
        matrix(block + "ffn_gate", INNER, WIDTH)
        matrix(block + "ffn_up", INNER, WIDTH)
        matrix(block + "ffn_down", WIDTH, INNER)
        ones(block + "attn_norm")
        ones(block + "ffn_norm")


def main(path: str) -> None:
    writer = gguf.GGUFWriter(path, "llama")
    fill(writer, describe(writer))
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()


if __name__ == "__main__":
    main(sys.argv[1])
