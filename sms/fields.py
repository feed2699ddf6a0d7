"""A model field for secrets: encrypted at rest, and never shown by accident."""

from __future__ import annotations

from typing import Any, NoReturn

from django.core import checks
from django.core.exceptions import FieldError
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.models import Model
from django.db.models.query_utils import DeferredAttribute
from encrypted_model_fields.fields import EncryptedTextField

from sms import envelope
from sms.envelope import MovedSecret as MovedSecret
from sms.envelope import WrongEncryptionKey as WrongEncryptionKey


class Secret:
    """A secret of one row. It prints as dots; only reveal() gives the plain text.

    Until its row is saved it holds what was entered, from then on what is stored.
    """

    __slots__ = ("_entered", "_place", "_sealed")

    def __init__(self, sealed: str = "", place: str = "", entered: str = "") -> None:
        self._sealed, self._place, self._entered = sealed, place, entered

    def reveal(self) -> str:
        """The plain text. Raises WrongEncryptionKey if no configured key decrypts it, MovedSecret if it was
        brought here from elsewhere."""
        if not self._sealed:
            return self._entered
        if not self._place:
            raise TypeError("A secret is read off its row: load the object, not the column's values.")
        return envelope.unseal(self._sealed, self._place)

    def __str__(self) -> str:
        return "••••••••"

    def __repr__(self) -> str:
        return "<Secret>"

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Secret) and other._all() == self._all()

    def __hash__(self) -> int:
        return hash(self._all())

    def __copy__(self) -> Secret:
        return self

    def __deepcopy__(self, memo: object) -> Secret:
        return self

    def __reduce_ex__(self, protocol: object) -> NoReturn:
        raise TypeError("A secret is not pickled: pass the id of its row, and load that where it is used.")

    def _all(self) -> tuple[str, str, str]:
        return self._sealed, self._place, self._entered


class _SecretAttribute(DeferredAttribute):
    """Gives and takes Secrets: what is assigned is wrapped at once, and knows the row that it belongs to."""

    field: SecretField

    def __get__(self, instance: Model | None, cls: Any = None) -> Any:
        if instance is None:
            return self
        secret = super().__get__(instance, cls)
        if isinstance(secret, Secret) and not secret._place:
            secret = self.field.placed(secret, instance)
            instance.__dict__[self.field.attname] = secret
        return secret

    def __set__(self, instance: Model, value: Any) -> None:
        if isinstance(value, str):
            value = Secret(entered=value) if value else None
        elif not (value is None or isinstance(value, Secret)):
            raise TypeError(f"{self.field} takes text, None or the Secret that it has.")
        if value is not None and not value._place and self.field.bound_attname in instance.__dict__:
            # As the row is now: whoever gives it another owner later is told on save.
            value = self.field.placed(value, instance)
        instance.__dict__[self.field.attname] = value


class SecretField(EncryptedTextField):  # type: ignore[misc]
    """Text that is encrypted on its way to the database; instances hold a Secret, assignments take str.

    django-encrypted-model-fields returns the ciphertext as the value when the key is wrong, and encrypts it
    again on save; decrypts ciphertext that someone typed in, or that was copied from another row; and puts
    plain text into dumps. Here a wrong key raises on use and never changes the row, typed text is always
    plain text, each secret opens in its own row and column only, and dumps carry nothing.

    `bound_to` names the field whose value is the row's for good, and known before the row is.
    """

    descriptor_class = _SecretAttribute

    def __init__(self, *args: Any, bound_to: str = "user", **kwargs: Any) -> None:
        self.bound_to = bound_to
        super().__init__(*args, **kwargs)

    def deconstruct(self) -> Any:
        name, path, args, kwargs = super().deconstruct()
        if self.bound_to != "user":
            kwargs["bound_to"] = self.bound_to
        return name, path, args, kwargs

    def check(self, **kwargs: Any) -> list[checks.CheckMessage]:
        return [*super().check(**kwargs), *self._check_binding()]

    def _check_binding(self) -> list[checks.CheckMessage]:
        bound = {field.name: field for field in self.model._meta.local_concrete_fields}.get(self.bound_to)
        if bound is not None and bound.unique and not bound.null:
            return []
        return [
            checks.Error(
                f"Secrets are bound to “{self.bound_to}”, which does not tell the rows of "
                f"{self.model._meta.label} apart.",
                hint="Name a field that is unique and not null as bound_to of the SecretField.",
                obj=self,
                id="midcall.E019",
            )
        ]

    @property
    def bound_attname(self) -> str:
        return str(self.model._meta.get_field(self.bound_to).attname)

    def place(self, bound: object) -> str:
        """Where the secret of one row belongs: model, column, and the value it is bound to.

        Under another name of model or column what is stored does not open: a migration has to seal it anew.
        """
        return f"{self.model._meta.label_lower}.{self.name} of {self.bound_to} {bound}"

    def placed(self, secret: Secret, instance: Model) -> Secret:
        """The secret as this row's; unchanged while the row does not know whose it is."""
        bound = getattr(instance, self.bound_attname)
        if bound is None:
            return secret
        return Secret(secret._sealed, self.place(bound), secret._entered)

    def pre_save(self, model_instance: Model, add: bool) -> Secret | None:
        secret: Secret | None = getattr(model_instance, self.attname)
        if secret is None:
            return None
        here = self.placed(secret, model_instance)
        if secret._sealed and here != secret:
            raise MovedSecret(
                f"A stored secret belongs to {secret._place}, and cannot be saved as that of {here._place}: "
                "enter it there again."
            )
        stored = Secret(_sealed(here), here._place)
        model_instance.__dict__[self.attname] = stored
        return stored

    def from_db_value(self, value: str | None, *args: object) -> Secret | None:
        return Secret(value) if value else None

    def to_python(self, value: Any) -> Any:
        return value

    def get_prep_value(self, value: Any) -> Any:
        return value

    def get_db_prep_save(self, value: Any, connection: BaseDatabaseWrapper) -> Any:
        # An expression, as bulk_update() makes one, comes with the Secrets inside.
        if value is None or hasattr(value, "as_sql"):
            return value
        if isinstance(value, Secret):
            return _sealed(value)
        raise TypeError(f"A secret is bound to its row: set {self.name} of an object, and save that.")

    def get_lookup(self, lookup_name: str) -> Any:
        if lookup_name == "isnull":
            return super().get_lookup(lookup_name)
        raise FieldError(
            f"{self.name} is encrypted: it can be asked for being there ({self.name}__isnull) only."
        )

    def get_transform(self, lookup_name: str) -> Any:
        # Found by neither name, a lookup is reported as unsupported; get_lookup() says why.
        return None

    def value_to_string(self, obj: Any) -> str:
        return ""

    def formfield(self, **kwargs: Any) -> None:
        # Forms declare a write-only field of their own; a generated one would render the value.
        return None


def _sealed(secret: Secret) -> str:
    if not secret._sealed and not secret._place:
        raise TypeError("A secret can only be stored in a row that knows whose it is: set its owner first.")
    return secret._sealed or envelope.seal(secret._entered, secret._place)
