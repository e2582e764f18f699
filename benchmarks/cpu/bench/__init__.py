# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""What compare.py is made of: cases, limits of the machine, our compiled layer."""
