"""Settings: `IRROPS_*` variables, `irrops.toml`, secrets also as `IRROPS_…_FILE`. Nothing is connected here."""

import os
from datetime import timedelta
from pathlib import Path
from typing import Annotated, Any

from pydantic import Field, SecretStr, ValidationError, field_validator
from pydantic.fields import FieldInfo
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SettingsConfigDict, TomlConfigSettingsSource

import integrations
from engine.duration import Duration
from engine.lanes import ADDRESS

ROOT = Path(__file__).resolve().parents[1]
"""The checkout that irrops runs from."""


class SettingsError(Exception):
    """Settings that can't be used; the message names each and says what to write."""


class FileSecrets(PydanticBaseSettingsSource):
    """`IRROPS_X_FILE` names a file that holds the value of `IRROPS_X`."""

    def get_field_value(self, field: FieldInfo, field_name: str) -> tuple[Any, str, bool]:
        return None, field_name, False

    def __call__(self) -> dict[str, Any]:
        found: dict[str, Any] = {}
        for name, path in os.environ.items():
            if name.startswith("IRROPS_") and name.endswith("_FILE"):
                try:
                    value = Path(path).read_text(encoding="utf-8").strip()
                except OSError as error:
                    raise SettingsError(f"{name} names {path}, which can't be read: {error.strerror}") from None
                _place(found, name.removeprefix("IRROPS_").removesuffix("_FILE").lower(), value)
        return found


def _place(found: dict[str, Any], name: str, value: str) -> None:
    section, _, rest = name.partition("_")
    if section in integrations.Config.model_fields and rest:
        found.setdefault(section, {})[rest] = value
    else:
        found[name] = value


class Settings(BaseSettings, integrations.Config):
    """Everything that can be set. A section's settings are written `IRROPS_<SECTION>_<NAME>`."""

    model_config = SettingsConfigDict(
        env_prefix="IRROPS_",
        env_nested_delimiter="_",
        env_nested_max_split=1,
        extra="forbid",
        frozen=True,
    )

    home: Path = Field(default=Path(".irrops"), description="Folder for everything that irrops writes.")
    database: str = Field(
        default="", description="SQLAlchemy URL; default: SQLite under home. `postgresql://…` for several machines."
    )
    playbooks: Path = Field(default=ROOT / "playbooks", description="Folder of playbooks.")
    messages: Path = Field(default=ROOT / "templates" / "messages", description="Folder of message templates.")
    triage: Path = Field(default=ROOT / "templates" / "triage", description="Folder of word lists for urgency.")
    organisation: str = Field(default="Example Air", description="Who speaks, as the public reads it.")
    time_zone: str = Field(default="Europe/Amsterdam", description="IANA zone for people where no station is named.")
    station_zones: dict[str, str] = Field(
        default={"AMS": "Europe/Amsterdam", "RTM": "Europe/Amsterdam", "EIN": "Europe/Amsterdam"},
        description="IANA zone of each station, as JSON or a table.",
    )
    demand: Path = Field(
        default=ROOT / "examples" / "demand.csv",
        description="CSV with the usual messages by weekday, hour and language.",
    )
    handling_s: int = Field(
        default=360, ge=10, le=7200, description="Average handling time of a conversation, seconds."
    )
    concurrency: int = Field(default=1, ge=1, le=10, description="Conversations that an agent handles at once.")
    help_url: str = Field(default="", description="Where customers find help; part of every statement.")
    rest_hours: float = Field(
        default=11, ge=0, le=24, description="Rest between shifts (2003/88/EC, article 3), hours."
    )
    longest_shift_hours: float = Field(default=12, ge=1, le=24, description="Longest shift, hours.")
    weekly_hours: float = Field(default=48, ge=1, le=168, description="Most hours in a week (2003/88/EC, article 6).")
    answer_rate: dict[str, Annotated[float, Field(gt=0, le=1)]] = Field(
        default={},
        description="Lane to share of people who answer a call in 45 minutes, before there is a history, as JSON.",
    )
    lanes: tuple[str, ...] = Field(
        default=("slack", "email", "sms", "voice", "push"),
        description="Order in which people without a wish of their own are called; lanes without credentials are out.",
    )
    lane_after: Duration = Field(
        default=timedelta(minutes=5),
        ge=timedelta(minutes=1),
        description="How long a lane has before the next is tried.",
    )
    pages: int = Field(default=6, ge=1, le=100, description="How often one person is called in 24 hours at most.")
    public_url: str = Field(
        default="", description="Where people reach this irrops with a browser; without it messages carry no links."
    )
    secret: SecretStr | None = Field(
        default=None, description="From which answer codes are made; default: a file under home, made once."
    )
    speaks: dict[str, tuple[str, ...]] = Field(
        default={},
        description="Channel or account to the languages that its readers are written to, as JSON; default: all.",
    )
    regions: tuple[str, ...] = Field(
        default=("eu",),
        description="Whose rules on passengers' rights are always told, beside the stations': eu, uk, us.",
    )
    station_regions: dict[str, str] = Field(
        default={"AMS": "eu", "RTM": "eu", "EIN": "eu"}, description="Region of each station, as JSON or a table."
    )
    remind_before: Duration = Field(
        default=timedelta(minutes=10),
        ge=timedelta(minutes=1),
        description="How long before a promised update those who write it are reminded.",
    )
    look_every: Duration = Field(
        default=timedelta(minutes=15),
        ge=timedelta(minutes=1),
        description="How often it is looked whether what was published still stands there.",
    )
    lint: Path = Field(
        default=ROOT / "templates" / "lint", description="Folder of words that are not to be published, by language."
    )
    signing_key: Path | None = Field(
        default=None,
        description="PEM file with the Ed25519 key that signs packs; default: signing_key.pem under home, made once.",
    )
    host: str = Field(default="127.0.0.1", description="Address that `irrops serve` listens on.")
    port: int = Field(default=8018, ge=1, le=65535, description="Port of the HTTP API and the console.")
    prefect_port: int = Field(default=4218, ge=1, le=65535, description="Port of the Prefect server that serve starts.")
    prefect: bool = Field(default=True, description="Run advances as Prefect flows; without it they run all the same.")
    keep_days: int = Field(default=90, ge=1, description="Days after which customers' messages are deleted.")

    @field_validator("lanes", mode="after")
    @classmethod
    def _known_lanes(cls, lanes: tuple[str, ...]) -> tuple[str, ...]:
        unknown = [lane for lane in lanes if lane not in ADDRESS]
        if unknown:
            raise ValueError(f"{', '.join(unknown)}: no lane; there are {', '.join(ADDRESS)}")
        return lanes

    @field_validator("home", "playbooks", "messages", "triage", "lint", "demand", "signing_key", mode="after")
    @classmethod
    def _absolute(cls, path: Path | None) -> Path | None:
        return path.expanduser().absolute() if path else None

    @property
    def database_url(self) -> str:
        return self.database or f"sqlite:///{self.home / 'irrops.db'}"

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        toml = TomlConfigSettingsSource(settings_cls, Path("irrops.toml"))
        return init_settings, env_settings, FileSecrets(settings_cls), toml


def load(**given: Any) -> Settings:
    """Read the settings. Raises SettingsError."""
    try:
        return Settings(**given)
    except ValidationError as error:
        lines = [
            f"{'.'.join(map(str, problem['loc']))}: {problem['msg']}" for problem in error.errors(include_url=False)
        ]
        raise SettingsError("settings: " + "; ".join(lines) + " (see docs/settings.md)") from None
    except ValueError as error:
        raise SettingsError(f"irrops.toml can't be read: {error}") from None
