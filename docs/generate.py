"""Writes docs/reference and the chart's values from the code. `--check` fails where they drift."""

from __future__ import annotations

import inspect
import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from typer.main import get_command

from cluster.chart.writing import FILES
from models.networks.registry import ARCHITECTURES
from models.pretraining.settings import PretrainSettings
from models.training.settings import AugmentSettings, TrainingSettings
from serve.operations.catalogue import KINDS
from sievert.branchadmit import PRESETS
from sievert.cli.main import app
from sievert.errors import all_errors
from sievert.records import FAMILIES, Reason
from sievert.settings import ENV_PREFIX, Branch, ClusterProfile, Settings, SubmitProfile

if TYPE_CHECKING:
    from collections.abc import Iterator

REFERENCE = Path(__file__).parent / "reference"
CHART = Path(__file__).parent.parent / "helm" / "sievert"
NOTE = "<!-- written by `make docs` from the code: change it there -->\n\n"


def errors() -> str:
    """The table of errors and exit codes."""
    rows = [f"| {kind.exit_code} | `{kind.__name__}` | {_first(kind)} | {kind.advice} |" for kind in all_errors()]
    fixed = ["| 0 | | Done. | |", "| 2 | | The command line cannot be understood. | See `--help`. |"]
    last = "| 130 | | Interrupted by Ctrl-C. | The same command resumes where it stopped. |"
    head = "# Errors and exit codes\n\n| exit code | error | what happened | what to do |\n|---|---|---|---|"
    return "\n".join([head, *fixed, *rows, last]) + "\n"


def reasons() -> str:
    """The table of quarantine reasons, by family."""
    lines = ["# Reasons for quarantine", ""]
    for family, title in FAMILIES.items():
        lines += [f"## {title}", "", "| code | explanation |", "|---|---|"]
        lines += [f"| `{reason.value}` | {reason.explanation} |" for reason in Reason if reason.family == family]
        lines.append("")
    return "\n".join(lines)


def settings() -> str:
    """The table of settings, a section a branch."""
    lines = [
        "# Settings",
        "",
        "From `sievert.toml` (in the current folder, the user's configuration folder, or named by `--config` or",
        "`SIEVERT_CONFIG`), then from the environment, then from flags; the later wins. `sievert settings` prints the",
        "effective tree and where each value came from.",
        "",
    ]
    for name, field in Settings.model_fields.items():
        branch = field.annotation
        if isinstance(branch, type) and issubclass(branch, Branch):
            lines += [f"## `[{name}]`", "", f"{_first(branch)}", "", "| setting | environment | default | meaning |"]
            lines += ["|---|---|---|---|", *_rows(name, branch), ""]
        elif field.description:
            lines += _profiles(name)
    lines += ["## `[plan.profiles.NAME]`", "", f"{_first(ClusterProfile)}", "", "| setting | default | meaning |"]
    lines += ["|---|---|---|", *(_profile_row(*item) for item in ClusterProfile.model_fields.items()), ""]
    return "\n".join(lines)


def _profile_row(name: str, field: Any) -> str:  # noqa: ANN401 - pydantic's FieldInfo
    default = "" if field.default is None else f"`{field.default}`"
    return f"| `{name}` | {default} | {field.description} |"


def _profiles(name: str) -> list[str]:
    head = [f"## `[{name}.NAME]`", "", _first(SubmitProfile), "", "| setting | environment | default | meaning |"]
    return [*head, "|---|---|---|---|", *_rows(f"{name}.NAME", SubmitProfile), ""]


def policies() -> str:
    """What each named policy sets."""
    lines = [
        "# Named compliance policies",
        "",
        "`sievert screen --policy NAME`, or `preset` in the table `[admit]` of `sievert.toml`. What is set beside it",
        "goes before it; a limit that is left out is not looked at. The limits of quality for chest X-rays refuse none",
        "of 100 NIH radiographs, 63 % of the same slightly out of focus, and all that are badly so, overexposed,",
        "nearly blank, or collimated to a quarter: `benchmarks/quality.py` prints it.",
        "",
    ]
    for name, preset in PRESETS.items():
        lines += [f"## `{name}`", "", "| setting | value |", "|---|---|"]
        plain = {key: value for key, value in preset.items() if key != "quality"}
        both = {**plain, **{f"quality.{key}": value for key, value in preset["quality"].items()}}
        lines += [f"| `admit.{key}` | `{_toml(value)}` |" for key, value in both.items()]
        lines.append("")
    return "\n".join(lines)


def _toml(value: object) -> str:
    return json.dumps(list(value) if isinstance(value, tuple) else value)


def commands() -> str:
    """Every command with its options."""
    group: Any = get_command(app)
    lines = ["# Commands", "", "`sievert COMMAND --help` says the same.", ""]
    for name, command in _leaves(group):
        lines += [
            f"## `sievert {name}`",
            "",
            inspect.cleandoc(command.help or ""),
            "",
            "| option | meaning |",
            "|---|---|",
        ]
        lines += [_option(param) for param in command.params if param.name != "help"]
        lines.append("")
    return "\n".join(lines)


