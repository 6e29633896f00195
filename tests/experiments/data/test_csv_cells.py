"""Cells of CSV columns: codes, exact integers, blanks, dirty cells and dates; what is done is said."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from experiments.data.csv_format import CsvFormat
from experiments.data.files import Reading, TableFile, read_file

N = 40
HUGE = 1_200_000_000_000_000_001


def read(tmp_path: Path, cells: list[object], **reading: object) -> TableFile:
    """Write a CSV of one column of interest, as given, beside one of numbers; read it."""
    path = tmp_path / "t.csv"
    path.write_text("x,n\n" + "".join(f"{cell},{row}.5\n" for row, cell in enumerate(cells)), encoding="utf-8")
    return read_file(path, Reading(**reading))  # type: ignore[arg-type]


class TestCodes:
    @pytest.mark.parametrize("odd", [[], [""], ["NA"]])
    def test_leading_zeros_stay_whatever_is_missing(self, tmp_path: Path, odd: list[object]) -> None:
        file = read(tmp_path, ["08028", "01010", "99999"] * 15 + odd)
        assert set(file.frame["x"].dropna()) >= {"08028", "01010", "99999"}

    def test_it_is_said(self, tmp_path: Path) -> None:
        assert "x: read as text, as '08028' begins with a zero" in read(tmp_path, ["08028", "99999"] * 9).notes[0]

    @pytest.mark.parametrize("cells", [["0", "10"], ["0.5", "00.5"], ["-1", "0"]])
    def test_plain_zeros_are_numbers(self, tmp_path: Path, cells: list[object]) -> None:
        assert pd.api.types.is_numeric_dtype(read(tmp_path, cells * 9).frame["x"])

    def test_a_column_known_to_hold_numbers_is_numbers(self, tmp_path: Path) -> None:
        assert read(tmp_path, ["08", "12"] * 9, numbers=["x"]).frame["x"].tolist() == [8, 12] * 9

    def test_a_dirty_cell_among_codes_makes_no_numbers_of_them(self, tmp_path: Path) -> None:
        assert "08028" in set(read(tmp_path, ["08028", "99999"] * 100 + ["?"]).frame["x"])


class TestExactIntegers:
    @pytest.mark.parametrize("odd", [[], [""], ["NA"], [" "], ["n/a?"]])
    def test_no_digit_is_lost_whatever_else_is_there(self, tmp_path: Path, odd: list[object]) -> None:
        whole = [HUGE + step for step in range(200)]
        values = read(tmp_path, [*whole, *odd]).frame["x"]
        assert [int(value) for value in values.dropna()] == whole

    @pytest.mark.parametrize("top", [2**53, 2**63 - 1, 2**64 - 1, 2**64, 10**25])
    def test_of_any_length(self, tmp_path: Path, top: int) -> None:
        assert [int(value) for value in read(tmp_path, [top, top - 1, ""]).frame["x"].dropna()] == [top, top - 1]

    def test_smaller_ones_with_gaps_are_floats_as_ever(self, tmp_path: Path) -> None:
        assert read(tmp_path, [1, "", 2**53 - 1]).frame["x"].dtype == "float64"


class TestDirtyCells:
    def test_it_is_missing_and_said_by_name_with_the_value(self, tmp_path: Path) -> None:
        file = read(tmp_path, [*(f"{row}.25" for row in range(200)), "n/a?"])
        assert file.frame["x"].isna().sum() == 1
        assert file.frame["x"].dtype == "float64"
        assert file.notes == ("x: 200 of 201 values are numbers, 'n/a?' is not and counts as missing",)

    def test_blanks_are_missing_and_said(self, tmp_path: Path) -> None:
        file = read(tmp_path, [*(f"{row}.25" for row in range(30)), " ", "  "])
        assert file.frame["x"].isna().sum() == 2
        assert file.frame["x"].dtype == "float64"
        assert file.notes == ("x: 2 of 32 values are blank and count as missing",)

    def test_words_for_nothing_are_not_counted(self, tmp_path: Path) -> None:
        file = read(tmp_path, [*range(150), *["NA"] * 50, "?"])
        assert file.frame["x"].isna().sum() == 51
        assert "150 of 151 values" in file.notes[0]

    @pytest.mark.parametrize("cells", [[*range(19), "?"], [*range(98), "?", "??"]], ids=["too few", "too dirty"])
    def test_not_where_they_are_many_or_the_values_few(self, tmp_path: Path, cells: list[object]) -> None:
        assert not pd.api.types.is_numeric_dtype(read(tmp_path, cells).frame["x"])

    def test_no_label_is_replaced(self, tmp_path: Path) -> None:
        assert "?" in set(read(tmp_path, [*[0, 1] * 100, "?"], roles=["x"]).frame["x"])

    def test_a_number_that_a_model_knows_needs_no_hundred(self, tmp_path: Path) -> None:
        file = read(tmp_path, ["1.5", "?"], numbers=["x"])
        assert file.frame["x"].tolist()[0] == 1.5
        assert file.notes
        assert read(tmp_path, ["a", "?", "1"], numbers=["x"]).frame["x"].tolist() == ["a", "?", "1"]

    def test_text_stays_text(self, tmp_path: Path) -> None:
        file = read(tmp_path, ["NA", "fuel", "1"] * 9)
        assert set(file.frame["x"]) == {"NA", "fuel", "1"}
        assert not file.notes


class TestDates:
    @pytest.mark.parametrize(
        ("cells", "dtype", "first"),
        [
            (["2024-01-31", "2024-02-01"], "datetime64[us]", "2024-01-31"),
            (["2024-01-31 10:05", "2024-02-01T11:00:00.5"], "datetime64[us]", "2024-01-31 10:05"),
            (["2024-01-31T10:05+01:00", "2024-07-01 11:00:00Z"], "datetime64[us, UTC]", "2024-01-31 09:05+00:00"),
            (["2024-01-31", ""], "datetime64[us]", "2024-01-31"),
            (["2024-01-31", "null"], "datetime64[us]", "2024-01-31"),
        ],
    )
    def test_iso_dates_are_datetimes(self, tmp_path: Path, cells: list[object], dtype: str, first: str) -> None:
        values = read(tmp_path, cells * 9).frame["x"]
        assert values.dtype == dtype
        assert values[0] == pd.Timestamp(first)

    def test_a_day_that_does_not_exist_is_missing_and_said(self, tmp_path: Path) -> None:
        file = read(tmp_path, ["2024-02-28"] * 120 + ["2024-02-30"])
        assert file.frame["x"].isna().sum() == 1
        assert "120 of 121 values are dates, '2024-02-30' is not" in file.notes[0]

    @pytest.mark.parametrize("cell", ["31.01.2024", "01/31/2024", "2024/01/31", "31 Jan 2024", "31.01.24 10:00"])
    def test_other_dates_are_named_with_a_way_out(self, tmp_path: Path, cell: str) -> None:
        notes = read(tmp_path, [cell] * 9).notes
        assert len(notes) == 1
        assert repr(cell) in notes[0]
        assert "--drop 'x'" in notes[0]

    @pytest.mark.parametrize("odd", ["NaT", "2024-02-30"])
    def test_a_time_column_names_what_is_no_date_in_it(self, tmp_path: Path, odd: str) -> None:
        (note,) = read(tmp_path, ["2024-01-31T10:05+01:00"] * 120 + [odd], time="x").notes
        assert note == f"x: {odd!r} is no date, so the column is read as text: correct it"

    def test_some_with_a_zone_and_some_without_stay_text_and_it_is_said(self, tmp_path: Path) -> None:
        file = read(tmp_path, ["2024-01-31T10:05", "2024-01-31T10:05Z"] * 9)
        assert not pd.api.types.is_datetime64_any_dtype(file.frame["x"])
        assert "some times state a zone" in file.notes[0]

    def test_classes_and_groups_stay_text(self, tmp_path: Path) -> None:
        assert set(read(tmp_path, ["2024-01-31", "2024-02-01"] * 9, roles=["x"]).frame["x"]) == {
            "2024-01-31",
            "2024-02-01",
        }

    def test_a_time_column_is_read_but_nothing_in_it_replaced(self, tmp_path: Path) -> None:
        assert read(tmp_path, ["2024-01-31", "2024-02-01"] * 9, time="x").frame["x"].dtype == "datetime64[us]"
        assert "?" in set(read(tmp_path, ["2024-01-31"] * 200 + ["?"], time="x").frame["x"])


class TestHints:
    def test_decimal_commas(self, tmp_path: Path) -> None:
        assert "--decimal ," in read(tmp_path, ['"12,50"', '"3,25"'] * 9).notes[0]

    def test_thousands(self, tmp_path: Path) -> None:
        assert "thousands" in read(tmp_path, ['"1,250.50"', '"3,250"'] * 9).notes[0]

    def test_a_dropped_column_is_not_spoken_of(self, tmp_path: Path) -> None:
        file = read(tmp_path, ["31.01.2024"] * 9, drop=["x"])
        assert list(file.frame) == ["n"]
        assert not file.notes


def test_dirty_cells_and_decimal_commas_together(tmp_path: Path) -> None:
    (tmp_path / "t.csv").write_text("x;n\n" + "".join(f"{row},25;a\n" for row in range(150)) + "?;b\n;c\n")
    file = read_file(tmp_path / "t.csv", Reading(CsvFormat(sep=";", decimal=",")))
    assert file.frame["x"].iloc[1] == 1.25
    assert file.frame["x"].isna().sum() == 2
    assert "150 of 151" in file.notes[0]


def test_files_that_were_read_rightly_are_read_the_same(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    frame = pd.DataFrame(
        {
            "amount": rng.gamma(2, 50, 500),
            "age": rng.integers(18, 90, 500),
            "gap": np.where(rng.random(500) < 0.1, np.nan, rng.integers(0, 9, 500)),
            "shop": rng.choice(["fuel", "food", "NA"], 500),
            "night": rng.random(500) < 0.5,
            "fraud": rng.integers(0, 2, 500),
        }
    )
    frame.to_csv(tmp_path / "t.csv", index=False)
    file = read_file(tmp_path / "t.csv")
    expected = pd.read_csv(tmp_path / "t.csv", keep_default_na=False, na_values=[""], low_memory=False)
    pd.testing.assert_frame_equal(file.frame, expected)
    assert not file.notes
