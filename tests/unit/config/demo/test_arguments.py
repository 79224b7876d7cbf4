"""Wrong use of `baywarden demo` is told before anything is started."""

from argparse import ArgumentParser, Namespace

import pytest

from baywarden_config import demo


def parsed(*words: str) -> Namespace:
    parser = ArgumentParser()
    demo.add_parser(parser.add_subparsers())
    return parser.parse_args(["demo", *words])


def test_without_any_word_it_tells_one_story_at_thirty_times_real_time() -> None:
    args = parsed()
    assert (args.for_s, args.rate, args.report, args.keep, args.port_base) == (None, 30.0, None, None, None)


@pytest.mark.parametrize(
    "words",
    [
        ("--rate", "0"),
        ("--rate", "61"),
        ("--rate", "fast"),
        ("--rate", "nan"),
        ("--for", "0"),
        ("--for", "inf"),
        ("--broker", "none"),
        ("--port-base", "80"),
        ("--port-base", "65535"),
    ],
)
def test_impossible_figures_are_refused_with_what_is_possible(
    words: tuple[str, str], capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as ended:
        parsed(*words)
    assert ended.value.code == 2
    assert words[0] in capsys.readouterr().err
