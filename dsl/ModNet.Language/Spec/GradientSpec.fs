namespace ModNet

/// What takes the gradient steps, on θ and φ alike. g is the gradient of the method's loss, r the scheduled rate.
type Optimizer =
    /// m ← 0.9 m + 0.1 g, v ← 0.999 v + 0.001 g², θ ← θ − r · m̂ / (√v̂ + 1e-8), with m̂ = m / (1 − 0.9ⁿ) and v̂ = v / (1 − 0.999ⁿ) in
    /// the n-th step.
    | Adam of rate: float
    /// Adam, and every step first takes r · decay · θ away from θ.
    | AdamW of rate: float * decay: float
    /// v ← momentum · v + g, θ ← θ − r · v.
    | Sgd of rate: float * momentum: float

/// How the rate goes over the gradient steps: step t = 0, 1, … of T is taken at the optimiser's rate times a factor.
type Schedule =
    /// 1.
    | Constant
    /// ½ (1 + cos(π t / T)): from 1 towards 0.
    | Cosine
    /// factor^⌊t / every⌋.
    | Decay of every: int * factor: float
    /// (t + 1) / steps while t < steps; then `after`, with its own t from 0 and the T − steps that are left.
    | Warmup of steps: int * after: Schedule

/// What a gradient step does to the modules that nothing in its minibatch chose.
type Unselected =
    /// What the optimiser makes of a gradient of zero: the moments of `Adam` decay and weights go on moving for a while, `AdamW` shrinks
    /// them, momentum carries them on.
    | Drift
    /// Nothing: each module is trained as by an optimiser of its own, that only takes the steps in which the module is in use. Cost then
    /// follows the modules in use, not M.
    | Rest

/// In which numbers the products of modules are multiplied.
type Precision =
    /// float32, as all else.
    | Float32Products
    /// bfloat16, which has 8 bits of precision where float32 has 24. Weights, gradients of weights, controllers and heads stay in float32.
    | Bfloat16Products

/// How gradient steps are taken, by any method.
type GradientSteps = {
    /// Datapoints in a minibatch.
    Batch: int
    /// The number of gradient steps in all; 0 where they are said in epochs.
    Steps: int
    Optimizer: Optimizer
    Unselected: Unselected
    Schedule: Schedule
    /// The greatest norm of the gradients of all parameters together, to which a step scales them down; None leaves them as they are.
    ClipNorm: float option
    /// Training ends after so many evaluations on end that are no better than the best by the validation set; None trains to the end.
    EarlyStopping: int option
    /// The number of passes through the training data that the gradient steps go on for; None where the steps are said.
    Epochs: int option
    /// The share of every label that is spread evenly over all classes in the loss, in [0, 1); 0 is without.
    LabelSmoothing: float
    /// The decay of a moving average of the weights, in (0, 1), by which the network is evaluated; None keeps none.
    AverageWeights: float option
    /// The number of shards that every minibatch is cut into, each of which has a pass of its own; None is as many as there are ranks.
    Shards: int option
    /// Each shard trains by itself for so many gradient steps, and then their weights are averaged; None adds their gradients in every step.
    LooseRounds: int option
    /// In which numbers the products of modules are multiplied.
    Precision: Precision
}
