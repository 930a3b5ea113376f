"""What a row may hold, where CHECK constraints would cost more than what they compare.

PostgreSQL reads the CHECK constraints of a table anew, from the text that it stores them as, for each
statement that writes to it: a tenth of what a claim and its label took there. The function of a trigger is
read once a connection, and not called for a statement that writes none of the columns it looks at.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from django.core.checks import CheckMessage
from django.core.exceptions import ValidationError
from django.db import DEFAULT_DB_ALIAS, models
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.backends.base.schema import BaseDatabaseSchemaEditor
from django.db.models import BaseConstraint, CheckConstraint, Q
from django.db.models.expressions import Col
from django.db.models.sql import Query

# The row goes by its table's name, as the conditions call it.
CREATE = """
    CREATE OR REPLACE FUNCTION {function}() RETURNS trigger LANGUAGE plpgsql AS $rules$
    DECLARE
        {table} ALIAS FOR NEW;
    BEGIN
        IF NOT ({all}) THEN
            DECLARE
                broken text := CASE {each} END;
            BEGIN
                RAISE check_violation USING CONSTRAINT = broken, TABLE = TG_TABLE_NAME, MESSAGE =
                    format('a row of "%s" would break the rule "%s"', TG_TABLE_NAME, broken);
            END;
        END IF;
        RETURN NEW;
    END $rules$;
    CREATE TRIGGER {trigger} BEFORE INSERT OR UPDATE OF {columns} ON {table}
        FOR EACH ROW EXECUTE FUNCTION {function}();
"""


class Rules(BaseConstraint):
    """CHECK constraints by name, kept by one trigger: a row that breaks one is refused as by a CHECK of that
    name, with IntegrityError. Rows that were there before, or are restored, are not looked at, and who may
    switch triggers off may switch these off.

    A migration that renames the table, or renames, removes or changes the type of a column that a rule names,
    removes the rules before that and adds them again behind it: PostgreSQL does not do so by itself.
    """

    def __init__(self, *, name: str, rules: Mapping[str, Q]) -> None:
        super().__init__(name=name)
        self.rules = dict(rules)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Rules) and self.deconstruct() == other.deconstruct()

    __hash__ = None  # type: ignore[assignment]

    def deconstruct(self) -> Any:
        path, args, named = super().deconstruct()
        return path, args, {**named, "rules": self.rules}

    def constraint_sql(  # type: ignore[override]
        self, model: type[models.Model], schema_editor: BaseDatabaseSchemaEditor
    ) -> str:
        """Nothing within the table's own statement: the trigger comes after it."""
        schema_editor.deferred_sql.append(self.create_sql(model, schema_editor))
        return ""

    def create_sql(  # type: ignore[override]
        self, model: type[models.Model], schema_editor: BaseDatabaseSchemaEditor
    ) -> str:
        rules = {name: _compiled(model, rule, schema_editor) for name, rule in self.rules.items()}
        columns = {column for _, read in rules.values() for column in read}
        quoted = schema_editor.quote_name
        return CREATE.format(
            function=self._function(model, schema_editor),
            trigger=quoted(self.name),
            table=quoted(model._meta.db_table),
            columns=", ".join(quoted(column) for column in sorted(columns)),
            all=" AND ".join(f"({condition})" for condition, _ in rules.values()),
            each=" ".join(f"WHEN NOT ({condition}) THEN '{name}'" for name, (condition, _) in rules.items()),
        )

    def remove_sql(  # type: ignore[override]
        self, model: type[models.Model], schema_editor: BaseDatabaseSchemaEditor
    ) -> str:
        return f"DROP FUNCTION {self._function(model, schema_editor)}() CASCADE"

    def _function(self, model: type[models.Model], schema_editor: BaseDatabaseSchemaEditor) -> str:
        return schema_editor.quote_name(f"{model._meta.db_table}_{self.name}")

    def validate(
        self,
        model: type[models.Model],
        instance: models.Model,
        exclude: set[str] | None = None,
        using: str = DEFAULT_DB_ALIAS,
    ) -> None:
        broken = []
        for check in self._checks():
            try:
                check.validate(model, instance, exclude, using)
            except ValidationError as error:
                broken.append(error)
        if broken:
            raise ValidationError(broken)

    def _check(self, model: type[models.Model], connection: BaseDatabaseWrapper) -> list[CheckMessage]:
        return [found for check in self._checks() for found in check._check(model, connection)]  # type: ignore[attr-defined]

    def _checks(self) -> list[CheckConstraint]:
        return [CheckConstraint(condition=rule, name=name) for name, rule in self.rules.items()]


def _compiled(
    model: type[models.Model], rule: Q, schema_editor: BaseDatabaseSchemaEditor
) -> tuple[str, set[str]]:
    """As SQL, with the columns it reads."""
    query = Query(model)
    where = query.build_where(rule)
    compiler = query.get_compiler(connection=schema_editor.connection)
    condition, values = where.as_sql(compiler, schema_editor.connection)
    return condition % tuple(map(schema_editor.quote_value, values)), set(_columns(where))


def _columns(expression: Any) -> Iterator[str]:
    if isinstance(expression, Col):
        yield str(expression.target.column)
    for part in expression.get_source_expressions():
        yield from _columns(part)
