"""A tokenizer small enough to read: one token per character, a marker around each turn."""

EOS = 2
_ROLE_TOKENS = {"system": 10, "user": 11, "assistant": 12}
_NEWLINE = 3


class CharacterTokenizer:
    """Renders a turn as: role token, a token per character, `EOS`, newline."""

    eos_token_id: int | None = EOS
    pad_token_id = 0

    def apply_chat_template(
        self,
        conversation: list[dict[str, str]],
        *,
        tokenize: bool,
        add_generation_prompt: bool,
        return_dict: bool,
    ) -> list[int]:
        assert tokenize
        assert not return_dict
        tokens: list[int] = []
        for message in conversation:
            tokens.append(_ROLE_TOKENS[message["role"]])
            tokens.extend(20 + ord(character) % 100 for character in message["content"])
            tokens.extend((EOS, _NEWLINE))
        if add_generation_prompt:
            tokens.append(_ROLE_TOKENS["assistant"])
        return tokens


class CountingTokenizer(CharacterTokenizer):
    """Puts the number of turns in front, so that adding a turn changes what came before."""

    def apply_chat_template(
        self,
        conversation: list[dict[str, str]],
        *,
        tokenize: bool,
        add_generation_prompt: bool,
        return_dict: bool,
    ) -> list[int]:
        rendered = super().apply_chat_template(
            conversation,
            tokenize=tokenize,
            add_generation_prompt=add_generation_prompt,
            return_dict=return_dict,
        )
        return [len(conversation), *rendered]
