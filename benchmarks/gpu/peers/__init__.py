# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Other implementations of a layer on a GPU, one a file: PEERS is {name: build}, and build(shape, weights) gives a
function of rows that leaves its work on the default stream. A file whose libraries are missing fails to import."""
