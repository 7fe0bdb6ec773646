"""The contract: what people and programs get from the product, recorded once and compared field by field ever after.

A scenario drives a started product from outside, by HTTP and by commands, on the sample candles, and writes down each
answer. The answers that the product gave before lie in `golden/`, one file a part. Module names occur in none of the
questions, so code may move, be renamed or be written anew; what is compared is what a caller sees. The same files hold
for SQLite and for PostgreSQL with Redis.

What no caller may rely upon is replaced before it is compared (`normal.py`): times, speeds, ids, hashes of source code,
lines of the product's own code in tracebacks. Figures, counts, parameters and messages are compared to the bit.

A comparison that fails says which field of which answer changed, before and after. Then the code is wrong, not the
file. Recording anew is legitimate for one reason only: the contract is changed on purpose, in a commit that says so,
or the scenario asks something more. The difference of the golden files is then part of what is reviewed:

    python3 manage.py test tests/contract --record-contract

An old home folder is kept, too (`home-0007.tar.gz`, made by `old_home.py`): the product starts on a copy of it,
brings its tables up to date, and shows every run that is in it.
"""
