import gzip
import re
import threading
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from datasets_files import COMPRESS, cifar_members, cifar_set, idx, idx_items, idx_set, tar
from datasets_server import Answer, serve

from asap import datasets
from asap.datasets.download import fetch
from asap.datasets.loader import load_files
from asap.datasets.progress import show_progress

CONTENTS = np.random.default_rng(5).bytes(300_000)


@pytest.fixture(autouse=True)
def no_pause(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("asap.datasets.download.PAUSE_SECONDS", 0.0)


def verify(path: Path) -> None:
    if path.read_bytes() != CONTENTS:
        raise datasets.DataError("expected the contents; found others")


def download(
    folder: Path,
    *urls: str,
    verify: Callable[[Path], None] = verify,
    max_bytes: int = len(CONTENTS),
    progress: bool = False,
) -> Path:
    target = folder / "sub" / "set.gz"
    fetch(urls, target, verify, max_bytes=max_bytes, progress=progress, _allow_loopback_http=True)
    return target


def part_of(folder: Path) -> Path:
    (folder / "sub").mkdir(exist_ok=True)
    return folder / "sub" / "set.gz.part"


def test_a_whole_answer_becomes_the_file_and_leaves_no_part(tmp_path: Path) -> None:
    with serve(file=[Answer(CONTENTS)]) as mirror:
        target = download(tmp_path, mirror.url + "file")
    assert target.read_bytes() == CONTENTS
    assert sorted(path.name for path in target.parent.iterdir()) == [".set.gz.lock", "set.gz"]
    assert mirror.requests == [("/file", None)]


def test_an_answer_without_a_length_is_read_to_its_end(tmp_path: Path) -> None:
    with serve(file=[Answer(CONTENTS, length=False)]) as mirror:
        assert download(tmp_path, mirror.url + "file").read_bytes() == CONTENTS


def test_after_a_cut_only_the_rest_is_asked_for(tmp_path: Path) -> None:
    with serve(
        file=[Answer(CONTENTS, cut_after=100_000), Answer(CONTENTS, cut_after=50_000), Answer(CONTENTS)]
    ) as mirror:
        assert download(tmp_path, mirror.url + "file").read_bytes() == CONTENTS
    assert mirror.requests == [("/file", None), ("/file", "bytes=100000-"), ("/file", "bytes=150000-")]


def test_a_later_call_goes_on_where_an_earlier_one_was_cut(tmp_path: Path) -> None:
    part_of(tmp_path).write_bytes(CONTENTS[:12_345])
    with serve(file=[Answer(CONTENTS)]) as mirror:
        assert download(tmp_path, mirror.url + "file").read_bytes() == CONTENTS
    assert mirror.requests == [("/file", "bytes=12345-")]


def test_a_server_that_ignores_the_range_sends_all_again(tmp_path: Path) -> None:
    part_of(tmp_path).write_bytes(b"x" * 12_345)
    with serve(file=[Answer(CONTENTS, ranges=False)]) as mirror:
        assert download(tmp_path, mirror.url + "file").read_bytes() == CONTENTS
    assert mirror.requests == [("/file", "bytes=12345-")]


def test_what_a_server_that_sends_another_range_has_spoilt_is_fetched_anew(tmp_path: Path) -> None:
    part_of(tmp_path).write_bytes(CONTENTS[:12_345])
    with serve(file=[Answer(CONTENTS, shifted_by=7), Answer(CONTENTS)]) as mirror:
        assert download(tmp_path, mirror.url + "file").read_bytes() == CONTENTS
    assert mirror.requests == [("/file", "bytes=12345-"), ("/file", None)]


@pytest.mark.parametrize("held", [CONTENTS, CONTENTS + b"more"])
def test_a_part_with_nothing_to_follow_is_checked_and_fetched_anew_when_wrong(tmp_path: Path, held: bytes) -> None:
    part_of(tmp_path).write_bytes(held)
    with serve(file=[Answer(CONTENTS)]) as mirror:
        assert download(tmp_path, mirror.url + "file").read_bytes() == CONTENTS
    assert len(mirror.requests) == (1 if held == CONTENTS else 2)


def test_a_part_of_other_contents_is_thrown_away(tmp_path: Path) -> None:
    part_of(tmp_path).write_bytes(b"x" * 12_345)
    with serve(file=[Answer(CONTENTS)]) as mirror:
        assert download(tmp_path, mirror.url + "file").read_bytes() == CONTENTS
    assert mirror.requests == [("/file", "bytes=12345-"), ("/file", None)]


def test_a_stalled_connection_is_given_up_and_resumed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("asap.datasets.transfer.TIMEOUT_SECONDS", 0.2)
    with serve(file=[Answer(CONTENTS, cut_after=1 << 17, stall=True), Answer(CONTENTS)]) as mirror:
        assert download(tmp_path, mirror.url + "file").read_bytes() == CONTENTS
        assert not mirror.lost_patience
    assert [path for path, _ in mirror.requests] == ["/file", "/file"]


def test_when_a_mirror_lacks_the_file_the_next_one_is_asked(tmp_path: Path) -> None:
    with serve() as empty, serve(file=[Answer(CONTENTS)]) as mirror:
        assert download(tmp_path, empty.url + "file", mirror.url + "file").read_bytes() == CONTENTS
    assert len(empty.requests) == len(mirror.requests) == 1


def test_when_a_mirror_has_other_contents_the_next_one_is_asked(tmp_path: Path) -> None:
    with serve(file=[Answer(CONTENTS[::-1])]) as wrong, serve(file=[Answer(CONTENTS)]) as mirror:
        assert download(tmp_path, wrong.url + "file", mirror.url + "file").read_bytes() == CONTENTS
    assert mirror.requests == [("/file", None)]


def test_what_one_mirror_left_is_completed_by_the_next(tmp_path: Path) -> None:
    with (
        serve(file=[Answer(CONTENTS, cut_after=1000), Answer(status=503)]) as weak,
        serve(file=[Answer(CONTENTS)]) as mirror,
    ):
        assert download(tmp_path, weak.url + "file", mirror.url + "file").read_bytes() == CONTENTS
    assert mirror.requests == [("/file", "bytes=1000-")]


def test_when_all_mirrors_fail_each_is_named_with_what_happened(tmp_path: Path) -> None:
    endless = [Answer(CONTENTS, cut_after=0)]
    with serve(cut=endless, wrong=[Answer(b"wrong")], broken=[Answer(status=500)]) as mirror:
        urls = [mirror.url + name for name in ("none", "cut", "wrong", "broken")]
        with pytest.raises(datasets.DataError) as caught:
            download(tmp_path, *urls, "http://127.0.0.1:1/file")
    for line, url, problem in zip(
        str(caught.value).splitlines(),
        [*urls, "http://127.0.0.1:1/file"],
        [
            "HTTP 404 Not Found",
            "the connection ended after 0 of 300000 bytes",
            "expected the contents; found others",
            "HTTP 500 Internal Server Error",
            "no connection ([Errno 111] Connection refused)",
        ],
        strict=True,
    ):
        assert line == f"    {url}: {problem}"
    assert not (tmp_path / "sub" / "set.gz").exists()


@pytest.mark.parametrize("length", [True, False])
def test_no_more_than_the_limit_is_received(tmp_path: Path, length: bool) -> None:
    with (
        serve(file=[Answer(bytes(5_000_000), length=length)]) as mirror,
        pytest.raises(datasets.DataError, match="expected at most 300000 bytes; found"),
    ):
        download(tmp_path, mirror.url + "file")
    assert not part_of(tmp_path).exists()


def test_only_https_is_followed_also_by_redirects(tmp_path: Path) -> None:
    with pytest.raises(datasets.DataError, match=r"only https is followed; got http://example\.org/file"):
        download(tmp_path, "http://example.org/file")
    with pytest.raises(datasets.DataError, match="only https is followed; got file:///etc/passwd"):
        download(tmp_path, "file:///etc/passwd")
    with (
        serve(file=[Answer(status=302, location="http://example.org/elsewhere")]) as mirror,
        pytest.raises(datasets.DataError, match=r"only https is followed; got http://example\.org/elsewhere"),
    ):
        download(tmp_path, mirror.url + "file")


def test_loopback_without_https_is_for_tests_only(tmp_path: Path) -> None:
    with serve(file=[Answer(CONTENTS)]) as mirror:
        with pytest.raises(datasets.DataError, match="only https is followed"):
            fetch([mirror.url + "file"], tmp_path / "file", verify, max_bytes=len(CONTENTS), progress=False)
        assert mirror.requests == []


def test_a_redirect_to_an_allowed_address_is_followed(tmp_path: Path) -> None:
    with serve(file=[Answer(CONTENTS)]) as mirror:
        mirror.answers["moved"] = [Answer(status=302, location=mirror.url + "file")]
        assert download(tmp_path, mirror.url + "moved").read_bytes() == CONTENTS


def test_a_folder_that_cannot_be_written_is_told(tmp_path: Path) -> None:
    (tmp_path / "sub").write_bytes(b"a file where the folder should be")
    with pytest.raises(datasets.DataError, match=r"sub: cannot be written \(File exists\)"):
        download(tmp_path, "https://example.org/file")


def test_those_who_want_the_same_file_at_once_download_it_once(tmp_path: Path) -> None:
    with serve(file=[Answer(CONTENTS)]) as mirror:
        threads = [threading.Thread(target=download, args=(tmp_path, mirror.url + "file")) for _ in range(6)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert len(mirror.requests) == 1
    assert (tmp_path / "sub" / "set.gz").read_bytes() == CONTENTS


def test_progress_goes_to_standard_error_in_lines_when_it_is_no_terminal(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with serve(file=[Answer(CONTENTS)]) as mirror:
        download(tmp_path, mirror.url + "file", progress=True)
    shown = capsys.readouterr()
    assert shown.out == ""
    assert shown.err.splitlines()[-1] == "set.gz: 0.3 of 0.3 MiB (100 %)"


@pytest.mark.parametrize(("start", "num_lines"), [(0, 10), (300, 7)])
def test_progress_is_a_line_per_tenth_however_small_the_pieces(
    capsys: pytest.CaptureFixture[str], start: int, num_lines: int
) -> None:
    with show_progress("set.gz", start, 1000, enabled=True) as advance:
        for _ in range(start, 1000):
            advance(1)
    assert len(capsys.readouterr().err.splitlines()) == num_lines


def test_progress_towards_an_unknown_total_is_a_line_per_16_mebibytes(capsys: pytest.CaptureFixture[str]) -> None:
    with show_progress("set.gz", 0, None, enabled=True) as advance:
        for _ in range(40):
            advance(1 << 20)
    assert capsys.readouterr().err.splitlines() == ["set.gz: 16.0 MiB", "set.gz: 32.0 MiB"]


@pytest.mark.parametrize("has_tqdm", [True, False])
def test_progress_in_a_terminal_is_a_bar_when_tqdm_is_there(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, has_tqdm: bool
) -> None:
    if has_tqdm:
        pytest.importorskip("tqdm")
    else:
        monkeypatch.setitem(__import__("sys").modules, "tqdm.auto", None)
    monkeypatch.setattr("sys.stderr.isatty", lambda: True, raising=False)
    with serve(file=[Answer(CONTENTS)]) as mirror:
        download(tmp_path, mirror.url + "file", progress=True)
    shown = capsys.readouterr().err
    assert ("MiB (100 %)" in shown) is not has_tqdm
    assert ("100%|" in shown) is has_tqdm


# --- whole sets


def load(recipe: object, **arguments: object) -> datasets.DataSet:
    defaults = {"directory": None, "download": True, "progress": False, "_allow_loopback_http": True}
    return load_files(recipe, **(defaults | arguments))  # type: ignore[arg-type]


def idx_answers() -> dict[str, list[Answer]]:
    return {f"{name}.gz": [Answer(gzip.compress(idx(items)))] for name, items in idx_items().items()}


def test_a_set_is_downloaded_once_into_the_cache(private_places: Path) -> None:
    with serve(**idx_answers()) as mirror:
        data = load(idx_set(mirror.url))
        assert len(mirror.requests) == 4
        np.testing.assert_array_equal(data.train.inputs, idx_items()["train-images-idx3-ubyte"])
        again = load(idx_set(mirror.url), download=False)
        assert len(mirror.requests) == 4
    assert data.source == again.source
    assert data.source.endswith(str(private_places / "asap" / "datasets" / "mnist"))


def test_downloads_with_the_wrong_hash_are_refused_with_both_hashes(private_places: Path) -> None:
    answers = idx_answers()
    other = idx(idx_items()["t10k-images-idx3-ubyte"][::-1])
    answers["t10k-images-idx3-ubyte.gz"] = [Answer(gzip.compress(other))]
    with serve(**answers) as mirror, pytest.raises(datasets.DataError) as caught:
        load(idx_set(mirror.url))
    message = str(caught.value)
    assert message.startswith("data set 'mnist': not found")
    expected = (
        rf"t10k-images-idx3-ubyte.gz: expected contents with sha256 {idx_set().test_images.sha256}; found \w{{64}}"
    )
    assert re.search(expected, message)
    assert f"{private_places}/asap/datasets/mnist: without t10k-images-idx3-ubyte, t10k-labels-idx1-ubyte" in message


def test_a_web_page_in_place_of_the_file_is_refused(private_places: Path) -> None:
    answers = idx_answers()
    answers["train-images-idx3-ubyte.gz"] = [Answer(b"<html>Please log in to this network</html>")]
    with serve(**answers) as mirror, pytest.raises(datasets.DataError, match="expected magic number 2051"):
        load(idx_set(mirror.url))
    assert not list(private_places.rglob("*ubyte*.gz"))


@pytest.mark.usefixtures("private_places")
def test_the_original_archive_is_downloaded_and_recognised() -> None:
    archive = COMPRESS[".tar.gz"](tar(cifar_members()))
    with serve(**{"cifar-10-binary.tar.gz": [Answer(archive)]}) as mirror:
        assert load(cifar_set(mirror.url, archive=archive)).source.startswith("original contents")


def test_another_archive_than_the_original_is_refused(private_places: Path) -> None:
    archive = COMPRESS[".tar.gz"](tar(cifar_members()))
    with (
        serve(**{"cifar-10-binary.tar.gz": [Answer(archive)]}) as mirror,
        pytest.raises(datasets.DataError, match=r"expected an archive with sha256 \w{64}; found \w{64}"),
    ):
        load(cifar_set(mirror.url, archive=b"another"))
    assert not list(private_places.rglob("*.tar.gz"))
