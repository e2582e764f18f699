// RUN: moe-opt %s --split-input-file --verify-diagnostics

// moe.select C1: a selection, a score function, of experts, that fits
func.func @select_c1(%l: tensor<?x8xf32>, %i: tensor<?x2xi32>, %v: tensor<?x2xf32>) {
  // expected-error @below {{expects a selection that picks experts, got #moe.top_k<2, axis = row>}}
  moe.select %l select #moe.top_k<2, axis = row> rank logits weigh #moe.one over each
      : tensor<?x8xf32> outs(%i, %v : tensor<?x2xi32>, tensor<?x2xf32>) -> tensor<?x2xi32>, tensor<?x2xf32>
  return
}

// -----

func.func @select_c1_selection(%l: tensor<?x8xf32>, %i: tensor<?x2xi32>, %v: tensor<?x2xf32>) {
  // expected-error @below {{expects select to be a selection such as #moe.top_k<2>, got 2 : i64}}
  moe.select %l select 2 rank logits weigh #moe.one over each
      : tensor<?x8xf32> outs(%i, %v : tensor<?x2xi32>, tensor<?x2xf32>) -> tensor<?x2xi32>, tensor<?x2xf32>
  return
}

// -----

func.func @select_c1_score(%l: tensor<?x8xf32>, %i: tensor<?x2xi32>, %v: tensor<?x2xf32>) {
  // expected-error @below {{expects weigh to be a score function such as #moe.softmax, got 1 : i64}}
  moe.select %l select #moe.top_k<2> rank logits weigh 1 over each
      : tensor<?x8xf32> outs(%i, %v : tensor<?x2xi32>, tensor<?x2xf32>) -> tensor<?x2xi32>, tensor<?x2xf32>
  return
}

// -----

func.func @select_c1_k(%l: tensor<?x8xf32>, %i: tensor<?x9xi32>, %v: tensor<?x9xf32>) {
  // expected-error @below {{expects k <= number of experts, got k = 9 and 8 experts}}
  moe.select %l select #moe.top_k<9> rank logits weigh #moe.one over each
      : tensor<?x8xf32> outs(%i, %v : tensor<?x9xi32>, tensor<?x9xf32>) -> tensor<?x9xi32>, tensor<?x9xf32>
  return
}

// -----

// moe.select C2
func.func @select_c2(%l: tensor<?x8xf32>, %i: tensor<?x2xi32>, %v: tensor<?x3xf32>) {
  // expected-error @below {{expects ids and weights of 2 columns}}
  moe.select %l select #moe.top_k<2> rank logits weigh #moe.one over each
      : tensor<?x8xf32> outs(%i, %v : tensor<?x2xi32>, tensor<?x3xf32>) -> tensor<?x2xi32>, tensor<?x3xf32>
  return
}

// -----

// moe.select C3
func.func @select_c3(%l: tensor<?x8xf32>, %b: tensor<4xf32>, %i: tensor<?x2xi32>, %v: tensor<?x2xf32>) {
  // expected-error @below {{expects a bias for each expert, got 'tensor<4xf32>'}}
  moe.select %l bias %b select #moe.top_k<2> rank logits weigh #moe.one over each : tensor<?x8xf32>, tensor<4xf32>
      outs(%i, %v : tensor<?x2xi32>, tensor<?x2xf32>) -> tensor<?x2xi32>, tensor<?x2xf32>
  return
}

// -----

// moe.plan C1
func.func @plan_c1(%ids: tensor<?x2xi32>, %o: tensor<?xindex>, %t: tensor<?xindex>) {
  // expected-error @below {{expects static offsets of at least two elements, got 'tensor<?xindex>'}}
  moe.plan %ids : tensor<?x2xi32> outs(%o, %t, %t : tensor<?xindex>, tensor<?xindex>, tensor<?xindex>)
      -> tensor<?xindex>, tensor<?xindex>, tensor<?xindex>
  return
}

// -----

// moe.plan C3
func.func @plan_capacity(%ids: tensor<?x2xi32>, %o: tensor<9xindex>, %t: tensor<?xindex>) {
  // expected-error @below {{expects capacity >= 1, got 0}}
  moe.plan %ids capacity 0 : tensor<?x2xi32> outs(%o, %t, %t : tensor<9xindex>, tensor<?xindex>, tensor<?xindex>)
      -> tensor<9xindex>, tensor<?xindex>, tensor<?xindex>
  return
}

