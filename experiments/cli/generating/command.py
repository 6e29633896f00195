"""The command ``weakspot generate``: its options, and the order of its steps."""

import functools
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from experiments.cli.csv_options import DateParts, Decimal, Drop, Encoding, Sep, SpreadsheetSafe, Text, parts_told
from experiments.cli.generating.private import Delta, Epsilon, Group, MostRows, Protection, SchemaFile
from experiments.cli.output import check_absent, check_apart, check_safe, check_suffix, tell_all
from experiments.cli.output import say as tell
from loop.errors import ConfigError

if TYPE_CHECKING:
    from experiments.cli.generating.fit import Fitted
    from loop.protocols import Gate

FITTED_ALREADY = "a saved generator is fitted already"
Balance = Annotated[
    str | None, typer.Option(help="With --data: columns such as sex,race; rows go to their smallest groups.")
]
Licence = Annotated[str | None, typer.Option(help="With --data: its licence, carried to all that is made from it.")]
Origin = Annotated[str | None, typer.Option(help="With --data: who made it and where it is from, carried as well.")]
Audited = Annotated[
    bool, typer.Option("--audit/--no-audit", help="With --data and --out: try a quick membership attack.")
]


# Long: one line for each option
def generate(  # Wide: each parameter is an option of the command
    model: Annotated[Path | None, typer.Argument(help="Folder of a generator or run, or rule book (.yaml).")] = None,
    n: Annotated[int, typer.Option("--n", help="Rows wanted.")] = 1000,
    where: Annotated[str | None, typer.Option(help="Region, such as 'amount > 300 and night == 1'.")] = None,
    label: Annotated[str | None, typer.Option(help="Class; default: as classes occur in the region.")] = None,
    balance: Balance = None,
    out: Annotated[Path | None, typer.Option(help=".csv, .parquet or a folder; default: CSV on the screen.")] = None,
    data: Annotated[str | None, typer.Option(help="Instead of MODEL: file or source to fit on.")] = None,
    target: Annotated[str | None, typer.Option(help="With --data: column of the classes.")] = None,
    generator: Annotated[str | None, typer.Option(help="With --data: name or rule book; usual: tree_chain.")] = None,
    save: Annotated[Path | None, typer.Option(help="With --data: folder to keep the fitted generator in.")] = None,
    seed: Annotated[int, typer.Option(min=0, max=2**63 - 1, help="Same seed, same rows.")] = 0,
    licence: Licence = None,
    origin: Origin = None,
    audit: Audited = True,
    epsilon: Epsilon = None,
    delta: Delta = None,
    schema_file: SchemaFile = None,
    group: Group = None,
    most_rows_per_group: MostRows = None,
    spreadsheet_safe: SpreadsheetSafe = False,
    drop: Drop = None,
    text: Text = None,
    date_parts: DateParts = None,
    sep: Sep = None,
    encoding: Encoding = None,
    decimal: Decimal = None,
) -> None:
    """Make rows inside a region, from a saved generator or one fitted on a file; or a data set from a rule book."""
    check_suffix(out, folder=True)
    if (model is None) == (data is None):
        raise ConfigError("rows must come from MODEL or from --data, got both or neither: give one of them.")
    check_apart(out, None if data is None else Path(data))
    check_safe(spreadsheet_safe, out)
    protection = Protection(epsilon, delta, schema_file, group, most_rows_per_group)
    if model is not None:
        options = {"--target": target, "--generator": generator, "--save": save, "--drop": drop or None}
        options |= {"--date-parts": date_parts or None, "--sep": sep, "--encoding": encoding, "--decimal": decimal}
        options |= {"--text": text or None, "--licence": licence, "--origin": origin}
        check_absent(FITTED_ALREADY, {**protection.options, **options, "--balance": balance})
    if balance is not None:
        check_absent("the groups of --balance are regions themselves", {"--where": where})
    from experiments.cli.generating import arrays, rows
    from experiments.cli.generating.leaving import leave
    from experiments.trust.provenance.record import Terms
    from loop.protocols import Telling

    terms = Terms(licence, origin)
    say = functools.partial(tell, err=out is None)
    settings = {"n": n, "where": where, "label": label, "seed": seed}
    left = functools.partial(
        leave,
        model,
        data,
        out,
        settings | ({"balance": balance} if balance else {}),
        safe=spreadsheet_safe,
        terms=terms,
    )
    if model is not None and model.suffix in rows.BOOKS:
        sentences = left(rows.of_book(model, n, where, label, seed), how=[f"All from the rule book {model.name}."])
        say(f"{n:,} rows of the rule book {model}")
        tell_all(sentences)
        return
    ask = functools.partial(rows.request_of, n=n, where=where, label=label)
    fitted, gate = _saved(model) if model is not None else (None, None)
    if fitted is None:
        from experiments.cli.generating.fit import Source, fitted_on

        told = (tuple(drop or ()), (sep, encoding, decimal), parts_told(date_parts) or {})
        source = Source(str(data), target, generator, save, *told, text=tuple(text or ()))
        fitted = fitted_on(source, ask, seed, say, protection)
        if save is not None:
            from experiments.trust.provenance.leaving import provenance_of
            from generators.common.persistence import name_of

            of_fit = {"generator": source.generator or name_of(type(fitted.generator)), "seed": seed}
            provenance_of(None, data, of_fit, fitted.promise is not None, terms).write(save)
    if balance is None:
        delivery = rows.deliver(fitted.generator, ask(fitted.schema), fitted.schema, seed, gate)
    else:
        from experiments.cli.generating.balance import deliver_balanced

        delivery = deliver_balanced(fitted, balance, ask(fitted.schema), seed)
    audited = _audited(fitted, generator, data, seed) if audit and data and out else None
    made = delivery.samples.table
    if out is not None and not out.suffix:
        arrays.check(made, out)
    promise = [f"{fitted.promise}."] if fitted.promise else []
    sentences = left(
        delivery.frame,
        protected=bool(data and promise),
        target=fitted.schema.target,
        how=[f"{delivery.summary}.", *delivery.warnings, *promise],
        audit=audited or fitted.promise,
        made=made,
    )
    say(delivery.summary if out is None else f"{out}: {delivery.summary}")
    asked = fitted.generator.said() if isinstance(fitted.generator, Telling) else None
    tell_all([*delivery.warnings, asked, audited, *sentences])


def _audited(fitted: "Fitted", name: str | None, data: str, seed: int) -> str | None:
    from experiments.cli.generating.audit import in_a_sentence
    from generators.common.persistence import name_of

    return in_a_sentence(fitted, name or name_of(type(fitted.generator)), data, seed)


def _saved(model: Path) -> tuple["Fitted", "Gate | None"]:
    """Return a saved generator, and the constraints of its run."""
    from experiments.cli.generating import rows
    from experiments.cli.generating.fit import Fitted
    from experiments.storage import run_folder

    made, schema = run_folder.load_generator(model)  # first: configurations of other versions may differ
    return Fitted(made, schema), rows.gate_of(model)
