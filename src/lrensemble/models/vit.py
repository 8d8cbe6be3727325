"""Vision transformers through `transformers`: from scratch, or from a published checkpoint (arXiv 2010.11929)."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import Field
from torch import Tensor, nn
from torch.nn import functional

from lrensemble.errors import SpecError
from lrensemble.limits import Width
from lrensemble.models.base import MODELS
from lrensemble.models.transformers_library import first_line, quiet, transformers_with

Size = Literal["tiny", "small", "base"]

_WIDTHS_AND_HEADS = {"tiny": (192, 3), "small": (384, 6), "base": (768, 12)}
_DEPTH = 12
_PATCHES = (16, 8, 4, 2, 1)
_FEWEST_PATCHES = 7
"""Along the shorter side, where the patch is chosen by the image: 4 pixels for 28x28, 8 for 64x64, 16 for 224x224."""


class VisionTransformer(nn.Module):
    """A classifier of `transformers` that takes images and gives what its last layer gives."""

    def __init__(self, network: nn.Module, channels: int) -> None:
        super().__init__()
        self.network = network
        self.channels = channels
        """Channels that the network takes; greyscale images are repeated."""

    def forward(self, images: Tensor) -> Tensor:
        """Images [batch, channel, height, width] to outputs [batch, output]."""
        outputs: Tensor = self.network(images.expand(-1, self.channels, -1, -1)).logits
        return outputs


@MODELS.register("vit", smallest_image=1, outside=("checkpoint",), size="tiny")
def vit(
    shape: tuple[int, ...],
    outputs: int,
    *,
    size: Size | None = None,
    patch: Width | None = None,
    dropout: Annotated[float, Field(ge=0, lt=1)] = 0.0,
    checkpoint: str | None = None,
) -> nn.Module:
    """Vision transformer: tiny, small or base, or a checkpoint to fine-tune (Dosovitskiy 2021; Touvron 2021, table 1).

    Twelve layers of 192, 384 or 768 units and 3, 6 or 12 heads; the class token's last state goes to a linear layer.
    Needs `pip install 'lrensemble[vision]'`.

    Args:
        shape: of one input, (channel, height, width).
        outputs: how many.
        size: of a network from scratch; `tiny` unless given.
        patch: side of a patch in pixels, for a network from scratch; it must divide height and width. Unless given,
            the largest of 16, 8, 4, 2 and 1 that divides both and leaves 7 patches or more along the shorter side.
        dropout: fraction of hidden values that a training step leaves out.
        checkpoint: folder, or name on the Hugging Face hub, of a ViT in safetensors, which brings size and patch. For
            other images its positional embeddings are interpolated, greyscale ones are repeated as its channels, and
            for another number of outputs the last layer is a new one.

    Raises:
        SpecError: the input is no image, the patch does not divide it, or the checkpoint cannot be used.
        MissingExtraError: `transformers` is not installed.
    """
    if checkpoint is None:
        network = _from_scratch(shape, outputs, size or "tiny", patch or _patch_for(shape), dropout)
        return VisionTransformer(network, shape[0])
    if size is not None or patch is not None:
        raise SpecError("model 'vit': a checkpoint brings its own size and patch; give checkpoint alone")
    return _from_checkpoint(checkpoint, shape, outputs, dropout)


def _patch_for(shape: tuple[int, ...]) -> int:
    _, height, width = shape
    fitting = [p for p in _PATCHES if not height % p and not width % p and min(height, width) // p >= _FEWEST_PATCHES]
    return fitting[0] if fitting else 1


def _from_scratch(shape: tuple[int, ...], outputs: int, size: Size, patch: int, dropout: float) -> nn.Module:
    _require_whole_patches(shape, patch)
    transformers = _transformers()
    width, heads = _WIDTHS_AND_HEADS[size]
    config = transformers.ViTConfig(
        hidden_size=width,
        num_hidden_layers=_DEPTH,
        num_attention_heads=heads,
        intermediate_size=4 * width,
        hidden_dropout_prob=dropout,
        layer_norm_eps=1e-6,
        num_channels=shape[0],
        image_size=shape[1:],
        patch_size=patch,
        num_labels=outputs,
    )
    network: nn.Module = transformers.ViTForImageClassification(config)
    return network


def _from_checkpoint(checkpoint: str, shape: tuple[int, ...], outputs: int, dropout: float) -> nn.Module:
    transformers = _transformers()
    with quiet(transformers):
        config = _config_of(transformers, checkpoint)
        channels, patch = config.num_channels, config.patch_size
        if shape[0] not in (1, channels):
            raise SpecError(
                f"model 'vit': {checkpoint} takes images of {channels} channels; an input here has shape {shape}"
            )
        _require_whole_patches(shape, patch)
        config.hidden_dropout_prob = dropout
        if config.num_labels != outputs:  # set, even to the same number, it forgets the names of the classes
            config.num_labels = outputs
        network, report = _loaded(transformers, checkpoint, config)
    wrong = [key for key in report["missing_keys"] if not key.startswith("classifier.")]
    wrong += [key for key, *_ in report["mismatched_keys"] if not key.startswith("classifier.")]
    if wrong:
        raise SpecError(f"model 'vit': {checkpoint} is not a whole ViT; weights such as {min(wrong)} do not fit")
    _interpolate_positions(network, shape, config.image_size, patch)
    return VisionTransformer(network.float().train(), channels)


def _config_of(transformers: Any, checkpoint: str) -> Any:
    try:
        settings, _ = transformers.PreTrainedConfig.get_config_dict(checkpoint)
        if not settings:  # a folder without one
            raise FileNotFoundError("it holds no config.json")
        architecture = settings.get("model_type")
        if architecture == "vit":
            return transformers.ViTConfig.from_dict(settings)
    except (OSError, ValueError, TypeError) as error:
        raise _unusable(checkpoint, error) from None
    raise SpecError(
        f"model 'vit': {checkpoint} is a checkpoint of another architecture ({architecture or 'unnamed'}); give one "
        "whose config.json says model_type = 'vit'"
    )


def _loaded(transformers: Any, checkpoint: str, config: Any) -> tuple[nn.Module, Any]:
    """The network, and which weights of the checkpoint did not fit; nothing but safetensors is read."""
    try:
        network, report = transformers.ViTForImageClassification.from_pretrained(
            checkpoint, config=config, use_safetensors=True, ignore_mismatched_sizes=True, output_loading_info=True
        )
    except Exception as error:  # of many kinds: no such file, no network, damaged safetensors
        raise _unusable(checkpoint, error) from None
    return network, report


def _unusable(checkpoint: str, error: Exception) -> SpecError:
    return SpecError(
        f"model 'vit': cannot load checkpoint {checkpoint!r}: {first_line(error)}; give a folder with config.json and "
        "model.safetensors, or, with a network, a name on the Hugging Face hub"
    )


def _interpolate_positions(network: Any, shape: tuple[int, ...], trained: Any, patch: int) -> None:
    """Once, and not in each forward pass: the embeddings become those of this image size (Dosovitskiy 2021, 3.2)."""
    height, width = (trained, trained) if isinstance(trained, int) else trained
    if (height, width) == shape[1:]:
        return
    embeddings = network.vit.embeddings
    old = embeddings.position_embeddings.detach()
    grid = old[:, 1:].transpose(1, 2).unflatten(2, (height // patch, width // patch))
    target = (shape[1] // patch, shape[2] // patch)
    resized = functional.interpolate(grid.float(), target, mode="bicubic", align_corners=False)
    positions = nn.functional.pad(resized.flatten(2).transpose(1, 2), (0, 0, 1, 0))
    positions[:, :1] = old[:, :1]
    embeddings.position_embeddings = nn.Parameter(positions)
    network.config.image_size = embeddings.image_size = embeddings.patch_embeddings.image_size = shape[1:]


def _require_whole_patches(shape: tuple[int, ...], patch: int) -> None:
    if shape[1] % patch or shape[2] % patch:
        raise SpecError(f"model 'vit': patches of {patch}x{patch} do not divide images of {shape[1]}x{shape[2]} pixels")


def _transformers() -> Any:
    return transformers_with("ViTForImageClassification", "model 'vit'", "vision")
