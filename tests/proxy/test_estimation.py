"""Tokens before a provider counts them: a bound that holds, and an estimate within its own error.

What texts really have was counted once with tiktoken's o200k_base; what requests really had is what providers said.
"""

# ruff: noqa: RUF001 - texts in other scripts have letters that look like Latin ones

from __future__ import annotations

import base64
import hashlib
import importlib
import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxy.estimation import LARGEST_IMAGE, QUICK_ERROR, UNBOUNDED, Estimate, bound, quick
from proxy.resources import Estimation
from translators.canonical import (
    REMOVED,
    HostedItem,
    Media,
    Message,
    Native,
    Opaque,
    Patch,
    Reasoning,
    Request,
    RequestError,
    Text,
    Tool,
    ToolCall,
    ToolResult,
    edited,
)
from translators.formats import openai_chat

SETTINGS = Estimation()
RECORDINGS = Path(__file__).parents[1] / "recordings"
FORMATS = {"chat": "openai_chat", "responses": "openai_responses"}
NOISE = b"".join(hashlib.sha256(bytes([number])).digest() for number in range(40))

SAMPLES: dict[str, tuple[int, str]] = {
    "English": (
        116,
        (
            "The harbour master kept two ledgers. In the first she wrote what every captain claimed to carry;"
            " in the second, what the cranes had lifted. Nobody had asked for the second book, and for eleven "
            "years nobody knew of it. Then a ship was lost in the autumn storms, and its owners sent a bill "
            "for goods that had never come aboard. She laid both books on the table of the court, open at the "
            "same day, and went back to the pier without waiting for the verdict. There were four ships in the "
            "roads, and the tide would not wait either."
        ),
    ),
    "German": (
        108,
        (
            "Der Hafenmeister führte zwei Bücher. In das erste schrieb er, was die Kapitäne angaben, in das "
            "zweite, was die Kräne tatsächlich gehoben hatten. Niemand hatte ihn um das zweite Buch gebeten,"
            " und elf Jahre lang wusste niemand davon. Dann ging in den Herbststürmen ein Schiff verloren, und "
            "die Eigentümer verlangten Geld für Waren, die nie an Bord gekommen waren. Er legte beide Bücher "
            "aufgeschlagen auf den Tisch des Gerichts und ging zurück zur Mole, ohne das Urteil abzuwarten."
        ),
    ),
    "French": (
        99,
        (
            "La capitaine du port tenait deux registres. Dans le premier, elle notait ce que chaque équipage "
            "déclarait transporter ; dans le second, ce que les grues avaient réellement soulevé. Personne ne "
            "lui avait demandé ce deuxième livre, et pendant onze ans personne n'en a rien su. Puis un navire "
            "s'est perdu dans les tempêtes d'automne, et ses propriétaires ont réclamé le prix de marchandises "
            "qui n'étaient jamais montées à bord."
        ),
    ),
    "Polish": (
        141,
        (
            "Kapitan portu prowadziła dwie księgi. W pierwszej zapisywała to, co zgłaszali kapitanowie, w drugiej "
            "to, co naprawdę podniosły dźwigi. Nikt nie prosił jej o drugą księgę i przez jedenaście lat nikt "
            "o niej nie wiedział. Potem podczas jesiennych sztormów zaginął statek, a jego właściciele zażądali "
            "zapłaty za towary, które nigdy nie trafiły na pokład. Położyła obie księgi na stole sądu i wróciła "
            "na nabrzeże."
        ),
    ),
    "Russian": (
        117,
        (
            "Начальник порта вела две книги. В первую она записывала то, что заявляли капитаны, во вторую — "
            "то, что действительно поднимали краны. Никто не просил её вести вторую книгу, и одиннадцать лет "
            "о ней никто не знал. Потом во время осенних штормов пропал корабль, и его владельцы потребовали "
            "плату за товары, которых никогда не было на борту. Она положила обе книги на стол суда и вернулась "
            "на причал, не дожидаясь решения."
        ),
    ),
    "Arabic": (
        109,
        (
            "كانت رئيسة الميناء تحتفظ بدفترين. في الأول كانت تكتب ما يعلنه كل قبطان، وفي الثاني ما رفعته الرافعات "
            "فعلا. لم يطلب منها أحد الدفتر الثاني، ولم يعرف به أحد طوال أحد عشر عاما. ثم ضاعت سفينة في عواصف "
            "الخريف، وطالب أصحابها بثمن بضائع لم تصل إلى متنها قط. وضعت الدفترين مفتوحين على طاولة المحكمة وعادت "
            "إلى الرصيف دون أن تنتظر الحكم."
        ),
    ),
    "Hindi": (
        119,
        (
            "बंदरगाह की अधिकारी दो बही रखती थी। पहली में वह लिखती थी कि हर कप्तान क्या बताता है, और दूसरी में "
            "वह जो क्रेनों ने सच में उठाया। किसी ने उससे दूसरी बही नहीं माँगी थी, और ग्यारह साल तक किसी को इसका "
            "पता नहीं चला। फिर पतझड़ के तूफान में एक जहाज़ खो गया, और उसके मालिकों ने उस माल की कीमत माँगी जो "
            "कभी जहाज़ पर चढ़ा ही नहीं था। उसने दोनों बहियाँ अदालत की मेज़ पर खोलकर रख दीं।"
        ),
    ),
    "Chinese": (
        151,
        (
            "港务长记着两本账。第一本写的是每位船长申报的货物，第二本写的是起重机真正吊起的东西。没有人让她记第二本账"
            "，十一年里也没有人知道它的存在。后来一艘船在秋天的风暴中失踪了，船主要求赔偿从未装上船的货物。她把两本账"
            "翻到同一天，放在法庭的桌子上，没有等判决就回码头去了。港外还停着四艘船，潮水也不会等人。模型路由器把每一"
            "次调用送到合适的提供商，并且说明原因。"
        ),
    ),
    "Japanese": (
        156,
        (
            "港長は二冊の帳簿をつけていた。一冊目には船長たちが申告した積み荷を、二冊目にはクレーンが実際に持ち上げた"
            "ものを書いた。二冊目を頼んだ人は誰もおらず、十一年のあいだ誰もそれを知らなかった。ある秋の嵐で船が一隻失"
            "われ、持ち主は一度も積まれなかった荷物の代金を求めた。彼女は二冊の帳簿を同じ日のところで開いて法廷の机に"
            "置き、判決を待たずに桟橋へ戻った。"
        ),
    ),
    "Korean": (
        122,
        (
            "항만장은 두 권의 장부를 적었다. 첫 번째에는 선장들이 신고한 화물을, 두 번째에는 크레인이 실제로 "
            "들어 올린 것을 적었다. 아무도 두 번째 장부를 부탁하지 않았고, 십일 년 동안 아무도 그것을 알지 못했다."
            " 그러다 가을 폭풍에 배 한 척이 사라졌고, 주인들은 한 번도 실리지 않은 물건의 값을 요구했다. 그녀는 "
            "두 장부를 법정의 탁자 위에 펼쳐 놓고 부두로 돌아갔다."
        ),
    ),
    "Thai": (
        113,
        (
            "นายท่าเรือเก็บสมุดบัญชีไว้สองเล่ม เล่มแรกเขียนสิ่งที่กัปตันทุกคนแจ้งไว้ เล่มที่สองเขียนสิ่งที่ปั้นจั่นย"
            "กขึ้นจริง ไม่มีใครขอให้เธอเขียนเล่มที่สอง และตลอดสิบเอ็ดปีก็ไม่มีใครรู้เรื่องนี้ ต่อมาเรือลำหนึ่งหายไปใ"
            "นพายุฤดูใบไม้ร่วง เจ้าของเรียกร้องเงินค่าสินค้าที่ไม่เคยขึ้นเรือเลย"
        ),
    ),
    "Python": (
        192,
        (
            "class Ledger:\n"
            '    """What was claimed beside what was lifted."""\n'
            "\n"
            "    def __init__(self, clock: Callable[[], float]) -> None:\n"
            "        self._clock = clock\n"
            "        self._entries: dict[str, list[Entry]] = {}\n"
            "\n"
            "    def record(self, ship: str, tons: int, *, lifted: bool = False) -> Entry:\n"
            "        if tons < 0:\n"
            '            raise ValueError(f"a ship cannot carry {tons} tons")\n'
            "        entry = Entry(ship=ship, tons=tons, lifted=lifted, at=self._clock())\n"
            "        self._entries.setdefault(ship, []).append(entry)\n"
            "        return entry\n"
            "\n"
            "    def difference(self, ship: str) -> int:\n"
            "        claimed = sum(each.tons for each in self._entries.get(ship, ()) if not each.lifted)\n"
            "        return claimed - sum(each.tons for each in self._entries.get(ship, ()) if each.lifted)\n"
        ),
    ),
    "C": (
        147,
        (
            "static int read_entry(const char *line, struct entry *out)\n"
            "{\n"
            "    char *end = NULL;\n"
            "    long tons;\n"
            "\n"
            "    if (line == NULL || out == NULL)\n"
            "        return -EINVAL;\n"
            "    errno = 0;\n"
            "    tons = strtol(line, &end, 10);\n"
            "    if (errno != 0 || end == line || tons < 0 || tons > MAX_TONS) {\n"
            '        fprintf(stderr, "%s: not a number of tons\\n", line);\n'
            "        return -ERANGE;\n"
            "    }\n"
            "    out->tons = (uint32_t)tons;\n"
            "    memcpy(out->ship, end + 1, sizeof(out->ship) - 1);\n"
            "    return 0;\n"
            "}\n"
        ),
    ),
    "JSON": (
        177,
        (
            '{"ships":[{"id":"ship_0041","name":"Aurora","tons":1840,"lifted":false,"ports":["Bergen","Hull"],'
            '"arrived_at":"2026-03-04T05:06:07Z","crew":{"captain":"I. Larsen","size":14}},{"id":"ship_0042",'
            '"name":"Bellona","tons":920,"lifted":true,"ports":["Ghent"],"arrived_at":"2026-03-05T11:20:00Z",'
            '"crew":{"captain":null,"size":9}},{"id":"ship_0043","name":"Castor","tons":12,"lifted":true,"ports":[],'
            '"arrived_at":null,"crew":{"captain":"M. Okafor","size":2}}],"next":null,"total":3}'
        ),
    ),
    "JSON, indented": (
        130,
        (
            "{\n"
            '  "type": "object",\n'
            '  "properties": {\n'
            '    "ship": {\n'
            '      "type": "string",\n'
            '      "description": "The name under which the ship is registered"\n'
            "    },\n"
            '    "tons": {\n'
            '      "type": "integer",\n'
            '      "minimum": 0,\n'
            '      "description": "What the cranes have lifted, in metric tons"\n'
            "    },\n"
            '    "ports": {\n'
            '      "type": "array",\n'
            '      "items": {\n'
            '        "type": "string"\n'
            "      }\n"
            "    }\n"
            "  },\n"
            '  "required": [\n'
            '    "ship",\n'
            '    "tons"\n'
            "  ],\n"
            '  "additionalProperties": false\n'
            "}\n"
        ),
    ),
    "Markdown": (
        129,
        (
            "# Two ledgers\n"
            "\n"
            "1. **Claimed**: what a captain says (`claimed.csv`).\n"
            "2. **Lifted**: what the cranes say (`lifted.csv`).\n"
            "\n"
            "| ship | claimed | lifted | difference |\n"
            "| --- | --- | --- | --- |\n"
            "| Aurora | 1,840 t | 1,835 t | 5 t |\n"
            "| Bellona | 920 t | 920 t | - |\n"
            "\n"
            "> The second ledger is the one that counts. See [the verdict](https://example.com/verdict?id=17)."
            "\n"
            "\n"
            "- [x] compare both\n"
            "- [ ] send the bill back\n"
        ),
    ),
    "HTML": (
        135,
        (
            "<!doctype html>\n"
            '<html lang="en">\n'
            "  <head>\n"
            '    <meta charset="utf-8">\n'
            "    <title>Two ledgers</title>\n"
            '    <link rel="stylesheet" href="/assets/harbour.css">\n'
            "  </head>\n"
            '  <body class="page page--wide">\n'
            '    <h1 id="ledgers">Two ledgers</h1>\n'
            "    <p>What was <em>claimed</em>, and what was <strong>lifted</strong>.</p>\n"
            '    <button type="button" data-ship="aurora" onclick="compare(this.dataset.ship)">Compare</button>\n'
            "  </body>\n"
            "</html>\n"
        ),
    ),
    "SQL": (
        112,
        (
            "SELECT ships.name, SUM(claimed.tons) AS claimed, SUM(lifted.tons) AS lifted\n"
            "FROM ships\n"
            "LEFT JOIN claimed ON claimed.ship_id = ships.id AND claimed.day >= DATE '2026-01-01'\n"
            "LEFT JOIN lifted ON lifted.ship_id = ships.id AND lifted.day = claimed.day\n"
            "WHERE ships.port IN ('Bergen', 'Hull', 'Ghent')\n"
            "GROUP BY ships.name\n"
            "HAVING SUM(claimed.tons) > SUM(lifted.tons)\n"
            "ORDER BY claimed DESC LIMIT 25;\n"
        ),
    ),
    "log": (
        508,
        "\n".join(
            f"2026-03-{day:02d}T05:06:0{day % 10}.{day * 37 % 1000:03d}Z INFO harbour.crane lifted={day * 131 % 977} "
            f'ship="Aurora" request=5f3a{day * 7919:08x} ms={day * 1.37:.2f}'
            for day in range(1, 13)
        ),
    ),
    "numbers": (
        639,
        "\n".join(
            ",".join(f"{(row * 7919 + column * 104729) % 100000 / 100:.2f}" for column in range(8)) for row in range(20)
        ),
    ),
    "emoji": (
        197,
        (
            "Shipped it 🚀🎉 Tests are green ✅✅ but the crane is stuck 😅🏗️ Who is on call today? 👀 Thanks "
            "a lot 🙏❤️ See you at the pier 🌊⛵️🐟 "
        )
        * 4,
    ),
    "base64": (1174, base64.b64encode(NOISE).decode()),
    "hex": (1460, NOISE.hex()),
}
"""By their kind, the number of tokens and the text."""


