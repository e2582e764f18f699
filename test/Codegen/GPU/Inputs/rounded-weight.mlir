func.func @k(%x: tensor<?x4xf32>, %w: tensor<8x4xf32> {moe.format = "int8"}) {
  return
}
