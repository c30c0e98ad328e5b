import pytest

from translators.canonical import Media, UpstreamError
from translators.formats.google_generate.media import is_googles_own, render_media

PDF = "JVBERi0xLjQK"


@pytest.mark.parametrize(
    ("media", "mime"),
    [
        (Media(kind="image", mime="image/png", data="QUJD"), "image/png"),
        (Media(kind="image", mime="image/jpg", data="QUJD"), "image/jpeg"),
        (Media(kind="image", data="iVBORw0KGgoAAA"), "image/png"),
        (Media(kind="image", data="/9j/4AAQ"), "image/jpeg"),
        (Media(kind="image", data="UklGRgAA"), "image/webp"),
        (Media(kind="file", data=PDF), "application/pdf"),
        (Media(kind="file", data="QUJD", filename="a.PDF"), "application/pdf"),
        (Media(kind="file", data="QUJD", filename="notes.md"), "text/markdown"),
        (Media(kind="file", data="QUJD", mime="application/json"), "text/plain"),
        (Media(kind="file", data="QUJD", mime="text/plain; charset=utf-8"), "text/plain"),
        (Media(kind="audio", data="QUJD", mime="audio/mp3"), "audio/mp3"),
        (Media(kind="audio", data="QUJD", mime="audio/wav"), "audio/wav"),
        (Media(kind="video", data="QUJD", mime="video/mp4"), "video/mp4"),
    ],
)
def test_data_goes_inline_with_a_type_that_google_takes(media, mime):
    assert render_media(media, "w") == {"inlineData": {"mimeType": mime, "data": media.data}}


def test_a_data_url_is_data():
    assert render_media(Media(kind="image", url="data:image/webp;base64,QUJD"), "w") == {
        "inlineData": {"mimeType": "image/webp", "data": "QUJD"}
    }


@pytest.mark.parametrize(
    ("url", "kind", "source"),
    [
        ("gs://b/a.wav", "audio", {"fileUri": "gs://b/a.wav", "mimeType": "audio/wav"}),
        ("https://youtu.be/x", "file", {"fileUri": "https://youtu.be/x", "mimeType": "video/mp4"}),
        ("https://youtu.be/x", "video", {"fileUri": "https://youtu.be/x", "mimeType": "video/mp4"}),
        (
            "https://generativelanguage.googleapis.com/v1beta/files/x",
            "file",
            {"fileUri": "https://generativelanguage.googleapis.com/v1beta/files/x"},
        ),
        ("https://e.org/a.pdf?x=1", "file", {"fileUri": "https://e.org/a.pdf?x=1", "mimeType": "application/pdf"}),
        ("https://e.org/picture", "image", {"fileUri": "https://e.org/picture", "mimeType": "image/jpeg"}),
    ],
)
def test_an_address_is_file_data(url, kind, source):
    assert render_media(Media(kind=kind, url=url), "w") == {"fileData": source}


@pytest.mark.parametrize(
    ("media", "what"),
    [
        (Media(kind="image", data="R0lGODlh"), "image/gif"),
        (Media(kind="image", data="QUJD", mime="image/gif"), "image/gif"),
        (Media(kind="file", data="QUJD"), "unknown type"),
        (Media(kind="file", data="UklGRgAA"), "unknown type"),
        (Media(kind="file", data="QUJD", mime="application/msword"), "application/msword"),
        (Media(kind="file", file_id="file-1"), "not in the request itself"),
        (Media(kind="image", url="data:image/png,abc"), "base64"),
    ],
)
def test_what_google_cannot_take_is_refused(media, what):
    with pytest.raises(UpstreamError, match=what) as caught:
        render_media(media, "messages[3]")
    assert caught.value.body.param == "messages[3]"


@pytest.mark.parametrize(
    ("url", "own"),
    [
        ("gs://b/o", True),
        ("https://www.youtube.com/watch?v=x", True),
        ("https://generativelanguage.googleapis.com/v1beta/files/x", True),
        ("https://example.com/a.png", False),
        ("https://www.youtube.com.evil.org/", False),
        ("http://169.254.169.254/", False),
    ],
)
def test_only_googles_own_addresses_are_read_everywhere(url, own):
    assert is_googles_own(url) is own