def asked(content: Any, **body: Any) -> Request:
    wire = {"model": "m", "messages": [{"role": "user", "content": content}], **body}
    return openai_chat.CLIENT.parse_request(wire, json.dumps(wire, ensure_ascii=False).encode())


def said(*blocks: Any, **members: Any) -> Request:
    return Request(messages=(Message("user", blocks),), **members)


def alone(*blocks: Any, settings: Estimation = SETTINGS) -> int:
    """What `blocks` add to the estimate of a message with nothing in it."""
    return quick(said(*blocks), settings).tokens - quick(said(), settings).tokens


def test_an_estimate_says_between_what_it_lies() -> None:
    found = Estimate(1000, "size", 0.25)
    assert (found.at_least, found.at_most) == (750, 1251)
    assert Estimate(10, "size", 3.0).at_least == 0, "nobody has less than no tokens"


# --- the quick estimate -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", SAMPLES)
def test_an_estimate_is_within_its_own_error(kind: str) -> None:
    tokens, text = SAMPLES[kind]
    found = quick(said(Text(text)), SETTINGS)
    frames = quick(said(), SETTINGS).tokens
    assert found.method == "size"
    assert found.error == pytest.approx(QUICK_ERROR)
    assert found.at_least <= tokens + frames <= found.at_most, f"{found.tokens - frames} for {tokens} tokens"


