// RUN: moe-opt %s --moe-fork-variants --split-input-file --verify-diagnostics

func.func @no_variants(%ids: tensor<?x2xi32>, %o: tensor<9xindex>, %i: tensor<?xindex>) {
  // expected-error @below {{expects moe.variants to be #moe.variants, got 3 : i64}}
  %offsets, %tokens, %slots = moe.plan %ids {moe.variants = 3} : tensor<?x2xi32>
      outs(%o, %i, %i : tensor<9xindex>, tensor<?xindex>, tensor<?xindex>)
      -> tensor<9xindex>, tensor<?xindex>, tensor<?xindex>
  return
}

// -----

func.func @leaves(%ids: tensor<?x2xi32>, %o: tensor<9xindex>, %i: tensor<?xindex>) -> tensor<?xindex> {
  // expected-error @below {{cannot be forked: rows in the order of the plan leave the block}}
  %offsets, %tokens, %slots = moe.plan %ids {moe.variants = #moe.variants<<grouped from 0, 0 ns>>} : tensor<?x2xi32>
      outs(%o, %i, %i : tensor<9xindex>, tensor<?xindex>, tensor<?xindex>)
      -> tensor<9xindex>, tensor<?xindex>, tensor<?xindex>
  return %slots : tensor<?xindex>
}

// -----

func.func @nothing(%ids: tensor<?x2xi32>, %o: tensor<9xindex>, %i: tensor<?xindex>) {
  // expected-error @below {{cannot be forked: nothing combines the rows}}
  %offsets, %tokens, %slots = moe.plan %ids {moe.variants = #moe.variants<<grouped from 0, 0 ns>>} : tensor<?x2xi32>
      outs(%o, %i, %i : tensor<9xindex>, tensor<?xindex>, tensor<?xindex>)
      -> tensor<9xindex>, tensor<?xindex>, tensor<?xindex>
  return
}
