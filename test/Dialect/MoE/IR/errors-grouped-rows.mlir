// RUN: moe-opt %s --split-input-file --verify-diagnostics

// moe.select_rows C1
func.func @rows_c1(%l: tensor<?x8xf32>, %i: tensor<?x2xi32>, %v: tensor<?x2xf32>) {
  // expected-error @below {{expects a selection that picks rows, got #moe.top_k<2>}}
  moe.select_rows %l select #moe.top_k<2> rank logits weigh #moe.one over each
      : tensor<?x8xf32> outs(%i, %v : tensor<?x2xi32>, tensor<?x2xf32>) -> tensor<?x2xi32>, tensor<?x2xf32>
  return
}

// -----

// moe.select_rows C2
func.func @rows_c2(%l: tensor<?x8xf32>, %i: tensor<?x2xi32>, %v: tensor<?x3xf32>) {
  // expected-error @below {{expects ids and weights of 2 columns}}
  moe.select_rows %l select #moe.top_k<2, axis = row> rank logits weigh #moe.one over each
      : tensor<?x8xf32> outs(%i, %v : tensor<?x2xi32>, tensor<?x3xf32>) -> tensor<?x2xi32>, tensor<?x3xf32>
  return
}

// -----

// moe.select_rows C3
func.func @rows_c3(%l: tensor<?x8xf32>, %b: tensor<4xf32>, %i: tensor<?x2xi32>, %v: tensor<?x2xf32>) {
  // expected-error @below {{expects a bias for each expert, got 'tensor<4xf32>'}}
  moe.select_rows %l bias %b select #moe.top_k<2, axis = row> rank logits weigh #moe.one over each
      : tensor<?x8xf32>, tensor<4xf32> outs(%i, %v : tensor<?x2xi32>, tensor<?x2xf32>)
      -> tensor<?x2xi32>, tensor<?x2xf32>
  return
}

// -----

// moe.select_within C1
func.func @within_c1(%p: tensor<?x2xi32>, %q: tensor<?x2xf32>, %l: tensor<?x8xf32>, %i: tensor<?x2xi32>,
    %v: tensor<?x2xf32>) {
  // expected-error @below {{expects a selection that picks experts, got #moe.top_k<1, axis = row>}}
  moe.select_within %p, %q, %l nodes 4 select #moe.top_k<1, axis = row> weigh #moe.one over each
      : tensor<?x2xi32>, tensor<?x2xf32>, tensor<?x8xf32> outs(%i, %v : tensor<?x2xi32>, tensor<?x2xf32>)
      -> tensor<?x2xi32>, tensor<?x2xf32>
  return
}

// -----

// moe.select_within C2
func.func @within_c2(%p: tensor<?x2xi32>, %q: tensor<?x2xf32>, %l: tensor<?x8xf32>, %i: tensor<?x2xi32>,
    %v: tensor<?x2xf32>) {
  // expected-error @below {{expects the number of nodes to divide the experts, got 3 nodes and 8 experts}}
  moe.select_within %p, %q, %l nodes 3 select #moe.top_k<1> weigh #moe.one over each
      : tensor<?x2xi32>, tensor<?x2xf32>, tensor<?x8xf32> outs(%i, %v : tensor<?x2xi32>, tensor<?x2xf32>)
      -> tensor<?x2xi32>, tensor<?x2xf32>
  return
}

// -----

func.func @within_c2_none(%p: tensor<?x2xi32>, %q: tensor<?x2xf32>, %l: tensor<?x8xf32>, %i: tensor<?x2xi32>,
    %v: tensor<?x2xf32>) {
  // expected-error @below {{expects the number of nodes to divide the experts, got 0 nodes and 8 experts}}
  moe.select_within %p, %q, %l nodes 0 select #moe.top_k<1> weigh #moe.one over each
      : tensor<?x2xi32>, tensor<?x2xf32>, tensor<?x8xf32> outs(%i, %v : tensor<?x2xi32>, tensor<?x2xf32>)
      -> tensor<?x2xi32>, tensor<?x2xf32>
  return
}

// -----

// moe.select_within C3
func.func @within_c3(%p: tensor<?x2xi32>, %q: tensor<?x2xf32>, %l: tensor<?x8xf32>, %i: tensor<?x2xi32>,
    %v: tensor<?x2xf32>) {
  // expected-error @below {{expects k <= number of experts, got k = 3 and 2 experts}}
  moe.select_within %p, %q, %l nodes 4 select #moe.top_k<3> weigh #moe.one over each
      : tensor<?x2xi32>, tensor<?x2xf32>, tensor<?x8xf32> outs(%i, %v : tensor<?x2xi32>, tensor<?x2xf32>)
      -> tensor<?x2xi32>, tensor<?x2xf32>
  return
}

// -----

// moe.select_within C4
func.func @within_c4(%p: tensor<?x2xi32>, %q: tensor<?x2xf32>, %l: tensor<?x8xf32>, %i: tensor<?x1xi32>,
    %v: tensor<?x1xf32>) {
  // expected-error @below {{expects ids and weights of 2 columns}}
  moe.select_within %p, %q, %l nodes 4 select #moe.top_k<1> weigh #moe.one over each
      : tensor<?x2xi32>, tensor<?x2xf32>, tensor<?x8xf32> outs(%i, %v : tensor<?x1xi32>, tensor<?x1xf32>)
      -> tensor<?x1xi32>, tensor<?x1xf32>
  return
}

// -----