def test_base64_amid_prose_is_not_taken_for_words() -> None:
    prose, blob = SAMPLES["English"][1], base64.b64encode(NOISE[:600]).decode()
    assert alone(Text(f"{prose} {blob}\n{prose}")) == pytest.approx(781, rel=QUICK_ERROR)


def test_a_long_run_of_small_letters_is_no_base64() -> None:
    assert alone(Text("X" + "x" * 3_200)) < 800


@pytest.mark.parametrize("kind", ["English", "Python", "Chinese"])
def test_an_estimate_of_twice_the_text_is_twice_the_estimate(kind: str) -> None:
    text = SAMPLES[kind][1]
    assert alone(Text(text * 200)) == pytest.approx(200 * alone(Text(text)), rel=0.02)
    assert alone(*[Text(text)] * 200) == pytest.approx(alone(Text(text * 200)), abs=1), "however it is cut in blocks"


def test_characters_per_token_are_those_of_plain_text() -> None:
    sparing = Estimation(chars_per_token=6.4)
    assert alone(Text("a word or two " * 500), settings=sparing) * 2 == pytest.approx(
        alone(Text("a word or two " * 500)), abs=2
    )
    assert alone(Text("模型" * 500), settings=sparing) == alone(Text("模型" * 500))


@given(st.text())
def test_any_text_has_an_estimate(text: str) -> None:
    assert 0 <= alone(Text(text)) <= 2 * len(text) + 1


