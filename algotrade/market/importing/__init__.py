"""Files of candles: what they hold, whether it can be trusted, and the way into the store.

    imports.py         a file is read, checked whole, and stored, or refused with every reason
    preview.py         the same without storing: what was detected, what is wrong
    reading.py         the process in which files of strangers are read
    csv_files.py       CSV files as tables of text
    parquet_files.py   Parquet files as tables of text
    tables.py          a file's columns as text, whatever its format
    columns.py         which column is what
    rows.py            from columns of text to bars
    times.py           times as vendors write them, as UTC nanoseconds
    numerals.py        numbers with a decimal point or comma

What the store does with bars lies one room up, and what asks a vendor for them in `vendors`.
"""
