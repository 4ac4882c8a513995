"""Who offers the service, under which license, and where more is to be read."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from importlib.util import find_spec
from typing import Any

from anystream.core.exceptions import SetupError


@dataclass
class Contact:
    """Whom to ask.

    Args:
        name: a person or an organisation.
        url: their page.
        email: their address; checked when the `email-validator` package is installed.
    """

    name: str
    url: str | None = None
    email: str | None = None


@dataclass
class License:
    """The license of the service.

    Args:
        name: its name.
        url: its text.
    """

    name: str
    url: str | None = None


@dataclass
class ExternalDocs:
    """Documentation that is elsewhere.

    Args:
        url: where.
        description: what is to be found there.
    """

    url: str
    description: str | None = None


@dataclass
class Tag:
    """A label for brokers, endpoints and the whole document.

    Args:
        name: the label.
        description: what it means.
        external_docs: where more is said.
    """

    name: str
    description: str | None = None
    external_docs: ExternalDocs | Mapping[str, Any] | None = None


def contact_json(value: Contact | Mapping[str, Any]) -> dict[str, Any]:
    """A contact as the document has it.

    Raises:
        SetupError: it has no name, or an address that is none.
    """
    found = _fields("contact", value, "name", ("url", "email"))
    _check_email(found)
    return found


def license_json(value: License | Mapping[str, Any]) -> dict[str, Any]:
    """A license as the document has it.

    Raises:
        SetupError: it has no name, or a URL that is none.
    """
    return _fields("license", value, "name", ("url",))


def external_docs_json(value: ExternalDocs | Mapping[str, Any]) -> dict[str, Any]:
    """External documentation as the document has it.

    Raises:
        SetupError: it has no URL, or one that is none.
    """
    return _fields("external_docs", value, "url", ("description",))


def tag_json(value: Tag | Mapping[str, Any] | str) -> dict[str, Any]:
    """A tag as the document has it; a plain `str` is a tag's name.

    Raises:
        SetupError: it has no name.
    """
    if isinstance(value, str):
        return {"name": value}
    found = _fields("tags", value, "name", ("description",))
    docs = found.pop("external_docs", None) or found.pop("externalDocs", None)
    if docs is not None:
        found["externalDocs"] = external_docs_json(docs)
    return found


def tags_json(values: Iterable[Tag | Mapping[str, Any] | str]) -> list[dict[str, Any]]:
    """Tags as the document has them, see `tag_json`."""
    if isinstance(values, str | Mapping | Tag):
        raise SetupError(f"tags: {values!r} is a single one, pass a list such as [Tag('orders')]")
    return [tag_json(value) for value in values]


def checked_url(owner: str, value: Any) -> str:
    """A URL in its normal form: `https://example.com` gets its slash at the end.

    Raises:
        SetupError: it is no URL of http or https.
    """
    from pydantic import AnyHttpUrl, TypeAdapter, ValidationError

    try:
        return str(TypeAdapter(AnyHttpUrl).validate_python(str(value)))
    except ValidationError as error:
        raise SetupError(
            f"{owner}={value!r} is no URL: write it in full, such as 'https://example.com/about'"
        ) from error


def _fields(owner: str, value: Any, needed: str, optional: tuple[str, ...]) -> dict[str, Any]:
    """The fields of a dataclass or a mapping that are given; a mapping may have more of them."""
    if isinstance(value, Mapping):
        found = {str(name): item for name, item in value.items() if item is not None}
    elif isinstance(value, Contact | License | ExternalDocs | Tag):
        found = {name: item for name, item in vars(value).items() if item is not None}
    else:
        raise SetupError(f"{owner}: {value!r} is neither an object of that kind nor a mapping")
    if not found.get(needed):
        names = ", ".join((needed, *optional))
        raise SetupError(f"{owner}: {value!r} has no {needed!r}; its fields are {names}")
    if "url" in found:
        found["url"] = checked_url(f"{owner}: url", found["url"])
    return found


def _check_email(found: Mapping[str, Any]) -> None:
    if "email" not in found or find_spec("email_validator") is None:
        return
    from pydantic import EmailStr, TypeAdapter, ValidationError

    try:
        TypeAdapter(EmailStr).validate_python(found["email"])
    except ValidationError as error:
        raise SetupError(f"contact: email={found['email']!r} is no e-mail address") from error