def test_half_a_surrogate_pair_has_an_estimate() -> None:
    assert alone(Text("\ud83d")) <= 3
    assert bound(said(Text("\ud83d")), SETTINGS) > 3


def test_the_larger_of_two_histories_has_more_tokens_around_it() -> None:
    one, two = Request(messages=(Message("user", ()),)), Request(messages=(Message("user", ()),) * 2)
    assert quick(two, SETTINGS).tokens - quick(one, SETTINGS).tokens == 4


@pytest.mark.parametrize(
    "request_",
    [
        said(instructions=(Text("word " * 100),)),
        said(Text("word " * 100)),
        said(ToolResult("call_1", (Text("word " * 100),))),
        said(ToolCall("call_1", "f", "word " * 100)),
        said(HostedItem("web_search", {"type": "x", "action": {"queries": ["word " * 100]}})),
        said(Native("openai_responses", [{"type": "x", "text": "word " * 100}])),
        said(tools=(Tool(name="f", description="word " * 100),)),
        said(tools=(Tool(name="f", parameters={"description": "word " * 100}),)),
        said(tools=(Tool(name="f", kind="custom", format={"definition": "word " * 100}),)),
        asked(
            "",
            response_format={"type": "json_schema", "json_schema": {"name": "n", "schema": {"title": "word " * 100}}},
        ),
    ],
    ids=lambda request: "",
)
def test_text_counts_wherever_it_stands(request_: Request) -> None:
    assert 100 <= quick(request_, SETTINGS).tokens <= 280


