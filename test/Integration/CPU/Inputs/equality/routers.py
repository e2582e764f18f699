# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Routers as text, a table row for each kind: scores, ways to select, score functions, renormalisations."""

NORMALIZING = ("softmax",)
FUNCTIONS = ("softmax", "sigmoid", "sqrt_softplus", "identity", "one")
RENORMALIZE = ("", "", "renormalize <>", "renormalize <p = 2.0>", "renormalize <eps = 1.0e-3>",
               "renormalize <min = 0.75>", "renormalize <p = 3.0, eps = 1.0e-6, min = 0.1>")  # fmt: skip
SCALES = ("", "", "scale 2.5", "scale 0.125", "scale -1.5")


def affine(layer, experts, logits, name):
    weight = layer.weight(name, (experts, layer.D), layer.router_type, "grid")
    types = f"tensor<?x{layer.D}x{layer.t}>, tensor<{experts}x{layer.D}x{layer.router_type}>"
    bias = ""
    if layer.rng.random() < 0.3:
        bias = f" bias {layer.weight(name + '_bias', (experts,), layer.router_type, 'grid')}"
        types += f", tensor<{experts}x{layer.router_type}>"
        layer.note("router bias")
    return f"moe.score.affine %x, {weight}{bias} : {types} -> tensor<?x{experts}x{logits}>"


def neg_distance(layer, experts, logits, name):
    power = layer.rng.choice((1, 2))
    layer.note(f"distance^{power}")
    # Differences are taken in the type of the rows.
    points = layer.weight(name, (experts, layer.D), layer.t, "grid")
    return (f"moe.score.neg_distance %x, {points} power {power} : tensor<?x{layer.D}x{layer.t}>, "
            f"tensor<{experts}x{layer.D}x{layer.t}> -> tensor<?x{experts}x{logits}>")  # fmt: skip


SCORES = (affine, affine, affine, neg_distance)


def score(layer, experts, name):
    logits = layer.rng.choice(("f32", "f32", "bf16"))
    out = layer.text.name("logits")
    layer.text.add(f"{out} = {layer.rng.choice(SCORES)(layer, experts, logits, name)}")
    return out, logits


# Ways to select: (attribute, number of slots, axis, has groups) of E experts; None where E does not allow it.


def top_k(rng, experts):
    k = rng.choice((1, 2, experts, max(1, experts - 1), rng.randint(1, experts)))
    k = min(k, experts)
    return f"#moe.top_k<{k}>", k, "expert", False


def top_k_capacity(rng, experts):
    k = rng.randint(1, min(experts, 8))
    return f"#moe.top_k<{k}, capacity = {rng.choice((1, 2, 3, 7, 50))}>", k, "expert", False


def rows_of_experts(rng, experts):
    k = rng.randint(1, 6)
    return f"#moe.top_k<{k}, axis = row>", k, "row", False


def rows_in_windows(rng, experts):
    k = rng.randint(1, 4)
    return f"#moe.top_k<{k}, axis = row, window = {k + rng.randint(0, 9)}>", k, "row", False


def group_top_k(rng, experts):
    sizes = [n for n in range(2, experts + 1) if experts % n == 0]
    if not sizes:
        return None
    groups = rng.choice(sizes)
    size = experts // groups
    keep, mask = rng.randint(1, groups), rng.choice(("neg_inf", "zero"))
    k = rng.randint(1, min(16, keep * size if mask == "neg_inf" else experts))
    reduce = rng.choice(("max", "top2_sum")) if size >= 2 else "max"
    return (
        f"#moe.group_top_k<{k}, groups = {groups}, keep = {keep}, reduce = {reduce}, mask = {mask}>",
        k,
        "expert",
        True,
    )


def every_expert(rng, experts):
    return ("#moe.all", experts, "expert", False) if experts <= 16 else None


SELECTS = (
    top_k,
    top_k,
    top_k,
    top_k_capacity,
    group_top_k,
    group_top_k,
    rows_of_experts,
    rows_in_windows,
    every_expert,
)


def select(rng, experts, kinds=SELECTS):
    while True:
        chosen = rng.choice(kinds)(rng, experts)
        if chosen:
            return chosen


def routing_type(experts, count, dtype, axis):
    return f"!moe.routing<{experts}, {count}, {dtype}{', row' if axis == 'row' else ''}>"


