; A layer of two kernels as docs/abi-gpu.md describes them, D = 4: scale multiplies rows by a weight into the workspace,
; copy brings them from there to the output. `beyond` writes past the end of the workspace.
target triple = "nvptx64-nvidia-cuda"

declare i32 @llvm.nvvm.read.ptx.sreg.ctaid.x()
declare i32 @llvm.nvvm.read.ptx.sreg.tid.x()

define ptx_kernel void @scale(i64 %t, ptr %x, i64 %xs, ptr %w, ptr %y, i64 %ys, ptr %workspace) {
  %b = call i32 @llvm.nvvm.read.ptx.sreg.ctaid.x()
  %row = zext i32 %b to i64
  %i = call i32 @llvm.nvvm.read.ptx.sreg.tid.x()
  %col = zext i32 %i to i64
  %begin = mul i64 %row, %xs
  %from = add i64 %begin, %col
  %px = getelementptr float, ptr %x, i64 %from
  %vx = load float, ptr %px, align 4
  %pw = getelementptr float, ptr %w, i64 %col
  %vw = load float, ptr %pw, align 4
  %product = fmul float %vx, %vw
  %first = mul i64 %row, 4
  %to = add i64 %first, %col
  %pt = getelementptr float, ptr %workspace, i64 %to
  store float %product, ptr %pt, align 4
  ret void
}

define ptx_kernel void @copy(i64 %t, ptr %x, i64 %xs, ptr %w, ptr %y, i64 %ys, ptr %workspace) {
  %b = call i32 @llvm.nvvm.read.ptx.sreg.ctaid.x()
  %row = zext i32 %b to i64
  %i = call i32 @llvm.nvvm.read.ptx.sreg.tid.x()
  %col = zext i32 %i to i64
  %first = mul i64 %row, 4
  %from = add i64 %first, %col
  %pf = getelementptr float, ptr %workspace, i64 %from
  %value = load float, ptr %pf, align 4
  %begin = mul i64 %row, %ys
  %to = add i64 %begin, %col
  %pt = getelementptr float, ptr %y, i64 %to
  store float %value, ptr %pt, align 4
  ret void
}

define ptx_kernel void @beyond(i64 %t, ptr %x, i64 %xs, ptr %w, ptr %y, i64 %ys, ptr %workspace) {
  %pt = getelementptr i8, ptr %workspace, i64 1048576
  store float 0.0, ptr %pt, align 4
  ret void
}
