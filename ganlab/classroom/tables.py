"""Tables as people save them: in whichever encoding, with whichever mark between the columns, a spreadsheet wrote."""

import csv
import io
import re
from pathlib import Path

MARKS = ",;\t"  # between columns


def text_of(file: Path) -> str:
    """Return the text of a file that an editor, a shell or a spreadsheet wrote: UTF-8, UTF-16 or Windows-1252."""
    content = file.read_bytes()
    if content.startswith((b"\xff\xfe", b"\xfe\xff")):
        return content.decode("utf-16", errors="replace")
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError:
        return content.decode("cp1252", errors="replace")


def iso(text: str) -> str:
    """Return a time as Python reads it: of dates with dots, as spreadsheets in Europe write them, the day is first."""
    turned = re.sub(r"^(\d{1,2})\.(\d{1,2})\.(\d{4})", lambda m: f"{m[3]}-{m[2]:0>2}-{m[1]:0>2}", text.strip())
    return re.sub(r"^([\d-]{10}[ T])(\d):", r"\g<1>0\2:", turned)  # 8:30


def rows(text: str) -> tuple[list[str], list[tuple[int, dict[str, str]]]]:
    """Return the columns of a table, in lower case, and (line, {column: value}) of each line that is not empty."""
    lines = text.splitlines()
    skipped = next((k for k, line in enumerate(lines) if line.strip() and not line.startswith("sep=")), len(lines))
    body = "\n".join(lines[skipped:])
    mark = max(MARKS, key=lambda one: len(next(csv.reader(io.StringIO(body), delimiter=one), [])))
    reader = csv.reader(io.StringIO(body), delimiter=mark)
    columns = [column.strip().casefold() for column in next(reader, [])]
    records = []
    for values in reader:
        if any(value.strip() for value in values):
            stripped = [value.strip() for value in values] + [""] * (len(columns) - len(values))
            records.append((skipped + reader.line_num, dict(zip(columns, stripped, strict=False))))
    return columns, records