def test_tools_cost_their_schemas_and_the_rules_for_calling_them() -> None:
    none = quick(asked("x"), SETTINGS).tokens
    tool = {"type": "function", "function": {"name": "f", "description": "d " * 100, "parameters": {"type": "object"}}}
    one, three = (quick(asked("x", tools=[tool] * number), SETTINGS).tokens - none for number in (1, 3))
    assert 60 + 40 <= one <= 60 + 80, one
    assert three - one == pytest.approx(2 * (one - 60), abs=2), "the rules are told once"
    names = [Tool(name="f")] * 11
    assert quick(said(tools=(*names,)), SETTINGS).tokens - quick(said(tools=(names[0],)), SETTINGS).tokens >= 10 * 8


def test_an_image_costs_what_the_settings_say_and_little_at_low_detail() -> None:
    settings = Estimation(image_tokens=700)
    assert alone(Media(kind="image", url="https://example.com/a.png"), settings=settings) == 700
    assert alone(Media(kind="image", data="A" * 1_000_000), settings=settings) == 700, "its bytes are no text"
    assert alone(Media(kind="image", data="A", detail="low"), settings=settings) == 85


def test_what_is_no_text_makes_the_estimate_less_sure() -> None:
    image, pdf = Media(kind="image", data="A"), Media(kind="file", data="A" * 400_000, mime="application/pdf")
    assert quick(said(Text("a"), image), SETTINGS).error == pytest.approx(0.5, abs=0.01)
    assert quick(said(Text("a"), pdf), SETTINGS).error == pytest.approx(0.9, abs=0.01)


@pytest.mark.parametrize(
    ("media", "least", "most"),
    [
        (Media(kind="audio", data="A" * 4 * 320_000, mime="audio/wav"), 300, 960),  # 30 s of 16 kHz
        (Media(kind="audio", data="A" * 4 * 120_000, mime="audio/mpeg"), 300, 960),  # 30 s at 96 kbit/s
        (Media(kind="file", data="A" * 4_000, mime="text/plain"), 600, 900),
        (Media(kind="file", data="A" * 400_000, mime="application/pdf"), 5_000, 80_000),
        (Media(kind="file", file_id="file_1"), 1_000, 10_000),
        (Media(kind="video", data="A" * 4 * 1_250_000), 2_500, 25_000),  # 30 s at 1 Mbit/s
        (Media(kind="video", url="https://example.com/a.mp4"), 10_000, 100_000),
    ],
)
def test_sound_and_files_cost_by_their_size(media: Media, least: int, most: int) -> None:
    assert least <= alone(media) <= most


