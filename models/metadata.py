"""What a model package says of itself: a MONAI bundle's metadata, and a few fields of our own."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict, Field, model_validator

from models.networks.spec import NetworkSpec

SCHEMA = "https://github.com/Project-MONAI/MONAI-extra-test-data/releases/download/0.8.1/meta_schema_20240725.json"
"""Of a MONAI bundle's metadata."""


class _Frozen(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Tensor(_Frozen):
    """One input or output of the network, as MONAI's metadata schema describes it.

    Attributes:
        type: What it is, for instance `image`, `probabilities` or `tuples`.
        format: How to read it, for instance `magnitude` or `classes`.
        num_channels: Channels.
        spatial_shape: Rows and columns, or slices, rows and columns, in pixels; empty where it has none.
        dtype: NumPy's name of the element type.
        value_range: Smallest and largest value; empty where there is no bound.
        is_patch_data: Whether it is cut from a larger picture.
        channel_def: What each channel holds, by its number.
    """

    type: str
    format: str
    modality: str = "n/a"
    num_channels: int = Field(ge=1)
    spatial_shape: tuple[int, ...]
    dtype: str = "float32"
    value_range: tuple[float, ...] = ()
    is_patch_data: bool = False
    channel_def: dict[str, str]


class NetworkFormat(_Frozen):
    """Inputs and outputs of the network, by name."""

    inputs: dict[str, Tensor]
    outputs: dict[str, Tensor]


class Scope(_Frozen):
    """What a package is for, and where it comes from: everything about it that training does not find out.

    Attributes:
        name: Short name of the package.
        task: What it does, in one line.
        description: The same in a paragraph.
        labels: Names of the classes, in the order of the network's outputs.
        positive_label: The class that screening looks for.
        modalities: DICOM modality codes that it covers; PS3.3 C.7.3.1.1.1.
        views: DICOM view positions that it covers (PS3.3 C.8.1.2); empty where any will do. What a header does not
            say is not held against it.
        body_parts: DICOM body parts examined that it covers; PS3.16 annex L.
        authors: Who made it.
        copyright: Whose it is.
        data_source: What it was trained on, who collected that, and its licence.
        data_type: The form of the training data.
        intended_use: For what it may be used, and for what not.
        limits: What is known to be wrong or untested, a sentence each.
        references: Papers, a line each.
    """

    name: str = Field(pattern=r"^[a-z0-9][a-z0-9._-]*$")
    task: str
    description: str
    labels: tuple[str, ...] = Field(min_length=2)
    positive_label: str
    modalities: tuple[str, ...] = Field(min_length=1)
    body_parts: tuple[str, ...] = Field(min_length=1)
    views: tuple[str, ...] = ()
    authors: str
    copyright: str
    data_source: str
    data_type: str
    intended_use: str
    limits: tuple[str, ...]
    references: tuple[str, ...]

    @model_validator(mode="after")
    def _positive_is_a_label(self) -> Scope:
        if self.positive_label not in self.labels or len(set(self.labels)) != len(self.labels):
            raise ValueError("labels must differ and hold the positive one")
        return self

    @property
    def positive_index(self) -> int:
        """Number of the positive class."""
        return self.labels.index(self.positive_label)


class Metadata(Scope):
    """`configs/metadata.json`: MONAI's required fields, the scope, and how the network is laid out.

    Attributes:
        version: Of the package.
        changelog: What changed, by version.
        spatial_dims: 2: single pictures; 3: volumes.
        slices: Slices that the network reads; None where it reads pictures.
        rows: Rows that the network reads, in pixels.
        columns: Columns that the network reads, in pixels.
        channels: Channels that the network reads.
        head_tensor: Name of the linear head's weights in the safetensors file, shape [class, channel]; None where the
            network has no such head, and so no exact Grad-CAM.
        network: Enough to build the network anew from its weights; None in packages made before the zoo.
    """

    schema_url: str = Field(default=SCHEMA, alias="schema")
    version: str
    changelog: dict[str, str]
    monai_version: str
    pytorch_version: str
    numpy_version: str
    required_packages_version: dict[str, str]
    network_data_format: NetworkFormat
    spatial_dims: int = Field(default=2, ge=2, le=3)
    slices: int | None = Field(default=None, ge=1)
    rows: int = Field(ge=1)
    columns: int = Field(ge=1)
    channels: int = Field(default=1, ge=1)
    head_tensor: str | None = "head.weight"
    network: NetworkSpec | None = None

    @model_validator(mode="after")
    def _network_is_the_one_described(self) -> Metadata:
        if len(self.shape) != self.spatial_dims:
            raise ValueError("a volume has slices, a picture has none")
        described = (self.shape, self.channels, len(self.labels))
        if self.network and (self.network.shape, self.network.channels, self.network.classes) != described:
            raise ValueError("shape, channels and labels must be those of the network")
        return self

    @property
    def shape(self) -> tuple[int, ...]:
        """Rows and columns that the network reads, or slices, rows and columns, in pixels."""
        return (self.rows, self.columns) if self.slices is None else (self.slices, self.rows, self.columns)
