# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Layers as a target of JAX's foreign function interface."""

import jax
import jax.numpy as jnp
import moe_mlir
import moe_mlir.jax
import numpy as np
import pytest


@pytest.fixture(scope="module")
def x():
    return jax.random.normal(jax.random.key(0), (7, 64))


def test_in_jit(layer, x):
    block = jax.jit(lambda x: 2 * moe_mlir.jax.call(layer, x) + x)
    assert np.array_equal(block(x), 2 * np.array(layer(x)) + np.array(x))
    again = x[:3]  # another number of rows
    assert np.array_equal(block(again), 2 * np.array(layer(again)) + np.array(again))


def test_bfloat16(half, x):
    rows = x.astype(jnp.bfloat16)
    y = jax.jit(lambda x: moe_mlir.jax.call(half, x))(rows)
    assert y.dtype == jnp.bfloat16
    assert np.array_equal(np.array(y), np.array(half(rows)))


def test_vmap_and_sequences(layer, x):
    batch = jnp.stack([x, x + 1, x * 2])
    expected = np.stack([np.array(layer(each)) for each in batch])
    assert np.array_equal(jax.jit(jax.vmap(lambda x: moe_mlir.jax.call(layer, x)))(batch), expected)
    assert np.array_equal(jax.jit(lambda x: moe_mlir.jax.call(layer, x))(batch), expected)


def test_wrong_inputs(layer, x):
    with pytest.raises(TypeError, match="expected float32, got bfloat16"):
        moe_mlir.jax.call(layer, x.astype(jnp.bfloat16))
    with pytest.raises(ValueError, match="expected rows of 64"):
        jax.jit(lambda x: moe_mlir.jax.call(layer, x))(x[:, :5])
    with pytest.raises(TypeError, match="expected 1 inputs"):
        moe_mlir.jax.call(layer, x, x)


def test_no_rows(layer):
    assert moe_mlir.jax.call(layer, jnp.zeros((0, 64))).shape == (0, 64)