// moe.select_within C5
func.func @within_c5(%p: tensor<?x2xi32>, %q: tensor<?x3xf32>, %l: tensor<?x8xf32>, %i: tensor<?x2xi32>,
    %v: tensor<?x2xf32>) {
  // expected-error @below {{expects weights of 2 columns for the nodes, got 'tensor<?x3xf32>'}}
  moe.select_within %p, %q, %l nodes 4 select #moe.top_k<1> weigh #moe.one over each
      : tensor<?x2xi32>, tensor<?x3xf32>, tensor<?x8xf32> outs(%i, %v : tensor<?x2xi32>, tensor<?x2xf32>)
      -> tensor<?x2xi32>, tensor<?x2xf32>
  return
}

// -----

// moe.plan_all C1
func.func @all_c1(%n: index, %o: tensor<1xindex>, %t: tensor<?xindex>) {
  // expected-error @below {{expects static offsets of at least two elements, got 'tensor<1xindex>'}}
  moe.plan_all %n outs(%o, %t, %t : tensor<1xindex>, tensor<?xindex>, tensor<?xindex>)
      -> tensor<1xindex>, tensor<?xindex>, tensor<?xindex>
  return
}

// -----

// moe.plan_all C2
func.func @all_c2(%n: index, %o: tensor<9xindex>, %t: tensor<?xindex>, %s: tensor<6xindex>) {
  // expected-error @below {{expects tokens and slots of one type, got 'tensor<?xindex>' and 'tensor<6xindex>'}}
  moe.plan_all %n outs(%o, %t, %s : tensor<9xindex>, tensor<?xindex>, tensor<6xindex>)
      -> tensor<9xindex>, tensor<?xindex>, tensor<6xindex>
  return
}

// -----

// moe.plan_rows C1
func.func @plan_c1(%ids: tensor<?x2xi32>, %o: tensor<1xindex>, %t: tensor<?xindex>) {
  // expected-error @below {{expects static offsets of at least two elements, got 'tensor<1xindex>'}}
  moe.plan_rows %ids : tensor<?x2xi32> outs(%o, %t, %t : tensor<1xindex>, tensor<?xindex>, tensor<?xindex>)
      -> tensor<1xindex>, tensor<?xindex>, tensor<?xindex>
  return
}

// -----

// moe.plan_rows C2
func.func @plan_c2(%ids: tensor<?x2xi32>, %o: tensor<9xindex>, %t: tensor<?xindex>, %s: tensor<6xindex>) {
  // expected-error @below {{expects tokens and slots of one type, got 'tensor<?xindex>' and 'tensor<6xindex>'}}
  moe.plan_rows %ids : tensor<?x2xi32> outs(%o, %t, %s : tensor<9xindex>, tensor<?xindex>, tensor<6xindex>)
      -> tensor<9xindex>, tensor<?xindex>, tensor<6xindex>
  return
}

// -----

// moe.gather C2
func.func @gather_c2(%x: tensor<?x4xf32>, %t: tensor<?xindex>, %w: tensor<?xf32>) {
  // expected-error @below {{expects weights and the slots to read them at together, got only one of them}}
  moe.gather %x at %t weights %w : tensor<?x4xf32>, tensor<?xindex> weights tensor<?xf32>
      outs(%x : tensor<?x4xf32>) -> tensor<?x4xf32>
  return
}

// -----

// moe.combine_slots C4
func.func @combine_c4(%x: tensor<?x4xf32>, %i: tensor<?x3xi32>) {
  // expected-error @below {{expects ids [rows, 2], got 'tensor<?x3xi32>'}}
  moe.combine_slots %x 2 sum ids %i : tensor<?x4xf32> ids tensor<?x3xi32> outs(%x : tensor<?x4xf32>) -> tensor<?x4xf32>
  return
}

// -----

// moe.combine_slots C5
func.func @combine_c5(%x: tensor<?x4xf32>) {
  // expected-error @below {{expects weights or ids with shared rows}}
  moe.combine_slots %x shared 2 sum : tensor<?x4xf32> outs(%x : tensor<?x4xf32>) -> tensor<?x4xf32>
  return
}

// -----

// moe.combine_rows C1
func.func @combine_rows_c1(%x: tensor<?x4xf32>, %i: tensor<?x2xi32>, %o: tensor<?x5xf32>) {
  // expected-error @below {{expects rows and result of one width, got 'tensor<?x4xf32>' and 'tensor<?x5xf32>'}}
  moe.combine_rows %x by %i sum : tensor<?x4xf32>, tensor<?x2xi32> outs(%o : tensor<?x5xf32>) -> tensor<?x5xf32>
  return
}

// -----

// moe.combine_rows C2
func.func @combine_rows_c2(%x: tensor<?x4xf32>, %i: tensor<?x2xi32>) {
  // expected-error @below {{expects weights of 2 columns exactly for weighted_sum and log_sum_exp}}
  moe.combine_rows %x by %i weighted_sum : tensor<?x4xf32>, tensor<?x2xi32> outs(%x : tensor<?x4xf32>) -> tensor<?x4xf32>
  return
}

// -----

func.func @combine_rows_c2_sum(%x: tensor<?x4xf32>, %i: tensor<?x2xi32>, %w: tensor<?x2xf32>) {
  // expected-error @below {{expects weights of 2 columns exactly for weighted_sum and log_sum_exp}}
  moe.combine_rows %x by %i sum weights %w : tensor<?x4xf32>, tensor<?x2xi32>, tensor<?x2xf32>
      outs(%x : tensor<?x4xf32>) -> tensor<?x4xf32>
  return
}