def test_what_is_sealed_or_a_picture_in_an_unknown_item_is_not_read_as_text() -> None:
    item = HostedItem("image_generation", {"type": "image_generation_call", "result": "A" * 2_000_000})
    assert alone(item) < 2 * SETTINGS.image_tokens


def test_an_unknown_item_may_nest_as_deep_as_it_likes() -> None:
    raw: Any = "x"
    for _ in range(5_000):
        raw = [raw]
    assert alone(Native("openai_responses", raw)) <= 2


def test_thoughts_before_the_last_question_are_not_counted_but_doubted() -> None:
    thought = Message("assistant", (Reasoning(text="word " * 2_000),))
    question = Message("user", (Text("and now?"),))
    past, present = Request(messages=(question, thought, question)), Request(messages=(question, question, thought))
    assert quick(past, SETTINGS).tokens < 40
    assert quick(past, SETTINGS).at_most > 2_000, "some providers keep them"
    assert quick(present, SETTINGS).tokens == pytest.approx(2_500, rel=0.3)
    working = Request(messages=(question, thought, Message("tool", (ToolResult("call_1", (Text("17"),)),))))
    assert quick(working, SETTINGS).tokens == pytest.approx(2_500, rel=0.3), "the answer to a tool is no new question"


def test_sealed_thoughts_cost_by_their_size() -> None:
    assert alone(Reasoning(opaque=(Opaque("openai:o3", "encrypted", "A" * 6_000),))) == pytest.approx(1_000, rel=0.1)


# --- the bound --------------------------------------------------------------------------------------------------------


@given(st.lists(st.text(), min_size=1), st.booleans())
def test_the_bound_is_no_smaller_than_the_bytes_however_json_spells_them(texts: list[str], escaped: bool) -> None:
    body = {"model": "m", "messages": [{"role": "user", "content": text} for text in texts]}
    request = openai_chat.CLIENT.parse_request(body, json.dumps(body, ensure_ascii=escaped).encode())
    tokens = sum(len(text.encode()) + 4 for text in texts)  # no tokenizer makes more, with the frames of a message
    assert bound(request, SETTINGS) >= tokens
    assert bound(replace(request, source=None), SETTINGS) >= tokens


def test_the_bound_of_a_request_without_a_body_grows_with_its_bytes_and_messages() -> None:
    none = bound(said(), SETTINGS)
    assert bound(said(Text("語" * 3_000)), SETTINGS) == none + 9_000
    assert bound(Request(messages=(Message("user", ()),) * 1_001), SETTINGS) >= none + 1_000 * 4


@pytest.mark.parametrize("kind", SAMPLES)
def test_the_bound_is_never_below_the_estimate(kind: str) -> None:
    request = asked(SAMPLES[kind][1])
    assert bound(request, SETTINGS) >= quick(request, SETTINGS).at_most


def test_the_bound_takes_the_size_of_the_body_without_reading_it() -> None:
    request = asked("hello")
    assert request.source is not None
    shorter = replace(request, source=replace(request.source, raw=b"{}"))
    assert bound(request, SETTINGS) - bound(shorter, SETTINGS) == len(request.source.raw) - 2


def test_a_picture_is_bounded_by_the_dearest_model_and_not_by_its_bytes() -> None:
    url = {"type": "image_url", "image_url": {"url": "data:image/png;base64,AAAA"}}
    request, none = asked([url, url]), asked([])
    assert bound(request, SETTINGS) >= 2 * LARGEST_IMAGE
    assert bound(none, SETTINGS) < LARGEST_IMAGE
    nested = said(ToolResult("call_1", (Media(kind="image", data="A"),)))
    assert LARGEST_IMAGE <= bound(nested, SETTINGS) < UNBOUNDED
    assert bound(nested, Estimation(image_tokens=100_000)) >= 100_000


def test_edits_of_the_body_are_in_the_bound() -> None:
    request = asked("hello")
    longer = edited(request, Patch("/messages/0/content", "x" * 9_000))
    assert bound(longer, SETTINGS) >= bound(request, SETTINGS) + 9_000
    assert bound(edited(request, Patch("/user", REMOVED)), SETTINGS) == bound(request, SETTINGS)


