# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Every class of experts that transformers sends through its interface, on random weights, against its own forward.

The families' models are not needed for that: a class gets a config of its family whose sizes are made small.
"""

import importlib
import inspect
import warnings
from pathlib import Path

import moe_mlir.transformers
import pytest
import torch
import transformers

E, K, T = 4, 2, 7
MODELS = Path(transformers.__file__).parent / "models"
FILES = sorted(file for file in MODELS.glob("*/modeling_*.py") if "@use_experts_implementation" in file.read_text())
# A norm after each expert is left to grouped_mm, with a warning.
LEFT_ALONE = {"MuseSparkExperts"}


def classes_of(module, base=object):
    own = [c for c in vars(module).values() if inspect.isclass(c) and c.__module__ == module.__name__]
    return [c for c in own if issubclass(c, base)]


def small(kind):
    """A family's config with few and small experts, whatever it calls their sizes."""
    config = kind()
    fields = vars(config)  # without the checks of assignments
    for name, value in list(fields.items()):
        number = isinstance(value, int) and not isinstance(value, bool)
        count = "expert" in name and not any(word in name for word in ("size", "dim", "per_tok"))
        if count and (value is None or (number and value > E)):
            fields[name] = E
        elif (number and value >= 64 and "token" not in name) or (
            "intermediate" in name and (value is None or isinstance(value, list))  # a list: one for each modality
        ):
            fields[name] = 32 if any(word in name for word in ("hidden", "d_model", "dim")) else 24
    return config


def made(kind, folder):
    """The experts module from the first config of its family that has what it asks for."""
    why = []
    for file in sorted(folder.glob("configuration_*.py")):
        module = importlib.import_module(f"transformers.models.{folder.name}.{file.stem}")
        for config in classes_of(module, transformers.PreTrainedConfig):
            try:
                return kind(small(config))
            except Exception as error:  # noqa: BLE001  (a config of another part of the model)
                why.append(f"{config.__name__}: {error}")
    pytest.fail("; ".join(why))


@pytest.mark.full
@pytest.mark.parametrize("file", FILES, ids=lambda file: file.parent.name)
def test_agrees_with_its_own_forward(file):
    module = importlib.import_module(f"transformers.models.{file.parent.name}.{file.stem}")
    kinds = [c for c in classes_of(module) if hasattr(c, "_apply_gate") and hasattr(c.forward, "__wrapped__")]
    assert kinds
    for kind in kinds:
        experts, random = made(kind, file.parent), torch.Generator().manual_seed(0)
        with torch.no_grad():
            for parameter in experts.parameters():
                parameter.copy_(0.3 * torch.randn(parameter.shape, generator=random))
        first = experts.gate_up_proj if experts.has_gate else experts.up_proj
        x = torch.randn(T, first.shape[1 if experts.is_transposed else 2], generator=random)
        ids = torch.stack([torch.randperm(first.shape[0], generator=random)[:K] for _ in range(T)])
        weights = torch.rand(ids.shape, generator=random)
        with torch.no_grad(), warnings.catch_warnings(record=True) as said:
            warnings.simplefilter("always")
            expected = kind.forward.__wrapped__(experts, x, ids, weights)
            got = moe_mlir.transformers.moe_mlir_experts(experts, x, ids, weights)
        assert (got - expected).abs().max() <= 1e-5 * expected.abs().max()
        alone = [str(each.message) for each in said if "runs as grouped_mm" in str(each.message)]
        assert bool(alone) == (kind.__name__ in LEFT_ALONE), alone
