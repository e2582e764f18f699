// RUN: moe-opt %s --moe-analyze --split-input-file --verify-diagnostics

// expected-error@+1 {{moe.assume expects a dictionary such as {samples = 10000}, got 5 : i64}}
func.func @no_dictionary() attributes {moe.assume = 5} { return }

// -----

// expected-error@+1 {{moe.assume has no entry 'sample': expected one of rows, samples, confidence}}
func.func @unknown() attributes {moe.assume = {sample = 5}} { return }

// -----

// expected-error@+1 {{moe.assume expects samples, the number of samples a model is trained on, to be a whole number of at least 1, got 1.5}}
func.func @fraction() attributes {moe.assume = {samples = 1.5}} { return }

// -----

// expected-error@+1 {{to be a whole number of at least 1, got "many"}}
func.func @text() attributes {moe.assume = {samples = "many"}} { return }

// -----

// expected-error@+1 {{expects confidence, how probable it may be that a bound fails, to be a number between 0 and 1, got 1 : i64}}
func.func @certain() attributes {moe.assume = {confidence = 1}} { return }

// -----

// expected-error@+1 {{expects lipschitz, the Lipschitz constant of the loss, to be a number above 0}}
func.func @zero() attributes {moe.assume = {lipschitz = 0.0}} { return }

// -----

// expected-error@+1 {{expects rademacher, the Rademacher complexity of the class of one expert, to be a number of at least 0}}
func.func @negative() attributes {moe.assume = {rademacher = -1.0}} { return }

// -----

// expected-error@+1 {{to be a number of at least 0}}
func.func @not_a_number() attributes {moe.assume = {rademacher = 0x7FC00000 : f32}} { return }

// -----

// expected-error@+1 {{expects cells, how many fitted experts are nearest to each true one, to be a list of whole numbers of at least 1}}
func.func @cells() attributes {moe.assume = {cells = [2, 0]}} { return }

// -----

// expected-error@+1 {{to be a list of numbers, got [0, "one"]}}
func.func @domain() attributes {moe.assume = {domain = [0, "one"]}} { return }

// -----

moe.weight @w : tensor<2x4xf32> from "w"
// expected-error@+1 {{moe.assume has no entry 'k'}}
moe.layer @layer block 0 = @kernel(@w) {moe.assume = {k = 1}}
func.func @kernel(%x: tensor<?x4xf32>, %w: tensor<2x4xf32>) -> tensor<?x4xf32> {
  return %x : tensor<?x4xf32>
}
