namespace ModNet

/// Every training method, and what is asked of a method whatever its kind.
module internal Methods =

    let private all: AnyMethodKind list = [
        MethodKind.any EmKind.kind
        MethodKind.any ReinforceKind.kind
        MethodKind.any NoisyTopKKind.kind
        MethodKind.any LossFreeTopKKind.kind
        MethodKind.any StaticModulesKind.kind
        MethodKind.any ExactKind.kind
        MethodKind.any GameKind.kind
    ]

    let codec = Codec.union [ for kind in all -> kind.Json ]

    /// Notes what is wrong with a method, and what does not go with the network and the data.
    let check (site: MethodSite) method =
        for kind in all do
            kind.Check site method
