import base64

import pytest

from translators.canonical import Media, Reason, Transform, UpstreamError
from translators.formats.anthropic_messages.media import render_media

PNG = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="
WEBP = base64.b64encode(b"RIFF\x24\x00\x00\x00WEBPVP8 ").decode()
PDF = "JVBERi0xLjQKJcOkw7zDtsOfCg=="


def rendered(**members):
    transforms: list[Transform] = []
    return render_media(Media(**members), "messages[0].content[0]", transforms), transforms


def refused(**members) -> UpstreamError:
    with pytest.raises(UpstreamError) as caught:
        rendered(**members)
    assert caught.value.reason is Reason.UNSUPPORTED
    assert caught.value.body.param == "messages[0].content[0]"
    return caught.value


def encoded(text: str) -> str:
    return base64.b64encode(text.encode()).decode()


def test_an_image_by_its_bytes():
    block, transforms = rendered(kind="image", data=PNG, mime="image/png")
    assert block == {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": PNG}}
    assert transforms == []


@pytest.mark.parametrize(
    ("data", "mime"),
    [(PNG, "image/png"), ("/9j/4AAQ", "image/jpeg"), ("R0lGODlh", "image/gif"), (WEBP, "image/webp")],
)
def test_the_bytes_say_what_it_is(data, mime):
    block, transforms = rendered(kind="image", data=data, mime="image/bmp")
    assert block["source"]["media_type"] == mime
    assert [(each.field, each.action) for each in transforms] == [("messages[0].content[0].mime", "mapped")]
    assert rendered(kind="image", data=data)[0] == block


def test_an_old_name_of_a_type_is_no_change():
    block, transforms = rendered(kind="image", data="/9j/4AAQ", mime="image/jpg")
    assert (block["source"]["media_type"], transforms) == ("image/jpeg", [])
    assert rendered(kind="image", data="QUJD", mime="image/jpg")[0]["source"]["media_type"] == "image/jpeg"


def test_an_image_by_address_or_data_url():
    assert rendered(kind="image", url="https://example.com/a.png")[0]["source"] == {
        "type": "url",
        "url": "https://example.com/a.png",
    }
    assert rendered(kind="image", url=f"data:image/png;base64,{PNG}")[0]["source"]["data"] == PNG


def test_a_file_of_anthropics_own_store():
    block, _ = rendered(kind="image", file_id="file_1", provider="anthropic")
    assert block == {"type": "image", "source": {"type": "file", "file_id": "file_1"}}
    assert rendered(kind="file", file_id="file_1", provider="anthropic")[0]["type"] == "document"
    refused(kind="file", file_id="file-1", provider="openai")
    refused(kind="image", file_id="file-1")


def test_a_pdf():
    block, transforms = rendered(kind="file", data=PDF, mime="application/pdf", filename="a.pdf")
    assert block == {
        "type": "document",
        "source": {"type": "base64", "media_type": "application/pdf", "data": PDF},
        "title": "a.pdf",
    }
    assert transforms == []
    assert rendered(kind="file", data=PDF)[0]["source"]["media_type"] == "application/pdf"
    by_address, _ = rendered(kind="file", url="https://example.com/a.pdf")
    assert by_address == {"type": "document", "source": {"type": "url", "url": "https://example.com/a.pdf"}}


@pytest.mark.parametrize("mime", ["text/plain", "text/csv; charset=utf-8", "application/json", "image/svg+xml", None])
def test_a_text_goes_as_text(mime):
    block, _ = rendered(kind="file", data=encoded("a;ü\n"), mime=mime, filename="a.csv")
    assert block["source"] == {"type": "text", "media_type": "text/plain", "data": "a;ü\n"}


def test_a_picture_that_came_as_a_file_is_a_picture():
    assert rendered(kind="file", data=PNG, mime="image/png")[0]["type"] == "image"


def test_the_wish_for_detail_is_listed():
    assert [each.field for each in rendered(kind="image", data=PNG, detail="low")[1]] == [
        "messages[0].content[0].detail"
    ]


@pytest.mark.parametrize(
    "members",
    [
        {"kind": "audio", "data": "QUJD", "mime": "audio/wav"},
        {"kind": "video", "url": "https://example.com/a.mp4"},
        {"kind": "image", "data": "QUJD", "mime": "image/heic"},
        {"kind": "image", "data": "QUJD"},
        {"kind": "image"},
        {"kind": "image", "url": "data:image/png,raw"},
        {"kind": "file", "data": "QUJD", "mime": "application/zip"},
        {"kind": "file", "data": "/////w==", "mime": "text/plain"},
        {"kind": "file", "data": "not base64"},
    ],
)
def test_what_has_no_block_is_refused(members):
    refused(**members)


def test_broken_base64_does_no_harm():
    assert rendered(kind="image", data="UklGR!!", mime="image/webp")[0]["source"]["media_type"] == "image/webp"


@pytest.mark.parametrize("url", ["http://x.example/y.png", "ftp://x.example/y.png", "y.png", ""])
@pytest.mark.parametrize("kind", ["image", "file"])
def test_an_address_that_is_not_https_is_refused_before_the_provider_does(kind, url):
    assert "https" in refused(kind=kind, url=url).body.message
    block, _ = rendered(kind=kind, url="HTTPS://x.example/y")
    assert block["source"] == {"type": "url", "url": "HTTPS://x.example/y"}


def test_data_that_is_no_base64_is_refused():
    refused(kind="image", data="UklGR\u00e9\u00e9\u00e9\u00e9\u00e9\u00e9\u00e9\u00e9\u00e9\u00e9\u00e9")
