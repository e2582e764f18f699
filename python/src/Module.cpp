// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// moe_mlir._moe: the two C interfaces of the project as Python objects. What users see is in moe_mlir/*.py.
#include "Library.h"

NB_MODULE(_moe, module) {
  module.doc() = "The compiler and the runtime of moe-mlir; see moe_mlir for what users call.";
  nb::set_leak_warnings(false); // layers in module-level caches die with the process
  auto error = nb::exception<RuntimeFailure>(module, "Error", PyExc_RuntimeError);
  nb::exception<CompileError>(module, "CompileError", error.ptr());
  bindArrays(module);
  bindLibrary(module);
  bindLayer(module);
}
