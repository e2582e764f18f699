// RUN: moe-opt %s --split-input-file --verify-diagnostics

// moe.make_routing C1
func.func @make_c1(%ids: tensor<?x3xi32>, %w: tensor<?x2xf32>) {
  // expected-error @below {{expects ids and weights of 2 columns}}
  moe.make_routing %ids, %w : tensor<?x3xi32>, tensor<?x2xf32> -> !moe.routing<8, 2, f32>
  return
}

// -----

// moe.make_routing C2
func.func @make_c2(%ids: tensor<?x2xi32>, %w: tensor<?x2xbf16>) {
  // expected-error @below {{expects weights of type 'f32', got 'tensor<?x2xbf16>'}}
  moe.make_routing %ids, %w : tensor<?x2xi32>, tensor<?x2xbf16> -> !moe.routing<8, 2, f32>
  return
}

// -----

// moe.make_routing C3
func.func @make_c3(%ids: tensor<?x2xi32>, %w: tensor<?x2xf32>) {
  // expected-error @below {{expects a routing that picks experts, got '!moe.routing<8, 2, f32, row>'}}
  moe.make_routing %ids, %w : tensor<?x2xi32>, tensor<?x2xf32> -> !moe.routing<8, 2, f32, row>
  return
}

// -----

// moe.narrow_routing C1
func.func @narrow_c1(%r: !moe.routing<8, 2, f32, row>) {
  // expected-error @below {{expects routings that pick experts, got '!moe.routing<8, 2, f32, row>' and '!moe.routing<4, 2, f32, row>'}}
  moe.narrow_routing %r from 0 to 4 : !moe.routing<8, 2, f32, row> -> !moe.routing<4, 2, f32, row>
  return
}

// -----

// moe.narrow_routing C2
func.func @narrow_c2(%r: !moe.routing<8, 2, f32>) {
  // expected-error @below {{expects a range of the 8 experts that is not empty, got from 6 to 9}}
  moe.narrow_routing %r from 6 to 9 : !moe.routing<8, 2, f32> -> !moe.routing<3, 2, f32>
  return
}

// -----

// moe.narrow_routing C2
func.func @narrow_c2_empty(%r: !moe.routing<8, 2, f32>) {
  // expected-error @below {{expects a range of the 8 experts that is not empty, got from 4 to 4}}
  moe.narrow_routing %r from 4 to 4 : !moe.routing<8, 2, f32> -> !moe.routing<1, 2, f32>
  return
}

// -----

// moe.narrow_routing C2
func.func @narrow_c2_negative(%r: !moe.routing<8, 2, f32>) {
  // expected-error @below {{expects a range of the 8 experts that is not empty, got from -1 to 4}}
  moe.narrow_routing %r from -1 to 4 : !moe.routing<8, 2, f32> -> !moe.routing<5, 2, f32>
  return
}

// -----

// moe.narrow_routing C3
func.func @narrow_c3(%r: !moe.routing<8, 2, f32>) {
  // expected-error @below {{expects a routing of 4 experts that is like '!moe.routing<8, 2, f32>' otherwise, got '!moe.routing<5, 2, f32>'}}
  moe.narrow_routing %r from 4 to 8 : !moe.routing<8, 2, f32> -> !moe.routing<5, 2, f32>
  return
}

// -----

// moe.narrow_routing C3
func.func @narrow_c3_count(%r: !moe.routing<8, 2, f32>) {
  // expected-error @below {{expects a routing of 4 experts that is like '!moe.routing<8, 2, f32>' otherwise, got '!moe.routing<4, 1, f32>'}}
  moe.narrow_routing %r from 4 to 8 : !moe.routing<8, 2, f32> -> !moe.routing<4, 1, f32>
  return
}

// -----

// moe.unpack_routing C1
func.func @unpack_c1(%r: !moe.routing<8, 2, f32>) {
  // expected-error @below {{expects ids and weights of 2 columns}}
  moe.unpack_routing %r : !moe.routing<8, 2, f32> -> tensor<?x2xi32>, tensor<?x3xf32>
  return
}

// -----

// moe.unpack_routing C2
func.func @unpack_c2(%r: !moe.routing<8, 2, f32>) {
  // expected-error @below {{expects weights of type 'f32', got 'tensor<?x2xbf16>'}}
  moe.unpack_routing %r : !moe.routing<8, 2, f32> -> tensor<?x2xi32>, tensor<?x2xbf16>
  return
}

// -----

// moe.dispatch C1
func.func @dispatch_c1(%x: tensor<?x64xf32>, %r: !moe.routing<8, 2, f32>) {
  // expected-error @below {{expects the routing's 8 experts, got '!moe.ragged<4, 64, f32>'}}
  moe.dispatch %x by %r : tensor<?x64xf32>, !moe.routing<8, 2, f32> -> !moe.ragged<4, 64, f32>
  return
}

// -----

// moe.dispatch C2
func.func @dispatch_c2(%x: tensor<?x64xf32>, %r: !moe.routing<8, 2, f32>) {
  // expected-error @below {{expects rows of width 64, got '!moe.ragged<8, 32, f32>'}}
  moe.dispatch %x by %r : tensor<?x64xf32>, !moe.routing<8, 2, f32> -> !moe.ragged<8, 32, f32>
  return
}

// -----

// moe.dispatch C3
func.func @dispatch_c3(%x: tensor<?x64xf32>, %r: !moe.routing<8, 2, f32>) {
  // expected-error @below {{expects elements of type 'f32', got '!moe.ragged<8, 64, bf16>'}}
  moe.dispatch %x by %r : tensor<?x64xf32>, !moe.routing<8, 2, f32> -> !moe.ragged<8, 64, bf16>
  return
}

// -----

// moe.combine C1
func.func @combine_c1(%y: !moe.ragged<4, 64, f32>, %r: !moe.routing<8, 2, f32>) {
  // expected-error @below {{expects the routing's experts, got '!moe.ragged<4, 64, f32>' and '!moe.routing<8, 2, f32>'}}
  moe.combine %y by %r sum : !moe.ragged<4, 64, f32>, !moe.routing<8, 2, f32> -> tensor<?x64xf32>
  return
}

// -----

// moe.combine C2
func.func @combine_c2(%y: !moe.ragged<8, 64, f32>, %r: !moe.routing<8, 2, f32>) {
  // expected-error @below {{expects a result of width 64, got 'tensor<?x32xf32>'}}
  moe.combine %y by %r sum : !moe.ragged<8, 64, f32>, !moe.routing<8, 2, f32> -> tensor<?x32xf32>
  return
}

// -----

// moe.combine C3
func.func @combine_c3_without(%y: !moe.ragged<8, 64, f32>, %r: !moe.routing<8, 2, f32, row>) {
  // expected-error @below {{expects `like` exactly when the routing picks rows}}
  moe.combine %y by %r sum : !moe.ragged<8, 64, f32>, !moe.routing<8, 2, f32, row> -> tensor<?x64xf32>
  return
}

// -----

// moe.combine C3
func.func @combine_c3_with(%y: !moe.ragged<8, 64, f32>, %r: !moe.routing<8, 2, f32>, %x: tensor<?x64xf32>) {
  // expected-error @below {{expects `like` exactly when the routing picks rows}}
  moe.combine %y by %r sum like %x
      : !moe.ragged<8, 64, f32>, !moe.routing<8, 2, f32>, tensor<?x64xf32> -> tensor<?x64xf32>
  return
}
