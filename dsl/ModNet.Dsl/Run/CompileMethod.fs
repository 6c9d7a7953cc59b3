namespace ModNet

open ModNet.Runtime

/// A training method's settings as the runtime has them.
module internal CompileMethod =

    let private optimizer (optimizer: Optimizer) : OptimizerKind =
        match optimizer with
        | Adam rate -> AdamKind rate
        | AdamW(rate, decay) -> AdamWKind(rate, decay)
        | Sgd(rate, momentum) -> SgdKind(rate, momentum)

    let rec private schedule (steps: int) (schedule': ModNet.Schedule) : Runtime.Schedule =
        match schedule' with
        | Constant -> ConstantSchedule()
        | Cosine -> CosineSchedule(int64 steps)
        | Decay(every, factor) -> DecaySchedule(int64 every, factor)
        | Warmup(warm, after) -> WarmupSchedule(int64 warm, schedule (steps - warm) after)

    let em (em: Em) : EmSettings =
        EmSettings(
            em.Samples,
            em.MSteps,
            int64 em.EBatch,
            int64 em.Batch,
            Optimizer = optimizer em.Optimizer,
            Schedule = schedule em.Steps em.Schedule,
            ControllerWeight = em.ControllerWeight,
            Start =
                match em.Start with
                | AtRandom -> EmStart.AtRandom
                | Sweep -> EmStart.Sweep
        )