// -----

// moe.plan C2
func.func @plan_c2(%ids: tensor<?x2xi32>, %o: tensor<9xindex>, %t: tensor<?xindex>, %s: tensor<6xindex>) {
  // expected-error @below {{expects tokens and slots of one type, got 'tensor<?xindex>' and 'tensor<6xindex>'}}
  moe.plan %ids : tensor<?x2xi32> outs(%o, %t, %s : tensor<9xindex>, tensor<?xindex>, tensor<6xindex>)
      -> tensor<9xindex>, tensor<?xindex>, tensor<6xindex>
  return
}

// -----

// moe.gather C1
func.func @gather_c1(%x: tensor<?x4xf32>, %t: tensor<?xindex>, %o: tensor<?x4xbf16>) {
  // expected-error @below {{expects rows and result of one width and element type}}
  moe.gather %x at %t : tensor<?x4xf32>, tensor<?xindex> outs(%o : tensor<?x4xbf16>) -> tensor<?x4xbf16>
  return
}

// -----

// moe.scatter C1
func.func @scatter_c1(%x: tensor<?x4xf32>, %s: tensor<?xindex>, %o: tensor<?x5xf32>) {
  // expected-error @below {{expects rows and result of one width and element type}}
  moe.scatter %x to %s : tensor<?x4xf32>, tensor<?xindex> outs(%o : tensor<?x5xf32>) -> tensor<?x5xf32>
  return
}

// -----

// moe.combine_slots C1
func.func @combine_c1(%x: tensor<?x4xf32>, %o: tensor<?x5xf32>) {
  // expected-error @below {{expects rows and result of one width, got 'tensor<?x4xf32>' and 'tensor<?x5xf32>'}}
  moe.combine_slots %x 2 sum : tensor<?x4xf32> outs(%o : tensor<?x5xf32>) -> tensor<?x5xf32>
  return
}

// -----

// moe.combine_slots C2
func.func @combine_c2(%x: tensor<?x4xf32>, %o: tensor<?x4xf32>) {
  // expected-error @below {{expects count >= 1, got 0}}
  moe.combine_slots %x 0 sum : tensor<?x4xf32> outs(%o : tensor<?x4xf32>) -> tensor<?x4xf32>
  return
}

// -----

// moe.combine_slots C2
func.func @combine_c2_negative(%x: tensor<?x4xf32>, %o: tensor<?x4xf32>) {
  // expected-error @below {{expects count >= 1, got -1}}
  moe.combine_slots %x -1 sum : tensor<?x4xf32> outs(%o : tensor<?x4xf32>) -> tensor<?x4xf32>
  return
}

// -----

// moe.combine_slots C3
func.func @combine_c3_without(%x: tensor<?x4xf32>, %o: tensor<?x4xf32>) {
  // expected-error @below {{expects weights [rows, 2] exactly for weighted_sum and log_sum_exp}}
  moe.combine_slots %x 2 weighted_sum : tensor<?x4xf32> outs(%o : tensor<?x4xf32>) -> tensor<?x4xf32>
  return
}

// -----

// moe.combine_slots C3
func.func @combine_c3_with(%x: tensor<?x4xf32>, %w: tensor<?x2xf32>, %o: tensor<?x4xf32>) {
  // expected-error @below {{expects weights [rows, 2] exactly for weighted_sum and log_sum_exp}}
  moe.combine_slots %x 2 max weights %w : tensor<?x4xf32>, tensor<?x2xf32> outs(%o : tensor<?x4xf32>) -> tensor<?x4xf32>
  return
}

// -----

// moe.combine_slots C3
func.func @combine_c3_columns(%x: tensor<?x4xf32>, %w: tensor<?x3xf32>, %o: tensor<?x4xf32>) {
  // expected-error @below {{expects weights [rows, 2] exactly for weighted_sum and log_sum_exp}}
  moe.combine_slots %x 2 log_sum_exp weights %w : tensor<?x4xf32>, tensor<?x3xf32>
      outs(%o : tensor<?x4xf32>) -> tensor<?x4xf32>
  return
}