@pytest.mark.parametrize(
    "request_",
    [
        said(Media(kind="file", file_id="file_1")),
        said(Media(kind="file", data="A", mime="application/pdf")),  # pages that share their bytes
        said(Media(kind="audio", url="https://example.com/a.wav")),
        said(Media(kind="video", data="A")),
        said(HostedItem("web_search", {})),
        said(Native("openai_responses", {"type": "item_reference", "id": "msg_1"})),
        said(ToolResult("call_1", (Media(kind="file", file_id="file_1"),))),
        said(instructions=(Native("openai_responses", {}),)),
        said(tools=(Tool(name="web_search", kind="hosted", hosted={"type": "web_search"}),)),
        asked("x", web_search_options={}),
        asked("x", a_member_nobody_knows=1),
    ],
    ids=lambda request: "",
)
def test_what_the_body_only_names_has_no_bound(request_: Request) -> None:
    assert bound(request_, SETTINGS) == UNBOUNDED


@pytest.mark.parametrize("member", ["previous_response_id", "conversation", "prompt"])
def test_what_the_provider_keeps_has_no_bound(member: str) -> None:
    plain = said(Text("x"))
    kept = replace(plain, state=replace(plain.state, **{member: "resp_1"}))
    assert bound(kept, SETTINGS) == UNBOUNDED


def test_sound_in_the_body_is_bounded_by_its_bytes() -> None:
    assert bound(said(Media(kind="audio", data="A" * 1_000)), SETTINGS) < UNBOUNDED


# --- what providers counted -------------------------------------------------------------------------------------------


def recorded() -> list[Any]:
    """Requests in the dialects that clients speak, with the input tokens that the provider said they had."""
    found = []
    for path in sorted(RECORDINGS.glob("*/*.json")):
        exchanged = json.loads(path.read_text())
        if exchanged["api"] not in FORMATS or exchanged["response"]["status"] != 200:
            continue
        tokens, body = told(exchanged["response"]), exchanged["request"].get("body")
        if tokens and body:
            wire_format = importlib.import_module(f"translators.formats.{FORMATS[exchanged['api']]}")
            try:
                request = wire_format.CLIENT.parse_request(body, orjson.dumps(body))
            except RequestError:  # some providers take what OpenAI does not
                continue
            found.append(pytest.param(exchanged["provider"], request, tokens, id=exchanged["id"]))
    return found


def told(response: dict[str, Any]) -> int | None:
    """The input tokens in an answer, or in the last event of its stream that has any."""
    documents = [response.get("body_json")]
    for line in response.get("body_text", "").splitlines():
        data = line.removeprefix("data:").strip()
        documents.append(json.loads(data) if data.startswith("{") else None)
    tokens = None
    for document in documents:
        for place in (document, document.get("response")) if isinstance(document, dict) else ():
            usage = place.get("usage") if isinstance(place, dict) else None
            if isinstance(usage, dict):
                tokens = usage.get("prompt_tokens", usage.get("input_tokens")) or tokens
    return tokens


RECORDED = recorded()


@pytest.mark.parametrize(("provider", "request_", "tokens"), RECORDED)
def test_no_provider_counted_more_than_the_bound(provider: str, request_: Request, tokens: int) -> None:
    assert tokens <= bound(request_, SETTINGS), f"{provider} counted {tokens}"


def test_openai_counted_what_was_estimated() -> None:
    """Without tools to a few tokens; with tools nine of ten to what their rules and their spelling may differ by."""
    plain, tools = [], []
    for provider, request, tokens in (each.values for each in RECORDED):
        if provider in ("openai", "azure") and bound(request, SETTINGS) < LARGEST_IMAGE:
            found = quick(request, SETTINGS)
            assert found.method == "size"
            spread = tokens * QUICK_ERROR
            (tools if request.tools else plain).append((abs(found.tokens - tokens) - spread, found.tokens, tokens))
    assert len(plain) >= 20, "recordings went missing"
    assert max(plain)[0] <= 6, max(plain)
    assert len(tools) >= 15, "recordings went missing"
    assert sum(beyond <= 96 for beyond, *_ in tools) >= 0.9 * len(tools), sorted(tools)[-3:]
