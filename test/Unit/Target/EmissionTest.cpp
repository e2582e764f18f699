// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===- EmissionTest.cpp - what emission refuses, what it promises about its output, the C header ----------===//

#include "Compile.h"

#include "moe/Target/CHeader.h"
#include "moe/Target/SharedLibrary.h"

#include "mlir/IR/Diagnostics.h"

using namespace mlir;
using namespace mlir::moe;

TEST(Emission, SameBytesEveryTime) {
  auto one = tinyCode(), two = tinyCode();
  ASSERT_TRUE(one && two);
  auto a = one->object(), b = two->object(), again = one->object();
  ASSERT_TRUE(bool(a) && bool(b) && bool(again));
  EXPECT_EQ((*a)->getBuffer(), (*b)->getBuffer());
  EXPECT_EQ((*a)->getBuffer(), (*again)->getBuffer()) << "emitting changed the module";
  EXPECT_EQ(one->llvmText(), two->llvmText());
}

TEST(Emission, OneDefinedSymbolIsVisible) {
  auto code = tinyCode();
  ASSERT_TRUE(code);
  std::string text = code->llvmText();
  llvm::SmallVector<llvm::StringRef> lines;
  llvm::StringRef(text).split(lines, '\n');
  int visible = 0;
  for (llvm::StringRef line : lines)
    visible += line.starts_with("define ") && !line.contains(" internal ");
  EXPECT_EQ(visible, 1) << text;
  EXPECT_NE(text.find("@moe_get_library"), std::string::npos);
}

TEST(Emission, ObeysTheFeaturesAndNotTheHost) {
  auto code = tinyCode();
  ASSERT_TRUE(code);
  auto assembly = code->assembly();
  ASSERT_TRUE(bool(assembly));
  EXPECT_EQ(assembly->find("zmm"), std::string::npos);
  EXPECT_NE(code->llvmText().find("\"target-cpu\"=\"x86-64-v3\""), std::string::npos);
}

static std::string compileError(const char *body) {
  std::string message;
  ScopedDiagnosticHandler handler(&testContext(), [&](Diagnostic &diagnostic) {
    if (message.empty())
      message = diagnostic.str();
    return success();
  });
  auto module = parseSourceString<ModuleOp>(body, &testContext());
  auto lowered = lower(std::move(module), buildTargetPipeline);
  if (!lowered)
    return message;
  auto code = NativeCode::create(*lowered);
  if (!code)
    return llvm::toString(code.takeError());
  auto object = (*code)->object();
  if (!object)
    return llvm::toString(object.takeError());
  auto imports = importsOf((*object)->getMemBufferRef());
  return imports ? "" : llvm::toString(imports.takeError());
}

TEST(Emission, ForeignCallsAreRefused) {
  std::string message = compileError(R"(
    moe.weight @w : tensor<2x3xf32> from "w"
    moe.layer @moe0 block 0 = @k(@w)
    func.func private @malloc(i64) -> i64
    func.func @k_workspace(%t: index) -> i64 { %c = arith.constant 8 : i64
      return %c : i64 }
    func.func @k(%x: memref<?x3xf32, strided<[?, 1]>>,
        %w: memref<2x3xf32> {moe.packing = #moe.packing<weights = [0], experts = 1, rows = 2, cols = 3, panel = 0, k_group = 1, type = f32>},
        %y: memref<?x3xi32, strided<[?, 1]>> {moe.name = "output"}, %ws: memref<?xi8>, %pool: !llvm.ptr) {
      %c = arith.constant 8 : i64
      %c0 = arith.constant 0 : index
      %p = call @malloc(%c) : (i64) -> i64
      %v = arith.trunci %p : i64 to i32
      memref.store %v, %y[%c0, %c0] : memref<?x3xi32, strided<[?, 1]>>
      return
    })");
  EXPECT_EQ(message, "expected kernels that call only moe_parallel_for and moe_pool_threads, got a call of malloc");
}

TEST(Emission, HeaderCompilesNames) {
  auto module = parseSourceFile<ModuleOp>(MOE_TINY_KERNEL, &testContext());
  ASSERT_TRUE(module);
  auto layers = describeLayers(*module);
  ASSERT_TRUE(succeeded(layers));
  std::string text;
  llvm::raw_string_ostream os(text);
  writeCHeader(*layers, "tiny-3.b", os);
  EXPECT_NE(text.find("#define TINY_3_B_LAYERS 2\n"), std::string::npos) << text;
  EXPECT_NE(text.find("#define TINY_3_B_MOE1_BLOCK 1\n"), std::string::npos) << text;
  EXPECT_NE(text.find("#define TINY_3_B_MOE0_E 2\n"), std::string::npos) << text;
}