def training() -> str:
    """The tables of training settings and of every network's options."""
    lines = ["# Training settings", "", "Any of these is set with `--set KEY=VALUE`, for instance"]
    lines += ["`--set augment.rotation_deg=20 --set network.dropout=0.3`; many have a flag of their own.", ""]
    for title, prefix, kind in (
        ("Training", "training", TrainingSettings),
        ("Augmentation", "augment", AugmentSettings),
        ("Pre-training (`sievert pretrain`)", "training", PretrainSettings),
    ):
        lines += [f"## {title}", "", _first(kind), "", "| setting | default | meaning |", "|---|---|---|"]
        lines += [_training_row(prefix, *item) for item in kind.model_fields.items() if item[0] != "augment"]
        lines.append("")
    lines += ["## Networks", ""]
    for one in ARCHITECTURES.values():
        starts = ", ".join(f"`{key}` {value}" for key, value in one.starts.items())
        lines += [f"### `{one.name}`: {one.title}", "", f"{one.source}. Reads {_ranks(one.ranks)}."]
        lines += [f"Starts with {starts}." if starts else "Starts with the defaults above.", ""]
        lines += ["| option | default |", "|---|---|"]
        lines += [f"| `network.{name}` | `{value}` |" for name, value in one.defaults.items()]
        lines.append("")
    return "\n".join(lines)


def metrics() -> str:
    """The table of the online service's metrics."""
    lines = ["# Metrics", ""]
    lines += ["`GET /metrics` of the online service; [operations.md](../operations.md) says how they are read.", ""]
    lines += ["| metric | type | labels | meaning |", "|---|---|---|---|"]
    for kind in KINDS:
        labels = ", ".join(f"`{label}`" for label in kind.labels)
        lines.append(f"| `{kind.shown}` | {kind.type} | {labels} | {kind.help} |")
    return "\n".join(lines) + "\n"


def _training_row(prefix: str, name: str, field: Any) -> str:  # noqa: ANN401 - pydantic's own class
    default = "" if field.default_factory else f"`{field.default}`"
    return f"| `{prefix}.{name}` | {default} | {field.description or ''} |"


def _ranks(ranks: tuple[int, ...]) -> str:
    return " and ".join({2: "pictures", 3: "volumes"}[rank] for rank in ranks)


def _leaves(group: Any, prefix: str = "") -> Iterator[tuple[str, Any]]:  # noqa: ANN401 - typer's own classes
    for name, command in group.commands.items():
        if hasattr(command, "commands"):
            if command.invoke_without_command:
                yield prefix + name, command
            yield from _leaves(command, f"{prefix}{name} ")
        else:
            yield prefix + name, command


def _option(param: Any) -> str:  # noqa: ANN401 - typer's own classes
    names = (
        ", ".join(f"`{name}`" for name in param.opts)
        if param.param_type_name == "option"
        else f"`{param.metavar or param.name.upper()}`"
    )
    return f"| {names} | {(param.help or '').replace('|', '/')} |"


def _rows(name: str, branch: type[Branch]) -> list[str]:
    rows = []
    for key, field in branch.model_fields.items():
        kind = field.annotation
        if isinstance(kind, type) and issubclass(kind, Branch):
            rows += _rows(f"{name}.{key}", kind)
            continue
        default = "in the user's data directory" if field.default_factory else field.default
        shown = "" if default is None else default if field.default_factory else f"`{_plain(default)}`"
        variable = f"{ENV_PREFIX}{name.upper().replace('.', '__')}__{key.upper()}"
        rows.append(f"| `{name}.{key}` | `{variable}` | {shown} | {field.description} |")
    return rows


def _plain(default: Any) -> Any:  # noqa: ANN401 - any setting's default
    """Lists as they are written in the environment."""
    if not isinstance(default, tuple):
        return default
    return json.dumps([one.model_dump(exclude_defaults=True) if isinstance(one, Branch) else one for one in default])


def _first(kind: type) -> str:
    return inspect.cleandoc(kind.__doc__ or "").split("\n\n")[0].replace("\n", " ")


PAGES = {
    "errors.md": errors,
    "policies.md": policies,
    "reasons.md": reasons,
    "settings.md": settings,
    "commands.md": commands,
    "metrics.md": metrics,
    "training.md": training,
}


def main() -> None:
    """Write the pages, or with `--check` say which are out of date."""
    REFERENCE.mkdir(exist_ok=True)
    pages = {REFERENCE / name: NOTE + make() for name, make in PAGES.items()}
    pages |= {CHART / name: make() for name, make in FILES.items()}
    stale = [file for file, content in pages.items() if not file.exists() or file.read_text("utf-8") != content]
    if "--check" not in sys.argv:
        for file in stale:
            file.write_text(pages[file], "utf-8")
    elif stale:
        sys.exit(f"out of date: {', '.join(file.name for file in stale)}; run `make docs`")


if __name__ == "__main__":
    main()