def weigh(rng, groups, sets):
    """A score function and the set it is normalised over."""
    function = rng.choice(FUNCTIONS)
    over = rng.choice((*sets, "group") if groups else sets) if function in NORMALIZING else "each"
    return function, over


def route(layer):
    """moe.route: (routing, its type, number of slots, axis, logits, their type)."""
    rng, experts = layer.rng, layer.E
    logits, logits_type = score(layer, experts, "router")
    attribute, count, axis, groups = select(rng, experts)
    function, over = weigh(rng, groups, ("all", "selected"))
    rank = "logits" if over == "selected" else rng.choice(("logits", "scores"))
    bias = bias_type = ""
    if rng.random() < 0.25:
        bias = f" bias {layer.weight('choice_bias', (experts,), 'f32', 'grid')}"
        bias_type = f", tensor<{experts}xf32>"
        layer.note("selection bias")
    scale = rng.choice(SCALES)
    more = " ".join(filter(None, (rng.choice(RENORMALIZE), scale)))
    layer.negative = function == "identity" or "-" in scale
    kind = routing_type(experts, count, layer.weight_type, axis)
    layer.note(f"{attribute} rank {rank} #moe.{function} over {over} {more}".strip())
    out = layer.text.name("routing")
    layer.text.add(f"{out} = moe.route {logits}{bias} select {attribute} rank {rank} weigh #moe.{function} over {over} "
                   f"{more} : tensor<?x{experts}x{logits_type}>{bias_type} -> {kind}")  # fmt: skip
    layer.logits = (logits, logits_type)
    return out, kind, count, axis


def levels(layer):
    """A tree: moe.route among nodes, moe.route_within among their children."""
    rng = layer.rng
    nodes, children = rng.randint(1, 5), rng.randint(1, 5)
    layer.E = nodes * children
    plain = (top_k, top_k, top_k_capacity, every_expert)
    parent, parents, _, _ = select(rng, nodes, plain)
    child, per_node, _, groups = select(rng, children, (*plain, group_top_k))
    function, over = weigh(rng, False, ("all", "selected"))
    layer.negative = function == "identity"
    near, near_type = score(layer, nodes, "nodes")
    nearer, nearer_type = score(layer, layer.E, "leaves")
    node_type = routing_type(nodes, parents, layer.weight_type, "expert")
    kind = routing_type(layer.E, parents * per_node, layer.weight_type, "expert")
    node, leaf = layer.text.name("node"), layer.text.name("leaf")
    layer.note(f"{parent} then {child} #moe.{function} over {over}")
    layer.text.add(f"{node} = moe.route {near} select {parent} rank logits weigh #moe.softmax over selected "
                   f": tensor<?x{nodes}x{near_type}> -> {node_type}")  # fmt: skip
    layer.text.add(f"{leaf} = moe.route_within {node}, {nearer} select {child} weigh #moe.{function} over {over} "
                   f": {node_type}, tensor<?x{layer.E}x{nearer_type}> -> {kind}")  # fmt: skip
    return leaf, kind, parents * per_node, "expert"


def given(layer):
    """moe.make_routing of ids and weights from a second input: ids of -1 are slots that go nowhere."""
    count = layer.rng.randint(1, min(5, layer.E))
    layer.given, layer.weight_type = count, "f32"
    kind = routing_type(layer.E, count, "f32", "expert")
    width = 2 * count
    layer.note(f"make_routing {count}")
    layer.text.lines += f"""%c0 = arith.constant 0 : index
%tokens = tensor.dim %given, %c0 : tensor<?x{width}xf32>
%none = tensor.empty(%tokens) : tensor<?x{count}xi32>
%numbers = tensor.extract_slice %given[0, 0] [%tokens, {count}] [1, 1]
    : tensor<?x{width}xf32> to tensor<?x{count}xf32>
%factors = tensor.extract_slice %given[0, {count}] [%tokens, {count}] [1, 1]
    : tensor<?x{width}xf32> to tensor<?x{count}xf32>
%chosen = linalg.map ins(%numbers : tensor<?x{count}xf32>) outs(%none : tensor<?x{count}xi32>) (%v: f32, %o: i32) {{
  %id = arith.fptosi %v : f32 to i32
  linalg.yield %id : i32
}}
%made = moe.make_routing %chosen, %factors : tensor<?x{count}xi32>, tensor<?x{count}xf32> -> {kind}""".splitlines()
    return "%made", kind, count, "expert"


ROUTERS = (route, route, route, route, route, levels, given)
