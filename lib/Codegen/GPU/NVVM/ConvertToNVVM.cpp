// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===- ConvertToNVVM.cpp - device kernels to the LLVM and NVVM dialects -----------------------------------===//

#include "moe/Codegen/GPU/NVVM/Passes.h"

#include "mlir/Conversion/ConvertToLLVM/ToLLVMInterface.h"
#include "mlir/Conversion/ConvertToLLVM/ToLLVMPass.h"
#include "mlir/Conversion/GPUToNVVM/GPUToNVVMPass.h"
#include "mlir/Conversion/LLVMCommon/ConversionTarget.h"
#include "mlir/Conversion/LLVMCommon/TypeConverter.h"
#include "mlir/Conversion/MathToLLVM/MathToLLVM.h"
#include "mlir/Dialect/GPU/Transforms/Passes.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/Dialect/LLVMIR/NVVMDialect.h"
#include "mlir/Transforms/GreedyPatternRewriteDriver.h"

namespace mlir::moe {
#define GEN_PASS_DEF_CONVERTTONVVM
#include "moe/Codegen/GPU/NVVM/Passes.h.inc"
} // namespace mlir::moe

using namespace mlir;

namespace {

struct ConvertToNVVM : moe::impl::ConvertToNVVMBase<ConvertToNVVM> {
  void getDependentDialects(DialectRegistry &registry) const override {
    ConvertToNVVMBase::getDependentDialects(registry);
    registerConvertToLLVMDependentDialectLoading(registry);
  }

  void runOnOperation() override {
    gpu::GPUModuleOp module = getOperation();
    RewritePatternSet rewrites(&getContext());
    populateGpuRewritePatterns(rewrites);
    if (failed(applyPatternsGreedily(module, std::move(rewrites))))
      return signalPassFailure();

    LowerToLLVMOptions options(&getContext());
    options.overrideIndexBitwidth(64);
    LLVMTypeConverter converter(&getContext(), options);
    configureGpuToNVVMTypeConverter(converter);
    RewritePatternSet patterns(&getContext());
    LLVMConversionTarget target(getContext());
    for (Dialect *dialect : getContext().getLoadedDialects())
      if (auto *convert = dyn_cast<ConvertToLLVMPatternInterface>(dialect))
        convert->populateConvertToLLVMConversionPatterns(target, converter, patterns);
    // Before what upstream has for the same ops: one instruction instead of a call of libdevice.
    populateGpuToNVVMConversionPatterns(converter, patterns, /*benefit=*/10);
    populateMathToLLVMConversionPatterns(converter, patterns, /*approximateLog1p=*/false, /*benefit=*/20);
    configureGpuToNVVMConversionLegality(target);
    target.addLegalOp<LLVM::FAbsOp, LLVM::FFloorOp, LLVM::FCeilOp, LLVM::SqrtOp, LLVM::RoundEvenOp, LLVM::RintOp>();
    if (failed(applyPartialConversion(module, target, std::move(patterns))))
      signalPassFailure();
  }
};

} // namespace
